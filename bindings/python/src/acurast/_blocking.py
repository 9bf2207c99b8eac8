"""The blocking client, for scripts and notebooks.

Any thread may call it. Threads that wait take turns: one of them polls the queue's descriptor and drains it, the others wait for
what it finds. Polling is Python's own, so Ctrl-C works at once. Nothing happens in the background but what the core does: while
nobody calls, messages wait in the queue, up to its limits.
"""

from __future__ import annotations

import inspect
import json
import select
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _errors, _requests, _runtime, _serving
from ._core import lib
from ._encoding import EncodingName, encoding_argument
from ._changes import CHANGES_KEPT
from ._engine import OUTBOX_FULL, Engine, level_argument, look, positive, seconds, send_timeout_ms, send_until
from ._identity import Id, Identity, Key
from ._many import Answers, answers_of, many_ids, need_argument, none_asked, request_many
from ._message import Level, Message, Outcome, State, StateChange
from ._presence import Gone, Seen, joined_ids, parts
from ._runtime import Submit
from ._serving import BlockingRequest, Incoming

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._settings import ClientOptions


T = TypeVar("T")


def connect(
    urls: str | Sequence[str],
    *,
    identity: Identity | None = None,
    inbox_count: int = 1024,
    inbox_bytes: int = 16 * 1024 * 1024,
    timeout: float | None = 30.0,
    **options: Unpack[ClientOptions],
) -> BlockingClient:
    """Connects to the first service that accepts, and returns a client that blocks.

        with acurast.connect("ws://127.0.0.1:9001") as client:
            client.send(recipient, b"hello")
            print(client.receive(timeout=5).text())

    `timeout`: seconds to wait for the connection; None waits for ever; then TimeoutError, whose cause is the last failure. Raises
    the reason if the client closed by itself, such as DeniedError. The rest is as for acurast.Client.
    """
    limit = seconds(timeout, "timeout")
    client = BlockingClient(urls, identity, inbox_count, inbox_bytes, options)
    try:
        client._connect(limit)
    except BaseException:
        client._abandon()
        raise
    return client


