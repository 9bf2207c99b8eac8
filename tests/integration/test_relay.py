"""The relay: what goes in comes out, byte for byte, in order, once."""

import asyncio
import os
import time

import pytest
from websockets.asyncio.client import connect

from support import programs, v1
from support.waiting import DEADLINE

MAX_FRAME = 16 * 1024 * 1024  # the default


@pytest.fixture(scope="module")
def relay():
    one = programs.Service(drain_time="2s", threads=2)
    yield one
    assert one.end() == 0
    one.check_sanitizers()


@pytest.mark.parametrize(
    "size",
    [0, 1, 92, 93, 125, 126, 127, 65502, 65503, 65535, 65536, 1024 * 1024, MAX_FRAME - v1.HEADER],
)
def test_a_payload_of_any_size_arrives_whole(relay, client, size):
    one, two = client(relay.url), client(relay.url)
    body = os.urandom(size)
    one.send(two.id, body)
    two.expect(one.id, body)


def test_the_frame_is_relayed_byte_for_byte(relay, client):
    one, two = client(relay.url), client(relay.url)
    data = v1.frame(v1.PAYLOAD, one.id, two.id, bytes(range(256)))
    one.raw(data)
    assert two.message() == data


def test_a_payload_to_oneself_comes_back(relay, client):
    one = client(relay.url)
    one.send(one.id, b"self")
    one.expect(one.id, b"self")


def test_a_payload_for_nobody_is_dropped_and_counted(relay, client):
    one = client(relay.url)
    before = relay.metrics()
    for _ in range(5):
        one.send(os.urandom(16), b"hello?")
    one.barrier()
    name = "acurast_dropped_frames_total"
    assert relay.metrics().sum(name) - before.sum(name) == 5


def test_many_senders_to_one_recipient_keep_each_senders_order(relay, client):
    sink = client(relay.url)
    senders = [client(relay.url) for _ in range(8)]
    for number in range(200):
        for sender in senders:
            sender.send(sink.id, b"%d" % number)
    seen = {sender.id: [] for sender in senders}
    for _ in range(200 * len(senders)):
        sender, body = sink.receive()
        seen[sender].append(int(body))
    assert all(numbers == list(range(200)) for numbers in seen.values())


def test_fifty_pairs_on_several_threads_lose_and_reorder_nothing(service):
    """Each connection lands on the thread that the kernel chooses, so that most pairs cross."""
    one = service(threads=4)
    pairs, messages, window = 50, 100, 20

    async def login():
        identity = v1.Identity()
        ws = await connect(one.url, compression=None, max_size=None, ping_interval=None, proxy=None, open_timeout=DEADLINE)
        await ws.send(v1.frame(v1.INIT, identity.id))
        challenge = v1.Frame.parse(await ws.recv()).body[16:32]
        signature = identity.answer(v1.digest_of(challenge, identity.public_key, bytes(16)))
        await ws.send(v1.frame(v1.RESPONSE, identity.id, v1.NOBODY, challenge + identity.public_key + bytes(16) + signature))
        assert v1.Frame.parse(await ws.recv()).kind == v1.ACCEPTED
        return ws, identity.id

    async def send(ws, sender, recipient, sent):
        for number in range(messages):
            await sent.acquire()
            await ws.send(v1.frame(v1.PAYLOAD, sender, recipient, b"%d" % number + bytes(number)))

    async def receive(ws, own, other, sent):
        for number in range(messages):
            assert await ws.recv() == v1.frame(v1.PAYLOAD, other, own, b"%d" % number + bytes(number))
            sent.release()

    async def pair():
        (a, a_id), (b, b_id) = await asyncio.gather(login(), login())
        there, back = asyncio.Semaphore(window), asyncio.Semaphore(window)
        await asyncio.gather(
            send(a, a_id, b_id, there), receive(b, b_id, a_id, there), send(b, b_id, a_id, back), receive(a, a_id, b_id, back)
        )
        await asyncio.gather(a.close(), b.close())

    async def everything():
        await asyncio.wait_for(asyncio.gather(*(pair() for _ in range(pairs))), DEADLINE * 3)

    asyncio.run(everything())
    metrics = one.metrics()
    assert metrics.sum("acurast_dropped_frames_total") == 0
    assert metrics.sum("acurast_frames_in_total") == pairs * messages * 2


def test_two_threads_at_once_flood_each_other_without_a_deadlock(service, client):
    """A to B and B to A at full speed, on different threads, with small buffers nowhere full."""
    one = service(threads=4)
    ends = [client(one.url) for _ in range(4)]
    for number in range(300):
        for sender in ends:
            for receiver in ends:
                sender.send(receiver.id, b"%d" % number + bytes(500))
    for receiver in ends:
        seen = {sender.id: 0 for sender in ends}
        for _ in range(300 * len(ends)):
            sender, body = receiver.receive()
            assert body == b"%d" % seen[sender] + bytes(500)
            seen[sender] += 1


@pytest.mark.alone
def test_a_lone_message_is_relayed_at_once(relay, client):
    """Batching must not wait for company: the median round trip stays far below any timer."""
    one, two = client(relay.url), client(relay.url)
    trips = []
    for number in range(50):
        begin = time.monotonic()
        one.send(two.id, b"%d" % number)
        two.expect(one.id, b"%d" % number)
        trips.append(time.monotonic() - begin)
    assert sorted(trips)[len(trips) // 2] < 0.1
