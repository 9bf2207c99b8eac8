/*
 * Requests and answers on payloads: JSON-RPC 2.0, which deployed scripts speak, or MessagePack-RPC.
 *
 * A client can ask and serve at once, and go on sending payloads of its own. Both work with peers that know nothing of this library: a
 * request is a payload, and so is its answer. The ids of requests are made here. They cannot be guessed, and an answer counts only from
 * whom was asked, once. What is no answer to a request of this client, and no request for a method that it serves, comes as a PAYLOAD
 * event as ever.
 *
 * Values (params, result, progress, data of an error) are raw bytes of the encoding: one whole JSON or MessagePack value.
 */
#ifndef ACURAST_REQUEST_H
#define ACURAST_REQUEST_H

#include <acurast/client.h>

ACURAST_BEGIN

typedef enum acurast_encoding {
    ACURAST_ENCODING_JSON = 0,
    ACURAST_ENCODING_MSGPACK = 1
} acurast_encoding;

/* Settings of one request. Zero it, set `size` to its sizeof, then what you need. */
typedef struct acurast_request_params {
    size_t size;
    uint64_t token;      /* comes back in its events */
    uint32_t timeout_ms; /* until the answer; 0: 10 seconds */
    uint32_t encoding;   /* an acurast_encoding */
    uint32_t retry;      /* 1: it may be executed more than once, so that it can be sent again where nobody knows whether it was */
    uint32_t reserved;   /* 0 */
} acurast_request_params;

/*
 * Asks a recipient, given in any form that acurast_id_of() takes. `method` has 1 to 255 bytes of UTF-8; `params` is a raw array or object, or
 * none where `params_size` is 0. All is copied. `settings` and `operation` may be NULL. The request has its place in the outbox until
 * its REPLY event, exactly one, with `operation`, `token`, `sender` (whom was asked) and one of:
 *
 *   OK               `payload` is the result
 *   REMOTE_ERROR     `payload` is the error, as it came; `code` is its code
 *   NOT_HERE, MAILBOX_FULL, MAILBOX_EXPIRED, QUEUE_FULL, NOT_DELIVERED, SERVICE_MEMORY, TOO_LARGE
 *                    it was not delivered, and will not be: at once, where the service speaks this library's extension
 *   UNDETERMINED     it was sent, the recipient has left, or its connection broke, and nobody knows whether it was executed
 *   TIMEOUT          no answer came in time
 *   CANCELLED        by acurast_client_cancel()
 *   CLOSED           the client was closed first
 *   NO_MEMORY        the answer has come, and there was no memory for it
 *
 * A recipient that was here a moment ago has a mailbox: a request waits there for its return, until the mailbox's time or its own is over.
 *
 * Where nothing of this client is open or waits, and the connection is plain, the call writes the request to the socket itself, up to 4096
 * bytes. It still does not wait.
 *
 * The recipient's program is given the request once, also where it was sent again after a reconnect, if it is a client of this library.
 * Another, such as the vendor's, is sent it once; with `retry` again, where that may help. At a service without the extension nothing is told
 * but the answer: a request to nobody, or over a connection that broke, ends with TIMEOUT. A client that closes does not wait for answers.
 *
 * Fails at once, without an event, with INVALID, BAD_RECIPIENT, BAD_HEX, BAD_KEY, TOO_LARGE, OUTBOX_FULL, BAD_STATE (before connect), CLOSED or
 * NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_request(acurast_client *client, const void *recipient, size_t recipient_size,
                                                  const char *method, const void *params, size_t params_size,
                                                  const acurast_request_params *settings, uint64_t *operation);

#define ACURAST_REQUEST_MANY_MAX 1024

/* Settings of one request to many. Zero it, set `size` to its sizeof, then what you need. */
typedef struct acurast_many_params {
    size_t size;
    uint64_t token;      /* comes back in its events */
    uint32_t timeout_ms; /* for all of it; 0: 10 seconds */
    uint32_t encoding;   /* an acurast_encoding */
    uint32_t retry;      /* as in acurast_request_params */
    uint32_t need;       /* results that end it, at most as many as are asked; 0: as many */
    uint32_t agree;      /* 1: so many have to be equal */
    uint32_t reserved;   /* 0 */
} acurast_many_params;

