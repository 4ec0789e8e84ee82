# SPDX-License-Identifier: Apache-2.0
"""A milter client: an MTA's side of one session, step by step.

Every stage method sends its command as negotiated and returns what the
filter answered:

    'continue' 'accept' 'reject' 'tempfail' 'discard' 'skip' 'conn_fail'
    'shutdown', or ('replycode', text)

and None where no answer is due (the filter said not to wait) or nothing was
sent (the filter said not to send).  What the protocol forbids the filter
raises ProtocolError; a filter that hangs up raises Closed.
"""

import socket
import struct

VERSION = 6
ALL_ACTIONS = 0x1ff
ALL_PROTOCOL = 0x1fffff

LEADING_SPACE = 0x100000
REJECTED_RCPT = 0x800

BODY_CHUNK = 65535
MAX_PACKET = 1 << 24

STAGES = ('connect', 'helo', 'mail', 'rcpt', 'data', 'eom', 'eoh')

# command: (flag "do not send it", flag "do not wait for an answer")
COMMANDS = {
    'C': (0x1, 0x1000),
    'H': (0x2, 0x2000),
    'M': (0x4, 0x4000),
    'R': (0x8, 0x8000),
    'T': (0x200, 0x10000),
    'U': (0x100, 0x20000),
    'L': (0x20, 0x80),
    'N': (0x40, 0x40000),
    'B': (0x10, 0x80000),
    'E': (0, 0),
}

ANSWERS = {
    'c': 'continue',
    'a': 'accept',
    'r': 'reject',
    't': 'tempfail',
    'd': 'discard',
    's': 'skip',
    'f': 'conn_fail',
    '4': 'shutdown',
}


class ProtocolError(Exception):
    """The filter sent what the protocol does not allow there."""


class Closed(Exception):
    """The filter closed the connection."""


def text(data):
    """Bytes of the wire as text that goes back unchanged."""
    return data.decode('utf-8', 'surrogateescape')


def wire(value):
    if isinstance(value, bytes):
        return value
    return value.encode('utf-8', 'surrogateescape')


def strings(*values):
    return b''.join(wire(value) + b'\0' for value in values)


def split_strings(data):
    if not data.endswith(b'\0'):
        raise ProtocolError(f'string without its end: {data!r}')
    return [text(part) for part in data[:-1].split(b'\0')]


def edit_strings(name, fewest, most):
    def decode(data):
        values = split_strings(data)
        if not fewest <= len(values) <= most:
            raise ProtocolError(f'{name}: {len(values)} strings')
        return (name, *values)
    return decode


def edit_indexed(name):
    def decode(data):
        if len(data) < 4:
            raise ProtocolError(f'{name}: no index')
        values = split_strings(data[4:])
        if len(values) != 2:
            raise ProtocolError(f'{name}: {len(values)} strings')
        return (name, struct.unpack('!I', data[:4])[0], *values)
    return decode


EDITS = {
    '+': edit_strings('addrcpt', 1, 1),         # (…, address)
    '2': edit_strings('addrcpt_par', 1, 2),     # (…, address[, arguments])
    '-': edit_strings('delrcpt', 1, 1),         # (…, address)
    'e': edit_strings('chgfrom', 1, 2),         # (…, address[, arguments])
    'h': edit_strings('addheader', 2, 2),       # (…, name, value)
    'i': edit_indexed('insheader'),             # (…, index, name, value)
    'm': edit_indexed('chgheader'),             # (…, index, name, value)
    'q': edit_strings('quarantine', 1, 1),      # (…, reason)
    'b': lambda data: ('replbody', data),       # (…, bytes)
    'p': lambda data: ('progress',),
}


def open_socket(address, timeout):
    """Connect to unix:PATH, local:PATH, inet:PORT@HOST, inet6:PORT@HOST."""
    kind, _, rest = address.partition(':')
    if kind in ('unix', 'local'):
        s = socket.socket(socket.AF_UNIX)
        where = rest
    elif kind in ('inet', 'inet6'):
        s = socket.socket(
            socket.AF_INET6 if kind == 'inet6' else socket.AF_INET)
        port, _, host = rest.partition('@')
        where = (host or 'localhost', int(port))
    else:
        raise ValueError(f'{address}: not a milter address')
    s.settimeout(timeout)
    try:
        s.connect(where)
    except OSError:
        s.close()
        raise
    return s


