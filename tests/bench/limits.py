#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Measure send limits beside rspamd's and postfwd's: what a message costs,
and how many more than the limit get through.

millraced and rspamd are asked as milters, over TCP, in turn; what the limit
adds is measured against the same filter without one.  postfwd is asked as a
policy server.  Debian has version 2 of postfwd.  Prints tables and how far
the aims are reached; asserts nothing but that the filters answered.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.dirname(HERE))

import peers                                        # noqa: E402
import run                                          # noqa: E402
import tree                                         # noqa: E402
from filters import Millrace, free_port, wait_for_port  # noqa: E402
from lib import debs                                # noqa: E402

LMDB_AIM_US, REDIS_AIM_US = 20, 150
ACCOUNTS = 100000
LIMIT, OFFERED = 100, 600
NO_LIMIT = 1000000

SETTINGS = '''
journal   = ""
log-level = error
store     = "{store}"
'''
WITHOUT = 'access "x" {{ deny-senders = {{ "nobody@example.net" }} }}\n'
SLOW_MS = 300
SLOW = f'actor "slow" {{{{ act = {{{{ "eom sleep {SLOW_MS}" }}}} }}}}\n'
WITH = 'ratelimit "x" {{ limits = {{ "{limit} messages / 1h" }} }}\n'


def millrace(name, args, folder, section, store):
    settings = SETTINGS.format(store=store or 'lmdb:@/store')
    return Millrace(args, folder, section, settings, name)


RATELIMIT = '''
ratelimit {{ servers = "127.0.0.1:{redis}";
  rates {{ user = {{ selector = "user";
    bucket = {{ burst = {limit}; rate = "{limit} / 1h"; }} }} }} }}
redis {{ servers = "127.0.0.1:{redis}"; }}
'''
# What a scan that asks the network takes.
SLOW_LUA = f'''
rspamd_config.SLOW_SCAN = {{
  callback = function(task) task:add_timer({SLOW_MS / 1000}, function() end)
  end
}}
'''
NO_RATELIMIT = 'ratelimit {{ enabled = false; }}\n'

POSTFWD_RULE = ('id=LIMIT; action=rate(sasl_username/{limit}/3600/450 4.7.1 '
                'too many)\n')


class Postfwd:
    """A policy server, its cache process and their children."""

    def __init__(self, folder):
        self.tree = debs.unpack(
            'postfwd', ['postfwd', 'libnet-dns-perl', 'libnet-server-perl'])
        self.folder = os.path.join(folder, 'postfwd')

    def start(self, limit):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o777)
        self.port = free_port()
        rules = os.path.join(self.folder, 'rules')
        with open(rules, 'w', encoding='utf-8') as f:
            f.write(POSTFWD_RULE.format(limit=limit))
        pid_file = os.path.join(self.folder, 'pid')
        # Without becoming a daemon it has no cache, and does not count.
        with open(os.path.join(self.folder, 'out'), 'w',
                  encoding='utf-8') as out:
            subprocess.run(
                ['perl', '-T', '-I', str(self.tree / 'usr/share/perl5'),
                 str(self.tree / 'usr/sbin/postfwd2'), '-L', '--file', rules,
                 '--proto', 'tcp', '--interface', '127.0.0.1',
                 '--port', str(self.port), '--user', 'nobody',
                 '--group', 'nogroup', '--nodnslog', '--nodns',
                 '--pidfile', pid_file, '--cache', '0',
                 '--cache_proto', 'tcp', '--cache_interface', '127.0.0.1',
                 '--cache_port', str(free_port()), '--max_servers', '150'],
                stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, check=True)
        wait_for_port(self.port)
        with open(pid_file, encoding='ascii') as f:
            self.pid = int(f.read())

    def stop(self):
        pids = tree.members(self.pid)
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids if signal_number == signal.SIGKILL else pids[:1]:
                try:
                    os.kill(pid, signal_number)
                except ProcessLookupError:
                    pass
            until = time.monotonic() + 5
            while time.monotonic() < until and any(
                    os.path.exists(f'/proc/{pid}') for pid in pids):
                time.sleep(0.05)

    def ask(self, connections, messages, accounts):
        cpu = tree.cpu_seconds(self.pid)
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, 'policy.py'),
             str(self.port), str(connections), str(messages), str(accounts)],
            capture_output=True, text=True, check=True)
        result = json.loads(done.stdout)
        cpu = tree.cpu_seconds(self.pid) - cpu
        result['cpu_us'] = cpu / messages * 1e6
        result['pss'] = tree.pss_bytes(self.pid)
        return result


def arguments():
    def add(parser):
        parser.add_argument('--no-redis', action='store_true',
                            help='leave out what needs a Redis')
    args = run.peer_arguments(__doc__, add, seconds=(1, 3),
                              connections=((1, 16), (1, 16, 128)))
    args.body = 4096
    return args


def cost(args, filters, server):
    """{connections: {name: figures}}, the filters in turn."""
    table = {}
    for connections in args.connections:
        results = {f.name: [] for f in filters}
        for n in range(args.rounds):
            for f in filters if n % 2 == 0 else filters[::-1]:
                before = server.cpu_seconds() if server else 0
                r = run.measure(args, f, 'tcp', connections=connections,
                                seconds=args.seconds, accounts=ACCOUNTS)
                if 'redis' in f.name or f.name == 'rspamd':
                    r['cpu_us'] += (server.cpu_seconds() - before) / max(
                        r['messages'], 1) * 1e6
                    r['pss'] += server.pss_bytes()
                results[f.name].append(r)
        args.errors += run.total_errors(results)
        table[connections] = {n: run.figures(r) for n, r in results.items()}
    return table


