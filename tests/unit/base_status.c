/* The table of statuses: unique, complete, and told by its functions. The codes of the first release never change. */
#include "support/unit.h"

#include <acurast/status.h>

#include <ctype.h>
#include <string.h>

static size_t count_rows(void)
{
    acurast_status status;
    size_t count = 0;
    while (acurast_status_at(count, &status) == 0)
        count++;
    return count;
}

static acurast_status row(size_t index)
{
    acurast_status status = ACURAST_OK;
    assert_int_equal(acurast_status_at(index, &status), 0);
    return status;
}

static void test_the_table_is_told_in_full(void **state)
{
    (void)state;
    size_t expected = 0;
#define COUNT_ROW(name, code, retriable, text) expected++;
    ACURAST_STATUS_MAP(COUNT_ROW)
#undef COUNT_ROW
    assert_int_equal(count_rows(), expected);
    assert_int_equal(acurast_status_at(expected, NULL), -1);
    assert_int_equal(acurast_status_at(SIZE_MAX, NULL), -1);
    assert_int_equal(acurast_status_at(0, NULL), 0);
}

static void test_names_codes_and_texts_are_unique(void **state)
{
    (void)state;
    size_t count = count_rows();
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            assert_int_not_equal(row(i), row(j));
            assert_string_not_equal(acurast_status_name(row(i)), acurast_status_name(row(j)));
            assert_string_not_equal(acurast_status_text(row(i)), acurast_status_text(row(j)));
        }
    }
}

static void test_texts_are_sentences_without_a_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < count_rows(); i++) {
        const char *text = acurast_status_text(row(i));
        assert_true(strlen(text) > 3);
        assert_int_not_equal(text[strlen(text) - 1], '.');
        for (const char *c = acurast_status_name(row(i)); *c; c++)
            assert_true(isupper((unsigned char)*c) || *c == '_');
    }
}

static void test_a_number_not_in_the_table_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(acurast_status_name((acurast_status)999), "UNKNOWN");
    assert_non_null(acurast_status_text((acurast_status)999));
    assert_int_equal(acurast_status_retriable((acurast_status)999), 0);
}

static void test_known_rows(void **state)
{
    (void)state;
    assert_int_equal(ACURAST_OK, 0);
    assert_string_equal(acurast_status_name(ACURAST_OK), "OK");
    assert_string_equal(acurast_status_text(ACURAST_OK), "success");
    assert_string_equal(acurast_status_name(ACURAST_OUTBOX_FULL), "OUTBOX_FULL");
    assert_int_equal(acurast_status_retriable(ACURAST_OUTBOX_FULL), 1);
    assert_int_equal(acurast_status_retriable(ACURAST_DENIED), 0);
    for (size_t i = 0; i < count_rows(); i++)
        assert_in_range(acurast_status_retriable(row(i)), 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_told_in_full),
        cmocka_unit_test(test_names_codes_and_texts_are_unique),
        cmocka_unit_test(test_texts_are_sentences_without_a_full_stop),
        cmocka_unit_test(test_a_number_not_in_the_table_is_unknown),
        cmocka_unit_test(test_known_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
