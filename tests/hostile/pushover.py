"""A service that holds against nothing: it takes any bytes for a request, any frame for a good one, checks no signature, no sender
and no time, and ends no connection.

The suite attacks it as a check of itself: an attack that finds nothing here would find nothing anywhere.
"""

import base64
import hashlib
import os
import re
import socketserver
import threading

from support import rawws, v1

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self._upgrade()
            while True:
                self._message(*self._frame())
        except (OSError, EOFError):
            self.server.over.wait()  # and so it stays open, whatever the other side has done

    def _read(self, size):
        data = self.request.recv(size, 0)
        if not data:
            raise EOFError
        return data

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            data += self._read(min(size - len(data), 65536))
        return bytes(data)

    def _upgrade(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head = head[-4096:] + self._read(1 if len(head) < 4096 else 65536)
        found = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        accept = base64.b64encode(hashlib.sha1((found.group(1) if found else b"") + GUID).digest())
        self.request.sendall(b"HTTP/1.1 101 Come in\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def _frame(self):
        first, second = self._exactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        key = self._exactly(4) if second & 0x80 else bytes(4)
        return first & 0x0F, rawws.masked(self._exactly(size), key)

    def _message(self, _, data):
        got = v1.Frame.parse(data.ljust(v1.HEADER, b"\0"))
        if got.kind == v1.INIT:
            self._send(self.request, v1.frame(v1.CHALLENGE, v1.NOBODY, got.sender, v1.NO_WORK + os.urandom(16)))
        elif got.kind == v1.RESPONSE:
            self.server.clients[got.sender] = self.request
            self._send(self.request, v1.frame(v1.ACCEPTED, v1.NOBODY, got.sender))
        elif got.kind == v1.PAYLOAD and got.recipient in self.server.clients:
            self._send(self.server.clients[got.recipient], data)

    @staticmethod
    def _send(whom, data):
        try:
            whom.sendall(rawws.RawSocket.encode(data, mask=False))
        except OSError:
            pass


class Pushover(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.clients, self.over = {}, threading.Event()
        self.url = "ws://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()
