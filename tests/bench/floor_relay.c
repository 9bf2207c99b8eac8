/*
 * The floor of the benchmark: the least that the work costs on this system, by epoll and nothing above it. A relay of the Acurast
 * protocol on one loop that checks nothing, as bare_relay.c: no signature, no sender, no limit, no timeout, and of websockets just
 * what bench_load sends: whole binary frames, and the upgrade in one piece. Loopback only; never for real use.
 *
 * All connections read into one buffer. A message is unmasked straight into the buffer of its recipient, and these are written once
 * a turn; one of LARGE and more goes from where it was received to the socket of its recipient, where nothing waits there. What is
 * begun and not whole is kept apart: of a large frame in a block of its size, into which the next bytes are received.
 *
 *   floor_relay [PORT [CERT KEY]]     as bare_relay; TLS by OpenSSL on the socket, which reads many records with one system call
 */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    READ_SIZE = 256 * 1024,
    LARGE = 16 * 1024,
    BUFFER_SIZE = 16 * 1024, /* of what is to be written, at first */
    SPARES = 256,
    MASK_SIZE = 4,
    LANE = 32,
    EVENTS = 256,
    ACCEPTS = 64, /* in one turn */
    BACKLOG = 1024,
    OP_BINARY = 0x82,
    OP_CLOSE = 0x88,
    READ_AHEAD = 64 * 1024,
};

typedef struct connection {
    relay_name name;
    struct connection *dirty_next; /* of those with something to write; of those that have ended */
    SSL *ssl;                      /* NULL: plain */
    uint8_t *rest;                 /* of a frame: its first bytes */
    size_t rest_size;
    size_t rest_whole; /* the frame's size, where it is large; else 0 */
    uint8_t *out;
    size_t out_begin, out_end, out_capacity;
    int fd;
    bool upgraded, dirty, broken, waits;
} connection;

/* The last bytes before a read belong to a frame that is going on. */
static uint8_t space[LARGE + READ_SIZE];
static uint8_t *const buffer = space + LARGE;
static connection *dirty, *ended;
static void *spares[SPARES];
static size_t spare_count;
static int epoll;
static SSL_CTX *tls;

static void *need(void *bytes)
{
    if (!bytes)
        abort();
    return bytes;
}

static uint8_t *spare_take(void)
{
    return spare_count > 0 ? spares[--spare_count] : need(malloc(BUFFER_SIZE));
}

static void spare_give(uint8_t *bytes, size_t size)
{
    if (size == BUFFER_SIZE && spare_count < SPARES)
        spares[spare_count++] = bytes;
    else
        free(bytes);
}

static void mark(connection *to)
{
    if (to->dirty)
        return;
    to->dirty = true;
    to->dirty_next = dirty;
    dirty = to;
}

/* Room at the end of what is to be written. */
static uint8_t *room(connection *to, size_t size)
{
    if (!to->out) {
        to->out = spare_take();
        to->out_capacity = BUFFER_SIZE;
        to->out_begin = to->out_end = 0;
    }
    if (to->out_capacity - to->out_end < size) {
        size_t held = to->out_end - to->out_begin, capacity = to->out_capacity;
        while (capacity - held < size)
            capacity *= 2;
        uint8_t *larger = need(malloc(capacity));
        memcpy(larger, to->out + to->out_begin, held);
        spare_give(to->out, to->out_capacity);
        to->out = larger;
        to->out_capacity = capacity;
        to->out_begin = 0;
        to->out_end = held;
    }
    mark(to);
    to->out_end += size;
    return to->out + to->out_end - size;
}

static void message_room(connection *to, size_t size, uint8_t **out)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_size = relay_ws_header(header, size);
    *out = room(to, header_size + size);
    memcpy(*out, header, header_size);
    *out += header_size;
}

/* `in` and `out` may be the same. */
static void unmask(uint8_t *out, const uint8_t *in, size_t size, const uint8_t mask[MASK_SIZE])
{
    typedef uint8_t lane __attribute__((vector_size(LANE)));
    lane masks, bytes;
    size_t i = 0;
    for (size_t k = 0; k < LANE; k++)
        masks[k] = mask[k % MASK_SIZE];
    for (; i + LANE <= size; i += LANE) {
        memcpy(&bytes, in + i, LANE);
        bytes ^= masks;
        memcpy(out + i, &bytes, LANE);
    }
    for (; i < size; i++)
        out[i] = in[i] ^ mask[i % MASK_SIZE];
}

