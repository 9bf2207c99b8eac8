/* Tracked frames, receipts, gone, look and seen: what is read is what was written; every wrong size and value is refused. */
#include "support/unit.h"

#include "wire/track.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t run[ACURAST__RUN_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

/* The body is a heap block of exactly `size` bytes, so that a sanitizer sees a read beyond them. */

static bool decode(bool (*with)(void *, const acurast__frame *), void *into, const uint8_t *body, size_t size)
{
    uint8_t *exact = malloc(size + !size);
    memcpy(exact, body, size);
    acurast__frame frame = {.body = exact, .body_size = size};
    bool good = with(into, &frame);
    free(exact);
    return good;
}

static bool tracked_with(void *into, const acurast__frame *frame)
{
    return acurast__tracked_decode(into, frame);
}

static bool receipts_with(void *into, const acurast__frame *frame)
{
    return acurast__receipts_decode(into, frame);
}

static bool gone_with(void *into, const acurast__frame *frame)
{
    return acurast__gone_decode(into, frame);
}

static bool look_with(void *into, const acurast__frame *frame)
{
    return acurast__look_decode(into, frame);
}

static bool seen_with(void *into, const acurast__frame *frame)
{
    return acurast__seen_decode(into, frame);
}

static void tracked_round_trip(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 2, 255, 256, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(numbers) * 4; i++) {
        acurast__tracked in = {.level = i % 2 ? ACURAST__TRACK_DELIVERED : ACURAST__TRACK_RELAYED,
                               .again = i / 2 % 2,
                               .run = run,
                               .number = numbers[i / 4]};
        in.after = in.number > 1 ? in.number - 1 : 0;
        uint8_t body[ACURAST__TRACKED_HEAD_SIZE + 3];
        acurast__tracked_head(body, &in);
        memcpy(body + ACURAST__TRACKED_HEAD_SIZE, "abc", 3);
        acurast__frame frame = {.body = body, .body_size = sizeof body};
        acurast__tracked out;
        assert_true(acurast__tracked_decode(&out, &frame));
        assert_int_equal(out.level, in.level);
        assert_int_equal(out.again, in.again);
        assert_memory_equal(out.run, run, sizeof run);
        assert_true(out.number == in.number && out.after == in.after);
        assert_int_equal(out.payload_size, 3);
        assert_memory_equal(out.payload, "abc", 3);
    }
}

static void tracked_refused(void **state)
{
    (void)state;
    acurast__tracked good = {.level = ACURAST__TRACK_DELIVERED, .run = run, .number = 7, .after = 6}, out;
    uint8_t body[ACURAST__TRACKED_HEAD_SIZE];
    acurast__tracked_head(body, &good);
    assert_true(decode(tracked_with, &out, body, sizeof body));
    assert_int_equal(out.payload_size, 0);
    for (size_t size = 0; size < sizeof body; size++)
        assert_false(decode(tracked_with, &out, body, size));
    body[0] = 0; /* no level */
    assert_false(decode(tracked_with, &out, body, sizeof body));
    body[0] = 3;
    assert_false(decode(tracked_with, &out, body, sizeof body));
    body[0] = 0xf8 | 2; /* flags of later versions do not matter */
    assert_true(decode(tracked_with, &out, body, sizeof body));
    body[20] = 7; /* behind itself */
    assert_false(decode(tracked_with, &out, body, sizeof body));
    body[16] = body[20] = 0; /* no number */
    assert_false(decode(tracked_with, &out, body, sizeof body));
}

static void receipts(void **state)
{
    (void)state;
    static uint8_t body[ACURAST__RUN_SIZE + (ACURAST__RECEIPT_MAX_ITEMS + 1) * ACURAST__RECEIPT_ITEM_SIZE];
    memcpy(body, run, sizeof run);
    for (size_t i = 0; i <= ACURAST__RECEIPT_MAX_ITEMS; i++)
        acurast__receipt_item(body + ACURAST__RUN_SIZE + i * ACURAST__RECEIPT_ITEM_SIZE, UINT64_MAX - i,
                              ACURAST__RECEIPT_EARLY);
    acurast__receipts out;
    for (size_t size = 0; size <= sizeof body; size++) {
        size_t items = size < ACURAST__RUN_SIZE ? 0 : (size - ACURAST__RUN_SIZE) / ACURAST__RECEIPT_ITEM_SIZE;
        bool whole = size == ACURAST__RUN_SIZE + items * ACURAST__RECEIPT_ITEM_SIZE;
        bool good = whole && items && items <= ACURAST__RECEIPT_MAX_ITEMS;
        assert_int_equal(decode(receipts_with, &out, body, size), good);
    }
    acurast__frame frame = {.body = body, .body_size = ACURAST__RUN_SIZE + 3 * ACURAST__RECEIPT_ITEM_SIZE};
    assert_true(acurast__receipts_decode(&out, &frame));
    assert_int_equal(out.count, 3);
    uint64_t number;
    uint8_t status;
    acurast__receipts_at(&out, 2, &number, &status);
    assert_true(number == UINT64_MAX - 2);
    assert_int_equal(status, ACURAST__RECEIPT_EARLY);
}

static void items(void **state)
{
    (void)state;
    static const struct {
        bool (*with)(void *, const acurast__frame *);
        size_t token, item, most;
    } kinds[] = {{gone_with, 0, ACURAST__GONE_ITEM_SIZE, 4000 / ACURAST__GONE_ITEM_SIZE},
                 {look_with, ACURAST__TOKEN_SIZE, 16, ACURAST__LOOK_MAX_IDS},
                 {seen_with, ACURAST__TOKEN_SIZE, ACURAST__SEEN_ITEM_SIZE, ACURAST__LOOK_MAX_IDS}};
    uint8_t body[4000] = {0};
    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
        for (size_t size = 0; size <= sizeof body; size++) {
            acurast__items out;
            size_t count = size < kinds[kind].token ? 0 : (size - kinds[kind].token) / kinds[kind].item;
            bool whole = size == kinds[kind].token + count * kinds[kind].item;
            bool good = whole && count && count <= kinds[kind].most;
            assert_int_equal(decode(kinds[kind].with, &out, body, size), good);
            if (good)
                assert_int_equal(out.count, count);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tracked_round_trip), cmocka_unit_test(tracked_refused),
                                       cmocka_unit_test(receipts), cmocka_unit_test(items)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
