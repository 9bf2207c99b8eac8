"""Serving: handlers by method, and what they answer.

    the core hands a request out -> its handler runs, in a task or a thread -> its answer finds room in the outbox -> over

The core bounds how many run (the options `serve_running` and `serve_waiting`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from . import _errors, _runtime
from ._core import lib
from ._encoding import UNREADABLE, Encoding, UnreadableError
from ._identity import Id
from ._requests import method_argument
from ._runtime import Submit

INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000


class RpcError(Exception):
    """What a handler raises to answer with an error of its own: RpcError(-32602, "pair must be a str").

    `code` is an int; JSON-RPC 2.0 keeps those from -32768 to -32000 for what it gives a meaning. `message` is for people. `data` is
    what the request's encoding can say; None adds nothing. The asker gets all three as a RemoteError.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        if isinstance(code, bool) or not isinstance(code, int):
            raise TypeError(f"code must be an int, not {type(code).__name__}")
        if not -(2**53) < code < 2**53:
            raise ValueError(f"code is out of range: {code}")
        if not isinstance(message, str):
            raise TypeError(f"message must be a str, not {type(message).__name__}")
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Incoming(NamedTuple):
    """What a REQUEST event says."""

    token: int
    number: int
    sender: Id
    method: str
    payload: bytes
    encoding: Encoding

    def params(self) -> Any:
        """RpcError where they cannot be read."""
        try:
            return self.encoding.decoded(self.payload) if self.payload else None
        except ModuleNotFoundError as error:
            _warn_of_package(error)
            raise RpcError(INVALID_REQUEST, "MessagePack is not spoken here") from None
        except UnreadableError:
            raise RpcError(INVALID_PARAMS, f"Invalid params: they hold {UNREADABLE}") from None


_warned: set[str] = set()


def _warn_of_package(error: ModuleNotFoundError) -> None:
    """Once, so that strangers cannot fill the log."""
    if error.msg not in _warned:
        _warned.add(error.msg)
        _runtime.logger.warning("a request in MessagePack was refused: %s", error.msg)


class Methods:
    """The handlers of one client. A token is the place of a handler."""

    def __init__(self) -> None:
        self._handlers: list[Callable[..., Any]] = []
        self._tokens: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def __getitem__(self, token: int) -> Callable[..., Any]:
        return self._handlers[token]

    def add(self, client: Any, methods: Mapping[str, Callable[..., Any]]) -> None:
        """Of methods that are not of the right types, none is served."""
        if not isinstance(methods, Mapping):
            raise TypeError(f"methods must be a dict, not {type(methods).__name__}")
        names = [method_argument(name) for name in methods]
        for handler in methods.values():
            if not callable(handler):
                raise TypeError(f"a handler must be a callable, not {type(handler).__name__}")
        for name, (method, handler) in zip(names, methods.items()):
            token = self._tokens.setdefault(method, len(self._handlers))
            if token < len(self._handlers):
                self._handlers[token] = handler
                continue
            self._handlers.append(handler)
            status = lib.acurast_client_serve(client, name, token)
            if status:
                self._handlers.pop()
                del self._tokens[method]
                raise _runtime.error(status)


def answer(incoming: Incoming, result: Any) -> Submit:
    return answer_raw(incoming.number, incoming.encoding.encoded(result))


def answer_raw(number: int, raw: bytes) -> Submit:
    return lambda client, _: -lib.acurast_client_answer(client, number, raw, len(raw))


def progress(incoming: Incoming, value: Any) -> Submit:
    number, raw = incoming.number, incoming.encoding.encoded(value)
    return lambda client, _: -lib.acurast_client_progress(client, number, raw, len(raw))


def failure(incoming: Incoming, error: BaseException) -> Submit:
    """The answer to a request whose handler has raised. What is not an RpcError is nobody's business but our program's."""
    if not isinstance(error, RpcError):
        _runtime.logger.error("the handler of %r has failed", incoming.method, exc_info=error)
        error = RpcError(SERVER_ERROR, "Server error")
    try:
        data = b"" if error.data is None else incoming.encoding.encoded(error.data)
        message = error.message.replace("\0", "\ufffd").encode()
    except (TypeError, ValueError, RecursionError) as wrong:
        _runtime.logger.error("the handler of %r has raised what cannot be sent", incoming.method, exc_info=wrong)
        return unsayable(incoming)
    number, code = incoming.number, error.code
    return lambda client, _: -lib.acurast_client_answer_error(client, number, code, message, data, len(data))


def unsayable(incoming: Incoming) -> Submit:
    number = incoming.number
    return lambda client, _: -lib.acurast_client_answer_error(
        client, number, INTERNAL_ERROR, b"Internal error", b"", 0
    )


def is_over(error: _errors.Error) -> bool:
    """Whether it says that nobody waits for the answer any more."""
    return isinstance(error, (_errors.NotFoundError, _errors.ClosedError))


class Request:
    """A request as its handler sees it."""

    __slots__ = ("sender", "method", "encoding", "_say", "_incoming")

    def __init__(self, say: Callable[[Submit], Awaitable[None]], incoming: Incoming) -> None:
        self.sender = incoming.sender
        """The id of who asks: what the service says, no more."""
        self.method = incoming.method
        self.encoding = incoming.encoding.name
        """How it is written, and its answer will be: "json" or "msgpack"."""
        self._say = say
        self._incoming = incoming

    async def progress(self, value: Any) -> None:
        """Tells the asker how far it is. Of a request that is over nothing more can be told, which is no failure."""
        await self._say(progress(self._incoming, value))

    def __repr__(self) -> str:
        return f"<acurast.{type(self).__name__} {self.method!r} from {self.sender}>"


class BlockingRequest:
    """A request as a handler of a client that blocks sees it."""

    __slots__ = ("sender", "method", "encoding", "_say", "_incoming")

    def __init__(self, say: Callable[[Submit], None], incoming: Incoming) -> None:
        self.sender = incoming.sender
        """The id of who asks: what the service says, no more."""
        self.method = incoming.method
        self.encoding = incoming.encoding.name
        """How it is written, and its answer will be: "json" or "msgpack"."""
        self._say = say
        self._incoming = incoming

    def progress(self, value: Any) -> None:
        """Tells the asker how far it is. Of a request that is over nothing more can be told, which is no failure."""
        self._say(progress(self._incoming, value))

    def __repr__(self) -> str:
        return f"<acurast.{type(self).__name__} {self.method!r} from {self.sender}>"
