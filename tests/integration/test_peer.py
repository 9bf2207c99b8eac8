"""acurast-peer at its best: keys, ids, send, listen, ping, and what its exit codes say."""

import json
import os
import signal
import stat
import subprocess
import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from websockets.sync.server import serve

from support import msgpack, peer as peers, programs, v1
from support.peer import keygen, objects, send
from support.waiting import DEADLINE, eventually

OK, FAILED, USAGE, NO_ANSWER = range(4)


@pytest.fixture(scope="module")
def relay():
    one = programs.Service(drain_time="2s", max_frame="2MiB")
    yield one
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


@pytest.fixture
def listen(peer):
    """Starts a listener and waits until it is connected."""

    def start(url, key, *flags, wait=True):
        one = peers.Listener(peer(*peers.Listener.arguments(url, key, *flags)), key)
        if wait:
            one.connected()
        return one

    return start


# --- keys


def test_keygen_makes_a_key_file_that_others_can_read(tmp_path):
    made = keygen(tmp_path)
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    loaded = serialization.load_pem_private_key(made.file.read_bytes(), None)
    assert isinstance(loaded.curve, ec.SECP256R1)
    compressed = loaded.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    assert compressed == made.public_key
    assert v1.id_of(compressed) == made.id


def test_keygen_makes_ed25519_keys(tmp_path):
    made = keygen(tmp_path, "ed.pem", "--ed25519")
    loaded = serialization.load_pem_private_key(made.file.read_bytes(), None)
    assert isinstance(loaded, ed25519.Ed25519PrivateKey)
    raw = loaded.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert made.public_key == b"\xed" + raw
    assert v1.id_of(made.public_key) == made.id


def test_keygen_without_a_file_prints_the_key():
    done = programs.run("acurast-peer", "keygen")
    assert done.returncode == OK
    serialization.load_pem_private_key(done.stdout.encode(), None)


def test_keygen_leaves_an_existing_file_alone(key):
    before = key.file.read_bytes()
    done = programs.run("acurast-peer", "keygen", "--out", key.file)
    assert done.returncode == FAILED
    assert str(key.file) in done.stderr
    assert key.file.read_bytes() == before


def test_keys_never_repeat(tmp_path):
    assert len({keygen(tmp_path, f"{n}.pem").id for n in range(5)}) == 5


def test_id_takes_keys_in_every_form():
    identity = v1.Identity()
    for form in (identity.id, identity.public_key, identity.uncompressed):
        for text in (form.hex(), "0x" + form.hex(), form.hex().upper()):
            done = programs.run("acurast-peer", "id", "--json", text)
            assert done.returncode == OK
            told = json.loads(done.stdout)
            assert told["id"] == identity.id.hex()
            assert told.get("public_key") == (None if len(form) == 16 else identity.public_key.hex())


def test_id_reads_key_files_of_both_pem_forms(tmp_path):
    identity = v1.Identity()
    forms = {"pkcs8": serialization.PrivateFormat.PKCS8, "sec1": serialization.PrivateFormat.TraditionalOpenSSL}
    for name, form in forms.items():
        file = tmp_path / name
        file.write_bytes(identity.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        done = programs.run("acurast-peer", "id", "--key", file)
        assert done.returncode == OK
        assert identity.id.hex() in done.stdout and identity.public_key.hex() in done.stdout


@pytest.mark.parametrize(
    "text",
    ["", "zz", "abc", "00" * 15, "00" * 17, "02" + "ff" * 32, "04" + "11" * 64, "05" + "11" * 32, "0x", "éé"],
)
def test_id_refuses_what_is_no_recipient(text):
    done = programs.run("acurast-peer", "id", text)
    assert done.returncode != OK
    assert done.stdout == "" and done.stderr.strip()


@pytest.mark.parametrize("how", ["missing", "garbage", "encrypted", "another curve", "public", "empty", "a folder"])
def test_a_key_file_that_is_none_is_told(tmp_path, how):
    file = tmp_path / "key.pem"
    encoding, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    if how == "garbage":
        file.write_bytes(os.urandom(300))
    elif how == "encrypted":
        locked = serialization.BestAvailableEncryption(b"secret")
        file.write_bytes(v1.Identity().key.private_bytes(encoding, pkcs8, locked))
    elif how == "another curve":
        key = ec.generate_private_key(ec.SECP384R1())
        file.write_bytes(key.private_bytes(encoding, pkcs8, serialization.NoEncryption()))
    elif how == "public":
        file.write_bytes(
            v1.Identity().key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    elif how == "empty":
        file.write_text("")
    elif how == "a folder":
        file.mkdir()
    done = programs.run("acurast-peer", "id", "--key", file)
    assert done.returncode == FAILED
    assert str(file) in done.stderr
    assert done.stdout == ""


# --- send and listen


def test_a_payload_goes_from_send_to_listen(relay, listen, key, tmp_path):
    sender = keygen(tmp_path, "sender.pem")
    one = listen(relay.url, key)
    assert send(relay.url, key.id, "hello", key=sender).returncode == OK
    assert one.payload() == (sender.id, b"hello")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65536, 1024 * 1024])
