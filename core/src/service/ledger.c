/* A sender is in the map while it has payloads in mailboxes, so the map is bounded by them. */
#include "service/ledger.h"

void acurast__ledger_init(acurast__ledger *ledger, uint64_t limit)
{
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->limit = limit;
    ledger->total = ledger->frames = 0;
    acurast__idmap_init(&ledger->senders);
}

void acurast__ledger_clear(acurast__ledger *ledger)
{
    acurast__idmap_clear(&ledger->senders);
    pthread_mutex_destroy(&ledger->lock);
}

static bool fits(const acurast__ledger *ledger, uint64_t used, uint64_t more, uint64_t share)
{
    return !ledger->limit || (more <= ledger->limit / share && used <= ledger->limit / share - more);
}

static uint64_t sender_bytes(const acurast__ledger *ledger, const uint8_t sender[16], uint64_t hash)
{
    return (uint64_t)(uintptr_t)acurast__idmap_get(&ledger->senders, sender, hash);
}

static acurast__ledger_verdict charge(acurast__ledger *ledger, const uint8_t sender[16], uint64_t bytes)
{
    uint64_t hash = acurast__id_hash(sender);
    uint64_t used = sender_bytes(ledger, sender, hash);
    if (!fits(ledger, ledger->total, bytes, 1))
        return ACURAST__LEDGER_TOTAL;
    if (!fits(ledger, used, bytes, 8))
        return ACURAST__LEDGER_SENDER;
    if (!acurast__idmap_put(&ledger->senders, sender, hash, (void *)(uintptr_t)(used + bytes)))
        return ACURAST__LEDGER_NO_MEMORY;
    ledger->frames++;
    return ACURAST__LEDGER_GRANTED;
}

acurast__ledger_verdict acurast__ledger_charge(acurast__ledger *ledger, const uint8_t sender[16], uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    acurast__ledger_verdict verdict = charge(ledger, sender, bytes);
    pthread_mutex_unlock(&ledger->lock);
    return verdict;
}

void acurast__ledger_refund(acurast__ledger *ledger, const uint8_t sender[16], uint64_t bytes)
{
    uint64_t hash = acurast__id_hash(sender);
    pthread_mutex_lock(&ledger->lock);
    uint64_t used = sender_bytes(ledger, sender, hash);
    if (used > bytes)
        acurast__idmap_put(&ledger->senders, sender, hash, (void *)(uintptr_t)(used - bytes));
    else
        acurast__idmap_remove(&ledger->senders, sender, hash);
    ledger->frames--;
    pthread_mutex_unlock(&ledger->lock);
}

bool acurast__ledger_reserve(acurast__ledger *ledger, uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    bool granted = fits(ledger, ledger->total, bytes, 1);
    if (granted)
        ledger->total += bytes;
    pthread_mutex_unlock(&ledger->lock);
    return granted;
}

void acurast__ledger_hold(acurast__ledger *ledger, uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->total += bytes;
    pthread_mutex_unlock(&ledger->lock);
}

void acurast__ledger_free(acurast__ledger *ledger, uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->total -= bytes;
    pthread_mutex_unlock(&ledger->lock);
}

void acurast__ledger_read(acurast__ledger *ledger, uint64_t *bytes, uint64_t *frames)
{
    pthread_mutex_lock(&ledger->lock);
    *bytes = ledger->total;
    *frames = ledger->frames;
    pthread_mutex_unlock(&ledger->lock);
}
