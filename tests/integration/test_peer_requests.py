"""acurast-peer as a dApp and a processor in the shell: request, serve, look, and sends with a level."""

import json
import time

import pytest

from support import peer as peers, programs
from support.peer import keygen, objects, send
from support.waiting import eventually

OK, FAILED, USAGE, NO_ANSWER, REMOTE_ERROR = range(5)
NOBODY = "00112233445566778899aabbccddeeff"

COMMAND = """
case $ACURAST_METHOD in
echo) cat ;;
who) printf '"%s"' "$ACURAST_SENDER" ;;
fails) exit 7 ;;
killed) kill -9 $$ ;;
text) echo not json ;;
steers) printf '"\\302\\233\\342\\200\\256"' ;;
nothing) : ;;
large) head -c 20000000 /dev/zero ;;
deaf) exec <&-; echo 1 ;;
sleeps) exec sleep 600 ;;
naps) exec sleep 20 2>/dev/null ;;
esac
"""
METHODS = ["echo", "who", "fails", "killed", "text", "steers", "nothing", "large", "deaf", "sleeps", "naps"]


@pytest.fixture(scope="module")
def relay():
    one = programs.Service(drain_time="2s")
    yield one
    assert one.end() == 0
    one.check_sanitizers()


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


@pytest.fixture
def serve(peer, key, relay):
    """A processor that runs COMMAND; returns its id once it is connected."""

    def start(*flags, url=relay.url):
        arguments = ["serve", *peers.urls(url), "--key", key.file, *peers.EAGER, "--exec", COMMAND, *flags, *METHODS]
        one = peer(*arguments)
        eventually(lambda: "connected to" in one.stderr)
        return key.id.hex(), one

    return start


def request(relay, *arguments):
    return programs.run("acurast-peer", "request", *peers.urls(relay.url), *arguments)


def test_a_result(serve, relay):
    processor, _ = serve()
    done = request(relay, processor, "echo", '{"a": [1, 2.50, "é"]}')
    assert (done.returncode, done.stdout) == (OK, '{"a": [1, 2.50, "é"]}\n'), done
    done = request(relay, processor, "nothing")
    assert (done.returncode, done.stdout) == (OK, "null\n"), done
    done = request(relay, processor, "deaf", json.dumps(["x" * 100_000]))
    assert (done.returncode, done.stdout) == (OK, "1\n"), done


def test_a_large_result(serve, relay, key):
    processor, _ = serve()
    value = json.dumps(["x" * 100_000])
    assert request(relay, processor, "echo", value).stdout == value + "\n"
    done = request(relay, processor, "large")
    assert done.returncode == REMOTE_ERROR and json.loads(done.stderr.splitlines()[-1])["code"] == -32603, done


def test_who_asks(serve, relay, tmp_path):
    processor, _ = serve()
    mine = keygen(tmp_path, "mine.pem")
    done = request(relay, "--key", mine.file, processor, "who")
    assert json.loads(done.stdout) == mine.id.hex()


@pytest.mark.parametrize(
    "method, code, message",
    [
        ("fails", -32000, "the command ended with 7"),
        ("killed", -32000, "the command ended with 137"),
        ("text", -32603, "the result is not JSON"),
        ("unknown", -32601, "Method not found"),
    ],
)
def test_errors(serve, relay, method, code, message):
    processor, _ = serve()
    done = request(relay, processor, method)
    assert (done.returncode, done.stdout) == (REMOTE_ERROR, ""), done
    assert json.loads(done.stderr.splitlines()[-1]) == {"code": code, "message": message}


def test_a_result_cannot_steer_the_terminal(serve, relay):
    processor, _ = serve()
    done = request(relay, processor, "steers")
    assert done.stdout == '"\\u009b\\u202e"\n'


def test_a_request_in_messagepack_is_refused(serve, relay, client):
    processor, _ = serve()
    asker = client(relay.url)
    asker.send(bytes.fromhex(processor), b"\x94\x00\x07\xa4echo\x90")
    _, answer = asker.receive()
    assert answer[:3] == b"\x94\x01\x07" and b"MessagePack is not spoken here" in answer, answer


def test_nobody_there_is_told_at_once(relay):
    begin = time.monotonic()
    done = request(relay, "--timeout", "60s", NOBODY, "echo")
    assert done.returncode == FAILED and "NOT_HERE" in done.stderr, done
    assert time.monotonic() - begin < 30


def test_no_answer_in_time(serve, relay):
    processor, _ = serve()
    done = request(relay, "--timeout", "500ms", processor, "sleeps")
    assert done.returncode == NO_ANSWER, done


def test_who_leaves_is_told_at_once(serve, relay, peer):
    processor, one = serve()
    asker = peer("request", *peers.urls(relay.url), "--timeout", "60s", processor, "naps")
    eventually(lambda: "connected to" in asker.stderr)
    assert objects(programs.run("acurast-peer", "request", *peers.urls(relay.url), processor, "echo", "[]")) == [[]]
    one.kill()
    assert asker.wait() == NO_ANSWER
    assert "UNDETERMINED" in asker.stderr


