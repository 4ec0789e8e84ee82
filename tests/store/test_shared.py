# SPDX-License-Identifier: Apache-2.0
"""A shared store that answers, late or not at all: never more than the
amount, as long as hosts do not go on alone."""

import os
import subprocess
import time
import unittest

from fleet import BUILD, Fleet, SOAK
from lib.redis import EPOCH, Redis

from proxy import Proxy

AMOUNT, PERIOD = 60, 1000


class Equal(unittest.TestCase):
    def test_the_script_counts_as_limit_c(self):
        with Redis() as r:
            done = subprocess.run(
                [os.path.join(BUILD, 'tests/store/equal'), str(r.port),
                 str(int(10000 * SOAK)), str(time.time_ns() % 2 ** 60)],
                capture_output=True, text=True, timeout=600, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))


class Shared(Fleet):
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


class Cluster(Shared):
    """Two masters, and slots that move from one to the other."""

    def setUp(self):
        super().setUp()
        self.nodes = [self.server(cluster_enabled='yes', settled=False)
                      for _ in range(2)]
        a, b = self.nodes
        a.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
        b.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
        b.call('CLUSTER', 'SET-CONFIG-EPOCH', 2)
        a.call('CLUSTER', 'MEET', '127.0.0.1', b.port)
        self.ids = [node.call('CLUSTER', 'MYID').decode()
                    for node in self.nodes]
        until = time.monotonic() + 30
        while not all(b'cluster_state:ok' in node.call('CLUSTER', 'INFO')
                      and node.call('CLUSTER', 'SLOTS')[1:] for node in
                      self.nodes):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        self.owner('fleet').call(*EPOCH)

    def owner(self, group):
        slot = self.nodes[0].call('CLUSTER', 'KEYSLOT', f'{{{group}}}')
        return self.nodes[slot > 8191]

    def move(self, group):
        """Its slot to the other node, key by key."""
        slot = self.nodes[0].call('CLUSTER', 'KEYSLOT', f'{{{group}}}')
        source = self.owner(group)
        target = self.nodes[source is self.nodes[0]]
        ids = dict(zip(self.nodes, self.ids))
        target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[source])
        source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[target])
        time.sleep(0.3)
        while keys := source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100):
            for key in keys:
                time.sleep(0.02)
                source.call('MIGRATE', '127.0.0.1', target.port, key, 0,
                            5000)
        time.sleep(0.3)
        for node in (target, source):
            node.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[target])

    def test_slots_move(self):
        groups = ('group', 'another', 'third', 'a}b{c')
        self.assertEqual(len({self.owner(group).port
                              for group in groups[:3]}), 2)
        self.start(self.nodes[0].url()[:-2], keys=5, workers=2)
        for group in groups[1:]:
            self.start(self.nodes[0].url()[:-2], workers=1, group=group,
                       out=self.path(group.replace('}', '')))
        time.sleep(1.5)
        self.move('group')
        time.sleep(1)
        for group in groups[1:]:
            path = self.path(group.replace('}', ''))
            with open(path, encoding='ascii') as f:
                self.assertGreater(len(f.readlines()), AMOUNT, group)
        self.options.pop('group', None)
        self.finish()


class Sentinel(Shared):
    """A master, a replica, and one who watches."""

    def setUp(self):
        super().setUp()
        self.master = self.server()
        self.replica = Redis(
            replicaof=f'127.0.0.1 {self.master.port}', settled=False)
        self.addCleanup(self.replica.__exit__)
        self.replica.start()
        self.watcher = Redis(sentinel='\n'.join((
            f'sentinel monitor m 127.0.0.1 {self.master.port} 1',
            'sentinel down-after-milliseconds m 300',
            'sentinel failover-timeout m 2000')))
        self.addCleanup(self.watcher.__exit__)
        self.watcher.start()
        until = time.monotonic() + 20
        while (self.watcher.call('SENTINEL', 'replicas', 'm') == []
               or b'master_link_status:up'
               not in self.replica.call('INFO', 'replication')):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)

    def test_failover(self):
        """With store-replicas nothing is lost with the master."""
        self.start(f'redis+sentinel://127.0.0.1:{self.watcher.port}/m',
                   replicas=1)
        time.sleep(1.5)
        self.master.kill()
        until = time.monotonic() + 20
        while self.replica.call('ROLE')[0] != b'master':
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        # It alone is no replica any more.
        self.kill_all()
        self.check_never_more(AMOUNT, PERIOD, AMOUNT * 8 // 10)
        self.start(f'redis+sentinel://127.0.0.1:{self.watcher.port}/m')
        time.sleep(2)
        self.finish()


# The base class's tests are not theirs.
for name in list(vars(Shared)):
    if name.startswith('test_'):
        setattr(Sentinel, name, None)
        setattr(Cluster, name, None)


if __name__ == '__main__':
    unittest.main()
