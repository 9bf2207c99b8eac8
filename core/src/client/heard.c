/*
 * A run keeps its receipts behind the head of a frame. They are told a frame's worth at a time, with the head written over those that were
 * told before. Where there is no room for a receipt it is not told: its sender asks again.
 */
#include "client/heard.h"

#include "base/memory.h"

#include <string.h>

#define FRAME_HEAD (ACURAST__HEADER_SIZE + ACURAST__RUN_SIZE)
#define FIRST_ITEMS 8u

/* Receipts that may wait, of all runs: what a program gives back while there is no connection. */
#define UNTOLD_MAX ((size_t)1024 * 1024)

typedef struct heard_run {
    acurast__list telling;
    struct heard_sender *sender;
    uint8_t run[ACURAST__RUN_SIZE];
    uint64_t taken[2];  /* highest number of level 1, and of level 2 */
    uint64_t delivered; /* of level 2 */
    uint64_t used;      /* when, in turns of its sender */
    bool unsure;        /* it may be older than what is known of it */
    uint8_t *frame;     /* the head of a frame, and receipts; NULL without one */
    size_t items;
    size_t told; /* of these */
    size_t capacity;
} heard_run;

typedef struct heard_sender {
    acurast__list link;
    uint64_t turn;
    bool forgot; /* a run was pushed out */
    uint8_t id[16];
    heard_run *runs[ACURAST__HEARD_RUNS];
} heard_sender;

void acurast__heard_init(acurast__heard *heard, size_t max_senders)
{
    *heard = (acurast__heard){.max = max_senders};
    acurast__idmap_init(&heard->senders);
    acurast__list_init(&heard->recent);
    acurast__list_init(&heard->telling);
}

/* ---- senders and runs ---- */

static void run_free(acurast__heard *heard, heard_run *run)
{
    if (!run)
        return;
    heard->untold -= run->items - run->told;
    acurast__list_remove(&run->telling);
    acurast__free(run->frame);
    acurast__free(run);
}

static void sender_free(acurast__heard *heard, heard_sender *sender)
{
    acurast__list_remove(&sender->link);
    acurast__idmap_remove(&heard->senders, sender->id, acurast__id_hash(sender->id));
    for (size_t i = 0; i < ACURAST__HEARD_RUNS; i++)
        run_free(heard, sender->runs[i]);
    acurast__free(sender);
}

static heard_sender *oldest(acurast__heard *heard)
{
    return ACURAST__CONTAINER(heard->recent.next, heard_sender, link);
}

void acurast__heard_clear(acurast__heard *heard)
{
    while (!acurast__list_empty(&heard->recent))
        sender_free(heard, oldest(heard));
    acurast__idmap_clear(&heard->senders);
}

static heard_sender *sender_find(acurast__heard *heard, const uint8_t id[16])
{
    heard_sender *sender = acurast__idmap_get(&heard->senders, id, acurast__id_hash(id));
    if (sender) {
        acurast__list_remove(&sender->link);
        acurast__list_append(&heard->recent, &sender->link);
    }
    return sender;
}

static heard_sender *sender_create(acurast__heard *heard, const uint8_t id[16])
{
    heard_sender *sender = acurast__alloc_zero(sizeof *sender);
    if (!sender)
        return NULL;
    if (heard->senders.count >= heard->max) {
        heard->forgot = true;
        sender_free(heard, oldest(heard));
    }
    if (!acurast__idmap_put(&heard->senders, id, acurast__id_hash(id), sender)) {
        acurast__free(sender);
        return NULL;
    }
    memcpy(sender->id, id, sizeof sender->id);
    sender->forgot = heard->forgot; /* it may have been here */
    acurast__list_append(&heard->recent, &sender->link);
    return sender;
}

static heard_run *run_of(heard_sender *sender, const uint8_t *run)
{
    for (size_t i = 0; sender && i < ACURAST__HEARD_RUNS; i++)
        if (sender->runs[i] && memcmp(sender->runs[i]->run, run, ACURAST__RUN_SIZE) == 0) {
            sender->runs[i]->used = ++sender->turn;
            return sender->runs[i];
        }
    return NULL;
}

static heard_run *run_find(acurast__heard *heard, const uint8_t id[16], const uint8_t *run)
{
    return run_of(sender_find(heard, id), run);
}

/* A free place, or the one used least recently. */
static heard_run **place_in(heard_sender *sender)
{
    heard_run **place = &sender->runs[0];
    for (size_t i = 0; i < ACURAST__HEARD_RUNS; i++) {
        if (!sender->runs[i])
            return &sender->runs[i];
        if (sender->runs[i]->used < (*place)->used)
            place = &sender->runs[i];
    }
    return place;
}

static heard_run *run_create(acurast__heard *heard, const uint8_t id[16], const uint8_t *run)
{
    heard_run *made = acurast__alloc_zero(sizeof *made);
    heard_sender *sender = made ? sender_find(heard, id) : NULL;
    if (made && !sender)
        sender = sender_create(heard, id);
    if (!sender) {
        acurast__free(made);
        return NULL;
    }
    heard_run **place = place_in(sender);
    sender->forgot = sender->forgot || *place;
    run_free(heard, *place);
    *place = made;
    made->unsure = sender->forgot;
    acurast__list_init(&made->telling);
    made->sender = sender;
    made->used = ++sender->turn;
    memcpy(made->run, run, sizeof made->run);
    return made;
}

