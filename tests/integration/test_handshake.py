"""The handshake: what is accepted, what is refused, and what the refused one is told."""

import hashlib
import os

import pytest
from websockets.exceptions import ConnectionClosed

from support import msgpack, programs, v1

MAGIC = b"ACX1"


@pytest.fixture(scope="module")
def arena():
    one = programs.Service(drain_time="2s")
    pair = v1.Bystanders(one.url)
    yield one, pair
    pair.check()
    pair.close()
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def url(arena):
    """The service's URL; after each test it still serves the others."""
    one, pair = arena
    yield one.url
    assert one.alive(), one.stderr
    pair.check()


def refused(client, code, reason):
    assert client.gone() == v1.Closed(code, reason)


def test_a_correct_handshake_is_accepted_and_relays(url):
    with v1.Client(url) as one, v1.Client(url) as two:
        one.send(two.id, b"hello")
        two.expect(one.id, b"hello")
        two.send(one.id, b"hello yourself")
        one.expect(two.id, b"hello yourself")


def test_the_known_answer_identity_is_accepted(url):
    secret = bytes.fromhex("6395bd8e07cbdd6af107d90cd5cb20930af9c9e7587ed605383072795c1590ec")
    identity = v1.Identity(secret)
    assert identity.id.hex() == "a8db9fd222f02c750374c15897331ed6"
    with v1.Client(url, identity) as one:
        one.barrier()


def test_a_bare_init_gets_a_challenge_of_exactly_65_bytes(url):
    with v1.Client(url, login=False) as one:
        one.init()
        data = one.message()
        assert len(data) == 65
        assert data[0] == 0x11 and data[1:17] == v1.NOBODY and data[17:33] == one.id
        assert data[33:49] == v1.NO_WORK, "no proof of work by default"


@pytest.mark.parametrize("extra", [b"\0", b"ACX", b"ACX2\x80", b"acx1\x80", os.urandom(900), b"{}"])
def test_bytes_after_init_without_the_magic_are_ignored(url, extra):
    with v1.Client(url, login=False) as one:
        one.raw(v1.frame(v1.INIT, one.id, v1.NOBODY, extra))
        challenge, difficulty = one.challenge()
        assert one.service_block == b""
        one.respond(challenge, difficulty)
        one.accepted()


def test_an_init_with_an_extension_block_gets_one_back(url):
    block = MAGIC + msgpack.pack({"agent": "reference/1", "ed25519": True})
    with v1.Client(url, extension=block) as one:
        assert one.service_block.startswith(MAGIC)
        told = msgpack.unpack(one.service_block[4:])
        assert told["agent"].startswith("libacurast/")
        assert told["max_frame"] == 16 * 1024 * 1024
        one.barrier()


def test_unknown_keys_of_a_block_are_ignored(url):
    block = MAGIC + msgpack.pack({"x": 1, "agent": "a", "y": b"bytes", "z": None, "": True, "n": -5})
    with v1.Client(url, extension=block) as one:
        one.barrier()


def test_a_block_of_32_entries_is_taken(url):
    with v1.Client(url, extension=MAGIC + msgpack.pack({f"k{i}": i for i in range(32)})) as one:
        one.barrier()


def test_challenges_never_repeat(url):
    seen = set()
    for _ in range(20):
        with v1.Client(url, login=False) as one:
            one.init()
            seen.add(one.challenge()[0])
    assert len(seen) == 20


def test_high_and_low_s_are_accepted_alike(url):
    for high in (True, False):
        with v1.Client(url, login=False) as one:
            one.init()
            challenge, _ = one.challenge()
            digest = v1.digest_of(challenge, one.identity.public_key, bytes(16))
            one.respond(challenge, signature=one.identity.sign(digest, high_s=high))
            one.accepted()


def test_any_nonce_will_do_without_proof_of_work(url):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        one.respond(challenge, nonce=os.urandom(16))
        one.accepted()


def test_a_new_init_on_the_same_socket_gets_a_new_challenge(url):
    with v1.Client(url, login=False) as one:
        one.init()
        first, _ = one.challenge()
        one.init()
        second, _ = one.challenge()
        assert first != second
        one.respond(second)
        one.accepted()
        one.barrier()


def test_the_challenge_before_a_new_init_is_void(url):
    with v1.Client(url, login=False) as one:
        one.init()
        first, _ = one.challenge()
        one.init()
        one.challenge()
        one.respond(first)
        refused(one, 1008, "not the challenge of this connection")


