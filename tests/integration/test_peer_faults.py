"""acurast-peer when things go wrong: services that die, networks that break, names and certificates that lie."""

import os
import signal
import socket
import threading
import time

import pytest
from websockets.sync.server import serve

from support import certs, peer as peers, programs, v1
from support.peer import EAGER, keygen, send
from support.proxy import Fault, FaultProxy
from support.waiting import DEADLINE, eventually

OK, FAILED, USAGE, NO_ANSWER = range(4)
NOBODY = bytes(16)


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


@pytest.fixture
def listen(peer):
    def start(url, key, *flags, wait=True, **how):
        one = peers.Listener(peer(*peers.Listener.arguments(url, key, *flags), **how), key)
        if wait:
            one.connected()
        return one

    return start


@pytest.fixture
def proxied():
    """Makes fault proxies that are closed at the end."""
    made = []

    def make(port, *arguments, **options):
        one = FaultProxy(port, *arguments, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def restarted(service, port, **options):
    return service(listen=f"127.0.0.1:{port}", **options)


# --- the service dies


def test_a_listener_survives_the_services_death(service, client, listen, key):
    first = service()
    one = listen(first.url, key, "--echo")
    first.kill()
    told = one.next("disconnected")
    assert told["status"] in ("LOST", "CONNECT")
    second = restarted(service, first.port)
    one.connected()
    other = client(second.url)
    other.send(key.id, b"back again?")
    other.expect(key.id, b"back again?")


def test_a_listener_survives_a_drain(service, client, listen, key):
    first = service()
    one = listen(first.url, key, "--echo")
    port = first.port
    assert first.end() == 0
    told = one.next("disconnected")
    assert (told["status"], told["close_code"]) == ("DRAINING", 1001)
    second = restarted(service, port)
    one.connected()
    other = client(second.url)
    other.send(key.id, b"back again?")
    other.expect(key.id, b"back again?")


def test_what_was_not_written_goes_out_once_and_in_order_after_a_restart(service, listen, proxied, key):
    """The network takes no more, so that answers pile up in the outbox; then the service is killed. After the
    reconnect comes what had not been written, from the first to the last: nothing twice, nothing missing."""
    count, size = 400, 16 * 1024
    first = service(rate_messages=0, rate_bytes=0)
    net = proxied(first.port)
    sender = v1.Identity()
    with v1.Client(first.url, sender) as asker:
        one = listen(net.url, key, "--echo")
        net.hold_up()
        for number in range(count):
            asker.send(key.id, b"%06d" % number + bytes(size))
        for number in range(count):
            assert bytes.fromhex(one.next("payload")["hex"])[:6] == b"%06d" % number
        first.kill()
    net.refuse()
    net.reset()
    second = restarted(service, first.port, rate_messages=0, rate_bytes=0)
    with v1.Client(second.url, sender) as asker:
        net.accept()
        net.let_up()
        one.connected()
        got = []
        while not got or got[-1] != count - 1:
            who, body = asker.receive()
            assert who == key.id and len(body) == 6 + size
            got.append(int(body[:6]))
        assert got == list(range(count - len(got), count))
        assert len(got) > 10, "the kernel cannot have taken nearly all"
        asker.barrier()


def test_traffic_goes_on_over_many_restarts(service, client, listen, key):
    current = service()
    port = current.port
    one = listen(current.url, key, "--echo", "--quiet")
    for turn in range(5):
        with v1.Client(current.url) as other:
            for number in range(20):
                other.send(key.id, b"%d %d" % (turn, number))
            for number in range(20):
                other.expect(key.id, b"%d %d" % (turn, number))
        current.kill()
        current = restarted(service, port)
        one.connected()


def test_a_service_away_at_the_start_is_waited_for(service, peer, key):
    port = programs.free_port()
    one = peer(
        "send", "--url", f"ws://127.0.0.1:{port}", "--key", key.file, "--to", key.id.hex(), "--wait", "1", *EAGER, "patience"
    )
    one.message("disconnected")
    service(listen=f"127.0.0.1:{port}")
    assert one.line() == "patience"
    assert one.wait() == OK


def test_what_is_wrong_again_and_again_is_told_once(service, peer, key):
    port = programs.free_port()
    one = peer("listen", "--url", f"ws://127.0.0.1:{port}", "--key", key.file, "--backoff-min", "1ms", "--backoff-max", "5ms", "--log-level", "debug")
    eventually(lambda: one.stderr.count("could not connect") > 20, "many tries")
    current = service(listen=f"127.0.0.1:{port}")
    assert " more tries" in one.message(" connected to ")
    assert one.stderr.count("disconnected:") == 1
    current.end()
    assert one.message("(close code 1001)").count("1001") == 1
    eventually(lambda: one.stderr.count("disconnected:") == 3, "that it is away again")


def test_a_service_that_never_comes_ends_with_3(key):
    port = programs.free_port()
    done = send(f"ws://127.0.0.1:{port}", NOBODY, "x", "--timeout", "500ms", "--linger", "0", key=key)
    assert done.returncode == NO_ANSWER
    assert "CONNECT" in done.stderr or "could not be reached" in done.stderr


def test_the_time_allowed_is_the_time_it_takes(key):
    """Without what a client that is closed waits for in its outbox, two seconds by default."""
    began = time.monotonic()
    done = send(f"ws://127.0.0.1:{programs.free_port()}", NOBODY, "x", "--timeout", "500ms", key=key)
    assert done.returncode == NO_ANSWER
    assert time.monotonic() - began < 2


def test_the_first_service_of_the_list_may_be_dead(service, key):
    alive = service()
    dead = f"ws://127.0.0.1:{programs.free_port()}"
    for urls in ([dead, alive.url], [dead, dead, alive.url]):
        done = send(urls, key.id, "over", "--wait", "1", *EAGER, key=key)
        assert (done.returncode, done.stdout) == (OK, "over\n")


def test_the_first_service_of_the_list_may_be_silent(service, key):
    """It accepts connections and says nothing."""
    alive = service()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        urls = [f"ws://127.0.0.1:{mute.getsockname()[1]}", alive.url]
        done = send(urls, key.id, "over", "--wait", "1", "--connect-timeout", "300ms", *EAGER, key=key)
    assert (done.returncode, done.stdout) == (OK, "over\n")


def test_a_service_that_upgrades_and_then_is_silent_is_left(service, key):
    alive = service()
    stop = threading.Event()
    with serve(lambda ws: stop.wait(DEADLINE), "127.0.0.1", 0) as mute:
        threading.Thread(target=mute.serve_forever, daemon=True).start()
        urls = ["ws://127.0.0.1:%d" % mute.socket.getsockname()[1], alive.url]
        done = send(urls, key.id, "over", "--wait", "1", "--handshake-timeout", "300ms", *EAGER, key=key)
        stop.set()
        mute.shutdown()
    assert (done.returncode, done.stdout) == (OK, "over\n")


def test_ordered_failover_returns_to_the_first_sticky_stays(service, listen, tmp_path):
    first, second = service(), service()
    port = first.port
    ordered = listen([first.url, second.url], keygen(tmp_path, "o.pem"), "--failover", "ordered")
    sticky = listen([first.url, second.url], keygen(tmp_path, "s.pem"), "--failover", "sticky")
    first.kill()
    for one in (ordered, sticky):
        assert one.connected()["service"].endswith(str(second.port))
    first = restarted(service, port)
    second_port = second.port
    second.kill()
    for one in (ordered, sticky):
        assert one.connected()["service"].endswith(str(port))
    second = restarted(service, second_port)
    assert first.end() == 0
    for one in (ordered, sticky):
        assert one.connected()["service"].endswith(str(second_port))


# --- names and answers


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "..", "x" * 300])
def test_a_name_that_does_not_resolve_is_told(key, host):
    done = send(f"ws://{host}:9001", NOBODY, "x", "--timeout", "1s", "--linger", "0", *EAGER, key=key)
    assert done.returncode in (NO_ANSWER, USAGE)
    assert done.stderr.strip()
    if host.startswith("no-such"):
        assert "resolved" in done.stderr


