/*
 * The outbox: sends from the call until their outcome.
 *
 *   reserved -> queued -> flying -> over
 *                 ^          |
 *                 +----------+  the connection was lost before the last byte was written
 *
 * queued: waits for a connection. flying: handed to the websocket, which cannot give it back. Both lists are in the order of the calls.
 * Reserving belongs to any thread, everything else to the client's loop.
 */
#ifndef ACURAST_CLIENT_OUTBOX_H
#define ACURAST_CLIENT_OUTBOX_H

#include "base/event.h"
#include "base/list.h"
#include "net/loop.h"

#include <stdatomic.h>

typedef struct acurast__outbox acurast__outbox;

/* One send. Holds the room for its outcome. */
typedef struct acurast__operation {
    acurast__list link;
    acurast__event event;
    acurast__timer timer;
    struct acurast__operation *next_in_bucket;
    acurast__outbox *outbox;
    uint64_t number;
    uint64_t token;
    uint64_t deadline; /* milliseconds of the monotonic clock; 0: none */
    uint64_t end;      /* flying: where its bytes end among all that the websocket was given */
    bool flying;
    bool cancelled; /* asked for while flying: counts if the connection is lost first */
    bool no_outcome;
    size_t payload_size;
    uint8_t *frame; /* header and payload */
} acurast__operation;

struct acurast__outbox {
    size_t max_count;
    size_t max_bytes;
    atomic_size_t count; /* reserved: sends that are not over, and outcomes that nobody has taken yet */
    atomic_size_t bytes; /* payload bytes of sends that are not over */
    acurast__loop *loop; /* set before the first operation is accepted; may be NULL where none has a deadline */
    acurast__list queued;
    acurast__list flying;
    acurast__operation **buckets; /* by number; numbers are consecutive, so they spread evenly */
    size_t bucket_count;          /* a power of two */
    size_t size;                  /* queued and flying */
    size_t largest_written;       /* payload bytes, on this connection */
    /* The end of an operation, exactly once: it is in no list any more and belongs to the function from now on. */
    void (*over)(acurast__outbox *outbox, acurast__operation *operation, acurast_status status);
};

acurast_status acurast__outbox_init(acurast__outbox *outbox, size_t max_count, size_t max_bytes,
                                    void (*over)(acurast__outbox *outbox, acurast__operation *operation,
                                                 acurast_status status));

/* Nothing may be in it. */
void acurast__outbox_clear(acurast__outbox *outbox);

/* Makes room for one send, or OUTBOX_FULL. An empty outbox takes any size. Any thread. */
acurast_status acurast__outbox_reserve(acurast__outbox *outbox, size_t payload_size);

/* Gives room back. Any thread. */
void acurast__outbox_unreserve_count(acurast__outbox *outbox);
void acurast__outbox_unreserve_bytes(acurast__outbox *outbox, size_t payload_size);

/* True where it has drained to a half, in count and bytes, and a payload of that size fits. Any thread. */
bool acurast__outbox_half_empty(acurast__outbox *outbox, size_t payload_size);

/* A copy of the payload behind its header; NULL without memory. Any thread. */
acurast__operation *acurast__operation_create(const uint8_t sender[16], const uint8_t recipient[16],
                                              const void *payload, size_t payload_size);

/* Frees the payload, as soon as nobody needs it; and everything. Any thread. */
void acurast__operation_free_payload(acurast__operation *operation);
void acurast__operation_free(acurast__operation *operation);

/* Takes an operation with its number, token and deadline set, behind all others. */
void acurast__outbox_accept(acurast__outbox *outbox, acurast__operation *operation);

/* Ends a queued operation with CANCELLED; marks a flying one; leaves any other alone. */
void acurast__outbox_cancel(acurast__outbox *outbox, uint64_t number);

/* The first that is queued; NULL without one. */
acurast__operation *acurast__outbox_first(acurast__outbox *outbox);

/* The first was handed to the websocket, whose bytes up to `end` it is. */
void acurast__outbox_flown(acurast__outbox *outbox, acurast__operation *operation, uint64_t end);

/* Ends a queued operation with `status`. */
void acurast__outbox_fail(acurast__outbox *outbox, acurast__operation *operation, acurast_status status);

/* The websocket has written up to here: what flies below it is OK. */
void acurast__outbox_written(acurast__outbox *outbox, uint64_t written);

/* A payload of that size was written on this connection, past the outbox. */
void acurast__outbox_wrote(acurast__outbox *outbox, size_t payload_size);

/*
 * The connection is gone, after `written` bytes. What flies returns to the front of the queue, but what was cancelled or has expired
 * meanwhile. `too_large`: the peer closed with 1009. The operation that was being written ends with TOO_LARGE if it is larger than
 * any that was written before on this connection; else one was meant that has been reported as written already.
 */
void acurast__outbox_lost(acurast__outbox *outbox, uint64_t written, bool too_large);

/* Ends all. */
void acurast__outbox_fail_all(acurast__outbox *outbox, acurast_status status);

#endif
