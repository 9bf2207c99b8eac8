/*
 * The thread that owns sockets. Ours are polled by libuv. libwebsockets, by which clients connect, runs on the same libuv loop; where it lacks
 * the plug-in for that, its poll() loop has the lead, and libuv's descriptor for waiting is one of those that it polls.
 *
 *   started -> running -> stopping (acurast__loop_stop) -> nothing left that holds it -> ended
 *
 * Time is read once a turn: the clock is marked stale before each wait and read again by whoever asks first.
 */
#include "net/loop_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "net/callback.h"
#include "net/chunk.h"
#include "net/lws.h"
#include "net/tls_internal.h"
#include "net/upgrade.h"
#include "net/ws_internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A turn runs the tasks that were there when it began, so that tasks which post tasks cannot keep the I/O waiting. */
static void run_tasks(acurast__loop *loop)
{
    acurast__task *task = acurast__inbox_take(&loop->inbox);
    while (task) {
        acurast__task *next = task->next;
        task->run(task);
        task = next;
    }
}

static bool run_hooks(acurast__loop *loop)
{
    bool more = false;
    for (acurast__list *at = loop->hooks.next, *next; at != &loop->hooks; at = next) {
        next = at->next;
        acurast__loop_hook *hook = ACURAST__CONTAINER(at, acurast__loop_hook, link);
        more |= hook->run(hook);
    }
    return more;
}

/* What is queued by those who are told that something was written waits for the next turn: the I/O has its share. */
static void flush(acurast__loop *loop)
{
    acurast__list batch;
    acurast__list_move(&batch, &loop->dirty);
    while (!acurast__list_empty(&batch)) {
        acurast__ws *ws = ACURAST__CONTAINER(batch.next, acurast__ws, dirty_link);
        acurast__list_remove(&ws->dirty_link);
        acurast__ws_flush(ws);
    }
}

static void read_unread(acurast__loop *loop)
{
    acurast__list batch;
    acurast__list_move(&batch, &loop->unread);
    while (!acurast__list_empty(&batch)) {
        acurast__ws *ws = ACURAST__CONTAINER(batch.next, acurast__ws, unread_link);
        acurast__list_remove(&ws->unread_link);
        acurast__ws_read_rest(ws);
    }
}

void acurast__loop_reap(acurast__loop *loop, acurast__reap *reap)
{
    if (acurast__list_empty(&reap->link))
        acurast__list_append(&loop->reaped, &reap->link);
}