def test_a_name_that_does_not_resolve_leads_to_the_next_service(service, key):
    alive = service()
    done = send(["ws://no-such-host.invalid:9001", alive.url], key.id, "over", "--wait", "1", *EAGER, key=key)
    assert (done.returncode, done.stdout) == (OK, "over\n")


def test_localhost_resolves(service, key):
    alive = service()
    done = send(f"ws://localhost:{alive.port}", key.id, "by name", "--wait", "1", key=key)
    assert (done.returncode, done.stdout) == (OK, "by name\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0" * 200,
        b"HTTP/1.1 101 " + b"x" * 100_000,
        b"",
    ],
    ids=["page", "not found", "redirect", "wrong accept key", "ssh", "zeroes", "endless", "nothing"],
)
def test_what_is_no_websocket_service_is_told_and_left(service, key, answer):
    """And a redirect is never followed."""
    alive = service()
    with socket.create_server(("127.0.0.1", 0)) as fake:
        def serve():
            while True:
                try:
                    one, _ = fake.accept()
                except OSError:
                    return
                with one:
                    try:
                        one.settimeout(DEADLINE)
                        one.recv(65536)
                        one.sendall(answer)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        urls = [f"ws://127.0.0.1:{fake.getsockname()[1]}", alive.url]
        done = send(urls, key.id, "over", "--wait", "1", *EAGER, key=key)
        fake.shutdown(socket.SHUT_RDWR)
    assert (done.returncode, done.stdout) == (OK, "over\n"), done.stderr
    assert "disconnected" in done.stderr


