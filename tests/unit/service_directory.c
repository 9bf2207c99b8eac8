/*
 * The directory, with loops that the test plays itself: a task that is posted waits in a list until the test runs it "on" its loop.
 */
#include "base/bytes.h"
#include "base/memory.h"
#include "service/directory.h"
#include "wire/frame.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static char loop_a_memory, loop_b_memory;
#define LOOP_A ((acurast__loop *)(void *)&loop_a_memory)
#define LOOP_B ((acurast__loop *)(void *)&loop_b_memory)

static acurast__loop *current;
static struct {
    acurast__loop *loop;
    acurast__task *task;
} posted[16];
static size_t posted_count;

static void post(acurast__loop *loop, acurast__task *task)
{
    assert_true(posted_count < ARRAY_SIZE(posted));
    posted[posted_count].loop = loop;
    posted[posted_count++].task = task;
}

static bool is_current(const acurast__loop *loop)
{
    return loop == current;
}

static void never_run(acurast__task *task)
{
    (void)task;
    fail();
}

/* Bytes that the holders' websockets have not written, as the test says. */
static size_t given_bytes;

static size_t given(const acurast__holder *holder)
{
    assert_ptr_equal(holder->loop, current);
    return given_bytes;
}

struct fixture {
    acurast__directory directory;
    acurast__metrics metrics;
    _Atomic uint64_t waiting;
    acurast__holder one, two, three;
};

static const uint8_t alice[16] = {0xa1}, bob[16] = {0xb0};

static struct fixture *fixture_new(uint64_t mailbox_count)
{
    struct fixture *f = acurast__alloc_zero(sizeof *f);
    assert_non_null(f);
    acurast__directory_config config = {
        .mailbox_count = mailbox_count,
        .mailbox_bytes = 4096,
        .mailbox_ms = 30000,
        .mailbox_total = 1024 * 1024,
        .send_buffer = 2000,
        .window = 1000,
        .wake = never_run,
        .turn_away = never_run,
        .given = given,
        .post = post,
        .is_current = is_current,
    };
    acurast__directory_init(&f->directory, &config);
    f->one = f->three =
        (acurast__holder){.loop = LOOP_A, .group = {{1}}, .max_frame = SIZE_MAX, .waiting = &f->waiting};
    f->two = f->one;
    f->two.loop = LOOP_B;
    current = LOOP_A;
    given_bytes = 0;
    posted_count = 0;
    return f;
}

/* Every test ends with nothing held and nothing on its way. */
static void fixture_end(struct fixture *f)
{
    assert_int_equal(posted_count, 0);
    acurast__directory_sweep(&f->directory, UINT64_MAX, &f->metrics);
    assert_int_equal(acurast__directory_memory(&f->directory), 0);
    assert_int_equal(f->waiting, 0);
    assert_int_equal(f->directory.absentees, 0);
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++)
        assert_int_equal(f->directory.parts[i].entries.count, 0);
    acurast__directory_clear(&f->directory);
    acurast__free(f);
}

static acurast__claim claim(struct fixture *f, acurast__holder *holder, uint64_t now, acurast__chain *mailbox)
{
    return acurast__directory_claim(&f->directory, holder, alice, acurast__id_hash(alice), now, mailbox, &f->metrics);
}

static void claim_granted(struct fixture *f, acurast__holder *holder, uint64_t now)
{
    acurast__chain mailbox = {0};
    assert_int_equal(claim(f, holder, now, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_int_equal(mailbox.frames, 0);
}

/* A payload of bob's to alice with one byte of body. */
static void frame_of(uint8_t frame[34], char body)
{
    acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, bob, alice);
    frame[33] = (uint8_t)body;
}

static const acurast__address bobs_address = {{0xb}}, another_address = {{0xc}};

/* True where the sender is to pause. */
static bool send_bytes(struct fixture *f, const acurast__address *group, const uint8_t *bytes, size_t size,
                       uint64_t now)
{
    acurast__parcel parcel = {
        .recipient = alice, .hash = acurast__id_hash(alice), .group = group, .bytes = bytes, .size = size};
    return acurast__directory_send(&f->directory, &parcel, now, &f->metrics);
}

static void send(struct fixture *f, const char *bodies, uint64_t now)
{
    uint8_t frame[34];
    for (; *bodies; bodies++) {
        frame_of(frame, *bodies);
        send_bytes(f, &bobs_address, frame, sizeof frame, now);
    }
}

static void chain_fill(acurast__chain *chain, const char *bodies)
{
    uint8_t frame[34];
    acurast__chain_init(chain);
    for (; *bodies; bodies++) {
        frame_of(frame, *bodies);
        assert_true(acurast__chain_append(chain, frame, sizeof frame));
    }
}

static void assert_bodies(acurast__chain *chain, const char *bodies)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    char found[64] = "";
    for (size_t i = 0; acurast__chain_next(chain, &cursor, &bytes, &size) && i < sizeof found - 1; i++)
        found[i] = (char)bytes[33];
    assert_string_equal(found, bodies);
    acurast__chain_clear(chain);
}

