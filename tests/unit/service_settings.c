/* Settings: addresses, names and headers as they come from outside. */
#include "service/settings.h"

#include "support/unit.h"

#include <stdio.h>

static acurast__settings *settings_with(const char *name, const char *value)
{
    acurast_options *options;
    acurast__settings *settings = NULL;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_SERVICE, &options), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, name, value), ACURAST_OK);
    assert_int_equal(acurast__settings_create(options, &settings), ACURAST_OK);
    acurast_options_release(options);
    return settings;
}

static void assert_refused(const char *name, const char *value)
{
    acurast_options *options;
    acurast__settings *settings = NULL;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_SERVICE, &options), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, name, value), ACURAST_OK);
    if (acurast__settings_create(options, &settings) != ACURAST_BAD_OPTION)
        fail_msg("%s: %s was taken", name, value);
    assert_non_null(strstr(acurast_options_error(options), name));
    assert_null(settings);
    acurast_options_release(options);
}

static void endpoints_are_literal_addresses_with_a_port(void **state)
{
    (void)state;
    acurast__endpoint endpoint;
    char text[80];
    assert_true(acurast__endpoint_parse(&endpoint, "[::1]:9001"));
    assert_true(endpoint.ipv6 && endpoint.loopback);
    acurast__endpoint_format(&endpoint, 80, text, sizeof text);
    assert_string_equal(text, "[::1]:80");
    assert_true(acurast__endpoint_parse(&endpoint, "0.0.0.0:0"));
    assert_false(endpoint.ipv6 || endpoint.loopback);
    assert_true(acurast__endpoint_parse(&endpoint, "localhost:65535"));
    assert_true(endpoint.loopback);
    acurast__endpoint_format(&endpoint, 65535, text, sizeof text);
    assert_string_equal(text, "localhost:65535");
}

static void what_is_no_endpoint_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"127.0.0.1", "127.0.0.1:",      "127.0.0.1:65536", "127.0.0.1:-1",
                                        ":80",       "::1:80",          "[::1]",           "[127.0.0.1]:80",
                                        "[]:80",     "host.example:80", "1.2.3.4:8x",      "[::1]:000000080"};
    acurast__endpoint endpoint;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (acurast__endpoint_parse(&endpoint, wrong[i]))
            fail_msg("%s was taken", wrong[i]);
}

static void names_are_lower_case_with_a_port(void **state)
{
    (void)state;
    acurast__settings *settings = settings_with("name", "WS.Example.org:443");
    assert_string_equal(settings->terms.names[0], "ws.example.org:443");
    assert_null(settings->terms.names[1]);
    acurast__settings_release(settings);
    assert_refused("name", "ws.example.org");
    assert_refused("name", "wss://ws.example.org:443");
    assert_refused("name", "ws.example.org:0");
}

static void values_are_checked_when_they_are_read(void **state)
{
    (void)state;
    assert_refused("difficulty", "ff");
    assert_refused("difficulty", "gfffffffffffffffffffffffffffffff");
    assert_refused("listen", "");
    assert_refused("listen", "nowhere");
    assert_refused("admin-listen", "9002");
    assert_refused("trust-proxy", "10.0.0.0/33");
    assert_refused("tls-cert", "/some/file");
    assert_refused("tls-key", "/some/file");
}

static void zero_of_loopback_counts_only_if_given(void **state)
{
    (void)state;
    acurast__settings *settings = settings_with("max-connections-per-address", "1000");
    assert_true(settings->addresses.loopback_connections);
    acurast__settings_release(settings);
    settings = settings_with("max-connections", "7");
    assert_false(settings->addresses.loopback_connections);
    assert_int_equal(settings->addresses.connections, 1000);
    assert_int_equal(settings->max_connections, 7);
    acurast__settings_release(settings);
}

static void assert_client(const acurast__settings *settings, const char *header, const char *expected)
{
    acurast__address address;
    char text[ACURAST__ADDRESS_TEXT_SIZE] = "";
    assert_int_equal(acurast__settings_client_of(settings, header, &address), ACURAST__HOP_CLIENT);
    acurast__address_format(&address, text);
    assert_string_equal(text, expected);
}

static void assert_no_client(const acurast__settings *settings, const char *header, acurast__hop why)
{
    acurast__address address;
    assert_int_equal(acurast__settings_client_of(settings, header, &address), why);
}

static void the_client_is_the_last_that_is_no_proxy(void **state)
{
    (void)state;
    acurast__settings *settings = settings_with("trust-proxy", "10.0.0.0/8,2001:db8::/32");
    assert_client(settings, "192.0.2.1", "192.0.2.1");
    assert_client(settings, "198.51.100.7, 192.0.2.1", "192.0.2.1");
    assert_client(settings, "192.0.2.1, 10.1.2.3 ,10.9.9.9", "192.0.2.1");
    assert_client(settings, "192.0.2.1, 2001:db8::5", "192.0.2.1");
    assert_client(settings, "192.0.2.1:4711", "192.0.2.1");
    assert_client(settings, "[2001:dead::1]:4711", "2001:dead::1");
    assert_no_client(settings, "10.0.0.1", ACURAST__HOP_PROXY);
    assert_no_client(settings, "10.0.0.1, 2001:db8::5", ACURAST__HOP_PROXY);
    assert_no_client(settings, NULL, ACURAST__HOP_PROXY);
    assert_no_client(settings, "", ACURAST__HOP_NONSENSE);
    assert_no_client(settings, "unknown", ACURAST__HOP_NONSENSE);
    assert_no_client(settings, "192.0.2.1, unknown", ACURAST__HOP_NONSENSE);
    assert_no_client(settings, "192.0.2.1,", ACURAST__HOP_NONSENSE);
    acurast__settings_release(settings);
}

static void hosts_that_are_loopback_are_told_from_others(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost",   "LocalHost:80", "127.0.0.1",  "127.0.0.1:9002",
                                       "127.9.9.9:1", "[::1]",        "[::1]:9002", "[::ffff:127.0.0.1]:80"};
    static const char *const bad[] = {"",
                                      "localhost.evil.example",
                                      "127.0.0.1.evil.example:9002",
                                      "evil.example",
                                      "10.0.0.1",
                                      "10.0.0.1:80",
                                      "[::2]:80",
                                      "::1",
                                      "localhost:",
                                      "localhost:x",
                                      "localhost:99999",
                                      "127.0.0.1:80:80",
                                      "[::1",
                                      "a@localhost:80",
                                      "localhost "};
    char longest[256];
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(acurast__host_loopback(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(acurast__host_loopback(bad[i]));
    memset(longest, 'a', sizeof longest - 1);
    for (longest[255] = 0; longest[0]; longest[strlen(longest) - 1] = 0)
        assert_false(acurast__host_loopback(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_literal_addresses_with_a_port),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(names_are_lower_case_with_a_port),
        cmocka_unit_test(values_are_checked_when_they_are_read),
        cmocka_unit_test(zero_of_loopback_counts_only_if_given),
        cmocka_unit_test(the_client_is_the_last_that_is_no_proxy),
        cmocka_unit_test(hosts_that_are_loopback_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
