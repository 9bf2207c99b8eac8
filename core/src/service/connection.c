/*
 * The hot path is on_message() -> relay(): one hash, one look into the shard's map, one copy into the recipient's queue. All else is
 * for the first and the last moments of a connection.
 */
#include "service/connection.h"

#include "base/memory.h"
#include "service/service.h"

static uint64_t now_of(const acurast__connection *connection)
{
    return acurast__loop_now(connection->shard->loop);
}

static void move_to(acurast__connection *connection, acurast__list *list, acurast__connection_state state)
{
    acurast__list_remove(&connection->link);
    acurast__list_append(list, &connection->link);
    connection->state = state;
}

/* ---- beginning ---- */

static void on_timer(acurast__timer *timer)
{
    acurast__connection *connection = ACURAST__CONTAINER(timer, acurast__connection, timer);
    if (connection->state == ACURAST__CONNECTION_ACCEPTED)
        acurast__ws_resume(connection->ws);
    else
        acurast__connection_end(connection, ACURAST__ENDING_TIMEOUT);
}

acurast__connection *acurast__connection_create(acurast__shard *shard, acurast__ws *ws, const char *host, bool tls)
{
    acurast__connection *connection = acurast__alloc_zero(sizeof *connection);
    if (!connection || !acurast__service_session_init(&connection->session, host, tls)) {
        acurast__free(connection);
        return NULL;
    }
    connection->holder.loop = shard->loop;
    connection->ws = ws;
    connection->shard = shard;
    connection->since = now_of(connection);
    acurast__rate_init(&connection->rate, &shard->settings->rates, connection->since);
    acurast__timer_init(&connection->timer, on_timer);
    acurast__loop_timer_start(shard->loop, &connection->timer, shard->settings->handshake_ms);
    acurast__list_append(&shard->handshaking, &connection->link);
    return connection;
}

/* A step of the handshake that cannot be told is its end: silence would leave the client waiting. */
static void send_reply(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    if (!acurast__ws_send(connection->ws, bytes, size) && !acurast__ws_ending(connection->ws))
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
}

static void become_accepted(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    uint8_t *id = connection->session.id;
    uint8_t frame[ACURAST__HEADER_SIZE];
    if (!acurast__idmap_put(&shard->ids, id, acurast__id_hash(id), connection)) {
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
        return;
    }
    move_to(connection, &shard->accepted, ACURAST__CONNECTION_ACCEPTED);
    connection->was_accepted = true;
    atomic_fetch_sub_explicit(&shard->service->pending, 1, memory_order_relaxed);
    acurast__loop_timer_stop(shard->loop, &connection->timer);
    acurast__metrics_accepted(&shard->metrics, now_of(connection) - connection->since);
    acurast__ws_set_max_message(connection->ws, shard->settings->max_frame);
    send_reply(connection, frame, acurast__frame_header(frame, ACURAST__FRAME_ACCEPTED, NULL, id));
    acurast__ws_resume(connection->ws);
    acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=accepted id=%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
}

void acurast__connection_deliver(acurast__connection *connection, acurast__chain *waiting)
{
    if (connection->state == ACURAST__CONNECTION_CLAIMING)
        become_accepted(connection);
    acurast__metrics *metrics = &connection->shard->metrics;
    if (connection->state == ACURAST__CONNECTION_ACCEPTED) {
        acurast__ws_send_chain(connection->ws, waiting);
        return;
    }
    acurast__count(&metrics->drops[ACURAST__DROP_MEMORY], waiting->frames);
    acurast__chain_clear(waiting);
}

/* What comes from another loop was counted by its sender; what was in a mailbox is counted here. */
static void count_mailbox(acurast__metrics *metrics, const acurast__chain *mailbox)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    while (acurast__chain_next(mailbox, &cursor, &bytes, &size)) {
        acurast__count(&metrics->frames_out, 1);
        acurast__count(&metrics->bytes_out, size);
    }
}

static void claim(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    const uint8_t *id = connection->session.id;
    acurast__chain mailbox;
    acurast__chain_init(&mailbox);
    move_to(connection, &shard->accepted, ACURAST__CONNECTION_CLAIMING);
    acurast__ws_pause(connection->ws);
    switch (acurast__directory_claim(shard->directory, &connection->holder, id, acurast__id_hash(id),
                                     now_of(connection), &mailbox, &shard->metrics)) {
    case ACURAST__CLAIM_GRANTED:
        count_mailbox(&shard->metrics, &mailbox);
        acurast__connection_deliver(connection, &mailbox);
        return;
    case ACURAST__CLAIM_WAIT:
        return;
    case ACURAST__CLAIM_REFUSED:
        acurast__connection_end(connection, ACURAST__ENDING_INCUMBENT);
        return;
    case ACURAST__CLAIM_NO_MEMORY:
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
        return;
    }
}

