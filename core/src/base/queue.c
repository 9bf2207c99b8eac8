/*
 * The queue of events. Producers append to `waiting` under the lock. A taker moves all of `waiting` to the end of `ready` in one
 * step, then fills views from the head of `ready` without the lock: while views are out (`out`), `ready` belongs to whoever took
 * them, and the first `taken` events of it are theirs. Giving back releases those, and only then do they stop to count against the limits.
 *
 * The bell rings exactly while `untaken` events (waiting, or ready and not taken) are there or a wake is pending. Everything about
 * it happens under the lock, so no order of events can lose a wake-up. A taker hushes it, and rings it anew if something is left.
 *
 * Waiters are told of room under the lock as well: whoever takes a waiter back has the lock, so its `room` is not running then.
 */
#include "base/queue.h"

#include "base/bell.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define DEFAULT_EVENTS 4096
#define DEFAULT_BYTES ((size_t)16 * 1024 * 1024)

/* The view of the first release: no caller knows a smaller one. The upper bound only catches a size that was never set. */
#define STRIDE_MIN (offsetof(acurast_event_view, close_code) + sizeof(uint32_t))
#define STRIDE_MAX 4096

struct acurast_queue {
    atomic_uint references;
    unsigned generation;
    pthread_mutex_t lock;
    acurast__bell bell;
    acurast__list waiting;
    acurast__list ready;
    acurast__list waiters;
    size_t untaken;
    size_t taken;
    size_t charged_events; /* with their bytes: what the limits bound, until they are given back */
    size_t charged_bytes;
    size_t kept_events; /* what the taker says that it keeps; counts as well */
    size_t kept_bytes;
    size_t max_events;
    size_t max_bytes;
    bool out;
    bool wake;
    bool closed;
};

/* ---- life ---- */

acurast_status acurast__queue_create(size_t max_events, size_t max_bytes, acurast_queue **queue)
{
    acurast_queue *made = acurast__alloc_zero(sizeof(*made));
    if (!made)
        return ACURAST_NO_MEMORY;
    if (!acurast__bell_open(&made->bell)) {
        acurast__free(made);
        return ACURAST_SYSTEM;
    }
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        acurast__bell_close(&made->bell);
        acurast__free(made);
        return ACURAST_SYSTEM;
    }
    atomic_init(&made->references, 1);
    made->generation = acurast__process_generation();
    made->max_events = max_events ? max_events : DEFAULT_EVENTS;
    made->max_bytes = max_bytes ? max_bytes : DEFAULT_BYTES;
    acurast__list_init(&made->waiting);
    acurast__list_init(&made->ready);
    acurast__list_init(&made->waiters);
    acurast__object_born();
    *queue = made;
    return ACURAST_OK;
}

acurast_queue *acurast__queue_retain(acurast_queue *queue)
{
    atomic_fetch_add_explicit(&queue->references, 1, memory_order_relaxed);
    return queue;
}

