#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The command millrace: every sub-command, option and exit status."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.daemon import BUILD, Daemon                    # noqa: E402
from lib.scene import (Scene, actor, listener, mx,      # noqa: E402
                       section)

MESSAGE = '''\
Subject: hello
  again
From: Alice <alice@example.com>
X-Spam-Score: 3
Message-ID: <1@example.com>

It is a body.
'''
ENVELOPE = ('--ip', '192.0.2.7', '--rdns', 'client.example.com',
            '--from', 'alice@example.com', '--rcpt', 'bob@example.net')
ACCEPTED, REFUSED, USAGE, LATER = 0, 1, 2, 75


class Command(unittest.TestCase):
    """A configuration and plugins, but no daemon."""

    maxDiff = None

    def config(self, *sections, text=None):
        d = Daemon(text or mx(*sections))
        self.addCleanup(d.__exit__, None, None, None)
        d.prepare()
        return d

    def run_check(self, d, *words, message=MESSAGE, status=ACCEPTED):
        done = d.command('check', *words, '-', input=message)
        self.assertEqual((done.returncode, done.stderr), (status, ''),
                         done.stdout)
        return done.stdout

    def check(self, d, *words, **more):
        return json.loads(self.run_check(
            d, '--json', *(words or ENVELOPE), **more))

    def fails(self, done, pattern, status=USAGE):
        self.assertEqual((done.returncode, done.stdout), (status, ''),
                         done.stderr)
        self.assertRegex(done.stderr, pattern)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith('millrace: '), line)


class Outcomes(Command):
    """What is decided, where, and the exit status it gives."""

    ROWS = (
        # rule, outcome, exit status, stage, reply
        ('connect reject', 'reject', REFUSED, 'connect', 550),
        ('helo tempfail', 'tempfail', LATER, 'helo', 451),
        ('mail reject', 'reject', REFUSED, 'mail', 550),
        ('rcpt reject', 'reject', REFUSED, 'rcpt', 550),
        ('rcpt tempfail', 'tempfail', LATER, 'rcpt', 451),
        ('data reject', 'reject', REFUSED, 'data', 550),
        ('header tempfail', 'tempfail', LATER, 'header', 451),
        ('eoh reject', 'reject', REFUSED, 'eoh', 550),
        ('body reject', 'reject', REFUSED, 'body', 550),
        ('eom reject', 'reject', REFUSED, 'eom', 550),
        ('eom tempfail', 'tempfail', LATER, 'eom', 451),
        ('mail discard', 'discard', ACCEPTED, 'mail', None),
        ('rcpt discard', 'discard', ACCEPTED, 'rcpt', None),
        ('eom discard', 'discard', ACCEPTED, 'eom', None),
        ('eom quarantine', 'quarantine', ACCEPTED, 'eom', None),
        ('rcpt accept', 'accept', ACCEPTED, 'rcpt', None),
        ('eom continue', 'accept', ACCEPTED, 'eom', None),
    )

    def test_each(self):
        for rule, outcome, status, stage, code in self.ROWS:
            with self.subTest(rule):
                d = self.config(actor('a', rule))
                r = self.check(d, status=status)
                self.assertEqual((r['outcome'], r['stage']), (outcome, stage))
                self.assertEqual(
                    r['reply'] and r['reply']['code'], code)
                if code is not None:
                    self.assertEqual(r['by'], 'a')
                self.assertIn(f'{outcome} at {stage}',
                              self.run_check(d, *ENVELOPE, status=status))

    def test_it_goes_no_further_than_the_mta(self):
        rules = ['connect continue', 'helo continue', 'mail reject',
                 'rcpt continue', 'eom continue']
        d = self.config(section('actor', 'a', act=rules))
        r = self.check(d, status=REFUSED)
        self.assertEqual([s['stage'] for s in r['steps']],
                         ['connect', 'helo', 'mail'])
        self.assertEqual(r['recipients'], [])

    def test_a_refused_recipient_is_left_out(self):
        d = self.config(
            actor('a', 'rcpt reject', recipient='carol@example.net'),
            actor('b', 'eom continue'))
        r = self.check(d, *ENVELOPE, '--rcpt', 'carol@example.net')
        self.assertEqual(
            [(to['address'], to['verdict'], to['by'])
             for to in r['recipients']],
            [('bob@example.net', 'continue', None),
             ('carol@example.net', 'reject', 'a')])
        self.assertEqual(r['recipients'][1]['reply'],
                         {'code': 550, 'dsn': '5.7.1',
                          'text': 'Refused by policy'})
        self.assertEqual(r['outcome'], 'accept')

    def test_no_recipient_left_no_data(self):
        d = self.config(actor('a', 'rcpt reject', 'data continue'))
        r = self.check(d, status=REFUSED)
        self.assertEqual([s['stage'] for s in r['steps']], ['rcpt'])

    def test_observed(self):
        d = self.config(section('actor', 'a', act=['eom reject'],
                                mode='observe'))
        r = self.check(d)
        self.assertEqual(r['outcome'], 'accept')
        self.assertEqual(
            [(s['instance'], s['verdict'], s['observed'])
             for s in r['steps']], [('a', 'reject', True)])
        self.assertIn('would have: reject', self.run_check(d, *ENVELOPE))


