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
    uint64_t times; /* of its level */
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

/* What an address counts for: itself, and its networks. */
typedef struct level {
    unsigned bits;  /* of an IPv6 address */
    uint64_t times; /* its limits are so many times those of an address */
} level;

static const level levels[] = {{64, 1}, {56, 4}, {48, 16}};

#define LEVELS (sizeof levels / sizeof *levels)

/* Networks of different sizes have different keys: the last byte is not used by them. */
static acurast__address key_of(const acurast__address *address, size_t at)
{
    acurast__address key = acurast__address_network(address, levels[at].bits);
    if (at)
        key.bytes[15] = (uint8_t)levels[at].bits;
    return key;
}

static size_t levels_of(const acurast__address *address)
{
    return acurast__address_is_four(address) || acurast__address_loopback(address) ? 1 : LEVELS;
}

static address_entry *entry_find(acurast__address_table *table, const acurast__address *group, uint64_t times,
                                 uint64_t now)
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
    entry->times = times;
    entry->tokens = table->limits.handshakes * times * 2000;
    entry->at = now;
    acurast__list_init(&entry->link);
    return entry;
}

static void entry_refill(address_entry *entry, uint64_t handshakes, uint64_t now)
{
    uint64_t elapsed = now > entry->at ? now - entry->at : 0;
    uint64_t full = handshakes * entry->times * 2000;
    uint64_t more = elapsed >= FORGET_MS ? full : elapsed * handshakes * entry->times;
    entry->tokens = entry->tokens + more > full ? full : entry->tokens + more;
    entry->at = now > entry->at ? now : entry->at;
}

static acurast__address_verdict entry_enter(const acurast__address_limits *limits, address_entry *entry, bool loopback,
                                            uint64_t now)
{
    if (limits->connections && entry->connections >= limits->connections * entry->times)
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

static acurast__address_verdict level_enter(acurast__address_table *table, const acurast__address *address, size_t at,
                                            uint64_t now)
{
    acurast__address key = key_of(address, at);
    address_entry *entry = entry_find(table, &key, levels[at].times, now);
    if (!entry)
        return ACURAST__ADDRESS_NO_MEMORY;
    acurast__address_verdict verdict = entry_enter(&table->limits, entry, acurast__address_loopback(address), now);
    entry_settle(table, entry, now);
    return verdict;
}

static void level_leave(acurast__address_table *table, const acurast__address *address, size_t at, uint64_t now)
{
    acurast__address key = key_of(address, at);
    address_entry *entry = acurast__idmap_get(&table->map, key.bytes, acurast__id_hash(key.bytes));
    if (!entry || !entry->connections)
        return;
    entry->connections--;
    entry_settle(table, entry, now);
}

/* The largest network first: an address of a network that has its share is not remembered for itself. */
acurast__address_verdict acurast__address_table_enter(acurast__address_table *table, const acurast__address *address,
                                                      uint64_t now)
{
    if (!counts(table, address))
        return ACURAST__ADDRESS_ADMITTED;
    acurast__address_verdict verdict = ACURAST__ADDRESS_ADMITTED;
    size_t count = levels_of(address), at = count;
    pthread_mutex_lock(&table->lock);
    while (at && verdict == ACURAST__ADDRESS_ADMITTED)
        verdict = level_enter(table, address, --at, now);
    if (verdict != ACURAST__ADDRESS_ADMITTED)
        while (++at < count)
            level_leave(table, address, at, now);
    pthread_mutex_unlock(&table->lock);
    return verdict;
}

void acurast__address_table_leave(acurast__address_table *table, const acurast__address *address, uint64_t now)
{
    if (!counts(table, address))
        return;
    pthread_mutex_lock(&table->lock);
    for (size_t at = levels_of(address); at--;)
        level_leave(table, address, at, now);
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
