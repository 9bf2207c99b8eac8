"""Games with identities: to be accepted as somebody else, or to speak for somebody else."""

import os
import time

from support import msgpack, rawws, v1

from .suite import HeldNot, attack, check
from .tools import must_end, nothing_for, payload

ZERO, ONE, N = bytes(32), (1).to_bytes(32, "big"), v1.ORDER.to_bytes(32, "big")


class Login:
    """A handshake by hand, for one identity on one connection."""

    def __init__(self, target, identity=None, claimed=None):
        self.identity = identity or v1.Identity()
        self.id = claimed or self.identity.id
        self.socket = target.upgraded()
        self.challenge = self.init()

    def init(self):
        self.socket.send(v1.frame(v1.INIT, self.id))
        body = v1.Frame.parse(self.socket.message()).body
        self.difficulty = body[:16]
        return body[16:32]

    def body(self, challenge=None, public_key=None, nonce=None, signature=None):
        challenge, public_key = challenge or self.challenge, public_key or self.identity.public_key
        nonce = nonce or v1.solve(challenge, public_key, self.difficulty)
        signature = signature or self.identity.sign(v1.digest_of(challenge, public_key, nonce))
        return challenge + public_key + nonce + signature

    def answer(self, body, sender=None):
        self.socket.send(v1.frame(v1.RESPONSE, sender or self.id, v1.NOBODY, body))

    def refused(self, name):
        """The service must close. Accepted would be the end of the world."""
        try:
            while True:
                opcode, data = self.socket.frame()
                if opcode == rawws.CLOSE:
                    return
                kind = v1.Frame.parse(data).kind if opcode == rawws.BINARY else None
                check(kind != v1.ACCEPTED, f"{name}: accepted")
        except rawws.Gone:
            return
        except TimeoutError:
            raise HeldNot(f"{name}: the connection stays open") from None


def wrong_keys(one):
    """Public keys that are none, each with the id that it would have, and a signature by a key that is one."""
    return {
        "no point on the curve": b"\x02" + b"\xff" * 32,
        "an x beyond the field": b"\x03" + b"\xff" * 31 + b"\xfe",
        "a point's first byte 04": b"\x04" + one.identity.public_key[1:],
        "infinity": bytes(33),
        "a key of a type that is not in force": b"\xed" + os.urandom(32),
    }


@attack(
    "keys that are none",
    "points off the curve, infinity, wrong forms, each with the id that fits it",
    ports=("plain", "tls"),
)
def keys_that_are_none(target):
    names = wrong_keys(Login(target))
    for name, key in names.items():
        one = Login(target, claimed=v1.id_of(key))
        one.answer(one.body(public_key=key))
        one.refused(name)
    return f"{len(names)} refused"


@attack("wrong signatures", "zeros, ones, the order, r and s swapped, another key's, another digest's")
def wrong_signatures(target):
    def forged(one):
        digest = v1.digest_of(one.challenge, one.identity.public_key, bytes(16))
        good = one.identity.sign(digest)
        return {
            "r = s = 0": ZERO + ZERO,
            "r = 0": ZERO + good[32:],
            "s = 0": good[:32] + ZERO,
            "r = s = 1": ONE + ONE,
            "s = n": good[:32] + N,
            "r = n": N + good[32:],
            "all ff": b"\xff" * 64,
            "r and s swapped": good[32:] + good[:32],
            "one bit": bytes([good[0] ^ 1]) + good[1:],
            "another key's": v1.Identity().sign(digest),
            "another digest's": one.identity.sign(os.urandom(32)),
        }

    names = list(forged(Login(target)))
    for name in names:
        one = Login(target)
        one.answer(one.body(signature=forged(one)[name]))
        one.refused(name)
    return f"{len(names)} refused"


@attack(
    "replay",
    "a challenge of another connection, a void one, an answer twice, an answer of another's, the same with the other s",
)
def replay(target):
    first, second = Login(target), Login(target)
    second.answer(second.body(challenge=first.challenge))
    second.refused("a challenge of another connection")
    first.answer(first.body())
    check(v1.Frame.parse(first.socket.message()).kind == v1.ACCEPTED, "the owner of the challenge was not accepted")

    void = Login(target)
    old = void.challenge
    void.init()
    void.answer(void.body(challenge=old))
    void.refused("a challenge before the last init")

    recorded = first.body()
    thief = Login(target, identity=first.identity)
    thief.answer(recorded)
    thief.refused("a whole response that was good once")
    thief = Login(target, identity=first.identity)
    thief.answer(recorded[:-32] + (v1.ORDER - int.from_bytes(recorded[-32:], "big")).to_bytes(32, "big"))
    thief.refused("the same with the other s")

    twice = Login(target)
    body = twice.body()
    twice.answer(body)
    twice.answer(body)
    try:
        kinds = [v1.Frame.parse(twice.socket.message()).kind, v1.Frame.parse(twice.socket.message()).kind]
        check(kinds.count(v1.ACCEPTED) < 2, "one challenge was accepted twice")
    except (rawws.Gone, TimeoutError):
        pass
    return "5 refused"


