/*
 * Locks: one part's, and under it the ledger's or, in posting a task, the loop's. An entry is freed when it is absent and its time is
 * over, but not while its task is on its way to a loop.
 *
 * Of memory, chains on their way are counted in `transit`; mailboxes and the entries that keep them in the ledger.
 */
#include "service/directory.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "wire/frame.h"

#include <string.h>

#define TAKEOVERS 3
#define TAKEOVER_WINDOW_MS 10000
#define TAKEOVER_LOCK_MS 30000

/* An entry and its place in the map. */
#define ENTRY_COST (sizeof(acurast__entry) + 2 * sizeof(acurast__idmap_slot))

void acurast__directory_init(acurast__directory *directory, const acurast__directory_config *config)
{
    directory->config = *config;
    atomic_init(&directory->memory_full, false);
    atomic_init(&directory->transit, 0);
    atomic_init(&directory->absentees, 0);
    acurast__ledger_init(&directory->ledger, config->mailbox_total);
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++) {
        acurast__directory_part *part = &directory->parts[i];
        pthread_mutex_init(&part->lock, NULL);
        acurast__idmap_init(&part->entries);
        acurast__list_init(&part->absent);
        part->directory = directory;
    }
}

static void part_clear(acurast__directory_part *part)
{
    size_t cursor = 0;
    const uint8_t *key;
    void *value;
    while (acurast__idmap_next(&part->entries, &cursor, &key, &value)) {
        acurast__chain_clear(&((acurast__entry *)value)->chain);
        acurast__free(value);
    }
    acurast__idmap_clear(&part->entries);
    pthread_mutex_destroy(&part->lock);
}

void acurast__directory_clear(acurast__directory *directory)
{
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++)
        part_clear(&directory->parts[i]);
    acurast__ledger_clear(&directory->ledger);
}

/* The upper bits, since the maps use the lower ones. */
static acurast__directory_part *part_of(acurast__directory *directory, uint64_t hash)
{
    return &directory->parts[hash >> 58];
}

static void entry_post(acurast__entry *entry)
{
    if (entry->posted)
        return;
    entry->posted = true;
    entry->part->directory->config.post(entry->holder->loop, &entry->wake);
}

static acurast__entry *entry_create(acurast__directory_part *part, const uint8_t id[16], uint64_t hash)
{
    acurast__entry *entry = acurast__alloc_zero(sizeof *entry);
    if (!entry || !acurast__idmap_put(&part->entries, id, hash, entry)) {
        acurast__free(entry);
        return NULL;
    }
    entry->wake.run = part->directory->config.wake;
    entry->part = part;
    acurast__chain_init(&entry->chain);
    acurast__list_init(&entry->link);
    memcpy(entry->id, id, sizeof entry->id);
    return entry;
}

/* ---- chains ---- */

static void chain_drop(acurast__chain *chain, acurast__drop why, acurast__metrics *metrics)
{
    acurast__count(&metrics->drops[why], chain->frames);
    acurast__chain_clear(chain);
}

static void transit_add(acurast__directory *directory, uint64_t bytes)
{
    if (bytes)
        atomic_fetch_add_explicit(&directory->transit, bytes, memory_order_relaxed);
}

static void transit_take(acurast__entry *entry, acurast__chain *chain)
{
    if (entry->chain.capacity)
        atomic_fetch_sub_explicit(&entry->part->directory->transit, entry->chain.capacity, memory_order_relaxed);
    acurast__chain_join(chain, &entry->chain);
}

/* ---- the mailbox ---- */

static bool has_mailboxes(const acurast__directory *directory)
{
    const acurast__directory_config *config = &directory->config;
    return config->mailbox_count && config->mailbox_bytes && config->mailbox_ms;
}

static bool mailbox_fits(const acurast__entry *entry, size_t size)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    return entry->chain.frames < config->mailbox_count && size <= config->mailbox_bytes &&
           entry->chain.bytes <= config->mailbox_bytes - size;
}

static acurast__drop drop_of(acurast__ledger_verdict verdict)
{
    switch (verdict) {
    case ACURAST__LEDGER_TOTAL:
        return ACURAST__DROP_MAILBOX_TOTAL;
    case ACURAST__LEDGER_SENDER:
        return ACURAST__DROP_MAILBOX_SENDER;
    default:
        return ACURAST__DROP_MEMORY;
    }
}

