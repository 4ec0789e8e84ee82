# SPDX-License-Identifier: Apache-2.0
"""Sessions with rules of a test's own.

    class Money(Rules):
        def test_it_is_found(self):
            d = self.rules('rule A\n body /money/\n')
"""

import os
import shutil
import tempfile

from .scene import Scene, section


def RuleFiles(name, *files, **values):      # it reads like the others
    return section('rules', name, files=files, **values)


class Rules(Scene):
    def write(self, text, name='test.rules'):
        """A file that workers may read; its path."""
        folder = tempfile.mkdtemp(prefix='millrace-rules-', dir='/run')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        path = os.path.join(folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def rules(self, text, *more, values=None, **settings):
        """A daemon whose chain has an instance "rules", and more."""
        return self.daemon(
            RuleFiles('rules', self.write(text), **(values or {})), *more,
            **settings)
