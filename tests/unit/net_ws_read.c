/* What a websocket does with what comes in: limits, pieces, silence, and a paused reader. */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <openssl/ssl.h>
#include <time.h>
#include <unistd.h>

static uint8_t large[1 << 20];

/* ---- limits ---- */

static void check_end(world *w, unsigned n, acurast_status status, unsigned code)
{
    side *s = world_side(w, n);
    box_await(&s->closed, 1);
    assert_int_equal(s->status, status);
    assert_int_equal(s->code, code);
    assert_int_equal(box_count(&s->message), 0);
}

static void oversize(const world_options *options)
{
    world w;
    raw r;
    world_options o = *options;
    o.settings.max_message = 100000;
    world_open(&w, &o);

    raw_connect(&r, w.port, false, 0); /* announced: the first bytes of it are enough */
    raw_upgrade(&r, "/");
    raw_send_header(&r, RAW_FIN | RAW_BINARY, 100001);
    raw_write(&r, large, 1);
    assert_int_equal(raw_receive_close(&r), 1009);
    raw_end(&r);
    check_end(&w, 0, ACURAST_TOO_LARGE, 1009);

    raw_connect(&r, w.port, false, 0); /* streamed: in pieces, each small */
    raw_upgrade(&r, "/");
    raw_send(&r, RAW_BINARY, large, 50000);
    raw_send(&r, RAW_CONTINUATION, large, 50000);
    raw_send(&r, RAW_CONTINUATION, large, 1);
    assert_int_equal(raw_receive_close(&r), 1009);
    raw_end(&r);
    check_end(&w, 1, ACURAST_TOO_LARGE, 1009);
    world_close(&w);
}

static void oversize_messages_are_refused_announced_or_streamed(void **state)
{
    (void)state;
    oversize(&(world_options){0});
}

static void just_right(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    world_options o = *options;
    o.settings.max_message = 100000;
    world_open(&w, &o);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    for (int pieces = 0; pieces < 2; pieces++) {
        if (pieces) {
            raw_send(&r, RAW_BINARY, large, 60000);
            raw_send(&r, RAW_FIN | RAW_CONTINUATION, large + 60000, 40000);
        } else {
            raw_send(&r, RAW_FIN | RAW_BINARY, large, 100000);
        }
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.size, 100000);
        assert_memory_equal(frame.bytes, large, 100000);
        free(frame.bytes);
    }
    raw_end(&r);
    world_close(&w);
}

static void a_message_of_the_limit_passes(void **state)
{
    (void)state;
    just_right(&(world_options){0});
}

static void text(const world_options *options)
{
    world w;
    raw r;
    world_open(&w, options);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    raw_send(&r, RAW_FIN | RAW_TEXT, "hello", 5);
    assert_int_equal(raw_receive_close(&r), 1003);
    raw_end(&r);
    check_end(&w, 0, ACURAST_PROTOCOL, 1003);
    world_close(&w);
}

static void text_is_refused(void **state)
{
    (void)state;
    text(&(world_options){0});
}

/* ---- pieces ---- */

static void pieces(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    world_open(&w, options);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    for (size_t first = 0; first < 3; first++) {
        size_t size = first;
        raw_send(&r, RAW_BINARY, large, size);
        raw_send(&r, RAW_FIN | RAW_PING, "between", 7);
        for (size_t i = 0; i < 20; i++) {
            raw_send(&r, RAW_CONTINUATION, large + size, i * 997);
            size += i * 997;
        }
        raw_send(&r, RAW_FIN | RAW_CONTINUATION, NULL, 0);
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_PONG);
        assert_int_equal(frame.size, 7);
        assert_memory_equal(frame.bytes, "between", 7);
        free(frame.bytes);
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_BINARY);
        assert_int_equal(frame.size, size);
        assert_memory_equal(frame.bytes, large, size);
        free(frame.bytes);
    }
    raw_end(&r);
    world_close(&w);
}

static void fragments_are_put_together(void **state)
{
    (void)state;
    pieces(&(world_options){0});
}