class Result(Command):
    """What the JSON and the text hold."""

    def test_json(self):
        d = self.config(
            actor('a', 'eom symbol GOOD -1.5 it is fine',
                  'eom auth spf pass smtp.mailfrom=alice@example.com'),
            actor('b', 'mail reject'))
        r = self.check(d, status=REFUSED)
        d.write(mx(actor('a', 'eom symbol GOOD -1.5 it is fine',
                         'eom auth spf pass '
                         'smtp.mailfrom=alice@example.com')))
        r = self.check(d)
        self.assertEqual(r['reply'], None)
        self.assertEqual(r['score'], -1.5)
        self.assertEqual(
            [(s['name'], s['score'], s['detail'], s['by'])
             for s in r['symbols']], [('GOOD', -1.5, 'it is fine', 'a')])
        self.assertEqual(r['auth'][0]['method'], 'spf')
        self.assertEqual(r['auth'][0]['result'], 'pass')
        self.assertEqual(r['auth'][0]['properties'],
                         {'smtp.mailfrom': 'alice@example.com'})
        step = r['steps'][0]
        self.assertEqual((step['stage'], step['instance'], step['verdict']),
                         ('eom', 'a', 'continue'))
        self.assertGreaterEqual(step['us'], 0)

    def test_edits(self):
        d = self.config(section(
            'headers', 'mark', remove=['X-Spam-*'],
            replace=['Subject: new'], add=['X-A: b'], insert=['X-C: d']))
        edits = self.check(d)['edits']
        for edit in edits:
            self.assertEqual(edit.pop('by'), 'mark')
        self.assertIn({'action': 'change-header', 'name': 'Subject',
                       'index': 1, 'value': 'new',
                       'old': ' hello\n  again'}, edits)
        self.assertIn({'action': 'delete-header', 'name': 'X-Spam-Score',
                       'index': 1, 'value': None, 'old': ' 3'}, edits)
        self.assertIn({'action': 'add-header', 'name': 'X-A', 'index': 0,
                       'value': 'b'}, edits)
        self.assertIn({'action': 'insert-header', 'name': 'X-C', 'index': 0,
                       'value': 'd'}, edits)
        self.assertEqual(len(edits), 4)

    def test_edits_as_a_diff(self):
        d = self.config(
            section('headers', 'mark', remove=['X-Spam-*'],
                    replace=['Subject: new'], add=['X-A: b']),
            actor('a', 'eom sender other@example.com',
                  'eom add-rcpt carol@example.net',
                  'eom del-rcpt bob@example.net', 'eom body new',
                  'eom hold because'))
        text = self.run_check(d, *ENVELOPE)
        for line in ('- Subject: hello', '-     again', '+ Subject: new',
                     '- X-Spam-Score: 3', '+ X-A: b',
                     '- MAIL FROM:<alice@example.com>',
                     '+ MAIL FROM:<other@example.com>',
                     '+ RCPT TO:<carol@example.net>',
                     '- RCPT TO:<bob@example.net>',
                     '~ the body is replaced: 3 bytes',
                     '~ held in quarantine: because'):
            self.assertRegex(text, r'(?m)^  ' + re.escape(line) + '( |$)')

    def test_text_is_one_line_a_stage_and_instance(self):
        d = self.config(actor('a', 'header continue', 'eom symbol S 2 why'))
        lines = [line.split() for line in
                 self.run_check(d, *ENVELOPE).splitlines()]
        self.assertEqual(
            [line[:3] for line in lines if line[0] in ('header', 'eom')],
            [['header', 'a', 'continue'], ['eom', 'a', 'continue']])
        header = [line for line in lines if line[0] == 'header'][0]
        self.assertEqual(header[4:], ['us', 'in', '4'])
        eom = [line for line in lines if line[0] == 'eom'][0]
        self.assertEqual(eom[5:], ['S', '2', '(why)'])

    def test_a_terminal_is_safe(self):
        d = self.config(actor('a', 'eom continue', want=['headers']))
        bad = 'From: \x1b]0;x\x07 \u009b2J \u202e\n\n'
        for words in ((), ('--json',)):
            text = self.run_check(
                d, *words, '--ip', '192.0.2.7', '--helo', '\x1b[2J',
                '--from', 'a\x1b@example.com', '--rcpt', 'b@example.net',
                message=bad)
            self.assertNotRegex(text, '[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]')
            self.assertIn('2J', text)


