/*
 * The service's session: the known handshake, every refusal with its reason, what
 * every frame means at every stage (by a model written apart), names that Ed25519
 * signatures carry, and the hot path.
 */
#include "support/connection.h"

#include "base/memory.h"

#include <openssl/crypto.h>

/* The service gives the vectors' challenge and gets the vectors' signature. */
static void known_handshake(void **state)
{
    (void)state;
    connection c;
    open_plain(&c);
    uint8_t id[16], body[ACURAST__RESPONSE_BODY_SIZE], bytes[ACURAST__RESPONSE_SIZE];
    vectors_bytes(vectors_find("handshake/0/id"), id, 16);
    assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, id), ACURAST__VERDICT_REPLY);

    vectors_bytes(vectors_find("handshake/0/challenge"), body, 16);
    assert_memory_equal(c.result.reply + ACURAST__HEADER_SIZE + 16, body, 16);
    vectors_bytes(vectors_find("handshake/0/public_key"), body + 16, 33);
    vectors_bytes(vectors_find("handshake/0/nonce"), body + 49, 16);
    vectors_bytes(vectors_find("handshake/0/signature"), body + 65, 64);
    acurast__frame_header(bytes, ACURAST__FRAME_RESPONSE, id, NULL);
    memcpy(bytes + ACURAST__HEADER_SIZE, body, sizeof body);
    assert_int_equal(receive(&c, bytes, sizeof bytes), ACURAST__VERDICT_VERIFY);
    assert_int_equal(verify(&c), ACURAST__VERDICT_ACCEPT);
    assert_memory_equal(c.service.id, id, 16);
    finish(&c);
}

/* A bare init gets exactly the 65 bytes that the vendor's client expects: it would sign what comes after them. */
static void bare_init_bare_challenge(void **state)
{
    (void)state;
    static const char *const tails[] = {"", "A", "ACX", "anything", "ACX2\x81"};
    for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
        connection c;
        open_plain(&c);
        uint8_t bytes[64];
        acurast__frame_header(bytes, ACURAST__FRAME_INIT, c.client.id, NULL);
        memcpy(bytes + ACURAST__HEADER_SIZE, tails[i], strlen(tails[i]));
        assert_int_equal(receive(&c, bytes, ACURAST__HEADER_SIZE + strlen(tails[i])), ACURAST__VERDICT_REPLY);
        assert_int_equal(c.result.reply_size, 65);
        assert_int_equal(c.result.reply[0], 0x11);
        assert_memory_equal(c.result.reply + 1, acurast__id_service, 16);
        assert_memory_equal(c.result.reply + 17, c.client.id, 16);
        assert_memory_equal(c.result.reply + 33, terms.difficulty, 16);
        finish(&c);
    }
}

static size_t init_with(uint8_t *bytes, const uint8_t *id, const void *block, size_t size)
{
    acurast__frame_header(bytes, ACURAST__FRAME_INIT, id, NULL);
    memcpy(bytes + ACURAST__HEADER_SIZE, block, size);
    return ACURAST__HEADER_SIZE + size;
}

static void blocks_are_answered(void **state)
{
    (void)state;
    for (int wanted = 0; wanted < 2; wanted++)
        for (int allowed = 0; allowed < 2; allowed++) {
            connection c;
            uint8_t bytes[ACURAST__HELLO_MAX_SIZE], block[ACURAST__EXTENSION_MAX_SIZE];
            acurast__extension own = {.ed25519 = wanted, .agent = "somebody"}, said;
            size_t size = acurast__extension_encode(block, sizeof block, &own);
            terms.extensions = allowed;
            open_plain(&c);
            assert_int_equal(receive(&c, bytes, init_with(bytes, c.client.id, block, size)), ACURAST__VERDICT_REPLY);
            acurast__extension_result result =
                acurast__extension_decode(&said, c.result.reply + 65, c.result.reply_size - 65);
            assert_int_equal(result, allowed ? ACURAST__EXTENSION_PRESENT : ACURAST__EXTENSION_NONE);
            assert_int_equal(said.ed25519, allowed && wanted);
            assert_true(said.max_frame == (allowed ? terms.max_frame : 0));
            finish(&c);
        }
}

