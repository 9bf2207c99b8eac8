"""What our reader of frames reads, the protocol of the package websockets reads as well, but for a list of differences."""

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from websockets.frames import Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from support import programs

READER = Path(os.environ.get("ACURAST_BUILD", programs.ROOT / "build")).resolve() / "tests" / "wire_reader"
COUNT = 600
LIMIT = 1000


def read_all(streams, kind):
    """What `wire_reader` reads from each (bytes, slice): its words."""
    records = b"".join(struct.pack(">II", len(data), size) + data for data, size in streams)
    done = subprocess.run([READER, kind, str(LIMIT)], input=records, capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [line.split() for line in done.stdout.decode().splitlines()]


def receive(data, size, kind):
    """What websockets reads, in the same words."""
    protocol = Protocol(SERVER if kind == "service" else CLIENT, max_size=LIMIT)
    words, name, message = [], None, b""
    for at in range(0, len(data), size or len(data)):
        protocol.receive_data(data[at : at + (size or len(data))])
        for frame in protocol.events_received():
            if frame.opcode in (Opcode.PING, Opcode.PONG):
                words.append(f"{frame.opcode.name.lower()}:{bytes(frame.data).hex()}")
            elif frame.opcode is Opcode.CLOSE:
                words.append(f"close:{int(protocol.close_rcvd.code)}:{protocol.close_rcvd.reason.encode().hex()}")
            else:
                if frame.opcode is not Opcode.CONT:
                    name, message = frame.opcode.name.lower(), b""
                message += bytes(frame.data)
                words += [f"{name}:{message.hex()}"] if frame.fin else []
    if protocol.parser_exc:
        words.append(f"error:{int(protocol.close_sent.code)}:{protocol.close_sent.reason}")
    return words


# --- frames, of which one may be broken


def encode(chance, kind, opcode, final, payload, form=None, masked=None):
    size = len(payload)
    form = form or (7 if size < 126 else 16 if size < 65536 else 64)
    masked = kind == "service" if masked is None else masked
    head = bytes([(0x80 if final else 0) | opcode, (0x80 if masked else 0) | {7: size, 16: 126, 64: 127}[form]])
    head += {7: b"", 16: struct.pack(">H", size & 0xFFFF), 64: struct.pack(">Q", size)}[form]
    if not masked:
        return head + payload
    key = chance.randbytes(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]
REASONS = [b"", b"gone", "€".encode(), b"\xc3", b"\xed\xa0\x80"]


def right_frames(chance):
    """Right ones, but for the code and the reason of the last one, if it closes."""
    frames, within = [], 0
    for _ in range(chance.randint(1, 8)):
        control = chance.random() < 0.25
        opcode = chance.choice([9, 10]) if control else 0 if within else chance.choice([1, 2, 2])
        final = control or chance.random() < 0.7
        size = chance.randrange(126) if control else chance.choice([0, 1, 5, 125, 126, 127, 200, 500, 900])
        frames.append({"opcode": opcode, "final": final, "payload": chance.randbytes(size)})
        within = within if control else not final
    if chance.random() < 0.3:
        code = struct.pack(">H", chance.choice(CODES))
        frames.append({"opcode": 8, "final": True, "payload": chance.choice([b"", code[:1], code + chance.choice(REASONS)])})
    return frames


def break_one(chance, kind, frame):
    size = len(frame["payload"])
    frame.update(
        chance.choice(
            [
                {"opcode": chance.randrange(16)},
                {"opcode": frame["opcode"] | chance.choice([0x10, 0x20, 0x40])},
                {"final": not frame["final"]},
                {"masked": kind != "service"},
                {"payload": chance.randbytes(chance.choice([126, 130, 1001, 70000]))},
                {"form": chance.choice([16, 64]) if size < 65536 else 64},
            ]
        )
    )


def some_stream(chance, kind):
    frames = right_frames(chance)
    if chance.random() < 0.5:
        break_one(chance, kind, chance.choice(frames))
    data = b"".join(encode(chance, kind, **frame) for frame in frames)
    if chance.random() < 0.75:
        return data
    at = chance.randrange(len(data) + 1)
    more = chance.choice([b"", b"\0", b"\x7f\xff", b"\x80", b"\xff\x80" + bytes(7)])
    # What follows completes a frame that was cut: websockets refuses some with the first half of their header.
    return data[:at] + more + data[at + chance.choice([0, 0, 1, 2, 20]) :] + bytes(140)


# --- where they may differ

LENGTH = "a length that is not in its shortest form, or too large"
TOO_LONG = "a control frame that is too long"
BY_FIRST_BYTES = [
    "a reserved bit is set",
    "a control frame in fragments",
    TOO_LONG,
    "a continuation of nothing",
    "a new message within another",
]
DIFFERENCES = {
    "a length that is not in its shortest form is refused": (
        "82fe00010000000061",
        lambda ours, theirs: ours == f"error:1002:{LENGTH}",
    ),
    "that of a control frame as well": (
        "89fe00010000000061",
        lambda ours, theirs: ours == f"error:1002:{TOO_LONG}" and theirs,
    ),
    "a close code is looked at before the reason": (
        "8883000000000000ff",
        lambda ours, theirs: ours == "error:1002:an invalid close code" and plain(theirs) == "error:1007",
    ),
    "a frame that is wrong by its first two bytes is refused with them": (
        "c28500000000",
        lambda ours, theirs: ours and ours[11:] in BY_FIRST_BYTES and plain(theirs) in (None, "error:1009"),
    ),
    "the peer may close within a message": (
        "0281000000006188800000000000",
        lambda ours, theirs: ours and ours.startswith("close:") and theirs == "error:1002:incomplete fragmented message",
    ),
    "control frames do not count for the size of a message": (
        "02fe03e800000000" + "61" * 1000 + "89810000000061",
        lambda ours, theirs: ours and ours.startswith(("ping:", "pong:", "close:", "error:100")) and plain(theirs) == "error:1009",
    ),
}


def plain(word):
    """A message that is too large: who uses our reader closes with 1009."""
    return "error:1009" if word == "large" else word[:10] if word and word.startswith("error") else word


def difference(data, ours, theirs):
    """Says how the two differ, if they do and need not. What is behind the first difference, or the first end, is not compared."""
    ours = [f"{word[:11]}{bytes.fromhex(word[11:]).decode()}" if word.startswith("error") else word for word in ours]
    for i in range(max(len(ours), len(theirs))):
        one, other = (words[i] if i < len(words) else None for words in (ours, theirs))
        if plain(one) != plain(other):
            explained = any(explains(one, other) for _, explains in DIFFERENCES.values())
            return None if explained else f"{data.hex()}: {ours}; websockets: {theirs}"
        if one == "large":
            break
    return None


@pytest.mark.parametrize("kind", ["service", "client"])
def test_websockets_reads_the_same_frames(kind):
    chance = random.Random(6455)
    streams = [(some_stream(chance, kind), chance.choice([0, 1, 2, 3, 10, 100, 1000])) for _ in range(COUNT)]
    read = read_all(streams, kind)
    differences = [difference(data, ours, receive(data, size, kind)) for (data, size), ours in zip(streams, read, strict=True)]
    assert not list(filter(None, differences))[:3]
    broken = sum(bool(words) and words[-1].startswith("error") for words in read)
    assert COUNT / 4 < broken < COUNT * 3 / 4


@pytest.mark.parametrize("data", [data for data, _ in DIFFERENCES.values()], ids=DIFFERENCES.keys())
def test_where_they_may_differ(data):
    data = bytes.fromhex(data)
    (ours,), theirs = read_all([(data, 0)], "service"), receive(data, 0, "service")
    assert [plain(word) for word in ours] != [plain(word) for word in theirs]
    assert difference(data, ours, theirs) is None
