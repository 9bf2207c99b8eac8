"""The same on the blocking face."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time

import acurast
import pytest
from acurast import RpcError
from conftest import DEADLINE, eventually

NOBODY = acurast.id_of("00" * 16)
LONG = 60.0
SOON = 20.0


def steps(params, request):
    for number in range(3):
        request.progress(number)
    return "steps"


def wrong(params, request):
    raise RpcError(-32602, "no", [1])


def bug(params, request):
    raise KeyError("the password is 1234")


METHODS = {
    "echo": lambda params, request: params,
    "who": lambda params, request: [str(request.sender), request.method],
    "steps": steps,
    "wrong": wrong,
    "bug": bug,
    "large": lambda params, request: {1},
}


@contextlib.contextmanager
def serving(client, methods=METHODS, **options):
    """In a thread, until the client is closed."""
    for name, handler in methods.items():
        client.method(name)(handler)  # so that no request comes too early
    thread = threading.Thread(target=client.serve, kwargs=options)
    thread.start()
    try:
        yield
    finally:
        client.close()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_what_comes_back(url, caplog):
    with acurast.connect(url) as server, acurast.connect(url) as asker, serving(server):
        assert asker.request(server.id, "echo", {"é": [1, None]}, timeout=SOON) == {"é": [1, None]}
        assert asker.request(server.identity, "who") == [str(asker.id), "who"]
        told = []
        assert asker.request(server.id, "steps", on_progress=told.append) == "steps"
        assert told == [0, 1, 2]
        for method, code, data in (("wrong", -32602, [1]), ("bug", -32000, None), ("large", -32000, None), ("none", -32601, None)):
            with pytest.raises(acurast.RemoteError) as raised:
                asker.request(server.id, method, timeout=SOON)
            assert (raised.value.code, raised.value.data) == (code, data)
            assert "1234" not in str(raised.value)
        began = time.monotonic()
        with pytest.raises(acurast.NotHereError):
            asker.request(NOBODY, "echo", timeout=LONG)
        assert time.monotonic() - began < SOON
        assert not asker._results and not asker._interim
    assert "the password is 1234" in caplog.text
    caplog.clear()  # the tracebacks hold the clients


def test_no_answer_in_time(url):
    with acurast.connect(url) as server, acurast.connect(url, outbox_count=1) as asker:
        with pytest.raises(acurast.TimeoutError):
            asker.request(server.id, "echo", timeout=0.05)  # nobody calls the server
        with serving(server):
            assert asker.request(server.id, "echo", [1], timeout=SOON) == [1]


def test_what_on_progress_raises_ends_the_request(url):
    with acurast.connect(url) as server, acurast.connect(url) as asker, serving(server):
        with pytest.raises(ZeroDivisionError):
            asker.request(server.id, "steps", on_progress=lambda value: 1 / 0)
        assert not asker._results and not asker._interim
        assert asker.request(server.id, "echo", [1]) == [1]


def test_handlers_run_beside_each_other_and_may_ask(url):
    both = threading.Barrier(2)

    def meet(params, request):
        both.wait(DEADLINE)
        return server.request(asker.id, "who")

    with acurast.connect(url) as server, acurast.connect(url) as asker:
        with serving(server, {"meet": meet}), serving(asker, METHODS, threads=2):
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(asker.request(server.id, "meet", timeout=LONG))) for _ in range(2)]
            for each in threads:
                each.start()
            for each in threads:
                each.join(DEADLINE)
            assert answers == [[str(server.id), "who"]] * 2


def test_serving_ends_after_its_time_and_goes_on_with_the_next_call(url):
    with acurast.connect(url) as server, acurast.connect(url) as asker:
        @server.method("a")
        def first(params, request):
            return 1

        server.serve(timeout=0.01)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(asker.request(server.id, "a", timeout=LONG)))
        asking.start()
        with serving(server, {}, threads=1):
            asking.join(DEADLINE)
        assert answers == [1]
    with pytest.raises(acurast.ClosedError):
        server.serve({"a": first})


def test_many_in_flight_through_small_outboxes(url):
    with acurast.connect(url, outbox_count=2) as server, acurast.connect(url, outbox_count=2) as asker, serving(server):
        ends = []

        def work(number):
            for i in range(20):
                ends.append(asker.request(server.id, "echo", [number, i], timeout=LONG) == [number, i])

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(DEADLINE)
        assert ends == [True] * 160


def test_many_are_asked(url):
    values = [{"a": 1, "b": 2}, {"a": 2}, {"b": 2, "a": 1.0}]
    with contextlib.ExitStack() as stack:
        asker = stack.enter_context(acurast.connect(url, outbox_count=10))
        ids = []
        for value in values:
            server = stack.enter_context(acurast.connect(url))
            stack.enter_context(serving(server, {"price": lambda params, request, value=value: value}, threads=1))
            ids.append(server.id)
        silent = stack.enter_context(acurast.connect(url)).id
        assert asker.request_many(ids, "price", timeout=SOON).answers == dict(zip(ids, values))
        ended = asker.request_many([*ids, NOBODY], "price", [], need=2, agree=True, timeout=SOON)
        assert ended.value == values[0]
        with pytest.raises(acurast.NotEnoughAnswersError) as raised:
            asker.request_many([silent, stack.enter_context(acurast.connect(url)).id, ids[0], ids[1]], "price", need=3, timeout=0.3)
        assert {type(error) for error in raised.value.failures.values()} == {acurast.TimeoutError}
        assert len(asker.request_many([silent, ids[0], ids[1]], "price", need=2, timeout=LONG).answers) == 2
        with pytest.raises(acurast.NotEnoughAnswersError, match="3 equal needed") as raised:
            asker.request_many([*ids, NOBODY], "price", need=3, agree=True, timeout=LONG)
        assert raised.value.answers and set(raised.value.failures) <= {NOBODY}
        eventually(lambda: asker.stats().outbox_count == 0)
        assert not asker._results


def test_a_closed_client_ends_requests_to_many(url):
    with acurast.connect(url) as asker, acurast.connect(url) as silent:
        ends = []

        def work():
            try:
                asker.request_many([silent.id], "a", timeout=LONG)
            except acurast.Error as error:
                ends.append(type(error))

        thread = threading.Thread(target=work)
        thread.start()
        eventually(lambda: asker._results)
        asker.close()
        thread.join(DEADLINE)
        assert ends == [acurast.ClosedError]


SERVER = """
import sys, acurast
with acurast.connect(sys.argv[1]) as client:
    client.method("ping")(lambda params, request: "pong")
    print(client.id, flush=True)
    try:
        client.serve()
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_ends_serving(acurast_service):
    url = acurast_service.url
    with subprocess.Popen([sys.executable, "-c", SERVER, url], stdout=subprocess.PIPE, text=True) as process:
        try:
            with acurast.connect(url) as asker:
                assert asker.request(process.stdout.readline().strip(), "ping", timeout=SOON) == "pong"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=DEADLINE)[0] == "interrupted\n"
            assert process.returncode == 0
        finally:
            process.kill()


def test_arguments_are_checked(acurast_service):
    async def later(params, request):
        pass

    with acurast.connect(acurast_service.url) as client:
        for wrong, error, words in (
            (lambda: client.request(client.id, ""), ValueError, "method"),
            (lambda: client.request(client.id, "a", 1), TypeError, "params"),
            (lambda: client.request(client.id, "a", on_progress=1), TypeError, "on_progress"),
            (lambda: client.request(client.id, "a", timeout=0), ValueError, "timeout"),
            (lambda: client.request_many(client.id, "a"), TypeError, "recipients"),
            (lambda: client.request_many([client.id], "a", timeout=0), ValueError, "timeout"),
            (lambda: client.request_many([client.id], "a", need=2), ValueError, "need"),
            (lambda: client.serve({"a": later}), TypeError, "plain function"),
            (lambda: client.method("a")(later), TypeError, "plain function"),
            (lambda: client.serve({"a": 1}), TypeError, "callable"),
            (lambda: client.serve(1), TypeError, "dict"),
            (lambda: client.serve(threads=0), ValueError, "threads"),
        ):
            with pytest.raises(error, match=words):
                wrong()
