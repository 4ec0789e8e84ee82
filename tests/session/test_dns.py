#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The service dns/1: answers, faults of servers, limits, settings."""

import os
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dnsscene import DnsScene, answers      # noqa: E402
from lib.dnsserver import DnsServer             # noqa: E402
from lib.nsd import Nsd                         # noqa: E402
from lib.scene import Scene, actor, echo, wait_for  # noqa: E402

ZONES = {
    'example.com': [('TXT', 'v=spf1 -all'), ('MX', 10, 'MX.example.com'),
                    ('MX', 20, '.')],
    'mx.example.com': [('A', '192.0.2.1'), ('A', '192.0.2.2'),
                       ('AAAA', '2001:db8::1')],
    'strings.example.com': [('TXT', 'one ', 'two', ' three')],
    'alias.example.com': [('CNAME', 'mx.example.com')],
    'dangling.example.com': [('CNAME', 'nowhere.example.com')],
    'one.loop.example': [('CNAME', 'two.loop.example')],
    'two.loop.example': [('CNAME', 'one.loop.example')],
    '7.2.0.192.in-addr.arpa': [('PTR', 'Client.Example.COM'),
                               ('PTR', 'a b.example.com')],
    '7.2.0.192.list.example': [('A', '127.0.0.2')],
    'long.example.com': [('TXT', 'x' * 3000)],
    'many.example.com': [('TXT', f'{n:03} ' + 'y' * 200)
                         for n in range(20)],
    'private.test': [('A', '10.0.0.1')],
    '1.0.0.10.in-addr.arpa': [('PTR', 'private.test')],
    'it"s\\032.example.com': [('TXT', 'odd')],
}

ANSWERS = (
    ('example.com', 'TXT', 'ok ttl v=spf1\\x20-all'),
    ('EXAMPLE.com.', 'TXT', 'ok ttl v=spf1\\x20-all'),
    ('example.com', 'MX', 'ok ttl 10:mx.example.com 20:'),
    ('example.com', 'A', 'nodata ttl'),
    ('mx.example.com', 'A', 'ok ttl 192.0.2.1 192.0.2.2'),
    ('mx.example.com', 'AAAA', 'ok ttl 2001:db8::1'),
    ('strings.example.com', 'TXT', 'ok ttl one\\x20two\\x20three'),
    ('alias.example.com', 'A', 'ok ttl 192.0.2.1 192.0.2.2'),
    ('alias.example.com', 'TXT', 'nodata ttl'),
    ('dangling.example.com', 'A', 'nxdomain ttl'),
    ('nowhere.example.com', 'A', 'nxdomain ttl'),
    ('loop.example', 'A', 'nodata ttl'),        # names below it only
    ('7.2.0.192.in-addr.arpa', 'PTR',
     'ok ttl client.example.com a\\032b.example.com'),
    ('long.example.com', 'TXT', 'ok ttl ' + 'x' * 120 + '...3000'),
    ('private.test', 'A', 'ok ttl 10.0.0.1'),
    ('1.0.0.10.in-addr.arpa', 'PTR', 'ok ttl private.test'),
    ('it"s\\032.example.com', 'TXT', 'ok ttl odd'),
    ('a..example.com', 'A', 'badname (the DNS can hold no such name)'),
    ('.', 'A', 'badname (the DNS can hold no such name)'),
    ('a' * 64 + '.example', 'A', 'badname (the DNS can hold no such name)'),
    ('.'.join(['a' * 63] * 4), 'A',
     'badname (the DNS can hold no such name)'),
)

FAULTS = ('drop', 'servfail', 'refused', 'formerr', 'notimp', 'garbage',
          'cut', 'mute-tcp', 'close-tcp', 'wrong-id', 'wrong-name', 'loop')


class Dns(DnsScene):
    zones = ZONES


