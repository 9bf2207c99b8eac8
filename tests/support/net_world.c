#include "support/net_world.h"

#include "support/net_certs.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

#define PATIENCE_SECONDS 20

/* ---- boxes ---- */

void box_init(signal_box *box)
{
    pthread_mutex_init(&box->lock, NULL);
    pthread_cond_init(&box->changed, NULL);
    box->count = 0;
}

void box_tell(signal_box *box)
{
    pthread_mutex_lock(&box->lock);
    box->count++;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

unsigned box_count(signal_box *box)
{
    pthread_mutex_lock(&box->lock);
    unsigned count = box->count;
    pthread_mutex_unlock(&box->lock);
    return count;
}

void box_await(signal_box *box, unsigned count)
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

/* ---- acting on a loop ---- */

typedef struct action {
    acurast__task task;
    void (*act)(void *argument);
    void *argument;
    signal_box done;
} action;

static void on_action(acurast__task *task)
{
    action *a = ACURAST__CONTAINER(task, action, task);
    a->act(a->argument);
    box_tell(&a->done);
}

void world_run(acurast__loop *loop, void (*act)(void *argument), void *argument)
{
    action a = {.task = {.run = on_action}, .act = act, .argument = argument};
    box_init(&a.done);
    acurast__loop_post(loop, &a.task);
    box_await(&a.done, 1);
}

/* ---- sides ---- */

static void side_init(side *s, acurast__loop *loop)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    box_init(&s->open);
    box_init(&s->message);
    box_init(&s->written);
    box_init(&s->closed);
}

static void on_open(void *owner, acurast__ws *ws)
{
    side *s = owner;
    assert_ptr_equal(s->ws, ws);
    if (s->on_open)
        s->on_open(s);
    box_tell(&s->open);
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    side *s = owner;
    assert_ptr_equal(s->ws, ws);
    if (s->on_message) {
        s->on_message(s, bytes, size);
    } else {
        free(s->bytes);
        s->bytes = malloc(size + 1);
        if (size)
            memcpy(s->bytes, bytes, size);
        s->size = size;
    }
    box_tell(&s->message);
}

static void on_written(void *owner, acurast__ws *ws)
{
    side *s = owner;
    assert_ptr_equal(s->ws, ws);
    if (s->on_written)
        s->on_written(s);
    box_tell(&s->written);
}

static void on_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    side *s = owner;
    assert_ptr_equal(s->ws, ws);
    s->status = end->status;
    s->code = end->code;
    s->by_peer = end->by_peer;
    snprintf(s->reason, sizeof s->reason, "%s", end->reason);
    if (s->on_closed)
        s->on_closed(s);
    s->ws = NULL;
    box_tell(&s->closed);
}

const acurast__ws_handlers side_handlers = {
    .open = on_open, .message = on_message, .written = on_written, .closed = on_closed};

typedef struct doing {
    side *side;
    const void *bytes;
    size_t size;
    uint16_t code;
} doing;

static void do_send(void *argument)
{
    doing *d = argument;
    assert_non_null(d->side->ws);
    assert_true(acurast__ws_send(d->side->ws, d->bytes, d->size));
}

void side_send(side *s, const void *bytes, size_t size)
{
    doing d = {.side = s, .bytes = bytes, .size = size};
    world_run(s->loop, do_send, &d);
}

static void do_close(void *argument)
{
    doing *d = argument;
    if (d->side->ws)
        acurast__ws_close(d->side->ws, d->code, d->bytes);
}

void side_close(side *s, uint16_t code, const char *reason)
{
    doing d = {.side = s, .bytes = reason, .code = code};
    world_run(s->loop, do_close, &d);
}

static void do_abort(void *argument)
{
    side *s = argument;
    if (s->ws)
        acurast__ws_abort(s->ws);
}

void side_abort(side *s)
{
    world_run(s->loop, do_abort, s);
}

static void do_pause(void *argument)
{
    side *s = argument;
    acurast__ws_pause(s->ws);
}

void side_pause(side *s)
{
    world_run(s->loop, do_pause, s);
}

static void do_resume(void *argument)
{
    side *s = argument;
    acurast__ws_resume(s->ws);
}

void side_resume(side *s)
{
    world_run(s->loop, do_resume, s);
}

/* ---- the service ---- */

