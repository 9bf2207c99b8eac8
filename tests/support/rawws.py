"""A websocket client on a bare socket, for what a well-behaved library refuses to send.

It never answers a ping or a close by itself, reads only when told, and can leave a frame unfinished.
"""

import base64
import os
import socket
import ssl as tls
import struct
from urllib.parse import urlsplit

from . import v1
from .waiting import DEADLINE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Gone(Exception):
    """The peer ended the connection: `reset` tells how."""

    def __init__(self, reset):
        super().__init__("reset" if reset else "end of stream")
        self.reset = reset


class RawSocket:
    def __init__(self, url, *, receive_buffer=None, context=None, server_name=None, source=None):
        """`source`: the address that it comes from, where that matters."""
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # not the 64 KiB of loopback
        self.socket.settimeout(DEADLINE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((self.host, self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=server_name or self.host)
        self.buffer = bytearray()
        self.is_websocket = False
        self.extension = self.service_block = b""  # behind our init; behind the service's challenge

    # --- bytes

    def write(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, tls.SSLError) as error:
            raise Gone(True) from error

    def fill(self, most=65536):
        """Some of what has come goes into the buffer."""
        try:
            more = self.socket.recv(most)
        except (tls.SSLWantReadError, tls.SSLWantWriteError):
            raise
        except (ConnectionResetError, BrokenPipeError, tls.SSLError) as error:
            raise Gone(True) from error
        if not more:
            raise Gone(False)
        self.buffer += more

    def read(self, size):
        while len(self.buffer) < size:
            self.fill()
        return self._take(size)

    def _take(self, size):
        data = bytes(memoryview(self.buffer)[:size])
        del self.buffer[:size]
        return data

    def read_until(self, end):
        while end not in self.buffer:
            self.fill()
        return self._take(self.buffer.index(end) + len(end))

    def read_to_end(self):
        """Everything until the peer ends the connection."""
        try:
            while True:
                self.fill()
        except Gone:
            return self._take(len(self.buffer))

    def take_in(self):
        """What has come by now goes into the buffer, without waiting for more."""
        self.socket.setblocking(False)
        try:
            while True:
                self.fill()
        except (BlockingIOError, tls.SSLWantReadError):
            pass
        finally:
            self.socket.settimeout(DEADLINE)

    # --- HTTP

    def request(self, method="GET", path="/", headers=(), body=b""):
        fields = {"Host": f"{self.host}:{self.port}", **dict(headers)}
        head = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    def answer(self):
        """Status and headers of the answer; the body stays unread."""
        head = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        assert head[0].startswith("HTTP/1.1 "), f"not an answer in HTTP/1.1: {head[0]!r}"
        headers = {}
        for line in head[1:]:
            if line:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
        return int(head[0].split()[1]), headers

    def upgrade_headers(self, **replace):
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        }
        headers.update({name.replace("_", "-"): value for name, value in replace.items()})
        return headers

    def upgrade(self, path="/", **replace):
        self.request("GET", path, self.upgrade_headers(**replace))
        status, headers = self.answer()
        self.is_websocket = status == 101
        return status, headers

    # --- frames

    @staticmethod
    def encode(payload, opcode=BINARY, *, fin=True, rsv=0, mask=True, length=None):
        """A frame; `length` announces another length than the payload's."""
        size = len(payload) if length is None else length
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        flag = 0x80 if mask else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 65536:
            head += bytes([flag | 126]) + struct.pack(">H", size)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", size)
        if not mask:
            return head + payload
        key = os.urandom(4)
        return head + key + masked(payload, key)

    def send(self, payload, opcode=BINARY, **how):
        self.write(self.encode(payload, opcode, **how))

    def frame(self):
        """(opcode, payload) of the next frame."""
        first, second = self.read(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.read(8))
        assert not second & 0x80, "a service must not mask"
        assert first & 0x70 == 0, "reserved bits are set"
        return first & 0x0F, self.read(size)

    def is_whole(self):
        """Whether frame() would not wait."""
        have = self.buffer
        if len(have) < 2:
            return False
        size, head = have[1] & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(have[2:head], "big")
        return len(have) >= head + size

    def message(self):
        """The next binary message; pings are left unanswered, a close is Gone."""
        opcode, payload = self.frame()
        while opcode == PING:
            opcode, payload = self.frame()
        if opcode == CLOSE:
            raise Gone(False)
        assert opcode == BINARY, f"opcode {opcode}"
        return payload

    def closed(self):
        """Reads on until the close frame and returns its (code, reason); (None, "") where the stream ends without one."""
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == CLOSE:
                    code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
                    return v1.Closed(code, payload[2:].decode(errors="replace"))
        except Gone:
            return v1.Closed(None, "")

    # --- protocol version 1

    def login(self, identity=None, path="/", **headers):
        status, _ = self.upgrade(path, **headers)
        assert status == 101, status
        return self.authenticate(identity or v1.Identity())

    def authenticate(self, identity):
        """All of the protocol's handshake, after the upgrade."""
        self.send(v1.frame(v1.INIT, identity.id, v1.NOBODY, self.extension))
        body = v1.Frame.parse(self.message()).body
        self.service_block = body[32:]
        difficulty, challenge = body[:16], body[16:32]
        nonce = v1.solve(challenge, identity.public_key, difficulty)
        signature = identity.answer(v1.digest_of(challenge, identity.public_key, nonce))
        self.send(v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, challenge + identity.public_key + nonce + signature))
        assert v1.Frame.parse(self.message()).kind == v1.ACCEPTED
        return identity

    # --- ends

    def finish(self):
        """No more from us: a FIN, where the peer is still there."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Gone(True) from error

    def reset(self):
        """Ends by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def masked(payload, key):
    if not payload:
        return b""
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
