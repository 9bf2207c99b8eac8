/*
 * A client's way to an open websocket:
 *
 *   looking up -> dialling -> (asking a proxy for a tunnel) -> (TLS) -> asking for the upgrade -> open
 *
 * Literal addresses are not looked up, and behind a proxy no name is: the proxy does that. Where a step fails after an address has connected, the dial
 * goes on with the addresses that are left. The timer is that of the lookup, and of an address from its dialling on.
 */
#include "net/ws_internal.h"

#include "base/memory.h"
#include "net/dial.h"
#include "net/lookup.h"
#include "net/proxy.h"
#include "net/tls.h"
#include "net/upgrade.h"
#include "wire/response.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 255

/* What was asked of the other end of the connection. */
typedef enum question {
    TUNNEL,
    HANDSHAKE,
    UPGRADE
} question;

struct acurast__connecting {
    acurast__ws *ws;
    acurast__task step; /* the next step, in a later turn */
    bool stepping;      /* it is posted */
    bool begun;
    bool over; /* given up, or nothing is left to be tried */
    bool looked_up;
    acurast__timer timer;
    acurast__lookup *lookup; /* NULL: none runs */
    acurast__dial dial;
    acurast__tls *tls;           /* NULL: plain */
    const acurast__proxy *proxy; /* NULL: none */
    uint16_t port;
    uint32_t timeout_ms;
    question asked;
    char key[ACURAST__UPGRADE_KEY_SIZE];
    char *head; /* a request, as long as not all of it is sent; then what has come of the answer; NULL: nothing */
    size_t head_size, head_done;
    bool sent;
    char *path;
    char host[HOST_MAX + 1];
};

/* ---- the end of it, good or bad ---- */

static void drop_head(acurast__connecting *c)
{
    if (c->head)
        sodium_memzero(c->head, c->head_size); /* a proxy's password may be in it */
    acurast__free(c->head);
    c->head = NULL;
    c->head_size = c->head_done = 0;
}

static void release_connecting(acurast__ws *ws)
{
    acurast__connecting *c = ws->connecting;
    ws->connecting = NULL;
    acurast__loop_timer_stop(ws->loop, &c->timer);
    if (c->lookup)
        acurast__lookup_cancel(c->lookup);
    acurast__dial_stop(&c->dial);
    drop_head(c);
    acurast__tls_release(c->tls);
    acurast__free(c->path);
    acurast__free(c);
}

static void give_up(acurast__ws *ws)
{
    release_connecting(ws);
    acurast__ws_ended(ws);
}

/* Whatever comes next comes in a later turn: not within a call of the owner's. */
static void step_later(acurast__connecting *c)
{
    if (c->stepping)
        return;
    c->stepping = true;
    acurast__loop_post(c->ws->loop, &c->step);
}

/* There is nothing left to be tried. */
static void end_with(acurast__connecting *c, acurast_status status, const char *reason)
{
    c->over = true;
    step_later(c);
    c->ws->status = status;
    acurast__ws_set_reason(c->ws, reason, strlen(reason));
}

/* ---- addresses ---- */

static void hang_up(acurast__connecting *c)
{
    acurast__stream_close(&c->ws->stream);
    acurast__stream_init(&c->ws->stream);
    drop_head(c);
    c->sent = false;
}

/* The address that has connected is no good; the next one gets its chance. */
static void refuse(acurast__connecting *c, acurast_status status, const char *problem)
{
    hang_up(c);
    acurast__dial_blame(&c->dial, status, problem);
    step_later(c);
}

static void on_dial_failed(acurast__dial *dial)
{
    acurast__connecting *c = ACURAST__CONTAINER(dial, acurast__connecting, dial);
    char problems[ACURAST__DIAL_TEXT_SIZE], text[ACURAST__DIAL_TEXT_SIZE + HOST_MAX + 16];
    acurast__dial_tell(dial, problems);
    snprintf(text, sizeof text, "%s%s%s%s", c->proxy ? "by the proxy " : "", c->proxy ? c->proxy->host : "",
             c->proxy ? ": " : "", problems);
    end_with(c, acurast__dial_status(dial), text);
}

