/*
 * The client's session: what it sends, that it signs once, and what it makes of every
 * frame at every stage, judged by a model that is written apart from it.
 */
#include "support/unit.h"

#include "crypto/key.h"
#include "crypto/work.h"
#include "protocol/client_session.h"

#include "support/vectors.h"

static acurast_identity *p256;
static acurast_identity *ed25519;
static const uint8_t no_nonce[16];
static const uint8_t other[16] = {9, 9, 9};

static int set_up(void **state)
{
    (void)state;
    uint8_t secret[32];
    vectors_bytes(vectors_find("handshake/0/secret_key"), secret, sizeof secret);
    return acurast_identity_from_secret(ACURAST_KEY_P256, secret, sizeof secret, &p256) ||
           acurast_identity_from_secret(ACURAST_KEY_ED25519, secret, sizeof secret, &ed25519);
}

static int tear_down(void **state)
{
    (void)state;
    acurast_identity_release(p256);
    acurast_identity_release(ed25519);
    return 0;
}

static acurast__client_session session_of(const acurast_identity *identity, bool extensions)
{
    acurast__client_session session;
    acurast__client_session_init(&session, identity, "example.org:443", extensions);
    return session;
}

/* A challenge from the service to the session, with `extra` bytes after it. */
static size_t challenge(const acurast__client_session *session, uint8_t *bytes, const void *extra, size_t extra_size)
{
    size_t size = acurast__frame_header(bytes, ACURAST__FRAME_CHALLENGE, NULL, session->id);
    memset(bytes + size, 0xff, 16);
    vectors_bytes(vectors_find("handshake/0/challenge"), bytes + size + 16, 16);
    size += ACURAST__CHALLENGE_BODY_SIZE;
    if (extra_size)
        memcpy(bytes + size, extra, extra_size);
    return size + extra_size;
}

static acurast__client_input receive_challenge(acurast__client_session *session, const void *extra, size_t extra_size)
{
    uint8_t bytes[2048];
    acurast__frame frame;
    size_t size = challenge(session, bytes, extra, extra_size);
    return acurast__client_session_receive(session, bytes, size, &frame);
}

static acurast__client_input receive_accepted(acurast__client_session *session)
{
    uint8_t bytes[ACURAST__HEADER_SIZE];
    acurast__frame frame;
    acurast__frame_header(bytes, ACURAST__FRAME_ACCEPTED, NULL, session->id);
    return acurast__client_session_receive(session, bytes, sizeof bytes, &frame);
}

static acurast__client_session session_at(acurast__client_stage stage)
{
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE];
    acurast__client_session session = session_of(p256, false);
    if (stage >= ACURAST__CLIENT_GREETED)
        acurast__client_session_hello(&session, bytes);
    if (stage >= ACURAST__CLIENT_CHALLENGED)
        receive_challenge(&session, NULL, 0);
    if (stage >= ACURAST__CLIENT_RESPONDED)
        acurast__client_session_respond(&session, no_nonce, bytes);
    if (stage >= ACURAST__CLIENT_ACCEPTED)
        receive_accepted(&session);
    assert_int_equal(session.stage, stage);
    return session;
}

static void hello(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], id[16];
    acurast__client_session session = session_of(p256, false);
    vectors_bytes(vectors_find("handshake/0/id"), id, 16);
    assert_int_equal(acurast__client_session_hello(&session, bytes), ACURAST__HEADER_SIZE);
    assert_int_equal(bytes[0], 0x10);
    assert_memory_equal(bytes + 1, id, 16);
    assert_memory_equal(bytes + 17, acurast__id_service, 16);

    for (int kind = 0; kind < 2; kind++) {
        acurast__extension block;
        session = session_of(kind ? ed25519 : p256, true);
        size_t size = acurast__client_session_hello(&session, bytes);
        assert_int_equal(acurast__extension_decode(&block, bytes + ACURAST__HEADER_SIZE, size - ACURAST__HEADER_SIZE),
                         ACURAST__EXTENSION_PRESENT);
        assert_int_equal(block.ed25519, kind);
        assert_int_equal(strncmp(block.agent, "libacurast/", 11), 0);
    }
}

