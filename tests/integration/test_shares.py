"""Who sends too much pays; the recipient does not, and neither do others. What waits is bounded wherever it is."""

import math
import os
import threading
import time

import pytest

from support import rawws, v1
from support.waiting import eventually

MIB = 1024 * 1024
RATE = 2 * MIB  # bytes a second that the recipient reads
TICK = 0.02  # seconds: what has come is read so often, as over a link with that delay


def login(url, source=None, **options):
    socket = rawws.RawSocket(url, source=source, **options)
    socket.identity = socket.login()
    return socket


def payload(sender, recipient, body):
    return rawws.RawSocket.encode(v1.frame(v1.PAYLOAD, sender.identity.id, recipient.identity.id, body))


class Reader(threading.Thread):
    """Reads as over a slow link, and notes how old the honest messages are: their bodies begin with the time of sending."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.socket = login(url, receive_buffer=32 * 1024)
        self.identity = self.socket.identity
        self.ages, self.running, self.broken = [], True, None

    def run(self):
        self.socket.socket.setblocking(False)
        tick, room = time.monotonic(), 0
        while self.running and not self.broken:
            tick += TICK
            time.sleep(max(0, tick - time.monotonic()))
            room = min(room, 0) + RATE * TICK
            while room > 0 and (size := self.read_some()):
                room -= size

    def read_some(self):
        """Reads what has come, about 4 KiB of it; the number of bytes."""
        before = len(self.socket.buffer)
        try:
            self.socket.fill(4096)
        except (BlockingIOError, rawws.Gone) as error:
            self.broken = None if isinstance(error, BlockingIOError) else error
            return 0
        size = len(self.socket.buffer) - before
        while frame := self.whole_frame():
            if frame[v1.HEADER : v1.HEADER + 1] == b"t":
                self.ages.append(time.monotonic() - int(frame[v1.HEADER + 1 : v1.HEADER + 21]) / 1e9)
        return size

    def whole_frame(self):
        """The payload of the next frame, if all of it has come. All are of 126 bytes to 64 KiB."""
        buffer = self.socket.buffer
        if len(buffer) < 4:
            return None
        assert buffer[0] == 0x80 | rawws.BINARY and buffer[1] == 126, buffer[:4]
        size = 4 + int.from_bytes(buffer[2:4], "big")
        return self.socket._take(size)[4:] if len(buffer) >= size else None


class Flood(threading.Thread):
    """Sends 16 KiB frames from each of its sockets as fast as they are taken."""

    def __init__(self, sockets, recipient):
        super().__init__(daemon=True)
        self.frames = [(one, payload(one, recipient, bytes(16 * 1024))) for one in sockets]
        self.running = True
        for one in sockets:
            one.socket.setblocking(False)

    def run(self):
        rest = {one: b"" for one, _ in self.frames}
        while self.running:
            sent = 0
            for one, frame in self.frames:
                try:
                    data = rest[one] or frame
                    taken = one.socket.send(data)
                    rest[one] = data[taken:]
                    sent += taken
                except BlockingIOError:
                    continue
            if not sent:
                time.sleep(0.001)


def measure(reader, honest, seconds):
    """100 senders take half of what the recipient reads, each 1 % of that: 10,000 bytes a second, ten of them at a time. The ages in order."""
    before, sent = len(reader.ages), 0
    tick, end = time.monotonic(), time.monotonic() + seconds
    while tick < end:
        for _ in range(len(honest) // 10):
            one = honest[sent % len(honest)]
            one.write(payload(one, reader, b"t%020d" % time.monotonic_ns() + bytes(10_000)))
            sent += 1
        tick += 0.1
        time.sleep(max(0, tick - time.monotonic()))
    eventually(lambda: reader.broken or len(reader.ages) == before + sent, "all honest messages")
    assert not reader.broken, f"the recipient was ended: {reader.broken}"
    return sorted(reader.ages[before:])


# What is promised. It is no promise of a service under a sanitizer, which is several times slower where it is busy, and as slow as ever
# where it is not: there the flood runs for what the sanitizer finds, and for what must not be dropped or closed.
TIMES_SLOWER = math.inf if {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ) else 3


def percentile(ages, share):
    return ages[int(len(ages) * share)]


@pytest.mark.alone
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("keys", [1, 300])
def test_honest_senders_do_not_notice_a_flood(service, record_property, keys, threads):
    """One flooder, or 300 keys of one address, against a recipient that reads 2 MiB a second."""
    one = service(threads=threads)
    honest = [login(one.url, f"127.0.1.{number + 1}") for number in range(100)]
    flooders = [login(one.url, "127.0.2.1") for _ in range(keys)]
    reader = Reader(one.url)
    reader.start()
    quiet = measure(reader, honest, 3)
    flood = Flood(flooders, reader)
    flood.start()
    try:
        eventually(lambda: one.metrics().value("acurast_share_pauses_total") > 0, "the flooder to be paused")
        loud = measure(reader, honest, 5)
    finally:
        flood.running = reader.running = False
        flood.join()
        reader.join()
    for name, ages in (("quiet", quiet), ("loud", loud)):
        record_property(name, f"p50 {percentile(ages, 0.5) * 1e3:.1f} ms, p99 {percentile(ages, 0.99) * 1e3:.1f} ms")
    print(f"keys={keys} threads={threads}: p99 {percentile(quiet, 0.99) * 1e3:.1f} -> {percentile(loud, 0.99) * 1e3:.1f} ms")
    metrics = one.metrics()
    assert metrics.sum("acurast_dropped_frames_total", reason="slow_reader") == 0
    assert metrics.sum("acurast_closed_connections_total") == 0
    assert metrics.value("acurast_ids") == 101 + keys
    assert percentile(loud, 0.99) <= TIMES_SLOWER * percentile(quiet, 0.99)
    for socket in [*honest, *flooders, reader.socket]:
        socket.close()


def test_four_large_frames_close_nobody(service):
    """Four frames of 16 MiB from a fresh key, to a recipient that reads at its own pace; what honest senders send comes through."""
    one = service()
    honest, stranger = login(one.url, "127.0.1.1"), login(one.url, "127.0.2.1")
    with rawws.RawSocket(one.url, receive_buffer=64 * 1024) as recipient:
        recipient.identity = recipient.login()
        large = payload(stranger, recipient, bytes(16 * MIB - 33))
        sending = threading.Thread(target=lambda: [stranger.write(large) for _ in range(4)], daemon=True)
        sending.start()
        eventually(lambda: one.metrics().value("acurast_share_pauses_total") > 0, "the stranger to be paused")
        for number in range(100):
            honest.write(payload(honest, recipient, b"honest %03d" % number))
        honest.write(payload(honest, honest, b"all of it"))
        honest.message()
        sizes = []
        while len(sizes) < 100:
            message = recipient.message()
            if message[1:17] == honest.identity.id:
                assert message[33:] == b"honest %03d" % len(sizes)
                sizes.append(len(message))
        assert one.metrics().sum("acurast_closed_connections_total") == 0
    sending.join(10)
    honest.close()
    stranger.close()


# --- what waits is bounded, wherever it is


@pytest.mark.parametrize("threads", [1, 4])
def test_the_send_buffer_holds_between_threads(service, threads):
    """Several recipients that read nothing, each on whichever thread; each sender sends 16 MiB where 1 MiB may wait."""
    one = service(threads=threads, send_buffer="1MiB", rate_bytes=0, rate_messages=0)
    pairs = [(login(one.url, f"127.0.1.{n + 1}"), login(one.url, f"127.0.2.{n + 1}", receive_buffer=8192)) for n in range(8)]
    peak = 0
    for sender, recipient in pairs:
        sender.socket.setblocking(False)
        recipient.sent = 0
    end = time.monotonic() + 30
    while time.monotonic() < end and any(recipient.sent < 16 * MIB for _, recipient in pairs):
        for sender, recipient in pairs:
            frame = getattr(sender, "rest", b"") or payload(sender, recipient, bytes(65_000))
            try:
                taken = sender.socket.send(frame)
            except BlockingIOError:
                continue
            sender.rest = frame[taken:]
            recipient.sent += taken
        peak = max(peak, one.metrics().value("acurast_buffer_bytes"))
    assert all(recipient.sent >= 16 * MIB for _, recipient in pairs), "a sender is paused for ever"
    assert peak < len(pairs) * 1.5 * MIB  # with the kernel's, and what each sender has half sent
    assert one.metrics().value("acurast_ids") == 16
    for sender, recipient in pairs:
        sender.close()
        recipient.close()


def kernel_bytes(port, silent):
    """What the kernel has to send on the service's side of the connections to these sockets."""
    ports = {one.socket.getsockname()[1] for one in silent}
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            local, remote, state, queues = line.split()[1:5]
            if int(local.split(":")[1], 16) == port and int(remote.split(":")[1], 16) in ports and state == "01":
                total += int(queues.split(":")[0], 16)
    return total


