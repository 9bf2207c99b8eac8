/*
 * The part of a service that lives on one loop: its connections, those of them that hold an id, and the queue of handshakes
 * that wait to be verified. No lock: everything here belongs to the loop's thread, but the counters, `memory` and `turned`,
 * which others read.
 *
 * At most once a millisecond some connections are looked at in turn, for what they send beside messages: `net` answers pings
 * by itself and tells of no empty pieces.
 *
 * At the end of each turn of the loop some handshakes are verified, for a quarter of a millisecond at most, so that a
 * flood of them does not stall the relay. After a reload some connections are looked up in the new lists, likewise.
 */
#ifndef ACURAST_SERVICE_SHARD_H
#define ACURAST_SERVICE_SHARD_H

#include "base/idmap.h"
#include "net/listener.h"
#include "service/access.h"
#include "service/metrics.h"
#include "service/settings.h"
#include "service/tidings.h"

#include <acurast/service.h>

/* How often a shard says that its loop turns. */
#define ACURAST__BEAT_MS 1000

typedef struct acurast__connection acurast__connection;

typedef struct acurast__shard {
    acurast__metrics metrics;
    _Atomic uint64_t memory;  /* bytes in buffers of websockets, as of the last turn */
    _Atomic uint64_t waiting; /* bytes in backlogs; any thread raises and lowers it */
    _Atomic uint64_t turned; /* milliseconds: when what is due once a second was last done, at first its making; 0: stopped */
    atomic_bool shedding;    /* the task is on its way */
    acurast__tidings tidings;
    acurast__task rouse; /* does nothing: with it another turn follows at once */
    bool roused;         /* it is on its way */
    acurast_service *service;
    acurast__loop *loop;
    const acurast__settings *settings;
    acurast__directory *directory;
    acurast__access *access;
    acurast__idmap ids;        /* id -> the connection that holds it, if it is on this loop */
    acurast__list handshaking; /* a connection is in one of these lists */
    acurast__list verifying;
    acurast__list accepted;  /* or waiting for its id */
    acurast__list screening; /* likewise; to be looked up in lists that are new */
    acurast__list ending;   /* closed by us, not yet gone */
    acurast__loop_hook hook;
    acurast__timer second; /* what is looked after once a second */
    acurast__timer drain_tick;
    uint64_t drain_deadline; /* 0: not draining */
    size_t drain_batch;
    uint64_t memory_mark; /* where the sum is looked at again */
    uint64_t inspected;   /* milliseconds: when some connections were last looked at */
    uint64_t warned;      /* milliseconds: when the log was last told that the memory is full */
    acurast__task start;
    acurast__task drain; /* tells all connections to go, a few at a time; cuts off whoever is left at the end of the time */
    acurast__task stop;
    acurast__task shed;
} acurast__shard;

/* Zeroed memory; then its tasks `start`, `drain` and `stop` are posted to its loop by the service, in this order. */
void acurast__shard_init(acurast__shard *shard, acurast_service *service, acurast__loop *loop);

/* Once it is stopped, or was never started. Any thread. */
void acurast__shard_clear(acurast__shard *shard);

/* Bytes of memory that it holds. Any thread. */
static inline uint64_t acurast__shard_memory(const acurast__shard *shard)
{
    return atomic_load_explicit(&shard->memory, memory_order_relaxed) +
           atomic_load_explicit(&shard->waiting, memory_order_relaxed);
}

/*
 * New lists. They count at once for whoever comes; who is here already is looked up at the end of the turns that follow, and goes if
 * denied. Takes over the caller's reference. On the loop.
 */
void acurast__shard_set_access(acurast__shard *shard, acurast__access *access);

/* What was noted after this turn's end is told in another one, which follows at once. */
void acurast__shard_rouse(acurast__shard *shard);

/* The tasks of a directory's entry. */
void acurast__shard_wake(acurast__task *task);
void acurast__shard_turn_away(acurast__task *task);

#endif
