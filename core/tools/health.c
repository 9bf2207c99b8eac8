#include "health.h"

#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 3000
#define ADDRESS_SIZE 256
#define ANSWER_SIZE 2048

/* A page that listens on loopback answers to no other name than this. */
static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static int fail(const char *address, const char *what)
{
    foreign_tell("acurast-service: %s: %s", address, what);
    return COMMAND_FAILED;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Where the service listens: the first element of the list. */
static bool address_get(const acurast_options *options, char address[ADDRESS_SIZE])
{
    static const char *const names[] = {"admin-listen", "listen"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = ADDRESS_SIZE;
        if (acurast_options_get(options, names[i], address, &size) == ACURAST_OK && address[0]) {
            address[strcspn(address, ", ")] = 0;
            return true;
        }
    }
    return false;
}

/* "127.0.0.1:9002", "[::1]:9002"; NULL for what is no address. */
static struct addrinfo *resolve(const char *address)
{
    char host[ADDRESS_SIZE];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    if (!colon)
        return NULL;
    bool brackets = address[0] == '[' && colon > address && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - address) - 2 * brackets, address + brackets);
    return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

/* False with ETIMEDOUT once the time is over. */
static bool wait_for(int descriptor, short events, int64_t deadline)
{
    struct pollfd one = {.fd = descriptor, .events = events};
    int64_t left;
    while ((left = deadline - now_ms()) > 0) {
        int ready = poll(&one, 1, (int)left);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    errno = ETIMEDOUT;
    return false;
}

/* False with errno. */
static bool ask(int descriptor, const struct addrinfo *to, int64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    if (connect(descriptor, to->ai_addr, to->ai_addrlen) != 0 &&
        (errno != EINPROGRESS || !wait_for(descriptor, POLLOUT, deadline)))
        return false;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        errno = error;
        return false;
    }
    return send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1;
}

/* All that comes, until its end or until there is no room; false with errno. */
static bool hear(int descriptor, char answer[ANSWER_SIZE], int64_t deadline)
{
    size_t count = 0;
    ssize_t read = 1;
    while (read > 0 && count < ANSWER_SIZE - 1 && wait_for(descriptor, POLLIN, deadline)) {
        read = recv(descriptor, answer + count, ANSWER_SIZE - 1 - count, 0);
        count += read > 0 ? (size_t)read : 0;
    }
    answer[count] = 0;
    return read == 0 || count == ANSWER_SIZE - 1;
}

/* The first line of the body. */
static int judge(const char *address, char *answer)
{
    char text[ANSWER_SIZE + 32];
    char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || !body)
        return fail(address, "no answer in HTTP; a service with TLS is asked at its --admin-listen");
    body += 4;
    body[strcspn(body, "\r\n")] = 0;
    if (strncmp(answer + 9, "200 ", 4) == 0) {
        puts("ready");
        return COMMAND_OK;
    }
    snprintf(text, sizeof text, "not ready: %.3s %s", answer + 9, body);
    return fail(address, text);
}

int health_check(const acurast_options *options)
{
    char address[ADDRESS_SIZE], answer[ANSWER_SIZE];
    int64_t deadline = now_ms() + WAIT_MS;
    if (!address_get(options, address))
        return fail("--healthcheck", "no address to ask at");
    struct addrinfo *to = resolve(address);
    if (!to)
        return fail(address, "not an ADDRESS:PORT");
    int descriptor = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool heard = descriptor >= 0 && ask(descriptor, to, deadline) && hear(descriptor, answer, deadline);
    int error = errno;
    freeaddrinfo(to);
    if (descriptor >= 0)
        close(descriptor);
    return heard ? judge(address, answer) : fail(address, strerror(error));
}
