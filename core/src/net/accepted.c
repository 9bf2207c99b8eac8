/*
 * A connection that was accepted:
 *
 *   admitted -> (TLS) -> request -> page -> gone
 *                               \-> upgrade -> websocket -> gone
 *
 * A timer bounds the time from accept to the upgrade or to the page's end. The websocket is a part of this struct, so that an idle
 * connection costs one piece of memory beside libwebsockets'. Whoever refuses says so in HTTP.
 */
#include "net/listener_internal.h"

#include "base/memory.h"
#include "net/callback.h"
#include "net/socket.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_MAX 256
#define FORWARDED_MAX 4096 /* as long as all headers may be: nobody hides behind a long one */
#define HEADERS_MAX 512

/* For a body that nobody wants. */
#define BODY_TIME_MS 1000

struct acurast__accepted {
    acurast__wsi_owner base;
    bool upgraded; /* `ws` is in use */
    acurast__peer peer;
    acurast__listening *at;
    struct lws *wsi;
    acurast__timer timer;
    acurast__reap reap;
    acurast__list bare_link;
    acurast__ws ws;
};

static void forget(acurast__accepted *accepted)
{
    acurast__listening *at = accepted->at;
    acurast__loop_timer_stop(at->loop, &accepted->timer);
    acurast__list_remove(&accepted->reap.link);
    acurast__list_remove(&accepted->bare_link);
    if (accepted->upgraded)
        acurast__ws_ended(&accepted->ws);
    at->listener->handlers->left(at->shard, &accepted->peer);
    acurast__loop *loop = at->loop;
    acurast__free(accepted);
    acurast__loop_let(loop);
}

static void on_late(acurast__timer *timer)
{
    acurast__accepted *accepted = ACURAST__CONTAINER(timer, acurast__accepted, timer);
    if (accepted->wsi)
        acurast__loop_cut(accepted->at->loop, &accepted->reap, accepted->wsi);
}

void acurast__listener_cut_bare(acurast__listening *at)
{
    for (acurast__list *link = at->bare.next; link != &at->bare; link = link->next) {
        acurast__accepted *accepted = ACURAST__CONTAINER(link, acurast__accepted, bare_link);
        if (accepted->wsi)
            acurast__loop_cut(at->loop, &accepted->reap, accepted->wsi);
    }
}

void acurast__listener_turn_away(const acurast__listener *listener, int socket)
{
    static const char page[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
                               "Content-Length: 0\r\n\r\n";
    if (!listener->tls_cert)
        (void)!send(socket, page, sizeof page - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(socket);
}

void acurast__listener_adopt(acurast__listening *at, int socket, const acurast__address *address)
{
    const acurast__listener *listener = at->listener;
    acurast__peer peer = {
        .address = *address, .effective = *address, .tls = listener->tls_cert != NULL, .admin = listener->admin};
    if (!listener->handlers->admit(at->shard, &peer)) {
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
    acurast__timer_init(&accepted->timer, on_late);
    acurast__list_init(&accepted->reap.link);
    acurast__list_append(&at->bare, &accepted->bare_link);
    acurast__loop_hold(at->loop);
    acurast__loop_timer_start(at->loop, &accepted->timer, listener->request_timeout_ms);
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

/* ---- HTTP ---- */

static const char *header(struct lws *wsi, enum lws_token_indexes token, char *text, int capacity)
{
    if (lws_hdr_copy(wsi, text, capacity, token) < 0)
        text[0] = 0;
    return text;
}

static void path_only(char *path)
{
    path[strcspn(path, "?#")] = 0;
}

/*
 * The connection ends once the answer is written. A body that is still to come is read before, lest it reset the connection under the
 * answer: libwebsockets would then wait for another request, and the timer ends that.
 */
static int end_request(struct lws *wsi)
{
    acurast__accepted *accepted = lws_get_opaque_user_data(wsi);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return -1;
    acurast__loop_timer_start(accepted->at->loop, &accepted->timer, BODY_TIME_MS);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
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

/* Sends a whole answer; the connection ends with it. Returns what libwebsockets is to get. */
static int answer(struct lws *wsi, unsigned status, const char *content_type, const char *body, size_t body_size,
                  bool head)
{
    uint8_t headers[LWS_PRE + HEADERS_MAX];
    uint8_t *start = headers + LWS_PRE, *p = start, *end = headers + sizeof headers;
    if (!put_headers(wsi, status, content_type, body_size, &p, end) ||
        lws_finalize_write_http_header(wsi, start, &p, end))
        return -1;
    if (head || !body_size)
        return end_request(wsi);
    uint8_t *copy = acurast__alloc(LWS_PRE + body_size);
    if (!copy)
        return -1;
    memcpy(copy + LWS_PRE, body, body_size);
    int written = lws_write(wsi, copy + LWS_PRE, body_size, LWS_WRITE_HTTP_FINAL);
    acurast__free(copy);
    return written < 0 ? -1 : end_request(wsi);
}

static int answer_short(struct lws *wsi, unsigned status, const char *text)
{
    return answer(wsi, status, "text/plain", text, strlen(text), false);
}

static int on_page(acurast__accepted *accepted, struct lws *wsi, const char *uri)
{
    char path[TEXT_MAX], host[TEXT_MAX], forwarded[FORWARDED_MAX];
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (!head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return answer_short(wsi, 405, "only GET and HEAD\n");
    snprintf(path, sizeof path, "%s", uri);
    path_only(path);
    acurast__request request = {.path = path,
                                .host = header(wsi, WSI_TOKEN_HOST, host, sizeof host),
                                .forwarded_for = header(wsi, WSI_TOKEN_X_FORWARDED_FOR, forwarded, sizeof forwarded)};
    acurast__response_page page = {.status = 404, .content_type = "text/plain"};
    accepted->at->listener->handlers->page(accepted->at->shard, &accepted->peer, &request, &page);
    int result = answer(wsi, page.status, page.content_type, page.body, page.body_size, head);
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

/* 0: libwebsockets goes on; otherwise an answer was sent. */
static int on_upgrade(acurast__accepted *accepted, struct lws *wsi, const char *protocol)
{
    char path[TEXT_MAX], host[TEXT_MAX], forwarded[FORWARDED_MAX];
    unsigned problem = upgrade_problem(wsi, protocol);
    if (problem)
        return answer_short(wsi, problem, "a websocket upgrade of version 13 without a subprotocol is expected\n") < 0
                   ? -1
                   : 1;
    acurast__request request = {.path = header(wsi, WSI_TOKEN_GET_URI, path, sizeof path),
                                .host = header(wsi, WSI_TOKEN_HOST, host, sizeof host),
                                .forwarded_for = header(wsi, WSI_TOKEN_X_FORWARDED_FOR, forwarded, sizeof forwarded)};
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
        return answer_short(wsi, refuse, "refused\n") < 0 ? -1 : 1;
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
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        accepted->at->adopting = NULL;
        forget(accepted);
        return 0;
    default:
        if (accepted->upgraded)
            acurast__ws_event(&accepted->ws, reason, in, size);
        return 0;
    }
}
