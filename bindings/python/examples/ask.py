"""Asks a processor five times, one after the other: `python ask.py URL PROCESSOR TEXT`. Prints the median round trip in ms, a
tab, and the answer."""

import statistics
import sys
import time

import acurast

TIMES = 5

url, processor, text = sys.argv[1:]
times = []
with acurast.connect(url, timeout=10) as client:
    for _ in range(TIMES):
        began = time.perf_counter()
        client.send_text(processor, text)
        answer = client.receive(timeout=10).text()
        times.append(1000 * (time.perf_counter() - began))
shown = answer if answer.isprintable() else ascii(answer)  # what a stranger wrote does not steer the terminal
print(f"{statistics.median(times):.3f}\t{shown}")
