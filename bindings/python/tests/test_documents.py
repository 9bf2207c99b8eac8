"""The README's programs and fragments, and the examples, do what they say."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import acurast
import pytest
from conftest import DEADLINE, soon

HERE = Path(__file__).resolve().parent.parent
TEXT = (HERE / "README.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^##+ ", TEXT, flags=re.MULTILINE)[1:]}
BLOCKS = {name: re.findall(r"```python\n(.*?)```", part, re.DOTALL) for name, part in SECTIONS.items()}
README = {name: found[0] for name, found in BLOCKS.items() if found}
PROGRAMS = {name for name, code in README.items() if re.search("^import ", code, re.MULTILINE)}
NOBODY = "00" * 16


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


def test_each_section_has_at_most_one_block_and_each_block_a_test():
    assert all(len(found) <= 1 for found in BLOCKS.values())
    assert PROGRAMS == RUN_HERE and set(README) - PROGRAMS == set(FRAGMENTS)
    for name in ("A dApp", "An echo processor"):
        assert len([line for line in README[name].splitlines() if line.strip()]) <= 10


def test_the_dapp_and_the_echo_of_the_readme(acurast_service, tmp_path):
    identity = acurast.Identity.generate()
    (tmp_path / "key.pem").write_text(identity.to_pem())
    with Script(["-c", adapted("An echo processor", acurast_service.url)], tmp_path) as echo:
        assert echo.line() == f"id {identity.id}"
        for recipient in (identity.public_key.hex(), identity.id):
            assert run(["-c", adapted("A dApp", acurast_service.url, recipient)], tmp_path) == f"{identity.id} hello\n"
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
        for name in ("A dApp that asks", "Requests", "Scripts and notebooks"):
            assert run(["-c", adapted(name, url, key)], tmp_path) == answer
        assert run(["-c", adapted("Requests", url, NOBODY)], tmp_path) == "nobody is there\n"
        assert run(["-c", adapted("Threads and loops", url, key)], tmp_path) == "['EUR/CHF', 'USD/CHF']\n"
    with Script(["-c", adapted("Answer in a script", url)], tmp_path) as processor:
        key = processor.line().removeprefix("key ")
        assert run(["-c", adapted("Requests", url, key)], tmp_path) == f"looking\n{answer}"


def test_the_child_of_the_readme(acurast_service, tmp_path):
    (tmp_path / "parent.py").write_text(adapted("Processes", acurast_service.url))
    assert run(["parent.py"], tmp_path) == "from the child\n"


def test_the_log_of_the_readme(tmp_path):
    done = subprocess.run([sys.executable, "-W", "error", "-c", README["Logging"]], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0 and "INFO:acurast:" in done.stderr and "DEBUG:acurast.service:" in done.stderr, done


def test_the_test_of_the_readme(tmp_path):
    """It needs no conftest: the fixture is found by the package's entry point."""
    (tmp_path / "test_it.py").write_text(README["Tests of your dApp"])
    assert "1 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"], tmp_path)


def test_the_echo_and_the_notebook(acurast_service, tmp_path):
    examples, url = HERE / "examples", acurast_service.url
    with Script([examples / "echo.py", url], tmp_path) as echo:
        out = run([examples / "notebook.py", url, echo.line().split()[1]], tmp_path)
    assert out == "are you there?\n[{'question': 0}, {'question': 1}, {'question': 2}]\n"


async def test_the_examples_that_ask(acurast_service, tmp_path):
    url, ids, prices = acurast_service.url, [], [0.94, 0.94, 7, 0.94]
    async with contextlib.AsyncExitStack() as stack:
        for each in prices:
            client = await stack.enter_async_context(acurast.Client(url))
            client.serve({"price": functools.partial(answer, each)})
            ids.append(str(client.id))

        async def example(name, *words, fails=False):
            command = [sys.executable, "-W", "error", HERE / "examples" / name, url, *words]
            process = await asyncio.create_subprocess_exec(
                *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
            )
            out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
            assert (process.returncode != 0) == fails, err
            return (err if fails else out).decode()

        assert re.fullmatch(r"0\.94\t\d+\.\d{3}\n", await example("ask.py", ids[0], "EUR/CHF"))
        assert re.fullmatch(r"error -32602\t\d+\.\d{3}\n", await example("ask.py", ids[0], "CHF/EUR"))
        assert re.fullmatch(r"not here\t\d+\.\d{3}\n", await example("ask.py", "00" * 16, "EUR/CHF"))
        first, *said = (await example("ask_many.py", "EUR/CHF", *ids)).splitlines()
        assert re.fullmatch(r"0\.94\t\d+\.\d{3}", first)
        assert len(said) >= 3 and set(said) <= {f"{id} {float(price)}" for id, price in zip(ids, prices)}
        # It ends with the first two answers where they differ: then three cannot agree any more.
        differ = await example("ask_many.py", "EUR/CHF", *ids[:3], fails=True)
        assert re.fullmatch(r"3 do not agree: [23] answers, 0 failures\n", differ)


def answer(price, params, request):
    if params["pair"] != "EUR/CHF":
        raise acurast.RpcError(-32602, "\x1b[2J")
    return {"pair": params["pair"], "price": price}


# ---- fragments: they stand in a coroutine ----