/* ---- receipts ---- */

static bool make_room(heard_run *run)
{
    if (run->items < run->capacity)
        return true;
    size_t capacity = run->capacity ? 2 * run->capacity : FIRST_ITEMS;
    uint8_t *larger = acurast__alloc(FRAME_HEAD + capacity * ACURAST__RECEIPT_ITEM_SIZE);
    if (!larger)
        return false;
    if (run->items)
        memcpy(larger, run->frame, FRAME_HEAD + run->items * ACURAST__RECEIPT_ITEM_SIZE);
    acurast__free(run->frame);
    run->frame = larger;
    run->capacity = capacity;
    return true;
}

static void tell(acurast__heard *heard, heard_run *run, uint64_t number, acurast__receipt_status status)
{
    if (heard->untold >= UNTOLD_MAX || !make_room(run))
        return;
    heard->untold++;
    acurast__receipt_item(run->frame + FRAME_HEAD + run->items++ * ACURAST__RECEIPT_ITEM_SIZE, number, status);
    if (acurast__list_empty(&run->telling))
        acurast__list_append(&heard->telling, &run->telling);
}

/* All of its receipts are told. */
static void drop_frame(heard_run *run)
{
    acurast__free(run->frame);
    run->frame = NULL;
    run->items = run->told = run->capacity = 0;
    acurast__list_remove(&run->telling);
}

static heard_run *next_run(acurast__heard *heard)
{
    while (!acurast__list_empty(&heard->telling)) {
        heard_run *run = ACURAST__CONTAINER(heard->telling.next, heard_run, telling);
        if (run->told < run->items)
            return run;
        drop_frame(run);
    }
    return NULL;
}

const uint8_t *acurast__heard_next(acurast__heard *heard, const uint8_t id[16], size_t *size)
{
    heard_run *run = next_run(heard);
    if (!run)
        return NULL;
    uint8_t *frame = run->frame + run->told * ACURAST__RECEIPT_ITEM_SIZE;
    size_t left = run->items - run->told;
    size_t count = left < ACURAST__RECEIPT_MAX_ITEMS ? left : ACURAST__RECEIPT_MAX_ITEMS;
    acurast__frame_header(frame, ACURAST__FRAME_RECEIPT, id, run->sender->id);
    memcpy(frame + ACURAST__HEADER_SIZE, run->run, sizeof run->run);
    *size = FRAME_HEAD + count * ACURAST__RECEIPT_ITEM_SIZE;
    run->told += count;
    heard->untold -= count;
    return frame;
}

/* ---- what came ---- */

static size_t level_of(const acurast__tracked *tracked)
{
    return tracked->level == ACURAST__TRACK_DELIVERED;
}

/* It came before. Of what is still on its way to the program nothing is told yet. */
static acurast__heard_verdict repeat(acurast__heard *heard, heard_run *run, const acurast__tracked *tracked)
{
    if (level_of(tracked) && tracked->number <= run->delivered)
        tell(heard, run, tracked->number, ACURAST__RECEIPT_DELIVERED);
    return ACURAST__HEARD_REFUSED;
}

static acurast__heard_verdict refuse(acurast__heard *heard, heard_run *run, const acurast__tracked *tracked,
                                     acurast__receipt_status status)
{
    if (level_of(tracked))
        tell(heard, run, tracked->number, status);
    return ACURAST__HEARD_REFUSED;
}

acurast__heard_verdict acurast__heard_judge(acurast__heard *heard, const uint8_t sender[16],
                                            const acurast__tracked *tracked)
{
    heard_run *run = run_find(heard, sender, tracked->run);
    if (!run)
        run = run_create(heard, sender, tracked->run);
    if (!run)
        return ACURAST__HEARD_NO_MEMORY;
    uint64_t taken = run->taken[level_of(tracked)];
    if (tracked->number <= taken)
        return repeat(heard, run, tracked);
    if (tracked->again && run->unsure)
        return refuse(heard, run, tracked, ACURAST__RECEIPT_UNKNOWN);
    if (tracked->after > taken)
        return refuse(heard, run, tracked, ACURAST__RECEIPT_EARLY);
    return ACURAST__HEARD_NEW;
}

void acurast__heard_taken(acurast__heard *heard, const uint8_t sender[16], const acurast__tracked *tracked)
{
    heard_run *run = run_find(heard, sender, tracked->run);
    if (!run)
        return;
    run->taken[level_of(tracked)] = tracked->number;
    run->unsure = run->unsure && !level_of(tracked); /* nothing of it that is to come was here before */
}

void acurast__heard_delivered(acurast__heard *heard, const uint8_t sender[16], const uint8_t *number_run,
                              uint64_t number)
{
    heard_run *run = run_find(heard, sender, number_run);
    if (!run)
        run = run_create(heard, sender, number_run);
    if (!run)
        return;
    if (run->taken[1] < number)
        run->taken[1] = number;
    if (run->delivered < number)
        run->delivered = number;
    tell(heard, run, number, ACURAST__RECEIPT_DELIVERED);
}
