#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The test suites of RFC 7208 and RFC 4408 through the plugin in the daemon.

A name server on the loopback address answers from each scenario's zone.  The
result is read from Authentication-Results, or is a refusal's; the explanation
from the second line of the reply.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suite                                        # noqa: E402

from lib.dnsserver import DnsServer                 # noqa: E402
from lib.scene import Scene, section                # noqa: E402

REPLY = re.compile(r'550[ -]5\.7\.23 SPF fail: .*?'
                   r'(?:\r?\n550[ -]5\.7\.23 .*? explains: (.*))?$', re.S)


def name_text(name):
    """A name as the server's own text of it."""
    return ''.join(chr(b) if 33 <= b < 127 and b != 92 else f'\\{b:03}'
                   for b in name.encode())


def start(dns, scenario, error):
    """Make the server answer from a scenario's zone, or with the error."""
    for name, rows in scenario.zone.items():
        records = [record(kind, value) for kind, values in rows.items()
                   if kind is not None and values != suite.TIMEOUT
                   for value in values]
        name = name_text(name)
        dns.set(name, *records)
        for kind, values in rows.items():
            if values == suite.TIMEOUT:
                fault(dns, name, kind, rows, error)


def fault(dns, name, kind, rows, error):
    """No answer for one type, or for all that have none."""
    if kind is not None:
        dns.fault(name, error, kind)
        return
    for other in ('A', 'AAAA', 'MX', 'PTR', 'TXT'):
        if other not in rows:
            dns.fault(name, error, other)


def record(kind, value):
    if kind == 'MX':
        return kind, value[0], name_text(value[1])
    if kind in ('PTR', 'CNAME'):
        return kind, name_text(value)
    return kind, value


class Suite(Scene):
    """One daemon; each scenario has a name server and a cache of its own."""

    def run_suite(self, name, error):
        count = 0
        for scenario in suite.load(name):
            with DnsServer(ttl=60) as dns:
                start(dns, scenario, error)
                d = self.daemon(
                    section('spf', 'spf', check_helo='no', skip_clients=[],
                            temperror='accept', timeout='1s'),
                    dns_servers=[dns.address], dns_timeout='300ms')
                for test in scenario.tests:
                    count += 1
                    with self.subTest(scenario.description, test=test.name):
                        self.check(d, test)
                self.doCleanups()
        self.assertEqual(count, suite.SUITES[name])

    def check(self, d, test):
        result, explanation = self.ask(d, test)
        self.assertIn(result, test.results)
        if test.explanation is not None:
            wanted = None if test.explanation == 'DEFAULT' else \
                test.explanation
            self.assertEqual(explanation, wanted)

    def ask(self, d, test):
        """(result, explanation)"""
        family = '6' if ':' in test.address else '4'
        with self.session(d, helo=test.helo, addr=test.address,
                          family=family) as m:
            message = self.send(m, sender=f'<{test.sender}>')
        if message.ended_at == 'mail':
            reply = REPLY.match(message.verdict[1])
            self.assertIsNotNone(reply, message.verdict)
            # Doubled for libmilter.
            return 'fail', reply[1] and reply[1].replace('%%', '%')
        self.assertEqual(message.verdict, 'accept', message.answers)
        field, = [edit[-1] for edit in message.edits
                  if 'Authentication-Results' in edit]
        return re.search(r'spf=(\w+)', field)[1], None

    def test_rfc7208(self):
        self.run_suite('rfc7208', 'drop')

    def test_rfc4408(self):
        self.run_suite('rfc4408', 'servfail')


if __name__ == '__main__':
    unittest.main()
