"""Bytes that come in other pieces than their sender's frames, and peers that leave with much before or behind them."""

import os
import random
import socket
import struct
import threading
import time

from support import rawws, v1

from .suite import attack, check
from .tools import WOULD_BLOCK, payload

encode = rawws.RawSocket.encode
CLOSE = encode(struct.pack(">H", 1000), rawws.CLOSE)


def in_frames(dice, whole):
    cuts = [0, *sorted(dice.randrange(1, len(whole)) for _ in range(dice.randrange(4))), len(whole)]
    data = b""
    for count in range(1, len(cuts)):
        opcode = rawws.BINARY if count == 1 else rawws.CONTINUATION
        data += encode(whole[cuts[count - 1] : cuts[count]], opcode, fin=count + 1 == len(cuts))
        if dice.random() < 0.3:
            data += encode(dice.randbytes(dice.randrange(126)), rawws.PONG)
    return data


def in_slices(one, dice, data):
    at = 0
    while at < len(data):
        size = dice.choice((1, 2, 7, 13, 100, 16384, 50000))
        one.write(data[at : at + size])
        at += size


@attack(
    "sliced frames",
    "messages in pieces of any size, cut at every byte and anywhere: each arrives as it was sent",
    ports=("plain", "tls"),
)
def sliced(target):
    one, sink, dice = target.accepted(), target.accepted(), random.Random(14)
    for size in (0, 60, 100):
        whole = v1.frame(v1.PAYLOAD, one.id, sink.id, os.urandom(size))
        data = encode(whole)
        for at in range(1, len(data)):
            one.write(data[:at])
            one.write(data[at:])
            check(sink.message() == whole, f"cut at byte {at}, another message arrived")
    for _ in range(40):
        bodies = [dice.randbytes(dice.choice((0, 2, 92, 93, 126, 4000, 65502, 65503, 70000, 200000))) for _ in range(3)]
        wholes = [v1.frame(v1.PAYLOAD, one.id, sink.id, body) for body in bodies]
        data = b"".join(in_frames(dice, whole) for whole in wholes)
        writer = threading.Thread(target=in_slices, args=(one, dice, data))
        writer.start()
        good = all([sink.message() == whole for whole in wholes])
        writer.join()
        check(good, "another message arrived than was sent")
    return "all arrived as they were sent"


@attack(
    "a message of one-byte pieces",
    "100,000 fragments of one byte, with empty ones between them, under a mask of zeros",
    ports=("plain", "tls"),
)
def crumbs(target):
    one, sink = target.accepted(), target.accepted()
    whole = v1.frame(v1.PAYLOAD, one.id, sink.id, os.urandom(100_000))
    data = bytearray()
    for at, byte in enumerate(whole):
        first = (rawws.CONTINUATION if at else rawws.BINARY) | (0x80 if at + 1 == len(whole) else 0)
        data += bytes((first, 0x81, 0, 0, 0, 0, byte))
        if at % 3 == 0:
            data += b"\x00\x80\x00\x00\x00\x00"
    writer = threading.Thread(target=one.write, args=(data,))
    writer.start()
    good = sink.message() == whole
    writer.join()
    check(good, "another message arrived than was sent")
    return "arrived as it was sent"


def request(one):
    fields = {"Host": f"{one.host}:{one.port}", **one.upgrade_headers()}
    return "".join(["GET / HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items()), "\r\n"]).encode()


@attack(
    "frames behind the upgrade",
    "the upgrade and the first frames in one packet: pings, an init, a close, nonsense",
    ports=("plain", "tls"),
)
def behind_the_upgrade(target):
    me = v1.Identity()
    behind = encode(b"a", rawws.PING) + encode(v1.frame(v1.INIT, me.id)) + encode(b"b", rawws.PING)
    one = target.connect()
    one.write(request(one) + behind)
    check(one.answer()[0] == 101, "not upgraded")
    check(one.frame() == (rawws.PONG, b"a"), "the first ping is not answered")
    check(v1.Frame.parse(one.frame()[1]).kind == v1.CHALLENGE, "the init is not answered")
    for last, code in ((CLOSE, 1000), (b"\xff\xff", 1002)):
        one = target.connect()
        one.write(request(one) + behind + last)
        check(one.answer()[0] == 101, "not upgraded")
        closed = one.closed()
        check(closed.code == code, f"closed with {closed.code} where {code} is due")
    return "answered in order"


def fill(target, one):
    """Queues more for this client than its kernel takes."""
    before = target.value("buffer_bytes")
    for each in [target.accepted() for _ in range(8)]:
        each.write(payload(each.id, one.id, os.urandom(250_000)))
    check(target.eventually(lambda: target.value("buffer_bytes") > before + 2**20), "nothing is queued")


@attack(
    "the last word and no reading",
    "a close frame, nonsense, or the end of its sending side, by those who have 2 MB to read and read nothing",
    own=True, ports=("plain", "tls"),
)
def unread_ends(target):
    words = {"a close frame": CLOSE, "nonsense": b"\xff\xff", "a close frame and FIN": CLOSE, "FIN": b""}
    for name, data in words.items():
        one = target.accepted(receive_buffer=4096)
        fill(target, one)
        ids = target.value("ids")
        one.write(data)
        if "FIN" in name:
            with socket.socket(fileno=os.dup(one.socket.fileno())) as below:
                below.shutdown(socket.SHUT_WR)
        check(target.eventually(lambda: target.value("ids") < ids, within=8), f"{name}: still there after 8 s")
        target.drop(one)
    return f"{len(words)} ended in their time"


@attack(
    "a reset behind a pause",
    "one who sends beyond its rate, reads nothing of 2 MB, and resets: nothing is left of it at once",
    own=True, ports=("plain", "tls"), rate_bytes="64KiB",
)
def reset_behind_pause(target):
    one = target.accepted(receive_buffer=4096)
    fill(target, one)
    data, end = payload(one.id, os.urandom(16), bytes(300_000)) * 4, time.monotonic() + 0.3
    one.socket.setblocking(False)
    while time.monotonic() < end:
        try:
            data = data[one.socket.send(data) :]
        except WOULD_BLOCK:
            time.sleep(0.01)  # until the service has taken more
    ids = target.value("ids")
    with socket.socket(fileno=os.dup(one.socket.fileno())) as below:
        below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        target.drop(one)
    check(target.eventually(lambda: target.value("ids") < ids, within=3), "its id is held until the pause ends")
    return "gone at once"
