/* What the directory does with tracked payloads, and what their sender is told of it: wherever one is lost, it is told why. */
#include "support/directory_world.h"

#include "wire/track.h"

#define HEAD (ACURAST__HEADER_SIZE + ACURAST__TRACKED_HEAD_SIZE)

static const uint8_t run[8] = {7};

/* One of `sender`'s to alice; true where the sender is to pause. */
static bool track_from(struct fixture *f, const uint8_t sender[16], uint64_t number, size_t size, uint64_t now)
{
    static uint8_t frame[20000];
    acurast__tracked tracked = {.level = ACURAST__TRACK_DELIVERED, .run = run, .number = number};
    acurast__frame_header(frame, ACURAST__FRAME_TRACKED, sender, alice);
    acurast__tracked_head(frame + ACURAST__HEADER_SIZE, &tracked);
    assert_in_range(size, HEAD, sizeof frame);
    return send_bytes(f, &bobs_address, frame, size, now);
}

static void track(struct fixture *f, uint64_t number, size_t size, uint64_t now)
{
    track_from(f, bob, number, size, now);
}

/* All that is to be told, as "number:status " in the order of the frames. */
static void assert_told(struct fixture *f, const char *expected)
{
    char found[512] = "";
    size_t length = 0;
    acurast__tiding tiding;
    for (; acurast__tidings_next(&f->tidings, &tiding); acurast__free(tiding.own)) {
        acurast__frame frame;
        acurast__receipts receipts;
        assert_true(acurast__frame_decode(&frame, tiding.bytes, tiding.size));
        assert_int_equal(frame.type, ACURAST__FRAME_RECEIPT);
        assert_true(acurast__receipts_decode(&receipts, &frame));
        assert_memory_equal(receipts.run, run, 8);
        for (size_t i = 0; i < receipts.count; i++) {
            uint64_t number;
            uint8_t status;
            acurast__receipts_at(&receipts, i, &number, &status);
            length +=
                (size_t)snprintf(found + length, sizeof found - length, "%llu:%u ", (unsigned long long)number, status);
            assert_true(length < sizeof found);
        }
    }
    assert_string_equal(found, expected);
}

static void nobody_is_there(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    track(f, 1, HEAD, 0);
    assert_told(f, "1:16 ");
    assert_dropped(f, ACURAST__DROP_UNKNOWN_RECIPIENT, 1);
    fixture_end(f);
}

/* What a holder takes is measured without the head, whether it tracks or not. */
static void too_large_for_its_recipient(void **state)
{
    (void)state;
    for (int tracks = 0; tracks < 2; tracks++) {
        struct fixture *f = fixture_new(20);
        acurast__holder *holder;
        acurast__chain waiting;
        f->two.max_frame = 100;
        f->two.track = tracks;
        claim_granted(f, &f->two, 0);
        track(f, 1, 100 + ACURAST__TRACKED_HEAD_SIZE + 1, 0);
        assert_told(f, "1:19 ");
        track(f, 2, 100 + ACURAST__TRACKED_HEAD_SIZE, 0);
        assert_told(f, "");
        assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
        assert_int_equal(waiting.frames, 1);
        assert_true(holder->mixed);
        acurast__chain_clear(&waiting);
        send(f, "p", 0);
        assert_delivers(&f->two, "p");
        assert_false(holder->mixed);
        leave(f, &f->two, "", 0);
        fixture_end(f);
    }
}

static void a_queue_that_is_full(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->two, 0);
    track(f, 1, 1500, 0);
    assert_told(f, "");
    track(f, 2, 600, 0);
    assert_told(f, "2:20 ");
    take_task();
    leave(f, &f->two, "", 0);
    assert_told(f, "1:3 "); /* what waited for it is in the mailbox */
    acurast__entry *entry = ACURAST__CONTAINER(posted[0].task, acurast__entry, wake);
    entry->posted = false;
    acurast__directory_sweep(&f->directory, 30000, &f->tidings);
    assert_told(f, "1:18 ");
    fixture_end(f);
}