class Answers(Dns):
    def test_each_type(self):
        found = self.asks(*(f'{name} {kind}' for name, kind, _ in ANSWERS))
        self.assertEqual(list(zip(ANSWERS, found)),
                         [(row, row[2]) for row in ANSWERS])

    def test_reverse_names(self):
        d = self.daemon(actor('a', 'eom dns reverse PTR',
                              'eom dns reverse:list.example A'))
        with self.session(d, addr='192.0.2.7') as m:
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Dns'), [
            '7.2.0.192.in-addr.arpa PTR ok ttl client.example.com '
            'a\\032b.example.com',
            '7.2.0.192.list.example A ok ttl 127.0.0.2'])

    def test_at_connect(self):
        d = self.daemon(actor('a', 'connect dns-log example.com TXT'))
        with self.session(d):
            pass
        self.assertEqual(
            len(self.wait_lines(d, r'example\.com TXT ok', 1)), 1)

    def test_check_asks_too(self):
        d = self.daemon(actor('a', 'eom dns example.com TXT'))
        done = d.command('check', '--ip', '192.0.2.7', '--from', 'a@b.example',
                         '--rcpt', 'bob@example.net', '-',
                         input='Subject: x\n\nx\n')
        self.assertIn('X-Echo-Dns: example.com TXT ok', done.stdout)


class Faults(Dns):
    """Whatever a server does, there is an answer, and the next one works."""

    def test_each(self):
        for what in FAULTS:
            self.dns.fault(f'{what}.fault.example', what)
        questions = [f'{what}.fault.example TXT' for what in FAULTS]
        d = self.daemon(actor(
            'a', *(f'mail dns-prefetch {q}' for q in questions),
            *(f'eom dns {q}' for q in questions), 'eom dns example.com TXT'))
        with self.session(d) as m:
            edits, verdict = self.message(m)
        self.assertEqual(verdict, 'accept')
        found = answers(edits)
        for what, answer in zip(FAULTS, found):
            with self.subTest(what):
                self.assertRegex(answer, r'^tempfail \(.+\)$')
        self.assertEqual(found[-1], 'ok ttl v=spf1\\x20-all')

    def test_a_lie_is_not_believed(self):
        self.dns.fault('lie.example', 'lie')
        (found,) = self.asks('lie.example A')
        self.assertNotIn('203.0.113.66', found)
        self.assertNotIn('ok', found)

    def test_truncated_answers_come_by_tcp(self):
        self.dns.fault('example.com', 'truncate')
        found = self.asks('example.com TXT', 'many.example.com TXT')
        self.assertEqual(found[0], 'ok ttl v=spf1\\x20-all')
        self.assertEqual(len(found[1].split()), 2 + 20)
        self.assertEqual(self.dns.by_tcp(), 2)

    def test_sixty_kilobytes(self):
        self.dns.fault('huge.example', 'huge', size=60000)
        (found,) = self.asks('huge.example TXT', dns_answer_max='64K')
        self.assertRegex(found, r'^ok ttl 0000000\\x200000001.*\.\.\.60000$')

    def test_an_answer_beyond_the_limit(self):
        self.dns.fault('huge.example', 'huge')
        self.assertEqual(self.asks('huge.example TXT'), [
            'tempfail (the answer has more than 32768 bytes '
            '(dns-answer-max))'])

    def test_a_loop_of_cnames_ends(self):
        (found,) = self.asks('one.loop.example A')
        self.assertNotIn('ok', found)

    def test_names_that_never_answer_do_not_harm_others(self):
        self.drop_many(self.dns)

    def test_nor_with_two_servers(self):
        with DnsServer(ZONES) as other:
            self.drop_many(self.dns, other)

    def drop_many(self, *servers):
        d = self.daemon(actor('a', *(f'mail dns-prefetch {n}.drop.example A'
                                     for n in range(60)),
                              'eom dns-many 2 drop.example A',
                              'eom dns % TXT'),
                        dns_servers=[one.address for one in servers],
                        dns_session_time='60s')
        for one in servers:
            for n in range(60):
                one.fault(f'{n}.drop.example', 'drop')
            for n in range(2):
                one.set(f'fresh{n}.example', ('TXT', 'here'))
        with self.session(d) as m:
            for n in range(2):
                edits, _ = self.message(m, sender=f'<a@fresh{n}.example>')
                found = echo(edits, 'Dns')
                self.assertRegex(found[0], r'^0 answered \(.+\)$')
                self.assertEqual(found[1],
                                 f'fresh{n}.example TXT ok ttl here')

    def test_a_server_that_dies_and_comes_back(self):
        d = self.daemon(actor('a', 'eom dns % TXT'))
        for name in 'before', 'during', 'after':
            self.dns.set(f'{name}.example', ('TXT', name))
        with self.session(d) as m:
            def ask(name):
                edits, _ = self.message(m, sender=f'<a@{name}.example>')
                return answers(edits)[0]
            self.assertEqual(ask('before'), 'ok ttl before')
            self.dns.stop()
            for n in range(3):
                self.assertIn('tempfail', ask('during'))
            self.assertEqual(ask('before'), 'ok ttl before')    # cached
            self.dns.start()
            self.assertEqual(ask('after'), 'ok ttl after')
            wait_for(lambda: ask('during') == 'ok ttl during')

    def test_the_second_server_answers(self):
        other = DnsServer(ZONES)                # nobody listens there
        self.addCleanup(other.__exit__)
        found = self.asks('example.com TXT', 'mx.example.com A',
                          'alias.example.com A',
                          dns_servers=[other.address, self.dns.address],
                          dns_timeout='20s')
        self.assertEqual([f.split()[0] for f in found], ['ok'] * 3)

    def test_a_late_answer_is_kept(self):
        self.dns.fault('late.example', 'delay', seconds=0.6)
        self.dns.set('late.example', ('TXT', 'at last'))
        d = self.daemon(actor('a', 'eom dns % TXT'), dns_timeout='100ms')
        with self.session(d) as m:
            def ask():
                edits, _ = self.message(m, sender='<a@late.example>')
                return answers(edits)[0]
            self.assertRegex(ask(), r'^tempfail \(no answer in \d+ ms\)$')
            wait_for(lambda: ask() == 'ok ttl at\\x20last')

    def test_sessions_without_dns_are_not_slowed(self):
        self.dns.fault('drop.example', 'drop')
        d = self.daemon(
            actor('a', 'eom dns % TXT', 'eom add X-Late: 1',
                  sender='a@drop.example'),
            actor('b', 'eom add X-Done: 1'),
            dns_timeout='1s', threads=2, workers=1)
        with self.session(d) as slow, self.session(d) as quick, \
                ThreadPoolExecutor(1) as pool:
            late = pool.submit(self.message, slow, sender='<a@drop.example>')
            wait_for(lambda: self.dns.count('drop.example'))
            for _ in range(10):
                edits, _ = self.message(quick)
                self.assertIn('X-Done', [edit[1] for edit in edits])
            self.assertFalse(late.done())
            self.assertEqual(self.figures(d)['timeouts'], 0)
            self.assertIn('tempfail', answers(late.result()[0])[0])