class BlockingClient(Engine):
    """A connected client that blocks: made by acurast.connect(). Any thread may use it."""

    def __init__(
        self, urls: str | Sequence[str], identity: Identity | None, inbox_count: int, inbox_bytes: int, settings: Any
    ) -> None:
        self._turn = threading.Condition()
        self._polling = False
        self._results: dict[int, tuple[int, Any] | None] = {}  # of operations: status and value, once it is over
        self._interim: dict[int, deque[bytes | None]] = {}  # of operations: progress, or None for waiting in a mailbox
        self._requests: deque[Incoming] = deque()  # bounded by the core
        self._departed: deque[Gone] = deque(maxlen=CHANGES_KEPT)
        self._full = False
        super().__init__(urls, identity, inbox_count, inbox_bytes, settings)

    # ---- life ----

    def _connect(self, timeout: float | None) -> None:
        _runtime.check(lib.acurast_client_connect(self._handle()))
        if not self._wait(lambda: self._state == State.CONNECTED, timeout):
            cause = self._last_error
            detail = f"not connected within {timeout:g} s" + (f": {cause.text}" if cause else "")
            raise _errors.TimeoutError(detail) from cause
        if self._client is None:
            raise self._gone()

    def close(self) -> None:
        """Ends the client: what waits to be sent is written for at most `linger` seconds. Idempotent."""
        if self._forked():
            return
        with self._turn:
            if self._client is None:
                return
            lib.acurast_client_close(self._client)
        self._wait(lambda: False, None)

    def _abandon(self) -> None:
        """Gives everything back without waiting; only while no other thread knows this client."""
        if not self._forked():
            self._release()
            self._state = State.CLOSED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_client", None) is not None and not self._forked():
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self._release()

    def __repr__(self) -> str:
        return f"<acurast.{type(self).__name__} {self._me} {self.state.name.lower()}>"

    # ---- sending and receiving ----

    def send(
        self,
        to: Key | Identity,
        payload: bytes | bytearray | memoryview,
        *,
        timeout: float | None = None,
        wait: bool = True,
        until: Level = "written",
        on_kept: Callable[[], object] | None = None,
    ) -> Outcome:
        """Sends a payload and returns once its last byte was written; with `wait=False`, once it is in the outbox.

        `timeout`: seconds that it may wait, for room in the outbox and for a connection (default: the option `send_timeout`);
        then ExpiredError. With `until` it is the time until the outcome. Raises as Client.send() does.

        `until` and `on_kept` are as for Client.send(). `on_kept` is called in this thread; what it raises ends the send.
        """
        recipient, raw = self._recipient(to), self._payload(payload)
        level = level_argument(until, on_kept, wait)
        if level:
            submit = send_until(recipient, raw, level, on_kept is not None)
        else:
            submit = _send(recipient, raw, wait)
        operation = self._submit(submit, wait, timeout)
        if not wait:
            return Outcome.QUEUED
        if operation == 0:
            return Outcome.WRITTEN
        reached: Outcome = self._result(operation, None if on_kept is None else lambda _: on_kept())
        return reached

    def send_text(
        self,
        to: Key | Identity,
        text: str,
        *,
        timeout: float | None = None,
        wait: bool = True,
        until: Level = "written",
        on_kept: Callable[[], object] | None = None,
    ) -> Outcome:
        """Sends text as UTF-8. See send()."""
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        return self.send(to, text.encode(), timeout=timeout, wait=wait, until=until, on_kept=on_kept)

    def send_json(
        self,
        to: Key | Identity,
        value: Any,
        *,
        timeout: float | None = None,
        wait: bool = True,
        until: Level = "written",
        on_kept: Callable[[], object] | None = None,
    ) -> Outcome:
        """Sends a value as compact JSON. See send()."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return self.send(to, text.encode(), timeout=timeout, wait=wait, until=until, on_kept=on_kept)

    def look(self, ids: Iterable[Key | Identity], *, timeout: float | None = None) -> list[Seen]:
        """Asks the service who is here: one Seen for each id or public key, in order. As Client.look()."""
        asked = parts(joined_ids(ids))
        send_timeout_ms(timeout)
        deadline, found = _deadline(timeout), []
        for part in asked:
            left = _left(deadline)
            found += self._result(self._submit(look(part), True, None if left is None else max(left, 0.001)))
        return found

    def key_of(self, id: Key | Identity, *, timeout: float | None = None) -> bytes:
        """The public key, 33 bytes, of who is here. Raises NotHereError where nobody is, also if it is away; else as look()."""
        return self._key_in(self.look([id], timeout=timeout))

    # ---- requests ----

    def request(
        self,
        to: Key | Identity,
        method: str,
        params: list[Any] | tuple[Any, ...] | dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        retry: bool = False,
        on_progress: Callable[[Any], object] | None = None,
        encoding: EncodingName = "json",
    ) -> Any:
        """Asks by JSON-RPC 2.0 and returns the result: any value of JSON. As Client.request().

        `on_progress` is called in this thread; what it raises ends the request. It may miss all but the last 256 values.
        """
        _requests.progress_argument(on_progress)
        written = encoding_argument(encoding)
        submit = _requests.request(self._recipient(to), method, params, retry, written)
        operation = self._ask(submit, timeout)
        tell = _requests.progress_teller(on_progress, written)
        return _requests.result_of(self._result(operation, tell), written)

    def request_many(
        self,
        recipients: Iterable[Key | Identity],
        method: str,
        params: list[Any] | tuple[Any, ...] | dict[str, Any] | None = None,
        *,
        need: int | None = None,
        agree: bool = False,
        timeout: float | None = None,
        retry: bool = False,
        encoding: EncodingName = "json",
    ) -> Answers:
        """Asks many the same, and returns once `need` of them (default: all) have given a result; with `agree`, the same result.

        As Client.request_many().
        """
        ids, written = many_ids(recipients), encoding_argument(encoding)
        enough = need_argument(need, len(ids))
        submit = request_many(ids, method, params, enough, agree, retry, written)
        send_timeout_ms(timeout)
        try:
            operation = self._ask(submit, timeout)
        except (_errors.TimeoutError, _errors.TooLargeError) as error:
            raise none_asked(error, ids, enough, agree) from None
        return answers_of(self._result(operation), enough, agree, written)

    def serve(
        self,
        methods: Mapping[str, Callable[..., Any]] | None = None,
        *,
        threads: int = 4,
        timeout: float | None = None,
    ) -> None:
        """Serves `methods`, and those of @client.method, in this thread and `threads - 1` others, until the client is closed.

        A handler, `def price(params, request)`, gets the params (a list, a dict, or None) and an acurast.BlockingRequest; what it
        returns is the result. Both come from strangers. So many handlers run at a time as there are threads. What it raises is logged, and
        told to the asker as -32000 and no more, unless it is an RpcError. Ends after `timeout` seconds, or by Ctrl-C, once the
        handlers that run have returned; requests that come then wait for the next serve().

        Raises the reason if the client closed by itself; TypeError and ValueError for arguments.
        """
        deadline, count = _deadline(seconds(timeout, "timeout")), positive(threads, "threads")
        with self._turn:
            self._add_methods({} if methods is None else methods)
        stop = threading.Event()
        others = [threading.Thread(target=self._work, args=[deadline, stop], daemon=True) for _ in range(count - 1)]
        for each in others:
            each.start()
        try:
            self._work(deadline, stop)
        finally:
            stop.set()
            self._wake()
            for each in others:
                each.join()
        if self._end is not None:
            raise self._gone()

    # ---- who has left, and what has come ----

    def gone(self, timeout: float | None = None) -> Gone:
        """The next one who has left, of those that this client has looked for or sent to with `until`; the last 256 are kept.

        Raises TimeoutError after `timeout` seconds (None: waits for ever; 0: does not wait), and ClosedError or the reason once the
        client is closed and everything was taken.
        """
        return self._taken(self._departed, self._departed.popleft, timeout, "nobody has left")

    def receive(self, timeout: float | None = None) -> Message:
        """The next message. Raises TimeoutError after `timeout` seconds (None: waits for ever; 0: does not wait), and ClosedError
        or the reason once the client is closed and everything was taken."""
        self._wanted = True
        return self._taken(self._inbox, self._pop, timeout, "no message")

    def __iter__(self) -> Iterator[Message]:
        """Messages until the client is closed; raises the reason if it closed by itself."""
        while True:
            try:
                yield self.receive()
            except _errors.ClosedError:
                return

    # ---- within ----

    def _taken(self, waiting: deque[T], take: Callable[[], T], timeout: float | None, words: str) -> T:
        """The first of what waits, once there is something."""
        deadline = _deadline(seconds(timeout, "timeout"))
        while True:
            found = self._wait(lambda: bool(waiting), _left(deadline))
            with self._turn:
                if waiting:
                    return take()
                if self._client is None or self._forked():
                    raise self._gone()
            if not found:
                raise _errors.TimeoutError(f"{words} within {timeout:g} s")

    def _result(self, operation: int, tell: Callable[[Any], object] | None = None) -> Any:
        """What is told about an operation in the end. What is told before goes to `tell`, in this thread."""
        try:
            while True:
                self._wait(lambda: self._results[operation] is not None or operation in self._interim, None)
                with self._turn:
                    interim = self._interim.pop(operation, None)
                if interim is None:
                    break
                for each in interim:
                    if tell is not None:
                        tell(each)
        except BaseException:
            self._forget(operation)
            raise
        result = self._results.pop(operation)
        if result is None:
            raise self._gone()
        status, value = result
        _runtime.check(status)
        return value

    def _forget(self, operation: int) -> None:
        """Cancels an operation whose end nobody wants to hear."""
        with self._turn:
            if self._client is not None and not self._forked():
                lib.acurast_client_cancel(self._client, operation)
            self._results.pop(operation, None)
            self._interim.pop(operation, None)

    def _ask(self, submit: Submit, timeout: float | None) -> int:
        """Begins a request."""
        self._asks = True
        try:
            return self._submit(submit, True, _requests.TIMEOUT if timeout is None else timeout)
        except _errors.ExpiredError as error:
            raise _errors.TimeoutError(error.detail) from None

    def _work(self, deadline: float | None, stop: threading.Event) -> None:
        """Answers requests until `stop`, the deadline, or the end of the client."""
        while True:
            self._wait(lambda: bool(self._requests) or stop.is_set(), _left(deadline))
            with self._turn:
                if stop.is_set() or self._client is None or _left(deadline) == 0:
                    return
                request = self._requests.popleft() if self._requests else None
            if request is not None:
                self._serve_one(request)

    def _serve_one(self, incoming: Incoming) -> None:
        try:
            try:
                result = self._methods[incoming.token](incoming.params(), BlockingRequest(self._say, incoming))
                self._say(_serving.answer(incoming, result))
            except Exception as error:
                self._say_failure(incoming, error)
        except BaseException:
            if self._client is not None and not self._forked():
                _serving.unsayable(incoming)(self._client, 0)  # Ctrl-C: the asker need not wait
            raise

    def _say(self, submit: Submit) -> None:
        """Says something about a request that is served. Where that is over, nobody wants to hear it."""
        try:
            self._submit(submit, False, None)
        except _errors.Error as error:
            if self._client is not None and not _serving.is_over(error):
                raise

    def _say_failure(self, incoming: Incoming, error: Exception) -> None:
        try:
            self._say(_serving.failure(incoming, error))
        except _errors.Error:
            self._say(_serving.unsayable(incoming))

    def _add_methods(self, methods: Mapping[str, Callable[..., Any]]) -> None:
        if isinstance(methods, Mapping):
            for name, handler in methods.items():
                if inspect.iscoroutinefunction(handler):
                    raise TypeError(f"the handler of {name!r} must be a plain function; use acurast.Client for async ones")
        super()._add_methods(methods)

    def _wake(self) -> None:
        """All threads that wait look again."""
        with self._turn:
            if self._queue is not None and not self._forked():
                lib.acurast_queue_wake(self._queue)
            self._turn.notify_all()

    def _submit(self, submit: Submit, wait: bool, timeout: float | None) -> int:
        """The operation, once the outbox has room; 0 where the payload was written within the call."""
        milliseconds = send_timeout_ms(timeout)
        deadline = _deadline(timeout)
        while True:
            with self._turn:
                left = _left(deadline)
                operation = submit(self._handle(), milliseconds if left is None else max(1, round(left * 1000)))
                if operation >= 0:
                    if wait and operation:
                        self._results[operation] = None
                    return operation
                if operation != OUTBOX_FULL:
                    raise self._refused(operation)
                self._full = True
            if not self._wait(lambda: not self._full, _left(deadline)):
                raise _errors.ExpiredError("the outbox was full all the while")

    def _wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Until `ready()` or the end of the client; False if that takes longer."""
        deadline = _deadline(timeout)
        with self._turn:
            while not ready():
                if self._forked():
                    raise _errors.ForkedError()
                if self._client is None:
                    return True
                if self._polling:
                    left = _left(deadline)
                    if left == 0 or not self._turn.wait(left):
                        return ready()
                elif not self._poll(deadline):
                    return ready()
            return True

    def _poll(self, deadline: float | None) -> bool:
        """With the turn held, which is let go while polling. False if the deadline has come and nothing with it."""
        poll = select.poll()
        poll.register(lib.acurast_queue_descriptor(self._queue), select.POLLIN)
        left = _left(deadline)
        self._polling = True
        self._turn.release()
        try:
            happened = poll.poll(None if left is None else left * 1000)
        finally:
            self._turn.acquire()
            self._polling = False
            self._turn.notify_all()
        return bool(happened) and self._drain() >= 0

    def _on_payloads(self, count: int) -> None:
        pass

    def _on_outcome(self, operation: int, status: int, value: Any) -> None:
        if operation in self._results:
            self._results[operation] = status, value

    def _on_kept(self, operation: int) -> None:
        if operation in self._results:
            self._add_interim(operation, None)

    def _on_progress(self, operation: int, value: bytes) -> None:
        if operation in self._results:
            self._add_interim(operation, value)

    def _add_interim(self, operation: int, value: bytes | None) -> None:
        self._interim.setdefault(operation, deque(maxlen=CHANGES_KEPT)).append(value)

    def _on_request(self, request: Incoming) -> None:
        self._requests.append(request)

    def _on_gone(self, gone: Gone) -> None:
        self._departed.append(gone)

    def _on_writable(self) -> None:
        self._full = False

    def _on_state(self, change: StateChange) -> None:
        pass


def _send(recipient: bytes, payload: bytes, wait: bool) -> Submit:
    return lambda client, milliseconds: lib.acurast_py_send(
        client, recipient, len(recipient), payload, len(payload), not wait, wait, milliseconds
    )


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
