/*
 * A connection that was accepted:
 *
 *   admitted -> (waiting for a greeting -> TLS) -> request -> answered -> (draining) -> gone
 *                               \-> upgrade -> websocket -> gone
 *
 * A connection has one request. A page or a refusal is its last word, and what the peer sends behind the request is not looked at. A socket that is
 * closed with bytes unread resets the connection, and the answer may be lost: so, when all is written, the sending side is shut, and what still comes is
 * thrown away for a moment.
 *
 * One timer bounds the time from accept to the upgrade or to the answer's last byte, and then the draining. The websocket is a part of
 * this struct, and the stream a part of that, so that an idle connection costs one piece of memory.
 */
#include "net/listener_internal.h"

#include "base/memory.h"
#include "net/socket.h"
#include "net/upgrade.h"
#include "net/ws_internal.h"
#include "wire/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX 512

struct acurast__accepted {
    bool upgraded; /* `ws` is in use */
    bool answered; /* its last word is written, or waits in `answer` */
    bool draining;
    bool body;     /* the request announced one */
    int waiting;   /* its socket, while its greeting has not come; -1: it does not wait */
    uint8_t *head; /* of a request that came in part; NULL: nothing */
    size_t head_size;
    char *answer; /* what the socket has not taken of it begins at `answer_done` */
    size_t answer_size, answer_done;
    acurast__peer peer;
    acurast__listening *at;
    acurast__timer timer;
    acurast__reap reap;
    acurast__list young_link;
    acurast__list bare_link;
    acurast__ws ws;
};

/* ---- its end ---- */

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
    acurast__loop *loop = at->loop;
    acurast__loop_timer_stop(loop, &accepted->timer);
    acurast__list_remove(&accepted->reap.link);
    acurast__list_remove(&accepted->young_link);
    acurast__list_remove(&accepted->bare_link);
    if (accepted->waiting >= 0)
        close(stop_waiting(accepted));
    acurast__stream_close(&accepted->ws.stream);
    at->listener->handlers->left(at->shard, &accepted->peer);
    acurast__free(accepted->head);
    acurast__free(accepted->answer);
    acurast__free(accepted);
    acurast__loop_let(loop);
}

static void on_websocket_gone(acurast__ws *ws)
{
    forget(ACURAST__CONTAINER(ws, acurast__accepted, ws));
}

static void on_end(acurast__reap *reap)
{
    forget(ACURAST__CONTAINER(reap, acurast__accepted, reap));
}

void acurast__accepted_cut(acurast__accepted *accepted)
{
    if (accepted->upgraded) {
        acurast__ws_abort(&accepted->ws);
        return;
    }
    acurast__stream_wait(&accepted->ws.stream, false, false);
    acurast__loop_reap(accepted->at->loop, &accepted->reap);
}

static void on_timer(acurast__timer *timer)
{
    acurast__accepted_cut(ACURAST__CONTAINER(timer, acurast__accepted, timer));
}

void acurast__listener_cut_bare(acurast__listening *at)
{
    for (acurast__list *link = at->bare.next, *next; link != &at->bare; link = next) {
        next = link->next;
        acurast__accepted_cut(ACURAST__CONTAINER(link, acurast__accepted, bare_link));
    }
}

/* ---- answers ---- */

/* All is written. */
static void part(acurast__accepted *accepted)
{
    acurast__stream *stream = &accepted->ws.stream;
    if (!accepted->body && !acurast__socket_unread(stream->socket)) {
        acurast__accepted_cut(accepted);
        return;
    }
    accepted->draining = true;
    acurast__stream_finish(stream);
    acurast__stream_wait(stream, true, false);
    acurast__loop_timer_start(accepted->at->loop, &accepted->timer, ACURAST__LINGER_MS);
}

static void write_answer(acurast__accepted *accepted)
{
    acurast__stream *stream = &accepted->ws.stream;
    if (!acurast__stream_send_rest(stream, accepted->answer, accepted->answer_size, &accepted->answer_done))
        acurast__accepted_cut(accepted);
    else if (stream->full)
        acurast__stream_wait(stream, false, true);
    else
        part(accepted);
}

static const char *reason_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } known[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {414, "URI Too Long"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].phrase;
    return "";
}

/* What an answer of this status says beside its content. */
static const char *extra_headers(unsigned status)
{
    return status == 405   ? "allow: GET, HEAD\r\n"
           : status == 426 ? "upgrade: websocket\r\nsec-websocket-version: 13\r\n"
                           : "";
}

