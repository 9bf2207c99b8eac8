"""Sends that tell what became of them, who is here, and who has left: on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import acurast
import pytest
from acurast import Client, Gone, Outcome, Presence, Seen
from acurast._core import ffi, lib
from conftest import DEADLINE, soon

NOBODY = acurast.id_of("00" * 16)
SOON = 20.0
AT_ONCE = 5.0


def number_id(number):
    return acurast.Id(number.to_bytes(16, "big"))


async def seen_as(client, id, presence):
    """Asks until the service sees it so."""
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while asyncio.get_running_loop().time() < deadline:
        [found] = await client.look([id], timeout=SOON)
        if found.presence is presence:
            return
    raise AssertionError(f"{id} was never {presence}")


async def absent(url, watcher):
    """One who was here and left, and has a mailbox."""
    async with Client(url) as gone:
        identity = gone.identity
    await seen_as(watcher, identity.id, Presence.AWAY)
    return identity


# ---- how far it got ----


async def test_the_outcome_is_the_level_that_was_reached(url, loop_kind):
    async with Client(url) as a, Client(url) as b:
        assert await a.send(b.id, b"1") is Outcome.WRITTEN
        assert await a.send(b.id, b"2", until="written") is Outcome.WRITTEN
        assert await a.send(b.id, b"3", until="relayed", timeout=SOON) is Outcome.RELAYED
        assert await a.send_text(b.id, "4", until="delivered", timeout=SOON) is Outcome.DELIVERED
        assert await a.send_json(b.id, 5, until="delivered") is Outcome.DELIVERED
        assert [(await b.receive()).text() for _ in range(5)] == ["1", "2", "3", "4", "5"]
        assert (a.stats().foreign_receipts, b.stats().repeats) == (0, 0)


async def test_many_arrive_once_and_in_order(url, loop_kind):
    async with Client(url, outbox_count=64) as a, Client(url) as b:
        sends = [asyncio.ensure_future(a.send(b.id, b"%d" % i, until="delivered", timeout=SOON)) for i in range(1000)]
        assert [int((await b.receive()).payload) for _ in range(1000)] == list(range(1000))
        assert set(await asyncio.gather(*sends)) == {Outcome.DELIVERED}
        assert not a._told and not a._kept_callbacks


async def test_to_one_that_cannot_tell_relayed_is_the_most_there_is(url):
    async with Client(url) as a, Client(url, extensions=False) as old:
        assert await a.send(old.id, b"x", until="delivered", timeout=SOON) is Outcome.RELAYED
        assert (await old.receive()).payload == b"x"


async def test_what_was_not_delivered_says_why():
    with acurast.Service(mailbox_count=1, mailbox_seconds=1) as service:
        async with Client(service.url) as client:
            for level in ("relayed", "delivered"):
                with pytest.raises(acurast.NotHereError) as raised:
                    await client.send(NOBODY, b"x", until=level, timeout=SOON)
                assert raised.value.retriable
            away = await absent(service.url, client)
            first, second = (asyncio.ensure_future(client.send(away, b"x", until="delivered", timeout=SOON)) for _ in range(2))
            with pytest.raises(acurast.MailboxFullError):
                await second
            with pytest.raises(acurast.MailboxExpiredError):
                await first


async def test_a_service_that_hides_who_is_here_gives_no_reason():
    with acurast.Service(presence=False) as service:
        async with Client(service.url) as a, Client(service.url) as b:
            with pytest.raises(acurast.NotDeliveredError):
                await a.send(NOBODY, b"x", until="delivered", timeout=SOON)
            with pytest.raises(acurast.UnsupportedError):
                await a.look([b.id])
            assert await a.send(b.id, b"x", until="delivered", timeout=SOON) is Outcome.DELIVERED


@pytest.mark.parametrize("old", ["service", "client"])
async def test_without_the_extension_that_is_told_at_once(old):
    with acurast.Service(extensions=old != "service") as service:
        async with Client(service.url, extensions=old != "client") as client:
            for call in (
                lambda: client.send(client.id, b"x", until="relayed"),
                lambda: client.send(client.id, b"x", until="delivered"),
                lambda: client.look([client.id]),
                lambda: client.key_of(client.id),
            ):
                with pytest.raises(acurast.UnsupportedError):
                    await asyncio.wait_for(call(), AT_ONCE)
            assert await client.send(client.id, b"plain") is Outcome.WRITTEN
            assert (await client.receive()).payload == b"plain"


# ---- mailboxes ----


async def test_whoever_asks_is_told_that_it_waits_in_a_mailbox(url, loop_kind):
    told = []
    async with Client(url) as client:
        away = await absent(url, client)
        sending = asyncio.ensure_future(
            client.send(away, b"x", until="delivered", timeout=SOON, on_kept=lambda: told.append(sending.done()))
        )
        await soon(lambda: told)
        async with Client(url, identity=away) as back:
            assert await sending is Outcome.DELIVERED
            assert (await back.receive()).payload == b"x"
            assert await client.send(away, b"y", until="delivered", on_kept=lambda: told.append("again")) is Outcome.DELIVERED
        assert told == [False]
        assert not client._kept_callbacks


async def test_what_on_kept_raises_is_the_loops_and_the_send_goes_on(acurast_service):
    raised = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context["exception"]))
    url = acurast_service.url
    async with Client(url) as client:
        away = await absent(url, client)
        sending = asyncio.ensure_future(client.send(away, b"x", until="delivered", timeout=SOON, on_kept=lambda: 1 / 0))
        await soon(lambda: raised)
        async with Client(url, identity=away):
            assert await sending is Outcome.DELIVERED
    assert [type(each) for each in raised] == [ZeroDivisionError]


async def test_on_kept_is_not_called_amidst_other_events(acurast_service):
    called = []
    async with Client(acurast_service.url) as client:
        client._kept_callbacks[7] = lambda: called.append(7)
        client._on_kept(7)
        client._on_kept(7)
        assert not called
        await soon(lambda: called)
    assert called == [7]


async def test_what_nobody_answered_in_time_is_undetermined(url):
    async with Client(url) as client:
        away = await absent(url, client)
        with pytest.raises(acurast.UndeterminedError):
            await client.send(away, b"x", until="delivered", timeout=0.05)


# ---- cancelling ----


async def test_cancelling_a_task_cancels_its_send_and_no_other(url, loop_kind):
    async with Client(url) as client:
        away = await absent(url, client)
        kept = []
        sends = [
            asyncio.ensure_future(
                client.send(away, b"%d" % i, until="delivered", timeout=SOON, on_kept=lambda i=i: kept.append(i))
            )
            for i in range(2)
        ]
        await soon(lambda: len(kept) == 2)
        sends[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await sends[0]
        await soon(lambda: len(client._told) == 1)  # the core has ended it, and told so
        async with Client(url, identity=away):
            assert await sends[1] is Outcome.DELIVERED


async def test_a_look_without_a_connection_can_be_cancelled_and_expires():
    service = acurast.Service()
    service.start()
    try:
        async with Client(service.url) as client:
            service.close()
            await soon(lambda: client.state is not acurast.State.CONNECTED)
            look = asyncio.ensure_future(client.look([NOBODY]))
            await soon(lambda: client._told)
            look.cancel()
            with pytest.raises(asyncio.CancelledError):
                await look
            await soon(lambda: not client._told)
            with pytest.raises(acurast.ExpiredError):
                await client.look([NOBODY], timeout=0.02)
            last = asyncio.ensure_future(client.look([NOBODY]))
            await soon(lambda: client._told)
        with pytest.raises(acurast.ClosedError):
            await last
        with pytest.raises(acurast.ClosedError):
            await client.look([NOBODY])
        with pytest.raises(acurast.ClosedError):
            await client.send(NOBODY, b"x", until="relayed")
    finally:
        service.close()


async def test_a_full_outbox_counts_against_the_time():
    service = acurast.Service()
    service.start()
    async with Client(service.url, outbox_count=1, linger=0) as client:
        service.close()
        await soon(lambda: client.state is not acurast.State.CONNECTED)
        await client.send(NOBODY, b"x", wait=False)
        with pytest.raises(acurast.ExpiredError, match="outbox was full"):
            await client.send(NOBODY, b"x", until="delivered", timeout=0.05)
        waiting = asyncio.ensure_future(client.look([NOBODY]))
        await soon(lambda: client._room_waiters)
    with pytest.raises(acurast.ClosedError):
        await waiting


async def test_looks_and_sends_take_turns_in_a_small_outbox(url):
    async with Client(url, outbox_count=2) as a, Client(url) as b:
        sends = [a.send(b.id, b"x", until="delivered", timeout=SOON) for _ in range(50)]
        looks = [a.look([b.id], timeout=SOON) for _ in range(50)]
        ends = await asyncio.gather(*sends, *looks)
        assert ends[:50] == [Outcome.DELIVERED] * 50
        assert [found.presence for [found] in ends[50:]] == [Presence.HERE] * 50


# ---- who is here, and who has left ----


async def test_a_look_tells_one_value_for_each_in_order(url, loop_kind):
    async with Client(url) as a, Client(url) as b:
        away = (await absent(url, a)).id
        key_of_a, key_of_b = a.identity.public_key, b.identity.public_key
        found = await a.look([NOBODY, key_of_b, away, a.identity, "0x" + str(b.id)])
        here = Seen(b.id, Presence.HERE, key_of_b)
        mine = Seen(a.id, Presence.HERE, key_of_a)
        assert found == [Seen(NOBODY, Presence.NOT_HERE, None), here, Seen(away, Presence.AWAY, None), mine, here]
        assert type(found[1].id) is acurast.Id
        assert await a.look([]) == []
        assert await a.look(iter([b.id])) == [here]
        many = await a.look([b.id if i % 100 == 99 else number_id(i) for i in range(200)])
        assert [i for i, each in enumerate(many) if each.presence is Presence.HERE] == [99, 199]
        assert many[150].id == number_id(150)


async def test_the_key_of_who_is_here(url):
    async with Client(url) as a, Client(url) as b:
        assert await a.key_of(b.id) == b.identity.public_key
        away = (await absent(url, a)).id
        for id, words in ((NOBODY, "not here"), (away, "away")):
            with pytest.raises(acurast.NotHereError, match=f"{id}: {words}"):
                await a.key_of(id)


async def test_whoever_was_asked_for_is_told_once_when_it_leaves(url, loop_kind):
    async with Client(url) as a:
        gone = a.gone()
        async with Client(url) as b:
            await a.look([b.id])
        assert await gone.__anext__() == Gone(b.id, Presence.AWAY)
        async with Client(url) as c:
            await a.send(c.id, b"x", until="delivered", timeout=SOON)
        assert await gone.__anext__() == Gone(c.id, Presence.AWAY)
        async with Client(url, identity=b.identity):
            pass  # nobody has asked
        async with Client(url, identity=b.identity):
            await seen_as(a, b.id, Presence.HERE)
            assert not gone._changes
        assert (await gone.__anext__()).id == b.id
        rest = asyncio.ensure_future(gone.__anext__())
    with pytest.raises(StopAsyncIteration):
        await rest
    assert [each async for each in a.gone()] == []


async def test_one_whose_key_has_connected_anew_has_left_and_is_here(url):
    async with Client(url) as a, Client(url) as b:
        gone = a.gone()
        await a.look([b.id])
        async with Client(url, identity=b.identity):
            assert await gone.__anext__() == Gone(b.id, Presence.HERE)


async def test_a_slow_consumer_has_the_last_departures(url):
    async with Client(url) as client:
        gone = client.gone()
        for number in range(300):
            client._on_gone(Gone(number_id(number), Presence.NOT_HERE))
        assert len(gone._changes) == 256
        assert (await gone.__anext__()).id == number_id(44)


# ---- robustness ----


async def test_events_of_a_type_that_is_not_known_are_ignored(acurast_service, monkeypatch, caplog):
    """Each event is preceded by one of the future."""
    taken = acurast._engine._take
    met = []

    def take(queue, views, batch, timeout):
        count = taken(queue, views, batch - 1, timeout)
        if count > 0:
            ffi.memmove(views + 1, views, count * ffi.sizeof("acurast_event_view"))
            views[0].type = 99
            met.append(count)
            count += 1
        return count

    monkeypatch.setattr(acurast._engine, "_take", take)
    caplog.set_level(logging.DEBUG, "acurast")
    async with Client(acurast_service.url) as client:
        assert await client.send(client.id, b"x", until="delivered", timeout=SOON) is Outcome.DELIVERED
        assert (await client.receive()).payload == b"x"
    assert met and not [each for each in caplog.records if each.name == "acurast"]


async def test_arguments_are_checked(acurast_service):
    async with Client(acurast_service.url) as client:
        me = client.id
        for wrong, error, words in (
            (lambda: client.send(me, b"x", until="read"), ValueError, "written, relayed, delivered"),
            (lambda: client.send(me, b"x", until=2), TypeError, "until must be a str"),
            (lambda: client.send(me, b"x", until="relayed", wait=False), ValueError, "wait=False"),
            (lambda: client.send(me, b"x", until="relayed", on_kept=1), TypeError, "on_kept must be"),
            (lambda: client.send(me, b"x", on_kept=print), ValueError, "on_kept needs until"),
            (lambda: client.send(me, b"x", until="relayed", timeout=0), ValueError, "timeout"),
            (lambda: client.look(str(me)), TypeError, "ids must be a list"),
            (lambda: client.look(me), TypeError, "ids must be a list"),
            (lambda: client.look(client.identity), TypeError, "ids must be a list"),
            (lambda: client.look(7), TypeError, "ids must be a list"),
            (lambda: client.look([1]), TypeError, "ids must be an id"),
            (lambda: client.look([me, "12"]), acurast.BadRecipientError, "ids"),
            (lambda: client.look([me], timeout=0), ValueError, "timeout"),
            (lambda: client.look([], timeout="1"), TypeError, "timeout"),
            (lambda: client.key_of("zz" * 16), acurast.BadHexError, "ids"),
        ):
            with pytest.raises(error, match=words):
                await wrong()
    with pytest.raises(acurast.BadStateError):
        await Client(acurast_service.url).look([me])


async def test_what_is_under_way_when_the_service_starts_again_arrives_once():
    """And nobody is told a lie."""
    options = {"backoff_min": 0.01, "backoff_max": 0.05}
    service = acurast.Service()
    service.start()
    port, url = int(service.url.rpartition(":")[2].strip("/")), service.url
    try:
        async with Client(url, **options) as a, Client(url, **options) as b:
            def sends(numbers):
                return [asyncio.ensure_future(a.send(b.id, b"%d" % i, until="delivered", timeout=SOON)) for i in numbers]

            started = sends(range(200))
            await asyncio.get_running_loop().run_in_executor(None, service.close)
            started += sends(range(200, 400))
            service = acurast.Service(port)
            service.start()
            ends = await asyncio.gather(*started, return_exceptions=True)
            await seen_as(a, b.id, Presence.HERE)
            assert await a.send(b.id, b"last", until="delivered", timeout=SOON) is Outcome.DELIVERED
            texts = []
            while not texts or texts[-1] != "last":
                texts.append((await asyncio.wait_for(b.receive(), DEADLINE)).text())
            got = [int(text) for text in texts[:-1]]
            assert got == sorted(set(got))
            for number, end in enumerate(ends):
                # The sender may be there before the recipient: then it was told so, truly.
                assert end is Outcome.DELIVERED or isinstance(end, (acurast.NotHereError, acurast.UndeterminedError)), end
                if end is Outcome.DELIVERED:
                    assert number in got
                if isinstance(end, acurast.NotHereError):
                    assert number not in got
    finally:
        with contextlib.suppress(acurast.Error):
            service.close()


def test_the_limits_are_the_cores():
    assert acurast._presence.parts(bytes(16 * 65)) == [bytes(16 * lib.ACURAST_LOOK_MAX), bytes(16)]
    assert ffi.sizeof("acurast_seen") == 50
