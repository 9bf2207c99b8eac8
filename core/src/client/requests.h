/*
 * The client as one who asks and one who serves: rpc/calls.h and rpc/serve.h, joined to its outbox and its events.
 *
 * A request is an operation of the outbox, which keeps its time and its outcome; the table of calls knows which answer is whose. A request
 * that comes in waits in the table of the server until there is room, and is an event then.
 */
#ifndef ACURAST_CLIENT_REQUESTS_H
#define ACURAST_CLIENT_REQUESTS_H

#include "client/operation.h"
#include "rpc/calls.h"
#include "rpc/serve.h"

#include <acurast/request.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct acurast__requests {
    pthread_mutex_t lock; /* of both; no other lock is taken, and nothing is called out, while it is held */
    acurast__calls *calls; /* NULL until something was asked */
    acurast__serve *serve; /* NULL until something is served */
    atomic_bool active;    /* there is one of them: payloads have to be looked at */
    bool due;              /* requests may have room now; under the client's lock */
    acurast__list surveys; /* that are open; under the client's lock */
    acurast__list told;    /* that have ended, and whose operations are to be cancelled; the loop's */
} acurast__requests;

/* What is asked. */
typedef struct acurast__question {
    const char *method;
    acurast__raw params;
    uint32_t encoding; /* an acurast_encoding */
    uint32_t timeout_ms;
    bool retry;
} acurast__question;

void acurast__requests_init(acurast__requests *requests);
void acurast__requests_clear(acurast__requests *requests);

/* As the public functions of these names; arguments are checked. Any thread. */
acurast_status acurast__client_request(acurast_client *client, const uint8_t recipient[16],
                                       const acurast__question *question, uint64_t token, uint64_t *operation);
acurast_status acurast__client_serve(acurast_client *client, const char *method, uint64_t token);
acurast_status acurast__client_answer(acurast_client *client, uint64_t request, acurast__raw result,
                                      const acurast__rpc_error *error);
acurast_status acurast__client_progress(acurast_client *client, uint64_t request, acurast__raw value);

/* Of an acurast_encoding. */
acurast__rpc_encoding acurast__requests_encoding(uint32_t public);

/*
 * The steps of a request: whether it can be asked; an operation that asks it, with its call open and not handed in, or TOO_LARGE, INVALID or
 * NO_MEMORY. Any thread.
 */
acurast_status acurast__requests_check(acurast_client *client, const acurast__question *question);
acurast_status acurast__requests_make(acurast_client *client, const acurast__question *question,
                                      const uint8_t recipient[16], acurast__operation **made);

/* Takes a payload that is an answer or a request, and returns true; false: it is for the ordinary handlers. On the client's loop. */
bool acurast__requests_take(acurast_client *client, const uint8_t sender[16], const uint8_t *payload, size_t size);

/* Hands out requests for which there is room. On the client's loop. */
void acurast__requests_hand_out(acurast_client *client);

/* A request has ended: no answer to it matters any more. On the client's loop, or where it never reached that. */
void acurast__requests_forget(acurast_client *client, acurast__operation *operation);

#endif
