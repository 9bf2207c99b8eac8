/* macOS cannot tie a condition to a clock, but waits for a span of time. */
#include "base/condition.h"

#include "base/clock.h"

#include <time.h>

void acurast__condition_init(pthread_cond_t *condition)
{
#ifdef __APPLE__
    pthread_cond_init(condition, NULL);
#else
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
#endif
}

uint64_t acurast__deadline_in(int timeout_ms)
{
    return timeout_ms < 0 ? ACURAST__NO_DEADLINE : acurast__clock_ms() + (uint64_t)timeout_ms;
}

static struct timespec to_timespec(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

bool acurast__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ms)
{
    if (deadline_ms == ACURAST__NO_DEADLINE) {
        pthread_cond_wait(condition, lock);
        return true;
    }
    uint64_t now = acurast__clock_ms();
    if (now >= deadline_ms)
        return false;
#ifdef __APPLE__
    struct timespec span = to_timespec(deadline_ms - now);
    pthread_cond_timedwait_relative_np(condition, lock, &span);
#else
    struct timespec until = to_timespec(deadline_ms);
    pthread_cond_timedwait(condition, lock, &until);
#endif
    return true;
}
