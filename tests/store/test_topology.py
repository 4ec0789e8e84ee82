# SPDX-License-Identifier: Apache-2.0
"""Servers that change places: a failover by Sentinel, slots that move in a
cluster.  Never more than the amount meanwhile, and exactly it afterwards."""

import time
import unittest

from fleet import AMOUNT, PERIOD, SharedFleet
from lib.redis import EPOCH, Redis


class Cluster(SharedFleet):
    """Two masters, and slots that move from one to the other."""

    def setUp(self):
        super().setUp()
        self.nodes = [self.server(cluster_enabled='yes', settled=False)
                      for _ in range(2)]
        a, b = self.nodes
        a.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
        b.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
        b.call('CLUSTER', 'SET-CONFIG-EPOCH', 2)
        a.call('CLUSTER', 'MEET', '127.0.0.1', b.port, b.bus.number)
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


class Sentinel(SharedFleet):
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


if __name__ == '__main__':
    unittest.main()
