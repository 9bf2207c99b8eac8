"""Frames that no client should send: each has its answer, and nobody else notices."""

import os
import random
import struct

import pytest
from websockets.exceptions import ConnectionClosed

from support import msgpack, programs, rawws, v1
from support.waiting import eventually

MAX_FRAME = 64 * 1024
MAGIC = b"ACX1"


@pytest.fixture(scope="module")
def arena():
    one = programs.Service(max_frame=MAX_FRAME, drain_time="2s")
    pair = v1.Bystanders(one.url)
    yield one, pair
    pair.close()
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def url(arena):
    one, pair = arena
    yield one.url
    assert one.alive(), one.stderr
    pair.check()


@pytest.fixture
def raw(url):
    """A raw websocket, upgraded; `raw(True)` one that is accepted."""
    made = []

    def make(accepted=False):
        one = rawws.RawSocket(url)
        made.append(one)
        if accepted:
            one.identity = one.login()
        else:
            assert one.upgrade()[0] == 101
        return one

    yield make
    for one in made:
        one.close()


def whole_response():
    """A response that only lacks its challenge."""
    return v1.frame(v1.RESPONSE, os.urandom(16), v1.NOBODY, os.urandom(129))


# --- frames too short


@pytest.mark.parametrize("size", range(33))
def test_a_truncated_frame_is_malformed_before_acceptance(raw, size):
    one = raw()
    one.send(v1.frame(v1.INIT, os.urandom(16))[:size])
    assert one.closed() == v1.Closed(1002, "malformed frame")


@pytest.mark.parametrize("size", range(33))
def test_a_truncated_frame_is_malformed_after_acceptance(raw, size):
    one = raw(True)
    one.send(v1.frame(v1.PAYLOAD, one.identity.id, os.urandom(16))[:size])
    assert one.closed() == v1.Closed(1002, "malformed frame")


@pytest.mark.parametrize("size", [*range(0, 129, 8), 1, 15, 17, 48, 49, 64, 65, 66, 127, 128, 130, 200])
def test_a_response_of_another_size_is_malformed(url, size):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        body = (one.response(challenge) + bytes(100))[:size]
        one.raw(v1.frame(v1.RESPONSE, one.id, v1.NOBODY, body))
        assert one.gone() == v1.Closed(1002, "malformed frame")


# --- types and versions


@pytest.mark.parametrize("kind", [v1.CHALLENGE, v1.ACCEPTED, *range(5, 16)])
def test_an_unexpected_type_is_refused_before_acceptance(raw, kind):
    one = raw()
    one.send(v1.frame(kind, os.urandom(16)))
    assert one.closed() == v1.Closed(1002, "unexpected frame type before acceptance")


@pytest.mark.parametrize("version", [0, *range(2, 16)])
def test_an_unknown_version_is_refused_before_acceptance(raw, version):
    one = raw()
    one.send(v1.frame(v1.INIT, os.urandom(16), version=version))
    assert one.closed() == v1.Closed(1002, "unknown protocol version")


def test_unknown_types_and_versions_of_an_accepted_client_are_ignored_and_counted(arena, url):
    before = arena[0].metrics()
    sent = 0
    with v1.Client(url) as one, v1.Client(url) as two:
        for kind in [v1.CHALLENGE, v1.ACCEPTED, *range(5, 16)]:
            one.raw(v1.frame(kind, one.id, two.id, b"?"))
            sent += 1
        for version in [0, *range(2, 16)]:
            one.raw(v1.frame(v1.PAYLOAD, one.id, two.id, b"?", version=version))
            sent += 1
        one.barrier()
        two.barrier()
    after = arena[0].metrics()
    count = [figures.value("acurast_dropped_frames_total", reason="unknown_frame") for figures in (before, after)]
    assert count[1] - count[0] == sent


# --- senders