class Options(Command):
    """Each option does what it says."""

    def echo(self, *words, macro, stage='eom'):
        """What a plugin sees as this macro."""
        d = self.config(actor('a', f'{stage} echo-macro {macro}',
                              macros=[f'connect {macro}', f'mail {macro}']))
        r = self.check(d, *ENVELOPE, *words)
        return [e['value'] for e in r['edits']
                if e['name'].startswith('X-Echo')]

    def test_client(self):
        d = self.config(section('headers', 'h', add=[
            'X-Is: {client_addr} {client_name} {helo} {login|nobody}']))

        def seen(*words):
            return self.check(d, '--from', '', '--rcpt', 'b@example.net',
                              *words)['edits'][0]['value']
        self.assertEqual(seen('--ip', '192.0.2.7'),
                         '192.0.2.7 [192.0.2.7] [192.0.2.7] nobody')
        self.assertEqual(
            seen('--ip', '2001:db8::1', '--rdns', 'c.example.com', '--helo',
                 'h.example.com', '--auth', 'bob'),
            '2001:db8::1 c.example.com h.example.com bob')
        self.assertEqual(seen('--ip', 'local'),
                         'local localhost localhost nobody')

    def test_envelope(self):
        d = self.config(section('headers', 'h', add=[
            'X-Is: {sender|none} {recipients}']))
        r = self.check(d, '--ip', '192.0.2.7', '--from', '<>', '--rcpt',
                       '<b@example.net> NOTIFY=NEVER', '--rcpt',
                       'c@example.net')
        self.assertEqual(r['edits'][0]['value'],
                         'none b@example.net, c@example.net')
        self.assertEqual(r['sender'], '')

    def test_macro(self):
        self.assertEqual(
            self.echo('--macro', '{x_y}=a=b', macro='{x_y}'), ['{x_y}=a=b'])
        self.assertEqual(
            self.echo('--macro', 'j=mail.example.com', macro='j'),
            ['j=mail.example.com'])
        self.assertEqual(self.echo('--auth', 'bob', macro='{auth_authen}'),
                         ['{auth_authen}=bob'])
        d = self.config(actor('a', 'eom continue'))
        r = self.check(d, *ENVELOPE, '--macro', 'i=4Xk2')
        self.assertEqual(r['queue_id'], '4Xk2')

    def test_listener(self):
        d = self.config(text=listener('one', ['a']) +
                        listener('two', ['b'], 'unix:@/two.sock') +
                        actor('a', 'eom continue') + actor('b', 'eom reject'))
        self.assertEqual(self.check(d)['listener'], 'one')
        self.assertEqual(
            self.check(d, *ENVELOPE, '--listener', 'two',
                       status=REFUSED)['listener'], 'two')
        self.fails(d.command('check', *ENVELOPE, '--listener', 'tow', '-'),
                   'no listener "tow": did you mean "two"')

    def test_verbose(self):
        d = self.config(actor('a', 'eom log it is said'))
        done = d.command('check', *ENVELOPE, '--verbose', '-', input=MESSAGE)
        self.assertIn('it is said', done.stderr)
        self.assertNotIn('it is said', self.run_check(d, *ENVELOPE))

    def test_commit(self):
        d = self.config(actor('a', 'eom continue'))
        self.check(d, *ENVELOPE, '--commit')
        self.assertFalse(os.path.exists(d.path('journal')))

    def test_a_file(self):
        d = self.config(actor('a', 'body continue'))
        for name, text in (('lf', MESSAGE),
                           ('crlf', MESSAGE.replace('\n', '\r\n')),
                           ('mbox', 'From a Thu Jan  1\n' + MESSAGE)):
            with open(d.path(name), 'w', newline='') as f:
                f.write(text)
            done = d.command('check', '--json', *ENVELOPE, d.path(name))
            self.assertEqual(done.returncode, ACCEPTED, done.stderr)
            self.assertEqual(json.loads(done.stdout)['size'], 15)

    def test_a_large_body(self):
        d = self.config(actor('a', 'eom echo-body x'))
        r = self.check(d, message='A: b\n\n' + 'x' * 78 + '\n' * 1 +
                       ('y' * 98 + '\n') * 5000)
        self.assertEqual(r['size'], 80 + 100 * 5000)


