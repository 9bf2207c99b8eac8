/*
 * The lane: what another thread writes arrives whole and masked, or not at all; a websocket opens it only while it has nothing to write
 * itself, and closes it before anything else can happen to its socket.
 */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include "net/chunk.h"
#include "net/lane.h"
#include "net/mask.h"
#include "net/ws_internal.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_LIMIT SIZE_MAX

/* ---- the lane alone, on a pair of sockets ---- */

typedef struct wire {
    acurast__lane lane;
    int ours, theirs;
} wire;

static void wire_open(wire *w)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    w->ours = pair[0];
    w->theirs = pair[1];
    acurast__lane_init(&w->lane);
}

static void wire_close(wire *w)
{
    acurast__lane_destroy(&w->lane);
    close(w->ours);
    close(w->theirs);
}

/* What is there to be read right now. */
static size_t read_some(int socket, uint8_t *bytes, size_t size)
{
    size_t total = 0;
    ssize_t got;
    while (total < size && (got = recv(socket, bytes + total, size - total, MSG_DONTWAIT)) > 0)
        total += (size_t)got;
    return total;
}

/* What has arrived is one frame with this message. */
static void check_arrived(const wire *w, const uint8_t *message, size_t size)
{
    uint8_t bytes[8192];
    size_t got = read_some(w->theirs, bytes, sizeof bytes);
    acurast__chunk_frame frame = acurast__chunk_frame_at(bytes);
    assert_int_equal(bytes[0], 0x82);
    assert_int_equal(bytes[1] & 0x80, 0x80);
    assert_int_equal(frame.payload, size);
    const uint8_t *mask = bytes + frame.header - 4;
    for (size_t i = 0; i < size; i++)
        if ((bytes[frame.header + i] ^ mask[i & 3]) != message[i])
            fail_msg("byte %zu of %zu", i, size);
    assert_int_equal(got, frame.header + size);
}

static void a_message_is_one_masked_frame(void **state)
{
    static const size_t sizes[] = {0, 1, 92, 93, 4000, 4096};
    uint8_t message[33 + 4096];
    wire w;
    (void)state;
    fill_pattern(message, sizeof message, 1);
    wire_open(&w);
    acurast__lane_open(&w.lane, w.ours, NO_LIMIT, NO_LIMIT);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_true(acurast__lane_send(&w.lane, message, 33, message + 33, sizes[i]));
        check_arrived(&w, message, 33 + sizes[i]);
    }
    assert_int_equal(acurast__lane_largest(&w.lane), 4096);
    assert_int_equal(acurast__lane_largest(&w.lane), 0);
    wire_close(&w);
}

static void what_is_not_for_the_lane_is_refused(void **state)
{
    static const uint8_t body[4097];
    wire w;
    (void)state;
    wire_open(&w);
    assert_false(acurast__lane_send(&w.lane, "h", 1, body, 1)); /* not open yet */
    acurast__lane_open(&w.lane, w.ours, 100, NO_LIMIT);
    assert_false(acurast__lane_send(&w.lane, "h", 1, body, 101));
    acurast__lane_open(&w.lane, w.ours, NO_LIMIT, NO_LIMIT);
    assert_false(acurast__lane_send(&w.lane, "h", 1, body, 4097)); /* no lane takes as much */
    assert_true(acurast__lane_send(&w.lane, "h", 1, body, 1));
    acurast__lane_open(&w.lane, w.ours, NO_LIMIT, 0);
    assert_false(acurast__lane_send(&w.lane, "h", 1, body, 1)); /* the last one still waits in the socket */
    check_arrived(&w, (const uint8_t *)"h", 2);
    assert_true(acurast__lane_send(&w.lane, "h", 1, body, 1));
    acurast__lane_close(&w.lane);
    assert_false(acurast__lane_send(&w.lane, "h", 1, body, 0));
    wire_close(&w);
}

