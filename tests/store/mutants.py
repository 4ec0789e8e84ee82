# SPDX-License-Identifier: Apache-2.0
"""Break the store in ways that have been seen elsewhere, one at a time, in a
copy of the tree: each must be caught by a test.

usage: mutants.py [NAME ...]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PARTS = ('Makefile', 'daemon', 'include', 'plugins', 'tests', 'conf')
PYTHON = '/usr/bin/python3'

LIMIT = 'daemon/service/limit.c'
LUA = 'daemon/service/limit.lua'
ARITHMETIC = 'build/tests/unit/test_limit'
LOG = 'build/tests/unit/test_limit_log'
KEPT = 'build/tests/unit/test_store_lmdb'
MIRROR = 'build/tests/unit/test_mirror'
EQUAL = 'tests/store/test_shared.py Equal'
LOSES = 'tests/store/test_shared.py Shared.test_the_server_loses_all'
EMBEDDED = 'tests/store/test_embedded.py Embedded.test_workers_are_killed'
SHARED = 'tests/store/test_shared.py Shared.test_workers_are_killed'

# name, file, what stands there, what stands there instead, tests: each of
# them must fail.
MUTANTS = (
    ('a ring of 60 slots', 'daemon/service/limit.h',
     'LIMIT_RING = LIMIT_SLOTS + 1', 'LIMIT_RING = LIMIT_SLOTS',
     (ARITHMETIC, LOG)),
    ('a ring of 60 slots in Redis', LUA, 'RING, MOST, GENS = 60, 61',
     'RING, MOST, GENS = 60, 60', (EQUAL,)),
    ('one too many', LIMIT, 'sum(r) + l->cost <= l->amount',
     'sum(r) + l->cost - 1 <= l->amount', (ARITHMETIC, LOG)),
    ('one too few', LIMIT, 'sum(r) + l->cost <= l->amount',
     'sum(r) + l->cost < l->amount', (ARITHMETIC, LOG)),
    ('checked before, not after', LIMIT, 'sum(r) + l->cost <= l->amount',
     'sum(r) < l->amount', (ARITHMETIC, LOG)),
    ('one too many in Redis', LUA, 'sum(r) + q.cost <= q.amount',
     'sum(r) + q.cost - 1 <= q.amount', (EQUAL, SHARED)),
    ('a burst of one more', LIMIT,
     'r->level + l->cost * l->period_ms <= l->burst * l->period_ms',
     'r->level <= l->burst * l->period_ms', (ARITHMETIC, LOG)),
    ('a refund into a slot that is used again', LIMIT,
     'slot > now || now - slot > LIMIT_SLOTS || *count == 0',
     'slot > now || *count == 0', (ARITHMETIC, LOG)),
    ('a refund after a reset', LIMIT,
     'limit_token_gen(token) != r->gen || l->cost == 0', 'l->cost == 0',
     (ARITHMETIC, LOG)),
    ('a refund of what has leaked', LIMIT,
     'back -= leaked(back, ms, l->amount);', '(void)ms;', (ARITHMETIC, LOG)),
    ('a refund after a far step of the clock', LIMIT,
     'r->gen = (r->gen + 1) & GEN_MASK;', '', (LOG,)),
    ('slots of 32 bits', LIMIT, 'return us / limit_slot_us(r->period_ms);',
     'return (uint32_t)(us / limit_slot_us(r->period_ms));', (ARITHMETIC,)),
    ('counts of 16 bits', LIMIT, ': all <= UINT16_MAX ? 2', ': true ? 2',
     (ARITHMETIC,)),
    ('the clock goes back', LIMIT,
     'r->last_us = at_least(now_us, r->last_us);\n}\n\n/* The leak',
     'r->last_us = now_us;\n}\n\n/* The leak', (LOG,)),
    ('all or nothing is broken', LIMIT, '''			*refused = i;
			return false;
		}
''', '''			*refused = i;
			return false;
		} else {
			take(&r[i], &l[i]);
		}
''', (ARITHMETIC,)),
    ('all or nothing is broken in Redis', 'daemon/service/reserve.lua',
     'if reply[1] == 0 then\n\t\ttake(r, q)',
     'if reply[1] == 0 or i <= reply[2] then\n\t\ttake(r, q)', (EQUAL,)),
    ('check, then update', 'daemon/service/store_lmdb.c',
     '	show(q, r, tokens, known ? MR_LIMIT_REPEATED : 0, states);\n',
     '''	show(q, r, tokens, known ? MR_LIMIT_REPEATED : 0, states);
	{
		struct lmdb *db = t->db;

		lmdb_commit(t);
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
		if (!lmdb_write(db, clock_steady_us() + 1000000, t))
			abort();
	}
''', (EMBEDDED,)),
    ('a life that is too short', LIMIT,
     'ms_up(LIMIT_RING * limit_slot_us(r->period_ms))',
     'ms_up(LIMIT_RING / 2 * limit_slot_us(r->period_ms))', (EMBEDDED,)),
    ('a life that is too short in Redis', LUA,
     'floor((RING * slot_us(r.period) + 999) / 1000)',
     'floor((RING / 2 * slot_us(r.period) + 999) / 1000)', (SHARED,)),
    ('a name is not remembered', 'daemon/service/store_lmdb.c',
     '	once_remember(t, q, tokens);\n',
     '	if (false)\n		once_remember(t, q, tokens);\n', (KEPT,)),
    ('a refund happens twice', 'daemon/service/store_lmdb.c',
     'q->once.n > 0 && !lmdb_delete(&t, span_of_key(&k))', 'false', (KEPT,)),
    ('a damaged file is used', 'daemon/service/lmdb_open.c',
     'if (!lmdb_is_whole(db->path))', 'if (false)', (KEPT,)),
    ('an unclean start of the machine is not noticed',
     'daemon/service/lmdb_open.c', 'if (!same_boot && clean == -1)',
     'if (false && !same_boot && clean == -1)', (KEPT,)),
    ('each host alone takes a whole part', 'daemon/service/mirror.c',
     'PARTS = 2', 'PARTS = 1', (MIRROR,)),
    ('what was taken alone is told twice', 'daemon/service/merge.lua',
     "if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then",
     "if not redis.call('SET', KEYS[2], '1', 'PX', ARGV[2]) then", (EQUAL,)),
    ('a server that lost its data is not told', 'daemon/service/store_fleet.c',
     'if (strcmp(epoch, b.epoch) != 0) {', 'if (false) {', (LOSES,)),
)


def make(tree, *targets):
    return subprocess.run(
        ['make', '--no-print-directory', '-j2', *targets], cwd=tree,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)


def needs(test):
    if test.startswith('build/'):
        return [test]
    return ['build/tests/store/driver', 'build/tests/store/equal']


def passes(tree, test):
    words = test.split()
    if words[0].endswith('.py'):
        words = [PYTHON, '-B', *words]
    done = subprocess.run(words, cwd=tree, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=300)
    return done.returncode == 0


def change(path, old, new):
    """The text as it was."""
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if old not in text:
        sys.exit(f'{path}: nothing to break: {old!r}')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace(old, new))
    return text


def live_on(tree, mutant):
    """The tests that do not see the change."""
    name, file, old, new, tests = mutant
    path = os.path.join(tree, file)
    was = change(path, old, new)
    try:
        built = make(tree, *{target for test in tests
                             for target in needs(test)})
        if built.returncode != 0:
            sys.exit(f'{name}: does not build:\n{built.stdout}')
        return [test for test in tests if passes(tree, test)]
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(was)


def main(names):
    chosen = [m for m in MUTANTS if not names or m[0] in names]
    lived = 0
    with tempfile.TemporaryDirectory(prefix='millrace-mutants-') as tree:
        for part in PARTS:
            source, copy = os.path.join(ROOT, part), os.path.join(tree, part)
            if os.path.isdir(source):
                shutil.copytree(source, copy)
            else:
                shutil.copy2(source, copy)
        # What is unpacked there is used, and is the same for all.
        os.makedirs(os.path.join(tree, 'build'))
        unpacked = os.path.join(ROOT, 'build/mta')
        os.makedirs(unpacked, exist_ok=True)
        os.symlink(unpacked, os.path.join(tree, 'build/mta'))
        targets = {target for m in chosen for test in m[4]
                   for target in needs(test)}
        built = make(tree, *targets)
        if built.returncode != 0:
            sys.exit(built.stdout)
        for test in sorted({test for m in chosen for test in m[4]}):
            if not passes(tree, test):
                sys.exit(f'{test}: fails without any change')
        for mutant in chosen:
            began = time.monotonic()
            unseen = live_on(tree, mutant)
            lived += bool(unseen)
            print(f'{mutant[0]:52} '
                  f'{"LIVES: " + ", ".join(unseen) if unseen else "caught"}'
                  f'  {time.monotonic() - began:.1f} s', flush=True)
    print(f'{len(chosen) - lived} of {len(chosen)} caught')
    return 1 if lived else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
