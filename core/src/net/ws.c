/*
 * A websocket's life. What comes in is read by ws_read.c, what goes out is written by ws_write.c.
 *
 *   made -> (connecting) -> open -> closing -> said, parted -> (draining) -> ended
 *
 * open      messages go to the owner whole
 * closing   the owner wants no more: what is queued goes out, then our close frame; a timer bounds it
 * said      our close frame is queued, or written
 * parted    the peer's has come, or something that makes no sense; whatever follows is not looked at
 * draining  both are done, but the peer has sent more than was read: if the socket were closed now, the peer would be reset, and might
 *           never read why
 * ended     at the end of a turn: the owner's `closed` is the last thing that happens
 *
 * While open, a timer watches for silence: a ping, and a hang-up if that is not answered. Whatever is heard counts, and so does
 * the peer's kernel taking what we wrote: on a slow line a ping waits long behind a large message, and a busy program answers late. Where all
 * was taken, the time for an answer grows with what that was.
 */
#include "net/ws_internal.h"

#include "base/memory.h"
#include "base/text.h"
#include "net/socket.h"

#include <string.h>

/* So many pings in a row may be acknowledged by a client's kernel alone. */
#define EXCUSES_MAX 5

/* The slowest line that a large message may take, and for how long at most. */
#define SLOW_BYTES_A_MS 4u
#define PATIENCE_MAX_MS 300000u

/* A socket that can hold little may take a frame in part, and nobody may write behind that. */
#define LANE_WAITING_MIN 16384

static void on_timer(acurast__timer *timer);
static void on_end(acurast__reap *reap);

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
    ws->reap.end = on_end;
    acurast__ws_reader_init(&ws->reader, ws->client);
    acurast__chain_init(&ws->out);
    acurast__list_init(&ws->dirty_link);
    acurast__list_init(&ws->owing_link);
    acurast__list_init(&ws->unread_link);
    acurast__timer_init(&ws->timer, on_timer);
    acurast__list_init(&ws->reap.link);
    acurast__loop_hold(loop);
}

/* Whoever is closing reads on, whatever the owner wanted: the peer's close frame stands behind what it sent before. */
void acurast__ws_wait(acurast__ws *ws)
{
    bool reads = !ws->paused || ws->closing || ws->draining;
    acurast__stream_wait(&ws->stream, reads, ws->stream.full && !ws->draining);
}

/* What has come already is read in this turn or the next. */
static void look_at_rest(acurast__ws *ws)
{
    if (ws->rest && acurast__list_empty(&ws->unread_link))
        acurast__list_append(&ws->loop->unread, &ws->unread_link);
}

void acurast__ws_opened(acurast__ws *ws)
{
    ws->open = true;
    ws->queued += acurast__stream_held(&ws->stream); /* of the answer to its upgrade: before all that is written */
    ws->last_heard = acurast__loop_now(ws->loop);
    if (ws->ping_interval && !ws->closing)
        acurast__loop_timer_start(ws->loop, &ws->timer, ws->ping_interval);
    acurast__ws_wait(ws);
    if (ws->out.first)
        acurast__ws_mark_dirty(ws);
}

void acurast__ws_open_lane(acurast__ws *ws, acurast__lane *lane, size_t max_body)
{
    if (!ws->open || ws->stream.ssl || ws->closing || ws->shut || ws->out.first)
        return;
    if (!ws->lane_waiting)
        ws->lane_waiting = acurast__socket_send_buffer(ws->stream.socket) / 4;
    if (ws->lane_waiting < LANE_WAITING_MIN)
        return;
    ws->lane = lane;
    acurast__lane_open(lane, ws->stream.socket, max_body, ws->lane_waiting);
}

void acurast__ws_close_lane(acurast__ws *ws)
{
    if (ws->lane)
        acurast__lane_close(ws->lane);
    ws->lane = NULL;
}

/* ---- the end ---- */

static acurast__ws_end how_it_ended(const acurast__ws *ws)
{
    bool agreed = ws->code && !ws->refused && !(ws->aborted && ws->status != ACURAST_LOST);
    return (acurast__ws_end){.status = agreed ? ACURAST_OK : ws->status,
                             .code = ws->code,
                             .by_peer = ws->by_peer,
                             .reason = ws->reason ? ws->reason : ""};
}

