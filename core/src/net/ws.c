/*
 * A websocket's life and its reading.
 *
 *   made -> (connecting) -> open -> closing -> shut -> ended
 *
 * open     messages come in, are put together where they come in pieces, and go to the owner whole
 * closing  the owner wants no more: what is queued goes out, then our close frame; a timer bounds it
 * shut     a close frame went out or came in: nothing may be written any more
 * ended    told by libwebsockets; the owner's `closed` is the last thing that happens
 *
 * While open, a timer watches for silence: a ping, and a hang-up if that is not answered. Whatever is heard counts, and so does
 * the peer's kernel taking what we wrote: on a slow line a ping waits long behind a large message, and a busy program answers late.
 */
#include "net/ws_internal.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/socket.h"
#include "net/tls_internal.h"

#include <string.h>

#define FIRST_PARTIAL 4096

/* The largest buffer that a message may leave behind for the next one that comes in pieces, on the same loop. */
#define SPARE_MAX 16384

#define REASON_MAX 123

/* So many pings in a row may be acknowledged by a client's kernel alone. */
#define EXCUSES_MAX 5

/* A socket that can hold little may take a frame in part, be it a pong of libwebsockets that a message would then follow. */
#define LANE_WAITING_MIN 16384

/* What a close frame without a code counts as (RFC 6455, 7.1.5). */
#define NO_CODE 1005

static void on_timer(acurast__timer *timer);

/* Who is closing reads on whatever the owner wanted: the peer's close frame stands behind what it sent before. */
static void control_flow(acurast__ws *ws)
{
    if (ws->wsi && ws->open)
        lws_rx_flow_control(ws->wsi, !ws->paused || ws->closing);
}

void acurast__ws_setup(acurast__ws *ws, acurast__loop *loop, const acurast__ws_settings *settings,
                       const acurast__ws_handlers *handlers, void *owner)
{
    ws->loop = loop;
    ws->handlers = handlers;
    ws->owner = owner;
    ws->max_message = settings->max_message;
    ws->ping_interval = settings->ping_interval_ms;
    ws->ping_timeout = settings->ping_timeout_ms;
    ws->status = ACURAST_LOST;
    acurast__chain_init(&ws->out);
    acurast__list_init(&ws->dirty_link);
    acurast__list_init(&ws->owing_link);
    acurast__timer_init(&ws->timer, on_timer);
    acurast__list_init(&ws->reap.link);
    acurast__loop_hold(loop);
}

void acurast__ws_opened(acurast__ws *ws, struct lws *wsi)
{
    ws->wsi = wsi;
    ws->open = true;
    ws->direct = ws->loop->batched && !ws->tls;
    ws->masked = ws->client && ws->loop->batched;
    ws->last_heard = acurast__loop_now(ws->loop);
    if (ws->ping_interval && !ws->closing)
        acurast__loop_timer_start(ws->loop, &ws->timer, ws->ping_interval);
    if (ws->paused)
        control_flow(ws);
    if (ws->out.first)
        acurast__ws_mark_dirty(ws);
}

void acurast__ws_open_lane(acurast__ws *ws, acurast__lane *lane, size_t max_body)
{
    if (!ws->open || !ws->direct || ws->closing || ws->shut || ws->out.first || lws_partial_buffered(ws->wsi))
        return;
    int socket = lws_get_socket_fd(ws->wsi);
    if (!ws->lane_waiting)
        ws->lane_waiting = acurast__socket_send_buffer(socket) / 4;
    if (ws->lane_waiting < LANE_WAITING_MIN)
        return;
    ws->lane = lane;
    acurast__lane_open(lane, socket, max_body, ws->lane_waiting);
}

void acurast__ws_close_lane(acurast__ws *ws)
{
    if (ws->lane)
        acurast__lane_close(ws->lane);
    ws->lane = NULL;
}

static void free_partial(acurast__ws *ws)
{
    ws->loop->memory -= ws->partial_capacity;
    acurast__free(ws->partial);
    ws->partial = NULL;
    ws->partial_size = ws->partial_capacity = 0;
}

static void drop_output(acurast__ws *ws)
{
    ws->loop->memory -= ws->out.capacity;
    ws->queued -= ws->out.bytes;
    acurast__chain_clear(&ws->out);
}

void acurast__ws_ended(acurast__ws *ws)
{
    acurast__loop *loop = ws->loop;
    acurast__ws_end end = {
        .status = ws->code && !ws->refused ? ACURAST_OK : ws->status,
        .code = ws->code,
        .by_peer = ws->by_peer,
        .reason = ws->reason ? ws->reason : "",
    };
    if (ws->aborted && ws->status != ACURAST_LOST)
        end.status = ws->status;
    acurast__ws_close_lane(ws);
    ws->open = false;
    ws->shut = true;
    ws->wsi = NULL;
    acurast__loop_timer_stop(loop, &ws->timer);
    ws->handlers->closed(ws->owner, ws, &end);
    acurast__list_remove(&ws->dirty_link);
    acurast__list_remove(&ws->reap.link);
    acurast__list_remove(&ws->owing_link);
    drop_output(ws);
    acurast__ws_hold(ws, 0);
    loop->memory -= ws->kernel;
    free_partial(ws);
    acurast__free(ws->reason);
    if (ws->vhost)
        acurast__tls_vhost_let(loop, ws->vhost);
    acurast__loop_let(loop);
}

