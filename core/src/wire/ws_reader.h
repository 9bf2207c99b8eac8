/*
 * Reads websocket frames (RFC 6455) of either role, without I/O: bytes in, events out. Payloads are unmasked where they lie.
 *
 *   frame's header -> payload -> next header ... -> over (a close frame or an error; whatever follows is swallowed)
 *
 * What has no use before it is whole, a header or a control frame, is left in the span until more of it has come: the caller keeps these
 * bytes, ACURAST__WS_REST_MAX at most, and puts them before the next. So a connection at rest costs this struct and nothing else.
 *
 * Texts are told apart but not checked for UTF-8: nobody here takes them.
 */
#ifndef ACURAST_WIRE_WS_READER_H
#define ACURAST_WIRE_WS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A control frame with its mask, but for its last byte. */
#define ACURAST__WS_REST_MAX 130

typedef enum acurast__ws_event_kind {
    ACURAST__WS_NOTHING, /* more has to come; what is left in the span comes again, with it */
    ACURAST__WS_MESSAGE, /* a whole message, in one place */
    ACURAST__WS_PIECE,   /* a part of a message; `first` and `last` say which */
    ACURAST__WS_TOO_LARGE, /* the message is larger than the limit: no more of it is told, what was told is to be dropped */
    ACURAST__WS_PING,
    ACURAST__WS_PONG,
    ACURAST__WS_CLOSE, /* the last event: `code`, 1005 where there was none, and the reason in `bytes` */
    ACURAST__WS_ERROR  /* the last event: `code` to close with, and `problem` */
} acurast__ws_event_kind;

typedef struct acurast__ws_found {
    acurast__ws_event_kind kind;
    bool text; /* of a message or a piece: not binary */
    bool first;
    bool last;
    uint16_t code;
    uint8_t *bytes; /* within the span */
    size_t size;
    const char *problem;
} acurast__ws_found;

typedef struct acurast__ws_reader {
    uint64_t left;  /* of the frame's payload */
    uint64_t total; /* of the message, up to the end of this frame */
    uint8_t mask[4];
    uint8_t phase;  /* how far into the mask the next byte is */
    uint8_t opcode; /* of the message that has begun; 0: none has */
    bool client : 1;   /* reads what a service writes: nothing is masked */
    bool payload : 1;  /* within a frame */
    bool final : 1;    /* it is the message's last */
    bool told : 1;     /* a piece of this message was told */
    bool skipping : 1; /* its message is too large */
    bool over : 1;
} acurast__ws_reader;

/* What has come and was not read yet. */
typedef struct acurast__ws_span {
    uint8_t *at;
    uint8_t *end;
} acurast__ws_span;

void acurast__ws_reader_init(acurast__ws_reader *reader, bool client);

/* The next event of what lies in the span, which shrinks. A message has at most `max_message` bytes. */
acurast__ws_event_kind acurast__ws_reader_next(acurast__ws_reader *reader, acurast__ws_span *span, size_t max_message,
                                               acurast__ws_found *event);

/* How much of the message is known to come still, so that who collects pieces can make room once. */
static inline uint64_t acurast__ws_reader_left(const acurast__ws_reader *reader)
{
    return reader->left;
}

/* Whether a close frame may carry this code (RFC 6455, 7.4, and IANA's registry). */
bool acurast__ws_code_valid(uint16_t code);

#endif
