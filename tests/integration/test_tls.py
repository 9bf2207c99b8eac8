"""wss://: an own authority, a new certificate without a restart, and files that do not fit."""

import os
import shutil
import socket
import ssl
import time
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization

from support import certs, programs, rawws, v1
from support.waiting import DEADLINE, eventually


@pytest.fixture
def authority(tmp_path):
    return certs.Authority(tmp_path)


def serial(service, context):
    with rawws.RawSocket(service.url, context=context) as one:
        return certs.serial_of(one.socket)


def test_clients_talk_over_tls(service, client, authority):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key, threads=2)
    assert one.url.startswith("wss://")
    a, b = (client(one.url, ssl=authority.context()) for _ in range(2))
    for size in (0, 1, 20_000, 1024 * 1024):
        body = os.urandom(size)
        a.send(b.id, body)
        b.expect(a.id, body)
    for number in range(500):
        a.send(b.id, b"%d" % number)
    for number in range(500):
        b.expect(a.id, b"%d" % number)


def test_a_certificate_chain_of_a_stranger_is_refused_by_the_reference_client(service, authority, tmp_path):
    (tmp_path / "other").mkdir()
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    stranger = certs.Authority(tmp_path / "other", "Stranger")
    with pytest.raises(ssl.SSLCertVerificationError):
        v1.Client(one.url, ssl=stranger.context())


def test_sighup_takes_a_new_certificate_and_keeps_the_connections(service, client, authority):
    cert, key, first = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    a, b = (client(one.url, ssl=authority.context()) for _ in range(2))
    assert serial(one, authority.context()) == first
    _, _, second = authority.leaf()  # over the same files
    assert serial(one, authority.context()) == first, "not before it is told"
    one.reload()
    eventually(lambda: serial(one, authority.context()) == second, "the new certificate")
    a.send(b.id, b"through the old handshake")
    b.expect(a.id, b"through the old handshake")


def test_a_renewal_may_change_the_kind_of_key(service, authority):
    """A context that had the old key as well would go on with it for whoever can do both."""
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    for rsa in (True, False, True):
        _, _, fresh = authority.leaf(rsa_key=rsa)
        one.reload()
        eventually(lambda: serial(one, authority.context()) == fresh, "the new certificate")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = authority.context()
            context.minimum_version = context.maximum_version = version
            assert serial(one, context) == fresh


@pytest.mark.parametrize("days, words", [(60, None), (13.5, "what=certificate_ends_soon"), (-1, "what=certificate_expired")])
def test_the_end_of_a_certificate_is_told_in_time(service, authority, days, words):
    cert, key, first = authority.leaf(days=days)
    one = service(tls_cert=cert, tls_key=key, log_level="info")
    assert f"serial={first:X}" in one.message("what=certificate ").replace("serial=0", "serial=")
    context = authority.context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    left = one.metrics(context).value("acurast_tls_certificate_not_after_seconds") - time.time()
    assert abs(left - days * 86400) < 60
    if words:
        assert one.message(words)
        assert days < 0 or " days=13" in one.message(words)
    else:
        assert "certificate_e" not in one.stderr
    _, _, second = authority.leaf(days=2.5)
    one.reload()
    assert one.message(f"{second:X} not_after")
    assert one.message(" days=2")


def test_without_a_certificate_there_is_no_figure_of_one(service):
    assert "tls_certificate" not in service().page("/metrics")[1]


@pytest.mark.parametrize("how", ["garbage", "empty", "gone", "the key of another", "a truncated key"])
def test_broken_files_at_sighup_leave_the_old_certificate(service, authority, tmp_path, how):
    cert, key, first = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    if how == "garbage":
        cert.write_text("this is no certificate")
    elif how == "empty":
        key.write_text("")
    elif how == "gone":
        os.unlink(cert)
    elif how == "a truncated key":
        key.write_bytes(key.read_bytes()[:60])
    else:
        _, other, _ = authority.leaf(file="other")
        shutil.copy(other, key)
    one.reload()
    eventually(lambda: one.err, "a message about the files")
    assert serial(one, authority.context()) == first
    _, _, second = authority.leaf()
    one.reload()
    eventually(lambda: serial(one, authority.context()) == second, "the mended certificate")


@pytest.mark.parametrize("how", ["no such file", "garbage", "mismatch", "encrypted", "key only", "cert only"])
def test_broken_files_at_start_are_told(authority, tmp_path, how):
    cert, key, _ = authority.leaf()
    if how == "no such file":
        cert = tmp_path / "nowhere.crt"
    elif how == "garbage":
        cert.write_text("garbage")
    elif how == "mismatch":
        _, key, _ = authority.leaf(file="other")
    elif how == "encrypted":
        secret = serialization.load_pem_private_key(key.read_bytes(), None)
        locked = serialization.BestAvailableEncryption(b"secret")
        key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    flags = ["--listen", "127.0.0.1:0"]
    if how != "key only":
        flags += ["--tls-cert", cert]
    if how != "cert only":
        flags += ["--tls-key", key]
    done = programs.run("acurast-service", *flags)
    assert done.returncode not in (0, None) and done.returncode > 0, done
    words = {
        "no such file": f"tls-cert: {cert}: No such file or directory",
        "garbage": f"tls-cert: {cert}: not a readable PEM certificate chain",
        "mismatch": f"tls-key: {key}: not the key of tls-cert",
        "encrypted": f"tls-key: {key}: it is encrypted",
    }
    assert words.get(how, "one needs the other") in done.stderr
    assert "listening" not in done.stdout


