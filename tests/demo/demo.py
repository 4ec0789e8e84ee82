#!/usr/bin/env python3
"""See it work: a private Postfix, millraced, and real mail through both.

usage: demo.py [--keep]     run by `make demo` and `make demo KEEP=1`
"""

import os
import signal
import sys
import textwrap
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests'))
sys.pycache_prefix = os.path.join(ROOT, 'build', 'pycache')

from lib import ports  # noqa: E402
from lib.daemon import BUILD, Daemon  # noqa: E402
from lib.mta import Milter  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.smtpclient import SmtpClient  # noqa: E402

# All that is not said here is built in.
CONFIG = '''
listener "mx" {{
  socket = "inet:{port}@127.0.0.1"
  chain  = {{ "access", "new-rule", "limits", "stamp" }}
}}
access "access" {{
  deny-recipients = {{ "closed@example.test 550 5.7.1 This mailbox is closed, \\
write to office@example.test" }}
  deny-headers    = {{ "\\"Subject: *lottery*\\" 550 5.7.1 No lotteries here" }}
}}
access "new-rule" {{
  mode         = observe
  deny-senders = {{ "@offers.example" }}
}}
ratelimit "limits" {{
  authenticated = yes
  limits        = {{ "2 messages / 1h", "20 recipients / 1d" }}
  reply         = "You have sent your {{limit}}, you may go on {{when}}"
}}
headers "stamp" {{
  add = {{ "X-Filtered: {greeting} from {{client_addr}} as {{helo}}" }}
}}
'''

ALICE, BOB = 'alice@example.org', 'bob@example.test'
GRACE, PASSWORD = 'grace', 'secret'
WIDTH = 76


def configuration(port, greeting):
    return CONFIG.format(port=port, greeting=greeting).replace('\\\n', '')


def letter(sender, recipient, subject):
    return (f'From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n'
            f'Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n'
            f'Message-ID: <{time.time_ns()}@example.org>\r\n'
            '\r\nHello.\r\n').encode()


def heading(text):
    print(f'\n\033[1m{text}\033[0m' if sys.stdout.isatty() else f'\n{text}')


def said(label, text):
    first = f'  {label:13} '
    print(textwrap.fill(str(text), WIDTH, initial_indent=first,
                        subsequent_indent=' ' * 16,
                        break_long_words=False))


def indent(text):
    print(textwrap.indent(text.rstrip(), '    '))


