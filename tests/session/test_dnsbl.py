#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin dnsbl in a daemon, over a name server of the test's own."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.dnsscene import DnsScene               # noqa: E402
from lib.scene import actor, records, section   # noqa: E402

KEY = 's3cret.list.example'
CLIENT = f'bl {KEY} client 127.0.0.2=CLIENT:4 127.0.0.4-7=BOT:2'
DOMAINS = 'dbl dbl.example helo,sender-host,dkim,url *=DOMAIN:2.5'
ALLOW = 'white wl.example client *=KNOWN:-3'


class Dnsbl(DnsScene):
    zones = {
        f'7.2.0.192.{KEY}': [('A', '127.0.0.2'), ('A', '127.0.0.5')],
        '7.2.0.192.wl.example': [('A', '127.0.0.3')],
        **{f'2.0.0.127.{zone}': [('A', '127.0.0.2')]
           for zone in (KEY, 'wl.example', 'all.example')},
        'test.dbl.example': [('A', '127.0.0.2')],
        'mail.sender.example.dbl.example': [('A', '127.0.1.2')],
        'spammer.example.dbl.example': [('A', '127.0.1.2')],
        'signer.example.dbl.example': [('A', '127.0.1.2')],
        'linked.example.dbl.example': [('A', '127.0.1.2')],
    }

    def symbols(self, d, count=1):
        return {s['name']: (s['score'], s.get('detail'))
                for s in records(d, count)[-1].get('symbols', ())}

    def one_message(self, *lists, chain=(), body=b'Hello\r\n', **options):
        d = self.daemon(*chain, section('dnsbl', 'a', lists=lists, **options),
                        workers=1)
        with self.session(d, helo='mx.spammer.example') as m:
            message = self.send(m, sender='<a@mail.sender.example>',
                                body=body)
        return d, message

    def test_all_that_is_asked(self):
        d, message = self.one_message(
            CLIENT, DOMAINS, ALLOW,
            chain=(actor('dkim', 'eom note dkim.1.result pass',
                         'eom note dkim.1.domain signer.example'),),
            body=b'See http://www.linked.example/buy now\r\n')
        self.assertEqual(message.verdict, 'accept')
        found = [(s['name'], s['score'], s['detail'])
                 for s in records(d)[0]['symbols']]
        self.assertEqual(sorted(found), [
            ('DNSBL_BOT', 2, '192.0.2.7'),
            ('DNSBL_CLIENT', 4, '192.0.2.7'),
            ('DNSBL_DOMAIN', 2.5, 'linked.example'),
            ('DNSBL_DOMAIN', 2.5, 'mail.sender.example'),
            ('DNSBL_DOMAIN', 2.5, 'signer.example'),
            ('DNSBL_DOMAIN', 2.5, 'spammer.example'),
            ('DNSBL_KNOWN', -3, '192.0.2.7')])
        self.assertNotIn('s3cret', d.log())
        self.assertNotIn('s3cret', str(records(d)))

    def test_a_refusal(self):
        d, message = self.one_message(CLIENT, reject_above=5)
        self.assertEqual((message.ended_at, message.verdict),
                         ('mail', ('replycode', '550 5.7.1 Listed by bl')))

    def test_an_allow_list_saves(self):
        d, message = self.one_message(CLIENT, ALLOW, reject_above=5)
        self.assertEqual(message.verdict, 'accept')

    def test_a_dead_list_stops_no_mail(self):
        self.dns.fault(f'7.2.0.192.{KEY}', 'drop')
        d, message = self.one_message(CLIENT, ALLOW, errors_max=1)
        self.assertEqual(message.verdict, 'accept')
        self.assertEqual(self.symbols(d), {
            'DNSBL_KNOWN': (-3, '192.0.2.7')})
        self.assertTrue(self.wait_lines(
            d, r'list bl fails too often: it is not asked for 900 s', 1))
        self.dns.forget()
        with self.session(d) as m:
            self.assertEqual(self.send(m).verdict, 'accept')
        self.assertEqual(self.dns.count(f'7.2.0.192.{KEY}'), 0)
        self.assertNotIn('s3cret', d.log())

    def test_a_list_that_lists_everything(self):
        self.dns.set('7.2.0.192.all.example', ('A', '127.0.0.2'))
        self.dns.set('1.0.0.127.all.example', ('A', '127.0.0.2'))
        d, message = self.one_message('all all.example client *=ALL:9',
                                      reject_above=1)
        self.assertEqual(message.verdict, 'accept')
        self.assertEqual(self.symbols(d), {})
        self.assertTrue(self.wait_lines(d, 'list all lists everything', 1))

    def test_a_list_that_refuses_us(self):
        self.dns.set(f'7.2.0.192.{KEY}', ('A', '127.255.255.254'))
        d, message = self.one_message(CLIENT, reject_above=1)
        self.assertEqual(message.verdict, 'accept')
        self.assertTrue(self.wait_lines(d, 'list bl refuses to answer', 1))

    def test_a_wrong_entry(self):
        d = self.daemon(section('dnsbl', 'a', lists=[ALLOW]))
        d.write(d.text.replace('client *=KNOWN:-3', 'everything'))
        done = d.reload()
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr,
                         r':\d+: dnsbl "a": lists: list 1 white: after the '
                         'zone comes what it is asked with')


if __name__ == '__main__':
    unittest.main()
