/*
 * A world for tests of net: loops, a listener, and both ends of websockets, which tell the test what happened to them. A test acts
 * on a loop's thread by world_run() and waits for what it expects with a deadline; at the end of the world nothing may be left.
 */
#ifndef TESTS_SUPPORT_NET_WORLD_H
#define TESTS_SUPPORT_NET_WORLD_H

#include "support/unit.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/listener.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_LOOPS 4
#define WORLD_SIDES 64

/* ---- something that happened, and how often ---- */

typedef struct signal_box {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
} signal_box;

void box_init(signal_box *box);
void box_tell(signal_box *box);
unsigned box_count(signal_box *box);

/* Waits until it happened `count` times; fails the test after 20 seconds. */
void box_await(signal_box *box, unsigned count);

/* ---- one end of a websocket ---- */

typedef struct side {
    acurast__loop *loop;
    acurast__ws *ws; /* the loop's thread; NULL once closed */
    signal_box open, message, written, closed;
    void (*on_open)(struct side *side);
    void (*on_message)(struct side *side, const uint8_t *bytes, size_t size); /* in place of keeping the last one */
    void (*on_written)(struct side *side);
    void (*on_closed)(struct side *side);
    void *user;
    uint8_t *bytes; /* of the last message */
    size_t size;
    acurast_status status; /* of the end */
    unsigned code;
    bool by_peer;
    char reason[256];
} side;

/* ---- the world ---- */

typedef struct world_options {
    size_t loops;        /* 0: 1 */
    const char *address; /* NULL: 127.0.0.1 */
    const char *tls_cert, *tls_key;
    uint32_t request_timeout_ms;   /* 0: 10 s */
    acurast__ws_settings settings; /* of the service's sides; max_message 0: 4 MiB */
    unsigned most;                 /* connections at once that are admitted; 0: any number */
    bool evict;                    /* beyond these the oldest makes room */
    void (*greet)(side *side);     /* a service's side before it is open: sets its hooks; NULL: it echoes */
} world_options;

typedef struct world {
    world_options options;
    acurast__loop *loops[WORLD_LOOPS];
    size_t loop_count;
    acurast__listener *listener;
    uint16_t port;
    signal_box listener_closed, upgraded, left;
    pthread_mutex_t lock;
    unsigned admitted;
    unsigned held;            /* of these, neither left nor made to make room */
    side *sides[WORLD_SIDES]; /* of the service, by their order of upgrade */
    size_t descriptors, threads;
} world;

void world_open(world *w, const world_options *options);

/* Closes the listener alone and waits until its sockets are closed; world_close() does what is left. */
void world_stop_listening(world *w);

/* Closes the listener, waits for the connections to have left, and ends the loops; nothing may be left. */
void world_close(world *w);

/* The n-th side of the service, 0 the first; waits for it. */
side *world_side(world *w, unsigned n);

/* Runs `act` on the loop's thread and waits for it. */
void world_run(acurast__loop *loop, void (*act)(void *argument), void *argument);

size_t world_memory(world *w);
unsigned world_admitted(world *w);

/* ---- clients ---- */

/* Prepared, with settings for `where`; the test may change `target` and the hooks before side_connect(). */
typedef struct client {
    side side;
    acurast__ws_target target;
    acurast__ws_settings settings;
} client;

void client_init(client *c, world *w);
void client_connect(client *c);
void client_open(client *c, world *w); /* all of it, and waits for open */
void client_end(client *c);            /* closes it if it is open, waits for the end, frees what it kept */

extern const acurast__ws_handlers side_handlers;

void side_send(side *s, const void *bytes, size_t size);
void side_close(side *s, uint16_t code, const char *reason);
void side_abort(side *s);
void side_pause(side *s);
void side_resume(side *s);

/* Bytes in a pattern that shows where they are from. */
void fill_pattern(uint8_t *bytes, size_t size, unsigned seed);

/* Open descriptors and threads of this process. */
size_t count_descriptors(void);
size_t count_threads(void);

/* Runs `test` plain and with the `world_certificate` of net_certs.h. */
void on_every_port(void (*test)(const world_options *options));

#endif
