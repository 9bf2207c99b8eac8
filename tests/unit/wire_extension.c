/* Extension blocks: what is read, what is ignored, what is malformed; every truncation, mutations, noise. */
#include "support/unit.h"

#include "wire/extension.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE ACURAST__EXTENSION_NONE
#define PRESENT ACURAST__EXTENSION_PRESENT
#define MALFORMED ACURAST__EXTENSION_MALFORMED

/* Decodes from a heap block of exactly `size` bytes, so that a sanitizer sees a read beyond them. */
static acurast__extension_result decode(acurast__extension *extension, const void *bytes, size_t size)
{
    uint8_t *exact = calloc(1, size + !size);
    memcpy(exact, bytes, size);
    acurast__extension_result result = acurast__extension_decode(extension, exact, size);
    free(exact);
    return result;
}

#define DECODE(extension, literal) decode(extension, literal, sizeof(literal) - 1)

static void assert_zero(const acurast__extension *extension)
{
    assert_false(extension->ed25519);
    assert_true(extension->max_frame == 0);
    assert_string_equal(extension->agent, "");
}

static void round_trip(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, UINT64_MAX};
    static const char *const agents[] = {"", "a", "libacurast/0.1.0", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(agents) * 2; i++) {
        acurast__extension in = {.ed25519 = i % 2, .max_frame = sizes[i / 2 % ARRAY_SIZE(sizes)]}, out;
        snprintf(in.agent, sizeof in.agent, "%s", agents[i / 2 / ARRAY_SIZE(sizes)]);
        uint8_t bytes[ACURAST__EXTENSION_MAX_SIZE], small[ACURAST__EXTENSION_MAX_SIZE];
        size_t size = acurast__extension_encode(bytes, sizeof bytes, &in);
        assert_true(size >= 5);
        assert_int_equal(decode(&out, bytes, size), PRESENT);
        assert_int_equal(out.ed25519, in.ed25519);
        assert_true(out.max_frame == in.max_frame);
        assert_string_equal(out.agent, in.agent);
        assert_int_equal(acurast__extension_encode(small, size, &in), size);
        for (size_t less = 0; less < size; less++)
            assert_int_equal(acurast__extension_encode(small, less, &in), 0);
    }
}

static void no_magic_is_no_block(void **state)
{
    (void)state;
    acurast__extension extension;
    assert_int_equal(DECODE(&extension, ""), NONE);
    assert_int_equal(DECODE(&extension, "A"), NONE);
    assert_int_equal(DECODE(&extension, "ACX"), NONE);
    assert_int_equal(DECODE(&extension, "ACX2\x80"), NONE);
    assert_int_equal(DECODE(&extension, "acx1\x80"), NONE);
    assert_int_equal(DECODE(&extension, "\x81\xa7"
                                        "ed25519\xc3"),
                     NONE);
    assert_zero(&extension);
    uint8_t big[2000] = "ACX0";
    assert_int_equal(decode(&extension, big, sizeof big), NONE);
}

static void good_blocks(void **state)
{
    (void)state;
    acurast__extension extension;
    assert_int_equal(DECODE(&extension, "ACX1\x80"), PRESENT);
    assert_zero(&extension);
    assert_int_equal(DECODE(&extension, "ACX1\x81\xa7"
                                        "ed25519\xc3"),
                     PRESENT);
    assert_true(extension.ed25519);
    assert_int_equal(DECODE(&extension, "ACX1\x81\xa7"
                                        "ed25519\xc2"),
                     PRESENT);
    assert_false(extension.ed25519);
    assert_int_equal(DECODE(&extension, "ACX1\xde\x00\x01\xa9max_frame\xcd\x30\x39"), PRESENT);
    assert_true(extension.max_frame == 12345);
    assert_int_equal(DECODE(&extension, "ACX1\xdf\x00\x00\x00\x01\xd9\x05"
                                        "agent\xda\x00\x02me"),
                     PRESENT);
    assert_string_equal(extension.agent, "me");
    assert_int_equal(DECODE(&extension, "ACX1\x81\xdb\x00\x00\x00\x05"
                                        "agent\xdb\x00\x00\x00\x02me"),
                     PRESENT);
    assert_string_equal(extension.agent, "me");
}

static void unknown_keys_are_skipped(void **state)
{
    (void)state;
    acurast__extension extension;
    assert_int_equal(DECODE(&extension, "ACX1\x8d"
                                        "\xa1"
                                        "a\xc0"
                                        "\xa1"
                                        "b\x7f"
                                        "\xa1"
                                        "c\xe0"
                                        "\xa1"
                                        "d\xcc\x01"
                                        "\xa1"
                                        "e\xcf\x01\x02\x03\x04\x05\x06\x07\x08"
                                        "\xa1"
                                        "f\xd0\x80"
                                        "\xa1"
                                        "g\xd3\x80\x00\x00\x00\x00\x00\x00\x00"
                                        "\xa1"
                                        "h\xc4\x02\x00\x01"
                                        "\xa1"
                                        "i\xc5\x00\x01\x00"
                                        "\xa1"
                                        "j\xc6\x00\x00\x00\x00"
                                        "\xa0\xa0"
                                        "\xa1"
                                        "k\xce\x01\x02\x03\x04"
                                        "\xa9max_frame\x09"),
                     PRESENT);
    assert_true(extension.max_frame == 9);
}

