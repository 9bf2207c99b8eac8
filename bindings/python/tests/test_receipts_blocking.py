"""The same on the blocking face."""

from __future__ import annotations

import threading
import time

import acurast
import pytest
from acurast import Gone, Outcome, Presence, Seen
from conftest import DEADLINE, eventually

NOBODY = acurast.id_of("00" * 16)
SOON = 20.0


def absent(url, watcher):
    """One who was here and left, and has a mailbox."""
    with acurast.connect(url) as gone:
        identity = gone.identity
    eventually(lambda: watcher.look([identity])[0].presence is Presence.AWAY)
    return identity


def test_the_outcome_is_the_level_that_was_reached(url):
    with acurast.connect(url) as a, acurast.connect(url, extensions=False) as old:
        assert a.send(a.id, b"1", until="written") is Outcome.WRITTEN
        assert a.send(a.id, b"2", until="relayed", timeout=SOON) is Outcome.RELAYED
        assert a.send(old.id, b"3", until="delivered", timeout=SOON) is Outcome.RELAYED
        assert old.receive(SOON).payload == b"3"
        with pytest.raises(acurast.NotHereError):
            a.send(NOBODY, b"x", until="delivered", timeout=SOON)


def test_delivered_needs_a_recipient_that_takes(url):
    with acurast.connect(url) as a, acurast.connect(url) as b:
        taken = []
        taker = threading.Thread(target=lambda: taken.append(b.receive(DEADLINE)))
        taker.start()
        assert a.send_text(b.id, "ä", until="delivered", timeout=SOON) is Outcome.DELIVERED
        taker.join(DEADLINE)
        assert taken[0].text() == "ä"
        with pytest.raises(acurast.UndeterminedError):
            a.send_json(b.id, 1, until="delivered", timeout=0.2)  # nobody calls b


def test_whoever_asks_is_told_in_its_thread_that_it_waits_in_a_mailbox(url):
    with acurast.connect(url) as client:
        away = absent(url, client)
        backs, told = [], []

        def on_kept():
            told.append(threading.current_thread())
            assert client.look([away])[0].presence is Presence.AWAY  # the client is of use meanwhile
            backs.append(acurast.connect(url, identity=away))
            threading.Thread(target=backs[0].receive).start()

        assert client.send(away, b"x", until="delivered", timeout=SOON, on_kept=on_kept) is Outcome.DELIVERED
        assert told == [threading.current_thread()]
        backs[0].close()
        assert not client._results and not client._interim


def test_what_on_kept_raises_ends_the_send(url):
    with acurast.connect(url) as client:
        away = absent(url, client)
        waiting = []

        def on_kept():
            waiting.append(client.stats().outbox_count)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            client.send(away, b"x", until="delivered", timeout=60, on_kept=on_kept)
        assert waiting == [1]
        eventually(lambda: client.stats().outbox_count == 0, SOON)
        assert not client._results and not client._interim
        assert client.send(client.id, b"y", until="relayed", timeout=SOON) is Outcome.RELAYED


def test_look_key_and_gone(url):
    with acurast.connect(url) as a:
        with acurast.connect(url) as b:
            key = b.identity.public_key
            assert a.look([NOBODY, key]) == [Seen(NOBODY, Presence.NOT_HERE, None), Seen(b.id, Presence.HERE, key)]
            assert a.look([]) == []
            assert len(a.look([NOBODY] * 130)) == 130
            assert a.key_of(b.id) == key
            with pytest.raises(acurast.TimeoutError, match="nobody has left"):
                a.gone(0)
        assert a.gone(SOON) == Gone(b.id, Presence.AWAY)
        with pytest.raises(acurast.NotHereError, match="away"):
            a.key_of(b.id)
    with pytest.raises(acurast.ClosedError):
        a.gone(0)
    with pytest.raises(acurast.ClosedError):
        a.look([b.id])


@pytest.mark.parametrize("old", ["service", "client"])
def test_without_the_extension_that_is_told_at_once(old):
    with acurast.Service(extensions=old != "service") as service:
        with acurast.connect(service.url, extensions=old != "client") as client:
            began = time.monotonic()
            for call in (lambda: client.send(client.id, b"x", until="relayed"), lambda: client.look([client.id])):
                with pytest.raises(acurast.UnsupportedError):
                    call()
            assert time.monotonic() - began < 10  # the send's own time is 60 s


def test_a_look_expires_without_a_connection():
    service = acurast.Service()
    service.start()
    with acurast.connect(service.url) as client:
        service.close()
        eventually(lambda: client.state is not acurast.State.CONNECTED)
        with pytest.raises(acurast.ExpiredError):
            client.look([NOBODY] * 65, timeout=0.05)
        assert not client._results


def test_many_threads(url):
    with acurast.connect(url, outbox_count=4) as a, acurast.connect(url) as b:
        ends = []

        def work(number):
            ends.append(a.send(b.id, b"%d" % number, until="delivered", timeout=SOON))
            ends.append(a.look([b.id], timeout=SOON)[0].presence)

        threads = [threading.Thread(target=work, args=[number]) for number in range(20)]
        for each in threads:
            each.start()
        got = sorted(int(b.receive(DEADLINE).payload) for _ in range(20))
        for each in threads:
            each.join(DEADLINE)
        assert got == list(range(20))
        assert sorted(map(str, ends)) == sorted(map(str, [Outcome.DELIVERED, Presence.HERE] * 20))
