/*
 * A client: a dApp or a processor; the protocol does not tell them apart.
 *
 *   create -> set_callback or set_queue -> connect -> send ... -> close -> release
 *
 * States, each an event:
 *
 *   IDLE -> CONNECTING -> AUTHENTICATING -> CONNECTED
 *               ^               |               |
 *               |               v               v
 *               +-------- DISCONNECTED <--------+     any of them -> CLOSED
 *
 * A client tries its services in order and reconnects with exponential backoff and
 * full jitter until it is closed. It closes by itself only where trying again
 * is senseless: denied (4003), replaced by a newer connection of its key (4001, once accepted),
 * more proof of work than allowed, an Ed25519 identity that no service takes.
 *
 * A send goes into the outbox and has one outcome, exactly once (but for `write_now`, below):
 *
 *   OK         its last byte was taken by the operating system. It may still be
 *              lost on the way: protocol version 1 acknowledges nothing.
 *   CANCELLED  by acurast_client_cancel(), before its first byte was written
 *   EXPIRED    it waited longer than its time
 *   TOO_LARGE  the service's limit, learnt from it or by its close code 1009
 *   CLOSED     the client was closed first
 *
 * The outbox survives reconnects: what was not written, or only in part, is sent again in order.
 *
 * A send may ask for more than that by `until`: then it counts as sent once the service has relayed it, or once the recipient has
 * delivered it to its program. This is an extension: it needs a service of libacurast. Its outcome is one of these as well:
 *
 *   OK               the level asked for was reached. `reached` says RELAYED where DELIVERED was asked for and the recipient cannot
 *                    say it, such as the vendor's client: that is the most there is.
 *   NOT_HERE, MAILBOX_FULL, MAILBOX_EXPIRED, QUEUE_FULL, NOT_DELIVERED, SERVICE_MEMORY, TOO_LARGE
 *                    it was not delivered, and will not be
 *   EXPIRED, CANCELLED, CLOSED
 *                    likewise; it never got as far as the service
 *   UNDETERMINED     it was sent, and its time ended, or it was cancelled, or the recipient's connection broke, before anybody said
 *                    whether it was delivered
 *   UNSUPPORTED      the service does not know this extension, or the option `extensions` is off. At once, never by a time-out.
 *
 * A send with a level is sent again, under the same number, after either side has reconnected, until its time is over; the recipient's
 * engine gives it to its program once, in the order of the calls, as long as both programs live. A recipient remembers for 65,536
 * senders what it was given; beyond that, what is sent again may end as UNDETERMINED.
 *
 * DELIVERED is the word of the recipient: a dishonest one says it without looking at the payload. An answer proves more.
 */
#ifndef ACURAST_CLIENT_H
#define ACURAST_CLIENT_H

#include <acurast/context.h>
#include <acurast/event.h>
#include <acurast/export.h>
#include <acurast/identity.h>
#include <acurast/options.h>
#include <acurast/status.h>

#include <stddef.h>
#include <stdint.h>

ACURAST_BEGIN

typedef struct acurast_client acurast_client;

/*
 * `options`: scope CLIENT; the option `url` names the services. `identity` is retained; NULL makes a new P-256 key pair. Does no I/O.
 * Fails with INVALID, BAD_OPTION (no URL, or one that is not ws:// or wss://), UNSUPPORTED (a secp256k1 identity: no service admits
 * one), NO_MEMORY, CLOSED (context) or FORKED. What was wrong with a URL is told by acurast_options_error(options).
 */
ACURAST_API acurast_status acurast_client_create(acurast_context *context, acurast_options *options,
                                                 acurast_identity *identity, acurast_client **client);

/* Events by callback. Before connect; BAD_STATE afterwards or if a delivery was chosen. `destructor` may be NULL. */
ACURAST_API acurast_status acurast_client_set_callback(acurast_client *client, acurast_event_callback callback,
                                                       void *user, acurast_destructor destructor);

/* Events by queue, each with `source`. Before connect; BAD_STATE afterwards or if a delivery was chosen. */
ACURAST_API acurast_status acurast_client_set_queue(acurast_client *client, acurast_queue *queue, uint64_t source);

/* Starts connecting and returns at once. BAD_STATE if it was called before, CLOSED, NO_MEMORY or SYSTEM. */
ACURAST_API acurast_status acurast_client_connect(acurast_client *client);

/*
 * Waits until the client is connected. `timeout_ms` < 0 waits for ever. Returns OK; TIMEOUT; the reason (such as DENIED) if it closed
 * by itself; CLOSED if it was closed; BAD_STATE before connect; WOULD_DEADLOCK on an I/O thread.
 */
ACURAST_API acurast_status acurast_client_wait(acurast_client *client, int timeout_ms);

/* Settings of one send. Zero it, set `size` to its sizeof, then what you need. */
typedef struct acurast_send_params {
    size_t size;
    uint64_t token;      /* comes back in the outcome */
    uint32_t no_outcome; /* 1: no outcome event for this send, however it ends */
    uint32_t timeout_ms; /* how long it may wait in the outbox; 0: the option `send-timeout` */
    uint32_t write_now;  /* 1: the call may write the payload itself: see acurast_client_send() */
    uint32_t until;      /* an acurast_level: how far it must get before it counts as sent */
    uint32_t tell_kept;  /* 1: a KEPT event tells that it waits in the recipient's mailbox */
    uint32_t reserved;   /* 0 */
} acurast_send_params;