# --- certificates


@pytest.fixture
def authority(tmp_path):
    return certs.Authority(tmp_path)


def test_an_own_authority_is_trusted_when_given(service, authority, key):
    cert, private, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=private)
    for url in (one.url, f"wss://localhost:{one.port}"):
        done = send(url, key.id, "sealed", "--wait", "1", "--ca-file", authority.file, key=key)
        assert (done.returncode, done.stdout) == (OK, "sealed\n"), done.stderr
    done = send(one.url, key.id, "sealed", "--wait", "1", "--ca-pem", authority.file.read_text(), key=key)
    assert (done.returncode, done.stdout) == (OK, "sealed\n"), done.stderr


def test_large_payloads_go_through_tls(service, authority, listen, key):
    cert, private, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=private)
    target = listen(one.url, key, "--ca-file", authority.file)
    for size in (0, 16383, 16384, 16385, 1024 * 1024, 5_000_000):
        body = os.urandom(size)
        assert send(one.url, key.id, body, "--ca-file", authority.file).returncode == OK
        assert target.payload()[1] == body


def refused_certificate(url, key, *flags):
    done = send(url, NOBODY, "x", "--timeout", "700ms", "--linger", "0", *EAGER, *flags, key=key)
    assert done.returncode in (FAILED, NO_ANSWER), done
    assert "TLS" in done.stderr, done.stderr
    return done


def test_a_certificate_of_an_unknown_authority_is_refused(service, authority, key, tmp_path):
    cert, private, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=private)
    refused_certificate(one.url, key)
    (tmp_path / "other").mkdir()
    stranger = certs.Authority(tmp_path / "other", "Stranger")
    refused_certificate(one.url, key, "--ca-file", stranger.file)
    assert one.metrics(authority.context()).value("acurast_handshakes_total", result="accepted") == 0


def test_a_given_authority_replaces_the_systems(service, authority, key, tmp_path):
    """What the system trusts is not trusted beside it: here the system's roots are made to hold the service's."""
    cert, private, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=private)
    system = {"SSL_CERT_FILE": authority.file}
    arguments = ["send", "--url", one.url, "--to", key.id.hex(), "--key", key.file, "--wait", "1"]
    done = programs.run("acurast-peer", *arguments, "by the system", environment=system)
    assert (done.returncode, done.stdout) == (OK, "by the system\n"), done.stderr
    (tmp_path / "other").mkdir()
    stranger = certs.Authority(tmp_path / "other", "Stranger")
    done = programs.run(
        "acurast-peer", *arguments, "--ca-file", stranger.file, "--timeout", "700ms", "--linger", "0", "x", environment=system
    )
    assert done.returncode in (FAILED, NO_ANSWER) and "TLS" in done.stderr


