/*
 * JSON-RPC as a payload: the examples of the specification as a table, what is not JSON, what is not ours, and the slices.
 * Texts are copied to heap blocks of their exact size, so that a sanitizer sees a read beyond them.
 */
#include "support/malformed_json.h"
#include "support/unit.h"

#include "rpc/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parsing {
    uint8_t *block;
    acurast__rpc_parsed parsed;
} parsing;

static void parse(parsing *p, const void *text, size_t size, bool all)
{
    p->block = malloc(size + !size);
    memcpy(p->block, text, size);
    acurast__rpc_parse(&p->parsed, p->block, size, all);
}

static void done(parsing *p)
{
    acurast__rpc_clear(&p->parsed);
    free(p->block);
}

static void expect(const parsing *p, size_t index, acurast__rpc_part part, const char *raw)
{
    acurast__raw found = p->parsed.messages[index].part[part];
    assert_int_equal(found.size, raw ? strlen(raw) : 0);
    if (raw)
        assert_memory_equal(found.bytes, raw, found.size);
}

typedef struct example {
    const char *text;
    const char
        *kinds; /* a letter each: Q request, N notification, R result, E error, I invalid; "?" broken, "" other */
    bool batch;
} example;

static char letter(acurast__rpc_kind kind)
{
    static const char letters[] = "IQNRE";
    return letters[kind];
}

static void check(const example *e, bool all)
{
    parsing p;
    parse(&p, e->text, strlen(e->text), all);
    acurast__rpc_verdict wanted = *e->kinds == '?'    ? ACURAST__RPC_BROKEN
                                  : *e->kinds == '\0' ? ACURAST__RPC_OTHER
                                                      : ACURAST__RPC_MESSAGES;
    if (p.parsed.verdict != wanted)
        print_message("%s\n", e->text);
    assert_int_equal(p.parsed.verdict, wanted);
    if (wanted == ACURAST__RPC_MESSAGES) {
        assert_int_equal(p.parsed.batch, e->batch);
        assert_int_equal(p.parsed.count, strlen(e->kinds));
        for (size_t i = 0; i < p.parsed.count; i++)
            assert_int_equal(letter(p.parsed.messages[i].kind), e->kinds[i]);
    }
    done(&p);
}

/* The examples of section 7 of the specification, as they are read by who takes all JSON for JSON-RPC. */
static void specification(void **state)
{
    (void)state;
    static const example examples[] = {
        {"{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42, 23], \"id\": 1}", "Q", false},
        {"{\"jsonrpc\": \"2.0\", \"result\": 19, \"id\": 1}", "R", false},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": {\"subtrahend\": 23, \"minuend\": 42}, \"id\": "
         "3}",
         "Q", false},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"update\", \"params\": [1,2,3,4,5]}", "N", false},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", "N", false},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}", "Q", false},
        {"{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32601, \"message\": \"Method not found\"}, \"id\": \"1\"}", "E",
         false},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", "?", false},
        {"{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", "I", false},
        {"[\n  {\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], \"id\": \"1\"},\n  {\"jsonrpc\": "
         "\"2.0\", \"method\"\n]",
         "?", false},
        {"[]", "I", false},
        {"[1]", "I", true},
        {"[1,2,3]", "III", true},
        {"[{\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], \"id\": \"1\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42,23], \"id\": \"2\"},"
         "{\"foo\": \"boo\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, \"id\": \"5\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"get_data\", \"id\": \"9\"}]",
         "QNQIQQ", true},
        {"[{\"jsonrpc\": \"2.0\", \"method\": \"notify_sum\", \"params\": [1,2,4]},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]}]",
         "NN", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
        check(&examples[i], true);
}

/* What belongs to the ordinary handlers unless all JSON is for us. */
static void not_ours(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "hello",
        "jsonrpc",
        "\"jsonrpc\"",
        "null",
        "17",
        "{}",
        "[]",
        "[1,2,3]",
        "{\"a\":1}",
        "{\"a\":{\"jsonrpc\":\"2.0\"}}",
        "{\"a\":\"\\\"jsonrpc\\\"\"}",
        "[[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]]",
        "{\"a\":[{\"jsonrpc\":\"2.0\"}]}",
        "{\"jsonrp\\u0063\":\"2.0\",\"method\":\"a\"}",
        "{not json \"jsonrpc\"",
        "\x01\x02{\"jsonrpc\":\"2.0\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check(&(example){texts[i], "", false}, false);
}

