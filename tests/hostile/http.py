"""Before the websocket: HTTP that nobody should send."""

from support import rawws

from .suite import HeldNot, NotApplicable, attack, check
from .target import hello
from .tools import mib, pour, read_all

ONE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BEHIND = {
    "67 bytes with two bodies": b"GET / HTTP/1.1\nContent-Length:1\n\nxGET / HTTP/1.1\nContent-Length:1\n\n",
    "three pages": ONE * 3,
    "POST with a body, three times": b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" * 3,
    "HEAD, then a page": b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + ONE,
    "a chunked body": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" + ONE,
    "a refused upgrade": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx" * 3,
    "two lengths": b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 70\r\n\r\nx" + ONE,
    "a negative length": b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n" + ONE,
    "half of the second": ONE + b"GET / HT",
}


@attack(
    "second request",
    "two HTTP requests in one packet, with bodies, chunks and lengths that contradict",
    ports=("plain", "tls"),
)
def second_request(target):
    answers = 0
    for name, data in BEHIND.items():
        one = target.connect()
        one.write(data)
        answers += read_all(one, name).count(b"HTTP/1.")
        check(target.newcomer() is not None, f"{name}: no newcomer gets in")
    return f"{answers} answers, {len(BEHIND)} ends"


@attack("request byte by byte", "the same packets, cut at every byte")
def sliced(target):
    for name, data in BEHIND.items():
        one = target.connect()
        try:
            for at in range(len(data)):
                one.write(data[at : at + 1])
        except rawws.Gone:
            continue
        read_all(one, name)
    return f"{len(BEHIND)} ends"


HUGE = {
    "a header of 1 MB": {"X-Large": "a" * 1_000_000},
    "5,000 headers": {f"X-{number}": "b" * 100 for number in range(5000)},
    "a host of 20 kB": {"Host": "h" * 20_000},
    "a cookie of 100 kB": {"Cookie": "c" * 100_000},
}


@attack("giant headers", "headers that are large, many, or both, and a path of 200 kB")
def giant_headers(target):
    refused = 0
    for name, headers in {**HUGE, "a path": {}}.items():
        one = target.connect()
        path = "/" if headers else "/" + "p" * 200_000
        try:
            one.request("GET", path, {**one.upgrade_headers(), **headers})
            status, _ = one.answer()
        except (rawws.Gone, AssertionError):
            refused += 1
            continue
        except TimeoutError:
            raise HeldNot(f"{name}: neither an answer nor an end") from None
        check(status >= 400, f"{name}: answered {status}")
        refused += 1
    return f"{refused} refused"


ENDLESS = {
    "a line": (b"GET /", b"x" * 65536),
    "a header": (b"GET / HTTP/1.1\r\nX-Endless: ", b"y" * 65536),
    "headers": (b"GET / HTTP/1.1\r\n", b"X-Again: z\r\n" * 5000),
    "a body": (b"POST / HTTP/1.1\r\nContent-Length: 1099511627776\r\n\r\n", bytes(65536)),
    "a body behind a page": (b"GET / HTTP/1.1\r\nContent-Length: 1099511627776\r\n\r\n", bytes(65536)),
}


@attack("endless request", "a line, a header, headers and bodies without an end, as fast as they are taken", noisy=True)
def endless_request(target):
    seconds, most = max(target.seconds / len(ENDLESS), 0.2), 0
    for name, (head, more) in ENDLESS.items():
        one = target.connect()
        one.write(head)
        taken, still = pour({one: more}, seconds, reads=False)
        most = max(most, taken[one])
        check(not still or taken[one] < 32 * 2**20, f"{name}: the service took {mib(taken[one])} and asked for more")
    return f"took {mib(most)} of one at most"


NOISE = {
    "zeros": bytes(3000),
    "ones": b"\xff" * 5000,
    "empty lines": b"\r\n" * 1000,
    "no version": b"GET /\r\n\r\n",
    "version 9.9": b"GET / HTTP/9.9\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    "a proxy's CONNECT": b"CONNECT elsewhere.example:443 HTTP/1.1\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"EHLO there\r\n",
    "a websocket frame": rawws.RawSocket.encode(bytes(40)),
}


@attack("not HTTP", "other protocols, other versions and broken lines, each followed by an end", ports=("plain", "tls"))
def not_http(target):
    for name, data in NOISE.items():
        one = target.connect()
        try:
            one.write(data)
            one.finish()
        except rawws.Gone:
            continue
        answer = read_all(one, name)
        check(b" 101 " not in answer[:32], f"{name}: upgraded")
    return f"{len(NOISE)} ends"


WRONG = {
    "version 7": {"Sec-WebSocket-Version": "7"},
    "version 14": {"Sec-WebSocket-Version": "14"},
    "no version": {"Sec-WebSocket-Version": None},
    "no key": {"Sec-WebSocket-Key": None},
    "a short key": {"Sec-WebSocket-Key": "eA=="},
    "no upgrade": {"Connection": "close"},
    "HTTP/2": {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"},
}


@attack("wrong upgrade", "upgrades by POST, without a key or version, with a wrong one, and to other protocols")
def wrong_upgrade(target):
    for name, headers in {**WRONG, "POST": {}}.items():
        one = target.connect()
        one.request("GET" if headers else "POST", "/", {**one.upgrade_headers(), **headers})
        try:
            status, _ = one.answer()
        except (rawws.Gone, AssertionError):
            continue
        except TimeoutError:
            raise HeldNot(f"{name}: neither an answer nor an end") from None
        check(status != 101, f"{name}: upgraded")
    return f"{len(WRONG) + 1} refused"


@attack("TLS on a plain port", "TLS greetings, whole, cut and repeated")
def tls_on_plain(target):
    if target.tls:
        raise NotApplicable("this port speaks TLS")
    greeting = hello()
    greetings = {"whole": greeting, "cut": greeting[:100], "five": greeting * 5, "a record": b"\x16\x03\x01\xff\xff"}
    for name, data in greetings.items():
        one = target.connect()
        try:
            one.write(data)
            one.finish()
        except rawws.Gone:
            continue
        read_all(one, name)
    return f"{len(greetings)} ends"
