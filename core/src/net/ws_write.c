/*
 * Writing: messages are framed as they are queued, and once a turn everything that waits for a socket goes out in
 * one write.
 *
 * Plain sockets are written directly, past libwebsockets, which costs a third of its way. That is safe on two conditions: libwebsockets
 * has nothing half-written itself, and we leave no frame half-written. So a frame that the socket takes only in part
 * is finished by libwebsockets, whose own pongs and close frames then queue behind it; whole frames stay with us.
 * TLS sockets take raw chunks through libwebsockets. Where the library refuses raw writes (or the option batched-writes is
 * off), each message goes through its own framing.
 */
#include "net/mask.h"
#include "net/socket.h"
#include "net/ws_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BATCH_CHUNKS 32

#if LWS_PRE > ACURAST__CHUNK_HEADROOM
#error "ACURAST__CHUNK_HEADROOM is too small for this libwebsockets"
#endif

void acurast__ws_mark_dirty(acurast__ws *ws)
{
    if (acurast__list_empty(&ws->dirty_link))
        acurast__list_append(&ws->loop->dirty, &ws->dirty_link);
}

static bool put(acurast__ws *ws, uint8_t opcode, const void *head, size_t head_size, const void *body, size_t body_size)
{
    if (ws->shut || ws->aborted)
        return false;
    size_t bytes = ws->out.bytes, capacity = ws->out.capacity;
    const uint8_t *mask = ws->masked ? acurast__mask_next() : NULL;
    if (!acurast__chain_put(&ws->out, opcode, mask, head, head_size, body, body_size))
        return false;
    ws->queued += ws->out.bytes - bytes;
    ws->loop->memory += ws->out.capacity - capacity;
    acurast__ws_mark_dirty(ws);
    return true;
}

bool acurast__ws_send(acurast__ws *ws, const void *bytes, size_t size)
{
    return !ws->closing && put(ws, ACURAST__OPCODE_BINARY, bytes, size, NULL, 0);
}

bool acurast__ws_send2(acurast__ws *ws, const void *head, size_t head_size, const void *body, size_t body_size)
{
    return !ws->closing && put(ws, ACURAST__OPCODE_BINARY, head, head_size, body, body_size);
}

/* Not empty: libwebsockets 4.1.6 does not tell of a pong without a payload. */
bool acurast__ws_ping(acurast__ws *ws)
{
    return put(ws, ACURAST__OPCODE_PING, "?", 1, NULL, 0);
}

void acurast__ws_send_chain(acurast__ws *ws, acurast__chain *chain)
{
    if (ws->closing || ws->shut) {
        acurast__chain_clear(chain);
        return;
    }
    if (!chain->first)
        return;
    ws->queued += chain->bytes;
    ws->loop->memory += chain->capacity;
    acurast__chain_join(&ws->out, chain);
    acurast__ws_mark_dirty(ws);
}

void acurast__ws_take_unsent(acurast__ws *ws, acurast__chain *chain)
{
    ws->queued -= ws->out.bytes;
    ws->loop->memory -= ws->out.capacity;
    acurast__chain_join(chain, &ws->out);
}

size_t acurast__ws_buffered(const acurast__ws *ws)
{
    return ws->out.bytes + ws->held;
}

size_t acurast__ws_memory(const acurast__ws *ws)
{
    return ws->out.capacity + ws->held + ws->kernel + ws->partial_capacity;
}

uint64_t acurast__ws_queued(const acurast__ws *ws)
{
    return ws->queued;
}

uint64_t acurast__ws_written(const acurast__ws *ws)
{
    return ws->queued - ws->out.bytes - ws->held;
}

/* ---- flushing ---- */

static void consume(acurast__ws *ws, size_t bytes, size_t frames)
{
    size_t capacity = ws->out.capacity;
    acurast__chain_consume(&ws->out, bytes, frames);
    ws->loop->memory -= capacity - ws->out.capacity;
}

/* So often that little is missed, so seldom that it costs nothing beside the writes themselves. */
#define UNSEEN_MAX ((size_t)16 * 1024)

void acurast__ws_look(acurast__ws *ws)
{
    size_t waiting = acurast__socket_waiting(lws_get_socket_fd(ws->wsi));
    if (waiting == SIZE_MAX)
        waiting = 0;
    ws->loop->memory += waiting - ws->kernel;
    ws->kernel = waiting;
    ws->unseen = 0;
    if (!waiting)
        acurast__list_remove(&ws->owing_link);
    else if (acurast__list_empty(&ws->owing_link))
        acurast__list_append(&ws->loop->owing, &ws->owing_link);
}

/* The socket takes bytes, about as many as this. */
static void count_write(acurast__ws *ws, size_t size)
{
    if (ws->client)
        return;
    if (ws->unseen >= UNSEEN_MAX)
        acurast__ws_look(ws);
    ws->unseen += size;
}

void acurast__ws_hold(acurast__ws *ws, size_t bytes)
{
    ws->loop->memory += bytes - ws->held;
    ws->held = bytes;
}

static bool fail(acurast__ws *ws)
{
    acurast__ws_abort(ws);
    return false;
}

/* Gives bytes to libwebsockets, which keeps what the socket does not take. */
static bool hand_over(acurast__ws *ws, uint8_t *bytes, size_t size)
{
    count_write(ws, size);
    if (lws_write(ws->wsi, bytes, size, LWS_WRITE_HTTP) < 0)
        return fail(ws);
    acurast__ws_hold(ws, lws_partial_buffered(ws->wsi) ? size : 0);
    return true;
}

