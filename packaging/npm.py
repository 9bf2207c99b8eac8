"""The packages of npm: one with the addon of each target, and the main one, which has them as optional dependencies.

    npm.py TARGET PREFIX INTO   PREFIX is what core.sh made; acurast-PLATFORM-VERSION.tgz goes into INTO
    npm.py main INTO            acurast-VERSION.tgz, with the sources for where there is no addon

npm installs of the optional dependencies the one whose os, cpu and libc are those of the machine; no script runs. The addon holds all
but libuv, which is Node's own, since the addon works on Node's own loop.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import sbom
from checkout import TOP, VERSION, copy_tracked, pack_tar
from fetch import npm as fetch_npm
from targets import TARGETS, Target

HOMEWARD = """This package holds the compiled part of `acurast` for {what}. Install `acurast`: npm takes this one along
where it fits.
"""


def headers(dist: Path) -> Path:
    folder = dist / "node-api-headers"
    if not folder.is_dir():
        new = dist / "node-api-headers.new"
        shutil.rmtree(new, ignore_errors=True)
        with tarfile.open(fetch_npm(dist, "node-api-headers")) as archive:
            archive.extractall(new, filter="data")
        (new / "package").rename(folder)
    return folder / "include"


def node_pc(scratch: Path, prefix: Path) -> Path:
    """A folder in which libuv is described with its headers alone."""
    folder = scratch / "pc"
    folder.mkdir()
    (folder / "libuv.pc").write_text(
        f"Name: libuv\nDescription: Node's own\nVersion: {sbom.PINS['source']['libuv']['version']}\nCflags: -I{prefix}/include\n"
    )
    return folder


def addon(target: Target, prefix: Path, dist: Path, scratch: Path) -> Path:
    """Compiles it; the file."""
    build = scratch / "build"
    link = "-Wl,-dead_strip -Wl,-x" if target.system == "macos" else "-Wl,--gc-sections -Wl,-z,now -Wl,-z,relro -Wl,--build-id=none -s"
    definitions = {
        "CMAKE_TOOLCHAIN_FILE": prefix / "toolchain.cmake", "CMAKE_BUILD_TYPE": "None", "CMAKE_MODULE_LINKER_FLAGS": link,
        "CMAKE_C_FLAGS": "-O2 -g0 -DNDEBUG -ffunction-sections -fdata-sections", "ACURAST_CORE": TOP / "core",
        "NODE_API_HEADERS": headers(dist), "ACURAST_SYSTEM": "ON",
    }
    environment = {**os.environ, "ACURAST_PC": str(node_pc(scratch, prefix))}
    given = [f"-D{name}={value}" for name, value in definitions.items()]
    for words in (["-S", TOP / "bindings/node", "-B", build, "-G", "Ninja", *given], ["--build", build, "--target", "acurast_node"]):
        done = subprocess.run(["cmake", *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the addon could not be built:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return build / "Release/acurast.node"


def manifest() -> dict:
    return json.loads((TOP / "bindings/node/package.json").read_text())


def write_json(file: Path, told: dict) -> None:
    file.write_text(json.dumps(told, indent=2) + "\n")


def constraints(target: Target) -> dict:
    system, cpu = target.npm.split("-")[:2]
    return {"os": [system], "cpu": [cpu], **({"libc": [target.libc]} if target.libc else {})}


def platform_package(target: Target, prefix: Path, into: Path, dist: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        package = scratch / "tar/package"
        package.mkdir(parents=True)
        shutil.copy(addon(target, prefix, dist, scratch), package / "acurast.node")
        (package / "acurast.node").chmod(0o644)
        name = f"acurast-{target.npm}"
        common = {key: manifest()[key] for key in ("license", "engines")}
        write_json(package / "package.json", {
            "name": name, "version": VERSION, "description": f"The compiled part of acurast for {target.npm}", **common,
            **constraints(target), "files": ["acurast.node", "bundled", "acurast.cdx.json"],
        })
        (package / "README.md").write_text(HOMEWARD.format(what=target.npm))
        shutil.copy(TOP / "LICENSE", package)
        for text in sorted((prefix / "licences").iterdir()):
            if not text.name.startswith("libuv"):
                (package / "bundled").mkdir(exist_ok=True)
                shutil.copy(text, package / "bundled")
        (package / "acurast.cdx.json").write_bytes(sbom.document(f"pkg:npm/{name}@{VERSION}", sbom.IN_NODE))
        return pack_tar(scratch / "tar", into / f"{name}-{VERSION}.tgz")


def main_package(into: Path) -> Path:
    told = manifest()
    kept = (*told["files"], "package.json", "README.md")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        copy_tracked(scratch / "checkout", "bindings/node", "core", "LICENSE")
        package = scratch / "tar/package"
        package.mkdir(parents=True)
        for name in kept:
            origin = scratch / "checkout/bindings/node" / name
            if origin.is_dir():
                shutil.copytree(origin, package / name)
            elif origin.is_file():
                (package / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(origin, package / name)
        for name in ("CMakeLists.txt", "sources.txt", "include", "src"):
            origin, copy = scratch / "checkout/core" / name, package / "core" / name
            if origin.is_dir():
                shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("*.go"))
            else:
                copy.parent.mkdir(exist_ok=True)
                shutil.copy(origin, copy)
        shutil.copy(TOP / "LICENSE", package)
        told.pop("devDependencies")
        told["files"] = [name for name in told["files"] if name != "prebuilds"]
        told["scripts"] = {"build": told["scripts"]["build"]}
        told["optionalDependencies"] = {f"acurast-{target.npm}": VERSION for target in TARGETS.values()}
        write_json(package / "package.json", told)
        return pack_tar(scratch / "tar", into / f"acurast-{VERSION}.tgz")


def main() -> None:
    dist = Path(os.environ.get("DIST", TOP / "build/dist")).resolve()
    if sys.argv[1] == "main":
        made = main_package(Path(sys.argv[2]).resolve())
    else:
        name, prefix, into = sys.argv[1:]
        made = platform_package(TARGETS[name], Path(prefix).resolve(), Path(into).resolve(), dist)
    print(made)


if __name__ == "__main__":
    main()
