/* A table that doubles up to its limit, with a list of its free places. A number is the round (upper half) and the place. */
#include "rpc/slots.h"

#include "base/memory.h"

#include <string.h>

#define SMALLEST 16u
#define NONE UINT32_MAX

void acurast__slots_init(acurast__slots *slots, uint32_t most)
{
    *slots = (acurast__slots){.most = most, .free = NONE};
}

void acurast__slots_clear(acurast__slots *slots)
{
    acurast__free(slots->slots);
    acurast__slots_init(slots, slots->most);
}

static bool grow(acurast__slots *slots)
{
    uint32_t capacity = slots->capacity ? slots->capacity * 2 : SMALLEST;
    if (capacity > slots->most)
        capacity = slots->most;
    acurast__slot *grown = acurast__realloc(slots->slots, capacity * sizeof *grown);
    if (!grown)
        return false;
    for (uint32_t i = slots->capacity; i < capacity; i++)
        grown[i] = (acurast__slot){.next = i + 1 < capacity ? i + 1 : NONE};
    slots->free = slots->capacity;
    slots->slots = grown;
    slots->capacity = capacity;
    return true;
}

uint64_t acurast__slots_put(acurast__slots *slots, void *object)
{
    if (acurast__slots_full(slots) || (slots->free == NONE && !grow(slots)))
        return 0;
    uint32_t place = slots->free;
    acurast__slot *slot = &slots->slots[place];
    slots->free = slot->next;
    slot->object = object;
    if (++slot->round == 0)
        slot->round = 1;
    slots->count++;
    return (uint64_t)slot->round << 32 | place;
}

static acurast__slot *find(const acurast__slots *slots, uint64_t number)
{
    uint32_t place = (uint32_t)number;
    if (place >= slots->capacity || slots->slots[place].round != number >> 32)
        return NULL;
    return &slots->slots[place];
}

void *acurast__slots_get(const acurast__slots *slots, uint64_t number)
{
    const acurast__slot *slot = find(slots, number);
    return slot ? slot->object : NULL;
}

void *acurast__slots_remove(acurast__slots *slots, uint64_t number)
{
    acurast__slot *slot = find(slots, number);
    if (!slot || !slot->object)
        return NULL;
    void *object = slot->object;
    slot->object = NULL;
    slot->next = slots->free;
    slots->free = (uint32_t)number;
    slots->count--;
    return object;
}

void *acurast__slots_next(const acurast__slots *slots, uint32_t *cursor)
{
    while (*cursor < slots->capacity) {
        void *object = slots->slots[(*cursor)++].object;
        if (object)
            return object;
    }
    return NULL;
}
