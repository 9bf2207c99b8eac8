"""Checks of the suite itself: that its page is true, that it stays on this machine, that its attacks can find something."""

from pathlib import Path

from . import table
from .attacks import ATTACKS
from .field import BROKE_OFF, Field
from .pushover import Pushover
from .suite import Verdict
from .target import Refused, Target, loopback

README = Path(__file__).with_name("README.md")
ELSEWHERE = (
    "ws://192.0.2.1:9001", "ws://10.0.0.1:9001", "ws://0.0.0.0:9001", "ws://[2001:db8::1]:9001", "ws://[::ffff:192.0.2.1]:9001",
    "wss://service.example", "ws://127.0.0.1.example:9001", "ws://127.0.0.1@192.0.2.1:9001", "ws://2130706433:9001",
    "http://127.0.0.1:9001", "127.0.0.1:9001", "ws://127.0.0.1:99999", "ws://",
)
HERE = {
    "ws://127.0.0.1:9001": "ws://127.0.0.1:9001",
    "wss://127.5.6.7": "wss://127.5.6.7:443",
    "ws://[::1]:9001/path": "ws://[::1]:9001/path",
}
# What the pushover must fall to.
FELLED = (
    "second request", "request byte by byte", "giant headers", "endless request", "not HTTP", "wrong upgrade", "TLS on a plain port",
    "dribbled request", "dribbled handshake", "too early", "keys that are none", "wrong signatures", "replay", "another's id",
    "forged sender", "identity changed later", "squatter without the key", "bad signatures", "broken frames",
    "a message never begun anew", "unmasked frames", "resets at every stage",
    "frames behind the upgrade",
)


def all_of_them(report):
    for name, tried, act in CHECKS:
        fault = act()
        verdict = Verdict(Verdict.HELD_NOT, fault) if fault else Verdict(Verdict.HELD, "as it should be")
        report.row(name, tried, verdict)


def page_is_true():
    if table.as_markdown(ATTACKS) not in README.read_text(encoding="utf-8"):
        return "README.md has another table of attacks than --list prints"
    return ""


def stays_here():
    for url in ELSEWHERE:
        try:
            return f"{url} would be attacked, as {loopback(url)}"
        except Refused:
            pass
    return next((f"{url} became {loopback(url)}" for url, literal in HERE.items() if loopback(url) != literal), "")


def finds_something():
    attacks = {each.name: each for each in ATTACKS}
    pushover = Pushover()
    missed = []
    try:
        with Field(Target(pushover.url, patience=0.1, seconds=0.2, grace=0.1)) as field:
            for name in FELLED:
                result = field.mount(attacks[name])
                if result.verdict != Verdict.HELD_NOT or result.words.startswith(BROKE_OFF):
                    missed.append(name)
    finally:
        pushover.close()
    return f"found nothing: {', '.join(missed)}" if missed else ""


CHECKS = (
    ("the page is true", "README.md beside --list", page_is_true),
    ("the suite stays on this machine", f"{len(ELSEWHERE)} URLs of others", stays_here),
    ("the attacks can find something", f"{len(FELLED)} of them on a service that checks nothing", finds_something),
)