def test_pages_are_served_over_tls_too(service, authority):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    assert one.page("/healthz", context=authority.context())[0] == 200
    one.metrics(authority.context())


@pytest.mark.parametrize("ciphers", ["ECDHE+AESGCM", "ECDHE+CHACHA20"])
def test_tls_1_2_is_spoken_with_forward_secrecy_and_authenticated_encryption(service, client, authority, ciphers):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    client(one.url, ssl=older(authority, ciphers)).barrier()


@pytest.mark.parametrize(
    ("ciphers", "rsa"), [("ECDHE+AES:!AESGCM:!AESCCM", False), ("ECDHE+AES:!AESGCM:!AESCCM", True), ("kRSA", True)]
)
def test_tls_1_2_is_not_spoken_without(service, client, authority, ciphers, rsa):
    cert, key, _ = authority.leaf(rsa_key=rsa)
    one = service(tls_cert=cert, tls_key=key)
    with pytest.raises(ssl.SSLError, match="handshake failure|HANDSHAKE_FAILURE"):
        client(one.url, ssl=older(authority, ciphers))
    client(one.url, ssl=authority.context()).barrier()


@pytest.mark.parametrize(
    ("ciphers", "chosen"),
    [
        ("ECDHE+AES256+AESGCM:ECDHE+AES128+AESGCM:ECDHE+CHACHA20", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("ECDHE+CHACHA20:ECDHE+AESGCM", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ],
)
def test_the_cipher_is_the_cheapest_for_both(service, authority, ciphers, chosen):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    assert visit(one, older(authority, ciphers)).cipher == chosen
    assert visit(one, authority.context()).cipher == "TLS_AES_128_GCM_SHA256"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_on_every_thread_until_the_certificate_is_new(service, authority, version):
    cert, key, first = authority.leaf()
    one = service(tls_cert=cert, tls_key=key, threads=4)
    context = authority.context()
    context.maximum_version = version
    tickets = []
    context._msg_callback = lambda _, way, version, kind, message, data: tickets.append(way) if message == 4 else None
    session = visit(one, context).session
    assert tickets == ["read"], "one ticket"
    context._msg_callback = None
    assert all(visit(one, context, session).session_reused for _ in range(16))
    authority.leaf()  # over the same files
    one.reload()
    eventually(lambda: not visit(one, context, session).session_reused, "the old keys are gone")


class Visit(NamedTuple):
    session: ssl.SSLSession
    session_reused: bool
    cipher: str


def visit(one, context, session=None):
    """A TLS connection that has read an answer, and so what the service says behind its handshake; closed."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=DEADLINE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
            secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert secure.recv(4096).startswith(b"HTTP/1.1 200")
            return Visit(secure.session, secure.session_reused, secure.cipher()[0])


def older(authority, ciphers):
    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    return context


class Dribble:
    """A TLS client whose bytes go out as the test wants."""

    def __init__(self, one, authority):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = authority.context().wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.socket = socket.create_connection(("127.0.0.1", one.port), timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def greeting(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return self.outgoing.read()
        raise AssertionError("a handshake without an answer")

    def go_on(self):
        while True:
            try:
                self.tls.do_handshake()
                self.socket.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                data = self.socket.recv(65536)
                assert data, "the service ended the handshake"
                self.incoming.write(data)


def await_end(raw):
    """The end, perhaps behind an alert; a reset is one."""
    try:
        while raw.recv(100):
            continue
    except ConnectionResetError:
        pass


def in_records(greeting, size):
    """The same greeting in records of `size` bytes."""
    message = greeting[5:]
    pieces = [message[i : i + size] for i in range(0, len(message), size)]
    return b"".join(greeting[:3] + len(piece).to_bytes(2, "big") + piece for piece in pieces)


@pytest.mark.parametrize("how", ["bytes", "records", "both"])
def test_a_greeting_may_come_in_pieces(service, authority, how):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key)
    client = Dribble(one, authority)
    greeting = client.greeting()
    if how != "bytes":
        greeting = in_records(greeting, 40)
    step = 1 if how != "records" else len(greeting)
    for at in range(0, len(greeting), step):
        client.socket.sendall(greeting[at : at + step])
    client.go_on()
    client.socket.close()


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x00\x02\x01\x00", b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(20_000)])
def test_a_greeting_that_cannot_be_one_ends_the_connection(service, authority, nonsense):
    """A first record without the length of the greeting; more than a greeting may have."""
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key, admin_listen="127.0.0.1:0", handshake_time="60s")
    with socket.create_connection(("127.0.0.1", one.port), timeout=DEADLINE) as raw:
        raw.sendall(nonsense)
        await_end(raw)
    eventually(lambda: one.metrics().value("acurast_connections") == 0, "the end")


def test_who_never_greets_is_ended_in_time_and_costs_little(service, authority):
    cert, key, _ = authority.leaf()
    one = service(tls_cert=cert, tls_key=key, admin_listen="127.0.0.1:0", handshake_time="500ms")
    before = one.metrics().value("acurast_connections")
    silent = [socket.create_connection(("127.0.0.1", one.port), timeout=DEADLINE) for _ in range(50)]
    silent[0].sendall(b"\x16\x03\x01")
    for each in silent:
        await_end(each)
        each.close()
    eventually(lambda: one.metrics().value("acurast_connections") == before, "the end")
