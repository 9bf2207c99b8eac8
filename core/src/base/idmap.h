/*
 * A hash map from 16 bytes (an id, an address) to a pointer. The hash is keyed with
 * a random key of the process (SipHash), since strangers choose the keys.
 * Open addressing with linear probing; grows at a load of 3/4 and shrinks below 1/8.
 * Not thread-safe.
 */
#ifndef ACURAST_BASE_IDMAP_H
#define ACURAST_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct acurast__idmap_slot {
    uint8_t key[16];
    void *value; /* NULL: empty */
} acurast__idmap_slot;

typedef struct acurast__idmap {
    acurast__idmap_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} acurast__idmap;

/* The hash that the map uses, for callers who need it for several maps: compute it once a message. */
uint64_t acurast__id_hash(const uint8_t key[16]);

void acurast__idmap_init(acurast__idmap *map);

/* Frees the table, not the values. */
void acurast__idmap_clear(acurast__idmap *map);

/* NULL if there is none. `hash` is acurast__id_hash(key). */
void *acurast__idmap_get(const acurast__idmap *map, const uint8_t key[16], uint64_t hash);

/* Sets or replaces; `value` is not NULL. False without memory, the map is then as before. */
bool acurast__idmap_put(acurast__idmap *map, const uint8_t key[16], uint64_t hash, void *value);

/* Removes and returns the value; NULL if there was none. */
void *acurast__idmap_remove(acurast__idmap *map, const uint8_t key[16], uint64_t hash);

/* Walks all entries: start with *cursor = 0; false at the end. The map must not change meanwhile. */
bool acurast__idmap_next(const acurast__idmap *map, size_t *cursor, const uint8_t **key, void **value);

#endif
