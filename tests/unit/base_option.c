/* The table of options is sound, and objects read, write, tell and refuse by it. */
#include "base/memory.h"
#include "base/option.h"
#include "support/unit.h"

#include <acurast/context.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static acurast_options *options;
static int64_t live_before;

static acurast_options *make(acurast_option_scope scope)
{
    acurast_options *made = NULL;
    assert_int_equal(acurast_options_create(scope, &made), ACURAST_OK);
    return made;
}

static int setup(void **state)
{
    (void)state;
    live_before = acurast_live_objects();
    options = make(ACURAST_SCOPE_SERVICE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    acurast_options_release(options);
    assert_int_equal(acurast_live_objects(), live_before);
    return 0;
}

static const char *text_of(const acurast_options *of, const char *name)
{
    static char text[4096];
    size_t size = sizeof(text);
    assert_int_equal(acurast_options_get(of, name, text, &size), ACURAST_OK);
    assert_int_equal(size, strlen(text) + 1);
    return text;
}

static int64_t number_of(const char *name)
{
    int64_t number = -1;
    assert_int_equal(acurast_options_get_int(options, name, &number), ACURAST_OK);
    return number;
}

static acurast_option_info row_at(size_t index)
{
    acurast_option_info row;
    assert_int_equal(acurast_option_at(index, &row), ACURAST_OK);
    return row;
}

static bool is_number(acurast_option_type type)
{
    return type >= ACURAST_OPTION_BOOL && type <= ACURAST_OPTION_SECONDS;
}

/* ---- the table ---- */

static void test_rows_end_where_the_enum_ends(void **state)
{
    (void)state;
    acurast_option_info row;
    assert_int_equal(acurast_option_at(ACURAST__OPTION_COUNT - 1, &row), ACURAST_OK);
    assert_int_equal(acurast_option_at(ACURAST__OPTION_COUNT, &row), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_option_at(SIZE_MAX, &row), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_option_at(0, NULL), ACURAST_INVALID);
}

static void test_names_are_words_and_unique_in_their_scope(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACURAST__OPTION_COUNT; i++) {
        acurast_option_info row = row_at(i);
        assert_int_equal(strspn(row.name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row.name));
        assert_true(row.name[0] != '-' && row.name[strlen(row.name) - 1] != '-' && !strstr(row.name, "--"));
        for (size_t j = i + 1; j < ACURAST__OPTION_COUNT; j++) {
            if (row_at(j).scope == row.scope)
                assert_string_not_equal(row_at(j).name, row.name);
        }
    }
}

static void test_rows_of_a_scope_stand_together(void **state)
{
    (void)state;
    for (size_t i = 1; i < ACURAST__OPTION_COUNT; i++)
        assert_true(row_at(i).scope >= row_at(i - 1).scope);
}

static void test_help_is_one_sentence_without_a_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACURAST__OPTION_COUNT; i++) {
        acurast_option_info row = row_at(i);
        assert_true(strlen(row.help) > 10);
        assert_true(row.help[strlen(row.help) - 1] != '.');
        assert_null(strchr(row.help, '\n'));
    }
}

static void test_ranges_fit_their_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACURAST__OPTION_COUNT; i++) {
        acurast_option_info row = row_at(i);
        int64_t words = 1;
        for (const char *c = row.choices; *c; c++)
            words += *c == '|';
        assert_int_equal(row.type == ACURAST_OPTION_CHOICE, row.choices[0] != '\0');
        if (row.type == ACURAST_OPTION_BOOL || row.type == ACURAST_OPTION_CHOICE)
            assert_true(row.min == 0 && row.max == (row.choices[0] ? words - 1 : 1));
        else if (row.type == ACURAST_OPTION_TEXT)
            assert_true(row.min == 0 && row.max == 0);
        else
            assert_true(row.min >= 0 && row.max > row.min);
    }
}

