/*
 * Groups stand in a ring, and the lanes of a group in a ring of its own. Whoever is served goes into debt by the bytes that it was given;
 * each time that its turn comes, a quantum is paid off, and without debt it is served. What is moved is a whole piece of memory, so that
 * nothing is copied: a turn gives a little more than the quantum, or one large message, and the debt makes up for it.
 *
 * Where one group, or one lane of a group, is alone, its debt does not matter to anybody and is forgotten.
 */
#include "service/backlog.h"

#include "base/idmap.h"
#include "base/list.h"
#include "base/memory.h"

#include <string.h>

#define QUANTUM ((size_t)16 * 1024)

struct group {
    acurast__list link; /* in the ring of groups */
    acurast__list lanes;
    acurast__address address;
    size_t bytes;
    int64_t credit;
};

struct lane {
    acurast__list link; /* in its group's ring */
    struct group *group;
    acurast__chain chain;
    int64_t credit;
    bool tired; /* it was paused for long enough */
    uint8_t sender[16];
};

struct acurast__backlog_lanes {
    acurast__idmap senders; /* -> lane */
    acurast__idmap groups;  /* -> group */
    acurast__list ring;
    size_t bytes;
    size_t capacity;
    size_t frames;
};

/* ---- what there is ---- */

void acurast__backlog_init(acurast__backlog *backlog)
{
    acurast__chain_init(&backlog->chain);
    backlog->lanes = NULL;
}

static size_t lanes_cost(const acurast__backlog_lanes *lanes)
{
    return lanes ? lanes->senders.count * ACURAST__BACKLOG_LANE_COST : 0;
}

size_t acurast__backlog_bytes(const acurast__backlog *backlog)
{
    return backlog->chain.bytes + (backlog->lanes ? backlog->lanes->bytes : 0);
}

size_t acurast__backlog_weight(const acurast__backlog *backlog)
{
    return acurast__backlog_bytes(backlog) + lanes_cost(backlog->lanes);
}

size_t acurast__backlog_memory(const acurast__backlog *backlog)
{
    const acurast__backlog_lanes *lanes = backlog->lanes;
    return backlog->chain.capacity + (lanes ? lanes->capacity : 0) + lanes_cost(lanes);
}

size_t acurast__backlog_frames(const acurast__backlog *backlog)
{
    return backlog->chain.frames + (backlog->lanes ? backlog->lanes->frames : 0);
}

/* ---- lanes ---- */

static struct lane *lane_find(const acurast__backlog_lanes *lanes, const uint8_t sender[16])
{
    return lanes ? acurast__idmap_get(&lanes->senders, sender, acurast__id_hash(sender)) : NULL;
}

static struct group *group_find(const acurast__backlog_lanes *lanes, const acurast__address *address)
{
    return lanes ? acurast__idmap_get(&lanes->groups, address->bytes, acurast__id_hash(address->bytes)) : NULL;
}

static acurast__backlog_lanes *lanes_create(void)
{
    acurast__backlog_lanes *lanes = acurast__alloc_zero(sizeof *lanes);
    if (!lanes)
        return NULL;
    acurast__idmap_init(&lanes->senders);
    acurast__idmap_init(&lanes->groups);
    acurast__list_init(&lanes->ring);
    return lanes;
}

static struct group *group_create(acurast__backlog_lanes *lanes, const acurast__address *address)
{
    struct group *made = acurast__alloc_zero(sizeof *made);
    if (!made || !acurast__idmap_put(&lanes->groups, address->bytes, acurast__id_hash(address->bytes), made)) {
        acurast__free(made);
        return NULL;
    }
    made->address = *address;
    acurast__list_init(&made->lanes);
    acurast__list_append(&lanes->ring, &made->link);
    return made;
}

static void group_destroy(acurast__backlog_lanes *lanes, struct group *group)
{
    acurast__list_remove(&group->link);
    acurast__idmap_remove(&lanes->groups, group->address.bytes, acurast__id_hash(group->address.bytes));
    acurast__free(group);
}

static struct lane *lane_create(acurast__backlog_lanes *lanes, const acurast__backlog_sender *sender)
{
    struct group *home = group_find(lanes, sender->group);
    if (!home)
        home = group_create(lanes, sender->group);
    struct lane *made = home ? acurast__alloc_zero(sizeof *made) : NULL;
    if (!made || !acurast__idmap_put(&lanes->senders, sender->id, acurast__id_hash(sender->id), made)) {
        acurast__free(made);
        if (home && acurast__list_empty(&home->lanes))
            group_destroy(lanes, home);
        return NULL;
    }
    made->group = home;
    acurast__chain_init(&made->chain);
    memcpy(made->sender, sender->id, sizeof made->sender);
    acurast__list_append(&home->lanes, &made->link);
    return made;
}

