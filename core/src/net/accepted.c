/*
 * A connection that was accepted:
 *
 *   admitted -> (waiting for a greeting -> TLS) -> request -> answered -> (lingering) -> gone
 *                               \-> upgrade -> websocket -> gone
 *
 * A connection has one request. A page or a refusal is its last word: libwebsockets closes it, and never sees what the peer sends
 * behind the request. If it went on to a second request that it has in its buffer, it would search that buffer for ever (4.1.6).
 *
 * A socket that is closed with bytes unread resets the connection, and the answer may be lost. So a second descriptor keeps such a
 * socket open for a moment: lingering. Its sending side is shut, and nobody reads from it.
 *
 * Some nonsense (an Upgrade that is unknown, a path that is not absolute) is answered by libwebsockets itself, which then closes.
 *
 * One timer bounds the time from accept to the upgrade or to the answer's last byte, and then the lingering. The websocket is a part of
 * this struct, so that an idle connection costs one piece of memory beside libwebsockets'.
 */
#include "net/listener_internal.h"

#include "base/memory.h"
#include "net/callback.h"
#include "net/socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_MAX 256
#define FORWARDED_MAX 4096 /* as long as all headers may be: nobody hides behind a long one */
#define HEADERS_MAX 512

/* How long a peer may take to read its answer and to close, where it has sent more than was read. */
#define LINGER_MS 1000
#define LINGER_TICK_MS 50

struct acurast__accepted {
    acurast__wsi_owner base;
    bool upgraded;     /* `ws` is in use */
    bool body;         /* the request announced one */
    int waiting;       /* its socket, while its greeting has not come; -1: it does not wait */
    int kept;          /* a second descriptor of the socket, once the request is answered; -1: none */
    uint64_t deadline; /* of the lingering; 0: the answer is not written yet */
    acurast__peer peer;
    acurast__listening *at;
    struct lws *wsi;
    acurast__timer timer;
    acurast__reap reap;
    acurast__list young_link;
    acurast__list bare_link;
    acurast__ws ws;
};

/* Returns the socket. */
static int stop_waiting(acurast__accepted *accepted)
{
    int socket = accepted->waiting;
    acurast__greeting_leave(&accepted->at->greeting, socket);
    accepted->waiting = -1;
    return socket;
}

static void forget(acurast__accepted *accepted)
{
    acurast__listening *at = accepted->at;
    acurast__loop_timer_stop(at->loop, &accepted->timer);
    acurast__list_remove(&accepted->reap.link);
    acurast__list_remove(&accepted->young_link);
    acurast__list_remove(&accepted->bare_link);
    if (accepted->upgraded)
        acurast__ws_ended(&accepted->ws);
    if (accepted->kept >= 0)
        close(accepted->kept);
    if (accepted->waiting >= 0)
        close(stop_waiting(accepted));
    at->listener->handlers->left(at->shard, &accepted->peer);
    acurast__loop *loop = at->loop;
    acurast__free(accepted);
    acurast__loop_let(loop);
}

/* libwebsockets has closed it, and our second descriptor holds the socket open. */
static bool lingers(const acurast__accepted *accepted)
{
    return !accepted->wsi && accepted->kept >= 0;
}

static void linger_on(acurast__accepted *accepted)
{
    acurast__loop *loop = accepted->at->loop;
    if (acurast__loop_now(loop) >= accepted->deadline || acurast__socket_finished(accepted->kept))
        forget(accepted);
    else
        acurast__loop_timer_start(loop, &accepted->timer, LINGER_TICK_MS);
}

static void on_timer(acurast__timer *timer)
{
    acurast__accepted *accepted = ACURAST__CONTAINER(timer, acurast__accepted, timer);
    if (lingers(accepted))
        linger_on(accepted);
    else
        acurast__accepted_cut(accepted);
}

/* libwebsockets has closed it. One that was cut off has had its time. */
static void on_destroyed(acurast__accepted *accepted)
{
    accepted->wsi = NULL;
    bool more = accepted->kept >= 0 && (accepted->body || acurast__socket_unread(accepted->kept));
    if (!more || accepted->reap.cut) {
        forget(accepted);
        return;
    }
    shutdown(accepted->kept, SHUT_WR);
    if (!accepted->deadline)
        accepted->deadline = acurast__loop_now(accepted->at->loop) + LINGER_MS;
    linger_on(accepted);
}