@attack(
    "another's id",
    "an id that is not the key's: another's, nearly one's own, nobody's; a sender that changes on the way",
)
def anothers_id(target):
    victim = target.accepted()
    own = v1.Identity()
    near = bytes([own.id[0] ^ 1]) + own.id[1:]
    for name, claimed in {"another's": victim.id, "one bit": near, "the service's": v1.NOBODY}.items():
        try:
            one = Login(target, own, claimed)
        except rawws.Gone:
            continue
        one.answer(one.body())
        one.refused(name)
    changing = Login(target)
    changing.answer(changing.body(), sender=victim.id)
    changing.refused("a sender that changes between init and response")
    nothing_for(victim, "the victim got something")
    return "4 refused, the victim stays"


@attack(
    "forged sender",
    "after acceptance: payloads in another's name, in the service's, and nearly in one's own",
    ports=("plain", "tls"),
)
def forged_sender(target):
    victim, sink = target.accepted(), target.accepted()
    own = v1.Identity()
    near = own.id[:15] + bytes([own.id[15] ^ 0x80])
    senders = {"another's": victim.id, "the recipient's": sink.id, "the service's": v1.NOBODY, "nearly": near}
    for name, sender in senders.items():
        forger = target.accepted(own)
        must_end(forger, payload(sender, sink.id, b"forged"), name, closes={1002, 1008})
        nothing_for(sink, f"{name}: a payload with a forged sender was relayed")
    return f"{len(senders)} closed, none relayed"


@attack("identity changed later", "init, response and accepted of another id after acceptance")
def changed_later(target):
    victim, sink = target.accepted(), target.accepted()
    other = v1.Identity()
    encode = rawws.RawSocket.encode
    late = {
        "init": encode(v1.frame(v1.INIT, other.id)),
        "init as the victim": encode(v1.frame(v1.INIT, victim.id)),
        "response": encode(v1.frame(v1.RESPONSE, other.id, v1.NOBODY, bytes(129))),
        "accepted": encode(v1.frame(v1.ACCEPTED, v1.NOBODY, other.id)),
    }
    for name, data in late.items():
        one = target.accepted()
        try:
            one.write(data + payload(other.id, sink.id, b"as another"))
            one.closed()
        except rawws.Gone:
            pass
        except TimeoutError:
            raise HeldNot(f"{name}: a forged sender stays connected") from None
        nothing_for(sink, f"{name}: changed the identity")
    nothing_for(victim, "the victim got something")
    return f"{len(late)} without effect"


@attack(
    "squatter without the key",
    "hundreds of inits and wrong answers for the id of a client that is there, and of one that is away",
)
def squatter(target):
    victim, sender = target.accepted(), target.accepted()
    away = target.accepted()
    away.close()
    for number in range(60):
        claimed = away.id if number % 2 else victim.id
        one = Login(target, claimed=claimed)
        if number % 3:
            one.answer(one.body())
            one.refused("an id without its key")
        sender.send(v1.frame(v1.PAYLOAD, sender.id, claimed, b"%d" % number))
        if number % 2 == 0:
            got = v1.Frame.parse(victim.message())
            check((got.sender, got.body) == (sender.id, b"%d" % number), "the victim did not get its payload")
    nothing_for(victim, "the victim got another's payload")
    return "60 tries, the victim missed nothing"


@attack("bad signatures", "whole handshakes, each with a signature that is none, as many as go", noisy=True)
def bad_signatures(target):
    identity = v1.Identity()
    end, count = time.monotonic() + target.seconds, 0
    while time.monotonic() < end:
        one = Login(target, identity)
        one.answer(one.body(signature=os.urandom(64)))
        one.refused("a random signature")
        target.drop(one.socket)
        count += 1
    return f"{count} refused"


BOMBS = {
    "a map of 4 Gi entries": b"\xdf\xff\xff\xff\xff",
    "a map of 65,535 entries": b"\xde\xff\xff\xa1a\x01",
    "an array of 4 Gi": b"\x81\xa1a\xdd\xff\xff\xff\xff",
    "a text of 4 GiB": b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\x81\xa1a\xc6\xff\xff\xff\xff",
    "900 arrays in one another": b"\x81\xa1a" + b"\x91" * 900 + b"\x01",
    "450 maps in one another": b"\x81\xa1a" * 300 + b"\x01",
    "a key twice": b"\x82\xa1a\x01\xa1a\x01",
    "a map cut short": b"\x8f",
    "two maps": b"\x80\x80",
    "more than a block may have": msgpack.pack({"a": bytes(2000)}),
    "an agent of control characters": msgpack.pack({"agent": "\x1b]0;x\x07\x9b31m"}),
    "an agent that is a number": msgpack.pack({"agent": 7}),
}


@attack("MessagePack bombs", "extension blocks that announce gigabytes, nest deeply, or end early")
def bombs(target):
    answered = 0
    for block in BOMBS.values():
        one = target.upgraded()
        one.send(v1.frame(v1.INIT, os.urandom(16), v1.NOBODY, b"ACX1" + block))
        try:
            answered += v1.Frame.parse(one.message()).kind == v1.CHALLENGE
        except rawws.Gone:
            pass
        except TimeoutError:
            raise HeldNot("neither a challenge nor an end") from None
    return f"{len(BOMBS) - answered} refused, {answered} ignored"
