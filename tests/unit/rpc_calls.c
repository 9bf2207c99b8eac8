/* The asker: ids, whose answer counts, what comes late, twice, from others; deadlines and bounds. */
#include "support/unit.h"

#include "rpc/calls.h"
#include "rpc/msgpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[ACURAST__CALLS_KEY_SIZE] = {1, 2, [31] = 3},
                     other_key[ACURAST__CALLS_KEY_SIZE] = {2, 2, [31] = 4};
static const uint8_t alice[16] = "alice", bob[16] = "bob";

typedef struct asked {
    uint64_t number;
    acurast__buffer payload;
    acurast__raw id; /* within the payload */
} asked;

static asked ask(acurast__calls *calls, const uint8_t recipient[16], acurast__rpc_encoding encoding, uint64_t deadline)
{
    asked a = {0};
    acurast__rpc_parsed parsed;
    acurast__call_params params = {.encoding = encoding, .method = "price", .deadline = deadline, .token = 77};
    memcpy(params.recipient, recipient, 16);
    assert_int_equal(acurast__calls_begin(calls, &params, &a.payload, &a.number), ACURAST_OK);
    assert_int_equal(acurast__rpc_parse(&parsed, a.payload.bytes, a.payload.size, false), ACURAST__RPC_MESSAGES);
    assert_int_equal(parsed.one.kind, ACURAST__RPC_REQUEST);
    a.id = parsed.one.part[ACURAST__RPC_PART_ID];
    acurast__rpc_clear(&parsed);
    return a;
}

static void done(asked *a)
{
    acurast__buffer_clear(&a->payload);
}

static acurast__calls_verdict hear(acurast__calls *calls, const uint8_t sender[16], acurast__buffer *payload,
                                   acurast__answer *answer)
{
    acurast__rpc_parsed parsed;
    acurast__calls_verdict verdict = ACURAST__CALLS_NOT_OURS;
    acurast__rpc_parse(&parsed, payload->bytes, payload->size, false);
    for (size_t i = 0; i < parsed.count; i++)
        verdict = acurast__calls_receive(calls, sender, parsed.encoding, &parsed.messages[i], answer);
    acurast__rpc_clear(&parsed);
    acurast__buffer_clear(payload);
    return verdict;
}

static acurast__calls_verdict result(acurast__calls *calls, const uint8_t sender[16], acurast__rpc_encoding encoding,
                                     acurast__raw id, acurast__answer *answer)
{
    acurast__buffer payload = {0};
    acurast__rpc_write_result(&payload, encoding, id, (acurast__raw){(const uint8_t *)"7", 1});
    return hear(calls, sender, &payload, answer);
}

static void answers(acurast__rpc_encoding encoding)
{
    acurast__calls *calls = acurast__calls_create(key, 100);
    acurast__answer answer;
    acurast__call call;
    asked a = ask(calls, alice, encoding, 1000), b = ask(calls, bob, encoding, 500), c = ask(calls, bob, encoding, 400);
    assert_false(acurast__raw_equal(a.id, b.id));
    assert_int_equal(acurast__calls_open(calls), 3);

    assert_int_equal(result(calls, bob, encoding, a.id, &answer), ACURAST__CALLS_FOREIGN);
    assert_int_equal(result(calls, alice, encoding, a.id, &answer), ACURAST__CALLS_ANSWER);
    assert_true(answer.call.number == a.number && answer.call.token == 77);
    assert_memory_equal(answer.call.recipient, alice, 16);
    assert_int_equal(result(calls, alice, encoding, a.id, &answer), ACURAST__CALLS_DOUBLE);
    assert_int_equal(result(calls, bob, encoding, a.id, &answer), ACURAST__CALLS_DOUBLE);
    assert_false(acurast__calls_cancel(calls, a.number, NULL));

    assert_true(acurast__calls_next_deadline(calls) == 400);
    assert_false(acurast__calls_expire(calls, 399, &call));
    assert_true(acurast__calls_expire(calls, 400, &call));
    assert_true(call.number == c.number);
    assert_false(acurast__calls_expire(calls, 400, &call));
    assert_true(acurast__calls_next_deadline(calls) == 500);
    assert_int_equal(result(calls, bob, encoding, c.id, &answer), ACURAST__CALLS_LATE);

    assert_true(acurast__calls_cancel(calls, b.number, &call));
    assert_true(call.number == b.number);
    assert_int_equal(result(calls, bob, encoding, b.id, &answer), ACURAST__CALLS_LATE);
    assert_true(acurast__calls_next_deadline(calls) == UINT64_MAX);
    assert_int_equal(acurast__calls_open(calls), 0);
    assert_int_equal(acurast__calls_count(calls, ACURAST__CALLS_FOREIGN), 1);
    assert_int_equal(acurast__calls_count(calls, ACURAST__CALLS_DOUBLE), 2);
    assert_int_equal(acurast__calls_count(calls, ACURAST__CALLS_LATE), 2);
    done(&a);
    done(&b);
    done(&c);
    acurast__calls_destroy(calls);
}

