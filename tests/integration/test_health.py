"""acurast-service --healthcheck: what a container engine runs beside the service."""

import signal
import socket
import threading

import pytest

from support import certs, programs, rawws


def check(environment=None, **options):
    return programs.run("acurast-service", "--healthcheck", *programs.flags_of(options), environment=environment)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", "0.0.0.0:0"])
def test_one_that_is_ready(service, listen):
    one = service(admin_listen=listen)
    done = check(admin_listen=one.admin.removeprefix("http://"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")


def test_it_reads_the_settings_of_the_service_from_the_environment(service):
    one = service(admin_listen="127.0.0.1:0")
    done = check({"ACURAST_SERVICE_ADMIN_LISTEN": one.admin.removeprefix("http://")}, listen="127.0.0.1:1")
    assert done.returncode == 0, done.stderr


def test_without_an_admin_listener_the_first_public_one_is_asked(service):
    one = service(listen=["127.0.0.1:0", "127.0.0.1:0"])
    assert check(listen=[f"127.0.0.1:{one.port}", "127.0.0.1:1"]).returncode == 0


def test_one_that_drains_is_not_ready(service):
    one = service(admin_listen="127.0.0.1:0", drain_time="20s")
    with rawws.RawSocket(one.url) as stubborn:
        stubborn.login()
        one.signal(signal.SIGTERM)
        assert stubborn.closed().code == 1001
        done = check(admin_listen=one.admin.removeprefix("http://"))
        assert done.returncode == 1 and "not ready: 503" in done.stderr
    assert one.wait() == 0


def test_nobody_there():
    done = check(listen=f"127.0.0.1:{programs.free_port()}")
    assert done.returncode == 1 and "refused" in done.stderr and done.stdout == ""


def test_a_port_with_tls_is_named_as_the_reason(service, tmp_path):
    cert, key, _ = certs.Authority(tmp_path).leaf()
    one = service(tls_cert=cert, tls_key=key)
    done = check(listen=f"127.0.0.1:{one.port}")
    assert done.returncode == 1 and "--admin-listen" in done.stderr


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1", "127.0.0.1:http", ":", "[::1", "127.0.0.1:99999"])
def test_what_is_no_address(address):
    done = check(admin_listen=address)
    assert done.returncode == 1 and done.stderr


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"\0" * 100_000, b"HTTP/1.1 2000\r\n\r\nready\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 503 \x1b[2J\r\n\r\n\x1b[2Jno\n"],
)
def test_an_answer_of_another_kind(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                try:
                    connection.sendall(answer)
                except ConnectionError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        done = check(listen=f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert done.returncode == 1 and done.stdout == ""
    assert "\x1b" not in done.stderr


def test_one_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = check(listen=f"127.0.0.1:{server.getsockname()[1]}")
    assert done.returncode == 1 and "timed out" in done.stderr
