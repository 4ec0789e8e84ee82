#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Do the tools measure what they claim?

tests/lib/milter.py and the load client talk to the bare libmilter filter,
and to one that answers with bytes written down here, right and wrong ones.
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))

from filters import Bare            # noqa: E402
from milter import Closed, Milter, ProtocolError    # noqa: E402

BINARIES = os.environ.get('BENCH_BINARIES') or os.path.join(
    HERE, '..', '..', 'build', 'tests', 'bench')
LOAD = os.path.join(BINARIES, 'load')
BARE = os.path.join(BINARIES, 'bare')

ENVELOPE = ('<a@example.com>', ['<b@example.org>', ('<c@example.org>',
                                                    'NOTIFY=NEVER')])
HEADERS = [('Subject', 'x'), ('To', 'b@example.org')]


def packet(command, data=b''):
    return struct.pack('!I', 1 + len(data)) + command.encode() + data


class Scripted:
    """A filter that answers each command with given bytes, else continue.

    None as the answer closes the connection.  `seen` has the commands of
    all sessions, without macros, aborts and quits.
    """

    def __init__(self, folder, protocol=0, **answers):
        self.address = f'unix:{folder}/scripted.sock'
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address[5:])
        self.listener.listen(64)
        offer = struct.pack('!III', 6, 0x1ff, protocol)
        self.answers = {'O': packet('O', offer), 'D': b'', 'A': b'',
                        'Q': b''} | answers
        self.seen = []
        self.payloads = []      # of these, and of macros

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.address[5:])

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(connection,),
                             daemon=True).start()

    def session(self, connection):
        with connection, connection.makefile('rb') as stream:
            try:
                self.answer(connection, stream)
            except (BrokenPipeError, ConnectionResetError):
                pass

    def answer(self, connection, stream):
        while head := stream.read(4):
            data = stream.read(*struct.unpack('!I', head))
            command = data[:1].decode()
            self.payloads.append((command, data[1:]))
            if command not in 'DAQ':
                self.seen.append(command)
            answer = self.answers.get(command, packet('c'))
            if answer is None:
                return
            connection.sendall(answer)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='millrace-bench-')
        self.addCleanup(shutil.rmtree, self.folder)

    def bare(self, **agreed):
        agreed = {'actions': '0x1', 'protocol': '0x0', 'macros': {}} | agreed
        return self.enterContext(
            Bare(BARE, LOAD, self.folder, agreed, 0))

    def scripted(self, *args, **answers):
        return self.enterContext(Scripted(self.folder, *args, **answers))

    def session(self, address):
        return self.enterContext(Milter(address, timeout=10))


class MilterAgainstBare(Case):
    def test_1_message(self):
        for kind, address in self.bare().addresses.items():
            with self.subTest(kind), Milter(address) as m:
                m.optneg()
                self.assertEqual(m.conn(), 'continue')
                self.assertEqual(m.helo(), 'continue')
                for _ in range(2):
                    r = m.send_message(ENVELOPE, HEADERS, 'y\r\n' * 50000)
                    self.assertEqual(r.verdict, 'continue')
                    self.assertEqual(r.ended_at, 'eom')
                    self.assertEqual(r.edits, [('addheader', 'X-Bench',
                                                'yes')])
                    self.assertEqual(
                        [stage for stage, _ in r.answers],
                        ['mail', 'rcpt', 'rcpt', 'data', 'header', 'header',
                         'eoh', 'body', 'eom'])
                m.expect_silence()
                m.quit()

    def test_2_unasked_and_unanswered(self):
        # No CONNECT, no body; no answers to MAIL, headers; leading space.
        bare = self.bare(protocol='0x104091',
                         macros={'mail': 'i {auth_authen}'})
        m = self.session(bare.addresses['unix'])
        agreed = m.optneg()
        self.assertEqual(agreed.protocol, 0x104091)
        self.assertEqual(agreed.symlists, {'mail': ['i', '{auth_authen}']})
        self.assertIsNone(m.conn())
        self.assertEqual(m.helo(), 'continue')
        m.macros('M', {'i': '4XkQ', '{auth_authen}': 'alice'})
        r = m.send_message(ENVELOPE, HEADERS, 'y\r\n')
        self.assertEqual(dict(r.answers), {
            'mail': None, 'rcpt': 'continue', 'data': 'continue',
            'header': None, 'eoh': 'continue', 'body': None,
            'eom': 'continue'})
        self.assertEqual(r.edits, [('addheader', 'X-Bench', ' yes')])
        m.expect_silence()

    def test_3_families(self):
        address = self.bare().addresses['unix']
        for family, addr in (('4', '192.0.2.7'), ('6', '2001:db8::7'),
                             ('L', '/run/client'), ('U', '')):
            with self.subTest(family), Milter(address) as m:
                m.optneg()
                self.assertEqual(m.conn(family=family, addr=addr),
                                 'continue')
                self.assertEqual(m.unknown('FOO bar'), 'continue')

    def test_4_hostile(self):
        address = self.bare().addresses['unix']
        with Milter(address) as m:
            m.send_packet('C', b'x\0U')     # before negotiation: dropped
            m.expect_silence()
            m.send_raw(b'\xff' * 5)
            self.assertRaises(Closed, m.recv_packet)


