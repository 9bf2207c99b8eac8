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

size_t acurast__frame_put_header(uint8_t *room, uint8_t opcode, size_t payload)
{
    put_header(room, opcode, payload, NULL);
    return header_size(payload, false);
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

/* A new chunk at the end of the chain, with room for a frame of `size` bytes. */
static bool grow(acurast__chain *chain, size_t size)
{
    acurast__chunk *chunk = acurast__chunk_new(size, !chain->first);
    if (!chunk)
        return false;
    if (chain->last)
        chain->last->next = chunk;
    else
        chain->first = chunk;
    chain->last = chunk;
    chain->capacity += chunk->capacity;
    return true;
}

/* Room for a frame of `size` bytes at the end of the chain. */
static uint8_t *reserve(acurast__chain *chain, size_t size)
{
    if ((!chain->last || chain->last->capacity - chain->last->end < size) && !grow(chain, size))
        return NULL;
    acurast__chunk *last = chain->last;
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

bool acurast__chain_copy_first(acurast__chain *chain, const acurast__chain *from)
{
    const uint8_t *at = from->first->data + from->first->begin;
    acurast__chunk_frame frame = acurast__chunk_frame_at(at);
    uint8_t *room = reserve(chain, frame.header + frame.payload);
    if (!room)
        return false;
    memcpy(room, at, frame.header + frame.payload);
    chain->frames += frame.opcode == ACURAST__OPCODE_BINARY;
    chain->last->frames += frame.opcode == ACURAST__OPCODE_BINARY;
    return true;
}

bool acurast__chain_append(acurast__chain *chain, const void *bytes, size_t size)
{
    return acurast__chain_put(chain, ACURAST__OPCODE_BINARY, NULL, bytes, size, NULL, 0);
}

bool acurast__chain_append2(acurast__chain *chain, const void *head, size_t head_size, const void *body,
                            size_t body_size)
{
    return acurast__chain_put(chain, ACURAST__OPCODE_BINARY, NULL, head, head_size, body, body_size);
}

size_t acurast__chain_weight(size_t size)
{
    return header_size(size, false) + size;
}

bool acurast__chain_append_apart(acurast__chain *chain, const void *bytes, size_t size)
{
    bool begun = !chain->last || chain->last->begin == chain->last->end;
    return (begun || grow(chain, header_size(size, false) + size)) && acurast__chain_append(chain, bytes, size);
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

size_t acurast__chain_move_first(acurast__chain *chain, acurast__chain *from)
{
    acurast__chunk *chunk = from->first;
    acurast__chain one = {.first = chunk,
                          .last = chunk,
                          .bytes = chunk->end - chunk->begin,
                          .capacity = chunk->capacity,
                          .frames = chunk->frames};
    size_t bytes = one.bytes;
    from->first = chunk->next;
    if (!from->first)
        from->last = NULL;
    from->bytes -= one.bytes;
    from->capacity -= one.capacity;
    from->frames -= one.frames;
    chunk->next = NULL;
    acurast__chain_join(chain, &one);
    return bytes;
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
