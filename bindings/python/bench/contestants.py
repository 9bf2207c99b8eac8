"""One contestant, one process: `contestants.py acurast|websockets URL ECHO SECONDS`. Prints one line of JSON a row.

Both do the same work in the same way: asyncio, one task a client, 64 bytes. `websockets` is a client of protocol version 1 in
pure Python, as one would write it by hand: no reconnect, no outbox, no checks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

PAYLOAD = bytes(range(64))
CLIENTS = 100
SENDERS = 64
HEADER = 33


class Contestant(Protocol):
    id: bytes

    async def post(self, to: bytes, payload: bytes) -> None: ...
    async def receive(self) -> bytes: ...
    async def close(self) -> None: ...


class PureClient:
    """The handshake, sending and receiving of version 1 on the websockets package."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        self.id = hashlib.sha256(self.public_key).digest()[:16]

    async def open(self, url: str) -> PureClient:
        from websockets.asyncio.client import connect

        self.socket = await connect(url, compression=None, ping_interval=None, max_size=None, proxy=None)
        await self.socket.send(b"\x10" + self.id + bytes(16))
        challenge = (await self.socket.recv())[HEADER + 16 : HEADER + 32]
        await self.socket.send(b"\x12" + self.id + bytes(16) + challenge + self.public_key + bytes(16) + self.sign(challenge))
        accepted = await self.socket.recv()
        assert accepted[0] == 0x13
        self.head = b"\x14" + self.id
        return self

    def sign(self, challenge: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        digest = hashlib.sha256(challenge + self.public_key + bytes(16)).digest()
        r, s = utils.decode_dss_signature(self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    async def post(self, to: bytes, payload: bytes) -> None:
        await self.socket.send(self.head + to + payload)

    async def receive(self) -> bytes:
        frame: bytes = await self.socket.recv()
        assert frame[0] == 0x14
        return frame[HEADER:]

    sure = post  # it knows no more

    async def close(self) -> None:
        await self.socket.close()


class OurClient:
    async def open(self, url: str) -> OurClient:
        import acurast

        self.client = acurast.Client(url)
        await self.client.connect()
        self.id = self.client.id
        return self

    async def post(self, to: bytes, payload: bytes) -> None:
        await self.client.send(to, payload, wait=False)

    async def sure(self, to: bytes, payload: bytes) -> None:
        await self.client.send(to, payload)

    async def receive(self) -> bytes:
        return (await self.client.receive()).payload

    async def close(self) -> None:
        await self.client.close()


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measured(row: str, work: Callable[[], Awaitable[int]]) -> None:
    cpu, begin = processor_time(), time.perf_counter()
    messages = await work()
    seconds, cpu = time.perf_counter() - begin, processor_time() - cpu
    print(json.dumps({"row": row, "messages": messages, "seconds": seconds, "cpu": cpu}), flush=True)


async def trips(client: Any, echo: bytes, end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        await client.post(echo, PAYLOAD)
        await client.receive()
        count += 1
    return count


async def round_trips(clients: list[Any], echo: bytes, seconds: float) -> int:
    end = time.perf_counter() + seconds
    return sum(await asyncio.gather(*[trips(client, echo, end) for client in clients]))


async def sends(client: Any, sink: bytes, post: Callable[[bytes, bytes], Awaitable[None]], tasks: int, seconds: float) -> int:
    """Sends, and at the end one to ourselves that comes back after all of them were relayed."""
    end = time.perf_counter() + seconds

    async def sender() -> int:
        count = 0
        while time.perf_counter() < end:
            for _ in range(16):
                await post(sink, PAYLOAD)
            count += 16
        return count

    total = sum(await asyncio.gather(*[sender() for _ in range(tasks)]))
    await client.post(client.id, PAYLOAD)
    await client.receive()
    return total


async def main(kind: str, url: str, echo: bytes, sink: bytes, seconds: float) -> None:
    make = OurClient if kind == "acurast" else PureClient
    clients: list[Any] = [await make().open(url) for _ in range(CLIENTS)]
    await round_trips(clients, echo, 0.2)
    await measured("round trips, 1 client", lambda: round_trips(clients[:1], echo, seconds))
    await measured("round trips, 100 clients", lambda: round_trips(clients, echo, seconds))
    first = clients[0]
    await measured("sends", lambda: sends(first, sink, first.post, 1, seconds))
    await measured("sends with outcome, 1 task", lambda: sends(first, sink, first.sure, 1, seconds))
    if kind == "acurast":
        await measured("sends with outcome, 64 tasks", lambda: sends(first, sink, first.sure, SENDERS, seconds))
    for client in clients:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4]), float(sys.argv[5])))
