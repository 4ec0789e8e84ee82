#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every stage, every verdict at it, and what the MTA is asked to send."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.milter import Closed                           # noqa: E402
from lib.scene import (RECIPIENT, Scene, actor, echo,   # noqa: E402
                       records)

ORDER = ('connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body',
         'eom')

ADD, BODY, ADD_RCPT, DEL_RCPT, CHANGE, HOLD, SENDER, ADD_PAR, SYMLIST = (
    0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100)

NO = {'data': 0x200, 'unknown': 0x100, 'header': 0x20, 'eoh': 0x40,
      'body': 0x10, 'connect': 0x1, 'helo': 0x2, 'mail': 0x4, 'rcpt': 0x8}
NO_REPLY = {'connect': 0x1000, 'helo': 0x2000, 'mail': 0x4000,
            'rcpt': 0x8000, 'data': 0x10000, 'unknown': 0x20000,
            'header': 0x80, 'eoh': 0x40000, 'body': 0x80000}
SKIP, REJECTED, LEADING = 0x400, 0x800, 0x100000


def step(m, stage):
    """Go one stage on."""
    return {
        'connect': lambda: m.conn(),
        'helo': lambda: m.helo(),
        'mail': lambda: m.mail('<alice@example.com>'),
        'rcpt': lambda: m.rcpt(RECIPIENT),
        'data': lambda: m.data(),
        'header': lambda: m.header('Subject', 'hello'),
        'eoh': lambda: m.eoh(),
        'body': lambda: m.body(b'body\r\n'),
        'eom': lambda: m.eom()[1],
        'unknown': lambda: m.unknown('WHAT is this'),
    }[stage]()


def walk(m, last):
    """The answer at a stage, with all before it passed."""
    for stage in ORDER[:ORDER.index(last)]:
        answer = step(m, stage)
        if answer not in (None, 'continue'):
            raise AssertionError(f'{stage}: {answer}')
    return step(m, last)


