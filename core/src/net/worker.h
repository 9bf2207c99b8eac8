/*
 * Work that would stall a loop (name resolution, proof of work) on threads of its
 * own, a few for the process's context, started when first needed.
 */
#ifndef ACURAST_NET_WORKER_H
#define ACURAST_NET_WORKER_H

#include "net/loop.h"

#include <stdatomic.h>

typedef struct acurast__job {
    acurast__task done;  /* `done.run` is posted to `loop` when the work is over, also when it was cancelled */
    void (*work)(struct acurast__job *job);
    acurast__loop *loop; /* kept alive until `done` ran */
    atomic_bool cancelled; /* set by anybody; `work` looks at it */
    struct acurast__job *next;
} acurast__job;

/* Any thread. False where no thread could be started: `done` will not come. */
bool acurast__worker_submit(acurast__loop *loop, acurast__job *job);

#endif
