/* Big-endian numbers and hexadecimal, and slices of text. */
#include "base/bytes.h"

#include "base/text.h"
#include "support/unit.h"

#include <string.h>

static void test_numbers_are_big_endian(void **state)
{
    (void)state;
    uint8_t bytes[8];
    acurast__store_be16(bytes, 0xabcd);
    assert_memory_equal(bytes, "\xab\xcd", 2);
    assert_int_equal(acurast__load_be16(bytes), 0xabcd);
    acurast__store_be64(bytes, UINT64_C(0x0123456789abcdef));
    assert_memory_equal(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    assert_true(acurast__load_be64(bytes) == UINT64_C(0x0123456789abcdef));
}

static void test_ids_are_equal_in_all_bytes(void **state)
{
    (void)state;
    uint8_t a[16] = {1}, b[16] = {1};
    assert_true(acurast__id_equal(a, b));
    for (size_t i = 0; i < 16; i++) {
        b[i] ^= 0x80;
        assert_false(acurast__id_equal(a, b));
        b[i] ^= 0x80;
    }
}

static void test_hex_is_lower_case(void **state)
{
    (void)state;
    char text[9];
    acurast__hex(text, (const uint8_t *)"\x00\xff\xA5\x1e", 4);
    assert_string_equal(text, "00ffa51e");
    acurast__hex(text, NULL, 0);
    assert_string_equal(text, "");
}

static acurast_status unhex(const char *text, uint8_t *bytes, size_t size)
{
    return acurast__unhex(bytes, size, text, strlen(text));
}

static void test_hex_is_read_in_either_case_with_or_without_0x(void **state)
{
    (void)state;
    static const char *const forms[] = {"00ffa51e", "00FFA51E", "0x00ffA51e", "0X00FFa51E"};
    for (size_t i = 0; i < 4; i++) {
        uint8_t bytes[4] = {0};
        assert_int_equal(unhex(forms[i], bytes, 4), ACURAST_OK);
        assert_memory_equal(bytes, "\x00\xff\xA5\x1e", 4);
    }
}

static void test_all_bytes_come_back(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    acurast__hex(text, all, sizeof(all));
    assert_int_equal(acurast__unhex(back, sizeof(back), text, 512), ACURAST_OK);
    assert_memory_equal(all, back, sizeof(all));
}

static void test_what_is_not_hex_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "0x",       "00ffa51",   "00ffa51e0", "00ffa51e00",
                                        "0x00ffa51", "00ffa51g", "00ff a51e", " 0ffa51e",  "00ffa51 ",
                                        "0x0x00ff",  "x00ffa51", "00ffa5é"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t bytes[4];
        assert_int_equal(unhex(wrong[i], bytes, 4), ACURAST_BAD_HEX);
    }
}

static void test_only_the_digits_given_are_read(void **state)
{
    (void)state;
    uint8_t bytes[2];
    assert_int_equal(acurast__unhex(bytes, 2, "abcdXX", 4), ACURAST_OK);
    assert_memory_equal(bytes, "\xab\xcd", 2);
    assert_int_equal(acurast__unhex(bytes, 2, "ab\0d", 4), ACURAST_BAD_HEX);
}

static void test_slices_are_trimmed(void **state)
{
    (void)state;
    acurast__slice slice = acurast__trim(" \t\r\n\v\fa b\n ", 11);
    assert_int_equal(slice.size, 3);
    assert_memory_equal(slice.text, "a b", 3);
    assert_int_equal(acurast__trim("   ", 3).size, 0);
    assert_int_equal(acurast__trim("", 0).size, 0);
}

static void test_words_are_compared_in_either_case(void **state)
{
    (void)state;
    acurast__slice slice = {"KiBx", 3};
    assert_true(acurast__is_word(slice, "kib", 3));
    assert_false(acurast__is_word(slice, "kibx", 4));
    assert_false(acurast__is_word(slice, "kiz", 3));
    assert_false(acurast__is_word((acurast__slice){"\x4b\xe9", 2}, "K\xc9", 2));
}

static void test_what_is_copied_can_be_printed(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"plain \\ text", "plain \\ text"},
        {"\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\x99 \xd7\x90", "\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\x99 \xd7\x90"},
        {"\x1b[2J\r\n\t\x7f", "?[2J????"},
        {"a\xc2\x80z a\xc2\x9bz a\xc2\x9fz", "a??z a??z a??z"},
        {"\xc2\xa0", "\xc2\xa0"}, /* the first after the controls */
        {"\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b??\xd8\x9d"},
        {"\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90", "\xe2\x80\x8d??????\xe2\x80\x90"},
        {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xac\xe2\x80\xaf", "\xe2\x80\xa7?????????\xe2\x80\xaf"},
        {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "\xe2\x81\xa5??????\xe2\x81\xaa"},
        {"\x9b \xc0\x9b \xe0\x82\x9b \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x80", "? ?? ??? ??? ???? ??"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[64];
        acurast__copy_printable(text, sizeof text, rows[i].from, strlen(rows[i].from));
        assert_string_equal(text, rows[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_big_endian),
        cmocka_unit_test(test_ids_are_equal_in_all_bytes),
        cmocka_unit_test(test_hex_is_lower_case),
        cmocka_unit_test(test_hex_is_read_in_either_case_with_or_without_0x),
        cmocka_unit_test(test_all_bytes_come_back),
        cmocka_unit_test(test_what_is_not_hex_is_refused),
        cmocka_unit_test(test_only_the_digits_given_are_read),
        cmocka_unit_test(test_slices_are_trimmed),
        cmocka_unit_test(test_words_are_compared_in_either_case),
        cmocka_unit_test(test_what_is_copied_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
