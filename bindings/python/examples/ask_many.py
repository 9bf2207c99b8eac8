"""Asks several processors for a price, and takes what three of them agree on: `python ask_many.py URL PAIR PROCESSOR...`. Prints it, a tab
and the milliseconds, and then who has said what."""

import asyncio
import sys
import time

import acurast

NEED = 3


async def main(url: str, pair: str, processors: list[str]) -> None:
    async with acurast.Client(url) as client:
        began = time.perf_counter()
        try:
            found = await client.request_many(processors, "price", {"pair": pair}, need=NEED, agree=True, timeout=5)
        except acurast.NotEnoughAnswersError as error:
            sys.exit(f"{NEED} do not agree: {len(error.answers)} answers, {len(error.failures)} failures")
        print(f"{float(found.value['price'])}\t{1000 * (time.perf_counter() - began):.3f}")
        for processor, answer in found.answers.items():
            print(processor, float(answer["price"]))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
