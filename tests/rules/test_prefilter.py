#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Both prefilters of the plugin rules let pass whatever PCRE2 matches, so
that rules match the same whichever one is built."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, 'build/asan')
WORDS = os.path.join(BUILD, 'tests/rules/agree')
HYPERSCAN = os.path.join(BUILD, 'hyperscan')
RULES = sorted(glob.glob(os.path.join(ROOT, 'conf/rules/*.rules')))
CORPUS = sorted(glob.glob(os.path.join(ROOT, 'tests/fuzz/corpus/*/*')))
CONF = '''plugin-dir = "{0}"
listener "mx" {{ socket = "unix:{0}/x.sock" chain = {{ "null" }} }}
null "null" {{}}
'''


def said(program, *words):
    """What it printed; it must not fail."""
    done = subprocess.run([program, *words], capture_output=True, text=True,
                          errors='replace', timeout=600, env=dict(
                              os.environ, ASAN_OPTIONS='detect_leaks=0'))
    if done.returncode != 0:
        raise AssertionError(f'{program} ended with {done.returncode}:\n'
                             f'{done.stdout[-4000:]}{done.stderr[-4000:]}')
    return done.stdout


def agree(program, *words):
    """Its numbers: kind, digest, pairs, ..."""
    return dict(re.findall(r'(\w+)=(\S+)', said(program, *words)))


class Words(unittest.TestCase):
    """The default: by words that patterns need."""

    def test_patterns_by_chance(self):
        found = agree(WORDS, 'random', '1', '40000')
        self.assertEqual(found['kind'], 'words')
        self.assertGreater(int(found['matches']), 100000)
        self.assertGreater(int(found['spared']), 100000)

    def test_installed_rules_on_the_corpora(self):
        found = agree(WORDS, 'files', *RULES, '--', *RULES, *CORPUS)
        self.assertGreater(int(found['matches']), 1000)
        self.assertLess(int(found['always']), int(found['patterns']) / 2)


@unittest.skipUnless(os.path.exists(HYPERSCAN + '/agree'),
                     'Hyperscan is not to be had for this machine')
class Hyperscan(unittest.TestCase):
    """HYPERSCAN=1, compared with the default."""

    def same(self, *words):
        """It spares more than the other, and matches the same."""
        ours = agree(HYPERSCAN + '/agree', *words)
        other = agree(WORDS, *words)
        self.assertEqual((ours['kind'], other['kind']),
                         ('Hyperscan', 'words'))
        for what in ('patterns', 'pairs', 'matches', 'digest'):
            self.assertEqual(ours[what], other[what], what)
        self.assertGreater(int(ours['spared']), int(other['spared']))
        self.assertLess(int(ours['always']), int(other['always']))

    def test_patterns_by_chance(self):
        self.same('random', '1', '2000')

    def test_installed_rules_on_the_corpora(self):
        self.same('files', *RULES, '--', *RULES, *CORPUS)

    def test_unit_tests(self):
        self.assertIn('[  PASSED  ]', subprocess.run(
            [HYPERSCAN + '/test_rules'], stderr=subprocess.STDOUT, text=True,
            stdout=subprocess.PIPE, check=True, timeout=600).stdout)

    def test_fuzz_corpus(self):
        said(HYPERSCAN + '/fuzz_rules', *(
            path for path in CORPUS if '/rules/' in path))

    def check_rules(self, plugins):
        """What the command says of the installed set, with these plugins."""
        folder = tempfile.mkdtemp(prefix='millrace-rules-', dir='/run')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        for name in ('null', 'rules'):
            path = os.path.join(plugins, name + '.so')
            if not os.path.exists(path):
                path = os.path.join(BUILD, 'plugins', name + '.so')
            subprocess.run(['install', '-m', '755', path, folder], check=True)
        conf = os.path.join(folder, 'conf')
        with open(conf, 'w', encoding='utf-8') as f:
            f.write(CONF.format(folder))
        return json.loads(said(os.path.join(BUILD, 'millrace'), 'check-rules',
                               '--json', '--conf', conf, *RULES))

    def test_tests_of_the_installed_rules(self):
        ours = self.check_rules(HYPERSCAN + '/plugins')
        other = self.check_rules(os.path.join(BUILD, 'plugins'))
        self.assertEqual((ours['prefilter'], other['prefilter']),
                         ('Hyperscan', 'words'))
        self.assertEqual(ours['failures'], [])
        for what in ('rules', 'tests', 'failed', 'patterns'):
            self.assertEqual(ours[what], other[what], what)
        self.assertLess(ours['always'], other['always'])


if __name__ == '__main__':
    unittest.main()