/* The rest of it goes at the end of the turn. */
void acurast__accepted_cut(acurast__accepted *accepted)
{
    if (lingers(accepted) || accepted->waiting >= 0)
        forget(accepted);
    else if (accepted->upgraded)
        acurast__ws_abort(&accepted->ws);
    else if (accepted->wsi)
        acurast__loop_cut(accepted->at->loop, &accepted->reap, accepted->wsi);
}

void acurast__listener_cut_bare(acurast__listening *at)
{
    for (acurast__list *link = at->bare.next, *next; link != &at->bare; link = next) {
        acurast__accepted *accepted = ACURAST__CONTAINER(link, acurast__accepted, bare_link);
        next = link->next;
        acurast__accepted_cut(accepted);
    }
}

void acurast__listener_turn_away(const acurast__listener *listener, int socket)
{
    static const char page[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
                               "Content-Length: 0\r\n\r\n";
    if (!listener->tls)
        (void)!send(socket, page, sizeof page - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(socket);
}

void acurast__listener_settle(acurast__ws *ws)
{
    acurast__list_remove(&ACURAST__CONTAINER(ws, acurast__accepted, ws)->young_link);
}

static bool admit(acurast__listening *at, acurast__peer *peer)
{
    const acurast__listener_handlers *handlers = at->listener->handlers;
    acurast__admission admission = handlers->admit(at->shard, peer);
    if (admission == ACURAST__ADMISSION_FULL && !acurast__list_empty(&at->young)) {
        acurast__accepted *oldest = ACURAST__CONTAINER(at->young.next, acurast__accepted, young_link);
        acurast__list_remove(&oldest->young_link);
        handlers->evicted(at->shard, &oldest->peer);
        acurast__accepted_cut(oldest);
        admission = handlers->admit(at->shard, peer);
    }
    return admission == ACURAST__ADMISSION_GRANTED;
}

/* libwebsockets has the socket from now on. */
static void enter(acurast__accepted *accepted, int socket)
{
    acurast__listening *at = accepted->at;
    lws_adopt_desc_t info = {
        .vh = at->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd = {.sockfd = socket},
        .opaque = &accepted->base,
    };
    at->adopting = accepted;
    at->loop->created = false;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&info);
    if (at->adopting && wsi)
        accepted->wsi = wsi;
    else if (at->adopting && !at->loop->created)
        forget(accepted); /* else the end of a wsi that failed at once (TLS noise) is told now or in a later turn */
    at->adopting = NULL;
}

void acurast__listener_adopt(acurast__listening *at, int socket, const acurast__address *address)
{
    const acurast__listener *listener = at->listener;
    acurast__peer peer = {.address = *address,
                          .effective = *address,
                          .since = acurast__loop_now(at->loop),
                          .tls = listener->tls,
                          .admin = listener->admin};
    if (!admit(at, &peer)) {
        acurast__listener_turn_away(listener, socket);
        return;
    }
    acurast__accepted *accepted = acurast__alloc_zero(sizeof *accepted);
    if (!accepted) {
        listener->handlers->left(at->shard, &peer);
        acurast__listener_turn_away(listener, socket);
        return;
    }
    accepted->base.kind = ACURAST__WSI_ACCEPTED;
    accepted->peer = peer;
    accepted->at = at;
    accepted->kept = -1;
    accepted->waiting = -1;
    acurast__timer_init(&accepted->timer, on_timer);
    acurast__list_init(&accepted->reap.link);
    acurast__list_append(&at->young, &accepted->young_link);
    acurast__list_append(&at->bare, &accepted->bare_link);
    acurast__loop_hold(at->loop);
    acurast__loop_timer_start(at->loop, &accepted->timer, listener->request_timeout_ms);
    if (acurast__greeting_wait(&at->greeting, socket, accepted))
        accepted->waiting = socket;
    else
        enter(accepted, socket);
}

int acurast__accepted_socket(const acurast__accepted *accepted)
{
    return accepted->waiting;
}

void acurast__accepted_enter(acurast__accepted *accepted)
{
    enter(accepted, stop_waiting(accepted));
}

/* ---- HTTP ---- */

static const char *header(struct lws *wsi, enum lws_token_indexes token, char *text, int capacity)
{
    if (lws_hdr_copy(wsi, text, capacity, token) < 0)
        text[0] = 0;
    return text;
}

/* libwebsockets tells no difference between a header that is empty and one that is absent, but for its pieces. */
static bool is_there(struct lws *wsi, enum lws_token_indexes token)
{
    char empty[1];
    return lws_hdr_total_length(wsi, token) > 0 || lws_hdr_copy_fragment(wsi, empty, sizeof empty, token, 0) >= 0;
}

static const char *forwarded_for(struct lws *wsi, char *text, int capacity)
{
    return is_there(wsi, WSI_TOKEN_X_FORWARDED_FOR) ? header(wsi, WSI_TOKEN_X_FORWARDED_FOR, text, capacity) : NULL;
}

static bool came_through_proxy(struct lws *wsi)
{
    static const char forwarded[] = "forwarded:";
    return is_there(wsi, WSI_TOKEN_X_FORWARDED_FOR) || is_there(wsi, WSI_TOKEN_HTTP_X_REAL_IP) ||
           is_there(wsi, WSI_TOKEN_HTTP_VIA) || lws_hdr_custom_length(wsi, forwarded, sizeof forwarded - 1) >= 0;
}

static void path_only(char *path)
{
    path[strcspn(path, "?#")] = 0;
}

static bool announces_body(struct lws *wsi)
{
    char length[TEXT_MAX];
    header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
    return (length[0] && strcmp(length, "0") != 0) || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

/* What the socket has not taken yet has the rest of the request's time, and five seconds from libwebsockets, which then closes. */
static void end_request(acurast__accepted *accepted, struct lws *wsi)
{
    acurast__loop *loop = accepted->at->loop;
    if (!lws_partial_buffered(wsi)) {
        accepted->deadline = acurast__loop_now(loop) + LINGER_MS;
        acurast__loop_timer_start(loop, &accepted->timer, LINGER_MS);
    }
    accepted->body = announces_body(wsi);
    accepted->kept = fcntl(lws_get_socket_fd(wsi), F_DUPFD_CLOEXEC, 0);
}

static bool put_headers(struct lws *wsi, unsigned status, const char *content_type, size_t body_size, uint8_t **p,
                        uint8_t *end)
{
    uint8_t *start = *p;
    if (lws_add_http_common_headers(wsi, status, content_type, body_size, p, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const uint8_t *)"close", 5, p, end) ||
        (status == 426 &&
         lws_add_http_header_by_name(wsi, (const uint8_t *)"sec-websocket-version:", (const uint8_t *)"13", 2, p, end)))
        return false;
    /* In an answer to an upgrade libwebsockets does not know the request's version yet, and takes 1.0, which clients refuse. */
    memcpy(start, "HTTP/1.1", 8);
    return true;
}

static bool write_body(struct lws *wsi, const char *body, size_t size)
{
    uint8_t *copy = acurast__alloc(LWS_PRE + size);
    if (!copy)
        return false;
    memcpy(copy + LWS_PRE, body, size);
    int written = lws_write(wsi, copy + LWS_PRE, size, LWS_WRITE_HTTP_FINAL);
    acurast__free(copy);
    return written >= 0;
}

/* Sends a whole answer, the last word on this connection: -1, for libwebsockets. */
static int answer(acurast__accepted *accepted, struct lws *wsi, unsigned status, const char *content_type,
                  const char *body, size_t body_size, bool head)
{
    uint8_t headers[LWS_PRE + HEADERS_MAX];
    uint8_t *start = headers + LWS_PRE, *p = start, *end = headers + sizeof headers;
    bool written = put_headers(wsi, status, content_type, body_size, &p, end) &&
                   lws_finalize_write_http_header(wsi, start, &p, end) == 0;
    if (written && !head && body_size)
        written = write_body(wsi, body, body_size);
    if (written)
        end_request(accepted, wsi);
    return -1;
}

static int answer_short(acurast__accepted *accepted, struct lws *wsi, unsigned status, const char *text)
{
    return answer(accepted, wsi, status, "text/plain", text, strlen(text), false);
}

static int on_page(acurast__accepted *accepted, struct lws *wsi, const char *uri)
{
    char path[TEXT_MAX], host[TEXT_MAX], forwarded[FORWARDED_MAX];
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (!head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return answer_short(accepted, wsi, 405, "only GET and HEAD\n");
    snprintf(path, sizeof path, "%s", uri);
    path_only(path);
    acurast__request request = {.path = path,
                                .host = header(wsi, WSI_TOKEN_HOST, host, sizeof host),
                                .forwarded_for = forwarded_for(wsi, forwarded, sizeof forwarded),
                                .proxied = came_through_proxy(wsi)};
    acurast__response_page page = {.status = 404, .content_type = "text/plain"};
    accepted->at->listener->handlers->page(accepted->at->shard, &accepted->peer, &request, &page);
    int result = answer(accepted, wsi, page.status, page.content_type, page.body, page.body_size, head);
    acurast__free(page.body);
    return result;
}

/* ---- upgrades ---- */

/* A key is 16 bytes in base64: 22 characters and two signs of equality. */
static bool key_fits(struct lws *wsi)
{
    char key[TEXT_MAX];
    header(wsi, WSI_TOKEN_KEY, key, sizeof key);
    return strlen(key) == 24 && strcmp(key + 22, "==") == 0;
}

/* libwebsockets would drop a connection that offers other subprotocols than ours without a word. */
static bool subprotocol_fits(struct lws *wsi)
{
    char offered[TEXT_MAX];
    return lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0 ||
           strcmp(header(wsi, WSI_TOKEN_PROTOCOL, offered, sizeof offered), ACURAST__PROTOCOL_NAME) == 0;
}

static unsigned upgrade_problem(struct lws *wsi, const char *protocol)
{
    char version[TEXT_MAX];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return 405;
    if (strcasecmp(protocol, "websocket") != 0 || !key_fits(wsi) || !subprotocol_fits(wsi))
        return 400;
    return strcmp(header(wsi, WSI_TOKEN_VERSION, version, sizeof version), "13") == 0 ? 0 : 426;
}

/* 0: libwebsockets goes on; -1: an answer was sent. */
static int on_upgrade(acurast__accepted *accepted, struct lws *wsi, const char *protocol)
{
    char path[TEXT_MAX], host[TEXT_MAX], forwarded[FORWARDED_MAX];
    unsigned problem = upgrade_problem(wsi, protocol);
    if (problem)
        return answer_short(accepted, wsi, problem,
                            "a websocket upgrade of version 13 without a subprotocol is expected\n");
    acurast__request request = {.path = header(wsi, WSI_TOKEN_GET_URI, path, sizeof path),
                                .host = header(wsi, WSI_TOKEN_HOST, host, sizeof host),
                                .forwarded_for = forwarded_for(wsi, forwarded, sizeof forwarded),
                                .proxied = came_through_proxy(wsi)};
    path_only(path);
    const acurast__ws_handlers *handlers = NULL;
    acurast__ws_settings settings = {0};
    acurast__listening *at = accepted->at;
    unsigned refuse = 503;
    accepted->ws.tls = accepted->peer.tls;
    accepted->ws.wsi = wsi;
    void *owner = at->listener->handlers->upgrade(at->shard, &accepted->ws, &accepted->peer, &request, &handlers,
                                                  &settings, &refuse);
    if (!owner)
        return answer_short(accepted, wsi, refuse, "refused\n");
    acurast__ws_setup(&accepted->ws, at->loop, &settings, handlers, owner);
    accepted->upgraded = true;
    acurast__list_remove(&accepted->bare_link);
    return 0;
}

static int on_established(acurast__accepted *accepted, struct lws *wsi)
{
    acurast__loop_timer_stop(accepted->at->loop, &accepted->timer);
    acurast__ws_opened(&accepted->ws, wsi);
    return 0;
}

int acurast__accepted_event(acurast__accepted *accepted, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                            size_t size)
{
    accepted->wsi = wsi;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return on_page(accepted, wsi, in);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(accepted, wsi, in);
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(accepted, wsi);
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT: libwebsockets would read whatever comes */
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        accepted->at->adopting = NULL;
        on_destroyed(accepted);
        return 0;
    default:
        if (accepted->upgraded)
            acurast__ws_event(&accepted->ws, reason, in, size);
        return 0;
    }
}
