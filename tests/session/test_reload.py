#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Reload: whole or not at all, and no session notices."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD, ROOT                      # noqa: E402
from lib.milter import Closed                           # noqa: E402
from lib.scene import (BODY, RECIPIENT, SENDER, Scene, actor,   # noqa: E402
                       control, echo, fronts, listener, mx, records, serving,
                       wait_for)

SMALL = '''
#include <millrace/plugin.h>
static mr_verdict on_eom(struct mr_ctx *c)
{
	c->host->add_header(c, "X-Small", VALUE);
	return MR_CONTINUE;
}
MR_PLUGIN(small) = { MR_PLUGIN_HEAD, .name = "small", .version = VALUE,
	.summary = "for a test", .actions = MR_ACTION_ADD_HEADER,
	.on_eom = on_eom };
'''


def build_small(folder, value):
    """A plugin that adds X-Small: VALUE; put in place at once."""
    source = os.path.join(folder, 'small.c')
    with open(source, 'w') as f:
        f.write(SMALL)
    new = os.path.join(folder, 'small.new')
    subprocess.run(['gcc', '-shared', '-fPIC', f'-DVALUE="{value}"',
                    '-I', os.path.join(ROOT, 'include'), '-o', new, source],
                   check=True)
    os.makedirs(os.path.join(folder, 'plugins'), exist_ok=True)
    os.rename(new, os.path.join(folder, 'plugins', 'small.so'))


