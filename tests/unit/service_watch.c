/* Watches: who is told that an id has left, once each; what a directory tells to those who track, and who is here. */
#include "service/watch.h"
#include "support/directory_world.h"

#include <pthread.h>

#define LIMIT 4

static const uint8_t carol[16] = {0xca};

static void touch(struct fixture *f, acurast__watches **watches, const uint8_t *asker, const uint8_t *id)
{
    acurast__watches_touch(watches, &f->directory, asker, id, acurast__id_hash(id), LIMIT, &f->waiting);
}

static void claim_id(struct fixture *f, acurast__holder *holder, const uint8_t *id)
{
    acurast__chain mailbox = {0};
    assert_int_equal(
        acurast__directory_claim(&f->directory, holder, id, acurast__id_hash(id), 0, &mailbox, &f->tidings),
        ACURAST__CLAIM_GRANTED);
}

/* Everything that is to be told, as "<asker><who><kind> " by the first byte of each id. */
static void assert_told(struct fixture *f, const char *expected)
{
    char found[512] = "";
    size_t size = 0;
    acurast__tiding tiding;
    while (acurast__watches_tell(&f->tidings))
        continue;
    while (acurast__tidings_next(&f->tidings, &tiding)) {
        acurast__frame frame;
        acurast__items items;
        assert_true(acurast__frame_decode(&frame, tiding.bytes, tiding.size));
        if (frame.type == ACURAST__FRAME_GONE) {
            assert_true(acurast__gone_decode(&items, &frame));
            for (size_t i = 0; i < items.count && size < sizeof found - 16; i++)
                size += (size_t)snprintf(found + size, sizeof found - size, "%02x%02x%u ", frame.recipient[0],
                                         items.items[i * 17], items.items[i * 17 + 16]);
        }
        acurast__free(tiding.own);
    }
    assert_string_equal(found, expected);
}

static void each_watcher_is_told_once_how_it_left(void **state)
{
    (void)state;
    for (uint64_t mailboxes = 0; mailboxes <= 20; mailboxes += 20) {
        struct fixture *f = fixture_new(mailboxes);
        acurast__watches *bobs = NULL, *carols = NULL;
        claim_granted(f, &f->one, 0);
        touch(f, &bobs, bob, alice);
        touch(f, &bobs, bob, alice);
        touch(f, &carols, carol, alice);
        assert_int_equal(acurast__watches_count(bobs), 1);
        leave(f, &f->one, "", 0);
        assert_told(f, mailboxes ? "b0a11 caa11 " : "b0a10 caa10 ");
        claim_granted(f, &f->one, 0);
        leave(f, &f->one, "", 0);
        assert_told(f, "");
        acurast__watches_free(bobs, &f->directory);
        acurast__watches_free(carols, &f->directory);
        fixture_end(f);
    }
}

static void a_takeover_is_told_as_such(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__watches *bobs = NULL;
    acurast__chain mailbox = {0};
    claim_granted(f, &f->one, 0);
    touch(f, &bobs, bob, alice);
    assert_int_equal(claim(f, &f->two, 0, &mailbox), ACURAST__CLAIM_WAIT);
    assert_told_to_leave(&f->one);
    leave(f, &f->one, "", 0);
    assert_told(f, "b0a12 ");
    assert_delivers(&f->two, "");
    touch(f, &bobs, bob, alice);
    leave(f, &f->two, "", 0);
    assert_told(f, "b0a11 ");
    acurast__watches_free(bobs, &f->directory);
    fixture_end(f);
}

static void a_service_that_ends_tells_nobody_that_all_leave(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__watches *bobs = NULL;
    claim_granted(f, &f->one, 0);
    touch(f, &bobs, bob, alice);
    atomic_store(&f->directory.draining, true);
    leave(f, &f->one, "", 0);
    assert_told(f, "");
    send(f, "ab", 0);
    assert_dropped(f, ACURAST__DROP_DRAINING, 2);
    assert_int_equal(f->metrics.mailbox_frames, 0);
    acurast__watches_free(bobs, &f->directory);
    fixture_end(f);
}

