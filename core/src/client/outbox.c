/*
 * The outbox. An operation is in the table by number and in one of two lists while
 * it is queued or flying, and in neither when `over` gets it. A deadline runs on
 * while the operation flies, but ends it only in the queue: what the websocket has
 * been given may still arrive.
 */
#include "client/outbox.h"

#include "base/memory.h"
#include "wire/frame.h"

#include <string.h>

#define FIRST_BUCKETS 64u

acurast_status acurast__outbox_init(acurast__outbox *outbox, size_t max_count, size_t max_bytes,
                                    void (*over)(acurast__outbox *outbox, acurast__operation *operation,
                                                 acurast_status status))
{
    *outbox = (acurast__outbox){.max_count = max_count, .max_bytes = max_bytes, .over = over};
    atomic_init(&outbox->count, 0);
    atomic_init(&outbox->bytes, 0);
    acurast__list_init(&outbox->queued);
    acurast__list_init(&outbox->flying);
    outbox->buckets = acurast__alloc_zero(FIRST_BUCKETS * sizeof(acurast__operation *));
    outbox->bucket_count = FIRST_BUCKETS;
    return outbox->buckets ? ACURAST_OK : ACURAST_NO_MEMORY;
}

void acurast__outbox_clear(acurast__outbox *outbox)
{
    acurast__free(outbox->buckets);
    outbox->buckets = NULL;
}

static bool raise_within(atomic_size_t *value, size_t by, size_t limit, bool first_is_free)
{
    size_t now = atomic_load_explicit(value, memory_order_relaxed);
    do {
        if (now >= limit || by > limit - now)
            if (now != 0 || !first_is_free)
                return false;
    } while (!atomic_compare_exchange_weak_explicit(value, &now, now + by, memory_order_relaxed, memory_order_relaxed));
    return true;
}

acurast_status acurast__outbox_reserve(acurast__outbox *outbox, size_t payload_size)
{
    if (!raise_within(&outbox->count, 1, outbox->max_count, false))
        return ACURAST_OUTBOX_FULL;
    if (payload_size && !raise_within(&outbox->bytes, payload_size, outbox->max_bytes, true)) {
        acurast__outbox_unreserve_count(outbox);
        return ACURAST_OUTBOX_FULL;
    }
    return ACURAST_OK;
}

void acurast__outbox_unreserve_count(acurast__outbox *outbox)
{
    atomic_fetch_sub(&outbox->count, 1);
}

void acurast__outbox_unreserve_bytes(acurast__outbox *outbox, size_t payload_size)
{
    atomic_fetch_sub(&outbox->bytes, payload_size);
}

bool acurast__outbox_half_empty(acurast__outbox *outbox, size_t payload_size)
{
    size_t bytes = atomic_load(&outbox->bytes);
    return atomic_load(&outbox->count) <= outbox->max_count / 2 && bytes <= outbox->max_bytes / 2 &&
           (bytes == 0 || payload_size <= outbox->max_bytes - bytes);
}

static void on_deadline(acurast__timer *timer)
{
    acurast__operation *operation = ACURAST__CONTAINER(timer, acurast__operation, timer);
    if (!operation->flying)
        acurast__outbox_fail(operation->outbox, operation, ACURAST_EXPIRED);
}

acurast__operation *acurast__operation_create(const uint8_t sender[16], const uint8_t recipient[16],
                                              const void *payload, size_t payload_size)
{
    acurast__operation *operation = acurast__alloc_zero(sizeof *operation);
    if (!operation)
        return NULL;
    operation->frame = acurast__alloc(ACURAST__HEADER_SIZE + payload_size);
    if (!operation->frame) {
        acurast__free(operation);
        return NULL;
    }
    acurast__list_init(&operation->link);
    acurast__list_init(&operation->event.link);
    acurast__timer_init(&operation->timer, on_deadline);
    acurast__frame_header(operation->frame, ACURAST__FRAME_PAYLOAD, sender, recipient);
    if (payload_size)
        memcpy(operation->frame + ACURAST__HEADER_SIZE, payload, payload_size);
    operation->payload_size = payload_size;
    return operation;
}

void acurast__operation_free_payload(acurast__operation *operation)
{
    acurast__free(operation->frame);
    operation->frame = NULL;
}

void acurast__operation_free(acurast__operation *operation)
{
    if (!operation)
        return;
    acurast__operation_free_payload(operation);
    acurast__free(operation);
}

static acurast__operation **bucket_of(acurast__outbox *outbox, uint64_t number)
{
    return &outbox->buckets[number & (outbox->bucket_count - 1)];
}

static void table_put(acurast__outbox *outbox, acurast__operation *operation)
{
    acurast__operation **bucket = bucket_of(outbox, operation->number);
    operation->next_in_bucket = *bucket;
    *bucket = operation;
}

