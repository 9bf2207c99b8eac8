/*
 * A client's way to an open websocket:
 *
 *   resolving -> trying one address after the other: connecting -> asking for the upgrade -> open
 *
 * Each address has its time. Literal addresses are not resolved. libwebsockets connects, through proxies and by TLS. It gets the address as a number,
 * and the host's name for SNI and the check of the certificate. It tells of a failed attempt by a NULL, by a callback, or by both, depending on its
 * version: `attempt_over` is what makes it one. When it is about to ask for the upgrade the connection is taken over, and asked here.
 */
#include "net/ws_internal.h"

#include "base/memory.h"
#include "net/address.h"
#include "net/callback.h"
#include "net/socket.h"
#include "net/take.h"
#include "net/tls_internal.h"
#include "net/upgrade.h"
#include "net/worker.h"
#include "wire/response.h"

#include <netdb.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define MOST_ADDRESSES 8
#define HOST_MAX 255

struct acurast__connecting {
    acurast__job job;   /* resolution; the job owns this struct while it runs */
    acurast__task step; /* the next step, in a later turn */
    acurast__timer timer;
    acurast__lws_reap reap;
    acurast__ws *ws; /* NULL: given up, only the job still holds it */
    acurast__tls *tls;
    struct lws *wsi; /* the attempt, while it is libwebsockets' */
    bool asking;     /* the attempt is ours: the request was sent, or waits in `head` */
    bool begun;
    bool resolving;
    bool cancelled;
    bool timed_out;
    bool in_attempt; /* within libwebsockets' connect: its callbacks are for the caller of that */
    bool attempt_over;
    bool stepping; /* `step` is posted */
    uint16_t port;
    uint32_t timeout_ms;
    int resolve_error;
    size_t count; /* addresses */
    size_t next;
    acurast__address addresses[MOST_ADDRESSES];
    char host[HOST_MAX + 1];
    char *path;
    char key[ACURAST__UPGRADE_KEY_SIZE];
    char *head; /* the request, as long as not all of it is sent; then what has come of the answer; NULL: nothing */
    size_t head_size, head_done;
    bool sent;
};

static void free_connecting(acurast__connecting *c)
{
    acurast__tls_release(c->tls);
    acurast__free(c->path);
    acurast__free(c->head);
    acurast__free(c);
}

/* ---- the end of it, good or bad ---- */

static void release_connecting(acurast__ws *ws)
{
    acurast__connecting *c = ws->connecting;
    ws->connecting = NULL;
    acurast__loop_timer_stop(ws->loop, &c->timer);
    acurast__list_remove(&c->reap.reap.link);
    if (c->resolving)
        c->ws = NULL; /* the job frees it */
    else
        free_connecting(c);
}

static void give_up(acurast__ws *ws)
{
    release_connecting(ws);
    acurast__ws_ended(ws);
}

/* Whatever comes next comes in a later turn: not within a call of the owner's, nor of libwebsockets'. */
static void step_later(acurast__connecting *c)
{
    if (c->stepping)
        return;
    c->stepping = true;
    acurast__loop_post(c->ws->loop, &c->step);
}

static void fail_with(acurast__ws *ws, acurast_status status, const char *reason)
{
    ws->status = status;
    acurast__ws_set_reason(ws, reason, strlen(reason));
}

/* ---- attempts ---- */

static void stop_asking(acurast__connecting *c)
{
    acurast__stream_close(&c->ws->stream);
    acurast__stream_init(&c->ws->stream);
    acurast__free(c->head);
    c->head = NULL;
    c->head_size = c->head_done = 0;
    c->asking = c->sent = false;
}

static void try_next(acurast__connecting *c);

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

