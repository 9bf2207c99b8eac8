"""Key pairs, ids and signatures. Everything here may be used from any thread."""

from __future__ import annotations

from typing import Any, Literal, Union

from ._core import ffi, lib
from ._errors import BadHexError, BadKeyError, BadSignatureError, BadStateError
from ._runtime import check

Key = Union[str, bytes, bytearray, memoryview]
SIGNATURE_SIZE = 64
SEAL_OVERHEAD = 28
SALT_MAX_SIZE = 65536
Kind = Union[Literal["p256"], Literal["ed25519"], Literal["secp256k1"]]  # one by one, as stubtest reads it
KINDS: dict[Kind, int] = {
    "p256": lib.ACURAST_KEY_P256,
    "ed25519": lib.ACURAST_KEY_ED25519,
    "secp256k1": lib.ACURAST_KEY_SECP256K1,
}


class Id(bytes):
    """Who somebody is: 16 bytes, the beginning of the SHA-256 of a public key. `str()` gives them as hex."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.hex()

    def __repr__(self) -> str:
        return f"Id({self.hex()!r})"


def as_bytes(value: object, name: str) -> bytes:
    """A bytes-like argument as bytes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{name} must be bytes, not {type(value).__name__}")


def as_key(value: object, name: str) -> bytes:
    """A key or id argument as what the core takes: raw bytes, or hex digits."""
    if isinstance(value, Identity):
        return value.public_key
    if isinstance(value, str):
        try:
            return value.strip().encode("ascii")
        except UnicodeEncodeError:
            raise ValueError(f"{name} is not hexadecimal") from None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{name} must be an id or a public key as str (hex) or bytes, not {type(value).__name__}")


def id_of(key: Key | Identity) -> Id:
    """The id that belongs to a public key (33 or 65 bytes) or an id (16 bytes), as bytes or hex with or without 0x.

    Raises BadRecipientError (another length), BadHexError or BadKeyError (not on the curve): all are ValueErrors.
    """
    return id_argument(key, "key")


def id_argument(value: object, name: str) -> Id:
    if isinstance(value, Identity):
        return value.id
    raw = as_key(value, name)
    out = ffi.new("uint8_t[16]")
    check(lib.acurast_id_of(raw, len(raw), out), name)
    return Id(ffi.buffer(out)[:])


def compress_key(key: Key | Identity, kind: Kind | None = None) -> bytes:
    """The 33-byte form of a public key. Raises BadHexError or BadKeyError, also for an id.

    A key does not say whether it is of P-256 or secp256k1: without `kind` it is not of secp256k1, but for an Identity.
    """
    raw, number = as_key(key, "key"), _kind_of(key, kind)
    out = ffi.new("uint8_t[33]")
    if number:
        check(lib.acurast_compress_key_as(number, raw, len(raw), out), "key")
    else:
        check(lib.acurast_compress_key(raw, len(raw), out), "key")
    return bytes(ffi.buffer(out))


def verify(key: Key | Identity, message: bytes, signature: bytes, kind: Kind | None = None) -> bool:
    """Whether `signature` (64 bytes) of `message` is by `key`. Raises BadKeyError or BadHexError for what is no key.

    A key does not say whether it is of P-256 or secp256k1: without `kind` it is not of secp256k1, but for an Identity.
    """
    raw, said, signed = as_key(key, "key"), as_bytes(message, "message"), as_bytes(signature, "signature")
    number = _kind_of(key, kind)
    if len(signed) != SIGNATURE_SIZE:
        raise ValueError(f"signature must have 64 bytes, not {len(signed)}")
    if number:
        status = lib.acurast_verify_as(number, raw, len(raw), said, len(said), signed)
    else:
        status = lib.acurast_verify(raw, len(raw), said, len(said), signed)
    if status == BadSignatureError.status:
        return False
    check(status, "key")
    return True


