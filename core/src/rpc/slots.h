/*
 * Numbers for objects that strangers or users name later: a place in a table and how often the place was used, so that the number of
 * one that ended never names another. 0 is no number. The table holds at most `most` objects at once. Not thread-safe.
 */
#ifndef ACURAST_RPC_SLOTS_H
#define ACURAST_RPC_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct acurast__slot {
    void *object;   /* NULL: free */
    uint32_t round; /* how often it was given out */
    uint32_t next;  /* of the free ones; UINT32_MAX: the last */
} acurast__slot;

typedef struct acurast__slots {
    acurast__slot *slots;
    uint32_t capacity;
    uint32_t count;
    uint32_t most;
    uint32_t free;
} acurast__slots;

void acurast__slots_init(acurast__slots *slots, uint32_t most);

/* Frees the table, not the objects. */
void acurast__slots_clear(acurast__slots *slots);

/* The object's number; 0 where the table is full or without memory. */
uint64_t acurast__slots_put(acurast__slots *slots, void *object);

/* NULL for a number that is not, or no longer, in use. */
void *acurast__slots_get(const acurast__slots *slots, uint64_t number);

/* As get, and the number ends. */
void *acurast__slots_remove(acurast__slots *slots, uint64_t number);

static inline bool acurast__slots_full(const acurast__slots *slots)
{
    return slots->count == slots->most;
}

/* Walks all objects: start with *cursor = 0; NULL at the end. Removing the object that was returned is allowed. */
void *acurast__slots_next(const acurast__slots *slots, uint32_t *cursor);

#endif
