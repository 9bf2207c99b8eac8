/*
 * How much one connection may send: two token buckets, of messages and of bytes, each holding one second's worth. Tokens
 * are counted in thousandths, so that a refill is one multiplication. A message that is too much is still taken, and the
 * bucket is then in debt: its owner stops reading until the debt is paid.
 */
#ifndef ACURAST_SERVICE_RATE_H
#define ACURAST_SERVICE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A second; 0: no limit. */
typedef struct acurast__rate_limits {
    int64_t messages;
    int64_t bytes;
} acurast__rate_limits;

typedef struct acurast__rate {
    int64_t messages;
    int64_t bytes;
    uint64_t at; /* milliseconds: when it was last refilled */
} acurast__rate;

/* Full buckets. */
void acurast__rate_init(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now);

void acurast__rate_refill(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now);

/* Takes one message of `size` bytes; false where that went into debt. */
static inline bool acurast__rate_spend(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now,
                                       size_t size)
{
    if (now != rate->at)
        acurast__rate_refill(rate, limits, now);
    rate->messages -= 1000;
    rate->bytes -= (int64_t)size * 1000;
    return (rate->messages | rate->bytes) >= 0;
}

/* Takes so many messages and bytes at once, however many; false where that went into debt, or found it there. */
bool acurast__rate_charge(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now, uint64_t bytes,
                          uint64_t messages);

/* Milliseconds, at least 1, until there is no debt. */
uint64_t acurast__rate_wait(const acurast__rate *rate, const acurast__rate_limits *limits);

#endif
