/*
 * Each asker has a list of frames that grow as items come: receipts by run, the newest first, and one of who is gone. A frame that is full
 * stays, and another one begins. They are taken asker by asker, the receipts oldest first.
 */
#include "service/tidings.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <string.h>

#define RECEIPT_HEAD (ACURAST__HEADER_SIZE + ACURAST__RUN_SIZE)
#define GONE_HEAD ACURAST__HEADER_SIZE
/* So a frame of these is no larger than one of receipts. */
#define GONE_MAX_ITEMS 512
#define FIRST_ITEMS 8
#define RUNS_LOOKED_THROUGH 8

struct batch {
    acurast__list link; /* in its asker's list */
    uint8_t *bytes;     /* a frame */
    size_t count;
    size_t room; /* items */
    size_t head;
    size_t item;
};

struct telling {
    acurast__list link; /* in the list of those that are due */
    acurast__list receipts;
    acurast__list gone;
    uint8_t asker[16];
};

void acurast__tidings_init(acurast__tidings *tidings, acurast__metrics *metrics, _Atomic uint64_t *waiting,
                           bool presence)
{
    memset(tidings, 0, sizeof *tidings);
    tidings->metrics = metrics;
    tidings->waiting = waiting;
    tidings->presence = presence;
    acurast__idmap_init(&tidings->askers);
    acurast__list_init(&tidings->due);
    acurast__list_init(&tidings->departures);
}

/* ---- memory ---- */

#define TELLING_COST (sizeof(struct telling) + 2 * sizeof(acurast__idmap_slot))

static size_t batch_cost(const struct batch *batch)
{
    return sizeof *batch + batch->head + batch->room * batch->item;
}

static bool take_memory(acurast__tidings *tidings, size_t bytes)
{
    if (bytes > ACURAST__TIDINGS_MAX - tidings->memory)
        return false;
    tidings->memory += bytes;
    atomic_fetch_add_explicit(tidings->waiting, bytes, memory_order_relaxed);
    return true;
}

static void give_memory(acurast__tidings *tidings, size_t bytes)
{
    tidings->memory -= bytes;
    atomic_fetch_sub_explicit(tidings->waiting, bytes, memory_order_relaxed);
}

/* ---- who is to hear it ---- */

static struct telling *telling_make(acurast__tidings *tidings, const uint8_t asker[16], uint64_t hash)
{
    if (!take_memory(tidings, TELLING_COST))
        return NULL;
    struct telling *made = acurast__alloc(sizeof *made);
    if (!made || !acurast__idmap_put(&tidings->askers, asker, hash, made)) {
        give_memory(tidings, TELLING_COST);
        acurast__free(made);
        return NULL;
    }
    memcpy(made->asker, asker, sizeof made->asker);
    acurast__list_init(&made->receipts);
    acurast__list_init(&made->gone);
    acurast__list_append(&tidings->due, &made->link);
    return made;
}

static struct telling *telling_of(acurast__tidings *tidings, const uint8_t asker[16])
{
    uint64_t hash = acurast__id_hash(asker);
    struct telling *found = acurast__idmap_get(&tidings->askers, asker, hash);
    return found ? found : telling_make(tidings, asker, hash);
}

static void telling_free(acurast__tidings *tidings, struct telling *telling)
{
    acurast__idmap_remove(&tidings->askers, telling->asker, acurast__id_hash(telling->asker));
    acurast__list_remove(&telling->link);
    acurast__free(telling);
    give_memory(tidings, TELLING_COST);
}

static void drop_if_empty(acurast__tidings *tidings, struct telling *telling)
{
    if (acurast__list_empty(&telling->receipts) && acurast__list_empty(&telling->gone))
        telling_free(tidings, telling);
}

/* ---- frames that grow ---- */

static struct batch *batch_at(const acurast__list *link)
{
    return ACURAST__CONTAINER(link, struct batch, link);
}

static struct batch *batch_make(acurast__tidings *tidings, size_t head, size_t item)
{
    struct batch wanted = {.room = FIRST_ITEMS, .head = head, .item = item};
    size_t cost = batch_cost(&wanted);
    if (!take_memory(tidings, cost))
        return NULL;
    struct batch *made = acurast__alloc(sizeof *made);
    wanted.bytes = made ? acurast__alloc(head + wanted.room * item) : NULL;
    if (!wanted.bytes) {
        acurast__free(made);
        give_memory(tidings, cost);
        return NULL;
    }
    *made = wanted;
    return made;
}

