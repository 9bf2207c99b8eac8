#!/usr/bin/env python3
"""The benchmark: our service beside other relays, or beside an older commit, in turns, in one run, with the ratio of each figure.

Runs the programs of this folder (bench_load makes the load and reads the figures) and prints tables.
README.md says what each row is and where its target comes from.
"""

import argparse
import contextlib
import fnmatch
import json
import os
import platform
import re
import resource
import selectors
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from asking import Asking, Missing
from beside import HANDSHAKES, Beside, matrix

SERVICE_ARGS = (
    "--listen 127.0.0.1:0 --threads {threads} --rate-messages 0 --rate-bytes 0 "
    "--max-connections 0 --max-connections-per-address 0"
)
SIZES = {"64B": 64, "1KiB": 1024, "64KiB": 65536}
RELAY_ROWS = tuple(
    (size, pairs, window)
    for size, pairs, windows in (
        ("64B", 1, (1, 8, 32)),
        ("64B", 50, (1, 8, 32)),
        ("1KiB", 1, (1, 32)),
        ("1KiB", 50, (1, 32)),
        ("64KiB", 1, (1, 8, 32)),
        ("64KiB", 50, (1, 8, 32)),
    )
    for window in windows
)
TLS_ROWS = (("64B", 50, 1), ("64B", 50, 32), ("1KiB", 50, 32), ("64KiB", 1, 8), ("64KiB", 50, 8))
STEP_MS = 400
PACED_MS = 1000
IDLE_ROUNDS = 3  # at most: a round of them takes half a minute
START_SECONDS = 10
END_SECONDS = 20
LOAD_SECONDS = 120


class BenchError(Exception):
    pass


