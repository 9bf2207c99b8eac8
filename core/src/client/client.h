/*
 * The client inside the core. acurast/client.h is its public face, api/client.c the argument checks of it.
 *
 * Three groups of members, told apart by who touches them: fixed after create; any thread, under the lock or atomic;
 * the loop's thread alone.
 *
 * References: one is the caller's handle; one is the loop's, from connect until CLOSED was delivered; each state and each outcome
 * that waits in a queue holds one. The last one frees.
 */
#ifndef ACURAST_CLIENT_CLIENT_H
#define ACURAST_CLIENT_CLIENT_H

#include "base/event.h"
#include "client/backoff.h"
#include "client/connection.h"
#include "client/outbox.h"
#include "client/receive.h"
#include "client/requests.h"
#include "client/settings.h"
#include "net/context.h"
#include "net/lane.h"

#include <acurast/client.h>

#include <pthread.h>

typedef enum acurast__client_phase {
    ACURAST__CLIENT_UNSTARTED,
    ACURAST__CLIENT_STARTING, /* within connect: the context is being joined */
    ACURAST__CLIENT_RUNNING,
    ACURAST__CLIENT_ENDED /* nothing is taken in any more */
} acurast__client_phase;

/* A state on its way to the caller. A few are allocated ahead of each attempt, so that none is lost for want of memory. */
typedef struct acurast__state_event {
    acurast__event event; /* its link: among the spare ones, until it is posted */
    acurast_client *client;
    char text[256];
} acurast__state_event;

/* A call of acurast_client_cancel() on its way to the loop. */
typedef struct acurast__cancel {
    acurast__list link;
    uint64_t number;
} acurast__cancel;

/* What one attempt can need: CONNECTING, AUTHENTICATING, CONNECTED, DISCONNECTED. */
#define ACURAST__STATES_PER_ATTEMPT 4u

/* As long as so many states wait in a queue that nobody drains, no new attempt is made: they would fill the memory. */
#define ACURAST__UNTAKEN_STATES_MAX 256u

/* What the websocket may hold beyond one message: enough to keep the socket busy, little enough to cancel. */
#define ACURAST__CLIENT_FLIGHT_BYTES ((size_t)256 * 1024)

struct acurast_client {
    acurast_context *context;
    acurast_identity *identity;
    uint8_t id[16];
    unsigned generation; /* of the process */
    acurast_log_level log_level;
    acurast__client_settings settings;
    acurast__member member;
    acurast__delivery delivery; /* chosen before connect */

    atomic_size_t references;
    atomic_int state;
    atomic_bool released;  /* the caller gave the handle back and wants no more events */
    atomic_size_t untaken; /* outcomes that wait in a queue: counted in the outbox, but not waiting to be sent */
    atomic_size_t untaken_states;
    atomic_bool flown; /* among `incoming` is one that was written by its caller */
    _Atomic uint64_t connections, payloads_in, payloads_out, ignored_frames, stray_payloads, large_payloads;
    _Atomic uint64_t repeats, foreign_receipts, stray_answers;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* to connected or closed, which is what acurast__client_wait() waits for */
    acurast__client_phase phase;
    acurast__loop *loop; /* from RUNNING on */
    bool closing;        /* close was called, or it closed by itself */
    bool wake_posted;
    bool pause_asked;
    bool tracks;       /* the service knows receipts */
    uint64_t looks_at; /* when the loop looks at what has come in, without being woken: milliseconds; 0: it does not */
    acurast_status end_status; /* why it closed by itself; else OK */
    uint32_t end_code;         /* and what the service said then */
    char end_reason[256];
    uint64_t last_number;
    acurast__list incoming; /* operations, in the order of their numbers */
    acurast__lane lane;     /* open only while nothing is in the outbox; its lock is inside this one */
    acurast__list cancels;
    acurast__event *writable_event; /* owed to somebody who met a full outbox */
    size_t writable_bytes;          /* the smallest payload for which it was */
    acurast__task wake;
    acurast__task finish;

