/* Bodies of fixed fields and of items of one size; nothing is allocated. No state. */
#include "wire/track.h"

#include <string.h>

#define LEVEL_MASK 3
#define FLAG_AGAIN 4

static uint64_t read_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    while (size--)
        number = number << 8 | *bytes++;
    return number;
}

static void write_number(uint8_t *bytes, size_t size, uint64_t number)
{
    for (; size--; number >>= 8)
        bytes[size] = (uint8_t)number;
}

bool acurast__tracked_decode(acurast__tracked *tracked, const acurast__frame *frame)
{
    const uint8_t *body = frame->body;
    if (frame->body_size < ACURAST__TRACKED_HEAD_SIZE)
        return false;
    unsigned level = body[0] & LEVEL_MASK;
    uint64_t number = read_number(body + 9, 8), behind = read_number(body + 17, 4);
    if ((level != ACURAST__TRACK_RELAYED && level != ACURAST__TRACK_DELIVERED) || !number || behind >= number)
        return false;
    *tracked = (acurast__tracked){.level = (acurast__track_level)level,
                                  .again = body[0] & FLAG_AGAIN,
                                  .run = body + 1,
                                  .number = number,
                                  .after = behind ? number - behind : 0,
                                  .payload = body + ACURAST__TRACKED_HEAD_SIZE,
                                  .payload_size = frame->body_size - ACURAST__TRACKED_HEAD_SIZE};
    return true;
}

void acurast__tracked_head(uint8_t bytes[ACURAST__TRACKED_HEAD_SIZE], const acurast__tracked *tracked)
{
    uint64_t behind = tracked->after ? tracked->number - tracked->after : 0;
    bytes[0] = (uint8_t)(tracked->level | (tracked->again ? FLAG_AGAIN : 0));
    memcpy(bytes + 1, tracked->run, ACURAST__RUN_SIZE);
    write_number(bytes + 9, 8, tracked->number);
    write_number(bytes + 17, 4, behind < UINT32_MAX ? behind : UINT32_MAX);
}

bool acurast__receipts_decode(acurast__receipts *receipts, const acurast__frame *frame)
{
    size_t size = frame->body_size;
    if (size < ACURAST__RUN_SIZE + ACURAST__RECEIPT_ITEM_SIZE ||
        (size - ACURAST__RUN_SIZE) % ACURAST__RECEIPT_ITEM_SIZE)
        return false;
    receipts->run = frame->body;
    receipts->items = frame->body + ACURAST__RUN_SIZE;
    receipts->count = (size - ACURAST__RUN_SIZE) / ACURAST__RECEIPT_ITEM_SIZE;
    return receipts->count <= ACURAST__RECEIPT_MAX_ITEMS;
}

void acurast__receipts_at(const acurast__receipts *receipts, size_t index, uint64_t *number, uint8_t *status)
{
    const uint8_t *item = receipts->items + index * ACURAST__RECEIPT_ITEM_SIZE;
    *number = read_number(item, 8);
    *status = item[8];
}

void acurast__receipt_item(uint8_t bytes[ACURAST__RECEIPT_ITEM_SIZE], uint64_t number, acurast__receipt_status status)
{
    write_number(bytes, 8, number);
    bytes[8] = (uint8_t)status;
}

static bool decode_items(acurast__items *items, const acurast__frame *frame, size_t token_size, size_t item_size)
{
    if (frame->body_size < token_size + item_size || (frame->body_size - token_size) % item_size)
        return false;
    items->token = token_size ? frame->body : NULL;
    items->items = frame->body + token_size;
    items->count = (frame->body_size - token_size) / item_size;
    return true;
}

bool acurast__gone_decode(acurast__items *gone, const acurast__frame *frame)
{
    return decode_items(gone, frame, 0, ACURAST__GONE_ITEM_SIZE);
}

bool acurast__look_decode(acurast__items *look, const acurast__frame *frame)
{
    return decode_items(look, frame, ACURAST__TOKEN_SIZE, 16) && look->count <= ACURAST__LOOK_MAX_IDS;
}

bool acurast__seen_decode(acurast__items *seen, const acurast__frame *frame)
{
    return decode_items(seen, frame, ACURAST__TOKEN_SIZE, ACURAST__SEEN_ITEM_SIZE) &&
           seen->count <= ACURAST__LOOK_MAX_IDS;
}
