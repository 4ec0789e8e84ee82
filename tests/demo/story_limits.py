# SPDX-License-Identifier: Apache-2.0
"""An account that reaches its limit."""

import time

CONFIG = '''
listener "mx" {
  socket = "inet:%PORT%@127.0.0.1"
  chain  = { "limits" }
}
ratelimit "limits" {
  authenticated = yes
  limits        = { "2 messages / 1h", "20 recipients / 1d" }
  reply         = "You have sent your {limit}, you may go on {when}"
}
'''


def run(scene):
    scene.heading('An account reaches its limit of 2 messages an hour')
    scene.configure(CONFIG)
    for subject in ('One', 'Two', 'Three'):
        scene.submit(subject)
    key = scene.daemon.json('limits', 'top', '1')[0]['key']
    account = key.removeprefix('mailbox:')
    scene.run('limits', 'show', account)

    scene.heading('The postmaster lets it go on')
    scene.run('limits', 'set', account, '50 messages / 1h')
    scene.run('limits', 'show', account)
    time.sleep(1)       # a change counts within a second
    scene.submit('Four')
