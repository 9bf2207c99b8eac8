"""Writes src/acurast/_errors.py and src/acurast/_settings.py from the core's own tables of statuses and options.

    python tools/generate.py           writes them
    python tools/generate.py --check   fails where they are not what the tables say (the tests do this)
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

from acurast._core import ffi, lib

TARGET = Path(__file__).resolve().parent.parent / "src" / "acurast"

# Builtin classes that an error is as well, so that the usual `except` catches it.
BUILTINS = {
    "INVALID": "ValueError",
    "NO_MEMORY": "MemoryError",
    "TIMEOUT": "builtins.TimeoutError",
    "SYSTEM": "OSError",
    "ADDRESS_IN_USE": "OSError",
    "NOT_PERMITTED": "PermissionError",
    "BAD_HEX": "ValueError",
    "BAD_KEY": "ValueError",
    "BAD_RECIPIENT": "ValueError",
    "UNKNOWN_OPTION": "TypeError",
    "BAD_OPTION": "ValueError",
    "NOT_CONNECTED": "ConnectionError",
    "RESOLVE": "ConnectionError",
    "CONNECT": "ConnectionError",
    "TLS": "ConnectionError",
    "UPGRADE": "ConnectionError",
    "PROTOCOL": "ConnectionError",
    "REFUSED": "ConnectionError",
    "DENIED": "ConnectionError",
    "REPLACED": "ConnectionError",
    "LOST": "ConnectionError",
    "UNRESPONSIVE": "ConnectionError",
    "DRAINING": "ConnectionError",
    "SLOW_READER": "ConnectionError",
    "TOO_LARGE": "ValueError",
    "EXPIRED": "builtins.TimeoutError",
}

# Names by rule would hide these builtins or mislead.
NAMES = {
    "SYSTEM": "SystemCallError",
    "CANCELLED": "SendCancelledError",
    "NO_MEMORY": "OutOfMemoryError",
    "REMOTE_ERROR": "RemoteError",
}

# What an exception holds besides.
MEMBERS = {
    "REMOTE_ERROR": [
        "code: int = 0",
        '"""Its code; JSON-RPC 2.0 gives those from -32768 to -32000 a meaning."""',
        'remote_message: str = ""',
        '"""What the recipient has written for people."""',
        "data: Any = None",
        '"""What it has added."""',
    ],
    "NOT_ENOUGH_ANSWERS": [
        "answers: Mapping[Id, Any] = {}",
        '"""The results that came until then."""',
        "failures: Mapping[Id, Error] = {}",
        '"""Of those who gave none until then."""',
    ],
}

# What the caller can do about it, where the text does not say so.
ADVICE = {
    "CLOSED": "make a new one",
    "TIMEOUT": "allow more time, or look at the service",
    "ADDRESS_IN_USE": "take port 0 for a free one",
    "BAD_HEX": "pass bytes, or an even number of hex digits",
    "TLS": "check the host name, or pass ca_file for a private authority",
    "UPGRADE": "check the URL",
    "REFUSED": "check the identity, and the clock of both sides",
    "DENIED": "ask whoever runs the service",
    "REPLACED": "use one identity in one place only, or pass reconnect_when_replaced=True",
    "WORK_TOO_HARD": "pass a larger max_work if you trust the service",
    "OUTBOX_FULL": "await the send, or pass a larger outbox_count or outbox_bytes",
    "EXPIRED": "pass a longer timeout, or look at the connection",
    "NOT_ENOUGH_ANSWERS": "look at its failures, or pass a smaller need",
    "TOO_LARGE": "split it, or raise max_payload here and max_frame at the service",
    "SLOW_READER": "take messages faster",
}

UNITS = {
    "BOOL": ("bool", ""),
    "COUNT": ("int", ""),
    "SIZE": ("int | str", "bytes, or text such as '16MiB'"),
    "MILLISECONDS": ("float | str", "seconds, or text such as '500ms'"),
    "SECONDS": ("int | str", "whole seconds, or text such as '1m'"),
    "TEXT": ("str", ""),
    "LIST": ("Sequence[str] | str", ""),
}
TYPES = ["", "BOOL", "COUNT", "SIZE", "MILLISECONDS", "SECONDS", "TEXT", "LIST", "CHOICE"]
HEAD = '"""{}\n\nWritten by tools/generate.py from the core\'s table; not by hand.\n"""\n\nfrom __future__ import annotations\n'


def text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode())


def statuses() -> Iterator[tuple[str, int, bool, str]]:
    status = ffi.new("acurast_status *")
    index = 0
    while lib.acurast_status_at(index, status) == 0:
        code = int(status[0])
        yield (
            text(lib.acurast_status_name(code)),
            code,
            bool(lib.acurast_status_retriable(code)),
            text(lib.acurast_status_text(code)),
        )
        index += 1


def class_name(name: str) -> str:
    return NAMES.get(name) or name.title().replace("_", "") + "Error"


