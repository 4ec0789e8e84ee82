#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""millrace dmarc: reports from the journal, sent or not, and check."""

import calendar
import email
import gzip
import json
import os
import stat
import sys
import time
import unittest
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dmarcscene import FAIL, Dmarc, dkim, spf   # noqa: E402
from lib.scene import records                       # noqa: E402

NS = '{urn:ietf:params:xml:ns:dmarc-2.0}'
DAY = 86400

# The elements of RFC 9990, 3.1.1: (name, how often, children or type).
SCHEMA = ('feedback', '1', [
    ('version', '?', '1.0'),
    ('report_metadata', '1', [
        ('org_name', '1', str), ('email', '1', str),
        ('extra_contact_info', '?', str), ('report_id', '1', str),
        ('date_range', '1', [('begin', '1', int), ('end', '1', int)]),
        ('error', '?', str), ('generator', '?', str)]),
    ('policy_published', '1', [
        ('domain', '1', str), ('discovery_method', '?', 'treewalk psl'),
        ('p', '1', 'none quarantine reject'),
        ('sp', '?', 'none quarantine reject'),
        ('np', '?', 'none quarantine reject'), ('fo', '?', str),
        ('adkim', '?', 'r s'), ('aspf', '?', 'r s'),
        ('testing', '?', 'y n')]),
    ('record', '+', [
        ('row', '1', [
            ('source_ip', '1', str), ('count', '1', int),
            ('policy_evaluated', '1', [
                ('disposition', '1', 'none pass quarantine reject'),
                ('dkim', '1', 'pass fail'), ('spf', '1', 'pass fail'),
                ('reason', '*', [
                    ('type', '1', 'local_policy mailing_list other '
                                  'policy_test_mode trusted_forwarder'),
                    ('comment', '?', str)])])]),
        ('identifiers', '1', [
            ('header_from', '1', str), ('envelope_from', '?', str),
            ('envelope_to', '?', str)]),
        ('auth_results', '1', [
            ('dkim', '*', [
                ('domain', '1', str), ('selector', '1', str),
                ('result', '1', 'none pass fail policy neutral temperror '
                                'permerror'),
                ('human_result', '?', str)]),
            ('spf', '?', [
                ('domain', '1', str), ('scope', '?', 'mfrom'),
                ('result', '1', 'none pass fail softfail policy neutral '
                                'temperror permerror'),
                ('human_result', '?', str)])])])])

TIMES = {'1': (1, 1), '?': (0, 1), '*': (0, 10**9), '+': (1, 10**9)}


def conforms(element, rule):
    """Fail unless the element and all in it are as the table says."""
    name, _, content = rule
    assert element.tag == NS + name, element.tag
    if not isinstance(content, list):
        text = element.text or ''
        assert len(element) == 0, name
        if content is int:
            assert text.isdigit(), (name, text)
        elif content is not str:
            assert text in content.split(), (name, text)
        return
    assert not (element.text or '').strip(), (name, element.text)
    left = list(element)
    for child in content:
        found = []
        while left and left[0].tag == NS + child[0]:
            found.append(left.pop(0))
        least, most = TIMES[child[1]]
        assert least <= len(found) <= most, (name, child[0], len(found))
        for one in found:
            conforms(one, child)
    assert not left, (name, left[0].tag)


def text(element, path):
    found = element.find('/'.join(NS + part for part in path.split('/')))
    return None if found is None else found.text


SENDMAIL = '''#!/bin/sh
n=$(ls "FOLDER" | wc -l)
printf '%s\\n' "$@" >"FOLDER/arguments.$n"
cat >"FOLDER/mail.$n"
case $* in *later*) exit 75 ;; esac
'''


