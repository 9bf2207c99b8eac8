#include "say.h"

#include <stdio.h>
#include <time.h>

static const char *level_name(acurast_log_level level)
{
    static const char *const names[] = {"off", "error", "warn", "info", "debug"};
    return names[level];
}

void say(acurast_log_level level, const char *text)
{
    struct timespec now;
    struct tm parts;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(stderr, "%s.%03ldZ level=%s %s\n", stamp, now.tv_nsec / 1000000, level_name(level), text);
}
