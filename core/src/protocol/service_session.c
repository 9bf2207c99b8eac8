/*
 * The service's side of a handshake, and the judge of every frame after it.
 *
 * A challenge lives in the session's handshake, so it belongs to the connection by
 * construction, and the stage says whether it is unused: the first response takes
 * the session out of CHALLENGED, whatever comes of it. On receipt only what is
 * cheap is checked; the rest waits in VERIFYING for acurast__service_session_verify().
 * A refusal is final: the session then ignores whatever still arrives.
 *
 * Before acceptance anything unexpected is a refusal; afterwards, what is unknown is
 * ignored, so that newer clients can be served.
 */
#include "protocol/service_session.h"

#include "base/memory.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/work.h"
#include "protocol/auth.h"

#include <acurast/version.h>

#include <stdio.h>
#include <string.h>

#define MAX_INITS 4

static const acurast__refusal_info refusals[ACURAST__REFUSAL_COUNT] = {
#define REFUSAL_ROW(name, close_code, label_text, reason_text) {close_code, label_text, reason_text},
    ACURAST__REFUSAL_MAP(REFUSAL_ROW)
#undef REFUSAL_ROW
};

const acurast__refusal_info *acurast__refusal_info_of(acurast__refusal refusal)
{
    return &refusals[refusal];
}

/* ASCII lower case; "" for a name that is missing or too long to be one. */
static void host_store(acurast__service_handshake *handshake, const char *host)
{
    size_t length = host ? strlen(host) : 0;
    if (length >= sizeof handshake->host)
        length = 0;
    for (size_t i = 0; i < length; i++)
        handshake->host[i] = acurast__lower(host[i]);
    handshake->host[length] = '\0';
}

bool acurast__service_session_init(acurast__service_session *session, const char *host, bool tls)
{
    memset(session, 0, sizeof *session);
    session->max_frame = SIZE_MAX;
    session->handshake = acurast__alloc_zero(sizeof *session->handshake);
    if (!session->handshake)
        return false;
    host_store(session->handshake, host);
    session->handshake->tls = tls;
    return true;
}

void acurast__service_session_clear(acurast__service_session *session)
{
    acurast__free(session->handshake);
    session->handshake = NULL;
    session->stage = ACURAST__SERVICE_REFUSED;
}

/* All but the bytes of the reply, which are many. */
static void begin(acurast__service_result *result)
{
    result->verdict = ACURAST__VERDICT_IGNORE;
    result->refusal = ACURAST__REFUSE_MALFORMED;
    result->recipient = NULL;
    result->reply_size = 0;
}

static void refuse(acurast__service_session *session, acurast__service_result *result, acurast__refusal refusal)
{
    acurast__service_session_clear(session);
    result->verdict = ACURAST__VERDICT_REFUSE;
    result->refusal = refusal;
}

/* With extensions off, bytes after an init are ignored as the deployed service ignores them. */
static acurast__extension_result read_block(const acurast__service_terms *terms, const acurast__frame *frame,
                                            acurast__extension *block)
{
    memset(block, 0, sizeof *block);
    return terms->extensions ? acurast__extension_decode(block, frame->body, frame->body_size)
                             : ACURAST__EXTENSION_NONE;
}

static size_t write_challenge(const acurast__service_session *session, const acurast__service_terms *terms,
                              const uint8_t *recipient, uint8_t *bytes)
{
    size_t size = acurast__frame_header(bytes, ACURAST__FRAME_CHALLENGE, NULL, recipient);
    memcpy(bytes + size, terms->difficulty, 16);
    memcpy(bytes + size + 16, session->handshake->challenge, 16);
    return size + ACURAST__CHALLENGE_BODY_SIZE;
}

static void receive_init(acurast__service_session *session, const acurast__service_terms *terms,
                         const acurast__frame *frame, acurast__service_result *result)
{
    acurast__service_handshake *handshake = session->handshake;
    acurast__extension block;
    acurast__extension_result speaks = read_block(terms, frame, &block);
    if (speaks == ACURAST__EXTENSION_MALFORMED) {
        refuse(session, result, ACURAST__REFUSE_EXTENSION);
        return;
    }
    if (++handshake->inits > MAX_INITS) {
        refuse(session, result, ACURAST__REFUSE_TOO_MANY_INITS);
        return;
    }
    terms->random(handshake->challenge, sizeof handshake->challenge);
    handshake->ed25519 = block.ed25519;
    session->track = block.track != 0;
    session->max_frame = block.max_frame && block.max_frame < SIZE_MAX ? (size_t)block.max_frame : SIZE_MAX;
    session->stage = ACURAST__SERVICE_CHALLENGED;
    result->reply_size = write_challenge(session, terms, frame->sender, result->reply);
    if (speaks == ACURAST__EXTENSION_PRESENT) {
        acurast__extension own = {.ed25519 = block.ed25519,
                                  .max_frame = terms->max_frame,
                                  .track = session->track ? 1 : 0,
                                  .presence = session->track && terms->presence,
                                  .agent = "libacurast/" ACURAST_VERSION};
        result->reply_size +=
            acurast__extension_encode(result->reply + result->reply_size, ACURAST__EXTENSION_MAX_SIZE, &own);
    }
    result->verdict = ACURAST__VERDICT_REPLY;
}

