"""Builds what is published, into a folder:  dist.py INTO [TARGET|sdist|npm|source|programs ...]   (make dist)

A TARGET is a row of targets.txt: its wheel, its package of npm, and its static libraries. Without one, all of them are built, and the
rest: the sdist, npm's main package, the sources, and the static programs with the image of a container. SHA256SUMS and the list of what
is inside tell of all that is in INTO at the end. What is made on the way stays in $DIST (build/dist), so that the next time takes seconds.
Ends with 3 where a source package is gone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import npm
import programs
import sbom
import wheel
from checkout import EPOCH, TOP, VERSION, copy_tracked, pack_tar
from fetch import Refused
from targets import TARGETS, Target

DIST = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()

PKG_CONFIG = """#!/bin/sh
# pkg-config that knows the libraries beside this file and no others, and links them statically.
here=$(cd "$(dirname "$0")" && pwd)
export PKG_CONFIG_LIBDIR="$here/lib/pkgconfig" PKG_CONFIG_PATH=
exec pkg-config --static "$@"
"""


def prefix(target: Target) -> Path:
    """The target's static libraries, made where they are missing."""
    folder = DIST / target.name / "prefix"
    environment = {**os.environ, "DIST": str(DIST), "SOURCE_DATE_EPOCH": str(EPOCH)}
    subprocess.run(["sh", TOP / "packaging/core.sh", target.name, folder], env=environment, check=True)
    return folder


def static(target: Target, built: Path, into: Path) -> Path:
    """libacurast.a and what it stands on, described for pkg-config."""
    name = f"libacurast-{VERSION}-{target.name}"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / name
        shutil.copytree(built / "include/acurast", tree / "include/acurast")
        shutil.copytree(built / "lib", tree / "lib")
        shutil.copytree(built / "licences", tree / "licences")
        shutil.copy(TOP / "LICENSE", tree)
        shutil.copy(TOP / "packaging/static.md", tree / "README.md")
        (tree / "acurast.cdx.json").write_bytes(sbom.document(f"pkg:generic/libacurast@{VERSION}", sbom.BUNDLED))
        (tree / "pkg-config").write_text(PKG_CONFIG)
        (tree / "pkg-config").chmod(0o755)
        return pack_tar(Path(folder), into / f"{name}.tar.gz")


def sources(into: Path) -> Path:
    name = f"libacurast-{VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        copy_tracked(Path(folder) / name, ".")
        return pack_tar(Path(folder), into / f"{name}.tar.gz")


def build(what: str, into: Path) -> list[Path]:
    if what == "sdist":
        return [wheel.sdist(into, DIST)]
    if what == "npm":
        return [npm.main_package(into)]
    if what == "source":
        return [sources(into)]
    if what == "programs":
        return programs.make(into, [])
    target = TARGETS[what]
    built = prefix(target)
    return [
        wheel.wheel(target, built, into, DIST), npm.platform_package(target, built, into, DIST), static(target, built, into)
    ]


def sums(into: Path) -> None:
    files = sorted(path for path in into.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (into / "SHA256SUMS").write_text("".join(lines))


def main() -> int:
    into, *wanted = sys.argv[1:]
    folder = Path(into).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known = [*TARGETS, "sdist", "npm", "source", "programs"]
    unknown = set(wanted) - set(known)
    if unknown:
        print(f"no such target: {' '.join(sorted(unknown))}; there are {' '.join(known)}", file=sys.stderr)
        return 2
    try:
        for what in wanted or known:
            began = time.monotonic()
            for made in build(what, folder):
                print(f"{made.stat().st_size:>9} {made.name}")
            print(f"          {what} took {time.monotonic() - began:.0f} s", flush=True)
    except (Refused, subprocess.CalledProcessError) as error:
        print(f"make dist: {error}", file=sys.stderr)
        return getattr(error, "returncode", 1)
    (folder / f"acurast-{VERSION}.cdx.json").write_bytes(sbom.document(f"pkg:generic/acurast@{VERSION}", sbom.BUNDLED))
    sums(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
