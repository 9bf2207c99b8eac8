"""The rows of targets.txt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    name: str  # such as aarch64-linux-musl
    zig: str  # the same as zig names it, with the oldest libc or macOS
    openssl: str  # what OpenSSL calls it
    wheel: str  # the platform tag of a wheel
    npm: str  # the end of the name of a package of npm
    go: str  # GOOS/GOARCH

    @property
    def system(self) -> str:
        return "macos" if self.name.endswith("macos") else "linux"

    @property
    def libc(self) -> str | None:
        """As npm names it: glibc or musl, or None where there is one alone."""
        return {"gnu": "glibc", "musl": "musl"}.get(self.name.rsplit("-", 1)[1])

    @property
    def host_platform(self) -> str:
        """As Python's sysconfig names it."""
        machine = self.name.split("-")[0]
        return f"macosx-11.0-{'arm64' if machine == 'aarch64' else machine}" if self.system == "macos" else f"linux-{machine}"


def read() -> dict[str, Target]:
    lines = (Path(__file__).parent / "targets.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: Target(*row) for row in rows}


TARGETS = read()
