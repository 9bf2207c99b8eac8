/* Inside of a listener, for the files that share it: listener.c, accepted.c, greeting.c. */
#ifndef ACURAST_NET_LISTENER_INTERNAL_H
#define ACURAST_NET_LISTENER_INTERNAL_H

#include "net/greeting.h"
#include "net/listener.h"
#include "net/ws_internal.h"

/*
 * acurast__listening: a listening socket on its loop
 * acurast__accepted:  a connection that it accepted
 */
typedef struct acurast__listening acurast__listening;

struct acurast__listening {
    acurast__listener *listener;
    acurast__loop *loop;
    void *shard;
    int socket;
    int spare; /* a descriptor to give up when there are no others; -1: it is lost */
    uv_poll_t *poll; /* NULL: it accepts nothing */
    acurast__greeting greeting; /* TLS only */
    acurast__timer pause; /* nothing is accepted until it fires */
    SSL_CTX *tls; /* for new connections; NULL: plain */
    _Atomic(SSL_CTX *) fresh; /* takes its place with the next connection; NULL: nothing does */
    acurast__list young; /* connections that may have to make room for newcomers, the oldest first */
    acurast__list bare; /* connections that are no websockets: not yet, or pages */
    acurast__task open;
    acurast__task close;
    acurast__task free;
};

struct acurast__listener {
    const acurast__listener_handlers *handlers;
    bool admin;
    bool tls;
    uint16_t port;
    uint32_t request_timeout_ms;
    atomic_size_t open_count;   /* loops whose socket is open */
    atomic_size_t holder_count; /* loops that have not freed their part */
    void (*done)(void *user);
    void *user;
    size_t count;
    acurast__listening at[];
};

/* The TLS context for a new connection, which takes a reference of its own. */
SSL_CTX *acurast__listening_tls(acurast__listening *listening);

/* A connection that was accepted; the socket is taken over. */
void acurast__listener_adopt(acurast__listening *listening, int socket, const acurast__address *address);

/* One that waits for its greeting: its socket; goes on to TLS; is ended, as is any other, without a word. */
int acurast__accepted_socket(const acurast__accepted *accepted);
void acurast__accepted_enter(acurast__accepted *accepted);
void acurast__accepted_cut(acurast__accepted *accepted);

/* Ends all connections that are no websockets. */
void acurast__listener_cut_bare(acurast__listening *listening);

/* Tells a peer that there is no room (where it can be told: not before TLS has begun) and closes its socket. */
void acurast__listener_turn_away(const acurast__listener *listener, int socket);

#endif
