/* Frames: the known answers, every truncation, every type and version. */
#include "support/unit.h"

#include "support/vectors.h"
#include "wire/frame.h"

static void known_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"init", "challenge", "response", "accepted", "payload"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        uint8_t bytes[512], sender[16], recipient[16], header[ACURAST__HEADER_SIZE];
        size_t size = vectors_bytes(vectors_at("frames", i, "frame"), bytes, sizeof bytes);
        assert_true(vectors_is(vectors_at("frames", i, "name"), names[i]));
        assert_int_equal(vectors_bytes(vectors_at("frames", i, "sender"), sender, 16), 16);
        assert_int_equal(vectors_bytes(vectors_at("frames", i, "recipient"), recipient, 16), 16);

        acurast__frame frame;
        assert_true(acurast__frame_decode(&frame, bytes, size));
        assert_int_equal(frame.version, ACURAST__VERSION);
        assert_int_equal(frame.type, i);
        assert_memory_equal(frame.sender, sender, 16);
        assert_memory_equal(frame.recipient, recipient, 16);
        assert_int_equal(frame.body_size, size - ACURAST__HEADER_SIZE);
        assert_ptr_equal(frame.body, bytes + ACURAST__HEADER_SIZE);

        assert_int_equal(acurast__frame_header(header, (acurast__frame_type)i, sender, recipient), sizeof header);
        assert_memory_equal(header, bytes, sizeof header);
    }
    assert_null(vectors_at("frames", ARRAY_SIZE(names), "frame"));
}

static void known_bodies(void **state)
{
    (void)state;
    uint8_t bytes[512], expected[64];
    acurast__frame frame;
    size_t size = vectors_bytes(vectors_find("frames/1/frame"), bytes, sizeof bytes);
    assert_true(acurast__frame_decode(&frame, bytes, size));
    assert_int_equal(frame.body_size, ACURAST__CHALLENGE_BODY_SIZE);
    vectors_bytes(vectors_find("frames/1/difficulty"), expected, 16);
    assert_memory_equal(frame.body, expected, 16);
    vectors_bytes(vectors_find("frames/1/challenge"), expected, 16);
    assert_memory_equal(frame.body + 16, expected, 16);

    acurast__response response;
    size = vectors_bytes(vectors_find("frames/2/frame"), bytes, sizeof bytes);
    assert_true(acurast__frame_decode(&frame, bytes, size));
    assert_true(acurast__response_decode(&response, &frame));
    vectors_bytes(vectors_find("frames/2/challenge"), expected, 16);
    assert_memory_equal(response.challenge, expected, 16);
    vectors_bytes(vectors_find("frames/2/public_key"), expected, 33);
    assert_memory_equal(response.public_key, expected, 33);
    vectors_bytes(vectors_find("frames/2/nonce"), expected, 16);
    assert_memory_equal(response.nonce, expected, 16);
    vectors_bytes(vectors_find("frames/2/signature"), expected, 64);
    assert_memory_equal(response.signature, expected, 64);

    uint8_t payload[64];
    size = vectors_bytes(vectors_find("frames/4/frame"), bytes, sizeof bytes);
    assert_true(acurast__frame_decode(&frame, bytes, size));
    assert_int_equal(vectors_bytes(vectors_find("frames/4/payload"), payload, sizeof payload), frame.body_size);
    assert_memory_equal(frame.body, payload, frame.body_size);
}

/* The bytes are in a block of exactly their size, so that a sanitizer sees a read beyond them. */
static void truncated(void **state)
{
    (void)state;
    for (size_t size = 0; size < 64; size++) {
        uint8_t *bytes = malloc(size + !size);
        memset(bytes, 0x14, size);
        acurast__frame frame;
        assert_int_equal(acurast__frame_decode(&frame, bytes, size), size >= ACURAST__HEADER_SIZE);
        if (size >= ACURAST__HEADER_SIZE)
            assert_int_equal(frame.body_size, size - ACURAST__HEADER_SIZE);
        free(bytes);
    }
}

static void versions_and_types(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HEADER_SIZE] = {0};
    for (unsigned first = 0; first < 256; first++) {
        acurast__frame frame;
        bytes[0] = (uint8_t)first;
        assert_true(acurast__frame_decode(&frame, bytes, sizeof bytes));
        assert_int_equal(frame.version, first / 16);
        assert_int_equal(frame.type, first % 16);
    }
}

static void header_of_the_service(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HEADER_SIZE], zero[32] = {0};
    memset(bytes, 0xaa, sizeof bytes);
    acurast__frame_header(bytes, ACURAST__FRAME_ACCEPTED, NULL, NULL);
    assert_int_equal(bytes[0], 0x13);
    assert_memory_equal(bytes + 1, zero, 32);
}

static void response_sizes(void **state)
{
    (void)state;
    uint8_t body[256] = {0};
    for (size_t size = 0; size <= sizeof body; size++) {
        acurast__frame frame = {.body = body, .body_size = size};
        acurast__response response;
        assert_int_equal(acurast__response_decode(&response, &frame), size == ACURAST__RESPONSE_BODY_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_frames),       cmocka_unit_test(known_bodies),          cmocka_unit_test(truncated),
        cmocka_unit_test(versions_and_types), cmocka_unit_test(header_of_the_service), cmocka_unit_test(response_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
