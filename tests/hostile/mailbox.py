"""Mailboxes: room for payloads that a stranger must not be able to take from others."""

from support import rawws, v1

from .suite import NotApplicable, attack, check
from .tools import payload

KEYS = 300


def away(target, source=None):
    """An id that was here a moment ago."""
    return leave(target, target.accepted(source=source))


def leave(target, one):
    """Goes, and waits until the service has let go as well."""
    one.send(b"\x03\xe8", rawws.CLOSE)
    one.read_to_end()
    target.drop(one)
    return one.identity


def waiting(target, identity, bodies):
    """Comes back and must find these payloads, in order."""
    one = target.accepted(identity)
    one.socket.settimeout(2)
    got = []
    try:
        while len(got) < len(bodies):
            got.append(v1.Frame.parse(one.message()).body)
    except (TimeoutError, rawws.Gone):
        pass
    target.drop(one)
    return got


def put(target, sender, identity, body):
    """Sent, and taken by the service: a payload to oneself comes behind it."""
    sender.send(v1.frame(v1.PAYLOAD, sender.id, identity.id, body))
    sender.write(payload(sender.id, sender.id, b"barrier"))
    while v1.Frame.parse(sender.message()).body != b"barrier":
        pass


def has_mailboxes(target, sender):
    probe = away(target)
    put(target, sender, probe, b"probe")
    if waiting(target, probe, [b"probe"]) != [b"probe"]:
        raise NotApplicable("nothing is kept for those who are away")


def fill(target, sizes, keys):
    """Throw-away keys, each of which comes, writes payloads of these sizes to the one before it, and goes."""
    last = away(target, target.elsewhere)
    for _ in range(keys):
        one = target.accepted(source=target.elsewhere)
        try:
            for size in sizes:
                one.write(payload(one.id, last.id, bytes(size)))
            one.write(payload(one.id, one.id, b"barrier"))
            one.message()
        except (rawws.Gone, TimeoutError):
            pass
        last = leave(target, one)


@attack(
    "ids that are remembered",
    "keys that come and go without a payload, as many as the mailboxes' room remembers",
    mailbox_total="64KiB",
)
def remembered(target):
    sender = target.accepted()
    has_mailboxes(target, sender)
    honest = away(target)
    for _ in range(KEYS):
        away(target, target.elsewhere)
    late = away(target)
    for identity in (honest, late):
        put(target, sender, identity, b"after")
    for identity, name in ((honest, "one that left before"), (late, "one that left afterwards")):
        check(waiting(target, identity, [b"after"]) == [b"after"], f"{name} has no mailbox")
    return f"{KEYS} keys; the honest ones kept theirs"


@attack(
    "one sender fills all mailboxes",
    "one key writes to everybody who is away",
    mailbox_total="1MiB", mailbox_bytes="64KiB",
)
def one_sender(target):
    sender, greedy = target.accepted(), target.accepted(source=target.elsewhere)
    has_mailboxes(target, sender)
    for _ in range(40):
        put(target, greedy, away(target, target.elsewhere), bytes(50_000))
    honest = away(target)
    put(target, sender, honest, b"after")
    check(waiting(target, honest, [b"after"]) == [b"after"], "one sender left no room for another")
    return "the honest one missed nothing"


@attack(
    "mailboxes filled by throw-away keys",
    "300 keys fill each other's mailboxes while an honest pair uses one",
    mailbox_total="4MiB", mailbox_bytes="64KiB",
)
def filled(target):
    sender = target.accepted()
    has_mailboxes(target, sender)
    honest = [away(target) for _ in range(2)]
    put(target, sender, honest[0], b"before")
    fill(target, [20_000] if target.service else [60_000] * 16, KEYS)
    fill(target, [1000] * 8 + [100] * 6 + [0] * 6, KEYS // 10)  # and what room is left between the large ones
    late = away(target)
    for each in (*honest, late):
        put(target, sender, each, b"after")
    expected = {
        "one that was away before and had something": [b"before", b"after"],
        "one that was away before": [b"after"],
        "one that left afterwards": [b"after"],
    }
    for identity, (name, bodies) in zip((*honest, late), expected.items()):
        got = waiting(target, identity, bodies)
        check(got == bodies, f"{name} got {len(got)} of {len(bodies)} payloads of these moments")
    return f"{KEYS} keys; the honest ones missed nothing"