class Reports(Dmarc):
    def setUp(self):
        super().setUp()
        # Two messages near midnight would make two days of it.
        left = DAY - time.time() % DAY
        self.since = time.strftime('%Y-%m-%d', time.gmtime(
            time.time() - (DAY if left > DAY - 60 else 0)))

    def judge(self, *found, **options):
        return super().judge(*found, report_email='dmarc@here.example',
                             report_org='Here & There', **options)

    def report(self, d, *words, status=0):
        done = d.command('dmarc', 'report', *words)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def written(self, d, *words, status=0):
        """{file name: root element} of the reports."""
        out = d.path('out')
        os.makedirs(out, exist_ok=True)
        self.report(d, *(words or ('--all',)), '--since', self.since,
                    '--out', out, status=status)
        found = {}
        for name in os.listdir(out):
            with gzip.open(os.path.join(out, name)) as f:
                found[name] = ET.fromstring(f.read())
            conforms(found[name], SCHEMA)
            self.assertEqual(
                stat.S_IMODE(os.stat(os.path.join(out, name)).st_mode), 0o640)
        return found

    def test_what_is_in_it(self):
        d = self.judge(*spf('fail', 'evil.example'),
                       *dkim(('fail', 'example.com', 'gone'),
                             ('pass', 'lists.example', 's1')),
                       trusted_forwarders=['forwarder.example'])
        for sender in ('a@example.com', 'a@example.com', 'a@q.example',
                       'a@x.example.com', 'a@none.example',
                       'a@nobody.example'):
            self.one(d, sender)
        records(d, 6)
        found = self.written(d)
        self.assertEqual(len(found), 2)     # none.example has no rua
        by_domain = {text(root, 'policy_published/domain'): (name, root)
                     for name, root in found.items()}
        name, root = by_domain['example.com']
        begin = text(root, 'report_metadata/date_range/begin')
        end = text(root, 'report_metadata/date_range/end')
        self.assertEqual(int(begin), calendar.timegm(
            time.strptime(self.since, '%Y-%m-%d')))
        self.assertRegex(
            name, rf'^here\.example!example\.com!{begin}!{end}'
                  r'![0-9a-f]{8}\.xml\.gz$')
        self.assertEqual(text(root, 'report_metadata/org_name'),
                         'Here & There')
        self.assertRegex(text(root, 'report_metadata/generator'), '^millrace')
        self.assertEqual(
            [text(root, f'policy_published/{key}') for key in (
                'discovery_method', 'p', 'sp', 'np', 'adkim', 'testing')],
            ['treewalk', 'reject', 'quarantine', 'reject', 'r', 'n'])
        rows = {text(row, 'identifiers/header_from'): row
                for row in root.findall(NS + 'record')}
        self.assertEqual(sorted(rows), ['example.com', 'x.example.com'])
        row = rows['example.com']
        self.assertEqual(
            [text(row, path) for path in (
                'row/source_ip', 'row/count',
                'row/policy_evaluated/disposition',
                'identifiers/envelope_from', 'identifiers/envelope_to',
                'auth_results/spf/domain', 'auth_results/spf/result',
                'auth_results/dkim/domain', 'auth_results/dkim/selector')],
            ['192.0.2.7', '2', 'reject', 'evil.example', 'example.net',
             'evil.example', 'fail', 'lists.example', 's1'])
        self.assertIsNone(text(row, 'row/policy_evaluated/reason/type'))

    def test_why_a_policy_was_not_applied(self):
        d = self.judge(*spf('pass', 'forwarder.example'),
                       trusted_forwarders=['forwarder.example'],
                       quarantine='score')
        self.one(d, 'a@example.com')
        self.one(d, 'a@q.example')
        self.dns.set('_dmarc.test.example', (
            'TXT', 'v=DMARC1; p=reject; t=y; rua=mailto:a@test.example'))
        self.one(d, 'a@test.example')
        records(d, 3)
        reasons = {}
        for root in self.written(d).values():
            row = root.find(f'{NS}record/{NS}row/{NS}policy_evaluated')
            reasons[text(root, 'policy_published/domain')] = [
                text(row, 'disposition')] + [
                text(reason, 'type') for reason in row.findall(NS + 'reason')]
        self.assertEqual(reasons, {
            'example.com': ['none', 'trusted_forwarder'],
            'q.example': ['none', 'trusted_forwarder'],
            'test.example': ['none', 'policy_test_mode',
                             'trusted_forwarder']})

    def test_an_observing_instance_reports_that_it_did_nothing(self):
        d = self.judge(*FAIL, mode='observe')
        self.assertEqual(self.one(d, 'a@example.com')[0], 'accept')
        records(d, 1)
        root, = self.written(d).values()
        self.assertEqual(
            [text(root, 'record/row/policy_evaluated/' + key)
             for key in ('disposition', 'reason/type')],
            ['none', 'local_policy'])

    def test_hostile_names_stay_text(self):
        d = self.judge(*spf('fail', '<x>&amp;]]>'),
                       *dkim(('pass', 'a.example', '"><!--'),
                             ('fail', 'b.example', '\\xff\\x01')))
        self.one(d, 'a@example.com')
        records(d, 1)
        root, = self.written(d).values()
        self.assertEqual(text(root, 'record/identifiers/envelope_from'),
                         '<x>&amp;]]>')
        self.assertEqual(text(root, 'record/auth_results/dkim/selector'),
                         '"><!--')

    def test_of_one_domain_and_of_none(self):
        d = self.judge(*FAIL)
        self.one(d, 'a@none.example')
        records(d, 1)
        # Asked for by name it is made, whether or not it is wanted there.
        root, = self.written(d, '--domain', 'NONE.example').values()
        self.assertEqual(text(root, 'record/row/count'), '1')
        done = self.report(d, '--domain', 'q.example', '--since', self.since,
                           status=1)
        self.assertIn('no message', done.stdout)
        done = self.report(d, '--all', '--since', '2020-01-01', '--until',
                           '2020-01-02', status=1)

    def sending(self, *found, **options):
        d = self.judge(*found, report_sendmail='@/sendmail', **options)
        os.mkdir(d.path('sent'))
        with open(d.path('sendmail'), 'w') as f:
            f.write(SENDMAIL.replace('FOLDER', d.path('sent')))
        os.chmod(d.path('sendmail'), 0o755)
        return d

    def mails(self, d):
        """[(arguments, mail)]"""
        found = []
        for name in sorted(os.listdir(d.path('sent'))):
            if name.startswith('mail.'):
                with open(d.path(f'sent/arguments.{name[5:]}')) as words, \
                        open(d.path(f'sent/{name}')) as mail:
                    found.append((words.read().split('\n')[:-1],
                                  email.message_from_file(mail)))
        return found

    def test_sending(self):
        d = self.sending(*FAIL)
        self.one(d, 'a@example.com')
        records(d, 1)
        done = self.report(d, '--all', '--since', self.since, '--send')
        self.assertIn('example.com: sent to dmarc@example.com', done.stdout)
        (words, mail), = self.mails(d)
        self.assertEqual(words, ['-i', '-f', 'dmarc@here.example', '--',
                                 'dmarc@example.com'])
        self.assertEqual((mail['From'], mail['To'], mail['Auto-Submitted']),
                         ('dmarc@here.example', 'dmarc@example.com',
                          'auto-generated'))
        self.assertRegex(
            ' '.join(mail['Subject'].split()),
            r'^Report Domain: example\.com Submitter: here\.example '
            r'Report-ID: <(\S+@here\.example)>$')
        parts = list(mail.walk())
        self.assertEqual([p.get_content_type() for p in parts],
                         ['multipart/mixed', 'text/plain',
                          'application/gzip'])
        root = ET.fromstring(gzip.decompress(parts[2].get_payload(
            decode=True)))
        conforms(root, SCHEMA)
        self.assertIn(text(root, 'report_metadata/report_id'),
                      mail['Subject'])
        self.assertRegex(parts[2].get_filename(),
                         r'^here\.example!example\.com!\d+!\d+!\w+\.xml\.gz$')

    def test_where_it_may_be_sent(self):
        d = self.sending(*FAIL)
        self.one(d, 'a@q.example')
        records(d, 1)
        done = self.report(d, '--domain', 'q.example', '--since', self.since,
                           '--send')
        self.assertEqual(
            done.stdout.splitlines()[1:],
            ['q.example: sent to r@collector.example',
             'q.example: not sent to mailto:r@stranger.example: it does not '
             'say that it wants them',
             'q.example: not sent to https://q.example/r: not mailto',
             'q.example: not sent to mailto:@: not well-formed'])
        self.assertEqual([words[-1] for words, _ in self.mails(d)],
                         ['r@collector.example'])

    def test_the_collector_may_name_another_address(self):
        name = 'q.example._report._dmarc.collector.example'
        for rua, sent in (
                ('mailto:other@collector.example', 'other@collector.example'),
                ('mailto:other@third.example', None)):
            with self.subTest(rua):
                self.dns.set(name, ('TXT', f'v=DMARC1; rua={rua}'))
                d = self.sending(*FAIL)
                self.one(d, 'a@q.example')
                records(d, 1)
                self.report(d, '--all', '--since', self.since, '--send')
                self.assertEqual([words[-1] for words, _ in self.mails(d)],
                                 [sent] if sent else [])

    def test_what_may_work_later(self):
        d = self.sending(*FAIL)
        self.one(d, 'a@q.example')
        records(d, 1)
        words = ('--all', '--since', self.since, '--send', '--json')
        self.dns.fault('q.example._report._dmarc.collector.example',
                       'servfail')
        found = json.loads(self.report(d, *words, status=75).stdout)
        self.assertEqual([to['sent'] for to in found[0]['destinations']],
                         [False] * 4)
        self.dns.fault('q.example._report._dmarc.collector.example', None)
        self.dns.set('_dmarc.q.example', (
            'TXT', 'v=DMARC1; p=none; rua=mailto:later@q.example'))
        found = json.loads(self.report(d, *words, status=75).stdout)
        self.assertEqual(found[0]['destinations'][0]['why'],
                         'sendmail has not taken it')

    def test_many_are_not_stopped_by_the_limits_of_one_message(self):
        domains = [f'd{n}.test' for n in range(6)]
        for domain in domains:
            self.dns.set('_dmarc.' + domain, (
                'TXT', f'v=DMARC1; p=none; rua=mailto:r@x.{domain}'))
        d = self.sending(*FAIL, limits={'dns_session_queries': 5})
        for domain in domains:
            self.one(d, f'a@{domain}')
        records(d, len(domains))
        self.report(d, '--all', '--since', self.since, '--send')
        self.assertEqual(sorted(words[-1] for words, _ in self.mails(d)),
                         [f'r@x.{domain}' for domain in domains])

    def test_a_limit_of_size(self):
        self.dns.set('_dmarc.q.example', (
            'TXT', 'v=DMARC1; p=none; rua=mailto:r@q.example!10'))
        d = self.sending(*FAIL)
        self.one(d, 'a@q.example')
        records(d, 1)
        done = self.report(d, '--all', '--since', self.since, '--send')
        self.assertIn('it is larger than they take', done.stdout)
        self.assertEqual(self.mails(d), [])

    def test_who_asks_no_more_gets_no_more(self):
        d = self.sending(*FAIL)
        self.one(d, 'a@q.example')
        records(d, 1)
        self.dns.set('_dmarc.q.example', ('TXT', 'v=DMARC1; p=none'))
        done = self.report(d, '--all', '--since', self.since, '--send')
        self.assertIn('it asks for no reports', done.stdout)

    def test_wrong_words(self):
        d = self.judge(*FAIL)
        for words, pattern in (
                ((), 'either --domain DOMAIN or --all'),
                (('--all', '--domain', 'x'), 'either --domain'),
                (('--al',), '"--al" is no option'),
                (('--domain',), 'lacks its value'),
                (('--all', '--since', 'soon'), '--since is no time'),
                (('--domain', 'a..b'), '"a..b" is no domain')):
            done = self.report(d, *words, status=2)
            self.assertIn(pattern, done.stderr)
            self.assertEqual(done.stdout, '')


