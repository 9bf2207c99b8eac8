"""The world of one round: a service, programs, their lines; and what a step of the plan does to them."""

import hashlib
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

from support import certs, v1
from support.programs import SANITIZER, Service, run
from support.proxy import Fault, FaultProxy
from support.waiting import DEADLINE, Late, eventually

from . import plan
from .program import Program, vendor_missing

PEACE = 2  # seconds of sending without a fault at the end
RETURN = 10  # seconds within which everybody has to be connected again
LIVES_MAX = 2  # programs of one key at the same time
ALWAYS = {"max_frame": "64KiB", "drain_time": "500ms", "ping_interval": "1s", "ping_timeout": "2s"}


@dataclass(frozen=True)
class Role:
    delivery: str = "callback"
    v1: bool = False
    sends: bool = False
    foreign: bool = False
    options: dict = field(default_factory=dict)


ROLES = {
    "s1": Role(sends=True),
    "s2": Role("queue", sends=True),
    "sv": Role(sends=True, v1=True),
    "r1": Role(),
    "r2": Role("queue", options={"reconnect-when-replaced": "on"}),
    "r3": Role("queue"),
    "rv": Role(v1=True),
    "b1": Role(sends=True),
    plan.VENDOR: Role(sends=True, v1=True, foreign=True),
}
PAUSE = 1  # seconds between two lives of one that dies by itself
PACES = ((40, 16), (150, 128), (500, 512))  # sends a second, sends without an outcome
NOBODY = "00" * 16  # an id that is never here


