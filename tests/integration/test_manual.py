"""The manual pages and the completions of the programs, by the tools that read them."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from support import programs
from support.waiting import DEADLINE

MANUAL = programs.ROOT / "core" / "manual"


def needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed")


@needs("man")
@pytest.mark.parametrize("page", ["acurast-service.8", "acurast-peer.1"])
def test_a_page_has_no_warning_and_names_every_flag(page):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFOPT": "", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(MANUAL / page)],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
    program = page.rsplit(".", 1)[0]
    said = programs.run(program, *(["serve"] if "peer" in page else []), "--help").stdout
    flags = re.findall(r"^  (--\S+)", said, re.M)
    assert len(flags) > 20
    assert [flag for flag in flags if not re.search(rf"^ +{flag}\b", text, re.M)] == []


def bash(*words):
    """What bash offers for the last of `words`."""
    program = words[0]
    script = (
        f'source "{MANUAL}/{program}.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        f'_{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


def fish(*words):
    program = words[0]
    line = " ".join(words)
    script = f"source {MANUAL}/{program}.fish; complete -C {line!r}"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
    return [row.split("\t")[0].removeprefix(words[-1].split("=")[0] + "=") for row in done.stdout.splitlines()]


class Zsh:
    """A zsh at a terminal, which completes."""

    def __init__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="% ")
            os.execlp("zsh", "zsh", "-f", "-i")
        self.type(
            f"fpath=({MANUAL} $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste; stty -echo; "
            'show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^T" show; print rea""dy\r'
        )
        self.until("ready")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def until(self, words):
        seen, end = "", time.monotonic() + DEADLINE
        while words not in seen:
            assert time.monotonic() < end and select.select([self.terminal], [], [], DEADLINE)[0], seen
            seen += os.read(self.terminal, 65536).decode(errors="replace")
        return seen

    def complete(self, line):
        """The line with its last word completed, as far as zsh does."""
        self.type(f"{line}\t\x14")
        return re.search(r"<(.*)>", self.until(">\r\n")).group(1)

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def zsh():
    one = Zsh()
    yield lambda *words: one.complete(" ".join(words)).rstrip()
    one.close()


def test_bash_completes():
    assert bash("acurast-service", "--log") == ["--log-level"]
    assert bash("acurast-service", "--log-level", "de") == ["debug"]
    assert bash("acurast-service", "--log-level", "=", "w") == ["warn"]
    assert bash("acurast-service", "--log-level", "=") == ["off", "error", "warn", "info", "debug"]
    assert bash("acurast-service", "--threads", "") == []
    assert bash("acurast-peer", "") == [
        "keygen", "id", "request", "serve", "send", "listen", "look", "ping", "--help", "--version",
    ]  # fmt: skip
    assert bash("acurast-peer", "serve", "--exe") == ["--exec"]
    assert bash("acurast-peer", "keygen", "--exe") == []
    assert bash("acurast-peer", "serve", "--failover", "st") == ["sticky"]


def test_bash_completes_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chain.pem").touch()
    assert bash("acurast-service", "--tls-cert", "ch") == ["chain.pem"]
    assert bash("acurast-peer", "send", "--key", "ch") == ["chain.pem"]


@needs("fish")
def test_fish_completes():
    assert fish("acurast-service", "--log-l") == ["--log-level"]
    assert fish("acurast-service", "--log-level=") == ["debug", "error", "info", "off", "warn"]
    assert fish("acurast-peer", "ke") == ["keygen"]
    assert fish("acurast-peer", "serve", "--exe") == ["--exec"]
    assert fish("acurast-peer", "keygen", "--exe") == []


@needs("zsh")
def test_zsh_completes(zsh):
    assert zsh("acurast-service", "--log-l") == "acurast-service --log-level="
    assert zsh("acurast-service", "--log-level", "de") == "acurast-service --log-level debug"
    assert zsh("acurast-service", "--log-level=w") == "acurast-service --log-level=warn"
    assert zsh("acurast-peer", "key") == "acurast-peer keygen"
    assert zsh("acurast-peer", "serve", "--exe") == "acurast-peer serve --exec="
    assert zsh("acurast-peer", "keygen", "--exe") == "acurast-peer keygen --exe"
