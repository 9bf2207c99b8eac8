/*
 * The bytes of one connection of the generator: a socket that does not block, plain or with TLS. What reads and writes returns what
 * recv and send would: -1 with errno EAGAIN where it has to wait, and 0 at the end. Both kinds of channel are used alike; what TLS
 * adds is a handshake, which is over at once on a plain one.
 */
#ifndef BENCH_CHANNEL_H
#define BENCH_CHANNEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct bench_channel {
    int fd;   /* -1: none */
    SSL *ssl; /* NULL: plain */
} bench_channel;

/* Channels that are opened from now on speak TLS 1.3 with AES-128-GCM, so that all services do the same work. No certificate is checked. */
bool channel_use_tls(void);

/* Whether they offer the newest session ticket of those that came. False where none came. */
bool channel_use_tickets(bool use);

/* The ticket and what else channels share. */
void channel_end_tls(void);

/* Takes over a socket, connected or about to be. */
bool channel_open(bench_channel *channel, int fd);

/* 1: done; 0: to be called again when the socket is readable; -1: failed. */
int channel_handshake(const bench_channel *channel);

/* Whether the service took the ticket. */
bool channel_resumed(const bench_channel *channel);

ssize_t channel_read(const bench_channel *channel, void *bytes, size_t size);

/* Whether there may be something to read of which the socket says nothing. */
bool channel_holds(const bench_channel *channel);

/* After EAGAIN the same bytes have to be written first; with TLS, one record at most is taken. */
ssize_t channel_write(const bench_channel *channel, const struct iovec *parts, int count);

void channel_close(bench_channel *channel);

#endif
