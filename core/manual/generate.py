#!/usr/bin/env python3
"""Writes the manual pages and the completions of the programs, from what their --help prints, which is printed from the table of options.

    generate.py BIN-FOLDER            writes them beside this file
    generate.py BIN-FOLDER --check    says which of them differ, and ends with 1 then

`ninja -C build options-page` runs the first, a test the second. They are committed, so that an installation needs no Python, and one for
another machine need not run the programs.
"""

import re
import subprocess
import sys
from pathlib import Path

import completions
import pages

HERE = Path(__file__).resolve().parent


class Flag:
    """`value` is what --help calls its value, "" for a switch; `choices` are the words that it can be."""

    def __init__(self, name, value, text):
        self.name = name
        self.repeatable = value.endswith(" (repeatable)")
        self.value = value.removesuffix(" (repeatable)")
        self.choices = self.value.split("|") if "|" in self.value else []
        variable = re.search(r" \[(\w+)\]$", text)
        self.variable = variable.group(1) if variable else None
        self.help = text.removesuffix(variable.group(0)) if variable else text

    @property
    def summary(self):
        """The help without what only somebody who has time reads."""
        return re.split(r"[;:,(]| \(", self.help)[0].strip()

    def is_file(self):
        """Whether its value is the name of a file, as far as its words say."""
        return self.value == "FILE" or (self.value == "TEXT" and "file" in f"{self.name} {self.help.lower()}")

    def key(self):
        return (self.name, self.value, self.help)


class Command:
    """One --help, taken apart."""

    def __init__(self, program, name=""):
        words = [program, *([name] if name else []), "--help"]
        text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        head, _, rest = text.partition("\n\n")
        self.name = name
        self.synopsis = head.removeprefix("usage: ")
        self.flags = [Flag(*found) for found in re.findall(r"^  --(\S+) ?(.*)\n        (.*)$", rest, re.M)]
        self.commands = re.findall(r"^  (\w+) +(.*)$", rest, re.M)
        paragraphs = [" ".join(each.split()) for each in rest.split("\n\n") if not each.startswith("  ")]
        self.description = [] if self.commands else [paragraphs.pop(0)]
        while self.flags and paragraphs and not paragraphs[0].startswith("Each flag"):
            self.description.append(paragraphs.pop(0))
        self.notes = [each for each in paragraphs if "COMMAND --help" not in each]


class Program:
    def __init__(self, folder, name, section, summary):
        path = str(Path(folder).resolve() / name)
        self.name, self.section, self.summary = name, section, summary
        told = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.version = told.split()[1]
        self.main = Command(path)
        self.commands = [(Command(path, each), help) for each, help in self.main.commands]

    def common(self):
        """The flags that all commands with a connection have, in the same words."""
        connected = [command for command, _ in self.commands if any(flag.name == "url" for flag in command.flags)]
        shared = set.intersection(*({flag.key() for flag in command.flags} for command in connected))
        return [flag for flag in connected[0].flags if flag.key() in shared]


def files(folder):
    service = Program(folder, "acurast-service", 8, "websocket service of the Acurast protocol")
    peer = Program(folder, "acurast-peer", 1, "dApp or processor of the Acurast protocol, for the shell")
    found = {"acurast-service.8": pages.service(service), "acurast-peer.1": pages.peer(peer)}
    for program in (service, peer):
        found[f"{program.name}.bash"] = completions.bash(program)
        found[f"_{program.name}"] = completions.zsh(program)
        found[f"{program.name}.fish"] = completions.fish(program)
    return found


def main():
    different = []
    for name, text in files(sys.argv[1]).items():
        path = HERE / name
        if path.exists() and path.read_text() == text:
            continue
        different.append(name)
        if "--check" not in sys.argv:
            path.write_text(text)
    if "--check" in sys.argv and different:
        sys.exit(f"not what the programs say: {', '.join(different)}; run ninja -C build options-page")


if __name__ == "__main__":
    main()
