"""Makes a release, but for its publication:  release.py prepare VERSION    (the first steps of make release)
                                            release.py provenance INTO    (its last)

`prepare` writes the version where it stands, dates the changelog, commits and tags. Where the tag is there already and names this
commit, that was done before, and nothing is left to do. `provenance` writes INTO/PROVENANCE.md and INTO/SHA256SUMS.
"""

from __future__ import annotations

import datetime
import hashlib
import platform
import re
import subprocess
import sys
from pathlib import Path

from checkout import EPOCH, TOP, VERSION, git
from fetch import PINS

HEADER = TOP / "core/include/acurast/version.h"
NODE = TOP / "bindings/node"
PAGES = [TOP / "core/manual/acurast-service.8", TOP / "core/manual/acurast-peer.1"]
UNRELEASED = "## Unreleased\n"


def fail(why: str) -> None:
    sys.exit(f"make release: {why}")


# ---- the version and the changelog ----


def write_version(version: str) -> None:
    text = HEADER.read_text()
    for part, number in zip(("MAJOR", "MINOR", "PATCH"), version.split("."), strict=True):
        text = re.sub(rf"(#define ACURAST_VERSION_{part} )\d+", rf"\g<1>{number}", text)
    HEADER.write_text(text.replace(f'#define ACURAST_VERSION "{VERSION}"', f'#define ACURAST_VERSION "{version}"'))
    for path in PAGES:
        path.write_text(path.read_text().replace(f'"libacurast {VERSION}"', f'"libacurast {version}"'))
    for name in ("package.json", "package-lock.json"):
        text = (NODE / name).read_text()
        (NODE / name).write_text(text.replace(f'"version": "{VERSION}"', f'"version": "{version}"', 2 if "lock" in name else 1))


def date_changelog(version: str) -> None:
    path = TOP / "CHANGELOG.md"
    before, found, after = path.read_text().partition(UNRELEASED)
    told = re.split(r"^## ", after, maxsplit=1, flags=re.M)[0]
    if not found or not told.strip():
        fail("CHANGELOG.md says nothing under Unreleased")
    day = datetime.date.today().isoformat()
    path.write_text(f"{before}{UNRELEASED}\n## {version} ({day})\n{after}")


# ---- the commit and the tag ----


def check(version: str) -> None:
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        fail(f"VERSION is three numbers with points between them, not {version!r}")
    if git("status", "--porcelain"):
        fail("the checkout has changes that are not committed")
    numbers = [tuple(map(int, each.split("."))) for each in (version, VERSION)]
    if numbers[0] < numbers[1] or (numbers[0] == numbers[1] and git("tag", "--list", f"v{VERSION}")):
        fail(f"{version} does not come after {VERSION}")


def prepare(version: str) -> None:
    if git("tag", "--list", f"v{version}") and git("rev-parse", f"v{version}^{{commit}}") == git("rev-parse", "HEAD"):
        print(f"v{version} is there")
        return
    check(version)
    date_changelog(version)  # first: it may refuse
    write_version(version)
    subprocess.run([sys.executable, TOP / "tests/support/check_source.py", "version"], check=True)
    git("commit", "--quiet", "--all", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"libacurast {version}")
    print(f"committed and tagged: v{version}")


# ---- where it comes from ----


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs() -> list[str]:
    rows = [f"| {name} {pin['version']} | Debian's source package {pin['package']} {pin['debian']}, .dsc | `{pin['dsc']}` |"
            for name, pin in PINS["source"].items()]  # fmt: skip
    rows += [f"| {name} {pin['version']} | PyPI, builds | `{pin['sha256'][0]}` |" for name, pin in PINS["tools"].items()]
    return ["| what | from where | SHA-256 |", "| --- | --- | --- |", *rows]


PUBLISH = """git push origin v{version} && git push origin HEAD        # Go's users have it with the tag
twine upload dist/*.whl dist/acurast-{version}.tar.gz      # PyPI
for package in dist/acurast-*.tgz; do npm publish "$package" --provenance; done    # platforms first, acurast-{version}.tgz last
skopeo copy --all oci-archive:dist/acurast-service-{version}.oci.tar.gz docker://REGISTRY/acurast-service:{version}"""


def provenance(into: Path) -> None:
    if git("status", "--porcelain"):
        fail("the checkout has changed since the release was committed")
    files = sorted(path for path in into.iterdir() if path.is_file() and path.name not in ("SHA256SUMS", "PROVENANCE.md"))
    compilers = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    lines = [
        f"# Where libacurast {VERSION} comes from", "",
        f"Commit `{git('rev-parse', 'HEAD').strip()}`, tag `{git('describe', '--tags', '--always').strip()}`, "
        f"tree `{git('rev-parse', 'HEAD^{tree}').strip()}`; built on {platform.platform()}, Debian's packages by {compilers}.", "",
        "The same bytes come of the same commit:", "",
        "```sh", f"SOURCE_DATE_EPOCH={EPOCH} make dist image deb && (cd dist && sha256sum --check SHA256SUMS)", "```", "",
        "## What went in", "", *inputs(), "",
        "## What came out", "", "| file | bytes | SHA-256 |", "| --- | --- | --- |",
        *(f"| {path.name} | {path.stat().st_size} | `{digest(path)}` |" for path in files), "",
        "## To publish", "", "```sh", PUBLISH.format(version=VERSION), "```", "",
    ]  # fmt: skip
    (into / "PROVENANCE.md").write_text("\n".join(lines))
    files = sorted([*files, into / "PROVENANCE.md"])
    (into / "SHA256SUMS").write_text("".join(f"{digest(path)}  {path.name}\n" for path in files))
    print(f"{len(files)} files of {VERSION} are in {into}; nothing is published: PROVENANCE.md ends with how")


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(*sys.argv[2:])
    else:
        provenance(Path(sys.argv[2]).resolve())
