/* The ledger: the whole, a sender's eighth, an address's half, who pays, and that nothing stays behind. */
#include "service/ledger.h"

#include "support/unit.h"

static const uint8_t alice_id[16] = {1}, bob_id[16] = {2}, carol_id[16] = {3};
static const acurast__address here = {{1}}, there = {{2}};
static const acurast__backlog_sender alice = {alice_id, &here}, bob = {bob_id, &here}, carol = {carol_id, &there};

static void a_sender_takes_an_eighth_at_most(void **state)
{
    (void)state;
    acurast__ledger ledger;
    acurast__ledger_init(&ledger, 800);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 60), ACURAST__LEDGER_GRANTED);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 41), ACURAST__LEDGER_SENDER);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 40), ACURAST__LEDGER_GRANTED);
    assert_int_equal(acurast__ledger_charge(&ledger, &bob, 100), ACURAST__LEDGER_GRANTED);
    acurast__ledger_refund(&ledger, &alice, 60, 1);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 60), ACURAST__LEDGER_GRANTED);
    acurast__ledger_clear(&ledger);
}

static void the_whole_is_limited(void **state)
{
    (void)state;
    acurast__ledger ledger;
    acurast__ledger_init(&ledger, 800);
    assert_true(acurast__ledger_reserve(&ledger, &there, 400));
    assert_false(acurast__ledger_reserve(&ledger, &there, 1)); /* half is its share */
    acurast__ledger_hold(&ledger, 300);
    assert_false(acurast__ledger_reserve(&ledger, &here, 101));
    assert_int_equal(acurast__ledger_charge(&ledger, &bob, 100), ACURAST__LEDGER_GRANTED);
    acurast__ledger_hold(&ledger, 100);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 1), ACURAST__LEDGER_TOTAL);
    acurast__ledger_free(&ledger, 300);
    acurast__ledger_release(&ledger, &there, 400);
    assert_true(acurast__ledger_reserve(&ledger, &there, 1));
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 1), ACURAST__LEDGER_GRANTED);
    acurast__ledger_clear(&ledger);
}

static void a_refund_forgets_the_sender(void **state)
{
    (void)state;
    acurast__ledger ledger;
    uint64_t bytes, frames;
    acurast__ledger_init(&ledger, 800);
    acurast__ledger_charge(&ledger, &alice, 10);
    acurast__ledger_charge(&ledger, &alice, 20);
    acurast__ledger_hold(&ledger, 1000);
    acurast__ledger_read(&ledger, &bytes, &frames);
    assert_int_equal(bytes, 1000);
    assert_int_equal(frames, 2);
    acurast__ledger_refund(&ledger, &alice, 20, 1);
    acurast__ledger_refund(&ledger, &alice, 10, 1);
    acurast__ledger_free(&ledger, 1000);
    acurast__ledger_read(&ledger, &bytes, &frames);
    assert_int_equal(bytes, 0);
    assert_int_equal(frames, 0);
    assert_int_equal(ledger.senders.count, 0);
    assert_int_equal(ledger.groups.count, 0);
    acurast__ledger_clear(&ledger);
}

static void the_senders_of_an_address_take_half_at_most(void **state)
{
    (void)state;
    acurast__ledger ledger;
    acurast__ledger_init(&ledger, 800);
    for (uint8_t i = 10; i < 14; i++) {
        acurast__backlog_sender one = {(const uint8_t[16]){i}, &here};
        assert_int_equal(acurast__ledger_charge(&ledger, &one, 100), ACURAST__LEDGER_GRANTED);
    }
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 1), ACURAST__LEDGER_SENDER);
    assert_int_equal(acurast__ledger_charge(&ledger, &carol, 100), ACURAST__LEDGER_GRANTED);
    for (uint8_t i = 10; i < 14; i++)
        acurast__ledger_refund(&ledger, &(acurast__backlog_sender){(const uint8_t[16]){i}, &here}, 100, 1);
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, 1), ACURAST__LEDGER_GRANTED);
    acurast__ledger_clear(&ledger);
}

static void the_largest_of_the_largest_address_owe(void **state)
{
    (void)state;
    acurast__ledger ledger;
    acurast__ledger_debtors debtors;
    acurast__ledger_init(&ledger, 8000);
    assert_false(acurast__ledger_find_debtors(&ledger, &debtors));
    acurast__ledger_charge(&ledger, &alice, 900);
    acurast__ledger_charge(&ledger, &bob, 100);
    acurast__ledger_charge(&ledger, &carol, 950);
    acurast__ledger_hold(&ledger, 6999);
    assert_false(acurast__ledger_short(&ledger));
    acurast__ledger_hold(&ledger, 2);
    assert_true(acurast__ledger_short(&ledger));
    assert_true(acurast__ledger_find_debtors(&ledger, &debtors));
    assert_true(acurast__ledger_owes(&ledger, &debtors, &alice));
    assert_false(acurast__ledger_owes(&ledger, &debtors, &bob));
    assert_false(acurast__ledger_owes(&ledger, &debtors, &carol));
    acurast__ledger_clear(&ledger);
}

static void zero_is_no_limit(void **state)
{
    (void)state;
    acurast__ledger ledger;
    acurast__ledger_init(&ledger, 0);
    assert_true(acurast__ledger_reserve(&ledger, &there, UINT32_MAX));
    assert_int_equal(acurast__ledger_charge(&ledger, &alice, UINT32_MAX), ACURAST__LEDGER_GRANTED);
    acurast__ledger_clear(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_takes_an_eighth_at_most),
        cmocka_unit_test(the_whole_is_limited),
        cmocka_unit_test(a_refund_forgets_the_sender),
        cmocka_unit_test(the_senders_of_an_address_take_half_at_most),
        cmocka_unit_test(the_largest_of_the_largest_address_owe),
        cmocka_unit_test(zero_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
