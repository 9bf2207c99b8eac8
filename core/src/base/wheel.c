/*
 * The wheel counts time in ticks. A timer belongs to the tick at or after its deadline, and sits in the slot of that tick modulo
 * the number of slots, together with those of later rounds. A bit for each slot that is in use lets a search skip the empty ones.
 *
 * `tick` is the first tick that was not processed: advancing goes through the slots in use from there to the tick of `now`, fires
 * what is due and puts back what belongs to a later round. A slot is emptied into a list of its own before any of it fires, so
 * whatever a firing timer does to others, the walk only ever looks at the head of that list.
 */
#include "base/wheel.h"

#define WORD_BITS 64u
#define LAST_TICK (UINT64_MAX / ACURAST__WHEEL_TICK_MS - 1)

static uint64_t tick_of(const acurast__timer *timer)
{
    return (timer->deadline - 1) / ACURAST__WHEEL_TICK_MS + 1;
}

static void slot_insert(acurast__wheel *wheel, acurast__timer *timer)
{
    size_t slot = tick_of(timer) % ACURAST__WHEEL_SLOTS;
    acurast__list_append(&wheel->slots[slot], &timer->link);
    wheel->used[slot / WORD_BITS] |= UINT64_C(1) << (slot % WORD_BITS);
}

static void slot_emptied(acurast__wheel *wheel, size_t slot)
{
    wheel->used[slot / WORD_BITS] &= ~(UINT64_C(1) << (slot % WORD_BITS));
}

/* How many ticks after `tick` the next slot in use comes; ACURAST__WHEEL_SLOTS where none is. */
static unsigned distance_to_used(const acurast__wheel *wheel, uint64_t tick)
{
    unsigned start = (unsigned)(tick % ACURAST__WHEEL_SLOTS);
    unsigned word = start / WORD_BITS;
    uint64_t bits = wheel->used[word] & (UINT64_MAX << (start % WORD_BITS));
    for (unsigned i = 0; i <= ACURAST__WHEEL_WORDS; i++) {
        if (bits) {
            unsigned slot = word * WORD_BITS + (unsigned)__builtin_ctzll(bits);
            return (slot - start) % ACURAST__WHEEL_SLOTS;
        }
        word = (word + 1) % ACURAST__WHEEL_WORDS;
        bits = wheel->used[word];
    }
    return ACURAST__WHEEL_SLOTS;
}

void acurast__wheel_init(acurast__wheel *wheel, uint64_t now)
{
    for (size_t i = 0; i < ACURAST__WHEEL_SLOTS; i++)
        acurast__list_init(&wheel->slots[i]);
    for (size_t i = 0; i < ACURAST__WHEEL_WORDS; i++)
        wheel->used[i] = 0;
    wheel->tick = now / ACURAST__WHEEL_TICK_MS + 1;
    wheel->now = now;
    wheel->count = 0;
}

void acurast__timer_init(acurast__timer *timer, void (*fire)(acurast__timer *timer))
{
    acurast__list_init(&timer->link);
    timer->deadline = 0;
    timer->fire = fire;
}

void acurast__timer_start(acurast__wheel *wheel, acurast__timer *timer, uint64_t delay)
{
    acurast__timer_stop(wheel, timer);
    uint64_t latest = LAST_TICK * ACURAST__WHEEL_TICK_MS;
    uint64_t deadline = delay < latest - wheel->now ? wheel->now + delay : latest;
    uint64_t earliest = wheel->tick * ACURAST__WHEEL_TICK_MS;
    /* A tick that was processed would come again only after a whole round. */
    if (deadline + ACURAST__WHEEL_TICK_MS <= earliest)
        deadline = earliest;
    timer->deadline = deadline;
    wheel->count++;
    slot_insert(wheel, timer);
}

void acurast__timer_stop(acurast__wheel *wheel, acurast__timer *timer)
{
    if (!acurast__timer_running(timer))
        return;
    size_t slot = tick_of(timer) % ACURAST__WHEEL_SLOTS;
    acurast__list_remove(&timer->link);
    if (acurast__list_empty(&wheel->slots[slot]))
        slot_emptied(wheel, slot);
    timer->deadline = 0;
    wheel->count--;
}

static void fire_slot(acurast__wheel *wheel, size_t slot, uint64_t last)
{
    acurast__list due;
    acurast__list_move(&due, &wheel->slots[slot]);
    slot_emptied(wheel, slot);
    while (!acurast__list_empty(&due)) {
        acurast__timer *timer = ACURAST__CONTAINER(due.next, acurast__timer, link);
        acurast__list_remove(&timer->link);
        if (tick_of(timer) > last) {
            slot_insert(wheel, timer);
            continue;
        }
        timer->deadline = 0;
        wheel->count--;
        timer->fire(timer);
    }
}

void acurast__wheel_advance(acurast__wheel *wheel, uint64_t now)
{
    if (now > wheel->now)
        wheel->now = now;
    uint64_t last = wheel->now / ACURAST__WHEEL_TICK_MS;
    if (last < wheel->tick)
        return;
    /* One round visits every slot: a longer jump of time needs no second one. */
    uint64_t first = last - wheel->tick < ACURAST__WHEEL_SLOTS ? wheel->tick : last - ACURAST__WHEEL_SLOTS + 1;
    for (uint64_t tick = first; tick <= last; tick++) {
        tick += distance_to_used(wheel, tick);
        if (tick > last)
            break;
        wheel->tick = tick + 1;
        fire_slot(wheel, tick % ACURAST__WHEEL_SLOTS, last);
    }
    wheel->tick = last + 1;
}

uint64_t acurast__wheel_next(const acurast__wheel *wheel)
{
    if (wheel->count == 0)
        return UINT64_MAX;
    uint64_t tick = wheel->tick + distance_to_used(wheel, wheel->tick);
    return tick * ACURAST__WHEEL_TICK_MS - wheel->now;
}