void acurast__connection_verify(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    acurast__service_result result;
    acurast__service_session_verify(&connection->session, &shard->settings->terms, &result);
    if (result.verdict != ACURAST__VERDICT_ACCEPT)
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + (unsigned)result.refusal);
    else if (!acurast__access_permits(shard->access, connection->session.id))
        acurast__connection_end(connection, ACURAST__ENDING_DENIED);
    else
        claim(connection);
}

/* ---- messages ---- */

static void send_local(acurast__connection *recipient, const uint8_t *bytes, size_t size)
{
    acurast__shard *shard = recipient->shard;
    acurast__metrics *metrics = &shard->metrics;
    if (acurast__ws_buffered(recipient->ws) + size > shard->settings->send_buffer) {
        acurast__count(&metrics->drops[ACURAST__DROP_SLOW_READER], 1);
        acurast__connection_end(recipient, ACURAST__ENDING_SLOW_READER);
    } else if (acurast__ws_send(recipient->ws, bytes, size)) {
        acurast__count(&metrics->frames_out, 1);
        acurast__count(&metrics->bytes_out, size);
    } else {
        acurast__count(&metrics->drops[ACURAST__DROP_MEMORY], 1);
    }
}

static void relay(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes, size_t size)
{
    acurast__shard *shard = connection->shard;
    acurast__count(&shard->metrics.frames_in, 1);
    acurast__count(&shard->metrics.bytes_in, size);
    uint64_t hash = acurast__id_hash(recipient);
    acurast__connection *local = acurast__idmap_get(&shard->ids, recipient, hash);
    if (local)
        send_local(local, bytes, size);
    else
        acurast__directory_send(shard->directory, recipient, hash, bytes, size, now_of(connection), &shard->metrics);
}

static void receive(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    acurast__shard *shard = connection->shard;
    acurast__service_result result;
    acurast__service_session_receive(&connection->session, &shard->settings->terms, bytes, size, &result);
    switch (result.verdict) {
    case ACURAST__VERDICT_REPLY:
        send_reply(connection, result.reply, result.reply_size);
        return;
    case ACURAST__VERDICT_VERIFY:
        move_to(connection, &shard->verifying, ACURAST__CONNECTION_VERIFYING);
        return;
    case ACURAST__VERDICT_RELAY:
        relay(connection, result.recipient, bytes, size);
        return;
    case ACURAST__VERDICT_REFUSE:
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + (unsigned)result.refusal);
        return;
    default:
        acurast__count(&shard->metrics.drops[ACURAST__DROP_UNKNOWN_FRAME], 1);
        return;
    }
}

/* Stops reading until the debt is paid; the peer feels it as a full socket. */
static void pause_reading(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    if (connection->state != ACURAST__CONNECTION_ACCEPTED || acurast__timer_running(&connection->timer))
        return;
    acurast__count(&shard->metrics.pauses, 1);
    acurast__ws_pause(connection->ws);
    acurast__loop_timer_start(shard->loop, &connection->timer,
                              acurast__rate_wait(&connection->rate, &shard->settings->rates));
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    (void)ws;
    acurast__connection *connection = owner;
    if (acurast__service_session_relay(&connection->session, bytes, size))
        relay(connection, bytes + 17, bytes, size);
    else
        receive(connection, bytes, size);
    if (!acurast__rate_spend(&connection->rate, &connection->shard->settings->rates, now_of(connection), size))
        pause_reading(connection);
}

/* ---- ending ---- */

static bool is_payload(const uint8_t *bytes)
{
    return bytes[0] == (ACURAST__VERSION << 4 | ACURAST__FRAME_PAYLOAD);
}

