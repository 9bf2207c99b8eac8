/* The answerer: the specification's examples with their answers, what is left to others, bounds, who is gone. */
#include "support/unit.h"

#include "rpc/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t alice[16] = "alice", bob[16] = "bob";
static const acurast__serve_limits limits = {.running = 4, .waiting = 8, .bytes = 100000};
static const char *const names[] = {"subtract", "update", "sum", "get_data", "notify_hello", "notify_sum"};

static acurast__serve *make(const acurast__serve_limits *with)
{
    acurast__serve *serve = acurast__serve_create(with);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(acurast__serve_method(serve, names[i], (void *)(uintptr_t)names[i]), ACURAST_OK);
    return serve;
}

/* Whether the payload is for us; what is said at once comes in `reply`. */
static bool receive(acurast__serve *serve, const uint8_t sender[16], const void *text, size_t size, bool all,
                    acurast__reply *reply)
{
    uint8_t *block = malloc(size + !size);
    acurast__rpc_parsed parsed;
    memcpy(block, text, size);
    acurast__rpc_parse(&parsed, block, size, all);
    bool ours = acurast__serve_receive(serve, sender, &parsed, block, size, reply);
    acurast__rpc_clear(&parsed);
    free(block); /* nothing of it may be needed later */
    return ours;
}

static bool hear(acurast__serve *serve, const uint8_t sender[16], const char *text, acurast__reply *reply)
{
    return receive(serve, sender, text, strlen(text), false, reply);
}

static void expect(acurast__reply *reply, const uint8_t recipient[16], const char *text)
{
    if (text && (reply->payload.size != strlen(text) || memcmp(reply->payload.bytes, text, reply->payload.size) != 0))
        print_message("%.*s\n%s\n", (int)reply->payload.size, (const char *)reply->payload.bytes, text);
    assert_int_equal(reply->payload.size, text ? strlen(text) : 0);
    if (text) {
        assert_memory_equal(reply->payload.bytes, text, reply->payload.size);
        assert_memory_equal(reply->recipient, recipient, 16);
    }
    acurast__buffer_clear(&reply->payload);
}

static acurast__raw raw(const char *text)
{
    return (acurast__raw){(const uint8_t *)text, strlen(text)};
}

/* Runs all that is there, as the specification's server would: what each gives. */
static const char *give(const acurast__serve_request *request)
{
    if (strcmp(request->method, "subtract") == 0)
        return request->params.bytes[0] == '[' && request->params.bytes[2] == '2' && request->params.bytes[1] == '4'
                   ? "19"
                   : "-19";
    return strcmp(request->method, "sum") == 0 ? "7" : "[\"hello\",5]";
}

static void work(acurast__serve *serve, acurast__buffer *said)
{
    acurast__serve_request request;
    acurast__reply reply;
    while (acurast__serve_next(serve, &request)) {
        assert_string_equal(request.user, request.method);
        assert_int_equal(acurast__serve_answer(serve, request.number, raw(give(&request)), NULL, &reply), ACURAST_OK);
        acurast__buffer_add(said, reply.payload.bytes, reply.payload.size);
        acurast__buffer_clear(&reply.payload);
    }
}

#define INVALID "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid Request\"}}"
#define PARSE "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}"
#define NO_METHOD(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

/* Section 7 of the specification. */
static void specification(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42, 23], \"id\": 1}", RESULT("1", "19")},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [23, 42], \"id\": 2}", RESULT("2", "-19")},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"update\", \"params\": [1,2,3,4,5]}", ""},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}", NO_METHOD("\"1\"")},
        {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", PARSE},
        {"{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", INVALID},
        {"[{\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], \"id\": \"1\"},{\"jsonrpc\": \"2.0\", "
         "\"method\"]",
         PARSE},
        {"[]", INVALID},
        {"[1]", "[" INVALID "]"},
        {"[1,2,3]", "[" INVALID "," INVALID "," INVALID "]"},
        {"[{\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], \"id\": \"1\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42,23], \"id\": \"2\"},{\"foo\": \"boo\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, \"id\": \"5\"},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"get_data\", \"id\": \"9\"}]",
         "[" INVALID "," NO_METHOD("\"5\"") "," RESULT("\"1\"", "7") "," RESULT("\"2\"", "19") "," RESULT(
             "\"9\"", "[\"hello\",5]") "]"},
        {"[{\"jsonrpc\": \"2.0\", \"method\": \"notify_sum\", \"params\": [1,2,4]},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]}]",
         ""},
    };
    acurast__serve *serve = make(&limits);
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        acurast__reply reply;
        assert_true(receive(serve, alice, examples[i][0], strlen(examples[i][0]), true, &reply));
        work(serve, &reply.payload);
        expect(&reply, alice, *examples[i][1] ? examples[i][1] : NULL);
        assert_int_equal(acurast__serve_running(serve) + acurast__serve_waiting(serve), 0);
    }
    acurast__serve_destroy(serve);
}

