/*
 * One connection without a network: our client's session against the service's, the
 * random challenge being the vectors', one higher each time.
 */
#ifndef TESTS_SUPPORT_CONNECTION_H
#define TESTS_SUPPORT_CONNECTION_H

#include "support/identities.h"

#include "base/bytes.h"
#include "protocol/client_session.h"
#include "protocol/service_session.h"

static acurast_identity *p256;
static acurast_identity *ed25519;
static const uint8_t no_nonce[16];
static const uint8_t other[16] = {9, 9, 9};

/* The first challenge is the vectors'; each one after it differs. */
static uint8_t next_challenge[16];

static inline void next_random(void *bytes, size_t size)
{
    memcpy(bytes, next_challenge, size);
    next_challenge[15]++;
}

static acurast__service_terms terms;

static inline int set_up_test(void **state)
{
    (void)state;
    vectors_bytes(vectors_find("handshake/0/challenge"), next_challenge, 16);
    terms = (acurast__service_terms){.extensions = true, .max_frame = 1 << 20, .random = next_random};
    memset(terms.difficulty, 0xff, 16);
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    uint8_t secret[32];
    vectors_bytes(vectors_find("handshake/0/secret_key"), secret, sizeof secret);
    return acurast_identity_from_secret(ACURAST_KEY_P256, secret, sizeof secret, &p256) ||
           acurast_identity_from_secret(ACURAST_KEY_ED25519, secret, sizeof secret, &ed25519);
}

static inline int tear_down(void **state)
{
    (void)state;
    acurast_identity_release(p256);
    acurast_identity_release(ed25519);
    return 0;
}

/* One connection: our client's session against the service's, with the last result. */
typedef struct connection {
    acurast__client_session client;
    acurast__service_session service;
    acurast__service_result result;
    uint8_t response[ACURAST__RESPONSE_SIZE];
} connection;

static inline void open_as(connection *c, const acurast_identity *identity, const char *host, bool tls,
                           const char *name)
{
    acurast__client_session_init(&c->client, identity, name, identity == ed25519);
    assert_true(acurast__service_session_init(&c->service, host, tls));
}

static inline void open_plain(connection *c)
{
    open_as(c, p256, "example.org:9001", false, "example.org:9001");
}

static inline acurast__verdict receive(connection *c, const uint8_t *bytes, size_t size)
{
    memset(&c->result, 0x55, sizeof c->result);
    acurast__service_session_receive(&c->service, &terms, bytes, size, &c->result);
    return c->result.verdict;
}

static inline acurast__verdict send_header(connection *c, unsigned type, const uint8_t *sender)
{
    uint8_t bytes[ACURAST__HEADER_SIZE];
    acurast__frame_header(bytes, (acurast__frame_type)type, sender, NULL);
    return receive(c, bytes, sizeof bytes);
}

/* Init, challenge, and the response made but not yet sent. */
static inline void greet(connection *c)
{
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE];
    acurast__frame frame;
    size_t size = acurast__client_session_hello(&c->client, bytes);
    assert_int_equal(receive(c, bytes, size), ACURAST__VERDICT_REPLY);
    assert_int_equal(acurast__client_session_receive(&c->client, c->result.reply, c->result.reply_size, &frame),
                     ACURAST__CLIENT_NOW_CHALLENGED);
    assert_int_equal(acurast__client_session_respond(&c->client, no_nonce, c->response), ACURAST_OK);
}

static inline acurast__verdict respond(connection *c)
{
    return receive(c, c->response, sizeof c->response);
}

static inline acurast__verdict verify(connection *c)
{
    memset(&c->result, 0x55, sizeof c->result);
    acurast__service_session_verify(&c->service, &terms, &c->result);
    return c->result.verdict;
}

static inline void assert_accepted(connection *c)
{
    acurast__frame frame;
    assert_int_equal(c->result.verdict, ACURAST__VERDICT_ACCEPT);
    assert_int_equal(c->service.stage, ACURAST__SERVICE_ACCEPTED);
    assert_null(c->service.handshake);
    assert_memory_equal(c->service.id, c->client.id, 16);
    assert_int_equal(c->result.reply_size, ACURAST__HEADER_SIZE);
    assert_int_equal(acurast__client_session_receive(&c->client, c->result.reply, c->result.reply_size, &frame),
                     ACURAST__CLIENT_NOW_ACCEPTED);
}

static inline void assert_refused(connection *c, acurast__refusal refusal)
{
    assert_int_equal(c->result.verdict, ACURAST__VERDICT_REFUSE);
    assert_string_equal(acurast__refusal_info_of(c->result.refusal)->label, acurast__refusal_info_of(refusal)->label);
    assert_int_equal(c->service.stage, ACURAST__SERVICE_REFUSED);
    assert_null(c->service.handshake);
    assert_int_equal(respond(c), ACURAST__VERDICT_IGNORE); /* a refusal is final */
    assert_int_equal(send_header(c, ACURAST__FRAME_INIT, c->client.id), ACURAST__VERDICT_IGNORE);
    assert_int_equal(verify(c), ACURAST__VERDICT_IGNORE);
}

static inline void open_at(connection *c, acurast__service_stage stage)
{
    open_plain(c);
    if (stage >= ACURAST__SERVICE_CHALLENGED)
        greet(c);
    if (stage >= ACURAST__SERVICE_VERIFYING)
        respond(c);
    if (stage >= ACURAST__SERVICE_ACCEPTED)
        verify(c);
    assert_int_equal(c->service.stage, stage);
}

static inline void finish(connection *c)
{
    acurast__service_session_clear(&c->service);
    acurast__service_session_clear(&c->service); /* twice does no harm */
}

#endif