#define V "\"jsonrpc\":\"2.0\","

static void kinds(void **state)
{
    (void)state;
    static const example examples[] = {
        {"{" V "\"id\":null,\"method\":\"a\"}", "Q", false},
        {"{" V "\"id\":-1.5e3,\"method\":\"a\"}", "Q", false},
        {"{" V "\"id\":true,\"method\":\"a\"}", "I", false},
        {"{" V "\"id\":[1],\"method\":\"a\"}", "I", false},
        {"{" V "\"id\":1,\"method\":\"a\",\"params\":null}", "I", false},
        {"{" V "\"id\":1,\"method\":\"a\",\"params\":\"x\"}", "I", false},
        {"{" V "\"id\":1,\"method\":null}", "I", false},
        {"{" V "\"id\":1,\"method\":\"a\",\"result\":1}", "I", false},
        {"{" V "\"id\":1,\"method\":\"a\",\"method\":\"b\"}", "I", false},
        {"{" V "\"id\":1,\"id\":1,\"method\":\"a\"}", "I", false},
        {"{" V "\"id\":1,\"x\":1,\"x\":2,\"method\":\"a\"}", "Q", false},
        {"{" V "\"jsonrpc\":\"2.0\",\"method\":\"a\"}", "I", false},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", "I", false},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", "I", false},
        {"{" V "\"id\":1}", "I", false},
        {"{" V "\"result\":1}", "I", false},
        {"{" V "\"id\":1,\"result\":null}", "R", false},
        {"{" V "\"id\":1,\"result\":1,\"error\":null}", "R", false},
        {"{" V "\"id\":1,\"result\":null,\"error\":{\"code\":1,\"message\":\"m\"}}", "E", false},
        {"{" V "\"id\":1,\"result\":2,\"error\":{\"code\":1,\"message\":\"m\"}}", "I", false},
        {"{" V "\"id\":1,\"error\":null}", "I", false},
        {"{" V "\"id\":1,\"error\":\"no\"}", "I", false},
        {"{" V "\"id\":1,\"error\":[{\"code\":1,\"message\":\"m\"}]}", "I", false},
        {"{" V "\"id\":1,\"error\":{\"code\":1}}", "I", false},
        {"{" V "\"id\":1,\"error\":{\"code\":1.5,\"message\":\"m\"}}", "I", false},
        {"{" V "\"id\":1,\"error\":{\"code\":\"1\",\"message\":\"m\"}}", "I", false},
        {"{" V "\"id\":1,\"error\":{\"code\":1,\"code\":2,\"message\":\"m\"}}", "I", false},
        {"{" V "\"id\":1,\"error\":{\"x\":{\"code\":2},\"code\":1,\"message\":\"m\"}}", "E", false},
        {"[1,{" V "\"id\":1,\"method\":\"a\"},[2],\"x\",null,true,[]]", "IQIIIII", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
        check(&examples[i], false);
}

static void slices(void **state)
{
    (void)state;
    static const char text[] =
        " {\"params\" :\t[ 1, {\"id\":2} ] ,\"x\":{\"method\":3}, \"method\":\"pr\\u0069ce\" ,\r\n"
        "\"id\" : \"a\\\"b\" , \"jsonrpc\":\"2.0\"} \n";
    parsing p;
    parse(&p, text, sizeof text - 1, false);
    assert_int_equal(p.parsed.verdict, ACURAST__RPC_MESSAGES);
    assert_int_equal(p.parsed.count, 1);
    assert_int_equal(p.parsed.one.kind, ACURAST__RPC_REQUEST);
    expect(&p, 0, ACURAST__RPC_PART_PARAMS, "[ 1, {\"id\":2} ]");
    expect(&p, 0, ACURAST__RPC_PART_ID, "\"a\\\"b\"");
    expect(&p, 0, ACURAST__RPC_PART_METHOD, "\"pr\\u0069ce\"");
    expect(&p, 0, ACURAST__RPC_PART_RESULT, NULL);
    assert_int_equal(p.parsed.one.method_size, 5);
    assert_memory_equal(p.parsed.one.method, "price", 5);
    done(&p);

    static const char error[] =
        "{" V "\"error\": { \"data\" : {\"code\": 9}, \"message\":\"no\", \"code\" : -32000 } , \"id\":7}";
    parse(&p, error, sizeof error - 1, false);
    assert_int_equal(p.parsed.one.kind, ACURAST__RPC_ERROR);
    assert_true(p.parsed.one.code == -32000);
    expect(&p, 0, ACURAST__RPC_PART_CODE, "-32000");
    expect(&p, 0, ACURAST__RPC_PART_MESSAGE, "\"no\"");
    expect(&p, 0, ACURAST__RPC_PART_DATA, "{\"code\": 9}");
    expect(&p, 0, ACURAST__RPC_PART_ERROR, "{ \"data\" : {\"code\": 9}, \"message\":\"no\", \"code\" : -32000 }");
    done(&p);

    static const char *const values[] = {"1",  "-0.5E+7", "\"\"",  "\"\\ud83d\\ude00\"", "true", "false", "null",
                                         "[]", "{}",      "[[[]]]"};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char answer[200];
        (void)snprintf(answer, sizeof answer, "[{" V "\"result\": %s , \"id\":1},{" V "\"id\":2,\"result\":%s}]",
                       values[i], values[i]);
        parse(&p, answer, strlen(answer), false);
        assert_int_equal(p.parsed.count, 2);
        expect(&p, 0, ACURAST__RPC_PART_RESULT, values[i]);
        expect(&p, 1, ACURAST__RPC_PART_RESULT, values[i]);
        done(&p);
    }
}

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(malformed_json); i++) {
        uint8_t *block = malloc(malformed_json[i].size + !malformed_json[i].size);
        memcpy(block, malformed_json[i].text, malformed_json[i].size);
        if (acurast__json_valid(block, malformed_json[i].size))
            print_message("%zu: %s\n", i, malformed_json[i].text);
        assert_false(acurast__json_valid(block, malformed_json[i].size));
        free(block);
        /* The same within a message that says what it is: broken, never a message. */
        parsing p;
        uint8_t text[200] = "{" V "\"id\":1,\"method\":\"a\",\"params\":[";
        size_t head = strlen((char *)text);
        if (malformed_json[i].size == 0 || strspn(malformed_json[i].text, " ") == malformed_json[i].size ||
            strcmp(malformed_json[i].text, "[] []") == 0)
            continue;
        memcpy(text + head, malformed_json[i].text, malformed_json[i].size);
        memcpy(text + head + malformed_json[i].size, "]}", 2);
        parse(&p, text, head + malformed_json[i].size + 2, false);
        assert_int_equal(p.parsed.verdict, ACURAST__RPC_BROKEN);
        done(&p);
    }
}

