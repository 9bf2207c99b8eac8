/*
 * Timers in a hashed wheel: starting, stopping and firing cost the same however
 * many there are. Time is a number of milliseconds that the caller passes in; it
 * never goes back. A timer never fires early and at most one tick (16 ms) late. Timers of
 * one tick fire in the order of their starting, ticks in their order within a round (16 s).
 * Not thread-safe.
 */
#ifndef ACURAST_BASE_WHEEL_H
#define ACURAST_BASE_WHEEL_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define ACURAST__WHEEL_SLOTS 1024u
#define ACURAST__WHEEL_TICK_MS 16u
#define ACURAST__WHEEL_WORDS (ACURAST__WHEEL_SLOTS / 64u)

typedef struct acurast__timer {
    acurast__list link;
    uint64_t deadline; /* milliseconds; 0: not running */
    void (*fire)(struct acurast__timer *timer);
} acurast__timer;

typedef struct acurast__wheel {
    acurast__list slots[ACURAST__WHEEL_SLOTS];
    uint64_t used[ACURAST__WHEEL_WORDS]; /* a bit for each slot that is not empty */
    uint64_t tick;                       /* everything before it has fired */
    uint64_t now;
    size_t count;
} acurast__wheel;

void acurast__wheel_init(acurast__wheel *wheel, uint64_t now);

void acurast__timer_init(acurast__timer *timer, void (*fire)(acurast__timer *timer));

/* Starts, or starts anew, `delay` milliseconds after the wheel's now. */
void acurast__timer_start(acurast__wheel *wheel, acurast__timer *timer, uint64_t delay);

/* Nothing happens for a timer that is not running. */
void acurast__timer_stop(acurast__wheel *wheel, acurast__timer *timer);

static inline bool acurast__timer_running(const acurast__timer *timer)
{
    return timer->deadline != 0;
}

/* Moves the time on and fires what is due. A timer may start and stop any timer, and free itself, as it fires. */
void acurast__wheel_advance(acurast__wheel *wheel, uint64_t now);

/* Milliseconds from the wheel's now until something may be due, at least 1; UINT64_MAX if nothing runs. */
uint64_t acurast__wheel_next(const acurast__wheel *wheel);

#endif
