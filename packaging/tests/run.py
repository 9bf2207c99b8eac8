"""Tests what `make dist` made:  run.py DIST [--quick] [TARGET ...]

Each artefact is looked at, installed and used where it says that it runs: on this machine, on bare systems of Debian in folders, with
musl, and on arm64 under qemu. --quick keeps to one artefact of each kind, on this machine. macOS's are looked at alone. The last line
is `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import content  # noqa: E402
import go  # noqa: E402
import systems  # noqa: E402
from checkout import TOP, VERSION  # noqa: E402
from fetch import venv  # noqa: E402
from targets import TARGETS, Target  # noqa: E402

BUILD = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()
IN_PYTHON, IN_NODE = {"PyInit__core"}, {"napi_register_module_v1", "node_api_module_get_api_version_v1"}


class Skip(Exception):
    """Why a test is left out."""


class Tally:
    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def test(self, what: str, function: Callable[[], object]) -> None:
        try:
            said = function()
            self.passed += 1
            print(f"ok      {what}{f': {said}' if isinstance(said, str) else ''}", flush=True)
        except (Skip, systems.Missing) as reason:
            self.skipped += 1
            print(f"skipped: {what}: {reason}", flush=True)
        except Exception as error:
            self.failed += 1
            print(f"FAILED  {what}: {error}", flush=True)
            if not isinstance(error, (AssertionError, systems.Failed)):
                traceback.print_exc()


def artefact(dist: Path, name: str) -> Path:
    if not (dist / name).is_file():
        raise Skip(f"{name} was not made")
    return dist / name


def wheel_of(dist: Path, target: Target) -> Path:
    return artefact(dist, f"acurast-{VERSION}-cp310-abi3-{target.wheel}.whl")


def addon_of(dist: Path, target: Target) -> Path:
    return artefact(dist, f"acurast-{target.npm}-{VERSION}.tgz")


def looks(tally: Tally, dist: Path, target: Target, scratch: Path) -> None:
    """What needs no machine."""

    def wheel() -> None:
        file = wheel_of(dist, target)
        files = content.files_of(file)
        content.licences(files, (*content.TEXTS, "libuv"))
        content.named_folders(files, TOP)
        content.record(file)
        content.checked_wheel(file, target.wheel, venv(BUILD, "checks"))

    def addon() -> None:
        files = content.files_of(addon_of(dist, target))
        content.licences(files, content.TEXTS)
        content.named_folders(files, TOP)

    def symbols() -> None:
        if target.system == "macos":
            raise Skip("binutils do not read Mach-O")
        module = content.module_of(content.files_of(wheel_of(dist, target)))
        content.exports(module, IN_PYTHON, scratch)
        content.imports(module, r".*", scratch)
        content.oldest_libc(module, scratch)
        module = content.module_of(content.files_of(addon_of(dist, target)))
        content.exports(module, IN_NODE, scratch)
        content.imports(module, r".*", scratch)
        content.oldest_libc(module, scratch)

    tally.test(f"{target.name}: the wheel's content", wheel)
    tally.test(f"{target.name}: the package of npm's content", addon)
    tally.test(f"{target.name}: visible and needed symbols", symbols)


def here(tally: Tally, dist: Path, target: Target, certificates: Path, scratch: Path, seconds: int) -> None:
    """On this machine, whatever else it has."""
    python = systems.Local(scratch / "python")

    def install() -> str:
        python.install(wheel_of(dist, target), "uvloop", "cryptography")
        return python.run("-m", "pip", "check").strip()

    tally.test(f"{target.name}: pip install and pip check", install)
    tally.test(f"{target.name}: used by Python", lambda: python.last(HERE / "use.py", certificates))
    for first in ("acurast", "others"):
        tally.test(f"{target.name}: beside ssl, cryptography and uvloop", lambda: python.last(HERE / "beside.py", certificates, first, seconds))
    project = scratch / "node"
    tally.test(f"{target.name}: npm install by optional dependency, scripts blocked", lambda: systems.npm_install(project, dist, target))
    tally.test(f"{target.name}: used by Node", lambda: systems.node_last("node", project, HERE / "use.js", certificates))
    for first in ("acurast", "node"):
        tally.test(f"{target.name}: beside Node's https",
                   lambda: systems.node_last("node", project, HERE / "beside.js", certificates, first, seconds))
    tally.test(f"{target.name}: no trace in the thread that starts the engine", lambda: traces(target, scratch))


def traces(target: Target, scratch: Path) -> str:
    prefix = BUILD / target.name / "prefix"
    flags = systems.run(prefix / f"bin/{target.name}-pkg-config", "--cflags", "--libs", "acurast").split()
    systems.run(prefix / f"bin/{target.name}-cc", "-O1", HERE / "traces.c", *flags, "-o", scratch / "traces")
    return systems.last_line(systems.run(scratch / "traces"))


def bare(tally: Tally, dist: Path, target: Target, certificates: Path, scratch: Path) -> None:
    """Where there is nothing but the language; and a Go program, which takes its libraries along."""
    if target.system == "linux":
        tally.test(f"{target.name}: a Go program", lambda: go.use(dist, target, scratch, BUILD / target.name / "prefix"))
    for what, use in systems.of(target, BUILD):
        tally.test(f"{target.name}: {what}", lambda: use(dist, certificates))


@contextmanager
def workspace() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="acurast-dist-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    dist, *wanted = sys.argv[1:]
    quick = "--quick" in wanted
    names = [name for name in wanted if name in TARGETS] or (["x86_64-linux-gnu"] if quick else list(TARGETS))
    tally = Tally()
    with workspace() as scratch:
        certificates = scratch / "certificates"
        certificates.mkdir()
        subprocess.run(["sh", HERE / "certificates.sh", certificates], check=True)
        for name in names:
            target = TARGETS[name]
            looks(tally, Path(dist).resolve(), target, scratch)
            if name == systems.THIS:
                here(tally, Path(dist).resolve(), target, certificates, scratch, 3 if quick else 15)
            if quick:
                print(f"left out, for make dist-test: bare systems, musl, arm64, {len(TARGETS) - 1} other targets")
            else:
                bare(tally, Path(dist).resolve(), target, certificates, scratch)
    print(f"\n{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
