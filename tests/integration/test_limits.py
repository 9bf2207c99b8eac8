"""Limits: what is too much costs the one who does it, and says so."""

import os
import threading
import time

import pytest
from websockets.exceptions import InvalidStatus

from support import proxy, rawws, v1
from support.waiting import DEADLINE, eventually


def ids(service):
    return service.metrics().sum("acurast_ids")


# --- rates


def test_a_flood_is_paused_and_nothing_is_lost(service, client, bystanders):
    one = service(rate_messages=200)
    pair = bystanders(one.url)
    flooder, sink = client(one.url), client(one.url)
    begin = time.monotonic()
    writer = threading.Thread(target=lambda: [flooder.send(sink.id, b"%d" % n) for n in range(700)])
    writer.start()
    for number in range(50):
        sink.expect(flooder.id, b"%d" % number)
    pair.check()
    for number in range(50, 700):
        sink.expect(flooder.id, b"%d" % number)
    writer.join()
    # 200 in a burst, then 500 more at 200 a second.
    assert time.monotonic() - begin >= 2.0
    flooder.barrier()


def test_a_flood_of_bytes_is_paused_and_nothing_is_lost(service, client, bystanders):
    one = service(rate_bytes="256KiB")
    pair = bystanders(one.url)
    flooder, sink = client(one.url), client(one.url)
    bodies = [os.urandom(32 * 1024) for _ in range(24)]
    begin = time.monotonic()
    writer = threading.Thread(target=lambda: [flooder.send(sink.id, body) for body in bodies])
    writer.start()
    sink.expect(flooder.id, bodies[0])
    pair.check()
    for body in bodies[1:]:
        sink.expect(flooder.id, body)
    writer.join()
    assert time.monotonic() - begin >= 1.5


def test_a_message_larger_than_a_second_of_bytes_still_passes(service, client):
    one = service(rate_bytes="64KiB")
    sender, sink = client(one.url), client(one.url)
    body = os.urandom(128 * 1024)
    for _ in range(2):
        sender.send(sink.id, body)
    for _ in range(2):
        sink.expect(sender.id, body)


def test_zero_switches_the_rates_off(service, client):
    one = service(rate_messages=0, rate_bytes=0)
    sender, sink = client(one.url), client(one.url)
    for number in range(3000):
        sender.send(sink.id, b"%d" % number)
    for number in range(3000):
        sink.expect(sender.id, b"%d" % number)


# --- slow readers


