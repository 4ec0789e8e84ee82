#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin iprev in a daemon, over a name server of the test's own."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dnsscene import DnsScene               # noqa: E402
from lib.scene import section, without_blanks   # noqa: E402


class Iprev(DnsScene):
    zones = {
        '7.2.0.192.in-addr.arpa': [('PTR', 'mx.example.com')],
        '8.2.0.192.in-addr.arpa': [('PTR', 'mx.example.com')],
        'mx.example.com': [('A', '192.0.2.7')],
    }

    def results(self, *addresses, **options):
        """What Authentication-Results says to each client."""
        d = self.daemon(section('iprev', 'a', **options))
        for addr in addresses:
            with self.session(d, addr=addr) as m:
                message = self.send(m)
                edits = without_blanks(m, message.edits)
            yield message, [' '.join(edit[-1].split()) for edit in edits
                            if edit[2] == 'Authentication-Results'
                            or edit[1] == 'Authentication-Results']

    def test_results(self):
        self.dns.fault('10.2.0.192.in-addr.arpa', 'servfail')
        found = [texts[0] for _, texts in self.results(
            '192.0.2.7', '192.0.2.8', '192.0.2.9', '192.0.2.10')]
        self.assertEqual(found, [
            f'mx.example.com; iprev={word} policy.iprev=192.0.2.{n}'
            for word, n in (('pass', 7), ('fail', 8), ('permerror', 9),
                            ('temperror', 10))])

    def test_a_refusal(self):
        (message, _), = self.results('192.0.2.9', permerror='reject')
        self.assertEqual((message.ended_at, message.verdict), (
            'mail', ('replycode', '550 5.7.25 Your address has no reverse '
                     'name')))

    def test_clients_that_are_left_out(self):
        (message, texts), = self.results(
            '192.0.2.9', permerror='reject', except_clients=['192.0.2.0/24'])
        self.assertEqual((message.verdict, texts), ('accept', [
            'mx.example.com; none']))


if __name__ == '__main__':
    unittest.main()
