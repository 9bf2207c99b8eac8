"""Websocket frames that no client should write."""

import os
import struct

from support import rawws, v1

from .suite import HeldNot, attack, check
from .tools import has_ended, must_end, nothing_for, payload

encode = rawws.RawSocket.encode


def broken(sender, recipient):
    """Each ends its connection."""
    body = v1.frame(v1.PAYLOAD, sender, recipient, b"broken")
    head = b"\x82\xff"
    return {
        "63 bits of length": head + struct.pack(">Q", 2**63 - 1) + os.urandom(40),
        "64 bits of length": head + struct.pack(">Q", 2**63 + 10) + os.urandom(40),
        "4 GiB and 5 bytes": head + struct.pack(">Q", 2**32 + 5) + bytes(4) + body,
        **{f"reserved bits {bits}": encode(body, rsv=bits) for bits in (1, 2, 4, 7)},
        **{f"opcode {opcode}": encode(body, opcode) for opcode in (3, 7, 11, 15)},
        "a ping of 126 bytes": encode(bytes(126), rawws.PING),
        "a ping of 64 KiB": encode(bytes(65536), rawws.PING),
        "a ping in pieces": encode(b"pi", rawws.PING, fin=False) + encode(b"ng", rawws.CONTINUATION),
        "a close in pieces": encode(b"\x03", rawws.CLOSE, fin=False) + encode(b"\xe8", rawws.CONTINUATION),
        "a close of one byte": encode(b"\x03", rawws.CLOSE),
        "a close with an illegal code": encode(struct.pack(">H", 1005), rawws.CLOSE),
        "a close that is no UTF-8": encode(struct.pack(">H", 1000) + b"\xff\xff", rawws.CLOSE),
        "a continuation of nothing": encode(body, rawws.CONTINUATION),
        "text": encode(b"hello", rawws.TEXT),
        "text that is no UTF-8": encode(b"\xff\xfe", rawws.TEXT),
        "text in pieces": encode(b"hel", rawws.TEXT, fin=False) + encode(b"lo", rawws.CONTINUATION),
        "a frame of no bytes": encode(b""),
        "a frame of 32 bytes": encode(body[:32]),
    }


@attack(
    "broken frames",
    "63-bit lengths, reserved bits and opcodes, control frames in pieces, text, frames too short",
    ports=("plain", "tls"),
)
def broken_frames(target):
    sink, own = target.accepted(), v1.Identity()
    frames = broken(own.id, sink.id)
    for name, data in frames.items():
        must_end(target.accepted(v1.Identity()), data, name)
        one = target.upgraded()
        must_end(one, data, f"{name}, before acceptance")
    nothing_for(sink, "a broken frame was relayed")
    return f"{2 * len(frames)} connections ended, none relayed"


@attack("a message never begun anew", "a second message within the pieces of a first, and pings between them")
def interleaved(target):
    sink, one = target.accepted(), target.accepted()
    whole = v1.frame(v1.PAYLOAD, one.id, sink.id, b"in pieces")
    for part in (encode(whole[:20], fin=False), encode(b"between", rawws.PING)):
        one.write(part)
    one.write(encode(whole[20:], rawws.CONTINUATION))
    try:
        whole_one = sink.message()
    except TimeoutError:
        whole_one = None
    check(whole_one == whole, "a message in pieces did not arrive whole")
    one.write(encode(whole[:20], fin=False))
    must_end(one, encode(whole), "a message within another")
    nothing_for(sink, "a message within another was relayed")
    return "the whole one relayed, the torn one not"


@attack("unmasked frames", "a whole handshake and payloads without a mask")
def unmasked(target):
    sink, one = target.accepted(), target.accepted()
    try:
        one.write(encode(v1.frame(v1.PAYLOAD, one.id, sink.id, b"bare"), mask=False))
        one.write(encode(v1.frame(v1.PAYLOAD, sink.id, sink.id, b"forged"), mask=False))
        one.closed()
    except rawws.Gone:
        pass
    except TimeoutError:
        raise HeldNot("a forged sender stays connected") from None
    sink.write(payload(sink.id, sink.id, b"barrier"))
    bodies = []
    while not bodies or bodies[-1] != b"barrier":
        got = v1.Frame.parse(sink.message())
        check(got.sender in (one.id, sink.id) and got.body in (b"bare", b"barrier"), f"relayed {got.body!r}")
        bodies.append(got.body)
    return "relayed as if masked" if len(bodies) > 1 else "not relayed"


@attack(
    "resets at every stage",
    "RST, FIN and FIN of one half: in the request, after it, in a frame, in the handshake",
    ports=("plain", "tls"),
)
def resets(target):
    data = encode(v1.frame(v1.INIT, os.urandom(16)))
    half_open = []

    def stages():
        yield target.connect(bare=True)
        one = target.connect()
        one.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgr")
        yield one
        one = target.connect()
        one.request("GET", "/", one.upgrade_headers())
        yield one
        for cut in (0, 1, 5, 20, len(data)):
            one = target.upgraded()
            one.write(data[:cut])
            yield one
        one = target.accepted()
        one.write(payload(one.id, one.id, bytes(3000))[:2000])
        yield one

    for _ in range(3):
        for one in stages():
            one.reset()
        for one in stages():
            one.close()
        for one in stages():
            try:
                one.finish()
            except rawws.Gone:
                continue
            half_open.append(one)
    within = target.deadline
    check(target.eventually(lambda: all(map(has_ended, half_open)), within), f"half-closed and still open after {within:.1f} s")
    return f"{len(half_open)} half-closed ended"
