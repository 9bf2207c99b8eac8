"""What pyproject.toml cannot say: the version, which lives in the core's header, and the compiled module."""

import re
from pathlib import Path

from setuptools import setup

header = Path(__file__).parent / "core" / "include" / "acurast" / "version.h"
version = re.search(r'#define ACURAST_VERSION "([^"]+)"', header.read_text()).group(1)

setup(
    version=version,
    cffi_modules=["build_support/compiled.py:ffi"],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
