# SPDX-License-Identifier: Apache-2.0
"""Zones and checks for tests/spf/evaluate, and its answers."""

import collections
import ipaddress
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TYPES = ('A', 'AAAA', 'MX', 'PTR', 'TXT')
PLAIN = set(b'abcdefghijklmnopqrstuvwxyz0123456789-_.')

Answer = collections.namedtuple(
    'Answer', 'result terms voids explanation why')


def name_text(name):
    r"""A name as dns/1 writes it: \DDD for what is no letter or digit."""
    return ''.join(chr(b) if b in PLAIN else f'\\{b:03}'
                   for b in name.lower().rstrip('.').encode())


def hexed(data):
    return data.hex() or '-'


def record(kind, value):
    if kind in ('A', 'AAAA'):
        return ipaddress.ip_address(value).packed.hex()
    if kind == 'MX':
        return f'{value[0]}:{name_text(value[1]).encode().hex()}'
    if kind == 'PTR':
        return hexed(name_text(value).encode())
    return hexed(value)


def resolve(zone, name, kind):
    """(status, values), with aliases followed."""
    seen = set()
    while True:
        rows = zone.get(name)
        if rows is None:
            return 'nxdomain', []
        found = rows.get(kind, rows.get(None))
        if found is None and 'CNAME' in rows:
            seen.add(name)
            name = rows['CNAME'][0].lower().rstrip('.')
            if name in seen:
                return 'tempfail', []
            continue
        if found == 'TIMEOUT':
            return 'tempfail', []
        return ('ok', found) if found else ('nodata', [])


class Evaluate:
    """The program; check() as often as wanted."""

    def __init__(self):
        path = os.path.join(ROOT, os.environ.get('B', 'build'),
                            'tests/spf/evaluate')
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise AssertionError('evaluate has failed')

    def limits(self, terms, voids):
        self.process.stdin.write(f'limits {terms} {voids}\n')

    def check(self, zone, address, helo, sender):
        lines = []
        for name in zone:
            for kind in TYPES:
                status, values = resolve(zone, name, kind)
                words = ['dns', name_text(name), kind, status]
                words += [record(kind, value) for value in values]
                lines.append(' '.join(words))
        lines.append(f'check {address} {hexed(helo.encode())} '
                     f'{hexed(sender.encode())}')
        self.process.stdin.write('\n'.join(lines) + '\n')
        self.process.stdin.flush()
        words = self.process.stdout.readline().rstrip('\n').split(' ', 4)
        if len(words) < 5:
            raise AssertionError('evaluate has ended')
        explanation = None if words[3] == '-' else bytes.fromhex(
            words[3]).decode('ascii')
        return Answer(words[0], int(words[1]), int(words[2]), explanation,
                      words[4])
