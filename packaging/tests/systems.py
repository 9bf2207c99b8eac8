"""Where artefacts are used: this machine, and bare systems in folders."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from checkout import VERSION
from fetch import PINS
from targets import Target

HERE = Path(__file__).resolve().parent
MACHINE = platform.machine()
THIS = f"{MACHINE}-linux-gnu" if sys.platform == "linux" and platform.libc_ver()[0] == "glibc" else f"{MACHINE}-{sys.platform}"
DEADLINE = 300  # seconds; qemu is slow


class Missing(Exception):
    """What a test needs and this machine has not."""


class Failed(Exception):
    """A program ended badly; its last words."""


def run(*words: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(str(word) for word in words[:4])}... ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def last_line(said: str, expected: tuple[str, ...] = ("used", "beside:")) -> str:
    last = said.strip().splitlines()[-1] if said.strip() else ""
    if not last.startswith(expected):
        raise Failed(f"the last line is {last!r}")
    return last


class Local:
    """A virtual environment of this machine's Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, wheel: Path, *others: str) -> None:
        run(sys.executable, "-m", "venv", self.folder)
        self.run("-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", wheel, *others)

    def run(self, *words: object) -> str:
        return run(self.folder / "bin/python", *words, cwd=self.folder)

    def last(self, *words: object) -> str:
        return last_line(self.run(*words))


# ---- npm ----


class Registry:
    """A registry of npm on this machine, with the packages in some folders, so that `npm install acurast` is what a user types."""

    def __init__(self, *folders: Path) -> None:
        self.archives = {}
        for archive in (one for folder in folders for one in folder.glob("*.tgz")):
            with tarfile.open(archive) as packed:
                told = json.loads(packed.extractfile("package/package.json").read())
            self.archives[told["name"]] = (told, archive)
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.path.lstrip("/").replace("%2f", "/").replace("%2F", "/")
        name, _, archive = asked.partition("/-/")
        told, file = self.archives.get(name, (None, None))
        if told is None:
            body = b"{}"
        elif archive:
            body = file.read_bytes()
        else:
            version = {**told, "dist": {"tarball": f"{self.url}{name}/-/{file.name}"}}
            body = json.dumps({"name": name, "dist-tags": {"latest": told["version"]}, "versions": {told["version"]: version}}).encode()
        request.send_response(200 if told else 404)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def npm_install(project: Path, dist: Path, target: Target) -> str:
    """`npm install acurast`, with the target's libc and processor; what was installed."""
    others = project.parent / "others"
    if not others.is_dir():
        others.mkdir(parents=True)
        told = json.loads((HERE.parent.parent / "bindings/node/package.json").read_text())["dependencies"]
        for name, version in told.items():
            run("npm", "pack", f"{name}@{version}", "--silent", "--pack-destination", others)
        for archive in others.glob("*.tgz"):  # of several that fit, npm packed each; one is enough
            pass
    project.mkdir()
    (project / "package.json").write_text('{"private": true}\n')
    registry = Registry(dist, others)
    try:
        system, cpu = target.npm.split("-")[:2]
        words = ["--ignore-scripts", "--no-audit", "--no-fund", f"--registry={registry.url}", f"--os={system}", f"--cpu={cpu}"]
        words += [f"--libc={target.libc}"] if target.libc else []
        run("npm", "install", *words, f"--cache={project.parent / 'npm-cache'}", "acurast", cwd=project)
    finally:
        registry.close()
    found = sorted(one.name for one in (project / "node_modules").iterdir() if one.name.startswith("acurast"))
    if found != ["acurast", f"acurast-{target.npm}"]:
        raise Failed(f"npm installed {found}")
    return " and ".join(found)


def node_last(node: str | Path, project: Path, program: Path, *words: object) -> str:
    shutil.copy(program, project)
    return last_line(run(node, program.name, *words, cwd=project))


# ---- bare systems ----


class Bare:
    """A system of Debian in a folder, unpacked; one of another processor runs under qemu."""

    def __init__(self, build: Path, suite: str, machine: str, python: str) -> None:
        self.root = build / "bare" / f"{suite}-{machine}"
        self.suite, self.machine, self.python = suite, machine, python
        self.what = f"a bare Debian {suite}, Python {python}, {machine}"

    def enter(self, *words: object) -> str:
        """Runs a command in it, with nothing but loopback of the network."""
        command = ["chroot", self.root, *words]
        if self.machine != MACHINE:
            qemu = shutil.which(f"qemu-{self.machine}-static")
            if not qemu:
                raise Missing(f"qemu-{self.machine}-static is not installed")
            shutil.copy(qemu, self.root / "qemu")
            command[2:2] = ["/qemu"]
        return run("unshare", "--net", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh", *command)

    def make(self) -> None:
        if os.geteuid() != 0:
            raise Missing("chroot needs root")
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[self.machine]
        run("sh", HERE / "bare.sh", self.suite, architecture, self.root, "python3")

    def wheels(self, wheel: Path, tag: str) -> None:
        folder = self.root / "wheels"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(wheel, folder)
        pinned = [f"{name}=={PINS['tools'][name]['version']}" for name in ("cffi", "pycparser")]
        run(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", folder,
            "--python-version", self.python, f"--platform={tag}", *pinned, "pip")

    def use(self, dist: Path, target: Target, certificates: Path) -> str:
        self.make()
        self.wheels(dist / f"acurast-{VERSION}-cp310-abi3-{target.wheel}.whl", target.wheel)
        for name in ("certificates", "use.py"):
            place = self.root / name
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
        shutil.copytree(certificates, self.root / "certificates")
        shutil.copy(HERE / "use.py", self.root)
        [pip] = (self.root / "wheels").glob("pip-*.whl")
        python = f"/usr/bin/python{self.python}"
        pip_run = [python, f"/wheels/{pip.name}/pip"]
        self.enter(*pip_run, "install", "-q", "--no-index", "--find-links=/wheels", "--break-system-packages", "--force-reinstall",
                   "--no-compile", "acurast")
        self.enter(*pip_run, "check")
        return last_line(self.enter(python, "/use.py", "/certificates"))


def of(target: Target, build: Path) -> list[Bare]:
    machine = target.name.split("-")[0]
    if target.libc == "glibc":
        return [Bare(build, "bookworm", machine, "3.11"), Bare(build, "trixie", machine, "3.13")]
    return []
