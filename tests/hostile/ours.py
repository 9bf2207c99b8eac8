"""What can only be tried on a service of ours: its descriptors, its log, its signals, its admin pages."""

import fcntl
import os
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from support import peer, programs, rawws, v1

from .suite import attack, check
from .tools import has_ended, payload

KEYS = 100_000
NETWORKS = 512
SILENT = 1000


@attack("out of descriptors", "a flood of connections while the process may open sixteen more", own=True, noisy=True)
def out_of_descriptors(target):
    service = target.service
    soft, hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir(f"/proc/{service.pid}/fd"))
    resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (highest + 16, hard))
    try:
        end = time.monotonic() + max(target.seconds, 1)
        while time.monotonic() < end:
            target.connect(bare=True)
            if len(target.made) > 100:
                target.drop(target.made[0])
        begin, spent = time.monotonic(), target.processor_seconds()
        time.sleep(0.4)  # the window in which its work is measured
        busy = (target.processor_seconds() - spent) / (time.monotonic() - begin)
    finally:
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (soft, hard))
    check(busy < 0.5, f"{busy * 100:.0f} % of a processor while there is nothing that it could do")
    return f"{busy * 100:.0f} % of a processor, and went on"


@attack(
    "reload of many keys",
    f"SIGHUPs with {KEYS:,} public keys in the list of the denied, and a scrape during each",
    own=True, threads=1,
)
def reload_of_many(target):
    file = Path(target.service.options["deny_file"])
    some = [v1.Identity().public_key.hex() for _ in range(KEYS // 50)]
    file.write_text("\n".join(some * 50) + "\n")
    longest = 0.0
    try:
        for _ in range(2):
            target.service.reload()
            begin = time.monotonic()
            target.value("ready")
            longest = max(longest, time.monotonic() - begin)
        target.eventually(target.is_idle, within=20)
    finally:
        file.write_text("")
        target.service.reload()
    return f"scrapes within {longest * 1000:.0f} ms"


@attack("stalled log", "a log that nobody reads, at its most talkative, and a SIGTERM", own=True, once=True)
def stalled_log(_):
    process = subprocess.Popen(
        [str(programs.BIN / "acurast-service"), "--listen", "127.0.0.1:0", "--log-level", "debug", "--drain-time", "500ms"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.clean_environment())
    try:
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        url = process.stdout.readline().decode().split()[-1]
        for _ in range(100):
            with rawws.RawSocket(url) as one:
                one.socket.settimeout(3)
                try:
                    one.login()
                except TimeoutError:
                    check(False, "no handshake once the log is full")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(5)
        except subprocess.TimeoutExpired:
            check(False, "still there 5 s after SIGTERM")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    check(code == 0, f"ended with {code}")
    return "100 handshakes, then ended with 0"


PAGES = ("/metrics", "/healthz", "/readyz")


def page(url, path, headers):
    with rawws.RawSocket(url) as one:
        one.request("GET", path, headers)
        return one.answer()[0]


@attack(
    "Host games",
    "the admin pages by a name that a browser could be led to believe is this machine",
    own=True, once=True,
)
def host_games(_):
    service = programs.Service(drain_time="1s")
    try:
        own = service.url.split("//")[1]
        check(page(service.url, "/metrics", {"Host": own}) == 200, "the figures are not where they were looked for")
        foreign = "rebound.example"
        for host in (foreign, f"{foreign}:{service.port}", f"127.0.0.1.{foreign}", f"localhost.{foreign}"):
            status = page(service.url, "/metrics", {"Host": host})
            check(status != 200, f"/metrics is answered to the host {host!r}")
    finally:
        service.end()
    return "answered by its own address alone"


@attack(
    "X-Forwarded-For games",
    "the admin pages through a proxy, with addresses that are none, on a port that trusts it",
    own=True, once=True,
)
def forwarded_games(_):
    service = programs.Service(drain_time="1s", trust_proxy="127.0.0.0/8")
    games = ("nonsense", ",", "127.0.0.1", "::1", "127.0.0.1, nonsense", "203.0.113.1:80", "unknown", "[::1]:1", "x" * 900)
    try:
        for path in PAGES:
            for header in games:
                status = page(service.url, path, {"X-Forwarded-For": header})
                check(status != 200, f"{path} is answered through a proxy, to X-Forwarded-For: {header[:30]!r}")
    finally:
        service.end()
    return f"{len(PAGES) * len(games)} refused"


@attack(
    "forwarded addresses that are none",
    "a flood through a proxy that does not say whom it speaks for",
    own=True, once=True,
)
def forwarded_nonsense(_):
    service = programs.Service(drain_time="1s", trust_proxy="127.0.0.0/8", max_connections_per_address=2)
    kept = []
    try:
        for turn in range(6):
            one = rawws.RawSocket(service.url)
            kept.append(one)
            one.upgrade(X_Forwarded_For="203.0.113.9, nonsense-%d" % turn)
        with rawws.RawSocket(service.url) as one:
            one.login(X_Forwarded_For="203.0.113.9")
    except AssertionError:
        check(False, "what does not parse used up another's connections")
    finally:
        for one in kept:
            one.close()
        service.end()
    return "charged to nobody else"


@attack(
    "a network of many addresses",
    "one IPv6 network of 48 bits, each connection from another 64 of it, through a proxy that is trusted",
    own=True, once=True,
)
def one_network(_):
    service = programs.Service(drain_time="1s", trust_proxy="127.0.0.0/8", max_connections_per_address=1)
    kept, let_in = [], 0
    try:
        for turn in range(NETWORKS):
            one = rawws.RawSocket(service.url)
            kept.append(one)
            let_in += one.upgrade(X_Forwarded_For=f"2001:db8:7:{turn:x}::1")[0] == 101
        with rawws.RawSocket(service.url) as one:
            check(one.upgrade(X_Forwarded_For="2001:db8:8::1")[0] == 101, "another network was kept out")
    finally:
        for one in kept:
            one.close()
        service.end()
    check(let_in < NETWORKS, f"{let_in} connections were let in where each address has one")
    return f"{let_in} of {NETWORKS} let in, and another network's"


@attack(
    "large payloads to a small client",
    "a stranger's 70,000 bytes to an acurast-peer that takes 64 KiB, again and again",
    own=True, once=True,
)
def large_to_small(target):
    sender = target.accepted()
    with tempfile.TemporaryDirectory() as folder:
        key = peer.keygen(Path(folder))
        arguments = peer.Listener.arguments(target.url, key, "--max-payload", "64KiB")
        listener = peer.Listener(programs.Program("acurast-peer", *arguments), key)
        try:
            listener.connected()
            for number in range(5):
                sender.write(payload(sender.id, key.id, bytes(70_000)) + payload(sender.id, key.id, b"%d" % number))
                told = listener.next(deadline=5)
                check(told["event"] == "payload", f"the client was told {told['event']} for a stranger's large payload")
                check(bytes.fromhex(told["hex"]) == b"%d" % number, "the client lost what came behind a large payload")
        finally:
            listener.program.end()
    return "the client stayed, and missed nothing else"


@attack("admin flood", f"{SILENT} silent connections to the admin port", own=True, once=True)
def admin_flood(target):
    service = target.service
    before = service.descriptors()
    crowd = []
    try:
        for _ in range(SILENT):
            crowd.append(rawws.RawSocket(service.admin))
        check(page(service.admin, "/healthz", {}) == 200, "no answer behind so many silent connections")
        target.eventually(lambda: sum(map(has_ended, crowd)) > 0, within=0.3)
        held = service.descriptors() - before
    except (rawws.Gone, TimeoutError):
        check(False, "no answer behind so many silent connections")
    finally:
        for one in crowd:
            one.close()
    check(held < SILENT // 2, f"{held} descriptors for silent connections to the admin port")
    return f"{held} kept at most"
