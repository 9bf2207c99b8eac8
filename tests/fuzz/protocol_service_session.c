/*
 * Messages to a service's session. The first byte holds the terms; then come messages, each with its size in a byte before it,
 * and: 255 verify, 254 the right response to the last challenge, 253 that response with a byte changed.
 * Nobody gets in but by an unchanged response, and nothing is relayed but from whoever got in.
 */
#include "fuzz.h"

#include "protocol/client_session.h"
#include "protocol/service_session.h"

static acurast_identity *identities[2];

typedef struct game {
    acurast__service_session service;
    acurast__service_terms terms;
    acurast__client_session client;
    bool honest; /* the response in hand is right */
    bool refused;
} game;

static void next_random(void *bytes, size_t size)
{
    static uint8_t count;
    memset(bytes, ++count, size);
}

static void greet_client(game *g, const acurast__service_result *result)
{
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE];
    acurast__frame frame;
    acurast__client_session_init(&g->client, g->client.identity, "example.org:443", g->client.extensions);
    acurast__client_session_hello(&g->client, bytes);
    acurast__client_session_receive(&g->client, result->reply, result->reply_size, &frame);
}

static void judge(game *g, const acurast__service_result *result, const uint8_t *bytes, bool relayed)
{
    if (g->refused)
        REQUIRE(result->verdict == ACURAST__VERDICT_IGNORE);
    REQUIRE(relayed == (result->verdict == ACURAST__VERDICT_RELAY));
    switch (result->verdict) {
    case ACURAST__VERDICT_REPLY:
        REQUIRE(result->reply_size >= 65 && result->reply_size <= sizeof result->reply);
        greet_client(g, result);
        break;
    case ACURAST__VERDICT_RELAY:
        REQUIRE(g->honest && result->recipient == bytes + 17);
        break;
    case ACURAST__VERDICT_ACCEPT:
        REQUIRE(g->honest && memcmp(g->service.id, g->client.id, 16) == 0);
        break;
    case ACURAST__VERDICT_REFUSE:
        REQUIRE(acurast__refusal_info_of(result->refusal)->code != 0);
        g->refused = true;
        break;
    default:
        break;
    }
}

static void send_message(game *g, const uint8_t *bytes, size_t size)
{
    acurast__service_result result;
    bool relayed = acurast__service_session_relay(&g->service, bytes, size);
    acurast__service_session_receive(&g->service, &g->terms, bytes, size, &result);
    judge(g, &result, bytes, relayed);
}

static void send_noise(game *g, fuzz_input *input, size_t size)
{
    uint8_t *bytes = fuzz_take(input, &size);
    if (size >= ACURAST__HEADER_SIZE && bytes[32] == 0xaa) /* the fuzzer cannot guess an id */
        memcpy(bytes + 1, g->client.id, 16);
    send_message(g, bytes, size);
    free(bytes);
}

static void send_response(game *g, fuzz_input *input, bool changed)
{
    static const uint8_t nonce[16];
    uint8_t bytes[ACURAST__RESPONSE_SIZE];
    if (acurast__client_session_respond(&g->client, nonce, bytes) != ACURAST_OK)
        return;
    if (changed)
        bytes[1 + fuzz_byte(input) % (sizeof bytes - 1)] ^= (uint8_t)(1 | fuzz_byte(input));
    g->honest = g->honest || !changed || memcmp(bytes + 17, acurast__id_service, 16) != 0;
    send_message(g, bytes, sizeof bytes);
}

static void verify(game *g)
{
    acurast__service_result result;
    acurast__service_session_verify(&g->service, &g->terms, &result);
    judge(g, &result, NULL, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[32] = {1};
    static const char *const names[] = {"other.org:443", "example.org:443", NULL};
    fuzz_input input = {data, size};
    uint8_t flags = fuzz_byte(&input);
    for (int i = 0; i < 2; i++)
        if (!identities[i])
            acurast_identity_from_secret((acurast_key_kind)(i + 1), secret, sizeof secret, &identities[i]);
    game g = {.terms = {.extensions = flags & 2, .random = next_random, .names = flags & 4 ? names : NULL}};
    memset(g.terms.difficulty, 0xff, 16);
    acurast__client_session_init(&g.client, identities[flags & 1], "example.org:443", flags & 2);
    REQUIRE(acurast__service_session_init(&g.service, "Example.org", flags & 8));
    while (input.left > 0) {
        uint8_t next = fuzz_byte(&input);
        if (next == 255)
            verify(&g);
        else if (next >= 253)
            send_response(&g, &input, next == 253);
        else
            send_noise(&g, &input, next);
    }
    acurast__service_session_clear(&g.service);
    return 0;
}