static void malformed_block(void **state)
{
    (void)state;
    connection c;
    uint8_t bytes[64];
    open_plain(&c);
    receive(&c, bytes, init_with(bytes, c.client.id, "ACX1\x81", 5));
    assert_refused(&c, ACURAST__REFUSE_EXTENSION);

    terms.extensions = false; /* then it is bytes after an init, no more */
    open_plain(&c);
    assert_int_equal(receive(&c, bytes, init_with(bytes, c.client.id, "ACX1\x81", 5)), ACURAST__VERDICT_REPLY);
    assert_int_equal(c.result.reply_size, 65);
    finish(&c);
}

static void both_kinds_get_in(void **state)
{
    (void)state;
    const acurast_identity *identities[] = {p256, ed25519};
    for (int i = 0; i < 2; i++) {
        connection c;
        open_as(&c, identities[i], "example.org:9001", false, "example.org:9001");
        greet(&c);
        assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
        verify(&c);
        assert_accepted(&c);
        finish(&c);
    }
}

static void every_init_renews_the_challenge(void **state)
{
    (void)state;
    connection c;
    uint8_t first[16], last[16];
    open_plain(&c);
    greet(&c);
    memcpy(first, c.response + ACURAST__HEADER_SIZE, 16);
    assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, c.client.id), ACURAST__VERDICT_REPLY);
    memcpy(last, c.result.reply + 49, 16);
    assert_memory_not_equal(first, last, 16);
    respond(&c);
    assert_refused(&c, ACURAST__REFUSE_CHALLENGE);

    open_plain(&c);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, c.client.id), ACURAST__VERDICT_REPLY);
    greet(&c); /* the fourth and last */
    assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
    verify(&c);
    assert_accepted(&c);
    finish(&c);

    open_plain(&c);
    for (int i = 0; i < 4; i++)
        assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, c.client.id), ACURAST__VERDICT_REPLY);
    send_header(&c, ACURAST__FRAME_INIT, c.client.id);
    assert_refused(&c, ACURAST__REFUSE_TOO_MANY_INITS);
}

/* An init without the block takes Ed25519 back that an earlier one had asked for. */
static void the_last_init_counts(void **state)
{
    (void)state;
    connection c;
    open_as(&c, ed25519, "example.org:9001", false, "example.org:9001");
    greet(&c);
    next_challenge[15]--;
    assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, c.client.id), ACURAST__VERDICT_REPLY);
    respond(&c);
    assert_refused(&c, ACURAST__REFUSE_UNSUPPORTED);
}

static void wrong_challenges(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 128; bit++) {
        connection c;
        open_at(&c, ACURAST__SERVICE_CHALLENGED);
        c.response[ACURAST__HEADER_SIZE + bit / 8] ^= (uint8_t)(1 << bit % 8);
        respond(&c);
        assert_refused(&c, ACURAST__REFUSE_CHALLENGE);
    }
}

static void foreign_and_replayed_responses(void **state)
{
    (void)state;
    connection a, b;
    open_at(&a, ACURAST__SERVICE_CHALLENGED);
    open_at(&b, ACURAST__SERVICE_CHALLENGED);
    receive(&b, a.response, sizeof a.response);
    assert_refused(&b, ACURAST__REFUSE_CHALLENGE);
    respond(&a);
    verify(&a);
    assert_accepted(&a);

    open_at(&b, ACURAST__SERVICE_CHALLENGED); /* the same response on a later connection */
    receive(&b, a.response, sizeof a.response);
    assert_refused(&b, ACURAST__REFUSE_CHALLENGE);
    open_plain(&b);
    receive(&b, a.response, sizeof a.response);
    assert_refused(&b, ACURAST__REFUSE_NO_CHALLENGE);
    finish(&a);
}

static void response_before_init(void **state)
{
    (void)state;
    connection c;
    open_plain(&c);
    memset(c.response, 0, sizeof c.response);
    acurast__frame_header(c.response, ACURAST__FRAME_RESPONSE, c.client.id, NULL);
    respond(&c); /* a challenge of zeros, which was never given */
    assert_refused(&c, ACURAST__REFUSE_NO_CHALLENGE);
}

static void id_must_fit_the_key(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 128; bit += 5) {
        connection c;
        open_at(&c, ACURAST__SERVICE_CHALLENGED);
        c.response[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        respond(&c);
        assert_refused(&c, ACURAST__REFUSE_IDENTITY);
    }
}