class MilterDecodes(Case):
    def test_1_answers(self):
        cases = (
            (packet('c'), 'continue'),
            (packet('a'), 'accept'),
            (packet('r'), 'reject'),
            (packet('t'), 'tempfail'),
            (packet('d'), 'discard'),
            (packet('f'), 'conn_fail'),
            (packet('4'), 'shutdown'),
            (packet('y', b'550 5.7.1 no\0'), ('replycode', '550 5.7.1 no')),
        )
        filt = self.scripted()
        for answer, want in cases:
            with self.subTest(want), Milter(filt.address) as m:
                filt.answers.update(C=answer, E=answer)
                m.optneg()
                self.assertEqual(m.conn(), want)
                self.assertEqual(m.eom(), ([], want))

    def test_2_edits(self):
        edits = (
            ('+', b'<d@example.org>\0', ('addrcpt', '<d@example.org>')),
            ('2', b'<d@example.org>\0NOTIFY=NEVER\0',
             ('addrcpt_par', '<d@example.org>', 'NOTIFY=NEVER')),
            ('-', b'<b@example.org>\0', ('delrcpt', '<b@example.org>')),
            ('e', b'<e@example.org>\0', ('chgfrom', '<e@example.org>')),
            ('h', b'X\0y\0', ('addheader', 'X', 'y')),
            ('i', b'\0\0\0\1X\0y\n\tz\0', ('insheader', 1, 'X', 'y\n\tz')),
            ('m', b'\0\0\0\2X\0\0', ('chgheader', 2, 'X', '')),
            ('q', b'why\0', ('quarantine', 'why')),
            ('b', b'\0new\r\n', ('replbody', b'\0new\r\n')),
            ('p', b'', ('progress',)),
        )
        filt = self.scripted(E=b''.join(
            packet(c, data) for c, data, _ in edits) + packet('a'))
        m = self.session(filt.address)
        m.optneg()
        self.assertEqual(m.eom(), ([e for _, _, e in edits], 'accept'))

    def test_3_refused(self):
        filt = self.scripted()
        for wrong in (packet('c', b'x'), packet('y', b'550'), packet('h'),
                      packet('s'), packet('z'), packet('i', b'\0\0')):
            with self.subTest(wrong), Milter(filt.address) as m:
                filt.answers['E'] = wrong
                m.optneg()
                self.assertRaises(ProtocolError, m.eom)

    def test_4_one_too_many(self):
        m = self.session(self.scripted(H=packet('c') * 2).address)
        m.optneg()
        self.assertEqual(m.helo(), 'continue')
        self.assertRaises(ProtocolError, m.expect_silence)

    def test_5_ends(self):
        refuse = packet('y', b'550 5.1.1 no\0')
        filt = self.scripted(R=refuse)
        m = self.session(filt.address)
        m.optneg()
        r = m.send_message(ENVELOPE, HEADERS, 'y\r\n')
        self.assertEqual((r.verdict, r.ended_at, r.recipients),
                         (('replycode', '550 5.1.1 no'), 'rcpt', []))
        filt.answers.update(R=packet('c'), L=packet('s'), B=packet('s'))
        filt.seen.clear()
        r = m.send_message(ENVELOPE, HEADERS, 'y' * 70000)
        self.assertEqual(r.verdict, 'continue')
        self.assertEqual(''.join(filt.seen), 'MRRTLNBE')


