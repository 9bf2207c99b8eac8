"""Receipts and presence: words that a stranger may say, and answers that must not be more than what was asked."""

import os
import struct
import time

from support import msgpack, rawws, track, v1

from .mailbox import leave
from .suite import NotApplicable, attack, check
from .tools import must_end, nothing_for, payload

KEYS = 300
WATCHES = 16
FLAPS = 20
WATCHERS = 10


def tracking(target, identity=None, **how):
    """An accepted client that speaks the extension."""
    one = target.upgraded(**how)
    one.extension = track.block()
    one.identity = one.authenticate(identity or v1.Identity())
    one.id, one.run = one.identity.id, os.urandom(8)
    if not one.service_block.startswith(b"ACX1") or not msgpack.unpack(one.service_block[4:]).get("track"):
        raise NotApplicable("no receipts here")
    return one


def tracked(sender, recipient, number, body=b"", level=2):
    return v1.frame(track.TRACKED, sender.id, recipient, track.head(sender.run, number, level) + body)


def until_barrier(one):
    """All that comes to this client before a second payload to itself does. What others sent before is on its way when the first is
    taken, and comes before the second."""
    found = []
    for token in (os.urandom(8), os.urandom(8)):
        one.write(payload(one.id, one.id, token))
        while v1.Frame.parse(data := one.message()).body != token:
            found.append(data)
    return found


def size_of(messages):
    return sum(len(each) for each in messages)


@attack(
    "receipts of strangers",
    "for numbers never sent, doubled, for other runs, with every status, malformed, and in the name of others",
)
def receipts_of_strangers(target):
    victim, stranger, plain = tracking(target), tracking(target), target.accepted()
    victim.send(tracked(victim, plain.id, 1))
    check(v1.Frame.parse(plain.message()).kind == v1.PAYLOAD, "one that does not track got something else than a payload")
    check(track.items_of(v1.Frame.parse(victim.message()))[0].status == track.RELAYED, "no word of what became of it")
    words = [track.receipt(victim.run, [(1, status)]) for status in range(256)]
    words += [track.receipt(victim.run, [(number, 2)] * 2) for number in (0, 1, 2, 2**64 - 1)]
    words += [track.receipt(os.urandom(8), [(1, 2)]), track.receipt(victim.run, [(n, 2) for n in range(1024)])]
    bad = [b"", bytes(7), bytes(8), bytes(16), bytes(8 + 17), bytes(8 + 10), bytes(8 + 9 * 1025), bytes(3000)]
    for body in words + bad:
        stranger.send(v1.frame(track.RECEIPT, stranger.id, victim.id, body))
        stranger.send(v1.frame(track.RECEIPT, stranger.id, plain.id, body))
    until_barrier(stranger)
    got = until_barrier(victim)
    check([v1.Frame.parse(each).body for each in got] == words, "not just the well-formed ones were passed on")
    check({v1.Frame.parse(each).sender for each in got} == {stranger.id}, "in another's name than that of who said it")
    nothing_for(plain, "one that does not track was told")
    for name in (v1.NOBODY, victim.id, plain.id):
        forger = tracking(target)
        must_end(forger, rawws.RawSocket.encode(v1.frame(track.RECEIPT, name, victim.id, words[0])), "a forged receipt", closes=(1008,))
    check(not until_barrier(victim), "a forged receipt was passed on")
    return f"{len(words)} passed on in the name of who said them, {len(bad)} malformed ones not"


@attack("frames that only a service sends", "gone, seen and receipts by a client, to those who track and those who do not")
def frames_of_a_service(target):
    attacker, victim, plain = tracking(target), tracking(target), target.accepted()
    for kind, body in ((track.GONE, plain.id + b"\0"), (track.SEEN, bytes(4 + 34))):
        for recipient in (victim.id, plain.id, v1.NOBODY):
            attacker.send(v1.frame(kind, attacker.id, recipient, body))
    for flags in (0, 3, 4, 7, 255):
        attacker.send(v1.frame(track.TRACKED, attacker.id, victim.id, bytes([flags]) + track.head(attacker.run, 1)[1:]))
    for head in (track.head(attacker.run, 0), track.head(attacker.run, 5, behind=5), track.head(attacker.run, 1)[:-1]):
        attacker.send(v1.frame(track.TRACKED, attacker.id, victim.id, head))
    until_barrier(attacker)
    check(not until_barrier(victim) and not until_barrier(plain), "one of them was passed on")
    return "ignored"