/* The cheap checks: whose challenge, whose id, which kind of key. */
static bool response_fits(const acurast__service_session *session, const acurast__frame *frame,
                          const acurast__response *response, acurast__refusal *refusal)
{
    uint8_t id[16];
    if (!acurast__equal(response->challenge, session->handshake->challenge, 16)) {
        *refusal = ACURAST__REFUSE_CHALLENGE;
        return false;
    }
    acurast__key_id(id, response->public_key);
    if (!acurast__id_equal(id, frame->sender)) {
        *refusal = ACURAST__REFUSE_IDENTITY;
        return false;
    }
    *refusal = ACURAST__REFUSE_UNSUPPORTED;
    return response->public_key[0] != ACURAST__ED25519_TAG || session->handshake->ed25519;
}

static void receive_response(acurast__service_session *session, const acurast__frame *frame,
                             acurast__service_result *result)
{
    acurast__response response;
    acurast__refusal refusal;
    if (session->stage == ACURAST__SERVICE_VERIFYING) {
        refuse(session, result, ACURAST__REFUSE_SECOND_RESPONSE);
    } else if (!acurast__response_decode(&response, frame)) {
        refuse(session, result, ACURAST__REFUSE_MALFORMED);
    } else if (session->stage != ACURAST__SERVICE_CHALLENGED) {
        refuse(session, result, ACURAST__REFUSE_NO_CHALLENGE);
    } else if (!response_fits(session, frame, &response, &refusal)) {
        refuse(session, result, refusal);
    } else {
        memcpy(session->handshake->response, frame->body, ACURAST__RESPONSE_BODY_SIZE);
        memcpy(session->handshake->sender, frame->sender, 16);
        session->stage = ACURAST__SERVICE_VERIFYING;
        result->verdict = ACURAST__VERDICT_VERIFY;
    }
}

static void receive_early(acurast__service_session *session, const acurast__service_terms *terms,
                          const acurast__frame *frame, acurast__service_result *result)
{
    if (frame->version != ACURAST__VERSION) {
        refuse(session, result, ACURAST__REFUSE_VERSION);
        return;
    }
    switch (frame->type) {
    case ACURAST__FRAME_INIT:
        if (session->stage != ACURAST__SERVICE_VERIFYING) /* else the response in hand decides */
            receive_init(session, terms, frame, result);
        return;
    case ACURAST__FRAME_RESPONSE:
        receive_response(session, frame, result);
        return;
    case ACURAST__FRAME_PAYLOAD:
        refuse(session, result, ACURAST__REFUSE_EARLY_PAYLOAD);
        return;
    default:
        refuse(session, result, ACURAST__REFUSE_TYPE);
        return;
    }
}

/* What an accepted client may send, where it is well-formed; IGNORE for anything else. */
static acurast__verdict judge(const acurast__service_session *session, const acurast__frame *frame,
                              acurast__service_result *result)
{
    acurast__receipts receipts;
    if (frame->type == ACURAST__FRAME_PAYLOAD)
        return ACURAST__VERDICT_RELAY;
    if (!session->track)
        return ACURAST__VERDICT_IGNORE;
    switch (frame->type) {
    case ACURAST__FRAME_TRACKED:
        return acurast__tracked_decode(&result->tracked, frame) ? ACURAST__VERDICT_TRACKED : ACURAST__VERDICT_IGNORE;
    case ACURAST__FRAME_RECEIPT:
        return acurast__receipts_decode(&receipts, frame) ? ACURAST__VERDICT_RECEIPT : ACURAST__VERDICT_IGNORE;
    case ACURAST__FRAME_LOOK:
        return acurast__look_decode(&result->look, frame) ? ACURAST__VERDICT_LOOK : ACURAST__VERDICT_IGNORE;
    default:
        return ACURAST__VERDICT_IGNORE;
    }
}

static void receive_accepted(acurast__service_session *session, const acurast__frame *frame,
                             acurast__service_result *result)
{
    if (frame->version != ACURAST__VERSION)
        return;
    if (frame->type == ACURAST__FRAME_RESPONSE) {
        refuse(session, result, ACURAST__REFUSE_SECOND_RESPONSE);
        return;
    }
    acurast__verdict verdict = judge(session, frame, result);
    if (verdict == ACURAST__VERDICT_IGNORE)
        return;
    if (!acurast__id_equal(frame->sender, session->id)) {
        refuse(session, result, ACURAST__REFUSE_FORGED_SENDER);
        return;
    }
    result->recipient = frame->recipient;
    result->verdict = verdict;
}

