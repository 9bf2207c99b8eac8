/*
 * The client's side of a handshake, and the judge of every frame after it.
 *
 * The one rule that matters: only in stage GREETED does a challenge count, and only
 * CHALLENGED lets a signature out, so that there is one per connection. Every frame
 * must come from the service (a payload: from anyone) and be for this identity. What
 * does not fit is counted, and never a reason to answer or to close, since
 * a service may pass on what strangers caused.
 */
#include "protocol/client_session.h"

#include "base/bytes.h"
#include "crypto/key.h"
#include "crypto/work.h"
#include "protocol/auth.h"

#include <acurast/version.h>

#include <string.h>

void acurast__client_session_init(acurast__client_session *session, const acurast_identity *identity, const char *name,
                                  bool extensions)
{
    memset(session, 0, sizeof *session);
    session->identity = identity;
    session->name = name;
    session->extensions = extensions;
    acurast_identity_id(identity, session->id);
    acurast_identity_public_key(identity, session->public_key);
}

static bool is_ed25519(const acurast__client_session *session)
{
    return session->public_key[0] == ACURAST__ED25519_TAG;
}

size_t acurast__client_session_hello(acurast__client_session *session, uint8_t bytes[ACURAST__HELLO_MAX_SIZE])
{
    size_t size = acurast__frame_header(bytes, ACURAST__FRAME_INIT, session->id, NULL);
    session->stage = ACURAST__CLIENT_GREETED;
    if (!session->extensions)
        return size;
    acurast__extension own = {.ed25519 = is_ed25519(session),
                              .max_frame = session->max_frame,
                              .track = 1,
                              .agent = "libacurast/" ACURAST_VERSION};
    return size + acurast__extension_encode(bytes + size, ACURAST__EXTENSION_MAX_SIZE, &own);
}

static acurast__client_input ignore(acurast__client_session *session)
{
    session->ignored++;
    return ACURAST__CLIENT_NOTHING;
}

static bool from_service_to_us(const acurast__client_session *session, const acurast__frame *frame)
{
    return acurast__id_equal(frame->sender, acurast__id_service) && acurast__id_equal(frame->recipient, session->id);
}

/* A block that is malformed, or that nobody asked for, leaves a plain challenge: extensions are then off. */
static void read_block(acurast__client_session *session, const acurast__frame *frame)
{
    if (!session->extensions)
        return;
    acurast__extension_result result = acurast__extension_decode(
        &session->service, frame->body + ACURAST__CHALLENGE_BODY_SIZE, frame->body_size - ACURAST__CHALLENGE_BODY_SIZE);
    session->service_extended = result == ACURAST__EXTENSION_PRESENT;
    if (result == ACURAST__EXTENSION_MALFORMED)
        session->ignored++;
}

static acurast__client_input challenged(acurast__client_session *session, const acurast__frame *frame)
{
    if (session->stage != ACURAST__CLIENT_GREETED || !from_service_to_us(session, frame) ||
        frame->body_size < ACURAST__CHALLENGE_BODY_SIZE)
        return ignore(session);
    read_block(session, frame);
    if (is_ed25519(session) && !session->service.ed25519)
        return ACURAST__CLIENT_UNSUPPORTED;
    memcpy(session->difficulty, frame->body, 16);
    memcpy(session->challenge, frame->body + 16, 16);
    session->stage = ACURAST__CLIENT_CHALLENGED;
    return ACURAST__CLIENT_NOW_CHALLENGED;
}

static acurast__client_input accepted(acurast__client_session *session, const acurast__frame *frame)
{
    if (session->stage != ACURAST__CLIENT_RESPONDED || !from_service_to_us(session, frame))
        return ignore(session);
    session->stage = ACURAST__CLIENT_ACCEPTED;
    return ACURAST__CLIENT_NOW_ACCEPTED;
}

static bool is_ours(const acurast__client_session *session, const acurast__frame *frame)
{
    return session->stage == ACURAST__CLIENT_ACCEPTED && acurast__id_equal(frame->recipient, session->id);
}

static acurast__client_input payload(acurast__client_session *session, const acurast__frame *frame,
                                     acurast__client_input input)
{
    if (is_ours(session, frame))
        return input;
    session->stray++;
    return ACURAST__CLIENT_NOTHING;
}

/* Whoever says it: the caller believes the service more than others. */
static acurast__client_input receipt(acurast__client_session *session, const acurast__frame *frame)
{
    return is_ours(session, frame) ? ACURAST__CLIENT_RECEIPT : ignore(session);
}

static acurast__client_input from_service(acurast__client_session *session, const acurast__frame *frame,
                                          acurast__client_input input)
{
    bool told = session->stage == ACURAST__CLIENT_ACCEPTED && from_service_to_us(session, frame);
    return told ? input : ignore(session);
}

static acurast__client_input receive_tracked(acurast__client_session *session, const acurast__frame *frame)
{
    switch (frame->type) {
    case ACURAST__FRAME_TRACKED:
        return payload(session, frame, ACURAST__CLIENT_TRACKED);
    case ACURAST__FRAME_RECEIPT:
        return receipt(session, frame);
    case ACURAST__FRAME_GONE:
        return from_service(session, frame, ACURAST__CLIENT_GONE);
    case ACURAST__FRAME_SEEN:
        return from_service(session, frame, ACURAST__CLIENT_SEEN);
    default:
        return ignore(session);
    }
}

acurast__client_input acurast__client_session_receive(acurast__client_session *session, const uint8_t *bytes,
                                                      size_t size, acurast__frame *frame)
{
    if (!acurast__frame_decode(frame, bytes, size) || frame->version != ACURAST__VERSION)
        return ignore(session);
    switch (frame->type) {
    case ACURAST__FRAME_CHALLENGE:
        return challenged(session, frame);
    case ACURAST__FRAME_ACCEPTED:
        return accepted(session, frame);
    case ACURAST__FRAME_PAYLOAD:
        return payload(session, frame, ACURAST__CLIENT_PAYLOAD);
    default:
        return session->service.track ? receive_tracked(session, frame) : ignore(session);
    }
}

static acurast_status sign(const acurast__client_session *session, const uint8_t digest[32], uint8_t signature[64])
{
    if (!is_ed25519(session))
        return acurast_identity_sign_digest(session->identity, digest, signature);
    uint8_t message[ACURAST__AUTH_MAX_SIZE];
    size_t size = acurast__auth_message(message, session->name, digest);
    return size ? acurast_identity_sign(session->identity, message, size, signature) : ACURAST_INVALID;
}

acurast_status acurast__client_session_respond(acurast__client_session *session, const uint8_t nonce[16],
                                               uint8_t bytes[ACURAST__RESPONSE_SIZE])
{
    if (session->stage != ACURAST__CLIENT_CHALLENGED)
        return ACURAST_BAD_STATE;
    uint8_t digest[32];
    acurast__work_digest(digest, session->challenge, session->public_key, nonce);
    uint8_t *body = bytes + acurast__frame_header(bytes, ACURAST__FRAME_RESPONSE, session->id, NULL);
    acurast_status status = sign(session, digest, body + 65);
    if (status != ACURAST_OK)
        return status;
    memcpy(body, session->challenge, 16);
    memcpy(body + 16, session->public_key, 33);
    memcpy(body + 49, nonce, 16);
    session->stage = ACURAST__CLIENT_RESPONDED;
    return ACURAST_OK;
}
