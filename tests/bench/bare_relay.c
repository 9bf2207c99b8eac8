/*
 * The yardstick of the benchmark: what libwebsockets itself costs for the same work. A relay of the Acurast protocol on one libuv
 * loop that checks nothing: no signature, no sender, no limit, no timeout, no mailbox. Loopback only; never for real use.
 *
 * A session is created by the upgrade, named by its response frame, and gone with its connection. What is to be sent to it
 * stands in a queue of blocks as finished websocket frames: small messages are appended to the last block, one that arrives in
 * fragments is gathered in a block of its own which then moves to the queue as it is. Sessions with something to send are
 * marked, and once a loop turn, after all input, each is written directly, one write a block, with no change of its poll
 * events unless its socket is full.
 *
 *   bare_relay [PORT [CERT KEY]]     prints "listening on ws://127.0.0.1:PORT"; port 0, the default, takes a free one
 *
 * With two PEM files, a certificate and its key, it speaks TLS as libwebsockets does by itself, and prints wss:// instead.
 */
#include "relay.h"

#include <libwebsockets.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    RX_SIZE = 65536,
    BLOCK_SIZE = 16384,
    SPARE_BLOCKS = 256,
};

/* `begin` to `end` of the bytes after LWS_PRE is what is still to be written. */
struct block {
    struct block *next;
    size_t begin;
    size_t end;
    size_t capacity;
    uint8_t space[];
};

struct session {
    relay_name name;
    struct lws *wsi;
    struct block *first;
    struct block *last;
    struct block *gathering; /* a message of which fragments are missing */
    struct session *dirty_next;
    bool dirty;
};

static struct session *dirty;
static struct block *spares;
static size_t spare_count;

static uint8_t *block_bytes(struct block *block)
{
    return block->space + LWS_PRE;
}

static struct block *block_new(size_t capacity)
{
    struct block *block;
    if (capacity <= BLOCK_SIZE && spares) {
        block = spares;
        spares = block->next;
        spare_count--;
    } else {
        if (capacity < BLOCK_SIZE)
            capacity = BLOCK_SIZE;
        block = malloc(sizeof *block + LWS_PRE + capacity);
        if (!block)
            abort();
        block->capacity = capacity;
    }
    block->next = NULL;
    block->begin = block->end = 0;
    return block;
}

static void block_free(struct block *block)
{
    if (block->capacity == BLOCK_SIZE && spare_count < SPARE_BLOCKS) {
        block->next = spares;
        spares = block;
        spare_count++;
    } else {
        free(block);
    }
}

static struct session *session_find(const uint8_t *id)
{
    return (struct session *)relay_find(id);
}

static void session_mark(struct session *session)
{
    if (session->dirty)
        return;
    session->dirty = true;
    session->dirty_next = dirty;
    dirty = session;
}

static void session_enqueue(struct session *session, struct block *block)
{
    if (session->last)
        session->last->next = block;
    else
        session->first = block;
    session->last = block;
    session_mark(session);
}

/* Room for one message of `size` bytes in the session's queue, its websocket header already written. */
static uint8_t *session_room(struct session *session, size_t size)
{
    struct block *block = session->last;
    if (!block || block->capacity - block->end < size + WS_HEADER_MAX) {
        block = block_new(size + WS_HEADER_MAX);
        session_enqueue(session, block);
    } else {
        session_mark(session);
    }
    uint8_t *out = block_bytes(block) + block->end;
    size_t header = relay_ws_header(out, size);
    block->end += header + size;
    return out + header;
}

/* Writes what is queued until it is out or the socket is full. False: the connection is broken. */
static bool session_drain(struct session *session)
{
    while (session->first && !lws_partial_buffered(session->wsi)) {
        struct block *block = session->first;
        if (lws_write(session->wsi, block_bytes(block) + block->begin, block->end - block->begin, LWS_WRITE_HTTP) < 0)
            return false;
        session->first = block->next;
        if (!session->first)
            session->last = NULL;
        block_free(block);
    }
    if (session->first)
        lws_callback_on_writable(session->wsi);
    return true;
}

