/*
 * How long to wait before the next try: exponential, with full jitter (a wait is any
 * time from 0 to the bound, and the bound doubles). Pure: randomness and lifetimes are passed in.
 */
#ifndef ACURAST_CLIENT_BACKOFF_H
#define ACURAST_CLIENT_BACKOFF_H

#include <stdint.h>

/* A connection that lived so long was a good one: the bound starts anew. */
#define ACURAST__BACKOFF_STABLE_MS 5000u

/* A service that drains tells all its clients at once: their tries are spread at least over this time. */
#define ACURAST__BACKOFF_DRAIN_MS 1000u

/* Another connection of the key stays: it may be gone by then. */
#define ACURAST__BACKOFF_BUSY_MS 5000u

typedef struct acurast__backoff {
    uint32_t min_ms;
    uint32_t max_ms;
    uint32_t bound_ms;
} acurast__backoff;

/* A minimum above the maximum counts as the maximum. */
void acurast__backoff_init(acurast__backoff *backoff, uint32_t min_ms, uint32_t max_ms);

/* The next wait, at random from 0 to the bound, which is at least `floor_ms` (but never above the maximum). Then the bound doubles. */
uint32_t acurast__backoff_next(acurast__backoff *backoff, uint32_t floor_ms, uint32_t random);

/* Tells of a connection that was accepted and lived for `lived_ms`. */
void acurast__backoff_lived(acurast__backoff *backoff, uint64_t lived_ms);

#endif
