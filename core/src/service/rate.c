/*
 * A bucket without a limit is filled to more than a millisecond's messages can take out, so that the hot path needs no case
 * of its own for it.
 */
#include "service/rate.h"

#define UNLIMITED (INT64_MAX / 2)

static int64_t bucket_full(int64_t limit)
{
    return limit ? limit * 1000 : UNLIMITED;
}

static void bucket_refill(int64_t *tokens, int64_t limit, uint64_t elapsed)
{
    int64_t full = bucket_full(limit);
    int64_t missing = full - *tokens;
    if (!limit || (elapsed >= 1000 && elapsed > (uint64_t)(missing / limit)))
        *tokens = full;
    else
        *tokens = (int64_t)elapsed * limit < missing ? *tokens + (int64_t)elapsed * limit : full;
}

void acurast__rate_init(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now)
{
    rate->messages = bucket_full(limits->messages);
    rate->bytes = bucket_full(limits->bytes);
    rate->at = now;
}

void acurast__rate_refill(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now)
{
    if (now <= rate->at)
        return;
    bucket_refill(&rate->messages, limits->messages, now - rate->at);
    bucket_refill(&rate->bytes, limits->bytes, now - rate->at);
    rate->at = now;
}

/* A bucket without a limit is full, whatever is taken out of it. */
static void bucket_take(int64_t *tokens, int64_t limit, uint64_t n)
{
    const uint64_t most = INT64_MAX / 4000;
    if (limit)
        *tokens -= (int64_t)(n < most ? n : most) * 1000;
}

bool acurast__rate_charge(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now, uint64_t bytes,
                          uint64_t messages)
{
    acurast__rate_refill(rate, limits, now);
    bucket_take(&rate->bytes, limits->bytes, bytes);
    bucket_take(&rate->messages, limits->messages, messages);
    return (rate->messages | rate->bytes) >= 0;
}

static uint64_t bucket_wait(int64_t tokens, int64_t limit)
{
    return limit && tokens < 0 ? (uint64_t)((-tokens + limit - 1) / limit) : 0;
}

uint64_t acurast__rate_wait(const acurast__rate *rate, const acurast__rate_limits *limits)
{
    uint64_t messages = bucket_wait(rate->messages, limits->messages);
    uint64_t bytes = bucket_wait(rate->bytes, limits->bytes);
    uint64_t longest = messages > bytes ? messages : bytes;
    return longest ? longest : 1;
}
