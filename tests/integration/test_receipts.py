"""What a sender is told of its tracked payloads, who is here, and who has left; and that nobody else hears of it."""

import hashlib
import os
import time

import pytest
from websockets.exceptions import ConnectionClosed

from support import certs, rawws, track, v1
from support.track import (
    ABSENT, AWAY, DELIVERED, DRAINING, EXPIRED, HERE, KEPT, LEFT, MAILBOX, MAILBOX_FULL, NOT_DELIVERED, NOT_HERE, QUEUE_FULL,
    RELAYED, REPLACED, TOO_LARGE, UNKNOWN,
)
from support.waiting import eventually

SENT_AT_ONCE = 3000
PAUSE = 5  # seconds that a sender is held up at most by the queue of one recipient
QUEUE = 64 * 1024  # where a test wants a small one


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request):
    return request.param


@pytest.fixture
def tracker():
    """Makes clients that track, closed at the end."""
    made = []

    def make(url, *arguments, **options):
        one = track.Client(url, *arguments, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def leave(client):
    """Goes, and waits until the service has let go of it as well."""
    client.ws.close()
    client.close()


def dropped(service, reason):
    return service.metrics().value("acurast_dropped_frames_total", reason=reason)


def pairs(service, make, other, count=6):
    """Pairs of connections; on two threads some cross and some do not."""
    return [(make(service.url), other(service.url)) for _ in range(count)]


# ---- what is in force


def test_the_block_says_what_is_in_force(service, tracker, client):
    one = service()
    assert tracker(one.url).terms["track"] == 1
    assert tracker(one.url).terms["presence"] is True
    plain = client(one.url, extension=b"ACX1" + b"\x80")
    assert b"track" not in plain.service_block and b"presence" not in plain.service_block
    hidden = service(presence="off")
    assert "presence" not in tracker(hidden.url).terms
    off = service(extensions="off")
    assert tracker(off.url).service_block == b""


def test_without_the_extension_its_frames_are_ignored_and_counted(service, client):
    one = service()
    sender, recipient = client(one.url), client(one.url)
    body = track.head(os.urandom(8), 1) + b"x"
    for kind in (track.TRACKED, track.RECEIPT, track.LOOK):
        sender.raw(v1.frame(kind, sender.id, recipient.id, body))
    sender.barrier()
    recipient.barrier()
    assert dropped(one, "unknown_frame") == 3


# ---- outcomes


def test_a_tracked_payload_reaches_one_that_tracks_as_it_is(service, tracker, threads):
    one = service(threads=threads)
    for sender, recipient in pairs(one, tracker, tracker):
        number = sender.track(recipient.id, b"body", level=2, again=True, behind=0)
        assert recipient.expect_tracked(sender.id, b"body") == track.head(sender.run, number, 2, True, 0)
        recipient.say(sender.id, sender.run, (number, DELIVERED))
        (told,) = track.items_of(sender.next(track.RECEIPT))
        assert told == track.Told(recipient.id, sender.run, number, DELIVERED)
        sender.quiet()
        recipient.quiet()


def test_relayed_is_told_to_who_asks_for_no_more(service, tracker, threads):
    one = service(threads=threads)
    for sender, recipient in pairs(one, tracker, tracker):
        number = sender.track(recipient.id, b"body", level=1)
        assert sender.told() == [(number, RELAYED)]
        recipient.expect_tracked(sender.id, b"body")
        sender.quiet()
        recipient.quiet()


def test_what_is_noted_at_the_end_of_a_turn_is_told_at_once(service, tracker, client):
    """Not when the thread is woken for something else."""
    one = service()
    sender, recipient = tracker(one.url), client(one.url)
    begin = time.monotonic()
    for _ in range(40):
        number = sender.track(recipient.id, b"x")
        assert sender.told() == [(number, RELAYED)]
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("size", [0, 1, 70, 92, 93, 200, 65502, 65503, 100000])
def test_one_that_does_not_track_gets_the_bytes_of_a_payload(service, tracker, client, threads, level, size):
    one = service(threads=threads)
    for sender, recipient in pairs(one, tracker, client, 3):
        body = os.urandom(size)
        number = sender.track(recipient.id, body, level=level)
        assert recipient.message() == v1.frame(v1.PAYLOAD, sender.id, recipient.id, body)
        assert sender.told() == [(number, RELAYED)]
        recipient.barrier()
        sender.quiet()


def test_one_sent_again_is_not_given_to_one_that_does_not_track(service, tracker, client, threads):
    one = service(threads=threads)
    for sender, recipient in pairs(one, tracker, client):
        number = sender.track(recipient.id, b"twice", again=True)
        assert sender.told() == [(number, UNKNOWN)]
        recipient.barrier()
    assert dropped(one, "repeated") == 6


def test_nobody_there(service, tracker, threads):
    one = service(threads=threads)
    sender = tracker(one.url)
    numbers = [sender.track(os.urandom(16), b"?") for _ in range(3)]
    assert sorted(sender.told(3)) == [(number, NOT_HERE) for number in numbers]
    assert dropped(one, "unknown_recipient") == 3
    sender.quiet()


@pytest.mark.parametrize("make", ["tracker", "client"])
def test_the_largest_frame_is_exact(service, tracker, client, threads, make):
    """A tracked frame is measured without its head, whether its recipient gets that or not."""
    one = service(threads=threads)
    most = 1000
    for _ in range(4):
        sender = tracker(one.url)
        if make == "tracker":
            recipient, head = tracker(one.url, keys={"max_frame": most}), track.HEAD
        else:
            recipient, head = client(one.url, extension=b"ACX1" + track.msgpack.pack({"max_frame": most})), 0
        room = most - v1.HEADER
        large = sender.track(recipient.id, bytes(room + 1), level=1)
        assert sender.told() == [(large, TOO_LARGE)]
        fits = sender.track(recipient.id, bytes(room), level=1)
        assert sender.told() == [(fits, RELAYED)]
        assert len(recipient.message()) == most + head
    assert dropped(one, "too_large") == 4


# ---- mailboxes


@pytest.mark.parametrize("back", ["tracker", "client"])
def test_a_mailbox_keeps_it_as_it_came(service, tracker, client, threads, back):
    one = service(threads=threads, mailbox_count=3)
    sender, away = tracker(one.url), client(one.url)
    leave(away)
    numbers = [sender.track(away.id, b"%d" % i, level=2 - i % 2) for i in range(4)]
    assert sender.told(4) == [(number, KEPT) for number in numbers[:3]] + [(numbers[3], MAILBOX_FULL)]
    if back == "tracker":
        returned = tracker(one.url, away.identity)
        for i in range(3):
            assert returned.expect_tracked(sender.id, b"%d" % i) == track.head(sender.run, numbers[i], 2 - i % 2)
        assert sender.told() == [(numbers[1], RELAYED)]
        returned.quiet()
    else:
        returned = client(one.url, away.identity)
        for i in range(3):
            assert returned.message() == v1.frame(v1.PAYLOAD, sender.id, returned.id, b"%d" % i)
        assert sender.told(3) == [(number, RELAYED) for number in numbers[:3]]
        returned.barrier()
    sender.quiet()


def test_one_sent_again_out_of_a_mailbox_is_not_given_to_one_that_does_not_track(service, tracker, client, threads):
    one = service(threads=threads)
    sender, away = tracker(one.url), client(one.url)
    leave(away)
    number = sender.track(away.id, b"twice", again=True)
    assert sender.told() == [(number, KEPT)]
    client(one.url, away.identity).barrier()
    assert sender.told() == [(number, UNKNOWN)]


def test_what_expires_in_a_mailbox_is_told(service, tracker, client, threads):
    one = service(threads=threads, mailbox_seconds=1)
    sender, away = tracker(one.url), client(one.url)
    leave(away)
    numbers = [sender.track(away.id, b"late"), sender.track(away.id, b"later")]
    assert sender.told(2) == [(number, KEPT) for number in numbers]
    assert sender.told(2) == [(number, EXPIRED) for number in numbers]
    sender.quiet()


def test_without_mailboxes_who_was_here_is_not_here(service, tracker, client, threads):
    one = service(threads=threads, mailbox_count=0)
    sender, away = tracker(one.url), client(one.url)
    leave(away)
    number = sender.track(away.id, b"too late")
    assert sender.told() == [(number, NOT_HERE)]


def test_the_shares_of_mailboxes_are_told(service, tracker, client):
    one = service(mailbox_total="256KiB", mailbox_count=200)
    sender, away = tracker(one.url), client(one.url)
    leave(away)
    numbers = [sender.track(away.id, bytes(500)) for _ in range(100)]
    told = sender.told(100)
    assert {status for _, status in told} == {KEPT, MAILBOX_FULL} and [number for number, _ in told] == numbers
    assert dropped(one, "mailbox_sender") == sum(status == MAILBOX_FULL for _, status in told)


# ---- a recipient that does not read


def stalled(service, identity, extension=b""):
    """A connection that does not read, with its socket as small as it gets."""
    one = rawws.RawSocket(service.url, receive_buffer=4096)
    one.extension = extension
    one.login(identity)
    return one


def fill(sender, identity, count, size):
    return [sender.track(identity.id, b"%06d" % number + bytes(size - 6), level=1) for number in range(count)]


def test_a_full_queue_is_told(service, tracker, threads):
    one = service(threads=threads, send_buffer="64KiB", rate_messages=0, rate_bytes=0)
    sender, identity = tracker(one.url), v1.Identity()
    with stalled(one, identity):
        numbers = fill(sender, identity, 60, 16 * 1024)
        found = []
        while QUEUE_FULL not in {status for _, status in found}:
            found += sender.told()
        assert {status for _, status in found} <= {RELAYED, QUEUE_FULL}
        assert set(number for number, _ in found) <= set(numbers)
    reasons = one.metrics()
    assert reasons.value("acurast_dropped_frames_total", reason="sender_share") + reasons.value(
        "acurast_dropped_frames_total", reason="slow_reader"
    ) > 0


def test_who_meets_a_full_queue_is_told_at_once(service, tracker, threads):
    """It has nothing waiting there itself, so it is not held up first, as who has filled the queue is."""
    one = service(threads=threads, send_buffer=QUEUE, socket_send_buffer="4KiB", rate_messages=0, rate_bytes=0)
    filler, identity = tracker(one.url), v1.Identity()
    with stalled(one, identity):
        fill(filler, identity, 6, 12 * 1024)
        eventually(lambda: one.metrics().value("acurast_frames_in_total") >= 4, "a queue that is half full")
        for other in [tracker(one.url) for _ in range(4)]:
            begin = time.monotonic()
            number = other.track(identity.id, bytes(QUEUE - 4096))
            assert other.told() == [(number, QUEUE_FULL)]
            assert time.monotonic() - begin < PAUSE / 2
            other.quiet()


# ---- an asker that does not read


def lost(service):
    return service.metrics().value("acurast_tidings_lost_total")


def small(service, threads):
    """Little room for what is to be told to one, wherever it waits."""
    return service(threads=threads, send_buffer=QUEUE, socket_send_buffer="4KiB", mailbox_seconds=0, rate_messages=0, rate_bytes=0)


def read_receipts(asker, count):
    """The next frames of receipts, with so many items at least: the items of each."""
    frames = []
    while sum(map(len, frames)) < count:
        got = v1.Frame.parse(asker.message())
        assert got.kind == track.RECEIPT, got
        frames.append(track.items_of(got))
    return frames


def test_what_a_service_tells_to_one_that_does_not_read_is_bounded_and_each_word_told_or_counted(service, threads):
    """It sends on while nothing of that is read. Then it reads, and is told again."""
    one, identity, run, count = small(service, threads), v1.Identity(), os.urandom(8), 30000
    before = one.metrics().value("acurast_buffer_bytes")
    with stalled(one, identity, track.block()) as asker:
        absent = os.urandom(16)
        frames = [v1.frame(track.TRACKED, identity.id, absent, track.head(run, number + 1)) for number in range(count + 1)]
        for at in range(0, count, 1000):
            asker.write(b"".join(map(rawws.RawSocket.encode, frames[at : min(at + 1000, count)])))
        eventually(lambda: one.metrics().value("acurast_receipts_told_total") == count, "all to be told")
        missing = lost(one)
        assert 0 < missing < count
        assert one.metrics().value("acurast_buffer_bytes") - before < 2 * QUEUE
        told = [each for frame in read_receipts(asker, count - missing) for each in frame]
        assert len(told) == count - missing == len({each.number for each in told})
        assert {(each.sender, each.run, each.status) for each in told} == {(v1.NOBODY, run, NOT_HERE)}
        asker.send(frames[count])
        assert read_receipts(asker, 1) == [[track.Told(v1.NOBODY, run, count + 1, NOT_HERE)]]
    assert dropped(one, "unknown_recipient") == count + 1


def test_what_recipients_say_to_one_that_does_not_read_is_bounded_and_each_frame_passed_on_or_counted(service, tracker, threads):
    one, identity, run, count = small(service, threads), v1.Identity(), os.urandom(8), 30
    before = one.metrics().value("acurast_buffer_bytes")
    tellers = [tracker(one.url) for _ in range(count)]
    with stalled(one, identity, track.block()) as asker:
        for teller in tellers:
            teller.say(identity.id, run, *[(number + 1, DELIVERED) for number in range(1024)])
        eventually(lambda: one.metrics().value("acurast_receipts_relayed_total") == count, "all to be said")
        missing = lost(one)
        assert 0 < missing < count
        assert one.metrics().value("acurast_buffer_bytes") - before < 2 * QUEUE
        frames = read_receipts(asker, 1024 * (count - missing))
        assert {len(frame) for frame in frames} == {1024}
        assert len({frame[0].sender for frame in frames}) == count - missing
        for teller in tellers:
            teller.quiet()
    assert one.metrics().sum("acurast_dropped_frames_total") == 0


@pytest.mark.parametrize("back", ["tracker", "client"])
def test_what_one_that_stalls_did_not_get_is_as_it_came_for_the_next(service, tracker, client, threads, back):
    """It does not track, so the frames lost their heads on the way to its websocket, and get them back. Each is relayed to exactly
    one of the two, but one that the socket had begun to take."""
    one = service(threads=threads, send_buffer="32MiB", mailbox_count=1000, mailbox_bytes="16MiB", rate_messages=0, rate_bytes=0)
    sender, identity, count = tracker(one.url), v1.Identity(), 100
    old = stalled(one, identity)
    numbers = fill(sender, identity, count, 16 * 1024)
    eventually(lambda: one.metrics().value("acurast_frames_in_total") >= count, "all frames")
    old.socket.close()
    statuses = {number: [] for number in numbers}
    deadline = time.monotonic() + 20
    while sum(KEPT in each for each in statuses.values()) + sum(each == [RELAYED] for each in statuses.values()) < count - 1:
        assert time.monotonic() < deadline
        for each in track.items_of(sender.next(track.RECEIPT)):
            statuses[each.number].append(each.status)
    kept = [number for number in numbers if KEPT in statuses[number]]
    assert len(kept) > count // 2
    returned = tracker(one.url, identity) if back == "tracker" else client(one.url, identity)
    for number in kept:
        body = b"%06d" % (number - 1) + bytes(16 * 1024 - 6)
        if back == "tracker":
            assert returned.expect_tracked(sender.id, body) == track.head(sender.run, number, 1)
        else:
            assert returned.message() == v1.frame(v1.PAYLOAD, sender.id, identity.id, body)
    while any(statuses[number] != [KEPT, RELAYED] for number in kept):
        for each in track.items_of(sender.next(track.RECEIPT)):
            statuses[each.number].append(each.status)
    assert all(each in ([], [RELAYED], [KEPT, RELAYED]) for each in statuses.values())
    assert sum(each == [] for each in statuses.values()) <= 1
    if back == "tracker":
        returned.quiet()
    else:
        returned.barrier()


def test_plain_and_tracked_payloads_of_one_sender_keep_their_order(service, tracker, client, threads):
    """Through a stalled socket, a takeover and the queue between."""
    one = service(threads=threads, rate_messages=0, rate_bytes=0)
    sender, identity, count = tracker(one.url), v1.Identity(), 120
    old = stalled(one, identity)
    for number in range(count):
        body = b"%06d" % number + bytes(8 * 1024)
        if number % 3:
            sender.track(identity.id, body, level=1)
        else:
            sender.send(identity.id, body)
    eventually(lambda: one.metrics().value("acurast_frames_in_total") >= count, "all frames")
    new = tracker(one.url, identity)
    first = []
    try:
        while True:
            opcode, payload = old.frame()
            if opcode == rawws.CLOSE:
                break
            assert payload[0] == 0x14
            first.append(int(payload[33:39]))
    except rawws.Gone:
        pass
    second = []
    while not second or second[-1] != count - 1:
        got = new.frame()
        assert got.kind in (v1.PAYLOAD, track.TRACKED)
        second.append(int((got.body if got.kind == v1.PAYLOAD else got.body[track.HEAD :])[:6]))
        assert (got.kind == v1.PAYLOAD) == (second[-1] % 3 == 0)
    assert first + second == list(range(count))
    old.socket.close()


def test_a_whole_burst_is_told_number_by_number(service, tracker, client, threads):
    """More than a frame of receipts holds."""
    one = service(threads=threads)
    sender, recipient = tracker(one.url), client(one.url)
    numbers = [sender.track(recipient.id, b"x") for _ in range(SENT_AT_ONCE)]
    for _ in numbers:
        assert len(recipient.message()) == v1.HEADER + 1
    assert sender.told(SENT_AT_ONCE) == [(number, RELAYED) for number in numbers]
    absent = os.urandom(16)
    numbers = [sender.track(absent, b"x") for _ in range(SENT_AT_ONCE)]
    assert sender.told(SENT_AT_ONCE) == [(number, NOT_HERE) for number in numbers]
    sender.quiet()


def test_receipts_are_told_however_small_the_payloads_are_to_be(service, tracker, client, threads):
    """What a client says that it takes is for payloads."""
    one = service(threads=threads)
    sender, leaver = tracker(one.url, keys={"max_frame": v1.HEADER + 1}), client(one.url)
    numbers = [sender.track(os.urandom(16)) for _ in range(200)]
    assert sender.told(200) == [(number, NOT_HERE) for number in numbers]
    assert sender.look(*[leaver.id] * 64)[0][0] == HERE
    leave(leaver)
    assert sender.goners() == [(leaver.id, AWAY)]


def test_relayed_is_told_in_every_way_of_writing(service, tracker, client):
    """Of payloads that a socket takes at once, and of those that it takes in many pieces."""
    one = service(threads=2, rate_messages=0, rate_bytes=0, send_buffer="64MiB")
    sender, plain, following = tracker(one.url), client(one.url), tracker(one.url)
    sizes = [10, 40000, 0, 3000000, 100] * 4
    numbers = [sender.track(recipient.id, bytes(size), level=1) for size in sizes for recipient in (plain, following)]
    for size in sizes:
        assert len(plain.message()) == v1.HEADER + size
        following.expect_tracked(sender.id, bytes(size))
    assert sorted(sender.told(len(numbers))) == [(number, RELAYED) for number in numbers]
    sender.quiet()


def test_relayed_is_told_through_tls(service, tracker, client, tmp_path):
    authority = certs.Authority(tmp_path)
    certificate, key, _ = authority.leaf()
    one = service(threads=2, tls_cert=certificate, tls_key=key, rate_messages=0, rate_bytes=0)
    context = authority.context()
    sender, recipient = tracker(one.url, ssl=context), client(one.url, ssl=context)
    sizes = [10, 40000, 0, 1000000, 100] * 2
    numbers = [sender.track(recipient.id, bytes(size)) for size in sizes]
    for size in sizes:
        assert len(recipient.message()) == v1.HEADER + size
    assert sorted(sender.told(len(numbers))) == [(number, RELAYED) for number in numbers]


# ---- receipts of recipients


def test_a_receipt_is_for_who_tracks_and_is_here(service, tracker, client, threads):
    one = service(threads=threads)
    teller, plain, away = tracker(one.url), client(one.url), tracker(one.url)
    leave(away)
    for recipient in (plain.id, away.id, os.urandom(16)):
        teller.say(recipient, bytes(8), (1, DELIVERED))
    teller.quiet()
    plain.barrier()
    tracker(one.url, away.identity).quiet()
    metrics = one.metrics()
    assert metrics.value("acurast_receipts_relayed_total") == 3
    assert metrics.value("acurast_mailbox_frames_total") == 0


# ---- who has left


@pytest.mark.parametrize("how", ["left", "away", "replaced"])
def test_gone_is_told_once_and_how(service, tracker, client, threads, how):
    one = service(threads=threads, mailbox_count=0 if how == "left" else 20)
    watchers = [tracker(one.url) for _ in range(4)]
    stranger, other = tracker(one.url), client(one.url)
    leaver = client(one.url)
    for watcher in watchers[:2]:
        watcher.track(leaver.id, b"hello")
        assert watcher.told()[0][1] == RELAYED
    for watcher in watchers[2:]:
        assert watcher.look(leaver.id) == [(HERE, leaver.identity.public_key)]
    other.send(leaver.id, b"plain")
    if how == "replaced":
        newer = client(one.url, leaver.identity)
        newer.barrier()
    else:
        leave(leaver)
    kind = {"left": LEFT, "away": AWAY, "replaced": REPLACED}[how]
    for watcher in watchers:
        assert watcher.goners() == [(leaver.id, kind)]
    if how == "replaced":
        leave(newer)
    for watcher in (*watchers, stranger):
        watcher.quiet()
    other.barrier()
    assert one.metrics().value("acurast_gone_told_total") == 4


def test_a_watch_is_renewed_by_the_next_that_is_sent(service, tracker, client, threads):
    one = service(threads=threads)
    watcher, leaver = tracker(one.url), client(one.url)
    for _ in range(3):
        watcher.track(leaver.id, b"hello")
        assert watcher.told()[0][1] == RELAYED
        leave(leaver)
        assert watcher.goners() == [(leaver.id, AWAY)]
        leaver = client(one.url, leaver.identity)
    leave(leaver)
    watcher.quiet()


def test_watches_are_bounded_and_the_oldest_goes_first(service, tracker, client, threads):
    one = service(threads=threads, watches=3)
    watcher, others = tracker(one.url), [client(one.url) for _ in range(5)]
    for other in (*others[:3], others[0], *others[3:]):
        watcher.look(other.id)
    for other in others:
        leave(other)
    assert sorted(watcher.goners(3)) == sorted((other.id, AWAY) for other in (others[0], others[3], others[4]))
    watcher.quiet()


def test_without_watches_nobody_is_told(service, tracker, client):
    one = service(watches=0)
    watcher, leaver = tracker(one.url), client(one.url)
    assert watcher.look(leaver.id)[0][0] == HERE
    leave(leaver)
    watcher.quiet()


def test_one_that_has_ended_is_told_nothing_and_its_watches_are_gone(service, tracker, client, threads):
    one = service(threads=threads)
    leaver = client(one.url)
    for _ in range(5):
        watcher = tracker(one.url)
        watcher.look(leaver.id)
        leave(watcher)
    again = tracker(one.url, watcher.identity)
    leave(leaver)
    again.quiet()


def test_a_newer_connection_of_a_watcher_is_told_nothing_that_it_did_not_ask(service, tracker, client, threads):
    """Also while the older one, which does not read, is still on its way out."""
    one = service(threads=threads)
    leaver, identity = client(one.url), v1.Identity()
    with rawws.RawSocket(one.url) as old:
        old.extension = track.block()
        old.login(identity)
        old.send(v1.frame(track.LOOK, identity.id, v1.NOBODY, bytes(4) + leaver.id))
        assert v1.Frame.parse(old.message()).body[4] == HERE
        newer = tracker(one.url, identity)
        leave(leaver)
        newer.quiet()


# ---- looking


def test_look_tells_who_is_here_with_the_key(service, tracker, client, threads):
    one = service(threads=threads)
    asker, here, tracking, away = tracker(one.url), client(one.url), tracker(one.url), client(one.url)
    ed = client(one.url, v1.EdIdentity(), extension=b"ACX1" + track.msgpack.pack({"ed25519": True}))
    leave(away)
    assert asker.look(here.id, os.urandom(16), away.id, tracking.id, ed.id, asker.id) == [
        (HERE, here.identity.public_key),
        (ABSENT, bytes(33)),
        (MAILBOX, bytes(33)),
        (HERE, tracking.identity.public_key),
        (HERE, ed.identity.public_key),
        (HERE, asker.identity.public_key),
    ]
    assert one.metrics().value("acurast_looks_total") == 6
    here.barrier()


def test_look_takes_64_ids_and_no_more(service, tracker):
    one = service()
    asker = tracker(one.url)
    assert [status for status, _ in asker.look(*[os.urandom(16) for _ in range(64)])] == [ABSENT] * 64
    for body in (b"", bytes(3), bytes(4), bytes(4 + 15), bytes(4 + 17), bytes(4 + 65 * 16)):
        asker.raw(v1.frame(track.LOOK, asker.id, v1.NOBODY, body))
    asker.quiet()
    assert dropped(one, "unknown_frame") == 6


def test_looks_count_against_the_rate(service, tracker):
    """Each id is a message."""
    one = service(rate_messages=640)
    asker = tracker(one.url)
    ids = [os.urandom(16) for _ in range(64)]
    begin = time.monotonic()
    for _ in range(30):
        asker.look(*ids)
    assert time.monotonic() - begin > 1.5
    assert one.metrics().value("acurast_rate_pauses_total") > 0


# ---- presence off


def test_who_hides_presence_tells_nobody_who_is_here(service, tracker, client, threads):
    one = service(threads=threads, presence="off", mailbox_count=1, mailbox_seconds=1)
    sender, here, away = tracker(one.url), client(one.url), client(one.url)
    leave(away)
    sender.raw(v1.frame(track.LOOK, sender.id, v1.NOBODY, bytes(4) + here.id))
    absent = sender.track(os.urandom(16))
    assert sender.told() == [(absent, NOT_DELIVERED)]
    relayed = sender.track(here.id)
    assert sender.told() == [(relayed, RELAYED)]
    kept, full = sender.track(away.id), sender.track(away.id)
    assert sender.told() == [(full, NOT_DELIVERED)]
    assert sender.told() == [(kept, NOT_DELIVERED)]  # once it has expired
    leave(here)
    sender.quiet()
    metrics = one.metrics()
    assert metrics.value("acurast_gone_told_total") == metrics.value("acurast_looks_total") == 0
    assert dropped(one, "unknown_frame") == 1


# ---- the end of a service


def test_while_a_service_ends_nothing_is_said_to_be_lost(service, tracker, threads):
    """Who is told to go is told so a few at a time, and comes back elsewhere: nobody who is still here hears that they are gone."""
    one = service(threads=threads)
    recipients = [rawws.RawSocket(one.url) for _ in range(300)]
    ids = [each.login().id for each in recipients]
    senders = [tracker(one.url) for _ in range(8)]
    for sender in senders:
        sender.look(*ids[:64])
    one.process.terminate()
    left, found = list(senders), []
    for _ in range(10000):
        for sender in list(left):
            try:
                for each in ids[-16:] + ids[:16]:
                    sender.track(each)
                got = sender.frame()
            except ConnectionClosed:
                left.remove(sender)
                continue
            assert got.kind == track.RECEIPT, got
            found += [each.status for each in track.items_of(got)]
        if not left:
            break
    assert set(found) == {RELAYED, DRAINING}
    for each in recipients:
        each.close()
    assert one.wait() == 0


# ---- nobody else


def test_who_did_not_ask_never_gets_a_frame_of_the_new_types(service, tracker, client, threads):
    """Everything at once around v1 clients, one of which only listens; each byte that they get is that of a payload."""
    one = service(threads=threads, mailbox_count=5)
    plain = [client(one.url) for _ in range(4)]
    trackers = [tracker(one.url) for _ in range(4)]
    for turn in range(20):
        for sender in trackers:
            for recipient in plain:
                sender.track(recipient.id, b"t%d" % turn, level=1 + turn % 2, again=turn % 5 == 0)
                sender.say(recipient.id, sender.run, (turn + 1, DELIVERED))
                recipient.send(sender.id, b"p%d" % turn)
            sender.look(*[each.id for each in plain])
    for recipient in plain[:2]:
        recipient.identity_returned = client(one.url, recipient.identity)
    watched = plain[2:] + [each.identity_returned for each in plain[:2]]
    for recipient in watched:
        token = os.urandom(8)
        recipient.send(recipient.id, token)
        while True:
            got = recipient.frame()
            assert (got.version, got.kind, got.recipient) == (1, v1.PAYLOAD, recipient.id), got
            if got.body == token:
                break
            assert got.sender in {each.id for each in trackers} and got.body[:1] == b"t"
    ids = {hashlib.sha256(each.identity.public_key).digest()[:16] for each in plain}
    assert ids == {each.id for each in plain}


def test_nothing_is_kept_of_who_has_ended(service, tracker, client, threads):
    """Marks, watches and what was to be told are given back."""
    one = service(threads=threads, mailbox_seconds=0)
    before = one.metrics().value("acurast_buffer_bytes")
    for _ in range(3):
        sender, recipient = tracker(one.url), client(one.url)
        for _ in range(50):
            sender.track(recipient.id, bytes(1000))
        sender.look(*[os.urandom(16) for _ in range(64)])
        recipient.abort()
        leave(sender)
    eventually(lambda: one.metrics().value("acurast_ids") == 0, "all to be gone")
    eventually(lambda: one.metrics().value("acurast_buffer_bytes") <= before, "the memory")
