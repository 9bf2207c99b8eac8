/*
 * An asker and an answerer at once. The input is a program: each step begins, cancels or expires calls, gives a payload to both, runs or
 * answers a request, or lets somebody be gone. What is begun is remembered, so that payloads can be real answers, changed at one place.
 * Each call ends once, each request is answered once, and nothing is out at the end.
 */
#include "fuzz.h"

#include "rpc/calls.h"
#include "rpc/serve.h"

#define MOST 8

typedef struct world {
    acurast__calls *calls;
    acurast__serve *serve;
    acurast__buffer asked[MOST]; /* what was sent */
    uint64_t open[MOST];         /* 0: ended */
    uint64_t running[MOST];
    uint64_t now;
} world;

static void sender(uint8_t id[16], uint8_t who)
{
    memset(id, 0, 16);
    id[0] = who & 3;
}

static void ended(world *w, uint64_t number)
{
    for (size_t i = 0; i < MOST; i++) {
        if (w->open[i] != number)
            continue;
        w->open[i] = 0;
        return;
    }
    REQUIRE(number == 0); /* it was not open */
}

static void begin(world *w, fuzz_input *input)
{
    size_t at = fuzz_byte(input) % MOST;
    uint8_t how = fuzz_byte(input);
    acurast__call_params params = {
        .encoding = how & 1 ? ACURAST__RPC_JSON : ACURAST__RPC_MSGPACK, .method = "a", .deadline = w->now + (how >> 4)};
    sender(params.recipient, (uint8_t)(how >> 1));
    if (w->open[at])
        return;
    acurast__buffer_clear(&w->asked[at]);
    REQUIRE(acurast__calls_begin(w->calls, &params, &w->asked[at], &w->open[at]) == ACURAST_OK);
}

static void receive(world *w, uint8_t who, const uint8_t *payload, size_t size, bool all)
{
    uint8_t id[16];
    acurast__rpc_parsed parsed;
    acurast__answer answer;
    acurast__reply reply;
    sender(id, who);
    acurast__rpc_parse(&parsed, payload, size, all);
    for (size_t i = 0; i < parsed.count; i++) {
        acurast__calls_verdict verdict =
            acurast__calls_receive(w->calls, id, parsed.encoding, &parsed.messages[i], &answer);
        if (verdict == ACURAST__CALLS_ANSWER)
            ended(w, answer.call.number);
    }
    if (acurast__serve_receive(w->serve, id, &parsed, payload, size, &reply))
        acurast__buffer_clear(&reply.payload);
    acurast__rpc_clear(&parsed);
}

/* A payload out of the input. */
static void said(world *w, fuzz_input *input)
{
    uint8_t how = fuzz_byte(input);
    size_t size = fuzz_byte(input);
    uint8_t *payload = fuzz_take(input, &size);
    receive(w, how, payload, size, how & 0x80);
    free(payload);
}

/* An answer to what was asked, by whom the input says, with one byte changed or none. */
static void answered(world *w, fuzz_input *input)
{
    const acurast__buffer *asked = &w->asked[fuzz_byte(input) % MOST];
    uint8_t who = fuzz_byte(input), change = fuzz_byte(input), kind = fuzz_byte(input);
    acurast__rpc_parsed parsed;
    acurast__buffer out = {0};
    if (!asked->size || acurast__rpc_parse(&parsed, asked->bytes, asked->size, false) != ACURAST__RPC_MESSAGES)
        return;
    acurast__raw id = parsed.one.part[ACURAST__RPC_PART_ID], value = {(const uint8_t *)"7", 1};
    if (kind % 3 == 0)
        acurast__rpc_write_result(&out, parsed.encoding, id, value);
    else if (kind % 3 == 1)
        acurast__rpc_write_error(&out, parsed.encoding, id, &(acurast__rpc_error){-5, "no", {NULL, 0}});
    else
        acurast__rpc_write_progress(&out, parsed.encoding, id, value);
    if (change)
        out.bytes[change % out.size] ^= kind;
    acurast__rpc_clear(&parsed);
    receive(w, who, out.bytes, out.size, false);
    acurast__buffer_clear(&out);
}

