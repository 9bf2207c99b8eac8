"""`python -m acurast serve --exec`: what a command of the shell answers, and what becomes of it. acurast-peer serve does the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import acurast
import pytest
from acurast.__main__ import main
from conftest import BIN, DEADLINE, eventually

PYTHON = [sys.executable, "-m", "acurast"]
COMMAND = """
case $ACURAST_METHOD in
echo) cat ;;
who) printf '"%s"' "$ACURAST_SENDER" ;;
fails) exit 7 ;;
killed) kill -9 $$ ;;
text) echo not json ;;
nothing) : ;;
large) head -c 20000000 /dev/zero ;;
deaf) exec <&-; echo 1 ;;
pid) echo $$ > "$PIDS/$$"; exec sleep 600 ;;
env) printf '["%s"]' "$MINE" ;;
esac
"""
METHODS = ["echo", "who", "fails", "killed", "text", "nothing", "large", "deaf", "pid", "env"]
SOON = 30.0


class Server:
    """A program that serves COMMAND, and is ended at the end."""

    def __init__(self, url, folder, *flags, program=PYTHON, **environment):
        key = folder / "key.pem"
        identity = acurast.Identity.generate()
        key.write_text(identity.to_pem())
        key.chmod(0o600)
        self.pids = folder / "pids"
        self.pids.mkdir()
        self.id, self.words = identity.id, []
        self.process = subprocess.Popen(
            [*program, "serve", "--url", url, "--key", key, "--exec", COMMAND, *flags, *METHODS],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PIDS": str(self.pids), **environment},
        )
        self._reader = threading.Thread(target=lambda: self.words.extend(iter(self.process.stderr.readline, "")))
        self._reader.start()
        eventually(lambda: any("connected" in line for line in self.words) or self.process.poll() is not None)

    def commands(self):
        """The ids of the commands that have begun to sleep."""
        return [int(text) for each in self.pids.iterdir() if (text := each.read_text().strip())]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        self.process.stderr.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.end()


@pytest.fixture(scope="module")
def relay():
    with acurast.Service(drain_time=2) as service:
        yield service.url


@pytest.fixture(scope="module")
def server(relay, tmp_path_factory):
    with Server(relay, tmp_path_factory.mktemp("serve"), MINE="mine") as one:
        yield one
        assert one.end() == 0


@pytest.fixture
def asker(relay):
    with acurast.connect(relay) as client:
        yield client


def ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_result_is_what_the_command_wrote(server, asker):
    def ask(method, params=None):
        return asker.request(server.id, method, params, timeout=SOON)

    assert ask("echo", {"a": [1, "é"]}) == {"a": [1, "é"]}
    assert ask("nothing") is ask("echo") is None
    assert ask("who") == str(asker.id)
    assert ask("env") == ["mine"]
    large = ["x" * 300_000]
    assert ask("echo", large) == large
    assert ask("deaf", large) == 1


def test_a_result_is_passed_on_as_it_was_written(server, relay):
    """A number keeps its digits."""
    with acurast.connect(relay) as plain:
        plain.send_text(server.id, '{"jsonrpc":"2.0","id":1,"method":"echo","params":[2.50]}')
        assert plain.receive(SOON).text() == '{"jsonrpc":"2.0","id":1,"result":[2.50]}'


@pytest.mark.parametrize(
    "method, code, message",
    [
        ("fails", -32000, "the command ended with 7"),
        ("killed", -32000, "the command ended with 137"),
        ("text", -32603, "the result is not JSON"),
        ("large", -32603, "the result is too large"),
        ("unknown", -32601, "Method not found"),
    ],
)
def test_errors(server, asker, method, code, message):
    with pytest.raises(acurast.RemoteError) as raised:
        asker.request(server.id, method, timeout=SOON)
    assert (raised.value.code, raised.value.remote_message) == (code, message)


def test_a_request_in_messagepack_is_answered_with_an_error(server, asker):
    asker.send(server.id, b"\x94\x00\x09\xa4echo\x90")
    payload = asker.receive(SOON).payload
    assert payload[:3] == b"\x94\x01\x09" and b"MessagePack is not spoken here" in payload


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_commands_end_with_the_server(relay, tmp_path, number):
    with Server(relay, tmp_path) as one, acurast.connect(relay) as asker:
        ends = []

        def ask():
            with pytest.raises((acurast.RemoteError, acurast.UndeterminedError)) as raised:
                asker.request(one.id, "pid", timeout=SOON)
            ends.append(raised.value)

        asking = threading.Thread(target=ask)
        asking.start()
        (pid,) = eventually(one.commands)
        assert one.end(number) == 0
        asking.join(DEADLINE)
        assert len(ends) == 1 and ended(pid)
        assert getattr(ends[0], "remote_message", "") in ("the command ended with 143", "")


def test_the_options_of_the_core_bound_how_many_run(relay, tmp_path):
    flags = ["--serve-running", "1"]
    with Server(relay, tmp_path, *flags, ACURAST_PEER_SERVE_WAITING="1") as one, acurast.connect(relay) as asker:
        codes = []

        def ask():
            try:
                asker.request(one.id, "pid", timeout=SOON)
            except acurast.Error as error:
                codes.append(getattr(error, "code", None))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for each in threads:
            each.start()
        eventually(lambda: codes == [-32001] and one.commands())
        assert len(one.commands()) == 1
        assert one.end() == 0
        asker.close()
        for each in threads:
            each.join(DEADLINE)


def test_a_client_that_closes_by_itself_ends_its_commands_and_the_program(relay, tmp_path):
    """Another takes its key over."""
    with Server(relay, tmp_path) as one, acurast.connect(relay) as asker:
        def ask():
            with pytest.raises(acurast.Error):
                asker.request(one.id, "pid", timeout=SOON)

        asking = threading.Thread(target=ask)
        asking.start()
        (pid,) = eventually(one.commands)
        identity = acurast.Identity.from_pem((tmp_path / "key.pem").read_text())
        with acurast.connect(relay, identity=identity):
            assert one.process.wait(DEADLINE) == 1
        assert ended(pid) and "newer connection" in "".join(one.words)
        asker.close()
        asking.join(DEADLINE)
        one.end()


@pytest.mark.parametrize(
    "code, arguments",
    [
        (2, ["--exec", "true"]),
        (2, ["echo"]),
        (2, ["--exec", "true", "--serve-running", "none", "echo"]),
        (1, ["--exec", "true", "rpc.echo"]),
    ],
)
def test_wrong_usage_is_that_of_the_program(capsys, code, arguments):
    arguments = ["serve", "--url", "ws://127.0.0.1:1", *arguments]
    try:
        ended = main(arguments)
    except SystemExit as exit:
        ended = exit.code
    out, words = capsys.readouterr()
    assert (ended, out) == (code, "") and words
    if (BIN / "acurast-peer").exists():
        done = subprocess.run([BIN / "acurast-peer", *arguments], capture_output=True, timeout=DEADLINE)
        assert (done.returncode, done.stdout) == (code, b"") and done.stderr


def test_it_is_ended_while_it_is_not_connected():
    with subprocess.Popen([*PYTHON, "serve", "--url", "ws://127.0.0.1:1", "--exec", "true", "a"], stderr=subprocess.PIPE) as process:
        assert b"could not be reached" in process.stderr.readline()  # it is past its start
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