/* Defaults are read at creation and lie in the range; every value told is taken again, and told the same. */
static void test_defaults_are_sound_and_come_back(void **state)
{
    (void)state;
    for (acurast_option_scope scope = ACURAST_SCOPE_CONTEXT; scope <= ACURAST_SCOPE_SERVICE; scope++) {
        acurast_options *made = make(scope);
        for (size_t i = 0; i < ACURAST__OPTION_COUNT; i++) {
            acurast_option_info row = row_at(i);
            if (row.scope != scope)
                continue;
            assert_false(acurast__options_given(made, (acurast__option)i));
            int64_t number = -1, again = -1;
            acurast_status expected = is_number(row.type) ? ACURAST_OK : ACURAST_BAD_OPTION;
            assert_int_equal(acurast_options_get_int(made, row.name, &number), expected);
            if (is_number(row.type))
                assert_true(number >= row.min && number <= row.max);
            char told[4096];
            snprintf(told, sizeof(told), "%s", text_of(made, row.name));
            assert_int_equal(acurast_options_set(made, row.name, told), ACURAST_OK);
            assert_string_equal(text_of(made, row.name), told);
            assert_int_equal(acurast_options_get_int(made, row.name, &again), expected);
            assert_true(again == number);
            assert_true(acurast__options_given(made, (acurast__option)i));
        }
        acurast_options_release(made);
    }
}

static void test_both_ends_of_a_range_are_in_and_their_neighbours_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACURAST__OPTION_COUNT; i++) {
        acurast_option_info row = row_at(i);
        if (!is_number(row.type))
            continue;
        acurast_options *made = make(row.scope);
        assert_int_equal(acurast_options_set_int(made, row.name, row.min), ACURAST_OK);
        assert_int_equal(acurast_options_set_int(made, row.name, row.max), ACURAST_OK);
        assert_int_equal(acurast_options_set_int(made, row.name, row.min - 1), ACURAST_BAD_OPTION);
        assert_int_equal(acurast_options_set_int(made, row.name, row.max + 1), ACURAST_BAD_OPTION);
        assert_int_equal(acurast_options_set_int(made, row.name, INT64_MIN), ACURAST_BAD_OPTION);
        assert_int_equal(acurast_options_set_int(made, row.name, INT64_MAX), ACURAST_BAD_OPTION);
        assert_true(acurast__options_number(made, (acurast__option)i) == row.max);
        acurast_options_release(made);
    }
}

/* ---- values ---- */

