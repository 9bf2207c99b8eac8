"""The rows of requests: each language's `request` beside the same written by hand, and beside NATS.

Who asks is a program for each language (an asker), started anew for each round: it does its rows both ways, one after the other, and prints
a line of JSON for each. Who answers is the same for all. What is not there is left out, and the table says why.
"""

import contextlib
import json
import os
import re
import selectors
import shutil
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
STEP_MS = 250
PROCESSORS = 43
READY_SECONDS = 600
START_SECONDS = 20
ASK_SECONDS = 60
NATS_PY = "nats-py==2.16.0"
NATS_SERVER = "github.com/nats-io/nats-server/v2@v2.15.2"
ROWS = {"1": "1", "32": "32", "absent": "absent", f"3of{PROCESSORS}": "many"}
LANGUAGES = {"c": 1.1, "python": 0.6, "node": 0.7, "go": 1.0}  # the target for the CPU of a request
ABSENT_TARGET = 1.5
ORDERS = ("request,hand", "hand,request")
NATS_ROWS = ("1", "32")
NATS_MODES = {"asap": NATS_ROWS, "batched": ("32",)}  # of nats.c; batched is a millisecond late where one is alone


class Missing(Exception):
    """Why a row cannot be measured here."""


def said_by(command, **how):
    """What a command that makes something ready prints; why it could not be had."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=READY_SECONDS, **how)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from None
    if done.returncode:
        raise Missing((done.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1])
    return done.stdout.strip()


def ready(language, build):
    """The last line of what makes the binding ready."""
    return said_by(["sh", str(TOP / "bindings" / language / "tools" / "ready.sh"), str(build)]).splitlines()[-1]


def c_asker(build):
    return [str(build / "tests" / "bench_asker")]


def python_asker(build):
    """The binding in the build folder is installed again where its sources are newer."""
    python = ready("python", build)
    installed = said_by([python, "-c", "import acurast._core; print(acurast._core.__file__)"], cwd="/")
    sources = [path for folder in ("core/src", "core/include", "bindings/python/src") for path in (TOP / folder).rglob("*.*")]
    if python.startswith(str(build.resolve())) and max(map(changed, sources)) > changed(Path(installed)):
        said_by([python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", str(TOP / "bindings" / "python")])
    return [python, str(TOP / "bindings" / "python" / "bench" / "asker.py")]


def changed(path):
    return path.stat().st_mtime


def node_asker(build):
    return [ready("node", build), str(TOP / "bindings" / "node" / "bench" / "asker.js")]


def go_asker(build):
    target = build.resolve() / "tests" / "bench_asker_go"
    go = ["sh", str(TOP / "bindings" / "go" / "tools" / "go.sh"), str(build.resolve()), "build", "-buildvcs=false"]
    said_by([*go, "-o", str(target), "./bench/asker"], cwd=TOP / "bindings" / "go" / "tests")
    return [str(target)]


ASKERS = {"c": c_asker, "python": python_asker, "node": node_asker, "go": go_asker}


def nats_server(build):
    """The one of the system, else a newer one in the build folder: Debian's package would start it as a daemon."""
    folder = build.resolve() / "nats"
    server = shutil.which("nats-server") or str(folder / "nats-server")
    if not os.path.exists(server):
        folder.mkdir(exist_ok=True)
        go = ["sh", str(TOP / "bindings" / "go" / "tools" / "go.sh"), str(build.resolve())]
        said_by([*go, "install", NATS_SERVER], cwd=folder, env={**os.environ, "GOBIN": str(folder)})
    return server


