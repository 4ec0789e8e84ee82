#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Measure how spam is told from ham beside rspamd and SpamAssassin: what a
message costs, and how well they do.

All three have the rules and options they come with, ask no DNS, and are
taught the same 60 % of a public corpus (tests/lib/corpus.py) before they
are asked about the rest, as milters over unix sockets.  None refuses
anything, and each adds a field with the points of a message.

rspamd: modules that ask DNS are off; Bayes in a Redis that is told apart;
two workers that scan, its expressions compiled by hyperscan.
spamd: -L, up to 5 children, behind spamass-milter and its spamc; Bayes
learns by itself too, as is its default; its rules are not compiled to C.
millraced: rules, learn and score.

The time is that of a sample of the rest, which is sent as a whole, once or
several times.  Asserts nothing.
"""

import email.utils
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.dirname(HERE))

import peers                                        # noqa: E402
import run                                          # noqa: E402
import spampeers                                    # noqa: E402
from filters import Broken, Millrace                # noqa: E402
from lib import corpus                              # noqa: E402
from lib.milter import Milter                       # noqa: E402

RSPAMD_AIM, SPAMD_AIM = 5, 50   # times their messages per CPU second
MEMORY_AIM = 4                  # rspamd's, by ours
SAMPLE, QUICK_SHARE = 200, 4
# How often the sample is sent over one connection, and over several.
TIMES = {'millraced': (10, 10), 'rspamd': (1, 10), 'spamd': (1, 1)}
AT_ONCE = 16            # messages judged at one time
JUDGE_SECONDS = 60      # until an answer comes
POINTS = re.compile(r'-?[0-9]+(\.[0-9]+)?')

RULES = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'conf', 'rules')
SECTIONS = f'''
rules "rules" {{ files = {{ "{RULES}/*.rules" }} }}
learn "learn" {{ model = "@/learn.model" }}
score "score" {{ reject = 0 }}
'''
# Of a network for benchmarks (RFC 2544): no mail can come from those for
# documentation, and SpamAssassin knows it.
CLIENT = '198.18.0.7'
HELO = 'client.example.com'
CONNECT = {'j': 'mx.example.org', '{daemon_name}': 'mx.example.org',
           'v': 'Postfix 3.7.11', '_': f'{HELO} [{CLIENT}]'}
RECIPIENT = '<recipient@example.org>'


class Ours(Millrace):
    status, shown = 'X-Spam-Score', 5

    def __init__(self, args, folder, learned):
        super().__init__(args, folder, SECTIONS, 'journal = "@/journal.db"',
                         transport='unix')
        self.learned = learned

    def apart(self):
        return 0, 0

    def start(self):
        for kind, batch in corpus.batches(self.learned):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [f'{self.build}/millrace', '--conf', self.config,
                     'learn', f'--{kind}', corpus.write(folder, batch)],
                    capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Broken(f'millrace learn: {done.stderr}')
        super().start()


# What each is asked for.

def sample(messages):
    """As many of each size as there are among all."""
    by_size = sorted((raw for raw, _ in messages), key=len)
    return [by_size[i * len(by_size) // SAMPLE] for i in range(SAMPLE)]


def judge(filt, messages):
    """The points of each, told by the field that the filter adds."""
    points = [None] * len(messages)

    def session(first):
        with Milter(filt.addresses['unix'], timeout=JUDGE_SECONDS) as m:
            m.optneg()
            m.macros('C', CONNECT)
            m.conn(HELO, addr=CLIENT)
            m.helo(HELO)
            for i in range(first, len(messages), AT_ONCE):
                fields, body = corpus.parts(messages[i][0])
                m.macros('M', {'i': f'{i:012}'})
                told = m.send_message((sender(fields), [RECIPIENT]), fields,
                                      body)
                points[i] = points_of(filt, told.edits)
    threads = [threading.Thread(target=session, args=(n,))
               for n in range(AT_ONCE)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if None in points:
        raise Broken(f'{filt.name} did not judge {points.count(None)} of '
                     f'{len(points)} messages:\n{filt.log_tail()}')
    return points


def sender(fields):
    """The author's address: another would look forged."""
    values = [value for name, value in fields if name.lower() == b'from']
    text = values[0].decode('latin-1') if values else ''
    return f'<{email.utils.parseaddr(text)[1]}>'.encode('latin-1')