def test_endless_inits_are_refused(url):
    with v1.Client(url, login=False) as one:
        for _ in range(1000):
            try:
                one.init()
                one.challenge()
            except ConnectionClosed as closed:
                assert v1.closing(closed) == v1.Closed(1008, "too many inits")
                return
        raise AssertionError("a thousand inits, and no end")


# --- refused, each for its own reason


def test_a_wrong_signature_is_refused(url):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        one.respond(challenge, signature=one.identity.sign(os.urandom(32)))
        refused(one, 1008, "the signature does not fit")


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_one_flipped_bit_in_the_signature_is_refused(url, at):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        good = bytearray(one.identity.sign(v1.digest_of(challenge, one.identity.public_key, bytes(16))))
        good[at] ^= 1
        one.respond(challenge, signature=bytes(good))
        refused(one, 1008, "the signature does not fit")


@pytest.mark.parametrize(
    "signature",
    [
        bytes(64),
        bytes(32) + (1).to_bytes(32, "big"),
        (1).to_bytes(32, "big") + bytes(32),
        v1.ORDER.to_bytes(32, "big") * 2,
        b"\xff" * 64,
    ],
    ids=["zero", "r zero", "s zero", "the order", "all ones"],
)
def test_numbers_out_of_range_are_no_signature(url, signature):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        one.respond(challenge, signature=signature)
        refused(one, 1008, "the signature does not fit")


def test_a_signature_over_the_hash_of_the_hash_is_refused(url):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        digest = v1.digest_of(challenge, one.identity.public_key, bytes(16))
        one.respond(challenge, signature=one.identity.sign(hashlib.sha256(digest).digest()))
        refused(one, 1008, "the signature does not fit")


def test_a_made_up_challenge_is_refused(url):
    with v1.Client(url, login=False) as one:
        one.init()
        one.challenge()
        one.respond(os.urandom(16))
        refused(one, 1008, "not the challenge of this connection")


def test_a_challenge_of_another_connection_is_refused(url):
    """Even of the same key: the relay attack on the deployed service."""
    identity = v1.Identity()
    with v1.Client(url, identity, login=False) as victim, v1.Client(url, identity, login=False) as thief:
        victim.init()
        stolen, _ = victim.challenge()
        thief.init()
        thief.challenge()
        thief.respond(stolen)
        refused(thief, 1008, "not the challenge of this connection")
        victim.respond(stolen)
        victim.accepted()


def test_a_replayed_response_is_refused_on_a_new_connection(url):
    identity = v1.Identity()
    with v1.Client(url, identity, login=False) as first:
        first.init()
        challenge, _ = first.challenge()
        recorded = v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, first.response(challenge))
        first.raw(recorded)
        first.accepted()
    with v1.Client(url, identity, login=False) as second:
        second.init()
        second.challenge()
        second.raw(recorded)
        refused(second, 1008, "not the challenge of this connection")


def test_a_second_response_is_refused(url):
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        one.respond(challenge)
        one.accepted()
        one.respond(challenge)
        refused(one, 1008, "second response")


def test_two_responses_in_a_row_are_refused(url):
    """The second comes while the first is perhaps still being verified."""
    with v1.Client(url, login=False) as one:
        one.init()
        challenge, _ = one.challenge()
        response = v1.frame(v1.RESPONSE, one.id, v1.NOBODY, one.response(challenge))
        one.raw(response)
        one.raw(response)
        try:
            one.accepted()
        except ConnectionClosed as closed:
            assert v1.closing(closed) == v1.Closed(1008, "second response")
            return
        refused(one, 1008, "second response")


def test_a_response_without_a_challenge_is_refused(url):
    with v1.Client(url, login=False) as one:
        one.respond(bytes(16))
        refused(one, 1008, "response without a challenge")


def test_an_id_that_does_not_fit_the_key_is_refused(url):
    """A stranger logs in as somebody else with a key and a signature of their own."""
    victim = v1.Identity()
    with v1.Client(url, login=False) as thief:
        thief.init(victim.id)
        challenge = v1.Frame.parse(thief.message()).body[16:32]
        thief.respond(challenge, sender=victim.id)
        refused(thief, 1008, "the id does not fit the public key")


def test_a_response_for_another_id_than_inits_never_gives_that_id(url):
    """Init names a victim, the response the thief's own id: whatever is accepted, it is not the victim's."""
    with v1.Client(url) as victim, v1.Client(url, login=False) as thief:
        thief.init(victim.id)
        challenge = v1.Frame.parse(thief.message()).body[16:32]
        thief.respond(challenge)
        try:
            thief.accepted()
        except ConnectionClosed as closed:
            assert v1.closing(closed).code == 1008
        victim.barrier()


