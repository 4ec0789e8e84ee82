#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SPF, DKIM and DMARC together, through both MTAs, over a real name server.

What DKIM alone does with a real MTA's messages is in test_dkim.py.
"""

import contextlib
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

import authres  # noqa: E402

from lib.dkimkeys import Key, dkimpy_sign, raw, strings  # noqa: E402
from lib.endtoend import (  # noqa: E402
    BODY,
    EndToEnd,
    main,
    quote,
    variants,
)
from lib.nsd import Nsd  # noqa: E402

RSA = Key("rsa")
REJECT = '_dmarc TXT "v=DMARC1; p=reject"\n'
# The client of all tests is 127.0.0.1.
ZONES = {
    "example.org": '@ TXT "v=spf1 ip4:127.0.0.0/8 -all"\n' + REJECT
    + f"rsa._domainkey TXT {' '.join(map(quote, strings(RSA.record)))}\n",
    "strict.example": '@ TXT "v=spf1 -all"\n' + REJECT,
    "held.example": '@ TXT "v=spf1 -all"\n'
    '_dmarc TXT "v=DMARC1; p=quarantine"\n',
    "silent.example": "www A 192.0.2.1\n",
}
# By default clients of this machine are not checked.
EVERYBODY = 'skip-clients = { "192.0.2.1" }'
SPF, DKIM = f'spf "spf" {{ {EVERYBODY} }}\n', 'dkim "dkim" { }\n'
DMARC = f'dmarc "dmarc" {{ {EVERYBODY} }}\n'


def letter(author, *more):
    return (
        ("Date", "Tue, 24 Nov 2026 12:00:00 +0000"),
        ("From", f"Ann <{author}>"),
        ("To", "bob@example.test"),
        ("Subject", "a  folded\n\tsubject"),
        ("Message-ID", "<1@example.org>"),
        *more,
    )


def signed(headers):
    return dkimpy_sign(RSA, "rsa", headers, BODY, "example.org")


class Dmarc(EndToEnd):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            dns = stack.enter_context(Nsd(ZONES))
            cls.daemon_options = f'dns-servers = {{ "{dns.address}" }}\n'
            super().setUpClass()
            stack.push(cls.stack)
            cls.stack = stack.pop_all()

    def verify(self, dmarc=DMARC):
        self.chain(SPF, DKIM, dmarc)

    def results(self, headers, **options):
        """{method: result}, and From's domain, of a delivered message."""
        head = self.delivered(raw(headers, BODY), **options).data
        head = head.split(b"\r\n\r\n")[0] + b"\r\n"
        (field,) = re.findall(
            rb"^Authentication-Results:.*\r\n(?:[ \t].*\r\n)*", head,
            re.MULTILINE,
        )
        parsed = authres.AuthenticationResultsHeader.parse(
            field.decode().rstrip("\r\n")
        )
        found = {r.method: r.result for r in parsed.results}
        (dmarc,) = [r for r in parsed.results if r.method == "dmarc"]
        found["from"] = dmarc.properties[0].value
        return found

    def refused(self, headers, sender):
        reply = self.send(raw(headers, BODY), sender=sender)
        self.assert_nothing_delivered()
        return reply.code, reply.dsn, str(reply)


class Aligned(Dmarc):
    def test_by_spf(self):
        self.verify()
        found = self.results(letter("ann@example.org"))
        self.assertEqual(
            found,
            {"spf": "pass", "dkim": "none", "dmarc": "pass",
             "from": "example.org"},
        )

    def test_by_a_signature_where_spf_does_not_help(self):
        """Sent on by somebody else."""
        self.verify()
        found = self.results(
            signed(letter("ann@example.org")), sender="list@silent.example"
        )
        self.assertEqual((found["dkim"], found["dmarc"]), ("pass", "pass"))

    def test_a_signature_that_is_broken_helps_nobody(self):
        self.verify()
        headers = [
            (name, value.replace("folded", "changed"))
            for name, value in signed(letter("ann@example.org"))
        ]
        code, dsn, said = self.refused(headers, "list@silent.example")
        self.assertEqual((code, dsn), (550, "5.7.1"))
        self.assertIn("DMARC policy for example.org", said)


class Spoofed(Dmarc):
    def test_refused_as_its_domain_asks(self):
        self.verify()
        code, dsn, said = self.refused(
            letter("boss@strict.example"), "x@silent.example"
        )
        self.assertEqual((code, dsn), (550, "5.7.1"))
        self.assertIn("strict.example", said)

    def test_refused_by_spf_before_it_comes_to_that(self):
        self.chain(f'spf "spf" {{ {EVERYBODY}  fail = reject }}\n')
        code, dsn, _ = self.refused(
            letter("x@strict.example"), "x@strict.example"
        )
        self.assertEqual((code, dsn), (550, "5.7.23"))

    def test_where_holding_is_not_enough(self):
        self.verify(f'dmarc "dmarc" {{ {EVERYBODY}  quarantine = reject }}\n')
        code, _, _ = self.refused(
            letter("boss@held.example"), "x@silent.example"
        )
        self.assertEqual(code, 550)

    def test_results_that_are_forged(self):
        """Ours are removed; those of others stay."""
        self.verify()
        field = "Authentication-Results"
        head = self.delivered(raw(letter(
            "ann@example.org",
            (field, "mx.test; dmarc=pass"),
            (field, "(x) MX.TEST (y) 1; spf=pass"),
            (field, "other.example; spf=fail")), BODY)).data
        head = head.split(b"\r\n\r\n")[0]
        self.assertEqual(
            re.findall(rb"(?im)^authentication-results: (\S+)", head),
            [b"mx.test;", b"other.example;"],
        )
        self.assertNotIn(b"mx.test; dmarc=pass", head)


variants(globals(), Aligned, Spoofed, families=("unix",))

if __name__ == "__main__":
    main(globals())