static void time_passes(world *w, fuzz_input *input)
{
    acurast__call call;
    w->now += fuzz_byte(input) & 15;
    while (acurast__calls_expire(w->calls, w->now, &call))
        ended(w, call.number);
    REQUIRE(acurast__calls_next_deadline(w->calls) > w->now);
}

static void run(world *w, fuzz_input *input)
{
    size_t at = fuzz_byte(input) % MOST;
    acurast__serve_request request;
    if (w->running[at] || !acurast__serve_next(w->serve, &request))
        return;
    w->running[at] = request.number;
    REQUIRE(strcmp(request.method, "a") == 0);
    REQUIRE(!request.params.size || acurast__rpc_valid(request.encoding, request.params.bytes, request.params.size));
}

static void finish(world *w, fuzz_input *input)
{
    uint8_t how = fuzz_byte(input);
    uint64_t *number = &w->running[how % MOST];
    acurast__raw value = {(const uint8_t *)"1", 1};
    acurast__reply reply;
    acurast_status status = how & 0x80   ? acurast__serve_answer(w->serve, *number, value, NULL, &reply)
                            : how & 0x40 ? acurast__serve_drop(w->serve, *number, &reply)
                                         : acurast__serve_progress(w->serve, *number, value, &reply);
    REQUIRE(status == (*number ? ACURAST_OK : ACURAST_NOT_FOUND) || (*number && status == ACURAST_NO_MEMORY));
    if (status == ACURAST_NO_MEMORY) /* a batch's answers are too many: it goes without this */
        (void)acurast__serve_drop(w->serve, *number, &reply);
    if (status == ACURAST_NO_MEMORY || how & 0xc0)
        *number = 0;
    acurast__rpc_parsed parsed;
    if (reply.payload.size) {
        REQUIRE(acurast__rpc_parse(&parsed, reply.payload.bytes, reply.payload.size, false) == ACURAST__RPC_MESSAGES);
        acurast__rpc_clear(&parsed);
    }
    acurast__buffer_clear(&reply.payload);
}

static void gone(world *w, fuzz_input *input)
{
    uint8_t id[16];
    uint32_t cursor = 0;
    acurast__call call;
    sender(id, fuzz_byte(input));
    while (acurast__calls_gone(w->calls, id, &cursor, &call))
        ended(w, call.number);
    for (uint64_t number; (number = acurast__serve_gone(w->serve, id));)
        for (size_t i = 0; i < MOST; i++)
            if (w->running[i] == number)
                w->running[i] = 0;
}

static void cancel(world *w, fuzz_input *input)
{
    size_t at = fuzz_byte(input) % MOST;
    REQUIRE(acurast__calls_cancel(w->calls, w->open[at], NULL) == (w->open[at] != 0));
    w->open[at] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const steps[])(world *, fuzz_input *) = {begin, said,   answered, time_passes,
                                                           run,   finish, gone,     cancel};
    static const uint8_t key[ACURAST__CALLS_KEY_SIZE] = {1};
    fuzz_input input = {data, size};
    world w = {
        .calls = acurast__calls_create(key, MOST),
        .serve = acurast__serve_create(&(acurast__serve_limits){.running = 4, .waiting = 6, .each = 5, .bytes = 4000})};
    REQUIRE(acurast__serve_method(w.serve, "a", NULL) == ACURAST_OK);
    while (input.left)
        steps[fuzz_byte(&input) % 8](&w, &input);
    size_t open = 0;
    for (size_t i = 0; i < MOST; i++)
        open += w.open[i] != 0;
    REQUIRE(open == acurast__calls_open(w.calls));
    acurast__calls_destroy(w.calls);
    acurast__serve_destroy(w.serve);
    for (size_t i = 0; i < MOST; i++)
        acurast__buffer_clear(&w.asked[i]);
    return 0;
}