static void answers_json(void **state)
{
    (void)state;
    answers(ACURAST__RPC_JSON);
}

static void answers_msgpack(void **state)
{
    (void)state;
    answers(ACURAST__RPC_MSGPACK);
}

/* The same counter under another key: another object's ids are nothing to this one. */
static void other_objects(void **state)
{
    (void)state;
    acurast__calls *one = acurast__calls_create(key, 10), *two = acurast__calls_create(other_key, 10);
    acurast__answer answer;
    for (int encoding = ACURAST__RPC_JSON; encoding <= ACURAST__RPC_MSGPACK; encoding++) {
        asked a = ask(one, alice, (acurast__rpc_encoding)encoding, 1),
              b = ask(two, alice, (acurast__rpc_encoding)encoding, 1);
        assert_false(acurast__raw_equal(a.id, b.id));
        assert_int_equal(result(two, alice, (acurast__rpc_encoding)encoding, a.id, &answer), ACURAST__CALLS_NOT_OURS);
        assert_int_equal(acurast__calls_open(two), encoding);
        done(&a);
        done(&b);
    }
    acurast__calls_destroy(one);
    acurast__calls_destroy(two);
}

static acurast__calls_verdict say(acurast__calls *calls, const uint8_t sender[16], const char *format, acurast__raw id)
{
    acurast__answer answer;
    char text[500];
    acurast__buffer payload = {0};
    (void)snprintf(text, sizeof text, format, (int)id.size, (const char *)id.bytes);
    acurast__buffer_text(&payload, text);
    return hear(calls, sender, &payload, &answer);
}

#define V "{\"jsonrpc\":\"2.0\","

static void forged(void **state)
{
    (void)state;
    acurast__calls *calls = acurast__calls_create(key, 10);
    asked a = ask(calls, alice, ACURAST__RPC_JSON, 1000);
    assert_int_equal(a.id.size, 34);
    uint8_t wrong[34];
    for (size_t i = 0; i < a.id.size; i++) {
        memcpy(wrong, a.id.bytes, sizeof wrong);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_int_equal(say(calls, alice, V "\"id\":%.*s,\"result\":1}", (acurast__raw){wrong, sizeof wrong}),
                         ACURAST__CALLS_NOT_OURS);
    }
    static const struct {
        const char *format;
        acurast__calls_verdict verdict;
    } cases[] = {
        {V "\"id\":%.*s}", ACURAST__CALLS_NOT_OURS},
        {V "\"id\":%.*s,\"method\":\"price\"}", ACURAST__CALLS_NOT_OURS},
        {V "\"id\":%.*s,\"error\":1}", ACURAST__CALLS_MALFORMED},
        {V "\"id\":%.*s,\"error\":{\"code\":1}}", ACURAST__CALLS_MALFORMED},
        {V "\"id\":%.*s,\"result\":1,\"result\":2}", ACURAST__CALLS_MALFORMED},
        {V "\"id\":%.*s,\"result\":1,\"error\":{\"code\":1,\"message\":\"m\"}}", ACURAST__CALLS_MALFORMED},
        {V "\"method\":\"$/progress\",\"params\":{\"id\":%.*s,\"value\":[1]}}", ACURAST__CALLS_PROGRESS},
        {V "\"method\":\"$/progress\",\"params\":{\"id\":%.*s}}", ACURAST__CALLS_NOT_OURS},
        {V "\"method\":\"$/progress\",\"params\":[%.*s,1]}", ACURAST__CALLS_NOT_OURS},
        {V "\"method\":\"$/other\",\"params\":{\"id\":%.*s,\"value\":[1]}}", ACURAST__CALLS_NOT_OURS},
        {V "\"id\":%.*s,\"error\":{\"code\":1,\"message\":\"m\"}}", ACURAST__CALLS_ANSWER},
        {V "\"method\":\"$/progress\",\"params\":{\"id\":%.*s,\"value\":[1]}}", ACURAST__CALLS_DOUBLE},
    };
    assert_int_equal(say(calls, bob, V "\"method\":\"$/progress\",\"params\":{\"id\":%.*s,\"value\":[1]}}", a.id),
                     ACURAST__CALLS_FOREIGN);
    assert_int_equal(say(calls, bob, V "\"id\":%.*s,\"error\":1}", a.id), ACURAST__CALLS_FOREIGN);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(say(calls, alice, cases[i].format, a.id), cases[i].verdict);
    done(&a);
    acurast__calls_destroy(calls);
}

