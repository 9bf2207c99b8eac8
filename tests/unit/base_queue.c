/* The queue keeps its contract: order, descriptor, limits, waiting, waking, release and fork. Crowds are in base_queue_threads.c. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/queue.h"
#include "support/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

typedef struct counted_waiter {
    acurast__event_waiter waiter;
    int rooms;
} counted_waiter;

static acurast_queue *queue;
static int64_t live_before;
static int released;

static int setup(void **state)
{
    (void)state;
    live_before = acurast_live_objects();
    released = 0;
    return acurast__queue_create(8, 1000, &queue) == ACURAST_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
    return 0;
}

static void release_event(acurast__event *event)
{
    released++;
    free(event);
}

static void post_charged(uint64_t number, size_t charge)
{
    acurast__event *made = calloc(1, sizeof(*made));
    made->view = acurast__event_view(charge ? ACURAST_EVENT_PAYLOAD : ACURAST_EVENT_OUTCOME);
    made->view.operation = number;
    made->charge = charge;
    made->release = release_event;
    acurast__queue_post(queue, made);
}

static void post(uint64_t number)
{
    post_charged(number, 0);
}

static size_t take(acurast_event_view *views, size_t max)
{
    size_t count = 0;
    views[0].size = sizeof(*views);
    acurast_status status = acurast_queue_take(queue, views, max, 0, &count);
    assert_true(status == ACURAST_OK || status == ACURAST_TIMEOUT);
    return count;
}

static void take_and_give_back(size_t expected)
{
    acurast_event_view views[32];
    assert_int_equal(take(views, 32), expected);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
}

static bool is_readable(void)
{
    struct pollfd fd = {.fd = acurast_queue_descriptor(queue), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* ---- taking ---- */

static void test_events_come_in_their_order_and_in_parts(void **state)
{
    (void)state;
    acurast_event_view views[4];
    for (uint64_t i = 0; i < 5; i++)
        post(i);
    assert_int_equal(take(views, 2), 2);
    assert_true(views[0].operation == 0 && views[1].operation == 1);
    acurast_queue_done(queue);
    post(5);
    assert_int_equal(take(views, 4), 4);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(views[i].operation, i + 2);
    assert_int_equal(released, 2);
    acurast_queue_done(queue);
    assert_int_equal(released, 6);
    assert_int_equal(take(views, 4), 0);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    acurast_event_view view = {.size = sizeof(view)};
    size_t count = 9;
    assert_int_equal(acurast_queue_take(NULL, &view, 1, 0, &count), ACURAST_INVALID);
    assert_int_equal(count, 0);
    assert_int_equal(acurast_queue_take(queue, NULL, 1, 0, &count), ACURAST_INVALID);
    assert_int_equal(acurast_queue_take(queue, &view, 0, 0, &count), ACURAST_INVALID);
    assert_int_equal(acurast_queue_take(queue, &view, 1, 0, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_queue_done(NULL), ACURAST_INVALID);
    assert_int_equal(acurast_queue_wake(NULL), ACURAST_INVALID);
    assert_int_equal(acurast_queue_descriptor(NULL), -1);
    acurast_queue_release(NULL);
}

static void test_a_stride_that_cannot_be_is_refused(void **state)
{
    (void)state;
    acurast_event_view views[2] = {0};
    const size_t wrong[] = {
        0,    1,       8, 64, offsetof(acurast_event_view, close_code), sizeof(views[0]) + 1, sizeof(views[0]) + 4,
        8192, SIZE_MAX};
    size_t count;
    post(1);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        views[0].size = wrong[i];
        assert_int_equal(acurast_queue_take(queue, views, 2, 0, &count), ACURAST_INVALID);
    }
    take_and_give_back(1);
}

static void test_a_larger_stride_leaves_what_is_not_known(void **state)
{
    (void)state;
    typedef struct larger {
        acurast_event_view view;
        uint64_t later[2];
    } larger;
    larger views[3];
    size_t count;
    memset(views, 0xee, sizeof(views));
    views[0].view.size = sizeof(larger);
    for (uint64_t i = 0; i < 3; i++)
        post(i);
    assert_int_equal(acurast_queue_take(queue, &views[0].view, 3, 0, &count), ACURAST_OK);
    assert_int_equal(count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(views[i].view.operation, i);
        assert_int_equal(views[i].view.size, sizeof(acurast_event_view));
        assert_true(views[i].later[1] == UINT64_C(0xeeeeeeeeeeeeeeee));
    }
    acurast_queue_done(queue);
}

