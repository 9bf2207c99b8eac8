"""One request to many. The core asks, counts and compares; this makes values of what it tells at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import _errors, _runtime
from ._core import ffi, lib
from ._encoding import Encoding
from ._errors import Status
from ._identity import Id, Identity, Key, id_argument
from ._requests import Reply, method_argument, params_argument, result_of
from ._runtime import Submit

MOST: int = lib.ACURAST_REQUEST_MANY_MAX
OK, CANCELLED, NOT_ENOUGH = Status.OK, Status.CANCELLED, Status.NOT_ENOUGH_ANSWERS


@dataclass(frozen=True)
class Answers:
    """What many have answered to the same request."""

    value: Any
    """With `agree`, what so many have said; else the first result."""
    answers: dict[Id, Any]
    """The results, in the order in which they came."""
    failures: dict[Id, _errors.Error]
    """Of those who gave none until then."""


def many_ids(recipients: Iterable[Key | Identity]) -> list[Id]:
    """The argument `recipients`: whoever is named twice has one voice."""
    if isinstance(recipients, (str, bytes, bytearray, memoryview, Identity)) or not isinstance(recipients, Iterable):
        raise TypeError(f"recipients must be a list of ids or public keys, not {type(recipients).__name__}")
    ids = list(dict.fromkeys(id_argument(each, "recipients") for each in recipients))
    if not ids:
        raise ValueError("recipients must not be empty")
    if len(ids) > MOST:
        raise ValueError(f"recipients must be at most {MOST}, not {len(ids)}")
    return ids


def need_argument(need: object, count: int) -> int:
    if need is None:
        return count
    if isinstance(need, bool) or not isinstance(need, int):
        raise TypeError(f"need must be an int or None, not {type(need).__name__}")
    if not 1 <= need <= count:
        raise ValueError(f"need must be between 1 and {count}, the number of recipients, not {need}")
    return need


def request_many(
    ids: list[Id], method: object, params: object, need: int, agree: object, retry: object, encoding: Encoding
) -> Submit:
    name, raw, joined = method_argument(method), params_argument(params, encoding), b"".join(ids)
    return lambda client, milliseconds: lib.acurast_py_request_many(
        client, joined, len(ids), name, raw, len(raw), bool(retry), encoding.number, need, bool(agree), milliseconds
    )


class Said(NamedTuple):
    """What one of them has said."""

    id: Id
    reply: Reply
    group: int
    """Results that are equal have the same; the largest group has 1, and without `agree` all have."""


class Ended(NamedTuple):
    """What an ANSWERS event says."""

    status: int
    said: list[Said]


def ended(view: Any) -> Ended:
    answers, said = ffi.cast("acurast_answer *", view.payload), []
    for index in range(view.payload_size // ffi.sizeof("acurast_answer")):
        each = answers[index]
        raw = bytes(ffi.buffer(each.data, each.size)) if each.size else b""
        said.append(Said(Id(bytes(each.id)), Reply(each.status, each.code, raw), each.group))
    return Ended(view.status, said)


def answers_of(end: Ended, need: int, agree: object, encoding: Encoding) -> Answers:
    """The answers, or what was raised instead of them. A result that cannot be read is a failure."""
    if end.status not in (OK, NOT_ENOUGH):
        raise _runtime.error(end.status)
    answers, failures, agreed = {}, {}, []
    for id, reply, group in end.said:
        if reply.status == CANCELLED:  # it was open at the end
            continue
        try:
            answers[id] = result_of(reply, encoding)
        except _errors.Error as error:
            failures[id] = error
        else:
            if group == 1:
                agreed.append(answers[id])
    if end.status == OK and len(agreed) >= need:
        return Answers(agreed[0], answers, failures)
    raise not_enough(answers, failures, need, agree)


def not_enough(
    answers: dict[Id, Any], failures: dict[Id, _errors.Error], need: int, agree: object
) -> _errors.NotEnoughAnswersError:
    said = f"{len(answers)} results, {len(failures)} failures"
    error = _errors.NotEnoughAnswersError(f"{said}, {need}{' equal' if agree else ''} needed")
    error.answers, error.failures = answers, failures
    return error


def none_asked(error: _errors.Error, ids: list[Id], need: int, agree: object) -> _errors.Error:
    """The error where the request did not begin."""
    if isinstance(error, _errors.TimeoutError):  # the outbox was full
        return not_enough({}, {id: _errors.TimeoutError(error.detail) for id in ids}, need, agree)
    if isinstance(error, _errors.TooLargeError):
        return _errors.TooLargeError(f"or {len(ids)} recipients are too many for outbox_count")
    return error
