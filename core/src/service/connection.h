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

#include "net/listener.h"
#include "service/directory.h"
#include "service/marks.h"
#include "service/rate.h"
#include "service/shard.h"
#include "service/watch.h"

/* Shares of queues and mailboxes hold for an IPv4 address, or for an IPv6 network of so many bits. */
#define ACURAST__SHARE_BITS 56

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
    acurast__peer *peer;
    acurast__shard *shard;
    acurast__service_session session;
    acurast__connection_state state;
    bool was_accepted;
    bool draining;   /* what is queued goes out before the goodbye */
    bool backlogged; /* its socket is behind: what comes for it goes through the directory */
    bool waiting;    /* it is paused since it has too much waiting for another */
    bool asked;      /* whether it lives */
    bool mixed;      /* its websocket was given other frames than payloads, once it was accepted */
    uint32_t flow;   /* bytes of its backlog that the socket took since it was full */
    acurast__rate rate;
    acurast__timer timer; /* until accepted: the handshake's time; then the end of a pause, or of the time to answer */
    acurast__list link;   /* in one of the shard's lists */
    uint64_t since;       /* milliseconds: the upgrade */
    uint64_t received;    /* bytes that had come over the network when that was last looked at */
    uint64_t messages;    /* bytes of the messages among what came since, with their headers */
    uint64_t waits_until; /* milliseconds: how long it is paused at most */
    uint64_t rests_until; /* until then it is not paused again */
    uint8_t waits_for[16];
    uint64_t given;             /* messages that its websocket was ever given */
    acurast__marks marks;       /* tracked ones among them that wait for the socket */
    acurast__watches *watches;  /* of whose leaving it is told; NULL: nobody's */
};

extern const acurast__ws_handlers acurast__connection_handlers;

/* `peer` is the listener's; `host` is the Host header of the upgrade. NULL without memory. */
acurast__connection *acurast__connection_create(acurast__shard *shard, acurast__ws *ws, acurast__peer *peer,
                                                const char *host);

/* The next of the shard's queue. */
void acurast__connection_verify(acurast__connection *connection);

/* It holds its id, or did so already; `waiting` (emptied) is what waited for it. `more`: there is more in its backlog. */
void acurast__connection_deliver(acurast__connection *connection, acurast__chain *waiting, bool more);

/* Looks at how much it has sent, be it no messages at all, and charges it. */
void acurast__connection_inspect(acurast__connection *connection);

/* It is to show that it lives, or makes way for a newer connection of its key. */
void acurast__connection_ask(acurast__connection *connection);

/* For service/courier.c. A frame of it as the directory takes it, counted as having come. */
acurast__parcel acurast__connection_parcel(const acurast__connection *connection, const uint8_t *recipient,
                                           const uint8_t *bytes, size_t size);

/* True where its websocket has room for a message; else that has to go through the directory. */
bool acurast__connection_takes(acurast__connection *recipient, size_t size);

/* It has too much waiting for `recipient`: it is not read from for a while. */
void acurast__connection_wait_for(acurast__connection *connection, const uint8_t *recipient);

/* Bytes that its websocket has not written yet. */
size_t acurast__connection_given(const acurast__holder *holder);

/* Closes it for a reason of acurast__ending, told to the peer; idempotent. */
void acurast__connection_end(acurast__connection *connection, unsigned ending);

#endif