static struct lws *attempt(acurast__connecting *c)
{
    char address[ACURAST__ADDRESS_TEXT_SIZE], host[HOST_MAX + 16];
    acurast__address_format(&c->addresses[c->next++], address);
    host_header(c, host);
    struct lws_client_connect_info info = {
        .context = c->ws->loop->lws,
        .vhost = c->ws->vhost,
        .address = address,
        .port = c->port,
        .path = c->path,
        .host = host,
        .pwsi = &c->wsi,
        .opaque_user_data = c->ws,
        .local_protocol_name = ACURAST__PROTOCOL_NAME,
        .retry_and_idle_policy = &acurast__no_lws_policy,
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .alpn = "http/1.1",
    };
    if (c->tls)
        info.ssl_connection |= LCCSCF_USE_SSL;
    /* libwebsockets cuts a literal IPv6 address at its first colon; on_established() checks the certificate instead. */
    if (c->tls && strchr(c->host, ':'))
        info.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    return lws_client_connect_via_info(&info);
}

static void try_next(acurast__connecting *c)
{
    while (c->next < c->count) {
        c->attempt_over = c->timed_out = false;
        acurast__loop_timer_start(c->ws->loop, &c->timer, c->timeout_ms);
        c->in_attempt = true;
        struct lws *wsi = attempt(c);
        c->in_attempt = false;
        if (c->asking || (wsi && !c->attempt_over))
            return;
        c->wsi = NULL;
        if (!c->attempt_over)
            fail_with(c->ws, ACURAST_CONNECT, "the service could not be reached");
    }
    give_up(c->ws);
}

/* A first time-out ends the attempt the polite way; if libwebsockets keeps silent about that, a second one forgets it. */
static void on_timeout(acurast__timer *timer)
{
    acurast__connecting *c = ACURAST__CONTAINER(timer, acurast__connecting, timer);
    if (c->wsi && !c->timed_out) {
        c->timed_out = true;
        acurast__loop_reap_lws(c->ws->loop, &c->reap, c->wsi);
        acurast__loop_timer_start(c->ws->loop, &c->timer, 1000);
        return;
    }
    if (c->wsi)
        lws_set_opaque_user_data(c->wsi, NULL);
    acurast__list_remove(&c->reap.reap.link);
    c->wsi = NULL;
    stop_asking(c);
    fail_with(c->ws, ACURAST_TIMEOUT, c->resolving ? "the host name was not resolved in time" : "no answer in time");
    step_later(c);
}

/* ---- resolution ---- */

static void resolve(acurast__job *job)
{
    acurast__connecting *c = ACURAST__CONTAINER(job, acurast__connecting, job);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    c->resolve_error = getaddrinfo(c->host, NULL, &hints, &list);
    for (struct addrinfo *at = list; at && c->count < MOST_ADDRESSES; at = at->ai_next) {
        char text[ACURAST__ADDRESS_TEXT_SIZE];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
            acurast__address_parse(&c->addresses[c->count], text))
            c->count++;
    }
    if (list)
        freeaddrinfo(list);
}

static void on_resolved(acurast__job *job)
{
    acurast__connecting *c = ACURAST__CONTAINER(job, acurast__connecting, job);
    c->resolving = false;
    if (!c->ws) {
        free_connecting(c);
        return;
    }
    if (!c->count)
        fail_with(c->ws, ACURAST_RESOLVE, c->resolve_error ? gai_strerror(c->resolve_error) : "no address");
    step_later(c);
}

static void begin(acurast__connecting *c)
{
    acurast__ws *ws = c->ws;
    c->begun = true;
    ws->vhost = acurast__tls_vhost(ws->loop, c->tls);
    if (!ws->vhost) {
        fail_with(ws, ACURAST_NO_MEMORY, "out of memory");
        give_up(ws);
    } else if (acurast__address_parse(&c->addresses[0], c->host)) {
        c->count = 1;
        try_next(c);
    } else {
        c->resolving = true;
        c->job.work = resolve;
        c->job.done = on_resolved;
        acurast__loop_timer_start(ws->loop, &c->timer, c->timeout_ms);
        acurast__worker_submit(ws->loop, &c->job);
    }
}

static void on_step(acurast__task *task)
{
    acurast__connecting *c = ACURAST__CONTAINER(task, acurast__connecting, step);
    c->stepping = false;
    acurast__loop_timer_stop(c->ws->loop, &c->timer);
    if (c->cancelled || c->resolving) /* by the owner, or since the name took too long */
        give_up(c->ws);
    else if (!c->begun)
        begin(c);
    else
        try_next(c);
}

