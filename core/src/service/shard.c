/*
 * Drain: every tick of the timer ends a batch of connections, so that all are told within a quarter of the time, and
 * their reconnects do not come as one wave. At the deadline whoever is left is cut off.
 *
 * Memory: the sum over all loops is looked at when this loop's buffers have grown by a part of what is left. Above the
 * limit, the loop with most ends its largest users, in rounds: all that hold at least half of what the largest does.
 */
#include "service/shard.h"

#include "base/clock.h"
#include "service/connection.h"
#include "service/courier.h"
#include "service/service.h"

#include <inttypes.h>

#define SLICE_US 250
#define DRAIN_TICK_MS 16
#define DRAIN_BATCH_MIN 32
#define MARK_STEP (UINT64_C(256) * 1024)

static acurast__connection *first_of(const acurast__list *list)
{
    return acurast__list_empty(list) ? NULL : ACURAST__CONTAINER(list->next, acurast__connection, link);
}

/* ---- handshakes ---- */

static bool verify_some(acurast__shard *shard)
{
    if (acurast__list_empty(&shard->verifying))
        return false;
    uint64_t begin = acurast__clock_us(), now = begin;
    for (acurast__connection *next; (next = first_of(&shard->verifying)) && now - begin < SLICE_US;
         now = acurast__clock_us())
        acurast__connection_verify(next);
    acurast__count(&shard->metrics.verify_us, now - begin);
    return !acurast__list_empty(&shard->verifying);
}

/* ---- new lists ---- */

static void screen(acurast__shard *shard, acurast__connection *connection)
{
    acurast__list_remove(&connection->link);
    acurast__list_append(&shard->accepted, &connection->link);
    if (!acurast__access_permits(shard->access, connection->session.id))
        acurast__connection_end(connection, ACURAST__ENDING_DENIED);
}

static bool screen_some(acurast__shard *shard)
{
    if (acurast__list_empty(&shard->screening))
        return false;
    uint64_t begin = acurast__clock_us();
    for (acurast__connection *next; (next = first_of(&shard->screening)) && acurast__clock_us() - begin < SLICE_US;)
        screen(shard, next);
    return !acurast__list_empty(&shard->screening);
}

void acurast__shard_set_access(acurast__shard *shard, acurast__access *access)
{
    acurast__access_release(shard->access);
    shard->access = access;
    acurast__list_append_all(&shard->screening, &shard->accepted);
}

/* ---- memory ---- */

static uint64_t held_by(const acurast__connection *connection)
{
    return acurast__ws_memory(connection->ws) + acurast__directory_held(&connection->holder) +
           acurast__marks_memory(&connection->marks);
}

static uint64_t largest_in(const acurast__list *list)
{
    uint64_t largest = 0;
    for (const acurast__list *link = list->next; link != list; link = link->next) {
        uint64_t held = held_by(ACURAST__CONTAINER(link, acurast__connection, link));
        largest = held > largest ? held : largest;
    }
    return largest;
}

/* Drops what the largest senders have waiting for it; returns how much that freed. */
static uint64_t shed_backlog(acurast__connection *connection)
{
    uint64_t before = acurast__directory_held(&connection->holder);
    if (before)
        acurast__directory_shed(&connection->holder, &connection->shard->tidings);
    return before - acurast__directory_held(&connection->holder);
}

/*
 * Returns how much that freed at once. A backlog goes first: that is the doing of senders, and the recipient stays. Who is ending already
 * is cut off, which frees all of it.
 */
static uint64_t shed_one(acurast__connection *connection)
{
    uint64_t held = held_by(connection);
    if (connection->state == ACURAST__CONNECTION_ENDED) {
        acurast__ws_forget(connection->ws);
        return held;
    }
    uint64_t freed = shed_backlog(connection);
    if (freed)
        return freed;
    acurast__connection_end(connection, ACURAST__ENDING_MEMORY);
    acurast__ws_drop_partial(connection->ws);
    return held - held_by(connection);
}