def off_the_curve():
    """An x for which there is no y."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 5
    while pow((x**3 - 3 * x + b) % p, (p - 1) // 2, p) == 1:
        x += 1
    return b"\x02" + x.to_bytes(32, "big")


@pytest.mark.parametrize(
    "key",
    [off_the_curve(), b"\x02" + b"\xff" * 32, b"\x03" + off_the_curve()[1:], b"\x04" + bytes(32), bytes(33),
     b"\x05" + v1.Identity().public_key[1:]],
    ids=["no such point", "beyond the field", "no such point, odd", "first byte 04", "zero", "first byte 05"],
)
def test_a_key_that_is_none_is_refused(url, key):
    with v1.Client(url, login=False) as one:
        sender = v1.id_of(key)
        one.init(sender)
        challenge = v1.Frame.parse(one.message()).body[16:32]
        one.respond(challenge, sender=sender, public_key=key)
        refused(one, 1008, "not a valid public key")


def test_a_payload_before_acceptance_is_refused_and_not_relayed(url):
    for stage in range(2):
        with v1.Client(url) as target, v1.Client(url, login=False) as early:
            if stage:
                early.init()
                early.challenge()
            early.send(target.id, b"too early")
            refused(early, 1008, "payload before acceptance")
            target.barrier()


# --- proof of work


def test_proof_of_work_is_demanded_and_checked(service):
    one = service(difficulty="00" + "ff" * 15)
    with v1.Client(one.url) as worker:
        worker.barrier()
    with v1.Client(one.url, login=False) as lazy:
        lazy.init()
        challenge, difficulty = lazy.challenge()
        assert difficulty.hex() == "00" + "ff" * 15
        nonce = next(n for n in (os.urandom(16) for _ in range(10000))
                     if not v1.meets(v1.digest_of(challenge, lazy.identity.public_key, n), difficulty))
        lazy.respond(challenge, nonce=nonce)
        refused(lazy, 1008, "the proof of work does not meet the difficulty")


def test_the_difficulty_bounds_each_byte_on_its_own(service):
    """Not one large number: a hash that begins with 00 but has a later byte above its bound does not do."""
    one = service(difficulty="ff7f" + "ff" * 14)
    for good in (True, False):
        with v1.Client(one.url, login=False) as worker:
            worker.init()
            challenge, difficulty = worker.challenge()
            key = worker.identity.public_key

            def wanted(nonce):
                digest = v1.digest_of(challenge, key, nonce)
                return (digest[1] <= 0x7F) == good and digest[0] < 0x80

            nonce = next(n for n in iter(lambda: os.urandom(16), None) if wanted(n))
            worker.respond(challenge, nonce=nonce)
            if good:
                worker.accepted()
            else:
                refused(worker, 1008, "the proof of work does not meet the difficulty")


# --- Ed25519, an extension

ED = MAGIC + msgpack.pack({"agent": "reference/1", "ed25519": True})


def ed_login(url, name=None, extension=ED, **options):
    one = v1.Client(url, v1.EdIdentity(), extension=extension, login=False, **options)
    one.init()
    challenge, difficulty = one.challenge()
    one.respond(challenge, difficulty, **({"name": name} if name else {}))
    return one


def test_an_ed25519_identity_logs_in_by_the_host_of_the_upgrade(url):
    with ed_login(url) as one:
        one.accepted()
        one.barrier()
        with v1.Client(url) as other:
            other.send(one.id, b"to a stranger kind of key")
            one.expect(other.id, b"to a stranger kind of key")


def test_an_ed25519_signature_for_another_service_is_refused(url):
    with ed_login(url, "elsewhere.example:443") as one:
        refused(one, 1008, "the signature does not fit")


def test_an_ed25519_signature_is_checked_against_the_configured_names(service):
    one = service(name=["relay.example:443", "other.example:9000"])
    for name in ("relay.example:443", "other.example:9000"):
        with ed_login(one.url, name) as good:
            good.accepted()
    with ed_login(one.url, one.url[5:]) as bad:
        refused(bad, 1008, "the signature does not fit")


def test_ed25519_without_the_extension_is_refused(url, service):
    with ed_login(url, extension=b"") as one:
        refused(one, 1008, "Ed25519 is not in force on this connection")
    off = service(extensions="off")
    with ed_login(off.url) as one:
        assert one.service_block == b""
        refused(one, 1008, "Ed25519 is not in force on this connection")


def test_extensions_off_answers_a_block_with_a_bare_challenge(service):
    one = service(extensions="off")
    with v1.Client(one.url, extension=ED, login=False) as client:
        client.init()
        assert len(client.message()) == 65
