/* Text that others wrote, as the programs print it. What texts become is in tests/vectors/foreign.json as well, for all programs. */
#include "foreign.h"

#include "support/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct row {
    const char *from;
    const char *shown;
    const char *quoted; /* NULL: no text, which is not quoted */
};

static const struct row rows[] = {
    {"plain", "plain", "\"plain\""},
    {"\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\x99", "\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\x99",
     "\"\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\x99\""},
    {"a\\n \"b\"", "a\\n \"b\"", "\"a\\\\n \\\"b\\\"\""},
    {"\\x1b\\u{9b}\\", "\\x5cx1b\\x5cu{9b}\\", "\"\\\\x1b\\\\u{9b}\\\\\""},
    {"\x1b[2J\n\x7f", "\\x1b[2J\\x0a\\x7f", "\"\\u001b[2J\\u000a\\u007f\""},
    {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u{80}\\u{9b}\\u{9f}\xc2\xa0", "\"\\u0080\\u009b\\u009f\xc2\xa0\""},
    {"\xd8\x9c\xe2\x80\x8e\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\xac",
     "\\u{61c}\\u{200e}\\u{202e}\\u{2066}\\u{2069}\\u{202c}", "\"\\u061c\\u200e\\u202e\\u2066\\u2069\\u202c\""},
    {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}", "\"\\u2028\\u2029\""},
    {"\x9b\x31m", "\\x9b1m", NULL},
    {"\xc0\x9b", "\\xc0\\x9b", NULL},
    {"\xe0\x82\x9b", "\\xe0\\x82\\x9b", NULL},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", NULL},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", NULL},
    {"a\xe2\x80", "a\\xe2\\x80", NULL},
    {"\xe2\xc2\x9b", "\\xe2\\u{9b}", NULL},
};

static char *printed(const void *bytes, size_t size, void (*print)(FILE *stream, const uint8_t *bytes, size_t size))
{
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    print(stream, bytes, size);
    fclose(stream);
    return text;
}

static void show(FILE *stream, const uint8_t *bytes, size_t size)
{
    foreign_print(stream, bytes, size);
}

static void test_what_steers_is_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *text = printed(rows[i].from, strlen(rows[i].from), show);
        assert_string_equal(text, rows[i].shown);
        free(text);
    }
}

static void test_json_has_its_own_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t size = strlen(rows[i].from);
        assert_int_equal(foreign_is_utf8((const uint8_t *)rows[i].from, size), rows[i].quoted != NULL);
        if (!rows[i].quoted)
            continue;
        char *text = printed(rows[i].from, size, foreign_quote);
        assert_string_equal(text, rows[i].quoted);
        free(text);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of all pairs of bytes: nothing gets out that a terminal would obey, and no two print the same. */
static void test_pairs_of_bytes_stay_different(void **state)
{
    (void)state;
    enum {
        PAIRS = 256 * 256
    };
    char **all = calloc(PAIRS, sizeof *all);
    assert_non_null(all);
    for (unsigned i = 0; i < PAIRS; i++) {
        uint8_t pair[4] = {(uint8_t)(i >> 8), (uint8_t)i, 'x', '1'};
        all[i] = printed(pair, sizeof pair, show);
        assert_true(foreign_is_utf8((const uint8_t *)all[i], strlen(all[i])));
        for (const char *at = all[i]; *at; at++)
            assert_true((uint8_t)*at >= ' ' && *at != 0x7f && !((uint8_t)at[0] == 0xc2 && (uint8_t)at[1] < 0xa0));
    }
    qsort(all, PAIRS, sizeof *all, by_text);
    for (unsigned i = 1; i < PAIRS; i++)
        assert_true(strcmp(all[i], all[i - 1]) != 0);
    for (unsigned i = 0; i < PAIRS; i++)
        free(all[i]);
    free(all);
}

static void test_a_long_text_is_whole(void **state)
{
    (void)state;
    enum {
        SIZE = 100000
    };
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    memset(bytes, 0x1b, SIZE);
    char *text = printed(bytes, SIZE, show);
    assert_int_equal(strlen(text), 4 * SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_memory_equal(text + 4 * i, "\\x1b", 4);
    free(text);
    free(bytes);
}

/* What is told on standard error, into `out`. */
static void told(char *out, size_t capacity, const char *word)
{
    char path[] = "/tmp/acurast-foreign-XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0);
    unlink(path);
    dup2(file, STDERR_FILENO);
    foreign_tell("said: %s!", word);
    dup2(kept, STDERR_FILENO);
    ssize_t size = pread(file, out, capacity - 1, 0);
    assert_true(size >= 0);
    out[size] = '\0';
    close(file);
    close(kept);
}

static void test_a_message_is_one_line(void **state)
{
    (void)state;
    char out[16384], word[4001];
    told(out, sizeof out, "a\nb\x1b[m\xc2\x9b");
    assert_string_equal(out, "said: a\\x0ab\\x1b[m\\u{9b}!\n");
    memset(word, '\n', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    told(out, sizeof out, word);
    assert_true(strlen(out) < sizeof out - 1);
    assert_string_equal(out + strlen(out) - 8, "\\x0a...\n");
}

/* A value means the same afterwards: between values a blank is a blank, in strings an escape is the character. */
static void test_a_value_of_json_stays_what_it_is(void **state)
{
    static const char *const values[][2] = {
        {"{\"a\": [1, 2.5e3, true, null]}", "{\"a\": [1, 2.5e3, true, null]}"},
        {"[1,\n\t2\r]", "[1,  2 ]"},
        {"\"\xc3\xa9\\u0041\\\\x\"", "\"\xc3\xa9\\u0041\\\\x\""},
        {"\"\x7f\xc2\x9b\xe2\x80\xae\xd8\x9c\xe2\x80\xac\"", "\"\\u007f\\u009b\\u202e\\u061c\\u202c\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char *text = printed(values[i][0], strlen(values[i][0]), foreign_json);
        assert_string_equal(text, values[i][1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_steers_is_escaped),        cmocka_unit_test(test_json_has_its_own_escapes),
        cmocka_unit_test(test_pairs_of_bytes_stay_different), cmocka_unit_test(test_a_long_text_is_whole),
        cmocka_unit_test(test_a_message_is_one_line),         cmocka_unit_test(test_a_value_of_json_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