def test_a_slow_reader_costs_its_sender_and_nobody_else(service, client, bystanders):
    """The sender is paused, then what is beyond its share is dropped. The reader stays, and finds the rest in order when it wakes."""
    one = service(send_buffer="256KiB")
    pair = bystanders(one.url)
    sender = client(one.url)
    with rawws.RawSocket(one.url, receive_buffer=4096) as slow:
        identity = slow.login()
        body = bytes(16 * 1024)
        number = 0
        while one.metrics().sum("acurast_dropped_frames_total", reason="sender_share") == 0:
            for _ in range(20):
                sender.send(identity.id, b"%06d" % number + body)
                number += 1
            pair.check()
            assert one.metrics().value("acurast_buffer_bytes") < 2 * 256 * 1024
            assert number < 2000, "30 MiB for a reader that does not read, and nothing was dropped"
        sender.barrier()
        metrics = one.metrics()
        assert metrics.value("acurast_share_pauses_total") >= 1  # the first may end early: the kernel took some more
        assert metrics.value("acurast_ids") == 4
        sender.send(sender.id, b"still here")
        got = [int(slow.message()[33:39]) for _ in range(int(metrics.value("acurast_frames_out_total")) - pair.count * 2 - 1)]
        assert got == sorted(set(got)) and got[: len(got) // 2] == list(range(len(got) // 2))
        one.metrics()
        sender.send(identity.id, b"%06d" % number)
        assert int(slow.message()[33:39]) == number


def test_a_slow_reader_within_its_buffer_gets_everything(service, client):
    one = service(send_buffer="8MiB", rate_messages=0)
    sender = client(one.url)
    with rawws.RawSocket(one.url, receive_buffer=4096) as slow:
        identity = slow.login()
        body = os.urandom(16 * 1024)
        for number in range(200):
            sender.send(identity.id, b"%06d" % number + body)
        sender.barrier()
        for number in range(200):
            assert slow.message()[33:] == b"%06d" % number + body


def test_when_the_memory_is_used_up_what_is_largest_is_dropped(service, client, bystanders):
    """What one sender has waiting for one recipient goes first. The recipient stays, and who has little keeps it."""
    one = service(memory="4MiB", send_buffer="64MiB", rate_bytes=0)
    pair = bystanders(one.url)
    sender = client(one.url)
    with rawws.RawSocket(one.url, receive_buffer=4096) as large, rawws.RawSocket(one.url, receive_buffer=4096) as small:
        small_id, large_id = small.login().id, large.login().id
        for _ in range(20):
            sender.send(small_id, bytes(16 * 1024))
        for number in range(4000):
            sender.send(large_id, bytes(16 * 1024))
            if number % 50 == 0:
                pair.check()
                metrics = one.metrics()
                assert metrics.value("acurast_buffer_bytes") < 6 * 1024 * 1024
                if metrics.sum("acurast_dropped_frames_total", reason="memory"):
                    break
        else:
            raise AssertionError("64 MiB were kept where 4 MiB are allowed")
        for _ in range(20):
            assert len(small.message()) == v1.HEADER + 16 * 1024
        assert len(large.message()) == v1.HEADER + 16 * 1024
        assert ids(one) == 5


# --- time


@pytest.mark.parametrize("stage", ["tcp", "half a request", "upgraded", "challenged", "half a response"])
def test_a_slow_handshake_is_ended_in_time(service, bystanders, stage):
    one = service(handshake_time="1s")
    bystanders(one.url)
    with rawws.RawSocket(one.url) as slow:
        begin = time.monotonic()
        if stage == "half a request":
            slow.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgr")
        elif stage != "tcp":
            slow.upgrade()
            identity = v1.Identity()
            if stage != "upgraded":
                slow.send(v1.frame(v1.INIT, identity.id))
                slow.message()
            if stage == "half a response":
                slow.write(rawws.RawSocket.encode(v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, bytes(129)))[:60])
        if stage in ("tcp", "half a request"):
            slow.read_to_end()
        else:
            closed = slow.closed()
            assert closed.code == 1008, "no refusal is silence"
            assert closed.reason
        assert 0.9 <= time.monotonic() - begin < DEADLINE


def test_a_slow_handshake_cannot_be_drawn_out_by_dribbling(service):
    """A byte now and then does not win time, nor do new inits."""
    one = service(handshake_time="500ms")
    for act in (lambda s: s.write(b"X"), None):
        with rawws.RawSocket(one.url) as slow:
            if act is None:
                slow.upgrade()
            slow.socket.settimeout(0.05)
            begin = time.monotonic()
            try:
                while time.monotonic() - begin < DEADLINE:
                    try:
                        if act:
                            act(slow)
                        else:
                            slow.send(b"", rawws.PING)
                        slow.fill()
                    except TimeoutError:
                        pass
            except rawws.Gone:
                pass
            assert time.monotonic() - begin < DEADLINE


def test_an_accepted_client_may_be_silent_for_longer_than_the_handshake_time(service, client):
    one = service(handshake_time="1s")
    quiet = client(one.url)
    with rawws.RawSocket(one.url) as slow:
        slow.read_to_end()  # an event that takes just that time
    with rawws.RawSocket(one.url) as slow:
        slow.read_to_end()
    quiet.barrier()


def test_a_half_open_peer_is_hung_up_after_the_ping_timeout(service, client, bystanders):
    """A client behind a network that swallows everything: no reset, no end."""
    one = service(ping_interval="300ms", ping_timeout="1s")
    bystanders(one.url)
    with proxy.FaultProxy(one.port) as net:
        lost = v1.Client(net.url)
        lost.barrier()
        assert ids(one) == 3
        net.blackhole()
        begin = time.monotonic()
        eventually(lambda: ids(one) == 2, "the hang-up")
        assert time.monotonic() - begin < 15
        lost.abort()


