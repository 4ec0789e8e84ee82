#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Start: sockets, systemd, background, and two of them on one machine."""

import grp
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD, Daemon                    # noqa: E402
from lib.ports import claim                             # noqa: E402
from lib.scene import (Scene, actor, control, fronts, listener,  # noqa: E402
                       mx, options, serving, wait_for)

CHAIN = actor('a', 'eom add X-A: 1')
MILLRACED = os.path.join(BUILD, 'millraced')

# Sets LISTEN_PID to the process that runs millraced, as systemd does.
WRAPPER = '''
import os, sys
fds, names, *command = sys.argv[1:]
fds = [int(fd) for fd in fds.split(',')]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                  LISTEN_FDNAMES=names)
os.execv(command[0], command)
'''


class SystemdDaemon(Daemon):
    """Started as systemd would: with sockets, told where to report to."""

    def __init__(self, text, sockets=None, environment=None, **more):
        super().__init__(text, **more)
        self.sockets = sockets or {}
        self.environment = environment or {}

    def start(self, wait=True):
        self.prepare()
        self.log_file = open(self.path('log'), 'ab')
        command = [MILLRACED, '-f', '-c', self.config()]
        fds = [s.fileno() for s in self.sockets.values()]
        if fds:
            command = [sys.executable, '-c', WRAPPER,
                       ','.join(map(str, fds)), ':'.join(self.sockets),
                       *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log_file,
            stderr=self.log_file, pass_fds=fds, start_new_session=True,
            env=os.environ | self.environment)
        if wait:
            self.wait_log(r'generation \d+ is in force')


class Start(Scene):
    def own(self, d):
        """A daemon that the test made itself."""
        self.addCleanup(self.end, d, True)
        return d

    def failing(self, text, **settings):
        """What a daemon that does not start says; its exit status."""
        d = Daemon(text, options=options(settings))
        self.addCleanup(d.__exit__)
        d.start(wait=False)
        status = d.process.wait(20)
        return status, d.log()

    def works(self, d, address=None):
        with self.session(d, address) as m:
            self.assertEqual(self.message(m)[1], 'accept')


class Sockets(Start):
    def test_time_until_ready(self):
        times = []
        for _ in range(5):
            d = self.own(Daemon(mx(CHAIN)))
            d.prepare()
            began = time.monotonic()
            d.start(wait=False)
            while True:
                try:
                    with self.session(d) as m:
                        self.message(m)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    time.sleep(0.001)
            times.append(time.monotonic() - began)
            d.stop()
        print('from the start to the first message answered: ' +
              ', '.join(f'{t * 1e3:.0f}' for t in sorted(times)) + ' ms')

    def test_unix_mode_owner_group(self):
        for mode in ('0600', '0660', '0666'):
            d = self.daemon(CHAIN, listen={'mode': mode, 'owner': 'daemon',
                                           'group': 'mail'})
            st = os.stat(d.path('mx.sock'))
            self.assertEqual(stat.S_IMODE(st.st_mode), int(mode, 8))
            self.assertEqual(pwd.getpwuid(st.st_uid).pw_name, 'daemon')
            self.assertEqual(grp.getgrgid(st.st_gid).gr_name, 'mail')
            self.works(d)

    def test_unknown_owner_or_group(self):
        for name in ('owner', 'group'):
            status, log = self.failing(mx(CHAIN, **{name: 'nobodyatall'}))
            self.assertNotEqual(status, 0)
            self.assertRegex(log, r'millrace\.conf:\d+: listener "mx"')

    def test_inet_and_inet6(self):
        port = claim()
        self.addCleanup(port.release)
        text = listener('four', ['a'], f'inet:{port.number}@127.0.0.1')
        six = socket.has_ipv6 and self.has_loopback6()
        if six:
            text += listener('six', ['a'], f'inet6:{port.number}@::1')
        d = self.daemon(text=text + CHAIN)
        self.works(d, f'inet:{port.number}@127.0.0.1')
        if six:
            self.works(d, f'inet6:{port.number}@::1')

    def has_loopback6(self):
        try:
            with socket.socket(socket.AF_INET6) as s:
                s.bind(('::1', 0))
            return True
        except OSError:
            return False

    def test_edits_over_tcp_do_not_wait_for_an_ack(self):
        port = claim()
        self.addCleanup(port.release)
        d = self.daemon(text=listener(
            'tcp', ['a'], f'inet:{port.number}@127.0.0.1') + CHAIN)
        times = []
        with self.session(d, f'inet:{port.number}@127.0.0.1') as m:
            m.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(20):
                began = time.monotonic()
                self.message(m)
                times.append(time.monotonic() - began)
        median = sorted(times)[10]
        print(f'a message over TCP: {median * 1e3:.2f} ms')
        self.assertLess(median, 0.03)   # Nagle would make it 40 ms

    def test_many_listeners(self):
        text = ''.join(listener(f'l{i}', ['a'], f'unix:@/l{i}.sock')
                       for i in range(12))
        d = self.daemon(text=text + CHAIN)
        for i in range(12):
            self.works(d, self.address(d, f'l{i}.sock'))
        self.assertEqual(len(fronts(d)), 12)

    def test_a_file_in_the_way_is_not_removed(self):
        d = Daemon(mx(CHAIN))
        self.addCleanup(d.__exit__)
        d.prepare()
        with open(d.path('mx.sock'), 'w') as f:
            f.write('precious')
        d.start(wait=False)
        self.assertNotEqual(d.process.wait(20), 0)
        self.assertIn('is there and no socket', d.log())
        with open(d.path('mx.sock')) as f:
            self.assertEqual(f.read(), 'precious')


