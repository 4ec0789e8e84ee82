#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SPF, DKIM and DMARC through both MTAs, over a real name server."""

import os
import pwd
import re
import shutil
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

import authres  # noqa: E402

from lib.dkimkeys import (  # noqa: E402
    Key,
    OpenDkim,
    dkimpy_verify,
    strings,
)
from lib.endtoend import (  # noqa: E402
    EndToEnd,
    fields,
    main,
    quote,
    variants,
)
from lib.nsd import Nsd  # noqa: E402

RSA, ED = Key("rsa"), Key("ed25519")
KEYS = {
    "rsa._domainkey.example.org": RSA.record,
    "ed._domainkey.example.org": ED.record,
}


def key_record(selector):
    text = KEYS[f"{selector}._domainkey.example.org"]
    return f"{selector}._domainkey TXT " + " ".join(map(quote, strings(text)))


# The client of all tests is 127.0.0.1.
ZONES = {
    "example.org": "\n".join(
        [
            '@ TXT "v=spf1 ip4:127.0.0.0/8 -all"',
            '_dmarc TXT "v=DMARC1; p=reject"',
            key_record("rsa"),
            key_record("ed"),
        ]
    ),
    "strict.example": '@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=reject"',
    "held.example": '@ TXT "v=spf1 -all"\n'
    '_dmarc TXT "v=DMARC1; p=quarantine"',
    "silent.example": "www A 192.0.2.1",
}
SPF = 'spf "spf" { skip-clients = { "192.0.2.1" } }\n'
DKIM = 'dkim "dkim" { }\n'
DMARC = 'dmarc "dmarc" { skip-clients = { "192.0.2.1" } }\n'
BODY = b"Good morning.\r\n\r\n  Two  blanks. \r\n.dots\r\n\r\n\r\n"


def letter(author="ann@example.org", *lines):
    return (
        fields(
            "Date: Tue, 24 Nov 2026 12:00:00 +0000",
            f"From: Ann <{author}>",
            "To: bob@example.test",
            "Subject: A  folded\r\n\tsubject",
            "Message-ID: <1@example.org>",
            *lines,
        )
        + b"\r\n"
        + BODY
    )


class Auth(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.dns = Nsd(ZONES)
        cls.dns.__enter__()
        cls.daemon_options = f'dns-servers = {{ "{cls.dns.address}" }}\n'
        cls.keys = cls.write_keys()
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.dns.__exit__()
            shutil.rmtree(cls.keys)

    @classmethod
    def write_keys(cls):
        folder = tempfile.mkdtemp(prefix="millrace-keys-", dir="/run")
        os.chmod(folder, 0o755)
        owner = pwd.getpwnam("nobody").pw_uid
        for name, data in (("rsa", RSA.pem), ("ed", ED.pem)):
            path = os.path.join(folder, name)
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, 0o600)
            os.chown(path, owner, -1)
        with open(os.path.join(folder, "table"), "w", encoding="ascii") as f:
            f.write("example.org rsa rsa\nexample.org ed ed\n")
        return folder

    def sign(self):
        self.chain(
            f'dkim "sign" {{ sign = true  keys = "{self.keys}/table"\n'
            f'  sign-clients = {{ "127.0.0.0/8" }} }}\n'
        )

    def verify(self):
        self.chain(SPF, DKIM, DMARC)

    def results(self, delivered):
        """{method: [(result, {property: value})]} of the one field."""
        head = delivered.data.split(b"\r\n\r\n")[0] + b"\r\n"
        found = re.findall(
            rb"^(Authentication-Results:.*\r\n(?:[ \t].*\r\n)*)",
            head, re.MULTILINE,
        )
        self.assertEqual(len(found), 1, head)
        parsed = authres.AuthenticationResultsHeader.parse(
            found[0].decode().rstrip("\r\n"))
        results = {}
        for r in parsed.results:
            results.setdefault(r.method, []).append(
                (r.result, {f"{p.type}.{p.name}": p.value
                            for p in r.properties}))
        return results

    def words(self, delivered):
        return {method: sorted(result for result, _ in found)
                for method, found in self.results(delivered).items()}

    def refused(self, content, sender, code=550):
        reply = self.send(content, sender=sender)
        self.assertEqual(reply.code, code, reply)
        self.assert_nothing_delivered()
        return str(reply)

    def signed(self, content=letter()):
        """What leaves us, without the MTA's own trace field."""
        self.sign()
        got = self.delivered(content).data
        head, body = got.split(b"\r\n\r\n", 1)
        self.assertEqual(head.lower().count(b"dkim-signature:"), 2, head)
        return self.without_trace(got)

    def without_trace(self, data):
        return re.sub(rb"(?m)^(?:Received|Return-Path):.*\r\n(?:[ \t].*\r\n)*",
                      b"", data, count=0)