static void malformed_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *bytes;
        size_t size;
    } rows[] = {
#define ROW(what, literal) {what, literal, sizeof(literal) - 1}
        ROW("nothing after the magic", "ACX1"),
        ROW("nil", "ACX1\xc0"),
        ROW("an array", "ACX1\x90"),
        ROW("a number", "ACX1\x01"),
        ROW("text", "ACX1\xa1x"),
        ROW("a byte after the map", "ACX1\x80\xc0"),
        ROW("a second map", "ACX1\x80\x80"),
        ROW("an entry missing", "ACX1\x81"),
        ROW("a value missing", "ACX1\x81\xa1x"),
        ROW("a nested map", "ACX1\x81\xa1x\x80"),
        ROW("a nested array", "ACX1\x81\xa1x\x90"),
        ROW("array 16", "ACX1\x81\xa1x\xdc\x00\x00"),
        ROW("map 32", "ACX1\x81\xa1x\xdf\x00\x00\x00\x00"),
        ROW("float 32", "ACX1\x81\xa1x\xca\x00\x00\x00\x00"),
        ROW("float 64", "ACX1\x81\xa1x\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
        ROW("fixext", "ACX1\x81\xa1x\xd4\x00\x00"),
        ROW("ext 8", "ACX1\x81\xa1x\xc7\x00\x00"),
        ROW("timestamp", "ACX1\x81\xa1x\xd6\xff\x00\x00\x00\x00"),
        ROW("the unused tag", "ACX1\x81\xa1x\xc1"),
        ROW("a number as key", "ACX1\x81\x01\x01"),
        ROW("nil as key", "ACX1\x81\xc0\x01"),
        ROW("bytes as key", "ACX1\x81\xc4\x01x\x01"),
        ROW("a map as key", "ACX1\x81\x80\x01"),
        ROW("a key twice", "ACX1\x82\xa1x\x01\xa1x\x01"),
        ROW("a known key twice", "ACX1\x82\xa7"
                                 "ed25519\xc3\xa7"
                                 "ed25519\xc2"),
        ROW("the empty key twice", "ACX1\x82\xa0\xc0\xd9\x00\xc0"),
        ROW("a key twice in two encodings", "ACX1\x82\xa1x\x01\xd9\x01x\x01"),
        ROW("ed25519 as a number", "ACX1\x81\xa7"
                                   "ed25519\x01"),
        ROW("max_frame negative", "ACX1\x81\xa9max_frame\xff"),
        ROW("max_frame as text", "ACX1\x81\xa9max_frame\xa1"
                                 "1"),
        ROW("agent as bytes", "ACX1\x81\xa5"
                              "agent\xc4\x01x"),
        ROW("agent as nil", "ACX1\x81\xa5"
                            "agent\xc0"),
        ROW("four thousand million entries", "ACX1\xdf\xff\xff\xff\xff"),
        ROW("a key of four thousand million bytes", "ACX1\x81\xdb\xff\xff\xff\xffx"),
        ROW("bytes of four thousand million bytes", "ACX1\x81\xa1x\xc6\xff\xff\xff\xff\x00"),
        ROW("text longer than the rest", "ACX1\x81\xa1x\xa5yyyy"),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        acurast__extension extension;
        memset(&extension, 0xff, sizeof extension);
        if (decode(&extension, rows[i].bytes, rows[i].size) != MALFORMED)
            fail_msg("taken: %s", rows[i].what);
        assert_zero(&extension);
    }
}

static size_t entries_block(uint8_t *bytes, unsigned count)
{
    static const uint8_t head[] = {'A', 'C', 'X', '1', 0xde, 0x00};
    memcpy(bytes, head, sizeof head);
    size_t size = sizeof head;
    bytes[size++] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        bytes[size++] = 0xa1;
        bytes[size++] = (uint8_t)('!' + i);
        bytes[size++] = 0xc0;
    }
    return size;
}

static void bounds(void **state)
{
    (void)state;
    static const uint8_t head[] = {'A', 'C', 'X', '1', 0x81, 0xa1, 'x', 0xc5};
    acurast__extension extension;
    uint8_t bytes[2048];
    assert_int_equal(decode(&extension, bytes, entries_block(bytes, 32)), PRESENT);
    assert_int_equal(decode(&extension, bytes, entries_block(bytes, 33)), MALFORMED);

    for (size_t size = 900; size < 1200; size++) { /* one entry whose value fills the block */
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes, head, sizeof head);
        bytes[8] = (uint8_t)((size - 10) >> 8);
        bytes[9] = (uint8_t)(size - 10);
        assert_int_equal(decode(&extension, bytes, size), size <= ACURAST__EXTENSION_MAX_SIZE ? PRESENT : MALFORMED);
    }
}

