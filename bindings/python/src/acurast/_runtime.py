"""The process-wide context whose I/O threads serve all clients, and how statuses become exceptions.

The context is made with the first client, and made anew in a child after fork(): the old one belongs to the parent. At
interpreter exit everything that lives is closed and its threads are joined, so that no thread of the core outlives Python.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import _errors
from ._core import ffi, lib

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._settings import ContextOptions

logger = logging.getLogger("acurast")
LOG_LEVELS = {
    lib.ACURAST_LOG_ERROR: logging.ERROR,
    lib.ACURAST_LOG_WARN: logging.WARNING,
    lib.ACURAST_LOG_INFO: logging.INFO,
    lib.ACURAST_LOG_DEBUG: logging.DEBUG,
}

Submit = Callable[[Any, int], int]
"""Begins an operation of a client, with its time in milliseconds: its number, or a status below 0."""

BATCH = 512  # events of one drain; more wait for the loop's next turn
EXIT_WAIT_MS = 5000

_lock = threading.Lock()
_context: Any = None
_settings: dict[str, Any] = {}
_contexts: weakref.WeakSet[Any] = weakref.WeakSet()
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_local = threading.local()
generation = 0  # counts forks: what was made in an earlier generation belongs to the parent


def text(pointer: Any) -> str:
    """A C string of the core."""
    return str(ffi.string(pointer).decode("utf-8", "replace"))


def error(status: int, detail: str = "") -> _errors.Error:
    """The exception for a status that is not OK."""
    return _errors.CLASSES[abs(status)](detail)


def check(status: int, detail: str = "") -> None:
    """Raises unless `status` is OK."""
    if status:
        raise error(status, detail)


def make_options(scope: int, settings: Mapping[str, Any], lists: Mapping[str, list[str]] | None = None) -> Any:
    """An options object of the core. Times are in seconds here, in milliseconds there."""
    out = ffi.new("acurast_options **")
    check(lib.acurast_options_create(scope, out))
    options = ffi.gc(out[0], lib.acurast_options_release)
    for name, value in settings.items():
        if value is not None:
            _set(options, name, value)
    for name, values in (lists or {}).items():
        for each in values:
            _check_option(options, lib.acurast_options_add(options, name.encode(), each.encode()), name)
    return options


def trust_certifi(options: Any) -> bool:
    """Sets certifi's authorities where it is installed: for a system that has none, unless somebody has named some."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return False
    try:
        file: str = importlib.import_module("certifi").where()
    except ImportError:
        return False
    return bool(lib.acurast_options_set(options, b"ca-file", file.encode()) == lib.ACURAST_OK)


def _check_option(options: Any, status: int, name: str) -> None:
    if status == lib.ACURAST_UNKNOWN_OPTION:
        raise _errors.UnknownOptionError(f"{name!r} is an unexpected keyword argument")
    if status:
        raise error(status, text(lib.acurast_options_error(options)) or name)


def _table() -> Iterator[Any]:
    """The rows of the core's table of options; each is good until the next."""
    info = ffi.new("acurast_option_info *")
    index = 0
    while lib.acurast_option_at(index, info) == 0:
        yield info
        index += 1


_TYPES = {text(info.name): int(info.type) for info in _table()}
_WORDS = {
    lib.ACURAST_OPTION_COUNT: "COUNT",
    lib.ACURAST_OPTION_SIZE: "SIZE",
    lib.ACURAST_OPTION_MILLISECONDS: "TIME",
    lib.ACURAST_OPTION_SECONDS: "TIME",
    lib.ACURAST_OPTION_BOOL: "on|off",
}


def options_in(*scopes: int) -> list[tuple[str, str, str]]:
    """The options of these scopes, for a command line: name, a word for the value, help."""
    found = []
    for info in _table():
        if info.scope in scopes:
            default, choices = text(info.default_text), text(info.choices)
            said = text(info.help) + (f" (default {default})" if default else "")
            found.append((text(info.name), choices or _WORDS.get(info.type, "TEXT"), said))
    return found


