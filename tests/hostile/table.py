"""The table of results, row by row as they come, and the table of attacks."""

import shutil
import textwrap

from .suite import Verdict

HEADS = ("attack", "what was tried", "what the service did", "verdict")


def widths():
    """Of the columns, for a terminal as wide as there is, and 140 where there is none."""
    room = max(shutil.get_terminal_size((140, 24)).columns, 80) - 9 - 14
    return (room // 5, room * 2 // 5, room - room // 5 - room * 2 // 5, 14)


class Report:
    def __init__(self):
        self.columns = widths()
        self.counts = dict.fromkeys((Verdict.HELD, Verdict.HELD_NOT, Verdict.NOT_APPLICABLE), 0)
        self.headed = False

    def begin(self, title):
        print(f"\n-- {title}")
        if not self.headed:
            self._row(*HEADS)
            print("-|-".join("-" * width for width in self.columns))
        self.headed = True

    def add(self, attack, result):
        self.row(attack.name, attack.tried, result)

    def row(self, name, tried, result):
        self.counts[result.verdict] += 1
        self._row(name, tried, result.words, result.verdict)

    def _row(self, *cells):
        lines = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, self.columns)]
        for number in range(max(map(len, lines))):
            parts = [(cell[number] if number < len(cell) else "").ljust(width) for cell, width in zip(lines, self.columns)]
            print(" | ".join(parts).rstrip(), flush=True)

    def end(self):
        """The last line; the exit status."""
        passed, failed, skipped = self.counts.values()
        print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
        return 1 if failed or not passed else 0


def as_markdown(attacks):
    rows = ["| attack | what is tried | where |", "| --- | --- | --- |"]
    for each in attacks:
        where = "our own service" if each.own else "TLS" if each.ports == ("tls",) else "any service"
        rows.append(f"| {each.name} | {each.tried} | {where} |")
    return "\n".join(rows)
