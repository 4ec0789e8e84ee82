#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The content of a message, as rules see it in a session: decoded once for
all instances, within its limits, and hostile ones with a finding."""

import base64
import hashlib
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.rulefiles import RuleFiles, Rules                      # noqa: E402
from lib.scene import records                                   # noqa: E402

MIXED = (('From', 'Alice <alice@example.com>'), ('Subject', 'hello'),
         ('MIME-Version', '1.0'),
         ('Content-Type', 'multipart/mixed; boundary=x'))


def part(body, *fields):
    return b'--x\r\n' + b''.join(
        field.encode() + b'\r\n' for field in fields) + b'\r\n' + body + \
        b'\r\n'


class Content(Rules):
    RULES = r'''
rule TEXT_CAFE
    body /caf\xc3\xa9 for free/
rule LINK
    url /^http:\/\/evil\.test\/pay$/
rule HOST
    url:host /^xn--bcher-kva\.example$/
rule PDF
    attachment /^inv\xc3\xb6ice\.pdf$/
rule PROGRAM
    attachment:detected /dosexec/
rule DIGEST
    attachment:sha256 /^2cf24dba5fb0a30e26e83b2ac5b9e29e/
rule SUBJECT
    body /^gr\xc3\xbcezi$/
''' + ''.join(f'rule {name}\n finding /^{name}$/\n' for name in (
        'MIME_DEPTH', 'MIME_PARTS', 'HEADER_LARGE', 'BAD_CHARSET'))

    def found(self, d, count=1):
        return {s['name']: s.get('detail')
                for s in records(d, count)[-1]['symbols']}

    def test_decoded_and_told(self):
        d = self.rules(self.RULES)
        body = (part(b'caf=E9 for =\r\nfree', 'Content-Transfer-Encoding: '
                     'quoted-printable',
                     'Content-Type: text/plain; charset=iso-8859-1') +
                part(b'<a href="hxxp://evil[.]test/p%61y">x</a>',
                     'Content-Type: text/html') +
                part('http://b\u00fccher.example/'.encode(),
                     'Content-Type: text/plain; charset=utf-8') +
                part(b'TVqQAAMAAAA=', 'Content-Transfer-Encoding: base64',
                     "Content-Disposition: attachment; "
                     "filename*=utf-8''inv%C3%B6ice.pdf") +
                part(base64.b64encode(b'hello'), 'Content-Type: image/png',
                     'Content-Transfer-Encoding: base64') + b'--x--\r\n')
        headers = [(name, '=?iso-8859-1?q?gr=FCezi?=' if name == 'Subject'
                    else value) for name, value in MIXED]
        with self.session(d) as m:
            self.assertEqual(self.message(m, headers=headers, body=body)[1],
                             'accept')
        self.assertEqual(
            set(self.found(d)),
            {'TEXT_CAFE', 'LINK', 'HOST', 'PDF', 'PROGRAM', 'DIGEST',
             'SUBJECT'})

    def test_two_instances_see_the_same(self):
        files = self.write('rule A\n body /hello there/\n')
        d = self.daemon(RuleFiles('one', files), RuleFiles('two', files))
        with self.session(d) as m:
            self.message(m, body=b'hello   there\r\n')
        self.assertEqual([(s['name'], s['by'])
                          for s in records(d)[0]['symbols']],
                         [('A', 'one'), ('A', 'two')])

    def test_a_message_does_not_see_the_last_one(self):
        d = self.rules('rule A\n body /first/\nrule B\n body /second/\n')
        with self.session(d) as m:
            self.message(m, body=b'the first\r\n')
            self.message(m, body=b'the second\r\n')
        self.assertEqual([[s['name'] for s in r['symbols']]
                          for r in records(d, 2)], [['A'], ['B']])

    def test_large_bodies_are_read_from_their_file(self):
        data = b'a' * (1 << 20)
        text = base64.encodebytes(data).replace(b'\n', b'\r\n')
        d = self.rules('rule A\n attachment:sha256 /^%s$/\n'
                       % hashlib.sha256(data).hexdigest(), spool_above='64K')
        with self.session(d) as m:
            self.message(m, body=text, headers=(
                ('Content-Type', 'application/octet-stream'),
                ('Content-Transfer-Encoding', 'base64')))
        self.assertEqual(set(self.found(d)), {'A'})

    def test_limits_are_those_of_the_configuration(self):
        d = self.rules(self.RULES, content_depth=1, content_parts=2)
        deep = part(b'--y\r\n\r\n--z\r\n\r\nin\r\n--z--\r\n--y--',
                    'Content-Type: multipart/mixed; boundary=y')
        for body, finding in ((deep + b'--x--', 'MIME_DEPTH'),
                              (3 * part(b'a') + b'--x--', 'MIME_PARTS')):
            with self.session(d) as m:
                self.message(m, headers=MIXED, body=body)
            self.assertIn(
                finding, self.found(d, 1 if finding == 'MIME_DEPTH' else 2))

    def test_sessions_side_by_side(self):
        """GMime, iconv and PCRE2 are used by several threads at once."""
        d = self.rules(self.RULES, workers=1)
        body = part(b'caf=E9 for free', 'Content-Transfer-Encoding: '
                    'quoted-printable',
                    'Content-Type: text/plain; charset=iso-8859-1') + b'--x--'
        wrong = []

        def talk():
            with self.session(d) as m:
                for _ in range(20):
                    message = self.send(m, headers=MIXED, body=body)
                    if message.verdict != 'accept':
                        wrong.append(message.answers)

        threads = [threading.Thread(target=talk) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual({tuple(s['name'] for s in record['symbols'])
                          for record in records(d, 80)}, {('TEXT_CAFE',)})

    HOSTILE = {
        'nested': (MIXED, b''.join(
            b'--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n'
            for _ in range(10000)), 'MIME_PARTS'),
        'addresses in a part': (MIXED, part(
            b'To: ' + b'(' * 500000 + b'\r\n\r\nx',
            'Content-Type: message/rfc822') + b'--x--', None),
        'parameters': (MIXED, part(b'x', 'Content-Type: text/plain' + ''.join(
            f'; n{i}=1' for i in range(50000))), 'HEADER_LARGE'),
        'charset': ((('Content-Type', 'text/plain; charset=no-such'),),
                    b'x', 'BAD_CHARSET'),
    }

    def test_hostile_messages(self):
        """A worker that falls over would be told by the scene's end."""
        d = self.rules(self.RULES)
        for n, (name, (headers, body, finding)) in enumerate(
                self.HOSTILE.items(), 1):
            with self.session(d) as m:
                self.assertEqual(
                    self.message(m, headers=headers, body=body)[1], 'accept',
                    name)
            self.assertLessEqual({finding} - {None}, set(self.found(d, n)),
                                 name)


if __name__ == '__main__':
    unittest.main()
