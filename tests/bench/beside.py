"""Our service beside others that do the same work, in turns: the rows anchors/…, and all that BASE=COMMIT compares.

The anchors are programs that do less than ours, and one that people use. An older commit is built once into the build folder.
"""

import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from asking import TOP, Missing, nats_server, said_by

ANCHOR_ROWS = (("64B", 50, 32), ("64B", 50, 8), ("64B", 1, 8), ("1KiB", 50, 32), ("64KiB", 1, 8), ("64KiB", 50, 8))
ANCHOR_TLS_ROWS = (("64B", 50, 1), ("64B", 50, 32), ("1KiB", 50, 32), ("64KiB", 1, 8), ("64KiB", 50, 8))
ANCHOR_ROUNDS = 3  # at most
HANDSHAKES = 400
CPU_TARGET = 1.03  # of the older commit's
BASE_SECONDS = 1200  # then what is left is left out
NATS_SAYS = r"Listening for client connections on 127\.0\.0\.1:(\d+)"
RUN = {"cpu_us": "CPU µs a message", "rate": "messages/s", "p50_us": "p50 µs", "p99_us": "p99 µs"}


@dataclass
class Work:
    """Steps of bench_load, and what their last results say: by figure."""

    row: str
    steps: tuple
    read: Callable
    alone: bool = False  # in a process of its own
    verified: str | None = None  # the figure that the anchors owe a verification


def run_work(row, step):
    return Work(row, (step,), lambda said: {what: said[-1][key] for key, what in RUN.items()})


def handshake_works(row, tls, what):
    def read(said):
        return {what: said[-1]["cpu_us"]}

    kinds = (("/full", 0), ("/resumed", 1)) if tls else (("", 0),)  # ten idle connections bring a ticket
    return [Work(row + kind, ("idle=10", f"handshakes={HANDSHAKES},{i}"), read, verified=what) for kind, i in kinds]


def idle_work(row, count):
    def read(said):
        _, few, _, many = said
        return {f"bytes, of {count:,}": (many["pss"] - few["pss"]) / (many["idle"] - few["idle"])}

    return Work(row, ("idle=10", "memory", f"idle={count}", "memory"), read, alone=True)


def old_service(build, commit):
    """The service of an older commit, built as this one is, once."""
    sha = said_by(["git", "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}"], cwd=TOP)
    folder = build.resolve() / "base" / sha[:12]
    service = folder / "build" / "bin" / "acurast-service"
    if not service.exists():
        source = folder / "source"
        source.mkdir(parents=True, exist_ok=True)
        said_by(["sh", "-c", f"git archive {sha} | tar -x -C {shlex.quote(str(source))}"], cwd=TOP)
        cache = (build / "CMakeCache.txt").read_text().splitlines()
        same = [f"-D{line}" for line in cache if line.startswith(("CMAKE_BUILD_TYPE:", "CMAKE_C_FLAGS:", "CMAKE_C_COMPILER:"))]
        configure = ["cmake", "-S", source, "-B", folder / "build", "-G", "Ninja", "--log-level=WARNING", "-DACURAST_TESTS=OFF"]
        said_by([*map(str, configure), *same])
        said_by(["cmake", "--build", str(folder / "build"), "--target", "acurast-service"])
    return service


