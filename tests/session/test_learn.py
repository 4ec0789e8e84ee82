#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin learn: taught by the command, asked through the daemon."""

import json
import mailbox
import os
import random
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import (RECIPIENT, SENDER, Scene, actor, echo,   # noqa: E402
                       records, section, wait_for)

HAM = 'minutes meeting agenda monday project budget review team notes'.split()
SPAM = 'pills cheap winner lottery casino bonus click offer free now'.split()
LEARN_FIRST = 5


def letter(kind, number, subject=None):
    """One of many that differ, made of the words of its kind."""
    rng = random.Random(f'{kind}{number}')
    words = SPAM if kind == 'spam' else HAM
    text = ' '.join(rng.choices(words, k=30))
    return (f'From: {kind}{number}@example.com\n'
            f'Subject: {subject or " ".join(rng.choices(words, k=3))}\n'
            f'Message-ID: <{kind}{number}@example.com>\n\n'
            f'{text}\nhttp://{kind}.example/{number}\n')


def alike(kind, number):
    """Mostly what all mail has in common; few words tell the kind."""
    rng = random.Random(f'{kind}{number}')
    words = [f'{rng.choice(sorted(w))}{w}' for w in
             (SPAM if kind == 'spam' else HAM)]
    return (f'From: someone{rng.randrange(900)}@example.com\n'
            f'Subject: {" ".join(rng.choices(HAM + SPAM, k=4))}\n\n'
            f'{" ".join(rng.choices(HAM + SPAM, k=60))} {words[0]} '
            f'{rng.choice(words)}\n')


class Learn(Scene):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='millrace-learn-', dir='/run')
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)

    def learner(self, *others, **values):
        values = {'model': f'{self.folder}/all.model',
                  'learn-first': LEARN_FIRST, **values}
        return self.daemon(section('learn', 'learn', **values), *others)

    def learn(self, d, *words, text='', status=0):
        done = d.command('learn', *words, input=text)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout + done.stderr

    def teach(self, d, kind, numbers, *words, letter=letter):
        """Through a folder of files."""
        folder = tempfile.mkdtemp(dir=self.folder)
        for n in numbers:
            with open(f'{folder}/{n}', 'w', encoding='utf-8') as f:
                f.write(letter(kind, n))
        return json.loads(self.learn(d, f'--{kind}', '--json', *words, folder))

    def judge(self, d, text, recipient=RECIPIENT):
        """(symbol, score, detail) of a message, None if there is none."""
        head, body = text.split('\n\n', 1)
        headers = [tuple(line.split(': ', 1)) for line in head.split('\n')]
        seen = len(records(d, 0))
        with self.session(d) as m:
            self.message(m, headers=headers, recipients=(recipient,),
                         body=body.replace('\n', '\r\n').encode())
        symbols = records(d, seen + 1)[seen]['symbols']
        return next(((s['name'], s['score'], s.get('detail'))
                     for s in symbols if s['name'].startswith('LEARN')), None)

    def wait_points(self, d, text, condition, **more):
        """The workers look at the file once a second."""
        return wait_for(lambda: (v := self.judge(d, text, **more)) and
                        condition(v[1]) and v)