/* Puts another public key into the response, with the id that fits it. */
static void set_key(connection *c, const uint8_t key[33])
{
    memcpy(c->response + ACURAST__HEADER_SIZE + 16, key, 33);
    acurast__key_id(c->response + 1, key);
}

static void keys_that_are_none(void **state)
{
    (void)state;
    for (unsigned row = 0; row < 6; row++) {
        uint8_t key[33];
        connection c;
        open_at(&c, ACURAST__SERVICE_CHALLENGED);
        acurast_identity_public_key(p256, key);
        if (row < 4) {
            static const uint8_t tags[] = {0x00, 0x04, 0x05, 0xff};
            key[0] = tags[row];
        } else {
            memset(key + 1, row == 4 ? 0xff : 0, 32); /* above the prime; no point has x = 1 */
            key[32] = row == 4 ? 0xff : 1;
        }
        set_key(&c, key);
        assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
        verify(&c);
        assert_refused(&c, ACURAST__REFUSE_KEY);
    }
}

static void ed25519_keys_that_are_none(void **state)
{
    (void)state;
    for (int row = 0; row < 3; row++) {
        uint8_t key[33] = {ACURAST__ED25519_TAG}; /* y = 0 and y = 1 are of small order */
        connection c;
        open_as(&c, ed25519, "example.org:9001", false, "example.org:9001");
        greet(&c);
        if (row == 1)
            key[1] = 1;
        if (row == 2)
            memset(key + 1, 0xff, 32); /* not canonical */
        set_key(&c, key);
        assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
        verify(&c);
        assert_refused(&c, ACURAST__REFUSE_KEY);
    }
}

static void ed25519_out_of_force(void **state)
{
    (void)state;
    connection c;
    uint8_t key[33];
    acurast_identity_public_key(ed25519, key);
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    set_key(&c, key);
    respond(&c);
    assert_refused(&c, ACURAST__REFUSE_UNSUPPORTED);
}

