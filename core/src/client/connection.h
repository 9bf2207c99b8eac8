/*
 * One attempt to be connected to one service, from the first packet to the last:
 * a websocket, the client's session on it, the proof of work, and the deadlines.
 *
 *   connecting -> authenticating -> (working) -> accepted -> ended
 *
 * It ends by itself, by close (which says goodbye) or by abort (which does not). All functions belong to the loop's thread; none of
 * them calls a handler before it returns, but through the websocket.
 */
#ifndef ACURAST_CLIENT_CONNECTION_H
#define ACURAST_CLIENT_CONNECTION_H

#include "client/target.h"
#include "net/ws.h"
#include "protocol/client_session.h"

typedef struct acurast__connection acurast__connection;

typedef struct acurast__connection_end {
    acurast_status status; /* never OK */
    uint32_t code;         /* the service's close code; 0 if there was none */
    const char *reason;    /* never NULL; valid during the call */
    bool accepted;         /* it had been */
} acurast__connection_end;

typedef struct acurast__connection_handlers {
    void (*authenticating)(void *owner);
    void (*accepted)(void *owner);
    void (*payload)(void *owner, const acurast__frame *frame);
    /* Frames of receipts and presence, whose bodies nobody has looked at. */
    void (*tracked)(void *owner, const acurast__frame *frame);
    void (*receipts)(void *owner, const acurast__frame *frame);
    void (*gone)(void *owner, const acurast__frame *frame);
    void (*seen)(void *owner, const acurast__frame *frame);
    /* So many frames were ignored, or payloads dropped as strays, just now. */
    void (*dropped)(void *owner, uint64_t ignored, uint64_t stray);
    /* A payload larger than max_payload was not read. */
    void (*skipped)(void *owner);
    void (*written)(void *owner);
    /* Exactly once, last; the connection is freed when it returns. */
    void (*ended)(void *owner, const acurast__connection_end *end);
} acurast__connection_handlers;

typedef struct acurast__connection_settings {
    uint32_t connect_timeout_ms;
    uint32_t handshake_timeout_ms;
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms;
    uint64_t max_work;
    size_t max_payload;
    bool extensions;
} acurast__connection_settings;

/* What is pointed to is borrowed until `ended`. NULL without memory: no handler is called then. */
acurast__connection *acurast__connection_open(acurast__loop *loop, const acurast__target *target, const acurast__tls *tls,
                                              const acurast_identity *identity,
                                              const acurast__connection_settings *settings,
                                              const acurast__connection_handlers *handlers, void *owner);

/* Writes what is queued and says goodbye, for a second at most. */
void acurast__connection_close(acurast__connection *connection);

/* Drops what is queued. `status` and `reason` (static) are what the end will tell. */
void acurast__connection_abort(acurast__connection *connection, acurast_status status, const char *reason);

/* The websocket, for sending once accepted and for pausing. */
acurast__ws *acurast__connection_ws(acurast__connection *connection);

/* The largest frame that the service takes, as far as it has said so; SIZE_MAX where it has not. */
size_t acurast__connection_max_frame(const acurast__connection *connection);

/* Whether the service tells what becomes of payloads; and who is here. */
bool acurast__connection_tracks(const acurast__connection *connection);
bool acurast__connection_presence(const acurast__connection *connection);

#endif