/* -1 with EAGAIN where it has to wait, 0 at the end: as recv and send. */
static ssize_t outcome(connection *from, int result)
{
    if (result > 0)
        return result;
    int error = SSL_get_error(from->ssl, result);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

/* The second part is used by plain connections alone. */
static ssize_t receive(connection *from, struct iovec parts[2])
{
    if (!from->ssl)
        return readv(from->fd, parts, 2);
    size_t first = parts[0].iov_len > 0 ? 0 : 1;
    return outcome(from, SSL_read(from->ssl, parts[first].iov_base, (int)parts[first].iov_len));
}

static ssize_t send_some(connection *to, const uint8_t *bytes, size_t size)
{
    if (!to->ssl)
        return send(to->fd, bytes, size, MSG_NOSIGNAL);
    return outcome(to, SSL_write(to->ssl, bytes, size < INT_MAX ? (int)size : INT_MAX));
}

/* Whether it has to wait has changed. */
static void watch(connection *of, bool waits)
{
    struct epoll_event event = {.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = of};
    if (of->waits != waits && epoll_ctl(epoll, EPOLL_CTL_MOD, of->fd, &event) == 0)
        of->waits = waits;
}

static void drain(connection *to)
{
    while (to->out_begin < to->out_end && !to->broken) {
        ssize_t sent = send_some(to, to->out + to->out_begin, to->out_end - to->out_begin);
        if (sent <= 0 && errno == EAGAIN)
            break;
        to->broken = sent <= 0;
        to->out_begin += sent > 0 ? (size_t)sent : 0;
    }
    watch(to, to->out_begin < to->out_end);
    if (to->out && to->out_begin == to->out_end) {
        spare_give(to->out, to->out_capacity);
        to->out = NULL;
    }
}

/* Straight to the socket what it takes, the rest behind what is to be written. Its header goes where the frame's own was. */
static void relay_large(connection *to, uint8_t *bytes, size_t size, const uint8_t mask[MASK_SIZE])
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_size = relay_ws_header(header, size);
    unmask(bytes, bytes, size, mask);
    memcpy(bytes - header_size, header, header_size);
    size_t done = 0, whole = header_size + size;
    while (done < whole) {
        ssize_t sent = send_some(to, bytes - header_size + done, whole - done);
        if (sent <= 0)
            break;
        done += (size_t)sent;
    }
    if (done < whole)
        memcpy(room(to, whole - done), bytes - header_size + done, whole - done);
}

/* A message that is still masked. */
static void on_message(connection *from, uint8_t *bytes, size_t size, const uint8_t mask[MASK_SIZE])
{
    uint8_t head[HEADER_SIZE], *out;
    if (size < HEADER_SIZE)
        return;
    unmask(head, bytes, HEADER_SIZE, mask);
    if (head[0] == FRAME_PAYLOAD) {
        connection *to = (connection *)relay_find(head + 1 + ID_SIZE);
        if (!to || to->broken)
            return;
        if (size >= LARGE && !to->out) {
            relay_large(to, bytes, size, mask);
            return;
        }
        message_room(to, size, &out);
        unmask(out, bytes, size, mask);
    } else if (head[0] == FRAME_INIT) {
        message_room(from, CHALLENGE_SIZE, &out);
        relay_challenge(out, head + 1);
    } else if (head[0] == FRAME_RESPONSE && !from->name.named) {
        relay_set_name(&from->name, head + 1);
        message_room(from, HEADER_SIZE, &out);
        relay_accepted(out, head + 1);
    }
}

/* Of the frame that begins here: the size of its head and of all of it; 0: that is not yet known. */
static size_t frame_size(const uint8_t *bytes, size_t size, size_t *head)
{
    if (size < 2)
        return 0;
    uint64_t length = bytes[1] & 0x7f;
    size_t length_bytes = length < 126 ? 0 : length == 126 ? 2 : 8;
    if (size < 2 + length_bytes)
        return 0;
    if (length_bytes > 0)
        length = 0;
    for (size_t i = 0; i < length_bytes; i++)
        length = length << 8 | bytes[2 + i];
    *head = 2 + length_bytes + MASK_SIZE;
    return *head + (size_t)length;
}

static void on_frame(connection *from, uint8_t *bytes, size_t head, size_t whole)
{
    uint8_t mask[MASK_SIZE];
    memcpy(mask, bytes + head - MASK_SIZE, MASK_SIZE); /* a large message overwrites it */
    if (bytes[0] == OP_BINARY)
        on_message(from, bytes + head, whole - head, mask);
    else if (bytes[0] == OP_CLOSE)
        from->broken = true;
}

static void keep(connection *of, const uint8_t *bytes, size_t size, size_t whole)
{
    bool large = whole > LARGE;
    of->rest_whole = large ? whole : 0;
    of->rest_size = size;
    of->rest = large ? need(malloc(whole)) : spare_take();
    memcpy(of->rest, bytes, size);
}

static void take_frames(connection *from, uint8_t *bytes, size_t size)
{
    while (size > 0 && !from->broken) {
        size_t head, whole = frame_size(bytes, size, &head);
        if (whole == 0 || whole > size) {
            keep(from, bytes, size, whole);
            return;
        }
        on_frame(from, bytes, head, whole);
        bytes += whole;
        size -= whole;
    }
}

