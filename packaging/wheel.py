"""The Python wheel of a target, with everything inside, and the sdist.

    wheel.py TARGET PREFIX INTO   PREFIX is what core.sh made; the wheel goes into INTO
    wheel.py sdist INTO

The wheel is made by the binding's own backend, which links PREFIX's static libraries. Then it is packed anew: with the texts of the
licences, a list of what is inside (PEP 770), one time for all files, and these in order, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import sbom
from checkout import EPOCH, TOP, copy_tracked, pack_tar
from fetch import tools
from targets import TARGETS, Target

STAMP = (1980, 1, 1, 0, 0, 0)


def flags(target: Target, prefix: Path, scratch: Path) -> dict[str, str]:
    """The environment in which setuptools compiles for another machine."""
    cc = f"{prefix}/bin/{target.name}-cc"
    if target.system == "macos":
        link = f"{cc} -dynamiclib -undefined dynamic_lookup"
        more = "-Wl,-dead_strip -Wl,-x"
    else:
        script = scratch / "symbols.map"
        script.write_text("{ global: PyInit__core; local: *; };\n")
        link = f"{cc} -shared"
        more = f"-Wl,--version-script={script} -Wl,--gc-sections -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,--build-id=none -s"
    return {
        "CC": cc, "LDSHARED": link, "LDFLAGS": more, "ARCHFLAGS": "",
        "CFLAGS": "-O2 -g0 -DNDEBUG -ffunction-sections -fdata-sections",
        "PKG_CONFIG": f"{prefix}/bin/{target.name}-pkg-config", "ACURAST_SYSTEM": "1",
        "_PYTHON_HOST_PLATFORM": target.host_platform, "SOURCE_DATE_EPOCH": str(EPOCH),
    }


def call_backend(python: Path, binding: Path, call: str, environment: dict[str, str]) -> None:
    """Runs one of the backend's functions as pip would, in a clean environment."""
    code = f"import sys; sys.path.insert(0, 'build_support'); import backend; {call}"
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    done = subprocess.run([python, "-c", code], cwd=binding, env={**kept, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the wheel could not be built:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def record(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def name_musl(module: bytes, target: Target, patchelf: Path) -> bytes:
    """The C library by the name that musl's distributions give it, and auditwheel knows; zig links it as libc.so."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "module.so"
        file.write_bytes(module)
        machine = target.name.split("-")[0]
        subprocess.run([patchelf, "--replace-needed", "libc.so", f"libc.musl-{machine}.so.1", file], check=True)
        return file.read_bytes()


def repack(built: Path, into: Path, target: Target, prefix: Path, patchelf: Path) -> Path:
    with zipfile.ZipFile(built) as archive:
        files = {one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}
    info = next(name for name in files if name.endswith(".dist-info/WHEEL")).removesuffix("/WHEEL")
    if target.libc == "musl":
        [module] = [name for name in files if name.endswith(".so")]
        files[module] = name_musl(files[module], target, patchelf)
    for text in sorted((prefix / "licences").iterdir()):
        files[f"{info}/licenses/bundled/{text.name}"] = text.read_bytes()
    files[f"{info}/sboms/acurast.cdx.json"] = sbom.document(f"pkg:pypi/acurast@{sbom.VERSION}", sbom.BUNDLED)
    listing = f"{info}/RECORD"
    files.pop(listing)
    lines = [record(name, files[name]) for name in sorted(files)]
    files[listing] = "".join([*lines, f"{listing},,\n"]).encode()
    tags = "-".join(built.stem.split("-")[:-1])
    made = into / f"{tags}-{target.wheel}.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files, key=lambda one: (one.startswith(info), one == listing, one)):
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return made


def wheel(target: Target, prefix: Path, into: Path, dist: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        copy_tracked(scratch, "core", "bindings/python", "LICENSE")
        out = scratch / "out"
        settings = {"--build-option": [f"--plat-name={target.wheel}"]}
        call = f"backend.build_wheel({str(out)!r}, {settings!r})"
        out.mkdir()
        call_backend(tools(dist) / "bin/python", scratch / "bindings/python", call, flags(target, prefix, scratch))
        [built] = out.glob("*.whl")
        return repack(built, into, target, prefix, tools(dist) / "bin/patchelf")


def sdist(into: Path, dist: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        copy_tracked(scratch, "core", "bindings/python", "LICENSE")
        binding, out = scratch / "bindings/python", scratch / "out"
        out.mkdir()
        call_backend(tools(dist) / "bin/python", binding, f"backend.build_sdist({str(out)!r})", {"SOURCE_DATE_EPOCH": str(EPOCH)})
        [built] = out.glob("*.tar.gz")
        with tarfile.open(built) as archive:
            archive.extractall(scratch / "unpacked", filter="data")
        shutil.rmtree(out)
        return pack_tar(scratch / "unpacked", into / built.name)


def main() -> None:
    dist = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()
    if sys.argv[1] == "sdist":
        made = sdist(Path(sys.argv[2]).resolve(), dist)
    else:
        name, prefix, into = sys.argv[1:]
        made = wheel(TARGETS[name], Path(prefix).resolve(), Path(into).resolve(), dist)
    print(made)


if __name__ == "__main__":
    main()