static void mailbox_put(acurast__entry *entry, const uint8_t *bytes, size_t size, acurast__metrics *metrics)
{
    acurast__directory *directory = entry->part->directory;
    acurast__counter *drops = metrics->drops;
    if (!mailbox_fits(entry, size)) {
        acurast__count(&drops[ACURAST__DROP_MAILBOX_FULL], 1);
        return;
    }
    if (atomic_load_explicit(&directory->memory_full, memory_order_relaxed)) {
        acurast__count(&drops[ACURAST__DROP_MEMORY], 1);
        return;
    }
    acurast__ledger_verdict verdict = acurast__ledger_charge(&directory->ledger, bytes + 1, size);
    if (verdict != ACURAST__LEDGER_GRANTED) {
        acurast__count(&drops[drop_of(verdict)], 1);
        return;
    }
    size_t before = entry->chain.capacity;
    if (!acurast__chain_append(&entry->chain, bytes, size)) {
        acurast__ledger_refund(&directory->ledger, bytes + 1, size);
        acurast__count(&drops[ACURAST__DROP_MEMORY], 1);
        return;
    }
    acurast__ledger_hold(&directory->ledger, entry->chain.capacity - before);
    acurast__count(&metrics->mailbox_frames, 1);
}

/* Takes all out of the mailbox, and its charges back. */
static void mailbox_take(acurast__entry *entry, acurast__chain *chain)
{
    acurast__ledger *ledger = &entry->part->directory->ledger;
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    while (acurast__chain_next(&entry->chain, &cursor, &bytes, &size))
        acurast__ledger_refund(ledger, bytes + 1, size);
    acurast__ledger_free(ledger, entry->chain.capacity + (entry->reserved ? ENTRY_COST : 0));
    entry->reserved = false;
    acurast__chain_join(chain, &entry->chain);
}

static void absent_remove(acurast__entry *entry)
{
    acurast__list_remove(&entry->link);
    atomic_fetch_sub_explicit(&entry->part->directory->absentees, 1, memory_order_relaxed);
}

static void entry_forget(acurast__entry *entry, acurast__metrics *metrics)
{
    acurast__chain expired;
    acurast__chain_init(&expired);
    mailbox_take(entry, &expired);
    chain_drop(&expired, ACURAST__DROP_MAILBOX_EXPIRED, metrics);
    absent_remove(entry);
    acurast__idmap_remove(&entry->part->entries, entry->id, acurast__id_hash(entry->id));
    acurast__free(entry);
}

/* The last holder is gone; `waiting` is what nobody has got. */
static void entry_absent(acurast__entry *entry, acurast__chain *waiting, uint64_t now, acurast__drop why,
                         acurast__metrics *metrics)
{
    acurast__directory *directory = entry->part->directory;
    entry->holder = NULL;
    entry->overflow = false;
    entry->reserved = has_mailboxes(directory) && acurast__ledger_reserve(&directory->ledger, ENTRY_COST);
    entry->expires = entry->reserved ? now + directory->config.mailbox_ms : 0;
    acurast__list_append(&entry->part->absent, &entry->link);
    atomic_fetch_add_explicit(&directory->absentees, 1, memory_order_relaxed);
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    while (entry->reserved && acurast__chain_next(waiting, &cursor, &bytes, &size))
        mailbox_put(entry, bytes, size, metrics);
    if (entry->reserved)
        acurast__chain_clear(waiting);
    else
        chain_drop(waiting, has_mailboxes(directory) ? ACURAST__DROP_MAILBOX_TOTAL : why, metrics);
    if (!entry->expires && !entry->posted)
        entry_forget(entry, metrics);
}

/* ---- coming and going ---- */

/* Notes a takeover; false where the incumbent stays. */
static bool takeover_allowed(acurast__entry *entry, uint64_t now)
{
    if (now < entry->locked_until)
        return false;
    uint32_t *oldest = &entry->takeovers[entry->takeover_count % TAKEOVERS];
    if (entry->takeover_count >= TAKEOVERS && (uint32_t)now - *oldest < TAKEOVER_WINDOW_MS) {
        entry->locked_until = now + TAKEOVER_LOCK_MS;
        entry->takeover_count = 0;
        return false;
    }
    *oldest = (uint32_t)now;
    entry->takeover_count++;
    if (entry->takeover_count == 2 * TAKEOVERS)
        entry->takeover_count = TAKEOVERS;
    return true;
}

static acurast__claim entry_claim(acurast__entry *entry, acurast__holder *newcomer, uint64_t now,
                                  acurast__chain *mailbox, acurast__metrics *metrics)
{
    if (!entry->holder) {
        if (!acurast__list_empty(&entry->link))
            absent_remove(entry);
        bool expired = entry->expires <= now;
        mailbox_take(entry, mailbox);
        if (expired)
            chain_drop(mailbox, ACURAST__DROP_MAILBOX_EXPIRED, metrics);
        entry->holder = newcomer;
        newcomer->entry = entry;
        return ACURAST__CLAIM_GRANTED;
    }
    if (entry->next || !takeover_allowed(entry, now))
        return ACURAST__CLAIM_REFUSED;
    acurast__count(&metrics->takeovers, 1);
    entry->next = newcomer;
    newcomer->entry = entry;
    entry_post(entry);
    return ACURAST__CLAIM_WAIT;
}