static void every_truncation(void **state)
{
    (void)state;
    acurast__extension in = {.ed25519 = true, .max_frame = 1 << 24, .agent = "libacurast/0.1.0"}, out;
    uint8_t bytes[ACURAST__EXTENSION_MAX_SIZE];
    size_t size = acurast__extension_encode(bytes, sizeof bytes, &in);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(decode(&out, bytes, cut), cut < 4 ? NONE : MALFORMED);
}

/* Whatever the bytes, the answer is one of three, and text that comes out is clean. */
static void assert_sane(const void *bytes, size_t size)
{
    acurast__extension extension;
    acurast__extension_result result = decode(&extension, bytes, size);
    assert_in_range(result, NONE, MALFORMED);
    if (result != PRESENT)
        assert_zero(&extension);
    assert_true(strlen(extension.agent) <= ACURAST__AGENT_MAX_SIZE);
    for (const char *at = extension.agent; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void mutations_and_noise(void **state)
{
    (void)state;
    acurast__extension in = {.ed25519 = true, .max_frame = 1 << 24, .agent = "libacurast/0.1.0"};
    uint8_t bytes[ACURAST__EXTENSION_MAX_SIZE];
    size_t size = acurast__extension_encode(bytes, sizeof bytes, &in);
    for (size_t at = 4; at < size; at++) {
        uint8_t kept = bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (uint8_t)value;
            assert_sane(bytes, size);
        }
        bytes[at] = kept;
    }
    uint32_t random = 1;
    for (unsigned round = 0; round < 20000; round++) {
        size = 4 + round % 64;
        for (size_t i = 4; i < size; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24);
        }
        if (round % 2)
            bytes[4] = 0x81;
        assert_sane(bytes, size);
    }
}

static void agents_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"plain text/1.0 (x)", "plain text/1.0 (x)"},
        {"a\nb\x1b[1m\x7f", "a?b?[1m?"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x85\xc2\x9b\xc2\xa0", "????\xc2\xa0"}, /* C1 controls */
        {"\x80\xbf\xc0\xaf\xc1\xbf", "??????"},       /* stray and overlong */
        {"\xe0\x80\x80\xe0\x9f\xbf\xe0\xa0\x80", "??????\xe0\xa0\x80"},
        {"\xed\x9f\xbf\xed\xa0\x80", "\xed\x9f\xbf???"}, /* surrogates */
        {"\xf0\x8f\xbf\xbf\xf0\x90\x80\x80", "????\xf0\x90\x80\x80"},
        {"\xf4\x8f\xbf\xbf\xf4\x90\x80\x80", "\xf4\x8f\xbf\xbf????"},
        {"\xf5\xff\xfe", "???"},
        {"x\xe2\x82", "x??"}, /* cut by its sender */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t bytes[128] = "ACX1\x81\xa5"
                             "agent\xd9";
        size_t length = strlen(rows[i].in);
        bytes[12] = (uint8_t)length;
        memcpy(bytes + 13, rows[i].in, length);
        acurast__extension extension;
        assert_int_equal(decode(&extension, bytes, 13 + length), PRESENT);
        assert_string_equal(extension.agent, rows[i].out);
    }
}

static void long_agents_are_cut_between_characters(void **state)
{
    (void)state;
    static const uint8_t euro[] = {0xe2, 0x82, 0xac};
    for (size_t ascii = 50; ascii < 70; ascii++) {
        uint8_t bytes[256] = "ACX1\x81\xa5"
                             "agent\xd9";
        bytes[12] = (uint8_t)(ascii + 12);
        memset(bytes + 13, 'x', ascii);
        for (size_t i = 0; i < 4; i++)
            memcpy(bytes + 13 + ascii + 3 * i, euro, sizeof euro);
        acurast__extension extension;
        assert_int_equal(decode(&extension, bytes, 13 + ascii + 12), PRESENT);
        size_t whole = ascii >= ACURAST__AGENT_MAX_SIZE ? 0 : (ACURAST__AGENT_MAX_SIZE - ascii) / 3;
        size_t expected =
            ascii >= ACURAST__AGENT_MAX_SIZE ? ACURAST__AGENT_MAX_SIZE : ascii + 3 * (whole < 4 ? whole : 4);
        assert_int_equal(strlen(extension.agent), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),         cmocka_unit_test(no_magic_is_no_block),
        cmocka_unit_test(good_blocks),        cmocka_unit_test(unknown_keys_are_skipped),
        cmocka_unit_test(malformed_blocks),   cmocka_unit_test(bounds),
        cmocka_unit_test(every_truncation),   cmocka_unit_test(mutations_and_noise),
        cmocka_unit_test(agents_are_cleaned), cmocka_unit_test(long_agents_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
