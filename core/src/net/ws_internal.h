/* Inside of a websocket, for the files that share it: ws.c (its life), ws_read.c, ws_write.c, ws_connect.c, accepted.c. */
#ifndef ACURAST_NET_WS_INTERNAL_H
#define ACURAST_NET_WS_INTERNAL_H

#include "net/chunk.h"
#include "net/loop_internal.h"
#include "net/stream.h"
#include "net/ws.h"
#include "wire/ws_reader.h"

/* How long a goodbye may take: what is queued, our close frame, the peer's. */
#define ACURAST__CLOSE_TIME_MS 5000

/* How long a peer may take to read our last words and to close, where it has sent more than was read. */
#define ACURAST__LINGER_MS 1000

/* The longest reason of a close frame, in bytes. */
#define ACURAST__REASON_MAX 123

/* The longest text on how it ended. */
#define ACURAST__PROBLEM_MAX 255

typedef struct acurast__connecting acurast__connecting; /* ws_connect.c */

struct acurast__ws {
    bool client : 1;
    bool open : 1;
    bool paused : 1;
    bool closing : 1;  /* acurast__ws_close() was called */
    bool shut : 1;     /* nothing may be queued any more: a close frame went out or came in */
    bool said : 1;     /* our close frame is queued, or was */
    bool parted : 1;   /* the peer says nothing more that counts: its close frame has come, or nonsense */
    bool settled : 1;  /* the peer's close frame has come, or it is over: nothing more counts as written */
    bool draining : 1; /* all is said; what the peer still sends is thrown away until it closes */
    bool aborted : 1;
    bool left : 1; /* the owner was told that it is over */
    bool by_peer : 1;
    bool refused : 1; /* `status` says for what, though there is a close handshake */
    bool pinged : 1;
    uint8_t excused; /* pings in a row that were acknowledged and not answered */
    uint16_t code;   /* ours or the peer's */
    acurast__stream stream;
    acurast__ws_reader reader;
    acurast__loop *loop;
    const acurast__ws_handlers *handlers;
    void *owner;
    void (*gone)(acurast__ws *ws); /* frees its memory, last of all */
    acurast__list dirty_link;
    acurast__list unread_link; /* in the loop's list, where something in `rest` is to be read */
    acurast__reap reap;
    acurast__chain out;
    size_t cut;               /* bytes of the first frame in `out` that the stream has taken */
    acurast__list owing_link; /* in the loop's list, while `kernel` is not 0 */
    size_t kernel;            /* service only: bytes that the kernel had to send when that was last looked at */
    size_t unseen;            /* bytes that it took since then */
    uint64_t queued;
    uint64_t written; /* once `settled` */
    uint64_t told;    /* as much as the owner knows of what was written */
    size_t max_message;
    uint8_t *partial; /* a message that comes in pieces */
    size_t partial_size;
    size_t partial_capacity;
    uint8_t *rest; /* what has come and was not read: a header in part, or what came behind a pause; NULL: nothing */
    uint8_t *rest_block; /* its memory, of which the beginning may have been read */
    size_t rest_size, rest_capacity;
    uint8_t *owed;        /* the payload of a ping whose pong waits, behind its size in one byte; NULL: none waits */
    acurast__timer timer; /* pings while open, the end of a goodbye when closing */
    uint64_t last_heard;
    uint64_t taken; /* as acurast__socket_draining() wants it: bytes that the next host has acknowledged */
    uint64_t taken_at_ping, taken_at_pong; /* `taken`, when the last ping was sent, and the last that was answered */
    uint64_t last_ping;
    uint32_t ping_interval;
    uint32_t ping_timeout;
    acurast_status status;
    char *reason;                    /* own copy; NULL: none */
    acurast__connecting *connecting; /* client only, until open */
    acurast__lane *lane;             /* the owner's; NULL while it is closed */
    size_t lane_waiting;             /* its limit, once it was open */
};

/* Fills a new websocket, but for `client`, `gone` and `stream`; its memory is the caller's. */
void acurast__ws_setup(acurast__ws *ws, acurast__loop *loop, const acurast__ws_settings *settings,
                       const acurast__ws_handlers *handlers, void *owner);

/* It is open: its stream is, and carries frames from now on. */
void acurast__ws_opened(acurast__ws *ws);

/* It is over: tells the owner, frees the inside, and is `gone`. Connecting attempts end so; others by acurast__ws_finish(). */
void acurast__ws_ended(acurast__ws *ws);

/* Ends it at the end of the turn; nothing is read or written any more. */
void acurast__ws_finish(acurast__ws *ws);

/* Both sides have said goodbye, and all is written: ends it, when the peer has been able to read that. */
void acurast__ws_part(acurast__ws *ws);

/* The peer has vanished, or the system has said so. */
void acurast__ws_lost(acurast__ws *ws);

/* What the socket is ready for. */
void acurast__ws_ready(acurast__stream *stream, bool readable, bool writable);

/* Says what it waits for. */
void acurast__ws_wait(acurast__ws *ws);

/* The peer has answered the last ping. */
void acurast__ws_ponged(acurast__ws *ws);

/* The peer was heard of. */
void acurast__ws_heard(acurast__ws *ws);

/* Closes for a fault of the peer, of which the end tells the owner. */
void acurast__ws_refuse(acurast__ws *ws, uint16_t code, acurast_status status, const char *reason);

/* The peer has sent its close frame. */
void acurast__ws_peer_closes(acurast__ws *ws, uint16_t code, const char *reason, size_t size);

/* Closes the lane, if one is open: before anything is written, and when it is over. */
void acurast__ws_close_lane(acurast__ws *ws);

/* Tells the owner that the connection is over, unless it closed it itself. */
void acurast__ws_tell_leaving(acurast__ws *ws, acurast_status status);

void acurast__ws_set_reason(acurast__ws *ws, const char *reason, size_t size);

/* ---- ws_read.c ---- */

/* Reads from the socket, or what was left over. */
void acurast__ws_read(acurast__ws *ws);
void acurast__ws_read_rest(acurast__ws *ws);

/* Reads bytes that have come already, behind the request. */
void acurast__ws_read_bytes(acurast__ws *ws, uint8_t *bytes, size_t size);

/* Frees what was read in part. */
void acurast__ws_free_partial(acurast__ws *ws);
void acurast__ws_free_rest(acurast__ws *ws);

/* ---- ws_write.c ---- */

/* Writes what is queued, as far as the socket takes it, and our close frame after the last of it. */
void acurast__ws_flush(acurast__ws *ws);

/* Puts it on the loop's list for the end of the turn. */
void acurast__ws_mark_dirty(acurast__ws *ws);

/* Owes the peer a pong: only the last one, where much waits. */
void acurast__ws_pong(acurast__ws *ws, const uint8_t *bytes, size_t size);

/* Queues our close frame, behind a frame that was cut and nothing else: the rest is dropped. */
void acurast__ws_answer_close(acurast__ws *ws, uint16_t code);

/* Drops all that is queued. */
void acurast__ws_drop_output(acurast__ws *ws);

/* Looks at what the kernel has to send, and counts it. */
void acurast__ws_look(acurast__ws *ws);

/* ---- ws_connect.c ---- */

/* Ends the attempt: no further address is tried. */
void acurast__ws_connect_cancel(acurast__ws *ws);

#endif
