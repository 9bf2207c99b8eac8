/*
 * Where a sender is to hear that the last byte of its frame was taken, the connection keeps a mark with the position of that byte. Marks are
 * in the order of the messages, and are made before the message is sent: without memory for a mark there is no message.
 *
 * A message that comes back unsent is found in the marks by its ordinal: all messages are counted, and those that come back are the last.
 */
#include "service/courier.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "service/service.h"

#include <string.h>

#define SLICE_US 250

/* An empty ring of more marks is given back. */
#define MARKS_KEPT 64

/* How many are told between two looks at the clock. */
#define TOLD_AT_ONCE 16

static acurast__tracked tracked_of(const uint8_t *bytes, size_t size)
{
    acurast__frame frame;
    acurast__tracked tracked = {0};
    if (acurast__frame_decode(&frame, bytes, size))
        acurast__tracked_decode(&tracked, &frame);
    return tracked;
}

/* ---- what a connection is given ---- */

/* Of a tracked frame, in the order in which they are given. */
static void put_mark(acurast__connection *connection, const uint8_t *bytes, uint64_t position, bool bare)
{
    acurast__mark mark = {.position = position, .ordinal = connection->given, .bare = bare};
    memcpy(mark.sender, bytes + 1, sizeof mark.sender);
    memcpy(mark.head, bytes + ACURAST__HEADER_SIZE, sizeof mark.head);
    acurast__marks_push(&connection->marks, &mark);
}

static bool reserve_marks(acurast__connection *connection, size_t count)
{
    return acurast__marks_reserve(&connection->marks, count, &connection->shard->waiting);
}

/* To one that does not track: the header of a payload, and what is behind the head. */
static bool send_bare(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    uint8_t header[ACURAST__HEADER_SIZE];
    size_t skipped = ACURAST__HEADER_SIZE + ACURAST__TRACKED_HEAD_SIZE;
    memcpy(header, bytes, sizeof header);
    header[0] = ACURAST__FRAME_BYTE(ACURAST__FRAME_PAYLOAD);
    return acurast__ws_send2(connection->ws, header, sizeof header, bytes + skipped, size - skipped);
}

/* What a tracked frame takes there. */
static size_t size_for(const acurast__connection *connection, size_t size)
{
    return connection->session.track ? size : size - ACURAST__TRACKED_HEAD_SIZE;
}

/* A tracked frame is measured without its head, whether it keeps that or not. */
static bool is_too_large(const acurast__connection *connection, size_t size)
{
    return size - ACURAST__TRACKED_HEAD_SIZE > connection->holder.max_frame;
}

/* Why it does not get a tracked frame; ACURAST__DROP_COUNT: it does. */
static acurast__drop objection(acurast__connection *connection, const uint8_t *bytes, size_t size, bool marked)
{
    if (!connection->session.track && tracked_of(bytes, size).again)
        return ACURAST__DROP_REPEATED;
    if (is_too_large(connection, size))
        return ACURAST__DROP_TOO_LARGE;
    return marked && !reserve_marks(connection, 1) ? ACURAST__DROP_MEMORY : ACURAST__DROP_COUNT;
}

/* True where it was sent; else it is dropped, and told. */
static bool give_tracked(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    bool bare = !connection->session.track;
    bool marked = bare || tracked_of(bytes, size).level == ACURAST__TRACK_RELAYED;
    acurast__drop why = objection(connection, bytes, size, marked);
    if (why == ACURAST__DROP_COUNT &&
        !(bare ? send_bare(connection, bytes, size) : acurast__ws_send(connection->ws, bytes, size)))
        why = ACURAST__DROP_MEMORY;
    if (why != ACURAST__DROP_COUNT) {
        acurast__tidings_drop(&connection->shard->tidings, why, bytes, size);
        return false;
    }
    connection->mixed = true;
    connection->given++;
    if (marked)
        put_mark(connection, bytes, acurast__ws_queued(connection->ws), bare);
    return true;
}

