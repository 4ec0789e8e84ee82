# SPDX-License-Identifier: Apache-2.0
"""Mail that is signed and mail that is forged: SPF, DKIM, DMARC."""

import json
import os
import re

from lib.dnsserver import DnsServer
from scene import indent, letter, said

DOMAIN, SENDER = 'example.org', 'grace@example.org'
OUTSIDE = '198.51.100.7'        # an address that the domain does not name

# One listener for mail of users and for mail from outside.
CONFIG = '''
listener "mx" {
  socket = "inet:%PORT%@127.0.0.1"
  chain  = { "sign", "spf", "dkim", "dmarc" }
}
dkim "sign" {
  authenticated = yes
  sign          = true
  keys          = "@/keys/table"
}
spf   "spf"   { authenticated = no  fail = score }
dkim  "dkim"  { authenticated = no }
dmarc "dmarc" { authenticated = no }
'''


def make_key(scene, dns):
    """As a postmaster does: make a key, publish its record, use it."""
    daemon = scene.daemon
    folder = daemon.path('keys')
    os.mkdir(folder, 0o755)
    words = ('dkim', 'keygen', '--domain', DOMAIN, '--selector', 'demo',
             '--out', folder, '--owner', daemon.user)
    said('millrace', ' '.join(words))
    made = json.loads(daemon.command(*words, '--json').stdout)
    record = made['publish']['record']
    said('to publish', f'{made["publish"]["name"]} TXT {record[:40]}...')
    dns.set(f'demo._domainkey.{DOMAIN}',
            ('TXT', *re.findall('.{1,250}', record)))
    with open(f'{folder}/table', 'w', encoding='ascii') as f:
        f.write(made['line'] + '\n')
    daemon.options = f'dns-servers = {{ "{dns.address}" }}'
    scene.configure(CONFIG)
    scene.run('dkim', 'check')


def run(scene):
    dns = scene.stack.enter_context(DnsServer({
        DOMAIN: [('TXT', 'v=spf1 ip4:203.0.113.0/24 -all')],
        f'_dmarc.{DOMAIN}': [('TXT', 'v=DMARC1; p=reject')]}))
    scene.heading('A key for DKIM is made, its record published and checked')
    make_key(scene, dns)

    scene.heading('What a user sends is signed')
    before = len(scene.sink.messages)
    scene.submit('Signed by us')
    signed = scene.arrived(before + 1)
    indent(signed.split(b'\r\nFrom:')[0].decode())

    scene.heading('The same message, sent on by another host: SPF fails, the '
                  'signature holds, DMARC passes')
    scene.deliver(signed, SENDER, client=OUTSIDE)
    scene.explain(SENDER)

    scene.heading(f'A forged one: {DOMAIN} asks to refuse it (p=reject)')
    scene.deliver(letter(SENDER, 'Pay this today'), SENDER, client=OUTSIDE)
    scene.explain(SENDER)
