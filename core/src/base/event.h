/*
 * Events on their way to the user: made by an object on its I/O thread, delivered
 * by its one delivery, a callback or a queue (or neither).
 */
#ifndef ACURAST_BASE_EVENT_H
#define ACURAST_BASE_EVENT_H

#include "base/list.h"

#include <acurast/event.h>

#include <stdbool.h>

/* A view of that type whose other fields say nothing: 0, NULL, "" and no next try. */
static inline acurast_event_view acurast__event_view(acurast_event_type type)
{
    return (acurast_event_view){.size = sizeof(acurast_event_view),
                                .type = type,
                                .payload = type == ACURAST_EVENT_PAYLOAD ? (const uint8_t *)"" : NULL,
                                .text = "",
                                .retry_ms = -1};
}

/*
 * An event that waits in a queue. May be a member of something larger (an operation whose room for its outcome was set aside):
 * `release` gives back whatever holds it.
 */
typedef struct acurast__event {
    acurast__list link;
    acurast_event_view view;
    size_t charge;   /* bytes that count against the queue's limit; 0 for states and outcomes */
    bool given_back; /* before `release`: somebody took it, and has given it back */
    void (*release)(struct acurast__event *event);
} acurast__event;

/*
 * Somebody who stopped reading since the queue is full. `room` is called once, on the thread that made room, with the queue's lock
 * held: it may only post a task.
 */
typedef struct acurast__event_waiter {
    acurast__list link;
    void (*room)(struct acurast__event_waiter *waiter);
} acurast__event_waiter;

typedef struct acurast__delivery {
    acurast_event_callback callback;
    void *user;
    acurast_destructor destructor;
    acurast_queue *queue; /* a reference */
    uint64_t source;
} acurast__delivery;

/* Chooses the way, once: BAD_STATE if there is one. The queue is retained. */
acurast_status acurast__delivery_set_callback(acurast__delivery *delivery, acurast_event_callback callback, void *user,
                                              acurast_destructor destructor);
acurast_status acurast__delivery_set_queue(acurast__delivery *delivery, acurast_queue *queue, uint64_t source);

/*
 * Delivers and takes the event over: `release` runs when it is over, on any thread, with no lock held. The event's source is set here.
 * On the object's I/O thread.
 */
void acurast__delivery_post(acurast__delivery *delivery, acurast__event *event);

/*
 * Delivers a view whose pointers live only during the call: a callback sees it as it is, a queue gets a copy. False where there was
 * no memory for the copy: the event is lost, and the caller says so. A log line for a full queue is dropped.
 */
bool acurast__delivery_view(acurast__delivery *delivery, const acurast_event_view *view);

/*
 * False where the queue has room (or there is none). True where it is full: then `waiter->room` will be called once when
 * it has drained to a half. `waiter` must be initialised; a waiter that already waits stays where it is.
 */
bool acurast__delivery_full(acurast__delivery *delivery, acurast__event_waiter *waiter);

/* Takes a waiter back; after it returns `room` is not running and will not run. */
void acurast__delivery_unwait(acurast__delivery *delivery, acurast__event_waiter *waiter);

/* Runs the destructor, gives the queue back. Once, when the object will never post again. */
void acurast__delivery_end(acurast__delivery *delivery);

#endif
