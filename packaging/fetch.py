"""Fetches what pins.toml names, by the clients of the registries as this machine has them set up, and checks its hash.

    fetch.py BUILD source NAME   sources, unpacked; prints the folder
    fetch.py BUILD tools         a virtual environment with the compiler and what makes wheels; prints the folder
    fetch.py BUILD npm NAME      a package of npm; prints the archive

What was fetched once lies in BUILD and is not asked for again. Ends with 3 where the registry has another version by now.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = tomllib.loads((HERE / "pins.toml").read_text())


class Refused(Exception):
    """Something could not be fetched, or is not what was pinned."""


class Gone(Refused):
    """The archive has another version by now."""


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run(*words: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(map(str, words[:3]))} ...: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def places(archive: str) -> list[str]:
    """Where apt gets that archive of Debian's on this machine."""
    known = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    return sorted({place for place in known if place.rstrip("/").endswith(f"/{archive}")})


def deb_src(archive: str, suite: str) -> list[str]:
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return [f"deb-src [signed-by={key}] {place} {suite} main" for place in places(archive)]


def apt(root: Path, lines: list[str], fresh: bool = False) -> list[str]:
    """Options that make apt look at these source packages, in lists of its own beside the system's; `fresh`: as they are now."""
    for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    if not lines:
        raise Refused("apt knows no Debian archive on this machine, from which the bundled libraries' sources come")
    (root / "list").write_text("\n".join(lines) + "\n")
    settings = {"Etc::sourcelist": "list", "Etc::sourceparts": "parts", "State": "state", "Cache": "cache"}
    options = [f"-oDir::{name}={root / value}" for name, value in settings.items()]
    options += ["-oDir::State::status=/dev/null", "-oAPT::Sandbox::User=root", "-oAcquire::Retries=3", "-qq"]
    if fresh or not any((root / "state/lists").glob("*_Sources*")):
        run("apt-get", *options, "update")
    return options


def pinned(build: Path, fresh: bool = False) -> list[str]:
    """The options for the suites that are pinned."""
    suites = sorted({pin["suite"] for pin in PINS["source"].values()})
    archives = [("debian-security" if suite.endswith("-security") else "debian", suite) for suite in suites]
    return apt(build / "apt", [line for archive, suite in archives for line in deb_src(archive, suite)], fresh)


def kept(pin: dict, folder: Path) -> bool:
    """Whether the folder that ACURAST_SOURCES names has the source package; it is copied then."""
    kept_at = os.environ.get("ACURAST_SOURCES")
    files = list(Path(kept_at).glob(f"{pin['package']}_{pin['version']}*")) if kept_at else []
    for file in files:
        shutil.copy2(file, folder)
    return bool(files)


def download(build: Path, pin: dict, into: Path, fresh: bool = False) -> None:
    """Asks apt; a second time with fresh lists, since those of an earlier build may not know the version yet."""
    try:
        run("apt-get", *pinned(build, fresh), "source", "--download-only", f"{pin['package']}={pin['debian']}", cwd=into)
    except Refused as error:
        if not fresh:
            return download(build, pin, into, fresh=True)
        if re.search(r"404|find version|find a source", str(error)):
            raise Gone(f"Debian has {pin['package']} {pin['debian']} no more: move its pin in pins.toml, and build and test anew") from None
        raise


def source(build: Path, name: str) -> Path:
    pin = {**PINS["tests"], **PINS["source"]}[name]
    unpacked = build / "sources" / f"{name}-{pin['dsc'][:12]}"
    if unpacked.is_dir():
        return unpacked
    archives = build / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    dsc = archives / f"{pin['package']}_{pin['debian']}.dsc"
    if not dsc.is_file() and not kept(pin, archives):
        download(build, pin, archives)
    if digest(dsc) != pin["dsc"]:
        raise Refused(f"{dsc.name} is not what pins.toml says: its SHA-256 is {digest(dsc)}")
    unpacked.parent.mkdir(exist_ok=True)
    new = unpacked.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    run("dpkg-source", "-x", dsc, new)  # compares the archives with the .dsc
    new.rename(unpacked)
    return unpacked


def venv(build: Path, group: str) -> Path:
    """A virtual environment with the packages of a group of the pins."""
    wanted = "".join(
        f"{name}=={pin['version']} {' '.join('--hash=sha256:' + one for one in pin['sha256'])}\n" for name, pin in PINS[group].items()
    )
    folder, stamp = build / group, build / group / "requirements.txt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", folder)
    listed = folder / "wanted.txt"
    listed.write_text(wanted)
    run(folder / "bin/pip", "install", "-q", "--no-deps", "--require-hashes", "--disable-pip-version-check", "-r", listed)
    listed.rename(stamp)
    return folder


def tools(build: Path) -> Path:
    return venv(build, "tools")


def npm(build: Path, name: str) -> Path:
    pin = PINS["npm"][name]
    archive = build / "archives" / f"{name.replace('/', '-').lstrip('@')}-{pin['version']}.tgz"
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        run("npm", "pack", f"{name}@{pin['version']}", "--silent", "--pack-destination", archive.parent)
    if digest(archive) != pin["sha256"]:
        raise Refused(f"{archive.name} is not what pins.toml says: its SHA-256 is {digest(archive)}")
    return archive


def main() -> int:
    build, what, *names = sys.argv[1:]
    at = Path(build).resolve()
    try:
        print({"source": source, "tools": tools, "npm": npm}[what](at, *names))
    except (Refused, OSError) as error:
        print(f"fetch {what} {' '.join(names)}: {error}", file=sys.stderr)
        return 3 if isinstance(error, Gone) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
