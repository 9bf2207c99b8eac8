/*
 * A websocket's reading: what has come lies in a buffer of the loop, and its frames are taken there, one after the other. A message that lies there
 * as a whole goes to the owner from there; one that comes in pieces is put together in `partial`.
 *
 * What cannot be used yet is kept in `rest`: the beginning of a header, or what came behind the message at which the owner paused. It stands before
 * whatever comes next.
 */
#include "net/ws_internal.h"

#include "base/memory.h"

#include <string.h>

#define FIRST_PARTIAL ((size_t)4096)

/* A message that is announced gets all of its memory at once where one part of so many has come. */
#define TRUSTED_PART 8

/* The largest buffer that a message may leave behind for the next one that comes in pieces, on the same loop. */
#define SPARE_MAX ((size_t)16 * 1024)

/* ---- messages in pieces ---- */

void acurast__ws_free_partial(acurast__ws *ws)
{
    ws->loop->memory -= ws->partial_capacity;
    acurast__free(ws->partial);
    ws->partial = NULL;
    ws->partial_size = ws->partial_capacity = 0;
}

void acurast__ws_drop_partial(acurast__ws *ws)
{
    if (ws->closing)
        acurast__ws_free_partial(ws);
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
        acurast__ws_free_partial(ws);
        return;
    }
    loop->spare = ws->partial;
    loop->spare_capacity = ws->partial_capacity;
    loop->memory -= ws->partial_capacity;
    ws->partial = NULL;
    ws->partial_size = ws->partial_capacity = 0;
}

/*
 * Room for `need` bytes, and for all that is known to come, unless that is far more than has come: a header alone must not cost memory. Pieces that
 * come without an end in sight double it.
 */
static size_t wanted_capacity(const acurast__ws *ws, size_t need)
{
    uint64_t known = need + acurast__ws_reader_left(&ws->reader);
    size_t doubled = 2 * ws->partial_capacity, capacity = doubled < FIRST_PARTIAL ? FIRST_PARTIAL : doubled;
    bool trusted = known / TRUSTED_PART <= need;
    if (trusted && (ws->reader.final || known > doubled))
        return (size_t)known;
    return capacity < need ? need : capacity;
}

static bool grow_partial(acurast__ws *ws, size_t need)
{
    if (!ws->partial)
        take_spare(ws);
    if (need <= ws->partial_capacity)
        return true;
    size_t capacity = wanted_capacity(ws, need);
    if (capacity > ws->max_message && need <= ws->max_message)
        capacity = ws->max_message;
    uint8_t *partial = acurast__realloc(ws->partial, capacity);
    if (!partial)
        return false;
    ws->loop->memory += capacity - ws->partial_capacity;
    ws->partial = partial;
    ws->partial_capacity = capacity;
    return true;
}

/* The bytes may lie in their place already. */
static void on_piece(acurast__ws *ws, const acurast__ws_found *event)
{
    size_t total = ws->partial_size + event->size;
    if (total > ws->partial_capacity && !grow_partial(ws, total)) {
        acurast__ws_refuse(ws, 1011, ACURAST_NO_MEMORY, "out of memory");
        return;
    }
    uint8_t *place = ws->partial + ws->partial_size;
    if (event->size && event->bytes != place)
        memcpy(place, event->bytes, event->size);
    ws->partial_size = total;
    if (!event->last)
        return;
    ws->partial_size = 0;
    ws->handlers->message(ws->owner, ws, ws->partial, total);
    leave_spare(ws);
}

/* ---- events ---- */

static void on_data(acurast__ws *ws, const acurast__ws_found *event)
{
    if (ws->closing || ws->shut)
        return;
    if (event->first)
        ws->partial_size = 0;
    if (event->text)
        acurast__ws_refuse(ws, 1003, ACURAST_PROTOCOL, "text messages are not part of the protocol");
    else if (event->kind == ACURAST__WS_MESSAGE)
        ws->handlers->message(ws->owner, ws, event->bytes, event->size);
    else
        on_piece(ws, event);
}

static void on_too_large(acurast__ws *ws)
{
    if (ws->closing || ws->shut)
        return;
    if (!ws->handlers->skipped) {
        acurast__ws_refuse(ws, 1009, ACURAST_TOO_LARGE, "frame too large");
        return;
    }
    acurast__ws_free_partial(ws);
    ws->handlers->skipped(ws->owner, ws);
}

static void on_pong(acurast__ws *ws)
{
    acurast__ws_ponged(ws);
    if (ws->handlers->answered && !acurast__ws_ending(ws))
        ws->handlers->answered(ws->owner, ws);
}

/* Nonsense: nothing that follows can be understood, so the peer's close frame is not waited for. */
static void on_error(acurast__ws *ws, const acurast__ws_found *event)
{
    ws->parted = true;
    acurast__ws_tell_leaving(ws, ACURAST_PROTOCOL);
    acurast__ws_refuse(ws, event->code, ACURAST_PROTOCOL, event->problem);
    acurast__ws_mark_dirty(ws);
}

