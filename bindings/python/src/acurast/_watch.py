"""Waits for descriptors on behalf of an event loop.

Where the loop has `add_reader` that is all. Else one thread for each loop polls the descriptors, outside the GIL, and says so with
`call_soon_threadsafe`; a descriptor that was reported is not polled again before its callback has run.
"""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import weakref
from collections.abc import Callable

_pollers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Poller] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def watch(loop: asyncio.AbstractEventLoop, descriptor: int, callback: Callable[[], object]) -> Callable[[], object]:
    """Runs `callback` on the loop whenever the descriptor is readable. Returns what ends that, to be called on the loop, or
    anywhere once the loop is closed."""
    try:
        loop.add_reader(descriptor, callback)
    except NotImplementedError:
        return _poller(loop).add(descriptor, callback)
    return lambda: loop.is_closed() or loop.remove_reader(descriptor)


def _poller(loop: asyncio.AbstractEventLoop) -> Poller:
    with _lock:
        poller = _pollers.get(loop)
        if poller is None or poller.over:
            poller = _pollers[loop] = Poller(loop)
        return poller


class Poller:
    """The thread of one loop. It ends when nothing is left to wait for, or the loop is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.over = False
        self._loop = weakref.ref(loop)
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._armed: set[int] = set()
        self._guard = threading.Lock()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        threading.Thread(target=self._run, name="acurast-poller", daemon=True).start()

    def add(self, descriptor: int, callback: Callable[[], object]) -> Callable[[], object]:
        with self._guard:
            self._callbacks[descriptor] = callback
        self._arm(descriptor)
        return lambda: self._remove(descriptor)

    def _remove(self, descriptor: int) -> None:
        with self._guard:
            self._callbacks.pop(descriptor, None)
            self._armed.discard(descriptor)
            if not self._callbacks:
                self.over = True
        self._ring()

    def _arm(self, descriptor: int) -> None:
        with self._guard:
            if descriptor in self._callbacks:
                self._armed.add(descriptor)
        self._ring()

    def _ring(self) -> None:
        try:
            self._bell.send(b"!")
        except (BlockingIOError, OSError):
            pass  # it rings already, or nobody listens any more

    def _run(self) -> None:
        try:
            while not self.over and self._turn():
                pass
        finally:
            self.over = True
            self._ear.close()
            self._bell.close()

    def _turn(self) -> bool:
        poll = select.poll()
        poll.register(self._ear, select.POLLIN)
        with self._guard:
            for descriptor in self._armed:
                poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll()]
        loop = self._loop()
        if loop is None or loop.is_closed():
            return False
        for descriptor in ready:
            if descriptor == self._ear.fileno():
                self._hush()
                continue
            with self._guard:
                self._armed.discard(descriptor)
            try:
                loop.call_soon_threadsafe(self._call, descriptor)
            except RuntimeError:
                return False
        return True

    def _hush(self) -> None:
        try:
            while self._ear.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _call(self, descriptor: int) -> None:
        callback = self._callbacks.get(descriptor)
        if callback is not None:
            callback()
            self._arm(descriptor)
