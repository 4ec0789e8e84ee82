# SPDX-License-Identifier: Apache-2.0
"""Debian's rspamd and SpamAssassin: the rules and options of their packages,
no DNS, Bayes that is taught when they start.  Nothing is refused; each
message gets a field that says how many points it has.
"""

import os
import re
import shutil
import subprocess
import time

import peers
import tree
from filters import Broken, free_port, wait_for_port
from lib import corpus, debs

START_SECONDS, TEACH_SECONDS = 120, 600

# What asks DNS, and what needs the answers of that.
ASK_DNS = ('arc', 'asn', 'dkim', 'dkim_signing', 'dmarc', 'fuzzy_check',
           'mx_check', 'rbl', 'spf', 'url_redirector', 'whitelist')
# Over the defaults of the package.  It scans itself, without a worker behind
# it, and has a Redis for Bayes alone: it greylists nobody and keeps no
# history.  That is less work for a message.
RSPAMD_LOCAL = {
    'options.inc': 'filters = "chartable,regexp";\n'
                   'dns { nameserver = ["127.0.0.1:9:10"]; }\n',
    'worker-normal.inc': 'enabled = false;\n',
    'worker-controller.inc': 'bind_socket = "127.0.0.1:@CONTROLLER";\n',
    'worker-proxy.inc': 'bind_socket = "@SOCKET mode=0666";\ncount = 2;\n'
                        'upstream "local" { self_scan = yes; }\n',
    'classifier-bayes.conf': 'servers = "127.0.0.1:@REDIS";\n',
    'actions.conf': 'reject = null; greylist = null;\n',
    'milter_headers.conf': 'use = ["x-spam-status"];\n',
    'phishing.conf': 'phishtank_enabled = false;\n',
    'hfilter.conf': 'helo_enabled = false; from_enabled = false;\n',
    **{f'{name}.conf': 'enabled = false;\n' for name in ASK_DNS},
}
RSPAMD_WORKERS = 2
READY = re.compile(r'^.*\(rspamd_proxy\).* hyperscan database of \d+ regexps '
                   r'has been loaded$', re.MULTILINE)


def by_kind(folder, messages):
    """('ham' or 'spam', the folder of those, how many), both kinds."""
    for kind, wanted in (('ham', False), ('spam', True)):
        raws = [raw for raw, spam in messages if spam == wanted]
        yield kind, corpus.write(os.path.join(folder, kind), raws), len(raws)


class Rspamd(peers.Rspamd):
    """Two workers scan; its Redis is not counted with them."""

    status, shown = 'X-Spam-Status', 6

    def __init__(self, args, folder, learned, redis):
        super().__init__(args.load, folder, None)
        self.learned, self.redis = learned, redis

    def start(self):
        self.controller = free_port()
        self.spawn(self.command(self.listen('unix')))
        wait_for_port(self.controller, START_SECONDS)
        self.wait_until_compiled()
        for kind, folder, count in by_kind(self.folder, self.learned):
            self.teach(kind, folder, count)

    def command(self, address):
        os.makedirs(os.path.join(self.folder, 'local.d'), exist_ok=True)
        for name, text in RSPAMD_LOCAL.items():
            for word, value in (('@SOCKET', address.partition(':')[2]),
                                ('@CONTROLLER', str(self.controller)),
                                ('@REDIS', str(self.redis.port))):
                text = text.replace(word, value)
            self.write(f'local.d/{name}', text)
        etc = self.tree / 'etc/rspamd'
        return self.words(
            etc / 'rspamd.conf', CONFDIR=etc, LOCAL_CONFDIR=self.folder,
            RUNDIR=self.folder, LOGDIR=self.folder,
            WWWDIR=self.tree / 'usr/share/rspamd/www')

    def wait_until_compiled(self):
        """Before that it matches expressions one by one."""
        until = time.monotonic() + START_SECONDS
        while True:
            with open(os.path.join(self.folder, 'rspamd.log'),
                      encoding='utf-8', errors='replace') as f:
                if len(READY.findall(f.read())) >= RSPAMD_WORKERS:
                    return
            if time.monotonic() > until:
                raise Broken('rspamd has not loaded its expressions:\n'
                             + self.log_tail())
            time.sleep(0.2)

    def teach(self, kind, folder, count):
        """Bulk: else it leaves out what it believes to know already."""
        done = subprocess.run(
            [self.tree / 'usr/bin/rspamc', '-h',
             f'127.0.0.1:{self.controller}', '-n', '8', '--header',
             'Learn-Type=bulk', f'learn_{kind}', folder],
            env={**os.environ, **self.environment()}, text=True,
            stdout=subprocess.PIPE, timeout=TEACH_SECONDS, check=False)
        learned = done.stdout.count('success = true')
        if learned < count * 0.98:      # it refuses the shortest
            raise Broken(f'rspamd learned {learned} of {count} {kind}:\n'
                         f'{done.stdout[-1000:]}')

    def apart(self):
        """CPU seconds and bytes of its Redis."""
        return self.redis.cpu_seconds(), self.redis.pss_bytes()


