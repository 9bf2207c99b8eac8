/*
 * A frame is refunded to the sender and the group that it was charged to. Both are the lane's: so whoever has a lane already is charged
 * to the group with which that lane began, wherever it sends from now.
 */
#include "service/mailbox.h"

/* An entry and its place in the map. */
#define ENTRY_COST (sizeof(acurast__entry) + 2 * sizeof(acurast__idmap_slot))

static bool has_mailboxes(const acurast__directory *directory)
{
    const acurast__directory_config *config = &directory->config;
    return config->mailbox_count && config->mailbox_bytes && config->mailbox_ms;
}

bool acurast__mailbox_open(acurast__entry *entry, uint64_t now)
{
    acurast__directory *directory = entry->part->directory;
    entry->reserved =
        has_mailboxes(directory) && acurast__ledger_reserve(&directory->ledger, &entry->group, ENTRY_COST);
    entry->expires = entry->reserved ? now + directory->config.mailbox_ms : 0;
    return entry->reserved;
}

/* ---- in ---- */

static bool mailbox_fits(const acurast__entry *entry, size_t size)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    return acurast__backlog_frames(&entry->backlog) < config->mailbox_count && size <= config->mailbox_bytes &&
           acurast__backlog_bytes(&entry->backlog) <= config->mailbox_bytes - size;
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

void acurast__mailbox_put(acurast__entry *entry, const acurast__address *group, const uint8_t *bytes, size_t size,
                          acurast__tidings *tidings)
{
    acurast__directory *directory = entry->part->directory;
    const acurast__address *known = acurast__backlog_group(&entry->backlog, bytes + 1);
    acurast__backlog_sender sender = {.id = bytes + 1, .group = known ? known : group}; /* as it will be refunded */
    if (!mailbox_fits(entry, size)) {
        acurast__tidings_drop(tidings, ACURAST__DROP_MAILBOX_FULL, bytes, size);
        return;
    }
    if (atomic_load_explicit(&directory->memory_full, memory_order_relaxed)) {
        acurast__tidings_drop(tidings, ACURAST__DROP_MEMORY, bytes, size);
        return;
    }
    acurast__ledger_verdict verdict = acurast__ledger_charge(&directory->ledger, &sender, size);
    if (acurast__ledger_short(&directory->ledger))
        atomic_store_explicit(&directory->mailboxes_short, true, memory_order_relaxed);
    if (verdict != ACURAST__LEDGER_GRANTED) {
        acurast__tidings_drop(tidings, drop_of(verdict), bytes, size);
        return;
    }
    if (!acurast__backlog_keep(&entry->backlog, &sender, bytes, size)) {
        acurast__ledger_refund(&directory->ledger, &sender, size, 1);
        acurast__tidings_drop(tidings, ACURAST__DROP_MEMORY, bytes, size);
        return;
    }
    acurast__directory_recount(entry);
    entry->mixed |= !acurast__frame_is_plain(bytes);
    acurast__count(&tidings->metrics->mailbox_frames, 1);
    acurast__tidings_outcome(tidings, bytes, size, ACURAST__RECEIPT_KEPT);
}

void acurast__mailbox_inherit(acurast__entry *entry, acurast__chain *waiting, acurast__drop why,
                              acurast__tidings *tidings)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    entry->mixed = false;
    if (!entry->reserved) {
        bool full = has_mailboxes(entry->part->directory);
        acurast__tidings_drop_chain(tidings, full ? ACURAST__DROP_MAILBOX_TOTAL : why, waiting);
        return;
    }
    while (acurast__chain_next(waiting, &cursor, &bytes, &size))
        if (acurast__frame_is_payload(bytes))
            acurast__mailbox_put(entry, &entry->group, bytes, size, tidings);
    acurast__chain_clear(waiting);
}

/* ---- out ---- */

static void lane_refund(acurast__ledger *ledger, const acurast__backlog_view *lane)
{
    acurast__backlog_sender sender = {.id = lane->sender, .group = lane->group};
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size, sum = 0;
    while (acurast__chain_next(lane->chain, &cursor, &bytes, &size))
        sum += size;
    acurast__ledger_refund(ledger, &sender, sum, lane->chain->frames);
}

void acurast__mailbox_take(acurast__entry *entry, acurast__chain *chain)
{
    acurast__ledger *ledger = &entry->part->directory->ledger;
    acurast__backlog_view lane;
    size_t cursor = 0;
    while (acurast__backlog_next(&entry->backlog, &cursor, &lane))
        lane_refund(ledger, &lane);
    acurast__backlog_take(&entry->backlog, SIZE_MAX, chain);
    acurast__directory_recount(entry);
    if (entry->reserved)
        acurast__ledger_release(ledger, &entry->group, ENTRY_COST);
    entry->reserved = false;
}

void acurast__mailbox_collect(acurast__entry *entry, acurast__tidings *tidings)
{
    acurast__directory *directory = entry->part->directory;
    acurast__backlog_view lane;
    size_t cursor = 0;
    while (acurast__backlog_next(&entry->backlog, &cursor, &lane)) {
        acurast__backlog_sender sender = {.id = lane.sender, .group = lane.group};
        if (!acurast__ledger_owes(&directory->ledger, &directory->debtors, &sender))
            continue;
        acurast__chain dropped;
        acurast__chain_init(&dropped);
        lane_refund(&directory->ledger, &lane);
        acurast__backlog_drop(&entry->backlog, lane.sender, &dropped);
        acurast__tidings_drop_chain(tidings, ACURAST__DROP_MAILBOX_TOTAL, &dropped);
        cursor = 0;
    }
    acurast__directory_recount(entry);
}
