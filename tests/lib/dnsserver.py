# SPDX-License-Identifier: Apache-2.0
"""A name server on 127.0.0.1 that answers, and breaks, as a test says.

    zones = {
        'example.com': [('TXT', 'v=spf1 -all'), ('MX', 10, 'mx.example.com')],
        'mx.example.com': [('A', '192.0.2.1'), ('AAAA', '2001:db8::1')],
        '1.2.0.192.in-addr.arpa': [('PTR', 'mx.example.com')],
        'long.example.com': [('TXT', 'one string', 'and another')],
    }
    with DnsServer(zones) as dns:
        dns.fault('slow.example.com', 'delay', seconds=1)
        ...                             # ask 127.0.0.1, port dns.port
        dns.count('example.com', 'TXT')

It answers for the whole tree of names, as a resolver would: authoritative,
recursion available, CNAMEs followed as far as its own data goes.  A name
that has nothing but names below it has no data; one that is not there at all
does not exist.  There are no wildcards and no signatures: see lib/nsd.py.
Over UDP no more is sent than the question allows (512 bytes, or its EDNS
size); the rest is had by TCP.

Faults, for a name and all types or one:
    drop          no answer (over TCP too)
    servfail refused formerr notimp     that response code
    garbage       bytes that are no message, under the right id
    cut           a whole answer, the last third of which is missing
    truncate      TC over UDP, the answer by TCP
    mute-tcp      TC over UDP, and a TCP connection that says nothing
    close-tcp     TC over UDP, and a TCP connection that is closed
    delay         the right answer after `seconds`
    huge          a TXT record of `size` bytes (60000)
    loop          a CNAME to itself
    wrong-id      the answer, under another id
    wrong-name    the answer, to a question that was not asked
    lie           right question, an A record of a name nobody asked for
    empty         NOERROR, without answer and without SOA
"""

import collections
import ipaddress
import random
import re
import socket
import struct
import threading

from . import ports

TYPES = {'A': 1, 'NS': 2, 'CNAME': 5, 'SOA': 6, 'PTR': 12, 'MX': 15,
         'TXT': 16, 'AAAA': 28, 'OPT': 41, 'DS': 43, 'DNSKEY': 48,
         'SPF': 99, 'ANY': 255}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {'formerr': 1, 'servfail': 2, 'nxdomain': 3, 'notimp': 4,
          'refused': 5}
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
CHAIN = 16              # CNAMEs followed
UDP_FAULTS = ('truncate', 'mute-tcp', 'close-tcp')


