"""The asyncio client.

It belongs to the event loop in which it was connected. The loop watches the queue's descriptor and drains it; futures are resolved
from there, so no other thread ever runs code of ours. The watch refers to the client weakly: a client that nobody holds any more is
collected, with a ResourceWarning if it was not closed.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import warnings
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _errors, _requests, _runtime, _serving
from ._at_once import AtOnce
from ._changes import Changes, Departures, StateChanges, Waiters, wait_in, wake
from ._core import lib
from ._encoding import EncodingName, encoding_argument
from ._engine import OUTBOX_FULL, Engine, level_argument, look, seconds, send_timeout_ms, send_until
from ._identity import Id, Identity, Key
from ._many import Answers, answers_of, many_ids, need_argument, none_asked, request_many
from ._message import Level, Message, Outcome, State, StateChange
from ._presence import Gone, Seen, joined_ids, parts
from ._runtime import Submit
from ._serving import Incoming, Request
from ._watch import watch

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._settings import ClientOptions

WRITTEN = Outcome.WRITTEN

Watching = TypeVar("Watching", bound=Changes[Any])

_send, _running_loop = lib.acurast_py_send, asyncio.get_running_loop


def _on_readable(reference: weakref.ref[Client]) -> None:
    client = reference()
    if client is not None:
        waiting = len(client._outcomes)
        client._drain()
        client._at_once.drained(waiting, len(client._outcomes))


def _stop_watching(stop: Callable[[], object], _queue: Any) -> None:
    stop()


class Client(Engine):
    """A dApp or a processor, for asyncio.

        async with acurast.Client("ws://127.0.0.1:9001") as client:
            await client.send(recipient, b"hello")
            async for message in client:
                ...

    `urls`: the services, tried in order; ws:// or wss://. `identity`: a new key pair is made without one. `inbox_count` and
    `inbox_bytes` bound what waits to be taken; when they are reached, reading from the service pauses. `open_timeout`: seconds
    that `async with` and `connect()` wait for the first connection; None waits for ever. The other options are those of
    the core, times in seconds: see `acurast.ClientOptions`.

    The client reconnects by itself until it is closed. It is bound to the event loop in which it was connected; use it from that
    loop's thread only. Raises TypeError and ValueError (BadOptionError is one) for bad arguments.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        identity: Identity | None = None,
        inbox_count: int = 1024,
        inbox_bytes: int = 16 * 1024 * 1024,
        open_timeout: float | None = 30.0,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], object] | None = None
        self._client = None
        self._open_timeout = seconds(open_timeout, "open_timeout")
        self._outcomes: dict[int, asyncio.Future[Outcome]] = {}
        self._told: dict[int, asyncio.Future[Any]] = {}  # looks, and sends with a level
        self._kept_callbacks: dict[int, Callable[[], object]] = {}
        self._progress_callbacks: dict[int, Callable[[bytes], object]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._getters: deque[asyncio.Future[None]] = deque()
        self._room_waiters: Waiters = {}
        self._state_waiters: Waiters = {}
        self._watchers: weakref.WeakSet[StateChanges] = weakref.WeakSet()
        self._gone_watchers: weakref.WeakSet[Departures] = weakref.WeakSet()
        self._full = False
        self._at_once: AtOnce  # once it has a loop
        super().__init__(urls, identity, inbox_count, inbox_bytes, options)

    # ---- life ----

    async def connect(self) -> None:
        """Connects and waits until the service has accepted this client.

        Raises TimeoutError after `open_timeout` seconds (its cause is the last failure), or the reason if the client
        closed by itself, such as DeniedError. Cancelling it does not close the client. May be called again to wait.
        """
        if self._forked():
            raise _errors.ForkedError()
        if self._loop is None:
            self._begin(_running_loop())
        self._check_loop()
        try:
            await asyncio.wait_for(self._connected(), self._open_timeout)
        except asyncio.TimeoutError:
            cause = self._last_error
            detail = f"not connected within {self._open_timeout:g} s" + (f": {cause.text}" if cause else "")
            raise _errors.TimeoutError(detail) from cause

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        handle = self._handle()
        self._at_once = AtOnce(loop)
        callback = functools.partial(_on_readable, weakref.ref(self))
        self._stop = watch(loop, lib.acurast_queue_descriptor(self._queue), callback)
        self._loop = loop
        _runtime.check(lib.acurast_client_connect(handle))

    async def _connected(self) -> None:
        while self._state != State.CONNECTED:
            if self._client is None:
                raise self._gone()
            await wait_in(self._state_waiters)

    async def close(self) -> None:
        """Ends the client: what waits to be sent is written for at most `linger` seconds. Idempotent.

        Messages that have arrived can still be taken. Cancelling it does not undo it.
        """
        if self._client is None or self._forked():
            return
        if self._loop is None:
            self._release()
            self._state = State.CLOSED
            return
        self._check_loop()
        lib.acurast_client_close(self._client)
        while self._client is not None:
            await wait_in(self._state_waiters)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        if self._client is None or self._forked():
            return
        if self._loop is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
        stop, loop, queue = self._stop, self._loop, self._queue
        self._client = None
        if stop is None or loop is None:
            return
        if loop.is_closed():
            stop()
            return
        try:
            # The descriptor must not be closed, and perhaps used anew, before the loop has forgotten it.
            loop.call_soon_threadsafe(_stop_watching, stop, queue)
        except RuntimeError:
            stop()  # closed just now

    def __repr__(self) -> str:
        return f"<acurast.{type(self).__name__} {self._me} {self.state.name.lower()}>"

    async def wait_closed(self) -> None:
        """Waits until the client is closed: for a program that does nothing but serve. Raises the reason if it closed by itself."""
        self._check_loop()
        while self._client is not None:
            await wait_in(self._state_waiters)
        if self._end is not None:
            raise self._gone()

    # ---- sending ----

    async def send(
        self,
        to: Key | Identity,
        payload: bytes | bytearray | memoryview,
        *,
        timeout: float | None = None,
        wait: bool = True,
        until: Level = "written",
        on_kept: Callable[[], object] | None = None,
    ) -> Outcome:
        """Sends a payload to an id or a public key (bytes or hex). Returns once its last byte was written.

        `until`: how far it must get instead: "relayed" returns once the service has handed it to the recipient's socket, "delivered"
        once the recipient's program was handed it. The Outcome is the level that was reached: RELAYED where "delivered" was
        asked for and the recipient cannot say it. `on_kept` is called in the event loop, at most once, when the payload waits in the
        mailbox of a recipient that is away; the send goes on. Both need a service of libacurast and wait=True.

        `timeout`: seconds that it may wait for a connection, with `until` seconds until the outcome (default: the option `send_timeout`); then ExpiredError. With
        `wait=False` it returns as soon as the payload is in the outbox, and nobody tells how it ends. Where the outbox is full
        it waits for room. Cancelling the task cancels this send and nothing else; it may be too late for that.

        Where nothing waits to be sent, a payload of up to 4 KiB for a ws:// service is written within the call. The event loop
        then gets its turn after 100 us of such sends, not with each of them.

        Raises TypeError, BadRecipientError, BadHexError or BadKeyError (ValueErrors) for arguments, TooLargeError,
        ExpiredError, ClosedError or the reason why the client closed by itself. With `until` also, where it was not delivered and
        will not be, NotHereError, MailboxFullError, MailboxExpiredError, QueueFullError, NotDeliveredError or
        ServiceMemoryError; UndeterminedError where it was sent and nobody told in time what became of it; and at once
        UnsupportedError, where the service or the option `extensions` leaves no way to know.
        """
        loop = self._loop
        if loop is not _running_loop():
            self._check_loop()
        recipient = self._recipient(to)
        if type(payload) is not bytes:
            payload = self._payload(payload)
        if until != "written" or on_kept is not None:
            level = level_argument(until, on_kept, wait)
            reached: Outcome = await self._operate(send_until(recipient, payload, level, on_kept is not None), timeout, on_kept)
            return reached
        milliseconds = 0 if timeout is None else send_timeout_ms(timeout)
        while True:
            if not self._full:
                client = self._client
                if client is None:
                    raise self._gone()
                at_once = wait and not self._outcomes and self._at_once.allowed()
                operation = _send(client, recipient, len(recipient), payload, len(payload), not wait, at_once, milliseconds)
                if operation > 0:
                    break
                if operation == 0:
                    if self._at_once.wrote(loop):  # type: ignore[arg-type]
                        await asyncio.sleep(0)
                    return WRITTEN
                if operation != OUTBOX_FULL:
                    raise self._refused(operation)
                self._full = True
            await wait_in(self._room_waiters)
        if not wait:
            return Outcome.QUEUED
        future: asyncio.Future[Outcome] = loop.create_future()  # type: ignore[union-attr]
        self._outcomes[operation] = future
        try:
            return await future
        except asyncio.CancelledError:
            self._cancel(operation)
            raise

    async def send_text(
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
        return await self.send(to, text.encode(), timeout=timeout, wait=wait, until=until, on_kept=on_kept)

    async def send_json(
        self,
        to: Key | Identity,
        value: Any,
        *,
        timeout: float | None = None,
        wait: bool = True,
        until: Level = "written",
        on_kept: Callable[[], object] | None = None,
    ) -> Outcome:
        """Sends a value as compact JSON. See send(); TypeError for what JSON cannot say."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return await self.send(to, text.encode(), timeout=timeout, wait=wait, until=until, on_kept=on_kept)

    # ---- who is here ----

    async def look(self, ids: Iterable[Key | Identity], *, timeout: float | None = None) -> list[Seen]:
        """Asks the service who is here: one Seen for each id or public key, in order.

        `timeout`: seconds until the answer, also while there is no connection (default: the option `send_timeout`). Every 64 ids are a
        question of their own, and the service counts each id as a message. Whoever was asked for is watched from then on: see gone().
        Cancelling the task cancels the look.

        Raises UnsupportedError where the service does not tell, ExpiredError, ClosedError or the reason why the client closed by
        itself; TypeError, BadRecipientError, BadHexError or BadKeyError for arguments.
        """
        self._check_loop()
        asked = parts(joined_ids(ids))
        send_timeout_ms(timeout)
        found = await asyncio.gather(*(self._operate(look(part), timeout, None) for part in asked))
        return [seen for part in found for seen in part]

    async def key_of(self, id: Key | Identity, *, timeout: float | None = None) -> bytes:
        """The public key, 33 bytes, of who is here. Raises NotHereError where nobody is, also if it is away; else as look()."""
        return self._key_in(await self.look([id], timeout=timeout))

    def gone(self) -> Departures:
        """An asynchronous iterator of who leaves from now on; it ends when the client is closed.

        It tells of those that this client has looked for or sent to with `until`, once for each such look or send. The service
        remembers the newest 1,024; the last 256 departures are kept for a consumer that is slow.
        """
        return self._watched(Departures(self, self._client is None), self._gone_watchers)

    # ---- requests ----

    async def request(
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
        """Asks by JSON-RPC 2.0 and returns the result: any value of JSON.

        With encoding="msgpack" it asks by MessagePack-RPC, which can also say bytes. That needs the package msgpack, which the extra
        acurast[msgpack] brings, and a recipient that speaks it. Without params the recipient is given an empty list then.

        `timeout`: seconds until the answer (default: 10). `on_progress` is called in the event loop with each value by which the
        recipient tells how far it is. The recipient's program is given the request once, if it is a client of this library; another
        is sent it once, or with `retry` again where that may help. Cancelling the task cancels this request; the recipient
        is not told.

        Raises RemoteError, which is the error that the recipient answered; NotHereError and the other errors of a send with `until`
        where it was not delivered and will not be: at once, where the service is one of libacurast; UndeterminedError where it was
        sent, the recipient has left, and nobody knows whether it was executed; TimeoutError; ClosedError or the reason why the client
        closed by itself; TypeError and ValueError for arguments. In MessagePack also UnreadableError, and ModuleNotFoundError where
        the package is missing.
        """
        self._check_loop()
        if on_progress is not None:
            _requests.progress_argument(on_progress)
        written = encoding_argument(encoding)
        submit = _requests.request(self._recipient(to), method, params, retry, written)
        tell = _requests.progress_teller(on_progress, written)
        return _requests.result_of(await self._asked(submit, timeout, tell), written)

    async def request_many(
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

        Results are the same where they are equal JSON, but for the order of an object's members and how numbers are written; those of
        MessagePack where their bytes are equal. Whoever is named twice is asked once; 1,024 can be asked, and fewer than half of the
        option `outbox_count`. An answer of more than 64 KiB, or its equal share of 16 MiB where that is more, is a TooLargeError of who
        gave it. The requests that are open at the end are cancelled.

        Raises NotEnoughAnswersError as soon as it has become impossible; its `answers` and `failures` keep what was said. The rest
        is as for request().
        """
        self._check_loop()
        ids, written = many_ids(recipients), encoding_argument(encoding)
        enough = need_argument(need, len(ids))
        submit = request_many(ids, method, params, enough, agree, retry, written)
        send_timeout_ms(timeout)
        try:
            end = await self._asked(submit, timeout, None)
        except (_errors.TimeoutError, _errors.TooLargeError) as error:
            raise none_asked(error, ids, enough, agree) from None
        return answers_of(end, enough, agree, written)

    def serve(self, methods: Mapping[str, Callable[..., Any]]) -> None:
        """Serves methods from now on: `client.serve({"price": price})`, before connect() or at any time.

        A handler, `async def price(params, request)` or a plain function, gets the params (a list, a dict, or None) and an
        acurast.Request; what it returns is the result. Both come from strangers. It runs in a task of its own; the options
        `serve_running` and `serve_waiting` bound how many, and beyond that the asker is told -32001, "busy". What it raises is logged,
        and told to the asker as -32000 and no more, unless it is an RpcError. When the client is closed, the tasks are cancelled.

        Serving a method again replaces its handler. Raises TypeError and ValueError for arguments, ClosedError or the reason.
        """
        self._add_methods(methods)

    # ---- receiving ----

    async def receive(self) -> Message:
        """The next message. Several tasks may wait: each message goes to one of them, in order.

        Raises ClosedError, or the reason, once the client is closed and everything was taken.
        """
        loop = self._loop
        if loop is None or loop is not _running_loop() or self._generation != _runtime.generation:
            self._check_loop()
        self._wanted = True
        while not self._inbox:
            if self._client is None:
                raise self._gone()
            getter: asyncio.Future[None] = loop.create_future()  # type: ignore[union-attr]
            self._getters.append(getter)
            try:
                await getter
            except BaseException:
                if getter.done() and not getter.cancelled():
                    self._on_payloads(1)  # the wake-up was ours: pass it on
                elif getter in self._getters:
                    self._getters.remove(getter)
                raise
        return self._pop()

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        """Ends when the client was closed; raises the reason if it closed by itself."""
        try:
            return await self.receive()
        except _errors.ClosedError:
            raise StopAsyncIteration from None

    # ---- states ----

    def states(self) -> StateChanges:
        """An asynchronous iterator of the changes of state from now on; it ends after CLOSED.

        The last 256 changes are kept for a consumer that is slow.
        """
        return self._watched(StateChanges(self, self._client is None), self._watchers)

    # ---- within ----

    def _watched(self, changes: Watching, watchers: weakref.WeakSet[Watching]) -> Watching:
        if self._client is not None:
            watchers.add(changes)
        return changes

    async def _operate(self, submit: Submit, timeout: float | None, on_kept: Callable[[], object] | None) -> Any:
        """Begins an operation that is told about later, and waits for what is told."""
        return await self._told_of(await self._begun(submit, timeout), on_kept, None)

    async def _asked(self, submit: Submit, timeout: float | None, tell: Callable[[bytes], object] | None) -> Any:
        """What comes back in the end."""
        self._asks = True
        try:
            operation = await self._begun(submit, _requests.TIMEOUT if timeout is None else timeout)
        except _errors.ExpiredError as error:
            raise _errors.TimeoutError(error.detail) from None
        return await self._told_of(operation, None, tell)

    async def _told_of(
        self,
        operation: int,
        on_kept: Callable[[], object] | None,
        on_progress: Callable[[bytes], object] | None,
    ) -> Any:
        future: asyncio.Future[Any] = self._loop.create_future()  # type: ignore[union-attr]
        self._told[operation] = future
        if on_kept is not None:
            self._kept_callbacks[operation] = on_kept
        if on_progress is not None:
            self._progress_callbacks[operation] = on_progress
        try:
            return await future
        except asyncio.CancelledError:
            self._cancel(operation)
            raise
        finally:
            if on_kept is not None:
                self._kept_callbacks.pop(operation, None)
            if on_progress is not None:
                self._progress_callbacks.pop(operation, None)

    async def _begun(self, submit: Submit, timeout: float | None) -> int:
        """The operation, once the outbox has room; 0 for what is none, such as an answer. Its time begins with the call."""
        milliseconds = send_timeout_ms(timeout)
        operation = self._begun_at_once(submit, milliseconds)
        return await self._begun_later(submit, milliseconds) if operation is None else operation

    async def _begun_later(self, submit: Submit, milliseconds: int) -> int:
        operation: int | None = None
        now = _running_loop().time
        deadline = now() + milliseconds / 1000
        while operation is None:
            try:
                await asyncio.wait_for(wait_in(self._room_waiters), deadline - now() if milliseconds else None)
            except asyncio.TimeoutError:
                raise _errors.ExpiredError("the outbox was full all the while") from None
            left = max(1, round((deadline - now()) * 1000)) if milliseconds else 0
            operation = self._begun_at_once(submit, left)
        return operation

    def _begun_at_once(self, submit: Submit, milliseconds: int) -> int | None:
        """The same, or None where the outbox has no room now."""
        if self._full:
            return None
        client = self._client
        if client is None:
            raise self._gone()
        operation = submit(client, milliseconds)
        if operation >= 0:
            return operation
        if operation != OUTBOX_FULL:
            raise self._refused(operation)
        self._full = True
        return None

    def _cancel(self, operation: int) -> None:
        if self._client is not None and not self._forked():
            lib.acurast_client_cancel(self._client, operation)

    async def _say(self, submit: Submit) -> None:
        """Says something about a request that is served. Where that is over, nobody wants to hear it."""
        try:
            await self._begun(submit, None)
        except _errors.Error as error:
            if self._client is not None and not _serving.is_over(error):
                raise

    async def _serve_one(self, incoming: Incoming) -> None:
        try:
            try:
                result = self._methods[incoming.token](incoming.params(), Request(self._say, incoming))
                if inspect.isawaitable(result):
                    result = await result
                await self._say(_serving.answer(incoming, result))
            except Exception as error:
                await self._say_failure(incoming, error)
        except BaseException:
            if self._client is not None and not self._forked():
                _serving.unsayable(incoming)(self._client, 0)  # cancelled by another than us: the asker need not wait
            raise

    async def _say_failure(self, incoming: Incoming, error: Exception) -> None:
        try:
            await self._say(_serving.failure(incoming, error))
        except _errors.Error:
            await self._say(_serving.unsayable(incoming))

    def _check_loop(self) -> None:
        if self._loop is None:
            raise self._gone() if self._client is None else _errors.BadStateError("use 'async with', or connect() first")
        if self._loop is not _running_loop():
            raise RuntimeError("this client belongs to another event loop; make one for each loop")
        if self._forked():
            raise _errors.ForkedError()

    def _on_payloads(self, count: int) -> None:
        getters = self._getters
        while count and getters:
            getter = getters.popleft()
            if not getter.done():
                getter.set_result(None)
                count -= 1

    def _on_outcome(self, operation: int, status: int, value: Any) -> None:
        future = self._outcomes.pop(operation, None) or self._told.pop(operation, None)
        if future is not None and not future.done():
            if status == 0:
                future.set_result(value)
            else:
                future.set_exception(_runtime.error(status))

    def _on_kept(self, operation: int) -> None:
        callback = self._kept_callbacks.pop(operation, None)
        if callback is not None and self._loop is not None:
            self._loop.call_soon(callback)

    def _on_progress(self, operation: int, value: bytes) -> None:
        if operation in self._progress_callbacks and self._loop is not None:
            self._loop.call_soon(self._tell_progress, operation, value)

    def _tell_progress(self, operation: int, value: bytes) -> None:
        callback = self._progress_callbacks.get(operation)
        if callback is not None:
            callback(value)

    def _on_request(self, request: Incoming) -> None:
        if self._loop is not None:
            task = self._loop.create_task(self._serve_one(request))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    def _on_gone(self, gone: Gone) -> None:
        for watcher in list(self._gone_watchers):
            watcher._add(gone)

    def _on_writable(self) -> None:
        self._full = False
        wake(self._room_waiters)

    def _on_state(self, change: StateChange) -> None:
        wake(self._state_waiters)
        for watcher in list(self._watchers):
            watcher._add(change)
        if change.state == State.CLOSED:
            for watcher in list(self._watchers):
                watcher._end()
            for departures in list(self._gone_watchers):
                departures._end()
            for task in list(self._serving):
                task.cancel()
            self._on_writable()
            self._on_payloads(len(self._getters))

    def _release(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None
        super()._release()