/* The first `taken` bytes of the first chunk are gone: the frame that was cut is finished by libwebsockets. */
static bool settle_cut(acurast__ws *ws, size_t taken)
{
    acurast__chunk *chunk = ws->out.first;
    uint8_t *at = chunk->data + chunk->begin;
    size_t done = 0, frames = 0;
    while (done < taken) {
        acurast__chunk_frame frame = acurast__chunk_frame_at(at + done);
        done += frame.header + frame.payload;
        frames += frame.opcode == ACURAST__OPCODE_BINARY;
    }
    if (done > taken && !hand_over(ws, at + taken, done - taken))
        return false;
    if (done)
        consume(ws, done, frames);
    return true;
}

static bool settle(acurast__ws *ws, size_t taken)
{
    while (taken) {
        acurast__chunk *chunk = ws->out.first;
        size_t size = chunk->end - chunk->begin;
        if (size > taken)
            return settle_cut(ws, taken);
        taken -= size;
        consume(ws, size, chunk->frames);
    }
    return true;
}

/* One system call for as many chunks as it takes. False where the socket is full or broken. */
static bool write_direct(acurast__ws *ws)
{
    struct iovec pieces[BATCH_CHUNKS];
    struct msghdr message = {.msg_iov = pieces};
    size_t size = 0;
    for (acurast__chunk *c = ws->out.first; c && (size_t)message.msg_iovlen < BATCH_CHUNKS; c = c->next) {
        pieces[message.msg_iovlen++] = (struct iovec){c->data + c->begin, c->end - c->begin};
        size += c->end - c->begin;
    }
    count_write(ws, size);
    ssize_t taken = sendmsg(lws_get_socket_fd(ws->wsi), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            acurast__ws_tell_leaving(ws, ACURAST_LOST);
            fail(ws);
        }
        return false;
    }
    return settle(ws, (size_t)taken) && (size_t)taken == size;
}

/*
 * How much of what libwebsockets keeps was taken through TLS cannot be known. A client sends again what was not, so it gives frame by
 * frame, and doubts one at most; a service gives whole chunks.
 */
static bool write_through_tls(acurast__ws *ws)
{
    acurast__chunk *chunk = ws->out.first;
    uint8_t *at = chunk->data + chunk->begin;
    size_t size = chunk->end - chunk->begin, frames = chunk->frames;
    if (ws->client) {
        acurast__chunk_frame frame = acurast__chunk_frame_at(at);
        size = frame.header + frame.payload;
        frames = frame.opcode == ACURAST__OPCODE_BINARY;
    }
    if (!hand_over(ws, at, size))
        return false;
    consume(ws, size, frames);
    return !ws->held;
}

static bool write_message(acurast__ws *ws)
{
    acurast__chunk *chunk = ws->out.first;
    uint8_t *at = chunk->data + chunk->begin;
    acurast__chunk_frame frame = acurast__chunk_frame_at(at);
    bool ping = frame.opcode == ACURAST__OPCODE_PING;
    if (lws_write(ws->wsi, at + frame.header, frame.payload, ping ? LWS_WRITE_PING : LWS_WRITE_BINARY) < 0)
        return fail(ws);
    acurast__ws_hold(ws, lws_partial_buffered(ws->wsi) ? frame.header + frame.payload : 0);
    consume(ws, frame.header + frame.payload, !ping);
    return !ws->held;
}

static void write_out(acurast__ws *ws)
{
    if (lws_partial_buffered(ws->wsi))
        return;
    acurast__ws_hold(ws, 0);
    bool room = true;
    while (room && ws->out.first)
        room = ws->direct ? write_direct(ws) : ws->loop->batched ? write_through_tls(ws) : write_message(ws);
}

/* Our close frame: libwebsockets writes it, and waits for the peer's. */
static void say_goodbye(acurast__ws *ws)
{
    const char *reason = ws->reason ? ws->reason : "";
    ws->shut = true;
    lws_close_reason(ws->wsi, (enum lws_close_status)ws->code, (unsigned char *)(uintptr_t)reason, strlen(reason));
    acurast__loop_reap(ws->loop, &ws->reap, ws->wsi);
}

/* Through TLS, libwebsockets may have finished what was cut, and read an answer to it, before it tells us that we may write. */
void acurast__ws_catch_up(acurast__ws *ws)
{
    if (!ws->held || !ws->open || ws->shut || ws->aborted || lws_partial_buffered(ws->wsi))
        return;
    acurast__ws_hold(ws, 0);
    if (ws->handlers->written)
        ws->handlers->written(ws->owner, ws);
}

void acurast__ws_push(acurast__ws *ws)
{
    if (ws->direct && !ws->closing)
        acurast__ws_flush(ws);
}

void acurast__ws_flush(acurast__ws *ws)
{
    if (!ws->open || ws->shut || ws->aborted)
        return;
    if (ws->out.first || ws->closing)
        acurast__ws_close_lane(ws);
    uint64_t before = acurast__ws_written(ws);
    write_out(ws);
    if (ws->aborted)
        return;
    if (ws->out.first || lws_partial_buffered(ws->wsi))
        lws_callback_on_writable(ws->wsi);
    else if (ws->closing)
        say_goodbye(ws);
    if (ws->handlers->written && acurast__ws_written(ws) != before)
        ws->handlers->written(ws->owner, ws);
}
