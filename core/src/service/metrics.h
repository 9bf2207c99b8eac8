/*
 * What the service counts. Each loop has its own counters, which only its thread raises and anybody may read, so that a count
 * costs one addition; they are summed when they are printed, as Prometheus text.
 */
#ifndef ACURAST_SERVICE_METRICS_H
#define ACURAST_SERVICE_METRICS_H

#include "protocol/service_session.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a payload was not passed on. X(name, label) */
#define ACURAST__DROP_MAP(X)                                                                                           \
    X(UNKNOWN_RECIPIENT, "unknown_recipient") /* never here, or too long gone */                                       \
    X(NO_MAILBOX, "no_mailbox")               /* its connection was lost and there are no mailboxes */                 \
    X(MAILBOX_FULL, "mailbox_full")           /* by count or bytes */                                                  \
    X(MAILBOX_TOTAL, "mailbox_total")         /* all mailboxes together are full */                                    \
    X(MAILBOX_SENDER, "mailbox_sender")       /* this sender, or its address, has its share of them */                 \
    X(MAILBOX_EXPIRED, "mailbox_expired")                                                                              \
    X(SLOW_READER, "slow_reader")   /* the recipient's send buffer is full */                                          \
    X(SENDER_SHARE, "sender_share") /* the sender, or its address, has its share of that waiting */                    \
    X(TOO_LARGE, "too_large")       /* for the recipient, which said how much it takes */                              \
    X(REPEATED, "repeated")         /* sent again, to one that could not tell */                                       \
    X(DRAINING, "draining")         /* was waiting when the service ended */                                           \
    X(MEMORY, "memory")                                                                                                \
    X(UNKNOWN_FRAME, "unknown_frame") /* of an unknown type or version */

typedef enum acurast__drop {
#define ACURAST__DROP_ENUM(name, label) ACURAST__DROP_##name,
    ACURAST__DROP_MAP(ACURAST__DROP_ENUM)
#undef ACURAST__DROP_ENUM
    ACURAST__DROP_COUNT
} acurast__drop;

/* Why a connection was turned away before it had a handshake. */
#define ACURAST__REJECT_MAP(X)                                                                                         \
    X(CONNECTIONS, "connections")                                                                                      \
    X(PENDING, "pending")                                                                                              \
    X(ADDRESS_CONNECTIONS, "address_connections")                                                                      \
    X(ADDRESS_HANDSHAKES, "address_handshakes")                                                                        \
    X(NOT_READY, "not_ready") /* starting or draining */                                                               \
    X(MEMORY, "memory")                                                                                                \
    X(DESCRIPTORS, "descriptors") /* none was left for it */                                                           \
    X(ADMIN, "admin")             /* on the admin listener */

typedef enum acurast__reject {
#define ACURAST__REJECT_ENUM(name, label) ACURAST__REJECT_##name,
    ACURAST__REJECT_MAP(ACURAST__REJECT_ENUM)
#undef ACURAST__REJECT_ENUM
    ACURAST__REJECT_COUNT
} acurast__reject;

/*
 * How a handshake or a connection ended, beside the refusals of the protocol's table, which have their place after these. GONE is the
 * peer's doing; the websocket layer itself ends what is UNRESPONSIVE, TOO_LARGE or against the PROTOCOL of websockets.
 *
 *   X(name, label, close code, reason)
 */
#define ACURAST__ENDING_MAP(X)                                                                                         \
    X(GONE, "gone", 0, "")                                                                                             \
    X(UNRESPONSIVE, "unresponsive", 0, "")                                                                             \
    X(PROTOCOL, "protocol", 0, "")                                                                                     \
    X(TOO_LARGE, "too_large", 1009, "")                                                                                \
    X(FLOOD, "flood", 1008, "too much before acceptance")                                                              \
    X(TIMEOUT, "timeout", 1008, "handshake took too long")                                                             \
    X(DENIED, "denied", 4003, "denied by the lists")                                                                   \
    X(REPLACED, "replaced", 4001, "replaced by a newer connection of the same key")                                    \
    X(INCUMBENT, "incumbent", 4005, "busy: this key was taken over too often, and its present connection answers")     \
    X(MEMORY, "memory_full", 4004, "slow reader: the service's memory is full")                                        \
    X(DRAINING, "draining", 1001, "draining")

typedef enum acurast__ending {
#define ACURAST__ENDING_ENUM(name, label, code, reason) ACURAST__ENDING_##name,
    ACURAST__ENDING_MAP(ACURAST__ENDING_ENUM)
#undef ACURAST__ENDING_ENUM
    ACURAST__ENDING_REFUSED, /* plus an acurast__refusal */
    ACURAST__ENDING_COUNT = ACURAST__ENDING_REFUSED + ACURAST__REFUSAL_COUNT
} acurast__ending;

/* Close code, label and reason of any ending. */
acurast__refusal_info acurast__ending_info(unsigned ending);

#define ACURAST__SECONDS_BUCKETS 12

typedef _Atomic uint64_t acurast__counter;

typedef struct acurast__metrics {
    acurast__counter frames_in; /* payload frames of accepted clients */
    acurast__counter bytes_in;
    acurast__counter frames_out; /* queued to a client */
    acurast__counter bytes_out;
    acurast__counter mailbox_frames; /* put into a mailbox */
    acurast__counter connections;    /* taken on */
    acurast__counter accepted;
    acurast__counter takeovers;
    acurast__counter pauses;       /* of reading, by a rate */
    acurast__counter share_pauses; /* by a share of a recipient's queue */
    acurast__counter verify_us;
    acurast__counter logs_lost;
    acurast__counter receipts_told;    /* by the service: words on a tracked frame */
    acurast__counter receipts_relayed; /* by recipients: frames */
    acurast__counter gone_told;        /* words on one who has left */
    acurast__counter looks;            /* ids that were looked up */
    acurast__counter tidings_lost;     /* of all these, those lost for want of room or memory */
    acurast__counter drops[ACURAST__DROP_COUNT];
    acurast__counter rejects[ACURAST__REJECT_COUNT];
    acurast__counter refused[ACURAST__ENDING_COUNT]; /* handshakes that failed */
    acurast__counter closed[ACURAST__ENDING_COUNT];  /* accepted connections that ended */
    acurast__counter handshake_seconds[ACURAST__SECONDS_BUCKETS + 1];
    acurast__counter handshake_ms;
} acurast__metrics;

/* Only on the thread that owns the counter. */
static inline void acurast__count(acurast__counter *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* A handshake that ended well, and how long it took. */
void acurast__metrics_accepted(acurast__metrics *metrics, uint64_t milliseconds);

/* Adds all counters of `more`, which others may be raising. */
void acurast__metrics_add(acurast__metrics *sum, const acurast__metrics *more);

/* What is now, as opposed to what was. */
typedef struct acurast__gauges {
    uint64_t connections;
    uint64_t pending;
    uint64_t ids;       /* with a connection */
    uint64_t mailboxes; /* ids that are kept without one */
    uint64_t mailbox_frames;
    uint64_t mailbox_bytes;
    uint64_t buffer_bytes;
    uint64_t stalled_ms;           /* of the thread that is furthest behind */
    int64_t certificate_not_after; /* seconds since 1970; 0: there is none */
    unsigned threads;
    bool ready;
} acurast__gauges;

/* The page; from acurast__alloc(), with a final NUL that `*size` does not count. NULL without memory. */
char *acurast__metrics_text(const acurast__metrics *sum, const acurast__gauges *gauges, size_t *size);

#endif
