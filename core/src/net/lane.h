/*
 * The lane beside the loop: while a client's plain websocket has nothing to write, any thread may write a small message to its
 * socket, instead of waking the loop for it. The loop opens the lane when everything is written, and closes it
 * before it writes again or lets the socket go.
 */
#ifndef ACURAST_NET_LANE_H
#define ACURAST_NET_LANE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct acurast__lane {
    pthread_mutex_t lock; /* of what follows; held while a message is written */
    int socket;           /* -1: closed */
    size_t max_body;      /* bytes of a message behind its head */
    size_t max_waiting;   /* bytes that the socket may have to send already */
    size_t largest;       /* body that was written since acurast__lane_largest() */
} acurast__lane;

/* Closed. */
void acurast__lane_init(acurast__lane *lane);
void acurast__lane_destroy(acurast__lane *lane);

/*
 * The socket belongs to a websocket that has nothing to write, not even a part of a frame; `max_waiting` is well below the size of its send
 * buffer. Idempotent. On the loop's thread.
 */
void acurast__lane_open(acurast__lane *lane, int socket, size_t max_body, size_t max_waiting);

/* When it returns nobody writes, and nobody will. Idempotent. Any thread. */
void acurast__lane_close(acurast__lane *lane);

/*
 * Writes a message in two pieces, all of it or nothing; never waits for the socket. False where the lane is closed, the body is too large
 * for it or the socket has much to send already: then the message has to go the loop's way. Any thread.
 */
bool acurast__lane_send(acurast__lane *lane, const void *head, size_t head_size, const void *body, size_t body_size);

/* The size of the largest body that was written since the last call; 0 without one. Any thread. */
size_t acurast__lane_largest(acurast__lane *lane);

#endif