static void test_arguments_are_checked(void **state)
{
    (void)state;
    acurast_options *made = (acurast_options *)&made;
    int64_t number;
    size_t size = 0;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CLIENT, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_create((acurast_option_scope)0, &made), ACURAST_INVALID);
    assert_null(made);
    assert_int_equal(acurast_options_create((acurast_option_scope)4, &made), ACURAST_INVALID);
    assert_int_equal(acurast_options_clone(NULL, &made), ACURAST_INVALID);
    assert_int_equal(acurast_options_clone(options, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_set(NULL, "listen", "x"), ACURAST_INVALID);
    assert_int_equal(acurast_options_set(options, NULL, "x"), ACURAST_INVALID);
    assert_int_equal(acurast_options_set(options, "listen", NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_set_int(NULL, "memory", 1), ACURAST_INVALID);
    assert_int_equal(acurast_options_set_int(options, NULL, 1), ACURAST_INVALID);
    assert_int_equal(acurast_options_add(options, "listen", NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_add(NULL, "listen", "x"), ACURAST_INVALID);
    assert_int_equal(acurast_options_add(options, NULL, "x"), ACURAST_INVALID);
    assert_int_equal(acurast_options_get_int(options, "memory", NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_get_int(options, NULL, &number), ACURAST_INVALID);
    assert_int_equal(acurast_options_get_int(NULL, "memory", &number), ACURAST_INVALID);
    assert_int_equal(acurast_options_get(options, "memory", NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_options_get(options, NULL, NULL, &size), ACURAST_INVALID);
    assert_int_equal(acurast_options_get(NULL, "memory", NULL, &size), ACURAST_INVALID);
    assert_string_equal(acurast_options_error(NULL), "");
    acurast_options_release(NULL);
}

static void test_numbers_take_units(void **state)
{
    (void)state;
    assert_int_equal(acurast_options_set(options, "max-frame", " 64 KiB\n"), ACURAST_OK);
    assert_int_equal(number_of("max-frame"), 65536);
    assert_int_equal(acurast_options_set(options, "drain-time", "1500ms"), ACURAST_OK);
    assert_int_equal(number_of("drain-time"), 1500);
    assert_string_equal(text_of(options, "drain-time"), "1500ms");
    assert_int_equal(acurast_options_set(options, "mailbox-seconds", "2m"), ACURAST_OK);
    assert_int_equal(number_of("mailbox-seconds"), 120);
    assert_int_equal(acurast_options_set_int(options, "max-pending", 77), ACURAST_OK);
    assert_string_equal(text_of(options, "max-pending"), "77");
    assert_int_equal(acurast__options_number(options, ACURAST__OPTION_MAX_PENDING), 77);
}

static void test_booleans_take_their_words(void **state)
{
    (void)state;
    static const char *const words[] = {"on", "off", "true", "false", "yes", "no", "1", "0", "ON", "False"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(acurast_options_set(options, "extensions", words[i]), ACURAST_OK);
        assert_int_equal(number_of("extensions"), i % 2 == 0);
        assert_string_equal(text_of(options, "extensions"), i % 2 == 0 ? "on" : "off");
    }
    assert_int_equal(acurast_options_set_int(options, "extensions", 1), ACURAST_OK);
    assert_true(acurast__options_flag(options, ACURAST__OPTION_SERVICE_EXTENSIONS));
    assert_int_equal(acurast_options_set_int(options, "extensions", 2), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_set(options, "extensions", "maybe"), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options), "option extensions: \"maybe\" is not on or off");
    assert_int_equal(acurast_options_set(options, "extensions", ""), ACURAST_BAD_OPTION);
}

static void test_choices_take_their_words(void **state)
{
    (void)state;
    static const char *const words[] = {"off", "error", "warn", "info", "debug"};
    acurast_options *context = make(ACURAST_SCOPE_CONTEXT);
    int64_t number;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(acurast_options_set(context, "log-level", words[i]), ACURAST_OK);
        assert_int_equal(acurast__options_number(context, ACURAST__OPTION_LOG_LEVEL), i);
        assert_string_equal(text_of(context, "log-level"), words[i]);
    }
    static const char *const wrong[] = {"", "debu", "debugg", "off|error", "|", "2"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(acurast_options_set(context, "log-level", wrong[i]), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(context),
                        "option log-level: \"2\" is not one of off|error|warn|info|debug");
    assert_int_equal(acurast_options_set_int(context, "log-level", 1), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_get_int(context, "log-level", &number), ACURAST_BAD_OPTION);
    assert_string_equal(text_of(context, "log-level"), "debug");
    acurast_options_release(context);
}

static void test_texts_are_kept_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(acurast__options_text(options, ACURAST__OPTION_TLS_CERT), "");
    assert_int_equal(acurast_options_set(options, "tls-cert", " a, b\n"), ACURAST_OK);
    assert_string_equal(acurast__options_text(options, ACURAST__OPTION_TLS_CERT), " a, b\n");
    assert_string_equal(text_of(options, "tls-cert"), " a, b\n");
    assert_int_equal(acurast_options_set(options, "tls-cert", ""), ACURAST_OK);
    assert_string_equal(text_of(options, "tls-cert"), "");
    assert_true(acurast__options_given(options, ACURAST__OPTION_TLS_CERT));
}

static void test_a_text_has_a_limit(void **state)
{
    (void)state;
    size_t limit = (size_t)1024 * 1024;
    char *text = malloc(limit + 2);
    memset(text, 'x', limit + 1);
    text[limit + 1] = '\0';
    assert_int_equal(acurast_options_set(options, "tls-cert", text), ACURAST_BAD_OPTION);
    assert_non_null(strstr(acurast_options_error(options), "1MiB"));
    assert_int_equal(acurast_options_set(options, "listen", text), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_add(options, "listen", text), ACURAST_BAD_OPTION);
    text[limit] = '\0';
    assert_int_equal(acurast_options_set(options, "tls-cert", text), ACURAST_OK);
    assert_int_equal(strlen(acurast__options_text(options, ACURAST__OPTION_TLS_CERT)), limit);
    free(text);
}

static void assert_listen(const char *a, const char *b)
{
    const char *elements[] = {a, b, NULL};
    for (size_t i = 0; i == 0 || elements[i - 1]; i++) {
        const char *element = acurast__options_element(options, ACURAST__OPTION_LISTEN, i);
        if (elements[i])
            assert_string_equal(element, elements[i]);
        else
            assert_null(element);
    }
}

static void test_lists_are_split_or_added_to(void **state)
{
    (void)state;
    assert_listen("127.0.0.1:9001", NULL);
    assert_int_equal(acurast_options_set(options, "listen", " a:1,\t,b:2\n, "), ACURAST_OK);
    assert_listen("a:1", "b:2");
    assert_string_equal(text_of(options, "listen"), "a:1,b:2");
    assert_int_equal(acurast_options_set(options, "listen", ""), ACURAST_OK);
    assert_listen(NULL, NULL);
    assert_string_equal(text_of(options, "listen"), "");
    assert_int_equal(acurast_options_add(options, "listen", " c:3 "), ACURAST_OK);
    assert_listen("c:3", NULL);
    assert_int_equal(acurast_options_add(options, "listen", "x, y"), ACURAST_OK);
    assert_listen("c:3", "x, y");
}

static void test_the_first_added_element_replaces_the_default(void **state)
{
    (void)state;
    assert_int_equal(acurast_options_add(options, "listen", "a:1"), ACURAST_OK);
    assert_int_equal(acurast_options_add(options, "listen", "b:2"), ACURAST_OK);
    assert_listen("a:1", "b:2");
    assert_int_equal(acurast_options_add(options, "listen", " \t"), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_add(options, "memory", "1"), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_add(options, "tls-cert", "1"), ACURAST_BAD_OPTION);
    assert_listen("a:1", "b:2");
}

static void test_a_list_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(acurast_options_set(options, "listen", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"), ACURAST_OK);
    assert_int_equal(acurast_options_add(options, "listen", "17"), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options),
                        "option listen: \"17\" is one more than the 16 that are allowed");
    assert_int_equal(acurast_options_set(options, "listen", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"),
                     ACURAST_BAD_OPTION);
    assert_string_equal(acurast__options_element(options, ACURAST__OPTION_LISTEN, 15), "16");
    assert_null(acurast__options_element(options, ACURAST__OPTION_LISTEN, 16));
}

static void test_a_long_list_is_taken(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char element[40];
        snprintf(element, sizeof(element), "%032d", i);
        assert_int_equal(acurast_options_add(options, "allow", element), ACURAST_OK);
    }
    assert_string_equal(acurast__options_element(options, ACURAST__OPTION_ALLOW, 19999),
                        "00000000000000000000000000019999");
    size_t size;
    assert_int_equal(acurast_options_get(options, "allow", NULL, &size), ACURAST_OK);
    assert_int_equal(size, 660000);
    char *text = malloc(size);
    assert_int_equal(acurast_options_get(options, "allow", text, &size), ACURAST_OK);
    acurast_options *copy;
    assert_int_equal(acurast_options_clone(options, &copy), ACURAST_OK);
    assert_int_equal(acurast_options_set(copy, "allow", text), ACURAST_OK);
    assert_string_equal(acurast__options_element(copy, ACURAST__OPTION_ALLOW, 19999),
                        "00000000000000000000000000019999");
    acurast_options_release(copy);
    free(text);
}

/* ---- errors ---- */

static void test_an_error_names_option_value_and_range(void **state)
{
    (void)state;
    assert_string_equal(acurast_options_error(options), "");
    assert_int_equal(acurast_options_set(options, "mailbox-count", "twelve"), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options),
                        "option mailbox-count: \"twelve\" is not a whole number from 0 to 1000000");
    assert_int_equal(acurast_options_set(options, "max-frame", "63"), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options),
                        "option max-frame: \"63\" is not a size in bytes, KiB, MiB or GiB from 64 to 1GiB");
    assert_int_equal(acurast_options_set(options, "max-frame", "99999999999999999999GiB"), ACURAST_BAD_OPTION);
    assert_int_equal(acurast_options_set_int(options, "handshake-time", 0), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options),
                        "option handshake-time: \"0\" is not a time in ms, s, m or h from 1ms to 24h");
    assert_int_equal(acurast_options_set_int(options, "listen", 0), ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options), "option listen: is not a number");
    assert_int_equal(acurast_options_set(options, "no-such", "1"), ACURAST_UNKNOWN_OPTION);
    assert_string_equal(acurast_options_error(options), "option no-such: there is no such option for a service");
    assert_int_equal(acurast_options_set(options, "threads", "1"), ACURAST_UNKNOWN_OPTION);
    assert_int_equal(acurast_options_set(options, "", "1"), ACURAST_UNKNOWN_OPTION);
    assert_int_equal(acurast_options_set(options, "mailbox-count", "5"), ACURAST_OK);
    assert_string_not_equal(acurast_options_error(options), "");
}

