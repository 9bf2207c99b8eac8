"""The embedded service and the fixture that the package ships."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import urllib.request

import acurast
import pytest
from acurast import Client, Service
from conftest import eventually


def test_the_fixture(acurast_service):
    assert acurast_service.url == f"ws://127.0.0.1:{acurast_service.port}"
    with acurast.connect(acurast_service.url) as client:
        client.send(client.id, b"x")
        assert client.receive(10).payload == b"x"


def test_before_and_after():
    service = Service(port=0)
    assert "not started" in repr(service)
    for name in ("url", "port"):
        with pytest.raises(acurast.BadStateError, match="before it was started"):
            getattr(service, name)
    with service:
        assert service.url in repr(service)
        with pytest.raises(acurast.BadStateError):
            service.start()
    service.close()
    assert "closed" in repr(service)
    for call in (service.metrics, service.start, service.reload, lambda: service.url):
        with pytest.raises(acurast.ClosedError):
            call()


def test_a_second_request_holds_up_nobody():
    """Two requests with bodies in one packet once held its thread for ever."""
    request = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    with Service() as service, acurast.connect(service.url) as client:
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as stranger:
            stranger.sendall(request * 2)
            answer = b"".join(iter(lambda: stranger.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"HTTP/1.1") == 1
        client.send(client.id, b"x")
        assert client.receive(10).payload == b"x"


def test_a_port_in_use():
    with Service() as first:
        second = Service(first.port)
        with pytest.raises(acurast.AddressInUseError, match="port 0") as caught:
            second.start()
        assert isinstance(caught.value, OSError)
        second.close()


def test_an_address_that_is_not_ours():
    service = Service(host="192.0.2.1")
    with pytest.raises(acurast.Error):
        service.start()
    service.close()


def test_ipv6():
    service = Service(host="::1")
    try:
        service.start()
    except acurast.Error as error:
        service.close()
        pytest.skip(f"no IPv6 here: {error}")
    with service_running(service), acurast.connect(service.url) as client:
        assert "[::1]" in service.url and client.state is acurast.State.CONNECTED


class service_running:
    def __init__(self, service):
        self.service = service

    def __enter__(self):
        return self.service

    def __exit__(self, *_):
        self.service.close()


def test_figures_and_pages(acurast_service):
    with acurast.connect(acurast_service.url) as client:
        client.send(client.id, b"x")
        client.receive(10)
        figures = acurast_service.metrics()
    assert "# TYPE" in figures
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(acurast_service.url.replace("ws", "http") + "/healthz", timeout=10) as answer:
        assert answer.status == 200


def service_lines(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "acurast.service"]


def test_states_go_to_the_logger(caplog):
    with caplog.at_level(logging.DEBUG, logger="acurast"):
        with Service() as service, acurast.connect(service.url):
            url = service.url
        assert service_lines(caplog) == [("INFO", f"listening {url}"), ("INFO", "draining"), ("INFO", "closed")]


def test_log_lines_go_to_the_logger(caplog):
    with caplog.at_level(logging.DEBUG, logger="acurast"):
        with Service(log_level="debug", threads=2) as service, acurast.connect(service.url) as client:
            start = str(client.id)[:8]
        lines = service_lines(caplog)
    assert lines[-1] == ("INFO", "closed")
    assert ("DEBUG", f"what=accepted id={start}") in lines
    with pytest.raises(acurast.BadOptionError):
        Service(log_level="loud")


def test_a_handler_may_close_the_service():
    service = Service()
    seen = []

    class Closing(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())
            service.close(timeout=10)

    logger, handler = logging.getLogger("acurast.service"), Closing()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        service.start()
        eventually(lambda: len(seen) == 3)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert seen[0].startswith("listening ws://") and seen[1:] == ["draining", "closed"]


def test_options_and_reload(tmp_path):
    identity = acurast.Identity.generate()
    denied = tmp_path / "deny"
    denied.write_text("")
    with Service(deny_file=str(denied), max_frame="1MiB", handshake_time=1.5, mailbox_seconds=0, threads=2) as service:
        with acurast.connect(service.url, identity=identity) as client:
            client.send(client.id, b"x")
        denied.write_text(f"{identity.id}\n")
        service.reload()
        with pytest.raises(acurast.DeniedError):
            acurast.connect(service.url, identity=identity)


def test_tls(tmp_path):
    """A certificate of our own: trusted by ca_file, refused without."""
    openssl = pytest.importorskip("cryptography", reason="cryptography is not installed")
    del openssl
    certificate, key = make_certificate(tmp_path)
    with Service(tls_cert=str(certificate), tls_key=str(key)) as service:
        url = service.url.replace("127.0.0.1", "localhost")
        assert url.startswith("wss://")
        with acurast.connect(url, ca_file=str(certificate)) as client:
            client.send(client.id, b"x")
        with pytest.raises(acurast.TimeoutError) as caught:
            acurast.connect(url, timeout=2)
        assert isinstance(caught.value.__cause__, acurast.TlsError)


def make_certificate(folder):
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


async def test_async_with():
    async with Service() as service:
        clients = [Client(service.url) for _ in range(5)]
        await asyncio.gather(*[client.connect() for client in clients])
        await asyncio.gather(*[client.close() for client in clients])


def test_an_unclosed_service_warns():
    service = Service()
    service.start()
    with pytest.warns(ResourceWarning, match="unclosed <acurast.Service"):
        del service
        gc.collect()


def test_threads_may_close_it_at_once():
    import threading

    service = Service()
    service.start()
    threads = [threading.Thread(target=service.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert "closed" in repr(service)
