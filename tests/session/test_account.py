#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Stolen accounts through a daemon: countries and networks, alerts, limits
divided, blocked and restored by command."""

import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import mmdb                                        # noqa: E402
from lib.scene import Scene, section, wait_for              # noqa: E402

LOGIN = 'alice@example.com'

# Appends what it reads to the file it is given.
RECEIVER = '#!/bin/sh\nexec cat >>"$1"\n'

# Notes its option and what it reads, as postsuper would be asked.
POSTSUPER = '#!/bin/sh\n{ echo "$*"; cat; } >>"${0%/*}/asked"\n'


def account(**values):
    return section('account', 'account', **values)


class Account(Scene):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='millrace-account-', dir='/run')
        os.chmod(self.folder, 0o777)
        self.addCleanup(shutil.rmtree, self.folder)

    def program(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def receiver(self):
        """(option, function that reads the alerts so far)."""
        out = os.path.join(self.folder, 'alerts')

        def alerts():
            if not os.path.exists(out):
                return []
            with open(out) as f:
                return [json.loads(line) for line in f]
        return [self.program('receive', RECEIVER), out], alerts

    def send_from(self, d, addr, login=LOGIN, queue_id='4Xk2Qz', count=1,
                  sender=LOGIN):
        answers = []
        with self.session(d, addr=addr,
                          family='6' if ':' in addr else '4') as m:
            for _ in range(count):
                m.macros('M', {'i': queue_id, '{auth_authen}': login})
                m.macros('E', {'i': queue_id})
                answers.append(m.send_message(
                    (f'<{sender}>', ('<bob@example.net>',)),
                    [('From', login)], b'hello\r\n').verdict)
        return answers[0] if count == 1 else answers

    def step(self, d):
        return d.json('account', 'show', LOGIN)['step']


class Signals(Account):
    def test_countries_and_operators(self):
        countries = os.path.join(self.folder, 'c.mmdb')
        asns = os.path.join(self.folder, 'a.mmdb')
        mmdb.write(countries, 'Test-Country', {
            '192.0.2.0/24': {'country': {'iso_code': 'DE'}},
            '198.51.100.0/24': {'country': {'iso_code': 'NZ'}},
            '2001:db8::/32': {'country': {'iso_code': 'BR'}}})
        mmdb.write(asns, 'Test-ASN', {
            '192.0.2.0/24': {'autonomous_system_number': 64496},
            '198.51.100.0/24': {'autonomous_system_number': 64497},
            '2001:db8::/32': {'autonomous_system_number': 64511}})
        command, alerts = self.receiver()
        d = self.daemon(account(
            signals=['countries 1 / 1d weight 3', 'asns 2 / 1d weight 2'],
            country_database=countries, asn_database=asns, squeeze_at='0',
            ignore_asns='AS64497', alert_command=command))
        self.send_from(d, '192.0.2.1')
        self.send_from(d, '198.51.100.1')       # that operator is webmail
        self.send_from(d, '203.0.113.1')        # nobody knows it
        self.assertEqual(alerts(), [])
        self.send_from(d, '2001:db8::5')
        alert = wait_for(alerts)[0]
        self.assertEqual((alert['event'], alert['login'], alert['sum'],
                          alert['client'], alert['listener']),
                         ('alert', LOGIN, 3, '2001:db8::5', 'mx'))
        self.assertEqual(
            [(s['name'], s['value'], s['raised']) for s in alert['signals']],
            [('countries', 2, True), ('asns', 2, False)])

    def test_an_alert_comes_once(self):
        command, alerts = self.receiver()
        d = self.daemon(account(signals='networks 1 / 1h weight 3',
                                alert_command=command))
        for i in range(6):
            self.assertEqual(self.send_from(d, f'198.51.{i}.1'), 'accept')
        wait_for(alerts)
        self.assertEqual([a['event'] for a in alerts()], ['alert'])
        self.assertEqual(self.step(d), 'none')

    def test_a_rise(self):
        d = self.daemon(account(signals='rise 5 / 1h factor 4 weight 8'))
        answers = self.send_from(d, '192.0.2.1', count=8)
        self.assertEqual(answers[:6], ['accept'] * 6)
        self.assertEqual(answers[6][1][:9], '550 5.7.1')

    def test_limits_are_divided(self):
        d = self.daemon(
            account(signals='networks 1 / 1h weight 5'),
            section('ratelimit', 'limits', limits='50 messages / 1h'))
        self.send_from(d, '192.0.2.1', count=2)
        answers = self.send_from(d, '198.51.100.1', count=5)
        # 2 and 3 make 5: a tenth of 50.
        self.assertEqual(answers[:3], ['accept'] * 3)
        self.assertIn('5 messages / 1h', answers[3][1])
        self.assertEqual(self.step(d), 'squeeze')
        d.command('account', 'restore', LOGIN, check=True)
        self.assertEqual(self.send_from(d, '198.51.100.1'), 'accept')


class Command(Account):
    def test_block_and_restore(self):
        d = self.daemon(account(signals='networks 1 / 1h weight 8'))
        self.send_from(d, '192.0.2.1')
        self.assertEqual(self.send_from(d, '198.51.100.1')[1],
                         '550 5.7.1 Sending is blocked, change your password '
                         'and ask for help')
        rows = d.json('account', 'list')
        self.assertEqual([(r['login'], r['step']) for r in rows],
                         [(LOGIN, 'block')])
        done = d.command('account', 'restore', LOGIN)
        self.assertEqual((done.returncode, done.stdout),
                         (0, f'{LOGIN} is restored\n'))
        self.assertEqual(d.json('account', 'list'), [])
        # What was seen before is forgotten: the next one is the first.
        self.assertEqual(self.send_from(d, '198.51.100.1'), 'accept')
        self.assertEqual(self.send_from(d, '192.0.2.1')[1][:3], '550')

    def test_block_by_hand(self):
        d = self.daemon(account())
        d.command('account', 'block', LOGIN, 'Call us', check=True)
        self.assertEqual(self.send_from(d, '192.0.2.1'),
                         ('replycode', '550 5.7.1 Call us'))
        text = d.command('account', 'show', LOGIN).stdout
        self.assertIn('step block since ', text)
        self.assertEqual(
            d.command('account', 'block', LOGIN, 'a\nb').returncode, 2)

    def test_queued_mail_is_held_and_released(self):
        self.program('postsuper', POSTSUPER)
        d = self.daemon(account(
            keep_queue_ids='true',
            hold_command=os.path.join(self.folder, 'postsuper')))
        for queue_id in ('4Xk2Qz', '4Xk2Rb', 'no;rm -rf', '../x'):
            self.send_from(d, '192.0.2.1', queue_id=queue_id)
        self.send_from(d, '192.0.2.1', login='bob', queue_id='4XkOther')
        d.command('account', 'hold', LOGIN, check=True)
        d.command('account', 'block', LOGIN, check=True)
        done = d.command('account', 'hold')
        self.assertEqual(done.returncode, 0, done.stderr)
        d.command('account', 'restore', LOGIN, check=True)
        with open(os.path.join(self.folder, 'asked')) as f:
            lines = f.read().splitlines()
        self.assertEqual([sorted(lines[i:i + 3]) for i in (0, 3, 6)], [
            sorted([option, '4Xk2Qz', '4Xk2Rb'])
            for option in ('-h -', '-h -', '-H -')])


if __name__ == '__main__':
    unittest.main()
