# SPDX-License-Identifier: Apache-2.0
"""Hosts that go on alone while the shared store is down: never more than
1.5 times the amount in any interval, not more than the amount of what was
known to be half used, and afterwards exactly the amount again."""

import time
import unittest

from fleet import Fleet, SOAK
from lib.redis import Redis

from proxy import Proxy

AMOUNT, PERIOD, HOSTS = 60, 1000, 3


class Alone(Fleet):
    def setUp(self):
        super().setUp()
        self.redis = Redis()
        self.addCleanup(self.redis.__exit__)
        self.redis.start()
        self.options = {
            'store': self.redis.url(), 'amount': AMOUNT, 'share': 1,
            'period_ms': PERIOD, 'ms': 600000, 'threads': 2,
            'think_us': 1000, 'timeout_ms': 200}

    def start(self, each=1, **more):
        for i in range(HOSTS * each):
            self.worker(i % HOSTS, **dict(self.options, **more))
        until = time.monotonic() + 10
        while self.redis.call('ZCARD', 'mr:{fleet}:hosts') < HOSTS:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        # Each has heard of all the others.
        time.sleep(1.2)

    def finish(self, most, alone):
        self.kill_all()
        entries = self.check_never_more(most, PERIOD, AMOUNT * 8 // 10)
        self.assertGreaterEqual(
            sum(entry[3] for entry in entries if entry[4]), alone,
            self.said())
        self.check_exactly(AMOUNT, PERIOD, store=self.redis.url())

    def test_the_server_is_away(self):
        self.start(each=2)
        for _ in range(int(2 * SOAK)):
            time.sleep(0.5)
            self.redis.kill()
            time.sleep(2)
            self.redis.start()
            time.sleep(1.2)
        # A third of half the amount for each host in a period, at least.
        self.finish(AMOUNT * 3 // 2, AMOUNT)

    def test_workers_are_killed_meanwhile(self):
        """Their hosts know what they took."""
        self.start(each=2, keys=2, cost=2, refunds=10)
        self.redis.kill()
        self.assertGreater(self.kill_some(2.5, 0.1), 8)
        self.redis.start()
        self.assertGreater(self.kill_some(1.5, 0.1), 4)
        # Who is killed may have taken one that his host has not written down.
        self.finish(AMOUNT * 3 // 2 + 2, AMOUNT // 2)

    def test_one_host_is_cut_off(self):
        with Proxy(self.redis.port) as proxy:
            self.worker(0, **dict(
                self.options, store=f'redis://127.0.0.1:{proxy.port}'))
            for host in (1, 2):
                self.worker(host, **self.options)
            time.sleep(2.5)
            proxy.fault = 'refuse'
            time.sleep(2.5)
            proxy.fault = None
            time.sleep(1.5)
            self.finish(AMOUNT * 3 // 2, AMOUNT // HOSTS // 2)

    def test_what_is_half_used_is_divided(self):
        """Told to all hosts before the server went: the amount holds."""
        options = dict(self.options, period_ms=30000)
        # All hosts are there, busy with something else.
        self.start(group='other', out=self.path('other'))
        # One takes two thirds; the others have never seen the key.
        self.results([self.worker(0, **dict(
            options, ms=1000, threads=1, amount=AMOUNT * 2 // 3))])
        self.assertEqual(len(self.accepted()), AMOUNT * 2 // 3)
        time.sleep(2.5)
        self.redis.kill()
        self.run_all(HOSTS, HOSTS, **dict(options, ms=2000))
        alone = sum(entry[3] for entry in self.accepted() if entry[4])
        # What is left is a third, and each host's part of it is whole units.
        self.assertEqual(alone, AMOUNT // 3 // HOSTS * HOSTS, self.said())


if __name__ == '__main__':
    unittest.main()