/* ---- what libwebsockets tells ---- */

/* libwebsockets tells the kind of failure in words only. */
static acurast_status failure_status(const acurast__connecting *c, const char *text)
{
    if (c->timed_out)
        return ACURAST_TIMEOUT;
    if (c->tls && (strstr(text, "SSL") || strstr(text, "ssl") || strstr(text, "tls") || strstr(text, "cert")))
        return ACURAST_TLS;
    return ACURAST_CONNECT;
}

static int on_error(acurast__ws *ws, const char *text, size_t size)
{
    acurast__connecting *c = ws->connecting;
    if (c->attempt_over)
        return 0;
    char reason[124];
    snprintf(reason, sizeof reason, "%.*s", (int)(size < sizeof reason ? size : sizeof reason - 1), text ? text : "");
    c->attempt_over = true;
    fail_with(ws, failure_status(c, reason), c->timed_out ? "no answer in time" : reason);
    acurast__list_remove(&c->reap.reap.link);
    if (!c->in_attempt) {
        c->wsi = NULL;
        step_later(c);
    }
    return 0;
}

static bool certificate_fits(struct lws *wsi, const acurast__connecting *c)
{
    SSL *ssl = lws_get_ssl(wsi);
    X509 *certificate = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    bool fits = certificate && X509_check_ip_asc(certificate, c->host, 0) == 1;
    X509_free(certificate);
    return fits;
}

/* ---- the upgrade ---- */

/* The attempt has failed at our hands. Within libwebsockets' connect its caller goes on, who may be done with `c` before a step comes. */
static void refuse(acurast__connecting *c, acurast_status status, const char *reason)
{
    stop_asking(c);
    c->attempt_over = true;
    fail_with(c->ws, status, reason);
    if (!c->in_attempt)
        step_later(c);
}

static bool write_request(acurast__connecting *c)
{
    static const char form[] = "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n";
    char host[HOST_MAX + 16];
    host_header(c, host);
    acurast__upgrade_key(c->key);
    size_t most = sizeof form + strlen(c->path) + strlen(host) + sizeof c->key;
    c->head = acurast__alloc(most);
    if (!c->head)
        return false;
    c->head_size = (size_t)snprintf(c->head, most, form, c->path, host, c->key);
    return true;
}

/* Sends what is left of the request. False where the connection is broken. */
static bool send_request(acurast__connecting *c)
{
    bool good = acurast__stream_send_rest(&c->ws->stream, c->head, c->head_size, &c->head_done);
    if (good && c->head_done == c->head_size) {
        acurast__free(c->head);
        c->head = NULL;
        c->head_size = c->head_done = 0;
        c->sent = true;
    }
    return good;
}

static void go_on_asking(acurast__connecting *c)
{
    if (!c->sent && !send_request(c))
        refuse(c, ACURAST_UPGRADE, "the service hung up");
    else
        acurast__stream_wait(&c->ws->stream, c->sent, c->ws->stream.full);
}

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

static void keep_answer(acurast__connecting *c, const char *bytes, size_t size)
{
    acurast__free(c->head);
    c->head = acurast__copy(bytes, size);
    c->head_size = c->head ? size : 0;
    if (!c->head)
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
    else if (c->ws->stream.ended)
        refuse(c, ACURAST_UPGRADE, "the service hung up");
}

static void on_answer(acurast__connecting *c, char *bytes, size_t size)
{
    acurast__response_head head;
    char proof[ACURAST__UPGRADE_PROOF_SIZE], reason[64];
    acurast__response_progress progress = acurast__response_read(&head, bytes, size);
    if (progress == ACURAST__RESPONSE_MORE) {
        keep_answer(c, bytes, size);
        return;
    }
    bool proven = acurast__upgrade_proof(c->key, proof);
    if (progress == ACURAST__RESPONSE_WRONG) {
        refuse(c, ACURAST_UPGRADE, "the service does not speak HTTP/1.1");
    } else if (head.status != 101) {
        snprintf(reason, sizeof reason, "the service answered with HTTP %u", head.status);
        refuse(c, ACURAST_UPGRADE, reason);
    } else if (!head.upgrades || head.negotiates || !head.accept || !proven || strcmp(head.accept, proof) != 0) {
        refuse(c, ACURAST_UPGRADE, "the service's answer is no upgrade to a websocket");
    } else {
        open_websocket(c, (uint8_t *)bytes + head.size, size - head.size);
    }
}