class Signed(Auth):
    def test_others_verify_what_we_sign(self):
        message = self.signed()
        self.assertEqual(dkimpy_verify(message, KEYS), [True, True])
        self.assertEqual(sorted(OpenDkim().verify(message, KEYS)),
                         [("pass", "ed"), ("pass", "rsa")])
        broken = message.replace(b"Good", b"good")
        self.assertEqual(dkimpy_verify(broken, KEYS), [False, False])

    def test_we_verify_what_we_sign(self):
        message = self.signed()
        self.verify()
        words = self.words(self.delivered(message))
        self.assertEqual(words["dkim"], ["pass", "pass"])
        self.assertEqual(words["dmarc"], ["pass"])
        self.assertIn("pass", words["spf"])
        for old, new in ((b"Good", b"good"), (b"Subject: A", b"Subject: B")):
            got = self.delivered(message.replace(old, new))
            self.assertEqual(self.words(got)["dkim"], ["fail", "fail"])

    def test_a_signature_saves_what_spf_does_not(self):
        """Sent on by somebody else: aligned by DKIM alone."""
        message = self.signed()
        self.verify()
        got = self.delivered(message, sender="list@silent.example")
        results = self.results(got)
        self.assertEqual(results["dmarc"][0][0], "pass")
        self.assertEqual(results["dmarc"][0][1]["header.from"],
                         "example.org")


class Spoofed(Auth):
    def test_refused_as_its_domain_asks(self):
        self.verify()
        said = self.refused(letter("boss@strict.example"),
                            "x@silent.example")
        self.assertIn("5.7.1", said)
        self.assertIn("strict.example", said)

    def test_refused_by_spf_first(self):
        self.chain('spf "spf" { skip-clients = { "192.0.2.1" } '
                   'fail = "reject" }\n')
        reply = self.send(letter("x@strict.example"),
                          sender="x@strict.example")
        self.assertEqual(reply.code, 550)
        self.assertIn("5.7.23", str(reply))

    def test_held_as_its_domain_asks(self):
        self.chain(SPF, DKIM,
                   'dmarc "dmarc" { skip-clients = { "192.0.2.1" }\n'
                   '  quarantine = reject }\n')
        self.refused(letter("boss@held.example"), "x@silent.example")

    def test_forged_results_are_removed(self):
        """Of ours; those of others stay."""
        self.verify()
        got = self.delivered(letter(
            "ann@example.org",
            "Authentication-Results: mx.test; dmarc=pass",
            "Authentication-Results: (x) MX.TEST (y) 1; spf=pass",
            "Authentication-Results: other.example; spf=fail"))
        head = got.data.split(b"\r\n\r\n")[0]
        self.assertEqual(head.count(b"other.example; spf=fail"), 1)
        self.assertEqual(head.lower().count(b"mx.test; dmarc=pass"), 0)
        self.assertEqual(head.count(b"Authentication-Results:"), 2)
        self.assertTrue(head.startswith(b"Authentication-Results: mx.test"))


variants(globals(), Signed, Spoofed, families=("unix",))

if __name__ == "__main__":
    main(globals())
