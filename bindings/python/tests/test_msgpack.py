"""Requests in MessagePack: what can be said, what is refused, and what happens where the package is missing."""

from __future__ import annotations

import asyncio
import sys
import threading

import acurast
import pytest
from acurast import Client, RpcError
from conftest import DEADLINE, soon

SOON = 20.0
VALUE = {"pair": "EUR/CHF", "deep": [{"é": [None, True, False, -1, 2**64 - 1, -(2**63), 1.5, b"\x00\xff"]}], b"key": []}
EXTENSIONS = {
    "ext": b"\xd4\x05x",
    "timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "long timestamp": b"\xc7\x0c\xff" + b"\xff" * 12,
}
UNREADABLE = {
    **EXTENSIONS,
    "a number as a key": b"\x81\x01\x02",
    "a list as a key": b"\x81\x90\x02",
    "a timestamp as a key": b"\x81\xd6\xff\x00\x00\x00\x01\x02",
    "not UTF-8": b"\xa1\xff",
    "not UTF-8 in a key": b"\x81\xa1\xff\x01",
}


async def echo(params, request):
    await request.progress(params)
    return params


async def wrong(params, request):
    raise RpcError(-32000, "no", [b"\xff", request.encoding])


def within(awaitable):
    return asyncio.wait_for(awaitable, SOON)


@pytest.fixture
def missing(monkeypatch):
    """The package cannot be imported."""
    monkeypatch.setitem(sys.modules, "msgpack", None)


# ---- what can be said ----


async def test_an_answer_is_the_value_that_the_handler_returned(url, loop_kind):
    told = []
    async with Client(url) as server, Client(url) as asker:
        server.serve({"echo": echo, "wrong": wrong, "in": lambda params, request: request.encoding})
        ask = asker.request
        assert await within(ask(server.id, "echo", VALUE, encoding="msgpack", on_progress=told.append)) == VALUE
        assert told == [VALUE]
        assert await within(ask(server.id, "echo", (1, 2), encoding="msgpack")) == [1, 2]
        assert await within(ask(server.id, "echo", encoding="msgpack")) == []
        assert await within(ask(server.id, "in", encoding="msgpack")) == "msgpack"
        assert await within(ask(server.id, "in")) == "json"
        with pytest.raises(acurast.RemoteError) as raised:
            await within(ask(server.id, "wrong", encoding="msgpack"))
        assert (raised.value.code, raised.value.remote_message, raised.value.data) == (-32000, "no", [b"\xff", "msgpack"])


def test_the_same_on_the_blocking_face(url):
    told = []

    def steps(params, request):
        request.progress(b"\xff")
        return [params, request.encoding]

    with acurast.connect(url) as server, acurast.connect(url) as asker:
        server.method("steps")(steps)
        serving = threading.Thread(target=server.serve)
        serving.start()
        try:
            ask = {"encoding": "msgpack", "timeout": SOON}
            assert asker.request(server.id, "steps", [b"\xff"], on_progress=told.append, **ask) == [[b"\xff"], "msgpack"]
            assert told == [b"\xff"]
            found = asker.request_many([server.id, asker.id], "steps", [b"x"], need=1, agree=True, **ask)
            assert found.value == [[b"x"], "msgpack"]
        finally:
            server.close()
            serving.join(DEADLINE)


async def test_what_goes_over_the_wire_is_messagepack_rpc(url):
    async with Client(url) as server, Client(url) as asker, Client(url) as plain:
        server.serve({"echo": lambda params, request: params})
        await plain.send(server.id, b"\x94\x00\x09\xa4echo\x92\x01\xc4\x01\xff")
        assert (await within(plain.receive())).payload == b"\x94\x01\x09\xc0\x92\x01\xc4\x01\xff"
        asked = asyncio.ensure_future(asker.request(plain.id, "by hand", [b"\xff"], encoding="msgpack"))
        payload = (await within(plain.receive())).payload
        assert payload[:2] == b"\x94\x00" and payload.endswith(b"\xa7by hand\x91\xc4\x01\xff")
        await plain.send(asker.id, b"\x94\x01" + payload[2:7] + b"\xc0\xa2ok")
        assert await within(asked) == "ok"


async def test_many_agree_where_the_bytes_are_equal(url):
    async with Client(url) as asker, Client(url) as a, Client(url) as b, Client(url) as c:
        for one, value in ((a, [1, b"x"]), (b, [1.0, b"x"]), (c, [1, b"x"])):
            one.serve({"price": lambda params, request, value=value: value})
        ask = {"agree": True, "timeout": SOON, "encoding": "msgpack"}
        found = await within(asker.request_many([a.id, b.id, c.id], "price", need=2, **ask))
        assert found.value == [1, b"x"] and type(found.value[0]) is int
        with pytest.raises(acurast.NotEnoughAnswersError):
            await within(asker.request_many([a.id, b.id], "price", need=2, **ask))


