/*
 * Messages to a client's session. The first byte chooses the identity and whether extensions are on; then come messages, each
 * with its size in a byte before it, and 255 for "solved: respond". However the messages are, one signature leaves at most.
 */
#include "fuzz.h"

#include "protocol/client_session.h"

static acurast_identity *identities[2];

/* A header for this client in the place of the first bytes, if the message asks for it: the fuzzer cannot guess an id. */
static void address(const acurast__client_session *session, uint8_t *bytes, size_t size)
{
    if (size >= ACURAST__HEADER_SIZE && bytes[32] == 0xaa)
        acurast__frame_header(bytes, bytes[0] & 15, NULL, session->id);
}

static void receive(acurast__client_session *session, fuzz_input *input, size_t size)
{
    acurast__frame frame;
    acurast__client_stage before = session->stage;
    uint64_t counted = session->ignored + session->stray;
    uint8_t *bytes = fuzz_take(input, &size);
    address(session, bytes, size);
    acurast__client_input what = acurast__client_session_receive(session, bytes, size, &frame);
    switch (what) {
    case ACURAST__CLIENT_NOTHING:
        REQUIRE(session->stage == before && session->ignored + session->stray > counted);
        break;
    case ACURAST__CLIENT_NOW_CHALLENGED:
        REQUIRE(before == ACURAST__CLIENT_GREETED && session->stage == ACURAST__CLIENT_CHALLENGED);
        break;
    case ACURAST__CLIENT_NOW_ACCEPTED:
        REQUIRE(before == ACURAST__CLIENT_RESPONDED && session->stage == ACURAST__CLIENT_ACCEPTED);
        break;
    case ACURAST__CLIENT_PAYLOAD:
        REQUIRE(before == ACURAST__CLIENT_ACCEPTED && frame.body + frame.body_size == bytes + size);
        break;
    case ACURAST__CLIENT_TRACKED:
    case ACURAST__CLIENT_RECEIPT:
    case ACURAST__CLIENT_GONE:
    case ACURAST__CLIENT_SEEN:
        REQUIRE(before == ACURAST__CLIENT_ACCEPTED && session->service.track && session->extensions);
        break;
    case ACURAST__CLIENT_UNSUPPORTED:
        REQUIRE(before == ACURAST__CLIENT_GREETED && session->stage == before);
        break;
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[32] = {1}, nonce[16];
    fuzz_input input = {data, size};
    uint8_t flags = fuzz_byte(&input), bytes[ACURAST__HELLO_MAX_SIZE];
    for (int i = 0; i < 2; i++)
        if (!identities[i])
            acurast_identity_from_secret((acurast_key_kind)(i + 1), secret, sizeof secret, &identities[i]);
    acurast__client_session session;
    acurast__client_session_init(&session, identities[flags & 1], "example.org:443", flags & 2);
    acurast__client_session_hello(&session, bytes);
    int signatures = 0;
    while (input.left > 0) {
        uint8_t next = fuzz_byte(&input);
        if (next == 255)
            signatures += acurast__client_session_respond(&session, nonce, bytes) == ACURAST_OK;
        else
            receive(&session, &input, next);
    }
    REQUIRE(signatures <= 1);
    return 0;
}
