"""The sdist is complete in itself, and the wheel built from it has the right tag and works."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import acurast
import pytest

HERE = Path(__file__).resolve().parent.parent


def run(*command, folder, **environment):
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=600, cwd=folder, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An sdist of this folder, and a wheel of the sdist, which is what `python -m build` makes."""
    for needed in ("build", "setuptools", "wheel", "cffi"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    if not (HERE / "pyproject.toml").is_file() or not shutil.which("pkg-config"):
        pytest.skip("nothing to build from, or no pkg-config")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dist"
    with open(HERE / "pyproject.toml") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it stages the core into the source folder: one process of xdist does it, for all
        if not folder.exists():
            if (HERE.parent.parent / "core" / "sources.txt").is_file():
                shutil.rmtree(HERE / "core", ignore_errors=True)  # as in a fresh checkout
            run("-m", "build", "--no-isolation", "--outdir", folder, ".", folder=HERE, CFLAGS="-O0 -g0")
    return folder


def test_the_sdist_holds_the_core(built):
    (path,) = built.glob("*.tar.gz")
    assert path.name == f"acurast-{acurast.__version__}.tar.gz"
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        listed = archive.extractfile(f"acurast-{acurast.__version__}/core/sources.txt").read().decode().splitlines()
    sources = {f"core/src/{line}" for line in listed if line[:1].islower()}
    assert sources and sources <= names
    assert {"core/include/acurast/acurast.h", "core/LICENSE", "README.md", "src/acurast/py.typed"} <= names
    assert not [name for name in names if name.endswith((".so", ".o", ".pyc", ".go"))]


def test_the_wheel(built, tmp_path):
    (path,) = built.glob("*.whl")
    assert f"acurast-{acurast.__version__}-cp310-abi3-" in path.name
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path)
    assert {"acurast/_core.abi3.so", "acurast/_core.pyi", "acurast/py.typed"} <= names
    assert not [name for name in names if name.endswith((".c", ".h", ".o"))]
    script = """
import acurast, pathlib, sys
assert pathlib.Path(acurast.__file__).is_relative_to(sys.argv[1]), acurast.__file__
with acurast.Service() as service, acurast.connect(service.url) as client:
    client.send(client.id, b"it works")
    print(client.receive(10).text())
"""
    assert run("-c", script, str(tmp_path), folder=tmp_path, PYTHONPATH=str(tmp_path)) == "it works\n"


def test_a_free_threaded_interpreter_is_refused():
    script = """
import sys, sysconfig
sys.path.insert(0, "build_support")
sysconfig.get_config_vars()["Py_GIL_DISABLED"] = 1
import backend
try:
    backend.build_wheel("nowhere")
except SystemExit as error:
    print(error)
"""
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    if not (HERE / "build_support").is_dir():
        pytest.skip("no build backend here")
    assert "free-threaded" in run("-c", script, folder=HERE)
