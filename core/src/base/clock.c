/* The monotonic clock, which a change of the date does not move. */
#include "base/clock.h"

#include <time.h>

static struct timespec monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

uint64_t acurast__clock_ms(void)
{
    struct timespec now = monotonic();
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t acurast__clock_us(void)
{
    struct timespec now = monotonic();
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
