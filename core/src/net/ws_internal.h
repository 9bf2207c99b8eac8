/* Inside of a websocket, for the files that share it: ws.c (life and reading), ws_write.c, ws_connect.c, listener.c. */
#ifndef ACURAST_NET_WS_INTERNAL_H
#define ACURAST_NET_WS_INTERNAL_H

#include "net/chunk.h"
#include "net/loop_internal.h"
#include "net/lws.h"
#include "net/ws.h"

/* How long a goodbye may take: what is queued, our close frame, the peer's. */
#define ACURAST__CLOSE_TIME_MS 5000

/* What libwebsockets' opaque pointer of a connection points to begins with this. */
typedef enum acurast__wsi_kind {
    ACURAST__WSI_CLIENT,   /* a client's acurast__ws */
    ACURAST__WSI_ACCEPTED, /* a listener's connection, which may become a websocket */
    ACURAST__WSI_LISTENING, /* a listening socket */
    ACURAST__WSI_GREETING   /* where connections wait for their greeting */
} acurast__wsi_kind;

typedef struct acurast__wsi_owner {
    acurast__wsi_kind kind;
} acurast__wsi_owner;

typedef struct acurast__connecting acurast__connecting; /* ws_connect.c */

struct acurast__ws {
    acurast__wsi_owner base;
    bool client : 1;
    bool tls : 1;
    bool open : 1;
    bool masked : 1;  /* frames are masked in the chain, not by libwebsockets */
    bool direct : 1;  /* plain, and raw writes are allowed: straight to the socket */
    bool paused : 1;
    bool closing : 1; /* acurast__ws_close() was called */
    bool shut : 1;    /* nothing may be written any more: a close frame went out or came in */
    bool aborted : 1;
    bool left : 1; /* the owner was told that it is over */
    bool by_peer : 1;
    bool refused : 1; /* `status` says for what, though there is a close handshake */
    bool pinged : 1;
    bool skipping : 1; /* the rest of a message that is too large */
    uint8_t excused; /* pings in a row that were acknowledged and not answered */
    uint16_t code;   /* ours or the peer's */
    struct lws *wsi;
    acurast__loop *loop;
    const acurast__ws_handlers *handlers;
    void *owner;
    acurast__list dirty_link;
    acurast__reap reap;
    acurast__chain out;
    acurast__list owing_link; /* in the loop's list, while `kernel` is not 0 */
    size_t kernel;            /* service only: bytes that the kernel had to send when that was last looked at */
    size_t unseen;            /* bytes that it took since then */
    size_t held; /* bytes that libwebsockets took and the operating system has not; set by acurast__ws_hold() */
    uint64_t queued;
    size_t max_message;
    uint8_t *partial; /* a message that comes in pieces */
    size_t partial_size;
    size_t partial_capacity;
    acurast__timer timer; /* pings while open, the end of a goodbye when closing */
    uint64_t last_heard;
    uint64_t taken; /* as acurast__socket_draining() wants it */
    uint32_t ping_interval;
    uint32_t ping_timeout;
    acurast_status status;
    char *reason;                    /* own copy; NULL: none */
    acurast__connecting *connecting; /* client only, until open */
    struct lws_vhost *vhost;         /* client only: a use of it */
    acurast__lane *lane;             /* the owner's; NULL while it is closed */
    size_t lane_waiting;             /* its limit, once it was open */
};

/* Fills a new websocket; its memory is the caller's. */
void acurast__ws_setup(acurast__ws *ws, acurast__loop *loop, const acurast__ws_settings *settings,
                       const acurast__ws_handlers *handlers, void *owner);

/* It is open: `wsi` is a websocket from now on. */
void acurast__ws_opened(acurast__ws *ws, struct lws *wsi);

/* It has ended: tells the owner and frees the inside; the memory is the caller's. */
void acurast__ws_ended(acurast__ws *ws);

/* Writes what is queued, as far as the socket takes it, and our close frame after the last of it. Between callbacks only. */
void acurast__ws_flush(acurast__ws *ws);

/* Closes the lane, if one is open: before anything is written, and when it is over. */
void acurast__ws_close_lane(acurast__ws *ws);

/* Puts it on the loop's list for the end of the turn. */
void acurast__ws_mark_dirty(acurast__ws *ws);

/* Looks at what the kernel has to send, and counts it. */
void acurast__ws_look(acurast__ws *ws);

/* libwebsockets holds so many bytes from now on. */
void acurast__ws_hold(acurast__ws *ws, size_t bytes);

/* Tells the owner that the connection is over, unless it closed it itself. */
void acurast__ws_tell_leaving(acurast__ws *ws, acurast_status status);

void acurast__ws_set_reason(acurast__ws *ws, const char *reason, size_t size);

/* libwebsockets' callbacks for an open websocket of either role. */
void acurast__ws_event(acurast__ws *ws, enum lws_callback_reasons reason, void *in, size_t size);

/* The same for a client's while it connects (ws_connect.c). */
int acurast__ws_connect_event(acurast__ws *ws, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                              size_t size);

/* Ends the attempt: no further address is tried. */
void acurast__ws_connect_cancel(acurast__ws *ws);

#endif
