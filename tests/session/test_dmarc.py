#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin dmarc over the wire: policies, From, faults of the DNS."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dmarcscene import FAIL, Dmarc, dkim, spf   # noqa: E402
from lib.scene import actor, section                # noqa: E402


class Policies(Dmarc):
    def test_each(self):
        d = self.judge(*FAIL)
        cases = (
            ('a@example.com', 'reject', 'DMARC_REJECT'),
            ('a@news.example.com', 'quarantine', 'DMARC_QUARANTINE'),
            ('a@typo.example.com', 'reject', 'DMARC_REJECT'),
            ('a@q.example', 'quarantine', 'DMARC_QUARANTINE'),
            ('a@none.example', 'accept', 'DMARC_NONE'),
            ('a@test.example', 'quarantine', 'DMARC_QUARANTINE'),
            ('a@twice.example', 'accept', 'DMARC_NO_POLICY'),
            ('a@nobody.example', 'accept', 'DMARC_NO_POLICY'),
            ('a@b\u00fccher.example', 'reject', 'DMARC_REJECT'),
            ('a@mega.bank.example', 'reject', 'DMARC_REJECT'),
            ('a@long.example', 'reject', 'DMARC_REJECT'),
            ('no address', 'accept', 'DMARC_NO_DOMAIN'))
        for sender, verdict, _ in cases:
            with self.subTest(sender):
                self.assertEqual(self.one(d, sender)[0], verdict)
        self.assertEqual(
            [name for name, _ in self.symbols(d, len(cases))],
            [symbol for _, _, symbol in cases])

    def test_what_the_client_is_told(self):
        d = self.judge(*FAIL)
        verdict, reply, _ = self.one(d, '"CEO" <a@example.com>')
        self.assertEqual((verdict, reply), (
            'reject', '550 5.7.1 Email rejected per DMARC policy for '
                      'example.com'))

    def test_pass(self):
        d = self.judge(*spf('fail', 'elsewhere.example'),
                       *dkim(('fail', 'example.com', 'old'),
                             ('pass', 'mail.example.com', 'new')))
        verdict, _, results = self.one(d, 'a@example.com')
        self.assertEqual((verdict, results), (
            'accept', [('dmarc', 'pass', None,
                        {'header.from': 'example.com',
                         'policy.dmarc': 'none'})]))

    def test_several_domains_have_a_result_each(self):
        d = self.judge(*spf('pass', 'none.example'))
        _, _, results = self.one(
            d, 'a@none.example, b@q.example', 'c@nobody.example')
        self.assertEqual([(r[1], r[3]['header.from']) for r in results],
                         [('pass', 'none.example'), ('fail', 'q.example'),
                          ('none', 'nobody.example')])

    def test_hostile_from(self):
        """Whatever From holds, the result is read as it was meant."""
        d = self.judge(*spf('fail', 'x"; dkim=pass (.example'),
                       *dkim(('pass', 'a;b=c', '"\\'), ('fail', '(', ')')))
        for value in ('"; dmarc=pass header.from=x" <a@none.example>',
                      'a@none.example (; dmarc=pass',
                      'a@none.example\r\n\t; dmarc=pass',
                      '<a@none.example>, <b@"; dmarc=pass">',
                      '=?utf-8?q?x=0D=0ABcc:_y?= <a@none.example>',
                      '\x01\xff <a@none.example>',
                      ', ' * 500 + 'a@none.example',
                      '(' * 3000 + 'a@none.example'):
            with self.subTest(value[:40]):
                verdict, _, results = self.one(d, value)
                self.assertEqual(verdict, 'accept')
                for result in results:
                    self.assertEqual(
                        result[:2] + (result[3]['header.from'],),
                        ('dmarc', 'fail', 'none.example'))
                self.assertEqual(len(results), 1)

    def test_who_is_let_off(self):
        d = self.judge(
            *spf('pass', 'forwarder.example'),
            *dkim(('pass', 'lists.example', 's')),
            overrides=['q.example reject'],
            trusted_forwarders=['forwarder.example score 1.5'])
        self.assertEqual(self.one(d, 'a@example.com')[0], 'accept')
        self.assertEqual(self.one(d, 'a@q.example')[0], 'reject')
        self.assertEqual(self.symbols(d, 2), [
            ('DMARC_REJECT', 1.5), ('DMARC_QUARANTINE', 0)])

    def test_notes_for_later_plugins(self):
        d = self.daemon(
            section('spf', 'spf', mode='off'), actor('found', *FAIL),
            section('dmarc', 'dmarc', reject='score'),
            actor('later', *(f'eom echo-note dmarc.{key}' for key in (
                'result', 'domain', 'org-domain', 'policy', 'disposition',
                'aligned-spf', 'aligned-dkim'))))
        message = self.ask(d, 'a@typo.example.com')
        self.assertEqual(
            [e[2].strip() for e in message.edits if e[0] == 'addheader'],
            ['dmarc.result=fail', 'dmarc.domain=typo.example.com',
             'dmarc.org-domain=example.com', 'dmarc.policy=reject',
             'dmarc.disposition=none', 'dmarc.aligned-spf=no',
             'dmarc.aligned-dkim=no'])

    def test_a_chain_without_either_is_an_error(self):
        with self.assertRaises(AssertionError) as caught:
            self.daemon(section('dmarc', 'dmarc'), trouble=True)
        self.assertIn('"dmarc" needs plugin spf or dkim to run before it',
                      str(caught.exception))

    def test_nobody_has_looked(self):
        """A client that SPF passes over, and no DKIM: nothing to judge."""
        d = self.judge('mail continue')
        self.assertEqual(self.one(d, 'a@example.com'),
                         ('accept', None, []))
        self.assertEqual(self.symbols(d), [('DMARC_UNCHECKED', 0)])

    def test_by_the_public_suffix_list(self):
        self.dns.set('_dmarc.victim.test', ('TXT', 'v=DMARC1; p=reject'))
        d = self.judge(*dkim(('pass', 'test', 's')),
                       organizational_domain='psl')
        self.assertEqual(self.one(d, 'a@mail.victim.test')[0], 'reject')
        self.assertEqual(self.dns.count('_dmarc.test'), 0)

    def test_each_look_up_is_made_once(self):
        d = self.judge(*FAIL, *dkim(*(
            ('pass', f'm{n}.example.com', 's') for n in range(3))))
        for _ in range(3):
            self.one(d, 'a@example.com')
        self.assertEqual(
            {name: n for (name, kind), n in self.dns.asked().items()
             if n > 1}, {})