static void byte_by_byte(const world_options *options)
{
    static const uint8_t frame[] = {0x82, 0x85, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    world w;
    raw r;
    raw_frame answer;
    world_open(&w, options);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    for (size_t i = 0; i < sizeof frame; i++)
        raw_write(&r, frame + i, 1);
    assert_true(raw_receive(&r, &answer));
    assert_int_equal(answer.size, 5);
    assert_memory_equal(answer.bytes, "hello", 5);
    free(answer.bytes);
    raw_end(&r);
    world_close(&w);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    (void)state;
    byte_by_byte(&(world_options){0});
}

static void cut_off(const world_options *options)
{
    world w;
    raw r;
    world_open(&w, options);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    raw_send(&r, RAW_BINARY, large, 300000);
    raw_send_header(&r, RAW_FIN | RAW_CONTINUATION, 300000);
    raw_write(&r, large, 200000);
    raw_end(&r);
    check_end(&w, 0, ACURAST_LOST, 0);
    world_close(&w);
}

static void a_message_that_never_ends_leaves_nothing(void **state)
{
    (void)state;
    cut_off(&(world_options){0});
}

static void protocol_errors(const world_options *options)
{
    static const uint8_t bad[][2] = {{0x83, 0x80}, {0xc2, 0x80}, {0x80, 0x80},
                                     {0x09, 0x80}, {0x89, 0xfe}, {0x8b, 0x80}};
    world w;
    raw r;
    world_open(&w, options);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        raw_connect(&r, w.port, false, 0);
        raw_upgrade(&r, "/");
        raw_write(&r, bad[i], 2);
        raw_write(&r, large, 8);
        uint8_t answer[2];
        raw_read_some(&r, answer, sizeof answer); /* a close frame or the end; it would wait for our close frame */
        raw_end(&r);
        side *s = world_side(&w, i);
        box_await(&s->closed, 1);
        assert_int_equal(s->status, ACURAST_PROTOCOL);
        assert_int_equal(s->code, 1002);
    }
    world_close(&w);
}

static void broken_frames_end_the_connection(void **state)
{
    (void)state;
    protocol_errors(&(world_options){0});
}

/* A reason is what the peer says: it may not garble a log or break a binding. */
static void reasons(const world_options *options)
{
    static const char said[] = "\x0f\xa1line\nescape\x1b[0m\xc3\xa9";
    world w;
    raw r;
    world_open(&w, options);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    raw_send(&r, RAW_FIN | RAW_CLOSE, said, sizeof said - 1);
    raw_await_end(&r);
    raw_end(&r);
    check_end(&w, 0, ACURAST_OK, 4001);
    assert_string_equal(world_side(&w, 0)->reason, "line?escape?[0m\xc3\xa9");
    world_close(&w);
}

static void a_reason_is_printable(void **state)
{
    (void)state;
    reasons(&(world_options){0});
}

/* ---- silence ---- */

/* With as much as no socket takes. */
static void fill_socket(side *s)
{
    static uint8_t much[8 * 1024 * 1024];
    side_send(s, much, sizeof much);
}

static void silent_peer(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    world_options o = *options;
    o.settings.ping_interval_ms = 50;
    o.settings.ping_timeout_ms = 100;
    world_open(&w, &o);
    uint64_t since = acurast__clock_ms();
    raw_connect(&r, w.port, false, 4096);
    raw_upgrade(&r, "/");
    assert_true(raw_receive(&r, &frame));
    assert_int_equal(frame.opcode, RAW_PING);
    free(frame.bytes);
    for (int i = 0; i < 4; i++) { /* its kernel has acknowledged that, so it lives, and is asked again */
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_PING);
        free(frame.bytes);
    }
    assert_int_equal(box_count(&world_side(&w, 0)->closed), 0);
    fill_socket(world_side(&w, 0)); /* now nothing gets through any more */
    check_end(&w, 0, ACURAST_UNRESPONSIVE, 0);
    assert_true(acurast__clock_ms() - since >= 150);
    raw_end(&r);
    world_close(&w);
}

static void a_silent_peer_is_pinged_and_hung_up(void **state)
{
    (void)state;
    silent_peer(&(world_options){0});
}

static void answering_peer(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    world_options o = *options;
    o.settings.ping_interval_ms = 20;
    o.settings.ping_timeout_ms = 500;
    world_open(&w, &o);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    for (int i = 0; i < 3; i++) {
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_PING);
        raw_send(&r, RAW_FIN | RAW_PONG, frame.bytes, frame.size);
        free(frame.bytes);
    }
    /* Three answered pings: had one not counted, the next would have been a hang-up. */
    raw_send(&r, RAW_FIN | RAW_BINARY, "still here", 10);
    do
        assert_true(raw_receive(&r, &frame));
    while (frame.opcode == RAW_PING && (free(frame.bytes), true));
    assert_int_equal(frame.opcode, RAW_BINARY);
    free(frame.bytes);
    raw_end(&r);
    world_close(&w);
}