class Negotiated:
    """What the filter answered to the offer."""

    def __init__(self, data):
        if len(data) < 12:
            raise ProtocolError('short answer to negotiation')
        self.version, self.actions, self.protocol = struct.unpack(
            '!III', data[:12])
        self.symlists = {}      # stage name: list of macro names
        rest = data[12:]
        while rest:
            names, end, after = rest[4:].partition(b'\0')
            stage = int.from_bytes(rest[:4], 'big')
            if not end or stage >= len(STAGES):
                raise ProtocolError(f'bad macro list: {rest!r}')
            self.symlists[STAGES[stage]] = \
                text(names).replace(',', ' ').split()
            rest = after


class Milter:
    def __init__(self, address, timeout=30):
        self.address = address
        self.timeout = timeout
        self.socket = None
        self.negotiated = None

    def __enter__(self):
        if self.socket is None:
            self.connect()
        return self

    def __exit__(self, *_):
        self.close()

    # Packets

    def connect(self):
        self.socket = open_socket(self.address, self.timeout)
        return self

    def close(self):
        """Hang up without a word."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send_raw(self, data):
        self.socket.sendall(data)

    def send_packet(self, command, data=b''):
        self.send_raw(struct.pack('!I', 1 + len(data)) + wire(command) + data)

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                part = b''
            if not part:
                raise Closed(f'after {len(data)} of {count} bytes')
            data += part
        return bytes(data)

    def recv_packet(self):
        """(command, data) of the next packet."""
        length, = struct.unpack('!I', self.receive(4))
        if not 0 < length <= MAX_PACKET:
            raise ProtocolError(f'packet of {length} bytes')
        packet = self.receive(length)
        return text(packet[:1]), packet[1:]

    def expect_silence(self, seconds=0.2):
        """Nothing may come now: an answer too many would shift all others."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1)
        except TimeoutError:
            return
        finally:
            self.socket.settimeout(self.timeout)
        raise Closed('instead of waiting') if not data else \
            ProtocolError(f'answer nobody asked for: {data!r}')

    # Session

    def optneg(self, version=VERSION, actions=ALL_ACTIONS,
               protocol=ALL_PROTOCOL):
        self.send_packet('O', struct.pack('!III', version, actions, protocol))
        command, data = self.recv_packet()
        if command != 'O':
            raise ProtocolError(f'{command!r} answers negotiation')
        self.negotiated = Negotiated(data)
        return self.negotiated

    def macros(self, command, values):
        """Macros for the next command, named by its letter."""
        if self.sends(command):
            pairs = [item for pair in values.items() for item in pair]
            self.send_packet('D', wire(command) + strings(*pairs))

    def conn(self, name='client.example.com', family='4', port=49152,
             addr='192.0.2.7'):
        """family: '4', '6', 'L' (addr is a path) or 'U' (no address)."""
        data = strings(name) + wire(family)
        if family != 'U':
            data += struct.pack('!H', port) + strings(addr)
        return self.command('C', data)

    def helo(self, name='client.example.com'):
        return self.command('H', strings(name))

    def quit(self):
        self.send_packet('Q')
        self.close()

    def quit_nc(self):
        """End the session; conn() may follow, without negotiation."""
        self.send_packet('K')

    # Message

    def mail(self, addr, *args):
        return self.command('M', strings(addr, *args))

    def rcpt(self, addr, *args):
        return self.command('R', strings(addr, *args))

    def data(self):
        return self.command('T')

    def unknown(self, line):
        return self.command('U', strings(line))

    def header(self, name, value):
        """The value as it stands behind the colon and one blank."""
        blank = b' ' if self.flags() & LEADING_SPACE else b''
        return self.command('L', strings(name, blank + wire(value)))

    def eoh(self):
        return self.command('N')

    def body(self, data):
        """All of it, in chunks as an MTA cuts them, until one is answered
        by other than continue."""
        data = wire(data)
        answer = None
        for at in range(0, len(data), BODY_CHUNK):
            answer = self.command('B', data[at:at + BODY_CHUNK])
            if answer not in (None, 'continue'):
                break
        return answer

    def eom(self):
        """(modifications, final verdict); progress is among the former."""
        edits = []
        self.send_packet('E')
        while True:
            command, data = self.recv_packet()
            if command not in EDITS:
                break
            edits.append(EDITS[command](data))
        verdict = self.decode(command, data)
        if verdict == 'skip':
            raise ProtocolError('skip at the end of a message')
        return edits, verdict

    def abort(self):
        self.send_packet('A')

    # Answers

    def flags(self):
        return self.negotiated.protocol if self.negotiated else 0

    def sends(self, command):
        return not self.flags() & COMMANDS[command][0]

    def waits(self, command):
        return not self.flags() & COMMANDS[command][1]

    def command(self, command, data=b''):
        if not self.sends(command):
            return None
        self.send_packet(command, data)
        if not self.waits(command):
            return None
        return self.decode(*self.recv_packet())

    @staticmethod
    def decode(command, data):
        if command == 'y':
            values = split_strings(data)
            if len(values) != 1:
                raise ProtocolError(f'reply of {len(values)} strings')
            return ('replycode', values[0])
        if command not in ANSWERS:
            raise ProtocolError(f'answer {command!r} with {data!r}')
        if data:
            raise ProtocolError(f'{ANSWERS[command]} with {data!r}')
        return ANSWERS[command]

    def send_message(self, envelope, headers, body):
        """A whole message; as an MTA goes on, stopping at what decides.

        envelope is (sender, [recipients]), each an address or a tuple of an
        address and its ESMTP arguments; headers are (name, value) pairs.
        Returns a Message.
        """
        message = Message(self)
        message.send(envelope, headers, body)
        return message


