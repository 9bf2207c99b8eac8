"""The build backend: setuptools', after the core's sources were staged next to it.

What lies above this folder cannot go into an sdist, so every build from a checkout first copies the core into `core/`
(ignored by git); an sdist has it there already. Everything else is left to setuptools.
"""

from __future__ import annotations

import platform
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import build_meta as _setuptools

HERE = Path(__file__).resolve().parent.parent
CHECKOUT = HERE.parent.parent
STAGED = HERE / "core"


def check_interpreter() -> None:
    """Refuses what cannot work, before anything is compiled."""
    if platform.python_implementation() != "CPython":
        raise SystemExit(f"acurast needs CPython; this is {platform.python_implementation()}")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise SystemExit("acurast does not support free-threaded builds of CPython yet: use the ordinary build")


def stage() -> None:
    """Copies the core's headers, sources and their list from the checkout, where there is one."""
    origin = CHECKOUT / "core"
    if not (origin / "sources.txt").is_file() or CHECKOUT / "bindings" / "python" != HERE:
        if not (STAGED / "sources.txt").is_file():
            raise SystemExit(f"the core's sources are missing: neither {STAGED} nor {origin} has them")
        return
    shutil.rmtree(STAGED, ignore_errors=True)
    STAGED.mkdir()
    for folder in ("include", "src"):
        shutil.copytree(origin / folder, STAGED / folder, ignore=shutil.ignore_patterns(".*", "*~", "*.go"))
    shutil.copy2(origin / "sources.txt", STAGED)
    shutil.copy2(CHECKOUT / "LICENSE", STAGED)


def get_requires_for_build_sdist(config_settings: Any = None) -> Any:
    stage()
    return _setuptools.get_requires_for_build_sdist(config_settings)


def get_requires_for_build_wheel(config_settings: Any = None) -> Any:
    check_interpreter()
    stage()
    return _setuptools.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings: Any = None) -> Any:
    check_interpreter()
    stage()
    return _setuptools.get_requires_for_build_editable(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> Any:
    stage()
    return _setuptools.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Any = None) -> Any:
    stage()
    return _setuptools.prepare_metadata_for_build_editable(metadata_directory, config_settings)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> Any:
    stage()
    return _setuptools.build_sdist(sdist_directory, config_settings)


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> Any:
    check_interpreter()
    stage()
    return _setuptools.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> Any:
    check_interpreter()
    stage()
    return _setuptools.build_editable(wheel_directory, config_settings, metadata_directory)