/* Fills a small socket with `small` frames and a large one, which it may take in part; true if it did. */
static bool was_cut(unsigned small)
{
    static const uint8_t body[4096];
    uint8_t bytes[65536];
    wire w;
    int size = 1; /* the system's smallest */
    wire_open(&w);
    assert_int_equal(setsockopt(w.ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    acurast__lane_open(&w.lane, w.ours, NO_LIMIT, NO_LIMIT);
    for (unsigned i = 0; i < small; i++)
        (void)acurast__lane_send(&w.lane, "h", 1, body, 0);
    bool sent = acurast__lane_send(&w.lane, "h", 1, body, sizeof body);
    bool cut = w.lane.socket < 0;
    size_t got = read_some(w.theirs, bytes, sizeof bytes), whole = 0;
    while (whole + 2 <= got) {
        acurast__chunk_frame frame = acurast__chunk_frame_at(bytes + whole);
        if (frame.header + frame.payload > got - whole)
            break;
        whole += frame.header + frame.payload;
    }
    assert_int_equal(whole < got, cut); /* a part of a frame is there only then */
    assert_false(cut && sent);
    if (cut) {
        assert_false(acurast__lane_send(&w.lane, "h", 1, body, 0));
        assert_int_equal(send(w.ours, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), -1); /* nobody writes behind it */
        assert_int_equal(recv(w.theirs, bytes, 1, MSG_DONTWAIT), 0);             /* and the peer sees the end */
    }
    wire_close(&w);
    return cut;
}

static void a_frame_that_was_cut_ends_the_connection(void **state)
{
    unsigned cuts = 0;
    (void)state;
    for (unsigned small = 0; small < 16; small++)
        cuts += was_cut(small);
    assert_true(cuts > 0);
}

static uint64_t two_masks(void)
{
    uint8_t masks[8];
    memcpy(masks, acurast__mask_next(), 4);
    memcpy(masks + 4, acurast__mask_next(), 4);
    uint64_t both;
    memcpy(&both, masks, sizeof both);
    return both;
}

static void a_child_has_masks_of_its_own(void **state)
{
    uint64_t theirs = 0;
    int channel[2], status;
    (void)state;
    assert_int_equal(pipe(channel), 0);
    (void)two_masks();
    pid_t child = fork();
    if (child == 0) {
        theirs = two_masks();
        _exit(write(channel[1], &theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(channel[0], &theirs, sizeof theirs), sizeof theirs);
    assert_true(theirs != two_masks());
    close(channel[0]);
    close(channel[1]);
}

/* ---- the lane of a websocket ---- */

typedef struct driver {
    client client;
    acurast__lane lane;
    bool was_open_at_the_end;
    bool is_open; /* told by a task */
} driver;

static void note_lane(side *s)
{
    driver *d = s->user;
    d->was_open_at_the_end = d->lane.socket >= 0;
}

static void open_lane(void *argument)
{
    driver *d = argument;
    if (d->client.side.ws)
        acurast__ws_open_lane(d->client.side.ws, &d->lane, NO_LIMIT);
}

static void driver_prepare(driver *d, world *w)
{
    acurast__lane_init(&d->lane);
    d->was_open_at_the_end = true;
    client_init(&d->client, w);
    d->client.side.user = d;
    d->client.side.on_closed = note_lane;
}

static void driver_await(driver *d)
{
    box_await(&d->client.side.open, 1);
    world_run(d->client.side.loop, open_lane, d);
}

static void driver_open(driver *d, world *w)
{
    driver_prepare(d, w);
    client_connect(&d->client);
    driver_await(d);
}

static void driver_end(driver *d)
{
    client_end(&d->client);
    assert_false(d->was_open_at_the_end);
    assert_false(acurast__lane_send(&d->lane, "x", 1, "", 0));
    acurast__lane_destroy(&d->lane);
}

static void beside_the_loop(const world_options *options)
{
    world w;
    driver d;
    world_open(&w, options);
    driver_open(&d, &w);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(acurast__lane_send(&d.lane, "mess", 4, "age", 3));
        box_await(&d.client.side.message, i + 1);
        assert_int_equal(d.client.side.size, 7);
        assert_memory_equal(d.client.side.bytes, "message", 7);
    }
    driver_end(&d);
    world_close(&w);
}

static void another_thread_writes_beside_the_loop(void **state)
{
    (void)state;
    beside_the_loop(&(world_options){0});
}

static void a_tls_connection_has_no_lane(void **state)
{
    world w;
    driver d;
    authority ca;
    acurast__tls *tls;
    const char *detail;
    (void)state;
    authority_make(&ca);
    leaf certificate = authority_sign(&ca, "IP:127.0.0.1", "service");
    world_open(&w, &(world_options){.tls_cert = certificate.cert, .tls_key = certificate.key});
    driver_prepare(&d, &w);
    assert_int_equal(acurast__tls_client(ca.file, NULL, &tls, &detail), ACURAST_OK);
    d.client.target.tls = tls;
    client_connect(&d.client);
    acurast__tls_release(tls);
    driver_await(&d);
    assert_false(acurast__lane_send(&d.lane, "mess", 4, "age", 3));
    driver_end(&d);
    world_close(&w);
    authority_end(&ca);
}

static void open_with_a_tiny_buffer(void *argument)
{
    driver *d = argument;
    int size = 1; /* the system's smallest */
    setsockopt(d->client.side.ws->stream.socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    open_lane(d);
}

static void stays_closed(const world_options *options)
{
    world w;
    driver d;
    world_open(&w, options);
    driver_prepare(&d, &w);
    client_connect(&d.client);
    box_await(&d.client.side.open, 1);
    world_run(d.client.side.loop, open_with_a_tiny_buffer, &d);
    assert_false(acurast__lane_send(&d.lane, "x", 1, "", 0));
    driver_end(&d);
    world_close(&w);
}

static void a_socket_that_holds_little_has_no_lane(void **state)
{
    (void)state;
    stays_closed(&(world_options){0});
}

static void closed_by_a_write(const world_options *options)
{
    world w;
    driver d;
    world_open(&w, options);
    driver_open(&d, &w);
    assert_true(acurast__lane_send(&d.lane, "x", 1, "", 0));
    side_send(&d.client.side, "by the loop", 11);
    box_await(&d.client.side.message, 2);
    assert_false(acurast__lane_send(&d.lane, "x", 1, "", 0)); /* until it is opened again */
    driver_end(&d);
    world_close(&w);
}

static void the_loop_closes_it_before_it_writes(void **state)
{
    (void)state;
    closed_by_a_write(&(world_options){0});
}

/* Where we know that nothing arrives any more, nothing may be written, even if the end takes its time. */
static void abort_and_look(void *argument)
{
    driver *d = argument;
    acurast__ws_abort(d->client.side.ws);
    d->is_open = d->lane.socket >= 0;
}

static void closed_by_an_abort(const world_options *options)
{
    world w;
    driver d;
    world_open(&w, options);
    driver_open(&d, &w);
    world_run(d.client.side.loop, abort_and_look, &d);
    assert_false(d.is_open);
    driver_end(&d);
    world_close(&w);
}

static void an_abort_closes_it_at_once(void **state)
{
    (void)state;
    closed_by_an_abort(&(world_options){0});
}

/* A service that says goodbye and then neither reads on nor hangs up. */
static void closed_by_a_goodbye(const world_options *options)
{
    world w;
    driver d;
    raw r;
    uint16_t port;
    world_open(&w, options);
    int listener = raw_listen(&port);
    driver_prepare(&d, &w);
    d.client.target.port = port;
    client_connect(&d.client);
    raw_accept(&r, listener, NULL, NULL);
    raw_serve(&r);
    driver_await(&d);
    raw_send(&r, RAW_FIN | RAW_CLOSE, "\x03\xe8", 2);
    assert_int_equal(raw_receive_close(&r), 1000);
    assert_false(acurast__lane_send(&d.lane, "x", 1, "", 0));
    raw_end(&r);
    driver_end(&d);
    close(listener);
    world_close(&w);
}

static void a_goodbye_closes_it_at_once(void **state)
{
    (void)state;
    closed_by_a_goodbye(&(world_options){0});
}

static void end_by_close(world *w, driver *d)
{
    (void)w;
    side_close(&d->client.side, 1000, "");
}

static void end_by_abort(world *w, driver *d)
{
    (void)w;
    side_abort(&d->client.side);
}

static void end_by_peer(world *w, driver *d)
{
    (void)d;
    side_close(world_side(w, 0), 4001, "");
}

static void end_by_loss(world *w, driver *d)
{
    (void)d;
    side_abort(world_side(w, 0));
}

static void closed_by_an_end(const world_options *options)
{
    static void (*const ends[])(world *, driver *) = {end_by_close, end_by_abort, end_by_peer, end_by_loss};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        world w;
        driver d;
        world_open(&w, options);
        driver_open(&d, &w);
        assert_true(acurast__lane_send(&d.lane, "x", 1, "", 0));
        ends[i](&w, &d);
        box_await(&d.client.side.closed, 1);
        driver_end(&d);
        world_close(&w);
    }
}

static void every_end_closes_it_before_the_owner_hears_of_it(void **state)
{
    (void)state;
    closed_by_an_end(&(world_options){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_masked_frame),
        cmocka_unit_test(what_is_not_for_the_lane_is_refused),
        cmocka_unit_test(a_frame_that_was_cut_ends_the_connection),
        cmocka_unit_test(a_child_has_masks_of_its_own),
        cmocka_unit_test(another_thread_writes_beside_the_loop),
        cmocka_unit_test(a_tls_connection_has_no_lane),
        cmocka_unit_test(a_socket_that_holds_little_has_no_lane),
        cmocka_unit_test(the_loop_closes_it_before_it_writes),
        cmocka_unit_test(an_abort_closes_it_at_once),
        cmocka_unit_test(a_goodbye_closes_it_at_once),
        cmocka_unit_test(every_end_closes_it_before_the_owner_hears_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