static bool batch_grow(acurast__tidings *tidings, struct batch *batch)
{
    size_t room = 2 * batch->room, more = batch->room * batch->item;
    if (!take_memory(tidings, more))
        return false;
    uint8_t *bytes = acurast__realloc(batch->bytes, batch->head + room * batch->item);
    if (!bytes) {
        give_memory(tidings, more);
        return false;
    }
    batch->bytes = bytes;
    batch->room = room;
    return true;
}

/* Where the next item goes; NULL without room for it. */
static uint8_t *batch_item(acurast__tidings *tidings, struct batch *batch)
{
    if (batch->count == batch->room && !batch_grow(tidings, batch))
        return NULL;
    return batch->bytes + batch->head + batch->count++ * batch->item;
}

static void batch_free(acurast__tidings *tidings, struct batch *batch)
{
    acurast__list_remove(&batch->link);
    give_memory(tidings, batch_cost(batch));
    acurast__free(batch->bytes);
    acurast__free(batch);
}

static void batches_free(acurast__tidings *tidings, acurast__list *list)
{
    while (!acurast__list_empty(list))
        batch_free(tidings, batch_at(list->next));
}

void acurast__tidings_clear(acurast__tidings *tidings)
{
    while (!acurast__list_empty(&tidings->due)) {
        struct telling *telling = ACURAST__CONTAINER(tidings->due.next, struct telling, link);
        batches_free(tidings, &telling->receipts);
        batches_free(tidings, &telling->gone);
        telling_free(tidings, telling);
    }
    acurast__idmap_clear(&tidings->askers);
}

/* ---- noting ---- */

/* The frame of that run that has room. An asker has one run as a rule; of one that has many only the newest are looked through. */
static struct batch *batch_of_run(acurast__tidings *tidings, struct telling *telling, const uint8_t *run)
{
    int left = RUNS_LOOKED_THROUGH;
    for (acurast__list *at = telling->receipts.next; left-- && at != &telling->receipts; at = at->next) {
        struct batch *batch = batch_at(at);
        if (memcmp(batch->bytes + ACURAST__HEADER_SIZE, run, ACURAST__RUN_SIZE) != 0)
            continue;
        if (batch->count < ACURAST__RECEIPT_MAX_ITEMS)
            return batch;
        break;
    }
    struct batch *made = batch_make(tidings, RECEIPT_HEAD, ACURAST__RECEIPT_ITEM_SIZE);
    if (!made)
        return NULL;
    acurast__frame_header(made->bytes, ACURAST__FRAME_RECEIPT, NULL, telling->asker);
    memcpy(made->bytes + ACURAST__HEADER_SIZE, run, ACURAST__RUN_SIZE);
    acurast__list_prepend(&telling->receipts, &made->link);
    return made;
}

static struct batch *batch_of_gone(acurast__tidings *tidings, struct telling *telling)
{
    if (!acurast__list_empty(&telling->gone) && batch_at(telling->gone.next)->count < GONE_MAX_ITEMS)
        return batch_at(telling->gone.next);
    struct batch *made = batch_make(tidings, GONE_HEAD, ACURAST__GONE_ITEM_SIZE);
    if (!made)
        return NULL;
    acurast__frame_header(made->bytes, ACURAST__FRAME_GONE, NULL, telling->asker);
    acurast__list_prepend(&telling->gone, &made->link);
    return made;
}

/* What one that must not know who is here is told; 0: nothing. */
static unsigned hidden(acurast__receipt_status status)
{
    switch (status) {
    case ACURAST__RECEIPT_KEPT:
        return 0;
    case ACURAST__RECEIPT_NOT_HERE:
    case ACURAST__RECEIPT_MAILBOX_FULL:
    case ACURAST__RECEIPT_EXPIRED:
        return ACURAST__RECEIPT_NOT_DELIVERED;
    default:
        return status;
    }
}

void acurast__tidings_receipt(acurast__tidings *tidings, const uint8_t asker[16], const uint8_t *run, uint64_t number,
                              acurast__receipt_status status)
{
    unsigned said = tidings->presence ? (unsigned)status : hidden(status);
    if (!said)
        return;
    struct telling *telling = telling_of(tidings, asker);
    struct batch *batch = telling ? batch_of_run(tidings, telling, run) : NULL;
    uint8_t *item = batch ? batch_item(tidings, batch) : NULL;
    if (item)
        acurast__receipt_item(item, number, (acurast__receipt_status)said);
    else
        acurast__count(&tidings->metrics->tidings_lost, 1);
    if (telling)
        drop_if_empty(tidings, telling);
}

