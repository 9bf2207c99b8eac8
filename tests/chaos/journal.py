"""What one program said, line by line."""


from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """A line of a journal, to be shown as evidence."""

    program: str
    number: int
    text: str

    def __str__(self):
        return f"{self.program}:{self.number}: {self.text}"


@dataclass
class Send:
    recipient: str
    until: int
    size: int
    timeout: int  # milliseconds
    line: Line
    in_peace: bool = False
    cancelled: bool = False
    outcomes: list = field(default_factory=list)  # (status, reached, Line)
    kept: list = field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """A payload that was given to the program."""

    sender: str  # the id that the service says
    program: str  # what the payload says: name, number, level
    number: int
    until: int
    whole: bool
    line: Line


@dataclass
class Cast:
    """What the driver knows of a program."""

    name: str
    id: str
    v1: bool = False
    foreign: bool = False  # not our client: it may die when it cannot connect, and keeps no count of its own
    killed: bool = False
    code: int | None = 0  # its exit status; None where it had to be ended at the deadline
    asked: bool = True  # it was told to end, or may have been replaced
    errors: str = ""  # its standard error
    settled: bool = False  # the only one of its key, and connected, when all faults were over


class Journal:
    def __init__(self, cast, texts):
        self.cast = cast
        self.name = cast.name
        self.texts = texts
        self.sends, self.looks = {}, {}
        self.receipts = []
        self.peace = False  # what it sends from now on comes while nothing is wrong
        self.begun = self.ended = self.hung = None
        self.odd = []  # lines that nobody writes
        self.states = []
        for number, text in enumerate(texts, 1):
            line = Line(cast.name, number, text)
            try:
                self._take(line, text.split(" "))
            except (ValueError, IndexError, KeyError):
                self.odd.append(line)

    def _take(self, line, words):
        kind, rest = words[0], words[1:]
        if kind == "S":
            self.sends[int(rest[0])] = Send(rest[1], *map(int, rest[2:5]), line, self.peace)
        elif kind in "OF":
            self.sends[int(rest[0])].outcomes.append((rest[1], int(rest[2]), line))
        elif kind == "C":
            self.sends[int(rest[0])].cancelled = True
        elif kind == "W":
            self.peace = rest[0] == "peace" or (self.peace and rest[0] != "go")
        elif kind == "K":
            self.sends[int(rest[0])].kept.append(line)
        elif kind == "L":
            self.looks[int(rest[0])] = []
        elif kind == "V":
            self.looks[int(rest[0])].append((rest[1], line))
        elif kind == "R":
            self.receipts.append(Receipt(rest[0], rest[1], int(rest[2]), int(rest[3]), rest[5] == "whole", line))
        elif kind == "T":
            self.states.append(line)
        elif kind == "B":
            self.begun = line
        elif kind == "E":
            self.ended = line
        elif kind == "X":
            self.hung = line
        elif kind != "G":
            raise ValueError(kind)


def read(cast, path):
    """The last line of a program that was killed may be torn; it is dropped."""
    text = path.read_text(errors="replace") if path.exists() else ""
    lines = text.split("\n")
    torn = lines.pop()
    if torn and not cast.killed:
        lines.append(torn)
    return lines
