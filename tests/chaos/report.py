"""The tables: sends by level and outcome, what was done, and the violations with the lines that show them."""

from collections import Counter

from .check import LEVELS

SHOWN = 5  # violations of each rule


class Tally:
    """Of all rounds."""

    def __init__(self):
        self.sends = Counter()  # (level, outcome)
        self.faults = Counter()
        self.given = Counter()  # by level
        self.programs = self.connections = self.repeats = self.looks = 0

    def add(self, journals, faults):
        self.faults.update(faults)
        self.programs += len(journals)
        for journal in journals:
            self.given.update(receipt.until for receipt in journal.receipts)
            self.looks += len(journal.looks)
            for send in journal.sends.values():
                status, reached, _ = send.outcomes[0] if send.outcomes else ("(killed)", 0, None)
                self.sends[send.until, f"OK, {LEVELS[reached]}" if status == "OK" else status] += 1
            if journal.ended:
                self.connections += int(journal.ended.text.split(" ")[3])
                self.repeats += int(journal.ended.text.split(" ")[4])

    def print(self):
        outcomes = sorted({outcome for _, outcome in self.sends})
        print(f"{'outcome':22}" + "".join(f"{level:>12}" for level in LEVELS))
        for outcome in outcomes:
            print(f"{outcome:22}" + "".join(f"{self.sends[level, outcome]:12}" for level in range(3)))
        print(f"{'(given to programs)':22}" + "".join(f"{self.given[level]:12}" for level in range(3)))
        print(f"programs {self.programs}, connections {self.connections}, repeats not given {self.repeats}, looks {self.looks}")
        print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items())))


def show(found):
    """At most some of each rule."""
    seen = Counter()
    for violation in found:
        seen[violation.rule] += 1
        if seen[violation.rule] <= SHOWN:
            print(violation)
    for rule, count in seen.items():
        if count > SHOWN:
            print(f"{rule}: {count - SHOWN} more")
