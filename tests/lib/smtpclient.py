"""A raw SMTP client: it sends what it is told and hides no reply."""

import base64
import re
import socket
import ssl
import struct
import threading
from dataclasses import dataclass

DSN = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)")


@dataclass(frozen=True)
class Reply:
    """What the server answered; code 0 stands for a lost connection."""

    code: int
    dsn: str  # "" if the reply has none
    lines: tuple  # whole lines with their codes, without the line ends

    @property
    def text(self):
        """The words of all lines, without codes."""
        return "\n".join(_words(line) for line in self.lines)

    def __str__(self):
        return " / ".join(self.lines) or "connection lost"


LOST = Reply(0, "", ())


def _words(line):
    rest = line[4:]
    dsn = DSN.match(rest)
    return rest[dsn.end() :].lstrip() if dsn else rest


def _parse(lines):
    last = lines[-1]
    dsn = DSN.match(last[4:])
    return Reply(int(last[:3]), dsn[0] if dsn else "", tuple(lines))


class SmtpClient:
    """One connection; a context manager that just closes it."""

    def __init__(self, host, port, timeout=60.0, source=None):
        """source is a local address to come from, such as 127.0.0.9."""
        origin = (source, 0) if source else None
        self._socket = socket.create_connection((host, port), timeout, origin)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""
        self.banner = self.read_reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Bytes and replies

    def send_raw(self, data):
        """Send bytes as they are."""
        self._socket.sendall(data)

    def read_reply(self):
        """Read one reply of any number of lines; LOST at end of file."""
        lines = []
        while True:
            line = self._read_line()
            if line is None:
                return LOST
            lines.append(line)
            if line[3:4] != "-":
                return _parse(lines)

    def _read_line(self):
        while b"\n" not in self._input:
            try:
                more = self._socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self._input += more
        line, _, self._input = self._input.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "backslashreplace")

    def close(self):
        """Close without QUIT."""
        self._socket.close()

    def reset(self):
        """Drop the connection with RST."""
        now = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        self._socket.close()

    # Commands

    def command(self, line):
        """Send one line (str or bytes, without line end); its reply."""
        return self.pipeline([line])[0]

    def pipeline(self, lines):
        """Send several lines in one go; their replies."""
        try:
            self.send_raw(b"".join(_bytes(line) + b"\r\n" for line in lines))
        except ConnectionError:
            pass  # the replies, if any, tell what happened
        return [self.read_reply() for _ in lines]

    def ehlo(self, name="client.example.org"):
        return self.command(f"EHLO {name}")

    def helo(self, name="client.example.org"):
        return self.command(f"HELO {name}")

    def mail(self, sender, *parameters):
        return self.command(" ".join([f"MAIL FROM:<{sender}>", *parameters]))

    def rcpt(self, recipient, *parameters):
        return self.command(" ".join([f"RCPT TO:<{recipient}>", *parameters]))

    def data(self, content):
        """DATA and the content; the last reply that came."""
        reply = self.command("DATA")
        return self.content(content) if reply.code == 354 else reply

    def content(self, content):
        """The content after a 354, dots doubled, and the final dot."""
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        doubled = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        self.send_raw(doubled + b".\r\n")
        return self.read_reply()

    def bdat(self, chunk, last=False):
        """One chunk by BDAT."""
        ending = " LAST" if last else ""
        self.send_raw(f"BDAT {len(chunk)}{ending}\r\n".encode() + chunk)
        return self.read_reply()

    def rset(self):
        return self.command("RSET")

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def send(self, sender, recipients, content):
        """A whole transaction; the reply that decided it.

        With no recipient left the transaction is reset, not sent.
        """
        reply = self.mail(sender)
        if reply.code != 250:
            return reply
        replies = [self.rcpt(recipient) for recipient in recipients]
        if not any(reply.code in (250, 251) for reply in replies):
            if replies[-1] != LOST:
                self.rset()
            return replies[-1]
        return self.data(content)

    # Extensions

    def starttls(self, context=None):
        """STARTTLS without checking the certificate; say EHLO again after."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            context = context or _trusting_context()
            self._socket = context.wrap_socket(self._socket)
            self._input = b""
        return reply

    def auth_plain(self, login, password):
        words = f"\0{login}\0{password}".encode()
        return self.command(b"AUTH PLAIN " + base64.b64encode(words))

    def xclient(self, **attributes):
        """XCLIENT addr="192.0.2.7", name="a.example.org", ...: EHLO again."""
        words = [f"{name.upper()}={v}" for name, v in attributes.items()]
        return self.command(" ".join(["XCLIENT", *words]))


def _bytes(line):
    if isinstance(line, bytes):
        return line
    return line.encode("utf-8", "surrogateescape")


def _trusting_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def send_many(host, port, count, parallel, make_message, per_session=1):
    """Send count messages over parallel connections at a time.

    make_message(i) returns (sender, recipients, content).  Returns the reply
    that decided message i at index i; LOST if it could not be sent or the
    connection failed.  per_session messages go over one connection.
    """
    results = [LOST] * count
    todo = iter(range(count))
    lock = threading.Lock()  # guards todo

    def take():
        with lock:
            return [i for _, i in zip(range(per_session), todo)]

    def work():
        while batch := take():
            _send_batch(host, port, batch, make_message, results)

    threads = [threading.Thread(target=work) for _ in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _send_batch(host, port, batch, make_message, results):
    """Send the messages of the batch over one connection."""
    try:
        with SmtpClient(host, port) as client:
            if client.banner.code != 220:
                results[batch[0]] = client.banner
                return
            client.ehlo()
            for i in batch:
                results[i] = client.send(*make_message(i))
                if results[i].code in (0, 421):
                    return
            client.quit()
    except OSError:
        pass  # what has no reply stays LOST