def test_a_forged_sender_is_refused_and_not_relayed(url):
    with v1.Client(url) as target, v1.Client(url) as victim, v1.Client(url) as forger:
        forger.raw(v1.frame(v1.PAYLOAD, victim.id, target.id, b"as if"))
        assert forger.gone() == v1.Closed(1008, "the sender is not the id of this connection")
        target.barrier()
        victim.barrier()


def test_the_service_as_sender_is_a_forgery(url):
    with v1.Client(url) as forger:
        forger.raw(v1.frame(v1.PAYLOAD, v1.NOBODY, forger.id, b"from above"))
        assert forger.gone() == v1.Closed(1008, "the sender is not the id of this connection")


@pytest.mark.parametrize("at", [0, 7, 8, 15])
def test_a_sender_that_differs_in_one_byte_is_a_forgery(url, at):
    with v1.Client(url) as forger:
        sender = bytearray(forger.id)
        sender[at] ^= 0x80
        forger.raw(v1.frame(v1.PAYLOAD, bytes(sender), forger.id, b"nearly"))
        assert forger.gone() == v1.Closed(1008, "the sender is not the id of this connection")


def test_a_payload_to_the_service_itself_harms_nobody(url):
    with v1.Client(url) as one:
        one.send(v1.NOBODY, b"anybody in?")
        one.barrier()


# --- text


@pytest.mark.parametrize("text", [b"", b"hello", b'{"jsonrpc": "2.0"}', b"\xff\xfe"])
@pytest.mark.parametrize("accepted", [False, True])
def test_a_text_message_is_refused(raw, accepted, text):
    one = raw(accepted)
    one.send(text, rawws.TEXT)
    code = one.closed().code
    assert code == 1003 or (code == 1007 and text == b"\xff\xfe")


def test_a_text_message_in_fragments_is_refused(raw):
    one = raw(True)
    one.send(b"hel", rawws.TEXT, fin=False)
    one.send(b"lo", rawws.CONTINUATION)
    assert one.closed().code == 1003


# --- sizes


def test_the_largest_frame_is_relayed(url):
    with v1.Client(url) as one, v1.Client(url) as two:
        body = os.urandom(MAX_FRAME - v1.HEADER)
        one.send(two.id, body)
        two.expect(one.id, body)


def test_a_frame_one_byte_too_large_is_refused(url):
    with v1.Client(url) as one, v1.Client(url) as two:
        one.send(two.id, bytes(MAX_FRAME - v1.HEADER + 1))
        assert one.gone().code == 1009
        two.barrier()


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 2**31, 2**32 + 5, 2**62])
def test_an_oversize_frame_is_refused_when_announced(raw, length):
    """Long before its bytes have come."""
    one = raw(True)
    one.send(v1.frame(v1.PAYLOAD, one.identity.id, os.urandom(16)), length=length)
    closed = one.closed()
    assert closed.code == 1009 or (length > 2**31 and closed.code in (1002, 1009))


def test_a_length_with_the_highest_bit_set_ends_the_connection(raw):
    one = raw(True)
    one.write(b"\x82\xff" + struct.pack(">Q", 2**63 + 10) + os.urandom(40))
    one.closed()


def test_an_oversize_message_in_fragments_is_refused(raw):
    one = raw(True)
    try:
        one.send(v1.frame(v1.PAYLOAD, one.identity.id, os.urandom(16)), fin=False)
        for _ in range(200):
            one.send(bytes(1024), rawws.CONTINUATION, fin=False)
    except rawws.Gone:
        pass
    assert one.closed().code == 1009


def test_endless_empty_fragments_are_bounded_by_patience_not_by_memory(arena, raw):
    one = raw(True)
    one.send(b"", fin=False)
    for _ in range(2000):
        one.send(b"", rawws.CONTINUATION, fin=False)
    one.send(v1.frame(v1.PAYLOAD, one.identity.id, one.identity.id, b"after all"), rawws.CONTINUATION)
    assert v1.Frame.parse(one.message()).body == b"after all"


