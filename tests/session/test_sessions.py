#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Sessions: what they begin with, what they remember, how they end."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.milter import Milter                           # noqa: E402
from lib.scene import (RECIPIENT, SENDER, Scene, actor, echo,   # noqa: E402
                       fronts, records, wait_for)

PAIRS = actor('pairs', 'connect continue', 'mail continue', 'rcpt continue',
              'header continue', 'body continue',
              'message-end log ended', 'session-end log over')


class Clients(Scene):
    def client(self, **connect):
        d = self.daemon(actor('a', 'eom echo'))
        with self.session(d, **connect) as m:
            edits, _ = self.message(m)
        return echo(edits, 'Client')[0], records(d)[0]['client']

    def test_inet(self):
        shown, record = self.client(name='mail.example.com', family='4',
                                    port=12345, addr='192.0.2.9')
        self.assertEqual(shown, 'mail.example.com 192.0.2.9 12345')
        self.assertEqual(record['addr'], '192.0.2.9')
        self.assertEqual(record['name'], 'mail.example.com')

    def test_inet6(self):
        shown, _ = self.client(name='[IPv6:2001:db8::1]', family='6',
                               port=25, addr='2001:db8::1')
        self.assertEqual(shown, '[IPv6:2001:db8::1] 2001:db8::1 25')

    def test_inet6_as_sendmail_writes_it(self):
        shown, _ = self.client(name='x.example.com', family='6',
                               port=25, addr='IPv6:2001:db8:0:0:0:0:0:1')
        self.assertEqual(shown, 'x.example.com 2001:db8::1 25')

    def test_unix(self):
        shown, record = self.client(name='localhost', family='L', port=0,
                                    addr='/run/some.sock')
        self.assertEqual(shown, 'localhost local 0')
        self.assertEqual(record['addr'], 'local')

    def test_unknown(self):
        shown, record = self.client(name='unknown', family='U')
        self.assertEqual(shown, 'unknown unknown 0')
        self.assertEqual(record['addr'], 'unknown')

    def test_helo_missing(self):
        d = self.daemon(actor('a', 'eom echo'))
        with self.session(d, helo=None) as m:
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Helo'), ['-'])


class Macros(Scene):
    def setUp(self):
        self.d = self.daemon(
            actor('a', 'eom echo', 'eom echo-macro {tls_version}',
                  'eom echo-macro {auth_authen}', 'eom echo-macro i',
                  'eom echo-macro {i}', 'eom echo-macro j',
                  'eom echo-macro {never}',
                  macros=['connect {daemon_port}', 'rcpt {rcpt_addr}']))

    def test_starttls_and_auth_are_remembered(self):
        with self.session(self.d, helo='first.example.com') as m:
            m.macros('H', {'{tls_version}': 'TLSv1.3', '{cipher}': 'X'})
            m.helo('second.example.com')
            for _ in range(2):
                m.macros('M', {'i': 'Q1', '{auth_authen}': 'alice',
                               '{auth_type}': 'PLAIN'})
                message = m.send_message((SENDER, [RECIPIENT]), (), b'')
                edits = message.edits
                self.assertEqual(echo(edits, 'Helo'), ['second.example.com'])
                self.assertEqual(echo(edits, 'Tls'), ['TLSv1.3'])
                self.assertEqual(echo(edits, 'Login'), ['alice'])
                self.assertEqual(echo(edits, 'Macro'), [
                    '{tls_version}=TLSv1.3', '{auth_authen}=alice', 'i=Q1',
                    '{i}=Q1', 'j=mx.example.com', '{never}=-'])
        record = records(self.d, 2)[1]
        self.assertEqual(record['client']['login'], 'alice')
        self.assertEqual(record['client']['tls'], 'TLSv1.3')

    def test_a_login_ends_with_its_message(self):
        with self.session(self.d) as m:
            m.macros('M', {'{auth_authen}': 'alice'})
            m.send_message((SENDER, [RECIPIENT]), (), b'')
            m.macros('M', {'i': 'Q2'})
            edits = m.send_message((SENDER, [RECIPIENT]), (), b'').edits
        self.assertEqual(echo(edits, 'Login'), ['-'])

    def test_the_queue_id_comes_when_the_mta_knows_it(self):
        """Postfix knows it at MAIL, or only at DATA."""
        for command in 'MRTE':
            with self.session(self.d) as m:
                for letter, call in (('M', lambda: m.mail(SENDER)),
                                     ('R', lambda: m.rcpt(RECIPIENT)),
                                     ('T', m.data)):
                    if letter == command:
                        m.macros(letter, {'i': 'LATE' + command})
                    call()
                if command == 'E':
                    m.send_packet('D', b'Ei\0LATEE\0')
                edits, _ = m.eom()
            if command == 'T':      # this chain is not told of DATA
                continue
            self.assertEqual(echo(edits, 'Queue-Id'), ['LATE' + command])

    def test_many_macros(self):
        with self.session(self.d) as m:
            m.macros('M', {f'{{m{i}}}': 'v' * 100 for i in range(300)}
                     | {'i': 'Q9'})
            edits = m.send_message((SENDER, [RECIPIENT]), (), b'').edits
        self.assertEqual(echo(edits, 'Queue-Id'), ['Q9'])