static void drain_dirty(uv_check_t *check)
{
    (void)check;
    while (dirty) {
        struct session *session = dirty;
        dirty = session->dirty_next;
        session->dirty = false;
        if (!session_drain(session))
            lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}

static void on_handshake(struct session *session, const uint8_t *bytes)
{
    const uint8_t *sender = bytes + 1;
    if (bytes[0] == FRAME_INIT) {
        relay_challenge(session_room(session, CHALLENGE_SIZE), sender);
    } else if (bytes[0] == FRAME_RESPONSE && !session->name.named) {
        relay_set_name(&session->name, sender);
        relay_accepted(session_room(session, HEADER_SIZE), sender);
    }
}

static void on_message(struct session *session, const uint8_t *bytes, size_t size)
{
    if (size < HEADER_SIZE)
        return;
    if (bytes[0] != FRAME_PAYLOAD) {
        on_handshake(session, bytes);
        return;
    }
    struct session *recipient = session_find(bytes + 1 + ID_SIZE);
    if (recipient)
        memcpy(session_room(recipient, size), bytes, size);
}

/* A whole message in a block of its own: its header goes into the room kept before it, and the block moves as it is. */
static void on_gathered(struct session *session)
{
    struct block *block = session->gathering;
    session->gathering = NULL;
    uint8_t *bytes = block_bytes(block) + WS_HEADER_MAX;
    size_t size = block->end - WS_HEADER_MAX;
    struct session *recipient =
        size >= HEADER_SIZE && bytes[0] == FRAME_PAYLOAD ? session_find(bytes + 1 + ID_SIZE) : NULL;
    if (!recipient) {
        block_free(block);
        return;
    }
    uint8_t header[WS_HEADER_MAX];
    size_t header_size = relay_ws_header(header, size);
    block->begin = WS_HEADER_MAX - header_size;
    memcpy(block_bytes(block) + block->begin, header, header_size);
    session_enqueue(recipient, block);
}

/* lws says how much of the frame is to come; only a message of several frames makes the block grow. */
static void gather(struct session *session, const uint8_t *bytes, size_t size, size_t remaining)
{
    struct block *block = session->gathering;
    size_t begin = block ? block->end : WS_HEADER_MAX;
    if (!block || block->capacity < begin + size + remaining) {
        struct block *larger = block_new(begin + size + remaining);
        if (block) {
            memcpy(block_bytes(larger), block_bytes(block), block->end);
            block_free(block);
        }
        session->gathering = block = larger;
    }
    memcpy(block_bytes(block) + begin, bytes, size);
    block->end = begin + size;
}

static void on_receive(struct session *session, const uint8_t *bytes, size_t size)
{
    size_t remaining = lws_remaining_packet_payload(session->wsi);
    bool whole = remaining == 0 && lws_is_final_fragment(session->wsi);
    if (whole && !session->gathering) {
        on_message(session, bytes, size);
        return;
    }
    gather(session, bytes, size, remaining);
    if (whole)
        on_gathered(session);
}

static void on_closed(struct session *session)
{
    for (struct session **link = &dirty; session->dirty && *link; link = &(*link)->dirty_next) {
        if (*link == session) {
            *link = session->dirty_next;
            break;
        }
    }
    relay_drop_name(&session->name);
    while (session->first) {
        struct block *block = session->first;
        session->first = block->next;
        block_free(block);
    }
    if (session->gathering)
        block_free(session->gathering);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        memset(session, 0, sizeof *session);
        session->wsi = wsi;
        break;
    case LWS_CALLBACK_RECEIVE:
        on_receive(session, in, size);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session_drain(session) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
        on_closed(session);
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "acurast",
     .callback = on_event,
     .per_session_data_size = sizeof(struct session),
     .rx_buffer_size = RX_SIZE},
    {.name = NULL},
};

static struct lws_context *start(int port, const char *cert, const char *key, uv_loop_t *loop)
{
    static lws_retry_bo_t no_pings;
    void *loops[] = {loop};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = port;
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_LIBUV;
    if (cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_cert_filepath = cert;
    info.ssl_private_key_filepath = key;
    info.foreign_loops = loops;
    info.pt_serv_buf_size = RX_SIZE;
    info.retry_and_idle_policy = &no_pings;
    lws_set_log_level(LLL_ERR, NULL);
    return lws_create_context(&info);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_check_t check;
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    const char *cert = argc > 3 ? argv[2] : NULL, *key = cert ? argv[3] : NULL;
    struct lws_context *context = start(argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0, cert, key, loop);
    if (!context)
        return 1;
    uv_check_init(loop, &check);
    uv_check_start(&check, drain_dirty);
    printf("listening on %s://127.0.0.1:%d\n", cert ? "wss" : "ws",
           lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
