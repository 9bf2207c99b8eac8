/* What the kernel tells of a TCP socket: whether something lies unread in it, and whether its peer is through. */
#include "support/net_raw.h"
#include "support/unit.h"

#include "net/socket.h"

#include <poll.h>
#include <unistd.h>

/* Both ends of a connection. */
static void connect_both(raw *ours, raw *peer)
{
    uint16_t port;
    int listener = raw_listen(&port);
    raw_connect(peer, port, false, 0);
    raw_accept(ours, listener, NULL, NULL);
    close(listener);
}

static void await_readable(const raw *r)
{
    struct pollfd descriptor = {.fd = r->fd, .events = POLLIN};
    assert_int_equal(poll(&descriptor, 1, 20000), 1);
}

static void unread_bytes_are_seen(void **state)
{
    raw ours, peer;
    char byte;
    (void)state;
    connect_both(&ours, &peer);
    assert_false(acurast__socket_unread(ours.fd));
    raw_text(&peer, "x");
    await_readable(&ours);
    assert_true(acurast__socket_unread(ours.fd));
    raw_read(&ours, &byte, 1);
    assert_false(acurast__socket_unread(ours.fd));
    raw_end(&ours);
    raw_end(&peer);
}

/* A close would reset it while there is something unread, and the peer may still be reading. */
static void one_that_shut_its_side_is_finished_when_all_was_read(void **state)
{
    raw ours, peer;
    char byte, two[2];
    (void)state;
    connect_both(&ours, &peer);
    assert_false(acurast__socket_finished(ours.fd));
    raw_text(&peer, "x");
    shutdown(peer.fd, SHUT_WR);
    assert_int_equal(recv(ours.fd, two, sizeof two, MSG_PEEK | MSG_WAITALL), 1); /* both have come */
    assert_false(acurast__socket_finished(ours.fd));
    raw_read(&ours, &byte, 1);
    assert_true(acurast__socket_finished(ours.fd));
    raw_end(&ours);
    raw_end(&peer);
}

static void one_that_reset_is_finished_whatever_is_unread(void **state)
{
    raw ours, peer;
    const struct linger hard = {.l_onoff = 1};
    struct pollfd descriptor;
    (void)state;
    connect_both(&ours, &peer);
    raw_text(&peer, "x");
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    raw_end(&peer);
    descriptor = (struct pollfd){.fd = ours.fd}; /* POLLHUP comes unasked */
    assert_int_equal(poll(&descriptor, 1, 20000), 1);
    assert_true(acurast__socket_finished(ours.fd));
    raw_end(&ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unread_bytes_are_seen),
        cmocka_unit_test(one_that_shut_its_side_is_finished_when_all_was_read),
        cmocka_unit_test(one_that_reset_is_finished_whatever_is_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