static void a_peer_that_answers_pings_stays(void **state)
{
    (void)state;
    answering_peer(&(world_options){0});
}

static void quiet_pair(const world_options *options)
{
    world w;
    client c;
    world_options o = *options;
    o.settings.ping_interval_ms = 20;
    o.settings.ping_timeout_ms = 400;
    world_open(&w, &o);
    client_init(&c, &w);
    c.settings.ping_interval_ms = 30;
    c.settings.ping_timeout_ms = 400;
    client_connect(&c);
    box_await(&c.side.open, 1);
    uint64_t until = acurast__clock_ms() + 1000;
    while (acurast__clock_ms() < until && !box_count(&c.side.closed))
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(box_count(&c.side.closed), 0);
    assert_int_equal(box_count(&world_side(&w, 0)->closed), 0);
    client_end(&c);
    assert_int_equal(c.side.status, ACURAST_OK);
    world_close(&w);
}

static void two_quiet_ends_of_ours_keep_each_other(void **state)
{
    (void)state;
    quiet_pair(&(world_options){0});
}

static void silent_service(const world_options *options)
{
    world w;
    client c;
    raw r;
    raw_frame frame;
    uint16_t port;
    int listener = raw_listen(&port);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    c.settings.ping_interval_ms = 30;
    c.settings.ping_timeout_ms = 60;
    client_connect(&c);
    raw_accept(&r, listener, NULL, NULL);
    raw_serve(&r);
    assert_true(raw_receive(&r, &frame));
    assert_int_equal(frame.opcode, RAW_PING);
    raw_send(&r, RAW_FIN | RAW_PONG, frame.bytes, frame.size);
    free(frame.bytes);
    assert_true(raw_receive(&r, &frame)); /* the next one is not answered */
    assert_int_equal(frame.opcode, RAW_PING);
    free(frame.bytes);
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.status, ACURAST_UNRESPONSIVE);
    raw_await_end(&r);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void a_silent_service_is_pinged_and_hung_up(void **state)
{
    (void)state;
    silent_service(&(world_options){0});
}

/* ---- pausing ---- */

static void pause_first(side *s, const uint8_t *bytes, size_t size)
{
    (void)bytes, (void)size;
    acurast__ws_pause(s->ws);
}

static void greet_pausing(side *s)
{
    s->on_message = pause_first;
}

/* Many messages in one segment: each is read only after a resume, and none is lost, though nothing more comes from the network. */
static void one_at_a_time(const world_options *options)
{
    enum {
        COUNT = 50
    };
    uint8_t burst[COUNT * 7];
    world w;
    raw r;
    world_options o = *options;
    o.greet = greet_pausing;
    world_open(&w, &o);
    raw_connect(&r, w.port, false, 0);
    raw_upgrade(&r, "/");
    for (size_t i = 0; i < COUNT; i++)
        memcpy(burst + 7 * i, (uint8_t[]){0x82, 0x81, 0, 0, 0, 0, (uint8_t)i}, 7);
    raw_write(&r, burst, sizeof burst);
    side *s = world_side(&w, 0);
    for (unsigned i = 1; i <= COUNT; i++) {
        box_await(&s->message, i);
        world_memory(&w); /* a turn of the loop */
        assert_int_equal(box_count(&s->message), i);
        side_resume(s);
    }
    raw_end(&r);
    box_await(&s->closed, 1);
    world_close(&w);
}

static void a_paused_reader_gets_nothing_and_loses_nothing(void **state)
{
    (void)state;
    one_at_a_time(&(world_options){0});
}

static void full_pipe(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    side *s = world_side(&w, 0);
    side_pause(s);
    for (unsigned i = 0; i < 40; i++)
        side_send(&c.side, large, sizeof large);
    world_memory(&w);
    assert_int_equal(box_count(&s->message), 0);
    assert_true(world_memory(&w) > 20 << 20); /* it waits at the sender: the service did not read */
    side_resume(s);
    box_await(&c.side.message, 40);
    assert_int_equal(c.side.size, sizeof large);
    assert_memory_equal(c.side.bytes, large, sizeof large);
    client_end(&c);
    world_close(&w);
}