class Messages(Scene):
    def test_several_in_a_session(self):
        d = self.daemon(actor('a', 'eom echo'))
        with self.session(d) as m:
            for i in range(20):
                edits, verdict = self.message(
                    m, sender=f'<s{i}@example.com>', queue_id=f'Q{i}',
                    recipients=[f'<r{n}@example.net>' for n in range(i + 1)])
                self.assertEqual(verdict, 'accept')
                self.assertEqual(echo(edits, 'Sender'),
                                 [f's{i}@example.com'])
                self.assertEqual(len(echo(edits, 'Recipient')), i + 1)
                self.assertEqual(echo(edits, 'Queue-Id'), [f'Q{i}'])
        found = records(d, 20)
        self.assertEqual([r['queue_id'] for r in found],
                         [f'Q{i}' for i in range(20)])
        self.assertEqual(len({r['id'] for r in found}), 20)

    def test_a_field_as_long_as_postfix_passes_one(self):
        """Its header_size_limit is 102400; to libmilter, 65535 are all."""
        d = self.daemon(actor('a', 'eom echo'))
        field = ', '.join(['<someone@example.net>'] * 5000)[:102400]
        with self.session(d) as m:
            edits, verdict = self.message(m, headers=(('To', field),))
            self.assertEqual(verdict, 'accept')
            self.assertEqual(echo(edits, 'Queue-Id'), ['4Xk2Qz'])
            self.assertEqual(self.message(m)[1], 'accept')

    def test_rset_then_another(self):
        """An abort, and a MAIL without one."""
        d = self.daemon(actor('a', 'rcpt continue', 'eom echo'))
        with self.session(d) as m:
            m.mail('<one@example.com>')
            m.rcpt('<x@example.net>')
            m.abort()
            m.mail('<two@example.com>')
            m.rcpt('<y@example.net>')
            m.abort()
            edits, _ = self.message(m, sender='<three@example.com>')
        self.assertEqual(echo(edits, 'Sender'), ['three@example.com'])
        self.assertEqual(echo(edits, 'Recipient'), ['0 bob@example.net'])
        self.assertEqual([(r['sender'], r['outcome'])
                          for r in records(d, 3)],
                         [('one@example.com', 'abort'),
                          ('two@example.com', 'abort'),
                          ('three@example.com', 'accept')])

    def test_refused_recipients_are_not_recipients(self):
        d = self.daemon(
            actor('a', 'rcpt reject 550 5.1.1 no', recipient='x@example.net'),
            actor('b', 'eom echo'))
        with self.session(d) as m:
            message = self.send(m, recipients=['<x@example.net>',
                                               '<y@example.net>'])
        self.assertEqual(echo(message.edits, 'Recipient'),
                         ['0 y@example.net'])
        record = records(d)[0]
        self.assertEqual([(r['address'].strip('<>'), r['verdict'], r['by'])
                          for r in record['recipients']],
                         [('x@example.net', 'reject', 'a'),
                          ('y@example.net', 'continue', None)])

    def test_all_recipients_refused_is_a_refusal(self):
        d = self.daemon(actor('a', 'rcpt reject 550 5.1.1 no'))
        with self.session(d) as m:
            self.send(m)
        record = records(d)[0]
        self.assertEqual((record['outcome'], record['stage'], record['by']),
                         ('reject', 'rcpt', 'a'))

    def test_refused_connection_is_recorded(self):
        for stage in ('connect', 'helo'):
            d = self.daemon(actor('a', f'{stage} symbol S 1.5 a list',
                                  f'{stage} reject 554 5.7.1 go away'))
            with self.connected(d) as m:
                m.conn()
                if stage == 'helo':
                    m.helo()
            record = records(d)[0]
            self.assertEqual((record['outcome'], record['stage'],
                              record['by'], record['reply']['text']),
                             ('reject', stage, 'a', 'go away'))
            self.assertEqual((record['score'], [
                (s['name'], s['detail']) for s in record['symbols']]),
                (1.5, [('S', 'a list')]))

    def test_forms_of_addresses(self):
        d = self.daemon(actor('a', 'eom echo'))
        for form, bare in (('<>', ''), ('<a@example.com>', 'a@example.com'),
                           ('a@example.com', 'a@example.com'),
                           ('<@x.example,@y.example:a@example.com>',
                            'a@example.com'),
                           ('<"odd one"@example.com>',
                            '"odd\\x20one"@example.com')):
            with self.session(d) as m:
                edits, _ = self.message(m, sender=form)
            self.assertEqual(echo(edits, 'Sender')[0].strip(), bare)

    def test_esmtp_arguments_are_no_part_of_the_address(self):
        d = self.daemon(actor('a', 'eom echo'))
        with self.session(d) as m:
            edits, _ = self.message(
                m, sender=('<a@example.com>', 'SIZE=100', 'BODY=8BITMIME'),
                recipients=[('<b@example.net>', 'NOTIFY=NEVER')])
        self.assertEqual(echo(edits, 'Sender'), ['a@example.com'])
        self.assertEqual(echo(edits, 'Recipient'), ['0 b@example.net'])


