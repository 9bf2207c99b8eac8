/* Websockets of both roles over a real socket on the loopback: what one sends comes out of the other, and how they end. */
#include "support/net_world.h"

#include <acurast/context.h>

static void echo_sizes(const world_options *options)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 200000, 3 << 20};
    uint8_t *bytes = malloc(4 << 20);
    fill_pattern(bytes, 4 << 20, 0);
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        side_send(&c.side, bytes, sizes[i]);
        box_await(&c.side.message, i + 1);
        assert_int_equal(c.side.size, sizes[i]);
        assert_memory_equal(c.side.bytes, bytes, sizes[i]);
    }
    client_end(&c);
    assert_int_equal(c.side.status, ACURAST_OK);
    world_close(&w);
    free(bytes);
}

static void messages_of_every_size_come_back(void **state)
{
    (void)state;
    echo_sizes(&(world_options){0});
}

static void close_by_service(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    side_close(world_side(&w, 0), 4321, "as you wish");
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.status, ACURAST_OK);
    assert_int_equal(c.side.code, 4321);
    assert_true(c.side.by_peer);
    assert_string_equal(c.side.reason, "as you wish");
    side *s = world_side(&w, 0);
    box_await(&s->closed, 1);
    assert_int_equal(s->status, ACURAST_OK);
    assert_int_equal(s->code, 4321);
    assert_false(s->by_peer);
    world_close(&w);
}

static void a_service_tells_why_it_closes(void **state)
{
    (void)state;
    close_by_service(&(world_options){0});
}

static void close_by_client(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    side_close(&c.side, 1001, "");
    side_close(&c.side, 4000, "too late: the first one counts");
    side *s = world_side(&w, 0);
    box_await(&s->closed, 1);
    assert_int_equal(s->status, ACURAST_OK);
    assert_int_equal(s->code, 1001);
    assert_true(s->by_peer);
    assert_string_equal(s->reason, "");
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.code, 1001);
    world_close(&w);
}

static void a_client_tells_why_it_closes(void **state)
{
    (void)state;
    close_by_client(&(world_options){0});
}

static void a_long_reason_is_cut(void **state)
{
    char reason[400];
    world w;
    client c;
    (void)state;
    memset(reason, 'r', sizeof reason);
    reason[sizeof reason - 1] = 0;
    world_open(&w, &(world_options){0});
    client_open(&c, &w);
    side_close(world_side(&w, 0), 4000, reason);
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.code, 4000);
    assert_int_equal(strlen(c.side.reason), 123);
    world_close(&w);
}

static void abort_by_client(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_open(&c, &w);
    side_abort(&c.side);
    side_abort(&c.side);
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.status, ACURAST_LOST);
    assert_int_equal(c.side.code, 0);
    side *s = world_side(&w, 0);
    box_await(&s->closed, 1);
    assert_int_equal(s->status, ACURAST_LOST);
    world_close(&w);
}

static void an_abort_tells_nobody(void **state)
{
    (void)state;
    abort_by_client(&(world_options){0});
}

/* ---- within handlers ---- */

static void send_three(side *s)
{
    acurast__ws_send(s->ws, "1", 1);
    acurast__ws_send2(s->ws, "2", 1, "3", 1);
    acurast__ws_send(s->ws, "", 0);
}

static void close_here(side *s)
{
    acurast__ws_close(s->ws, 4001, "in a handler");
    assert_false(acurast__ws_send(s->ws, "late", 4));
}

static void abort_here(side *s)
{
    acurast__ws_abort(s->ws);
    assert_false(acurast__ws_send(s->ws, "late", 4));
}

static void close_then_abort_here(side *s)
{
    close_here(s);
    abort_here(s);
}

static void pause_and_resume_here(side *s)
{
    acurast__ws_pause(s->ws);
    acurast__ws_pause(s->ws);
    acurast__ws_resume(s->ws);
    acurast__ws_resume(s->ws);
}

static void all_of_it_after_the_end(side *s)
{
    acurast__chain chain;
    acurast__chain_init(&chain);
    assert_true(acurast__chain_append(&chain, "late", 4));
    assert_false(acurast__ws_send(s->ws, "late", 4));
    acurast__ws_send_chain(s->ws, &chain);
    assert_null(chain.first);
    acurast__ws_take_unsent(s->ws, &chain);
    acurast__chain_clear(&chain);
    acurast__ws_pause(s->ws);
    acurast__ws_resume(s->ws);
    acurast__ws_close(s->ws, 4002, "late");
    acurast__ws_abort(s->ws);
    assert_int_equal(acurast__ws_buffered(s->ws), 0);
}

static void (*acting)(side *s);

static void act_on_message(side *s, const uint8_t *bytes, size_t size)
{
    (void)bytes, (void)size;
    if (s->ws)
        acting(s);
}

static void greet_acting(side *s)
{
    s->on_message = act_on_message;
    s->on_closed = all_of_it_after_the_end;
}

