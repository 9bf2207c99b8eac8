"""What arrives and what happens, as plain values."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal, Union

from . import _errors, _runtime
from ._core import lib
from ._identity import Id


class Message:
    """One payload that was received. `sender` is what the service says, no more; `recipient` is this client."""

    __slots__ = ("sender", "recipient", "payload")

    def __init__(self, sender: Id, recipient: Id, payload: bytes) -> None:
        self.sender = sender
        self.recipient = recipient
        self.payload = payload

    def text(self) -> str:
        """The payload as UTF-8 text. Raises UnicodeDecodeError."""
        return self.payload.decode()

    def json(self) -> Any:
        """The payload as JSON. Raises json.JSONDecodeError or UnicodeDecodeError: both are ValueErrors."""
        return json.loads(self.payload)

    def __len__(self) -> int:
        return len(self.payload)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (self.sender, self.recipient, self.payload) == (other.sender, other.recipient, other.payload)

    def __hash__(self) -> int:
        return hash((self.sender, self.recipient, self.payload))

    def __repr__(self) -> str:
        return f"<acurast.Message from {self.sender}, {len(self.payload)} bytes>"


class Outcome(enum.Enum):
    """How far a send has come. Everything short of these is an exception."""

    QUEUED = "queued"
    """In the outbox; nobody will tell how it ends (`wait=False`)."""
    WRITTEN = "written"
    """Its last byte was taken by the operating system. Protocol version 1 acknowledges nothing: it may still be lost."""
    RELAYED = "relayed"
    """The service has handed its last byte to the recipient's socket."""
    DELIVERED = "delivered"
    """The recipient says that its program was handed it."""


Level = Union[Literal["written"], Literal["relayed"], Literal["delivered"]]  # one by one, as stubtest reads it
LEVELS: dict[str, int] = {
    "written": lib.ACURAST_LEVEL_WRITTEN,
    "relayed": lib.ACURAST_LEVEL_RELAYED,
    "delivered": lib.ACURAST_LEVEL_DELIVERED,
}
REACHED = {number: Outcome(word) for word, number in LEVELS.items()}


class State(enum.IntEnum):
    """Where a client or a service stands."""

    IDLE = lib.ACURAST_STATE_IDLE
    CONNECTING = lib.ACURAST_STATE_CONNECTING
    AUTHENTICATING = lib.ACURAST_STATE_AUTHENTICATING
    CONNECTED = lib.ACURAST_STATE_CONNECTED
    DISCONNECTED = lib.ACURAST_STATE_DISCONNECTED
    CLOSED = lib.ACURAST_STATE_CLOSED
    LISTENING = lib.ACURAST_STATE_LISTENING
    DRAINING = lib.ACURAST_STATE_DRAINING


@dataclass(frozen=True)
class StateChange:
    """A change of state, and why."""

    state: State
    error: _errors.Error | None
    """Why, for DISCONNECTED and CLOSED; None where nothing went wrong."""
    text: str
    """The URL of the service while connecting and connected; else the service's own words, if any."""
    close_code: int
    """The websocket close code received; 0 if none was."""
    retry_after: float | None
    """Seconds until the next try; None if there is none."""


@dataclass(frozen=True)
class Stats:
    """Figures of one client since it was made."""

    connections: int
    payloads_in: int
    payloads_out: int
    outbox_count: int
    outbox_bytes: int
    ignored_frames: int
    stray_payloads: int
    large_payloads: int
    repeats: int
    """Payloads that came again, or before their turn: not given to you a second time."""
    foreign_receipts: int
    """Receipts for what this client never sent, or from others than the recipient: ignored."""
    stray_answers: int
    """Answers to requests that are not open, or from others than was asked, or malformed: ignored."""


def state_change(view: Any) -> StateChange:
    """A STATE event as a value."""
    state = State(view.state)
    said = _runtime.text(view.text)
    failed = state in (State.DISCONNECTED, State.CLOSED) and view.status not in (0, lib.ACURAST_CLOSED)
    detail = "; ".join(filter(None, [said, f"close code {view.close_code}" if view.close_code else ""]))
    return StateChange(
        state=state,
        error=_runtime.error(view.status, detail) if failed else None,
        text=said,
        close_code=view.close_code,
        retry_after=view.retry_ms / 1000 if view.retry_ms >= 0 else None,
    )