static acurast__admission on_admit(void *shard, acurast__peer *peer)
{
    world *w = shard;
    assert_int_equal(peer->tls, w->options.tls_cert != NULL);
    assert_true(acurast__address_loopback(&peer->address));
    pthread_mutex_lock(&w->lock);
    bool room = !w->options.most || w->held < w->options.most;
    w->admitted += room;
    w->held += room;
    peer->pending = room;
    pthread_mutex_unlock(&w->lock);
    if (room)
        return ACURAST__ADMISSION_GRANTED;
    return w->options.evict ? ACURAST__ADMISSION_FULL : ACURAST__ADMISSION_REFUSED;
}

static void on_evicted(void *shard, acurast__peer *peer)
{
    world *w = shard;
    pthread_mutex_lock(&w->lock);
    w->held -= peer->pending;
    peer->pending = false;
    pthread_mutex_unlock(&w->lock);
}

static void echo(side *s, const uint8_t *bytes, size_t size)
{
    acurast__ws_send(s->ws, bytes, size);
}

static acurast__loop *current_loop(world *w)
{
    for (size_t i = 0; i < w->loop_count; i++)
        if (acurast__loop_is_current(w->loops[i]))
            return w->loops[i];
    fail();
    return NULL;
}

static void *on_upgrade(void *shard, acurast__ws *ws, acurast__peer *peer, const acurast__request *request,
                        const acurast__ws_handlers **out, acurast__ws_settings *settings, unsigned *refuse)
{
    world *w = shard;
    (void)peer;
    if (strcmp(request->path, "/refuse") == 0) {
        *refuse = 429;
        return NULL;
    }
    side *s = malloc(sizeof *s);
    side_init(s, current_loop(w));
    s->ws = ws;
    s->on_message = echo;
    if (w->options.greet) {
        s->on_message = NULL;
        w->options.greet(s);
    }
    *out = &side_handlers;
    *settings = w->options.settings;
    pthread_mutex_lock(&w->lock);
    w->sides[box_count(&w->upgraded)] = s;
    box_tell(&w->upgraded);
    pthread_mutex_unlock(&w->lock);
    return s;
}

static void on_page(void *shard, const acurast__peer *peer, const acurast__request *request,
                    acurast__response_page *page)
{
    (void)shard, (void)peer;
    size_t size = strcmp(request->path, "/page") == 0 ? 6 : strcmp(request->path, "/large") == 0 ? 3 << 20 : 0;
    if (!size)
        return;
    page->status = 200;
    page->body = acurast__alloc(size);
    page->body_size = size;
    if (size == 6)
        memcpy(page->body, "hello\n", 6);
    else
        fill_pattern((uint8_t *)page->body, size, 1);
}

static void on_left(void *shard, const acurast__peer *peer)
{
    world *w = shard;
    pthread_mutex_lock(&w->lock);
    w->held -= peer->pending;
    pthread_mutex_unlock(&w->lock);
    box_tell(&w->left);
}

static const acurast__listener_handlers listener_handlers = {
    .admit = on_admit, .evicted = on_evicted, .upgrade = on_upgrade, .page = on_page, .left = on_left};

/* ---- the world ---- */