static void test_a_failed_call_leaves_the_old_value(void **state)
{
    (void)state;
    int64_t frame = number_of("max-frame");
    assert_int_equal(acurast_options_set(options, "max-frame", "x"), ACURAST_BAD_OPTION);
    assert_int_equal(number_of("max-frame"), frame);
    assert_false(acurast__options_given(options, ACURAST__OPTION_MAX_FRAME));
    acurast_options_add(options, "listen", "");
    assert_listen("127.0.0.1:9001", NULL);
}

static void test_an_echo_is_cut_and_harmless(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "\x1b[31m\n\xff", 7);
    assert_int_equal(acurast_options_set(options, "max-frame", text), ACURAST_BAD_OPTION);
    const char *error = acurast_options_error(options);
    assert_true(strlen(error) < 256);
    assert_non_null(strstr(error, "\"?[31m??yyy"));
    assert_non_null(strstr(error, "...\" is not a size"));
    for (const char *c = error; *c; c++)
        assert_in_range(*c, ' ', '~');
    assert_int_equal(acurast_options_set(options, text, "1"), ACURAST_UNKNOWN_OPTION);
    assert_non_null(strstr(acurast_options_error(options), "there is no such option for a service"));
}

static void test_a_layer_may_leave_an_error(void **state)
{
    (void)state;
    assert_int_equal(acurast__options_fail(options, ACURAST_BAD_OPTION, "option listen: \"%s\" has no port", "x\ty"),
                     ACURAST_BAD_OPTION);
    assert_string_equal(acurast_options_error(options), "option listen: \"x?y\" has no port");
    assert_int_equal(acurast__options_fail(NULL, ACURAST_TLS, "nobody to tell"), ACURAST_TLS);
}

