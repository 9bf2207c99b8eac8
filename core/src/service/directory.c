/*
 * Locks: one part's, and under it the ledger's or, in posting a task, the loop's. An entry is freed when it is absent and its time is
 * over, but not while a task of it is on its way to a loop.
 *
 * Of memory, backlogs are counted where their holders say; mailboxes and the entries that keep them in the ledger (service/mailbox.h).
 */
#include "service/directory.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "service/mailbox.h"
#include "service/watch.h"

#include <string.h>

#define TAKEOVERS 3
#define TAKEOVER_WINDOW_MS 10000
#define TAKEOVER_LOCK_MS 30000

void acurast__directory_init(acurast__directory *directory, const acurast__directory_config *config)
{
    directory->config = *config;
    atomic_init(&directory->memory_full, false);
    atomic_init(&directory->draining, false);
    atomic_init(&directory->mailboxes_short, false);
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
        acurast__backlog_clear(&((acurast__entry *)value)->backlog);
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
    entry->turn_away.run = part->directory->config.turn_away;
    entry->part = part;
    acurast__backlog_init(&entry->backlog);
    acurast__list_init(&entry->link);
    acurast__list_init(&entry->watchers);
    memcpy(entry->id, id, sizeof entry->id);
    return entry;
}

/* ---- memory ---- */

void acurast__directory_recount(acurast__entry *entry)
{
    acurast__ledger *ledger = &entry->part->directory->ledger;
    size_t before = atomic_load_explicit(&entry->memory, memory_order_relaxed);
    size_t after = acurast__backlog_memory(&entry->backlog);
    if (before == after)
        return;
    atomic_store_explicit(&entry->memory, after, memory_order_relaxed);
    if (entry->holder)
        atomic_fetch_add_explicit(entry->holder->waiting, (uint64_t)after - before, memory_order_relaxed);
    else if (after > before)
        acurast__ledger_hold(ledger, after - before);
    else
        acurast__ledger_free(ledger, before - after);
}

static void take_all(acurast__entry *entry, acurast__chain *chain)
{
    acurast__backlog_take(&entry->backlog, SIZE_MAX, chain);
    acurast__directory_recount(entry);
}

/* ---- nobody holds it ---- */

/* Then all leave: nobody is told of it, and nothing is kept for them. */
static bool is_draining(acurast__directory *directory)
{
    return atomic_load_explicit(&directory->draining, memory_order_relaxed);
}

static void absent_remove(acurast__entry *entry)
{
    acurast__list_remove(&entry->link);
    atomic_fetch_sub_explicit(&entry->part->directory->absentees, 1, memory_order_relaxed);
}

/* No task of it is on its way. */
static bool may_go(const acurast__entry *entry)
{
    return !entry->posted && !entry->turning_away;
}

static void entry_forget(acurast__entry *entry, acurast__tidings *tidings)
{
    acurast__chain expired;
    acurast__chain_init(&expired);
    acurast__mailbox_take(entry, &expired);
    acurast__tidings_drop_chain(tidings, ACURAST__DROP_MAILBOX_EXPIRED, &expired);
    absent_remove(entry);
    acurast__watches_detach(entry);
    acurast__idmap_remove(&entry->part->entries, entry->id, acurast__id_hash(entry->id));
    acurast__free(entry);
}

/* The last holder is gone; `waiting` is what nobody has got. */
static void entry_absent(acurast__entry *entry, acurast__chain *waiting, uint64_t now, acurast__drop why,
                         acurast__tidings *tidings)
{
    acurast__directory *directory = entry->part->directory;
    entry->holder = NULL;
    entry->fed = false;
    bool kept = acurast__mailbox_open(entry, now);
    acurast__list_append(&entry->part->absent, &entry->link);
    atomic_fetch_add_explicit(&directory->absentees, 1, memory_order_relaxed);
    if (is_draining(directory))
        acurast__watches_detach(entry);
    else
        acurast__watches_leave(entry, kept ? ACURAST__GONE_AWAY : ACURAST__GONE_LEFT, tidings);
    acurast__mailbox_inherit(entry, waiting, why, tidings);
    if (!entry->expires && may_go(entry))
        entry_forget(entry, tidings);
}

