/* Frames read: what is right and what is wrong, by either role, and the same however the bytes are sliced. */
#include "support/unit.h"

#include "base/bytes.h"
#include "wire/ws_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_MAX (size_t)(512 * 1024)

/* Frames one behind the other, and what they shall be read as. */
typedef struct frames {
    uint8_t bytes[STREAM_MAX];
    size_t size;
} frames;

typedef struct account {
    char text[64 * 1024];
    size_t size;
    uint32_t sum; /* of the payload of the message that is being told */
    size_t bytes;
} account;

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

static void put(frames *s, uint8_t first, size_t size, bool masked, int form)
{
    uint8_t mask[4] = {0x12, 0x34, 0x56, (uint8_t)(size + 1)};
    s->bytes[s->size++] = first;
    uint8_t bit = masked ? 0x80 : 0;
    int length = form ? form : size < 126 ? 7 : size < 65536 ? 16 : 64;
    s->bytes[s->size++] = bit | (length == 7 ? (uint8_t)size : length == 16 ? 126 : 127);
    if (length == 16)
        acurast__store_be16(s->bytes + s->size, (uint16_t)size);
    else if (length == 64)
        acurast__store_be64(s->bytes + s->size, size);
    s->size += length == 7 ? 0 : length == 16 ? 2 : 8;
    if (masked) {
        memcpy(s->bytes + s->size, mask, 4);
        s->size += 4;
    }
    for (size_t i = 0; i < size; i++)
        s->bytes[s->size++] = byte_at(i) ^ (masked ? mask[i & 3] : 0);
}

static void put_close(frames *s, const void *body, size_t size, bool masked)
{
    size_t at = s->size + (masked ? 6 : 2);
    put(s, 0x88, size, masked, 0);
    for (size_t i = 0; i < size; i++)
        s->bytes[at + i] = ((const uint8_t *)body)[i] ^ (masked ? s->bytes[at - 4 + (i & 3)] : 0);
}

static void tell(account *story, const acurast__ws_found *event)
{
    static const char *const names[] = {"nothing", "message", "piece", "large", "ping", "pong", "close", "error"};
    char line[160] = "";
    bool data = event->kind == ACURAST__WS_MESSAGE || event->kind == ACURAST__WS_PIECE;
    if (data && event->first)
        story->sum = 1, story->bytes = 0;
    for (size_t i = 0; data && i < event->size; i++)
        story->sum = story->sum * 31 + event->bytes[i];
    story->bytes += data ? event->size : 0;
    if (data && event->last)
        snprintf(line, sizeof line, "%s %zu %u\n", event->text ? "text" : "binary", story->bytes, story->sum);
    else if (event->kind == ACURAST__WS_CLOSE)
        snprintf(line, sizeof line, "close %u %.*s\n", event->code, (int)event->size, (const char *)event->bytes);
    else if (event->kind == ACURAST__WS_ERROR)
        snprintf(line, sizeof line, "error %u %s\n", event->code, event->problem);
    else if (!data)
        snprintf(line, sizeof line, "%s %zu\n", names[event->kind],
                 event->kind == ACURAST__WS_TOO_LARGE ? 0 : event->size);
    assert_true(story->size + strlen(line) < sizeof story->text);
    memcpy(story->text + story->size, line, strlen(line) + 1);
    story->size += strlen(line);
}

/* The same numbers in each run. */
static size_t next_random(void)
{
    static uint64_t seed = 0x2545f4914f6cdd1d;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 8);
}

/* Reads the stream in slices of at most `most` bytes, each with what was left before it in a block of exactly its size. */
static void read_all(const frames *s, bool client, size_t max_message, size_t most, account *story)
{
    acurast__ws_reader reader;
    acurast__ws_found event = {0};
    uint8_t rest[ACURAST__WS_REST_MAX];
    size_t rest_size = 0;
    memset(story, 0, sizeof *story);
    acurast__ws_reader_init(&reader, client);
    for (size_t at = 0; at < s->size;) {
        size_t size = most == SIZE_MAX ? s->size : 1 + next_random() % most;
        size = size > s->size - at ? s->size - at : size;
        uint8_t *block = malloc(rest_size + size);
        memcpy(block, rest, rest_size);
        memcpy(block + rest_size, s->bytes + at, size);
        acurast__ws_span span = {block, block + rest_size + size};
        while (acurast__ws_reader_next(&reader, &span, max_message, &event) != ACURAST__WS_NOTHING)
            tell(story, &event);
        rest_size = (size_t)(span.end - span.at);
        assert_in_range(rest_size, 0, sizeof rest);
        memcpy(rest, span.at, rest_size);
        free(block);
        at += size;
    }
}

