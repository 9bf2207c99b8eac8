"""Who asks in the rows of requests of `make bench`, in Python: by `request`, by hand, and by nats-py.

    python asker.py URL MS WAYS ROWS ID...

As tests/bench/asker.c, whose lines of JSON these are. A URL nats://… makes it ask there instead, where no ids are given.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

METHOD, PARAMS = "price", {"pair": "EUR/CHF"}
TIMEOUT = 2.0
WARM_UP = 0.05
NEED = 3
NATS_SUBJECT = "asap"  # answered by who writes at once: tests/bench/nats.c

Ask = Callable[[], Awaitable[Any]]


class ByHand:
    """Requests as one writes them with `send_json` and a dict of futures."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.waiting: dict[tuple[bytes, int], asyncio.Future[Any]] = {}
        self.numbers = itertools.count(1)

    async def read(self) -> None:
        async for message in self.client:
            try:
                answer = message.json()
                future = self.waiting.get((message.sender, answer["id"]))
            except (ValueError, TypeError, KeyError):
                continue
            if future and not future.done():
                future.set_result(answer)

    async def request(self, to: bytes, method: str, params: Any, timeout: float) -> Any:
        number = next(self.numbers)
        future = self.waiting[to, number] = asyncio.get_running_loop().create_future()
        try:
            await self.client.send_json(to, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            if sys.version_info >= (3, 11):
                async with asyncio.timeout(timeout):
                    answer = await future
            else:
                answer = await asyncio.wait_for(future, timeout)
        finally:
            del self.waiting[to, number]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    async def request_many(self, recipients: list[bytes], method: str, params: Any, need: int, timeout: float) -> Any:
        """The first result that so many have given."""
        said: Counter[str] = Counter()
        tasks = [asyncio.create_task(self.request(to, method, params, timeout)) for to in recipients]
        try:
            for task in asyncio.as_completed(tasks):
                result = await task
                text = json.dumps(result, sort_keys=True)
                said[text] += 1
                if said[text] == need:
                    return result
            raise RuntimeError("they do not agree")
        finally:
            for each in tasks:
                each.cancel()


def quantile(times: list[float], part: float) -> float:
    return times[min(int(len(times) * part), len(times) - 1)] * 1e6


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def step(row: str, way: str, ask: Ask, window: int, seconds: float) -> None:
    """Keeps so many requests open, and prints what one took."""
    times: list[float] = []
    until = time.perf_counter() + WARM_UP

    async def keep_one_open() -> None:
        while (begin := time.perf_counter()) < until:
            await ask()
            times.append(time.perf_counter() - begin)

    async def keep_open() -> None:
        await asyncio.gather(*[keep_one_open() for _ in range(window)])

    await keep_open()
    times.clear()
    cpu, begin = processor_time(), time.perf_counter()
    until = begin + seconds
    await keep_open()
    seconds, cpu = time.perf_counter() - begin, processor_time() - cpu
    times.sort()
    line = {"row": row, "way": way, "cpu_us": cpu / len(times) * 1e6, "rate": len(times) / seconds}
    print(json.dumps({**line, "p50_us": quantile(times, 0.5), "p99_us": quantile(times, 0.99)}), flush=True)


async def open_clients(url: str, ids: list[bytes]) -> dict[str, dict[str, Ask]]:
    import acurast

    client, other = acurast.Client(url), acurast.Client(url)
    await client.connect()
    await other.connect()
    hand = ByHand(other)
    reader = asyncio.create_task(hand.read())

    async def absent() -> None:
        try:
            await client.request(os.urandom(16), METHOD, PARAMS, timeout=TIMEOUT)
        except acurast.NotHereError:
            return
        raise RuntimeError("somebody is there")

    async def close() -> None:
        reader.cancel()
        await client.close()
        await other.close()

    return {
        "request": {
            "one": lambda: client.request(ids[0], METHOD, PARAMS, timeout=TIMEOUT),
            "many": lambda: client.request_many(ids, METHOD, PARAMS, need=NEED, agree=True, timeout=TIMEOUT),
            "absent": absent,
            "close": close,
        },
        "hand": {
            "one": lambda: hand.request(ids[0], METHOD, PARAMS, TIMEOUT),
            "many": lambda: hand.request_many(ids, METHOD, PARAMS, NEED, TIMEOUT),
            "absent": lambda: hand.request(ids[0], METHOD, PARAMS, TIMEOUT),
        },
    }


async def open_nats(url: str) -> dict[str, dict[str, Ask]]:
    import nats

    client = await nats.connect(url)

    async def one() -> Any:
        return json.loads((await client.request(NATS_SUBJECT, json.dumps(PARAMS).encode(), timeout=TIMEOUT)).data)

    return {"nats": {"one": one, "close": client.close}}


async def main(url: str, milliseconds: str, ways: str, rows: str, *ids: str) -> None:
    made = await (open_nats(url) if url.startswith("nats:") else open_clients(url, [bytes.fromhex(id) for id in ids]))
    for row in rows.split(","):
        for way in ways.split(","):
            window, what = (int(row), "one") if row.isdigit() else (1, row)
            await step(row, way, made[way][what], window, int(milliseconds) / 1e3)
    for each in made.values():
        if "close" in each:
            await each["close"]()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
