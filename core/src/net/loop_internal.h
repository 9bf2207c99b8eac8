/* Inside of a loop, for the files of net that hang things on it. */
#ifndef ACURAST_NET_LOOP_INTERNAL_H
#define ACURAST_NET_LOOP_INTERNAL_H

#include "net/loop.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* Something that is to end at the end of the turn, outside of everybody's callbacks. */
typedef struct acurast__reap {
    acurast__list link; /* initialised; the owner removes it where it is gone before */
    void (*end)(struct acurast__reap *reap);
} acurast__reap;

/*
 * The same for a connection of libwebsockets. Returning -1 from one of its callbacks loses the close frame under libuv in Debian's build (it closes
 * twice), and libwebsockets' own timers are not looked at by its libuv glue when they are set outside of its callbacks.
 */
typedef struct acurast__lws_reap {
    acurast__reap reap;
    struct lws *wsi;
} acurast__lws_reap;

struct acurast__loop {
    acurast__loop_config config;
    bool uv_kind; /* else poll */
    bool running;
    pthread_t thread;
    pthread_mutex_t wake_lock;
    bool wakeable;
    atomic_int holders; /* the thread, whoever will join or detach, and everybody who is posting */
    atomic_bool stopping;

    struct lws_context *lws;
    struct lws_vhost *vhost; /* poll: what libuv's descriptor is polled by */
    struct lws *pipe; /* uv: what libwebsockets can be woken by */
    struct lws_sorted_usec_list poll_tick; /* poll: ends the wait when a timer is due */
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_wait;
    uv_check_t after_wait;
    uv_timer_t tick;
    uv_idle_t spin;
    bool heard;   /* poll: something of libuv's has happened in this turn; set by each of its callbacks */
    bool orphans; /* there may be handles that libwebsockets has forgotten */
    bool spinning;
    bool stale; /* the time has to be read again */

    acurast__inbox inbox;
    acurast__wheel wheel;
    acurast__list hooks;
    acurast__list dirty;   /* websockets with something to write, by their dirty_link */
    acurast__list owing;   /* websockets whose kernel has something to send, by their owing_link */
    acurast__list unread;  /* websockets with something to read that has come already, by their unread_link */
    acurast__list reaped;  /* what is to end, as acurast__reap */
    acurast__list trusts;  /* vhosts of clients (net/tls.c) */
    bool sweep;            /* some of them may be unused */
    acurast__list jobs;    /* waiting for a worker (net/worker.c) */
    unsigned workers;      /* running */
    size_t busy;           /* sockets, listeners and connecting attempts that keep a stopping loop alive */
    uint8_t *receive;      /* what sockets are read into; NULL until the first */
    struct acurast__sealer *sealer; /* TLS of all of them; NULL until the first */
    uint8_t *spare;        /* the buffer of the last message that came in pieces, for the next one; NULL: none */
    size_t spare_capacity;
    size_t turn_received;  /* bytes, in this turn */
    size_t memory;         /* bytes that the websockets of this loop hold in buffers */
};

/* A handle for a descriptor, not started; NULL without memory. The descriptor may be closed once it is not watched. */
uv_poll_t *acurast__loop_watch(acurast__loop *loop, int descriptor, void *data);
void acurast__loop_unwatch(uv_poll_t *poll);

/* Takes part in keeping the loop alive. */
void acurast__loop_hold(acurast__loop *loop);
void acurast__loop_let(acurast__loop *loop);

/* Calls its `end` at the end of this turn. Idempotent until then. */
void acurast__loop_reap(acurast__loop *loop, acurast__reap *reap);

void acurast__lws_reap_init(acurast__lws_reap *reap);

/* Ends the connection in this turn, without waiting for the peer. */
void acurast__loop_reap_lws(acurast__loop *loop, acurast__lws_reap *reap, struct lws *wsi);

/*
 * To be told of every connecting attempt that failed, within the callback that says so. Where connect() fails at once, libwebsockets
 * 4.1 closes the socket and forgets its libuv handle: memory that is lost, and a loop that cannot be closed.
 */
void acurast__loop_failed(acurast__loop *loop, struct lws *wsi);

/* The loop that the calling thread runs; NULL on other threads. */
extern _Thread_local acurast__loop *acurast__loop_current;

#endif
