"""What can be told of an artefact without running it: symbols, libraries, size, tags, licences, and that it names no folder."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

WHEEL_LIMIT = 2 * 1024 * 1024  # bytes
TEXTS = ("openssl", "libsodium", "yajl", "msgpack-c")  # and libuv, but for Node


def files_of(artefact: Path) -> dict[str, bytes]:
    if artefact.suffix == ".whl":
        with zipfile.ZipFile(artefact) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(artefact) as archive:
        members = [one for one in archive.getmembers() if one.isfile()]
        return {one.name: archive.extractfile(one).read() for one in members}


def module_of(files: dict[str, bytes]) -> bytes:
    [name] = [name for name in files if name.endswith((".so", ".node"))]
    return files[name]


def tool(words: list[str], content: bytes, scratch: Path) -> str:
    file = scratch / "module"
    file.write_bytes(content)
    return subprocess.run([*words, file], capture_output=True, text=True, check=True).stdout


def exports(module: bytes, expected: set[str], scratch: Path) -> None:
    """Exactly these symbols are visible, so nothing else of ours can take the place of the host's, nor the host's that of ours."""
    said = tool(["nm", "-D", "--defined-only", "--format=just-symbols"], module, scratch)
    found = set(said.split())
    assert found == expected, f"visible are {sorted(found)[:20]}, not {sorted(expected)}"


def imports(module: bytes, allowed: str, scratch: Path) -> None:
    """What is not ours comes from the C library and from the host program alone."""
    said = tool(["nm", "-D", "--undefined-only", "--format=just-symbols"], module, scratch)
    foreign = [name for name in said.split() if not re.fullmatch(allowed, name.split("@")[0])]
    openssl = [name for name in foreign if re.match(r"(SSL|EVP|X509|CRYPTO|OPENSSL|BIO|EC|BN|ERR|PEM|RAND|ASN1|sodium|crypto|yajl|msgpack)_", name)]
    assert not openssl, f"bound to another copy: {openssl[:20]}"
    needed = re.findall(r"NEEDED.*\[(.+)\]", tool(["readelf", "-d"], module, scratch))
    strange = [name for name in needed if not re.match(r"(libc|libpthread|libdl|librt|libm|ld-linux-[a-z0-9-]+)\.(so|musl-)", name)]
    assert not strange, f"needs {strange}"


def oldest_libc(module: bytes, scratch: Path) -> None:
    said = tool(["objdump", "-T"], module, scratch)
    newest = max(((int(a), int(b)) for a, b in re.findall(r"GLIBC_(\d+)\.(\d+)", said)), default=(0, 0))
    assert newest <= (2, 17), f"needs glibc {newest}"


def named_folders(files: dict[str, bytes], top: Path) -> None:
    """No artefact holds a path of the machine that it was made on."""
    for name, content in files.items():
        for folder in {str(top), str(Path.home())} - {"/"}:
            assert folder.encode() not in content, f"{name} names {folder}"


def licences(files: dict[str, bytes], libraries: tuple[str, ...]) -> None:
    names = "\n".join(files)
    for library in libraries:
        assert re.search(rf"/{library}-(LICENSE|COPYING)", names), f"the licence of {library} is missing"
    assert any(name.endswith("/LICENSE") for name in files), "our own licence is missing"
    inside = [content for name, content in files.items() if name.endswith(".cdx.json")]
    assert len(inside) == 1, "the list of what is inside is missing"
    for library in libraries:
        assert f'"name": "{library}"'.encode() in inside[0], f"{library} is not in the list of what is inside"


def checked_wheel(wheel: Path, platform: str, checks: Path) -> None:
    """The field's own judges of a wheel."""
    assert wheel.stat().st_size <= WHEEL_LIMIT, f"{wheel.stat().st_size} bytes"
    run = lambda *words: subprocess.run([checks / "bin" / words[0], *words[1:], wheel], capture_output=True, text=True, check=False)
    for words in (("twine", "check", "--strict"), ("abi3audit", "--strict")):
        done = run(*words)
        assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"
    if platform.startswith(("manylinux", "musllinux")):
        # With no place to look for libraries in: this machine's are of another C library, or another processor.
        said = run("auditwheel", "show", "--ldpaths", "/nonexistent").stdout
        tag = re.search(r'constrains the platform tag to "([^"]+)"|consistent with the following\s+platform tag: "([^"]+)"', said.replace("\n", " "))
        assert tag and platform in tag.groups(), f"auditwheel: {said}"


def record(wheel: Path) -> None:
    """RECORD is right of every file."""
    import base64
    import csv
    import hashlib

    files = files_of(wheel)
    [listing] = [name for name in files if name.endswith(".dist-info/RECORD")]
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(files[listing].decode()))}
    assert set(rows) == set(files), set(rows) ^ set(files)
    for name, content in files.items():
        if name != listing:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert rows[name] == [f"sha256={digest}", str(len(content))], name
