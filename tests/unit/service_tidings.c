/* What is to be told to senders: by whom it concerns, in frames of a bounded size, within a bound of memory; and drops that are counted. */
#include "base/bytes.h"
#include "base/memory.h"
#include "service/tidings.h"

#include "support/unit.h"

#include <string.h>

struct fixture {
    acurast__metrics metrics;
    _Atomic uint64_t waiting;
    acurast__tidings tidings;
};

static const uint8_t alice[16] = {0xa1}, bob[16] = {0xb0}, carol[16] = {0xca}, run[8] = {1}, other_run[8] = {2};

static int setup(void **state)
{
    struct fixture *f = acurast__alloc_zero(sizeof *f);
    acurast__tidings_init(&f->tidings, &f->metrics, &f->waiting, true);
    *state = f;
    return f ? 0 : -1;
}

/* Nothing is left, and nothing was lost but where a test says so. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    acurast__tidings_clear(&f->tidings);
    bool clean = !f->waiting && !f->tidings.memory && acurast__tidings_quiet(&f->tidings);
    acurast__free(f);
    return clean ? 0 : -1;
}

/* A tracked frame of alice's to bob. */
static size_t frame_of(uint8_t bytes[64], uint64_t number)
{
    acurast__tracked tracked = {.level = ACURAST__TRACK_DELIVERED, .run = run, .number = number};
    size_t size = acurast__frame_header(bytes, ACURAST__FRAME_TRACKED, alice, bob);
    acurast__tracked_head(bytes + size, &tracked);
    return size + ACURAST__TRACKED_HEAD_SIZE;
}

/* The next frame must be receipts of that run for `asker`; the statuses of its items as text. */
static void assert_receipts(struct fixture *f, const uint8_t *asker, const uint8_t *of_run, uint64_t first,
                            size_t count, unsigned status)
{
    acurast__tiding tiding;
    acurast__frame frame;
    acurast__receipts receipts;
    assert_true(acurast__tidings_next(&f->tidings, &tiding));
    assert_memory_equal(tiding.recipient, asker, 16);
    assert_int_equal(tiding.hash, acurast__id_hash(asker));
    assert_true(acurast__frame_decode(&frame, tiding.bytes, tiding.size));
    assert_int_equal(frame.version, ACURAST__VERSION);
    assert_int_equal(frame.type, ACURAST__FRAME_RECEIPT);
    assert_memory_equal(frame.sender, acurast__id_service, 16);
    assert_true(acurast__receipts_decode(&receipts, &frame));
    assert_memory_equal(receipts.run, of_run, 8);
    assert_int_equal(receipts.count, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        uint8_t said;
        acurast__receipts_at(&receipts, i, &number, &said);
        assert_int_equal(number, first + i);
        assert_int_equal(said, status);
    }
    acurast__free(tiding.own);
}

static void assert_gone(struct fixture *f, const uint8_t *asker, const uint8_t *who, unsigned kind)
{
    acurast__tiding tiding;
    acurast__frame frame;
    acurast__items items;
    assert_true(acurast__tidings_next(&f->tidings, &tiding));
    assert_memory_equal(tiding.recipient, asker, 16);
    assert_true(acurast__frame_decode(&frame, tiding.bytes, tiding.size));
    assert_int_equal(frame.type, ACURAST__FRAME_GONE);
    assert_true(acurast__gone_decode(&items, &frame));
    assert_int_equal(items.count, 1);
    assert_memory_equal(items.items, who, 16);
    assert_int_equal(items.items[16], kind);
    acurast__free(tiding.own);
}

static void assert_nothing(struct fixture *f)
{
    acurast__tiding tiding;
    assert_true(acurast__tidings_quiet(&f->tidings));
    assert_false(acurast__tidings_next(&f->tidings, &tiding));
    assert_int_equal(f->waiting, 0);
}

static void one_frame_for_each_run_of_each_asker_receipts_first(void **state)
{
    struct fixture *f = *state;
    acurast__tidings_gone(&f->tidings, alice, bob, ACURAST__GONE_AWAY);
    for (uint64_t i = 1; i <= 20; i++) {
        acurast__tidings_receipt(&f->tidings, alice, run, i, ACURAST__RECEIPT_RELAYED);
        acurast__tidings_receipt(&f->tidings, alice, other_run, 100 + i, ACURAST__RECEIPT_NOT_HERE);
        acurast__tidings_receipt(&f->tidings, carol, run, 200 + i, ACURAST__RECEIPT_KEPT);
    }
    assert_receipts(f, alice, run, 1, 20, 1);
    assert_receipts(f, alice, other_run, 101, 20, 16);
    assert_gone(f, alice, bob, 1);
    assert_receipts(f, carol, run, 201, 20, 3);
    assert_nothing(f);
}

