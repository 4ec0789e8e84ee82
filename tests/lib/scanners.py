# SPDX-License-Identifier: Apache-2.0
"""Private clamd, spamd and rspamd from unpacked Debian packages, and servers
that behave badly.

    with Clamd() as clamd:
        ...             # clamd.unix, clamd.tcp: addresses as in options

They run as nobody in folders of their own, ask no DNS, and end with the test.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from . import debs, ports, processes

USER = 'nobody'


class Server:
    """One program of a package, on a free port."""

    name = ''
    packages = []
    grace = 5.0         # seconds to end in

    def __enter__(self):
        self.tree = debs.unpack(self.name, self.packages)
        self.claim = ports.claim()
        self.port = self.claim.number
        self.tcp = f'inet:{self.port}@127.0.0.1'
        # Short: the path of a unix socket may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix=f'millrace-{self.name}-',
                                            dir='/run'))
        self.folder.chmod(0o755)
        self.process = None
        try:
            self.configure()
            user = pwd.getpwnam(USER)
            for path in (self.folder, *self.folder.rglob('*')):
                os.chown(path, user.pw_uid, user.pw_gid)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            processes.end(self.process, str(self.folder), self.grace)
        self.claim.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        return path

    def environment(self):
        return debs.env(self.tree)

    def start(self, timeout=60):
        with open(self.folder / 'out', 'ab') as out:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        until = time.monotonic() + timeout
        while not ports.listening(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f'{self.name} does not start:\n'
                                   + self.said())
            time.sleep(0.02)

    def said(self):
        return ''.join(path.read_text(errors='replace') for path in
                       self.folder.glob('*') if path.name in ('out', 'log'))


CLAMD = '''LocalSocket {folder}/clamd.sock
LocalSocketMode 666
TCPSocket {port}
TCPAddr 127.0.0.1
User {user}
Foreground yes
DatabaseDirectory {folder}/db
LogFile {folder}/log
TemporaryDirectory {folder}
StreamMaxLength {most}
AlertEncryptedArchive yes
MaxThreads 4
'''

# Type 4 is mail, 0 any file; bytes in hexadecimal.
SIGNATURES = (('Millrace.Test.Malware', 0, b'the-tests-own-malware'),
              ('PUA.Test.Coupon', 0, b'the-tests-own-coupon'))
EICAR = (r'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-'
         r'ANTIVIRUS-TEST-FILE!$H+H*').encode()
EICAR_HASH = '44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n'


class Clamd(Server):
    """With signatures of the tests' own: two by content, EICAR by its hash."""

    name = 'clamd'
    packages = ['clamav-daemon']
    most = 1 << 20

    def configure(self):
        self.write('db/test.ndb', ''.join(
            f'{name}:{kind}:*:{text.hex()}\n'
            for name, kind, text in SIGNATURES))
        self.write('db/test.hdb', EICAR_HASH)
        self.write('clamd.conf', CLAMD.format(
            folder=self.folder, port=self.port, user=USER, most=self.most))
        self.unix = f'unix:{self.folder}/clamd.sock'

    def command(self):
        return [self.tree / 'usr/sbin/clamd', '-c',
                self.folder / 'clamd.conf']


RSPAMD = '''
options {{
  pidfile = "{folder}/rspamd.pid";
  filters = "";
  url_tld = "{folder}/tlds";
  cache_file = "{folder}/symbols.cache";
  dns {{ nameserver = ["127.0.0.1:{port}:10"]; timeout = 10ms; }}
  local_addrs = [];
  disable_hyperscan = true;
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "warning"; }}

worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
lua = "{folder}/own.lua";
'''

# Points and an action for a word in the subject; and what it was told.
RSPAMD_RULES = '''
local function subject(name, score, action)
  rspamd_config:register_symbol({ name = name, score = score,
    callback = function(task)
      if not string.find(task:get_subject() or "", name, 1, true) then
        return
      end
      if action then task:set_pre_result(action, "own words for " .. name) end
      return true, 1.0, "a\\nb"
    end })
end
subject("POINTS", 4.5)
subject("MORE-points", 20)
subject("LATER", 0, "soft reject")
rspamd_config:register_symbol({ name = "TOLD", score = 0.5,
  callback = function(task)
    local to = {}
    for _, r in ipairs(task:get_recipients("smtp") or {}) do
      table.insert(to, r.addr)
    end
    return true, 1.0, { tostring(task:get_ip()), task:get_helo(),
      task:get_hostname() or "-", task:get_from("smtp")[1].addr,
      table.concat(to, "+"), task:get_user() or "-",
      task:get_queue_id(), tostring(task:get_rawbody()),
      task:get_header("From") }
  end })
'''


