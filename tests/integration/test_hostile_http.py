"""What is no websocket on the service's port: HTTP of every kind, noise, and TLS where there is none."""

import base64
import os
import random
import socket
import ssl

import pytest

from support import certs, programs, rawws, v1


@pytest.fixture(scope="module")
def arena():
    one = programs.Service(drain_time="2s", handshake_time="2s")
    pair = v1.Bystanders(one.url)
    yield one, pair
    pair.close()
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def url(arena):
    one, pair = arena
    yield one.url
    assert one.alive(), one.stderr
    pair.check()


@pytest.fixture
def raw(url):
    one = rawws.RawSocket(url)
    yield one
    one.close()


def test_get_answers_with_a_page(raw):
    raw.request("GET", "/")
    status, headers = raw.answer()
    assert status in (200, 404, 426)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "BREW"])
def test_other_methods_are_refused(raw, method):
    raw.request(method, "/", {"Content-Length": "4"}, b"body")
    try:
        status, _ = raw.answer()
    except rawws.Gone:
        return  # a method that is not even known
    assert 400 <= status < 600


def test_post_is_answered_405(raw):
    raw.request("POST", "/", {"Content-Length": "0"})
    assert raw.answer()[0] == 405


def test_the_cookies_of_a_whole_domain_are_no_hindrance(url):
    with rawws.RawSocket(url) as one:
        assert one.upgrade(Cookie="; ".join(f"name{i}=" + "x" * 100 for i in range(130)))[0] == 101
    with rawws.RawSocket(url) as one:
        one.request("GET", "/", {"Cookie": "x" * 17000})
        assert one.answer()[0] == 431


SECOND_REQUESTS = {
    "the 67 bytes": b"GET / HTTP/1.1\nContent-Length:1\n\nxGET / HTTP/1.1\nContent-Length:1\n\n",
    "pipelined pages": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3,
    "bodies": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" * 3,
    "upgrades that are refused": b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx" * 3,
}


def check_one_answer(service, url, request, context=None):
    """One answer, an end, and a service that answers the next one."""
    with rawws.RawSocket(url, context=context) as one:
        one.write(request)
        assert one.read_to_end().count(b"HTTP/1.") == 1
    spent = service.processor_seconds()
    for _ in range(20):
        with rawws.RawSocket(url, context=context) as one:
            one.request("GET", "/")
            assert one.answer()[0] == 200
    assert service.processor_seconds() - spent < 1


@pytest.mark.parametrize("request_bytes", SECOND_REQUESTS.values(), ids=SECOND_REQUESTS.keys())
def test_a_second_request_holds_up_nobody(request_bytes):
    service = programs.Service(threads=1, admin_listen="127.0.0.1:0")
    for url in (service.url, service.admin):
        check_one_answer(service, url, request_bytes)
    assert service.end() == 0
    service.check_sanitizers()


def test_a_post_with_an_endless_body_is_ended(raw):
    raw.request("POST", "/", {"Content-Length": str(2**40)})
    try:
        for _ in range(1000):
            raw.write(bytes(65536))
    except (rawws.Gone, TimeoutError):
        pass


def test_an_upgrade_by_post_is_refused(raw):
    raw.request("POST", "/", raw.upgrade_headers())
    assert raw.answer()[0] >= 400


