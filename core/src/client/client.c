/*
 * The client as other threads see it: creation, references, and the door through
 * which calls reach the loop.
 *
 *   UNSTARTED -> STARTING -> RUNNING -> ENDED
 *
 * The door is one lock over the phase, the lists of what came in, and the posting of the wake: whoever posts it does so before the
 * phase can become ENDED, so the last task of the loop's side runs behind every wake.
 *
 * A client that was never connected has no loop. Closing it ends it at once, on the thread that closes it.
 */
#include "client/client.h"

#include "base/clock.h"
#include "base/condition.h"
#include "base/memory.h"
#include "base/process.h"
#include "client/survey.h"
#include "wire/frame.h"

#include <string.h>

void acurast__client_retain(acurast_client *client)
{
    atomic_fetch_add_explicit(&client->references, 1, memory_order_relaxed);
}

static void free_spare_states(acurast_client *client)
{
    while (!acurast__list_empty(&client->spare_states)) {
        acurast__list *link = client->spare_states.next;
        acurast__list_remove(link);
        acurast__free(ACURAST__CONTAINER(link, acurast__state_event, event.link));
    }
}

static void destroy(acurast_client *client)
{
    free_spare_states(client);
    acurast__free(client->writable_event);
    acurast__outbox_clear(&client->outbox);
    acurast__heard_clear(&client->receiver.heard);
    acurast__requests_clear(&client->requests);
    acurast__round_clear(&client->round);
    acurast__client_settings_clear(&client->settings);
    acurast_identity_release(client->identity);
    acurast__lane_destroy(&client->lane);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->lock);
    acurast__context_release(client->context);
    acurast__free(client);
}

void acurast__client_unref(acurast_client *client)
{
    if (atomic_fetch_sub_explicit(&client->references, 1, memory_order_acq_rel) != 1)
        return;
    destroy(client);
    acurast__object_died();
}

static acurast_client *of_member(acurast__member *member)
{
    return ACURAST__CONTAINER(member, acurast_client, member);
}

static void member_close(acurast__member *member)
{
    acurast__client_close(of_member(member));
}

static void member_retain(acurast__member *member)
{
    acurast__client_retain(of_member(member));
}

static void member_release(acurast__member *member)
{
    acurast__client_unref(of_member(member));
}

static void init_members(acurast_client *client, acurast_context *context)
{
    client->context = acurast__context_retain(context);
    client->generation = acurast__process_generation();
    client->log_level = acurast__context_log_level(context);
    client->member = (acurast__member){.close = member_close, .retain = member_retain, .release = member_release};
    atomic_init(&client->references, 1);
    atomic_init(&client->state, (int)ACURAST_STATE_IDLE);
    atomic_init(&client->flown, false);
    acurast__list_init(&client->member.link);
    acurast__list_init(&client->incoming);
    acurast__list_init(&client->cancels);
    acurast__list_init(&client->spare_states);
    acurast__list_init(&client->closed_event.event.link);
    acurast__condition_init(&client->changed);
    pthread_mutex_init(&client->lock, NULL);
    acurast__lane_init(&client->lane);
    acurast__receive_init(client);
    acurast__requests_init(&client->requests);
}

static acurast_status read_options(acurast_client *client, acurast_options *options)
{
    acurast_status status = acurast__client_settings_read(&client->settings, &client->round, options);
    if (status != ACURAST_OK)
        return status;
    acurast__client_engine_init(client);
    status = acurast__outbox_init(&client->outbox, client->settings.outbox_count, client->settings.outbox_bytes,
                                  acurast__client_report_outcome);
    client->outbox.kept = acurast__client_report_kept;
    return status;
}

static acurast_status take_identity(acurast_client *client, acurast_identity *identity)
{
    if (acurast_identity_kind(identity) == ACURAST_KEY_SECP256K1) /* the wire could not tell it from P-256 */
        return ACURAST_UNSUPPORTED;
    if (identity)
        client->identity = acurast_identity_retain(identity);
    else {
        acurast_status status = acurast_identity_generate(ACURAST_KEY_P256, &client->identity);
        if (status != ACURAST_OK)
            return status;
    }
    return acurast_identity_id(client->identity, client->id);
}

acurast_status acurast__client_create(acurast_context *context, acurast_options *options, acurast_identity *identity,
                                      acurast_client **client)
{
    acurast_client *made = acurast__alloc_zero(sizeof *made);
    if (!made)
        return ACURAST_NO_MEMORY;
    init_members(made, context);
    acurast_status status = read_options(made, options);
    if (status == ACURAST_OK)
        status = take_identity(made, identity);
    if (status != ACURAST_OK) {
        destroy(made);
        return status;
    }
    acurast__object_born();
    *client = made;
    return ACURAST_OK;
}

