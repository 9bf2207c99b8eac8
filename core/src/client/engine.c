/*
 * The loop's side of a client: rounds of attempts, the outbox, the end. All of it on
 * the client's one loop.
 *
 *   begin -> attempt -> connection -> ended -> attempt (the next service), or retry (a timer) -> attempt
 *
 * Closing: `lingering` while the outbox may still be written, with attempts as usual; then `leaving`, which says goodbye; then
 * the end in two steps. The first shuts the door (phase ENDED: nothing is taken in any more), the second runs as a task,
 * behind every wake that was posted before, and delivers what is left and CLOSED.
 */
#include "client/client.h"

#include "base/memory.h"
#include "client/survey.h"
#include "client/tracking.h"

#include <sodium.h>
#include <stdio.h>

static void attempt(acurast_client *client);
static const acurast__connection_handlers connection_handlers;

static void stop_timers(acurast_client *client)
{
    acurast__loop_timer_stop(client->loop, &client->retry);
    acurast__loop_timer_stop(client->loop, &client->linger);
    acurast__loop_timer_stop(client->loop, &client->look);
}

static void end_client(acurast_client *client, acurast_status why)
{
    stop_timers(client);
    acurast__delivery_unwait(&client->delivery, &client->waiter);
    pthread_mutex_lock(&client->lock);
    client->phase = ACURAST__CLIENT_ENDED;
    client->closing = true;
    client->end_status = why;
    pthread_mutex_unlock(&client->lock);
    client->leaving = true;
    acurast__loop_post(client->loop, &client->finish);
}

static void say_goodbye(acurast_client *client)
{
    if (client->leaving)
        return;
    client->leaving = true;
    acurast__loop_timer_stop(client->loop, &client->retry);
    acurast__loop_timer_stop(client->loop, &client->linger);
    if (!client->connection)
        end_client(client, ACURAST_OK);
    else if (acurast__list_empty(&client->outbox.flying))
        acurast__connection_close(client->connection);
    else
        acurast__connection_abort(client->connection, ACURAST_CLOSED, "closed by the caller");
}

static void on_linger(acurast__timer *timer)
{
    say_goodbye(ACURAST__CONTAINER(timer, acurast_client, linger));
}

static void begin_closing(acurast_client *client)
{
    if (client->lingering || client->leaving)
        return;
    client->lingering = true;
    acurast__loop_timer_start(client->loop, &client->linger, client->settings.linger_ms);
}

/* Whether this service does what is asked. */
static acurast_status check_service(const acurast_client *client, const acurast__operation *operation)
{
    bool able = operation->kind == ACURAST__OPERATION_PLAIN || operation->asks ||
                (operation->kind == ACURAST__OPERATION_LOOK ? acurast__connection_presence(client->connection)
                                                            : acurast__connection_tracks(client->connection));
    if (!able)
        return ACURAST_UNSUPPORTED;
    return operation->frame_size > acurast__connection_max_frame(client->connection) ? ACURAST_TOO_LARGE : ACURAST_OK;
}

/* A request asks all the same where the service knows no receipts. */
static bool transmit(acurast_client *client, acurast__ws *ws, acurast__operation *operation)
{
    const uint8_t *frame = operation->frame;
    size_t size = operation->frame_size;
    operation->plain = operation->asks && !acurast__connection_tracks(client->connection);
    if (operation->plain)
        frame = acurast__operation_plain(operation, &size);
    else
        acurast__outbox_stamp(&client->outbox, operation);
    return acurast__ws_send(ws, frame, size);
}

/* Hands one operation over; false where there is no more to hand over now. */
static bool fly_one(acurast_client *client, acurast__ws *ws)
{
    acurast__operation *operation = acurast__outbox_first(&client->outbox);
    if (!operation || acurast__ws_ending(ws) || acurast__ws_buffered(ws) >= ACURAST__CLIENT_FLIGHT_BYTES)
        return false;
    acurast_status status = check_service(client, operation);
    if (status != ACURAST_OK) {
        acurast__outbox_end(&client->outbox, operation, status);
        return true;
    }
    if (!transmit(client, ws, operation)) {
        acurast__connection_abort(client->connection, ACURAST_NO_MEMORY, "no memory for sending");
        return false;
    }
    acurast__outbox_flown(&client->outbox, operation, acurast__ws_queued(ws));
    return true;
}

