/*
 * Deliveries. One is empty, or has a callback, or has a queue, and never changes once it has one. What goes to a queue must outlive
 * the call: an event that was posted does anyway; a view is copied, with all that it points to, into one block.
 */
#include "base/event.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/queue.h"

#include <string.h>

typedef struct copied_event {
    acurast__event event;
    uint8_t data[];
} copied_event;

static bool is_chosen(const acurast__delivery *delivery)
{
    return delivery->callback || delivery->queue;
}

acurast_status acurast__delivery_set_callback(acurast__delivery *delivery, acurast_event_callback callback, void *user,
                                              acurast_destructor destructor)
{
    if (!callback)
        return ACURAST_INVALID;
    if (is_chosen(delivery))
        return ACURAST_BAD_STATE;
    *delivery = (acurast__delivery){.callback = callback, .user = user, .destructor = destructor};
    return ACURAST_OK;
}

acurast_status acurast__delivery_set_queue(acurast__delivery *delivery, acurast_queue *queue, uint64_t source)
{
    if (!queue)
        return ACURAST_INVALID;
    if (acurast__queue_forked(queue))
        return ACURAST_FORKED;
    if (is_chosen(delivery))
        return ACURAST_BAD_STATE;
    *delivery = (acurast__delivery){.queue = acurast__queue_retain(queue), .source = source};
    return ACURAST_OK;
}

void acurast__delivery_post(acurast__delivery *delivery, acurast__event *event)
{
    event->view.size = sizeof(event->view);
    event->view.source = delivery->source;
    if (delivery->queue) {
        acurast__queue_post(delivery->queue, event);
        return;
    }
    if (delivery->callback)
        delivery->callback(delivery->user, &event->view);
    event->release(event);
}

static void release_copied(acurast__event *event)
{
    acurast__free(ACURAST__CONTAINER(event, copied_event, event));
}

static const void *put(uint8_t **end, const void *bytes, size_t size)
{
    if (!bytes)
        return NULL;
    uint8_t *copy = *end;
    if (size)
        memcpy(copy, bytes, size);
    *end += size;
    return copy;
}

/* What others cause, and what has no room set aside. */
static bool is_bounded(acurast_event_type type)
{
    return type == ACURAST_EVENT_PAYLOAD || type == ACURAST_EVENT_LOG || type == ACURAST_EVENT_GONE ||
           type == ACURAST_EVENT_PROGRESS;
}

static copied_event *copy_view(const acurast_event_view *view)
{
    size_t text_size = strlen(view->text) + 1;
    size_t size = sizeof(copied_event) + (size_t)2 * ACURAST__ID_SIZE + text_size;
    if (view->payload_size > SIZE_MAX - size)
        return NULL;
    size += view->payload_size;
    copied_event *copied = acurast__alloc(size);
    if (!copied)
        return NULL;
    uint8_t *end = copied->data;
    acurast_event_view *copy = &copied->event.view;
    *copy = *view;
    copy->sender = put(&end, view->sender, ACURAST__ID_SIZE);
    copy->recipient = put(&end, view->recipient, ACURAST__ID_SIZE);
    copy->payload = put(&end, view->payload, view->payload_size);
    copy->text = put(&end, view->text, text_size);
    copied->event.charge = is_bounded(view->type) ? size : 0;
    copied->event.release = release_copied;
    return copied;
}

bool acurast__delivery_view(acurast__delivery *delivery, const acurast_event_view *view)
{
    if (delivery->callback)
        delivery->callback(delivery->user, view);
    if (!delivery->queue)
        return true;
    if (view->type == ACURAST_EVENT_LOG && acurast__queue_full(delivery->queue, NULL))
        return true; /* nobody reads them: no reason to keep them */
    copied_event *copied = copy_view(view);
    if (!copied)
        return false;
    acurast__delivery_post(delivery, &copied->event);
    return true;
}

bool acurast__delivery_full(acurast__delivery *delivery, acurast__event_waiter *waiter)
{
    return delivery->queue && acurast__queue_full(delivery->queue, waiter);
}

void acurast__delivery_unwait(acurast__delivery *delivery, acurast__event_waiter *waiter)
{
    if (delivery->queue)
        acurast__queue_unwait(delivery->queue, waiter);
}

void acurast__delivery_end(acurast__delivery *delivery)
{
    acurast__delivery ended = *delivery;
    *delivery = (acurast__delivery){0};
    if (ended.destructor)
        ended.destructor(ended.user);
    if (ended.queue)
        acurast__queue_unref(ended.queue);
}
