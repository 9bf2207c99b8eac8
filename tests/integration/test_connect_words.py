"""Why a client cannot connect, in the words of core/docs/connecting.md: each row of its table."""

import contextlib
import pathlib
import re
import socket
import ssl
import threading
import warnings

import pytest

from support import certs, programs

PAGE = pathlib.Path(__file__).parents[2] / "core" / "docs" / "connecting.md"
WORDS = dict(re.findall(r"^\| `([^`]+)` \| ([A-Z]+) \|", PAGE.read_text(), re.MULTILINE))
SERVICE_NUMBERS = [301, 403, 404, 429, 502]
PROXY_NUMBERS = [403, 407]
WORDS_OF_A_RESET, WORDS_WITHOUT_A_WAY = "the connection was " "reset", "there is no way to " "that network"
STATUS = {  # as it begins
    "CONNECT": "the service could not be reached",
    "TIMEOUT": "time",
    "TLS": "the TLS handshake failed",
    "UPGRADE": "but not as a websocket service",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("words"))


@contextlib.contextmanager
def answering(act, context=None):
    """A service that does `act(connection)` with each client, under TLS where there is a context. Yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                act(context.wrap_socket(connection, server_side=True) if context else connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


def says(url, words, *flags):
    """The first attempt of a peer ends with these words, which it tells; the rest of what it says is returned."""
    assert words in WORDS, f"{words!r} is not on the page"
    one = programs.Program(
        "acurast-peer", "look", "--url", url, "--connect-timeout", "1s", "--backoff-min", "60s", *flags, "00" * 16
    )
    one.message("disconnected")
    one.kill()
    assert words in one.stderr and STATUS[WORDS[words]] in one.stderr, one.stderr
    return one.stderr


def answer(text):
    def act(connection):
        heard = b""
        while b"\r\n\r\n" not in heard:
            more = connection.recv(4096)
            if not more:
                return
            heard += more
        connection.sendall(text.encode())

    return act


def tls_context(files, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[0], files[1])
    for name, value in settings.items():
        setattr(context, name, value)
    return context


# ---- before TLS ----


def test_nothing_listens():
    text = says(f"ws://127.0.0.1:{programs.free_port()}", "connection refused: nothing listens there")
    assert "127.0.0.1: connection" in text


def test_each_address_of_a_name_is_told():
    text = says(f"ws://localhost:{programs.free_port()}", "connection refused: nothing listens there")
    addresses = {found[4][0] for found in socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)}
    for address in addresses:
        assert f"{address}: connection refused" in text


def test_no_answer_in_time():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        says(f"ws://127.0.0.1:{mute.getsockname()[1]}", "no answer in time", "--connect-timeout", "200ms")


# ---- TLS ----


@pytest.mark.parametrize(
    "words, leaf",
    [
        ("the certificate has expired", {"days": -1}),
        ("the certificate is not valid yet", {"days": 30, "begin": 20}),
        ("the certificate is for another host", {"names": ["other.example.org", "127.0.0.1"]}),
    ],
)
def test_a_certificate_that_is_no_good(authority, words, leaf):
    files = authority.leaf(*leaf.pop("names", ()), file=words.replace(" ", "-"), **leaf)
    with answering(lambda c: c.recv(1), tls_context(files)) as port:
        says(f"wss://localhost:{port}", words, "--ca-file", authority.file)


def test_a_certificate_without_the_address(authority):
    with answering(lambda c: c.recv(1), tls_context(authority.leaf("localhost", file="name"))) as port:
        says(f"wss://127.0.0.1:{port}", "the certificate is not for this address", "--ca-file", authority.file)


def test_an_unknown_authority(authority, tmp_path):
    other = certs.Authority(tmp_path, "Other authority")
    with answering(lambda c: c.recv(1), tls_context(other.leaf(file="unknown"))) as port:
        says(f"wss://localhost:{port}", "the certificate is signed by an unknown authority", "--ca-file", authority.file)


def test_a_certificate_that_is_signed_by_itself(authority, tmp_path):
    other = certs.Authority(tmp_path, "localhost")
    key = tmp_path / "own.key"
    key.write_bytes(certs._pem(other.key))
    with answering(lambda c: c.recv(1), tls_context((other.file, key))) as port:
        says(f"wss://localhost:{port}", "the certificate is signed by itself", "--ca-file", authority.file)


def test_no_version_in_common(authority):
    context = tls_context(authority.leaf(file="old"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with answering(lambda c: c.recv(1), context) as port:
        says(f"wss://localhost:{port}", "the service speaks no version of TLS from 1.2 on", "--ca-file", authority.file)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 64])
def test_no_tls(authority, said):
    def act(connection):
        connection.recv(4096)
        connection.sendall(said)
        connection.recv(1)

    with answering(act) as port:
        says(f"wss://localhost:{port}", "the service does not speak TLS", "--ca-file", authority.file)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_wanted(authority, version):
    context = tls_context(authority.leaf(file="wants"), verify_mode=ssl.CERT_REQUIRED, maximum_version=version)
    context.load_verify_locations(authority.file)
    with answering(lambda c: c.recv(1), context) as port:
        says(f"wss://localhost:{port}", "the service wants a client certificate", "--ca-file", authority.file)


def test_hanging_up_in_the_handshake(authority):
    with answering(lambda c: c.recv(4096)) as port:
        says(f"wss://localhost:{port}", "the service hung up in the TLS handshake", "--ca-file", authority.file)


# ---- HTTP ----


@pytest.mark.parametrize("number", SERVICE_NUMBERS)
def test_an_answer_that_is_no_upgrade(number):
    with answering(answer(f"HTTP/1.1 {number} Words\r\nContent-Length: 0\r\n\r\n")) as port:
        says(f"ws://127.0.0.1:{port}", f"the service answered with HTTP {number}")


def test_no_http():
    with answering(answer("220 mail.example.org ESMTP\r\n")) as port:
        says(f"ws://127.0.0.1:{port}", "the service does not speak HTTP")


def test_an_upgrade_to_something_else():
    with answering(answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")) as port:
        says(f"ws://127.0.0.1:{port}", "the service's answer is no upgrade to a websocket")


def test_hanging_up_on_the_request():
    with answering(lambda c: c.recv(4096)) as port:
        says(f"ws://127.0.0.1:{port}", "the service hung up")


# ---- proxies ----


@pytest.mark.parametrize("number", PROXY_NUMBERS)
def test_a_proxy_that_refuses(number):
    with answering(answer(f"HTTP/1.1 {number} Words\r\n\r\n")) as port:
        says("ws://service.test", f"the proxy answered with HTTP {number}", "--proxy", f"http://127.0.0.1:{port}")


def test_a_proxy_that_is_none():
    with answering(answer("\x05\x00")) as port:
        says("ws://service.test", "the proxy does not speak HTTP", "--proxy", f"127.0.0.1:{port}")


def test_a_proxy_that_says_more():
    with answering(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) as port:
        says("ws://service.test", "the proxy said more than it was asked", "--proxy", f"127.0.0.1:{port}")


def test_a_proxy_that_hangs_up():
    with answering(lambda c: c.recv(4096)) as port:
        says("wss://service.test", "the proxy hung up", "--proxy", f"127.0.0.1:{port}")


def test_each_row_of_the_page_is_tried_here():
    """But for what needs a network of its own: a reset in the middle of connect(), and no way to a network."""
    source = pathlib.Path(__file__).read_text()
    by_number = {f"the service answered with HTTP {number}" for number in SERVICE_NUMBERS}
    by_number |= {f"the proxy answered with HTTP {number}" for number in PROXY_NUMBERS}
    missing = {words for words in set(WORDS) - by_number if f'"{words}"' not in source}
    assert missing == {WORDS_OF_A_RESET, WORDS_WITHOUT_A_WAY}