void acurast__client_open_lane(acurast_client *client)
{
    if (!client->online_since || client->leaving)
        return;
    size_t ours = client->settings.connection.max_payload, frame = acurast__connection_max_frame(client->connection);
    size_t theirs = frame > ACURAST__HEADER_SIZE ? frame - ACURAST__HEADER_SIZE : 0;
    acurast__ws_open_lane(acurast__connection_ws(client->connection), &client->lane, ours < theirs ? ours : theirs);
}

/* After anything that may have filled or emptied the outbox. */
static void pump(acurast_client *client)
{
    if (client->online_since && !client->leaving) {
        while (fly_one(client, acurast__connection_ws(client->connection)))
            ;
        if (client->outbox.size == 0)
            acurast__client_open_lane(client);
    }
    acurast__client_report_writable(client);
    if (client->lingering && (acurast__outbox_settled(&client->outbox) || client->settings.linger_ms == 0))
        say_goodbye(client);
}

/* `to` takes the place of `from` in its ring. */
static void move_all(acurast__list *to, acurast__list *from)
{
    acurast__list_append(from, to);
    acurast__list_remove(from);
}

/* With the lock held. What comes in is in front of whatever is sent from now on. */
static void take_incoming(acurast_client *client, acurast__list *incoming)
{
    if (!acurast__list_empty(&client->incoming))
        acurast__lane_close(&client->lane);
    move_all(incoming, &client->incoming);
    if (atomic_exchange(&client->flown, false) && !client->looks_at && !client->leaving) {
        client->looks_at = acurast__loop_now(client->loop) + ACURAST__CLIENT_LOOK_MS;
        acurast__loop_timer_start(client->loop, &client->look, ACURAST__CLIENT_LOOK_MS);
    }
}

static void accept_all(acurast_client *client, acurast__list *incoming)
{
    while (!acurast__list_empty(incoming)) {
        acurast__operation *operation = ACURAST__CONTAINER(incoming->next, acurast__operation, link);
        acurast__list_remove(&operation->link);
        if (operation->flown)
            acurast__outbox_accept_flown(&client->outbox, operation);
        else
            acurast__outbox_accept(&client->outbox, operation);
    }
}

/* Before anything is heard that may be about a request which its caller has written. */
static void take_flown(acurast_client *client)
{
    acurast__list incoming;
    if (!atomic_load(&client->flown))
        return;
    pthread_mutex_lock(&client->lock);
    take_incoming(client, &incoming);
    pthread_mutex_unlock(&client->lock);
    accept_all(client, &incoming);
}

static void on_look(acurast__timer *timer)
{
    acurast_client *client = ACURAST__CONTAINER(timer, acurast_client, look);
    pthread_mutex_lock(&client->lock);
    client->looks_at = 0;
    pthread_mutex_unlock(&client->lock);
    take_flown(client);
    pump(client);
}

static const acurast__target *target_of(const acurast_client *client)
{
    return &client->round.candidates[client->candidate].target;
}

static uint64_t now_of(const acurast_client *client)
{
    return acurast__loop_now(client->loop);
}

/* The wait after a round, or after a connection that was lost. */
static uint64_t next_wait(acurast_client *client, acurast_status status)
{
    uint32_t floor = status == ACURAST_DRAINING ? ACURAST__BACKOFF_DRAIN_MS : 0;
    uint32_t jitter = acurast__backoff_next(&client->backoff, floor, randombytes_random());
    acurast__round_restart(&client->round);
    return acurast__round_wait(&client->round, now_of(client)) + jitter;
}

static void retry_in(acurast_client *client, uint64_t wait_ms)
{
    acurast__loop_timer_start(client->loop, &client->retry, wait_ms);
}

static void on_retry(acurast__timer *timer)
{
    attempt(ACURAST__CONTAINER(timer, acurast_client, retry));
}

