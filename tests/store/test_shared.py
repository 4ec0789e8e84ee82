# SPDX-License-Identifier: Apache-2.0
"""A shared store that answers, late or not at all: never more than the
amount, as long as hosts do not go on alone."""

import os
import subprocess
import time
import unittest

from fleet import AMOUNT, BUILD, PERIOD, SOAK, SharedFleet
from lib.redis import Redis

from proxy import Proxy


class Equal(unittest.TestCase):
    def test_the_script_counts_as_limit_c(self):
        with Redis() as r:
            done = subprocess.run(
                [os.path.join(BUILD, 'tests/store/equal'), str(r.port),
                 str(int(10000 * SOAK)), str(time.time_ns() % 2 ** 60)],
                capture_output=True, text=True, timeout=600, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))


class Shared(SharedFleet):
    def test_workers_are_killed(self):
        self.server()
        self.start(keys=3, cost=3, refunds=20)
        self.assertGreater(self.kill_some(4, 0.1), 10)
        self.finish()

    def test_the_server_is_killed(self):
        r = self.server()
        self.start()
        for _ in range(int(3 * SOAK)):
            time.sleep(1)
            r.kill()
            time.sleep(0.3)
            r.start()
        time.sleep(2)
        self.finish()

    def test_the_server_loses_all(self):
        """Hosts tell it what they took before anybody may take more."""
        r = self.server(appendonly='no', settled=False)
        time.sleep(0.1)
        self.start()
        time.sleep(4.5)
        for _ in range(2):
            r.kill()
            r.start()
            time.sleep(4.5)
        self.kill_all()
        self.assertIn('knew nothing of this host', self.said())
        self.check_never_more(AMOUNT, PERIOD, AMOUNT * 8 // 10)

    def test_the_server_sleeps(self):
        r = self.server(enable_debug_command='yes')
        self.start()
        for _ in range(int(3 * SOAK)):
            time.sleep(0.5)
            r.call('DEBUG', 'SLEEP', '0.7')
            time.sleep(0.5)
        self.finish()

    def test_scripts_are_forgotten(self):
        r = self.server()
        self.start()
        for _ in range(10):
            time.sleep(0.2)
            r.call('SCRIPT', 'FLUSH')
        self.finish()

    def test_bytes_are_lost(self):
        r = self.server()
        with Proxy(r.port) as proxy:
            self.start(f'redis://127.0.0.1:{proxy.port}')
            time.sleep(0.5)
            for fault in ('drop', 'stall', 'half', 'refuse') * int(SOAK):
                proxy.fault = fault
                time.sleep(0.6)
                proxy.fault = None
                time.sleep(0.4)
            self.finish()


if __name__ == '__main__':
    unittest.main()
