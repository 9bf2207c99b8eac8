"""What several attacks do: pour bytes, dribble them, look how a connection ends."""

import select
import ssl
import time

from support import rawws, v1

from .suite import HeldNot, check

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def payload(sender, recipient, body=b""):
    """The bytes of a payload as a client writes them."""
    return rawws.RawSocket.encode(v1.frame(v1.PAYLOAD, sender, recipient, body))


def pour(flows, seconds, *, reads=True, during=lambda: None, pace=0):
    """Writes to each socket its bytes again and again for so long, as fast as they are taken, whole or in part. `flows` is
    {RawSocket: bytes}. Returns ({RawSocket: bytes taken}, the sockets that are still open). `reads`: whatever comes is
    thrown away. `during()` is called about every 20 ms. `pace`: seconds after which each gets its bytes once more."""
    taken, left = dict.fromkeys(flows, 0), dict(flows)
    poll, by_number = select.poll(), {each.socket.fileno(): each for each in flows}
    for number, each in by_number.items():
        each.socket.setblocking(False)
        poll.register(number, select.POLLOUT | (select.POLLIN if reads else 0))
    end, tick = time.monotonic() + seconds, 0.0
    while left and time.monotonic() < end:
        for number, what in poll.poll(20):
            each = by_number[number]
            if not _pour_once(each, left[each], taken, what & select.POLLIN):
                poll.unregister(number)
                del left[each]
        time.sleep(pace)
        if time.monotonic() >= tick:
            during()
            tick = time.monotonic() + 0.02
    for each in left:
        each.socket.settimeout(10)
    return taken, list(left)


def _pour_once(one, data, taken, readable):
    """False where the connection is over."""
    try:
        if readable and not one.socket.recv(262144):
            return False
    except WOULD_BLOCK:
        pass
    except OSError:
        return False
    try:
        at = taken[one] % len(data)
        taken[one] += one.socket.send(memoryview(data)[at:])
    except WOULD_BLOCK:
        pass
    except OSError:
        return False
    return True


def has_ended(one):
    """Whether the peer has ended this connection, or closed its websocket. What comes else is thrown away."""
    try:
        one.take_in()
    except (rawws.Gone, OSError):
        return True
    if not one.is_websocket:
        one.buffer.clear()
    while one.is_whole():
        opcode, _ = one.frame()
        if opcode == rawws.CLOSE:
            return True
    return False


def dribble(slots, within):
    """`slots` is {name: (RawSocket, bytes to send now and then)}. All of them must be over in time, whatever is sent."""
    begin = time.monotonic()
    left, longest = dict(slots), 0.0
    while left:
        for name, (one, drops) in list(left.items()):
            if has_ended(one):
                longest = time.monotonic() - begin
                del left[name]
            elif drops:
                _drop(one, drops)
        if time.monotonic() - begin > within:
            break
        time.sleep(0.05)  # the pace of the dribble
    check(not left, f"still open after {within:.1f} s: {', '.join(left)}")
    return longest


def _drop(one, drops):
    try:
        one.write(drops() if callable(drops) else drops)
    except (rawws.Gone, OSError):
        pass  # seen at the next look


def must_end(one, data, name, *, closes=None):
    """Writes `data`; the service must end the connection, with one of the codes `closes` where they are given."""
    try:
        one.write(data)
        closed = one.closed()
    except rawws.Gone:
        return
    except TimeoutError:
        raise HeldNot(f"{name}: the connection stays open") from None
    check(not closes or closed.code is None or closed.code in closes, f"{name}: closed with {closed.code}")


def read_all(one, name):
    """What the service answers until it ends the connection."""
    try:
        return one.read_to_end()
    except TimeoutError:
        raise HeldNot(f"{name}: the connection stays open") from None


def nothing_for(one, words):
    """Nothing must have been relayed to this client: what it sends to itself now is what it gets first."""
    one.write(payload(one.id, one.id, b"barrier"))
    got = v1.Frame.parse(one.message())
    check((got.sender, got.body) == (one.id, b"barrier"), words)


def mib(count):
    return f"{count / 2**20:.1f} MiB"