def test_a_client_that_nothing_reaches_is_hung_up(service, client, bystanders):
    """Its socket takes no ping any more."""
    one = service(ping_interval="300ms", ping_timeout="1s", mailbox_seconds=0)
    bystanders(one.url)
    with rawws.RawSocket(one.url, receive_buffer=4096) as mute:
        identity = mute.login()
        client(one.url).send(identity.id, bytes(1024 * 1024))
        eventually(
            lambda: one.metrics().sum("acurast_closed_connections_total", reason="unresponsive") == 1, "the hang-up"
        )


def test_a_client_whose_kernel_answers_stays(service, bystanders):
    """Its program has no time for pings, but what is sent to it arrives. So it is excused five times."""
    one = service(ping_interval="100ms", ping_timeout="200ms")
    bystanders(one.url)
    with rawws.RawSocket(one.url) as busy:
        busy.login()
        for _ in range(6):
            assert one.metrics().sum("acurast_closed_connections_total") == 0
            assert busy.frame()[0] == rawws.PING
        busy.closed()


def test_a_client_that_answers_pings_stays(service, client):
    one = service(ping_interval="100ms", ping_timeout="500ms")
    with rawws.RawSocket(one.url) as polite:
        polite.login()
        for _ in range(5):
            opcode, payload = polite.frame()
            assert opcode == rawws.PING
            polite.send(payload, rawws.PONG)
    assert one.alive()


def test_pings_of_a_client_are_answered(service):
    one = service()
    with rawws.RawSocket(one.url) as polite:
        polite.login()
        for body in (b"", b"x", os.urandom(125)):
            polite.send(body, rawws.PING)
            assert polite.frame() == (rawws.PONG, body)


def test_an_unsolicited_pong_is_harmless(service):
    one = service()
    with rawws.RawSocket(one.url) as polite:
        identity = polite.login()
        polite.send(b"nobody asked", rawws.PONG)
        polite.send(v1.frame(v1.PAYLOAD, identity.id, identity.id, b"on"))
        assert v1.Frame.parse(polite.message()).body == b"on"


# --- connections


def refused_connection(url, **headers):
    """The HTTP status with which a connection is refused; 0 where it is just ended, None where it is not refused."""
    with rawws.RawSocket(url) as one:
        try:
            status, _ = one.upgrade(**headers)
        except rawws.Gone:
            return 0
        return None if status == 101 else status


def is_accepted(url):
    """Whether one more client is: on a bare socket, since that of `websockets` asserts now and then where the peer ends early."""
    with rawws.RawSocket(url) as one:
        try:
            one.login()
        except (rawws.Gone, AssertionError):  # just ended, or refused with a status
            return False
        return True


def test_connections_in_all_are_limited(service):
    one = service(max_connections=4, admin_listen="127.0.0.1:0")
    kept = [v1.Client(one.url) for _ in range(4)]
    assert refused_connection(one.url) in (503, 0)
    kept[0].send(kept[1].id, b"still here")
    kept[1].expect(kept[0].id, b"still here")
    kept.pop().close()
    eventually(lambda: is_accepted(one.url), "a free place")
    for each in kept:
        each.close()


def test_pending_connections_have_a_limit_of_their_own(service, client):
    """Beyond it the oldest makes room for the newcomer, and nobody who is accepted."""
    one = service(max_pending=3, threads=1, handshake_time="60s", admin_listen="127.0.0.1:0")
    accepted = [client(one.url) for _ in range(4)]
    pending = [rawws.RawSocket(one.url) for _ in range(3)]
    for each in pending:
        assert each.upgrade()[0] == 101
    assert one.metrics().value("acurast_connections_pending") == 3
    assert is_accepted(one.url)
    with pytest.raises(rawws.Gone):
        pending[0].frame()
    for each in pending[1:]:
        identity = each.authenticate(v1.Identity())
        each.send(v1.frame(v1.PAYLOAD, identity.id, identity.id, b"still here"))
        assert each.message()[33:] == b"still here"
        each.close()
    for each in accepted:
        each.barrier()


def test_connections_per_address_count_loopback_only_when_set(service):
    one = service(max_connections_per_address=2, admin_listen="127.0.0.1:0")
    kept = [v1.Client(one.url) for _ in range(2)]
    assert refused_connection(one.url) in (429, 503, 0)
    for each in kept:
        each.close()
    eventually(lambda: is_accepted(one.url), "a free place")


