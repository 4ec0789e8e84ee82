#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The service dns/1: what sessions share, how it begins and ends."""

import os
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dnsscene import DnsScene, answers      # noqa: E402
from lib.dnsserver import DnsServer             # noqa: E402
from lib.scene import actor, echo               # noqa: E402


class Dns(DnsScene):
    zones = {'example.com': [('TXT', 'v=spf1 -all')]}


class Cache(Dns):
    def test_sessions_share_it(self):
        d = self.daemon(actor('a', 'eom dns example.com TXT'), workers=1)
        for _ in range(5):
            with self.session(d) as m:
                edits, _ = self.message(m)
                self.assertEqual(answers(edits), ['ok ttl v=spf1\\x20-all'])
        self.assertEqual(self.dns.count('example.com', 'TXT'), 1)
        figures = self.figures(d)
        self.assertEqual((figures['queries'], figures['hits'],
                          figures['sent'], figures['failures']),
                         (5, 4, 1, 0))

    def test_what_is_prefetched_is_used(self):
        d = self.daemon(actor('a', 'mail dns-prefetch example.com TXT',
                              'mail dns-prefetch example.com TXT',
                              'eom dns example.com TXT'), workers=1)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(answers(edits), ['ok ttl v=spf1\\x20-all'])
        self.assertEqual(self.dns.count('example.com', 'TXT'), 1)
        figures = self.figures(d)
        self.assertEqual((figures['prefetches'], figures['sent']), (2, 1))

    def test_one_question_for_all_who_ask_it(self):
        self.dns.fault('example.com', 'delay', seconds=0.3)
        d = self.daemon(actor('a', 'mail dns-prefetch example.com TXT',
                              'eom dns example.com TXT'), workers=1,
                        dns_timeout='5s')
        def one(_):
            with self.session(d) as m:
                edits, _ = self.message(m)
                return answers(edits)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(one, range(8)))
        self.assertEqual(found, [['ok ttl v=spf1\\x20-all']] * 8)
        self.assertEqual(self.dns.count('example.com', 'TXT'), 1)
        self.assertEqual(self.figures(d)['sent'], 1)

    def test_without_ttl_it_is_asked_again(self):
        self.dns.ttl = 0
        d = self.daemon(actor('a', 'eom dns example.com TXT'), workers=1)
        with self.session(d) as m:
            edits, _ = self.message(m)
            self.assertEqual(answers(edits), ['ok no-ttl v=spf1\\x20-all'])

    def test_a_small_cache_forgets(self):
        for n in range(40):
            self.dns.set(f'{n}.big.example', ('TXT', 'z' * 4000))
        d = self.daemon(actor('a', 'eom dns-many 40 big.example TXT'),
                        workers=1, dns_cache_size='64K')
        with self.session(d) as m:
            for _ in range(2):
                edits, _ = self.message(m)
                self.assertEqual(echo(edits, 'Dns'), ['40 answered'])
        self.assertLess(self.figures(d)['hits'], 20)


class Lifetime(Dns):
    def test_a_reload_takes_other_servers(self):
        with DnsServer({'example.com': [('TXT', 'another')]}) as other:
            d = self.daemon(actor('a', 'eom dns example.com TXT'))
            with self.session(d) as m:
                edits, _ = self.message(m)
                self.assertIn('v=spf1', answers(edits)[0])
                d.options = d.options.replace(self.dns.address,
                                              other.address)
                d.write(d.text)
                self.assertEqual(d.reload().returncode, 0)
                edits, _ = self.message(m)
                self.assertEqual(answers(edits), ['ok ttl another'])

    def test_a_stop_with_questions_under_way(self):
        for n in range(20):
            self.dns.fault(f'{n}.drop.example', 'drop')
        d = self.daemon(actor('a', *(f'mail dns-prefetch {n}.drop.example A'
                                     for n in range(20)),
                              'eom dns example.com TXT'))
        with self.session(d) as m:
            self.message(m)
        self.assertEqual(d.stop(), 0)


if __name__ == '__main__':
    unittest.main()