/* Any frame of a backlog. Who does not track is spared what is not for it. */
static void give_frame(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    if (acurast__frame_is_tracked(bytes)) {
        give_tracked(connection, bytes, size);
    } else if (!acurast__frame_is_plain(bytes) && !connection->session.track) {
        return;
    } else if (acurast__ws_send(connection->ws, bytes, size)) {
        connection->given++;
        connection->mixed |= !acurast__frame_is_plain(bytes);
    } else {
        acurast__tidings_drop(&connection->shard->tidings, ACURAST__DROP_MEMORY, bytes, size);
    }
}

static bool is_marked(const uint8_t *bytes, size_t size)
{
    return acurast__frame_is_tracked(bytes) && tracked_of(bytes, size).level == ACURAST__TRACK_RELAYED;
}

/* True where all of a chain can be passed on as it is. Pings in it would put the marks where they do not belong. */
static bool passes_whole(acurast__connection *connection, const acurast__chain *chain)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size, sum = 0, marked = 0;
    if (!connection->session.track)
        return false;
    while (acurast__chain_next(chain, &cursor, &bytes, &size)) {
        if (acurast__frame_is_tracked(bytes) && is_too_large(connection, size))
            return false;
        sum += acurast__chain_weight(size);
        marked += is_marked(bytes, size);
    }
    return sum == chain->bytes && (!marked || reserve_marks(connection, marked));
}

static void give_whole(acurast__connection *connection, acurast__chain *chain)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    uint64_t position = acurast__ws_queued(connection->ws);
    while (acurast__chain_next(chain, &cursor, &bytes, &size)) {
        position += acurast__chain_weight(size);
        connection->given++;
        if (is_marked(bytes, size))
            put_mark(connection, bytes, position, false);
    }
    connection->mixed = true;
    acurast__ws_send_chain(connection->ws, chain);
}

static void give_each(acurast__connection *connection, acurast__chain *chain)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    while (acurast__chain_next(chain, &cursor, &bytes, &size))
        give_frame(connection, bytes, size);
    acurast__chain_clear(chain);
}

void acurast__courier_give(acurast__connection *connection, acurast__chain *chain)
{
    if (!connection->holder.mixed) {
        connection->given += chain->frames;
        acurast__ws_send_chain(connection->ws, chain);
    } else if (passes_whole(connection, chain)) {
        give_whole(connection, chain);
    } else {
        give_each(connection, chain);
    }
}

/* ---- what becomes of it ---- */

void acurast__courier_written(acurast__connection *connection)
{
    acurast__shard *shard = connection->shard;
    uint64_t written = acurast__ws_written(connection->ws);
    const acurast__mark *mark;
    while ((mark = acurast__marks_first(&connection->marks)) && mark->position <= written) {
        acurast__tidings_receipt(&shard->tidings, mark->sender, mark->head + 1, acurast__load_be64(mark->head + 9),
                                 ACURAST__RECEIPT_RELAYED);
        acurast__marks_pop(&connection->marks);
    }
    if (!mark && connection->marks.capacity > MARKS_KEPT)
        acurast__marks_clear(&connection->marks, &shard->waiting);
    acurast__shard_rouse(shard);
}

/* The head that the message lost; NULL where it is as it came. */
static const uint8_t *lost_head(acurast__connection *connection, uint64_t ordinal)
{
    const acurast__mark *mark;
    while ((mark = acurast__marks_first(&connection->marks)) && mark->ordinal < ordinal)
        acurast__marks_pop(&connection->marks);
    return mark && mark->ordinal == ordinal && mark->bare ? mark->head : NULL;
}

