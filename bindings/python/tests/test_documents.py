"""The README's programs and the examples do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import acurast
import pytest
from conftest import DEADLINE

HERE = Path(__file__).resolve().parent.parent
BLOCKS = re.findall(r"## ([^\n]+)\n[^#]*?```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
README = dict(BLOCKS)
PROGRAMS = {"A processor that answers", "A dApp that asks", "Requests", "A dApp", "An echo processor", "Scripts and notebooks", "Know what became of it"}


class Script:
    """A program that runs, and is ended at the end."""

    def __init__(self, command, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
        )

    def __enter__(self):
        return self

    def line(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return line.rstrip("\n")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=DEADLINE)


def run(command, folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", *command], capture_output=True, text=True, timeout=DEADLINE, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def adapted(name, url, processor=""):
    code = README[name].replace("ws://127.0.0.1:9001", url)
    assert url in code
    return code.replace("02…", str(processor))


def test_the_readme_has_its_programs():
    assert set(README) == {*PROGRAMS, "Tests of your dApp"}
    for name in ("A dApp", "An echo processor"):
        assert len([line for line in README[name].splitlines() if line.strip()]) <= 10


def test_the_dapp_and_the_echo_of_the_readme(acurast_service, tmp_path):
    identity = acurast.Identity.generate()
    (tmp_path / "key.pem").write_text(identity.to_pem())
    with Script(["-c", adapted("An echo processor", acurast_service.url)], tmp_path) as echo:
        assert echo.line() == f"id {identity.id}"
        for recipient in (identity.public_key.hex(), identity.id):
            assert run(["-c", adapted("A dApp", acurast_service.url, recipient)], tmp_path) == f"{identity.id} hello\n"
        out = run(["-c", adapted("Scripts and notebooks", acurast_service.url, identity.id)], tmp_path)
        assert "'method': 'add'" in out
        became = "Know what became of it"
        assert run(["-c", adapted(became, acurast_service.url, identity.id)], tmp_path) == "Outcome.DELIVERED\n"
        assert run(["-c", adapted(became, acurast_service.url, "00" * 16)], tmp_path) == "not delivered\n"


def test_the_processor_that_answers_and_the_dapp_that_asks_of_the_readme(acurast_service, tmp_path):
    identity, url = acurast.Identity.generate(), acurast_service.url
    (tmp_path / "key.pem").write_text(identity.to_pem())
    answer = "{'pair': 'EUR/CHF', 'price': 0.94}\n"
    with Script(["-c", adapted("A processor that answers", url)], tmp_path) as processor:
        key = processor.line().removeprefix("key ")
        assert key == identity.public_key.hex()
        for name in ("A dApp that asks", "Requests"):
            assert run(["-c", adapted(name, url, key)], tmp_path) == answer
        assert run(["-c", adapted("Requests", url, "00" * 16)], tmp_path) == "nobody is there\n"


def test_the_test_of_the_readme(tmp_path):
    """It needs no conftest: the fixture is found by the package's entry point."""
    (tmp_path / "test_it.py").write_text(README["Tests of your dApp"])
    assert "1 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"], tmp_path)


def test_the_examples(acurast_service, tmp_path):
    examples, url = HERE / "examples", acurast_service.url
    running = [Script([examples / "echo.py", url], tmp_path) for _ in range(4)]
    try:
        ids = [each.line().split()[1] for each in running]
        lines = run([examples / "ask_many.py", url, *ids], tmp_path).splitlines()
        assert len(lines) == 3 and {line.split()[0] for line in lines} < set(ids)
        assert all(line.endswith("what time is it?") for line in lines)
        assert re.fullmatch(r"\d+\.\d{3}\tthere\?\n", run([examples / "ask.py", url, ids[0], "there?"], tmp_path))
        assert run([examples / "ask.py", url, ids[0], "\x1b[2J\u202e"], tmp_path).endswith("\t'\\x1b[2J\\u202e'\n")
        out = run([examples / "notebook.py", url, ids[0]], tmp_path)
        assert out == "are you there?\n[{'question': 0}, {'question': 1}, {'question': 2}]\n"
    finally:
        for each in running:
            each.__exit__()


@pytest.mark.parametrize("name", [name for name in acurast.__all__ if name not in ("ClientOptions",)])
def test_every_public_name_is_documented(name):
    assert getattr(acurast, name).__doc__
