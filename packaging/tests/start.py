"""What it costs to load the bundled build beside the system's, in turns, as medians of CPU time:

packaging/tests/start.py python PYTHON-WITH-THE-WHEEL PYTHON-WITH-THE-OTHER
packaging/tests/start.py node FOLDER-WITH-THE-PACKAGES FOLDER-WITH-THE-OTHER
"""

import os
import resource
import statistics
import subprocess
import sys

ROUNDS = 25
LOADS = {
    "python": lambda place: ([place, "-c", "import acurast"], "/"),
    "node": lambda place: (["node", "-e", "require('acurast')"], place),
}


def milliseconds(command: list[str], folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(arguments: list[str]) -> int:
    if len(arguments) != 3 or arguments[0] not in LOADS:
        print(__doc__, file=sys.stderr)
        return 2
    load, *places = LOADS[arguments[0]], *map(os.path.abspath, arguments[1:])
    rounds = [[milliseconds(*load(place)) for place in places] for _ in range(ROUNDS)]
    bundled, other = (statistics.median(column) for column in zip(*rounds))
    print(f"bundled {bundled:.1f} ms, the other {other:.1f} ms, ratio {bundled / other:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
