/* Frames are put one behind the other into the last chunk, as long as they fit; the sizes of chunks are net/chunk_cache.c's. */
#include "net/chunk.h"

#include "base/bytes.h"

#include <string.h>

#define FIN 0x80
#define MASKED 0x80

void acurast__chain_init(acurast__chain *chain)
{
    memset(chain, 0, sizeof *chain);
}

void acurast__chain_drop_first(acurast__chain *chain)
{
    acurast__chunk *chunk = chain->first;
    chain->first = chunk->next;
    if (!chain->first)
        chain->last = NULL;
    chain->capacity -= chunk->capacity;
    acurast__chunk_free(chunk);
}

void acurast__chain_clear(acurast__chain *chain)
{
    while (chain->first)
        acurast__chain_drop_first(chain);
    chain->bytes = chain->frames = 0;
}

void acurast__chain_consume(acurast__chain *chain, size_t bytes, size_t frames)
{
    chain->first->begin += bytes;
    chain->first->frames -= frames;
    chain->bytes -= bytes;
    chain->frames -= frames;
    if (chain->first->begin == chain->first->end)
        acurast__chain_drop_first(chain);
}

static size_t header_size(size_t payload, bool masked)
{
    size_t size = payload < 126 ? 2 : payload < 65536 ? 4 : 10;
    return masked ? size + 4 : size;
}

static void put_header(uint8_t *p, uint8_t opcode, size_t payload, const uint8_t *mask)
{
    uint8_t bit = mask ? MASKED : 0;
    p[0] = (uint8_t)(FIN | opcode);
    if (payload < 126) {
        p[1] = (uint8_t)(bit | payload);
        p += 2;
    } else if (payload < 65536) {
        p[1] = bit | 126;
        acurast__store_be16(p + 2, (uint16_t)payload);
        p += 4;
    } else {
        p[1] = bit | 127;
        acurast__store_be64(p + 2, payload);
        p += 10;
    }
    if (mask)
        memcpy(p, mask, 4);
}

acurast__chunk_frame acurast__chunk_frame_at(const uint8_t *bytes)
{
    acurast__chunk_frame frame = {.opcode = bytes[0] & 15, .payload = bytes[1] & 127};
    if (frame.payload == 126)
        frame.payload = acurast__load_be16(bytes + 2);
    else if (frame.payload == 127)
        frame.payload = (size_t)acurast__load_be64(bytes + 2);
    frame.header = header_size(frame.payload, bytes[1] & MASKED);
    return frame;
}

/* Copies and masks; `phase` is how far into the message `from` starts. */
static void copy_masked(uint8_t *to, const uint8_t *from, size_t size, const uint8_t *mask, size_t phase)
{
    uint8_t key[8];
    for (size_t i = 0; i < 8; i++)
        key[i] = mask[(phase + i) & 3];
    uint64_t wide;
    memcpy(&wide, key, 8);
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t v;
        memcpy(&v, from + i, 8);
        v ^= wide;
        memcpy(to + i, &v, 8);
    }
    for (; i < size; i++)
        to[i] = from[i] ^ key[i & 7];
}

static void put_piece(uint8_t *to, const void *from, size_t size, const uint8_t *mask, size_t phase)
{
    if (!size)
        return;
    if (mask)
        copy_masked(to, from, size, mask, phase);
    else
        memcpy(to, from, size);
}

size_t acurast__frame_put(uint8_t *room, uint8_t opcode, const uint8_t *mask, const void *head, size_t head_size,
                          const void *body, size_t body_size)
{
    size_t payload = head_size + body_size, header = header_size(payload, mask != NULL);
    put_header(room, opcode, payload, mask);
    put_piece(room + header, head, head_size, mask, 0);
    put_piece(room + header + head_size, body, body_size, mask, head_size);
    return header + payload;
}

/* Room for a frame of `size` bytes at the end of the chain. */
static uint8_t *reserve(acurast__chain *chain, size_t size)
{
    acurast__chunk *last = chain->last;
    if (!last || last->capacity - last->end < size) {
        last = acurast__chunk_new(size, !chain->first);
        if (!last)
            return NULL;
        if (chain->last)
            chain->last->next = last;
        else
            chain->first = last;
        chain->last = last;
        chain->capacity += last->capacity;
    }
    uint8_t *room = last->data + last->end;
    last->end += size;
    chain->bytes += size;
    return room;
}

bool acurast__chain_put(acurast__chain *chain, uint8_t opcode, const uint8_t *mask, const void *head, size_t head_size,
                        const void *body, size_t body_size)
{
    size_t payload = head_size + body_size;
    if (payload < head_size || payload > SIZE_MAX / 2)
        return false;
    uint8_t *room = reserve(chain, header_size(payload, mask != NULL) + payload);
    if (!room)
        return false;
    if (opcode == ACURAST__OPCODE_BINARY) {
        chain->frames++;
        chain->last->frames++;
    }
    acurast__frame_put(room, opcode, mask, head, head_size, body, body_size);
    return true;
}

bool acurast__chain_append(acurast__chain *chain, const void *bytes, size_t size)
{
    return acurast__chain_put(chain, ACURAST__OPCODE_BINARY, NULL, bytes, size, NULL, 0);
}

void acurast__chain_join(acurast__chain *chain, acurast__chain *tail)
{
    if (!tail->first)
        return;
    if (chain->last)
        chain->last->next = tail->first;
    else
        chain->first = tail->first;
    chain->last = tail->last;
    chain->bytes += tail->bytes;
    chain->capacity += tail->capacity;
    chain->frames += tail->frames;
    acurast__chain_init(tail);
}

bool acurast__chain_next(const acurast__chain *chain, acurast__chain_cursor *cursor, const uint8_t **bytes,
                         size_t *size)
{
    if (!cursor->started) {
        cursor->started = true;
        cursor->chunk = chain->first;
        cursor->offset = chain->first ? chain->first->begin : 0;
    }
    while (cursor->chunk) {
        if (cursor->offset == cursor->chunk->end) {
            cursor->chunk = cursor->chunk->next;
            cursor->offset = cursor->chunk ? cursor->chunk->begin : 0;
            continue;
        }
        const uint8_t *at = cursor->chunk->data + cursor->offset;
        acurast__chunk_frame frame = acurast__chunk_frame_at(at);
        cursor->offset += frame.header + frame.payload;
        if (frame.opcode != ACURAST__OPCODE_BINARY)
            continue;
        *bytes = at + frame.header;
        *size = frame.payload;
        return true;
    }
    return false;
}
