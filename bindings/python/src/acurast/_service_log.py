"""What an embedded service tells, for `logging`: a thread of ours takes its log lines and changes of state.

The thread starts with the service and ends with its last event, CLOSED. It holds the queue alone, so that a service that nobody
holds any more can go.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from . import _runtime
from ._core import ffi, lib
from ._message import State

logger = logging.getLogger("acurast.service")
JOIN_SECONDS = 5.0  # longer only where a handler of the user's hangs


class ServiceLog:
    """The queue of one service, and the thread that drains it."""

    def __init__(self, context: Any, service: Any) -> None:
        out = ffi.new("acurast_queue **")
        _runtime.check(lib.acurast_queue_create(context, 0, 0, out))
        self._queue = ffi.gc(out[0], lib.acurast_queue_release)
        _runtime.check(lib.acurast_service_set_queue(service, self._queue, 0))
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Call it once the service was started."""
        self._thread = threading.Thread(target=_run, args=(self._queue,), name="acurast-service-log", daemon=True)
        self._thread.start()
        _runtime.join_at_exit(self._thread)

    def end(self) -> None:
        """Waits until the last line is out, and gives the queue back. Call it once the service is closed."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)
        self._queue = None


def _run(queue: Any) -> None:
    while not _drain(queue):
        pass


def _drain(queue: Any) -> bool:
    """Logs one batch, which it waits for. True after the last."""
    views = _runtime.views()
    count: int = lib.acurast_py_take(queue, views, _runtime.BATCH, -1)
    lines = [_line(views[index]) for index in range(count)]
    over = count < 0 or any(views[index].state == State.CLOSED for index in range(count))
    lib.acurast_queue_done(queue)
    for level, line in lines:
        logger.log(level, "%s", line)
    return over


def _line(view: Any) -> tuple[int, str]:
    said = _runtime.text(view.text)
    if view.type == lib.ACURAST_EVENT_LOG:
        return _runtime.LOG_LEVELS.get(view.level, logging.DEBUG), said
    return logging.INFO, f"{State(view.state).name.lower()} {said}".rstrip()
