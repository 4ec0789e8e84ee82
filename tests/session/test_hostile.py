#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Bytes that no MTA would send: nobody dies of them, and the next session
is served as if nothing had been."""

import os
import random
import re
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.milter import Milter, strings, wire            # noqa: E402
from lib.scene import Scene, actor, fronts, serving, wait_for   # noqa: E402

SEED = 20260101
MUTATIONS = 1000
STAGES = ('connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body',
          'unknown')
SECTIONS = (
    actor('all', *(f'{stage} continue' for stage in STAGES), 'eom echo',
          'eom echo-body', 'eom add X-A: 1', 'mail auth spf pass',
          want=['rejected', 'auth'], macros=['rcpt {rcpt_addr}',
                                             'mail {mail_addr}']),)


def packet(command, data=b''):
    return struct.pack('!I', 1 + len(data)) + wire(command) + data


OPTNEG = packet('O', struct.pack('!III', 6, 0x1ff, 0x1fffff))
CONN = packet('C', strings('c.example.com') + b'4' + struct.pack('!H', 25)
              + strings('192.0.2.7'))
HELO = packet('H', strings('h.example.com'))
MAIL = packet('M', strings('<a@example.com>'))
RCPT = packet('R', strings('<b@example.net>'))
DATA, EOH, EOM = packet('T'), packet('N'), packet('E')
ABORT, QUIT, QUIT_NC = packet('A'), packet('Q'), packet('K')
HEADER = packet('L', strings('Subject', ' x'))
BODY = packet('B', b'body\r\n')
OPEN = OPTNEG + CONN + HELO
ENVELOPE = OPEN + MAIL + RCPT
MESSAGE = ENVELOPE + DATA + HEADER + EOH + BODY + EOM


def length(n, rest=b''):
    return struct.pack('!I', n) + rest


def optneg(version=6, actions=0x1ff, protocol=0x1fffff):
    return packet('O', struct.pack('!III', version, actions, protocol))


def macros(stage, *values):
    return packet('D', wire(stage) + strings(*values))


KINDS = {
    # lengths
    'length 0': OPTNEG + length(0),
    'length 0 first': length(0) * 5,
    'length 1 without its byte': OPTNEG + length(1),
    'length 2^31-1': OPTNEG + length(0x7fffffff, b'C'),
    'length 2^32-1': OPTNEG + length(0xffffffff, b'C'),
    'length 2^31': OPTNEG + length(0x80000000, b'Cx'),
    'length 1 MB, then nothing': OPTNEG + length(1 << 20, b'B' + b'x' * 99),
    'length too small for the string': OPTNEG + length(3, b'Hhello.example\0'),
    'half a length': OPTNEG + b'\0\0',
    'one byte': b'\0',
    'text': b'GET / HTTP/1.0\r\n\r\n',
    'SMTP': b'EHLO x.example.com\r\nMAIL FROM:<>\r\n',
    'zeros': bytes(4096),
    'ones': b'\xff' * 4096,
    # commands and their order
    'unknown command': OPEN + packet('x', b'data'),
    'every command empty': OPTNEG + b''.join(
        packet(bytes([c])) for c in range(256)),
    'an answer as a command': OPEN + packet('c') + packet('y', b'250 ok\0'),
    'CONNECT without OPTNEG': CONN + HELO + MAIL,
    'MAIL without OPTNEG': MAIL + RCPT + EOM,
    'EOM without OPTNEG': EOM,
    'QUIT first': QUIT,
    'ABORT first': ABORT,
    'OPTNEG twice': OPTNEG + OPTNEG + CONN,
    'OPTNEG in a message': ENVELOPE + OPTNEG + EOM,
    'CONNECT twice': OPEN + CONN + CONN + HELO,
    'EOM without MAIL': OPEN + EOM,
    'EOM twice': MESSAGE + EOM + EOM,
    'RCPT without MAIL': OPEN + RCPT + EOM,
    'MAIL in MAIL': OPEN + MAIL + MAIL + MAIL + RCPT + EOM,
    'DATA without RCPT': OPEN + MAIL + DATA + EOM,
    'body before headers': ENVELOPE + BODY + HEADER + EOH + EOM,
    'header after body': ENVELOPE + HEADER + EOH + BODY + HEADER + EOM,
    'EOH twice': ENVELOPE + EOH + EOH + EOM,
    'header without MAIL': OPEN + HEADER + EOH,
    'HELO in a message': ENVELOPE + HELO + EOM,
    'QUIT in a message': ENVELOPE + QUIT,
    'QUIT_NC and again without CONNECT': OPEN + QUIT_NC + MAIL + RCPT + EOM,
    'QUIT_NC 100 times': OPTNEG + (CONN + HELO + MAIL + QUIT_NC) * 100,
    'ABORT 1,000 times': OPEN + ABORT * 1000 + MAIL + ABORT * 1000,
    'after QUIT': OPEN + QUIT + MAIL + RCPT + EOM,
    # versions
    'version 0': optneg(0) + CONN,
    'version 1': optneg(1) + CONN,
    'version 99': optneg(99) + CONN + HELO + MAIL,
    'version 2^32-1': optneg(0xffffffff) + CONN,
    'no action, no protocol': optneg(6, 0, 0) + CONN + HELO + MAIL + RCPT
    + EOM,
    'all bits': optneg(6, 0xffffffff, 0xffffffff) + CONN + HELO + MAIL,
    'short OPTNEG': packet('O', b'\0\0\0\6') + CONN,
    'empty OPTNEG': packet('O') + CONN,
    'long OPTNEG': packet('O', struct.pack('!III', 6, 0x1ff, 0x1fffff)
                          + b'x' * 1000) + CONN,
    # strings
    'HELO without NUL': OPTNEG + CONN + packet('H', b'h.example.com'),
    'HELO empty': OPTNEG + CONN + packet('H') + MAIL,
    'HELO with NULs': OPTNEG + CONN + packet('H', b'a\0b\0c\0') + MAIL,
    'MAIL without NUL': OPEN + packet('M', b'<a@example.com>') + RCPT,
    'MAIL empty': OPEN + packet('M') + RCPT + EOM,
    'MAIL of NULs': OPEN + packet('M', bytes(1000)) + RCPT + EOM,
    'RCPT without NUL': OPEN + MAIL + packet('R', b'<b') + EOM,
    'RCPT empty': OPEN + MAIL + packet('R') + RCPT + EOM,
    'header without value': ENVELOPE + packet('L', b'Subject\0') + EOH + EOM,
    'header without NUL': ENVELOPE + packet('L', b'Subject') + EOH + EOM,
    'header empty': ENVELOPE + packet('L') + EOH + EOM,
    'header of two NULs': ENVELOPE + packet('L', b'\0\0') + EOH + EOM,
    'header of control bytes': ENVELOPE + packet(
        'L', bytes(range(1, 32)) + b'\0' + bytes(range(1, 32)) + b'\0')
    + EOH + EOM,
    'unknown without NUL': OPEN + packet('U', b'FOO') + MAIL,
    # CONNECT
    'CONNECT empty': OPTNEG + packet('C') + HELO,
    'CONNECT name only': OPTNEG + packet('C', b'name\0') + HELO,
    'CONNECT without NUL': OPTNEG + packet('C', b'name') + HELO,
    'CONNECT unknown family': OPTNEG + packet(
        'C', b'name\0Z\0\x19192.0.2.1\0') + HELO,
    'CONNECT bad IPv4': OPTNEG + packet(
        'C', b'name\0' + b'4\0\x19999.999.1.1.1\0') + HELO + MAIL,
    'CONNECT bad IPv6': OPTNEG + packet(
        'C', b'name\0' + b'6\0\x19:::::g\0') + HELO + MAIL,
    'CONNECT short port': OPTNEG + packet('C', b'name\0' + b'4\0') + HELO,
    'CONNECT address without NUL': OPTNEG + packet(
        'C', b'name\0' + b'4\0\x19192.0.2.1') + HELO,
    'CONNECT long unix path': OPTNEG + packet(
        'C', b'name\0L\0\0/' + b'x' * 500 + b'\0') + HELO + MAIL,
    'CONNECT long name': OPTNEG + packet(
        'C', b'n' * 60000 + b'\0U') + HELO + MAIL,
    # macros
    'macros without a stage': OPTNEG + packet('D') + CONN,
    'macros for no stage': OPTNEG + macros(b'\xff', 'i', 'x') + CONN,
    'macros odd': OPTNEG + macros('C', 'j', 'x', 'i') + CONN + HELO,
    'macros without NUL': OPTNEG + packet('D', b'Cj\0x') + CONN + HELO,
    'macros of 64 KB': OPTNEG + macros('C', 'j', 'x' * 65000) + CONN + HELO,
    '10,000 macros': OPEN + macros('M', *(
        word for i in range(5000) for word in (f'{i}', 'v'))) + MAIL + RCPT,
    'macros 1,000 times': OPEN + macros('M', 'i', 'Q' * 60) * 1000 + MAIL,
    'macro names of nothing': OPEN + macros('M', '', '', '', '') + MAIL,
    # sizes
    'header of 64 KB': ENVELOPE + packet(
        'L', b'X\0' + b'v' * 65500 + b'\0') + EOH + EOM,
    'header name of 64 KB': ENVELOPE + packet(
        'L', b'n' * 65500 + b'\0v\0') + EOH + EOM,
    'ESMTP arguments of 64 KB': OPEN + packet(
        'M', strings('<a@example.com>') + b'A=' + b'x' * 65000 + b'\0')
    + RCPT + EOM,
    '10,000 ESMTP arguments': OPEN + packet(
        'M', strings('<a@example.com>', *['A=B'] * 10000)) + RCPT + EOM,
    'address of 64 KB': OPEN + packet(
        'M', b'<' + b'a' * 65000 + b'@example.com>\0') + RCPT + EOM,
    'address of brackets': OPEN + packet('M', b'<' * 9999 + b'\0') + RCPT
    + EOM,
    'empty body chunk': ENVELOPE + packet('B') + EOM,
    'body chunk of 1 MB': ENVELOPE + packet('B', b'x' * (1 << 20)) + EOM,
    'body chunk of 65,535': ENVELOPE + packet('B', b'x' * 65535) + EOM,
    'HELO of 64 KB': OPTNEG + CONN + packet('H', b'h' * 65000 + b'\0')
    + MAIL,
    'unknown of 64 KB': OPEN + packet('U', b'u' * 65000 + b'\0') + MAIL,
}

# Of these libmilter reads past the end, which the front survives; but not
# under ThreadSanitizer, whose state a handler cannot leave by a jump.
TSAN = os.environ.get('SANITIZED') == 'tsan'
if TSAN:
    del KINDS['macros odd'], KINDS['macros without NUL']

# Large, so sent as they are made.
MANY = {
    '10,000 recipients': (OPEN + MAIL, RCPT, 10000, EOH + BODY + EOM),
    '50,000 headers': (ENVELOPE + DATA, HEADER, 50000, EOH + BODY + EOM),
    '40 MB of headers': (ENVELOPE + DATA, packet(
        'L', b'X\0' + b'v' * 60000 + b'\0'), 700, EOH + BODY + EOM),
    '2,000 messages in one session': (
        OPEN, MAIL + RCPT + DATA + HEADER + EOH + BODY + EOM, 2000, QUIT),
}


def talk(address, parts, timeout=60):
    """Say it all, then hear what comes until they hang up."""
    heard = bytearray()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(address[5:])
        try:
            for part in parts:
                s.sendall(part)
                drain(s, heard)
            s.shutdown(socket.SHUT_WR)
            while data := s.recv(1 << 16):
                heard += data
        except (BrokenPipeError, ConnectionResetError):
            pass
    return bytes(heard)


def drain(s, heard):
    """Or both sides would wait for each other."""
    s.setblocking(False)
    try:
        while data := s.recv(1 << 16):
            heard += data
    except BlockingIOError:
        pass
    finally:
        s.settimeout(60)


class Recorder(Milter):
    """Keeps the packets that it sends."""

    def connect(self):
        self.sent = []
        return super().connect()

    def send_raw(self, data):
        self.sent.append(data)
        super().send_raw(data)


def flip(r, data):
    at = r.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << r.randrange(8)]) \
        + data[at + 1:]


def cut(r, data):
    at = r.randrange(len(data))
    return data[:at] + data[at + r.randrange(1, 9):]


def insert(r, data):
    at = r.randrange(len(data))
    return data[:at] + r.randbytes(r.randrange(1, 9)) + data[at:]


def truncate(r, data):
    return data[:r.randrange(len(data))]


def mutate(r, packets):
    """One to three changes, to packets or to bytes."""
    packets = list(packets)
    for _ in range(r.randrange(1, 4)):
        at, other = r.randrange(len(packets)), r.randrange(len(packets))
        kind = r.randrange(7)
        if kind == 0:
            packets[at], packets[other] = packets[other], packets[at]
        elif kind == 1:
            packets.insert(other, packets[at])
        elif kind == 2 and len(packets) > 1:
            del packets[at]
        else:
            how = (flip, cut, insert, truncate)[kind - 3]
            packets[at] = how(r, packets[at]) if packets[at] else b''
    return packets


class Hostile(Scene):
    def setUp(self):
        # The plugin is held to its limits when it shows what it saw.
        self.d = self.daemon(*SECTIONS, trouble=True)
        self.addCleanup(self.check_deaths)
        wait_for(lambda: len(serving(self.d)) == 2)
        self.before = self.processes()

    def check_deaths(self):
        self.assertEqual(re.findall('^.* ended: .*$', self.d.log(),
                                    re.MULTILINE), [])

    def processes(self):
        return fronts(self.d)['mx']['pid'], sorted(serving(self.d))

    def good(self):
        with self.session(self.d) as m:
            edits, verdict = self.message(m)
        self.assertEqual(verdict, 'accept')
        self.assertIn(('addheader', 'X-A', '1'), edits)

    def check(self):
        self.good()
        self.assertEqual(self.processes(), self.before)

    def test_kinds(self):
        self.assertGreaterEqual(len(KINDS), 45)
        for name, data in KINDS.items():
            with self.subTest(name):
                talk(self.address(self.d), [data])
                self.check()
        print(f'{len(KINDS)} kinds of hostile packets')

    def test_kinds_byte_by_byte(self):
        for name, data in KINDS.items():
            if len(data) < 400:
                with self.subTest(name):
                    talk(self.address(self.d),
                         [data[i:i + 1] for i in range(len(data))])
        self.check()

    def test_many(self):
        for name, (head, part, count, tail) in MANY.items():
            with self.subTest(name):
                heard = talk(self.address(self.d),
                             [head, *[part] * count, tail])
                self.assertTrue(heard)
                self.check()

    def test_too_many_headers_are_put_off(self):
        """More than is kept for a replay: 452, not accepted unseen."""
        with self.session(self.d) as m:
            m.mail('<a@example.com>')
            m.rcpt('<b@example.net>')
            m.data()
            answer = None
            for _ in range(700):
                answer = m.header('X', 'v' * 60000)
                if answer != 'continue':
                    break
            self.assertEqual(answer, (
                'replycode', '452 4.3.1 Insufficient system storage'))
            m.abort()
            self.assertEqual(self.message(m)[1], 'accept')
        self.check()

    def test_mutations_of_a_good_session(self):
        with Recorder(self.address(self.d)) as m:
            m.optneg()
            m.macros('C', {'j': 'mx.example.com'})
            m.conn()
            m.helo()
            m.macros('M', {'i': 'Q1', '{auth_authen}': 'alice'})
            m.send_message(('<a@example.com>',
                            [('<b@example.net>', 'NOTIFY=NEVER'),
                             '<c@example.net>']),
                           [('Subject', 'x'), ('To', 'b')], b'body\r\n')
            m.quit()
            packets = [p for p in m.sent if not (TSAN and p[4:5] == b'D')]
        r = random.Random(SEED)
        for n in range(MUTATIONS):
            talk(self.address(self.d), mutate(r, packets))
            self.good()
            if n % 100 == 99:
                self.assertEqual(self.processes(), self.before)
        print(f'{MUTATIONS} mutated sessions, seed {SEED}')

    def test_connections_that_say_nothing(self):
        silent = [Milter(self.address(self.d)).connect() for _ in range(200)]
        self.check()
        for m in silent:
            m.close()
        self.check()


if __name__ == '__main__':
    unittest.main()
