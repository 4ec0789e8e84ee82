#!/usr/bin/env python3
"""Faults under load: no message is lost, none comes twice.

Figures are printed; only what must hold on any machine is asserted.
"""

import collections
import os
import random
import re
import signal
import sys
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.endtoend import (  # noqa: E402
    SENDER,
    EndToEnd,
    main,
    message,
    variants,
)
from lib.milter import Closed  # noqa: E402
from lib.milter import Milter as MilterClient  # noqa: E402
from lib.postfix import Postfix  # noqa: E402
from lib.smtpclient import send_many  # noqa: E402

STAGES = "connect helo mail rcpt data header eoh body eom".split()
PARALLEL = 20


class Every:
    """Does something again and again while the with statement runs."""

    def __init__(self, do, pause):
        self.do = do
        self.pause = pause  # () -> seconds
        self.done = 0
        self.failure = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self):
        try:
            while not self._stop.wait(self.pause()):
                self.done += bool(self.do())
        except Exception as why:  # told by __exit__
            self.failure = why


class UnderLoad(EndToEnd):
    """What all of the tests here share."""

    mta_options = {"tls": False}
    # Deaths are asked for, and must not switch the instance off.
    daemon_options = "crash-limit = 1000"
    expected_of_daemon = r"ended: killed by signal 9|failed at|ended|worker"

    def send_numbered(self, count, per_session=1):
        """Send messages 0, 1, ...; their replies."""
        return send_many(
            "127.0.0.1",
            self.mta.smtp_port,
            count,
            PARALLEL,
            lambda i: (
                SENDER,
                [f"r{i}@example.test"],
                message(f"X-Number: {i}"),
            ),
            per_session,
        )

    def assert_once(self, replies, allowed=(250,)):
        """Accepted: delivered once.  Not accepted: not delivered."""
        codes = collections.Counter(reply.code for reply in replies)
        self.assertLessEqual(set(codes), set(allowed), codes)
        self.mta.wait_queue_empty(60)
        accepted = [i for i, r in enumerate(replies) if r.code == 250]
        got = [
            int(m.recipients[0][1:].partition("@")[0])
            for m in self.sink.messages
        ]
        self.assertEqual(sorted(got), accepted)
        return codes

    def kill_worker(self):
        """kill -9 for one of the workers, whichever."""
        pids = self.daemon.workers()
        return bool(pids) and kill(random.choice(pids))

    def report(self, text):
        print(f"\n  {self.kind.name}: {text} ", end="", flush=True)


class WorkersKilled(UnderLoad):
    """kill -9 at any moment costs a message hit twice a 451, no more."""

    replayed = 0

    def killed_while(self, count, pause, **options):
        seen = len(self.daemon.log())
        with Every(self.kill_worker, pause) as kills:
            began = time.monotonic()
            replies = self.send_numbered(count, **options)
            seconds = time.monotonic() - began
        codes = self.assert_once(replies, (250, 451))
        self.assertGreater(kills.done, 0)
        # A message is deferred only if both workers that had it died.
        log = self.daemon.log()[seen:]
        hits = collections.Counter(re.findall(r" failed at \S+ of (.*):", log))
        self.replayed += hits.total()
        del hits["a session"]  # outside of messages
        twice = [name for name, n in hits.items() if n > 1]
        self.assertLessEqual(codes[451], len(twice))
        return kills.done, codes[451], seconds

    def test_at_random(self):
        count = 1000 if self.kind is Postfix else 200
        self.acts("eom add X-New: n", "rcpt continue", on_error="continue")
        kills, deferred, seconds = self.killed_while(
            count, lambda: random.uniform(0, 0.2)
        )
        self.report(
            f"{count} messages, {kills} workers killed: {deferred} deferred,"
            f" {count / seconds:.0f} messages/s"
        )

    def test_at_each_stage(self):
        count = 1000 if self.kind is Postfix else 60
        for stage in STAGES:
            with self.subTest(stage=stage):
                self.mta.wait_queue_empty(60)
                self.sink.clear()
                self.acts(f"{stage} sleep 5", on_error="continue")
                kills, deferred, seconds = self.killed_while(
                    count, lambda: random.uniform(0, 0.2), per_session=2
                )
                self.report(
                    f"{count} messages, {kills} workers killed at {stage}:"
                    f" {deferred} deferred, {count / seconds:.0f} messages/s"
                )
        self.report(f"{self.replayed} sessions were told again")
        self.assertGreater(self.replayed, 0)


