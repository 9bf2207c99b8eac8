/*
 * A context owns the I/O threads and everything that runs on them. Most programs
 * need one. Its threads start with the first connect or start, not before, so a
 * program may create contexts and still fork.
 *
 * Every client and service holds its context: release in any order.
 */
#ifndef ACURAST_CONTEXT_H
#define ACURAST_CONTEXT_H

#include <acurast/export.h>
#include <acurast/options.h>
#include <acurast/status.h>

#include <stdint.h>

ACURAST_BEGIN

typedef struct acurast_context acurast_context;

/*
 * `options`: scope CONTEXT, or NULL for the defaults. Does no I/O and starts no thread. Fails with INVALID (another scope) or
 * NO_MEMORY.
 */
ACURAST_API acurast_status acurast_context_create(const acurast_options *options, acurast_context **context);

/*
 * Closes every client and service of the context, as their own close functions do, and refuses new ones with CLOSED. Does not
 * wait. Idempotent.
 */
ACURAST_API acurast_status acurast_context_close(acurast_context *context);

/*
 * Waits until the context was closed and all its threads have ended; after OK no callback will run any more. Does not close: call
 * acurast_context_close() first. `timeout_ms` < 0 waits for ever. Returns OK, TIMEOUT, or WOULD_DEADLOCK on an I/O thread.
 */
ACURAST_API acurast_status acurast_context_wait(acurast_context *context, int timeout_ms);

/*
 * Gives the handle back. Clients and services go on until they are closed; the threads end by themselves once the
 * context is released and nothing is left on them.
 */
ACURAST_API void acurast_context_release(acurast_context *context);

/*
 * How many objects of this library live in the process: contexts, identities, options, clients, services, queues, and events not
 * yet given back. For tests that look for leaks.
 */
ACURAST_API int64_t acurast_live_objects(void);

ACURAST_END

#endif
