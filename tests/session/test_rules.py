#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Rules in a session, the set that is installed, and the command that
checks them."""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD, ROOT                              # noqa: E402
from lib.rulefiles import RuleFiles, Rules                      # noqa: E402
from lib.scene import (actor, records, section, serving,        # noqa: E402
                       wait_for)

def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


INSTALLED = sorted(glob.glob(os.path.join(ROOT, 'conf/rules/*.rules')))

SPAM = (('From', '"PayPal Service" <x@evil.test>'),
        ('Reply-To', 'y@other.test'), ('Subject', 'URGENT: YOUR ACCOUNT'),
        ('Content-Type', 'text/html'))
SPAM_BODY = (b'Dear customer, your account has been suspended. '
             b'<a href="http://192.0.2.7/login">https://www.bank.example/'
             b'</a> Click here to verify your account within 24 hours.')
HAM = (('From', 'Alice <alice@example.com>'),
       ('To', 'Bob <bob@example.net>'), ('Subject', 'Lunch on Friday?'),
       ('Date', 'Mon, 2 Jun 2025 10:00:00 +0000'),
       ('Message-ID', '<1@mail.example.com>'))


class Session(Rules):
    def symbols(self, d, count=1):
        return {s['name']: s for s in records(d, count)[-1]['symbols']}

    def installed(self):
        return self.write(''.join(map(read, INSTALLED)))

    def test_found_with_what_matched(self):
        d = self.rules('rule MONEY\n body /free (?:money|beer)/i\n'
                       ' score 2.5\n')
        with self.session(d) as m:
            self.assertEqual(self.message(m, body=b'Have FREE beer\r\n')[1],
                             'accept')
        found = self.symbols(d)['MONEY']
        self.assertEqual((found['score'], found['detail'], found['by']),
                         (2.5, 'FREE beer', 'rules'))
        self.assertEqual(records(d)[0]['score'], 2.5)

    def test_a_file_that_breaks_later_is_named(self):
        """A worker that takes another's place reads it again."""
        path = self.write('rule MONEY\n body /money/\n')
        d = self.daemon(section('rules', 'rules', files=[path]),
                        trouble=True)
        pids = wait_for(lambda: len(serving(d)) == 2 and set(serving(d)))
        with open(path, 'a', encoding='utf-8') as f:
            f.write('rule BAD\n bdoy /x/\n')
        os.kill(pids.pop(), signal.SIGKILL)
        d.wait_log(r'error worker: .*' + re.escape(path) + r':4: .*body')
        with self.session(d) as m:      # the other one serves
            self.assertEqual(self.message(m)[1], 'accept')
        with open(path, 'w', encoding='utf-8') as f:
            f.write('rule MONEY\n body /money/\n')
        wait_for(lambda: len(serving(d)) == 2 and set(serving(d)) != pids)

    def test_on_symbols_and_notes_of_others(self):
        files = self.write('rule BOTH\n meta SEEN && _NOTE\n'
                           'rule _NOTE\n note x.result /^fail$/\n')
        d = self.daemon(actor('a', 'mail symbol SEEN 1',
                              'mail note x.result fail'),
                        RuleFiles('rules', files))
        with self.session(d) as m:
            self.message(m)
        self.assertIn('BOTH', self.symbols(d))

    def test_the_installed_set(self):
        """Spam is far from ham, without any network."""
        d = self.daemon(RuleFiles('rules', self.installed()))
        with self.session(d) as m:
            self.message(m, headers=SPAM, body=SPAM_BODY)
            self.message(m, headers=HAM, body=b'See you at noon.\r\n')
        spam, ham = records(d, 2)
        names = {s['name'] for s in spam['symbols']}
        self.assertLessEqual(
            {'BRAND_IN_NAME', 'BRAND_UNAUTHENTICATED', 'PHISH_SUSPENDED',
             'PHISH_DEAR_USER', 'LINK_SHOWS_OTHER', 'LINK_IS_ADDRESS',
             'REPLY_TO_DIFFERS'}, names)
        self.assertGreater(spam['score'], 12)
        self.assertLess(ham['score'], 2)

    def test_a_wrong_file_changes_nothing(self):
        path = self.write('rule A\n body /a/\n')
        d = self.daemon(RuleFiles('rules', path), workers=1)
        with self.session(d) as m:
            self.message(m)
        with open(path, 'w', encoding='utf-8') as f:
            f.write('rule A\n body /a/\nrule B\n body /(/\n')
        answer = d.reload()
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(f'{path}:4: the pattern is wrong',
                      answer.stdout + answer.stderr)
        with self.session(d) as m:
            self.message(m, body=b'a\r\n')
        self.assertIn('A', self.symbols(d, 2))

    def test_a_pattern_that_backtracks(self):
        d = self.rules('rule BAD\n body /(a+)+$/\n score 9\n',
                       values={'text-limit': '2M'}, **{'content-text': '2M'})
        with self.session(d) as m:
            self.assertEqual(
                self.message(m, body=b'a' * (1 << 20) + b'!\r\n')[1],
                'accept')
        self.assertEqual(self.symbols(d)['RULES_LIMIT']['detail'], 'BAD')
        self.assertNotIn('BAD', self.symbols(d))
        self.assertIn('rule BAD', d.log())


