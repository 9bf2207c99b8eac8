/* Inside of a listener, for the callback that finds it. */
#ifndef ACURAST_NET_LISTENER_INTERNAL_H
#define ACURAST_NET_LISTENER_INTERNAL_H

#include "net/greeting.h"
#include "net/listener.h"
#include "net/ws_internal.h"

/*
 * acurast__listening: a listening socket on its loop
 * acurast__accepted:  a connection that it accepted
 */

int acurast__listening_event(acurast__listening *listening, struct lws *wsi, enum lws_callback_reasons reason);
int acurast__accepted_event(acurast__accepted *accepted, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                            size_t size);

/* Puts the certificate into the TLS context (SSL_CTX) of the vhost that the calling thread is making. 0, or -1. */
int acurast__listener_certify(void *context);

struct acurast__listening {
    acurast__wsi_owner base;
    acurast__listener *listener;
    acurast__loop *loop;
    void *shard;
    int socket; /* ours until libwebsockets has it */
    int spare;  /* a descriptor to give up when there are no others; -1: it is lost */
    struct lws *wsi;
    acurast__reap reap;
    acurast__greeting greeting; /* TLS only */
    acurast__timer pause; /* nothing is accepted until it fires */
    struct lws_vhost *vhost;
    void *tls; /* SSL_CTX of the vhost; NULL: plain */
    acurast__accepted *adopting;
    acurast__list young; /* connections that may have to make room for newcomers, the oldest first */
    acurast__list bare; /* connections that are no websockets: not yet, or pages */
    acurast__task open;
    acurast__task close;
    acurast__task reload;
    acurast__task free;
    _Atomic(void *) fresh; /* SSL_CTX with what was read from the files and is to be taken over; NULL: nothing is */
    atomic_bool certified; /* what comes now is a reload */
    atomic_bool reloading; /* its task is on its way */
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

/* A connection that was accepted; the socket is taken over. */
void acurast__listener_adopt(acurast__listening *listening, int socket, const acurast__address *address);

/* One that waits for its greeting: its socket; goes on to TLS; is ended, as is any other without a word. */
int acurast__accepted_socket(const acurast__accepted *accepted);
void acurast__accepted_enter(acurast__accepted *accepted);
void acurast__accepted_cut(acurast__accepted *accepted);

/* Its socket is closed, or the place where connections wait for their greeting: in any order. */
void acurast__listening_part_closed(acurast__listening *listening);

/* Ends all connections that are no websockets. */
void acurast__listener_cut_bare(acurast__listening *listening);

/* Tells a peer that there is no room (where it can be told: not before TLS has begun) and closes its socket. */
void acurast__listener_turn_away(const acurast__listener *listener, int socket);

#endif
