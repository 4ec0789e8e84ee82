#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Send limits through a daemon: exact under parallel sessions, over killed
workers and reloads, shared by two daemons, looked at and changed by command."""

import os
import signal
import sqlite3
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.redis import Redis                                 # noqa: E402
from lib.scene import (Scene, actor, records, section,      # noqa: E402
                       serving, wait_for)

LOGIN = 'alice@example.com'
KEY = 'mailbox:' + LOGIN


def limits(*rows, name='limits', **values):
    return section('ratelimit', name, limits=list(rows), **values)


class Limits(Scene):
    def send_as(self, m, login=LOGIN, recipients=('<bob@example.net>',),
                queue_id='4Xk2Qz', sender='<a@example.com>', headers=None,
                body=b'hello\r\n'):
        macros = {'i': queue_id}
        if login:
            macros['{auth_authen}'] = login
            macros['{auth_type}'] = 'PLAIN'
        m.macros('M', macros)
        return m.send_message((sender, recipients),
                              headers or [('Subject', 'hi')], body)

    def accepted(self, d, count, **values):
        """How many of so many messages one after the other."""
        with self.session(d) as m:
            return sum(self.send_as(m, **values).verdict == 'accept'
                       for _ in range(count))

    def in_parallel(self, daemons, threads, each, **values):
        """How many messages were accepted over parallel sessions."""
        got = []

        def work(d):
            got.append(self.accepted(d, each, **values))
        running = [threading.Thread(target=work,
                                    args=(daemons[i % len(daemons)],))
                   for i in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual(len(got), threads)
        return sum(got)

    def used(self, d, key=LOGIN, limit=None):
        """What `millrace limits show` says was used."""
        rows = [row for instance in d.json('limits', 'show', key)
                for row in instance['limits']]
        return {row['limit']: row['used'] for row in rows
                if row['key'].endswith(key) or ':' in key}


class Counting(Limits):
    def test_parallel_sessions_get_exactly_n(self):
        d = self.daemon(limits('50 messages / 1h'))
        self.assertEqual(self.in_parallel([d], 16, 10), 50)
        self.assertEqual(self.used(d), {'50 messages / 1h': 50})

    def test_the_reply_says_when(self):
        d = self.daemon(limits('1 message / 1h'))
        with self.session(d) as m:
            self.send_as(m)
            message = self.send_as(m)
        self.assertEqual(message.ended_at, 'mail')
        self.assertRegex(message.verdict[1],
                         r'^450 4\.7\.1 Sending limit reached: 1 message / '
                         r'1h, try again in \d+ minutes$')
        record = records(d, 2)[1]
        self.assertEqual([s['name'] for s in record['symbols']],
                         ['RATELIMIT_OVER'])

    def test_what_is_refused_does_not_count(self):
        """Ten tries that fail, for whatever reason, and the limit is whole."""
        for act in ('eom reject', 'eom tempfail', 'rcpt reject',
                    'data tempfail', 'header reject'):
            d = self.daemon(limits('2 messages / 1h'), actor('after', act))
            self.assertEqual(self.accepted(d, 10), 0, act)
            wait_for(lambda: self.used(d) == {'2 messages / 1h': 0},
                     what=act)

    def test_an_abort_gives_back(self):
        d = self.daemon(limits('1 message / 1h'))
        with self.session(d) as m:
            for _ in range(10):
                m.macros('M', {'i': 'Q', '{auth_authen}': LOGIN})
                self.assertEqual(m.mail('<a@example.com>'), 'continue')
                self.assertEqual(m.rcpt('<b@example.net>'), 'continue')
                m.abort()
            self.assertEqual(self.send_as(m).verdict, 'accept')
            self.assertNotEqual(self.send_as(m).verdict, 'accept')

    def test_a_lost_client_gives_back(self):
        d = self.daemon(limits('1 message / 1h'))
        for _ in range(5):
            with self.session(d) as m:
                m.macros('M', {'i': 'Q', '{auth_authen}': LOGIN})
                m.mail('<a@example.com>')
                self.assertEqual(m.rcpt('<b@example.net>'), 'continue')
            wait_for(lambda: self.used(d) == {'1 message / 1h': 0})

    def test_recipients_one_by_one(self):
        d = self.daemon(limits('100 recipients / 1h'))
        with self.session(d) as m:
            message = self.send_as(m, recipients=[
                f'<r{i}@example.net>' for i in range(300)])
        self.assertEqual(message.verdict, 'accept')
        self.assertEqual(len(message.recipients), 100)
        self.assertEqual(self.used(d), {'100 recipients / 1h': 100})

    def test_bytes_are_those_that_came(self):
        d = self.daemon(limits('10 KB / 1d'))
        with self.session(d) as m:
            # It says 9000, and is 1020 or so: nine of those fit.
            got = [self.send_as(m, sender=('<a@example.com>', 'SIZE=2000'),
                                body=b'x' * 1000).verdict
                   for _ in range(12)]
            self.assertEqual(got[:9], ['accept'] * 9)
            self.assertEqual(got[9:], [got[9]] * 3)
            self.assertEqual(got[9][1][:3], '450')
            message = self.send_as(
                m, sender=('<a@example.com>', 'SIZE=20000'))
        self.assertEqual(message.verdict[1][:9], '552 5.3.4')

    def test_a_crash_does_not_count_twice(self):
        """The worker dies after the charge; the message is told again."""
        d = self.daemon(
            limits('5 messages / 1h'),
            actor('after', 'eom segv', on_error='continue'),
            trouble=True)
        with self.session(d) as m:
            for _ in range(2):
                self.assertEqual(self.send_as(m).verdict, 'accept')
        self.assertEqual(self.used(d), {'5 messages / 1h': 2})

    def test_killed_workers_never_let_more_through(self):
        """kill -9 in the middle of traffic: never more than N, and what was
        taken by those that died is missing at most."""
        d = self.daemon(limits('60 messages / 1h'), trouble=True)
        stop = threading.Event()

        def kill():
            while not stop.wait(0.05):
                for pid in list(serving(d))[:1]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            got = self.in_parallel([d], 8, 25)
        finally:
            stop.set()
            killer.join()
        self.assertLessEqual(got, 60)
        self.assertGreaterEqual(got, 40)
        self.assertLessEqual(got + self.accepted(d, 60), 60)

    def test_two_daemons_share_a_store(self):
        first = self.daemon(limits('40 messages / 1h'))
        second = self.daemon(limits('40 messages / 1h'),
                             store='lmdb:' + first.path('store'))
        self.assertEqual(self.in_parallel([first, second], 8, 10), 40)

    def test_observe_counts_and_lets_pass(self):
        d = self.daemon(limits('3 messages / 1h', mode='observe'))
        self.assertEqual(self.accepted(d, 5), 5)
        self.assertEqual(self.used(d), {'3 messages / 1h': 3})
        symbols = [s['name'] for r in records(d, 5) for s in r['symbols']]
        self.assertEqual(symbols, ['RATELIMIT_OVER'] * 2)

    def test_hold(self):
        d = self.daemon(limits('2 messages / 1h', over='hold',
                               hold_margin='50'))
        with self.session(d) as m:
            answers = [self.send_as(m) for _ in range(4)]
        self.assertEqual([a.verdict for a in answers[:3]], ['accept'] * 3)
        self.assertEqual([a.edits for a in answers[:3]], [
            [], [], [('quarantine', 'sending limit reached')]])
        self.assertEqual(answers[3].verdict[1][:3], '450')

    def test_a_dry_run_changes_nothing(self):
        d = self.daemon(limits('2 messages / 1h'))
        for _ in range(5):
            done = d.command('check', '--ip', '192.0.2.1', '--auth', LOGIN,
                             '--from', LOGIN, '--rcpt', 'b@example.net', '-',
                             input='Subject: hi\n\nhello\n')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.used(d), {'2 messages / 1h': 0})


class Keys(Limits):
    def test_mailbox_domain_and_server(self):
        d = self.daemon(limits(
            '4 messages / 1h', 'domain: 6 messages / 1h',
            'server: 8 messages / 1h',
            key=['mailbox = lower({auth_authen})',
                 'domain = domain({auth_authen})', "server = 'all'"]))
        self.assertEqual(self.accepted(d, 9), 4)
        self.assertEqual(self.accepted(d, 9, login='bob@example.com'), 2)
        self.assertEqual(self.accepted(d, 9, login='carol@example.org'), 2)

    def test_networks(self):
        d = self.daemon(limits('2 messages / 1h',
                               key='client = net({client_addr}, 24, 64)'))

        def of(addr, family='4'):
            with self.session(d, addr=addr, family=family) as m:
                return sum(self.send_as(m, login=None).verdict == 'accept'
                           for _ in range(2))
        self.assertEqual([of('192.0.2.1'), of('192.0.2.9'),
                          of('198.51.100.1')], [2, 0, 2])
        self.assertEqual([of('2001:db8::1', '6'), of('2001:db8::ffff', '6'),
                          of('2001:db8:0:1::1', '6')], [2, 0, 2])

    def test_mail_of_programs_by_a_header(self):
        d = self.daemon(limits(
            '3 messages / 1h', count_at='eom',
            key="uid = before(header(X-PHP-Originating-Script), ':')"))

        def of(uid):
            return self.accepted(d, 4, login=None, headers=[
                ('X-PHP-Originating-Script', f'{uid}:mail.php')])
        self.assertEqual([of(1001), of(1002)], [3, 3])

    def test_strange_logins_are_spelt(self):
        d = self.daemon(limits('1 message / 1h', reply='{key}'))
        login = 'a b%"\\\u00e4'
        with self.session(d) as m:
            self.send_as(m, login=login)
            message = self.send_as(m, login=login)
        self.assertEqual(message.verdict[1],
                         '450 4.7.1 mailbox:a%%20b%%25"\\%%C3%%A4')
        rows = d.json('limits', 'top')
        self.assertEqual([row['key'] for row in rows],
                         ['mailbox:a%20b%25"\\%C3%A4'])


class Overrides(Limits):
    def test_a_change_of_the_file_keeps_the_counts(self):
        path = os.path.join('/run', f'millrace-overrides-{os.getpid()}')
        self.addCleanup(os.unlink, path)
        with open(path, 'w') as f:
            f.write(f'{KEY}  2 messages / 1h\n')
        d = self.daemon(limits('9 messages / 1h',
                               overrides='map:file:' + path))
        self.assertEqual(self.accepted(d, 5), 2)
        with open(path + '.new', 'w') as f:
            f.write(f'{KEY}  4 messages / 1h, 9 recipients / 1d\n')
        os.rename(path + '.new', path)
        got = []

        def more():
            got.append(self.accepted(d, 5))
            return sum(got) >= 2
        wait_for(more)
        self.assertEqual(sum(got), 2)

    def test_sql(self):
        path = os.path.join('/run', f'millrace-sql-{os.getpid()}.db')
        self.addCleanup(os.unlink, path)
        with sqlite3.connect(path) as db:
            db.execute('CREATE TABLE limits (key TEXT, limits TEXT)')
            db.execute('INSERT INTO limits VALUES (?, ?)',
                       (KEY, '2 messages / 1h'))
        db.close()
        d = self.daemon(limits('9 messages / 1h', overrides_sql=path))
        self.assertEqual(self.accepted(d, 5), 2)
        show = d.command('limits', 'show', LOGIN).stdout
        self.assertIn('sql ' + KEY, show)

    def test_set_block_and_back(self):
        d = self.daemon(limits('3 messages / 1h'))
        self.assertEqual(self.accepted(d, 5), 3)
        done = d.command('limits', 'set', LOGIN, '500 messages / 1h')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f'{KEY}: 500 messages / 1h\n')
        wait_for(lambda: self.accepted(d, 1) == 1)
        d.command('limits', 'block', LOGIN, 'Please', 'call us', check=True)

        def refused():
            with self.session(d) as m:
                return self.send_as(m).verdict == (
                    'replycode', '550 5.7.1 Please call us')
        wait_for(refused)
        show = d.json('limits', 'show', LOGIN)[0]
        self.assertEqual((show['blocked'], show['blocked_source']),
                         ('Please call us', 'store ' + KEY))
        self.assertGreaterEqual(show['refused'], 3)
        d.command('limits', 'unblock', LOGIN, check=True)
        wait_for(lambda: self.accepted(d, 1) == 1)
        d.command('limits', 'set', LOGIN, 'default', check=True)
        self.assertEqual(d.json('limits', 'show', LOGIN)[0]['limits'][0]
                         ['limit'], '3 messages / 1h')

    def test_reset(self):
        d = self.daemon(limits('3 messages / 1h, 2 distinct recipients / 1d'))
        self.assertEqual(self.accepted(d, 5), 3)
        done = d.command('limits', 'reset', LOGIN)
        self.assertEqual((done.returncode, done.stdout),
                         (0, f'{LOGIN}: 2 counters are at 0\n'))
        self.assertEqual(self.accepted(d, 5), 3)
        self.assertEqual(d.command('limits', 'reset', 'nobody').returncode, 1)


class Fleet(Limits):
    """Two daemons as two hosts: each its own machine but for one Redis."""

    def two(self, server, *rows, **values):
        return [self.daemon(limits(*rows, **values), store=server.url())
                for _ in range(2)]

    def test_hosts_accept_n_together(self):
        with Redis() as server:
            daemons = self.two(server, '100 messages / 1h',
                               '120 recipients / 1h')
            self.assertEqual(self.in_parallel(daemons, 16, 15), 100)
            self.assertEqual(self.used(daemons[0]), {
                '100 messages / 1h': 100, '120 recipients / 1h': 100})

    def test_what_is_refused_counts_nowhere(self):
        with Redis() as server:
            d = self.daemon(limits('5 messages / 1h', '9 distinct '
                                   'recipients / 1d'),
                            actor('after', 'eom reject'), store=server.url())
            other = self.daemon(limits('5 messages / 1h', '9 distinct '
                                       'recipients / 1d'),
                                store=server.url())
            self.assertEqual(self.accepted(d, 20), 0)
            wait_for(lambda: self.accepted(other, 1) == 1)
            self.assertEqual(self.accepted(other, 9), 4)

    def test_a_command_reaches_all_hosts(self):
        with Redis() as server:
            first, second = self.two(server, '9000 messages / 1h')
            self.assertEqual(self.accepted(second, 1), 1)
            first.command('limits', 'block', LOGIN, 'No', check=True)
            wait_for(lambda: self.accepted(second, 1) == 0)
            second.command('limits', 'unblock', LOGIN, check=True)
            wait_for(lambda: self.accepted(first, 1) == 1)

    def test_the_server_is_away(self):
        """share: each host its part; then what is left, and no more.

        Until both have told the server what they took, the bound is that
        of millrace.conf(5), STORE: one and a half times the limit.
        """
        with Redis() as server:
            daemons = self.two(server, '40 messages / 1h')
            for d in daemons:
                self.assertEqual(self.accepted(d, 1), 1)
            server.kill()
            got = [2] + [self.accepted(d, 15) for d in daemons]
            self.assertLessEqual(sum(got), 40 * 3 // 2)
            self.assertGreater(sum(got), 2)
            server.start()

            def more():
                round = [self.accepted(d, 5) for d in daemons]
                got.extend(round)
                return sum(got) >= 40 and sum(round) == 0
            wait_for(more, timeout=30)
            self.assertLessEqual(sum(got), 40 * 3 // 2)

    def test_tempfail_and_open(self):
        with Redis() as server:
            strict = self.daemon(limits('9 messages / 1h',
                                        when_store_down='tempfail'),
                                 store=server.url())
            lax = self.daemon(limits('9 messages / 1h',
                                     when_store_down='open'),
                              store=server.url())
            self.assertEqual(self.accepted(strict, 1), 1)
            server.kill()
            self.assertEqual(self.accepted(strict, 3), 0)
            self.assertEqual(self.accepted(lax, 12), 12)


class Command(Limits):
    def test_top(self):
        d = self.daemon(limits('4 messages / 1h, unlimited recipients / 1d'))
        for n, login in enumerate(('alice', 'bob', 'carol'), 1):
            self.accepted(d, n, login=login)
        rows = d.json('limits', 'top')
        self.assertEqual(
            [(r['key'], r['limit'], r['used'], r['free']) for r in rows[:3]],
            [('mailbox:carol', '4 messages / 1h', 3, 1),
             ('mailbox:bob', '4 messages / 1h', 2, 2),
             ('mailbox:alice', '4 messages / 1h', 1, 3)])
        self.assertEqual(len(rows), 6)
        self.assertEqual(len(d.json('limits', 'top', '2')), 2)
        text = d.command('limits', 'top', '1').stdout.splitlines()
        self.assertEqual(len(text), 2)
        self.assertRegex(text[1], r'^mailbox:carol +4 messages / 1h +3 +1 ')

    def test_show_says_which_refuses(self):
        d = self.daemon(limits(
            '2 messages / 1h', 'domain: 9 messages / 1h',
            key=['mailbox = lower({auth_authen})',
                 'domain = domain({auth_authen})']))
        self.accepted(d, 3)
        text = d.command('limits', 'show', 'Alice@example.com').stdout
        self.assertIn(f'refuses now: {KEY} 2 messages / 1h\n', text)
        self.assertIn('domain:example.com ', text)
        self.assertIn('refused in the last day: 1\n', text)
        self.assertRegex(text, r'in \d+ minutes')

    def test_export(self):
        d = self.daemon(limits('2 messages / 1h'))
        self.accepted(d, 2)
        d.command('limits', 'set', 'bob', 'unlimited', check=True)
        d.command('limits', 'block', 'eve', check=True)
        lines = d.command('limits', 'export').stdout.splitlines()
        self.assertEqual(lines, [
            f'limits\t{KEY}\t2 messages / 1h\t2\t0\tconfig',
            'set\tmailbox:bob\tunlimited', 'block\tmailbox:eve\t'])

    def test_wrong_words(self):
        d = self.daemon(limits('2 messages / 1h'))
        for words, status, what in (
                (('show',), 2, 'show KEY'),
                (('show', 'planet:x'), 1, 'no instance has such a key'),
                (('set', 'a', '5 mails / 1h'), 2, 'the unit must be'),
                (('set', 'a', 'planet: 5 messages / 1h'), 2,
                 'there is no key of that name'),
                (('set', 'a', 'default'), 1, 'nothing to take back'),
                (('unblock', 'a'), 1, 'nothing to take back'),
                (('top', 'x'), 2, 'top [N]'),
                (('top', '--instance', 'x'), 2, 'no such instance')):
            done = d.command('limits', *words)
            self.assertEqual(done.returncode, status, words)
            self.assertIn(what, done.stderr)


if __name__ == '__main__':
    unittest.main()
