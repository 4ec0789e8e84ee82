"""Find and end the processes of one private instance, never by name.

An MTA is started as the leader of a session of its own, and its processes
work in the instance's folder: whoever is in either belongs to it, however
often it forked.
"""

import os
import select
import signal
import subprocess
import time


def members(session, folder):
    """Process ids of the session, and of all that work in the folder."""
    return [
        int(name)
        for name in os.listdir("/proc")
        if name.isdigit() and _belongs(name, session, folder)
    ]


def _belongs(pid, session, folder):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        if fields[0] in "ZX":
            return False
        if int(fields[3]) == session:
            return True
        where = os.readlink(f"/proc/{pid}/cwd")
        return where == folder or where.startswith(folder + "/")
    except OSError:
        return False  # gone, or another user's


def end(leader, folder, grace=5.0):
    """Ask the leader (a Popen) to stop, then the rest; return when all are
    gone.  Who does not listen within the grace time is killed."""
    if leader.poll() is None:
        leader.terminate()
        _wait(leader, grace)
    deadline = time.monotonic() + grace
    while left := members(leader.pid, folder):
        late = time.monotonic() > deadline
        how = signal.SIGKILL if late else signal.SIGTERM
        for pid in left:
            _signal_and_wait(pid, leader.pid, folder, how)
        leader.poll()  # reap it, or it stays in the list of processes
    leader.wait()


def _wait(leader, seconds):
    try:
        leader.wait(seconds)
    except subprocess.TimeoutExpired:
        pass


def _signal_and_wait(pid, session, folder, how):
    """Signal one process by a handle that no other can get; wait a moment."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if not _belongs(str(pid), session, folder):
            return
        signal.pidfd_send_signal(handle, how)
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        poller.poll(100)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