def print_cost(table):
    print(f'\nWhat a message costs, {ACCOUNTS} accounts, none over its limit '
          f'(CPU and memory with Redis where it is used)')
    print(f'{"conns":>5}  {"filter":<22}{"messages/s":>11}{"p50 us":>9}'
          f'{"p99 us":>9}{"CPU us":>9}{"MB":>7}')
    for connections, rows in table.items():
        for name, row in rows.items():
            print(f'{connections:>5}  {name:<22}'
                  f'{run.show(row["rate"], ".0f"):>11}{row["p50"]:>9.0f}'
                  f'{row["p99"]:>9.0f}{row["cpu_us"]:>9.0f}'
                  f'{row["pss"] / 1e6:>7.1f}', flush=True)


def added(table, with_limit, without):
    for connections, rows in table.items():
        a, b = rows[with_limit], rows[without]
        yield (connections, a['p50'] - b['p50'], a['p99'] - b['p99'],
               a['cpu_us'] - b['cpu_us'])


def print_added(table, pairs):
    print('\nWhat the limit adds to a message')
    for with_limit, without, aim in pairs:
        for connections, p50, p99, cpu in added(table, with_limit, without):
            print(f'  {with_limit:<20} {connections:>3} connections: p50 '
                  f'{p50:+.0f} us, p99 {p99:+.0f} us, CPU {cpu:+.0f} us'
                  + (f'   (aim <= {aim} us p50 at 1)' if aim
                     and connections == 1 else ''))


def accepted(args, filt, connections):
    """Of OFFERED messages of one account, sent as fast as it goes."""
    r = run.measure(args, filt, 'tcp', connections=connections,
                    messages=OFFERED, accounts=1, per_session=3)
    return sum(n for verdict, n in r['verdicts'].items()
               if verdict in ('accept', 'continue'))


def over_admission(args, title, makers, postfwd):
    """makers: {name: function that makes the filter, counts at zero}."""
    print(f'\n{title}')
    print(f'{"conns":>5}  ' + ''.join(f'{n:>18}' for n in makers)
          + (f'{"postfwd2":>18}' if postfwd else ''))
    for connections in args.connections:
        row = []
        for make in makers.values():
            with make() as filt:
                row.append(accepted(args, filt, connections))
        if postfwd:
            postfwd.start(LIMIT)
            try:
                said = postfwd.ask(connections, OFFERED, 1)['said']
                row.append(said.get('dunno', 0) + said.get('permit', 0))
            finally:
                postfwd.stop()
        print(f'{connections:>5}  ' + ''.join(f'{n:>18}' for n in row),
              flush=True)


def policy_cost(args, postfwd):
    rows = {}
    postfwd.start(NO_LIMIT)
    try:
        for connections in args.connections:
            rows[connections] = postfwd.ask(
                connections, 1000 if args.quick else 5000, ACCOUNTS)
    finally:
        postfwd.stop()
    return rows


def measure_all(args, folder, server):
    def ours(name, limit, store):
        return millrace(name, args, folder, WITH.format(limit=limit), store)

    def rspamd(name, modules, **values):
        filt = peers.Rspamd(args.load, folder, 53, modules=modules.format(
            **values))
        filt.name = name
        return filt
    filters = [millrace('millrace', args, folder, WITHOUT.format(), None),
               ours('millrace+lmdb', NO_LIMIT, None)]
    def ours_slow(name, store):
        section = WITH.format(limit=LIMIT) + SLOW.format()
        return millrace(name, args, folder, section, store)
    makers = {'millrace+lmdb': lambda: ours('over+lmdb', LIMIT, None)}
    slow = {'millrace+lmdb': lambda: ours_slow('slow+lmdb', None)}
    pairs = [('millrace+lmdb', 'millrace', LMDB_AIM_US)]
    if server is not None:
        where = server.url()
        filters += [ours('millrace+redis', NO_LIMIT, where),
                    rspamd('rspamd-bare', NO_RATELIMIT),
                    rspamd('rspamd', RATELIMIT, redis=server.port,
                           limit=NO_LIMIT)]

        def fresh(make):
            def again():
                server.clear()
                return make()
            return again
        makers['millrace+redis'] = fresh(
            lambda: ours('over+redis', LIMIT, where))
        makers['rspamd'] = fresh(
            lambda: rspamd('over-rspamd', RATELIMIT, redis=server.port,
                           limit=LIMIT))
        slow['millrace+redis'] = fresh(lambda: ours_slow('slow+redis', where))
        lua = os.path.join(folder, 'slow.lua')
        with open(lua, 'w', encoding='ascii') as f:
            f.write(SLOW_LUA)
        slow['rspamd'] = fresh(
            lambda: rspamd('slow-rspamd', RATELIMIT + f'lua = "{lua}";\n',
                           redis=server.port, limit=LIMIT))
        pairs += [('millrace+redis', 'millrace', REDIS_AIM_US),
                  ('rspamd', 'rspamd-bare', None)]
    postfwd = Postfwd(folder)
    for f in filters:
        f.__enter__()
    try:
        table = cost(args, filters, server)
    finally:
        for f in filters:
            f.stop()
    for connections, row in policy_cost(args, postfwd).items():
        table[connections]['postfwd2 (policy)'] = row
    print_cost(table)
    print_added(table, pairs)
    over_admission(
        args, f'How many of {OFFERED} messages a limit of {LIMIT} lets '
        f'through', makers, postfwd)
    args.connections = [n for n in args.connections if n > 1]
    over_admission(
        args, f'The same with a scan of {SLOW_MS} ms after the limit was '
        f'looked at', slow, None)


def main():
    args = arguments()

    def work(folder):
        if args.no_redis:
            measure_all(args, folder, None)
        else:
            with peers.Redis() as server:
                measure_all(args, folder, server)
    return run.in_folder(args, work)


if __name__ == '__main__':
    sys.exit(main())
