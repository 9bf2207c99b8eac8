/*
 * A listener of the service with its door on each loop: who is let in, who gets which page, who becomes a connection.
 *
 * Limits by address hold for the address of the socket, at accept; behind a trusted proxy for the client that
 * the proxy names, at the upgrade. A trusted proxy itself is counted only where it names nobody in a header that is nonsense.
 */
#ifndef ACURAST_SERVICE_GATE_H
#define ACURAST_SERVICE_GATE_H

#include "net/listener.h"
#include "service/settings.h"
#include "service/shard.h"

/* What the handlers of a listener get on one loop. */
typedef struct acurast__door {
    acurast__shard *shard;
    bool pages;    /* /metrics and its like are answered here */
    bool loopback; /* it is bound to loopback */
    uint64_t
        warned; /* in milliseconds of the loop's clock: when it last told that there are no descriptors; 0: never */
} acurast__door;

typedef struct acurast__gate {
    acurast__listener *listener; /* NULL: not open */
    acurast__door *doors;        /* one a loop */
    bool admin;
    uint16_t port;
    char url[ACURAST__HOST_SIZE + 24];
    atomic_bool closed; /* its sockets are */
} acurast__gate;

/* On the loops of `shards`; public ones with `certificate`, where there is one. Fails as acurast__listener_open(); nothing is left then. */
acurast_status acurast__gate_open(acurast__gate *gate, acurast__shard *shards, size_t count,
                                  const acurast__endpoint *endpoint, acurast__certificate *certificate, bool admin,
                                  char *detail, size_t detail_size);

/* Begins to close; `closed` turns true later. Any thread. */
void acurast__gate_close(acurast__gate *gate);

/* The connection is accepted, or ended: it is not pending any more. On its loop. */
void acurast__gate_settled(acurast_service *service, acurast__peer *peer);

/* When it is closed and the last connection has left. */
void acurast__gate_clear(acurast__gate *gate);

#endif
