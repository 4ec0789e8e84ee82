"""A private millraced: its own folder, sockets and journal, gone at the end."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get('B', 'build'))


class Daemon:
    """
    with Daemon('listener "mx" { socket = "unix:@/mx.sock" ... }') as d: ...

    In the text "@" followed by "/" stands for the daemon's own folder.
    plugins: names of plugins; by default all of plugins/ and tests/plugins/.
    """

    def __init__(self, text, folder=None, user='nobody', options='',
                 arguments=('-f',)):
        self.text = text
        self.user = user
        self.options = options
        self.arguments = arguments
        self.folder = folder
        self.own_folder = folder is None
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Files

    def prepare(self):
        if self.folder is None:
            self.folder = tempfile.mkdtemp(prefix='millrace-', dir='/run')
        os.chmod(self.folder, 0o755)
        plugins = self.path('plugins')
        if not os.path.isdir(plugins):
            os.mkdir(plugins, 0o755)
            for source in ('plugins', 'tests/plugins'):
                folder = os.path.join(BUILD, source)
                for name in sorted(os.listdir(folder)
                                   if os.path.isdir(folder) else ()):
                    if name.endswith('.so'):
                        shutil.copy(os.path.join(folder, name), plugins)
        self.write(self.text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def config(self):
        return self.path('millrace.conf')

    def write(self, text):
        """Put another configuration in place; reload() makes it count."""
        self.text = text
        settings = f'''plugin-dir = "@/plugins"
run-dir = "@/run"
spool-dir = "@/spool"
journal = "@/journal/journal.db"
store-mirror = "@/mirror"
user = "{self.user}"
log-level = debug
{self.options}
'''
        if not re.search(r'^\s*store\s*=', settings + text, re.MULTILINE):
            settings += 'store = "lmdb:@/store"\n'
        whole = (settings + text).replace('@/', self.folder + '/')
        with open(self.config() + '.new', 'w') as f:
            f.write(whole)
        os.rename(self.config() + '.new', self.config())

    # The process

    def start(self, wait=True):
        self.prepare()
        self.log_file = open(self.path('log'), 'ab')
        self.process = subprocess.Popen(
            [os.path.join(BUILD, 'millraced'), *self.arguments, '-c',
             self.config()],
            stdin=subprocess.DEVNULL, stdout=self.log_file,
            stderr=self.log_file, start_new_session=True)
        if wait:
            self.wait_log(r'generation \d+ is in force')

    def stop(self, sig=signal.SIGTERM, timeout=40):
        if self.process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sig)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            try:
                status = self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
        self.process = None
        self.log_file.close()
        return status

    def log(self):
        with open(self.path('log'), errors='replace') as f:
            return f.read()

    def wait_log(self, pattern, timeout=20, start=0):
        """The first match in the log from an offset on."""
        end = time.monotonic() + timeout
        while True:
            text = self.log()[start:]
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                return match
            if self.process.poll() is not None:
                raise AssertionError('millraced ended:\n' + text)
            if time.monotonic() > end:
                raise AssertionError(f'no {pattern!r} in the log:\n' + text)
            time.sleep(0.01)

    # The command

    def command(self, *words, input=None, check=False):
        """Run `millrace WORDS` against this daemon."""
        return subprocess.run(
            [os.path.join(BUILD, 'millrace'), '--conf', self.config(),
             *words], input=input, capture_output=True, text=True,
            check=check, timeout=60)

    def json(self, *words):
        return json.loads(self.command(*words, '--json').stdout)

    def status(self):
        return self.json('status')

    def reload(self):
        return self.command('reload')

    def workers(self):
        return [w['pid'] for w in self.status()['workers']
                if w['state'] == 'serves']
