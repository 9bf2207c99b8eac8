/*
 * Inside of a chain, for those who write it to a socket (net/ws_write.c) and those who fill it (net/chain.c).
 *
 * A frame never straddles two chunks, and `begin` always stands at the start of a frame.
 */
#ifndef ACURAST_NET_CHUNK_H
#define ACURAST_NET_CHUNK_H

#include "net/chain.h"

#define ACURAST__OPCODE_BINARY 2
#define ACURAST__OPCODE_CLOSE 8
#define ACURAST__OPCODE_PING 9
#define ACURAST__OPCODE_PONG 10

struct acurast__chunk {
    acurast__chunk *next;
    size_t begin; /* offsets into data: [begin, end) waits to be written */
    size_t end;
    size_t frames; /* messages in it; control frames do not count */
    size_t capacity;
    uint8_t data[];
};

/* An empty chunk with room for a frame of `frame` bytes, and more; small where it is the `first` of its chain. NULL without memory. */
acurast__chunk *acurast__chunk_new(size_t frame, bool first);
void acurast__chunk_free(acurast__chunk *chunk);

/* From the first to the second the calling thread keeps some freed chunks (net/chunk_cache.c). */
void acurast__chunk_cache_open(void);
void acurast__chunk_cache_close(void);

/* A frame as it stands in a chunk. */
typedef struct acurast__chunk_frame {
    uint8_t opcode;
    size_t header; /* bytes before the payload, with the mask if there is one */
    size_t payload;
} acurast__chunk_frame;

/* The frame at `bytes`, which the library wrote itself and so trusts. */
acurast__chunk_frame acurast__chunk_frame_at(const uint8_t *bytes);

/* Bytes of a frame's header at most, without a mask. */
#define ACURAST__FRAME_HEADER_MAX 10

/* Writes the header of an unmasked frame with so many bytes of payload; its size. */
size_t acurast__frame_put_header(uint8_t *room, uint8_t opcode, size_t payload);

/* Writes a frame of two pieces, with `mask` (4 bytes) or NULL for none; its size. */
size_t acurast__frame_put(uint8_t *room, uint8_t opcode, const uint8_t *mask, const void *head, size_t head_size,
                          const void *body, size_t body_size);

/* The same at the end of a chain. False without memory. */
bool acurast__chain_put(acurast__chain *chain, uint8_t opcode, const uint8_t *mask, const void *head, size_t head_size,
                        const void *body, size_t body_size);

/* Copies the first frame of `from`, which is not empty, as it stands. False without memory. */
bool acurast__chain_copy_first(acurast__chain *chain, const acurast__chain *from);

/* Takes the first chunk off and frees it. */
void acurast__chain_drop_first(acurast__chain *chain);

/* Counts `bytes` of the first chunk, which end at a frame's end and hold `frames` frames, as gone. */
void acurast__chain_consume(acurast__chain *chain, size_t bytes, size_t frames);

#endif
