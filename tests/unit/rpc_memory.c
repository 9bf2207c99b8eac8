/*
 * Allocation failure at every site of the layer: each scenario runs with the first, second, ... allocation failing until it runs
 * through. What it says then is that the memory is gone, or a busy error; nothing is lost or given twice, and a sanitizer finds no leak.
 */
#include "support/unit.h"

#include "base/memory.h"
#include "rpc/calls.h"
#include "rpc/canonical.h"
#include "rpc/many.h"
#include "rpc/serve.h"

#include <stdlib.h>
#include <string.h>

#define MOST_SITES 1000

static const uint8_t key[ACURAST__CALLS_KEY_SIZE] = {7}, alice[16] = "alice";

/* Whether the allocation that was to fail has not come yet: then it is one of these. */
static bool still_to_come(long site)
{
    for (long i = 0; i < site; i++) {
        void *block = acurast__alloc(1);
        if (!block)
            return true;
        acurast__free(block);
    }
    return false;
}

/* A scenario is true where all went well; it may be in spite of a failure, and has to be without one. */
static void at_every_site(bool (*scenario)(void))
{
    long site = 1;
    for (bool beyond = false; !beyond; site++) {
        assert_true(site < MOST_SITES);
        acurast__memory_fail_at(site);
        bool whole = scenario();
        beyond = still_to_come(site);
        acurast__memory_fail_at(0);
        assert_true(whole || !beyond);
    }
    assert_true(site > 2); /* something was made to fail */
}

static acurast__raw raw(const char *text)
{
    return (acurast__raw){(const uint8_t *)text, strlen(text)};
}

static bool parse(void)
{
    char text[6000] = "[{\"x\":\"";
    memset(text + 7, 'a', 2500); /* with an escape: more than the arena has */
    strcat(text, "\\u00e9\",\"jsonrpc\":\"2.0\",\"method\":\"\\u0061\"}");
    for (int i = 0; i < 20; i++)
        strcat(text, ",{\"jsonrpc\":\"2.0\",\"method\":\"\\u0062\"}");
    strcat(text, "]");
    acurast__rpc_parsed parsed;
    acurast__rpc_verdict verdict = acurast__rpc_parse(&parsed, (uint8_t *)text, strlen(text), false);
    if (verdict == ACURAST__RPC_MESSAGES)
        assert_int_equal(parsed.count, 21);
    else
        assert_true(verdict == ACURAST__RPC_NO_MEMORY && parsed.count == 0);
    acurast__rpc_clear(&parsed);
    return verdict == ACURAST__RPC_MESSAGES;
}

static void parsing(void **state)
{
    (void)state;
    at_every_site(parse);
}

/* A text that breaks off is kept by the parser: the memory of that. */
static bool cut(void)
{
    char text[4000] = "{\"jsonrpc\":\"2.0\",\"x\":\"";
    memset(text + strlen(text), 'a', 3000);
    acurast__rpc_parsed parsed;
    acurast__rpc_verdict verdict = acurast__rpc_parse(&parsed, (uint8_t *)text, strlen(text), false);
    assert_true(verdict == ACURAST__RPC_BROKEN || verdict == ACURAST__RPC_NO_MEMORY);
    acurast__rpc_clear(&parsed);
    return verdict == ACURAST__RPC_BROKEN;
}

static void cutting(void **state)
{
    (void)state;
    at_every_site(cut);
}

static bool canonical(void)
{
    acurast__buffer out = {0};
    acurast_status status =
        acurast__canonical(&out, ACURAST__RPC_JSON,
                           raw("{\"b\":[1,2,{\"d\":\"\\u00e9\",\"c\":1.5}],\"a\":\"a\\u0062\",\"1\":1,\"2\":1,\"3\":1,"
                               "\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,\"11\":1,\"12\":1,\"13\":1,"
                               "\"a long text so that the buffer has to grow, a long text so that the buffer has to "
                               "grow, a long text so that the buffer has to grow, and once more\":0}"));
    assert_true(status == ACURAST_OK || status == ACURAST_NO_MEMORY);
    acurast__buffer_clear(&out);
    return status == ACURAST_OK;
}

static void forms(void **state)
{
    (void)state;
    at_every_site(canonical);
}

