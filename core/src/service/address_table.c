/*
 * The bucket of handshakes holds tokens in thousandths: a second refills `handshakes` of them, and it holds twice as
 * many. An entry lives while it has connections, and then in the list of idle ones until the bucket must be full.
 */
#include "service/address_table.h"

#include "base/memory.h"

#define FORGET_MS 2000

typedef struct address_entry {
    acurast__list link;
    acurast__address group;
    uint64_t connections;
    uint64_t tokens;
    uint64_t at;
} address_entry;

void acurast__address_table_init(acurast__address_table *table, const acurast__address_limits *limits)
{
    pthread_mutex_init(&table->lock, NULL);
    table->limits = *limits;
    acurast__idmap_init(&table->map);
    acurast__list_init(&table->idle);
}

void acurast__address_table_clear(acurast__address_table *table)
{
    size_t cursor = 0;
    const uint8_t *key;
    void *entry;
    while (acurast__idmap_next(&table->map, &cursor, &key, &entry))
        acurast__free(entry);
    acurast__idmap_clear(&table->map);
    pthread_mutex_destroy(&table->lock);
}

static bool counts(const acurast__address_table *table, const acurast__address *address)
{
    if (acurast__address_loopback(address))
        return table->limits.loopback_connections && table->limits.connections;
    return table->limits.connections || table->limits.handshakes;
}

static address_entry *entry_find(acurast__address_table *table, const acurast__address *group, uint64_t now)
{
    uint64_t hash = acurast__id_hash(group->bytes);
    address_entry *entry = acurast__idmap_get(&table->map, group->bytes, hash);
    if (entry)
        return entry;
    entry = acurast__alloc_zero(sizeof *entry);
    if (!entry || !acurast__idmap_put(&table->map, group->bytes, hash, entry)) {
        acurast__free(entry);
        return NULL;
    }
    entry->group = *group;
    entry->tokens = table->limits.handshakes * 2000;
    entry->at = now;
    acurast__list_init(&entry->link);
    return entry;
}

static void entry_refill(address_entry *entry, uint64_t handshakes, uint64_t now)
{
    uint64_t elapsed = now > entry->at ? now - entry->at : 0;
    uint64_t full = handshakes * 2000;
    entry->tokens = elapsed >= FORGET_MS || entry->tokens + elapsed * handshakes > full
                        ? full
                        : entry->tokens + elapsed * handshakes;
    entry->at = now > entry->at ? now : entry->at;
}

static acurast__address_verdict entry_enter(const acurast__address_limits *limits, address_entry *entry, bool loopback,
                                            uint64_t now)
{
    if (limits->connections && entry->connections >= limits->connections)
        return ACURAST__ADDRESS_CONNECTIONS;
    if (limits->handshakes && !loopback) {
        entry_refill(entry, limits->handshakes, now);
        if (entry->tokens < 1000)
            return ACURAST__ADDRESS_HANDSHAKES;
        entry->tokens -= 1000;
    }
    entry->connections++;
    return ACURAST__ADDRESS_ADMITTED;
}

/* In the list of idle ones, at its end, or in none. */
static void entry_settle(acurast__address_table *table, address_entry *entry, uint64_t now)
{
    acurast__list_remove(&entry->link);
    if (entry->connections)
        return;
    entry_refill(entry, table->limits.handshakes, now);
    acurast__list_append(&table->idle, &entry->link);
}

acurast__address_verdict acurast__address_table_enter(acurast__address_table *table, const acurast__address *address,
                                                      uint64_t now)
{
    if (!counts(table, address))
        return ACURAST__ADDRESS_ADMITTED;
    acurast__address group = acurast__address_group(address);
    acurast__address_verdict verdict = ACURAST__ADDRESS_NO_MEMORY;
    pthread_mutex_lock(&table->lock);
    address_entry *entry = entry_find(table, &group, now);
    if (entry) {
        verdict = entry_enter(&table->limits, entry, acurast__address_loopback(address), now);
        entry_settle(table, entry, now);
    }
    pthread_mutex_unlock(&table->lock);
    return verdict;
}

void acurast__address_table_leave(acurast__address_table *table, const acurast__address *address, uint64_t now)
{
    if (!counts(table, address))
        return;
    acurast__address group = acurast__address_group(address);
    pthread_mutex_lock(&table->lock);
    address_entry *entry = acurast__idmap_get(&table->map, group.bytes, acurast__id_hash(group.bytes));
    if (entry && entry->connections) {
        entry->connections--;
        entry_settle(table, entry, now);
    }
    pthread_mutex_unlock(&table->lock);
}

void acurast__address_table_sweep(acurast__address_table *table, uint64_t now)
{
    pthread_mutex_lock(&table->lock);
    while (!acurast__list_empty(&table->idle)) {
        address_entry *entry = ACURAST__CONTAINER(table->idle.next, address_entry, link);
        if (now < entry->at + FORGET_MS)
            break;
        acurast__list_remove(&entry->link);
        acurast__idmap_remove(&table->map, entry->group.bytes, acurast__id_hash(entry->group.bytes));
        acurast__free(entry);
    }
    pthread_mutex_unlock(&table->lock);
}