/* ---- buffers, copies, memory ---- */

static void test_a_small_buffer_is_told_the_size(void **state)
{
    (void)state;
    char text[32] = "untouched";
    size_t size = 14; /* "127.0.0.1:9001" needs one more */
    assert_int_equal(acurast_options_get(options, "listen", text, &size), ACURAST_TOO_SMALL);
    assert_int_equal(size, 15);
    assert_int_equal(acurast_options_get(options, "listen", text, &size), ACURAST_OK);
    assert_string_equal(text, "127.0.0.1:9001");
    size = 0;
    assert_int_equal(acurast_options_get(options, "listen", text, &size), ACURAST_TOO_SMALL);
    size = 0;
    assert_int_equal(acurast_options_get(options, "listen", NULL, &size), ACURAST_OK);
    assert_int_equal(size, 15);
    assert_int_equal(acurast_options_get(options, "nothing", text, &size), ACURAST_UNKNOWN_OPTION);
}

static void test_a_copy_lives_on_its_own(void **state)
{
    (void)state;
    acurast_options *copy;
    assert_int_equal(acurast_options_set(options, "listen", "a:1,b:2"), ACURAST_OK);
    assert_int_equal(acurast_options_set_int(options, "memory", 5), ACURAST_OK);
    assert_int_equal(acurast_options_clone(options, &copy), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, "listen", "c:3"), ACURAST_OK);
    assert_int_equal(acurast_options_set_int(options, "memory", 6), ACURAST_OK);
    assert_string_equal(text_of(copy, "listen"), "a:1,b:2");
    assert_string_equal(text_of(copy, "memory"), "5");
    assert_int_equal(acurast__options_scope(copy), ACURAST_SCOPE_SERVICE);
    assert_true(acurast__options_given(copy, ACURAST__OPTION_MEMORY));
    assert_false(acurast__options_given(copy, ACURAST__OPTION_MAX_FRAME));
    acurast_options_release(copy);
}

