#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every change to a message, as it goes over the wire."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import Scene, actor      # noqa: E402

FIELDS = (('Received', 'one'), ('X-A', 'first'), ('Subject', 'hello'),
          ('x-a', ' second'), ('X-A', 'third\n folded'))


class Fields(Scene):
    def test_the_blank_is_ours_to_write_if_blanks_are_kept(self):
        rules = ('eom add X-A: 1', 'eom insert X-B: 2', 'eom add X-C: \\t3')
        for want, blank in (([], ''), (['headers'], ' ')):
            d = self.daemon(actor('a', *rules, want=want))
            with self.session(d) as m:
                self.assertEqual(self.send(m).edits, [
                    ('addheader', 'X-A', blank + '1'),
                    ('addheader', 'X-C', '\t3'),
                    ('insheader', 0, 'X-B', blank + '2')])

    def test_a_change_keeps_the_blank(self):
        d = self.daemon(actor('a', 'eom change Subject 1 new'))
        with self.session(d) as m:
            self.assertEqual(self.send(m).edits,
                             [('chgheader', 1, 'Subject', ' new')])

    def test_add_goes_to_the_end(self):
        edits, verdict = self.one(
            actor('a', 'eom add X-New: value', 'eom add X-Two: other'))
        self.assertEqual(edits, [('addheader', 'X-New', 'value'),
                                 ('addheader', 'X-Two', 'other')])
        self.assertEqual(verdict, 'accept')

    def test_insert_is_at_the_very_top_the_last_one_first(self):
        edits, _ = self.one(
            actor('a', 'eom insert X-One: 1', 'eom insert X-Two: 2'))
        self.assertEqual(edits, [('insheader', 0, 'X-One', '1'),
                                 ('insheader', 0, 'X-Two', '2')])

    def test_change_counts_fields_of_the_name_in_any_case(self):
        edits, _ = self.one(actor('a', 'eom change X-A 2 new'),
                            headers=FIELDS)
        self.assertEqual([e[0::2] for e in edits], [('chgheader', 'X-A')]
                         if edits[0][2] == 'X-A' else [('chgheader', 'x-a')])
        self.assertEqual(edits[0][1], 2)
        self.assertEqual(edits[0][3], 'new')

    def test_deletes_go_from_the_highest_index_down(self):
        edits, _ = self.one(
            actor('a', 'eom delete X-A 1', 'eom delete X-A 1'),
            headers=FIELDS)
        self.assertEqual([(e[0], e[1], e[2].lower(), e[3]) for e in edits],
                         [('chgheader', 2, 'x-a', ''),
                          ('chgheader', 1, 'x-a', '')])

    def test_delete_all_of_a_name(self):
        edits, _ = self.one(
            actor('a', *['eom delete X-A 1'] * 3), headers=FIELDS)
        self.assertEqual([e[1] for e in edits], [3, 2, 1])

    def test_folds_travel_as_lf(self):
        edits, _ = self.one(actor('a', r'eom add X-Long: one\n two\n\tthree'))
        self.assertEqual(
            edits, [('addheader', 'X-Long', 'one\n two\n\tthree')])

    def test_a_value_that_would_end_the_field_is_refused(self):
        d = self.daemon(actor('a', r'eom add X-Bad: one\nBcc: x@example.com',
                              r'eom add X-Bad: one\r\n two',
                              'eom add X-Good: yes'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(edits, [('addheader', 'X-Good', 'yes')])
        self.assertEqual(len(self.wait_lines(d, 'a misbehaves at eom', 2)), 2)

    def test_bad_names_are_refused(self):
        d = self.daemon(actor('a', 'eom add X Y: 1', r'eom add X\nY: 1',
                              'eom add \xe9: 1', 'eom add X-Good: yes'),
                        trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(edits, [('addheader', 'X-Good', 'yes')])

    def test_eight_bit_values_pass_unchanged(self):
        edits, _ = self.one(actor('a', 'eom add X-U: gr\xfc\xdfe'))
        self.assertEqual(edits, [('addheader', 'X-U', 'gr\xfc\xdfe')])

    def test_percent_in_a_value_is_not_doubled(self):
        edits, _ = self.one(actor('a', 'eom add X-P: 100% %s %n'))
        self.assertEqual(edits, [('addheader', 'X-P', '100% %s %n')])

    def test_a_value_of_60000_bytes(self):
        value = 'v' * 60000
        edits, _ = self.one(actor('a', 'eom add X-L: ' + value))
        self.assertEqual(edits, [('addheader', 'X-L', '' + value)])

    def test_edits_of_early_stages_are_sent_at_eom(self):
        edits, _ = self.one(
            actor('a', 'mail add X-Mail: 1', 'rcpt add X-Rcpt: 1',
                  'data add X-Data: 1', 'eoh add X-Eoh: 1',
                  'body add X-Body: 1', 'eom add X-Eom: 1'))
        self.assertEqual([e[1] for e in edits],
                         ['X-Mail', 'X-Rcpt', 'X-Data', 'X-Eoh', 'X-Body',
                          'X-Eom'])

    def test_edits_outside_a_message_are_refused(self):
        d = self.daemon(actor('a', 'connect add X-C: 1', 'helo add X-H: 1',
                              'eom add X-E: 1'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(edits, [('addheader', 'X-E', '1')])
        self.assertIn('no message is open', d.log())


class Chains(Scene):
    def test_edits_of_all_instances_in_the_order_of_the_chain(self):
        edits, _ = self.one(actor('a', 'eom add X-A: 1'),
                            actor('b', 'mail add X-B: 1'))
        self.assertEqual([e[1] for e in edits], ['X-B', 'X-A'])

    def test_a_later_instance_sees_the_earlier_ones_edits(self):
        edits, _ = self.one(
            actor('a', 'eom change Subject 1 changed', 'eom delete From 1',
                  'eom add X-A: 1', 'eom insert X-Top: 0'),
            actor('b', 'eom echo-header Subject 1', 'eom echo-header From 1',
                  'eom echo-header X-A 1', 'eom echo-fields'))
        values = [e[2] for e in edits if e[0] == 'addheader'
                  and e[1].startswith('X-Echo')]
        self.assertEqual(values[:3],
                         ['Subject 1=changed', 'From 1=-', 'X-A 1=1'])
        self.assertEqual(values[3:6], ['0 X-Top=\\x200',
                                       '1 Subject=\\x20changed',
                                       '2 X-A=\\x201'])

    def test_added_and_deleted_again_is_nothing(self):
        edits, _ = self.one(actor('a', 'eom add X-A: 1'),
                            actor('b', 'eom delete X-A 1'))
        self.assertEqual(edits, [])

    def test_indexes_count_what_the_mta_has(self):
        """The second instance deletes "its" second, the MTA's third."""
        edits, _ = self.one(actor('a', 'eom delete X-A 1'),
                            actor('b', 'eom delete X-A 2'), headers=FIELDS)
        self.assertEqual([e[1] for e in edits], [3, 1])

    def test_a_change_of_what_was_added_is_one_add(self):
        edits, _ = self.one(actor('a', 'eom add X-A: 1'),
                            actor('b', 'eom change X-A 1 2'))
        self.assertEqual(edits, [('addheader', 'X-A', '2')])


class Envelope(Scene):
    def test_sender(self):
        edits, _ = self.one(actor('a', 'eom sender new@example.com'))
        self.assertEqual(edits, [('chgfrom', '<new@example.com>')])

    def test_sender_with_arguments(self):
        edits, _ = self.one(
            actor('a', 'eom sender new@example.com RET=HDRS ENVID=x'))
        self.assertEqual(
            edits, [('chgfrom', '<new@example.com>', 'RET=HDRS ENVID=x')])

    def test_the_empty_sender(self):
        edits, _ = self.one(actor('a', 'eom sender <>'))
        self.assertEqual(edits, [('chgfrom', '<>')])

    def test_add_recipient(self):
        edits, _ = self.one(actor('a', 'eom add-rcpt c@example.org'))
        self.assertEqual(edits, [('addrcpt', '<c@example.org>')])

    def test_add_recipient_with_arguments(self):
        edits, _ = self.one(
            actor('a', 'eom add-rcpt c@example.org NOTIFY=NEVER'))
        self.assertEqual(
            edits, [('addrcpt_par', '<c@example.org>', 'NOTIFY=NEVER')])

    def test_delete_one_of_two_recipients(self):
        edits, verdict = self.one(
            actor('a', 'eom del-rcpt bob@example.net'),
            recipients=['<bob@example.net>', '<carol@example.net>'])
        self.assertEqual(edits, [('delrcpt', '<bob@example.net>')])
        self.assertEqual(verdict, 'accept')

    def test_deleting_the_only_recipient_discards(self):
        edits, verdict = self.one(
            actor('a', 'eom del-rcpt bob@example.net'))
        self.assertEqual((edits, verdict), ([], 'discard'))

    def test_replacing_the_only_recipient_does_not(self):
        edits, verdict = self.one(
            actor('a', 'eom del-rcpt bob@example.net',
                  'eom add-rcpt c@example.org'))
        self.assertEqual(sorted(edits), [('addrcpt', '<c@example.org>'),
                                         ('delrcpt', '<bob@example.net>')])
        self.assertEqual(verdict, 'accept')

    def test_addresses_that_would_break_out_are_refused(self):
        d = self.daemon(actor('a', r'eom add-rcpt x@y>,<z@example.org',
                              'eom add-rcpt ok@example.org'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(edits, [('addrcpt', '<ok@example.org>')])


class Body(Scene):
    def body(self, edits):
        self.assertEqual({e[0] for e in edits}, {'replbody'})
        return b''.join(e[1] for e in edits)

    def test_replace(self):
        edits, verdict = self.one(actor('a', r'eom body new\r\nbody\r\n'))
        self.assertEqual(edits, [('replbody', b'new\r\nbody\r\n')])
        self.assertEqual(verdict, 'accept')

    def test_replace_with_nothing(self):
        edits, _ = self.one(actor('a', 'eom body-size 0'))
        self.assertEqual(self.body(edits), b'')

    def test_replace_with_5_megabytes(self):
        size = 5 << 20
        edits, _ = self.one(actor('a', f'eom body-size {size}'))
        body = self.body(edits)
        self.assertEqual(len(body), size)
        self.assertTrue(all(len(e[1]) <= 65535 for e in edits))
        self.assertEqual(body[:4], b'abcd')
        self.assertEqual(body[62:64], b'\r\n')

    def test_the_last_one_wins_in_one_run(self):
        edits, _ = self.one(actor('a', 'eom body one'),
                            actor('b', 'eom body two'))
        self.assertEqual(edits, [('replbody', b'two')])


class Order(Scene):
    def test_of_all_kinds(self):
        """Deletes before inserts, the body in one run, quarantine last."""
        edits, verdict = self.one(
            actor('a', 'eom hold looks odd', 'eom body x',
                  'eom add-rcpt c@example.org', 'eom sender s@example.com',
                  'eom insert X-I: 1', 'eom add X-A: 1',
                  'eom delete Subject 1', 'eom change From 1 f'))
        kinds = [e[0] for e in edits]
        self.assertEqual(sorted(kinds), sorted([
            'quarantine', 'replbody', 'addrcpt', 'chgfrom', 'insheader',
            'addheader', 'chgheader', 'chgheader']))
        self.assertLess(max(i for i, k in enumerate(kinds)
                            if k == 'chgheader'), kinds.index('insheader'))
        self.assertEqual(verdict, 'accept')

    def test_a_refusal_sends_no_edits(self):
        for verdict in ('reject', 'tempfail'):
            edits, answer = self.one(
                actor('a', 'eom add X-A: 1', 'eom body x'),
                actor('b', f'eom {verdict}'))
            self.assertEqual(edits, [])
            self.assertEqual(answer[0], 'replycode')

    def test_a_discard_sends_no_edits(self):
        edits, answer = self.one(actor('a', 'eom add X-A: 1'),
                                 actor('b', 'eom discard'))
        self.assertEqual((edits, answer), ([], 'discard'))


class Quarantine(Scene):
    def test_with_a_reason(self):
        edits, verdict = self.one(actor('a', 'eom hold looks odd 100%'))
        self.assertEqual(edits, [('quarantine', 'looks odd 100%')])
        self.assertEqual(verdict, 'accept')

    def test_by_verdict(self):
        for stage in ('mail', 'rcpt', 'data', 'eoh', 'body', 'eom'):
            edits, verdict = self.one(actor('a', f'{stage} quarantine'))
            self.assertEqual(edits, [('quarantine', 'held by a')], stage)
            self.assertEqual(verdict, 'accept', stage)

    def test_a_reason_given_before_the_verdict_stands(self):
        edits, _ = self.one(
            actor('a', 'eom hold my own reason', 'eom quarantine'))
        self.assertEqual(edits, [('quarantine', 'my own reason')])


if __name__ == '__main__':
    unittest.main()