class Teaching(Learn):
    def test_silent_until_it_knows_enough(self):
        d = self.learner()
        self.assertIsNone(self.judge(d, letter('spam', 100)))
        self.teach(d, 'spam', range(30))
        self.teach(d, 'ham', range(LEARN_FIRST - 1))
        self.assertIn('says nothing yet', self.learn(d, 'stats'))
        self.assertIsNone(self.judge(d, letter('spam', 100)))
        self.teach(d, 'ham', range(30))
        name, score, detail = self.wait_points(
            d, letter('spam', 100), lambda s: s > 6)
        self.assertEqual(name, 'LEARN_SPAM')
        self.assertRegex(detail, r'^p=0\.\d+; spam: ')
        self.assertLess(score, 8)
        name, score, _ = self.judge(d, letter('ham', 100))
        self.assertEqual(name, 'LEARN_HAM')
        self.assertTrue(-4 < score < -3, score)

    def test_the_same_message_counts_once(self):
        d = self.learner()
        self.assertEqual(self.teach(d, 'spam', range(5)),
                         {'learned': 5, 'corrected': 0, 'known': 0,
                          'forgotten': 0, 'unknown': 0, 'ham': 0, 'spam': 5})
        again = self.teach(d, 'spam', range(6))
        self.assertEqual((again['learned'], again['known'], again['spam']),
                         (1, 5, 6))

    def test_a_correction_changes_the_next_verdict(self):
        d = self.learner()
        self.teach(d, 'spam', range(20))
        self.teach(d, 'ham', range(20))
        wrong = letter('spam', 3)
        self.wait_points(d, wrong, lambda s: s > 5)
        said = json.loads(self.learn(d, '--ham', '--json', text=wrong))
        self.assertEqual((said['corrected'], said['ham'], said['spam']),
                         (1, 21, 19))
        self.wait_points(d, wrong, lambda s: s < 0)
        said = json.loads(self.learn(d, '--forget', '--json', text=wrong))
        self.assertEqual((said['forgotten'], said['ham']), (1, 20))
        said = json.loads(self.learn(d, '--forget', '--json', text=wrong))
        self.assertEqual((said['forgotten'], said['unknown']), (0, 1))

    def test_what_was_never_learned_is_corrected(self):
        """One step would not do for what contradicts all that is known."""
        d = self.learner()
        self.teach(d, 'spam', range(400))
        self.teach(d, 'ham', range(400))
        text = letter('spam', 901)
        self.wait_points(d, text, lambda s: s > 6)
        self.learn(d, '--ham', '--correct', text=text)
        self.wait_points(d, text, lambda s: s < 0)

    def test_one_kind_after_the_other(self):
        """A folder of ham, then one of spam, and the other way round."""
        for order in (('ham', 'spam'), ('spam', 'ham')):
            d = self.learner(model=f'{self.folder}/{order[0]}.model')
            for kind in order:
                self.teach(d, kind, range(400), letter=alike)
            for n in range(1000, 1010):
                with self.subTest(order=order, n=n):
                    self.wait_points(d, alike('ham', n), lambda s: s < 0)
                    self.wait_points(d, alike('spam', n), lambda s: s > 0)

    def test_what_delivery_adds_makes_no_difference(self):
        d = self.learner(own_hosts=['mx.example.org'])
        text = letter('spam', 1)
        self.learn(d, '--spam', text=text)
        delivered = ('Return-Path: <a@example.com>\n'
                     'Delivered-To: bob@example.org\n'
                     'Received: from x (x [192.0.2.1])\n'
                     '\tby mx.example.org (Postfix) with ESMTP id 1\n'
                     'X-Spam-Score: 5\n' + text)
        said = json.loads(self.learn(d, '--spam', '--json', text=delivered))
        self.assertEqual((said['known'], said['learned']), (1, 0))

    def test_where_mail_is_kept(self):
        d = self.learner()
        box = mailbox.mbox(f'{self.folder}/mbox')
        for n in range(3):
            box.add(letter('spam', n))
        box.close()
        maildir = mailbox.Maildir(f'{self.folder}/maildir')
        for n in range(4):
            maildir.add(letter('ham', n))
        self.learn(d, '--spam', f'{self.folder}/mbox')
        self.learn(d, '--ham', f'{self.folder}/maildir')
        stats = json.loads(self.learn(d, 'stats', '--json'))
        self.assertEqual((stats['spam'], stats['ham']), (3, 4))

    def test_all_or_nothing(self):
        d = self.learner()
        with open(f'{self.folder}/one', 'w', encoding='utf-8') as f:
            f.write(letter('spam', 1))
        said = self.learn(d, '--spam', f'{self.folder}/one', '/nowhere',
                          status=75)
        self.assertIn('/nowhere: No such file', said)
        self.assertEqual(json.loads(
            self.learn(d, 'stats', '--json', status=1))['spam'], 0)

    def test_usage(self):
        d = self.learner()
        for words, said in (((), 'say --spam, --ham or --forget'),
                            (('--spam', '--ham'), 'one of them'),
                            (('--spma',), 'unrecognized option'),
                            (('--spam', '--instance', 'x'), 'no instance'),
                            (('--spam', '--domain', '../x'), 'no domain'),
                            (('export',), 'say where to')):
            with self.subTest(words):
                self.assertIn(said, self.learn(d, *words, status=2))