static void wrong_signatures(void **state)
{
    (void)state;
    const acurast_identity *identities[] = {p256, ed25519};
    for (unsigned bit = 0; bit < 512; bit += 7)
        for (int i = 0; i < 2; i++) {
            connection c;
            open_as(&c, identities[i], "example.org:9001", false, "example.org:9001");
            greet(&c);
            c.response[ACURAST__HEADER_SIZE + 65 + bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
            verify(&c);
            assert_refused(&c, ACURAST__REFUSE_SIGNATURE);
        }
}

/* The nonce is signed too. */
static void another_nonce(void **state)
{
    (void)state;
    connection c;
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    c.response[ACURAST__HEADER_SIZE + 49] ^= 1;
    assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
    verify(&c);
    assert_refused(&c, ACURAST__REFUSE_SIGNATURE);
}

/* Several things wrong at once: the cheapest check speaks. */
static void the_order_of_cost(void **state)
{
    (void)state;
    uint8_t no_key[33] = {7};
    connection c;
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    memset(terms.difficulty, 0, 16);
    set_key(&c, no_key);
    c.response[1] ^= 1;
    c.response[ACURAST__HEADER_SIZE] ^= 1;
    respond(&c);
    assert_refused(&c, ACURAST__REFUSE_CHALLENGE);

    set_up_test(NULL);
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    memset(terms.difficulty, 0, 16);
    set_key(&c, no_key);
    c.response[1] ^= 1;
    respond(&c);
    assert_refused(&c, ACURAST__REFUSE_IDENTITY);

    set_up_test(NULL);
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    memset(terms.difficulty, 0, 16);
    set_key(&c, no_key);
    respond(&c);
    verify(&c);
    assert_refused(&c, ACURAST__REFUSE_WORK);

    set_up_test(NULL);
    open_at(&c, ACURAST__SERVICE_CHALLENGED);
    set_key(&c, no_key);
    c.response[ACURAST__RESPONSE_SIZE - 1] ^= 1;
    respond(&c);
    verify(&c);
    assert_refused(&c, ACURAST__REFUSE_KEY);
}

typedef struct expectation {
    acurast__verdict verdict;
    acurast__refusal refusal;
} expectation;

#define REFUSED(name) ((expectation){ACURAST__VERDICT_REFUSE, ACURAST__REFUSE_##name})
#define IGNORED ((expectation){ACURAST__VERDICT_IGNORE, ACURAST__REFUSAL_COUNT})

/* protocol.md once more, as a table. Responses here carry zeros: no challenge that was given. */
static expectation model(unsigned stage, unsigned version, unsigned type, bool own, size_t body)
{
    bool accepted = stage == ACURAST__SERVICE_ACCEPTED, verifying = stage == ACURAST__SERVICE_VERIFYING;
    if (stage == ACURAST__SERVICE_REFUSED)
        return IGNORED;
    if (version != 1)
        return accepted ? IGNORED : REFUSED(VERSION);
    switch (type) {
    case 0:
        return accepted || verifying ? IGNORED : (expectation){ACURAST__VERDICT_REPLY, ACURAST__REFUSAL_COUNT};
    case 2:
        if (accepted || verifying)
            return REFUSED(SECOND_RESPONSE);
        if (body != ACURAST__RESPONSE_BODY_SIZE)
            return REFUSED(MALFORMED);
        return stage == ACURAST__SERVICE_NEW ? REFUSED(NO_CHALLENGE) : REFUSED(CHALLENGE);
    case 4:
        if (!accepted)
            return REFUSED(EARLY_PAYLOAD);
        return own ? (expectation){ACURAST__VERDICT_RELAY, ACURAST__REFUSAL_COUNT} : REFUSED(FORGED_SENDER);
    default:
        return accepted ? IGNORED : REFUSED(TYPE);
    }
}

static void every_frame_at_every_stage(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 1, 32, 128, 129, 130, 500};
    connection at[ACURAST__SERVICE_REFUSED + 1];
    acurast__service_handshake kept[ARRAY_SIZE(at)];
    for (unsigned stage = 0; stage < ACURAST__SERVICE_REFUSED; stage++)
        open_at(&at[stage], (acurast__service_stage)stage);
    open_plain(&at[ACURAST__SERVICE_REFUSED]);
    acurast__service_session_clear(&at[ACURAST__SERVICE_REFUSED].service);
    for (unsigned stage = 0; stage < ARRAY_SIZE(at); stage++)
        if (at[stage].service.handshake)
            kept[stage] = *at[stage].service.handshake;

    for (unsigned i = 0; i < ARRAY_SIZE(at) * 256 * 3 * ARRAY_SIZE(bodies); i++) {
        unsigned rest = i, stage = rest % ARRAY_SIZE(at), first = (rest /= ARRAY_SIZE(at)) % 256;
        unsigned sender = (rest /= 256) % 3;
        size_t body = bodies[rest / 3];
        const uint8_t *ids[] = {at[0].client.id, other, acurast__id_service};
        uint8_t bytes[1024] = {(uint8_t)first};
        memcpy(bytes + 1, ids[sender], 16);

        connection c = at[stage];
        if (c.service.handshake)
            c.service.handshake = acurast__copy(&kept[stage], sizeof kept[stage]);
        bool relay = acurast__service_session_relay(&c.service, bytes, ACURAST__HEADER_SIZE + body);
        expectation expected = model(stage, first / 16, first % 16, sender == 0, body);
        assert_int_equal(receive(&c, bytes, ACURAST__HEADER_SIZE + body), expected.verdict);
        assert_int_equal(relay, expected.verdict == ACURAST__VERDICT_RELAY);
        if (expected.verdict == ACURAST__VERDICT_REFUSE)
            assert_refused(&c, expected.refusal);
        if (relay)
            assert_ptr_equal(c.result.recipient, bytes + 17);
        finish(&c);
    }
    for (unsigned stage = 0; stage < ARRAY_SIZE(at); stage++)
        finish(&at[stage]);
}

static void every_truncation(void **state)
{
    (void)state;
    for (unsigned stage = 0; stage < ACURAST__SERVICE_REFUSED; stage++)
        for (size_t size = 0; size < ACURAST__HEADER_SIZE; size++) {
            connection c;
            open_at(&c, (acurast__service_stage)stage);
            uint8_t *bytes = calloc(1, size + !size);
            if (size > 0)
                bytes[0] = 0x14;
            assert_false(acurast__service_session_relay(&c.service, bytes, size));
            receive(&c, bytes, size);
            assert_refused(&c, ACURAST__REFUSE_MALFORMED);
            free(bytes);
        }
}

