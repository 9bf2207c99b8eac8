"""Uses the image as a container engine would, without one:  image.py IMAGE PROGRAMS-TARBALL

As root, on Linux. The archive is read as the specification of the image layout says, each blob is compared with its sum, and the layer is
unpacked. The program runs in namespaces of its own as process 1 and nobody, on a file system that cannot be written, by what the
configuration says; acurast-peer of the tarball talks to it.
"""

import gzip
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

WAIT = 30
passed = 0

# Becomes the container as the specification of runtimes says: /proc and the default devices are there, loopback is up. The root is
# read-only, and the entry point is process 1.
ENTER = """
import fcntl, os, socket, struct, subprocess, sys
root, user, *command = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lo:
    fcntl.ioctl(lo, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)
mount("--bind", root, root)
for name in ("proc", "dev"):
    os.mkdir(f"{root}/{name}")
mount("-t", "proc", "proc", f"{root}/proc")
mount("-t", "tmpfs", "tmpfs", f"{root}/dev")
for name in ("null", "zero", "full", "random", "urandom", "tty"):
    open(f"{root}/dev/{name}", "x").close()
    mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
mount("-o", "remount,bind,ro", root)
os.chroot(root)
os.chdir("/")
uid, gid = map(int, user.split(":"))
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
os.execve(command[0], command, dict(os.environ))
"""


def check(what, held):
    global passed
    if not held:
        sys.exit(f"FAILED  {what}\n{passed} passed, 1 failed")
    print(f"ok      {what}")
    passed += 1


class Layout:
    def __init__(self, folder):
        self.folder = folder

    def read(self, descriptor):
        algorithm, _, digest = descriptor["digest"].partition(":")
        data = (self.folder / "blobs" / algorithm / digest).read_bytes()
        assert algorithm == "sha256" and hashlib.sha256(data).hexdigest() == digest and len(data) == descriptor["size"]
        return data

    def json(self, descriptor):
        return json.loads(self.read(descriptor))


def unpack(layout, root):
    """All images of the layout are looked at; the configuration of the one for this machine, whose layers are in `root` then."""
    ours = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    (top,) = json.loads((layout.folder / "index.json").read_text())["manifests"]
    found = None
    for described in layout.json(top)["manifests"]:
        manifest = layout.json(described)
        configuration = layout.json(manifest["config"])
        processor = described["platform"]["architecture"]
        check(f"the configuration of {processor} is of that processor", configuration["architecture"] == processor)
        for each, contents in zip(manifest["layers"], configuration["rootfs"]["diff_ids"], strict=True):
            packed = layout.read(each)
            plain = gzip.decompress(packed)
            check(f"the layer of {processor} is what it says", contents == f"sha256:{hashlib.sha256(plain).hexdigest()}")
            if processor == ours:
                found = configuration
                with tempfile.TemporaryFile() as file:
                    file.write(plain)
                    file.seek(0)
                    with tarfile.open(fileobj=file) as archive:
                        archive.extractall(root, filter="tar")
    return found


class Container:
    def __init__(self, root, configuration):
        told = configuration["config"]
        self.root, self.user = root, told["User"]
        self.environment = dict(each.split("=", 1) for each in told["Env"])
        self.engine = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", sys.executable, "-c", ENTER, root, self.user,
             *told["Entrypoint"]],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.first = None

    def lines(self, count):
        return [self.engine.stdout.readline().rstrip("\n") for _ in range(count)]

    def pid(self):
        return int(Path(f"/proc/{self.engine.pid}/task/{self.engine.pid}/children").read_text())

    def inside(self, *command, **how):
        """A program of this machine, at the container's network."""
        return subprocess.run(
            ["nsenter", "--target", str(self.pid()), "--net", *map(str, command)], capture_output=True, text=True, timeout=WAIT, **how
        )

    def health(self, command):
        """As an engine runs it: within, with the same user and environment."""
        return subprocess.run(
            ["nsenter", "--target", str(self.pid()), "--net", "--pid", "chroot", f"--userspec={self.user}", self.root, *command],
            env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=WAIT,
        )  # fmt: skip

    def signal(self, number):
        os.kill(self.pid(), number)

    def end(self):
        """Where it has not ended by itself; what it said then is shown."""
        self.engine.kill()  # --kill-child takes the first process along
        if self.engine.wait(WAIT) != 0:
            print(self.engine.stderr.read(), file=sys.stderr)


def talk(container, peer, folder):
    """A dApp asks a processor."""
    key = folder / "key.pem"
    public = subprocess.run([peer, "keygen", "--out", key], capture_output=True, text=True, check=True).stdout.split()[-1]
    url = "ws://127.0.0.1:9001"
    serve = subprocess.Popen(
        ["nsenter", "--target", str(container.pid()), "--net", peer, "serve", "--url", url, "--key", key, "--exec", "echo 42", "answer"]
    )
    try:
        end = time.monotonic() + WAIT
        while container.inside(peer, "look", "--url", url, public).returncode != 0:
            assert time.monotonic() < end, "the processor is not here"
        return container.inside(peer, "request", "--url", url, public, "answer")
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.wait(WAIT)


def use(container, configuration, peer, folder):
    container_lines = container.lines(2)
    check("it says where it listens", container_lines == ["listening on ws://0.0.0.0:9001", "admin on http://127.0.0.1:9002"])
    status = Path(f"/proc/{container.pid()}/status").read_text()
    check("it is process 1", "\nNSpid:\t%d\t1\n" % container.pid() in status)
    check("it runs as nobody", "\nUid:\t65534\t65534\t65534\t65534\n" in status and "\nGid:\t65534\t65534\t65534\t65534\n" in status)
    kind, *command = configuration["config"]["Healthcheck"]["Test"]
    healthy = container.health(command)
    check("its health check says ready", kind == "CMD" and (healthy.returncode, healthy.stdout) == (0, "ready\n"))
    check("a dApp asks a processor", talk(container, peer, folder).stdout == "42\n")
    container.signal(signal.SIGHUP)
    check("SIGHUP reads the files again", "what=reloaded" in container.engine.stderr.readline())
    stopped = getattr(signal, configuration["config"]["StopSignal"])
    container.signal(stopped)
    check("the signal that stops it does, in order", container.engine.wait(WAIT) == 0)


def main():
    image, tarball = map(Path, sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("skipped: only root can make a container")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        for archive, place in ((image, "layout"), (tarball, "programs")):
            with tarfile.open(archive) as opened:
                opened.extractall(folder / place, filter="tar")
        (programs,) = (folder / "programs").iterdir()
        root = folder / "root"
        configuration = unpack(Layout(folder / "layout"), root)
        check("there is an image for this machine", configuration is not None)
        check("it holds the program and licences alone", {path.name for path in root.iterdir()} == {"acurast-service", "licences"})
        container = Container(str(root), configuration)
        try:
            use(container, configuration, programs / "bin/acurast-peer", folder)
        finally:
            container.end()
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
