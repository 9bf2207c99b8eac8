"""The bystanders: an honest pair in a process of its own, so that the attackers' work does not look like the service's.

They send each other a small payload every few milliseconds, whatever happens, and keep count of what comes: in order, from
the right sender, and how late. Time that a payload spends unsent in a stalled service is part of its delay.
"""

import multiprocessing
import os
import select
import ssl
import struct
import time
from dataclasses import dataclass

from support import rawws, v1

PACE = 0.004  # seconds between two payloads
PATIENCE = 10  # seconds for what is under way when the window ends
STAMP = struct.Struct(">8sQd")


@dataclass(frozen=True)
class Seen:
    """What the bystanders saw in one window of time. `fault` is empty where nothing but the delay is to be judged."""

    fault: str
    count: int
    p99: float  # seconds
    worst: float


def anonymous(url):
    """A TLS context for a loopback address: there is nobody in between whom a certificate would keep out."""
    if not url.startswith("wss:"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Bystanders:
    """The attackers' end."""

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_live, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def _ask(self, *words):
        self.pipe.send(words)
        answer = self.pipe.recv()
        if isinstance(answer, str):
            raise ConnectionError(answer)
        return answer

    def meet(self, url):
        """Both log in. ConnectionError where they cannot."""
        return self._ask("meet", url)

    def begin(self):
        return self._ask("begin")

    def end(self):
        return self._ask("end")

    def part(self):
        return self._ask("part")

    def close(self):
        self.pipe.close()
        self.process.join()


class _Pair:
    def __init__(self, url):
        self.ends = [rawws.RawSocket(url, context=anonymous(url)) for _ in range(2)]
        self.ids = [end.login().id for end in self.ends]
        self.session = os.urandom(8)
        self.sent, self.got, self.delays = [0, 0], [0, 0], []
        self.fault = ""
        self.due = None  # when the next is sent; None: not now

    def begin(self):
        self.delays, self.due = [], time.monotonic()

    def under_way(self):
        return sum(self.sent) > sum(self.got) and not self.fault

    def end(self):
        self.due = None
        limit = time.monotonic() + PATIENCE
        while self.under_way() and time.monotonic() < limit:
            self.step(None)
        if self.under_way():
            self.fault = f"{sum(self.sent) - sum(self.got)} payloads of the bystanders did not arrive"
        delays = sorted(self.delays) or [0.0]
        return Seen(self.fault, len(delays), delays[int(0.99 * (len(delays) - 1))], delays[-1])

    def step(self, pipe):
        """Sends if it is time, and takes what comes until it is time again or `pipe` has something."""
        now = time.monotonic()
        if self.due is not None and now >= self.due and not self.fault:
            self._send(now)
        wait = 0.1 if self.due is None or self.fault else max(0, self.due - time.monotonic())
        sources = [pipe] if pipe else []
        if not self.fault:
            sources += [end.socket for end in self.ends]
        select.select(sources, [], [], wait)
        for end in (0, 1):
            self._take(end)

    def _send(self, now):
        end = sum(self.sent) % 2
        body = STAMP.pack(self.session, self.sent[end], now)
        try:
            self.ends[end].send(v1.frame(v1.PAYLOAD, self.ids[end], self.ids[1 - end], body))
        except (rawws.Gone, OSError) as error:
            self.fault = f"a bystander was cut off: {error}"
        self.sent[end] += 1
        self.due = max(self.due + PACE, now - 1)

    def _take(self, end):
        if self.fault:
            return
        socket = self.ends[end]
        try:
            socket.take_in()
        except rawws.Gone as gone:
            if not socket.is_whole():
                self.fault = f"a bystander was cut off: {gone}"
        while not self.fault and socket.is_whole():
            self._frame(end, *socket.frame())

    def _frame(self, end, opcode, data):
        if opcode == rawws.PING:
            self.ends[end].send(data, rawws.PONG)
        elif opcode == rawws.CLOSE:
            self.fault = f"a bystander was closed with {data[:2].hex()}: {data[2:].decode(errors='replace')}"
        elif opcode == rawws.BINARY:
            self._payload(end, data)
        elif opcode != rawws.PONG:
            self.fault = f"a bystander got a frame with opcode {opcode}"

    def _payload(self, end, data):
        got = v1.Frame.parse(data)
        if (got.version, got.kind, got.recipient) != (1, v1.PAYLOAD, self.ids[end]) or got.sender != self.ids[1 - end]:
            self.fault = f"a bystander got what is not for it, or from a wrong sender: {data[:33].hex()}"
        elif len(got.body) != STAMP.size or not got.body.startswith(self.session):
            self.fault = "a bystander got another payload than was sent"
        else:
            _, number, then = STAMP.unpack(got.body)
            if number != self.got[1 - end]:
                self.fault = f"a bystander got payload {number} where {self.got[1 - end]} was next"
            self.got[1 - end] += 1
            self.delays.append(time.monotonic() - then)

    def close(self):
        for end in self.ends:
            end.close()


def _live(pipe):
    """The process: does what it is asked, and plays its part in between."""
    pair = None
    while True:
        try:
            if pair and not pipe.poll():
                pair.step(pipe)
                continue
            words = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pair, answer = _obey(pair, *words)
        except (rawws.Gone, OSError, AssertionError) as error:
            pair, answer = None, f"the bystanders could not {words[0]}: {type(error).__name__}: {error}"
        pipe.send(answer)


def _obey(pair, word, *arguments):
    if word in ("meet", "part") and pair:
        pair.close()
        pair = None
    if word == "meet":
        pair = _Pair(*arguments)
    elif word == "begin":
        pair.begin()
    elif word == "end":
        return pair, pair.end()
    return pair, None