def test_zero_switches_the_limits_of_connections_off(service, client):
    one = service(max_connections=0, max_pending=0, max_connections_per_address=0, handshake_rate=0)
    for _ in range(20):
        client(one.url)


# --- behind a proxy


def forwarded(address):
    return {"X-Forwarded-For": address}


def test_behind_a_trusted_proxy_the_forwarded_address_counts(service, client):
    one = service(trust_proxy="127.0.0.0/8", max_connections_per_address=2)
    for address in ("203.0.113.1", "203.0.113.2", "2001:db8:1::1", "2001:db8:2::1"):
        for _ in range(2):
            client(one.url, headers=forwarded(address))
        assert refused_connection(one.url, **forwarded(address)) in (429, 503)


def test_ipv6_counts_by_64(service, client):
    one = service(trust_proxy="127.0.0.0/8", max_connections_per_address=2)
    client(one.url, headers=forwarded("2001:db8:1:1::1"))
    client(one.url, headers=forwarded("2001:db8:1:1:ffff::2"))
    assert refused_connection(one.url, **forwarded("2001:db8:1:1:1:2:3:4")) in (429, 503)
    client(one.url, headers=forwarded("2001:db8:1:2::1"))


def test_what_a_client_writes_before_the_proxy_is_not_believed(service, client):
    """The proxy appends: only what stands right of the last trusted address is the truth."""
    one = service(trust_proxy="127.0.0.0/8", max_connections_per_address=2)
    client(one.url, headers=forwarded("198.51.100.1, 203.0.113.9"))
    client(one.url, headers=forwarded("198.51.100.2, 203.0.113.9"))
    assert refused_connection(one.url, **forwarded("198.51.100.3, 203.0.113.9")) in (429, 503)


def test_without_trust_the_header_is_ignored(service, client):
    one = service(max_connections_per_address=2, admin_listen="127.0.0.1:0")
    client(one.url, headers=forwarded("203.0.113.1"))
    client(one.url, headers=forwarded("203.0.113.2"))
    assert refused_connection(one.url, **forwarded("203.0.113.3")) in (429, 503, 0)


@pytest.mark.parametrize("header", ["", "nonsense", "1.2.3", ",,,", "203.0.113.1:80", "[2001:db8::1]", "unknown", "x" * 900])
def test_a_malformed_forwarded_header_harms_nobody(service, client, header):
    one = service(trust_proxy="127.0.0.0/8")
    try:
        client(one.url, headers=forwarded(header)).barrier()
    except InvalidStatus as error:
        assert error.response.status_code in (400, 429)
    client(one.url).barrier()


def test_a_forwarded_header_that_is_nonsense_counts_for_the_proxy(service, client):
    one = service(trust_proxy="127.0.0.0/8", max_connections_per_address=2, admin_listen="127.0.0.1:0")
    for header in ("", "nonsense", "1.2.3", ",", "203.0.113.9,", "nonsense, 127.0.0.2"):
        held = [client(one.url, headers=forwarded(header)) for _ in range(2)]
        assert refused_connection(one.url, X_Forwarded_For=header) == 429
        assert refused_connection(one.url, X_Forwarded_For="203.0.113.9") is None
        for each in held:
            each.close()
        eventually(lambda: one.metrics().value("acurast_connections") == 0, "their end")


def test_a_trusted_proxy_that_names_nobody_is_not_limited(service, client):
    one = service(trust_proxy="127.0.0.0/8", max_connections_per_address=2)
    for headers in (None, forwarded("127.0.0.9")):
        for _ in range(4):
            client(one.url, headers=headers)


def test_handshakes_a_second_from_one_address_are_limited(service, client):
    one = service(trust_proxy="127.0.0.0/8", handshake_rate=1)
    results = [refused_connection(one.url, **forwarded("203.0.113.1")) for _ in range(10)]
    assert results[:2] == [None, None], "twice the rate in a burst"
    assert any(status in (429, 503) for status in results[2:])
    client(one.url, headers=forwarded("203.0.113.2"))
    eventually(lambda: refused_connection(one.url, **forwarded("203.0.113.1")) is None, "the next second")


def test_loopback_is_exempt_from_the_handshake_rate(service, client):
    one = service(handshake_rate=1)
    for _ in range(10):
        client(one.url)
