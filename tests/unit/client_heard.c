/* What a recipient remembers: new, again, early, pushed out; and the frames of receipts that it makes. */
#include "support/unit.h"

#include "base/memory.h"
#include "client/heard.h"

#include <string.h>

static const uint8_t us[16] = {0xaa}, alice[16] = {1}, bob[16] = {2};
static const uint8_t run_1[8] = {1}, run_2[8] = {2};

static acurast__tracked one(const uint8_t *run, uint64_t number, uint64_t after, bool again)
{
    return (acurast__tracked){
        .level = ACURAST__TRACK_DELIVERED, .run = run, .number = number, .after = after, .again = again};
}

static acurast__heard_verdict judge(acurast__heard *heard, const uint8_t *sender, acurast__tracked tracked)
{
    acurast__heard_verdict verdict = acurast__heard_judge(heard, sender, &tracked);
    if (verdict == ACURAST__HEARD_NEW)
        acurast__heard_taken(heard, sender, &tracked);
    return verdict;
}

static void deliver(acurast__heard *heard, const uint8_t *sender, const uint8_t *run, uint64_t number)
{
    assert_int_equal(judge(heard, sender, one(run, number, 0, false)), ACURAST__HEARD_NEW);
    acurast__heard_delivered(heard, sender, run, number);
}

/* The next frame is for `sender` and `run`, and has one receipt. */
static void assert_told(acurast__heard *heard, const uint8_t *sender, const uint8_t *run, uint64_t number,
                        acurast__receipt_status status)
{
    size_t size;
    acurast__frame frame;
    acurast__receipts receipts;
    uint64_t told;
    uint8_t said;
    const uint8_t *bytes = acurast__heard_next(heard, us, &size);
    assert_non_null(bytes);
    assert_true(acurast__frame_decode(&frame, bytes, size));
    assert_int_equal(frame.type, ACURAST__FRAME_RECEIPT);
    assert_memory_equal(frame.sender, us, 16);
    assert_memory_equal(frame.recipient, sender, 16);
    assert_true(acurast__receipts_decode(&receipts, &frame));
    assert_memory_equal(receipts.run, run, 8);
    assert_int_equal(receipts.count, 1);
    acurast__receipts_at(&receipts, 0, &told, &said);
    assert_true(told == number);
    assert_int_equal(said, status);
}

static void assert_silent(acurast__heard *heard)
{
    size_t size;
    assert_null(acurast__heard_next(heard, us, &size));
}

static void given_once(void **state)
{
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 10);
    assert_int_equal(judge(&heard, alice, one(run_1, 5, 0, false)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, alice, one(run_1, 5, 0, true)), ACURAST__HEARD_REFUSED);
    assert_silent(&heard); /* the program has it not yet */
    acurast__heard_delivered(&heard, alice, run_1, 5);
    assert_told(&heard, alice, run_1, 5, ACURAST__RECEIPT_DELIVERED);
    assert_silent(&heard);
    assert_int_equal(judge(&heard, alice, one(run_1, 5, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, run_1, 5, ACURAST__RECEIPT_DELIVERED);
    assert_int_equal(judge(&heard, alice, one(run_2, 5, 0, false)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, bob, one(run_1, 5, 0, false)), ACURAST__HEARD_NEW);
    acurast__heard_clear(&heard);
}

static void levels_are_apart(void **state)
{
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 10);
    acurast__tracked relayed = one(run_1, 7, 0, false);
    relayed.level = ACURAST__TRACK_RELAYED;
    assert_int_equal(judge(&heard, alice, relayed), ACURAST__HEARD_NEW);
    deliver(&heard, alice, run_1, 6);
    assert_told(&heard, alice, run_1, 6, ACURAST__RECEIPT_DELIVERED);
    relayed.again = true;
    assert_int_equal(judge(&heard, alice, relayed), ACURAST__HEARD_REFUSED);
    assert_silent(&heard);
    acurast__heard_clear(&heard);
}

static void order_is_kept(void **state)
{
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 10);
    assert_int_equal(judge(&heard, alice, one(run_1, 3, 2, false)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, run_1, 3, ACURAST__RECEIPT_EARLY);
    assert_int_equal(judge(&heard, alice, one(run_1, 2, 0, true)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, alice, one(run_1, 3, 2, false)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, alice, one(run_1, 9, 3, false)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, alice, one(run_1, 11, 10, false)), ACURAST__HEARD_REFUSED);
    acurast__heard_clear(&heard);
}