/* What is left in it goes to the end of `rest`. */
static void lane_leave(acurast__backlog_lanes *lanes, struct lane *lane, acurast__chain *rest)
{
    struct group *home = lane->group;
    home->bytes -= lane->chain.bytes;
    lanes->bytes -= lane->chain.bytes;
    lanes->capacity -= lane->chain.capacity;
    lanes->frames -= lane->chain.frames;
    acurast__chain_join(rest, &lane->chain);
    acurast__list_remove(&lane->link);
    acurast__idmap_remove(&lanes->senders, lane->sender, acurast__id_hash(lane->sender));
    acurast__free(lane);
    if (acurast__list_empty(&home->lanes))
        group_destroy(lanes, home);
}

static void lane_destroy(acurast__backlog_lanes *lanes, struct lane *lane)
{
    acurast__chain rest;
    acurast__chain_init(&rest);
    lane_leave(lanes, lane, &rest);
    acurast__chain_clear(&rest);
}

static bool lane_append(acurast__backlog_lanes *lanes, struct lane *lane, const uint8_t *bytes, size_t size)
{
    acurast__chain before = lane->chain;
    bool apart = size > QUANTUM / 2; /* else what is moved in one turn would be several of them */
    if (!(apart ? acurast__chain_append_apart : acurast__chain_append)(&lane->chain, bytes, size))
        return false;
    lane->group->bytes += lane->chain.bytes - before.bytes;
    lanes->bytes += lane->chain.bytes - before.bytes;
    lanes->capacity += lane->chain.capacity - before.capacity;
    lanes->frames++;
    return true;
}

static void lanes_destroy(acurast__backlog *backlog)
{
    acurast__backlog_lanes *lanes = backlog->lanes;
    acurast__idmap_clear(&lanes->senders);
    acurast__idmap_clear(&lanes->groups);
    acurast__free(lanes);
    backlog->lanes = NULL;
}

static void drop_empty_lanes(acurast__backlog *backlog)
{
    if (backlog->lanes && !backlog->lanes->senders.count)
        lanes_destroy(backlog);
}

static struct lane *first_lane(const struct group *group)
{
    return ACURAST__CONTAINER(group->lanes.next, struct lane, link);
}

static struct group *first_group(const acurast__backlog_lanes *lanes)
{
    return ACURAST__CONTAINER(lanes->ring.next, struct group, link);
}

void acurast__backlog_clear(acurast__backlog *backlog)
{
    acurast__chain_clear(&backlog->chain);
    while (backlog->lanes && backlog->lanes->senders.count)
        lane_destroy(backlog->lanes, first_lane(first_group(backlog->lanes)));
    drop_empty_lanes(backlog);
}

/* ---- putting ---- */

static bool keep_in_lane(acurast__backlog *backlog, struct lane *lane, const acurast__backlog_sender *sender,
                         const uint8_t *bytes, size_t size)
{
    if (!backlog->lanes)
        backlog->lanes = lanes_create();
    if (!lane && backlog->lanes)
        lane = lane_create(backlog->lanes, sender);
    if (lane && lane_append(backlog->lanes, lane, bytes, size))
        return true;
    if (lane && !lane->chain.frames)
        lane_destroy(backlog->lanes, lane);
    drop_empty_lanes(backlog);
    return false;
}

bool acurast__backlog_keep(acurast__backlog *backlog, const acurast__backlog_sender *sender, const uint8_t *bytes,
                           size_t size)
{
    return keep_in_lane(backlog, lane_find(backlog->lanes, sender->id), sender, bytes, size);
}

/* `room` is what is free before the message. */
static acurast__backlog_verdict judge(const struct lane *lane, const struct group *group, uint64_t room, size_t size)
{
    uint64_t own = lane ? lane->chain.bytes : 0, shared = group ? group->bytes : 0;
    bool steep = own + size > room / 2 || shared + size > room;
    if (own + size <= room && shared + size <= 2 * room)
        return steep && !(lane && lane->tired) ? ACURAST__BACKLOG_STEEP : ACURAST__BACKLOG_TAKEN;
    return shared ? ACURAST__BACKLOG_SHARE : ACURAST__BACKLOG_FULL;
}

acurast__backlog_verdict acurast__backlog_put(acurast__backlog *backlog, const acurast__backlog_sender *sender,
                                              uint64_t room, const uint8_t *bytes, size_t size)
{
    if (!backlog->lanes && backlog->chain.bytes + size <= ACURAST__BACKLOG_CHAIN_MAX && size <= room)
        return acurast__chain_append(&backlog->chain, bytes, size) ? ACURAST__BACKLOG_TAKEN
                                                                   : ACURAST__BACKLOG_NO_MEMORY;
    struct lane *lane = lane_find(backlog->lanes, sender->id);
    const struct group *group = lane ? lane->group : group_find(backlog->lanes, sender->group);
    acurast__backlog_verdict verdict = judge(lane, group, room, size);
    if (verdict > ACURAST__BACKLOG_STEEP)
        return verdict;
    return keep_in_lane(backlog, lane, sender, bytes, size) ? verdict : ACURAST__BACKLOG_NO_MEMORY;
}

