#include "channel.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORD_SIZE = SSL3_RT_MAX_PLAIN_LENGTH,
    READ_AHEAD_SIZE = 64 * 1024, /* several records with one system call */
};

static SSL_CTX *context; /* NULL: plain */
static SSL_SESSION *ticket;
static bool tickets_used;

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1; /* it is ours */
}

bool channel_use_tls(void)
{
    context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
        return false;
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_SIZE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_ticket);
    return true;
}

bool channel_use_tickets(bool use)
{
    tickets_used = use;
    return !use || ticket;
}

void channel_end_tls(void)
{
    SSL_SESSION_free(ticket);
    SSL_CTX_free(context);
    ticket = NULL;
    context = NULL;
}

/* A copy: OpenSSL uses up what it is given. */
static bool offer_ticket(SSL *ssl)
{
    SSL_SESSION *copy = SSL_SESSION_dup(ticket);
    bool offered = copy && SSL_set_session(ssl, copy) == 1;
    SSL_SESSION_free(copy);
    return offered;
}

bool channel_open(bench_channel *channel, int fd)
{
    channel->fd = fd;
    channel->ssl = NULL;
    if (!context)
        return true;
    channel->ssl = SSL_new(context);
    if (!channel->ssl || SSL_set_fd(channel->ssl, fd) != 1 || (tickets_used && !offer_ticket(channel->ssl)))
        return false;
    SSL_set_connect_state(channel->ssl);
    return true;
}

/* What recv and send return where SSL_read and SSL_write say `result`. */
static ssize_t outcome(const bench_channel *channel, int result)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

int channel_handshake(const bench_channel *channel)
{
    if (!channel->ssl)
        return 1;
    ssize_t done = outcome(channel, SSL_do_handshake(channel->ssl));
    return done > 0 ? 1 : done < 0 && errno == EAGAIN ? 0 : -1;
}

bool channel_resumed(const bench_channel *channel)
{
    return channel->ssl && SSL_session_reused(channel->ssl);
}

ssize_t channel_read(const bench_channel *channel, void *bytes, size_t size)
{
    if (!channel->ssl)
        return recv(channel->fd, bytes, size, 0);
    return outcome(channel, SSL_read(channel->ssl, bytes, size < INT_MAX ? (int)size : INT_MAX));
}

bool channel_holds(const bench_channel *channel)
{
    return channel->ssl && SSL_has_pending(channel->ssl);
}

ssize_t channel_write(const bench_channel *channel, const struct iovec *parts, int count)
{
    static uint8_t record[RECORD_SIZE];
    size_t filled = 0;
    if (!channel->ssl)
        return writev(channel->fd, parts, count);
    for (int i = 0; i < count && filled < sizeof record; i++) {
        size_t room = sizeof record - filled;
        size_t size = parts[i].iov_len < room ? parts[i].iov_len : room;
        memcpy(record + filled, parts[i].iov_base, size);
        filled += size;
    }
    return outcome(channel, SSL_write(channel->ssl, record, (int)filled));
}

/* OpenSSL forgets the ticket of a connection that ends without an alert. */
void channel_close(bench_channel *channel)
{
    if (channel->ssl && SSL_is_init_finished(channel->ssl))
        SSL_shutdown(channel->ssl);
    SSL_free(channel->ssl);
    channel->ssl = NULL;
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}
