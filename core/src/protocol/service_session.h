/*
 * The service's side of one connection as a state machine: bytes in, a verdict and
 * bytes out. No sockets, threads, clock; randomness comes from the caller's function.
 *
 *   new -> challenged -> verifying (when the caller has time) -> accepted
 *
 * The authenticated id belongs to the connection. The hot path is acurast__service_session_relay(): inline, four comparisons.
 */
#ifndef ACURAST_PROTOCOL_SERVICE_SESSION_H
#define ACURAST_PROTOCOL_SERVICE_SESSION_H

#include "base/bytes.h"
#include "wire/extension.h"
#include "wire/frame.h"
#include "wire/track.h"

#include <stdbool.h>

#define ACURAST__CHALLENGE_MAX_SIZE (ACURAST__HEADER_SIZE + ACURAST__CHALLENGE_BODY_SIZE + ACURAST__EXTENSION_MAX_SIZE)

/* What a service says and demands, the same for all its connections. Borrowed. */
typedef struct acurast__service_terms {
    uint8_t difficulty[16];
    bool extensions;
    bool presence; /* who is here is told to those who track */
    uint64_t max_frame;
    const char *const *names; /* lower-case host:port; NULL-terminated; empty: the Host of the upgrade counts */
    void (*random)(void *bytes, size_t size);
} acurast__service_terms;

typedef enum acurast__service_stage {
    ACURAST__SERVICE_NEW,
    ACURAST__SERVICE_CHALLENGED,
    ACURAST__SERVICE_VERIFYING,
    ACURAST__SERVICE_ACCEPTED,
    ACURAST__SERVICE_REFUSED
} acurast__service_stage;

/* Kept only while the handshake lasts, so that an idle connection does not pay for it. */
typedef struct acurast__service_handshake {
    uint8_t challenge[16];
    uint8_t response[ACURAST__RESPONSE_BODY_SIZE];
    uint8_t sender[16];
    char host[260]; /* of the upgrade, lower-case; "" if too long: 253 of a name, a colon, a port */
    bool tls;       /* for the default port of `host` */
    bool ed25519;   /* in force on this connection */
    uint8_t inits;  /* how many came: bounded */
} acurast__service_handshake;

typedef struct acurast__service_session {
    acurast__service_stage stage;
    uint8_t id[16];                        /* once accepted */
    bool track;                            /* receipts are in force */
    uint8_t public_key[33];                /* once accepted */
    size_t max_frame;                      /* the largest frame that the client takes; SIZE_MAX: it did not say */
    acurast__service_handshake *handshake; /* NULL once accepted or refused */
} acurast__service_session;

/* What the caller is to do. */
typedef enum acurast__verdict {
    ACURAST__VERDICT_IGNORE, /* counted as unknown */
    ACURAST__VERDICT_REPLY,  /* send `reply` */
    ACURAST__VERDICT_VERIFY, /* call acurast__service_session_verify() when there is time */
    ACURAST__VERDICT_ACCEPT, /* the lists decide; then send `reply` and own `session->id` */
    ACURAST__VERDICT_RELAY,  /* pass the bytes on as they are to `recipient` */
    ACURAST__VERDICT_TRACKED, /* likewise, and `tracked` is told what becomes of it */
    ACURAST__VERDICT_RECEIPT, /* likewise, to a recipient that is here and tracks; to nobody else */
    ACURAST__VERDICT_LOOK,   /* who of `look` is here */
    ACURAST__VERDICT_REFUSE  /* close with `refusal` */
} acurast__verdict;

/*
 * Why a connection is refused: one table for the close code, the reason that the peer reads, and the label in the metrics.
 *
 *   X(name, close code, label, reason)
 */
#define ACURAST__REFUSAL_MAP(X)                                                                                        \
    X(MALFORMED, 1002, "malformed", "malformed frame")                                                                 \
    X(EXTENSION, 1002, "extension", "malformed extension block")                                                       \
    X(VERSION, 1002, "version", "unknown protocol version")                                                            \
    X(TYPE, 1002, "type", "unexpected frame type before acceptance")                                                   \
    X(NO_CHALLENGE, 1008, "no_challenge", "response without a challenge")                                              \
    X(CHALLENGE, 1008, "challenge", "not the challenge of this connection")                                            \
    X(IDENTITY, 1008, "id", "the id does not fit the public key")                                                      \
    X(KEY, 1008, "key", "not a valid public key")                                                                      \
    X(WORK, 1008, "work", "the proof of work does not meet the difficulty")                                            \
    X(SIGNATURE, 1008, "signature", "the signature does not fit")                                                      \
    X(UNSUPPORTED, 1008, "unsupported", "Ed25519 is not in force on this connection")                                  \
    X(TOO_MANY_INITS, 1008, "inits", "too many inits")                                                                 \
    X(SECOND_RESPONSE, 1008, "second_response", "second response")                                                     \
    X(EARLY_PAYLOAD, 1008, "early_payload", "payload before acceptance")                                               \
    X(FORGED_SENDER, 1008, "forged_sender", "the sender is not the id of this connection")                             \
    X(NO_MEMORY, 1011, "memory", "out of memory, try again later")

typedef enum acurast__refusal {
#define ACURAST__REFUSAL_ENUM(name, code, label, reason) ACURAST__REFUSE_##name,
    ACURAST__REFUSAL_MAP(ACURAST__REFUSAL_ENUM)
#undef ACURAST__REFUSAL_ENUM
        ACURAST__REFUSAL_COUNT
} acurast__refusal;

typedef struct acurast__refusal_info {
    uint16_t code;
    const char *label;
    const char *reason;
} acurast__refusal_info;

const acurast__refusal_info *acurast__refusal_info_of(acurast__refusal refusal);

typedef struct acurast__service_result {
    acurast__verdict verdict;
    acurast__refusal refusal;
    const uint8_t *recipient; /* RELAY, TRACKED, RECEIPT: into the caller's bytes */
    acurast__tracked tracked;
    acurast__items look;
    size_t reply_size;
    uint8_t reply[ACURAST__CHALLENGE_MAX_SIZE];
} acurast__service_result;

/* False without memory. `host` is the upgrade's Host header, may be NULL. */
bool acurast__service_session_init(acurast__service_session *session, const char *host, bool tls);

/* At any stage. */
void acurast__service_session_clear(acurast__service_session *session);

/*
 * The hot path: true where the bytes are a payload frame of version 1 from the session's own id, on an accepted session. The caller
 * relays them to bytes + 17. For everything else call acurast__service_session_receive().
 */
static inline bool acurast__service_session_relay(const acurast__service_session *session, const uint8_t *bytes,
                                                  size_t size)
{
    return session->stage == ACURAST__SERVICE_ACCEPTED && size >= ACURAST__HEADER_SIZE &&
           bytes[0] == (ACURAST__VERSION << 4 | ACURAST__FRAME_PAYLOAD) && acurast__id_equal(bytes + 1, session->id);
}

/* Takes one websocket message of any kind. */
void acurast__service_session_receive(acurast__service_session *session, const acurast__service_terms *terms,
                                      const uint8_t *bytes, size_t size, acurast__service_result *result);

/*
 * The costly part, in the order of cost: (challenge and id were checked on receipt,) difficulty, key, signature. ACCEPT with the
 * accepted frame as reply, or REFUSE. The caller may still refuse by its lists, since `session->id` is then set.
 */
void acurast__service_session_verify(acurast__service_session *session, const acurast__service_terms *terms,
                                     acurast__service_result *result);

#endif
