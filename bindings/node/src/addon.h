/*
 * The addon: what its files share.
 *
 * One `environment` for each Node environment (the main thread, each worker) that loads the addon: the context of its
 * clients, and the watch over its sources. A `source` is a client or a service together with its queue. The descriptor of the queue
 * is watched by the environment's own loop, so no thread of the core ever enters JavaScript:
 *
 *   descriptor readable -> source_readable(): into the list of those that are ready
 *   uv_check           -> environment_drain(): at most BATCH events become one call of the function `dispatch`
 *
 * A source has two owners: the JavaScript object that wraps it, and the loop while it watches. Who goes last frees it.
 */
#ifndef ACURAST_NODE_ADDON_H
#define ACURAST_NODE_ADDON_H

#include <acurast/acurast.h>
#include <node_api.h>
#include <stdbool.h>
#include <uv.h>

enum {
    BATCH = 256,               /* events of one call into JavaScript; more wait for the loop's next turn */
    CELLS = 4,                 /* numbers that tell one event */
    SCRATCH_SIZE = 256 * 1024, /* payloads of one batch that are small */
    SMALL_PAYLOAD = 2048,      /* up to here a copy by JavaScript is cheaper than a buffer made from C */
    INLINE_INPUT = 160         /* holds a recipient in any form */
};

/* ---- environment.c ---- */

typedef struct source source;

typedef struct environment {
    napi_env env; /* NULL once the clean-up has begun */
    uv_loop_t *loop;
    uv_check_t check;
    unsigned handles; /* of the loop, not yet closed */
    napi_async_cleanup_hook_handle hook;
    napi_async_context async;
    napi_ref dispatch; /* function (count, extras) */
    napi_ref failure;  /* function (status, detail) -> Error */
    napi_ref arrays;   /* keeps the memory of the two below */
    double *cells;
    uint8_t *scratch;
    acurast_options *settings;
    acurast_context *context;
    source *sources;
    source *ready, **ready_end; /* first come, first served */
    bool ended;
    acurast_event_view views[BATCH];
} environment;

/* Makes it the instance data of `env`. False with an exception pending. */
bool environment_create(napi_env env);
environment *environment_of(napi_env env);

/* The context of all clients, made on first use; NULL with an exception pending. */
acurast_context *environment_context(environment *home);

napi_value environment_setup(napi_env env, napi_callback_info info);
napi_value environment_configure(napi_env env, napi_callback_info info);
napi_value environment_end(napi_env env, napi_callback_info info);

/* A handle of the loop was closed; the last one after the clean-up frees the environment. */
void environment_handle_closed(environment *home);

/* ---- drain.c ---- */

void environment_drain(uv_check_t *check);

/* ---- source.c ---- */

struct source {
    environment *home;
    source *next, **link; /* among all of the environment */
    source *next_ready;
    bool is_ready;
    bool watched;
    bool closed;
    unsigned owners;
    uint32_t slot; /* by which JavaScript knows it */
    uv_poll_t poll;
    acurast_queue *queue;
    acurast_client *client;
    acurast_service *service;
    acurast_context *context; /* a service's own */
};

/* A new source with a queue of its own; NULL with an exception pending. 0 takes the core's limits. */
source *source_create(environment *home, acurast_context *context, uint32_t slot, size_t max_events, size_t max_bytes);

/* Lets the loop watch the queue: from now on it keeps the process alive. False with an exception pending. */
bool source_watch(source *self);

/* Gives the handles of the core back and ends the watch. Idempotent. */
void source_close(source *self);

/* One owner less. */
void source_release(source *self);

/* The object that JavaScript holds; it owns the source from now on. NULL with an exception pending. */
napi_value source_wrap(source *self, const napi_type_tag *tag);

napi_value source_ref(napi_env env, napi_callback_info info);
napi_value source_unref(napi_env env, napi_callback_info info);
napi_value source_free(napi_env env, napi_callback_info info);

extern const napi_type_tag CLIENT_TAG, SERVICE_TAG, IDENTITY_TAG;

/* ---- value.c: arguments and results. Whatever fails leaves an exception and gives NULL or false. ---- */

/* Fills `values` with exactly `count` arguments; missing ones are undefined. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);

void *unwrap(napi_env env, napi_value value, const napi_type_tag *tag);

/* Bytes given as a Uint8Array or an ArrayBuffer (borrowed), or as a string (copied as UTF-8, and wiped by input_free()). */
typedef struct input {
    const uint8_t *data;
    size_t size;
    uint8_t *owned;
    uint8_t space[INLINE_INPUT];
} input;

bool input_take(napi_env env, napi_value value, input *into);
bool input_bytes(napi_env env, napi_value value, input *into); /* strings refused */
bool input_sized(napi_env env, napi_value value, size_t size, input *into);
void input_free(input *self);

bool number(napi_env env, napi_value value, double *into);
bool whole(napi_env env, napi_value value, uint32_t *into);

napi_value fail(napi_env env, acurast_status status, const char *detail);
napi_value fail_type(napi_env env, const char *what);
napi_value undefined(napi_env env);
napi_value from_number(napi_env env, double value);
napi_value from_text(napi_env env, const char *text);
napi_value from_utf8(napi_env env, const void *text, size_t size);
napi_value from_hex(napi_env env, const uint8_t *bytes, size_t size);
napi_value from_bytes(napi_env env, const void *bytes, size_t size);

/* ---- options.c ---- */

/* From [name, value, name, value ...]; a value is a string, a number, a boolean or an array of strings. */
acurast_options *options_take(napi_env env, acurast_option_scope scope, napi_value pairs);

/* ---- client.c ---- */

/* NULL with an exception pending, also once the handles were given back. */
source *client_of(napi_env env, napi_value value);

/* What a call that begins an operation answers: its number, or a status below 0. */
napi_value begun(napi_env env, acurast_status status, uint64_t operation);

/* ---- request.c ---- */

/* The token of a request for the core: its own, and the encoding, which an answer does not tell. */
uint64_t request_token(uint32_t token, uint32_t encoding);
uint32_t request_encoding(uint64_t token);

/* ---- client.c, request.c, service.c, identity.c, key.c: their functions, by name ---- */

typedef struct entry {
    const char *name;
    napi_callback call;
} entry;

extern const entry CLIENT_ENTRIES[], REQUEST_ENTRIES[], SERVICE_ENTRIES[], IDENTITY_ENTRIES[], KEY_ENTRIES[];

#endif
