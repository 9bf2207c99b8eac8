"""One request to many: it ends with so many results, or with so many equal ones, or as soon as that has become impossible."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import _errors
from ._encoding import JSON, Encoding
from ._identity import Id, Identity, Key, id_argument
from ._requests import Reply, result_of


@dataclass(frozen=True)
class Answers:
    """What many have answered to the same request."""

    value: Any
    """With `agree`, what so many have said; else the first result."""
    answers: dict[Id, Any]
    """The results, in the order in which they came."""
    failures: dict[Id, _errors.Error]
    """Of those who gave none until then."""


class NotEnoughAnswersError(_errors.NotEnoughAnswersError):
    """Too few of those that were asked gave a result, or the same one."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.answers: dict[Id, Any] = {}
        self.failures: dict[Id, _errors.Error] = {}


def canonical(value: Any) -> str:
    """A value of JSON as text that is the same for equal values: keys in order, no blanks, 1.0 as 1."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def many_ids(recipients: Iterable[Key | Identity]) -> list[Id]:
    """The argument `recipients`: whoever is named twice has one voice."""
    if isinstance(recipients, (str, bytes, bytearray, memoryview, Identity)) or not isinstance(recipients, Iterable):
        raise TypeError(f"recipients must be a list of ids or public keys, not {type(recipients).__name__}")
    ids = list(dict.fromkeys(id_argument(each, "recipients") for each in recipients))
    if not ids:
        raise ValueError("recipients must not be empty")
    return ids


def need_argument(need: object, count: int) -> int:
    if need is None:
        return count
    if isinstance(need, bool) or not isinstance(need, int):
        raise TypeError(f"need must be an int or None, not {type(need).__name__}")
    if not 1 <= need <= count:
        raise ValueError(f"need must be between 1 and {count}, the number of recipients, not {need}")
    return need


@dataclass
class Poll:
    """The votes so far."""

    open: int
    need: int
    agree: bool
    encoding: Encoding
    answers: dict[Id, Any] = field(default_factory=dict)
    failures: dict[Id, _errors.Error] = field(default_factory=dict)
    _groups: dict[str | bytes, int] = field(default_factory=dict)  # how many gave it, by its text

    def reply(self, id: Id, reply: Reply) -> Answers | None:
        """Takes an answer: returns the answers, if it was the last one needed. Raises where it is an error, or that has become impossible."""
        value = result_of(reply, self.encoding)
        self.open -= 1
        self.answers[id] = value
        text: str | bytes = ""
        if self.agree:
            text = canonical(value) if self.encoding is JSON else reply.payload
        self._groups[text] = self._groups.get(text, 0) + 1
        if self._groups[text] == self.need:
            return Answers(value if self.agree else next(iter(self.answers.values())), self.answers, self.failures)
        self._check()
        return None

    def fail(self, id: Id, error: _errors.Error) -> None:
        """Takes an error. What is our own fault, or the end of our client, is raised."""
        if isinstance(error, (_errors.ClosedError, _errors.InvalidError)):
            raise error
        self.open -= 1
        self.failures[id] = error
        self._check()

    def _check(self) -> None:
        if max(self._groups.values(), default=0) + self.open >= self.need:
            return
        said = f"{len(self.answers)} results, {len(self.failures)} failures"
        error = NotEnoughAnswersError(f"{said}, {self.need}{' equal' if self.agree else ''} needed")
        error.answers, error.failures = self.answers, self.failures
        raise error