static void a_mailbox_keeps_is_full_and_expires(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(2);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    track(f, 1, HEAD, 0);
    track(f, 2, HEAD + 10, 0);
    track(f, 3, HEAD, 0);
    assert_told(f, "1:3 2:3 3:17 ");
    assert_int_equal(claim(f, &f->one, 29999, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_int_equal(mailbox.frames, 2);
    assert_true(f->one.mixed);
    acurast__chain_clear(&mailbox);
    leave(f, &f->one, "", 30000);
    track(f, 4, HEAD, 30000);
    assert_told(f, "4:3 ");
    assert_int_equal(claim(f, &f->one, 70000, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_int_equal(mailbox.frames, 0);
    assert_told(f, "4:18 ");
    leave(f, &f->one, "", 70000);
    fixture_end(f);
}

static void without_mailboxes_what_waited_is_lost(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    claim_granted(f, &f->two, 0);
    track(f, 1, HEAD, 0);
    acurast__task *task = take_task();
    leave(f, &f->two, "", 0);
    assert_told(f, "1:16 ");
    assert_dropped(f, ACURAST__DROP_NO_MAILBOX, 1);
    acurast__holder *holder;
    acurast__chain waiting = {0};
    assert_int_equal(acurast__directory_wake(task, &holder, &waiting, &more), ACURAST__WAKE_NOTHING);
    fixture_end(f);
}

/* Where the memory is full the largest senders lose what waits, each frame of it. */
static void what_is_shed_is_told(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    const uint8_t carol[16] = {0xca};
    f->directory.config.send_buffer = 1024 * 1024;
    claim_granted(f, &f->two, 0);
    for (uint64_t i = 1; i <= 3; i++)
        track(f, i, 15000, 0);
    for (uint64_t i = 4; i <= 5; i++)
        track_from(f, carol, i, HEAD, 0);
    current = LOOP_B;
    acurast__directory_shed(&f->two, &f->tidings);
    assert_told(f, "2:21 3:21 "); /* the first is in the chain that all share */
    acurast__holder *holder;
    acurast__chain waiting;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    acurast__chain_clear(&waiting);
    leave(f, &f->two, "", 0);
    acurast__tidings_clear(&f->tidings);
    fixture_end(f);
}

/* Where mailboxes are short their largest debtors lose what they have in them. */
static void what_is_collected_is_told(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(1000);
    f->directory.config.mailbox_bytes = 1024 * 1024;
    f->directory.ledger.limit = 64 * 1024;
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    const uint8_t senders[4][16] = {{1}, {2}, {3}, {4}};
    for (uint64_t i = 0; i < 4; i++)
        track_from(f, senders[i], 10 + i, 7000, 0);
    assert_told(f, "10:3 11:3 12:3 13:3 ");
    uint64_t elsewhere = 59 * 1024 - acurast__directory_memory(&f->directory); /* less than an eighth is left */
    acurast__ledger_hold(&f->directory.ledger, elsewhere);
    track_from(f, senders[0], 20, HEAD, 0);
    assert_told(f, "20:3 ");
    while (acurast__directory_relieve(&f->directory, &f->tidings))
        continue;
    assert_dropped(f, ACURAST__DROP_MAILBOX_TOTAL, 5);
    acurast__ledger_free(&f->directory.ledger, elsewhere);
    size_t told = 0;
    acurast__tiding tiding;
    for (; acurast__tidings_next(&f->tidings, &tiding); acurast__free(tiding.own)) {
        assert_int_equal(tiding.bytes[tiding.size - 1], 17);
        told += tiding.items;
    }
    assert_int_equal(told, 5);
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(too_large_for_its_recipient),
        cmocka_unit_test(a_queue_that_is_full),
        cmocka_unit_test(a_mailbox_keeps_is_full_and_expires),
        cmocka_unit_test(without_mailboxes_what_waited_is_lost),
        cmocka_unit_test(what_is_shed_is_told),
        cmocka_unit_test(what_is_collected_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
