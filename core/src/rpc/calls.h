/*
 * The asker: the open requests of one client, and what the answers are that come in.
 *
 * A call is open from begin to the first of: an answer, cancel, its deadline. Its id cannot be guessed, tells nothing of the next one, and
 * is of this client object alone, so that a late answer to an earlier run of the program matches nothing. An answer matches only from
 * whom was asked, in the encoding in which was asked, once.
 *
 * Ids of JSON-RPC are 32 hexadecimal digits: eight bytes that look random and a keyed checksum of them. So this object knows its own ids
 * for ever, also those of calls that ended long ago. Ids of MessagePack-RPC are 32 bits; of the calls that ended, the last 256 are known.
 *
 * No clock and no randomness of its own: time is the caller's milliseconds, the key comes with create. Not thread-safe.
 *
 *   acurast__rpc_parse(&parsed, payload, size, false);
 *   for each message: switch (acurast__calls_receive(calls, sender, parsed.encoding, message, &answer)) ...
 */
#ifndef ACURAST_RPC_CALLS_H
#define ACURAST_RPC_CALLS_H

#include "rpc/message.h"

#define ACURAST__CALLS_KEY_SIZE 32

typedef struct acurast__calls acurast__calls;

typedef struct acurast__call {
    uint64_t number; /* names it in this object, never used again; not 0 */
    uint64_t token;  /* the caller's */
    uint8_t recipient[16];
} acurast__call;

typedef enum acurast__calls_verdict {
    ACURAST__CALLS_NOT_OURS,  /* no answer to anything that this object asked: for the server, or the ordinary handlers */
    ACURAST__CALLS_ANSWER,    /* the call has ended; the message is a RESULT or an ERROR */
    ACURAST__CALLS_PROGRESS,  /* the call stays open */
    ACURAST__CALLS_MALFORMED, /* this and the following: counted, and nobody's concern any more */
    ACURAST__CALLS_FOREIGN,   /* from another than was asked */
    ACURAST__CALLS_LATE,      /* the call was cancelled or had expired */
    ACURAST__CALLS_DOUBLE,    /* the call was answered before */
    ACURAST__CALLS_VERDICTS
} acurast__calls_verdict;

typedef struct acurast__answer {
    acurast__call call;
    acurast__raw progress; /* PROGRESS: the value */
} acurast__answer;

/* `key` is random bytes, of this object alone; `most` calls can be open at once. NULL without memory. */
acurast__calls *acurast__calls_create(const uint8_t key[ACURAST__CALLS_KEY_SIZE], uint32_t most);
void acurast__calls_destroy(acurast__calls *calls);

typedef struct acurast__call_params {
    acurast__rpc_encoding encoding;
    uint8_t recipient[16];
    const char *method;
    acurast__raw params; /* size 0: none */
    uint64_t deadline;   /* UINT64_MAX: none */
    uint64_t token;
} acurast__call_params;

/*
 * Opens a call and appends the payload to send. OUTBOX_FULL where `most` are open; INVALID for a method that is too long or no UTF-8, and
 * for params that are no array or object; NO_MEMORY. The inside of params is not looked at: acurast__rpc_valid() does. On failure
 * nothing is open and `payload` is to be cleared.
 */
acurast_status acurast__calls_begin(acurast__calls *calls, const acurast__call_params *params, acurast__buffer *payload,
                                    uint64_t *number);

/* Another token for an open call. */
void acurast__calls_set_token(acurast__calls *calls, uint64_t number, uint64_t token);

/* What a message is to this object. */
acurast__calls_verdict acurast__calls_receive(acurast__calls *calls, const uint8_t sender[16],
                                              acurast__rpc_encoding encoding, const acurast__rpc_message *message,
                                              acurast__answer *answer);

/* Ends a call without an answer, since nobody wants it any more or it has failed; false where it is not open. */
bool acurast__calls_cancel(acurast__calls *calls, uint64_t number, acurast__call *call);

/* Ends a call whose deadline is not after `now`; false where there is none (any more). */
bool acurast__calls_expire(acurast__calls *calls, uint64_t now, acurast__call *call);

/* The deadline that comes next; UINT64_MAX: none. */
uint64_t acurast__calls_next_deadline(const acurast__calls *calls);

/*
 * Ends a call to that recipient, who is gone; false where there is none (any more). Begin with *cursor = 0; what is begun meanwhile may be
 * passed over.
 */
bool acurast__calls_gone(acurast__calls *calls, const uint8_t recipient[16], uint32_t *cursor, acurast__call *call);

size_t acurast__calls_open(const acurast__calls *calls);

/* How often acurast__calls_receive() said so. */
uint64_t acurast__calls_count(const acurast__calls *calls, acurast__calls_verdict verdict);

#endif
