/* Exponential backoff with full jitter. */
#include "client/backoff.h"

void acurast__backoff_init(acurast__backoff *backoff, uint32_t min_ms, uint32_t max_ms)
{
    backoff->max_ms = max_ms;
    backoff->min_ms = min_ms < max_ms ? min_ms : max_ms;
    backoff->bound_ms = backoff->min_ms;
}

uint32_t acurast__backoff_next(acurast__backoff *backoff, uint32_t floor_ms, uint32_t random)
{
    uint32_t bound = backoff->bound_ms > floor_ms ? backoff->bound_ms : floor_ms;
    if (bound > backoff->max_ms)
        bound = backoff->max_ms;
    backoff->bound_ms = backoff->bound_ms > backoff->max_ms / 2 ? backoff->max_ms : backoff->bound_ms * 2;
    return (uint32_t)(((uint64_t)random * ((uint64_t)bound + 1)) >> 32);
}

void acurast__backoff_lived(acurast__backoff *backoff, uint64_t lived_ms)
{
    if (lived_ms >= ACURAST__BACKOFF_STABLE_MS)
        backoff->bound_ms = backoff->min_ms;
}
