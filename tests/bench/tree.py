# SPDX-License-Identifier: Apache-2.0
"""What a process and all its descendants cost, read from /proc."""

import os
import time

TICKS = os.sysconf('SC_CLK_TCK')


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name; None if it is gone."""
    try:
        with open(f'/proc/{pid}/stat', encoding='latin-1') as f:
            return f.read().rpartition(')')[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def members(root):
    """The ids of root and of all that descend from it."""
    children = {}
    for name in filter(str.isdigit, os.listdir('/proc')):
        fields = stat_fields(name)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def own_seconds(pid, fields):
    """
    utime + stime of all threads, ended ones too.  The process's CPU clock
    is the same figure as in stat, in nanoseconds instead of ticks.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds(root):
    """CPU time used so far, that of children that have exited included."""
    total = 0.0
    for pid in members(root):
        fields = stat_fields(pid)
        if fields:
            reaped = (int(fields[13]) + int(fields[14])) / TICKS
            total += own_seconds(pid, fields) + reaped
    return total


def pss_bytes(root):
    """Memory, what is shared counted once."""
    total = 0
    for pid in members(root):
        try:
            with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
                total += sum(int(line.split()[1]) for line in f
                             if line.startswith('Pss:'))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * 1024
