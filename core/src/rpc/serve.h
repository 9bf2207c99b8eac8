/*
 * The answerer: methods by name, requests that come in, and the answers to them.
 *
 *   parse -> receive -> next (a request to run) -> answer | drop
 *
 * A request waits until next hands it out; at most `running` are out at once, at most `waiting` wait, at most `each` are of one sender,
 * and they hold at most `bytes`. What comes beyond that is answered with the error -32001 "busy" at once; a notification is dropped and
 * counted. A batch is answered once all of its requests are, as one array; notifications are not answered, a batch of notifications
 * alone neither.
 *
 * What is not for us is left to the ordinary handlers: everything where no method is registered; answers; a notification of a method that
 * is not registered. MessagePack-RPC has no code of its own for errors: ours are described in rpc/msgpack.h.
 *
 * Whoever asked and is gone: acurast__serve_gone() forgets what waits and what runs; answers to that go nowhere.
 *
 * No clock, no randomness, no sending: replies are given back, and the caller sends them. Not thread-safe.
 */
#ifndef ACURAST_RPC_SERVE_H
#define ACURAST_RPC_SERVE_H

#include "rpc/message.h"

typedef struct acurast__serve acurast__serve;

typedef struct acurast__serve_limits {
    uint32_t running;
    uint32_t waiting;
    size_t bytes; /* of payloads whose requests wait or run, and of answers of batches that are not yet whole */
    uint32_t each; /* of one sender, waiting and running together; 0: no bound of its own */
} acurast__serve_limits;

/* What is to be sent. Size 0: nothing. */
typedef struct acurast__reply {
    uint8_t recipient[16];
    acurast__buffer payload; /* the caller's: to be cleared */
} acurast__reply;

typedef struct acurast__serve_request {
    uint64_t number; /* names it; never used again */
    void *user;      /* of the method */
    uint8_t sender[16];
    acurast__rpc_encoding encoding;
    bool notification;  /* is answered with a number of its own all the same, which frees its place; no reply comes of it */
    acurast__raw params; /* lives until the request is answered or dropped; size 0: none */
    const char *method;  /* likewise; ends with a NUL */
} acurast__serve_request;

/* NULL without memory. */
acurast__serve *acurast__serve_create(const acurast__serve_limits *limits);
void acurast__serve_destroy(acurast__serve *serve);

/* Registers a method, or gives one another `user`. INVALID: no name, too long, or one that begins with "$/" or "rpc."; NO_MEMORY. */
acurast_status acurast__serve_method(acurast__serve *serve, const char *name, void *user);

/* NOT_FOUND where there is none. Requests that came before keep their `user`. */
acurast_status acurast__serve_remove(acurast__serve *serve, const char *name);

/*
 * Takes a payload that was parsed; false: it is not for us, and untouched. `payload` is copied where something of it has to wait. There may
 * be a reply at once: errors. Without memory requests are refused as busy where there is memory for that, else dropped and counted.
 */
bool acurast__serve_receive(acurast__serve *serve, const uint8_t sender[16], const acurast__rpc_parsed *parsed,
                            const uint8_t *payload, size_t size, acurast__reply *reply);

/* The request that is to be run next; false: none, or enough run. */
bool acurast__serve_next(acurast__serve *serve, acurast__serve_request *request);

/*
 * Ends a request that runs: with a result where `error` is NULL (size 0: null), else with that error. NOT_FOUND: it was answered, or its
 * asker is gone. NO_MEMORY: nothing has changed, it may be answered again, perhaps by something shorter.
 */
acurast_status acurast__serve_answer(acurast__serve *serve, uint64_t number, acurast__raw result,
                                     const acurast__rpc_error *error, acurast__reply *reply);

/*
 * Ends a request that runs without an answer of its own; where it was the last of a batch, the others' answers are the reply. NO_MEMORY:
 * it has ended, and that reply is lost.
 */
acurast_status acurast__serve_drop(acurast__serve *serve, uint64_t number, acurast__reply *reply);

/* Tells the asker of a request that runs how far it is. NOT_FOUND as above; for a notification there is no reply. */
acurast_status acurast__serve_progress(acurast__serve *serve, uint64_t number, acurast__raw value, acurast__reply *reply);

/*
 * Forgets everything of one sender. The numbers of those that ran are told one by one, so that the program can stop: call it until it
 * gives 0.
 */
uint64_t acurast__serve_gone(acurast__serve *serve, const uint8_t sender[16]);

/* The encoding of a request that runs; false where none of that number does. */
bool acurast__serve_encoding(const acurast__serve *serve, uint64_t number, acurast__rpc_encoding *encoding);

size_t acurast__serve_running(const acurast__serve *serve);
size_t acurast__serve_waiting(const acurast__serve *serve);

/* Requests that were refused as busy, and notifications that were dropped. */
uint64_t acurast__serve_refused(const acurast__serve *serve);

#endif
