"""Starts and ends the programs under test, each by its own process id."""

import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from .prometheus import Metrics
from .waiting import DEADLINE, Late, eventually

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ACURAST_BIN", ROOT / "build" / "bin"))
SANITIZER = re.compile(r"(ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w*Sanitizer)")


def flags_of(options):
    """max_frame="1MiB", listen=["a", "b"] -> --max-frame 1MiB --listen a --listen b"""
    flags = []
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        for each in values:
            flags += [f"--{name.replace('_', '-')}", str(each)]
    return flags


def clean_environment(extra=None):
    """Ours without settings that are meant for the programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACURAST_")}
    kept.update({name: str(value) for name, value in (extra or {}).items()})
    return kept


class Program:
    """A process whose output is read line by line as it comes; `command`, if given, is what runs it."""

    def __init__(self, name, *arguments, environment=None, stdin=subprocess.DEVNULL, command=()):
        self.name = name
        self.out, self.err = [], []
        self._lines = queue.Queue()
        self.process = subprocess.Popen(
            [*command, str(BIN / name), *map(str, arguments)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(environment),
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.out, self._lines), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.err, None), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, kept, lines):
        for raw in stream:
            line = raw.decode(errors="replace").rstrip("\n")
            kept.append(line)
            if lines:
                lines.put(line)
        if lines:
            lines.put(None)
        stream.close()

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def line(self, deadline=DEADLINE):
        """The next line of standard output."""
        try:
            line = self._lines.get(timeout=deadline)
        except queue.Empty:
            raise Late(f"{self.name} printed nothing within {deadline} s; stderr: {self.stderr}") from None
        if line is None:
            self._lines.put(None)
            raise EOFError(f"{self.name} ended with {self.wait()}; stderr: {self.stderr}")
        return line

    def message(self, words, deadline=DEADLINE):
        """Waits for a line with `words` on standard error."""
        return eventually(lambda: next((line for line in self.err if words in line), None), words, deadline)

    @property
    def stderr(self):
        return "\n".join(self.err)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """The exit code, with all output read."""
        code = self.process.wait(timeout=deadline)
        for reader in self._readers:
            reader.join(timeout=deadline)
        return code

    def end(self, deadline=DEADLINE):
        """SIGTERM and the exit code; SIGKILL and a failure where it does not obey."""
        if self.alive():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Late(f"{self.name} was still there {deadline} s after SIGTERM; stderr: {self.stderr}") from None

    def processor_seconds(self):
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.kill()
        return self.wait()

    def check_sanitizers(self):
        found = SANITIZER.search(self.stderr)
        assert not found, self.stderr


def run(name, *arguments, environment=None, deadline=DEADLINE, stdin=b""):
    """Runs a program to its end: CompletedProcess with text output."""
    done = subprocess.run(
        [str(BIN / name), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=deadline,
        env=clean_environment(environment),
        check=False,
    )
    done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


class Service(Program):
    """acurast-service, ready."""

    def __init__(self, environment=None, command=(), **options):
        options.setdefault("listen", "127.0.0.1:0")
        self.options = options
        super().__init__("acurast-service", *flags_of(options), environment=environment, command=command)
        count = len(options["listen"]) if isinstance(options["listen"], list) else 1
        self.urls = []
        self.admin = None
        try:
            while len(self.urls) < count:
                found = re.match(r"listening on (wss?://\S+)$", self.line())
                if found:
                    self.urls.append(found.group(1))
            if "admin_listen" in options:
                self.admin = re.match(r"admin on (http://\S+)$", self.line()).group(1)
        except BaseException:
            if self.alive():
                self.kill()
            raise

    @property
    def url(self):
        return self.urls[0]

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    @property
    def page_url(self):
        """Where the pages are."""
        return self.admin or self.url.replace("ws", "http", 1)

    def page(self, path, base=None, context=None):
        """(status, body) of a GET."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open((base or self.page_url) + path, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self, context=None):
        """`context`: the TLS context of a client that trusts the service."""
        status, text = self.page("/metrics", context=context)
        assert status == 200, (status, text)
        return Metrics(text)

    def reload(self):
        self.signal(signal.SIGHUP)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self):
        """{(address, port)} of the sockets on which this very process listens."""
        inodes = set()
        for descriptor in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                target = os.readlink(f"/proc/{self.pid}/fd/{descriptor}")
            except OSError:
                continue
            found = re.match(r"socket:\[(\d+)\]", target)
            if found:
                inodes.add(found.group(1))
        bound = set()
        for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
            for row in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    bound.add(_address(fields[1], family))
        return bound


def _address(text, family):
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return socket.inet_ntop(family, words), int(port, 16)


def free_port():
    """A port on which nobody listens right now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def seconds(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin
