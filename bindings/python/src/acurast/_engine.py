"""What the asyncio and the blocking client share: the core's client and its queue, and the drain that turns events into values.

One client has one queue. `drain()` takes a batch, files each event, and gives the batch back. Payloads that the user has not
asked for yet wait in `_inbox`; the core is told how many these are, so that a slow user pauses reading while outcomes and states
still come. Whoever drains must be alone: the event loop's thread, or the holder of the blocking client's lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from . import _errors, _runtime
from ._core import ffi, lib
from ._encoding import BY_NUMBER
from ._errors import Status
from ._identity import Id, Identity, as_bytes, id_argument
from ._many import ended
from ._message import LEVELS, REACHED, Message, State, StateChange, Stats, state_change
from ._presence import ID_SIZE, Gone, Seen, gone_value, seen_values
from ._requests import Reply
from ._runtime import Submit
from ._serving import Incoming, Methods

PAYLOAD = lib.ACURAST_EVENT_PAYLOAD
OUTCOME = lib.ACURAST_EVENT_OUTCOME
STATE = lib.ACURAST_EVENT_STATE
WRITABLE = lib.ACURAST_EVENT_WRITABLE
LOG = lib.ACURAST_EVENT_LOG
KEPT = lib.ACURAST_EVENT_KEPT
SEEN = lib.ACURAST_EVENT_SEEN
GONE = lib.ACURAST_EVENT_GONE
REPLY = lib.ACURAST_EVENT_REPLY
PROGRESS = lib.ACURAST_EVENT_PROGRESS
REQUEST = lib.ACURAST_EVENT_REQUEST
ANSWERS = lib.ACURAST_EVENT_ANSWERS
OUTBOX_FULL = -int(Status.OUTBOX_FULL)
CLOSED = -int(Status.CLOSED)

UNTOLD_EVENTS = 64  # so much may wait in the inbox before the core is told
UNTOLD_BYTES = 1 << 20
KNOWN_RECIPIENTS = 1024

Handler = TypeVar("Handler", bound=Callable[..., Any])

_take, _done, _buffer = lib.acurast_py_take, lib.acurast_queue_done, ffi.buffer
_batch = _runtime.BATCH


def url_list(urls: object) -> list[str]:
    """The argument `urls` as a list."""
    if isinstance(urls, str):
        return [urls]
    if not isinstance(urls, Sequence) or isinstance(urls, (bytes, bytearray)):
        raise TypeError(f"urls must be a str or a list of str, not {type(urls).__name__}")
    for each in urls:
        if not isinstance(each, str):
            raise TypeError(f"urls must hold str only, not {type(each).__name__}")
    if not urls:
        raise ValueError("urls must not be empty")
    return list(urls)


def seconds(value: object, name: str) -> float | None:
    """A timeout argument: None, or a number of seconds that is not negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or None, not {type(value).__name__}")
    if not 0 <= value <= 1e9:
        raise ValueError(f"{name} must be between 0 and 1e9 seconds, not {value}")
    return float(value)


def send_timeout_ms(timeout: float | None) -> int:
    """The argument `timeout` of a send, for the core: 0 takes the option `send_timeout`."""
    if type(timeout) is float and 0 < timeout <= 4e6:
        return round(timeout * 1000) or 1
    given = seconds(timeout, "timeout")
    if given is None:
        return 0
    if given == 0 or given > 4e6:
        raise ValueError(f"timeout must be above 0 and at most 4e6 seconds, not {timeout}")
    return max(1, round(given * 1000))


def level_argument(until: object, on_kept: Any, wait: bool) -> int:
    """The arguments `until` and `on_kept` of a send: the level, for the core."""
    if not isinstance(until, str):
        raise TypeError(f"until must be a str, not {type(until).__name__}")
    if until not in LEVELS:
        raise ValueError(f"until must be one of {', '.join(LEVELS)}, not {until!r}")
    level = LEVELS[until]
    if on_kept is not None and not callable(on_kept):
        raise TypeError(f"on_kept must be a callable or None, not {type(on_kept).__name__}")
    if level and not wait:
        raise ValueError("with wait=False nobody is told how far it got: leave out until")
    if not level and on_kept is not None:
        raise ValueError("on_kept needs until='relayed' or until='delivered'")
    return level


def send_until(recipient: bytes, payload: bytes, level: int, tell_kept: bool) -> Submit:
    return lambda client, milliseconds: lib.acurast_py_send_until(
        client, recipient, len(recipient), payload, len(payload), level, tell_kept, milliseconds
    )


def look(ids: bytes) -> Submit:
    return lambda client, milliseconds: lib.acurast_py_look(
        client, ids, len(ids) // ID_SIZE, milliseconds
    )


