/* Chains of frames: what is appended is framed as RFC 6455 says, and comes out as it went in. */
#include "support/unit.h"

#include "base/memory.h"
#include "net/chunk.h"

#include <stdlib.h>
#include <string.h>

static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + 3);
}

/* The frame's header by the letter of the RFC. */
static size_t expect_header(uint8_t *to, size_t size, const uint8_t *mask)
{
    uint8_t bit = mask ? 0x80 : 0;
    size_t n = 2;
    to[0] = 0x82;
    if (size <= 125) {
        to[1] = (uint8_t)(bit | size);
    } else if (size <= 0xffff) {
        to[1] = bit | 126;
        to[n++] = (uint8_t)(size >> 8);
        to[n++] = (uint8_t)size;
    } else {
        to[1] = bit | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            to[n++] = (uint8_t)((uint64_t)size >> shift);
    }
    if (mask) {
        memcpy(to + n, mask, 4);
        n += 4;
    }
    return n;
}

static void check_frame(size_t size, const uint8_t *mask, size_t cut)
{
    uint8_t *bytes = malloc(size + 1), expected[14];
    fill(bytes, size);
    acurast__chain chain;
    acurast__chain_init(&chain);
    assert_true(acurast__chain_put(&chain, ACURAST__OPCODE_BINARY, mask, bytes, cut, bytes + cut, size - cut));
    size_t header = expect_header(expected, size, mask);
    const acurast__chunk *chunk = chain.first;
    const uint8_t *at = chunk->data + chunk->begin;
    assert_int_equal(chunk->end - chunk->begin, header + size);
    assert_memory_equal(at, expected, header);
    for (size_t i = 0; i < size; i++)
        if (at[header + i] != (mask ? bytes[i] ^ mask[i & 3] : bytes[i]))
            fail_msg("byte %zu of %zu", i, size);
    acurast__chunk_frame frame = acurast__chunk_frame_at(at);
    assert_int_equal(frame.opcode, ACURAST__OPCODE_BINARY);
    assert_int_equal(frame.header, header);
    assert_int_equal(frame.payload, size);
    assert_int_equal(chain.bytes, header + size);
    assert_int_equal(chain.frames, 1);
    acurast__chain_clear(&chain);
    free(bytes);
}

static void frames_of_every_size_have_the_header_of_the_rfc(void **state)
{
    static const size_t sizes[] = {0,     1,     2,     124,   125,   126,    127,          128,
                                   65534, 65535, 65536, 65537, 16300, 100000, (1 << 20) + 1};
    static const uint8_t mask[4] = {0x12, 0xfe, 0x00, 0x99};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        check_frame(sizes[i], NULL, sizes[i]);
        check_frame(sizes[i], mask, sizes[i]);
    }
}

static void a_mask_goes_on_from_the_first_piece_to_the_second(void **state)
{
    static const uint8_t mask[4] = {1, 2, 4, 8};
    (void)state;
    for (size_t size = 0; size < 40; size++)
        for (size_t cut = 0; cut <= size; cut++)
            check_frame(size, mask, cut);
}

static void check_walk(const acurast__chain *chain, size_t count)
{
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    uint8_t expected[3000];
    for (size_t i = 0; i < count; i++) {
        assert_true(acurast__chain_next(chain, &cursor, &bytes, &size));
        assert_int_equal(size, i * 13 % sizeof expected);
        memset(expected, (int)i, size);
        assert_memory_equal(bytes, expected, size);
    }
    assert_false(acurast__chain_next(chain, &cursor, &bytes, &size));
}

static void append_numbered(acurast__chain *chain, size_t from, size_t to)
{
    uint8_t bytes[3000];
    for (size_t i = from; i < to; i++) {
        size_t size = i * 13 % sizeof bytes;
        memset(bytes, (int)i, size);
        assert_true(acurast__chain_append(chain, bytes, size));
    }
}

static void capacity_is_exact(const acurast__chain *chain)
{
    size_t capacity = 0, bytes = 0, frames = 0;
    for (const acurast__chunk *c = chain->first; c; c = c->next) {
        capacity += c->capacity;
        bytes += c->end - c->begin;
        frames += c->frames;
        if (!c->next)
            assert_ptr_equal(chain->last, c);
    }
    assert_int_equal(chain->capacity, capacity);
    assert_int_equal(chain->bytes, bytes);
    assert_int_equal(chain->frames, frames);
}

static void messages_are_walked_in_order_over_chunks(void **state)
{
    acurast__chain chain;
    (void)state;
    acurast__chain_init(&chain);
    check_walk(&chain, 0);
    append_numbered(&chain, 0, 500);
    assert_non_null(chain.first->next);
    assert_int_equal(chain.frames, 500);
    capacity_is_exact(&chain);
    check_walk(&chain, 500);
    acurast__chain_clear(&chain);
    capacity_is_exact(&chain);
    assert_null(chain.first);
}

