#include "peer.h"

#include "gauge.h"
#include "nats_text.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    FRAME_INIT = 0x10,
    FRAME_CHALLENGE = 0x11,
    FRAME_RESPONSE = 0x12,
    FRAME_ACCEPTED = 0x13,
    FRAME_PAYLOAD = 0x14,
    FRAME_TRACKED = 0x15,
    FRAME_RECEIPT = 0x16,
    LEVEL_DELIVERED = 2,
    CHALLENGE_SIZE = 16,
    RESPONSE_SIZE = CHALLENGE_SIZE + PUBLIC_KEY_SIZE + 16 + SIGNATURE_SIZE,
    OP_BINARY = 0x82, /* with the bit of a final fragment */
    OP_CLOSE = 0x88,
    OP_PING = 0x89,
    OP_PONG = 0x8a,
    MASK_SIZE = 4,
    SMALL = 192, /* handshake and control frames */
    READ_SIZE = 256 * 1024,
    COPIES = 64, /* of the frame in one system call */
};

static bool nats; /* in place of our protocol */

static const uint8_t mask[MASK_SIZE] = {0x5a, 0xc3, 0x1f, 0x96};

__attribute__((format(printf, 2, 3))) static void fail(bench_peer *peer, const char *format, ...)
{
    if (peer->state == PEER_FAILED)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(peer->failure, sizeof peer->failure, format, arguments);
    va_end(arguments);
    peer->state = PEER_FAILED;
    epoll_ctl(peer->epoll, EPOLL_CTL_DEL, peer->channel.fd, NULL);
    peer->handlers->failed(peer);
}

static void watch(bench_peer *peer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(peer->epoll, operation, peer->channel.fd, &event) != 0)
        fail(peer, "epoll_ctl: %s", strerror(errno));
}

void peer_use_nats(void)
{
    nats = true;
}

bool peer_init(bench_peer *peer, const peer_handlers *handlers, void *owner)
{
    memset(peer, 0, sizeof *peer);
    peer->channel.fd = -1;
    peer->handlers = handlers;
    peer->owner = owner;
    return key_generate(&peer->key);
}

bool peer_open(bench_peer *peer, int epoll, const struct sockaddr_in *service, in_addr_t source)
{
    const int on = 1;
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = source};
    peer->epoll = epoll;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || !channel_open(&peer->channel, fd) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(fd, (const struct sockaddr *)service, sizeof *service) != 0 && errno != EINPROGRESS)) {
        snprintf(peer->failure, sizeof peer->failure, "cannot connect: %s", strerror(errno));
        peer->state = PEER_FAILED;
        return false;
    }
    watch(peer, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return peer->state != PEER_FAILED;
}

void peer_close(bench_peer *peer)
{
    channel_close(&peer->channel);
    free(peer->frame);
    peer->frame = NULL;
    key_clear(&peer->key);
}

/* Writes the head of a masked frame and returns its size. */
static size_t frame_head(uint8_t *out, uint8_t opcode, size_t size)
{
    size_t length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    out[0] = opcode;
    out[1] = (uint8_t)(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127));
    for (size_t i = 0; i < length_bytes; i++)
        out[2 + i] = (uint8_t)(size >> (8 * (length_bytes - 1 - i)));
    memcpy(out + 2 + length_bytes, mask, MASK_SIZE);
    return 2 + length_bytes + MASK_SIZE;
}

static void apply_mask(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= mask[i % MASK_SIZE];
}

/* Handshake, control frames and receipts are few and short: a socket that does not take one whole is an error. */
static void send_small(bench_peer *peer, const void *bytes, size_t size)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    ssize_t sent = channel_write(&peer->channel, &part, 1);
    if (sent != (ssize_t)size)
        fail(peer, "short write of a small frame");
}

static void send_frame(bench_peer *peer, uint8_t opcode, const uint8_t *message, size_t size)
{
    uint8_t out[SMALL + 16];
    size_t head = frame_head(out, opcode, size);
    memcpy(out + head, message, size);
    apply_mask(out + head, size);
    send_small(peer, out, head + size);
}

