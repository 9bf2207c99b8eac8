"""TLS by one thread alone.

A TLS connection must not be read and written by two threads at once, which is what the synchronous `websockets` client
does before Python 3.13. So it speaks plainly to one end of a socket pair, and a single thread here carries bytes between
the other end and the TLS socket.
"""

import select
import socket
import ssl
import threading


def connect(host, port, context):
    """A plain socket on which to talk with the TLS service. Fails as the TLS handshake does."""
    sealed = context.wrap_socket(socket.create_connection((host, port), timeout=30), server_hostname=host)
    sealed.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ours, theirs = socket.socketpair()
    for end in (sealed, ours):
        end.setblocking(False)
    threading.Thread(target=_carry, args=(sealed, ours), daemon=True).start()
    return theirs


def _take(source):
    """Some bytes, none for the end, None where there is nothing yet."""
    try:
        return source.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def _give(sink, data):
    """What is left of `data`."""
    try:
        return data[sink.send(data) :]
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return data


def _carry(sealed, ours):
    up = down = b""
    try:
        while True:
            if not up:
                up = _take(ours)
                if up == b"":
                    return
            if not down:
                down = _take(sealed)
                if down == b"":
                    return
            before = len(up or b"") + len(down or b"")
            up = _give(sealed, up) if up else b""
            down = _give(ours, down) if down else b""
            if len(up) + len(down) < before or sealed.pending():
                continue
            readers = [end for end, waiting in ((ours, up), (sealed, down)) if not waiting] or [sealed]
            writers = [end for end, waiting in ((sealed, up), (ours, down)) if waiting]
            select.select(readers, writers, [])
    except OSError:
        pass
    finally:
        sealed.close()
        ours.close()
