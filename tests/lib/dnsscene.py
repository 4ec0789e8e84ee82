# SPDX-License-Identifier: Apache-2.0
"""Scripted sessions of a daemon that asks a name server of the test's own.

    class Spf(DnsScene):
        zones = {'example.com': [('TXT', 'v=spf1 -all')]}

        def test_fail(self):
            d = self.daemon(section('spf', 'a'))    # asks self.dns
"""

from .dnsserver import DnsServer
from .scene import Scene, actor, control, echo

def answers(edits):
    """What each X-Echo-Dns says, without name and type."""
    return [value.split(' ', 2)[2] for value in echo(edits, 'Dns')]


class DnsScene(Scene):
    zones = {}

    def setUp(self):
        self.dns = DnsServer(self.zones)
        self.dns.start()
        self.addCleanup(self.dns.__exit__)

    def daemon(self, *sections, **settings):
        settings = {'dns_servers': [self.dns.address],
                    'dns_timeout': '400ms', **settings}
        return super().daemon(*sections, **settings)

    def asks(self, *questions, stage='eom', sender='<a@example.com>', **more):
        """The answers to 'NAME TYPE' questions in a message of its own."""
        d = self.daemon(actor('a', *(f'{stage} dns {q}' for q in questions)),
                        **more)
        with self.session(d) as m:
            edits, verdict = self.message(m, sender=sender)
        self.assertEqual(verdict, 'accept')
        return answers(edits)

    def figures(self, d):
        return control(d, 'status')['services']['dns']
