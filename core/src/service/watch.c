/*
 * An entry may have a watcher for each connection of the service, and all of them are to be told when its holder leaves. That is done in
 * slices: the list moves to a departure at once, which holds the lock for a moment, and watchers are taken from there a few at a time.
 * Until then they count as attached.
 */
#include "service/watch.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <string.h>

#define SLICE 64

struct watch {
    acurast__list place; /* in the list of an entry or of a departure, while it is attached */
    acurast__list age;
    atomic_bool attached;
    uint64_t hash;
    uint8_t asker[16];
    uint8_t id[16];
};

struct departure {
    acurast__list link;
    acurast__list watchers;
    acurast__directory_part *part;
    acurast__gone_kind kind;
    uint8_t id[16];
};

/* A watch and its place in the map. */
#define WATCH_COST (sizeof(struct watch) + 2 * sizeof(acurast__idmap_slot))

/* ---- of an entry ---- */

static struct watch *watch_at(acurast__list *place)
{
    return ACURAST__CONTAINER(place, struct watch, place);
}

static void detach(struct watch *watch)
{
    acurast__list_remove(&watch->place);
    atomic_store_explicit(&watch->attached, false, memory_order_release);
}

void acurast__watches_detach(acurast__entry *entry)
{
    while (!acurast__list_empty(&entry->watchers))
        detach(watch_at(entry->watchers.next));
}

static void tell_first(acurast__list *watchers, const uint8_t id[16], acurast__gone_kind kind,
                       acurast__tidings *tidings)
{
    struct watch *first = watch_at(watchers->next);
    acurast__tidings_gone(tidings, first->asker, id, kind);
    detach(first);
}

void acurast__watches_leave(acurast__entry *entry, acurast__gone_kind kind, acurast__tidings *tidings)
{
    if (acurast__list_empty(&entry->watchers))
        return;
    struct departure *made = acurast__alloc(sizeof *made);
    if (!made) {
        while (!acurast__list_empty(&entry->watchers))
            tell_first(&entry->watchers, entry->id, kind, tidings);
        return;
    }
    made->part = entry->part;
    made->kind = kind;
    memcpy(made->id, entry->id, sizeof made->id);
    acurast__list_move(&made->watchers, &entry->watchers);
    acurast__list_append(&tidings->departures, &made->link);
}

static void departure_free(struct departure *departure)
{
    acurast__list_remove(&departure->link);
    acurast__free(departure);
}

bool acurast__watches_tell(acurast__tidings *tidings)
{
    if (acurast__list_empty(&tidings->departures))
        return false;
    struct departure *first = ACURAST__CONTAINER(tidings->departures.next, struct departure, link);
    pthread_mutex_lock(&first->part->lock);
    for (int i = 0; i < SLICE && !acurast__list_empty(&first->watchers); i++)
        tell_first(&first->watchers, first->id, first->kind, tidings);
    bool done = acurast__list_empty(&first->watchers);
    pthread_mutex_unlock(&first->part->lock);
    if (done)
        departure_free(first);
    return true;
}

void acurast__watches_clear(acurast__tidings *tidings)
{
    while (!acurast__list_empty(&tidings->departures))
        departure_free(ACURAST__CONTAINER(tidings->departures.next, struct departure, link));
}

/* ---- of a connection ---- */

static bool is_attached(const struct watch *watch)
{
    return atomic_load_explicit(&watch->attached, memory_order_acquire);
}

/* False where there is no such entry. */
static bool attach(acurast__directory *directory, struct watch *watch)
{
    acurast__directory_part *part = acurast__directory_part_of(directory, watch->hash);
    pthread_mutex_lock(&part->lock);
    acurast__entry *entry = acurast__idmap_get(&part->entries, watch->id, watch->hash);
    if (entry) {
        acurast__list_append(&entry->watchers, &watch->place);
        atomic_store_explicit(&watch->attached, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&part->lock);
    return entry;
}

static void watch_free(acurast__watches *watches, acurast__directory *directory, struct watch *watch)
{
    if (is_attached(watch)) {
        acurast__directory_part *part = acurast__directory_part_of(directory, watch->hash);
        pthread_mutex_lock(&part->lock);
        acurast__list_remove(&watch->place);
        pthread_mutex_unlock(&part->lock);
    }
    acurast__list_remove(&watch->age);
    acurast__idmap_remove(&watches->map, watch->id, watch->hash);
    acurast__free(watch);
    atomic_fetch_sub_explicit(watches->memory, WATCH_COST, memory_order_relaxed);
}

static struct watch *oldest(const acurast__watches *watches)
{
    return ACURAST__CONTAINER(watches->ages.next, struct watch, age);
}

static acurast__watches *watches_make(const uint8_t asker[16], _Atomic uint64_t *memory)
{
    acurast__watches *made = acurast__alloc(sizeof *made);
    if (!made)
        return NULL;
    acurast__idmap_init(&made->map);
    acurast__list_init(&made->ages);
    memcpy(made->asker, asker, sizeof made->asker);
    made->memory = memory;
    return made;
}

static struct watch *watch_make(acurast__watches *watches, const uint8_t id[16], uint64_t hash)
{
    struct watch *made = acurast__alloc_zero(sizeof *made);
    if (!made || !acurast__idmap_put(&watches->map, id, hash, made)) {
        acurast__free(made);
        return NULL;
    }
    atomic_init(&made->attached, false);
    acurast__list_init(&made->place);
    acurast__list_append(&watches->ages, &made->age);
    made->hash = hash;
    memcpy(made->asker, watches->asker, sizeof made->asker);
    memcpy(made->id, id, sizeof made->id);
    atomic_fetch_add_explicit(watches->memory, WATCH_COST, memory_order_relaxed);
    return made;
}

void acurast__watches_touch(acurast__watches **owned, acurast__directory *directory, const uint8_t asker[16],
                            const uint8_t id[16], uint64_t hash, size_t limit, _Atomic uint64_t *memory)
{
    if (!*owned)
        *owned = watches_make(asker, memory);
    acurast__watches *watches = *owned;
    if (!watches)
        return;
    struct watch *watch = acurast__idmap_get(&watches->map, id, hash);
    if (!watch)
        watch = watch_make(watches, id, hash);
    if (!watch)
        return;
    acurast__list_remove(&watch->age);
    acurast__list_append(&watches->ages, &watch->age);
    if (!is_attached(watch) && !attach(directory, watch))
        watch_free(watches, directory, watch);
    while (watches->map.count > limit)
        watch_free(watches, directory, oldest(watches));
}

void acurast__watches_free(acurast__watches *watches, acurast__directory *directory)
{
    if (!watches)
        return;
    while (!acurast__list_empty(&watches->ages))
        watch_free(watches, directory, oldest(watches));
    acurast__idmap_clear(&watches->map);
    acurast__free(watches);
}