void acurast__ws_set_reason(acurast__ws *ws, const char *reason, size_t size)
{
    acurast__free(ws->reason);
    if (size > REASON_MAX)
        size = REASON_MAX;
    ws->reason = acurast__alloc(size + 1);
    if (!ws->reason)
        return;
    acurast__copy_printable(ws->reason, size + 1, reason, size);
}

/* ---- silence ---- */

static void heard(acurast__ws *ws)
{
    ws->last_heard = acurast__loop_now(ws->loop);
    ws->pinged = false;
    ws->excused = 0;
}

void acurast__ws_tell_leaving(acurast__ws *ws, acurast_status status)
{
    if (ws->left || ws->closing || ws->aborted)
        return;
    ws->left = true;
    if (ws->handlers->leaving)
        ws->handlers->leaving(ws->owner, ws, status);
}

/*
 * A client whose kernel has acknowledged a ping is excused: its program has much to do. But not for ever, since the kernel may be that of a
 * proxy. A service has to answer by itself.
 */
static void look_for_life(acurast__ws *ws)
{
    int socket = lws_get_socket_fd(ws->wsi);
    bool excusable = ws->pinged && !ws->client && ws->excused < EXCUSES_MAX;
    bool draining = acurast__socket_draining(socket, &ws->taken, excusable);
    if (draining && excusable) {
        ws->excused++;
        ws->last_heard = acurast__loop_now(ws->loop);
        ws->pinged = false;
    } else if (draining || acurast__socket_unread(socket)) {
        heard(ws);
    }
}

static void on_silence(acurast__ws *ws)
{
    look_for_life(ws);
    uint64_t silence = acurast__loop_now(ws->loop) - ws->last_heard;
    if (ws->paused || silence < ws->ping_interval) {
        uint64_t rest = ws->paused ? ws->ping_interval : ws->ping_interval - silence;
        acurast__loop_timer_start(ws->loop, &ws->timer, rest);
    } else if (!ws->pinged) {
        ws->pinged = true;
        acurast__ws_ping(ws);
        acurast__loop_timer_start(ws->loop, &ws->timer, ws->ping_timeout);
    } else {
        ws->status = ACURAST_UNRESPONSIVE;
        acurast__ws_set_reason(ws, "no answer to a ping", 19);
        acurast__ws_tell_leaving(ws, ACURAST_UNRESPONSIVE);
        acurast__ws_forget(ws);
    }
}

static void on_timer(acurast__timer *timer)
{
    acurast__ws *ws = ACURAST__CONTAINER(timer, acurast__ws, timer);
    if (ws->closing || ws->shut)
        acurast__ws_abort(ws);
    else
        on_silence(ws);
}

/* ---- reading ---- */

static void refuse(acurast__ws *ws, uint16_t code, acurast_status status, const char *reason)
{
    ws->refused = true;
    ws->status = status;
    acurast__ws_close(ws, code, reason);
}

/* Takes the loop's spare buffer, where there is one. */
static void take_spare(acurast__ws *ws)
{
    acurast__loop *loop = ws->loop;
    ws->partial = loop->spare;
    ws->partial_capacity = loop->spare_capacity;
    loop->memory += ws->partial_capacity;
    loop->spare = NULL;
    loop->spare_capacity = 0;
}

/* An idle connection keeps no buffer. */
static void leave_spare(acurast__ws *ws)
{
    acurast__loop *loop = ws->loop;
    if (loop->spare || ws->partial_capacity > SPARE_MAX) {
        free_partial(ws);
        return;
    }
    loop->spare = ws->partial;
    loop->spare_capacity = ws->partial_capacity;
    loop->memory -= ws->partial_capacity;
    ws->partial = NULL;
    ws->partial_size = ws->partial_capacity = 0;
}

static bool grow_partial(acurast__ws *ws, size_t need)
{
    if (!ws->partial)
        take_spare(ws);
    size_t capacity = ws->partial_capacity ? ws->partial_capacity : FIRST_PARTIAL;
    while (capacity < need)
        capacity *= 2;
    if (capacity > ws->max_message && capacity > ws->partial_capacity)
        capacity = need > ws->max_message ? need : ws->max_message;
    if (capacity <= ws->partial_capacity)
        return true;
    uint8_t *partial = acurast__realloc(ws->partial, capacity);
    if (!partial)
        return false;
    ws->loop->memory += capacity - ws->partial_capacity;
    ws->partial = partial;
    ws->partial_capacity = capacity;
    return true;
}

static void on_piece(acurast__ws *ws, const void *bytes, size_t size, bool last)
{
    size_t total = ws->partial_size + size;
    if (total > ws->partial_capacity && !grow_partial(ws, total)) {
        refuse(ws, 1011, ACURAST_NO_MEMORY, "out of memory");
        return;
    }
    if (size)
        memcpy(ws->partial + ws->partial_size, bytes, size);
    ws->partial_size = total;
    if (!last)
        return;
    ws->partial_size = 0;
    ws->handlers->message(ws->owner, ws, ws->partial, total);
    leave_spare(ws);
}