static void who_is_pushed_out_is_not_recognised(void **state)
{
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 2);
    deliver(&heard, alice, run_1, 1);
    deliver(&heard, bob, run_1, 1);
    uint8_t third[16] = {3};
    deliver(&heard, third, run_1, 1); /* alice goes, and what was to be told to her */
    assert_told(&heard, bob, run_1, 1, ACURAST__RECEIPT_DELIVERED);
    assert_told(&heard, third, run_1, 1, ACURAST__RECEIPT_DELIVERED);
    assert_silent(&heard);
    assert_int_equal(judge(&heard, alice, one(run_1, 1, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, run_1, 1, ACURAST__RECEIPT_UNKNOWN);
    assert_int_equal(judge(&heard, alice, one(run_1, 1, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, run_1, 1, ACURAST__RECEIPT_UNKNOWN); /* still */
    assert_int_equal(judge(&heard, alice, one(run_1, 2, 0, false)), ACURAST__HEARD_NEW);
    assert_int_equal(judge(&heard, alice, one(run_1, 3, 2, true)), ACURAST__HEARD_NEW); /* newer than that, so new */
    acurast__heard_clear(&heard);
    assert_int_equal(heard.untold, 0);
}

static void runs_push_out_those_of_their_sender_alone(void **state)
{
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 10);
    deliver(&heard, bob, run_1, 1);
    for (uint8_t i = 0; i <= ACURAST__HEARD_RUNS; i++) {
        uint8_t run[8] = {0xf0, i};
        deliver(&heard, alice, run, 1);
    }
    uint8_t first[8] = {0xf0, 0}, last[8] = {0xf0, ACURAST__HEARD_RUNS};
    size_t size;
    while (acurast__heard_next(&heard, us, &size))
        continue;
    assert_int_equal(judge(&heard, alice, one(last, 1, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, last, 1, ACURAST__RECEIPT_DELIVERED);
    assert_int_equal(judge(&heard, alice, one(first, 1, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, alice, first, 1, ACURAST__RECEIPT_UNKNOWN);
    assert_int_equal(judge(&heard, bob, one(run_1, 1, 0, true)), ACURAST__HEARD_REFUSED);
    assert_told(&heard, bob, run_1, 1, ACURAST__RECEIPT_DELIVERED);
    acurast__heard_clear(&heard);
}

/* More receipts than a frame holds come in several, each number once and in order. */
static void many_receipts(void **state)
{
    enum {
        COUNT = 3000
    };
    acurast__heard heard;
    (void)state;
    acurast__heard_init(&heard, 10);
    for (uint64_t i = 1; i <= COUNT; i++)
        deliver(&heard, alice, run_1, i);
    assert_int_equal(heard.untold, COUNT);
    uint64_t next = 1, number;
    const uint8_t *bytes;
    size_t size, frames = 0;
    for (; (bytes = acurast__heard_next(&heard, us, &size)); frames++) {
        acurast__frame frame;
        acurast__receipts receipts;
        uint8_t status;
        assert_true(acurast__frame_decode(&frame, bytes, size));
        assert_memory_equal(frame.recipient, alice, 16);
        assert_true(acurast__receipts_decode(&receipts, &frame));
        assert_memory_equal(receipts.run, run_1, 8);
        for (size_t i = 0; i < receipts.count; i++) {
            acurast__receipts_at(&receipts, i, &number, &status);
            assert_true(number == next++);
        }
    }
    assert_true(next == COUNT + 1);
    assert_int_equal(frames, 3);
    assert_int_equal(heard.untold, 0);
    deliver(&heard, alice, run_1, next);
    assert_told(&heard, alice, run_1, next, ACURAST__RECEIPT_DELIVERED);
    acurast__heard_clear(&heard);
}

/* Each allocation fails in turn: nothing is given twice, nothing leaks, and what was given stays known. */
static void without_memory(void **state)
{
    (void)state;
    for (long n = 1; n < 8; n++) {
        acurast__heard heard;
        acurast__heard_init(&heard, 10);
        acurast__memory_fail_at(n);
        acurast__heard_verdict verdict = judge(&heard, alice, one(run_1, 1, 0, false));
        if (verdict == ACURAST__HEARD_NEW)
            acurast__heard_delivered(&heard, alice, run_1, 1);
        acurast__memory_fail_at(0);
        if (verdict == ACURAST__HEARD_NEW) {
            assert_int_equal(judge(&heard, alice, one(run_1, 1, 0, true)), ACURAST__HEARD_REFUSED);
        } else {
            assert_int_equal(verdict, ACURAST__HEARD_NO_MEMORY);
            assert_int_equal(judge(&heard, alice, one(run_1, 1, 0, true)), ACURAST__HEARD_NEW);
        }
        acurast__heard_clear(&heard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_once),
        cmocka_unit_test(levels_are_apart),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(who_is_pushed_out_is_not_recognised),
        cmocka_unit_test(runs_push_out_those_of_their_sender_alone),
        cmocka_unit_test(many_receipts),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
