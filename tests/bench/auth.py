#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Measure SPF, DKIM and DMARC beside rspamd, and beside opendkim with
opendmarc: the same signed messages, the same name server, in turn.

All speak milter over TCP.  Figures that opendkim and opendmarc owe to the
delayed acknowledgements of TCP (44 ms a message) show in their p50; CPU per
message does not depend on that.  Asserts nothing.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.dirname(HERE))

import mailset                                      # noqa: E402
import peers                                        # noqa: E402
import run                                          # noqa: E402
from filters import Broken, Filter, free_port       # noqa: E402
from lib.nsd import Nsd                             # noqa: E402

VERIFY_AIM, MEMORY_AIM = 3, 4   # times rspamd's messages/s, its memory by

CONFIG = '''
plugin-dir  = "{folder}/plugins"
run-dir     = "{folder}/run"
spool-dir   = "{folder}/run"
journal     = "{folder}/journal.db"
user        = "nobody"
log-level   = error
dns-servers = {{ "127.0.0.1@{dns}" }}
listener "mx" {{ socket = "inet:{port}@127.0.0.1"  chain = {chain} }}
{sections}
'''
VERIFY = ('{ "spf", "dkim", "dmarc" }',
          'spf "spf" { }\ndkim "dkim" { }\ndmarc "dmarc" { }\n')


class Millrace(Filter):
    """The daemon with these plugins and nothing else."""

    name = 'millraced'

    def __init__(self, args, folder, dns_port, chain, sections):
        super().__init__(args.load, os.path.join(folder, self.name))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.join(self.folder, 'plugins'))
        os.makedirs(os.path.join(self.folder, 'run'))
        os.chmod(self.folder, 0o755)
        shutil.chown(self.folder, 'nobody')
        self.build, self.dns_port = args.build, dns_port
        self.chain, self.sections = chain, sections

    def start(self):
        port = free_port()
        self.addresses = {'tcp': f'inet:{port}@127.0.0.1'}
        for name in ('spf', 'dkim', 'dmarc'):
            shutil.copy(f'{self.build}/plugins/{name}.so',
                        f'{self.folder}/plugins')
        conf = f'{self.folder}/conf'
        with open(conf, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(
                folder=self.folder, dns=self.dns_port, port=port,
                chain=self.chain, sections=self.sections))
        self.spawn([f'{self.build}/millraced', '-f', '-c', conf])


def arguments():
    build = os.path.normpath(os.path.join(HERE, '..', '..', 'build'))
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--build', default=build, help='build folder')
    p.add_argument('--quick', action='store_true', help='one short round')
    p.add_argument('--rounds', type=int, help='of each measurement (3)')
    p.add_argument('--seconds', type=float, help='of each round (4)')
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    args.rounds = args.rounds or (1 if args.quick else 3)
    args.seconds = args.seconds or (2 if args.quick else 4)
    args.connections = (20,) if args.quick else (1, 20)
    args.load = f'{args.build}/tests/bench/load'
    args.body, args.errors = 0, 0
    return args


def warm(args, filt, folder):
    """Keys, policies and pages that only the first message waits for."""
    run.measure(args, filt, 'tcp', letters=folder, client=mailset.CLIENT,
                sender=mailset.SENDER, messages=mailset.MESSAGES,
                connections=4)


def compare(args, rows):
    """rows: (filter, folder of its messages).  {connections: {name: ...}}"""
    table = {}
    for filt, folder in rows:
        warm(args, filt, folder)
    for connections in args.connections:
        results = {f.name: [] for f, _ in rows}
        for n in range(args.rounds):
            for filt, folder in rows if n % 2 == 0 else rows[::-1]:
                results[filt.name].append(run.measure(
                    args, filt, 'tcp', letters=folder,
                    client=mailset.CLIENT, sender=mailset.SENDER,
                    connections=connections, seconds=args.seconds))
        args.errors += run.total_errors(results)
        table[connections] = {n: run.figures(r) for n, r in results.items()}
    return table


