# SPDX-License-Identifier: Apache-2.0
"""Rules of the postmaster's own, tried, explained and changed."""

from scene import ALICE, BOB, said

CONFIG = '''
listener "mx" {
  socket = "inet:%PORT%@127.0.0.1"
  chain  = { "access", "new-rule", "stamp" }
}
access "access" {
  deny-recipients = { "closed@example.test 550 5.7.1 This mailbox is closed, \\
write to office@example.test" }
  deny-headers    = { "\\"Subject: *lottery*\\" 550 5.7.1 No lotteries here" }
}
access "new-rule" {
  mode         = observe
  deny-senders = { "@offers.example" }
}
headers "stamp" {
  add = { "X-Filtered: seen from {client_addr} as {helo}" }
}
'''


def run(scene):
    def delivered(count):
        """The field that millrace added."""
        for line in scene.arrived(count).decode().split('\r\n'):
            if line.startswith('X-Filtered'):
                said('delivered with', line)

    scene.heading('A message that nobody objects to')
    scene.send(ALICE, BOB, 'Minutes of the meeting')
    scene.explain(ALICE)

    scene.heading('The same as it was delivered: one header field more')
    delivered(1)

    scene.heading('Refused at RCPT, with a text of the postmaster\'s own')
    scene.send('carol@example.org', 'closed@example.test', 'Hello?')
    scene.explain('carol@example.org')

    scene.heading('Refused after the dot, for its Subject')
    scene.send('dave@example.org', BOB, 'You won the LOTTERY')
    scene.explain('dave@example.org')

    scene.heading('A rule on trial (mode = observe): delivered, but see what '
                  'it would do')
    scene.send('sales@offers.example', BOB, 'Offer of the week')
    scene.explain('sales@offers.example')

    scene.heading('The configuration is reloaded in the middle of a message')
    scene.send('erin@example.org', BOB, 'Do not lose this one',
               before_data=lambda: scene.configure(
                   CONFIG.replace('seen from', 'welcome from')))
    scene.explain('erin@example.org')
    delivered(3)

    scene.heading('The next message has the new configuration')
    scene.send('frank@example.org', BOB, 'And this one?')
    delivered(4)