/* What is not for us is not touched and not answered. */
static void left_to_others(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "hello",
        "{}",
        "[]",
        "[1,2,3]",
        "{\"id\":1,\"method\":\"sum\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"unknown\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":5}",
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":0}]",
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/progress\",\"params\":{\"id\":1,\"value\":2}}",
        "{not \"jsonrpc\"",
    };
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_false(hear(serve, alice, texts[i], &reply));
        expect(&reply, alice, NULL);
    }
    acurast__serve_destroy(serve);
    serve = acurast__serve_create(&limits); /* without a method, nothing is */
    assert_false(hear(serve, alice, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\"}", &reply));
    assert_false(hear(serve, alice, "{\"jsonrpc\":\"2.0\",", &reply));
    acurast__serve_destroy(serve);
}

/* In a batch, an element that is no message is refused only where another names JSON-RPC. */
static void broken(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    assert_true(hear(serve, alice, "{\"jsonrpc\":\"2.0\",\"id\":1,", &reply));
    expect(&reply, alice, PARSE);
    assert_true(hear(serve, alice, "{\"jsonrpc\":\"2.0\",\"id\":7}", &reply));
    expect(&reply, alice, "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32600,\"message\":\"Invalid Request\"}}");
    acurast__serve_destroy(serve);
}

#define ASK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\"}"
#define TELL "{\"jsonrpc\":\"2.0\",\"method\":\"sum\"}"
#define BUSY(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32001,\"message\":\"busy\"}}"

static void busy(void **state)
{
    (void)state;
    acurast__serve *serve = make(&(acurast__serve_limits){.running = 1, .waiting = 2, .bytes = 100000});
    acurast__reply reply;
    acurast__serve_request first, second;
    assert_true(hear(serve, alice, ASK, &reply));
    assert_true(acurast__serve_next(serve, &first));
    for (int i = 0; i < 2; i++) {
        assert_true(hear(serve, alice, ASK, &reply));
        expect(&reply, alice, NULL);
    }
    assert_int_equal(acurast__serve_running(serve), 1);
    assert_int_equal(acurast__serve_waiting(serve), 2);
    assert_false(acurast__serve_next(serve, &second));
    assert_true(hear(serve, bob, ASK, &reply));
    expect(&reply, bob, BUSY("1"));
    assert_true(hear(serve, bob, TELL, &reply));
    expect(&reply, bob, NULL);
    assert_true(hear(serve, bob, "[" ASK "," TELL ",1]", &reply));
    expect(&reply, bob, "[" BUSY("1") "," INVALID "]");
    assert_int_equal(acurast__serve_refused(serve), 4);
    assert_int_equal(acurast__serve_answer(serve, first.number, raw("5"), NULL, &reply), ACURAST_OK);
    expect(&reply, alice, RESULT("1", "5"));
    assert_int_equal(acurast__serve_answer(serve, first.number, raw("5"), NULL, &reply), ACURAST_NOT_FOUND);
    expect(&reply, alice, NULL);
    assert_true(acurast__serve_next(serve, &second));
    assert_true(second.number != first.number);
    acurast__serve_destroy(serve);
}