class Command(Rules):
    def command(self, *words, status=0):
        """What it prints, and what on standard error."""
        conf = self.write(f'plugin-dir = "{self.plugins()}"\n'
                          'listener "mx" { socket = "unix:/run/x.sock" '
                          'chain = { "null" } }\nnull "null" {}\n', 'conf')
        done = subprocess.run(
            [os.path.join(BUILD, 'millrace'), 'check-rules', '--conf', conf,
             *words], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def plugins(self):
        folder = os.path.dirname(self.write('', 'x'))
        for path in glob.glob(os.path.join(BUILD, 'plugins/*.so')):
            subprocess.run(['install', '-m', '755', path, folder], check=True)
        return folder

    def test_the_installed_rules_pass_their_tests(self):
        out, _ = self.command('--json', *INSTALLED)
        said = json.loads(out)
        self.assertEqual(said['failures'], [])
        self.assertEqual(said['untested'], 0)
        visible = [line for path in INSTALLED
                   for line in read(path).splitlines()
                   if line.startswith('rule ') and line[5] != '_']
        self.assertGreaterEqual(len(visible), 80)
        self.assertGreaterEqual(said['tests'], 2 * len(visible))
        self.assertLess(said['always'], said['patterns'] / 2)

    def test_a_test_that_fails(self):
        path = self.write('rule A\n body /free/\n match money\n'
                          ' no-match free\n match free\n')
        said = json.loads(self.command('--json', path, status=1)[0])
        out, _ = self.command(path, status=1)
        self.assertEqual(out, (
            f'{path}:3: rule A does not match, but must: money\n'
            f'{path}:4: rule A matches, but must not: free\n'
            '1 rules, 3 tests, 2 failed; 0 rules have no test\n'
            '1 patterns, 1 of them tried on each message (prefilter: '
            f'{said["prefilter"]})\n'))
        self.assertEqual([(f['line'], f['rule']) for f in said['failures']],
                         [(3, 'A'), (4, 'A')])

    def test_a_file_that_is_wrong(self):
        path = self.write('rule A\n body /x/\n colour red\n')
        _, err = self.command(path, status=1)
        self.assertTrue(err.startswith(f'{path}:3: there is no "colour"'),
                        err)
        self.command('/nonexistent.rules', status=1)
        self.assertIn('no instance', self.command(status=2)[1])

    def test_import(self):
        path = self.write('body FREE /free money/i\nscore FREE 1.5\n'
                          'describe FREE Money for nothing\n'
                          'header REPLY eval:check_for()\n', 'x.cf')
        out, err = self.command('import', path)
        self.assertEqual(out, 'rule FREE\n    body /free money/i\n'
                              '    score 1.5\n'
                              '    describe Money for nothing\n\n')
        self.assertIn(f'{path}:4: left out: REPLY: it calls code', err)
        self.assertIn('1 rules taken, 1 left out', err)
        ours = self.write(out)
        self.assertIn('1 rules, 0 tests', self.command(ours)[0])


if __name__ == '__main__':
    unittest.main()
