"""acurast-peer's command line, in one place."""

import json
from dataclasses import dataclass

from . import programs
from .waiting import DEADLINE

# Quick to try again, so that a test of reconnects does not wait for backoffs.
EAGER = ["--backoff-min", "5ms", "--backoff-max", "50ms"]


@dataclass
class Key:
    """A key file and who it makes one."""

    file: object
    public_key: bytes
    id: bytes


def keygen(folder, name="key.pem", *flags):
    file = folder / name
    done = programs.run("acurast-peer", "keygen", "--out", file, "--json", *flags)
    assert done.returncode == 0, done
    told = json.loads(done.stdout)
    return Key(file, bytes.fromhex(told["public_key"]), bytes.fromhex(told["id"]))


def urls(url):
    flags = []
    for each in [url] if isinstance(url, str) else url:
        flags += ["--url", each]
    return flags


def hexed(recipient):
    return recipient.hex() if isinstance(recipient, bytes) else recipient


def send(url, recipient, payload, *flags, key=None, deadline=DEADLINE):
    """Runs one send to its end. A payload of bytes goes through standard input."""
    arguments = ["send", *urls(url), "--to", hexed(recipient), *flags]
    if key:
        arguments += ["--key", key.file]
    if isinstance(payload, bytes):
        return programs.run("acurast-peer", *arguments, "--file", "-", stdin=payload, deadline=deadline)
    return programs.run("acurast-peer", *arguments, payload, deadline=deadline)


def objects(done):
    """The JSON objects that a program printed, one a line."""
    return [json.loads(line) for line in done.stdout.splitlines()]


class Listener:
    """acurast-peer listen --json in the background."""

    def __init__(self, program, key):
        self.program, self.key, self.id = program, key, key.id

    @staticmethod
    def arguments(url, key, *flags):
        return ["listen", "--json", *urls(url), "--key", key.file, *EAGER, *flags]

    def next(self, event=None, deadline=DEADLINE):
        """The next object, or the next of this event, skipping others."""
        while True:
            told = json.loads(self.program.line(deadline))
            if event is None or told["event"] == event:
                return told

    def connected(self):
        return self.next("connected")

    def payload(self):
        """(sender, body) of the next payload."""
        told = self.next("payload")
        return bytes.fromhex(told["sender"]), bytes.fromhex(told["hex"])