static void pings_are_no_messages(void **state)
{
    acurast__chain chain;
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    (void)state;
    acurast__chain_init(&chain);
    assert_true(acurast__chain_put(&chain, ACURAST__OPCODE_PING, NULL, "x", 1, NULL, 0));
    assert_true(acurast__chain_append(&chain, "a", 1));
    assert_true(acurast__chain_put(&chain, ACURAST__OPCODE_PING, NULL, NULL, 0, NULL, 0));
    assert_int_equal(chain.frames, 1);
    assert_int_equal(chain.bytes, 3 + 3 + 2);
    assert_true(acurast__chain_next(&chain, &cursor, &bytes, &size));
    assert_int_equal(size, 1);
    assert_int_equal(bytes[0], 'a');
    assert_false(acurast__chain_next(&chain, &cursor, &bytes, &size));
    acurast__chain_clear(&chain);
}

static void consuming_counts_down_to_nothing(void **state)
{
    acurast__chain chain;
    (void)state;
    acurast__chain_init(&chain);
    append_numbered(&chain, 0, 200);
    while (chain.first) {
        const acurast__chunk *chunk = chain.first;
        acurast__chunk_frame frame = acurast__chunk_frame_at(chunk->data + chunk->begin);
        acurast__chain_consume(&chain, frame.header + frame.payload, 1);
        capacity_is_exact(&chain);
    }
    assert_int_equal(chain.bytes, 0);
    assert_int_equal(chain.frames, 0);
    assert_null(chain.last);
}

static void a_walk_begins_where_consuming_stopped(void **state)
{
    acurast__chain chain;
    acurast__chain_cursor cursor = {0};
    const uint8_t *bytes;
    size_t size;
    (void)state;
    acurast__chain_init(&chain);
    assert_true(acurast__chain_append(&chain, "one", 3));
    assert_true(acurast__chain_append(&chain, "two", 3));
    acurast__chain_consume(&chain, 5, 1);
    assert_true(acurast__chain_next(&chain, &cursor, &bytes, &size));
    assert_memory_equal(bytes, "two", 3);
    assert_false(acurast__chain_next(&chain, &cursor, &bytes, &size));
    acurast__chain_clear(&chain);
}

static void chains_join_in_order(void **state)
{
    acurast__chain head, tail;
    (void)state;
    acurast__chain_init(&head);
    acurast__chain_init(&tail);
    acurast__chain_join(&head, &tail);
    assert_null(head.first);
    append_numbered(&tail, 0, 50);
    acurast__chain_join(&head, &tail);
    assert_null(tail.first);
    assert_int_equal(tail.bytes + tail.frames + tail.capacity, 0);
    append_numbered(&tail, 50, 120);
    acurast__chain_join(&head, &tail);
    acurast__chain_join(&head, &tail);
    append_numbered(&head, 120, 130);
    capacity_is_exact(&head);
    check_walk(&head, 130);
    acurast__chain_clear(&head);
}

static void without_memory_nothing_changes(void **state)
{
    acurast__chain chain;
    uint8_t large[20000] = {0};
    (void)state;
    acurast__chain_init(&chain);
    acurast__memory_fail_at(1);
    assert_false(acurast__chain_append(&chain, "a", 1));
    assert_null(chain.first);
    assert_true(acurast__chain_append(&chain, "a", 1));
    acurast__memory_fail_at(1);
    assert_false(acurast__chain_append(&chain, large, sizeof large));
    acurast__memory_fail_at(0);
    assert_int_equal(chain.frames, 1);
    capacity_is_exact(&chain);
    assert_true(acurast__chain_append(&chain, large, sizeof large));
    assert_int_equal(chain.frames, 2);
    acurast__chain_clear(&chain);
}

static void absurd_sizes_are_refused(void **state)
{
    acurast__chain chain;
    (void)state;
    acurast__chain_init(&chain);
    assert_false(acurast__chain_put(&chain, ACURAST__OPCODE_BINARY, NULL, "a", SIZE_MAX, "b", 1));
    assert_false(acurast__chain_put(&chain, ACURAST__OPCODE_BINARY, NULL, "a", SIZE_MAX / 2 + 1, NULL, 0));
    assert_null(chain.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_size_have_the_header_of_the_rfc),
        cmocka_unit_test(a_mask_goes_on_from_the_first_piece_to_the_second),
        cmocka_unit_test(messages_are_walked_in_order_over_chunks),
        cmocka_unit_test(pings_are_no_messages),
        cmocka_unit_test(consuming_counts_down_to_nothing),
        cmocka_unit_test(a_walk_begins_where_consuming_stopped),
        cmocka_unit_test(chains_join_in_order),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(absurd_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