static void an_id_that_is_not_there_is_not_watched(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__watches *bobs = NULL;
    touch(f, &bobs, bob, alice);
    assert_int_equal(acurast__watches_count(bobs), 0);
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    assert_told(f, "");
    touch(f, &bobs, bob, alice); /* away, with a mailbox: its next leaving is told */
    assert_int_equal(acurast__watches_count(bobs), 1);
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    assert_told(f, "b0a11 ");
    acurast__watches_free(bobs, &f->directory);
    fixture_end(f);
}

static void one_that_is_forgotten_lets_go_of_its_watchers(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__watches *bobs = NULL;
    claim_granted(f, &f->one, 0);
    leave(f, &f->one, "", 0);
    touch(f, &bobs, bob, alice);
    acurast__directory_sweep(&f->directory, UINT64_MAX, &f->tidings);
    assert_told(f, "");
    touch(f, &bobs, bob, alice); /* it is not there any more, and so is the watch */
    assert_int_equal(acurast__watches_count(bobs), 0);
    acurast__watches_free(bobs, &f->directory);
    fixture_end(f);
}

static void the_one_touched_longest_ago_makes_room(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    acurast__watches *bobs = NULL;
    acurast__holder holders[LIMIT + 2];
    uint8_t ids[LIMIT + 2][16] = {{0}};
    for (uint8_t i = 0; i < LIMIT + 2; i++) {
        holders[i] = f->one;
        ids[i][0] = (uint8_t)(i + 1);
        claim_id(f, &holders[i], ids[i]);
        if (i == LIMIT)
            touch(f, &bobs, bob, ids[0]);
        touch(f, &bobs, bob, ids[i]);
        assert_in_range(acurast__watches_count(bobs), 1, LIMIT);
    }
    for (uint8_t i = 0; i < LIMIT + 2; i++)
        leave(f, &holders[i], "", 0);
    assert_told(f, "b0010 b0040 b0050 b0060 ");
    acurast__watches_free(bobs, &f->directory);
    fixture_end(f);
}

static void one_that_ends_is_not_told_not_even_what_was_due(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    acurast__watches *bobs = NULL, *carols = NULL;
    claim_granted(f, &f->one, 0);
    touch(f, &bobs, bob, alice);
    touch(f, &carols, carol, alice);
    leave(f, &f->one, "", 0);
    acurast__watches_free(bobs, &f->directory);
    assert_told(f, "caa10 ");
    acurast__watches_free(carols, &f->directory);
    fixture_end(f);
}

static void without_memory_there_is_no_watch_or_it_is_told_at_once(void **state)
{
    (void)state;
    for (long n = 1; n < 6; n++) {
        struct fixture *f = fixture_new(0);
        acurast__watches *bobs = NULL;
        claim_granted(f, &f->one, 0);
        acurast__memory_fail_at(n);
        touch(f, &bobs, bob, alice);
        leave(f, &f->one, "", 0);
        acurast__memory_fail_at(0);
        size_t watched = acurast__watches_count(bobs);
        assert_told(f, watched ? "b0a10 " : "");
        acurast__watches_free(bobs, &f->directory);
        fixture_end(f);
    }
}

/* ---- two threads ---- */

struct watcher {
    struct fixture *f;
    uint8_t id;
};

static void *watch_and_end(void *argument)
{
    const struct watcher *own = argument;
    _Atomic uint64_t memory = 0;
    uint8_t asker[16] = {own->id};
    for (int i = 0; i < 2000; i++) {
        acurast__watches *watches = NULL;
        for (int j = 0; j < 8; j++)
            acurast__watches_touch(&watches, &own->f->directory, asker, alice, acurast__id_hash(alice), LIMIT, &memory);
        acurast__watches_free(watches, &own->f->directory);
    }
    assert_int_equal(memory, 0);
    return NULL;
}

/* For TSan: watchers come and end on other threads while the holder leaves and comes back. */
static void watchers_of_other_threads_come_and_go(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(0);
    struct watcher watchers[2] = {{f, 1}, {f, 2}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch_and_end, &watchers[i]), 0);
    for (int i = 0; i < 2000; i++) {
        acurast__tiding tiding;
        claim_granted(f, &f->one, 0);
        leave(f, &f->one, "", 0);
        while (acurast__watches_tell(&f->tidings))
            continue;
        while (acurast__tidings_next(&f->tidings, &tiding)) {
            acurast__free(tiding.own);
        }
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    fixture_end(f);
}

