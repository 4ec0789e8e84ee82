"""A milter in a few lines of Python, to try an MTA's side without a daemon.

It continues at every stage unless told otherwise, and records what comes.
"""

import socket
import struct
import threading

VERSION, ALL_ACTIONS = 6, 0x1FF
DELETE_RCPT = 0x008  # one of the actions
RCPT_REJ = 0x000800  # protocol: tell of recipients that the MTA refused
WITHOUT_REPLY = b"DAQK"  # macros, abort, quit, quit but keep the connection


class MilterServer:
    """Listens on 127.0.0.1, or at path; a context manager.

    answers maps a command letter to the packets that answer it, for example
    {"E": [b"q" + b"why" + NUL, b"a"]}; the last one is the verdict.
    seen lists (command, data, macros) with macros as a dict.
    """

    def __init__(
        self, answers=None, protocol=0, actions=ALL_ACTIONS, path=None
    ):
        self.seen = []
        self._answers = answers or {}
        self._flags = (VERSION, actions, protocol)
        family = socket.AF_UNIX if path else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind(str(path) if path else ("127.0.0.1", 0))
        self._socket.listen(200)
        where = self._socket.getsockname()
        self.socket = f"unix:{path}" if path else f"inet:{where[1]}@127.0.0.1"
        if path:
            path.chmod(0o666)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # close() alone would leave the thread in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            talk = threading.Thread(
                target=self._talk, args=(connection,), daemon=True
            )
            talk.start()

    def _talk(self, connection):
        macros = {}
        with connection, connection.makefile("rb") as packets:
            while head := packets.read(4):
                packet = packets.read(struct.unpack("!I", head)[0])
                command, data = packet[:1], packet[1:]
                if command == b"D":
                    macros.update(_macros(data[1:]))
                self.seen.append((command.decode(), data, dict(macros)))
                if command == b"Q":
                    return
                for answer in self._answer(command):
                    size = struct.pack("!I", len(answer))
                    connection.sendall(size + answer)

    def _answer(self, command):
        if command == b"O":
            return [b"O" + struct.pack("!III", *self._flags)]
        if command in WITHOUT_REPLY:
            return []
        return self._answers.get(command.decode(), [b"c"])


def _macros(data):
    words = data.decode("utf-8", "backslashreplace").split("\0")
    return dict(zip(words[::2], words[1::2]))
