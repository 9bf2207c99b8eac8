/*
 * Writing to those who read slowly: every byte once, frames whole, whatever comes between. Each test runs on both loops, plain and
 * over TLS.
 */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* ---- messages that tell their number and size ---- */

static size_t size_of(unsigned n)
{
    static const size_t sizes[] = {8, 200000, 9, 126, 70000, 4000, 65536, 16000, 125, 1000000};
    return sizes[n % ARRAY_SIZE(sizes)];
}

static uint8_t *make_message(unsigned n)
{
    uint8_t *bytes = malloc(size_of(n));
    fill_pattern(bytes, size_of(n), n);
    return bytes;
}

static void check_message(unsigned n, const uint8_t *bytes, size_t size)
{
    uint8_t *expected = make_message(n);
    assert_int_equal(size, size_of(n));
    if (memcmp(bytes, expected, size) != 0)
        fail_msg("message %u is not what was sent", n);
    free(expected);
}

static unsigned to_send;

static void send_numbered(void *argument)
{
    side *s = argument;
    for (unsigned n = 0; n < to_send; n++) {
        uint8_t *bytes = make_message(n);
        assert_true(acurast__ws_send2(s->ws, bytes, 3, bytes + 3, size_of(n) - 3));
        free(bytes);
    }
}

static void ignore_message(side *s, const uint8_t *bytes, size_t size)
{
    (void)s, (void)bytes, (void)size;
}

static void greet_silent(side *s)
{
    s->on_message = ignore_message;
}

static void open_raw(world *w, raw *r, const world_options *options)
{
    world_options o = *options;
    o.greet = greet_silent;
    world_open(w, &o);
    raw_connect(r, w->port, o.tls_cert != NULL, 4096);
    raw_upgrade(r, "/");
}

typedef struct numbers {
    side *side;
    uint64_t queued, written;
    size_t buffered, memory, all_memory;
} numbers;

static void ask(void *argument)
{
    numbers *n = argument;
    n->queued = acurast__ws_queued(n->side->ws);
    n->written = acurast__ws_written(n->side->ws);
    n->buffered = acurast__ws_buffered(n->side->ws);
    n->memory = acurast__ws_memory(n->side->ws);
    n->all_memory = acurast__loop_memory(n->side->loop);
}

static numbers numbers_of(side *s)
{
    numbers n = {.side = s};
    world_run(s->loop, ask, &n);
    assert_int_equal(n.queued, n.written + n.buffered);
    assert_true(n.memory >= n.buffered);
    return n;
}

