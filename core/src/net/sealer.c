/*
 * The BIO reads from `in` and writes behind `out`. The buffer for plain bytes takes all that one input can hold, with a record that began before
 * it; so nothing that could be read stays with SSL, and nobody has to ask for it.
 *
 * Small pieces are put together, so that a record is full unless it is the last.
 */
#include "net/sealer.h"

#include "base/memory.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

/* A record that began before the input, and one more for what OpenSSL may add to any. */
#define PLAIN_EXTRA (2 * ACURAST__RECORD_SIZE)

/* What a call of seal() makes, with room for the handshake's messages. */
#define OUT_FIRST ((ACURAST__SEAL_RECORDS + 1) * (ACURAST__RECORD_SIZE + 512))

/* The longest that SSL may say by itself: a certificate chain. */
#define OUT_MOST ((size_t)1024 * 1024)

struct acurast__sealer {
    BIO *bio;
    const uint8_t *in, *in_end;
    uint8_t *out;
    size_t out_size, out_capacity;
    uint8_t *plain; /* with `before` bytes of room */
    size_t plain_capacity, before;
    acurast__seal_mark marks[ACURAST__SEAL_RECORDS];
    size_t mark_count;
    unsigned key_changes; /* of the peer's, in this input */
    unsigned long error;  /* that ended it */
    uint8_t staging[ACURAST__RECORD_SIZE];
};

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *into, int size)
{
    acurast__sealer *sealer = BIO_get_data(bio);
    size_t left = (size_t)(sealer->in_end - sealer->in);
    BIO_clear_retry_flags(bio);
    if (!left) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if ((size_t)size > left)
        size = (int)left;
    memcpy(into, sealer->in, (size_t)size);
    sealer->in += size;
    return size;
}

static bool grow_out(acurast__sealer *sealer, size_t need)
{
    size_t capacity = sealer->out_capacity ? sealer->out_capacity : OUT_FIRST;
    while (capacity < need)
        capacity *= 2;
    uint8_t *out = capacity <= OUT_MOST ? acurast__realloc(sealer->out, capacity) : NULL;
    if (!out)
        return false;
    sealer->out = out;
    sealer->out_capacity = capacity;
    return true;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    acurast__sealer *sealer = BIO_get_data(bio);
    size_t need = sealer->out_size + (size_t)size;
    BIO_clear_retry_flags(bio);
    if (need > sealer->out_capacity && !grow_out(sealer, need))
        return -1;
    memcpy(sealer->out + sealer->out_size, bytes, (size_t)size);
    sealer->out_size = need;
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method; /* for the life of the process */
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "acurast");
    if (!method)
        return;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
}

/* ---- life ---- */

acurast__sealer *acurast__sealer_new(size_t most, size_t before)
{
    pthread_once(&method_once, make_method);
    acurast__sealer *sealer = method ? acurast__alloc(sizeof *sealer) : NULL;
    if (!sealer)
        return NULL;
    *sealer = (acurast__sealer){.plain_capacity = most + PLAIN_EXTRA, .before = before, .bio = BIO_new(method)};
    sealer->plain = acurast__alloc(before + sealer->plain_capacity);
    if (!sealer->bio || !sealer->plain) {
        acurast__sealer_free(sealer);
        return NULL;
    }
    BIO_set_data(sealer->bio, sealer);
    BIO_set_init(sealer->bio, 1);
    return sealer;
}

void acurast__sealer_free(acurast__sealer *sealer)
{
    if (!sealer)
        return;
    BIO_free(sealer->bio);
    if (sealer->out)
        OPENSSL_cleanse(sealer->out, sealer->out_capacity);
    if (sealer->plain)
        OPENSSL_cleanse(sealer->plain, sealer->before + sealer->plain_capacity);
    acurast__free(sealer->out);
    acurast__free(sealer->plain);
    OPENSSL_cleanse(sealer->staging, sizeof sealer->staging);
    acurast__free(sealer);
}

/* SSL goes on through all that has come before it returns, so beyond its bound a peer is cut off from what it has sent. */
static void on_record(int writes, int version, int type, const void *bytes, size_t size, SSL *ssl, void *argument)
{
    (void)version, (void)ssl;
    acurast__sealer *sealer = argument;
    if (writes || type != SSL3_RT_HANDSHAKE || !size || *(const uint8_t *)bytes != SSL3_MT_KEY_UPDATE)
        return;
    if (++sealer->key_changes > ACURAST__KEY_CHANGES_MOST)
        sealer->in = sealer->in_end;
}

