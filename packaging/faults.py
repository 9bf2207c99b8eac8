"""Whether Debian has mended a library that is bundled:  faults.py   (make faults)

Each pin of pins.toml is a source package of a release of Debian. Where that release or its security updates have a newer one by now, it is
printed, and the exit code is 1: the pin is to be moved, and a release made (RELEASING.md). What is known and not mended yet is in the lists
with which osv-scanner and the like compare dist/*.cdx.json.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fetch import PINS, Refused, apt, deb_src, run

DIST = Path(os.environ.get("DIST", Path(__file__).resolve().parent.parent / "build/dist")).resolve()


def now(suite: str) -> list[str]:
    """Options of apt for what the suite has at this moment."""
    release = suite.removesuffix("-security")
    lines = deb_src("debian", release) + deb_src("debian", f"{release}-updates") + deb_src("debian-security", f"{release}-security")
    return apt(DIST / "apt-now" / suite, lines, fresh=True)


def newer(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def offered(options: list[str], package: str) -> list[str]:
    listed = run("apt-cache", *options, "showsrc", "--only-source", package)
    return [line.partition(": ")[2] for line in listed.splitlines() if line.startswith("Version: ")]


def look() -> dict[str, list[str]]:
    """What is newer than each pin."""
    options = {suite: now(suite) for suite in {pin["suite"] for pin in PINS["source"].values()}}
    return {
        name: sorted({version for version in offered(options[pin["suite"]], pin["package"]) if newer(version, pin["debian"])})
        for name, pin in PINS["source"].items()
    }


def main() -> int:
    try:
        found = look()
    except Refused as error:
        print(f"make faults: {error}", file=sys.stderr)
        return 2
    for name, versions in found.items():
        print(f"{'NEWER' if versions else 'ok   '}   {name} {PINS['source'][name]['debian']} {' '.join(versions)}".rstrip())
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
