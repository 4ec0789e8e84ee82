#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""See it work: a private Postfix, millraced, and real mail through both.

usage: demo.py [--keep]     run by `make demo` and `make demo KEEP=1`
"""

import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.append(os.path.join(ROOT, 'tests'))
sys.pycache_prefix = os.path.join(ROOT, 'build', 'pycache')

import story_auth       # noqa: E402
import story_limits     # noqa: E402
import story_policy     # noqa: E402
import story_spam       # noqa: E402
from scene import Scene, indent     # noqa: E402

STORIES = (story_policy, story_auth, story_limits, story_spam)


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.stdout.reconfigure(line_buffering=True)
    print('Starting millraced and a private Postfix ...')
    with Scene(story_policy.CONFIG) as scene:
        print(f'millraced listens on port {scene.port}, Postfix on port '
              f'{scene.mta.smtp_port} of 127.0.0.1.')
        for story in STORIES:
            story.run(scene)
        scene.heading('millrace status')
        indent(scene.daemon.command('status').stdout)
        if '--keep' in arguments:
            scene.keep()
    print('\nEverything is stopped again.  `make demo KEEP=1` leaves it '
          'running.')


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        print('\nEverything is stopped again.')
