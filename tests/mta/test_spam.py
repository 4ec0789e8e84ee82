#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spam through both MTAs: rules that ship, a learner that was taught, a score
that decides, and the real clamd.

Every row is a message, and what became of it: what the client is told, what
is delivered to the byte, what is held, what is on record.
"""

import base64
import contextlib
import os
import re
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.endtoend import (  # noqa: E402
    RECIPIENT,
    SENDER,
    EndToEnd,
    fields,
    main,
    quote,
    variants,
)
from lib.postfix import Postfix  # noqa: E402
from lib.scanners import EICAR, Clamd  # noqa: E402
from lib.scene import control, read_journal, wait_for  # noqa: E402
from lib.smtpclient import SmtpClient  # noqa: E402

CAROL, OTHER = "carol@example.test", "dan@example.org"
RULES = (
    f'rules "rules" {{ files = {{ "{TESTS.parent}/conf/rules/*.rules" }} }}\n'
)
LEARN = 'learn "learn" {\n\tmodel = "@/learn/all.model"\n\tlearn-first = 5\n}\n'

# The shipped rules know this one.
PHISHING = b"""Dear customer,\r
your account has been suspended. Click here to verify your account within\r
24 hours: http://192.0.2.7/login\r
"""
# No rule knows these words; the learner is taught some of them.
CHEAP = b"cheap pills winner lottery casino bonus offer free pills cheap\r\n"
PLAN = b"the minutes of the meeting on monday and the project budget\r\n"
LUNCH = b"Shall we meet at noon?\r\n"


def letter(subject, body, *more, sender=SENDER):
    return (
        fields(
            "Date: Tue, 1 Oct 2024 12:00:00 +0000",
            f"From: Ann <{sender}>",
            f"To: {RECIPIENT}",
            "Message-ID: <1@example.org>",
            *more,
            f"Subject: {subject}",
        )
        + b"\r\n"
        + body
    )


PHISH = letter(
    "URGENT: YOUR ACCOUNT",
    PHISHING,
    "Reply-To: x@other.example",
    "X-Spam-Flag: NO",
    "X-spam-status: No, score=-9",
    "X-Other: stays",
)
LEARNED = letter("cheap pills", CHEAP)
HAM = letter("Lunch on Friday?", LUNCH, "X-Spam-Score: 99")


def score(**options):
    """The instance that decides; names and values as the config has them."""
    values = {"header": 5, "reject": 0, "remove": ["X-Spam-*"], **options}
    lines = [
        f"\t{name.replace('_', '-')} = "
        + (
            "{ " + ", ".join(map(quote, value)) + " }"
            if isinstance(value, list)
            else quote(str(value))
        )
        for name, value in values.items()
    ]
    return "\n".join(['score "spam" {', *lines, "}\n"])


class Spam(EndToEnd):
    """The learner is taught once, before the first test."""

    sent = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(cls.daemon.path("learn"), 0o755)
        cls.daemon.write(cls.listener("learn") + LEARN)
        for day in range(5):  # as it comes: some of both
            cls.teach(day, "spam", PHISHING, CHEAP)
            cls.teach(day, "ham", PLAN, LUNCH)

    @classmethod
    def teach(cls, day, kind, *texts):
        """Ten messages, each with some of the words of one text."""
        mbox = cls.daemon.path(kind)
        with open(mbox, "wb") as f:
            for n in range(day * 10, day * 10 + 10):
                words = texts[n % len(texts)].decode().split()
                some = " ".join(words[n % 9 :] + words[: n % 5])
                sender = f"{kind}{n}@example.com"
                f.write(b"From x\n")
                f.write(letter(some[:20], some.encode(), sender=sender))
                f.write(b"\n\n")
        cls.daemon.command("learn", f"--{kind}", mbox, check=True)

    def spam_chain(self, *after, **options):
        self.chain(RULES, LEARN, score(**options), *after)

    def judged(self, content, **options):
        """(reply, record) of a message whose sender is nobody else's."""
        type(self).sent += 1
        sender = f"ann{self.sent}@example.org"
        reply = self.send(content, sender=sender, **options)
        return reply, self.record_of(sender)

    def record_of(self, sender):
        """They come in any order, and a moment later."""

        def found():
            control(self.daemon, "flush")
            return [
                record
                for record in read_journal(self.daemon)
                if record["sender"] == sender
            ]

        (record,) = wait_for(found)
        return record

    def symbol(self, record, name):
        (found,) = [s for s in record["symbols"] if s["name"] == name]
        return found

    def points(self, record):
        return sum(s["score"] for s in record["symbols"])

    # What happens to a message

    def marked(self, content, subject, flag, points):
        """The message as it must arrive: forged fields gone, ours in."""
        ours = {
            "X-Spam-Flag": flag,
            "X-Spam-Score": f"{points:.2f}",
            "X-Spam-Level": "*" * int(points) if points >= 1 else None,
            "Subject": subject,
        }
        head, _, body = content.partition(b"\r\n\r\n")
        wanted = []
        for line in head.decode().split("\r\n"):
            name = line.partition(":")[0]
            # Sendmail adds a field in the place of one that was removed.
            stays = name == "Subject" or self.kind is not Postfix
            if stays and ours.get(name):
                wanted.append(f"{name}: {ours.pop(name)}")
            elif not name.lower().startswith("x-spam-"):
                wanted.append(line)
        wanted += [f"{name}: {value}" for name, value in ours.items() if value]
        return fields(*wanted) + b"\r\n" + body

    def test_marked(self):
        """(message, points, flag, subject)"""
        self.spam_chain(subject=10)
        for name, content, least, most, flag, subject in (
            ("phish", PHISH, 10, 100, "YES", "[SPAM] URGENT: YOUR ACCOUNT"),
            ("learned", LEARNED, 5, 9.99, "YES", "cheap pills"),
            ("ham", HAM, -9, 2, "NO", "Lunch on Friday?"),
        ):
            with self.subTest(name):
                self.sink.clear()
                _, record = self.judged(content)
                (got,) = self.sink.wait_for(1)
                points = self.points(record)
                self.assertTrue(least <= points <= most, record["symbols"])
                self.assert_content(
                    got, self.marked(content, subject, flag, points)
                )
                names = {s["name"] for s in record["symbols"]}
                self.assertIn(
                    "LEARN_SPAM" if name == "learned" else "LEARN_HAM"
                    if name == "ham" else "PHISH_SUSPENDED",
                    names,
                )

    def test_a_report_and_other_names(self):
        self.spam_chain(
            flag_header="X-Junk", score_header="", level_header="",
            report_header="X-Spam-Report",
        )
        got = self.delivered(PHISH).data.split(b"\r\n\r\n")[0]
        self.assertIn(b"\r\nX-Junk: YES\r\n", got)
        self.assertRegex(
            got, rb"\r\nX-Spam-Report: ([^\r]|\r\n\t)*PHISH_SUSPENDED 1.20"
        )
        self.assertNotRegex(got, rb"(?i)X-Spam-(Score|Level|Flag|Status)")

    def test_refused(self):
        """With the reply that is configured; ham and lesser spam pass."""
        self.spam_chain(reject=10, reply="Spam: see http://www.example.com/")
        reply, record = self.judged(PHISH)
        self.assertEqual(
            reply.lines, ("550 5.7.1 Spam: see http://www.example.com/",)
        )
        self.assertEqual(
            (record["outcome"], record["by"]), ("reject", "spam")
        )
        self.assertRegex(
            self.symbol(record, "SCORE_REJECT")["detail"],
            rf"^\d\d\.\d\d of 10\.00 for {RECIPIENT}$",
        )
        self.assert_nothing_delivered()
        self.delivered(LEARNED)
        self.delivered(HAM)

    def test_refused_for_what_was_learned(self):
        """Corrections let the next one in."""
        kept = self.daemon.path("kept")
        self.daemon.command("learn", "export", kept, check=True)
        self.spam_chain(reject=8)
        text = letter("bonus lottery", CHEAP + b"winner bonus\r\n")
        self.assertEqual(self.send(text).code, 550)
        for n in range(5):
            self.daemon.command(
                "learn", "--ham", input=f"X-No: {n}\n" + text.decode(),
                check=True,
            )
        self.spam_chain(reject=8)  # workers that see the new model at once
        self.delivered(text)
        self.daemon.command("learn", "import", kept, check=True)

    def test_held(self):
        self.spam_chain(quarantine=10)
        reply, record = self.judged(PHISH)
        self.assertEqual(reply.code, 250)
        self.assertEqual(record["outcome"], "quarantine")
        self.assert_nothing_delivered()
        (entry,) = [e for e in self.mta.queue() if e["held"]]
        self.assertEqual(
            (entry["sender"], entry["recipients"]),
            (record["sender"], [RECIPIENT]),
        )
        points = self.points(record)
        if self.kind is not Postfix:  # which keeps no reason
            self.assertEqual(entry["reason"], f"{points:.2f} points")
        held = self.mta.queued_message(entry["id"]).replace(b"\r\n", b"\n")
        wanted = self.marked(PHISH, "URGENT: YOUR ACCOUNT", "YES", points)
        self.assertTrue(held.endswith(wanted.replace(b"\r\n", b"\n")), held)
        self.mta.remove_held(entry["id"])
        self.delivered(HAM)

    def test_thrown_away(self):
        self.spam_chain(discard=10)
        reply, record = self.judged(PHISH)
        self.assertEqual((reply.code, record["outcome"]), (250, "discard"))
        self.assert_nothing_delivered()
        self.delivered(HAM)

    def test_put_off(self):
        """Only what is suspected, and until it comes again."""
        greylist = (
            'greylist "grey" {\n\tat = eom\n\twhom = suspects\n\tdelay = 0\n}\n'
        )
        self.spam_chain(greylist, greylist=5, reject=15)
        self.delivered(HAM)
        reply, record = self.judged(LEARNED)
        self.assertEqual((reply.code, reply.dsn), (450, "4.7.1"))
        self.assertIn("Greylisted, please try again", reply.text)
        self.assertEqual(record["by"], "grey")
        self.symbol(record, "SCORE_GREYLIST")
        self.assert_nothing_delivered_but(1)
        self.delivered(LEARNED)

    def assert_nothing_delivered_but(self, count):
        self.mta.wait_queue_empty()
        self.assertEqual(len(self.sink.messages), count)

    # Several recipients

    POLICIES = [f"{CAROL} reject=never", "example.test reject=10"]

    def test_strictest(self):
        """One verdict for both; the record says whose it is."""
        for recipients in ((CAROL, RECIPIENT), (RECIPIENT, CAROL)):
            self.spam_chain(policies=self.POLICIES)
            reply, record = self.judged(PHISH, recipients=recipients)
            self.assertEqual((reply.code, reply.dsn), (550, "5.7.1"))
            self.assertRegex(
                self.symbol(record, "SCORE_REJECT")["detail"],
                rf"^\S+ of 10\.00 for {RECIPIENT}, others have another "
                "policy$",
            )
            self.assert_nothing_delivered()

    def test_mildest(self):
        self.spam_chain(policies=self.POLICIES, differ="mildest")
        got = self.delivered(PHISH, recipients=(RECIPIENT, CAROL))
        self.assertEqual(sorted(got.recipients), [RECIPIENT, CAROL])

    def test_each_its_own(self):
        """Who has another policy than the first is told to come back."""
        self.spam_chain(policies=self.POLICIES, differ="split")
        client = self.connect()
        for sender, recipients, taken, code in (
            ("first@example.org", [CAROL, RECIPIENT, OTHER], 1, 250),
            ("again@example.org", [RECIPIENT, OTHER], 1, 550),
            ("third@example.org", [OTHER], 1, 250),
        ):
            client.mail(sender)
            replies = [client.rcpt(r) for r in recipients]
            self.assertEqual(
                [(r.code, r.dsn) for r in replies],
                [(250, "2.1.5")] * taken
                + [(452, "4.5.3")] * (len(recipients) - taken),
            )
            for reply in replies[taken:]:
                self.assertIn("in a message of its own", reply.text)
            reply = client.data(PHISH)
            self.assertEqual(reply.code, code, reply)
            self.assertEqual(
                self.record_of(sender)["outcome"],
                "accept" if code == 250 else "reject",
            )
        got = self.sink.wait_for(2)
        self.assertEqual([m.recipients for m in got], [[CAROL], [OTHER]])

    def test_each_its_own_comes_back(self):
        """A queue that knows nothing of policies sends it again by itself."""
        self.spam_chain(policies=self.POLICIES, differ="split")
        with Postfix(self.mta.smtp_port, hostname="out.test") as sender:
            with SmtpClient("127.0.0.1", sender.smtp_port) as client:
                client.ehlo()
                reply = client.send(SENDER, [CAROL, OTHER], PHISH)
                self.assertEqual(reply.code, 250, reply)
            sender.wait_log(r"to=<\S+>, .*status=deferred .* 452[ -]4\.5\.3")

            def flushed():  # what is not in the queue again yet stays
                sender.flush()
                time.sleep(0.2)
                return not sender.queue()

            wait_for(flushed, 30, "the second message")
        got = self.sink.wait_for(2)
        self.assertEqual(
            sorted(m.recipients for m in got), [[CAROL], [OTHER]]
        )


