/* Where the certificate authorities are looked for, and what is said where there are none. */
#include "support/unit.h"

#include "base/option.h"
#include "net/ca_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/acurast-ca-XXXXXX";
static char full[64], other[64], empty[64], absent[64];

static void put(char path[64], const char *name, const char *text)
{
    snprintf(path, 64, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    put(full, "full", "-----BEGIN");
    put(other, "other", "-----BEGIN");
    put(empty, "empty", "");
    snprintf(absent, sizeof absent, "%s/absent", folder);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(full);
    unlink(other);
    unlink(empty);
    return rmdir(folder);
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return 0;
}

static void the_first_that_holds_something_is_taken(void **state)
{
    const char *const places[] = {absent, folder, empty, full, other};
    (void)state;
    acurast__ca_bundle found = acurast__ca_bundle_among(places, ARRAY_SIZE(places));
    assert_string_equal(found.file, full);
    assert_null(found.folder);
    assert_null(found.detail);
}

static void where_there_is_none_the_error_is_told(void **state)
{
    const char *const places[] = {absent, folder, empty};
    (void)state;
    acurast__ca_bundle found = acurast__ca_bundle_among(places, ARRAY_SIZE(places));
    assert_null(found.file);
    assert_null(found.folder);
    assert_ptr_equal(found.detail, acurast__ca_bundle_missing);
}

/* Whoever names a file wants that one: what cannot be read is not made up for by the system's. */
static void the_environment_is_taken_at_its_word(void **state)
{
    const char *const places[] = {full};
    (void)state;
    setenv("SSL_CERT_FILE", absent, 1);
    acurast__ca_bundle found = acurast__ca_bundle_among(places, 1);
    assert_string_equal(found.file, absent);
    assert_null(found.folder);

    setenv("SSL_CERT_DIR", folder, 1);
    found = acurast__ca_bundle_among(places, 1);
    assert_string_equal(found.file, absent);
    assert_string_equal(found.folder, folder);

    unsetenv("SSL_CERT_FILE");
    found = acurast__ca_bundle_among(places, 1);
    assert_null(found.file);
    assert_string_equal(found.folder, folder);
}

static void an_empty_variable_is_none(void **state)
{
    const char *const places[] = {full};
    (void)state;
    setenv("SSL_CERT_FILE", "", 1);
    setenv("SSL_CERT_DIR", "", 1);
    assert_string_equal(acurast__ca_bundle_among(places, 1).file, full);
}

static void the_error_names_the_places_of_each_system(void **state)
{
    static const char *const expected[] = {"SSL_CERT_FILE, SSL_CERT_DIR, /etc/ssl/certs/ca-certificates.crt, ",
                                           ", /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem, ",
                                           ", /etc/ssl/cert.pem, "};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_non_null(strstr(acurast__ca_bundle_missing, expected[i]));
}

/* What a client's options tell of it is not cut. */
static void the_error_is_told_to_its_end(void **state)
{
    acurast_options *options = NULL;
    (void)state;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CLIENT, &options), ACURAST_OK);
    acurast__options_fail(options, ACURAST_TLS, "certificate authorities of the system: %s",
                          acurast__ca_bundle_missing);
    assert_non_null(strstr(acurast_options_error(options), acurast__ca_bundle_missing));
    acurast_options_release(options);
}

/* On any machine: a file that can be read, or that error. */
static void what_this_machine_has_is_found_or_missed(void **state)
{
    (void)state;
    acurast__ca_bundle found = acurast__ca_bundle_find();
    if (found.file)
        assert_int_equal(access(found.file, R_OK), 0);
    else
        assert_ptr_equal(found.detail, acurast__ca_bundle_missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_that_holds_something_is_taken, clear_environment),
        cmocka_unit_test_setup(where_there_is_none_the_error_is_told, clear_environment),
        cmocka_unit_test_setup(the_environment_is_taken_at_its_word, clear_environment),
        cmocka_unit_test_setup(an_empty_variable_is_none, clear_environment),
        cmocka_unit_test_setup(the_error_names_the_places_of_each_system, clear_environment),
        cmocka_unit_test(the_error_is_told_to_its_end),
        cmocka_unit_test_setup(what_this_machine_has_is_found_or_missed, clear_environment),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
