/*
 * A websocket's writing: messages are framed as they are queued, and once a turn everything that waits goes out in one write. A frame that the
 * socket takes in part stays at the head of the queue, with a note of how much is gone: whatever comes, the rest of it goes first.
 *
 * Pongs and close frames stand in the same queue.
 */
#include "base/bytes.h"
#include "base/memory.h"
#include "net/mask.h"
#include "net/socket.h"
#include "net/ws_internal.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BATCH_CHUNKS 32

/* Bytes of a message from which a copy costs more than a system call of its own. */
#define STRAIGHT_LEAST ((size_t)16 * 1024)

/* So much may wait before a ping gets no answer at once. */
#define PONGS_MOST ((size_t)4096)

void acurast__ws_mark_dirty(acurast__ws *ws)
{
    if (acurast__list_empty(&ws->dirty_link))
        acurast__list_append(&ws->loop->dirty, &ws->dirty_link);
}

/* ---- what the kernel has to send ---- */

/* So often that little is missed, so seldom that it costs nothing beside the writes themselves. */
#define UNSEEN_MAX ((size_t)16 * 1024)

void acurast__ws_look(acurast__ws *ws)
{
    size_t waiting = acurast__socket_waiting(ws->stream.socket);
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

/* ---- the queue ---- */

static bool put(acurast__ws *ws, uint8_t opcode, const void *head, size_t head_size, const void *body, size_t body_size)
{
    size_t bytes = ws->out.bytes, capacity = ws->out.capacity;
    const uint8_t *mask = ws->client ? acurast__mask_next() : NULL;
    if (!acurast__chain_put(&ws->out, opcode, mask, head, head_size, body, body_size))
        return false;
    ws->queued += ws->out.bytes - bytes;
    ws->loop->memory += ws->out.capacity - capacity;
    acurast__ws_mark_dirty(ws);
    return true;
}

/*
 * Offers the pieces until the stream is full; how many bytes it has taken. Where it is broken the next flush finds out, also where only memory was
 * short: under TLS nobody may write behind a record that was lost.
 */
static size_t offer(acurast__ws *ws, struct iovec *pieces, size_t count)
{
    size_t total = 0;
    ssize_t taken = 1;
    while (count && !ws->stream.full && taken > 0) {
        taken = acurast__stream_send(&ws->stream, pieces, count);
        size_t gone = taken > 0 ? (size_t)taken : 0;
        total += gone;
        for (; count && gone >= pieces->iov_len; count--)
            gone -= pieces++->iov_len;
        if (count)
            *pieces = (struct iovec){(uint8_t *)pieces->iov_base + gone, pieces->iov_len - gone};
    }
    if (taken < 0)
        shutdown(ws->stream.socket, SHUT_RDWR);
    return total;
}

/*
 * A large message is not copied where nothing waits before it: it goes from where it lies to the socket. The rest of it, if that is full, is queued
 * as a frame that was cut.
 */
static bool put_straight(acurast__ws *ws, const void *head, size_t head_size, const void *body, size_t body_size)
{
    uint8_t header[ACURAST__FRAME_HEADER_MAX];
    size_t size = acurast__frame_put_header(header, ACURAST__OPCODE_BINARY, head_size + body_size);
    struct iovec pieces[] = {
        {header, size}, {(void *)(uintptr_t)head, head_size}, {(void *)(uintptr_t)body, body_size}};
    size_t total = size + head_size + body_size;
    count_write(ws, total);
    size_t taken = offer(ws, pieces, sizeof pieces / sizeof *pieces);
    if (taken == total) {
        ws->queued += total;
        acurast__ws_mark_dirty(ws); /* it was written, and the owner is to be told */
        return true;
    }
    ws->cut = taken;
    bool good = put(ws, ACURAST__OPCODE_BINARY, head, head_size, body, body_size);
    if (!good && taken)
        acurast__ws_finish(ws); /* nothing can follow a frame in part */
    return good;
}

static bool goes_straight(const acurast__ws *ws, size_t size)
{
    return size >= STRAIGHT_LEAST && !ws->client && ws->open && !ws->out.first && !ws->owed && !ws->stream.full;
}

bool acurast__ws_send2(acurast__ws *ws, const void *head, size_t head_size, const void *body, size_t body_size)
{
    if (acurast__ws_ending(ws))
        return false;
    if (goes_straight(ws, head_size + body_size))
        return put_straight(ws, head, head_size, body, body_size);
    return put(ws, ACURAST__OPCODE_BINARY, head, head_size, body, body_size);
}

bool acurast__ws_send(acurast__ws *ws, const void *bytes, size_t size)
{
    return acurast__ws_send2(ws, bytes, size, NULL, 0);
}

bool acurast__ws_ping(acurast__ws *ws)
{
    return !ws->shut && !ws->aborted && put(ws, ACURAST__OPCODE_PING, NULL, 0, NULL, 0);
}

void acurast__ws_send_chain(acurast__ws *ws, acurast__chain *chain)
{
    if (acurast__ws_ending(ws)) {
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

static void consume(acurast__ws *ws, size_t bytes, size_t frames)
{
    size_t capacity = ws->out.capacity;
    acurast__chain_consume(&ws->out, bytes, frames);
    ws->loop->memory -= capacity - ws->out.capacity;
}

/* Takes all of the queue but for the frame that was cut. False without memory: then nothing was taken. */
static bool take_uncut(acurast__ws *ws, acurast__chain *chain)
{
    acurast__chain cut;
    acurast__chain_init(&cut);
    if (ws->cut && !acurast__chain_copy_first(&cut, &ws->out))
        return false;
    ws->queued -= ws->out.bytes - cut.bytes;
    ws->loop->memory += cut.capacity - ws->out.capacity;
    if (ws->cut)
        acurast__chain_consume(&ws->out, cut.bytes, cut.frames);
    acurast__chain_join(chain, &ws->out);
    acurast__chain_join(&ws->out, &cut);
    return true;
}

void acurast__ws_take_unsent(acurast__ws *ws, acurast__chain *chain)
{
    if (!take_uncut(ws, chain))
        acurast__ws_finish(ws);
}

void acurast__ws_drop_output(acurast__ws *ws)
{
    ws->loop->memory -= ws->out.capacity;
    ws->queued -= ws->out.bytes;
    ws->cut = 0;
    acurast__chain_clear(&ws->out);
    acurast__free(ws->owed);
    ws->owed = NULL;
}

void acurast__ws_pong(acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    if (acurast__ws_buffered(ws) < PONGS_MOST && !ws->owed) {
        put(ws, ACURAST__OPCODE_PONG, bytes, size, NULL, 0);
        return;
    }
    if (!ws->owed)
        ws->owed = acurast__alloc(1 + UINT8_MAX);
    if (!ws->owed)
        return;
    ws->owed[0] = (uint8_t)size;
    if (size)
        memcpy(ws->owed + 1, bytes, size);
}

/* A code that may not be sent has no payload (RFC 6455, 7.4.1). */
static bool put_close(acurast__ws *ws, uint16_t code, const char *reason)
{
    uint8_t head[2];
    acurast__store_be16(head, code);
    size_t size = acurast__ws_code_valid(code) ? sizeof head : 0;
    ws->said = true;
    return put(ws, ACURAST__OPCODE_CLOSE, head, size, reason, size ? strlen(reason) : 0);
}

void acurast__ws_answer_close(acurast__ws *ws, uint16_t code)
{
    acurast__chain dropped;
    acurast__chain_init(&dropped);
    bool good = take_uncut(ws, &dropped) && put_close(ws, code, "");
    acurast__chain_clear(&dropped);
    if (!good)
        acurast__ws_finish(ws);
}

/* ---- counts ---- */

/* What TLS holds of whole frames: the last bytes that it took may be of one that was cut, and that is in the queue. */
static size_t held(const acurast__ws *ws)
{
    size_t held = acurast__stream_held(&ws->stream);
    return held > ws->cut ? held - ws->cut : 0;
}

size_t acurast__ws_buffered(const acurast__ws *ws)
{
    return ws->out.bytes + held(ws);
}

size_t acurast__ws_memory(const acurast__ws *ws)
{
    return ws->out.capacity + acurast__stream_memory(&ws->stream) + ws->kernel + ws->partial_capacity +
           ws->rest_capacity;
}

uint64_t acurast__ws_queued(const acurast__ws *ws)
{
    return ws->queued;
}

uint64_t acurast__ws_written(const acurast__ws *ws)
{
    return ws->settled ? ws->written : ws->queued - acurast__ws_buffered(ws);
}

/* ---- flushing ---- */

/* Frames of the first chunk that end within its first `taken` bytes: their bytes. */
static size_t whole_frames(const acurast__chunk *chunk, size_t taken, size_t *frames)
{
    size_t done = 0;
    for (*frames = 0; done < taken;) {
        acurast__chunk_frame frame = acurast__chunk_frame_at(chunk->data + chunk->begin + done);
        if (done + frame.header + frame.payload > taken)
            break;
        done += frame.header + frame.payload;
        *frames += frame.opcode == ACURAST__OPCODE_BINARY;
    }
    return done;
}

/* So many bytes were taken, from where the first frame was cut on. */
static void settle(acurast__ws *ws, size_t taken)
{
    taken += ws->cut;
    ws->cut = 0;
    while (taken) {
        acurast__chunk *chunk = ws->out.first;
        size_t size = chunk->end - chunk->begin, frames = chunk->frames;
        if (size > taken) {
            size = whole_frames(chunk, taken, &frames);
            ws->cut = taken - size;
            taken = size;
        }
        if (size)
            consume(ws, size, frames);
        taken -= size;
    }
}

/* One batch. False where the socket is full or broken. */
static bool write_batch(acurast__ws *ws)
{
    struct iovec pieces[BATCH_CHUNKS];
    size_t count = 0, size = 0, cut = ws->cut;
    for (acurast__chunk *c = ws->out.first; c && count < BATCH_CHUNKS; c = c->next) {
        pieces[count] = (struct iovec){c->data + c->begin + cut, c->end - c->begin - cut};
        size += pieces[count++].iov_len;
        cut = 0;
    }
    count_write(ws, size);
    ssize_t taken = acurast__stream_send(&ws->stream, pieces, count);
    if (taken < 0) {
        acurast__ws_lost(ws);
        return false;
    }
    settle(ws, (size_t)taken);
    return !ws->stream.full;
}

/* What waits until everything else is written: the pong that is owed, and our close frame. False where there is nothing. */
static bool queue_last(acurast__ws *ws)
{
    if (ws->said)
        return false;
    if (ws->owed) {
        uint8_t *owed = ws->owed;
        ws->owed = NULL;
        put(ws, ACURAST__OPCODE_PONG, owed + 1, owed[0], NULL, 0);
        acurast__free(owed);
        return true;
    }
    if (!ws->closing)
        return false;
    ws->shut = true;
    if (!put_close(ws, ws->code, ws->reason ? ws->reason : ""))
        acurast__ws_finish(ws);
    return true;
}

static void write_out(acurast__ws *ws)
{
    if (!acurast__stream_push(&ws->stream)) {
        acurast__ws_lost(ws);
        return;
    }
    do {
        while (ws->out.first && !ws->stream.full && write_batch(ws))
            continue;
    } while (!ws->aborted && !ws->out.first && queue_last(ws));
}

static void tell_written(acurast__ws *ws)
{
    uint64_t written = acurast__ws_written(ws);
    if (written == ws->told)
        return;
    ws->told = written;
    if (ws->handlers->written)
        ws->handlers->written(ws->owner, ws);
}

void acurast__ws_push(acurast__ws *ws)
{
    if (!acurast__ws_ending(ws))
        acurast__ws_flush(ws);
}

void acurast__ws_flush(acurast__ws *ws)
{
    if (!ws->open || ws->aborted || ws->draining)
        return;
    if (ws->out.first || ws->closing)
        acurast__ws_close_lane(ws);
    write_out(ws);
    if (ws->aborted)
        return;
    acurast__ws_wait(ws);
    tell_written(ws);
    if (ws->said && ws->parted && !ws->aborted && !acurast__ws_buffered(ws) && !ws->stream.full)
        acurast__ws_part(ws);
}