class Verdicts(Scene):
    def answer(self, stage, rule, **values):
        d = self.daemon(actor('a', f'{stage} {rule}', **values))
        with self.connected(d) as m:
            return walk(m, stage)

    def test_reject_everywhere(self):
        for stage in ORDER:
            self.assertEqual(self.answer(stage, 'reject'),
                             ('replycode', '550 5.7.1 Refused by policy'),
                             stage)

    def test_tempfail_everywhere(self):
        for stage in ORDER:
            self.assertEqual(
                self.answer(stage, 'tempfail'),
                ('replycode', '451 4.7.1 Please try again later'), stage)

    def test_continue_everywhere(self):
        for stage in ORDER[:-1]:
            self.assertEqual(self.answer(stage, 'continue'), 'continue',
                             stage)
        self.assertEqual(self.answer('eom', 'continue'), 'accept')

    def test_discard_in_a_message(self):
        for stage in ORDER[2:]:
            self.assertEqual(self.answer(stage, 'discard'), 'discard', stage)

    def test_discard_before_a_message_is_an_error(self):
        for stage in ORDER[:2]:
            d = self.daemon(actor('a', f'{stage} discard',
                                  on_error='continue'), trouble=True)
            with self.connected(d) as m:
                self.assertEqual(walk(m, stage), 'continue')
            self.assertIn(f'a misbehaves: verdict 5 at {stage}', d.log())

    def test_an_unknown_verdict_is_an_error(self):
        for number in (8, -1, 1 << 30):
            d = self.daemon(actor('a', f'mail verdict {number}',
                                  on_error='reject'), trouble=True)
            with self.connected(d) as m:
                self.assertEqual(walk(m, 'mail')[1][:4], '550 ')

    def test_accept_ends_the_questions_not_the_message(self):
        for stage in ORDER:
            d = self.daemon(actor('a', f'{stage} accept', 'eom add X-A: 1'),
                            actor('b', 'eom reject'))
            with self.session(d) as m:
                edits, verdict = self.message(m)
            self.assertEqual(verdict, 'accept', stage)
            self.assertEqual(edits, [], stage)

    def test_what_was_queued_before_accept_is_sent(self):
        edits, verdict = self.one(
            actor('a', 'mail add X-A: 1', 'rcpt accept'),
            actor('b', 'eom reject'))
        self.assertEqual((edits, verdict),
                         ([('addheader', 'X-A', '1')], 'accept'))

    def test_accept_at_connect_is_for_the_session(self):
        d = self.daemon(actor('a', 'connect accept'), actor('b', 'rcpt reject'))
        with self.session(d) as m:
            for _ in range(3):
                self.assertEqual(self.message(m)[1], 'accept')

    def test_skip_is_for_the_rest_of_the_message(self):
        d = self.daemon(actor('a', 'rcpt skip', 'eom add X-A: 1',
                              'mail add X-M: 1'))
        with self.session(d) as m:
            for _ in range(2):
                edits, _ = self.message(m)
                self.assertEqual([e[1] for e in edits], ['X-M'])

    def test_skip_of_one_leaves_the_other(self):
        edits, _ = self.one(actor('a', 'mail skip', 'eom add X-A: 1'),
                            actor('b', 'eom add X-B: 1'))
        self.assertEqual([e[1] for e in edits], ['X-B'])

    def test_body_skip_goes_over_the_wire_when_nobody_wants_more(self):
        d = self.daemon(actor('a', 'body skip'))
        with self.session(d) as m:
            message = self.send(m, body=b'x' * 200000)
            self.assertEqual(dict(message.answers)['body'], 'skip')
            self.assertEqual(message.verdict, 'accept')

    def test_body_skip_of_one_does_not(self):
        d = self.daemon(actor('a', 'body skip'),
                        actor('b', 'body continue', 'eom echo'))
        with self.session(d) as m:
            message = self.send(m, body=b'x' * 200000)
        self.assertEqual(dict(message.answers)['body'], 'continue')
        self.assertIn('chunks=4 bytes=200000',
                      echo(message.edits, 'Seen')[0])

    def test_the_first_that_decides_ends_the_round(self):
        d = self.daemon(actor('a', 'rcpt reject 550 5.7.1 by a'),
                        actor('b', 'rcpt reject 550 5.7.1 by b'))
        with self.session(d) as m:
            self.assertEqual(walk_rest(m, 'rcpt'),
                             ('replycode', '550 5.7.1 by a'))
            m.abort()
        steps = records(d)[0]['steps']
        self.assertEqual([s['instance'] for s in steps], ['a'])

    def test_unknown_command(self):
        self.assertEqual(self.unknown('unknown reject 502 5.5.1 no'),
                         ('replycode', '502 5.5.1 no'))
        self.assertEqual(self.unknown('unknown continue'), 'continue')
        self.assertIsNone(self.unknown('mail continue'))

    def unknown(self, rule):
        d = self.daemon(actor('a', rule))
        with self.session(d) as m:
            answer = step(m, 'unknown')
            self.assertEqual(self.message(m)[1], 'accept')
        return answer

    def test_unknown_command_in_a_message(self):
        d = self.daemon(actor('a', 'unknown reject 500 5.5.2 no'))
        with self.session(d) as m:
            for stage in ('mail', 'rcpt'):
                step(m, stage)
                self.assertEqual(step(m, 'unknown'),
                                 ('replycode', '500 5.5.2 no'))
            self.assertEqual(walk_rest(m, 'eom', 'rcpt'), 'accept')


def walk_rest(m, last, first='mail'):
    answer = None
    for stage in ORDER[ORDER.index(first):ORDER.index(last) + 1]:
        answer = step(m, stage)
    return answer


