/*
 * Frames: one byte of version and type, sender id, recipient id, body. protocol.md,
 * "Framing". Decoding gives a view into the caller's bytes.
 */
#ifndef ACURAST_WIRE_FRAME_H
#define ACURAST_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACURAST__VERSION 1
#define ACURAST__HEADER_SIZE 33
#define ACURAST__CHALLENGE_BODY_SIZE 32
#define ACURAST__RESPONSE_BODY_SIZE 129

typedef enum acurast__frame_type {
    ACURAST__FRAME_INIT = 0,
    ACURAST__FRAME_CHALLENGE = 1,
    ACURAST__FRAME_RESPONSE = 2,
    ACURAST__FRAME_ACCEPTED = 3,
    ACURAST__FRAME_PAYLOAD = 4,
    ACURAST__FRAME_TRACKED = 5, /* from here on: wire/track.h, only where that extension is in force */
    ACURAST__FRAME_RECEIPT = 6,
    ACURAST__FRAME_GONE = 7,
    ACURAST__FRAME_LOOK = 8,
    ACURAST__FRAME_SEEN = 9
} acurast__frame_type;

typedef struct acurast__frame {
    uint8_t version; /* the high nibble */
    uint8_t type;    /* the low nibble */
    const uint8_t *sender;
    const uint8_t *recipient;
    const uint8_t *body;
    size_t body_size;
} acurast__frame;

/* The fields of a response's body, as pointers into it. */
typedef struct acurast__response {
    const uint8_t *challenge;  /* 16 */
    const uint8_t *public_key; /* 33 */
    const uint8_t *nonce;      /* 16 */
    const uint8_t *signature;  /* 64 */
} acurast__response;

/* Sixteen zero bytes: the service. */
extern const uint8_t acurast__id_service[16];

/* False where `size` is below the header's. Accepts any version and type: the caller judges. */
bool acurast__frame_decode(acurast__frame *frame, const uint8_t *bytes, size_t size);

/* Writes the header; `sender` and `recipient` NULL mean the service. Returns ACURAST__HEADER_SIZE. */
size_t acurast__frame_header(uint8_t *bytes, acurast__frame_type type, const uint8_t *sender, const uint8_t *recipient);

/* A body of exactly the size of a response, or false. */
bool acurast__response_decode(acurast__response *response, const acurast__frame *frame);

#endif
