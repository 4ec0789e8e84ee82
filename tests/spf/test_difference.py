#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Two opinions on records at random: the plugin's and pyspf's.

Where pyspf as it is differs, pyspf with its departures from RFC 7208 mended
(reference.py) must say the same as the plugin; what a difference was due to
is counted.

usage: test_difference.py [CHECKS [FIRST]]
"""

import collections
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import evaluate                                         # noqa: E402
import reference                                        # noqa: E402
from generate import Generator                          # noqa: E402

CHECKS = 1500           # in `make test`
ALL = frozenset(reference.MENDS)


def opinion(check, mends=frozenset()):
    """A failure of pyspf itself is one, too."""
    try:
        return reference.ask(*check, mends)
    except Exception as fault:                          # noqa: BLE001
        return type(fault).__name__, None


def reason(check, ours):
    """Which mend makes pyspf agree; None: not even all do."""
    if opinion(check, ALL) != ours:
        return None
    for mend in reference.MENDS:
        if opinion(check, {mend}) == ours:
            return mend
    return 'several of them'


def compare(first, count):
    """(results, reasons, [seed of a difference without reason])"""
    results, reasons, lost = (collections.Counter(), collections.Counter(),
                              [])
    with evaluate.Evaluate() as program:
        for seed in range(first, first + count):
            check = Generator(seed).check()
            answer = program.check(*check)
            ours = answer.result, answer.explanation
            results[answer.result] += 1
            if opinion(check) == ours:
                continue
            why = reason(check, ours)
            reasons[why] += 1
            if why is None:
                lost.append(seed)
    return results, reasons, lost


class Difference(unittest.TestCase):
    def test_none_without_a_reason(self):
        results, _, lost = compare(1, CHECKS)
        self.assertEqual(lost, [])
        # The checks are worth something only if they end in every way.
        self.assertEqual(set(results), {
            'none', 'neutral', 'pass', 'fail', 'softfail', 'temperror',
            'permerror'})


def main(count, first=1):
    results, reasons, lost = compare(int(first), int(count))
    print(f'{sum(results.values())} checks:',
          ', '.join(f'{n} {name}' for name, n in results.most_common()))
    print(f'{sum(reasons.values())} differ from pyspf as it is:')
    for why, n in reasons.most_common():
        print(f'{n:8} {why or "WITHOUT A REASON"}: '
              f'{reference.MENDS.get(why, "")}')
    if lost:
        print('seeds without a reason:', *lost[:50])
    return 1 if lost else 0


if __name__ == '__main__':
    if sys.argv[1:2] and sys.argv[1].isdigit():
        sys.exit(main(*sys.argv[1:]))
    unittest.main()
