/*
 * What is to be told to senders: receipts for their tracked frames, and who of those that they asked for is gone. A shard collects it
 * during a turn of its loop, by who is to hear it, and gives it out at the end: one frame for each run of each sender, and one of who is
 * gone, behind the receipts.
 *
 * It also counts: whatever is dropped goes through here, so that no drop is counted and not told, or told and not counted. For a payload
 * that is not tracked that is all.
 *
 * Bounded: what is beyond, or finds no memory, is lost and counted, and so is what finds no room in the queue of who is to hear it. The
 * sender then hears nothing: it sends again where it has a reason to, and else its outcome is undetermined. On one loop's thread.
 */
#ifndef ACURAST_SERVICE_TIDINGS_H
#define ACURAST_SERVICE_TIDINGS_H

#include "base/idmap.h"
#include "base/list.h"
#include "net/address.h"
#include "net/chain.h"
#include "service/metrics.h"
#include "wire/track.h"

/* Bytes that may wait to be told. */
#define ACURAST__TIDINGS_MAX ((size_t)4 * 1024 * 1024)

/* The first byte of a frame of version 1. */
#define ACURAST__FRAME_BYTE(type) (ACURAST__VERSION << 4 | (type))

static inline bool acurast__frame_is_plain(const uint8_t *bytes)
{
    return bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_PAYLOAD);
}

static inline bool acurast__frame_is_tracked(const uint8_t *bytes)
{
    return bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_TRACKED);
}

/* What is counted as a payload, and kept in mailboxes; the rest is for one connection. */
static inline bool acurast__frame_is_payload(const uint8_t *bytes)
{
    return acurast__frame_is_plain(bytes) || acurast__frame_is_tracked(bytes);
}

typedef struct acurast__tidings {
    acurast__metrics *metrics;
    _Atomic uint64_t *waiting; /* where its memory is counted, and that of watches */
    bool presence;             /* false: nobody hears who is here */
    acurast__idmap askers;     /* id -> what is to be told to it */
    acurast__list due;         /* the same, in the order in which they came */
    acurast__list departures;  /* service/watch.h */
    size_t memory;
} acurast__tidings;

void acurast__tidings_init(acurast__tidings *tidings, acurast__metrics *metrics, _Atomic uint64_t *waiting,
                           bool presence);
void acurast__tidings_clear(acurast__tidings *tidings);

/* Notes what became of one tracked frame; `run` has 8 bytes. */
void acurast__tidings_receipt(acurast__tidings *tidings, const uint8_t asker[16], const uint8_t *run, uint64_t number,
                              acurast__receipt_status status);

/* The same of a whole frame; nothing where it is not tracked. */
void acurast__tidings_outcome(acurast__tidings *tidings, const uint8_t *bytes, size_t size,
                              acurast__receipt_status status);

void acurast__tidings_gone(acurast__tidings *tidings, const uint8_t asker[16], const uint8_t who[16],
                           acurast__gone_kind kind);

/*
 * Counts a frame as dropped, and its sender is told if it is tracked. What is no payload counts as lost where there was no memory; else
 * whoever it was for has left, and nothing is counted.
 */
void acurast__tidings_drop(acurast__tidings *tidings, acurast__drop why, const uint8_t *bytes, size_t size);

/* All of a chain, which is empty afterwards. */
void acurast__tidings_drop_chain(acurast__tidings *tidings, acurast__drop why, acurast__chain *chain);

/* A frame that only who tracks is told, on its way. It is not measured against what the recipient takes, since it is small. */
typedef struct acurast__tiding {
    const uint8_t *recipient;
    uint64_t hash;                 /* of the recipient's id */
    const acurast__address *group; /* of its sender; NULL: the service says it, on the recipient's account */
    const uint8_t *bytes;
    size_t size;
    size_t items; /* words in it, as they are counted */
    uint8_t *own; /* to be freed; NULL: nothing is */
} acurast__tiding;

static inline bool acurast__tidings_quiet(const acurast__tidings *tidings)
{
    return acurast__list_empty(&tidings->due) && acurast__list_empty(&tidings->departures);
}

/* What is due next, with memory of its own; false where there is nothing. */
bool acurast__tidings_next(acurast__tidings *tidings, acurast__tiding *tiding);

/* It finds no room where it should go. */
static inline void acurast__tidings_lose(acurast__tidings *tidings, const acurast__tiding *tiding)
{
    acurast__count(&tidings->metrics->tidings_lost, tiding->items);
}

#endif