class RejectedRecipients(Scene):
    MACROS = {'{rcpt_mailer}': 'error', '{rcpt_host}': '5.1.1',
              '{rcpt_addr}': 'no such user'}

    def send_rejected(self, *sections):
        d = self.daemon(*sections)
        with self.session(d) as m:
            m.mail(SENDER)
            m.macros('R', self.MACROS)
            m.rcpt('<gone@example.net>')
            m.macros('R', {'{rcpt_mailer}': 'local', '{rcpt_host}': 'x',
                           '{rcpt_addr}': 'bob'})
            m.rcpt(RECIPIENT)
            edits, _ = m.eom()
        return edits, records(d)[0]

    def test_only_to_those_who_ask(self):
        edits, record = self.send_rejected(
            actor('a', 'rcpt add X-A: 1', want=['rejected']),
            actor('b', 'rcpt add X-B: 1', 'eom echo'))
        self.assertEqual([e[1] for e in edits if e[1] in ('X-A', 'X-B')],
                         ['X-A', 'X-A', 'X-B'])
        self.assertEqual(echo(edits, 'Recipient'), ['0 bob@example.net'])
        self.assertEqual(record['recipients'][0]['verdict'],
                         'refused by the MTA')

    def test_what_is_said_of_them_changes_nothing(self):
        edits, record = self.send_rejected(
            actor('a', 'rcpt accept', recipient='gone@example.net',
                  want=['rejected']),
            actor('b', 'eom echo'))
        self.assertEqual(echo(edits, 'Recipient'), ['0 bob@example.net'])


