"""Fixtures: programs under test that are watched to their end."""

import pytest

from support import hanging as hanging_files
from support import manager as manager_end
from support import programs, v1
from support.waiting import DEADLINE


@pytest.fixture
def service():
    """Starts services: `service(max_frame="1MiB")`. At the end each one that was not ended by the test must be
    alive, end with 0 on SIGTERM, and have written no sanitizer report."""
    started = []

    def start(environment=None, **options):
        options.setdefault("drain_time", "2s")
        one = programs.Service(environment, **options)
        started.append(one)
        return one

    yield start
    finish(started)


def finish(started):
    problems = []
    for one in started:
        ended_by_test = one.process.returncode is not None
        died = not ended_by_test and not one.alive()
        code = one.end(DEADLINE)
        if died:
            problems.append(f"the service died with {code}: {one.stderr}")
        elif not ended_by_test and code != 0:
            problems.append(f"the service ended with {code}: {one.stderr}")
        if programs.SANITIZER.search(one.stderr):
            problems.append(one.stderr)
    assert not problems, "\n".join(problems)


@pytest.fixture
def peer():
    """Starts acurast-peer in the background: `peer("listen", "--url", ...)`; ended by its pid at the end."""
    started = []

    def start(*arguments, **how):
        one = programs.Program("acurast-peer", *arguments, **how)
        started.append(one)
        return one

    yield start
    for one in started:
        if one.alive():
            one.end()
        one.check_sanitizers()


@pytest.fixture
def client():
    """Makes reference clients that are closed at the end."""
    made = []

    def make(url, *arguments, **options):
        one = v1.Client(url, *arguments, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def bystanders():
    """`bystanders(url)` makes a pair; at the end it must still talk."""
    made = []

    def make(url, **options):
        pair = v1.Bystanders(url, **options)
        pair.check()
        made.append(pair)
        return pair

    yield make
    try:
        for pair in made:
            pair.check()
    finally:
        for pair in made:
            pair.close()


@pytest.fixture
def hanging():
    made = []

    def make(path):
        made.append(hanging_files.Hanging(path))
        return made[-1]

    yield make
    for each in made:
        each.let_go()


@pytest.fixture
def managers():
    """Makes service managers: at a path in a folder, or without one at an abstract name."""
    made = []

    def make(folder=None):
        made.append(manager_end.Manager(folder))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def manager(managers):
    return managers()
