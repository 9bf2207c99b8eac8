/* Waits between tries: their bounds, their growth, and what starts them anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/backoff.h"

static void test_jitter_is_full(void **state)
{
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 100, 1000);
    assert_int_equal(acurast__backoff_next(&backoff, 0, 0), 0);
    acurast__backoff_init(&backoff, 100, 1000);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 100);
    acurast__backoff_init(&backoff, 100, 1000);
    assert_in_range(acurast__backoff_next(&backoff, 0, UINT32_MAX / 2), 49, 51);
}

static void test_doubles_up_to_the_maximum(void **state)
{
    static const uint32_t bounds[] = {100, 200, 400, 800, 1000, 1000, 1000};
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 100, 1000);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), bounds[i]);
}

static void test_does_not_overflow(void **state)
{
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 1, UINT32_MAX);
    for (int i = 0; i < 40; i++)
        acurast__backoff_next(&backoff, 0, UINT32_MAX);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), UINT32_MAX);
}

static void test_starts_anew_after_a_good_connection(void **state)
{
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 100, 1000);
    acurast__backoff_next(&backoff, 0, 0);
    acurast__backoff_lived(&backoff, ACURAST__BACKOFF_STABLE_MS - 1);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 200);
    acurast__backoff_lived(&backoff, ACURAST__BACKOFF_STABLE_MS);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 100);
}

static void test_floor(void **state)
{
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 100, 5000);
    assert_int_equal(acurast__backoff_next(&backoff, 1000, UINT32_MAX), 1000);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 200);
    acurast__backoff_init(&backoff, 100, 500);
    assert_int_equal(acurast__backoff_next(&backoff, 1000, UINT32_MAX), 500);
}

static void test_minimum_above_maximum(void **state)
{
    acurast__backoff backoff;
    (void)state;
    acurast__backoff_init(&backoff, 1000, 50);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 50);
    assert_int_equal(acurast__backoff_next(&backoff, 0, UINT32_MAX), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter_is_full),
        cmocka_unit_test(test_doubles_up_to_the_maximum),
        cmocka_unit_test(test_does_not_overflow),
        cmocka_unit_test(test_starts_anew_after_a_good_connection),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_minimum_above_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