class Faults(Dmarc):
    def test_the_server_breaks(self):
        for what in ('drop', 'servfail', 'garbage', 'cut', 'loop'):
            with self.subTest(what):
                self.dns.fault('_dmarc.slow.example', what)
                d = self.judge(*spf('pass', 'slow.example'))
                verdict, reply, _ = self.one(d, 'a@slow.example')
                self.assertEqual((verdict, reply[:9]),
                                 ('tempfail', '451 4.3.0'))
                # Whoever needs it not is not touched.
                self.assertEqual(self.one(d, 'a@example.com')[0], 'reject')

    def test_on_error_may_go_on(self):
        self.dns.fault('_dmarc.slow.example', 'drop')
        d = self.judge(*FAIL, on_error='continue')
        verdict, _, results = self.one(d, 'a@slow.example')
        self.assertEqual(verdict, 'accept')
        self.assertEqual([r[:2] for r in results], [('dmarc', 'temperror')])
        self.assertEqual(self.symbols(d), [('DMARC_TEMPERROR', 0)])

    def test_a_huge_record_is_none_or_late(self):
        self.dns.fault('_dmarc.slow.example', 'huge')
        d = self.judge(*FAIL)
        self.assertIn(self.one(d, 'a@slow.example')[0],
                      ('accept', 'tempfail'))

    def test_a_dead_server(self):
        d = self.judge(*FAIL)
        self.dns.stop()
        self.assertEqual(self.one(d, 'a@example.com')[0], 'tempfail')
        self.dns.start()


if __name__ == '__main__':
    unittest.main()
