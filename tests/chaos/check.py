"""Compares what was reported with what was received. Each rule is a function that yields violations."""

import re
from collections import defaultdict
from dataclasses import dataclass

# Those that promise that nobody was given it, nor will be.
CERTAIN = frozenset(
    "NOT_HERE MAILBOX_FULL MAILBOX_EXPIRED QUEUE_FULL NOT_DELIVERED TOO_LARGE SERVICE_MEMORY EXPIRED CANCELLED CLOSED"
    " UNSUPPORTED OUTBOX_FULL BAD_STATE NO_MEMORY".split()
)
FINE = frozenset(("OK", "QUEUE_FULL", "TOO_LARGE", "UNSUPPORTED"))  # in peace: what follows from settings
PATIENT = 2000  # milliseconds: the time of a send that is not meant to be short
# Of what the vendor's client may die: it has lost its connection, or finds none. ws says these, or Node.
LOST_CONNECTION = re.compile(
    r"All connections failed: |could not be established\.|\b(?:ECONNRESET|ECONNREFUSED|EPIPE)\b|socket hang up|before secure TLS connection"
)
OTHERS = frozenset(("OK", "UNDETERMINED"))
PLAIN, RELAYED, DELIVERED = range(3)
LEVELS = ("written", "relayed", "delivered")


@dataclass(frozen=True)
class Violation:
    rule: str
    words: str
    evidence: tuple  # of lines

    def __str__(self):
        return "\n".join([f"{self.rule}: {self.words}", *(f"    {line}" for line in self.evidence)])


class Story:
    """All journals of one round, and who got what."""

    def __init__(self, journals):
        self.journals = {each.name: each for each in journals}
        self.given = defaultdict(list)  # (program that sent, number) -> [(program that got it, Receipt)]
        self.v1_ids = {each.cast.id for each in journals if each.cast.v1}
        for journal in journals:
            for receipt in journal.receipts:
                self.given[receipt.program, receipt.number].append((journal, receipt))

    def sends(self):
        for journal in self.journals.values():
            for number, send in journal.sends.items():
                yield journal, number, send


def one_outcome(story):
    """Every send and every look has one; those of a program that was killed have one at most."""
    for journal, number, send in story.sends():
        count = len(send.outcomes)
        if count > 1 or (count == 0 and not journal.cast.killed and not journal.cast.foreign):
            yield Violation("one outcome", f"send {number} has {count}", (send.line, *(line for *_, line in send.outcomes)))
    for journal in story.journals.values():
        for number, seen in journal.looks.items():
            if len(seen) > 1 or (not seen and not journal.cast.killed):
                yield Violation("one outcome", f"look {number} has {len(seen)}", tuple(line for _, line in seen))


def delivered_is_there(story):
    """What was reported as delivered was given to a program of the recipient's."""
    for journal, number, send in story.sends():
        for status, reached, line in send.outcomes:
            if status != "OK" or reached != DELIVERED:
                continue
            if not any(got.cast.id == send.recipient for got, _ in story.given[journal.name, number]):
                yield Violation("lost", f"send {number} was reported as delivered", (send.line, line))


def given_once(story):
    """No program is given the same payload twice."""
    for got in story.given.values():
        first = {}
        for journal, receipt in got:
            if journal.name in first:
                level = LEVELS[receipt.until]
                yield Violation("twice", f"a payload until {level}", (first[journal.name].line, receipt.line))
            first.setdefault(journal.name, receipt)


def failed_is_not_there(story):
    """What has failed for certain was given to nobody."""
    for journal, number, send in story.sends():
        for status, _, line in send.outcomes:
            if status in CERTAIN:
                for _, receipt in story.given[journal.name, number]:
                    words = f"send {number}, until {LEVELS[send.until]}, was reported as {status}"
                    yield Violation("failed and given", words, (send.line, line, receipt.line))


def in_order(story):
    """Of each pair of programs: payloads until delivered in the order of the calls, and so the plain ones."""
    for journal in story.journals.values():
        last = {}
        for receipt in journal.receipts:
            lane = (receipt.program, receipt.until)
            before = last.get(lane)
            if receipt.until != RELAYED and before and before.number > receipt.number:
                level = LEVELS[receipt.until]
                yield Violation("order", f"{receipt.number} after {before.number}, until {level}", (before.line, receipt.line))
            last[lane] = receipt


def known_and_whole(story):
    """What comes was sent, by whom the service says, to whom it was given, and has not changed."""
    for journal in story.journals.values():
        for receipt in journal.receipts:
            sender = story.journals.get(receipt.program)
            send = sender and sender.sends.get(receipt.number)
            if not send or not receipt.whole:
                yield Violation("foreign or damaged", "a payload that nobody sent like this", (receipt.line,))
            elif (sender.cast.id, send.recipient, send.until) != (receipt.sender, journal.cast.id, receipt.until):
                yield Violation("foreign or damaged", "another sender, recipient or level", (send.line, receipt.line))


def level_reached(story):
    """OK has the level asked for; of a v1 peer, who says nothing, no more than relayed."""
    for journal, number, send in story.sends():
        most = min(send.until, RELAYED) if send.recipient in story.v1_ids else send.until
        for status, reached, line in send.outcomes:
            fits = reached == most
            if status == "OK" and not fits:
                yield Violation("level", f"send {number} asked for {LEVELS[send.until]}", (send.line, line))
            elif status not in CERTAIN | OTHERS or (status == "UNDETERMINED" and send.until == PLAIN):
                yield Violation("level", f"send {number} has an outcome that it cannot have", (send.line, line))


def peace_succeeds(story):
    """While nothing is wrong, what is sent between programs that are connected gets where it should."""
    settled = {journal.cast.id for journal in story.journals.values() if journal.cast.settled}
    for journal, number, send in story.sends():
        if not send.in_peace or send.cancelled or send.timeout < PATIENT or {journal.cast.id, send.recipient} - settled:
            continue
        for status, _, line in send.outcomes:
            if status not in FINE:
                yield Violation("peace", f"send {number} did not get there", (send.line, *send.kept, line))


def may_die(cast):
    """The vendor's client, of a connection that it lost; never of what it got."""
    return cast.code == 1 and LOST_CONNECTION.search(cast.errors)


def no_crash(story):
    """Programs end only when they are told to, in time, and leave nothing."""
    for journal in story.journals.values():
        cast = journal.cast
        if cast.foreign and not cast.killed and not journal.hung and may_die(cast):
            continue
        shown = tuple(line for line in (journal.hung, journal.ended, *journal.states[-2:], *journal.odd[:3]) if line)
        if cast.killed:
            fine = cast.code == -9
        else:
            fine = cast.code == 0 and cast.asked and journal.begun and journal.ended and not journal.hung
            fine = fine and journal.ended.text.split(" ")[1:3] == ["0", "0"]
        if not fine or journal.odd or cast.errors:
            asked = "" if cast.asked else ", without being told to"
            yield Violation("crash", f"{journal.name} ended with {cast.code}{asked} {cast.errors}".rstrip(), shown)


RULES = (one_outcome, delivered_is_there, given_once, failed_is_not_there, in_order, known_and_whole, level_reached, peace_succeeds, no_crash)


def violations(journals):
    story = Story(journals)
    return [found for rule in RULES for found in rule(story)]
