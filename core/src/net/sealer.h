/*
 * TLS between memory and memory, for all connections of one loop: they share its buffers and its one BIO, so a connection at rest holds nothing but
 * its SSL. What has come from a socket is opened into plain bytes; plain bytes are sealed into records. No I/O.
 *
 * Between two calls an SSL holds at most a record that has come in part.
 */
#ifndef ACURAST_NET_SEALER_H
#define ACURAST_NET_SEALER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Plain bytes in one record at most (RFC 8446, 5.1), and in what is sealed by one call. */
#define ACURAST__RECORD_SIZE ((size_t)16 * 1024)
#define ACURAST__SEAL_RECORDS 4u

typedef struct acurast__sealer acurast__sealer;

/* Where a record ends, and how many plain bytes are in it. */
typedef struct acurast__seal_mark {
    size_t end; /* bytes from the first record's beginning on */
    size_t plain;
} acurast__seal_mark;

/* For inputs of at most `most` bytes. Before what is opened are `before` bytes of room. NULL without memory. */
acurast__sealer *acurast__sealer_new(size_t most, size_t before);
void acurast__sealer_free(acurast__sealer *sealer);

/* The SSL uses this sealer from now on. */
void acurast__sealer_bind(acurast__sealer *sealer, SSL *ssl);

/*
 * Opens `size` bytes that have come; the plain bytes are at `*plain`, until the next call of this function. `*ended` is set where nothing can
 * follow: the peer has said so, or what came makes no sense. What SSL wants to say meanwhile is among the sealed.
 */
size_t acurast__sealer_open(acurast__sealer *sealer, SSL *ssl, const uint8_t *bytes, size_t size, uint8_t **plain,
                            bool *ended);

/* Of OpenSSL's error queue, what ended what was opened last; 0: nothing, or the peer has said goodbye. */
unsigned long acurast__sealer_error(const acurast__sealer *sealer);

/* Begins a client's handshake: its first words are among the sealed. False where that cannot be. */
bool acurast__sealer_begin(acurast__sealer *sealer, SSL *ssl);

/*
 * How often the peer has changed its keys in what was opened last. A change takes as long as the opening of a megabyte, and has 27 bytes: beyond
 * ACURAST__KEY_CHANGES_MOST the rest of the input was thrown away.
 */
#define ACURAST__KEY_CHANGES_MOST 32u
unsigned acurast__sealer_key_changes(const acurast__sealer *sealer);

/* Seals as many of the bytes as go into a few records; their number, or -1 where TLS has failed. */
ssize_t acurast__sealer_seal(acurast__sealer *sealer, SSL *ssl, const struct iovec *pieces, size_t count);

/* Says goodbye, where both sides have got far enough for that. */
void acurast__sealer_end(acurast__sealer *sealer, SSL *ssl);

/* What was sealed since this was last called, until the next call of any function here; and where its records of data end. */
size_t acurast__sealer_take(acurast__sealer *sealer, const uint8_t **sealed, const acurast__seal_mark **marks,
                            size_t *mark_count);

#endif