/* ---- what the directory tells ---- */

static bool tell(struct fixture *f, const uint8_t *bytes, size_t size)
{
    acurast__tiding tiding = {
        .recipient = alice, .hash = acurast__id_hash(alice), .bytes = bytes, .size = size, .items = 3};
    return acurast__directory_tell(&f->directory, &tiding, &f->tidings);
}

static void only_a_holder_that_tracks_is_told(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    acurast__holder *holder;
    acurast__chain waiting;
    acurast__chain mailbox = {0};
    uint8_t frame[50];
    acurast__frame_header(frame, ACURAST__FRAME_RECEIPT, NULL, alice);
    frame[33] = 'r';
    tell(f, frame, sizeof frame); /* never here */
    claim_granted(f, &f->two, 0);
    tell(f, frame, sizeof frame); /* does not track */
    leave(f, &f->two, "", 0);
    tell(f, frame, sizeof frame); /* away */
    f->two.track = true;
    claim_granted(f, &f->two, 0);
    tell(f, frame, sizeof frame);
    assert_int_equal(f->metrics.tidings_lost, 0);
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    assert_true(holder->mixed);
    assert_bodies(&waiting, "r");
    send(f, "a", 0);
    tell(f, frame, sizeof frame);
    take_task();
    leave(f, &f->two, "", 0); /* what was on its way to it does not wait in the mailbox */
    acurast__entry *entry = acurast__idmap_get(
        &acurast__directory_part_of(&f->directory, acurast__id_hash(alice))->entries, alice, acurast__id_hash(alice));
    entry->posted = false;
    assert_int_equal(claim(f, &f->one, 0, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_bodies(&mailbox, "a");
    assert_false(f->one.mixed);
    f->one.track = true;
    f->one.max_frame = 34; /* of payloads */
    leave(f, &f->one, "", 0);
    claim_granted(f, &f->one, 0);
    tell(f, frame, sizeof frame);
    assert_delivers(&f->one, "r");
    uint8_t large[3000] = {0};
    memcpy(large, frame, sizeof frame);
    tell(f, large, sizeof large); /* more than may wait for it */
    assert_int_equal(f->metrics.tidings_lost, 3);
    leave(f, &f->one, "", 0);
    fixture_end(f);
}

static void a_look_tells_who_is_here_and_the_key(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(20);
    uint8_t key[33], public_key[33] = {2, 1, 2, 3}, none[33] = {0};
    uint64_t hash = acurast__id_hash(alice);
    memset(key, 0, sizeof key);
    f->one.public_key = public_key;
    assert_int_equal(acurast__directory_look(&f->directory, alice, hash, 0, key), ACURAST__PRESENCE_NOT_HERE);
    assert_memory_equal(key, none, sizeof key);
    claim_granted(f, &f->one, 0);
    assert_int_equal(acurast__directory_look(&f->directory, alice, hash, 0, key), ACURAST__PRESENCE_HERE);
    assert_memory_equal(key, public_key, sizeof key);
    leave(f, &f->one, "", 0);
    memset(key, 0, sizeof key);
    assert_int_equal(acurast__directory_look(&f->directory, alice, hash, 29999, key), ACURAST__PRESENCE_AWAY);
    assert_int_equal(acurast__directory_look(&f->directory, alice, hash, 30000, key), ACURAST__PRESENCE_NOT_HERE);
    assert_memory_equal(key, none, sizeof key);
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_watcher_is_told_once_how_it_left),
        cmocka_unit_test(a_takeover_is_told_as_such),
        cmocka_unit_test(a_service_that_ends_tells_nobody_that_all_leave),
        cmocka_unit_test(an_id_that_is_not_there_is_not_watched),
        cmocka_unit_test(one_that_is_forgotten_lets_go_of_its_watchers),
        cmocka_unit_test(the_one_touched_longest_ago_makes_room),
        cmocka_unit_test(one_that_ends_is_not_told_not_even_what_was_due),
        cmocka_unit_test(without_memory_there_is_no_watch_or_it_is_told_at_once),
        cmocka_unit_test(watchers_of_other_threads_come_and_go),
        cmocka_unit_test(only_a_holder_that_tracks_is_told),
        cmocka_unit_test(a_look_tells_who_is_here_and_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