/* Ends whoever holds at least `least`, until `excess` is freed. */
static uint64_t shed_list(acurast__list *list, uint64_t least, uint64_t excess)
{
    for (acurast__list *link = list->next, *next; link != list && excess; link = next) {
        acurast__connection *connection = ACURAST__CONTAINER(link, acurast__connection, link);
        next = link->next;
        if (held_by(connection) < least)
            continue;
        uint64_t freed = shed_one(connection);
        excess -= freed < excess ? freed : excess;
    }
    return excess;
}

static void shed(acurast__shard *shard)
{
    acurast__list *const lists[] = {&shard->ending, &shard->accepted, &shard->screening};
    uint64_t limit = shard->settings->memory;
    uint64_t total = acurast__service_memory(shard->service);
    uint64_t excess = total >= limit ? total - limit + limit / 16 : 0;
    for (int round = 0; excess && round < 16; round++) {
        uint64_t largest = 0;
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            uint64_t held = largest_in(lists[i]);
            largest = held > largest ? held : largest;
        }
        if (!largest)
            return;
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
            excess = shed_list(lists[i], largest / 2 + 1, excess);
    }
}

/* What this loop can raise: its own buffers, and the backlogs of all loops. */
static uint64_t publish_memory(acurast__shard *shard)
{
    const acurast_service *service = shard->service;
    uint64_t memory = acurast__loop_memory(shard->loop);
    atomic_store_explicit(&shard->memory, memory, memory_order_relaxed);
    for (size_t i = 0; i < service->shard_count; i++)
        memory += atomic_load_explicit(&service->shards[i].waiting, memory_order_relaxed);
    return memory;
}

/* Publishes what this loop holds, and where to look again. True where the limit is reached. */
static bool note_memory(acurast__shard *shard)
{
    uint64_t limit = shard->settings->memory;
    uint64_t own = publish_memory(shard);
    uint64_t total = acurast__service_memory(shard->service);
    bool full = limit && total >= limit;
    atomic_store_explicit(&shard->directory->memory_full, full, memory_order_relaxed);
    uint64_t step = limit > total ? (limit - total) / (4 * shard->service->shard_count) : 0;
    shard->memory_mark = limit ? own + (step > MARK_STEP ? step : MARK_STEP) : UINT64_MAX;
    return full;
}

/* At most once a second, since it comes when there is too much of everything. */
static void warn(acurast__shard *shard, uint64_t before)
{
    uint64_t now = acurast__loop_now(shard->loop);
    if (shard->warned && now - shard->warned < 1000)
        return;
    shard->warned = now;
    acurast__service_log(shard, ACURAST_LOG_WARN, "what=memory_full limit=%" PRIu64 " held=%" PRIu64 " after=%" PRIu64,
                         shard->settings->memory, before, acurast__service_memory(shard->service));
}

static void shed_and_tell(acurast__shard *shard)
{
    acurast__loop_look(shard->loop); /* what was sent meanwhile is nobody's */
    note_memory(shard);
    uint64_t before = acurast__service_memory(shard->service);
    shed(shard);
    note_memory(shard);
    warn(shard, before);
}

/* It may come late, after the shard was stopped: so it holds the service, and a drain does what else there is to do. */
static void on_shed(acurast__task *task)
{
    acurast__shard *shard = ACURAST__CONTAINER(task, acurast__shard, shed);
    atomic_store_explicit(&shard->shedding, false, memory_order_release);
    if (!shard->drain_deadline)
        shed_and_tell(shard);
    acurast__service_release(shard->service);
}

static void shed_largest(acurast_service *service)
{
    acurast__shard *largest = &service->shards[0];
    for (size_t i = 1; i < service->shard_count; i++)
        if (acurast__shard_memory(&service->shards[i]) > acurast__shard_memory(largest))
            largest = &service->shards[i];
    if (atomic_exchange_explicit(&largest->shedding, true, memory_order_acq_rel))
        return;
    acurast__service_retain(service);
    acurast__loop_post(largest->loop, &largest->shed);
}

