"""Before and beneath the websocket: TLS."""

import itertools
import os
import random
import socket
import ssl
import time

from support import rawws

from .honest import anonymous
from .suite import HeldNot, NotApplicable, attack, check
from .target import hello
from .tools import read_all

HELLOS = 300


def needs_tls(target):
    if not target.tls:
        raise NotApplicable("this port speaks no TLS")


def noise(seed, greeting):
    """Something that is no TLS, or is no more."""
    random_ = random.Random(seed)
    data = random_.randbytes(random_.randrange(1, 600))
    kind = seed % 4
    if kind == 0:
        return data
    if kind == 1:
        return b"\x16\x03\x01" + len(data).to_bytes(2, "big") + data
    if kind == 2:
        return bytes([random_.choice([20, 21, 22, 23, 24])]) + b"\x03\x03\x40\x00" + data
    spoilt = bytearray(greeting)
    spoilt[random_.choice((0, 3, 4, 5, 6, 7, 8))] ^= 1 << random_.randrange(8)  # a type or a length: else it is a greeting still
    return bytes(spoilt)


def make_noise(target, seconds, now_and_then=lambda: None):
    greeting, end = hello(), time.monotonic() + seconds
    for count in itertools.count():
        if time.monotonic() > end:
            return count
        try:
            one = target.connect(bare=True)
            one.write(noise(count, greeting))
            one.reset() if count % 3 else one.close()
        except (rawws.Gone, OSError):
            pass
        target.made.clear()
        if count % 50 == 0:
            now_and_then()


@attack("noise on a TLS port", "random bytes, broken records, greetings with a bit changed", ports=("tls",), noisy=True)
def noise_on_tls(target):
    needs_tls(target)
    return f"{make_noise(target, target.seconds)} connections"


@attack(
    "noise on a TLS port and SIGHUPs",
    "the same while the certificate is read again and again",
    ports=("tls",), own=True, noisy=True,
)
def noise_and_reloads(target):
    reloads = itertools.count()

    def reload():
        next(reloads)
        target.service.reload()

    count = make_noise(target, target.seconds, reload)
    return f"{count} connections, {next(reloads)} SIGHUPs"


@attack("plain text on a TLS port", "an upgrade, a page and a session without TLS", ports=("tls",))
def plain_on_tls(target):
    needs_tls(target)
    for name, data in {"a page": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "zeros": bytes(3000)}.items():
        one = target.connect(bare=True)
        try:
            one.write(data)
            one.finish()
        except rawws.Gone:
            continue
        check(b" 101 " not in read_all(one, name)[:32], f"{name}: upgraded without TLS")
    one = target.connect(bare=True)
    try:
        one.request("GET", "/", one.upgrade_headers())
        check(one.answer()[0] != 101, "upgraded without TLS")
    except (rawws.Gone, AssertionError):
        pass
    return "3 refused"


@attack(
    "greetings at once",
    f"{HELLOS} TLS greetings in one moment, to a service of one thread",
    ports=("tls",), threads=1,
)
def greetings(target):
    needs_tls(target)
    crowd = [(target.connect(bare=True, source=target.elsewhere), hello()) for _ in range(HELLOS)]
    for one, data in crowd:
        try:
            one.write(data)
        except rawws.Gone:
            pass
    answered = 0
    for one, _ in crowd:
        try:
            answered += bool(one.read(1))
        except (rawws.Gone, TimeoutError):
            pass
    return f"{answered} answered"


@attack(
    "greeting flood",
    "TLS greetings from connections that never go on, as many as go",
    ports=("tls",), noisy=True, threads=1,
)
def greeting_flood(target):
    needs_tls(target)
    greeting, end = hello(), time.monotonic() + target.seconds
    for count in itertools.count():
        if time.monotonic() > end:
            return f"{count} greetings"
        try:
            target.connect(bare=True, source=target.elsewhere).write(greeting)
        except (rawws.Gone, OSError):
            pass
        while len(target.made) > HELLOS:
            target.drop(target.made[0])


@attack("broken records", "records that do not decrypt, within an accepted connection", ports=("tls",))
def broken_records(target):
    needs_tls(target)
    for data in (b"\x17\x03\x03\x00\x20" + os.urandom(32), b"\x17\x03\x03\xff\xff" + os.urandom(1000), os.urandom(600)):
        one = target.accepted()
        with socket.socket(fileno=os.dup(one.socket.fileno())) as below:
            below.sendall(data)
        try:
            one.closed()
        except TimeoutError:
            raise HeldNot("a record that does not decrypt leaves the connection open") from None
    return "3 ended"


WEAK = {
    "no forward secrecy": "kRSA",
    "no authenticated encryption": "ECDHE+AES:!AESGCM:!AESCCM",
    "no encryption": "eNULL",
    "nobody's certificate": "aNULL",
}


@attack(
    "weak cipher suites",
    "TLS 1.2 with nothing but suites without forward secrecy, or without authenticated encryption",
    ports=("tls",),
)
def weak_suites(target):
    needs_tls(target)
    accepted = []
    for name, ciphers in WEAK.items():
        context = anonymous(target.url)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(ciphers + ":@SECLEVEL=0")
            one = rawws.RawSocket(target.url, context=context)
        except (ssl.SSLError, OSError):
            continue
        accepted.append(f"{name} ({one.socket.cipher()[0]})")
        one.close()
    check(not accepted, f"spoken: {', '.join(accepted)}")
    return f"{len(WEAK)} refused"
