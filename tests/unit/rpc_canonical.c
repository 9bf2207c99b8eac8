/* Which results are equal: pairs that are, pairs that are not, and what is no JSON. */
#include "support/unit.h"

#include "rpc/canonical.h"

#include <stdio.h>
#include <string.h>

static acurast_status form(acurast__buffer *to, const char *text)
{
    return acurast__canonical(to, ACURAST__RPC_JSON, (acurast__raw){(const uint8_t *)text, strlen(text)});
}

static bool same(const char *left, const char *right)
{
    acurast__buffer a = {0}, b = {0};
    assert_int_equal(form(&a, left), ACURAST_OK);
    assert_int_equal(form(&b, right), ACURAST_OK);
    bool equal = a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
    acurast__buffer_clear(&a);
    acurast__buffer_clear(&b);
    return equal;
}

static void equal(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"1", "1.0"},
        {"1", " 1 "},
        {"1", "10e-1"},
        {"1", "1E0"},
        {"1", "1e+0"},
        {"100", "1e2"},
        {"0", "-0"},
        {"0", "0.000e99"},
        {"0.5", "5e-1"},
        {"-12.50e3", "-12500"},
        {"1e-000000000000001", "0.1"},
        {"123456789012345678901234567890", "1.2345678901234567890123456789e29"},
        {"\"a\"", "\"\\u0061\""},
        {"\"/\"", "\"\\/\""},
        {"\"\\n\"", "\"\\u000A\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\\"\\\\\"", "\"\\u0022\\u005c\""},
        {"[]", "[ ]"},
        {"[1,2]", "[ 1.0 , 2 ]"},
        {"{}", "{ }"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2.0, \"a\":1}"},
        {"{\"a\":1,\"\\u0062\":{\"d\":[1],\"c\":0}}", "{\"b\":{\"c\":0,\"d\":[1]},\"a\":1}"},
        {"{\"a\":1,\"ab\":2,\"\":3}", "{\"ab\":2,\"\":3,\"a\":1}"},
        {"[{\"b\":1,\"a\":2},{}]", "[{\"a\":2,\"b\":1},{}]"},
        {"{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":1,\"a\":2}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (!same(pairs[i][0], pairs[i][1]))
            print_message("%s %s\n", pairs[i][0], pairs[i][1]);
        assert_true(same(pairs[i][0], pairs[i][1]));
    }
}

static void different(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"1", "2"},
        {"1", "-1"},
        {"1", "\"1\""},
        {"1", "[1]"},
        {"0", "null"},
        {"0", "false"},
        {"true", "false"},
        {"null", "\"null\""},
        {"1", "10"},
        {"0.1", "0.10000000000000001"},
        {"9007199254740993", "9007199254740992"},
        {"1e1000", "1e1001"},
        {"1e9999999999", "1e99999999999"},
        {"\"a\"", "\"A\""},
        {"\"\"", "\"\\u0000\""},
        {"\"\xc3\xa9\"", "\"e\xcc\x81\""},
        {"[]", "{}"},
        {"[1,2]", "[2,1]"},
        {"[1,2]", "[12]"},
        {"[[1],2]", "[[1,2]]"},
        {"[\"a,b\"]", "[\"a\",\"b\"]"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}"},
        {"{\"a\":1,\"a\":1}", "{\"a\":1}"},
        {"{\"a\":\"b\"}", "{\"a\\\":\\\"b\":1}"},
        {"{\"a\":[],\"b\":{}}", "{\"a\":{},\"b\":[]}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_false(same(pairs[i][0], pairs[i][1]));
}

static void bad(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "[", "nul", "01", "{\"a\":1,}", "\"\\ud800\"", "1 2", "\"\xff\""};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        acurast__buffer out = {0};
        assert_int_equal(form(&out, texts[i]), ACURAST_INVALID);
        acurast__buffer_clear(&out);
    }
}

/* An object of many members in the wrong order, within others. */
static void many_members(void **state)
{
    (void)state;
    acurast__buffer up = {0}, down = {0}, a = {0}, b = {0};
    char member[64];
    acurast__buffer_text(&up, "[{");
    acurast__buffer_text(&down, "[{");
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(member, sizeof member, "%s\"k%d\":{\"y\":%d,\"x\":[]}", i ? "," : "", i, i);
        acurast__buffer_text(&up, member);
        (void)snprintf(member, sizeof member, "%s\"k%d\":{\"x\":[],\"y\":%d}", i ? "," : "", 999 - i, 999 - i);
        acurast__buffer_text(&down, member);
    }
    acurast__buffer_text(&up, "}]");
    acurast__buffer_text(&down, "}]");
    assert_int_equal(acurast__canonical(&a, ACURAST__RPC_JSON, (acurast__raw){up.bytes, up.size}), ACURAST_OK);
    assert_int_equal(acurast__canonical(&b, ACURAST__RPC_JSON, (acurast__raw){down.bytes, down.size}), ACURAST_OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    acurast__buffer_clear(&up);
    acurast__buffer_clear(&down);
    acurast__buffer_clear(&a);
    acurast__buffer_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal), cmocka_unit_test(different), cmocka_unit_test(bad),
                                       cmocka_unit_test(many_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
