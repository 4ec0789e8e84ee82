"""A real MTA with a millraced attached to it and a sink behind it.

One of each for a test class; a test gives the daemon the chain that it needs
by a reload and talks SMTP.  When a class is done, neither the MTA's log nor
the daemon's may hold a complaint that the class did not ask for.
"""

import contextlib
import re
import signal
import subprocess
import unittest

from . import ports
from .daemon import Daemon
from .mta import Milter
from .postfix import Postfix
from .sendmail import Sendmail
from .sink import Sink
from .smtpclient import SmtpClient

SENDER, RECIPIENT = "ann@example.org", "bob@example.test"

# What an MTA says of a filter that breaks the protocol or cannot be reached.
COMPLAINT = re.compile(
    r"lied about|protocol|warning|fatal|panic|invalid|unsafe|error state|"
    r"timeout|timed out|unexpected|conflict|premature|bogus|can't|cannot",
    re.IGNORECASE,
)
# Postfix on a machine whose clocks differ by a moment.
NOT_OURS = re.compile(r"file system clock|resetting file time stamps")
DAEMON_COMPLAINT = re.compile(r"^\S+ (error|warn) .*", re.MULTILINE)

# The trace field of each MTA, whole and nothing else.
RECEIVED = {
    "postfix": re.compile(
        rb"Received: from \S+ \(\S+ \[[^]]+\]\)\r\n"
        rb"(?:\t\(using [^\r]+\r\n\t [^\r]+\r\n\t[^\r]+\r\n)?"
        rb"(?:\t\(Authenticated sender: [^\r]+\)\r\n)?"
        rb"\tby mx\.test \(Postfix\) with [A-Z0-9]+ id [0-9A-F]+"
        rb"(?:\r\n\tfor <[^>]+>)?; [^\r]+\r\n"
        rb"|Received: by mx\.test \(Postfix, from userid \d+\)\r\n"
        rb"\tid [0-9A-F]+; [^\r]+\r\n"
    ),
    "sendmail": re.compile(
        rb"Received: (?:from [^\r]+\r\n)?"
        rb"(?:\t\(authenticated bits=\d+\)\r\n)?"
        rb"\tby mx\.test \([^)]+\)[^\r]* with \S+ id \w+"
        rb"(?:\r\n\t\([^\r]+\))?"
        rb"(?:\r\n\tfor <[^>]+>)?; [^\r]+\r\n"
    ),
}
TRACE = b"Received: (ours)\r\n"


def fields(*lines):
    """Header fields as bytes, each with its line end."""
    return b"".join(_bytes(line) + b"\r\n" for line in lines)


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


# Both MTAs add what is missing of these.
PLAIN = fields(
    "Date: Tue, 1 Oct 2024 12:00:00 +0000",
    "From: ann@example.org",
    "To: bob@example.test",
    "Message-ID: <1@example.org>",
)
BODY = b"hello\r\n.a dot\r\n\r\nend \r\n"


def message(*lines, body=BODY):
    """A message with these fields after the plain ones."""
    return PLAIN + fields(*lines) + b"\r\n" + body


