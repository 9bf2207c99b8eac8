"""Where an attack meets a service: the bystanders are set out, the attack is mounted, the harm is looked at."""

import time

from .honest import Bystanders
from .suite import HeldNot, NotApplicable, Verdict
from .target import MIB

TRIES = 3  # where nothing but the bystanders' delay was bad: a busy machine looks the same
BROKE_OFF = "broke off"  # what a service sends may be more than an attack has a name for
SLACK = 64 * MIB  # of the process, above its limits


class Field:
    """`ours`: where the service is ours, with its options; else None."""

    def __init__(self, target, ours=None):
        self.target, self.ours = target, ours
        self.bystanders = Bystanders()
        self.bound = None
        self.lost = ""  # the attack after which a service that is not ours was gone

    def __enter__(self):
        try:
            self.bound = max(10 * self._calm(), 0.05)
        except BaseException:
            self.bystanders.close()
            raise
        return self

    def __exit__(self, *_):
        self.bystanders.close()

    def _calm(self):
        """The bystanders' p99 while nobody attacks."""
        self.bystanders.meet(self.target.url)
        self.bystanders.begin()
        time.sleep(0.5)  # the window that is measured
        seen = self.bystanders.end()
        if seen.fault:
            raise ConnectionError(f"without any attack, {seen.fault}")
        return seen.p99

    def mount(self, attack):
        if attack.own and not self.ours:
            return Verdict(Verdict.NOT_APPLICABLE, "needs a service of ours, with its settings, figures or process")
        if self.lost:
            return Verdict(Verdict.NOT_APPLICABLE, f"the service is not there any more, since {self.lost}")
        for _ in range(TRIES):
            result, late = self._once(attack)
            if not late:
                break
        return result

    def _once(self, attack):
        """(the verdict, whether nothing but a delay spoke against the service)"""
        if not self.ours:
            judged = self._judge(attack, self.target)
            if judged[0].verdict == Verdict.HELD_NOT and self.target.newcomer(within=self.target.patience) is None:
                self.lost = attack.name
            return judged
        try:
            with self.ours.under(attack.options) as target:
                judged = self._judge(attack, target)
        except Exception as error:
            judged = Verdict(Verdict.HELD_NOT, f"{BROKE_OFF}: {type(error).__name__}: {error}"), False
        if not attack.options:
            self._stand_up()
        return judged

    def _stand_up(self):
        """The next attack gets a service that works."""
        target = self.ours.target
        if not target.service.alive() or target.newcomer() is None:
            self.ours.replace()

    def _judge(self, attack, target):
        faults, words, late = [], "", False
        try:
            self.bystanders.meet(target.url)
        except ConnectionError as error:
            return Verdict(Verdict.HELD_NOT, f"before the attack, {error}"), False
        before = Before(target) if target.service else None
        self.bystanders.begin()
        try:
            words = attack.act(target)
        except NotApplicable as reason:
            self.bystanders.end()
            target.close()
            return Verdict(Verdict.NOT_APPLICABLE, str(reason)), False
        except HeldNot as error:
            faults.append(str(error))
        except Exception as error:
            faults.append(f"{BROKE_OFF}: {type(error).__name__}: {error}")
        seen = self.bystanders.end()
        target.close()
        self.bystanders.part()
        faults += self._harm(target, seen, before)
        delay = f"bystanders' p99 {seen.p99 * 1000:.1f} ms"
        if not faults and seen.p99 > self.bound:
            late = True
            faults.append(f"{delay}, more than {self.bound * 1000:.0f} ms; the worst {seen.worst * 1000:.0f} ms")
        if faults:
            return Verdict(Verdict.HELD_NOT, "; ".join(faults)), late
        return Verdict(Verdict.HELD, f"{words}; {delay}"), False

    def _harm(self, target, seen, before):
        if seen.fault:
            yield seen.fault
        if target.service and not target.service.alive():
            yield f"the service died: {target.service.stderr[-300:]}"
        elif target.newcomer() is None:
            yield "afterwards no newcomer got in within 5 s"
        elif before:
            yield from before.compare()


class Before:
    """The figures of a service of ours before an attack, and what they must be again after it."""

    def __init__(self, target):
        self.target = target
        target.forget_peak()
        self.resident, _ = target.resident()
        self.descriptors = target.service.descriptors()

    def compare(self):
        target = self.target
        # A connection that was paused for its rate is read to its end.
        if not target.eventually(lambda: target.service.descriptors() <= self.descriptors, within=15):
            yield f"{target.service.descriptors()} descriptors, and {self.descriptors} before"
        if not target.eventually(lambda: target.value("connections_pending") == 0):
            yield f"{target.value('connections_pending'):.0f} slots of pending connections are still taken"
        if not target.eventually(target.is_idle):
            yield "a processor is kept busy although nobody attacks any more"
        _, peak = target.resident()
        if peak > self.resident + 256 * MIB + SLACK:
            yield f"the process grew from {self.resident / MIB:.0f} to {peak / MIB:.0f} MiB"
