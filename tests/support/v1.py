"""A reference client of protocol version 1, written from the protocol page alone.

It shares nothing with the library under test: the websocket is the `websockets` package's, the
cryptography that of `cryptography`. Every step of the handshake is a method of its own, so that a
test can do each of them wrong.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from . import bridge
from .waiting import DEADLINE, Late

INIT, CHALLENGE, RESPONSE, ACCEPTED, PAYLOAD = range(5)
HEADER = 33
NOBODY = bytes(16)
NO_WORK = b"\xff" * 16
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def frame(kind, sender=NOBODY, recipient=NOBODY, body=b"", version=1):
    return bytes([version << 4 | kind]) + sender + recipient + body


@dataclass(frozen=True)
class Frame:
    version: int
    kind: int
    sender: bytes
    recipient: bytes
    body: bytes

    @classmethod
    def parse(cls, data):
        assert isinstance(data, bytes), "the service sent a text message"
        assert len(data) >= HEADER, f"the service sent a truncated frame of {len(data)} bytes"
        return cls(data[0] >> 4, data[0] & 15, data[1:17], data[17:33], data[33:])


def id_of(public_key):
    return hashlib.sha256(public_key).digest()[:16]


def digest_of(challenge, public_key, nonce):
    return hashlib.sha256(challenge + public_key + nonce).digest()


def meets(digest, difficulty):
    return all(digest[i] <= difficulty[i] for i in range(16))


def solve(challenge, public_key, difficulty):
    if difficulty == NO_WORK:
        return bytes(16)
    while True:
        nonce = os.urandom(16)
        if meets(digest_of(challenge, public_key, nonce), difficulty):
            return nonce


class Identity:
    """A P-256 key pair."""

    def __init__(self, secret=None):
        if secret is None:
            self.key = ec.generate_private_key(ec.SECP256R1())
        else:
            self.key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        point = serialization.PublicFormat.CompressedPoint
        self.public_key = self.key.public_key().public_bytes(serialization.Encoding.X962, point)
        self.uncompressed = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.id = id_of(self.public_key)

    def sign(self, digest, high_s=None):
        """r ‖ s over the digest as it is; `high_s` chooses which of the two valid s is given."""
        r, s = utils.decode_dss_signature(self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        if high_s is not None and (s > ORDER // 2) != high_s:
            s = ORDER - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def answer(self, digest, name=None):
        return self.sign(digest)


class EdIdentity:
    """An Ed25519 key pair: an extension."""

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public_key = b"\xed" + raw
        self.id = id_of(self.public_key)

    def answer(self, digest, name):
        return self.key.sign(b"acurast-auth-1" + name.encode() + digest)


@dataclass(frozen=True)
class Closed:
    """How the service closed: its code and reason; None where the connection broke without a close frame."""

    code: int | None
    reason: str


class Client:
    """One connection. `login()` does it all right; the steps are there to be done wrong."""

    def __init__(self, url, identity=None, *, extension=b"", headers=None, ssl=None, login=True, **options):
        self.url = url
        self.identity = identity or Identity()
        self.id = self.identity.id
        self.extension = extension
        self.name = url.split("//")[1].split("/")[0]
        defaults = dict(
            compression=None, max_size=None, max_queue=None, ping_interval=None, proxy=None, open_timeout=DEADLINE,
            close_timeout=5,
        )
        self.stack = contextlib.ExitStack()
        if ssl:
            parts = urlsplit(url)
            options["sock"] = bridge.connect(parts.hostname, parts.port, ssl)
            url = url.replace("wss://", "ws://", 1)
        self.ws = self.stack.enter_context(connect(url, additional_headers=headers, **{**defaults, **options}))
        self.refused = None
        self.service_block = b""
        if login:
            try:
                self.login()
            except BaseException:
                self.close()
                raise

    # --- handshake

    def login(self):
        self.init()
        challenge, difficulty = self.challenge()
        self.respond(challenge, difficulty)
        self.accepted()

    def init(self, sender=None):
        self.raw(frame(INIT, sender or self.id, NOBODY, self.extension))

    def challenge(self):
        got = self.frame()
        assert (got.version, got.kind, got.sender, got.recipient) == (1, CHALLENGE, NOBODY, self.id)
        assert len(got.body) >= 32
        self.service_block = got.body[32:]
        return got.body[16:32], got.body[:16]

    def response(self, challenge, difficulty=NO_WORK, **wrong):
        """The body of a response; any field can be replaced."""
        public_key = wrong.get("public_key", self.identity.public_key)
        nonce = wrong.get("nonce")
        if nonce is None:
            nonce = solve(challenge, public_key, difficulty)
        name = wrong.get("name", self.name)
        signature = wrong.get("signature")
        if signature is None:
            signature = self.identity.answer(digest_of(challenge, public_key, nonce), name)
        return challenge + public_key + nonce + signature

    def respond(self, challenge, difficulty=NO_WORK, **wrong):
        self.raw(frame(RESPONSE, wrong.get("sender", self.id), NOBODY, self.response(challenge, difficulty, **wrong)))

    def accepted(self):
        got = self.frame()
        assert got == Frame(1, ACCEPTED, NOBODY, self.id, b""), got

    # --- afterwards

    def raw(self, data):
        self.ws.send(data)

    def send(self, recipient, body):
        self.raw(frame(PAYLOAD, self.id, recipient, body))

    def message(self, deadline=DEADLINE):
        """The next whole message as it came."""
        try:
            return self.ws.recv(timeout=deadline)
        except TimeoutError:
            raise Late(f"no message within {deadline} s") from None

    def frame(self, deadline=DEADLINE):
        return Frame.parse(self.message(deadline))

    def receive(self, deadline=DEADLINE):
        """The next payload, as (sender, body)."""
        got = self.frame(deadline)
        assert (got.version, got.kind, got.recipient) == (1, PAYLOAD, self.id), got
        return got.sender, got.body

    def expect(self, sender, body, deadline=DEADLINE):
        assert self.receive(deadline) == (sender, body)

    def barrier(self):
        """Everything that was sent to this client before has arrived, and nothing was waiting: a payload to itself
        comes back as the very next message."""
        token = os.urandom(8)
        self.send(self.id, token)
        self.expect(self.id, token)

    def gone(self, deadline=DEADLINE):
        """Waits for the close. Fails where a message comes instead."""
        try:
            data = self.message(deadline)
        except ConnectionClosed as closed:
            return closing(closed)
        raise AssertionError(f"a message instead of a close: {data[:80]!r}")

    def drain(self, deadline=DEADLINE):
        """All payload bodies until the close, and the close."""
        bodies = []
        while True:
            try:
                bodies.append(self.receive(deadline)[1])
            except ConnectionClosed as closed:
                return bodies, closing(closed)

    def close(self):
        self.stack.close()

    def abort(self):
        """Ends without a goodbye."""
        self.ws.socket.shutdown(2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def closing(error):
    if error.rcvd is None:
        return Closed(None, "")
    return Closed(error.rcvd.code, error.rcvd.reason)


class Bystanders:
    """Two clients that must not notice what happens to others."""

    def __init__(self, url, **options):
        self.one, self.two = Client(url, **options), Client(url, **options)
        self.count = 0

    def check(self):
        self.count += 1
        for sender, receiver in ((self.one, self.two), (self.two, self.one)):
            body = b"still here %d" % self.count
            sender.send(receiver.id, body)
            receiver.expect(sender.id, body)

    def close(self):
        self.one.close()
        self.two.close()
