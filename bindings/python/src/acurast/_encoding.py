"""Values as bytes. JSON always; MessagePack where the package `msgpack` is installed, which the extra acurast[msgpack] brings.

What is decoded was checked by the core: it is one whole value within its bounds. Values of JSON can always be read then. MessagePack can
say more than is read here: see UnreadableError.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, NoReturn, Union

from . import _errors
from ._core import lib
from ._errors import Status

EncodingName = Union[Literal["json"], Literal["msgpack"]]  # one by one, as stubtest reads it

UNREADABLE = "an extension type, a map's key that is neither text nor bytes, or text that is not UTF-8"


class UnreadableError(_errors.Error, ValueError):
    """A value of MessagePack holds what is not read here: an extension type, such as a timestamp; a map's key that is neither text nor
    bytes; or text that is not UTF-8."""

    status = Status.OK  # the core knows nothing of it
    text = f"the value holds {UNREADABLE}"
    advice = "let the other end answer with plain values"


class Encoding(NamedTuple):
    """How values are written."""

    name: str
    number: int
    encoded: Callable[[Any], bytes]
    """TypeError or ValueError for what it cannot say."""
    decoded: Callable[[bytes], Any]
    """UnreadableError for what is not read here."""


# Made once: json.dumps() and json.loads() make one for each call.
_json_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_json_decode = json.JSONDecoder().raw_decode


def json_encoded(value: Any) -> bytes:
    return _json_encode(value).encode()


def json_decoded(raw: bytes) -> Any:
    """It never fails, whatever a stranger wrote."""
    text = raw.decode()
    try:
        return _json_decode(text)[0]
    except ValueError:
        return json.loads(text, parse_int=_number)


def _number(digits: str) -> int | float:
    """Python refuses to make an int of thousands of digits."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def msgpack() -> Any:
    """The package. It is looked for when it is needed first."""
    try:
        return importlib.import_module("msgpack")
    except ImportError:
        words = "encoding='msgpack' needs the package msgpack: pip install 'acurast[msgpack]'"
        raise ModuleNotFoundError(words, name="msgpack") from None


def msgpack_encoded(value: Any) -> bytes:
    try:
        packed: bytes = msgpack().packb(value, use_bin_type=True)
    except OverflowError:
        raise ValueError("MessagePack has no integers of more than 64 bits") from None
    return packed


def msgpack_decoded(raw: bytes) -> Any:
    package = msgpack()
    try:
        value = package.unpackb(raw, raw=False, strict_map_key=True, ext_hook=_refuse)
    except ValueError:
        raise UnreadableError() from None
    if b"\xff" in raw:  # the type of timestamps, which do not go to ext_hook
        _refuse_timestamps(value, package.Timestamp)
    return value


def _refuse(code: int, data: bytes) -> NoReturn:
    raise UnreadableError()


def _refuse_timestamps(value: Any, timestamp: type) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, timestamp):
            raise UnreadableError()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


JSON = Encoding("json", lib.ACURAST_ENCODING_JSON, json_encoded, json_decoded)
MSGPACK = Encoding("msgpack", lib.ACURAST_ENCODING_MSGPACK, msgpack_encoded, msgpack_decoded)
BY_NAME = {each.name: each for each in (JSON, MSGPACK)}
BY_NUMBER = {each.number: each for each in (JSON, MSGPACK)}


def encoding_argument(encoding: object) -> Encoding:
    """The argument `encoding`. ModuleNotFoundError where its package is missing."""
    if not isinstance(encoding, str):
        raise TypeError(f"encoding must be a str, not {type(encoding).__name__}")
    if encoding not in BY_NAME:
        raise ValueError(f"encoding must be one of {', '.join(BY_NAME)}, not {encoding!r}")
    if encoding == MSGPACK.name:
        msgpack()
    return BY_NAME[encoding]