class Replies(Scene):
    def reply(self, text, verdict='reject', **values):
        d = self.daemon(actor('a', f'rcpt {verdict} {text}', **values),
                        trouble=True)
        with self.session(d) as m:
            answer = walk_rest(m, 'rcpt')
        self.assertEqual(answer[0], 'replycode')
        return answer[1]

    def test_code_dsn_text(self):
        self.assertEqual(self.reply('554 5.1.8 No such domain'),
                         '554 5.1.8 No such domain')

    def test_without_dsn(self):
        self.assertEqual(self.reply('554 - No'), '554 5.7.1 No')
        self.assertEqual(self.reply('450 - No', 'tempfail'), '450 4.7.1 No')

    def test_several_lines_have_the_code_on_each(self):
        self.assertEqual(
            self.reply(r'550 5.7.1 one\ntwo\nthree'),
            '550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three')

    def test_32_lines(self):
        text = r'\n'.join(f'line {i}' for i in range(32))
        lines = self.reply('550 5.7.1 ' + text).split('\r\n')
        self.assertEqual(len(lines), 32)
        self.assertEqual(lines[0], '550-5.7.1 line 0')
        self.assertEqual(lines[31], '550 5.7.1 line 31')

    def test_33_lines_are_refused(self):
        text = r'\n'.join(f'line {i}' for i in range(33))
        self.assertEqual(self.reply('550 5.7.1 ' + text),
                         '550 5.7.1 Refused by policy')

    def test_percent_is_doubled_as_the_mtas_undo_it(self):
        self.assertEqual(self.reply('550 5.7.1 100% %s %'),
                         '550 5.7.1 100%% %%s %%')

    def test_percent_in_several_lines(self):
        self.assertEqual(self.reply(r'550 5.7.1 5%\n6%'),
                         '550-5.7.1 5%%\r\n550 5.7.1 6%%')

    def test_the_longest_line(self):
        self.assertEqual(self.reply('550 5.7.1 ' + 'x' * 980),
                         '550 5.7.1 ' + 'x' * 980)

    def test_a_percent_counts_twice(self):
        self.assertEqual(self.reply('550 5.7.9 ' + '%' * 490),
                         '550 5.7.9 ' + '%' * 980)
        self.assertEqual(self.reply('550 5.7.9 ' + '%' * 491),
                         '550 5.7.1 Refused by policy')

    def test_a_class_that_does_not_fit_the_verdict(self):
        self.assertEqual(self.reply('450 4.7.1 later'),
                         '550 5.7.1 Refused by policy')
        self.assertEqual(self.reply('550 5.7.1 no', 'tempfail'),
                         '451 4.7.1 Please try again later')

    def test_rubbish_is_refused(self):
        for text in ('600 5.7.1 x', '200 2.0.0 x', '550 4.7.1 x',
                     '550 5.7 x', r'550 5.7.1 a\rb', '550 5.7.1 \xe9'):
            self.assertEqual(self.reply(text), '550 5.7.1 Refused by policy',
                             text)

    def test_421(self):
        self.assertEqual(self.reply('421 4.3.2 going', 'tempfail'),
                         '421 4.3.2 going')


