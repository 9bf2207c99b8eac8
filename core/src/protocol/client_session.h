/*
 * The client's side of one connection as a state machine: bytes in, events and
 * bytes out. No sockets, no threads, no clock, no randomness of its own but what a signature needs.
 *
 *   hello -> challenged -> (solve, elsewhere) -> respond -> accepted -> payloads
 *
 * It signs once per connection. Whatever else comes is counted, never answered.
 */
#ifndef ACURAST_PROTOCOL_CLIENT_SESSION_H
#define ACURAST_PROTOCOL_CLIENT_SESSION_H

#include "wire/extension.h"
#include "wire/frame.h"
#include "wire/track.h"

#include <acurast/identity.h>

#define ACURAST__HELLO_MAX_SIZE (ACURAST__HEADER_SIZE + ACURAST__EXTENSION_MAX_SIZE)
#define ACURAST__RESPONSE_SIZE (ACURAST__HEADER_SIZE + ACURAST__RESPONSE_BODY_SIZE)

typedef enum acurast__client_stage {
    ACURAST__CLIENT_NEW,
    ACURAST__CLIENT_GREETED,    /* init sent */
    ACURAST__CLIENT_CHALLENGED, /* to be solved and answered */
    ACURAST__CLIENT_RESPONDED,
    ACURAST__CLIENT_ACCEPTED
} acurast__client_stage;

typedef struct acurast__client_session {
    const acurast_identity *identity; /* borrowed */
    const char *name;                 /* borrowed: the service's host:port, lower case */
    acurast__client_stage stage;
    bool extensions;
    uint64_t max_frame; /* the largest frame that we take, told to the service; 0: it is not told */
    bool service_extended;
    acurast__extension service; /* what the challenge's block said; zero without one */
    uint64_t ignored;           /* unknown type or version, late challenges and accepteds, malformed */
    uint64_t stray;             /* payloads before accepted, or for another id */
    uint8_t id[16];
    uint8_t challenge[16];
    uint8_t difficulty[16];
    uint8_t public_key[33];
} acurast__client_session;

typedef enum acurast__client_input {
    ACURAST__CLIENT_NOTHING,      /* ignored and counted */
    ACURAST__CLIENT_NOW_CHALLENGED, /* difficulty and challenge are set: solve, then respond */
    ACURAST__CLIENT_NOW_ACCEPTED,
    ACURAST__CLIENT_PAYLOAD,      /* `frame` holds it */
    ACURAST__CLIENT_TRACKED,      /* likewise, for these and what follows */
    ACURAST__CLIENT_RECEIPT,
    ACURAST__CLIENT_GONE,
    ACURAST__CLIENT_SEEN,
    ACURAST__CLIENT_UNSUPPORTED   /* an Ed25519 identity, and the service does not speak the extension */
} acurast__client_input;

void acurast__client_session_init(acurast__client_session *session, const acurast_identity *identity, const char *name,
                                  bool extensions);

/* Writes the init frame and returns its size. */
size_t acurast__client_session_hello(acurast__client_session *session, uint8_t bytes[ACURAST__HELLO_MAX_SIZE]);

/* Takes one websocket message. */
acurast__client_input acurast__client_session_receive(acurast__client_session *session, const uint8_t *bytes,
                                                      size_t size, acurast__frame *frame);

/* Signs and writes the response. BAD_STATE unless challenged; the errors of signing. */
acurast_status acurast__client_session_respond(acurast__client_session *session, const uint8_t nonce[16],
                                               uint8_t bytes[ACURAST__RESPONSE_SIZE]);

#endif
