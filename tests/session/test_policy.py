#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What the daemon decides so that no plugin has to: mode, on-error, whom an
instance applies to, what happens when two want different things."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import (RECIPIENT, SENDER, Scene, actor, echo,   # noqa: E402
                       instances, records)


class Modes(Scene):
    def test_observe_is_asked_recorded_and_overruled(self):
        for stage in ('mail', 'rcpt', 'data', 'header', 'eoh', 'body', 'eom'):
            d = self.daemon(actor('watch', f'{stage} reject 550 5.7.1 no',
                                  mode='observe'),
                            actor('b', 'eom add X-B: 1'))
            with self.session(d) as m:
                edits, verdict = self.message(m)
            self.assertEqual((edits, verdict),
                             ([('addheader', 'X-B', '1')], 'accept'), stage)
            record = records(d)[0]
            self.assertEqual(record['outcome'], 'accept')
            step = next(s for s in record['steps']
                        if s['instance'] == 'watch')
            self.assertEqual((step['stage'], step['verdict'],
                              step['observed']), (stage, 'reject', True))
            self.assertIn('550 5.7.1 no', step['detail'])
            self.assertIn('observed=watch:reject', d.log())

    def test_observed_at_connect_and_helo(self):
        for stage in ('connect', 'helo'):
            d = self.daemon(actor('watch', f'{stage} reject', mode='observe'))
            with self.session(d) as m:
                self.assertEqual(self.message(m)[1], 'accept')
            self.assertEqual(records(d)[0]['steps'][0]['verdict'], 'reject')

    def test_observed_edits_are_recorded_and_not_sent(self):
        d = self.daemon(actor('watch', 'eom add X-A: 1', 'eom body new',
                              'eom hold why', 'eom del-rcpt bob@example.net',
                              mode='observe'))
        with self.session(d) as m:
            self.assertEqual(self.message(m), ([], 'accept'))
        lines = records(d)[0]['observed_edits']
        self.assertEqual(len(lines), 4)
        self.assertTrue(all(line.startswith('watch: ') for line in lines))
        self.assertIn('X-A', lines[0])

    def test_a_later_instance_sees_every_symbol(self):
        d = self.daemon(actor('watch', 'mail symbol W 5', mode='observe'),
                        actor('a', 'mail symbol A 2.5 a detail',
                              'eom symbol B -1', 'eom echo'))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Symbol'),
                         ['0 W 5 - watch observed',
                          r'1 A 2.5 a\x20detail a', '2 B -1 - a'])
        self.assertEqual(echo(edits, 'Listener'), ['mx'])

    def test_observed_symbols_are_not_counted(self):
        d = self.daemon(actor('watch', 'mail symbol W 5', mode='observe'),
                        actor('a', 'mail symbol A 2.5', 'eom echo'))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Score'), ['2.5'])
        record = records(d)[0]
        self.assertEqual(record['score'], 2.5)
        self.assertEqual([(s['name'], s['observed'])
                          for s in record['symbols']],
                         [('W', True), ('A', False)])

    def test_observed_accept_and_skip(self):
        """Accept ends nothing then; skip is the instance's own affair."""
        d = self.daemon(actor('watch', 'mail accept', mode='observe'),
                        actor('lazy', 'mail skip', 'eom symbol LAZY 1',
                              mode='observe'),
                        actor('b', 'eom reject'))
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1][0], 'replycode')
        self.assertEqual(records(d)[0]['symbols'], [])

    def test_observed_notes_and_results_stay_unseen(self):
        d = self.daemon(actor('watch', 'mail note k observed',
                              mode='observe'),
                        actor('b', 'eom echo-note k'))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertIn(echo(edits, 'Note'), (['k=-'], ['k=observed']))

    def test_off_is_not_asked(self):
        d = self.daemon(actor('a', 'mail reject', mode='off'),
                        actor('b', 'eom continue'))
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')
        self.assertEqual([s['instance'] for s in records(d)[0]['steps']],
                         ['b'])


class OnError(Scene):
    def answer(self, on_error, stage, *more):
        d = self.daemon(actor('a', f'{stage} error', on_error=on_error),
                        *more)
        with self.session(d) as m:
            message = self.send(m)
        step = records(d)[0]['steps'][0]
        self.assertEqual((step['instance'], step['verdict']), ('a', 'error'))
        return message

    def test_tempfail(self):
        for stage in ('mail', 'rcpt', 'data', 'header', 'eoh', 'body', 'eom'):
            message = self.answer('tempfail', stage)
            self.assertEqual(message.verdict, (
                'replycode', '451 4.3.0 Temporary filter problem, '
                'please try again later'))
            self.assertEqual(message.ended_at, stage)

    def test_reject(self):
        self.assertEqual(
            self.answer('reject', 'eom').verdict,
            ('replycode', '550 5.3.0 Refused: a mail filter failed'))

    def test_continue_asks_the_next(self):
        message = self.answer('continue', 'mail',
                              actor('b', 'eom add X-B: 1'))
        self.assertEqual(message.verdict, 'accept')
        self.assertEqual(message.edits[0][1], 'X-B')

    def test_an_error_is_counted(self):
        d = self.daemon(actor('a', 'mail error', on_error='continue'))
        with self.session(d) as m:
            self.message(m)
            self.message(m)
        self.assertEqual(instances(d)['a']['verdicts']['error'], 2)


