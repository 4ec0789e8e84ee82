#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DNS lists served by a real name server, asked about mail to a real Postfix.

Clients come from where they say (XCLIENT); a fresh daemon per class asks.
"""

import contextlib
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.dkimkeys import Key, dkimpy_sign, raw, strings  # noqa: E402
from lib.endtoend import (  # noqa: E402
    BODY,
    RECIPIENT,
    SENDER,
    EndToEnd,
    main,
    message,
    quote,
    variants,
)
from lib.nsd import Nsd  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.scene import control, read_journal, wait_for  # noqa: E402

KEY = "s3cretk3y"
LISTED, BOT, FRIEND, STRANGER = (
    "192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10",
)
RSA = Key("rsa")
TESTED = "2.0.0.127 A 127.0.0.2\n"


def entry(addr, answer):
    return ".".join(reversed(addr.split("."))) + f" A {answer}\n"


ZONES = {
    f"{KEY}.bl.example": TESTED
    + entry(LISTED, "127.0.0.2")
    + entry(BOT, "127.0.0.6")
    + entry(FRIEND, "127.0.0.2")
    + "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    " A 127.0.0.2\n",
    "wl.example": TESTED + entry(FRIEND, "127.0.0.3"),
    "dbl.example": "test A 127.0.1.2\n"
    "linked.example A 127.0.1.2\n"
    "signer.example A 127.0.1.4\n"
    "sender.example A 127.0.1.2\n",
    "signer.example": '@ TXT "x"\n'
    f"rsa._domainkey TXT {' '.join(map(quote, strings(RSA.record)))}\n",
    # A resolver that is not welcome, and a domain that somebody bought.
    "refuses.example": "* A 127.255.255.254\n",
    "ended.example": "* A 127.0.0.2\n",
    "parked.example": "* A 192.0.2.80\n",
}
BL = f"bl {KEY}.bl.example client 127.0.0.2=SPAMMER:6 127.0.0.4-7=BOT:3"
WL = "wl wl.example client *=KNOWN:-5"
DBL = "dbl dbl.example sender,dkim,url 127.0.1.2=DOMAIN:4 127.0.1.4=SIGNER:5"
SCORE = (
    'score "spam" { header = 4  reject = 6  remove = { "X-Spam-*" }\n'
    '\treport-header = "X-Spam-Report" }\n'
)
DKIM = 'dkim "dkim" { }\n'


def dnsbl(*lists, **options):
    lines = "".join(
        f"\t{name.replace('_', '-')} = {quote(str(value))}\n"
        for name, value in options.items()
    )
    return (
        f'dnsbl "lists" {{\n\tlists = {{ {", ".join(map(quote, lists))} }}\n'
        f"{lines}}}\n"
    )


class Lists(EndToEnd):
    sent = 0
    expected_of_daemon = r"list (refused|ended|parked) "

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.dns = stack.enter_context(Nsd(ZONES))
            cls.daemon_options = (
                f'dns-servers = {{ "{cls.dns.address}" }}\nworkers = 1\n'
            )
            super().setUpClass()
            stack.push(cls.stack)
            cls.stack = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        """The key is known to the configuration, and to nobody else."""
        told = [cls.daemon.log(), cls.mta.log(), str(read_journal(cls.daemon))]
        super().tearDownClass()
        if any(KEY in text for text in told):
            raise AssertionError(f"{KEY} stands in a log or record")

    def judged(self, client, content, domain="example.org"):
        """(reply, {symbol: (points, detail)}) of mail from a client."""
        type(self).sent += 1
        sender = f"ann{self.sent}@{domain}"
        c = self.connect()
        c.xclient(addr=client, name="[UNAVAILABLE]")
        c.ehlo()
        reply = c.send(sender, [RECIPIENT], content)
        c.quit()
        self.assertNotIn(KEY, str(reply))

        def found():
            control(self.daemon, "flush")
            return [
                r for r in read_journal(self.daemon) if r["sender"] == sender
            ]

        (record,) = wait_for(found)
        symbols = {
            s["name"]: (s["score"], s["detail"])
            for s in record["symbols"]
            if s["name"].startswith("DNSBL_")
        }
        return reply, symbols

    def test_by_score(self):
        """(client, content, sender's domain, symbols, code)"""
        self.chain(DKIM, dnsbl(BL, WL, DBL), SCORE)
        link = message(
            body=b"Buy at http://www.shop.linked.example/now today\r\n"
        )
        signed = raw(
            dkimpy_sign(
                RSA, "rsa",
                (
                    ("Date", "Tue, 24 Nov 2026 12:00:00 +0000"),
                    ("From", "Ann <ann@signer.example>"),
                    ("Subject", "signed"),
                    ("Message-ID", "<1@signer.example>"),
                ),
                BODY, "signer.example",
            ),
            BODY,
        )
        forged = signed.replace(b"Subject: signed", b"Subject: forged")
        spammer = {"DNSBL_SPAMMER": (6, LISTED)}
        known = {
            "DNSBL_SPAMMER": (6, FRIEND), "DNSBL_KNOWN": (-5, FRIEND),
        }
        linked = {"DNSBL_DOMAIN": (4, "linked.example")}
        for client, content, domain, symbols, code in (
            (STRANGER, message(), "example.org", {}, 250),
            (LISTED, message(), "example.org", spammer, 550),
            ("IPV6:2001:db8::7", message(), "example.org",
             {"DNSBL_SPAMMER": (6, "2001:db8::7")}, 550),
            (BOT, message(), "example.org", {"DNSBL_BOT": (3, BOT)}, 250),
            (FRIEND, message(), "example.org", known, 250),
            (STRANGER, link, "example.org", linked, 250),
            (BOT, link, "example.org",
             {"DNSBL_BOT": (3, BOT), **linked}, 550),
            (FRIEND, link, "example.org", {**known, **linked}, 250),
            (STRANGER, message(), "mail.sender.example",
             {"DNSBL_DOMAIN": (4, "sender.example")}, 250),
            (STRANGER, signed, "example.org",
             {"DNSBL_SIGNER": (5, "signer.example")}, 250),
            (STRANGER, forged, "example.org", {}, 250),
        ):
            with self.subTest(client=client, symbols=symbols):
                self.sink.clear()
                reply, found = self.judged(client, content, domain)
                self.assertEqual((reply.code, found), (code, symbols))
                if code == 550:
                    self.assert_nothing_delivered()
                    continue
                (got,) = self.sink.wait_for(1)
                points = sum(score for score, _ in symbols.values())
                flag = b"YES" if points >= 4 else b"NO"
                self.assertIn(b"\r\nX-Spam-Flag: " + flag, got.data)
                self.assertNotIn(KEY.encode(), got.data)

    def test_refused_at_once(self):
        """Before any recipient, with the names of the lists."""
        self.chain(dnsbl(BL, WL, reject_above=5, reply="Blocked by"))
        for client, code in ((LISTED, 550), (BOT, 250), (FRIEND, 250)):
            with self.subTest(client=client):
                c = self.connect()
                c.xclient(addr=client, name="[UNAVAILABLE]")
                c.ehlo()
                reply = c.mail(SENDER)
                self.assertEqual(reply.code, code, reply)
                if code == 550:
                    self.assertEqual(
                        reply.lines, ("550 5.7.1 Blocked by bl",)
                    )

    def test_lists_that_cannot_be_relied_on(self):
        """Switched off and logged; what they said does not count."""
        for name, zone, why in (
            ("refused", "refuses.example", "refuses to answer"),
            ("ended", "ended.example", "lists everything"),
            ("parked", "parked.example", "answers with an address"),
        ):
            with self.subTest(name):
                seen = len(self.daemon.log())
                self.chain(
                    dnsbl(f"{name} {zone} client *=X:9", BL, reject_above=9),
                    SCORE,
                )
                reply, found = self.judged(STRANGER, message())
                self.assertEqual((reply.code, found), (250, {}))
                self.daemon.wait_log(rf"list {name} .*({why})", start=seen)
                # The other one still counts, and this one is not asked.
                reply, found = self.judged(LISTED, message())
                self.assertEqual(
                    (reply.code, found),
                    (550, {"DNSBL_SPAMMER": (6, LISTED)}),
                )
                log = self.daemon.log()[seen:]
                told = re.findall(rf"warn .*list {name} .*", log)
                self.assertEqual(len(told), 1, log)


variants(globals(), Lists, only=(Postfix,), families=("unix",))

if __name__ == "__main__":
    main(globals())
