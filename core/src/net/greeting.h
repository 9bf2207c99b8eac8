/*
 * Connections of a TLS listener that have not greeted yet (TLS: ClientHello). Nothing of TLS is spent on them. When a greeting
 * is there as a whole they are let in, for a millisecond in each turn of the loop: answering one takes about that long, and a
 * crowd of them would hold up everybody else.
 *
 * Linux alone; elsewhere nobody waits, and connections are let in at once.
 */
#ifndef ACURAST_NET_GREETING_H
#define ACURAST_NET_GREETING_H

#include "net/loop_internal.h"

typedef struct acurast__accepted acurast__accepted;

/* Where they wait; one for each listening socket. */
typedef struct acurast__greeting {
    int room; /* a descriptor that is readable when one of them has something to say; -1: there is none */
    uv_poll_t *poll;
} acurast__greeting;

/* There is no room: nobody can wait. */
void acurast__greeting_init(acurast__greeting *greeting);

/* On the loop, as all that follows. Where that fails connections cannot wait here. */
void acurast__greeting_open(acurast__greeting *greeting, acurast__loop *loop);

/* When nobody waits any more. Idempotent. */
void acurast__greeting_close(acurast__greeting *greeting);

/* `accepted` waits with its socket; false where that cannot be. It is given to acurast__accepted_enter() or acurast__accepted_cut(). */
bool acurast__greeting_wait(acurast__greeting *greeting, int socket, acurast__accepted *accepted);

/* It waits no more. */
void acurast__greeting_leave(acurast__greeting *greeting, int socket);

#endif