bool acurast__backlog_relaxed(acurast__backlog *backlog, const uint8_t sender[16], uint64_t room, bool tired)
{
    struct lane *lane = lane_find(backlog->lanes, sender);
    if (!lane)
        return true;
    bool relaxed = lane->chain.bytes <= room / 4 && lane->group->bytes <= room / 2;
    lane->tired = !relaxed && (lane->tired || tired);
    return relaxed;
}

void acurast__backlog_precede(acurast__backlog *backlog, acurast__chain *chain)
{
    acurast__chain_join(chain, &backlog->chain);
    acurast__chain_join(&backlog->chain, chain);
}

/* ---- taking ---- */

/* Its turn has come: true where it is not in debt any more. */
static bool paid(int64_t *credit, const acurast__list *ring, acurast__list *link)
{
    if (link->next == link->prev) { /* alone */
        *credit = 0;
        return true;
    }
    *credit += (int64_t)QUANTUM;
    if (*credit > 0)
        return true;
    acurast__list *head = (acurast__list *)ring;
    acurast__list_remove(link);
    acurast__list_append(head, link);
    return false;
}

static struct group *next_group(acurast__backlog_lanes *lanes)
{
    struct group *next;
    do
        next = first_group(lanes);
    while (!paid(&next->credit, &lanes->ring, &next->link));
    return next;
}

static struct lane *next_lane(struct group *group)
{
    struct lane *next;
    do
        next = first_lane(group);
    while (!paid(&next->credit, &group->lanes, &next->link));
    return next;
}

/* One turn of one lane; returns the bytes that were moved. */
static size_t serve(acurast__backlog_lanes *lanes, acurast__chain *chain)
{
    struct group *group = next_group(lanes);
    struct lane *lane = next_lane(group);
    size_t moved = 0, capacity = lane->chain.capacity, frames = lane->chain.frames;
    while (lane->chain.first && moved < QUANTUM)
        moved += acurast__chain_move_first(chain, &lane->chain);
    group->bytes -= moved;
    group->credit -= (int64_t)moved;
    lane->credit -= (int64_t)moved;
    lanes->bytes -= moved;
    lanes->capacity -= capacity - lane->chain.capacity;
    lanes->frames -= frames - lane->chain.frames;
    acurast__list_remove(&group->link);
    acurast__list_append(&lanes->ring, &group->link);
    acurast__list_remove(&lane->link);
    acurast__list_append(&group->lanes, &lane->link);
    if (!lane->chain.first)
        lane_destroy(lanes, lane);
    return moved;
}

void acurast__backlog_take(acurast__backlog *backlog, size_t budget, acurast__chain *chain)
{
    size_t moved = 0;
    while (backlog->chain.first && moved < budget)
        moved += acurast__chain_move_first(chain, &backlog->chain);
    while (backlog->lanes && moved < budget) {
        moved += serve(backlog->lanes, chain);
        drop_empty_lanes(backlog);
    }
}

/* ---- looking and dropping ---- */

const acurast__address *acurast__backlog_group(const acurast__backlog *backlog, const uint8_t sender[16])
{
    const struct lane *lane = lane_find(backlog->lanes, sender);
    return lane ? &lane->group->address : NULL;
}

void acurast__backlog_drop(acurast__backlog *backlog, const uint8_t sender[16], acurast__chain *dropped)
{
    struct lane *lane = lane_find(backlog->lanes, sender);
    if (lane)
        lane_leave(backlog->lanes, lane, dropped);
    drop_empty_lanes(backlog);
}

bool acurast__backlog_next(const acurast__backlog *backlog, size_t *cursor, acurast__backlog_view *view)
{
    const uint8_t *key;
    void *value;
    if (!backlog->lanes || !acurast__idmap_next(&backlog->lanes->senders, cursor, &key, &value))
        return false;
    const struct lane *lane = value;
    *view = (acurast__backlog_view){lane->sender, &lane->group->address, &lane->chain};
    return true;
}

static size_t largest_lane(const acurast__backlog *backlog)
{
    acurast__backlog_view view;
    size_t cursor = 0, largest = 0;
    while (acurast__backlog_next(backlog, &cursor, &view))
        largest = view.chain->capacity > largest ? view.chain->capacity : largest;
    return largest;
}

/* The group goes with its last lane. */
static void drop_large_of(acurast__backlog_lanes *lanes, struct group *group, size_t least, acurast__chain *dropped)
{
    bool last = false;
    for (acurast__list *at = group->lanes.next, *next; !last; at = next) {
        struct lane *lane = ACURAST__CONTAINER(at, struct lane, link);
        next = at->next;
        last = next == &group->lanes;
        if (lane->chain.capacity >= least)
            lane_leave(lanes, lane, dropped);
    }
}

void acurast__backlog_drop_largest(acurast__backlog *backlog, acurast__chain *dropped)
{
    acurast__backlog_lanes *lanes = backlog->lanes;
    size_t least = largest_lane(backlog) / 2 + 1;
    if (!lanes)
        return;
    for (acurast__list *at = lanes->ring.next, *next; at != &lanes->ring; at = next) {
        next = at->next;
        drop_large_of(lanes, ACURAST__CONTAINER(at, struct group, link), least, dropped);
    }
    drop_empty_lanes(backlog);
}
