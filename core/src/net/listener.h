/*
 * Listening: one socket a loop on the same port, so that connections spread over the loops. Decides nothing: whom to
 * admit, what an HTTP request gets and who owns a websocket is the handlers' business.
 *
 * Handlers run on the loop on which the connection lives, so on several threads at once. `shard` is what the opener gave for that loop.
 */
#ifndef ACURAST_NET_LISTENER_H
#define ACURAST_NET_LISTENER_H

#include "net/address.h"
#include "net/certificate.h"
#include "net/ws.h"

typedef struct acurast__listener acurast__listener;

/* A connection from accept to its end, whatever it turns out to be. */
typedef struct acurast__peer {
    acurast__address address;   /* of the socket */
    acurast__address effective; /* `address`, until the upgrade handler sets another; `left` gets it back */
    bool pending;               /* for the handlers, likewise */
    bool limited;               /* for the upgrade handler to set and for `left` to see; nothing here looks at it */
    uint64_t since;             /* milliseconds of the loop's clock: when it was accepted */
    bool tls;
    bool admin; /* it came in on a listener that was opened as admin */
} acurast__peer;

typedef struct acurast__request {
    const char *path;          /* without its query */
    const char *host;          /* the Host header; "" if absent */
    const char *forwarded_for; /* X-Forwarded-For; "" if it is there and empty; NULL if absent */
    bool proxied;              /* a header that proxies add is there, whatever it says */
} acurast__request;

/* Filled by the handler; the body is copied. */
typedef struct acurast__response_page {
    unsigned status;
    const char *content_type;
    char *body; /* from acurast__alloc(), freed by the listener; NULL: none */
    size_t body_size;
} acurast__response_page;

typedef enum acurast__admission {
    ACURAST__ADMISSION_GRANTED,
    ACURAST__ADMISSION_REFUSED, /* it gets a short 503 and is gone, `left` is not called */
    ACURAST__ADMISSION_FULL /* the oldest connection of this loop that is not settled goes, then it is asked again; else REFUSED */
} acurast__admission;

typedef struct acurast__listener_handlers {
    /* A connection was accepted and nothing is allocated for it yet. */
    acurast__admission (*admit)(void *shard, acurast__peer *peer);
    /* There was no descriptor for one that has come: it is told, if that can be, or waits in the kernel. May be NULL. */
    void (*exhausted)(void *shard);
    /* It has to make room for a newcomer, and is cut off: `left` follows, now or in a later turn. */
    void (*evicted)(void *shard, acurast__peer *peer);
    /* A correct websocket upgrade. Returns the owner and sets `handlers` and `settings`, or NULL to refuse with HTTP `*refuse`
     * (429, 503, ...). The ws may be kept, but not used before this returned. */
    void *(*upgrade)(void *shard, acurast__ws *ws, acurast__peer *peer, const acurast__request *request,
                     const acurast__ws_handlers **handlers, acurast__ws_settings *settings, unsigned *refuse);
    /* A GET or HEAD that is no upgrade. Other methods are answered by the listener with 405. */
    void (*page)(void *shard, const acurast__peer *peer, const acurast__request *request, acurast__response_page *page);
    /* An admitted connection is gone, after `closed` where there was a websocket. */
    void (*left)(void *shard, const acurast__peer *peer);
} acurast__listener_handlers;

typedef struct acurast__listener_config {
    const char *address; /* literal, or "localhost"; brackets allowed */
    uint16_t port;       /* 0: a free one */
    bool admin;
    acurast__certificate *certificate; /* a reference is taken; NULL: plain */
    size_t send_buffer;                /* bytes that the kernel may keep for a connection, either way; 0: as it likes */
    size_t receive_buffer;
    uint32_t request_timeout_ms; /* from accept to the upgrade or the end of the page */
    const acurast__listener_handlers *handlers;
} acurast__listener_config;

/*
 * Binds and listens on every one of `loops`; after OK connections come in. `shards[i]` goes with `loops[i]`. Any thread but the
 * loops'; waits for the loops. ADDRESS_IN_USE, NOT_PERMITTED, INVALID, NO_MEMORY or SYSTEM; `detail` says more.
 */
acurast_status acurast__listener_open(acurast__loop *const *loops, void *const *shards, size_t count,
                                      const acurast__listener_config *config, acurast__listener **listener,
                                      char *detail, size_t detail_size);

/* The port that is bound. Any thread. */
uint16_t acurast__listener_port(const acurast__listener *listener);

/* Takes it for new connections; the listener was opened with one. Any thread, not once it was freed; does not wait. */
void acurast__listener_renew(acurast__listener *listener, acurast__certificate *certificate);

/* The websocket of a listener's connection stays: it does not have to make room for newcomers any more. On its loop. */
void acurast__listener_settle(acurast__ws *ws);

/*
 * Stops accepting. Websockets stay; whoever is none (yet) is cut off. Any thread; does not wait. `done` runs on one of the loops once every socket is closed.
 */
void acurast__listener_close(acurast__listener *listener, void (*done)(void *user), void *user);

/* Frees it. Not before `done` ran and the last connection has left. */
void acurast__listener_free(acurast__listener *listener);

#endif