static void take(acurast__ws *ws, const acurast__ws_found *event)
{
    switch (event->kind) {
    case ACURAST__WS_MESSAGE:
    case ACURAST__WS_PIECE:
        on_data(ws, event);
        break;
    case ACURAST__WS_TOO_LARGE:
        on_too_large(ws);
        break;
    case ACURAST__WS_PING:
        if (!acurast__ws_ending(ws))
            acurast__ws_pong(ws, event->bytes, event->size);
        break;
    case ACURAST__WS_PONG:
        on_pong(ws);
        break;
    case ACURAST__WS_CLOSE:
        acurast__ws_peer_closes(ws, event->code, (const char *)event->bytes, event->size);
        break;
    case ACURAST__WS_ERROR:
        on_error(ws, event);
        break;
    case ACURAST__WS_NOTHING:
        break;
    }
}

/* ---- what has come ---- */

void acurast__ws_free_rest(acurast__ws *ws)
{
    ws->loop->memory -= ws->rest_capacity;
    acurast__free(ws->rest_block);
    ws->rest = ws->rest_block = NULL;
    ws->rest_size = ws->rest_capacity = 0;
}

/* The bytes may be the end of what was kept before, which then stays where it is. */
static void keep_rest(acurast__ws *ws, uint8_t *bytes, size_t size)
{
    if (size && ws->rest && bytes >= ws->rest && bytes < ws->rest + ws->rest_size) {
        ws->rest = bytes;
        ws->rest_size = size;
        return;
    }
    uint8_t *rest = size ? acurast__copy(bytes, size) : NULL;
    acurast__ws_free_rest(ws);
    if (size && !rest) {
        ws->status = ACURAST_NO_MEMORY;
        acurast__ws_lost(ws);
        return;
    }
    ws->rest = ws->rest_block = rest;
    ws->rest_size = ws->rest_capacity = size;
    ws->loop->memory += size;
}

static bool wants(const acurast__ws *ws)
{
    return !ws->aborted && (!ws->paused || ws->closing);
}

static void read_span(acurast__ws *ws, acurast__ws_span span)
{
    acurast__ws_found event;
    while (wants(ws) && acurast__ws_reader_next(&ws->reader, &span, ws->max_message, &event) != ACURAST__WS_NOTHING)
        take(ws, &event);
    size_t left = ws->aborted ? 0 : (size_t)(span.end - span.at);
    if (left > ACURAST__WS_REST_MAX)
        acurast__stream_read_less(&ws->stream);
    if (left || ws->rest)
        keep_rest(ws, span.at, left);
}

void acurast__ws_read_bytes(acurast__ws *ws, uint8_t *bytes, size_t size)
{
    read_span(ws, (acurast__ws_span){bytes, bytes + size});
}

/* What lies in a buffer of the loop's, with room before it. */
static void read_received(acurast__ws *ws, uint8_t *bytes, size_t size)
{
    if (ws->rest_size) {
        bytes -= ws->rest_size;
        size += ws->rest_size;
        memcpy(bytes, ws->rest, ws->rest_size);
    }
    acurast__ws_read_bytes(ws, bytes, size);
}

/* The place of what is to come of a message whose beginning is there, so that it need not be copied; false where there is none. */
static bool find_place(const acurast__ws *ws, struct iovec *place)
{
    if (!ws->partial_size || ws->rest_size || acurast__ws_ending(ws))
        return false;
    size_t room = ws->partial_capacity - ws->partial_size;
    uint64_t left = acurast__ws_reader_left(&ws->reader);
    *place = (struct iovec){ws->partial + ws->partial_size, room < left ? room : (size_t)left};
    return place->iov_len > 0;
}

/* Under TLS nothing is read into the place. */
static void read_both(acurast__ws *ws, const struct iovec *place, uint8_t *bytes, size_t size)
{
    size_t placed = size < place->iov_len ? size : place->iov_len;
    acurast__ws_read_bytes(ws, place->iov_base, placed);
    size -= placed;
    if (!size || ws->aborted)
        return;
    if (wants(ws))
        read_received(ws, bytes, size);
    else
        keep_rest(ws, bytes, size);
}

/* What the peer said before its end, and waits behind a pause, is read first. */
static void end_if_over(acurast__ws *ws, bool over)
{
    if (over && !ws->aborted && (!ws->rest || wants(ws)))
        acurast__ws_lost(ws);
}

void acurast__ws_read(acurast__ws *ws)
{
    if (ws->rest_size > ACURAST__WS_REST_MAX || ws->stream.ended) { /* it was resumed just now */
        acurast__ws_read_rest(ws);
        return;
    }
    struct iovec place;
    uint8_t *bytes;
    uint64_t before = ws->stream.received;
    bool placed = !ws->stream.ssl && find_place(ws, &place);
    ssize_t got = acurast__stream_receive(&ws->stream, placed ? &place : NULL, &bytes);
    if (ws->stream.received != before)
        acurast__ws_heard(ws); /* also by a part of a record of TLS, which opens nothing yet */
    if (got > 0 && placed)
        read_both(ws, &place, bytes, (size_t)got);
    else if (got > 0)
        read_received(ws, bytes, (size_t)got);
    if (ws->stream.full && !ws->aborted)
        acurast__ws_wait(ws); /* what TLS answers by itself may find the socket full */
    end_if_over(ws, got == 0 || ws->stream.ended);
}

void acurast__ws_read_rest(acurast__ws *ws)
{
    if (ws->open && ws->rest && wants(ws))
        acurast__ws_read_bytes(ws, ws->rest, ws->rest_size);
    end_if_over(ws, ws->stream.ended);
}
