"""The pytest plugin, found by its entry point: nothing has to be imported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import Service


@pytest.fixture
def acurast_service() -> Iterator[Service]:
    """A service of its own for this test, on a free port of 127.0.0.1; `.url` is its address."""
    with Service(port=0) as service:
        yield service
