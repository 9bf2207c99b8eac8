"""The limit on all buffers together holds for what comes in as well, and for clients that never finish."""

from support import rawws
from support.waiting import eventually

MIB = 1024 * 1024


def begin_message(socket, announced, sent):
    """A masked binary frame of `announced` bytes, of which only `sent` come."""
    socket.write(bytes([0x82, 0xFF]) + announced.to_bytes(8, "big") + bytes(4) + bytes(sent))


def held(one):
    return one.metrics().value("acurast_buffer_bytes")


def test_messages_that_never_end_are_bounded_by_the_memory(service, bystanders):
    one = service(memory="4MiB", threads=2)
    pair = bystanders(one.url)
    sockets = []
    try:
        for number in range(12):
            socket = rawws.RawSocket(one.url)
            sockets.append(socket)
            socket.login()
            begin_message(socket, 2 * MIB, MIB)
            eventually(lambda: held(one) <= 4 * MIB, "room again")
            pair.check()
        metrics = one.metrics()
        assert metrics.sum("acurast_closed_connections_total", reason="memory_full") >= 8
        assert "what=memory_full" in one.message("memory_full")
    finally:
        for socket in sockets:
            socket.close()


def test_who_is_closed_for_memory_is_told_4004(service, client):
    one = service(memory="1MiB")
    with rawws.RawSocket(one.url) as greedy:
        greedy.login()
        begin_message(greedy, 2 * MIB, MIB + MIB // 2)
        closed = greedy.closed()
        assert closed.code == 4004
        assert closed.reason
    eventually(lambda: held(one) < MIB // 2, "the memory is free")
    client(one.url).barrier()
