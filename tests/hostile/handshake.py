"""On the way to be accepted: those who take their time, and those who come too early."""

import itertools
import os
import threading
import time

from support import rawws, v1

from .suite import NotApplicable, attack, check
from .target import hello
from .tools import dribble, must_end, nothing_for, payload

PING = rawws.RawSocket.encode(b"", rawws.PING)
PONG = rawws.RawSocket.encode(b"still here", rawws.PONG)
EMPTY = rawws.RawSocket.encode(b"", rawws.CONTINUATION, fin=False)
BEGIN = rawws.RawSocket.encode(b"", fin=False)
FRAGMENT = rawws.RawSocket.encode(b"\x10", rawws.CONTINUATION, fin=False)


def in_time(target, slots):
    """One deadline from accept until accepted, and the slots are free while their sockets are still ours."""
    longest = dribble(slots, within=target.deadline)
    if target.service:
        free = target.eventually(lambda: target.value("connections_pending") == 0, within=target.patience)
        check(free, f"{target.value('connections_pending'):.0f} pending slots are still taken, twice that time after accept")
    return f"all {len(slots)} ended, the last after {longest:.1f} s"


@attack("dribbled request", "silence, and one byte now and then: of headers, of a body, of bodies with a request each")
def dribbled_request(target):
    def begun(data=b""):
        one = target.connect(bare=target.tls and not data)
        one.write(data)
        return one

    head = b"GET / HTTP/1.1\r\nHost: x\r\n"
    return in_time(target, {
        "silence": (begun(), None),
        "a byte of a line": (begun(b"GET /"), b"x"),
        "a byte of a header": (begun(head + b"X-Slow: "), b"y"),
        "a header": (begun(head), b"X-Slow: y\r\n"),
        "an empty line": (begun(b"\r\n"), b"\r\n"),
        "a body": (begun(head + b"Content-Length: 10000\r\n\r\n"), b"z"),
        "a POST's body": (begun(b"POST / HTTP/1.1\r\nContent-Length: 10000\r\n\r\n"), b"z"),
        "a request with a body": (begun(head + b"Content-Length: 1\r\n\r\nx"), head + b"Content-Length: 1\r\n\r\nx"),
    })


@attack(
    "dribbled handshake",
    "after the upgrade: pings, pongs, fragments, empty messages in pieces, inits, half a response",
)
def dribbled_handshake(target):
    identity = v1.Identity()
    init = rawws.RawSocket.encode(v1.frame(v1.INIT, identity.id))
    response = rawws.RawSocket.encode(v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, bytes(129)))

    def begun(*data):
        one = target.upgraded()
        for each in data:
            one.write(each)
        return one

    half = iter(bytes([byte]) for byte in response[1:-1])
    return in_time(target, {
        "silence": (begun(), None),
        "pings": (begun(), PING),
        "pongs": (begun(), PONG),
        "a message in pieces": (begun(BEGIN), FRAGMENT),
        "empty pieces": (begun(BEGIN), EMPTY),
        "silence after init": (begun(init), None),
        "pings after init": (begun(init), PING),
        "an init now and then": (begun(init), init),
        "half a response": (begun(init, response[:1]), lambda: next(half, b"")),
        "half a frame": (begun(b"\x82"), None),
    })


@attack(
    "dribbled TLS",
    "silence, a greeting byte by byte, half of one, one and no more, silence within TLS",
    ports=("tls",),
)
def dribbled_tls(target):
    if not target.tls:
        raise NotApplicable("this port speaks no TLS")
    greeting = hello()
    bytewise = itertools.chain((greeting[at : at + 1] for at in range(1, len(greeting))), itertools.repeat(b""))

    def begun(data=b""):
        one = target.connect(bare=True)
        one.write(data)
        return one

    return in_time(target, {
        "silence": (begun(), None),
        "byte by byte": (begun(greeting[:1]), lambda: next(bytewise)),
        "half a greeting": (begun(greeting[: len(greeting) // 2]), None),
        "a greeting and no more": (begun(greeting), None),
        "silence within": (target.connect(), None),
        "dribble within": (target.connect(), b"G"),
    })


@attack(
    "pending flood",
    "more connections than may be pending, all of them silent; newcomers must get in all the same",
    max_pending=48,
)
def pending_flood(target):
    wanted = 200 if target.service else 9000
    begin, enough = time.monotonic(), threading.Event()
    flood = threading.Thread(target=keep_opening, args=(target, wanted, enough), daemon=True)
    flood.start()
    target.eventually(lambda: len(target.made) >= wanted or not flood.is_alive(), within=30)
    # A newcomer that only gets in once the silent ones have timed out was kept out.
    within = max(target.patience / 2 - (time.monotonic() - begin), 0.3)
    took = target.newcomer(within)
    enough.set()
    flood.join()
    count = len(target.made)
    check(took is not None, f"among {count} silent connections no newcomer got in within {within:.1f} s")
    return f"a newcomer got in among {count} within {took * 1000:.0f} ms"


def keep_opening(target, at_once, enough):
    """So many as fast as they go, then some hundred a second."""
    try:
        while not enough.wait(0 if len(target.made) < at_once else 0.004):
            target.connect(bare=True, source=target.elsewhere)
    except OSError:
        pass  # no more descriptors, or turned away


@attack("pending flood, upgraded", "the same, each upgraded and with a challenge of its own", max_pending=48)
def pending_flood_upgraded(target):
    wanted = 150 if target.service else 2000
    opened = 0
    for _ in range(wanted):
        try:
            target.upgraded(source=target.elsewhere).send(v1.frame(v1.INIT, os.urandom(16)))
            opened += 1
        except (rawws.Gone, AssertionError, OSError):
            pass
    took = target.newcomer(max(target.patience / 2, 0.5))
    check(took is not None, f"behind {opened} pending connections no newcomer gets in")
    return f"{opened} were let in; a newcomer after them within {took * 1000:.0f} ms"


@attack("too early", "payloads, responses, text and unknown frames before acceptance", ports=("plain", "tls"))
def too_early(target):
    me, sink = os.urandom(16), target.accepted()
    encode = rawws.RawSocket.encode
    early = {
        "a payload": payload(me, sink.id, b"early"),
        "a payload of the recipient": payload(sink.id, sink.id, b"early"),
        "a response": encode(v1.frame(v1.RESPONSE, me, v1.NOBODY, os.urandom(129))),
        "accepted": encode(v1.frame(v1.ACCEPTED, v1.NOBODY, me)),
        "a challenge": encode(v1.frame(v1.CHALLENGE, v1.NOBODY, me, bytes(32))),
        "type 15": encode(v1.frame(15, me)),
        "version 0": encode(v1.frame(v1.INIT, me, version=0)),
        "text": encode(b"hello", rawws.TEXT),
        "a short frame": encode(b"\x10"),
        "an empty message": encode(b""),
        "64 KiB": encode(v1.frame(v1.INIT, me, v1.NOBODY, bytes(65536))),
    }
    for name, data in early.items():
        must_end(target.upgraded(), data, name, closes={1002, 1003, 1007, 1008, 1009})
    nothing_for(sink, "a payload from before acceptance was relayed")
    return f"{len(early)} closed, none relayed"
