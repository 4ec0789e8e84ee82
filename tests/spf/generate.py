# SPDX-License-Identifier: Apache-2.0
"""Checks at random: a zone, a client, a HELO name and a sender.

Records are mostly right, with terms and macros of every kind that lead to
names which are there, are not, or fail; some get a byte changed.
"""

import random

DOMAINS = [f'd{n}.example' for n in range(6)] + ['sub.d0.example']
HOSTS = [f'h{n}.example' for n in range(5)] + ['mail.d0.example']
NETWORKS = ['192.0.2.', '198.51.100.', '203.0.113.']
NOISE = [chr(n) for n in range(0x21, 0x7f)] + ['\t', '\x01', '\x7f', '\xe9',
                                               '%', '%', '/', ':', '=', '.']
LOCALS = ['user', 'strong-bad', 'a.b+c', '~x&y', "o'hara", 'a_b=c/d', 'A,B',
          'x' * 60, 'Bob Smith']
HELOS = ['mail.d0.example', 'd1.example', 'localhost', '[192.0.2.1]',
         'h0.example', 'a..b.example', 'x' * 70 + '.example', '%{d}.example',
         'FOO.d0.EXAMPLE']


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def chance(self, percent):
        return self.r.random() * 100 < percent

    def pick(self, *items):
        return self.r.choice(items)

    # Addresses

    def ip4(self):
        return self.r.choice(NETWORKS) + str(self.r.randrange(1, 6))

    def ip6(self):
        return f'2001:db8::{self.r.randrange(1, 4):x}' if self.chance(80) \
            else f'2001:db8:{self.r.randrange(4)}::{self.r.randrange(9):x}'

    def client(self):
        kind = self.r.random()
        if kind < .6:
            return self.ip4()
        return self.ip6() if kind < .95 else '::ffff:' + self.ip4()

    # Macros and domains

    def macro(self, letters='slodiphv'):
        letter = self.r.choice(letters)
        if self.chance(15):
            letter = letter.upper()
        digits = str(self.r.randrange(1, 5)) if self.chance(40) else ''
        if self.chance(1):
            digits = self.pick('0', '00', '02', '200')
        delimiters = ''.join(self.r.choice('.-+,/_=')
                             for _ in range(self.pick(0, 0, 0, 1, 2)))
        return ('%{' + letter + digits + self.pick('', '', 'r') +
                delimiters + '}')

    def name(self):
        name = self.pick(*DOMAINS, *HOSTS, 'no.example', 'gone.d0.example')
        if self.chance(5):
            name = name.title()
        return name + ('.' if self.chance(3) else '')

    def domain(self):
        kind = self.r.random()
        if kind < .72:
            return self.name()
        if kind < .82:
            return self.macro() + '.' + self.name()
        if kind < .88:
            return self.pick('%{d}', '%{o}', '%{h}', '%{d2}', '%{p}')
        if kind < .91:
            return self.pick('%%', '%_', '%-') + '.' + self.name()
        if kind < .93:
            return '.'.join(['%{s}', '%{l}', '%{o}'] * 9 + [self.name()])
        if kind < .96:
            return self.macro() + self.macro()
        return self.pick('', 'example', 'a..example', '1.2.3.4', 'x.123',
                         'x.-a', 'x.a-', 'a' * 64 + '.example', 'foo:25',
                         'a/b.example', 'x.a-b', 'x.1-2', '.example')

    def cidr(self):
        four = self.pick('', '', '', '/0', '/8', '/24', '/31', '/32')
        six = self.pick('', '', '', '//0', '//32', '//64', '//127', '//128')
        if self.chance(2):
            four = self.pick('/33', '/024', '/', '/1/2', '/-1', '/999999999')
        if self.chance(2):
            six = self.pick('//129', '//0128', '//', '///64')
        return four + six

    # Terms

    def mechanism(self):
        kind = self.r.choices(
            ('a', 'mx', 'ptr', 'ip4', 'ip6', 'exists', 'include', 'all'),
            (15, 12, 8, 20, 12, 12, 18, 3))[0]
        text = self.pick('', '', '', '+', '-', '?', '~')
        text += kind.upper() if self.chance(4) else kind
        if kind in ('a', 'mx'):
            if self.chance(60):
                text += ':' + self.domain()
            return text + (self.cidr() if self.chance(50) else '')
        if kind == 'ptr':
            return text + (':' + self.domain() if self.chance(60) else '')
        if kind in ('exists', 'include'):
            return text + ':' + self.domain()
        if kind == 'ip4':
            return text + ':' + self.ip4() + self.pick(
                '', '', '/32', '/24', '/30', '/0', '/8')
        if kind == 'ip6':
            return text + ':' + self.pick(
                self.ip6(), '::', '::192.0.2.1', '1:2:3:4:5:6:7:8',
                '2001:db8::') + self.pick('', '', '/128', '/32', '/64', '/0')
        return text

    def modifier(self):
        kind = self.r.random()
        if kind < .4:
            return self.pick('redirect', 'redirect', 'redirect', 'Redirect') \
                + '=' + self.domain()
        if kind < .8:
            return self.pick('exp', 'exp', 'exp', 'EXP') + '=' + \
                self.pick('exp.example', 'exp2.example', 'noexp.example',
                          self.domain())
        return self.pick('x', 'foo.bar', 'a-b_c', 'default', 'op', 'x') + \
            '=' + self.pick('', 'y', '%{i}', '%{c}', '%{z}', 'a=b:c', '%',
                            '%{d0}', '%{l?}')

    def record(self):
        if self.chance(2):
            return self.pick('v=spf1', 'v=spf1 ', 'v=spf10 -all', 'v=spf2 a',
                             'spf1 -all', '')
        terms = [self.mechanism()
                 for _ in range(self.pick(0, 1, 1, 2, 2, 3, 4, 6, 12))]
        if self.chance(25):
            terms.insert(self.r.randrange(len(terms) + 1), self.modifier())
        if self.chance(5):
            terms.insert(self.r.randrange(len(terms) + 1), self.modifier())
        if self.chance(60):
            terms.append(self.pick('-all', '-all', '~all', '?all', 'all'))
        text = 'v=spf1 ' + self.pick(' ', ' ', '  ').join(terms)
        if self.chance(2):
            text = text.upper()
        return self.noisy(text) if self.chance(8) else text

    def noisy(self, text):
        at = self.r.randrange(7, len(text) + 1)
        kind = self.r.random()
        if kind < .4:
            return text[:at] + self.r.choice(NOISE) + text[at:]
        if kind < .8:
            return text[:at] + self.r.choice(NOISE) + text[at + 1:]
        return text[:at] + text[at + 1:]

    # The zone

    def txt(self):
        texts = [self.record().encode('latin-1')]
        if self.chance(4):
            texts.append(self.record().encode('latin-1'))
        if self.chance(10):
            texts.insert(0, b'something else')
        return texts

    def host(self):
        rows = {}
        if self.chance(80):
            rows['A'] = sorted({self.ip4()
                                for _ in range(self.pick(1, 1, 2, 3))})
        if self.chance(60):
            rows['AAAA'] = sorted({self.ip6() for _ in range(self.pick(1, 2))})
        if self.chance(3):
            rows[self.pick('A', 'AAAA')] = 'TIMEOUT'
        return rows

    def mx(self):
        if self.chance(3):
            return 'TIMEOUT'
        count = self.pick(1, 1, 2, 3) if self.chance(96) else \
            self.pick(10, 11, 12)
        hosts = [*HOSTS, 'no.example', 'd0.example', '']
        return [(n % 3, self.r.choice(hosts)) for n in range(count)]

    def zone(self, client):
        zone = {}
        for name in HOSTS + DOMAINS:
            if self.chance(92):
                zone[name] = self.host()
        for name in DOMAINS:
            rows = zone.setdefault(name, {})
            if self.chance(92):
                rows['TXT'] = self.txt() if self.chance(97) else 'TIMEOUT'
            if self.chance(60):
                rows['MX'] = self.mx()
        if self.chance(70):
            zone[reverse(client)] = {
                'PTR': 'TIMEOUT' if self.chance(5) else
                [self.pick(*HOSTS, *DOMAINS, 'no.example')
                 for _ in range(self.pick(1, 1, 2, 3, 12))]}
        for name in ('exp.example', 'exp2.example'):
            zone[name] = {'TXT': self.explanation()}
        return zone

    def explanation(self):
        if self.chance(5):
            return 'TIMEOUT'
        text = ' '.join(self.pick('See', 'http://x.example/?', self.macro(),
                                  self.macro('slodiphcrv'), '%%', '%_.')
                        for _ in range(4))
        if self.chance(8):
            text = self.noisy('.......' + text)
        return [text.encode('latin-1')] * self.pick(1, 1, 1, 1, 1, 1, 2)

    def check(self):
        """(zone, client, helo, sender)"""
        client = self.client()
        domain = self.pick('d0.example', 'd0.example', 'D0.Example',
                           'sub.d0.example', 'd1.example', 'no.example')
        sender = self.pick(*LOCALS) + '@' + domain
        if self.chance(5):
            sender = self.pick('', '@d0.example', 'a@example', 'd0.example')
        return self.zone(client), client, self.pick(*HELOS), sender


def reverse(client):
    import ipaddress
    address = ipaddress.ip_address(client)
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.reverse_pointer
