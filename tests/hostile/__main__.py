"""Mounts the attacks on one service, and says of each whether the service held.

    PYTHONPATH=tests python3 -m hostile --url ws://127.0.0.1:9001     # any service of the protocol, on this machine
    PYTHONPATH=tests python3 -m hostile                               # build/bin/acurast-service, in several settings
"""

import argparse
import contextlib
import resource
import sys
import tempfile
from pathlib import Path

from . import checks, table
from .attacks import ATTACKS
from .field import Field
from .our_service import SETTINGS, suits
from .target import Refused, Target, loopback


def arguments(words):
    parser = argparse.ArgumentParser(prog="hostile", description="Attacks a service of the protocol on this machine.")
    parser.add_argument("--url", help="ws:// or wss:// and a loopback address; without it our own service is started")
    parser.add_argument("--seconds", type=float, default=60, help="how long the noisy attacks last, all together (60)")
    parser.add_argument("--patience", type=float, default=30, help="seconds that a handshake may take at --url (30)")
    parser.add_argument("--only", default="", help="only the attacks with these words in their name")
    parser.add_argument("--list", action="store_true", help="print the table of attacks, as it stands in README.md")
    given = parser.parse_args(words)
    if not 0 < given.seconds <= 86400 or not 0 < given.patience <= 3600:
        parser.error("--seconds or --patience is out of range")
    return given


def against(url, given, chosen, report):
    """Somebody's service: as it is, from outside."""
    noisy = sum(each.noisy for each in chosen) or 1
    target = Target(loopback(url), patience=given.patience, seconds=given.seconds / noisy)
    with Field(target) as field:
        report.begin(target.url)
        for each in chosen:
            report.add(each, field.mount(each))


def against_ours(given, chosen, report):
    """Our own service, in each of the settings."""
    plan = [(setting, [each for each in chosen if suits(each, setting)]) for setting in SETTINGS]
    noisy = sum(each.noisy for _, attacks in plan for each in attacks) or 1
    with tempfile.TemporaryDirectory() as folder:
        for setting, attacks in plan:
            if not attacks:
                continue
            report.begin(setting.name)
            with setting.start(Path(folder), given.seconds / noisy) as ours, Field(ours.target, ours) as field:
                for each in attacks:
                    report.add(each, field.mount(each))
    if not given.only:
        report.begin("the suite itself")
        checks.all_of_them(report)


def main(words):
    given = arguments(words)
    if given.list:
        print(table.as_markdown(ATTACKS))
        return 0
    chosen = [each for each in ATTACKS if given.only in each.name]
    if not chosen:
        print(f"no attack has {given.only!r} in its name", file=sys.stderr)
        return 2
    report = table.Report()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        if given.url:
            against(given.url, given, chosen, report)
        else:
            against_ours(given, chosen, report)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    except ConnectionError as error:
        print(f"there is nothing to attack: {error}", file=sys.stderr)
        return 2
    return report.end()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
