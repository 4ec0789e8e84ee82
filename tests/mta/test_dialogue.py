#!/usr/bin/env python3
"""What a plugin is told of the session, and that it is told the truth."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.endtoend import (  # noqa: E402
    BODY,
    PLAIN,
    RECIPIENT,
    SENDER,
    TRACE,
    EndToEnd,
    main,
    message,
    variants,
)
from lib.mta import Milter  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.sendmail import Sendmail  # noqa: E402
from lib.smtpclient import SmtpClient  # noqa: E402

OTHER = "carl@example.test"
ECHO = "eom echo"


class Sessions(EndToEnd):
    """Facts of client and envelope, in all kinds of sessions."""

    mta_options = {"logins": {"alice": "secret"}}
    expected_of_mta = r"collect: .*(premature EOM|unexpected close)"

    def echo_of(self, reply):
        """What the plugin saw of the only message that was delivered."""
        self.assertEqual(reply.code, 250, reply)
        (got,) = self.sink.wait_for(1)
        return self.echoed(got)

    def test_facts(self):
        self.acts(ECHO)
        client = self.connect()
        client.mail(SENDER)
        client.rcpt(RECIPIENT)
        client.rcpt(OTHER)
        reply = client.data(message())
        said = self.echo_of(reply)
        name, address, port = said["Client"][0].split()
        # Not every machine knows a name for it.
        self.assertIn(name, ("localhost", "[127.0.0.1]"))
        self.assertEqual(address, "127.0.0.1")
        ours = client._socket.getsockname()[1]
        self.assertEqual(int(port), ours)
        self.assertEqual(said["Helo"], ["client.example.org"])
        self.assertEqual((said["Login"], said["Tls"]), (["-"], ["-"]))
        self.assertEqual(said["Sender"], [SENDER])
        self.assertEqual(
            sorted(said["Recipient"]), [f"0 {RECIPIENT}", f"1 {OTHER}"]
        )
        self.assertIn(said["Queue-Id"][0], str(reply))
        self.assertEqual(said["Dry-Run"], ["0"])

    def test_other_address(self):
        self.acts(ECHO)
        client = self.connect(source="127.0.0.9")
        said = self.echo_of(client.send(SENDER, [RECIPIENT], message()))
        self.assertEqual(said["Client"][0].split()[1], "127.0.0.9")

    def test_empty_sender(self):
        self.acts(ECHO)
        client = self.connect()
        said = self.echo_of(client.send("", [RECIPIENT], message()))
        self.assertEqual(said["Sender"][0].strip(), "")

    def test_macros(self):
        """Each at its stage and at the end, where Postfix repeats few."""
        asked = [
            "connect j {daemon_name} {client_addr} {client_port} v",
            "helo {tls_version}",
            "mail {mail_addr} {client_addr} {mail_mailer}",
            "rcpt {rcpt_addr} {rcpt_mailer} i",
            "eom i j",
        ]
        names = "j v i {client_addr} {client_port} {mail_addr} {rcpt_mailer}"
        acts = [f"eom echo-macro {name}" for name in names.split()]
        acts.append("mail echo-macro {client_addr}")
        self.acts(*acts, ECHO, macros=asked)
        client = self.connect()
        said = self.echo_of(client.send(SENDER, [RECIPIENT], message()))
        got = dict(pair.split("=", 1) for pair in said["Macro"])
        self.assertEqual(got["j"], "mx.test")
        self.assertIn("8.17" if self.kind is Sendmail else "3.7", got["v"])
        self.assertEqual(got["i"], said["Queue-Id"][0])
        self.assertEqual(got["{client_addr}"], "127.0.0.1")
        self.assertEqual(got["{client_port}"], said["Client"][0].split()[2])
        self.assertEqual(got["{mail_addr}"], SENDER)
        self.assertEqual(got["{rcpt_mailer}"], "relay")

    def test_starttls(self):
        self.acts(ECHO)
        client = self.connect()
        self.assertEqual(client.starttls().code, 220)
        client.ehlo("tls.example.org")
        for _ in range(2):
            self.sink.clear()
            reply = client.send(SENDER, [RECIPIENT], message())
            said = self.echo_of(reply)
            self.assertEqual(said["Tls"], ["TLSv1.3"])
            self.assertEqual(said["Helo"], ["tls.example.org"])

    def test_auth(self):
        self.acts(ECHO)
        client = self.connect(port=self.mta.submission_port)
        self.assertEqual(client.auth_plain("alice", "secret").code, 235)
        login = "alice" if self.kind is Sendmail else "alice@mx.test"
        for _ in range(2):
            self.sink.clear()
            reply = client.send(SENDER, ["x@example.com"], message())
            said = self.echo_of(reply)
            self.assertIn(said["Login"][0], (login, "alice"))

    def test_authenticated_only(self):
        """The daemon's own selector goes by the same login."""
        self.acts("mail reject 550 5.7.1 not you", authenticated="yes")
        client = self.connect(port=self.mta.submission_port)
        client.auth_plain("alice", "secret")
        self.assertEqual(client.mail(SENDER).code, 550)
        self.assertEqual(self.send(message()).code, 250)

    def test_several_messages(self):
        """Nothing of one message is seen in the next."""
        self.acts("header log x", "body log x", ECHO)
        client = self.connect()
        for i in range(5):
            self.sink.clear()
            sender, recipient = f"s{i}@example.org", f"r{i}@example.test"
            body = b"x" * 70 * i + b"\r\n"
            content = message(*["X-Many: m"] * i, body=body)
            reply = client.send(sender, [recipient], content)
            said = self.echo_of(reply)
            self.assertEqual(said["Sender"], [sender])
            self.assertEqual(said["Recipient"], [f"0 {recipient}"])
            self.assertEqual(said["Seen"][0].split()[0], f"headers={4 + i}")
            self.assertIn(f" bytes={len(body)} ", said["Seen"][0])

    def test_rset(self):
        """A transaction that was given up leaves nothing behind."""
        self.acts(
            "mail add X-Early: e", "message-end log gone", ECHO
        )
        client = self.connect()
        client.mail("given-up@example.org")
        client.rcpt(OTHER)
        client.rset()
        client.rset()
        client.mail("given-up@example.org")
        client.rset()
        reply = client.send(SENDER, [RECIPIENT], message())
        said = self.echo_of(reply)
        self.assertEqual(said["Sender"], [SENDER])
        self.assertEqual(said["Recipient"], [f"0 {RECIPIENT}"])
        (got,) = self.sink.messages
        self.assertEqual(got.data.count(b"X-Early"), 1)

    def test_ehlo_again(self):
        """EHLO in a transaction ends it, and the last name counts."""
        self.acts(ECHO)
        client = self.connect()
        client.mail("given-up@example.org")
        client.ehlo("second.example.org")
        reply = client.send(SENDER, [RECIPIENT], message())
        said = self.echo_of(reply)
        self.assertEqual(said["Helo"], ["second.example.org"])
        self.assertEqual(said["Sender"], [SENDER])

    def test_dropped(self):
        """A client that goes away, anywhere: each message ends once."""
        self.acts("mail continue", "eom echo", "message-end log over")
        steps = ("mail", "rcpt", "data", "content")
        for last in steps:
            for leave in (SmtpClient.close, SmtpClient.reset):
                with self.subTest(last=last, leave=leave.__name__):
                    seen = len(self.daemon.log())
                    client = self.connect()
                    client.mail(SENDER)
                    if last != "mail":
                        client.rcpt(RECIPIENT)
                    if last in ("data", "content"):
                        client.command("DATA")
                    if last == "content":
                        client.send_raw(PLAIN + b"\r\nunfinished")
                    leave(client)
                    self.daemon.wait_log(r"over outcome=5", 5, seen)
                    ends = self.daemon.log()[seen:].count("over outcome")
                    self.assertEqual(ends, 1)
        self.assert_nothing_delivered()
        self.assertEqual(self.send(message()).code, 250)

    def test_8bit_and_long_envelope(self):
        self.acts(ECHO)
        long = "x" * 60 + "@" + "y" * 60 + ".example.org"
        client = self.connect()
        said = self.echo_of(client.send(long, [RECIPIENT], message()))
        self.assertEqual(said["Sender"], [long])

    def test_many_recipients(self):
        self.acts(ECHO, "rcpt continue")
        recipients = [f"r{i}@example.test" for i in range(60)]
        client = self.connect()
        client.mail(SENDER)
        replies = client.pipeline([f"RCPT TO:<{r}>" for r in recipients])
        self.assertEqual({reply.code for reply in replies}, {250})
        self.assertEqual(client.data(message()).code, 250)
        self.mta.wait_queue_empty()
        got = self.sink.wait_for(1)
        delivered = [r for m in got for r in m.recipients]
        self.assertEqual(sorted(delivered), sorted(recipients))
        said = self.echoed(got[0])["Recipient"]
        self.assertEqual(
            sorted(said), sorted(f"{i} {r}" for i, r in enumerate(recipients))
        )

    def test_pipelining(self):
        """Replies of the filter to the right commands, in one burst."""
        self.acts("rcpt reject 550 5.7.1 no", recipient=OTHER)
        client = self.connect()
        burst = [
            f"MAIL FROM:<{SENDER}>",
            f"RCPT TO:<{OTHER}>",
            f"RCPT TO:<{RECIPIENT}>",
            f"RCPT TO:<{OTHER}>",
            "DATA",
        ]
        codes = [reply.code for reply in client.pipeline(burst)]
        self.assertEqual(codes, [250, 550, 250, 550, 354])
        self.assertEqual(client.content(message()).code, 250)
        (got,) = self.sink.wait_for(1)
        self.assertEqual(got.recipients, [RECIPIENT])

    def test_reload_in_session(self):
        """An open session goes over at its next message."""
        self.acts("mail continue", "eom add X-Config: one")
        client = self.connect()
        client.mail(SENDER)
        client.rcpt(RECIPIENT)
        self.acts("mail continue", "eom add X-Config: two")
        self.assertEqual(client.data(message()).code, 250)
        reply = client.send(SENDER, [RECIPIENT], message())
        self.assertEqual(reply.code, 250)
        first, second = self.sink.wait_for(2)
        self.assert_content(first, message("X-Config: one"))
        self.assert_content(second, message("X-Config: two"))