/* ---- coming and going ---- */

/* Notes a takeover; false where there were too many, and the incumbent is asked first. */
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

/* A new holder; what waits is counted as its own from now on. */
static void entry_hold(acurast__entry *entry, acurast__holder *holder)
{
    size_t memory = atomic_load_explicit(&entry->memory, memory_order_relaxed);
    if (entry->holder)
        atomic_fetch_sub_explicit(entry->holder->waiting, memory, memory_order_relaxed);
    atomic_fetch_add_explicit(holder->waiting, memory, memory_order_relaxed);
    entry->holder = holder;
    entry->question = ACURAST__QUESTION_NONE;
    entry->fed = false;
    entry->given = 0;
    entry->max_frame = holder->max_frame;
    entry->track = holder->track;
    entry->group = holder->group;
}

static acurast__claim entry_claim(acurast__entry *entry, acurast__holder *newcomer, uint64_t now,
                                  acurast__chain *mailbox, acurast__tidings *tidings)
{
    if (!entry->holder) {
        if (!acurast__list_empty(&entry->link))
            absent_remove(entry);
        bool expired = entry->expires <= now;
        acurast__mailbox_take(entry, mailbox);
        newcomer->mixed = entry->mixed;
        entry->mixed = false;
        if (expired)
            acurast__tidings_drop_chain(tidings, ACURAST__DROP_MAILBOX_EXPIRED, mailbox);
        entry_hold(entry, newcomer);
        newcomer->entry = entry;
        return ACURAST__CLAIM_GRANTED;
    }
    if (entry->next || entry->turned)
        return ACURAST__CLAIM_REFUSED;
    entry->question = takeover_allowed(entry, now) ? ACURAST__QUESTION_NONE : ACURAST__QUESTION_DUE;
    entry->next = newcomer;
    newcomer->entry = entry;
    entry_post(entry);
    return ACURAST__CLAIM_WAIT;
}

acurast__claim acurast__directory_claim(acurast__directory *directory, acurast__holder *newcomer, const uint8_t id[16],
                                        uint64_t hash, uint64_t now, acurast__chain *mailbox, acurast__tidings *tidings)
{
    acurast__directory_part *part = acurast__directory_part_of(directory, hash);
    acurast__claim claim = ACURAST__CLAIM_NO_MEMORY;
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, id, hash);
    if (!entry)
        entry = entry_create(part, id, hash);
    if (entry)
        claim = entry_claim(entry, newcomer, now, mailbox, tidings);
    pthread_mutex_unlock(&part->lock);
    return claim;
}

static void entry_leave(acurast__entry *entry, acurast__chain *unsent, uint64_t now, acurast__drop why,
                        acurast__tidings *tidings)
{
    if (!entry->next) {
        take_all(entry, unsent);
        entry_absent(entry, unsent, now, why, tidings);
        return;
    }
    acurast__watches_leave(entry, ACURAST__GONE_REPLACED, tidings);
    entry_hold(entry, entry->next);
    entry->next = NULL;
    acurast__count(&tidings->metrics->takeovers, 1);
    acurast__backlog_precede(&entry->backlog, unsent);
    acurast__directory_recount(entry);
    entry_post(entry);
}

void acurast__directory_leave(acurast__holder *holder, acurast__chain *unsent, uint64_t now, acurast__drop why,
                              acurast__tidings *tidings)
{
    acurast__entry *entry = holder->entry;
    acurast__directory_part *part = entry->part;
    holder->entry = NULL;
    pthread_mutex_lock(&part->lock);
    if (entry->next == holder) {
        entry->next = NULL;
    } else if (entry->turned == holder) {
        entry->turned = NULL;
    } else {
        entry->mixed |= holder->mixed;
        entry_leave(entry, unsent, now, why, tidings);
    }
    pthread_mutex_unlock(&part->lock);
    acurast__chain_clear(unsent);
}