void acurast__queue_unref(acurast_queue *queue)
{
    if (atomic_fetch_sub_explicit(&queue->references, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&queue->lock);
    acurast__free(queue);
    acurast__object_died();
}

bool acurast__queue_forked(const acurast_queue *queue)
{
    return acurast__forked(queue->generation);
}

static void finish(acurast__event *event)
{
    acurast__object_died();
    event->release(event);
}

static void finish_all(acurast__list *events)
{
    while (!acurast__list_empty(events)) {
        acurast__event *event = ACURAST__CONTAINER(events->next, acurast__event, link);
        acurast__list_remove(&event->link);
        finish(event);
    }
}

/* With the lock held. */
static void let_waiters_go(acurast_queue *queue)
{
    while (!acurast__list_empty(&queue->waiters)) {
        acurast__event_waiter *waiter = ACURAST__CONTAINER(queue->waiters.next, acurast__event_waiter, link);
        acurast__list_remove(&waiter->link);
        waiter->room(waiter);
    }
}

void acurast_queue_release(acurast_queue *queue)
{
    /* In a child the lock may be held for ever by a thread that is not there. */
    if (!queue || acurast__queue_forked(queue))
        return;
    acurast__list events;
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    acurast__list_move(&events, &queue->ready);
    acurast__list_append_all(&events, &queue->waiting);
    acurast__bell_close(&queue->bell);
    let_waiters_go(queue);
    pthread_mutex_unlock(&queue->lock);
    finish_all(&events);
    acurast__queue_unref(queue);
}

/* ---- the producers' side ---- */

void acurast__queue_post(acurast_queue *queue, acurast__event *event)
{
    acurast__object_born();
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    if (!closed) {
        acurast__list_append(&queue->waiting, &event->link);
        queue->untaken++;
        queue->charged_events += event->charge > 0;
        queue->charged_bytes += event->charge;
        acurast__bell_ring(&queue->bell);
    }
    pthread_mutex_unlock(&queue->lock);
    if (closed)
        finish(event);
}

static bool is_over(const acurast_queue *queue, size_t events, size_t bytes)
{
    return queue->charged_events + queue->kept_events > events || queue->charged_bytes + queue->kept_bytes > bytes;
}

bool acurast__queue_full(acurast_queue *queue, acurast__event_waiter *waiter)
{
    pthread_mutex_lock(&queue->lock);
    bool full = !queue->closed && is_over(queue, queue->max_events - 1, queue->max_bytes - 1);
    if (full && waiter && acurast__list_empty(&waiter->link))
        acurast__list_append(&queue->waiters, &waiter->link);
    pthread_mutex_unlock(&queue->lock);
    return full;
}

void acurast__queue_unwait(acurast_queue *queue, acurast__event_waiter *waiter)
{
    pthread_mutex_lock(&queue->lock);
    acurast__list_remove(&waiter->link);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- the taker's side ---- */

/* Claims up to `max` events. TIMEOUT where there is nothing to tell. */
static acurast_status claim(acurast_queue *queue, size_t max, size_t *count)
{
    acurast_status status = ACURAST_OK;
    pthread_mutex_lock(&queue->lock);
    if (queue->out) {
        status = ACURAST_BUSY;
    } else if (queue->untaken == 0 && !queue->wake) {
        status = ACURAST_TIMEOUT;
    } else {
        acurast__bell_hush(&queue->bell);
        queue->wake = false;
        acurast__list_append_all(&queue->ready, &queue->waiting);
        queue->taken = queue->untaken < max ? queue->untaken : max;
        queue->untaken -= queue->taken;
        queue->out = queue->taken > 0;
        *count = queue->taken;
        if (queue->untaken > 0)
            acurast__bell_ring(&queue->bell);
    }
    pthread_mutex_unlock(&queue->lock);
    return status;
}

static acurast_status claim_or_wait(acurast_queue *queue, size_t max, int timeout_ms, size_t *count)
{
    uint64_t start = timeout_ms > 0 ? acurast__clock_ms() : 0;
    int left = timeout_ms;
    for (;;) {
        acurast_status status = claim(queue, max, count);
        if (status != ACURAST_TIMEOUT || left == 0)
            return status;
        struct pollfd bell = {.fd = queue->bell.reader, .events = POLLIN};
        poll(&bell, 1, left);
        if (timeout_ms > 0) {
            uint64_t passed = acurast__clock_ms() - start;
            left = passed < (uint64_t)timeout_ms ? timeout_ms - (int)passed : 0;
        }
    }
}

static void fill(const acurast_queue *queue, acurast_event_view *views, size_t stride, size_t count)
{
    size_t known = stride < sizeof(*views) ? stride : sizeof(*views);
    const acurast__list *link = queue->ready.next;
    char *place = (char *)views;
    for (size_t i = 0; i < count; i++, link = link->next, place += stride) {
        memcpy(place, &ACURAST__CONTAINER(link, acurast__event, link)->view, known);
        memcpy(place, &known, sizeof(known));
    }
}

acurast_status acurast_queue_take(acurast_queue *queue, acurast_event_view *views, size_t max, int timeout_ms,
                                  size_t *count)
{
    if (!count)
        return ACURAST_INVALID;
    *count = 0;
    if (!queue || !views || max == 0)
        return ACURAST_INVALID;
    size_t stride = views[0].size;
    if (stride < STRIDE_MIN || stride > STRIDE_MAX || stride % _Alignof(acurast_event_view) != 0)
        return ACURAST_INVALID;
    if (acurast__queue_forked(queue))
        return ACURAST_FORKED;
    if (timeout_ms != 0 && acurast__on_io_thread())
        return ACURAST_WOULD_DEADLOCK;
    acurast_status status = claim_or_wait(queue, max, timeout_ms, count);
    fill(queue, views, stride, *count);
    return status;
}

/* With the lock held. */
static void let_waiters_go_if_room(acurast_queue *queue)
{
    if (!is_over(queue, queue->max_events / 2, queue->max_bytes / 2))
        let_waiters_go(queue);
}

/* The views that are out, if any: for the one who gives them back. */
static size_t begin_giving_back(acurast_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->taken;
    queue->taken = 0;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

acurast_status acurast_queue_done(acurast_queue *queue)
{
    if (!queue)
        return ACURAST_INVALID;
    if (acurast__queue_forked(queue))
        return ACURAST_FORKED;
    size_t count = begin_giving_back(queue);
    if (count == 0)
        return ACURAST_OK;
    size_t events = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        acurast__event *event = ACURAST__CONTAINER(queue->ready.next, acurast__event, link);
        acurast__list_remove(&event->link);
        events += event->charge > 0;
        bytes += event->charge;
        event->given_back = true;
        finish(event);
    }
    pthread_mutex_lock(&queue->lock);
    queue->out = false;
    queue->charged_events -= events;
    queue->charged_bytes -= bytes;
    let_waiters_go_if_room(queue);
    pthread_mutex_unlock(&queue->lock);
    return ACURAST_OK;
}

acurast_status acurast_queue_keep(acurast_queue *queue, size_t events, size_t bytes)
{
    if (!queue || events > SIZE_MAX / 2 || bytes > SIZE_MAX / 2)
        return ACURAST_INVALID;
    if (acurast__queue_forked(queue))
        return ACURAST_FORKED;
    pthread_mutex_lock(&queue->lock);
    queue->kept_events = events;
    queue->kept_bytes = bytes;
    let_waiters_go_if_room(queue);
    pthread_mutex_unlock(&queue->lock);
    return ACURAST_OK;
}

acurast_status acurast_queue_wake(acurast_queue *queue)
{
    if (!queue)
        return ACURAST_INVALID;
    if (acurast__queue_forked(queue))
        return ACURAST_FORKED;
    pthread_mutex_lock(&queue->lock);
    queue->wake = true;
    acurast__bell_ring(&queue->bell);
    pthread_mutex_unlock(&queue->lock);
    return ACURAST_OK;
}

int acurast_queue_descriptor(const acurast_queue *queue)
{
    return queue && !acurast__queue_forked(queue) ? queue->bell.reader : -1;
}