static void leave(struct fixture *f, acurast__holder *holder, const char *unsent, uint64_t now)
{
    acurast__chain chain;
    chain_fill(&chain, unsent);
    acurast__directory_leave(holder, &chain, now, ACURAST__DROP_NO_MAILBOX, &f->metrics);
    assert_null(chain.first);
}

static bool more;

/* Takes the only task there is, and is on its loop. */
static acurast__task *take_task(void)
{
    assert_int_equal(posted_count, 1);
    posted_count = 0;
    current = posted[0].loop;
    return posted[0].task;
}

static acurast__wake wake(acurast__holder **holder, acurast__chain *waiting)
{
    acurast__task *task = take_task();
    acurast__chain_init(waiting);
    return acurast__directory_wake(task, holder, waiting, &more);
}

static void assert_delivers(acurast__holder *expected, const char *bodies)
{
    acurast__holder *holder;
    acurast__chain waiting;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    assert_ptr_equal(holder, expected);
    assert_bodies(&waiting, bodies);
}

static void assert_told_to_leave(acurast__holder *expected)
{
    acurast__holder *holder;
    acurast__chain waiting;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_LEAVE);
    assert_ptr_equal(holder, expected);
}

static void assert_dropped(const struct fixture *f, acurast__drop why, uint64_t count)
{
    assert_int_equal(f->metrics.drops[why], count);
}

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
    acurast__directory_sweep(&f->directory, 30999, &f->metrics);
    assert_int_equal(f->directory.absentees, 1);
    acurast__directory_sweep(&f->directory, 31000, &f->metrics);
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
    acurast__directory_shed(&f->two, &f->metrics);
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
        acurast__directory_claim(&f->directory, &holder, id, parcel.hash, 0, &none, &f->metrics);
        acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->metrics);
        acurast__directory_send(&f->directory, &parcel, 0, &f->metrics);
        if (i < 2) { /* the first is somebody else's, and holds little */
            parcel.group = &another_address;
            acurast__directory_send(&f->directory, &parcel, 0, &f->metrics);
            parcel.group = &bobs_address;
        }
    }
    kept = f->metrics.mailbox_frames;
    assert_in_range(kept, 10, 199);
    assert_true(acurast__ledger_short(&f->directory.ledger));
    for (int i = 0; acurast__directory_relieve(&f->directory, &f->metrics); i++)
        assert_in_range(i, 0, ACURAST__DIRECTORY_PARTS);
    assert_false(acurast__ledger_short(&f->directory.ledger));
    assert_true(f->metrics.drops[ACURAST__DROP_MAILBOX_TOTAL] > 0);
    id[0] = 1;
    parcel.hash = acurast__id_hash(id);
    acurast__directory_claim(&f->directory, &holder, id, parcel.hash, 0, &none, &f->metrics);
    assert_true(none.frames >= 1); /* the other's is still there */
    acurast__chain_clear(&none);
    acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->metrics);
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
            acurast__directory_claim(&f->directory, &holder, id, acurast__id_hash(id), 0, &none, &f->metrics),
            ACURAST__CLAIM_GRANTED);
        acurast__directory_leave(&holder, &none, 0, ACURAST__DROP_NO_MAILBOX, &f->metrics);
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
            acurast__directory_leave(&f->one, &mailbox, 0, ACURAST__DROP_NO_MAILBOX, &f->metrics);
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
        cmocka_unit_test(a_holder_takes_no_more_than_its_window_at_a_time),
        cmocka_unit_test(what_waits_for_a_holder_is_bounded),
        cmocka_unit_test(a_frame_larger_than_the_recipient_takes_is_dropped),
        cmocka_unit_test(a_sender_with_half_of_its_share_pauses),
        cmocka_unit_test(shedding_drops_what_the_largest_sender_has_waiting),
        cmocka_unit_test(when_mailboxes_are_short_the_largest_holder_pays),
        cmocka_unit_test(a_full_memory_keeps_nothing_more),
        cmocka_unit_test(remembering_ids_is_bounded_by_the_total),
        cmocka_unit_test(failing_memory_loses_what_it_must_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
