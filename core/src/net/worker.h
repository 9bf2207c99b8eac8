/*
 * Work that would stall a loop (name resolution, proof of work) on threads of its own: one a job, a few at once for each loop,
 * the rest wait. The thread is gone before `done` runs, and the loop does not end before, so nothing of ours is left
 * running once the loops have ended.
 */
#ifndef ACURAST_NET_WORKER_H
#define ACURAST_NET_WORKER_H

#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>

#define ACURAST__WORKERS_PER_LOOP 8

typedef struct acurast__job {
    void (*work)(struct acurast__job *job); /* on a thread of its own; looks at `cancelled` now and then */
    void (*done)(struct acurast__job
                     *job); /* on the loop's thread, exactly once, also where it was cancelled or never started */
    atomic_bool cancelled;  /* set by anybody */
    bool started;           /* for `done`: there was a thread for it */

    /* The worker's own. */
    acurast__loop *loop;
    acurast__task finished;
    acurast__list link;
    pthread_t thread;
} acurast__job;

/* The loop's thread. `done` never runs before this returns; where no thread can be had it runs without `work`. */
void acurast__worker_submit(acurast__loop *loop, acurast__job *job);

#endif
