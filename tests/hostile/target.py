"""Whom the attacks go against, and what they need to reach it."""

import ipaddress
import os
import socket
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from support import rawws, v1
from support.waiting import eventually

from .honest import anonymous

MIB = 1024 * 1024
# Another address for attackers than that of the honest, where the service is on IPv4: all of 127/8 is this machine.
ELSEWHERE = "127.66.0.1"


class Refused(Exception):
    """This is no URL that the suite attacks."""


def loopback(url):
    """The URL with its host as a literal address. Refused unless that is a loopback address: the suite is for one's own."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"{url}: {error}") from None
    if parts.scheme not in ("ws", "wss") or not host:
        raise Refused(f"{url} is not a ws:// or wss:// URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise Refused(f"{url} has more than a host, a port and a path")
    addresses = _addresses(host)
    for each in addresses:
        if not each.is_loopback:
            raise Refused(f"{host} is not a loopback address: this suite attacks services on this machine alone")
    literal = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    return f"{parts.scheme}://{literal}:{port or (443 if parts.scheme == 'wss' else 80)}{parts.path}"


def _addresses(host):
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    if host != "localhost":
        raise Refused(f"{host} is not a loopback address: this suite attacks services on this machine alone")
    found = socket.getaddrinfo(host, None, socket.AF_UNSPEC, socket.SOCK_STREAM)
    return sorted({ipaddress.ip_address(each[4][0]) for each in found}, key=lambda one: one.version)


class Target:
    """`service` is the program where it is ours, else None. `patience`: seconds that a handshake may take there. Whatever the
    service must do besides, it must do within twice that and `grace`."""

    def __init__(self, url, *, service=None, patience=30.0, seconds=1.0, grace=5.0):
        self.url, self.service, self.patience, self.seconds = url, service, patience, seconds
        self.within = 2 * patience + grace
        self.deadline = 2 * patience + min(grace, 1.0)  # for what must be over by the time that a handshake may take
        self.tls = url.startswith("wss:")
        self.context = anonymous(url)
        ipv4 = urlsplit(url).hostname.startswith("127.")
        self.elsewhere = ELSEWHERE if ipv4 and sys.platform == "linux" else None
        self.made = []

    # --- connections, which last until the attack is over

    def connect(self, *, bare=False, receive_buffer=None, source=None):
        """A connection; `bare`: TCP alone, also where the service speaks TLS."""
        one = rawws.RawSocket(self.url, context=None if bare else self.context, receive_buffer=receive_buffer, source=source)
        self.made.append(one)
        one.socket.settimeout(self.within)
        return one

    def upgraded(self, **how):
        one = self.connect(**how)
        status, _ = one.upgrade()
        if status != 101:
            raise rawws.Gone(False)
        return one

    def accepted(self, identity=None, **how):
        """An accepted client, with its `identity` and `id`."""
        one = self.connect(**how)
        one.identity = one.login(identity)
        one.id = one.identity.id
        return one

    def close(self):
        for one in self.made:
            one.close()
        self.made.clear()

    def drop(self, one):
        one.close()
        self.made.remove(one)

    def newcomer(self, within=5.0):
        """Whether an honest newcomer gets in, in some tries, and is relayed a payload; the seconds that it took."""
        begin = time.monotonic()
        while True:
            one = None
            try:
                one = rawws.RawSocket(self.url, context=self.context)
                one.socket.settimeout(within)
                me = one.login().id
                one.send(v1.frame(v1.PAYLOAD, me, me, b"here"))
                if one.message() == v1.frame(v1.PAYLOAD, me, me, b"here"):
                    return time.monotonic() - begin
            except (rawws.Gone, OSError, AssertionError):
                pass
            finally:
                if one:
                    one.close()
            if time.monotonic() - begin > within:
                return None
            time.sleep(0.02)  # a client's pause between two tries

    # --- a service of ours, seen from its inside

    def value(self, name, **labels):
        """The sum of a figure's samples that have these labels."""
        return self.service.metrics(context=self.context).sum(f"acurast_{name}", **labels)

    def resident(self):
        """(now, peak) of the service's memory in bytes."""
        text = Path(f"/proc/{self.service.pid}/status").read_text()
        found = dict(line.split(":", 1) for line in text.splitlines())
        return tuple(int(found[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))

    def forget_peak(self):
        Path(f"/proc/{self.service.pid}/clear_refs").write_text("5")

    def processor_seconds(self):
        """To the nanosecond, over all threads that there are."""
        total = 0
        for task in os.listdir(f"/proc/{self.service.pid}/task"):
            try:
                total += int(Path(f"/proc/{self.service.pid}/task/{task}/schedstat").read_text().split()[0])
            except OSError:
                pass  # a thread that has just ended
        return total / 1e9

    def is_idle(self):
        begin, spent = time.monotonic(), self.processor_seconds()
        time.sleep(0.04)  # the window in which its work is measured
        return self.processor_seconds() - spent < 0.5 * (time.monotonic() - begin)

    def in_kernel(self):
        """Bytes that wait in the kernel to be read by the service's clients."""
        port = f":{self.service.port:04X}"
        total = 0
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[1].endswith(port):
                total += int(fields[4].split(":")[0], 16)
        return total

    def eventually(self, probe, within=5.0):
        """Whether `probe()` comes true in time."""
        try:
            eventually(probe, deadline=within)
        except AssertionError:
            return False
        return True


def hello():
    """The first bytes of a TLS client."""
    outgoing = ssl.MemoryBIO()
    context = anonymous("wss:")
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