class Negotiation(Scene):
    def offer(self, *sections, **offer):
        d = self.daemon(*sections)
        with self.connected(d, **offer) as m:
            return m.negotiated

    def flags(self, answered=(), sent=(), extra=0):
        """What is to be asked for: no answer but at some stages."""
        flags = extra
        for stage, flag in NO_REPLY.items():
            if stage not in answered:
                flags |= flag
        for stage in ('data', 'unknown', 'header', 'eoh', 'body'):
            if stage not in answered and stage not in sent:
                flags |= NO[stage]
        return flags

    def test_a_stage_alone_is_answered_alone(self):
        for stage in (*ORDER[:-1], 'unknown'):
            extra = {'header': LEADING, 'body': SKIP}.get(stage, 0)
            n = self.offer(actor('a', f'{stage} continue'))
            self.assertEqual(hex(n.protocol),
                             hex(self.flags([stage], extra=extra)), stage)

    def test_eom_alone_costs_no_wait(self):
        n = self.offer(actor('a', 'eom continue'))
        self.assertEqual(hex(n.protocol), hex(self.flags()))
        self.assertEqual(n.actions, SYMLIST)

    def test_wants(self):
        n = self.offer(actor('a', 'eom continue', want=['headers']))
        self.assertEqual(hex(n.protocol),
                         hex(self.flags(sent=['header'], extra=LEADING)))
        n = self.offer(actor('a', 'eom continue', want=['body']))
        self.assertEqual(hex(n.protocol), hex(self.flags(sent=['body'])))
        n = self.offer(actor('a', 'rcpt continue', want=['rejected']))
        self.assertEqual(hex(n.protocol),
                         hex(self.flags(['rcpt'], extra=REJECTED)))

    def test_actions(self):
        for rule, actions in (
                ('add X: 1', ADD), ('insert X: 1', ADD),
                ('change X 1 y', CHANGE), ('delete X 1', CHANGE),
                ('sender a@example.com', SENDER),
                ('add-rcpt a@example.com', ADD_RCPT | ADD_PAR),
                ('del-rcpt a@example.com', DEL_RCPT), ('body x', BODY),
                ('hold x', HOLD)):
            n = self.offer(actor('a', 'eom ' + rule))
            self.assertEqual(hex(n.actions), hex(actions | SYMLIST), rule)

    def test_the_union_of_the_chain(self):
        n = self.offer(actor('a', 'mail continue', 'eom add X: 1'),
                       actor('b', 'rcpt continue', 'eom body x'),
                       actor('c', 'eom continue', want=['headers']))
        self.assertEqual(hex(n.actions), hex(ADD | BODY | SYMLIST))
        self.assertEqual(hex(n.protocol), hex(
            self.flags(['mail', 'rcpt'], ['header'], LEADING)))

    def test_an_instance_that_is_off_needs_nothing(self):
        n = self.offer(actor('a', 'mail continue'),
                       actor('b', 'rcpt reject', 'eom body x', mode='off'))
        self.assertEqual(hex(n.actions), hex(SYMLIST))
        self.assertEqual(hex(n.protocol), hex(self.flags(['mail'])))

    def test_macros(self):
        n = self.offer(
            actor('a', 'mail continue', macros=['mail {mail_addr} i',
                                                'eom {x}']),
            actor('b', 'mail continue', macros=['mail {mail_addr} {y}',
                                                'connect {client_ptr}']))
        for stage, wanted in (('connect', {'j', '{client_ptr}'}),
                              ('mail', {'i', '{mail_addr}', '{y}',
                                        '{auth_authen}'}),
                              ('eom', {'{x}', 'i'})):
            self.assertLessEqual(wanted, set(n.symlists[stage]))
            self.assertEqual(len(n.symlists[stage]),
                             len(set(n.symlists[stage])))

    def test_an_mta_that_offers_less(self):
        d = self.daemon(actor('a', 'rcpt continue', 'eom add X-A: 1',
                              want=['headers']))
        with self.connected(d, version=6, actions=ADD, protocol=0x7f) as m:
            self.assertEqual(m.negotiated.actions, ADD)
            self.assertEqual(m.negotiated.protocol & ~0x7f, 0)
            for stage in ORDER[:-1]:
                self.assertIn(step(m, stage), (None, 'continue'), stage)
            edits, verdict = m.eom()
        self.assertEqual(verdict, 'accept')
        self.assertEqual(edits, [('addheader', 'X-A', '1')])

    def test_a_message_whose_edits_the_mta_takes_not_is_put_off(self):
        d = self.daemon(actor('a', 'eom body x'))
        with self.connected(d, version=6, actions=ADD, protocol=0x7f) as m:
            self.assertEqual(walk(m, 'eom'), 'tempfail')
        self.assertIn('the MTA offers no action 0x2', d.log())

    def test_version_2(self):
        d = self.daemon(actor('a', 'rcpt reject'))
        with self.connected(d, version=2, actions=0x3f, protocol=0x7f) as m:
            self.assertEqual(walk(m, 'rcpt')[1],
                             '550 5.7.1 Refused by policy')

    def test_version_1_is_refused(self):
        d = self.daemon(actor('a', 'rcpt reject'))
        with self.assertRaises(Closed):
            with self.connected(d, version=1, actions=0xf, protocol=0xf):
                pass


if __name__ == '__main__':
    unittest.main()
