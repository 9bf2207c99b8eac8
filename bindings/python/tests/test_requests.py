"""Requests and answers on asyncio: what comes back, in every case."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle

import acurast
import pytest
from acurast import Client, RpcError, State
from conftest import soon

NOBODY = acurast.id_of("00" * 16)
LONG = 60.0  # what ends within SOON ends for another reason
SOON = 20.0


def within(awaitable):
    return asyncio.wait_for(awaitable, SOON)


async def echo(params, request):
    return params


async def steps(params, request):
    for number in range(3):
        await request.progress({"done": number})
    return "steps"


async def never(params, request):
    await asyncio.get_running_loop().create_future()


def wrong(params, request):
    raise RpcError(-32602, "pair must be a str\0", {"got": [1]})


def who(params, request):
    return [str(request.sender), request.method]


METHODS = {"echo": echo, "steps": steps, "never": never, "wrong": wrong, "who": who, "nothing": lambda params, request: None}


@contextlib.asynccontextmanager
async def pair(url, methods=METHODS, server=None, asker=None):
    """Who serves, and who asks."""
    async with Client(url, **(server or {})) as a, Client(url, **(asker or {})) as b:
        a.serve(methods)
        yield a, b


# ---- what comes back ----


async def test_an_answer_is_the_value_that_the_handler_returned(url, loop_kind):
    async with pair(url) as (server, asker):
        params = {"pair": "EUR/CHF", "deep": [{"é": ["\u2028", None, True, 1.5, '"\\', 2**70]}]}
        for to in (server.id, server.identity, server.identity.public_key, str(server.id)):
            assert await within(asker.request(to, "echo", params, timeout=LONG)) == params
        assert await within(asker.request(server.id, "echo", (1, 2))) == [1, 2]
        assert await within(asker.request(server.id, "echo", [])) == []
        assert await within(asker.request(server.id, "echo")) is None
        assert await within(asker.request(server.id, "nothing")) is None
        large = ["x" * 300_000]
        assert await within(asker.request(server.id, "echo", large)) == large
        assert not asker._told and not server._serving


async def test_whoever_serves_learns_who_asks_and_may_ask_itself(url):
    async with pair(url) as (server, asker):
        asker.serve({"who": who})
        assert await within(server.request(asker.id, "who")) == [str(server.id), "who"]
        assert await within(asker.request(server.id, "who")) == [str(asker.id), "who"]
        assert await within(asker.request(asker.id, "who")) == [str(asker.id), "who"]


async def test_an_error_has_its_code_its_words_and_its_data(url):
    async with pair(url) as (server, asker):
        with pytest.raises(acurast.RemoteError, match="-32602: pair must be a str") as raised:
            await within(asker.request(server.id, "wrong"))
        error = raised.value
        assert (error.code, error.remote_message, error.data) == (-32602, "pair must be a str\ufffd", {"got": [1]})
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.code, again.data) == (str(error), -32602, {"got": [1]})
        with pytest.raises(acurast.RemoteError) as raised:
            await within(asker.request(server.id, "nowhere"))
        assert (raised.value.code, raised.value.data) == (-32601, None)


async def test_words_of_a_stranger_cannot_steer_a_terminal(url):
    def steer(params, request):
        raise RpcError(1, "\x1b[2J\u202e" + "y" * 9999)

    async with pair(url, {"x": steer}) as (server, asker):
        with pytest.raises(acurast.RemoteError) as raised:
            await within(asker.request(server.id, "x"))
        assert "1: \\x1b[2J\\u{202e}yyy" in str(raised.value) and len(str(raised.value)) < 1000
        assert len(raised.value.remote_message) == 9999 + 5


async def test_what_a_handler_raises_is_logged_and_not_told(url, caplog):
    def bug(params, request):
        raise KeyError("the password is 1234")

    def stop(params, request):
        raise asyncio.CancelledError("1234")

    def data(params, request):
        raise RpcError(5, "five 1234", {"big": {1}})

    deep: list = []
    for _ in range(100):
        deep = [deep]
    results = {"set": {1234}, "nan": float("nan"), "half": "\ud800", "deep": deep}
    methods = {name: lambda params, request, value=value: value for name, value in results.items()}
    async with pair(url, {**methods, "bug": bug, "data": data, "stop": stop}) as (server, asker):
        for method, code in (("bug", -32000), ("data", -32603), ("stop", -32603), *((name, -32000) for name in results)):
            with pytest.raises(acurast.RemoteError) as raised:
                await within(asker.request(server.id, method))
            error = raised.value
            assert error.code == code, method
            assert "1234" not in f"{error} {error.remote_message} {error.data}"
    told = [each.getMessage() for each in caplog.records if each.name == "acurast" and each.levelno == logging.ERROR]
    assert told[:2] == ["the handler of 'bug' has failed", "the handler of 'data' has raised what cannot be sent"]
    assert "the password is 1234" in caplog.text
    caplog.clear()  # the tracebacks hold the clients


async def test_numbers_that_python_does_not_read_do_no_harm(url):
    digits = "9" * 5000
    async with pair(url) as (server, asker), Client(url) as plain:
        await plain.send_text(server.id, f'{{"jsonrpc":"2.0","id":1,"method":"nothing","params":[{digits},1]}}')
        assert (await within(plain.receive())).json() == {"jsonrpc": "2.0", "id": 1, "result": None}
        asked = asyncio.ensure_future(asker.request(plain.id, "x"))
        id = (await within(plain.receive())).json()["id"]
        await plain.send_text(asker.id, f'{{"jsonrpc":"2.0","id":"{id}","result":[{digits},1]}}')
        assert await within(asked) == [float("inf"), 1]


# ---- nobody there, no answer, no more wish for one ----


async def test_where_nobody_is_there_it_is_told_at_once(url):
    async with pair(url) as (server, asker):
        with pytest.raises(acurast.NotHereError):
            await within(asker.request(NOBODY, "echo", timeout=LONG))
        slow = asyncio.ensure_future(asker.request(server.id, "never", timeout=LONG))
        await soon(lambda: server._serving)
        await within(asker.request(server.id, "echo"))  # the receipt of the one before has come
        await server.close()
        with pytest.raises(acurast.UndeterminedError):
            await within(slow)


async def test_no_answer_in_time(url):
    async with pair(url, asker={"outbox_count": 1}) as (server, asker):
        asked = [asker.request(server.id, "never", timeout=0.05) for _ in range(3)]
        for end in await within(asyncio.gather(*asked, return_exceptions=True)):
            assert type(end) is acurast.TimeoutError and isinstance(end, TimeoutError)
        assert await within(asker.request(server.id, "echo", [1])) == [1]


async def test_cancelling_a_task_cancels_its_request_and_no_other(url, loop_kind):
    go, told = asyncio.Event(), []

    async def slow(params, request):
        await request.progress(1)
        await go.wait()
        return "late"

    async with pair(url, {**METHODS, "slow": slow}) as (server, asker):
        ended, other = (asyncio.ensure_future(asker.request(server.id, "slow", timeout=LONG, on_progress=told.append)) for _ in range(2))
        await soon(lambda: told == [1, 1])
        ended.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ended
        go.set()
        assert await within(other) == "late"
        await soon(lambda: asker.stats().stray_answers == 1)
        assert not asker._told and not asker._progress_callbacks


# ---- serving ----


async def test_progress_comes_in_order_before_the_answer(url, loop_kind):
    told = []
    async with pair(url) as (server, asker):
        assert await within(asker.request(server.id, "steps", on_progress=told.append)) == "steps"
        assert told == [{"done": 0}, {"done": 1}, {"done": 2}]
        assert await within(asker.request(server.id, "steps")) == "steps"


async def test_progress_of_what_is_over_goes_nowhere(url):
    kept = []
    async with pair(url, {"keep": lambda params, request: kept.append(request)}) as (server, asker):
        await within(asker.request(server.id, "keep"))
        await within(kept[0].progress(1))
        with pytest.raises(TypeError):
            await kept[0].progress({1})
        await server.close()
        await within(kept[0].progress(1))


async def test_a_client_that_closes_ends_what_it_serves_and_what_it_asked(url, loop_kind):
    ends = []

    async def slow(params, request):
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ends.append(request.method)
            raise

    async with pair(url, {"slow": slow, "echo": echo}, server={"linger": 0}) as (server, asker):
        asked = asyncio.ensure_future(asker.request(server.id, "slow", timeout=LONG))
        await soon(lambda: server._serving)
        await within(asker.request(server.id, "echo"))
        own = asyncio.ensure_future(server.request(asker.id, "nobody serves this, and so nobody answers", timeout=LONG))
        waiting = asyncio.ensure_future(server.wait_closed())
        await soon(lambda: server._told)
        await server.close()
        assert await within(waiting) is None
        await soon(lambda: ends == ["slow"])
        with pytest.raises(acurast.ClosedError):
            await within(own)
        with pytest.raises(acurast.UndeterminedError):
            await within(asked)
        with pytest.raises(acurast.ClosedError):
            await server.request(asker.id, "x")
        with pytest.raises(acurast.ClosedError):
            server.serve({"x": echo})


async def test_a_notification_reaches_its_handler(url):
    told = asyncio.get_running_loop().create_future()

    def tell(params, request):
        told.set_result((params, request.sender))
        return "nobody reads this"

    async with pair(url, {"tell": tell}) as (server, asker):
        await asker.send_json(server.id, {"jsonrpc": "2.0", "method": "tell", "params": ["x"]})
        assert await within(told) == (["x"], asker.id)
        await server.send(asker.id, b"next")
        assert (await within(asker.receive())).payload == b"next"


async def test_methods_are_served_by_a_decorator_before_connect_and_anew(url):
    server = Client(url)

    @server.method("a")
    async def first(params, request):
        return 1

    server.serve({"b": lambda params, request: 2})
    async with server, Client(url) as asker:
        async def answers():
            return [await within(asker.request(server.id, method)) for method in "ab"]

        assert await answers() == [1, 2]
        server.serve({"b": lambda params, request: 3})
        assert await answers() == [1, 3]
    assert await first(None, None) == 1


async def test_beyond_its_bounds_a_server_is_busy(url):
    async with pair(url, server={"serve_running": 1, "serve_waiting": 1}) as (server, asker):
        asked = [asyncio.ensure_future(asker.request(server.id, "never", timeout=LONG)) for _ in range(3)]
        with pytest.raises(acurast.RemoteError) as raised:
            await within(asked[2])
        assert raised.value.code == -32001
        for each in asked:
            each.cancel()


async def test_many_in_flight_from_many_each_with_its_own_answer(url, loop_kind):
    async with pair(url) as (server, asker), contextlib.AsyncExitStack() as stack:
        more = [await stack.enter_async_context(Client(url)) for _ in range(5)]
        asked = [(who, i, one.request(server.id, "echo", [who, i])) for who, one in enumerate([asker, *more]) for i in range(100)]
        answers = await within(asyncio.gather(*(each for _, _, each in asked)))
        assert answers == [[who, i] for who, i, _ in asked]


async def test_answers_and_requests_find_room_in_full_outboxes(url):
    small = {"outbox_count": 2}
    async with pair(url, server=small, asker=small) as (server, asker):
        asked = [asker.request(server.id, "steps", [i], timeout=LONG) for i in range(200)]
        sends = [server.send(asker.id, b"x", until="delivered") for _ in range(50)]
        ends = await within(asyncio.gather(*asked, *sends))
        assert ends == ["steps"] * 200 + [acurast.Outcome.DELIVERED] * 50


async def test_the_messages_that_nobody_takes_stop_no_answer(url):
    small = {"inbox_count": 8}
    async with pair(url, server=small, asker=small) as (server, asker), Client(url) as stranger:
        await within(asker.request(server.id, "nothing"))
        for one in (server, asker):
            sends = [stranger.send(one.id, b"%d" % i, until="delivered") for i in range(100)]
            await within(asyncio.gather(*sends))
        assert await within(asker.request(server.id, "nothing", timeout=LONG)) is None
        assert (await within(asker.receive())).payload == b"98"  # the oldest made room


# ---- others ----


@pytest.mark.parametrize("old", ["peers", "service"])
async def test_those_that_know_nothing_of_this_library_ask_and_are_asked(old):
    plain_one = {"extensions": False}
    with acurast.Service(extensions=old != "service") as service:
        async with pair(service.url, server=plain_one, asker=plain_one) as (server, asker), Client(service.url, **plain_one) as plain:
            assert await within(asker.request(server.id, "echo", ["x"])) == ["x"]
            assert await within(asker.request(server.id, "steps")) == "steps"
            await plain.send_text(server.id, '{"jsonrpc":"2.0","id":"a","method":"echo","params":[1]}')
            assert (await within(plain.receive())).json() == {"jsonrpc": "2.0", "id": "a", "result": [1]}
            asked = asyncio.ensure_future(asker.request(plain.id, "by hand", {"a": 1}))
            message = await within(plain.receive())
            request = message.json()
            id = request.pop("id")
            assert request == {"jsonrpc": "2.0", "method": "by hand", "params": {"a": 1}}
            await plain.send_json(message.sender, {"jsonrpc": "2.0", "id": id, "error": {"code": 7, "message": "no"}})
            with pytest.raises(acurast.RemoteError) as raised:
                await within(asked)
            assert (raised.value.code, raised.value.remote_message) == (7, "no")


async def test_a_request_goes_on_after_the_service_has_started_again():
    options = {"backoff_min": 0.01, "backoff_max": 0.05}
    service = acurast.Service()
    service.start()
    port = int(service.url.rpartition(":")[2].strip("/"))
    try:
        async with pair(service.url, server=options, asker=options) as (server, asker):
            assert await within(asker.request(server.id, "echo", [1])) == [1]
            await asyncio.get_running_loop().run_in_executor(None, service.close)
            await soon(lambda: State.CONNECTED not in (asker.state, server.state))
            service = acurast.Service(port)
            service.start()
            await soon(lambda: server.state is State.CONNECTED)
            assert await within(asker.request(server.id, "echo", [2])) == [2]
    finally:
        with contextlib.suppress(acurast.Error):
            service.close()


# ---- asking many ----


@contextlib.asynccontextmanager
async def council(url, values):
    """Who asks, and many who give these values: those with Ellipsis never, those with None have no such method."""
    def handlers(value):
        if value is None:
            return {"other": never}
        return {"price": never if value is ... else lambda params, request: value}

    async with Client(url) as asker, contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Client(url)) for _ in values]
        for one, value in zip(servers, values):
            one.serve(handlers(value))
        yield asker, [one.id for one in servers]


async def test_many_are_asked_all_of_them_or_as_many_as_are_needed(url):
    async with council(url, [1, 2, ...]) as (asker, ids):
        ended = await within(asker.request_many(ids[:2], "price"))
        assert ended.answers == {ids[0]: 1, ids[1]: 2} and ended.failures == {}
        assert ended.value == next(iter(ended.answers.values()))
        ended = await within(asker.request_many(ids, "price", need=2, timeout=LONG))
        assert ended.answers == {ids[0]: 1, ids[1]: 2}
        await soon(lambda: asker.stats().outbox_count == 0)  # the rest was cancelled


async def test_many_agree_where_so_many_give_the_same(url):
    same = {"a": 1, "b": [{"c": None, "d": "x"}]}, {"b": [{"d": "x", "c": None}], "a": 1.0}
    async with council(url, [same[0], {"a": 2}, None, same[1], {"a": True, "b": same[0]["b"]}]) as (asker, ids):
        ended = await within(asker.request_many(ids, "price", [], need=2, agree=True))
        assert ended.value == same[0]
        assert [error.code for error in ended.failures.values()] in ([], [-32601])


async def test_it_ends_as_soon_as_it_is_impossible_and_keeps_what_was_said(url):
    async with council(url, [1, 2, None, ...]) as (asker, ids):
        with pytest.raises(acurast.NotEnoughAnswersError, match="3 equal needed") as raised:
            await within(asker.request_many(ids, "price", need=3, agree=True, timeout=LONG))
        assert len(raised.value.answers) + len(raised.value.failures) in (2, 3)
        with pytest.raises(acurast.NotEnoughAnswersError, match="4 needed") as raised:
            await within(asker.request_many(ids, "price", timeout=LONG))
        assert [error.code for error in raised.value.failures.values()] == [-32601]
        with pytest.raises(acurast.NotEnoughAnswersError) as raised:
            await within(asker.request_many([ids[0], NOBODY], "price", timeout=LONG))
        assert [type(error) for error in raised.value.failures.values()] == [acurast.NotHereError]
        await soon(lambda: asker.stats().outbox_count == 0 and not asker._told)


async def test_numbers_are_compared_exactly(url):
    values = [9007199254740993, 9007199254740992, 9007199254740993.5, 9007199254740992.0]
    async with council(url, values) as (asker, ids):
        with pytest.raises(acurast.NotEnoughAnswersError) as raised:
            await within(asker.request_many(ids[:3], "price", need=2, agree=True))
        assert len(raised.value.answers) in (2, 3)
        assert (await within(asker.request_many(ids[:2] + ids[3:], "price", need=2, agree=True))).value == 9007199254740992


async def test_many_have_one_time_and_find_room_in_an_outbox(url):
    async with council(url, [1, 2, ...]) as (_, ids), Client(url, outbox_count=8) as asker:
        asked = [asker.request_many(ids, "price", need=2, timeout=LONG) for _ in range(20)]
        for ended in await within(asyncio.gather(*asked)):
            assert ended.answers == {ids[0]: 1, ids[1]: 2} and ended.failures == {}
        with pytest.raises(acurast.NotEnoughAnswersError, match="2 results, 1 failures, 3 needed") as raised:
            await within(asker.request_many(ids, "price", timeout=0.3))
        assert [type(error) for error in raised.value.failures.values()] == [acurast.TimeoutError]


async def test_a_full_outbox_is_a_failure_of_all_to_answer(url):
    async with council(url, [...]) as (_, ids), Client(url, outbox_count=4) as asker:
        silent = [asyncio.ensure_future(asker.request(ids[0], "price", timeout=LONG)) for _ in range(4)]
        await soon(lambda: asker.stats().outbox_count == 4)
        with pytest.raises(acurast.NotEnoughAnswersError, match="0 results, 1 failures, 1 needed") as raised:
            await within(asker.request_many(ids, "price", timeout=0.05))
        assert [type(error) for error in raised.value.failures.values()] == [acurast.TimeoutError]
        for each in silent:
            each.cancel()


async def test_a_large_answer_is_a_failure_of_who_gave_it(url):
    async with council(url, ["x" * 9_000_000, 1]) as (asker, ids):
        with pytest.raises(acurast.NotEnoughAnswersError) as raised:
            await within(asker.request_many(ids, "price", timeout=LONG))
        assert [type(error) for error in raised.value.failures.values()] == [acurast.TooLargeError]


async def test_cancelling_and_closing_end_all_requests_to_many(url):
    async with council(url, [1, ...]) as (asker, ids):
        for end, error in ((lambda: asked.cancel(), asyncio.CancelledError), (asker.close, acurast.ClosedError)):
            asked = asyncio.ensure_future(asker.request_many(ids, "price", timeout=LONG))
            await within(asker.request(ids[0], "price"))
            ending = end()
            if asyncio.iscoroutine(ending):
                await ending
            with pytest.raises(error):
                await within(asked)
            await soon(lambda: not asker._told)


# ---- arguments ----


async def test_arguments_are_checked(acurast_service):
    async with Client(acurast_service.url) as client, Client(acurast_service.url, outbox_count=6) as small:
        me, many = client.id, client.request_many
        client.serve({"a": echo})
        for wrong, error, words in (
            (lambda: client.request(me, ""), ValueError, "method must not be empty"),
            (lambda: client.request(me, "a\0b"), ValueError, "NUL"),
            (lambda: client.request(me, 1), TypeError, "method must be a str"),
            (lambda: client.request(me, "a" * 256), acurast.InvalidError, "."),
            (lambda: client.request(me, "a", "x"), TypeError, "params must be a list"),
            (lambda: client.request(me, "a", 1), TypeError, "params must be a list"),
            (lambda: client.request(me, "a", [{1}]), TypeError, "set"),
            (lambda: client.request(me, "a", [float("nan")]), ValueError, "."),
            (lambda: client.request(me, "a", ["\ud800"]), ValueError, "."),
            (lambda: client.request(me, "a", timeout=0), ValueError, "timeout"),
            (lambda: client.request(me, "a", timeout="1"), TypeError, "timeout"),
            (lambda: client.request(me, "a", on_progress=1), TypeError, "on_progress"),
            (lambda: client.request("12", "a"), acurast.BadRecipientError, "."),
            (lambda: many([], "a"), ValueError, "recipients must not be empty"),
            (lambda: many(me, "a"), TypeError, "recipients must be a list"),
            (lambda: many([me], "a", 1), TypeError, "params"),
            (lambda: many([me], "a", timeout=0), ValueError, "timeout"),
            (lambda: many([me, str(me), client.identity], "a", need=2), ValueError, "need must be between 1 and 1"),
            (lambda: many([me], "a", need="1"), TypeError, "need must be an int"),
            (lambda: many([b"%016d" % i for i in range(1025)], "a"), ValueError, "at most 1024"),
            (lambda: small.request_many([me, small.id, NOBODY], "a"), acurast.TooLargeError, "3 recipients are too many"),
            (lambda: many([me], "a" * 256), acurast.InvalidError, "."),
        ):
            with pytest.raises(error, match=words):
                await within(wrong())
        for methods, error in (({"b": 1}, TypeError), ({"": echo}, ValueError), ({1: echo}, TypeError), ([echo], TypeError)):
            with pytest.raises(error):
                client.serve(methods)
        with pytest.raises(acurast.InvalidError):
            client.serve({"rpc.a": echo})
        assert await within(client.request(me, "a", [1])) == [1]
        for values, error in ((("1", "x"), TypeError), ((True, "x"), TypeError), ((1, 2), TypeError), ((2**60, "x"), ValueError)):
            with pytest.raises(error):
                RpcError(*values)
    with pytest.raises(acurast.BadStateError):
        await Client(acurast_service.url).request(me, "a")
