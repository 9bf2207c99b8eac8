/* The directory: who holds an id, and what waits for whom. */
#include "support/directory_world.h"

static void an_id_that_never_came_is_unknown(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    send(f, "ab", 0);
    assert_dropped(f, ACURAST__DROP_UNKNOWN_RECIPIENT, 2);
    fixture_end(f);
}

static void messages_for_another_loop_post_one_task_and_come_in_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->two, 0);
    send(f, "abc", 0);
    assert_int_equal(posted_count, 1);
    assert_ptr_equal(posted[0].loop, LOOP_B);
    assert_true(f->waiting > 0);
    assert_delivers(&f->two, "abc");
    assert_int_equal(f->waiting, 0);
    send(f, "d", 0);
    assert_delivers(&f->two, "d");
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

static void what_waited_comes_once_and_in_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "ab", 1000);
    send(f, "cd", 1000);
    assert_int_equal(f->metrics.mailbox_frames, 4);
    assert_int_equal(claim(f, &f->two, 2000, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "abcd");
    leave(f, &f->two, "", 2000);
    assert_int_equal(claim(f, &f->one, 2000, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "");
    leave(f, &f->one, "", 2000);
    fixture_end(f);
}

static void what_was_on_its_way_waits_after_what_was_unsent(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0}, waiting;
    acurast__holder *holder;
    claim_granted(f, &f->two, 0);
    send(f, "cd", 0);
    leave(f, &f->two, "ab", 0);
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_NOTHING);
    assert_int_equal(claim(f, &f->one, 0, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "abcd");
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

static void a_mailbox_is_bounded_in_count_bytes_and_time(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(3);
    uint8_t large[5000] = {ACURAST__VERSION << 4 | ACURAST__FRAME_PAYLOAD};
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    send_bytes(f, &bobs_address, large, sizeof large, 0);
    assert_dropped(f, ACURAST__DROP_MAILBOX_FULL, 1);
    send(f, "abcd", 0);
    assert_dropped(f, ACURAST__DROP_MAILBOX_FULL, 2);
    send(f, "e", 30000);
    assert_dropped(f, ACURAST__DROP_UNKNOWN_RECIPIENT, 1);
    assert_int_equal(claim(f, &f->one, 30000, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "");
    assert_dropped(f, ACURAST__DROP_MAILBOX_EXPIRED, 3);
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

static void the_sweep_forgets_who_stays_away(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "abc", 1000);
    acurast__directory_sweep(&f->directory, 30999, &f->tidings);
    assert_int_equal(f->directory.absentees, 1);
    acurast__directory_sweep(&f->directory, 31000, &f->tidings);
    assert_int_equal(f->directory.absentees, 0);
    assert_dropped(f, ACURAST__DROP_MAILBOX_EXPIRED, 3);
    fixture_end(f);
}

static void without_mailboxes_nobody_is_remembered(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "ab", 0);
    assert_dropped(f, ACURAST__DROP_NO_MAILBOX, 2);
    assert_int_equal(f->directory.absentees, 0);
    send(f, "c", 0);
    assert_dropped(f, ACURAST__DROP_UNKNOWN_RECIPIENT, 1);
    fixture_end(f);
}

static void the_newest_takes_over_with_everything_that_waited(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    send(f, "c", 0);
    assert_told_to_leave(&f->one);
    leave(f, &f->one, "ab", 0);
    send(f, "d", 0);
    assert_delivers(&f->two, "abcd");
    assert_int_equal(f->metrics.takeovers, 1);
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

static void the_newest_takes_over_on_the_same_loop_too(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->three, 0, &mailbox), ACURAST__CLAIM_WAIT);
    assert_told_to_leave(&f->one);
    leave(f, &f->one, "ab", 0);
    assert_delivers(&f->three, "ab");
    leave(f, &f->three, "", 0);
    fixture_end(f);
}

static void an_incumbent_that_leaves_by_itself_makes_way(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0}, waiting;
    acurast__holder *holder;
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    leave(f, &f->one, "a", 0);
    /* The task was posted to the old loop, from where it goes on to the new one. */
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_NOTHING);
    assert_delivers(&f->two, "a");
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

