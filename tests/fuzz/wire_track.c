/* Any bytes as the body of each frame of receipts and presence: what was understood is written again as it came. */
#include "fuzz.h"

#include "wire/track.h"

static void tracked(const acurast__frame *frame)
{
    acurast__tracked out;
    uint8_t head[ACURAST__TRACKED_HEAD_SIZE];
    if (!acurast__tracked_decode(&out, frame))
        return;
    REQUIRE(out.number && out.after < out.number);
    REQUIRE(out.payload + out.payload_size == frame->body + frame->body_size);
    acurast__tracked_head(head, &out);
    REQUIRE(head[0] == (frame->body[0] & 7) && memcmp(head + 1, frame->body + 1, sizeof head - 1) == 0);
}

static void receipts(const acurast__frame *frame)
{
    acurast__receipts out;
    uint64_t number;
    uint8_t status, item[ACURAST__RECEIPT_ITEM_SIZE];
    if (!acurast__receipts_decode(&out, frame))
        return;
    for (size_t i = 0; i < out.count; i++) {
        acurast__receipts_at(&out, i, &number, &status);
        acurast__receipt_item(item, number, (acurast__receipt_status)status);
        REQUIRE(memcmp(item, out.items + i * sizeof item, sizeof item) == 0);
    }
}

static void within(const acurast__frame *frame, const acurast__items *items, size_t item_size)
{
    REQUIRE(items->count && items->items + items->count * item_size == frame->body + frame->body_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__frame frame = {.body = data, .body_size = size};
    acurast__items items;
    tracked(&frame);
    receipts(&frame);
    if (acurast__gone_decode(&items, &frame))
        within(&frame, &items, ACURAST__GONE_ITEM_SIZE);
    if (acurast__look_decode(&items, &frame))
        within(&frame, &items, 16);
    if (acurast__seen_decode(&items, &frame))
        within(&frame, &items, ACURAST__SEEN_ITEM_SIZE);
    return 0;
}
