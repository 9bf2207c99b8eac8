"""Within TLS: what peers may do there that no program of ours does."""

import os
import struct

from support import rawws, v1

from . import openssl
from .suite import HeldNot, attack, check
from .tls import needs_tls
from .tools import payload

SIZES = (0, 1, 511, 512, 513, 16384, 65000)


def echoes(one, sizes):
    """What this client sends to itself comes back byte for byte."""
    for size in sizes:
        whole = v1.frame(v1.PAYLOAD, one.id, one.id, os.urandom(size))
        one.send(whole)
        check(one.message() == whole, f"a payload of {size} bytes came back as another")


def logged_in(target, **how):
    one = openssl.connect(target, **how)
    one.id = one.login().id
    return one


@attack(
    "key updates",
    "thousands of changes of TLS keys, each 27 bytes, that ask for an answer or do not",
    ports=("tls",),
)
def key_updates(target):
    needs_tls(target)
    few = logged_in(target)
    few.socket.below.sendall(few.socket.key_updates(3))
    echoes(few, (10,))
    for asked in (True, False):
        for one in [logged_in(target) for _ in range(3)]:
            data = one.socket.key_updates(4000, asked=asked)
            try:
                one.socket.below.sendall(data)
                while one.socket.below.recv(65536):
                    pass
            except TimeoutError:
                raise HeldNot("4000 changes of keys leave the connection open") from None
            except OSError:
                pass
    return "6 ended; 3 changes are taken"


class InBytes:
    """A socket of TLS that puts each byte into a record of its own."""

    def __init__(self, below):
        self.below = below

    def __getattr__(self, name):
        return getattr(self.below, name)

    def sendall(self, data):
        for at in range(len(data)):
            self.below.sendall(data[at : at + 1])


@attack(
    "records of one byte",
    "a request, a handshake and payloads, each byte in a TLS record of its own",
    ports=("tls",),
)
def one_byte(target):
    needs_tls(target)
    one = target.connect()
    one.socket = InBytes(one.socket)
    one.id = one.login().id
    echoes(one, (0, 1, 2000))
    return "understood"


@attack(
    "short records",
    "clients that take TLS records of 512 bytes at most, TLS 1.2, and a renegotiation",
    ports=("tls",),
)
def short_records(target):
    needs_tls(target)
    kinds = ({"fragment": 1}, {"fragment": 4}, {"version": openssl.TLS_1_2}, {"version": openssl.TLS_1_2, "fragment": 1})
    for how in kinds:
        echoes(logged_in(target, **how), SIZES)
    again = logged_in(target, version=openssl.TLS_1_2)
    again.socket.below.sendall(again.socket.renegotiate())
    return f"{len(SIZES) * len(kinds)} payloads came back whole"


STAGES = ("nothing", "half a request", "the upgrade", "acceptance", "half a frame", "payloads", "a close frame")


@attack(
    "TLS ends early",
    "close_notify and no FIN: before the request, in it, in a frame, in one packet with frames",
    ports=("tls",),
)
def ends_early(target):
    needs_tls(target)
    sink = target.accepted()
    for stage in STAGES:
        one, last = openssl.connect(target), b""
        if stage == "half a request":
            last = b"GET / HTTP/1.1\r\nHo"
        elif stage == "the upgrade":
            one.upgrade()
        elif stage != "nothing":
            me = one.login().id
            last = {
                "half a frame": payload(me, sink.id, bytes(1000))[:500],
                "payloads": payload(me, sink.id, b"at the end") * 20,
                "a close frame": rawws.RawSocket.encode(struct.pack(">H", 1000), rawws.CLOSE),
            }.get(stage, b"")
        one.socket.below.sendall(one.socket.seal(last) + one.socket.goodbye())
        try:
            while one.socket.below.recv(65536):
                pass
        except TimeoutError:
            raise HeldNot(f"after {stage} the connection stays open") from None
        except OSError:
            pass
    for _ in range(20):
        check(v1.Frame.parse(sink.message()).body == b"at the end", "something else was relayed")
    return f"{len(STAGES)} ended, 20 payloads relayed"
