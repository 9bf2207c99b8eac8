/* Timers: never early, at most a tick late, whatever the clock and the firing timers themselves do. */
#include "base/wheel.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define TICK ((uint64_t)ACURAST__WHEEL_TICK_MS)
#define ROUND (TICK * ACURAST__WHEEL_SLOTS)

typedef struct probe {
    acurast__timer timer;
    acurast__wheel *wheel;
    uint64_t due;
    int fired;
    bool again;
    struct probe *stops;
    struct probe *starts;
    struct probe **frees;
} probe;

static uint32_t random_state = 99;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void fire(acurast__timer *timer)
{
    probe *p = ACURAST__CONTAINER(timer, probe, timer);
    assert_false(acurast__timer_running(timer));
    p->fired++;
    if (p->stops)
        acurast__timer_stop(p->wheel, &p->stops->timer);
    if (p->starts)
        acurast__timer_start(p->wheel, &p->starts->timer, 0);
    if (p->again)
        acurast__timer_start(p->wheel, &p->timer, 0);
    if (p->frees && *p->frees) {
        probe *victim = *p->frees;
        *p->frees = NULL;
        acurast__timer_stop(victim->wheel, &victim->timer);
        free(victim);
    }
}

static void probe_start(probe *p, acurast__wheel *wheel, uint64_t delay)
{
    memset(p, 0, sizeof(*p));
    acurast__timer_init(&p->timer, fire);
    p->wheel = wheel;
    p->due = wheel->now + delay;
    acurast__timer_start(wheel, &p->timer, delay);
}

static void test_nothing_runs_in_a_new_wheel(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 12345);
    assert_true(acurast__wheel_next(&wheel) == UINT64_MAX);
    acurast__wheel_advance(&wheel, 99999999);
    assert_true(acurast__wheel_next(&wheel) == UINT64_MAX);
}

static void check_punctual(uint64_t start, uint64_t delay)
{
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, start);
    probe p;
    probe_start(&p, &wheel, delay);
    uint64_t now = start;
    while (!p.fired) {
        uint64_t next = acurast__wheel_next(&wheel);
        assert_true(next >= 1 && next <= ROUND);
        now += next;
        acurast__wheel_advance(&wheel, now);
    }
    assert_true(now >= p.due && now <= p.due + TICK);
    assert_int_equal(wheel.count, 0);
    assert_true(acurast__wheel_next(&wheel) == UINT64_MAX);
}

static void test_never_early_and_at_most_a_tick_late(void **state)
{
    (void)state;
    static const uint64_t delays[] = {0, 1, 15, 16, 17, 1000, ROUND - 1, ROUND, ROUND + 1, 60000, 86400000};
    for (uint64_t start = 0; start < 40; start++) {
        for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
            check_punctual(start, delays[i]);
            check_punctual(UINT64_C(1) << 40 | start, delays[i]);
        }
    }
}

static void test_a_delay_beyond_all_time_never_fires(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 1000);
    probe p;
    probe_start(&p, &wheel, UINT64_MAX);
    acurast__wheel_advance(&wheel, UINT64_C(1) << 60);
    assert_int_equal(p.fired, 0);
    assert_true(acurast__timer_running(&p.timer));
    acurast__timer_stop(&wheel, &p.timer);
    assert_true(acurast__wheel_next(&wheel) == UINT64_MAX);
}

static void test_stop_and_start_anew(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 0);
    probe p;
    probe_start(&p, &wheel, 100);
    acurast__timer_stop(&wheel, &p.timer);
    acurast__timer_stop(&wheel, &p.timer);
    acurast__wheel_advance(&wheel, 1000);
    assert_int_equal(p.fired, 0);
    acurast__timer_start(&wheel, &p.timer, 100);
    acurast__timer_start(&wheel, &p.timer, 300);
    assert_int_equal(wheel.count, 1);
    acurast__wheel_advance(&wheel, 1200);
    assert_int_equal(p.fired, 0);
    acurast__wheel_advance(&wheel, 1400);
    assert_int_equal(p.fired, 1);
    acurast__wheel_advance(&wheel, 100000);
    assert_int_equal(p.fired, 1);
}

static void test_time_that_goes_back_does_nothing(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 10000);
    probe p;
    probe_start(&p, &wheel, 100);
    acurast__wheel_advance(&wheel, 5);
    assert_int_equal(p.fired, 0);
    acurast__wheel_advance(&wheel, 10200);
    assert_int_equal(p.fired, 1);
}

