# SPDX-License-Identifier: Apache-2.0
"""A private Dovecot from the unpacked Debian packages: IMAP on a free port.

    with Dovecot(config) as dovecot:
        imap = dovecot.login('ann')         # an imaplib.IMAP4

Nothing of the system's own Dovecot is read.  It loads modules from a path
that cannot be configured, so it has a mount namespace of its own, in which
its tree stands there.  Every login exists, with the same password, and its
mail belongs to one user, as with virtual mailboxes.
"""

import imaplib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import debs, ports, processes

PACKAGES = ['dovecot-core', 'dovecot-imapd', 'dovecot-sieve']
PASSWORD = 'secret'

# They stand in for dovecot and dovenull, and for vmail.
INTERNAL_USER, LOGIN_USER = 'mail', 'nobody'
MAIL_USER = 'games'

CONFIG = '''
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {internal}
default_login_user = {login}
import_environment = LD_LIBRARY_PATH={libraries}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail} home={folder}/home/%u
}}
mail_location = maildir:~/Maildir
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    auto = create
  }}
  mailbox Trash {{
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
'''

# Arguments: folder of the instance, tree, command.
NAMESPACE = '''
set -e
folder=$1 tree=$2
shift 2
mkdir "$folder/lib" "$folder/new-lib"
mount --rbind /usr/lib "$folder/lib"
mount -t tmpfs -o mode=755 tmpfs "$folder/new-lib"
ln -s "$folder"/lib/* "$folder/new-lib"
ln -sfn "$tree/usr/lib/dovecot" "$folder/new-lib/dovecot"
mount --rbind "$folder/new-lib" /usr/lib
exec "$@"
'''


class Dovecot:
    """A context manager; config: more lines of dovecot.conf."""

    def __init__(self, config=''):
        self._more = config
        self._process = None

    def __enter__(self):
        self._tree = debs.unpack('dovecot', PACKAGES)
        self._claim = ports.claim()
        self.port = self._claim.number
        self.folder = Path(tempfile.mkdtemp(prefix='millrace-dovecot-',
                                            dir='/run'))
        try:
            self._configure()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            processes.end(self._process, str(self.folder))
        self._claim.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self):
        self.folder.chmod(0o755)
        (self.folder / 'home').mkdir()
        shutil.chown(self.folder / 'home', MAIL_USER, MAIL_USER)
        self._libraries = ':'.join(
            [f'{self._tree}/usr/lib/dovecot',
             debs.env(self._tree)['LD_LIBRARY_PATH']])
        (self.folder / 'dovecot.conf').write_text(CONFIG.format(
            folder=self.folder, port=self.port, libraries=self._libraries,
            internal=INTERNAL_USER, login=LOGIN_USER, mail=MAIL_USER,
            password=PASSWORD) + self._more)

    def _environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=self._libraries)

    def _command(self, service, program, *arguments):
        """A program with its settings from doveconf.

        They start it themselves, as /usr/bin/doveconf, unless it has started
        them.
        """
        return [self._tree / 'usr/bin/doveconf', '-f', f'service={service}',
                '-c', self.folder / 'dovecot.conf', '-p', '-e',
                self._tree / program, '-c',
                self.folder / 'dovecot.conf', *arguments]

    def _start(self):
        with open(self.folder / 'out', 'wb') as out:
            self._process = subprocess.Popen(
                ['unshare', '--mount', 'sh', '-c', NAMESPACE, 'sh',
                 self.folder, self._tree,
                 *self._command('master', 'usr/sbin/dovecot', '-F')],
                cwd=self.folder, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        until = time.monotonic() + 30
        while not ports.listening(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError('dovecot does not start:\n' + self.log())
            time.sleep(0.02)

    def compile(self, script):
        """sievec, as the system's administrator runs it."""
        done = subprocess.run(
            ['nsenter', '--target', str(self._process.pid), '--mount',
             *self._command('sievec', 'usr/bin/sievec', script)],
            env=self._environment(), capture_output=True, text=True,
            check=False)
        if done.returncode != 0:
            raise RuntimeError(f'sievec: {done.stdout}{done.stderr}')

    def log(self):
        return ''.join(
            path.read_text(errors='replace')
            for path in (self.folder / 'out', self.folder / 'log')
            if path.exists())

    def complaints(self):
        """The lines of the log that are errors or warnings."""
        return re.findall(r'^.*(?:Error|Warning|Fatal|Panic): .*$',
                          self.log(), re.MULTILINE)

    def login(self, name):
        imap = imaplib.IMAP4('127.0.0.1', self.port, timeout=60)
        imap.login(name, PASSWORD)
        return imap