class Beside:
    """Of a bench.Bench. What is compared with ours is a name, and what starts it."""

    def __init__(self, bench, figure, error):
        self.bench, self.figure, self.error = bench, figure, error
        self.options = bench.options
        self.figures = {}  # by row, what and whose
        self.handshake = "CPU µs a handshake"
        self.verification = 0
        self.deadline = time.monotonic() + BASE_SECONDS

    def anchors(self):
        self.handshake = "CPU µs a handshake (theirs + a verification)"
        plain, tls = (
            self.works("anchors" + part, rows, bool(part)) for part, rows in (("", ANCHOR_ROWS), ("/tls", ANCHOR_TLS_ROWS))
        )
        if plain or tls:
            self.verification = self.bench.floor()
            self.compare(plain, tls, self.ready(), min(self.options.rounds, ANCHOR_ROUNDS))
        return list(self.figures.values())

    def base(self, commit, relay_rows, tls_rows):
        """All of it into the table of the others, with the spread of the rounds."""
        service = Path(commit).resolve() if Path(commit).is_file() else old_service(self.options.build, commit)
        others = {"old": lambda: self.bench.ours(service=service)}
        plain = self.works("relay", relay_rows, False)
        tls = self.works("tls", tls_rows, True)
        self.compare(plain, tls, others, self.options.rounds, CPU_TARGET)
        self.bench.figures += self.figures.values()

    def works(self, kind, rows, tls):
        own = "" if kind == "relay" else f"{kind}/"
        idle = max(self.options.idle // 10, 100)
        works = [run_work(row, step) for row, step, _ in self.bench.relay_rows(kind, rows)]
        rest = [*handshake_works(f"{own}handshake", tls, self.handshake), idle_work(f"{own}idle", idle)]
        return works + [work for work in rest if self.bench.wanted(work.row)]

    def ready(self):
        """The anchors that can be had here."""
        others = {"epoll floor": self.started("bench_floor_relay"), "libwebsockets": self.bench.bare}
        for name, make in (("Go by hand", self.go_relay), ("nats-server", self.nats)):
            try:
                others[name] = make()
            except Missing as why:
                self.bench.left_out(f"anchors: {name}", str(why))
        return others

    def started(self, program):
        return lambda: self.bench.relay_target(program, self.options.tools / program)

    def go_relay(self):
        build = self.options.build.resolve()
        target = self.options.tools.resolve() / "bench_go_relay"
        go = ["sh", str(TOP / "bindings" / "go" / "tools" / "go.sh"), str(build), "build", "-buildvcs=false"]
        said_by([*go, "-o", str(target), "./tests/bench/go_relay"], cwd=TOP)
        return self.started(target.name)

    def nats(self):
        command = [nats_server(self.options.build), "-a", "127.0.0.1", "-p", "-1"]

        def make():
            certificate = self.bench.certificate
            tls = ["--tls", "--tlscert", certificate[0], "--tlskey", certificate[1]] if certificate else []
            target = self.bench.target("nats-server", [*command, *tls], True)
            target.said, target.stderr = NATS_SAYS, subprocess.STDOUT
            target.flags = [*target.flags, "--nats"]
            return target

        return make

    def compare(self, plain, tls, others, rounds, target=None):
        self.turns(plain, others, rounds, target)
        if tls:
            with tempfile.TemporaryDirectory() as folder, self.bench.certified(Path(folder)):
                self.turns(tls, others, rounds, target)

    def turns(self, works, others, rounds, target):
        makes = {"ours": self.bench.ours, **others}
        with ExitStack() as stack:
            shared = any(not work.alone for work in works)
            running = {name: stack.enter_context(make()) for name, make in makes.items()} if shared else {}
            for work in works:
                names = list(makes)
                for number in range(rounds):
                    if time.monotonic() > self.deadline:
                        self.bench.left_out(work.row, f"round {number + 1} and what follows: {BASE_SECONDS} s are over")
                        break
                    said = {}
                    for name in names[number % len(names) :] + names[: number % len(names)]:
                        self.measure(work, name, makes, running, said)
                    self.add(work, said, target)
                    names = [name for name in names if name in said]

    def measure(self, work, name, makes, running, said):
        """One that fails is left out from then on, unless it is ours."""
        try:
            if work.alone:
                with makes[name]() as fresh:
                    said[name] = work.read(self.bench.load(fresh, *work.steps))
            else:
                said[name] = work.read(self.bench.load(running[name], *work.steps))
        except self.error as why:
            if name == "ours":
                raise
            self.bench.left_out(f"{work.row}: {name}", str(why))

    def add(self, work, said, target):
        ours = said.pop("ours")
        for name, theirs in said.items():
            for what, value in theirs.items():
                value += self.verification if what == work.verified else 0
                key = (work.row, what, name)
                if key not in self.figures:
                    goal = target if what.startswith("CPU") else None
                    self.figures[key] = self.figure(work.row, what, goal, higher=what.endswith("/s"), name=name)
                self.figures[key].add(ours[what], value)
        said["ours"] = ours


def matrix(figures, number):
    """A line for each work: ours, and each of the others with the ratio of ours to it."""
    figures = [figure for figure in figures if figure.what not in ("messages/s", "p50 µs", "p99 µs")]
    names = list(dict.fromkeys(figure.name for figure in figures))
    lines = [["work", "figure", "ours", *(each for name in names for each in (name, "ours:"))]]
    for row, what in dict.fromkeys((figure.row, figure.what) for figure in figures):
        others = {figure.name: figure for figure in figures if (figure.row, figure.what) == (row, what)}
        line = [row, what, number(statistics.median(next(iter(others.values())).ours))]
        for name in names:
            figure = others.get(name)
            line += [number(statistics.median(figure.base)), f"{figure.ratio:.2f}"] if figure else ["", ""]
        lines.append(line)
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        yield "  ".join(text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(line, widths)))