class Two(Start):
    """A second daemon is refused, and the first does not notice."""

    def check_first(self, d):
        for _ in range(3):
            self.works(d)
        self.assertEqual(control(d, 'status')['pid'], d.process.pid)
        d.process.send_signal(signal.SIGHUP)
        d.wait_log('generation 2 is in force')
        self.works(d)

    def test_with_the_same_config(self):
        d = self.daemon(CHAIN)
        wait_for(lambda: len(serving(d)) == 2)
        second = subprocess.run([MILLRACED, '-f', '-c', d.config()],
                                capture_output=True, text=True, timeout=30)
        self.assertNotEqual(second.returncode, 0)
        self.assertRegex(second.stderr, 'another|already')
        self.check_first(d)

    def test_on_the_same_socket_only(self):
        d = self.daemon(CHAIN)
        status, log = self.failing(mx(CHAIN).replace(
            '@/mx.sock', d.path('mx.sock')))
        self.assertNotEqual(status, 0)
        self.assertRegex(log, r'listener "mx": .*another process answers')
        self.check_first(d)

    def test_on_the_same_port(self):
        port = claim()
        self.addCleanup(port.release)
        text = mx(CHAIN).replace('unix:@/mx.sock',
                                 f'inet:{port.number}@127.0.0.1')
        d = self.daemon(text=text)
        status, log = self.failing(text)
        self.assertNotEqual(status, 0)
        self.assertIn('Address already in use', log)
        self.works(d, f'inet:{port.number}@127.0.0.1')

    def test_beside_each_other(self):
        one, two = self.daemon(CHAIN), self.daemon(CHAIN)
        self.works(one)
        self.works(two)


class Background(Start):
    def run_daemon(self, text, **settings):
        d = Daemon(text, options=options(settings))
        d.prepare()
        self.addCleanup(d.__exit__)
        self.addCleanup(self.end_background, d)
        done = subprocess.run([MILLRACED, '-c', d.config()],
                              capture_output=True, text=True, timeout=30)
        return d, done

    def end_background(self, d):
        try:
            pid = control(d, 'status')['pid']
        except OSError:
            return      # it never ran, or the test has ended it
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(d.path('run/control.sock')))

    def test_exits_0_when_ready(self):
        d, done = self.run_daemon('pid-file = "@/millraced.pid"\n'
                                  + mx(CHAIN))
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(' error ', done.stderr)
        with open(d.path('millraced.pid')) as f:
            pid = int(f.read())
        handle = os.pidfd_open(pid)
        try:
            self.assertEqual(control(d, 'status')['pid'], pid)
            self.works(d)
            self.assertEqual(os.getsid(pid), pid)
        finally:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            wait_for(lambda: not os.path.exists(d.path('millraced.pid')))
            os.close(handle)

    def test_a_wrong_config_is_said_to_who_started_it(self):
        _, done = self.run_daemon(mx(actor('a', 'eom continue', oops='1')))
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr,
                         r'millrace\.conf:\d+: .*unknown option "oops"')

    def test_a_socket_that_cannot_be_opened(self):
        _, done = self.run_daemon(mx(CHAIN).replace('@/mx.sock',
                                                    '@/missing/mx.sock'))
        self.assertEqual(done.returncode, 78)
        self.assertIn('listener "mx"', done.stderr)

    def test_a_config_that_is_not_there(self):
        done = subprocess.run([MILLRACED, '-c', '/nonexistent/x.conf'],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 78)
        self.assertIn('/nonexistent/x.conf', done.stderr)