/* With the lock held: OK while a delivery may still be chosen. */
static acurast_status check_unstarted(const acurast_client *client)
{
    return client->closing                              ? ACURAST_CLOSED
           : client->phase == ACURAST__CLIENT_UNSTARTED ? ACURAST_OK
                                                        : ACURAST_BAD_STATE;
}

acurast_status acurast__client_set_callback(acurast_client *client, acurast_event_callback callback, void *user,
                                            acurast_destructor destructor)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_unstarted(client);
    if (status == ACURAST_OK)
        status = acurast__delivery_set_callback(&client->delivery, callback, user, destructor);
    pthread_mutex_unlock(&client->lock);
    return status;
}

acurast_status acurast__client_set_queue(acurast_client *client, acurast_queue *queue, uint64_t source)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_unstarted(client);
    if (status == ACURAST_OK)
        status = acurast__delivery_set_queue(&client->delivery, queue, source);
    pthread_mutex_unlock(&client->lock);
    return status;
}

void acurast__client_wake_locked(acurast_client *client)
{
    if (client->wake_posted)
        return;
    client->wake_posted = true;
    acurast__loop_post(client->loop, &client->wake);
}

/* The callback may give back the last handle. */
static void end_unstarted(acurast_client *client)
{
    acurast__client_retain(client);
    acurast__client_report_closed(client, ACURAST_OK);
    acurast__delivery_end(&client->delivery);
    acurast__client_unref(client);
}

static acurast_status begin_start(acurast_client *client)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_unstarted(client);
    if (status == ACURAST_OK)
        client->phase = ACURAST__CLIENT_STARTING;
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* Whoever called close meanwhile has left the rest to us. */
static void undo_start(acurast_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool closing = client->closing;
    client->phase = closing ? ACURAST__CLIENT_ENDED : ACURAST__CLIENT_UNSTARTED;
    pthread_mutex_unlock(&client->lock);
    if (closing)
        end_unstarted(client);
}

acurast_status acurast__client_connect(acurast_client *client)
{
    acurast_status status = begin_start(client);
    if (status != ACURAST_OK)
        return status;
    status = acurast__context_join(client->context, &client->member);
    if (status != ACURAST_OK) {
        undo_start(client);
        return status;
    }
    acurast__loop *loop = acurast__context_next_loop(client->context);
    client->outbox.loop = loop;
    acurast__client_retain(client);
    pthread_mutex_lock(&client->lock);
    client->loop = loop;
    client->phase = ACURAST__CLIENT_RUNNING;
    atomic_store(&client->state, (int)ACURAST_STATE_CONNECTING);
    acurast__client_wake_locked(client);
    pthread_mutex_unlock(&client->lock);
    return ACURAST_OK;
}

/* With the lock held: TIMEOUT as long as neither. */
static acurast_status connected_or_closed(const acurast_client *client)
{
    int state = atomic_load(&client->state);
    if (state == (int)ACURAST_STATE_CONNECTED)
        return ACURAST_OK;
    if (state != (int)ACURAST_STATE_CLOSED)
        return ACURAST_TIMEOUT;
    return client->end_status == ACURAST_OK ? ACURAST_CLOSED : client->end_status;
}

