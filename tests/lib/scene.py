# SPDX-License-Identifier: Apache-2.0
"""Scripted sessions: a daemon for each test, configured in its first lines.

    class Header(Scene):
        def test_it_is_added(self):
            d = self.daemon(actor('a', 'eom add X-A: b'))
            with self.session(d) as m:
                edits, verdict = self.message(m)

The chain of the listener "mx" has all sections in the order given.
"""

import contextlib
import json
import re
import socket
import sqlite3
import sys
import time
import unittest

from . import authentication
from .daemon import Daemon
from .milter import LEADING_SPACE, Milter

SENDER = '<alice@example.com>'
RECIPIENT = '<bob@example.net>'
HEADERS = (('From', 'Alice <alice@example.com>'), ('Subject', 'hello'))
BODY = b'It is a body.\r\n'

# What a plugin was blamed for, or a process that should have lived.
TROUBLE = re.compile(
    r'^.*(?:worker \d+ ended|front \S* ended|generation \d+ ended'
    r'|journal ended|misbehaves|gave up|AddressSanitizer|ThreadSanitizer'
    r'|runtime error).*$', re.MULTILINE)


def quote(value):
    text = str(value).replace('\\', '\\\\').replace('"', '\\"')
    return '"' + text.replace('\n', '\\n').replace('\r', '\\r') + '"'


def options(values):
    """{'on_error': 'reject', 'clients': ['192.0.2.0/24']} as config text."""
    out = ''
    for name, value in values.items():
        if isinstance(value, (list, tuple)):
            value = '{ ' + ', '.join(quote(item) for item in value) + ' }'
        else:
            value = quote(value)
        out += f'  {name.replace("_", "-")} = {value}\n'
    return out


def section(plugin, name, **values):
    return f'{plugin} "{name}" {{\n{options(values)}}}\n'


def actor(name, *act, **values):
    """An instance of tests/plugins/actor."""
    return section('actor', name, act=act, **values)


def names(sections):
    return [re.match(r'\S+ "(.*?)"', text).group(1) for text in sections]


def listener(name, chain, where='unix:@/mx.sock', **values):
    return section('listener', name, socket=where, chain=chain, **values)


def mx(*sections, **values):
    """A listener "mx" whose chain has all the sections."""
    return listener('mx', names(sections), **values) + ''.join(sections)


class Scene(unittest.TestCase):
    maxDiff = None

    def daemon(self, *sections, text=None, trouble=False, listen=None,
               **settings):
        """A running daemon; trouble: its log may speak of some."""
        d = Daemon(text or mx(*sections, **(listen or {})),
                   options=options(settings))
        self.addCleanup(self.end, d, trouble)
        d.start()
        return d

    def end(self, d, trouble):
        if d.process is not None:
            d.stop()
        log = d.log()
        d.__exit__()
        if self.has_failed():
            print(f'--- log of {self.id()}\n{log}---', file=sys.stderr)
        elif not trouble:
            self.assertEqual(TROUBLE.findall(log), [])

    def has_failed(self):
        result = self._outcome.result
        return any(test is self or getattr(test, 'test_case', None) is self
                   for test, _ in result.failures + result.errors)

    # Sessions

    def address(self, d, name='mx.sock'):
        return 'unix:' + d.path(name)

    @contextlib.contextmanager
    def connected(self, d, where=None, **offer):
        """A connection that has negotiated, and no more."""
        with Milter(where or self.address(d)) as m:
            m.optneg(**offer)
            yield m

    @contextlib.contextmanager
    def session(self, d, where=None, helo='client.example.com', **connect):
        with self.connected(d, where) as m:
            m.macros('C', {'j': 'mx.example.com'})
            self.assertIn(m.conn(**connect), (None, 'continue'))
            if helo is not None:
                self.assertIn(m.helo(helo), (None, 'continue'))
            yield m

    def send(self, m, sender=SENDER, recipients=(RECIPIENT,),
             headers=HEADERS, body=BODY, queue_id='4Xk2Qz'):
        """One message; a lib.milter.Message."""
        m.macros('M', {'i': queue_id})
        return m.send_message((sender, recipients), headers, body)

    def message(self, m, **values):
        """One message that must come to its end: (edits, verdict).

        Header values are without the blank that the MTA wants or puts
        there itself, as was negotiated.
        """
        message = self.send(m, **values)
        self.assertEqual(message.ended_at, 'eom', message.answers)
        edits = without_blanks(m, message.edits)
        for value in authentication.fields(edits):
            authentication.parse(value)
        return edits, message.verdict

    def one(self, *sections, **values):
        """(edits, verdict) of one message to a daemon of its own."""
        d = self.daemon(*sections)
        with self.session(d) as m:
            return self.message(m, **values)

    # What the daemon remembers

    def wait_lines(self, d, pattern, count, timeout=5):
        """All matches in the log, when there are as many."""
        until = time.monotonic() + timeout
        while True:
            found = re.findall(pattern, d.log(), re.MULTILINE)
            if len(found) >= count or time.monotonic() > until:
                return found
            time.sleep(0.01)


def without_blanks(m, edits):
    if not m.flags() & LEADING_SPACE:
        return edits
    return [edit if edit[0] not in ('addheader', 'insheader', 'chgheader')
            or edit[-1] == '' else (*edit[:-1], cut_blank(edit[-1]))
            for edit in edits]


def cut_blank(value):
    if value[0] not in ' \t':
        raise AssertionError(f'{value!r}: no blank after the colon')
    return value[1:] if value[0] == ' ' else value


def control(d, verb):
    """The answer to one request at the control socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(d.path('run/control.sock'))
        s.sendall(verb.encode() + b'\n')
        answer = b''
        while part := s.recv(65536):
            answer += part
    return json.loads(answer)


def serving(d):
    """{pid: its row in the status} of the workers that serve."""
    return {w['pid']: w for w in control(d, 'status')['workers']
            if w['state'] == 'serves'}


def fronts(d):
    """{listener: its row in the status}, when all have started."""
    def rows():
        found = control(d, 'status')['fronts']
        return found if all(f['pid'] for f in found) else None
    return {f['listener']: f for f in wait_for(rows)}


def instances(d):
    return {i['name']: i for i in control(d, 'status')['instances']}


def records(d, count=1, timeout=10):
    """The journal's records, oldest first, when there are as many."""
    until = time.monotonic() + timeout
    while True:
        found = read_journal(d)
        if len(found) >= count or time.monotonic() > until:
            return found
        control(d, 'flush')
        time.sleep(0.01)


def read_journal(d):
    path = d.path('journal/journal.db')
    try:
        with contextlib.closing(sqlite3.connect(
                f'file:{path}?mode=ro', uri=True, timeout=5)) as db:
            return [json.loads(row[0]) for row in db.execute(
                'SELECT json FROM detail ORDER BY n')]
    except sqlite3.OperationalError:
        return []           # it is just being made


def wait_for(condition, timeout=10, what='it'):
    """The first true value of the condition."""
    until = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f'{what} did not come in {timeout} s')
        time.sleep(0.005)


def checksum(data):
    """As the actor's: FNV-1a."""
    value = 2166136261 if data else 0
    for byte in data:
        value = ((value ^ byte) * 16777619) & 0xffffffff
    return value


def echo(edits, name):
    """The values of the header fields X-Echo-NAME that were added."""
    return [edit[2].removeprefix(' ') for edit in edits
            if edit[0] == 'addheader' and edit[1] == 'X-Echo-' + name]
