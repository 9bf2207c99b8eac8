/* Websockets of both roles over a real socket on the loopback: what one sends comes out of the other. */
#include "base/clock.h"
#include "base/memory.h"
#include "net/listener.h"
#include "net/tls.h"
#include "net/worker.h"

#include <acurast/context.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_SECONDS 20

/* ---- what happened, told by the loop's thread and waited for by the test ---- */

typedef struct signal_box {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
} signal_box;

static void box_init(signal_box *box)
{
    pthread_mutex_init(&box->lock, NULL);
    pthread_cond_init(&box->changed, NULL);
    box->count = 0;
}

static void box_tell(signal_box *box)
{
    pthread_mutex_lock(&box->lock);
    box->count++;
    pthread_cond_signal(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

static void box_await(signal_box *box, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&box->lock);
    int error = 0;
    while (box->count < count && !error)
        error = pthread_cond_timedwait(&box->changed, &box->lock, &until);
    pthread_mutex_unlock(&box->lock);
    assert_int_equal(error, 0);
}

/* ---- an echo service ---- */

static signal_box left_box;

static bool on_admit(void *shard, const acurast__peer *peer)
{
    (void)shard, (void)peer;
    return true;
}

static void echo(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    (void)owner;
    if (size == 5 && memcmp(bytes, "close", 5) == 0)
        acurast__ws_close(ws, 4321, "as you wish");
    else
        assert_true(acurast__ws_send(ws, bytes, size));
}

static void on_server_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    (void)owner, (void)ws, (void)end;
}

static const acurast__ws_handlers server_handlers = {.message = echo, .closed = on_server_closed};

static void *on_upgrade(void *shard, acurast__ws *ws, acurast__peer *peer, const acurast__request *request,
                        const acurast__ws_handlers **handlers, acurast__ws_settings *settings, unsigned *refuse)
{
    (void)ws, (void)peer;
    if (strcmp(request->path, "/refuse") == 0) {
        *refuse = 429;
        return NULL;
    }
    *handlers = &server_handlers;
    *settings = (acurast__ws_settings){.max_message = 4 << 20};
    return shard;
}

static void on_page(void *shard, const acurast__peer *peer, const acurast__request *request,
                    acurast__response_page *page)
{
    (void)shard, (void)peer, (void)request;
    page->status = 404;
}

static void on_left(void *shard, const acurast__peer *peer)
{
    (void)shard, (void)peer;
    box_tell(&left_box);
}

static const acurast__listener_handlers listener_handlers = {
    .admit = on_admit, .upgrade = on_upgrade, .page = on_page, .left = on_left};

/* ---- a client ---- */

typedef struct client {
    acurast__task task;
    acurast__loop *loop;
    acurast__ws_target target;
    acurast__ws_settings settings;
    acurast__ws *ws;
    signal_box open, message, closed;
    uint8_t *bytes;
    size_t size;
    acurast_status end_status;
    unsigned end_code;
    char reason[128];
} client;

static void on_open(void *owner, acurast__ws *ws)
{
    client *c = owner;
    assert_ptr_equal(c->ws, ws);
    box_tell(&c->open);
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    (void)ws;
    client *c = owner;
    free(c->bytes);
    c->bytes = malloc(size + 1);
    memcpy(c->bytes, bytes, size);
    c->size = size;
    box_tell(&c->message);
}

static void on_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    (void)ws;
    client *c = owner;
    c->end_status = end->status;
    c->end_code = end->code;
    snprintf(c->reason, sizeof c->reason, "%s", end->reason);
    c->ws = NULL;
    box_tell(&c->closed);
}

static const acurast__ws_handlers client_handlers = {.open = on_open, .message = on_message, .closed = on_closed};

static void connect_task(acurast__task *task)
{
    client *c = ACURAST__CONTAINER(task, client, task);
    c->ws = acurast__ws_connect(c->loop, &c->target, &c->settings, &client_handlers, c);
    assert_non_null(c->ws);
}

static void client_connect(client *c, acurast__loop *loop, const char *host, uint16_t port, const char *path)
{
    memset(c, 0, sizeof *c);
    box_init(&c->open);
    box_init(&c->message);
    box_init(&c->closed);
    c->loop = loop;
    c->target = (acurast__ws_target){.host = host, .port = port, .path = path, .connect_timeout_ms = 10000};
    c->settings = (acurast__ws_settings){.max_message = 4 << 20};
    c->task.run = connect_task;
    acurast__loop_post(loop, &c->task);
}

typedef struct sending {
    acurast__task task;
    client *c;
    const void *bytes;
    size_t size;
    signal_box done;
} sending;

static void send_task(acurast__task *task)
{
    sending *s = ACURAST__CONTAINER(task, sending, task);
    assert_true(acurast__ws_send(s->c->ws, s->bytes, s->size));
    box_tell(&s->done);
}

static void client_send(client *c, const void *bytes, size_t size)
{
    sending s = {.task = {.run = send_task}, .c = c, .bytes = bytes, .size = size};
    box_init(&s.done);
    acurast__loop_post(c->loop, &s.task);
    box_await(&s.done, 1);
}

