/* How many threads can run at once: what this process may use, not what the machine has. */
#ifndef ACURAST_BASE_CORES_H
#define ACURAST_BASE_CORES_H

#include <stddef.h>

/* Cores that the scheduler gives to this process, by its affinity and, on Linux, the quota of its control group, rounded up. At least 1. */
size_t acurast__cores(void);

/*
 * The quota of a control group and of those that it is in, in cores, rounded up; 0: none. `groups` is a file such as
 * /proc/self/cgroup, and `root` where the groups are mounted.
 */
size_t acurast__cores_quota(const char *groups, const char *root);

#endif
