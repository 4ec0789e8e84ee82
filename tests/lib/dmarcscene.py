# SPDX-License-Identifier: Apache-2.0
"""Scenes for the plugin dmarc, over a name server of the test's own.

What SPF and DKIM found is left by the actor; an instance of spf that is off
stands in the chain, because dmarc will not be without.
"""

from . import authentication
from .dnsscene import DnsScene
from .scene import actor, records, section

ZONES = {
    '_dmarc.example.com': [
        ('TXT', 'v=DMARC1; p=reject; sp=quarantine; np=reject; '
                'rua=mailto:dmarc@example.com')],
    'news.example.com': [('A', '192.0.2.1')],
    '_dmarc.q.example': [('TXT', 'v=DMARC1; p=quarantine; '
                                 'rua=mailto:r@collector.example!1k,'
                                 'mailto:r@stranger.example,'
                                 'https://q.example/r,mailto:@')],
    'q.example._report._dmarc.collector.example': [('TXT', 'v=DMARC1')],
    '_dmarc.none.example': [('TXT', 'v=DMARC1; p=none')],
    '_dmarc.test.example': [('TXT', 'v=DMARC1; p=reject; t=y')],
    '_dmarc.twice.example': [('TXT', 'v=DMARC1; p=reject'),
                             ('TXT', 'v=DMARC1; p=none')],
    '_dmarc.xn--bcher-kva.example': [('TXT', 'v=DMARC1; p=reject')],
    '_dmarc.bank.example': [('TXT', 'v=DMARC1; psd=y; p=reject')],
    '_dmarc.slow.example': [('TXT', 'v=DMARC1; p=reject')],
    '_dmarc.long.example': [('TXT', 'v=DMARC1; p=reject; x=' + 'y' * 3000)],
}


def notes(*lines):
    return [f'mail note {line}' for line in lines]


def spf(result, domain):
    return notes(f'spf.result {result}', f'spf.domain {domain}')


def dkim(*signatures):
    """(result, domain, selector) each"""
    lines = [f'dkim.count {len(signatures)}']
    for n, signature in enumerate(signatures, 1):
        for key, value in zip(('result', 'domain', 'selector'), signature):
            lines.append(f'dkim.{n}.{key} {value}')
    return notes(*lines)


FAIL = spf('fail', 'elsewhere.example')


class Dmarc(DnsScene):
    zones = ZONES

    def judge(self, *found, limits=None, **options):
        """A daemon whose actor leaves what was found."""
        return self.daemon(
            section('spf', 'spf', mode='off'),
            actor('found', *found),
            section('dmarc', 'dmarc', **options), **(limits or {}))

    def ask(self, d, *froms, **more):
        headers = [('From', value) for value in froms]
        headers += more.pop('headers', [('Subject', 'x')])
        with self.session(d) as m:
            return self.send(m, headers=headers, **more)

    def one(self, d, *froms, **more):
        """(verdict, reply, [results]) of one message."""
        message = self.ask(d, *froms, **more)
        results = []
        for value in authentication.fields(message.edits):
            results += authentication.parse(value)[1]
        verdict, reply = message.verdict, None
        if isinstance(verdict, tuple):
            reply = verdict[1]
            verdict = 'reject' if reply[0] == '5' else 'tempfail'
        if any(edit[0] == 'quarantine' for edit in message.edits):
            verdict = 'quarantine'
        return verdict, reply, results

    def symbols(self, d, count=1):
        return [(s['name'], s['score']) for r in records(d, count)
                for s in r['symbols']]
