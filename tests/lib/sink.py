"""An SMTP server that accepts everything and remembers every byte.

It runs in a thread of its own and takes thousands of messages quickly.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "DSN")
END_OF_DATA = b"\r\n.\r\n"


@dataclass
class Message:
    """One transaction as the sink got it."""

    helo: str
    sender: str
    sender_parameters: list
    recipients: list = field(default_factory=list)  # addresses
    recipient_parameters: list = field(default_factory=list)  # one list each
    data: bytes = b""  # without the doubled dots


class Sink:
    """The server: a context manager with a port and a list of messages."""

    def __init__(self, port=0):
        """port 0 stands for any free one."""
        self.port = port
        self.sessions = set()  # touched by the loop's thread only
        self._messages = []
        self._changed = threading.Condition()  # guards _messages
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        listen = self._loop.create_server(
            lambda: _Session(self), "127.0.0.1", self.port, backlog=1000
        )
        self._server = self._loop.run_until_complete(listen)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread.start()

    def stop(self):
        """Close the port and all connections; the messages stay readable."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self):
        self._loop.run_forever()
        self._server.close()
        for session in list(self.sessions):
            session.drop()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    @property
    def messages(self):
        """The messages so far, oldest first."""
        with self._changed:
            return list(self._messages)

    def wait_for(self, count, timeout=30.0):
        """Wait until there are count messages; return them."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self._messages) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimeoutError(
                        f"{len(self._messages)} of {count} messages came"
                    )
            return list(self._messages)

    def clear(self):
        """Forget the messages."""
        with self._changed:
            self._messages.clear()

    def add(self, message):
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()


class _Session(asyncio.Protocol):
    """One connection.  Input is gathered until a line or a body is whole."""

    def __init__(self, sink):
        self._sink = sink
        self._input = bytearray()
        self._body = None  # bytes of the body so far, while one is sent
        self._helo = ""
        self._message = None

    def connection_made(self, transport):
        self._transport = transport
        self._sink.sessions.add(self)
        self._reply("220 sink.test ESMTP")

    def connection_lost(self, _):
        self._sink.sessions.discard(self)

    def drop(self):
        self._transport.abort()

    def data_received(self, data):
        self._input += data
        while self._next():
            pass

    def _next(self):
        """Take one line or one body; False if no whole one is there."""
        return self._next_line() if self._body is None else self._next_body()

    def _next_line(self):
        line, newline, rest = self._input.partition(b"\n")
        if newline:
            self._input = rest
            self._command(line.rstrip(b"\r").decode("utf-8", "surrogateescape"))
        return bool(newline)

    def _next_body(self):
        """Take input up to the final dot; keep what could be its start.

        The body begins with the line end of DATA, so that one rule finds
        the final dot and the doubled dots of an empty body as well.
        """
        start = max(0, len(self._body) - len(END_OF_DATA))
        self._body += self._input
        self._input = bytearray()
        end = self._body.find(END_OF_DATA, start)
        if end < 0:
            return False
        self._input = self._body[end + len(END_OF_DATA) :]
        whole = bytes(self._body[: end + 2]).replace(b"\r\n.", b"\r\n")
        self._message.data = whole[2:]
        self._sink.add(self._message)
        self._body = self._message = None
        self._reply("250 2.0.0 kept")
        return True

    def _command(self, line):
        verb, _, rest = line.partition(" ")
        answer = self._ANSWERS.get(verb.upper())
        if answer is None:
            self._reply("500 5.5.2 not known")
        else:
            answer(self, rest)

    def _ehlo(self, name):
        self._helo = name
        lines = ["sink.test", *EXTENSIONS]
        for line in lines[:-1]:
            self._reply("250-" + line)
        self._reply("250 " + lines[-1])

    def _helo_old(self, name):
        self._helo = name
        self._reply("250 sink.test")

    def _mail(self, rest):
        sender, parameters = _address(rest)
        self._message = Message(self._helo, sender, parameters)
        self._reply("250 2.1.0 sender kept")

    def _rcpt(self, rest):
        recipient, parameters = _address(rest)
        if self._message is None:
            self._reply("503 5.5.1 MAIL first")
            return
        self._message.recipients.append(recipient)
        self._message.recipient_parameters.append(parameters)
        self._reply("250 2.1.5 recipient kept")

    def _data(self, _):
        if self._message is None or not self._message.recipients:
            self._reply("503 5.5.1 RCPT first")
            return
        self._body = bytearray(b"\r\n")
        self._reply("354 go on")

    def _reset(self, _):
        self._message = None
        self._reply("250 2.0.0 forgotten")

    def _noop(self, _):
        self._reply("250 2.0.0 fine")

    def _quit(self, _):
        self._reply("221 2.0.0 bye")
        self._transport.close()

    def _reply(self, line):
        self._transport.write(line.encode() + b"\r\n")

    _ANSWERS = {
        "EHLO": _ehlo,
        "HELO": _helo_old,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _reset,
        "NOOP": _noop,
        "QUIT": _quit,
    }


def _address(rest):
    """Split "FROM:<a@b> SIZE=1" into the address and the parameters."""
    path, _, parameters = rest.partition(":")[2].lstrip().partition(">")
    return path.lstrip("<"), parameters.split()
