"""Text that strangers wrote, on its way to a terminal: the command prints none of it that would steer one."""

from __future__ import annotations

import json
import re
import subprocess

import acurast
import pytest
from acurast._foreign import json_line, shown, shown_payload
from conftest import DEADLINE, ROOT
from test_command import PROGRAMS, listening, run

PATH = ROOT / "tests" / "vectors" / "foreign.json"
VECTORS = json.loads(PATH.read_text()) if PATH.exists() else {"texts": [], "bytes": []}
TEXTS = VECTORS["texts"]
BYTES = [bytes.fromhex(row["hex"]) for row in VECTORS["bytes"]]
known = pytest.mark.skipif(not TEXTS, reason=f"no table at {PATH}: not a checkout")
STEERING = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}


def is_harmless(text):
    return not STEERING.intersection(map(ord, text))


@known
def test_the_table():
    for row in TEXTS:
        assert shown(row["text"]) == shown_payload(row["text"].encode()) == row["shown"], row["what"]
        assert is_harmless(row["shown"])
        assert is_harmless(json_line(row)) and json.loads(json_line(row)) == row
    for body in BYTES:
        assert shown_payload(body) == "0x" + body.hex()


def test_of_all_characters_those_that_steer_are_escaped():
    for code in range(0x110000):
        surrogate = 0xD800 <= code <= 0xDFFF
        assert (shown(chr(code)) != chr(code)) == (code in STEERING or surrogate)
    assert shown("\ud800\udcff") == r"\u{d800}\u{dcff}"
    assert json_line("\ud800") == r'"\ud800"'


def test_each_output_has_one_meaning():
    """What is shown can be read back, whatever comes together."""

    def read_back(text):
        code = r"\\x([0-9a-f]{2})|\\u\{([0-9a-f]+)\}"
        return re.sub(code, lambda found: chr(int(found[1] or found[2], 16)), text)

    parts = ["\\", "x", "u{", "1b", "}", "\x1b", "\u202e", "5c"]
    for first in parts:
        for second in parts:
            for third in parts:
                for fourth in parts:
                    text = first + second + third + fourth
                    assert read_back(shown(text)) == text


@known
def test_send_and_listen_print_nothing_that_steers(acurast_service):
    process, answerer = listening(acurast_service.url, PROGRAMS["python"], "--echo", "--count", str(len(TEXTS)))
    for row in TEXTS:
        code, out, _ = run(
            "send", "--url", acurast_service.url, "--to", answerer, "--wait", "1", stdin=row["text"].encode()
        )
        assert (code, out) == (0, row["shown"] + "\n"), row["what"]
        line = process.stdout.readline()
        assert is_harmless(line.rstrip("\n")) and json.loads(line)["text"] == row["text"], row["what"]
    process.wait(DEADLINE)
    process.stdout.close()


@known
def test_listen_prints_lines_that_do_not_steer(acurast_service):
    bodies = [row["text"].encode() for row in TEXTS] + BYTES
    listener = subprocess.Popen(
        [*PROGRAMS["python"], "listen", "--url", acurast_service.url, "--count", str(len(bodies))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    answerer = listener.stderr.readline().split()[1]
    with acurast.connect(acurast_service.url) as client:
        for body in bodies:
            client.send(answerer, body)
        out, _ = listener.communicate(timeout=DEADLINE)
        wanted = [row["shown"] for row in TEXTS] + ["0x" + body.hex() for body in BYTES]
        assert out == "".join(f"{client.id} {line}\n" for line in wanted)


def test_errors_print_nothing_that_steers(tmp_path):
    words = "\x1b]0;owned\x07\n\u202e\x9b..."
    for arguments in (["id", "--key", str(tmp_path / words)], ["id", "--" + words], ["id", "0", words], [words]):
        code, out, said = run(*arguments)
        assert code in (1, 2) and out == ""
        assert "owned" in said or arguments[0] == "id" and "recipient" in said
        assert all(is_harmless(line) for line in said.split("\n"))