static void test_thousands_of_timers_in_jumps(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    static probe probes[COUNT];
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 777);
    for (size_t i = 0; i < COUNT; i++)
        probe_start(&probes[i], &wheel, next_random() % 100000);
    uint64_t now = 777;
    size_t fired = 0;
    while (fired < COUNT) {
        now += 1 + next_random() % 3000 + (next_random() % 10 == 0 ? 2 * ROUND : 0);
        acurast__wheel_advance(&wheel, now);
        fired = 0;
        for (size_t i = 0; i < COUNT; i++) {
            if (probes[i].fired)
                assert_true(probes[i].due <= now);
            else
                assert_true(probes[i].due + TICK > now);
            fired += (size_t)probes[i].fired;
        }
        assert_int_equal(wheel.count, COUNT - fired);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(probes[i].fired, 1);
}

static void test_a_firing_timer_may_stop_and_start_others(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 0);
    probe a, b, c, d;
    probe_start(&a, &wheel, 10);
    probe_start(&b, &wheel, 10);
    probe_start(&c, &wheel, 10);
    probe_start(&d, &wheel, 5000);
    a.stops = &b;
    a.starts = &c; /* was about to fire in this same slot: comes a tick later, once */
    c.stops = &d;
    acurast__wheel_advance(&wheel, 16);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 0);
    assert_int_equal(c.fired, 0);
    acurast__wheel_advance(&wheel, 32);
    assert_int_equal(c.fired, 1);
    acurast__wheel_advance(&wheel, 9000);
    assert_int_equal(d.fired, 0);
    assert_int_equal(wheel.count, 0);
}

static void test_a_firing_timer_may_free_itself_and_others(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 0);
    probe *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b)), *c = malloc(sizeof(*c));
    probe_start(a, &wheel, 10);
    probe_start(b, &wheel, 10);
    probe_start(c, &wheel, 10 + ROUND); /* the same slot, a round later */
    probe *self = a, *other = c;
    b->frees = &other;
    a->frees = &self;
    acurast__wheel_advance(&wheel, 50);
    assert_null(self);
    assert_null(other);
    assert_int_equal(b->fired, 1);
    assert_int_equal(wheel.count, 0);
    free(b);
}

static void test_a_timer_that_always_starts_anew_ends_the_turn(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 0);
    probe p;
    probe_start(&p, &wheel, 0);
    p.again = true;
    for (uint64_t now = TICK; now <= 100 * TICK; now += TICK)
        acurast__wheel_advance(&wheel, now);
    assert_int_equal(p.fired, 100);
    acurast__wheel_advance(&wheel, 10 * ROUND); /* a long sleep is not made up for, tick by tick */
    assert_in_range(p.fired, 101, 102);
}

static void test_next_skips_what_is_empty(void **state)
{
    (void)state;
    acurast__wheel wheel;
    acurast__wheel_init(&wheel, 0);
    probe a, b;
    probe_start(&a, &wheel, 12000);
    assert_in_range(acurast__wheel_next(&wheel), 12000, 12000 + TICK);
    probe_start(&b, &wheel, 500);
    assert_in_range(acurast__wheel_next(&wheel), 500, 500 + TICK);
    acurast__timer_stop(&wheel, &b.timer);
    assert_in_range(acurast__wheel_next(&wheel), 12000, 12000 + TICK);
    acurast__wheel_advance(&wheel, 11000);
    assert_in_range(acurast__wheel_next(&wheel), 1000, 1000 + TICK);
    acurast__timer_stop(&wheel, &a.timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_runs_in_a_new_wheel),
        cmocka_unit_test(test_never_early_and_at_most_a_tick_late),
        cmocka_unit_test(test_a_delay_beyond_all_time_never_fires),
        cmocka_unit_test(test_stop_and_start_anew),
        cmocka_unit_test(test_time_that_goes_back_does_nothing),
        cmocka_unit_test(test_thousands_of_timers_in_jumps),
        cmocka_unit_test(test_a_firing_timer_may_stop_and_start_others),
        cmocka_unit_test(test_a_firing_timer_may_free_itself_and_others),
        cmocka_unit_test(test_a_timer_that_always_starts_anew_ends_the_turn),
        cmocka_unit_test(test_next_skips_what_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