/* Gives the holder about `budget` bytes; true where more is left. On its loop. */
static bool entry_feed(acurast__entry *entry, size_t budget, acurast__chain *waiting)
{
    size_t before = waiting->bytes;
    entry->given = entry->part->directory->config.given(entry->holder);
    if (budget)
        acurast__backlog_take(&entry->backlog, budget, waiting);
    entry->given += waiting->bytes - before;
    acurast__directory_recount(entry);
    entry->fed = acurast__backlog_frames(&entry->backlog) > 0;
    entry->holder->mixed = entry->mixed;
    entry->mixed &= entry->fed;
    return entry->fed;
}

static acurast__wake entry_wake(acurast__entry *entry, acurast__holder **holder, acurast__chain *waiting, bool *more)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    entry->posted = false;
    if (!entry->holder)
        return ACURAST__WAKE_NOTHING;
    if (!config->is_current(entry->holder->loop)) {
        entry_post(entry);
        return ACURAST__WAKE_NOTHING;
    }
    *holder = entry->holder;
    if (entry->next && entry->question == ACURAST__QUESTION_NONE)
        return ACURAST__WAKE_LEAVE;
    size_t given = config->given(entry->holder);
    *more = entry_feed(entry, given < config->window ? config->window - given : 0, waiting);
    if (!entry->next || entry->question == ACURAST__QUESTION_ASKED)
        return ACURAST__WAKE_HOLDER;
    entry->question = ACURAST__QUESTION_ASKED;
    return ACURAST__WAKE_ASK;
}

acurast__wake acurast__directory_wake(acurast__task *task, acurast__holder **holder, acurast__chain *waiting,
                                      bool *more)
{
    acurast__entry *entry = ACURAST__CONTAINER(task, acurast__entry, wake);
    acurast__directory_part *part = entry->part;
    pthread_mutex_lock(&part->lock);
    acurast__wake wake = entry_wake(entry, holder, waiting, more);
    pthread_mutex_unlock(&part->lock);
    return wake;
}

void acurast__directory_stay(acurast__holder *holder)
{
    acurast__entry *entry = holder->entry;
    acurast__directory_part *part = entry->part;
    pthread_mutex_lock(&part->lock);
    if (entry->next && entry->question == ACURAST__QUESTION_ASKED) {
        entry->question = ACURAST__QUESTION_NONE;
        entry->turned = entry->next;
        entry->next = NULL;
        if (!entry->turning_away)
            part->directory->config.post(entry->turned->loop, &entry->turn_away);
        entry->turning_away = true;
    }
    pthread_mutex_unlock(&part->lock);
}

/* Where it has left, another may be in its place, and live on another loop. */
static acurast__holder *entry_turned(acurast__entry *entry)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    acurast__holder *turned = entry->turned;
    entry->turning_away = false;
    if (!turned || config->is_current(turned->loop))
        return turned;
    entry->turning_away = true;
    config->post(turned->loop, &entry->turn_away);
    return NULL;
}

acurast__holder *acurast__directory_turned_away(acurast__task *task)
{
    acurast__entry *entry = ACURAST__CONTAINER(task, acurast__entry, turn_away);
    acurast__directory_part *part = entry->part;
    pthread_mutex_lock(&part->lock);
    acurast__holder *turned = entry_turned(entry);
    pthread_mutex_unlock(&part->lock);
    return turned;
}

/* ---- messages ---- */

/* What may still wait. A message larger than the window, once it is being written, takes no room from others. */
static uint64_t room_of(const acurast__entry *entry)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    size_t given = entry->given < config->window ? entry->given : config->window;
    uint64_t used = (uint64_t)given + acurast__backlog_weight(&entry->backlog);
    return used < config->send_buffer ? config->send_buffer - used : 0;
}

static acurast__drop drop_for_backlog(acurast__backlog_verdict verdict)
{
    switch (verdict) {
    case ACURAST__BACKLOG_SHARE:
        return ACURAST__DROP_SENDER_SHARE;
    case ACURAST__BACKLOG_FULL:
        return ACURAST__DROP_SLOW_READER;
    default:
        return ACURAST__DROP_MEMORY;
    }
}

