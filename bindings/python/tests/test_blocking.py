"""The blocking client: from one thread, from many, and under Ctrl-C."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading
import time

import acurast
import pytest
from acurast import Outcome, State
from conftest import eventually


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_there_and_back(url):
    with acurast.connect(url) as dapp, acurast.connect([url], timeout=None) as processor:
        for payload in (b"", bytes(range(256)), bytes(1 << 20)):
            assert dapp.send(processor.id, payload) is Outcome.WRITTEN
            message = processor.receive(timeout=10)
            assert (message.sender, message.recipient, message.payload) == (dapp.id, processor.id, payload)
        processor.send_text(dapp.id, "ü", wait=False)
        processor.send_json(dapp.id, [1])
        assert dapp.receive().text() == "ü" and dapp.receive().json() == [1]
        assert dapp.state is State.CONNECTED and dapp.stats().payloads_in == 2


def test_iteration_ends_with_the_client(url):
    with acurast.connect(url) as client:
        for number in range(100):
            client.send(client.id, b"%d" % number, wait=False)
        seen = []
        for message in client:
            seen.append(int(message.payload))
            if len(seen) == 100:
                client.close()
    assert seen == list(range(100))
    client.close()
    for call in (lambda: client.send(client.id, b""), client.receive, client.stats):
        with pytest.raises(acurast.ClosedError):
            call()


def test_nothing_in_time(url):
    with acurast.connect(url) as client:
        begin = time.monotonic()
        with pytest.raises(acurast.TimeoutError, match=r"no message within 0\.2 s"):
            client.receive(timeout=0.2)
        assert 0.2 <= time.monotonic() - begin < 5
        with pytest.raises(TimeoutError):
            client.receive(timeout=0)


def test_no_service_in_time():
    with pytest.raises(acurast.TimeoutError, match="could not be reached") as caught:
        acurast.connect(f"ws://127.0.0.1:{free_port()}", timeout=1.5)
    assert isinstance(caught.value.__cause__, acurast.ConnectError)


def test_denied():
    identity = acurast.Identity.generate()
    with acurast.Service(deny=[str(identity.id)]) as service, pytest.raises(acurast.DeniedError):
        acurast.connect(service.url, identity=identity)


def test_sends_wait_for_room_and_expire():
    port = free_port()
    with acurast.Service(port) as service:
        client = acurast.connect(service.url, outbox_count=2, backoff_min=0.01, backoff_max=0.05)
    eventually(lambda: client.state is not State.CONNECTED)
    for _ in range(2):
        client.send(client.id, b"x", wait=False)
    for wait in (True, False):
        with pytest.raises(acurast.ExpiredError, match="outbox was full"):
            client.send(client.id, b"y", timeout=0.05, wait=wait)
    with acurast.Service(port):
        client.send(client.id, b"z")
        assert [client.receive(10).payload for _ in range(3)] == [b"x", b"x", b"z"]
        client.close()


def test_an_expired_send():
    with acurast.Service() as service:
        client = acurast.connect(service.url, linger=0)
    eventually(lambda: client.state is not State.CONNECTED)
    with pytest.raises(acurast.ExpiredError):
        client.send(client.id, b"x", timeout=0.05)
    client.close()


def test_many_threads_share_one_client(url):
    count, each = 8, 200
    with acurast.connect(url) as client, acurast.connect(url) as other:
        got, guard = [], threading.Lock()

        def send(name):
            for number in range(each):
                client.send(other.id, b"%d %d" % (name, number), wait=number % 3 == 0)

        def receive():
            for message in other:
                with guard:
                    got.append(tuple(map(int, message.payload.split())))
                    if len(got) == count * each:
                        done.set()

        done = threading.Event()
        receivers = [threading.Thread(target=receive) for _ in range(4)]
        senders = [threading.Thread(target=send, args=(name,)) for name in range(count)]
        for thread in receivers + senders:
            thread.start()
        for thread in senders:
            thread.join(60)
        assert done.wait(60)
        other.close()
        for thread in receivers:
            thread.join(60)
    assert sorted(got) == [(name, number) for name in range(count) for number in range(each)]


def test_a_thread_that_sends_starves_no_other(url):
    with acurast.connect(url) as client:
        over = threading.Event()

        def send():
            while not over.is_set():
                client.send(client.id, b"x")

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for _ in range(1000):
                client.receive(timeout=30)
        finally:
            over.set()
            sender.join(60)


def test_closing_wakes_a_thread_that_waits(url):
    client = acurast.connect(url)
    ended = []

    def receive():
        try:
            client.receive()
        except acurast.ClosedError as error:
            ended.append(error)

    threads = [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    client.close()
    for thread in threads:
        thread.join(60)
    assert len(ended) == 3


def test_an_unclosed_client_warns(url):
    client = acurast.connect(url)
    with pytest.warns(ResourceWarning, match="unclosed <acurast.BlockingClient"):
        del client
        gc.collect()


def test_a_flood_that_nobody_takes_is_bounded(url):
    with acurast.connect(url) as fast, acurast.connect(url, inbox_count=10) as slow:
        for number in range(2000):
            fast.send(slow.id, b"%d" % number, wait=False)
        for _ in range(20):
            slow.send(fast.id, b"")
            assert len(slow._inbox) <= 40
        assert [int(slow.receive(10).payload) for _ in range(2000)] == list(range(2000))


@pytest.mark.parametrize("what", ["client.receive()", "client.send(client.id, b'x', timeout=50)", "list(client)"])
def test_ctrl_c_works_at_once(what):
    away = "service.close()" if "send" in what else ""
    script = f"""
import acurast, time
service = acurast.Service()
service.start()
client = acurast.connect(service.url, linger=0)
{away}
while {bool(away)} and client.state is acurast.State.CONNECTED: time.sleep(0.01)
print("ready", flush=True)
try:
    {what}
except KeyboardInterrupt:
    print("interrupted", flush=True)
client.close()
service.close()
"""
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)  # so that it most likely waits; either way it must end
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    assert time.monotonic() - begin < 2
    assert process.wait(30) == 0
    process.stdout.close()
