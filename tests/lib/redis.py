# SPDX-License-Identifier: Apache-2.0
"""A private Redis: its own folder, port and process, gone at the end.

    with Redis() as r:
        r.call('SET', 'k', 'v')

Unpacked from Debian's package, never installed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import debs, ports

# A store that waits for hosts to settle would make every test wait: this
# epoch is as old as can be.
EPOCH = ('SET', 'mr:{fleet}:epoch', 'test 0')


class Error(Exception):
    """What a server answers with a minus."""


class Connection:
    """One connection, one command after the other."""

    def __init__(self, port, timeout=5):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout)
        self.file = self.socket.makefile('rb')

    def close(self):
        self.file.close()
        self.socket.close()

    def call(self, *words):
        data = b'*%d\r\n' % len(words)
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            data += b'$%d\r\n%s\r\n' % (len(word), word)
        self.socket.sendall(data)
        return self._read()

    def _read(self):
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError('the server is gone')
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest.decode()
        if kind == b'-':
            raise Error(rest.decode())
        if kind == b':':
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b'$':
            return self.file.read(int(rest) + 2)[:-2]
        return [self._read() for _ in range(int(rest))]


class Redis:
    """One server; extra lines of configuration as keyword arguments:
    appendonly='yes' for appendonly yes."""

    def __init__(self, sentinel=None, settled=True, port=None, **settings):
        self.tree = debs.unpack('redis', ['redis-server', 'redis-tools'])
        self.claim = None if port else ports.claim()
        self.port = port or self.claim.number
        self.bus = None         # the port on which nodes of a cluster talk
        if settings.get('cluster_enabled') == 'yes':
            self.bus = ports.claim()
            settings['cluster_port'] = self.bus.number
        self.folder = tempfile.mkdtemp(prefix='millrace-redis-')
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, 'redis.sock')
        self.sentinel = sentinel
        self.settled = settled
        self.process = None
        self.password = settings.get('requirepass', '').strip('"')
        self.write({'appendonly': 'yes', 'appendfsync': 'no', 'save': '""',
                    **settings})

    def write(self, settings):
        lines = [f'port {self.port}', 'bind 127.0.0.1',
                 f'dir {self.folder}', 'daemonize no']
        if self.sentinel is None:
            lines += [f'unixsocket {self.socket}', 'unixsocketperm 777']
            lines += [f'{name.replace("_", "-")} {value}'
                      for name, value in settings.items()]
        else:
            lines.append(self.sentinel)
        with open(self.path('redis.conf'), 'w', encoding='ascii') as f:
            f.write('\n'.join(lines) + '\n')

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        for claim in (self.claim, self.bus):
            if claim:
                claim.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        words = [str(self.tree / 'usr/bin/redis-server'),
                 self.path('redis.conf')]
        if self.sentinel is not None:
            words.append('--sentinel')
        with open(self.path('log'), 'ab') as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **debs.env(self.tree)},
                start_new_session=True)
        self.wait()
        if self.settled and self.sentinel is None:
            with contextlib.suppress(Error):
                self.call(*EPOCH, 'NX')
        return self

    def wait(self, timeout=20):
        until = time.monotonic() + timeout
        while True:
            try:
                if self.call('PING') == 'PONG':
                    return
            except (OSError, Error):
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.path('log'), encoding='utf-8') as f:
                    raise AssertionError('Redis does not start:\n' + f.read())
            time.sleep(0.02)

    def call(self, *words, timeout=5):
        with contextlib.closing(Connection(self.port, timeout)) as c:
            if self.password:
                c.call('AUTH', self.password)
            return c.call(*words)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def url(self, number=0):
        return f'redis://127.0.0.1:{self.port}/{number}'
