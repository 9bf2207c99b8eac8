"""Who owns an id: the newest connection of a key, until they fight; and what waits for one who is away."""

import os
import threading

import pytest
from websockets.exceptions import ConnectionClosed

from support import rawws, v1
from support.waiting import eventually


def test_the_newest_connection_wins(service, client):
    one = service(threads=2)
    identity, other = v1.Identity(), client(one.url)
    old = client(one.url, identity)
    new = client(one.url, identity)
    assert old.gone().code == 4001
    other.send(identity.id, b"to the new one")
    new.expect(other.id, b"to the new one")
    new.barrier()


def test_a_handshake_that_is_not_finished_evicts_nobody(service, client):
    one = service()
    identity = v1.Identity()
    owner = client(one.url, identity)
    intruder = client(one.url, identity, login=False)
    intruder.init()
    challenge, _ = intruder.challenge()
    owner.barrier()
    intruder.respond(challenge, signature=v1.Identity().sign(os.urandom(32)))
    assert intruder.gone().code == 1008
    owner.barrier()


def test_what_was_not_yet_sent_to_the_old_connection_goes_to_the_new_one(service, client):
    """Nothing is lost between them, nothing comes twice, and the order holds."""
    one = service(send_buffer="32MiB", rate_messages=0, rate_bytes=0)
    sender, identity = client(one.url), v1.Identity()
    count = 400
    with rawws.RawSocket(one.url, receive_buffer=4096) as old:
        old.login(identity)
        for number in range(count):
            sender.send(identity.id, b"%06d" % number + bytes(16 * 1024))
        sender.barrier()
        new = client(one.url, identity)
        first = []
        try:
            while True:
                opcode, payload = old.frame()
                if opcode == rawws.CLOSE:
                    assert int.from_bytes(payload[:2], "big") == 4001
                    break
                first.append(int(payload[33:39]))
        except rawws.Gone:
            pass
        sender.send(identity.id, b"end   ")
        second = []
        while (body := new.receive()[1]) != b"end   ":
            second.append(int(body[:6]))
        assert second, "the kernel cannot have taken 6 MiB"
        assert first + second == list(range(count))


def test_two_that_evict_each_other_are_stopped(service, client):
    """The vendor's client reconnects 200 ms after any close: two of them would go on for ever. One that answers stays."""
    one = service(threads=2)
    identity = v1.Identity()
    incumbent = client(one.url, identity)
    for _ in range(3):
        newer = client(one.url, identity)
        assert incumbent.gone().code == 4001
        incumbent = newer
    for _ in range(3):
        newcomer = client(one.url, identity, login=False)
        newcomer.init()
        challenge, _ = newcomer.challenge()
        newcomer.respond(challenge)
        assert newcomer.gone().code == 4005
        incumbent.barrier()
    other = v1.Identity()
    evicted = client(one.url, other)
    client(one.url, other).barrier()
    assert evicted.gone().code == 4001


def test_after_the_incumbent_left_a_newcomer_is_welcome(service, client):
    one = service()
    identity = v1.Identity()
    incumbent = client(one.url, identity)
    for _ in range(3):
        incumbent = client(one.url, identity)
    incumbent.close()
    eventually(lambda: _login(one.url, identity), "the id to be free").close()


def _login(url, identity):
    try:
        return v1.Client(url, identity)
    except ConnectionClosed:
        return None


# --- mailbox


def away(service, identity):
    """`identity` was here and left, and the service knows that it did."""
    before = service.metrics().sum("acurast_ids")
    v1.Client(service.url, identity).close()
    eventually(lambda: service.metrics().sum("acurast_ids") <= before, "the departure")


def depth(service):
    return service.metrics().sum("acurast_mailbox_frames")


def test_payloads_for_one_who_just_left_wait_and_come_once_in_order(service, client):
    one = service(threads=2)
    sender, identity = client(one.url), v1.Identity()
    away(one, identity)
    for number in range(10):
        sender.send(identity.id, b"%d" % number)
    sender.barrier()
    assert depth(one) == 10
    back = client(one.url, identity)
    for number in range(10):
        back.expect(sender.id, b"%d" % number)
    back.barrier()
    assert depth(one) == 0
    back.close()
    again = client(one.url, identity)
    again.barrier()


def test_what_waited_comes_before_what_is_sent_after_the_return(service, client):
    one = service(threads=2)
    sender, identity = client(one.url), v1.Identity()
    for _ in range(5):
        away(one, identity)
        for number in range(5):
            sender.send(identity.id, b"%d" % number)
        sender.barrier()
        with v1.Client(one.url, identity) as back:
            for number in range(5, 10):
                sender.send(identity.id, b"%d" % number)
            assert [int(back.receive()[1]) for _ in range(10)] == list(range(10))


def test_a_mailbox_is_bounded_in_count(service, client):
    one = service(mailbox_count=3)
    sender, identity = client(one.url), v1.Identity()
    away(one, identity)
    for number in range(10):
        sender.send(identity.id, b"%d" % number)
    sender.barrier()
    assert one.metrics().sum("acurast_dropped_frames_total") == 7
    back = client(one.url, identity)
    assert [back.receive()[1] for _ in range(3)] == [b"0", b"1", b"2"], "the new payload is dropped, not the old"
    back.barrier()


