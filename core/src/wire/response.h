/*
 * Reads the head of an answer to a client, of a service to its upgrade or of a proxy to its CONNECT, without I/O. Services differ, so it takes what
 * RFC 9112 tolerates: lines may end in LF alone, and headers that mean nothing here may say anything.
 *
 *   MORE (call again with the same bytes and those that came) -> WHOLE or WRONG
 */
#ifndef ACURAST_WIRE_RESPONSE_H
#define ACURAST_WIRE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#define ACURAST__RESPONSE_MAX 16384 /* bytes of a head */

typedef enum acurast__response_progress {
    ACURAST__RESPONSE_MORE, /* has to come; the bytes are unchanged */
    ACURAST__RESPONSE_WHOLE,
    ACURAST__RESPONSE_WRONG /* it is no HTTP/1.0 or 1.1, or its head is too long */
} acurast__response_progress;

typedef struct acurast__response_head {
    unsigned status;
    unsigned minor;     /* of HTTP/1: 0 or 1 */
    size_t size;        /* of the head; behind it are frames, or a body */
    const char *accept; /* Sec-WebSocket-Accept, within the caller's bytes; NULL: there is none */
    bool upgrades;      /* Upgrade: websocket and Connection: upgrade */
    bool negotiates;    /* an extension or a subprotocol, which nobody has asked for */
} acurast__response_head;

/* Where the head is WHOLE the bytes are changed: each text gets its NUL. */
acurast__response_progress acurast__response_read(acurast__response_head *head, char *bytes, size_t size);

#endif