static void acting_on_message(const world_options *options)
{
    static void (*const acts[])(side * s) = {close_here, abort_here, close_then_abort_here};
    world w;
    world_options o = *options;
    o.greet = greet_acting;
    world_open(&w, &o);
    for (unsigned i = 0; i < ARRAY_SIZE(acts); i++) {
        client c;
        acting = acts[i];
        client_open(&c, &w);
        c.side.on_closed = all_of_it_after_the_end;
        side_send(&c.side, "go", 2);
        box_await(&c.side.closed, 1);
        assert_int_equal(c.side.code, i ? 0 : 4001);
        side *s = world_side(&w, i);
        box_await(&s->closed, 1);
        assert_int_equal(box_count(&s->message), 1);
    }
    world_close(&w);
}

static void a_handler_of_messages_may_end_its_websocket(void **state)
{
    (void)state;
    acting_on_message(&(world_options){0});
}

static void acting_on_open(const world_options *options)
{
    static void (*const acts[])(side * s) = {close_here, abort_here, close_then_abort_here};
    world w;
    world_open(&w, options);
    for (unsigned i = 0; i < ARRAY_SIZE(acts); i++) {
        client c;
        client_init(&c, &w);
        c.side.on_open = acts[i];
        c.side.on_closed = all_of_it_after_the_end;
        client_connect(&c);
        box_await(&c.side.closed, 1);
        assert_int_equal(box_count(&c.side.open), 1);
        box_await(&world_side(&w, i)->closed, 1);
        assert_int_equal(world_side(&w, i)->code, i ? 0 : 4001);
    }
    world_close(&w);
}

static void a_handler_of_open_may_end_its_websocket(void **state)
{
    (void)state;
    acting_on_open(&(world_options){0});
}

static void acting_on_written(const world_options *options)
{
    static void (*const acts[])(side * s) = {close_here, abort_here, close_then_abort_here};
    world w;
    world_open(&w, options);
    for (unsigned i = 0; i < ARRAY_SIZE(acts); i++) {
        client c;
        client_init(&c, &w);
        c.side.on_open = send_three;
        c.side.on_written = acts[i];
        client_connect(&c);
        box_await(&c.side.closed, 1);
        box_await(&world_side(&w, i)->closed, 1);
    }
    world_close(&w);
}

static void a_handler_of_written_may_end_its_websocket(void **state)
{
    (void)state;
    acting_on_written(&(world_options){0});
}

static void sending_on_open(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_init(&c, &w);
    c.side.on_open = send_three;
    c.side.on_written = pause_and_resume_here;
    client_connect(&c);
    box_await(&c.side.message, 3);
    assert_int_equal(c.side.size, 0);
    client_end(&c);
    world_close(&w);
}

static void a_handler_of_open_may_send(void **state)
{
    (void)state;
    sending_on_open(&(world_options){0});
}

/* ---- one websocket acts on another ---- */

static side *victim;

static void abort_victim(side *s, const uint8_t *bytes, size_t size)
{
    (void)s, (void)bytes, (void)size;
    if (victim->ws)
        acurast__ws_abort(victim->ws);
}

static void greet_pair(side *s)
{
    s->on_message = abort_victim;
}

static void aborting_another(const world_options *options)
{
    world w;
    world_options o = *options;
    client a, b;
    o.greet = greet_pair;
    world_open(&w, &o);
    client_open(&a, &w);
    client_open(&b, &w);
    victim = world_side(&w, 1);
    side_send(&b.side, "x", 1);
    side_send(&a.side, "x", 1);
    box_await(&b.side.closed, 1);
    box_await(&world_side(&w, 1)->closed, 1);
    client_end(&a);
    world_close(&w);
}

static void a_handler_may_end_another_websocket(void **state)
{
    (void)state;
    aborting_another(&(world_options){0});
}

/* ---- many ---- */

static void storm(const world_options *options)
{
    enum {
        COUNT = 40
    };
    static client clients[COUNT];
    world w;
    world_options o = *options;
    o.loops = 2;
    world_open(&w, &o);
    for (unsigned i = 0; i < COUNT; i++) {
        client_init(&clients[i], &w);
        clients[i].side.loop = w.loops[i % 2];
        clients[i].side.on_open = i % 3 == 0 ? send_three : i % 3 == 1 ? close_here : NULL;
        client_connect(&clients[i]);
        if (i % 5 == 0)
            side_abort(&clients[i].side);
    }
    for (unsigned i = 0; i < COUNT; i++)
        client_end(&clients[i]);
    world_close(&w);
}

static void storms_of_opening_and_closing_leave_nothing(void **state)
{
    (void)state;
    storm(&(world_options){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_come_back),
        cmocka_unit_test(a_service_tells_why_it_closes),
        cmocka_unit_test(a_client_tells_why_it_closes),
        cmocka_unit_test(a_long_reason_is_cut),
        cmocka_unit_test(an_abort_tells_nobody),
        cmocka_unit_test(a_handler_of_messages_may_end_its_websocket),
        cmocka_unit_test(a_handler_of_open_may_end_its_websocket),
        cmocka_unit_test(a_handler_of_written_may_end_its_websocket),
        cmocka_unit_test(a_handler_of_open_may_send),
        cmocka_unit_test(a_handler_may_end_another_websocket),
        cmocka_unit_test(storms_of_opening_and_closing_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
