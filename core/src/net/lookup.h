/* The addresses of a name, asked of the system on a thread of its own. */
#ifndef ACURAST_NET_LOOKUP_H
#define ACURAST_NET_LOOKUP_H

#include "net/address.h"
#include "net/loop.h"

/* Of each family at most half. */
#define ACURAST__LOOKUP_MOST 16u

typedef struct acurast__lookup acurast__lookup;

/*
 * `addresses` are in the order in which they are to be tried (RFC 6724, by getaddrinfo). With none, `problem` says why; it is never NULL, and both are
 * valid during the call.
 */
typedef void acurast__lookup_done(void *owner, const acurast__address *addresses, size_t count, const char *problem);

/* `done` is called in a later turn, once, unless it is cancelled. NULL without memory. The loop's thread. */
acurast__lookup *acurast__lookup_start(acurast__loop *loop, const char *host, acurast__lookup_done *done, void *owner);

/* `done` is not called. Not within it. The loop's thread. */
void acurast__lookup_cancel(acurast__lookup *lookup);

#endif
