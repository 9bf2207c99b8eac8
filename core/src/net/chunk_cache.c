/*
 * Where chunks come from and go to. An I/O thread keeps a few that were freed, by size: the allocator would give their pages back to
 * the kernel and fault them in again with the next message, which is most of the cost of relaying 64 KiB (measured by `make bench`).
 *
 * Other threads, and I/O threads under AddressSanitizer, keep nothing.
 */
#include "net/chunk.h"

#include "base/memory.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CACHE_MOST 0
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CACHE_MOST 0
#endif

#ifndef CACHE_MOST
#define CACHE_MOST ((size_t)4 * 1024 * 1024)
#endif

/*
 * A small first chunk serves the message or two that most sockets have waiting; a busy chain goes on in larger ones; the largest take
 * a message of 64 KiB. What is larger still gets a chunk of its own size, which is not kept.
 */
static const size_t classes[] = {1000, (size_t)16 * 1024, (size_t)36 * 1024, (size_t)72 * 1024};

#define CLASSES (sizeof classes / sizeof *classes)

typedef struct cache {
    size_t most; /* bytes; 0: keep nothing */
    size_t bytes;
    acurast__chunk *freed[CLASSES];
} cache;

static _Thread_local cache mine;

static size_t class_of(size_t size)
{
    size_t kind = 0;
    while (kind < CLASSES && classes[kind] < size)
        kind++;
    return kind;
}

acurast__chunk *acurast__chunk_new(size_t frame, bool first)
{
    size_t size = sizeof(acurast__chunk) + frame;
    size_t kind = class_of(size);
    if (!first && kind == 0)
        kind = 1;
    acurast__chunk *chunk = kind < CLASSES ? mine.freed[kind] : NULL;
    if (kind < CLASSES)
        size = classes[kind];
    if (chunk) {
        mine.freed[kind] = chunk->next;
        mine.bytes -= size;
    } else {
        chunk = acurast__alloc(size);
        if (!chunk)
            return NULL;
    }
    *chunk = (acurast__chunk){.capacity = size - sizeof(acurast__chunk)};
    return chunk;
}

void acurast__chunk_free(acurast__chunk *chunk)
{
    size_t size = sizeof(acurast__chunk) + chunk->capacity;
    size_t kind = class_of(size);
    if (kind == CLASSES || mine.bytes + size > mine.most) {
        acurast__free(chunk);
        return;
    }
    chunk->next = mine.freed[kind];
    mine.freed[kind] = chunk;
    mine.bytes += size;
}

void acurast__chunk_cache_open(void)
{
    mine.most = CACHE_MOST;
}

void acurast__chunk_cache_close(void)
{
    mine.most = mine.bytes = 0;
    for (size_t kind = 0; kind < CLASSES; kind++) {
        while (mine.freed[kind]) {
            acurast__chunk *chunk = mine.freed[kind];
            mine.freed[kind] = chunk->next;
            acurast__free(chunk);
        }
    }
}
