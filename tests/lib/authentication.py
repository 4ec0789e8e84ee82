# SPDX-License-Identifier: Apache-2.0
"""Authentication-Results as another program reads it: Debian's authres.

Every message of a scene goes through it: what cannot be parsed fails the
test that produced it.
"""

import sys

try:
    import authres
except ImportError:         # a Python without Debian's modules
    sys.path.append('/usr/lib/python3/dist-packages')
    import authres

NAME = 'Authentication-Results'
LINE = 998                  # bytes (RFC 5322, 2.1.1)


def fields(edits):
    """The values of the fields that were inserted."""
    return [edit[-1] for edit in edits
            if edit[0] == 'insheader' and edit[2] == NAME]


def parse(value):
    """(authserv-id, [(method, result, reason, {property: value})])"""
    for line in value.split('\n'):
        if len(line) > LINE or not all(32 <= ord(c) < 127 or c == '\t'
                                       for c in line):
            raise AssertionError(f'not for a header: {line!r}')
    try:
        header = authres.AuthenticationResultsHeader.parse(
            f'{NAME}: {value}'.replace('\n', '\r\n'))
    except authres.core.AuthResError as e:
        raise AssertionError(f'{value!r}: {e}') from e
    # Whoever reads it sees as many results as there are lines of them.
    results = [(r.method, r.result, r.reason,
                {f'{p.type}.{p.name}': p.value for p in r.properties})
               for r in header.results]
    written = value.count(';\n\t')
    if len(results) != written:
        raise AssertionError(f'{value!r}: {len(results)} of {written} results')
    return header.authserv_id, results
