"""Key pairs, ids, signatures, against the known answers; and errors for everything else."""

from __future__ import annotations

import copy
import json
import pickle

import acurast
import pytest
from acurast import Id, Identity
from conftest import ROOT

VECTORS = ROOT / "tests" / "vectors" / "v1.json"
vectors = json.loads(VECTORS.read_text()) if VECTORS.exists() else {}
KINDS = ["p256", "ed25519", "secp256k1"]
known = pytest.mark.skipif(not vectors, reason=f"no known answers at {VECTORS}: not a checkout")


@known
def test_the_known_identity():
    one = vectors["handshake"][0]
    identity = Identity.from_hex(one["secret_key"])
    assert identity.public_key.hex() == one["public_key"] and str(identity.id) == one["id"]
    assert identity.secret().hex() == one["secret_key"]


@known
def test_known_compressions_and_ids():
    for one in vectors["compress"]:
        assert acurast.compress_key(one["public_key"]).hex() == one["compressed"]
        assert acurast.id_of(one["public_key"]) == acurast.id_of(bytes.fromhex(one["compressed"]))


@pytest.mark.parametrize("kind", KINDS)
def test_out_and_in_again(kind):
    identity = Identity.generate(kind)
    assert identity.kind == kind and len(identity.public_key) == 33
    for other in (
        Identity.from_pem(identity.to_pem()),
        Identity.from_pem(identity.to_pem().encode()),
        Identity.from_hex(identity.secret(), kind),
        Identity.from_hex(identity.secret().hex(), kind),
        Identity.from_hex("0x" + identity.secret().hex().upper() + "\n", kind),
    ):
        assert other == identity and hash(other) == hash(identity) and other.id == identity.id
    assert Identity.generate(kind) != identity and identity != "x"
    if kind != "ed25519":
        assert acurast.compress_key(identity.uncompressed_key, kind) == identity.public_key
    else:
        with pytest.raises(acurast.UnsupportedError):
            identity.uncompressed_key


@pytest.mark.parametrize("kind", KINDS)
def test_signatures(kind):
    identity = Identity.generate(kind)
    signature = identity.sign(b"said")
    assert len(signature) == 64 and identity.verify(b"said", signature)
    assert acurast.verify(identity.public_key.hex(), b"said", signature, kind) and acurast.verify(identity, b"said", signature)
    assert not identity.verify(b"not said", signature)
    assert not identity.verify(b"said", bytes(64))
    assert not Identity.generate(kind).verify(b"said", signature)


def test_an_id_is_bytes_that_show_as_hex(alice):
    assert isinstance(alice.id, bytes) and len(alice.id) == 16
    assert str(alice.id) == f"{alice.id}" == alice.id.hex() and repr(alice.id) == f"Id('{alice.id}')"
    assert acurast.id_of(alice) == acurast.id_of(alice.id) == acurast.id_of(str(alice.id)) == bytes(alice.id)
    assert {alice.id: 1}[Id(bytes(alice.id))] == 1


def test_secrets_do_not_leak_by_accident(alice):
    secret = alice.secret().hex()
    assert secret not in repr(alice) and secret not in str(alice)
    for copying in (pickle.dumps, copy.deepcopy):
        with pytest.raises(acurast.BadStateError, match="not pickled"):
            copying(alice)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Identity(), TypeError, "Identity.generate"),
        (lambda: Identity.generate("rsa"), ValueError, "kind"),
        (lambda: Identity.from_pem(5), TypeError, "pem"),
        (lambda: Identity.from_pem(""), ValueError, "pem"),
        (lambda: Identity.from_pem("x" * 70000), ValueError, "pem"),
        (lambda: Identity.from_pem("nonsense"), acurast.BadKeyError, "pem"),
        (lambda: Identity.from_hex(None), TypeError, "secret"),
        (lambda: Identity.from_hex("11" * 31), ValueError, "secret"),
        (lambda: Identity.from_hex(bytes(31)), ValueError, "secret"),
        (lambda: Identity.from_hex("zz" * 32), acurast.BadHexError, "secret"),
        (lambda: Identity.from_hex("ß" * 64), ValueError, "secret"),
        (lambda: Identity.from_hex("00" * 32), acurast.BadKeyError, "secret"),
        (lambda: Identity.from_hex("ff" * 32), acurast.BadKeyError, "secret"),
        (lambda: acurast.id_of(None), TypeError, "key"),
        (lambda: acurast.id_of(12), TypeError, "key"),
        (lambda: acurast.id_of(""), acurast.BadRecipientError, "key"),
        (lambda: acurast.id_of(bytes(15)), acurast.BadRecipientError, "key"),
        (lambda: acurast.id_of("0x" + "0" * 31), ValueError, "key"),
        (lambda: acurast.id_of("zz" * 16), acurast.BadHexError, "key"),
        (lambda: acurast.id_of("ünicode"), ValueError, "key"),
        (lambda: acurast.id_of(b"\x02" + b"\xff" * 32), acurast.BadKeyError, "key"),
        (lambda: acurast.compress_key(bytes(16)), acurast.BadKeyError, "key"),
        (lambda: acurast.verify(bytes(3), b"", bytes(64)), ValueError, "key"),
        (lambda: acurast.verify("02" * 33, "text", bytes(64)), TypeError, "message"),
        (lambda: acurast.verify("02" * 33, b"", "text"), TypeError, "signature"),
        (lambda: acurast.verify("02" * 33, b"", bytes(63)), ValueError, "signature"),
        (lambda: Identity.generate().sign("text"), TypeError, "message"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
