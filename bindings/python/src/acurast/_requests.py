"""Asking: a request is an operation like a send, and is over with its answer. Values are JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from . import _errors, _runtime
from ._core import lib
from ._runtime import Submit
from ._foreign import shown

REMOTE_ERROR = lib.ACURAST_REMOTE_ERROR
TIMEOUT = 10.0  # seconds, where none are given
LONGEST_SHOWN = 500  # characters of what a stranger wrote


class Reply(NamedTuple):
    """What a REPLY event says."""

    status: int
    code: int
    payload: bytes


def encoded(value: Any) -> bytes:
    """A value as JSON. TypeError or ValueError for what JSON cannot say."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def decoded(raw: bytes) -> Any:
    """A value of JSON that the core has checked. It never fails, whatever a stranger wrote."""
    return json.loads(raw.decode(), parse_int=_number)


def _number(digits: str) -> int | float:
    """Python refuses to make an int of thousands of digits."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def method_argument(method: object) -> bytes:
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {type(method).__name__}")
    if not method or "\0" in method:
        raise ValueError("method must not be empty, and must not contain NUL")
    return method.encode()


def params_argument(params: object) -> bytes:
    """Params as JSON; nothing where there are none."""
    if params is None:
        return b""
    if not isinstance(params, (list, tuple, dict)):
        raise TypeError(f"params must be a list, a dict or None, not {type(params).__name__}")
    return encoded(params)


def progress_argument(on_progress: Any) -> None:
    if on_progress is not None and not callable(on_progress):
        raise TypeError(f"on_progress must be a callable or None, not {type(on_progress).__name__}")


def request(recipient: bytes, method: object, params: object, retry: bool) -> Submit:
    name, raw = method_argument(method), params_argument(params)
    return lambda client, milliseconds: lib.acurast_py_request(
        client, recipient, len(recipient), name, raw, len(raw), bool(retry), milliseconds
    )


def result_of(reply: Reply) -> Any:
    """The result, or what was raised instead of it."""
    if reply.status == 0:
        return decoded(reply.payload)
    if reply.status == REMOTE_ERROR:
        raise remote_error(reply.code, decoded(reply.payload))
    raise _runtime.error(reply.status)


def remote_error(code: int, came: Any) -> _errors.RemoteError:
    members = came if isinstance(came, dict) else {}
    said = members.get("message", "")
    if not isinstance(said, str):
        said = ""
    error = _errors.RemoteError(": ".join(filter(None, [str(code), shown(said[:LONGEST_SHOWN])])))
    error.code, error.remote_message, error.data = code, said, members.get("data")
    return error
