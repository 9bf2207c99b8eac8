/*
 * One client of the generator: a socket, the upgrade, the handshake of the protocol, and as much of websocket framing as that needs.
 *
 *   CONNECTING -> SECURING -> UPGRADING -> INIT_SENT -> RESPONSE_SENT -> READY        any of them -> FAILED
 *   CONNECTING -> SECURING -> INIT_SENT -> READY                                      with NATS
 *
 * A ready peer sends one message over and over: its frame is built and masked once, and only the time in it changes, so that many
 * copies of it go out with one system call and the generator stays quicker than what it measures. Of what it receives it keeps the
 * first bytes of each message.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "channel.h"
#include "key.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEADER_SIZE = 33,
    PEER_KEPT = 512, /* first bytes of a message, or the HTTP response */
    STAMP_SIZE = 8,  /* the first bytes of a payload: when it was sent */
    TRACKED_HEAD_SIZE = 21,
    RECEIPT_HEAD_SIZE = 8,
    RECEIPT_ITEM_SIZE = 9,
    RECEIPT_MAX_ITEMS = 1024,
};

typedef enum peer_state {
    PEER_CONNECTING,
    PEER_SECURING,
    PEER_UPGRADING,
    PEER_INIT_SENT,
    PEER_RESPONSE_SENT,
    PEER_READY,
    PEER_FAILED
} peer_state;

typedef struct bench_peer bench_peer;

typedef struct peer_handlers {
    void (*ready)(bench_peer *peer);
    void (*failed)(bench_peer *peer); /* why is in `failure` */
    void (*message)(bench_peer *peer, size_t size, uint64_t now);
} peer_handlers;

struct bench_peer {
    bench_channel channel;
    int epoll;
    peer_state state;
    bench_key key;
    const peer_handlers *handlers;
    void *owner;
    bool introduced; /* NATS with TLS */
    bool tracks;     /* set before it connects: it speaks receipts, and sends tracked payloads */
    char failure[96];

    uint8_t head[10]; /* of the websocket frame that is being read */
    uint8_t head_size;
    bool in_body;
    uint64_t body_size;
    uint64_t body_read;
    uint8_t kept[PEER_KEPT];
    size_t kept_size; /* of the HTTP response; else the smaller of body_read and PEER_KEPT */

    uint8_t *frame;
    size_t frame_size;
    size_t stamp_at;
    size_t frame_written; /* of the copy that is half written */
    uint64_t pending;     /* copies to write, the half-written one included */
    uint64_t stamped;     /* the time in the frame */
    size_t receipts;      /* payloads that came, and whose receipt is to be written */
    bool listed;          /* for the owner's list of those to flush */
};

/* Peers speak to a server of NATS from now on: each subscribes to its id. A message counts as if it had our header. */
void peer_use_nats(void);

/* A peer with a new key, not yet connected. `owner` is for the handlers. */
bool peer_init(bench_peer *peer, const peer_handlers *handlers, void *owner);

/* Begins to connect from `source`, a loopback address. False, with `failure` set, where it cannot. */
bool peer_open(bench_peer *peer, int epoll, const struct sockaddr_in *service, in_addr_t source);

/* Something that epoll told of it. */
void peer_event(bench_peer *peer, uint32_t events);

/* Builds the frame that a ready peer sends: `size` bytes of payload, at least STAMP_SIZE. */
bool peer_prepare(bench_peer *peer, const uint8_t recipient[ID_SIZE], size_t size);

/* The type of the message just received: its first byte. And, where it is a receipt, how many payloads it is for. */
uint8_t peer_received(const bench_peer *peer);
size_t peer_receipts(const bench_peer *peer);

/* Writes receipts, then pending copies until none is left or the socket is full; then epoll tells when to go on. */
void peer_flush(bench_peer *peer, uint64_t now);

/* The time in the message just received. */
uint64_t peer_stamp(const bench_peer *peer);

void peer_close(bench_peer *peer);

#endif