/* Without a candidate, memory for the states to tell, or somebody who takes them, this is a round that has failed in silence. */
static void attempt(acurast_client *client)
{
    size_t candidate = acurast__round_next(&client->round, now_of(client));
    if (candidate == ACURAST__ROUND_OVER || !acurast__client_is_heard(client) ||
        !acurast__client_stock_states(client)) {
        retry_in(client, next_wait(client, ACURAST_OK));
        return;
    }
    client->candidate = candidate;
    acurast__client_report_state(client, ACURAST_STATE_CONNECTING, ACURAST_OK, 0, target_of(client)->url, -1);
    client->connection =
        acurast__connection_open(client->loop, target_of(client), client->settings.tls, client->identity,
                                 &client->settings.connection, &connection_handlers, client);
    if (!client->connection) {
        uint64_t wait = next_wait(client, ACURAST_NO_MEMORY);
        acurast__client_report_state(client, ACURAST_STATE_DISCONNECTED, ACURAST_NO_MEMORY, 0, "", (int64_t)wait);
        retry_in(client, wait);
    }
}

static void on_authenticating(void *owner)
{
    acurast_client *client = owner;
    acurast__client_report_state(client, ACURAST_STATE_AUTHENTICATING, ACURAST_OK, 0, target_of(client)->url, -1);
}

static void pause_or_resume(acurast_client *client)
{
    if (!client->online_since)
        return;
    if (client->full || client->held)
        acurast__ws_pause(acurast__connection_ws(client->connection));
    else
        acurast__ws_resume(acurast__connection_ws(client->connection));
}

static void on_accepted(void *owner)
{
    acurast_client *client = owner;
    client->online_since = now_of(client);
    acurast__round_accepted(&client->round, client->candidate);
    pthread_mutex_lock(&client->lock);
    client->tracks = acurast__connection_tracks(client->connection);
    pthread_mutex_unlock(&client->lock);
    atomic_fetch_add(&client->connections, 1);
    pause_or_resume(client);
    acurast__receive_tell(client);
    acurast__client_report_state(client, ACURAST_STATE_CONNECTED, ACURAST_OK, 0, target_of(client)->url, -1);
    acurast__client_log(client, ACURAST_LOG_INFO, "connected to %s", target_of(client)->url);
    pump(client);
}

static void pause_where_full(acurast_client *client)
{
    if (client->full || !acurast__delivery_full(&client->delivery, &client->waiter))
        return;
    client->full = true;
    pause_or_resume(client);
}

static void on_payload(void *owner, const acurast__frame *frame)
{
    acurast_client *client = owner;
    take_flown(client);
    if (acurast__requests_take(client, frame->sender, frame->body, frame->body_size)) {
        pump(client);
        return;
    }
    pause_where_full(client);
    if (!acurast__client_report_payload(client, frame))
        acurast__connection_abort(client->connection, ACURAST_NO_MEMORY, "no memory for a payload, which is lost");
}

static void on_tracked(void *owner, const acurast__frame *frame)
{
    acurast_client *client = owner;
    take_flown(client);
    pause_where_full(client);
    if (!acurast__receive_tracked(client, frame))
        acurast__connection_abort(client->connection, ACURAST_NO_MEMORY, "no memory for a payload");
    pump(client);
}

static void on_receipts(void *owner, const acurast__frame *frame)
{
    acurast_client *client = owner;
    take_flown(client);
    atomic_fetch_add(&client->foreign_receipts, acurast__tracking_receipts(&client->outbox, frame));
    pump(client);
}

/* What is left of who has left; a service of a later version may know more kinds. */
static acurast_presence presence_of(uint8_t kind)
{
    return kind == ACURAST__GONE_REPLACED ? ACURAST_PRESENCE_HERE
           : kind == ACURAST__GONE_AWAY   ? ACURAST_PRESENCE_AWAY
                                          : ACURAST_PRESENCE_NOT_HERE;
}