def test_the_kernels_buffers_are_bounded(service, client):
    """60 recipients that read nothing, each sent 2 MiB, by one sender that waits five seconds for all of them together."""
    one = service(rate_bytes=0, rate_messages=0, send_buffer="4MiB", memory="1GiB")
    sender = client(one.url)
    silent = [login(one.url, receive_buffer=4096) for _ in range(60)]
    for _ in range(128):
        for recipient in silent:
            sender.send(recipient.identity.id, bytes(16 * 1024))
    sender.barrier()
    kernel = kernel_bytes(one.port, silent)
    assert 0 < kernel < 60 * 256 * 1024, kernel
    assert one.metrics().value("acurast_share_pauses_total") == 1
    assert one.metrics().value("acurast_buffer_bytes") > 60 * 1.9 * MIB
    for recipient in silent:
        recipient.close()


def test_what_the_kernel_keeps_counts_as_memory(service, client):
    """As much as it likes of it: with a large buffer in the kernel nothing waits with us, and the figure says so all the same."""
    one = service(socket_send_buffer="4MiB", rate_bytes=0, rate_messages=0, mailbox_seconds=0)
    sender = client(one.url)
    silent = login(one.url, receive_buffer=1024 * 1024)
    for _ in range(64):
        sender.send(silent.identity.id, bytes(16 * 1024))
    sender.barrier()
    eventually(lambda: one.metrics().value("acurast_buffer_bytes") >= 0.9 * kernel_bytes(one.port, [silent]), "the figure")
    silent.close()
    eventually(lambda: one.metrics().value("acurast_buffer_bytes") == 0, "nothing to be counted")