void acurast__service_session_receive(acurast__service_session *session, const acurast__service_terms *terms,
                                      const uint8_t *bytes, size_t size, acurast__service_result *result)
{
    acurast__frame frame;
    begin(result);
    if (session->stage == ACURAST__SERVICE_REFUSED)
        return;
    if (!acurast__frame_decode(&frame, bytes, size))
        refuse(session, result, ACURAST__REFUSE_MALFORMED);
    else if (session->stage == ACURAST__SERVICE_ACCEPTED)
        receive_accepted(session, &frame, result);
    else
        receive_early(session, terms, &frame, result);
}

static bool names_service(const acurast__response *response, const uint8_t digest[32], const char *name)
{
    uint8_t message[ACURAST__AUTH_MAX_SIZE];
    size_t size = acurast__auth_message(message, name, digest);
    return size && acurast__ed25519_verify(response->public_key, message, size, response->signature) == ACURAST_OK;
}

/* True where the Host ends in a port. An IPv6 address has its colons in brackets. */
static bool has_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    const char *bracket = strrchr(host, ']');
    return colon && (!bracket || colon > bracket);
}

/*
 * A URL without a port means 443 or 80, and so does a Host without one. Behind a proxy that ends TLS the connection does not tell
 * which, so both are tried, the likelier first.
 */
static bool names_host(const acurast__service_handshake *handshake, const acurast__response *response,
                       const uint8_t digest[32])
{
    if (handshake->host[0] == '\0' || has_port(handshake->host))
        return names_service(response, digest, handshake->host);
    char name[sizeof handshake->host + 4];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", handshake->host, (i == 0) == handshake->tls ? ":443" : ":80");
        if (names_service(response, digest, name))
            return true;
    }
    return false;
}

static acurast_status check_ed25519(const acurast__service_handshake *handshake, const acurast__service_terms *terms,
                                    const acurast__response *response, const uint8_t digest[32])
{
    acurast_status status = acurast__key_check(response->public_key);
    if (status != ACURAST_OK)
        return status;
    if (!terms->names || !terms->names[0])
        return names_host(handshake, response, digest) ? ACURAST_OK : ACURAST_BAD_SIGNATURE;
    for (const char *const *name = terms->names; *name; name++)
        if (names_service(response, digest, *name))
            return ACURAST_OK;
    return ACURAST_BAD_SIGNATURE;
}

static acurast_status check_signature(const acurast__service_handshake *handshake, const acurast__service_terms *terms,
                                      const acurast__response *response, const uint8_t digest[32])
{
    if (response->public_key[0] == ACURAST__ED25519_TAG)
        return check_ed25519(handshake, terms, response, digest);
    return acurast__ec_verify(ACURAST_KEY_P256, response->public_key, digest, response->signature);
}

static void accept(acurast__service_session *session, acurast__service_result *result)
{
    memcpy(session->id, session->handshake->sender, 16);
    memcpy(session->public_key, session->handshake->response + 16, 33);
    acurast__service_session_clear(session);
    session->stage = ACURAST__SERVICE_ACCEPTED;
    result->reply_size = acurast__frame_header(result->reply, ACURAST__FRAME_ACCEPTED, NULL, session->id);
    result->verdict = ACURAST__VERDICT_ACCEPT;
}

void acurast__service_session_verify(acurast__service_session *session, const acurast__service_terms *terms,
                                     acurast__service_result *result)
{
    begin(result);
    if (session->stage != ACURAST__SERVICE_VERIFYING)
        return;
    acurast__frame frame = {.body = session->handshake->response, .body_size = ACURAST__RESPONSE_BODY_SIZE};
    acurast__response response;
    acurast__response_decode(&response, &frame);
    uint8_t digest[32];
    acurast__work_digest(digest, response.challenge, response.public_key, response.nonce);
    if (!acurast__work_meets(digest, terms->difficulty)) {
        refuse(session, result, ACURAST__REFUSE_WORK);
        return;
    }
    switch (check_signature(session->handshake, terms, &response, digest)) {
    case ACURAST_OK:
        accept(session, result);
        return;
    case ACURAST_BAD_KEY:
        refuse(session, result, ACURAST__REFUSE_KEY);
        return;
    case ACURAST_NO_MEMORY:
        refuse(session, result, ACURAST__REFUSE_NO_MEMORY);
        return;
    default:
        refuse(session, result, ACURAST__REFUSE_SIGNATURE);
        return;
    }
}
