#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin spf in the daemon: what its results lead to, for whom, and what
is left of them, with a name server that answers or does not."""

import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import authres                                      # noqa: E402

from lib.dnsscene import DnsScene                   # noqa: E402
from lib.scene import (HEADERS, actor, echo, mx,    # noqa: E402
                       records, section, wait_for)

MACROS = '%{l}' * 127 + 'x' * 6000      # CVE-2023-42118

ZONES = {
    'pass.example': [('TXT', 'v=spf1 ip4:192.0.2.0/24 -all')],
    'fail.example': [('TXT', 'v=spf1 -all exp=why.example')],
    'why.example': [('TXT', 'See http://www.example.com/?%{c}')],
    'softfail.example': [('TXT', 'v=spf1 mx ~all'),
                         ('MX', 10, 'mx.softfail.example')],
    'mx.softfail.example': [('A', '198.51.100.1')],
    'neutral.example': [('TXT', 'v=spf1 include:fail.example')],
    'none.example': [('A', '192.0.2.9')],
    'permerror.example': [('TXT', 'v=spf1 foo')],
    'servfail.example': [('TXT', 'v=spf1 -all')],
    'drop.example': [('TXT', 'v=spf1 -all')],
    'later.example': [('TXT', 'v=spf1 a:slow.example -all')],
    'slow.example': [('A', '203.0.113.9')],
    'client.example': [('TXT', 'v=spf1 a -all'), ('A', '192.0.2.7')],
    'forger.example': [('TXT', 'v=spf1 a -all'), ('A', '203.0.113.9')],
    'long.example': [('TXT', 'v=spf1 ' + ' '.join(
        f'ip4:198.51.{n // 250}.{n % 250}' for n in range(900)) +
        ' ip4:192.0.2.7 -all')],
    'macros.example': [('TXT', f'v=spf1 exists:{MACROS}.example x={MACROS} '
                               'exp=macros-exp.example -all')],
    'macros-exp.example': [('TXT', MACROS)],
    # xn-- names of U-labels (RFC 8616)
    'xn--bcher-kva.example': [('TXT', 'v=spf1 ip4:192.0.2.7 -all')],
}
FAIL = '550 5.7.23 SPF fail: 192.0.2.7 is not allowed to send mail for '
SYMBOL = re.compile(r'identity=(\S+) domain=(\S*) client=(\S+)'
                    r'(?: term="(.*)")?(?: why="(.*)")? terms=(\d+) '
                    r'voids=(\d+)')


class SpfScene(DnsScene):
    zones = ZONES

    def spf(self, *more, dns_timeout='1s', **options):
        return self.daemon(section('spf', 'spf', **options), *more,
                           dns_timeout=dns_timeout)

    def ask(self, d, sender, helo='unknown.invalid', connect=(), **values):
        """One message in a session of its own."""
        with self.session(d, helo=helo, **dict(connect)) as m:
            return self.send(m, sender=f'<{sender}>', **values)

    def verdict(self, d, sender, **values):
        return self.word(self.ask(d, sender, **values))

    def word(self, message):
        """The lines of a refusal as "550 5.7.23 one / two", or the verdict."""
        if isinstance(message.verdict, str):
            return message.verdict
        code, dsn, *_ = re.split('[- ]', message.verdict[1])
        lines = [line[len(code + dsn) + 2:]
                 for line in message.verdict[1].splitlines()]
        return f'{code} {dsn} ' + ' / '.join(lines)

    def code(self, d, sender, **values):
        return self.verdict(d, sender, **values).split(' ')[0]

    def symbols(self, d, count=1):
        """{name: (score, detail)} of the newest record."""
        return {s['name']: (s['score'], s['detail'])
                for s in records(d, count)[-1]['symbols']}


class Results(SpfScene):
    def test_by_default(self):
        d = self.spf(on_error='tempfail')
        for n, (domain, verdict) in enumerate((
                ('pass', 'accept'), ('softfail', 'accept'),
                ('neutral', 'accept'), ('none', 'accept'),
                ('permerror', 'accept'),
                ('fail', FAIL + 'fail.example / fail.example explains: See '
                 'http://www.example.com/?192.0.2.7'),
                ('servfail', '451 4.3.0 Temporary filter problem, please '
                 'try again later'))):
            if domain == 'servfail':
                self.dns.fault('servfail.example', 'servfail')
            self.assertEqual(self.verdict(d, f'a@{domain}.example'), verdict)
            result = 'temperror' if domain == 'servfail' else domain
            name = f'SPF_{result.upper()}'
            score, detail = self.symbols(d, n + 1)[name]
            self.assertEqual(score, 2 if domain == 'softfail' else 0)
            match = SYMBOL.fullmatch(detail)
            self.assertIsNotNone(match, detail)
            self.assertEqual(match.group(1, 2, 3), (
                'mailfrom', f'{domain}.example', '192.0.2.7'))

    def test_each_may_do_anything(self):
        """Every result with every action, one instance after the other."""
        self.dns.fault('servfail.example', 'servfail')
        codes = {'fail': ('5.7.23', '4.7.23'), 'none': ('5.7.23', '4.7.23'),
                 'softfail': ('5.7.23', '4.7.23'),
                 'neutral': ('5.7.23', '4.7.23'),
                 'permerror': ('5.7.24', '4.7.24'),
                 'temperror': ('5.7.24', '4.4.3')}
        for action in ('accept', 'score', 'tempfail', 'reject', 'quarantine'):
            d = self.spf(reply='{result}', explanation='no',
                         **dict.fromkeys(codes, action))
            for n, (result, dsn) in enumerate(codes.items()):
                domain = 'servfail' if result == 'temperror' else result
                message = self.ask(d, f'a@{domain}.example')
                wanted = {
                    'tempfail': ('replycode', f'451 {dsn[1]} {result}'),
                    'reject': ('replycode', f'550 {dsn[0]} {result}')}
                self.assertEqual(message.verdict,
                                 wanted.get(action, 'accept'))
                held = [e for e in message.edits if e[0] == 'quarantine']
                self.assertEqual(len(held), action == 'quarantine')
                score = self.symbols(d, n + 1)[f'SPF_{result.upper()}'][0]
                self.assertEqual(score != 0, action == 'score')

    def test_an_error_follows_on_error(self):
        self.dns.fault('servfail.example', 'servfail')
        for on_error, verdict in (('continue', 'accept'),
                                  ('tempfail', '451'), ('reject', '550')):
            d = self.spf(on_error=on_error)
            self.assertEqual(self.code(d, 'a@servfail.example'), verdict)

    def test_observed(self):
        d = self.spf(mode='observe')
        self.assertEqual(self.verdict(d, 'a@fail.example'), 'accept')
        step, = [s for s in records(d)[0]['steps']
                 if s['verdict'] == 'reject']
        self.assertTrue(step['observed'])

    def test_policies_of_domains(self):
        d = self.spf(policies=['fail.example fail=accept',
                               'softfail.example softfail=reject',
                               'none.example none=tempfail'])
        for domain, verdict in (('fail', 'accept'), ('softfail', '550'),
                                ('none', '451'), ('pass', 'accept')):
            self.assertEqual(self.code(d, f'a@{domain}.example'), verdict)

    def test_a_policy_file_that_goes_bad(self):
        """A wrong value is logged, and the options are used."""
        folder = tempfile.TemporaryDirectory(dir='/run')
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        path = os.path.join(folder.name, 'policies')

        def write(text):
            with open(path + '.new', 'w') as f:
                f.write(text)
            os.rename(path + '.new', path)

        write('fail.example fail=accept\n')
        d = self.spf(policies=[f'map:file:{path}'])
        self.assertEqual(self.verdict(d, 'a@fail.example'), 'accept')
        write('fail.example fail=drop\n')
        wait_for(lambda: self.code(d, 'a@fail.example') == '550')
        d.wait_log('policies: the entry for "fail.example": the action')

    def test_records_of_our_own(self):
        d = self.spf(records=['fail.example v=spf1 ip4:192.0.2.7 -all'])
        self.assertEqual(self.verdict(d, 'a@fail.example'), 'accept')
        self.assertEqual(self.dns.count('fail.example', 'TXT'), 0)

    def test_a_long_record(self):
        """Over TCP, and its last terms count."""
        d = self.spf()
        self.assertEqual(self.verdict(d, 'a@long.example'), 'accept')
        self.assertIn('SPF_PASS', self.symbols(d))
        self.assertEqual('550', self.code(
            d, 'a@long.example', connect={'addr': '192.0.2.8'}))
        self.assertGreater(self.dns.by_tcp(), 0)

    def test_a_record_that_libspf2_dies_of(self):
        d = self.spf()
        self.assertIn(
            FAIL + 'macros.example / macros.example explains: aaaaa',
            self.verdict(d, 'a@macros.example'))


class Identities(SpfScene):
    def fields(self, message):
        """The field Authentication-Results, unfolded; others can read it."""
        field, = [' '.join(e[-1].split()) for e in message.edits
                  if 'Authentication-Results' in e]
        authres.AuthenticationResultsHeader.parse(
            'Authentication-Results: ' + field)
        return field

    def test_both_in_authentication_results(self):
        d = self.spf()
        message = self.ask(d, 'a@softfail.example', helo='client.example')
        self.assertEqual(
            self.fields(message),
            'mx.example.com; spf=pass smtp.helo=client.example; '
            'spf=softfail smtp.mailfrom=a@softfail.example')

    def test_a_forged_helo(self):
        d = self.spf()
        self.assertEqual(
            self.verdict(d, 'a@pass.example', helo='forger.example'),
            '550 5.7.23 SPF fail: 192.0.2.7 is not allowed to use the name '
            'forger.example')

    def test_at_helo(self):
        d = self.spf(helo_stage='helo')
        with self.connected(d) as m:
            m.macros('C', {'j': 'mx.example.com'})
            self.assertIn(m.conn(), (None, 'continue'))
            self.assertEqual(m.helo('forger.example')[0], 'replycode')
        d.wait_log('SPF_HELO_FAIL identity=helo')
        self.assertEqual(
            self.verdict(d, 'a@pass.example', helo='client.example'),
            'accept')

    def test_the_empty_sender(self):
        d = self.spf()
        message = self.ask(d, '', helo='client.example')
        self.assertEqual(self.fields(message),
                         'mx.example.com; spf=pass smtp.helo=client.example')
        self.assertIn('forger.example', self.verdict(
            d, '', helo='forger.example'))

    def test_notes(self):
        d = self.spf(actor('b', 'eom echo-note spf.result',
                           'eom echo-note spf.domain',
                           'eom echo-note spf.helo.result',
                           'eom echo-note spf.helo.domain'))
        with self.session(d, helo='client.example') as m:
            edits, _ = self.message(m, sender='<a@softfail.example>')
        self.assertEqual(echo(edits, 'Note'), [
            'spf.result=softfail', 'spf.domain=softfail.example',
            'spf.helo.result=pass', 'spf.helo.domain=client.example'])

    def test_u_labels(self):
        """A domain in UTF-8 is asked for in A-labels."""
        d = self.spf()
        self.assertEqual(self.verdict(d, 'a@bücher.example'), 'accept')
        self.assertIn('SPF_PASS', self.symbols(d))

    def test_hostile_bytes(self):
        d = self.spf(none='reject', reply='{sender} {helo} {domain}')
        for sender in ('a\r\nX: y@none.example', 'a\x01\x7f@none.example',
                       '"%s %n"@none.example', 'a@b@none.example',
                       'a@-.none.example', '\udce4@\udce4.example',
                       'a@' + 'x' * 300 + '.example', 'a@' + 'x.' * 200,
                       '@', 'a@', 'a', 'a@[192.0.2.7]', 'a@.', '%{s}@none.'
                       'example'):
            for helo in ('h\r\nX: y', 'h;y=z (', '\udce4', '[::1]', '%{h}'):
                verdict = self.verdict(d, sender, helo=helo)
                self.assertTrue(verdict.startswith('550 5.7.23 '), verdict)
                self.assertTrue(verdict.isascii() and verdict.isprintable(),
                                verdict)

    def test_hostile_bytes_in_fields(self):
        """Received-SPF is one field, and each value is one value."""
        d = self.spf(received_spf='yes')
        for sender, helo, wanted in (
                ('a"b@none.example', 'h;x=y',
                 (r'envelope-from="a\"b@none.example"', 'helo="h;x=y"')),
                (r'a\b@none.example', 'h(x)',
                 (r'envelope-from="a\\b@none.example"', 'helo="h(x)"')),
                ('a b; result=pass@none.example', 'h\\',
                 ('envelope-from="a b; result=pass@none.example"',
                  r'helo="h\\"')),
                ('a\udce4@none.example', '\udce4',
                 ('envelope-from="a??@none.example"', 'helo="??"'))):
            message = self.ask(d, sender.encode(
                'utf-8', 'surrogateescape').replace(
                    b'\xe4', b'\xc3\xa4').decode(), helo=helo.replace(
                        '\udce4', 'ä'))
            field, = [e[-1] for e in message.edits if 'Received-SPF' in e]
            parts = [part.strip() for part in field.split(';\n')]
            self.assertEqual(parts[0], 'none (none.example has no SPF '
                             'record)\n\tidentity=mailfrom')
            self.assertEqual(tuple(parts[2:4]), wanted)
            self.assertEqual(len(parts), 5)
            self.fields(message)

    def test_received_spf(self):
        d = self.spf(received_spf='yes')
        message = self.ask(d, 'a@pass.example', helo='client.example')
        where = [e[:3] for e in message.edits if 'Received-SPF' in e]
        self.assertEqual(where, [('insheader', 0, 'Received-SPF')])
        field, = [e[-1] for e in message.edits if 'Received-SPF' in e]
        self.assertEqual(' '.join(field.split()), (
            'pass (192.0.2.7 may send mail for pass.example) '
            'identity=mailfrom; client-ip=192.0.2.7; '
            'envelope-from="a@pass.example"; helo=client.example; '
            'receiver=mx.example.com; mechanism="ip4:192.0.2.0/24"'))


class Whose(SpfScene):
    def test_authenticated(self):
        for skip, sent in (('yes', 'accept'), ('no', '550')):
            d = self.spf(skip_authenticated=skip)
            with self.session(d, helo='forger.example') as m:
                m.macros('M', {'i': 'Q', '{auth_authen}': 'alice'})
                message = m.send_message(
                    ('<a@fail.example>', ['<b@example.net>']), HEADERS, b'')
            self.assertEqual(self.word(message).split(' ')[0], sent)

    def test_networks(self):
        d = self.spf(skip_clients=['192.0.2.0/24', '2001:db8::/32'])
        for addr, family, verdict in (
                ('192.0.2.7', '4', 'accept'), ('2001:db8::7', '6', 'accept'),
                ('198.51.100.7', '4', '550'), ('2001:db9::7', '6', '550')):
            self.assertEqual(self.code(d, 'a@fail.example', connect={
                'addr': addr, 'family': family}), verdict)
        d = self.spf(except_clients=['192.0.2.0/24'])
        self.assertEqual(self.verdict(d, 'a@fail.example'), 'accept')

    def test_the_loopback_address(self):
        """Left alone by default; it passes nothing by itself."""
        d = self.spf()
        self.assertEqual(self.verdict(d, 'a@fail.example', connect={
            'addr': '127.0.0.1'}), 'accept')
        d = self.spf(skip_clients=[])
        self.assertEqual('550', self.code(d, 'a@fail.example', connect={
            'addr': '127.0.0.1'}))

    def test_no_address(self):
        d = self.spf()
        for connect in ({'family': 'U'}, {'family': 'L', 'addr': '/x'}):
            self.assertEqual(self.verdict(
                d, 'a@fail.example', connect=connect), 'accept')

    def test_mapped(self):
        d = self.spf()
        self.assertEqual(self.verdict(d, 'a@pass.example', connect={
            'addr': '::ffff:192.0.2.7', 'family': '6'}), 'accept')
        self.assertIn('SPF_PASS', self.symbols(d))

    def test_forwarders(self):
        d = self.spf(forwarders=['198.51.100.0/24'],
                     forwarder_domains=['pass.example'])
        for n, (addr, code, by) in enumerate((
                ('198.51.100.9', 'accept', '198.51.100.9'),
                ('192.0.2.7', 'accept', 'pass.example'),
                ('203.0.113.1', '550', None))):
            self.assertEqual(self.code(d, 'a@fail.example', connect={
                'addr': addr}), code)
            found = self.symbols(d, n + 1)
            self.assertIn('SPF_FAIL', found)
            self.assertEqual(found.get('SPF_FORWARDER', (0, None))[1], by)

    def test_relays(self):
        d = self.spf(relays=['198.51.100.24/29'])
        hop = ('Received', 'from relay2.example (r [198.51.100.26]) '
                           'by relay.example')
        good = ('Received', 'from client.example (c [192.0.2.7])\n\t'
                            'by relay2.example (Postfix) with ESMTP')
        bad = ('Received', 'from x.example (c [IPv6:2001:db8::66]) '
                           'by relay.example')
        for n, (fields, symbol, verdict) in enumerate((
                ((good,), 'SPF_PASS', 'accept'),
                ((hop, good, bad), 'SPF_PASS', 'accept'),
                ((bad, good), 'SPF_FAIL', '550'),
                ((hop,), 'SPF_RELAY_UNKNOWN', 'accept'),
                ((), 'SPF_RELAY_UNKNOWN', 'accept'))):
            message = self.ask(d, 'a@pass.example', helo='relay.example',
                               connect={'addr': '198.51.100.25'},
                               headers=(*fields, *HEADERS))
            self.assertEqual(self.word(message).split(' ')[0], verdict)
            self.assertIn(symbol, self.symbols(d, n + 1))
            if symbol == 'SPF_FAIL':
                self.assertEqual(message.ended_at, 'eoh')


class Time(SpfScene):
    def test_no_server_at_all(self):
        """Dead: each message has an answer, and others do not wait."""
        d = self.spf(temperror='tempfail', timeout='700ms')
        self.dns.stop()
        self.assertRegex(self.verdict(d, 'a@pass.example'),
                         r'^451 4\.4\.3 SPF temperror: the DNS ')
        self.assertIn('SPF_TEMPERROR', self.symbols(d))
        with self.session(d) as m:
            m.macros('M', {'i': 'Q', '{auth_authen}': 'alice'})
            message = m.send_message(
                ('<a@pass.example>', ['<b@example.net>']), HEADERS, b'')
        self.assertEqual(message.verdict, 'accept')

    def test_what_is_late_comes_at_the_end(self):
        """At mail there is no time; at the end of the message there is."""
        self.dns.fault('slow.example', 'delay', seconds=.35)
        d = self.spf(deadline='200ms', dns_timeout='5s')
        message = self.ask(d, 'a@later.example')
        self.assertEqual(message.ended_at, 'eom')
        self.assertEqual(self.word(message), FAIL + 'later.example')
        self.assertEqual(records(d)[-1]['stage'], 'eom')

    def test_a_server_that_says_nothing(self):
        self.dns.fault('drop.example', 'drop')
        d = self.spf(temperror='tempfail', timeout='700ms', deadline='500ms',
                     dns_timeout='5s')
        message = self.ask(d, 'a@drop.example')
        self.assertEqual(message.ended_at, 'eom')
        self.assertRegex(message.verdict[1], '^451 4.4.3 ')

    def test_servers_that_lie(self):
        """Whatever comes instead of an answer, or nothing does."""
        d = self.spf(temperror='tempfail', timeout='1s', dns_timeout='300ms')
        for what in ('servfail', 'refused', 'formerr', 'notimp', 'garbage',
                     'cut', 'mute-tcp', 'close-tcp', 'wrong-id',
                     'wrong-name', 'loop'):
            domain = f'{what}.liar.example'
            self.dns.set(domain, ('TXT', 'v=spf1 +all'))
            self.dns.fault(domain, what)
            verdict = self.verdict(d, f'a@{domain}')
            self.assertTrue(verdict.startswith('451 4.4.3 '),
                            (what, verdict))

    def test_60_kilobytes_of_nothing(self):
        self.dns.fault('pass.example', 'huge')
        d = self.spf(temperror='accept')
        self.assertEqual(self.verdict(d, 'a@pass.example'), 'accept')


class Configuration(SpfScene):
    def fault(self, **options):
        d = self.spf()
        d.write(mx(section('spf', 'spf', **options)))
        return d.reload().stdout + d.reload().stderr

    def test_faults_are_named(self):
        for options, words in (
                ({'fail': 'drop'}, 'fail'),
                ({'fail': 'error'}, 'fail'),
                ({'policies': ['a.example fail=drop']}, 'policies: entry '
                 '"a.example": the action after the ='),
                ({'records': ['a.example v=spf1 a:museum']}, 'records: entry '
                 '"a.example": a domain does not end like a name'),
                ({'reply': 'no {ip}'}, 'reply: after a { comes client}'),
                ({'best_guess': 'a mx'}, 'best-guess: a record begins'),
                ({'max_terms': '16'}, 'max-terms')):
            said = self.fault(**options)
            self.assertIn(words, said)
            self.assertIn('millrace.conf:', said)

    def test_check_says_the_same(self):
        """Without a mail server, by the same chain."""
        d = self.spf()
        path = d.path('message.eml')
        with open(path, 'w') as f:
            f.write('From: a@fail.example\n\nhello\n')
        done = d.command('check', '--ip', '192.0.2.7', '--helo',
                         'client.example', '--from', 'a@fail.example',
                         '--rcpt', 'b@example.net', path)
        self.assertIn('5.7.23', done.stdout)
        self.assertIn('fail.example explains: See', done.stdout)


if __name__ == '__main__':
    unittest.main()
