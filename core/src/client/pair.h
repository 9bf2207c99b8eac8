/*
 * The sends until delivered that are open, by recipient, each in the order of the calls: so that one can say which is before it, and all of
 * one recipient can be sent again. On the client's loop.
 */
#ifndef ACURAST_CLIENT_PAIR_H
#define ACURAST_CLIENT_PAIR_H

#include "base/idmap.h"
#include "client/operation.h"

struct acurast__pair {
    acurast__list operations; /* by `in_pair`, in the order of their numbers */
    uint8_t recipient[16];
};

/* Puts an operation behind all others of its recipient. False without memory. */
bool acurast__pair_join(acurast__idmap *pairs, acurast__operation *operation);

/* Takes it out; nothing happens where it is in none. */
void acurast__pair_leave(acurast__idmap *pairs, acurast__operation *operation);

/* The number of the one before it that is not delivered, and was sent with a number; 0 for the first. */
uint64_t acurast__pair_before(const acurast__operation *operation);

/* NULL where nothing is open. */
acurast__pair *acurast__pair_find(const acurast__idmap *pairs, const uint8_t recipient[16]);

#endif