static void on_timeout(acurast__timer *timer)
{
    acurast__connecting *c = ACURAST__CONTAINER(timer, acurast__connecting, timer);
    if (c->looked_up) {
        refuse(c, ACURAST_TIMEOUT, "no answer in time");
        return;
    }
    end_with(c, ACURAST_TIMEOUT, "the host name was not resolved in time");
}

static void on_looked_up(void *owner, const acurast__address *addresses, size_t count, const char *problem)
{
    acurast__connecting *c = owner;
    char text[HOST_MAX + 128];
    c->lookup = NULL;
    c->looked_up = true;
    acurast__loop_timer_stop(c->ws->loop, &c->timer);
    acurast__dial_set(&c->dial, addresses, count);
    if (count) {
        step_later(c);
        return;
    }
    snprintf(text, sizeof text, "%s: %s", c->proxy ? c->proxy->host : c->host, problem);
    end_with(c, ACURAST_RESOLVE, text);
}

static void begin(acurast__connecting *c)
{
    const char *host = c->proxy ? c->proxy->host : c->host;
    acurast__address address;
    c->begun = true;
    if (acurast__address_parse(&address, host)) {
        on_looked_up(c, &address, 1, "");
        return;
    }
    acurast__loop_timer_start(c->ws->loop, &c->timer, c->timeout_ms);
    c->lookup = acurast__lookup_start(c->ws->loop, host, on_looked_up, c);
    if (!c->lookup)
        end_with(c, ACURAST_NO_MEMORY, "out of memory");
}

static void on_step(acurast__task *task)
{
    acurast__connecting *c = ACURAST__CONTAINER(task, acurast__connecting, step);
    c->stepping = false;
    acurast__loop_timer_stop(c->ws->loop, &c->timer);
    if (c->over)
        give_up(c->ws);
    else if (!c->begun)
        begin(c);
    else
        acurast__dial_go(&c->dial);
}

/* ---- requests ---- */

static void host_header(const acurast__connecting *c, char text[HOST_MAX + 16])
{
    bool six = strchr(c->host, ':') != NULL;
    bool usual = c->port == (c->tls ? 443 : 80);
    const char *open = six ? "[" : "", *close = six ? "]" : "";
    if (usual)
        snprintf(text, HOST_MAX + 16, "%s%s%s", open, c->host, close);
    else
        snprintf(text, HOST_MAX + 16, "%s%s%s:%u", open, c->host, close, c->port);
}

static char *upgrade_request(acurast__connecting *c)
{
    static const char form[] = "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n";
    char host[HOST_MAX + 16];
    host_header(c, host);
    acurast__upgrade_key(c->key);
    size_t most = sizeof form + strlen(c->path) + strlen(host) + sizeof c->key;
    char *request = acurast__alloc(most);
    if (request)
        snprintf(request, most, form, c->path, host, c->key);
    return request;
}

/* Sends what is left of the request. False where the connection is broken. */
static bool send_request(acurast__connecting *c)
{
    bool good = acurast__stream_send_rest(&c->ws->stream, c->head, c->head_size, &c->head_done);
    if (good && c->head_done == c->head_size) {
        drop_head(c);
        c->sent = true;
    }
    return good;
}

static acurast_status status_of(question asked)
{
    return asked == TUNNEL ? ACURAST_CONNECT : asked == HANDSHAKE ? ACURAST_TLS : ACURAST_UPGRADE;
}

static void hung_up(acurast__connecting *c)
{
    acurast__stream *stream = &c->ws->stream;
    char problem[ACURAST__TLS_PROBLEM_SIZE];
    if (stream->ssl) {
        unsigned long error = acurast__stream_tls_error(stream);
        acurast__tls_explain(stream->ssl, error, problem);
        refuse(c, error ? ACURAST_TLS : status_of(c->asked), problem);
    } else {
        refuse(c, status_of(c->asked), c->asked == TUNNEL ? "the proxy hung up" : "the service hung up");
    }
}

static void read_answer(acurast__connecting *c);

/* A peer that takes no more may have said why. */
static void go_on_asking(acurast__connecting *c)
{
    acurast__stream *stream = &c->ws->stream;
    if (c->sent ? acurast__stream_push(stream) : send_request(c)) {
        acurast__stream_wait(stream, c->sent, stream->full);
        return;
    }
    drop_head(c);
    c->sent = true;
    read_answer(c);
}

