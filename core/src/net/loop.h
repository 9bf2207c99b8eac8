/*
 * An I/O thread: one event loop (libuv), an inbox for tasks from other threads, and a wheel of timers.
 *
 * A turn of the loop: wait for I/O; its callbacks; tasks; timers that are due; the hooks; then everything that was queued on any
 * websocket during the turn is written, a batch a socket.
 *
 * Unless said otherwise a function belongs to the loop's own thread.
 */
#ifndef ACURAST_NET_LOOP_H
#define ACURAST_NET_LOOP_H

#include "base/inbox.h"
#include "base/list.h"
#include "base/wheel.h"

#include <acurast/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct acurast__loop acurast__loop;

typedef struct acurast__loop_config {
    unsigned index; /* of this loop among its context's */
    /* On the loop's thread, as the last thing that it does; may be NULL. */
    void (*ended)(void *user);
    void *user;
} acurast__loop_config;

/* Makes the loop and starts its thread. Any thread. NO_MEMORY, or SYSTEM: no thread or descriptor is left for it. */
acurast_status acurast__loop_start(const acurast__loop_config *config, acurast__loop **loop);

/* Runs `task->run` on the loop's thread, in the order of posting. Any thread; not after acurast__loop_stop() was called. */
void acurast__loop_post(acurast__loop *loop, acurast__task *task);

/* Tells the loop to end once its last websocket and listener are gone. Any thread. */
void acurast__loop_stop(acurast__loop *loop);

/* Waits for the thread and frees the loop. Any thread but its own. */
void acurast__loop_join(acurast__loop *loop);

/* As join, without waiting: the thread frees the loop when it ends. Any thread. */
void acurast__loop_detach(acurast__loop *loop);

/* Any thread. */
bool acurast__loop_is_current(const acurast__loop *loop);
unsigned acurast__loop_index(const acurast__loop *loop);

/* Monotonic milliseconds, read once a turn. */
uint64_t acurast__loop_now(acurast__loop *loop);

/*
 * Bytes that all websockets of the loop hold in buffers, in and out; for those of a service with what the kernel has to send, as it was
 * when that was last looked at: before a write, where 16 KiB or more were written since, and by acurast__loop_look().
 */
size_t acurast__loop_memory(const acurast__loop *loop);

/* Looks again at what the kernel has to send, for some thousand websockets for which that was not nothing. */
void acurast__loop_look(acurast__loop *loop);

void acurast__loop_timer_start(acurast__loop *loop, acurast__timer *timer, uint64_t delay_ms);
void acurast__loop_timer_stop(acurast__loop *loop, acurast__timer *timer);

/* Called at the end of every turn; returns true to be called again at once, without waiting for I/O. */
typedef struct acurast__loop_hook {
    acurast__list link;
    bool (*run)(struct acurast__loop_hook *hook);
} acurast__loop_hook;

void acurast__loop_hook_add(acurast__loop *loop, acurast__loop_hook *hook);
void acurast__loop_hook_remove(acurast__loop *loop, acurast__loop_hook *hook);

#endif
