#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The plugin dkim in a running daemon, against a name server, and against
two others who sign and verify: dkimpy and Debian's opendkim."""

import json
import os
import pwd
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import authres                                          # noqa: E402

from lib.dkimkeys import (BODY, HEADERS, Key, OpenDkim,     # noqa: E402
                          RFC_BODY, RFC_HEADERS, RFC_ZONE, dkimpy_sign,
                          dkimpy_verify, raw, zone)
from lib.dnsserver import DnsServer                     # noqa: E402
from lib.scene import (RECIPIENT, SENDER, Scene, actor, echo,   # noqa: E402
                       records, section, wait_for, without_blanks)

RSA, ED = Key('rsa'), Key('ed25519')
NAME = '{}._domainkey.example.com'
ZONE = {NAME.format('rsa'): RSA.record, NAME.format('ed'): ED.record}


def changed(headers, name, value):
    return [(n, value if n == name else v) for n, v in headers]


class Dkim(Scene):
    def verifier(self, zones=None, *others, **values):
        """A name server, and a daemon that verifies."""
        dns = DnsServer(zones if zones is not None else zone(ZONE))
        self.addCleanup(dns.__exit__)
        dns.__enter__()
        d = self.daemon(section('dkim', 'dkim', **values), *others,
                        dns_servers=[dns.address], dns_timeout='500ms')
        return dns, d

    def verify(self, d, headers, body=BODY):
        """(results, verdict): [(result, selector, reason), ...]"""
        with self.session(d) as m:
            edits, verdict = self.message(m, headers=headers, body=body)
        verdict = ' '.join(verdict) if isinstance(verdict, tuple) else verdict
        fields = [e[-1] for e in edits if e[0] == 'insheader' and
                  e[2] == 'Authentication-Results']
        found = []
        for field in fields:
            parsed = authres.AuthenticationResultsHeader.parse(
                'Authentication-Results: ' + field.replace('\n', '\r\n'))
            found += [(r.result, selector(r), r.reason)
                      for r in parsed.results if r.method == 'dkim']
        return found, verdict


def selector(result):
    return next((p.value for p in result.properties if p.name == 's'), None)


