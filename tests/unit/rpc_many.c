/* Quorums: when enough have answered, when they agree, when they no longer can, and what is kept. */
#include "support/unit.h"

#include "rpc/many.h"

#include <stdio.h>
#include <string.h>

static acurast__many *make(uint32_t count, uint32_t need, bool agree)
{
    acurast__many_params params = {.encoding = ACURAST__RPC_JSON,
                                   .count = count,
                                   .need = need,
                                   .agree = agree,
                                   .answer_max = 100,
                                   .total_max = 100000};
    acurast__many *many = acurast__many_create(&params);
    assert_non_null(many);
    assert_int_equal(acurast__many_state_of(many), ACURAST__MANY_OPEN);
    return many;
}

/*
 * What each says, in order: a letter is the result "letter", '!' an error, '.' a failure; the state at the end of each; and the groups at
 * the end of all.
 */
static void run(uint32_t need, bool agree, const char *said, const char *states, const char *groups)
{
    acurast__many *many = make((uint32_t)strlen(said), need, agree);
    for (uint32_t i = 0; said[i]; i++) {
        bool open = acurast__many_state_of(many) == ACURAST__MANY_OPEN;
        char text[] = {'"', said[i], '"'};
        acurast__raw raw = {(const uint8_t *)text, sizeof text};
        acurast_status status =
            said[i] == '.'
                ? acurast__many_failed(many, i, ACURAST_TIMEOUT)
                : acurast__many_answered(many, i, said[i] == '!' ? ACURAST__RPC_ERROR : ACURAST__RPC_RESULT, raw);
        assert_int_equal(status, open ? ACURAST_OK : ACURAST_INVALID);
        assert_int_equal(acurast__many_state_of(many), states[i] == 'o'   ? ACURAST__MANY_OPEN
                                                       : states[i] == 'd' ? ACURAST__MANY_DONE
                                                                          : ACURAST__MANY_IMPOSSIBLE);
        const acurast__many_answer *answer = acurast__many_answer_at(many, i);
        assert_int_equal(answer->said, !open            ? ACURAST__MANY_NOTHING
                                       : said[i] == '.' ? ACURAST__MANY_FAILED
                                       : said[i] == '!' ? ACURAST__MANY_ERROR
                                                        : ACURAST__MANY_RESULT);
        if (open && said[i] != '.')
            assert_memory_equal(answer->raw.bytes, text, sizeof text);
    }
    for (uint32_t i = 0; said[i]; i++)
        assert_int_equal(acurast__many_group(many, i), groups[i] - '0');
    acurast__many_destroy(many);
}

static void first_answers(void **state)
{
    (void)state;
    run(1, false, "abc", "ddd", "100");
    run(2, false, "abc", "odd", "110");
    run(3, false, "abc", "ood", "111");
    run(2, false, "!bc", "ood", "011");
    run(2, false, "!.c", "oii", "000");
    run(3, false, "!bc", "iii", "000");
    run(1, false, ".", "i", "0");
}

static void equal_answers(void **state)
{
    (void)state;
    run(2, true, "aa", "od", "11");
    run(2, true, "ab", "oi", "12");
    run(2, true, "aba", "ood", "121");
    run(2, true, "abb", "ood", "211");
    run(3, true, "aabb", "oooi", "1122");
    run(3, true, "abab", "oooi", "1212");
    run(3, true, "abccc", "ooood", "23111");
    run(3, true, "ababa", "ooood", "12121");
    run(3, true, "!aaa", "oood", "0111");
    run(3, true, "!a!aa", "ooood", "01011");
    run(3, true, "..aaa", "ooood", "00111");
    run(3, true, ".!.", "iii", "000");
    run(2, true, "!!!", "oii", "000");
    run(1, true, "ab", "dd", "10");
}

