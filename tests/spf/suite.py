# SPDX-License-Identifier: Apache-2.0
"""The test suites of RFC 7208 and RFC 4408, as Debian's python3-spf has them.

Each is a list of scenarios; a scenario is a zone and its tests.
"""

import gzip
import os

import yaml

FOLDER = '/usr/share/doc/python3-spf'
SUITES = {'rfc7208': 203, 'rfc4408': 191}
TIMEOUT = 'TIMEOUT'


class Scenario:
    def __init__(self, document):
        self.description = document['description']
        self.zone = {name.lower(): records(rows)
                     for name, rows in document['zonedata'].items()}
        self.tests = [Test(name, data)
                      for name, data in document['tests'].items()]


class Test:
    def __init__(self, name, data):
        self.name = name
        self.helo = str(data['helo'])
        self.address = data['host']
        self.sender = str(data['mailfrom'])
        results = data['result']
        self.results = [results] if isinstance(results, str) else results
        self.explanation = data.get('explanation')


def records(rows):
    """{type: [values] or TIMEOUT}; type None stands for all the others.

    A record of type SPF is one of type TXT too, unless there are such.
    """
    found, implied, explicit = {}, [], False
    for row in rows:
        if row == TIMEOUT:
            found[None] = TIMEOUT
            continue
        (kind, value), = row.items()
        if value == TIMEOUT:
            found[kind] = TIMEOUT
            continue
        if kind in ('TXT', 'SPF'):
            value = [value] if isinstance(value, str) else value
            explicit |= kind == 'TXT'
            if value == ['NONE']:
                continue
            value = b''.join(map(encode, value))
            if kind == 'SPF':
                implied.append(value)
        found.setdefault(kind, []).append(value)
    if implied and not explicit:
        found['TXT'] = implied
    return found


def encode(text):
    r"""The bytes of a record: "\xEF" in the file is meant as one byte."""
    try:
        return text.encode('latin-1')
    except UnicodeEncodeError:
        return text.encode('utf-8')


def load(suite):
    path = os.path.join(FOLDER, suite + '-tests.yml.gz')
    with gzip.open(path) as f:
        scenarios = [Scenario(d) for d in yaml.safe_load_all(f) if d]
    count = sum(len(s.tests) for s in scenarios)
    if count != SUITES[suite]:
        raise AssertionError(f'{path}: {count} tests, not {SUITES[suite]}')
    return scenarios