static void test_busy_until_the_views_are_given_back(void **state)
{
    (void)state;
    acurast_event_view views[2], others[2] = {{.size = sizeof(others[0])}};
    size_t count;
    post(1);
    post(2);
    assert_int_equal(take(views, 1), 1);
    assert_int_equal(acurast_queue_take(queue, others, 2, 0, &count), ACURAST_BUSY);
    assert_int_equal(acurast_queue_take(queue, others, 2, -1, &count), ACURAST_BUSY);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_int_equal(released, 1);
    take_and_give_back(1);
}

/* ---- the descriptor ---- */

static void test_the_descriptor_is_readable_while_events_wait(void **state)
{
    (void)state;
    acurast_event_view views[8];
    assert_false(is_readable());
    post(1);
    post(2);
    post(3);
    assert_true(is_readable());
    assert_int_equal(take(views, 2), 2);
    assert_true(is_readable());
    acurast_queue_done(queue);
    assert_true(is_readable());
    assert_int_equal(take(views, 2), 1);
    assert_false(is_readable());
    post(4);
    assert_true(is_readable()); /* while other views are out */
    acurast_queue_done(queue);
    assert_true(is_readable());
    take_and_give_back(1);
    assert_false(is_readable());
    acurast_queue_wake(queue);
    assert_true(is_readable());
    take_and_give_back(0);
    assert_false(is_readable());
}

#ifdef __linux__
static void test_what_is_left_is_a_new_edge(void **state)
{
    (void)state;
    acurast_event_view views[8];
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, acurast_queue_descriptor(queue), &event), 0);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
    for (uint64_t i = 0; i < 5; i++)
        post(i);
    for (size_t expected = 2; expected > 0; expected--) {
        assert_int_equal(epoll_wait(epoll, &event, 1, 0), 1);
        assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
        assert_int_equal(take(views, 2), 2);
        acurast_queue_done(queue);
    }
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 1);
    take_and_give_back(1);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
    post(6);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 1);
    close(epoll);
    take_and_give_back(1);
}
#endif

static void test_without_descriptors_there_is_no_queue(void **state)
{
    (void)state;
    struct rlimit old, none;
    acurast_queue *made = NULL;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    acurast_status status = acurast__queue_create(0, 0, &made);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(status, ACURAST_SYSTEM);
    assert_null(made);
}

static void test_release_closes_the_descriptor(void **state)
{
    (void)state;
    acurast_queue *other;
    assert_int_equal(acurast__queue_create(0, 0, &other), ACURAST_OK);
    struct pollfd fd = {.fd = acurast_queue_descriptor(other), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 0), 0);
    acurast_queue_release(other);
    assert_int_equal(poll(&fd, 1, 0), 1);
    assert_true(fd.revents & POLLNVAL);
}

/* ---- waiting and waking ---- */

static void test_nothing_within_the_time_is_a_timeout(void **state)
{
    (void)state;
    acurast_event_view view = {.size = sizeof(view)};
    size_t count = 9;
    uint64_t start = acurast__clock_ms();
    assert_int_equal(acurast_queue_take(queue, &view, 1, 0, &count), ACURAST_TIMEOUT);
    assert_int_equal(count, 0);
    assert_int_equal(acurast_queue_take(queue, &view, 1, 30, &count), ACURAST_TIMEOUT);
    assert_true(acurast__clock_ms() - start >= 30);
}

static void test_a_wake_ends_one_take_even_a_later_one(void **state)
{
    (void)state;
    acurast_event_view view = {.size = sizeof(view)};
    size_t count = 9;
    acurast_queue_wake(queue);
    acurast_queue_wake(queue);
    assert_int_equal(acurast_queue_take(queue, &view, 1, -1, &count), ACURAST_OK);
    assert_int_equal(count, 0);
    assert_int_equal(acurast_queue_take(queue, &view, 1, 0, &count), ACURAST_TIMEOUT);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    acurast_queue_wake(queue);
    post(1);
    take_and_give_back(1);
    assert_int_equal(acurast_queue_take(queue, &view, 1, 0, &count), ACURAST_TIMEOUT);
}

static void *wait_for_one(void *status)
{
    acurast_event_view view = {.size = sizeof(view)};
    size_t count;
    *(acurast_status *)status = acurast_queue_take(queue, &view, 1, 20000, &count);
    if (count == 1)
        acurast_queue_done(queue);
    return NULL;
}

static void test_a_post_or_a_wake_ends_the_waiting_of_another_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        acurast_status status = ACURAST_INVALID;
        assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &status), 0);
        if (i % 2)
            post(1);
        else
            acurast_queue_wake(queue);
        pthread_join(thread, NULL);
        assert_int_equal(status, ACURAST_OK);
    }
    assert_int_equal(released, 100);
}