static void init_while_verifying(void **state)
{
    (void)state;
    connection c;
    open_at(&c, ACURAST__SERVICE_VERIFYING);
    assert_int_equal(send_header(&c, ACURAST__FRAME_INIT, other), ACURAST__VERDICT_IGNORE);
    verify(&c);
    assert_accepted(&c);
    finish(&c);
}

static void work_is_demanded(void **state)
{
    (void)state;
    connection c;
    uint8_t nonce[16] = {0};
    memset(terms.difficulty, 0xff, 16);
    terms.difficulty[0] = 0x0f;
    bool refused = false, accepted = false;
    for (unsigned tried = 0; tried < 256 && !(refused && accepted); tried++) {
        uint8_t bytes[ACURAST__HELLO_MAX_SIZE];
        acurast__frame frame;
        open_plain(&c);
        nonce[3] = (uint8_t)tried;
        size_t size = acurast__client_session_hello(&c.client, bytes);
        receive(&c, bytes, size);
        acurast__client_session_receive(&c.client, c.result.reply, c.result.reply_size, &frame);
        acurast__client_session_respond(&c.client, nonce, c.response);
        respond(&c);
        if (verify(&c) == ACURAST__VERDICT_ACCEPT) {
            assert_accepted(&c);
            accepted = true;
        } else {
            assert_refused(&c, ACURAST__REFUSE_WORK);
            refused = true;
        }
        finish(&c);
    }
    assert_true(refused && accepted);
}

static bool ed25519_gets_in(const char *host, bool tls, const char *name)
{
    connection c;
    open_as(&c, ed25519, host, tls, name);
    greet(&c);
    assert_int_equal(respond(&c), ACURAST__VERDICT_VERIFY);
    bool in = verify(&c) == ACURAST__VERDICT_ACCEPT;
    if (!in)
        assert_refused(&c, ACURAST__REFUSE_SIGNATURE);
    finish(&c);
    return in;
}

static void names_by_host(void **state)
{
    (void)state;
    assert_true(ed25519_gets_in("example.org:9001", false, "example.org:9001"));
    assert_true(ed25519_gets_in("EXAMPLE.org:9001", true, "example.org:9001"));
    assert_false(ed25519_gets_in("example.org:9001", false, "example.org:9002"));
    assert_false(ed25519_gets_in("example.org:9001", false, "example.org"));
    assert_false(ed25519_gets_in("example.org:9001", false, "rogue.org:9001"));
    for (int tls = 0; tls < 2; tls++) { /* no port: either default, since a proxy may have ended TLS */
        assert_true(ed25519_gets_in("example.org", tls, "example.org:443"));
        assert_true(ed25519_gets_in("example.org", tls, "example.org:80"));
        assert_true(ed25519_gets_in("[::1]", tls, "[::1]:80"));
        assert_true(ed25519_gets_in("[::1]:9001", tls, "[::1]:9001"));
        assert_false(ed25519_gets_in("example.org", tls, "example.org"));
        assert_false(ed25519_gets_in("example.org", tls, "example.org:8080"));
        assert_false(ed25519_gets_in("example.org:443", tls, "example.org:80"));
        assert_false(ed25519_gets_in(NULL, tls, "example.org:443"));
        assert_false(ed25519_gets_in("", tls, ":443"));
    }
}

static void long_hosts(void **state)
{
    (void)state;
    for (size_t length = 250; length < 264; length++) {
        char host[300], name[300];
        memset(host, 'x', length);
        memcpy(host + length - 5, ":9001", 6);
        memcpy(name, host, sizeof name);
        name[length < 259 ? length : 259] = '\0'; /* the longest that a client can sign */
        assert_int_equal(ed25519_gets_in(host, false, name), length <= 259);
    }
}

static void names_by_configuration(void **state)
{
    (void)state;
    static const char *const names[] = {"a.example.org:443", "b.example.org:9001", NULL};
    static const char *const none[] = {NULL};
    terms.names = names;
    assert_true(ed25519_gets_in("whatever", true, "a.example.org:443"));
    assert_true(ed25519_gets_in(NULL, true, "b.example.org:9001"));
    assert_false(ed25519_gets_in("c.example.org:443", true, "c.example.org:443"));
    terms.names = none;
    assert_true(ed25519_gets_in("c.example.org:443", true, "c.example.org:443"));
}

static void no_memory(void **state)
{
    (void)state;
    acurast__service_session session;
    acurast__memory_fail_at(1);
    assert_false(acurast__service_session_init(&session, "host", false));
    acurast__memory_fail_at(0);
    acurast__service_session_clear(&session);
    assert_null(session.handshake);
}

