#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Messages built to exhaust whoever looks into them, through all that looks
for spam: each is judged, with a finding on record, and the worker that did it
goes on, no larger than it may be."""

import base64
import glob
import io
import os
import re
import sys
import unittest
import zipfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import ROOT                                     # noqa: E402
from lib.dnsscene import DnsScene                               # noqa: E402
from lib.rulefiles import RuleFiles, Rules                      # noqa: E402
from lib.scene import fronts, records, section, serving         # noqa: E402

MEGABYTE = 1 << 20
# What a worker and a front may have taken at their peaks, with the mapped file
# of the body; a sanitizer keeps what is freed.
SANITIZED = os.environ.get('SANITIZED')
MOST, MOST_OF_FRONT = (1024, 400) if SANITIZED else (400, 60)
# Where realloc() always copies, what GMime gathers takes long.
ONE_LETTER = (MEGABYTE // 2) if SANITIZED else 4 * MEGABYTE

FINDINGS = '''MIME_DEPTH MIME_PARTS MIME_BOMB MIME_BOUNDARY MIME_EMPTY
MIME_TRUNCATED BAD_HEADER BAD_TYPE BAD_ENCODING BAD_CHARSET BAD_TEXT
HEADER_LARGE CONTENT_TEXT CONTENT_URLS CONTENT_TIME ARCHIVE_BOMB HTML_HIDDEN
TEXT_INVISIBLE'''.split()

MIXED = (('From', 'Ann <ann@example.org>'), ('Subject', 'hello'),
         ('MIME-Version', '1.0'),
         ('Content-Type', 'multipart/mixed; boundary=b0'))


def text_headers(kind='text/plain', *more):
    return (*MIXED[:3], ('Content-Type', kind), *more)


def nested(count):
    """Multiparts in one another, each with a boundary of its own."""
    return b''.join(
        b'--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n'
        % (n, n + 1) for n in range(count))


def messages(count):
    return b'Content-Type: message/rfc822\r\n\r\n' * count + b'\r\nhello\r\n'


def parts(count, fields=lambda n: b'', body=b'x'):
    return b''.join(b'--b0\r\n%s\r\n%s\r\n' % (fields(n), body)
                    for n in range(count)) + b'--b0--\r\n'


def in_base64(size):
    """So many bytes of lines, as a whole file in base64."""
    line = base64.b64encode(b'spam spam spam ' * 4)[:76] + b'\r\n'
    return line * (size // len(line))


def zip_bomb(count, size):
    """Files of zeros, which take a thousandth of their size."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        for n in range(count):
            archive.writestr(f'{n}.txt', bytes(size))
    return base64.encodebytes(out.getvalue()).replace(b'\n', b'\r\n')


