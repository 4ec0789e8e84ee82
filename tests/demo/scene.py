# SPDX-License-Identifier: Apache-2.0
"""What the stories of the demo share: millraced, Postfix, and a narrator."""

import contextlib
import os
import re
import sys
import textwrap
import threading
import time

from lib import ports
from lib.daemon import BUILD, Daemon
from lib.mta import Milter
from lib.postfix import Postfix
from lib.sink import Sink
from lib.smtpclient import SmtpClient

ALICE, BOB = 'alice@example.org', 'bob@example.test'
GRACE, PASSWORD = 'grace', 'secret'
WIDTH = 76


def letter(sender, subject, text='Hello.', recipient=BOB):
    return (f'From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n'
            f'Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n'
            f'Message-ID: <{time.time_ns()}@example.org>\r\n'
            f'\r\n{text}\r\n').encode()


def said(label, text):
    first = f'  {label:13} '
    print(textwrap.fill(str(text), WIDTH, initial_indent=first,
                        subsequent_indent=' ' * 16,
                        break_long_words=False))


def indent(text):
    print(textwrap.indent(text.rstrip(), '    '))


class Scene:
    """A context manager; stories tell themselves with its help."""

    def __init__(self, config):
        self.steps = 0
        self.stack = contextlib.ExitStack()
        self.port = ports.claim().number
        self.config = config

    def __enter__(self):
        enter = self.stack.enter_context
        self.sink = enter(Sink())
        self.daemon = enter(Daemon(self.text(self.config)))
        self.mta = enter(Postfix(
            self.sink.port,
            milters=[Milter(f'inet:{self.port}@127.0.0.1')],
            logins={GRACE: PASSWORD},
            domains=('example.test', 'example.org')))
        return self

    def __exit__(self, *_):
        self.stack.close()

    # The narrator

    def heading(self, text):
        self.steps += 1
        text = f'{self.steps}. {text}'
        print(f'\n\033[1m{text}\033[0m' if sys.stdout.isatty()
              else f'\n{text}')

    def run(self, *words, input=None):
        """A command of the postmaster's, and what it says."""
        said('millrace', ' '.join(words))
        done = self.daemon.command(*words, input=input)
        indent(done.stdout + done.stderr)

    def explain(self, sender):
        """The journal's word on the newest message of a sender."""
        newest = self.daemon.json('history', '--sender', sender,
                                  '--limit', '1')
        indent(self.daemon.command('explain', newest[0]['id']).stdout)

    # The configuration

    def text(self, config):
        return config.replace('%PORT%', str(self.port)).replace('\\\n', '')

    def configure(self, config):
        self.daemon.write(self.text(config))
        done = self.daemon.command('reload')
        said('reload', (done.stdout + done.stderr).strip())

    # The mail

    def send(self, sender, recipient, subject, before_data=None):
        """One message; what the client was told at each step."""
        return self.deliver(letter(sender, subject, recipient=recipient),
                            sender, recipient, before_data=before_data)

    def deliver(self, message, sender, recipient=BOB, client=None,
                before_data=None):
        """The same for a whole message, from a client's address."""
        with SmtpClient('127.0.0.1', self.mta.smtp_port) as smtp:
            smtp.ehlo('mail.example.org')
            if client:
                smtp.xclient(addr=client, name='host.example.net')
                smtp.ehlo('host.example.net')
                said('from client', client)
            reply = smtp.mail(sender)
            said('MAIL FROM', reply)
            if reply.code < 400:
                reply = smtp.rcpt(recipient)
                said('RCPT TO', reply)
            if reply.code < 400:
                if before_data:
                    before_data()
                reply = smtp.data(message)
                said('after the dot', reply)
            smtp.quit()
        return reply

    def submit(self, subject):
        """A message of an account that has logged in."""
        sender = f'{GRACE}@example.org'
        with SmtpClient('127.0.0.1', self.mta.submission_port) as smtp:
            smtp.ehlo('laptop.example.org')
            smtp.auth_plain(GRACE, PASSWORD)
            reply = smtp.send(sender, [BOB], letter(sender, subject))
            said('message ' + subject, reply)
            smtp.quit()

    def arrived(self, count):
        """The count-th message that was delivered, without Received."""
        data = self.sink.wait_for(count, 30)[count - 1].data
        return re.sub(rb'(?m)^Received:.*\r\n(?:[ \t].*\r\n)*', b'', data)

    def keep(self):
        command = f'{BUILD}/millrace --conf {self.daemon.config()}'
        print('\nAll of it goes on running until you press Ctrl-C.  Try:')
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