def raw(view: Any) -> bytes:
    """The payload of an event that may have none."""
    size = view.payload_size
    return bytes(_buffer(view.payload, size)) if size else b""


def incoming(view: Any) -> Incoming:
    """What a REQUEST event says."""
    sender, method = Id(_buffer(view.sender, ID_SIZE)), _runtime.text(view.text)
    return Incoming(view.token, view.operation, sender, method, raw(view), BY_NUMBER[view.encoding])


def positive(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not 0 < value < 2**48:
        raise ValueError(f"{name} must be above 0, not {value}")
    return value


class Engine:
    """The core's client, its queue and its inbox."""

    def __init__(
        self,
        urls: str | Sequence[str],
        identity: Identity | None,
        inbox_count: int,
        inbox_bytes: int,
        settings: Mapping[str, Any],
    ) -> None:
        self._client: Any = None
        self._queue: Any = None
        if identity is not None and not isinstance(identity, Identity):
            raise TypeError(f"identity must be an acurast.Identity, not {type(identity).__name__}")
        listed = url_list(urls)
        count, size = positive(inbox_count, "inbox_count"), positive(inbox_bytes, "inbox_bytes")
        if "url" in settings:
            raise TypeError("pass the services as urls, not as the option 'url'")
        options = _runtime.make_options(lib.ACURAST_SCOPE_CLIENT, settings, {"url": listed})
        self._identity = identity if identity is not None else Identity.generate()
        self._me = self._identity.id
        self._generation = _runtime.generation
        self._context = _runtime.context()
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._kept = 0
        self._untold = min(UNTOLD_EVENTS, count // 4)
        self._most = max(1, count // 4), size // 4  # of messages that make room
        self._asks = False  # it asks or serves
        self._wanted = False  # somebody has asked for a message
        self._methods = Methods()
        self._recipients: dict[Any, Id] = {}
        self._state = State.IDLE
        self._last_error: _errors.Error | None = None
        self._end: _errors.Error | None = None  # why it closed by itself
        self._open(options, count, size)

    def _open(self, options: Any, count: int, size: int) -> None:
        context = self._context.handle
        out = ffi.new("acurast_queue **")
        _runtime.check(lib.acurast_queue_create(context, count, size, out))
        queue = ffi.gc(out[0], lib.acurast_queue_release)
        out = ffi.new("acurast_client **")
        status = lib.acurast_client_create(context, options, self._identity._handle, out)
        if status == lib.ACURAST_TLS and _runtime.trust_certifi(options):
            status = lib.acurast_client_create(context, options, self._identity._handle, out)
        _runtime.check(status, _runtime.text(lib.acurast_options_error(options)))
        client = ffi.gc(out[0], lib.acurast_client_release)
        _runtime.check(lib.acurast_client_set_queue(client, queue, 0))
        self._queue, self._client = queue, client

    # ---- what both faces show ----

    @property
    def identity(self) -> Identity:
        """The key pair that this client connects with."""
        return self._identity

    @property
    def id(self) -> Id:
        """The id under which others reach this client."""
        return self._me

    @property
    def state(self) -> State:
        """The state right now; a change that tells of it may still be on its way."""
        if self._client is None:
            return State.CLOSED
        return State(lib.acurast_client_state(self._client))

    def stats(self) -> Stats:
        """Figures since this client was made. Raises ClosedError once it is closed."""
        out = ffi.new("acurast_client_stats *")
        out.size = ffi.sizeof("acurast_client_stats")
        _runtime.check(lib.acurast_client_get_stats(self._handle(), out))
        return Stats(**{name: getattr(out, name) for name in Stats.__dataclass_fields__})

    def method(self, name: str) -> Callable[[Handler], Handler]:
        """Decorates the handler of a method: `@client.method("price")`. See serve()."""

        def register(handler: Handler) -> Handler:
            self._add_methods({name: handler})
            return handler

        return register

    # ---- for both faces ----

    def _add_methods(self, methods: Mapping[str, Callable[..., Any]]) -> None:
        self._methods.add(self._handle(), methods)
        self._asks = True

    def _handle(self) -> Any:
        if self._client is None:
            raise self._gone()
        return self._client

    def _forked(self) -> bool:
        return self._generation != _runtime.generation

    def _gone(self) -> _errors.Error:
        """Why this client is of no use any more: a fresh exception each time."""
        if self._forked():
            return _errors.ForkedError()
        if self._end is not None:
            return type(self._end)(self._end.detail)
        return _errors.ClosedError("this client")

    def _refused(self, answer: int) -> _errors.Error:
        """Why an operation did not begin."""
        return self._gone() if answer == CLOSED else _runtime.error(answer)

    @staticmethod
    def _key_in(found: list[Seen]) -> bytes:
        """The key that a look for one id has found."""
        (seen,) = found
        if seen.public_key is None:
            raise _errors.NotHereError(f"{seen.id}: {seen.presence.value}")
        return seen.public_key

    def _recipient(self, to: object) -> Id:
        if type(to) is Id:
            return to
        try:
            return self._recipients[to]
        except KeyError:
            known = id_argument(to, "to")
            if len(self._recipients) >= KNOWN_RECIPIENTS:
                self._recipients.clear()
            self._recipients[to] = known
            return known
        except TypeError:
            return id_argument(to, "to")

    @staticmethod
    def _payload(payload: object) -> bytes:
        if isinstance(payload, str):
            raise TypeError("payload must be bytes, not str: use send_text() or send_json()")
        return as_bytes(payload, "payload")

    def _pop(self) -> Message:
        message = self._inbox.popleft()
        self._inbox_bytes -= len(message.payload)
        if self._kept and len(self._inbox) * 2 <= self._kept:
            self._keep()
        return message

    def _make_room(self, size: int) -> None:
        """In a client that asks or serves, and of which nobody has ever wanted a message, the oldest make room, so that strangers who
        send some cannot stop the answers."""
        most_count, most_bytes = self._most
        while self._inbox and (len(self._inbox) >= most_count or self._inbox_bytes + size > most_bytes):
            self._pop()

    def _keep(self) -> None:
        """Tells the core what waits in the inbox."""
        self._kept = len(self._inbox)
        if self._queue is not None:
            lib.acurast_queue_keep(self._queue, self._kept, self._inbox_bytes)

    def _drain(self) -> int:
        """Files one batch of events. Returns their number."""
        queue = self._queue
        if queue is None:
            return 0
        views = _runtime.views()
        count: int = _take(queue, views, _batch, 0)
        if count <= 0:
            return 0
        closed = None
        inbox, me, arrived = self._inbox, self._me, 0
        lines: list[tuple[int, str]] = []
        requests: list[Incoming] = []
        try:
            for index in range(count):
                view = views[index]
                kind = view.type
                if kind == PAYLOAD:
                    payload = _buffer(view.payload, view.payload_size)[:]
                    if self._asks and not self._wanted:
                        self._make_room(len(payload))
                    inbox.append(Message(Id(_buffer(view.sender, 16)), me, payload))
                    self._inbox_bytes += len(payload)
                    arrived += 1
                elif kind == OUTCOME:
                    self._on_outcome(view.operation, view.status, REACHED[view.reached])
                elif kind == STATE:
                    change = state_change(view)
                    self._state = change.state
                    if change.error is not None or change.state == State.CONNECTED:
                        self._last_error = change.error
                    if change.state == State.CLOSED:
                        closed = change
                        self._end = change.error
                    else:
                        self._on_state(change)
                elif kind == REPLY:
                    self._on_outcome(view.operation, 0, Reply(view.status, view.code, raw(view)))
                elif kind == REQUEST:
                    requests.append(incoming(view))
                elif kind == ANSWERS:
                    self._on_outcome(view.operation, 0, ended(view))
                elif kind == PROGRESS:
                    self._on_progress(view.operation, raw(view))
                elif kind == WRITABLE:
                    self._on_writable()
                elif kind == KEPT:
                    self._on_kept(view.operation)
                elif kind == SEEN:
                    self._on_outcome(view.operation, view.status, None if view.status else seen_values(view))
                elif kind == GONE:
                    self._on_gone(gone_value(view))
                elif kind == LOG:
                    lines.append((view.level, _runtime.text(view.text)))
        finally:
            if len(inbox) > self._untold or self._inbox_bytes > UNTOLD_BYTES:
                self._keep()
            _done(queue)
        for level, line in lines:
            _runtime.log(level, line)
        if arrived:
            self._on_payloads(arrived)
        for request in requests:
            self._on_request(request)
        if closed is not None:
            self._release()
            self._on_state(closed)
        return count

    def _release(self) -> None:
        """Lets go of the handles: they are given back once no thread is in a call with them. Nothing is delivered afterwards."""
        self._client = self._queue = None

    def _on_outcome(self, operation: int, status: int, value: Any) -> None:
        raise NotImplementedError

    def _on_kept(self, operation: int) -> None:
        raise NotImplementedError

    def _on_progress(self, operation: int, value: bytes) -> None:
        raise NotImplementedError

    def _on_request(self, request: Incoming) -> None:
        raise NotImplementedError

    def _on_gone(self, gone: Gone) -> None:
        raise NotImplementedError

    def _on_state(self, change: StateChange) -> None:
        raise NotImplementedError

    def _on_writable(self) -> None:
        raise NotImplementedError

    def _on_payloads(self, count: int) -> None:
        raise NotImplementedError