/* One sender who asks for all leaves room for others. */
static void share(void **state)
{
    (void)state;
    acurast__serve *serve = make(&(acurast__serve_limits){.running = 1, .waiting = 10, .each = 3, .bytes = 100000});
    acurast__reply reply;
    acurast__serve_request request;
    assert_true(hear(serve, alice, "[" ASK "," ASK "," ASK "," ASK "]", &reply));
    expect(&reply, alice, "[" BUSY("1") "," BUSY("1") "," BUSY("1") "," BUSY("1") "]");
    for (int i = 0; i < 3; i++) {
        assert_true(hear(serve, alice, ASK, &reply));
        expect(&reply, alice, NULL);
    }
    assert_true(acurast__serve_next(serve, &request)); /* what runs counts as well */
    assert_true(hear(serve, alice, TELL, &reply));
    assert_true(hear(serve, alice, ASK, &reply));
    expect(&reply, alice, BUSY("1"));
    assert_true(hear(serve, bob, ASK, &reply));
    expect(&reply, bob, NULL);
    assert_int_equal(acurast__serve_answer(serve, request.number, raw("5"), NULL, &reply), ACURAST_OK);
    expect(&reply, alice, RESULT("1", "5"));
    assert_true(hear(serve, alice, ASK, &reply));
    expect(&reply, alice, NULL);
    acurast__serve_destroy(serve);
}

/* Requests of one payload hold its bytes; what holds too many is busy. */
static void bytes(void **state)
{
    (void)state;
    acurast__serve *serve = make(&(acurast__serve_limits){.running = 10, .waiting = 10, .bytes = 1500});
    acurast__reply reply;
    char text[2000];
    (void)snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":[\"%01700d\"]}", 0);
    assert_true(hear(serve, alice, text, &reply));
    expect(&reply, alice, BUSY("1"));
    assert_true(hear(serve, alice, ASK, &reply));
    expect(&reply, alice, NULL);
    acurast__serve_destroy(serve);
}

static void errors_and_progress(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    acurast__serve_request request;
    assert_true(
        hear(serve, alice, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"s\\u0075m\",\"params\":{\"a\":1}}", &reply));
    assert_true(acurast__serve_next(serve, &request));
    assert_string_equal(request.method, "sum");
    assert_int_equal(request.params.size, 7);
    assert_memory_equal(request.params.bytes, "{\"a\":1}", 7);
    assert_memory_equal(request.sender, alice, 16);
    assert_int_equal(acurast__serve_progress(serve, request.number, raw("[1]"), &reply), ACURAST_OK);
    expect(&reply, alice, "{\"jsonrpc\":\"2.0\",\"method\":\"$/progress\",\"params\":{\"id\":\"x\",\"value\":[1]}}");
    acurast__rpc_error error = {-32000, "a \"bad\" day", raw("{\"d\":1}")};
    assert_int_equal(acurast__serve_answer(serve, request.number, (acurast__raw){0}, &error, &reply), ACURAST_OK);
    expect(&reply, alice,
           "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32000,\"message\":\"a \\\"bad\\\" "
           "day\",\"data\":{\"d\":1}}}");
    assert_int_equal(acurast__serve_progress(serve, request.number, raw("1"), &reply), ACURAST_NOT_FOUND);
    assert_true(hear(serve, alice, TELL, &reply));
    assert_true(acurast__serve_next(serve, &request));
    assert_true(request.notification);
    assert_int_equal(acurast__serve_progress(serve, request.number, raw("1"), &reply), ACURAST_OK);
    expect(&reply, alice, NULL);
    assert_int_equal(acurast__serve_answer(serve, request.number, raw("1"), &error, &reply), ACURAST_OK);
    expect(&reply, alice, NULL);
    acurast__serve_destroy(serve);
}

static void drops(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    acurast__serve_request one, two;
    assert_true(hear(serve, alice, "[" ASK "," ASK "]", &reply));
    assert_true(acurast__serve_next(serve, &one) && acurast__serve_next(serve, &two));
    assert_int_equal(acurast__serve_answer(serve, two.number, raw("2"), NULL, &reply), ACURAST_OK);
    expect(&reply, alice, NULL);
    assert_int_equal(acurast__serve_drop(serve, one.number, &reply), ACURAST_OK);
    expect(&reply, alice, "[" RESULT("1", "2") "]");
    assert_int_equal(acurast__serve_drop(serve, one.number, &reply), ACURAST_NOT_FOUND);
    acurast__serve_destroy(serve);
}