@pytest.mark.parametrize("names", [("elsewhere.example",), ("localhost",), ("127.0.0.2",), ("*.0.0.1",)], ids=str)
def test_a_certificate_for_another_name_is_refused(service, authority, key, names):
    cert, private, _ = authority.leaf(*names)
    one = service(tls_cert=cert, tls_key=private)
    refused_certificate(one.url, key, "--ca-file", authority.file)


def test_a_certificate_for_an_address_does_not_fit_a_name(service, authority, key):
    cert, private, _ = authority.leaf("127.0.0.1")
    one = service(tls_cert=cert, tls_key=private)
    refused_certificate(f"wss://localhost:{one.port}", key, "--ca-file", authority.file)


def test_an_expired_certificate_is_refused(service, authority, key):
    cert, private, _ = authority.leaf(days=-1)
    one = service(tls_cert=cert, tls_key=private)
    refused_certificate(one.url, key, "--ca-file", authority.file)


def test_plain_speech_on_a_tls_port_and_the_other_way_round_fail(service, authority, key):
    cert, private, _ = authority.leaf()
    sealed, plain = service(tls_cert=cert, tls_key=private), service()
    refused_certificate(plain.url.replace("ws", "wss", 1), key, "--ca-file", authority.file)
    done = send(sealed.url.replace("wss", "ws", 1), NOBODY, "x", "--timeout", "500ms", "--linger", "0", *EAGER, key=key)
    assert done.returncode in (FAILED, NO_ANSWER)


@pytest.mark.parametrize("how", ["missing", "garbage", "empty"])
def test_a_broken_ca_file_fails_at_once(key, tmp_path, how):
    file = tmp_path / "ca.pem"
    if how != "missing":
        file.write_text("garbage" if how == "garbage" else "")
    begin = time.monotonic()
    done = send("wss://127.0.0.1:1", NOBODY, "x", "--ca-file", file, key=key)
    assert done.returncode in (FAILED, USAGE)
    assert done.stderr.strip()
    assert time.monotonic() - begin < DEADLINE / 2


# --- the network


CLOSE = 2 + 2
PAYLOAD_AND_CLOSE = 2 + 4 + v1.HEADER + len(b"at last") + 2 + 4 + 2


def handshake_bytes(port, proxied, target, key):
    """How many bytes of a send go each way until it is accepted."""
    net = proxied(port)
    assert send(net.url, target.id, "at last", key=key).returncode == OK
    target.expect(key.id, b"at last")
    (link,) = net.links
    return {"cut_up": link.counts["up"] - PAYLOAD_AND_CLOSE, "cut_down": link.counts["down"] - CLOSE}


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("way", ["cut_up", "cut_down"])
def test_a_cut_at_every_byte_of_the_handshake_delays_but_loses_nothing(service, client, proxied, key, way, how):
    """The connection breaks after 0, 1, 2, ... bytes; in the end the payload arrives, once."""
    one = service(handshake_rate=0)
    target = client(one.url)
    total = handshake_bytes(one.port, proxied, target, key)[way]
    assert total > 200
    faults = [Fault(**{way: at}, how=how) for at in range(0, total, 1 if how == "fin" else 5)]
    net = proxied(one.port, faults)
    done = send(
        net.url, target.id, "at last", "--backoff-min", "1ms", "--backoff-max", "1ms", "--refused-backoff", "1ms",
        "--timeout", "0", key=key, deadline=DEADLINE * 3,
    )
    assert done.returncode == OK, done.stderr[-500:]
    target.expect(key.id, b"at last")
    target.barrier()
    assert not net.faults, "every cut was met"


def test_a_payload_cut_in_the_middle_is_sent_again_whole(service, client, proxied, key):
    """Larger than what the kernel takes, so that the client knows that it was written only in part."""
    one = service()
    target = client(one.url)
    body = os.urandom(14 * 1024 * 1024)
    net = proxied(one.port, [Fault(cut_up=at, how=how) for at in (1000, 200_000, 3_000_000) for how in ("fin", "rst")],
                  receive_buffer=4096)
    done = send(net.url, target.id, body, *EAGER, key=key)
    assert done.returncode == OK, done.stderr
    assert target.receive()[1] == body
    target.barrier()
    assert not net.faults