static void groups(void **state)
{
    (void)state;
    acurast__many *many = make(4, 4, true);
    static const char *const said[] = {"{\"a\":1,\"b\":2}", "{ \"b\":2.0,\"a\":1}", "[1]", "{\"a\":1,\"b\":2}"};
    for (uint32_t i = 0; i < 3; i++)
        (void)acurast__many_answered(many, i, ACURAST__RPC_RESULT,
                                     (acurast__raw){(const uint8_t *)said[i], strlen(said[i])});
    assert_int_equal(acurast__many_state_of(many), ACURAST__MANY_IMPOSSIBLE);
    assert_int_equal(acurast__many_group(many, 0), 1);
    assert_int_equal(acurast__many_group(many, 1), 1);
    assert_int_equal(acurast__many_group(many, 2), 2);
    assert_int_equal(acurast__many_group(many, 3), 0);
    assert_int_equal(acurast__many_group(many, 4), 0);
    assert_null(acurast__many_answer_at(many, 4));
    acurast__many_destroy(many);
}

/* 43 processors, 3 must agree, each of the others says something else. */
static void oracle(void **state)
{
    (void)state;
    acurast__many *many = make(43, 3, true);
    for (uint32_t i = 0; i < 43; i++) {
        char text[16];
        bool agrees = i == 7 || i == 20 || i == 41;
        int size = snprintf(text, sizeof text, "%u", agrees ? 1000 : i);
        assert_int_equal(acurast__many_state_of(many), i <= 41 ? ACURAST__MANY_OPEN : ACURAST__MANY_DONE);
        (void)acurast__many_answered(many, i, ACURAST__RPC_RESULT, (acurast__raw){(uint8_t *)text, (size_t)size});
    }
    for (uint32_t i = 0; i < 43; i++)
        assert_int_equal(acurast__many_group(many, i) == 1, i == 7 || i == 20 || i == 41);
    acurast__many_destroy(many);
}

static void bounds(void **state)
{
    (void)state;
    acurast__many_params params = {
        .encoding = ACURAST__RPC_JSON, .count = 3, .need = 4, .answer_max = 10, .total_max = 15};
    assert_null(acurast__many_create(&params));
    params.need = 0;
    assert_null(acurast__many_create(&params));
    params.count = params.need = ACURAST__MANY_MAX + 1;
    assert_null(acurast__many_create(&params));
    params.count = 3;
    params.need = 1;
    acurast__many *many = acurast__many_create(&params);
    acurast__raw raw = {(const uint8_t *)"\"123456789\"", 11};
    assert_int_equal(acurast__many_answered(many, 3, ACURAST__RPC_RESULT, raw), ACURAST_INVALID);
    assert_int_equal(acurast__many_answered(many, 0, ACURAST__RPC_REQUEST, raw), ACURAST_INVALID);
    assert_int_equal(acurast__many_answered(many, 0, ACURAST__RPC_RESULT, raw), ACURAST_OK);
    assert_int_equal(acurast__many_answer_at(many, 0)->said, ACURAST__MANY_TOO_MUCH);
    assert_int_equal(acurast__many_answered(many, 0, ACURAST__RPC_RESULT, raw), ACURAST_INVALID);
    raw = (acurast__raw){(const uint8_t *)"12345678", 8};
    assert_int_equal(acurast__many_answered(many, 1, ACURAST__RPC_ERROR, raw), ACURAST_OK);
    assert_int_equal(acurast__many_answer_at(many, 1)->said, ACURAST__MANY_ERROR);
    assert_int_equal(acurast__many_answered(many, 2, ACURAST__RPC_RESULT, raw),
                     ACURAST_OK); /* one more than all may have */
    assert_int_equal(acurast__many_answer_at(many, 2)->said, ACURAST__MANY_TOO_MUCH);
    assert_int_equal(acurast__many_state_of(many), ACURAST__MANY_IMPOSSIBLE);
    acurast__many_destroy(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_answers), cmocka_unit_test(equal_answers),
                                       cmocka_unit_test(groups), cmocka_unit_test(oracle), cmocka_unit_test(bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
