/*
 * The hot path is on_message() -> relay(): one hash, one look into the shard's map, one copy into the recipient's queue. All else is
 * for the first and the last moments of a connection, and for recipients that are behind.
 *
 * A recipient is behind when its websocket has a window full of messages that the socket does not take. From then on what comes for it
 * goes into its backlog in the directory, where each sender has a share, and it takes a piece of that whenever the socket has taken the last
 * one. A piece is a quarter of what the socket took since it was full, so that a quick reader is not held up, and a slow one has little
 * before what is due next. A sender with too much in such a backlog is paused, for some seconds at most; then what exceeds its share is dropped.
 */
#include "service/connection.h"

#include "base/memory.h"
#include "service/courier.h"
#include "service/service.h"

#include <string.h>

/*
 * How long a sender is paused for one recipient, and how often it is looked whether it may go on. One that waited for all of that time is
 * not paused again for a while, so that many recipients that do not read cannot hold it up one after the other.
 */
#define WAIT_MAX_MS 5000
#define WAIT_TICK_MS 20
#define WAIT_REST_MS 30000

/* How long a connection has to show that it lives: half of the handshake's time of who asks, but no more than this. */
#define ANSWER_MAX_MS 4000

/* What a message takes on the wire beside itself, at most, if it is in one piece and not of 64 KiB. */
#define FRAME_HEADER 8

/* Bytes that are read from who is not accepted yet, and from who is not any more. */
#define STRANGER_BYTES_MAX ((uint64_t)256 * 1024)
#define ENDED_BYTES_MAX ((uint64_t)1024 * 1024)

/* Bytes of a backlog that are taken at a time. */
#define PIECE_MIN ((size_t)16 * 1024)
#define PIECE_MAX ((size_t)256 * 1024)

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

static void on_timer(acurast__timer *timer);

/* One deadline from accept to accepted: what TLS and the request took is gone. */
static uint64_t time_left(const acurast__shard *shard, const acurast__peer *peer)
{
    uint64_t spent = acurast__loop_now(shard->loop) - peer->since;
    return spent < shard->settings->handshake_ms ? shard->settings->handshake_ms - spent : 0;
}

acurast__connection *acurast__connection_create(acurast__shard *shard, acurast__ws *ws, acurast__peer *peer,
                                                const char *host)
{
    acurast__connection *connection = acurast__alloc_zero(sizeof *connection);
    if (!connection || !acurast__service_session_init(&connection->session, host, peer->tls)) {
        acurast__free(connection);
        return NULL;
    }
    connection->holder.loop = shard->loop;
    connection->holder.group = acurast__address_network(&peer->effective, ACURAST__SHARE_BITS);
    connection->holder.waiting = &shard->waiting;
    connection->ws = ws;
    connection->peer = peer;
    connection->shard = shard;
    connection->since = now_of(connection);
    acurast__rate_init(&connection->rate, &shard->settings->rates, connection->since);
    acurast__timer_init(&connection->timer, on_timer);
    acurast__loop_timer_start(shard->loop, &connection->timer, time_left(shard, peer));
    acurast__list_append(&shard->handshaking, &connection->link);
    return connection;
}

/* It makes no room for newcomers: it is accepted, or ended. */
static void settle(acurast__connection *connection)
{
    acurast__gate_settled(connection->shard->service, connection->peer);
    acurast__listener_settle(connection->ws);
}