static void accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        " 1.5e-300 ",
        "1E400",
        "123456789012345678901234567890",
        "true",
        "null",
        "\"\"",
        "\"\\u0000\"",
        "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
        "\"\x7f\"",
        "\"\\ud83d\\ude00\"",
        "\"\\\\ud800\"",
        "\"\xf0\x9f\x98\x80\xc2\x80\xee\x80\x80\xf4\x8f\xbf\xbf\"",
        "[]",
        " [ ] ",
        "{}",
        "{\"\":{\"\":[{}]}}",
        "\t\r\n[\t1\r,\n2 ]\n",
        "{\"a\":1,\"a\":2}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!acurast__json_valid((const uint8_t *)texts[i], strlen(texts[i])))
            print_message("%s\n", texts[i]);
        assert_true(acurast__json_valid((const uint8_t *)texts[i], strlen(texts[i])));
    }
}

static size_t nested(char *text, const char *open, const char *close, size_t depth)
{
    *text = '\0';
    for (size_t i = 0; i < depth; i++)
        strcat(text, open);
    strcat(text, "1");
    for (size_t i = 0; i < depth; i++)
        strcat(text, close);
    return strlen(text);
}

static void depth(void **state)
{
    (void)state;
    char text[1000];
    size_t size = nested(text, "[", "]", ACURAST__RPC_DEPTH_MAX);
    assert_true(acurast__json_valid((uint8_t *)text, size));
    size = nested(text, "{\"a\":", "}", ACURAST__RPC_DEPTH_MAX);
    assert_true(acurast__json_valid((uint8_t *)text, size));
    size = nested(text, "[", "]", ACURAST__RPC_DEPTH_MAX + 1);
    assert_false(acurast__json_valid((uint8_t *)text, size));

    size_t bomb = (size_t)4 * 1024 * 1024;
    char *many = malloc(bomb);
    memset(many, '[', bomb);
    assert_false(acurast__json_valid((uint8_t *)many, bomb));
    memcpy(many, "{" V "\"params\":", 26);
    parsing p;
    parse(&p, many, bomb, false);
    assert_int_equal(p.parsed.verdict, ACURAST__RPC_BROKEN);
    done(&p);
    free(many);
}

