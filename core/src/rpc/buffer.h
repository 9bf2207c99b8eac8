/* Bytes that grow as they are written. A failure is remembered, so that a writer looks once, at the end. */
#ifndef ACURAST_RPC_BUFFER_H
#define ACURAST_RPC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct acurast__buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* out of memory: what follows is not written */
} acurast__buffer;

/* Makes room for `size` more bytes; NULL without memory. Does not move the end. */
uint8_t *acurast__buffer_room(acurast__buffer *buffer, size_t size);

void acurast__buffer_add(acurast__buffer *buffer, const void *bytes, size_t size);
void acurast__buffer_text(acurast__buffer *buffer, const char *text);

/* Frees what it holds; the buffer is empty and may be used again. */
void acurast__buffer_clear(acurast__buffer *buffer);

#endif
