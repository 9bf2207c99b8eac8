"""Text that strangers wrote, on its way to a terminal: acurast-peer prints none of it that would steer one."""

import json
import re
import threading

import pytest
from websockets.sync.server import serve

from support import programs
from support.peer import keygen

OK, FAILED, USAGE = range(3)
VECTORS = json.loads((programs.ROOT / "tests" / "vectors" / "foreign.json").read_text())
TEXTS = VECTORS["texts"]
BYTES = [bytes.fromhex(row["hex"]) for row in VECTORS["bytes"]]
STEERS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def is_harmless(line):
    return not STEERS.search(line) and "\ufffd" not in line


@pytest.fixture(scope="module")
def relay():
    one = programs.Service(drain_time="2s")
    yield one
    assert one.end() == 0


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


def test_the_table_is_hostile_and_what_is_shown_is_not():
    assert all(is_harmless(row["shown"]) for row in TEXTS)
    steering = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}
    for code in range(0x110000):
        assert bool(STEERS.match(chr(code))) == (code in steering)


def test_listen_prints_no_text_that_steers_a_terminal(relay, peer, client, key):
    other = client(relay.url)
    one = peer("listen", "--url", relay.url, "--key", key.file)
    one.message("connected")
    for row in TEXTS:
        other.send(key.id, row["text"].encode())
        assert one.line() == f"{other.id.hex()} {row['shown']}", row["what"]
    for body in BYTES:
        other.send(key.id, body)
        assert one.line() == f"{other.id.hex()} 0x{body.hex()}"


def test_send_prints_no_answer_that_steers_a_terminal(relay, peer, client, key):
    other = client(relay.url)
    asking = peer("send", "--url", relay.url, "--key", key.file, "--to", other.id.hex(), "--wait", len(TEXTS) + len(BYTES), "?")
    assert other.receive() == (key.id, b"?")
    for row in TEXTS:
        other.send(key.id, row["text"].encode())
        assert asking.line() == row["shown"], row["what"]
    for body in BYTES:
        other.send(key.id, body)
        assert asking.line() == "0x" + body.hex()
    assert asking.wait() == OK


def test_json_keeps_each_character_and_prints_none_that_steers(relay, peer, client, key):
    other = client(relay.url)
    one = peer("listen", "--json", "--url", relay.url, "--key", key.file)
    assert json.loads(one.line())["event"] == "connected"
    for row in TEXTS:
        other.send(key.id, row["text"].encode())
        line = one.line()
        assert is_harmless(line), row["what"]
        assert json.loads(line)["text"] == row["text"], row["what"]


REASON = "a\x1b[2J b\x9b c\u202e d\u2069 e\u2028 f\u061c g\n"


def test_the_reason_of_a_service_does_not_steer_a_terminal(peer, key):
    def handler(ws):
        ws.close(4000, REASON)

    with serve(handler, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "ws://127.0.0.1:%d" % server.socket.getsockname()[1]
        one = peer("listen", "--json", "--url", url, "--key", key.file, "--log-level", "debug")
        told = one.line()
        line = one.message("disconnected")
        assert json.loads(told)["reason"] == "a?[2J b?? c??? d??? e??? f?? g?"
        assert "(close code 4000): a?[2J b??" in line
        one.end()
        server.shutdown()
    assert all(is_harmless(line) for line in one.out + one.err)


WORDS = "\x1b]0;owned\x07\n\u202e\x9b..."
REPEATED = [
    ("acurast-peer", WORDS),
    ("acurast-peer", "id", WORDS),
    ("acurast-peer", "ping", "--" + WORDS),
    ("acurast-peer", "send", "--to", WORDS, "x"),
    ("acurast-peer", "listen", "--url", "ws://127.0.0.1:1", "--count", WORDS),
    ("acurast-service", WORDS),
    ("acurast-service", "--" + WORDS),
    ("acurast-service", "--watchdog", WORDS),
]


@pytest.mark.parametrize("command", REPEATED)
def test_an_error_that_repeats_words_does_not_steer_a_terminal(command):
    done = programs.run(*command)
    assert done.returncode in (FAILED, USAGE)
    assert r"\x1b]0;owned\x07\x0a\u{202e}\u{9b}" in done.stderr
    assert all(is_harmless(line) for line in done.stderr.split("\n"))


def test_a_file_name_does_not_steer_a_terminal(tmp_path):
    done = programs.run("acurast-peer", "id", "--key", tmp_path / "\x1b[31m\u202ekey.pem")
    assert done.returncode == FAILED
    assert r"\x1b[31m\u{202e}key.pem: " in done.stderr


def test_a_long_message_is_cut():
    done = programs.run("acurast-peer", "\x1b" * 10_000)
    assert done.returncode == USAGE
    assert done.stderr.split("\n")[0].endswith(r"\x1b...") and len(done.stderr) < 10_000