static void batch_bound(void **state)
{
    (void)state;
    char text[10000];
    for (int over = 0; over < 2; over++) {
        strcpy(text, "[");
        for (int i = 0; i < ACURAST__RPC_BATCH_MAX + over; i++)
            strcat(text, i ? ",{" V "\"method\":\"a\"}" : "{" V "\"method\":\"a\"}");
        strcat(text, "]");
        parsing p;
        parse(&p, text, strlen(text), false);
        assert_int_equal(p.parsed.verdict, ACURAST__RPC_MESSAGES);
        assert_int_equal(p.parsed.count, over ? 1 : ACURAST__RPC_BATCH_MAX);
        assert_int_equal(p.parsed.batch, !over);
        assert_int_equal(p.parsed.messages[0].kind, over ? ACURAST__RPC_INVALID : ACURAST__RPC_NOTIFICATION);
        done(&p);
    }
}

static void long_names(void **state)
{
    (void)state;
    char name[400], text[1000];
    for (size_t size = ACURAST__RPC_METHOD_MAX; size <= ACURAST__RPC_METHOD_MAX + 1; size++) {
        memset(name, 'm', size);
        name[size] = '\0';
        (void)snprintf(text, sizeof text, "{" V "\"id\":1,\"method\":\"%s\"}", name);
        check(&(example){text, size > ACURAST__RPC_METHOD_MAX ? "I" : "Q", false}, false);
        name[size - 2] = '\0';
        (void)snprintf(text, sizeof text, "{" V "\"method\":\"a\",\"id\":\"%s\"}", name);
        check(&(example){text, size > ACURAST__RPC_ID_MAX ? "I" : "Q", false}, false);
    }
}

/* What is written is read as what it was. */
static void written(void **state)
{
    (void)state;
    acurast__buffer out = {0};
    acurast__raw id = {(const uint8_t *)"\"i\"", 3}, value = {(const uint8_t *)"{\"a\":[1]}", 9};
    parsing p;
    acurast__json_write_request(&out, id, "say \"\\\x01\xc3\xa9", value);
    parse(&p, out.bytes, out.size, false);
    assert_int_equal(p.parsed.one.kind, ACURAST__RPC_REQUEST);
    assert_int_equal(p.parsed.one.method_size, 9);
    assert_memory_equal(p.parsed.one.method, "say \"\\\x01\xc3\xa9", 9);
    expect(&p, 0, ACURAST__RPC_PART_PARAMS, "{\"a\":[1]}");
    done(&p);
    out.size = 0;
    acurast__json_write_request(&out, (acurast__raw){0}, "a", (acurast__raw){0});
    parse(&p, out.bytes, out.size, false);
    assert_int_equal(p.parsed.one.kind, ACURAST__RPC_NOTIFICATION);
    done(&p);
    out.size = 0;
    acurast__json_write_error(&out, (acurast__raw){0}, &(acurast__rpc_error){-5, "no\n", value});
    parse(&p, out.bytes, out.size, false);
    assert_int_equal(p.parsed.one.kind, ACURAST__RPC_ERROR);
    assert_true(p.parsed.one.code == -5);
    expect(&p, 0, ACURAST__RPC_PART_ID, "null");
    expect(&p, 0, ACURAST__RPC_PART_MESSAGE, "\"no\\u000a\"");
    expect(&p, 0, ACURAST__RPC_PART_DATA, "{\"a\":[1]}");
    done(&p);
    out.size = 0;
    acurast__raw read_id, read_value;
    acurast__json_write_progress(&out, id, value);
    parse(&p, out.bytes, out.size, false);
    assert_true(acurast__rpc_read_progress(ACURAST__RPC_JSON, &p.parsed.one, &read_id, &read_value));
    assert_true(acurast__raw_equal(read_id, id) && acurast__raw_equal(read_value, value));
    done(&p);
    acurast__buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specification), cmocka_unit_test(not_ours),    cmocka_unit_test(kinds),
        cmocka_unit_test(slices),        cmocka_unit_test(refused),     cmocka_unit_test(accepted),
        cmocka_unit_test(depth),         cmocka_unit_test(batch_bound), cmocka_unit_test(long_names),
        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
