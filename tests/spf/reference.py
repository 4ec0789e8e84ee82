# SPDX-License-Identifier: Apache-2.0
"""pyspf as a second opinion, with its departures from RFC 7208 mended.

MENDS names each of them; a query is as pyspf's own but for those mends that
it is created with.
"""

import re
import sys

import evaluate
import spf

MENDS = {
    'voids': 'questions about hosts of an mx and names of the client count '
             'as void lookups (4.6.4 speaks of terms)',
    'redirect': 'a redirect counts as a term although it is not followed '
                '(4.6.4, 6.1)',
    'ptr': 'an error in the look-up of names ends the check (5.5)',
    'name': 'the name of the client is chosen once, not for each domain, '
            'and compared with regard to case (7.3)',
    'mx': 'an error for a host of an mx ends the check although a host '
          'before it matches',
    'self': 'an include of the own domain is an error although a term '
            'before it matches (4.6.2)',
    'modifiers': 'names of modifiers are compared with regard to case, and '
                 'unknown ones must not be repeated (6)',
    'bytes': 'control characters are taken in domains and modifiers (7.1)',
    'macros': 'macros with other delimiters, without end, or that keep 0 '
              'parts are taken, but no text that ends in %% (7.1)',
    'joiner': 'the parts of a macro are joined by what was between them, '
              'not by dots (7.3)',
    'letters': 'c, r and t are errors in the value of an unknown modifier '
               '(7.2)',
    'length': 'of a name that is too long one label is cut, not as many as '
              'it takes, and of a long explanation, too (7.3)',
    'labels': 'a domain of one label may be asked about (4.3)',
    'sender': '%{s} of a sender without local part has none (4.3)',
}

JOINERS = spf.JOINERS
MACRO = re.compile(r'%(?:[%_-]|\{[slodiphcrtv](?:0*[1-9][0-9]*)?r?'
                   r'[.\-+,/_=]*\})', re.I)
MODIFIER = re.compile(r'([a-z][a-z0-9_.-]*)=(.*)', re.I | re.S)


class Lookup:
    """spf.DNSLookup over a zone."""

    def __init__(self, zone):
        self.zone = zone

    def __call__(self, name, kind, strict=True, timeout=None):
        name = str(name).lower().rstrip('.')
        status, values = evaluate.resolve(self.zone, name, kind)
        if status == 'tempfail':
            raise spf.TempError('DNS timeout')
        for value in values:
            if kind == 'TXT':
                value = (value,)
            elif kind == 'MX':
                value = (value[0], value[1].rstrip('.'))
            elif kind == 'PTR':
                value = value.rstrip('.')
            yield (name, kind), value


class Unlike(str):
    """A domain that equals no other."""

    def __eq__(self, other):
        return False

    def __ne__(self, other):
        return True

    __hash__ = str.__hash__


