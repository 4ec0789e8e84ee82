# SPDX-License-Identifier: Apache-2.0
"""Spam by rules, and a learner that is corrected."""

import os
import time

from lib.daemon import ROOT
from scene import ALICE, BOB, letter

CONFIG = '''
listener "mx" {
  socket = "inet:%PORT%@127.0.0.1"
  chain  = { "rules", "learn", "spam" }
}
rules "rules" { files = { "%RULES%/*.rules" } }
learn "learn" {
  model       = "@/learn/all.model"
  learn-first = 5
}
score "spam"  { header = 4  reject = 6 }
'''.replace('%RULES%', os.path.join(ROOT, 'conf', 'rules'))

EXTORTION = '''I have hacked your device and recorded a video of you
through your webcam while you visited an adult site. Your password is known
to me. Pay 1,500 USD in bitcoin to my wallet
bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq within 48 hours, or I will send
the video to all of your contacts. Do not reply and do not go to the police.
'''
NEWSLETTER = '''Our club news: the spring concert is on Sunday, the choir
meets on Monday, and the summer fair needs volunteers. Tickets at the door.
'''
STRANGER, CLUB = 'x@stranger.example', 'news@club.example'


def teach(scene):
    """What a site learns in its first days, here in a moment."""
    folder = scene.daemon.path('learn')
    os.makedirs(folder, exist_ok=True)
    for kind, text in (('ham', 'The figures of the project are enclosed'),
                       ('spam', 'Cheap tickets! The sale of tickets at the '
                                'door ends on Sunday, the concert is on '
                                'Monday, win summer tickets')):
        samples = b''
        for n in range(10):
            samples += b'From x\r\n' + letter(
                f'news{n}@club{n}.example', ' '.join(text.split()[:2]),
                f'{text} {n}.\r\n')
        path = scene.daemon.path(f'{kind}.mbox')
        with open(path, 'wb') as f:
            f.write(samples)
        scene.run('learn', f'--{kind}', path)


def run(scene):
    scene.heading('A letter of extortion meets rules that ship with millrace')
    scene.configure(CONFIG)
    scene.deliver(letter(STRANGER, 'I have your password', EXTORTION),
                  STRANGER)
    scene.explain(STRANGER)

    scene.heading('An ordinary one does not')
    scene.send(ALICE, BOB, 'Lunch on Friday?')
    scene.explain(ALICE)

    scene.heading('The learner is taught, and takes a newsletter for spam')
    teach(scene)
    newsletter = letter(CLUB, 'Cheap tickets, the sale ends', NEWSLETTER)
    time.sleep(1.1)     # models are looked at once a second
    scene.deliver(newsletter, CLUB)
    scene.explain(CLUB)

    scene.heading('Somebody corrects it: the next verdict is another')
    scene.run('learn', '--ham', input=newsletter.decode())
    time.sleep(1.1)
    scene.deliver(newsletter, CLUB)
    scene.explain(CLUB)