static void ask(acurast__connecting *c, question asked, char *request)
{
    c->asked = asked;
    c->head = request;
    c->head_size = request ? strlen(request) : 0;
    c->head_done = 0;
    c->sent = false;
    if (request)
        go_on_asking(c);
    else
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
}

static void ask_for_upgrade(acurast__connecting *c)
{
    ask(c, UPGRADE, upgrade_request(c));
}

/* Where TLS has not begun, and OpenSSL knows of nothing that is wrong. */
static bool is_memory_short(const acurast__stream *stream)
{
    return !stream->ssl || (stream->ended && !acurast__stream_tls_error(stream));
}

static void ask_for_tls(acurast__connecting *c)
{
    SSL *ssl = acurast__tls_new(c->tls, c->host);
    c->asked = HANDSHAKE;
    c->sent = true;
    if (ssl && acurast__stream_ask_tls(&c->ws->stream, ssl))
        go_on_asking(c);
    else if (is_memory_short(&c->ws->stream))
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
    else
        hung_up(c);
}

static void ask_service(acurast__connecting *c)
{
    if (c->tls)
        ask_for_tls(c);
    else
        ask_for_upgrade(c);
}

/* ---- answers ---- */

/* The connection is the websocket's from here on; what came behind the answer is its first. */
static void open_websocket(acurast__connecting *c, uint8_t *behind, size_t size)
{
    acurast__ws *ws = c->ws;
    release_connecting(ws);
    ws->stream.ready = acurast__ws_ready;
    acurast__ws_opened(ws);
    ws->handlers->open(ws->owner, ws);
    if (size && !ws->aborted)
        acurast__ws_read_bytes(ws, behind, size);
    if (ws->stream.ended)
        acurast__ws_read_rest(ws);
}

/* What an answer that is no 101 often means. */
static const char *meaning_of(unsigned status)
{
    switch (status) {
    case 301:
    case 302:
    case 307:
    case 308:
        return ": it has moved, and redirects are not followed";
    case 401:
    case 403:
        return ": access is refused";
    case 404:
        return ": there is nothing at this path";
    case 407:
        return ": the proxy wants a user and a password";
    case 429:
        return ": too many connections or requests";
    case 502:
    case 503:
    case 504:
        return ": a proxy before the service does not reach it";
    default:
        return "";
    }
}

static void refuse_answer(acurast__connecting *c, unsigned status)
{
    char problem[128];
    snprintf(problem, sizeof problem, "the %s answered with HTTP %u%s", c->asked == TUNNEL ? "proxy" : "service",
             status, meaning_of(status));
    refuse(c, status_of(c->asked), problem);
}

static void on_tunnel(acurast__connecting *c, const acurast__response_head *head, size_t behind)
{
    if (head->status / 100 != 2)
        refuse_answer(c, head->status);
    else if (behind)
        refuse(c, ACURAST_CONNECT, "the proxy said more than it was asked");
    else
        ask_service(c);
}

static void on_upgrade(acurast__connecting *c, const acurast__response_head *head, uint8_t *behind, size_t size)
{
    char proof[ACURAST__UPGRADE_PROOF_SIZE];
    bool proven = acurast__upgrade_proof(c->key, proof);
    if (head->status != 101)
        refuse_answer(c, head->status);
    else if (!head->minor || !head->upgrades || head->negotiates || !head->accept || !proven ||
             strcmp(head->accept, proof) != 0)
        refuse(c, ACURAST_UPGRADE, "the service's answer is no upgrade to a websocket");
    else
        open_websocket(c, behind, size);
}

static void keep_answer(acurast__connecting *c, const char *bytes, size_t size)
{
    c->head = acurast__copy(bytes, size);
    c->head_size = c->head ? size : 0;
    if (!c->head)
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
    else if (c->ws->stream.ended)
        hung_up(c);
}

/* Answers that announce another one (100, 103) are passed over. */
static void on_answer(acurast__connecting *c, char *bytes, size_t size)
{
    acurast__response_head head;
    acurast__response_progress progress = acurast__response_read(&head, bytes, size);
    while (progress == ACURAST__RESPONSE_WHOLE && head.status / 100 == 1 && head.status != 101) {
        bytes += head.size;
        size -= head.size;
        progress = acurast__response_read(&head, bytes, size);
    }
    if (progress == ACURAST__RESPONSE_MORE)
        keep_answer(c, bytes, size);
    else if (progress == ACURAST__RESPONSE_WRONG)
        refuse(c, status_of(c->asked),
               c->asked == TUNNEL ? "the proxy does not speak HTTP" : "the service does not speak HTTP");
    else if (c->asked == TUNNEL)
        on_tunnel(c, &head, size - head.size);
    else
        on_upgrade(c, &head, (uint8_t *)bytes + head.size, size - head.size);
}