def points_of(filt, edits):
    values = [edit[-1] for edit in edits
              if len(edit) > 2 and edit[-2] == filt.status]
    found = POINTS.search(values[-1]) if values else None
    return float(found[0]) if found else None


def accuracy(filters, messages):
    labels = [spam for _, spam in messages]
    spam, ham = sum(labels), len(labels) - sum(labels)
    print(f'\nHow well {ham} ham and {spam} spam are told apart')
    print(f'{"filter":<12}{"1-AUC %":>9}{"marked from":>13}{"ham lost":>10}'
          f'{"spam missed":>13}')
    for filt in filters:
        points = judge(filt, messages)
        lost, found = corpus.over(points, labels, filt.shown)
        print(f'{filt.name:<12}{corpus.inverse_auc(points, labels):>9.3f}'
              f'{filt.shown:>13}{lost:>10}{spam - found:>13}', flush=True)


def measure(args, filt, letters, connections):
    times = TIMES[filt.name][connections > 1]
    cpu, _ = filt.apart()
    r = run.measure(args, filt, letters=letters, client=CLIENT,
                    messages=times * SAMPLE, connections=connections)
    after, r['apart_pss'] = filt.apart()
    r['apart_us'] = (after - cpu) / max(r['messages'], 1) * 1e6
    return r


def compare(args, filters, letters):
    """{connections: {name: figures}}, the filters in turn."""
    table = {}
    for connections in args.connections:
        results = {f.name: [] for f in filters}
        for n in range(args.rounds):
            for f in filters if n % 2 == 0 else filters[::-1]:
                results[f.name].append(measure(args, f, letters,
                                               connections))
        args.errors += run.total_errors(results)
        table[connections] = {
            name: dict(run.figures(r), apart_us=run.median(r, 'apart_us'),
                       apart_pss=run.median(r, 'apart_pss'))
            for name, r in results.items()}
    return table


def print_aims(table):
    for connections, rows in table.items():
        ours, rspamd, spamd = (rows[name] for name in TIMES)
        print(f'{connections} connections: messages per CPU second '
              f'{rspamd["cpu_us"] / ours["cpu_us"]:.1f} times rspamd\'s '
              f'(aim >= {RSPAMD_AIM}), '
              f'{spamd["cpu_us"] / ours["cpu_us"]:.1f} times spamd\'s '
              f'(aim >= {SPAMD_AIM}); memory 1/'
              f'{rspamd["pss"] / ours["pss"]:.1f} of rspamd\'s '
              f'(aim <= 1/{MEMORY_AIM})')
        redis = rspamd['apart_us']
        print(f'  rspamd\'s Redis, not counted above: {redis:.0f} us of CPU '
              f'a message, {rspamd["apart_pss"] / 1e6:.1f} MB; with it '
              f'{(rspamd["cpu_us"] + redis) / ours["cpu_us"]:.1f} times')
        print(f'  spamd without spamass-milter and spamc: '
              f'{spamd["apart_us"]:.0f} us, '
              f'{spamd["apart_pss"] / 1e6:.1f} MB; '
              f'{spamd["apart_us"] / ours["cpu_us"]:.1f} times')


def main():
    def add(parser):
        parser.add_argument('--corpus', help='a folder of folders with '
                            'messages; else one is fetched')
        parser.add_argument('--seed', type=int, default=1)
    args = run.peer_arguments(__doc__, add, connections=((20,), (1, 20)))

    def work(folder):
        learned, asked = corpus.split(args.corpus, args.seed)
        letters = corpus.write(os.path.join(folder, 'letters'),
                               map(corpus.letter, sample(asked)))
        if args.quick:
            learned, asked = learned[::QUICK_SHARE], asked[::QUICK_SHARE]
        with Ours(args, folder, learned) as ours, \
                peers.Redis() as redis, \
                spampeers.Rspamd(args, folder, learned, redis) as rspamd, \
                spampeers.Spamd(args, folder, learned) as spamd:
            filters = [ours, rspamd, spamd]
            accuracy(filters, asked)
            table = compare(args, filters, letters)
        run.print_filters('What a message costs', table)
        print_aims(table)
    return run.in_folder(args, work)


if __name__ == '__main__':
    sys.exit(main())
