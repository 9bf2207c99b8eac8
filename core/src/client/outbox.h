/*
 * The outbox: calls from the moment they are made until their outcome.
 *
 *   reserved -> queued -> flying -> awaiting -> over
 *                 ^          |          |
 *                 +----------+----------+  the connection was lost, or the recipient's was
 *
 * queued: waits for a connection. flying: handed to the websocket, which cannot give it back. awaiting: written, and the service or the
 * recipient is to say more; a plain send is over instead. Queued ones are in the order of their numbers, which is that of the calls; a
 * flying or awaiting one that returns takes its place among them again.
 *
 * client/tracking.h is the other half: what receipts do. Reserving belongs to any thread, everything else to the client's loop.
 */
#ifndef ACURAST_CLIENT_OUTBOX_H
#define ACURAST_CLIENT_OUTBOX_H

#include "base/idmap.h"
#include "client/operation.h"
#include "net/loop.h"

#include <stdatomic.h>

struct acurast__outbox {
    size_t max_count;
    size_t max_bytes;
    atomic_size_t count; /* reserved: sends that are not over, and outcomes that nobody has taken yet */
    atomic_size_t bytes; /* payload bytes of sends that are not over */
    acurast__loop *loop; /* set before the first operation is accepted; may be NULL where none has a deadline */
    acurast__list queued;
    acurast__list flying;
    acurast__list awaiting;
    acurast__idmap pairs;
    uint8_t run[ACURAST__RUN_SIZE]; /* random, for each client object */
    acurast__operation **buckets; /* by number; numbers are consecutive, so they spread evenly */
    size_t bucket_count;          /* a power of two */
    size_t size;                  /* queued, flying and awaiting */
    size_t largest_written;       /* payload bytes, on this connection */
    uint64_t highest;             /* number that was ever handed to a websocket */
    /* The end of an operation, exactly once: it is in no list any more and belongs to the function from now on. */
    void (*over)(acurast__outbox *outbox, acurast__operation *operation, acurast_status status);
    /* It waits in a mailbox now; may be NULL. */
    void (*kept)(acurast__outbox *outbox, acurast__operation *operation);
};

acurast_status acurast__outbox_init(acurast__outbox *outbox, size_t max_count, size_t max_bytes,
                                    void (*over)(acurast__outbox *outbox, acurast__operation *operation,
                                                 acurast_status status));

/* Nothing may be in it. */
void acurast__outbox_clear(acurast__outbox *outbox);

/* Makes room for so many operations with so many bytes together, or OUTBOX_FULL. An empty outbox takes any size. Any thread. */
acurast_status acurast__outbox_reserve(acurast__outbox *outbox, size_t count, size_t bytes);

/* Gives room back. Any thread. */
void acurast__outbox_unreserve_count(acurast__outbox *outbox, size_t count);
void acurast__outbox_unreserve_bytes(acurast__outbox *outbox, size_t bytes);

/* True where it has drained to a half, in count and bytes, and a payload of that size fits. Any thread. */
bool acurast__outbox_half_empty(acurast__outbox *outbox, size_t payload_size);

/* Takes an operation with its number, token and deadline set, behind all others. */
void acurast__outbox_accept(acurast__outbox *outbox, acurast__operation *operation);

/* The same for one that was written by its caller, while nothing was in the outbox. */
void acurast__outbox_accept_flown(acurast__outbox *outbox, acurast__operation *operation);

/* Ends one with CANCELLED; marks a flying one. */
void acurast__outbox_cancel(acurast__outbox *outbox, uint64_t number);

/* The one whose number ends in `number`, which has 64 bits, or 32; NULL without one. */
acurast__operation *acurast__outbox_find(const acurast__outbox *outbox, uint64_t number, uint64_t mask);

/* The first that is queued; NULL without one. */
acurast__operation *acurast__outbox_first(acurast__outbox *outbox);

/* It is to be sent next: writes into its frame what is not the same each time. */
void acurast__outbox_stamp(acurast__outbox *outbox, acurast__operation *operation);

/* The first was handed to the websocket, whose bytes up to `end` it is. */
void acurast__outbox_flown(acurast__outbox *outbox, acurast__operation *operation, uint64_t end);

/* What was written is now for somebody to answer, wherever it was. */
void acurast__outbox_await(acurast__outbox *outbox, acurast__operation *operation);

/* Ends an operation; with UNDETERMINED in place of a failure, where that is not certain. */
void acurast__outbox_end(acurast__outbox *outbox, acurast__operation *operation, acurast_status status);

/* Takes it back from where it is into the queue, at its place. What was sent of it will not be answered. */
void acurast__outbox_requeue(acurast__outbox *outbox, acurast__operation *operation);

/* The websocket has written up to here: what flies below it is OK, or awaits more. */
void acurast__outbox_written(acurast__outbox *outbox, uint64_t written);

/* A payload of that size was written on this connection, past the outbox. */
void acurast__outbox_wrote(acurast__outbox *outbox, size_t payload_size);

/*
 * The connection is gone, after `written` bytes. What flies or awaits returns to the queue, but what was cancelled or has expired
 * meanwhile. `too_large`: the peer closed with 1009. The operation that was being written ends with TOO_LARGE if it is larger than
 * any that was written before on this connection; else one was meant that has been reported as written already.
 */
void acurast__outbox_lost(acurast__outbox *outbox, uint64_t written, bool too_large);

/* True where nothing is left but requests that wait for their answers: a client that closes does not wait for these. */
bool acurast__outbox_settled(const acurast__outbox *outbox);

/* Ends all. */
void acurast__outbox_fail_all(acurast__outbox *outbox, acurast_status status);

#endif
