"""acurast-service as a program: its flags, its pages, its beginning and its end."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest
from websockets.exceptions import ConnectionClosed

from support import programs, rawws, v1
from support.waiting import DEADLINE, eventually

# --- flags


def table():
    """The rows of the one table of options: {name: (scope, default)}."""
    text = (programs.ROOT / "core/src/base/option_table.h").read_text()
    rows = re.findall(r'X\(\s*\w+,\s*"([a-z-]+)",\s*(CONTEXT|CLIENT|SERVICE),\s*\w+,\s*"([^"]*)"', text)
    assert len(rows) > 50
    return rows


def test_help_names_every_option_and_its_default():
    done = programs.run("acurast-service", "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for name, scope, default in table():
        if scope == "SERVICE":
            assert f"--{name}" in done.stdout, name
            assert default in done.stdout
    assert "--threads" in done.stdout


def test_version_is_told():
    done = programs.run("acurast-service", "--version")
    assert done.returncode == 0
    header = (programs.ROOT / "core/include/acurast/version.h").read_text()
    version = re.search(r'ACURAST_VERSION "([^"]+)"', header).group(1)
    assert version in done.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ["--no-such-flag", "1"],
        ["--max-frame"],
        ["--max-frame", "many"],
        ["--max-frame", "1"],
        ["--max-frame=-5"],
        ["--rate-messages", "1.5"],
        ["--difficulty", "ff"],
        ["--difficulty", "zz" * 16],
        ["--listen", "nowhere"],
        ["--listen", "127.0.0.1"],
        ["--listen", "127.0.0.1:99999"],
        ["--listen", "not.an.address.example:0"],
        ["--admin-listen", "127.0.0.1:x"],
        ["--allow", "abc"],
        ["--deny", "00" * 15],
        ["--allow", "02" + "ff" * 32],
        ["--allow-file", "/no/such/file"],
        ["--trust-proxy", "10.0.0.0/99"],
        ["--trust-proxy", "proxy.example"],
        ["--threads", "-1"],
        ["--ping-interval", "soon"],
        ["--url", "ws://127.0.0.1"],
        ["stray"],
    ],
    ids=" ".join,
)
def test_a_bad_command_line_is_refused_with_its_reason(flags):
    extra = [] if "--listen" in flags else ["--listen", "127.0.0.1:0"]
    done = programs.run("acurast-service", *extra, *flags)
    assert done.returncode in (1, 2), done
    assert done.stdout == ""
    assert done.stderr.strip(), "a refusal without a word"
    named = flags[0].split("=")[0]
    assert named.lstrip("-") in done.stderr, f"{named} is not named in: {done.stderr}"


def test_an_equals_sign_separates_as_well():
    one = programs.Program("acurast-service", "--listen=127.0.0.1:0", "--max-frame=64KiB")
    assert re.match(r"listening on ws://127\.0\.0\.1:\d+$", one.line())
    assert one.end() == 0


def test_each_option_is_also_an_environment_variable(client):
    one = programs.Service({"ACURAST_SERVICE_MAX_FRAME": "4KiB", "ACURAST_SERVICE_DRAIN_TIME": "1s"})
    sender = client(one.url)
    sender.send(sender.id, bytes(5000))
    assert sender.gone().code == 1009
    assert one.end() == 0
    bare = programs.Program("acurast-service", environment={"ACURAST_SERVICE_LISTEN": "127.0.0.1:0"})
    assert re.match(r"listening on ws://127\.0\.0\.1:\d+$", bare.line())
    assert bare.end() == 0


def test_the_command_line_wins_over_the_environment(client):
    one = programs.Service({"ACURAST_SERVICE_MAX_FRAME": "4KiB"}, max_frame="64KiB")
    sender = client(one.url)
    sender.send(sender.id, bytes(5000))
    sender.expect(sender.id, bytes(5000))
    assert one.end() == 0


def test_a_bad_environment_variable_is_refused_by_its_name():
    done = programs.run("acurast-service", environment={"ACURAST_SERVICE_MAX_FRAME": "much"})
    assert done.returncode in (1, 2)
    assert "MAX_FRAME" in done.stderr or "max-frame" in done.stderr


# --- listening


def test_it_listens_on_what_was_asked_and_on_nothing_else(service):
    one = service(listen=["127.0.0.1:0", "127.0.0.1:0"], admin_listen="127.0.0.1:0", threads=2)
    ports = {int(url.rsplit(":", 1)[1]) for url in one.urls}
    bound = one.sockets()
    assert {address for address, _ in bound} == {"127.0.0.1"}
    assert len(ports) == 2
    assert ports < {port for _, port in bound}
    assert len({port for _, port in bound}) == 3


def test_every_listener_leads_to_the_same_directory(service, client):
    one = service(listen=["127.0.0.1:0", "127.0.0.1:0"])
    a, b = client(one.urls[0]), client(one.urls[1])
    a.send(b.id, b"across")
    b.expect(a.id, b"across")


def test_another_loopback_address_is_not_bound(service):
    one = service(listen="127.0.0.1:0")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", one.port), timeout=5)


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
def test_ipv6_is_bound_alone(service, client):
    one = service(listen="[::1]:0")
    assert one.url.startswith("ws://[::1]:")
    assert {address for address, _ in one.sockets()} == {"::1"}
    client(one.url).barrier()


def test_all_addresses_are_bound_when_asked(service, client):
    one = service(listen="0.0.0.0:0")
    assert {address for address, _ in one.sockets()} <= {"0.0.0.0", "::"}
    client(f"ws://127.0.0.2:{one.port}").barrier()


def test_a_port_in_use_is_an_error_with_its_reason():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = programs.run("acurast-service", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert str(port) in done.stderr and "in use" in done.stderr
    assert done.stdout == ""


def test_two_services_never_share_a_port(service):
    """SO_REUSEPORT, which spreads connections over threads, must not let a second service in."""
    one = service(threads=2)
    done = programs.run("acurast-service", "--listen", f"127.0.0.1:{one.port}")
    assert done.returncode == 1, "a second service took half of the connections"
    assert "in use" in done.stderr


def test_one_bad_listener_of_several_ends_the_start():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = programs.run("acurast-service", "--listen", "127.0.0.1:0", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert str(port) in done.stderr


def test_a_port_can_be_taken_again_right_after_the_end(client):
    """With connections in TIME_WAIT."""
    first = programs.Service()
    port = first.port
    one = v1.Client(first.url)
    assert first.end() == 0
    one.close()
    second = programs.Service(listen=f"127.0.0.1:{port}")
    client(second.url).barrier()
    assert second.end() == 0


# --- pages


def test_healthz_and_readyz_answer(service):
    one = service()
    assert one.page("/healthz")[0] == 200
    assert one.page("/readyz")[0] == 200
    assert one.page("/no/such/page")[0] == 404


def test_metrics_are_prometheus_text_and_tell_what_the_issue_names(service, client):
    one = service(threads=2)
    a, b = client(one.url), client(one.url)
    for _ in range(3):
        a.send(b.id, b"12345")
        b.expect(a.id, b"12345")
    a.send(os.urandom(16), b"nobody")
    a.barrier()
    bad = client(one.url, login=False)
    bad.respond(bytes(16))
    assert bad.gone().code == 1008
    metrics = one.metrics()
    size = v1.HEADER + 5
    assert metrics.value("acurast_ids") == 2
    assert metrics.value("acurast_connections") >= 2
    assert metrics.value("acurast_frames_in_total") == 5
    assert metrics.value("acurast_frames_out_total") == 4
    assert metrics.value("acurast_bytes_in_total") == 3 * size + (v1.HEADER + 6) + (v1.HEADER + 8)
    assert metrics.value("acurast_bytes_out_total") == 3 * size + v1.HEADER + 8
    assert metrics.value("acurast_handshakes_total", result="accepted") == 2
    assert metrics.value("acurast_handshakes_total", result="no_challenge") == 1
    assert metrics.value("acurast_dropped_frames_total", reason="unknown_recipient") == 1
    assert metrics.value("acurast_mailbox_frames") == 0
    assert metrics.value("acurast_handshake_seconds_count") == 2
    assert metrics.value("acurast_handshake_seconds_bucket", le="+Inf") == 2
    assert metrics.types["acurast_handshake_seconds"] == "histogram"
    for name, kind in metrics.types.items():
        assert name in metrics.helps, f"{name} has no help"
        assert name.endswith("_total") == (kind == "counter"), name


def test_every_refusal_of_the_table_is_a_label(service):
    text = (programs.ROOT / "core/src/protocol/service_session.h").read_text()
    labels = set(re.findall(r'X\([A-Z_]+, 1\d\d\d, "([a-z_0-9]+)"', text))
    assert len(labels) >= 15
    assert labels <= service().metrics().labels("acurast_handshakes_total", "result")


def test_metrics_have_their_content_type(service):
    one = service()
    with rawws.RawSocket(one.url) as raw:
        raw.request("GET", "/metrics")
        status, headers = raw.answer()
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")


def test_head_has_no_body(service):
    with rawws.RawSocket(service().url) as raw:
        raw.request("HEAD", "/healthz", {"Connection": "close"})
        status, _ = raw.answer()
        assert status == 200
        assert raw.read_to_end() == b""


def test_pages_can_be_asked_for_many_times(service):
    one = service()
    before = one.descriptors()
    for _ in range(100):
        assert one.page("/healthz")[0] == 200
    eventually(lambda: one.descriptors() <= before + 1, "the descriptors' return")


def test_with_an_admin_listener_the_public_port_shows_no_figures(service, client):
    one = service(admin_listen="127.0.0.1:0")
    admin, public = one.admin, one.url.replace("ws", "http", 1)
    assert one.page("/metrics", admin)[0] == 200
    assert one.page("/readyz", admin)[0] == 200
    assert one.page("/healthz", admin)[0] == 200
    assert one.page("/metrics", public)[0] == 404
    assert one.page("/readyz", public)[0] == 404
    client(one.url).barrier()


def test_the_admin_listener_is_no_websocket_service(service):
    one = service(admin_listen="127.0.0.1:0")
    with rawws.RawSocket(one.admin) as raw:
        assert raw.upgrade()[0] >= 400


def test_the_admin_listener_is_named_on_start():
    one = programs.Program("acurast-service", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
    try:
        assert re.match(r"listening on ws://127\.0\.0\.1:\d+$", one.line())
        assert re.match(r"admin on http://127\.0\.0\.1:\d+$", one.line())
    finally:
        assert one.end() == 0


def test_a_public_port_that_is_not_loopback_shows_no_figures(service):
    one = service(listen="0.0.0.0:0")
    base = f"http://127.0.0.1:{one.port}"
    assert one.page("/metrics", base)[0] == 404
    assert one.page("/readyz", base)[0] == 404


def test_no_payload_and_no_full_id_is_in_the_log(service, client):
    one = service(log_level="debug", rate_messages=5)
    a, b = client(one.url), client(one.url)
    for number in range(12):
        a.send(b.id, b"a secret payload")
    for _ in range(12):
        b.expect(a.id, b"a secret payload")
    bad = client(one.url, login=False)
    bad.init()
    challenge, _ = bad.challenge()
    bad.respond(challenge, signature=bytes(64))
    bad.gone()
    assert one.end() == 0
    text = "\n".join(one.err + one.out)
    assert "a secret payload" not in text and b"a secret payload".hex() not in text
    for identity in (a.identity, b.identity, bad.identity):
        assert identity.public_key.hex() not in text and identity.public_key.hex()[2:] not in text
        assert challenge.hex() not in text


def test_the_log_is_quiet_by_default(service, client):
    one = service()
    client(one.url).barrier()
    assert one.err == []


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_tells_every_client_and_ends_in_time(client, number):
    one = programs.Service(drain_time="10s", threads=2)
    clients = [client(one.url) for _ in range(10)]
    pending = client(one.url, login=False)
    begin = time.monotonic()
    one.signal(number)
    for each in clients:
        assert each.gone().code == 1001
    assert pending.gone().code == 1001
    assert one.wait() == 0
    assert time.monotonic() - begin < 9, "all had gone, there was nothing to wait for"
    one.check_sanitizers()


def test_a_drain_without_clients_is_immediate():
    one = programs.Service(drain_time="60s")
    begin = time.monotonic()
    assert one.end() == 0
    assert time.monotonic() - begin < 10


def test_a_drain_ends_in_bounded_time_beside_clients_that_do_not_go():
    """One that never reads, one that never answers the close, one that has not even upgraded."""
    one = programs.Service(drain_time="1s", handshake_time="60s")
    stubborn = [rawws.RawSocket(one.url, receive_buffer=4096) for _ in range(4)]
    identity = stubborn[0].login()
    stubborn[1].login()
    stubborn[2].upgrade()
    with v1.Client(one.url) as sender:
        for _ in range(200):
            sender.send(identity.id, bytes(16 * 1024))
        sender.barrier()
        begin = time.monotonic()
        one.signal(signal.SIGTERM)
        assert one.wait() == 0
        assert time.monotonic() - begin < 8
    for each in stubborn:
        each.close()
    one.check_sanitizers()


def test_a_drain_lets_out_what_is_queued(client):
    """The reader is slow but reads: it gets everything, and then the reason."""
    one = programs.Service(drain_time="20s", rate_messages=0)
    sender = client(one.url)
    with rawws.RawSocket(one.url, receive_buffer=8192) as slow:
        identity = slow.login()
        for number in range(200):
            sender.send(identity.id, b"%06d" % number + bytes(16 * 1024))
        sender.barrier()
        one.signal(signal.SIGTERM)
        assert sender.gone().code == 1001
        for number in range(200):
            assert slow.message()[33:39] == b"%06d" % number
        assert slow.closed().code == 1001
    assert one.wait() == 0
    one.check_sanitizers()


def test_nobody_new_gets_in_while_it_drains():
    one = programs.Service(drain_time="3s", admin_listen="127.0.0.1:0")
    with rawws.RawSocket(one.url) as stubborn:
        stubborn.login()
        one.signal(signal.SIGTERM)
        assert stubborn.closed().code == 1001
        with pytest.raises((OSError, ConnectionClosed, AssertionError, rawws.Gone)):
            with rawws.RawSocket(one.url) as late:
                late.socket.settimeout(5)
                late.login()
    assert one.wait() == 0


def test_a_second_signal_does_no_harm():
    one = programs.Service(drain_time="1s")
    with rawws.RawSocket(one.url) as stubborn:
        stubborn.login()
        for _ in range(3):
            one.signal(signal.SIGTERM)
        assert one.wait() in (0, 1)
    one.check_sanitizers()


def test_sighup_without_anything_to_reload_is_harmless(service, client):
    one = service()
    a = client(one.url)
    for _ in range(5):
        one.reload()
        a.barrier()


def test_signals_that_programs_ignore_are_ignored(service, client):
    """A log reader that went away must not end the service."""
    one = service(log_level="debug")
    one.signal(signal.SIGPIPE)
    client(one.url).barrier()


def test_it_lives_without_its_standard_streams():
    process = subprocess.Popen(
        [str(programs.BIN / "acurast-service"), "--listen", "127.0.0.1:0", "--log-level", "debug"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.clean_environment(),
    )
    try:
        url = process.stdout.readline().decode().split()[-1]
        process.stdout.close()
        process.stderr.close()
        with v1.Client(url) as one:
            one.barrier()
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
