/* Frames are made once, at the call, and stamped where they are sent. What a look has found takes the place of what it asked. */
#include "client/operation.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/key.h"

#include <string.h>

static acurast__operation *create(acurast__operation_kind kind, const uint8_t *sender, const uint8_t *recipient)
{
    acurast__operation *operation = acurast__alloc_zero(sizeof *operation);
    if (!operation)
        return NULL;
    acurast__list_init(&operation->link);
    acurast__list_init(&operation->in_pair);
    acurast__list_init(&operation->event.link);
    operation->kind = kind;
    memcpy(operation->sender, sender, sizeof operation->sender);
    memcpy(operation->recipient, recipient, sizeof operation->recipient);
    return operation;
}

static acurast__operation *create_with_frame(acurast__operation_kind kind, const uint8_t *sender,
                                             const uint8_t *recipient, size_t frame_size, size_t room)
{
    acurast__operation *operation = create(kind, sender, recipient);
    if (!operation)
        return NULL;
    operation->frame = acurast__alloc(room);
    operation->frame_size = frame_size;
    if (operation->frame)
        return operation;
    acurast__free(operation);
    return NULL;
}

static void put_payload(acurast__operation *operation, size_t offset, const void *payload, size_t payload_size)
{
    if (payload_size)
        memcpy(operation->frame + offset, payload, payload_size);
    operation->payload_size = payload_size;
}

acurast__operation *acurast__operation_create(const uint8_t sender[16], const uint8_t recipient[16],
                                              const void *payload, size_t payload_size)
{
    size_t size = ACURAST__HEADER_SIZE + payload_size;
    acurast__operation *operation = create_with_frame(ACURAST__OPERATION_PLAIN, sender, recipient, size, size);
    if (!operation)
        return NULL;
    acurast__frame_header(operation->frame, ACURAST__FRAME_PAYLOAD, sender, recipient);
    put_payload(operation, ACURAST__HEADER_SIZE, payload, payload_size);
    return operation;
}

acurast__operation *acurast__operation_create_tracked(const uint8_t sender[16], const uint8_t recipient[16],
                                                      const void *payload, size_t payload_size, acurast_level until)
{
    size_t size = ACURAST__HEADER_SIZE + ACURAST__TRACKED_HEAD_SIZE + payload_size;
    acurast__operation *operation = create_with_frame(ACURAST__OPERATION_TRACKED, sender, recipient, size, size);
    if (!operation)
        return NULL;
    operation->until = until;
    put_payload(operation, ACURAST__HEADER_SIZE + ACURAST__TRACKED_HEAD_SIZE, payload, payload_size);
    return operation;
}

acurast__operation *acurast__operation_create_look(const uint8_t sender[16], const uint8_t *ids, size_t count)
{
    size_t size = ACURAST__HEADER_SIZE + ACURAST__TOKEN_SIZE + count * ACURAST__ID_SIZE;
    size_t found = count * sizeof(acurast_seen);
    acurast__operation *operation =
        create_with_frame(ACURAST__OPERATION_LOOK, sender, acurast__id_service, size, size > found ? size : found);
    if (!operation)
        return NULL;
    acurast__frame_header(operation->frame, ACURAST__FRAME_LOOK, sender, NULL);
    put_payload(operation, ACURAST__HEADER_SIZE + ACURAST__TOKEN_SIZE, ids, count * ACURAST__ID_SIZE);
    return operation;
}

acurast__operation *acurast__operation_create_survey(const uint8_t sender[16])
{
    return create(ACURAST__OPERATION_SURVEY, sender, acurast__id_service);
}

void acurast__operation_stamp(acurast__operation *operation, const uint8_t *run)
{
    uint8_t *body = operation->frame + ACURAST__HEADER_SIZE;
    acurast__tracked head = {.level = operation->until == ACURAST_LEVEL_RELAYED ? ACURAST__TRACK_RELAYED
                                                                                : ACURAST__TRACK_DELIVERED,
                             .again = operation->maybe || operation->live,
                             .run = run,
                             .number = operation->number,
                             .after = operation->after};
    if (operation->kind == ACURAST__OPERATION_TRACKED) {
        acurast__frame_header(operation->frame, ACURAST__FRAME_TRACKED, operation->sender, operation->recipient);
        acurast__tracked_head(body, &head);
    } else if (operation->kind == ACURAST__OPERATION_LOOK) {
        for (size_t i = 0; i < ACURAST__TOKEN_SIZE; i++)
            body[i] = (uint8_t)(operation->number >> (8 * (ACURAST__TOKEN_SIZE - 1 - i)));
    }
}

const uint8_t *acurast__operation_plain(acurast__operation *operation, size_t *size)
{
    uint8_t *frame = operation->frame + ACURAST__TRACKED_HEAD_SIZE;
    acurast__frame_header(frame, ACURAST__FRAME_PAYLOAD, operation->sender, operation->recipient);
    *size = operation->frame_size - ACURAST__TRACKED_HEAD_SIZE;
    return frame;
}

/* A key that is not the id's is no key. */
static void put_seen(acurast_seen *to, const uint8_t *id, const uint8_t *item)
{
    uint8_t owner[ACURAST__ID_SIZE];
    memset(to, 0, sizeof *to);
    memcpy(to->id, id, sizeof to->id);
    to->presence = item[0] <= ACURAST__PRESENCE_AWAY ? item[0] : ACURAST__PRESENCE_NOT_HERE;
    acurast__key_id(owner, item + 1);
    if (to->presence == ACURAST__PRESENCE_HERE && acurast__id_equal(owner, id))
        memcpy(to->public_key, item + 1, sizeof to->public_key);
}

void acurast__operation_seen(acurast__operation *operation, const acurast__items *seen)
{
    uint8_t ids[ACURAST__LOOK_MAX_IDS * ACURAST__ID_SIZE];
    memcpy(ids, operation->frame + ACURAST__HEADER_SIZE + ACURAST__TOKEN_SIZE, operation->payload_size);
    for (size_t i = 0; i < seen->count; i++) {
        acurast_seen found;
        put_seen(&found, ids + i * ACURAST__ID_SIZE, seen->items + i * ACURAST__SEEN_ITEM_SIZE);
        memcpy(operation->frame + i * sizeof found, &found, sizeof found);
    }
}

void acurast__operation_free_payload(acurast__operation *operation)
{
    acurast__free(operation->frame);
    operation->frame = NULL;
}

void acurast__operation_free(acurast__operation *operation)
{
    if (!operation)
        return;
    acurast__operation_free_payload(operation);
    acurast__free(operation);
}
