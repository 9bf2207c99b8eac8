/* The intrusive list, the inbox that many push to and one takes, and the bell. */
#include "base/bell.h"
#include "base/inbox.h"
#include "base/list.h"
#include "support/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

typedef struct node {
    int number;
    acurast__list link;
} node;

static void assert_numbers(const acurast__list *head, const int *numbers, size_t count)
{
    const acurast__list *forward = head->next, *backward = head->prev;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ACURAST__CONTAINER(forward, node, link)->number, numbers[i]);
        assert_int_equal(ACURAST__CONTAINER(backward, node, link)->number, numbers[count - 1 - i]);
        forward = forward->next;
        backward = backward->prev;
    }
    assert_ptr_equal(forward, head);
    assert_ptr_equal(backward, head);
    assert_int_equal(acurast__list_empty(head), count == 0);
}

static void test_list(void **state)
{
    (void)state;
    acurast__list head, other, moved;
    node nodes[4];
    acurast__list_init(&head);
    acurast__list_init(&other);
    for (int i = 0; i < 4; i++)
        nodes[i].number = i;
    acurast__list_append(&head, &nodes[1].link);
    acurast__list_append(&head, &nodes[2].link);
    acurast__list_prepend(&head, &nodes[0].link);
    assert_numbers(&head, (const int[]){0, 1, 2}, 3);
    acurast__list_remove(&nodes[1].link);
    acurast__list_remove(&nodes[1].link);
    assert_numbers(&head, (const int[]){0, 2}, 2);
    acurast__list_append_all(&head, &other);
    acurast__list_append(&other, &nodes[1].link);
    acurast__list_append(&other, &nodes[3].link);
    acurast__list_append_all(&head, &other);
    assert_numbers(&head, (const int[]){0, 2, 1, 3}, 4);
    assert_numbers(&other, NULL, 0);
    acurast__list_move(&moved, &head);
    assert_numbers(&moved, (const int[]){0, 2, 1, 3}, 4);
    assert_numbers(&head, NULL, 0);
    acurast__list_move(&moved, &head);
    assert_numbers(&moved, NULL, 0);
}

#define PUSHERS 4
#define PUSHES 20000

typedef struct pushed {
    acurast__task task;
    int pusher;
    int number;
} pushed;

typedef struct pusher {
    pthread_t thread;
    acurast__inbox *inbox;
    acurast__bell *bell;
    pthread_mutex_t *lock; /* of the bell, which is not thread-safe */
    int number;
} pusher;

static void *push_all(void *argument)
{
    pusher *p = argument;
    for (int i = 1; i <= PUSHES; i++) {
        pushed *made = calloc(1, sizeof(*made));
        made->pusher = p->number;
        made->number = i;
        if (!acurast__inbox_push(p->inbox, &made->task))
            continue;
        pthread_mutex_lock(p->lock);
        acurast__bell_ring(p->bell);
        pthread_mutex_unlock(p->lock);
    }
    return NULL;
}

static void test_the_inbox_keeps_the_order_of_each_and_wakes_once_a_batch(void **state)
{
    (void)state;
    acurast__inbox inbox;
    acurast__bell bell;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pusher pushers[PUSHERS];
    int last[PUSHERS] = {0};
    acurast__inbox_init(&inbox);
    assert_true(acurast__bell_open(&bell));
    for (int i = 0; i < PUSHERS; i++) {
        pushers[i] = (pusher){.inbox = &inbox, .bell = &bell, .lock = &lock, .number = i};
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]), 0);
    }
    for (int left = PUSHERS * PUSHES; left > 0;) {
        struct pollfd fd = {.fd = bell.reader, .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        pthread_mutex_lock(&lock);
        acurast__bell_hush(&bell);
        pthread_mutex_unlock(&lock);
        for (acurast__task *task = acurast__inbox_take(&inbox), *next; task; task = next, left--) {
            next = task->next;
            pushed *got = ACURAST__CONTAINER(task, pushed, task);
            assert_int_equal(got->number, ++last[got->pusher]);
            free(got);
        }
    }
    for (int i = 0; i < PUSHERS; i++)
        pthread_join(pushers[i].thread, NULL);
    assert_null(acurast__inbox_take(&inbox));
    acurast__bell_close(&bell);
}

static bool is_ringing(const acurast__bell *bell)
{
    struct pollfd fd = {.fd = bell->reader, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void test_bell(void **state)
{
    (void)state;
    acurast__bell bell;
    assert_true(acurast__bell_open(&bell));
    assert_false(is_ringing(&bell));
    acurast__bell_hush(&bell);
    for (int i = 0; i < 100000; i++)
        acurast__bell_ring(&bell);
    assert_true(is_ringing(&bell));
    acurast__bell_hush(&bell);
    assert_false(is_ringing(&bell));
    acurast__bell_ring(&bell);
    assert_true(is_ringing(&bell));
    acurast__bell_close(&bell);
    acurast__bell_close(&bell);
    acurast__bell_ring(&bell);
    acurast__bell_hush(&bell);
    assert_int_equal(bell.reader, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_the_inbox_keeps_the_order_of_each_and_wakes_once_a_batch),
        cmocka_unit_test(test_bell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
