# SPDX-License-Identifier: Apache-2.0
"""Other filters from Debian's packages, unpacked and started privately."""

import os
import pwd
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))

import tree                             # noqa: E402
from filters import Filter, free_port   # noqa: E402
from lib import debs, redis             # noqa: E402

USER = 'nobody'


class Peer(Filter):
    """packages unpacked, one listener over TCP."""

    packages = ()

    def __init__(self, load_binary, folder, dns_port):
        super().__init__(load_binary, os.path.join(folder, self.name))
        os.makedirs(self.folder, exist_ok=True)
        self.dns_port = dns_port
        self.tree = debs.unpack(self.name, list(self.packages))
        user = pwd.getpwnam(USER)
        os.chown(self.folder, user.pw_uid, user.pw_gid)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def start(self):
        self.port = free_port()
        self.addresses = {'tcp': f'inet:{self.port}@127.0.0.1'}
        self.spawn(self.command())

    def spawn(self, command):
        old = dict(os.environ)
        os.environ.update(self.environment())
        try:
            super().spawn(command)
        finally:
            os.environ.clear()
            os.environ.update(old)

    def environment(self):
        return debs.env(self.tree)


RSPAMD = '''
options {{
  pidfile = "{folder}/rspamd.pid";
  filters = "dkim";
  url_tld = "{share}/effective_tld_names.dat";
  cache_file = "{folder}/symbols.cache";
  dns {{ nameserver = ["127.0.0.1:{dns}:10"]; timeout = 2s; }}
  local_addrs = [];
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "error"; }}
modules {{ path = "{share}/plugins"; }}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{port}";
  milter = yes; timeout = 120s; count = 2;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
actions {{ reject = 1000; add_header = 900; greylist = 800; }}
{modules}
'''

RSPAMD_AUTH = '''
spf { spf_cache_size = 2k; spf_cache_expire = 1d; }
dkim { dkim_cache_size = 2k; dkim_cache_expire = 1d; time_jitter = 6h;
  trusted_only = false; skip_multi = false; }
dmarc { }
milter_headers { use = ["authentication-results"]; skip_local = false;
  skip_authenticated = false; }
'''


class Rspamd(Peer):
    """A proxy worker that scans itself.

    A module without a section of its own is off; what none is named for is
    SPF, DKIM, DMARC and Authentication-Results.
    """

    name = 'rspamd'
    packages = ('rspamd',)

    def __init__(self, load_binary, folder, dns_port, modules=RSPAMD_AUTH):
        super().__init__(load_binary, folder, dns_port)
        self.modules = modules

    def command(self):
        conf = self.write('rspamd.conf', RSPAMD.format(
            folder=self.folder, share=self.tree / 'usr/share/rspamd',
            dns=self.dns_port, port=self.port, modules=self.modules))
        return self.words(conf)

    def words(self, conf, **places):
        """The command; places: variables of the configuration."""
        share = self.tree / 'usr/share/rspamd'
        places = {'LUALIBDIR': share / 'lualib', 'RULESDIR': share / 'rules',
                  'PLUGINSDIR': share / 'plugins', 'SHAREDIR': share,
                  'DBDIR': self.folder, **places}
        command = [self.tree / 'usr/bin/rspamd', '-c', conf, '-f',
                   '-u', USER, '-g', 'nogroup', '--insecure']
        for name, place in places.items():
            command += ['--var', f'{name}={place}']
        return [str(word) for word in command]

    def environment(self):
        env = debs.env(self.tree)
        env['LD_LIBRARY_PATH'] += f':{self.tree}/usr/lib/rspamd'
        return env


OPENDKIM = '''
Syslog no
Mode {mode}
Socket inet:{port}@127.0.0.1
UserID {user}
AuthservID mx.example.org
OversignHeaders From
RequireSafeKeys false
InternalHosts {internal}
{more}
'''


class OpenDkim(Peer):
    """Verifies, or signs with the key it is given for the domain.

    Its resolver asks no name server on a loopback address unless a file
    says so, and is not safe with such a file (it is parsed anew for each
    message, by several threads at once: the process aborts).  So it gets
    its key records as test data, and no DNS at all: a little in its favour.
    """

    name = 'opendkim'
    packages = ('opendkim',)

    def __init__(self, load_binary, folder, records=None, key=None,
                 domain=None):
        super().__init__(load_binary, folder, None)
        self.records, self.key, self.domain = records, key, domain

    def command(self):
        internal = self.write('internal', '0.0.0.0/0\n' if self.key
                              else '203.0.113.1\n')
        more = ''
        if self.key:
            more = (f'Canonicalization relaxed/relaxed\nDomain {self.domain}\n'
                    f'Selector bench\nKeyFile {self.key}\n')
        if self.records:
            data = self.write('records', ''.join(
                f'{name} {text}\n' for name, text in self.records.items()))
            more += f'TestDNSData {data}\n'
        conf = self.write('opendkim.conf', OPENDKIM.format(
            mode='s' if self.key else 'v', port=self.port, user=USER,
            internal=internal, more=more))
        return [str(self.tree / 'usr/sbin/opendkim'), '-f', '-x', conf]


OPENDMARC = '''
Syslog false
Socket inet:{port}@127.0.0.1
UserID {user}
AuthservID mx.example.org
TrustedAuthservIDs mx.example.org
RejectFailures false
SoftwareHeader false
'''


class OpenDmarc(Peer):
    """Believes the Authentication-Results that the messages bear.

    It asks the name server of /etc/resolv.conf, at port 53: its own, which
    it sees in a mount namespace, names an address of this machine.
    """

    name = 'opendmarc'
    packages = ('opendmarc',)

    def __init__(self, load_binary, folder, dns_address):
        super().__init__(load_binary, folder, 53)
        self.dns_address = dns_address

    def command(self):
        resolv = self.write('resolv.conf',
                            f'nameserver {self.dns_address}\n')
        conf = self.write('opendmarc.conf', OPENDMARC.format(
            port=self.port, user=USER))
        return ['unshare', '--mount', 'sh', '-c',
                'mount --bind "$1" /etc/resolv.conf && exec "$2" -f -c "$3"',
                'sh', resolv, str(self.tree / 'usr/sbin/opendmarc'), conf]


class Redis(redis.Redis):
    """A private server that keeps nothing on disk."""

    def __init__(self):
        super().__init__(appendonly='no')

    def clear(self):
        """Begin with no counts, as settled as before."""
        self.call('FLUSHALL')
        self.call(*redis.EPOCH)

    def cpu_seconds(self):
        return tree.cpu_seconds(self.process.pid)

    def pss_bytes(self):
        return tree.pss_bytes(self.process.pid)