static size_t entries(const char *folder)
{
    DIR *list = opendir(folder);
    size_t count = 0;
    if (!list)
        return 0;
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

size_t count_descriptors(void)
{
    return entries("/dev/fd");
}

size_t count_threads(void)
{
    return entries("/proc/self/task");
}

static void default_to(world_options *o)
{
    o->loops = o->loops ? o->loops : 1;
    o->address = o->address ? o->address : "127.0.0.1";
    o->request_timeout_ms = o->request_timeout_ms ? o->request_timeout_ms : 10000;
    o->settings.max_message = o->settings.max_message ? o->settings.max_message : 4 << 20;
}

/* A thread that was joined may be in the kernel's list for a moment more. */
static void await_threads(size_t count)
{
    uint64_t until = acurast__clock_ms() + PATIENCE_SECONDS * 1000;
    while (count_threads() > count && acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* What libraries keep for the process is there before anything is counted. */
static void warm_up(void)
{
    static bool warm;
    acurast__loop *loop;
    if (warm)
        return;
    warm = true;
    size_t threads = count_threads();
    assert_int_equal(acurast__loop_start(&(acurast__loop_config){0}, &loop), ACURAST_OK);
    acurast__loop_stop(loop);
    acurast__loop_join(loop);
    await_threads(threads + SANITIZER_THREADS);
}

void world_open(world *w, const world_options *options)
{
    char detail[256] = "";
    warm_up();
    memset(w, 0, sizeof *w);
    w->options = *options;
    default_to(&w->options);
    w->descriptors = count_descriptors();
    w->threads = count_threads();
    pthread_mutex_init(&w->lock, NULL);
    box_init(&w->listener_closed);
    box_init(&w->upgraded);
    box_init(&w->left);
    void *shards[WORLD_LOOPS];
    for (; w->loop_count < w->options.loops; w->loop_count++) {
        acurast__loop_config config = {0};
        assert_int_equal(acurast__loop_start(&config, &w->loops[w->loop_count]), ACURAST_OK);
        shards[w->loop_count] = w;
    }
    acurast__certificate *certificate = NULL;
    if (w->options.tls_cert) {
        certificate = acurast__certificate_read(w->options.tls_cert, w->options.tls_key, detail, sizeof detail);
        if (!certificate)
            fail_msg("%s", detail);
    }
    acurast__listener_config listen = {.address = w->options.address,
                                       .certificate = certificate,
                                       .request_timeout_ms = w->options.request_timeout_ms,
                                       .handlers = &listener_handlers};
    acurast_status status =
        acurast__listener_open(w->loops, shards, w->loop_count, &listen, &w->listener, detail, sizeof detail);
    acurast__certificate_release(certificate);
    if (status != ACURAST_OK)
        fail_msg("%s", detail);
    w->port = acurast__listener_port(w->listener);
    assert_int_not_equal(w->port, 0);
}

static void on_listener_closed(void *user)
{
    box_tell(user);
}

typedef struct memory_question {
    acurast__loop *loop;
    size_t bytes;
} memory_question;

static void ask_memory(void *argument)
{
    memory_question *q = argument;
    acurast__loop_look(q->loop);
    q->bytes += acurast__loop_memory(q->loop);
}

size_t world_memory(world *w)
{
    memory_question q = {0};
    for (size_t i = 0; i < w->loop_count; i++) {
        q.loop = w->loops[i];
        world_run(q.loop, ask_memory, &q);
    }
    return q.bytes;
}

unsigned world_admitted(world *w)
{
    pthread_mutex_lock(&w->lock);
    unsigned admitted = w->admitted;
    pthread_mutex_unlock(&w->lock);
    return admitted;
}

void world_stop_listening(world *w)
{
    acurast__listener_close(w->listener, on_listener_closed, &w->listener_closed);
    box_await(&w->listener_closed, 1);
}

void world_close(world *w)
{
    if (!box_count(&w->listener_closed))
        world_stop_listening(w);
    box_await(&w->left, world_admitted(w));
    acurast__listener_free(w->listener);
    assert_int_equal(world_memory(w), 0);
    for (size_t i = 0; i < w->loop_count; i++)
        acurast__loop_stop(w->loops[i]);
    for (size_t i = 0; i < w->loop_count; i++)
        acurast__loop_join(w->loops[i]);
    for (unsigned i = 0; i < w->upgraded.count; i++) {
        assert_int_equal(w->sides[i]->closed.count, 1);
        free(w->sides[i]->bytes);
        free(w->sides[i]);
    }
    assert_int_equal(w->left.count, w->admitted);
    await_threads(w->threads);
    assert_int_equal(count_threads(), w->threads);
    assert_int_equal(count_descriptors(), w->descriptors);
}

side *world_side(world *w, unsigned n)
{
    box_await(&w->upgraded, n + 1);
    pthread_mutex_lock(&w->lock);
    side *s = w->sides[n];
    pthread_mutex_unlock(&w->lock);
    return s;
}

/* ---- clients ---- */

void client_init(client *c, world *w)
{
    memset(c, 0, sizeof *c);
    side_init(&c->side, w->loops[0]);
    c->target = (acurast__ws_target){.host = "127.0.0.1", .port = w->port, .path = "/", .connect_timeout_ms = 10000};
    c->settings = (acurast__ws_settings){.max_message = 4 << 20};
}

static void do_connect(void *argument)
{
    client *c = argument;
    c->side.ws = acurast__ws_connect(c->side.loop, &c->target, &c->settings, &side_handlers, &c->side);
    assert_non_null(c->side.ws);
}

void client_connect(client *c)
{
    world_run(c->side.loop, do_connect, c);
}

void client_open(client *c, world *w)
{
    client_init(c, w);
    client_connect(c);
    box_await(&c->side.open, 1);
}

void client_end(client *c)
{
    side_close(&c->side, 1000, "enough");
    box_await(&c->side.closed, 1);
    free(c->side.bytes);
    c->side.bytes = NULL;
}

/* ---- other ---- */

void fill_pattern(uint8_t *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((i * 31 >> 3) + i / 251 + seed * 17);
}

void on_every_port(void (*test)(const world_options *options))
{
    test(&(world_options){0});
    test(&(world_options){.tls_cert = world_certificate.cert, .tls_key = world_certificate.key});
}
