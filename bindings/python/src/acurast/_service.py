"""The embedded service: for the tests of a dApp, and for whoever wants the real one inside a Python program."""

from __future__ import annotations

import asyncio
import time
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _errors, _runtime
from ._core import ffi, lib
from ._engine import seconds
from ._service_log import ServiceLog

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._settings import ServiceOptions

SLICE_MS = 50  # how long a wait may keep Ctrl-C from being noticed


class Service:
    """A websocket service in this process, on I/O threads of its own. No network and no other process is needed.

        with acurast.Service() as service:
            ... acurast.Client(service.url) ...

    `port`: 0 takes a free one. `host`: the address to listen on; an IPv6 address without brackets. `threads`: I/O threads. The other
    options are those of the core, times in seconds: see `acurast.ServiceOptions`. Any thread may call it; `async with` works too,
    and does not block the loop while the service drains.

    Its log lines of `log_level` and above (without one that of `configure()`, else warn), and at INFO its changes of state, go to the
    logger `acurast.service`, from a thread of ours.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        threads: int = 1,
        log_level: Literal["off", "error", "warn", "info", "debug"] | None = None,
        **options: Unpack[ServiceOptions],
    ) -> None:
        self._handle: Any = None
        if isinstance(port, bool) or not isinstance(port, int):
            raise TypeError(f"port must be an int, not {type(port).__name__}")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be between 0 and 65535, not {port}")
        if not isinstance(host, str):
            raise TypeError(f"host must be a str, not {type(host).__name__}")
        if "listen" in options:
            raise TypeError("pass host and port, not the option 'listen'")
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        settings = _runtime.make_options(lib.ACURAST_SCOPE_SERVICE, options, {"listen": [address]})
        self._generation = _runtime.generation
        level = log_level if log_level is not None else _runtime.configured("log_level")
        self._context: _runtime.Context | None = _runtime.Context({"threads": threads, "log_level": level})
        out = ffi.new("acurast_service **")
        status = lib.acurast_service_create(self._context.handle, settings, out)
        _runtime.check(status, _runtime.text(lib.acurast_options_error(settings)))
        self._handle = ffi.gc(out[0], lib.acurast_service_release)
        self._log = ServiceLog(self._context.handle, self._handle)
        self._started = False

    def start(self) -> None:
        """Binds and listens: a client can connect afterwards. `with` does it for you.

        Raises AddressInUseError, NotPermittedError, InvalidError (no such address), TlsError or BadStateError.
        """
        status = lib.acurast_service_start(self._own())
        _runtime.check(status, _runtime.text(lib.acurast_service_error(self._own())))
        self._started = True
        self._log.start()

    def close(self, timeout: float | None = None) -> None:
        """Drains: stops accepting, tells every client, and ends within the option `drain_time`. Waits for that. Idempotent.

        Raises TimeoutError after `timeout` seconds; the drain goes on.
        """
        limit = seconds(timeout, "timeout")
        context = self._context
        if context is None or self._generation != _runtime.generation:
            return
        deadline = None if limit is None else time.monotonic() + limit
        while not context.end(SLICE_MS):
            if deadline is not None and time.monotonic() >= deadline:
                raise _errors.TimeoutError(f"the service still drains after {limit:g} s")
        self._log.end()
        self._handle = self._context = None

    @property
    def url(self) -> str:
        """Its address, such as ws://127.0.0.1:9001. BadStateError before it was started."""
        if not self._started:
            raise _errors.BadStateError("the service has no address before it was started")
        return _runtime.text(lib.acurast_service_url(self._own()))

    @property
    def port(self) -> int:
        """The port on which it listens."""
        if not self._started:
            raise _errors.BadStateError("the service has no port before it was started")
        return int(lib.acurast_service_port(self._own()))

    @property
    def admin_url(self) -> str:
        """The URL of the option `admin_listen`; empty without it."""
        return _runtime.text(lib.acurast_service_admin_url(self._own()))

    def reload(self) -> None:
        """Reads the certificate, the key and the lists again from their files. Raises TlsError or BadOptionError."""
        _runtime.check(lib.acurast_service_reload(self._own()), _runtime.text(lib.acurast_service_error(self._own())))

    def metrics(self) -> str:
        """The figures in Prometheus text."""
        size = ffi.new("size_t *", 16384)
        while True:
            buffer = ffi.new("char[]", size[0])
            status = lib.acurast_service_metrics(self._own(), buffer, size)
            if status != lib.ACURAST_TOO_SMALL:
                _runtime.check(status)
                return _runtime.text(buffer)
            size[0] *= 2

    def _own(self) -> Any:
        if self._handle is None:
            raise _errors.ClosedError("this service")
        return self._handle

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def __del__(self) -> None:
        if self._handle is not None and self._generation == _runtime.generation and self._started:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        where = "closed" if self._handle is None else self.url if self._started else "not started"
        return f"<acurast.Service {where}>"
