"""Those who do not read, or only a little: what waits for them is bounded, wherever it waits."""

import os
import time

from support import rawws, v1

from .suite import attack, check
from .tools import WOULD_BLOCK, mib, payload, pour

BODY = 64 * 1024
READERS = 12


def feed(target, readers, senders, seconds, during=lambda: None):
    """Senders that write to those who read nothing, in turn."""
    flows = {}
    for number in range(senders):
        one = target.accepted(source=target.elsewhere)
        mine = readers[number::senders]
        flows[one] = b"".join(payload(one.id, each.id, os.urandom(BODY)) for each in mine)
    taken, _ = pour(flows, seconds, during=during)
    return sum(taken.values())


def silent(target, count):
    return [target.accepted(receive_buffer=4096, source=target.elsewhere) for _ in range(count)]


@attack(
    "silent readers",
    "readers with the smallest buffers that never read, fed with 64 KiB payloads",
    noisy=True, ports=("plain", "tls"), memory="32MiB", send_buffer="4MiB",
)
def silent_readers(target):
    held = [0]

    def during():
        if target.service:
            held[0] = max(held[0], target.value("buffer_bytes"))

    sent = feed(target, silent(target, 24), 4, max(target.seconds, 0.6), during)
    check(held[0] <= 36 * 2**20, f"{mib(held[0])} in buffers where --memory is 32 MiB")
    return f"took {mib(sent)}" + (f", kept {mib(held[0])} at most" if target.service else "")


@attack(
    "silent readers and the kernel",
    "the same; what the kernel holds for them counts as well",
    own=True, noisy=True, memory="32MiB", send_buffer="4MiB",
)
def in_the_kernel(target):
    most = [0]

    def during():
        most[0] = max(most[0], target.in_kernel())

    feed(target, silent(target, 40), 4, max(target.seconds, 0.6), during)
    check(most[0] <= 40 * 2**20, f"{mib(most[0])} in the kernel where --memory is 32 MiB")
    return f"{mib(most[0])} in the kernel at most"


@attack(
    "silent reader on another thread",
    "64 KiB every few milliseconds to each of twelve who read nothing; a send buffer is 1 MiB",
    own=True, noisy=True, send_buffer="1MiB",
)
def across_threads(target):
    pairs = [(target.accepted(), each) for each in silent(target, READERS)]
    flows = {sender: payload(sender.id, reader.id, os.urandom(BODY)) for sender, reader in pairs}
    before, _ = target.resident()
    pour(flows, max(target.seconds, 1.5), pace=0.003)  # each is far from a flood
    grown = target.resident()[1] - before
    check(grown <= 4 * READERS * 2**20, f"the process grew by {mib(grown)} for {READERS} readers whose --send-buffer is 1 MiB")
    return f"the process grew by {mib(grown)}"


@attack(
    "messages that never end",
    "clients that announce a megabyte, send half of it and stop",
    own=True, memory="8MiB",
)
def never_ending(target):
    most = 0
    for _ in range(24):
        one = target.accepted()
        one.write(b"\x82\xff" + (1000 * 1024).to_bytes(8, "big") + bytes(4) + bytes(500 * 1024))
        most = max(most, target.value("buffer_bytes"))
    check(target.eventually(lambda: target.value("buffer_bytes") <= 8 * 2**20), "more than --memory allows is kept")
    return f"{mib(most)} of 12 MiB were kept at most"


@attack(
    "a message in two pieces and silence",
    "300 clients send one message in two pieces and then nothing",
    own=True, once=True,
)
def two_pieces(target):
    crowd = [target.accepted() for _ in range(300)]
    before = target.value("buffer_bytes")
    for one in crowd:
        data = payload(one.id, one.id, bytes(2000))
        one.write(data[:1000])
        one.rest = data[1000:]
    for one in crowd:
        one.write(one.rest)
        one.message()
    target.eventually(lambda: target.value("buffer_bytes") - before < 300 * 1024, within=1)
    kept = target.value("buffer_bytes") - before
    check(kept < 300 * 1024, f"{kept / 300 / 1024:.1f} KiB are kept for each client that is idle again")
    return f"{kept / 300 / 1024:.1f} KiB kept for each"


@attack(
    "a slow reader that lives",
    "a client that reads on, slowly, while its queue is full: a ping waits behind the rest",
    own=True, ping_interval="400ms", ping_timeout="400ms", send_buffer="16MiB", rate_bytes="4MiB",
)
def slow_but_alive(target):
    slow, sender = target.accepted(receive_buffer=16384), target.accepted()
    slow.socket.setblocking(False)
    got = 0

    def during():
        nonlocal got
        try:
            slow.fill(8192)
        except WOULD_BLOCK:
            pass
        except rawws.Gone:
            check(False, f"hung up after it had read {mib(got)}, and was reading on")
        got += len(slow.read(len(slow.buffer)))

    pour({sender: payload(sender.id, slow.id, bytes(BODY))}, 1.4, during=during)
    return f"stayed, {mib(got)} read"


@attack(
    "a client that pauses",
    "a client that reads nothing for a while, although its kernel does",
    own=True, once=True, ping_interval="400ms", ping_timeout="400ms",
)
def pauses(target):
    one = target.accepted()
    time.sleep(1.4)  # the pause
    try:
        one.write(payload(one.id, one.id, b"back"))
        got = one.message()
    except rawws.Gone:
        got = None
    check(got == v1.frame(v1.PAYLOAD, one.id, one.id, b"back"), "hung up, although every ping was acknowledged")
    return "stayed"


def answer_pings(one, stop):
    """Reads like a client until told to stop."""
    one.socket.settimeout(0.05)
    while not stop.is_set():
        try:
            one.fill()
            while one.is_whole():
                opcode, data = one.frame()
                if opcode == rawws.PING:
                    one.send(data, rawws.PONG)
        except TimeoutError:
            pass
        except (rawws.Gone, OSError):
            return
