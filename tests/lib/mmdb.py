# SPDX-License-Identifier: Apache-2.0
"""Write a MaxMind database of a few networks, for tests.

    write('/tmp/c.mmdb', 'Test-Country', {
        '192.0.2.0/24': {'country': {'iso_code': 'DE'}}})
"""

import ipaddress
import struct

MARKER = b'\xab\xcd\xefMaxMind.com'
MAP, TEXT, UINT16, UINT32, UINT64, ARRAY = 7, 2, 5, 6, 9, 11


def _control(kind, size):
    if size > 28:
        raise ValueError('longer than the tests need')
    if kind > 7:
        return bytes([size, kind - 7])
    return bytes([kind << 5 | size])


def _encode(value, kind=None):
    if isinstance(value, dict):
        return _control(MAP, len(value)) + b''.join(
            _encode(k) + _encode(v) for k, v in value.items())
    if isinstance(value, list):
        return _control(ARRAY, len(value)) + b''.join(map(_encode, value))
    if isinstance(value, str):
        data = value.encode()
        return _control(TEXT, len(data)) + data
    if isinstance(value, Number):
        data = value.number.to_bytes(8, 'big').lstrip(b'\0')
        return _control(value.kind, len(data)) + data
    data = value.to_bytes(4, 'big').lstrip(b'\0')
    return _control(UINT32, len(data)) + data


class Number:
    def __init__(self, kind, number):
        self.kind, self.number = kind, number


def _bits(network):
    """The path of a network in a tree of IPv6; IPv4 lies under ::/96."""
    net = ipaddress.ip_network(network)
    width = 128 if net.version == 6 else 32
    bits = format(int(net.network_address), f'0{width}b')[:net.prefixlen]
    return bits if net.version == 6 else '0' * 96 + bits


def write(path, name, networks):
    nodes, data, leaves = [[None, None]], b'', {}
    for network, value in networks.items():
        encoded = _encode(value)
        at, bits = 0, _bits(network)
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes[at][int(bit)] = len(nodes)
                nodes.append([None, None])
            at = nodes[at][int(bit)]
        nodes[at][int(bits[-1])] = ('data', len(data))
        data += encoded
    count = len(nodes)
    tree = b''
    for node in nodes:
        for record in node:
            if record is None:
                number = count
            elif isinstance(record, tuple):
                number = count + 16 + record[1]
            else:
                number = record
            tree += struct.pack('>I', number)[1:]
    metadata = _encode({
        'binary_format_major_version': Number(UINT16, 2),
        'binary_format_minor_version': Number(UINT16, 0),
        'build_epoch': Number(UINT64, 1700000000),
        'database_type': name,
        'description': {'en': 'test'},
        'ip_version': Number(UINT16, 6),
        'languages': ['en'],
        'node_count': Number(UINT32, count),
        'record_size': Number(UINT16, 24),
    })
    with open(path, 'wb') as f:
        f.write(tree + b'\0' * 16 + data + MARKER + metadata)
