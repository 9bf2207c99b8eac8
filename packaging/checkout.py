"""The checkout that is packed: what git tracks of it, its version and its time, and archives that are the same each time."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
VERSION = re.search(r'#define ACURAST_VERSION "([^"]+)"', (TOP / "core/include/acurast/version.h").read_text()).group(1)


def git(*words: str) -> str:
    return subprocess.run(["git", "-C", TOP, *words], capture_output=True, text=True, check=True).stdout


def epoch() -> int:
    """The time that all packed files bear: SOURCE_DATE_EPOCH, else that of the commit."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))


EPOCH = epoch()


def tracked(*folders: str) -> list[str]:
    listed = git("ls-files", "--", *folders).splitlines()
    return sorted(name for name in listed if (TOP / name).is_file())


def copy_tracked(into: Path, *folders: str) -> None:
    for name in tracked(*folders):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, into / name)
        (into / name).chmod(0o755 if os.access(TOP / name, os.X_OK) else 0o644)


def pack_tar(folder: Path, made: Path) -> Path:
    """All that is in the folder, as a .tar.gz whose bytes depend on names, contents and modes alone."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = EPOCH
            entry.mode = 0o755 if path.is_dir() or entry.mode & 0o100 else 0o644
            with path.open("rb") if path.is_file() else io.BytesIO() as content:
                archive.addfile(entry, content if path.is_file() else None)
    with made.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(raw.getvalue())
    return made
