/* The backlog: order, turns, shares, and that nothing stays behind. */
#include "base/memory.h"
#include "service/backlog.h"
#include "wire/frame.h"

#include "support/unit.h"

#include <string.h>

#define LARGE (60 * 1024) /* one in a piece of memory */

static const acurast__address here = {{1}}, there = {{2}};
static const uint8_t recipient[16] = {9};

/* A frame of `size` bytes from the sender with this number in its group, with a mark behind the header. */
static acurast__backlog_verdict put_from(acurast__backlog *backlog, const acurast__address *group, uint8_t from,
                                         char mark, size_t size, uint64_t room)
{
    uint8_t id[16] = {from, group->bytes[0]};
    acurast__backlog_sender sender = {id, group};
    uint8_t *frame = acurast__alloc_zero(size);
    assert_non_null(frame);
    acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, id, recipient);
    frame[33] = (uint8_t)mark;
    acurast__backlog_verdict verdict = acurast__backlog_put(backlog, &sender, room, frame, size);
    acurast__free(frame);
    return verdict;
}

static void fill_the_chain(acurast__backlog *backlog)
{
    assert_int_equal(put_from(backlog, &here, 1, '-', ACURAST__BACKLOG_CHAIN_MAX - 100, UINT64_MAX),
                     ACURAST__BACKLOG_TAKEN);
}

/* Takes pieces of `budget` bytes until nothing is left; the marks in their order. */
static void assert_taken(acurast__backlog *backlog, size_t budget, const char *marks)
{
    acurast__chain chain;
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size, count = 0;
    char found[256] = "";
    acurast__chain_init(&chain);
    while (acurast__backlog_frames(backlog))
        acurast__backlog_take(backlog, budget, &chain);
    while (acurast__chain_next(&chain, &cursor, &bytes, &size) && count < sizeof found - 1)
        found[count++] = (char)bytes[33];
    assert_string_equal(found, marks);
    acurast__chain_clear(&chain);
    assert_int_equal(acurast__backlog_bytes(backlog), 0);
    assert_int_equal(acurast__backlog_weight(backlog), 0);
    assert_int_equal(acurast__backlog_memory(backlog), 0);
    assert_null(backlog->lanes);
}

static void little_is_first_in_first_out(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    for (uint8_t i = 0; i < 8; i++)
        assert_int_equal(put_from(&backlog, &here, i, (char)('a' + i), 34, 1000), ACURAST__BACKLOG_TAKEN);
    assert_null(backlog.lanes);
    assert_taken(&backlog, 1, "abcdefgh");
}

static void senders_are_served_in_turn(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    fill_the_chain(&backlog);
    for (int i = 0; i < 4; i++)
        put_from(&backlog, &here, 1, 'a', LARGE, UINT64_MAX);
    put_from(&backlog, &here, 2, 'b', LARGE, UINT64_MAX);
    put_from(&backlog, &here, 3, 'c', 34, UINT64_MAX);
    put_from(&backlog, &here, 2, 'b', LARGE, UINT64_MAX);
    assert_taken(&backlog, 1, "-abcabaa");
}

/* However many senders an address has, it has one turn. */
static void addresses_are_served_in_turn(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    fill_the_chain(&backlog);
    for (uint8_t i = 10; i < 16; i++)
        put_from(&backlog, &here, i, 'a', LARGE, UINT64_MAX);
    for (int i = 0; i < 3; i++)
        put_from(&backlog, &there, 2, 'b', LARGE, UINT64_MAX);
    assert_taken(&backlog, 1, "-abababaaa");
}

/* Large messages are paid for: who sends them has its share of the bytes, not of the turns. */
static void a_large_message_is_paid_for(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    fill_the_chain(&backlog);
    for (int i = 0; i < 2; i++)
        put_from(&backlog, &here, 1, 'a', 5 * LARGE, UINT64_MAX);
    for (int i = 0; i < 6; i++)
        put_from(&backlog, &there, 2, 'b', LARGE, UINT64_MAX);
    assert_taken(&backlog, 1, "-abbbbbab");
}

static void each_sender_keeps_its_order(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    fill_the_chain(&backlog);
    for (int mark = 'a'; mark <= 'z'; mark++)
        put_from(&backlog, &here, 1, (char)mark, mark % 3 ? 34 : LARGE, UINT64_MAX);
    assert_taken(&backlog, 5000, "-abcdefghijklmnopqrstuvwxyz");
}

static void a_sender_may_have_as_much_as_is_free(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    assert_int_equal(put_from(&backlog, &here, 1, 'a', 100000, 300000), ACURAST__BACKLOG_TAKEN);
    assert_int_equal(put_from(&backlog, &here, 1, 'b', 100000, 210000), ACURAST__BACKLOG_STEEP);
    assert_int_equal(put_from(&backlog, &here, 1, 'c', 100000, 290000), ACURAST__BACKLOG_SHARE);
    assert_int_equal(put_from(&backlog, &there, 2, 'd', 100000, 200000), ACURAST__BACKLOG_TAKEN);
    assert_int_equal(put_from(&backlog, &there, 3, 'e', 200000, 199999), ACURAST__BACKLOG_SHARE);
    assert_int_equal(put_from(&backlog, &(acurast__address){{3}}, 4, 'f', 10000, 9999), ACURAST__BACKLOG_FULL);
    assert_taken(&backlog, SIZE_MAX, "adb");
}

