"""Shows that the checker finds what it should: falsified journals, and a liar on the line; and that it finds nothing where a network
merely loses or repeats, or where what is said must not be believed.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from . import check, liar, plan, report, stage
from .journal import Journal
from .program import vendor_missing

SECONDS = 1.5  # of a round with liars, before its end
MAILBOX_OFF = {"threads": 2, "mailbox_count": 0}
LIES = {
    "s1": liar.SaysDelivered, "s2": liar.SaysNotHere, "r1": liar.GivesTwice, "rv": liar.GivesPlainTwice,
    "r2": liar.Swaps, "r3": liar.SwapsPlain, "b1": liar.Damages, plan.VENDOR: liar.Damages,
}
LOSSES = {"s1": liar.SwallowsReceipts, "s2": liar.Repeats, "r1": liar.Swallows, "r2": liar.Repeats, "b1": liar.SaysForOthers}


def told(name, fine, words):
    print(f"{'ok' if fine else 'FAILED':7} {name}: {words}", flush=True)
    return fine


# --- journals, each with one thing changed


class Falsifier:
    """Changes lines of a round without violations. Each method changes one thing, or fails where there is nothing to change."""

    def __init__(self, journals):
        self.story = check.Story(journals)
        self.journals = journals

    def fresh(self):
        self.texts = {each.name: list(each.texts) for each in self.journals}
        self.casts = {each.name: replace(each.cast) for each in self.journals}

    def _journal(self, each):
        """As it is, or read again where something was changed."""
        cast, texts = self.casts[each.name], self.texts[each.name]
        return each if (cast, texts) == (each.cast, each.texts) else Journal(cast, texts)

    def found(self, rule):
        journals = [self._journal(each) for each in self.journals]
        return any(violation.rule == rule for violation in check.violations(journals))

    def change(self, line, *words):
        """Puts other lines in the place of one."""
        self.texts[line.program][line.number - 1 : line.number] = words

    def pick(self, *how, **more):
        """The first of them."""
        for picked in self.picks(*how, **more):
            return picked
        raise LookupError(f"no send that ended like this: {how} {more}")

    def picks(self, until, status="OK", reached=None, given=True):
        """(Send, outcome's line, who got it) of the sends that ended like this."""
        for journal, number, send in reversed([*self.story.sends()]):
            got = self.story.given[journal.name, number]
            outcome = send.outcomes[0] if send.outcomes else (None, None, None)
            if send.until == until and outcome[0] == status and outcome[1] == (until if reached is None else reached):
                if bool(got) == given:
                    yield send, outcome[2], got

    def neighbours(self, until):
        """Two payloads of one program to another, in order."""
        for journal in self.journals:
            last = {}
            for receipt in journal.receipts:
                if receipt.until == until and receipt.program in last:
                    return last[receipt.program].line, receipt.line
                if receipt.until == until:
                    last[receipt.program] = receipt
        raise LookupError("no two payloads of one pair")


def dropped(false):
    for _, receipt in false.pick(check.DELIVERED)[2]:
        false.change(receipt.line)


def doubled(until):
    def act(false):
        line = false.pick(until)[2][0][1].line
        false.change(line, line.text, line.text)

    return act


def swapped(until):
    def act(false):
        one, two = false.neighbours(until)
        false.change(one, two.text)
        false.change(two, one.text)

    return act


def outcome_dropped(false):
    false.change(false.pick(check.DELIVERED)[1])


def outcome_doubled(false):
    line = false.pick(check.DELIVERED)[1]
    false.change(line, line.text, line.text)


def outcome_turned(until, status):
    """What was given has failed for certain."""

    def act(false):
        line = false.pick(until)[1]
        false.change(line, f"O {line.text.split(' ')[1]} {status} 0")

    return act


def failure_turned(false):
    _, line, _ = false.pick(check.DELIVERED, "NOT_HERE", 0, given=False)
    false.change(line, f"O {line.text.split(' ')[1]} OK 2")


def peace_disturbed(false):
    settled = {word for each in false.journals if each.cast.settled for word in (each.name, each.cast.id)}
    for send, line, _ in false.picks(check.PLAIN):
        if send.in_peace and {line.program, send.recipient} <= settled and send.timeout >= check.PATIENT and not send.cancelled:
            return false.change(line, f"O {line.text.split(' ')[1]} EXPIRED 0")
    raise LookupError("nothing was sent in peace")


def level_lowered(false):
    for send, line, _ in false.picks(check.DELIVERED):
        if send.recipient not in false.story.v1_ids:
            return false.change(line, line.text[:-1] + "1")
    raise LookupError("nothing was delivered")


def level_raised(foreign):
    """A v1 peer is said to have been delivered to."""

    def act(false):
        ids = {each.cast.id for each in false.journals if each.cast.v1 and each.cast.foreign == foreign}
        for send, line, _ in false.picks(check.DELIVERED, reached=check.RELAYED):
            if send.recipient in ids:
                return false.change(line, line.text[:-1] + "2")
        raise LookupError("nothing was relayed to one")

    return act


def foreign_death(false):
    """The vendor's client dies of what it got."""
    cast = next((each for each in false.casts.values() if each.foreign), None)
    if not cast:
        raise LookupError("it did not take part")
    cast.code, cast.killed, cast.errors = 1, False, "RangeError: Invalid WebSocket frame: RSV1 must be clear"


def damaged(false):
    line = false.pick(check.DELIVERED)[2][0][1].line
    false.change(line, line.text.replace(" whole", " damaged"))


def of_nobody(false):
    line = false.pick(check.DELIVERED)[2][0][1].line
    words = line.text.split(" ")
    false.change(line, " ".join([*words[:3], "999999999", *words[4:]]))


def misdirected(false):
    journal, receipt = false.pick(check.DELIVERED)[2][0]
    other = next(each for each in false.journals if each.cast.id != journal.cast.id)
    false.texts[other.name].insert(1, receipt.line.text)


def no_end(false):
    journal = false.journals[0]
    false.change(journal.ended)


def bad_exit(code):
    def act(false):
        false.casts[false.journals[0].name].code = code

    return act


def unasked(false):
    false.casts[false.journals[0].name].asked = False


def left_objects(false):
    line = false.journals[0].ended
    words = line.text.split(" ")
    false.change(line, " ".join([*words[:2], "1", *words[3:]]))


FALSIFICATIONS = [
    ("a delivery is dropped", "lost", dropped),
    ("a failure is turned into delivered", "lost", failure_turned),
    *((f"a delivery is doubled, until {name}", "twice", doubled(level)) for level, name in enumerate(check.LEVELS)),
    ("two deliveries are swapped", "order", swapped(check.DELIVERED)),
    ("two plain payloads are swapped", "order", swapped(check.PLAIN)),
    ("an outcome is dropped", "one outcome", outcome_dropped),
    ("an outcome is doubled", "one outcome", outcome_doubled),
    *((f"an outcome is turned into {status}", "failed and given", outcome_turned(check.DELIVERED, status))
      for status in sorted(check.CERTAIN)),
    ("a plain outcome is turned into EXPIRED", "failed and given", outcome_turned(check.PLAIN, "EXPIRED")),
    ("a relayed one is turned into QUEUE_FULL", "failed and given", outcome_turned(check.RELAYED, "QUEUE_FULL")),
    ("delivered is turned into relayed", "level", level_lowered),
    ("relayed is turned into delivered, of one without receipts", "level", level_raised(foreign=False)),
    ("a plain outcome is turned into UNDETERMINED", "level", outcome_turned(check.PLAIN, "UNDETERMINED")),
    ("a send in peace has failed", "peace", peace_disturbed),
    ("a payload is damaged", "foreign or damaged", damaged),
    ("a payload was sent by nobody", "foreign or damaged", of_nobody),
    ("a payload came to another", "foreign or damaged", misdirected),
    ("a program does not say that it ended", "crash", no_end),
    ("a program is killed by a signal", "crash", bad_exit(-11)),
    ("a program hangs", "crash", bad_exit(None)),
    ("a program ends unasked", "crash", unasked),
    ("a program leaves an object", "crash", left_objects),
]
FOREIGN_FALSIFICATIONS = [
    ("relayed is turned into delivered, of the vendor's client", "level", level_raised(foreign=True)),
    ("the vendor's client dies of what it got", "crash", foreign_death),
]


def falsify(journals):
    false = Falsifier(journals)
    more = [] if vendor_missing() else FOREIGN_FALSIFICATIONS
    for name, rule, act in FALSIFICATIONS + more:
        false.fresh()
        try:
            act(false)
            fine = false.found(rule)
            words = f"found as {rule!r}" if fine else f"not found as {rule!r}"
        except LookupError as error:
            fine, words = False, str(error)
        yield told(name, fine, words)


# --- liars on the line


def calm_round(lies):
    """A round without other faults: (journals, what was wrong with the service)"""
    folder = Path(tempfile.mkdtemp(prefix="chaos-proof-"))
    world = stage.Stage(7, folder, SECONDS, proxies={who: lie.proxy for who, lie in lies.items()}, settings=MAILBOX_OFF)
    journals = stage.play(world, [], SECONDS)
    shutil.rmtree(folder)
    return journals, world.faults


def caught(lie, found):
    """Of its lies those that a violation of its rule shows."""
    shown = set()
    for violation in found:
        if violation.rule == lie.rule:
            for line in violation.evidence:
                words = line.text.split(" ")
                if words[0] == "S":
                    shown.add((line.program, int(words[1])))
                elif words[0] == "R":
                    shown.add((words[2], int(words[3])))
    return [each for each in lie.told if each in shown]


def liars():
    lies = {who: kind() for who, kind in LIES.items() if who != plan.VENDOR or not vendor_missing()}
    journals, _ = calm_round(lies)
    found = check.violations(journals)
    for who, lie in lies.items():
        count = len(caught(lie, found))
        yield told(f"a liar before {who}: {type(lie).__name__}", count > 0, f"{count} of {len(lie.told)} lies found as {lie.rule!r}")


def losses():
    """No violation; and its journals are those that are falsified."""
    journals, faults = calm_round({who: kind() for who, kind in LOSSES.items()})
    found = check.violations(journals)
    report.show(found)
    yield told("lines that lose, repeat, and say what is not believed", not found and not faults, f"{len(found) + len(faults)} violations, of none")
    if not found:
        yield from falsify(journals)


def everything():
    """How many proofs have passed, and how many have failed."""
    results = [*losses(), *liars()]
    return results.count(True), results.count(False)