class Selectors(Scene):
    """Which of the messages an instance is asked about."""

    def asked(self, connect=(), sender=SENDER, recipients=(RECIPIENT,),
              login=None, stage='eom', **selectors):
        d = self.daemon(actor('a', f'{stage} symbol ASKED 1',
                              **selectors), actor('b', 'eom continue'))
        with self.session(d, **dict(connect)) as m:
            if login:
                m.macros('M', {'i': 'Q', '{auth_authen}': login})
            else:
                m.macros('M', {'i': 'Q'})
            m.send_message((sender, recipients), (), b'')
        return bool(records(d)[0]['symbols'])

    def test_clients(self):
        for address, family, asked in (
                ('192.0.2.7', '4', True), ('192.0.3.7', '4', False),
                ('198.51.100.1', '4', True), ('198.51.100.2', '4', False),
                ('2001:db8::7', '6', True), ('2001:db9::7', '6', False)):
            self.assertEqual(
                self.asked(connect={'addr': address, 'family': family},
                           clients=['192.0.2.0/24', '198.51.100.1',
                                    '2001:db8::/32']), asked, address)

    def test_clients_without_an_address(self):
        self.assertFalse(self.asked(connect={'family': 'U'},
                                    clients=['0.0.0.0/0', '::/0']))
        self.assertTrue(self.asked(connect={'family': 'U'},
                                   except_clients=['0.0.0.0/0', '::/0']))

    def test_except_clients(self):
        for address, asked in (('192.0.2.7', False), ('192.0.3.7', True)):
            self.assertEqual(
                self.asked(connect={'addr': address},
                           except_clients=['192.0.2.0/24']), asked)
        self.assertFalse(self.asked(clients=['192.0.2.0/24'],
                                    except_clients=['192.0.2.7']))

    def test_senders(self):
        for sender, asked in (('<alice@example.com>', True),
                              ('<ALICE@EXAMPLE.COM>', True),
                              ('<bob@example.com>', False),
                              ('<any@sub.example.org>', True),
                              ('<any@example.org>', False),
                              ('<>', False)):
            self.assertEqual(
                self.asked(sender=sender,
                           senders=['alice@example.com',
                                    '.example.org']), asked, sender)

    def test_except_senders(self):
        self.assertFalse(self.asked(except_senders=['alice@example.com']))
        self.assertTrue(self.asked(except_senders=['bob@example.com']))

    def test_recipients_at_rcpt_and_later(self):
        to = ['<x@example.net>', '<bob@example.net>']
        self.assertTrue(self.recipients(['bob@example.net'], to))
        self.assertFalse(self.recipients(['carol@example.net'], to))

    def recipients(self, selector, to):
        d = self.daemon(
            actor('a', 'rcpt symbol RCPT 1', 'eom symbol EOM 1',
                  recipients=selector), actor('b', 'eom continue'))
        with self.session(d) as m:
            m.send_message((SENDER, to), (), b'')
        symbols = [s['name'] for s in records(d)[0]['symbols']]
        self.assertIn(symbols, ([], ['RCPT', 'EOM']))
        return bool(symbols)

    def test_except_recipients(self):
        """Asked as long as one recipient is left that it applies to."""
        d = self.daemon(
            actor('a', 'rcpt symbol RCPT 1', 'eom symbol EOM 1',
                  except_recipients=['bob@example.net']),
            actor('b', 'eom continue'))
        with self.session(d) as m:
            m.send_message((SENDER, ['<bob@example.net>']), (), b'')
            m.send_message((SENDER, ['<bob@example.net>',
                                     '<x@example.net>']), (), b'')
        found = [[s['name'] for s in r['symbols']] for r in records(d, 2)]
        self.assertEqual(found, [[], ['RCPT', 'EOM']])

    def test_a_refused_recipient_does_not_count(self):
        d = self.daemon(
            actor('no', 'rcpt reject', recipient='bob@example.net'),
            actor('a', 'eom symbol EOM 1', recipients=['bob@example.net']),
            actor('b', 'eom continue'))
        with self.session(d) as m:
            m.send_message((SENDER, [RECIPIENT, '<x@example.net>']), (), b'')
        self.assertEqual(records(d)[0]['symbols'], [])

    def test_authenticated(self):
        for want, login, asked in (
                ('yes', 'alice', True), ('yes', None, False),
                ('no', 'alice', False), ('no', None, True),
                ('any', 'alice', True), ('any', None, True)):
            self.assertEqual(self.asked(authenticated=want, login=login),
                             asked, (want, login))

    def test_selectors_that_cannot_be_judged_yet(self):
        """One with senders is not asked at connect; none is lost."""
        d = self.daemon(
            actor('a', 'connect reject', 'helo reject',
                  senders=['alice@example.com']),
            actor('r', 'mail reject', recipients=['bob@example.net']),
            actor('u', 'connect reject', authenticated='no'))
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')