static void gone(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    acurast__serve_request running[3];
    assert_true(hear(serve, alice, "[" ASK "," ASK "," ASK "]", &reply));
    assert_true(hear(serve, bob, ASK, &reply));
    assert_true(acurast__serve_next(serve, &running[0]) && acurast__serve_next(serve, &running[1]));
    assert_int_equal(acurast__serve_answer(serve, running[0].number, raw("1"), NULL, &reply), ACURAST_OK);
    assert_true(acurast__serve_gone(serve, alice) == running[1].number);
    assert_true(acurast__serve_gone(serve, alice) == 0);
    assert_int_equal(acurast__serve_answer(serve, running[1].number, raw("1"), NULL, &reply), ACURAST_NOT_FOUND);
    assert_int_equal(acurast__serve_waiting(serve), 1);
    assert_true(acurast__serve_next(serve, &running[2]));
    assert_memory_equal(running[2].sender, bob, 16);
    acurast__serve_destroy(serve);
}

static void registration(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    char name[ACURAST__RPC_METHOD_MAX + 2];
    acurast__reply reply;
    acurast__serve_request request;
    int user;
    memset(name, 'm', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(acurast__serve_method(serve, name, NULL), ACURAST_INVALID);
    assert_int_equal(acurast__serve_method(serve, "", NULL), ACURAST_INVALID);
    assert_int_equal(acurast__serve_method(serve, "$/progress", NULL), ACURAST_INVALID);
    assert_int_equal(acurast__serve_method(serve, "rpc.x", NULL), ACURAST_INVALID);
    assert_int_equal(acurast__serve_method(serve, "sum", &user), ACURAST_OK);
    assert_true(hear(serve, alice, ASK, &reply));
    assert_int_equal(acurast__serve_remove(serve, "sum"), ACURAST_OK);
    assert_int_equal(acurast__serve_remove(serve, "sum"), ACURAST_NOT_FOUND);
    assert_true(acurast__serve_next(serve, &request)); /* it came before */
    assert_ptr_equal(request.user, &user);
    assert_string_equal(request.method, "sum");
    assert_true(hear(serve, alice, ASK, &reply));
    expect(&reply, alice, NO_METHOD("1"));
    acurast__serve_destroy(serve);
}

static void packed(void **state)
{
    (void)state;
    acurast__serve *serve = make(&limits);
    acurast__reply reply;
    acurast__serve_request request;
    assert_true(receive(serve, alice, "\x94\x00\xcd\x01\x02\xa3sum\x91\x07", 11, false, &reply));
    assert_true(acurast__serve_next(serve, &request));
    assert_int_equal(request.encoding, ACURAST__RPC_MSGPACK);
    assert_int_equal(acurast__serve_progress(serve, request.number, raw("\x2a"), &reply), ACURAST_OK);
    expect(&reply, alice, "\x93\x02\xaa$/progress\x92\xcd\x01\x02\x2a");
    assert_int_equal(acurast__serve_answer(serve, request.number, raw("\x2a"), NULL, &reply), ACURAST_OK);
    expect(&reply, alice, "\x94\x01\xcd\x01\x02\xc0\x2a");
    assert_true(receive(serve, alice, "\x94\x00\x05\xa1x\x90", 6, false, &reply));
    expect(&reply, alice,
           "\x94\x01\x05\x82\xa4"
           "code\xd1\x80\xa7\xa7message\xb0Method not found\xc0");
    assert_false(receive(serve, alice, "\x93\x02\xa1x\x90", 5, false, &reply));
    acurast__serve_destroy(serve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specification),
        cmocka_unit_test(left_to_others),
        cmocka_unit_test(broken),
        cmocka_unit_test(busy),
        cmocka_unit_test(share),
        cmocka_unit_test(bytes),
        cmocka_unit_test(errors_and_progress),
        cmocka_unit_test(drops),
        cmocka_unit_test(gone),
        cmocka_unit_test(registration),
        cmocka_unit_test(packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
