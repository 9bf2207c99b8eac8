/* The order in which services are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "client/round.h"

static acurast__round make_round(size_t count, bool sticky)
{
    acurast__round round = {.count = count, .sticky = sticky};
    round.candidates = acurast__alloc_zero(count * sizeof *round.candidates);
    assert_non_null(round.candidates);
    return round;
}

static void test_walks_once(void **state)
{
    acurast__round round = make_round(3, false);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(acurast__round_more(&round, 10));
        assert_int_equal(acurast__round_next(&round, 10), i);
    }
    assert_false(acurast__round_more(&round, 10));
    assert_true(acurast__round_next(&round, 10) == ACURAST__ROUND_OVER);
    acurast__round_restart(&round);
    assert_int_equal(acurast__round_next(&round, 10), 0);
    acurast__round_clear(&round);
}

static void test_ordered_begins_at_the_first(void **state)
{
    acurast__round round = make_round(3, false);
    (void)state;
    acurast__round_next(&round, 0);
    acurast__round_next(&round, 0);
    acurast__round_accepted(&round, 1);
    assert_int_equal(acurast__round_next(&round, 0), 0);
    acurast__round_clear(&round);
}

static void test_sticky_begins_at_the_last_good(void **state)
{
    static const size_t order[] = {1, 2, 0};
    acurast__round round = make_round(3, true);
    (void)state;
    acurast__round_accepted(&round, 1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(acurast__round_next(&round, 0), order[i]);
    assert_false(acurast__round_more(&round, 0));
    acurast__round_clear(&round);
}

static void test_leaves_alone_who_refused(void **state)
{
    acurast__round round = make_round(2, false);
    (void)state;
    acurast__round_refused(&round, 0, 1000);
    assert_int_equal(acurast__round_next(&round, 999), 1);
    assert_false(acurast__round_more(&round, 999));
    assert_int_equal(acurast__round_wait(&round, 999), 0);
    acurast__round_refused(&round, 1, 1200);
    assert_int_equal(acurast__round_wait(&round, 900), 100);
    acurast__round_restart(&round);
    assert_true(acurast__round_next(&round, 900) == ACURAST__ROUND_OVER);
    acurast__round_restart(&round);
    assert_int_equal(acurast__round_next(&round, 1000), 0);
    acurast__round_clear(&round);
}

static void test_hopeless(void **state)
{
    acurast__round round = make_round(2, false);
    (void)state;
    assert_false(acurast__round_all_hopeless(&round));
    acurast__round_hopeless(&round, 0, true);
    assert_false(acurast__round_all_hopeless(&round));
    acurast__round_hopeless(&round, 1, true);
    assert_true(acurast__round_all_hopeless(&round));
    acurast__round_hopeless(&round, 0, false);
    assert_false(acurast__round_all_hopeless(&round));
    acurast__round_clear(&round);
}

static void test_repeats(void **state)
{
    acurast__candidate candidates[2] = {{.hopeless = false}};
    acurast__round round = {.candidates = candidates, .count = 2};
    (void)state;
    assert_false(acurast__round_repeats(&round, 0, ACURAST_CONNECT, "refused"));
    assert_true(acurast__round_repeats(&round, 0, ACURAST_CONNECT, "refused"));
    assert_false(acurast__round_repeats(&round, 1, ACURAST_CONNECT, "refused"));
    assert_true(acurast__round_repeats(&round, 0, ACURAST_CONNECT, "refused"));
    assert_false(acurast__round_repeats(&round, 0, ACURAST_CONNECT, "reset"));
    assert_false(acurast__round_repeats(&round, 0, ACURAST_LOST, "reset"));
    assert_false(acurast__round_repeats(&round, 0, ACURAST_LOST, ""));
    assert_true(acurast__round_repeats(&round, 0, ACURAST_LOST, ""));
    acurast__round_accepted(&round, 1);
    assert_false(acurast__round_repeats(&round, 0, ACURAST_LOST, ""));
    assert_false(acurast__round_repeats(&round, 1, ACURAST_CONNECT, "refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks_once),
        cmocka_unit_test(test_ordered_begins_at_the_first),
        cmocka_unit_test(test_sticky_begins_at_the_last_good),
        cmocka_unit_test(test_leaves_alone_who_refused),
        cmocka_unit_test(test_hopeless),
        cmocka_unit_test(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
