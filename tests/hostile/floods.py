"""Much, and fast: what costs a sender nothing must not cost others their time."""

import itertools
import os
import random
import threading
import time

from support import rawws, v1

from .suite import attack, check
from .tools import mib, payload, pour

encode = rawws.RawSocket.encode
RATES = {"rate_messages": 20_000, "rate_bytes": "2MiB"}
RATE = 2 * 2**20


def within_rates(target, taken, seconds, name):
    """What a connection gave in this time is no more than the rate of our settings, a burst and the kernel's buffers."""
    for one in taken:
        one.reset()  # so that what the kernel still has of it need not be read to the end, at that rate
    most = max(taken.values())
    if target.service:
        allowed = 4 * RATE * (seconds + 1) + 16 * 2**20
        check(most <= allowed, f"{name}: {mib(most)} were read in {seconds:.1f} s, at a rate of {mib(RATE)} a second")
    return most


def flood(target, name, data, *, accepted=True):
    seconds = max(target.seconds, 0.4)
    flows = {target.accepted() if accepted else target.upgraded(): data for _ in range(2)}
    taken, still = pour(flows, seconds)
    most = within_rates(target, taken, seconds, name)
    return f"{mib(most / seconds)}/s of one at most, {len(still)} of {len(flows)} still there"


@attack("ping flood", "pings of 125 bytes, as fast as they are taken", noisy=True, **RATES)
def pings(target):
    return flood(target, "pings", encode(os.urandom(125), rawws.PING) * 500)


@attack("pong flood", "pongs that nobody asked for", noisy=True, **RATES)
def pongs(target):
    return flood(target, "pongs", encode(os.urandom(125), rawws.PONG) * 500)


@attack("flood of empty pieces", "a message in pieces of no bytes that never ends", noisy=True, **RATES)
def empty_pieces(target):
    seconds = max(target.seconds, 0.4)
    one = target.accepted()
    one.write(encode(b"", fin=False))
    taken, _ = pour({one: encode(b"", rawws.CONTINUATION, fin=False) * 10_000}, seconds)
    most = within_rates(target, taken, seconds, "empty pieces")
    return f"{mib(most / seconds)}/s at most"


@attack("flood of empty payloads", "payloads of no bytes to an id that nobody has", noisy=True, **RATES)
def empty_payloads(target):
    seconds = max(target.seconds, 0.4)
    flows = {}
    for _ in range(2):
        one = target.accepted()
        flows[one] = payload(one.id, os.urandom(16)) * 500
    taken, still = pour(flows, seconds)
    most = within_rates(target, taken, seconds, "empty payloads")
    check(len(still) == 2, "a sender within the protocol was cut off")
    return f"{mib(most / seconds)}/s of one at most"


@attack(
    "flood before acceptance",
    "pings, as fast as they are taken, without a word of the handshake",
    noisy=True, **RATES,
)
def pings_before_acceptance(target):
    return flood(target, "pings before acceptance", encode(os.urandom(125), rawws.PING) * 500, accepted=False)


REFUSED = {
    "after text": encode(b"text", rawws.TEXT),
    "after a short frame": encode(b"\x10"),
    "after a close": encode(b"\x03\xe8", rawws.CLOSE),
    "after an HTTP answer": None,
}