def certify(folder):
    """Makes a certificate that signs itself; returns its file and that of its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*shlex.split(command), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return str(cert), str(key)


def pin_to(cpu):
    """What binds a new process to a core; None where there is none."""
    return None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})


@dataclass
class Target:
    """A relay under test: its process and its port."""

    name: str
    command: list
    cpu: int | None
    scheme: str = "ws"
    said: str = r"^listening on {scheme}://.*:(\d+)$"  # before it is ready
    stderr: int = subprocess.DEVNULL
    flags: list = field(default_factory=list)  # of bench_load
    process: subprocess.Popen = None
    port: int = 0

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            stdin=subprocess.DEVNULL,
            bufsize=0,
            preexec_fn=pin_to(self.cpu),
        )
        try:
            self.port = self.wait_for_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for_port(self):
        deadline = time.monotonic() + START_SECONDS
        said = re.compile(self.said.replace("{scheme}", self.scheme))
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0, deadline - time.monotonic())):
                line = self.process.stdout.readline().decode(errors="replace")
                if not line:
                    break
                if found := said.search(line):
                    return int(found[1])
        raise BenchError(f"{self.name} did not start: {shlex.join(self.command)}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{self.name} did not end in {END_SECONDS} s after SIGTERM", file=sys.stderr)
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@dataclass
class Figure:
    """One line of the table: samples of ours and of what it is compared with, one a round."""

    row: str
    what: str
    target: float | None = None
    higher: bool = False  # more is better
    name: str = "bare"  # of what ours is compared with
    ours: list = field(default_factory=list)
    base: list = field(default_factory=list)

    def add(self, ours, base):
        self.ours.append(ours)
        self.base.append(base)

    @property
    def ratio(self):
        base = statistics.median(self.base)
        return statistics.median(self.ours) / base if base else None

    @property
    def ratios(self):
        return [ours / base for ours, base in zip(self.ours, self.base) if base]

    @property
    def met(self):
        return None if self.target is None else self.ratio <= self.target


class Bench:
    def __init__(self, options):
        self.options = options
        self.figures = []
        self.anchors = []
        self.missing = []  # rows that could not be measured here, and why
        self.certificate = None  # the files of it, while there is one: services that start meanwhile speak TLS
        cpus = sorted(os.sched_getaffinity(0))
        self.service_cpu, self.load_cpu = (cpus[0], cpus[1]) if len(cpus) > 1 and options.pin else (None, None)

    def wanted(self, row):
        return any(fnmatch.fnmatch(row, pattern) or row.startswith(pattern + "/") for pattern in self.options.rows)

    def left_out(self, row, why):
        self.missing.append((row, why))

    def ours(self, threads=1, pinned=None, service=None):
        args = shlex.split(self.options.service_args.format(threads=threads))
        if self.certificate:
            cert, key = self.certificate
            args += ["--tls-cert", cert, "--tls-key", key]
        pinned = threads == 1 if pinned is None else pinned
        return self.target("old" if service else "ours", [str(service or self.options.service), *args], pinned)

    def bare(self, pinned=True):
        return self.relay_target("bare", self.options.tools / "bench_bare_relay", pinned)

    def relay_target(self, name, program, pinned=True):
        """One of the relays that are started alike."""
        return self.target(name, [str(program), "0", *(self.certificate or [])], pinned)

    def target(self, name, command, pinned):
        tls = bool(self.certificate)
        cpu = self.service_cpu if pinned else None
        return Target(name, command, cpu, "wss" if tls else "ws", flags=["--tls"] if tls else [])

    @contextlib.contextmanager
    def certified(self, folder):
        """Services that start meanwhile speak TLS."""
        self.certificate = certify(folder)
        try:
            yield
        finally:
            self.certificate = None

    def load(self, target, *steps, pinned=True):
        """Runs steps of bench_load against a target and returns what it says, a dictionary a step."""
        return self.tool("bench_load", target, *target.flags, *steps, pinned=pinned)

    def tool(self, name, target, *args, pinned=True):
        command = [self.options.tools / name, "--port", str(target.port), "--pid", str(target.process.pid), *args]
        pin = pin_to(self.load_cpu if pinned else None)
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS, preexec_fn=pin)
        if done.returncode != 0:
            raise BenchError(f"{target.name}: {done.stderr.strip() or done.returncode} ({name} {' '.join(args)})")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def figure(self, *args, **kwargs):
        figure = Figure(*args, **kwargs)
        self.figures.append(figure)
        return figure

    def compare(self, row, targets, step, cpu_target, pinned=True, what="a message"):
        """One step against both, in turns: CPU, rate and latencies."""
        cpu = self.figure(row, f"CPU µs {what}", cpu_target)
        rate = self.figure(row, "messages/s", higher=True)
        p50 = self.figure(row, "p50 µs")
        p99 = self.figure(row, "p99 µs", 2.0)
        for _ in range(self.options.rounds):
            ours, bare = (self.load(target, step, pinned=pinned)[0] for target in targets)
            for figure, key in ((cpu, "cpu_us"), (rate, "rate"), (p50, "p50_us"), (p99, "p99_us")):
                figure.add(ours[key], bare[key])

    def relay(self):
        rows = self.relay_rows("relay", RELAY_ROWS)
        pings = [(f"pingpong/64B/{pairs}", pairs) for pairs in (1, 50) if self.wanted(f"pingpong/64B/{pairs}")]
        if not rows and not pings:
            return
        with self.ours() as ours, self.bare() as bare:
            for row, step, cpu_target in rows:
                self.compare(row, (ours, bare), step, cpu_target)
            for row, pairs in pings:
                self.compare(row, (ours, bare), f"pingpong=64,{pairs},{STEP_MS}", None)

    def relay_rows(self, kind, rows):
        """Of the rows that are wanted: name, step of bench_load, and target."""
        named = [(f"{kind}/{size}/{pairs}x{window}", SIZES[size], pairs, window) for size, pairs, window in rows]
        return [
            (row, f"relay={size},{pairs},{window},{STEP_MS}", relay_target(size, pairs, window))
            for row, size, pairs, window in named
            if self.wanted(row)
        ]

    def tls(self):
        """What TLS costs: relaying, handshakes and idle connections, beside libwebsockets with the same certificate."""
        rows = self.relay_rows("tls", TLS_ROWS)
        if not rows and not self.wanted("tls/handshake") and not self.wanted("tls/idle"):
            return
        with tempfile.TemporaryDirectory() as folder, self.certified(Path(folder)):
            if rows:
                with self.ours() as ours, self.bare() as bare:
                    for row, step, cpu_target in rows:
                        self.compare(row, (ours, bare), step, cpu_target)
            if self.wanted("tls/handshake"):
                self.tls_handshake()
            if self.wanted("tls/idle"):
                self.tls_idle()

    def tls_handshake(self):
        kinds = [
            (
                self.figure("tls/handshake", f"{kind}: a second (bare: nothing verified)", higher=True),
                self.figure("tls/handshake", f"{kind}: CPU µs (verify + bare)", 1.3),
            )
            for kind in ("full", "resumed")
        ]
        steps = ("idle=10", f"handshakes={HANDSHAKES},0", f"handshakes={HANDSHAKES},1")
        for _ in range(self.options.rounds):
            verify = self.floor()
            with self.ours() as ours, self.bare() as bare:
                results = [self.load(target, *steps)[1:] for target in (ours, bare)]
            for (rate, cpu), ours, bare in zip(kinds, *results):
                rate.add(ours["rate"], bare["rate"])
                cpu.add(ours["cpu_us"], verify + bare["cpu_us"])

    def tls_idle(self):
        count = max(self.options.idle // 10, 100)
        memory = self.figure("tls/idle", f"bytes an idle connection, {count:,}", 1.2)
        for _ in range(min(self.options.rounds, IDLE_ROUNDS)):
            memory.add(*(self.tls_memory(make, count) for make in (self.ours, self.bare)))

    def tls_memory(self, make, count):
        with make() as target:
            _, start, _, full = self.load(target, "idle=10", "memory", f"idle={count}", "memory")
        return (full["pss"] - start["pss"]) / (full["idle"] - start["idle"])

    def tracked(self):
        """Sends until delivered beside plain ones, both through our service, in turns."""
        rows = [(f"tracked/64B/50x{window}", window) for window in (1, 32) if self.wanted(f"tracked/64B/50x{window}")]
        if not rows:
            return
        with self.ours() as ours:
            for row, window in rows:
                cpu = self.figure(row, "CPU µs a delivered send (a plain one)", 2.2)
                rate = self.figure(row, "plain sends/s (delivered ones/s)", 1 / 0.45 if window > 1 else None)
                for _ in range(self.options.rounds):
                    tracked, plain = (
                        self.load(ours, f"{step}=64,50,{window},{STEP_MS}")[0] for step in ("tracked", "relay")
                    )
                    cpu.add(tracked["cpu_us"], plain["cpu_us"])
                    rate.add(plain["rate"], tracked["rate"])

    def cores(self):
        row = "cores/64B/50x32"
        if not self.wanted(row):
            return
        with self.ours(threads=len(os.sched_getaffinity(0))) as ours, self.bare(pinned=False) as bare:
            self.compare(row, (ours, bare), f"relay=64,50,32,{STEP_MS}", None, pinned=False)

    def threads(self):
        """What a second thread costs for each message; neither is bound to a core."""
        row = "threads/64B/50x32"
        if not self.wanted(row):
            return
        cpu = self.figure(row, "CPU µs a message, 2 threads (1 thread)", 1.1)
        rate = self.figure(row, "messages/s, 2 threads (1 thread)", higher=True)
        with self.ours(threads=2) as two, self.ours(pinned=False) as one:
            for _ in range(self.options.rounds):
                said = [self.load(target, f"relay=64,50,32,{STEP_MS}", pinned=False)[0] for target in (two, one)]
                cpu.add(*(each["cpu_us"] for each in said))
                rate.add(*(each["rate"] for each in said))

    def client(self):
        """Two clients of the library in one process: through our service, through the bare relay, and beside bench_load."""
        rows = [(f"client/64B/{window}", window) for window in (1, 32) if self.wanted(f"client/64B/{window}")]
        if not rows:
            return
        with self.ours() as ours, self.bare() as bare:
            for row, window in rows:
                rate = self.figure(row, "messages/s", higher=True)
                p50 = self.figure(row, "p50 µs, round trip")
                p99 = self.figure(row, "p99 µs, round trip", 2.0)
                own = self.figure(row, "the clients' CPU µs a message (bench_load)")
                for _ in range(self.options.rounds):
                    args = ("64", str(window), str(STEP_MS))
                    a, b = (self.tool("bench_roundtrip", target, *args)[0] for target in (ours, bare))
                    for figure, key in ((rate, "rate"), (p50, "p50_us"), (p99, "p99_us")):
                        figure.add(a[key], b[key])
                    own.add(a["own_us"], self.load(ours, f"relay=64,1,{window},{STEP_MS}")[0]["own_us"])

    def idle(self):
        """10,000 idle connections: what each costs to open and to keep, and what relaying beside them costs."""
        if not self.wanted("idle"):
            return
        loads = {
            "full": f"relay=64,50,32,{STEP_MS}",
            "1 in flight": f"relay=64,50,1,{STEP_MS}",
            "1,000/s": f"paced=64,50,1000,{PACED_MS}",
        }
        rounds = []
        for _ in range(min(self.options.rounds, IDLE_ROUNDS)):
            rounds.append((self.floor(), *(self.idle_run(make, loads) for make in (self.ours, self.bare))))
        self.idle_figures(rounds, loads)

    def floor(self):
        """The CPU of one verification, in µs."""
        command = [str(self.options.tools / "bench_verify_floor")]
        if self.service_cpu is not None:
            command = ["taskset", "-c", str(self.service_cpu), *command]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["cpu_us"]

    def idle_run(self, make, loads):
        with make() as target:
            without = self.load(target, *loads.values())
        count = self.options.idle
        fleet = ("idle=10", "memory", f"idle={count // 10}", f"idle={count // 2}", "memory", f"idle={count - count // 10}",
                 f"idle={count}", "memory", f"quiet={PACED_MS}")  # fmt: skip
        with make() as target:
            _, start, first, _, half, _, last, full, quiet, *beside = self.load(target, *fleet, *loads.values())
        return {
            "rate": first["rate"],
            "first": first["cpu_us"],
            "last": last["cpu_us"],
            "half": (half["pss"] - start["pss"]) / (half["idle"] - start["idle"]),
            "full": (full["pss"] - start["pss"]) / (full["idle"] - start["idle"]),
            "quiet": quiet["cpu_us_per_second"],
            "without": without,
            "beside": beside,
        }

    def idle_figures(self, rounds, loads):
        count = self.options.idle
        few, many = f"{count // 10:,}", f"{count:,}"
        handshakes = self.figure("handshake", "a second (bare: nothing verified)", higher=True)
        first = self.figure("handshake", f"CPU µs, up to {few} (verify + bare)", 1.3)
        last = self.figure("handshake", f"CPU µs, up to {many} (verify + bare)", 1.3)
        flat = self.figure("handshake", f"CPU µs, up to {many} (ours up to {few})", 1.15)
        half = self.figure("memory", f"bytes an idle connection, {count // 2:,}", 1.2)
        full = self.figure("memory", f"bytes an idle connection, {many}", 1.2)
        for verify, ours, bare in rounds:
            handshakes.add(ours["rate"], bare["rate"])
            first.add(ours["first"], verify + bare["first"])
            last.add(ours["last"], verify + bare["last"])
            flat.add(ours["last"], ours["first"])
            half.add(ours["half"], bare["half"])
            full.add(ours["full"], bare["full"])
        quiet = self.figure(f"beside {many} idle", "no load: CPU µs a second")
        for _, ours, bare in rounds:
            quiet.add(ours["quiet"], bare["quiet"])
        for i, name in enumerate(loads):
            row = f"beside {many} idle"
            cpu = self.figure(row, f"{name}: CPU µs a message")
            alone = self.figure(row, f"{name}: CPU µs (ours without)", 1.15)
            p99 = self.figure(row, f"{name}: p99 µs", 2.0)
            for _, ours, bare in rounds:
                cpu.add(ours["beside"][i]["cpu_us"], bare["beside"][i]["cpu_us"])
                alone.add(ours["beside"][i]["cpu_us"], ours["without"][i]["cpu_us"])
                p99.add(ours["beside"][i]["p99_us"], bare["beside"][i]["p99_us"])

    def run(self):
        if self.options.base:
            Beside(self, Figure, BenchError).base(self.options.base, RELAY_ROWS, TLS_ROWS)
        else:
            self.run_all()
        if not self.figures and not self.anchors and not self.missing:
            raise BenchError("no such row; see README.md")

    def run_all(self):
        self.relay()
        self.tracked()
        self.cores()
        self.threads()
        self.client()
        Asking(self, pin_to, BenchError).run()
        self.tls()
        self.anchors = Beside(self, Figure, BenchError).anchors()
        self.idle()


def relay_target(size, pairs, window):
    if size == 64 and (pairs, window) == (50, 32):
        return 2.0
    if size == 64 and window == 1:
        return 1.3
    return 1.25 if size == 65536 else None


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def line_of(figure):
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    target = "" if figure.target is None else f"≤ {figure.target:.3g}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    spread = f"{min(figure.ratios):.2f}–{max(figure.ratios):.2f}" if figure.ratios else ""
    return [figure.row, figure.what, number(statistics.median(figure.ours)), number(statistics.median(figure.base)),
            ratio, spread, target, verdict]  # fmt: skip


def table(figures, name):
    lines = [["row", "figure", "ours", name, "ratio", "of rounds", "target", ""], *map(line_of, figures)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    left = {0, 1, 6, 7}
    previous = None
    for line in lines:
        shown = ["" if line[0] == previous else line[0], *line[1:]]
        previous = line[0]
        cells = (text.ljust(width) if i in left else text.rjust(width) for i, (text, width) in enumerate(zip(shown, widths)))
        yield "  ".join(cells).rstrip()


def header(options):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    yield f"{platform.system()} {platform.release()}, {model}, {os.cpu_count()} cores, load {load:.2f} at the start"
    if options.base:
        yield f"medians of {options.rounds} rounds, ours and {options.base} (\"old\") in turns"
        return
    yield f"medians of {options.rounds} rounds, ours and bare in turns; \"bare\" is what brackets name where there are any"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, nargs="?", default=Path("build"), help="build folder (default: build)")
    parser.add_argument("--rows", default=os.environ.get("ROWS") or "*", help="patterns, such as 'relay/64B/*,idle'")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS") or 5))
    parser.add_argument("--idle", type=int, default=int(os.environ.get("IDLE") or 10000), help="idle connections")
    parser.add_argument("--base", default=os.environ.get("BASE"), help="an older commit to compare with, or another build of the service, in place of all else")
    parser.add_argument("--service", type=Path, help="the service's program (default: BUILD/bin/acurast-service)")
    parser.add_argument("--service-args", default=SERVICE_ARGS, help="its flags (default: %(default)s)")
    parser.add_argument("--tools", type=Path, help="where the bench programs are (default: BUILD/tests)")
    parser.add_argument("--no-pin", dest="pin", action="store_false", help="let service and load share all cores")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    options = parser.parse_args(arguments)
    options.rows = [pattern.strip() for pattern in options.rows.split(",") if pattern.strip()]
    options.service = options.service or options.build / "bin" / "acurast-service"
    options.tools = options.tools or options.build / "tests"
    if options.rounds < 1 or options.idle < 100:
        parser.error("at least one round and 100 idle connections")
    return options


def main(arguments):
    options = parse(arguments)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    head = list(header(options))
    bench = Bench(options)
    begin = time.monotonic()
    try:
        bench.run()
    except (BenchError, Missing, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    parts = [list(table(bench.figures, "old" if options.base else "bare"))] if bench.figures else []
    parts += [list(matrix(bench.anchors, number))] if bench.anchors else []
    print("\n".join(head + [line for part in parts for line in ("", *part)]))
    for row, why in bench.missing:
        print(f"{row}: left out: {why}")
    missed = sum(figure.met is False for figure in bench.figures)
    judged = sum(figure.met is not None for figure in bench.figures)
    print(f"\n{judged - missed} of {judged} targets met, in {time.monotonic() - begin:.0f} s")
    if options.json:
        options.json.write_text(json.dumps([vars(figure) for figure in bench.figures + bench.anchors], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
