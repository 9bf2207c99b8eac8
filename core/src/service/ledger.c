/* Senders and groups are in the maps while they have payloads in mailboxes, so the maps are bounded by these. */
#include "service/ledger.h"

#include "base/memory.h"

#include <string.h>

#define SENDER_SHARE 8
#define GROUP_SHARE 2

struct account {
    uint64_t bytes;
    acurast__address group; /* where its last payload came from */
};

void acurast__ledger_init(acurast__ledger *ledger, uint64_t limit)
{
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->limit = limit;
    ledger->total = ledger->frames = 0;
    acurast__idmap_init(&ledger->senders);
    acurast__idmap_init(&ledger->groups);
}

void acurast__ledger_clear(acurast__ledger *ledger)
{
    size_t cursor = 0;
    const uint8_t *id;
    void *value;
    while (acurast__idmap_next(&ledger->senders, &cursor, &id, &value))
        acurast__free(value);
    acurast__idmap_clear(&ledger->senders);
    acurast__idmap_clear(&ledger->groups);
    pthread_mutex_destroy(&ledger->lock);
}

static bool fits(const acurast__ledger *ledger, uint64_t used, uint64_t more, uint64_t share)
{
    return !ledger->limit || (more <= ledger->limit / share && used <= ledger->limit / share - more);
}

/* ---- accounts ---- */

static struct account *account_of(const acurast__ledger *ledger, const uint8_t id[16])
{
    return acurast__idmap_get(&ledger->senders, id, acurast__id_hash(id));
}

static struct account *account_make(acurast__ledger *ledger, const uint8_t id[16])
{
    struct account *made = account_of(ledger, id);
    if (made)
        return made;
    made = acurast__alloc_zero(sizeof *made);
    if (made && acurast__idmap_put(&ledger->senders, id, acurast__id_hash(id), made))
        return made;
    acurast__free(made);
    return NULL;
}

static void account_pay(acurast__ledger *ledger, const uint8_t id[16], uint64_t bytes)
{
    struct account *account = account_of(ledger, id);
    if (!account)
        return;
    account->bytes -= bytes < account->bytes ? bytes : account->bytes;
    if (account->bytes)
        return;
    acurast__idmap_remove(&ledger->senders, id, acurast__id_hash(id));
    acurast__free(account);
}

static uint64_t group_bytes(const acurast__ledger *ledger, const acurast__address *group)
{
    return (uint64_t)(uintptr_t)acurast__idmap_get(&ledger->groups, group->bytes, acurast__id_hash(group->bytes));
}

static bool group_set(acurast__ledger *ledger, const acurast__address *group, uint64_t bytes)
{
    uint64_t hash = acurast__id_hash(group->bytes);
    if (bytes)
        return acurast__idmap_put(&ledger->groups, group->bytes, hash, (void *)(uintptr_t)bytes);
    acurast__idmap_remove(&ledger->groups, group->bytes, hash);
    return true;
}

/* ---- charging ---- */

static acurast__ledger_verdict charge(acurast__ledger *ledger, const acurast__backlog_sender *sender, uint64_t bytes)
{
    struct account *account = account_of(ledger, sender->id);
    uint64_t shared = group_bytes(ledger, sender->group);
    if (!fits(ledger, ledger->total, bytes, 1))
        return ACURAST__LEDGER_TOTAL;
    if (!fits(ledger, account ? account->bytes : 0, bytes, SENDER_SHARE) || !fits(ledger, shared, bytes, GROUP_SHARE))
        return ACURAST__LEDGER_SENDER;
    account = account_make(ledger, sender->id);
    if (!account || !group_set(ledger, sender->group, shared + bytes)) {
        account_pay(ledger, sender->id, 0);
        return ACURAST__LEDGER_NO_MEMORY;
    }
    account->bytes += bytes;
    account->group = *sender->group;
    ledger->frames++;
    return ACURAST__LEDGER_GRANTED;
}

