/*
 * A socket is read with one system call an event, into a buffer that all streams of the loop share. How much is read at once grows with a peer that
 * has much to say, and shrinks where its messages are not wanted as fast as they come, since what is read and not wanted has to be kept.
 *
 * Under TLS the same bytes are opened into a second buffer. What is sealed goes out at once; the rest of it is kept, with a note for each record,
 * so that it is known which plain bytes are on their way: a record that has arrived in part tells the peer nothing.
 */
#include "net/stream.h"

#include "base/memory.h"
#include "net/loop_internal.h"
#include "net/socket.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REACH_FIRST 14 /* 16 KiB */
#define REACH_MOST 18

#define RECEIVE_MOST ((size_t)1 << REACH_MOST)

/*
 * When much was read in a turn of the loop, the other streams get less in this turn, so that nobody waits long for its end: at first enough for a
 * message of 64 KiB.
 */
#define TURN_MUCH ((size_t)1024 * 1024)
#define TURN_MUCH_SHARE ((size_t)72 * 1024)
#define TURN_MOST ((size_t)4 * 1024 * 1024)
#define TURN_MOST_SHARE ((size_t)1 << REACH_FIRST)

/* So many bytes are thrown away behind the last word, and are not worth more. */
#define DRAIN_MOST ((size_t)1024 * 1024)

/* What a peer can make TLS say while it reads nothing: beyond that it means no good. */
#define UNASKED_MOST ((size_t)4 * 1024)

struct acurast__kept {
    size_t begin, end; /* of the bytes that wait */
    size_t capacity;
    size_t held;    /* plain bytes in them */
    size_t unasked; /* bytes that TLS has added by itself */
    size_t mark, mark_count;
    acurast__seal_mark marks[ACURAST__SEAL_RECORDS];
    uint8_t bytes[];
};

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ---- life ---- */

void acurast__stream_init(acurast__stream *stream)
{
    *stream = (acurast__stream){.socket = -1, .reach = REACH_FIRST};
}

/*
 * libuv stops where the socket has an error, but there may be something to read before that. Who does not read finds the error by writing: whoever
 * looked at nothing would be called for it again and again.
 */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    acurast__stream *stream = poll->data;
    if (status < 0) {
        uv_poll_start(poll, stream->waits, on_ready);
        events = stream->waits & UV_READABLE ? UV_READABLE : UV_WRITABLE;
    }
    stream->ready(stream, events & UV_READABLE, events & UV_WRITABLE);
}

static bool has_buffer(acurast__loop *loop)
{
    if (!loop->receive)
        loop->receive = acurast__alloc(ACURAST__RECEIVE_BEFORE + RECEIVE_MOST);
    return loop->receive != NULL;
}

bool acurast__stream_open(acurast__stream *stream, acurast__loop *loop, int socket,
                          void (*ready)(acurast__stream *stream, bool readable, bool writable))
{
    stream->poll = has_buffer(loop) ? acurast__loop_watch(loop, socket, stream) : NULL;
    if (!stream->poll)
        return false;
    stream->loop = loop;
    stream->socket = socket;
    stream->ready = ready;
    acurast__stream_wait(stream, true, false);
    return true;
}

static acurast__sealer *sealer_of(acurast__loop *loop)
{
    if (!loop->sealer)
        loop->sealer = acurast__sealer_new(RECEIVE_MOST, ACURAST__RECEIVE_BEFORE);
    return loop->sealer;
}

static bool bind_tls(acurast__stream *stream, SSL *ssl)
{
    acurast__sealer *sealer = sealer_of(stream->loop);
    if (!sealer)
        return false;
    acurast__sealer_bind(sealer, ssl);
    stream->ssl = ssl;
    return true;
}

bool acurast__stream_serve_tls(acurast__stream *stream, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || !bind_tls(stream, ssl)) {
        SSL_free(ssl);
        ERR_clear_error();
        return false;
    }
    SSL_set_accept_state(ssl);
    return true;
}

static bool ship(acurast__stream *stream);

bool acurast__stream_ask_tls(acurast__stream *stream, SSL *ssl)
{
    if (!bind_tls(stream, ssl)) {
        SSL_free(ssl);
        return false;
    }
    stream->ended = !acurast__sealer_begin(stream->loop->sealer, ssl);
    return ship(stream) && !stream->ended;
}

bool acurast__stream_sealed(const acurast__stream *stream)
{
    return SSL_is_init_finished(stream->ssl);
}

unsigned long acurast__stream_tls_error(const acurast__stream *stream)
{
    return stream->ended ? acurast__sealer_error(stream->loop->sealer) : 0;
}

