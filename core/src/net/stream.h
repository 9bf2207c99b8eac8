/*
 * A connected socket of ours on its loop: the descriptor, its place in the event loop, and TLS where there is any. Bytes in, bytes out; what they
 * mean is the business of who holds it: a request (net/accepted.c), then a websocket (net/ws.c).
 *
 * A part of its holder's memory. All functions belong to the loop's thread.
 */
#ifndef ACURAST_NET_STREAM_H
#define ACURAST_NET_STREAM_H

#include "net/sealer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct acurast__loop acurast__loop;
typedef struct acurast__stream acurast__stream;
typedef struct acurast__kept acurast__kept; /* sealed bytes that the socket has not taken */

/* Room before what is received, for the holder to put there what came before it. */
#define ACURAST__RECEIVE_BEFORE ((size_t)16640)

struct acurast__stream {
    acurast__loop *loop;
    int socket;    /* -1: it is closed */
    uint8_t waits; /* for these events of libuv's */
    uint8_t reach; /* so many bits has the number of bytes that are read at once */
    bool full;     /* the socket has not taken all that was given last */
    bool ended;    /* of TLS: nothing follows what was received */
    uv_poll_t *poll;
    void (*ready)(acurast__stream *stream, bool readable, bool writable);
    uint64_t received;    /* bytes, as they came over the network */
    uint64_t drained_at;  /* acurast__stream_finish() was called: nothing is read beyond so many */
    SSL *ssl;             /* NULL: plain */
    uint32_t key_minute;  /* since the loop's clock began */
    uint32_t key_changes; /* of the peer's in this minute */
    acurast__kept *kept;
};

/* Closed. */
void acurast__stream_init(acurast__stream *stream);

/* Takes the socket, and waits until it is readable. False without memory: the socket is the caller's. */
bool acurast__stream_open(acurast__stream *stream, acurast__loop *loop, int socket,
                          void (*ready)(acurast__stream *stream, bool readable, bool writable));

/* TLS from the first byte on, as a service. False without memory. */
bool acurast__stream_serve_tls(acurast__stream *stream, SSL_CTX *context);

/*
 * TLS from now on, as a client, by an SSL whose reference is taken (also where this fails). What is received is empty until the handshake is over, which
 * acurast__stream_sealed() tells. False without memory or where the connection is broken.
 */
bool acurast__stream_ask_tls(acurast__stream *stream, SSL *ssl);
bool acurast__stream_sealed(const acurast__stream *stream);

/* Why TLS has ended, right after acurast__stream_receive() has returned 0, as acurast__sealer_error(); 0 where the socket has ended. */
unsigned long acurast__stream_tls_error(const acurast__stream *stream);

/* Closes it, and says goodbye by TLS if nothing waits before that. Idempotent. */
void acurast__stream_close(acurast__stream *stream);

/* Waits for these; `ready` is called in a later turn. */
void acurast__stream_wait(acurast__stream *stream, bool readable, bool writable);

/*
 * What has come, in a buffer of the loop that the next call of this function, for any stream, uses again: its size; 0: the end; -1: nothing now.
 * `direct` (NULL: none) is filled before, where the stream is plain; the size counts it.
 */
ssize_t acurast__stream_receive(acurast__stream *stream, const struct iovec *direct, uint8_t **bytes);

/* The holder did not want all that was received: less is read at once from now on. */
void acurast__stream_read_less(acurast__stream *stream);

/* Throws away what has come, within bounds; true at its end. After acurast__stream_finish(). */
bool acurast__stream_drain(acurast__stream *stream);

/* Our side has said all, and the peer is told so. */
void acurast__stream_finish(acurast__stream *stream);

/* How many of the bytes were taken, 0 where it is full; -1: the connection is broken. */
ssize_t acurast__stream_send(acurast__stream *stream, const struct iovec *pieces, size_t count);

/* Goes on with what was taken and is not on its way. False where the connection is broken. */
bool acurast__stream_push(acurast__stream *stream);

/* Sends a text from `*done` on, as far as it is taken, and moves that on. False where the connection is broken. */
bool acurast__stream_send_rest(acurast__stream *stream, const char *bytes, size_t size, size_t *done);

/* Of what was taken, the bytes that the operating system has not; and the memory that is held for them. */
size_t acurast__stream_held(const acurast__stream *stream);
size_t acurast__stream_memory(const acurast__stream *stream);

/* Frees what the streams of a loop share. */
void acurast__stream_shared_free(acurast__loop *loop);

#endif
