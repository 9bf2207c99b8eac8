"""The types are complete, agree with what runs, and are what the core's tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent

USER = """
import asyncio
from typing import Any
from typing_extensions import assert_type
import acurast

async def main(request: acurast.Request) -> None:
    async with acurast.Client(["ws://x"], linger=0.5, failover="sticky") as client:
        assert_type(client, acurast.Client)
        assert_type(await client.send("00" * 16, b"x"), acurast.Outcome)
        assert_type(await client.send_text("00" * 16, "x", until="delivered", on_kept=lambda: None), acurast.Outcome)
        assert_type(await client.look(["00" * 16, b"x" * 16]), list[acurast.Seen])
        assert_type(await client.key_of("00" * 16), bytes)
        assert_type((await client.request_many(["02"], "price", [1], need=1, agree=True)).failures, dict[acurast.Id, acurast.Error])

        @client.method("price")
        async def price(params: Any, request: acurast.Request) -> int:
            await request.progress(0.5)
            raise acurast.RpcError(-32602, "no", [1])

        assert_type(await price(None, request), int)
        client.serve({"price": price, "plain": lambda params, request: params})
        try:
            print(await client.request("02", "price", {"pair": "x"}, timeout=2, on_progress=print))
            await client.request("02", "price", encoding="msgpack")
        except acurast.RemoteError as error:
            assert_type(error.code, int)
        await client.wait_closed()
        async for gone in client.gone():
            assert_type(gone.presence, acurast.Presence)
        async for message in client:
            assert_type(message, acurast.Message)
            assert_type(message.sender, acurast.Id)
        async for change in client.states():
            assert_type(change.state, acurast.State)
    with acurast.Service(port=0, max_frame="1MiB") as service:
        assert_type(service.url, str)
    identity = acurast.Identity.generate("secp256k1")
    assert_type(identity.open("02", b"", identity.seal(identity, b"", b"text")), bytes)
    with acurast.connect("ws://x") as blocking:
        assert_type(blocking.receive(1.5), acurast.Message)
        assert_type(blocking.send("00" * 16, b"x", until="relayed"), acurast.Outcome)
        assert_type(blocking.look([identity])[0].public_key, bytes | None)
        assert_type(blocking.gone(timeout=1), acurast.Gone)
        blocking.serve({"a": lambda params, request: params}, threads=2, timeout=1)
        assert_type(blocking.request_many([identity], "a").answers, dict[acurast.Id, Any])

async def wrong(client: acurast.Client) -> None:
    acurast.Client("ws://x", linger=[])  # type: ignore[arg-type]
    acurast.Client("ws://x", nonsense=1)  # type: ignore[call-arg]
    acurast.Client("ws://x", failover="random")  # type: ignore[arg-type]
    await client.send("00", "text")  # type: ignore[arg-type]
    await client.send("00", b"x", until="read")  # type: ignore[arg-type]
    await client.request("00", "price", "text")  # type: ignore[arg-type]
    await client.request("00", "price", encoding="xml")  # type: ignore[arg-type]
    acurast.Identity.generate("rsa")  # type: ignore[arg-type]
"""


def run(*command, folder=HERE):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_generated_files_are_fresh():
    if not (HERE / "tools").is_dir():
        pytest.skip("tools/ is not here")
    run("tools/generate.py", "--check")


@pytest.fixture(scope="module")
def mypy():
    pytest.importorskip("mypy", reason="mypy is not installed")


def test_mypy_strict(mypy, tmp_path):
    (tmp_path / "user.py").write_text(USER)
    run("-m", "mypy", "--strict", f"--cache-dir={tmp_path}", "src/acurast", str(tmp_path / "user.py"), "examples/ask_many.py")


def test_stubtest(mypy):
    run("-m", "mypy.stubtest", "acurast", "--ignore-missing-stub")
