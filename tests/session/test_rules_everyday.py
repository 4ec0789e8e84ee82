#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The installed rules alone, on mail as people and services write it today,
and on what pretends to be such: the first stays below the shipped threshold,
the second reaches it.  tests/spam/everyday has the messages."""

import glob
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import corpus                                          # noqa: E402
from lib.daemon import ROOT                                     # noqa: E402
from lib.rulefiles import Rules                                 # noqa: E402
from lib.scene import records                                   # noqa: E402

MESSAGES = os.path.join(ROOT, 'tests/spam/everyday')
MARKED = 5      # the shipped threshold


class Everyday(Rules):
    def found(self, kind):
        """{name: (points, symbols)} of one folder."""
        text = ''
        for path in sorted(glob.glob(os.path.join(ROOT, 'conf/rules/*'))):
            with open(path, encoding='utf-8') as f:
                text += f.read()
        d = self.rules(text)
        paths = sorted(glob.glob(os.path.join(MESSAGES, kind, '*.eml')))
        with self.session(d) as m:
            for path in paths:
                with open(path, 'rb') as f:
                    fields, body = corpus.parts(f.read())
                m.send_message(('<a@example.com>', ('<joe@example.net>',)),
                               fields, body)
        return {os.path.basename(path):
                (record['score'],
                 [f'{s["name"]} {s["score"]}' for s in record['symbols']])
                for path, record in zip(paths, records(d, len(paths)))}

    def test_wanted_mail_stays_below_the_mark(self):
        found = self.found('ham')
        self.assertGreater(len(found), 20)
        self.assertEqual(
            {n: found[n] for n in found if found[n][0] >= MARKED}, {})

    def test_abuse_reaches_the_mark(self):
        found = self.found('spam')
        self.assertGreater(len(found), 10)
        self.assertEqual(
            {n: found[n] for n in found if found[n][0] < MARKED}, {})


if __name__ == '__main__':
    unittest.main()