/* What was not yet given to the operating system, without what is meant for this connection alone. */
static void take_unsent(acurast__connection *connection, acurast__chain *unsent)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    acurast__chain all;
    acurast__chain_init(&all);
    acurast__ws_take_unsent(connection->ws, &all);
    if (!acurast__chain_next(&all, &cursor, &bytes, &size) || is_payload(bytes)) {
        acurast__chain_join(unsent, &all);
        return;
    }
    while (acurast__chain_next(&all, &cursor, &bytes, &size))
        if (!acurast__chain_append(unsent, bytes, size))
            acurast__count(&connection->shard->metrics.drops[ACURAST__DROP_MEMORY], 1);
    acurast__chain_clear(&all);
}

static acurast__drop drop_for(unsigned ending)
{
    switch (ending) {
    case ACURAST__ENDING_SLOW_READER:
        return ACURAST__DROP_SLOW_READER;
    case ACURAST__ENDING_MEMORY:
        return ACURAST__DROP_MEMORY;
    case ACURAST__ENDING_DRAINING:
        return ACURAST__DROP_DRAINING;
    default:
        return ACURAST__DROP_NO_MAILBOX;
    }
}

static void give_up_id(acurast__connection *connection, unsigned ending)
{
    acurast__shard *shard = connection->shard;
    const uint8_t *id = connection->session.id;
    acurast__chain unsent;
    acurast__chain_init(&unsent);
    if (connection->state == ACURAST__CONNECTION_ACCEPTED) {
        acurast__idmap_remove(&shard->ids, id, acurast__id_hash(id));
        if (!connection->draining)
            take_unsent(connection, &unsent);
    }
    if (connection->holder.entry)
        acurast__directory_leave(&connection->holder, &unsent, now_of(connection), drop_for(ending), &shard->metrics);
}

/* From any state to ENDED. */
static void finish(acurast__connection *connection, unsigned ending)
{
    acurast__shard *shard = connection->shard;
    const uint8_t *id = connection->session.id;
    const char *label = acurast__ending_info(ending).label;
    connection->draining = ending == ACURAST__ENDING_DRAINING;
    give_up_id(connection, ending);
    if (connection->was_accepted) {
        atomic_fetch_add_explicit(&shard->service->pending, 1, memory_order_relaxed);
        acurast__count(&shard->metrics.closed[ending], 1);
        acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=closed reason=%s id=%02x%02x%02x%02x", label, id[0], id[1],
                             id[2], id[3]);
    } else {
        acurast__count(&shard->metrics.refused[ending], 1);
        acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=handshake_failed reason=%s", label);
    }
    acurast__loop_timer_stop(shard->loop, &connection->timer);
    acurast__service_session_clear(&connection->session);
    move_to(connection, &shard->ending, ACURAST__CONNECTION_ENDED);
}

void acurast__connection_end(acurast__connection *connection, unsigned ending)
{
    if (connection->state == ACURAST__CONNECTION_ENDED)
        return;
    acurast__refusal_info info = acurast__ending_info(ending);
    finish(connection, ending);
    acurast__ws_close(connection->ws, info.code, info.reason);
}

static acurast__ending ending_of(acurast_status status)
{
    switch (status) {
    case ACURAST_UNRESPONSIVE:
        return ACURAST__ENDING_UNRESPONSIVE;
    case ACURAST_PROTOCOL:
        return ACURAST__ENDING_PROTOCOL;
    case ACURAST_TOO_LARGE:
        return ACURAST__ENDING_TOO_LARGE;
    default:
        return ACURAST__ENDING_GONE;
    }
}

/* The id is free from now on, and what comes for it waits in its mailbox: who has said goodbye may be back at once. */
static void on_leaving(void *owner, acurast__ws *ws, acurast_status status)
{
    (void)ws;
    acurast__connection *connection = owner;
    if (connection->state != ACURAST__CONNECTION_ENDED)
        finish(connection, ending_of(status));
}

static void on_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    acurast__connection *connection = owner;
    acurast__shard *shard = connection->shard;
    acurast__chain unsent;
    acurast__chain_init(&unsent);
    if (connection->state != ACURAST__CONNECTION_ENDED)
        finish(connection, ending_of(end->status));
    acurast__ws_take_unsent(ws, &unsent);
    if (connection->was_accepted && connection->draining)
        acurast__count(&shard->metrics.drops[ACURAST__DROP_DRAINING], unsent.frames);
    acurast__chain_clear(&unsent);
    acurast__list_remove(&connection->link);
    acurast__free(connection);
}

const acurast__ws_handlers acurast__connection_handlers = {
    .message = on_message, .leaving = on_leaving, .closed = on_closed};