/*
 * Sends `payload_size` bytes to a recipient given in any form that acurast_id_of() takes. The bytes are copied. `params` may be
 * NULL. `operation` may be NULL; it receives a number that is not used twice by this client.
 * A send before the first connection waits in the outbox like any other.
 *
 * With `write_now` the call writes the payload to the socket itself where nothing waits in front of it, the connection is plain (ws://)
 * and the payload has 4096 bytes at most. It still does not wait. Then `*operation` is 0, the operating system has the payload, and no
 * outcome event follows; else the number is not 0, and all is as without it. It is for those who wait for each send: nobody is woken to
 * write, and nobody to hear of it. Those who send on without waiting are better off without it, since the outbox writes many payloads at
 * once. It needs an `operation`, or `no_outcome`.
 *
 * With `until`, `timeout_ms` is the time until the outcome, and `write_now` has no effect. While the client is paused no receipt is read.
 *
 * Fails at once, with no outcome event, with INVALID, BAD_RECIPIENT, BAD_HEX, BAD_KEY, TOO_LARGE, OUTBOX_FULL (a WRITABLE event follows
 * when there is room), UNSUPPORTED (`until` with the option `extensions` off), BAD_STATE (before connect), CLOSED or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_send(acurast_client *client, const void *recipient, size_t recipient_size,
                                               const void *payload, size_t payload_size,
                                               const acurast_send_params *params, uint64_t *operation);

/* So many ids fit into one look. */
#define ACURAST_LOOK_MAX 64

/*
 * Asks the service which of `count` ids (1 to ACURAST_LOOK_MAX, of 16 bytes, one behind the other) are here. A SEEN event follows, exactly
 * once, with the number stored in `*operation` (which may be NULL): OK with one acurast_seen for each id, in order; UNSUPPORTED where the
 * service does not tell; EXPIRED, CANCELLED or CLOSED. A public key that does not fit its id is not passed on. From then on a GONE event
 * tells when one of them leaves, once; likewise for the recipient of a send with a level. The service remembers the newest 1,024 of each
 * client. Of `params` (may be NULL) `token` and `timeout_ms` count. It has its place in the outbox, and waits there for a connection.
 *
 * Fails at once with INVALID, UNSUPPORTED, OUTBOX_FULL, BAD_STATE (before connect), CLOSED or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_look(acurast_client *client, const uint8_t *ids, size_t count,
                                               const acurast_send_params *params, uint64_t *operation);

/*
 * Asks to cancel one send or look. OK says no more than that it was asked: the outcome tells what happened, CANCELLED if it was in time.
 * Its neighbours are not touched. An operation that is over is left alone. Fails with INVALID, CLOSED or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_cancel(acurast_client *client, uint64_t operation);

/*
 * Stops reading from the service, 1, or goes on, 0: for a caller who has more payloads than it can use for now. Outcomes and states
 * still come, and so does what was read before. It outlasts reconnects. While it lasts, a connection that the service has ended seems
 * to stand, until reading goes on or a send fails. How long a service bears with a reader that pauses is its own rule. Idempotent.
 * Fails with INVALID, BAD_STATE (before connect), CLOSED or FORKED.
 */
ACURAST_API acurast_status acurast_client_pause(acurast_client *client, int paused);

/* The state right now; an event that tells of it may still be on its way. */
ACURAST_API acurast_state acurast_client_state(const acurast_client *client);

/* The client's id, for as long as the handle is held: 16 bytes. */
ACURAST_API const uint8_t *acurast_client_id(const acurast_client *client);

/* Figures of one client since it was created. */
typedef struct acurast_client_stats {
    size_t size;             /* in: sizeof of this struct as the caller knows it */
    uint64_t connections;    /* handshakes that ended in accepted */
    uint64_t payloads_in;    /* delivered to the caller */
    uint64_t payloads_out;   /* whose last byte was taken by the operating system */
    uint64_t outbox_count;   /* waiting now */
    uint64_t outbox_bytes;   /* waiting now, payload bytes */
    uint64_t ignored_frames; /* unknown type or version, late challenges and accepteds */
    uint64_t stray_payloads; /* before accepted, or for another id: dropped */
    uint64_t large_payloads; /* larger than the option `max-payload`, from a service that does not heed it: not read */
    uint64_t repeats;        /* payloads with a number that came again, or before their turn: not delivered */
    uint64_t foreign_receipts; /* of another run, for a number that was never sent, or not from who may say so: ignored */
    uint64_t stray_answers;  /* to requests that are not open, or from others than was asked, or malformed: ignored */
} acurast_client_stats;

ACURAST_API acurast_status acurast_client_get_stats(const acurast_client *client, acurast_client_stats *stats);

/*
 * Ends the client: writes what is in the outbox for at most the option `linger`, says goodbye to the service, and delivers every
 * outstanding outcome and then CLOSED, the last event, whose status is OK here: a client that closes by itself tells why. Asynchronous,
 * idempotent, and legal in a callback. A client that never connected has no thread: its CLOSED comes before this call returns.
 */
ACURAST_API acurast_status acurast_client_close(acurast_client *client);

/* Gives the handle back; a client that was not closed is closed first. No event comes after release when called on the I/O thread;
 * from other threads the destructor of the callback tells when the last one is over. Never blocks. */
ACURAST_API void acurast_client_release(acurast_client *client);

ACURAST_END

#endif