acurast__claim acurast__directory_claim(acurast__directory *directory, acurast__holder *newcomer, const uint8_t id[16],
                                        uint64_t hash, uint64_t now, acurast__chain *mailbox, acurast__metrics *metrics)
{
    acurast__directory_part *part = part_of(directory, hash);
    acurast__claim claim = ACURAST__CLAIM_NO_MEMORY;
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, id, hash);
    if (!entry)
        entry = entry_create(part, id, hash);
    if (entry)
        claim = entry_claim(entry, newcomer, now, mailbox, metrics);
    pthread_mutex_unlock(&part->lock);
    return claim;
}

static void entry_leave(acurast__entry *entry, acurast__chain *unsent, uint64_t now, acurast__drop why,
                        acurast__metrics *metrics)
{
    if (!entry->next) {
        transit_take(entry, unsent);
        entry_absent(entry, unsent, now, why, metrics);
        return;
    }
    entry->holder = entry->next;
    entry->next = NULL;
    entry->overflow = false;
    transit_add(entry->part->directory, unsent->capacity);
    acurast__chain_join(unsent, &entry->chain);
    acurast__chain_join(&entry->chain, unsent);
    entry_post(entry);
}

void acurast__directory_leave(acurast__holder *holder, acurast__chain *unsent, uint64_t now, acurast__drop why,
                              acurast__metrics *metrics)
{
    acurast__entry *entry = holder->entry;
    acurast__directory_part *part = entry->part;
    holder->entry = NULL;
    pthread_mutex_lock(&part->lock);
    if (entry->next == holder)
        entry->next = NULL;
    else
        entry_leave(entry, unsent, now, why, metrics);
    pthread_mutex_unlock(&part->lock);
    acurast__chain_clear(unsent);
}

static acurast__wake entry_wake(acurast__entry *entry, acurast__holder **holder, acurast__chain *waiting)
{
    entry->posted = false;
    if (!entry->holder)
        return ACURAST__WAKE_NOTHING;
    if (!entry->part->directory->config.is_current(entry->holder->loop)) {
        entry_post(entry);
        return ACURAST__WAKE_NOTHING;
    }
    *holder = entry->holder;
    if (entry->next)
        return ACURAST__WAKE_LEAVE;
    if (entry->overflow)
        return ACURAST__WAKE_OVERFLOW;
    transit_take(entry, waiting);
    return ACURAST__WAKE_HOLDER;
}

acurast__wake acurast__directory_wake(acurast__task *task, acurast__holder **holder, acurast__chain *waiting)
{
    acurast__entry *entry = ACURAST__CONTAINER(task, acurast__entry, wake);
    acurast__directory_part *part = entry->part;
    pthread_mutex_lock(&part->lock);
    acurast__wake wake = entry_wake(entry, holder, waiting);
    pthread_mutex_unlock(&part->lock);
    return wake;
}

/* ---- messages ---- */

static void entry_forward(acurast__entry *entry, const uint8_t *bytes, size_t size, acurast__metrics *metrics)
{
    acurast__directory *directory = entry->part->directory;
    size_t before = entry->chain.capacity;
    if (entry->overflow || entry->chain.bytes + size > directory->config.send_buffer) {
        entry->overflow = true;
        acurast__count(&metrics->drops[ACURAST__DROP_SLOW_READER], 1);
    } else if (!acurast__chain_append(&entry->chain, bytes, size)) {
        acurast__count(&metrics->drops[ACURAST__DROP_MEMORY], 1);
        return;
    } else {
        acurast__count(&metrics->frames_out, 1);
        acurast__count(&metrics->bytes_out, size);
    }
    transit_add(directory, entry->chain.capacity - before);
    entry_post(entry);
}

void acurast__directory_send(acurast__directory *directory, const uint8_t id[16], uint64_t hash, const uint8_t *bytes,
                             size_t size, uint64_t now, acurast__metrics *metrics)
{
    acurast__directory_part *part = part_of(directory, hash);
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, id, hash);
    if (entry && entry->holder)
        entry_forward(entry, bytes, size, metrics);
    else if (entry && now < entry->expires)
        mailbox_put(entry, bytes, size, metrics);
    else
        acurast__count(&metrics->drops[ACURAST__DROP_UNKNOWN_RECIPIENT], 1);
    pthread_mutex_unlock(&part->lock);
}

static void part_sweep(acurast__directory_part *part, uint64_t now, acurast__metrics *metrics)
{
    pthread_mutex_lock(&part->lock);
    while (!acurast__list_empty(&part->absent)) {
        acurast__entry *entry = ACURAST__CONTAINER(part->absent.next, acurast__entry, link);
        if (now < entry->expires || entry->posted)
            break;
        entry_forget(entry, metrics);
    }
    pthread_mutex_unlock(&part->lock);
}

void acurast__directory_sweep(acurast__directory *directory, uint64_t now, acurast__metrics *metrics)
{
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++)
        part_sweep(&directory->parts[i], now, metrics);
}

uint64_t acurast__directory_memory(acurast__directory *directory)
{
    uint64_t bytes, frames;
    acurast__ledger_read(&directory->ledger, &bytes, &frames);
    return bytes + atomic_load_explicit(&directory->transit, memory_order_relaxed);
}