@pytest.fixture(scope="module")
def three(relay, tmp_path_factory):
    """Processors whose method "vote" gives 1, 1.0 and 2; who does not know it is the fourth."""
    ids, running = [], []
    for vote in ("1", "1.0", "2", "fails"):
        key = keygen(tmp_path_factory.mktemp("voter"))
        command = "exit 7" if vote == "fails" else f"echo {vote}"
        one = programs.Program("acurast-peer", "serve", *peers.urls(relay.url), "--key", key.file, *peers.EAGER, "--exec", command, "vote")
        running.append(one)
        ids.append(key.id.hex())
    eventually(lambda: all("connected to" in one.stderr for one in running))
    yield ids
    for one in running:
        one.end()
        one.check_sanitizers()


def test_the_first_of_several(three, relay):
    done = request(relay, "--need", "1", ",".join(three), "vote")
    assert done.returncode == OK and done.stdout in ("1\n", "1.0\n", "2\n"), done
    done = request(relay, ",".join(three[:3]), "vote", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == OK and sorted(line["id"] for line in lines) == sorted(three[:3]), done
    assert sorted(line["result"] for line in lines) == [1, 1, 2] and {line["group"] for line in lines} == {1}, done


def test_those_that_agree(three, relay):
    done = request(relay, "--need", "2", "--agree", "--to", ",".join(three), "vote")
    assert done.returncode == OK and done.stdout in ("1\n", "1.0\n"), done
    done = request(relay, "--need", "3", "--agree", ",".join([*three, NOBODY]), "vote")
    assert (done.returncode, done.stdout) == (NO_ANSWER, ""), done
    assert "too few" in done.stderr and f"{three[0]}: " in done.stderr, done


def test_all_that_were_asked_are_away(relay):
    begin = time.monotonic()
    done = request(relay, ",".join([NOBODY, NOBODY[::-1]]), "vote", "--timeout", "60")
    assert done.returncode == NO_ANSWER and f"{NOBODY}: the recipient is not here" in done.stderr, done
    assert time.monotonic() - begin < 20


def test_commands_end_with_the_server(serve, relay, peer):
    processor, one = serve()
    asker = peer("request", *peers.urls(relay.url), "--timeout", "60s", processor, "sleeps")
    eventually(lambda: "connected to" in asker.stderr)
    assert objects(request(relay, processor, "echo", "[]")) == [[]]
    assert one.end() == OK  # it would wait for ten minutes
    assert asker.wait() in (REMOTE_ERROR, NO_ANSWER)


@pytest.mark.parametrize(
    "arguments",
    [
        ["request"],
        ["request", NOBODY],
        ["request", NOBODY, "echo", "[]", "more"],
        ["request", NOBODY, "echo", "1"],
        ["request", NOBODY, "echo", "{"],
        ["request", NOBODY, ""],
        ["request", f"{NOBODY},{NOBODY}", "echo"],
        ["request", f"{NOBODY},", "echo"],
        ["request", f"{NOBODY}", "echo", "--need", "2"],
        ["request", f"{NOBODY}", "echo", "--need", "0"],
        ["serve", "--exec", "true"],
        ["serve", "echo"],
        ["look"],
        ["look", *[NOBODY] * 65],
        ["look", "00"],
        ["send", "--until", "soon", NOBODY, "x"],
    ],
)
def test_wrong_usage(relay, arguments):
    done = programs.run("acurast-peer", arguments[0], *peers.urls(relay.url), *arguments[1:])
    assert done.returncode == USAGE, done
    assert done.stderr


def test_look(serve, relay, key):
    processor, _ = serve()
    done = programs.run("acurast-peer", "look", *peers.urls(relay.url), "--json", processor, NOBODY)
    assert done.returncode == FAILED
    assert objects(done) == [
        {"event": "seen", "id": processor, "presence": "here", "public_key": key.public_key.hex()},
        {"event": "seen", "id": NOBODY, "presence": "not here"},
    ]
    done = programs.run("acurast-peer", "look", *peers.urls(relay.url), processor)
    assert (done.returncode, done.stdout) == (OK, f"{processor} here {key.public_key.hex()}\n")


def test_look_where_presence_is_hidden():
    with_off = programs.Service(presence="off")
    done = programs.run("acurast-peer", "look", *peers.urls(with_off.url), NOBODY)
    assert done.returncode == FAILED and "UNSUPPORTED" in done.stderr
    assert with_off.end() == 0


def test_send_until(serve, relay):
    processor, _ = serve()
    for level in ("written", "relayed", "delivered"):
        done = send(relay.url, processor, "hello", "--until", level, "--json")
        assert done.returncode == OK and objects(done)[0]["reached"] == level, done
    done = send(relay.url, NOBODY, "hello", "--until", "relayed")
    assert done.returncode == FAILED and "NOT_HERE" in done.stderr


def test_send_until_delivered_to_one_who_cannot_say_it(serve, relay):
    processor, _ = serve("--extensions", "off")
    done = send(relay.url, processor, "hello", "--until", "delivered", "--json")
    assert done.returncode == OK and objects(done)[0]["reached"] == "relayed"
    assert "cannot tell" in done.stderr


def test_send_waits_in_the_mailbox(serve, relay):
    processor, one = serve()
    one.kill()
    one.wait()
    eventually(lambda: "away" in programs.run("acurast-peer", "look", *peers.urls(relay.url), processor).stdout)
    done = send(relay.url, processor, "hello", "--until", "delivered", "--timeout", "500ms")
    assert done.returncode == NO_ANSWER and "mailbox" in done.stderr, done