static void a_full_frame_is_followed_by_another(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 2500; i++)
        acurast__tidings_receipt(&f->tidings, alice, run, i, ACURAST__RECEIPT_RELAYED);
    assert_receipts(f, alice, run, 1, 1024, 1);
    assert_receipts(f, alice, run, 1025, 1024, 1);
    assert_receipts(f, alice, run, 2049, 452, 1);
    assert_nothing(f);
}

static void no_frame_is_larger_than_one_full_of_receipts(void **state)
{
    struct fixture *f = *state;
    size_t told = 0;
    acurast__tiding tiding;
    for (unsigned i = 0; i < 1500; i++) {
        uint8_t who[16] = {(uint8_t)i, (uint8_t)(i >> 8)};
        acurast__tidings_gone(&f->tidings, alice, who, ACURAST__GONE_LEFT);
        acurast__tidings_receipt(&f->tidings, alice, run, i + 1, ACURAST__RECEIPT_RELAYED);
    }
    for (; acurast__tidings_next(&f->tidings, &tiding); acurast__free(tiding.own)) {
        assert_in_range(tiding.size, 42, 41 + 1024 * 9);
        told += tiding.items;
    }
    assert_int_equal(told, 3000);
    assert_nothing(f);
}

static void every_drop_has_its_word(void **state)
{
    static const struct {
        acurast__drop why;
        unsigned told, hidden;
    } rows[] = {
        {ACURAST__DROP_UNKNOWN_RECIPIENT, 16, 22}, {ACURAST__DROP_NO_MAILBOX, 16, 22},
        {ACURAST__DROP_MAILBOX_FULL, 17, 22},      {ACURAST__DROP_MAILBOX_TOTAL, 17, 22},
        {ACURAST__DROP_MAILBOX_SENDER, 17, 22},    {ACURAST__DROP_MAILBOX_EXPIRED, 18, 22},
        {ACURAST__DROP_SLOW_READER, 20, 20},       {ACURAST__DROP_SENDER_SHARE, 20, 20},
        {ACURAST__DROP_TOO_LARGE, 19, 19},         {ACURAST__DROP_REPEATED, 23, 23},
        {ACURAST__DROP_DRAINING, 25, 25},          {ACURAST__DROP_MEMORY, 21, 21},
    };
    struct fixture *f = *state;
    uint8_t bytes[64];
    size_t size = frame_of(bytes, 7);
    assert_int_equal(ARRAY_SIZE(rows), ACURAST__DROP_COUNT - 1); /* an unknown frame has no sender who asks */
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        f->tidings.presence = true;
        acurast__tidings_drop(&f->tidings, rows[i].why, bytes, size);
        assert_receipts(f, alice, run, 7, 1, rows[i].told);
        f->tidings.presence = false;
        acurast__tidings_drop(&f->tidings, rows[i].why, bytes, size);
        assert_receipts(f, alice, run, 7, 1, rows[i].hidden);
        assert_int_equal(f->metrics.drops[rows[i].why], 2);
    }
    acurast__tidings_outcome(&f->tidings, bytes, size, ACURAST__RECEIPT_KEPT);
    assert_nothing(f);
}

static void a_payload_that_is_not_tracked_is_counted_alone_and_a_receipt_not_as_one(void **state)
{
    struct fixture *f = *state;
    acurast__chain chain;
    uint8_t bytes[64];
    size_t size = frame_of(bytes, 3);
    acurast__chain_init(&chain);
    assert_true(acurast__chain_append(&chain, bytes, size));
    bytes[0] = ACURAST__FRAME_BYTE(ACURAST__FRAME_PAYLOAD);
    assert_true(acurast__chain_append(&chain, bytes, size));
    bytes[0] = ACURAST__FRAME_BYTE(ACURAST__FRAME_RECEIPT);
    assert_true(acurast__chain_append(&chain, bytes, size));
    acurast__tidings_drop_chain(&f->tidings, ACURAST__DROP_MEMORY, &chain);
    assert_null(chain.first);
    assert_int_equal(f->metrics.drops[ACURAST__DROP_MEMORY], 2);
    assert_receipts(f, alice, run, 3, 1, 21);
    assert_nothing(f);
}

