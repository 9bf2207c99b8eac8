"""The Python client beside a pure-Python client on `websockets` and the bare C client, in one run through one service.

    python bindings/python/bench/bench.py BUILD [ROUNDS] [SECONDS]

BUILD is the folder of a CMake build with bin/ and lib/. Processor time is that of the contestant's process alone, I/O threads
included. The contestants take turns; each figure is the median over the rounds, and so is each ratio, of figures of one round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[2] / "core" / "include"
OURS, PURE, BARE = "acurast", "websockets", "C"


def start_service(binaries: Path) -> tuple[subprocess.Popen[str], str]:
    command = [str(binaries / "acurast-service"), "--listen", "127.0.0.1:0", "--rate-messages", "0", "--rate-bytes", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().split()[-1]


def start_peer(binaries: Path, url: str, *flags: str) -> tuple[subprocess.Popen[str], str]:
    command = [str(binaries / "acurast-peer"), "listen", "--url", url, "--quiet", "--json", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    return process, json.loads(process.stdout.readline())["id"]


def contest(command: list[str], arguments: list[str]) -> dict[str, dict[str, float]]:
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[-1]}: {done.stderr}")
    rows = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        rows[row["row"]] = {
            "rate": row["messages"] / row["seconds"],
            "cpu": row["cpu"] / row["messages"] * 1e6,
        }
    return rows


def compiled(build: Path, folder: str) -> list[str]:
    target = str(Path(folder) / "bare")
    library = build / "lib"
    flags = ["-O2", f"-I{INCLUDE}", f"-L{library}", f"-Wl,-rpath,{library}"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, str(HERE / "bare.c"), "-o", target, "-lacurast"], check=True)
    return [target]


Rounds = dict[str, list[dict[str, dict[str, float]]]]


def median(rounds: Rounds, row: str, figure: Callable[..., float], *names: str) -> float:
    """Over the rounds, of a figure of what the named contestants did in the same round."""
    return statistics.median(figure(*[each[row] for each in turn]) for turn in zip(*[rounds[name] for name in names]))


def print_table(rounds: Rounds) -> None:
    print(f"{'row':<30} {'':<11} {'per second':>11} {'CPU us':>8}   against websockets / over C")
    for row in rounds[OURS][0]:
        for name in (OURS, PURE, BARE):
            if row not in rounds[name][0]:
                continue
            rate, cpu = median(rounds, row, lambda a: a["rate"], name), median(rounds, row, lambda a: a["cpu"], name)
            line = f"{row:<30} {name:<11} {rate:>11,.0f} {cpu:>8.1f}"
            if name == OURS and row in rounds[PURE][0]:
                faster = median(rounds, row, lambda a, b: a["rate"] / b["rate"], OURS, PURE)
                cheaper = median(rounds, row, lambda a, b: a["cpu"] / b["cpu"], OURS, PURE)
                line += f"   {faster:.2f} x the rate, {cheaper:.2f} x the CPU"
                if row in rounds[BARE][0]:
                    line += f"; {median(rounds, row, lambda a, b: a['cpu'] - b['cpu'], OURS, BARE):+.1f} us CPU"
            print(line)


def main() -> None:
    build = Path(sys.argv[1]).resolve()
    rounds, seconds = int((sys.argv[2:] or ["5"])[0]), (sys.argv[3:] or ["1"])[0]
    running = []
    with tempfile.TemporaryDirectory() as folder:
        python = [sys.executable, str(HERE / "contestants.py")]
        commands = {OURS: [*python, OURS], PURE: [*python, PURE], BARE: compiled(build, folder)}
        try:
            service, url = start_service(build / "bin")
            running.append(service)
            echo, echo_id = start_peer(build / "bin", url, "--echo")
            running.append(echo)
            sink, sink_id = start_peer(build / "bin", url)
            running.append(sink)
            results: Rounds = {name: [] for name in commands}
            for number in range(rounds):
                order = list(commands) if number % 2 == 0 else list(reversed(commands))
                for name in order:
                    results[name].append(contest(commands[name], [url, echo_id, sink_id, seconds]))
            print_table(results)
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