def test_a_payload_of_any_size_goes_through_standard_input(relay, listen, key, size):
    one = listen(relay.url, key)
    body = os.urandom(size)
    assert send(relay.url, key.public_key, body).returncode == OK
    assert one.payload()[1] == body


def test_a_payload_can_come_from_a_file_or_be_hexadecimal(relay, listen, key, tmp_path):
    one = listen(relay.url, key)
    file = tmp_path / "payload"
    file.write_bytes(b"\0\1\2")
    arguments = ["send", "--url", relay.url, "--to", key.id.hex()]
    assert programs.run("acurast-peer", *arguments, "--file", file).returncode == OK
    assert one.payload()[1] == b"\0\1\2"
    assert programs.run("acurast-peer", *arguments, "--hex", "0xdead BEEF").returncode == OK
    assert one.payload()[1] == b"\xde\xad\xbe\xef"
    assert programs.run("acurast-peer", *arguments, "deadbeef").returncode == OK
    assert one.payload()[1] == b"deadbeef", "hexadecimal is never guessed"


def test_send_prints_the_answer(relay, listen, key):
    listen(relay.url, key, "--echo")
    done = send(relay.url, key.id, "any answer?", "--wait", "1")
    assert (done.returncode, done.stdout) == (OK, "any answer?\n")
    done = send(relay.url, key.id, "in JSON?", "--wait", "1", "--json")
    sent, answer = objects(done)
    assert (sent["event"], sent["size"]) == ("sent", 8)
    assert (answer["event"], answer["sender"], answer["text"]) == ("payload", key.id.hex(), "in JSON?")


def test_send_talks_with_the_reference_client(relay, client, key):
    other = client(relay.url)
    assert send(relay.url, other.id, "from C", key=key).returncode == OK
    other.expect(key.id, b"from C")


def test_listen_talks_with_the_reference_client(relay, client, listen, key):
    other, one = client(relay.url), listen(relay.url, key, "--echo")
    for body in (b"", b"\0\xff", "✓".encode(), os.urandom(100_000)):
        other.send(key.id, body)
        assert one.payload() == (other.id, body)
        other.expect(key.id, body)


def test_listen_echoes_many_in_order(relay, client, listen, key):
    other = client(relay.url)
    listen(relay.url, key, "--echo", "--quiet")
    for number in range(1000):
        other.send(key.id, b"%d" % number)
    for number in range(1000):
        other.expect(key.id, b"%d" % number)


def test_listen_prints_plain_lines_without_json(relay, peer, client, key):
    other = client(relay.url)
    one = peer("listen", "--url", relay.url, "--key", key.file)
    one.message("connected")
    for body, line in (
        (b"text", "text"), ("ünï ✓".encode(), "ünï ✓"), (b"\xff\1", "0xff01"), (b"two\nlines", r"two\x0alines"),
    ):
        other.send(key.id, body)
        assert one.line() == f"{other.id.hex()} {line}"


def test_json_is_json_whatever_comes(relay, client, listen, key):
    other, one = client(relay.url), listen(relay.url, key)
    for body in (b'"', b"\\", b"\n\r\t\0\x7f", b"\xff\xfe", b"\xed\xa0\x80", "\u2028 \U0001f419".encode(), b"</script>"):
        other.send(key.id, body)
        told = one.next("payload")
        assert bytes.fromhex(told["hex"]) == body and told["size"] == len(body)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = None
        assert told.get("text") == text, told


def test_listen_ends_after_a_count(relay, client, listen, key):
    other, one = client(relay.url), listen(relay.url, key, "--count", "2")
    for _ in range(2):
        other.send(key.id, b"one of two")
        one.payload()
    assert one.program.wait() == OK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_listen_ends_with_0_on_a_signal(relay, listen, key, number):
    one = listen(relay.url, key)
    one.program.signal(number)
    assert one.program.wait() == OK
    eventually(lambda: v1.Client(relay.url).close() is None, "a service that lives")


def test_listen_in_vain_for_a_count_says_so(relay, key):
    done = programs.run(
        "acurast-peer", "listen", "--url", relay.url, "--key", key.file, "--count", "1", "--timeout", "300ms"
    )
    assert done.returncode == NO_ANSWER


