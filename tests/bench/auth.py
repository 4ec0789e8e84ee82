#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Measure SPF, DKIM and DMARC beside rspamd, and beside opendkim with
opendmarc: the same signed messages, the same name server, in turn.

All speak milter over TCP.  Figures that opendkim and opendmarc owe to the
delayed acknowledgements of TCP (44 ms a message) show in their p50; CPU per
message does not depend on that.  Asserts nothing.
"""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.dirname(HERE))

import mailset                                      # noqa: E402
import peers                                        # noqa: E402
import run                                          # noqa: E402
from filters import Millrace                        # noqa: E402
from lib.nsd import Nsd                             # noqa: E402

VERIFY_AIM, MEMORY_AIM = 3, 4   # times rspamd's messages/s, its memory by

SETTINGS = '''
journal     = "@/journal.db"
log-level   = error
dns-servers = {{ "127.0.0.1@{dns}" }}
'''
VERIFY = 'spf "spf" { }\ndkim "dkim" { }\ndmarc "dmarc" { }\n'


def millrace(args, folder, dns, sections):
    return Millrace(args, folder, sections, SETTINGS.format(dns=dns.port))


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


def verify(args, mail, folder, dns):
    with millrace(args, folder, dns, VERIFY) as ours, \
            peers.Rspamd(args.load, folder, dns.port) as rspamd, \
            peers.OpenDkim(args.load, folder, mail.keys()) as dkim, \
            Nsd(mail.zones(), host='127.53.53.53', port=53) as at_53, \
            peers.OpenDmarc(args.load, folder, at_53.host) as dmarc:
        table = compare(args, [
            (ours, mail.signed), (rspamd, mail.signed),
            (dkim, mail.signed), (dmarc, mail.marked)])
    add('opendkim', 'opendmarc', 'opendkim + opendmarc', table)
    run.print_filters('SPF, DKIM, DMARC and Authentication-Results', table)
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
    with millrace(args, folder, dns, section) as ours, \
            peers.OpenDkim(args.load, folder, key=mail.author.path,
                           domain=mailset.AUTHOR) as theirs:
        table = compare(args, [(ours, mail.plain), (theirs, mail.plain)])
    run.print_filters('Signing with RSA-2048', table)
    for connections, rows in table.items():
        ours, theirs = rows['millraced'], rows['opendkim']
        print(f'{connections} connections: {ours["rate"] / theirs["rate"]:.1f}'
              f' times opendkim\'s messages/s (aim >= 1), CPU per message '
              f'{ours["cpu_us"] / theirs["cpu_us"]:.2f} times its')


def main():
    args = run.peer_arguments(__doc__, seconds=(2, 4),
                              connections=((20,), (1, 20)))

    def work(folder):
        mail = mailset.MailSet(folder)
        with Nsd(mail.zones()) as dns:
            verify(args, mail, folder, dns)
            sign(args, mail, folder, dns)
    return run.in_folder(args, work)


if __name__ == '__main__':
    sys.exit(main())
