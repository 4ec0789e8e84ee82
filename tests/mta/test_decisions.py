#!/usr/bin/env python3
"""What an SMTP client is told of every decision at every stage."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.endtoend import (  # noqa: E402
    RECIPIENT,
    SENDER,
    EndToEnd,
    actor,
    main,
    message,
    variants,
)
from lib.postfix import Postfix  # noqa: E402

STAGES = "connect helo mail rcpt data header eoh body eom".split()
FROM_MAIL_ON = STAGES[2:]
OTHER = "carl@example.test"

# The command whose reply shows what was decided at a stage.
SHOWN_AT = {
    **dict.fromkeys(("connect", "helo", "mail"), "mail"),
    **{"rcpt": "rcpt", "data": "data"},
    **dict.fromkeys(("header", "eoh", "body", "eom"), "content"),
}
# Sendmail names the address that a mailbox code (x50) is about.
ABOUT = {"mail": f"<{SENDER}>... ", "rcpt": f"<{RECIPIENT}>... "}


class Decisions(EndToEnd):
    """Each decision, at each stage, as the client sees it."""

    def dialogue(self, content=None):
        """A transaction as far as it gets: replies by command."""
        client = self.connect(ehlo=False)
        replies = {"connect": client.banner, "helo": client.ehlo()}
        replies["mail"] = client.mail(SENDER)
        replies["rcpt"] = client.rcpt(RECIPIENT)
        replies["data"] = client.command("DATA")
        if replies["data"].code == 354:
            content = content or message("Subject: x")
            replies["content"] = client.content(content)
        client.close()
        return replies

    def assert_refused(self, stage, replies, lines):
        """These are the lines, they come when they must, no mail does."""
        shown = SHOWN_AT[stage]
        fine = ("mail", "rcpt", "data", "content")
        for command in fine[: fine.index(shown)]:
            self.assertIn(replies[command].code, (250, 354), command)
        self.assertEqual(list(replies[shown].lines), lines)
        self.assert_nothing_delivered()

    def wanted(self, stage, code, dsn, *texts):
        """The reply lines that this MTA makes of a reply."""
        about = ""
        if self.kind is not Postfix:
            if stage == "connect":
                # It uses words of its own there, whatever the filter says.
                return {
                    5: ["550 5.0.0 Command rejected"],
                    4: ["451 4.3.2 Please try again later"],
                }[code // 100]
            if code in (450, 550):
                about = ABOUT.get(stage, "")
        texts = [about + texts[0], *texts[1:]]
        lines = [f"{code}-{dsn} {text}" for text in texts[:-1]]
        return [*lines, f"{code} {dsn} {texts[-1]}"]

    def test_reject(self):
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.acts(f"{stage} reject 550 5.7.9 not here")
                replies = self.dialogue()
                wanted = self.wanted(stage, 550, "5.7.9", "not here")
                self.assert_refused(stage, replies, wanted)
                banner = 554 if stage == "connect" else 220
                self.assertEqual(replies["connect"].code, banner)

    def test_tempfail(self):
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.acts(f"{stage} tempfail 450 4.7.9 come again")
                replies = self.dialogue()
                wanted = self.wanted(stage, 450, "4.7.9", "come again")
                self.assert_refused(stage, replies, wanted)

    def test_default_replies(self):
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.acts(f"{stage} reject")
                wanted = self.wanted(stage, 550, "5.7.1", "Refused by policy")
                self.assert_refused(stage, self.dialogue(), wanted)
                self.acts(f"{stage} tempfail")
                wanted = self.wanted(
                    stage, 451, "4.7.1", "Please try again later"
                )
                self.assert_refused(stage, self.dialogue(), wanted)

    def test_several_lines(self):
        texts = ["No.", "See http://www.example.com/why", "Bye"]
        for stage in STAGES:
            for verb, code, dsn in (
                ("reject", 554, "5.7.0"),
                ("tempfail", 452, "4.7.0"),
            ):
                with self.subTest(stage=stage, verb=verb):
                    said = r"\n".join(texts)
                    self.acts(f"{stage} {verb} {code} {dsn} {said}")
                    wanted = self.wanted(stage, code, dsn, *texts)
                    self.assert_refused(stage, self.dialogue(), wanted)

    def test_many_lines(self):
        """As many as libmilter takes."""
        texts = [f"line {i} of many" for i in range(32)]
        for stage in ("rcpt", "eom"):
            with self.subTest(stage=stage):
                self.acts(f"{stage} reject 550 5.7.1 " + r"\n".join(texts))
                wanted = self.wanted(stage, 550, "5.7.1", *texts)
                self.assert_refused(stage, self.dialogue(), wanted)

    def test_percent(self):
        """Replies are format strings on their way; the client sees ours."""
        for text in ("100% sure, %s %n %d %%", "%", r"a %\nb %%\nc%s"):
            for stage in STAGES:
                with self.subTest(stage=stage, text=text):
                    self.acts(f"{stage} reject 550 5.7.1 {text}")
                    texts = text.split(r"\n")
                    wanted = self.wanted(stage, 550, "5.7.1", *texts)
                    self.assert_refused(stage, self.dialogue(), wanted)

    def test_421_closes(self):
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.acts(f"{stage} tempfail 421 4.7.0 overloaded")
                replies = self.dialogue()
                command = stage if stage in replies else "content"
                self.assertEqual(replies[command].code, 421)
                after = list(replies)[list(replies).index(command) + 1 :]
                self.assertEqual({replies[c].code for c in after} - {0}, set())
                self.assert_nothing_delivered()

    def test_accept(self):
        """Later instances are not asked, and the message goes through."""
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.sink.clear()
                self.chain(
                    actor("first", [f"{stage} accept"]),
                    actor("second", ["eom reject 550 5.7.1 too late"]),
                )
                replies = self.dialogue()
                self.assertEqual(replies["content"].code, 250)
                (got,) = self.sink.wait_for(1)
                self.assert_content(got, message("Subject: x"))

    def test_accept_keeps_edits(self):
        for stage in ("header", "eoh", "eom"):
            with self.subTest(stage=stage):
                self.acts(f"{stage} add X-Mark: yes", f"{stage} accept")
                got = self.delivered(message())
                # At header it is asked once: accept ends the questions.
                self.assert_content(got, message("X-Mark: yes"))

    def test_discard(self):
        for stage in FROM_MAIL_ON:
            with self.subTest(stage=stage):
                self.acts(f"{stage} discard")
                replies = self.dialogue()
                self.assertEqual(replies["content"].code, 250)
                self.assert_nothing_delivered()

    def test_one_recipient_refused(self):
        for verb, code in (("reject", 550), ("tempfail", 451)):
            with self.subTest(verb=verb):
                self.sink.clear()
                self.acts(f"rcpt {verb}", recipient=RECIPIENT)
                client = self.connect()
                client.mail(SENDER)
                self.assertEqual(client.rcpt(RECIPIENT).code, code)
                self.assertEqual(client.rcpt(OTHER).code, 250)
                self.assertEqual(client.data(message()).code, 250)
                (got,) = self.sink.wait_for(1)
                self.assertEqual(got.recipients, [OTHER])

    def test_session_goes_on(self):
        """After a refusal the next message of the session is as any other."""
        for stage in FROM_MAIL_ON:
            with self.subTest(stage=stage):
                self.sink.clear()
                self.acts(f"{stage} reject", sender="evil@example.org")
                client = self.connect()
                recipients = [RECIPIENT]
                for _ in range(2):
                    reply = client.send(
                        "evil@example.org", recipients, message()
                    )
                    self.assertEqual(reply.code, 550)
                    client.rset()
                    reply = client.send(SENDER, recipients, message())
                    self.assertEqual(reply.code, 250)
                got = self.sink.wait_for(2)
                self.assertEqual([m.sender for m in got], [SENDER] * 2)

    def test_observed(self):
        """What an observing instance says changes nothing."""
        for act in ("reject", "tempfail", "discard", "quarantine"):
            for stage in FROM_MAIL_ON:
                with self.subTest(stage=stage, act=act):
                    acts = [f"{stage} add X-No: no", f"{stage} {act}"]
                    self.acts(*acts, mode="observe")
                    got = self.delivered(message())
                    self.assert_content(got, message())

    def test_helo_and_unknown(self):
        """UNKNOWN can be refused, and HELO works as EHLO does."""
        self.acts("unknown reject 550 5.7.1 no such word", "eom add X-A: b")
        client = self.connect(ehlo=False)
        self.assertEqual(client.helo().code, 250)
        reply = client.command("FOO bar")
        self.assertEqual(reply.lines, ("550 5.7.1 no such word",))
        reply = client.send(SENDER, [RECIPIENT], message())
        self.assertEqual(reply.code, 250)
        self.assert_content(self.sink.wait_for(1)[0], message("X-A: b"))

    def test_broken_plugin(self):
        """What on-error says happens, and it happens at the stage."""
        cases = (("continue", 250), ("tempfail", 451), ("reject", 550))
        for on_error, code in cases:
            for stage in STAGES[1:]:
                with self.subTest(stage=stage, on_error=on_error):
                    self.acts(f"{stage} error", on_error=on_error)
                    replies = self.dialogue()
                    shown = replies[SHOWN_AT[stage]]
                    if shown.code == 354 or code == 250:
                        shown = replies["content"]
                    self.assertEqual(shown.code, code, shown)


class Crashes(EndToEnd):
    """A plugin that dies at a stage: the session and the mail live on."""

    expected_of_daemon = (
        r"SIGSEGV|segv|signal 11|it died|crash|failed at|ended|worker|actor"
    )

    def test_crash(self):
        for stage in FROM_MAIL_ON:
            with self.subTest(stage=stage):
                self.acts(f"{stage} segv", on_error="continue")
                got = self.delivered(message("Subject: still here"))
                self.assert_content(got, message("Subject: still here"))


variants(globals(), Decisions, Crashes)

if __name__ == "__main__":
    main(globals())