class Verify(Dkim):
    def test_the_example_of_rfc_8463(self):
        dns, d = self.verifier(RFC_ZONE)
        self.assertEqual(self.verify(d, RFC_HEADERS, RFC_BODY), (
            [('pass', 'brisbane', None), ('pass', 'test', None)], 'accept'))
        record = records(d)[0]
        self.assertEqual(
            [s['detail'] for s in record['symbols']],
            ['d=football.example.com s=brisbane a=ed25519-sha256 256 bits '
             'i=@football.example.com',
             'd=football.example.com s=test a=rsa-sha256 1024 bits '
             'i=@football.example.com'])
        self.assertEqual(dns.count(), 2)
        # One byte, here and there.
        self.assertEqual(
            self.verify(d, RFC_HEADERS, RFC_BODY.replace(b'Joe', b'Jim')), (
                [('fail', 'brisbane', 'the body was changed'),
                 ('fail', 'test', 'the body was changed')], 'accept'))
        why = 'the signed header was changed, or the key is another'
        self.assertEqual(
            self.verify(d, changed(RFC_HEADERS, 'Subject',
                                   'Is dinner Ready?'), RFC_BODY)[0],
            [('fail', 'brisbane', why), ('fail', 'test', why)])

    def test_signed_by_dkimpy(self):
        _, d = self.verifier()
        for header in (b'relaxed', b'simple'):
            for body in (b'relaxed', b'simple'):
                for key, name in ((RSA, 'rsa'), (ED, 'ed')):
                    signed = dkimpy_sign(key, name, canon=(header, body))
                    self.assertEqual(self.verify(d, signed)[0],
                                     [('pass', name, None)], (header, body))
                    text = BODY.replace(b'hungry', b'Hungry')
                    self.assertEqual(self.verify(d, signed, text)[0],
                                     [('fail', name, 'the body was changed')])

    def test_signed_by_opendkim(self):
        _, d = self.verifier()
        other = OpenDkim()
        for canon, key, name in (('relaxed/relaxed', RSA, 'rsa'),
                                 ('relaxed/simple', RSA, 'rsa'),
                                 ('simple/relaxed', RSA, 'rsa'),
                                 ('simple/simple', RSA, 'rsa'),
                                 # With a simple header its own Ed25519
                                 # signatures are wrong, to itself too.
                                 ('relaxed/relaxed', ED, 'ed'),
                                 ('relaxed/simple', ED, 'ed')):
            signed = other.sign(key, name, canon=canon)
            self.assertEqual(self.verify(d, signed)[0],
                             [('pass', name, None)], (canon, name))

    def test_appended_text(self):
        _, d = self.verifier()
        signed = dkimpy_sign(ED, 'ed', length=True)
        self.assertEqual(self.verify(d, signed)[0], [('pass', 'ed', None)])
        self.assertEqual(
            self.verify(d, signed, BODY + b'Buy this\r\n')[0],
            [('policy', 'ed', 'text was added below what it signs (l=)')])

    def test_sha1_and_short_keys(self):
        short = Key('rsa', 1024)
        names = dict(ZONE, **{NAME.format('short'): short.record})
        _, d = self.verifier(zone(names), min_key_bits='2048',
                             policy='reject')
        signed = dkimpy_sign(short, 'short')
        self.assertEqual(self.verify(d, signed)[1], 'replycode 550 5.7.21 The '
                         'DKIM signature is not acceptable here')
        field = signed[0][1].replace('rsa-sha256', 'rsa-sha1')
        self.verify(d, [('DKIM-Signature', field), *HEADERS])
        details = sorted(r['symbols'][0]['detail'] for r in records(d, 2))
        self.assertIn('the key is too short to be safe', details[1])
        self.assertIn('SHA-1 is not safe', details[0])

    def test_bare_line_ends(self):
        _, d = self.verifier()
        signed = dkimpy_sign(ED, 'ed')
        self.assertEqual(self.verify(d, signed, BODY.replace(b'\r\n', b'\n'))
                         [0][0][:2], ('policy', 'ed'))

    def test_one_broken_signature_takes_no_other_along(self):
        _, d = self.verifier(max_signatures='4')
        good = dkimpy_sign(ED, 'ed')
        junk = [('DKIM-Signature', 'x' * 60000), ('DKIM-Signature', 'junk'),
                ('DKIM-Signature', 'v=1; a=rsa-sha256; d=a"b.example')]
        found, _ = self.verify(d, [*junk, *good])
        self.assertEqual([f[0] for f in found],
                         ['permerror', 'permerror', 'pass'])
        self.verify(d, junk[1:] * 3 + list(good))
        names = sorted([s['name'] for s in r['symbols']]
                       for r in records(d, 2))
        self.assertEqual(names, [
            ['DKIM_PERMERROR', 'DKIM_PERMERROR', 'DKIM_PASS',
             'DKIM_PASSED_OVER'],
            ['DKIM_PERMERROR'] * 4 + ['DKIM_PASSED_OVER']])

    def test_a_hundred_signatures(self):
        """As many as are allowed are checked; one key is asked for once."""
        dns, d = self.verifier(max_signatures='100')
        signed = dkimpy_sign(ED, 'ed')
        found, _ = self.verify(d, [signed[0]] * 120 + list(HEADERS))
        self.assertEqual(found, [('pass', 'ed', None)] * 100)
        self.assertEqual(dns.count(), 1)

    def test_notes_for_later_instances(self):
        names = ['count', 'result', '1.result', '1.domain', '2.result',
                 '2.domain', '2.selector']
        _, d = self.verifier(None, actor(
            'look', *[f'eom echo-note dkim.{name}' for name in names]))
        headers = [('DKIM-Signature', 'junk'), *dkimpy_sign(ED, 'ed')]
        with self.session(d) as m:
            edits, _ = self.message(m, headers=headers, body=BODY)
        self.assertEqual(echo(edits, 'Note'), [
            'dkim.count=2', 'dkim.result=pass', 'dkim.1.result=permerror',
            'dkim.1.domain=-', 'dkim.2.result=pass',
            'dkim.2.domain=example.com', 'dkim.2.selector=ed'])

    def test_required(self):
        _, d = self.verifier(required=['example.com', '.bank.example'],
                             none='accept')
        self.assertEqual(
            self.verify(d, HEADERS)[1], 'replycode 550 5.7.22 Mail of this '
            "author's domain must be signed by it")
        self.assertEqual(self.verify(d, dkimpy_sign(ED, 'ed'))[1], 'accept')
        other = changed(HEADERS, 'From', 'info@www.bank.example')
        self.assertTrue(self.verify(d, other)[1].startswith('replycode 550'))
        self.assertTrue(self.verify(d, dkimpy_sign(
            ED, 'ed', headers=other))[1].startswith('replycode 550'))
        other = changed(HEADERS, 'From', 'info@example.org')
        self.assertEqual(self.verify(d, other)[1], 'accept')

    def test_faults_of_the_dns(self):
        """Each has a verdict in time, and another message is not held up."""
        dns, d = self.verifier(temperror='tempfail')
        signed = dkimpy_sign(ED, 'ed')
        name = NAME.format('ed')
        for fault in ('drop', 'servfail', 'refused', 'garbage', 'mute-tcp'):
            dns.fault(name, fault)
            # A name of its own each time, for what a cache remembers.
            own = [(n, v.replace('s=ed;', f's={fault[:4]}.ed;'))
                   for n, v in signed]
            dns.fault(NAME.format(f'{fault[:4]}.ed'), fault)
            found, verdict = self.verify(d, own)
            self.assertEqual(found, [], fault)
            self.assertEqual(verdict, 'replycode 451 4.7.20 The key of the '
                             'DKIM signature cannot be found now', fault)
        self.assertEqual(self.verify(d, dkimpy_sign(RSA, 'rsa'))[0],
                         [('pass', 'rsa', None)])

    def test_answers_that_are_no_keys(self):
        dns, d = self.verifier({
            NAME.format('none'): [('A', '192.0.2.1')],
            NAME.format('spf'): [('TXT', 'v=spf1 -all')],
            NAME.format('two'): [('TXT', ED.record), ('TXT', ED.record)],
            NAME.format('beside'): [('TXT', 'v=spf1'), ('TXT', ED.record)],
            NAME.format('gone'): [('TXT', 'v=DKIM1; k=ed25519; p=')],
            NAME.format('nul'): [('TXT', 'v=DKIM1; p=\0' + ED.record)],
            NAME.format('rsa'): [('TXT', RSA.record)],
            NAME.format('test'): [('TXT', ED.record + '; t=y')],
            NAME.format('strict'): [('TXT', ED.record + '; t=s')],
        })
        dns.fault(NAME.format('huge'), 'huge')
        for name, result, reason in (
                ('missing', 'permerror', 'its key is not in the DNS'),
                ('none', 'permerror', 'its key is not in the DNS'),
                ('spf', 'permerror',
                 'there is text at its name, but no key'),
                ('two', 'permerror', 'there are several keys at its name'),
                ('beside', 'pass', None),
                ('gone', 'permerror', 'the key has been revoked'),
                ('rsa', 'permerror',
                 'the key is of another kind than the signature (k=)'),
                ('test', 'pass', None),
                ('strict', 'pass', None)):
            signed = dkimpy_sign(ED, name)
            self.assertEqual(self.verify(d, signed)[0],
                             [(result, name, reason)], name)
        for name in ('nul', 'huge'):
            found = self.verify(d, dkimpy_sign(ED, name))[0]
            self.assertIn(found[0][0], ('permerror', 'temperror'), name)
        signed = dkimpy_sign(ED, 'strict', identity=b'@sub.example.com')
        self.assertEqual(self.verify(d, signed)[0], [
            ('permerror', 'strict', 'the key is not for sub-domains (t=s)')])