static void end_lws(acurast__reap *reap)
{
    lws_set_timeout(ACURAST__CONTAINER(reap, acurast__lws_reap, reap)->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void acurast__lws_reap_init(acurast__lws_reap *reap)
{
    *reap = (acurast__lws_reap){.reap = {.end = end_lws}};
    acurast__list_init(&reap->reap.link);
}

void acurast__loop_reap_lws(acurast__loop *loop, acurast__lws_reap *reap, struct lws *wsi)
{
    reap->wsi = wsi;
    acurast__loop_reap(loop, &reap->reap);
}

static void reap_all(acurast__loop *loop)
{
    while (!acurast__list_empty(&loop->reaped)) {
        acurast__reap *reap = ACURAST__CONTAINER(loop->reaped.next, acurast__reap, link);
        acurast__list_remove(&reap->link);
        reap->end(reap);
    }
}

/* ---- descriptors ---- */

uv_poll_t *acurast__loop_watch(acurast__loop *loop, int descriptor, void *data)
{
    uv_poll_t *poll = acurast__alloc_zero(sizeof *poll);
    if (!poll || uv_poll_init(&loop->uv, poll, descriptor) != 0) {
        acurast__free(poll);
        return NULL;
    }
    poll->data = data;
    return poll;
}

static void free_handle(uv_handle_t *handle)
{
    acurast__free(handle); /* libwebsockets has its own from malloc() */
}

static void mark_orphan(uv_handle_t *handle, void *wsi)
{
    if (uv_handle_get_type(handle) == UV_POLL && handle->data == wsi && !uv_is_closing(handle))
        handle->data = NULL;
}

static void close_orphan(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (uv_handle_get_type(handle) == UV_POLL && !handle->data && !uv_is_closing(handle))
        uv_close(handle, free_handle);
}

void acurast__loop_unwatch(uv_poll_t *poll)
{
    uv_poll_stop(poll);
    poll->data = NULL;
    uv_close((uv_handle_t *)poll, free_handle);
}

/* libwebsockets still stops the handle before it forgets it, so it is closed at the end of the turn. */
void acurast__loop_failed(acurast__loop *loop, struct lws *wsi)
{
    if (!loop->uv_kind || lws_get_socket_fd(wsi) >= 0)
        return;
    uv_walk(&loop->uv, mark_orphan, wsi);
    loop->orphans = true;
}

static void close_orphans(acurast__loop *loop)
{
    if (loop->orphans)
        uv_walk(&loop->uv, close_orphan, NULL);
    loop->orphans = false;
}

/* True where there is more to do without waiting for I/O. */
static bool turn(acurast__loop *loop)
{
    loop->turn_received = 0;
    run_tasks(loop);
    acurast__wheel_advance(&loop->wheel, acurast__loop_now(loop));
    read_unread(loop);
    bool more = run_hooks(loop);
    flush(loop);
    reap_all(loop);
    close_orphans(loop);
    if (loop->sweep)
        acurast__tls_vhosts_sweep(loop, false);
    bool stopping = atomic_load(&loop->stopping); /* what was posted before is in the inbox by now */
    bool tasks = atomic_load_explicit(&loop->inbox.head, memory_order_relaxed);
    if (stopping && !loop->busy && !tasks)
        loop->running = false;
    return more || tasks || !acurast__list_empty(&loop->dirty) || !acurast__list_empty(&loop->unread);
}

uint64_t acurast__loop_now(acurast__loop *loop)
{
    if (loop->stale) {
        loop->stale = false;
        loop->wheel.now = acurast__clock_ms();
    }
    return loop->wheel.now;
}

void acurast__loop_timer_start(acurast__loop *loop, acurast__timer *timer, uint64_t delay_ms)
{
    acurast__loop_now(loop);
    acurast__timer_start(&loop->wheel, timer, delay_ms);
}

void acurast__loop_timer_stop(acurast__loop *loop, acurast__timer *timer)
{
    acurast__timer_stop(&loop->wheel, timer);
}

void acurast__loop_hook_add(acurast__loop *loop, acurast__loop_hook *hook)
{
    acurast__list_append(&loop->hooks, &hook->link);
}

void acurast__loop_hook_remove(acurast__loop *loop, acurast__loop_hook *hook)
{
    (void)loop;
    acurast__list_remove(&hook->link);
}

void acurast__loop_hold(acurast__loop *loop)
{
    loop->busy++;
}

void acurast__loop_let(acurast__loop *loop)
{
    loop->busy--;
}

/* So many at a time, those first that were looked at longest ago: it takes a system call each. */
#define LOOKS_MAX 4096

void acurast__loop_look(acurast__loop *loop)
{
    acurast__list seen;
    acurast__list_init(&seen);
    for (int i = 0; i < LOOKS_MAX && !acurast__list_empty(&loop->owing); i++) {
        acurast__ws *ws = ACURAST__CONTAINER(loop->owing.next, acurast__ws, owing_link);
        acurast__list_remove(&ws->owing_link);
        acurast__list_append(&seen, &ws->owing_link);
        acurast__ws_look(ws);
    }
    acurast__list_append_all(&loop->owing, &seen);
}

size_t acurast__loop_memory(const acurast__loop *loop)
{
    return loop->memory;
}

/* ---- on libuv ---- */

static void on_wake(uv_async_t *async)
{
    (void)async;
    acurast__loop_current->heard = true; /* beside that, ending the wait is all that it is for */
}

static void on_spin(uv_idle_t *idle)
{
    (void)idle;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void uv_end_wait(acurast__loop *loop, bool more)
{
    if (more && !loop->spinning)
        uv_idle_start(&loop->spin, on_spin);
    else if (!more && loop->spinning)
        uv_idle_stop(&loop->spin);
    loop->spinning = more;
    uint64_t next = acurast__wheel_next(&loop->wheel);
    if (next == UINT64_MAX)
        uv_timer_stop(&loop->tick);
    else
        uv_timer_start(&loop->tick, on_tick, next, 0);
}

/* After the last callbacks and before the wait: nothing may be left lying. */
static void on_before_wait(uv_prepare_t *prepare)
{
    acurast__loop *loop = prepare->data;
    bool more = turn(loop);
    if (!loop->running)
        uv_stop(&loop->uv);
    if (loop->uv_kind) {
        uv_update_time(&loop->uv);
        uv_end_wait(loop, more);
    } else {
        loop->spinning = more;
    }
    loop->stale = true;
}

static void on_after_wait(uv_check_t *check)
{
    acurast__loop *loop = check->data;
    if (loop->uv_kind)
        turn(loop);
}

static void uv_open(acurast__loop *loop)
{
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_check_init(&loop->uv, &loop->after_wait);
    uv_timer_init(&loop->uv, &loop->tick);
    uv_idle_init(&loop->uv, &loop->spin);
    loop->before_wait.data = loop->after_wait.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    uv_check_start(&loop->after_wait, on_after_wait);
}

static void uv_close_own(acurast__loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->after_wait, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->spin, NULL);
}

/* ---- on poll() ---- */

static void on_poll_tick(lws_sorted_usec_list_t *tick)
{
    (void)tick;
}

/* libuv never waits here: it is asked when there is something, and its turn comes before libwebsockets waits. */
static void poll_run(acurast__loop *loop)
{
    while (loop->running) {
        loop->heard = false;
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        uint64_t next = acurast__wheel_next(&loop->wheel);
        if (next != UINT64_MAX)
            lws_sul_schedule(loop->lws, 0, &loop->poll_tick, on_poll_tick, (lws_usec_t)(next + 1) * LWS_US_PER_MS);
        loop->stale = true;
        if (loop->running)
            lws_service(loop->lws, loop->spinning || loop->heard ? -1 : 0);
    }
}

/* libwebsockets closes what it polls, so it gets a descriptor of its own. */
static bool poll_libuv(acurast__loop *loop)
{
    int waiting = fcntl(uv_backend_fd(&loop->uv), F_DUPFD_CLOEXEC, 0);
    loop->vhost = acurast__tls_vhost(loop, NULL);
    lws_adopt_desc_t info = {
        .vh = loop->vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .fd = {.filefd = waiting},
        .vh_prot_name = ACURAST__PROTOCOL_NAME,
    };
    if (waiting >= 0 && loop->vhost && lws_adopt_descriptor_vhost_via_info(&info))
        return true;
    if (waiting >= 0)
        close(waiting);
    return false;
}

/* ---- the thread ---- */

static void let_go(acurast__loop *loop)
{
    if (atomic_fetch_sub(&loop->holders, 1) != 1)
        return;
    pthread_mutex_destroy(&loop->wake_lock);
    acurast__free(loop);
}

static void tear_down(acurast__loop *loop)
{
    pthread_mutex_lock(&loop->wake_lock);
    loop->wakeable = false;
    pthread_mutex_unlock(&loop->wake_lock);
    uv_close_own(loop);
    acurast__free(loop->spare);
    acurast__stream_shared_free(loop);
    acurast__tls_vhosts_sweep(loop, true);
    if (loop->lws)
        lws_context_destroy(loop->lws);
    close_orphans(loop);
    if (loop->pipe)
        acurast__lws_forget_descriptor(loop->pipe); /* it lives until its handle is closed */
    uv_run(&loop->uv, UV_RUN_DEFAULT);              /* closes the handles */
    if (loop->uv_kind && loop->lws)
        lws_context_destroy(loop->lws); /* what could not go before that */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
}

static void *serve(void *argument)
{
    acurast__loop *loop = argument;
    acurast__io_thread_mark(loop->config.index);
    acurast__loop_current = loop;
    acurast__chunk_cache_open();
    if (loop->uv_kind)
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    else
        poll_run(loop);
    tear_down(loop);
    acurast__chunk_cache_close();
    if (loop->config.ended)
        loop->config.ended(loop->config.user);
    let_go(loop);
    return NULL;
}

_Thread_local acurast__loop *acurast__loop_current;

bool acurast__loop_is_current(const acurast__loop *loop)
{
    return acurast__loop_current == loop;
}

unsigned acurast__loop_index(const acurast__loop *loop)
{
    return loop->config.index;
}

const char *acurast__loop_kind_name(const acurast__loop *loop)
{
    return loop->uv_kind ? "uv" : "poll";
}

static struct lws_context *create_lws(acurast__loop *loop, bool uv)
{
    void *foreign[1] = {&loop->uv};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .retry_and_idle_policy = &acurast__no_lws_policy,
        .user = loop,
        .pcontext = &loop->lws, /* turns NULL when libwebsockets is done with it */
    };
    if (uv) {
        info.options |= LWS_SERVER_OPTION_LIBUV;
        info.foreign_loops = foreign;
    }
    return acurast__lws_context(&info);
}

/* Right after it was made, the only thing of libwebsockets that is polled is what it can be woken by. */
static void find_pipe(uv_handle_t *handle, void *loop)
{
    if (uv_handle_get_type(handle) == UV_POLL)
        ((acurast__loop *)loop)->pipe = handle->data;
}

/* libwebsockets with its plug-in for libuv; false where it has none. */
static bool open_plugin(acurast__loop *loop)
{
    loop->lws = create_lws(loop, true);
    loop->uv_kind = loop->lws != NULL;
    if (loop->uv_kind)
        uv_walk(&loop->uv, find_pipe, loop);
    return loop->uv_kind;
}

static acurast_status open_poll(acurast__loop *loop)
{
    loop->lws = create_lws(loop, false);
    return loop->lws && poll_libuv(loop) ? ACURAST_OK : ACURAST_NO_MEMORY;
}

static acurast_status open_lws(acurast__loop *loop)
{
    if (loop->config.kind != ACURAST__LOOP_POLL && open_plugin(loop))
        return ACURAST_OK;
    return loop->config.kind == ACURAST__LOOP_UV ? ACURAST_UNSUPPORTED : open_poll(loop);
}

static acurast_status start(acurast__loop *loop)
{
    acurast_status status = open_lws(loop);
    uv_open(loop);
    if (status == ACURAST_OK && !acurast__thread_start(&loop->thread, serve, loop))
        status = ACURAST_SYSTEM;
    if (status != ACURAST_OK)
        tear_down(loop);
    return status;
}

acurast_status acurast__loop_start(const acurast__loop_config *config, acurast__loop **out)
{
    acurast__loop *loop = acurast__upgrade_prepare() ? acurast__alloc_zero(sizeof *loop) : NULL;
    if (!loop)
        return ACURAST_NO_MEMORY;
    loop->config = *config;
    loop->running = true;
    pthread_mutex_init(&loop->wake_lock, NULL);
    loop->wakeable = true;
    atomic_init(&loop->holders, 2);
    atomic_init(&loop->stopping, false);
    acurast__inbox_init(&loop->inbox);
    acurast__wheel_init(&loop->wheel, acurast__clock_ms());
    acurast__list_init(&loop->hooks);
    acurast__list_init(&loop->dirty);
    acurast__list_init(&loop->owing);
    acurast__list_init(&loop->unread);
    acurast__list_init(&loop->reaped);
    acurast__list_init(&loop->trusts);
    acurast__list_init(&loop->jobs);
    acurast_status status = uv_loop_init(&loop->uv) == 0 ? start(loop) : ACURAST_SYSTEM;
    if (status != ACURAST_OK) {
        pthread_mutex_destroy(&loop->wake_lock);
        acurast__free(loop);
        return status;
    }
    *out = loop;
    return ACURAST_OK;
}

static void wake(acurast__loop *loop)
{
    pthread_mutex_lock(&loop->wake_lock);
    if (loop->wakeable)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->wake_lock);
}

/*
 * On its own thread a loop sees the task before it waits again. From others, the task may be the one that ends the loop, and run
 * before the wake-up below: so the loop is held, and knows whether it can still be woken.
 */
void acurast__loop_post(acurast__loop *loop, acurast__task *task)
{
    if (acurast__loop_is_current(loop)) {
        acurast__inbox_push(&loop->inbox, task);
        return;
    }
    atomic_fetch_add(&loop->holders, 1);
    if (acurast__inbox_push(&loop->inbox, task))
        wake(loop);
    let_go(loop);
}

void acurast__loop_stop(acurast__loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

void acurast__loop_join(acurast__loop *loop)
{
    pthread_join(loop->thread, NULL);
    let_go(loop);
}

void acurast__loop_detach(acurast__loop *loop)
{
    pthread_detach(loop->thread);
    let_go(loop);
}
