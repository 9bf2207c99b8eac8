"""Rounds of faults on our own service, each checked by itself.

    PYTHONPATH=tests ACURAST_BIN=$PWD/build/bin build/venv/bin/python -m chaos --seconds 60 --seed 1
    ... -m chaos --prove     # nothing but the proofs that the checker finds what it should
"""

import argparse
import contextlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

from . import check, plan, prove, report, stage
from .program import vendor_missing

ROUND = 30  # seconds at most, with its end
END = 8  # of these: the last faults are over, everybody comes back, peace, the last outcomes
ENOUGH = 50  # sends of each level that have to succeed in a round
ENOUGH_FOREIGN = 10  # payloads that come to the vendor's client, and from it


def arguments(words):
    parser = argparse.ArgumentParser(prog="chaos", description="The truth under faults.")
    parser.add_argument("--seconds", type=float, default=60, help="how long all rounds last together (60)")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; a random one without it")
    parser.add_argument("--threads", type=int, help="of the service, in all its lives; without it as the plan says")
    parser.add_argument("--prove", action="store_true", help="only show that known faults are found")
    parser.add_argument("--keep", help="a folder for the journals; without it those of a round with violations are kept in /tmp")
    given = parser.parse_args(words)
    if not 1 <= given.seconds <= 86400:
        parser.error("--seconds is out of range")
    return given


def vacuous(journals):
    """A round in which hardly anything succeeds shows nothing."""
    tally = report.Tally()
    tally.add(journals, {})
    for level, name in enumerate(check.LEVELS):
        count = tally.sends[level, f"OK, {name}"]
        if count < ENOUGH:
            yield check.Violation("shows nothing", f"{count} sends until {name} have succeeded", ())
    foreign = {each.name for each in journals if each.cast.foreign}
    if foreign:
        given = [(each.name, receipt.program) for each in journals for receipt in each.receipts]
        for way, which in (("to", 0), ("from", 1)):
            count = sum(pair[which] in foreign and pair[1 - which] not in foreign for pair in given)
            if count < ENOUGH_FOREIGN:
                yield check.Violation("shows nothing", f"{count} payloads have come {way} the vendor's client", ())


def one_round(seed, seconds, folder, tally, fixed):
    settings, steps = plan.make(seed, seconds, vendor=not vendor_missing())
    (folder / "plan").write_text("\n".join([str(settings), *map(str, steps)]) + "\n")
    world = stage.Stage(seed, folder, seconds, settings=settings, tls=plan.is_tls(seed), fixed=fixed)
    journals = stage.play(world, steps, seconds)
    tally.add(journals, world.done)
    found = [check.Violation("service", words, ()) for words in world.faults]
    return found + check.violations(journals) + list(vacuous(journals))


def rounds(given, tally):
    """How many have passed, and how many have failed."""
    seed = random.randrange(1, 10**6) if given.seed is None else given.seed
    count = max(1, round(given.seconds / ROUND))
    fixed = {"threads": given.threads} if given.threads else {}
    failed = 0
    for number in range(count):
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed + number}-", dir=given.keep))
        found = one_round(seed + number, max(1, given.seconds / count - END), folder, tally, fixed)
        report.show(found)
        failed += bool(found)
        where = f"; the journals are in {folder}" if found or given.keep else ""
        line = ", over TLS" if plan.is_tls(seed + number) else ""
        print(f"{'FAILED' if found else 'ok':7} seed {seed + number}{line}: {len(found)} violations{where}", flush=True)
        if not where:
            shutil.rmtree(folder)
    return count - failed, failed


def main(words):
    given = arguments(words)
    passed, failed = prove.everything()
    if not given.prove:
        tally = report.Tally()
        more, failures = rounds(given, tally)
        passed, failed = passed + more, failed + failures
        tally.print()
    missing = vendor_missing()
    if missing:
        print(f"left out: the vendor's client; {missing}")
    print(f"\n{passed} passed, {failed} failed" + (", 1 skipped" if missing else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