static void on_gone(void *owner, const acurast__frame *frame)
{
    acurast_client *client = owner;
    acurast__items gone;
    take_flown(client);
    if (!acurast__gone_decode(&gone, frame)) {
        atomic_fetch_add(&client->ignored_frames, 1);
        return;
    }
    pause_where_full(client);
    for (size_t i = 0; i < gone.count; i++) {
        const uint8_t *item = gone.items + i * ACURAST__GONE_ITEM_SIZE;
        acurast__tracking_gone(&client->outbox, item, item[16] == ACURAST__GONE_REPLACED);
        if (!acurast__client_report_gone(client, item, presence_of(item[16]))) {
            acurast__connection_abort(client->connection, ACURAST_NO_MEMORY, "no memory to tell who has left");
            return;
        }
    }
    pump(client);
}

static void on_seen(void *owner, const acurast__frame *frame)
{
    acurast_client *client = owner;
    acurast__items seen;
    take_flown(client);
    if (acurast__seen_decode(&seen, frame) && acurast__tracking_seen(&client->outbox, &seen))
        pump(client);
    else
        atomic_fetch_add(&client->ignored_frames, 1);
}

static void on_room(acurast__event_waiter *waiter)
{
    acurast_client *client = ACURAST__CONTAINER(waiter, acurast_client, waiter);
    acurast__loop_post(client->loop, &client->room);
}

static void resume(acurast__task *task)
{
    acurast_client *client = ACURAST__CONTAINER(task, acurast_client, room);
    client->full = false;
    pause_or_resume(client);
}

static void on_dropped(void *owner, uint64_t ignored, uint64_t stray)
{
    acurast_client *client = owner;
    atomic_fetch_add(&client->ignored_frames, ignored);
    atomic_fetch_add(&client->stray_payloads, stray);
}

static void on_skipped(void *owner)
{
    acurast_client *client = owner;
    atomic_fetch_add(&client->large_payloads, 1);
    acurast__client_log(client, ACURAST_LOG_WARN, "a payload larger than max-payload was not read");
}

static void on_written(void *owner)
{
    acurast_client *client = owner;
    take_flown(client);
    acurast__outbox_written(&client->outbox, acurast__ws_written(acurast__connection_ws(client->connection)));
    acurast__receive_tell(client);
    pump(client);
}

/* True where trying again is senseless. */
static bool is_final(acurast_client *client, const acurast__connection_end *end)
{
    bool hopeless = end->status == ACURAST_WORK_TOO_HARD || end->status == ACURAST_UNSUPPORTED;
    acurast__round_hopeless(&client->round, client->candidate, hopeless);
    if (hopeless)
        return acurast__round_all_hopeless(&client->round);
    return end->status == ACURAST_DENIED ||
           (end->status == ACURAST_REPLACED && end->accepted && !client->settings.reconnect_when_replaced);
}

static void lose(acurast_client *client, const acurast__connection_end *end)
{
    uint64_t written = acurast__ws_written(acurast__connection_ws(client->connection));
    if (client->online_since)
        acurast__backoff_lived(&client->backoff, now_of(client) - client->online_since);
    client->connection = NULL;
    client->online_since = 0;
    acurast__outbox_wrote(&client->outbox, acurast__lane_largest(&client->lane));
    acurast__outbox_lost(&client->outbox, written, end->code == 1009);
}

/*
 * How long this service is left alone, in milliseconds. Another connection of the key stays for now: older services say so by the code
 * for a replaced one, to who was not accepted yet.
 */
static uint32_t refused_for(const acurast_client *client, const acurast__connection_end *end)
{
    uint32_t refused = client->settings.refused_backoff_ms;
    if (end->status == ACURAST_REFUSED)
        return refused;
    bool busy = end->status == ACURAST_KEY_BUSY || (end->status == ACURAST_REPLACED && !end->accepted);
    return !busy ? 0 : refused < ACURAST__BACKOFF_BUSY_MS ? refused : ACURAST__BACKOFF_BUSY_MS;
}

static void reconnect(acurast_client *client, const acurast__connection_end *end)
{
    uint64_t now = now_of(client);
    uint32_t refused = refused_for(client, end);
    if (refused)
        acurast__round_refused(&client->round, client->candidate, now + refused);
    bool at_once = !end->accepted && acurast__round_more(&client->round, now);
    uint64_t wait = at_once ? 0 : next_wait(client, end->status);
    acurast__client_report_state(client, ACURAST_STATE_DISCONNECTED, end->status, end->code, end->reason,
                                 (int64_t)wait);
    if (at_once)
        attempt(client);
    else
        retry_in(client, wait);
    pump(client);
}