/* What has come before stands before what comes now, in the loop's buffer. */
static void read_answer(acurast__connecting *c, ssize_t got, uint8_t *bytes)
{
    if (got > 0) {
        size_t before = c->sent ? c->head_size : 0;
        if (before)
            memcpy(bytes - before, c->head, before);
        on_answer(c, (char *)bytes - before, before + (size_t)got);
    } else if (got == 0) {
        refuse(c, ACURAST_UPGRADE, "the service hung up");
    }
}

static void on_asked(acurast__stream *stream, bool readable, bool writable)
{
    acurast__connecting *c = ACURAST__CONTAINER(stream, acurast__ws, stream)->connecting;
    uint8_t *bytes;
    (void)writable;
    if (!readable || !c->sent) {
        go_on_asking(c);
        return;
    }
    ssize_t got = acurast__stream_receive(stream, NULL, &bytes);
    read_answer(c, got, bytes);
}

static void ask(acurast__connecting *c)
{
    if (write_request(c))
        go_on_asking(c);
    else
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
}

/* The connection is there: it is taken over. -1, for libwebsockets. */
static int on_connected(acurast__ws *ws, struct lws *wsi)
{
    acurast__connecting *c = ws->connecting;
    bool fits = !c->tls || !strchr(c->host, ':') || certificate_fits(wsi, c);
    c->asking = fits && !c->timed_out && acurast__take(&ws->stream, ws->loop, wsi, on_asked);
    acurast__list_remove(&c->reap.reap.link);
    c->wsi = NULL;
    if (c->asking) {
        acurast__socket_quiet(ws->stream.socket);
        ask(c);
        return -1;
    }
    lws_set_opaque_user_data(wsi, NULL);
    if (c->timed_out)
        refuse(c, ACURAST_TIMEOUT, "no answer in time");
    else if (fits)
        refuse(c, ACURAST_NO_MEMORY, "out of memory");
    else
        refuse(c, ACURAST_TLS, "the certificate is not for this address");
    return -1;
}

int acurast__ws_connect_event(acurast__ws *ws, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        acurast__loop_failed(ws->loop, wsi);
        lws_set_opaque_user_data(wsi, NULL);
        return on_error(ws, in, size);
    case LWS_CALLBACK_WSI_DESTROY:
        if (ws->connecting->in_attempt) /* its connect() failed at once, which is told in no other way */
            acurast__loop_failed(ws->loop, wsi);
        return on_error(ws, NULL, 0);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_connected(ws, wsi);
    default:
        return 0;
    }
}

void acurast__ws_connect_cancel(acurast__ws *ws)
{
    acurast__connecting *c = ws->connecting;
    if (c->cancelled)
        return;
    c->cancelled = true;
    atomic_store(&c->job.cancelled, true);
    if (c->wsi && !c->timed_out) {
        c->timed_out = true; /* on_timeout() forgets it if need be */
        acurast__loop_reap_lws(c->ws->loop, &c->reap, c->wsi);
        acurast__loop_timer_start(ws->loop, &c->timer, 1000);
    } else if (!c->wsi) {
        stop_asking(c);
        step_later(c);
    }
}

static acurast__connecting *new_connecting(acurast__ws *ws, const acurast__ws_target *target)
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
    c->port = target->port;
    c->timeout_ms = target->connect_timeout_ms;
    c->step.run = on_step;
    c->stepping = true;
    atomic_init(&c->job.cancelled, false);
    acurast__timer_init(&c->timer, on_timeout);
    acurast__lws_reap_init(&c->reap);
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
    ws->connecting = new_connecting(ws, target);
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
