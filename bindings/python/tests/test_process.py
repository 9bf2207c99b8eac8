"""Interpreter exit, fork, and threads at exit: nothing hangs, crashes, or reaches the parent's connections."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import time

import acurast
import pytest
from conftest import eventually

CONNECTED = """
import acurast, asyncio, sys, threading
url = sys.argv[1]
loop = asyncio.new_event_loop()
client = acurast.Client(url)
loop.run_until_complete(client.connect())
blocking = acurast.connect(url)
service = acurast.Service(drain_time=1)
service.start()
"""


def python(script, *arguments, flags=()):
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(script), *arguments], capture_output=True, text=True, timeout=60
    )
    return done, time.monotonic() - begin


@pytest.mark.parametrize(
    "end",
    [
        "",
        "sys.exit(0)",
        "threading.Thread(target=lambda: list(blocking), daemon=True).start()",
        "threading.Thread(target=blocking.send, args=(blocking.id, b'x')).start()",
        "loop.create_task(client.receive()); loop.call_soon(loop.stop); loop.run_forever()",
        "asyncio.get_event_loop_policy().set_event_loop(loop)",
        "client.self = client; del client",
        "import os; os.fork()",
    ],
)
def test_exit_with_live_clients(acurast_service, end):
    done, seconds = python(CONNECTED + end, acurast_service.url)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert seconds < 15


def test_exit_writes_what_was_sent(acurast_service):
    with acurast.connect(acurast_service.url) as receiver:
        script = """
        import acurast, sys
        client = acurast.connect(sys.argv[1])
        client.send(sys.argv[2], b"last words", wait=False)
        """
        done, _ = python(script, acurast_service.url, str(receiver.id))
        assert done.returncode == 0, done.stderr
        assert receiver.receive(10).payload == b"last words"


def test_a_service_that_lives_at_exit_logs_its_end():
    done, _ = python("""
        import acurast, logging, sys
        logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s", stream=sys.stdout)
        service = acurast.Service()
        service.start()
        print(service.url)
    """)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    url = next(line for line in lines if line.startswith("ws://"))
    lines.remove(url)
    assert lines == [f"acurast.service listening {url}", "acurast.service draining", "acurast.service closed"]


def test_exit_without_service_is_bounded():
    done, seconds = python(
        """
        import acurast
        try:
            acurast.connect("ws://127.0.0.1:1", timeout=0.1)
        except acurast.TimeoutError:
            pass
        """
    )
    assert done.returncode == 0 and seconds < 10, done.stderr


def in_child(url, pipe):
    try:
        with acurast.connect(url) as client:
            client.send(client.id, b"from the child")
            pipe.send(client.receive(30).payload)
    except BaseException as error:
        pipe.send(repr(error))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_multiprocessing(acurast_service, method):
    """A child connects on its own, while the parent's client goes on."""
    with acurast.connect(acurast_service.url) as parent:
        context = multiprocessing.get_context(method)
        here, there = context.Pipe()
        child = context.Process(target=in_child, args=(acurast_service.url, there))
        child.start()
        assert here.poll(60) and here.recv() == b"from the child"
        child.join(60)
        assert child.exitcode == 0
        child.close()
        parent.send(parent.id, b"still here")
        assert parent.receive(10).payload == b"still here"


def test_the_parents_objects_in_a_child(acurast_service):
    done, _ = python(
        """
        import acurast, asyncio, gc, os, sys
        loop = asyncio.new_event_loop()
        client = acurast.Client(sys.argv[1])
        loop.run_until_complete(client.connect())
        blocking = acurast.connect(sys.argv[1])
        service = acurast.Service()
        service.start()
        child = os.fork()
        if child == 0:
            wrong = []
            for call in (lambda: blocking.send(blocking.id, b""), blocking.receive, blocking.stats,
                         client.stats, service.start, lambda: loop.run_until_complete(client.send(client.id, b""))):
                try:
                    call()
                    wrong.append("no error")
                except acurast.ForkedError as error:
                    if "make a new one" not in str(error):
                        wrong.append(str(error))
                except BaseException as error:
                    wrong.append(repr(error))
            blocking.close()
            service.close()
            del client, blocking, service
            gc.collect()
            with acurast.Service() as own, acurast.connect(own.url) as fresh:
                fresh.send(fresh.id, b"x")
                if fresh.receive(30).payload != b"x":
                    wrong.append("the child's own client")
            print(wrong, flush=True)
            os._exit(len(wrong))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        loop.run_until_complete(client.send(client.id, b"y"))
        assert loop.run_until_complete(client.receive()).payload == b"y"
        blocking.send(blocking.id, b"z")
        assert blocking.receive(30).payload == b"z"
        loop.run_until_complete(client.close())
        loop.close()
        blocking.close()
        service.close()
        """,
        acurast_service.url,
        flags=("-W", "error", "-W", "ignore::DeprecationWarning"),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_thread_and_no_descriptor_is_left(acurast_service):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("descriptors are counted in /proc")
    with acurast.connect(acurast_service.url):
        pass
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with acurast.connect(acurast_service.url) as client:
            client.send(client.id, b"x")
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)  # the service's ends go a little later


def test_configure():
    done, _ = python(
        """
        import acurast, logging
        logging.basicConfig(level=logging.DEBUG)
        for wrong in ({"threads": "many"}, {"threads": -1}, {"log_level": "loud"}, {"nonsense": 1}):
            try:
                acurast.configure(**wrong)
            except (TypeError, ValueError):
                continue
            raise SystemExit(f"{wrong} was taken")
        acurast.configure(threads=2, log_level="info")
        with acurast.Service() as service, acurast.connect(service.url) as client:
            client.send(client.id, b"x")
            client.receive(10)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "INFO:acurast:connected to" in done.stderr