/* What has come before stands before what comes now, in the loop's buffer. */
static void read_answer(acurast__connecting *c)
{
    uint8_t *bytes;
    ssize_t got = acurast__stream_receive(&c->ws->stream, NULL, &bytes);
    if (got == 0) {
        hung_up(c);
    } else if (c->asked == HANDSHAKE && acurast__stream_sealed(&c->ws->stream)) {
        if (got > 0)
            refuse(c, ACURAST_UPGRADE, "the service speaks before it is asked");
        else
            ask_for_upgrade(c);
    } else if (got > 0) {
        size_t before = c->head_size;
        if (before)
            memcpy(bytes - before, c->head, before);
        drop_head(c);
        on_answer(c, (char *)bytes - before, before + (size_t)got);
    } else {
        acurast__stream_wait(&c->ws->stream, true, c->ws->stream.full);
    }
}

static void on_ready(acurast__stream *stream, bool readable, bool writable)
{
    acurast__connecting *c = ACURAST__CONTAINER(stream, acurast__ws, stream)->connecting;
    (void)writable;
    if (readable && c->sent)
        read_answer(c);
    else
        go_on_asking(c);
}

/* `ms` of the time of this address are over. */
static void on_connected(acurast__dial *dial, int socket, uint64_t ms)
{
    acurast__connecting *c = ACURAST__CONTAINER(dial, acurast__connecting, dial);
    acurast__ws *ws = c->ws;
    if (!acurast__stream_open(&ws->stream, ws->loop, socket, on_ready)) {
        close(socket);
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
        return;
    }
    acurast__loop_timer_start(ws->loop, &c->timer, ms < c->timeout_ms ? c->timeout_ms - ms : 0);
    if (c->proxy)
        ask(c, TUNNEL, acurast__proxy_request(c->proxy, c->host, c->port));
    else
        ask_service(c);
}

/* ---- life ---- */

void acurast__ws_connect_cancel(acurast__ws *ws)
{
    acurast__connecting *c = ws->connecting;
    if (c->over)
        return;
    c->over = true;
    acurast__dial_stop(&c->dial);
    hang_up(c);
    step_later(c);
}

static acurast__connecting *new_connecting(acurast__ws *ws, acurast__loop *loop, const acurast__ws_target *target)
{
    acurast__connecting *c = acurast__alloc_zero(sizeof *c);
    if (!c)
        return NULL;
    c->path = acurast__copy_text(target->path);
    if (!c->path) {
        acurast__free(c);
        return NULL;
    }
    snprintf(c->host, sizeof c->host, "%s", target->host);
    c->ws = ws;
    c->tls = acurast__tls_retain(target->tls);
    c->proxy = target->proxy;
    c->port = target->port;
    c->timeout_ms = target->connect_timeout_ms;
    c->step.run = on_step;
    c->stepping = true;
    acurast__timer_init(&c->timer, on_timeout);
    acurast__dial_init(&c->dial, loop, c->proxy ? c->proxy->port : c->port, c->timeout_ms);
    c->dial.connected = on_connected;
    c->dial.failed = on_dial_failed;
    return c;
}

static void free_client(acurast__ws *ws)
{
    acurast__free(ws);
}

acurast__ws *acurast__ws_connect(acurast__loop *loop, const acurast__ws_target *target,
                                 const acurast__ws_settings *settings, const acurast__ws_handlers *handlers,
                                 void *owner)
{
    acurast__ws *ws = acurast__alloc_zero(sizeof *ws);
    if (!ws)
        return NULL;
    ws->connecting = new_connecting(ws, loop, target);
    if (!ws->connecting) {
        acurast__free(ws);
        return NULL;
    }
    ws->client = true;
    ws->gone = free_client;
    acurast__stream_init(&ws->stream);
    acurast__ws_setup(ws, loop, settings, handlers, owner);
    acurast__loop_post(loop, &ws->connecting->step);
    return ws;
}