/* By a service that is short of memory: then each word of it is lost, as it was counted when it was told. */
static void what_was_to_be_told_and_is_dropped_for_memory_is_counted_as_lost(void **state)
{
    struct fixture *f = *state;
    acurast__tiding receipts, gone;
    for (uint64_t i = 1; i <= 20; i++)
        acurast__tidings_receipt(&f->tidings, alice, run, i, ACURAST__RECEIPT_RELAYED);
    for (uint8_t i = 0; i < 3; i++)
        acurast__tidings_gone(&f->tidings, alice, (const uint8_t[16]){i}, ACURAST__GONE_LEFT);
    assert_true(acurast__tidings_next(&f->tidings, &receipts));
    assert_true(acurast__tidings_next(&f->tidings, &gone));
    acurast__tidings_drop(&f->tidings, ACURAST__DROP_SLOW_READER, receipts.bytes, receipts.size);
    assert_int_equal(f->metrics.tidings_lost, 0);
    acurast__tidings_drop(&f->tidings, ACURAST__DROP_MEMORY, receipts.bytes, receipts.size);
    assert_int_equal(f->metrics.tidings_lost, 20);
    acurast__tidings_drop(&f->tidings, ACURAST__DROP_MEMORY, gone.bytes, gone.size);
    assert_int_equal(f->metrics.tidings_lost, 23);
    memcpy(receipts.own + 1, bob, sizeof bob); /* a recipient's: counted by the frame */
    acurast__tidings_drop(&f->tidings, ACURAST__DROP_MEMORY, receipts.bytes, receipts.size);
    assert_int_equal(f->metrics.tidings_lost, 24);
    assert_int_equal(f->metrics.drops[ACURAST__DROP_MEMORY], 0);
    acurast__free(receipts.own);
    acurast__free(gone.own);
    assert_nothing(f);
}

static void memory_is_bounded_and_what_is_beyond_is_counted(void **state)
{
    struct fixture *f = *state;
    uint64_t noted = 0;
    for (; !f->metrics.tidings_lost; noted++) {
        uint8_t asker[16] = {0};
        memcpy(asker, &noted, sizeof noted);
        acurast__tidings_receipt(&f->tidings, asker, run, 1, ACURAST__RECEIPT_RELAYED);
        assert_true(f->waiting <= ACURAST__TIDINGS_MAX);
        assert_true(noted < ACURAST__TIDINGS_MAX);
    }
    assert_true(noted > 1000);
    acurast__tidings_gone(&f->tidings, bob, carol, ACURAST__GONE_LEFT);
    assert_int_equal(f->metrics.tidings_lost, 2);
    acurast__tiding tiding;
    for (uint64_t i = 1; i < noted; i++) {
        assert_true(acurast__tidings_next(&f->tidings, &tiding));
        acurast__free(tiding.own);
    }
    assert_nothing(f);
}

static void failing_memory_loses_and_counts_no_more_than_it_must(void **state)
{
    struct fixture *f = *state;
    for (long n = 1; n < 8; n++) {
        uint64_t lost = f->metrics.tidings_lost;
        acurast__memory_fail_at(n);
        for (uint64_t i = 1; i <= 9; i++)
            acurast__tidings_receipt(&f->tidings, alice, run, i, ACURAST__RECEIPT_RELAYED);
        acurast__memory_fail_at(0);
        lost = f->metrics.tidings_lost - lost;
        assert_in_range(lost, 0, 1);
        acurast__tiding tiding;
        assert_true(acurast__tidings_next(&f->tidings, &tiding));
        assert_int_equal(tiding.items, 9 - lost);
        acurast__free(tiding.own);
        assert_nothing(f);
    }
    assert_true(f->metrics.tidings_lost >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_frame_for_each_run_of_each_asker_receipts_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_frame_is_followed_by_another, setup, teardown),
        cmocka_unit_test_setup_teardown(no_frame_is_larger_than_one_full_of_receipts, setup, teardown),
        cmocka_unit_test_setup_teardown(every_drop_has_its_word, setup, teardown),
        cmocka_unit_test_setup_teardown(a_payload_that_is_not_tracked_is_counted_alone_and_a_receipt_not_as_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_to_be_told_and_is_dropped_for_memory_is_counted_as_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded_and_what_is_beyond_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_memory_loses_and_counts_no_more_than_it_must, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