def _set(options: Any, keyword: str, value: Any) -> None:
    name = keyword.replace("_", "-")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError(f"{keyword} must not contain NUL")
        status = lib.acurast_options_set(options, name.encode(), value.encode())
    elif isinstance(value, (int, float)):
        if isinstance(value, float) or _TYPES.get(name) == lib.ACURAST_OPTION_MILLISECONDS:
            status = lib.acurast_options_set_int(options, name.encode(), _number(keyword, name, value))
        elif -(2**63) <= value < 2**63:
            status = lib.acurast_options_set_int(options, name.encode(), value)
        else:
            raise ValueError(f"{keyword} is out of range: {value}")
    elif isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        status = 0
        for each in value:
            status = status or lib.acurast_options_add(options, name.encode(), each.encode())
    else:
        raise TypeError(f"{keyword} must be a number, a str or a list of str, not {type(value).__name__}")
    _check_option(options, status, keyword)


def _number(keyword: str, name: str, value: float) -> int:
    """Seconds to milliseconds; a fraction is refused where a whole number is meant."""
    if not -1e12 < value < 1e12:  # neither NaN nor infinite
        raise ValueError(f"{keyword} is out of range: {value}")
    if _TYPES.get(name) == lib.ACURAST_OPTION_MILLISECONDS:
        return max(1, round(value * 1000)) if value > 0 else round(value * 1000)
    if value != int(value):
        raise ValueError(f"{keyword} must be a whole number, not {value}")
    return int(value)


class Context:
    """One acurast_context; given back when nothing refers to it any more."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        out = ffi.new("acurast_context **")
        check(lib.acurast_context_create(make_options(lib.ACURAST_SCOPE_CONTEXT, settings), out))
        self.handle = ffi.gc(out[0], lib.acurast_context_release)
        self._generation = generation
        _contexts.add(self)

    def end(self, timeout_ms: int) -> bool:
        """Closes everything on it and joins its threads; False if that takes longer. Not for a child after fork()."""
        if self._generation != generation:
            return True
        lib.acurast_context_close(self.handle)
        return bool(lib.acurast_context_wait(self.handle, timeout_ms) == 0)


def context() -> Context:
    """The context of all clients of this process."""
    global _context
    with _lock:
        if _context is None:
            _context = Context(_settings)
        made: Context = _context
        return made


def configure(**options: Unpack[ContextOptions]) -> None:
    """Sets options of the I/O threads that serve all clients: `threads` and `log_level`.

    Call it before the first client is made; BadStateError afterwards. Values are checked here.
    """
    with _lock:
        if _context is not None:
            raise _errors.BadStateError("configure() comes before the first client")
        make_options(lib.ACURAST_SCOPE_CONTEXT, options)
        _settings.update(options)


def configured(name: str) -> Any:
    """What configure() was told for an option; None for nothing."""
    with _lock:
        return _settings.get(name)


def join_at_exit(thread: threading.Thread) -> None:
    """For a thread that ends once what it serves is closed."""
    _threads.add(thread)


def live_objects() -> int:
    """How many objects of the core live in this process: for tests that look for leaks."""
    return int(lib.acurast_live_objects())


def views() -> Any:
    """This thread's buffer of event views."""
    try:
        return _local.views
    except AttributeError:
        _local.views = ffi.new("acurast_event_view[]", BATCH)
        return _local.views


def log(level: int, line: str) -> None:
    """A log event goes to the logger `acurast`."""
    logger.log(LOG_LEVELS.get(level, logging.DEBUG), "%s", line)


def _after_fork() -> None:
    global _context, _lock, generation
    generation += 1
    _lock = threading.Lock()
    _context = None
    _contexts.clear()
    _threads.clear()


def _at_exit() -> None:
    for each in list(_contexts):
        lib.acurast_context_close(each.handle)
    for each in list(_contexts):
        each.end(EXIT_WAIT_MS)
    for thread in list(_threads):
        thread.join(EXIT_WAIT_MS / 1000)


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
