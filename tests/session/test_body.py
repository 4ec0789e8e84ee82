#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Bodies of every size reach the plugins whole, also when told again."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import Scene, actor, checksum, echo, records    # noqa: E402

SIZES = (0, 1, 32767, 32768, 32769, 65535, 65536, 131070, 131071)
MIB = 1 << 20

# Bytes of every value, and no period that chunks could hide.
PATTERN = bytes(range(256)) * 3 + b'\r\n.\r\n\0'


def body(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


class Sizes(Scene):
    def test_whole_at_eom(self):
        d = self.daemon(actor('a', 'eom echo-body'))
        with self.session(d) as m:
            for size in SIZES:
                data = body(size)
                edits, verdict = self.message(m, body=data)
                self.assertEqual(echo(edits, 'Body'), [self.seen(data)], size)
                self.assertEqual(verdict, 'accept')
        self.assertEqual([r['size'] for r in records(d, len(SIZES))],
                         list(SIZES))

    def test_in_chunks(self):
        d = self.daemon(actor('a', 'body continue', 'eom echo'))
        with self.session(d) as m:
            for size in SIZES:
                data = body(size)
                edits, _ = self.message(m, body=data)
                self.assertIn(f'chunks={(size + 65534) // 65535} bytes={size}'
                              f' sum={checksum(data):08x}',
                              echo(edits, 'Seen')[0])

    def test_in_chunks_and_whole(self):
        d = self.daemon(actor('a', 'body continue', 'eom echo',
                              'eom echo-body'))
        with self.session(d) as m:
            for size in SIZES:
                data = body(size)
                edits, _ = self.message(m, body=data)
                self.assertEqual(echo(edits, 'Body'), [self.seen(data)])
                self.assertIn(f'bytes={size} sum={checksum(data):08x}',
                              echo(edits, 'Seen')[0])

    def test_odd_chunks(self):
        d = self.daemon(actor('a', 'body continue', 'eom echo',
                              'eom echo-body'))
        with self.session(d) as m:
            data = body(100000)
            m.mail('<a@example.com>')
            m.rcpt('<b@example.net>')
            at = 0
            for n in (1, 2, 30000, 2765, 1, 40000, 27231):
                m.command('B', data[at:at + n])
                at += n
            edits, _ = m.eom()
        self.assertEqual(echo(edits, 'Body'), [self.seen(data)])
        self.assertIn(f'bytes=100000 sum={checksum(data):08x}',
                      echo(edits, 'Seen')[0])

    def test_nothing_of_one_message_in_the_next(self):
        d = self.daemon(actor('a', 'eom echo-body'))
        with self.session(d) as m:
            for size in (200000, 10, 0, 70000, 3):
                data = body(size)
                edits, _ = self.message(m, body=data)
                self.assertEqual(echo(edits, 'Body'), [self.seen(data)])

    def seen(self, data):
        return f'bytes={len(data)} sum={checksum(data):08x}'


class Large(Scene):
    def check(self, size, *rules, **settings):
        d = self.daemon(actor('a', 'eom echo-body', *rules),
                        actor('b', 'eom echo'), **settings)
        data = (b'0123456789abcde\n' * 4096 * (size >> 16))[:size]
        with self.session(d) as m:
            edits, verdict = self.message(m, body=data)
            self.assertEqual(verdict, 'accept')
            self.assertTrue(echo(edits, 'Body')[0].startswith(
                f'bytes={size} '), echo(edits, 'Body'))
            small, _ = self.message(m, body=b'small')
            self.assertEqual(echo(small, 'Body'),
                             [f'bytes=5 sum={checksum(b"small"):08x}'])
        return d, echo(edits, 'Body')[0]

    def test_5_megabytes_in_memory(self):
        self.check(5 * MIB)

    def test_5_megabytes_in_chunks(self):
        self.check(5 * MIB, 'body continue')

    def test_70_megabytes_go_to_the_spool(self):
        d, whole = self.check(70 * MIB)
        self.assertEqual(os.listdir(d.path('spool')), [])
        self.assertEqual(whole, self.check(70 * MIB, spool_above='200M')[1])

    def test_the_spool_early_and_in_chunks(self):
        """The file changes under a worker that has read half of it."""
        _, spooled = self.check(1 * MIB, 'body continue',
                                spool_above='64K')
        _, memory = self.check(1 * MIB, 'body continue')
        self.assertEqual(spooled, memory)

    def test_a_spool_that_is_not_there_puts_the_message_off(self):
        """With and without an answer to each chunk: never accepted."""
        for rules in (('eom echo-body',), ('body continue', 'eom echo-body')):
            d = self.daemon(actor('a', *rules), spool_above='64K')
            os.rename(d.path('spool'), d.path('elsewhere'))
            with self.session(d) as m:
                message = self.send(m, body=b'x' * 300000)
                self.assertEqual(
                    message.verdict,
                    ('replycode', '452 4.3.1 Insufficient system storage'))
                self.assertEqual(self.message(m, body=b'x')[1], 'accept')


class Again(Scene):
    """A worker dies at eom; the next one must see the same bytes."""

    def check(self, size, *rules, **settings):
        d = self.daemon(
            actor('a', 'body continue', 'eom echo', 'eom echo-body'),
            actor('z', *rules, on_error='continue'), trouble=True,
            **settings)
        data = body(size)
        with self.session(d) as m:
            edits, verdict = self.message(m, body=data)
        self.assertEqual(verdict, 'accept')
        sum_ = f'bytes={size} sum={checksum(data):08x}'
        self.assertEqual(echo(edits, 'Body'), [sum_])
        self.assertIn(sum_, echo(edits, 'Seen')[0])
        self.assertEqual(len(self.wait_lines(d, r'worker \d+ ended', 1)), 1)

    def test_death_at_eom(self):
        for size in (0, 1, 32768, 65536, 300000):
            self.check(size, 'eom segv')

    def test_death_at_the_first_chunk(self):
        for size in (1, 32768, 65536, 300000):
            self.check(size, 'body segv')

    def test_death_with_the_body_in_the_spool(self):
        self.check(300000, 'eom segv', spool_above='64K')
        self.check(300000, 'body segv', spool_above='64K')

    def test_skip_is_skipped_again(self):
        d = self.daemon(
            actor('a', 'body skip', want=['body']),
            actor('z', 'eom segv', on_error='continue'), trouble=True)
        with self.session(d) as m:
            self.assertEqual(self.send(m, body=b'x' * 200000).verdict,
                             'accept')


if __name__ == '__main__':
    unittest.main()