class Stage:
    def __init__(self, seed, folder, seconds, proxies=None, settings=None, tls=False, fixed=None):
        self.seed, self.folder, self.seconds = seed, folder, seconds
        self.proxies = proxies or {}  # role -> the class of its lines
        self.done = Counter()
        self.faults = []  # of the service, by itself
        self.port = 1
        self.service, self.stopped, self.killed, self.draining = None, False, False, False
        self.programs = []
        self.present = [who for who in ROLES if who != plan.VENDOR or not vendor_missing()]
        self.identities = {who: v1.Identity(self._secret(who)) for who in self.present}
        self.known = known_options()
        self.authority, self.fixed = None, fixed or {}
        if tls:
            authority = certs.Authority(folder)
            certificate, key, _ = authority.leaf()
            self.authority = authority.file
            self.fixed = self.fixed | {"tls_cert": certificate, "tls_key": key}
        self.start(settings or {})
        for who in self.present:
            self._enter(who)

    def _secret(self, who):
        return hashlib.sha256(f"{self.seed} {who}".encode()).digest()

    def _enter(self, who):
        role = ROLES[who]
        number = 1 + sum(each.role is role for each in self.programs)
        rivals = [each for each in self.programs if each.role is role and each.alive()]
        others = [*plan.RECEIVERS, *plan.BOTH, *({plan.VENDOR} & {*self.present})]
        receivers = [self.identities[other].id.hex() for other in others if other != who]
        seed = int.from_bytes(self._secret(f"{who} {number}")[:6], "big")
        made = Program(
            who, role, f"{who}.{number}", self.identities[who], self.folder, self.port, seed, PACES[seed % len(PACES)],
            to=[*receivers, NOBODY] if role.sends else [],
            life=self.seconds + 3 * DEADLINE, proxy=self.proxies.get(who, FaultProxy),
            authority=self.authority,
        )
        self.programs.append(made)
        if role.sends:
            made.say("send")
        for each in [*rivals, made] if rivals else []:
            each.cast.asked = True  # whichever of them is replaced ends by itself

    def living(self, who):
        return [each for each in self.programs if each.role is ROLES[who] and each.alive() and not each.leaving]

    # --- the steps; each says whether it did anything

    def do(self, step):
        act = getattr(self, "do_" + step.what.replace(" ", "_"), None)
        did = act(step.who, **step.how) if act else self._on_each(step)
        if did:
            self.done[step.what] += 1

    def start(self, settings):
        self._reap_service()
        chosen = {name: value for name, value in (ALWAYS | settings | self.fixed).items() if name.replace("_", "-") in self.known}
        self.service = Service(**chosen)
        self.port, self.stopped = self.service.port, False
        for each in self.programs:
            each.proxy.target = ("127.0.0.1", self.port)

    def do_start(self, _, **settings):
        if self.service.alive() and not self.draining:
            return False
        self.start(settings)
        return True

    def do_kill(self, _):
        if not self.service.alive() or self.draining:
            return False
        self.killed = True
        self.service.process.kill()
        return True

    def do_drain(self, _):
        if not self.service.alive() or self.draining:
            return False
        self.draining = True
        self.do_cont(_)
        self.service.signal(signal.SIGTERM)
        return True

    def do_stop(self, _):
        if self.stopped or self.draining or not self.service.alive():
            return False
        self.stopped = True
        self.service.signal(signal.SIGSTOP)
        return True

    def do_cont(self, _):
        if not self.stopped or not self.service.alive():
            return False
        self.stopped = False
        self.service.signal(signal.SIGCONT)
        return True

    def _reap_service(self):
        """What the service said at its end is a violation where it was not killed."""
        service = self.service
        if not service:
            return
        try:
            code = service.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            service.kill()
            code = None
        if code != (-signal.SIGKILL if self.killed else 0) or not (self.killed or self.draining):
            self.faults.append(f"the service ended with {code}: {service.stderr[-4000:]}")
        elif SANITIZER.search(service.stderr):
            self.faults.append(service.stderr[-4000:])
        self.killed = self.draining = False
        self.service = None

    def _on_each(self, step):
        programs = self.living(step.who)
        for each in programs:
            getattr(self, "each_" + step.what.replace(" ", "_"))(each, **step.how)
        return bool(programs)

    @staticmethod
    def each_cut(program, **how):
        program.proxy.put(Fault(**how))

    @staticmethod
    def each_slow(program, **how):
        program.proxy.default = Fault(**how)
        program.proxy.put(program.proxy.default)

    @staticmethod
    def each_fast(program):
        program.proxy.default = Fault()
        program.proxy.put(Fault())

    @staticmethod
    def each_refuse(program):
        program.proxy.refuse()
        program.proxy.reset()

    @staticmethod
    def each_accept(program):
        program.proxy.accept()

    @staticmethod
    def each_hold_up(program):
        program.proxy.hold_up()

    @staticmethod
    def each_let_up(program):
        program.proxy.let_up()

    @staticmethod
    def each_freeze(program):
        program.freeze()

    @staticmethod
    def each_thaw(program):
        program.thaw()

    @staticmethod
    def each_hold(program):
        program.say("hold")

    @staticmethod
    def each_go(program):
        program.say("go")

    @staticmethod
    def each_kill_program(program, **_):
        program.kill()

    @staticmethod
    def each_leave(program, how):
        program.thaw()
        program.ask_to_end(how)

    def do_takeover(self, who):
        living = self.living(who)
        for each in living[: max(0, len(living) + 1 - LIVES_MAX)]:
            self.each_leave(each, "close")
        self._enter(who)
        return True

    def do_come_back(self, who):
        if self.living(who):
            return False
        self._enter(who)
        return True

    # --- the end

    def look_after(self):
        """A service that has ended by itself is a violation, and the round goes on with another. So it does with the vendor's client."""
        if not self.service.alive() and not self.killed and not self.draining:
            self.start({})
        last = next((each for each in reversed(self.programs) if each.role.foreign), None)
        if last and not last.alive() and not last.cast.asked and not last.cast.killed and last.born + PAUSE < time.monotonic():
            self._enter(last.who)
            self.done["the vendor's client died"] += 1

    def heal(self):
        """After any fault there is a new one of the vendor's client, since it does not tell whether it is connected."""
        self.do_cont("")
        if not self.service.alive() or self.draining:
            self.start({})
        for each in self.programs:
            if each.role.foreign:
                if self.done:
                    each.kill()
            elif each.alive():
                each.proxy.default = Fault()
                each.proxy.accept()
                each.proxy.let_up()
                each.proxy.reset()
                each.thaw()
                each.say("go")
        for who in self.present:
            if not self.living(who):
                self._enter(who)
        self._settle()

    def _settle(self):
        """Whoever has its key for itself gets a connection, and is told that from now on nothing is wrong."""
        alive = [each for each in self.programs if each.alive()]
        settling = [each for each in alive if not each.leaving and sum(each.role is other.role for other in alive) == 1]
        try:
            eventually(lambda: all(each.connected() for each in settling), "everybody's connection", RETURN)
        except Late:
            self.faults += [f"{each.name} does not connect" for each in settling if not each.connected()]
        for each in settling:
            each.cast.settled = each.who not in self.proxies and each.connected()
            each.say("peace")

    def finish(self):
        """Everybody ends, the senders first: the journals."""
        for part in (plan.SENDERS, plan.BOTH, (plan.VENDOR,), plan.RECEIVERS):
            ending = [each for each in self.programs if each.who in part]
            for each in ending:
                if each.alive():
                    each.ask_to_end("finish")
            end = time.monotonic() + DEADLINE
            for each in ending:
                try:
                    each.process.wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    pass
        journals = [each.reap(0.1) for each in self.programs]
        self.programs = []
        self.do_drain("")
        self._reap_service()
        return journals

    def abandon(self):
        """After an error of the driver itself."""
        for each in self.programs:
            each.process.kill()
            each.reap(DEADLINE)
        if self.service and self.service.alive():
            self.service.kill()


def known_options():
    shown = run("acurast-service", "--help").stdout
    return {word[2:] for word in shown.split() if word.startswith("--")}


def play(stage, steps, seconds):
    """The plan, then peace, then the end: the journals."""
    begin = time.monotonic()
    try:
        for step in steps:
            time.sleep(max(0, begin + step.at - time.monotonic()))
            stage.look_after()
            stage.do(step)
        time.sleep(max(0, begin + seconds - time.monotonic()))
        stage.look_after()
        stage.heal()
        time.sleep(PEACE)
        return stage.finish()
    except BaseException:
        stage.abandon()
        raise
