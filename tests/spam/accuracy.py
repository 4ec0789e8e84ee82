#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""How well rules and the learner tell spam from ham, through the daemon.

60 % of the corpus (see lib/corpus.py) are learned by the command, the rest goes
over the milter protocol.  Beside the rules, Debian's SpamAssassin is asked of
the same messages: its shipped rules, no network, no Bayes.

usage: accuracy.py [--seed N] [--noise SHARE] [--corpus FOLDER] [--alone]
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
sys.path.append(os.path.join(TESTS, 'bench'))

import tree                                             # noqa: E402
from lib import corpus                                  # noqa: E402
from lib.daemon import Daemon                           # noqa: E402
from lib.milter import Milter                           # noqa: E402
from lib.scanners import Spamd                          # noqa: E402
from lib.scene import listener, records, section        # noqa: E402

RULES = os.path.join(os.path.dirname(TESTS), 'conf', 'rules')
SHOWN = 5               # the shipped threshold to mark a message
REFUSED = 15            # and to refuse one


class Filter:
    """A daemon, taught and asked."""

    def __init__(self, *sections):
        names = [re.search('"(.*?)"', text)[1] for text in sections]
        self.daemon = Daemon(listener('mx', names) + ''.join(sections))
        self.daemon.prepare()
        os.mkdir(self.daemon.path('learn'))

    def learn(self, messages, noise, seed, size=corpus.BATCH):
        """In batches of a size; a share of labels turned round."""
        rng = random.Random(seed)
        labelled = [(raw, spam != (rng.random() < noise))
                    for raw, spam in messages]
        for kind, batch in corpus.batches(labelled, size):
            with tempfile.TemporaryDirectory() as folder:
                corpus.write(folder, batch)
                self.daemon.command('learn', f'--{kind}', folder, check=True)

    def judge(self, messages):
        """The points of each, and the CPU seconds that took."""
        self.daemon.start()
        pid = self.daemon.process.pid
        before = tree.cpu_seconds(pid)
        with Milter('unix:' + self.daemon.path('mx.sock')) as m:
            m.optneg()
            m.conn()
            m.helo('client.example.com')
            for raw, _ in messages:
                self.send(m, raw)
        found = records(self.daemon, len(messages), timeout=60)
        took = tree.cpu_seconds(pid) - before
        self.daemon.__exit__()
        assert len(found) == len(messages), len(found)
        return [record['score'] for record in found], took

    @staticmethod
    def send(m, raw):
        fields, body = corpus.parts(raw)
        m.macros('M', {'i': 'X'})
        m.send_message(('<a@example.com>', ('<b@example.net>',)), fields, body)


class Rival:
    """SpamAssassin, asked of two messages at a time."""

    def judge(self, messages):
        with Spamd(shipped=True) as spamd, ThreadPoolExecutor(2) as pool:
            before = tree.cpu_seconds(spamd.process.pid)
            scores = list(pool.map(spamd.points, (m for m, _ in messages)))
            took = tree.cpu_seconds(spamd.process.pid) - before
        return scores, took


def report(name, scores, messages, took):
    """Returns the messages per CPU second."""
    labels = [spam for _, spam in messages]
    spam, ham = sum(labels), len(labels) - sum(labels)
    lost, found = corpus.over(scores, labels, SHOWN)
    missed = spam - found
    refused = corpus.over(scores, labels, REFUSED)
    print(f'{name}: 1-AUC {corpus.inverse_auc(scores, labels):.4f} %; '
          f'at {SHOWN} points {lost} of {ham} ham lost '
          f'({100 * lost / ham:.2f} %), '
          f'{missed} of {spam} spam missed ({100 * missed / spam:.2f} %); '
          f'{refused[0]} ham and {refused[1]} spam at '
          f'{REFUSED} points; {len(labels) / took:.0f} messages per CPU '
          'second', flush=True)
    return len(labels) / took


def learner(**values):
    return section('learn', 'learn', model='@/learn/all.model', **values)


def rules():
    return section('rules', 'rules', files=[RULES + '/*.rules'])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--noise', type=float, default=0.05,
                   help='share of wrong labels in the second run')
    p.add_argument('--corpus', help='a folder of folders with messages')
    p.add_argument('--alone', action='store_true',
                   help='without SpamAssassin')
    args = p.parse_args()
    learned, asked = corpus.split(args.corpus, args.seed)
    print(json.dumps({'learned': len(learned), 'asked': len(asked)}))

    speed = report('rules', *judged(Filter(rules()), asked))
    if not args.alone:
        speed /= report('SpamAssassin', *judged(Rival(), asked))
        print(f'rules: {speed:.0f} times the messages of SpamAssassin for a '
              'CPU second', flush=True)
    for name, noise in (('learner', 0),
                        (f'learner, {args.noise:.0%} wrong labels',
                         args.noise)):
        f = Filter(learner())
        f.learn(learned, noise, args.seed)
        report(name, *judged(f, asked))
    f = Filter(learner())
    f.learn(learned, 0, args.seed, len(learned))
    report('learner, all ham and then all spam', *judged(f, asked))
    f = Filter(rules(), learner())
    f.learn(learned, 0, args.seed)
    report('rules and learner', *judged(f, asked))


def judged(f, messages):
    scores, took = f.judge(messages)
    return scores, messages, took


if __name__ == '__main__':
    main()