def test_a_mailbox_is_bounded_in_bytes(service, client):
    one = service(mailbox_bytes="8KiB")
    sender, identity = client(one.url), v1.Identity()
    away(one, identity)
    for number in range(10):
        sender.send(identity.id, b"%d" % number + bytes(2000))
    sender.send(identity.id, b"too large on its own" + bytes(10000))
    sender.barrier()
    back = client(one.url, identity)
    token = os.urandom(8)
    back.send(back.id, token)
    got = []
    while (body := back.receive()[1]) != token:
        got.append(int(body[:1]))
    assert got in ([0, 1, 2], [0, 1, 2, 3])


def test_a_mailbox_is_bounded_in_time(service, client):
    one = service(mailbox_seconds=1)
    sender, identity = client(one.url), v1.Identity()
    away(one, identity)
    sender.send(identity.id, b"stale")
    sender.barrier()
    assert depth(one) == 1
    eventually(lambda: depth(one) == 0, "the mailbox to expire")
    back = client(one.url, identity)
    back.barrier()


@pytest.mark.parametrize("option", ["mailbox_count", "mailbox_bytes", "mailbox_seconds"])
def test_zero_switches_the_mailbox_off(service, client, option):
    one = service(**{option: 0})
    sender, identity = client(one.url), v1.Identity()
    away(one, identity)
    sender.send(identity.id, b"nothing waits")
    sender.barrier()
    client(one.url, identity).barrier()
    assert one.metrics().sum("acurast_dropped_frames_total") == 1


def test_one_sender_takes_an_eighth_of_all_mailboxes_at_most(service, client):
    one = service(mailbox_total="64KiB")
    greedy, modest = client(one.url), client(one.url)
    identities = [v1.Identity() for _ in range(6)]
    for identity in identities:
        away(one, identity)
        greedy.send(identity.id, b"g" + bytes(4000))
    greedy.barrier()
    modest.send(identities[0].id, b"m" + bytes(4000))
    modest.barrier()
    got = []
    for identity in identities:
        back = client(one.url, identity)
        token = os.urandom(8)
        back.send(back.id, token)
        while (body := back.receive()[1]) != token:
            got.append(body[:1])
    assert got.count(b"m") == 1
    assert 1 <= got.count(b"g") <= 2


def test_a_payload_in_flight_at_a_broken_connection_is_kept_for_the_return(service, client):
    """A reader that vanished without a goodbye: what was not yet given to its socket waits in the mailbox."""
    count = 1000  # of 16 KiB: more than any socket takes by itself
    one = service(mailbox_count=count, mailbox_bytes="64MiB", rate_messages=0)
    sender, identity = client(one.url), v1.Identity()
    with rawws.RawSocket(one.url, receive_buffer=4096) as broken:
        broken.login(identity)
        before = one.metrics().sum("acurast_ids")
        for number in range(count):
            sender.send(identity.id, b"%06d" % number + bytes(16 * 1024))
        sender.barrier()
        broken.reset()
        eventually(lambda: one.metrics().sum("acurast_ids") < before, "the end of the broken one")
    back = client(one.url, identity)
    token = b"token."
    back.send(back.id, token)
    got = []
    while (body := back.receive()[1]) != token:
        got.append(int(body[:6]))
    assert got == list(range(count - len(got), count))
    assert got, "nothing of 16 MiB was kept"


# --- lists


def test_only_allowed_ids_get_in(service, client):
    good, good_by_key, bad = v1.Identity(), v1.Identity(), v1.Identity()
    one = service(allow=[good.id.hex(), "0x" + good_by_key.uncompressed.hex()])
    client(one.url, good).barrier()
    client(one.url, good_by_key).barrier()
    assert denied(client, one.url, bad).code == 4003


def denied(client, url, identity):
    one = client(url, identity, login=False)
    one.init()
    challenge, _ = one.challenge()
    one.respond(challenge)
    return one.gone()


def test_denied_ids_do_not_and_deny_wins(service, client):
    both, free = v1.Identity(), v1.Identity()
    one = service(allow=[both.id.hex(), free.public_key.hex()], deny=both.id.hex())
    assert denied(client, one.url, both).code == 4003
    client(one.url, free).barrier()


def test_lists_are_checked_after_the_signature(service, client):
    """Who has no key learns nothing about the lists."""
    banned = v1.Identity()
    one = service(deny=banned.id.hex())
    thief = client(one.url, banned, login=False)
    thief.init()
    challenge, _ = thief.challenge()
    thief.respond(challenge, signature=bytes(63) + b"\1")
    assert thief.gone() == v1.Closed(1008, "the signature does not fit")


