"""One key on several connections: its owner must never be locked out, and others must not notice."""

import threading
import time

from support import rawws, v1

from .readers import answer_pings
from .suite import attack, check
from .tools import payload


def try_login(target, identity):
    """(the client, None), or (None, the close code) where it was refused."""
    one = target.upgraded(receive_buffer=4096)
    one.send(v1.frame(v1.INIT, identity.id))
    try:
        body = v1.Frame.parse(one.message()).body
        difficulty, challenge = body[:16], body[16:32]
        nonce = v1.solve(challenge, identity.public_key, difficulty)
        signature = identity.answer(v1.digest_of(challenge, identity.public_key, nonce))
        one.send(v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, challenge + identity.public_key + nonce + signature))
        opcode, data = one.frame()
        while opcode == rawws.PING:
            one.send(data, rawws.PONG)
            opcode, data = one.frame()
    except rawws.Gone:
        return None, None
    if opcode == rawws.CLOSE:
        return None, int.from_bytes(data[:2], "big")
    one.identity, one.id = identity, identity.id
    return one, None


@attack("takeover storm", "two sides with one key that evict each other as fast as they can", noisy=True)
def storm(target):
    identity, end = v1.Identity(), time.monotonic() + target.seconds
    taken = refused = 0
    current = []
    while time.monotonic() < end:
        one, _ = try_login(target, identity)
        taken, refused = taken + bool(one), refused + (one is None)
        if one:
            current.append(one)
        for old in current[:-3]:
            target.drop(old)
        current = current[-3:]
    sender = target.accepted()
    sender.write(payload(sender.id, identity.id, b"once"))
    nobody_twice(target, current)
    return f"{taken} took over, {refused} were refused"


def nobody_twice(target, sockets):
    """The payload must come to one of the connections at most."""
    got = 0
    for one in sockets:
        one.socket.settimeout(0.1)
        try:
            while True:
                opcode, data = one.frame()
                got += opcode == rawws.BINARY and data.endswith(b"once")
        except (rawws.Gone, TimeoutError):
            pass
    check(got <= 1, f"one payload arrived at {got} connections of one key")


@attack(
    "incumbent that lives",
    "a key that is taken over again and again; the one who then stays answers pings, and newcomers are told so",
    ping_interval="400ms", ping_timeout="400ms",
)
def alive(target):
    identity, stop, threads = v1.Identity(), threading.Event(), []
    refusals = []
    try:
        for _ in range(8):
            one, code = try_login(target, identity)
            if one:
                threads.append(threading.Thread(target=answer_pings, args=(one, stop), daemon=True))
                threads[-1].start()
            else:
                refusals.append(code)
    finally:
        stop.set()
        for each in threads:
            each.join()
    check(4001 not in refusals, "a newcomer was told 4001 before it was accepted, which ends a client for good")
    return f"{len(refusals)} newcomers refused with {refusals[0]}" if refusals else "the newest always won"


@attack(
    "nine drops in ten seconds",
    "a client whose network swallows its connections: each takes nothing more, not even a ping; it must get in again",
    ping_interval="400ms", ping_timeout="400ms",
)
def drops(target):
    identity, sender = v1.Identity(), target.accepted()
    longest = 0
    for number in range(9):
        begin = time.monotonic()
        one, code = try_login(target, identity)
        while one is None:
            check(code != 4001, f"at drop {number + 1} the owner of the key was told 4001, which ends a client for good")
            waited = time.monotonic() - begin
            check(waited < target.patience * 3, f"at drop {number + 1} the owner of the key was kept out for {waited:.1f} s")
            time.sleep(0.05)  # a client's pause between two tries
            one, code = try_login(target, identity)
        longest = max(longest, time.monotonic() - begin)
        # Its window is full from here on, so that the kernel does not acknowledge in its place, as a dead one's does not.
        sender.write(payload(sender.id, identity.id, bytes(65536)) * 4)
    return f"back each time, within {longest * 1000:.0f} ms"