def test_a_message_in_fragments_is_relayed_whole(raw, url):
    with v1.Client(url) as two:
        one = raw(True)
        body = os.urandom(1000)
        data = v1.frame(v1.PAYLOAD, one.identity.id, two.id, body)
        one.send(data[:1], fin=False)
        for at in range(1, len(data), 7):
            one.send(b"ping in between", rawws.PING)
            one.send(data[at : at + 7], rawws.CONTINUATION, fin=at + 7 >= len(data))
        two.expect(one.identity.id, body)


@pytest.mark.parametrize("size", [4097, 8192, MAX_FRAME])
def test_before_acceptance_4_KiB_are_the_most(raw, size):
    one = raw()
    one.send(v1.frame(v1.INIT, os.urandom(16), v1.NOBODY, bytes(size - v1.HEADER)))
    assert one.closed().code == 1009


def test_before_acceptance_4_KiB_are_allowed(raw):
    one = raw()
    one.send(v1.frame(v1.INIT, os.urandom(16), v1.NOBODY, bytes(4096 - v1.HEADER)))
    assert len(one.message()) == 65


def test_before_acceptance_an_announcement_is_enough(raw):
    one = raw()
    one.send(v1.frame(v1.INIT, os.urandom(16)), length=1024 * 1024)
    assert one.closed().code == 1009


# --- frames that are no websocket frames


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_a_reserved_opcode_ends_the_connection(raw, opcode, accepted):
    one = raw(accepted)
    one.send(b"?", opcode)
    assert one.closed().code in (None, 1002)


@pytest.mark.parametrize("rsv", [1, 2, 4, 7])
def test_reserved_bits_end_the_connection(raw, rsv):
    one = raw(True)
    one.send(v1.frame(v1.PAYLOAD, one.identity.id, one.identity.id, b"?"), rsv=rsv)
    assert one.closed().code in (None, 1002)


@pytest.mark.parametrize("opcode", [rawws.PING, rawws.PONG, rawws.CLOSE])
def test_an_oversize_control_frame_ends_the_connection(raw, opcode):
    one = raw(True)
    one.send(bytes(126), opcode)
    assert one.closed().code in (None, 1002)


def test_a_fragmented_ping_ends_the_connection(raw):
    one = raw(True)
    one.send(b"pi", rawws.PING, fin=False)
    one.send(b"ng", rawws.CONTINUATION)
    assert one.closed().code in (None, 1002)


def test_a_continuation_of_nothing_is_never_relayed(raw, url):
    with v1.Client(url) as two:
        one = raw(True)
        one.send(v1.frame(v1.PAYLOAD, one.identity.id, two.id, b"?"), rawws.CONTINUATION)
        assert one.closed().code in (None, 1002)
        two.barrier()


def test_a_close_without_code_and_one_with_an_illegal_code_are_answered(raw):
    for body in (b"", struct.pack(">H", 1005), b"\x03", struct.pack(">H", 1000) + b"\xff\xff"):
        one = raw(True)
        one.send(body, rawws.CLOSE)
        one.closed()


def test_a_flood_of_pings_is_survived(raw):
    one = raw(True)
    ping = rawws.RawSocket.encode(b"x" * 125, rawws.PING)
    try:
        for _ in range(200):
            one.write(ping * 20)
    except rawws.Gone:
        pass


@pytest.mark.parametrize("seed", range(12))
def test_noise_after_the_upgrade_is_survived(raw, seed):
    noise = random.Random(seed)
    one = raw(bool(seed % 2))
    try:
        for _ in range(30):
            one.write(noise.randbytes(noise.randrange(1, 400)))
    except rawws.Gone:
        pass
    one.close()


