"""A client behind an HTTP proxy: which one it takes, what it says to it, and that the rest is as without one."""

import contextlib
import re
import socket
import threading

import pytest

from support import certs, programs
from support.peer import EAGER, keygen

HEAD_MAX = 16384


class Proxy:
    """Answers CONNECT, and leads every name to one port of loopback. Keeps the heads that it was sent."""

    def __init__(self, port, reply="HTTP/1.1 200 Connection established\r\n\r\n"):
        self.target, self.reply, self.heads = port, reply, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client):
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < HEAD_MAX:
                head += client.recv(4096) or b"\r\n\r\n"
            self.heads.append(head.decode())
            with socket.create_connection(("127.0.0.1", self.target)) as service:
                for piece in re.findall(r"(?s).{1,7}", self.reply):
                    client.sendall(piece.encode())
                back = threading.Thread(target=self._copy, args=(service, client), daemon=True)
                back.start()
                self._copy(client, service)
                back.join()

    @staticmethod
    def _copy(source, to):
        with contextlib.suppress(OSError):
            while more := source.recv(65536):
                to.sendall(more)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def led(service):
    """Makes a proxy that leads to a service."""
    made = []

    def make(one=None, **how):
        one = one or service()
        made.append(Proxy(one.port, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


def echo(url, key, *flags, environment=None):
    """A payload to oneself, which comes back through whatever leads there."""
    done = programs.run(
        "acurast-peer", "send", "--url", url, "--key", key.file, "--to", key.id.hex(), "--wait", "1", "--timeout", "10s",
        *EAGER, *flags, "over there", environment=environment,
    )
    assert (done.returncode, done.stdout) == (0, "over there\n"), done.stderr


def test_the_option_names_it(led, key):
    proxy = led()
    echo("ws://service.test:1234/path", key, "--proxy", f"http://{proxy.place}")
    assert proxy.heads == ["CONNECT service.test:1234 HTTP/1.1\r\nHost: service.test:1234\r\n\r\n"]


@pytest.mark.parametrize(
    "reply",
    [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200\r\nVia: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + "x" * 12000 + "\r\n\r\n",
    ],
    ids=["1.0", "no phrase", "100 first", "12 KB"],
)
def test_answers_of_many_kinds(led, key, reply):
    echo("ws://service.test", key, "--proxy", led(reply=reply).place)


def test_tls_goes_through_it(led, service, key, tmp_path):
    authority = certs.Authority(tmp_path)
    cert, private, _ = authority.leaf("service.test")
    proxy = led(service(tls_cert=cert, tls_key=private))
    for host in ("service.test", "service.test."):  # the dot is no part of the certificate's name
        echo(f"wss://{host}", key, "--ca-file", authority.file, "--proxy", proxy.place)
        assert proxy.heads.pop().startswith(f"CONNECT {host}:443 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "credentials, sent",
    [("user:secret", "dXNlcjpzZWNyZXQ="), ("user", "dXNlcjo="), ("a%40b:%3a%2F%25", "YUBiOjovJQ==")],
)
def test_credentials_are_sent_and_never_printed(led, key, credentials, sent):
    proxy = led()
    echo("ws://service.test", key, "--proxy", f"http://{credentials}@{proxy.place}")
    assert f"\r\nProxy-Authorization: Basic {sent}\r\n" in proxy.heads[0]
    done = programs.run("acurast-peer", "look", "--url", "ws://service.test", "--proxy", "http://user:secret@host:0", "00" * 16)
    assert done.returncode == 2
    assert "HOST[:PORT]" in done.stderr and "secret" not in done.stderr


# ---- the environment; which one it names is tested in tests/unit/net_proxy.c ----


def test_the_environment_names_it(led, service, key, tmp_path):
    authority = certs.Authority(tmp_path)
    cert, private, _ = authority.leaf("service.test")
    plain, sealed = led(), led(service(tls_cert=cert, tls_key=private))
    both = {"http_proxy": f"http://{plain.place}", "HTTPS_PROXY": sealed.place, "no_proxy": "example.org", "NO_PROXY": ""}
    echo("ws://service.test", key, environment=both)
    echo("wss://service.test", key, "--ca-file", authority.file, environment=both)
    assert [len(plain.heads), len(sealed.heads)] == [1, 1]


def test_loopback_is_reached_directly(service, key):
    nobody = f"127.0.0.1:{programs.free_port()}"
    echo(service().url, key, environment={"http_proxy": nobody, "all_proxy": nobody})
    echo(service().url, key, "--proxy", nobody)


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_what_is_no_proxy_is_refused_when_the_client_is_made(how):
    flags, environment = (["--proxy", "socks5://user:secret@h"], {}) if how == "flag" else ([], {"all_proxy": "socks5://user:secret@h"})
    done = programs.run("acurast-peer", "look", "--url", "ws://here.test", *flags, "00" * 16, environment=environment)
    assert done.returncode == 2
    assert "proxy" in done.stderr and "only http:// proxies are supported" in done.stderr and "secret" not in done.stderr


def test_none_is_direct_whatever_the_environment_says(service, key):
    one = service()
    echo(one.url, key, "--proxy", "none", environment={"all_proxy": "socks5://127.0.0.1:1"})
