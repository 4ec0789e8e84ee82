"""Free TCP ports on 127.0.0.1 that stay ours although nobody listens yet.

An MTA binds its ports itself, so between the choice and the bind another test
run could choose the same one.  A name in the abstract unix namespace is the
claim: the kernel grants it once and takes it back when this process ends.
"""

import random
import socket

# Below the ephemeral range: an outgoing connection cannot take the port.
FIRST, LAST = 20000, 32000


class Port:
    """One claimed port; release() gives it back."""

    def __init__(self, number, claim):
        self.number = number
        self._claim = claim

    def release(self):
        self._claim.close()


def claim():
    """Claim a port on 127.0.0.1 that nobody uses."""
    for _ in range(1000):
        number = random.randint(FIRST, LAST)
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0millrace-test-port-{number}")
            _check_unused(number)
            return Port(number, held)
        except OSError:
            held.close()
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")


def _check_unused(number):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", number))


def listening(number):
    """Whether somebody listens on the port, found without connecting.

    A connection would be a session that the filter under test sees.
    """
    wanted = f":{number:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        next(table)
        return any(
            row.split()[1].endswith(wanted) and row.split()[3] == "0A"
            for row in table
        )