static void on_ended(void *owner, const acurast__connection_end *end)
{
    acurast_client *client = owner;
    take_flown(client);
    lose(client, end);
    if (client->leaving || (client->lingering && acurast__outbox_settled(&client->outbox))) {
        end_client(client, ACURAST_OK);
        return;
    }
    bool repeated = acurast__round_repeats(&client->round, client->candidate, end->status, end->reason);
    acurast__client_log(client, repeated ? ACURAST_LOG_DEBUG : ACURAST_LOG_WARN, "%s %s: %s%s%s",
                        end->accepted ? "lost" : "could not connect to", target_of(client)->url,
                        acurast_status_text(end->status), *end->reason ? ": " : "", end->reason);
    if (!is_final(client, end)) {
        reconnect(client, end);
        return;
    }
    client->end_code = end->code;
    snprintf(client->end_reason, sizeof client->end_reason, "%s", end->reason);
    end_client(client, end->status);
}

static const acurast__connection_handlers connection_handlers = {.authenticating = on_authenticating,
                                                                 .accepted = on_accepted,
                                                                 .payload = on_payload,
                                                                 .tracked = on_tracked,
                                                                 .receipts = on_receipts,
                                                                 .gone = on_gone,
                                                                 .seen = on_seen,
                                                                 .dropped = on_dropped,
                                                                 .skipped = on_skipped,
                                                                 .written = on_written,
                                                                 .ended = on_ended};

/* Takes in what was called for on other threads; returns whether close was among it. */
static bool take_in(acurast_client *client)
{
    acurast__list incoming, cancels, given;
    pthread_mutex_lock(&client->lock);
    take_incoming(client, &incoming);
    move_all(&cancels, &client->cancels);
    acurast__list_move(&given, &client->receiver.given);
    client->wake_posted = false;
    client->held = client->pause_asked;
    bool closing = client->closing, due = client->requests.due;
    client->requests.due = false;
    pthread_mutex_unlock(&client->lock);
    accept_all(client, &incoming);
    acurast__receive_given(client, &given);
    while (!acurast__list_empty(&cancels)) {
        acurast__cancel *cancel = ACURAST__CONTAINER(cancels.next, acurast__cancel, link);
        acurast__list_remove(&cancel->link);
        if (!acurast__survey_cancel(client, cancel->number))
            acurast__outbox_cancel(&client->outbox, cancel->number);
        acurast__free(cancel);
    }
    acurast__survey_clean(client);
    if (due)
        acurast__requests_hand_out(client);
    return closing;
}

void acurast__client_on_wake(acurast__task *task)
{
    acurast_client *client = ACURAST__CONTAINER(task, acurast_client, wake);
    bool held = client->held, closing = take_in(client);
    if (client->held != held)
        pause_or_resume(client);
    acurast__receive_tell(client);
    if (closing)
        begin_closing(client);
    if (!client->begun && !client->leaving) {
        client->begun = true;
        if (!closing || client->outbox.size)
            attempt(client);
    }
    pump(client);
}

void acurast__client_on_finish(acurast__task *task)
{
    acurast_client *client = ACURAST__CONTAINER(task, acurast_client, finish);
    (void)take_in(client);
    acurast__loop_timer_stop(client->loop, &client->look);
    acurast__outbox_fail_all(&client->outbox, ACURAST_CLOSED);
    acurast__client_report_closed(client, client->end_status);
    acurast__delivery_end(&client->delivery);
    acurast__context_leave(client->context, &client->member);
    acurast__client_unref(client);
}

void acurast__client_engine_init(acurast_client *client)
{
    client->wake.run = acurast__client_on_wake;
    client->finish.run = acurast__client_on_finish;
    client->room.run = resume;
    client->waiter.room = on_room;
    acurast__list_init(&client->waiter.link);
    acurast__timer_init(&client->retry, on_retry);
    acurast__timer_init(&client->linger, on_linger);
    acurast__timer_init(&client->look, on_look);
    acurast__backoff_init(&client->backoff, client->settings.backoff_min_ms, client->settings.backoff_max_ms);
}
