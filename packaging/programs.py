"""The programs with everything inside, for machines that need nothing but a kernel:  programs.py INTO [TARGET ...]

acurast-programs-VERSION-TARGET.tar.gz holds acurast-service and acurast-peer, linked statically with musl, their manual pages and
completions, a unit of systemd, and the licences of what is inside. acurast-service-VERSION.oci.tar.gz is the image of a container for all
of the targets, made by image.py. Without a TARGET both Linux processors are built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import image
import sbom
from checkout import EPOCH, TOP, VERSION, pack_tar
from targets import TARGETS, Target

DIST = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()
PROGRAMS = ("acurast-service", "acurast-peer")
STATIC = [name for name in TARGETS if name.endswith("linux-musl")]


class NotStatic(Exception):
    """A program that would look for libraries where it runs."""


def check_static(program: Path) -> None:
    told = subprocess.run(["readelf", "--wide", "--program-headers", program], capture_output=True, text=True, check=True).stdout
    if "INTERP" in told or "There are no program headers" in told:
        raise NotStatic(f"{program} asks for an interpreter")


def build(target: Target) -> Path:
    """Compiles and strips them; the folder that has bin/ and licences/."""
    prefix = DIST / target.name / "prefix"
    environment = {**os.environ, "DIST": str(DIST), "SOURCE_DATE_EPOCH": str(EPOCH), "PROGRAMS": "ON", "LDFLAGS": "-pie"}
    subprocess.run(["sh", TOP / "packaging/core.sh", target.name, prefix], env=environment, check=True)
    folder = DIST / target.name / "programs"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(DIST / target.name / "prefix-core/bin" / name, folder / "bin" / name)
        check_static(folder / "bin" / name)
    shutil.copytree(prefix / "licences", folder / "licences")
    shutil.copy(TOP / "LICENSE", folder / "licences/libacurast")
    return folder


def tarball(target: Target, built: Path, into: Path) -> Path:
    """As an installation below a prefix, but for what is about the archive itself."""
    name = f"acurast-programs-{VERSION}-{target.name}"
    manual = TOP / "core/manual"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / name
        shutil.copytree(built, tree)
        for source, place in (
            ("acurast-service.8", "share/man/man8/acurast-service.8"), ("acurast-peer.1", "share/man/man1/acurast-peer.1"),
            *((f"{program}.bash", f"share/bash-completion/completions/{program}") for program in PROGRAMS),
            *((f"_{program}", f"share/zsh/site-functions/_{program}") for program in PROGRAMS),
            *((f"{program}.fish", f"share/fish/vendor_completions.d/{program}.fish") for program in PROGRAMS),
        ):  # fmt: skip
            (tree / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(manual / source, tree / place)
        for source in ("acurast-service.service", "acurast-service.default", "acurast-service.sysusers"):
            (tree / "systemd").mkdir(exist_ok=True)
            shutil.copy(TOP / "packaging/debian" / source, tree / "systemd" / source)
        shutil.copy(TOP / "packaging/programs.md", tree / "README.md")
        (tree / "acurast.cdx.json").write_bytes(sbom.document(f"pkg:generic/acurast-programs@{VERSION}", sbom.BUNDLED))
        return pack_tar(Path(folder), into / f"{name}.tar.gz")


def make(into: Path, names: list[str]) -> list[Path]:
    built = {name: build(TARGETS[name]) for name in names or STATIC}
    made = [tarball(TARGETS[name], folder, into) for name, folder in built.items()]
    return [*made, image.make(built, into)]


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    for path in make(Path(sys.argv[1]).resolve(), sys.argv[2:]):
        print(f"{path.stat().st_size:>9} {path.name}")
