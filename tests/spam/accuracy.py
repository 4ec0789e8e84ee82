#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""How well rules and the learner tell spam from ham, through the daemon.

60 % of the corpus (see lib/corpus.py) are learned by the command, the rest goes
over the milter protocol.

usage: accuracy.py [--seed N] [--noise SHARE] [--corpus FOLDER]
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from lib import corpus                                  # noqa: E402
from lib.daemon import Daemon                           # noqa: E402
from lib.milter import Milter                           # noqa: E402
from lib.scene import listener, records, section        # noqa: E402

RULES = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'conf', 'rules')
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
        """The points of each, and how long it took."""
        self.daemon.start()
        began = time.monotonic()
        with Milter('unix:' + self.daemon.path('mx.sock')) as m:
            m.optneg()
            m.conn()
            m.helo('client.example.com')
            for raw, _ in messages:
                self.send(m, raw)
        took = time.monotonic() - began
        found = records(self.daemon, len(messages), timeout=60)
        self.daemon.__exit__()
        assert len(found) == len(messages), len(found)
        return [record['score'] for record in found], took

    @staticmethod
    def send(m, raw):
        fields, body = corpus.parts(raw)
        m.macros('M', {'i': 'X'})
        m.send_message(('<a@example.com>', ('<b@example.net>',)), fields, body)


def report(name, scores, messages, took):
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
          f'{REFUSED} points; {len(labels) / took:.0f} messages/s', flush=True)


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
    args = p.parse_args()
    learned, asked = corpus.split(args.corpus, args.seed)
    print(json.dumps({'learned': len(learned), 'asked': len(asked)}))

    report('rules', *with_time(Filter(rules()), asked))
    # Uncapped, so that the order of all messages shows.
    wide = {'spam-points': 1000, 'ham-points': 1000}
    for name, noise, values in (
            ('learner', 0, {}), ('learner, uncapped', 0, wide),
            (f'learner, {args.noise:.0%} wrong labels', args.noise, wide)):
        f = Filter(learner(**values))
        f.learn(learned, noise, args.seed)
        report(name, *with_time(f, asked))
    f = Filter(learner())
    f.learn(learned, 0, args.seed, len(learned))
    report('learner, all ham and then all spam', *with_time(f, asked))
    f = Filter(rules(), learner())
    f.learn(learned, 0, args.seed)
    report('rules and learner', *with_time(f, asked))


def with_time(f, messages):
    scores, took = f.judge(messages)
    return scores, messages, took


if __name__ == '__main__':
    main()
