/* Linux tells what a peer has acknowledged in its own header, which cannot stand beside the C library's <netinet/tcp.h>. */
#ifdef __linux__
#define _GNU_SOURCE /* accept4, POLLRDHUP */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "net/socket.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#else
#include <netinet/tcp.h>
#endif

void acurast__socket_quiet(int socket)
{
#ifdef SO_NOSIGPIPE
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#else
    (void)socket;
#endif
}

int acurast__socket_open(int family)
{
    int on = 1;
#ifdef SOCK_NONBLOCK
    int opened = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    int opened = socket(family, SOCK_STREAM, 0);
    if (opened >= 0) {
        fcntl(opened, F_SETFL, O_NONBLOCK);
        fcntl(opened, F_SETFD, FD_CLOEXEC);
    }
#endif
    if (opened < 0)
        return -1;
    setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    acurast__socket_quiet(opened);
    return opened;
}

socklen_t acurast__socket_address(const acurast__address *address, bool four, uint16_t port,
                                  struct sockaddr_storage *to)
{
    memset(to, 0, sizeof *to);
    if (four) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, address->bytes + 12, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, address->bytes, 16);
    return sizeof *in6;
}

void acurast__socket_address_read(acurast__address *address, const struct sockaddr *from)
{
    *address = (acurast__address){{[10] = 0xff, [11] = 0xff}};
    if (from->sa_family == AF_INET6)
        memcpy(address->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    else
        memcpy(address->bytes + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
}

int acurast__socket_accept(int listener, struct sockaddr *from, socklen_t *size)
{
#ifdef __linux__
    return accept4(listener, from, size, SOCK_CLOEXEC);
#else
    int socket = accept(listener, from, size);
    if (socket < 0)
        return socket;
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    acurast__socket_quiet(socket);
    return socket;
#endif
}

#ifdef __linux__
static bool read_info(int socket, struct tcp_info *info)
{
    socklen_t size = sizeof *info;
    return getsockopt(socket, IPPROTO_TCP, TCP_INFO, info, &size) == 0 &&
           size >= offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof info->tcpi_notsent_bytes;
}
#endif

bool acurast__socket_draining(int socket, uint64_t *taken, bool all)
{
#ifdef __linux__
    struct tcp_info info = {0};
    if (!read_info(socket, &info))
        return false;
    uint64_t before = *taken;
    *taken = info.tcpi_bytes_acked;
    return *taken != before && (all || info.tcpi_unacked || info.tcpi_notsent_bytes);
#else
    (void)socket, (void)taken, (void)all;
    return false;
#endif
}

bool acurast__socket_unread(int socket)
{
    int bytes = 0;
    return ioctl(socket, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool acurast__socket_finished(int socket)
{
    struct pollfd descriptor = {.fd = socket};
#ifdef POLLRDHUP
    descriptor.events = POLLRDHUP;
#endif
    if (poll(&descriptor, 1, 0) <= 0)
        return false;
    return (descriptor.revents & (POLLHUP | POLLERR)) || !acurast__socket_unread(socket);
}

/* Bytes that a socket has not sent yet: beyond these it takes no more, though its buffer has room. */
#define UNSENT_MAX ((size_t)16 * 1024)

static void set_option(int socket, int level, int option, size_t value)
{
    int number = value > INT_MAX / 2 ? INT_MAX / 2 : (int)value;
    setsockopt(socket, level, option, &number, sizeof number);
}

void acurast__socket_bound(int listener, size_t send_buffer, size_t receive_buffer)
{
#ifdef TCP_NOTSENT_LOWAT
    set_option(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
#endif
    if (send_buffer)
        set_option(listener, SOL_SOCKET, SO_SNDBUF, send_buffer);
    if (receive_buffer)
        set_option(listener, SOL_SOCKET, SO_RCVBUF, receive_buffer);
}

void acurast__socket_forget(int socket)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

size_t acurast__socket_send_buffer(int socket)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;
    return getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

size_t acurast__socket_waiting(int socket)
{
    int waiting = -1;
#ifdef __linux__
    if (ioctl(socket, SIOCOUTQ, &waiting) != 0)
        return SIZE_MAX;
#elif defined(SO_NWRITE)
    socklen_t size = sizeof waiting;
    if (getsockopt(socket, SOL_SOCKET, SO_NWRITE, &waiting, &size) != 0)
        return SIZE_MAX;
#else
    (void)socket;
#endif
    return waiting < 0 ? SIZE_MAX : (size_t)waiting;
}