/* An id of one encoding in the other: the same key of the map, yet no match. */
static void crossed(void **state)
{
    (void)state;
    acurast__calls *calls = acurast__calls_create(key, 10);
    acurast__answer answer;
    uint32_t id;
    asked a = ask(calls, alice, ACURAST__RPC_MSGPACK, 1000);
    assert_true(acurast__msgpack_read_id(a.id, &id));
    char text[40];
    (void)snprintf(text, sizeof text, "\"%032x\"", id);
    assert_int_equal(result(calls, alice, ACURAST__RPC_JSON, (acurast__raw){(uint8_t *)text, 34}, &answer),
                     ACURAST__CALLS_NOT_OURS);
    (void)snprintf(text, sizeof text, "%u", id);
    assert_int_equal(result(calls, alice, ACURAST__RPC_JSON, (acurast__raw){(uint8_t *)text, strlen(text)}, &answer),
                     ACURAST__CALLS_NOT_OURS);
    assert_int_equal(acurast__calls_open(calls), 1);
    done(&a);
    acurast__calls_destroy(calls);
}

static void progress_value(void **state)
{
    (void)state;
    acurast__calls *calls = acurast__calls_create(key, 10);
    asked a = ask(calls, alice, ACURAST__RPC_MSGPACK, 1000);
    acurast__answer answer;
    acurast__buffer payload = {0};
    acurast__rpc_parsed parsed;
    acurast__rpc_write_progress(&payload, ACURAST__RPC_MSGPACK, a.id, (acurast__raw){(const uint8_t *)"\x2a", 1});
    acurast__rpc_parse(&parsed, payload.bytes, payload.size, false);
    assert_int_equal(acurast__calls_receive(calls, alice, parsed.encoding, &parsed.one, &answer),
                     ACURAST__CALLS_PROGRESS);
    assert_int_equal(answer.progress.size, 1);
    assert_int_equal(*answer.progress.bytes, 0x2a);
    assert_int_equal(acurast__calls_open(calls), 1);
    acurast__buffer_clear(&payload);
    done(&a);
    acurast__calls_destroy(calls);
}

/* Late answers are known for ever where the id says whose it is, else as long as the ring remembers. */
static void long_ago(void **state)
{
    (void)state;
    acurast__calls *calls = acurast__calls_create(key, 10);
    acurast__answer answer;
    asked json = ask(calls, alice, ACURAST__RPC_JSON, 0), packed = ask(calls, alice, ACURAST__RPC_MSGPACK, 0);
    while (acurast__calls_expire(calls, 0, NULL))
        ;
    for (int i = 0; i < 254; i++) {
        asked more = ask(calls, alice, ACURAST__RPC_MSGPACK, 0);
        assert_true(acurast__calls_cancel(calls, more.number, NULL));
        done(&more);
    }
    assert_int_equal(result(calls, alice, ACURAST__RPC_MSGPACK, packed.id, &answer), ACURAST__CALLS_LATE);
    for (int i = 0; i < 2; i++) {
        asked more = ask(calls, alice, ACURAST__RPC_MSGPACK, 0);
        assert_true(acurast__calls_cancel(calls, more.number, NULL));
        done(&more);
    }
    assert_int_equal(result(calls, alice, ACURAST__RPC_JSON, json.id, &answer), ACURAST__CALLS_LATE);
    assert_int_equal(result(calls, alice, ACURAST__RPC_MSGPACK, packed.id, &answer), ACURAST__CALLS_NOT_OURS);
    done(&json);
    done(&packed);
    acurast__calls_destroy(calls);
}

