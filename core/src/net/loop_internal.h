/* Inside of a loop, for the files of net that hang things on it. */
#ifndef ACURAST_NET_LOOP_INTERNAL_H
#define ACURAST_NET_LOOP_INTERNAL_H

#include "net/loop.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* As much as one message of 64 KiB with all its headers, so that it is read in one piece. */
#define ACURAST__RECEIVE_SIZE ((size_t)72 * 1024)

/* A connection of libwebsockets that is to end without ceremony, at the end of the turn. */
typedef struct acurast__reap {
    acurast__list link; /* initialised; the owner removes it when the connection is gone */
    struct lws *wsi;
    bool cut;
} acurast__reap;

struct acurast__loop {
    acurast__loop_config config;
    bool uv_kind; /* else poll */
    bool running;
    bool batched;
    pthread_t thread;
    pthread_mutex_t wake_lock;
    bool wakeable;
    atomic_int holders; /* the thread, whoever will join or detach, and everybody who is posting */
    atomic_bool stopping;

    struct lws_context *lws;
    struct lws *pipe; /* uv: what libwebsockets can be woken by */
    struct lws_sorted_usec_list poll_tick; /* poll: ends the wait when a timer is due */
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_wait;
    uv_check_t after_wait;
    uv_timer_t tick;
    uv_idle_t spin;
    bool orphans; /* there may be handles that libwebsockets has forgotten */
    bool spinning;
    bool stale; /* the time has to be read again */

    acurast__inbox inbox;
    acurast__wheel wheel;
    acurast__list hooks;
    acurast__list dirty;   /* websockets with something to write, by their dirty_link */
    acurast__list owing;   /* websockets whose kernel has something to send, by their owing_link */
    acurast__list reaped;  /* connections to be ended, as acurast__reap */
    acurast__list trusts;  /* vhosts of clients (net/tls.c) */
    bool sweep;            /* some of them may be unused */
    acurast__list jobs;    /* waiting for a worker (net/worker.c) */
    unsigned workers;      /* running */
    size_t busy;           /* sockets, listeners and connecting attempts that keep a stopping loop alive */
    uint8_t *spare;        /* the buffer of the last message that came in pieces, for the next one; NULL: none */
    size_t spare_capacity;
    size_t memory;         /* bytes that the websockets of this loop hold in buffers */
    bool created;          /* libwebsockets has made a connection, since this was last cleared */
};

/* Takes part in keeping the loop alive. */
void acurast__loop_hold(acurast__loop *loop);
void acurast__loop_let(acurast__loop *loop);

/*
 * Ends a connection of any kind in this turn or the next, outside of libwebsockets' callbacks: returning -1 from one of them loses
 * the close frame under libuv in Debian's build (it closes twice), and libwebsockets' own timers are not looked at by its libuv
 * glue when they are set outside of its callbacks.
 */
void acurast__loop_reap(acurast__loop *loop, acurast__reap *reap, struct lws *wsi);

/* The same with the socket shut down before, so that nobody waits for the peer. */
void acurast__loop_cut(acurast__loop *loop, acurast__reap *reap, struct lws *wsi);

/*
 * To be told of every connecting attempt that failed, within the callback that says so. Where connect() fails at once, libwebsockets
 * 4.1 closes the socket and forgets its libuv handle: memory that is lost, and a loop that cannot be closed.
 */
void acurast__loop_failed(acurast__loop *loop, struct lws *wsi);

/* The loop that the calling thread runs; NULL on other threads. */
extern _Thread_local acurast__loop *acurast__loop_current;

#endif
