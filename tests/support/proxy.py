"""A TCP proxy that does what networks do: delay, throttle, slice, cut, reset, and fall silent.

Each connection takes the next fault of the list given, then `default`, and a fault can be put on those that stand.
Two threads a connection.
"""

import socket
import struct
import threading
import time
from dataclasses import dataclass, replace

UP, DOWN = "up", "down"


@dataclass(frozen=True)
class Fault:
    delay: float = 0  # seconds before each piece
    rate: float = 0  # bytes a second; 0: as fast as it goes
    slice: int = 0  # bytes in one write; 0: as they come
    cut_up: int | None = None  # ends the connection after so many bytes towards the service
    cut_down: int | None = None  # and towards the client
    how: str = "fin"  # fin, rst, hole: silence without an end, or drop: silence of this way alone


class _Link:
    """One proxied connection."""

    def __init__(self, proxy, client, fault):
        self.proxy, self.client, self.fault = proxy, client, fault
        self.service = None
        self.hole = threading.Event()
        self.over = threading.Event()
        self.counts = {UP: 0, DOWN: 0}

    def run(self):
        try:
            self.service = socket.create_connection(self.proxy.target, timeout=30)
            for end in (self.client, self.service):  # fails where the proxy was closed in the meantime
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self._close()
            return
        other = threading.Thread(target=self._pump, args=(self.service, self.client, DOWN), daemon=True)
        other.start()
        self._pump(self.client, self.service, UP)
        other.join()
        self._close()

    def put(self, fault):
        """From now on; the bytes of its cuts are counted from here."""
        up, down = (None if cut is None else cut + self.counts[way] for way, cut in ((UP, fault.cut_up), (DOWN, fault.cut_down)))
        self.fault = replace(fault, cut_up=up, cut_down=down)

    def _pump(self, source, sink, way):
        try:
            while True:
                limit = self.fault.cut_up if way == UP else self.fault.cut_down
                if limit is not None and self.counts[way] >= limit:
                    self._end(source)
                    return
                if way == UP and not self.proxy.up.is_set():
                    self.proxy.up.wait()
                data = source.recv(65536)
                if not data:
                    break
                limit = self.fault.cut_up if way == UP else self.fault.cut_down
                if limit is not None:
                    data = data[: max(limit - self.counts[way], 0)]
                self._pass(data, sink)
                self.counts[way] += len(data)
        except OSError:
            pass
        self._shutdown(sink)

    def _pass(self, data, sink):
        fault = self.fault
        size = fault.slice or len(data) or 1
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            if fault.delay:
                time.sleep(fault.delay)
            if fault.rate:
                time.sleep(len(piece) / fault.rate)
            if self.hole.is_set():
                self.over.wait()
                return
            sink.sendall(piece)

    def _end(self, source):
        if self.fault.how == "hole":
            self.hole.set()
            self.over.wait()
        elif self.fault.how == "drop":
            while source.recv(65536):
                pass
        elif self.fault.how == "rst":
            self.reset()
        else:
            self._close()

    def reset(self):
        for end in (self.client, self.service):
            if end is None:
                continue
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        self._close()

    def _shutdown(self, end):
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _close(self):
        self.over.set()
        for end in (self.client, self.service):
            if end is None:
                continue
            try:  # wakes the thread that reads from it
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class FaultProxy:
    link = _Link

    def __init__(self, port, faults=(), default=Fault(), host="127.0.0.1", receive_buffer=None):
        self.target = (host, port)
        self.up = threading.Event()
        self.up.set()
        self.refusing = False
        self.faults = list(faults)
        self.default = default
        self.links = []
        self.stopped = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            fault = self.faults.pop(0) if self.faults else self.default
            link = self.link(self, client, fault)
            self.links = [each for each in self.links if not each.over.is_set()] + [link]
            threading.Thread(target=link.run, daemon=True).start()

    def hold_up(self):
        """Reads no more of what goes up: the clients feel it as full sockets."""
        self.up.clear()

    def let_up(self):
        self.up.set()

    def refuse(self):
        """New connections are ended at once."""
        self.refusing = True

    def accept(self):
        self.refusing = False

    def put(self, fault):
        """On the present connections."""
        for link in self.links:
            link.put(fault)

    def blackhole(self):
        """From now on nothing of the present connections gets through, and nothing ends."""
        for link in self.links:
            link.hole.set()

    def reset(self):
        for link in self.links:
            link.reset()

    def close(self):
        self.stopped.set()
        self.up.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join()
        for link in self.links:
            link._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
