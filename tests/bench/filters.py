# SPDX-License-Identifier: Apache-2.0
"""The filters that are measured, and the load client, as processes."""

import json
import os
import re
import shutil
import socket
import subprocess
import time

import tree

START_SECONDS = 60
STOP_SECONDS = 15


class Broken(Exception):
    """A filter or the load client did not do its part."""


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=15):
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise Broken(f'nobody listens on port {port}') from None
            time.sleep(0.05)


class Load:
    """One run of the load client; `with` makes sure that it ends."""

    def __init__(self, binary, address, **options):
        self.command = [binary, '--address', address]
        for name, value in options.items():
            name = '--' + name.replace('_', '-')
            self.command += [name] if value is True else [name, str(value)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def event(self, name):
        line = self.process.stdout.readline()
        if not line:
            raise Broken(f'{" ".join(self.command)}: '
                         f'{self.process.stderr.read().strip()}')
        event = json.loads(line)
        if event['event'] != name:
            raise Broken(f'load says {event["event"]} instead of {name}')
        return event

    def go_on(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()


def negotiated(binary, address):
    with Load(binary, address, negotiate=True, timeout=5) as load:
        return load.event('negotiated')


class Filter:
    """A filter process and the address of each of its listeners."""

    name = ''

    def __init__(self, load_binary, folder):
        self.load_binary = load_binary
        self.folder = folder
        self.addresses = {}
        self.processes = []

    def __enter__(self):
        try:
            self.start()
            for address in self.addresses.values():
                self.wait_until_up(address)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        raise NotImplementedError

    def listen(self, transport):
        """The one address of a filter that has no other."""
        address = f'inet:{free_port()}@127.0.0.1' if transport == 'tcp' \
            else f'unix:{self.folder}/{self.name}.sock'
        self.addresses = {transport: address}
        return address

    def spawn(self, command):
        log = os.path.join(self.folder, f'{self.name}.log')
        with open(log, 'ab') as f:
            self.processes.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=f, stderr=f))

    def log_tail(self):
        path = os.path.join(self.folder, f'{self.name}.log')
        with open(path, encoding='utf-8', errors='replace') as f:
            return ''.join(f.readlines()[-20:])

    def wait_until_up(self, address):
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return negotiated(self.load_binary, address)
            except Broken:
                ended = any(p.poll() is not None for p in self.processes)
                if ended or time.monotonic() > until:
                    raise Broken(f'{self.name} does not serve {address}:\n'
                                 f'{self.log_tail()}') from None
            time.sleep(0.05)

    def stop(self):
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            try:
                p.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes = []

    def cpu_seconds(self):
        return sum(tree.cpu_seconds(p.pid) for p in self.processes)

    def pss_bytes(self):
        return sum(tree.pss_bytes(p.pid) for p in self.processes)


class Bare(Filter):
    """libmilter and next to nothing; one process for each socket."""

    name = 'bare'

    def __init__(self, binary, load_binary, folder, agreed, slow_ms):
        super().__init__(load_binary, folder)
        self.command = [binary, '-h', '-s', str(slow_ms)]
        if agreed is not None:
            self.command += ['-a', agreed['actions'], '-p',
                             agreed['protocol']]
            for stage, macros in agreed['macros'].items():
                self.command += ['-m', f'{stage}={macros}']

    def start(self):
        self.addresses = {
            'unix': f'unix:{self.folder}/bare.sock',
            'tcp': f'inet:{free_port()}@127.0.0.1',
        }
        for address in self.addresses.values():
            self.spawn(self.command + [address])
        self.addresses['slow'] = self.addresses['unix']

    def stop(self):
        """
        libmilter notices a signal after up to 5 s; what is killed leaves
        its socket behind, and libmilter takes no address that is in use.
        """
        for p in self.processes:
            p.kill()
        super().stop()
        path = self.addresses.get('unix', '').removeprefix('unix:')
        if path and os.path.exists(path):
            os.unlink(path)