class RejectedRecipients(EndToEnd):
    """Those that the MTA refuses are told to who asks (SMFIP_RCPT_REJ)."""

    # A map refuses it in Postfix, the local mailer in Sendmail.
    unknown = {"postfix": "unknown@example.test", "sendmail": "no-one@mx.test"}

    def dialogue(self):
        client = self.connect()
        client.mail(SENDER)
        stranger = self.unknown[self.kind.name]
        self.assertEqual(client.rcpt(stranger).code, 550)
        self.assertEqual(client.rcpt(RECIPIENT).code, 250)
        self.assertEqual(client.data(message()).code, 250)
        return self.sink.wait_for(1)[0]

    def test_wanted(self):
        acts = ["rcpt note seen yes", "rcpt log rcpt seen", ECHO]
        seen = len(self.daemon.log())
        self.acts(*acts, want=["rejected"])
        got = self.dialogue()
        # It is seen, but it is none of the message's recipients.
        self.assertEqual(got.recipients, [RECIPIENT])
        said = self.echoed(got)
        self.assertEqual(said["Recipient"], [f"0 {RECIPIENT}"])
        self.assertEqual(self.daemon.log()[seen:].count("rcpt seen"), 2)

    def test_not_wanted(self):
        seen = len(self.daemon.log())
        self.acts("rcpt log rcpt seen", ECHO)
        self.dialogue()
        self.assertEqual(self.daemon.log()[seen:].count("rcpt seen"), 1)