class Check(Dmarc):
    def check(self, d, *words, status=0):
        done = d.command('dmarc', 'check', *words)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def test_it_shows_the_walk_and_what_follows(self):
        d = self.judge(*FAIL, quarantine='score')
        out = self.check(d, 'news.Example.com')
        for line in (
                '_dmarc.news.example.com no record',
                '_dmarc.example.com     v=DMARC1; p=reject; sp=quarantine;',
                '_dmarc.com             no record',
                'organizational domain  example.com (tree walk)',
                'record of              example.com',
                'mail that fails        quarantine (sp=quarantine)',
                'what happens here      score',
                'reports to             mailto:dmarc@example.com'):
            self.assertIn(line, out)

    def test_as_json(self):
        d = self.judge(*FAIL)
        found = json.loads(self.check(d, 'q.example', '--json'))
        self.assertEqual(
            (found['policy'], found['action'], found['tag']),
            ('quarantine', 'quarantine', 'p'))
        self.assertEqual(
            [(to['uri'], to['ok'], to['external'])
             for to in found['reports_to']],
            [('mailto:r@collector.example!1k', True, True),
             ('mailto:r@stranger.example', False, True),
             ('https://q.example/r', False, False),
             ('mailto:@', False, False)])

    def test_other_ends(self):
        d = self.judge(*FAIL)
        self.assertIn('DMARC does not apply',
                      self.check(d, 'nobody.example', status=1))
        self.dns.fault('_dmarc.slow.example', 'servfail')
        self.assertIn('error', self.check(d, 'slow.example', status=75))
        self.assertIn('one step down', self.check(d, 'test.example'))
        self.assertIn('several records',
                      self.check(d, 'twice.example', status=1))
        self.check(d, status=2)
        self.check(d, 'a..b', status=2)


if __name__ == '__main__':
    unittest.main()
