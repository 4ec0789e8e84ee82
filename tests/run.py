#!/usr/bin/env python3
"""
Run the tests, two at a time, and close with "N passed, N failed".

usage: run.py [-v] [GROUP ...]      groups: see GROUPS; default: all
       run.py FILE ...              single test files or programs
"""

import glob
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT = 900  # seconds for one file


def python_files(pattern, build='build', **environment):
    return [Job(os.path.relpath(path, 'tests'),
                [sys.executable, '-B', path], build, environment)
            for path in sorted(glob.glob(pattern))]


def programs(pattern):
    return [Job(os.path.basename(path), [path])
            for path in sorted(glob.glob(pattern)) if '.' not in
            os.path.basename(path)]


def replays():
    return [Job('replay ' + os.path.basename(path),
                [path] + sorted(glob.glob('tests/fuzz/corpus/' +
                                          os.path.basename(path)[5:] + '/*')))
            for path in sorted(glob.glob('build/asan/tests/fuzz/fuzz_*'))
            if '.' not in os.path.basename(path)]


def lints():
    return [Job(os.path.relpath(path, 'tests'),
                ([sys.executable, '-B', path] if path.endswith('.py')
                 else ['sh', path]))
            for path in sorted(glob.glob('tests/lint/*.sh') +
                               glob.glob('tests/lint/*_lint.py') +
                               glob.glob('tests/lint/layers.py') +
                               glob.glob('tests/abi/*.sh'))]


def sanitized(name, options, files=('*',)):
    return [job for file in files for job in python_files(
        f'tests/session/test_{file}.py', f'build/{name}', SANITIZED=name,
        **options)]


# GLib's own allocator would hide from the sanitizers what is done to memory.
GLIB = {'G_SLICE': 'always-malloc'}

GROUPS = {
    'unit': lambda: programs('build/asan/tests/unit/test_*'),
    'fuzz': replays,
    'lint': lints,
    'abi': lambda: python_files('tests/abi/test_*.py'),
    'session': lambda: python_files('tests/session/test_*.py') +
    python_files('tests/session/check.py'),
    'rules': lambda: python_files('tests/rules/test_*.py'),
    'spf': lambda: python_files('tests/spf/test_*.py'),
    'store': lambda: python_files('tests/store/test_*.py'),
    'mta': lambda: python_files('tests/mta/test_*.py'),
    'asan': lambda: sanitized('asan', {
        'ASAN_OPTIONS': 'detect_leaks=0:abort_on_error=1',
        'UBSAN_OPTIONS': 'print_stacktrace=1', **GLIB}),
    'tsan': lambda: sanitized('tsan', {
        'TSAN_OPTIONS': 'halt_on_error=0:exitcode=66:'
                        'suppressions=' + ROOT + '/tests/lib/tsan.supp',
        **GLIB},
        # Slow: the ones in which threads meet.
        ('sessions', 'results', 'reload', 'faults', 'dns_shared',
         'content', 'spam')),
}


class Job:
    """One test file, what it said, and how many cases went which way."""

    def __init__(self, name, command, build='build', environment=None):
        self.name = name if build == 'build' else f'{name} ({build[6:]})'
        self.command = command
        self.environment = dict(os.environ, B=build, **(environment or {}))
        self.passed = self.failed = self.skipped = 0
        self.output = ''

    def run(self):
        began = time.monotonic()
        try:
            done = subprocess.run(
                self.command, env=self.environment, text=True,
                errors='replace', stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=LIMIT)
            self.output, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as e:
            self.output = (e.stdout or b'').decode(errors='replace')
            self.output += f'\nnot done after {LIMIT} s\n'
            status = 1
        self.count(status)
        self.seconds = time.monotonic() - began
        return self

    def count(self, status):
        """By the closing lines of cmocka and unittest, else by the status."""
        ran = re.findall(r'^Ran (\d+) tests? in', self.output, re.M)
        cmocka = re.findall(r'\[  PASSED  \] (\d+) test', self.output)
        if ran:
            lost = sum(int(n) for n in re.findall(
                r'(?:failures|errors)=(\d+)', self.output))
            self.skipped = sum(int(n) for n in re.findall(
                r'skipped=(\d+)', self.output))
            self.failed = lost
            self.passed = int(ran[-1]) - lost - self.skipped
        elif cmocka:
            self.passed = sum(map(int, cmocka))
            self.failed = sum(int(n) for n in re.findall(
                r'\[  FAILED  \] (\d+) test', self.output))
        else:
            self.passed = int(status == 0)
        if status != 0 and self.failed == 0:
            self.failed = 1

    def report(self, verbose):
        words = f'{self.passed} passed'
        if self.failed:
            words += f', {self.failed} FAILED'
        if self.skipped:
            words += f', {self.skipped} skipped'
        print(f'{self.name:44} {words:28} {self.seconds:6.1f} s', flush=True)
        if self.failed or verbose:
            print(re.sub(r'^', '    ', self.output.rstrip(), flags=re.M),
                  flush=True)


def choose(words):
    jobs = []
    for word in words or GROUPS:
        if word in GROUPS:
            jobs += GROUPS[word]()
        elif word.endswith('.py'):
            jobs += python_files(word)
        else:
            jobs.append(Job(word, [word]))
    return jobs


def main(words):
    os.chdir(ROOT)
    verbose = '-v' in words
    jobs = choose([w for w in words if w != '-v'])
    with ThreadPoolExecutor(2) as pool:
        for job in pool.map(Job.run, jobs):
            job.report(verbose)
    passed = sum(j.passed for j in jobs)
    failed = sum(j.failed for j in jobs)
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
