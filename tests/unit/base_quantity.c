/* Numbers with units: what is read, what is refused, and that what is written is read as the same. */
#include "base/quantity.h"
#include "support/unit.h"

#include <stdbool.h>
#include <string.h>

typedef struct row {
    acurast__quantity quantity;
    const char *text;
    int64_t value; /* -1: refused */
} row;

static void test_what_is_read(void **state)
{
    (void)state;
    static const row rows[] = {
        {ACURAST__QUANTITY_PLAIN, "0", 0},
        {ACURAST__QUANTITY_PLAIN, "007", 7},
        {ACURAST__QUANTITY_PLAIN, "9223372036854775807", INT64_MAX},
        {ACURAST__QUANTITY_PLAIN, "9223372036854775808", INT64_MAX},
        {ACURAST__QUANTITY_PLAIN, "99999999999999999999999999", INT64_MAX},
        {ACURAST__QUANTITY_PLAIN, "", -1},
        {ACURAST__QUANTITY_PLAIN, "-1", -1},
        {ACURAST__QUANTITY_PLAIN, "+1", -1},
        {ACURAST__QUANTITY_PLAIN, "1.5", -1},
        {ACURAST__QUANTITY_PLAIN, "1k", -1},
        {ACURAST__QUANTITY_PLAIN, "0x10", -1},
        {ACURAST__QUANTITY_BYTES, "4096", 4096},
        {ACURAST__QUANTITY_BYTES, "4KiB", 4096},
        {ACURAST__QUANTITY_BYTES, "16 mib", 16 << 20},
        {ACURAST__QUANTITY_BYTES, "1024GIB", INT64_C(1) << 40},
        {ACURAST__QUANTITY_BYTES, "8589934592GiB", INT64_MAX},
        {ACURAST__QUANTITY_BYTES, "16MB", -1},
        {ACURAST__QUANTITY_BYTES, "16M", -1},
        {ACURAST__QUANTITY_BYTES, "KiB", -1},
        {ACURAST__QUANTITY_BYTES, "1KiB 2", -1},
        {ACURAST__QUANTITY_MILLISECONDS, "1500", 1500},
        {ACURAST__QUANTITY_MILLISECONDS, "1500ms", 1500},
        {ACURAST__QUANTITY_MILLISECONDS, "30s", 30000},
        {ACURAST__QUANTITY_MILLISECONDS, "2m", 120000},
        {ACURAST__QUANTITY_MILLISECONDS, "1H", 3600000},
        {ACURAST__QUANTITY_MILLISECONDS, "1d", -1},
        {ACURAST__QUANTITY_SECONDS, "30", 30},
        {ACURAST__QUANTITY_SECONDS, "30s", 30},
        {ACURAST__QUANTITY_SECONDS, "5 m", 300},
        {ACURAST__QUANTITY_SECONDS, "24h", 86400},
        {ACURAST__QUANTITY_SECONDS, "30ms", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t value = -1;
        bool read = acurast__quantity_parse(rows[i].quantity, rows[i].text, strlen(rows[i].text), &value);
        assert_int_equal(read, rows[i].value >= 0);
        assert_true(value == rows[i].value);
    }
}

static void test_only_the_slice_is_read(void **state)
{
    (void)state;
    int64_t value = -1;
    assert_true(acurast__quantity_parse(ACURAST__QUANTITY_BYTES, "12345", 2, &value));
    assert_int_equal(value, 12);
}

static void test_what_is_written(void **state)
{
    (void)state;
    static const row rows[] = {
        {ACURAST__QUANTITY_PLAIN, "0", 0},
        {ACURAST__QUANTITY_PLAIN, "9223372036854775807", INT64_MAX},
        {ACURAST__QUANTITY_BYTES, "0", 0},
        {ACURAST__QUANTITY_BYTES, "1000", 1000},
        {ACURAST__QUANTITY_BYTES, "64KiB", 65536},
        {ACURAST__QUANTITY_BYTES, "1025KiB", 1025 << 10},
        {ACURAST__QUANTITY_BYTES, "1024GiB", INT64_C(1) << 40},
        {ACURAST__QUANTITY_MILLISECONDS, "0", 0},
        {ACURAST__QUANTITY_MILLISECONDS, "1ms", 1},
        {ACURAST__QUANTITY_MILLISECONDS, "1500ms", 1500},
        {ACURAST__QUANTITY_MILLISECONDS, "90s", 90000},
        {ACURAST__QUANTITY_MILLISECONDS, "24h", 86400000},
        {ACURAST__QUANTITY_SECONDS, "30s", 30},
        {ACURAST__QUANTITY_SECONDS, "1m", 60},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[ACURAST__QUANTITY_TEXT];
        acurast__quantity_render(rows[i].quantity, rows[i].value, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    for (int quantity = ACURAST__QUANTITY_PLAIN; quantity <= ACURAST__QUANTITY_SECONDS; quantity++) {
        for (int64_t value = 0; value < INT64_MAX / 3; value = value * 3 / 2 + 7) {
            char text[ACURAST__QUANTITY_TEXT];
            int64_t back = -1;
            acurast__quantity_render((acurast__quantity)quantity, value, text);
            assert_true(acurast__quantity_parse((acurast__quantity)quantity, text, strlen(text), &back));
            assert_true(back == value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_only_the_slice_is_read),
        cmocka_unit_test(test_what_is_written),
        cmocka_unit_test(test_what_is_written_is_read_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
