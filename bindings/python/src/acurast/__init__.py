"""Acurast on-demand deployments from Python, on the engine of libacurast.

    async with acurast.Client("wss://service.example", identity=identity) as client:
        await client.send(processor, b"question")
        async for message in client:
            print(message.sender, message.text())

`Client` is for asyncio, `connect()` gives one that blocks, `Service` is the websocket service embedded, `Identity` a key pair.
Whatever goes wrong is an `Error`; see its subclasses. Log lines go to the logger `acurast`.
"""

from __future__ import annotations

from . import _errors
from ._blocking import BlockingClient, connect
from ._changes import Departures, StateChanges
from ._client import Client
from ._core import ffi as _ffi
from ._core import lib as _lib
from ._encoding import UnreadableError
from ._errors import *  # noqa: F403
from ._errors import Status
from ._identity import Id, Identity, compress_key, id_of, verify
from ._many import Answers
from ._message import Message, Outcome, State, StateChange, Stats
from ._presence import Gone, Presence, Seen
from ._runtime import configure, live_objects
from ._service import Service
from ._serving import BlockingRequest, Request, RpcError
from ._settings import ClientOptions, ContextOptions, ServiceOptions

__version__: str = _ffi.string(_lib.acurast_version()).decode()

__all__ = [
    "Answers",
    "BlockingClient",
    "BlockingRequest",
    "Client",
    "ClientOptions",
    "ContextOptions",
    "Departures",
    "Gone",
    "Id",
    "Identity",
    "Message",
    "Outcome",
    "Presence",
    "Request",
    "RpcError",
    "Seen",
    "Service",
    "ServiceOptions",
    "State",
    "StateChange",
    "StateChanges",
    "Stats",
    "Status",
    "UnreadableError",
    "compress_key",
    "configure",
    "connect",
    "id_of",
    "live_objects",
    "verify",
]
__all__ += _errors.__all__