static void check_memory(acurast__shard *shard)
{
    if (note_memory(shard) && atomic_load_explicit(&shard->service->ready, memory_order_acquire))
        shed_largest(shard->service);
}

/* ---- what comes beside messages ---- */

/* Those looked at longest ago, which then are the last of their list. */
static void inspect_list(acurast__list *list, size_t count)
{
    for (size_t i = 0; i < count && !acurast__list_empty(list); i++) {
        acurast__connection *connection = first_of(list);
        acurast__list_remove(&connection->link);
        acurast__list_append(list, &connection->link);
        acurast__connection_inspect(connection);
    }
}

/* Everybody in some seconds, however many they are: it takes a system call each. */
static void inspect_some(acurast__shard *shard)
{
    uint64_t now = acurast__loop_now(shard->loop);
    if (now == shard->inspected)
        return;
    shard->inspected = now;
    inspect_list(&shard->accepted, 1 + shard->ids.count / 1024);
    inspect_list(&shard->handshaking, 1);
    inspect_list(&shard->ending, 1);
}

static bool on_turn(acurast__loop_hook *hook)
{
    acurast__shard *shard = ACURAST__CONTAINER(hook, acurast__shard, hook);
    inspect_some(shard);
    if (publish_memory(shard) >= shard->memory_mark)
        check_memory(shard);
    bool more = shard == &shard->service->shards[0] && acurast__directory_relieve(shard->directory, &shard->tidings);
    more |= verify_some(shard);
    more |= screen_some(shard);
    return acurast__courier_tell(shard) || more;
}

static void on_rouse(acurast__task *task)
{
    ACURAST__CONTAINER(task, acurast__shard, rouse)->roused = false;
}

void acurast__shard_rouse(acurast__shard *shard)
{
    if (shard->roused || acurast__tidings_quiet(&shard->tidings))
        return;
    shard->roused = true;
    acurast__loop_post(shard->loop, &shard->rouse);
}

/* ---- once a second ---- */

static void beat(acurast__shard *shard)
{
    atomic_store_explicit(&shard->turned, acurast__loop_now(shard->loop), memory_order_relaxed);
    acurast__loop_timer_start(shard->loop, &shard->second, ACURAST__BEAT_MS);
}

static void on_second(acurast__timer *timer)
{
    acurast__shard *shard = ACURAST__CONTAINER(timer, acurast__shard, second);
    acurast_service *service = shard->service;
    uint64_t now = acurast__loop_now(shard->loop);
    if (shard == &service->shards[0]) {
        acurast__directory_sweep(&service->directory, now, &shard->tidings);
        acurast__address_table_sweep(&service->addresses, now);
        acurast__expiry_look(service);
    }
    acurast__loop_look(shard->loop);
    check_memory(shard);
    beat(shard);
}

/* ---- draining ---- */

static bool drain_one(acurast__shard *shard)
{
    acurast__connection *next = first_of(&shard->accepted);
    if (!next)
        next = first_of(&shard->verifying);
    if (!next)
        next = first_of(&shard->handshaking);
    if (next)
        acurast__connection_end(next, ACURAST__ENDING_DRAINING);
    return next;
}

static void cut_off(acurast__shard *shard)
{
    while (drain_one(shard))
        continue;
    for (acurast__list *link = shard->ending.next; link != &shard->ending; link = link->next)
        acurast__ws_abort(ACURAST__CONTAINER(link, acurast__connection, link)->ws);
}

static void on_drain_tick(acurast__timer *timer)
{
    acurast__shard *shard = ACURAST__CONTAINER(timer, acurast__shard, drain_tick);
    for (size_t i = 0; i < shard->drain_batch && drain_one(shard); i++)
        continue;
    if (acurast__loop_now(shard->loop) >= shard->drain_deadline)
        cut_off(shard);
    acurast__loop_timer_start(shard->loop, &shard->drain_tick, DRAIN_TICK_MS);
    if (shard == &shard->service->shards[0])
        acurast__service_drain_step(shard->service);
}

static size_t count_of(const acurast__list *list)
{
    size_t count = 0;
    for (const acurast__list *link = list->next; link != list; link = link->next)
        count++;
    return count;
}

