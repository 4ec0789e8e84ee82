#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""All that looks for spam in one chain, for many sessions of one worker at
the same moment: while a model is taught, servers come and go, and the
configuration is read anew."""

import glob
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import ROOT                                     # noqa: E402
from lib.dnsscene import DnsScene                               # noqa: E402
from lib.rulefiles import RuleFiles, Rules                      # noqa: E402
from lib.scanners import Clamd, Rspamd, Spamd                   # noqa: E402
from lib.scene import records, section                          # noqa: E402

SLOW = os.environ.get('SANITIZED') == 'tsan'
SESSIONS, EACH = 6, 6 if SLOW else 12
DEAD = 'inet:1@127.0.0.1'

PHISH = (b'Dear customer, your account has been suspended. Click here to '
         b'verify your account within 24 hours: http://192.0.2.7/login\r\n')
LINK = b'See http://www.linked.example/buy now\r\n'
MALWARE = b'the-tests-own-malware\r\n'

# subject, body, what is answered, symbols that must be there
KINDS = (
    ('URGENT: YOUR ACCOUNT', PHISH, '550 5.7.1 no spam',
     {'PHISH_SUSPENDED', 'PHISH_VERIFY_ACCOUNT', 'SCORE_REJECT'}),
    ('POINTS', LINK, '550 5.7.1 no spam',
     {'DNSBL_DOMAIN', 'RSPAMD_POINTS', 'SPAMD_SCORE', 'SCORE_REJECT'}),
    ('a file', MALWARE, '550 5.7.1 Refused', {'CLAMAV_FOUND'}),
    ('Lunch?', b'See you at noon.\r\n', 'accept', {'DNSBL_KNOWN'}),
)


class SideBySide(DnsScene, Rules):
    zones = {
        '7.2.0.192.wl.example': [('A', '127.0.0.3')],
        '2.0.0.127.wl.example': [('A', '127.0.0.2')],
        'test.dbl.example': [('A', '127.0.0.2')],
        'linked.example.dbl.example': [('A', '127.0.1.2')],
    }

    def chain(self):
        clamd, rspamd, spamd = (
            self.enterContext(server()) for server in (Clamd, Rspamd, Spamd))
        text = ''
        for path in sorted(glob.glob(os.path.join(ROOT, 'conf/rules/*'))):
            with open(path, encoding='utf-8') as f:
                text += f.read()
        soon = {'retry_after': '10ms', 'on_error': 'tempfail'}
        return self.daemon(
            RuleFiles('rules', self.write(text)),
            section('dnsbl', 'lists', retry_after='1s', errors_max=1, lists=[
                'wl wl.example client *=KNOWN:-1',
                'dbl dbl.example url,sender *=DOMAIN:2',
                'dead dead.example client,url *=DEAD:50 untested']),
            section('learn', 'learn', learn_first='2',
                    model=os.path.dirname(self.write('')) + '/all.model'),
            section('rspamd', 'rspamd', servers=[DEAD, rspamd.tcp], **soon),
            section('spamd', 'spamd', servers=[DEAD, spamd.tcp], **soon),
            section('clamav', 'clamav', servers=[DEAD, clamd.unix], **soon),
            section('score', 'score', reject='7', reply='no spam',
                    weights=['LEARN_* 0']),
            workers=1)

    def teach(self, d, rounds):
        for n in range(rounds):
            for kind, text in (('spam', PHISH), ('ham', LINK)):
                mbox = ''.join(f'From x\nSubject: {n} {i}\n\n{text.decode()}\n'
                               for i in range(2))
                done = d.command('learn', f'--{kind}', input=mbox)
                self.assertEqual(done.returncode, 0, done.stderr)

    def talk(self, d, number, wrong):
        for n in range(EACH):
            subject, body, want, _ = KINDS[(number + n) % len(KINDS)]
            with self.session(d) as m:
                verdict = self.send(
                    m, body=body, queue_id=f'{number}x{n}', headers=(
                        ('From', 'Ann <ann@example.org>'),
                        ('Subject', subject))).verdict
            if not isinstance(verdict, str):
                verdict = verdict[1]
            if not verdict.startswith(want):
                wrong.append((subject, verdict))

    def test_all(self):
        self.dns.fault('7.2.0.192.dead.example', 'servfail')
        d, wrong = self.chain(), []
        self.teach(d, 1)
        threads = [threading.Thread(target=self.talk, args=(d, n, wrong))
                   for n in range(SESSIONS)]
        threads.append(threading.Thread(target=self.teach, args=(d, 4)))
        for thread in threads:
            thread.start()
        for _ in range(2):
            self.assertEqual(d.reload().returncode, 0)
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        found = records(d, SESSIONS * EACH)
        self.assertEqual(len(found), SESSIONS * EACH)
        for record in found:
            number, n = map(int, record['queue_id'].split('x'))
            names = {s['name'] for s in record['symbols']}
            self.assertLessEqual(KINDS[(number + n) % len(KINDS)][3], names)
            self.assertTrue({'LEARN_SPAM', 'LEARN_HAM'} & names, record)


if __name__ == '__main__':
    unittest.main()
