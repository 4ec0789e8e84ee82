# SPDX-License-Identifier: Apache-2.0
"""A private nsd from the unpacked Debian package: zones as text, signed or not.

    with Nsd({'example.com': '@ TXT "v=spf1 -all"'}, signed=True) as dns:
        ...             # ask 127.0.0.1, port dns.port
        dns.anchors     # DS records, one a line, of the signed zones

Each zone gets an SOA and an NS record of its own; its text begins with $TTL
300 and $ORIGIN.  nsd is authoritative only: it answers REFUSED for names
outside its zones and follows no CNAME into another.
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from . import debs, ports, processes

PACKAGES = ['nsd', 'ldnsutils']

CONF = '''server:
    server-count: 1
    ip-address: {address}
    hide-version: yes
    username: ""
    zonesdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    database: ""
    cookie-secret-file: "{folder}/cookies"
    pidfile: "{folder}/nsd.pid"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
'''

HEAD = '''$ORIGIN {zone}.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
'''


class Nsd:
    """A context manager; zones: {name: text of a zone file}.

    A program that can ask port 53 only needs a host of its own, out of
    127.0.0.0/8.
    """

    def __init__(self, zones, signed=False, host='127.0.0.1', port=None):
        self._zones, self._signed = zones, signed
        self._claim = ports.claim()
        self.host, self.port = host, port or self._claim.number
        self.address = f'{host}@{self.port}'
        self.anchors = ''

    def __enter__(self):
        self._tree = debs.unpack('nsd', PACKAGES)
        self._env = dict(os.environ, **debs.env(self._tree))
        self._folder = Path(tempfile.mkdtemp(prefix='millrace-nsd-'))
        try:
            self._configure()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if getattr(self, '_process', None):
            processes.end(self._process, str(self._folder))
            self._process = None
        self._claim.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _configure(self):
        conf = CONF.format(address=self.address, folder=self._folder)
        for zone, text in self._zones.items():
            file = self._folder / f'{zone}.zone'
            file.write_text(HEAD.format(zone=zone) + text + '\n')
            if self._signed:
                file = self._sign(zone, file)
            conf += f'zone:\n    name: "{zone}"\n    zonefile: "{file}"\n'
        (self._folder / 'nsd.conf').write_text(conf)

    def _sign(self, zone, file):
        key = self._run('ldns-keygen', '-k', '-a', 'ECDSAP256SHA256', zone)
        self._run('ldns-signzone', '-n', file.name, key)
        self.anchors += (self._folder / f'{key}.ds').read_text()
        return file.with_name(file.name + '.signed')

    def _run(self, program, *words):
        done = subprocess.run(
            [self._tree / 'usr/bin' / program, *words], cwd=self._folder,
            env=self._env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{program}: {done.stdout}{done.stderr}')
        return done.stdout.strip()

    def _start(self):
        log = open(self._folder / 'log', 'ab')
        with log:
            self._process = subprocess.Popen(
                [self._tree / 'usr/sbin/nsd', '-d', '-c',
                 self._folder / 'nsd.conf'], cwd=self._folder, env=self._env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        until = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError('nsd does not answer:\n' +
                                   (self._folder / 'log').read_text())

    def _answers(self):
        """Whether it says anything to a question for the root's NS."""
        query = struct.pack('!6HBHH', 1, 0, 1, 0, 0, 0, 0, 2, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.1)
            udp.connect((self.host, self.port))
            try:
                udp.send(query)
                return bool(udp.recv(512))
            except OSError:
                time.sleep(0.02)
                return False
