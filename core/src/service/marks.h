/*
 * What a websocket was given of tracked frames whose senders are to be told once the socket has taken the last byte: first in, first out.
 * A mark of a frame that lost its head, since the recipient does not track, keeps that head.
 *
 * There are as many as such frames wait for the socket, so what bounds these bounds the marks. Their memory is counted.
 */
#ifndef ACURAST_SERVICE_MARKS_H
#define ACURAST_SERVICE_MARKS_H

#include "wire/track.h"

#include <stdatomic.h>

typedef struct acurast__mark {
    uint64_t position; /* acurast__ws_queued() right after it was given */
    uint64_t ordinal;  /* of all messages that the websocket was ever given, from 1 */
    uint8_t sender[16];
    uint8_t head[ACURAST__TRACKED_HEAD_SIZE];
    bool bare; /* it went out as a payload without the head */
} acurast__mark;

/* Zeroed: empty. */
typedef struct acurast__marks {
    acurast__mark *ring;
    size_t capacity; /* a power of two, or 0 */
    size_t first;
    size_t count;
} acurast__marks;

/* Room for `more` of them; false without memory. `memory` is where it is counted. */
bool acurast__marks_reserve(acurast__marks *marks, size_t more, _Atomic uint64_t *memory);

/* Within what was reserved. */
void acurast__marks_push(acurast__marks *marks, const acurast__mark *mark);

/* The oldest one; NULL where there is none. */
const acurast__mark *acurast__marks_first(const acurast__marks *marks);
void acurast__marks_pop(acurast__marks *marks);

/* Frees all. */
void acurast__marks_clear(acurast__marks *marks, _Atomic uint64_t *memory);

static inline size_t acurast__marks_memory(const acurast__marks *marks)
{
    return marks->capacity * sizeof(acurast__mark);
}

#endif