class Signer(Dkim):
    TABLE = 'example.com rsa rsa.key\nexample.com ed ed.key\n'

    def signer(self, table=TABLE, dns=None, keys=None, others=(), **values):
        folder = self.folder = tempfile.mkdtemp(prefix='millrace-keys-',
                                                dir='/run')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        for name, key in (keys or {'rsa.key': RSA, 'ed.key': ED}).items():
            self.save_key(name, key)
        self.write('table', table)
        settings = {}
        if dns is not None:
            settings = {'dns_servers': [dns.address]}
        return self.daemon(*others, section(
            'dkim', 'sign', sign='true', keys=f'{folder}/table', **values),
            # One worker: a second one may read the keys a moment later.
            dns_timeout='500ms', workers='1', **settings)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def save_key(self, name, key, owner='nobody', mode=0o600):
        path = self.write(name, key.pem.decode())
        os.chmod(path, mode)
        os.chown(path, pwd.getpwnam(owner).pw_uid, -1)

    def sign(self, d, headers=HEADERS, body=BODY, login='joe', **connect):
        """The message as it leaves us."""
        with self.session(d, **connect) as m:
            edits = self.edits(m, headers, body, login)
        new = [(e[2], e[3]) for e in edits if e[0] == 'insheader']
        for name, value in new:
            self.assertEqual(name, 'DKIM-Signature')
            self.assertNotIn('\r', value)
            self.assertNotRegex(value, r'\bl=')
        return raw([*reversed(new), *headers], body), new

    def edits(self, m, headers, body, login):
        """What becomes of a message of a client that has logged in."""
        macros = {'i': '4Xk2Qz'}
        if login:
            macros['{auth_authen}'] = login
        m.macros('M', macros)
        done = m.send_message((SENDER, (RECIPIENT,)), headers, body)
        self.assertEqual((done.ended_at, done.verdict), ('eom', 'accept'))
        return without_blanks(m, done.edits)


