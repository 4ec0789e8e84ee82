#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Authentication-Results: one field, ours, and none that claims to be."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.scene import Scene, actor, records     # noqa: E402

AR = 'Authentication-Results'
ID = 'mx.example.com'


class Results(Scene):
    def fields(self, *sections, headers=(), listen=None):
        """The edits, once unfolded."""
        d = self.daemon(*sections, listen=listen)
        with self.session(d) as m:
            edits, verdict = self.message(m, headers=headers)
        self.assertEqual(verdict, 'accept')
        self.record = records(d)[0]
        return [(*e[:-1], ' '.join(e[-1].split())) for e in edits]

    def test_one_field_at_the_top(self):
        edits = self.fields(
            actor('a', 'mail auth spf pass smtp.mailfrom=example.com'),
            actor('b', 'eom auth dkim fail reason=expired '
                       'header.d=example.org', 'eom insert X-Top: 1'))
        self.assertEqual([e[:3] for e in edits],
                         [('insheader', 0, 'X-Top'), ('insheader', 0, AR)])
        self.assertEqual(
            edits[1][3], f'{ID}; spf=pass smtp.mailfrom=example.com; '
            'dkim=fail reason="expired" header.d=example.org')
        self.assertEqual([(a['method'], a['result'], a['by'])
                          for a in self.record['auth']],
                         [('spf', 'pass', 'a'), ('dkim', 'fail', 'b')])

    def test_none(self):
        edits = self.fields(actor('a', 'eom continue', want=['auth']))
        self.assertEqual(edits, [('insheader', 0, AR, f'{ID}; none')])

    def test_what_an_observing_instance_finds_is_only_recorded(self):
        edits = self.fields(actor('a', 'eom auth spf fail', mode='observe'),
                            actor('b', 'eom auth dkim pass'))
        self.assertEqual(edits, [('insheader', 0, AR, f'{ID}; dkim=pass')])
        self.assertEqual(self.record['observed_edits'],
                         ['a: result spf=fail'])

    def test_not_unless_somebody_wants_it(self):
        self.assertEqual(self.fields(actor('a', 'eom continue')), [])

    def test_always_or_never_if_so_configured(self):
        self.assertEqual(
            self.fields(actor('a', 'eom continue'),
                        listen={'authentication_results': 'on'}),
            [('insheader', 0, AR, f'{ID}; none')])
        self.assertEqual(
            self.fields(actor('a', 'eom auth spf pass'),
                        listen={'authentication_results': 'off'}), [])

    def test_our_name_can_be_configured(self):
        self.assertEqual(
            self.fields(actor('a', 'eom auth spf none'),
                        listen={'authserv_id': 'auth.example.net'}),
            [('insheader', 0, AR, 'auth.example.net; spf=none')])

    def test_forged_ones_are_removed_from_the_highest_down(self):
        headers = [(AR, f'{ID}; spf=pass'), ('Subject', 'x'),
                   (AR, 'other.example.org; spf=pass'),
                   (AR, f'(comment) "{ID}" 1; dkim=pass'),
                   ('authentication-results', f'{ID.upper()}; none')]
        edits = self.fields(actor('a', 'eom auth spf fail'), headers=headers)
        self.assertEqual([e[:2] + e[3:] for e in edits],
                         [('chgheader', 4, ''), ('chgheader', 3, ''),
                          ('chgheader', 1, ''),
                          ('insheader', 0, f'{ID}; spf=fail')])

    def test_a_folded_forgery(self):
        edits = self.fields(
            actor('a', 'eom auth spf fail'),
            headers=[(AR, f'\n\t{ID}\n ;\n spf=pass')])
        self.assertEqual(edits[0][0:2], ('chgheader', 1))

    def test_values_are_quoted(self):
        edits = self.fields(
            actor('a', 'eom auth auth pass smtp.auth=a;b"c'))
        self.assertIn(r'smtp.auth="a;b\"c"', edits[0][3])

    def test_bad_words_are_refused(self):
        d = self.daemon(actor('a', 'eom auth s;pf pass', 'eom auth spf pa=ss',
                              'eom auth dkim pass'), trouble=True)
        with self.session(d) as m:
            edits, _ = self.message(m)
        self.assertEqual(' '.join(edits[-1][-1].split()), f'{ID}; dkim=pass')

    def test_a_refused_message_gets_none(self):
        d = self.daemon(actor('a', 'mail auth spf fail', 'eom reject'))
        with self.session(d) as m:
            self.assertEqual(self.message(m)[0], [])


if __name__ == '__main__':
    unittest.main()
