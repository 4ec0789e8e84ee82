#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Break the plugins of limits on purpose, one thing at a time: the unit tests
must notice each.  Run by `make mutants`.

usage: limits.py [WORD ...]     only those whose description has a word
"""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# (what is broken, file, text that stands there once, what takes its place)
MUTANTS = [
    ('refund forgotten on abort', 'ratelimit/story.c',
     '|| outcome == MR_OUTCOME_ABORTED)', ')'),
    ('refund forgotten on refusal', 'ratelimit/story.c',
     'if (outcome == MR_OUTCOME_REJECTED ||', 'if ('),
    ('a message told to another worker is refunded', 'ratelimit/story.c',
     '|| outcome == MR_OUTCOME_MOVED)\n\t\treturn;\n',
     ')\n\t\treturn;\n\tif (outcome == MR_OUTCOME_MOVED)\n'
     '\t\toutcome = MR_OUTCOME_ABORTED;\n'),
    ('recipients that were refused later stay charged', 'ratelimit/story.c',
     '\tcharge_return_lost(c, &m->charges, &w);\n', ''),
    ('bytes that were only declared stay charged', 'ratelimit/story.c',
     'm->size > 0 && m->size < m->declared', 'false'),
    ('bytes beyond those declared are free', 'ratelimit/story.c',
     'm->size <= m->declared ||', 'true ||'),
    ('whoever logs in may send <> without a limit', 'ratelimit/story.c',
     'c->client->login == NULL)))', 'true)))'),
    ('a squeezed account has its whole limit', 'ratelimit/story.c',
     'if (m->squeeze > 1)', 'if (false)'),
    ('a message counts for each of its recipients', 'ratelimit/charge.c',
     'if (unit != LIMIT_MESSAGES && unit != LIMIT_BYTES)', 'if (true)'),
    ('each taking has the same name', 'ratelimit/charge.c',
     'all->steps++);\n\tch->recipient', '0);\n\tch->recipient'),
    ('a taking has another name when told again', 'ratelimit/charge.c',
     'c->message_id,\n\t    w->identity, step)',
     'c->message_id,\n\t    (uint32_t)(uintptr_t)c->host->alloc(c, 1), step)'),
    ('a refused recipient stays marked as known', 'ratelimit/charge.c',
     '\tunmark(c, w, ch);\n\treturn status == MR_STORE_OVER',
     '\treturn status == MR_STORE_OVER'),
    ('a recipient twice in a message is two', 'ratelimit/charge.c',
     'if (has_mark(all, *mark))', 'if (false)'),
    ('a look takes what it looks at', 'ratelimit/charge.c',
     '\t\tch->limits[i].cost = 0;\n', ''),
    ('the margin of hold has no end', 'ratelimit/charge.c',
     'amount += amount * w->margin / 100;', 'amount = -1;'),
    ('the last override wins', 'ratelimit/rules.c',
     '\tif (is_set(r, rule))\n\t\treturn;\n', ''),
    ('unlimited holds for other keys', 'ratelimit/rules.c',
     'unlimited |= UINT32_C(1) << rule.key;', 'unlimited = UINT32_MAX;'),
    ('a copy of SQL is never read again', 'ratelimit/sql.c',
     '\t\t\treplace(s, &fresh);\n', '\t\t\tcopy_finish(&fresh);\n'),
    ('a bad row of SQL throws the copy away', 'ratelimit/sql.c',
     '\t\tif (read_copy(s, &fresh, &why))\n',
     '\t\tif (read_copy(s, &fresh, &why) || true)\n'),
    ('a network is one bit wider', 'ratelimit/key.c',
     '(0xff00 >> kept)', '(0xff00 >> (kept > 0 ? kept - 1 : 0))'),
    ('a second try passes without the delay', 'greylist/greylist.c',
     'return *wait_ms <= 0 ?', 'return true ?'),
    ('who has passed is forgotten though it sends', 'greylist/greylist.c',
     'now - e->since_ms > g->conf->lifetime / 36', 'false'),
    ('the store away puts mail off', 'greylist/greylist.c',
     'j != FRESH && j != TOO_EARLY', 'j == PASSES || j == ALLOWED'),
    ('a threshold is reached, not passed', 'account/signal.c',
     's->watched && value > most', 's->watched && value >= most'),
    ('a rise is its own measure', 'account/baseline.c',
     '\tb->now = sent;\n\treturn true;\n}',
     '\tb->now = sent;\n\tb->most = sent * PARTS;\n\treturn true;\n}'),
    ('what is usual is never forgotten', 'account/baseline.c',
     'fade(b->most, passed)', 'b->most'),
    ('the environment of the daemon is inherited', 'account/alert.c',
     'argv, environment) == 0', 'argv, environ) == 0'),
    ('files of the daemon are inherited', 'account/alert.c',
     'posix_spawn_file_actions_addclosefrom_np(&files, 3) == 0', 'true'),
]

LIBRARIES = {'ratelimit': ['-lsqlite3'], 'account': ['-lmaxminddb'],
             'greylist': []}
# Of a plugin: the tests that see its files.
TESTS = {'ratelimit': ['ratelimit', 'ratelimit_rules', 'ratelimit_key'],
         'account': ['account'], 'greylist': ['greylist']}
ALONE = {'ratelimit_rules', 'ratelimit_key'}    # they include what they test


def build(tree, plugin, test):
    """The program, or None with the compiler's words."""
    program = os.path.join(tree, test)
    sources = [f'{tree}/tests/unit/test_{test}.c']
    if test not in ALONE:
        folder = f'{tree}/plugins/{plugin}'
        sources += [f'{folder}/{name}' for name in os.listdir(folder)
                    if name.endswith('.c')]
    done = subprocess.run(
        ['gcc', '-std=gnu11', '-D_GNU_SOURCE', f'-I{ROOT}/include', '-o',
         program, *sources, '-lcmocka', *LIBRARIES[plugin]],
        capture_output=True, text=True)
    return (program if done.returncode == 0 else None), done.stderr


def fails(tree, plugin):
    """The first test that fails, or None; a crash is a failure too."""
    for test in TESTS[plugin]:
        program, said = build(tree, plugin, test)
        if program is None:
            raise SystemExit(f'a mutant does not compile:\n{said}')
        try:
            done = subprocess.run([program], capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return test
        if done.returncode != 0:
            return test
    return None


def copy_tree(tree):
    for part in ('plugins', 'tests/unit'):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(tree, part))


def try_one(tree, what, name, old, new):
    path = os.path.join(tree, 'plugins', name)
    with open(path) as f:
        good = f.read()
    if good.count(old) != 1:
        raise SystemExit(f'{name}: {old!r} stands there '
                         f'{good.count(old)} times, not once')
    with open(path, 'w') as f:
        f.write(good.replace(old, new))
    try:
        test = fails(tree, name.split('/')[0])
    finally:
        with open(path, 'w') as f:
            f.write(good)
    print(f'{"caught by " + test if test else "NOT CAUGHT":<28} {what}',
          flush=True)
    return test is not None


def main(words):
    chosen = [m for m in MUTANTS
              if not words or any(word in m[0] for word in words)]
    with tempfile.TemporaryDirectory(prefix='millrace-mutants-') as tree:
        copy_tree(tree)
        for plugin in sorted({m[1].split('/')[0] for m in chosen}):
            if fails(tree, plugin):
                raise SystemExit(f'the tests of {plugin} fail as it is')
        caught = [try_one(tree, *mutant) for mutant in chosen]
    print(f'{sum(caught)} of {len(caught)} mutants caught')
    return 0 if all(caught) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
