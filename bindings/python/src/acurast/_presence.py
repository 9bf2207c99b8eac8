"""Who is here: what a look has found, and who has left."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._core import ffi, lib
from ._identity import Id, Identity, Key, id_argument

ID_SIZE = 16


class Presence(enum.Enum):
    """Whether somebody is connected to the service."""

    NOT_HERE = "not here"
    HERE = "here"
    AWAY = "away"
    """Not here, but with a mailbox: what is sent waits there for a while."""


PRESENCES = {
    lib.ACURAST_PRESENCE_NOT_HERE: Presence.NOT_HERE,
    lib.ACURAST_PRESENCE_HERE: Presence.HERE,
    lib.ACURAST_PRESENCE_AWAY: Presence.AWAY,
}


@dataclass(frozen=True)
class Seen:
    """What a look has found about one id."""

    id: Id
    presence: Presence
    public_key: bytes | None
    """33 bytes, of who is HERE; else None. It belongs to the id: the client has checked that."""


@dataclass(frozen=True)
class Gone:
    """Somebody has left, that this client had looked for or sent to with a level."""

    id: Id
    presence: Presence
    """What is left: AWAY or NOT_HERE; HERE where the same key has a newer connection."""


def joined_ids(ids: Iterable[Key | Identity]) -> bytes:
    """The argument `ids`: 16 bytes for each, one behind the other."""
    if isinstance(ids, (str, bytes, bytearray, memoryview, Identity)) or not isinstance(ids, Iterable):
        raise TypeError(f"ids must be a list of ids or public keys, not {type(ids).__name__}")
    return b"".join(id_argument(each, "ids") for each in ids)


def parts(ids: bytes) -> list[bytes]:
    """As many looks as it takes."""
    size: int = lib.ACURAST_LOOK_MAX * ID_SIZE
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def seen_values(view: Any) -> list[Seen]:
    """What a SEEN event says, in the order of the ids."""
    entries = ffi.cast("const acurast_seen *", view.payload)
    count = view.payload_size // ffi.sizeof("acurast_seen")
    return [_seen(entries[index]) for index in range(count)]


def _seen(entry: Any) -> Seen:
    key = bytes(ffi.buffer(entry.public_key))
    return Seen(Id(ffi.buffer(entry.id)), PRESENCES[entry.presence], key if any(key) else None)


def gone_value(view: Any) -> Gone:
    """What a GONE event says."""
    return Gone(Id(ffi.buffer(view.sender, ID_SIZE)), PRESENCES[view.presence])
