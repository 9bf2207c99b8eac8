/* An intrusive, circular, doubly linked list. A node that is in no list points to itself. */
#ifndef ACURAST_BASE_LIST_H
#define ACURAST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct acurast__list {
    struct acurast__list *next;
    struct acurast__list *prev;
} acurast__list;

#define ACURAST__CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void acurast__list_init(acurast__list *node)
{
    node->next = node->prev = node;
}

static inline bool acurast__list_empty(const acurast__list *head)
{
    return head->next == head;
}

static inline void acurast__list_append(acurast__list *head, acurast__list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void acurast__list_prepend(acurast__list *head, acurast__list *node)
{
    acurast__list_append(head->next, node);
}

/* Safe for a node in no list. */
static inline void acurast__list_remove(acurast__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    acurast__list_init(node);
}

/* Appends all that `from` has, which is empty afterwards. */
static inline void acurast__list_append_all(acurast__list *head, acurast__list *from)
{
    if (acurast__list_empty(from))
        return;
    from->next->prev = head->prev;
    from->prev->next = head;
    head->prev->next = from->next;
    head->prev = from->prev;
    acurast__list_init(from);
}

/* Makes `to` the head of all that `from` has, which is empty afterwards. What `to` was does not matter. */
static inline void acurast__list_move(acurast__list *to, acurast__list *from)
{
    acurast__list_init(to);
    acurast__list_append_all(to, from);
}

#endif
