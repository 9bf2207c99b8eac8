"""One program of the test: a process, its line to the service with the fault proxy in it, and its journal."""

import functools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from support.programs import BIN, ROOT, clean_environment
from support.proxy import FaultProxy
from support.waiting import DEADLINE

from . import journal

PEER = Path(os.environ.get("ACURAST_BUILD", BIN.parent)) / "tests" / "chaos_peer"
NODE_MIN = 18
VENDOR = Path(__file__).with_name("vendor.js")
# Short, so that a round has many connections, and long enough for a busy machine.
PATIENCE = {
    "backoff-min": "10ms",
    "backoff-max": "200ms",
    "refused-backoff": "200ms",
    "connect-timeout": "2s",
    "handshake-timeout": "3s",
    "ping-interval": "1s",
    "ping-timeout": "2s",
    "linger": "500ms",
}


def flags(words):
    return [str(part) for name, value in words.items() for part in (f"--{name}", value)]


@functools.cache
def vendor_missing():
    """Why the vendor's client cannot take part; None where it can."""
    node = shutil.which("node")
    if not node:
        return "node is not installed"
    packages = ROOT / "tests" / "interop" / "node_modules" / "@acurast" / "dapp"
    if not packages.is_dir():
        return "its packages are not installed; npm --prefix tests/interop ci --ignore-scripts installs them"
    test = f"process.exit(parseInt(process.versions.node) < {NODE_MIN} ? 1 : 0)"
    if subprocess.run([node, "-e", test], timeout=DEADLINE, check=False).returncode:
        return f"node is older than {NODE_MIN}"
    return None


class Program:
    """`authority`: the file of the one that the service's certificate is from; None: the line is without TLS."""

    def __init__(self, who, role, name, identity, folder, port, seed, pace, *, to, life, proxy=FaultProxy, authority=None):
        self.who, self.role = who, role
        self.path = folder / f"{name}.journal"
        self.proxy = proxy(port)
        self.cast = journal.Cast(name, identity.id.hex(), v1=role.v1, foreign=role.foreign, asked=False)
        self.leaving = False
        self.born = time.monotonic()
        words = {
            "url": self.proxy.url.replace("ws:", "wss:") if authority else self.proxy.url,
            "secret": identity.key.private_numbers().private_value.to_bytes(32, "big").hex(),
            "name": name,
            "journal": self.path,
            "seed": seed,
            "to": ",".join(to),
            "rate": pace[0],
            "life": int(life),
        }
        command, environment = self._vendor(words, authority) if role.foreign else self._ours(words, pace, authority)
        self.errors = open(folder / f"{name}.errors", "w+b", buffering=0)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.errors, stderr=self.errors, env=clean_environment(environment)
        )

    def _ours(self, words, pace, authority):
        role = self.role
        words |= {"delivery": role.delivery, "open": pace[1], "plain": "yes" if role.v1 else "no"}
        options = PATIENCE | role.options
        if role.v1:
            options |= {"extensions": "off"}
        if authority:
            options |= {"ca-file": authority}
        command = [PEER, *flags(words)]
        return command + [part for name, value in options.items() for part in ("--option", f"{name}={value}")], {}

    @staticmethod
    def _vendor(words, authority):
        return [shutil.which("node"), VENDOR, *flags(words)], {"NODE_EXTRA_CA_CERTS": authority} if authority else {}

    @property
    def name(self):
        return self.cast.name

    def alive(self):
        return self.process.poll() is None

    def connected(self):
        """By the last state that it has noted."""
        text = self.path.read_text(errors="replace") if self.path.exists() else ""
        return text[text.rfind("\nT ") :].startswith("\nT 3 ")

    def say(self, *words):
        try:
            for word in words:
                self.process.stdin.write(word.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # it has ended
            pass

    def ask_to_end(self, how):
        self.cast.asked = self.leaving = True
        self.say(how)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.alive():
            self.cast.killed = True
            self.process.kill()
            self.process.wait()

    def reap(self, deadline):
        """Its journal, once it has ended; where it does not within `deadline` seconds it is killed, which is a violation."""
        try:
            self.cast.code = self.process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.cast.code = None
        self.process.stdin.close()
        self.proxy.close()
        self.errors.seek(0)
        self.cast.errors = self.errors.read().decode(errors="replace")[-4000:]
        self.errors.close()
        if self.cast.killed and self.cast.code != -signal.SIGKILL:  # it had ended by itself a moment before
            self.cast.killed = False
        return journal.Journal(self.cast, journal.read(self.cast, self.path))