static void send_upgrade(bench_peer *peer)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: YmVuY2htYXJrIG9mIGFjdQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    peer->state = PEER_UPGRADING;
    send_small(peer, request, sizeof request - 1);
}

/* The block of one that tracks is the map {"track": 1}. */
static void send_init(bench_peer *peer)
{
    static const char block[] = "ACX1\x81\xa5track\x01";
    uint8_t message[HEADER_SIZE + sizeof block] = {FRAME_INIT};
    memcpy(message + 1, peer->key.id, ID_SIZE);
    memcpy(message + HEADER_SIZE, block, sizeof block);
    peer->state = PEER_INIT_SENT;
    send_frame(peer, OP_BINARY, message, peer->tracks ? sizeof message - 1 : HEADER_SIZE);
}

/* Only a service that asks for no work is measured, so the nonce is zero, as the vendor's client has it. */
static void send_response(bench_peer *peer, const uint8_t *challenge)
{
    uint8_t message[HEADER_SIZE + RESPONSE_SIZE] = {FRAME_RESPONSE};
    uint8_t *body = message + HEADER_SIZE, digest[32];
    memcpy(message + 1, peer->key.id, ID_SIZE);
    memcpy(body, challenge, CHALLENGE_SIZE);
    memcpy(body + CHALLENGE_SIZE, peer->key.public_key, PUBLIC_KEY_SIZE);
    SHA256(body, RESPONSE_SIZE - SIGNATURE_SIZE, digest);
    if (!key_sign(&peer->key, digest, body + RESPONSE_SIZE - SIGNATURE_SIZE)) {
        fail(peer, "cannot sign");
        return;
    }
    peer->state = PEER_RESPONSE_SENT;
    send_frame(peer, OP_BINARY, message, sizeof message);
}

static void on_message(bench_peer *peer, uint64_t now)
{
    size_t size = (size_t)peer->body_size;
    if (nats) {
        peer->kept_size = 0; /* the next line's */
        peer->handlers->message(peer, HEADER_SIZE + size - NATS_TAIL_SIZE, now);
    } else if (peer->state == PEER_READY) {
        peer->handlers->message(peer, size, now);
    } else if (peer->state == PEER_INIT_SENT && peer->kept[0] == FRAME_CHALLENGE &&
               (size > HEADER_SIZE + 16 + CHALLENGE_SIZE) == peer->tracks) {
        send_response(peer, peer->kept + HEADER_SIZE + 16);
    } else if (peer->state == PEER_RESPONSE_SENT && peer->kept[0] == FRAME_ACCEPTED) {
        peer->state = PEER_READY;
        peer->handlers->ready(peer);
    } else {
        fail(peer, "unexpected message of type 0x%02x", peer->kept[0]);
    }
}

/* Only silent peers are pinged, so a ping while frames are to be written may go unanswered. */
static void on_ping(bench_peer *peer)
{
    if (peer->pending == 0)
        send_frame(peer, OP_PONG, peer->kept, peer->kept_size);
}

static void on_close(bench_peer *peer)
{
    unsigned code = peer->kept_size < 2 ? 0 : (unsigned)(peer->kept[0] << 8 | peer->kept[1]);
    int length = peer->kept_size < 2 ? 0 : (int)peer->kept_size - 2;
    fail(peer, "closed by the service: %u %.*s", code, length, (const char *)peer->kept + 2);
}

static void on_frame(bench_peer *peer, uint64_t now)
{
    uint8_t opcode = nats ? OP_BINARY : peer->head[0];
    peer->in_body = false;
    peer->head_size = 0;
    if (opcode == OP_BINARY)
        on_message(peer, now);
    else if (opcode == OP_PING)
        on_ping(peer);
    else if (opcode == OP_CLOSE)
        on_close(peer);
    else
        fail(peer, "unexpected websocket frame 0x%02x", opcode);
}

/* How long a head is, once its first two bytes are there. */
static size_t head_wanted(const bench_peer *peer)
{
    if (peer->head_size < 2)
        return 2;
    return peer->head[1] == 126 ? 4 : peer->head[1] == 127 ? 10 : 2;
}

