/* Allow and deny lists: their forms, their files, and that deny wins. */
#include "base/bytes.h"
#include "service/access.h"

#include "support/unit.h"

#include <acurast/identity.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const id_text = "00112233445566778899aabbccddeeff";
static const uint8_t id[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                               0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint8_t other[16] = {1};

static acurast_options *options_new(void)
{
    acurast_options *options;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_SERVICE, &options), ACURAST_OK);
    return options;
}

static acurast__access *access_of(acurast_options *options)
{
    acurast__access *access = NULL;
    assert_int_equal(acurast__access_create(options, &access), ACURAST_OK);
    return access;
}

static void file_write(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/acurast-access-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

static void without_lists_everybody_may(void **state)
{
    (void)state;
    acurast_options *options = options_new();
    acurast__access *access = access_of(options);
    assert_true(acurast__access_permits(access, id));
    acurast__access_release(access);
    acurast_options_release(options);
}

static void an_allow_list_admits_nobody_else(void **state)
{
    (void)state;
    acurast_options *options = options_new();
    assert_int_equal(acurast_options_set(options, "allow", id_text), ACURAST_OK);
    acurast__access *access = access_of(options);
    assert_true(acurast__access_permits(access, id));
    assert_false(acurast__access_permits(access, other));
    acurast__access_release(access);
    acurast_options_release(options);
}

static void deny_wins(void **state)
{
    (void)state;
    acurast_options *options = options_new();
    assert_int_equal(acurast_options_set(options, "allow", id_text), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, "deny", id_text), ACURAST_OK);
    acurast__access *access = access_of(options);
    assert_false(acurast__access_permits(access, id));
    acurast__access_release(access);
    acurast_options_release(options);
}

static void a_public_key_of_any_form_stands_for_its_id(void **state)
{
    (void)state;
    acurast_identity *identity;
    uint8_t own[16], key[33], uncompressed[65];
    char text[160] = "0x";
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
    acurast_identity_id(identity, own);
    acurast_identity_public_key(identity, key);
    acurast_identity_uncompressed_key(identity, uncompressed);
    for (int form = 0; form < 3; form++) {
        acurast_options *options = options_new();
        if (form < 2)
            acurast__hex(text + 2, key, sizeof key);
        else
            acurast__hex(text + 2, uncompressed, sizeof uncompressed);
        assert_int_equal(acurast_options_set(options, "deny", form ? text : text + 2), ACURAST_OK);
        acurast__access *access = access_of(options);
        assert_false(acurast__access_permits(access, own));
        assert_true(acurast__access_permits(access, id));
        acurast__access_release(access);
        acurast_options_release(options);
    }
    acurast_identity_release(identity);
}

static void what_is_no_id_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0123456789abcdef", "xyz", "00112233445566778899aabbccddeef",
                                        "00112233445566778899aabbccddeefg",
                                        "02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        acurast_options *options = options_new();
        acurast__access *access = NULL;
        assert_int_equal(acurast_options_add(options, "allow", id_text), ACURAST_OK);
        assert_int_equal(acurast_options_add(options, "allow", wrong[i]), ACURAST_OK);
        assert_int_equal(acurast__access_create(options, &access), ACURAST_BAD_OPTION);
        assert_non_null(strstr(acurast_options_error(options), "allow: element 2"));
        acurast_options_release(options);
    }
}

static void a_file_has_comments_blanks_and_no_final_newline(void **state)
{
    (void)state;
    char path[32];
    file_write(path, "# who may\n\n  00112233445566778899aabbccddeeff \t# me\r\n"
                     "0x01000000000000000000000000000000");
    acurast_options *options = options_new();
    assert_int_equal(acurast_options_set(options, "allow-file", path), ACURAST_OK);
    acurast__access *access = access_of(options);
    assert_true(acurast__access_permits(access, id));
    assert_true(acurast__access_permits(access, other));
    assert_false(acurast__access_permits(access, (const uint8_t[16]){2}));
    acurast__access_release(access);
    acurast_options_release(options);
    unlink(path);
}

static void an_empty_allow_file_admits_nobody(void **state)
{
    (void)state;
    char path[32];
    file_write(path, "# nobody yet\n");
    acurast_options *options = options_new();
    assert_int_equal(acurast_options_set(options, "allow-file", path), ACURAST_OK);
    acurast__access *access = access_of(options);
    assert_false(acurast__access_permits(access, id));
    acurast__access_release(access);
    acurast_options_release(options);
    unlink(path);
}

static void a_bad_file_is_told_by_its_line(void **state)
{
    (void)state;
    char path[32], text[700];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    const char *const contents[] = {"00112233445566778899aabbccddeeff\nnonsense\n", text, NULL};
    const char *const told[] = {"deny-file: line 2", "deny-file: line 1 is too long", "deny-file: /tmp/"};
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        file_write(path, contents[i] ? contents[i] : "");
        if (!contents[i])
            unlink(path);
        acurast_options *options = options_new();
        acurast__access *access = NULL;
        assert_int_equal(acurast_options_set(options, "deny-file", path), ACURAST_OK);
        assert_int_equal(acurast__access_create(options, &access), ACURAST_BAD_OPTION);
        assert_non_null(strstr(acurast_options_error(options), told[i]));
        acurast_options_release(options);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_lists_everybody_may),
        cmocka_unit_test(an_allow_list_admits_nobody_else),
        cmocka_unit_test(deny_wins),
        cmocka_unit_test(a_public_key_of_any_form_stands_for_its_id),
        cmocka_unit_test(what_is_no_id_is_refused_with_its_place),
        cmocka_unit_test(a_file_has_comments_blanks_and_no_final_newline),
        cmocka_unit_test(an_empty_allow_file_admits_nobody),
        cmocka_unit_test(a_bad_file_is_told_by_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
