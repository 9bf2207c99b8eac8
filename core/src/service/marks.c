/* A ring that doubles where it is full. */
#include "service/marks.h"

#include "base/memory.h"

#include <string.h>

#define FIRST_CAPACITY 8

bool acurast__marks_reserve(acurast__marks *marks, size_t more, _Atomic uint64_t *memory)
{
    size_t capacity = marks->capacity ? marks->capacity : FIRST_CAPACITY;
    while (capacity - marks->count < more || capacity < marks->count)
        capacity *= 2;
    if (capacity == marks->capacity)
        return true;
    acurast__mark *ring = acurast__alloc(capacity * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < marks->count; i++)
        ring[i] = marks->ring[(marks->first + i) & (marks->capacity - 1)];
    atomic_fetch_add_explicit(memory, (capacity - marks->capacity) * sizeof *ring, memory_order_relaxed);
    acurast__free(marks->ring);
    marks->ring = ring;
    marks->capacity = capacity;
    marks->first = 0;
    return true;
}

void acurast__marks_push(acurast__marks *marks, const acurast__mark *mark)
{
    marks->ring[(marks->first + marks->count++) & (marks->capacity - 1)] = *mark;
}

const acurast__mark *acurast__marks_first(const acurast__marks *marks)
{
    return marks->count ? &marks->ring[marks->first] : NULL;
}

void acurast__marks_pop(acurast__marks *marks)
{
    marks->first = (marks->first + 1) & (marks->capacity - 1);
    marks->count--;
}

void acurast__marks_clear(acurast__marks *marks, _Atomic uint64_t *memory)
{
    atomic_fetch_sub_explicit(memory, acurast__marks_memory(marks), memory_order_relaxed);
    acurast__free(marks->ring);
    memset(marks, 0, sizeof *marks);
}
