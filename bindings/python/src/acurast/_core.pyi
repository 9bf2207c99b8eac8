"""The compiled module: the core's C functions by cffi. `lib` and `ffi` are typed as what cffi gives, which is anything."""

from typing import Any

ffi: Any
lib: Any
