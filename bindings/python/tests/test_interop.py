"""With the vendor's unmodified npm client, through our service, in both directions."""

from __future__ import annotations

import json
import shutil
import subprocess

import acurast
import pytest
from conftest import DEADLINE, ROOT

CHILD = ROOT / "tests" / "interop" / "lib" / "vendor_child.js"
PAYLOADS = [b"", b"\0", bytes(range(256)), "ünïcödé ✓".encode(), b"deadbeef", bytes(1 << 20)]


@pytest.fixture
def vendor(url):
    """The vendor's client in a process of its own: tells what comes, and sends it back."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    if not (ROOT / "tests" / "interop" / "node_modules" / "@acurast").is_dir():
        pytest.skip("the vendor's client is not installed: npm --prefix tests/interop ci")
    identity = acurast.Identity.generate()
    keys = {
        "secretKey": identity.secret().hex(),
        "publicKey": identity.uncompressed_key.hex(),
        "compressed": identity.public_key.hex(),
        "id": str(identity.id),
    }
    process = subprocess.Popen([node, CHILD, url, json.dumps(keys)], stdout=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline()) == {"event": "started"}
    yield identity, process
    process.kill()
    process.wait(DEADLINE)
    process.stdout.close()


def test_there_and_back(url, vendor):
    identity, process = vendor
    with acurast.connect(url) as client:
        for number, payload in enumerate(PAYLOADS):
            client.send((identity.id, identity.public_key, identity.uncompressed_key)[number % 3], payload)
            told = json.loads(process.stdout.readline())
            assert (told["sender"], told["recipient"]) == (str(client.id), str(identity.id))
            assert told["payload"] == payload.hex()
            message = client.receive(timeout=30)
            assert (message.sender, message.payload) == (identity.id, payload)


async def test_many_at_once(url, vendor):
    identity, _ = vendor
    async with acurast.Client(url) as client:
        for number in range(200):
            await client.send(identity.id, b"%d" % number, wait=False)
        assert [int((await client.receive()).payload) for _ in range(200)] == list(range(200))