class Reload(Scene):
    def reload(self, d, *sections, text=None):
        """By the control socket; the answer."""
        d.write(text or mx(*sections))
        return control(d, 'reload')

    def test_by_signal(self):
        d = self.daemon(actor('a', 'eom add X-A: 1'))
        d.write(mx(actor('a', 'eom add X-A: 2')))
        d.process.send_signal(signal.SIGHUP)
        d.wait_log('generation 2 is in force')
        with self.session(d) as m:
            self.assertEqual(self.message(m)[0][0][2], '2')

    def test_a_session_moves_with_its_next_message(self):
        d = self.daemon(actor('a', 'mail continue', 'eom add X-A: 1'))
        with self.session(d) as m:
            m.mail(SENDER)
            self.assertEqual(
                self.reload(d, actor('a', 'mail continue',
                                     'eom add X-A: 2')),
                {'ok': True, 'generation': 2})
            self.wait_plan(d, 2)
            m.rcpt(RECIPIENT)
            self.assertEqual(m.eom()[0][0][2], '1')
            self.assertEqual(self.message(m)[0][0][2], '2')
        self.wait_generations(d, {2})

    def wait_plan(self, d, generation):
        d.wait_log(f'new messages use generation {generation}')

    def wait_generations(self, d, wanted):
        wait_for(lambda: {w['generation']
                          for w in control(d, 'status')['workers']} == wanted)

    def test_what_the_session_knows_moves_along(self):
        d = self.daemon(actor('a', 'connect continue', 'eom echo'))
        with self.session(d, name='c.example.com', addr='192.0.2.77',
                          helo='h.example.com') as m:
            m.macros('H', {'{tls_version}': 'TLSv1.3'})
            m.helo('h2.example.com')
            self.message(m)
            self.reload(d, actor('a', 'connect continue', 'eom echo'))
            self.wait_plan(d, 2)
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Client'),
                         ['c.example.com 192.0.2.77 49152'])
        self.assertEqual(echo(edits, 'Helo'), ['h2.example.com'])
        self.assertEqual(echo(edits, 'Tls'), ['TLSv1.3'])

    def test_what_was_answered_at_connect_is_not_taken_back(self):
        d = self.daemon(actor('a', 'connect continue', 'helo continue',
                              'eom add X-A: 1'))
        with self.session(d) as m:
            self.reload(d, actor('a', 'connect reject', 'helo reject',
                                 'eom add X-A: 2'))
            self.wait_plan(d, 2)
            edits, verdict = self.message(m)
            self.assertEqual((edits[0][2], verdict), ('2', 'accept'))

    def test_a_session_that_cannot_move_stays(self):
        """The new chain needs the body, which this MTA does not send."""
        d = self.daemon(actor('a', 'eom add X-A: old'))
        with self.session(d) as old:
            self.reload(d, actor('a', 'eom echo-body'))
            self.wait_plan(d, 2)
            for _ in range(2):
                self.assertEqual(self.message(old)[0],
                                 [('addheader', 'X-A', 'old')])
            with self.session(d) as new:
                self.assertEqual(
                    echo(self.message(new)[0], 'Body')[0][:9], 'bytes=15 ')
            self.assertEqual({w['generation'] for w in
                              control(d, 'status')['workers']}, {1, 2})
        self.wait_generations(d, {2})

    def test_a_wrong_config_changes_nothing(self):
        d = self.daemon(actor('a', 'eom add X-A: 1'))
        before = fronts(d)['mx']['pid'], sorted(
            wait_for(lambda: len(serving(d)) == 2 and serving(d)))
        for text, words in (
                (mx(actor('a', 'eom continue', nonsense='1')),
                 'unknown option "nonsense"'),
                (mx(actor('a', 'eom nonsense')), 'act: eom nonsense'),
                (listener('mx', ['missing']), 'missing'),
                ('listener "mx" {', ''), ('actor', ''),
                (mx(actor('a', 'open abort')), ''),
                (mx(actor('a', 'open error my reason')), 'my reason'),
                (mx('ghost "a" {}\n'), 'ghost')):
            with self.subTest(text):
                answer = self.reload(d, text=text)
                self.assertIn(words, answer['error'])
                if 'abort' not in text:
                    self.assertRegex(answer['error'],
                                     r'millrace\.conf:\d+: ')
                with self.session(d) as m:
                    self.assertEqual(self.message(m)[0],
                                     [('addheader', 'X-A', '1')])
        self.assertEqual((fronts(d)['mx']['pid'], sorted(serving(d))),
                         before)
        self.assertIn('the configuration is not changed', d.log())

    def test_a_missing_config(self):
        d = self.daemon(actor('a', 'eom add X-A: 1'))
        os.rename(d.config(), d.config() + '.away')
        self.assertIn('millrace.conf', control(d, 'reload')['error'])
        os.rename(d.config() + '.away', d.config())
        self.assertEqual(control(d, 'reload')['ok'], True)

    def test_what_only_a_restart_can_change(self):
        d = self.daemon(actor('a', 'eom add X-A: 1'))
        text = mx(actor('a', 'eom add X-A: 2'))
        answer = self.reload(d, text='pid-file = "@/other.pid"\n' + text)
        self.assertIn('pid-file cannot be changed by a reload',
                      answer['error'])
        with self.session(d) as m:
            self.assertEqual(self.message(m)[0][0][2], '1')

    def test_a_new_plugin_binary(self):
        d = self.daemon(actor('a', 'eom continue'))
        build_small(d.folder, 'one')
        text = mx('small "s" {}\n')
        self.reload(d, text=text)
        self.wait_plan(d, 2)
        with self.session(d) as m:
            self.assertEqual(self.message(m)[0],
                             [('addheader', 'X-Small', 'one')])
            build_small(d.folder, 'two')
            self.assertEqual(self.message(m)[0][0][2], 'one')
            self.reload(d, text=text)
            self.wait_plan(d, 3)
            self.assertEqual(self.message(m)[0][0][2], 'two')

    def test_a_plugin_that_goes(self):
        d = self.daemon(actor('a', 'eom continue'))
        os.unlink(d.path('plugins/actor.so'))
        self.assertIn('actor', control(d, 'reload')['error'])
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')

    def test_several_at_once_are_answered_all(self):
        d = self.daemon(actor('a', 'eom continue'))
        answers = []
        threads = [threading.Thread(
            target=lambda: answers.append(control(d, 'reload')))
            for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([a.get('ok') for a in answers], [True] * 6)


class Listeners(Scene):
    def text(self, *names, **more):
        return ''.join(listener(n, ['a'], f'unix:@/{n}.sock', **more)
                       for n in names) + actor('a', 'mail continue',
                                               'eom add X-A: 1')

    def test_added_and_removed(self):
        d = self.daemon(text=self.text('one'))
        d.write(self.text('one', 'two'))
        self.assertEqual(control(d, 'reload').get('ok'), True)
        with self.session(d, self.address(d, 'two.sock')) as two:
            self.message(two)
            two.mail(SENDER)
            d.write(self.text('one'))
            self.assertEqual(control(d, 'reload').get('ok'), True)
            # What is in flight there is finished.
            two.rcpt(RECIPIENT)
            self.assertEqual(two.eom()[1], 'accept')
            with self.assertRaises((Closed, OSError)):
                for _ in range(100):
                    two.mail(SENDER)
                    two.abort()
                    time.sleep(0.05)
        wait_for(lambda: not os.path.exists(d.path('two.sock')))
        self.assertEqual(list(fronts(d)), ['one'])
        with self.session(d, self.address(d, 'one.sock')) as one:
            self.assertEqual(self.message(one)[1], 'accept')

    def test_status_while_one_is_being_removed(self):
        d = self.daemon(text=self.text('one', 'two'))
        with self.session(d, self.address(d, 'two.sock')) as two:
            two.mail(SENDER)
            for _ in range(3):
                d.write(self.text('one'))
                self.assertEqual(control(d, 'reload').get('ok'), True)
                self.assertIn('one', fronts(d))
            two.rcpt(RECIPIENT)
            self.assertEqual(two.eom()[1], 'accept')
        wait_for(lambda: list(fronts(d)) == ['one'])
        self.assertFalse(os.path.exists(d.path('two.sock')))

    def test_renamed_on_the_same_socket(self):
        d = self.daemon(text=self.text('one'))
        pid = fronts(d)['one']['pid']
        d.write(self.text('one').replace('listener "one"',
                                         'listener "other"'))
        self.assertEqual(control(d, 'reload').get('ok'), True)
        self.assertEqual(fronts(d)['other']['pid'], pid)
        d.wait_log('new messages use generation 2')
        with self.session(d, self.address(d, 'one.sock')) as m:
            self.message(m)
        self.assertEqual(records(d)[0]['listener'], 'other')

    def test_a_socket_that_cannot_be_opened(self):
        d = self.daemon(text=self.text('one'))
        d.write(self.text('one') + listener('bad', ['a'],
                                            'unix:@/missing/x.sock'))
        error = control(d, 'reload')['error']
        self.assertRegex(error, r'millrace\.conf:\d+: listener "bad": ')
        with self.session(d, self.address(d, 'one.sock')) as m:
            self.assertEqual(self.message(m)[1], 'accept')


class UnderLoad(Scene):
    def test_20_reloads(self):
        """Nothing refused, cut or put off."""
        d = self.daemon(actor('a', 'rcpt continue', 'eom add X-A: 1'))
        faults, done, stop = [], [], threading.Event()

        def client():
            while not stop.is_set():
                try:
                    with self.session(d) as m:
                        for _ in range(20):
                            edits, verdict = self.message(m)
                            done.append((verdict, edits[0][2]))
                except Exception as e:
                    faults.append(e)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for c in clients:
            c.start()
        slowest = 0
        for n in range(20):
            d.write(mx(actor('a', 'rcpt continue', f'eom add X-A: {n}')))
            began = time.monotonic()
            self.assertEqual(control(d, 'reload').get('ok'), True)
            slowest = max(slowest, time.monotonic() - began)
        stop.set()
        for c in clients:
            c.join()
        print(f'20 reloads beside {len(done)} messages, the slowest '
              f'{slowest * 1e3:.0f} ms')
        self.assertEqual(faults, [])
        self.assertEqual({v for v, _ in done}, {'accept'})
        self.assertEqual(fronts(d)['mx']['replays'], 0)
        wait_for(lambda: {w['generation'] for w in
                          control(d, 'status')['workers']} == {21})


if __name__ == '__main__':
    unittest.main()
