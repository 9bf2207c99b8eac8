"""The whole suite runs against the embedded service and against a separately started acurast-service, and its asyncio part on
asyncio's own loop, on uvloop, and on a loop without add_reader. Every test must leave no live object of the core."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import time
from pathlib import Path

import acurast
import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("ACURAST_BIN", ROOT / "build" / "bin"))
DEADLINE = 60.0

# Ignored where a shell started this in the background, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ReaderlessLoop(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor loop cannot."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

    def remove_reader(self, fd):
        raise NotImplementedError


def new_loop(kind):
    if kind == "uvloop":
        return pytest.importorskip("uvloop", reason="uvloop is not installed").new_event_loop()
    return ReaderlessLoop() if kind == "readerless" else asyncio.new_event_loop()


def run(coroutine, kind="asyncio", deadline=DEADLINE):
    """What asyncio.run does, on a loop of our choice."""
    loop = new_loop(kind)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(asyncio.wait_for(coroutine, deadline))
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    run(pyfuncitem.obj(**arguments), pyfuncitem.funcargs.get("loop_kind", "asyncio"))
    return True


@pytest.fixture(params=["asyncio", "uvloop", "readerless"])
def loop_kind(request):
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return request.param


@pytest.fixture(params=["embedded", "program"])
def url(request):
    """The address of a service, once in this process and once in its own."""
    if request.param == "embedded":
        with acurast.Service(drain_time=2) as service:
            yield service.url
        return
    if not (BIN / "acurast-service").exists():
        pytest.skip(f"acurast-service is not built: {BIN}")
    process = subprocess.Popen([BIN / "acurast-service", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0
        process.stdout.close()


def eventually(what, deadline=DEADLINE):
    """Waits until `what()` is true, and returns that."""
    end = time.monotonic() + deadline
    while True:
        value = what()
        if value or time.monotonic() > end:
            assert value
            return value
        time.sleep(0.005)


async def soon(what, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while True:
        value = what()
        if value or time.monotonic() > end:
            assert value
            return value
        await asyncio.sleep(0.005)


@pytest.fixture(scope="session", autouse=True)
def context():
    """The context that all clients share is made first, so that it does not count as a leak of one test.

    What is there by now stays: the collections of each test need not go through all of pytest again."""
    acurast._runtime.context()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_is_left(context, request):
    gc.collect()
    before = acurast.live_objects()
    yield
    request.node.funcargs.clear()  # they hold identities

    def clean():
        gc.collect()
        return acurast.live_objects() <= before

    eventually(clean, 30)


@pytest.fixture(scope="session")
def alice():
    return acurast.Identity.from_hex("11" * 32)
