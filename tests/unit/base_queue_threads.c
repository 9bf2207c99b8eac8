/* The queue in a crowd: several producers, a taker of each kind, pauses when it is full, and releases in the midst of it. */
#include "base/memory.h"
#include "base/queue.h"
#include "support/unit.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#define PRODUCERS ((size_t)4)
#define EVENTS ((size_t)5000)
#define DEADLINE_MS 30000

typedef struct producer {
    acurast__event_waiter waiter;
    acurast__delivery delivery;
    pthread_t thread;
    sem_t room;
    unsigned pauses;
} producer;

static acurast_queue *queue;
static int64_t live_before;
static producer producers[PRODUCERS];

static void give_room(acurast__event_waiter *waiter)
{
    sem_post(&ACURAST__CONTAINER(waiter, producer, waiter)->room);
}

static void *produce(void *argument)
{
    producer *p = argument;
    for (uint64_t i = 1; i <= EVENTS; i++) {
        while (acurast__delivery_full(&p->delivery, &p->waiter)) {
            p->pauses++;
            sem_wait(&p->room);
        }
        acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
        view.token = i;
        view.payload = (const uint8_t *)&i;
        view.payload_size = sizeof(i);
        if (!acurast__delivery_view(&p->delivery, &view))
            return p;
    }
    return NULL;
}

static void start(size_t max_events)
{
    live_before = acurast_live_objects();
    assert_int_equal(acurast__queue_create(max_events, 0, &queue), ACURAST_OK);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producer *p = &producers[i];
        *p = (producer){.waiter.room = give_room};
        acurast__list_init(&p->waiter.link);
        sem_init(&p->room, 0, 0);
        assert_int_equal(acurast__delivery_set_queue(&p->delivery, queue, i), ACURAST_OK);
        assert_int_equal(pthread_create(&p->thread, NULL, produce, p), 0);
    }
}

static unsigned end(void)
{
    unsigned pauses = 0;
    for (size_t i = 0; i < PRODUCERS; i++) {
        void *failed;
        pthread_join(producers[i].thread, &failed);
        assert_null(failed);
        acurast__delivery_unwait(&producers[i].delivery, &producers[i].waiter);
        acurast__delivery_end(&producers[i].delivery);
        sem_destroy(&producers[i].room);
        pauses += producers[i].pauses;
    }
    return pauses;
}

/* Takes once and checks that each producer's events come in their order. */
static size_t take(size_t max, int timeout_ms, uint64_t next[PRODUCERS])
{
    acurast_event_view views[64] = {{.size = sizeof(views[0])}};
    size_t count = 0;
    acurast_status status = acurast_queue_take(queue, views, max, timeout_ms, &count);
    assert_true(status == ACURAST_OK || (status == ACURAST_TIMEOUT && timeout_ms == 0));
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        assert_in_range(views[i].source, 0, PRODUCERS - 1);
        assert_int_equal(views[i].payload_size, sizeof(number));
        memcpy(&number, views[i].payload, sizeof(number));
        assert_int_equal(views[i].token, ++next[views[i].source]);
        assert_int_equal(number, views[i].token);
    }
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    return count;
}

static void test_a_waiting_taker_gets_all(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    start(0);
    for (size_t left = PRODUCERS * EVENTS; left > 0;)
        left -= take(64, DEADLINE_MS, next);
    end();
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}

static void test_a_level_triggered_taker_gets_all(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    start(0);
    for (size_t left = PRODUCERS * EVENTS; left > 0;) {
        struct pollfd fd = {.fd = acurast_queue_descriptor(queue), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
        left -= take(7, 0, next);
    }
    end();
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}

#ifdef __linux__
/* One take for each edge, with a small maximum: what is left must make an edge of its own. */
static void test_an_edge_triggered_taker_gets_all(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    start(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, acurast_queue_descriptor(queue), &event), 0);
    for (size_t left = PRODUCERS * EVENTS; left > 0;) {
        assert_int_equal(epoll_wait(epoll, &event, 1, DEADLINE_MS), 1);
        left -= take(7, 0, next);
    }
    close(epoll);
    end();
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}
#endif

static void test_a_small_queue_pauses_producers_and_loses_nothing(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    start(16);
    for (size_t left = PRODUCERS * EVENTS; left > 0;)
        left -= take(5, DEADLINE_MS, next);
    assert_true(end() > 0);
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}

static void test_release_in_the_midst_frees_producers(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint64_t next[PRODUCERS] = {0};
        start(16);
        for (int i = 0; i < round; i++)
            take(5, DEADLINE_MS, next);
        acurast_queue_release(queue);
        end();
        assert_int_equal(acurast_live_objects(), live_before);
    }
}

static void *wake_a_lot(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++)
        acurast_queue_wake(queue);
    return NULL;
}

static void test_wakes_lose_no_events(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    pthread_t waker;
    start(64);
    assert_int_equal(pthread_create(&waker, NULL, wake_a_lot, NULL), 0);
    for (size_t left = PRODUCERS * EVENTS; left > 0;)
        left -= take(64, DEADLINE_MS, next);
    pthread_join(waker, NULL);
    end();
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}

/* A waiter is a piece of the stack that is gone right after unwait: a room that still ran would be seen by the sanitizers. */
static void *wait_and_leave(void *argument)
{
    acurast__delivery *delivery = argument;
    for (int i = 0; i < 5000; i++) {
        producer p = {.waiter.room = give_room};
        acurast__list_init(&p.waiter.link);
        sem_init(&p.room, 0, 0);
        acurast__delivery_full(delivery, &p.waiter);
        acurast__delivery_unwait(delivery, &p.waiter);
        sem_destroy(&p.room);
        memset(&p, 0xee, sizeof(p));
    }
    return NULL;
}

static void test_no_room_after_unwait(void **state)
{
    (void)state;
    uint64_t next[PRODUCERS] = {0};
    pthread_t leaver;
    start(2);
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 9), ACURAST_OK);
    assert_int_equal(pthread_create(&leaver, NULL, wait_and_leave, &delivery), 0);
    for (size_t left = PRODUCERS * EVENTS; left > 0;)
        left -= take(2, DEADLINE_MS, next);
    pthread_join(leaver, NULL);
    acurast__delivery_end(&delivery);
    end();
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_waiting_taker_gets_all),
        cmocka_unit_test(test_a_level_triggered_taker_gets_all),
#ifdef __linux__
        cmocka_unit_test(test_an_edge_triggered_taker_gets_all),
#endif
        cmocka_unit_test(test_a_small_queue_pauses_producers_and_loses_nothing),
        cmocka_unit_test(test_release_in_the_midst_frees_producers),
        cmocka_unit_test(test_wakes_lose_no_events),
        cmocka_unit_test(test_no_room_after_unwait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
