/*
 * What this program was given of tracked payloads: for each sender, and each of its runs, the highest number. By that what comes again is
 * known, and what comes before its turn. And the receipts that are to be told, collected by run.
 *
 *   number <= taken        it came before: answered as soon as the program had it
 *   after > taken          another must come first: answered EARLY, not taken
 *   else                   taken; answered DELIVERED once the program had it
 *
 * A sender has ACURAST__HEARD_RUNS runs at most, so that its new runs push out nobody else's; all senders together have a limit, and the
 * one heard least recently goes first. Whoever comes again after that is not recognised, and told so. On the client's loop.
 */
#ifndef ACURAST_CLIENT_HEARD_H
#define ACURAST_CLIENT_HEARD_H

#include "base/idmap.h"
#include "base/list.h"
#include "wire/track.h"

#define ACURAST__HEARD_RUNS 8u
#define ACURAST__HEARD_SENDERS 65536u

typedef struct acurast__heard {
    acurast__idmap senders;
    acurast__list recent;  /* the one heard least recently first */
    acurast__list telling; /* runs with receipts to be told */
    size_t max;
    size_t untold; /* receipts */
    bool forgot; /* a sender was pushed out */
} acurast__heard;

typedef enum acurast__heard_verdict {
    ACURAST__HEARD_NEW,     /* give it to the program; then acurast__heard_taken() */
    ACURAST__HEARD_REFUSED, /* do not; what is to be told of it is noted */
    ACURAST__HEARD_NO_MEMORY
} acurast__heard_verdict;

void acurast__heard_init(acurast__heard *heard, size_t max_senders);
void acurast__heard_clear(acurast__heard *heard);

acurast__heard_verdict acurast__heard_judge(acurast__heard *heard, const uint8_t sender[16],
                                            const acurast__tracked *tracked);

/* One that was NEW is on its way to the program. */
void acurast__heard_taken(acurast__heard *heard, const uint8_t sender[16], const acurast__tracked *tracked);

/* The program had it. Without memory its sender is not told. */
void acurast__heard_delivered(acurast__heard *heard, const uint8_t sender[16], const uint8_t *run, uint64_t number);

/* The next receipt frame, and its size; NULL when all is told. Valid until the next call of any function. `id` is ours. */
const uint8_t *acurast__heard_next(acurast__heard *heard, const uint8_t id[16], size_t *size);

#endif
