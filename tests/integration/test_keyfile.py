"""Key files of acurast-peer: who else may read and write them."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support import programs
from support.peer import keygen
from support.waiting import DEADLINE

OK, FAILED = range(2)
NOBODY = 65534
STRANGER = 65533


@pytest.fixture
def key(tmp_path):
    return keygen(tmp_path)


def read(file):
    """(exit code, what it said) of the program, which reads this key file."""
    done = programs.run("acurast-peer", "id", "--key", file)
    return done.returncode, done.stderr


@pytest.mark.parametrize("mode", [0o400, 0o500, 0o600, 0o700])
def test_a_key_of_ones_own_is_read_in_silence(key, mode):
    key.file.chmod(mode)
    assert read(key.file) == (OK, "")


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o640, 0o644, 0o604])
def test_a_key_that_others_can_read_gives_a_warning(key, mode):
    key.file.chmod(mode)
    code, said = read(key.file)
    assert (code, said) == (OK, f"{key.file}: warning: can be read by others; chmod go-r mends it\n")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o660, 0o666, 0o777])
def test_a_key_that_others_can_write_is_refused(key, mode):
    key.file.chmod(mode)
    assert read(key.file) == (FAILED, f"{key.file}: can be written by others; chmod go-w mends it\n")


def test_of_a_link_the_file_counts(tmp_path, key):
    link = tmp_path / "link"
    link.symlink_to(key.file)
    assert read(link) == (OK, "")
    key.file.chmod(0o666)
    assert read(link)[0] == FAILED


def test_a_key_from_a_pipe_is_read_in_silence(key):
    for name in ("-", "/dev/stdin"):
        done = programs.run("acurast-peer", "id", "--key", name, stdin=key.file.read_bytes())
        assert (done.returncode, done.stderr) == (OK, "")
        assert key.id.hex() in done.stdout


def test_a_key_from_standard_input_is_a_file_too(key):
    key.file.chmod(0o666)
    with key.file.open("rb") as stdin:
        done = subprocess.run(
            [programs.BIN / "acurast-peer", "id", "--key", "-"], stdin=stdin, capture_output=True, timeout=DEADLINE,
        )
    assert done.returncode == FAILED
    assert done.stderr == b"standard input: can be written by others; chmod go-w mends it\n"


def test_a_payload_from_a_file_is_no_secret(tmp_path):
    file = tmp_path / "payload"
    file.write_text("x")
    file.chmod(0o666)
    done = programs.run(
        "acurast-peer", "send", "--url", "ws://127.0.0.1:1", "--to", "00" * 16, "--timeout", "100ms", "--file", file
    )
    assert "written" not in done.stderr


# --- keys of others: mostly only root can make them


@pytest.fixture
def owned():
    """Makes a key file of this owner and mode, where everybody can reach it."""
    folder = Path(tempfile.mkdtemp(prefix="acurast-key-"))
    folder.chmod(0o755)

    def make(owner, mode):
        file = keygen(folder).file
        file.chmod(mode)
        try:
            os.chown(file, owner, owner)
        except OSError as error:
            pytest.skip(f"a file cannot be given to another user here: {error.strerror}")
        return file

    yield make
    shutil.rmtree(folder)


def read_as(user, file):
    def run(*arguments):
        command = [programs.BIN / "acurast-peer", *arguments]
        return subprocess.run(
            command, user=user, group=user, extra_groups=[], capture_output=True, text=True, timeout=DEADLINE, cwd="/",
            env=programs.clean_environment(),
        )

    try:
        usable = run("--version").returncode == OK
    except PermissionError:
        usable = False
    if not usable:
        pytest.skip(f"user {user} cannot run the programs in {programs.BIN}")
    done = run("id", "--key", file)
    return done.returncode, done.stderr


def test_root_reads_a_key_of_another_user_with_a_warning(owned):
    file = owned(STRANGER, 0o600)
    assert read(file) == (OK, f"{file}: warning: belongs to user {STRANGER}, who can change it\n")


def test_root_too_refuses_a_key_that_others_can_write(owned):
    assert read(owned(STRANGER, 0o660))[0] == FAILED


def test_a_key_of_another_user_is_refused(owned):
    file = owned(STRANGER, 0o644)
    assert read_as(NOBODY, file) == (FAILED, f"{file}: belongs to another user, who can change it\n")


def test_a_key_of_root_is_trusted(owned):
    file = owned(0, 0o644)
    code, said = read_as(NOBODY, file)
    assert (code, said) == (OK, f"{file}: warning: can be read by others; chmod go-r mends it\n")


def test_a_key_of_ones_own_is_read_without_being_root(owned):
    assert read_as(NOBODY, owned(NOBODY, 0o600)) == (OK, "")