def words(size):
    """Encoded words of one letter each."""
    word = '=?utf-8?B?YQ==?= '
    return word * (size // len(word))


BASE64 = ('Content-Transfer-Encoding', 'base64')
HTML = text_headers('text/html')

# name, header, body, one of these findings is on record, None for none
BOMBS = (
    ('10,000 multiparts in one another', MIXED, nested(10000),
     {'MIME_DEPTH', 'MIME_PARTS'}),
    ('10,000 messages in one another', text_headers('message/rfc822'),
     messages(10000), {'MIME_DEPTH'}),
    ('20,000 parts', MIXED, parts(20000), {'MIME_PARTS'}),
    ('20,000 empty multiparts', MIXED,
     parts(20000, lambda n: b'Content-Type: multipart/mixed; boundary=c\r\n'),
     {'MIME_PARTS'}),
    ('100 MB in base64', text_headers('application/octet-stream', BASE64),
     lambda: in_base64(100 * MEGABYTE), {'MIME_BOMB'}),
    ('30 MB of text in base64', text_headers('text/plain', BASE64),
     lambda: in_base64(30 * MEGABYTE), {'CONTENT_TEXT'}),
    ('an archive that grows', text_headers('application/zip', BASE64),
     zip_bomb(50, MEGABYTE), {'ARCHIVE_BOMB'}),
    ('1 MB of words in fields',
     (*MIXED[:1], *(('Subject', words(60000)),) * 18), b'x',
     {'HEADER_LARGE'}),
    ('1 MB of words in a field of a part', MIXED,
     parts(1, lambda n: b'Content-Type: message/rfc822\r\n',
           b'Subject: ' + words(MEGABYTE).encode() + b'\r\n\r\nx'),
     None),             # nobody reads it
    ('words of one letter in a field of a part', MIXED,
     parts(1, lambda n: b'X-A: ' + b'x ' * ONE_LETTER + b'\r\n'), None),
    ('1 MB of a parameter', MIXED,
     parts(1, lambda n: b'Content-Type: text/plain; name="'
           + words(MEGABYTE).encode() + b'"\r\n'), {'HEADER_LARGE'}),
    ('a parameter in 2,000 pieces', MIXED,
     parts(1, lambda n: b'Content-Type: text/plain;' + b';'.join(
         b'\r\n name*%d*=utf-8\'\'%%41' % i for i in range(2000)) + b'\r\n'),
     {'HEADER_LARGE'}),
    ('900 charsets that there are not', MIXED,
     parts(900, lambda n: b'Content-Type: text/plain; charset=x-%d\r\n' % n),
     {'BAD_CHARSET'}),
    ('a charset of 100 KB', MIXED,
     parts(1, lambda n: b'Content-Type: text/plain; charset='
           + b'u' * 100000 + b'\r\n'), {'BAD_CHARSET'}),
    ('half characters', text_headers('text/plain; charset=utf-8'),
     b'\xf0\x9f\x98 \xc3( \xed\xa0\x80 ' * 50000, {'BAD_TEXT'}),
    ('another charset than it says', text_headers(
        'text/plain; charset=utf-16'), b'\xd8\x00x' * 100001, {'BAD_TEXT'}),
    ('tags in one another', HTML, b'<div><b>' * 300000 + b'x',
     {'CONTENT_TEXT'}),
    ('tags that do not end', HTML, b'<' * MEGABYTE + b'<!--' * 200000,
     {'CONTENT_TEXT'}),
    ('characters by number', HTML, b'&#x41;&#99999999999;&amp' * 100000,
     {'CONTENT_TEXT'}),
    ('100,000 links', HTML, b''.join(
        b'<a href="http://a%d.example/">b</a>' % n for n in range(100000)),
     {'CONTENT_URLS'}),
    ('soft line ends', text_headers(
        'text/plain', ('Content-Transfer-Encoding', 'quoted-printable')),
     b'a=\r\n' * 1500000, {'CONTENT_TEXT'}),
    ('nothing to be seen', text_headers('text/plain; charset=utf-8'),
     'v\u200bi\u200da\u2060g\ufeffra '.encode() * 40000, {'TEXT_INVISIBLE'}),
)


def redos(size):
    """Texts on which careless patterns go back and forth."""
    for piece in (b'a', b' ', b'a ', b'1', b'1,', b'.', b'a.', b'-', b'_',
                  b'a@', b'a@a.', b'dear ', b'click here to ', b'your account ',
                  b'http://a.', b'http://', b'<a href="', b'bc1', b'$1', b'!',
                  b'within 24 ', b'\xc3\xa4', b'I \t', b'//', b'%41', b'=3D'):
        yield piece * (size // len(piece))


class Bombs(DnsScene, Rules):
    zones = {'test.dbl.example': [('A', '127.0.0.2')]}

    def chain(self, more_rules='', **rules):
        """Everything that looks into messages, in one worker."""
        text = more_rules + ''.join(
            f'rule {name}\n finding /^{name}$/\n' for name in FINDINGS)
        paths = sorted(glob.glob(os.path.join(ROOT, 'conf/rules/*')))
        for path in paths:
            with open(path, encoding='utf-8') as f:
                text += f.read()
        return self.daemon(
            RuleFiles('rules', self.write(text), **rules),
            section('dnsbl', 'lists', lists=[
                'dbl dbl.example url,sender *=DOMAIN:2']),
            section('learn', 'learn', learn_first='1', max_size='200M',
                    model=os.path.dirname(self.write('')) + '/all.model'),
            section('score', 'score', reject='0', header='0'),
            workers=1, spool_above='64K', worker_memory=f'{MOST}M')

    def teach(self, d):
        for kind in ('spam', 'ham'):
            mbox = ''.join(f'From x\nSubject: {kind} {n}\n\n{kind}\n'
                           for n in range(2))
            done = d.command('learn', f'--{kind}', input=mbox)
            self.assertEqual(done.returncode, 0, done.stderr)

    def judged(self, d, letters):
        """{name: {symbol: detail}} of messages (name, headers, body)."""
        for name, headers, body in letters:
            with self.session(d) as m:
                verdict = self.send(
                    m, headers=headers, queue_id=name.replace(' ', '-'),
                    body=body() if callable(body) else body).verdict
            self.assertEqual(verdict, 'accept', name)
        found = {r['queue_id'].replace('-', ' '): r
                 for r in records(d, len(letters))}
        for name, record in found.items():
            self.assertEqual(record['faults'], [], name)
        return {name: {s['name']: s['detail'] for s in record['symbols']}
                for name, record in found.items()}

    def peak(self, pid):
        """In megabytes."""
        with open(f'/proc/{pid}/status', encoding='ascii') as f:
            return int(re.search(r'VmHWM:\s+(\d+) kB', f.read())[1]) >> 10

    def test_each(self):
        d = self.chain()
        self.teach(d)
        (worker,) = serving(d)
        found = self.judged(d, [row[:3] for row in BOMBS])
        for name, _, _, wanted in BOMBS:
            with self.subTest(name):
                self.assertTrue(wanted is None or wanted & set(found[name]),
                                found[name])
                self.assertNotIn('RULES_LIMIT', found[name])
                self.assertTrue({'LEARN_SPAM', 'LEARN_HAM'} &
                                set(found[name]), found[name])
        self.assertEqual(set(serving(d)), {worker})
        self.assertLess(self.peak(worker), MOST)
        self.assertLess(self.peak(fronts(d)['mx']['pid']), MOST_OF_FRONT)

    def test_texts_for_careless_patterns(self):
        """The rules that are shipped have none."""
        d = self.chain()
        letters = [
            (f'{number} {kind}',
             text_headers(f'text/{kind}; charset=utf-8'), text)
            for number, text in enumerate(redos(256 * 1024))
            for kind in ('plain', 'html')]
        for name, symbols in self.judged(d, letters).items():
            self.assertNotIn('RULES_TIME', symbols, name)
            self.assertNotIn('RULES_LIMIT', symbols, name)

    def test_careless_patterns(self):
        """Each is stopped, and all together are."""
        for count, time, wanted in ((3, '1m', 'RULES_LIMIT'),
                                    (300, '10ms', 'RULES_TIME')):
            d = self.chain(''.join(
                f'rule BAD{n}\n body /(?:[a-z]+)+(?:{n}|[A-Z])$/\n'
                f'rule WORSE{n}\n body /(?:(?:a|aa|aaa)+b?)+x?{n}$/\n'
                for n in range(count)), time_limit=time)
            (found,) = self.judged(d, [
                ('x', text_headers(), b'a' * 100000 + b'!')]).values()
            self.assertIn(wanted, found)


if __name__ == '__main__':
    unittest.main()