class World:
    """What the fragments find: a client, and a processor that answers and echoes. What they print is kept."""

    def __init__(self, url, client, processor):
        self.client, self.processor, self.printed = client, processor, []
        self.names = {
            "asyncio": asyncio,
            "acurast": acurast,
            "client": client,
            "URL": url,
            "PROCESSOR": processor.identity.public_key.hex(),
            "OTHER": NOBODY,
            "PROCESSORS": [],
            "price_of": lambda pair, sender: [pair, str(sender)],
            "print": lambda *words: self.printed.append(" ".join(map(str, words))),
        }

    async def run(self, name):
        exec("async def fragment():\n" + textwrap.indent(README[name], "    "), self.names)
        await asyncio.wait_for(self.names["fragment"](), DEADLINE)

    @contextlib.asynccontextmanager
    async def running(self, name):
        task = asyncio.ensure_future(self.run(name))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def slow(params, request):
    await asyncio.get_running_loop().create_future()


METHODS = {
    "price": lambda params, request: {"pair": params["pair"], "price": 0.94},
    "echo": lambda params, request: params,
    "slow": slow,
}


async def echo(client):
    async for message in client:
        await client.send(message.sender, message.payload)


async def payloads(world):
    await world.run("Payloads")
    assert world.printed == [f"{world.processor.id} b'bytes'"]


async def handlers(world):
    await world.run("Handlers")
    ask, told = world.processor.request, []
    assert await ask(world.client.id, "price", {"pair": "x"}, on_progress=told.append) == ["x", str(world.processor.id)]
    assert told == ["looking"]
    with pytest.raises(acurast.RemoteError, match="-32602: pair must be a str"):
        await ask(world.client.id, "price", [])


async def many(world):
    async with acurast.Client(world.names["URL"]) as a, acurast.Client(world.names["URL"]) as b:
        for each in (a, b):
            each.serve(METHODS)
        world.names["PROCESSORS"] += [world.processor.id, a.id, b.id, NOBODY]
        await world.run("Ask many")
    assert world.printed[0].startswith("{'pair': 'EUR/CHF', 'price': 0.94}")


async def messagepack(world):
    await world.run("MessagePack")
    assert world.printed == ["[b'\\x00\\xff']"]


async def quiet(world, name):
    await world.run(name)
    assert world.printed == []


async def sealing(world):
    await world.run("Sealing")
    assert world.printed == ["b'secret'", "it does not open"]


async def reconnects(world):
    async with world.running("Reconnects") as task:
        await soon(lambda: world.client._watchers)
        await world.client.close()
        await task
    assert world.printed[-1] == "CLOSED None"


async def stopping(world):
    await world.run("Stop waiting")
    assert world.printed == ["no answer in time"]
    await soon(lambda: world.client.stats().outbox_count == 0)


async def the_end(world):
    await world.run("The end")
    assert world.printed == ["CLOSED"]


async def errors(world):
    await world.run("Errors")
    (said,) = re.findall(r"# (NotHereError.*)", README["Errors"])
    assert world.printed == [said]


async def options(world):
    await world.run("Options")
    assert world.printed == ["CONNECTED"]


async def mailboxes(world):
    identity = world.processor.identity
    await world.processor.close()
    async with world.running("Mailboxes") as task:
        await soon(lambda: world.printed == ["it is away; its mailbox has it"])
        async with acurast.Client(world.names["URL"], identity=identity) as again:
            assert (await again.receive()).payload == b"hello"
            await task


async def who_is_here(world):
    await world.run("Who is here")
    assert world.printed == [f"Presence.HERE {world.processor.identity.public_key}", "Presence.NOT_HERE None"]


async def who_has_left(world):
    await world.client.look([world.processor.id])
    async with world.running("Who has left"):
        await soon(lambda: world.client._gone_watchers)
        await world.processor.close()
        await soon(lambda: world.printed == [f"{world.processor.id} has left; now it is Presence.AWAY"])


FRAGMENTS = {
    "Handlers": handlers,
    "Ask many": many,
    "MessagePack": messagepack,
    "Payloads": payloads,
    "Many sends": lambda world: quiet(world, "Many sends"),
    "Recipients": lambda world: quiet(world, "Recipients"),
    "Sealing": sealing,
    "Reconnects": reconnects,
    "Back-pressure": lambda world: quiet(world, "Back-pressure"),
    "Stop waiting": stopping,
    "The end": the_end,
    "Errors": errors,
    "Options": options,
    "Mailboxes": mailboxes,
    "Who is here": who_is_here,
    "Who has left": who_has_left,
}
RUN_HERE = {
    "A processor that answers",
    "A dApp that asks",
    "Requests",
    "Answer in a script",
    "A dApp",
    "An echo processor",
    "Scripts and notebooks",
    "Threads and loops",
    "Processes",
    "Logging",
    "Know what became of it",
    "Tests of your dApp",
}


@pytest.mark.parametrize("name", FRAGMENTS)
async def test_the_fragments_of_the_readme(acurast_service, name):
    url = acurast_service.url
    async with acurast.Client(url) as client, acurast.Client(url) as processor:
        processor.serve(METHODS)
        echoing = asyncio.ensure_future(echo(processor))
        try:
            await FRAGMENTS[name](World(url, client, processor))
        finally:
            echoing.cancel()
            await asyncio.gather(echoing, return_exceptions=True)


def test_the_links_of_the_readme_lead_to_its_headings():
    anchors = {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in SECTIONS}
    links = re.findall(r"\]\(#([^)]*)\)", TEXT)
    assert links and set(links) <= anchors


@pytest.mark.parametrize("name", [name for name in acurast.__all__ if name not in ("ClientOptions",)])
def test_every_public_name_is_documented(name):
    assert getattr(acurast, name).__doc__
