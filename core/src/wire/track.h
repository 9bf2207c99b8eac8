/*
 * The frames of receipts and presence: tracked payloads, receipts, who is gone, who is here. core/docs/protocol.md,
 * "Receipts and presence". Decoding gives views into the caller's bytes; numbers are big-endian.
 */
#ifndef ACURAST_WIRE_TRACK_H
#define ACURAST_WIRE_TRACK_H

#include "wire/frame.h"

#define ACURAST__RUN_SIZE 8
/* flags (1), run (8), number (8), behind (4) */
#define ACURAST__TRACKED_HEAD_SIZE 21
#define ACURAST__RECEIPT_ITEM_SIZE 9
#define ACURAST__RECEIPT_MAX_ITEMS 1024
#define ACURAST__GONE_ITEM_SIZE 17
#define ACURAST__TOKEN_SIZE 4
#define ACURAST__LOOK_MAX_IDS 64
#define ACURAST__SEEN_ITEM_SIZE 34

/* How far a payload has to get before its sender counts it as sent. */
typedef enum acurast__track_level {
    ACURAST__TRACK_RELAYED = 1,
    ACURAST__TRACK_DELIVERED = 2
} acurast__track_level;

/* What a receipt says. X(name, code) */
#define ACURAST__RECEIPT_MAP(X)                                                                                        \
    X(RELAYED, 1)                                                                                                      \
    X(DELIVERED, 2)                                                                                                    \
    X(KEPT, 3) /* interim: it waits in the mailbox */                                                                  \
    X(NOT_HERE, 16)                                                                                                    \
    X(MAILBOX_FULL, 17)                                                                                                \
    X(EXPIRED, 18) /* in the mailbox */                                                                                \
    X(TOO_LARGE, 19)                                                                                                   \
    X(QUEUE_FULL, 20) /* of the recipient, or the sender's share of it */                                              \
    X(NO_MEMORY, 21)                                                                                                   \
    X(NOT_DELIVERED, 22) /* one of 16 to 18, from a service that hides presence */                                     \
    X(UNKNOWN, 23)       /* sent again, and nobody remembers whether it was delivered */                               \
    X(EARLY, 24)         /* not delivered: one of the same run that was sent before it has not come */                 \
    X(DRAINING, 25)      /* not delivered: the service ends; to be sent again at the next */

typedef enum acurast__receipt_status {
#define ACURAST__RECEIPT_ENUM(name, code) ACURAST__RECEIPT_##name = (code),
    ACURAST__RECEIPT_MAP(ACURAST__RECEIPT_ENUM)
#undef ACURAST__RECEIPT_ENUM
} acurast__receipt_status;

/* The body of a tracked frame. */
typedef struct acurast__tracked {
    acurast__track_level level;
    bool again;         /* it may have been delivered before */
    const uint8_t *run; /* 8 bytes, random for each client object */
    uint64_t number;    /* within the run; not 0 */
    uint64_t after;     /* the number that has to be delivered before it; 0: none */
    const uint8_t *payload;
    size_t payload_size;
} acurast__tracked;

/* False where the body is too short, or a field has a value that is not allowed. */
bool acurast__tracked_decode(acurast__tracked *tracked, const acurast__frame *frame);

/* Writes all but the payload. */
void acurast__tracked_head(uint8_t bytes[ACURAST__TRACKED_HEAD_SIZE], const acurast__tracked *tracked);

/* The body of a receipt frame: what became of some numbers of one run. */
typedef struct acurast__receipts {
    const uint8_t *run;
    const uint8_t *items;
    size_t count; /* 1 to ACURAST__RECEIPT_MAX_ITEMS */
} acurast__receipts;

bool acurast__receipts_decode(acurast__receipts *receipts, const acurast__frame *frame);

/* The status is as it came: it may be none of the table. */
void acurast__receipts_at(const acurast__receipts *receipts, size_t index, uint64_t *number, uint8_t *status);

void acurast__receipt_item(uint8_t bytes[ACURAST__RECEIPT_ITEM_SIZE], uint64_t number, acurast__receipt_status status);

/* How an id has left. */
typedef enum acurast__gone_kind {
    ACURAST__GONE_LEFT = 0,
    ACURAST__GONE_AWAY = 1,    /* and has a mailbox */
    ACURAST__GONE_REPLACED = 2 /* by a newer connection of its key */
} acurast__gone_kind;

typedef enum acurast__presence {
    ACURAST__PRESENCE_NOT_HERE = 0,
    ACURAST__PRESENCE_HERE = 1,
    ACURAST__PRESENCE_AWAY = 2 /* with a mailbox */
} acurast__presence;

/* Items behind a token of 4 bytes, or behind nothing. */
typedef struct acurast__items {
    const uint8_t *token; /* NULL for gone */
    const uint8_t *items;
    size_t count;
} acurast__items;

/* gone: items are id (16) and kind (1); look: id (16); seen: presence (1) and public key (33, zero where it is not known). */
bool acurast__gone_decode(acurast__items *gone, const acurast__frame *frame);
bool acurast__look_decode(acurast__items *look, const acurast__frame *frame);
bool acurast__seen_decode(acurast__items *seen, const acurast__frame *frame);

#endif
