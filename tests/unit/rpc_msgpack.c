/* MessagePack-RPC as a payload: what is a message, what is not, headers that promise what does not follow. */
#include "support/unit.h"

#include "rpc/msgpack.h"

#include <stdlib.h>
#include <string.h>

typedef struct bytes {
    const char *text;
    size_t size;
} bytes;

#define B(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static acurast__rpc_verdict parse(acurast__rpc_parsed *parsed, uint8_t **block, bytes from)
{
    *block = malloc(from.size + !from.size);
    memcpy(*block, from.text, from.size);
    return acurast__rpc_parse(parsed, *block, from.size, false);
}

static void messages(void **state)
{
    (void)state;
    static const struct {
        bytes from;
        acurast__rpc_kind kind;
    } cases[] = {
        {B("\x94\x00\x01\xa5price\x90"), ACURAST__RPC_REQUEST},
        {B("\x94\x00\x01\xa5price\x81\xa1"
           "a\x01"),
         ACURAST__RPC_REQUEST},
        {B("\x94\x00\xce\xff\xff\xff\xff\xd9\x01x\xdc\x00\x01\xc0"), ACURAST__RPC_REQUEST},
        {B("\x94\x00\xcf\x00\x00\x00\x00\xff\xff\xff\xff\xa0\xdd\x00\x00\x00\x00"), ACURAST__RPC_REQUEST},
        {B("\x94\x00\xd0\x7f\xa1x\x90"), ACURAST__RPC_REQUEST},
        {B("\x93\x02\xa1x\x91\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), ACURAST__RPC_NOTIFICATION},
        {B("\x94\x01\x05\xc0\xc3"), ACURAST__RPC_RESULT},
        {B("\x94\x01\x05\xc0\xc0"), ACURAST__RPC_RESULT},
        {B("\x94\x01\x05\xa2no\xc0"), ACURAST__RPC_ERROR},
        {B("\x94\x01\x05\x82\xa4"
           "code\xd1\x80\x00\xa7message\xa2no\xc0"),
         ACURAST__RPC_ERROR},
        {B("\x94\x01\x05\xc7\x00\x01\xc0"), ACURAST__RPC_ERROR}, /* an extension of no bytes */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        acurast__rpc_parsed parsed;
        uint8_t *block;
        assert_int_equal(parse(&parsed, &block, cases[i].from), ACURAST__RPC_MESSAGES);
        assert_int_equal(parsed.encoding, ACURAST__RPC_MSGPACK);
        assert_int_equal(parsed.count, 1);
        assert_int_equal(parsed.one.kind, cases[i].kind);
        acurast__rpc_clear(&parsed);
        free(block);
    }
}

static void others(void **state)
{
    (void)state;
    static const bytes cases[] = {
        B(""),
        B("\x94"),
        B("\x94\x00\x01"),
        B("\x94\x00\x01\xa5price"),
        B("\x94\x00\x01\xa5price\x90\x00"),
        B("\x94\x03\x01\xa1x\x90"),
        B("\x95\x00\x01\xa1x\x90\xc0"),
        B("\x93\x00\x01\xa1x"),
        B("\x94\x02\xa1x\x90\xc0"),
        B("\x93\x02\xa1x\xc0"),
        B("\x94\x00\xff\xa1x\x90"),
        B("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1x\x90"),
        B("\x94\x00\xa1"
          "1\xa1x\x90"),
        B("\x94\x00\x01\xc4\x01x\x90"),
        B("\x94\x00\x01\xa1\xff\x90"),
        B("\x94\x00\x01\xa1x\xa1y"),
        B("\x94\x00\x01\xa1x\xc1"),
        B("\x94\x00\x01\xa1x\x91\xc1"),
        B("\x94\x01\x01\xc0"),
        B("\x94\x01\xc0\xc0\xc0"),
        /* promises: arrays, maps, texts, bytes and extensions of four thousand million */
        B("\x94\x00\x01\xa1x\xdd\xff\xff\xff\xff"),
        B("\x94\x00\x01\xa1x\xdf\xff\xff\xff\xff\x01"),
        B("\x94\x01\x01\xc0\xdb\xff\xff\xff\xff"),
        B("\x94\x01\x01\xc0\xc6\xff\xff\xff\xff"),
        B("\x94\x01\x01\xc0\xc9\xff\xff\xff\xff"),
        B("\x94\x01\x01\xc0\xc9\xff\xff\xff\xff\x01"),
        B("\x94\x01\x01\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        acurast__rpc_parsed parsed;
        uint8_t *block;
        assert_int_equal(parse(&parsed, &block, cases[i]), ACURAST__RPC_OTHER);
        acurast__rpc_clear(&parsed);
        free(block);
    }
}

static void depth(void **state)
{
    (void)state;
    uint8_t deep[200];
    memset(deep, 0x91, sizeof deep);
    deep[ACURAST__RPC_DEPTH_MAX] = 0xc0;
    assert_true(acurast__msgpack_valid(deep, ACURAST__RPC_DEPTH_MAX + 1));
    memset(deep, 0x91, sizeof deep);
    deep[ACURAST__RPC_DEPTH_MAX + 1] = 0xc0;
    assert_false(acurast__msgpack_valid(deep, ACURAST__RPC_DEPTH_MAX + 2));
    assert_false(acurast__msgpack_valid(deep, sizeof deep));
    assert_false(acurast__msgpack_valid(deep, 0));
}

static void every_type(void **state)
{
    (void)state;
    static const bytes values[] = {
        B("\x00"),
        B("\x7f"),
        B("\xff"),
        B("\xc0"),
        B("\xc2"),
        B("\xc3"),
        B("\xcc\xff"),
        B("\xcd\x01\x02"),
        B("\xce\x01\x02\x03\x04"),
        B("\xcf\x01\x02\x03\x04\x05\x06\x07\x08"),
        B("\xd0\x80"),
        B("\xd1\x80\x00"),
        B("\xd2\x80\x00\x00\x00"),
        B("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        B("\xca\x00\x00\x00\x00"),
        B("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
        B("\xa0"),
        B("\xa1\xff"),
        B("\xd9\x00"),
        B("\xda\x00\x01x"),
        B("\xdb\x00\x00\x00\x01x"),
        B("\xc4\x00"),
        B("\xc5\x00\x01x"),
        B("\xc6\x00\x00\x00\x01x"),
        B("\xd4\x01x"),
        B("\xd5\x01xx"),
        B("\xd6\x01xxxx"),
        B("\xd7\x01xxxxxxxx"),
        B("\xd8\x01xxxxxxxxxxxxxxxx"),
        B("\xc7\x01\x01x"),
        B("\xc8\x00\x01\x01x"),
        B("\xc9\x00\x00\x00\x01\x01x"),
        B("\x90"),
        B("\x92\x01\x02"),
        B("\xdc\x00\x01\x01"),
        B("\xdd\x00\x00\x00\x01\x01"),
        B("\x80"),
        B("\x81\x01\x02"),
        B("\xde\x00\x01\x01\x02"),
        B("\xdf\x00\x00\x00\x01\x01\x02"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        uint8_t *block = malloc(values[i].size + 1);
        memcpy(block, values[i].text, values[i].size);
        block[values[i].size] = 0;
        assert_true(acurast__msgpack_valid(block, values[i].size));
        assert_false(acurast__msgpack_valid(block, values[i].size + 1));
        free(block);
        for (size_t cut = 0; cut < values[i].size; cut++) {
            block = malloc(cut + !cut);
            memcpy(block, values[i].text, cut);
            assert_false(acurast__msgpack_valid(block, cut));
            free(block);
        }
    }
}

/* What is written is read as what it was. */
static void written(void **state)
{
    (void)state;
    acurast__buffer out = {0};
    acurast__rpc_parsed parsed;
    uint8_t id_bytes[5];
    uint32_t read;
    acurast__raw id = {id_bytes, acurast__msgpack_put_id(id_bytes, 0xfedcba98)},
                 value = {(const uint8_t *)"\x91\x07", 2};
    acurast__msgpack_write_request(&out, id, "price", value);
    assert_int_equal(acurast__rpc_parse(&parsed, out.bytes, out.size, false), ACURAST__RPC_MESSAGES);
    assert_int_equal(parsed.one.kind, ACURAST__RPC_REQUEST);
    assert_true(acurast__msgpack_read_id(parsed.one.part[ACURAST__RPC_PART_ID], &read) && read == 0xfedcba98);
    assert_int_equal(parsed.one.method_size, 5);
    assert_memory_equal(parsed.one.method, "price", 5);
    assert_true(acurast__raw_equal(parsed.one.part[ACURAST__RPC_PART_PARAMS], value));
    out.size = 0;
    acurast__msgpack_write_request(&out, (acurast__raw){0}, "price", (acurast__raw){0});
    assert_int_equal(acurast__rpc_parse(&parsed, out.bytes, out.size, false), ACURAST__RPC_MESSAGES);
    assert_int_equal(parsed.one.kind, ACURAST__RPC_NOTIFICATION);
    out.size = 0;
    acurast__msgpack_write_error(&out, id, &(acurast__rpc_error){-32001, "busy", value});
    assert_int_equal(acurast__rpc_parse(&parsed, out.bytes, out.size, false), ACURAST__RPC_MESSAGES);
    assert_int_equal(parsed.one.kind, ACURAST__RPC_ERROR);
    assert_true(parsed.one.code == -32001);
    assert_memory_equal(parsed.one.part[ACURAST__RPC_PART_MESSAGE].bytes,
                        "\xa4"
                        "busy",
                        5);
    assert_true(acurast__raw_equal(parsed.one.part[ACURAST__RPC_PART_DATA], value));
    out.size = 0;
    acurast__msgpack_write_result(&out, id, value);
    assert_int_equal(acurast__rpc_parse(&parsed, out.bytes, out.size, false), ACURAST__RPC_MESSAGES);
    assert_true(acurast__raw_equal(parsed.one.part[ACURAST__RPC_PART_RESULT], value));
    out.size = 0;
    acurast__raw read_id, read_value;
    acurast__msgpack_write_progress(&out, id, value);
    assert_int_equal(acurast__rpc_parse(&parsed, out.bytes, out.size, false), ACURAST__RPC_MESSAGES);
    assert_true(acurast__rpc_read_progress(ACURAST__RPC_MSGPACK, &parsed.one, &read_id, &read_value));
    assert_true(acurast__raw_equal(read_id, id) && acurast__raw_equal(read_value, value));
    acurast__buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),   cmocka_unit_test(others),  cmocka_unit_test(depth),
        cmocka_unit_test(every_type), cmocka_unit_test(written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
