"""What is done to the service, to the network and to the programs, and when: all of it follows from a seed."""

import random
from dataclasses import dataclass, field

SENDERS = ("s1", "s2", "sv")
RECEIVERS = ("r1", "r2", "r3", "rv")
BOTH = ("b1",)
EVERYBODY = SENDERS + RECEIVERS + BOTH
VENDOR = "ve"  # where it can take part


@dataclass(frozen=True)
class Step:
    at: float
    what: str
    who: str = ""
    how: dict = field(default_factory=dict)

    def __str__(self):
        words = " ".join(f"{name}={value}" for name, value in self.how.items())
        return f"{self.at:7.2f} {self.what} {self.who} {words}".rstrip()


def service_settings(rng):
    """For one life of the service."""
    settings = {"threads": rng.choice((1, 2, 2, 3))}
    mailbox = rng.choice(("off", "small", "plenty", "plenty"))
    if mailbox == "off":
        settings["mailbox_count"] = 0
    elif mailbox == "small":
        settings |= {"mailbox_count": 3, "mailbox_bytes": "8KiB", "mailbox_seconds": 1}
    else:
        settings |= {"mailbox_count": 500, "mailbox_seconds": rng.choice((1, 1, 3))}
    settings["send_buffer"] = rng.choice(("16KiB", "64KiB", "32MiB"))
    settings["socket_send_buffer"] = rng.choice(("4KiB", "256KiB"))
    settings["presence"] = rng.choice(("on", "on", "on", "off"))
    settings["extensions"] = "on" if rng.randrange(10) else "off"
    return settings


def _cut(rng):
    """Half-way: after so many bytes of either way from now on."""
    way = rng.choice(("cut_up", "cut_down"))
    return {way: rng.choice((0, rng.randrange(64), rng.randrange(4096))), "how": rng.choice(("fin", "rst", "hole", "drop"))}


def _loss(rng, at):
    """What goes to somebody is lost until they notice, or that they are told so; many have to be sent again."""
    who = rng.choice(EVERYBODY)
    return [Step(at, "cut", who, {"cut_down": rng.randrange(4096), "how": rng.choice(("hole", "drop"))})]


def _absence(rng, at):
    """Longer than a mailbox is kept."""
    who = rng.choice(RECEIVERS)
    return [Step(at, "leave", who, {"how": "close"}), Step(at + 3, "come back", who)]


def _succession(rng, at):
    """A sender is replaced by another, and that by a third, while a recipient reads nothing: its receipts are for the first."""
    who, reader = rng.choice(SENDERS), rng.choice(RECEIVERS)
    steps = [Step(at, "hold", reader), Step(at + 1.2, "go", reader)]
    return steps + [Step(at + wait, "takeover", who) for wait in (0.1, 0.4, 0.7)]


def _slow(rng):
    return {"delay": rng.choice((0.001, 0.005, 0.02)), "slice": rng.choice((0, 7, 100, 1000))}


def _service_fault(rng, at):
    what = rng.choice(("kill", "drain", "stop"))
    if what == "stop":
        return [Step(at, "stop"), Step(at + rng.uniform(0.1, 1.5), "cont")]
    return [Step(at, what), Step(at + rng.uniform(0.05, 0.8), "start", how=service_settings(rng))]


def _network_fault(rng, at):
    who = rng.choice(EVERYBODY)
    what = rng.choice(("cut", "cut", "cut", "slow", "refuse", "hold up"))
    if what == "cut":
        return [Step(at, "cut", who, _cut(rng))]
    if what == "slow":
        return [Step(at, "slow", who, _slow(rng)), Step(at + rng.uniform(0.3, 2), "fast", who)]
    if what == "refuse":
        return [Step(at, "refuse", who), Step(at + rng.uniform(0.2, 1.5), "accept", who)]
    return [Step(at, "hold up", who), Step(at + rng.uniform(0.1, 1), "let up", who)]


def _program_fault(rng, at):
    what = rng.choice(("takeover", "kill program", "leave", "freeze", "hold", "hold"))
    who = rng.choice(RECEIVERS + BOTH if what == "hold" else EVERYBODY)
    later = at + rng.uniform(0.1, 1.5)
    if what == "takeover":
        return [Step(at, what, who)]
    if what in ("kill program", "leave"):
        return [Step(at, what, who, {"how": rng.choice(("close", "finish"))}), Step(later, "come back", who)]
    return [Step(at, what, who), Step(later, "thaw" if what == "freeze" else "go", who)]


def is_tls(seed):
    """Every other seed, so that two rounds in a row have both."""
    return seed % 2 == 0


def _vendor_steps(seed, seconds):
    """Of a generator of its own: the rest is the same where the vendor's client cannot take part."""
    rng = random.Random(f"{seed} {VENDOR}")
    at = 1.0
    while at < seconds:
        what = rng.choice(("cut", "cut", "slow", "hold up", "freeze", "takeover", "kill program", "leave"))
        later = at + rng.uniform(0.2, 1.5)
        if what == "cut":
            yield Step(at, what, VENDOR, _cut(rng))
        elif what == "takeover":
            yield Step(at, what, VENDOR)
        elif what in ("kill program", "leave"):
            yield from (Step(at, what, VENDOR, {"how": "close"}), Step(later, "come back", VENDOR))
        else:
            yield Step(at, what, VENDOR, _slow(rng) if what == "slow" else {})
            yield Step(later, {"slow": "fast", "hold up": "let up", "freeze": "thaw"}[what], VENDOR)
        at += rng.uniform(1, 3)


def make(seed, seconds, vendor=False):
    """(settings of the service at first, steps in order)"""
    rng = random.Random(seed)
    first = service_settings(rng)
    steps, at = [], 0.5
    while at < seconds:
        kind = rng.choices((_service_fault, _network_fault, _loss, _program_fault, _absence, _succession), (2, 6, 6, 10, 2, 1))[0]
        steps += kind(rng, at)
        at += rng.uniform(0.1, 0.4)
    if vendor:
        steps += _vendor_steps(seed, seconds)
    return first, sorted(steps, key=lambda step: step.at)
