/*
 * What the caller gets to know. Room is made before it is needed: states are
 * stocked ahead of each attempt, an outcome is a part of its operation, CLOSED a
 * part of the client. Payloads and log lines are copied when they go to a queue.
 *
 * Once the caller has released the client, events are dropped here.
 *
 * An outcome that waits in a queue keeps its place in the outbox's count, so that a caller
 * who sends and never drains the queue is bounded too.
 */
#include "client/client.h"

#include "base/memory.h"
#include "client/survey.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void post(acurast_client *client, acurast__event *event)
{
    if (atomic_load(&client->released))
        event->release(event);
    else
        acurast__delivery_post(&client->delivery, event);
}

static void release_state(acurast__event *event)
{
    acurast__state_event *state = ACURAST__CONTAINER(event, acurast__state_event, event);
    acurast_client *client = state->client;
    atomic_fetch_sub(&client->untaken_states, 1);
    acurast__free(state);
    acurast__client_unref(client);
}

bool acurast__client_stock_states(acurast_client *client)
{
    size_t stock = 0;
    for (acurast__list *link = client->spare_states.next; link != &client->spare_states; link = link->next)
        stock++;
    for (; stock < ACURAST__STATES_PER_ATTEMPT; stock++) {
        acurast__state_event *state = acurast__alloc_zero(sizeof *state);
        if (!state)
            return false;
        state->event.release = release_state;
        state->client = client;
        acurast__list_append(&client->spare_states, &state->event.link);
    }
    return true;
}

