#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Which plugins the daemon loads, and why it refuses the others.

frozen/M.N/plugin.h is the contract as it was at interface M.N.  What was
built with an old copy of the same major must load: from 1.0 on for ever,
before from the oldest minor on that the daemon says it takes.
"""

import glob
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from lib.daemon import ROOT, Daemon                     # noqa: E402
from lib.scene import Scene, actor, control, mx         # noqa: E402

HEADER = os.path.join(ROOT, 'include', 'millrace', 'plugin.h')

SOURCE = '''
#include <millrace/plugin.h>
static mr_verdict on_eom(struct mr_ctx *c)
{
	c->host->add_header(c, "X-Made", "yes");
	return MR_CONTINUE;
}
MR_PLUGIN(%(symbol)s) = {
	.abi = MR_ABI, .size = sizeof(struct mr_plugin),
	.option_size = sizeof(struct mr_option),
	.name = "made", .version = "1", .summary = "for a test",
	.actions = MR_ACTION_ADD_HEADER, .on_eom = on_eom,
	%(members)s
};
%(more)s
'''


def numbers(header=HEADER):
    """(major, minor) that a header stands for."""
    with open(header) as f:
        text = f.read()
    return tuple(int(re.search(rf'#define MR_ABI_{part} (\d+)', text)[1])
                 for part in ('MAJOR', 'MINOR'))


def oldest_minor():
    with open(os.path.join(ROOT, 'daemon', 'core', 'plugin.h')) as f:
        return int(re.search(r'#define PLUGIN_OLDEST_MINOR (\d+)',
                             f.read())[1])


def build(target, include, symbol='made', members='', more='', flags=()):
    source = target + '.c'
    with open(source, 'w') as f:
        f.write(SOURCE % {'symbol': symbol, 'members': members,
                          'more': more})
    subprocess.run(['gcc', '-shared', '-fPIC', '-Wno-override-init',
                    '-I', include, *flags, '-o', target, source],
                   check=True)
    os.unlink(source)


class Load(Scene):
    def prepared(self):
        d = Daemon(mx(actor('a', 'eom add X-A: 1')))
        self.addCleanup(self.end, d, True)
        d.prepare()
        self.target = d.path('plugins/made.so')
        return d

    def made(self, d, include=os.path.join(ROOT, 'include'), **values):
        build(self.target, include, **values)
        return d

    def refused(self, d, reason):
        """The daemon runs on without it and says why; asked, it errs."""
        d.start()
        line = re.search(r'^.* warn .*plugin not used: (\S+): (.*)$',
                         d.log(), re.MULTILINE)
        self.assertTrue(line, d.log())
        self.assertEqual(line[1], self.target)
        self.assertRegex(line[2], reason)
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')
        d.write(mx('made "m" {}\n'))
        self.assertIn('made', control(d, 'reload')['error'])

    def loads(self, d):
        d.write(mx('made "m" {}\n'))
        d.start()
        self.assertNotIn('plugin not used', d.log())
        with self.session(d) as m:
            self.assertEqual(self.message(m)[0],
                             [('addheader', 'X-Made', 'yes')])


class Versions(Load):
    def test_this_one(self):
        self.loads(self.made(self.prepared()))

    def test_frozen_copies(self):
        copies = sorted(glob.glob(os.path.join(HERE, 'frozen', '*')))
        self.assertTrue(copies)
        major, minor = numbers()
        for copy in copies:
            with self.subTest(os.path.basename(copy)):
                d = self.prepared()
                include = d.path('include')
                os.makedirs(include)
                os.symlink(copy, os.path.join(include, 'millrace'))
                self.made(d, include)
                old = numbers(os.path.join(copy, 'plugin.h'))
                if old[0] == major and oldest_minor() <= old[1] <= minor:
                    self.loads(d)
                else:
                    self.refused(d, 'build it again')

    def test_the_numbers_have_a_frozen_copy(self):
        self.assertTrue(os.path.exists(os.path.join(
            HERE, 'frozen', '%d.%d' % numbers(), 'plugin.h')))

    def test_a_newer_minor(self):
        self.refused(self.made(self.prepared(), members='.abi = MR_ABI + 1,'),
                     'newer daemon')

    def test_a_minor_too_old(self):
        self.refused(
            self.made(self.prepared(),
                      members=f'.abi = MR_ABI_MAJOR << 16 | '
                              f'{oldest_minor() - 1},'),
            r'this daemon takes .*build it again')

    def test_another_major(self):
        self.refused(self.made(self.prepared(),
                               members='.abi = 7u << 16 | 1u,'),
                     r'interface 7\.1, this daemon has .*build it again')


class Descriptors(Load):
    def test_wrong_ones(self):
        for members, reason in (
                ('.size = 0,', 'impossible size'),
                ('.size = 16,', 'impossible size'),
                ('.size = 1u << 30,', 'impossible size'),
                ('.option_size = 1,', 'impossible size'),
                ('.option_size = 1u << 30,', 'impossible size'),
                ('.flags = 1,', 'flags'),
                ('.name = NULL,', 'no name'),
                ('.version = NULL,', 'no name, version or summary'),
                ('.name = "other",', 'calls itself "other"')):
            with self.subTest(members):
                self.refused(self.made(self.prepared(), members=members),
                             reason)

    def test_no_such_symbol(self):
        self.refused(self.made(self.prepared(), symbol='other'),
                     'does not export mr_plugin_made')

    def test_a_larger_one_of_the_same_version(self):
        """What this daemon does not know is not looked at."""
        self.loads(self.made(self.prepared(),
                             members='.size = sizeof(struct mr_plugin) + 8,'))

    def test_one_that_lacks_a_function(self):
        self.refused(self.made(
            self.prepared(), more='int missing(void);'
            ' int used(void) { return missing(); }'), 'missing')

    def test_no_shared_object(self):
        for content in (b'', b'text\n', b'\x7fELF' + bytes(200)):
            d = self.prepared()
            with open(self.target, 'wb') as f:
                f.write(content)
            self.refused(d, 'too short|ELF|header')

    def test_half_of_one(self):
        """The loader dies of it, the master says so."""
        d = self.made(self.prepared())
        os.truncate(self.target, os.path.getsize(self.target) // 3)
        d.start(wait=False)
        self.assertEqual(d.process.wait(20), 78)
        self.assertRegex(d.log(), 'a plugin fails while it is loaded|made.so')

    def test_one_that_dies_while_it_is_loaded(self):
        d = self.made(self.prepared(), more='#include <stdlib.h>\n'
                      'static __attribute__((constructor)) void boom(void)'
                      ' { abort(); }')
        d.start(wait=False)
        self.assertEqual(d.process.wait(20), 78)
        self.assertIn('a plugin fails while it is loaded: killed by signal 6',
                      d.log())


class Files(Load):
    def test_writable_by_others(self):
        for mode in (0o666, 0o777, 0o664):
            d = self.made(self.prepared())
            os.chmod(self.target, mode)
            self.refused(d, 'writ|chmod')

    def test_of_another_owner(self):
        d = self.made(self.prepared())
        os.chown(self.target, 12345, 0)
        self.refused(d, 'own')

    def test_in_a_folder_that_others_may_write_to(self):
        d = self.made(self.prepared())
        os.chmod(d.path('plugins'), 0o777)
        d.start(wait=False)
        self.assertNotEqual(d.process.wait(20), 0)
        self.assertRegex(d.log(), r'made\.so: .*(writ|chmod)')

    def test_a_link_out_of_the_folder(self):
        d = self.made(self.prepared())
        os.makedirs(d.path('elsewhere'))
        os.rename(self.target, d.path('elsewhere/made.so'))
        os.symlink(d.path('elsewhere/made.so'), self.target)
        self.refused(d, 'symbolic link')

    def test_a_link_to_a_file_that_others_may_write_to(self):
        d = self.made(self.prepared())
        os.makedirs(d.path('elsewhere'))
        os.chmod(d.path('elsewhere'), 0o777)
        os.rename(self.target, d.path('elsewhere/made.so'))
        os.symlink(d.path('elsewhere/made.so'), self.target)
        self.refused(d, '.')

    def test_what_is_no_file(self):
        for make in (os.mkdir, os.mkfifo,
                     lambda path: os.symlink('/nonexistent', path),
                     lambda path: os.symlink('/dev/zero', path)):
            d = self.prepared()
            make(self.target)
            self.refused(d, 'symbolic link|not a regular file')

    def test_other_files_are_not_looked_at(self):
        d = self.made(self.prepared())
        for name in ('README', '.hidden', 'x.so.bak', '.so', 'made.so~'):
            with open(d.path('plugins/' + name), 'w') as f:
                f.write('x')
        self.loads(d)


if __name__ == '__main__':
    unittest.main()
