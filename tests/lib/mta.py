"""What a private Postfix and a private Sendmail have in common.

Every instance lives in a temporary folder: config, queue, log, certificate,
logins.  It listens on two claimed ports of 127.0.0.1 (mx and submission) and
relays all it accepts to one SMTP sink, so that tests can compare bytes.

    with Sink() as sink, Postfix(sink.port, milters=[Milter(where)]) as mta:
        SmtpClient("127.0.0.1", mta.smtp_port) ...
"""

import abc
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import ports, processes

START_SECONDS = 30


# Sendmail trusts no file, and no milter socket, below a world-writable folder.
SAFE_PARENT = "/run"


@contextlib.contextmanager
def safe_folder():
    """A temporary folder in which both MTAs accept a milter's socket."""
    made = tempfile.mkdtemp(prefix="millrace-", dir=SAFE_PARENT)
    try:
        path = Path(made)
        path.chmod(0o755)
        yield path
    finally:
        shutil.rmtree(made)


@dataclass(frozen=True)
class Milter:
    """A filter as the MTA is told about it; None leaves the MTA's default.

    socket is written as libmilter does: inet:8891@127.0.0.1, unix:/path.
    on_error is tempfail, accept, reject or quarantine (Postfix only), or
    drop (Sendmail only: 421, and the connection ends).
    The times are in seconds: to connect, for a reply to any command, for a
    reply to one piece of the content (Postfix) or to the whole (Sendmail).
    """

    socket: str
    on_error: str = "tempfail"
    connect: int | None = None
    command: int | None = None
    content: int | None = None
    protocol: int | None = None  # Postfix only

    def inet(self):
        """(host, port) of an inet or inet6 socket, None of a unix one."""
        kind, _, rest = self.socket.partition(":")
        if kind not in ("inet", "inet6"):
            return None
        port, _, host = rest.partition("@")
        return host, int(port)

    def path(self):
        """The path of a unix socket."""
        return self.socket.partition(":")[2]


@dataclass(frozen=True)
class Setup:
    """What a test may choose; the same for both MTAs."""

    milters: tuple = ()
    non_smtpd_milters: tuple = ()  # Sendmail: its only list serves all mail
    hostname: str = "mx.test"
    domains: tuple = ("example.test", "example.org")
    unknown: tuple = ("unknown",)  # these local parts do not exist
    tls: bool = True
    logins: dict = field(default_factory=dict)  # name: password
    extra: tuple = ()  # lines for main.cf or for the .mc file


