/*
 * Listening sockets. The binding is done where the caller stands, so that it learns of an address in use at once; what
 * belongs to a loop (the socket's place in the event loop) is posted there. The kernel keeps connections until then.
 *
 *   bound -> open on each loop -> closed on each loop (`done`) -> freed on each loop, last of all the listener
 */
#include "net/listener_internal.h"

#include "base/memory.h"
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_A_TURN 64

/* How long nothing is accepted where that fails and would fail again at once. */
#define PAUSE_MS 100

/* ---- addresses of sockets ---- */

typedef union socket_address {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} socket_address;

static socklen_t to_socket_address(socket_address *to, const char *text, uint16_t port)
{
    acurast__address address;
    if (!acurast__address_parse(&address, strcmp(text, "localhost") == 0 ? "127.0.0.1" : text))
        return 0;
    return acurast__socket_address(&address, !strchr(text, ':'), port, &to->storage);
}

/* ---- binding ---- */

/* Of an address that cannot be had. */
typedef struct bind_problem {
    acurast_status status;
    const char *words; /* NULL: those of the status */
} bind_problem;

static bind_problem bind_problem_of(int error)
{
    switch (error) {
    case 0:
        return (bind_problem){ACURAST_OK, NULL};
    case EADDRINUSE:
        return (bind_problem){ACURAST_ADDRESS_IN_USE, NULL};
    case EACCES:
    case EPERM:
        return (bind_problem){ACURAST_NOT_PERMITTED,
                              "this user may not listen there; ports below 1024 are often reserved"};
    case EADDRNOTAVAIL:
        return (bind_problem){ACURAST_INVALID, "it is not an address of this machine"};
    case EAFNOSUPPORT:
        return (bind_problem){ACURAST_SYSTEM, "this machine has no addresses of that kind"};
    case EMFILE:
    case ENFILE:
        return (bind_problem){ACURAST_SYSTEM, "no descriptor is left for it"};
    default:
        return (bind_problem){ACURAST_SYSTEM, NULL};
    }
}

