/* Time. The monotonic clock is for deadlines; the wall clock for logs only. */
#ifndef ACURAST_BASE_CLOCK_H
#define ACURAST_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds and microseconds of the monotonic clock. */
uint64_t acurast__clock_ms(void);
uint64_t acurast__clock_us(void);

#endif