class Models(Learn):
    def test_export_and_import(self):
        d = self.learner()
        self.teach(d, 'spam', range(10))
        self.teach(d, 'ham', range(10))
        copy = f'{self.folder}/copy'
        self.learn(d, 'export', copy)
        self.learn(d, 'import', '--domain', 'example.net', copy)
        stats = json.loads(
            self.learn(d, 'stats', '--json', '--domain', 'example.net'))
        self.assertEqual((stats['spam'], stats['ham']), (10, 10))
        with open(copy, 'r+b') as f:
            f.truncate(1000)
        self.assertIn('cut off', self.learn(d, 'import', copy, status=2))

    def test_a_model_for_each_domain(self):
        d = self.learner(per_domain='true')
        for kind, other in (('spam', 'ham'), ('ham', 'spam')):
            self.teach(d, kind, range(20))
            folder = tempfile.mkdtemp(dir=self.folder)
            for n in range(20):     # there, everything is the other way
                with open(f'{folder}/{n}', 'w', encoding='utf-8') as f:
                    f.write(letter(other, n))
            self.learn(d, f'--{kind}', '--domain', 'odd.example', folder)
        text = letter('spam', 100)
        self.wait_points(d, text, lambda s: s > 5)
        self.wait_points(d, text, lambda s: s < 0,
                         recipient='<bob@odd.example>')
        self.wait_points(d, text, lambda s: s > 5,
                         recipient='<bob@none.example>')

    def test_a_broken_file_leaves_the_last_one_in_force(self):
        d = self.learner()
        self.teach(d, 'spam', range(20))
        self.teach(d, 'ham', range(20))
        text = letter('spam', 100)
        before = self.wait_points(d, text, lambda s: s > 5)
        with open(f'{self.folder}/new', 'wb') as f:
            f.write(b'rubbish')
        os.rename(f'{self.folder}/new', f'{self.folder}/all.model')
        wait_for(lambda: self.judge(d, text) and
                 'all.model: it is not a model' in d.log())
        self.assertEqual(self.judge(d, text), before)
        self.assertIn('it is not a model',
                      self.learn(d, '--spam', text=text, status=75))

    def test_a_model_of_another_version(self):
        d = self.learner()
        path = f'{self.folder}/all.model'
        self.teach(d, 'spam', range(20))
        self.teach(d, 'ham', range(20))
        with open(path, 'r+b') as f:
            f.seek(8)
            f.write((1).to_bytes(4, sys.byteorder))
        self.assertIn('another version', self.learn(
            d, '--spam', text=letter('spam', 50), status=75))
        wait_for(lambda: self.judge(d, letter('spam', 50)) is None and
                 'all.model: it is of another version' in d.log())
        # What was taught once can be taught to the new one.
        os.unlink(path)
        self.assertEqual(self.teach(d, 'spam', range(20))['learned'], 20)
        self.assertEqual(self.teach(d, 'ham', range(20))['learned'], 20)
        self.wait_points(d, letter('spam', 50), lambda s: s > 5)

    def test_beyond_doubt_there_is_an_order_still(self):
        d = self.learner()
        self.teach(d, 'spam', range(40))
        self.teach(d, 'ham', range(40))
        doubtful = letter('spam', 100)
        for word in SPAM[:2]:
            doubtful = doubtful.replace(word, 'weather')
        points = self.wait_points(d, letter('spam', 100), lambda s: s > 7)[1]
        self.assertTrue(6 < self.judge(d, doubtful)[1] < points < 8)

    def test_poison(self):
        """The same spam called ham a hundred times, and variants of it."""
        d = self.learner()
        self.teach(d, 'spam', range(40))
        self.teach(d, 'ham', range(40))
        fresh = letter('spam', 999)
        before = self.wait_points(d, fresh, lambda s: s > 5)[1]
        for n in range(100):
            self.learn(d, '--ham', text=letter('spam', 500))
        after = self.judge(d, fresh)[1]
        wait_for(lambda: json.loads(
            self.learn(d, 'stats', '--json'))['ham'] == 41)
        self.assertLessEqual(before - after, 8 + 4)
        for n in range(100):
            self.learn(d, '--ham', text=letter('spam', 500, f'variant {n}'))
        self.assertEqual(json.loads(
            self.learn(d, 'stats', '--json'))['ham'], 141)
        after = self.wait_points(d, fresh, lambda s: s >= -4)[1]
        self.assertLessEqual(before - after, 8 + 4)

    def test_a_later_instance_reads_the_probability(self):
        d = self.learner(actor('a', 'eom echo-note learn.probability'))
        self.teach(d, 'spam', range(20))
        self.teach(d, 'ham', range(20))
        text = letter('spam', 100)
        self.wait_points(d, text, lambda s: s > 5)
        with self.session(d) as m:
            edits, _ = self.message(m, headers=(('Subject', 'pills cheap'),),
                                    body=b'winner lottery casino\r\n')
        self.assertRegex(echo(edits, 'Note')[0],
                         r'^learn\.probability=0\.\d{4}$')


class OfTheMail(Learn):
    def test_strange_mail(self):
        """Whatever comes, there is an answer."""
        d = self.learner()
        self.teach(d, 'spam', range(20))
        self.teach(d, 'ham', range(20))
        for headers, body in (((), b''), ((('Subject', ''),), b'\0' * 5000),
                              ((('X', 'a' * 50000),), b'\xff' * 70000),
                              ([('A' + str(n), 'b') for n in range(500)],
                               b'x')):
            with self.session(d) as m:
                sent = self.send(m, sender=SENDER, headers=headers,
                                 body=body[:60000])
                self.assertEqual(sent.verdict, 'accept')


if __name__ == '__main__':
    unittest.main()