@attack(
    "writing on after a refusal",
    "a connection that was closed or answered goes on to write, as fast as it is read",
    noisy=True, **RATES,
)
def refused(target):
    seconds, most = max(target.seconds / len(REFUSED), 0.5), 0
    for name, first in REFUSED.items():
        one = target.upgraded() if first else target.connect()
        one.write(first or b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        taken, _ = pour({one: bytes(262144)}, seconds, reads=False)
        most = max(most, within_rates(target, taken, seconds, name))
    return f"{mib(most)} were taken of one at most"


@attack("connection flood", "connections that come and go, upgraded or not, with RST or FIN", noisy=True)
def connections(target):
    end, count = time.monotonic() + target.seconds, 0
    while time.monotonic() < end:
        try:
            one = target.upgraded() if count % 3 else target.connect(bare=True)
            one.reset() if count % 2 else one.close()
        except (rawws.Gone, OSError):
            pass
        target.made.clear()
        count += 1
    return f"{count} came and went"


@attack("handshake flood", "new keys that log in, send one payload and go", noisy=True)
def handshakes(target):
    end, count = time.monotonic() + target.seconds, 0
    while time.monotonic() < end:
        one = target.accepted()
        one.write(payload(one.id, os.urandom(16), bytes(100)))
        target.drop(one)
        count += 1
    return f"{count} accepted"


def session(noise):
    """The bytes of a session as a client writes them, before they are spoilt."""
    me = noise.randbytes(16)
    request = ("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()
    frames = [
        v1.frame(v1.INIT, me), v1.frame(v1.INIT, me, v1.NOBODY, b"ACX1\x81\xa5agent\xa1x"),
        v1.frame(v1.RESPONSE, me, v1.NOBODY, noise.randbytes(129)), v1.frame(v1.PAYLOAD, me, noise.randbytes(16), b"x" * 300),
    ]
    kinds = [rawws.BINARY] * 5 + [rawws.PING, rawws.PONG, rawws.CONTINUATION, rawws.TEXT, rawws.CLOSE]
    parts = [encode(noise.choice(frames), noise.choice(kinds), fin=noise.random() < 0.8) for _ in range(noise.randrange(1, 6))]
    return request + b"".join(parts)


def spoilt(data, noise):
    data = bytearray(data)
    for _ in range(noise.randrange(4)):
        at = noise.randrange(len(data))
        how = noise.randrange(4)
        if how == 0:
            data[at] = noise.randrange(256)
        elif how == 1:
            data[at:at] = noise.randbytes(noise.randrange(1, 20))
        elif how == 2:
            del data[at : at + noise.randrange(1, 20)]
        else:
            data[at:at] = data[at : at + noise.randrange(1, 200)]
        data = data or bytearray(b"\0")
    return bytes(data)


@attack(
    "fuzzed connections",
    "sessions with bytes changed, added, taken away and doubled, in random slices",
    ports=("plain", "tls"), noisy=True,
)
def fuzzed(target):
    end = time.monotonic() + target.seconds
    for seed in itertools.count():
        noise = random.Random(seed)
        data = spoilt(session(noise), noise)
        one = target.connect()
        try:
            while data and time.monotonic() < end:
                size = noise.choice([1, 10, 100, 1000, 10_000])
                one.write(data[:size])
                data = data[size:]
            one.reset() if noise.randrange(2) else one.close()
        except (rawws.Gone, OSError):
            pass
        target.drop(one)
        if time.monotonic() >= end:
            return f"{seed + 1} connections survived"


CHUNK = 32768


class Reader(threading.Thread):
    """A healthy client that reads `rate` bytes a second, answers pings, and notes what `wanted` senders sent it."""

    def __init__(self, socket, wanted, rate):
        super().__init__(daemon=True)
        self.socket, self.rate, self.got = socket, rate, {each: [] for each in wanted}
        self.hurry, self.over, self.fault = threading.Event(), threading.Event(), ""
        self.start()

    def run(self):
        self.socket.socket.settimeout(0.05)
        try:
            while not self.over.is_set():
                self.hurry.wait(CHUNK / self.rate)
                try:
                    self.socket.fill(CHUNK)
                except TimeoutError:
                    continue
                while self.socket.is_whole():
                    self._take(*self.socket.frame())
        except (rawws.Gone, OSError, AssertionError) as error:
            self.fault = self.fault or f"the reader was cut off: {error}"

    def _take(self, opcode, data):
        if opcode == rawws.PING:
            self.socket.send(data, rawws.PONG)
        elif opcode == rawws.CLOSE:
            self.fault = f"the reader was closed with {int.from_bytes(data[:2], 'big')}"
        elif opcode == rawws.BINARY:
            got = v1.Frame.parse(data)
            if got.sender in self.got:
                self.got[got.sender].append(got.body)


def shared_reader(target, flooders, frame):
    """Flooders against a reader of 2 MB/s that four honest senders write to as well, a little: those must lose nothing."""
    honest = [target.accepted() for _ in range(4)]
    socket = target.accepted(receive_buffer=65536)
    reader = Reader(socket, [each.id for each in honest], 2_000_000)
    flows = {}
    for _ in range(flooders):
        one = target.accepted(source=target.elsewhere)
        flows[one] = payload(one.id, socket.id, bytes(frame))
    sent = 0

    def during():
        nonlocal sent
        for each in honest:
            each.send(v1.frame(v1.PAYLOAD, each.id, socket.id, b"%d" % sent))
        sent += 1

    taken, still = pour(flows, max(target.seconds, 1.5), during=during)
    for one in flows:
        one.close()
    reader.hurry.set()
    wanted = [b"%d" % number for number in range(sent)]
    done = target.eventually(lambda: reader.fault or all(got == wanted for got in reader.got.values()), within=10)
    reader.over.set()
    reader.join()
    check(not reader.fault, f"{reader.fault}, after {mib(sum(taken.values()))} from strangers")
    lost = sum(sent - len(got) for got in reader.got.values())
    check(done, f"{lost} of {4 * sent} payloads of honest senders were lost" if lost else "an honest sender's order was lost")
    return f"took {mib(sum(taken.values()))}, {len(still)} of {flooders} stayed; 0 of {4 * sent} honest payloads lost"


@attack(
    "flooder against a healthy reader",
    "one key sends frames, as large as may be, to a reader that honest senders share",
    noisy=True, send_buffer="1MiB", max_frame="1MiB", rate_bytes="256MiB",
)
def one_flooder(target):
    return shared_reader(target, 1, 512 * 1024)


@attack(
    "thirty flooders of one address",
    "the same with thirty keys",
    noisy=True, send_buffer="1MiB", max_frame="1MiB", rate_bytes="256MiB",
)
def many_flooders(target):
    return shared_reader(target, 30, 64 * 1024)
