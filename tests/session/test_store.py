#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The store as plugins of a running daemon see it."""

import os
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD, Daemon                            # noqa: E402
from lib.redis import Redis                                     # noqa: E402
from lib.scene import Scene, actor, mx, serving, wait_for       # noqa: E402


ENOUGH = ('replycode', '450 4.7.1 it is enough')
LATER = ('replycode', '451 4.7.1 Please try again later')


class Store(Scene):
    def send_some(self, d, count, results):
        with self.session(d) as m:
            for _ in range(count):
                results.append(self.message(m)[1])

    def send_parallel(self, daemons, sessions, each):
        """How many messages of all were accepted."""
        results = []
        threads = [threading.Thread(
            target=self.send_some, args=(daemons[i % len(daemons)], each,
                                         results)) for i in range(sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), sessions * each)
        self.assertLessEqual(set(results), {'accept', ENOUGH})
        return results.count('accept')

    def kept(self, d):
        with self.session(d) as m:
            edits, _ = self.message(m)
        return [edit[2] for edit in edits if edit[1] == 'X-Keep']

    def check(self, d):
        return d.command('check', '--ip', '192.0.2.1', '--from',
                         'a@example.com', '--rcpt', 'b@example.net',
                         d.path('m'))

    def again(self, d):
        d.stop()
        os.truncate(d.path('log'), 0)
        d.start()

    # One machine

    def test_workers_share_a_limit(self):
        d = self.daemon(actor('a', 'eom take k 20 3600000'), workers=3)
        self.assertEqual(self.send_parallel([d], 8, 6), 20)

    def test_it_outlives_the_daemon(self):
        d = Daemon(mx(actor('a', 'eom count k')))
        self.addCleanup(d.__exit__)
        d.start()
        self.assertEqual(self.kept(d), ['0 1'])
        self.assertEqual(self.kept(d), ['0 2'])
        self.again(d)
        self.assertEqual(self.kept(d), ['0 3'])
        for pid in serving(d):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: serving(d))
        self.assertEqual(self.kept(d), ['0 4'])
        d.reload()
        self.assertEqual(self.kept(d), ['0 5'])

    def test_a_message_told_again_counts_once(self):
        d = self.daemon(actor('a', 'eom take k 20 3600000'),
                        actor('b', 'eom segv', on_error='continue'),
                        trouble=True)
        self.assertEqual(self.kept(d), ['0 1'])
        self.assertEqual(self.kept(d), ['0 2'])

    def test_it_is_the_users(self):
        d = self.daemon(actor('a', 'eom count k'))
        self.assertEqual(self.kept(d), ['0 1'])
        names = os.listdir(d.path('store'))
        self.assertIn('data.mdb', names)
        owner = os.stat(d.path('spool')).st_uid
        for name in names:
            self.assertEqual(
                os.stat(d.path('store/' + name)).st_uid, owner, name)

    def test_a_dry_run_leaves_nothing(self):
        d = Daemon(mx(actor('a', 'eom take k 1 3600000')))
        self.addCleanup(d.__exit__)
        d.prepare()
        with open(d.path('m'), 'w', encoding='ascii') as f:
            f.write('From: a@example.com\n\nhi\n')
        for _ in range(2):
            done = self.check(d)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('X-Keep', done.stdout)
        self.assertFalse(os.path.exists(d.path('store')))
        d.start()
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')
        self.check(d)
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], ENOUGH)

    def test_a_folder_that_cannot_be_used(self):
        """Only who needs the store is hit, and the log says why."""
        d = self.daemon(actor('a', 'eom count k', on_error='continue'),
                        store='lmdb:/proc/nothing/here', trouble=True)
        self.assertEqual(self.kept(d), [])
        self.assertRegex(d.log(), 'service store/1: /proc/nothing/here')

    # Several

    def server(self, **settings):
        r = Redis(**settings)
        self.addCleanup(r.__exit__)
        return r.start()

    def test_two_daemons_share_a_limit(self):
        r = self.server()
        pair = [self.daemon(actor('a', 'eom take k 20 3600000'),
                            store=r.url(), workers=2) for _ in range(2)]
        self.assertEqual(self.send_parallel(pair, 8, 6), 20)
        self.assertEqual(r.call('ZCARD', 'mr:{fleet}:hosts'), 2)

    def test_a_password(self):
        r = self.server(requirepass='"open sesame"')
        d = Daemon(mx(actor('a', 'eom count k')), options=(
            f'store = "redis+unix://{r.socket}?3"\n'
            'store-password-file = "@/password"'))
        self.addCleanup(d.__exit__)
        d.prepare()
        with open(d.path('password'), 'w', encoding='ascii') as f:
            f.write('open sesame\n')
        os.chmod(d.path('password'), 0o604)
        done = d.command('config')
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r'millrace.conf:\d+: '
                         r'store-password-file: .*chmod 640')
        os.chmod(d.path('password'), 0o600)
        d.start()
        wait_for(lambda: self.kept(d) == ['0 1'])
        self.assertNotIn('sesame', d.log() + d.command('config').stdout)
        d.stop()

    def test_the_server_goes_and_comes(self):
        r = self.server()
        d = self.daemon(actor('a', 'eom take k 1000 3600000'),
                        actor('b', 'eom take k2 1000 3600000 share'),
                        store=r.url(), workers=1)
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')
            r.kill()
            self.assertEqual(self.message(m)[1], LATER)
            r.start()
            wait_for(lambda: self.message(m)[1] == 'accept')


class Wrong(unittest.TestCase):
    def test_what_is_said(self):
        for store, why in (
                ('redis', '"redis" is not a store: write lmdb:/folder'),
                ('redis://a:secret@h', 'a password does not stand here'),
                ('lmdb:store', 'write the whole path'),
                ('rediss://h', 'cannot speak TLS')):
            d = Daemon(mx(actor('a', 'eom count k')),
                       options=f'store = "{store}"')
            self.addCleanup(d.__exit__)
            d.prepare()
            done = subprocess.run(
                [os.path.join(BUILD, 'millraced'), '-t', '-c', d.config()],
                capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr,
                             r'millrace\.conf:\d+: store: .*' + why)


if __name__ == '__main__':
    unittest.main()
