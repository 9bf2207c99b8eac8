/* CPU time comes from the process's own CPU clock, the scheduler's sum over all its threads, also those that have ended. */
#include "gauge.h"

#include <stdio.h>
#include <time.h>

static uint64_t nanoseconds_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

uint64_t gauge_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return nanoseconds_of(&time);
}

bool gauge_cpu(pid_t pid, uint64_t *nanoseconds)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return false;
    *nanoseconds = nanoseconds_of(&time);
    return true;
}

bool gauge_memory(pid_t pid, uint64_t *pss, uint64_t *rss)
{
    char line[256];
    unsigned long long kib;
    unsigned found = 0;
    snprintf(line, sizeof line, "/proc/%ld/smaps_rollup", (long)pid);
    FILE *file = fopen(line, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Pss: %llu kB", &kib) == 1) {
            *pss = kib * 1024;
            found |= 1;
        } else if (sscanf(line, "Rss: %llu kB", &kib) == 1) {
            *rss = kib * 1024;
            found |= 2;
        }
    }
    fclose(file);
    return found == 3;
}
