/* The life of a context: members come and go, close reaches each of them once, wait sees the end, and nothing is left. */
#include "support/net_world.h"

#include "net/context.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t descriptors, threads;
static int64_t objects;

static int begin(void **state)
{
    world w;
    (void)state;
    world_open(&w, &(world_options){0}); /* what libraries keep for the process is there */
    world_close(&w);
    descriptors = count_descriptors();
    threads = count_threads();
    objects = acurast_live_objects();
    return 0;
}

static void nothing_is_left(void)
{
    uint64_t until = acurast__clock_ms() + 20000;
    while ((count_threads() > threads || acurast_live_objects() > objects || count_descriptors() > descriptors) &&
           acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(count_threads(), threads);
    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(acurast_live_objects(), objects);
}

static acurast_context *make(const char *loops)
{
    acurast_context *context;
    acurast_options *options;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CONTEXT, &options), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, "threads", loops), ACURAST_OK);
    assert_int_equal(acurast__context_create(options, &context), ACURAST_OK);
    acurast_options_release(options);
    return context;
}

/* ---- a member that leaves when it is closed: at once, or from its loop ---- */

typedef struct resident {
    acurast__member member;
    acurast_context *context;
    acurast__task task;
    bool leaves_at_once;
    signal_box closes, left;
    atomic_int references;
} resident;

static void do_leave(acurast__task *task)
{
    resident *r = ACURAST__CONTAINER(task, resident, task);
    acurast__context_leave(r->context, &r->member);
    box_tell(&r->left);
}

static void on_close(acurast__member *member)
{
    resident *r = ACURAST__CONTAINER(member, resident, member);
    box_tell(&r->closes);
    if (r->leaves_at_once)
        do_leave(&r->task);
    else
        acurast__loop_post(acurast__context_next_loop(r->context), &r->task);
}

static void on_retain(acurast__member *member)
{
    ACURAST__CONTAINER(member, resident, member)->references++;
}

static void on_release(acurast__member *member)
{
    ACURAST__CONTAINER(member, resident, member)->references--;
}

static void resident_init(resident *r, acurast_context *context, bool leaves_at_once)
{
    *r = (resident){.member = {.close = on_close, .retain = on_retain, .release = on_release},
                    .context = context,
                    .task = {.run = do_leave},
                    .leaves_at_once = leaves_at_once};
    acurast__list_init(&r->member.link);
    box_init(&r->closes);
    box_init(&r->left);
}

/* ---- */

static void an_unused_context_has_no_threads(void **state)
{
    (void)state;
    acurast_context *context = make("3");
    assert_int_equal(count_threads(), threads);
    assert_int_equal(acurast_live_objects(), objects + 1);
    assert_int_equal(acurast__context_wait(context, 0), ACURAST_TIMEOUT);
    assert_int_equal(acurast__context_wait(context, 20), ACURAST_TIMEOUT);
    assert_false(acurast__context_closed(context));
    assert_int_equal(acurast__context_close(context), ACURAST_OK);
    assert_int_equal(acurast__context_close(context), ACURAST_OK);
    assert_true(acurast__context_closed(context));
    assert_int_equal(acurast__context_wait(context, 0), ACURAST_OK);
    acurast__context_abandon(context);
    nothing_is_left();
}

static void close_and_wait(const char *loops, bool at_once)
{
    enum {
        COUNT = 12
    };
    static resident residents[COUNT];
    acurast_context *context = make(loops);
    for (size_t i = 0; i < COUNT; i++) {
        resident_init(&residents[i], context, at_once);
        assert_int_equal(acurast__context_join(context, &residents[i].member), ACURAST_OK);
    }
    assert_int_equal(count_threads(), threads + (size_t)atoi(loops));
    assert_int_equal(acurast__context_loop_count(context), atoi(loops));
    assert_int_equal(acurast__context_wait(context, 1), ACURAST_TIMEOUT);
    assert_int_equal(acurast__context_close(context), ACURAST_OK);
    assert_int_equal(acurast__context_close(context), ACURAST_OK);
    assert_int_equal(acurast__context_wait(context, 20000), ACURAST_OK);
    assert_int_equal(acurast__context_wait(context, 0), ACURAST_OK);
    for (size_t i = 0; i < COUNT; i++) {
        box_await(&residents[i].left, 1);
        assert_int_equal(residents[i].closes.count, 1);
        assert_int_equal(residents[i].references, 0);
    }
    resident late;
    resident_init(&late, context, true);
    assert_int_equal(acurast__context_join(context, &late.member), ACURAST_CLOSED);
    acurast__context_abandon(context);
    nothing_is_left();
}

static void close_reaches_every_member_once_and_wait_sees_the_end(void **state)
{
    (void)state;
    close_and_wait("1", false);
    close_and_wait("3", false);
    close_and_wait("3", true);
    close_and_wait("1", false);
    close_and_wait("2", true);
}

static void members_come_and_go_without_ending_it(void **state)
{
    resident r;
    (void)state;
    acurast_context *context = make("2");
    for (int i = 0; i < 3; i++) {
        resident_init(&r, context, true);
        assert_int_equal(acurast__context_join(context, &r.member), ACURAST_OK);
        acurast__context_leave(context, &r.member);
    }
    assert_int_equal(count_threads(), threads + 2);
    assert_int_equal(acurast__context_wait(context, 1), ACURAST_TIMEOUT);
    acurast__context_abandon(context); /* without close: the threads end by themselves */
    nothing_is_left();
}

