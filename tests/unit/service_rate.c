/* Rates of one connection: bursts, refills and debts by a clock that the test moves. */
#include "service/rate.h"

#include "support/unit.h"

static size_t messages_until_debt(acurast__rate *rate, const acurast__rate_limits *limits, uint64_t now, size_t size)
{
    size_t count = 0;
    while (count < 1000000 && acurast__rate_spend(rate, limits, now, size))
        count++;
    return count;
}

static void one_second_is_a_burst(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 100, .bytes = 0};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 5000);
    assert_int_equal(messages_until_debt(&rate, &limits, 5000, 10), 100);
}

static void a_long_rest_is_no_larger_burst(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 100, .bytes = 0};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 0);
    assert_int_equal(messages_until_debt(&rate, &limits, 1000000, 10), 100);
}

static void it_refills_at_the_rate(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 100, .bytes = 0};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 0);
    messages_until_debt(&rate, &limits, 0, 10); /* the last one is a debt of one message: 10 ms */
    assert_int_equal(acurast__rate_wait(&rate, &limits), 10);
    assert_int_equal(messages_until_debt(&rate, &limits, 510, 10), 50);
}

static void bytes_count_too(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 0, .bytes = 1000};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 0);
    assert_int_equal(messages_until_debt(&rate, &limits, 0, 250), 4);
    assert_int_equal(acurast__rate_wait(&rate, &limits), 250);
}

static void a_message_larger_than_the_bucket_is_a_debt_to_be_paid(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 0, .bytes = 1000};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 0);
    assert_false(acurast__rate_spend(&rate, &limits, 0, 5000));
    assert_int_equal(acurast__rate_wait(&rate, &limits), 4000);
    acurast__rate_refill(&rate, &limits, 3999);
    assert_int_equal(acurast__rate_wait(&rate, &limits), 1);
    acurast__rate_refill(&rate, &limits, 4000);
    assert_true(acurast__rate_spend(&rate, &limits, 5000, 1000));
}

static void no_limit_never_pauses(void **state)
{
    (void)state;
    acurast__rate_limits limits = {0};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 0);
    for (uint64_t now = 0; now < 100; now++)
        for (int i = 0; i < 1000; i++)
            assert_true(acurast__rate_spend(&rate, &limits, now, (size_t)1 << 30));
}

static void the_largest_limits_do_not_overflow(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 1000000000, .bytes = (int64_t)1 << 40};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 1);
    for (uint64_t now = 1; now < (uint64_t)1 << 50; now *= 3)
        assert_true(acurast__rate_spend(&rate, &limits, now, (size_t)1 << 30));
}

static void time_that_stands_still_or_goes_back_gives_nothing(void **state)
{
    (void)state;
    acurast__rate_limits limits = {.messages = 10, .bytes = 0};
    acurast__rate rate;
    acurast__rate_init(&rate, &limits, 1000);
    messages_until_debt(&rate, &limits, 1000, 1);
    assert_false(acurast__rate_spend(&rate, &limits, 1000, 1));
    assert_false(acurast__rate_spend(&rate, &limits, 500, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_second_is_a_burst),
        cmocka_unit_test(a_long_rest_is_no_larger_burst),
        cmocka_unit_test(it_refills_at_the_rate),
        cmocka_unit_test(bytes_count_too),
        cmocka_unit_test(a_message_larger_than_the_bucket_is_a_debt_to_be_paid),
        cmocka_unit_test(no_limit_never_pauses),
        cmocka_unit_test(the_largest_limits_do_not_overflow),
        cmocka_unit_test(time_that_stands_still_or_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