def test_bytes_one_by_one_are_understood(service, client, proxied, listen, key):
    one = service()
    other = client(one.url)
    net = proxied(one.port, default=Fault(slice=1))
    listen(net.url, key, "--echo")
    for body in (b"", b"sliced", os.urandom(300)):
        other.send(key.id, body)
        other.expect(key.id, body)


def test_a_slow_network_is_only_slow(service, client, proxied, listen, key):
    one = service()
    other = client(one.url)
    net = proxied(one.port, default=Fault(delay=0.05))
    listen(net.url, key, "--echo")
    other.send(key.id, b"slowly")
    other.expect(key.id, b"slowly")


def test_a_network_that_falls_silent_is_noticed_by_the_client(service, client, proxied, listen, key):
    """No end, no reset: only the unanswered ping tells."""
    one = service()
    other = client(one.url)
    net = proxied(one.port)
    listener = listen(net.url, key, "--echo", "--ping-interval", "200ms", "--ping-timeout", "300ms")
    net.blackhole()
    assert listener.next("disconnected")["status"] == "UNRESPONSIVE"
    listener.connected()
    other.send(key.id, b"over the new connection")
    other.expect(key.id, b"over the new connection")


def test_a_reset_is_survived(service, client, proxied, listen, key):
    one = service()
    other = client(one.url)
    net = proxied(one.port)
    listener = listen(net.url, key, "--echo")
    for _ in range(3):
        net.reset()
        listener.next("disconnected")
        listener.connected()
    other.send(key.id, b"still")
    other.expect(key.id, b"still")


def test_a_stopped_client_is_hung_up_and_comes_back_when_it_wakes(service, client, listen, key):
    one = service(ping_interval="300ms", ping_timeout="1s")
    other = client(one.url)
    listener = listen(one.url, key, "--echo")
    listener.program.signal(signal.SIGSTOP)
    try:
        eventually(lambda: one.metrics().sum("acurast_ids") == 1, "the hang-up")
        other.barrier()
        other.send(key.id, b"while you slept")
        other.barrier()
    finally:
        listener.program.signal(signal.SIGCONT)
    listener.connected()
    assert listener.payload() == (other.id, b"while you slept"), "it waited in the mailbox"
    other.expect(key.id, b"while you slept")


def test_a_stopped_service_is_noticed_and_left(service, listen, key):
    stuck, good = service(), service()
    one = listen(
        [stuck.url, good.url], key, "--ping-interval", "200ms", "--ping-timeout", "300ms", "--connect-timeout", "500ms"
    )
    stuck.signal(signal.SIGSTOP)
    try:
        assert one.next("disconnected")["status"] == "UNRESPONSIVE"
        assert one.connected()["service"].endswith(str(good.port))
    finally:
        stuck.signal(signal.SIGCONT)


# --- refusals


def test_a_refusal_is_not_retried_in_a_tight_loop(key):
    refusals = []

    def refuse(ws):
        refusals.append(ws.recv())
        ws.close(1008, "not you")

    with serve(refuse, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "ws://127.0.0.1:%d" % server.socket.getsockname()[1]
        done = send(url, NOBODY, "x", "--timeout", "1500ms", "--linger", "0", *EAGER, key=key)
        server.shutdown()
    assert done.returncode == NO_ANSWER
    assert "1008" in done.stderr and "not you" in done.stderr
    assert len(refusals) == 1, "backoff from 30 s after a refusal for cause"


def test_backoff_grows(key):
    """A service that ends each connection at once is asked less and less often."""
    with socket.create_server(("127.0.0.1", 0)) as fake:
        times = []

        def serve():
            while True:
                try:
                    one, _ = fake.accept()
                except OSError:
                    return
                times.append(time.monotonic())
                one.close()

        threading.Thread(target=serve, daemon=True).start()
        url = f"ws://127.0.0.1:{fake.getsockname()[1]}"
        send(url, NOBODY, "x", "--timeout", "3s", "--linger", "0", "--backoff-min", "50ms", "--backoff-max", "10s", key=key)
        fake.shutdown(socket.SHUT_RDWR)
    # Full jitter: waits between 0 and 50, 100, 200, 400, ... ms.
    assert 2 <= len(times) <= 30
