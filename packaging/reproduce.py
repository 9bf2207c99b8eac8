"""The same inputs give the same bytes:  reproduce.py TARGET ...

Builds in two copies of the checkout, in folders of different names, from nothing but what was fetched, and compares what was made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import EPOCH, TOP, git

DIST = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()
FETCHED = ("archives", "sources", "apt", "node-api-headers")


def build(folder: Path, commit: str, wanted: list[str]) -> str:
    """The sums of what was made there."""
    git("worktree", "add", "--detach", "--force", str(folder), commit)
    made = folder.with_name("made")
    try:
        own = folder / "build/dist"
        for name in FETCHED:
            if (DIST / name).is_dir():
                shutil.copytree(DIST / name, own / name, symlinks=True)
        environment = {**os.environ, "DIST": str(own), "SOURCE_DATE_EPOCH": str(EPOCH)}
        environment.pop("ACURAST_SOURCES", None)
        subprocess.run([sys.executable, folder / "packaging/dist.py", made, *wanted], env=environment, check=True)
        return (made / "SHA256SUMS").read_text()
    finally:
        git("worktree", "remove", "--force", str(folder))


def main() -> int:
    wanted = sys.argv[1:]
    commit = git("rev-parse", "HEAD").strip()
    if git("status", "--porcelain", "--untracked-files=no").strip():
        print("what is not committed is left out", file=sys.stderr)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        sums = [build(Path(one) / "one", commit, wanted), build(Path(other) / "another-folder/deeper", commit, wanted)]
    if sums[0] != sums[1]:
        print(f"not the same:\n{sums[0]}\n{sums[1]}")
        return 1
    print(f"the same twice:\n{sums[0]}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