/* As it came, to the end of `unsent`; dropped without memory. */
static void put_back(acurast__connection *connection, const uint8_t *head, const uint8_t *bytes, size_t size,
                     acurast__chain *unsent)
{
    acurast__tidings *tidings = &connection->shard->tidings;
    if (!head) {
        if (!acurast__chain_append(unsent, bytes, size))
            acurast__tidings_drop(tidings, ACURAST__DROP_MEMORY, bytes, size);
        return;
    }
    uint8_t begin[ACURAST__HEADER_SIZE + ACURAST__TRACKED_HEAD_SIZE];
    memcpy(begin, bytes, ACURAST__HEADER_SIZE);
    begin[0] = ACURAST__FRAME_BYTE(ACURAST__FRAME_TRACKED);
    memcpy(begin + ACURAST__HEADER_SIZE, head, ACURAST__TRACKED_HEAD_SIZE);
    if (!acurast__chain_append2(unsent, begin, sizeof begin, bytes + ACURAST__HEADER_SIZE, size - ACURAST__HEADER_SIZE))
        acurast__tidings_drop(tidings, ACURAST__DROP_MEMORY, begin, sizeof begin);
}

/* A receipt may still go to the next connection of its recipient. */
static bool is_passed_on(const uint8_t *bytes)
{
    return acurast__frame_is_payload(bytes) || bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_RECEIPT);
}

static void restore(acurast__connection *connection, acurast__chain *all, acurast__chain *unsent)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    uint64_t ordinal = connection->given - all->frames;
    while (acurast__chain_next(all, &cursor, &bytes, &size)) {
        const uint8_t *head = lost_head(connection, ++ordinal);
        if (is_passed_on(bytes))
            put_back(connection, head, bytes, size, unsent);
    }
    acurast__chain_clear(all);
}

/* Of a message that the socket has taken in part nothing is told. */
void acurast__courier_take_unsent(acurast__connection *connection, acurast__chain *unsent)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    acurast__chain all;
    acurast__chain_init(&all);
    acurast__courier_written(connection);
    acurast__ws_take_unsent(connection->ws, &all);
    if (!connection->mixed && (!acurast__chain_next(&all, &cursor, &bytes, &size) || acurast__frame_is_plain(bytes)))
        acurast__chain_join(unsent, &all);
    else
        restore(connection, &all, unsent);
    acurast__marks_clear(&connection->marks, &connection->shard->waiting);
}

void acurast__courier_end(acurast__connection *connection)
{
    acurast__watches_free(connection->watches, connection->shard->directory);
    connection->watches = NULL;
}

/* ---- what a connection sends ---- */

static void watch(acurast__connection *connection, const uint8_t *id, uint64_t hash)
{
    acurast__shard *shard = connection->shard;
    if (shard->settings->watches && shard->settings->terms.presence)
        acurast__watches_touch(&connection->watches, shard->directory, connection->session.id, id, hash,
                               shard->settings->watches, &shard->waiting);
}

/* False where it has to go through the directory. */
static bool relay_local(acurast__connection *recipient, const acurast__parcel *parcel)
{
    acurast__metrics *metrics = &recipient->shard->metrics;
    size_t size = size_for(recipient, parcel->size);
    if (!is_too_large(recipient, parcel->size) && !acurast__connection_takes(recipient, size))
        return false;
    if (give_tracked(recipient, parcel->bytes, parcel->size)) {
        acurast__count(&metrics->frames_out, 1);
        acurast__count(&metrics->bytes_out, size);
    }
    return true;
}

void acurast__courier_relay(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes,
                            size_t size)
{
    acurast__shard *shard = connection->shard;
    acurast__parcel parcel = acurast__connection_parcel(connection, recipient, bytes, size);
    watch(connection, recipient, parcel.hash);
    acurast__connection *local = acurast__idmap_get(&shard->ids, recipient, parcel.hash);
    if (local && relay_local(local, &parcel))
        return;
    if (acurast__directory_send(shard->directory, &parcel, acurast__loop_now(shard->loop), &shard->tidings))
        acurast__connection_wait_for(connection, recipient);
}