@pytest.mark.parametrize("seed", range(8))
def test_well_framed_noise_is_survived(raw, seed):
    """Random messages that look a little like frames."""
    noise = random.Random(seed)
    one = raw(bool(seed % 2))
    sender = one.identity.id if seed % 2 else os.urandom(16)
    try:
        for _ in range(50):
            data = bytes([noise.randrange(256)]) + sender + noise.randbytes(16 + noise.randrange(300))
            one.send(data[: noise.choice([len(data), noise.randrange(1, len(data))])])
    except rawws.Gone:
        pass
    one.close()


# --- ends


@pytest.mark.parametrize("part", [1, 2, 5, 8, 20, 40, 2000])
@pytest.mark.parametrize("accepted", [False, True])
def test_a_reset_in_the_middle_of_a_frame_is_survived(raw, part, accepted):
    one = raw(accepted)
    sender = one.identity.id if accepted else os.urandom(16)
    kind = v1.PAYLOAD if accepted else v1.INIT
    data = rawws.RawSocket.encode(v1.frame(kind, sender, os.urandom(16), bytes(3000)))
    one.write(data[:part])
    one.reset()


def test_a_half_frame_and_an_end_of_stream_is_not_relayed(raw, url):
    with v1.Client(url) as two:
        one = raw(True)
        data = rawws.RawSocket.encode(v1.frame(v1.PAYLOAD, one.identity.id, two.id, b"complete?"))
        one.write(data[:-1])
        one.close()
        two.barrier()


def test_a_thousand_connections_that_come_and_go_leave_no_descriptor(arena, url):
    service, _ = arena
    before = service.descriptors()
    for turn in range(300):
        one = rawws.RawSocket(url)
        if turn % 3:
            one.upgrade()
        one.reset() if turn % 2 else one.close()
    eventually(lambda: service.descriptors() <= before + 2, "the descriptors' return")


# --- the extension block of init

MANY = {f"k{i}": i for i in range(33)}
BLOCKS = {
    "nothing": b"",
    "no map": msgpack.pack("text"),
    "nil": b"\xc0",
    "an array": b"\x90",
    "a map that lacks its last value": b"\x81\xa1a",
    "a map that lacks everything": b"\x8f",
    "33 entries": msgpack.pack(MANY),
    "a map within": msgpack.pack({"a": {"b": 1}}),
    "an array within": b"\x81\xa1a\x90",
    "a number as key": b"\x81\x01\x01",
    "nil as key": b"\x81\xc0\x01",
    "an extension type": b"\x81\xa1a\xd4\x01\x00",
    "a float": b"\x81\xa1a\xcb" + bytes(8),
    "the byte that is never used": b"\x81\xa1a\xc1",
    "a text that announces 4 GiB": b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "bytes that announce 4 GiB": b"\x81\xa1a\xc6\xff\xff\xff\xff",
    "a map that announces 4 Gi entries": b"\xdf\xff\xff\xff\xff",
    "a map that announces 65535 entries": b"\xde\xff\xff\xa1a\x01",
    "an integer cut short": b"\x81\xa1a\xcf\x00",
    "bytes after the map": b"\x80\x00",
    "two maps": b"\x80\x80",
    "more than 1 KiB": msgpack.pack({"a": bytes(1100)}),
    "deep nesting": b"\x81\xa1a" + b"\x91" * 500 + b"\x01",
    "noise": b"\xc1\xff\x13\x37",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_a_malformed_extension_block_is_refused(url, block):
    with v1.Client(url, extension=MAGIC + block, login=False) as one:
        one.init()
        assert one.gone() == v1.Closed(1002, "malformed extension block")


@pytest.mark.parametrize("seed", range(30))
def test_noise_after_the_magic_is_refused_or_answered(url, seed):
    noise = random.Random(seed)
    with v1.Client(url, extension=MAGIC + b"\x82" + noise.randbytes(noise.randrange(60)), login=False) as one:
        one.init()
        try:
            one.challenge()
        except ConnectionClosed as error:
            assert v1.closing(error) == v1.Closed(1002, "malformed extension block")
