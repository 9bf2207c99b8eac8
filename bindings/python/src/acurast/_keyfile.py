"""Key files: who else may read and write them is looked at before they are believed."""

from __future__ import annotations

import os
import stat
import sys

from ._foreign import shown
from ._identity import Identity

MOST = 64 * 1024
"""Bytes of a key file."""


def read_key(path: str) -> Identity:
    """The identity in a PEM file.

    A file that group or others can write is refused, and so is one that belongs neither to us nor to root; where we are root, it is a
    warning on standard error. One that group or others can read gives a warning. Raises PermissionError, OSError or ValueError.
    """
    with open(path, "rb") as file:
        look_at(os.fstat(file.fileno()), path)
        pem = file.read(MOST + 1)
    if len(pem) > MOST:
        raise ValueError(f"{path} is too large for a key")
    return Identity.from_pem(pem)


def look_at(about: os.stat_result, path: str) -> None:
    """Whether an open file may hold our key: whoever can write it chooses the key, and whoever can read it has it. Root is trusted, as
    it could do either anyway, and may use the key of whom it likes. What is neither a file nor a pipe has modes of another meaning."""
    if not stat.S_ISREG(about.st_mode) and not stat.S_ISFIFO(about.st_mode):
        return
    strange = about.st_uid not in (os.geteuid(), 0)
    if strange and os.geteuid() != 0:
        raise PermissionError(f"{path} belongs to another user, who can change it")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} can be written by others; chmod go-w mends it")
    if strange:
        warn(f"{path} belongs to user {about.st_uid}, who can change it")
    if about.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{path} can be read by others; chmod go-r mends it")


def warn(words: str) -> None:
    print(f"acurast: warning: {shown(words)}", file=sys.stderr)