/* A whole answer, the last word on this connection; `sent` bytes of the body are a part of it. */
static void answer(acurast__accepted *accepted, const acurast__response_page *page, size_t sent)
{
    char headers[HEADERS_MAX];
    int size = snprintf(headers, sizeof headers,
                        "HTTP/1.1 %u %s\r\nconnection: close\r\ncontent-type: %s\r\ncontent-length: %zu\r\n%s\r\n",
                        page->status, reason_phrase(page->status), page->content_type, page->body_size,
                        extra_headers(page->status));
    accepted->answered = true;
    accepted->answer = size < HEADERS_MAX ? acurast__alloc((size_t)size + sent) : NULL;
    if (!accepted->answer) {
        acurast__accepted_cut(accepted);
        return;
    }
    accepted->answer_size = (size_t)size + sent;
    memcpy(accepted->answer, headers, (size_t)size);
    if (sent)
        memcpy(accepted->answer + size, page->body, sent);
    write_answer(accepted);
}

static void answer_short(acurast__accepted *accepted, unsigned status, const char *text)
{
    acurast__response_page page = {.status = status, .content_type = "text/plain", .body_size = strlen(text)};
    page.body = (char *)(uintptr_t)text;
    answer(accepted, &page, page.body_size);
}

static acurast__request request_of(const acurast__request_head *head)
{
    return (acurast__request){
        .path = head->path, .host = head->host, .forwarded_for = head->forwarded_for, .proxied = head->proxied};
}

static void on_page(acurast__accepted *accepted, const acurast__request_head *head)
{
    bool headers_only = strcmp(head->method, "HEAD") == 0;
    if (!headers_only && strcmp(head->method, "GET") != 0) {
        answer_short(accepted, 405, "only GET and HEAD\n");
        return;
    }
    acurast__request request = request_of(head);
    acurast__response_page page = {.status = 404, .content_type = "text/plain"};
    accepted->at->listener->handlers->page(accepted->at->shard, &accepted->peer, &request, &page);
    answer(accepted, &page, headers_only ? 0 : page.body_size);
    acurast__free(page.body);
}

/* ---- upgrades ---- */

static bool key_fits(const char *key)
{
    const size_t size = ACURAST__UPGRADE_KEY_SIZE - 1;
    return key && strlen(key) == size && strcmp(key + size - 2, "==") == 0;
}

/* 0: none. */
static unsigned upgrade_problem(const acurast__request_head *head)
{
    if (strcmp(head->method, "GET") != 0)
        return 405;
    if (strcasecmp(head->upgrade, "websocket") != 0 || !head->upgrades || !key_fits(head->key) || head->body ||
        head->protocol)
        return 400;
    return head->version && strcmp(head->version, "13") == 0 ? 0 : 426;
}

/* A fresh socket takes it. */
static bool welcome(acurast__accepted *accepted, const acurast__request_head *head)
{
    char text[HEADERS_MAX], proof[ACURAST__UPGRADE_PROOF_SIZE];
    if (!acurast__upgrade_proof(head->key, proof))
        return false;
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        proof);
    return acurast__stream_send(&accepted->ws.stream, &(struct iovec){text, (size_t)size}, 1) == size;
}

/* False where it was refused. */
static bool upgrade(acurast__accepted *accepted, const acurast__request_head *head)
{
    acurast__listening *at = accepted->at;
    acurast__request request = request_of(head);
    const acurast__ws_handlers *handlers = NULL;
    acurast__ws_settings settings = {0};
    unsigned refuse = 503;
    void *owner = at->listener->handlers->upgrade(at->shard, &accepted->ws, &accepted->peer, &request, &handlers,
                                                  &settings, &refuse);
    if (!owner) {
        answer_short(accepted, refuse, "refused\n");
        return false;
    }
    acurast__ws_setup(&accepted->ws, at->loop, &settings, handlers, owner);
    accepted->ws.gone = on_websocket_gone;
    accepted->ws.stream.ready = acurast__ws_ready;
    accepted->upgraded = true;
    acurast__list_remove(&accepted->bare_link);
    acurast__loop_timer_stop(at->loop, &accepted->timer);
    return true;
}

static void on_upgrade(acurast__accepted *accepted, const acurast__request_head *head, uint8_t *behind, size_t size)
{
    unsigned problem = upgrade_problem(head);
    if (problem) {
        answer_short(accepted, problem, "a websocket upgrade of version 13 without a subprotocol is expected\n");
        return;
    }
    if (!upgrade(accepted, head))
        return;
    if (!welcome(accepted, head)) {
        acurast__ws_finish(&accepted->ws);
        return;
    }
    acurast__ws_opened(&accepted->ws);
    if (size)
        acurast__ws_read_bytes(&accepted->ws, behind, size);
}

