"""Asking: a request is an operation like a send, and is over with its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import _errors, _runtime
from ._core import lib
from ._encoding import Encoding, UnreadableError
from ._foreign import shown
from ._runtime import Submit

REMOTE_ERROR = lib.ACURAST_REMOTE_ERROR
TIMEOUT = 10.0  # seconds, where none are given
LONGEST_SHOWN = 500  # characters of what a stranger wrote


class Reply(NamedTuple):
    """What a REPLY event says."""

    status: int
    code: int
    payload: bytes


def method_argument(method: object) -> bytes:
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {type(method).__name__}")
    if not method or "\0" in method:
        raise ValueError("method must not be empty, and must not contain NUL")
    return method.encode()


def params_argument(params: object, encoding: Encoding) -> bytes:
    """Params as bytes; nothing where there are none."""
    if params is None:
        return b""
    if not isinstance(params, (list, tuple, dict)):
        raise TypeError(f"params must be a list, a dict or None, not {type(params).__name__}")
    return encoding.encoded(params)


def progress_argument(on_progress: Any) -> None:
    if on_progress is not None and not callable(on_progress):
        raise TypeError(f"on_progress must be a callable or None, not {type(on_progress).__name__}")


def progress_teller(on_progress: Callable[[Any], object] | None, encoding: Encoding) -> Callable[[bytes], object] | None:
    """Calls `on_progress` with values. What cannot be read is passed over: the answer is what counts."""
    if on_progress is None:
        return None

    def tell(raw: bytes) -> None:
        try:
            value = encoding.decoded(raw)
        except UnreadableError:
            return
        on_progress(value)

    return tell


def request(recipient: bytes, method: object, params: object, retry: bool, encoding: Encoding) -> Submit:
    name, raw = method_argument(method), params_argument(params, encoding)
    return lambda client, milliseconds: lib.acurast_py_request(
        client, recipient, len(recipient), name, raw, len(raw), bool(retry), encoding.number, milliseconds
    )


def result_of(reply: Reply, encoding: Encoding) -> Any:
    """The result, or what was raised instead of it."""
    if reply.status == 0:
        return encoding.decoded(reply.payload)
    if reply.status == REMOTE_ERROR:
        try:
            came = encoding.decoded(reply.payload)
        except UnreadableError:
            came = None
        raise remote_error(reply.code, came)
    raise _runtime.error(reply.status)


def remote_error(code: int, came: Any) -> _errors.RemoteError:
    """MessagePack-RPC leaves to programs what an error is: a text is its message, and what else is no map its data."""
    members = came if isinstance(came, dict) else {"message" if isinstance(came, str) else "data": came}
    said = members.get("message", "")
    if not isinstance(said, str):
        said = ""
    error = _errors.RemoteError(": ".join(filter(None, [str(code), shown(said[:LONGEST_SHOWN])])))
    error.code, error.remote_message, error.data = code, said, members.get("data")
    return error
