"""`python -m acurast` from outside, also together with the program acurast-peer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading

import acurast
import pytest
from conftest import BIN, DEADLINE

PROGRAMS = {"python": [sys.executable, "-m", "acurast"], "acurast-peer": [BIN / "acurast-peer"]}


@pytest.fixture(params=PROGRAMS)
def peer(request):
    if request.param == "acurast-peer" and not (BIN / "acurast-peer").exists():
        pytest.skip(f"acurast-peer is not built: {BIN}")
    return PROGRAMS[request.param]


def run(*arguments, program=PROGRAMS["python"], stdin=b"", **environment):
    done = subprocess.run(
        [*program, *arguments], input=stdin, capture_output=True, timeout=DEADLINE, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def listening(url, program, *flags):
    process = subprocess.Popen(
        [*program, "listen", "--url", url, "--json", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process, json.loads(process.stdout.readline())["id"]


def test_keys(tmp_path):
    path = tmp_path / "key.pem"
    code, out, _ = run("keygen", "--out", str(path), "--json")
    told = json.loads(out)
    identity = acurast.Identity.from_pem(path.read_text())
    assert code == 0 and told["id"] == str(identity.id) and told["public_key"] == identity.public_key.hex()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    code, _, words = run("keygen", "--out", str(path))
    assert code == 1 and "exists" in words and path.read_text() == identity.to_pem()
    assert run("id", "--key", str(path))[:2] == (0, f"id {identity.id}\npublic-key {identity.public_key.hex()}\n")
    assert run("id", identity.public_key.hex())[1] == f"id {identity.id}\npublic-key {identity.public_key.hex()}\n"
    assert run("id", "0x" + str(identity.id))[1] == f"id {identity.id}\n"
    assert acurast.Identity.from_pem(run("keygen", "--ed25519")[1]).kind == "ed25519"


def test_ask_and_answer(acurast_service, peer):
    """Each of the two programs answers each of the two."""
    process, answerer = listening(acurast_service.url, peer, "--echo", "--count", "3")
    for name, program in PROGRAMS.items():
        if name == "acurast-peer" and not (BIN / "acurast-peer").exists():
            continue
        code, out, words = run("send", "--url", acurast_service.url, "--to", answerer, "--wait", "1", "hellö", program=program)
        assert (code, out) == (0, "hellö\n"), words
    code, out, _ = run("send", "--to", answerer, "--wait", "1", "--hex", "00ff", ACURAST_PEER_URL=acurast_service.url)
    assert (code, out) == (0, "00ff\n")
    process.terminate()
    process.wait(DEADLINE)
    process.stdout.close()


def test_a_payload_from_standard_input_as_json(acurast_service):
    process, answerer = listening(acurast_service.url, PROGRAMS["python"], "--count", "1", "--echo")
    code, out, _ = run("send", "--url", acurast_service.url, "--to", answerer, "--wait", "1", "--json", stdin=b"a\nb")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [line["event"] for line in lines] == ["sent", "payload"]
    assert lines[1]["text"] == "a\nb" and lines[1]["sender"] == answerer
    assert process.wait(DEADLINE) == 0
    assert json.loads(process.stdout.readline())["text"] == "a\nb"
    process.stdout.close()


def test_what_became_of_it_and_who_is_here(acurast_service, peer):
    url, nobody = acurast_service.url, "00" * 16
    process, id = listening(url, PROGRAMS["python"])
    send = ["send", "--url", url, "--until", "delivered", "--json", "--to"]
    code, out, words = run(*send, id, "x", program=peer)
    assert code == 0 and json.loads(out) == {"event": "sent", "reached": "delivered", "recipient": id, "size": 1}, words
    code, out, words = run(*send, nobody, "x", program=peer)
    assert (code, out) == (1, "") and "not here" in words

    code, out, words = run("look", "--url", url, id, program=peer)
    assert code == 0 and out.startswith(f"{id} here 0") and len(out) == 32 + 6 + 66 + 1, words
    key = out.split()[2]
    code, out, _ = run("look", "--url", url, "--json", nobody, key, program=peer)
    none, found = (json.loads(line) for line in out.splitlines())
    assert code == 1 and none == {"event": "seen", "id": nobody, "presence": "not here"}
    assert found == {"event": "seen", "id": id, "presence": "here", "public_key": key}
    process.terminate()
    process.wait(DEADLINE)
    process.stdout.close()

    code, out, words = run(*send, id, "--timeout", "1", "x", program=peer)
    assert (code, out) == (3, "") and "waits in its mailbox" in words
    assert run("look", "--url", url, id, program=peer)[:2] == (1, f"{id} away\n")


def test_a_recipient_that_cannot_tell_is_told_of(acurast_service):
    with acurast.connect(acurast_service.url, extensions=False) as old:
        send = ["send", "--url", acurast_service.url, "--to", str(old.id), "--json", "--until", "delivered", "x"]
        code, out, words = run(*send)
        assert code == 0 and json.loads(out)["reached"] == "relayed" and "cannot tell" in words
        assert old.receive(DEADLINE).payload == b"x"


def test_a_request_and_what_comes_back(acurast_service, peer):
    def price(params, request):
        request.progress("looking\x9b")
        return {"params": params, "é": "\u202e"}

    url = acurast_service.url
    with acurast.connect(url) as server:
        server.method("price")(price)
        serving = threading.Thread(target=server.serve)
        serving.start()
        try:
            ask = ["request", "--url", url, "--timeout", "20"]
            code, out, words = run(*ask, "--progress", str(server.id), "price", '{"a":[1]}', program=peer)
            assert code == 0 and json.loads(out) == {"params": {"a": [1]}, "é": "\u202e"}, words
            assert "\u202e" not in out and "looking\\u009b" in words
            code, out, words = run(*ask, str(server.id), "none", program=peer)
            assert (code, out) == (4, "") and "-32601" in words
            code, out, words = run(*ask, "00" * 16, "price", program=peer)
            assert (code, out) == (1, "") and "not here" in words
            assert run(*ask, str(server.id), "price", "1", program=peer)[0] == 2
        finally:
            server.close()
            serving.join(DEADLINE)


def test_several_are_asked(acurast_service, peer):
    url, nobody = acurast_service.url, "00" * 16
    with contextlib.ExitStack() as stack:
        ids = []
        for value in ({"a": 1, "b": "\u202e"}, {"b": "\u202e", "a": 1.0}, 2):
            server = stack.enter_context(acurast.connect(url))
            server.method("price")(lambda params, request, value=value: value)
            thread = threading.Thread(target=server.serve, kwargs={"threads": 1})
            thread.start()
            stack.callback(thread.join, DEADLINE)
            stack.callback(server.close)
            ids.append(str(server.id))
        ask, all = ["request", "--url", url, "--timeout", "20"], ",".join([*ids, nobody])
        code, out, words = run(*ask, "--need", "2", "--agree", all, "price", program=peer)
        assert code == 0 and json.loads(out) == {"a": 1, "b": "\u202e"} and "\u202e" not in out, words
        code, out, words = run(*ask, "--need", "3", "--agree", all, "price", program=peer)
        assert (code, out) == (3, "") and f"{nobody}: the recipient is not here" in words and f"{ids[2]}: 2" in words
        code, out, words = run(*ask, "--json", ",".join([ids[2], nobody]), "price", program=peer)
        said = {each.pop("id"): each for each in map(json.loads, out.splitlines())}
        assert code == 3 and said[nobody] == {"event": "answer", "status": "NOT_HERE"}
        code, out, words = run(*ask, "--json", ids[2], "--need", "1", "price", program=peer)
        assert code == 0 and json.loads(out)["result"] == 2
        assert run(*ask, ids[2], "--need", "2", "price", program=peer)[0] == 2
        assert run(*ask, f"{nobody},{nobody}", "price", program=peer)[0] == 2


def test_ctrl_c_ends_listening(acurast_service):
    process, _ = listening(acurast_service.url, PROGRAMS["python"])
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    process.stdout.close()


def test_exit_codes(acurast_service, tmp_path):
    nobody = "00" * 16
    assert run()[0] == run("nonsense")[0] == run("id")[0] == run("send", "--to", nobody)[0] == 2
    assert run("listen", "--url", "ws://x", "--count", "0")[0] == 2
    assert run("look", "--url", "ws://x")[0] == run("send", "--url", "ws://x", "--to", nobody, "--until", "read", "x")[0] == 2
    assert run("look", "--url", "ws://x", "123")[0] == 1
    assert run("id", "nonsense")[0] == run("id", "--key", str(tmp_path / "none"))[0] == 1
    assert run("send", "--url", acurast_service.url, "--to", "123", "x")[0] == 1
    code, _, words = run("send", "--url", "ws://127.0.0.1:1", "--to", nobody, "--timeout", "0.2", "x")
    assert code == 3 and "not connected" in words
    code, _, words = run("send", "--url", acurast_service.url, "--to", nobody, "--timeout", "0.5", "--wait", "1", "x")
    assert code == 3 and "no message" in words