class Endings(Scene):
    """message_end and session_end exactly once for each that began."""

    def check(self, d, messages, sessions=1):
        wait_for(lambda: fronts(d)['mx']['sessions'] == 0)
        ends = self.wait_lines(d, r'(\S+) pairs: ended outcome=(\d)',
                               len(messages))
        overs = self.wait_lines(d, 'pairs: over', sessions)
        self.assertEqual([int(outcome) for _, outcome in ends], messages)
        self.assertEqual(len({name for name, _ in ends}), len(messages))
        self.assertEqual(len(overs), sessions)
        self.assertEqual(fronts(d)['mx']['messages'], 0)

    def test_accepted_and_quit(self):
        d = self.daemon(PAIRS)
        with self.session(d) as m:
            self.message(m)
            self.message(m)
            m.quit()
        self.check(d, [0, 0])

    def test_outcomes(self):
        for rule, outcome in (('reject', 1), ('tempfail', 2), ('discard', 3),
                              ('quarantine', 4)):
            for stage in ('mail', 'data', 'eom'):
                d = self.daemon(PAIRS, actor('z', f'{stage} {rule}'))
                with self.session(d) as m:
                    self.send(m)
                    m.quit()
                self.check(d, [outcome])

    def test_rset(self):
        d = self.daemon(PAIRS)
        with self.session(d) as m:
            m.mail(SENDER)
            m.abort()
            m.abort()
            m.quit()
        self.check(d, [5])

    def test_connection_dropped_at_every_point(self):
        steps = [lambda m: m.conn(), lambda m: m.helo(),
                 lambda m: m.mail(SENDER), lambda m: m.rcpt(RECIPIENT),
                 lambda m: m.data(), lambda m: m.header('A', 'b'),
                 lambda m: m.eoh(), lambda m: m.body(b'x' * 70000),
                 lambda m: m.eom()]
        for count in range(len(steps) + 1):
            d = self.daemon(PAIRS)
            with self.connected(d) as m:
                for take in steps[:count]:
                    take(m)
            messages = [] if count < 3 else [5] if count < 9 else [0]
            with self.subTest(count):
                self.check(d, messages, sessions=count > 0)

    def test_dropped_while_the_answer_is_awaited(self):
        d = self.daemon(PAIRS, actor('z', 'eom sleep 100'))
        with self.session(d) as m:
            m.mail(SENDER)
            m.rcpt(RECIPIENT)
            m.send_packet('E')
        wait_for(lambda: fronts(d)['mx']['sessions'] == 0)
        ends = self.wait_lines(d, 'pairs: ended', 1)
        self.assertEqual(len(ends), 1)
        self.assertEqual(len(self.wait_lines(d, 'pairs: over', 1)), 1)

    def test_close_alone(self):
        """Connected, and not a word; or half a packet."""
        d = self.daemon(PAIRS)
        for data in (b'', b'\0', b'\0\0\0\x0dO\0\0'):
            m = Milter(self.address(d)).connect()
            m.send_raw(data)
            m.close()
        with self.session(d) as m:
            self.message(m)
            m.quit()
        self.check(d, [0])

    def test_close_after_negotiation(self):
        d = self.daemon(PAIRS)
        with self.connected(d):
            pass
        with self.connected(d) as m:
            m.quit()
        self.check(d, [], sessions=0)

    def test_a_new_mail_ends_the_last_message(self):
        d = self.daemon(PAIRS)
        with self.session(d) as m:
            m.mail(SENDER)
            m.rcpt(RECIPIENT)
            m.helo('again.example.com')
            self.message(m)
            m.quit()
        self.check(d, [5, 0])

    def test_sessions_beside_each_other(self):
        d = self.daemon(PAIRS)
        with self.session(d) as one, self.session(d) as two:
            one.mail('<one@example.com>')
            two.mail('<two@example.com>')
            one.rcpt(RECIPIENT)
            two.abort()
            self.assertEqual(one.eom()[1], 'accept')
            self.message(two)
        ends = self.wait_lines(d, r'pairs: ended outcome=(\d)', 3)
        self.assertEqual(sorted(ends), ['0', '0', '5'])
        self.wait_lines(d, 'pairs: over', 2)


class LogLine(Scene):
    def test_untrusted_text_cannot_forge_a_line(self):
        d = self.daemon(actor('a', 'eom continue', want=['headers']))
        with self.session(d, helo='x\nFAKE: "y" \\ \x1b[1m \xff') as m:
            self.message(m, sender='<a"b\n c@example.com>',
                         headers=[('Message-ID', '<i\x07d@x>')])
        lines = self.wait_lines(d, '^.*verdict=accept.*$', 1)
        self.assertEqual(len(lines), 1)
        self.assertFalse(re.search(r'^FAKE', d.log(), re.MULTILINE))
        self.assertNotIn('\x1b', d.log())
        self.assertNotIn('\x07', d.log())


if __name__ == '__main__':
    unittest.main()