static bool starving;

static void *starve_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return starving ? NULL : malloc(size);
}

static void *starve_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return starving ? NULL : realloc(block, size);
}

static void starve_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

/* Not the client's fault: it is told to come again. */
static void no_memory_to_verify(void **state)
{
    (void)state;
    connection c;
    open_at(&c, ACURAST__SERVICE_VERIFYING);
    starving = true;
    verify(&c);
    starving = false;
    assert_refused(&c, ACURAST__REFUSE_NO_MEMORY);
}

static void refusals_have_their_codes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ACURAST__REFUSAL_COUNT; i++) {
        const acurast__refusal_info *info = acurast__refusal_info_of((acurast__refusal)i);
        assert_true(info->code == 1002 || info->code == 1008 || info->code == 1011);
        assert_in_range(strlen(info->reason), 1, 123); /* what a close frame can hold */
        assert_in_range(strlen(info->label), 1, 20);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->label, acurast__refusal_info_of((acurast__refusal)j)->label);
    }
}

/* Noise never gets in, and never past a refusal. */
static void noise(void **state)
{
    (void)state;
    uint32_t random = 3;
    for (unsigned round = 0; round < 20000; round++) {
        connection c;
        open_plain(&c);
        for (int message = 0; message < 4; message++) {
            uint8_t bytes[ACURAST__RESPONSE_SIZE];
            for (size_t i = 0; i < sizeof bytes; i++) {
                random = random * 1664525 + 1013904223;
                bytes[i] = (uint8_t)(random >> 24);
            }
            if (random & 0x10000)
                bytes[0] = message ? 0x12 : 0x10;
            acurast__service_stage before = c.service.stage;
            receive(&c, bytes, random & 0x20000 ? sizeof bytes : bytes[1] % sizeof bytes);
            assert_int_not_equal(c.service.stage, ACURAST__SERVICE_ACCEPTED);
            if (before == ACURAST__SERVICE_REFUSED)
                assert_int_equal(c.result.verdict, ACURAST__VERDICT_IGNORE);
        }
        finish(&c);
    }
}

int main(void)
{
    if (CRYPTO_set_mem_functions(starve_malloc, starve_realloc, starve_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(known_handshake, set_up_test),
        cmocka_unit_test_setup(bare_init_bare_challenge, set_up_test),
        cmocka_unit_test_setup(blocks_are_answered, set_up_test),
        cmocka_unit_test_setup(malformed_block, set_up_test),
        cmocka_unit_test_setup(both_kinds_get_in, set_up_test),
        cmocka_unit_test_setup(every_init_renews_the_challenge, set_up_test),
        cmocka_unit_test_setup(the_last_init_counts, set_up_test),
        cmocka_unit_test_setup(wrong_challenges, set_up_test),
        cmocka_unit_test_setup(foreign_and_replayed_responses, set_up_test),
        cmocka_unit_test_setup(response_before_init, set_up_test),
        cmocka_unit_test_setup(id_must_fit_the_key, set_up_test),
        cmocka_unit_test_setup(keys_that_are_none, set_up_test),
        cmocka_unit_test_setup(ed25519_keys_that_are_none, set_up_test),
        cmocka_unit_test_setup(ed25519_out_of_force, set_up_test),
        cmocka_unit_test_setup(wrong_signatures, set_up_test),
        cmocka_unit_test_setup(another_nonce, set_up_test),
        cmocka_unit_test_setup(the_order_of_cost, set_up_test),
        cmocka_unit_test_setup(every_frame_at_every_stage, set_up_test),
        cmocka_unit_test_setup(every_truncation, set_up_test),
        cmocka_unit_test_setup(init_while_verifying, set_up_test),
        cmocka_unit_test_setup(work_is_demanded, set_up_test),
        cmocka_unit_test_setup(names_by_host, set_up_test),
        cmocka_unit_test_setup(long_hosts, set_up_test),
        cmocka_unit_test_setup(names_by_configuration, set_up_test),
        cmocka_unit_test_setup(no_memory, set_up_test),
        cmocka_unit_test_setup(no_memory_to_verify, set_up_test),
        cmocka_unit_test_setup(refusals_have_their_codes, set_up_test),
        cmocka_unit_test_setup(noise, set_up_test),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