static void same_in_slices(const frames *s, bool client, size_t max_message, const char *expected)
{
    account *story = malloc(sizeof *story);
    static const size_t slices[] = {SIZE_MAX, 1, 2, 7, 64, 300, 5000};
    for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
        read_all(s, client, max_message, slices[i], story);
        assert_string_equal(story->text, expected);
    }
    free(story);
}

static frames *fresh(void)
{
    return calloc(1, sizeof(frames));
}

static uint32_t sum_of(size_t size)
{
    uint32_t sum = 1;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + byte_at(i);
    return sum;
}

static void every_length(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 31, 32, 33, 125, 126, 127, 65535, 65536, 100000};
    for (int client = 0; client < 2; client++) {
        frames *s = fresh();
        char expected[2048] = "";
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            put(s, i % 2 ? 0x81 : 0x82, sizes[i], !client, 0);
            snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s %zu %u\n",
                     i % 2 ? "text" : "binary", sizes[i], sum_of(sizes[i]));
        }
        same_in_slices(s, client, 100000, expected);
        free(s);
    }
}

static void fragments_and_control(void **state)
{
    (void)state;
    frames *s = fresh();
    char expected[256];
    put(s, 0x02, 256, true, 0);
    put(s, 0x89, 125, true, 0);
    put(s, 0x00, 0, true, 0);
    put(s, 0x8a, 0, true, 0);
    put(s, 0x80, 0, true, 0);
    put(s, 0x82, 3, true, 0);
    put_close(s,
              "\x03\xe8"
              "gone",
              6, true);
    put(s, 0xff, 3, false, 0); /* whatever follows */
    snprintf(expected, sizeof expected, "ping 125\npong 0\nbinary 256 %u\nbinary 3 %u\nclose 1000 gone\n", sum_of(256),
             sum_of(3));
    same_in_slices(s, false, 256, expected);
    free(s);
}

static void whole_where_it_lies(void **state)
{
    (void)state;
    frames *s = fresh();
    put(s, 0x82, 65536, true, 0);
    acurast__ws_reader reader;
    acurast__ws_found event;
    acurast__ws_span span = {s->bytes, s->bytes + s->size};
    acurast__ws_reader_init(&reader, false);
    assert_int_equal(acurast__ws_reader_next(&reader, &span, 65536, &event), ACURAST__WS_MESSAGE);
    assert_ptr_equal(event.bytes, s->bytes + 14);
    assert_int_equal(event.size, 65536);
    assert_ptr_equal(span.at, span.end);
    free(s);
}

/* A message that is too large is told once, whichever frame makes it so, and the next one is read. */
static void too_large(void **state)
{
    (void)state;
    frames *s = fresh();
    char expected[128];
    put(s, 0x82, 101, true, 0);
    put(s, 0x02, 60, true, 0);
    put(s, 0x00, 41, true, 0);
    put(s, 0x89, 1, true, 0);
    put(s, 0x80, 70000, true, 0);
    put(s, 0x82, 100, true, 0);
    snprintf(expected, sizeof expected, "large 0\nlarge 0\nping 1\nbinary 100 %u\n", sum_of(100));
    same_in_slices(s, false, 100, expected);
    free(s);
}

static void refuses(bool client, uint8_t first, size_t size, bool masked, int form, bool within, const char *problem)
{
    frames *s = fresh();
    char expected[128];
    if (within)
        put(s, 0x02, 5, !client, 0);
    put(s, first, size, masked, form);
    snprintf(expected, sizeof expected, "error %s\n", problem);
    same_in_slices(s, client, 100000, expected);
    free(s);
}