class Usage(Command):
    """What is wrong is said with its cure, and the status is 2."""

    def setUp(self):
        self.d = self.config(actor('a', 'eom continue'))

    def test_names(self):
        self.fails(self.d.command('chek'), 'did you mean "check"')
        self.fails(self.d.command('nonsense'), 'millrace --help')
        self.fails(self.d.command(), 'no command')
        self.fails(self.d.command('check', '--rctp', 'x'),
                   'did you mean --rcpt')
        self.fails(self.d.command('status', '--rcpt', 'x'),
                   'no option --rcpt')
        self.fails(self.d.command('check', '-x'), 'options are words')

    def test_values(self):
        for words, pattern in (
                (('check', '--ip'), '--ip needs a value'),
                (('check', '--json=1', '-'), '--json takes no value'),
                (('check', *ENVELOPE), 'usage: millrace check'),
                (('check', *ENVELOPE, 'a', 'b'), 'usage: millrace check'),
                (('check', '--ip', '192.0.2.7', '-'), '--from and --rcpt'),
                (('check', *ENVELOPE, '--ip', '192.0.2', '-'),
                 'not an IP address'),
                (('check', *ENVELOPE, '--macro', 'x', '-'), 'NAME=VALUE'),
                (('check', *ENVELOPE, '/nonexistent'), 'No such file'),
                (('history', '--since', 'yesterday'), 'is no time'),
                (('history', '--verdict', 'rejct'), 'did you mean "reject"'),
                (('history', '--client', 'example.com'), 'network'),
                (('history', '--limit', '0'), '1 or more'),
                (('explain',), 'usage: millrace explain ')):
            with self.subTest(words):
                self.fails(self.d.command(*words), pattern)

    def test_config(self):
        self.d.write('listener "mx" {\n  sokcet = "unix:@/mx.sock"\n}\n')
        for words in (('check', *ENVELOPE, '-'), ('config',), ('chain',),
                      ('history',)):
            with self.subTest(words):
                self.fails(self.d.command(*words),
                           r'millrace.conf:\d+: .*did you mean "socket"')

    def test_help(self):
        done = self.d.command('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        names = re.findall(r'(?m)^  ([a-z]+) (?! *of plugin)', done.stdout)
        self.assertEqual(names, ['check', 'explain', 'history', 'status',
                                 'reload', 'chain', 'plugins', 'config'])
        for name in names:
            done = self.d.command(name, '--help')
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertIn('usage: millrace ' + name, done.stdout)
            self.assertIn('--json', done.stdout)

    def test_version(self):
        done = subprocess.run([os.path.join(BUILD, 'millrace'), '--version'],
                              capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r'^millrace \d+\.\d+\.\d+\n$')

    def test_output_that_cannot_be_written(self):
        with open('/dev/full', 'w') as full:
            done = subprocess.run(
                [os.path.join(BUILD, 'millrace'), '--help'], stdout=full,
                stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, LATER)
        self.assertIn('cannot be written', done.stderr)


class Installed(Command):
    def test_plugins(self):
        d = self.config(actor('a', 'eom continue'))
        rows = {p['name']: p for p in d.json('plugins')}
        self.assertLessEqual({'access', 'headers', 'null'}, set(rows))
        access = rows['access']
        self.assertRegex(access['abi'], r'^\d+\.\d+$')
        self.assertEqual(access['path'], d.path('plugins/access.so'))
        options = {o['name']: o for o in access['options']}
        self.assertEqual(options['deny-with']['type'], 'choice')
        self.assertEqual(options['deny-with']['default'], 'reject')
        self.assertIn('tempfail', options['deny-with']['choices'].split('|'))
        self.assertEqual(set(options['deny-with']),
                         {'name', 'type', 'default', 'min', 'max', 'choices',
                          'text'})
        text = d.command('plugins').stdout
        self.assertIn('deny-with', text)

    def test_a_refused_plugin(self):
        d = self.config(actor('a', 'eom continue'))
        os.chmod(d.path('plugins/null.so'), 0o777)
        done = d.command('plugins', '--json')
        self.assertEqual(done.returncode, 0)
        self.assertNotIn('null', [p['name'] for p in
                                  json.loads(done.stdout)])
        self.assertIn('not used: ' + d.path('plugins/null.so'), done.stderr)

    def test_chain(self):
        d = self.config(
            actor('a', 'mail continue', 'eom add X: y'),
            section('actor', 'b', act=['eom reject'], mode='observe'),
            actor('c', 'body continue'))
        chain = d.json('chain', 'mx')
        self.assertEqual(
            [(i['name'], i['plugin'], i['mode']) for i in chain['chain']],
            [('a', 'actor', 'enforce'), ('b', 'actor', 'observe'),
             ('c', 'actor', 'enforce')])
        stages = {s['stage']: s['instances'] for s in chain['stages']}
        self.assertEqual(stages['mail'], ['a'])
        self.assertEqual(stages['eom'], ['a', 'b'])
        self.assertEqual(stages['body'], ['c'])
        self.assertEqual(stages['helo'], [])
        self.assertEqual(chain['actions'], ['add-header'])
        self.assertEqual(chain['wants'], ['body'])
        text = d.command('chain').stdout
        self.assertRegex(text, r'(?m)^  eom +a, b ')
        self.assertIn('b (observe)', text)
        self.fails(d.command('chain', 'my'), 'did you mean "mx"')

    def test_config(self):
        d = self.config(actor('a', 'eom continue'))
        plain = d.command('config').stdout
        self.assertIn('stop-limit', plain)
        helped = d.command('config', '--help-texts').stdout
        self.assertGreater(len(helped), len(plain))
        self.assertIsInstance(d.json('config'), (dict, list))


class OfPlugins(Command):
    """Commands that a plugin brings: "millrace act ..."."""

    def act(self, *words, status=ACCEPTED):
        d = self.config(actor('one', 'eom continue'),
                        actor('two', 'eom continue'))
        done = d.command(*words)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == ACCEPTED else done.stderr

    def test_what_it_is_handed(self):
        given = ('instance one\ninstance two\njson %d\nmap 1\nmemory 0\n'
                 'time 1\nword hello\nword --own\n')
        self.assertEqual(self.act('act', 'say', 'hello', '--own'), given % 0)
        for words in (('--json', 'act', 'say', 'hello', '--own'),
                      ('act', '--json', 'say', 'hello', '--own'),
                      ('act', 'say', 'hello', '--own', '--json')):
            with self.subTest(words):
                self.assertEqual(self.act(*words), given % 1)
        self.assertIn('word --json\n',
                      self.act('act', 'say', '--', '--json'))

    def test_it_reads_a_message(self):
        text = 'From a@example.com\nA: 1\nB:2\n\t3\n\nbody\n'
        seen = ('field A: 1\nfield B:2\n\t3\nbody body\r\n\n'
                'sender  memory 0\n')
        self.assertEqual(self.act('act', 'read', text).replace('\r', ''),
                         (2 * seen + 'open 0\n').replace('\r', ''))

    def test_exit_status(self):
        for status in (1, 2, 75):
            self.act('act', 'say', 'exit', str(status), status=status)

    def test_help(self):
        self.assertRegex(self.act('--help'), r'(?m)^  act +of plugin actor')
        for words in (('act', '--help'), ('act', 'say', '--help')):
            self.assertIn('millrace act say [WORD ...]\n', self.act(*words))
        self.assertNotIn('past', self.act('act', 'say', '--help'))

    def test_wrong_names(self):
        for words, said in ((('act', 'sya'), 'did you mean "say"'),
                            (('act',), 'say what to do'),
                            (('actt', 'say'), 'did you mean "act"'),
                            (('chek',), 'did you mean "check"')):
            with self.subTest(words):
                self.assertIn(said, self.act(*words, status=USAGE))

    def test_a_journal_that_is_not_there(self):
        self.assertIn('journal', self.act('act', 'past', status=USAGE))


class NoDaemon(Command):
    def test_what_to_do(self):
        d = self.config(actor('a', 'eom continue'))
        for name in ('status', 'reload'):
            self.fails(d.command(name), 'millraced is not running', LATER)
        self.fails(d.command('status', '--socket', '/nonexistent/sock'),
                   '/nonexistent/sock', LATER)
        self.fails(d.command('explain', 'X'), 'there is none yet')
        self.fails(d.command('history', '--journal', '/nonexistent'),
                   'there is none yet')


class Running(Scene):
    """Against a daemon with a chain that refuses one sender."""

    def setUp(self):
        self.d = self.daemon(
            section('actor', 'a', act=['eom reject'],
                    sender='mallory@example.com'),
            section('actor', 'watch', act=['eom tempfail'], mode='observe',
                    sender='alice@example.com'))

    def deliver(self, sender, queue_id):
        with self.session(self.d) as m:
            self.send(m, sender=f'<{sender}>', queue_id=queue_id)

    def history(self, *words):
        done = self.d.command('history', '--json', *words)
        return [r['queue_id'] for r in json.loads(done.stdout)]

    def test_explain(self):
        self.deliver('mallory@example.com', '4AAA')
        done = self.d.command('explain', '4AAA')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('4AAA: reject at eom by a', done.stdout)
        self.assertIn('550 5.7.1 Refused by policy', done.stdout)
        record = self.d.json('explain', '4AAA')
        self.assertEqual(record['outcome'], 'reject')
        again = self.d.json('explain', record['id'])
        self.assertEqual(again, record)
        done = self.d.command('explain', 'NONE')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('no message "NONE"', done.stderr)

    def test_explain_what_was_observed(self):
        self.deliver('alice@example.com', '4BBB')
        text = self.d.command('explain', '4BBB').stdout
        self.assertIn('4BBB: accept', text)
        self.assertRegex(text, r'eom +watch +would have: tempfail')

    def test_explain_all(self):
        self.deliver('alice@example.com', '4CCC')
        self.deliver('mallory@example.com', '4CCC')
        self.d.command('flush', check=True)
        self.assertEqual(self.d.json('explain', '4CCC')['outcome'], 'reject')
        self.assertEqual([r['outcome'] for r in
                          self.d.json('explain', '4CCC', '--all')],
                         ['reject', 'accept'])

    def test_history(self):
        self.deliver('alice@example.com', '4DD1')
        self.deliver('mallory@example.com', '4DD2')
        self.d.json('explain', '4DD2')
        for words, found in (
                ((), ['4DD2', '4DD1']),
                (('--limit', '1'), ['4DD2']),
                (('--since', '1h'), ['4DD2', '4DD1']),
                (('--until', '1h'), []),
                (('--sender', 'alice@*'), ['4DD1']),
                (('--recipient', 'bob@example.net'), ['4DD2', '4DD1']),
                (('--recipient', 'carol@example.net'), []),
                (('--verdict', 'reject'), ['4DD2']),
                (('--by', 'a'), ['4DD2']),
                (('--by', 'watch'), []),
                (('--observed', '--by', 'watch'), ['4DD1']),
                (('--observed', '--verdict', 'tempfail'), ['4DD1']),
                (('--listener', 'mx'), ['4DD2', '4DD1']),
                (('--listener', 'other'), []),
                (('--login', 'bob'), [])):
            with self.subTest(words):
                self.assertEqual(self.history(*words), found)
        lines = self.d.command('history').stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r'4DD2 +reject .*from=<mallory@example.com>'
                                   r' to=<bob@example.net> by=a reply=550$')
        self.assertRegex(lines[1], r'4DD1 +accept .*would=watch:tempfail$')
        self.assertEqual(self.d.command('history', '--by', 'x').returncode, 1)

    def test_journal_option(self):
        self.deliver('alice@example.com', '4EEE')
        self.d.json('explain', '4EEE')
        done = subprocess.run(
            [os.path.join(BUILD, 'millrace'), 'explain', '4EEE', '--journal',
             self.d.path('journal/journal.db')], capture_output=True,
            text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_status(self):
        self.deliver('mallory@example.com', '4FFF')
        status = self.d.json('status')
        self.assertEqual(status['fronts'][0]['listener'], 'mx')
        self.assertEqual([i['name'] for i in status['instances']],
                         ['a', 'watch'])
        text = self.d.command('status').stdout
        self.assertIn('generation 1', text)
        self.assertRegex(text, r'(?m)^mx +\d')
        self.assertRegex(text, r'(?m)^a +actor +enforce +\d+ ')
        self.assertRegex(text, r'(?m)^watch +actor +observe ')
        self.assertIn('journal: ' + self.d.path('journal/journal.db'), text)

    def test_a_plugin_reads_the_journal(self):
        for n in range(3):
            self.deliver('alice@example.com', f'4AB{n}')
        self.d.json('explain', '4AB2')
        done = self.d.command('act', 'past', '2')
        self.assertEqual((done.returncode, done.stdout),
                         (0, 'record 1\n' * 2), done.stderr)
        self.assertEqual(self.d.command('act', 'past', '9').stdout,
                         'record 1\n' * 3)

    def test_reload(self):
        done = self.d.command('reload')
        self.assertEqual((done.returncode, done.stdout),
                         (0, 'generation 2 is in force\n'), done.stderr)
        self.assertEqual(self.d.json('reload')['generation'], 3)

    def test_reload_of_what_is_wrong(self):
        self.d.write('listener "mx" {\n  sokcet = "unix:@/mx.sock"\n}\n')
        done = self.d.command('reload')
        self.assertEqual((done.returncode, done.stdout), (USAGE, ''))
        self.assertRegex(done.stderr, r'millrace.conf:\d+: .*"socket"')
        self.assertEqual(self.d.json('status')['generation'], 1)


if __name__ == '__main__':
    unittest.main()
