"""Key files of the command: who else may read and write them."""

from __future__ import annotations

import os

import acurast
import pytest
from acurast._keyfile import read_key
from test_command import run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(acurast.Identity.generate().to_pem())
    path.chmod(0o600)
    return path


def told(file):
    """(exit code, what the command said)"""
    code, _, said = run("id", "--key", str(file))
    return code, said


def test_a_key_of_ones_own_is_read_in_silence(file):
    assert told(file) == (0, "")


def test_a_key_that_others_can_read_gives_a_warning(file):
    file.chmod(0o640)
    assert told(file) == (0, f"acurast: warning: {file} can be read by others; chmod go-r mends it\n")


def test_a_key_that_others_can_write_is_refused(file):
    for mode in (0o620, 0o602, 0o666):
        file.chmod(mode)
        with pytest.raises(PermissionError, match="can be written by others"):
            read_key(str(file))
    assert told(file) == (1, f"acurast: {file} can be written by others; chmod go-w mends it\n")


def test_of_a_link_the_file_counts(file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(file)
    assert told(link) == (0, "")
    file.chmod(0o666)
    assert told(link)[0] == 1


def test_a_key_from_a_pipe_is_read_in_silence(file):
    code, _, said = run("id", "--key", "/dev/stdin", stdin=file.read_bytes())
    assert (code, said) == (0, "")


def test_what_is_too_large_for_a_key_is_refused(file):
    file.write_bytes(b"x" * 70_000)
    with pytest.raises(ValueError, match="too large"):
        read_key(str(file))


def test_a_key_of_another_user(file, monkeypatch, capsys):
    try:
        os.chown(file, 1234, 1234)
    except OSError as error:
        pytest.skip(f"a file cannot be given to another user here: {error.strerror}")
    read_key(str(file))
    assert capsys.readouterr().err == f"acurast: warning: {file} belongs to user 1234, who can change it\n"
    monkeypatch.setattr(os, "geteuid", lambda: 4321)  # all that differs: who is asked, the file system or we
    with pytest.raises(PermissionError, match="belongs to another user"):
        read_key(str(file))
    os.chown(file, 0, 0)
    read_key(str(file))
    assert capsys.readouterr().err == ""
