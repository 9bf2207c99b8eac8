/* Times in nanoseconds, counted in buckets that are 1/64 of a power of two wide, so that a quantile is right to 1.6 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 64,
    HISTOGRAM_SIZE = 40 * HISTOGRAM_STEPS,
};

typedef struct bench_histogram {
    uint64_t total;
    uint64_t counts[HISTOGRAM_SIZE];
} bench_histogram;

void histogram_add(bench_histogram *times, uint64_t nanoseconds);

/* The upper edge of the bucket in which the quantile (0 to 1) lies; 0 of an empty one. */
uint64_t histogram_quantile(const bench_histogram *times, double quantile);

#endif
