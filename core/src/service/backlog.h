/*
 * What waits for one recipient, beyond what its websocket was given: by sender, and the senders by their addresses.
 *
 *   little waits   one chain, first in, first out: nothing is looked up
 *   more waits     a lane for each sender. Groups of addresses are served in turn, and in a group its senders: a quantum of bytes each
 *
 * Shares: a sender may have as much waiting as is still free for all, and a group twice that. So whoever comes first takes half of the
 * room at most, the next one half of what is left, and there is always room for one who has little. Only who exceeds a share pays.
 *
 * Order is kept for each sender. Not thread-safe: the directory's lock is around it.
 */
#ifndef ACURAST_SERVICE_BACKLOG_H
#define ACURAST_SERVICE_BACKLOG_H

#include "net/address.h"
#include "net/chain.h"

/* Beyond so many bytes there is a lane for each sender. */
#define ACURAST__BACKLOG_CHAIN_MAX ((size_t)16 * 1024)

/* What a sender's lane costs beside its chain: it counts, so that many senders with little are not free. */
#define ACURAST__BACKLOG_LANE_COST 512

typedef struct acurast__backlog_lanes acurast__backlog_lanes;

typedef struct acurast__backlog {
    acurast__chain chain;          /* what came first */
    acurast__backlog_lanes *lanes; /* what came then; NULL while the chain is enough */
} acurast__backlog;

/* Who sends. Both are read from as 16 bytes. */
typedef struct acurast__backlog_sender {
    const uint8_t *id;
    const acurast__address *group; /* acurast__address_group() of its address */
} acurast__backlog_sender;

typedef enum acurast__backlog_verdict {
    ACURAST__BACKLOG_TAKEN,
    ACURAST__BACKLOG_STEEP, /* taken; and the sender has half of its share waiting: it should pause */
    ACURAST__BACKLOG_SHARE, /* dropped: its share is full */
    ACURAST__BACKLOG_FULL,  /* dropped: there is no room, even for one who has nothing waiting */
    ACURAST__BACKLOG_NO_MEMORY
} acurast__backlog_verdict;

void acurast__backlog_init(acurast__backlog *backlog);
void acurast__backlog_clear(acurast__backlog *backlog);

/* Of all that waits: bytes, with the headers of frames; the same with the cost of lanes; memory held; messages. */
size_t acurast__backlog_bytes(const acurast__backlog *backlog);
size_t acurast__backlog_weight(const acurast__backlog *backlog);
size_t acurast__backlog_memory(const acurast__backlog *backlog);
size_t acurast__backlog_frames(const acurast__backlog *backlog);

/* Appends a message of `size` bytes. `room` is what may still wait, in bytes, for all senders together. */
acurast__backlog_verdict acurast__backlog_put(acurast__backlog *backlog, const acurast__backlog_sender *sender,
                                              uint64_t room, const uint8_t *bytes, size_t size);

/* The same always into the sender's lane, and without shares: false without memory. For mailboxes, whose shares are the ledger's. */
bool acurast__backlog_keep(acurast__backlog *backlog, const acurast__backlog_sender *sender, const uint8_t *bytes,
                           size_t size);

/* Moves what is due next to the end of `chain`: one piece of memory at least, then on until `budget` bytes were moved. */
void acurast__backlog_take(acurast__backlog *backlog, size_t budget, acurast__chain *chain);

/* Puts `chain` (emptied) before all that waits. */
void acurast__backlog_precede(acurast__backlog *backlog, acurast__chain *chain);

/* True where the sender has so little waiting that it may go on. `tired`: if not, it is not asked to pause again before it has. */
bool acurast__backlog_relaxed(acurast__backlog *backlog, const uint8_t sender[16], uint64_t room, bool tired);

/* Moves the lanes that hold most, at least half of what the largest does, to the end of `dropped`; nothing where there are no lanes. */
void acurast__backlog_drop_largest(acurast__backlog *backlog, acurast__chain *dropped);

/* The group of the sender's lane, which stays what it was when the lane began; NULL where it has none. Valid until the backlog changes. */
const acurast__address *acurast__backlog_group(const acurast__backlog *backlog, const uint8_t sender[16]);

/* A lane, to be looked at; the pointers are valid until the backlog changes. */
typedef struct acurast__backlog_view {
    const uint8_t *sender;
    const acurast__address *group;
    const acurast__chain *chain;
} acurast__backlog_view;

/* Walks the lanes: start with *cursor = 0; false at the end. */
bool acurast__backlog_next(const acurast__backlog *backlog, size_t *cursor, acurast__backlog_view *view);

/* Moves the sender's lane to the end of `dropped`. */
void acurast__backlog_drop(acurast__backlog *backlog, const uint8_t sender[16], acurast__chain *dropped);

#endif
