"""What acurast-service tells a service manager by sd_notify(3), to one that is made here."""

import os
import re
import signal
import socket
import sys
import time

import pytest

from support import programs
from support.manager import Manager
from support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets and credentials as Linux has them")

STATES = ("READY", "RELOADING", "STOPPING")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_ready_then_stopping(service, managers, tmp_path, kind):
    to = managers(tmp_path if kind == "path" else None)
    one = service(to.environment(), drain_time="7s")
    ready = to.message()
    assert ready == {"READY": "1", "STATUS": f"listening on {one.url}", "pid": one.pid}
    assert one.end() == 0
    stopping = to.message()
    assert stopping["STOPPING"] == "1" and stopping["STATUS"] == "draining"
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) >= 7_000_000
    assert not to.waiting()


def test_it_is_ready_once_it_listens(manager):
    one = programs.Program("acurast-service", "--listen", "127.0.0.1:0", environment=manager.environment())
    try:
        port = int(re.search(r":(\d+)$", manager.message()["STATUS"]).group(1))
        socket.create_connection(("127.0.0.1", port)).close()
    finally:
        assert one.end() == 0


def test_a_reload_is_told_from_its_signal_to_its_end(service, manager, hanging, tmp_path):
    deny = tmp_path / "deny"
    deny.write_text("")
    one = service(manager.environment(), deny_file=deny)
    manager.next("READY")
    hung = hanging(deny)
    before = time.monotonic_ns() // 1000
    one.reload()
    begun = manager.message()
    assert begun["RELOADING"] == "1"
    assert before <= int(begun["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    hung.await_reader()
    one.reload()
    assert int(manager.message()["MONOTONIC_USEC"]) > int(begun["MONOTONIC_USEC"])
    assert not manager.waiting(), "one that hangs has not ended"
    deny.unlink()
    deny.write_text("")
    hung.let_go()
    ended = manager.message()
    assert ended["READY"] == "1" and "read again" in ended["STATUS"]
    assert one.end() == 0
    assert "STOPPING" in manager.message(), "two that were asked for in one end once"


def test_a_reload_that_fails_is_told(service, manager, tmp_path):
    deny = tmp_path / "deny\nSTOPPING=1"
    deny.write_text("")
    one = service(manager.environment(), deny_file=deny)
    manager.next("READY")
    deny.unlink()
    one.reload()
    assert manager.message()["RELOADING"] == "1"
    ended = manager.message()
    assert set(ended) == {"READY", "STATUS", "pid"}
    assert ended["STATUS"].startswith("reload failed, the old files stay in force: ")


def test_a_reload_that_ends_in_a_drain_is_told_no_more(service, manager, hanging, tmp_path):
    deny = tmp_path / "deny"
    deny.write_text("")
    one = service(manager.environment(), deny_file=deny, drain_time="100ms")
    manager.next("READY")
    hung = hanging(deny)
    one.reload()
    hung.await_reader()
    one.signal(signal.SIGTERM)
    manager.next("STOPPING")
    hung.let_go()
    assert one.wait() == 0
    assert not manager.waiting()


def test_signs_of_life_come_twice_in_the_time_asked_for(service, manager):
    one = service(manager.environment(WATCHDOG_USEC="400000", WATCHDOG_PID=""), threads=2)
    assert "bad_watchdog_variable" in one.message("bad_watchdog_variable")
    one = service(manager.environment(WATCHDOG_USEC="400000"), threads=2)
    manager.next("WATCHDOG")
    began = time.monotonic()
    for _ in range(10):
        assert manager.next("WATCHDOG")["pid"] == one.pid
    assert time.monotonic() - began > 10 * 0.2 - 0.1, "not more often than half of that time"


def test_signs_of_life_are_for_the_process_that_is_named(service, managers):
    ours, others = managers(), managers()
    service(others.environment(WATCHDOG_USEC="200000", WATCHDOG_PID="1"))
    service(ours.environment(WATCHDOG_USEC="200000"))
    for _ in range(5):
        ours.next("WATCHDOG")
    assert [message for message in others.waiting() if "WATCHDOG" in message] == []


@pytest.mark.parametrize("time_asked", ["0", "-1", "soon", "", "18446744073709551616"])
def test_a_watchdog_time_that_is_none_is_told(service, manager, time_asked):
    one = service(manager.environment(WATCHDOG_USEC=time_asked))
    one.message("what=bad_watchdog_variable")
    manager.next("READY")


def test_a_manager_that_reads_nothing_holds_up_nothing(service, manager, bystanders):
    manager.fill()
    one = service(manager.environment(WATCHDOG_USEC="200000"))
    bystanders(one.url)
    for _ in range(20):  # more than are kept
        seen = one.stderr.count("what=reloaded")
        one.reload()
        eventually(lambda: one.stderr.count("what=reloaded") > seen, "what is said of this reload")
    states = []
    while not states or states[-1] != ("READY", "the files were read again"):
        message = manager.next(*STATES)
        states.append((next(name for name in STATES if name in message), message["STATUS"]))
    assert states[0] == ("READY", f"listening on {one.url}"), "what came first is told first"
    manager.next("WATCHDOG")
    assert "notify_failed" not in one.stderr


@pytest.mark.parametrize("name", ["", "relative", "@", "/" + "x" * 200, "vsock:2:1234", "@\nREADY=1"])
def test_an_address_that_is_none_is_told_and_left_alone(service, name):
    one = service({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
    if name.startswith("@") and len(name) > 1:
        one.message("what=notify_failed")  # a good name, at which nobody listens
    else:
        one.message("what=bad_notify_socket")
    assert one.page("/readyz")[0] == 200
    assert all(line.count("what=") == 1 for line in one.err)


def test_a_manager_that_is_gone_is_told_once_and_found_again(service, managers, tmp_path):
    first = Manager(tmp_path)
    one = service(first.environment(WATCHDOG_USEC="100000"))
    first.next("READY")
    first.close()
    one.message("what=notify_failed")
    second = managers(tmp_path)
    second.next("WATCHDOG")
    assert one.stderr.count("notify_failed") == 1


def test_a_start_that_fails_is_told(manager, service):
    other = service()
    done = programs.run(
        "acurast-service", "--listen", f"127.0.0.1:{other.port}", environment=manager.environment()
    )
    assert done.returncode == 1
    message = manager.message()
    assert set(message) == {"STATUS", "pid"} and message["STATUS"] in done.stderr


def test_without_a_manager_nothing_is_opened(service):
    one = service()
    kinds = [os.readlink(f"/proc/{one.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{one.pid}/fd")]
    inodes = {found.group(1) for found in (re.match(r"socket:\[(\d+)\]", kind) for kind in kinds) if found}
    with open(f"/proc/{one.pid}/net/unix", encoding="utf-8") as table:
        datagrams = {row.split()[6] for row in table.readlines()[1:] if row.split()[4] == "0002"}
    assert not inodes & datagrams