class Identity:
    """A key pair. It never changes; any number of clients and threads may use it at once.

    Make one with `Identity.generate()`, `Identity.from_pem()` or `Identity.from_hex()`. The secret stays in guarded memory of the
    core and leaves it only by `to_pem()` and `secret()`.
    """

    __slots__ = ("_handle", "_id", "_public_key")

    _handle: Any
    _id: Id
    _public_key: bytes

    def __init__(self) -> None:
        raise TypeError("use Identity.generate(), Identity.from_pem() or Identity.from_hex()")

    @classmethod
    def _own(cls, out: Any) -> Identity:
        self = cls.__new__(cls)
        self._handle = ffi.gc(out[0], lib.acurast_identity_release)
        key = ffi.new("uint8_t[33]")
        check(lib.acurast_identity_public_key(self._handle, key))
        self._public_key = bytes(ffi.buffer(key))
        short = ffi.new("uint8_t[16]")
        check(lib.acurast_identity_id(self._handle, short))
        self._id = Id(ffi.buffer(short)[:])
        return self

    @classmethod
    def generate(cls, kind: Kind = "p256") -> Identity:
        """A new random key pair.

        Ed25519 is an extension of libacurast; the deployed service speaks only P-256. A secp256k1 key signs and seals, and no
        service admits it: as the identity of a client it raises UnsupportedError.
        """
        out = ffi.new("acurast_identity **")
        check(lib.acurast_identity_generate(_kind(kind), out))
        return cls._own(out)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Identity:
        """From PEM text: PKCS#8, or SEC1 for P-256 and secp256k1. Raises BadKeyError, also for an encrypted key."""
        if not isinstance(pem, (str, bytes)):
            raise TypeError(f"pem must be str or bytes, not {type(pem).__name__}")
        raw = pem.encode() if isinstance(pem, str) else pem
        if not 0 < len(raw) <= 65536:
            raise ValueError(f"pem must have 1 to 65536 bytes, not {len(raw)}")
        out = ffi.new("acurast_identity **")
        check(lib.acurast_identity_from_pem(raw, len(raw), out), "pem")
        return cls._own(out)

    @classmethod
    def from_hex(cls, secret: str | bytes, kind: Kind = "p256") -> Identity:
        """From the secret itself: 64 hex digits with or without 0x, or 32 bytes. Raises BadHexError or BadKeyError."""
        if not isinstance(secret, (str, bytes)):
            raise TypeError(f"secret must be str (hex) or bytes, not {type(secret).__name__}")
        try:
            raw = secret.strip().encode("ascii") if isinstance(secret, str) else secret
        except UnicodeEncodeError:
            raise ValueError("secret is not hexadecimal") from None
        out = ffi.new("acurast_identity **")
        check(lib.acurast_identity_from_secret(_kind(kind), raw, len(raw), out), "secret")
        return cls._own(out)

    @property
    def id(self) -> Id:
        """16 bytes; `str(identity.id)` is hex."""
        return self._id

    @property
    def public_key(self) -> bytes:
        """The 33 bytes that travel."""
        return self._public_key

    @property
    def uncompressed_key(self) -> bytes:
        """The 65 bytes of SEC1. Raises UnsupportedError for Ed25519."""
        key = ffi.new("uint8_t[65]")
        check(lib.acurast_identity_uncompressed_key(self._handle, key))
        return bytes(ffi.buffer(key))

    @property
    def kind(self) -> Kind:
        """`p256`, `ed25519` or `secp256k1`."""
        number = lib.acurast_identity_kind(self._handle)
        return next(name for name, each in KINDS.items() if each == number)

    def to_pem(self) -> str:
        """The key pair as PKCS#8 PEM: a secret."""
        buffer = ffi.new("char[512]")
        size = ffi.new("size_t *", 512)
        check(lib.acurast_identity_to_pem(self._handle, buffer, size))
        pem = str(ffi.string(buffer).decode())
        ffi.memmove(buffer, bytes(512), 512)
        return pem

    def secret(self) -> bytes:
        """The raw secret of 32 bytes, as `from_hex()` takes it."""
        out = ffi.new("uint8_t[32]")
        check(lib.acurast_identity_secret(self._handle, out))
        secret = bytes(ffi.buffer(out))
        ffi.memmove(out, bytes(32), 32)
        return secret

    def sign(self, message: bytes) -> bytes:
        """64 bytes: for Ed25519 the plain scheme, for the others r and s of ECDSA over SHA-256; on secp256k1 s is always low."""
        raw = as_bytes(message, "message")
        out = ffi.new("uint8_t[64]")
        check(lib.acurast_identity_sign(self._handle, raw, len(raw), out))
        return bytes(ffi.buffer(out))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` of `message` is by this key."""
        return verify(self, message, signature)

    def seal(self, peer: Key | Identity, salt: bytes, plaintext: bytes) -> bytes:
        """`plaintext` encrypted for the owner of `peer`, a public key of this key's kind: 28 bytes more than it has.

        This is what deployed processors know as `encrypt`; core/docs/sealing.md says what it gives. The form of `peer` (33 or 65
        bytes, or their hex) goes into the seal. `salt` has at most 65,536 bytes and is no secret; the other side needs it, too.
        Raises BadKeyError, BadHexError, UnsupportedError (Ed25519) or TooLargeError (above 1 GiB).
        """
        text = as_bytes(plaintext, "plaintext")
        return self._transform(lib.acurast_identity_seal, peer, salt, text, len(text) + SEAL_OVERHEAD)

    def open(self, peer: Key | Identity, salt: bytes, sealed: bytes) -> bytes:
        """What the owner of `peer` sealed for this identity, or it for him.

        `peer` in the form that went into the seal. Raises BadSealError where it does not open, and else what `seal()` does.
        """
        text = as_bytes(sealed, "sealed")
        return self._transform(lib.acurast_identity_open, peer, salt, text, max(len(text) - SEAL_OVERHEAD, 0))

    def _transform(self, call: Any, peer: Key | Identity, salt: bytes, text: bytes, size: int) -> bytes:
        key, salted = as_key(peer, "peer"), as_bytes(salt, "salt")
        if len(salted) > SALT_MAX_SIZE:
            raise ValueError(f"salt must have at most {SALT_MAX_SIZE} bytes, not {len(salted)}")
        out = bytearray(size)
        sizes = ffi.new("size_t *", size)
        status = call(self._handle, key, len(key), salted, len(salted), text, len(text), ffi.from_buffer(out), sizes)
        check(status, "peer" if status in (BadKeyError.status, BadHexError.status) else "")
        return bytes(out)

    def __eq__(self, other: object) -> bool:
        return self._public_key == other._public_key if isinstance(other, Identity) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._public_key)

    def __repr__(self) -> str:
        return f"<acurast.Identity {self._id}>"

    def __reduce__(self) -> Any:
        raise BadStateError("an Identity is not pickled; pass to_pem() on purpose if you mean to copy the secret")


def _kind(kind: Kind) -> int:
    if kind not in KINDS:
        raise ValueError(f"kind must be 'p256', 'ed25519' or 'secp256k1', not {kind!r}")
    return int(KINDS[kind])


def _kind_of(key: object, kind: Kind | None) -> int:
    """The core's number of the kind that is named, or that an Identity has; 0 for neither."""
    if kind is None and isinstance(key, Identity):
        kind = key.kind
    return 0 if kind is None else _kind(kind)
