"""What an attack is: a function with a name, found by its decorator.

It gets a Target. It returns in a few words what the service did where the service held, and raises HeldNot or
NotApplicable where it did not, or where there is nothing to attack.
"""

from dataclasses import dataclass

ATTACKS = []


class HeldNot(Exception):
    """The service did what it must not; the words say what."""


class NotApplicable(Exception):
    """This service has not what is attacked; the words say what."""


@dataclass(frozen=True)
class Attack:
    name: str
    tried: str
    act: object
    ports: tuple  # of "plain" and "tls": where our own service is attacked; another service is attacked as it is
    own: bool  # needs a service of ours: its settings, its process or its figures
    noisy: bool  # lasts for target.seconds
    once: bool  # one setting of our own service is enough
    options: dict  # of our own service, beside the suite's; it then gets a service of its own


def attack(name, tried, *, ports=("plain",), own=False, noisy=False, once=False, **options):
    """`options`: settings of our own service under this attack."""

    def register(act):
        assert name not in {each.name for each in ATTACKS}, f"two attacks are called {name}"
        ATTACKS.append(Attack(name, tried, act, ports, own, noisy, once or bool(options), options))
        return act

    return register


def check(condition, words):
    if not condition:
        raise HeldNot(words)


class Verdict:
    """How an attack ended: `held`, `did not hold` or `not applicable`, and the words to it."""

    HELD, HELD_NOT, NOT_APPLICABLE = "held", "did not hold", "not applicable"

    def __init__(self, verdict, words):
        self.verdict, self.words = verdict, words
