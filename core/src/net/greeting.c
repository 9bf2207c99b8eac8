/*
 * An epoll descriptor within the loop's own: the loop sees it readable while one of those that wait has something new. Events are taken
 * one at a time, so what there is no time for in this turn stays for the next one.
 */
#ifdef __linux__
#define _GNU_SOURCE /* EPOLLRDHUP */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "net/greeting.h"

#include "net/listener_internal.h"

#ifdef __linux__

#include "base/bytes.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLICE_US 1000

/* A greeting with its records. Those of browsers have some 2,000 bytes. */
#define GREETING_MAX ((size_t)16 * 1024)

#define RECORD_HEADER 5
#define HANDSHAKE_RECORD 22
#define HANDSHAKE_HEADER 4

typedef enum progress {
    PROGRESS_MORE,  /* has to come */
    PROGRESS_WHOLE, /* or no greeting at all: TLS is quick to say so */
    PROGRESS_NONSENSE
} progress;

/* The greeting may lie in several records. */
static progress judge(const uint8_t *bytes, size_t size)
{
    size_t at = 0, collected = 0, whole = 0;
    while (size - at >= RECORD_HEADER) {
        size_t length = acurast__load_be16(bytes + at + 3);
        if (bytes[at] != HANDSHAKE_RECORD)
            return PROGRESS_WHOLE;
        if (!whole && length < HANDSHAKE_HEADER)
            return PROGRESS_NONSENSE;
        if (length > size - at - RECORD_HEADER)
            break;
        const uint8_t *message = bytes + at + RECORD_HEADER;
        if (!whole)
            whole = HANDSHAKE_HEADER + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
        collected += length;
        if (collected >= whole)
            return PROGRESS_WHOLE;
        at += RECORD_HEADER + length;
    }
    return size && bytes[0] != HANDSHAKE_RECORD ? PROGRESS_WHOLE
           : size >= GREETING_MAX               ? PROGRESS_NONSENSE
                                                : PROGRESS_MORE;
}

static progress look(int socket)
{
    uint8_t bytes[GREETING_MAX];
    ssize_t size = recv(socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? PROGRESS_MORE : PROGRESS_NONSENSE;
    return size ? judge(bytes, (size_t)size) : PROGRESS_NONSENSE;
}

/* False where there is nothing. */
static bool take_one(acurast__greeting *greeting)
{
    struct epoll_event event;
    if (epoll_wait(greeting->room, &event, 1, 0) <= 0)
        return false;
    acurast__accepted *accepted = event.data.ptr;
    switch (look(acurast__accepted_socket(accepted))) {
    case PROGRESS_WHOLE:
        acurast__accepted_enter(accepted);
        break;
    case PROGRESS_NONSENSE:
        acurast__accepted_cut(accepted);
        break;
    case PROGRESS_MORE:
        if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            acurast__accepted_cut(accepted);
        break;
    }
    return true;
}

static void take_some(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    acurast__greeting *greeting = poll->data;
    uint64_t begin = acurast__clock_us();
    while (take_one(greeting) && acurast__clock_us() - begin < SLICE_US)
        continue;
}

void acurast__greeting_open(acurast__greeting *greeting, acurast__loop *loop)
{
    greeting->room = epoll_create1(EPOLL_CLOEXEC);
    greeting->poll = greeting->room < 0 ? NULL : acurast__loop_watch(loop, greeting->room, greeting);
    if (greeting->poll)
        uv_poll_start(greeting->poll, UV_READABLE, take_some);
    else
        acurast__greeting_close(greeting);
}

void acurast__greeting_close(acurast__greeting *greeting)
{
    if (greeting->poll)
        acurast__loop_unwatch(greeting->poll);
    if (greeting->room >= 0)
        close(greeting->room);
    acurast__greeting_init(greeting);
}

bool acurast__greeting_wait(acurast__greeting *greeting, int socket, acurast__accepted *accepted)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.ptr = accepted}};
    return greeting->poll && epoll_ctl(greeting->room, EPOLL_CTL_ADD, socket, &event) == 0;
}

void acurast__greeting_leave(acurast__greeting *greeting, int socket)
{
    epoll_ctl(greeting->room, EPOLL_CTL_DEL, socket, NULL);
}

#else

void acurast__greeting_open(acurast__greeting *greeting, acurast__loop *loop)
{
    (void)greeting, (void)loop;
}

void acurast__greeting_close(acurast__greeting *greeting)
{
    (void)greeting;
}

bool acurast__greeting_wait(acurast__greeting *greeting, int socket, acurast__accepted *accepted)
{
    (void)greeting, (void)socket, (void)accepted;
    return false;
}

void acurast__greeting_leave(acurast__greeting *greeting, int socket)
{
    (void)greeting, (void)socket;
}

#endif

void acurast__greeting_init(acurast__greeting *greeting)
{
    *greeting = (acurast__greeting){.room = -1};
}
