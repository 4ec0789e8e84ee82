#!/usr/bin/env python3
"""Slow plugins: what the MTA waits for, and what it need not wait for.

Every scenario waits for seconds, so all of them run at the same time, each
with servers of its own; the tests look at what came out.
"""

import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.daemon import Daemon  # noqa: E402
from lib.endtoend import (  # noqa: E402
    COMPLAINT,
    NOT_OURS,
    RECIPIENT,
    SENDER,
    actor,
    message,
)
from lib.mta import Milter  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.sendmail import Sendmail  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.smtpclient import SmtpClient  # noqa: E402

# The smallest limit that an MTA has for an answer: Sendmail's T=R:10s.
ANSWER_SECONDS = 10


class Scenario:
    """One session through an MTA and a chain of one instance."""

    def __init__(self, kind, acts, options=None, milter=None, messages=2):
        self.kind = kind
        self.acts = acts
        self.options = options or {}
        self.milter = milter or {}
        self.numbers = ("", "2")[:messages]
        self.replies = {}
        self.seconds = {}

    def run(self):
        where = 'listener "mx" { socket = "unix:@/mx.sock" group = "mail" '
        text = where + 'chain = { "slow" } }\n'
        text += actor("slow", self.acts, **self.options)
        with Sink() as sink, Daemon(text) as daemon:
            milter = Milter(f"unix:{daemon.folder}/mx.sock", **self.milter)
            with self.kind(sink.port, milters=(milter,)) as mta:
                self.talk(mta.smtp_port)
                mta.wait_queue_empty()
            self.mta_log, self.log = mta.log(), daemon.log()
        self.messages = sink.messages
        return self

    def talk(self, port):
        """Messages in one session; what was said and how long it took."""
        with SmtpClient("127.0.0.1", port, timeout=120) as client:
            client.ehlo()
            for number in self.numbers:
                self.step("mail" + number, client.mail, SENDER)
                self.step("rcpt" + number, client.rcpt, RECIPIENT)
                reply = self.step("data" + number, client.command, "DATA")
                if reply.code == 354:
                    content = message("Subject: slow")
                    self.step("content" + number, client.content, content)
                else:
                    client.rset()

    def step(self, name, send, argument):
        began = time.monotonic()
        self.replies[name] = send(argument)
        self.seconds[name] = time.monotonic() - began
        return self.replies[name]

    def codes(self, *names):
        return [self.replies[name].code for name in names]


def progress(kind, **limits):
    acts = ["eom sleep 25000", "eom add X-Slow: 25"]
    return Scenario(kind, acts, milter=limits, messages=1)


def slow_chain(kind):
    """Below its own deadline at each stage: nobody notices."""
    stages = "mail rcpt data eoh eom".split()
    return Scenario(kind, [f"{stage} sleep 1500" for stage in stages])


def hang(kind, stage, on_error):
    acts = [f"{stage} sleep 600000"]
    return Scenario(kind, acts, {"on_error": on_error})


def hang_at_eom(kind):
    """The daemon gives up long before the MTA would."""
    options = {"on_error": "tempfail", "eom_deadline": "4s"}
    return Scenario(kind, ["eom sleep 600000"], options)


SCENARIOS = {
    # Signs of progress start Postfix' timer again, and Sendmail's for one
    # answer (10 s), but not Sendmail's for the whole message (5 min).
    ("progress", Postfix): progress(Postfix, content=15),
    ("progress", Sendmail): progress(Sendmail),
    **{
        (name, kind): make(kind, *arguments)
        for kind in (Postfix, Sendmail)
        for name, make, *arguments in (
            ("slow", slow_chain),
            ("hang at rcpt, tempfail", hang, "rcpt", "tempfail"),
            ("hang at rcpt, reject", hang, "rcpt", "reject"),
            ("hang at rcpt, continue", hang, "rcpt", "continue"),
            ("hang at mail, tempfail", hang, "mail", "tempfail"),
            ("hang at eom", hang_at_eom),
        )
    },
}


def setUpModule():
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        for _ in pool.map(Scenario.run, SCENARIOS.values()):
            pass


class Time(unittest.TestCase):
    """The base; its variants look at the scenarios of one MTA."""

    kind = None

    def scenario(self, name):
        return SCENARIOS[name, self.kind]

    def assert_no_complaint(self, scenario):
        lines = scenario.mta_log.splitlines()
        bad = [
            line
            for line in lines
            if COMPLAINT.search(line) and not NOT_OURS.search(line)
        ]
        self.assertEqual(bad, [])

    def test_progress(self):
        ran = self.scenario("progress")
        self.assertEqual(ran.codes("content"), [250], ran.mta_log)
        self.assertGreater(ran.seconds["content"], 24)
        (got,) = ran.messages
        self.assertIn(b"\r\nX-Slow: 25\r\n", got.data)
        self.assert_no_complaint(ran)

    def test_slow(self):
        ran = self.scenario("slow")
        names = ("mail", "rcpt", "data", "content")
        self.assertEqual(ran.codes(*names), [250, 250, 354, 250])
        self.assertEqual(len(ran.messages), 2)
        self.assert_no_complaint(ran)

    def test_hang_tempfail(self):
        ran = self.scenario("hang at rcpt, tempfail")
        self.assertEqual(ran.codes("rcpt", "rcpt2"), [451, 451])
        self.assert_in_time(ran, "rcpt")
        self.assertEqual(ran.messages, [])

    def test_hang_reject(self):
        ran = self.scenario("hang at rcpt, reject")
        self.assertEqual(ran.codes("rcpt", "rcpt2"), [550, 550])
        self.assert_in_time(ran, "rcpt")
        self.assertEqual(ran.messages, [])

    def test_hang_continue(self):
        ran = self.scenario("hang at rcpt, continue")
        self.assertEqual(ran.codes("rcpt", "rcpt2"), [250, 250])
        self.assertEqual(ran.codes("content", "content2"), [250, 250])
        self.assert_in_time(ran, "rcpt")
        self.assertEqual(len(ran.messages), 2)

    def test_hang_at_mail(self):
        ran = self.scenario("hang at mail, tempfail")
        self.assertEqual(ran.codes("mail", "mail2"), [451, 451])
        self.assert_in_time(ran, "mail")

    def test_hang_at_eom(self):
        ran = self.scenario("hang at eom")
        self.assertEqual(ran.codes("content", "content2"), [451, 451])
        self.assert_no_complaint(ran)
        self.assertEqual(ran.messages, [])

    def assert_in_time(self, ran, name):
        """It was the daemon that answered, not the MTA's default."""
        self.assert_no_complaint(ran)
        for step in (name, name + "2"):
            self.assertLess(ran.seconds[step], ANSWER_SECONDS, step)


class TimePostfix(Time):
    kind = Postfix


class TimeSendmail(Time):
    kind = Sendmail


def load_tests(loader, *_):
    classes = (TimePostfix, TimeSendmail)
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, classes))


if __name__ == "__main__":
    unittest.main()
