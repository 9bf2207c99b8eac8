/* The directory under load: windows, shares, and who pays when there is too much. */
#include "support/directory_world.h"

static void a_holder_takes_no_more_than_its_window_at_a_time(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__holder *holder;
    acurast__chain waiting;
    claim_granted(f, &f->two, 0);
    given_bytes = 1000;
    send(f, "abc", 0);
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    assert_true(more);
    assert_int_equal(waiting.frames, 0);
    send(f, "d", 0);
    assert_int_equal(posted_count, 0); /* it comes by itself */
    given_bytes = 0;
    assert_false(acurast__directory_take(&f->two, 1, &waiting));
    assert_bodies(&waiting, "abcd");
    send(f, "e", 0);
    assert_delivers(&f->two, "e");
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

/* What the websocket was given counts, on whichever loop it is. */
static void what_waits_for_a_holder_is_bounded(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(100);
    acurast__holder *holder;
    acurast__chain waiting;
    claim_granted(f, &f->two, 0);
    for (int i = 0; i < 60; i++)
        send(f, "x", 0);
    assert_dropped(f, ACURAST__DROP_SLOW_READER, 60 - 2000 / 36);
    given_bytes = 1000;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    assert_true(more);
    given_bytes = 0;
    acurast__directory_take(&f->two, SIZE_MAX, &waiting);
    acurast__chain_clear(&waiting);
    current = LOOP_A;
    for (int i = 0; i < 60; i++) /* the websocket still has more than its window, as far as is known here */
        send(f, "y", 0);
    assert_dropped(f, ACURAST__DROP_SLOW_READER, 60 - 2000 / 36 + 60 - 1000 / 36);
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    acurast__chain_clear(&waiting);
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

static void a_frame_larger_than_the_recipient_takes_is_dropped(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    uint8_t frame[40] = {0};
    frame_of(frame, 'x');
    f->one.max_frame = 34;
    claim_granted(f, &f->one, 0);
    send_bytes(f, &bobs_address, frame, 35, 0);
    assert_dropped(f, ACURAST__DROP_TOO_LARGE, 1);
    send(f, "a", 0);
    assert_delivers(&f->one, "a");
    leave(f, &f->one, "", 0);
    send_bytes(f, &bobs_address, frame, 35, 0); /* the mailbox remembers */
    assert_dropped(f, ACURAST__DROP_TOO_LARGE, 2);
    assert_int_equal(claim(f, &f->one, 0, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_int_equal(mailbox.frames, 0);
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

/* A sender with much in a backlog pauses, and goes on when it has little, or was paused for long enough. */
static void a_sender_with_half_of_its_share_pauses(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    static uint8_t large[100 * 1024];
    acurast__chain waiting;
    f->directory.config.send_buffer = 400 * 1024;
    frame_of(large, 'x');
    claim_granted(f, &f->two, 0);
    assert_false(send_bytes(f, &bobs_address, large, sizeof large, 0));
    assert_true(send_bytes(f, &bobs_address, large, sizeof large, 0));
    assert_false(acurast__directory_relaxed(&f->directory, alice, bob, false));
    assert_false(send_bytes(f, &bobs_address, large, sizeof large, 0)); /* dropped */
    assert_dropped(f, ACURAST__DROP_SENDER_SHARE, 1);
    acurast__chain_init(&waiting);
    (void)take_task();
    acurast__directory_take(&f->two, 1, &waiting);
    assert_int_equal(waiting.frames, 1);
    assert_false(acurast__directory_relaxed(&f->directory, alice, bob, true));
    acurast__directory_take(&f->two, 1, &waiting);
    assert_true(acurast__directory_relaxed(&f->directory, alice, bob, false));
    acurast__chain_clear(&waiting);
    f->two.entry->posted = false;
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

/* Memory is wanted back: what the largest sender has waiting goes, the others' stays, and so does the recipient. */
static void shedding_drops_what_the_largest_sender_has_waiting(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    static uint8_t large[100 * 1024];
    acurast__chain waiting;
    uint8_t small[34];
    f->directory.config.send_buffer = 400 * 1024;
    frame_of(large, 'x');
    claim_granted(f, &f->two, 0);
    send_bytes(f, &bobs_address, large, sizeof large, 0);
    acurast__frame_header(small, ACURAST__FRAME_PAYLOAD, alice, alice);
    small[33] = 'a';
    send_bytes(f, &another_address, small, sizeof small, 0);
    assert_true(acurast__directory_held(&f->two) > sizeof large);
    assert_int_equal(f->waiting, acurast__directory_held(&f->two));
    acurast__directory_shed(&f->two, &f->tidings);
    assert_dropped(f, ACURAST__DROP_MEMORY, 1);
    assert_true(acurast__directory_held(&f->two) < 4096);
    assert_int_equal(f->waiting, acurast__directory_held(&f->two));
    assert_delivers(&f->two, "a");
    acurast__chain_init(&waiting);
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

/* A mailbox for each of many recipients, filled by the senders of one address; then there is room for another. */
static void when_mailboxes_are_short_the_largest_holder_pays(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__holder holder = f->one;
    acurast__chain none;
    uint8_t id[16] = {0}, frame[1000] = {0}, sender[16] = {0x77};
    acurast__parcel parcel = {.recipient = id, .group = &bobs_address, .bytes = frame, .size = sizeof frame};
    acurast__chain_init(&none);
    f->directory.ledger.limit = 256 * 1024;
    uint64_t kept = 0;
    for (uint8_t i = 1; i < 200; i++) {
        id[0] = sender[1] = i;
        parcel.hash = acurast__id_hash(id);
        acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, sender, id);
        acurast__directory_claim(&f->directory, &holder, id, parcel.hash, 0, &none, &f->tidings);
        acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->tidings);
        acurast__directory_send(&f->directory, &parcel, 0, &f->tidings);
        if (i < 2) { /* the first recipient has something of somebody else as well */
            acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, alice, id);
            parcel.group = &another_address;
            acurast__directory_send(&f->directory, &parcel, 0, &f->tidings);
            parcel.group = &bobs_address;
        }
    }
    kept = f->metrics.mailbox_frames;
    assert_in_range(kept, 10, 199);
    assert_true(acurast__ledger_short(&f->directory.ledger));
    for (int i = 0; acurast__directory_relieve(&f->directory, &f->tidings); i++)
        assert_in_range(i, 0, ACURAST__DIRECTORY_PARTS);
    assert_false(acurast__ledger_short(&f->directory.ledger));
    assert_true(f->metrics.drops[ACURAST__DROP_MAILBOX_TOTAL] > 0);
    id[0] = 1;
    parcel.hash = acurast__id_hash(id);
    acurast__directory_claim(&f->directory, &holder, id, parcel.hash, 0, &none, &f->tidings);
    assert_true(none.frames >= 1); /* the other's is still there */
    acurast__chain_clear(&none);
    acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->tidings);
    fixture_end(f);
}

/* One that comes from another address meanwhile: what it has in a mailbox stays on one account, and is taken off it. */
static void a_sender_that_moves_is_charged_where_it_began(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    uint8_t frame[34];
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    frame_of(frame, 'a');
    send_bytes(f, &bobs_address, frame, sizeof frame, 0);
    frame_of(frame, 'b');
    send_bytes(f, &another_address, frame, sizeof frame, 0);
    assert_int_equal(claim(f, &f->one, 0, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "ab");
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_takes_no_more_than_its_window_at_a_time),
        cmocka_unit_test(what_waits_for_a_holder_is_bounded),
        cmocka_unit_test(a_frame_larger_than_the_recipient_takes_is_dropped),
        cmocka_unit_test(a_sender_with_half_of_its_share_pauses),
        cmocka_unit_test(shedding_drops_what_the_largest_sender_has_waiting),
        cmocka_unit_test(when_mailboxes_are_short_the_largest_holder_pays),
        cmocka_unit_test(a_sender_that_moves_is_charged_where_it_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