    acurast__outbox outbox;     /* but for its reservations */
    acurast__receiver receiver; /* but for what is given back to it */
    acurast__requests requests; /* with a lock of its own */
    acurast__round round;
    acurast__backoff backoff;
    acurast__connection *connection;
    size_t candidate;      /* of the connection */
    uint64_t online_since; /* 0: not accepted */
    acurast__timer retry;
    acurast__timer linger;
    acurast__timer look;
    bool begun;     /* the first round has begun */
    bool lingering; /* closing, and the outbox may still be written */
    bool leaving;   /* closing, and nothing more is written */
    bool held;      /* the caller asked to pause */
    bool full;      /* the queue is full */
    acurast__event_waiter waiter;
    acurast__task room; /* posted by the waiter */
    acurast__list spare_states;
    acurast__state_event closed_event;
};

/* As the public functions of these names; arguments are checked and complete, the process has not forked. Any thread. */
acurast_status acurast__client_create(acurast_context *context, acurast_options *options, acurast_identity *identity,
                                      acurast_client **client);
acurast_status acurast__client_set_callback(acurast_client *client, acurast_event_callback callback, void *user,
                                            acurast_destructor destructor);
acurast_status acurast__client_set_queue(acurast_client *client, acurast_queue *queue, uint64_t source);
acurast_status acurast__client_connect(acurast_client *client);
acurast_status acurast__client_wait(acurast_client *client, int timeout_ms);
acurast_status acurast__client_send(acurast_client *client, const uint8_t recipient[16], const void *payload,
                                    size_t payload_size, const acurast_send_params *params, uint64_t *operation);
acurast_status acurast__client_look(acurast_client *client, const uint8_t *ids, size_t count,
                                    const acurast_send_params *params, uint64_t *operation);
acurast_status acurast__client_cancel(acurast_client *client, uint64_t operation);
acurast_status acurast__client_pause(acurast_client *client, bool paused);
void acurast__client_get_stats(const acurast_client *client, acurast_client_stats *stats);
void acurast__client_close(acurast_client *client);
void acurast__client_release(acurast_client *client);

/*
 * The steps of a call that ends up in the outbox: whether calls are taken; room in it, or OUTBOX_FULL; handing in what was made, which is NULL
 * without memory, or giving it and its room back. Any thread.
 */
acurast_status acurast__client_check(acurast_client *client);
acurast_status acurast__client_reserve(acurast_client *client, size_t count, size_t size);
acurast_status acurast__client_hand_in(acurast_client *client, acurast__operation *made, size_t size,
                                       const acurast_send_params *params, uint64_t *number);

/* The same for all of a survey, which stays the caller's where it fails; what was reserved is given back. */
acurast_status acurast__client_hand_in_survey(acurast_client *client, acurast__survey *survey, size_t size,
                                              uint64_t *number);

/* References of the core's own. Any thread. */
void acurast__client_retain(acurast_client *client);
void acurast__client_unref(acurast_client *client);

/* So long after a request that its caller has written, the loop looks whether there are more, in milliseconds. */
#define ACURAST__CLIENT_LOOK_MS 250u

/* Wakes the loop if the lock's holder has something for it. With the lock held, in phase RUNNING. */
void acurast__client_wake_locked(acurast_client *client);

/* client/engine.c, on the loop's thread: what `wake` and `finish` run. */
void acurast__client_on_wake(acurast__task *task);
void acurast__client_on_finish(acurast__task *task);
void acurast__client_engine_init(acurast_client *client);

/* Lets others write where nothing of ours is to be written. Whoever does sees to it that nothing has come in meanwhile. */
void acurast__client_open_lane(acurast_client *client);

/* client/report.c: events. On the loop's thread; for a client that never connected, on the thread that closes it. */
bool acurast__client_stock_states(acurast_client *client);
bool acurast__client_is_heard(const acurast_client *client);
void acurast__client_report_state(acurast_client *client, acurast_state state, acurast_status status,
                                  uint32_t close_code, const char *text, int64_t retry_ms);
void acurast__client_report_closed(acurast_client *client, acurast_status status);
void acurast__client_report_outcome(acurast__outbox *outbox, acurast__operation *operation, acurast_status status);
void acurast__client_report_kept(acurast__outbox *outbox, acurast__operation *operation);
bool acurast__client_report_payload(acurast_client *client, const acurast__frame *frame);
/* False where there was no memory for it, or nobody to get it. */
bool acurast__client_report_view(acurast_client *client, const acurast_event_view *view);
bool acurast__client_report_gone(acurast_client *client, const uint8_t id[16], acurast_presence presence);
void acurast__client_report_writable(acurast_client *client);
void acurast__client_log(acurast_client *client, acurast_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
acurast__event *acurast__client_writable_event(void);

#endif
