# SPDX-License-Identifier: Apache-2.0
"""Asks a policy server as Postfix does (SMTPD_POLICY_README), over many
connections at once, and says what it took.

usage: policy.py PORT CONNECTIONS MESSAGES ACCOUNTS
"""

import asyncio
import json
import random
import sys
import time

REQUEST = '''request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
helo_name=mail.example.org
queue_id=
sender={login}@example.com
recipient=bob@example.net
recipient_count=0
client_address=192.0.2.7
client_name=mail.example.org
reverse_client_name=mail.example.org
instance={instance}
sasl_method=plain
sasl_username={login}
sasl_sender=
size=4096

'''


async def session(port, messages, accounts, took, said, number):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    for i in range(messages):
        login = f'user{random.randrange(accounts):07}'
        began = time.perf_counter()
        writer.write(REQUEST.format(
            login=login, instance=f'{number}.{i}').encode())
        # postfwd mixes its log into the answers, for want of a syslog.
        while not (line := await reader.readline()).startswith(b'action='):
            if not line:
                raise EOFError('the policy server hung up')
        await reader.readline()
        took.append((time.perf_counter() - began) * 1e6)
        word = line.decode().partition('=')[2].split()[0].lower()
        said[word] = said.get(word, 0) + 1
    writer.close()


async def main(port, connections, messages, accounts):
    took, said = [], {}
    began = time.perf_counter()
    await asyncio.gather(*[
        session(port, messages // connections, accounts, took, said, n)
        for n in range(connections)])
    seconds = time.perf_counter() - began
    took.sort()
    print(json.dumps({
        'rate': len(took) / seconds, 'said': said,
        'p50': took[len(took) // 2], 'p99': took[len(took) * 99 // 100]}))


asyncio.run(main(*map(int, sys.argv[1:])))