def test_listen_ends_when_its_reader_is_gone(relay, client, key):
    """A closed pipe is an end, not an endless loop."""
    command = [str(programs.BIN / "acurast-peer"), "listen", "--url", relay.url, "--key", str(key.file), "--json"]
    one = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=programs.clean_environment(),
    )
    try:
        assert json.loads(one.stdout.readline())["event"] == "connected"
        one.stdout.close()
        client(relay.url).send(key.id, b"to a closed pipe")
        assert one.wait(DEADLINE) == FAILED
    finally:
        if one.poll() is None:
            one.kill()
            one.wait()


def test_an_answer_from_somebody_else_does_not_count(relay, client, peer, key):
    friend, stranger = client(relay.url), client(relay.url)
    one = peer("send", "--url", relay.url, "--key", key.file, "--to", friend.id.hex(), "--wait", "1", "--json", "question")
    assert friend.receive() == (key.id, b"question")
    stranger.send(key.id, b"wrong")
    stranger.barrier()
    friend.send(key.id, b"right")
    assert json.loads(one.line())["event"] == "sent"
    assert json.loads(one.line())["text"] == "right"
    assert one.wait() == OK


def test_an_ed25519_key_talks_too(relay, client, listen, tmp_path):
    key = keygen(tmp_path, "ed.pem", "--ed25519")
    other, one = client(relay.url), listen(relay.url, key, "--echo")
    other.send(key.id, b"to another kind of key")
    other.expect(key.id, b"to another kind of key")
    assert one.payload()[0] == other.id


def test_an_ed25519_key_without_the_extension_fails_at_once(service, tmp_path):
    key = keygen(tmp_path, "ed.pem", "--ed25519")
    plain = service(extensions="off")
    done = send(plain.url, bytes(16), "x", key=key)
    assert done.returncode == FAILED
    assert "UNSUPPORTED" in done.stderr


def test_blanks_around_a_url_are_trimmed(relay, key):
    assert send(f"  {relay.url} ", bytes(16), "x").returncode == OK


def test_environment_variables_set_flags(relay, client):
    other = client(relay.url)
    done = programs.run(
        "acurast-peer", "send", "--to", other.id.hex(), "by environment", environment={"ACURAST_PEER_URL": relay.url}
    )
    assert done.returncode == OK
    assert other.receive()[1] == b"by environment"