CONFIG = '''\
plugin-dir = "{folder}/plugins"
run-dir = "{folder}/run"
{user}
listener "unix" {{ socket = "{unix}"  chain = {{ "access", "stamp" }} }}
listener "tcp" {{ socket = "{tcp}"  chain = {{ "access", "stamp" }} }}
{slow}
access "access" {{ deny-senders = {{ "bad@example.net" }} }}
headers "stamp" {{ add = {{ "X-Bench: yes" }} }}
'''

SLOW_CONFIG = '''\
listener "slow" {{ socket = "{address}"
  chain = {{ "access", "stamp", "slow" }} }}
actor "slow" {{ {options} }}
'''


class Daemon(Filter):
    """millraced with two instances; a third in the chain that is slow."""

    name = 'millraced'

    def __init__(self, build, load_binary, folder, slow):
        super().__init__(load_binary, folder)
        self.build = build
        self.slow = slow

    def plugins(self):
        """A plugin folder of our own: the slow one is not installed."""
        folder = os.path.join(self.folder, 'plugins')
        os.makedirs(folder, exist_ok=True)
        slow = f'{self.build}/tests/plugins/actor.so'
        paths = [f'{self.build}/plugins/{name}.so'
                 for name in ('access', 'headers')]
        for path in paths + [slow] * os.path.exists(slow):
            shutil.copy(path, folder)
        return os.path.exists(slow)

    def start(self):
        self.addresses = {
            'unix': f'unix:{self.folder}/millraced.sock',
            'tcp': f'inet:{free_port()}@127.0.0.1',
        }
        slow = ''
        if self.plugins():
            self.addresses['slow'] = f'unix:{self.folder}/slow.sock'
            slow = SLOW_CONFIG.format(address=self.addresses['slow'],
                                      options=self.slow)
        os.makedirs(f'{self.folder}/run', exist_ok=True)
        config = os.path.join(self.folder, 'bench.conf')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(
                folder=self.folder, slow=slow, unix=self.addresses['unix'],
                tcp=self.addresses['tcp'],
                user='user = "nobody"' if os.geteuid() == 0 else ''))
        self.spawn([f'{self.build}/millraced', '-f', '-c', config])


MILLRACE = '''\
plugin-dir = "@/plugins"
run-dir    = "@/run"
spool-dir  = "@/run"
user       = "nobody"
{settings}
listener "mx" {{ socket = "{address}"  chain = {{ {chain} }} }}
{sections}
'''
SECTION = re.compile(r'^(\w+) "(.*?)"', re.MULTILINE)


class Millrace(Filter):
    """millraced with a chain of these sections and no more.

    "@/" in their text and in the settings is the folder of its own, which
    begins empty.
    """

    def __init__(self, args, folder, sections, settings='',
                 name='millraced', transport='tcp'):
        self.name = name
        super().__init__(args.load, os.path.join(folder, name))
        self.build = args.build
        chain = SECTION.findall(sections)
        self.make_folder({plugin for plugin, _ in chain})
        address = self.listen(transport)
        self.config = os.path.join(self.folder, 'conf')
        text = MILLRACE.format(
            settings=settings, sections=sections, address=address,
            chain=', '.join(f'"{instance}"' for _, instance in chain))
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('@/', self.folder + '/'))

    def make_folder(self, plugins):
        shutil.rmtree(self.folder, ignore_errors=True)
        for part, mode in (('plugins', 0o755), ('run', 0o755),
                           ('store', 0o700)):
            path = os.path.join(self.folder, part)
            os.makedirs(path)
            os.chmod(path, mode)
            if part != 'plugins':
                shutil.chown(path, 'nobody')
        os.chmod(self.folder, 0o755)
        shutil.chown(self.folder, 'nobody')
        for plugin in plugins:
            where = [path for path in (f'{self.build}/plugins/{plugin}.so',
                                       f'{self.build}/tests/plugins/'
                                       f'{plugin}.so')
                     if os.path.exists(path)]
            if not where:
                raise Broken(f'{plugin}.so is not built')
            shutil.copy(where[0], os.path.join(self.folder, 'plugins'))

    def start(self):
        self.spawn([f'{self.build}/millraced', '-f', '-c', self.config])