static void on_drain(acurast__task *task)
{
    acurast__shard *shard = ACURAST__CONTAINER(task, acurast__shard, drain);
    acurast__list_append_all(&shard->accepted, &shard->screening);
    size_t count = count_of(&shard->accepted) + count_of(&shard->verifying) + count_of(&shard->handshaking);
    size_t ticks = shard->settings->drain_ms / 4 / DRAIN_TICK_MS + 1;
    shard->drain_batch = count / ticks + DRAIN_BATCH_MIN;
    shard->drain_deadline = acurast__loop_now(shard->loop) + shard->settings->drain_ms;
    on_drain_tick(&shard->drain_tick);
}

/* ---- life ---- */

static void on_start(acurast__task *task)
{
    acurast__shard *shard = ACURAST__CONTAINER(task, acurast__shard, start);
    acurast__loop_hook_add(shard->loop, &shard->hook);
    beat(shard);
}

static void on_stop(acurast__task *task)
{
    acurast__shard *shard = ACURAST__CONTAINER(task, acurast__shard, stop);
    acurast__loop_hook_remove(shard->loop, &shard->hook);
    acurast__loop_timer_stop(shard->loop, &shard->second);
    acurast__loop_timer_stop(shard->loop, &shard->drain_tick);
    atomic_store_explicit(&shard->turned, 0, memory_order_relaxed);
    acurast__service_shard_stopped(shard->service);
}

void acurast__shard_init(acurast__shard *shard, acurast_service *service, acurast__loop *loop)
{
    shard->service = service;
    shard->loop = loop;
    shard->settings = service->settings;
    shard->directory = &service->directory;
    shard->access = acurast__access_retain(service->access);
    atomic_init(&shard->turned, acurast__clock_ms()); /* the loop may hang already */
    shard->memory_mark = shard->settings->memory ? MARK_STEP : UINT64_MAX;
    acurast__tidings_init(&shard->tidings, &shard->metrics, &shard->waiting, shard->settings->terms.presence);
    acurast__idmap_init(&shard->ids);
    acurast__list_init(&shard->handshaking);
    acurast__list_init(&shard->verifying);
    acurast__list_init(&shard->accepted);
    acurast__list_init(&shard->screening);
    acurast__list_init(&shard->ending);
    acurast__list_init(&shard->hook.link);
    shard->hook.run = on_turn;
    acurast__timer_init(&shard->second, on_second);
    acurast__timer_init(&shard->drain_tick, on_drain_tick);
    shard->start.run = on_start;
    shard->drain.run = on_drain;
    shard->stop.run = on_stop;
    shard->shed.run = on_shed;
    shard->rouse.run = on_rouse;
}

void acurast__shard_clear(acurast__shard *shard)
{
    acurast__watches_clear(&shard->tidings);
    acurast__tidings_clear(&shard->tidings);
    acurast__idmap_clear(&shard->ids);
    acurast__access_release(shard->access);
}

void acurast__shard_wake(acurast__task *task)
{
    acurast__chain waiting;
    acurast__chain_init(&waiting);
    acurast__holder *holder;
    bool more;
    acurast__wake wake = acurast__directory_wake(task, &holder, &waiting, &more);
    if (wake == ACURAST__WAKE_NOTHING)
        return;
    acurast__connection *connection = ACURAST__CONTAINER(holder, acurast__connection, holder);
    if (wake == ACURAST__WAKE_LEAVE) {
        acurast__connection_end(connection, ACURAST__ENDING_REPLACED);
        return;
    }
    acurast__connection_deliver(connection, &waiting, more);
    if (wake == ACURAST__WAKE_ASK && connection->holder.entry)
        acurast__connection_ask(connection);
}

void acurast__shard_turn_away(acurast__task *task)
{
    acurast__holder *holder = acurast__directory_turned_away(task);
    if (holder)
        acurast__connection_end(ACURAST__CONTAINER(holder, acurast__connection, holder), ACURAST__ENDING_INCUMBENT);
}