static size_t take_head(bench_peer *peer, const uint8_t *bytes, size_t size)
{
    size_t used = 0;
    while (peer->head_size < head_wanted(peer)) {
        if (used == size)
            return used;
        peer->head[peer->head_size++] = bytes[used++];
    }
    size_t length_bytes = head_wanted(peer) - 2;
    peer->body_size = length_bytes == 0 ? peer->head[1] : 0;
    for (size_t i = 0; i < length_bytes; i++)
        peer->body_size = peer->body_size << 8 | peer->head[2 + i];
    peer->body_read = 0;
    peer->kept_size = 0;
    peer->in_body = true;
    return used;
}

static void on_line(bench_peer *peer)
{
    static const char pong[] = "PONG\r\n";
    size_t size = peer->kept_size, payload = 0;
    peer->kept_size = 0;
    switch (nats_read((const char *)peer->kept, size, &payload)) {
    case NATS_MESSAGE:
        peer->body_size = payload + NATS_TAIL_SIZE;
        peer->body_read = 0;
        peer->in_body = true;
        break;
    case NATS_PING: /* as on_ping() */
        if (peer->pending == 0)
            send_small(peer, pong, sizeof pong - 1);
        break;
    case NATS_PONG:
        peer->state = PEER_READY;
        peer->handlers->ready(peer);
        break;
    case NATS_ERROR:
        fail(peer, "NATS says: %.*s", (int)size, (const char *)peer->kept);
        break;
    case NATS_OTHER:
        break;
    }
}

/* Of a long line the begin is kept: it is one of no concern. */
static size_t take_line(bench_peer *peer, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memchr(bytes, '\n', size);
    size_t used = end ? (size_t)(end - bytes) + 1 : size, room = PEER_KEPT - peer->kept_size;
    size_t kept = used < room ? used : room;
    memcpy(peer->kept + peer->kept_size, bytes, kept);
    peer->kept_size += kept;
    if (!end)
        return used;
    while (peer->kept_size > 0 && strchr("\r\n", peer->kept[peer->kept_size - 1]))
        peer->kept_size--;
    on_line(peer);
    return used;
}

static size_t take_body(bench_peer *peer, const uint8_t *bytes, size_t size, uint64_t now)
{
    uint64_t missing = peer->body_size - peer->body_read;
    size_t used = size < missing ? size : (size_t)missing;
    size_t room = PEER_KEPT - peer->kept_size;
    size_t kept = used < room ? used : room;
    memcpy(peer->kept + peer->kept_size, bytes, kept);
    peer->kept_size += kept;
    peer->body_read += used;
    if (peer->body_read == peer->body_size)
        on_frame(peer, now);
    return used;
}

static void take_frames(bench_peer *peer, const uint8_t *bytes, size_t size, uint64_t now)
{
    while (size > 0 && peer->state != PEER_FAILED) {
        size_t used = 0;
        if (!peer->in_body)
            used = nats ? take_line(peer, bytes, size) : take_head(peer, bytes, size);
        if (peer->in_body)
            used += take_body(peer, bytes + used, size - used, now);
        bytes += used;
        size -= used;
    }
}

static void take_upgrade(bench_peer *peer, const uint8_t *bytes, size_t size)
{
    if (size > PEER_KEPT - peer->kept_size) {
        fail(peer, "the answer to the upgrade is too long");
        return;
    }
    memcpy(peer->kept + peer->kept_size, bytes, size);
    peer->kept_size += size;
    if (peer->kept_size < 16 || memcmp(peer->kept + peer->kept_size - 4, "\r\n\r\n", 4) != 0)
        return;
    if (memcmp(peer->kept, "HTTP/1.1 101 ", 13) != 0)
        fail(peer, "upgrade refused: %.12s", (const char *)peer->kept);
    else
        send_init(peer);
}

static void send_greeting(bench_peer *peer)
{
    char text[NATS_TEXT_MAX];
    peer->state = PEER_INIT_SENT;
    send_small(peer, text, nats_greeting(text, peer->key.id, peer->channel.ssl));
}

