#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""One verdict from what the instances of a chain found, over the wire."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import Scene, actor, records, section            # noqa: E402

TWELVE = actor('a', 'mail symbol A 4', 'mail symbol LIST_X 4',
               'mail symbol LIST_Y 4')


def score(**values):
    return section('score', 'score', **values)


class Verdicts(Scene):
    def test_marked_and_forged_fields_removed(self):
        edits, verdict = self.one(
            TWELVE, score(report_header='X-Spam-Report', subject=10),
            headers=(('X-Spam-Flag', 'NO'), ('Subject', 'hello'),
                     ('X-Spam-Flag', 'NO')))
        self.assertEqual(verdict, 'accept')
        self.assertEqual(sorted(edits, key=str), sorted([
            ('chgheader', 2, 'X-Spam-Flag', ''),
            ('chgheader', 1, 'X-Spam-Flag', ''),
            ('chgheader', 1, 'Subject', '[SPAM] hello'),
            ('addheader', 'X-Spam-Flag', 'YES'),
            ('addheader', 'X-Spam-Score', '12.00'),
            ('addheader', 'X-Spam-Level', '*' * 12),
            ('addheader', 'X-Spam-Report',
             'A 4.00, LIST_X 4.00, LIST_Y 4.00'),
        ], key=str))

    def test_more_forged_fields_than_can_be_removed(self):
        forged = (('X-Spam-Flag', 'NO'), ('X-Spam-Level', '')) * 6000
        d = self.daemon(score(), trouble=True)
        with self.session(d) as m:
            message = self.send(m, headers=forged)
        self.assertEqual(
            message.verdict, ('replycode', '550 5.6.0 Too many header '
                              'fields that only a filter adds'))
        self.assertEqual([s['name'] for s in records(d)[0]['symbols']],
                         ['SCORE_FORGED'])

    def test_refused(self):
        d = self.daemon(TWELVE, score(reject=12, reply='No, thanks'))
        with self.session(d) as m:
            message = self.send(m)
        self.assertEqual(message.verdict,
                         ('replycode', '550 5.7.1 No, thanks'))
        record = records(d)[0]
        self.assertEqual((record['outcome'], record['by']),
                         ('reject', 'score'))
        self.assertEqual(
            [s['detail'] for s in record['symbols']
             if s['name'] == 'SCORE_REJECT'],
            ['12.00 of 12.00 for bob@example.net'])

    def test_thrown_away_and_held(self):
        self.assertEqual(self.one(TWELVE, score(discard=12))[1], 'discard')
        edits, verdict = self.one(TWELVE, score(quarantine=12,
                                                headers='never'))
        self.assertEqual((edits, verdict),
                         ([('quarantine', '12.00 points')], 'accept'))

    def test_weights_and_groups(self):
        d = self.daemon(TWELVE, score(weights=['A x0.5'],
                                      groups=['lists 5 LIST_*']))
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertIn(('addheader', 'X-Spam-Score', '7.00'), edits)

    def test_a_later_instance_reads_the_action(self):
        d = self.daemon(TWELVE, score(greylist=10),
                        actor('b', 'eom echo score.action'))
        with self.session(d) as m:
            self.message(m)
        symbols = {s['name'] for s in records(d)[0]['symbols']}
        self.assertIn('SCORE_GREYLIST', symbols)

    def test_in_observe_mode_it_only_says_so(self):
        d = self.daemon(TWELVE, score(reject=10, mode='observe'))
        with self.session(d) as m:
            self.assertEqual(self.message(m), ([], 'accept'))
        step = next(s for s in records(d)[0]['steps']
                    if s['instance'] == 'score')
        self.assertEqual((step['verdict'], step['observed']),
                         ('reject', True))


class Recipients(Scene):
    BOTH = ('<a@example.com>', '<b@example.net>')
    POLICIES = ['b@example.net reject=10', 'example.com reject=never']

    def test_the_strictest_wins(self):
        d = self.daemon(TWELVE, score(policies=self.POLICIES))
        with self.session(d) as m:
            self.assertNotEqual(
                self.send(m, recipients=self.BOTH).verdict, 'accept')
        self.assertEqual(
            [s['detail'] for s in records(d)[0]['symbols']
             if s['name'] == 'SCORE_REJECT'],
            ['12.00 of 10.00 for b@example.net, others have another policy'])

    def test_the_mildest_wins(self):
        d = self.daemon(TWELVE, score(policies=self.POLICIES,
                                      differ='mildest'))
        with self.session(d) as m:
            self.assertEqual(self.message(m, recipients=self.BOTH)[1],
                             'accept')

    def test_each_its_own(self):
        d = self.daemon(TWELVE, score(policies=self.POLICIES, differ='split'))
        with self.session(d) as m:
            message = self.send(m, recipients=self.BOTH)
            self.assertEqual(message.verdict, 'accept')
            again = self.send(m, recipients=self.BOTH[1:])
            self.assertNotEqual(again.verdict, 'accept')
        first, second = records(d, 2)
        self.assertEqual(
            [answer for stage, answer in message.answers if stage == 'rcpt'],
            ['continue', ('replycode', '452 4.5.3 Send to this recipient in '
                          'a message of its own')])
        self.assertEqual(first['outcome'], 'accept')
        self.assertEqual(second['outcome'], 'reject')

    def test_several_listeners_have_instances_of_their_own(self):
        text = ('listener "mx" { socket = "unix:@/mx.sock" '
                'chain = { "a", "mild" } }\n'
                'listener "strict" { socket = "unix:@/strict.sock" '
                'chain = { "a", "hard" } }\n' + TWELVE +
                section('score', 'mild', reject=0) +
                section('score', 'hard', reject=5))
        d = self.daemon(text=text)
        with self.session(d) as m:
            self.assertEqual(self.send(m).verdict, 'accept')
        with self.session(d, where=self.address(d, 'strict.sock')) as m:
            self.assertNotEqual(self.send(m).verdict, 'accept')


class Errors(Scene):
    def test_a_wrong_option_names_its_place(self):
        d = self.daemon(TWELVE, score())
        d.write(d.text.replace('score "score" {',
                               'score "score" {\n  groups = { "lists 5" }'))
        answer = d.reload()
        self.assertNotEqual(answer.returncode, 0)
        self.assertRegex(answer.stdout + answer.stderr,
                         r'conf:\d+: score "score": groups: "lists 5" is not')


if __name__ == '__main__':
    unittest.main()