acurast__ledger_verdict acurast__ledger_charge(acurast__ledger *ledger, const acurast__backlog_sender *sender,
                                               uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    acurast__ledger_verdict verdict = charge(ledger, sender, bytes);
    pthread_mutex_unlock(&ledger->lock);
    return verdict;
}

void acurast__ledger_refund(acurast__ledger *ledger, const acurast__backlog_sender *sender, uint64_t bytes,
                            uint64_t frames)
{
    pthread_mutex_lock(&ledger->lock);
    uint64_t shared = group_bytes(ledger, sender->group);
    account_pay(ledger, sender->id, bytes);
    group_set(ledger, sender->group, shared > bytes ? shared - bytes : 0);
    ledger->frames -= frames;
    pthread_mutex_unlock(&ledger->lock);
}

bool acurast__ledger_reserve(acurast__ledger *ledger, const acurast__address *group, uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    uint64_t shared = group_bytes(ledger, group);
    bool granted = fits(ledger, ledger->total, bytes, 1) && fits(ledger, shared, bytes, GROUP_SHARE) &&
                   group_set(ledger, group, shared + bytes);
    if (granted)
        ledger->total += bytes;
    pthread_mutex_unlock(&ledger->lock);
    return granted;
}

void acurast__ledger_release(acurast__ledger *ledger, const acurast__address *group, uint64_t bytes)
{
    pthread_mutex_lock(&ledger->lock);
    uint64_t shared = group_bytes(ledger, group);
    group_set(ledger, group, shared > bytes ? shared - bytes : 0);
    ledger->total -= bytes;
    pthread_mutex_unlock(&ledger->lock);
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

/* ---- who pays ---- */

bool acurast__ledger_short(acurast__ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    bool little = !fits(ledger, ledger->total, ledger->limit / 8, 1);
    pthread_mutex_unlock(&ledger->lock);
    return little;
}

static uint64_t largest_group(const acurast__ledger *ledger, acurast__address *group)
{
    size_t cursor = 0;
    const uint8_t *address;
    void *value;
    uint64_t most = 0;
    while (acurast__idmap_next(&ledger->groups, &cursor, &address, &value)) {
        if ((uint64_t)(uintptr_t)value <= most)
            continue;
        most = (uint64_t)(uintptr_t)value;
        memcpy(group->bytes, address, sizeof group->bytes);
    }
    return most;
}

static uint64_t largest_sender(const acurast__ledger *ledger, const acurast__address *group)
{
    size_t cursor = 0;
    const uint8_t *id;
    void *value;
    uint64_t most = 0;
    while (acurast__idmap_next(&ledger->senders, &cursor, &id, &value)) {
        const struct account *account = value;
        if (memcmp(&account->group, group, sizeof *group) == 0 && account->bytes > most)
            most = account->bytes;
    }
    return most;
}

bool acurast__ledger_find_debtors(acurast__ledger *ledger, acurast__ledger_debtors *debtors)
{
    pthread_mutex_lock(&ledger->lock);
    bool found = largest_group(ledger, &debtors->group) > 0;
    if (found)
        debtors->least = largest_sender(ledger, &debtors->group) / 2;
    pthread_mutex_unlock(&ledger->lock);
    return found;
}

bool acurast__ledger_owes(acurast__ledger *ledger, const acurast__ledger_debtors *debtors,
                          const acurast__backlog_sender *sender)
{
    if (memcmp(sender->group, &debtors->group, sizeof debtors->group) != 0)
        return false;
    pthread_mutex_lock(&ledger->lock);
    const struct account *account = account_of(ledger, sender->id);
    bool owes = account && account->bytes >= debtors->least;
    pthread_mutex_unlock(&ledger->lock);
    return owes;
}

void acurast__ledger_read(acurast__ledger *ledger, uint64_t *bytes, uint64_t *frames)
{
    pthread_mutex_lock(&ledger->lock);
    *bytes = ledger->total;
    *frames = ledger->frames;
    pthread_mutex_unlock(&ledger->lock);
}