/* To who is told, where it is here and tracks. True where its sender should pause. */
static bool tell(acurast__shard *shard, const acurast__tiding *tiding)
{
    acurast__connection *local = acurast__idmap_get(&shard->ids, tiding->recipient, tiding->hash);
    if (local && !local->session.track)
        return false;
    if (!local || !acurast__connection_takes(local, tiding->size))
        return acurast__directory_tell(shard->directory, tiding, &shard->tidings);
    if (acurast__ws_send(local->ws, tiding->bytes, tiding->size)) {
        local->given++;
        local->mixed = true;
    } else {
        acurast__tidings_lose(&shard->tidings, tiding);
    }
    return false;
}

void acurast__courier_receipt(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes,
                              size_t size)
{
    acurast__shard *shard = connection->shard;
    acurast__count(&shard->metrics.receipts_relayed, 1);
    acurast__tiding tiding = {.recipient = recipient,
                              .hash = acurast__id_hash(recipient),
                              .group = &connection->holder.group,
                              .bytes = bytes,
                              .size = size,
                              .items = 1};
    if (tell(shard, &tiding))
        acurast__connection_wait_for(connection, recipient);
}

/* ---- looking ---- */

/* One item of an answer. */
static void look_up(acurast__connection *connection, const uint8_t *id, uint8_t *item)
{
    acurast__shard *shard = connection->shard;
    uint64_t hash = acurast__id_hash(id);
    memset(item, 0, ACURAST__SEEN_ITEM_SIZE);
    watch(connection, id, hash);
    item[0] = (uint8_t)acurast__directory_look(shard->directory, id, hash, acurast__loop_now(shard->loop), item + 1);
}

void acurast__courier_look(acurast__connection *connection, const acurast__items *look)
{
    acurast__shard *shard = connection->shard;
    uint8_t answer[ACURAST__HEADER_SIZE + ACURAST__TOKEN_SIZE + ACURAST__LOOK_MAX_IDS * ACURAST__SEEN_ITEM_SIZE];
    const uint8_t *own = connection->session.id;
    if (!shard->settings->terms.presence) {
        acurast__count(&shard->metrics.drops[ACURAST__DROP_UNKNOWN_FRAME], 1);
        return;
    }
    size_t size = acurast__frame_header(answer, ACURAST__FRAME_SEEN, NULL, own);
    memcpy(answer + size, look->token, ACURAST__TOKEN_SIZE);
    size += ACURAST__TOKEN_SIZE;
    for (size_t i = 0; i < look->count; i++, size += ACURAST__SEEN_ITEM_SIZE)
        look_up(connection, look->items + i * ACURAST__ID_SIZE, answer + size);
    acurast__count(&shard->metrics.looks, look->count);
    /* The frame itself is charged like any other; where this goes into debt, that charge finds it. */
    acurast__rate_charge(&connection->rate, &shard->settings->rates, acurast__loop_now(shard->loop), size, look->count);
    acurast__tiding tiding = {
        .recipient = own, .hash = acurast__id_hash(own), .bytes = answer, .size = size, .items = 1};
    tell(shard, &tiding);
}

/* ---- giving out ---- */

static void tell_noted(acurast__shard *shard, acurast__tiding *tiding)
{
    bool gone = tiding->bytes[0] == ACURAST__FRAME_BYTE(ACURAST__FRAME_GONE);
    acurast__count(gone ? &shard->metrics.gone_told : &shard->metrics.receipts_told, tiding->items);
    tell(shard, tiding);
    acurast__free(tiding->own);
}

bool acurast__courier_tell(acurast__shard *shard)
{
    acurast__tiding tiding;
    uint64_t begin = 0;
    do {
        for (unsigned told = 0; acurast__tidings_next(&shard->tidings, &tiding); told++) {
            tell_noted(shard, &tiding);
            if (told % TOLD_AT_ONCE)
                continue;
            uint64_t now = acurast__clock_us();
            begin = begin ? begin : now;
            if (now - begin > SLICE_US)
                return true;
        }
    } while (acurast__watches_tell(&shard->tidings));
    return false;
}