/* Three hundred senders of one address leave room for one of another. */
static void an_address_has_a_share(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_init(&backlog);
    const size_t limit = 3000000;
    size_t taken = 0;
    for (int i = 0; i < 300; i++) {
        size_t used = acurast__backlog_weight(&backlog);
        taken += put_from(&backlog, &here, (uint8_t)i, 'a', 30000, used < limit ? limit - used : 0) <=
                 ACURAST__BACKLOG_STEEP;
    }
    assert_in_range(taken, 50, 68); /* two thirds of the room */
    assert_int_equal(put_from(&backlog, &there, 1, 'b', 500000, limit - acurast__backlog_weight(&backlog)),
                     ACURAST__BACKLOG_STEEP);
    acurast__backlog_clear(&backlog);
    assert_null(backlog.lanes);
}

static void who_was_paused_for_long_is_not_asked_again_before_it_has_caught_up(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__chain chain;
    acurast__backlog_init(&backlog);
    acurast__chain_init(&chain);
    const uint8_t sender[16] = {1, 1};
    assert_int_equal(put_from(&backlog, &here, 1, 'a', 100000, 150000), ACURAST__BACKLOG_STEEP);
    assert_false(acurast__backlog_relaxed(&backlog, sender, 150000, false));
    assert_int_equal(put_from(&backlog, &here, 1, 'b', 20000, 150000), ACURAST__BACKLOG_STEEP);
    assert_false(acurast__backlog_relaxed(&backlog, sender, 150000, true));
    assert_int_equal(put_from(&backlog, &here, 1, 'c', 20000, 150000), ACURAST__BACKLOG_TAKEN);
    acurast__backlog_take(&backlog, 100000, &chain);
    assert_false(acurast__backlog_relaxed(&backlog, sender, 150000, false));
    assert_true(acurast__backlog_relaxed(&backlog, sender, 200000, false));
    assert_int_equal(put_from(&backlog, &here, 1, 'd', 100000, 200000), ACURAST__BACKLOG_STEEP);
    acurast__chain_clear(&chain);
    acurast__backlog_clear(&backlog);
}

static void the_largest_are_dropped(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__chain dropped;
    acurast__chain_init(&dropped);
    acurast__backlog_init(&backlog);
    acurast__backlog_drop_largest(&backlog, &dropped);
    fill_the_chain(&backlog);
    acurast__backlog_drop_largest(&backlog, &dropped);
    assert_int_equal(dropped.frames, 0);
    for (uint8_t i = 1; i < 5; i++) {
        put_from(&backlog, &here, i, 'a', 100000, UINT64_MAX);
        put_from(&backlog, i % 2 ? &here : &there, (uint8_t)(i + 10), 'b', 34, UINT64_MAX);
    }
    acurast__backlog_drop_largest(&backlog, &dropped);
    assert_int_equal(dropped.frames, 4);
    acurast__chain_clear(&dropped);
    assert_taken(&backlog, 1, "-bbbb");
}

/* A walk sees each lane once; what is kept in lanes is not limited by shares. */
static void lanes_can_be_looked_at_and_dropped(void **state)
{
    (void)state;
    acurast__backlog backlog;
    acurast__backlog_view view;
    size_t cursor = 0, seen = 0;
    acurast__backlog_init(&backlog);
    uint8_t frame[34];
    for (uint8_t i = 1; i <= 20; i++) {
        uint8_t id[16] = {i};
        acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, id, recipient);
        frame[33] = 'x';
        acurast__backlog_sender sender = {id, i % 2 ? &here : &there};
        assert_true(acurast__backlog_keep(&backlog, &sender, frame, sizeof frame));
    }
    while (acurast__backlog_next(&backlog, &cursor, &view)) {
        assert_int_equal(view.chain->frames, 1);
        assert_memory_equal(view.group, view.sender[0] % 2 ? &here : &there, sizeof here);
        seen += view.sender[0];
    }
    assert_int_equal(seen, 210);
    acurast__chain dropped;
    acurast__chain_init(&dropped);
    for (uint8_t i = 1; i <= 19; i++)
        acurast__backlog_drop(&backlog, (const uint8_t[16]){i}, &dropped);
    assert_int_equal(dropped.frames, 19);
    acurast__chain_clear(&dropped);
    assert_int_equal(acurast__backlog_frames(&backlog), 1);
    assert_taken(&backlog, 1, "x");
}

static void failing_memory_changes_nothing(void **state)
{
    (void)state;
    for (long n = 1; n < 12; n++) {
        acurast__backlog backlog;
        acurast__backlog_init(&backlog);
        uint8_t frame[34], id[16] = {1};
        acurast__backlog_sender sender = {id, &here};
        acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, id, recipient);
        frame[33] = 'x';
        acurast__memory_fail_at(n);
        bool kept = acurast__backlog_keep(&backlog, &sender, frame, sizeof frame);
        acurast__memory_fail_at(0);
        if (!kept)
            assert_null(backlog.lanes);
        assert_taken(&backlog, 1, kept ? "x" : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_first_in_first_out),
        cmocka_unit_test(senders_are_served_in_turn),
        cmocka_unit_test(addresses_are_served_in_turn),
        cmocka_unit_test(a_large_message_is_paid_for),
        cmocka_unit_test(each_sender_keeps_its_order),
        cmocka_unit_test(a_sender_may_have_as_much_as_is_free),
        cmocka_unit_test(an_address_has_a_share),
        cmocka_unit_test(who_was_paused_for_long_is_not_asked_again_before_it_has_caught_up),
        cmocka_unit_test(the_largest_are_dropped),
        cmocka_unit_test(lanes_can_be_looked_at_and_dropped),
        cmocka_unit_test(failing_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
