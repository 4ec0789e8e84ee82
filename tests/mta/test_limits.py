#!/usr/bin/env python3
"""Send limits through a real MTA, with logins: exactly N, however sent."""

import sys
import threading
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
    quote,
    variants,
)
from lib.mta import Milter  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.smtpclient import SmtpClient  # noqa: E402

PASSWORD = "secret"
LOGINS = ("alice", "bob", "carol", "dave", "erin", "frank")


def ratelimit(name, limits, **options):
    """An instance; lists and texts as the config writes them."""
    lines = [f"\tlimits = {{ {', '.join(map(quote, limits))} }}"]
    lines += [
        f"\t{option.replace('_', '-')} = {quote(value)}"
        for option, value in options.items()
    ]
    return "\n".join([f"ratelimit {quote(name)} {{", *lines, "}\n"])


class Limits(EndToEnd):
    """Counts stay from test to test: each has a login of its own."""

    mta_options = {"logins": {login: PASSWORD for login in LOGINS}}
    expected_of_mta = "premature EOM"

    def submit(self, login):
        """A client that has authenticated on the submission port."""
        client = self.connect(port=self.mta.submission_port)
        self.assertEqual(client.auth_plain(login, PASSWORD).code, 235)
        return client

    def used(self, login):
        """{limit: used} of all keys that belong to the login."""
        rows = self.daemon.json("limits", "top", "100")
        return {
            row["limit"]: row["used"]
            for row in rows
            if row["key"].startswith(f"mailbox:{login}")
        }

    def test_300_in_parallel_are_100(self):
        self.chain(ratelimit("limits", ["100 messages / 1h"]))
        # Sendmail's socket has a queue of ten.
        parallel = 30 if self.kind is Postfix else 6
        replies, lock = [], threading.Lock()

        def work(number):
            client = SmtpClient("127.0.0.1", self.mta.submission_port)
            client.ehlo()
            client.auth_plain("alice", PASSWORD)
            got = [
                client.send(
                    SENDER,
                    [RECIPIENT],
                    message(f"Subject: {number} {i}"),
                )
                for i in range(300 // parallel)
            ]
            client.close()
            with lock:
                replies.extend(got)

        threads = [
            threading.Thread(target=work, args=(n,)) for n in range(parallel)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        codes = [reply.code for reply in replies]
        self.assertEqual((codes.count(250), codes.count(450)), (100, 200))
        over = next(reply for reply in replies if reply.code == 450)
        self.assertRegex(
            str(over),
            r"^450 4\.7\.1 (<\S+>: )?(\S+ \S+ )?.*"
            r"Sending limit reached: 100 messages / 1h, try again in ",
        )
        self.assertEqual(self.used("alice"), {"100 messages / 1h": 100})
        self.assertEqual(len(self.sink.wait_for(100, 60)), 100)
        self.mta.wait_queue_empty()
        self.assertEqual(len(self.sink.messages), 100)

    def test_1000_recipients_are_100(self):
        self.chain(ratelimit("limits", ["100 recipients / 1h"]))
        client = self.submit("bob")
        client.mail(SENDER)
        replies = [client.rcpt(f"r{i}@example.test") for i in range(1000)]
        codes = [reply.code for reply in replies]
        self.assertEqual((codes.count(250), codes.count(450)), (100, 900))
        self.assertEqual(client.data(message()).code, 250)
        self.assertEqual(self.used("bob"), {"100 recipients / 1h": 100})
        self.mta.wait_queue_empty()
        got = [r for m in self.sink.messages for r in m.recipients]
        self.assertEqual(len(set(got)), 100)

    def test_a_refused_message_counts_once(self):
        """Ten tries that are put off, and one that is accepted: one."""
        limits = ratelimit("limits", ["2 messages / 1h"])
        self.chain(limits, actor("after", ["eom tempfail"]))
        client = self.submit("carol")
        for _ in range(10):
            reply = client.send(SENDER, [RECIPIENT], message())
            self.assertEqual(reply.code // 100, 4)
        self.chain(limits)
        for code in (250, 250, 450):
            reply = client.send(SENDER, [RECIPIENT], message())
            self.assertEqual(reply.code, code)
        self.assertEqual(self.used("carol"), {"2 messages / 1h": 2})

    def begin(self, login):
        """A client whose recipient was taken.

        What the client before it took may still be on its way back.
        """
        for _ in range(500):
            client = self.submit(login)
            replies = [client.mail(SENDER), client.rcpt(RECIPIENT)]
            if replies[1].code == 250:
                return client
            client.quit()
        raise AssertionError(f"{login} is never let in: {replies}")

    def test_a_client_that_gives_up_counts_nothing(self):
        self.chain(ratelimit("limits", ["1 message / 1h"]))
        for _ in range(5):
            client = self.begin("dave")
            # Postfix tells of it with the next command.
            client.rset()
            client.quit()
            client = self.begin("dave")
            client.command("DATA")
            client.reset()
        client = self.begin("dave")
        self.assertEqual(client.data(message()).code, 250)
        self.assertEqual(self.used("dave"), {"1 message / 1h": 1})
        self.assertEqual(client.mail(SENDER).code, 450)

    def test_unknown_recipients(self):
        self.chain(ratelimit("limits", ["3 failed recipients / 1h"]))
        unknown = (
            "unknown@example.test"
            if self.kind is Postfix
            else "nobody-here@mx.test"
        )
        client = self.submit("erin")
        for _ in range(3):
            client.mail(SENDER)
            self.assertEqual(client.rcpt(unknown).code, 550)
            client.rset()
        self.assertEqual(client.mail(SENDER).code, 450)

    def test_a_message_that_never_fits(self):
        self.chain(ratelimit("limits", ["10 KB / 1d"]))
        client = self.submit("frank")
        reply = client.mail(SENDER, "SIZE=10241")
        self.assertEqual((reply.code, reply.dsn), (552, "5.3.4"))
        client.rset()
        # It did not say so, and is.
        big = message(body=b"x" * 70 + b"\r\n") + b"x" * 70 + b"\r\n"
        reply = client.send(
            SENDER, [RECIPIENT], message(body=(b"x" * 70 + b"\r\n") * 200)
        )
        self.assertEqual((reply.code, reply.dsn), (552, "5.3.4"))
        self.assertEqual(client.send(SENDER, [RECIPIENT], big).code, 250)


class Programs(EndToEnd):
    """Mail handed in by sendmail(1): the header names who is charged."""

    @classmethod
    def make_mta(cls):
        where = cls.socket.replace("@/", cls.daemon.folder + "/")
        milters = (Milter(where),)
        return cls.kind(
            cls.sink.port, milters=milters, non_smtpd_milters=milters
        )

    def test_charged_at_the_end(self):
        self.chain(
            ratelimit(
                "scripts",
                ["3 messages / 1h"],
                key="uid = before(header(X-PHP-Originating-Script), ':')",
                count_at="eom",
                over="reject",
            )
        )
        for number in range(8):
            uid = 1001 if number < 6 else 1002
            header = f"X-PHP-Originating-Script: {uid}:mail.php"
            self.mta.submit(message(header), SENDER, [RECIPIENT])
        self.mta.wait_queue_empty()
        self.sink.wait_for(5, 30)
        rows = {
            row["key"]: row["used"]
            for row in self.daemon.json("limits", "top")
        }
        self.assertEqual(rows, {"uid:1001": 3, "uid:1002": 2})
        self.mta.wait_queue_empty()
        to_bob = [m for m in self.sink.messages if RECIPIENT in m.recipients]
        self.assertEqual(len(to_bob), 5)


variants(globals(), Limits, Programs, families=("unix",))

if __name__ == "__main__":
    main(globals())