class Options(Start):
    def check_config(self, text):
        d = Daemon(text)
        d.prepare()
        self.addCleanup(d.__exit__)
        return subprocess.run([MILLRACED, '-t', '-c', d.config()],
                              capture_output=True, text=True, timeout=30), d

    def test_check(self):
        done, d = self.check_config(mx(CHAIN))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('listeners 1, instances 1', done.stdout)
        self.assertFalse(os.path.exists(d.path('mx.sock')))
        self.assertFalse(os.path.exists(d.path('run')))

    def test_check_of_a_wrong_one(self):
        done, _ = self.check_config(mx(actor('a', 'eom nonsense')))
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr,
                         r'millrace\.conf:\d+: actor "a": act: eom nonsense')

    def test_usage(self):
        for words, status in ((['-x'], 64), (['more'], 64), (['-h'], 0),
                              (['-V'], 0)):
            done = subprocess.run([MILLRACED, *words], capture_output=True,
                                  text=True, timeout=30)
            self.assertEqual(done.returncode, status, words)


class Systemd(Start):
    def notify_socket(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.settimeout(10)
        name = f'\0millrace-test-{os.getpid()}-{id(s)}'
        s.bind(name)
        self.addCleanup(s.close)
        return s, '@' + name[1:]

    def test_messages(self):
        s, name = self.notify_socket()
        d = self.own(SystemdDaemon(mx(CHAIN), environment={
            'NOTIFY_SOCKET': name, 'WATCHDOG_USEC': '3000000'}))
        d.start()
        self.assertEqual(self.next(s, d), 'READY=1')
        self.assertEqual(self.next(s, d, watchdog=True), 'WATCHDOG=1')
        before = time.monotonic_ns() // 1000
        d.process.send_signal(signal.SIGHUP)
        reloading = self.next(s, d)
        self.assertRegex(reloading, r'^RELOADING=1\nMONOTONIC_USEC=\d+$')
        self.assertGreaterEqual(int(re.search(r'\d+$', reloading).group()),
                                before)
        self.assertEqual(self.next(s, d), 'READY=1')
        d.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.next(s, d), 'STOPPING=1')

    def test_a_reload_that_fails_is_ready_too(self):
        s, name = self.notify_socket()
        d = self.own(SystemdDaemon(mx(CHAIN),
                                   environment={'NOTIFY_SOCKET': name}))
        d.start()
        self.assertEqual(self.next(s, d), 'READY=1')
        d.write('nonsense')
        d.process.send_signal(signal.SIGHUP)
        self.assertIn('RELOADING=1', self.next(s, d))
        self.assertEqual(self.next(s, d), 'READY=1')

    def test_watchdog_goes_on(self):
        s, name = self.notify_socket()
        d = self.own(SystemdDaemon(mx(CHAIN), environment={
            'NOTIFY_SOCKET': name, 'WATCHDOG_USEC': '600000'}))
        d.start()
        times = []
        while len(times) < 4:
            if self.next(s, d, watchdog=True) == 'WATCHDOG=1':
                times.append(time.monotonic())
        longest = max(b - a for a, b in zip(times, times[1:]))
        print(f'watchdog every 300 ms: the longest pause '
              f'{longest * 1e3:.0f} ms')

    def next(self, s, d, watchdog=False):
        """The next message; only the master may send."""
        while True:
            message = s.recv(4096).decode()
            if watchdog or message != 'WATCHDOG=1':
                return message

    def test_inherited_sockets(self):
        folder = self.own(SystemdDaemon(
            listener('one', ['a'], 'systemd:first')
            + listener('two', ['a'], 'systemd:second') + CHAIN))
        folder.prepare()
        unix = socket.socket(socket.AF_UNIX)
        self.addCleanup(unix.close)
        unix.bind(folder.path('first.sock'))
        unix.listen(128)
        tcp = socket.socket()
        self.addCleanup(tcp.close)
        tcp.bind(('127.0.0.1', 0))
        tcp.listen(128)
        port = tcp.getsockname()[1]
        folder.sockets = {'first': unix, 'second': tcp}
        folder.start()
        self.works(folder, self.address(folder, 'first.sock'))
        self.works(folder, f'inet:{port}@127.0.0.1')
        folder.process.send_signal(signal.SIGHUP)
        folder.wait_log('generation 2 is in force')
        self.works(folder, self.address(folder, 'first.sock'))
        os.kill(fronts(folder)['one']['pid'], signal.SIGKILL)
        self.works(folder, self.address(folder, 'first.sock'))
        folder.stop()
        # They are systemd's: still there, and the next one takes them.
        self.assertTrue(os.path.exists(folder.path('first.sock')))
        os.unlink(folder.path('log'))
        folder.start()
        self.works(folder, f'inet:{port}@127.0.0.1')

    def test_a_name_that_was_not_handed_over(self):
        d = self.own(SystemdDaemon(
            listener('one', ['a'], 'systemd:missing') + CHAIN))
        d.start(wait=False)
        self.assertEqual(d.process.wait(20), 78)
        self.assertIn('systemd handed over no socket of that name', d.log())


if __name__ == '__main__':
    unittest.main()