def errors() -> str:
    lines = [HEAD.format("The exceptions, one for each status of the core.")]
    lines += ["import builtins", "import enum", "from collections.abc import Mapping"]
    lines += ["from typing import TYPE_CHECKING, Any, ClassVar", ""]
    lines += ["if TYPE_CHECKING:", "    from ._identity import Id", "", ""]
    lines += ["class Status(enum.IntEnum):", '    """What a call of the core answers; the numbers are frozen."""', ""]
    lines += [f"    {name} = {code}" for name, code, _, _ in statuses()]
    lines += ["", "", "class Error(Exception):"]
    lines += ['    """Whatever this package raises, but for TypeError and ValueError on bad arguments.', ""]
    lines += ["    `status` is the core's status, `retriable` says whether the same call may succeed later as it is."]
    lines += ['    """', "", "    status: ClassVar[Status]", "    retriable: ClassVar[bool] = False"]
    lines += ["    text: ClassVar[str]", '    advice: ClassVar[str] = ""', ""]
    lines += ['    def __init__(self, detail: str = "") -> None:', "        self.detail = detail"]
    lines += ["        self.message = self.text"]
    lines += ["        if detail:", '            self.message += f" ({detail})"']
    lines += ["        if self.advice:", '            self.message += f"; {self.advice}"']
    lines += ["        super().__init__(self.message)", ""]
    lines += ["    def __str__(self) -> str:", "        return self.message", ""]
    lines += ["    def __reduce__(self) -> tuple[type[Error], tuple[str], dict[str, Any]]:"]
    lines += ["        return type(self), (self.detail,), self.__dict__"]
    for name, _, retriable, words in statuses():
        if name == "OK":
            continue
        bases = ", ".join(["Error", *filter(None, [BUILTINS.get(name)])])
        lines += ["", "", f"class {class_name(name)}({bases}):", f'    """{words[0].upper()}{words[1:]}."""', ""]
        lines += [f"    status = Status.{name}", f"    retriable = {retriable}"] if retriable else [f"    status = Status.{name}"]
        lines += [f'    text = "{words}"']
        if name in ADVICE:
            lines += [f'    advice = "{ADVICE[name]}"']
        lines += [f"    {line}" for line in MEMBERS.get(name, [])]
    lines += ["", "", "CLASSES: dict[int, type[Error]] = {"]
    lines += [f"    {code}: {class_name(name)}," for name, code, _, _ in statuses() if name != "OK"]
    lines += ["}", "", "__all__ = ["]
    lines += [f'    "{name}",' for name in ["Error", *sorted(class_name(n) for n, _, _, _ in statuses() if n != "OK")]]
    lines += ["]", ""]
    return "\n".join(lines)


def options() -> Iterator[Any]:
    info = ffi.new("acurast_option_info *")
    index = 0
    while lib.acurast_option_at(index, info) == lib.ACURAST_OK:
        yield info
        index += 1


def settings() -> str:
    scopes = [
        (lib.ACURAST_SCOPE_CONTEXT, "ContextOptions", "Options of the I/O threads, for acurast.configure()."),
        (lib.ACURAST_SCOPE_CLIENT, "ClientOptions", "Options of a client."),
        (lib.ACURAST_SCOPE_SERVICE, "ServiceOptions", "Options of a service."),
    ]
    set_elsewhere = {("ClientOptions", "url"), ("ServiceOptions", "listen")}
    lines = [HEAD.format("The options as types: names, units and defaults.")]
    lines += ["from collections.abc import Sequence", "from typing import Literal, TypedDict"]
    for scope, title, words in scopes:
        lines += ["", "", f"class {title}(TypedDict, total=False):", f'    """{words}"""', ""]
        for info in options():
            name = text(info.name)
            if info.scope != scope or (title, name) in set_elsewhere:
                continue
            kind = TYPES[info.type]
            if kind == "CHOICE":
                hint, unit = "Literal[" + ", ".join(f'"{one}"' for one in text(info.choices).split("|")) + "]", ""
            else:
                hint, unit = UNITS[kind]
            words_of = text(info.help)
            default = text(info.default_text)
            notes = "; ".join(filter(None, [unit, f"default {default}" if default else ""]))
            comment = f"{words_of} ({notes})." if notes else f"{words_of}."
            lines += [f"    {name.replace('-', '_')}: {hint}"]
            wrapped = textwrap.wrap(comment, 110)
            lines += [f'    """{wrapped[0]}' + ('"""' if len(wrapped) == 1 else "")]
            lines += [f"    {line}" for line in wrapped[1:-1]]
            lines += [f'    {wrapped[-1]}"""'] if len(wrapped) > 1 else []
    return "\n".join([*lines, ""])


def main() -> int:
    check = "--check" in sys.argv
    stale = []
    for name, content in (("_errors.py", errors()), ("_settings.py", settings())):
        path = TARGET / name
        if check:
            if not path.is_file() or path.read_text() != content:
                stale.append(name)
        else:
            path.write_text(content)
    if stale:
        print(f"not what the core's tables say: {', '.join(stale)}; run tools/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
