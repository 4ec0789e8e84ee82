# SPDX-License-Identifier: Apache-2.0
"""Signed messages, and others who sign and verify: dkimpy and opendkim."""

import base64
import os
import re
import subprocess
import tempfile
from pathlib import Path

import dkim

from . import debs

HEADERS = (('From', 'Joe SixPack <joe@example.com>'),
           ('To', 'Suzie Q <suzie@shopping.example.net>'),
           ('Subject', 'Is  dinner\n\t ready?'),
           ('Date', 'Fri, 11 Jul 2003 21:00:37 -0700 (PDT)'),
           ('Message-ID', '<20030712040037.46341.5F8J@example.com>'))
BODY = (b'Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n'
        b'A very long line: ' + b'blah ' * 150 + b'\r\n..\r\n \r\n\r\n')

# RFC 8463, appendix A.
RFC_H = ('h=from : to :\n subject : date : message-id : from : subject : '
         'date;\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n b=')
RFC_HEADERS = (
    ('DKIM-Signature',
     'v=1; a=ed25519-sha256; c=relaxed/relaxed;\n'
     ' d=football.example.com; i=@football.example.com;\n'
     ' q=dns/txt; s=brisbane; t=1528637909; ' + RFC_H +
     '/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n'
     ' Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=='),
    ('DKIM-Signature',
     'v=1; a=rsa-sha256; c=relaxed/relaxed;\n'
     ' d=football.example.com; i=@football.example.com;\n'
     ' q=dns/txt; s=test; t=1528637909; ' + RFC_H +
     'F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n'
     ' DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n'
     ' dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8='),
    ('From', 'Joe SixPack <joe@football.example.com>'),
    ('To', 'Suzie Q <suzie@shopping.example.net>'),
    ('Subject', 'Is dinner ready?'),
    ('Date', 'Fri, 11 Jul 2003 21:00:37 -0700 (PDT)'),
    ('Message-ID', '<20030712040037.46341.5F8J@football.example.com>'))
RFC_BODY = (b'Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n'
            b'Joe.\r\n')
RFC_ZONE = {
    'brisbane._domainkey.football.example.com': [
        ('TXT', 'v=DKIM1; k=ed25519; '
         'p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=')],
    'test._domainkey.football.example.com': [
        ('TXT', 'v=DKIM1; k=rsa; '
         'p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6'
         'Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/'
         '8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kr'
         'yOTIKT+l/K4w3QIDAQAB')]}


def openssl(*words, data=None):
    return subprocess.run(['openssl', *words], input=data, check=True,
                          capture_output=True).stdout


class Key:
    """A key made by openssl(1): PEM, the raw seed, p= of its record."""

    def __init__(self, kind='rsa', bits=2048):
        if kind == 'rsa':
            self.pem = openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt',
                               f'rsa_keygen_bits:{bits}')
            self.algorithm = b'rsa-sha256'
            self.secret = openssl('rsa', '-traditional', data=self.pem)
        else:
            self.pem = openssl('genpkey', '-algorithm', 'ED25519')
            self.algorithm = b'ed25519-sha256'
            seed = openssl('pkey', '-outform', 'DER', data=self.pem)[-32:]
            self.secret = base64.b64encode(seed)
        public = openssl('pkey', '-pubout', '-outform', 'DER', data=self.pem)
        if kind != 'rsa':
            public = public[-32:]
        self.record = (f'v=DKIM1; k={kind}; '
                       f'p={base64.b64encode(public).decode()}')


def strings(record):
    """The strings of a TXT record of any length."""
    return [record[i:i + 250] for i in range(0, len(record), 250)]


def zone(records):
    """{name: record} for lib.dnsserver."""
    return {name: [('TXT', *strings(text))]
            for name, text in records.items()}


def raw(headers, body=BODY):
    """The message as it goes over the wire."""
    text = ''.join(f'{name}: {value}\n' for name, value in headers)
    return text.replace('\n', '\r\n').encode() + b'\r\n' + body


def dkimpy_sign(key, selector, headers=HEADERS, body=BODY,
                domain='example.com', canon=(b'relaxed', b'relaxed'), **how):
    """The headers with dkimpy's signature on top."""
    field = dkim.sign(raw(headers, body), selector.encode(), domain.encode(),
                      key.secret, canonicalize=canon,
                      signature_algorithm=key.algorithm, **how)
    value = field.decode().replace('\r\n', '\n').rstrip('\n')
    return (tuple(value.split(': ', 1)), *headers)


def dkimpy_verify(message, records):
    """Whether dkimpy finds them right: each signature, from the top."""
    count = len(re.findall(rb'(?im)^dkim-signature:',
                           message.split(b'\r\n\r\n')[0]))
    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip('.'), '').encode() or None
    verifier = dkim.DKIM(message)
    found = []
    for index in range(count):
        try:
            found.append(verifier.verify(idx=index, dnsfunc=lookup))
        except dkim.DKIMException:
            found.append(False)
    return found


class OpenDkim:
    """Debian's opendkim in its test mode: one message, no DNS, no socket."""

    def __init__(self):
        self.tree = debs.unpack('opendkim', ['opendkim'])
        self.env = dict(os.environ, **debs.env(self.tree))

    def run(self, message, settings):
        """What it says it would do to the message."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / 'message').write_bytes(message)
            (place / 'conf').write_text(
                'Syslog no\nRequireSafeKeys no\nAuthservID mx.test\n' +
                settings(place))
            return subprocess.run(
                [str(self.tree / 'usr/sbin/opendkim'), '-x',
                 str(place / 'conf'), '-vvv', '-t', str(place / 'message')],
                env=self.env, check=True, capture_output=True).stdout.decode()

    def verify(self, message, records):
        """[(result, selector), ...] of its Authentication-Results."""
        def settings(place):
            (place / 'keys').write_text(''.join(
                f'{name} {text}\n' for name, text in records.items()))
            return f'Mode v\nTestPublicKeys {place}/keys\n'
        return re.findall(r'dkim=(\w+)[^;]*?header\.s=(\w+)',
                          self.run(message, settings))

    def sign(self, key, selector, headers=HEADERS, body=BODY,
             canon='relaxed/relaxed'):
        """The headers with its signature on top."""
        def settings(place):
            (place / 'key').write_bytes(key.pem)
            return (f'Mode s\nDomain example.com\nSelector {selector}\n'
                    f'KeyFile {place}/key\nCanonicalization {canon}\n'
                    f'SignatureAlgorithm {key.algorithm.decode()}\n')
        out = self.run(raw(headers, body), settings)
        name, value = re.search(
            r"INSHEADER: idx=\d+ hname='(.*?)' hvalue='(.*?)'", out,
            re.DOTALL).groups()
        return ((name, value), *headers)