def test_extensions_are_offered_unless_switched_off(relay, tmp_path):
    """Read off the wire, by a service that only listens."""
    seen = []

    def handler(ws):
        seen.append(ws.recv())

    with serve(handler, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "ws://127.0.0.1:%d" % server.socket.getsockname()[1]
        key = keygen(tmp_path)
        for flags in ([], ["--extensions", "off"]):
            send(url, bytes(16), "x", "--timeout", "300ms", "--linger", "0", *flags, key=key)
            eventually(lambda: seen, "an init")
            first = seen[-1]
            seen.clear()
            assert first[:33] == v1.frame(v1.INIT, key.id)
            if flags:
                assert len(first) == 33, "exactly what the vendor's client sends"
            else:
                assert first[33:37] == b"ACX1"
                assert msgpack.unpack(first[37:])["agent"].startswith("libacurast/")
        server.shutdown()


# --- refusals and exit codes


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["send"],
        ["send", "--url", "ws://127.0.0.1:1"],
        ["send", "--url", "ws://127.0.0.1:1", "--to", "abc", "x"],
        ["send", "--url", "ws://127.0.0.1:1", "--to", "02" + "ff" * 32, "x"],
        ["send", "--url", "ws://127.0.0.1:1", "--to", "00" * 16, "x", "y"],
        ["send", "--url", "ws://127.0.0.1:1", "--to", "00" * 16, "--hex", "xyz"],
        ["send", "--to", "00" * 16, "x"],
        ["send", "--url", "http://127.0.0.1:1", "--to", "00" * 16, "x"],
        ["send", "--url", "ws://", "--to", "00" * 16, "x"],
        ["send", "--url", "ws://127.0.0.1:99999", "--to", "00" * 16, "x"],
        ["send", "--url", "ws://127.0.0.1:1", "--to", "00" * 16, "--timeout", "soon", "x"],
        ["listen", "--url", "ws://127.0.0.1:1", "--count", "0"],
        ["listen", "--url", "ws://127.0.0.1:1", "stray"],
        ["listen"],
        ["ping"],
        ["id"],
        ["keygen", "--curve", "p256"],
        ["listen", "--url", "ws://127.0.0.1:1", "--max-frame", "1"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2_and_a_reason(arguments):
    done = programs.run("acurast-peer", *arguments)
    assert done.returncode == USAGE, done
    assert done.stdout == ""
    assert done.stderr.strip()


def test_help_tells_the_commands_and_the_exit_codes():
    done = programs.run("acurast-peer", "--help")
    assert (done.returncode, done.stderr) == (OK, "")
    for word in ("keygen", "id", "send", "listen", "ping"):
        assert word in done.stdout
        about = programs.run("acurast-peer", word, "--help")
        assert about.returncode == OK and "xit codes" in about.stdout


def test_a_denied_identity_ends_with_its_reason(service, key):
    one = service(deny=key.id.hex())
    done = send(one.url, bytes(16), "x", key=key)
    assert done.returncode == FAILED
    assert "DENIED" in done.stderr and "4003" in done.stderr


def test_a_replaced_listener_ends(relay, listen, key, client):
    one = listen(relay.url, key)
    identity = v1.Identity(
        serialization.load_pem_private_key(key.file.read_bytes(), None).private_numbers().private_value.to_bytes(32, "big")
    )
    newer = client(relay.url, identity)
    assert one.next("closed")["status"] == "REPLACED"
    assert one.program.wait() == FAILED
    newer.barrier()


def test_a_replaced_listener_comes_back_when_told_to(relay, listen, key, client):
    one = listen(relay.url, key, "--reconnect-when-replaced", "on")
    secret = serialization.load_pem_private_key(key.file.read_bytes(), None).private_numbers().private_value
    newer = client(relay.url, v1.Identity(secret.to_bytes(32, "big")))
    assert one.next("disconnected")["close_code"] == 4001
    one.connected()
    assert newer.gone().code == 4001


def test_more_proof_of_work_than_allowed_is_refused(service, key):
    one = service(difficulty="0000" + "ff" * 14)
    done = send(one.url, bytes(16), "x", "--max-work", "1000", key=key)
    assert done.returncode == FAILED
    assert "WORK_TOO_HARD" in done.stderr


def test_proof_of_work_is_done(service, key, listen):
    one = service(difficulty="000f" + "ff" * 14)
    listen(one.url, key, "--echo")
    done = send(one.url, key.id, "worth it", "--wait", "1")
    assert (done.returncode, done.stdout) == (OK, "worth it\n")


def test_proof_of_work_can_be_interrupted(service, peer, key):
    one = service(difficulty="000000" + "ff" * 13)
    working = peer("listen", "--url", one.url, "--key", key.file, "--max-work", str(2**40))
    # One of those that are not accepted is the one that asks for the figures.
    eventually(lambda: one.metrics().sum("acurast_connections_pending") >= 2, "the work to begin")
    working.signal(signal.SIGTERM)
    assert working.wait() == OK


def test_a_payload_that_the_service_would_refuse_is_refused_before(relay, key):
    """The service said in its block what it takes: 2 MiB."""
    done = send(relay.url, bytes(16), bytes(3 * 1024 * 1024), key=key)
    assert done.returncode == FAILED
    assert "TOO_LARGE" in done.stderr


def test_a_payload_too_large_for_a_service_without_extensions_fails_by_1009(service, key):
    one = service(extensions="off", max_frame="64KiB")
    beyond_the_kernels_buffers = bytes(15 * 1024 * 1024)
    done = send(one.url, bytes(16), beyond_the_kernels_buffers, *peers.EAGER, key=key)
    assert done.returncode == FAILED
    assert "TOO_LARGE" in done.stderr


def test_a_payload_beyond_the_own_limit_is_refused(relay, key):
    done = send(relay.url, bytes(16), bytes(2000), "--max-payload", "1000", key=key)
    assert done.returncode == FAILED
    assert "TOO_LARGE" in done.stderr


# --- ping


def test_ping_measures_a_round_trip(relay, listen, key):
    listen(relay.url, key, "--echo")
    done = programs.run("acurast-peer", "ping", "--url", relay.url, "--count", "3", "--interval", "10ms", key.id.hex(), "--json")
    assert done.returncode == OK, done
    answers = [told for told in objects(done) if "ms" in str(told.keys()) or "rtt_ms" in told]
    assert len(answers) >= 3


def test_ping_of_nobody_ends_with_3(relay):
    done = programs.run("acurast-peer", "ping", "--url", relay.url, "--count", "1", "--timeout", "300ms", "00" * 16)
    assert done.returncode == NO_ANSWER, done


def test_no_secret_and_no_key_is_in_the_output(relay, listen, key):
    one = listen(relay.url, key, "--log-level", "debug")
    one.program.end()
    secret = serialization.load_pem_private_key(key.file.read_bytes(), None).private_numbers().private_value
    text = "\n".join(one.program.err + one.program.out)
    assert f"{secret:064x}" not in text