/* A listening socket, or -1 with errno. `shared`: others on the same port may be, too, if they are of this user. */
static int bind_socket(const acurast__listener_config *config, const socket_address *address, socklen_t size,
                       bool shared)
{
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* what it accepts has it, too */
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    acurast__socket_bound(fd, config->send_buffer, config->receive_buffer);
    if (bind(fd, &address->any, size) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static uint16_t bound_port(int fd)
{
    socket_address address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    getsockname(fd, &address.any, &size);
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

static void set_port(socket_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->six.sin6_port = htons(port);
    else
        address->four.sin_port = htons(port);
}

/*
 * Sharing a port would also share it with another service of the same user, silently. So a socket that does not share is bound
 * first: it finds out whether the port is free, and which one it is. 0, or what is wrong.
 */
static int bind_all(acurast__listener *listener, const acurast__listener_config *config, socket_address *address,
                    socklen_t size)
{
    int first = bind_socket(config, address, size, false);
    if (first < 0)
        return errno;
    listener->port = bound_port(first);
    set_port(address, listener->port);
    if (listener->count == 1) {
        listener->at[0].socket = first;
        return 0;
    }
    close(first);
    for (size_t i = 0; i < listener->count; i++) {
        listener->at[i].socket = bind_socket(config, address, size, true);
        if (listener->at[i].socket < 0)
            return errno;
    }
    return 0;
}

/* ---- TLS ---- */

void acurast__listener_renew(acurast__listener *listener, acurast__certificate *fresh)
{
    for (size_t i = 0; i < listener->count; i++) {
        SSL_CTX_up_ref(fresh);
        SSL_CTX_free(atomic_exchange(&listener->at[i].fresh, fresh));
    }
}

SSL_CTX *acurast__listening_tls(acurast__listening *at)
{
    SSL_CTX *fresh = atomic_load(&at->fresh) ? atomic_exchange(&at->fresh, NULL) : NULL;
    if (fresh) {
        SSL_CTX_free(at->tls);
        at->tls = fresh;
    }
    return at->tls;
}

/* ---- on the loops ---- */

static void keep_spare(acurast__listening *at)
{
    if (at->spare < 0)
        at->spare = fcntl(at->socket, F_DUPFD_CLOEXEC, 0);
}

static void drop_spare(acurast__listening *at)
{
    if (at->spare >= 0)
        close(at->spare);
    at->spare = -1;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_open(acurast__task *task)
{
    acurast__listening *at = ACURAST__CONTAINER(task, acurast__listening, open);
    acurast__loop_hold(at->loop);
    at->poll = acurast__loop_watch(at->loop, at->socket, at);
    if (!at->poll) {
        close(at->socket); /* the other loops' sockets take the connections */
        at->socket = -1;
        return;
    }
    keep_spare(at);
    uv_poll_start(at->poll, UV_READABLE, on_readable);
    if (at->listener->tls)
        acurast__greeting_open(&at->greeting, at->loop);
}

static void on_close(acurast__task *task)
{
    acurast__listening *at = ACURAST__CONTAINER(task, acurast__listening, close);
    acurast__listener *listener = at->listener;
    acurast__listener_cut_bare(at);
    acurast__loop_timer_stop(at->loop, &at->pause);
    drop_spare(at);
    if (at->poll) {
        acurast__loop_unwatch(at->poll);
        at->poll = NULL;
        close(at->socket);
        at->socket = -1;
    }
    acurast__greeting_close(&at->greeting);
    if (atomic_fetch_sub(&listener->open_count, 1) == 1)
        listener->done(listener->user);
}

/* The peers wait meanwhile, in the kernel. A socket that stays readable would have the loop turn without end. */
static void pause_accepting(acurast__listening *at)
{
    uv_poll_stop(at->poll);
    acurast__loop_timer_start(at->loop, &at->pause, PAUSE_MS);
}

/* Descriptors that came back go to the spare one first. */
static void on_pause_over(acurast__timer *timer)
{
    acurast__listening *at = ACURAST__CONTAINER(timer, acurast__listening, pause);
    keep_spare(at);
    uv_poll_start(at->poll, UV_READABLE, on_readable);
}

/*
 * Out of descriptors: gives up the spare one, so that the peer is told. Another thread may be quicker to take what was given up; false
 * then, and where there is no spare one.
 */
static bool shed(acurast__listening *at)
{
    drop_spare(at);
    int fd = acurast__socket_accept(at->socket, NULL, NULL);
    if (fd >= 0)
        acurast__listener_turn_away(at->listener, fd);
    keep_spare(at);
    return at->spare >= 0;
}

/* Why there was nobody to accept: nobody is there any more, or nobody can be taken. */
static void accept_failed(acurast__listening *at, int error)
{
    bool gone = error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED || error == EPROTO;
    bool exhausted = error == EMFILE || error == ENFILE;
    if (exhausted && at->listener->handlers->exhausted)
        at->listener->handlers->exhausted(at->shard);
    if (!gone && !(exhausted && shed(at)))
        pause_accepting(at);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    acurast__listening *at = poll->data;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        socket_address from;
        socklen_t size = sizeof from;
        acurast__address address;
        int fd = acurast__socket_accept(at->socket, &from.any, &size);
        if (fd < 0) {
            accept_failed(at, errno);
            return;
        }
        acurast__socket_address_read(&address, &from.any);
        acurast__listener_adopt(at, fd, &address);
    }
}

/* ---- the listener ---- */

static void free_memory(acurast__listener *listener)
{
    for (size_t i = 0; i < listener->count; i++) {
        SSL_CTX_free(listener->at[i].tls);
        SSL_CTX_free(listener->at[i].fresh);
    }
    acurast__free(listener);
}

static void on_free(acurast__task *task)
{
    acurast__listening *at = ACURAST__CONTAINER(task, acurast__listening, free);
    acurast__listener *listener = at->listener;
    acurast__loop *loop = at->loop;
    if (atomic_fetch_sub(&listener->holder_count, 1) == 1)
        free_memory(listener);
    acurast__loop_let(loop);
}

void acurast__listener_free(acurast__listener *listener)
{
    size_t count = listener->count; /* the last post may free it */
    for (size_t i = 0; i < count; i++)
        acurast__loop_post(listener->at[i].loop, &listener->at[i].free);
}

static acurast__listener *create(acurast__loop *const *loops, void *const *shards, size_t count,
                                 const acurast__listener_config *config)
{
    acurast__listener *listener = acurast__alloc_zero(sizeof *listener + count * sizeof *listener->at);
    if (!listener)
        return NULL;
    listener->handlers = config->handlers;
    listener->admin = config->admin;
    listener->tls = config->certificate;
    listener->request_timeout_ms = config->request_timeout_ms;
    listener->count = count;
    atomic_init(&listener->open_count, count);
    atomic_init(&listener->holder_count, count);
    for (size_t i = 0; i < count; i++) {
        listener->at[i] = (acurast__listening){
            .listener = listener,
            .loop = loops[i],
            .shard = shards[i],
            .socket = -1,
            .spare = -1,
            .open = {.run = on_open},
            .close = {.run = on_close},
            .free = {.run = on_free},
        };
        acurast__list_init(&listener->at[i].young);
        acurast__list_init(&listener->at[i].bare);
        acurast__timer_init(&listener->at[i].pause, on_pause_over);
        acurast__greeting_init(&listener->at[i].greeting);
    }
    return listener;
}

static acurast_status prepare(acurast__listener *listener, const acurast__listener_config *config, char *detail,
                              size_t detail_size)
{
    socket_address address;
    socklen_t size = to_socket_address(&address, config->address, config->port);
    if (!size) {
        snprintf(detail, detail_size, "%s: not a literal address", config->address);
        return ACURAST_INVALID;
    }
    if (config->certificate)
        acurast__listener_renew(listener, config->certificate);
    bind_problem problem = bind_problem_of(bind_all(listener, config, &address, size));
    if (problem.status != ACURAST_OK)
        snprintf(detail, detail_size, "%s:%u: %s", config->address, config->port,
                 problem.words ? problem.words : acurast_status_text(problem.status));
    return problem.status;
}

acurast_status acurast__listener_open(acurast__loop *const *loops, void *const *shards, size_t count,
                                      const acurast__listener_config *config, acurast__listener **out, char *detail,
                                      size_t detail_size)
{
    snprintf(detail, detail_size, "out of memory");
    acurast__listener *listener = create(loops, shards, count, config);
    if (!listener)
        return ACURAST_NO_MEMORY;
    acurast_status status = prepare(listener, config, detail, detail_size);
    if (status != ACURAST_OK) {
        for (size_t i = 0; i < count; i++)
            if (listener->at[i].socket >= 0)
                close(listener->at[i].socket);
        free_memory(listener);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        acurast__loop_post(loops[i], &listener->at[i].open);
    *out = listener;
    return ACURAST_OK;
}

uint16_t acurast__listener_port(const acurast__listener *listener)
{
    return listener->port;
}

void acurast__listener_close(acurast__listener *listener, void (*done)(void *user), void *user)
{
    listener->done = done;
    listener->user = user;
    size_t count = listener->count;
    for (size_t i = 0; i < count; i++)
        acurast__loop_post(listener->at[i].loop, &listener->at[i].close);
}