class DnsServer:
    """A context manager; start() and stop() may also be called by turns."""

    def __init__(self, zones=None, ttl=300):
        self.ttl = ttl
        self.negative_ttl = ttl
        self._claim = ports.claim()
        self.port = self._claim.number
        self.address = f'127.0.0.1@{self.port}'
        self._lock = threading.Lock()   # guards the rest
        self._records, self._faults = {}, {}
        self._asked = collections.Counter()
        self._transports = collections.Counter()
        self._sockets = []
        for name, records in (zones or {}).items():
            self.set(name, *records)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self._claim.release()

    # What it says

    def set(self, name, *records):
        """The records of a name from now on; none: it is gone."""
        with self._lock:
            self._records[fold(name)] = [
                (row[0], rdata(*row)) for row in records]
            if not records:
                del self._records[fold(name)]

    def fault(self, name, what, type=None, **how):
        """What goes wrong with a name; what None: nothing any more."""
        with self._lock:
            self._faults[fold(name), type] = what and (what, how)

    # What it was asked

    def count(self, name=None, type=None):
        """How often it was asked for the name (and type)."""
        with self._lock:
            return sum(n for (asked, kind), n in self._asked.items()
                       if (name is None or asked == fold(name)) and
                       (type is None or kind == type))

    def asked(self):
        """{(name, type): times}"""
        with self._lock:
            return dict(self._asked)

    def by_tcp(self):
        with self._lock:
            return self._transports['tcp']

    def forget(self):
        with self._lock:
            self._asked.clear()
            self._transports.clear()

    # Sockets

    def start(self):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for one in udp, tcp:
            one.bind(('127.0.0.1', self.port))
        tcp.listen(100)
        self._sockets = [udp, tcp]
        self._threads = [
            threading.Thread(target=serve, args=(one,), daemon=True)
            for serve, one in ((self._serve_udp, udp), (self._accept, tcp))]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Nothing answers at the port any more."""
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            # close() alone would leave the thread in its call.
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if sockets:
            for thread in self._threads:
                thread.join()
        for one in sockets:
            one.close()

    def _serve_udp(self, udp):
        while self._sockets:
            try:
                packet, peer = udp.recvfrom(65535)
            except OSError:
                return
            if not packet:
                continue
            self._answer(packet, 'udp', lambda answer, peer=peer:
                         send(udp, answer, peer))

    def _accept(self, tcp):
        while True:
            try:
                connection, _ = tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_tcp, args=(connection,),
                             daemon=True).start()

    def _serve_tcp(self, connection):
        def answer(message):
            if message is None:
                connection.shutdown(socket.SHUT_RDWR)
            else:
                connection.sendall(struct.pack('!H', len(message)) + message)
        with connection, connection.makefile('rb') as stream:
            connection.settimeout(60)
            try:
                while len(head := stream.read(2)) == 2:
                    packet = stream.read(struct.unpack('!H', head)[0])
                    self._answer(packet, 'tcp', answer, wait=True)
            except OSError:
                pass

    # Answers

    def _answer(self, packet, transport, reply, wait=False):
        try:
            query = Query(packet)
        except (IndexError, struct.error):
            return
        with self._lock:
            self._asked[query.name, query.type] += 1
            self._transports[transport] += 1
            what, how = (self._faults.get((query.name, query.type)) or
                         self._faults.get((query.name, None)) or (None, {}))
        message = self._message(query, transport, what, how)
        if what in ('wrong-id', 'wrong-name') and message:
            message = disguise(message, query, what)
        if what == 'delay':
            timer = threading.Timer(how['seconds'], quietly(reply), [message])
            timer.daemon = True
            timer.start()
            if wait:
                timer.join()
        elif what == 'close-tcp' and transport == 'tcp':
            reply(None)
        elif message is not None:
            reply(message)

    def _message(self, query, transport, what, how):
        """The bytes to send, or None for silence."""
        if what == 'drop' or (what in ('mute-tcp', 'close-tcp') and
                              transport == 'tcp'):
            return None
        if what == 'garbage':
            return query.head[:2] + random.Random(query.name).randbytes(200)
        if what in RCODES:
            return query.message(RCODES[what])
        if what in UDP_FAULTS and transport == 'udp':
            return query.message(0, tc=True)
        if what == 'empty':
            return query.message(0)
        if what == 'lie':
            return query.message(0, [('elsewhere.example', 'A', self.ttl,
                                      rdata('A', '203.0.113.66'))])
        if what == 'loop':
            answers = [(query.name, 'CNAME', self.ttl,
                        rdata('CNAME', query.name))]
            return query.message(0, answers)
        if what == 'huge':
            size = how.get('size', 60000)
            answers = [(query.name, 'TXT', self.ttl, long_text(size))]
            return query.fit(transport, 0, answers)
        message = query.fit(transport, *self._find(query))
        return message[:len(message) * 2 // 3] if what == 'cut' else message

    def _find(self, query):
        """(rcode, answers, authorities)"""
        answers, name = [], query.name
        with self._lock:
            for _ in range(CHAIN):
                rows = self._records.get(name, [])
                found = [(name, kind, self.ttl, data) for kind, data in rows
                         if query.type in (kind, 'ANY')]
                alias = [(name, kind, self.ttl, data) for kind, data in rows
                         if kind == 'CNAME']
                if found or not alias:
                    break
                answers += alias
                name = fold(decode(alias[0][3], 0)[0])
            exists = rows or any(other.endswith('.' + name)
                                 for other in self._records)
        if found:
            return 0, answers + found, []
        soa = rdata('SOA', 'ns.invalid', 'hostmaster.invalid', 1, 3600, 600,
                    86400, self.negative_ttl)
        return (0 if exists else RCODES['nxdomain'], answers,
                [('.', 'SOA', self.negative_ttl, soa)])


class Query:
    """A question, as far as it matters here."""

    def __init__(self, packet):
        self.head = packet[:12]
        _, self.flags, questions, _, _, more = struct.unpack(
            '!6H', self.head)
        if self.flags & QR or questions != 1:
            raise IndexError
        self.spelling, end = decode(packet, 12)
        kind, _ = struct.unpack('!HH', packet[end:end + 4])
        self.question = packet[12:end + 4]
        self.name = fold(self.spelling)
        self.type = NAMES.get(kind, f'TYPE{kind}')
        self.udp_size = 512
        self.edns = more > 0 and packet[end + 4:end + 7] == b'\0\0\x29'
        if self.edns:
            size = struct.unpack('!H', packet[end + 7:end + 9])[0]
            self.udp_size = max(512, size)

    def message(self, rcode, answers=(), authorities=(), tc=False):
        flags = QR | AA | RA | (self.flags & RD) | (TC if tc else 0) | rcode
        out = self.head[:2] + struct.pack(
            '!HHHHH', flags, 1, len(answers), len(authorities), self.edns)
        out += self.question
        for name, kind, ttl, data in (*answers, *authorities):
            out += encode(name) + struct.pack(
                '!HHIH', TYPES[kind], 1, ttl, len(data)) + data
        if self.edns:
            out += b'\0' + struct.pack('!HHIH', TYPES['OPT'], 1232, 0, 0)
        return out

    def fit(self, transport, rcode, answers=(), authorities=()):
        whole = self.message(rcode, answers, authorities)
        limit = self.udp_size if transport == 'udp' else 65535
        if len(whole) <= limit:
            return whole
        return self.message(rcode, tc=True)


def disguise(message, query, what):
    if what == 'wrong-id':
        number = struct.unpack('!H', message[:2])[0] ^ 0x5a5a
        return struct.pack('!H', number) + message[2:]
    other = encode('other.example') + query.question[-4:]
    return message[:12] + other + message[12 + len(query.question):]


def send(udp, answer, peer):
    if answer is not None:
        try:
            udp.sendto(answer, peer)
        except OSError:
            pass                # too long, or the server was stopped


def quietly(call):
    def run(*args):
        try:
            call(*args)
        except OSError:
            pass                # who asked does not wait any more
    return run


# Names and records, as text and as bytes

def fold(name):
    return name.rstrip('.').lower()


def labels(name):
    r"""The labels of a name in text form: "." parts, \. and \DDD do not."""
    out, current = [], b''
    for part in re.findall(r'\\\d{3}|\\.|[^\\]', name.rstrip('.'), re.S):
        if part == '.':
            out.append(current)
            current = b''
        elif len(part) == 4:
            current += bytes([int(part[1:])])
        else:
            current += part[-1:].encode('utf-8')
    return [*out, current] if name.rstrip('.') else []


def encode(name):
    wire = b''.join(bytes([len(label)]) + label for label in labels(name))
    return wire + b'\0'


def decode(packet, at):
    """(the name as text, where it ends); questions are not compressed."""
    parts = []
    while packet[at] != 0:
        label = packet[at + 1:at + 1 + packet[at]]
        parts.append(''.join(
            chr(byte) if 33 <= byte < 127 and byte not in b'.\\'
            else f'\\{byte:03}' for byte in label))
        at += 1 + packet[at]
    return '.'.join(parts), at + 1


def text(*strings):
    out = b''
    for one in strings:
        raw = one if isinstance(one, bytes) else one.encode('utf-8')
        for start in range(0, len(raw) or 1, 255):
            part = raw[start:start + 255]
            out += bytes([len(part)]) + part
    return out


def long_text(size):
    """TXT rdata of about that size: lines that can be told apart."""
    line = ''.join(f'{n:07} ' for n in range(size // 8 + 1))
    return text(line[:size])


def rdata(kind, *values):
    if kind in ('A', 'AAAA'):
        return ipaddress.ip_address(values[0]).packed
    if kind in ('NS', 'CNAME', 'PTR'):
        return encode(values[0])
    if kind == 'MX':
        return struct.pack('!H', values[0]) + encode(values[1])
    if kind == 'SOA':
        return (encode(values[0]) + encode(values[1]) +
                struct.pack('!5I', *values[2:]))
    if kind in ('TXT', 'SPF'):
        return text(*values)
    raise ValueError(f'{kind}: no such type here')
