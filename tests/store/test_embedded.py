# SPDX-License-Identifier: Apache-2.0
"""The embedded store under workers that are killed and stopped."""

import signal
import time
import unittest

from fleet import Fleet

AMOUNT, PERIOD = 60, 1000


class Embedded(Fleet):
    def options(self, **more):
        return dict(store='lmdb:' + self.path('store'), amount=AMOUNT,
                    period_ms=PERIOD, ms=600000, **more)

    def test_workers_are_killed(self):
        options = self.options(threads=2, keys=4, cost=3, refunds=20,
                               think_us=500)
        for _ in range(6):
            self.worker(**options)
        self.assertGreater(self.kill_some(4), 20)
        self.kill_all()
        self.check_never_more(AMOUNT, PERIOD, AMOUNT * 9 // 10)
        self.check_exactly(AMOUNT, PERIOD, store=options['store'])

    def test_all_or_none(self):
        options = self.options(threads=2, keys=4, pair=1, think_us=300)
        for _ in range(4):
            self.worker(**options)
        time.sleep(2.5)
        self.kill_all()
        entries = self.check_never_more(AMOUNT, PERIOD, AMOUNT // 3)
        # Both limits at once: "all" allows twice the amount of each.
        self.assertGreater(len(entries), AMOUNT * 2)
        for entry in entries:
            self.assertEqual(entry[4], 0)
        once = [(*entry[:2], 0, *entry[3:]) for entry in entries]
        with open(self.path('accepted'), 'w', encoding='ascii') as f:
            for entry in once:
                print(*entry, file=f)
        self.check_never_more(AMOUNT * 2, PERIOD, AMOUNT * 2 * 9 // 10)

    def test_one_is_stopped(self):
        """Perhaps while it holds the lock: the others go on in time."""
        options = self.options(threads=2, timeout_ms=50)
        workers = [self.worker(**options) for _ in range(3)]
        for _ in range(6):
            for process in workers:
                process.send_signal(signal.SIGSTOP)
                time.sleep(0.2)
                process.send_signal(signal.SIGCONT)
                time.sleep(0.02)
        self.kill_all()
        self.check_never_more(AMOUNT, PERIOD, AMOUNT * 9 // 10)
        self.check_exactly(AMOUNT, PERIOD, store=options['store'])


if __name__ == '__main__':
    unittest.main()
