/*
 * The services of a client, and which comes next. A round walks through the list
 * once, without waiting; between rounds the client backs off. Pure: the time is passed in.
 */
#ifndef ACURAST_CLIENT_ROUND_H
#define ACURAST_CLIENT_ROUND_H

#include "client/target.h"

typedef struct acurast__candidate {
    acurast__target target;
    uint64_t not_before; /* milliseconds: it refused us, and is left alone until then */
    bool hopeless;       /* its last answer was one that trying again does not change */
    uint32_t complaint;  /* a digest of what went wrong last; 0: nothing since the last acceptance by any */
} acurast__candidate;

typedef struct acurast__round {
    acurast__candidate *candidates;
    size_t count;
    size_t first;    /* where a round begins */
    size_t position; /* how many of this round were looked at */
    bool sticky;     /* begin at the last good one */
} acurast__round;

#define ACURAST__ROUND_OVER SIZE_MAX

/* The next candidate of this round, or ACURAST__ROUND_OVER. */
size_t acurast__round_next(acurast__round *round, uint64_t now);

/* True where acurast__round_next() would find one. */
bool acurast__round_more(const acurast__round *round, uint64_t now);

void acurast__round_restart(acurast__round *round);

/* Milliseconds until a round would find a candidate: 0 unless all of them are left alone. */
uint64_t acurast__round_wait(const acurast__round *round, uint64_t now);

/* What candidate `index` answered. */
void acurast__round_accepted(acurast__round *round, size_t index);
void acurast__round_refused(acurast__round *round, size_t index, uint64_t not_before);
void acurast__round_hopeless(acurast__round *round, size_t index, bool hopeless);

/* True where that went wrong with candidate `index` last time as well, and no service has accepted the client since. */
bool acurast__round_repeats(acurast__round *round, size_t index, acurast_status status, const char *reason);

/* True where every candidate was hopeless when it was last asked. */
bool acurast__round_all_hopeless(const acurast__round *round);

/* Frees the candidates. */
void acurast__round_clear(acurast__round *round);

#endif