class Limits(Dns):
    def test_the_callback_s_deadline(self):
        self.dns.fault('drop.example', 'drop')
        d = self.daemon(actor('a', 'eom dns drop.example A 10000',
                              eom_deadline='500ms'), dns_timeout='10s')
        with self.session(d) as m:
            edits, verdict = self.message(m)
        self.assertEqual(verdict, 'accept')
        self.assertRegex(answers(edits)[0], r'^tempfail \(no answer in')

    def test_the_limit_of_one_query(self):
        self.dns.fault('drop.example', 'drop')
        d = self.daemon(actor('a', 'eom dns drop.example A 50'),
                        dns_timeout='30s')
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertRegex(answers(edits)[0], r'^tempfail \(no answer in')

    def test_a_limit_may_be_longer_than_the_default(self):
        self.dns.fault('mx.example.com', 'delay', seconds=0.5)
        found = self.asks('mx.example.com A 20000', dns_timeout='100ms')
        self.assertEqual(found, ['ok ttl 192.0.2.1 192.0.2.2'])

    def test_the_session_s_time(self):
        for n in range(20):
            self.dns.fault(f'{n}.drop.example', 'drop')
        d = self.daemon(actor('a', 'eom dns-many 20 drop.example A',
                              'eom dns example.com TXT'),
                        dns_timeout='100ms', dns_session_time='250ms')
        with self.session(d) as m:
            for _ in range(2):                  # anew for each message
                edits, _ = self.message(m)
                self.assertRegex(echo(edits, 'Dns')[0],
                                 r'0 answered .*dns-session-time')
            self.assertEqual(self.dns.count('15.drop.example'), 0)

    def test_the_session_s_queries(self):
        d = self.daemon(actor('a', 'eom dns-many 12 example.com A',
                              'eom dns 3.example.com A',
                              'eom dns example.com TXT'),
                        dns_session_queries=10)
        with self.session(d) as m:
            edits, _ = self.message(m)
            found = echo(edits, 'Dns')
            self.assertEqual(found[0], '10 answered (the session\'s look-ups '
                             'are used up (dns-session-queries))')
            self.assertIn('nxdomain', found[1])         # it is in the cache
            self.assertIn('dns-session-queries', found[2])
            self.assertEqual(self.figures(d)['limited'], 3)
            edits, _ = self.message(m)                  # another message
            self.assertIn('v=spf1', echo(edits, 'Dns')[2])


