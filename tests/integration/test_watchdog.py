"""The program's watchdog: an I/O thread that hangs, made by tests/support/stall.c, is told with its stack, and ends the program where it shall."""

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import programs
from support.waiting import eventually

BUILD = Path(os.environ.get("ACURAST_BUILD", programs.ROOT / "build")).resolve()
STALL = BUILD / "tests" / "stall.so"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a stall is preloaded as Linux does it")


def preloaded(file):
    """The environment of a program that hangs at the next connection once there is `file`."""
    environment = programs.clean_environment({"LD_PRELOAD": STALL, "STALL_FILE": file})
    if "ASAN_OPTIONS" in environment:  # what is preloaded comes before its runtime
        environment["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
    return environment


@pytest.fixture
def stalling(tmp_path):
    """Starts a service whose thread hangs at the next connection; `stall` begins it and `go_on` ends it."""
    file = tmp_path / "stall"
    services = []

    class Stalling(programs.Service):
        def stall(self):
            file.touch()
            self.visitor = socket.create_connection(("127.0.0.1", self.port))

        def go_on(self):
            file.unlink()
            self.visitor.close()

    def start(environment=None, **options):
        services.append(Stalling(environment={**preloaded(file), **(environment or {})}, threads=1, **options))
        return services[-1]

    yield start
    file.unlink(missing_ok=True)
    for service in services:
        if service.alive():
            service.kill()


def test_a_thread_that_hangs_is_told_with_its_stack(stalling):
    service = stalling()
    service.stall()
    service.message("level=error what=stalled thread=0 seconds=")
    service.message("what=stalled_stack thread=0 frame=0 at=")
    assert "in=accept4" in service.message("at=stall.so"), service.stderr
    assert service.alive()
    service.go_on()
    service.message("what=turning_again")
    assert service.page("/readyz")[0] == 200
    assert service.end() == 0
    service.check_sanitizers()


def test_the_watchdog_ends_the_program(stalling):
    service = stalling(watchdog="3s")
    service.stall()
    assert service.wait() == 1
    assert "what=stalled_stack thread=0 frame=" in service.stderr
    assert service.err[-1].endswith("level=error what=ended_by_watchdog")


def test_the_watchdog_ends_a_program_whose_log_nobody_reads(tmp_path):
    file = tmp_path / "stall"
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, bytes(4096))
    process = subprocess.Popen(
        [programs.BIN / "acurast-service", "--listen", "127.0.0.1:0", "--threads", "1", "--watchdog", "3s"],
        stdout=subprocess.PIPE,
        stderr=writing,
        env=preloaded(file),
    )
    try:
        port = int(process.stdout.readline().rsplit(b":", 1)[1])
        file.touch()
        with socket.create_connection(("127.0.0.1", port)):
            assert process.wait(timeout=30) == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(reading)
        os.close(writing)


def test_a_thread_that_hangs_ends_the_signs_of_life(stalling, manager):
    one = stalling(environment=manager.environment(WATCHDOG_USEC="1000000"))
    manager.next("WATCHDOG")
    one.stall()
    one.message("what=stalled thread=0")
    manager.waiting()
    assert not select.select([manager.socket], [], [], 3)[0], "six were due"
    one.go_on()
    manager.next("WATCHDOG")
    assert one.end() == 0


def test_a_process_that_was_stopped_for_a_while_is_left_alone(stalling):
    service = stalling(watchdog="3s")
    service.signal(signal.SIGSTOP)
    time.sleep(5)  # the pause itself, longer than the watchdog's time
    service.signal(signal.SIGCONT)
    went_on = time.monotonic()
    eventually(lambda: time.monotonic() - went_on > 4 and service.page("/readyz")[0] == 200, "four good seconds")
    assert service.alive() and "stalled" not in service.stderr
    assert service.end() == 0


@pytest.mark.parametrize("text", ["2", "2999ms", "soon", "-5", "", "25h", "1e9h"])
def test_a_time_that_is_none_or_out_of_range_is_refused(text):
    done = programs.run("acurast-service", "--watchdog", text)
    assert done.returncode == 2
    assert "--watchdog: not a time of at least 3s" in done.stderr