/* Into the backlog of a holder. `group` is the sender's, or NULL for the service itself. */
static acurast__backlog_verdict entry_put(acurast__entry *entry, const acurast__address *group, const uint8_t *bytes,
                                          size_t size)
{
    const acurast__directory_config *config = &entry->part->directory->config;
    acurast__backlog_sender sender = {.id = bytes + 1, .group = group ? group : &entry->group};
    if (config->is_current(entry->holder->loop))
        entry->given = config->given(entry->holder);
    acurast__backlog_verdict verdict = acurast__backlog_put(&entry->backlog, &sender, room_of(entry), bytes, size);
    acurast__directory_recount(entry);
    if (verdict > ACURAST__BACKLOG_STEEP)
        return verdict;
    entry->mixed |= !acurast__frame_is_plain(bytes);
    if (!entry->fed)
        entry_post(entry);
    return verdict;
}

static bool entry_forward(acurast__entry *entry, const acurast__parcel *parcel, acurast__tidings *tidings)
{
    acurast__backlog_verdict verdict = entry_put(entry, parcel->group, parcel->bytes, parcel->size);
    if (verdict > ACURAST__BACKLOG_STEEP) {
        acurast__tidings_drop(tidings, drop_for_backlog(verdict), parcel->bytes, parcel->size);
        return false;
    }
    acurast__count(&tidings->metrics->frames_out, 1);
    acurast__count(&tidings->metrics->bytes_out, parcel->size);
    return verdict == ACURAST__BACKLOG_STEEP;
}

/* As it is measured against what a holder takes: a tracked frame without its head, whoever the holder is. */
static size_t measure(const acurast__parcel *parcel)
{
    return acurast__frame_is_plain(parcel->bytes) ? parcel->size : parcel->size - ACURAST__TRACKED_HEAD_SIZE;
}

static bool entry_send(acurast__directory *directory, acurast__entry *entry, const acurast__parcel *parcel,
                       uint64_t now, acurast__tidings *tidings)
{
    if ((!entry || !entry->holder) && is_draining(directory))
        acurast__tidings_drop(tidings, ACURAST__DROP_DRAINING, parcel->bytes, parcel->size);
    else if (!entry || (!entry->holder && now >= entry->expires))
        acurast__tidings_drop(tidings, ACURAST__DROP_UNKNOWN_RECIPIENT, parcel->bytes, parcel->size);
    else if (measure(parcel) > entry->max_frame)
        acurast__tidings_drop(tidings, ACURAST__DROP_TOO_LARGE, parcel->bytes, parcel->size);
    else if (entry->holder)
        return entry_forward(entry, parcel, tidings);
    else
        acurast__mailbox_put(entry, parcel->group, parcel->bytes, parcel->size, tidings);
    return false;
}

bool acurast__directory_send(acurast__directory *directory, const acurast__parcel *parcel, uint64_t now,
                             acurast__tidings *tidings)
{
    acurast__directory_part *part = acurast__directory_part_of(directory, parcel->hash);
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, parcel->recipient, parcel->hash);
    bool steep = entry_send(directory, entry, parcel, now, tidings);
    pthread_mutex_unlock(&part->lock);
    return steep;
}

bool acurast__directory_tell(acurast__directory *directory, const acurast__tiding *tiding, acurast__tidings *tidings)
{
    acurast__directory_part *part = acurast__directory_part_of(directory, tiding->hash);
    acurast__backlog_verdict verdict = ACURAST__BACKLOG_TAKEN;
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, tiding->recipient, tiding->hash);
    if (entry && entry->holder && entry->track)
        verdict = entry_put(entry, tiding->group, tiding->bytes, tiding->size);
    pthread_mutex_unlock(&part->lock);
    if (verdict > ACURAST__BACKLOG_STEEP)
        acurast__tidings_lose(tidings, tiding);
    return verdict == ACURAST__BACKLOG_STEEP;
}