class Demo:
    def __init__(self, daemon, mta, sink, port):
        self.daemon, self.mta, self.sink, self.port = daemon, mta, sink, port

    def client(self):
        client = SmtpClient('127.0.0.1', self.mta.smtp_port)
        client.ehlo('mail.example.org')
        return client

    def explain(self, sender):
        """The journal's word on the newest message of a sender."""
        newest = self.daemon.json('history', '--sender', sender,
                                  '--limit', '1')
        indent(self.daemon.command('explain', newest[0]['id']).stdout)

    def send(self, sender, recipient, subject, before_data=None):
        """One message; what the client was told at each step."""
        with self.client() as client:
            reply = client.mail(sender)
            said('MAIL FROM', reply)
            if reply.code < 400:
                reply = client.rcpt(recipient)
                said('RCPT TO', reply)
            if reply.code < 400:
                if before_data:
                    before_data()
                reply = client.data(letter(sender, recipient, subject))
                said('after the dot', reply)
            client.quit()
        return reply

    def submit(self, subject):
        """A message of an account that has logged in."""
        sender = f'{GRACE}@example.org'
        with SmtpClient('127.0.0.1', self.mta.submission_port) as client:
            client.ehlo('laptop.example.org')
            client.auth_plain(GRACE, PASSWORD)
            reply = client.send(sender, [BOB], letter(sender, BOB, subject))
            said('message ' + subject, reply)
            client.quit()

    def delivered(self, count):
        """The field that millrace added to the last delivered message."""
        data = self.sink.wait_for(count, 30)[-1].data.decode()
        for line in data.split('\r\n'):
            if line.startswith('X-Filtered'):
                said('delivered with', line)

    def run(self):
        heading('1. A message that nobody objects to')
        self.send(ALICE, BOB, 'Minutes of the meeting')
        self.explain(ALICE)

        heading('2. The same as it was delivered: one header field more')
        self.delivered(1)

        heading('3. Refused at RCPT, with a text of the postmaster\'s own')
        self.send('carol@example.org', 'closed@example.test', 'Hello?')
        self.explain('carol@example.org')

        heading('4. Refused after the dot, for its Subject')
        self.send('dave@example.org', BOB, 'You won the LOTTERY')
        self.explain('dave@example.org')

        heading('5. A rule on trial (mode = observe): delivered, but see what '
                'it would do')
        self.send('sales@offers.example', BOB, 'Offer of the week')
        self.explain('sales@offers.example')

        heading('6. The configuration is reloaded in the middle of a message')
        self.send('erin@example.org', BOB, 'Do not lose this one',
                  before_data=self.reload)
        self.explain('erin@example.org')
        self.delivered(3)

        heading('7. The next message has the new configuration')
        self.send('frank@example.org', BOB, 'And this one?')
        self.delivered(4)

        heading('8. An account reaches its limit of 2 messages an hour')
        for subject in ('One', 'Two', 'Three'):
            self.submit(subject)
        key = self.daemon.json('limits', 'top', '1')[0]['key']
        account = key.removeprefix('mailbox:')
        said('limits show', account)
        indent(self.daemon.command('limits', 'show', account).stdout)

        heading('9. The postmaster lets it go on')
        for words in (('set', account, '50 messages / 1h'),
                      ('show', account)):
            said('limits ' + words[0], ' '.join(words[1:]))
            indent(self.daemon.command('limits', *words).stdout)
        time.sleep(1)       # a change counts within a second
        self.submit('Four')

        heading('millrace status')
        indent(self.daemon.command('status').stdout)

    def reload(self):
        self.daemon.write(configuration(self.port, 'welcome'))
        done = self.daemon.command('reload')
        said('reload', (done.stdout + done.stderr).strip())

    def keep(self):
        command = f'{BUILD}/millrace --conf {self.daemon.config()}'
        heading('All of it goes on running until you press Ctrl-C.  Try:')
        indent(f'''
{command} status
{command} history
{command} explain ID          (an id that history shows)
{command} chain mx
{command} config --help-texts
{command} check --ip 192.0.2.1 --from {ALICE} --rcpt {BOB} FILE
edit {self.daemon.config()}, then
{command} reload

SMTP is on 127.0.0.1 port {self.mta.smtp_port}; this sends a message:
python3 -c 'import smtplib; smtplib.SMTP("127.0.0.1", {self.mta.smtp_port})\\
.sendmail("{ALICE}", ["{BOB}"], "Subject: hi\\r\\n\\r\\nHello.")'

The log of millraced is {self.daemon.path("log")},
that of Postfix {self.mta.log_path}.''')
        sys.stdout.flush()
        threading.Event().wait()


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    port = ports.claim()
    sys.stdout.reconfigure(line_buffering=True)
    print('Starting millraced and a private Postfix ...')
    with Sink() as sink, \
            Daemon(configuration(port.number, 'seen')) as daemon, \
            Postfix(sink.port, milters=[
                Milter(f'inet:{port.number}@127.0.0.1')],
                logins={GRACE: PASSWORD},
                domains=('example.test', 'example.org')) as mta:
        print(f'millraced listens on port {port.number}, '
              f'Postfix on port {mta.smtp_port} of 127.0.0.1.')
        demo = Demo(daemon, mta, sink, port.number)
        demo.run()
        if '--keep' in arguments:
            demo.keep()
    print('\nEverything is stopped again.  `make demo KEEP=1` leaves it '
          'running.')


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        print('\nEverything is stopped again.')