static void *take_on_an_io_thread(void *unused)
{
    acurast_event_view view = {.size = sizeof(view)};
    acurast_status *statuses = unused;
    size_t count;
    acurast__io_thread_mark(0);
    statuses[0] = acurast_queue_take(queue, &view, 1, -1, &count);
    statuses[1] = acurast_queue_take(queue, &view, 1, 10, &count);
    statuses[2] = acurast_queue_take(queue, &view, 1, 0, &count);
    acurast_queue_done(queue);
    return NULL;
}

static void test_an_io_thread_may_take_but_not_wait(void **state)
{
    (void)state;
    pthread_t thread;
    acurast_status statuses[3];
    post(1);
    assert_int_equal(pthread_create(&thread, NULL, take_on_an_io_thread, statuses), 0);
    pthread_join(thread, NULL);
    assert_int_equal(statuses[0], ACURAST_WOULD_DEADLOCK);
    assert_int_equal(statuses[1], ACURAST_WOULD_DEADLOCK);
    assert_int_equal(statuses[2], ACURAST_OK);
}

/* ---- limits ---- */

static void count_room(acurast__event_waiter *waiter)
{
    ACURAST__CONTAINER(waiter, counted_waiter, waiter)->rooms++;
}

static void waiter_init(counted_waiter *waiter)
{
    *waiter = (counted_waiter){.waiter.room = count_room};
    acurast__list_init(&waiter->waiter.link);
}

static void test_full_at_the_limit_of_events_and_room_at_a_half(void **state)
{
    (void)state;
    acurast_event_view views[8];
    counted_waiter a, b;
    waiter_init(&a);
    waiter_init(&b);
    for (uint64_t i = 0; i < 7; i++)
        post_charged(i, 1);
    assert_false(acurast__queue_full(queue, &a.waiter));
    post_charged(7, 1);
    assert_true(acurast__queue_full(queue, &a.waiter));
    assert_true(acurast__queue_full(queue, &a.waiter));
    assert_true(acurast__queue_full(queue, &b.waiter));
    assert_int_equal(take(views, 3), 3);
    acurast_queue_done(queue);
    assert_int_equal(a.rooms + b.rooms, 0);
    assert_false(acurast__queue_full(queue, &b.waiter)); /* room, though not yet a half */
    assert_int_equal(take(views, 1), 1);
    assert_int_equal(a.rooms + b.rooms, 0); /* not before the views are back */
    acurast_queue_done(queue);
    assert_true(a.rooms == 1 && b.rooms == 1);
    take_and_give_back(4);
    assert_true(a.rooms == 1 && b.rooms == 1);
}

static void test_full_at_the_limit_of_bytes(void **state)
{
    (void)state;
    counted_waiter a;
    waiter_init(&a);
    post_charged(1, 999);
    assert_false(acurast__queue_full(queue, &a.waiter));
    post_charged(2, 5000); /* one too large for the queue comes through all the same */
    assert_true(acurast__queue_full(queue, &a.waiter));
    take_and_give_back(2);
    assert_int_equal(a.rooms, 1);
    assert_false(acurast__queue_full(queue, &a.waiter));
}

static void test_outcomes_do_not_count(void **state)
{
    (void)state;
    counted_waiter a;
    waiter_init(&a);
    for (uint64_t i = 0; i < 20; i++)
        post(i);
    assert_false(acurast__queue_full(queue, &a.waiter));
    take_and_give_back(20);
}

static void test_a_waiter_taken_back_is_not_called(void **state)
{
    (void)state;
    counted_waiter a;
    waiter_init(&a);
    post_charged(1, 5000);
    assert_true(acurast__queue_full(queue, &a.waiter));
    acurast__queue_unwait(queue, &a.waiter);
    acurast__queue_unwait(queue, &a.waiter);
    take_and_give_back(1);
    assert_int_equal(a.rooms, 0);
}