@attack("tracked payloads as an amplifier", "to those who track, those who do not, who is away and who never was, as small as may be")
def tracked_amplifier(target):
    attacker, follower, plain = tracking(target), tracking(target), target.accepted()
    gone = leave(target, target.accepted())
    sent, number = {}, 0
    for recipient in (follower.id, plain.id, gone.id, os.urandom(16)):
        sent[recipient] = 0
        for level in (1, 2) * 200:
            number += 1
            frame = tracked(attacker, recipient, number, level=level)
            sent[recipient] += len(frame)
            attacker.send(frame)
    back = until_barrier(attacker)
    reached = {each.id: size_of(until_barrier(each)) for each in (follower, plain)}
    for recipient, size in reached.items():
        check(0 < size <= sent[recipient], f"{sent[recipient]} bytes became {size} for another")
    back += until_barrier(attacker)
    check(size_of(back) <= sum(sent.values()), f"{sum(sent.values())} bytes became {size_of(back)} for who sent them")
    return f"of {sum(sent.values())} bytes others got {sum(reached.values())}, the sender {size_of(back)}"


@attack(
    "looks as an amplifier", "64 ids in each, as fast as they are taken, at 64 KiB a second",
    own=True, rate_bytes="64KiB",
)
def look_amplifier(target):
    attacker, others = tracking(target), [target.accepted() for _ in range(64)]
    attacker.socket.settimeout(0.2)
    ask = rawws.RawSocket.encode(v1.frame(track.LOOK, attacker.id, v1.NOBODY, bytes(4) + b"".join(each.id for each in others)))
    begin, got = time.monotonic(), 0
    while time.monotonic() < begin + max(target.seconds, 2):
        try:
            attacker.write(ask)
            got += len(attacker.message())
        except TimeoutError:
            pass
    allowed = 65536 * (time.monotonic() - begin + 1) * 1.1
    check(0 < got <= allowed, f"{got} bytes came back where {allowed:.0f} may be asked for")
    for each in others[:4]:
        nothing_for(each, "one that was looked for was told")
    return f"{got} bytes came back, {allowed:.0f} were allowed"


@attack(
    "keys against watches", f"{KEYS} keys that come and go, each looked for by ten askers who may watch {WATCHES}",
    own=True, watches=WATCHES, mailbox_seconds=60,
)
def keys_against_watches(target):
    honest, friend = tracking(target), target.accepted()
    honest.send(v1.frame(track.LOOK, honest.id, v1.NOBODY, bytes(4) + friend.id))
    honest.message()
    askers = [tracking(target, source=target.elsewhere) for _ in range(10)]
    keys = [leave(target, target.accepted(source=target.elsewhere)).id for _ in range(KEYS)]
    before = target.value("buffer_bytes")
    for at in range(0, KEYS, 50):
        for each in askers:
            each.send(v1.frame(track.LOOK, each.id, v1.NOBODY, bytes(4) + b"".join(keys[at : at + 50])))
            each.message()
    grown = target.value("buffer_bytes") - before
    check(grown <= len(askers) * WATCHES * 256, f"{grown:.0f} bytes for {len(askers) * WATCHES} watches")
    leave(target, friend)
    told = v1.Frame.parse(honest.message())
    check(told.kind == track.GONE and told.body[:16] == friend.id, "another's watches were lost")
    return f"{grown:.0f} bytes for {KEYS} keys; another was told as ever"


@attack("a key that flaps", f"it comes and goes {FLAPS} times while {WATCHERS} watch it, who ask once or each time", own=True)
def flapping(target):
    once, each_time = tracking(target), [tracking(target) for _ in range(WATCHERS)]
    identity, sent, got = v1.Identity(), 0, 0
    for flap in range(FLAPS):
        key = target.accepted(identity)
        for one in each_time + [once] * (not flap):
            frame = v1.frame(track.LOOK, one.id, v1.NOBODY, struct.pack(">I", flap) + key.id)
            one.send(frame)
            check(v1.Frame.parse(one.message()).body[4] == track.HERE, "it is not there")
            sent += one is not once
        leave(target, key)
        for one in each_time:
            check(v1.Frame.parse(one.message()).kind == track.GONE, "nobody told that it left")
            got += 1
    told = until_barrier(once)
    check(len(told) == 1, f"one that asked once was told {len(told)} times")
    check(not any(map(until_barrier, each_time)), "told more often than asked")
    return f"{got} told for {sent} asked, and once to who asked once"