class Message:
    """What a filter answered to one message.

    answers is a list of (stage, answer) in order; verdict the final one,
    with edits, or the one that ended it at the stage in ended_at.
    """

    def __init__(self, milter):
        self.milter = milter
        self.answers = []
        self.edits = []
        self.verdict = None
        self.ended_at = None
        self.recipients = []    # those that were not refused

    def note(self, stage, answer):
        """True if the message goes on."""
        self.answers.append((stage, answer))
        if answer in (None, 'continue', 'skip'):
            return True
        self.verdict, self.ended_at = answer, stage
        return False

    def send(self, envelope, headers, body):
        m = self.milter
        sender, recipients = envelope
        if (self.note('mail', m.mail(*argument_list(sender)))
                and self.send_recipients(recipients)
                and self.note('data', m.data())
                and self.send_headers(headers)
                and self.note('eoh', m.eoh())
                and self.note('body', m.body(body))):
            self.edits, answer = m.eom()
            self.answers.append(('eom', answer))
            self.verdict, self.ended_at = answer, 'eom'
        m.abort()

    def send_recipients(self, recipients):
        """A refusal is of that recipient alone; none left ends it all."""
        answer = None
        for recipient in recipients:
            answer = self.milter.rcpt(*argument_list(recipient))
            self.answers.append(('rcpt', answer))
            if answer in (None, 'continue', 'skip'):
                self.recipients.append(recipient)
            elif answer in ('accept', 'discard', 'shutdown'):
                self.verdict, self.ended_at = answer, 'rcpt'
                return False
        if not self.recipients:
            self.verdict, self.ended_at = answer, 'rcpt'
        return bool(self.recipients)

    def send_headers(self, headers):
        for name, value in headers:
            answer = self.milter.header(name, value)
            if not self.note('header', answer):
                return False
            if answer == 'skip':
                break
        return True


def argument_list(value):
    return (value,) if isinstance(value, (str, bytes)) else value
