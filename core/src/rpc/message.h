/*
 * A payload as messages of JSON-RPC 2.0 or MessagePack-RPC: views into the payload, whatever its encoding.
 *
 * What is neither is OTHER, and belongs to the program's ordinary handlers. A payload of JSON is JSON-RPC where an object on top, or one
 * within an array on top, has the member "jsonrpc", written so; nothing else is. A payload that has no such text costs one search of it,
 * one that does not begin with a bracket costs a look at its first bytes.
 */
#ifndef ACURAST_RPC_MESSAGE_H
#define ACURAST_RPC_MESSAGE_H

#include "rpc/buffer.h"

#include <acurast/status.h>

#include <string.h>

#define ACURAST__RPC_DEPTH_MAX 64  /* of arrays and objects within each other */
#define ACURAST__RPC_BATCH_MAX 64  /* messages in a batch */
#define ACURAST__RPC_METHOD_MAX 255 /* bytes of a method's name, unescaped */
#define ACURAST__RPC_ID_MAX 255    /* bytes of an id, as it is written */
#define ACURAST__RPC_PROGRESS "$/progress"

typedef enum acurast__rpc_encoding {
    ACURAST__RPC_JSON = 1,
    ACURAST__RPC_MSGPACK = 2
} acurast__rpc_encoding;

/* Codes of errors. BUSY is ours, within what the specification leaves to implementations. */
typedef enum acurast__rpc_code {
    ACURAST__RPC_PARSE_ERROR = -32700,
    ACURAST__RPC_INVALID_REQUEST = -32600,
    ACURAST__RPC_NO_METHOD = -32601,
    ACURAST__RPC_INVALID_PARAMS = -32602,
    ACURAST__RPC_INTERNAL = -32603,
    ACURAST__RPC_BUSY = -32001
} acurast__rpc_code;

/* Raw JSON or MessagePack; size 0: not there. */
typedef struct acurast__raw {
    const uint8_t *bytes;
    size_t size;
} acurast__raw;

typedef enum acurast__rpc_kind {
    ACURAST__RPC_INVALID, /* neither of these */
    ACURAST__RPC_REQUEST,
    ACURAST__RPC_NOTIFICATION,
    ACURAST__RPC_RESULT,
    ACURAST__RPC_ERROR
} acurast__rpc_kind;

typedef enum acurast__rpc_part {
    ACURAST__RPC_PART_NONE,
    ACURAST__RPC_PART_VERSION,
    ACURAST__RPC_PART_ID,
    ACURAST__RPC_PART_METHOD,
    ACURAST__RPC_PART_PARAMS,
    ACURAST__RPC_PART_RESULT,
    ACURAST__RPC_PART_ERROR,
    ACURAST__RPC_PART_CODE, /* this and what follows: of the error */
    ACURAST__RPC_PART_MESSAGE,
    ACURAST__RPC_PART_DATA,
    ACURAST__RPC_PARTS
} acurast__rpc_part;

typedef struct acurast__rpc_message {
    acurast__rpc_kind kind;
    bool answer;                          /* INVALID: it has a result or an error and no method, so it is never answered */
    int64_t code;                         /* ERROR; 0 where MessagePack-RPC says none */
    const char *method;                   /* unescaped, not ended by a NUL; may contain NULs */
    size_t method_size;
    acurast__raw part[ACURAST__RPC_PARTS]; /* the values as they are written */
    char *unescaped;                      /* what `method` points to where it is written with escapes */
} acurast__rpc_message;

typedef enum acurast__rpc_verdict {
    ACURAST__RPC_OTHER,    /* not ours */
    ACURAST__RPC_MESSAGES, /* each is as it says */
    ACURAST__RPC_BROKEN,   /* says that it is JSON-RPC, and is not JSON */
    ACURAST__RPC_NO_MEMORY
} acurast__rpc_verdict;

/* Not to be copied: `messages` may point into it. */
typedef struct acurast__rpc_parsed {
    acurast__rpc_encoding encoding;
    acurast__rpc_verdict verdict;
    bool batch;
    size_t count;
    acurast__rpc_message *messages; /* `one`, or a block */
    acurast__rpc_message one;
} acurast__rpc_parsed;

/*
 * Fills `parsed` with views into `payload`; acurast__rpc_clear() afterwards, whatever the verdict. With `all`, whatever begins as JSON
 * is JSON-RPC, as the specification has it: then [], [1] and {} are INVALID, and what is not JSON is BROKEN.
 */
acurast__rpc_verdict acurast__rpc_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size, bool all);
void acurast__rpc_clear(acurast__rpc_parsed *parsed);

/* True for one whole value within the limits, with nothing after it: what may be params, result or data. */
bool acurast__rpc_valid(acurast__rpc_encoding encoding, const uint8_t *bytes, size_t size);

/* What a message is made of when one is written. Only what is set is written. */
typedef struct acurast__rpc_error {
    int64_t code;
    const char *message; /* ends with a NUL; UTF-8 */
    acurast__raw data;
} acurast__rpc_error;

/*
 * Appends a message. Raw values are copied as they are: who passes a stranger's or a user's asks acurast__rpc_valid() first. An id
 * of size 0 is null (in an answer) or none (a notification); params of size 0 are left out (JSON) or an empty array (MessagePack).
 */
void acurast__rpc_write_request(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id, const char *method,
                                acurast__raw params);
void acurast__rpc_write_result(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id, acurast__raw result);
void acurast__rpc_write_error(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id,
                              const acurast__rpc_error *error);

/* A notification $/progress: params {"id": id, "value": value}, or [id, value] in MessagePack. */
void acurast__rpc_write_progress(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id, acurast__raw value);

/* False where the message is no progress. */
bool acurast__rpc_read_progress(acurast__rpc_encoding encoding, const acurast__rpc_message *message, acurast__raw *id,
                                acurast__raw *value);

static inline bool acurast__raw_equal(acurast__raw a, acurast__raw b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

#endif