acurast_status acurast__client_wait(acurast_client *client, int timeout_ms)
{
    uint64_t deadline = acurast__deadline_in(timeout_ms);
    pthread_mutex_lock(&client->lock);
    acurast_status status =
        client->phase == ACURAST__CLIENT_UNSTARTED ? ACURAST_BAD_STATE : connected_or_closed(client);
    while (status == ACURAST_TIMEOUT && acurast__condition_wait(&client->changed, &client->lock, deadline))
        status = connected_or_closed(client);
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* With the lock held: OK while calls are taken in. */
static acurast_status check_running(const acurast_client *client)
{
    if (client->closing)
        return ACURAST_CLOSED;
    return client->phase == ACURAST__CLIENT_RUNNING ? ACURAST_OK : ACURAST_BAD_STATE;
}

/* Sees to it that a WRITABLE event follows: the loop looks once more, in case that the room was made just now. */
static acurast_status refuse_for_room(acurast_client *client, size_t payload_size)
{
    acurast__event *event = acurast__client_writable_event();
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_running(client);
    if (status == ACURAST_OK)
        status = event || client->writable_event ? ACURAST_OUTBOX_FULL : ACURAST_NO_MEMORY;
    if (status == ACURAST_OUTBOX_FULL && (!client->writable_event || payload_size < client->writable_bytes)) {
        client->writable_bytes = payload_size;
        if (!client->writable_event) {
            client->writable_event = event;
            event = NULL;
        }
        acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
    acurast__free(event);
    return status;
}

static void apply_params(const acurast_client *client, acurast__operation *operation, const acurast_send_params *params)
{
    uint32_t timeout = params->timeout_ms ? params->timeout_ms : client->settings.send_timeout_ms;
    operation->token = params->token;
    operation->no_outcome = params->no_outcome;
    operation->tell_kept = params->tell_kept;
    operation->deadline = timeout ? acurast__clock_ms() + timeout : 0;
}

/*
 * Writes a request on this thread where nothing is in front of it. An answer, or the end of the connection, makes the loop look at
 * what has come in; so it need not be woken for it, unless its time were over before the loop looks by itself. With the lock held.
 */
static bool fly_now(acurast_client *client, acurast__operation *operation)
{
    if (!operation->asks || !client->tracks || !acurast__list_empty(&client->incoming))
        return false;
    acurast__operation_stamp(operation, client->outbox.run);
    atomic_store(&client->flown, true);
    operation->flown =
        acurast__lane_send(&client->lane, operation->frame, ACURAST__HEADER_SIZE,
                           operation->frame + ACURAST__HEADER_SIZE, operation->frame_size - ACURAST__HEADER_SIZE);
    if (!operation->flown)
        atomic_store(&client->flown, false);
    return operation->flown && client->looks_at && client->looks_at < operation->deadline;
}

static acurast_status hand_in(acurast_client *client, acurast__operation *operation, uint64_t *number)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_running(client);
    if (status == ACURAST_OK) {
        operation->number = ++client->last_number;
        if (number)
            *number = operation->number;
        bool looks = fly_now(client, operation);
        acurast__list_append(&client->incoming, &operation->link);
        if (!looks)
            acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* Writes the payload on this thread where nothing is in front of it. */
static bool write_now(acurast_client *client, const uint8_t recipient[16], const void *payload, size_t payload_size)
{
    uint8_t header[ACURAST__HEADER_SIZE];
    acurast__frame_header(header, ACURAST__FRAME_PAYLOAD, client->id, recipient);
    pthread_mutex_lock(&client->lock);
    bool written = check_running(client) == ACURAST_OK && acurast__list_empty(&client->incoming) &&
                   acurast__lane_send(&client->lane, header, sizeof header, payload, payload_size);
    pthread_mutex_unlock(&client->lock);
    if (written)
        atomic_fetch_add(&client->payloads_out, 1);
    return written;
}

acurast_status acurast__client_check(acurast_client *client)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_running(client);
    pthread_mutex_unlock(&client->lock);
    return status;
}

static acurast__operation *make_send(const acurast_client *client, const uint8_t recipient[16], const void *payload,
                                     size_t payload_size, uint32_t until)
{
    if (until == ACURAST_LEVEL_WRITTEN)
        return acurast__operation_create(client->id, recipient, payload, payload_size);
    return acurast__operation_create_tracked(client->id, recipient, payload, payload_size, (acurast_level)until);
}

/* Hands in what was made, NULL without memory, in the room that was reserved for it; or gives back both. */
acurast_status acurast__client_hand_in(acurast_client *client, acurast__operation *made, size_t payload_size,
                                       const acurast_send_params *params, uint64_t *number)
{
    acurast_status status = ACURAST_NO_MEMORY;
    if (made) {
        apply_params(client, made, params);
        status = hand_in(client, made, number);
    }
    if (status != ACURAST_OK) {
        acurast__operation_free(made);
        acurast__outbox_unreserve_bytes(&client->outbox, payload_size);
        acurast__outbox_unreserve_count(&client->outbox, 1);
    }
    return status;
}

static void number_survey(acurast_client *client, acurast__survey *survey)
{
    survey->outcome->number = ++client->last_number;
    for (uint32_t i = 0; i < survey->count; i++) {
        acurast__operation *operation = survey->parts[i].operation;
        operation->number = ++client->last_number;
        acurast__list_append(&client->incoming, &operation->link);
    }
    acurast__list_append(&client->requests.surveys, &survey->link);
}

acurast_status acurast__client_hand_in_survey(acurast_client *client, acurast__survey *survey, size_t size,
                                              uint64_t *number)
{
    size_t count = survey->count + (size_t)1;
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_running(client);
    if (status == ACURAST_OK) {
        number_survey(client, survey);
        if (number)
            *number = survey->outcome->number;
        acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
    if (status != ACURAST_OK) {
        acurast__outbox_unreserve_bytes(&client->outbox, size);
        acurast__outbox_unreserve_count(&client->outbox, count);
    }
    return status;
}

acurast_status acurast__client_reserve(acurast_client *client, size_t count, size_t size)
{
    return acurast__outbox_reserve(&client->outbox, count, size) == ACURAST_OK ? ACURAST_OK
                                                                               : refuse_for_room(client, size);
}

acurast_status acurast__client_send(acurast_client *client, const uint8_t recipient[16], const void *payload,
                                    size_t payload_size, const acurast_send_params *params, uint64_t *operation)
{
    bool plain = params->until == ACURAST_LEVEL_WRITTEN;
    if (params->write_now && plain && write_now(client, recipient, payload, payload_size)) {
        if (operation)
            *operation = 0;
        return ACURAST_OK;
    }
    acurast_status status = acurast__client_check(client);
    if (status == ACURAST_OK && payload_size > client->settings.connection.max_payload)
        status = ACURAST_TOO_LARGE;
    if (status == ACURAST_OK && !plain && !client->settings.connection.extensions)
        status = ACURAST_UNSUPPORTED;
    if (status == ACURAST_OK)
        status = acurast__client_reserve(client, 1, payload_size);
    if (status != ACURAST_OK)
        return status;
    acurast__operation *made = make_send(client, recipient, payload, payload_size, params->until);
    return acurast__client_hand_in(client, made, payload_size, params, operation);
}

acurast_status acurast__client_look(acurast_client *client, const uint8_t *ids, size_t count,
                                    const acurast_send_params *params, uint64_t *operation)
{
    size_t size = count * ACURAST_ID_SIZE;
    acurast_status status = acurast__client_check(client);
    if (status == ACURAST_OK && !client->settings.connection.extensions)
        status = ACURAST_UNSUPPORTED;
    if (status == ACURAST_OK)
        status = acurast__client_reserve(client, 1, size);
    if (status != ACURAST_OK)
        return status;
    return acurast__client_hand_in(client, acurast__operation_create_look(client->id, ids, count), size, params,
                                   operation);
}

acurast_status acurast__client_cancel(acurast_client *client, uint64_t operation)
{
    acurast__cancel *cancel = acurast__alloc(sizeof *cancel);
    if (!cancel)
        return ACURAST_NO_MEMORY;
    cancel->number = operation;
    acurast__list_init(&cancel->link);
    pthread_mutex_lock(&client->lock);
    acurast_status status = operation == 0 || operation > client->last_number ? ACURAST_INVALID
                            : client->phase == ACURAST__CLIENT_ENDED          ? ACURAST_CLOSED
                                                                              : ACURAST_OK;
    if (status == ACURAST_OK) {
        acurast__list_append(&client->cancels, &cancel->link);
        acurast__client_wake_locked(client);
        cancel = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    acurast__free(cancel);
    return status;
}

acurast_status acurast__client_pause(acurast_client *client, bool paused)
{
    pthread_mutex_lock(&client->lock);
    acurast_status status = check_running(client);
    if (status == ACURAST_OK && client->pause_asked != paused) {
        client->pause_asked = paused;
        acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

void acurast__client_get_stats(const acurast_client *client, acurast_client_stats *stats)
{
    size_t count = atomic_load(&client->outbox.count), untaken = atomic_load(&client->untaken);
    acurast_client_stats all = {.size = stats->size,
                                .connections = atomic_load(&client->connections),
                                .payloads_in = atomic_load(&client->payloads_in),
                                .payloads_out = atomic_load(&client->payloads_out),
                                .outbox_count = count > untaken ? count - untaken : 0,
                                .outbox_bytes = atomic_load(&client->outbox.bytes),
                                .ignored_frames = atomic_load(&client->ignored_frames),
                                .stray_payloads = atomic_load(&client->stray_payloads),
                                .large_payloads = atomic_load(&client->large_payloads),
                                .repeats = atomic_load(&client->repeats),
                                .foreign_receipts = atomic_load(&client->foreign_receipts),
                                .stray_answers = atomic_load(&client->stray_answers)};
    memcpy(stats, &all, stats->size < sizeof all ? stats->size : sizeof all);
}

void acurast__client_close(acurast_client *client)
{
    bool unstarted = false;
    pthread_mutex_lock(&client->lock);
    if (!client->closing) {
        client->closing = true;
        unstarted = client->phase == ACURAST__CLIENT_UNSTARTED;
        if (unstarted)
            client->phase = ACURAST__CLIENT_ENDED;
        else if (client->phase == ACURAST__CLIENT_RUNNING)
            acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
    if (unstarted)
        end_unstarted(client);
}

void acurast__client_release(acurast_client *client)
{
    atomic_store(&client->released, true);
    acurast__client_close(client);
    acurast__client_unref(client);
}
