/* A growing block: doubled where there is no room. It owns its bytes until they are taken or cleared. */
#include "rpc/buffer.h"

#include "base/memory.h"

#include <string.h>

#define SMALLEST 256

uint8_t *acurast__buffer_room(acurast__buffer *buffer, size_t size)
{
    if (buffer->failed || size > SIZE_MAX / 4 - buffer->size) {
        buffer->failed = true;
        return NULL;
    }
    size_t wanted = buffer->size + size, capacity = buffer->capacity ? buffer->capacity : SMALLEST;
    if (wanted > buffer->capacity) {
        while (capacity < wanted)
            capacity *= 2;
        uint8_t *bytes = acurast__realloc(buffer->bytes, capacity);
        if (!bytes) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

void acurast__buffer_add(acurast__buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = size ? acurast__buffer_room(buffer, size) : NULL;
    if (to) {
        memcpy(to, bytes, size);
        buffer->size += size;
    }
}

void acurast__buffer_text(acurast__buffer *buffer, const char *text)
{
    acurast__buffer_add(buffer, text, strlen(text));
}

void acurast__buffer_clear(acurast__buffer *buffer)
{
    acurast__free(buffer->bytes);
    *buffer = (acurast__buffer){0};
}