static void response_to_the_known_challenge(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], expected[64], digest[32];
    acurast__client_session session = session_of(p256, false);
    acurast__client_session_hello(&session, bytes);
    assert_int_equal(receive_challenge(&session, NULL, 0), ACURAST__CLIENT_NOW_CHALLENGED);
    assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes), ACURAST_OK);

    acurast__frame frame;
    acurast__response response;
    assert_true(acurast__frame_decode(&frame, bytes, ACURAST__RESPONSE_SIZE));
    assert_int_equal(frame.type, ACURAST__FRAME_RESPONSE);
    assert_memory_equal(frame.sender, session.id, 16);
    assert_memory_equal(frame.recipient, acurast__id_service, 16);
    assert_true(acurast__response_decode(&response, &frame));
    vectors_bytes(vectors_find("handshake/0/challenge"), expected, 16);
    assert_memory_equal(response.challenge, expected, 16);
    vectors_bytes(vectors_find("handshake/0/public_key"), expected, 33);
    assert_memory_equal(response.public_key, expected, 33);
    assert_memory_equal(response.nonce, no_nonce, 16);
    acurast__work_digest(digest, response.challenge, response.public_key, response.nonce);
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, response.public_key, digest, response.signature), ACURAST_OK);
}

static void signs_once(void **state)
{
    (void)state;
    for (unsigned stage = ACURAST__CLIENT_NEW; stage <= ACURAST__CLIENT_ACCEPTED; stage++) {
        uint8_t bytes[ACURAST__RESPONSE_SIZE];
        acurast__client_session session = session_at((acurast__client_stage)stage);
        acurast_status status = acurast__client_session_respond(&session, no_nonce, bytes);
        assert_int_equal(status, stage == ACURAST__CLIENT_CHALLENGED ? ACURAST_OK : ACURAST_BAD_STATE);
        assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes), ACURAST_BAD_STATE);
        if (stage >= ACURAST__CLIENT_CHALLENGED) {
            uint64_t ignored = session.ignored;
            assert_int_equal(receive_challenge(&session, NULL, 0), ACURAST__CLIENT_NOTHING);
            assert_int_equal(session.ignored, ignored + 1);
            assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes), ACURAST_BAD_STATE);
        }
    }
}

static void late_challenges_change_nothing(void **state)
{
    (void)state;
    acurast__client_session session = session_at(ACURAST__CLIENT_CHALLENGED);
    uint8_t bytes[128], kept[16];
    acurast__frame frame;
    memcpy(kept, session.challenge, 16);
    size_t size = challenge(&session, bytes, NULL, 0);
    memset(bytes + ACURAST__HEADER_SIZE, 0, 32);
    assert_int_equal(acurast__client_session_receive(&session, bytes, size, &frame), ACURAST__CLIENT_NOTHING);
    assert_memory_equal(session.challenge, kept, 16);
    assert_int_equal(session.difficulty[0], 0xff);
}

static void every_truncation(void **state)
{
    (void)state;
    for (unsigned stage = ACURAST__CLIENT_NEW; stage <= ACURAST__CLIENT_ACCEPTED; stage++)
        for (unsigned type = 0; type < 16; type++)
            for (size_t size = 0; size < ACURAST__HEADER_SIZE; size++) {
                acurast__client_session session = session_at(ACURAST__CLIENT_NEW);
                session.stage = (acurast__client_stage)stage;
                uint8_t *bytes = calloc(1, size + !size);
                acurast__frame frame;
                if (size > 0)
                    bytes[0] = (uint8_t)(0x10 | type);
                assert_int_equal(acurast__client_session_receive(&session, bytes, size, &frame),
                                 ACURAST__CLIENT_NOTHING);
                assert_int_equal(session.stage, stage);
                assert_int_equal(session.ignored, 1);
                free(bytes);
            }
}

typedef struct expectation {
    acurast__client_input input;
    bool ignored;
    bool stray;
} expectation;

/* protocol.md once more, as a table: what a frame means to a client with a P-256 identity and no extensions. */
static expectation model(unsigned stage, unsigned version, unsigned type, bool from_service, bool to_us, size_t body)
{
    expectation ignored = {ACURAST__CLIENT_NOTHING, true, false};
    expectation stray = {ACURAST__CLIENT_NOTHING, false, true};
    if (version != 1)
        return ignored;
    if (type == 4)
        return stage == ACURAST__CLIENT_ACCEPTED && to_us ? (expectation){ACURAST__CLIENT_PAYLOAD, false, false}
                                                          : stray;
    if (!from_service || !to_us)
        return ignored;
    if (type == 1 && stage == ACURAST__CLIENT_GREETED && body >= 32)
        return (expectation){ACURAST__CLIENT_NOW_CHALLENGED, false, false};
    if (type == 3 && stage == ACURAST__CLIENT_RESPONDED)
        return (expectation){ACURAST__CLIENT_NOW_ACCEPTED, false, false};
    return ignored;
}