class Malware(EndToEnd):
    """The real clamd behind the daemon."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.clamd = stack.enter_context(Clamd())
            super().setUpClass()
            stack.push(cls.stack)
            cls.stack = stack.pop_all()

    def clamav(self, **options):
        lines = "".join(
            f"\t{name} = {quote(value)}\n" for name, value in options.items()
        )
        self.chain(
            f'clamav "av" {{\n\tservers = {{ "{self.clamd.unix}" }}\n'
            f"{lines}}}\n"
        )

    @staticmethod
    def with_attachment(data):
        body = (
            b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n"
            b"Content-Type: application/octet-stream; name=e.com\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(data).replace(b"\n", b"\r\n")
            + b"--b--\r\n"
        )
        return letter(
            "a file", body, "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=b",
        )

    def test_eicar(self):
        """(infected, code, what becomes of it)"""
        infected = self.with_attachment(EICAR)
        for action, code in (("reject", 550), ("tempfail", 451),
                             ("discard", 250)):
            with self.subTest(action):
                self.clamav(infected=action)
                reply = self.send(infected)
                self.assertEqual(reply.code, code, reply)
                if code != 250:
                    self.assertEqual(
                        reply.text.partition(" (")[0],
                        "Refused: malware found",
                    )
                    self.assertIn("(Eicar-Test-Signature", reply.text)
                self.assert_nothing_delivered()
        clean = self.with_attachment(EICAR[::-1])
        self.assert_content(self.delivered(clean), clean)

    def test_held(self):
        self.clamav(infected="quarantine")
        self.assertEqual(self.send(self.with_attachment(EICAR)).code, 250)
        self.assert_nothing_delivered()
        (entry,) = [e for e in self.mta.queue() if e["held"]]
        self.mta.remove_held(entry["id"])


variants(globals(), Spam, Malware, families=("unix",))

if __name__ == "__main__":
    main(globals())