def quote(text):
    """A string of the config file."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", text) + '"'


def actor(name, acts, **options):
    """An instance of the test plugin; a list or one value an option."""
    lines = [f"\tact = {{ {', '.join(map(quote, acts))} }}"]
    for option, value in options.items():
        option = option.replace("_", "-")
        if isinstance(value, (list, tuple)):
            value = "{ " + ", ".join(map(quote, value)) + " }"
        else:
            value = quote(value)
        lines.append(f"\t{option} = {value}")
    return "\n".join([f"actor {quote(name)} {{", *lines, "}\n"])


class EndToEnd(unittest.TestCase):
    """The base of test classes; variants() makes those that run."""

    kind = None  # Postfix or Sendmail
    family = "unix"  # or inet: how the MTA reaches the daemon
    mta_options = {}
    milter_options = {}
    listener_options = ""
    daemon_options = ""  # lines outside all sections
    # Complaints that the tests of the class provoke.
    expected_of_mta = r"$^"
    expected_of_daemon = r"$^"

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sink = stack.enter_context(Sink())
            cls.socket = cls.pick_socket(stack)
            text = cls.listener("first") + actor("first", [])
            cls.daemon = stack.enter_context(
                Daemon(text, options=cls.daemon_options)
            )
            cls.mta = stack.enter_context(cls.make_mta())
            cls.stack = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()
        cls.check_complaints(cls.mta.log())

    @classmethod
    def pick_socket(cls, stack):
        if cls.family == "unix":
            return "unix:@/mx.sock"
        port = ports.claim()
        stack.callback(port.release)
        return f"inet:{port.number}@127.0.0.1"

    @classmethod
    def make_mta(cls):
        where = cls.socket.replace("@/", cls.daemon.folder + "/")
        milters = (Milter(where, **cls.milter_options),)
        options = {"milters": milters, **cls.mta_options}
        return cls.kind(cls.sink.port, **options)

    @classmethod
    def check_complaints(cls, mta_log):
        """Every line that complains must be one that was provoked."""
        unasked = [
            line
            for line in mta_log.splitlines()
            if COMPLAINT.search(line)
            and not NOT_OURS.search(line)
            and not re.search(cls.expected_of_mta, line)
        ]
        if unasked:
            raise AssertionError("the MTA says:\n" + "\n".join(unasked))
        unasked = [
            match[0]
            for match in DAEMON_COMPLAINT.finditer(cls.daemon_log)
            if not re.search(cls.expected_of_daemon, match[0])
        ]
        if unasked:
            raise AssertionError("millraced says:\n" + "\n".join(unasked))

    def setUp(self):
        self.sink.clear()

    def tearDown(self):
        type(self).daemon_log = self.daemon.log()
        self.mta.wait_queue_empty()

    # The daemon

    @classmethod
    def listener(cls, *chain):
        """The listener that the MTA is attached to; only its chain varies."""
        group = 'group = "mail"' if cls.family == "unix" else ""
        return (
            f'listener "mx" {{\n\tsocket = "{cls.socket}"\n\t{group}\n'
            f"\tchain = {{ {', '.join(map(quote, chain))} }}\n"
            f"\t{cls.listener_options}\n}}\n"
        )

    def chain(self, *instances):
        """Put these instances in force: texts as actor() makes them."""
        names = [re.match(r'\w+ "([^"]+)"', text)[1] for text in instances]
        self.daemon.write(self.listener(*names) + "".join(instances))
        seen = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGHUP)
        in_force = r"generation (\d+) is in force"
        number = self.daemon.wait_log(in_force, start=seen)[1]
        used = rf"front mx: new messages use generation {number}$"
        self.daemon.wait_log(used, start=seen)

    def acts(self, *acts, **options):
        """A chain of one actor."""
        self.chain(actor("actor", acts, **options))

    # The mail

    def connect(self, ehlo=True, port=None, **options):
        """A client that has said EHLO, closed when the test ends."""
        port = port or self.mta.smtp_port
        client = SmtpClient("127.0.0.1", port, **options)
        self.addCleanup(client.close)
        if ehlo:
            self.assertEqual(client.banner.code, 220, client.banner)
            self.assertEqual(client.ehlo().code, 250)
        return client

    def send(self, content, sender=SENDER, recipients=(RECIPIENT,)):
        """Send one message over a connection of its own; the reply."""
        client = self.connect()
        reply = client.send(sender, recipients, content)
        client.quit()
        return reply

    def delivered(self, content, **options):
        """Send a message that is accepted; what the sink got."""
        self.sink.clear()
        reply = self.send(content, **options)
        self.assertEqual(reply.code, 250, reply)
        return self.sink.wait_for(1)[0]

    def bare(self, data):
        """The message with the MTA's own trace field made the same."""
        pattern = RECEIVED[self.kind.name]
        self.assertEqual(len(pattern.findall(data)), 1, data)
        return pattern.sub(TRACE, data)

    def assert_content(self, got, wanted):
        """wanted: the whole content; TRACE is put at the top if missing."""
        if TRACE not in wanted:
            wanted = TRACE + wanted
        got = self.bare(got.data)
        if got != wanted and len(wanted) < 10000:
            self.assertEqual(got.decode("latin-1"), wanted.decode("latin-1"))
        self.assertTrue(got == wanted, f"{len(got)} bytes differ")

    def assert_edited(self, acts, content, wanted, **options):
        """The acts make of content what is wanted, byte by byte."""
        self.acts(*acts)
        got = self.delivered(content, **options)
        self.assert_content(got, wanted)
        return got

    def assert_nothing_delivered(self):
        """What has been accepted so far was thrown away."""
        self.mta.wait_queue_empty()
        self.assertEqual(self.sink.messages, [])

    def echoed(self, message):
        """The X-Echo fields of a message: name without X-Echo-: values."""
        found = {}
        pattern = rb"^X-Echo-(\S+): ([^\r]*)\r\n"
        for name, value in re.findall(pattern, message.data, re.MULTILINE):
            found.setdefault(name.decode(), []).append(value.decode())
        return found


def variants(names, *bases, only=(Postfix, Sendmail), families=None):
    """Put classes for each MTA and socket family into names (globals())."""
    for base in bases:
        for kind in only:
            for family in families or ("unix", "inet"):
                name = f"{base.__name__}{kind.__name__}{family.title()}"
                extra = {"kind": kind, "family": family}
                extra["__module__"] = base.__module__
                names[name] = type(name, (base,), extra)


def load_tests_of_variants(names):
    """For load_tests: what runs is the variants, not their bases."""
    loader = unittest.TestLoader()
    classes = [
        value
        for value in names.values()
        if isinstance(value, type)
        and issubclass(value, EndToEnd)
        and value.kind is not None
    ]
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, classes))


def main(names):
    """Run the variants of a test file; SIGTERM cleans up as well."""
    signal.signal(signal.SIGTERM, lambda *_: exit(143))
    names["load_tests"] = lambda *_: load_tests_of_variants(names)
    unittest.main(names["__name__"])


def ended(process, seconds):
    """Whether a subprocess ends within the time."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None