static void every_frame_at_every_stage(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 1, 31, 32, 33, 129, 500};
    acurast__client_session at[ACURAST__CLIENT_ACCEPTED + 1];
    for (unsigned stage = 0; stage < ARRAY_SIZE(at); stage++)
        at[stage] = session_at((acurast__client_stage)stage);
    const uint8_t *ids[] = {acurast__id_service, at[0].id, other};
    for (unsigned i = 0; i < ARRAY_SIZE(at) * 256 * 3 * 3 * ARRAY_SIZE(bodies); i++) {
        unsigned rest = i, stage = rest % ARRAY_SIZE(at), first = (rest /= ARRAY_SIZE(at)) % 256;
        unsigned sender = (rest /= 256) % 3, recipient = (rest /= 3) % 3;
        size_t body = bodies[rest / 3];
        uint8_t bytes[1024] = {(uint8_t)first};
        memcpy(bytes + 1, ids[sender], 16);
        memcpy(bytes + 17, ids[recipient], 16);

        acurast__client_session session = at[stage];
        acurast__frame frame;
        expectation expected = model(stage, first / 16, first % 16, sender == 0, recipient == 1, body);
        uint64_t ignored = session.ignored, stray = session.stray;
        assert_int_equal(acurast__client_session_receive(&session, bytes, ACURAST__HEADER_SIZE + body, &frame),
                         expected.input);
        assert_int_equal(session.ignored - ignored, expected.ignored);
        assert_int_equal(session.stray - stray, expected.stray);
        bool moved = expected.input == ACURAST__CLIENT_NOW_CHALLENGED || expected.input == ACURAST__CLIENT_NOW_ACCEPTED;
        assert_int_equal(session.stage, stage + moved);
    }
}

static void payloads_are_views(void **state)
{
    (void)state;
    acurast__client_session session = session_at(ACURAST__CLIENT_ACCEPTED);
    uint8_t bytes[ACURAST__HEADER_SIZE + 5];
    acurast__frame frame;
    acurast__frame_header(bytes, ACURAST__FRAME_PAYLOAD, other, session.id);
    for (size_t body = 0; body <= 5; body++) {
        assert_int_equal(acurast__client_session_receive(&session, bytes, ACURAST__HEADER_SIZE + body, &frame),
                         ACURAST__CLIENT_PAYLOAD);
        assert_ptr_equal(frame.sender, bytes + 1);
        assert_ptr_equal(frame.body, bytes + ACURAST__HEADER_SIZE);
        assert_int_equal(frame.body_size, body);
    }
}

static void accepted_may_carry_more(void **state)
{
    (void)state;
    acurast__client_session session = session_at(ACURAST__CLIENT_RESPONDED);
    uint8_t bytes[ACURAST__HEADER_SIZE + 7] = {0};
    acurast__frame frame;
    acurast__frame_header(bytes, ACURAST__FRAME_ACCEPTED, NULL, session.id);
    assert_int_equal(acurast__client_session_receive(&session, bytes, sizeof bytes, &frame),
                     ACURAST__CLIENT_NOW_ACCEPTED);
}

static void blocks_of_the_service(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], block[ACURAST__EXTENSION_MAX_SIZE];
    acurast__extension said = {.ed25519 = true, .max_frame = 4096, .agent = "somebody"};
    size_t size = acurast__extension_encode(block, sizeof block, &said);

    acurast__client_session session = session_of(p256, true);
    acurast__client_session_hello(&session, bytes);
    assert_int_equal(receive_challenge(&session, block, size), ACURAST__CLIENT_NOW_CHALLENGED);
    assert_true(session.service_extended);
    assert_true(session.service.max_frame == 4096);
    assert_string_equal(session.service.agent, "somebody");

    session = session_of(p256, false); /* not asked for: not looked at */
    acurast__client_session_hello(&session, bytes);
    assert_int_equal(receive_challenge(&session, block, size), ACURAST__CLIENT_NOW_CHALLENGED);
    assert_false(session.service_extended);
    assert_true(session.service.max_frame == 0);
    assert_int_equal(session.ignored, 0);
}

static void bad_blocks_leave_a_plain_challenge(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        unsigned ignored;
    } rows[] = {{"ACX1\x81", 5, 1}, {"ACX1", 4, 1}, {"ACX1\x80\x80", 6, 1}, {"noise", 5, 0}, {"A", 1, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int kind = 0; kind < 2; kind++) {
            uint8_t bytes[ACURAST__HELLO_MAX_SIZE];
            acurast__client_session session = session_of(kind ? ed25519 : p256, true);
            acurast__client_session_hello(&session, bytes);
            assert_int_equal(receive_challenge(&session, rows[i].bytes, rows[i].size),
                             kind ? ACURAST__CLIENT_UNSUPPORTED : ACURAST__CLIENT_NOW_CHALLENGED);
            assert_false(session.service_extended);
            assert_int_equal(session.ignored, rows[i].ignored);
        }
}