class AuthenticationResults(EndToEnd):
    """One field above the trace field, and no forged one below."""

    FORGED = (
        "Authentication-Results: mx.test; spf=pass smtp.mailfrom=evil",
        "authentication-results:  (c) MX.TEST (x) 1; dkim=pass",
        'Authentication-Results: "mx.test";\r\n\tdmarc=pass',
    )
    FOREIGN = (
        "Authentication-Results: mx.example.net; spf=fail",
        "X-Authentication-Results: mx.test; spf=pass",
    )
    listener_options = "authentication-results = on"
    RESULT = "spf pass smtp.mailfrom=ann@example.org"
    WRITTEN = (
        b"Authentication-Results: mx.test;"
        b" spf=pass smtp.mailfrom=ann@example.org\r\n"
    )

    def unfolded(self, data):
        """The field in question may be folded anywhere that is allowed."""
        head, rest = data.split(TRACE, 1)
        return head.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" "), rest

    def test_written(self):
        self.acts(f"eom auth {self.RESULT}")
        got = self.bare(self.delivered(message()).data)
        self.assertEqual(self.unfolded(got), (self.WRITTEN, message()))

    def test_forged(self):
        before = (self.FORGED[0], self.FOREIGN[0], *self.FORGED[1:])
        self.acts(f"eom auth {self.RESULT}", "eom add X-New: n")
        content = message(*before, self.FOREIGN[1])
        got = self.bare(self.delivered(content).data)
        head, rest = self.unfolded(got)
        self.assertEqual(head, self.WRITTEN)
        self.assertEqual(rest, message(*self.FOREIGN, "X-New: n"))

    def test_without_results(self):
        """Nobody has one: the field says so, forged ones go."""
        self.acts("eom add X-New: n")
        got = self.bare(self.delivered(message(*self.FORGED)).data)
        head, rest = self.unfolded(got)
        self.assertEqual(head, b"Authentication-Results: mx.test; none\r\n")
        self.assertEqual(rest, message("X-New: n"))


