"""Output that nobody reads: it holds up neither the service nor its end, and what is lost of the log is counted."""

import fcntl
import os
import re
import select
import signal
import socket
import subprocess
import sys

import pytest

from support import programs, rawws, v1
from support.waiting import DEADLINE, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a pipe is made small as Linux does it")


class Stalled:
    """A pipe that is full: who writes into it waits until it is read."""

    def __init__(self):
        self.reading, self.writing = os.pipe()
        size = fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)
        os.write(self.writing, b"\n" * size)
        self.text = ""

    def read(self):
        """All that is there to be read by now, and before."""
        while select.select([self.reading], [], [], 0)[0]:
            self.text += os.read(self.reading, 65536).decode()
        return self.text.lstrip("\n")

    def close(self):
        os.close(self.reading)
        os.close(self.writing)


@pytest.fixture
def stalled():
    one = Stalled()
    yield one
    one.close()


class Quiet:
    """A service with one of its outputs stalled."""

    def __init__(self, **streams):
        self.port = programs.free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [programs.BIN / "acurast-service", "--listen", f"127.0.0.1:{self.port}", "--log-level", "debug",
             "--threads", "1", "--drain-time", "60s"],
            env=programs.clean_environment(),
            **streams,
        )
        eventually(self.answers, "the service")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            assert self.process.poll() is None
            return False
        return True

    def visit(self):
        """Two lines of the log: it came, it went."""
        with v1.Client(self.url) as one:
            one.barrier()


@pytest.fixture
def quiet():
    made = []

    def start(**streams):
        made.append(Quiet(**{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_signal_ends_a_service_whose_output_nobody_reads(quiet, stalled, stream):
    one = quiet(**{stream: stalled.writing})
    one.visit()
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(DEADLINE) == 0


def test_so_does_the_second_signal(quiet, stalled):
    one = quiet(stderr=stalled.writing)
    with rawws.RawSocket(one.url) as stubborn:
        stubborn.login()
        one.process.send_signal(signal.SIGTERM)
        assert stubborn.closed().code == 1001
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(DEADLINE) == 1


def test_a_start_that_fails_ends_though_nobody_reads_why(stalled):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            [programs.BIN / "acurast-service", "--listen", f"127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=stalled.writing, env=programs.clean_environment(),
        )
        try:
            assert process.wait(DEADLINE) == 1
        finally:
            process.kill()
            process.wait()


def test_lost_lines_are_counted_and_told(quiet, stalled):
    """Each connection makes one line. Some are kept, the others are counted, and none is missing in the sum."""
    one = quiet(stderr=stalled.writing)
    count = 6000
    for _ in range(count):
        with rawws.RawSocket(one.url) as visitor:
            visitor.upgrade()
    one.visit()

    eventually(lambda: re.search(r"level=warn what=log_lost lines=\d+\n", stalled.read()), "what was lost")
    one.process.send_signal(signal.SIGTERM)

    def ended():
        stalled.read()
        return one.process.poll() is not None

    eventually(ended, "its end")
    assert one.process.returncode == 0
    lines = stalled.read().splitlines()
    assert all(re.match(r"\S+Z level=\w+ what=\w+", line) for line in lines)
    assert "what=closed" in lines[-1]
    lost = [int(found[1]) for line in lines if (found := re.search("what=log_lost lines=(\\d+)$", line))]
    # Beside the visitors': listening, accepted, closed, draining, closed.
    assert len(lines) - len(lost) + sum(lost) == count + 5