/* A server of NATS says a line before TLS begins. False until it has been read. */
static bool introduced(bench_peer *peer)
{
    uint8_t line[4096];
    if (!nats || !peer->channel.ssl || peer->introduced)
        return true;
    ssize_t size = recv(peer->channel.fd, line, sizeof line, MSG_PEEK);
    const uint8_t *end = size > 0 ? memchr(line, '\n', (size_t)size) : NULL;
    peer->introduced = end && recv(peer->channel.fd, line, (size_t)(end - line) + 1, 0) == end - line + 1;
    return peer->introduced;
}

/* A plain channel is done at once. */
static void secure(bench_peer *peer)
{
    peer->state = PEER_SECURING;
    if (!introduced(peer))
        return;
    int done = channel_handshake(&peer->channel);
    if (done > 0 && nats)
        send_greeting(peer);
    else if (done > 0)
        send_upgrade(peer);
    else if (done < 0)
        fail(peer, "the TLS handshake failed: %s", strerror(errno));
}

/* False where nothing is left for now. */
static bool read_some(bench_peer *peer)
{
    static uint8_t buffer[READ_SIZE];
    ssize_t size = channel_read(&peer->channel, buffer, sizeof buffer);
    if (size > 0 && peer->state == PEER_UPGRADING)
        take_upgrade(peer, buffer, (size_t)size);
    else if (size > 0)
        take_frames(peer, buffer, (size_t)size, gauge_now());
    else if (size == 0)
        fail(peer, "the service hung up");
    else if (errno != EAGAIN)
        fail(peer, "read: %s", strerror(errno));
    return size > 0 && peer->state != PEER_FAILED;
}

/* What TLS has read ahead is taken whole: of that, epoll will not tell. */
static void on_readable(bench_peer *peer)
{
    if (peer->state == PEER_SECURING) {
        secure(peer);
        return;
    }
    while (read_some(peer) && channel_holds(&peer->channel))
        ;
}

static void on_writable(bench_peer *peer)
{
    watch(peer, EPOLL_CTL_MOD, EPOLLIN);
    if (peer->state == PEER_CONNECTING)
        secure(peer);
    else if (peer->state == PEER_READY)
        peer_flush(peer, gauge_now());
}

void peer_event(bench_peer *peer, uint32_t events)
{
    if (events & EPOLLOUT && peer->state != PEER_FAILED)
        on_writable(peer);
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && peer->state != PEER_FAILED)
        on_readable(peer);
}

/* Of a message, before its payload. */
static size_t head_size(const bench_peer *peer)
{
    return nats ? 0 : HEADER_SIZE + (peer->tracks ? TRACKED_HEAD_SIZE : 0);
}

static void fill(uint8_t *payload, size_t size)
{
    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)(i * 7);
}

static bool prepare_nats(bench_peer *peer, const uint8_t recipient[ID_SIZE], size_t size)
{
    char head[NATS_TEXT_MAX];
    size_t before = nats_publish(head, recipient, size);
    peer->frame = malloc(before + size + NATS_TAIL_SIZE);
    if (!peer->frame)
        return false;
    memcpy(peer->frame, head, before);
    fill(peer->frame + before, size);
    memcpy(peer->frame + before + size, "\r\n", NATS_TAIL_SIZE);
    peer->frame_size = before + size + NATS_TAIL_SIZE;
    peer->stamp_at = before;
    return true;
}

bool peer_prepare(bench_peer *peer, const uint8_t recipient[ID_SIZE], size_t size)
{
    if (nats)
        return prepare_nats(peer, recipient, size);
    size_t before = head_size(peer);
    peer->frame = calloc(1, 2 + 8 + MASK_SIZE + before + size);
    if (!peer->frame)
        return false;
    size_t head = frame_head(peer->frame, OP_BINARY, before + size);
    uint8_t *message = peer->frame + head;
    message[0] = peer->tracks ? FRAME_TRACKED : FRAME_PAYLOAD;
    memcpy(message + 1, peer->key.id, ID_SIZE);
    memcpy(message + 1 + ID_SIZE, recipient, ID_SIZE);
    if (peer->tracks) { /* always the same run and number: the service does not mind */
        message[HEADER_SIZE] = LEVEL_DELIVERED;
        message[HEADER_SIZE + 16] = 1;
    }
    fill(message + before, size);
    apply_mask(message, before + size);
    peer->frame_size = head + before + size;
    peer->stamp_at = head + before;
    return true;
}