class Running:
    """A program that goes on, once it has printed a line that matches."""

    def __init__(self, command, until, pin):
        self.command, self.pin, self.lines = command, pin, []
        self.until = re.compile(until)

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=self.pin
        )
        try:
            self.match = self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0, deadline - time.monotonic())):
                more = os.read(self.process.stdout.fileno(), 65536)
                if not more:
                    break
                *whole, rest = (rest + more).split(b"\n")
                self.lines += [line.decode(errors="replace") for line in whole]
                for line in self.lines:
                    if found := self.until.search(line):
                        return found
        raise Missing(f"{Path(self.command[0]).name} did not start: {' '.join(self.lines[-1:])}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Asking:
    """The rows request/…, of a bench.Bench."""

    def __init__(self, bench, pin_to, error):
        self.bench, self.pin_to, self.error = bench, pin_to, error
        self.build = bench.options.build
        self.rounds = bench.options.rounds

    def run(self):
        wanted = {language: self.wanted(f"request/{language}") for language in LANGUAGES}
        nats = {
            name: [row for row in NATS_ROWS if self.bench.wanted(f"request/nats/{name}/{row}")] for name in ("c", "python")
        }
        if not any(wanted.values()) and not any(nats.values()):
            return
        askers = self.ready(language for language in LANGUAGES if wanted[language] or nats.get(language))
        with self.bench.ours() as service, self.answerers(service) as answerers:
            self.place = [f"ws://127.0.0.1:{service.port}", answerers.lines[:PROCESSORS]]
            for language, rows in wanted.items():
                if rows and askers[language]:
                    self.language(language, askers[language], rows)
            self.nats(askers, nats)

    def wanted(self, prefix):
        return [row for row in ROWS if self.bench.wanted(f"{prefix}/{row}")]

    def ready(self, languages):
        askers = dict.fromkeys(LANGUAGES)
        for language in languages:
            try:
                askers[language] = ASKERS[language](self.build)
            except Missing as why:
                self.bench.left_out(f"request/{language}", str(why))
        return askers

    def answerers(self, service):
        command = [str(self.bench.options.tools / "bench_answerer"), f"ws://127.0.0.1:{service.port}", str(PROCESSORS)]
        return Running(command, "^ready", self.pin_to(self.bench.service_cpu))

    def ask(self, command):
        """What an asker says, by row and way."""
        pin = self.pin_to(self.bench.load_cpu)
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, preexec_fn=pin)
        if done.returncode:
            raise self.error(f"{' '.join(command[:2])}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {(line["row"], line["way"]): line for line in lines}

    def ask_us(self, asker, ways, rows):
        url, ids = self.place
        return self.ask([*asker, url, str(STEP_MS), ways, ",".join(rows), *ids])

    def language(self, language, asker, rows):
        figures = [each for row in rows for each in self.figures(f"request/{language}/{row}", row, LANGUAGES[language])]
        for number in range(self.rounds):
            said = self.ask_us(asker, ORDERS[number % 2], [ROWS[row] for row in rows])
            for figure, row, key in figures:
                figure.add(said[ROWS[row], "request"][key], said[ROWS[row], "hand"][key])

    def figures(self, name, row, target):
        """The figures of a row, each with what an asker calls it."""
        figure = self.bench.figure
        if row == "absent":
            yield figure(name, "µs until NOT_HERE (a round trip by hand)", ABSENT_TARGET), row, "p50_us"
            return
        what = "a request" if row.isdigit() else "a request to many"
        yield figure(name, f"CPU µs {what} (by hand)", target if row.isdigit() else None), row, "cpu_us"
        yield figure(name, "p50 µs (by hand)"), row, "p50_us"
        yield figure(name, "p99 µs (by hand)"), row, "p99_us"

    def nats(self, askers, rows):
        if not any(rows.values()):
            return
        try:
            with contextlib.ExitStack() as stack:
                url = self.start_nats(stack)
                if rows["c"] and askers["c"]:
                    for mode, all_rows in NATS_MODES.items():
                        some = [row for row in rows["c"] if row in all_rows]
                        program = [str(self.bench.options.tools / "bench_nats"), "ask", url, str(STEP_MS), mode, ",".join(some)]
                        self.beside_nats("c", f"nats.c, {mode}", askers["c"], some, program)
                if rows["python"] and askers["python"]:
                    asker = [*askers["python"], url, str(STEP_MS), "nats", ",".join(rows["python"])]
                    self.nats_py(askers["python"][0])
                    self.beside_nats("python", "nats-py", askers["python"], rows["python"], asker)
        except Missing as why:
            self.bench.left_out("request/nats", str(why))

    def start_nats(self, stack):
        """Its server, and who answers there, where ours are."""
        program = self.bench.options.tools / "bench_nats"
        if not program.exists():
            raise Missing("nats.c is not installed (Debian: libnats-dev)")
        server = nats_server(self.build)
        pin = self.pin_to(self.bench.service_cpu)
        listening = Running([server, "-a", "127.0.0.1", "-p", "-1"], r"Listening for client connections on 127\.0\.0\.1:(\d+)", pin)
        url = f"nats://127.0.0.1:{stack.enter_context(listening).match[1]}"
        stack.enter_context(Running([str(program), "answer", url], "^ready", pin))
        return url

    def nats_py(self, python):
        """Into a folder of its own: it is nothing of the binding."""
        folder = self.build.resolve() / "bench-nats-py"
        os.environ["PYTHONPATH"] = str(folder)
        if subprocess.run([python, "-c", "import nats"], capture_output=True).returncode:
            said_by([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(folder), NATS_PY])

    def beside_nats(self, language, name, asker, rows, program):
        if not rows:
            return
        figures = []
        for row in rows:
            where = f"request/nats/{language}/{row}"
            figures += [
                (row, self.bench.figure(where, f"p50 µs ({name})", 1.0), "p50_us"),
                (row, self.bench.figure(where, f"requests/s ({name})", higher=True), "rate"),
                (row, self.bench.figure(where, f"CPU µs a request ({name})"), "cpu_us"),
            ]
        for number in range(self.rounds):
            turns = [lambda: self.ask_us(asker, "request", rows), lambda: self.ask(program)]
            said = {}
            for turn in turns if number % 2 == 0 else reversed(turns):
                said.update(turn())
            for row, figure, key in figures:
                figure.add(said[row, "request"][key], said[row, "nats"][key])
