/* Time, and what the operating system says about the process that is measured. */
#ifndef BENCH_GAUGE_H
#define BENCH_GAUGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Monotonic nanoseconds. */
uint64_t gauge_now(void);

/* Waits, while what is measured goes on by itself. */
void gauge_sleep(long ms);

/* CPU time that the process has used so far, in user and kernel mode, all its threads: nanoseconds. pid 0: this process. */
bool gauge_cpu(pid_t pid, uint64_t *nanoseconds);

/* Bytes of memory, from smaps_rollup: proportional and resident set. */
bool gauge_memory(pid_t pid, uint64_t *pss, uint64_t *rss);

#endif