void acurast__tidings_outcome(acurast__tidings *tidings, const uint8_t *bytes, size_t size,
                              acurast__receipt_status status)
{
    acurast__frame frame;
    acurast__tracked tracked;
    if (acurast__frame_is_tracked(bytes) && acurast__frame_decode(&frame, bytes, size) &&
        acurast__tracked_decode(&tracked, &frame))
        acurast__tidings_receipt(tidings, frame.sender, tracked.run, tracked.number, status);
}

void acurast__tidings_gone(acurast__tidings *tidings, const uint8_t asker[16], const uint8_t who[16],
                           acurast__gone_kind kind)
{
    struct telling *telling = telling_of(tidings, asker);
    struct batch *batch = telling ? batch_of_gone(tidings, telling) : NULL;
    uint8_t *item = batch ? batch_item(tidings, batch) : NULL;
    if (item) {
        memcpy(item, who, ACURAST__ID_SIZE);
        item[ACURAST__ID_SIZE] = (uint8_t)kind;
    } else {
        acurast__count(&tidings->metrics->tidings_lost, 1);
    }
    if (telling)
        drop_if_empty(tidings, telling);
}

/* ---- drops ---- */

static acurast__receipt_status status_of(acurast__drop why)
{
    switch (why) {
    case ACURAST__DROP_UNKNOWN_RECIPIENT:
    case ACURAST__DROP_NO_MAILBOX:
        return ACURAST__RECEIPT_NOT_HERE;
    case ACURAST__DROP_MAILBOX_FULL:
    case ACURAST__DROP_MAILBOX_TOTAL:
    case ACURAST__DROP_MAILBOX_SENDER:
        return ACURAST__RECEIPT_MAILBOX_FULL;
    case ACURAST__DROP_MAILBOX_EXPIRED:
        return ACURAST__RECEIPT_EXPIRED;
    case ACURAST__DROP_SLOW_READER:
    case ACURAST__DROP_SENDER_SHARE:
        return ACURAST__RECEIPT_QUEUE_FULL;
    case ACURAST__DROP_TOO_LARGE:
        return ACURAST__RECEIPT_TOO_LARGE;
    case ACURAST__DROP_REPEATED:
        return ACURAST__RECEIPT_UNKNOWN;
    case ACURAST__DROP_DRAINING:
        return ACURAST__RECEIPT_DRAINING;
    default:
        return ACURAST__RECEIPT_NO_MEMORY;
    }
}

/* The words of a frame that is no payload, as they were counted when it was told: a recipient's receipt is one, whatever is in it. */
static size_t words_in(const uint8_t *bytes, size_t size)
{
    if (bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_GONE))
        return (size - GONE_HEAD) / ACURAST__GONE_ITEM_SIZE;
    if (bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_RECEIPT) &&
        memcmp(bytes + 1, acurast__id_service, ACURAST__ID_SIZE) == 0)
        return (size - RECEIPT_HEAD) / ACURAST__RECEIPT_ITEM_SIZE;
    return 1;
}

void acurast__tidings_drop(acurast__tidings *tidings, acurast__drop why, const uint8_t *bytes, size_t size)
{
    if (!acurast__frame_is_payload(bytes)) {
        if (why == ACURAST__DROP_MEMORY)
            acurast__count(&tidings->metrics->tidings_lost, words_in(bytes, size));
        return;
    }
    acurast__count(&tidings->metrics->drops[why], 1);
    acurast__tidings_outcome(tidings, bytes, size, status_of(why));
}

void acurast__tidings_drop_chain(acurast__tidings *tidings, acurast__drop why, acurast__chain *chain)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    while (acurast__chain_next(chain, &cursor, &bytes, &size))
        acurast__tidings_drop(tidings, why, bytes, size);
    acurast__chain_clear(chain);
}

/* ---- giving out ---- */

/* Receipts first, the oldest before the others. */
static struct batch *batch_due(const struct telling *telling)
{
    const acurast__list *list = acurast__list_empty(&telling->receipts) ? &telling->gone : &telling->receipts;
    return batch_at(list->prev);
}

bool acurast__tidings_next(acurast__tidings *tidings, acurast__tiding *tiding)
{
    if (acurast__list_empty(&tidings->due))
        return false;
    struct telling *telling = ACURAST__CONTAINER(tidings->due.next, struct telling, link);
    struct batch *batch = batch_due(telling);
    *tiding = (acurast__tiding){.recipient = batch->bytes + 17,
                                .bytes = batch->bytes,
                                .size = batch->head + batch->count * batch->item,
                                .items = batch->count,
                                .own = batch->bytes};
    tiding->hash = acurast__id_hash(tiding->recipient);
    give_memory(tidings, batch_cost(batch));
    acurast__list_remove(&batch->link);
    acurast__free(batch);
    drop_if_empty(tidings, telling);
    return true;
}
