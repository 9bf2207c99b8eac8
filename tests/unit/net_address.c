/* Addresses and networks: what is taken, what is refused, what counts as one. */
#include "support/unit.h"

#include "net/address.h"

#include <string.h>

static acurast__address address(const char *text)
{
    acurast__address a;
    assert_true(acurast__address_parse(&a, text));
    return a;
}

static void literals_come_back_in_their_usual_form(void **state)
{
    static const char *const pairs[][2] = {
        {"127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"[::ffff:1.2.3.4]", "1.2.3.4"},
        {"::", "::"},
    };
    char text[ACURAST__ADDRESS_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        acurast__address a = address(pairs[i][0]);
        acurast__address_format(&a, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

static void what_is_no_literal_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4 ",
        "[1.2.3.4]",
        "[::1",
        "::1]",
        "[]",
        "[",
        "fe80::1%lo",
        "12345::",
        ":::",
        "1.2.3.4:80",
        "[::1]:80",
        "0x7f.1",
        "2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
    };
    acurast__address a;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (acurast__address_parse(&a, bad[i]))
            fail_msg("%s", bad[i]);
}

static void loopback_is_known_in_both_families(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {"126.255.255.255", "128.0.0.1", "::2", "0.0.0.0", "::", "::127.0.0.1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        acurast__address a = address(yes[i]);
        assert_true(acurast__address_loopback(&a));
    }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
        acurast__address a = address(no[i]);
        assert_false(acurast__address_loopback(&a));
    }
}

static void groups(const char *from, const char *to)
{
    acurast__address a = address(from), b = address(to);
    acurast__address group = acurast__address_group(&a);
    assert_memory_equal(group.bytes, b.bytes, 16);
}

static void an_ipv6_64_counts_as_one_and_an_ipv4_address_too(void **state)
{
    (void)state;
    groups("10.1.2.3", "10.1.2.3");
    groups("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    groups("::1", "::");
}

static void networks_contain_what_they_should(void **state)
{
    static const struct {
        const char *network, *address;
        bool in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.128/25", "192.168.1.129", true},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"1.2.3.4/32", "1.2.3.5", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2001:db8::/128", "2001:db8::", true},
        {"2001:db8::/128", "2001:db8::1", false},
        {"[2001:db8::]/32", "2001:db8:1::", true},
        {"10.0.0.0/9", "10.128.0.0", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        acurast__network network;
        acurast__address a = address(cases[i].address);
        assert_true(acurast__network_parse(&network, cases[i].network));
        if (acurast__network_contains(&network, &a) != cases[i].in)
            fail_msg("%s %s", cases[i].network, cases[i].address);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0/8",
        "10.0.0.0/8 ",
        "10.0.0.0/ 8",
        "::/129",
        "::/",
        "10.0.0.0/8/8",
        "10.0.0.0/x",
        "nonsense/8",
        "10.0.0.0/99999999999999999999",
    };
    acurast__network network;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (acurast__network_parse(&network, bad[i]))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_come_back_in_their_usual_form),
        cmocka_unit_test(what_is_no_literal_is_refused),
        cmocka_unit_test(loopback_is_known_in_both_families),
        cmocka_unit_test(an_ipv6_64_counts_as_one_and_an_ipv4_address_too),
        cmocka_unit_test(networks_contain_what_they_should),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