/* A step of the handshake that cannot be told is its end: silence would leave the client waiting. */
static void send_reply(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    if (acurast__ws_send(connection->ws, bytes, size))
        connection->given++;
    else if (!acurast__ws_ending(connection->ws))
        acurast__connection_end(connection, (unsigned)ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
}

static void become_accepted(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    uint8_t *id = connection->session.id;
    uint8_t frame[ACURAST__HEADER_SIZE];
    if (!acurast__idmap_put(&shard->ids, id, acurast__id_hash(id), connection)) {
        acurast__connection_end(connection, (unsigned)ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
        return;
    }
    move_to(connection, &shard->accepted, ACURAST__CONNECTION_ACCEPTED);
    connection->was_accepted = true;
    settle(connection);
    atomic_fetch_add_explicit(&shard->service->ids, 1, memory_order_relaxed);
    acurast__loop_timer_stop(shard->loop, &connection->timer);
    connection->received = acurast__ws_received(connection->ws);
    acurast__metrics_accepted(&shard->metrics, now_of(connection) - connection->since);
    acurast__ws_set_max_message(connection->ws, shard->settings->max_frame);
    send_reply(connection, frame, acurast__frame_header(frame, ACURAST__FRAME_ACCEPTED, NULL, id));
    acurast__ws_resume(connection->ws);
    acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=accepted id=%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
}

void acurast__connection_deliver(acurast__connection *connection, acurast__chain *waiting, bool more)
{
    if (connection->state == ACURAST__CONNECTION_CLAIMING)
        become_accepted(connection);
    if (connection->state == ACURAST__CONNECTION_ACCEPTED) {
        connection->backlogged = more;
        acurast__courier_give(connection, waiting);
        return;
    }
    acurast__tidings_drop_chain(&connection->shard->tidings, ACURAST__DROP_MEMORY, waiting);
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
    connection->holder.max_frame = connection->session.max_frame;
    connection->holder.track = connection->session.track;
    connection->holder.public_key = connection->session.public_key;
    switch (acurast__directory_claim(shard->directory, &connection->holder, id, acurast__id_hash(id),
                                     now_of(connection), &mailbox, &shard->tidings)) {
    case ACURAST__CLAIM_GRANTED:
        count_mailbox(&shard->metrics, &mailbox);
        acurast__connection_deliver(connection, &mailbox, false);
        return;
    case ACURAST__CLAIM_WAIT:
        return;
    case ACURAST__CLAIM_REFUSED:
        acurast__connection_end(connection, ACURAST__ENDING_INCUMBENT);
        return;
    case ACURAST__CLAIM_NO_MEMORY:
        acurast__connection_end(connection, (unsigned)ACURAST__ENDING_REFUSED + ACURAST__REFUSE_NO_MEMORY);
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

size_t acurast__connection_given(const acurast__holder *holder)
{
    return acurast__ws_buffered(ACURAST__CONTAINER(holder, acurast__connection, holder)->ws);
}

/* Where the window is full the socket is tried first. */
static bool window_takes(acurast__connection *recipient, size_t size)
{
    size_t window = recipient->shard->settings->directory.window;
    if (acurast__ws_buffered(recipient->ws) + size > window)
        acurast__ws_push(recipient->ws);
    size_t buffered = acurast__ws_buffered(recipient->ws);
    return recipient->state == ACURAST__CONNECTION_ACCEPTED &&
           (buffered + size <= window || (!buffered && size <= recipient->shard->settings->send_buffer));
}

bool acurast__connection_takes(acurast__connection *recipient, size_t size)
{
    if (!recipient->backlogged && window_takes(recipient, size))
        return true;
    recipient->backlogged = recipient->state == ACURAST__CONNECTION_ACCEPTED;
    return false;
}

/* False where it has to go through the directory. */
static bool send_local(acurast__connection *recipient, const acurast__parcel *parcel)
{
    acurast__metrics *metrics = &recipient->shard->metrics;
    if (parcel->size > recipient->holder.max_frame) {
        acurast__count(&metrics->drops[ACURAST__DROP_TOO_LARGE], 1);
        return true;
    }
    if (!acurast__connection_takes(recipient, parcel->size))
        return false;
    if (acurast__ws_send(recipient->ws, parcel->bytes, parcel->size)) {
        recipient->given++;
        acurast__count(&metrics->frames_out, 1);
        acurast__count(&metrics->bytes_out, parcel->size);
    } else {
        acurast__count(&metrics->drops[ACURAST__DROP_MEMORY], 1);
    }
    return true;
}

void acurast__connection_wait_for(acurast__connection *connection, const uint8_t *recipient)
{
    acurast__shard *shard = connection->shard;
    if (connection->state != ACURAST__CONNECTION_ACCEPTED || connection->waiting ||
        now_of(connection) < connection->rests_until)
        return;
    acurast__count(&shard->metrics.share_pauses, 1);
    memcpy(connection->waits_for, recipient, sizeof connection->waits_for);
    connection->waiting = true;
    connection->waits_until = now_of(connection) + WAIT_MAX_MS;
    acurast__ws_pause(connection->ws);
    if (!acurast__timer_running(&connection->timer))
        acurast__loop_timer_start(shard->loop, &connection->timer, WAIT_TICK_MS);
}

acurast__parcel acurast__connection_parcel(const acurast__connection *connection, const uint8_t *recipient,
                                           const uint8_t *bytes, size_t size)
{
    acurast__count(&connection->shard->metrics.frames_in, 1);
    acurast__count(&connection->shard->metrics.bytes_in, size);
    return (acurast__parcel){.recipient = recipient,
                             .hash = acurast__id_hash(recipient),
                             .group = &connection->holder.group,
                             .bytes = bytes,
                             .size = size};
}

static void relay(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes, size_t size)
{
    acurast__shard *shard = connection->shard;
    acurast__parcel parcel = acurast__connection_parcel(connection, recipient, bytes, size);
    acurast__connection *local = acurast__idmap_get(&shard->ids, recipient, parcel.hash);
    if (local && send_local(local, &parcel))
        return;
    if (acurast__directory_send(shard->directory, &parcel, now_of(connection), &shard->tidings))
        acurast__connection_wait_for(connection, recipient);
}

/* The socket has taken something: the next piece of the backlog, once it has taken all. */
static void on_written(void *owner, acurast__ws *ws)
{
    acurast__connection *connection = owner;
    if (connection->marks.count)
        acurast__courier_written(connection);
    if (!connection->backlogged)
        return;
    if (acurast__ws_buffered(ws)) {
        connection->flow = 0;
        return;
    }
    acurast__chain piece;
    acurast__chain_init(&piece);
    size_t budget = connection->flow / 4 < PIECE_MIN ? PIECE_MIN : connection->flow / 4;
    connection->backlogged = acurast__directory_take(&connection->holder, budget, &piece);
    if (!connection->backlogged)
        connection->flow = 0;
    else if (connection->flow < 4 * PIECE_MAX)
        connection->flow += (uint32_t)budget;
    acurast__courier_give(connection, &piece);
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
    case ACURAST__VERDICT_TRACKED:
        acurast__courier_relay(connection, result.recipient, bytes, size);
        return;
    case ACURAST__VERDICT_RECEIPT:
        acurast__courier_receipt(connection, result.recipient, bytes, size);
        return;
    case ACURAST__VERDICT_LOOK:
        acurast__courier_look(connection, &result.look);
        return;
    case ACURAST__VERDICT_REFUSE:
        acurast__connection_end(connection, ACURAST__ENDING_REFUSED + (unsigned)result.refusal);
        return;
    default:
        acurast__count(&shard->metrics.drops[ACURAST__DROP_UNKNOWN_FRAME], 1);
        return;
    }
}

/* ---- pauses and questions ---- */

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

/* It goes on when it has little waiting again, or when it has waited for long enough. */
static bool may_go_on(acurast__connection *connection)
{
    uint64_t now = now_of(connection);
    bool tired = now >= connection->waits_until;
    if (acurast__directory_relaxed(connection->shard->directory, connection->waits_for, connection->session.id, tired))
        return true;
    if (tired)
        connection->rests_until = now + WAIT_REST_MS;
    return tired;
}

static void stay(acurast__connection *connection)
{
    connection->asked = false;
    acurast__directory_stay(&connection->holder);
}

/* Who is paused was sending just now. */
void acurast__connection_ask(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    if (acurast__timer_running(&connection->timer) || !acurast__ws_ping(connection->ws)) {
        stay(connection);
        return;
    }
    uint32_t time = shard->settings->handshake_ms / 2;
    connection->asked = true;
    acurast__loop_timer_start(shard->loop, &connection->timer, time < ANSWER_MAX_MS ? time : ANSWER_MAX_MS);
}

static void on_answer(void *owner, acurast__ws *ws)
{
    (void)ws;
    acurast__connection *connection = owner;
    if (!connection->asked)
        return;
    acurast__loop_timer_stop(connection->shard->loop, &connection->timer);
    if (connection->waiting)
        acurast__loop_timer_start(connection->shard->loop, &connection->timer, WAIT_TICK_MS);
    stay(connection);
}

static void on_timer(acurast__timer *timer)
{
    acurast__connection *connection = ACURAST__CONTAINER(timer, acurast__connection, timer);
    if (connection->state != ACURAST__CONNECTION_ACCEPTED) {
        acurast__connection_end(connection, ACURAST__ENDING_TIMEOUT);
    } else if (connection->asked) {
        acurast__connection_end(connection, ACURAST__ENDING_REPLACED);
    } else if (connection->waiting && !may_go_on(connection)) {
        acurast__loop_timer_start(connection->shard->loop, timer, WAIT_TICK_MS);
    } else {
        connection->waiting = false;
        acurast__ws_resume(connection->ws);
    }
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    acurast__connection *connection = owner;
    if (acurast__service_session_relay(&connection->session, bytes, size))
        relay(connection, bytes + 17, bytes, size);
    else
        receive(connection, bytes, size);
    if (connection->asked)
        on_answer(connection, ws);
    connection->messages += size + FRAME_HEADER;
    if (!acurast__rate_spend(&connection->rate, &connection->shard->settings->rates, now_of(connection), size))
        pause_reading(connection);
}

/* Before it is accepted, and once it has ended, it has no rate. */
static void inspect_stranger(acurast__connection *connection, uint64_t received)
{
    bool ended = connection->state == ACURAST__CONNECTION_ENDED || acurast__ws_ending(connection->ws);
    if (received - connection->received <= (ended ? ENDED_BYTES_MAX : STRANGER_BYTES_MAX))
        return;
    if (!ended)
        acurast__connection_end(connection, ACURAST__ENDING_FLOOD);
    acurast__ws_forget(connection->ws);
}

/*
 * What is no message costs its bytes, and a message for each 64 of them where it is more than the messages are: a flood of pings or of
 * empty pieces, not the records of TLS.
 */
void acurast__connection_inspect(acurast__connection *connection)
{
    const acurast__rate_limits *limits = &connection->shard->settings->rates;
    uint64_t received = acurast__ws_received(connection->ws);
    if (!received)
        return;
    if (connection->state != ACURAST__CONNECTION_ACCEPTED) {
        inspect_stranger(connection, received);
        return;
    }
    uint64_t came = received - connection->received, messages = connection->messages;
    connection->received = received;
    connection->messages = 0;
    if (came <= messages)
        return;
    uint64_t rest = came - messages;
    if (!acurast__rate_charge(&connection->rate, limits, now_of(connection), rest, rest > messages ? rest / 64 : 0))
        pause_reading(connection);
}

/* ---- ending ---- */

static acurast__drop drop_for(unsigned ending)
{
    switch (ending) {
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
        connection->backlogged = connection->asked = false;
        if (!connection->draining)
            acurast__courier_take_unsent(connection, &unsent);
        connection->holder.mixed |= connection->mixed;
    }
    if (connection->holder.entry)
        acurast__directory_leave(&connection->holder, &unsent, now_of(connection), drop_for(ending), &shard->tidings);
    acurast__shard_rouse(shard);
}

/* From any state to ENDED. */
static void finish(acurast__connection *connection, unsigned ending)
{
    settle(connection);
    acurast__courier_end(connection);
    acurast__shard *shard = connection->shard;
    const uint8_t *id = connection->session.id;
    const char *label = acurast__ending_info(ending).label;
    connection->draining = ending == ACURAST__ENDING_DRAINING;
    give_up_id(connection, ending);
    if (connection->was_accepted) {
        atomic_fetch_sub_explicit(&shard->service->ids, 1, memory_order_relaxed);
        acurast__count(&shard->metrics.closed[ending], 1);
        acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=closed reason=%s id=%02x%02x%02x%02x", label, id[0], id[1],
                             id[2], id[3]);
    } else {
        acurast__count(&shard->metrics.refused[ending], 1);
        acurast__service_log(shard, ACURAST_LOG_DEBUG, "what=handshake_failed reason=%s", label);
    }
    acurast__loop_timer_stop(shard->loop, &connection->timer);
    connection->received = acurast__ws_received(connection->ws);
    acurast__service_session_clear(&connection->session);
    move_to(connection, &shard->ending, ACURAST__CONNECTION_ENDED);
}

/* What waits goes out before the goodbye, as far as there is time. */
static void take_backlog(acurast__connection *connection)
{
    acurast__chain waiting;
    acurast__chain_init(&waiting);
    acurast__directory_take(&connection->holder, SIZE_MAX, &waiting);
    acurast__courier_give(connection, &waiting);
}

void acurast__connection_end(acurast__connection *connection, unsigned ending)
{
    if (connection->state == ACURAST__CONNECTION_ENDED)
        return;
    acurast__refusal_info info = acurast__ending_info(ending);
    if (ending == ACURAST__ENDING_DRAINING && connection->state == ACURAST__CONNECTION_ACCEPTED)
        take_backlog(connection);
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
    (void)ws;
    acurast__connection *connection = owner;
    acurast__shard *shard = connection->shard;
    acurast__chain unsent;
    acurast__chain_init(&unsent);
    if (connection->state != ACURAST__CONNECTION_ENDED)
        finish(connection, ending_of(end->status));
    if (connection->was_accepted && connection->draining)
        acurast__courier_take_unsent(connection, &unsent);
    acurast__tidings_drop_chain(&shard->tidings, ACURAST__DROP_DRAINING, &unsent);
    acurast__marks_clear(&connection->marks, &shard->waiting);
    acurast__shard_rouse(shard);
    acurast__list_remove(&connection->link);
    acurast__free(connection);
}

const acurast__ws_handlers acurast__connection_handlers = {
    .message = on_message, .answered = on_answer, .written = on_written, .leaving = on_leaving, .closed = on_closed};