def test_an_upgrade_to_http_2_is_refused(raw):
    raw.request("GET", "/", {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"})
    try:
        assert raw.answer()[0] != 101
    except rawws.Gone:
        pass


def test_the_http_2_preface_is_refused(raw):
    try:
        raw.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
        data = raw.read_to_end()
    except rawws.Gone:
        return
    assert b"101" not in data[:20] and not data.startswith(b"\0\0"), data


@pytest.mark.parametrize("upgrade", ["foo", "raw", "websocketx", "", "websocket, h2c", "h2c, websocket", "tcp"])
def test_an_unknown_upgrade_is_refused_or_a_page(raw, upgrade):
    raw.request("GET", "/", raw.upgrade_headers(Upgrade=upgrade))
    try:
        status = raw.answer()[0]
    except rawws.Gone:
        return
    assert status != 101


@pytest.mark.parametrize("version", ["0", "7", "8", "12", "14", "99", "", "x", "13, 8", "-13"])
def test_another_websocket_version_is_refused(raw, version):
    status, headers = raw.upgrade(Sec_WebSocket_Version=version)
    assert status in (400, 426)
    if status == 426:
        assert headers.get("sec-websocket-version") == "13"


def test_an_upgrade_without_version_is_refused(raw):
    assert raw.upgrade(Sec_WebSocket_Version=None)[0] in (400, 426)


@pytest.mark.parametrize("size", [0, 1, 15, 17, 32, 200])
def test_a_key_of_another_length_is_refused(raw, size):
    assert raw.upgrade(Sec_WebSocket_Key=base64.b64encode(os.urandom(size)).decode())[0] == 400


@pytest.mark.parametrize("key", ["A" * 24, None])
def test_a_key_that_is_no_base64_of_16_bytes_is_refused(raw, key):
    assert raw.upgrade(Sec_WebSocket_Key=key)[0] == 400


def test_an_upgrade_without_connection_upgrade_is_no_websocket(raw):
    try:
        assert raw.upgrade(Connection="close")[0] != 101
    except rawws.Gone:
        pass


def test_extensions_are_not_negotiated(raw):
    status, headers = raw.upgrade(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    assert status == 101
    assert "sec-websocket-extensions" not in headers


@pytest.mark.parametrize("offered", ["chat", "chat, superchat", "acurast"])
def test_a_subprotocol_is_not_answered_with_silence(raw, offered):
    status, headers = raw.upgrade(Sec_WebSocket_Protocol=offered)
    assert status in (101, 400)
    assert headers.get("sec-websocket-protocol") in (None, *offered.split(", "))


@pytest.mark.parametrize("path", ["/", "/some/where", "/?a=b", "/" + "x" * 500, "/%00%ff"])
def test_any_path_and_any_origin_upgrade(url, path):
    with rawws.RawSocket(url) as one:
        one.login(path=path, Origin="https://anywhere.example")


def test_the_accept_key_is_right(raw):
    status, headers = raw.upgrade(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
    assert (status, headers["sec-websocket-accept"]) == (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"\xff" * 5000,
        b"\r\n" * 100,
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"EHLO there\r\n",
        b"*1\r\n$4\r\nPING\r\n",
    ],
)
def test_noise_instead_of_a_request_is_survived(raw, data):
    try:
        raw.write(data)
        raw.finish()
        raw.read_to_end()
    except (rawws.Gone, TimeoutError):
        pass


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_survived(raw, seed):
    try:
        raw.write(random.Random(seed).randbytes(3000))
        raw.finish()
        raw.read_to_end()
    except rawws.Gone:
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Large": "a" * 100_000},
        {f"X-{i}": "b" * 100 for i in range(2000)},
        {"Cookie": "c" * 1_000_000},
        {"Host": "h" * 20_000},
    ],
    ids=["one large", "many", "a megabyte", "a large host"],
)
def test_huge_headers_are_refused(raw, headers):
    try:
        raw.request("GET", "/", {**raw.upgrade_headers(), **headers})
        status, _ = raw.answer()
    except rawws.Gone:
        return
    assert status >= 400


def test_a_huge_path_is_refused(raw):
    try:
        raw.request("GET", "/" + "p" * 200_000, raw.upgrade_headers())
        assert raw.answer()[0] >= 400
    except rawws.Gone:
        pass


def test_a_request_of_one_byte_at_a_time_is_understood(url):
    with rawws.RawSocket(url) as one:
        head = "GET / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in {"Host": "x", **one.upgrade_headers()}.items())
        for byte in (head + "\r\n").encode():
            one.write(bytes([byte]))
        assert one.answer()[0] == 101


def test_frames_in_the_same_packet_as_the_upgrade_are_not_lost(url):
    """A client need not wait for 101 to have its first bytes on the way."""
    identity = v1.Identity()
    with rawws.RawSocket(url) as one:
        head = "GET / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in {"Host": "x", **one.upgrade_headers()}.items())
        one.write((head + "\r\n").encode() + rawws.RawSocket.encode(v1.frame(v1.INIT, identity.id)))
        assert one.answer()[0] == 101
        assert len(one.message()) == 65


@pytest.mark.parametrize("cut", [0, 1, 10, 40, 100])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_upgrade_that_ends_early_is_survived(raw, cut, how):
    head = "GET / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in {"Host": "x", **raw.upgrade_headers()}.items())
    raw.write(head.encode()[:cut])
    getattr(raw, how)()


def test_a_tls_hello_on_a_plain_port_is_ended(url):
    port = int(url.rsplit(":", 1)[1])
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        with pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(one, server_hostname="localhost")


# --- a TLS port


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    authority = certs.Authority(tmp_path_factory.mktemp("certs"))
    cert, key, _ = authority.leaf()
    one = programs.Service(tls_cert=cert, tls_key=key, drain_time="2s", handshake_time="2s")
    pair = v1.Bystanders(one.url, ssl=authority.context())
    yield one, pair, authority
    pair.close()
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def tls_raw(tls):
    """A bare TCP connection to the TLS port."""
    service, pair, _ = tls
    one = rawws.RawSocket(service.url)
    yield one
    one.close()
    assert service.alive(), service.stderr
    pair.check()


def test_plain_http_on_a_tls_port_gets_no_websocket(tls_raw):
    try:
        tls_raw.request("GET", "/", tls_raw.upgrade_headers())
        assert b"101" not in tls_raw.read_to_end()[:20]
    except rawws.Gone:
        pass


@pytest.mark.parametrize("request_bytes", SECOND_REQUESTS.values(), ids=SECOND_REQUESTS.keys())
def test_a_second_request_under_tls_holds_up_nobody(tls, request_bytes):
    service, pair, authority = tls
    check_one_answer(service, service.url, request_bytes, context=authority.context())
    pair.check()


@pytest.mark.parametrize("seed", range(8))
def test_noise_on_a_tls_port_is_ended(tls_raw, seed):
    noise = random.Random(seed).randbytes(500)
    if seed % 2:
        noise = b"\x16\x03\x01" + len(noise).to_bytes(2, "big") + noise
    try:
        tls_raw.write(noise)
        tls_raw.finish()
        tls_raw.read_to_end()
    except rawws.Gone:
        pass


def test_noise_after_a_tls_handshake_is_ended(tls):
    service, pair, authority = tls
    with rawws.RawSocket(service.url, context=authority.context()) as one:
        try:
            one.write(os.urandom(4000))
            one.socket.unwrap()
        except (rawws.Gone, OSError):
            pass
    pair.check()


def test_broken_records_after_a_tls_handshake_end_the_connection(tls):
    service, pair, authority = tls
    with rawws.RawSocket(service.url, context=authority.context()) as one:
        one.login()
        plain = socket.socket(fileno=os.dup(one.socket.fileno()))
        plain.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))
        plain.close()
        assert one.closed() == v1.Closed(None, "")
    pair.check()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(tls, version):
    service, _, authority = tls
    context = authority.context()
    context.minimum_version = context.maximum_version = version
    with v1.Client(service.url, ssl=context) as one:
        one.barrier()


def test_alpn_is_http_1_1_or_nothing(tls):
    service, _, authority = tls
    context = authority.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with rawws.RawSocket(service.url, context=context) as one:
        assert one.socket.selected_alpn_protocol() in (None, "http/1.1")
        one.login()


def test_a_silent_tls_handshake_is_ended_in_time(tls_raw):
    assert tls_raw.read_to_end() == b""
