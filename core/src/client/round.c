/* Rounds through the list of services. */
#include "client/round.h"

#include "base/memory.h"

static size_t look(const acurast__round *round, size_t *position, uint64_t now)
{
    while (*position < round->count) {
        size_t index = (round->first + (*position)++) % round->count;
        if (round->candidates[index].not_before <= now)
            return index;
    }
    return ACURAST__ROUND_OVER;
}

size_t acurast__round_next(acurast__round *round, uint64_t now)
{
    return look(round, &round->position, now);
}

bool acurast__round_more(const acurast__round *round, uint64_t now)
{
    size_t position = round->position;
    return look(round, &position, now) != ACURAST__ROUND_OVER;
}

void acurast__round_restart(acurast__round *round)
{
    round->position = 0;
}

uint64_t acurast__round_wait(const acurast__round *round, uint64_t now)
{
    uint64_t wait = UINT64_MAX;
    for (size_t i = 0; i < round->count; i++) {
        uint64_t until = round->candidates[i].not_before;
        uint64_t left = until > now ? until - now : 0;
        if (left < wait)
            wait = left;
    }
    return wait;
}

void acurast__round_accepted(acurast__round *round, size_t index)
{
    round->candidates[index].hopeless = false;
    for (size_t i = 0; i < round->count; i++)
        round->candidates[i].complaint = 0;
    round->first = round->sticky ? index : 0;
    acurast__round_restart(round);
}

/* FNV-1a, of 32 bits. */
static uint32_t digest_of(acurast_status status, const char *reason)
{
    uint32_t digest = 2166136261u ^ (uint32_t)status;
    for (; *reason; reason++)
        digest = (digest ^ (uint8_t)*reason) * 16777619u;
    return digest ? digest : 1;
}

bool acurast__round_repeats(acurast__round *round, size_t index, acurast_status status, const char *reason)
{
    uint32_t digest = digest_of(status, reason), before = round->candidates[index].complaint;
    round->candidates[index].complaint = digest;
    return digest == before;
}

void acurast__round_refused(acurast__round *round, size_t index, uint64_t not_before)
{
    round->candidates[index].not_before = not_before;
}

void acurast__round_hopeless(acurast__round *round, size_t index, bool hopeless)
{
    round->candidates[index].hopeless = hopeless;
}

bool acurast__round_all_hopeless(const acurast__round *round)
{
    for (size_t i = 0; i < round->count; i++)
        if (!round->candidates[i].hopeless)
            return false;
    return true;
}

void acurast__round_clear(acurast__round *round)
{
    for (size_t i = 0; i < round->count; i++)
        acurast__target_clear(&round->candidates[i].target);
    acurast__free(round->candidates);
    *round = (acurast__round){0};
}