static void a_newcomer_that_leaves_evicts_nobody(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    leave(f, &f->two, "", 0);
    send(f, "a", 0);
    assert_delivers(&f->one, "a");
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

static void a_newcomer_that_leaves_in_the_middle_leaves_its_mailbox(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0}, waiting;
    acurast__holder *holder;
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    assert_told_to_leave(&f->one);
    leave(f, &f->one, "ab", 0);
    leave(f, &f->two, "", 0);
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_NOTHING);
    assert_int_equal(claim(f, &f->three, 0, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "ab");
    leave(f, &f->three, "", 0);
    fixture_end(f);
}

static void a_second_newcomer_is_refused_while_one_waits(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    assert_int_equal(claim(f, &f->three, 0, &mailbox), ACURAST__CLAIM_REFUSED);
    assert_null(f->three.entry);
    assert_told_to_leave(&f->one);
    leave(f, &f->one, "", 0);
    assert_delivers(&f->two, "");
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

/* Two of a key in turn; each is told to leave by the other. False where it is asked first whether it lives. */
static bool take_over(struct fixture *f, acurast__holder *old, acurast__holder *new, uint64_t now)
{
    acurast__chain mailbox = {0}, waiting;
    acurast__holder *holder;
    assert_int_equal(claim(f, new, now, &mailbox), ACURAST__CLAIM_WAIT);
    acurast__wake told = wake(&holder, &waiting);
    assert_ptr_equal(holder, old);
    if (told == ACURAST__WAKE_ASK)
        return false;
    assert_int_equal(told, ACURAST__WAKE_LEAVE);
    leave(f, old, "", now);
    assert_delivers(new, "");
    return true;
}

/* The holder lives: who asked is turned away. */
static void stay(struct fixture *f, acurast__holder *holder, acurast__holder *newcomer)
{
    acurast__directory_stay(holder);
    assert_ptr_equal(acurast__directory_turned_away(take_task()), newcomer);
    leave(f, newcomer, "", 0);
    assert_null(newcomer->entry);
}

static void after_three_takeovers_in_ten_seconds_an_incumbent_that_answers_stays(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->one, 1000);
    assert_true(take_over(f, &f->one, &f->two, 1000));
    assert_true(take_over(f, &f->two, &f->one, 2000));
    assert_true(take_over(f, &f->one, &f->two, 3000));
    assert_false(take_over(f, &f->two, &f->one, 10999));
    send(f, "ab", 0);
    assert_delivers(&f->two, "ab"); /* while it is asked */
    stay(f, &f->two, &f->one);
    assert_false(take_over(f, &f->two, &f->one, 40998));
    stay(f, &f->two, &f->one);
    assert_true(take_over(f, &f->two, &f->one, 40999));
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

static void an_incumbent_that_does_not_answer_makes_way(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->one, 0);
    assert_true(take_over(f, &f->one, &f->two, 0));
    assert_true(take_over(f, &f->two, &f->one, 0));
    assert_true(take_over(f, &f->one, &f->two, 0));
    assert_false(take_over(f, &f->two, &f->three, 0));
    send(f, "a", 0);
    assert_delivers(&f->two, "a");
    leave(f, &f->two, "a", 0); /* its time to answer is over */
    assert_delivers(&f->three, "a");
    leave(f, &f->three, "", 0);
    fixture_end(f);
}

static void who_is_turned_away_may_leave_first(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    assert_true(take_over(f, &f->one, &f->two, 0));
    assert_true(take_over(f, &f->two, &f->one, 0));
    assert_true(take_over(f, &f->one, &f->two, 0));
    assert_false(take_over(f, &f->two, &f->one, 0));
    acurast__directory_stay(&f->two);
    assert_int_equal(claim(f, &f->three, 0, &mailbox), ACURAST__CLAIM_REFUSED); /* one at a time */
    leave(f, &f->one, "", 0);
    assert_null(acurast__directory_turned_away(take_task()));
    leave(f, &f->two, "", 0);
    fixture_end(f);
}

