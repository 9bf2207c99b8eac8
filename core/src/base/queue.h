/*
 * The queue inside the core: how deliveries put events into it. acurast/event.h is its public face and says what it promises.
 *
 * References are counted: the user's handle is one, each delivery holds one. Once the user has released the handle, the queue is closed:
 * it drops what it is given and is never full.
 */
#ifndef ACURAST_BASE_QUEUE_H
#define ACURAST_BASE_QUEUE_H

#include "base/event.h"

/* As acurast_queue_create(), which is above since it asks the context whether this is still its process. */
acurast_status acurast__queue_create(size_t max_events, size_t max_bytes, acurast_queue **queue);

acurast_queue *acurast__queue_retain(acurast_queue *queue);
void acurast__queue_unref(acurast_queue *queue);

bool acurast__queue_forked(const acurast_queue *queue);

/* Takes the event over. */
void acurast__queue_post(acurast_queue *queue, acurast__event *event);

/* As acurast__delivery_full() and acurast__delivery_unwait(); a waiter of NULL only asks. */
bool acurast__queue_full(acurast_queue *queue, acurast__event_waiter *waiter);
void acurast__queue_unwait(acurast_queue *queue, acurast__event_waiter *waiter);

#endif