# ---- what is refused ----


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_not_read_is_refused_wherever_it_comes_from(acurast_service, value):
    url = acurast_service.url
    async with Client(url) as one, Client(url) as plain:
        one.serve({"echo": lambda params, request: params})
        await plain.send(one.id, b"\x94\x00\x09\xa4echo\x91" + value)
        payload = (await within(plain.receive())).payload
        assert payload.startswith(b"\x94\x01\x09\x82\xa4code\xd1\x80\xa6\xa7message") and b"Invalid params" in payload

        told = []
        asked = asyncio.ensure_future(one.request(plain.id, "x", encoding="msgpack", on_progress=told.append))
        id = (await within(plain.receive())).payload[2:7]
        await plain.send(one.id, b"\x93\x02\xaa$/progress\x92" + id + value)
        await plain.send(one.id, b"\x93\x02\xaa$/progress\x92" + id + b"\x07")
        await plain.send(one.id, b"\x94\x01" + id + b"\xc0\x91" + value)
        with pytest.raises(acurast.UnreadableError, match="an extension type, a map's key"):
            await within(asked)
        assert told == [7] and not one._told

        asked = asyncio.ensure_future(one.request(plain.id, "x", encoding="msgpack"))
        id = (await within(plain.receive())).payload[2:7]
        error = b"\x83\xa4code\x05\xa7message\xa2no\xa4data" + value
        await plain.send(one.id, b"\x94\x01" + id + error + b"\xc0")
        with pytest.raises(acurast.RemoteError) as raised:
            await within(asked)
        assert (raised.value.code, raised.value.data) == (5, None)


@pytest.mark.parametrize("error, words, data", [(b"\xa2no", "no", None), (b"\x92\x01\x02", "", [1, 2]), (b"\xc3", "", True)])
async def test_an_error_of_another_form_is_handed_on(acurast_service, error, words, data):
    async with Client(acurast_service.url) as asker, Client(acurast_service.url) as plain:
        asked = asyncio.ensure_future(asker.request(plain.id, "x", encoding="msgpack"))
        id = (await within(plain.receive())).payload[2:7]
        await plain.send(asker.id, b"\x94\x01" + id + error + b"\xc0")
        with pytest.raises(acurast.RemoteError) as raised:
            await within(asked)
        assert (raised.value.code, raised.value.remote_message, raised.value.data) == (0, words, data)


async def test_an_unreadable_answer_is_a_failure_of_one_among_many(acurast_service):
    url = acurast_service.url
    async with Client(url) as asker, Client(url) as good, Client(url) as plain:
        good.serve({"x": lambda params, request: 1})
        asked = asyncio.ensure_future(asker.request_many([good.id, plain.id], "x", encoding="msgpack", timeout=SOON))
        id = (await within(plain.receive())).payload[2:7]
        await plain.send(asker.id, b"\x94\x01" + id + b"\xc0" + EXTENSIONS["ext"])
        with pytest.raises(acurast.NotEnoughAnswersError) as raised:
            await within(asked)
        assert [type(error) for error in raised.value.failures.values()] == [acurast.UnreadableError]


async def test_arguments_are_checked(acurast_service, caplog):
    async with Client(acurast_service.url) as client:
        client.serve({"big": lambda params, request: 2**64, "set": lambda params, request: {1}})
        for params, error, words in (
            ([2**64], ValueError, "64 bits"),
            ([{1}], TypeError, "set"),
            (["\ud800"], ValueError, "."),
            ("x", TypeError, "params must be a list"),
        ):
            for ask in (client.request(client.id, "a", params, encoding="msgpack"), client.request_many([client.id], "a", params, encoding="msgpack")):
                with pytest.raises(error, match=words):
                    await ask
        for encoding, error in (("xml", ValueError), (1, TypeError)):
            with pytest.raises(error, match="encoding must be"):
                await client.request(client.id, "a", encoding=encoding)
            with pytest.raises(error, match="encoding must be"):
                await client.request_many([client.id], "a", encoding=encoding)
        for method in ("big", "set"):
            with pytest.raises(acurast.RemoteError) as raised:
                await within(client.request(client.id, method, encoding="msgpack"))
            assert raised.value.code == -32000
    caplog.clear()  # the tracebacks hold the clients


# ---- without the package ----


async def test_without_the_package_asking_names_the_extra(acurast_service, missing):
    with acurast.connect(acurast_service.url) as blocking:
        for ask in (lambda: blocking.request(blocking.id, "a", encoding="msgpack"), lambda: blocking.request_many([blocking.id], "a", encoding="msgpack")):
            with pytest.raises(ModuleNotFoundError, match=r"pip install 'acurast\[msgpack\]'"):
                ask()
        assert not blocking._results
    async with Client(acurast_service.url) as client:
        for asked in (client.request(client.id, "a", encoding="msgpack"), client.request_many([client.id], "a", encoding="msgpack")):
            with pytest.raises(ImportError, match=r"pip install 'acurast\[msgpack\]'") as raised:
                await asked
            assert raised.value.name == "msgpack"
        assert not client._told


async def test_without_the_package_a_server_refuses_such_requests_and_goes_on(url, missing, caplog):
    acurast._serving._warned.clear()
    async with Client(url) as server, Client(url) as asker:
        server.serve({"echo": echo})
        for _ in range(2):
            await asker.send(server.id, b"\x94\x00\x09\xa4echo\x90")
            payload = (await within(asker.receive())).payload
            assert payload[:3] == b"\x94\x01\x09" and b"MessagePack is not spoken here" in payload
        assert await within(asker.request(server.id, "echo", [1])) == [1]
        await soon(lambda: not server._serving)
    assert caplog.text.count("acurast[msgpack]") == 1  # strangers cannot fill the log