static void stamp(bench_peer *peer, uint64_t now)
{
    memcpy(peer->frame + peer->stamp_at, &now, STAMP_SIZE);
    for (size_t i = 0; i < STAMP_SIZE && !nats; i++)
        peer->frame[peer->stamp_at + i] ^= mask[(head_size(peer) + i) % MASK_SIZE];
    peer->stamped = now;
}

uint64_t peer_stamp(const bench_peer *peer)
{
    uint64_t time;
    memcpy(&time, peer->kept + head_size(peer), STAMP_SIZE);
    return time;
}

uint8_t peer_received(const bench_peer *peer)
{
    return peer->kept[0];
}

size_t peer_receipts(const bench_peer *peer)
{
    size_t before = HEADER_SIZE + RECEIPT_HEAD_SIZE;
    bool receipt = peer->kept[0] == FRAME_RECEIPT && peer->body_size > before;
    return receipt ? (size_t)(peer->body_size - before) / RECEIPT_ITEM_SIZE : 0;
}

/* One frame for all that came, to whom it came from: a peer of a pair hears of nobody else. */
static void write_receipts(bench_peer *peer)
{
    static uint8_t out[2 + 8 + MASK_SIZE + HEADER_SIZE + RECEIPT_HEAD_SIZE + RECEIPT_MAX_ITEMS * RECEIPT_ITEM_SIZE];
    size_t count = peer->receipts < RECEIPT_MAX_ITEMS ? peer->receipts : RECEIPT_MAX_ITEMS;
    size_t size = HEADER_SIZE + RECEIPT_HEAD_SIZE + count * RECEIPT_ITEM_SIZE;
    size_t head = frame_head(out, OP_BINARY, size);
    uint8_t *message = out + head;
    memset(message, 0, size);
    message[0] = FRAME_RECEIPT;
    memcpy(message + 1, peer->key.id, ID_SIZE);
    memcpy(message + 1 + ID_SIZE, peer->kept + 1, ID_SIZE);
    for (size_t i = 0; i < count; i++) {
        uint8_t *item = message + HEADER_SIZE + RECEIPT_HEAD_SIZE + i * RECEIPT_ITEM_SIZE;
        item[7] = 1;
        item[8] = LEVEL_DELIVERED;
    }
    apply_mask(message, size);
    send_small(peer, out, head + size);
    peer->receipts -= count;
}

/* A half-written copy keeps its time, and so do those that go out with its rest. */
static ssize_t write_copies(bench_peer *peer)
{
    struct iovec copies[COPIES];
    int count = peer->pending < COPIES ? (int)peer->pending : COPIES;
    for (int i = 0; i < count; i++)
        copies[i] = (struct iovec){.iov_base = peer->frame, .iov_len = peer->frame_size};
    copies[0].iov_base = peer->frame + peer->frame_written;
    copies[0].iov_len -= peer->frame_written;
    return channel_write(&peer->channel, copies, count);
}

void peer_flush(bench_peer *peer, uint64_t now)
{
    while (peer->receipts > 0 && peer->state == PEER_READY)
        write_receipts(peer);
    while (peer->pending > 0 && peer->state == PEER_READY) {
        if (peer->frame_written == 0)
            stamp(peer, now);
        ssize_t sent = write_copies(peer);
        if (sent < 0 && errno == EAGAIN) {
            watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (sent < 0) {
            fail(peer, "write: %s", strerror(errno));
            return;
        }
        size_t done = peer->frame_written + (size_t)sent;
        peer->pending -= done / peer->frame_size;
        peer->frame_written = done % peer->frame_size;
    }
}
