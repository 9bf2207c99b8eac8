/*
 * A directory with loops that the test plays itself: a task that is posted waits in a list until the test runs it "on" its loop.
 */
#ifndef ACURAST_TESTS_DIRECTORY_WORLD_H
#define ACURAST_TESTS_DIRECTORY_WORLD_H

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

static inline void post(acurast__loop *loop, acurast__task *task)
{
    assert_true(posted_count < ARRAY_SIZE(posted));
    posted[posted_count].loop = loop;
    posted[posted_count++].task = task;
}

static inline bool is_current(const acurast__loop *loop)
{
    return loop == current;
}

static inline void never_run(acurast__task *task)
{
    (void)task;
    fail();
}

/* Bytes that the holders' websockets have not written, as the test says. */
static size_t given_bytes;

static inline size_t given(const acurast__holder *holder)
{
    assert_ptr_equal(holder->loop, current);
    return given_bytes;
}

struct fixture {
    acurast__directory directory;
    acurast__metrics metrics;
    _Atomic uint64_t waiting;
    acurast__tidings tidings;
    acurast__holder one, two, three;
};

static const uint8_t alice[16] = {0xa1}, bob[16] = {0xb0};

static inline struct fixture *fixture_new(uint64_t mailbox_count)
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
    acurast__tidings_init(&f->tidings, &f->metrics, &f->waiting, true);
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
static inline void fixture_end(struct fixture *f)
{
    assert_int_equal(posted_count, 0);
    acurast__directory_sweep(&f->directory, UINT64_MAX, &f->tidings);
    assert_int_equal(acurast__directory_memory(&f->directory), 0);
    acurast__tidings_clear(&f->tidings);
    assert_int_equal(f->waiting, 0);
    assert_int_equal(f->directory.absentees, 0);
    assert_int_equal(f->directory.ledger.senders.count, 0);
    assert_int_equal(f->directory.ledger.groups.count, 0);
    for (size_t i = 0; i < ACURAST__DIRECTORY_PARTS; i++)
        assert_int_equal(f->directory.parts[i].entries.count, 0);
    acurast__directory_clear(&f->directory);
    acurast__free(f);
}

static inline acurast__claim claim(struct fixture *f, acurast__holder *holder, uint64_t now, acurast__chain *mailbox)
{
    return acurast__directory_claim(&f->directory, holder, alice, acurast__id_hash(alice), now, mailbox, &f->tidings);
}

static inline void claim_granted(struct fixture *f, acurast__holder *holder, uint64_t now)
{
    acurast__chain mailbox = {0};
    assert_int_equal(claim(f, holder, now, &mailbox), ACURAST__CLAIM_GRANTED);
    assert_int_equal(mailbox.frames, 0);
}

/* A payload of bob's to alice with one byte of body. */
static inline void frame_of(uint8_t frame[34], char body)
{
    acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, bob, alice);
    frame[33] = (uint8_t)body;
}

static const acurast__address bobs_address = {{0xb}}, another_address = {{0xc}};

/* True where the sender is to pause. */
static inline bool send_bytes(struct fixture *f, const acurast__address *group, const uint8_t *bytes, size_t size,
                              uint64_t now)
{
    acurast__parcel parcel = {
        .recipient = alice, .hash = acurast__id_hash(alice), .group = group, .bytes = bytes, .size = size};
    return acurast__directory_send(&f->directory, &parcel, now, &f->tidings);
}

static inline void send(struct fixture *f, const char *bodies, uint64_t now)
{
    uint8_t frame[34];
    for (; *bodies; bodies++) {
        frame_of(frame, *bodies);
        send_bytes(f, &bobs_address, frame, sizeof frame, now);
    }
}

static inline void chain_fill(acurast__chain *chain, const char *bodies)
{
    uint8_t frame[34];
    acurast__chain_init(chain);
    for (; *bodies; bodies++) {
        frame_of(frame, *bodies);
        assert_true(acurast__chain_append(chain, frame, sizeof frame));
    }
}

static inline void assert_bodies(acurast__chain *chain, const char *bodies)
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

static inline void leave(struct fixture *f, acurast__holder *holder, const char *unsent, uint64_t now)
{
    acurast__chain chain;
    chain_fill(&chain, unsent);
    acurast__directory_leave(holder, &chain, now, ACURAST__DROP_NO_MAILBOX, &f->tidings);
    assert_null(chain.first);
}

static bool more;

/* Takes the only task there is, and is on its loop. */
static inline acurast__task *take_task(void)
{
    assert_int_equal(posted_count, 1);
    posted_count = 0;
    current = posted[0].loop;
    return posted[0].task;
}

static inline acurast__wake wake(acurast__holder **holder, acurast__chain *waiting)
{
    acurast__task *task = take_task();
    acurast__chain_init(waiting);
    return acurast__directory_wake(task, holder, waiting, &more);
}

static inline void assert_delivers(acurast__holder *expected, const char *bodies)
{
    acurast__holder *holder;
    acurast__chain waiting;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_HOLDER);
    assert_ptr_equal(holder, expected);
    assert_bodies(&waiting, bodies);
}

static inline void assert_told_to_leave(acurast__holder *expected)
{
    acurast__holder *holder;
    acurast__chain waiting;
    assert_int_equal(wake(&holder, &waiting), ACURAST__WAKE_LEAVE);
    assert_ptr_equal(holder, expected);
}

static inline void assert_dropped(const struct fixture *f, acurast__drop why, uint64_t count)
{
    assert_int_equal(f->metrics.drops[why], count);
}

#endif
