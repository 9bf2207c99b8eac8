"""acurast-service as process 1, as in a container that holds nothing else: in a process namespace made here."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support import programs
from support.waiting import eventually

# With its own /proc, by which a sanitizer finds the threads of the process.
UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_unshare():
    return sys.platform == "linux" and shutil.which("unshare") and not subprocess.call(
        [*UNSHARE, "true"], stderr=subprocess.DEVNULL
    )


pytestmark = pytest.mark.skipif(not can_unshare(), reason="no process namespace can be made here")


def children(pid):
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


class First(programs.Service):
    """A service whose process is the first of its namespace; `pid` is how it is known here."""

    def __init__(self, **options):
        self.first = None
        super().__init__(command=UNSHARE, **options)
        (self.first,) = children(self.process.pid)

    @property
    def pid(self):
        return self.first

    def signal(self, number):
        subprocess.run(["kill", f"-{int(number)}", str(self.first)], check=True)


@pytest.fixture
def first():
    one = First(drain_time="2s")
    yield one
    if one.alive():
        one.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_a_signal(first, client, number):
    held = client(first.url)
    first.signal(number)
    assert held.gone().code == 1001
    assert first.wait() == 0


def test_it_reads_its_files_again(first):
    first.signal(signal.SIGHUP)
    first.message("what=reloaded")
    assert first.end() == 0


def test_what_it_inherits_leaves_no_zombie(first):
    reading, writing = os.pipe()
    leave = 'exec 3<&0; exec nsenter --target "$1" --pid sh -c "cat <&3 &"'  # its parent ends at once
    subprocess.run(["sh", "-c", leave, "sh", str(first.pid)], stdin=reading, check=True)
    os.close(reading)
    assert eventually(lambda: children(first.pid), "a process that was inherited")
    os.close(writing)
    eventually(lambda: not children(first.pid), "the end of what was inherited")
    assert first.end() == 0