/* A piece of a message that is too large, the last of it where `last`. */
static void on_too_large(acurast__ws *ws, bool last)
{
    if (!ws->handlers->skipped) {
        refuse(ws, 1009, ACURAST_TOO_LARGE, "frame too large");
        return;
    }
    free_partial(ws);
    ws->skipping = !last;
    if (last)
        ws->handlers->skipped(ws->owner, ws);
}

static void on_receive(acurast__ws *ws, const void *bytes, size_t size)
{
    heard(ws);
    if (ws->closing || ws->shut)
        return;
    if (lws_is_first_fragment(ws->wsi)) {
        ws->partial_size = 0;
        ws->skipping = false;
    }
    if (!lws_frame_is_binary(ws->wsi)) {
        refuse(ws, 1003, ACURAST_PROTOCOL, "text messages are not part of the protocol");
        return;
    }
    size_t rest = lws_remaining_packet_payload(ws->wsi);
    bool last = lws_is_final_fragment(ws->wsi) && !rest;
    if (ws->skipping || ws->partial_size + size + rest > ws->max_message)
        on_too_large(ws, last);
    else if (last && !ws->partial_size)
        ws->handlers->message(ws->owner, ws, bytes, size);
    else
        on_piece(ws, bytes, size, last);
}

static void on_pong(acurast__ws *ws)
{
    heard(ws);
    if (ws->handlers->answered && !acurast__ws_ending(ws))
        ws->handlers->answered(ws->owner, ws);
}

/* ---- closing ---- */

static void on_peer_close(acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    acurast__ws_close_lane(ws);
    ws->shut = true;
    if (!ws->closing) {
        ws->by_peer = true;
        ws->code = size >= 2 ? acurast__load_be16(bytes) : NO_CODE;
        if (size > 2)
            acurast__ws_set_reason(ws, (const char *)bytes + 2, size - 2);
    }
    acurast__loop_timer_start(ws->loop, &ws->timer, ACURAST__CLOSE_TIME_MS);
    acurast__ws_tell_leaving(ws, ACURAST_OK);
}

/* Written at the end of the turn, like everything. */
static void on_writable(acurast__ws *ws)
{
    if (ws->held || ws->out.first)
        heard(ws);
    acurast__ws_mark_dirty(ws);
}

void acurast__ws_event(acurast__ws *ws, enum lws_callback_reasons reason, void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        on_receive(ws, in, size);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        on_writable(ws);
        break;
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        on_pong(ws);
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_peer_close(ws, in, size);
        break;
    case LWS_CALLBACK_CLOSED:
        ws->shut = true; /* it is destroyed in a later turn */
        acurast__ws_tell_leaving(ws, ws->status);
        break;
    default:
        break;
    }
}

void acurast__ws_close(acurast__ws *ws, uint16_t code, const char *reason)
{
    if (ws->closing || ws->shut)
        return;
    ws->closing = true;
    ws->code = code;
    acurast__ws_set_reason(ws, reason, strlen(reason));
    if (ws->connecting) {
        acurast__ws_connect_cancel(ws);
        return;
    }
    control_flow(ws);
    acurast__loop_timer_start(ws->loop, &ws->timer, ACURAST__CLOSE_TIME_MS);
    acurast__ws_mark_dirty(ws);
}

void acurast__ws_drop_partial(acurast__ws *ws)
{
    if (ws->closing)
        free_partial(ws);
}

void acurast__ws_forget(acurast__ws *ws)
{
    if (!ws->client && ws->wsi && !ws->aborted)
        acurast__socket_forget(lws_get_socket_fd(ws->wsi));
    acurast__ws_abort(ws);
}

void acurast__ws_abort(acurast__ws *ws)
{
    if (ws->aborted)
        return;
    acurast__ws_close_lane(ws);
    ws->aborted = true;
    ws->closing = true;
    drop_output(ws);
    if (ws->connecting)
        acurast__ws_connect_cancel(ws);
    else if (ws->wsi)
        acurast__loop_cut(ws->loop, &ws->reap, ws->wsi);
}

/* ---- small things ---- */

bool acurast__ws_ending(const acurast__ws *ws)
{
    return ws->closing || ws->shut;
}

void acurast__ws_pause(acurast__ws *ws)
{
    if (ws->paused)
        return;
    ws->paused = true;
    control_flow(ws);
}

void acurast__ws_resume(acurast__ws *ws)
{
    if (!ws->paused)
        return;
    ws->paused = false;
    ws->last_heard = acurast__loop_now(ws->loop);
    control_flow(ws);
}

void acurast__ws_set_max_message(acurast__ws *ws, size_t max_message)
{
    ws->max_message = max_message;
}

uint64_t acurast__ws_received(const acurast__ws *ws)
{
    return ws->wsi ? acurast__socket_received(lws_get_socket_fd(ws->wsi)) : 0;
}

acurast__loop *acurast__ws_loop(const acurast__ws *ws)
{
    return ws->loop;
}