typedef acurast_status (*attempt)(void);

static acurast_status try_create_and_clone(void)
{
    acurast_options *made = NULL, *copy = NULL;
    acurast_status status = acurast_options_create(ACURAST_SCOPE_SERVICE, &made);
    if (status == ACURAST_OK)
        status = acurast_options_clone(made, &copy);
    assert_int_equal(copy != NULL, status == ACURAST_OK);
    acurast_options_release(copy);
    acurast_options_release(made);
    return status;
}

static acurast_status try_set_list(void)
{
    acurast_status status = acurast_options_set(options, "listen", "a:1 b:2 c:3");
    if (status != ACURAST_OK)
        assert_listen("127.0.0.1:9001", NULL);
    return status;
}

static acurast_status try_set_text(void)
{
    acurast_status status = acurast_options_set(options, "tls-cert", "text");
    if (status != ACURAST_OK)
        assert_string_equal(text_of(options, "tls-cert"), "");
    return status;
}

static acurast_status try_add(void)
{
    acurast_status status = acurast_options_add(options, "name", "a:1");
    return status == ACURAST_OK ? acurast_options_add(options, "name", "b:2") : status;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const attempt attempts[] = {try_create_and_clone, try_set_list, try_set_text, try_add};
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        long n = 0;
        acurast_status status = ACURAST_NO_MEMORY;
        while (status == ACURAST_NO_MEMORY && n < 1000) {
            acurast__memory_fail_at(++n);
            status = attempts[i]();
        }
        acurast__memory_fail_at(0);
        assert_int_equal(status, ACURAST_OK);
        assert_in_range(n, 2, 999);
    }
    assert_string_equal(acurast_options_error(options), "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_end_where_the_enum_ends),
        cmocka_unit_test(test_names_are_words_and_unique_in_their_scope),
        cmocka_unit_test(test_rows_of_a_scope_stand_together),
        cmocka_unit_test(test_help_is_one_sentence_without_a_full_stop),
        cmocka_unit_test(test_ranges_fit_their_types),
        cmocka_unit_test(test_defaults_are_sound_and_come_back),
        cmocka_unit_test(test_both_ends_of_a_range_are_in_and_their_neighbours_are_not),
        cmocka_unit_test_setup_teardown(test_arguments_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_take_units, setup, teardown),
        cmocka_unit_test_setup_teardown(test_booleans_take_their_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_choices_take_their_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts_are_kept_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_text_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_are_split_or_added_to, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_added_element_replaces_the_default, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_list_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_error_names_option_value_and_range, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_call_leaves_the_old_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_echo_is_cut_and_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_layer_may_leave_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_small_buffer_is_told_the_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_lives_on_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_allocation_may_fail, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
