"""A proxy that reads whole websocket messages and lies about them: it swallows, doubles, swaps, changes and makes up frames.

Each lie is put on the line of one program, and notes the payloads that it was told of, as (program that sent, number).
"""

import os
import threading

from support.proxy import DOWN, UP, FaultProxy, _Link
from support.rawws import BINARY, RawSocket, masked
from support.v1 import HEADER, NOBODY, PAYLOAD, frame

TRACKED, RECEIPT = 5, 6
HEAD = HEADER + 21  # of a tracked frame
SAID_DELIVERED, SAID_NOT_HERE = b"\2", b"\x10"
EVERY = 5  # of so many frames one is lied about


class LyingLink(_Link):
    """One connection: HTTP as it comes, then message by message."""

    def __init__(self, proxy, client, fault):
        super().__init__(proxy, client, fault)
        self.locks = {UP: threading.Lock(), DOWN: threading.Lock()}

    def _pump(self, source, sink, way):
        have, upgraded = bytearray(), False
        try:
            while data := source.recv(65536):
                have += data
                if not upgraded:
                    end = have.find(b"\r\n\r\n") + 4
                    if end < 4:
                        continue
                    sink.sendall(have[:end])
                    del have[:end]
                    upgraded = True
                while size := whole(have):
                    self._message(bytes(have[:size]), way)
                    del have[:size]
        except OSError:
            pass
        self._shutdown(sink)

    def _message(self, raw, way):
        if raw[0] != 0x80 | BINARY:
            return self._put(way, raw)
        for where, data in self.proxy.lie.hear(way, payload_of(raw)):
            self._put(where, RawSocket.encode(data, mask=where == UP))

    def _put(self, way, raw):
        with self.locks[way]:
            (self.service if way == UP else self.client).sendall(raw)


def head_size(have):
    length = have[1] & 0x7F
    return 2 + {126: 2, 127: 8}.get(length, 0), length, 4 if have[1] & 0x80 else 0


def whole(have):
    """The size of the first frame; 0 where it is not all there."""
    if len(have) < 2:
        return 0
    head, length, key = head_size(have)
    if len(have) < head:
        return 0
    if head > 2:
        length = int.from_bytes(have[2:head], "big")
    size = head + key + length
    return size if len(have) >= size else 0


def payload_of(raw):
    head, _, key = head_size(raw)
    return masked(raw[head + key :], raw[head : head + key]) if key else raw[head:]


class Message:
    """A frame of the protocol."""

    def __init__(self, data):
        self.data, self.kind = data, data[0] & 15
        self.sender, self.recipient = data[1:17], data[17:33]
        self.tracked = self.kind == TRACKED
        self.delivered = self.tracked and data[HEADER] & 3 == 2
        self.run, self.number = data[HEADER + 1 : HEADER + 9], data[HEADER + 9 : HEADER + 17]

    def words(self):
        """(program that sent, number)"""
        parts = self.data[HEAD if self.tracked else HEADER :].split(b" ", 2)
        return parts[0].decode(errors="replace"), int(parts[1])

    def of_another_run(self):
        """As if another program had sent it, so that the recipient cannot recognise it."""
        return self.data[: HEADER + 1] + os.urandom(8) + self.number + bytes(4) + self.data[HEAD:]


class Lie:
    """`rule`: what the checker has to say."""

    rule, way = None, DOWN

    def __init__(self):
        self.told, self.count = [], 0

    def proxy(self, port):
        made = LyingProxy(port)
        made.lie = self
        return made

    def hear(self, way, data):
        message = Message(data) if len(data) >= HEADER else None
        if not message or way != self.way or not self.wants(message):
            return [(way, data)]
        self.count += 1
        return self.lie(message) if self.count % EVERY == 0 else [(way, data)]

    def note(self, message):
        self.told.append(message.words())


class LyingProxy(FaultProxy):
    link = LyingLink


class SaysDelivered(Lie):
    """Swallows what goes up, and says in the recipient's name that it was delivered."""

    rule, way = "lost", UP

    def wants(self, message):
        return message.delivered

    def lie(self, message):
        self.note(message)
        return [(DOWN, frame(RECEIPT, message.recipient, message.sender, message.run + message.number + SAID_DELIVERED))]


class SaysNotHere(Lie):
    """Passes on what goes up, and says that the recipient is not here."""

    rule, way = "failed and given", UP

    def wants(self, message):
        return message.tracked

    def lie(self, message):
        self.note(message)
        word = frame(RECEIPT, NOBODY, message.sender, message.run + message.number + SAID_NOT_HERE)
        return [(UP, message.data), (DOWN, word)]


class GivesTwice(Lie):
    rule = "twice"

    def wants(self, message):
        return message.tracked

    def lie(self, message):
        self.note(message)
        return [(DOWN, message.data), (DOWN, message.of_another_run())]


class GivesPlainTwice(GivesTwice):
    def wants(self, message):
        return message.kind == PAYLOAD

    def lie(self, message):
        self.note(message)
        return [(DOWN, message.data)] * 2


class Swaps(Lie):
    """Holds one back until another of the same program has gone by."""

    rule = "order"
    held = None

    def wants(self, message):
        return message.delivered

    def hear(self, way, data):
        message = Message(data) if len(data) >= HEADER else None
        if not message or way != DOWN or not self.wants(message):
            return [(way, data)]
        if not self.held:
            self.held = message
            return []
        if message.words()[0] != self.held.words()[0]:
            return [(way, data)]
        first, self.held = self.held, None
        self.note(first)
        return [(DOWN, self.changed(message)), (DOWN, self.changed(first))]

    def changed(self, message):
        return message.of_another_run()


class SwapsPlain(Swaps):
    def wants(self, message):
        return message.kind == PAYLOAD

    def changed(self, message):
        return message.data


class Damages(Lie):
    rule = "foreign or damaged"

    def wants(self, message):
        return message.kind in (TRACKED, PAYLOAD)

    def lie(self, message):
        self.note(message)
        return [(DOWN, message.data[:-1] + bytes([message.data[-1] ^ 1]))]


# What follows a network may do, or a stranger; the programs have to bear it without a violation.


class Swallows(Lie):
    def wants(self, message):
        return message.tracked

    def lie(self, message):
        self.note(message)
        return []


class SwallowsReceipts(Lie):
    def wants(self, message):
        return message.kind == RECEIPT

    def lie(self, message):
        return []


class SaysForOthers(Lie):
    """Swallows what goes up, and says that it was delivered: of another run, and in another's name. Nobody may believe it."""

    way = UP

    def wants(self, message):
        return message.delivered

    def lie(self, message):
        self.note(message)
        item = message.number + SAID_DELIVERED
        other_run = frame(RECEIPT, message.recipient, message.sender, os.urandom(8) + item)
        return [(DOWN, other_run), (DOWN, frame(RECEIPT, os.urandom(16), message.sender, message.run + item))]


class Repeats(Lie):
    def wants(self, message):
        return message.kind in (TRACKED, RECEIPT)

    def lie(self, message):
        return [(DOWN, message.data)] * 2
