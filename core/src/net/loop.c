/*
 * The thread that owns sockets. It makes its libuv loop itself: some versions leave traces on the thread that does (an io_uring whose signals
 * interrupt its system calls).
 *
 *   started -> running -> stopping (acurast__loop_stop) -> nothing left that holds it -> ended
 *
 * Time is read once a turn: the clock is marked stale before each wait and read again by whoever asks first.
 */
#include "net/loop_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "net/chunk.h"
#include "net/socket.h"
#include "net/upgrade.h"
#include "net/ws_internal.h"

#include <string.h>
#include <unistd.h>

/* More than libuv opens for a loop, and for the process with the first one. */
#define DESCRIPTORS_NEEDED 8

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
    acurast__free(handle);
}

void acurast__loop_unwatch(uv_poll_t *poll)
{
    uv_poll_stop(poll);
    poll->data = NULL;
    uv_close((uv_handle_t *)poll, free_handle);
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

/* Ending the wait is all that it is for. */
static void on_wake(uv_async_t *async)
{
    (void)async;
}

static void on_spin(uv_idle_t *idle)
{
    (void)idle;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void set_wait(acurast__loop *loop, bool more)
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
    uv_update_time(&loop->uv);
    set_wait(loop, more);
    loop->stale = true;
}

static void on_after_wait(uv_check_t *check)
{
    turn(check->data);
}

/* libuv ends the process where it cannot have the pipe that it makes once, so that is tried before: by sockets, for which there need be no /dev. */
static bool descriptors_left(void)
{
    int descriptors[DESCRIPTORS_NEEDED], count = 0;
    while (count < DESCRIPTORS_NEEDED && (descriptors[count] = acurast__socket_open(AF_INET)) >= 0)
        count++;
    bool left = count == DESCRIPTORS_NEEDED;
    while (count)
        close(descriptors[--count]);
    return left;
}

static bool uv_open(acurast__loop *loop)
{
    if (!descriptors_left() || uv_loop_init(&loop->uv) != 0)
        return false;
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_check_init(&loop->uv, &loop->after_wait);
    uv_timer_init(&loop->uv, &loop->tick);
    uv_idle_init(&loop->uv, &loop->spin);
    loop->before_wait.data = loop->after_wait.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    uv_check_start(&loop->after_wait, on_after_wait);
    return true;
}

static void uv_close_own(acurast__loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->after_wait, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->spin, NULL);
}

/* ---- the thread ---- */

static void free_loop(acurast__loop *loop)
{
    pthread_cond_destroy(&loop->born_changed);
    pthread_mutex_destroy(&loop->wake_lock);
    acurast__free(loop);
}

static void let_go(acurast__loop *loop)
{
    if (atomic_fetch_sub(&loop->holders, 1) != 1)
        return;
    free_loop(loop);
}

static void tear_down(acurast__loop *loop)
{
    pthread_mutex_lock(&loop->wake_lock);
    loop->wakeable = false;
    pthread_mutex_unlock(&loop->wake_lock);
    uv_close_own(loop);
    acurast__free(loop->spare);
    acurast__stream_shared_free(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* closes the handles */
    uv_loop_close(&loop->uv);
}

/* False where the loop could not be made, and is its maker's again. */
static bool be_born(acurast__loop *loop)
{
    bool running = loop->running;
    pthread_mutex_lock(&loop->wake_lock);
    loop->born = true;
    loop->wakeable = running;
    pthread_cond_signal(&loop->born_changed);
    pthread_mutex_unlock(&loop->wake_lock);
    return running;
}

static void *serve(void *argument)
{
    acurast__loop *loop = argument;
    acurast__io_thread_mark(loop->config.index);
    acurast__loop_current = loop;
    loop->running = uv_open(loop);
    if (!be_born(loop))
        return NULL;
    acurast__chunk_cache_open();
    uv_run(&loop->uv, UV_RUN_DEFAULT);
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

/* SYSTEM where there is no thread, or where it lacks what a loop needs. */
static acurast_status start(acurast__loop *loop)
{
    if (!acurast__thread_start(&loop->thread, serve, loop))
        return ACURAST_SYSTEM;
    pthread_mutex_lock(&loop->wake_lock);
    while (!loop->born)
        pthread_cond_wait(&loop->born_changed, &loop->wake_lock);
    bool running = loop->wakeable;
    pthread_mutex_unlock(&loop->wake_lock);
    if (!running)
        pthread_join(loop->thread, NULL);
    return running ? ACURAST_OK : ACURAST_SYSTEM;
}

acurast_status acurast__loop_start(const acurast__loop_config *config, acurast__loop **out)
{
    acurast__loop *loop = acurast__upgrade_prepare() ? acurast__alloc_zero(sizeof *loop) : NULL;
    if (!loop)
        return ACURAST_NO_MEMORY;
    loop->config = *config;
    pthread_mutex_init(&loop->wake_lock, NULL);
    pthread_cond_init(&loop->born_changed, NULL);
    atomic_init(&loop->holders, 2);
    atomic_init(&loop->stopping, false);
    acurast__inbox_init(&loop->inbox);
    acurast__wheel_init(&loop->wheel, acurast__clock_ms());
    acurast__list_init(&loop->hooks);
    acurast__list_init(&loop->dirty);
    acurast__list_init(&loop->owing);
    acurast__list_init(&loop->unread);
    acurast__list_init(&loop->reaped);
    acurast__list_init(&loop->jobs);
    acurast_status status = start(loop);
    if (status == ACURAST_OK)
        *out = loop;
    else
        free_loop(loop);
    return status;
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