class Throughput(UnderLoad):
    """A worker killed every 0.5 s is hardly felt."""

    COUNT = 1000

    def rate(self):
        self.sink.clear()
        began = time.monotonic()
        replies = self.send_numbered(self.COUNT)
        seconds = time.monotonic() - began
        self.assert_once(replies, (250, 451))
        return self.COUNT / seconds

    def test_kills(self):
        self.acts("eom add X-New: n", "rcpt continue", on_error="continue")
        self.rate()  # all is warm after that
        without = self.rate()
        with Every(self.kill_worker, lambda: 0.5) as kills:
            under = self.rate()
        ratio = under / without
        self.report(
            f"{without:.0f} messages/s; {under:.0f} with {kills.done} workers"
            f" killed, one every 0.5 s: ratio {ratio:.2f}"
        )
        self.assertGreater(ratio, 0.5)


class FrontKilled(UnderLoad):
    """Only the sessions inside a killed front may fail."""

    expected_of_mta = r"milter unix:|milter inet:|error state|timeout|read"

    def kill_front(self):
        for pid in children(self.daemon.process.pid):
            if command_name(pid) == "front":
                return kill(pid)
        return False

    def probe(self):
        """Connect as the MTA does, and time it; a refusal raises."""
        began = time.monotonic()
        where = self.socket.replace("@/", self.daemon.folder + "/")
        with MilterClient(where) as client:
            try:
                client.optneg()
            except (ConnectionResetError, BrokenPipeError, Closed):
                return False  # it was inside the front that died
        self.waits.append(time.monotonic() - began)
        return True

    def test_it(self):
        self.acts("eom add X-New: n", "rcpt continue", on_error="continue")
        self.waits = []
        count = 600
        with (
            Every(self.probe, lambda: 0.005),
            Every(self.kill_front, lambda: 0.7) as kills,
        ):
            replies = self.send_numbered(count)
            while kills.done < 3:
                time.sleep(0.05)
        codes = self.assert_once(replies, (250, 451))
        self.assertLessEqual(codes[451], kills.done * PARALLEL)
        self.report(
            f"{kills.done} fronts killed: {codes[451]} of {count} deferred,"
            f" a new connection waits {max(self.waits) * 1000:.0f} ms at most"
        )


class Reloads(UnderLoad):
    """Reloads are not felt at all."""

    def test_it(self):
        reloads, per_session = (100, 3) if self.kind is Postfix else (20, 2)
        self.replies = []
        stop = threading.Event()

        def load():
            while not stop.is_set():
                self.sink.clear()
                replies = self.send_numbered(100, per_session)
                self.assert_once(replies)
                self.replies += replies

        with Every(lambda: load() or True, lambda: 0) as loads:
            began = time.monotonic()
            for i in range(reloads):
                self.acts(f"eom add X-Reload: {i}", "rcpt continue")
                time.sleep(0.03)  # so that messages are everywhere
            seconds = time.monotonic() - began
            stop.set()
        self.assertGreater(loads.done, 0)
        self.assertEqual({reply.code for reply in self.replies}, {250})
        self.report(
            f"{reloads} reloads in {seconds:.1f} s,"
            f" {len(self.replies)} messages, none deferred"
        )


def kill(pid):
    """Whether it was there to be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


variants(globals(), WorkersKilled, Reloads, families=["unix"])
variants(
    globals(), Throughput, FrontKilled, only=[Postfix], families=["unix"]
)

if __name__ == "__main__":
    main(globals())