def test_the_memory_holds_for_readers_that_read_nothing(service, client, bystanders):
    """The same with little memory: what waits, ours and the kernel's, stays within it, and whoever reads notices nothing."""
    one = service(rate_bytes=0, rate_messages=0, memory="16MiB", threads=2)
    pair, sender = bystanders(one.url), client(one.url)
    silent = [login(one.url, receive_buffer=4096) for _ in range(60)]
    peak = 0
    for number in range(64):
        for recipient in silent:
            sender.send(recipient.identity.id, bytes(16 * 1024))
        pair.check()
        peak = max(peak, one.metrics().value("acurast_buffer_bytes"))
    sender.barrier()
    assert peak < 24 * MIB, peak
    assert kernel_bytes(one.port, silent) < 16 * MIB
    for recipient in silent:
        recipient.close()


# --- mailboxes


def fill_mailboxes(one, address, keys, size):
    """Each key has a recipient that has left, and fills its mailbox."""
    for _ in range(keys):
        recipient = login(one.url, address)
        recipient.close()
        eventually(lambda: one.metrics().value("acurast_ids") < 50, "the recipient to have left")
        with login(one.url, address) as sender:
            recipient_frame = payload(sender, recipient, bytes(size))
            for _ in range(8):
                sender.write(recipient_frame)
            sender.write(payload(sender, sender, b"done"))
            sender.message()


def test_throw_away_keys_do_not_take_the_mailboxes_of_others(service, client):
    """Keys of three addresses fill all mailboxes; then somebody else uses one."""
    one = service(mailbox_total="4MiB", mailbox_bytes="512KiB", handshake_rate=0)
    for last in range(3):
        fill_mailboxes(one, f"127.0.2.{last + 1}", 12, 60_000)
    metrics = one.metrics()
    assert metrics.sum("acurast_dropped_frames_total", reason="mailbox_sender") + metrics.sum(
        "acurast_dropped_frames_total", reason="mailbox_total"
    ) > 0, "they did not fill them"
    recipient = client(one.url, source_address=("127.0.1.1", 0))
    recipient.close()
    sender = client(one.url, source_address=("127.0.1.2", 0))
    eventually(lambda: one.metrics().value("acurast_ids") == 1, "the recipient to have left")
    for number in range(10):
        sender.send(recipient.id, b"%03d" % number + bytes(10_000))
    sender.barrier()
    back = client(one.url, recipient.identity)
    for number in range(10):
        assert back.receive()[1][:3] == b"%03d" % number