/* ---- the request ---- */

static void keep_head(acurast__accepted *accepted, const uint8_t *bytes, size_t size)
{
    acurast__free(accepted->head);
    accepted->head = acurast__copy(bytes, size);
    accepted->head_size = size;
    if (!accepted->head)
        acurast__accepted_cut(accepted);
}

static void on_head(acurast__accepted *accepted, uint8_t *bytes, size_t size)
{
    acurast__request_head head;
    switch (acurast__request_read(&head, (char *)bytes, size, accepted->head_size)) {
    case ACURAST__REQUEST_MORE:
        keep_head(accepted, bytes, size);
        return;
    case ACURAST__REQUEST_WRONG:
        accepted->body = true; /* more may be on its way */
        answer_short(accepted, head.status, "not a request that is understood here\n");
        return;
    case ACURAST__REQUEST_WHOLE:
        break;
    }
    acurast__free(accepted->head);
    accepted->head = NULL;
    accepted->head_size = 0;
    accepted->body = head.body;
    if (head.upgrade)
        on_upgrade(accepted, &head, bytes + head.size, size - head.size);
    else
        on_page(accepted, &head);
}

/* What has come before stands before what comes now, in the loop's buffer. */
static void read_request(acurast__accepted *accepted)
{
    uint8_t *bytes;
    ssize_t got = acurast__stream_receive(&accepted->ws.stream, NULL, &bytes);
    if (got > 0) {
        if (accepted->head)
            memcpy(bytes - accepted->head_size, accepted->head, accepted->head_size);
        on_head(accepted, bytes - accepted->head_size, accepted->head_size + (size_t)got);
    }
    if (accepted->upgraded) {
        if (accepted->ws.stream.ended)
            acurast__ws_read_rest(&accepted->ws);
    } else if (got == 0 || (accepted->ws.stream.ended && !accepted->answered)) {
        acurast__accepted_cut(accepted);
    }
}

static void on_ready(acurast__stream *stream, bool readable, bool writable)
{
    acurast__accepted *accepted = ACURAST__CONTAINER(stream, acurast__accepted, ws.stream);
    if (!acurast__list_empty(&accepted->reap.link))
        return;
    if (accepted->draining) {
        if (acurast__stream_drain(stream))
            acurast__accepted_cut(accepted);
    } else if (accepted->answered) {
        write_answer(accepted);
    } else {
        if (writable && !acurast__stream_push(stream))
            acurast__accepted_cut(accepted);
        else if (readable)
            read_request(accepted);
        if (!accepted->answered && !accepted->upgraded)
            acurast__stream_wait(stream, acurast__list_empty(&accepted->reap.link), stream->full);
    }
}

/* ---- its beginning ---- */

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

static bool open_stream(acurast__accepted *accepted, int socket)
{
    acurast__stream *stream = &accepted->ws.stream;
    acurast__listening *at = accepted->at;
    if (!acurast__stream_open(stream, at->loop, socket, on_ready)) {
        close(socket);
        return false;
    }
    return !at->listener->tls || acurast__stream_serve_tls(stream, acurast__listening_tls(at));
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
    accepted->peer = peer;
    accepted->at = at;
    accepted->waiting = -1;
    accepted->reap.end = on_end;
    acurast__stream_init(&accepted->ws.stream);
    acurast__timer_init(&accepted->timer, on_timer);
    acurast__list_init(&accepted->reap.link);
    acurast__list_append(&at->young, &accepted->young_link);
    acurast__list_append(&at->bare, &accepted->bare_link);
    acurast__loop_hold(at->loop);
    acurast__loop_timer_start(at->loop, &accepted->timer, listener->request_timeout_ms);
    if (acurast__greeting_wait(&at->greeting, socket, accepted))
        accepted->waiting = socket;
    else if (!open_stream(accepted, socket))
        acurast__accepted_cut(accepted);
}

int acurast__accepted_socket(const acurast__accepted *accepted)
{
    return accepted->waiting;
}

/* Its greeting is answered now: it is what there is time for. */
void acurast__accepted_enter(acurast__accepted *accepted)
{
    if (open_stream(accepted, stop_waiting(accepted)))
        on_ready(&accepted->ws.stream, true, false);
    else
        acurast__accepted_cut(accepted);
}