/* The request's own key is looked for: what it costs belongs to the floor. */
static void upgrade(connection *from, const uint8_t *request, size_t size)
{
    static const char name[] = "Sec-WebSocket-Key: ", id[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    enum {
        KEY = 24
    };
    uint8_t digest[SHA_DIGEST_LENGTH], text[32], both[KEY + sizeof id];
    const uint8_t *key = memmem(request, size, name, sizeof name - 1);
    if (!key || size - (size_t)(key - request) < sizeof name - 1 + KEY ||
        memcmp(request + size - 4, "\r\n\r\n", 4) != 0) {
        from->broken = true;
        return;
    }
    memcpy(both, key + sizeof name - 1, KEY);
    memcpy(both + KEY, id, sizeof id);
    SHA1(both, sizeof both - 1, digest);
    EVP_EncodeBlock(text, digest, sizeof digest);
    char answer[160];
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n",
                          (const char *)text);
    memcpy(room(from, (size_t)length), answer, (size_t)length);
    from->upgraded = true;
}

/* What was kept comes first: a large frame is completed where it is, others move before what was read. */
static ssize_t read_once(connection *from)
{
    size_t kept = from->rest_size, whole = from->rest_whole;
    size_t missing = whole > 0 ? whole - kept : 0;
    struct iovec parts[2] = {{from->rest + kept, missing}, {buffer, READ_SIZE}};
    if (missing == 0)
        parts[0].iov_base = buffer;
    ssize_t got = receive(from, parts);
    if (got <= 0)
        return got;
    size_t size = (size_t)got;
    if (missing > 0) {
        from->rest_size += size < missing ? size : missing;
        if (size < missing)
            return got;
        uint8_t *frame = from->rest;
        size_t head;
        from->rest = NULL;
        from->rest_size = from->rest_whole = 0;
        frame_size(frame, whole, &head);
        on_frame(from, frame, head, whole);
        free(frame);
        take_frames(from, buffer, size - missing);
    } else if (!from->upgraded) {
        upgrade(from, buffer, size);
    } else {
        uint8_t *begin = buffer - kept;
        if (kept > 0) {
            memcpy(begin, from->rest, kept);
            spare_give(from->rest, BUFFER_SIZE);
            from->rest = NULL;
            from->rest_size = 0;
        }
        take_frames(from, begin, kept + size);
    }
    return got;
}

static void on_readable(connection *from)
{
    ssize_t got;
    do {
        got = read_once(from);
    } while (got > 0 && from->ssl && !from->broken);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        from->broken = true;
}

/* Freed at the end of the turn: until then others may have it in their hands. */
static void end(connection *of)
{
    relay_drop_name(&of->name);
    epoll_ctl(epoll, EPOLL_CTL_DEL, of->fd, NULL);
    close(of->fd);
    of->broken = true;
    if (of->dirty)
        return;
    of->dirty = true;
    of->dirty_next = ended;
    ended = of;
}

static void flush(void)
{
    while (dirty) {
        connection *to = dirty;
        dirty = to->dirty_next;
        to->dirty = false;
        if (!to->broken)
            drain(to);
        if (to->broken)
            end(to);
    }
    while (ended) {
        connection *of = ended;
        ended = of->dirty_next;
        SSL_free(of->ssl);
        free(of->rest);
        free(of->out);
        free(of);
    }
}

static void accept_some(int listener)
{
    const int on = 1;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        connection *of = need(calloc(1, sizeof *of));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = of};
        of->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (tls) {
            of->ssl = need(SSL_new(tls));
            SSL_set_fd(of->ssl, fd);
            SSL_set_accept_state(of->ssl);
        }
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void turn(int listener)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
        connection *of = events[i].data.ptr;
        if (!of) {
            accept_some(listener);
            continue;
        }
        if (events[i].events & EPOLLOUT)
            mark(of);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            on_readable(of);
        if (of->broken)
            mark(of); /* ends it */
    }
    flush();
}

static bool certify(const char *cert, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        return false;
    SSL_CTX_set_mode(tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, READ_AHEAD);
    SSL_CTX_set_num_tickets(tls, 1);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    return true;
}

static int listen_on(uint16_t port, uint16_t *taken)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (const struct sockaddr *)&address, size) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        return -1;
    *taken = ntohs(address.sin_port);
    return listener;
}

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = epoll < 0 ? -1 : listen_on(port, &port);
    if (listener < 0 || (argc > 3 && !certify(argv[2], argv[3])))
        return 1;
    printf("listening on %s://127.0.0.1:%u\n", tls ? "wss" : "ws", port);
    fflush(stdout);
    for (;;)
        turn(listener);
}
