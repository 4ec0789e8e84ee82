#!/usr/bin/env python3
"""Check that the private MTAs can do what the tests ask of them.

Prints one line per check and MTA; exits with 1 if any failed.
usage: selfcheck.py [postfix | sendmail]
"""

import signal
import sys
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib import processes  # noqa: E402
from lib.milterserver import (  # noqa: E402
    ALL_ACTIONS,
    DELETE_RCPT,
    RCPT_REJ,
    MilterServer,
)
from lib.mta import Milter, safe_folder  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.sendmail import Sendmail  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.smtpclient import SmtpClient, send_many  # noqa: E402

SENDER, RECIPIENT = "ann@example.org", "bob@example.test"
STRANGER = "unknown@example.test"
BODY = b".a dot\r\n..\r\n\r\n8-bit: \xe4\r\nend \r\n"
HEADER = (
    b"Date: Tue, 1 Oct 2024 12:00:00 +0000\r\n"
    b"From: ann@example.org\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"Subject: a  check\r\n"
)
CONTENT = HEADER + b"\r\n" + BODY


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def connect(mta):
    client = SmtpClient("127.0.0.1", mta.smtp_port)
    expect(client.banner.code, 220)
    expect(client.ehlo().code, 250)
    return client


def check_message(mta, sink):
    """A message arrives byte by byte, parameters and all."""
    with connect(mta) as client:
        replies = client.pipeline(
            [
                f"MAIL FROM:<{SENDER}> BODY=8BITMIME RET=HDRS ENVID=e1",
                f"RCPT TO:<{RECIPIENT}> NOTIFY=NEVER",
                "DATA",
            ]
        )
        expect([reply.code for reply in replies], [250, 250, 354])
        expect(client.content(CONTENT).code, 250)
        expect(client.quit().code, 221)
    (message,) = sink.wait_for(1)
    expect(message.sender, SENDER)
    expect(message.recipients, [RECIPIENT])
    for parameter in ("BODY=8BITMIME", "RET=HDRS", "ENVID=e1"):
        expect(parameter in message.sender_parameters, True)
    expect("NOTIFY=NEVER" in message.recipient_parameters[0], True)
    expect(message.data.endswith(b"\r\n\r\n" + BODY), True)


def check_unknown(mta, sink):
    """An unknown recipient is refused, the known one gets the message."""
    with connect(mta) as client:
        client.mail(SENDER)
        reply = client.rcpt(STRANGER)
        expect((reply.code, reply.dsn), (550, "5.1.1"))
        expect(client.rcpt(RECIPIENT).code, 250)
        expect(client.data(CONTENT).code, 250)
    expect(sink.wait_for(1)[0].recipients, [RECIPIENT])


def check_starttls(mta, sink):
    with connect(mta) as client:
        expect(client.starttls().code, 220)
        expect(client.ehlo().code, 250)
        expect(client.send(SENDER, [RECIPIENT], CONTENT).code, 250)
    expect(b"ESMTPS" in sink.wait_for(1)[0].data, True)


