#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A plugin that breaks, in every way and at every stage: the session goes
on, the message is told again, and only a second death costs it a 451."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import (SENDER, Scene, actor, echo,      # noqa: E402
                       fronts, instances, records, serving, wait_for)

BAD = 'bad@example.com'
STAGES = ('connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body',
          'eom', 'unknown')
PUT_OFF = ('replycode', '451 4.3.0 Temporary filter problem, please try '
                        'again later')

# What a plugin does, and how the log names the worker's end.
DEATHS = {
    'segv': 'killed by signal 11',
    'abort': 'killed by signal 6',
    'exit 3': r'it called exit\(3\)',
    'exit 0': r'it called exit\(0\)',
    '_exit 4': r'it called exit\(4\)',
    'raise 8': 'killed by signal 8',
    'raise 7': 'killed by signal 7',
    'smash': 'killed by signal 6',
    'recurse': 'killed by signal 11',
}


def two(d):
    """The workers, when both serve."""
    found = serving(d)
    return found if len(found) == 2 else None


def bad(name, *act, **values):
    """Acts on messages of one sender alone."""
    return actor(name, *act, sender=BAD, **values)


class Deaths(Scene):
    def whole(self, *sections, **settings):
        """A session in which all stages are asked about."""
        d = self.daemon(
            actor('first', *(f'{stage} continue' for stage in STAGES),
                  'eom echo'), *sections, trouble=True, **settings)
        with self.session(d) as m:
            m.unknown('FOO')
            message = self.send(m, sender=f'<{BAD}>')
            after = self.message(m)
        self.assertEqual(after[1], 'accept')
        self.assertEqual(fronts(d)['mx']['messages'], 0)
        return d, message

    def test_every_way_to_die(self):
        for way, words in DEATHS.items():
            with self.subTest(way):
                d, message = self.whole(
                    bad('z', f'rcpt {way}', on_error='continue'))
                self.assertEqual(message.verdict, 'accept')
                self.assertEqual(echo(message.edits, 'Sender'), [BAD])
                record = records(d, 2)[0]
                line = self.wait_lines(
                    d, rf'^.* error .*worker \d+ ended: {words}.* in '
                       rf'instance z at rcpt, message {record["id"]}$', 1)
                self.assertEqual(len(line), 1, d.log())
                self.assertEqual(record['faults'][0]['instance'], 'z')
                self.assertEqual(record['faults'][0]['stage'], 'rcpt')
                self.assertEqual(instances(d)['z']['deaths'], 1)

    def test_at_every_stage(self):
        for stage in STAGES:
            with self.subTest(stage):
                before = stage in ('connect', 'helo', 'unknown')
                act = actor if before else bad
                d, message = self.whole(
                    act('z', f'{stage} segv', on_error='continue'))
                self.assertEqual(message.verdict, 'accept')
                self.assertEqual(len(self.wait_lines(
                    d, f'in instance z at {stage}, message', 1)), 1)

    def test_on_error_stands_for_the_guilty(self):
        for on_error, answer in (
                ('tempfail', PUT_OFF),
                ('reject', ('replycode',
                            '550 5.3.0 Refused: a mail filter failed'))):
            for stage in ('mail', 'data', 'eom'):
                _, message = self.whole(
                    bad('z', f'{stage} segv', on_error=on_error))
                self.assertEqual((message.verdict, message.ended_at),
                                 (answer, stage))

    def test_at_connect_and_helo_on_error_refuses_the_session(self):
        for stage in ('connect', 'helo'):
            d = self.daemon(actor('z', f'{stage} segv', on_error='reject'),
                            trouble=True)
            with self.connected(d) as m:
                answer = m.conn()
                if stage == 'helo':
                    answer = m.helo()
                self.assertEqual(answer[1][:4], '550 ')

    def test_a_second_death_puts_that_message_off(self):
        d, message = self.whole(
            bad('y', 'rcpt segv', on_error='continue'),
            bad('z', 'eom abort', on_error='continue'))
        self.assertEqual((message.verdict, message.ended_at),
                         (PUT_OFF, 'eom'))
        self.assertEqual(fronts(d)['mx']['given_up'], 1)
        record = next(r for r in records(d, 2) if r['sender'].strip('<>')
                      == BAD)
        self.assertEqual((record['outcome'], record['stage'],
                          record['reply']['code']), ('tempfail', 'eom', 451))

    def test_a_second_death_early_is_not_forgotten(self):
        """The MTA waits for an answer at eom only: 451 must still come."""
        d = self.daemon(
            bad('y', 'rcpt segv', on_error='continue'),
            bad('z', 'rcpt abort', on_error='continue'), trouble=True)
        with self.session(d) as m:
            message = self.send(m, sender=f'<{BAD}>')
            self.assertEqual(message.verdict, PUT_OFF)
            m.mail(f'<{BAD}>')
            self.assertIn(m.rcpt('<one@example.net>'), (PUT_OFF, 'continue'))
            self.assertEqual(self.message(m)[1], 'accept')

    def test_451_for_one_recipient_is_451_for_the_message(self):
        """The second recipient kills; DATA and the rest are not asked."""
        d = self.daemon(
            bad('y', 'rcpt segv', recipient='two@example.net',
                on_error='continue'),
            bad('z', 'rcpt abort', recipient='two@example.net',
                on_error='continue'), trouble=True)
        with self.session(d) as m:
            m.mail(f'<{BAD}>')
            self.assertEqual(m.rcpt('<one@example.net>'), 'continue')
            self.assertEqual(m.rcpt('<two@example.net>'), PUT_OFF)
            self.assertIsNone(m.data())
            self.assertEqual(m.eom(), ([], PUT_OFF))
            self.assertEqual(self.message(m)[1], 'accept')

    def test_what_the_mta_was_told_stays_told(self):
        """Refused at RCPT before the death: not a recipient after it."""
        d = self.daemon(
            actor('no', 'rcpt reject', recipient='no@example.net'),
            actor('e', 'eom echo', 'mail note k v', 'eom echo-note k'),
            bad('z', 'eom segv', on_error='continue'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(
                m, sender=f'<{BAD}>',
                recipients=['<no@example.net>', '<yes@example.net>'])
        self.assertEqual(echo(edits, 'Recipient'), ['0 yes@example.net'])
        self.assertEqual(echo(edits, 'Note'), ['k=v'])

    def test_the_message_id_does_not_change(self):
        d = self.daemon(
            actor('e', 'mail log began', 'eom echo'),
            bad('z', 'eom segv', on_error='continue'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m, sender=f'<{BAD}>')
        began = self.wait_lines(d, r'(\S+) e: began', 2)
        self.assertEqual(began, echo(edits, 'Message-Id') * 2)

    def test_ends_are_not_told_by_a_dead_worker(self):
        """The dead worker says nothing; the other one once."""
        d = self.daemon(
            actor('e', 'mail continue', 'message-end log ended',
                  'session-end log over'),
            bad('z', 'eom segv', on_error='continue'), trouble=True)
        with self.session(d) as m:
            self.message(m, sender=f'<{BAD}>')
            m.quit()
        self.assertEqual(self.wait_lines(d, r'e: ended outcome=(\d)', 1),
                         ['0'])
        self.assertEqual(len(self.wait_lines(d, 'e: over', 1)), 1)

    def test_in_message_end_and_session_end(self):
        for stage in ('message-end', 'session-end'):
            d = self.daemon(actor('z', 'eom add X-A: 1', f'{stage} segv'),
                            trouble=True, crash_limit=20)
            with self.session(d) as m:
                for _ in range(3):
                    self.assertEqual(self.message(m)[1], 'accept')
                m.quit()
            self.wait_lines(d, r'worker \d+ ended.* in instance z', 1)
            self.assertEqual(fronts(d)['mx']['given_up'], 0)

    def test_others_in_the_same_worker_are_not_hurt(self):
        d = self.daemon(
            actor('e', 'mail continue', 'rcpt continue', 'eom echo'),
            bad('z', 'eom segv', on_error='continue'), trouble=True,
            workers=1)
        with self.session(d) as good, self.session(d) as evil:
            good.mail(SENDER)
            good.rcpt('<bob@example.net>')
            self.assertEqual(self.message(evil, sender=f'<{BAD}>')[1],
                             'accept')
            edits, verdict = good.eom()
        self.assertEqual(verdict, 'accept')
        self.assertEqual(echo(edits, 'Recipient'), ['0 bob@example.net'])
        record = next(r for r in records(d, 2)
                      if r['sender'] == 'alice@example.com')
        self.assertEqual([f['instance'] for f in record['faults']], [None])


class Strikes(Scene):
    def test_three_deaths_switch_it_off(self):
        d = self.daemon(
            bad('z', 'mail segv', on_error='continue'),
            actor('b', 'eom add X-B: 1'), trouble=True)
        for n in range(5):
            with self.session(d) as m:
                self.assertEqual(
                    self.message(m, sender=f'<{BAD}>')[1], 'accept')
            if n < 3:
                self.wait_lines(d, r'worker \d+ ended', n + 1)
        line = self.wait_lines(d, r'^.*instance z is switched off.*$', 1)
        self.assertIn(' error ', line[0])
        self.assertEqual(len(re.findall(r'worker \d+ ended', d.log())), 3)
        self.assertTrue(instances(d)['z']['off'])
        self.assertFalse(instances(d)['b']['off'])
        # Records of two sessions may overtake each other; ids do not.
        last = max(records(d, 5), key=lambda r: r['id'])
        self.assertEqual(last['steps'][0]['detail'],
                         'switched off: on-error')

    def test_off_as_on_error_says(self):
        d = self.daemon(actor('z', 'mail segv', on_error='reject'),
                        trouble=True, crash_limit=2)
        for _ in range(3):
            with self.session(d) as m:
                self.assertEqual(self.send(m).verdict[1][:4], '550 ')
                self.wait_lines(d, r'worker \d+ ended', 1)
        wait_for(lambda: instances(d)['z']['off'])

    def test_deaths_far_apart_do_not(self):
        d = self.daemon(bad('z', 'mail segv', on_error='continue'),
                        trouble=True, crash_limit=2, crash_within='1s')
        for n in range(3):
            with self.session(d) as m:
                self.message(m, sender=f'<{BAD}>')
            self.wait_lines(d, r'worker \d+ ended', n + 1)
            wait_for(lambda: len(serving(d)) == 2)
            self.pause(1.1)
        self.assertFalse(instances(d)['z']['off'])

    def pause(self, seconds):
        import time
        time.sleep(seconds)

    def test_a_reload_tries_it_again(self):
        d = self.daemon(bad('z', 'mail segv', on_error='continue'),
                        trouble=True, crash_limit=1)
        with self.session(d) as m:
            self.message(m, sender=f'<{BAD}>')
        wait_for(lambda: instances(d)['z']['off'])
        d.process.send_signal(1)
        d.wait_log('generation 2 is in force')
        self.assertFalse(instances(d)['z']['off'])


class Hangs(Scene):
    """Over the deadline: the session goes elsewhere, the worker retires."""

    def test_every_way_to_hang(self):
        for way in ('loop', 'deadlock', 'sleep 3600000'):
            for stage in ('mail', 'eom'):
                with self.subTest(f'{way} at {stage}'):
                    self.check(stage, way)

    def check(self, stage, way):
        d = self.daemon(
            actor('e', 'eom echo'),
            bad('z', f'{stage} {way}', on_error='continue',
                deadline='100ms', eom_deadline='100ms'),
            trouble=True, stop_limit='500ms')
        before = set(wait_for(lambda: two(d)))
        with self.session(d) as m:
            edits, verdict = self.message(m, sender=f'<{BAD}>')
            self.assertEqual(verdict, 'accept')
            self.assertEqual(self.message(m)[1], 'accept')
        record = records(d, 2)[0]
        self.assertEqual([(f['instance'], f['what'], f['stage'])
                          for f in record['faults']],
                         [('z', 'over its deadline', stage)])
        self.wait_lines(d, 'instance z was over its deadline', 1)
        self.assertEqual(instances(d)['z']['overruns'], 1)
        # Its place is taken, and in the end it is gone.
        wait_for(lambda: len(set(serving(d)) - before) == 1)
        wait_for(lambda: len(set(serving(d)) | before) == 3
                 and not all(os.path.exists(f'/proc/{pid}')
                             for pid in before))

    def test_on_error(self):
        d = self.daemon(bad('z', 'rcpt sleep 300', on_error='reject',
                            deadline='50ms'), trouble=True)
        with self.session(d) as m:
            self.assertEqual(self.send(m, sender=f'<{BAD}>').verdict[1][:4],
                             '550 ')

    def test_overruns_are_strikes_too(self):
        d = self.daemon(bad('z', 'mail sleep 200', on_error='continue',
                            deadline='50ms'), trouble=True)
        for _ in range(3):
            with self.session(d) as m:
                self.message(m, sender=f'<{BAD}>')
        wait_for(lambda: instances(d)['z']['off'])
        self.assertIn('instance z is switched off: it was over its deadline',
                      d.log())

    def test_slow_but_in_time(self):
        edits, verdict = self.one(actor('z', 'mail sleep 100',
                                        'eom sleep 100', 'eom add X-A: 1'))
        self.assertEqual((edits, verdict),
                         ([('addheader', 'X-A', '1')], 'accept'))

    def test_a_slow_message_end_holds_nobody_up(self):
        d = self.daemon(actor('z', 'eom add X-A: 1', 'message-end sleep 300',
                              deadline='50ms'), trouble=True)
        with self.session(d) as m:
            for _ in range(2):
                self.assertEqual(self.message(m)[1], 'accept')


class Memory(Scene):
    def test_a_worker_that_leaks_is_replaced(self):
        d = self.daemon(bad('z', 'mail leak 64'),
                        actor('e', 'eom echo'), trouble=True,
                        worker_memory='32M')
        before = set(wait_for(lambda: two(d)))
        with self.session(d) as m:
            self.assertEqual(
                self.message(m, sender=f'<{BAD}>')[1], 'accept')
            line = self.wait_lines(d, r'^.*worker-memory.*$', 1)
            self.assertEqual(len(line), 1)
            self.assertEqual(self.message(m)[1], 'accept')
            new = wait_for(lambda: set(serving(d)) - before)
            self.assertEqual(len(new), 1)
            wait_for(lambda: not all(os.path.exists(f'/proc/{pid}')
                                     for pid in before))
            self.assertEqual(self.message(m)[1], 'accept')
        self.assertNotIn('ended', d.log())


if __name__ == '__main__':
    unittest.main()