static void ed25519_needs_the_extension(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], block[ACURAST__EXTENSION_MAX_SIZE];
    acurast__extension without = {.agent = "somebody"};
    for (int extensions = 0; extensions < 2; extensions++) {
        acurast__client_session session = session_of(ed25519, extensions);
        acurast__client_session_hello(&session, bytes);
        assert_int_equal(receive_challenge(&session, NULL, 0), ACURAST__CLIENT_UNSUPPORTED);
        assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes), ACURAST_BAD_STATE);
        size_t size = acurast__extension_encode(block, sizeof block, &without);
        assert_int_equal(receive_challenge(&session, block, size), ACURAST__CLIENT_UNSUPPORTED);
    }
}

static void ed25519_names_the_service(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], block[ACURAST__EXTENSION_MAX_SIZE], digest[32], message[256];
    acurast__extension said = {.ed25519 = true};
    size_t size = acurast__extension_encode(block, sizeof block, &said);
    acurast__client_session session = session_of(ed25519, true);
    acurast__client_session_hello(&session, bytes);
    assert_int_equal(receive_challenge(&session, block, size), ACURAST__CLIENT_NOW_CHALLENGED);
    assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes), ACURAST_OK);

    acurast__work_digest(digest, session.challenge, session.public_key, no_nonce);
    static const char named[] = "acurast-auth-1example.org:443";
    memcpy(message, named, sizeof named - 1);
    memcpy(message + 29, digest, 32);
    assert_int_equal(acurast__ed25519_verify(session.public_key, message, 29 + 32, bytes + ACURAST__HEADER_SIZE + 65),
                     ACURAST_OK);
}

static void ed25519_refuses_a_name_that_is_none(void **state)
{
    (void)state;
    char longest[262];
    memset(longest, 'x', sizeof longest);
    longest[261] = '\0';
    uint8_t bytes[ACURAST__HELLO_MAX_SIZE], block[ACURAST__EXTENSION_MAX_SIZE];
    acurast__extension said = {.ed25519 = true};
    size_t size = acurast__extension_encode(block, sizeof block, &said);
    static const size_t lengths[] = {0, 1, 259, 260, 261};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        acurast__client_session session;
        acurast__client_session_init(&session, ed25519, longest + 261 - lengths[i], true);
        acurast__client_session_hello(&session, bytes);
        receive_challenge(&session, block, size);
        bool fits = lengths[i] >= 1 && lengths[i] <= 259;
        assert_int_equal(acurast__client_session_respond(&session, no_nonce, bytes),
                         fits ? ACURAST_OK : ACURAST_INVALID);
        assert_int_equal(session.stage, fits ? ACURAST__CLIENT_RESPONDED : ACURAST__CLIENT_CHALLENGED);
    }
}

/* No noise gets a signature out of a session that was not challenged, nor a second one. */
static void noise(void **state)
{
    (void)state;
    uint32_t random = 7;
    acurast__client_session session = session_at(ACURAST__CLIENT_NEW);
    for (unsigned round = 0; round < 100000; round++) {
        uint8_t bytes[100];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24);
        }
        bytes[0] = (uint8_t)(round % 2 ? 0x10 | (bytes[0] & 15) : bytes[0]);
        if (round % 3)
            acurast__frame_header(bytes, bytes[0] & 15, NULL, session.id);
        acurast__client_stage before = session.stage;
        acurast__frame frame;
        acurast__client_session_receive(&session, bytes, bytes[99] % sizeof bytes, &frame);
        assert_int_equal(session.stage, before);
    }
    assert_true(session.ignored > 0 && session.stray > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello),
        cmocka_unit_test(response_to_the_known_challenge),
        cmocka_unit_test(signs_once),
        cmocka_unit_test(late_challenges_change_nothing),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_frame_at_every_stage),
        cmocka_unit_test(payloads_are_views),
        cmocka_unit_test(accepted_may_carry_more),
        cmocka_unit_test(blocks_of_the_service),
        cmocka_unit_test(bad_blocks_leave_a_plain_challenge),
        cmocka_unit_test(ed25519_needs_the_extension),
        cmocka_unit_test(ed25519_names_the_service),
        cmocka_unit_test(ed25519_refuses_a_name_that_is_none),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
