"""A syslog socket that writes what it gets to a file.

Sendmail logs to /dev/log and nowhere else.
"""

import re
import socket
import threading

PRIORITY = re.compile(rb"^<\d+>")


class SyslogFile:
    """Receives at one path and appends to another until close()."""

    def __init__(self, socket_path, log_path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(socket_path))
        socket_path.chmod(0o666)
        self._log_path = log_path
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        with open(self._log_path, "ab", buffering=0) as log:
            while line := self._socket.recv(65536):
                log.write(PRIORITY.sub(b"", line).rstrip(b"\n\0") + b"\n")

    def close(self):
        """Write what has come, then end."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.connect(self._socket.getsockname())
            last.send(b"")
        self._thread.join()
        self._socket.close()
