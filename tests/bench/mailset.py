# SPDX-License-Identifier: Apache-2.0
"""Signed messages and the zones that verify them, the same at each run.

40 messages of 1.5 KB to 1 MB, 33 KB on average; every third has a second
signature, of another domain.  RSA-2048 keys of the run's own.
"""

import base64
import os
import random
import subprocess

import dkim

AUTHOR, LIST = 'example.com', 'lists.example.org'
SELECTOR = 'bench'
CLIENT = '192.0.2.7'
SENDER = f'sender@{AUTHOR}'
MESSAGES, LARGEST, MEAN = 40, 1 << 20, 33000
SIGNED = [b'from', b'to', b'subject', b'date', b'message-id',
          b'mime-version', b'content-type']
WORDS = ('the of and to in is that for it with as was on be by this are or '
         'from at an report meeting figures attached please find enclosed '
         'minutes agenda invoice schedule order number').split()


class Key:
    """An RSA key: PEM for signers, p= for the zone."""

    def __init__(self, folder, name, bits=2048):
        self.path = os.path.join(folder, f'{name}.pem')
        subprocess.run(['openssl', 'genrsa', '-traditional', '-out',
                        self.path, str(bits)], check=True,
                       capture_output=True)
        with open(self.path, 'rb') as f:
            self.pem = f.read()
        der = subprocess.run(['openssl', 'rsa', '-in', self.path, '-pubout',
                              '-outform', 'DER'], check=True,
                             capture_output=True).stdout
        self.public = base64.b64encode(der).decode()


def sizes():
    """Body sizes: one of 1 MB, the rest spread so that the mean fits."""
    rng = random.Random(1)
    small = [int(1500 * 1.12 ** (i * 0.7)) for i in range(MESSAGES - 1)]
    scale = (MEAN * MESSAGES - LARGEST) / sum(small)
    if scale > 0:
        small = [max(1500, int(s * scale)) for s in small]
    rng.shuffle(small)
    return small + [LARGEST]


def body(size, rng):
    lines, total = [], 0
    while total < size:
        line = ' '.join(rng.choices(WORDS, k=12))[:76]
        lines.append(line)
        total += len(line) + 2
    return '\r\n'.join(lines).encode() + b'\r\n'


def head(number):
    return (f'From: A Sender <{SENDER}>\r\n'
            f'To: A Recipient <recipient@example.net>\r\n'
            f'Subject: Minutes of meeting {number}\r\n'
            f'Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n'
            f'Message-ID: <{number}.bench@{AUTHOR}>\r\n'
            f'MIME-Version: 1.0\r\n'
            f'Content-Type: text/plain; charset=us-ascii\r\n\r\n').encode()


def sign(message, key, domain):
    return dkim.sign(message, SELECTOR.encode(), domain.encode(), key.pem,
                     canonicalize=(b'relaxed', b'relaxed'),
                     include_headers=SIGNED) + message


class MailSet:
    """Folders of messages and the zones; all below one folder."""

    def __init__(self, folder):
        rng = random.Random(2)
        self.author, self.list = Key(folder, 'author'), Key(folder, 'list')
        self.signed = os.path.join(folder, 'signed')
        self.plain = os.path.join(folder, 'plain')
        self.marked = os.path.join(folder, 'marked')
        for path in (self.signed, self.plain, self.marked):
            os.makedirs(path)
        for number, size in enumerate(sizes()):
            plain = head(number) + body(size, rng)
            signed = sign(plain, self.author, AUTHOR)
            if number % 3 == 0:
                signed = sign(signed, self.list, LIST)
            self.write(self.plain, number, plain)
            self.write(self.signed, number, signed)
            self.write(self.marked, number, self.results() + signed)

    @staticmethod
    def write(folder, number, message):
        with open(os.path.join(folder, f'{number:03}'), 'wb') as f:
            f.write(message)

    @staticmethod
    def results():
        """What a DMARC filter reads of those that ran before it."""
        return (f'Authentication-Results: mx.example.org; dkim=pass '
                f'header.d={AUTHOR}; spf=pass smtp.mailfrom={SENDER}\r\n'
                ).encode()

    def keys(self):
        """{name: text} of the key records."""
        return {f'{SELECTOR}._domainkey.{domain}':
                f'v=DKIM1; k=rsa; p={key.public}'
                for domain, key in ((AUTHOR, self.author),
                                    (LIST, self.list))}

    def zones(self):
        def record(domain):
            text = self.keys()[f'{SELECTOR}._domainkey.{domain}']
            return ' '.join(f'"{text[i:i + 250]}"'
                            for i in range(0, len(text), 250))
        return {
            AUTHOR: f'@ TXT "v=spf1 ip4:198.51.100.0/24 mx -all"\n'
                    f'@ MX 10 mail\nmail A {CLIENT}\n'
                    f'{SELECTOR}._domainkey TXT {record(AUTHOR)}\n'
                    f'_dmarc TXT "v=DMARC1; p=reject"\n',
            'example.org': f'{SELECTOR}._domainkey.lists TXT '
                           f'{record(LIST)}\n',
        }