void acurast__ws_ended(acurast__ws *ws)
{
    acurast__loop *loop = ws->loop;
    acurast__ws_end end = how_it_ended(ws);
    acurast__ws_close_lane(ws);
    ws->open = false;
    ws->shut = true;
    acurast__loop_timer_stop(loop, &ws->timer);
    acurast__stream_close(&ws->stream);
    ws->handlers->closed(ws->owner, ws, &end);
    acurast__list_remove(&ws->dirty_link);
    acurast__list_remove(&ws->unread_link);
    acurast__list_remove(&ws->reap.link);
    acurast__list_remove(&ws->owing_link);
    acurast__ws_drop_output(ws);
    loop->memory -= ws->kernel;
    acurast__ws_free_partial(ws);
    acurast__ws_free_rest(ws);
    acurast__free(ws->reason);
    ws->gone(ws);
    acurast__loop_let(loop);
}

static void on_end(acurast__reap *reap)
{
    acurast__ws_ended(ACURAST__CONTAINER(reap, acurast__ws, reap));
}

/* What is dropped from now on, by us or with the stream, was not written. */
static void settle(acurast__ws *ws)
{
    if (!ws->settled)
        ws->written = acurast__ws_written(ws);
    ws->settled = true;
}

void acurast__ws_finish(acurast__ws *ws)
{
    acurast__ws_close_lane(ws);
    settle(ws);
    ws->aborted = true;
    ws->closing = true;
    acurast__ws_drop_output(ws);
    acurast__stream_wait(&ws->stream, false, false);
    acurast__loop_reap(ws->loop, &ws->reap);
}

void acurast__ws_part(acurast__ws *ws)
{
    if (ws->status != ACURAST_PROTOCOL && !acurast__socket_unread(ws->stream.socket)) {
        acurast__ws_finish(ws);
        return;
    }
    ws->draining = true;
    acurast__stream_finish(&ws->stream);
    acurast__ws_wait(ws);
    acurast__loop_timer_start(ws->loop, &ws->timer, ACURAST__LINGER_MS);
}

void acurast__ws_lost(acurast__ws *ws)
{
    acurast__ws_close_lane(ws);
    acurast__ws_tell_leaving(ws, ws->status);
    acurast__ws_finish(ws);
}

void acurast__ws_set_reason(acurast__ws *ws, const char *reason, size_t size)
{
    acurast__free(ws->reason);
    if (size > ACURAST__PROBLEM_MAX)
        size = ACURAST__PROBLEM_MAX;
    ws->reason = acurast__alloc(size + 1);
    if (!ws->reason)
        return;
    acurast__copy_printable(ws->reason, size + 1, reason, size);
}

/* ---- silence ---- */

void acurast__ws_heard(acurast__ws *ws)
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
    int socket = ws->stream.socket;
    bool excusable = ws->pinged && !ws->client && ws->excused < EXCUSES_MAX;
    bool draining = acurast__socket_draining(socket, &ws->taken, excusable);
    if (draining && excusable) {
        ws->excused++;
        ws->last_heard = acurast__loop_now(ws->loop);
        ws->pinged = false;
    } else if (draining || acurast__socket_unread(socket)) {
        acurast__ws_heard(ws);
    }
}

void acurast__ws_ponged(acurast__ws *ws)
{
    ws->taken_at_pong = ws->taken_at_ping;
}

/*
 * The next host has acknowledged all, and may be a proxy that passes it on over a slow line: the ping waits behind that, and so does its answer. A
 * peer that is stuck is another matter: its kernel acknowledges no more.
 */
static uint64_t patience(const acurast__ws *ws)
{
    uint64_t ms = (ws->taken - ws->taken_at_pong) / SLOW_BYTES_A_MS;
    if (acurast__ws_buffered(ws) || acurast__socket_waiting(ws->stream.socket))
        ms = 0;
    return ws->ping_timeout + (ms < PATIENCE_MAX_MS ? ms : PATIENCE_MAX_MS);
}