static void await_written(side *s)
{
    uint64_t until = acurast__clock_ms() + 20000;
    while (numbers_of(s).buffered && acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(numbers_of(s).buffered, 0);
}

/* The last acknowledgement comes when it comes. */
static void await_no_memory(world *w)
{
    uint64_t until = acurast__clock_ms() + 20000;
    while (world_memory(w) && acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(world_memory(w), 0);
}

static void slow_reader(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    open_raw(&w, &r, options);
    side *s = world_side(&w, 0);
    to_send = 30;
    world_run(w.loops[0], send_numbered, s);
    numbers n = numbers_of(s);
    assert_true(n.queued > 3 * 1300000);
    assert_true(n.buffered > 0);
    assert_int_equal(n.all_memory, n.memory);
    for (unsigned i = 0; i < to_send; i++) {
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_BINARY);
        assert_true(frame.final);
        check_message(i, frame.bytes, frame.size);
        free(frame.bytes);
        if (i % 3 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    await_written(s);
    assert_int_equal(numbers_of(s).written, n.queued);
    assert_true(box_count(&s->written) > 0);
    await_no_memory(&w);
    raw_end(&r);
    world_close(&w);
}

static void a_slow_reader_gets_every_byte_once(void **state)
{
    (void)state;
    on_every_port(slow_reader);
}

/* Pings while a frame is half written: the pong may stand between frames, never within one. */
static void pings_meanwhile(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    unsigned pongs = 0, pings = 0, next = 0;
    open_raw(&w, &r, options);
    to_send = 40;
    raw_send(&r, RAW_FIN | RAW_PING, "before", 6);
    pings++;
    world_run(w.loops[0], send_numbered, world_side(&w, 0));
    while (next < to_send) {
        raw_send(&r, RAW_FIN | RAW_PING, "while", 5);
        pings++;
        assert_true(raw_receive(&r, &frame));
        if (frame.opcode == RAW_PONG) {
            assert_true(frame.size == 5 || frame.size == 6);
            assert_memory_equal(frame.bytes, frame.size == 5 ? "while" : "before", frame.size);
            pongs++;
        } else {
            check_message(next++, frame.bytes, frame.size);
        }
        free(frame.bytes);
    }
    assert_true(pongs <= pings);
    do {
        raw_send(&r, RAW_FIN | RAW_PING, "after!!", 7);
        assert_true(raw_receive(&r, &frame));
        assert_int_equal(frame.opcode, RAW_PONG);
        free(frame.bytes);
        pongs++;
    } while (frame.size != 7);
    assert_true(pongs > 1);
    raw_end(&r);
    world_close(&w);
}

static void no_pong_lands_within_a_frame(void **state)
{
    (void)state;
    on_every_port(pings_meanwhile);
}

/* Our own pings, too. */
static void own_pings_meanwhile(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    unsigned pings = 0, next = 0;
    world_options o = *options;
    o.settings.ping_interval_ms = 1;
    o.settings.ping_timeout_ms = 10000;
    open_raw(&w, &r, &o);
    to_send = 30;
    world_run(w.loops[0], send_numbered, world_side(&w, 0));
    while (next < to_send || !pings) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        assert_true(raw_receive(&r, &frame));
        if (frame.opcode == RAW_PING) {
            pings++;
            raw_send(&r, RAW_FIN | RAW_PONG, frame.bytes, frame.size);
        } else {
            check_message(next++, frame.bytes, frame.size);
        }
        free(frame.bytes);
    }
    raw_end(&r);
    world_close(&w);
}

static void our_pings_stand_between_frames(void **state)
{
    (void)state;
    on_every_port(own_pings_meanwhile);
}

/* ---- what was not sent ---- */

typedef struct taking {
    side *side;
    acurast__chain chain;
} taking;

static void take(void *argument)
{
    taking *t = argument;
    acurast__ws_take_unsent(t->side->ws, &t->chain);
}

static void give(void *argument)
{
    taking *t = argument;
    acurast__ws_send_chain(t->side->ws, &t->chain);
}

/* What the first reader did not get is taken back and given to a second one: together they have all, in order, nothing twice. */
static void take_over(const world_options *options)
{
    world w;
    raw first, second;
    raw_frame frame;
    open_raw(&w, &first, options);
    raw_connect(&second, w.port, options->tls_cert != NULL, 4096);
    raw_upgrade(&second, "/");
    side *s = world_side(&w, 0);
    to_send = 60;
    world_run(w.loops[0], send_numbered, s);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(raw_receive(&first, &frame));
        check_message(i, frame.bytes, frame.size);
        free(frame.bytes);
    }
    taking t = {.side = s};
    acurast__chain_init(&t.chain);
    world_run(w.loops[0], take, &t);
    unsigned left = (unsigned)t.chain.frames;
    assert_true(left > 0 && left < to_send - 4);
    t.side = world_side(&w, 1);
    world_run(w.loops[0], give, &t);
    assert_null(t.chain.first);
    side_close(s, 4001, "replaced");
    for (unsigned i = 4; i < to_send - left; i++) {
        assert_true(raw_receive(&first, &frame));
        check_message(i, frame.bytes, frame.size);
        free(frame.bytes);
    }
    assert_int_equal(raw_receive_close(&first), 4001);
    raw_end(&first);
    for (unsigned i = to_send - left; i < to_send; i++) {
        assert_true(raw_receive(&second, &frame));
        check_message(i, frame.bytes, frame.size);
        free(frame.bytes);
    }
    raw_end(&second);
    world_close(&w);
}

static void unsent_messages_move_to_another_connection(void **state)
{
    (void)state;
    on_every_port(take_over);
}

/* ---- ends with something queued ---- */

static void send_and_close(void *argument)
{
    side *s = argument;
    send_numbered(s);
    acurast__ws_close(s->ws, 4000, "after all of it");
    assert_false(acurast__ws_send(s->ws, "late", 4));
}

static void close_queued(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    open_raw(&w, &r, options);
    to_send = 20;
    world_run(w.loops[0], send_and_close, world_side(&w, 0));
    for (unsigned i = 0; i < to_send; i++) {
        assert_true(raw_receive(&r, &frame));
        check_message(i, frame.bytes, frame.size);
        free(frame.bytes);
    }
    assert_int_equal(raw_receive_close(&r), 4000);
    raw_send(&r, RAW_FIN | RAW_CLOSE, "\x0f\xa0", 2);
    raw_await_end(&r);
    raw_end(&r);
    box_await(&world_side(&w, 0)->closed, 1);
    assert_int_equal(world_side(&w, 0)->status, ACURAST_OK);
    world_close(&w);
}

static void what_is_queued_goes_out_before_the_close(void **state)
{
    (void)state;
    on_every_port(close_queued);
}

static void abort_queued(const world_options *options)
{
    world w;
    raw r;
    open_raw(&w, &r, options);
    to_send = 20;
    world_run(w.loops[0], send_numbered, world_side(&w, 0));
    uint64_t since = acurast__clock_ms();
    side_abort(world_side(&w, 0));
    box_await(&world_side(&w, 0)->closed, 1); /* though the peer reads nothing */
    assert_true(acurast__clock_ms() - since < 2000);
    assert_int_equal(world_memory(&w), 0);
    raw_await_end(&r);
    raw_end(&r);
    world_close(&w);
}

static void an_abort_does_not_wait_for_the_reader(void **state)
{
    (void)state;
    on_every_port(abort_queued);
}

static void reset_queued(const world_options *options)
{
    world w;
    raw r;
    open_raw(&w, &r, options);
    to_send = 20;
    world_run(w.loops[0], send_numbered, world_side(&w, 0));
    raw_end(&r); /* unread bytes: the kernel resets the connection */
    box_await(&world_side(&w, 0)->closed, 1);
    assert_int_equal(world_side(&w, 0)->status, ACURAST_LOST);
    world_close(&w);
}

static void a_reset_with_something_queued_leaves_nothing(void **state)
{
    (void)state;
    on_every_port(reset_queued);
}

/* ---- what was written, at the end ---- */

typedef struct last_words {
    uint64_t when_cut, at_end;
} last_words;

static void note_at_end(side *s)
{
    last_words *words = s->user;
    words->at_end = acurast__ws_written(s->ws);
}

static void cut(void *argument)
{
    side *s = argument;
    last_words *words = s->user;
    words->when_cut = acurast__ws_written(s->ws);
    acurast__ws_abort(s->ws);
}

static void send_many(void *argument)
{
    side *s = argument;
    static const uint8_t message[100];
    for (unsigned n = 0; n < 80000; n++)
        assert_true(acurast__ws_send(s->ws, message, sizeof message));
}

static void cut_with_much_queued(const world_options *options)
{
    world w;
    raw r;
    last_words words = {0};
    open_raw(&w, &r, options);
    side *s = world_side(&w, 0);
    s->user = &words;
    s->on_closed = note_at_end;
    world_run(w.loops[0], send_many, s);
    assert_true(numbers_of(s).buffered > 0);
    world_run(w.loops[0], cut, s);
    box_await(&s->closed, 1);
    assert_true(words.when_cut > 0);
    assert_int_equal(words.at_end, words.when_cut);
    raw_end(&r);
    world_close(&w);
}

static void what_the_system_never_had_was_not_written_at_the_end_either(void **state)
{
    (void)state;
    on_every_port(cut_with_much_queued);
}

/* ---- masked ---- */

static void client_writes(const world_options *options)
{
    world w;
    client c;
    raw r;
    raw_frame frame;
    uint16_t port;
    int listener = raw_listen(&port);
    acurast__tls *tls = NULL;
    const char *detail;
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    if (options->tls_cert)
        assert_int_equal(acurast__tls_client(world_authority.file, NULL, &tls, &detail), ACURAST_OK);
    c.target.tls = tls;
    client_connect(&c);
    raw_accept(&r, listener, options->tls_cert, options->tls_key);
    raw_serve(&r);
    box_await(&c.side.open, 1);
    to_send = 30;
    raw_send(&r, RAW_FIN | RAW_PING, "ping", 4);
    world_run(w.loops[0], send_numbered, &c.side);
    for (unsigned next = 0, pongs = 0; next < to_send || !pongs;) {
        assert_true(raw_receive(&r, &frame));
        if (frame.opcode == RAW_PONG)
            pongs++;
        else
            check_message(next++, frame.bytes, frame.size);
        free(frame.bytes);
        raw_send(&r, RAW_FIN | RAW_PING, "ping", 4);
    }
    side_close(&c.side, 1000, "");
    do {
        assert_true(raw_receive(&r, &frame));
        free(frame.bytes);
    } while (frame.opcode == RAW_PONG);
    assert_int_equal(frame.opcode, RAW_CLOSE);
    raw_send(&r, RAW_FIN | RAW_CLOSE, "\x03\xe8", 2);
    raw_await_end(&r);
    raw_end(&r);
    client_end(&c);
    acurast__tls_release(tls);
    world_close(&w);
    close(listener);
}

static void a_client_masks_every_byte(void **state)
{
    (void)state;
    on_every_port(client_writes);
}

/* ---- an answer that follows at once ---- */

#define ROUNDS 100u

static void answer(side *s, const uint8_t *bytes, size_t size)
{
    (void)bytes, (void)size;
    assert_true(acurast__ws_send(s->ws, "a", 1));
}

static void greet_answering(side *s)
{
    s->on_message = answer;
}

static void ask_again(side *s)
{
    static uint8_t question[60000];
    assert_true(acurast__ws_send(s->ws, question, sizeof question));
}

/* Whoever answers has all of it. */
static void on_answer(side *s, const uint8_t *bytes, size_t size)
{
    (void)bytes, (void)size;
    assert_int_equal(acurast__ws_written(s->ws), acurast__ws_queued(s->ws));
    if (box_count(&s->message) < ROUNDS)
        ask_again(s);
}

static void answer_quickly(const world_options *options)
{
    world w;
    client c;
    acurast__tls *tls = NULL;
    const char *detail;
    world_options o = *options;
    o.loops = 2;
    o.greet = greet_answering;
    world_open(&w, &o);
    client_init(&c, &w);
    if (o.tls_cert)
        assert_int_equal(acurast__tls_client(world_authority.file, NULL, &tls, &detail), ACURAST_OK);
    c.target.tls = tls;
    c.side.on_message = on_answer;
    c.side.on_open = ask_again;
    client_connect(&c);
    box_await(&c.side.message, ROUNDS);
    client_end(&c);
    acurast__tls_release(tls);
    world_close(&w);
}

static void what_is_answered_was_written(void **state)
{
    (void)state;
    on_every_port(answer_quickly);
}

/* ---- slow is not silent ---- */

static void send_megabytes(void *argument)
{
    side *s = argument;
    uint8_t *bytes = calloc(1, 3 << 20);
    assert_true(acurast__ws_send(s->ws, bytes, 3 << 20));
    free(bytes);
}

static void slow_but_alive(const world_options *options)
{
    world w;
    raw r;
    raw_frame frame;
    uint8_t header[10], bytes[65536];
    world_options o = *options;
    o.settings.ping_interval_ms = 60;
    o.settings.ping_timeout_ms = 120;
    open_raw(&w, &r, &o);
    world_run(w.loops[0], send_megabytes, world_side(&w, 0));
    raw_read(&r, header, 2);
    while ((header[0] & 15) == RAW_PING) { /* it may have been silent before */
        raw_read(&r, bytes, header[1]);
        raw_read(&r, header, 2);
    }
    raw_read(&r, header, 8);
    for (size_t left = 3 << 20, n; left; left -= n) {
        n = left < sizeof bytes ? left : sizeof bytes;
        raw_read(&r, bytes, n);
        nanosleep(&(struct timespec){.tv_nsec = 15000000}, NULL);
    }
    assert_true(raw_receive(&r, &frame));
    assert_int_equal(frame.opcode, RAW_PING);
    free(frame.bytes);
    assert_int_equal(box_count(&world_side(&w, 0)->closed), 0);
    raw_end(&r);
    world_close(&w);
}

static void a_reader_that_is_slow_within_a_frame_stays(void **state)
{
    (void)state;
    on_every_port(slow_but_alive);
}

/* ---- a hop that takes all at once and passes it on slowly ---- */

static void send_much(void *argument)
{
    static const uint8_t bytes[40000];
    assert_true(acurast__ws_send(((side *)argument)->ws, bytes, sizeof bytes));
}

/* As a service behind it looks to a client: the bytes are acknowledged at once, and the ping behind them is answered late. */
static void a_ping_behind_much_that_is_on_its_way_may_take_long(void **state)
{
    static const struct timespec moment = {.tv_nsec = 600000000}; /* ten times as long as a ping has else */
    world w;
    client c;
    raw r;
    raw_frame frame;
    uint16_t port;
    int listener = raw_listen(&port);
    (void)state;
    world_open(&w, &(world_options){0});
    client_init(&c, &w);
    c.target.port = port;
    c.settings.ping_interval_ms = 30;
    c.settings.ping_timeout_ms = 60;
    client_connect(&c);
    raw_accept(&r, listener, NULL, NULL);
    raw_serve(&r);
    box_await(&c.side.open, 1);
    world_run(c.side.loop, send_much, &c.side);
    nanosleep(&moment, NULL);
    for (bool whole = false; !whole;) {
        assert_true(raw_receive(&r, &frame));
        whole = frame.opcode == RAW_BINARY;
        free(frame.bytes);
    }
    assert_true(raw_receive(&r, &frame));
    assert_int_equal(frame.opcode, RAW_PING);
    raw_send(&r, RAW_FIN | RAW_PONG, frame.bytes, frame.size);
    free(frame.bytes);
    assert_int_equal(box_count(&c.side.closed), 0);
    assert_true(raw_receive(&r, &frame)); /* once it was answered, the next one has no more time than usual */
    free(frame.bytes);
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.status, ACURAST_UNRESPONSIVE);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void stuck_within_a_frame(const world_options *options)
{
    world w;
    raw r;
    world_options o = *options;
    o.settings.ping_interval_ms = 50;
    o.settings.ping_timeout_ms = 100;
    open_raw(&w, &r, &o);
    world_run(w.loops[0], send_megabytes, world_side(&w, 0));
    box_await(&world_side(&w, 0)->closed, 1);
    assert_int_equal(world_side(&w, 0)->status, ACURAST_UNRESPONSIVE);
    raw_end(&r);
    world_close(&w);
}

static void a_reader_that_is_stuck_within_a_frame_is_hung_up(void **state)
{
    (void)state;
    on_every_port(stuck_within_a_frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_gets_every_byte_once),
        cmocka_unit_test(no_pong_lands_within_a_frame),
        cmocka_unit_test(our_pings_stand_between_frames),
        cmocka_unit_test(unsent_messages_move_to_another_connection),
        cmocka_unit_test(what_is_queued_goes_out_before_the_close),
        cmocka_unit_test(an_abort_does_not_wait_for_the_reader),
        cmocka_unit_test(a_reset_with_something_queued_leaves_nothing),
        cmocka_unit_test(what_the_system_never_had_was_not_written_at_the_end_either),
        cmocka_unit_test(a_client_masks_every_byte),
        cmocka_unit_test(what_is_answered_was_written),
        cmocka_unit_test(a_reader_that_is_slow_within_a_frame_stays),
        cmocka_unit_test(a_ping_behind_much_that_is_on_its_way_may_take_long),
        cmocka_unit_test(a_reader_that_is_stuck_within_a_frame_is_hung_up),
    };
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
