/*
 * The context inside the core: the loops, started with the first member that needs them, and the list of members (clients,
 * services) that a close must reach. acurast/context.h is its public face.
 */
#ifndef ACURAST_NET_CONTEXT_H
#define ACURAST_NET_CONTEXT_H

#include "base/list.h"
#include "net/loop.h"

#include <acurast/context.h>
#include <acurast/event.h>

/* `options` of scope CONTEXT, not NULL. NO_MEMORY. */
acurast_status acurast__context_create(const acurast_options *options, acurast_context **context);

/* What the public functions of the same names do, after their checks. */
acurast_status acurast__context_close(acurast_context *context);
acurast_status acurast__context_wait(acurast_context *context, int timeout_ms);

/* The user gives the handle back. */
void acurast__context_abandon(acurast_context *context);

/* Counted references: the caller's handle is one, each member holds one. Any thread. */
acurast_context *acurast__context_retain(acurast_context *context);
void acurast__context_release(acurast_context *context);

/* True in a child of the process that made it. Any thread. */
bool acurast__context_forked(const acurast_context *context);

/* True once acurast__context_close() was called. Any thread. */
bool acurast__context_closed(acurast_context *context);

acurast_log_level acurast__context_log_level(const acurast_context *context);

/* Somebody who lives on the loops. `close` asks it to close; it runs with no lock held, on the thread that closes the context. */
typedef struct acurast__member {
    acurast__list link;
    bool asked; /* the context's own: to close */
    void (*close)(struct acurast__member *member);
    void (*retain)(struct acurast__member *member); /* so that it survives while `close` runs */
    void (*release)(struct acurast__member *member);
} acurast__member;

/*
 * Starts the loops if that was not done, and adds the member. CLOSED once the context was closed; NO_MEMORY or SYSTEM
 * from starting the loops. Any thread.
 */
acurast_status acurast__context_join(acurast_context *context, acurast__member *member);

/* Takes the member off; when the context was closed (or all handles are released) and nobody is left, the loops end. Any thread. */
void acurast__context_leave(acurast_context *context, acurast__member *member);

/* After the first join. */
size_t acurast__context_loop_count(const acurast_context *context);
acurast__loop *acurast__context_loop(const acurast_context *context, size_t index);

/* The loops in turn, for a new client. */
acurast__loop *acurast__context_next_loop(acurast_context *context);

#endif
