# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that breaks what passes through it."""

import socket
import threading
import time


class Proxy:
    """To a port of 127.0.0.1.  fault: None; 'drop' loses bytes and with them
    the connection; 'stall' keeps what comes until the fault is over; 'half'
    cuts an answer in the middle and ends the connection; 'refuse' takes no
    new connections and ends the old."""

    def __init__(self, port):
        self.target = port
        self.fault = None
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.ended = False
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.listener.close()

    def _accept(self):
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.fault == 'refuse':
                client.close()
                continue
            try:
                server = socket.create_connection(('127.0.0.1', self.target))
            except OSError:
                client.close()
                continue
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._copy, args=pair,
                                 daemon=True).start()

    def _copy(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                while self.fault == 'stall' and not self.ended:
                    time.sleep(0.01)
                if self.fault == 'refuse':
                    break
                if self.fault == 'drop':
                    continue
                if self.fault == 'half' and answers:
                    sink.sendall(data[:len(data) // 2])
                    break
                sink.sendall(data)
        except OSError:
            pass
        # The thread of the other direction closes the other one.
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()
