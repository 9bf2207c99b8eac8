"""Waiting for what must happen, with a deadline instead of a sleep."""

import os
import time

# Long enough for sanitizer builds on a busy machine; nothing that works waits for it.
DEADLINE = float(os.environ.get("ACURAST_TEST_DEADLINE", "30"))


class Late(AssertionError):
    """What was waited for did not come in time."""


def eventually(probe, what="the condition", deadline=DEADLINE):
    """The first true value of `probe()`, asked again and again until the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"{what} did not come within {deadline} s")
        time.sleep(0.01)