static void an_abandoned_context_ends_with_its_last_member(void **state)
{
    static resident residents[2];
    (void)state;
    acurast_context *context = make("2");
    for (size_t i = 0; i < 2; i++) {
        resident_init(&residents[i], context, false);
        assert_int_equal(acurast__context_join(context, &residents[i].member), ACURAST_OK);
    }
    acurast__context_abandon(context);
    assert_int_equal(count_threads(), threads + 2);
    acurast__loop_post(acurast__context_loop(context, 0), &residents[0].task);
    box_await(&residents[0].left, 1);
    assert_int_equal(count_threads(), threads + 2);
    acurast__loop_post(acurast__context_loop(context, 1), &residents[1].task);
    box_await(&residents[1].left, 1);
    nothing_is_left();
}

static void an_abandoned_context_that_was_closed_ends_too(void **state)
{
    static resident r;
    (void)state;
    acurast_context *context = make("2");
    resident_init(&r, context, false);
    assert_int_equal(acurast__context_join(context, &r.member), ACURAST_OK);
    assert_int_equal(acurast__context_close(context), ACURAST_OK);
    acurast__context_abandon(context); /* while it ends */
    box_await(&r.left, 1);
    nothing_is_left();
}

/* ---- races ---- */

static void *close_it(void *argument)
{
    acurast__context_close(argument);
    return NULL;
}

static void *wait_for_it(void *argument)
{
    acurast_status status = acurast__context_wait(argument, 20000);
    return status == ACURAST_OK ? argument : NULL;
}

static void closers_and_waiters_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        static resident residents[8];
        pthread_t closers[3], waiters[3];
        void *good;
        acurast_context *context = make("2");
        for (size_t i = 0; i < ARRAY_SIZE(residents); i++) {
            resident_init(&residents[i], context, i & 1);
            assert_int_equal(acurast__context_join(context, &residents[i].member), ACURAST_OK);
        }
        for (size_t i = 0; i < 3; i++) {
            pthread_create(&waiters[i], NULL, wait_for_it, context);
            pthread_create(&closers[i], NULL, close_it, context);
        }
        for (size_t i = 0; i < 3; i++) {
            pthread_join(closers[i], NULL);
            pthread_join(waiters[i], &good);
            assert_ptr_equal(good, context);
        }
        for (size_t i = 0; i < ARRAY_SIZE(residents); i++)
            assert_int_equal(box_count(&residents[i].closes), 1);
        acurast__context_abandon(context);
    }
    nothing_is_left();
}

static void *join_and_leave(void *argument)
{
    acurast_context *context = argument;
    resident r;
    for (int i = 0; i < 50; i++) {
        resident_init(&r, context, true);
        if (acurast__context_join(context, &r.member) != ACURAST_OK)
            break;
        acurast__context_leave(context, &r.member);
    }
    acurast__context_release(context);
    return NULL;
}

static void joining_and_leaving_from_many_threads(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        pthread_t others[4];
        acurast_context *context = make("2");
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
            pthread_create(&others[i], NULL, join_and_leave, acurast__context_retain(context));
        if (round & 1) /* no member stands in the way: nobody is asked to close */
            for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                pthread_join(others[i], NULL);
        acurast__context_abandon(context);
        if (!(round & 1))
            for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                pthread_join(others[i], NULL);
    }
    nothing_is_left();
}

/* ---- memory, and forks ---- */

static void out_of_memory(void **state)
{
    resident r;
    (void)state;
    acurast_options *options;
    acurast_context *context = NULL;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CONTEXT, &options), ACURAST_OK);
    acurast__memory_fail_at(1);
    assert_int_equal(acurast__context_create(options, &context), ACURAST_NO_MEMORY);
    acurast__memory_fail_at(0);
    acurast_options_release(options);
    context = make("3");
    for (long n = 1; n <= 4; n++) { /* the list of loops, and each loop */
        resident_init(&r, context, true);
        acurast__memory_fail_at(n);
        assert_int_equal(acurast__context_join(context, &r.member), ACURAST_NO_MEMORY);
    }
    acurast__memory_fail_at(0);
    assert_int_equal(acurast__context_join(context, &r.member), ACURAST_OK);
    acurast__memory_fail_at(1);
    assert_int_equal(acurast__context_close(context), ACURAST_OK); /* needs none */
    acurast__memory_fail_at(0);
    assert_int_equal(acurast__context_wait(context, 20000), ACURAST_OK);
    acurast__context_abandon(context);
    nothing_is_left();
}

static void a_child_knows_that_it_is_one(void **state)
{
    int status;
    (void)state;
    acurast_context *context = make("1");
    assert_false(acurast__context_forked(context));
    pid_t child = fork();
    if (child == 0)
        _exit(acurast__context_forked(context) ? 7 : 8);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_false(acurast__context_forked(context));
    acurast__context_abandon(context);
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unused_context_has_no_threads),
        cmocka_unit_test(close_reaches_every_member_once_and_wait_sees_the_end),
        cmocka_unit_test(members_come_and_go_without_ending_it),
        cmocka_unit_test(an_abandoned_context_ends_with_its_last_member),
        cmocka_unit_test(an_abandoned_context_that_was_closed_ends_too),
        cmocka_unit_test(closers_and_waiters_at_once),
        cmocka_unit_test(joining_and_leaving_from_many_threads),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(a_child_knows_that_it_is_one),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
