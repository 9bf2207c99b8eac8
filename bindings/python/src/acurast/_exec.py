"""`python -m acurast serve --exec`: a command of the shell answers requests, as with acurast-peer.

    request -> /bin/sh, in a session of its own, with the params on its standard input -> its output is the result -> answered

How many run at once is the option `serve_running`. On SIGINT and SIGTERM, all that run get SIGTERM; once they have ended, and their
answers are on their way, the client is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, cast

from . import _errors
from ._client import Client
from ._encoding import JSON
from ._serving import INTERNAL_ERROR, INVALID_REQUEST, SERVER_ERROR, Incoming, RpcError, answer_raw, failure

RESULT_MAX = 16 * 1024 * 1024  # bytes


class Command(asyncio.SubprocessProtocol):
    """One command that runs, from its start until it has ended and nobody can write its output any more."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.large = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def feed(self, params: bytes) -> None:
        """Gives it its input. What it does not read is lost, and does not delay it."""
        pipe = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        pipe.write(params)
        pipe.close()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.large:
            return
        if len(self.output) + len(data) > RESULT_MAX:
            self.large = True
            self.end()
            self._transport.get_pipe_transport(1).close()
        else:
            self.output += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport.close()
        if not self.over.done():
            self.over.set_result(None)

    def end(self) -> None:
        """SIGTERM for it and what it has started, as long as it runs."""
        if self._transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGTERM)

    @property
    def status(self) -> int:
        """As a shell has it: 128 and more is a signal."""
        code: int = self._transport.get_returncode()
        return code if code >= 0 else 128 - code


class ExecClient(Client):
    """A client whose handler of all methods is one command."""

    def __init__(self, urls: Sequence[str], command: str, tell: Callable[[object], None], **settings: Any) -> None:
        super().__init__(urls, open_timeout=None, **settings)
        self._command = command
        self._tell = tell
        self._commands: set[Command] = set()
        self._ending = False

    async def until_closed(self) -> None:
        await self.connect()
        self._tell(f"{self.id} connected")
        await self.wait_closed()

    async def end_commands(self) -> None:
        self._ending = True
        for each in self._commands:
            each.end()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve_one(self, incoming: Incoming) -> None:
        try:
            output = await self._output(incoming)
            try:
                await self._say(answer_raw(incoming.number, output))
            except _errors.InvalidError:
                self._tell(f"{incoming.method}: what the command wrote is no JSON")
                raise RpcError(INTERNAL_ERROR, "the result is not JSON") from None
        except RpcError as error:
            await self._say(failure(incoming, error))

    async def _output(self, incoming: Incoming) -> bytes:
        """What the command wrote, without the line end that commands of the shell put behind it."""
        if incoming.encoding is not JSON:
            raise RpcError(INVALID_REQUEST, "MessagePack is not spoken here")
        command = await self._run(incoming)
        if command.large:
            raise RpcError(INTERNAL_ERROR, "the result is too large")
        if command.status:
            raise RpcError(SERVER_ERROR, f"the command ended with {command.status}")
        return bytes(command.output.rstrip(b" \t\r\n"))

    async def _run(self, incoming: Incoming) -> Command:
        if self._ending:
            raise RpcError(SERVER_ERROR, "the command ended with -1")
        method, sender = incoming.method.encode(), str(incoming.sender).encode()
        environment = {**os.environb, b"ACURAST_METHOD": method, b"ACURAST_SENDER": sender}
        try:
            _, command = await asyncio.get_running_loop().subprocess_exec(
                Command, "/bin/sh", "-c", self._command, stderr=None, env=environment, start_new_session=True
            )
        except OSError as error:
            self._tell(error)
            raise RpcError(SERVER_ERROR, "the command ended with -1") from None
        self._commands.add(command)
        if self._ending:
            command.end()  # it was about to start when all were ended
        try:
            command.feed(incoming.payload)
            await command.over
        finally:
            command.end()  # where nobody waits for it any more
            self._commands.discard(command)
        return command


async def _never(params: Any, request: Any) -> None:
    """Stands for the command, which runs in its place."""


async def serve_exec(
    urls: Sequence[str], methods: Sequence[str], command: str, tell: Callable[[object], None], **settings: Any
) -> None:
    """Serves until SIGINT or SIGTERM. Raises the reason if the client closed by itself."""
    client = ExecClient(urls, command, tell, **settings)
    client.serve(dict.fromkeys(methods, _never))
    serving = asyncio.ensure_future(client.until_closed())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    finally:
        await client.end_commands()
        await client.close()
