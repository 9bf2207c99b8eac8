/* A time below 64 has a bucket of its own; above, its leading bit chooses the power of two and the six bits that follow the step. */
#include "histogram.h"

static unsigned bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (unsigned)value;
    unsigned shift = 57 - (unsigned)__builtin_clzll(value);
    unsigned bucket = (shift + 1) * HISTOGRAM_STEPS + (unsigned)(value >> shift) - HISTOGRAM_STEPS;
    return bucket < HISTOGRAM_SIZE ? bucket : HISTOGRAM_SIZE - 1;
}

static uint64_t edge_of(unsigned bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    return ((uint64_t)(bucket % HISTOGRAM_STEPS) + HISTOGRAM_STEPS + 1) << shift;
}

void histogram_add(bench_histogram *times, uint64_t nanoseconds)
{
    times->counts[bucket_of(nanoseconds)]++;
    times->total++;
}

uint64_t histogram_quantile(const bench_histogram *times, double quantile)
{
    uint64_t rank = (uint64_t)((double)times->total * quantile);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
        seen += times->counts[i];
        if (seen > rank)
            return edge_of(i);
    }
    return 0;
}