static void a_pause_is_felt_by_the_sender(void **state)
{
    (void)state;
    full_pipe(&(world_options){0});
}

/* A reader that is paused still ends in good order: the peer's answer to the close is read. */
static void close_paused(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    side *s = world_side(&w, 0);
    side_pause(s);
    side_send(&c.side, large, 100000);
    uint64_t since = acurast__clock_ms();
    side_close(s, 4004, "slow reader");
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.code, 4004);
    box_await(&s->closed, 1);
    assert_int_equal(box_count(&s->message), 0);
    assert_true(acurast__clock_ms() - since < 3000);
    world_close(&w);
}

static void a_paused_websocket_closes_in_good_order(void **state)
{
    (void)state;
    close_paused(&(world_options){0});
}

/* A peer that leaves by TLS alone, with messages behind the one at which it was paused. */
static void leave_paused(const world_options *options)
{
    world w;
    raw r;
    world_options o = *options;
    o.greet = greet_pausing;
    world_open(&w, &o);
    raw_connect(&r, w.port, true, 0);
    raw_upgrade(&r, "/");
    side *s = world_side(&w, 0);
    side_pause(s);
    for (unsigned i = 0; i < 3; i++)
        raw_send(&r, RAW_BINARY | RAW_FIN, large, 300);
    SSL_shutdown(r.ssl);
    for (unsigned i = 1; i <= 3; i++) {
        side_resume(s);
        box_await(&s->message, i);
        world_memory(&w); /* a turn of the loop */
        assert_int_equal(box_count(&s->message), i);
    }
    raw_end(&r);
    box_await(&s->closed, 1);
    world_close(&w);
}

static void what_was_sent_before_the_end_of_tls_is_read(void **state)
{
    (void)state;
    leave_paused(&(world_options){.tls_cert = world_certificate.cert, .tls_key = world_certificate.key});
}

/* Nobody reads from the peer, and it takes nothing: that it is gone shows in writing. Else the loop would turn and turn for its error. */
static void reset_paused(const world_options *options)
{
    enum {
        COUNT = 50
    };
    uint8_t burst[COUNT * 7];
    world w;
    raw r;
    world_options o = *options;
    o.greet = greet_pausing;
    world_open(&w, &o);
    raw_connect(&r, w.port, o.tls_cert != NULL, 4096);
    raw_upgrade(&r, "/");
    for (size_t i = 0; i < COUNT; i++)
        memcpy(burst + 7 * i, (uint8_t[]){0x82, 0x81, 0, 0, 0, 0, (uint8_t)i}, 7);
    raw_write(&r, burst, sizeof burst);
    side *s = world_side(&w, 0);
    box_await(&s->message, 1);
    fill_socket(s);
    world_memory(&w); /* a turn of the loop: the socket is full */
    raw_end(&r);      /* with bytes unread: a reset */
    box_await(&s->closed, 1);
    assert_int_equal(box_count(&s->message), 1);
    world_close(&w);
}

static void a_paused_websocket_notices_a_reset_by_writing(void **state)
{
    (void)state;
    on_every_port(reset_paused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oversize_messages_are_refused_announced_or_streamed),
        cmocka_unit_test(a_message_of_the_limit_passes),
        cmocka_unit_test(text_is_refused),
        cmocka_unit_test(fragments_are_put_together),
        cmocka_unit_test(a_frame_may_come_byte_by_byte),
        cmocka_unit_test(a_message_that_never_ends_leaves_nothing),
        cmocka_unit_test(broken_frames_end_the_connection),
        cmocka_unit_test(a_reason_is_printable),
        cmocka_unit_test(a_silent_peer_is_pinged_and_hung_up),
        cmocka_unit_test(a_peer_that_answers_pings_stays),
        cmocka_unit_test(two_quiet_ends_of_ours_keep_each_other),
        cmocka_unit_test(a_silent_service_is_pinged_and_hung_up),
        cmocka_unit_test(a_paused_reader_gets_nothing_and_loses_nothing),
        cmocka_unit_test(a_pause_is_felt_by_the_sender),
        cmocka_unit_test(a_paused_websocket_closes_in_good_order),
        cmocka_unit_test(what_was_sent_before_the_end_of_tls_is_read),
        cmocka_unit_test(a_paused_websocket_notices_a_reset_by_writing),
    };
    fill_pattern(large, sizeof large, 3);
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
