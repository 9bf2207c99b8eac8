/*
 * Without memory: whatever allocation of ours fails, somebody is told or something is closed, nothing crashes and nothing is left.
 */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <time.h>
#include <unistd.h>

static uint8_t large[300000];

typedef struct attempt {
    client c;
    long n; /* the allocation that fails */
    bool made;
} attempt;

static void try_connect(void *argument)
{
    attempt *a = argument;
    client *c = &a->c;
    c->side.ws = acurast__ws_connect(c->side.loop, &c->target, &c->settings, &side_handlers, &c->side);
    a->made = c->side.ws != NULL;
}

static void try_send(void *argument)
{
    side *s = argument;
    if (!s->ws)
        return;
    acurast__ws_send(s->ws, "small", 5);
    acurast__ws_send(s->ws, large, sizeof large);
}

static void await_outcome(attempt *a)
{
    uint64_t until = acurast__clock_ms() + 20000;
    while (!box_count(&a->c.side.closed) && !box_count(&a->c.side.message) && acurast__clock_ms() < until) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        world_run(a->c.side.loop, try_send, &a->c.side);
    }
    assert_true(box_count(&a->c.side.closed) || box_count(&a->c.side.message));
}

/* A whole life with the n-th allocation failing. */
static void live(const world_options *options, const char *host, long n)
{
    world w;
    attempt a;
    acurast__tls *tls = NULL;
    const char *detail;
    world_open(&w, options);
    acurast__memory_fail_at(n);
    client_init(&a.c, &w);
    a.c.target.host = host;
    a.c.target.connect_timeout_ms = 3000;
    if (options->tls_cert) {
        acurast_status status = acurast__tls_client(world_authority.file, NULL, &tls, &detail);
        assert_true(status == ACURAST_OK || status == ACURAST_NO_MEMORY);
    }
    a.c.target.tls = tls;
    a.made = false;
    if (tls || !options->tls_cert)
        world_run(a.c.side.loop, try_connect, &a);
    if (a.made) {
        await_outcome(&a);
        client_end(&a.c);
    }
    acurast__memory_fail_at(0);
    acurast__tls_release(tls);
    world_close(&w);
}

static void every_allocation(const world_options *options)
{
    for (int tls = 0; tls < 2; tls++) {
        world_options o = *options;
        o.tls_cert = tls ? world_certificate.cert : NULL;
        o.tls_key = tls ? world_certificate.key : NULL;
        for (int name = 0; name < 2; name++)
            for (long n = 1; n < 14; n++)
                live(&o, name ? "localhost" : "127.0.0.1", n);
    }
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    every_allocation(&(world_options){0});
}

static void connect_without_memory(void *argument)
{
    attempt *a = argument;
    acurast__memory_fail_at(a->n);
    try_connect(a);
}

/* To a listener that says nothing, until no allocation fails: the status of the end, NO_MEMORY also where it did not begin. */
static acurast_status connect_failing(world *w, uint16_t port, const acurast__tls *tls, long n)
{
    attempt a = {.n = n};
    client_init(&a.c, w);
    a.c.target.port = port;
    a.c.target.tls = tls;
    a.c.target.connect_timeout_ms = 50;
    world_run(w->loops[0], connect_without_memory, &a);
    if (a.made)
        box_await(&a.c.side.closed, 1);
    acurast__memory_fail_at(0);
    return a.made ? a.c.side.status : ACURAST_NO_MEMORY;
}

static void each_step_says_what_it_lacks(void **state)
{
    acurast__tls *tls;
    const char *detail;
    uint16_t port;
    int listener = raw_listen(&port);
    (void)state;
    assert_int_equal(acurast__tls_client(world_authority.file, NULL, &tls, &detail), ACURAST_OK);
    for (long n = 1;; n++) {
        world w;
        world_open(&w, &(world_options){0});
        acurast_status status = connect_failing(&w, port, tls, n);
        world_close(&w);
        if (status == ACURAST_TIMEOUT && n > 8)
            break;
        assert_int_equal(status, ACURAST_NO_MEMORY);
    }
    acurast__tls_release(tls);
    close(listener);
}

static void send_without_memory(void *argument)
{
    static uint8_t larger[8 * 1024 * 1024];
    side *s = argument;
    acurast__memory_fail_at(1); /* for what is sealed, and the socket has not taken */
    acurast__ws_send(s->ws, larger, sizeof larger);
    acurast__memory_fail_at(0);
}

/* Behind a record that was lost in part nobody could understand what follows. */
static void a_record_that_is_lost_ends_the_connection(void **state)
{
    world w;
    raw r;
    (void)state;
    world_options o = {.tls_cert = world_certificate.cert, .tls_key = world_certificate.key};
    world_open(&w, &o);
    raw_connect(&r, w.port, true, 4096);
    raw_upgrade(&r, "/");
    side *s = world_side(&w, 0);
    world_run(w.loops[0], send_without_memory, s);
    box_await(&s->closed, 1);
    assert_int_equal(s->status, ACURAST_LOST);
    raw_end(&r);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_is_lost_ends_the_connection),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(each_step_says_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