def check_auth(mta, sink):
    """The submission port takes logins, and nothing without one."""
    with SmtpClient("127.0.0.1", mta.submission_port) as client:
        client.ehlo()
        expect(client.send(SENDER, [RECIPIENT], CONTENT).code // 100, 5)
        expect(client.auth_plain("alice", "wrong").code, 535)
        expect(client.auth_plain("alice", "secret").code, 235)
        expect(client.send(SENDER, ["x@example.com"], CONTENT).code, 250)
    expect(sink.wait_for(1)[0].recipients, ["x@example.com"])


def check_xclient(mta, sink):
    if not mta.has_xclient:
        with connect(mta) as client:
            expect(client.xclient(addr="192.0.2.7").code, 500)
        return "none here, as it should be"
    for address in ("192.0.2.7", "IPV6:2001:db8::7"):
        with connect(mta) as client:
            reply = client.xclient(addr=address, name="a.example.net")
            expect(reply.code, 220)
            client.ehlo()
            expect(client.send(SENDER, [RECIPIENT], CONTENT).code, 250)
    for message in sink.wait_for(2):
        expect(b"(a.example.net [" in message.data, True)
    return None


def check_bdat(mta, sink):
    if mta.name == "sendmail":
        return "none here"
    with connect(mta) as client:
        client.mail(SENDER)
        client.rcpt(RECIPIENT)
        expect(client.bdat(HEADER + b"\r\n").code, 250)
        expect(client.bdat(BODY, last=True).code, 250)
    expect(sink.wait_for(1)[0].data.endswith(b"\r\n\r\n" + BODY), True)
    return None


def check_submit(mta, sink):
    """sendmail(1) works."""
    done = mta.submit(b"Subject: by hand\n\nhello\n", SENDER, [RECIPIENT])
    expect((done.returncode, done.stderr), (0, b""))
    message = sink.wait_for(1)[0]
    expect((message.sender, message.recipients), (SENDER, [RECIPIENT]))
    expect(message.data.endswith(b"\r\n\r\nhello\r\n"), True)


def check_drop(mta, sink):
    """A client that goes away leaves the MTA well."""
    for leave in (SmtpClient.close, SmtpClient.reset):
        client = connect(mta)
        client.mail(SENDER)
        leave(client)
    check_message(mta, sink)


def check_many(mta, sink):
    began = time.monotonic()
    replies = send_many(
        "127.0.0.1",
        mta.smtp_port,
        count=300,
        parallel=20,
        make_message=lambda i: (SENDER, [f"n{i}@example.test"], CONTENT),
    )
    expect({reply.code for reply in replies}, {250})
    got = sorted(message.recipients[0] for message in sink.wait_for(300))
    expect(got, sorted(f"n{i}@example.test" for i in range(300)))
    mta.wait_queue_empty()
    return f"{300 / (time.monotonic() - began):.0f} messages/s"


def check_reload(mta, sink):
    mta.reload()
    check_message(mta, sink)


def check_deferred(mta, sink):
    """A sink that is away: the message waits, flush() sends it on."""
    sink.stop()
    with connect(mta) as client:
        expect(client.send(SENDER, [RECIPIENT], CONTENT).code, 250)
    mta.wait_log(r"stat(us)?=[Dd]eferred")
    (entry,) = mta.queue()
    expect((entry["sender"], entry["held"]), (SENDER, False))
    with Sink(port=sink.port) as back:
        mta.flush()
        expect(back.wait_for(1)[0].recipients, [RECIPIENT])
        mta.wait_queue_empty()


PLAIN_CHECKS = (
    check_message,
    check_unknown,
    check_starttls,
    check_auth,
    check_xclient,
    check_bdat,
    check_submit,
    check_drop,
    check_many,
    check_reload,
    check_deferred,  # the last one: it takes the sink away
)


def milter_noop(kind, sink):
    """All of a message passes through a filter, by inet and by unix."""
    with (
        safe_folder() as folder,
        MilterServer() as first,
        MilterServer(path=folder / "socket") as second,
        kind(sink.port, milters=_milters(first, second)) as mta,
    ):
        check_message(mta, sink)
        for milter in (first, second):
            commands = "".join(c for c, _, _ in milter.seen if c != "D")
            expect(commands.startswith("OCHMRTL"), True)
            expect("NBE" in commands, True)


def milter_non_smtpd(kind, sink):
    """sendmail(1) passes the filter too."""
    with MilterServer() as milter:
        milters = _milters(milter)
        if kind is Postfix:
            options = {"non_smtpd_milters": milters}
        else:
            options = {"milters": milters}
        with kind(sink.port, **options) as mta:
            check_submit(mta, sink)
            expect("E" in [command for command, _, _ in milter.seen], True)


def milter_rcpt_rej(kind, sink):
    """The filter hears of a recipient that the MTA refuses."""
    stranger = STRANGER if kind is Postfix else "nobody-here@mx.test"
    actions = ALL_ACTIONS & ~DELETE_RCPT
    with (
        MilterServer(protocol=RCPT_REJ, actions=actions) as milter,
        kind(sink.port, milters=_milters(milter)) as mta,
    ):
        with connect(mta) as client:
            client.mail(SENDER)
            expect(client.rcpt(stranger).code, 550)
        seen = [macros for command, _, macros in milter.seen if command == "R"]
        expect([macros["{rcpt_mailer}"] for macros in seen], ["error"])
        return seen[0]["{rcpt_host}"] + " " + seen[0]["{rcpt_addr}"]


def milter_quarantine(kind, sink):
    """A held message stays, with its reason, and can be read."""
    answers = {"E": [b"qlooks odd\0", b"a"]}
    with (
        MilterServer(answers) as milter,
        kind(sink.port, milters=_milters(milter)) as mta,
    ):
        with connect(mta) as client:
            expect(client.send(SENDER, [RECIPIENT], CONTENT).code, 250)
        (entry,) = mta.queue()
        expect(
            (entry["sender"], entry["recipients"], entry["held"]),
            (SENDER, [RECIPIENT], True),
        )
        # Postfix 3.7 does not keep what the filter said.
        said = "milter triggers HOLD action" if kind is Postfix else "looks odd"
        expect(entry["reason"], said)
        held = mta.queued_message(entry["id"])
        expect(b"\nSubject: a  check\n" in held, True)
        expect(held.endswith(b"\n\n" + BODY.replace(b"\r\n", b"\n")), True)
        mta.flush()
        expect(sink.messages, [])


def milter_absent(kind, sink):
    """What the MTA does without its filter is chosen by the test."""
    codes = {}
    for on_error in ("tempfail", "reject", "accept"):
        gone = Milter("inet:1@127.0.0.1", on_error=on_error, connect=5)
        with kind(sink.port, milters=(gone,)) as mta:
            with SmtpClient("127.0.0.1", mta.smtp_port) as client:
                reply = client.banner
                if reply.code == 220:
                    client.ehlo()
                    reply = client.send(SENDER, [RECIPIENT], CONTENT)
        codes[on_error] = reply.code // 100
    expect(codes, {"tempfail": 4, "reject": 5, "accept": 2})


def two_at_once(kind, sink):
    with kind(sink.port) as first, kind(sink.port) as second:
        for mta in (first, second):
            check_message(mta, sink)
            sink.clear()


def failure_cleans_up(kind, sink):
    """An exception in a test leaves neither processes nor files."""
    try:
        with kind(sink.port) as mta:
            folder, leader = mta.folder, mta._leader.pid
            with connect(mta):
                raise KeyError("a test went wrong")
    except KeyError:
        pass
    expect(processes.members(leader, str(folder)), [])
    expect(folder.exists(), False)


OWN_MTA_CHECKS = (
    milter_noop,
    milter_non_smtpd,
    milter_rcpt_rej,
    milter_quarantine,
    milter_absent,
    two_at_once,
    failure_cleans_up,
)


def _milters(*servers):
    return tuple(Milter(server.socket) for server in servers)


def run(kind, check, *arguments):
    """Run one check; print and return whether it passed."""
    began = time.monotonic()
    try:
        remark = check(*arguments)
    except Exception:
        print(f"FAIL  {kind.name:9} {check.__name__}")
        traceback.print_exc(file=sys.stdout)
        return False
    took = time.monotonic() - began
    remark = f": {remark}" if remark else ""
    print(f"ok    {kind.name:9} {check.__name__} ({took:.2f} s){remark}")
    return True


def run_plain(kind):
    """The checks that can share one MTA."""
    passed = []
    with Sink() as sink:
        mta = kind(sink.port, logins={"alice": "secret"})
        began = time.monotonic()
        with mta:
            print(f"      {kind.name} up in {time.monotonic() - began:.2f} s")
            for check in PLAIN_CHECKS:
                sink.clear()
                passed.append(run(kind, check, mta, sink))
            began = time.monotonic()
        print(f"      {kind.name} gone in {time.monotonic() - began:.2f} s")
    return passed


def run_own(kind):
    """The checks that start MTAs of their own."""
    passed = []
    for check in OWN_MTA_CHECKS:
        with Sink() as sink:
            passed.append(run(kind, check, kind, sink))
    return passed


def main():
    # A terminated check must clean up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = [k for k in (Postfix, Sendmail) if k.name in sys.argv[1:]]
    passed = []
    for kind in kinds or (Postfix, Sendmail):
        passed += run_plain(kind) + run_own(kind)
    print(f"{passed.count(True)} of {len(passed)} checks passed")
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
