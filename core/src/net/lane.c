/*
 * A frame is written whole, since little waits in the socket. Should it take a part all the same, nobody may write behind that, and the
 * connection is ended.
 */
#include "net/lane.h"

#include "net/chunk.h"
#include "net/mask.h"
#include "net/socket.h"

/* A message of the lane is put together on the caller's stack. */
#define MAX_HEAD 64
#define MAX_BODY 4096
#define FRAME_HEADER_MAX 14

void acurast__lane_init(acurast__lane *lane)
{
    *lane = (acurast__lane){.socket = -1};
    pthread_mutex_init(&lane->lock, NULL);
}

void acurast__lane_destroy(acurast__lane *lane)
{
    pthread_mutex_destroy(&lane->lock);
}

void acurast__lane_open(acurast__lane *lane, int socket, size_t max_body, size_t max_waiting)
{
    pthread_mutex_lock(&lane->lock);
    lane->socket = socket;
    lane->max_waiting = max_waiting;
    lane->max_body = max_body < MAX_BODY ? max_body : MAX_BODY;
    pthread_mutex_unlock(&lane->lock);
}

void acurast__lane_close(acurast__lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->socket = -1;
    pthread_mutex_unlock(&lane->lock);
}

/* With the lock held. */
static bool has_room(const acurast__lane *lane, size_t head_size, size_t body_size)
{
    return lane->socket >= 0 && head_size <= MAX_HEAD && body_size <= lane->max_body &&
           acurast__socket_waiting(lane->socket) <= lane->max_waiting;
}

static bool write_frame(acurast__lane *lane, const void *head, size_t head_size, const void *body, size_t body_size)
{
    uint8_t frame[FRAME_HEADER_MAX + MAX_HEAD + MAX_BODY];
    size_t size =
        acurast__frame_put(frame, ACURAST__OPCODE_BINARY, acurast__mask_next(), head, head_size, body, body_size);
    ssize_t taken = send(lane->socket, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken > 0 && (size_t)taken < size) {
        shutdown(lane->socket, SHUT_RDWR);
        lane->socket = -1;
    }
    return taken == (ssize_t)size;
}

bool acurast__lane_send(acurast__lane *lane, const void *head, size_t head_size, const void *body, size_t body_size)
{
    pthread_mutex_lock(&lane->lock);
    bool sent = has_room(lane, head_size, body_size) && write_frame(lane, head, head_size, body, body_size);
    if (sent && body_size > lane->largest)
        lane->largest = body_size;
    pthread_mutex_unlock(&lane->lock);
    return sent;
}

size_t acurast__lane_largest(acurast__lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    size_t largest = lane->largest;
    lane->largest = 0;
    pthread_mutex_unlock(&lane->lock);
    return largest;
}
