"""Out of descriptors: who is here stays, nobody spins, and newcomers get in once descriptors come back."""

import os
import resource
import socket
import sys
import time

import pytest

from support import rawws
from support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is set as Linux does it")

WINDOW = 1.5


def limit(service, most):
    """Descriptors with a number of `most` and above cannot be had. Returns what was in force."""
    hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)[1]
    return resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (most, hard))[0]


def highest(service):
    return max(int(number) for number in os.listdir(f"/proc/{service.pid}/fd"))


def stands_still(service):
    """Over a window of time the service takes no more of the processor than it needs for a few retries a second."""
    before = service.processor_seconds()
    time.sleep(WINDOW)
    used = service.processor_seconds() - before
    assert used < WINDOW / 5, f"{used:.2f} s of processor time in {WINDOW} s"


def connections(service, count):
    made = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", service.port))
        one.setblocking(False)
        made.append(one)
    return made


def told(one):
    try:
        return one.recv(64).startswith(b"HTTP/1.1 503")
    except BlockingIOError:
        return False


@pytest.mark.parametrize("threads", [1, 2])
def test_where_not_even_a_spare_one_can_be_had_it_waits(service, client, bystanders, threads):
    one = service(threads=threads)
    pair = bystanders(one.url)
    before = limit(one, 3)
    waiting = connections(one, 8)
    stands_still(one)
    pair.check()
    limit(one, before)
    for each in waiting:
        with each:
            each.setblocking(True)
            each.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in each.recv(64)
    client(one.url).barrier()
    # The spare one is there again.
    before = limit(one, highest(one) + 1)
    crowd = connections(one, 64)
    eventually(lambda: any(told(each) for each in crowd), "a peer that is told")
    limit(one, before)
    for each in crowd:
        each.close()


def test_a_flood_beyond_the_descriptors_makes_no_thread_spin(service, bystanders):
    one = service(threads=2, handshake_time="60s")
    pair = bystanders(one.url)
    limit(one, highest(one) + 40)
    for _ in range(3):
        crowd = connections(one, 400)
        stands_still(one)
        pair.check()
        for each in crowd:
            each.close()

        def gets_in():
            try:
                with rawws.RawSocket(one.url) as newcomer:
                    return newcomer.login()
            except (OSError, AssertionError, rawws.Gone):
                return None

        eventually(gets_in, "a newcomer")
    assert one.stderr.count("what=no_descriptors_left") in (1, 2), "once for each thread"
    limit(one, 1024)
    assert one.metrics().value("acurast_rejected_connections_total", reason="descriptors") > 10
