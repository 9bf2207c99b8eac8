/*
 * One websocket of a client:
 *
 *   HANDSHAKE -> VERIFYING -> CLAIMING -> ACCEPTED
 *        any of them -> ENDED, when the service ended it -> gone
 *
 * VERIFYING  the response is in the shard's queue
 * CLAIMING   verified and permitted, but another connection has the id and must leave first; nothing is read meanwhile
 * ENDED      has no id any more and takes nothing; the goodbye is on its way
 *
 * Everything here belongs to the thread of the connection's loop.
 */
#ifndef ACURAST_SERVICE_CONNECTION_H
#define ACURAST_SERVICE_CONNECTION_H

#include "service/directory.h"
#include "service/rate.h"
#include "service/shard.h"

/* The largest frame before acceptance. */
#define ACURAST__EARLY_MAX_MESSAGE 4096

typedef enum acurast__connection_state {
    ACURAST__CONNECTION_HANDSHAKE,
    ACURAST__CONNECTION_VERIFYING,
    ACURAST__CONNECTION_CLAIMING,
    ACURAST__CONNECTION_ACCEPTED,
    ACURAST__CONNECTION_ENDED
} acurast__connection_state;

struct acurast__connection {
    acurast__holder holder;
    acurast__ws *ws;
    acurast__shard *shard;
    acurast__service_session session;
    acurast__connection_state state;
    bool was_accepted;
    bool draining; /* what is queued goes out before the goodbye */
    acurast__rate rate;
    acurast__timer timer; /* until accepted: the handshake's time; then the end of a pause */
    acurast__list link;   /* in one of the shard's lists */
    uint64_t since;       /* milliseconds: the upgrade */
};

extern const acurast__ws_handlers acurast__connection_handlers;

/* NULL without memory. */
acurast__connection *acurast__connection_create(acurast__shard *shard, acurast__ws *ws, const char *host, bool tls);

/* The next of the shard's queue. */
void acurast__connection_verify(acurast__connection *connection);

/* It holds its id, or did so already; `waiting` (emptied) is what waited for it. */
void acurast__connection_deliver(acurast__connection *connection, acurast__chain *waiting);

/* Closes it for a reason of acurast__ending, told to the peer; idempotent. */
void acurast__connection_end(acurast__connection *connection, unsigned ending);

#endif
