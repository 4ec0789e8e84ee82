#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Greylisting through a daemon: put off once, passed after the delay, pools
of servers as one, listed and released by command."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.redis import Redis                                 # noqa: E402
from lib.scene import (Scene, actor, records, section,      # noqa: E402
                       wait_for)

ANN, BOB = '<ann@example.org>', '<bob@example.test>'


def greylist(**values):
    return section('greylist', 'grey', **{'delay': '1h', **values})


class Greylist(Scene):
    def answer(self, d, addr='192.0.2.1', sender=ANN, to=BOB, login=None,
               family='4'):
        """'accept', or what the recipient was told."""
        with self.session(d, addr=addr, family=family) as m:
            m.macros('M', {'i': 'Q', **({'{auth_authen}': login}
                                        if login else {})})
            message = m.send_message(
                (sender, (to,)), [('Subject', 'hi')], b'hello\r\n')
        if message.verdict == 'accept':
            return 'accept'
        return message.verdict[1]

    def listed(self, d):
        return sorted((row['state'], row['origin'], row['sender_domain'],
                       row['recipient'])
                      for row in d.json('greylist', 'list'))

    def test_put_off_and_why(self):
        d = self.daemon(greylist())
        self.assertEqual(self.answer(d), '450 4.7.1 Greylisted, please try '
                                         'again in 60 minutes')
        self.assertRegex(self.answer(d), '^450 4.7.1 .* in 60 minutes$')
        self.assertEqual(self.listed(d), [
            ('waits', '192.0.2.0/24', 'example.org', 'bob@example.test')])
        record = records(d)[0]
        self.assertEqual(
            [(s['name'], s['detail']) for s in record['symbols']],
            [('GREYLISTED', '192.0.2.0/24 example.org bob@example.test')])

    def test_it_passes_after_the_delay(self):
        d = self.daemon(greylist(delay='1s'))
        self.assertIn(' in 1 seconds', self.answer(d))
        wait_for(lambda: self.answer(d) == 'accept')
        # Another server of the same network, another sender at the domain.
        self.assertEqual(self.answer(d, addr='192.0.2.200',
                                     sender='<x@Example.ORG>'), 'accept')
        self.assertEqual(self.listed(d), [
            ('passed', '192.0.2.0/24', 'example.org', 'bob@example.test')])

    def test_each_recipient_by_itself(self):
        d = self.daemon(greylist(delay='0'))
        self.answer(d)
        self.assertEqual(self.answer(d), 'accept')
        with self.session(d) as m:
            m.macros('M', {'i': 'Q'})
            m.mail(ANN)
            self.assertEqual(m.rcpt(BOB), 'continue')
            self.assertEqual(m.rcpt('<carol@example.test>')[1][:3], '450')

    def test_another_network_is_another_origin(self):
        d = self.daemon(greylist(delay='0', prefix_v4='28'))
        self.answer(d)
        self.assertEqual(self.answer(d, addr='192.0.2.15'), 'accept')
        self.assertNotEqual(self.answer(d, addr='192.0.2.16'), 'accept')
        self.answer(d, addr='2001:db8::1', family='6')
        self.assertEqual(
            self.answer(d, addr='2001:db8::2:3', family='6'), 'accept')

    def test_a_pool_that_passes_spf_is_one_origin(self):
        d = self.daemon(actor('spf', 'mail note spf.result pass',
                              'mail note spf.domain Example.org'),
                        greylist(delay='0'))
        self.answer(d, addr='192.0.2.1')
        self.assertEqual(self.answer(d, addr='203.0.113.9'), 'accept')
        self.assertEqual(self.listed(d)[0][1], 'example.org')

    def test_who_passed_often_is_not_asked(self):
        d = self.daemon(greylist(delay='0', auto_allow='2'))
        for to in ('<a@example.test>', '<b@example.test>'):
            self.assertNotEqual(self.answer(d, to=to), 'accept')
            self.assertEqual(self.answer(d, to=to), 'accept')
        self.assertEqual(self.answer(d, to='<c@example.test>'), 'accept')

    def test_who_is_not_asked(self):
        d = self.daemon(
            actor('dkim', 'eom note dkim.count 2', 'eom note dkim.1.result '
                  'fail', 'eom note dkim.2.result pass',
                  'eom note dkim.2.domain known.example'),
            greylist(allow_clients='198.51.100.0/24', at='eom',
                     known_domains='known.example'))
        self.assertEqual(self.answer(d), 'accept')
        d = self.daemon(greylist(allow_clients='198.51.100.0/24',
                                 known_domains='known.example'))
        self.assertEqual(self.answer(d, addr='198.51.100.7'), 'accept')
        self.assertEqual(self.answer(d, login='ann'), 'accept')
        self.assertNotEqual(self.answer(d), 'accept')

    def test_at_eom_all_recipients_are_noted(self):
        d = self.daemon(greylist(at='eom', delay='0'))

        def both():
            with self.session(d) as m:
                return self.send(m, recipients=(
                    '<a@example.test>', '<b@example.test>'))
        first = both()
        self.assertEqual((first.ended_at, first.verdict[1][:9]),
                         ('eom', '450 4.7.1'))
        self.assertEqual(len(self.listed(d)), 2)
        self.assertEqual(both().verdict, 'accept')

    def test_only_what_score_suspects(self):
        for points, first in ((4, '450 4.7.1'), (3, 'accept')):
            d = self.daemon(
                actor('a', f'mail symbol A {points}'),
                section('score', 'score', greylist='4', reject='0'),
                greylist(at='eom', whom='suspects', delay='0'))
            self.assertEqual(self.answer(d)[:9], first)
            self.assertEqual(self.answer(d), 'accept')
            self.assertEqual(len(self.listed(d)), int(points == 4))

    def test_two_daemons_share_what_they_know(self):
        first = self.daemon(greylist(delay='0'))
        second = self.daemon(greylist(delay='0'),
                             store='lmdb:' + first.path('store'))
        self.answer(first)
        self.assertEqual(self.answer(second), 'accept')

    def test_hosts_share_what_they_know(self):
        with Redis() as server:
            first, second = (self.daemon(greylist(delay='0'),
                                         store=server.url())
                             for _ in range(2))
            self.answer(first)
            self.assertEqual(self.answer(second), 'accept')
            self.assertEqual(len(self.listed(first)), 1)
            server.kill()
            # Nobody knows: it passes.
            self.assertEqual(self.answer(first, to='<x@example.test>'),
                             'accept')

    def test_release_and_forget(self):
        d = self.daemon(greylist())
        self.answer(d)
        self.answer(d, to='<carol@example.test>')
        done = d.command('greylist', 'release', 'Bob@example.test')
        self.assertEqual((done.returncode, done.stdout),
                         (0, '1 entries pass from now on\n'))
        self.assertEqual(self.answer(d), 'accept')
        self.assertNotEqual(
            self.answer(d, to='<carol@example.test>'), 'accept')
        done = d.command('greylist', 'forget', '192.0.2.0/24')
        self.assertEqual(done.stdout, '2 entries are forgotten\n')
        self.assertEqual(self.listed(d), [])
        self.assertEqual(
            d.command('greylist', 'release', 'x').returncode, 1)

    def test_what_senders_write_is_spelt(self):
        d = self.daemon(greylist())
        self.answer(d, sender='<"a b"@ex ample.org>',
                    to='<%s@example.test>' % ('x' * 300))
        state, origin, domain, to = self.listed(d)[0]
        self.assertEqual(domain, 'ex%20ample.org')
        self.assertLess(len(to), 120)
        text = d.command('greylist', 'list', 'ex ample.org').stdout
        self.assertEqual(len(text.splitlines()), 2)

    def test_a_wrong_configuration(self):
        d = self.daemon(greylist())
        d.write(d.text.replace('delay = "1h"',
                               'delay = "1h"\n  retry-within = "30m"'))
        done = d.reload()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('retry-within: it must be longer than delay',
                      done.stdout + done.stderr)
        d.write(d.text.replace('retry-within = "30m"', 'whom = suspects'))
        done = d.reload()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('whom: what score thinks of a message is known at its '
                      'end: set at = eom', done.stdout + done.stderr)


if __name__ == '__main__':
    unittest.main()