class Mta(abc.ABC):
    """One private instance; a context manager that leaves nothing behind."""

    name = ""
    parent = None  # where instances have their folders: the system's choice
    has_xclient = False

    def __init__(self, sink_port, **options):
        if os.geteuid() != 0:
            raise RuntimeError(f"a private {self.name} can only be run by root")
        self.sink_port = sink_port
        self.setup = Setup(**options)
        self.folder = None
        self.smtp_port = None
        self.submission_port = None
        self._ports = []
        self._leader = None
        self._last_log = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Return when both ports are open; on failure nothing is left."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        prefix = f"millrace-{self.name}-"
        made = tempfile.mkdtemp(prefix=prefix, dir=self.parent)
        self.folder = Path(made).resolve()
        self.folder.chmod(0o755)  # the MTA's own user must get through
        self._ports = [ports.claim(), ports.claim()]
        self.smtp_port, self.submission_port = (p.number for p in self._ports)
        self._configure()
        self._leader = self._launch()
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._leader.poll() is not None:
                why = self.log() or self._diagnose()
                raise RuntimeError(f"{self.name} did not start:\n{why}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} is not up:\n{self.log()}")
            time.sleep(0.01)

    def stop(self):
        """End every process of the instance, then remove its folder."""
        if self._leader is not None:
            processes.end(self._leader, str(self.folder))
            self._leader = None
        self._ended()
        for port in self._ports:
            port.release()
        self._ports = []
        if self.folder is not None:
            self._last_log = self.log()
            shutil.rmtree(self.folder)
            self.folder = None

    def _ended(self):
        """Called when the processes are gone and the folder is still there."""

    def processes(self):
        """The process ids of the running instance."""
        if self._leader is None:
            return []
        return processes.members(self._leader.pid, str(self.folder))

    @property
    def log_path(self):
        return self.folder / "log"

    def log(self):
        """All that the MTA has logged; after stop() as well."""
        if self.folder is None:
            return self._last_log
        # What it says before it can log, why it cannot start for example.
        files = (self.folder / "output", self.log_path)
        return "".join(
            path.read_text("utf-8", "backslashreplace")
            for path in files
            if path.exists()
        )

    def wait_log(self, pattern, timeout=10.0, start=0):
        """Wait until the log matches from offset start; return the match."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        while not (match := wanted.search(self.log(), start)):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.name} never logged {pattern!r}:\n{self.log()}"
                )
            time.sleep(0.02)
        return match

    def wait_queue_empty(self, timeout=30.0):
        """Wait until all but held messages have left the queue."""
        deadline = time.monotonic() + timeout
        while left := [entry for entry in self.queue() if not entry["held"]]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} still has {left}")
            time.sleep(0.05)

    @abc.abstractmethod
    def submit(self, data, sender, recipients):
        """Hand the bytes in with sendmail(1); return the finished process."""

    @abc.abstractmethod
    def queue(self):
        """The queue: dicts of id, sender, recipients, held, reason."""

    @abc.abstractmethod
    def queued_message(self, queue_id):
        """Header and body of a queued message."""

    @abc.abstractmethod
    def remove_held(self, queue_id):
        """Take a held message out of the queue: the next is then alone."""

    @abc.abstractmethod
    def flush(self):
        """Try again at once to deliver what is deferred."""

    @abc.abstractmethod
    def reload(self):
        """Have the running MTA read its config again."""

    @abc.abstractmethod
    def _configure(self):
        """Write the config and the folders of the instance."""

    @abc.abstractmethod
    def _launch(self):
        """Start the MTA as the leader of its own session."""

    @abc.abstractmethod
    def _is_ready(self):
        """Whether mail can be sent to it, found without connecting."""

    def _diagnose(self):
        """Why it does not start, where it died too early to log that."""
        return ""

    def _spawn(self, *command):
        """Start the command as the leader of a session of its own."""
        with open(self.folder / "output", "wb") as output:
            return subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                cwd=self.folder,
                start_new_session=True,
            )

    def _run(self, *command, check=True, data=None):
        """Run a program of the instance and return the finished process."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words,
            input=data,
            capture_output=True,
            env=self._environment(),
            cwd=self.folder,
            check=False,
        )
        if check and done.returncode != 0:
            output = (done.stderr or done.stdout).decode(errors="replace")
            raise RuntimeError(f"{' '.join(words)} failed:\n{output}")
        return done

    @abc.abstractmethod
    def _environment(self):
        """The environment for the programs of the instance."""

    def _make_certificate(self, tree, folder):
        """A self-signed certificate; return the paths of it and its key."""
        certificate, key = folder / "cert.pem", folder / "key.pem"
        new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self._run(
            *(tree / "usr/bin/openssl", *new.split(), "-days", "30"),
            *("-config", tree / "etc/ssl/openssl.cnf"),
            *("-subj", f"/CN={self.setup.hostname}"),
            *("-keyout", key, "-out", certificate),
        )
        key.chmod(0o600)
        return certificate, key

    def _make_logins(self, tree, path):
        """Write the logins to a SASL database of the instance's own."""
        for login, password in self.setup.logins.items():
            self._run(
                *(tree / "usr/sbin/saslpasswd2", "-p", "-c", "-f", path),
                *("-u", self.setup.hostname, login),
                data=password.encode(),
            )


def sasl_config(database):
    """Cyrus SASL settings: passwords from the database, nothing else."""
    return (
        "pwcheck_method: auxprop\n"
        "auxprop_plugin: sasldb\n"
        f"sasldb_path: {database}\n"
        "mech_list: PLAIN LOGIN\n"
    )
