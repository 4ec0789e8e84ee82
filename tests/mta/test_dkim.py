#!/usr/bin/env python3
"""Mail that is signed on its way out of a real MTA, and verified on its way in.

What reaches the next server must verify there: after the MTA has folded,
added and moved what it likes.
"""

import contextlib
import os
import pwd
import re
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.dkimkeys import (  # noqa: E402
    Key,
    dkimpy_sign,
    dkimpy_verify,
    raw,
    zone,
)
from lib.dnsserver import DnsServer  # noqa: E402
from lib.endtoend import BODY, EndToEnd, fields, main, variants  # noqa: E402
from lib.nsd import Nsd  # noqa: E402

RSA, ED = Key("rsa"), Key("ed25519")
NAME = "{}._domainkey.example.org"
ZONE = {NAME.format("rsa"): RSA.record, NAME.format("ed"): ED.record}

FULL = (
    ("From", "Ann <ann@example.org>"),
    ("To", "bob@example.test"),
    ("Subject", "a  long one\n\tthat is folded,\n and again"),
    ("Date", "Tue, 1 Oct 2024 12:00:00 +0000"),
    ("Message-ID", "<1@example.org>"),
    ("MIME-Version", "1.0"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Transfer-Encoding", "7bit"),
    ("X-Other", " blanks "),
)
MESSAGES = {
    "full": (FULL, BODY),
    "no body": (FULL, b""),
    "empty lines": (FULL, b"\r\n\r\na\r\n\r\n\r\n"),
    "blanks": (FULL, b" a  b \t\r\n\t\r\n"),
    # An MTA adds what is missing after it has asked us.
    "no date": ([f for f in FULL if f[0] != "Date"], BODY),
    "no id": ([f for f in FULL if f[0] != "Message-ID"], BODY),
    "only an author": (FULL[:1], BODY),
    "large": (FULL, b"0123456789 abcdefghij\r\n" * 20000),
}


def verdicts(data):
    """The dkim results of the one Authentication-Results field on top."""
    head = data.split(b"\r\n\r\n")[0].decode()
    (field,) = re.findall(
        r"^Authentication-Results:((?:.*\r\n[ \t])*.*)", head, re.MULTILINE
    )
    return re.findall(r"dkim=(\w+)[^;]*?header\.s=(\w+)", field)


class Dkim(EndToEnd):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            dns = stack.enter_context(cls.name_server())
            cls.daemon_options = f'dns-servers = "127.0.0.1@{dns.port}"\n'
            cls.keys = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="millrace-", dir="/run")
            )
            cls.save_keys()
            super().setUpClass()
            stack.push(cls.stack)
            cls.stack = stack.pop_all()

    @classmethod
    def name_server(cls):
        return DnsServer(zone(ZONE))

    @classmethod
    def save_keys(cls):
        folder = Path(cls.keys)
        folder.chmod(0o755)
        for name, key in ("rsa", RSA), ("ed", ED):
            path = folder / f"{name}.key"
            path.write_bytes(key.pem)
            path.chmod(0o600)
            os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        (folder / "table").write_text(
            "example.org rsa rsa.key\nexample.org ed ed.key\n"
        )

    def sign(self, canon):
        self.chain(
            'dkim "sign" {\n\tsign = true\n\tsign-clients = "127.0.0.1"\n'
            f'\tkeys = "{self.keys}/table"\n'
            f'\tcanonicalization = "{canon}"\n}}\n'
        )

    def verify(self):
        self.chain('dkim "dkim" {\n\tfail = reject\n}\n')


class Signed(Dkim):
    def test_what_leaves_verifies(self):
        for canon in ("relaxed/relaxed", "simple/simple"):
            self.sign(canon)
            for about, (headers, body) in MESSAGES.items():
                with self.subTest(about, canon=canon):
                    got = self.delivered(raw(headers, body)).data
                    self.assertEqual(
                        dkimpy_verify(got, ZONE), [True, True], got[:2000]
                    )

    def test_a_field_that_is_added_later(self):
        self.sign("relaxed/relaxed")
        got = self.delivered(raw(FULL, BODY)).data
        for line in "From: eve@example.net", "Reply-To: eve@example.net":
            added = fields(line) + got
            self.assertEqual(dkimpy_verify(added, ZONE), [False, False])


class Verified(Dkim):
    def test_what_others_have_signed(self):
        self.verify()
        for about, (headers, body) in MESSAGES.items():
            for canon in (b"relaxed", b"relaxed"), (b"simple", b"simple"):
                if canon[0] == b"simple" and len(headers) < len(FULL):
                    continue  # the MTA has added a field before we see it
                with self.subTest(about, canon=canon):
                    signed = headers
                    for key, name in (RSA, "rsa"), (ED, "ed"):
                        signed = dkimpy_sign(
                            key, name, signed, body, "example.org", canon,
                            include_headers=[b"from", b"to", b"subject",
                                             b"content-type"],
                        )
                    got = self.delivered(raw(signed, body)).data
                    self.assertEqual(
                        verdicts(got), [("pass", "ed"), ("pass", "rsa")]
                    )

    def test_one_byte(self):
        self.verify()
        signed = dkimpy_sign(RSA, "rsa", FULL, BODY, "example.org")
        reply = self.send(raw(signed, BODY.replace(b"hello", b"hullo")))
        self.assertEqual(
            (reply.code, reply.dsn, reply.text),
            (550, "5.7.20", "The DKIM signature does not fit the message"),
        )
        self.assert_nothing_delivered()


class WithNsd(Verified):
    """The same with a name server that the world uses."""

    @classmethod
    def name_server(cls):
        def line(name, record):
            parts = [record[i:i + 250] for i in range(0, len(record), 250)]
            text = " ".join(f'"{part}"' for part in parts)
            return f"{name.split('.')[0]}._domainkey TXT {text}\n"

        return Nsd({"example.org": "".join(
            line(*item) for item in ZONE.items())})

    def test_what_others_have_signed(self):
        self.verify()
        for key, name in (RSA, "rsa"), (ED, "ed"):
            signed = dkimpy_sign(key, name, FULL, BODY, "example.org")
            got = self.delivered(raw(signed, BODY)).data
            self.assertEqual(verdicts(got), [("pass", name)])


variants(globals(), Signed, Verified, families=("inet",))
variants(globals(), WithNsd, families=("unix",))

if __name__ == "__main__":
    main(globals())
