/*
 * The outbox. An operation is in the table by number and in one of three lists while it is queued, flying or awaiting, and in none when
 * `over` gets it. A deadline runs on while the operation flies, but does not end it then: what the websocket has been given may still
 * arrive.
 */
#include "client/outbox.h"

#include "base/memory.h"
#include "client/pair.h"

#include <sodium.h>
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
    acurast__list_init(&outbox->awaiting);
    acurast__idmap_init(&outbox->pairs);
    randombytes_buf(outbox->run, sizeof outbox->run);
    outbox->buckets = acurast__alloc_zero(FIRST_BUCKETS * sizeof(acurast__operation *));
    outbox->bucket_count = FIRST_BUCKETS;
    return outbox->buckets ? ACURAST_OK : ACURAST_NO_MEMORY;
}

void acurast__outbox_clear(acurast__outbox *outbox)
{
    acurast__idmap_clear(&outbox->pairs);
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

acurast_status acurast__outbox_reserve(acurast__outbox *outbox, size_t count, size_t bytes)
{
    if (!raise_within(&outbox->count, count, outbox->max_count, false))
        return ACURAST_OUTBOX_FULL;
    if (bytes && !raise_within(&outbox->bytes, bytes, outbox->max_bytes, true)) {
        acurast__outbox_unreserve_count(outbox, count);
        return ACURAST_OUTBOX_FULL;
    }
    return ACURAST_OK;
}

void acurast__outbox_unreserve_count(acurast__outbox *outbox, size_t count)
{
    atomic_fetch_sub(&outbox->count, count);
}

void acurast__outbox_unreserve_bytes(acurast__outbox *outbox, size_t bytes)
{
    atomic_fetch_sub(&outbox->bytes, bytes);
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
    if (operation->place != ACURAST__PLACE_FLYING)
        acurast__outbox_end(operation->outbox, operation, ACURAST_EXPIRED);
}

static acurast__operation **bucket_of(const acurast__outbox *outbox, uint64_t number)
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

/* False where it is over already. */
static bool accept(acurast__outbox *outbox, acurast__operation *operation)
{
    operation->outbox = outbox;
    acurast__timer_init(&operation->timer, on_deadline);
    if (outbox->size >= outbox->bucket_count)
        table_grow(outbox);
    table_put(outbox, operation);
    outbox->size++;
    acurast__list_append(&outbox->queued, &operation->link);
    if (operation->until == ACURAST_LEVEL_DELIVERED && !acurast__pair_join(&outbox->pairs, operation)) {
        acurast__outbox_end(outbox, operation, ACURAST_NO_MEMORY);
        return false;
    }
    if (operation->deadline) {
        uint64_t now = acurast__loop_now(outbox->loop);
        acurast__loop_timer_start(outbox->loop, &operation->timer,
                                  operation->deadline > now ? operation->deadline - now : 0);
    }
    return true;
}

void acurast__outbox_accept(acurast__outbox *outbox, acurast__operation *operation)
{
    (void)accept(outbox, operation);
}

static bool is_certain(const acurast__operation *operation)
{
    return operation->kind != ACURAST__OPERATION_TRACKED ||
           (!operation->maybe && !operation->live && !operation->delivered);
}

/* Who asks wants to know why there is no answer. */
static acurast_status truth(const acurast__operation *operation, acurast_status status)
{
    bool given_up = status == ACURAST_EXPIRED || status == ACURAST_CANCELLED || status == ACURAST_CLOSED;
    if (status == ACURAST_OK || is_certain(operation) || (operation->asks && given_up))
        return status;
    return ACURAST_UNDETERMINED;
}

/* The one way out of the lists. */
void acurast__outbox_end(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    acurast__list_remove(&operation->link);
    acurast__pair_leave(&outbox->pairs, operation);
    table_remove(outbox, operation);
    outbox->size--;
    if (acurast__timer_running(&operation->timer))
        acurast__loop_timer_stop(outbox->loop, &operation->timer);
    outbox->over(outbox, operation, truth(operation, status));
}

acurast__operation *acurast__outbox_find(const acurast__outbox *outbox, uint64_t number, uint64_t mask)
{
    acurast__operation *operation = *bucket_of(outbox, number);
    while (operation && (operation->number & mask) != number)
        operation = operation->next_in_bucket;
    return operation;
}

void acurast__outbox_cancel(acurast__outbox *outbox, uint64_t number)
{
    acurast__operation *operation = acurast__outbox_find(outbox, number, UINT64_MAX);
    if (!operation)
        return;
    if (operation->place == ACURAST__PLACE_FLYING)
        operation->cancelled = true;
    else
        acurast__outbox_end(outbox, operation, ACURAST_CANCELLED);
}

static acurast__operation *first_of(acurast__list *list)
{
    return acurast__list_empty(list) ? NULL : ACURAST__CONTAINER(list->next, acurast__operation, link);
}

acurast__operation *acurast__outbox_first(acurast__outbox *outbox)
{
    return first_of(&outbox->queued);
}

void acurast__outbox_stamp(acurast__outbox *outbox, acurast__operation *operation)
{
    if (operation->pair)
        operation->after = acurast__pair_before(operation);
    acurast__operation_stamp(operation, outbox->run);
}

static void move_to(acurast__list *list, acurast__operation *operation, acurast__place place)
{
    operation->place = place;
    acurast__list_remove(&operation->link);
    acurast__list_append(list, &operation->link);
}

void acurast__outbox_flown(acurast__outbox *outbox, acurast__operation *operation, uint64_t end)
{
    operation->end = end;
    if (outbox->highest < operation->number)
        outbox->highest = operation->number;
    move_to(&outbox->flying, operation, ACURAST__PLACE_FLYING);
}

void acurast__outbox_wrote(acurast__outbox *outbox, size_t payload_size)
{
    if (payload_size > outbox->largest_written)
        outbox->largest_written = payload_size;
}

static void end_where_overdue(acurast__outbox *outbox, acurast__operation *operation)
{
    if (operation->cancelled)
        acurast__outbox_end(outbox, operation, ACURAST_CANCELLED);
    else if (operation->deadline && !acurast__timer_running(&operation->timer))
        acurast__outbox_end(outbox, operation, ACURAST_EXPIRED);
}

void acurast__outbox_await(acurast__outbox *outbox, acurast__operation *operation)
{
    move_to(&outbox->awaiting, operation, ACURAST__PLACE_AWAITING);
    end_where_overdue(outbox, operation);
}

static void arrive(acurast__outbox *outbox, acurast__operation *operation)
{
    if (operation->live < UINT16_MAX)
        operation->live++;
    acurast__outbox_await(outbox, operation);
}

void acurast__outbox_written(acurast__outbox *outbox, uint64_t written)
{
    acurast__operation *operation;
    while ((operation = first_of(&outbox->flying)) && operation->end <= written) {
        acurast__outbox_wrote(outbox, operation->payload_size);
        if (operation->kind == ACURAST__OPERATION_PLAIN)
            acurast__outbox_end(outbox, operation, ACURAST_OK);
        else
            arrive(outbox, operation);
    }
}

void acurast__outbox_accept_flown(acurast__outbox *outbox, acurast__operation *operation)
{
    operation->live = 1;
    if (!accept(outbox, operation))
        return;
    if (outbox->highest < operation->number)
        outbox->highest = operation->number;
    acurast__outbox_wrote(outbox, operation->payload_size);
    acurast__outbox_await(outbox, operation);
}

/*
 * Only what was written, or is being written, can have been too large: the first that flies, or one that is over. Had it been one that
 * is over, anything larger than all of these would be too large as well.
 */
static void fail_if_too_large(acurast__outbox *outbox)
{
    acurast__operation *operation = first_of(&outbox->flying);
    if (operation && operation->payload_size > outbox->largest_written)
        acurast__outbox_end(outbox, operation, ACURAST_TOO_LARGE);
}

/* From the front: those that return were there before the others. */
static void insert(acurast__list *queued, acurast__operation *operation)
{
    acurast__list *at = queued->next;
    while (at != queued && ACURAST__CONTAINER(at, acurast__operation, link)->number < operation->number)
        at = at->next;
    acurast__list_append(at, &operation->link);
}

void acurast__outbox_requeue(acurast__outbox *outbox, acurast__operation *operation)
{
    operation->maybe = operation->maybe || operation->live;
    operation->live = 0;
    operation->kept = false;
    operation->place = ACURAST__PLACE_QUEUED;
    acurast__list_remove(&operation->link);
    insert(&outbox->queued, operation);
}

static void return_all(acurast__outbox *outbox, acurast__list *list)
{
    for (acurast__list *link = list->prev, *before; link != list; link = before) {
        acurast__operation *operation = ACURAST__CONTAINER(link, acurast__operation, link);
        before = link->prev;
        if (operation->place == ACURAST__PLACE_FLYING || !acurast__operation_only_waits(operation))
            acurast__outbox_requeue(outbox, operation);
    }
}

void acurast__outbox_lost(acurast__outbox *outbox, uint64_t written, bool too_large)
{
    acurast__outbox_written(outbox, written);
    if (too_large)
        fail_if_too_large(outbox);
    outbox->largest_written = 0;
    return_all(outbox, &outbox->flying);
    return_all(outbox, &outbox->awaiting);
    for (acurast__list *link = outbox->queued.next, *next; link != &outbox->queued; link = next) {
        next = link->next;
        end_where_overdue(outbox, ACURAST__CONTAINER(link, acurast__operation, link));
    }
}

bool acurast__outbox_settled(const acurast__outbox *outbox)
{
    const acurast__list *link = outbox->awaiting.next;
    while (link != &outbox->awaiting && ACURAST__CONTAINER(link, acurast__operation, link)->asks)
        link = link->next;
    return link == &outbox->awaiting && acurast__list_empty(&outbox->queued) && acurast__list_empty(&outbox->flying);
}

void acurast__outbox_fail_all(acurast__outbox *outbox, acurast_status status)
{
    acurast__operation *operation;
    while ((operation = first_of(&outbox->awaiting)) || (operation = first_of(&outbox->flying)) ||
           (operation = first_of(&outbox->queued)))
        acurast__outbox_end(outbox, operation, status);
}
