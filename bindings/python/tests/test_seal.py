"""Sealing, against the known answers that another implementation made, and against one written here from the page."""

from __future__ import annotations

import json
import os

import acurast
import pytest
from acurast import Identity
from conftest import ROOT
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VECTORS = ROOT / "tests" / "vectors" / "seal.json"
rows = json.loads(VECTORS.read_text())["seal"] if VECTORS.exists() else []
CURVES = {"secp256r1": "p256", "secp256k1": "secp256k1"}
KINDS = list(CURVES.values())


def opens(row, peer, salt=None, sealed=None):
    opener = Identity.from_hex(row["opener_secret"], CURVES[row["curve"]])
    return opener.open(peer, salt or bytes.fromhex(row["salt"]), sealed or bytes.fromhex(row["sealed"]))


@pytest.mark.skipif(not rows, reason=f"no known answers at {VECTORS}: not a checkout")
def test_known_answers():
    for row in rows:
        for peer in (row["sealer_key"], "0x" + row["sealer_key"], bytes.fromhex(row["sealer_key"])):
            assert opens(row, peer).hex() == row["plaintext"], row["name"]
    assert {row["curve"] for row in rows} == set(CURVES) and len(rows) == 32


def by_cryptography(kind, secret, public_key, own_key, salt, sealed):
    """Opens a seal with nothing of ours."""
    curve, name = (ec.SECP256K1(), b"secp256k1") if kind == "secp256k1" else (ec.SECP256R1(), b"secp256r1")
    pair = ec.derive_private_key(int.from_bytes(secret, "big"), curve)
    shared = pair.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, public_key))
    info = b"ECDH " + name + b" AES-256-GCM-SIV" + b"".join(sorted((public_key, own_key), key=lambda key: (len(key), key)))
    return AESGCM(HKDF(hashes.SHA256(), 32, salt, info).derive(shared)).decrypt(sealed[:12], sealed[12:], None)


@pytest.mark.parametrize("kind", KINDS)
def test_others_open_what_we_seal(kind):
    ours, theirs = Identity.generate(kind), Identity.generate(kind)
    for theirs_as in (theirs.public_key, theirs.uncompressed_key):
        salt, text = os.urandom(20), os.urandom(1000)
        sealed = ours.seal(theirs_as, salt, text)
        assert len(sealed) == len(text) + 28
        assert by_cryptography(kind, theirs.secret(), ours.public_key, theirs_as, salt, sealed) == text


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind):
    alice, bob = Identity.generate(kind), Identity.generate(kind)
    for text in (b"", b"x", bytes(1 << 20)):
        assert bob.open(alice, b"salt", alice.seal(bob, b"salt", text)) == text
        assert bob.open(alice, b"", alice.seal(bob.uncompressed_key, b"", bytearray(text))) == text
    assert alice.seal(bob, b"", b"twice") != alice.seal(bob, b"", b"twice")


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_open(kind):
    alice, bob, eve = (Identity.generate(kind) for _ in range(3))
    sealed = alice.seal(bob, b"salt", b"text")
    for peer, salt, what in (
        (eve, b"salt", sealed),
        (alice.uncompressed_key, b"salt", sealed),
        (alice, b"pepper", sealed),
        (alice, b"salt", sealed[:-1]),
        (alice, b"salt", bytes([sealed[0] ^ 1]) + sealed[1:]),
        (alice, b"salt", b""),
    ):
        with pytest.raises(acurast.BadSealError, match="does not open"):
            bob.open(peer, salt, what)
    with pytest.raises(acurast.BadSealError):
        eve.open(alice, b"salt", sealed)


def test_the_pem_of_secp256k1_is_everybodys():
    key = ec.generate_private_key(ec.SECP256K1())
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        identity = Identity.from_pem(pem)
        assert identity.kind == "secp256k1" and int.from_bytes(identity.secret(), "big") == key.private_numbers().private_value
    again = serialization.load_pem_private_key(identity.to_pem().encode(), None)
    assert again.private_numbers() == key.private_numbers()


def test_a_key_of_secp256k1_must_be_named(alice):
    key = Identity.generate("secp256k1")
    signature = key.sign(b"said")
    assert acurast.verify(key.uncompressed_key, b"said", signature, "secp256k1")
    for call in (acurast.id_of, acurast.compress_key, lambda raw: acurast.verify(raw, b"said", signature)):
        with pytest.raises(acurast.BadKeyError):
            call(key.uncompressed_key)
    assert acurast.id_of(key) == key.id and acurast.compress_key(key) == key.public_key
    assert not acurast.verify(alice, b"said", signature)


def test_no_service_admits_secp256k1():
    with pytest.raises(acurast.UnsupportedError):
        acurast.Client("ws://127.0.0.1:9", identity=Identity.generate("secp256k1"))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda one: one.seal(None, b"", b""), TypeError, "peer"),
        (lambda one: one.seal(one, "salt", b""), TypeError, "salt"),
        (lambda one: one.seal(one, b"", "text"), TypeError, "plaintext"),
        (lambda one: one.open(one, b"", "text"), TypeError, "sealed"),
        (lambda one: one.seal(one, bytes(65537), b""), ValueError, "salt"),
        (lambda one: one.seal(one.id, b"", b""), acurast.BadKeyError, "peer"),
        (lambda one: one.seal("zz" * 33, b"", b""), acurast.BadHexError, "peer"),
        (lambda one: one.seal(b"\x02" + b"\xff" * 32, b"", b""), acurast.BadKeyError, "peer"),
        (lambda one: one.seal(Identity.generate("ed25519"), b"", b""), acurast.BadKeyError, "peer"),
        (lambda one: Identity.generate("ed25519").seal(one, b"", b""), acurast.UnsupportedError, "not supported"),
        (lambda one: Identity.generate("ed25519").open(one, b"", bytes(40)), acurast.UnsupportedError, "not supported"),
    ],
)
def test_bad_input(alice, call, error, words):
    with pytest.raises(error, match=words):
        call(alice)
