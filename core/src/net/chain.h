/*
 * A chain of chunks of websocket frames, ready to be written: what waits for a socket, for another thread, or in a mailbox. Whole chains
 * move between these by their pointers, so a message is copied once, on its way in.
 *
 * Frames of a service are unmasked. Those of a client are masked as they are appended, and are only ever written.
 */
#ifndef ACURAST_NET_CHAIN_H
#define ACURAST_NET_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct acurast__chunk acurast__chunk;

typedef struct acurast__chain {
    acurast__chunk *first;
    acurast__chunk *last;
    size_t bytes;    /* of frames, headers included */
    size_t capacity; /* of memory held: what counts against a limit on buffers */
    size_t frames;   /* messages; control frames do not count */
} acurast__chain;

void acurast__chain_init(acurast__chain *chain);

/* Frees all chunks. */
void acurast__chain_clear(acurast__chain *chain);

/* Appends one binary message, unmasked. False without memory: nothing changed. */
bool acurast__chain_append(acurast__chain *chain, const void *bytes, size_t size);

/* The same for a message in two pieces. */
bool acurast__chain_append2(acurast__chain *chain, const void *head, size_t head_size, const void *body,
                            size_t body_size);

/* Bytes that a message of `size` bytes takes in a chain. */
size_t acurast__chain_weight(size_t size);

/* As acurast__chain_append(), in a chunk of its own, so that it can be moved alone; what is appended later may share it. */
bool acurast__chain_append_apart(acurast__chain *chain, const void *bytes, size_t size);

/* Moves all of `tail` to the end of `chain`; `tail` is empty afterwards. */
void acurast__chain_join(acurast__chain *chain, acurast__chain *tail);

/* Moves the first chunk of `from`, which is not empty, with all its messages; returns their bytes. For chains without control frames. */
size_t acurast__chain_move_first(acurast__chain *chain, acurast__chain *from);

/*
 * Walks the messages of an unmasked chain: start with a zeroed cursor; false at the end. The chain must not change meanwhile.
 */
typedef struct acurast__chain_cursor {
    const acurast__chunk *chunk;
    size_t offset;
    bool started;
} acurast__chain_cursor;

bool acurast__chain_next(const acurast__chain *chain, acurast__chain_cursor *cursor, const uint8_t **bytes,
                         size_t *size);

#endif
