"""The first steps of `make release`, in a copy of the checkout: version, changelog, commit, tag; and what is refused."""

import re
import shutil
import subprocess
import sys

import pytest

from support import programs

pytestmark = pytest.mark.skipif(
    not shutil.which("git") or not (programs.ROOT / ".git").exists(), reason="a release is made of a checkout of git"
)


AUTHOR = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid")


def run(folder, *words):
    return subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """What is here, committed or not, as a repository of its own."""
    folder = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=programs.ROOT, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (programs.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(programs.ROOT / name, folder / name)
    changes = folder / "CHANGELOG.md"
    changes.write_text(re.sub(r"^## Unreleased\n.*?^## ", "## Unreleased\n\n- Something.\n\n## ", changes.read_text(), flags=re.M | re.S))
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", "--all")
    assert run(folder, "git", *AUTHOR, "commit", "--quiet", "--message", "All of it").returncode == 0
    return folder


@pytest.fixture
def checkout(copy, tmp_path):
    folder = tmp_path / "checkout"
    assert run(tmp_path, "git", "clone", "--quiet", copy, folder).returncode == 0
    for setting in AUTHOR[1::2]:
        run(folder, "git", "config", *setting.split("="))
    return folder


def prepare(folder, version):
    return run(folder, sys.executable, "-B", "packaging/release.py", "prepare", version)


def test_a_version_is_written_everywhere_committed_and_tagged(checkout):
    done = prepare(checkout, "12.34.56")
    assert done.returncode == 0, done.stderr
    assert run(checkout, sys.executable, "tests/support/check_source.py", "version").stdout == ""
    header = (checkout / "core/include/acurast/version.h").read_text()
    assert '"12.34.56"' in header and "VERSION_MINOR 34" in header
    assert re.search(r"^## Unreleased\n\n## 12\.34\.56 \(\d{4}-\d\d-\d\d\)\n\n- Something\.$", (checkout / "CHANGELOG.md").read_text(), re.M)
    assert run(checkout, "git", "describe").stdout == "v12.34.56\n"
    assert run(checkout, "git", "status", "--porcelain").stdout == ""
    again = prepare(checkout, "12.34.56")
    assert (again.returncode, again.stdout) == (0, "v12.34.56 is there\n")


@pytest.mark.parametrize("version", ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.03", "1.2.3-rc1", "1.2.3\n", "0.0.1", "$(id).1.2"])
def test_what_is_no_later_version_is_refused(checkout, version):
    done = prepare(checkout, version)
    assert done.returncode == 1 and done.stderr.startswith("make release: "), done
    assert run(checkout, "git", "status", "--porcelain").stdout == ""


def test_a_checkout_with_changes_is_refused(checkout):
    (checkout / "README.md").write_text("other\n")
    assert "not committed" in prepare(checkout, "12.0.0").stderr


def test_nothing_to_tell_is_refused(checkout):
    assert prepare(checkout, "12.0.0").returncode == 0
    (checkout / "README.md").write_text("other\n")
    run(checkout, "git", "commit", "--quiet", "--all", "--message", "Other")
    assert "says nothing" in prepare(checkout, "12.0.1").stderr
    assert "does not come after" in prepare(checkout, "12.0.0").stderr


def test_where_it_comes_from_is_told_with_every_file(checkout, tmp_path):
    assert prepare(checkout, "12.0.0").returncode == 0
    into = tmp_path / "dist"
    into.mkdir()
    (into / "acurast-12.0.0.tar.gz").write_bytes(b"")
    done = run(checkout, sys.executable, "-B", "packaging/release.py", "provenance", into)
    assert done.returncode == 0, done.stderr
    told = (into / "PROVENANCE.md").read_text()
    commit = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    assert commit in told and "`v12.0.0`" in told and "openssl" in told and "acurast-12.0.0.tar.gz | 0 | `e3b0c442" in told
    assert run(into, "sha256sum", "--check", "--strict", "SHA256SUMS").returncode == 0
