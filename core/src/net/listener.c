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
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_A_TURN 64

/* How long nothing is accepted where that fails and would fail again at once. */
#define PAUSE_MS 100

/*
 * Of TLS 1.2, what is authenticated encryption and forgets its keys; in TLS 1.3 everything is. AES with 128 bits first, which has ten rounds
 * and not fourteen; ChaCha where the client puts it first, as those do whose processors lack instructions for AES.
 */
#define TLS12_CIPHERS "ECDHE+AES128+AESGCM:ECDHE+CHACHA20:ECDHE+AESGCM"
#define TLS13_CIPHERS "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"

/* ---- addresses of sockets ---- */

typedef union socket_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} socket_address;

static socklen_t to_socket_address(socket_address *to, const char *text, uint16_t port)
{
    acurast__address address;
    memset(to, 0, sizeof *to);
    if (!acurast__address_parse(&address, strcmp(text, "localhost") == 0 ? "127.0.0.1" : text))
        return 0;
    if (strchr(text, ':')) {
        to->six.sin6_family = AF_INET6;
        to->six.sin6_port = htons(port);
        memcpy(&to->six.sin6_addr, address.bytes, 16);
        return sizeof to->six;
    }
    to->four.sin_family = AF_INET;
    to->four.sin_port = htons(port);
    memcpy(&to->four.sin_addr, address.bytes + 12, 4);
    return sizeof to->four;
}

static void from_socket_address(acurast__address *to, const socket_address *from)
{
    memset(to, 0, sizeof *to);
    if (from->any.sa_family == AF_INET6) {
        memcpy(to->bytes, &from->six.sin6_addr, 16);
    } else {
        to->bytes[10] = to->bytes[11] = 0xff;
        memcpy(to->bytes + 12, &from->four.sin_addr, 4);
    }
}

/* ---- binding ---- */

static acurast_status bind_status(int error)
{
    switch (error) {
    case EADDRINUSE:
        return ACURAST_ADDRESS_IN_USE;
    case EACCES:
    case EPERM:
        return ACURAST_NOT_PERMITTED;
    case EADDRNOTAVAIL:
        return ACURAST_INVALID;
    default:
        return ACURAST_SYSTEM;
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
 * first: it finds out whether the port is free, and which one it is.
 */
static acurast_status bind_all(acurast__listener *listener, const acurast__listener_config *config,
                               socket_address *address, socklen_t size)
{
    int first = bind_socket(config, address, size, false);
    if (first < 0)
        return bind_status(errno);
    listener->port = bound_port(first);
    set_port(address, listener->port);
    if (listener->count == 1) {
        listener->at[0].socket = first;
        return ACURAST_OK;
    }
    close(first);
    for (size_t i = 0; i < listener->count; i++) {
        listener->at[i].socket = bind_socket(config, address, size, true);
        if (listener->at[i].socket < 0)
            return bind_status(errno);
    }
    return ACURAST_OK;
}

/* ---- TLS ---- */

static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)writing, (void)user;
    if (size > 0)
        buffer[0] = 0;
    return -1;
}

static bool load(SSL_CTX *ctx, const char *cert, const char *key, char *detail, size_t detail_size)
{
    const char *problem = NULL;
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        problem = "tls-cert: not a readable PEM certificate chain";
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        problem = "tls-key: not a readable PEM private key, or not the key of tls-cert";
    else if (SSL_CTX_check_private_key(ctx) != 1)
        problem = "tls-key: not the key of tls-cert";
    ERR_clear_error();
    if (problem)
        snprintf(detail, detail_size, "%s", problem);
    return !problem;
}

/* Of the protocols that a client offers; without a word where that is none of ours. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                           unsigned int offered_size, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    (void)ssl, (void)user;
    if (SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/*
 * All loops have the same context, so a session is resumed on each of them: OpenSSL makes the keys of tickets with the context, and they come anew
 * with each reading of the files.
 */
static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_num_tickets(context, 1);                         /* each costs; who connects again needs one */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) == 1 && SSL_CTX_set_ciphersuites(context, TLS13_CIPHERS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

acurast__certificate *acurast__certificate_read(const char *cert, const char *key, char *detail, size_t detail_size)
{
    SSL_CTX *fresh = new_context();
    if (!fresh)
        snprintf(detail, detail_size, "out of memory");
    else if (load(fresh, cert, key, detail, detail_size))
        return fresh;
    SSL_CTX_free(fresh);
    ERR_clear_error();
    return NULL;
}

void acurast__certificate_release(acurast__certificate *certificate)
{
    SSL_CTX_free(certificate);
}

/*
 * The files are read once, by whoever opens or renews: what the loops take was tried, whatever becomes of the files meanwhile.
 */
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
    bool told = (error == EMFILE || error == ENFILE) && shed(at);
    if (!gone && !told)
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
        from_socket_address(&address, &from);
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
    listener->tls = config->tls_cert && *config->tls_cert;
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

static acurast_status certify(acurast__listener *listener, const acurast__listener_config *config, char *detail,
                              size_t detail_size)
{
    SSL_CTX *fresh = acurast__certificate_read(config->tls_cert, config->tls_key, detail, detail_size);
    if (!fresh)
        return ACURAST_TLS;
    acurast__listener_renew(listener, fresh);
    acurast__certificate_release(fresh);
    return ACURAST_OK;
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
    acurast_status status = listener->tls ? certify(listener, config, detail, detail_size) : ACURAST_OK;
    if (status != ACURAST_OK)
        return status;
    status = bind_all(listener, config, &address, size);
    if (status != ACURAST_OK)
        snprintf(detail, detail_size, "%s:%u: %s", config->address, config->port, acurast_status_text(status));
    return status;
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
