"""A Go program on the static libraries of a target: cross-compiled by zig, and run."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from pathlib import Path

from checkout import TOP, VERSION
from systems import Failed, Missing, run
from targets import Target

CONSUMER = TOP / "bindings/go/tests/packaging/testdata/consumer/main.go"


def unpack(dist: Path, target: Target, scratch: Path) -> Path:
    name = f"libacurast-{VERSION}-{target.name}"
    archive = dist / f"{name}.tar.gz"
    if not archive.is_file():
        raise Missing(f"{archive.name} was not made")
    if not (scratch / name).is_dir():
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
    return scratch / name


def module(scratch: Path) -> Path:
    folder = scratch / "consumer"
    if not folder.is_dir():
        folder.mkdir()
        shutil.copy(CONSUMER, folder)
        (folder / "go.mod").write_text(
            "module consumer\n\ngo 1.21\n\nrequire github.com/libacurast/libacurast v0.0.0\n\n"
            f"replace github.com/libacurast/libacurast => {TOP}\n"
        )
    return folder


def build(dist: Path, target: Target, scratch: Path, prefix: Path) -> Path:
    """Compiles it as the page says; the program."""
    libraries = unpack(dist, target, scratch)
    system, processor = target.go.split("/")
    environment = {
        "GOOS": system, "GOARCH": processor, "CGO_ENABLED": "1", "GOFLAGS": "-mod=mod", "PKG_CONFIG": libraries / "pkg-config",
        "CC": prefix / f"bin/{target.name}-cc", "GOCACHE": scratch / "go-cache",
    }
    made = scratch / f"consumer-{target.name}"
    words = ["build", "-C", module(scratch), "-tags", "acurast_system", "-trimpath", "-o", made]
    if target.libc == "musl":
        words += ["-ldflags", "-linkmode external -extldflags -static"]
    given = [f"{name}={value}" for name, value in environment.items()]
    run("env", *given, "sh", TOP / "bindings/go/tools/go.sh", TOP / "build", *words, timeout=900)
    return made


def needs(program: Path, target: Target) -> str:
    """It needs libc alone, or nothing; what it was."""
    found = re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "-d", program))
    strange = [name for name in found if target.libc == "musl" or not re.match(r"(libc|libpthread|libdl|librt|libm|ld-linux-[a-z0-9-]+)\.so", name)]
    if strange:
        raise Failed(f"it needs {strange}")
    return "needs nothing" if not found else f"needs {', '.join(found)}"


def use(dist: Path, target: Target, scratch: Path, prefix: Path) -> str:
    program = build(dist, target, scratch, prefix)
    told = needs(program, target)
    machine = target.name.split("-")[0]
    if machine == os.uname().machine:
        run(program)
    elif target.libc == "musl":
        qemu = shutil.which(f"qemu-{machine}-static")
        if not qemu:
            raise Missing(f"qemu-{machine}-static is not installed")
        run(qemu, program)
    else:
        return f"{told}; linked, and not run"
    return told