class Query(spf.query):
    def __init__(self, mends, **values):
        self.mends = mends
        self.quiet = False
        super().__init__(**values)
        if 'sender' in mends:
            self.s = f'{self.l}@{self.o}'

    def run(self):
        """(result, explanation or None)"""
        self.set_default_explanation('')
        if 'labels' in self.mends and not complete(self.d):
            return 'none', None
        result, _, explanation = self.check()
        return result, result == 'fail' and explanation or None

    # What is counted

    def dns(self, name, kind, cnames=None, ignore_void=False):
        if 'voids' in self.mends:
            ignore_void = ignore_void or self.quiet or kind == 'TXT'
        return super().dns(name, kind, cnames, ignore_void)

    def quietly(self, call, *words):
        self.quiet = True
        try:
            return call(*words)
        finally:
            self.quiet = False

    def check_lookups(self):
        """pyspf's check0 calls this for a redirect when it is read."""
        there = sys._getframe(1).f_locals
        if ('redirect' in self.mends and there.get('mod') == 'redirect' and
                there['redirect'] is None):
            return
        super().check_lookups()

    def dns_spf(self, domain):
        there = sys._getframe(1).f_locals
        if 'redirect' in self.mends and there.get('redirect') is domain:
            super().check_lookups()
        if 'labels' in self.mends and not complete(domain):
            return None
        return super().dns_spf(str(domain))

    # Hosts and names

    def dns_mx(self, domain):
        hosts = sorted(self.dns(domain, 'MX'))
        if len(hosts) > spf.MAX_MX:
            raise spf.PermError('too many MX')
        found = (address for _, host in hosts
                 for address in self.quietly(self.dns_a, host, self.A))
        return found if 'mx' in self.mends else list(found)

    def cidrmatch(self, addresses, n):
        return any(super(Query, self).cidrmatch([address], n)
                   for address in addresses)

    def validated_ptrs(self):
        if 'ptr' not in self.mends:
            return self.quietly(super().validated_ptrs)
        found = []
        try:
            for name in self.quietly(self.dns_ptr, self.i)[:spf.MAX_PTR]:
                try:
                    addresses = self.quietly(self.dns_a, name, self.A)
                except spf.TempError:
                    continue
                if self.cidrmatch(addresses, self.cidrmax):
                    found.append(name)
        except spf.TempError:
            pass
        return found

    def getp(self):
        if 'name' not in self.mends:
            return super().getp()
        names, domain = self.validated_ptrs(), self.d.lower()
        below = [n for n in names if n.lower().endswith('.' + domain)]
        same = [n for n in names if n.lower() == domain]
        self.p = (same + below + names + ['unknown'])[0].lower()
        return self.p

    # Syntax

    def check0(self, record, recursion):
        if record and record.lower().startswith('v=spf1'):
            terms = record.split(' ')
            record = ' '.join(terms[:1] + [
                self.mend(i, term) for i, term in enumerate(terms[1:])
                if term])
        return super().check0(record, recursion)

    def check1(self, record, domain, recursion):
        return super().check1(record, str(domain), recursion)

    def mend(self, i, term):
        """The same term, as pyspf reads it right; or PermError."""
        if 'bytes' in self.mends and not all(' ' < c <= '~' for c in term):
            raise spf.PermError('control character', term)
        if 'macros' in self.mends and '%' in MACRO.sub('', term):
            raise spf.PermError('macro', term)
        match = MODIFIER.fullmatch(term)
        if not match:
            if 'self' in self.mends and \
                    re.fullmatch('[-+?~]?include', term, re.I):
                raise spf.PermError('no domain', term)
            return term
        name, value = match.groups()
        known = name.lower() in ('redirect', 'exp')
        if 'letters' in self.mends and not known:
            value = re.sub(r'%\{[crt]', '%{i', value, flags=re.I)
        if 'modifiers' in self.mends:
            name = name.lower() if known else f'x{i}'
        return name + '=' + value

    def expand_domain(self, text):
        domain = super().expand_domain(text)
        return Unlike(domain) if 'self' in self.mends else domain

    def expand(self, text, stripdot=True):
        if 'length' in self.mends and not stripdot and ' ' in text:
            return ' '.join(self.expand(word, False)
                            for word in text.split(' '))
        if 'macros' in self.mends and text.endswith('%%'):
            # A dot more, which is taken off again.
            out = super().expand(text + '.', stripdot)
            return out if stripdot else out[:-1]
        out = super().expand(text, stripdot)
        while ('length' in self.mends and stripdot and len(out) > 253 and
               '.' in out):
            out = out.partition('.')[2]
        return out

    def get_explanation(self, domain):
        if {'macros', 'bytes'} & self.mends:
            texts = self.dns_txt(domain, ignore_void=True)
            text = b''.join(texts).decode('latin-1')
            if not all(' ' <= c <= '~' for c in text) or \
                    '%' in MACRO.sub('', text):
                return None
        return super().get_explanation(domain)


def complete(domain):
    """RFC 7208, 4.3"""
    labels = domain.rstrip('.').split('.')
    return (len(domain) <= 253 and len(labels) > 1 and
            not domain.startswith('[') and
            all(0 < len(label) < 64 for label in labels))


def ask(zone, address, helo, sender, mends=frozenset()):
    """(result, explanation) in the opinion of pyspf."""
    spf.DNSLookup = Lookup(zone)
    spf.JOINERS = JOINERS if 'joiner' not in mends else dict.fromkeys(
        'slodiphcrtv', '.')
    return Query(mends, i=address, s=sender, h=helo,
                 receiver='mx.example.net').run()