static void takeovers_over_a_longer_time_go_on_for_ever(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__holder *old = &f->one, *new = &f->two;
    claim_granted(f, old, 0);
    for (uint64_t now = 5000; now < 200000; now += 5000) {
        assert_true(take_over(f, old, new, now));
        acurast__holder *other = old;
        old = new;
        new = other;
    }
    leave(f, old, "", 0);
    fixture_end(f);
}

static void a_full_memory_keeps_nothing_more(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    atomic_store(&f->directory.memory_full, true);
    send(f, "a", 0);
    assert_dropped(f, ACURAST__DROP_MEMORY, 1);
    fixture_end(f);
}

static void remembering_ids_is_bounded_by_the_total(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__holder holder = f->one;
    acurast__chain none;
    acurast__chain_init(&none);
    f->directory.ledger.limit = 64 * 1024;
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t id[16];
        memcpy(id, &i, sizeof i);
        memset(id + 4, 7, 12);
        assert_int_equal(
            acurast__directory_claim(&f->directory, &holder, id, acurast__id_hash(id), 0, &none, &f->tidings),
            ACURAST__CLAIM_GRANTED);
        acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->tidings);
    }
    assert_in_range(f->directory.absentees, 50, 1000);
    assert_true(acurast__directory_memory(&f->directory) <= 64 * 1024);
    fixture_end(f);
}

static void failing_memory_loses_what_it_must_and_no_more(void **state)
{
    (void)state;
    for (long n = 1; n < 12; n++) {
        struct fixture *f = fixture_new(20);
        acurast__chain mailbox = {0};
        acurast__memory_fail_at(n);
        if (claim(f, &f->one, 0, &mailbox) == ACURAST__CLAIM_GRANTED)
            acurast__directory_leave(&f->one, &mailbox, 0, ACURAST__DROP_NO_MAILBOX, &f->tidings);
        else
            assert_null(f->one.entry);
        send(f, "abc", 0);
        acurast__memory_fail_at(0);
        assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_GRANTED);
        assert_int_equal(mailbox.frames + f->metrics.drops[ACURAST__DROP_MEMORY] +
                             f->metrics.drops[ACURAST__DROP_UNKNOWN_RECIPIENT],
                         3);
        acurast__chain_clear(&mailbox);
        leave(f, &f->two, "", 0);
        fixture_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_that_never_came_is_unknown),
        cmocka_unit_test(messages_for_another_loop_post_one_task_and_come_in_order),
        cmocka_unit_test(what_waited_comes_once_and_in_order),
        cmocka_unit_test(what_was_on_its_way_waits_after_what_was_unsent),
        cmocka_unit_test(a_mailbox_is_bounded_in_count_bytes_and_time),
        cmocka_unit_test(the_sweep_forgets_who_stays_away),
        cmocka_unit_test(without_mailboxes_nobody_is_remembered),
        cmocka_unit_test(the_newest_takes_over_with_everything_that_waited),
        cmocka_unit_test(the_newest_takes_over_on_the_same_loop_too),
        cmocka_unit_test(an_incumbent_that_leaves_by_itself_makes_way),
        cmocka_unit_test(a_newcomer_that_leaves_evicts_nobody),
        cmocka_unit_test(a_newcomer_that_leaves_in_the_middle_leaves_its_mailbox),
        cmocka_unit_test(a_second_newcomer_is_refused_while_one_waits),
        cmocka_unit_test(after_three_takeovers_in_ten_seconds_an_incumbent_that_answers_stays),
        cmocka_unit_test(an_incumbent_that_does_not_answer_makes_way),
        cmocka_unit_test(who_is_turned_away_may_leave_first),
        cmocka_unit_test(takeovers_over_a_longer_time_go_on_for_ever),
        cmocka_unit_test(a_full_memory_keeps_nothing_more),
        cmocka_unit_test(remembering_ids_is_bounded_by_the_total),
        cmocka_unit_test(failing_memory_loses_what_it_must_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
