/*
 * Messages from any thread to one: an intrusive list that many push to without a
 * lock and one takes as a whole. Bounded by what is pushed: every task belongs to an object or an
 * operation that has a limit of its own.
 */
#ifndef ACURAST_BASE_INBOX_H
#define ACURAST_BASE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct acurast__task {
    struct acurast__task *next;
    void (*run)(struct acurast__task *task); /* owns the task from now on */
} acurast__task;

typedef struct acurast__inbox {
    _Atomic(acurast__task *) head;
} acurast__inbox;

static inline void acurast__inbox_init(acurast__inbox *inbox)
{
    atomic_init(&inbox->head, NULL);
}

/* True where the inbox was empty: whoever gets true wakes the taker. */
static inline bool acurast__inbox_push(acurast__inbox *inbox, acurast__task *task)
{
    acurast__task *head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
    do
        task->next = head;
    while (!atomic_compare_exchange_weak_explicit(&inbox->head, &head, task, memory_order_release,
                                                  memory_order_relaxed));
    return head == NULL;
}

/* Everything that was pushed, oldest first. */
static inline acurast__task *acurast__inbox_take(acurast__inbox *inbox)
{
    acurast__task *newest = atomic_exchange_explicit(&inbox->head, NULL, memory_order_acquire);
    acurast__task *oldest = NULL;
    while (newest) {
        acurast__task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

#endif