class Spamd(peers.Peer):
    """spamd behind spamass-milter, which runs spamc for each message."""

    name = 'spamd'
    packages = ('spamd', 'spamassassin', 'spamc', 'spamass-milter')
    status, shown = 'X-Spam-Status', 5

    def __init__(self, args, folder, learned):
        super().__init__(args.load, folder, None)
        self.learned = learned

    def start(self):
        site = os.path.join(self.folder, 'site')
        shutil.copytree(self.tree / 'etc/spamassassin', site)
        os.makedirs(os.path.join(self.folder, 'bayes'))
        self.write('site/zz_bench.cf',
                   f'bayes_path {self.folder}/bayes/bayes\n')
        for kind, folder, _ in by_kind(self.folder, self.learned):
            self.perl('sa-learn', '--no-sync', f'--{kind}', folder)
        self.perl('sa-learn', '--sync')
        subprocess.run(['chown', '-R', peers.USER, self.folder], check=True)
        self.port = free_port()
        self.spawn(self.words(
            'usr/sbin/spamd', '-x', '-u', peers.USER, '-i', '127.0.0.1',
            '-p', self.port, '--max-children', '5', '-s', 'stderr',
            '--helper-home-dir', self.folder,
            '-r', os.path.join(self.folder, 'spamd.pid')))
        wait_for_port(self.port, START_SECONDS)
        self.start_milter()

    def start_milter(self):
        """It knows spamc by its path: it sees the package's programs there.
        """
        self.spawn([
            'unshare', '--mount', 'sh', '-c',
            'mount --bind "$1" /usr/bin && exec "$2" -u "$3" -i 127.0.0.1 '
            '-p "$4" -- -d 127.0.0.1 -p "$5"', 'sh',
            str(self.tree / 'usr/bin'),
            str(self.tree / 'usr/sbin/spamass-milter'), peers.USER,
            self.listen('unix').partition(':')[2],
            str(self.port)])

    def words(self, program, *options):
        """-L: nothing is asked over the network."""
        words = [*debs.perl(self.tree), self.tree / program, '-L',
                 '-C', self.tree / 'usr/share/spamassassin',
                 '--siteconfigpath', os.path.join(self.folder, 'site'),
                 *options]
        return [str(word) for word in words]

    def perl(self, program, *options):
        done = subprocess.run(
            self.words(f'usr/bin/{program}', *options), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment()},
            timeout=TEACH_SECONDS, check=False)
        if done.returncode != 0:
            raise Broken(f'{program}: {done.stdout[-1000:]}')

    def apart(self):
        """CPU seconds and bytes of spamd alone."""
        pid = self.processes[0].pid
        return tree.cpu_seconds(pid), tree.pss_bytes(pid)
