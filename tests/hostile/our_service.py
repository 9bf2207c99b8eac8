"""Our own service as a target: started with short limits, by itself, in each of the settings in which it is attacked."""

import contextlib
from dataclasses import dataclass

from support import certs, programs

from .target import Target

PATIENCE = 1  # seconds: --handshake-time
LIMITS = {"handshake_time": f"{PATIENCE}s", "drain_time": "1s", "memory": "256MiB", "admin_listen": "127.0.0.1:0"}


@dataclass(frozen=True)
class Setting:
    name: str
    port: str  # "plain" or "tls"
    threads: int

    @contextlib.contextmanager
    def start(self, folder, seconds):
        ours = Ours(self, folder, seconds)
        try:
            yield ours
        finally:
            ours.end()


SETTINGS = (
    Setting("one thread", "plain", 1),
    Setting("two threads", "plain", 2),
    Setting("two threads, TLS", "tls", 2),
)


def suits(attack, setting):
    return setting.port in attack.ports and not (attack.once and setting is SETTINGS[0])


class Ours:
    """The service of a setting, and its stand-ins for the attacks that want options of their own."""

    def __init__(self, setting, folder, seconds):
        self.options = dict(LIMITS, threads=setting.threads)
        denied = folder / "denied.txt"
        denied.write_text("")
        self.options["deny_file"] = denied
        if setting.port == "tls":
            self.options["tls_cert"], self.options["tls_key"], _ = certs.Authority(folder).leaf(rsa_key=True)
        self.seconds = seconds
        self.target = self._start({})

    def _start(self, options):
        service = programs.Service(**{**self.options, **options})
        return Target(service.url, service=service, patience=PATIENCE, seconds=self.seconds)

    @contextlib.contextmanager
    def under(self, options):
        """A target with these options besides. AssertionError where it does not end well."""
        if not options:
            yield self.target
            return
        target = self._start(options)
        try:
            yield target
        except BaseException:
            self._kill(target)
            raise
        end(target)

    def replace(self):
        """After an attack that the service did not survive."""
        self._kill(self.target)
        self.target = self._start({})

    @staticmethod
    def _kill(target):
        target.close()
        if target.service.alive():
            target.service.kill()

    def end(self):
        try:
            end(self.target)
        except AssertionError:
            self._kill(self.target)


def end(target):
    target.close()
    code = target.service.end(deadline=10)
    target.service.check_sanitizers()
    assert code == 0, f"the service ended with {code}: {target.service.stderr[-500:]}"
