#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""SPF, DKIM and DMARC in one chain, with nothing simulated but the client."""

import gzip
import os
import sys
import time
import unittest
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import authentication                          # noqa: E402
from lib.dkimkeys import BODY, HEADERS, Key, dkimpy_sign, zone  # noqa: E402
from lib.dnsscene import DnsScene                       # noqa: E402
from lib.scene import records, section                  # noqa: E402

ED = Key('ed25519')
NS = '{urn:ietf:params:xml:ns:dmarc-2.0}'
OURS, FORWARDER, STRANGER = '192.0.2.1', '198.51.100.1', '203.0.113.1'
ALICE = '<alice@example.com>'

ZONES = {
    **zone({'ed._domainkey.example.com': ED.record,
            'ed._domainkey.lists.example': ED.record}),
    'example.com': [('TXT', f'v=spf1 ip4:{OURS} -all')],
    'forwarder.example': [('TXT', f'v=spf1 ip4:{FORWARDER} -all')],
    '_dmarc.example.com': [('TXT', 'v=DMARC1; p=reject; '
                                   'rua=mailto:r@example.com')],
}


class Chain(DnsScene):
    zones = ZONES

    def chain(self, **dmarc):
        return self.daemon(
            section('spf', 'spf', fail='score', check_helo='false'),
            section('dkim', 'dkim'),
            section('dmarc', 'dmarc', report_email='r@here.example', **dmarc))

    def ask(self, d, addr, sender=ALICE, headers=HEADERS, body=BODY):
        """(verdict, {method: result})"""
        with self.session(d, addr=addr) as m:
            message = self.send(m, sender=sender, headers=headers, body=body)
        found = {}
        for value in authentication.fields(message.edits):
            for method, result, _, _ in authentication.parse(value)[1]:
                found[method] = result
        return message.verdict, found

    def test_who_vouches(self):
        signed = dkimpy_sign(ED, 'ed')
        d = self.chain()
        refused = ('replycode', '550 5.7.1 Email rejected per DMARC policy '
                                'for example.com')
        for addr, sender, headers, body, want in (
                (OURS, ALICE, HEADERS, BODY, ('accept', {
                    'spf': 'pass', 'dkim': 'none', 'dmarc': 'pass'})),
                # Sent on: the signature is left.
                (FORWARDER, '<x@forwarder.example>', signed, BODY, (
                    'accept', {'spf': 'pass', 'dkim': 'pass',
                               'dmarc': 'pass'})),
                (FORWARDER, ALICE, signed, BODY, ('accept', {
                    'spf': 'fail', 'dkim': 'pass', 'dmarc': 'pass'})),
                # One byte of it changed on the way.
                (FORWARDER, ALICE, signed, BODY.replace(b'Hi', b'Ho'),
                 (refused, {})),
                (STRANGER, '<x@forwarder.example>', HEADERS, BODY,
                 (refused, {})),
                # Signed, but by somebody else.
                (STRANGER, ALICE, dkimpy_sign(
                    ED, 'ed', domain='lists.example'), BODY, (refused, {}))):
            with self.subTest(addr=addr, sender=sender):
                self.assertEqual(self.ask(d, addr, sender, headers, body),
                                 want)

    def test_a_list_that_signs_is_let_off(self):
        d = self.chain(mailing_lists=['lists.example'])
        headers = dkimpy_sign(ED, 'ed', domain='lists.example',
                              headers=(*HEADERS, ('List-Id', '<l.lists>')))
        verdict, found = self.ask(d, STRANGER, ALICE, headers)
        self.assertEqual((verdict, found['dmarc']), ('accept', 'fail'))

    def test_the_report_tells_what_they_found(self):
        d = self.chain()
        self.ask(d, FORWARDER, ALICE, dkimpy_sign(ED, 'ed'))
        self.ask(d, STRANGER)
        records(d, 2)
        os.mkdir(d.path('out'))
        since = time.strftime('%Y-%m-%d', time.gmtime(time.time() - 60))
        d.command('dmarc', 'report', '--all', '--since', since, '--out',
                  d.path('out'), check=True)
        name, = os.listdir(d.path('out'))
        with gzip.open(d.path('out/' + name)) as f:
            root = ET.fromstring(f.read())
        rows = {row.find(f'.//{NS}source_ip').text: row
                for row in root.findall(NS + 'record')}
        self.assertEqual(
            {addr: [element.text for path in (
                'disposition', 'policy_evaluated/dkim',
                'policy_evaluated/spf', 'auth_results/dkim/selector',
                'auth_results/dkim/result', 'auth_results/spf/result')
                for element in row.findall('.//' + '/'.join(
                    NS + part for part in path.split('/')))]
             for addr, row in rows.items()},
            {FORWARDER: ['pass', 'pass', 'fail', 'ed', 'pass', 'fail'],
             STRANGER: ['reject', 'fail', 'fail', 'fail']})


if __name__ == '__main__':
    unittest.main()