static void set_state(acurast_client *client, acurast_state state, acurast_status end_status)
{
    pthread_mutex_lock(&client->lock);
    atomic_store(&client->state, (int)state);
    client->end_status = end_status;
    if (state == ACURAST_STATE_CONNECTED || state == ACURAST_STATE_CLOSED)
        pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

static acurast_event_view *fill_state(acurast__state_event *state, acurast_state value, acurast_status status,
                                      const char *text)
{
    snprintf(state->text, sizeof state->text, "%s", text);
    state->event.view = acurast__event_view(ACURAST_EVENT_STATE);
    state->event.view.state = value;
    state->event.view.status = status;
    state->event.view.text = state->text;
    return &state->event.view;
}

void acurast__client_report_state(acurast_client *client, acurast_state state, acurast_status status,
                                  uint32_t close_code, const char *text, int64_t retry_ms)
{
    acurast__event *event = ACURAST__CONTAINER(client->spare_states.next, acurast__event, link);
    acurast__list_remove(&event->link);
    acurast_event_view *view = fill_state(ACURAST__CONTAINER(event, acurast__state_event, event), state, status, text);
    view->close_code = close_code;
    view->retry_ms = retry_ms;
    set_state(client, state, ACURAST_OK);
    acurast__client_retain(client);
    atomic_fetch_add(&client->untaken_states, 1);
    post(client, event);
}

bool acurast__client_is_heard(const acurast_client *client)
{
    return atomic_load(&client->untaken_states) < ACURAST__UNTAKEN_STATES_MAX;
}

static void release_closed(acurast__event *event)
{
    acurast__client_unref(ACURAST__CONTAINER(event, acurast_client, closed_event.event));
}

void acurast__client_report_closed(acurast_client *client, acurast_status status)
{
    fill_state(&client->closed_event, ACURAST_STATE_CLOSED, status, client->end_reason)->close_code = client->end_code;
    client->closed_event.event.release = release_closed;
    set_state(client, ACURAST_STATE_CLOSED, status);
    acurast__client_retain(client);
    post(client, &client->closed_event.event);
}

static void release_outcome(acurast__event *event)
{
    acurast__operation_free(ACURAST__CONTAINER(event, acurast__operation, event));
}

static void wake_for_writable(acurast_client *client)
{
    pthread_mutex_lock(&client->lock);
    if (client->writable_event && client->phase == ACURAST__CLIENT_RUNNING &&
        acurast__outbox_half_empty(&client->outbox, client->writable_bytes))
        acurast__client_wake_locked(client);
    pthread_mutex_unlock(&client->lock);
}

static void release_taken_outcome(acurast__event *event)
{
    acurast__operation *operation = ACURAST__CONTAINER(event, acurast__operation, event);
    acurast_client *client = ACURAST__CONTAINER(operation->outbox, acurast_client, outbox);
    acurast__operation_free(operation);
    acurast__outbox_unreserve_count(&client->outbox, 1);
    atomic_fetch_sub(&client->untaken, 1);
    wake_for_writable(client);
    acurast__client_unref(client);
}

static void fill_reply(const acurast__operation *operation, acurast_event_view *view)
{
    if (view->status == ACURAST_EXPIRED)
        view->status = ACURAST_TIMEOUT;
    view->sender = operation->recipient;
    view->code = operation->code;
    if (!operation->answered)
        return;
    view->payload = operation->frame;
    view->payload_size = operation->frame_size;
}

static acurast_event_type type_of(const acurast__operation *operation)
{
    if (operation->asks)
        return ACURAST_EVENT_REPLY;
    if (operation->kind == ACURAST__OPERATION_SURVEY)
        return ACURAST_EVENT_ANSWERS;
    return operation->kind == ACURAST__OPERATION_LOOK ? ACURAST_EVENT_SEEN : ACURAST_EVENT_OUTCOME;
}

static void fill_outcome(acurast__operation *operation, acurast_status status)
{
    acurast_event_view *view = &operation->event.view;
    *view = acurast__event_view(type_of(operation));
    view->operation = operation->number;
    view->token = operation->token;
    view->status = status;
    view->reached = operation->reached;
    if (operation->asks)
        fill_reply(operation, view);
    if (operation->kind == ACURAST__OPERATION_SURVEY && operation->answered) {
        view->payload = operation->frame;
        view->payload_size = operation->frame_size;
    }
    if (operation->kind == ACURAST__OPERATION_LOOK && status == ACURAST_OK) {
        view->payload = operation->frame;
        view->payload_size = operation->payload_size / ACURAST_ID_SIZE * sizeof(acurast_seen);
    }
}

void acurast__client_report_outcome(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    acurast_client *client = ACURAST__CONTAINER(outbox, acurast_client, outbox);
    bool payload = operation->kind == ACURAST__OPERATION_PLAIN || operation->kind == ACURAST__OPERATION_TRACKED;
    if (status == ACURAST_OK && payload)
        atomic_fetch_add(&client->payloads_out, 1);
    acurast__requests_forget(client, operation);
    acurast__outbox_unreserve_bytes(outbox, operation->payload_size);
    if (operation->survey) {
        acurast__outbox_unreserve_count(outbox, 1);
        acurast__survey_over(client, operation, status);
        return;
    }
    if (payload && !operation->answered)
        acurast__operation_free_payload(operation);
    if (operation->no_outcome || !client->delivery.queue) {
        acurast__outbox_unreserve_count(outbox, 1);
        operation->event.release = release_outcome;
    } else {
        atomic_fetch_add(&client->untaken, 1);
        acurast__client_retain(client);
        operation->event.release = release_taken_outcome;
    }
    fill_outcome(operation, status);
    if (operation->no_outcome)
        operation->event.release(&operation->event);
    else
        post(client, &operation->event);
}

bool acurast__client_report_payload(acurast_client *client, const acurast__frame *frame)
{
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    if (atomic_load(&client->released))
        return true;
    view.sender = frame->sender;
    view.recipient = frame->recipient;
    view.payload = frame->body;
    view.payload_size = frame->body_size;
    atomic_fetch_add(&client->payloads_in, 1); /* before: who gets the event may look at once */
    if (acurast__delivery_view(&client->delivery, &view))
        return true;
    atomic_fetch_sub(&client->payloads_in, 1);
    return false;
}

static void free_event(acurast__event *event)
{
    acurast__free(event);
}

static acurast__event *make_event(acurast_event_type type)
{
    acurast__event *event = acurast__alloc_zero(sizeof *event);
    if (event) {
        acurast__list_init(&event->link);
        event->view = acurast__event_view(type);
        event->release = free_event;
    }
    return event;
}

acurast__event *acurast__client_writable_event(void)
{
    return make_event(ACURAST_EVENT_WRITABLE);
}

/* Told once for each send, so that a queue holds no more of them than of outcomes. Without memory it is not told: the outcome is. */
void acurast__client_report_kept(acurast__outbox *outbox, acurast__operation *operation)
{
    acurast__event *event = operation->tell_kept ? make_event(ACURAST_EVENT_KEPT) : NULL;
    if (!event)
        return;
    operation->tell_kept = false;
    event->view.operation = operation->number;
    event->view.token = operation->token;
    post(ACURAST__CONTAINER(outbox, acurast_client, outbox), event);
}

bool acurast__client_report_view(acurast_client *client, const acurast_event_view *view)
{
    return !atomic_load(&client->released) && (client->delivery.queue || client->delivery.callback) &&
           acurast__delivery_view(&client->delivery, view);
}

bool acurast__client_report_gone(acurast_client *client, const uint8_t id[16], acurast_presence presence)
{
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_GONE);
    if (atomic_load(&client->released))
        return true;
    view.sender = id;
    view.presence = presence;
    return acurast__delivery_view(&client->delivery, &view);
}

void acurast__client_report_writable(acurast_client *client)
{
    acurast__event *event = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->writable_event && acurast__outbox_half_empty(&client->outbox, client->writable_bytes)) {
        event = client->writable_event;
        client->writable_event = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    if (event)
        post(client, event);
}

void acurast__client_log(acurast_client *client, acurast_log_level level, const char *format, ...)
{
    char text[384];
    va_list arguments;
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_LOG);
    if (level > client->log_level || atomic_load(&client->released) || !acurast__client_is_heard(client))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    view.level = level;
    view.text = text;
    (void)acurast__delivery_view(&client->delivery, &view);
}
