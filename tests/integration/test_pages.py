"""Who gets to see the pages of the operator: nobody who came through a proxy, and no browser that was lured."""

import socket

import pytest

from support import rawws
from support.waiting import eventually

PAGES = ["/metrics", "/healthz", "/readyz"]


def status(url, path, **headers):
    """`headers`: with _ for -; None leaves one out."""
    with rawws.RawSocket(url) as raw:
        raw.request("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})
        return raw.answer()[0]


@pytest.mark.parametrize("value", ["203.0.113.1", "127.0.0.1", "", "   ", ",", "nonsense", "x" * 3000])
@pytest.mark.parametrize("name", ["X_Forwarded_For", "x_forwarded_for", "Forwarded", "FORWARDED", "X_Real_IP", "Via"])
def test_a_proxys_header_closes_them_on_the_public_port(service, name, value):
    one = service()
    for path in PAGES:
        assert status(one.url, path) == 200
        assert status(one.url, path, **{name: value}) == 404
    assert status(one.url, "/", **{name: value}) == 200


OURS = ["localhost", "127.0.0.1:1", "LOCALHOST:9002", "[::1]", "127.3.4.5"]
STRANGERS = ["evil.example", "evil.example:9002", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "a" * 300]


@pytest.mark.parametrize("admin", [False, True])
def test_on_loopback_a_strangers_name_opens_nothing(service, admin):
    """DNS rebinding: a name of the stranger's that leads to 127.0.0.1."""
    one = service(**({"admin_listen": "127.0.0.1:0"} if admin else {}))
    for path in PAGES:
        for host in OURS:
            assert status(one.page_url, path, Host=host) == 200, host
        for host in STRANGERS:
            assert status(one.page_url, path, Host=host) == 421, host
        assert status(one.page_url, path, Host=None) == 400, "HTTP/1.1 without a name"
    assert status(one.page_url, "/", Host="evil.example") == 200


def test_elsewhere_any_name_will_do(service):
    one = service(admin_listen="0.0.0.0:0")
    admin = one.admin.replace("0.0.0.0", "127.0.0.1")
    assert status(admin, "/metrics", Host="monitoring.example:9002") == 200


def test_connections_to_the_admin_listener_are_limited(service, bystanders):
    """64 at once; silent ones make room for those that come later."""
    one = service(admin_listen="127.0.0.1:0", threads=2)
    pair = bystanders(one.url)
    held = []
    for _ in range(80):
        held.append(socket.create_connection(("127.0.0.1", int(one.admin.rsplit(":", 1)[1]))))
        held[-1].setblocking(False)
    over = set()
    eventually(lambda: over.update(filter(ended, held)) or len(over) >= 16, "what is beyond 64")
    assert healthy(one)
    pair.check()
    for each in held:
        each.close()
    metrics = one.metrics()
    assert metrics.value("acurast_rejected_connections_total", reason="admin") >= 16
    assert metrics.value("acurast_rejected_connections_total", reason="connections") == 0


def ended(connection):
    """Cut off, or turned away where all of the thread's own are answering."""
    try:
        data = connection.recv(64)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return not data or data.startswith(b"HTTP/1.1 503 ")



def healthy(one):
    try:
        return status(one.admin, "/healthz") == 200
    except (OSError, rawws.Gone):
        return False