void acurast__sealer_bind(acurast__sealer *sealer, SSL *ssl)
{
    BIO_up_ref(sealer->bio);
    SSL_set_bio(ssl, sealer->bio, sealer->bio);
    SSL_set_msg_callback(ssl, on_record);
    SSL_set_msg_callback_arg(ssl, sealer);
}

/* ---- in ---- */

size_t acurast__sealer_open(acurast__sealer *sealer, SSL *ssl, const uint8_t *bytes, size_t size, uint8_t **plain,
                            bool *ended)
{
    size_t total = 0, got;
    sealer->in = bytes;
    sealer->in_end = bytes + size;
    sealer->key_changes = 0;
    *plain = sealer->plain + sealer->before;
    ERR_clear_error(); /* SSL_get_error() would take others' for its own */
    while (SSL_read_ex(ssl, *plain + total, sealer->plain_capacity - total, &got) == 1)
        total += got;
    *ended = SSL_get_error(ssl, 0) != SSL_ERROR_WANT_READ;
    sealer->error = ERR_peek_error();
    ERR_clear_error();
    return total;
}

unsigned long acurast__sealer_error(const acurast__sealer *sealer)
{
    return sealer->error;
}

bool acurast__sealer_begin(acurast__sealer *sealer, SSL *ssl)
{
    sealer->in = sealer->in_end = NULL;
    ERR_clear_error();
    bool good = SSL_get_error(ssl, SSL_do_handshake(ssl)) == SSL_ERROR_WANT_READ;
    sealer->error = ERR_peek_error();
    ERR_clear_error();
    return good;
}

unsigned acurast__sealer_key_changes(const acurast__sealer *sealer)
{
    return sealer->key_changes;
}

/* ---- out ---- */

typedef struct cursor {
    const struct iovec *at, *end;
    size_t offset;
} cursor;

static void skip_ended(cursor *c)
{
    while (c->at < c->end && c->offset == c->at->iov_len) {
        c->at++;
        c->offset = 0;
    }
}

/* The plain bytes of the next record: where they lie already, if they lie together. */
static const uint8_t *next_record(acurast__sealer *sealer, cursor *c, size_t *size)
{
    skip_ended(c);
    if (c->at == c->end)
        return NULL;
    const uint8_t *first = (const uint8_t *)c->at->iov_base + c->offset;
    size_t left = c->at->iov_len - c->offset;
    *size = left < ACURAST__RECORD_SIZE ? left : ACURAST__RECORD_SIZE;
    if (*size == ACURAST__RECORD_SIZE || c->at + 1 == c->end) {
        c->offset += *size;
        return first;
    }
    *size = 0;
    while (c->at < c->end && *size < ACURAST__RECORD_SIZE) {
        size_t part = c->at->iov_len - c->offset;
        if (part > ACURAST__RECORD_SIZE - *size)
            part = ACURAST__RECORD_SIZE - *size;
        memcpy(sealer->staging + *size, (const uint8_t *)c->at->iov_base + c->offset, part);
        *size += part;
        c->offset += part;
        skip_ended(c);
    }
    return sealer->staging;
}

/* Where a peer wants short records, SSL makes several. */
static bool write_all(SSL *ssl, const uint8_t *bytes, size_t size)
{
    size_t written;
    for (size_t done = 0; done < size; done += written) {
        if (SSL_write_ex(ssl, bytes + done, size - done, &written) != 1) {
            ERR_clear_error();
            return false;
        }
    }
    return true;
}

ssize_t acurast__sealer_seal(acurast__sealer *sealer, SSL *ssl, const struct iovec *pieces, size_t count)
{
    cursor c = {.at = pieces, .end = pieces + count};
    size_t total = 0, size;
    const uint8_t *bytes;
    while (sealer->mark_count < ACURAST__SEAL_RECORDS && (bytes = next_record(sealer, &c, &size))) {
        if (!write_all(ssl, bytes, size))
            return -1;
        total += size;
        sealer->marks[sealer->mark_count++] = (acurast__seal_mark){.end = sealer->out_size, .plain = size};
    }
    return (ssize_t)total;
}

void acurast__sealer_end(acurast__sealer *sealer, SSL *ssl)
{
    sealer->in = sealer->in_end = NULL;
    if (SSL_is_init_finished(ssl))
        SSL_shutdown(ssl);
    ERR_clear_error();
}

size_t acurast__sealer_take(acurast__sealer *sealer, const uint8_t **sealed, const acurast__seal_mark **marks,
                            size_t *mark_count)
{
    size_t size = sealer->out_size;
    *sealed = sealer->out;
    *marks = sealer->marks;
    *mark_count = sealer->mark_count;
    sealer->out_size = sealer->mark_count = 0;
    return size;
}
