/*
 * What happened, told in one of two ways. An object has one of them, chosen before
 * it connects or starts:
 *
 *   a callback  runs on the object's I/O thread, in order, never with a lock held.
 *               It must not block. It may call anything but the waiting functions.
 *   a queue     is drained by the caller in batches. Its descriptor is readable
 *               while events wait, so that any event loop can watch it. No thread
 *               of the library ever enters the caller's code.
 *
 * An object that has neither drops its events.
 *
 * A queue has a limit, in events and in bytes. Room for outcomes and states is
 * set aside at the call that causes them, so these are never lost. Payloads are not
 * lost either: a full queue pauses reading of its clients, until it was
 * drained to a half. How long a service bears with that is its own rule. Log lines for a
 * full queue are dropped.
 */
#ifndef ACURAST_EVENT_H
#define ACURAST_EVENT_H

#include <acurast/context.h>
#include <acurast/export.h>
#include <acurast/status.h>

#include <stddef.h>
#include <stdint.h>

ACURAST_BEGIN

typedef struct acurast_queue acurast_queue;

typedef enum acurast_event_type {
    ACURAST_EVENT_STATE = 1,    /* `state`, and why: `status`, `close_code`, `text`, `retry_ms` */
    ACURAST_EVENT_PAYLOAD = 2,  /* `sender`, `recipient`, `payload` */
    ACURAST_EVENT_OUTCOME = 3,  /* of one send: `operation`, `token`, `status`, and the level `reached` */
    ACURAST_EVENT_WRITABLE = 4, /* after OUTBOX_FULL: the outbox has drained to a half, and what was refused fits */
    ACURAST_EVENT_LOG = 5,      /* `level`, `text` */
    ACURAST_EVENT_KEPT = 6,     /* of one send that asked for it: it waits in a mailbox: `operation`, `token` */
    ACURAST_EVENT_SEEN = 7,     /* of one look: `operation`, `token`, `status`; `payload` is an array of acurast_seen */
    ACURAST_EVENT_GONE = 8,     /* `sender` has left; `presence` is what is left of it */
    ACURAST_EVENT_REPLY = 9,    /* of one request: see acurast_client_request() */
    ACURAST_EVENT_PROGRESS = 10, /* of one request: `operation`, `token`, `sender`, `payload`, `encoding` */
    ACURAST_EVENT_REQUEST = 11, /* to be answered: see acurast_client_serve() */
    ACURAST_EVENT_ANSWERS = 12  /* of one request to many: see acurast_client_request_many() */
} acurast_event_type;

/* How far a payload gets. */
typedef enum acurast_level {
    ACURAST_LEVEL_WRITTEN = 0,  /* the operating system has taken its last byte */
    ACURAST_LEVEL_RELAYED = 1,  /* the service has handed its last byte to the recipient's socket */
    ACURAST_LEVEL_DELIVERED = 2 /* the recipient says that its program was handed it */
} acurast_level;

typedef enum acurast_presence {
    ACURAST_PRESENCE_NOT_HERE = 0,
    ACURAST_PRESENCE_HERE = 1,
    ACURAST_PRESENCE_AWAY = 2 /* not here, but with a mailbox */
} acurast_presence;

/* What a look has found. No padding: 50 bytes. */
typedef struct acurast_seen {
    uint8_t id[16];
    uint8_t public_key[33]; /* of who is here, and its id is the key's; else zero */
    uint8_t presence;       /* an acurast_presence */
} acurast_seen;

typedef enum acurast_state {
    ACURAST_STATE_IDLE = 0,           /* created, not yet told to connect or start */
    ACURAST_STATE_CONNECTING = 1,     /* client: towards the service named in `text` */
    ACURAST_STATE_AUTHENTICATING = 2, /* client: connected, the handshake is on */
    ACURAST_STATE_CONNECTED = 3,      /* client: accepted; `text` names the service */
    ACURAST_STATE_DISCONNECTED = 4,   /* client: why is in `status`; the next try comes in `retry_ms` */
    ACURAST_STATE_CLOSED = 5,         /* client and service: once and last */
    ACURAST_STATE_LISTENING = 6,      /* service: ready; `text` has its URLs, separated by blanks */
    ACURAST_STATE_DRAINING = 7        /* service: no new connections, the old ones are told to go */
} acurast_state;