def test_list_files_are_read_again_on_sighup(service, client, tmp_path):
    first, second = v1.Identity(), v1.Identity()
    allow, deny = tmp_path / "allow", tmp_path / "deny"
    allow.write_text(f"# friends\n{first.id.hex()}\n\n")
    deny.write_text("")
    one = service(allow_file=allow, deny_file=deny)
    inside = client(one.url, first)
    assert denied(client, one.url, second).code == 4003

    allow.write_text(f"{first.id.hex()}  # still\n  {second.public_key.hex()}\n")
    one.reload()
    eventually(lambda: _login(one.url, second), "the second to be allowed").close()
    inside.barrier()

    deny.write_text(first.id.hex())
    one.reload()
    assert inside.gone().code == 4003, "a connection whose id is now denied ends"
    assert denied(client, one.url, first).code == 4003


def test_a_broken_list_file_at_sighup_leaves_the_old_list(service, client, tmp_path):
    good, bad = v1.Identity(), v1.Identity()
    allow = tmp_path / "allow"
    allow.write_text(good.id.hex())
    one = service(allow_file=allow)
    allow.write_text("this is no id\n")
    one.reload()
    eventually(lambda: one.err, "a message about the file")
    client(one.url, good).barrier()
    assert denied(client, one.url, bad).code == 4003


# --- under fire


def leave(raw):
    """Says goodbye and reads on until the service has said it too: every payload that came before that."""
    raw.send((1000).to_bytes(2, "big"), rawws.CLOSE)
    came = []
    try:
        while True:
            opcode, payload = raw.frame()
            if opcode == rawws.CLOSE:
                break
            came.append(payload)
    except rawws.Gone:
        pass
    raw.close()
    return came


def dropped(service):
    figures = service.metrics().samples
    return {dict(labels)["reason"]: n for (name, labels), n in figures.items() if name == "acurast_dropped_frames_total" and n}


@pytest.mark.parametrize(
    "nonsense",
    [(b"text", rawws.TEXT), (b"\0" * 70000, rawws.BINARY), (b"", 3)],
    ids=["a text", "a large frame", "an unknown kind"],
)
def test_what_comes_for_one_that_is_refused_waits_for_its_return(service, client, nonsense):
    """It is told why at once, and does not answer: until it is given up, nothing for it is lost."""
    one = service(max_frame="64KiB")
    identity, sender = v1.Identity(), client(one.url)
    with rawws.RawSocket(one.url) as raw:
        raw.login(identity)
        raw.send(*nonsense)
        assert raw.frame()[0] == rawws.CLOSE
        sender.send(identity.id, b"later")
        sender.barrier()
        client(one.url, identity).expect(sender.id, b"later")
    assert not dropped(one)


def test_one_key_may_come_and_go_quickly(service):
    """Leaving in order is no fight over an id."""
    one = service(threads=2)
    identity = v1.Identity()
    for _ in range(30):
        with rawws.RawSocket(one.url) as raw:
            raw.login(identity)
            leave(raw)
    assert one.metrics().sum("acurast_takeovers_total") == 0


@pytest.mark.parametrize("threads", [1, 4])
def test_who_leaves_and_returns_under_fire_misses_nothing(service, client, threads):
    """Senders on several threads never stop while the recipient leaves and returns: every payload comes once, each
    sender's in order, whether through the socket or the mailbox."""
    one = service(threads=threads, mailbox_count=100_000, mailbox_bytes="256MiB", mailbox_total=0, rate_messages=0)
    identity, each = v1.Identity(), 1500
    senders = [client(one.url) for _ in range(4)]
    away(one, identity)

    def fire(sender):
        for number in range(each):
            sender.send(identity.id, b"%d" % number)

    threads = [threading.Thread(target=fire, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    got = []
    visits = 0
    while len(got) < each * len(senders) and not dropped(one):
        with rawws.RawSocket(one.url) as raw:
            raw.login(identity)
            visits += 1
            patience = 20 + 37 * visits % 200
            while patience and len(got) < each * len(senders):
                got.append(raw.message())
                patience -= 1
            got += leave(raw)
    for thread in threads:
        thread.join()
    assert not dropped(one)
    for sender in senders:
        mine = [int(data[33:]) for data in got if data[1:17] == sender.id]
        assert mine == list(range(each))


def test_takeovers_under_fire_miss_nothing(service, client):
    """The old connection reads on until it is told; what it did not get, the new one gets."""
    one = service(threads=4, rate_messages=0)
    sender = client(one.url)
    for _ in range(6):
        identity = v1.Identity()
        each = 3000
        visits = [rawws.RawSocket(one.url)]
        visits[0].login(identity)
        thread = threading.Thread(target=lambda: [sender.send(identity.id, b"%d" % n) for n in range(each)])
        thread.start()
        got = []
        for _ in range(3):
            got += [visits[-1].message() for _ in range(min(100, each - len(got)))]
            visits.append(rawws.RawSocket(one.url))
            visits[-1].login(identity)
            old = visits[-2]
            try:
                while True:
                    opcode, payload = old.frame()
                    if opcode == rawws.CLOSE:
                        assert int.from_bytes(payload[:2], "big") == 4001
                        break
                    got.append(payload)
            finally:
                old.close()
        while len(got) < each:
            got.append(visits[-1].message())
        thread.join()
        visits[-1].close()
        assert [int(data[33:]) for data in got] == list(range(each))