class PostfixOnly(EndToEnd):
    """What Sendmail does not have."""

    def test_xclient(self):
        """The address that XCLIENT names is the one that plugins see."""
        for address, wanted in (
            ("192.0.2.7", "192.0.2.7"),
            ("IPV6:2001:db8::7", "2001:db8::7"),
        ):
            with self.subTest(address=address):
                self.sink.clear()
                self.acts(ECHO)
                client = self.connect()
                reply = client.xclient(
                    addr=address, name="a.example.net", port="4711"
                )
                self.assertEqual(reply.code, 220)
                client.ehlo("a.example.net")
                reply = client.send(SENDER, [RECIPIENT], message())
                self.assertEqual(reply.code, 250)
                said = self.echoed(self.sink.wait_for(1)[0])
                self.assertEqual(
                    said["Client"], [f"a.example.net {wanted} 4711"]
                )

    def test_clients_option(self):
        """An instance for some clients is asked for these."""
        self.acts("rcpt reject", clients=["192.0.2.0/24", "2001:db8::/32"])
        for address, code in (
            ("192.0.2.7", 550),
            ("198.51.100.7", 250),
            ("IPV6:2001:db8::7", 550),
        ):
            client = self.connect()
            client.xclient(addr=address)
            client.ehlo()
            client.mail(SENDER)
            self.assertEqual(client.rcpt(RECIPIENT).code, code, address)

    def test_bdat(self):
        """Content in chunks is the same to the filter."""
        self.acts("data log data seen", "eom echo-body", ECHO)
        seen = len(self.daemon.log())
        client = self.connect()
        client.mail(SENDER)
        client.rcpt(RECIPIENT)
        self.assertEqual(client.bdat(PLAIN + b"\r\nhel").code, 250)
        self.assertEqual(client.bdat(BODY[3:], last=True).code, 250)
        (got,) = self.sink.wait_for(1)
        said = self.echoed(got)
        self.assertIn(f"bytes={len(BODY)} ", said["Body"][0])
        self.assertTrue(got.data.endswith(b"\r\n\r\n" + BODY))
        self.assertEqual(self.daemon.log()[seen:].count("data seen"), 1)

    def test_bdat_refused(self):
        self.acts("eom reject 550 5.7.1 not this")
        client = self.connect()
        client.mail(SENDER)
        client.rcpt(RECIPIENT)
        client.bdat(PLAIN + b"\r\n")
        reply = client.bdat(BODY, last=True)
        self.assertEqual(reply.lines, ("550 5.7.1 not this",))
        self.assert_nothing_delivered()

    def test_smtputf8(self):
        self.acts(ECHO, "eom add X-New: grün")
        client = self.connect()
        sender, recipient = "jürgen@example.org", "grün@example.test"
        client.mail(sender, "SMTPUTF8", "BODY=8BITMIME")
        self.assertEqual(client.rcpt(recipient).code, 250)
        self.assertEqual(client.data(message()).code, 250)
        (got,) = self.sink.wait_for(1)
        self.assertEqual((got.sender, got.recipients), (sender, [recipient]))
        self.assertIn("X-New: grün\r\n".encode(), got.data)
        said = self.echoed(got)
        self.assertEqual(said["Sender"], [r"j\xc3\xbcrgen@example.org"])

    def test_smtputf8_recipient_added(self):
        self.acts("eom add-rcpt grün@example.test")
        client = self.connect()
        client.mail(SENDER, "SMTPUTF8")
        client.rcpt(RECIPIENT)
        self.assertEqual(client.data(message()).code, 250)
        (got,) = self.sink.wait_for(1)
        self.assertEqual(
            sorted(got.recipients), sorted([RECIPIENT, "grün@example.test"])
        )


class Submission(EndToEnd):
    """Mail that a local program hands in (non_smtpd_milters)."""

    CONTENT = b"From: ann@example.org\nSubject: by hand\n\nhello\n"

    @classmethod
    def make_mta(cls):
        where = cls.socket.replace("@/", cls.daemon.folder + "/")
        milters = (Milter(where),)
        if cls.kind is Postfix:
            return Postfix(cls.sink.port, non_smtpd_milters=milters)
        return Sendmail(cls.sink.port, milters=milters)

    def test_edited(self):
        self.acts(ECHO, "eom change Subject 1 by machine")
        done = self.mta.submit(self.CONTENT, SENDER, [RECIPIENT])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        (got,) = self.sink.wait_for(1)
        self.assertIn(b"\r\nSubject: by machine\r\n", got.data)
        said = self.echoed(got)
        self.assertEqual(said["Sender"], [SENDER])
        self.assertEqual(said["Recipient"], [f"0 {RECIPIENT}"])
        self.assertEqual(said["Client"][0].split()[1], "127.0.0.1")

    def test_discarded(self):
        self.acts("eom discard")
        done = self.mta.submit(self.CONTENT, SENDER, [RECIPIENT])
        self.assertEqual(done.returncode, 0)
        self.mta.wait_log(r"discard")
        self.assert_nothing_delivered()


variants(globals(), Sessions, AuthenticationResults)
variants(globals(), RejectedRecipients, Submission, families=["unix"])
variants(globals(), PostfixOnly, only=[Postfix])

if __name__ == "__main__":
    main(globals())
