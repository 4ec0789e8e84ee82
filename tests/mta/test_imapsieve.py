#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Users of a real Dovecot teach the learner: by moving mail into their folder
for spam and out of it, with the files that are installed for that."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.daemon import BUILD, ROOT  # noqa: E402
from lib.dovecot import MAIL_USER, Dovecot  # noqa: E402
from lib.scene import Scene, records, section, wait_for  # noqa: E402

HAM = "minutes meeting agenda monday project budget review team notes"
SPAM = "pills cheap winner lottery casino bonus click offer free now"
COMMAND = """#!/bin/sh
exec {folder}/bin/millrace.bin --conf {conf} "$@"
"""


def letter(words, number):
    rng = random.Random(f"{words}{number}")
    some = rng.choices(words.split(), k=30)
    return (
        f"From: x{number}@example.com\r\n"
        f"Subject: {' '.join(some[:3])}\r\n"
        f"Message-ID: <{number}.{len(words)}@example.com>\r\n\r\n"
        f"{' '.join(some)}\r\n"
    )


NEWS = letter("concert sunday choir tickets summer fair volunteers door", 1)


class Imapsieve(Scene):
    def setUp(self):
        self.prefix = tempfile.mkdtemp(prefix="millrace-sieve-", dir="/run")
        self.addCleanup(shutil.rmtree, self.prefix)
        os.chmod(self.prefix, 0o755)
        self.install()
        self.d = self.learner()
        self.dovecot = self.enterContext(
            Dovecot(f"!include {self.prefix}/share/millrace/dovecot/"
                    "90-millrace-learn.conf\n")
        )
        for name in ("spam", "ham"):
            self.dovecot.compile(
                f"{self.prefix}/share/millrace/dovecot/learn-{name}.sieve"
            )

    def install(self):
        """As on a user's machine, below a prefix of our own."""
        subprocess.run(
            ["make", "-s", "install-dovecot", f"PREFIX={self.prefix}"],
            cwd=ROOT, check=True,
        )
        os.mkdir(f"{self.prefix}/bin")
        shutil.copy(f"{BUILD}/millrace", f"{self.prefix}/bin/millrace.bin")

    def learner(self):
        """The folder of the model is as the manual says."""
        folder = f"{self.prefix}/learn"
        os.mkdir(folder)
        shutil.chown(folder, "nobody", MAIL_USER)
        os.chmod(folder, 0o2775)
        d = self.daemon(section(
            "learn", "learn", model=f"{folder}/all.model", learn_first="10"
        ))
        with open(f"{self.prefix}/bin/millrace", "w") as f:
            f.write(COMMAND.format(folder=self.prefix, conf=d.config()))
        os.chmod(f"{self.prefix}/bin/millrace", 0o755)
        for day in range(4):
            for kind, words in (("spam", SPAM), ("ham", HAM)):
                mbox = "".join(
                    "From x\n" + letter(words, n) + "\n"
                    for n in range(day * 10, day * 10 + 10)
                )
                done = d.command("learn", f"--{kind}", input=mbox)
                self.assertEqual(done.returncode, 0, done.stderr)
        return d

    def stats(self):
        """(ham, spam) that the model knows."""
        found = json.loads(self.d.command("learn", "stats", "--json").stdout)
        return found["ham"], found["spam"]

    def judge(self, text):
        """The points of a message that comes in."""
        head, body = text.split("\r\n\r\n", 1)
        headers = [tuple(line.split(": ", 1)) for line in head.split("\r\n")]
        seen = len(records(self.d, 0))
        with self.session(self.d) as m:
            self.message(m, headers=headers, body=body.encode())
        return records(self.d, seen + 1)[seen]["score"]

    def login(self, name):
        imap = self.dovecot.login(name)
        self.addCleanup(imap.shutdown)
        return imap

    def deliver(self, imap, text):
        status, _ = imap.append("INBOX", None, None, text.encode())
        self.assertEqual(status, "OK")

    def move(self, imap, source, target, how="MOVE"):
        """All that is in the source."""
        self.assertEqual(imap.select(source)[0], "OK")
        self.assertEqual(imap.uid(how, "1:*", target)[0], "OK")
        if how == "COPY":
            imap.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
            imap.expunge()

    def test_what_users_move(self):
        ann = self.login("ann")
        before = wait_for(lambda: self.judge(NEWS))
        self.assertEqual(self.stats(), (40, 40))

        self.deliver(ann, NEWS)
        self.move(ann, "INBOX", "Junk")
        self.assertEqual(self.stats(), (40, 41))
        worse = wait_for(
            lambda: (p := self.judge(NEWS)) > before + 2 and p
        )
        # Another user, an older client: the same message counts once.
        bob = self.login("bob")
        self.deliver(bob, NEWS)
        self.move(bob, "INBOX", "Junk", how="COPY")
        self.assertEqual(self.stats(), (40, 41))

        self.move(ann, "Junk", "INBOX")
        self.assertEqual(self.stats(), (41, 40))
        better = wait_for(lambda: (p := self.judge(NEWS)) < 0 and p)
        self.assertTrue(better < before < worse, (better, before, worse))

        # Thrown away, which is no correction; nor is what else is moved.
        self.move(bob, "Junk", "Trash")
        self.move(bob, "Trash", "INBOX")
        self.assertEqual(self.stats(), (41, 40))
        self.assertEqual(self.dovecot.complaints(), [], self.dovecot.log())
        self.assertNotRegex(self.d.log(), r"(?m)^\S+ (error|warn) ")

    def test_what_fails_is_logged_and_moves(self):
        os.chmod(f"{self.prefix}/learn", 0o700)
        ann = self.login("ann")
        self.deliver(ann, NEWS)
        self.move(ann, "INBOX", "Junk")
        self.assertEqual(ann.select("Junk")[1], [b"1"])
        self.assertIn(
            f"Error: millrace learn: {self.prefix}/learn/all.model.lock: "
            "Permission denied", self.dovecot.log(),
        )
        self.assertEqual(self.stats(), (40, 40))


if __name__ == "__main__":
    unittest.main()