class Settings(Dns):
    def test_status_shows_figures(self):
        d = self.daemon(actor('a', 'eom dns example.com TXT'))
        self.assertNotIn('service dns', d.command('status').stdout)
        with self.session(d) as m:
            self.message(m)
        self.assertRegex(d.command('status').stdout,
                         r'(?m)^service dns: queries 1, hits 0, .*'
                         r'sent 1, failures 0, .*waited 0\.\d s$')

    def test_wrong_servers_are_named(self):
        d = self.daemon(actor('a', 'eom continue'))
        d.options = ('dns-servers = { "192.0.2.1", "resolver.example",\n'
                     '  "192.0.2.1@0" }\n')
        d.write(d.text)
        done = d.command('config')
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r':\d+: dns-servers: "resolver\.example'
                         r'" is no name server: write its IP address')
        self.assertRegex(done.stderr, r':\d+: dns-servers: "192\.0\.2\.1@0": '
                         'a port is a number from 1 to 65535')

    def test_a_trust_anchor_that_is_not_there(self):
        d = self.daemon(actor('a', 'eom continue'))
        d.options = ('dns-validate = yes\n'
                     'dns-trust-anchor = "/nowhere/root.key"\n')
        d.write(d.text)
        done = d.command('config')
        self.assertRegex(done.stderr, r':\d+: dns-trust-anchor: '
                         r'/nowhere/root\.key: No such file')

    def test_a_trust_anchor_that_is_none(self):
        d = self.daemon(actor('a', 'eom dns example.com TXT'))
        with open(d.path('anchor'), 'w') as f:
            f.write('this is no anchor\n')
        d.options += ('dns-validate = yes\n'
                      f'dns-trust-anchor = "{d.path("anchor")}"\n')
        d.write(d.text)
        self.assertEqual(d.reload().returncode, 0)
        with self.session(d) as m:
            self.message(m)
        self.assertTrue(self.wait_lines(
            d, r'service dns/1: the resolver cannot be set up.*anchor', 1))


class Validation(Scene):
    """Signed zones of a real name server."""

    ZONES = {'signed.example': '@ TXT "signed"\nbroken TXT "right"\n',
             'other.example': '@ TXT "no anchor"\n'}

    def test_signed(self):
        with Nsd(self.ZONES, signed=True) as dns:
            d = self.ready(dns, dns.anchors.splitlines()[0] + '\n')
            with self.session(d) as m:
                edits, _ = self.message(m)
        self.assertEqual(answers(edits), [
            'ok secure ttl signed', 'nxdomain secure ttl',
            'ok ttl no\\x20anchor'])

    def test_another_key(self):
        with Nsd(self.ZONES, signed=True) as dns, \
                Nsd(self.ZONES, signed=True) as other:
            d = self.ready(dns, other.anchors.splitlines()[0] + '\n')
            with self.session(d) as m:
                edits, _ = self.message(m)
        self.assertEqual(answers(edits)[:2], [
            'tempfail (the answer fails DNSSEC validation)'] * 2)

    def ready(self, dns, anchor):
        d = self.daemon(actor('a', 'eom dns signed.example TXT',
                              'eom dns nowhere.signed.example TXT',
                              'eom dns other.example TXT'))
        with open(d.path('anchor'), 'w') as f:
            f.write(anchor)
        d.options += (f'dns-servers = {{ "{dns.address}" }}\n'
                      'dns-validate = yes\n'
                      f'dns-trust-anchor = "{d.path("anchor")}"\n')
        d.write(d.text)
        self.assertEqual(d.reload().returncode, 0)
        return d


if __name__ == '__main__':
    unittest.main()