static void test_what_the_taker_keeps_counts_until_it_lets_go(void **state)
{
    (void)state;
    counted_waiter a;
    waiter_init(&a);
    post_charged(1, 10);
    acurast_event_view views[1];
    assert_int_equal(take(views, 1), 1);
    assert_int_equal(acurast_queue_keep(queue, 8, 10), ACURAST_OK);
    acurast_queue_done(queue);
    assert_true(acurast__queue_full(queue, &a.waiter));
    assert_int_equal(acurast_queue_keep(queue, 5, 10), ACURAST_OK);
    assert_int_equal(a.rooms, 0); /* not yet a half */
    assert_int_equal(acurast_queue_keep(queue, 4, 10), ACURAST_OK);
    assert_int_equal(a.rooms, 1);
    assert_int_equal(acurast_queue_keep(queue, 0, 1000), ACURAST_OK);
    assert_true(acurast__queue_full(queue, &a.waiter));
    assert_int_equal(acurast_queue_keep(queue, 0, 0), ACURAST_OK);
    assert_int_equal(a.rooms, 2);
    assert_int_equal(acurast_queue_keep(NULL, 0, 0), ACURAST_INVALID);
    assert_int_equal(acurast_queue_keep(queue, SIZE_MAX, 0), ACURAST_INVALID);
    assert_int_equal(acurast_queue_keep(queue, 0, SIZE_MAX), ACURAST_INVALID);
}

static void test_release_lets_waiters_go_and_frees_what_is_left(void **state)
{
    (void)state;
    acurast_event_view views[2];
    counted_waiter a;
    waiter_init(&a);
    for (uint64_t i = 0; i < 9; i++)
        post_charged(i, 1);
    assert_true(acurast__queue_full(queue, &a.waiter));
    assert_int_equal(take(views, 2), 2);
    acurast_queue *kept = acurast__queue_retain(queue);
    acurast_queue_release(queue);
    assert_int_equal(a.rooms, 1);
    assert_int_equal(released, 9);
    post_charged(10, 5000);
    assert_int_equal(released, 10);
    assert_false(acurast__queue_full(queue, &a.waiter));
    acurast__queue_unref(kept);
    assert_int_equal(acurast_live_objects(), live_before);
    assert_int_equal(acurast__queue_create(1, 0, &queue), ACURAST_OK);
}

static void test_events_that_wait_are_live_objects(void **state)
{
    (void)state;
    acurast_event_view views[2];
    post(1);
    post(2);
    assert_int_equal(acurast_live_objects(), live_before + 3);
    assert_int_equal(take(views, 2), 2);
    assert_int_equal(acurast_live_objects(), live_before + 3);
    acurast_queue_done(queue);
    assert_int_equal(acurast_live_objects(), live_before + 1);
}

static void test_without_memory_there_is_no_queue(void **state)
{
    (void)state;
    acurast_queue *made = NULL;
    acurast__memory_fail_at(1);
    assert_int_equal(acurast__queue_create(0, 0, &made), ACURAST_NO_MEMORY);
    acurast__memory_fail_at(0);
    assert_null(made);
}

/* ---- fork ---- */

static int in_child(void)
{
    acurast_event_view view = {.size = sizeof(view)};
    size_t count;
    bool right = acurast_queue_take(queue, &view, 1, 0, &count) == ACURAST_FORKED &&
                 acurast_queue_take(queue, &view, 1, -1, &count) == ACURAST_FORKED &&
                 acurast_queue_done(queue) == ACURAST_FORKED && acurast_queue_wake(queue) == ACURAST_FORKED &&
                 acurast_queue_keep(queue, 1, 1) == ACURAST_FORKED && acurast_queue_descriptor(queue) == -1;
    acurast__delivery delivery = {0};
    right = right && acurast__delivery_set_queue(&delivery, queue, 1) == ACURAST_FORKED;
    acurast_queue_release(queue);
    return right && released == 0 ? 0 : 1;
}

static void test_a_child_gets_a_status_from_every_call(void **state)
{
    (void)state;
    acurast_event_view view;
    post(1);
    post(2);
    assert_int_equal(take(&view, 1), 1);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child());
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    acurast_queue_done(queue);
    assert_true(is_readable());
    take_and_give_back(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events_come_in_their_order_and_in_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arguments_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stride_that_cannot_be_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_larger_stride_leaves_what_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_busy_until_the_views_are_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_descriptor_is_readable_while_events_wait, setup, teardown),
#ifdef __linux__
        cmocka_unit_test_setup_teardown(test_what_is_left_is_a_new_edge, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(test_without_descriptors_there_is_no_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_release_closes_the_descriptor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_within_the_time_is_a_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wake_ends_one_take_even_a_later_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_post_or_a_wake_ends_the_waiting_of_another_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_io_thread_may_take_but_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_at_the_limit_of_events_and_room_at_a_half, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_at_the_limit_of_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outcomes_do_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_waiter_taken_back_is_not_called, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_taker_keeps_counts_until_it_lets_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_release_lets_waiters_go_and_frees_what_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_that_wait_are_live_objects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_there_is_no_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_child_gets_a_status_from_every_call, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