acurast__presence acurast__directory_look(acurast__directory *directory, const uint8_t id[16], uint64_t hash,
                                          uint64_t now, uint8_t *public_key)
{
    acurast__directory_part *part = acurast__directory_part_of(directory, hash);
    acurast__presence presence = ACURAST__PRESENCE_NOT_HERE;
    pthread_mutex_lock(&part->lock);
    const acurast__entry *entry = acurast__idmap_get(&part->entries, id, hash);
    if (entry && entry->holder) {
        presence = ACURAST__PRESENCE_HERE;
        memcpy(public_key, entry->holder->public_key, 33);
    } else if (entry && now < entry->expires) {
        presence = ACURAST__PRESENCE_AWAY;
    }
    pthread_mutex_unlock(&part->lock);
    return presence;
}

bool acurast__directory_relaxed(acurast__directory *directory, const uint8_t recipient[16], const uint8_t sender[16],
                                bool tired)
{
    uint64_t hash = acurast__id_hash(recipient);
    acurast__directory_part *part = acurast__directory_part_of(directory, hash);
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, recipient, hash);
    bool relaxed = !entry || !entry->holder || acurast__backlog_relaxed(&entry->backlog, sender, room_of(entry), tired);
    pthread_mutex_unlock(&part->lock);
    return relaxed;
}

bool acurast__directory_take(acurast__holder *holder, size_t budget, acurast__chain *waiting)
{
    acurast__entry *entry = holder->entry;
    pthread_mutex_lock(&entry->part->lock);
    bool more = entry_feed(entry, budget, waiting);
    pthread_mutex_unlock(&entry->part->lock);
    return more;
}

/* A newcomer that waits has nothing. */
size_t acurast__directory_held(const acurast__holder *holder)
{
    const acurast__entry *entry = holder->entry;
    return entry ? atomic_load_explicit(&entry->memory, memory_order_relaxed) : 0;
}

void acurast__directory_shed(acurast__holder *holder, acurast__tidings *tidings)
{
    acurast__entry *entry = holder->entry;
    pthread_mutex_lock(&entry->part->lock);
    if (entry->holder == holder) {
        acurast__chain dropped;
        acurast__chain_init(&dropped);
        acurast__backlog_drop_largest(&entry->backlog, &dropped);
        acurast__tidings_drop_chain(tidings, ACURAST__DROP_MEMORY, &dropped);
        acurast__directory_recount(entry);
    }
    pthread_mutex_unlock(&entry->part->lock);
}

/* ---- time and room ---- */

static void part_sweep(acurast__directory_part *part, uint64_t now, acurast__tidings *tidings)
{
    pthread_mutex_lock(&part->lock);
    while (!acurast__list_empty(&part->absent)) {
        acurast__entry *entry = ACURAST__CONTAINER(part->absent.next, acurast__entry, link);
        if (now < entry->expires || !may_go(entry))
            break;
        entry_forget(entry, tidings);
    }
    pthread_mutex_unlock(&part->lock);
}

void acurast__directory_sweep(acurast__directory *directory, uint64_t now, acurast__tidings *tidings)
{
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++)
        part_sweep(&directory->parts[i], now, tidings);
}

static void part_collect(acurast__directory_part *part, acurast__tidings *tidings)
{
    pthread_mutex_lock(&part->lock);
    for (acurast__list *at = part->absent.next; at != &part->absent; at = at->next)
        acurast__mailbox_collect(ACURAST__CONTAINER(at, acurast__entry, link), tidings);
    pthread_mutex_unlock(&part->lock);
}

/* One part for each call; and again from the start while mailboxes are still short, for whoever holds most then. */
bool acurast__directory_relieve(acurast__directory *directory, acurast__tidings *tidings)
{
    if (!directory->relieved) {
        if (!atomic_exchange_explicit(&directory->mailboxes_short, false, memory_order_relaxed) ||
            !acurast__ledger_short(&directory->ledger) ||
            !acurast__ledger_find_debtors(&directory->ledger, &directory->debtors))
            return false;
    }
    part_collect(&directory->parts[directory->relieved++], tidings);
    if (directory->relieved < ACURAST__DIRECTORY_PARTS && acurast__ledger_short(&directory->ledger))
        return true;
    directory->relieved = 0;
    return false;
}

uint64_t acurast__directory_memory(acurast__directory *directory)
{
    uint64_t bytes, frames;
    acurast__ledger_read(&directory->ledger, &bytes, &frames);
    return bytes;
}
