/*
 * Open addressing, linear probing: an entry sits at its home (hash modulo capacity) or in the unbroken run of entries that begins
 * there. A removal closes its gap by moving later entries of the run back, so no marks of the dead are left and a search ends at the
 * first empty slot. Hashes are not stored: only growing and removing need those of the neighbours, and work them out again.
 */
#include "base/idmap.h"

#include "base/memory.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define SMALLEST 16u

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash is one number");

static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_made = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    if (sodium_init() >= 0)
        crypto_shorthash_keygen(hash_key);
}

uint64_t acurast__id_hash(const uint8_t key[16])
{
    uint64_t hash;
    pthread_once(&hash_key_made, make_hash_key);
    crypto_shorthash((unsigned char *)&hash, key, 16, hash_key);
    return hash;
}

static inline bool key_equal(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* The slot of the key, or the empty one where it would go. The table has an empty slot. */
static inline acurast__idmap_slot *probe(const acurast__idmap *map, const uint8_t *key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t i = (size_t)hash & mask;
    while (map->slots[i].value && !key_equal(map->slots[i].key, key))
        i = (i + 1) & mask;
    return &map->slots[i];
}

static bool resize(acurast__idmap *map, size_t capacity)
{
    if (capacity > SIZE_MAX / sizeof(acurast__idmap_slot))
        return false;
    acurast__idmap larger = {acurast__alloc_zero(capacity * sizeof(acurast__idmap_slot)), capacity, map->count};
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value)
            *probe(&larger, map->slots[i].key, acurast__id_hash(map->slots[i].key)) = map->slots[i];
    }
    acurast__free(map->slots);
    *map = larger;
    return true;
}

void acurast__idmap_init(acurast__idmap *map)
{
    memset(map, 0, sizeof(*map));
}

void acurast__idmap_clear(acurast__idmap *map)
{
    acurast__free(map->slots);
    acurast__idmap_init(map);
}

void *acurast__idmap_get(const acurast__idmap *map, const uint8_t key[16], uint64_t hash)
{
    return map->count ? probe(map, key, hash)->value : NULL;
}

bool acurast__idmap_put(acurast__idmap *map, const uint8_t key[16], uint64_t hash, void *value)
{
    acurast__idmap_slot *slot = map->capacity ? probe(map, key, hash) : NULL;
    if (!slot || (!slot->value && map->count + 1 > map->capacity / 4 * 3)) {
        if (!resize(map, map->capacity ? map->capacity * 2 : SMALLEST))
            return false;
        slot = probe(map, key, hash);
    }
    if (!slot->value) {
        memcpy(slot->key, key, sizeof(slot->key));
        map->count++;
    }
    slot->value = value;
    return true;
}

/* An entry may fill the gap unless its home lies after the gap, going round from the gap to where the entry is. */
static void close_gap(acurast__idmap *map, size_t gap)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (gap + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
        size_t home = (size_t)acurast__id_hash(map->slots[i].key) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            map->slots[gap] = map->slots[i];
            gap = i;
        }
    }
    map->slots[gap].value = NULL;
}

void *acurast__idmap_remove(acurast__idmap *map, const uint8_t key[16], uint64_t hash)
{
    acurast__idmap_slot *slot = map->count ? probe(map, key, hash) : NULL;
    if (!slot || !slot->value)
        return NULL;
    void *value = slot->value;
    close_gap(map, (size_t)(slot - map->slots));
    map->count--;
    /* A table that cannot shrink for want of memory just stays large. */
    if (map->capacity > SMALLEST && map->count < map->capacity / 8)
        resize(map, map->capacity / 2);
    return value;
}

bool acurast__idmap_next(const acurast__idmap *map, size_t *cursor, const uint8_t **key, void **value)
{
    while (*cursor < map->capacity) {
        const acurast__idmap_slot *slot = &map->slots[(*cursor)++];
        if (slot->value) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}