class Sign(Signer):
    def test_others_find_it_right(self):
        other = OpenDkim()
        for canon in ('relaxed/relaxed', 'relaxed/simple', 'simple/relaxed',
                      'simple/simple'):
            d = self.signer(canonicalization=canon)
            message, new = self.sign(d)
            self.assertEqual(len(new), 2)
            self.assertEqual(dkimpy_verify(message, ZONE), [True, True])
            self.assertEqual(sorted(other.verify(message, ZONE)),
                             [('pass', 'ed'), ('pass', 'rsa')])
            # One byte of the body, one of the header.
            for word in (b'hungry', b'dinner'):
                broken = message.replace(word, word.title())
                self.assertEqual(dkimpy_verify(broken, ZONE), [False, False])
                self.assertEqual({r for r, _ in other.verify(broken, ZONE)},
                                 {'fail'})
            # A field that is added.
            for field in (b'From: evil@example.org', b'Reply-To: x@y.example'):
                broken = field + b'\r\n' + message
                self.assertEqual(dkimpy_verify(broken, ZONE), [False] * 2)
                broken = message.replace(b'\r\n\r\n', b'\r\n' + field +
                                         b'\r\n\r\n', 1)
                self.assertEqual(dkimpy_verify(broken, ZONE), [False] * 2)

    def test_and_so_do_we(self):
        message, new = self.sign(self.signer())
        _, d = self.verifier()
        self.assertEqual(sorted(self.verify(d, [*new, *HEADERS])[0]),
                         [('pass', 'ed', None), ('pass', 'rsa', None)])

    def test_bodies(self):
        d = self.signer(table='example.com ed ed.key\n')
        for body in (b'', b'\r\n', b'a', b' \r\n', b'a\r\n\r\n\r\n',
                     b'caf\xc3\xa9 \t x\r\n', b'x' * 200000 + b'\r\n',
                     b'a\0b\r\n'):
            message, new = self.sign(d, body=body)
            self.assertEqual(len(new), 1, body[:20])
            self.assertEqual(dkimpy_verify(message, ZONE), [True], body[:20])

    def test_whom_it_signs_for(self):
        d = self.signer(sign_clients=['192.0.2.0/24', 'local'])
        self.assertEqual(self.sign(d, login=None, addr='198.51.100.1')[1], [])
        self.assertEqual(
            len(self.sign(d, login=None, addr='192.0.2.9')[1]), 2)
        self.assertEqual(len(self.sign(d, addr='198.51.100.1')[1]), 2)
        self.assertEqual(
            len(self.sign(d, login=None, family='L', addr='/x')[1]), 2)
        other = changed(HEADERS, 'From', 'joe@example.org')
        self.assertEqual(self.sign(d, headers=other)[1], [])
        two = [*HEADERS, ('From', 'eve@example.org')]
        self.assertEqual(self.sign(d, headers=two)[1], [])
        # A record is sent after the answer: another may overtake it.
        self.assertIn('there are several From fields',
                      [s['detail'] for r in records(d, 6)
                       for s in r['symbols']])

    def test_it_signs_what_others_have_left(self):
        d = self.signer(others=[actor('edit', 'eom change Subject 1: new')])
        _, new = self.sign(d)
        message = raw([*reversed(new), *changed(HEADERS, 'Subject', 'new')])
        self.assertEqual(dkimpy_verify(message, ZONE), [True, True])

    def test_keys_that_others_may_read(self):
        d = self.signer()
        self.save_key('ed.key', ED, mode=0o644)
        self.check_refused(d, r'ed\.key: others may read or write it '
                           r'\(mode 644\); chmod 600 it')
        self.save_key('ed.key', ED, owner='daemon')
        self.check_refused(d, r'ed\.key: it may not be read by the user that '
                           'millraced runs as')
        self.save_key('ed.key', Key('rsa', 1024))
        self.write('table', self.TABLE + 'example.com x ed.key '
                   'a=ed25519-sha256\n')
        self.check_refused(d, 'table:3: the key is of another kind')
        self.assertEqual(len(self.sign(d)[1]), 2)   # the old ones serve

    def check_refused(self, d, pattern):
        done = d.reload()
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, pattern)

    def test_a_reload_picks_up_new_keys(self):
        d = self.signer(table='example.com rsa rsa.key\n')
        self.assertEqual(len(self.sign(d)[1]), 1)
        self.write('table', self.TABLE)
        self.assertEqual(d.reload().returncode, 0)
        self.assertEqual(len(self.sign(d)[1]), 2)

    def test_rotation(self):
        new = Key('ed25519')
        with DnsServer(zone({NAME.format('ed'): ED.record}), ttl=1) as dns:
            dns.negative_ttl = 0
            d = self.signer('example.com ed ed.key\nexample.com new new.key\n',
                            dns, {'ed.key': ED, 'new.key': new},
                            publish_wait='0s')
            self.assertIn('s=ed;', self.sign(d)[1][0][1])
            status = d.json('dkim', 'status')
            self.assertEqual([(k['state'], k['record']) for k in status],
                             [('signs', 'published'), ('unseen', 'absent')])
            dns.set(NAME.format('new'), ('TXT', new.record))
            wait_for(lambda: 's=new;' in self.sign(d)[1][0][1])
            self.assertEqual(
                [(k['state'], k['record']) for k in d.json('dkim', 'status')],
                [('retiring', 'published'), ('signs', 'published')])
            # What was seen is still known after a restart.
            d.stop()
            seen = len(d.log())
            d.start(wait=False)
            d.wait_log(r'generation \d+ is in force', start=seen)
            self.assertIn('s=new;', self.sign(d)[1][0][1])

    def test_the_command_sees_for_the_workers(self):
        """Before any mail has made a worker look."""
        new = Key('ed25519')
        names = {NAME.format('ed'): ED.record, NAME.format('new'): new.record}
        with DnsServer(zone(names), ttl=1) as dns:
            d = self.signer('example.com ed ed.key\nexample.com new new.key\n',
                            dns, {'ed.key': ED, 'new.key': new},
                            publish_wait='0s')
            self.assertEqual([k['state'] for k in d.json('dkim', 'status')],
                             ['signs', 'waits'])
            wait_for(lambda: [k['state'] for k in d.json('dkim', 'status')] ==
                     ['retiring', 'signs'])
            self.assertIn('s=new;', self.sign(d)[1][0][1])


