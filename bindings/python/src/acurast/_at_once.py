"""Which sends of an asyncio client are written within the call, and how the event loop gets its turns all the same.

The outcome of such a send is there at once, so whoever awaits it lets nobody else run: in a loop of them no message would be received
and no timer would tick. Who sends like this in a turn that has been long already therefore waits for the next one. The clients
of a loop share one account of that, since a task may send with many.

Where many tasks send at a time, as under gather(), the outbox is better: it writes for all of them together, on its own thread. So
only the first few tasks of a turn write within the call, and none while outcomes are awaited, or were by many until just now.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref

LONG = 100e-6  # seconds: some 20 sends, so that the turns are a small part of what they cost
FEW = 4  # tasks

_monotonic, _current_task = time.monotonic, asyncio.current_task
_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class Turns:
    """Those of one loop. A turn counts from its first send that was written at once."""

    def __init__(self) -> None:
        self.number = 0
        self._end: float | None = None

    def is_long(self, loop: asyncio.AbstractEventLoop) -> bool:
        """To be asked after each send that was written at once."""
        if self._end is None:
            self._end = _monotonic() + LONG
            loop.call_soon(self._next)
            return False
        return _monotonic() > self._end

    def _next(self) -> None:
        self.number += 1
        self._end = None


class AtOnce:
    """One client's account of who sends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        with _lock:
            self._turns = _turns.setdefault(loop, Turns())
        self._turn = -1  # in which it last wrote at once
        self._task = 0  # that did so last
        self._tasks = 0  # that did so in that turn
        self._most = 0  # outcomes that were awaited together, since none was
        self._crowded = False

    def allowed(self) -> bool:
        """Whether the current task may write at once. No outcome is awaited."""
        if self._crowded:
            return False
        return self._tasks < FEW or self._turn != self._turns.number or self._task == id(_current_task())

    def wrote(self, loop: asyncio.AbstractEventLoop) -> bool:
        """The current task did. True if it has to wait for the loop's next turn now."""
        is_long, turn, task = self._turns.is_long(loop), self._turns.number, id(_current_task())
        if turn != self._turn:
            self._turn, self._task, self._tasks = turn, task, 1
        elif task != self._task:
            self._task = task
            self._tasks += 1
        return is_long

    def drained(self, before: int, after: int) -> None:
        """So many outcomes were awaited before and after a batch of events."""
        self._most = max(self._most, before)
        if before and not after:
            self._crowded = self._most > FEW
            self._most = 0
