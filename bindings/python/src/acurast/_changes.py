"""How tasks wait for something to happen to their client, and the iterators of what happened.

An iterator keeps the last 256 values for a consumer that is slow. The client refers to it weakly and it to the client strongly, so
one that nobody iterates any more costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TypeVar

from ._message import StateChange
from ._presence import Gone

CHANGES_KEPT = 256

Waiters = dict[asyncio.Future[None], None]
T = TypeVar("T")


async def wait_in(waiters: Waiters) -> None:
    """Until wake() is called with the same waiters."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiters[waiter] = None
    try:
        await waiter
    finally:
        waiters.pop(waiter, None)


def wake(waiters: Waiters) -> None:
    for waiter in list(waiters):
        if not waiter.done():
            waiter.set_result(None)


class Changes(AsyncIterator[T]):
    """What happened to one client, from the moment when it was asked for until the client is closed."""

    def __init__(self, client: object, over: bool) -> None:
        self._changes: deque[T] = deque(maxlen=CHANGES_KEPT)
        self._waiters: Waiters = {}
        self._over = over
        self._held = client

    def _add(self, change: T) -> None:
        self._changes.append(change)
        wake(self._waiters)

    def _end(self) -> None:
        self._over = True
        wake(self._waiters)

    async def __anext__(self) -> T:
        while not self._changes:
            if self._over:
                raise StopAsyncIteration
            await wait_in(self._waiters)
        return self._changes.popleft()


class StateChanges(Changes[StateChange]):
    """The changes of state of one client, from the moment when `states()` was called."""


class Departures(Changes[Gone]):
    """Who has left, from the moment when `gone()` was called."""
