"""Receipts and presence, as protocol.md has them: a client of v1.py that speaks the extension, on raw frames."""

import hashlib
import os
import struct
from dataclasses import dataclass

from . import msgpack, v1
from .waiting import DEADLINE

TRACKED, RECEIPT, GONE, LOOK, SEEN = range(5, 10)

RELAYED, DELIVERED, KEPT = 1, 2, 3
NOT_HERE, MAILBOX_FULL, EXPIRED, TOO_LARGE, QUEUE_FULL, NO_MEMORY, NOT_DELIVERED, UNKNOWN, EARLY, DRAINING = range(16, 26)

LEFT, AWAY, REPLACED = range(3)
ABSENT, HERE, MAILBOX = range(3)

HEAD = 21


def block(**keys):
    return b"ACX1" + msgpack.pack({"track": 1, **keys})


def head(run, number, level=2, again=False, behind=0):
    return bytes([level | (4 if again else 0)]) + run + struct.pack(">QI", number, behind)


def receipt(run, items):
    return run + b"".join(struct.pack(">QB", number, status) for number, status in items)


@dataclass(frozen=True)
class Told:
    """One item of a receipt."""

    sender: bytes
    run: bytes
    number: int
    status: int


def items_of(frame):
    """The items of a receipt frame."""
    run, rest = frame.body[:8], frame.body[8:]
    assert rest and len(rest) % 9 == 0 and len(rest) <= 9 * 1024, frame
    return [Told(frame.sender, run, *struct.unpack(">QB", rest[at : at + 9])) for at in range(0, len(rest), 9)]


def gone_of(frame):
    assert frame.sender == v1.NOBODY and frame.body and len(frame.body) % 17 == 0, frame
    return [(frame.body[at : at + 16], frame.body[at + 16]) for at in range(0, len(frame.body), 17)]


class Client(v1.Client):
    """It tracks. What comes is sorted by kind; `frame()` still gives everything in order."""

    def __init__(self, url, identity=None, *, keys=None, **options):
        self.run = os.urandom(8)
        self.number = 0
        self.items = []  # of receipts, not yet asked for
        self.sorted = {kind: [] for kind in (v1.PAYLOAD, TRACKED, RECEIPT, GONE, SEEN)}
        super().__init__(url, identity, extension=block(**(keys or {})), **options)

    @property
    def terms(self):
        """What the service said of itself in its block."""
        assert self.service_block.startswith(b"ACX1"), self.service_block
        return msgpack.unpack(self.service_block[4:])

    def track(self, recipient, payload=b"", *, level=2, again=False, behind=0, number=None, run=None):
        """Sends one; its number."""
        if number is None:
            self.number += 1
            number = self.number
        self.raw(v1.frame(TRACKED, self.id, recipient, head(run or self.run, number, level, again, behind) + payload))
        return number

    def say(self, recipient, run, *items):
        self.raw(v1.frame(RECEIPT, self.id, recipient, receipt(run, items)))

    def next(self, kind, deadline=DEADLINE):
        """The next frame of that kind; others that come before it wait in their own lists."""
        while not self.sorted[kind]:
            got = self.frame(deadline)
            self.sorted[got.kind].append(got)
        return self.sorted[kind].pop(0)

    def told(self, count=1):
        """The next `count` items of receipts, as [(number, status)], all from the service and of this run."""
        while len(self.items) < count:
            self.items += items_of(self.next(RECEIPT))
        found, self.items = self.items[:count], self.items[count:]
        assert all(each.sender == v1.NOBODY and each.run == self.run for each in found), found
        return [(each.number, each.status) for each in found]

    def expect_tracked(self, sender, payload):
        got = self.next(TRACKED)
        assert (got.version, got.sender, got.recipient, got.body[HEAD:]) == (1, sender, self.id, payload), got
        return got.body[:HEAD]

    def goners(self, count=1):
        found = []
        while len(found) < count:
            found += gone_of(self.next(GONE))
        assert len(found) == count, found
        return found

    def look(self, *ids):
        """[(status, key)] of the answer; keys are checked against their ids."""
        token = os.urandom(4)
        self.raw(v1.frame(LOOK, self.id, v1.NOBODY, token + b"".join(ids)))
        got = self.next(SEEN)
        assert got.sender == v1.NOBODY and got.recipient == self.id and got.body[:4] == token, got
        rest = got.body[4:]
        assert len(rest) == 34 * len(ids)
        answer = [(rest[at], rest[at + 1 : at + 34]) for at in range(0, len(rest), 34)]
        for each, (status, key) in zip(ids, answer):
            assert hashlib.sha256(key).digest()[:16] == each if status == HERE else key == bytes(33)
        return answer

    def quiet(self):
        """Fails where anything came that no test took. What others sent before is on its way when the first payload to itself is
        taken, and comes before the second."""
        for _ in range(2):
            token = os.urandom(8)
            self.send(self.id, token)
            got = self.next(v1.PAYLOAD)
            assert (got.sender, got.body) == (self.id, token), got
        left = {kind: frames for kind, frames in self.sorted.items() if frames}
        assert not left and not self.items, (left, self.items)