typedef enum acurast_log_level {
    ACURAST_LOG_OFF = 0,
    ACURAST_LOG_ERROR = 1,
    ACURAST_LOG_WARN = 2,
    ACURAST_LOG_INFO = 3,
    ACURAST_LOG_DEBUG = 4
} acurast_log_level;

/*
 * One event, as a plain view. Fields that an event's type does not use are 0, NULL or "". Pointers are the library's: valid until
 * the callback returns, or until acurast_queue_done().
 */
typedef struct acurast_event_view {
    size_t size; /* of this struct; lets it grow: see acurast_queue_take() */
    acurast_event_type type;
    acurast_state state;
    acurast_status status;
    acurast_log_level level;
    uint64_t source;        /* the value given with acurast_client_set_queue() or acurast_service_set_queue() */
    uint64_t operation;     /* as returned by the call that this outcome belongs to; never 0 there */
    uint64_t token;         /* as passed to that call */
    const uint8_t *sender;  /* ACURAST_ID_SIZE bytes: what the service says, no more */
    const uint8_t *recipient;
    const uint8_t *payload; /* never NULL in a PAYLOAD event, even if empty */
    size_t payload_size;    /* bytes */
    const char *text;       /* never NULL */
    int64_t retry_ms;       /* milliseconds until the next try; -1 if there is none */
    uint32_t close_code;    /* the websocket close code received; 0 if none was */
    acurast_level reached;
    acurast_presence presence;
    uint32_t encoding; /* an acurast_encoding */
    int64_t code;      /* of a remote error */
} acurast_event_view;

/* Runs on the object's I/O thread. `event` and what it points to are valid until the callback returns. */
typedef void (*acurast_event_callback)(void *user, const acurast_event_view *event);

/* Runs exactly once, when the library will never use `user` again, on whichever thread finds that out. */
typedef void (*acurast_destructor)(void *user);

/*
 * A queue for events of any number of clients and services. `max_events` (0: 4096) and `max_bytes` (0: 16 MiB) bound the payload
 * events that wait in it. Fails with INVALID, NO_MEMORY, or SYSTEM (no descriptor left).
 */
ACURAST_API acurast_status acurast_queue_create(acurast_context *context, size_t max_events, size_t max_bytes,
                                                acurast_queue **queue);

/* Objects that still deliver to it drop their events from now on. Views taken and not done are invalid afterwards. */
ACURAST_API void acurast_queue_release(acurast_queue *queue);

/*
 * A descriptor that polls readable while events wait, edge and level triggered alike. Never read, write or close it:
 * acurast_queue_take() resets it. -1 after fork.
 */
ACURAST_API int acurast_queue_descriptor(const acurast_queue *queue);

/*
 * Fills up to `max` views in the order in which the events happened, and stores their number. Set `views[0].size` to
 * sizeof(acurast_event_view) first: it is the stride, and a library that knows more fields fills no more than that.
 * Waits up to `timeout_ms` for the first event (0: not at all, < 0: for ever); waiting is cut short by acurast_queue_wake().
 * The views are valid until acurast_queue_done(). One thread at a time: BUSY while another's views are out.
 * Returns OK (with `*count` perhaps 0 after a wake), TIMEOUT, BUSY, INVALID, FORKED, or WOULD_DEADLOCK when asked to wait on an
 * I/O thread.
 */
ACURAST_API acurast_status acurast_queue_take(acurast_queue *queue, acurast_event_view *views, size_t max,
                                              int timeout_ms, size_t *count);

/* Gives back all views of the last take, and lets paused clients read again where there is room. */
ACURAST_API acurast_status acurast_queue_done(acurast_queue *queue);

/*
 * Says how many payloads the caller still keeps of those that it took, copied for a user who has not asked for them yet, and their
 * bytes. That much counts against the limits as if it still waited here, so that a slow user pauses reading while outcomes and
 * states go on. Absolute: the last call holds; 0 and 0 at first. Call it before acurast_queue_done(). INVALID or FORKED.
 */
ACURAST_API acurast_status acurast_queue_keep(acurast_queue *queue, size_t events, size_t bytes);

/* Ends one waiting acurast_queue_take(), or the next one, with OK and what is there. */
ACURAST_API acurast_status acurast_queue_wake(acurast_queue *queue);

ACURAST_END

#endif