static void on_silence(acurast__ws *ws)
{
    look_for_life(ws);
    uint64_t now = acurast__loop_now(ws->loop), most = ws->pinged ? ws->last_ping + patience(ws) : 0;
    uint64_t silence = now - ws->last_heard;
    if (ws->paused || silence < ws->ping_interval) {
        uint64_t rest = ws->paused ? ws->ping_interval : ws->ping_interval - silence;
        acurast__loop_timer_start(ws->loop, &ws->timer, rest);
    } else if (!ws->pinged) {
        ws->pinged = true;
        ws->last_ping = now;
        ws->taken_at_ping = ws->taken;
        acurast__ws_ping(ws);
        acurast__loop_timer_start(ws->loop, &ws->timer, ws->ping_timeout);
    } else if (now < most) { /* it is looked after as often as before */
        uint64_t left = most - now;
        acurast__loop_timer_start(ws->loop, &ws->timer, left < ws->ping_timeout ? left : ws->ping_timeout);
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
    if (ws->draining || ws->closing || ws->shut)
        acurast__ws_finish(ws);
    else
        on_silence(ws);
}

/* ---- events ---- */

void acurast__ws_ready(acurast__stream *stream, bool readable, bool writable)
{
    acurast__ws *ws = ACURAST__CONTAINER(stream, acurast__ws, stream);
    if (ws->aborted)
        return;
    if (ws->draining) {
        if (acurast__stream_drain(stream))
            acurast__ws_finish(ws);
        return;
    }
    if (writable) { /* it is written at the end of the turn, like everything */
        acurast__ws_heard(ws);
        acurast__ws_mark_dirty(ws);
    }
    if (readable)
        acurast__ws_read(ws);
}

/* The peer may take its time to answer, and reads nothing of what comes meanwhile: so it has left. */
void acurast__ws_refuse(acurast__ws *ws, uint16_t code, acurast_status status, const char *reason)
{
    if (ws->closing || ws->shut)
        return;
    acurast__ws_tell_leaving(ws, status);
    ws->refused = true;
    ws->status = status;
    acurast__ws_close(ws, code, reason);
}

void acurast__ws_peer_closes(acurast__ws *ws, uint16_t code, const char *reason, size_t size)
{
    acurast__ws_close_lane(ws);
    settle(ws); /* the rest of a frame that was cut still goes out, and is not read */
    ws->parted = true;
    ws->shut = true;
    if (!ws->closing) {
        ws->by_peer = true;
        ws->code = code;
        if (size)
            acurast__ws_set_reason(ws, reason, size);
        acurast__loop_timer_start(ws->loop, &ws->timer, ACURAST__CLOSE_TIME_MS); /* else it runs already */
    }
    acurast__ws_tell_leaving(ws, ACURAST_OK);
    if (ws->aborted)
        return;
    if (!ws->said)
        acurast__ws_answer_close(ws, code);
    acurast__ws_mark_dirty(ws);
}

void acurast__ws_close(acurast__ws *ws, uint16_t code, const char *reason)
{
    if (ws->closing || ws->shut)
        return;
    ws->closing = true;
    ws->code = code;
    size_t size = strlen(reason);
    acurast__ws_set_reason(ws, reason, size < ACURAST__REASON_MAX ? size : ACURAST__REASON_MAX);
    if (ws->connecting) {
        acurast__ws_connect_cancel(ws);
        return;
    }
    look_at_rest(ws);
    acurast__ws_wait(ws);
    acurast__loop_timer_start(ws->loop, &ws->timer, ACURAST__CLOSE_TIME_MS);
    acurast__ws_mark_dirty(ws);
}

void acurast__ws_forget(acurast__ws *ws)
{
    if (!ws->client && ws->stream.socket >= 0 && !ws->aborted)
        acurast__socket_forget(ws->stream.socket);
    acurast__ws_abort(ws);
}

void acurast__ws_abort(acurast__ws *ws)
{
    if (ws->aborted)
        return;
    if (!ws->connecting) {
        acurast__ws_finish(ws);
        return;
    }
    ws->aborted = true;
    ws->closing = true;
    acurast__ws_drop_output(ws);
    acurast__ws_connect_cancel(ws);
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
    if (ws->open)
        acurast__ws_wait(ws);
}

void acurast__ws_resume(acurast__ws *ws)
{
    if (!ws->paused)
        return;
    ws->paused = false;
    ws->last_heard = acurast__loop_now(ws->loop);
    if (!ws->open)
        return;
    look_at_rest(ws);
    acurast__ws_wait(ws);
}

void acurast__ws_set_max_message(acurast__ws *ws, size_t max_message)
{
    ws->max_message = max_message;
}

uint64_t acurast__ws_received(const acurast__ws *ws)
{
    return ws->stream.received;
}

acurast__loop *acurast__ws_loop(const acurast__ws *ws)
{
    return ws->loop;
}