static void bounds(void **state)
{
    (void)state;
    acurast__calls *calls = acurast__calls_create(key, 3);
    acurast__buffer payload = {0};
    uint64_t number;
    acurast__call call;
    uint32_t cursor = 0;
    acurast__call_params params = {.encoding = ACURAST__RPC_JSON, .method = "a", .deadline = 5};
    for (int i = 0; i < 3; i++) {
        memcpy(params.recipient, i == 1 ? bob : alice, 16);
        assert_int_equal(acurast__calls_begin(calls, &params, &payload, &number), ACURAST_OK);
    }
    assert_int_equal(acurast__calls_begin(calls, &params, &payload, &number), ACURAST_OUTBOX_FULL);
    assert_true(acurast__calls_gone(calls, alice, &cursor, &call));
    assert_true(acurast__calls_gone(calls, alice, &cursor, &call));
    assert_false(acurast__calls_gone(calls, alice, &cursor, &call));
    assert_int_equal(acurast__calls_open(calls), 1);

    static const struct {
        acurast__rpc_encoding encoding;
        const char *method, *params;
    } wrong[] = {
        {ACURAST__RPC_JSON, "", NULL},     {ACURAST__RPC_JSON, "\xff", NULL},   {ACURAST__RPC_JSON, "a", "1"},
        {ACURAST__RPC_JSON, "a", "\"x\""}, {ACURAST__RPC_MSGPACK, "a", "\x01"}, {ACURAST__RPC_MSGPACK, "a", "\xa1x"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        params.encoding = wrong[i].encoding;
        params.method = wrong[i].method;
        params.params = (acurast__raw){(const uint8_t *)wrong[i].params, wrong[i].params ? strlen(wrong[i].params) : 0};
        assert_int_equal(acurast__calls_begin(calls, &params, &payload, &number), ACURAST_INVALID);
    }
    char name[ACURAST__RPC_METHOD_MAX + 2];
    memset(name, 'm', sizeof name);
    name[sizeof name - 1] = '\0';
    params = (acurast__call_params){.encoding = ACURAST__RPC_JSON, .method = name};
    assert_int_equal(acurast__calls_begin(calls, &params, &payload, &number), ACURAST_INVALID);
    assert_int_equal(acurast__calls_open(calls), 1);
    acurast__buffer_clear(&payload);
    acurast__calls_destroy(calls);
}

/* Many calls that begin and end in any order: deadlines come in order, numbers are never used twice. */
static void churn(void **state)
{
    (void)state;
    enum {
        MOST = 200
    };
    acurast__calls *calls = acurast__calls_create(key, MOST);
    uint64_t open[MOST], last = 0, now = 0;
    size_t count = 0;
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t draw = random >> 16;
        if (count < MOST && draw % 3) {
            asked a = ask(calls, alice, draw & 16 ? ACURAST__RPC_JSON : ACURAST__RPC_MSGPACK, now + draw % 1000);
            assert_true(a.number != last);
            last = a.number;
            open[count++] = a.number;
            done(&a);
        } else if (count && draw % 2) {
            size_t at = draw % count;
            assert_true(acurast__calls_cancel(calls, open[at], NULL));
            assert_false(acurast__calls_cancel(calls, open[at], NULL));
            open[at] = open[--count];
        } else if (count) {
            acurast__call call;
            now = acurast__calls_next_deadline(calls) > now ? acurast__calls_next_deadline(calls) : now;
            assert_true(acurast__calls_expire(calls, now, &call));
            size_t at = 0;
            while (open[at] != call.number)
                assert_true(++at < count);
            open[at] = open[--count];
            assert_true(!count || acurast__calls_next_deadline(calls) + 1000 > now);
        }
        assert_int_equal(acurast__calls_open(calls), count);
    }
    uint64_t before = 0;
    for (acurast__call call; acurast__calls_open(calls);) {
        uint64_t next = acurast__calls_next_deadline(calls);
        assert_true(next >= before);
        before = next;
        assert_true(acurast__calls_expire(calls, UINT64_MAX, &call));
    }
    acurast__calls_destroy(calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_json), cmocka_unit_test(answers_msgpack), cmocka_unit_test(other_objects),
        cmocka_unit_test(forged),       cmocka_unit_test(crossed),         cmocka_unit_test(progress_value),
        cmocka_unit_test(long_ago),     cmocka_unit_test(bounds),          cmocka_unit_test(churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
