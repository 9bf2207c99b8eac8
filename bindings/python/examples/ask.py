"""Asks a processor for a price: `python ask.py URL PROCESSOR PAIR`. Prints it, or why there is none, then a tab and the milliseconds."""

import sys
import time

import acurast


def price_of(client: acurast.BlockingClient, processor: str, pair: str) -> str:
    try:
        return str(float(client.request(processor, "price", {"pair": pair}, timeout=5)["price"]))
    except acurast.NotHereError:
        return "not here"  # at once: nobody waits for a timeout
    except acurast.RemoteError as error:
        return f"error {error.code}"


url, processor, pair = sys.argv[1:]
with acurast.connect(url, timeout=10) as client:
    began = time.perf_counter()
    answer = price_of(client, processor, pair)
    print(f"{answer}\t{1000 * (time.perf_counter() - began):.3f}")
