/* CPU time comes from the process's own CPU clock, the scheduler's sum over all its threads, also those that have ended. */
#include "gauge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

void gauge_sleep(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
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

/* The number in a line such as "Pss:  1234 kB", as bytes. */
static bool read_line(const char *line, const char *name, uint64_t *bytes)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0)
        return false;
    *bytes = strtoull(line + length, NULL, 10) * 1024;
    return true;
}

bool gauge_memory(pid_t pid, uint64_t *pss, uint64_t *rss)
{
    char line[256];
    bool pss_found = false, rss_found = false;
    snprintf(line, sizeof line, "/proc/%ld/smaps_rollup", (long)pid);
    FILE *file = fopen(line, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        pss_found |= read_line(line, "Pss:", pss);
        rss_found |= read_line(line, "Rss:", rss);
    }
    fclose(file);
    return pss_found && rss_found;
}