static void free_kept(acurast__stream *stream)
{
    if (!stream->kept)
        return;
    stream->loop->memory -= stream->kept->capacity;
    acurast__free(stream->kept);
    stream->kept = NULL;
}

void acurast__stream_close(acurast__stream *stream)
{
    if (stream->socket < 0)
        return;
    if (stream->ssl && !stream->kept && !stream->ended) {
        acurast__sealer_end(stream->loop->sealer, stream->ssl);
        ship(stream);
    }
    SSL_free(stream->ssl);
    stream->ssl = NULL;
    free_kept(stream);
    acurast__loop_unwatch(stream->poll);
    close(stream->socket);
    stream->socket = -1;
}

void acurast__stream_wait(acurast__stream *stream, bool readable, bool writable)
{
    uint8_t waits = (uint8_t)((readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
    if (waits == stream->waits || stream->socket < 0)
        return;
    stream->waits = waits;
    if (waits)
        uv_poll_start(stream->poll, waits, on_ready);
    else
        uv_poll_stop(stream->poll);
}

void acurast__stream_shared_free(acurast__loop *loop)
{
    acurast__free(loop->receive);
    loop->receive = NULL;
    acurast__sealer_free(loop->sealer);
    loop->sealer = NULL;
}

/* ---- out ---- */

/* What the socket takes of it; -1 where it is broken. */
static ssize_t give(acurast__stream *stream, const uint8_t *bytes, size_t size)
{
    ssize_t taken = send(stream->socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0)
        return is_full(errno) ? 0 : -1;
    return taken;
}

/* Makes room for `size` bytes more that are kept. */
static acurast__kept *make_room(acurast__stream *stream, size_t size)
{
    acurast__kept *kept = stream->kept;
    size_t end = kept ? kept->end : 0, capacity = kept ? kept->capacity : 0;
    if (end + size > capacity) {
        kept = acurast__realloc(kept, sizeof *kept + end + size);
        if (!kept)
            return NULL;
        if (!stream->kept)
            *kept = (acurast__kept){0};
        stream->loop->memory += end + size - capacity;
        kept->capacity = end + size;
        stream->kept = kept;
    }
    return kept;
}

/* Keeps what was sealed and not taken, with the records that are not on their way. */
static bool keep(acurast__stream *stream, const uint8_t *bytes, size_t size, const acurast__seal_mark *marks,
                 size_t count, size_t taken)
{
    bool unasked = stream->kept != NULL;
    acurast__kept *kept = make_room(stream, size);
    if (!kept)
        return false;
    memcpy(kept->bytes + kept->end, bytes, size);
    kept->end += size;
    if (unasked) /* nothing is sealed while something is kept: this is TLS' own */
        return (kept->unasked += size) <= UNASKED_MOST;
    for (size_t i = 0; i < count; i++) {
        if (marks[i].end <= taken)
            continue;
        kept->marks[kept->mark_count++] = (acurast__seal_mark){marks[i].end - taken, marks[i].plain};
        kept->held += marks[i].plain;
    }
    return true;
}

/* Sends what was sealed. False where the connection is broken. */
static bool ship(acurast__stream *stream)
{
    const uint8_t *sealed;
    const acurast__seal_mark *marks;
    size_t count, size = acurast__sealer_take(stream->loop->sealer, &sealed, &marks, &count);
    ssize_t taken = size && !stream->kept ? give(stream, sealed, size) : 0;
    if (taken < 0)
        return false;
    if ((size_t)taken == size)
        return true;
    stream->full = true;
    return keep(stream, sealed + taken, size - (size_t)taken, marks, count, (size_t)taken);
}

bool acurast__stream_push(acurast__stream *stream)
{
    acurast__kept *kept = stream->kept;
    stream->full = false;
    if (!kept)
        return true;
    ssize_t taken = give(stream, kept->bytes + kept->begin, kept->end - kept->begin);
    if (taken < 0)
        return false;
    kept->begin += (size_t)taken;
    while (kept->mark < kept->mark_count && kept->marks[kept->mark].end <= kept->begin)
        kept->held -= kept->marks[kept->mark++].plain;
    if (kept->begin == kept->end)
        free_kept(stream);
    stream->full = stream->kept != NULL;
    return true;
}

static ssize_t send_sealed(acurast__stream *stream, const struct iovec *pieces, size_t count)
{
    if (stream->kept)
        return 0;
    ssize_t taken = acurast__sealer_seal(stream->loop->sealer, stream->ssl, pieces, count);
    return ship(stream) ? taken : -1;
}

ssize_t acurast__stream_send(acurast__stream *stream, const struct iovec *pieces, size_t count)
{
    if (stream->ssl)
        return send_sealed(stream, pieces, count);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = count};
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    ssize_t taken = sendmsg(stream->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && !is_full(errno))
        return -1;
    stream->full = taken < (ssize_t)size;
    return taken < 0 ? 0 : taken;
}

bool acurast__stream_send_rest(acurast__stream *stream, const char *bytes, size_t size, size_t *done)
{
    bool good = acurast__stream_push(stream);
    while (good && !stream->full && *done < size) {
        struct iovec rest = {(char *)(uintptr_t)bytes + *done, size - *done};
        ssize_t taken = acurast__stream_send(stream, &rest, 1);
        good = taken >= 0;
        *done += good ? (size_t)taken : 0;
    }
    return good;
}

size_t acurast__stream_held(const acurast__stream *stream)
{
    return stream->kept ? stream->kept->held : 0;
}

size_t acurast__stream_memory(const acurast__stream *stream)
{
    return stream->kept ? stream->kept->capacity : 0;
}

void acurast__stream_finish(acurast__stream *stream)
{
    if (stream->ssl && !stream->kept && !stream->ended) {
        acurast__sealer_end(stream->loop->sealer, stream->ssl);
        ship(stream);
        stream->ended = true;
    }
    stream->drained_at = stream->received + DRAIN_MOST;
    shutdown(stream->socket, SHUT_WR);
}

/* ---- in ---- */

void acurast__stream_read_less(acurast__stream *stream)
{
    stream->reach = REACH_FIRST;
}

/* How much it may read now. */
static size_t share(const acurast__stream *stream)
{
    size_t size = (size_t)1 << stream->reach, turn = stream->loop->turn_received;
    if (turn >= TURN_MOST)
        return TURN_MOST_SHARE;
    return turn >= TURN_MUCH && size > TURN_MUCH_SHARE ? TURN_MUCH_SHARE : size;
}

/* One system call. */
static ssize_t receive(acurast__stream *stream, const struct iovec *direct, uint8_t *into)
{
    size_t size = share(stream);
    struct iovec pieces[2] = {{0}, {into, size}};
    ssize_t got;
    if (direct) {
        pieces[0] = *direct;
        got = readv(stream->socket, pieces, 2);
        size += direct->iov_len;
    } else {
        got = recv(stream->socket, into, size, MSG_DONTWAIT);
    }
    if (got > 0) {
        stream->received += (uint64_t)got;
        stream->loop->turn_received += (size_t)got;
    }
    if (got == (ssize_t)size && stream->reach < REACH_MOST)
        stream->reach++;
    if (got < 0)
        return is_full(errno) ? -1 : 0;
    return got;
}

/* So seldom that it costs nothing: those who mean well change their keys once an hour, or once in gigabytes. */
static bool may_change_keys(acurast__stream *stream, unsigned changes)
{
    if (!changes)
        return true;
    uint32_t minute = (uint32_t)(acurast__loop_now(stream->loop) / 60000);
    if (minute != stream->key_minute)
        stream->key_changes = 0;
    stream->key_minute = minute;
    return (stream->key_changes += changes) <= ACURAST__KEY_CHANGES_MOST;
}

static ssize_t open_sealed(acurast__stream *stream, const uint8_t *sealed, size_t size, uint8_t **bytes)
{
    size_t plain = acurast__sealer_open(stream->loop->sealer, stream->ssl, sealed, size, bytes, &stream->ended);
    bool good = ship(stream); /* whatever was sealed goes to this peer, or nowhere */
    if (!may_change_keys(stream, acurast__sealer_key_changes(stream->loop->sealer)) || !good)
        stream->ended = true;
    return plain ? (ssize_t)plain : stream->ended ? 0 : -1;
}

ssize_t acurast__stream_receive(acurast__stream *stream, const struct iovec *direct, uint8_t **bytes)
{
    uint8_t *into = stream->loop->receive + ACURAST__RECEIVE_BEFORE;
    if (stream->ended)
        return 0;
    ssize_t got = receive(stream, stream->ssl ? NULL : direct, into);
    *bytes = into;
    return stream->ssl && got > 0 ? open_sealed(stream, into, (size_t)got, bytes) : got;
}

/* Whoever goes on and on is left to the kernel, until the holder has waited long enough. */
bool acurast__stream_drain(acurast__stream *stream)
{
    uint8_t *into = stream->loop->receive + ACURAST__RECEIVE_BEFORE;
    if (stream->received > stream->drained_at) {
        acurast__stream_wait(stream, false, false);
        return false;
    }
    return receive(stream, NULL, into) == 0;
}