static bool calls(void)
{
    acurast__calls *object = acurast__calls_create(key, 100);
    bool whole = object;
    for (int i = 0; object && i < 40; i++) {
        acurast__buffer payload = {0};
        uint64_t number;
        acurast__call_params params = {
            .encoding = i % 2 ? ACURAST__RPC_JSON : ACURAST__RPC_MSGPACK, .method = "a", .deadline = 5};
        size_t open = acurast__calls_open(object);
        acurast_status status = acurast__calls_begin(object, &params, &payload, &number);
        assert_true(status == ACURAST_OK || status == ACURAST_NO_MEMORY);
        assert_int_equal(acurast__calls_open(object), open + (status == ACURAST_OK));
        whole &= status == ACURAST_OK;
        acurast__buffer_clear(&payload);
    }
    while (object && acurast__calls_open(object))
        assert_true(acurast__calls_expire(object, 5, NULL));
    acurast__calls_destroy(object);
    return whole;
}

static void asking(void **state)
{
    (void)state;
    at_every_site(calls);
}

static bool quorum(void)
{
    acurast__many_params params = {
        .encoding = ACURAST__RPC_JSON, .count = 4, .need = 2, .agree = true, .answer_max = 100, .total_max = 10000};
    acurast__many *many = acurast__many_create(&params);
    bool whole = many;
    static const char *const said[] = {"1", "[2]", "{\"a\":1}", "[2.0]"};
    for (uint32_t i = 0; many && i < 4; i++) {
        acurast_status status = acurast__many_answered(many, i, ACURAST__RPC_RESULT, raw(said[i]));
        acurast__many_said kept = acurast__many_answer_at(many, i)->said;
        if (status == ACURAST_NO_MEMORY)
            assert_int_equal(kept, ACURAST__MANY_FAILED);
        whole &= status == ACURAST_OK;
    }
    if (whole)
        assert_true(acurast__many_group(many, 1) == 1);
    acurast__many_destroy(many);
    return whole;
}

static void agreeing(void **state)
{
    (void)state;
    at_every_site(quorum);
}

#define ASK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}"

/* One failure at most is to come, so the second time it works. */
static bool next(acurast__serve *serve, acurast__serve_request *request)
{
    bool got = acurast__serve_next(serve, request);
    return got || acurast__serve_next(serve, request);
}

/* Every request that was taken is answered once; those that were not are told so, or told nothing. */
static bool serve_text(acurast__serve *serve, const char *text, const char *answer)
{
    acurast__rpc_parsed parsed;
    acurast__reply reply = {0};
    acurast__serve_request request;
    acurast__buffer said = {0};
    uint64_t refused = acurast__serve_refused(serve);
    acurast__rpc_verdict verdict = acurast__rpc_parse(&parsed, (const uint8_t *)text, strlen(text), false);
    if (acurast__serve_receive(serve, alice, &parsed, (const uint8_t *)text, strlen(text), &reply))
        said = reply.payload;
    acurast__rpc_clear(&parsed);
    while (next(serve, &request)) {
        if (acurast__serve_answer(serve, request.number, raw("7"), NULL, &reply) != ACURAST_OK)
            assert_int_equal(acurast__serve_answer(serve, request.number, raw("7"), NULL, &reply), ACURAST_OK);
        if (reply.payload.size) {
            acurast__buffer_clear(&said);
            said = reply.payload;
        }
        assert_int_equal(acurast__serve_answer(serve, request.number, raw("7"), NULL, &reply), ACURAST_NOT_FOUND);
    }
    assert_int_equal(acurast__serve_waiting(serve) + acurast__serve_running(serve), 0);
    bool whole = said.size == strlen(answer) && memcmp(said.bytes, answer, said.size) == 0;
    if (!whole)
        assert_true(verdict == ACURAST__RPC_NO_MEMORY || acurast__serve_refused(serve) > refused);
    acurast__buffer_clear(&said);
    return whole;
}

static bool serving(void)
{
    acurast__serve *serve = acurast__serve_create(&(acurast__serve_limits){.running = 8, .waiting = 8, .bytes = 10000});
    bool whole = serve && acurast__serve_method(serve, "a", NULL) == ACURAST_OK;
#define ANSWER "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}"
    if (whole) {
        whole &= serve_text(serve, ASK, ANSWER);
        whole &= serve_text(
            serve, "[" ASK "," ASK ",{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"b\"}]",
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}," ANSWER
            "," ANSWER "]");
        whole &=
            serve_text(serve, "{\"jsonrpc\":\"2.0\",",
                       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}");
    }
    acurast__serve_destroy(serve);
    return whole;
}

static void answering(void **state)
{
    (void)state;
    at_every_site(serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parsing),  cmocka_unit_test(cutting),
                                       cmocka_unit_test(forms),    cmocka_unit_test(asking),
                                       cmocka_unit_test(agreeing), cmocka_unit_test(answering)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
