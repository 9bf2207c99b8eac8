/* Nanoseconds of processor time for what a request costs in the layer rpc, of which no part sends or waits: build/tests/bench_rpc */
#include "rpc/calls.h"
#include "rpc/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 100000
#define REPEATS 7

static const uint8_t key[ACURAST__CALLS_KEY_SIZE] = {1}, alice[16] = "alice";
static acurast__calls *calls;
static acurast__serve *serve;
static acurast__rpc_encoding encoding;
static acurast__buffer request;
static char plain_json[1024];

static void must(bool good)
{
    if (!good)
        abort();
}

static void parse(void)
{
    acurast__rpc_parsed parsed;
    must(acurast__rpc_parse(&parsed, request.bytes, request.size, false) == ACURAST__RPC_MESSAGES);
    acurast__rpc_clear(&parsed);
}

static void other(const void *payload, size_t size)
{
    acurast__rpc_parsed parsed;
    must(acurast__rpc_parse(&parsed, payload, size, false) == ACURAST__RPC_OTHER);
}

static void plain_text(void)
{
    other(plain_json + 1, sizeof plain_json - 1);
}

static void other_json(void)
{
    other(plain_json, sizeof plain_json);
}

static acurast__buffer answer(void)
{
    acurast__rpc_parsed parsed;
    acurast__reply reply;
    acurast__serve_request run;
    acurast__raw result = {(const uint8_t *)(encoding == ACURAST__RPC_JSON ? "17" : "\x11"),
                           encoding == ACURAST__RPC_JSON ? 2 : 1};
    must(acurast__rpc_parse(&parsed, request.bytes, request.size, false) == ACURAST__RPC_MESSAGES);
    must(acurast__serve_receive(serve, alice, &parsed, request.bytes, request.size, &reply));
    acurast__rpc_clear(&parsed);
    must(acurast__serve_next(serve, &run));
    must(acurast__serve_answer(serve, run.number, result, NULL, &reply) == ACURAST_OK);
    return reply.payload;
}

static void answer_it(void)
{
    acurast__buffer said = answer();
    acurast__buffer_clear(&said);
}

static uint64_t begin(acurast__buffer *payload)
{
    static const char json[] = "[\"btc\",{\"in\":\"usd\"}]", packed[] = "\x92\xa3"
                                                                        "btc\x81\xa2in\xa3usd";
    uint64_t number;
    acurast__call_params params = {.encoding = encoding, .method = "price", .deadline = 1000};
    params.params = encoding == ACURAST__RPC_JSON ? (acurast__raw){(const uint8_t *)json, sizeof json - 1}
                                                  : (acurast__raw){(const uint8_t *)packed, sizeof packed - 1};
    memcpy(params.recipient, alice, 16);
    must(acurast__calls_begin(calls, &params, payload, &number) == ACURAST_OK);
    return number;
}

static void begin_and_cancel(void)
{
    acurast__buffer payload = {0};
    must(acurast__calls_cancel(calls, begin(&payload), NULL));
    acurast__buffer_clear(&payload);
}

/* A whole request: asked, served, and its answer matched. */
static void round_trip(void)
{
    acurast__rpc_parsed parsed;
    acurast__answer got;
    request.size = 0;
    begin(&request);
    acurast__buffer said = answer();
    must(acurast__rpc_parse(&parsed, said.bytes, said.size, false) == ACURAST__RPC_MESSAGES);
    must(acurast__calls_receive(calls, alice, parsed.encoding, &parsed.one, &got) == ACURAST__CALLS_ANSWER);
    acurast__rpc_clear(&parsed);
    acurast__buffer_clear(&said);
}

static void measure(const char *what, void (*act)(void))
{
    double best = 1e18;
    for (int i = 0; i < REPEATS; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        for (int j = 0; j < ROUNDS; j++)
            act();
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        double each = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / ROUNDS;
        best = each < best ? each : best;
    }
    printf("  %-52s %7.0f ns\n", what, best);
}

int main(void)
{
    calls = acurast__calls_create(key, 1000);
    serve = acurast__serve_create(&(acurast__serve_limits){.running = 10, .waiting = 10, .bytes = 100000});
    must(calls && serve && acurast__serve_method(serve, "price", NULL) == ACURAST_OK);
    (void)snprintf(plain_json, sizeof plain_json, "{\"price\":\"%0990d\"}", 7);
    measure("1 KiB that is no JSON: not ours", plain_text);
    measure("1 KiB of JSON that is no JSON-RPC: not ours", other_json);
    for (encoding = ACURAST__RPC_JSON; encoding <= ACURAST__RPC_MSGPACK; encoding++) {
        request.size = 0;
        begin(&request);
        printf("%s, a request of %zu bytes\n", encoding == ACURAST__RPC_JSON ? "JSON-RPC" : "MessagePack-RPC",
               request.size);
        measure("parse", parse);
        measure("parse, take, hand out, build the answer", answer_it);
        measure("begin a call and cancel it", begin_and_cancel);
        measure("begin, serve, match the answer", round_trip);
    }
    acurast__buffer_clear(&request);
    acurast__calls_destroy(calls);
    acurast__serve_destroy(serve);
    return 0;
}
