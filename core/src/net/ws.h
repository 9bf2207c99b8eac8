/*
 * A websocket, of either role, pinned to one loop. Binary messages in and out; text is refused with 1003. Pings and hang-ups
 * of silent peers are done here.
 *
 * All functions belong to the loop's thread. A websocket is valid from the call that made it until its owner's `closed` returns.
 */
#ifndef ACURAST_NET_WS_H
#define ACURAST_NET_WS_H

#include "net/chain.h"
#include "net/lane.h"
#include "net/loop.h"

#include <acurast/status.h>

typedef struct acurast__ws acurast__ws;
typedef struct acurast__tls acurast__tls;     /* net/tls.h */
typedef struct acurast__proxy acurast__proxy; /* net/proxy.h */

/* How it ended. */
typedef struct acurast__ws_end {
    acurast_status status; /* RESOLVE, CONNECT, TLS, UPGRADE, TIMEOUT (connecting); LOST, UNRESPONSIVE, PROTOCOL,
                              TOO_LARGE, or OK after a close handshake of either side */
    uint16_t code;         /* the peer's close code; or ours where we closed first; 0 if there was none */
    bool by_peer;          /* the peer closed first */
    const char *reason;    /* the peer's reason, or what went wrong; never NULL; valid during the call */
} acurast__ws_end;

typedef struct acurast__ws_handlers {
    /* A client's websocket is open. Not called for a service's, whose owner is asked before: net/listener.h. */
    void (*open)(void *owner, acurast__ws *ws);
    /* One whole message; the bytes are valid during the call. Not called after acurast__ws_close(). */
    void (*message)(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size);
    /*
     * The connection is over by no doing of the owner: the peer has closed it (`status` is OK), it broke, or it is hung up. What was
     * not sent can be taken back; nothing more can be sent. Once at most; `closed` follows in a later turn. May be NULL.
     */
    void (*leaving)(void *owner, acurast__ws *ws, acurast_status status);
    /* A message larger than the limit has come, and was not read: set by a client, which stays; a service leaves it NULL, and closes with 1009. */
    void (*skipped)(void *owner, acurast__ws *ws);
    /* The peer has answered a ping. May be NULL. */
    void (*answered)(void *owner, acurast__ws *ws);
    /* More was written: acurast__ws_written() has grown. May be NULL. */
    void (*written)(void *owner, acurast__ws *ws);
    /* Exactly once, last, also where connecting failed and after acurast__ws_close(). */
    void (*closed)(void *owner, acurast__ws *ws, const acurast__ws_end *end);
} acurast__ws_handlers;

typedef struct acurast__ws_settings {
    size_t max_message;        /* bytes; a larger one closes with 1009, or is skipped. Can be changed later */
    uint32_t ping_interval_ms; /* of silence; 0: never */
    uint32_t ping_timeout_ms;
} acurast__ws_settings;

typedef struct acurast__ws_target {
    const char *host; /* name or literal address, without brackets; up to 255 bytes */
    uint16_t port;
    const char *path;            /* with its query; begins with / */
    const acurast__tls *tls;     /* NULL: plain */
    const acurast__proxy *proxy; /* NULL: none; valid until `open` or `closed` */
    uint32_t connect_timeout_ms; /* for the name, and then for each address: TCP, proxy, TLS and upgrade */
} acurast__ws_target;

/*
 * Begins to connect; the outcome is `open` or `closed`, never before this returns. NULL without memory. Tries the
 * host's addresses in turn.
 */
acurast__ws *acurast__ws_connect(acurast__loop *loop, const acurast__ws_target *target,
                                 const acurast__ws_settings *settings, const acurast__ws_handlers *handlers,
                                 void *owner);

/*
 * Queues a message; it is written at the end of the turn, or at once where a service's is large and nothing waits before it. False without memory or while closing. The caller bounds what it
 * queues by acurast__ws_buffered().
 */
bool acurast__ws_send(acurast__ws *ws, const void *bytes, size_t size);

/* The same for a message in two pieces, header and body. */
bool acurast__ws_send2(acurast__ws *ws, const void *head, size_t head_size, const void *body, size_t body_size);

/* Service only: queues all of `chain`, which is empty afterwards (also while closing: then it is dropped). */
void acurast__ws_send_chain(acurast__ws *ws, acurast__chain *chain);

/* Service only: writes what is queued now, not at the end of the turn. The connection may turn out to be broken: then `leaving` is called. */
void acurast__ws_push(acurast__ws *ws);

/* Queues a ping; false without memory or once it is over. */
bool acurast__ws_ping(acurast__ws *ws);

/*
 * Service only: takes back, in order, the messages of which not one byte was given to the operating system; under TLS also without those that are sealed
 * already, some 64 KiB at most.
 */
void acurast__ws_take_unsent(acurast__ws *ws, acurast__chain *chain);

/* Bytes that have come over the network and were read, of any kind and with all headers. */
uint64_t acurast__ws_received(const acurast__ws *ws);

/* Bytes queued and not yet taken by the operating system; and the memory that they hold. */
size_t acurast__ws_buffered(const acurast__ws *ws);
size_t acurast__ws_memory(const acurast__ws *ws);

/*
 * Bytes ever queued, and bytes ever taken by the operating system, websocket headers included: a message is written when `written`
 * has reached what `queued` was right after it was sent.
 */
uint64_t acurast__ws_queued(const acurast__ws *ws);
uint64_t acurast__ws_written(const acurast__ws *ws);

/*
 * Client only: opens the owner's lane where nothing waits to be written, the socket is plain and its send buffer not tiny, for bodies of at
 * most `max_body` bytes; else it does nothing. It is closed again by itself, at the latest before `closed`.
 */
void acurast__ws_open_lane(acurast__ws *ws, acurast__lane *lane, size_t max_body);

/* Stops and resumes reading; the peer feels it. Nests not; idempotent. No message comes while paused. */
void acurast__ws_pause(acurast__ws *ws);
void acurast__ws_resume(acurast__ws *ws);

void acurast__ws_set_max_message(acurast__ws *ws, size_t max_message);

/*
 * Closes with a code and a reason (cut at 123 bytes): what is queued is written first, for five seconds at most in all; no message comes
 * any more; `closed` follows. Idempotent: the first call's code counts. While connecting it ends the attempt.
 */
void acurast__ws_close(acurast__ws *ws, uint16_t code, const char *reason);

/* True once either side has closed or it was aborted: nothing more can be sent, and `closed` follows. */
bool acurast__ws_ending(const acurast__ws *ws);

/* Forgets a message that has come in part; only while closing, when no more of it is wanted, and not within `message`. */
void acurast__ws_drop_partial(acurast__ws *ws);

/* Drops what is queued and closes without waiting for anybody. `closed` follows in a later turn. */
void acurast__ws_abort(acurast__ws *ws);

/* The same; at a service what the kernel still has to send is dropped as well, and the peer is told by a reset. */
void acurast__ws_forget(acurast__ws *ws);

acurast__loop *acurast__ws_loop(const acurast__ws *ws);

#endif
