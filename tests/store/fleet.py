# SPDX-License-Identifier: Apache-2.0
"""Hosts and their workers, each a process of tests/store/driver.c, and what
they accepted together.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD  # noqa: E402
from lib.redis import Redis  # noqa: E402

DRIVER = os.path.join(BUILD, 'tests/store/driver')
# Longer and more of everything: `make store-soak`.
SOAK = float(os.environ.get('STORE_SOAK', '1'))

# What SharedFleet's workers are limited to.
AMOUNT, PERIOD = 60, 1000


def worst(entries, period_us):
    """The most units of one key accepted in an interval of the period.

    An entry (began, ended, key, units, alone) was accepted some time between
    began and ended: it counts in intervals that hold both.
    """
    most = {}
    for key in {entry[2] for entry in entries}:
        mine = sorted(entry for entry in entries if entry[2] == key)
        for i, first in enumerate(mine):
            end, units = first[0] + period_us, 0
            for entry in mine[i:]:
                if entry[0] > end:
                    break
                if entry[1] <= end:
                    units += entry[3]
            most[key] = max(units, most.get(key, 0))
    return max(most.values(), default=0)


class Fleet(unittest.TestCase):
    """Workers share one file of what was accepted; end() them all."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='millrace-fleet-')
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.workers = []
        self.addCleanup(self.kill_all)
        self.random = random.Random(self.id())
        self.seed = 0
        self.log = open(self.path('log'), 'ab')
        self.addCleanup(self.log.close)

    def path(self, name):
        return os.path.join(self.folder, name)

    def worker(self, host=0, **options):
        self.seed += 1
        words = {'mirror': self.path(f'mirror-{host}'),
                 'out': self.path('accepted'), 'seed': self.seed, **options}
        process = subprocess.Popen(
            [DRIVER] + [f'{name}={value}' for name, value in words.items()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.log, text=True)
        process.options = dict(options, host=host)
        self.workers.append(process)
        return process

    def kill(self, process):
        process.kill()
        process.wait()
        process.stdout.close()
        self.workers.remove(process)

    def kill_all(self):
        for process in list(self.workers):
            process.send_signal(signal.SIGCONT)
            self.kill(process)

    def kill_some(self, seconds, pause=0.05):
        """Kill a worker now and then and start another in its place."""
        until, n = time.monotonic() + seconds * SOAK, 0
        while time.monotonic() < until:
            time.sleep(self.random.random() * 2 * pause)
            process = self.random.choice(self.workers)
            self.kill(process)
            self.worker(**process.options)
            n += 1
        return n

    def run_all(self, count, hosts=1, **options):
        """That many workers to their end; what they say, summed up."""
        running = [self.worker(i % hosts, **options) for i in range(count)]
        return self.results(running)

    def results(self, running):
        sums = {}
        for process in running:
            said = json.loads(process.communicate(timeout=120)[0])
            self.assertEqual(process.returncode, 0)
            self.workers.remove(process)
            for name, value in said.items():
                sums[name] = sums.get(name, 0) + value
        return sums

    def accepted(self):
        with open(self.path('accepted'), encoding='ascii') as f:
            return [tuple(map(int, line.split())) for line in f
                    if line.endswith('\n')]

    def forget(self):
        with open(self.path('accepted'), 'w', encoding='ascii'):
            pass

    def said(self):
        with open(self.path('log'), encoding='utf-8') as f:
            return f.read()

    def check_never_more(self, most, period_ms, least=1):
        """Nowhere more than that, and the harness saw something."""
        entries = self.accepted()
        # A ms for clocks that do not tick alike.
        units = worst(entries, period_ms * 1000 - 1000)
        self.assertLessEqual(units, most, self.said())
        self.assertGreaterEqual(units, least, self.said())
        return entries

    def check_exactly(self, amount, period_ms, **options):
        """After a rest of a period and a slot: the amount, not one more."""
        time.sleep(period_ms / 1000 * 62 / 60)
        self.forget()
        self.run_all(2, threads=4, ms=period_ms // 2, amount=amount,
                     period_ms=period_ms, **options)
        # Who starts late may find one that is free again.
        self.assertEqual(worst(self.accepted(), period_ms * 1000 - 1000),
                         amount, self.said())


class SharedFleet(Fleet):
    """On a private Redis, or several."""

    def start(self, url=None, workers=4, hosts=2, **more):
        self.options = dict({
            'store': url or self.redis.url(), 'amount': AMOUNT,
            'period_ms': PERIOD, 'ms': 600000, 'threads': 3,
            'think_us': 1000, 'timeout_ms': 200}, **more)
        for i in range(workers):
            self.worker(i % hosts, **self.options)

    def server(self, **settings):
        self.redis = Redis(**settings)
        self.addCleanup(self.redis.__exit__)
        return self.redis.start()

    def finish(self, **more):
        self.kill_all()
        self.check_never_more(AMOUNT, PERIOD, AMOUNT * 8 // 10)
        self.check_exactly(AMOUNT, PERIOD,
                           **{'store': self.options['store'], **more})