class LoadClient(Case):
    def load(self, address, *options):
        done = subprocess.run(
            [LOAD, '--address', address, *options], text=True,
            stdout=subprocess.PIPE, timeout=60)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(done.returncode, result['errors'] > 0)
        return result

    def test_1_counts(self):
        for kind, address in self.bare().addresses.items():
            with self.subTest(kind):
                r = self.load(address, '--messages', '40', '--connections',
                              '4', '--per-session', '5', '--idle', '10',
                              '--slow-every', '2')
                self.assertEqual(r['messages'], 40)
                self.assertEqual(r['verdicts'], {'continue': 40})
                self.assertEqual((r['edits'], r['errors']), (40, 0))
                self.assertEqual(r['marked']['count']
                                 + r['unmarked']['count'], 40)
                self.assertGreater(r['marked']['count'], 0)

    def test_2_modes(self):
        address = self.bare().addresses['unix']
        for mode in ('--quit-nc', '--sendmail'):
            with self.subTest(mode):
                r = self.load(address, mode, '--messages', '30')
                self.assertEqual((r['messages'], r['errors']), (30, 0))
        r = self.load(address, '--probe', '7', '--idle', '100')
        self.assertEqual((r['session']['count'], r['errors']), (7, 0))

    def test_3_as_negotiated(self):
        # No HELO, no RCPT; no answers to CONNECT, headers and the body.
        filt = self.scripted(0x8108a, C=b'', L=b'', B=b'')
        r = self.load(filt.address, '--messages', '1', '--body', '70000')
        self.assertEqual((r['messages'], r['errors']), (1, 0))
        self.assertEqual(''.join(filt.seen), 'OOCMTLLLLLLLLLLNBBE')

    def test_4_answers(self):
        filt = self.scripted(
            B=packet('s'), L=packet('s'),
            E=packet('p') + packet('h', b'X\0y\0') + packet('d'))
        r = self.load(filt.address, '--messages', '1', '--body', '200000')
        self.assertEqual(''.join(filt.seen), 'OOCHMRTLNBE')
        self.assertEqual((r['verdicts'], r['edits'], r['progress']),
                         ({'discard': 1}, 1, 1))
        filt.answers['R'] = packet('y', b'550 no\0')
        r = self.load(filt.address, '--messages', '3')
        self.assertEqual(r['verdicts'], {'replycode at rcpt': 3})
        self.assertEqual(r['errors'], 0)

    def test_5_letters(self):
        folder = os.path.join(self.folder, 'letters')
        os.mkdir(folder)
        for name, text in (('a', 'Subject: one\r\n two\r\nX:y\r\n\r\nbody'),
                           ('b', 'Subject: other\n\n1\n2\n')):
            with open(os.path.join(folder, name), 'w', newline='') as f:
                f.write(text)
        filt = self.scripted()
        r = self.load(filt.address, '--messages', '4', '--letters', folder,
                      '--client', '192.0.2.99', '--sender', 's@example.com',
                      '--recipient', 'r@example.com', '--accounts', '50')
        self.assertEqual((r['messages'], r['errors']), (4, 0))
        seen = filt.payloads
        for wanted in (('C', b'client.example.com\0004\xc0\x00192.0.2.99\0'),
                       ('R', b'<r@example.com>\0'),
                       ('L', b'Subject\0one\n two\0'), ('L', b'X\0y\0'),
                       ('B', b'body\r\n'),
                       ('L', b'Subject\0other\0'), ('B', b'1\r\n2\r\n')):
            self.assertIn(wanted, seen)
        self.assertTrue([p for c, p in seen if c == 'M'
                         and p.startswith(b'<s@example.com>\0')])
        logins = [p for c, p in seen if c == 'D'
                  and b'{auth_authen}\0user00000' in p]
        self.assertEqual(len([p for p in logins if p[:1] == b'M']), 4)

    def test_6_errors(self):
        cases = (
            ('T', packet('c') * 2, 'unasked answer 0x63 at data'),
            ('M', packet('Z'), 'answer 0x5a at mail'),
            ('H', packet('t'), 'tempfail at helo'),
            ('N', None, 'closed at eoh'),
            ('E', b'\xff\xff\xff\xff', 'malformed packet at eom'),
            ('R', b'', 'no answer at rcpt'),
        )
        filt = self.scripted()
        for command, answer, error in cases:
            with self.subTest(error):
                usual = dict(filt.answers)
                filt.answers[command] = answer
                r = self.load(filt.address, '--seconds', '0.01',
                              '--timeout', '1')
                filt.answers = usual
                self.assertIn(error, r['error_list'])
                self.assertEqual(r['messages'], 0)


if __name__ == '__main__':
    unittest.main()