/* What one of those that were asked has said. */
typedef struct acurast_answer {
    const uint8_t *data; /* OK: the result. REMOTE_ERROR: the error, as it came. Else NULL */
    size_t size;         /* bytes */
    int64_t code;        /* of a remote error */
    acurast_status status;
    uint32_t group; /* of a result, else 0. Equal results have the same number, the largest group has 1; without `agree` all have */
    uint8_t id[16];
} acurast_answer;

/*
 * Asks `count` recipients the same, each of them once, and ends as soon as `need` results have come, or with `agree` as many that are
 * equal, or that has become impossible. What is open then is cancelled. `ids` has 16 bytes for each: 1 to ACURAST_REQUEST_MANY_MAX, all different, and fewer
 * than half of the option `outbox-count`, in which each has a place. All is copied. `settings` and `operation` may be NULL.
 *
 * Its end is an ANSWERS event, exactly one, with `operation`, `token` and one of:
 *
 *   OK                  the first answer of group 1 is the result: what they agree on, or the first that came
 *   NOT_ENOUGH_ANSWERS  too few can have, or the time is over
 *   CANCELLED, CLOSED, NO_MEMORY  as of a request
 *
 * Its `payload` is an array of acurast_answer, `payload_size` / sizeof(acurast_answer) of them, valid as long as the event: those that
 * answered or failed, in that order, each with its status, as the REPLY event has it; then the rest, with CANCELLED, or TIMEOUT where the time
 * was over. With NO_MEMORY it is empty. An answer of more than 64 KiB, or its equal share of 16 MiB where that is more, is TOO_LARGE. core/docs/requests.md
 * says which values are equal. A PROGRESS event has the `operation` of all, and the `sender` tells whose it is.
 *
 * acurast_client_cancel() ends all of it. Fails at once, without an event, as acurast_client_request(); with TOO_LARGE where too many are
 * asked for the outbox, and INVALID for an id that is there twice, which would have two votes.
 */
ACURAST_API acurast_status acurast_client_request_many(acurast_client *client, const uint8_t *ids, size_t count,
                                                       const char *method, const void *params, size_t params_size,
                                                       const acurast_many_params *settings, uint64_t *operation);

/*
 * Serves a method from now on: each request for it is a REQUEST event with `text` (the method), `payload` (the params; its size is 0
 * without any), `encoding`, `sender`, `operation` (the number to answer by) and `token`. So is a notification; what is answered to it goes
 * nowhere, but it has to be answered as well. The options `serve-running` and `serve-waiting` bound how many are handed out and not
 * answered, and how many wait, half of them of one sender; beyond that the answer is the error -32001, "busy". Before connect or at any time; serving a method
 * again gives it another token. Requests of methods that are not served are answered with the error -32601, once one is.
 * Fails with INVALID (no name, more than 255 bytes, or one that begins with "rpc." or "$/"), CLOSED or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_serve(acurast_client *client, const char *method, uint64_t token);

/*
 * Answers a request with a result; none (size 0) is null. Exactly one answer for each request. NOT_FOUND: it was answered, or there never
 * was one of this number. INVALID: the result is not one whole value of the request's encoding. OUTBOX_FULL: try again after the
 * WRITABLE event. CLOSED or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_client_answer(acurast_client *client, uint64_t request, const void *result,
                                                 size_t result_size);

/*
 * Answers with an error: its code (the specification leaves -32768 to -32000 to itself), a message (UTF-8, for people; what is secret does not
 * belong here), and raw data (size 0: none). As acurast_client_answer().
 */
ACURAST_API acurast_status acurast_client_answer_error(acurast_client *client, uint64_t request, int64_t code,
                                                       const char *message, const void *data, size_t data_size);

/*
 * Tells the asker how far a request is, by a notification "$/progress" whose params are {"id": ..., "value": VALUE}. The asker gets it as a
 * PROGRESS event of its request: `operation`, `token`, `payload`. May be done any number of times before the answer. Fails as
 * acurast_client_answer().
 */
ACURAST_API acurast_status acurast_client_progress(acurast_client *client, uint64_t request, const void *value,
                                                   size_t value_size);

ACURAST_END

#endif