class Together(Scene):
    def test_notes_pass_down_the_chain(self):
        edits, _ = self.one(
            actor('a', 'mail note spf.result pass',
                  'eom echo-note spf.result', 'eom echo-note later'),
            actor('b', 'mail note spf.result fail', 'eom note later x',
                  'eom echo-note spf.result', 'eom echo-note later',
                  'eom echo-note never'))
        self.assertEqual(echo(edits, 'Note'),
                         ['spf.result=fail', 'later=-', 'spf.result=fail',
                          'later=x', 'never=-'])

    def test_notes_end_with_the_message(self):
        d = self.daemon(actor('a', 'mail note k v', sender=SENDER[1:-1]),
                        actor('b', 'eom echo-note k'))
        with self.session(d) as m:
            self.assertEqual(echo(self.message(m)[0], 'Note'), ['k=v'])
            edits, _ = self.message(m, sender='<other@example.com>')
        self.assertEqual(echo(edits, 'Note'), ['k=-'])

    def test_symbols_and_score(self):
        d = self.daemon(
            actor('a', 'mail symbol ONE 1.5 because', 'rcpt symbol TWO -0.5'),
            actor('b', 'eom echo', 'eom symbol THREE 4'))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(echo(edits, 'Score'), ['1'])
        record = records(d)[0]
        self.assertEqual(record['score'], 5)
        self.assertEqual([(s['name'], s['score'], s['detail'], s['by'])
                          for s in record['symbols']],
                         [('ONE', 1.5, 'because', 'a'),
                          ('TWO', -0.5, None, 'a'), ('THREE', 4, None, 'b')])

    def test_symbols_of_the_session_are_each_messages(self):
        """Of several HELOs only the last counts."""
        d = self.daemon(
            actor('w', 'helo symbol W 8', mode='observe'),
            actor('a', 'connect symbol C 1', 'helo symbol H 2 why',
                  'mail symbol M 4', 'eom echo'))
        with self.session(d) as m:
            m.helo('again.example.com')
            for _ in range(2):
                edits, _ = self.message(m)
                self.assertEqual(echo(edits, 'Score'), ['7'])
        for record in records(d, 2):
            self.assertEqual(record['score'], 7)
            self.assertEqual(
                [(s['name'], s['stage'], s['detail'], s['observed'])
                 for s in record['symbols']],
                [('C', 'connect', None, False), ('W', 'helo', None, True),
                 ('H', 'helo', 'why', False), ('M', 'mail', None, False)])

    def test_numbers_that_are_none(self):
        d = self.daemon(actor('a', 'mail symbol X nan', 'mail symbol Y inf',
                              'mail symbol Z 1'), trouble=True)
        with self.session(d) as m:
            self.message(m)
        self.assertEqual([s['name'] for s in records(d)[0]['symbols']],
                         ['Z'])

    def test_conflicts_are_recorded(self):
        d = self.daemon(
            actor('a', 'eom change Subject 1 one', 'eom body one',
                  'eom sender one@example.com'),
            actor('b', 'eom change Subject 1 two', 'eom body two',
                  'eom sender two@example.com'))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(sorted(edits), sorted([
            ('chgheader', 1, 'Subject', 'two'), ('replbody', b'two'),
            ('chgfrom', '<two@example.com>')]))
        self.assertEqual(sorted(records(d)[0]['conflicts']), sorted([
            'b changed Subject after a', 'b replaced the body after a',
            'b changed the sender after a']))

    def test_one_plugin_twice(self):
        edits, _ = self.one(actor('first', 'eom add X-A: 1'),
                            actor('second', 'eom add X-A: 2'))
        self.assertEqual([e[2] for e in edits], ['1', '2'])

    def test_the_record_of_a_refusal(self):
        d = self.daemon(actor('a', 'mail symbol A 1'),
                        actor('b', r'eom reject 554 5.6.0 one\ntwo'))
        with self.session(d) as m:
            self.message(m)
        record = records(d)[0]
        self.assertEqual(
            {k: record[k] for k in ('outcome', 'stage', 'by', 'reply',
                                    'listener', 'sender', 'queue_id')},
            {'outcome': 'reject', 'stage': 'eom', 'by': 'b',
             'reply': {'code': 554, 'dsn': '5.6.0', 'text': 'one\ntwo'},
             'listener': 'mx', 'sender': 'alice@example.com',
             'queue_id': '4Xk2Qz'})


if __name__ == '__main__':
    unittest.main()
