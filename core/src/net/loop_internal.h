/* Inside of a loop, for the files of net that hang things on it. */
#ifndef ACURAST_NET_LOOP_INTERNAL_H
#define ACURAST_NET_LOOP_INTERNAL_H

#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* Something that is to end at the end of the turn, outside of everybody's callbacks. */
typedef struct acurast__reap {
    acurast__list link; /* initialised; the owner removes it where it is gone before */
    void (*end)(struct acurast__reap *reap);
} acurast__reap;

struct acurast__loop {
    acurast__loop_config config;
    bool running;
    pthread_t thread;
    pthread_mutex_t wake_lock; /* of what follows */
    pthread_cond_t born_changed;
    bool born;     /* the thread has made its libuv loop, or could not */
    bool wakeable; /* there is one */
    atomic_int holders; /* the thread, whoever will join or detach, and everybody who is posting */
    atomic_bool stopping;

    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_wait;
    uv_check_t after_wait;
    uv_timer_t tick;
    uv_idle_t spin;
    bool spinning;
    bool stale; /* the time has to be read again */

    acurast__inbox inbox;
    acurast__wheel wheel;
    acurast__list hooks;
    acurast__list dirty;            /* websockets with something to write, by their dirty_link */
    acurast__list owing;            /* websockets whose kernel has something to send, by their owing_link */
    acurast__list unread;           /* websockets with something to read that has come already, by their unread_link */
    acurast__list reaped;           /* what is to end, as acurast__reap */
    acurast__list jobs;             /* waiting for a worker (net/worker.c) */
    unsigned workers;               /* running */
    size_t busy;                    /* sockets, listeners and connecting attempts that keep a stopping loop alive */
    uint8_t *receive;               /* what sockets are read into; NULL until the first */
    struct acurast__sealer *sealer; /* TLS of all of them; NULL until the first */
    uint8_t *spare; /* the buffer of the last message that came in pieces, for the next one; NULL: none */
    size_t spare_capacity;
    size_t turn_received; /* bytes, in this turn */
    size_t memory;        /* bytes that the websockets of this loop hold in buffers */
};

/* A handle for a descriptor, not started; NULL without memory. The descriptor may be closed once it is not watched. */
uv_poll_t *acurast__loop_watch(acurast__loop *loop, int descriptor, void *data);
void acurast__loop_unwatch(uv_poll_t *poll);

/* Takes part in keeping the loop alive. */
void acurast__loop_hold(acurast__loop *loop);
void acurast__loop_let(acurast__loop *loop);

/* Calls its `end` at the end of this turn. Idempotent until then. */
void acurast__loop_reap(acurast__loop *loop, acurast__reap *reap);

/* The loop that the calling thread runs; NULL on other threads. */
extern _Thread_local acurast__loop *acurast__loop_current;

#endif