static void wrong_frames(void **state)
{
    (void)state;
    refuses(false, 0x82, 5, false, 0, false, "1002 a frame of the client is not masked");
    refuses(true, 0x82, 5, true, 0, false, "1002 a frame of the service is masked");
    for (uint8_t bit = 0x10; bit <= 0x40; bit = (uint8_t)(bit * 2))
        refuses(false, 0x82 | bit, 5, true, 0, false, "1002 a reserved bit is set");
    for (uint8_t opcode = 3; opcode < 16; opcode = opcode == 7 ? 11 : opcode + 1)
        refuses(false, 0x80 | opcode, 5, true, 0, false, "1002 unknown opcode");
    for (uint8_t opcode = 8; opcode < 11; opcode++) {
        refuses(false, opcode, 5, true, 0, false, "1002 a control frame in fragments");
        refuses(false, 0x80 | opcode, 126, true, 0, false, "1002 a control frame that is too long");
    }
    refuses(false, 0x80, 5, true, 0, false, "1002 a continuation of nothing");
    refuses(false, 0x82, 5, true, 0, true, "1002 a new message within another");
    refuses(false, 0x82, 125, true, 16, false, "1002 a length that is not in its shortest form, or too large");
    refuses(true, 0x82, 65535, false, 64, false, "1002 a length that is not in its shortest form, or too large");
    refuses(true, 0x82, 5, false, 64, false, "1002 a length that is not in its shortest form, or too large");
}

static void lengths_without_end(void **state)
{
    (void)state;
    frames *s = fresh();
    uint8_t frame[] = {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    memcpy(s->bytes, frame, s->size = sizeof frame);
    same_in_slices(s, false, 100, "error 1002 a length that is not in its shortest form, or too large\n");
    s->bytes[2] = 0x7f;
    same_in_slices(s, false, 100, "large 0\n");
    same_in_slices(s, false, SIZE_MAX, "");
    free(s);
}

static void closes(const void *body, size_t size, const char *expected)
{
    for (int client = 0; client < 2; client++) {
        frames *s = fresh();
        put_close(s, body, size, !client);
        same_in_slices(s, client, 100, expected);
        free(s);
    }
}

static void close_frames(void **state)
{
    (void)state;
    static const uint16_t good[] = {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999};
    static const uint16_t bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
    char expected[64];
    uint8_t body[2];
    closes("", 0, "close 1005 \n");
    closes("\x03", 1, "error 1002 a close code in part\n");
    closes("\x03\xe8\xc3\xa4", 4, "close 1000 \xc3\xa4\n");
    closes("\x03\xe8\xc3", 3, "error 1007 a close reason that is not UTF-8\n");
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        acurast__store_be16(body, good[i]);
        snprintf(expected, sizeof expected, "close %u \n", good[i]);
        closes(body, 2, expected);
        acurast__store_be16(body, bad[i]);
        closes(body, 2, "error 1002 an invalid close code\n");
    }
}

/* The mask's phase goes on from piece to piece. */
static void random_streams(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        frames *s = fresh();
        account *whole = malloc(sizeof *whole);
        bool within = false, client = round % 2;
        for (int i = 0; i < 60; i++) {
            bool control = next_random() % 4 == 0, final = control || next_random() % 2;
            uint8_t opcode = control ? (next_random() % 2 ? 9 : 10) : within ? 0 : 2;
            put(s, (uint8_t)((final ? 0x80 : 0) | opcode), next_random() % (control ? 126 : 400), !client, 0);
            within = control ? within : !final;
        }
        read_all(s, client, 700, SIZE_MAX, whole);
        assert_true(whole->size > 0);
        same_in_slices(s, client, 700, whole->text);
        free(whole);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length), cmocka_unit_test(fragments_and_control), cmocka_unit_test(whole_where_it_lies),
        cmocka_unit_test(too_large),    cmocka_unit_test(wrong_frames),          cmocka_unit_test(lengths_without_end),
        cmocka_unit_test(close_frames), cmocka_unit_test(random_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
