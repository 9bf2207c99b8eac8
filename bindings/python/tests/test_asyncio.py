"""The asyncio client: what it promises, on every loop and against both services."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import socket
import threading
import tracemalloc

import acurast
import pytest
from acurast import Client, Outcome, State, _at_once, _client
from conftest import eventually, run, soon


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def take(client, count):
    return [await client.receive() for _ in range(count)]


# ---- messages ----


async def test_a_payload_arrives_as_it_was_sent(url, loop_kind):
    async with Client(url) as dapp, Client(url) as processor:
        for payload in (b"", b"\0", bytes(range(256)), b"deadbeef", bytes(1 << 20)):
            assert await dapp.send(processor.id, payload) is Outcome.WRITTEN
            message = await processor.receive()
            assert (message.sender, message.recipient, message.payload) == (dapp.id, processor.id, payload)
            await processor.send(message.sender, message.payload)
            assert (await dapp.receive()).payload == payload


async def test_text_and_json(url):
    async with Client(url) as a, Client(url) as b:
        await a.send_text(b.id, "ünï ✓")
        assert (await b.receive()).text() == "ünï ✓"
        await a.send_json(b.id, {"id": 1, "params": ["é", None, 1.5]})
        message = await b.receive()
        assert message.json() == {"id": 1, "params": ["é", None, 1.5]}
        assert message.payload == '{"id":1,"params":["é",null,1.5]}'.encode()
        await a.send(b.id, b"\xff")
        with pytest.raises(UnicodeDecodeError):
            (await b.receive()).text()


async def test_a_recipient_in_every_form(url):
    identity = acurast.Identity.generate()
    key = identity.public_key
    async with Client(url) as a, Client(url, identity=identity) as b:
        forms = [identity.id, str(identity.id), "0x" + str(identity.id), bytes(identity.id), key, key.hex(), bytearray(key)]
        for form in [*forms, memoryview(key), identity, f" {key.hex()}\n"]:
            await a.send(form, b"x")
            assert (await b.receive()).sender == a.id


async def test_bytes_like_payloads_are_copied(url):
    async with Client(url) as a:
        payload = bytearray(b"one")
        await a.send(a.id, payload, wait=False)
        payload[:] = b"two"
        await a.send(a.id, memoryview(b"three"))
        assert [message.payload for message in await take(a, 2)] == [b"one", b"three"]


async def test_order_is_kept(url, loop_kind):
    async with Client(url) as a, Client(url) as b:
        async def send_all():
            for number in range(3000):
                await a.send(b.id, b"%d" % number, wait=number % 7 == 0)

        sending = asyncio.ensure_future(send_all())
        assert [int(message.payload) for message in await take(b, 3000)] == list(range(3000))
        await sending


async def test_each_message_goes_to_one_of_several_consumers(url, loop_kind):
    taken = []

    async def consume(client, name):
        async for message in client:
            taken.append(int(message.payload))
            await asyncio.sleep(0)

    async with Client(url) as a, Client(url) as b:
        consumers = [asyncio.ensure_future(consume(b, name)) for name in range(5)]
        for number in range(500):
            await a.send(b.id, b"%d" % number, wait=False)
        await soon(lambda: len(taken) == 500)
    await asyncio.gather(*consumers)
    assert sorted(taken) == list(range(500))


async def test_a_cancelled_receive_loses_no_message(url):
    async with Client(url) as a, Client(url) as b:
        for round in range(50):
            first, second = (asyncio.ensure_future(b.receive()) for _ in range(2))
            await asyncio.sleep(0)
            await a.send(b.id, b"%d" % round)
            if round % 2:
                await soon(lambda: b.stats().payloads_in == round + 1)
            first.cancel()
            found, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
            results = [task for task in (first, second) if task.done() and not task.cancelled()]
            if not results:
                results = [second]
            assert (await results[0]).payload == b"%d" % round
            second.cancel()


# ---- states and ends ----


async def test_states_are_told_in_order(url, loop_kind):
    client = Client(url)
    assert client.state is State.IDLE
    states = client.states()
    await client.connect()
    assert client.state is State.CONNECTED
    await client.close()
    seen = [change async for change in states]
    assert [change.state for change in seen] == [State.CONNECTING, State.AUTHENTICATING, State.CONNECTED, State.CLOSED]
    assert seen[2].text.rstrip("/") == url and seen[2].error is None and seen[2].retry_after is None
    assert client.state is State.CLOSED


async def test_a_service_that_goes_and_comes_back():
    port = free_port()
    with acurast.Service(port) as service:
        client = Client(service.url, backoff_min=0.01, backoff_max=0.05)
        await client.connect()
        states = client.states()
    gone = await states.__anext__()
    assert gone.state is State.DISCONNECTED and gone.error.retriable and gone.retry_after >= 0
    assert isinstance(gone.error, ConnectionError)
    waiting = asyncio.ensure_future(client.send(client.id, b"still here"))
    with acurast.Service(port):
        await waiting
        assert (await client.receive()).payload == b"still here"
        await client.close()
    assert [change.state async for change in states][-2:] == [State.CONNECTED, State.CLOSED]


async def test_after_close(url, loop_kind):
    async with Client(url) as client:
        await client.send(client.id, b"last")
        await soon(lambda: client.stats().payloads_in == 1)
    await client.close()
    assert [message.payload async for message in client] in ([b"last"], [])
    for call in (client.send(client.id, b""), client.receive(), client.connect()):
        with pytest.raises(acurast.ClosedError, match="make a new one"):
            await call
    with pytest.raises(acurast.ClosedError):
        client.stats()


async def test_close_wakes_whoever_waits(url, loop_kind):
    client = Client(url)
    await client.connect()
    receiving = [asyncio.ensure_future(client.receive()) for _ in range(3)]
    watching = asyncio.ensure_future(client.states().__anext__())
    await asyncio.sleep(0)
    await asyncio.gather(client.close(), client.close())
    assert (await watching).state is State.CLOSED
    for task in receiving:
        with pytest.raises(acurast.ClosedError):
            await task


async def test_a_client_that_was_never_connected_can_be_dropped_or_closed():
    Client("ws://127.0.0.1:1")
    client = Client("ws://127.0.0.1:1")
    with pytest.raises(acurast.BadStateError, match="connect"):
        await client.send(client.id, b"")
    await client.close()
    with pytest.raises(acurast.ClosedError):
        await client.connect()


async def test_denied():
    identity = acurast.Identity.generate()
    with acurast.Service(deny=[str(identity.id)]) as service:
        client = Client(service.url, identity=identity)
        for _ in range(2):
            with pytest.raises(acurast.DeniedError, match="4003"):
                await client.connect()
        with pytest.raises(acurast.DeniedError):
            await client.send(identity, b"")
        with pytest.raises(acurast.DeniedError):
            async for _ in client:
                pass


async def test_replaced(url):
    identity = acurast.Identity.generate()
    async with Client(url, identity=identity) as old:
        receiving = asyncio.ensure_future(old.receive())
        async with Client(url, identity=identity):
            with pytest.raises(acurast.ReplacedError, match="one identity in one place"):
                await receiving


async def test_no_service_in_time(loop_kind):
    with pytest.raises(acurast.TimeoutError, match="not connected within 1.5 s") as caught:
        async with Client(f"ws://127.0.0.1:{free_port()}", open_timeout=1.5):
            pass
    assert isinstance(caught.value, TimeoutError) and isinstance(caught.value.__cause__, acurast.ConnectError)


async def test_the_second_service_of_the_list(url):
    async with Client([f"ws://127.0.0.1:{free_port()}", f" {url} "]) as client:
        await client.send(client.id, b"x")


# ---- sends that fail, wait, or are cancelled ----


async def test_an_expired_send():
    client = Client(f"ws://127.0.0.1:{free_port()}", open_timeout=0.01)
    with pytest.raises(acurast.TimeoutError):
        await client.connect()
    with pytest.raises(acurast.ExpiredError) as caught:
        await client.send(client.id, b"x", timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    await client.close()


async def test_too_large(url):
    async with Client(url, max_payload=100) as client:
        with pytest.raises(acurast.TooLargeError, match="max_payload"):
            await client.send(client.id, bytes(101))
        await client.send(client.id, bytes(100))


async def started_without_service(**options):
    port = free_port()
    quick = {"open_timeout": 0.01, "backoff_min": 0.01, "backoff_max": 0.05}
    client = Client(f"ws://127.0.0.1:{port}", **{**quick, **options})
    with pytest.raises(acurast.TimeoutError):
        await client.connect()
    return client, port


async def test_cancelling_one_send_cancels_nothing_else(loop_kind):
    client, port = await started_without_service()
    tasks = [asyncio.ensure_future(client.send(client.id, b"%d" % number)) for number in range(10)]
    await asyncio.sleep(0)
    for number in (0, 4, 9):
        tasks[number].cancel()
    await soon(lambda: client.stats().outbox_count == 7)
    with acurast.Service(port):
        assert [int(message.payload) for message in await take(client, 7)] == [1, 2, 3, 5, 6, 7, 8]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result is Outcome.WRITTEN for result in results] == [number not in (0, 4, 9) for number in range(10)]
        assert all(tasks[number].cancelled() for number in (0, 4, 9))
        await client.close()


async def test_a_full_outbox_waits_and_keeps_the_order(loop_kind):
    client, port = await started_without_service(outbox_count=4)
    tasks = [asyncio.ensure_future(client.send(client.id, b"%d" % number)) for number in range(40)]
    await soon(lambda: len(client._room_waiters) == 36)
    changes = client.states()
    while (await changes.__anext__()).state is not State.DISCONNECTED:  # one more try with a full outbox
        pass
    assert not any(task.done() for task in tasks) and client.stats().outbox_count == 4
    tasks[20].cancel()
    with acurast.Service(port):
        left = [number for number in range(40) if number != 20]
        assert [int(message.payload) for message in await take(client, 39)] == left
        await asyncio.gather(*(tasks[number] for number in left))
        await client.close()
    assert not client._room_waiters and not client._outcomes


async def test_closing_ends_sends_that_wait_for_room():
    client, _ = await started_without_service(outbox_count=1, linger=0)
    tasks = [asyncio.ensure_future(client.send(client.id, b"")) for _ in range(5)]
    await asyncio.sleep(0)
    await client.close()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, acurast.ClosedError)


async def test_a_slow_consumer_pauses_reading_but_not_outcomes(url, loop_kind):
    async with Client(url) as fast, Client(url, inbox_count=20) as slow:
        total = 3000
        sending = asyncio.ensure_future(asyncio.gather(*[fast.send(slow.id, b"%d" % number) for number in range(total)]))
        await soon(lambda: len(slow._inbox) >= 20)
        for _ in range(20):
            assert await slow.send(fast.id, b"outcomes come all the same") is Outcome.WRITTEN
            assert len(slow._inbox) <= 60
        assert [int(message.payload) for message in await take(slow, total)] == list(range(total))
        await sending


async def test_an_echo_under_a_flood_stays_within_its_bounds(url):
    async with Client(url) as dapp, Client(url, inbox_count=50) as processor:
        most = 0

        async def echo():
            nonlocal most
            async for message in processor:
                most = max(most, len(processor._inbox))
                await processor.send(message.sender, message.payload)

        echoing = asyncio.ensure_future(echo())

        async def flood():
            for number in range(5000):
                await dapp.send(processor.id, b"%d" % number, wait=False)

        flooding = asyncio.ensure_future(flood())
        assert [int(message.payload) for message in await take(dapp, 5000)] == list(range(5000))
        await flooding
        echoing.cancel()
        assert most <= 150


async def test_ten_thousand_cancelled_sends_leave_nothing():
    client, _ = await started_without_service(linger=0, backoff_min=600, backoff_max=600)

    async def cancel_ten_thousand():
        tasks = [asyncio.ensure_future(client.send(client.id, b"x" * 64)) for _ in range(10_000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await soon(lambda: client.stats().outbox_count == 0 and not client._outcomes)

    tracemalloc.start()
    await cancel_ten_thousand()  # asyncio's own tables take their size
    gc.collect()
    objects = acurast.live_objects()
    before = tracemalloc.get_traced_memory()[0]
    await cancel_ten_thousand()

    def grown():
        gc.collect()  # does nothing while another thread collects: so it is asked again
        return tracemalloc.get_traced_memory()[0] - before

    await soon(lambda: grown() < 20_000)
    tracemalloc.stop()
    assert acurast.live_objects() <= objects + 3  # a change of state may wait
    assert not client._room_waiters and not client._outcomes
    await client.close()


# ---- sends that are written within the call ----


@pytest.fixture
def operations(monkeypatch):
    """What the core returned for each send: 0 where it was written within the call."""
    seen = []

    def send(*arguments):
        seen.append(acurast._core.lib.acurast_py_send(*arguments))
        return seen[-1]

    monkeypatch.setattr(_client, "_send", send)
    return seen


async def until_at_once(client, operations):
    """Until the core takes a send at once: it can do so from soon after the first was written."""
    for count in itertools.count(1):
        assert await client.send(client.id, b"") is Outcome.WRITTEN
        if operations[-1] == 0:
            await take(client, count)
            return


async def test_sends_one_after_another_are_written_at_once(url, loop_kind, operations):
    async with Client(url) as client:
        await until_at_once(client, operations)
        operations.clear()
        before = client.stats().payloads_out
        for number in range(1000):
            await client.send(client.id, b"%d" % number)
        assert operations.count(0) > 100
        assert client.stats().payloads_out == before + 1000
        assert [int(message.payload) for message in await take(client, 1000)] == list(range(1000))


async def test_the_loop_turns_while_a_task_sends(url, loop_kind, operations, monkeypatch):
    """By a clock on which each send takes 10 us."""
    clock = itertools.count()
    monkeypatch.setattr(_at_once, "_monotonic", lambda: next(clock) * 1e-5)
    runs = [0]

    async def turns():
        while True:
            runs.append(0)
            await asyncio.sleep(0)

    async with Client(url) as client:
        await until_at_once(client, operations)
        turning = asyncio.ensure_future(turns())
        for _ in range(1000):
            await client.send(client.id, b"x")
            runs[-1] += 1
        turning.cancel()
        assert 5 < max(runs) <= 12


async def test_a_task_that_sends_starves_nobody(url, loop_kind):
    got, timers = [], []

    async def receive(client):
        async for message in client:
            got.append(message)

    async with Client(url) as client:
        receiving = asyncio.ensure_future(receive(client))
        asyncio.get_running_loop().call_later(0.01, timers.append, None)
        for _ in range(100_000):
            if timers and len(got) >= 1000:
                break
            await client.send(client.id, b"x")
        else:
            pytest.fail(f"{len(got)} messages received, {len(timers)} timers")
        receiving.cancel()


async def test_many_sends_at_a_time_go_through_the_outbox(url, loop_kind, operations):
    async with Client(url) as client:
        await until_at_once(client, operations)
        operations.clear()
        assert set(await asyncio.gather(*[client.send(client.id, b"%d" % number) for number in range(500)])) == {Outcome.WRITTEN}
        assert operations.count(0) <= _at_once.FEW
        assert [int(message.payload) for message in await take(client, 500)] == list(range(500))
        await until_at_once(client, operations)


async def test_a_send_at_once_that_is_cancelled_was_written(url, loop_kind, operations, monkeypatch):
    async with Client(url) as client:
        await until_at_once(client, operations)
        monkeypatch.setattr(_at_once, "LONG", -1.0)

        async def send():
            for payload in (b"first", b"waits for a turn", b"never"):
                await client.send(client.id, payload)

        await asyncio.sleep(0)
        operations.clear()
        sending = asyncio.ensure_future(send())
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert operations == [0, 0]
        assert [message.payload for message in await take(client, 2)] == [b"first", b"waits for a turn"]


# ---- loops and threads ----


def test_asyncio_run_twice(url, loop_kind):
    async def once():
        async with Client(url) as client:
            await client.send(client.id, b"x")
            return (await client.receive()).payload

    assert [run(once(), loop_kind) for _ in range(2)] == [b"x", b"x"]


def test_several_loops_in_several_threads(url, loop_kind):
    async def talk(results):
        async with Client(url) as a, Client(url) as b:
            for number in range(100):
                await a.send(b.id, b"%d" % number)
                results.append(int((await b.receive()).payload))

    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=run, args=(talk(each), loop_kind)) for each in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [list(range(100))] * 4


async def test_a_client_belongs_to_its_loop(url):
    async with Client(url) as client:

        async def elsewhere():
            for call in (client.send(client.id, b""), client.receive(), client.close()):
                with pytest.raises(RuntimeError, match="another event loop"):
                    await call

        await asyncio.to_thread(run, elsewhere())


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_thousand_clients_in_one_loop(acurast_service, kind):
    async def ring():
        clients = [Client(acurast_service.url) for _ in range(1000)]
        for start in range(0, 1000, 100):
            await asyncio.gather(*[client.connect() for client in clients[start : start + 100]])
        for number, client in enumerate(clients):
            await client.send(clients[(number + 1) % 1000].id, b"%d" % number)
        for number, client in enumerate(clients):
            assert int((await client.receive()).payload) == (number - 1) % 1000
        await asyncio.gather(*[client.close() for client in clients])

    run(ring(), kind)


# ---- garbage ----


def collect_until(reference):
    gc.collect()
    return reference() is None


async def test_an_unclosed_client_warns_and_is_collected(url, loop_kind):
    client = Client(url)
    await client.connect()
    await client.send(client.id, b"x")
    words = repr(client).split()[1]
    with pytest.warns(ResourceWarning, match=f"unclosed <acurast.Client {words}"):
        del client
        gc.collect()
    await asyncio.sleep(0.01)


def test_an_unclosed_client_of_a_closed_loop(url, loop_kind):
    kept = []

    async def forget():
        kept.append(Client(url))
        await kept[0].connect()

    run(forget(), loop_kind)
    with pytest.warns(ResourceWarning, match="unclosed"):
        kept.clear()
        gc.collect()
    eventually(lambda: "acurast-poller" not in [thread.name for thread in threading.enumerate()])


def test_a_client_collected_in_another_thread(url, loop_kind):
    async def forget():
        box = [Client(url)]
        await box[0].connect()

        def drop():
            box.clear()
            gc.collect()

        await asyncio.to_thread(drop)
        await asyncio.sleep(0.01)

    with pytest.warns(ResourceWarning, match="unclosed"):
        run(forget(), loop_kind)


# ---- logging ----


async def test_log_lines_go_to_the_logger(caplog):
    with caplog.at_level(logging.DEBUG, logger="acurast"):
        client, _ = await started_without_service()
        await soon(lambda: "could not connect" in caplog.text)
        await client.close()
    assert {record.name for record in caplog.records if "connect" in record.message} == {"acurast"}