/* Where a larger table cannot be had, chains grow longer instead. */
static void table_grow(acurast__outbox *outbox)
{
    acurast__operation **old = outbox->buckets;
    size_t old_count = outbox->bucket_count;
    acurast__operation **larger = acurast__alloc_zero(2 * old_count * sizeof(acurast__operation *));
    if (!larger)
        return;
    outbox->buckets = larger;
    outbox->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        for (acurast__operation *operation = old[i], *next; operation; operation = next) {
            next = operation->next_in_bucket;
            table_put(outbox, operation);
        }
    acurast__free(old);
}

static void table_remove(acurast__outbox *outbox, acurast__operation *operation)
{
    acurast__operation **link = bucket_of(outbox, operation->number);
    while (*link != operation)
        link = &(*link)->next_in_bucket;
    *link = operation->next_in_bucket;
}

void acurast__outbox_accept(acurast__outbox *outbox, acurast__operation *operation)
{
    operation->outbox = outbox;
    if (outbox->size >= outbox->bucket_count)
        table_grow(outbox);
    table_put(outbox, operation);
    outbox->size++;
    acurast__list_append(&outbox->queued, &operation->link);
    if (operation->deadline) {
        uint64_t now = acurast__loop_now(outbox->loop);
        acurast__loop_timer_start(outbox->loop, &operation->timer,
                                  operation->deadline > now ? operation->deadline - now : 0);
    }
}

/* The one way out of the lists. */
static void end(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    acurast__list_remove(&operation->link);
    table_remove(outbox, operation);
    outbox->size--;
    if (acurast__timer_running(&operation->timer))
        acurast__loop_timer_stop(outbox->loop, &operation->timer);
    outbox->over(outbox, operation, status);
}

void acurast__outbox_fail(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    end(outbox, operation, status);
}

void acurast__outbox_cancel(acurast__outbox *outbox, uint64_t number)
{
    acurast__operation *operation = *bucket_of(outbox, number);
    while (operation && operation->number != number)
        operation = operation->next_in_bucket;
    if (!operation)
        return;
    if (operation->flying)
        operation->cancelled = true;
    else
        end(outbox, operation, ACURAST_CANCELLED);
}

static acurast__operation *first_of(acurast__list *list)
{
    return acurast__list_empty(list) ? NULL : ACURAST__CONTAINER(list->next, acurast__operation, link);
}

acurast__operation *acurast__outbox_first(acurast__outbox *outbox)
{
    return first_of(&outbox->queued);
}

void acurast__outbox_flown(acurast__outbox *outbox, acurast__operation *operation, uint64_t end)
{
    operation->flying = true;
    operation->end = end;
    acurast__list_remove(&operation->link);
    acurast__list_append(&outbox->flying, &operation->link);
}

void acurast__outbox_wrote(acurast__outbox *outbox, size_t payload_size)
{
    if (payload_size > outbox->largest_written)
        outbox->largest_written = payload_size;
}

void acurast__outbox_written(acurast__outbox *outbox, uint64_t written)
{
    acurast__operation *operation;
    while ((operation = first_of(&outbox->flying)) && operation->end <= written) {
        acurast__outbox_wrote(outbox, operation->payload_size);
        end(outbox, operation, ACURAST_OK);
    }
}

/*
 * Only what was written, or is being written, can have been too large: the first that flies, or one that is over. Had it been one that
 * is over, anything larger than all of these would be too large as well.
 */
static void fail_if_too_large(acurast__outbox *outbox)
{
    acurast__operation *operation = first_of(&outbox->flying);
    if (operation && operation->payload_size > outbox->largest_written)
        end(outbox, operation, ACURAST_TOO_LARGE);
}

static void end_where_overdue(acurast__outbox *outbox, acurast__operation *operation)
{
    if (operation->cancelled)
        end(outbox, operation, ACURAST_CANCELLED);
    else if (operation->deadline && !acurast__timer_running(&operation->timer))
        end(outbox, operation, ACURAST_EXPIRED);
}

void acurast__outbox_lost(acurast__outbox *outbox, uint64_t written, bool too_large)
{
    acurast__outbox_written(outbox, written);
    if (too_large)
        fail_if_too_large(outbox);
    outbox->largest_written = 0;
    size_t returned = 0;
    for (; !acurast__list_empty(&outbox->flying); returned++) {
        acurast__list *last = outbox->flying.prev;
        acurast__list_remove(last);
        acurast__list_prepend(&outbox->queued, last);
        ACURAST__CONTAINER(last, acurast__operation, link)->flying = false;
    }
    for (acurast__list *link = outbox->queued.next, *next; returned; link = next, returned--) {
        next = link->next;
        end_where_overdue(outbox, ACURAST__CONTAINER(link, acurast__operation, link));
    }
}

void acurast__outbox_fail_all(acurast__outbox *outbox, acurast_status status)
{
    acurast__operation *operation;
    while ((operation = first_of(&outbox->flying)) || (operation = first_of(&outbox->queued)))
        end(outbox, operation, status);
}