class Commands(Signer):
    def keygen(self, d, *words):
        done = d.command('dkim', 'keygen', '--json', '--out', self.folder,
                         '--owner', 'nobody', *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_from_a_new_key_to_a_signature(self):
        with DnsServer({}) as dns:
            dns.negative_ttl = 0
            d = self.signer(dns=dns)
            for kind, selector, bits in (('rsa', 'a', 2048),
                                         ('ed25519', 'b', 256)):
                made = self.keygen(d, '--domain', 'example.com', '--selector',
                                   selector, '--algorithm', kind)
                path = os.path.join(self.folder,
                                    f'example.com.{selector}.key')
                self.assertEqual(made['file'], path)
                self.assertEqual(made['bits'], bits)
                stat = os.stat(path)
                self.assertEqual(stat.st_mode & 0o777, 0o600)
                self.assertEqual(stat.st_uid, pwd.getpwnam('nobody').pw_uid)
                name = made['publish']['name'].rstrip('.')
                self.assertEqual(name, NAME.format(selector))
                self.publish(dns, name, made['publish'])
            self.write('table', 'example.com a example.com.a.key\n'
                       'example.com b example.com.b.key\n')
            self.assertEqual(d.reload().returncode, 0)
            done = d.command('dkim', 'check')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.count('published, it fits'), 2)
            records_ = {e['name'].rstrip('.'): e['record'] for e in
                        json.loads(d.command('dkim', 'record',
                                             '--json').stdout)}
            message, _ = self.sign(d)
            self.assertEqual(dkimpy_verify(message, records_), [True, True])

    def publish(self, dns, name, made):
        """As the zone file says: its strings, of at most 255 bytes."""
        strings = made['zone'].split('"')[1::2]
        self.assertEqual(''.join(strings), made['record'])
        self.assertTrue(all(len(s) <= 255 for s in strings))
        dns.set(name, ('TXT', *strings))

    def test_check_says_what_is_wrong(self):
        names = {NAME.format('rsa'): ED.record, NAME.format('ed'): ED.record}
        with DnsServer(zone(names)) as dns:
            d = self.signer(self.TABLE + 'example.org none ed.key\n', dns)
            done = d.command('dkim', 'check', '--json')
            found = {k['name']: (k['state'], k['why'])
                     for k in json.loads(done.stdout)}
            self.assertEqual(done.returncode, 1)
            self.assertEqual(found, {
                NAME.format('rsa'): (
                    'wrong',
                    'the key is of another kind than the signature (k=)'),
                NAME.format('ed'): ('published', None),
                'none._domainkey.example.org': (
                    'absent', 'there is no such record')})
            done = d.command('dkim', 'check', 'example.net')
            self.assertEqual(done.returncode, 1)
            self.assertIn('there is no key for that domain', done.stderr)
            dns.fault('none._domainkey.example.org', 'servfail')
            done = d.command('dkim', 'check', 'example.org')
            self.assertEqual(done.returncode, 75, done.stdout)

    def test_bad_words(self):
        d = self.signer()
        for words, why in (
                (('keygen',), '--domain must be'),
                (('keygen', '--domain', 'example.com'), '--selector must be'),
                (('keygen', '--domain', 'a_;.b', '--selector', 's'),
                 '--domain must be'),
                (('keygen', '--bits', '512'), '--bits must be'),
                (('keygen', '--algorithm', 'dsa'), '--algorithm must be'),
                (('keygen', 'x'), 'what is "x"'),
                (('record', '--key', '/nowhere', '--domain', 'example.com',
                  '--selector', 's'), 'No such file')):
            done = d.command('dkim', *words)
            self.assertIn(done.returncode, (1, 2), words)
            self.assertIn(why, done.stderr)
        first = self.keygen(d, '--domain', 'example.com', '--selector', 'x',
                            '--algorithm', 'ed25519')
        with open(first['file'], encoding='ascii') as f:
            content = f.read()
        done = d.command('dkim', 'keygen', '--domain', 'example.com',
                         '--selector', 'x', '--out', self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn('there is a file already', done.stderr)
        with open(first['file'], encoding='ascii') as f:
            self.assertEqual(f.read(), content)


if __name__ == '__main__':
    unittest.main()