static void close_task(acurast__task *task)
{
    sending *s = ACURAST__CONTAINER(task, sending, task);
    if (s->c->ws)
        acurast__ws_close(s->c->ws, 1000, "enough");
    box_tell(&s->done);
}

static void client_close(client *c)
{
    sending s = {.task = {.run = close_task}, .c = c};
    box_init(&s.done);
    acurast__loop_post(c->loop, &s.task);
    box_await(&s.done, 1);
    box_await(&c->closed, 1);
    free(c->bytes);
}

/* ---- the world of a test ---- */

typedef struct world {
    acurast__loop *loop;
    acurast__listener *listener;
    uint16_t port;
    signal_box listener_closed;
} world;

static void on_listener_closed(void *user)
{
    box_tell(user);
}

static void world_open(world *w, acurast__loop_kind kind, bool batched)
{
    char detail[256];
    acurast__loop_config config = {.kind = kind, .batched_writes = batched};
    box_init(&w->listener_closed);
    box_init(&left_box);
    assert_int_equal(acurast__loop_start(&config, &w->loop), ACURAST_OK);
    acurast__listener_config listen = {
        .address = "127.0.0.1", .request_timeout_ms = 10000, .handlers = &listener_handlers};
    void *shard = w;
    assert_int_equal(acurast__listener_open(&w->loop, &shard, 1, &listen, &w->listener, detail, sizeof detail),
                     ACURAST_OK);
    w->port = acurast__listener_port(w->listener);
    assert_int_not_equal(w->port, 0);
}

static void world_close(world *w, unsigned connections)
{
    box_await(&left_box, connections);
    acurast__listener_close(w->listener, on_listener_closed, &w->listener_closed);
    box_await(&w->listener_closed, 1);
    acurast__listener_free(w->listener);
    acurast__loop_stop(w->loop);
    acurast__loop_join(w->loop);
}

static void echo_sizes(acurast__loop_kind kind, bool batched)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 200000, 3 << 20};
    uint8_t *bytes = malloc(4 << 20);
    for (size_t i = 0; i < 4 << 20; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    world w;
    world_open(&w, kind, batched);
    client c;
    client_connect(&c, w.loop, "127.0.0.1", w.port, "/");
    box_await(&c.open, 1);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        client_send(&c, bytes, sizes[i]);
        box_await(&c.message, i + 1);
        assert_int_equal(c.size, sizes[i]);
        assert_memory_equal(c.bytes, bytes, sizes[i]);
    }
    client_close(&c);
    assert_int_equal(c.end_status, ACURAST_OK);
    world_close(&w, 1);
    free(bytes);
}

static void messages_of_every_size_come_back_on_uv(void **state)
{
    (void)state;
    echo_sizes(ACURAST__LOOP_UV, true);
}

static void messages_of_every_size_come_back_on_poll(void **state)
{
    (void)state;
    echo_sizes(ACURAST__LOOP_POLL, true);
}

static void messages_of_every_size_come_back_without_batches(void **state)
{
    (void)state;
    echo_sizes(ACURAST__LOOP_UV, false);
    echo_sizes(ACURAST__LOOP_POLL, false);
}

static void a_peer_tells_why_it_closes(void **state)
{
    (void)state;
    world w;
    world_open(&w, ACURAST__LOOP_AUTO, true);
    client c;
    client_connect(&c, w.loop, "localhost", w.port, "/");
    box_await(&c.open, 1);
    client_send(&c, "close", 5);
    box_await(&c.closed, 1);
    assert_int_equal(c.end_status, ACURAST_OK);
    assert_int_equal(c.end_code, 4321);
    assert_string_equal(c.reason, "as you wish");
    world_close(&w, 1);
}

static void failures_to_connect_have_their_status(void **state)
{
    (void)state;
    world w;
    world_open(&w, ACURAST__LOOP_AUTO, true);
    client refused, absent, unknown;
    client_connect(&refused, w.loop, "127.0.0.1", w.port, "/refuse");
    box_await(&refused.closed, 1);
    assert_int_equal(refused.end_status, ACURAST_UPGRADE);
    client_connect(&absent, w.loop, "127.0.0.1", 1, "/");
    box_await(&absent.closed, 1);
    assert_int_equal(absent.end_status, ACURAST_CONNECT);
    client_connect(&unknown, w.loop, "nobody.invalid", 80, "/");
    box_await(&unknown.closed, 1);
    assert_int_equal(unknown.end_status, ACURAST_RESOLVE);
    assert_int_equal(refused.open.count + absent.open.count + unknown.open.count, 0);
    world_close(&w, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_come_back_on_uv),
        cmocka_unit_test(messages_of_every_size_come_back_on_poll),
        cmocka_unit_test(messages_of_every_size_come_back_without_batches),
        cmocka_unit_test(a_peer_tells_why_it_closes),
        cmocka_unit_test(failures_to_connect_have_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
