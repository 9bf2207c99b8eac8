/*
 * One call that waits in the outbox: a plain send, a tracked one, a look, or a request. It holds its frame, as it goes over the wire, and the room
 * for its outcome.
 *
 * How certain its end is: `live` counts its transmissions that nobody has answered yet, on this connection; `maybe` says that there were
 * others which nobody will answer any more. A failure is certain only where there is neither.
 */
#ifndef ACURAST_CLIENT_OPERATION_H
#define ACURAST_CLIENT_OPERATION_H

#include "base/event.h"
#include "base/list.h"
#include "base/wheel.h"
#include "wire/track.h"

typedef struct acurast__outbox acurast__outbox;
typedef struct acurast__pair acurast__pair;
typedef struct acurast__survey acurast__survey;

typedef enum acurast__operation_kind {
    ACURAST__OPERATION_PLAIN,
    ACURAST__OPERATION_TRACKED,
    ACURAST__OPERATION_LOOK,
    ACURAST__OPERATION_SURVEY /* never in the outbox: the outcome of several that are; see client/survey.h */
} acurast__operation_kind;

typedef enum acurast__place {
    ACURAST__PLACE_QUEUED,
    ACURAST__PLACE_FLYING,
    ACURAST__PLACE_AWAITING /* written, and somebody is to answer */
} acurast__place;

typedef struct acurast__operation {
    acurast__list link;
    acurast__event event;
    acurast__timer timer;
    struct acurast__operation *next_in_bucket;
    acurast__outbox *outbox;
    uint64_t number;
    uint64_t token;
    uint64_t deadline; /* milliseconds of the monotonic clock; 0: none */
    uint64_t end;      /* flying: where its bytes end among all that the websocket was given */
    acurast__operation_kind kind;
    acurast__place place;
    bool cancelled; /* asked for while flying: counts once it is written, or lost */
    bool no_outcome;
    bool tell_kept;
    bool kept;  /* a copy waits in a mailbox */
    bool maybe; /* see above */
    uint16_t live;
    uint16_t bounces; /* how often it came before its turn */
    acurast_level until;
    acurast_level reached;
    uint64_t after; /* what it said, when it was last sent, that has to be delivered before it */
    acurast__pair *pair;
    acurast__list in_pair;
    bool asks;      /* a request: it awaits an answer as well */
    bool flown;     /* and its caller has written it; the outbox has yet to hear of it */
    bool retry;     /* and may be executed twice */
    bool plain;     /* and was last sent without receipts, since the service has none */
    bool delivered; /* and its recipient has it, or as good as that */
    bool answered;  /* and its answer is in the frame's place */
    uint64_t call;  /* and its number among the open ones; 0: answered */
    int64_t code;   /* and of the error that it was answered with */
    acurast__survey *survey; /* and what it is a part of, and which; NULL: it is asked for itself */
    uint32_t part;
    uint8_t sender[16];
    uint8_t recipient[16];
    size_t payload_size; /* what counts in the outbox */
    size_t frame_size;
    uint8_t *frame; /* at its end: what was seen, the answer, or all of them */
} acurast__operation;

/* An answer may come all the same; and where there are no receipts, it is not known whether it would be executed twice. */
static inline bool acurast__operation_only_waits(const acurast__operation *operation)
{
    return operation->delivered || (operation->plain && !operation->retry);
}

/* With a copy of the payload behind its header; NULL without memory. Any thread. */
acurast__operation *acurast__operation_create(const uint8_t sender[16], const uint8_t recipient[16],
                                              const void *payload, size_t payload_size);

/* The same for a level beyond written; it is stamped each time before it is sent. */
acurast__operation *acurast__operation_create_tracked(const uint8_t sender[16], const uint8_t recipient[16],
                                                      const void *payload, size_t payload_size, acurast_level until);

/* Of `count` ids, ACURAST__LOOK_MAX_IDS at most. */
acurast__operation *acurast__operation_create_look(const uint8_t sender[16], const uint8_t *ids, size_t count);

/* An outcome alone: `frame` is NULL until there is one. */
acurast__operation *acurast__operation_create_survey(const uint8_t sender[16]);

/* Writes what is not the same each time into its frame; its number is set. `run` has 8 bytes. */
void acurast__operation_stamp(acurast__operation *operation, const uint8_t *run);

/* Of a request that goes to a service without receipts: the frame of an ordinary payload, and its size. */
const uint8_t *acurast__operation_plain(acurast__operation *operation, size_t *size);

/* Makes its frame an array of acurast_seen, the event's payload. */
void acurast__operation_seen(acurast__operation *operation, const acurast__items *seen);

/* Frees the payload, as soon as nobody needs it; and everything. Any thread. */
void acurast__operation_free_payload(acurast__operation *operation);
void acurast__operation_free(acurast__operation *operation);

#endif
