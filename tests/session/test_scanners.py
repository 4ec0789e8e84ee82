#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The real clamd, spamd and rspamd asked about messages, and servers that are
dead, slow, or answer half or nonsense."""

import base64
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scanners import EICAR, Bad, Clamd, Rspamd, Spamd                     # noqa: E402
from lib.scene import (BODY, HEADERS, RECIPIENT, SENDER, Scene,    # noqa: E402
                       records, section)

DEAD = 'inet:1@127.0.0.1'
MALWARE = b'the-tests-own-malware\r\n'


class Scanner(Scene):
    """One real server for all tests of a class."""

    server = None

    @classmethod
    def setUpClass(cls):
        if cls.server:
            cls.real = cls.enterClassContext(cls.server())

    def bad(self, *arguments, **values):
        return self.enterContext(Bad(*arguments, **values))

    def sent(self, d, count=1, login=None, **values):
        """(verdict, edits, record) of one message."""
        with self.session(d, helo='helo.example.com') as m:
            if login:
                m.macros('M', {'i': '4Xk2Qz', '{auth_authen}': login})
                message = m.send_message((SENDER, (RECIPIENT,)), HEADERS,
                                         BODY)
            else:
                message = self.send(m, **values)
        verdict = message.verdict
        record = records(d, count)[-1]
        return (verdict if isinstance(verdict, str) else verdict[1],
                message.edits, record)

    def symbols(self, record):
        return {s['name']: (s['score'], s.get('detail'))
                for s in record['symbols']}

    def faults(self, plugin, instance, answer, sound):
        """Each way to fail: on-error is followed, and the next one asked.

        sound(verdict): whether it is that of a server that works.
        """
        for about, server in (
                ('dead', DEAD),
                ('silent', self.bad(None).tcp),
                ('nonsense', self.bad(b'\x16\x03\x01 so what\r\n\0').tcp),
                ('nothing', self.bad(b'').tcp),
                ('at once', self.bad(b'\0' * 100000, wait=False).tcp),
                ('half', self.bad(answer[:-len(answer) // 3]).tcp),
                ('too much', self.bad(b'x' * 20000000).tcp)):
            with self.subTest(about):
                d = self.daemon(section(
                    plugin, 'a', servers=[server], timeout='300ms',
                    on_error='tempfail', **instance), trouble=True)
                verdict, _, record = self.sent(d)
                self.assertEqual(verdict[:9], '451 4.3.0', d.log())
                self.assertIn(plugin.upper() + '_FAILED',
                              self.symbols(record))
                d = self.daemon(section(
                    plugin, 'a', servers=[server, self.real.tcp],
                    timeout='2s', on_error='reject', **instance))
                verdict, _, record = self.sent(d)
                self.assertTrue(sound(verdict), (verdict, record))
                self.assertRegex(d.log(), f'a: {server}: ')


class Clam(Scanner):
    server = Clamd

    def clamav(self, servers=None, **values):
        return self.daemon(section(
            'clamav', 'av', servers=servers or [self.real.unix], **values))

    def test_clean(self):
        d = self.clamav()
        verdict, edits, record = self.sent(d)
        self.assertEqual((verdict, edits, record['symbols']),
                         ('accept', [], []))
        self.assertEqual(self.sent(d, 2, body=b'')[0], 'accept')

    def test_found(self):
        for address in (self.real.unix, self.real.tcp):
            d = self.clamav([address])
            verdict, _, record = self.sent(d, body=MALWARE)
            self.assertRegex(verdict, r'^550 5\.7\.1 Refused: malware found '
                                      r'\(Millrace\.Test\.Malware')
            score, detail = self.symbols(record)['CLAMAV_FOUND']
            self.assertEqual(score, 10)
            self.assertRegex(detail, r'^Millrace\.Test\.Malware')

    def test_the_header_is_seen_too(self):
        verdict, _, _ = self.sent(self.clamav(), headers=(
            ('From', 'a@example.com'), ('X-Bad', MALWARE.decode().strip())))
        self.assertEqual(verdict[:9], '550 5.7.1')

    def test_eicar_in_an_attachment(self):
        boundary = (('From', 'a@example.com'), ('MIME-Version', '1.0'),
                    ('Content-Type', 'multipart/mixed; boundary=b'))
        body = (b'--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n'
                b'Content-Type: application/octet-stream; name=e.com\r\n'
                b'Content-Transfer-Encoding: base64\r\n\r\n'
                + base64.b64encode(EICAR) + b'\r\n--b--\r\n')
        verdict, _, _ = self.sent(self.clamav(), headers=boundary, body=body)
        self.assertRegex(verdict, r'550 5\.7\.1 .*\(Eicar-Test-Signature')

    def test_other_ends(self):
        for infected, want in (('score', 'accept'), ('discard', 'discard'),
                               ('tempfail', '451 4.7.1')):
            d = self.clamav(infected=infected)
            self.assertEqual(self.sent(d, body=MALWARE)[0][:9], want)
        d = self.clamav(infected='quarantine')
        verdict, edits, _ = self.sent(d, body=MALWARE)
        self.assertEqual(verdict, 'accept')
        self.assertRegex(dict([e[:2] for e in edits])['quarantine'],
                         r'^Millrace\.Test\.Malware')

    def test_by_name(self):
        d = self.clamav(signatures=['pua.* score 1.5'])
        verdict, _, record = self.sent(d, body=b'the-tests-own-coupon\r\n')
        self.assertEqual(verdict, 'accept')
        self.assertEqual(self.symbols(record)['CLAMAV_FOUND'][0], 1.5)

    def test_too_large(self):
        large = b'x' * 70 + b'\r\n'
        d = self.clamav(max_size='64K')
        _, _, record = self.sent(d, body=large * 1000 + MALWARE)
        self.assertEqual(self.symbols(record)['CLAMAV_UNSCANNED'],
                         (0, 'larger than max-size'))

    def test_larger_than_the_server_takes(self):
        """It hangs up while it is being told; what it said may get lost."""
        large = b'x' * 70 + b'\r\n'
        d = self.clamav(on_error='continue')
        verdict, _, record = self.sent(d, body=large * 40000 + MALWARE)
        self.assertEqual(verdict, 'accept')
        self.assertTrue({'CLAMAV_UNSCANNED', 'CLAMAV_FAILED'}
                        & set(self.symbols(record)))

    def test_what_it_says_is_made_harmless(self):
        bad = self.bad(b'stream: A\r\n250 OK\x1b[1m\xff FOUND\0')
        d = self.clamav([bad.tcp])
        verdict, _, record = self.sent(d)
        self.assertEqual(verdict, '550 5.7.1 Refused: malware found '
                                  '(A??250 OK?[1m?)')
        self.assertEqual(self.symbols(record)['CLAMAV_FOUND'][1],
                         'A??250 OK?[1m?')

    def test_faults(self):
        self.faults('clamav', {}, b'stream: OK\0',
                    lambda verdict: verdict == 'accept')

    def test_one_that_failed_is_left_alone_and_asked_again(self):
        bad = self.bad(b'nonsense\0')
        d = self.daemon(section('clamav', 'av', retry_after='1h',
                                servers=[bad.tcp, self.real.tcp]),
                        workers=1)
        for n in range(3):
            self.assertEqual(self.sent(d, n + 1)[0], 'accept')
        self.assertEqual(len(bad.heard), 1)
        d = self.daemon(section('clamav', 'av', retry_after='10ms',
                                servers=[bad.tcp, self.real.tcp]),
                        workers=1)
        self.assertEqual(self.sent(d, 1)[0], 'accept')
        bad.answer = b'stream: OK\0'
        self.assertEqual(self.sent(d, 2)[0], 'accept')
        self.assertEqual(self.wait_lines(d, r'av: \S+: works again', 1),
                         [f'av: {bad.tcp}: works again'])
        self.assertEqual(len(bad.heard), 3)


class OfRspamd(Scanner):
    server = Rspamd

    def rspamd(self, servers=None, **values):
        return self.daemon(section(
            'rspamd', 'r', servers=servers or [self.real.tcp], **values))

    def subject(self, d, text, **values):
        return self.sent(d, headers=(('From', 'a@example.com'),
                                     ('Subject', text)), **values)

    def test_what_it_is_told(self):
        d = self.rspamd()
        _, _, record = self.sent(d, login='ann')
        score, detail = self.symbols(record)['RSPAMD_TOLD']
        self.assertEqual(score, 0.5)
        self.assertRegex(
            detail, r'^192\.0\.2\.7 helo\.example\.com client\.example\.com '
                    r'alice@example\.com bob@example\.net ann 4Xk2Qz '
                    r'\?+It is a body\.\?+ Alice <alice@example\.com>$')
        _, _, record = self.sent(d, 2, recipients=(
            '<b@example.net>', '<c@example.net>'))
        self.assertIn('b@example.net+c@example.net - ',
                      self.symbols(record)['RSPAMD_TOLD'][1])

    def test_symbols_and_scores(self):
        verdict, edits, record = self.subject(self.rspamd(), 'POINTS')
        score, detail = self.symbols(record)['RSPAMD_POINTS']
        self.assertEqual((verdict, edits, score, record['score']),
                         ('accept', [], 4.5, 5))
        self.assertRegex(detail, r'^a\?+b$')
        _, _, record = self.subject(
            self.rspamd(prefix='R_', weight='0.5'), 'MORE-points')
        self.assertEqual(self.symbols(record)['R_MORE_POINTS'][0], 10)
        _, _, record = self.subject(self.rspamd(symbols='sum'), 'POINTS')
        self.assertEqual(self.symbols(record), {'RSPAMD_SCORE': (5, None)})

    def test_its_action_is_only_taken_if_asked_for(self):
        for follow, subject, want in (
                ('reject', 'MORE-points', '550 5.7.1 spam: 20.00 of 15.00'),
                ('add header', 'MORE-points', 'accept'),
                ('soft reject', 'LATER', '451 4.7.1 own words for LATER'),
                ('greylist', 'POINTS', '451 4.7.1 Refused'),
                ('reject', 'LATER', 'accept')):
            with self.subTest(follow):
                d = self.rspamd(follow=[follow],
                                reply='spam: {score} of {threshold}',
                                later_reply='{message} ')
                self.assertEqual(self.subject(d, subject)[0].rstrip(), want)

    def test_its_header_replaces_a_forged_one(self):
        d = self.rspamd(follow=['add header'])
        _, edits, _ = self.sent(d, headers=(
            ('From', 'a@example.com'), ('Subject', 'hello'),
            ('X-Spam', 'No')))
        self.assertEqual(edits, [('chgheader', 1, 'X-Spam', '')])
        _, edits, _ = self.subject(self.rspamd(
            follow=['add header'], header='X-Flag'), 'MORE-points LATER')
        self.assertEqual(edits, [])

    def test_too_large(self):
        _, _, record = self.sent(self.rspamd(max_size='1K'),
                                 body=b'x' * 60 * 20)
        self.assertEqual(self.symbols(record), {
            'RSPAMD_UNSCANNED': (0, 'larger than max-size')})

    def test_errors_it_tells_of(self):
        bad = self.bad(b'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
        d = self.rspamd([bad.tcp], on_error='reject')
        verdict, _, record = self.sent(d)
        self.assertEqual((verdict[:3], self.symbols(record)), (
            '550', {'RSPAMD_FAILED': (0, 'it answers 503')}))
        d = self.rspamd([bad.tcp, self.real.tcp], on_error='reject')
        self.assertEqual(self.sent(d)[0], 'accept')

    def test_faults(self):
        self.faults('rspamd', {}, b'HTTP/1.1 200 OK\r\nContent-Length: 30'
                    b'\r\n\r\n{"score":20,"action":"reject"}',
                    lambda verdict: verdict == 'accept')


class OfSpamd(Scanner):
    server = Spamd

    def spamd(self, servers=None, **values):
        return self.daemon(section(
            'spamd', 's', servers=servers or [self.real.tcp], **values))

    def spam(self, d, **values):
        return self.sent(d, headers=(('From', 'a@example.com'),
                                     ('Subject', 'POINTS')), **values)

    def test_what_it_is_told(self):
        d = self.spamd()
        verdict, edits, record = self.sent(d)
        self.assertEqual((verdict, edits, self.symbols(record)), (
            'accept', [], {
                'SPAMD_SCORE': (0.8, '0.8 of 5.0'), 'SA_BODY': (0, None),
                'SA_HELO': (0, None), 'SA_SENDER': (0, None)}))
        _, _, record = self.sent(d, 2, login='ann')
        self.assertIn('SA_AUTHED', self.symbols(record))
        _, _, record = self.sent(self.spamd(trace='false'))
        self.assertEqual(self.symbols(record), {
            'SPAMD_SCORE': (0.4, '0.4 of 5.0'), 'SA_BODY': (0, None)})

    def test_spam(self):
        for spam, want in (('score', 'accept'), ('discard', 'discard'),
                           ('tempfail', '451 4.7.1 8.3 of 5.0'),
                           ('reject', '550 5.7.1 8.3 of 5.0')):
            with self.subTest(spam):
                d = self.spamd(spam=spam, reply='{score} of {threshold}')
                verdict, _, record = self.spam(d)
                self.assertEqual(verdict, want)
                self.assertEqual(self.symbols(record)['SPAMD_SCORE'],
                                 (8.3, '8.3 of 5.0'))
                self.assertEqual(self.sent(d, 2)[0], 'accept')
        d = self.spamd(spam='quarantine')
        self.assertEqual(self.spam(d)[1],
                         [('quarantine', 'spamd: score 8.3')])

    def test_its_threshold_or_ours(self):
        d = self.spamd(spam='reject', threshold='8.4', weight='0.5',
                       symbols='false')
        verdict, _, record = self.spam(d)
        self.assertEqual((verdict, self.symbols(record)), (
            'accept', {'SPAMD_SCORE': (4.15, '8.3 of 8.4')}))
        d = self.spamd(spam='reject', threshold='0.5')
        self.assertEqual(self.sent(d)[0],
                         '550 5.7.1 Message refused as spam')

    def test_too_large(self):
        _, _, record = self.sent(self.spamd(max_size='1K'),
                                 body=b'x' * 60 * 20)
        self.assertEqual(self.symbols(record), {
            'SPAMD_UNSCANNED': (0, 'larger than max-size')})

    def test_a_large_one(self):
        body = BODY + (b'x' * 70 + b'\r\n') * 40000
        _, _, record = self.sent(self.spamd(max_size='10M'), body=body)
        self.assertIn('SA_BODY', self.symbols(record))

    def test_errors_it_tells_of(self):
        bad = self.bad(b'SPAMD/1.1 75 EX_TEMPFAIL: \x1b not now\r\n')
        d = self.spamd([bad.tcp], on_error='tempfail')
        verdict, _, record = self.sent(d)
        self.assertEqual((verdict[:9], self.symbols(record)), (
            '451 4.3.0',
            {'SPAMD_FAILED': (0, 'EX_TEMPFAIL: ? not now')}))
        d = self.spamd([bad.tcp, self.real.tcp], on_error='reject')
        self.assertEqual(self.sent(d)[0], 'accept')

    def test_faults(self):
        self.faults('spamd', {}, b'SPAMD/1.1 0 EX_OK\r\nContent-length: 4'
                    b'\r\nSpam: False ; 1.0 / 5.0\r\n\r\nA,B\n',
                    lambda verdict: verdict == 'accept')


if __name__ == '__main__':
    unittest.main()