def add(a, b, name, table):
    """What a message costs that two filters see one after the other."""
    for row in table.values():
        row[name] = {key: row[a][key] + row[b][key]
                     for key in ('p50', 'p99', 'cpu_us', 'pss')}
        row[name]['rate'] = None


def print_table(title, table):
    print(f'\n{title}')
    print(f'{"conns":>5}  {"filter":<22}{"messages/s":>11}'
          f'{"per CPU s":>10}{"p50 us":>9}{"p99 us":>9}{"CPU us":>9}'
          f'{"MB":>7}')
    for connections, rows in table.items():
        for name, row in rows.items():
            print(f'{connections:>5}  {name:<22}'
                  f'{run.show(row["rate"], ".0f"):>11}'
                  f'{1e6 / row["cpu_us"]:>10.0f}{row["p50"]:>9.0f}'
                  f'{row["p99"]:>9.0f}{row["cpu_us"]:>9.0f}'
                  f'{row["pss"] / 1e6:>7.1f}', flush=True)


def verify(args, mail, folder, dns):
    with Millrace(args, folder, dns.port, *VERIFY) as ours, \
            peers.Rspamd(args.load, folder, dns.port) as rspamd, \
            peers.OpenDkim(args.load, folder, mail.keys()) as dkim, \
            Nsd(mail.zones(), host='127.53.53.53', port=53) as at_53, \
            peers.OpenDmarc(args.load, folder, at_53.host) as dmarc:
        table = compare(args, [
            (ours, mail.signed), (rspamd, mail.signed),
            (dkim, mail.signed), (dmarc, mail.marked)])
    add('opendkim', 'opendmarc', 'opendkim + opendmarc', table)
    print_table('SPF, DKIM, DMARC and Authentication-Results', table)
    for connections, rows in table.items():
        ours, theirs = rows['millraced'], rows['rspamd']
        print(f'{connections} connections: messages per CPU second '
              f'{theirs["cpu_us"] / ours["cpu_us"]:.1f} times rspamd\'s '
              f'(aim >= {VERIFY_AIM}), memory 1/'
              f'{theirs["pss"] / ours["pss"]:.1f} of it (aim <= 1/'
              f'{MEMORY_AIM}), CPU per message '
              f'{ours["cpu_us"] / rows["opendkim"]["cpu_us"]:.2f} times '
              f'opendkim\'s alone (aim <= 1)')


def sign(args, mail, folder, dns):
    table_file = os.path.join(folder, 'keytable')
    with open(table_file, 'w', encoding='utf-8') as f:
        f.write(f'{mailset.AUTHOR} {mailset.SELECTOR} {mail.author.path}\n')
    section = f'dkim "sign" {{ sign = true  keys = "{table_file}" ' \
              f'sign-clients = "*" }}\n'
    for path in (mail.author.path, table_file):
        os.chmod(path, 0o600)
        shutil.chown(path, 'nobody')
    with Millrace(args, folder, dns.port, '{ "sign" }', section) as ours, \
            peers.OpenDkim(args.load, folder, key=mail.author.path,
                           domain=mailset.AUTHOR) as theirs:
        table = compare(args, [(ours, mail.plain), (theirs, mail.plain)])
    print_table('Signing with RSA-2048', table)
    for connections, rows in table.items():
        ours, theirs = rows['millraced'], rows['opendkim']
        print(f'{connections} connections: {ours["rate"] / theirs["rate"]:.1f}'
              f' times opendkim\'s messages/s (aim >= 1), CPU per message '
              f'{ours["cpu_us"] / theirs["cpu_us"]:.2f} times its')


def main():
    args = arguments()
    run.raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix='millrace-bench-')
    os.chmod(folder, 0o755)
    try:
        mail = mailset.MailSet(folder)
        with Nsd(mail.zones()) as dns:
            verify(args, mail, folder, dns)
            sign(args, mail, folder, dns)
    except (Broken, FileNotFoundError) as e:
        print(f'bench: {e}', file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    if args.errors:
        print(f'bench: {args.errors} errors; the figures are not to be '
              f'trusted', file=sys.stderr)
    return args.errors > 0


if __name__ == '__main__':
    sys.exit(main())
