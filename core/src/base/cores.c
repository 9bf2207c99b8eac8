/*
 * Quotas of control groups, version 2 (`cpu.max`: "QUOTA PERIOD" or "max PERIOD") and version 1 (`cpu.cfs_quota_us`, -1 without one, and
 * `cpu.cfs_period_us`). The smallest on the way up counts. Within a container the group's own path may not be mounted; its root is then.
 */
#define _GNU_SOURCE /* sched_getaffinity */ // NOLINT(bugprone-reserved-identifier)
#include "base/cores.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

#define PATH_LENGTH 4352
#define LINE_LENGTH 4096

static size_t smaller(size_t a, size_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* The first line of a file; false where there is none. */
static bool read_line(const char *folder, const char *name, char *line, int size)
{
    char path[PATH_LENGTH + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(line, size, file);
    fclose(file);
    return read;
}

static size_t cores_of(long long quota, long long period)
{
    return quota > 0 && period > 0 ? (size_t)((quota - 1) / period + 1) : 0;
}

static size_t quota_in(const char *folder)
{
    char line[64], period[64];
    char *end = line;
    if (read_line(folder, "cpu.max", line, sizeof line)) {
        long long quota = strtoll(line, &end, 10);
        return cores_of(quota, strtoll(end, NULL, 10));
    }
    if (read_line(folder, "cpu.cfs_quota_us", line, sizeof line) &&
        read_line(folder, "cpu.cfs_period_us", period, sizeof period))
        return cores_of(strtoll(line, NULL, 10), strtoll(period, NULL, 10));
    return 0;
}

/* From a group up to the root of its mount. */
static size_t quota_above(const char *mount, const char *group)
{
    char folder[PATH_LENGTH];
    size_t least = 0, root = strlen(mount);
    int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof folder || strstr(group, "/.."))
        folder[root] = 0;
    for (;;) {
        least = smaller(least, quota_in(folder));
        char *last = strrchr(folder + root, '/');
        if (!last)
            return least;
        *last = 0;
    }
}

/* Whether a comma-separated list has the controller `cpu`. */
static bool has_cpu(const char *list)
{
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == 3 && strncmp(list, "cpu", 3) == 0)
            return true;
    return false;
}

/* A line of `groups`: "ID:CONTROLLERS:PATH"; version 2 names no controllers. */
static size_t quota_of(char *line, const char *root)
{
    char mount[PATH_LENGTH];
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return 0;
    *path++ = 0;
    controllers++;
    path[strcspn(path, "\n")] = 0;
    if (*controllers && !has_cpu(controllers))
        return 0;
    snprintf(mount, sizeof mount, "%s%s", root, *controllers ? "/cpu" : "");
    return quota_above(mount, path);
}

size_t acurast__cores_quota(const char *groups, const char *root)
{
    char line[LINE_LENGTH];
    size_t least = 0;
    FILE *file = fopen(groups, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        least = smaller(least, quota_of(line, root));
    fclose(file);
    return least;
}

static size_t allowed(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t acurast__cores(void)
{
    return smaller(allowed(), acurast__cores_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