class Rspamd(Server):
    """A normal worker with rules of the tests' own."""

    name = 'rspamd'
    packages = ['rspamd']
    grace = 0.2         # its worker would wait for more to do

    def configure(self):
        self.share = self.tree / 'usr/share/rspamd'
        self.write('own.lua', RSPAMD_RULES)
        # The whole list takes 15 s to compile.
        self.write('tlds', 'com\nnet\norg\nexample\ntest\n')
        self.write('rspamd.conf', RSPAMD.format(
            folder=self.folder, port=self.port))

    def command(self):
        places = {'LUALIBDIR': 'lualib', 'RULESDIR': 'rules',
                  'PLUGINSDIR': 'plugins', 'SHAREDIR': ''}
        words = [f'{name}={self.share / place}'
                 for name, place in places.items()]
        words.append(f'DBDIR={self.folder}')
        return [self.tree / 'usr/bin/rspamd', '-c',
                self.folder / 'rspamd.conf', '-f', '-u', USER, '-g',
                'nogroup', '--insecure',
                *(part for word in words for part in ('--var', word))]

    def environment(self):
        env = debs.env(self.tree)
        env['LD_LIBRARY_PATH'] += f':{self.tree}/usr/lib/rspamd'
        return env


SPAMD_RULES = '''
required_score 5
use_bayes 0
util_rb_tld com net org example test
header WORD Subject =~ /POINTS/
score WORD 7.5
header HELO X-Spam-Relays-External =~ /ip=192\\.0\\.2\\.7 rdns=client\\.example\\.com helo=helo\\.example\\.com by=mx\\.example\\.com/
score HELO 0.1
header AUTHED X-Spam-Relays-Trusted =~ / auth=ESMTPA /
score AUTHED 0.2
header SENDER EnvelopeFrom =~ /^alice@example\\.com$/
score SENDER 0.3
body BODY /It is a body/
score BODY 0.4
'''


SPAMD_ANSWER = re.compile(rb'^Spam: \w+ ; (-?[0-9.]+) / ', re.MULTILINE)


class Spamd(Server):
    """With rules of the tests' own, and no network (-L).

    shipped: with the rules and plugins of its packages, without Bayes.
    """

    name = 'spamd'
    packages = ['spamd', 'spamassassin']

    def __init__(self, shipped=False):
        self.shipped = shipped

    def configure(self):
        self.write('home/.keep', '')
        if self.shipped:
            self.rules = self.tree / 'usr/share/spamassassin'
            shutil.copytree(self.tree / 'etc/spamassassin',
                            self.folder / 'site')
            self.write('site/zz_own.cf', 'use_bayes 0\n')
            return
        self.rules = self.write('rules/own.cf', SPAMD_RULES).parent
        self.write('site/init.pre',
                   'loadplugin Mail::SpamAssassin::Plugin::Check\n')

    def command(self):
        return [*debs.perl(self.tree),
                self.tree / 'usr/sbin/spamd', '-L', '-x', '-u', USER,
                '-i', '127.0.0.1', '-p', self.port, '-m', '2',
                '--min-children=1', '-s', 'stderr',
                '--helper-home-dir', self.folder / 'home',
                '-C', self.rules,
                '--siteconfigpath', self.folder / 'site',
                '-r', self.folder / 'spamd.pid']

    def points(self, raw):
        """What it says of a message, asked as a client of the protocol."""
        with socket.create_connection(('127.0.0.1', self.port)) as s:
            s.sendall(b'CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n'
                      % len(raw) + raw)
            s.shutdown(socket.SHUT_WR)
            answer = b''.join(iter(lambda: s.recv(65536), b''))
        return float(SPAMD_ANSWER.search(answer)[1])


class Bad:
    """A server that says what it is told, to whoever comes.

    answer: bytes, or None: not a word, and the connection stays open.
    wait: read until nothing has come for a moment, before the answer.
    """

    def __init__(self, answer, wait=True):
        self.answer, self.wait = answer, wait
        self.heard = []         # what each connection sent
        self.open = []

    def __enter__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.tcp = f'inet:{self.port}@127.0.0.1'
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for connection in self.open:
            connection.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.talk(connection)

    def talk(self, connection):
        connection.settimeout(0.05)
        heard = b''
        try:
            while self.wait and (part := connection.recv(65536)):
                heard += part
        except TimeoutError:
            pass
        except OSError:
            pass
        self.heard.append(heard)
        if self.answer is None:
            self.open.append(connection)
            return
        try:
            connection.sendall(self.answer)
        except OSError:
            pass
        connection.close()
