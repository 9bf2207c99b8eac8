/*
 * A tracked payload for a queue is an event of its own. Whoever gives it back does so on any thread: the event is then linked into the
 * receiver's list as it is, and freed on the loop, which notes what it says. One that nobody took from its queue is not delivered.
 */
#include "client/receive.h"

#include "base/memory.h"
#include "client/client.h"

#include <string.h>

typedef struct tracked_event {
    acurast__event event; /* its link: in the receiver's list, once it was given back */
    acurast_client *client;
    uint64_t number;
    uint8_t run[ACURAST__RUN_SIZE];
    uint8_t sender[16];
    bool asked; /* its sender wants to know */
    uint8_t payload[];
} tracked_event;

static void tell_later(acurast_client *client)
{
    if (client->receiver.tell_posted)
        return;
    client->receiver.tell_posted = true;
    acurast__loop_post(client->loop, &client->receiver.tell);
}

static void on_tell(acurast__task *task)
{
    acurast_client *client = ACURAST__CONTAINER(task, acurast_client, receiver.tell);
    client->receiver.tell_posted = false;
    acurast__receive_tell(client);
}

void acurast__receive_init(acurast_client *client)
{
    acurast__heard_init(&client->receiver.heard, ACURAST__HEARD_SENDERS);
    acurast__list_init(&client->receiver.given);
    client->receiver.tell.run = on_tell;
}

static void give_back(acurast__event *event)
{
    tracked_event *tracked = ACURAST__CONTAINER(event, tracked_event, event);
    acurast_client *client = tracked->client;
    bool linked = false;
    if (tracked->asked && event->given_back) {
        pthread_mutex_lock(&client->lock);
        linked = client->phase == ACURAST__CLIENT_RUNNING;
        if (linked) {
            acurast__list_append(&client->receiver.given, &event->link);
            acurast__client_wake_locked(client);
        }
        pthread_mutex_unlock(&client->lock);
    }
    if (!linked)
        acurast__free(tracked);
    acurast__client_unref(client);
}

void acurast__receive_given(acurast_client *client, acurast__list *given)
{
    while (!acurast__list_empty(given)) {
        tracked_event *tracked = ACURAST__CONTAINER(given->next, tracked_event, event.link);
        acurast__list_remove(&tracked->event.link);
        acurast__heard_delivered(&client->receiver.heard, tracked->sender, tracked->run, tracked->number);
        acurast__free(tracked);
    }
}

static bool give_to_queue(acurast_client *client, const acurast__frame *frame, const acurast__tracked *tracked)
{
    tracked_event *made = acurast__alloc(sizeof *made + tracked->payload_size);
    if (!made)
        return false;
    memset(made, 0, sizeof *made);
    acurast__list_init(&made->event.link);
    made->client = client;
    made->number = tracked->number;
    made->asked = tracked->level == ACURAST__TRACK_DELIVERED;
    memcpy(made->run, tracked->run, sizeof made->run);
    memcpy(made->sender, frame->sender, sizeof made->sender);
    if (tracked->payload_size)
        memcpy(made->payload, tracked->payload, tracked->payload_size);
    made->event.view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    made->event.view.sender = made->sender;
    made->event.view.recipient = client->id;
    made->event.view.payload = made->payload;
    made->event.view.payload_size = tracked->payload_size;
    made->event.charge = sizeof *made + tracked->payload_size;
    made->event.release = give_back;
    acurast__client_retain(client);
    acurast__heard_taken(&client->receiver.heard, frame->sender, tracked);
    atomic_fetch_add(&client->payloads_in, 1);
    acurast__delivery_post(&client->delivery, &made->event);
    return true;
}

/* The program has had it. */
static void note(acurast_client *client, const acurast__frame *frame, const acurast__tracked *tracked)
{
    acurast__heard_taken(&client->receiver.heard, frame->sender, tracked);
    if (tracked->level == ACURAST__TRACK_DELIVERED)
        acurast__heard_delivered(&client->receiver.heard, frame->sender, tracked->run, tracked->number);
}

static bool give_to_callback(acurast_client *client, const acurast__frame *frame, const acurast__tracked *tracked)
{
    acurast__frame payload = *frame;
    payload.body = tracked->payload;
    payload.body_size = tracked->payload_size;
    (void)acurast__client_report_payload(client, &payload);
    note(client, frame, tracked);
    return true;
}

/* A client that has nobody to give it to says nothing of it. */
static bool give(acurast_client *client, const acurast__frame *frame, const acurast__tracked *tracked)
{
    if (atomic_load(&client->released))
        return true;
    if (acurast__requests_take(client, frame->sender, tracked->payload, tracked->payload_size)) {
        note(client, frame, tracked);
        return true;
    }
    if (client->delivery.queue)
        return give_to_queue(client, frame, tracked);
    return !client->delivery.callback || give_to_callback(client, frame, tracked);
}

bool acurast__receive_tracked(acurast_client *client, const acurast__frame *frame)
{
    acurast__tracked tracked;
    if (!acurast__tracked_decode(&tracked, frame)) {
        atomic_fetch_add(&client->ignored_frames, 1);
        return true;
    }
    if (tracked.payload_size > client->settings.connection.max_payload) {
        atomic_fetch_add(&client->large_payloads, 1);
        return true;
    }
    acurast__heard_verdict verdict = acurast__heard_judge(&client->receiver.heard, frame->sender, &tracked);
    if (verdict == ACURAST__HEARD_NO_MEMORY)
        return false;
    tell_later(client);
    if (verdict == ACURAST__HEARD_NEW)
        return give(client, frame, &tracked);
    atomic_fetch_add(&client->repeats, 1);
    return true;
}

void acurast__receive_tell(acurast_client *client)
{
    const uint8_t *frame;
    size_t size;
    if (!client->online_since || client->leaving || !acurast__connection_tracks(client->connection))
        return;
    acurast__ws *ws = acurast__connection_ws(client->connection);
    while (!acurast__ws_ending(ws) && acurast__ws_buffered(ws) < ACURAST__CLIENT_FLIGHT_BYTES &&
           (frame = acurast__heard_next(&client->receiver.heard, client->id, &size)))
        (void)acurast__ws_send(ws, frame, size);
}
