"""Every wrong type and length raises TypeError or ValueError at the call, with a message that names the argument."""

from __future__ import annotations

import pickle

import acurast
import pytest
from acurast import Client, Service
from acurast._core import ffi, lib

URL = "ws://127.0.0.1:1"


@pytest.mark.parametrize("make", [Client, acurast.connect])
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"urls": None}, TypeError, "urls"),
        ({"urls": b"ws://x"}, TypeError, "urls"),
        ({"urls": [1]}, TypeError, "urls"),
        ({"urls": []}, ValueError, "urls"),
        ({"urls": ""}, ValueError, "url"),
        ({"urls": "http://x"}, acurast.BadOptionError, "http://x"),
        ({"urls": ["ws://x", "nonsense"]}, acurast.BadOptionError, "nonsense"),
        ({"identity": "11" * 32}, TypeError, "identity"),
        ({"inbox_count": 0}, ValueError, "inbox_count"),
        ({"inbox_count": "many"}, TypeError, "inbox_count"),
        ({"inbox_count": True}, TypeError, "inbox_count"),
        ({"inbox_bytes": -1}, ValueError, "inbox_bytes"),
        ({"inbox_bytes": 1 << 60}, ValueError, "inbox_bytes"),
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"url": URL}, TypeError, "urls"),
        ({"linger": -1}, ValueError, "linger"),
        ({"linger": float("nan")}, ValueError, "linger"),
        ({"linger": float("inf")}, ValueError, "linger"),
        ({"linger": 1e11}, ValueError, "linger"),
        ({"linger": "soon"}, ValueError, "linger"),
        ({"linger": object()}, TypeError, "linger"),
        ({"outbox_count": 1.5}, ValueError, "outbox_count"),
        ({"outbox_count": 0}, ValueError, "outbox-count"),
        ({"outbox_count": 1 << 70}, ValueError, "outbox_count"),
        ({"outbox_bytes": "16 potatoes"}, ValueError, "outbox-bytes"),
        ({"failover": "random"}, ValueError, "failover"),
        ({"extensions": 7}, ValueError, "extensions"),
        ({"ca_file": "a\0b"}, ValueError, "ca_file"),
    ],
)
def test_of_a_client(make, arguments, error, words):
    with pytest.raises(error, match=words):
        make(**{"urls": URL, **arguments})


@pytest.mark.parametrize(
    ("make", "arguments", "error", "words"),
    [
        (Client, {"open_timeout": "1"}, TypeError, "open_timeout"),
        (Client, {"open_timeout": -1}, ValueError, "open_timeout"),
        (acurast.connect, {"timeout": "1"}, TypeError, "timeout"),
        (acurast.connect, {"timeout": float("nan")}, ValueError, "timeout"),
    ],
)
def test_of_opening(make, arguments, error, words):
    with pytest.raises(error, match=words):
        make(URL, **arguments)


SENDS = [
    ((None, b""), {}, TypeError, "to must"),
    ((5, b""), {}, TypeError, "to must"),
    (([], b""), {}, TypeError, "to must"),
    (("", b""), {}, acurast.BadRecipientError, "to"),
    ((bytes(17), b""), {}, acurast.BadRecipientError, "to"),
    (("xx" * 16, b""), {}, acurast.BadHexError, "to"),
    ((acurast.Id(b"short"), b""), {}, ValueError, "recipient"),
    ((b"\x02" + b"\xff" * 32, b""), {}, acurast.BadKeyError, "to"),
    ((bytes(16), "text"), {}, TypeError, "send_text"),
    ((bytes(16), None), {}, TypeError, "payload"),
    ((bytes(16), [1]), {}, TypeError, "payload"),
    ((bytes(16), b""), {"timeout": "1"}, TypeError, "timeout"),
    ((bytes(16), b""), {"timeout": 0}, ValueError, "timeout"),
    ((bytes(16), b""), {"timeout": -1}, ValueError, "timeout"),
    ((bytes(16), b""), {"timeout": 1e300}, ValueError, "timeout"),
]


async def test_of_a_send(acurast_service):
    async with Client(acurast_service.url) as client:
        for arguments, keywords, error, words in SENDS:
            with pytest.raises(error, match=words):
                await client.send(*arguments, **keywords)
        with pytest.raises(TypeError, match="text"):
            await client.send_text(client.id, b"bytes")
        with pytest.raises(TypeError, match="JSON"):
            await client.send_json(client.id, object())
        assert client.stats().payloads_out == 0


def test_of_a_blocking_send(acurast_service):
    with acurast.connect(acurast_service.url) as client:
        for arguments, keywords, error, words in SENDS:
            with pytest.raises(error, match=words):
                client.send(*arguments, **keywords)
        with pytest.raises(TypeError, match="text"):
            client.send_text(client.id, b"bytes")
        for timeout, error in (("1", TypeError), (-1, ValueError)):
            with pytest.raises(error, match="timeout"):
                client.receive(timeout)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"port": "0"}, TypeError, "port"),
        ({"port": True}, TypeError, "port"),
        ({"port": 65536}, ValueError, "port"),
        ({"port": -1}, ValueError, "port"),
        ({"host": 5}, TypeError, "host"),
        ({"listen": "127.0.0.1:0"}, TypeError, "listen"),
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"threads": -1}, ValueError, "threads"),
        ({"difficulty": "easy"}, ValueError, "difficulty"),
        ({"deny": ["nobody"]}, ValueError, "deny"),
        ({"max_frame": 1}, ValueError, "max-frame"),
    ],
)
def test_of_a_service(arguments, error, words):
    with pytest.raises(error, match=words):
        Service(**arguments)


# ---- errors come from the core's table ----


def test_every_status_has_its_class():
    status = ffi.new("acurast_status *")
    codes, index = set(), 0
    while lib.acurast_status_at(index, status) == 0:
        codes.add(int(status[0]))
        index += 1
    assert codes == {int(each) for each in acurast.Status}
    for code in codes - {0}:
        kind = acurast._errors.CLASSES[code]
        error = kind("detail")
        assert error.status == code and issubclass(kind, acurast.Error) and getattr(acurast, kind.__name__) is kind
        assert acurast._runtime.text(lib.acurast_status_text(code)) in str(error) and "detail" in str(error)
        assert error.retriable == bool(lib.acurast_status_retriable(code))
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and str(again) == str(error)


def test_the_library_is_the_one_that_the_package_was_made_for():
    assert acurast.__version__ == acurast._runtime.text(lib.acurast_version())


def test_configure_comes_first():
    with pytest.raises(acurast.BadStateError, match="before the first client"):
        acurast.configure(threads=2)
