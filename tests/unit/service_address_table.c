/* Limits of addresses: who counts as one, how many may come, and that those who left are forgotten. */
#include "base/memory.h"
#include "service/address_table.h"

#include "support/unit.h"

#include <stdio.h>

static acurast__address address_of(const char *text)
{
    acurast__address address;
    assert_true(acurast__address_parse(&address, text));
    return address;
}

static acurast__address_verdict enter(acurast__address_table *table, const char *text, uint64_t now)
{
    acurast__address address = address_of(text);
    return acurast__address_table_enter(table, &address, now);
}

static void leave(acurast__address_table *table, const char *text, uint64_t now)
{
    acurast__address address = address_of(text);
    acurast__address_table_leave(table, &address, now);
}

static void connections_of_one_address_are_limited(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.connections = 2});
    assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_CONNECTIONS);
    assert_int_equal(enter(&table, "192.0.2.2", 0), ACURAST__ADDRESS_ADMITTED);
    leave(&table, "192.0.2.1", 0);
    assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_ADMITTED);
    acurast__address_table_clear(&table);
}

static void an_ipv6_network_of_64_bits_is_one_address(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.connections = 1});
    assert_int_equal(enter(&table, "2001:db8:0:1::1", 0), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "2001:db8:0:1:ffff::2", 0), ACURAST__ADDRESS_CONNECTIONS);
    assert_int_equal(enter(&table, "2001:db8:0:2::1", 0), ACURAST__ADDRESS_ADMITTED);
    acurast__address_table_clear(&table);
}

static void handshakes_come_in_a_burst_of_two_seconds_and_then_at_the_rate(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.handshakes = 10});
    for (int i = 0; i < 20; i++)
        assert_int_equal(enter(&table, "192.0.2.1", 1000), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "192.0.2.1", 1000), ACURAST__ADDRESS_HANDSHAKES);
    assert_int_equal(enter(&table, "192.0.2.1", 1099), ACURAST__ADDRESS_HANDSHAKES);
    assert_int_equal(enter(&table, "192.0.2.1", 1100), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "192.0.2.1", 1100), ACURAST__ADDRESS_HANDSHAKES);
    acurast__address_table_clear(&table);
}

static void leaving_and_sweeping_give_no_new_burst(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.handshakes = 1});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(enter(&table, "192.0.2.1", 1000), ACURAST__ADDRESS_ADMITTED);
        leave(&table, "192.0.2.1", 1000);
    }
    acurast__address_table_sweep(&table, 1500);
    assert_int_equal(enter(&table, "192.0.2.1", 1500), ACURAST__ADDRESS_HANDSHAKES);
    acurast__address_table_clear(&table);
}

static void loopback_is_exempt_unless_its_connections_are_counted(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.connections = 1, .handshakes = 1});
    for (int i = 0; i < 10; i++) {
        assert_int_equal(enter(&table, "127.0.0.1", 0), ACURAST__ADDRESS_ADMITTED);
        assert_int_equal(enter(&table, "::1", 0), ACURAST__ADDRESS_ADMITTED);
    }
    acurast__address_table_clear(&table);
    acurast__address_table_init(
        &table, &(acurast__address_limits){.connections = 3, .handshakes = 1, .loopback_connections = true});
    for (int i = 0; i < 3; i++)
        assert_int_equal(enter(&table, "127.0.0.1", 0), ACURAST__ADDRESS_ADMITTED);
    assert_int_equal(enter(&table, "127.0.0.1", 0), ACURAST__ADDRESS_CONNECTIONS);
    acurast__address_table_clear(&table);
}

static void who_left_is_forgotten_after_two_seconds_and_who_stays_is_not(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.connections = 5, .handshakes = 1000});
    char text[32];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "192.0.2.%d", i);
        assert_int_equal(enter(&table, text, 1000), ACURAST__ADDRESS_ADMITTED);
        if (i != 7)
            leave(&table, text, 1000);
    }
    assert_int_equal(table.map.count, 100);
    acurast__address_table_sweep(&table, 2999);
    assert_int_equal(table.map.count, 100);
    acurast__address_table_sweep(&table, 3000);
    assert_int_equal(table.map.count, 1);
    leave(&table, "192.0.2.7", 3000);
    acurast__address_table_sweep(&table, 5000);
    assert_int_equal(table.map.count, 0);
    acurast__address_table_clear(&table);
}

static void without_memory_nobody_is_admitted(void **state)
{
    (void)state;
    acurast__address_table table;
    acurast__address_table_init(&table, &(acurast__address_limits){.connections = 5});
    for (long n = 1; n <= 2; n++) {
        acurast__memory_fail_at(n);
        assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_NO_MEMORY);
    }
    acurast__memory_fail_at(0);
    assert_int_equal(enter(&table, "192.0.2.1", 0), ACURAST__ADDRESS_ADMITTED);
    acurast__address_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_of_one_address_are_limited),
        cmocka_unit_test(an_ipv6_network_of_64_bits_is_one_address),
        cmocka_unit_test(handshakes_come_in_a_burst_of_two_seconds_and_then_at_the_rate),
        cmocka_unit_test(leaving_and_sweeping_give_no_new_burst),
        cmocka_unit_test(loopback_is_exempt_unless_its_connections_are_counted),
        cmocka_unit_test(who_left_is_forgotten_after_two_seconds_and_who_stays_is_not),
        cmocka_unit_test(without_memory_nobody_is_admitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
