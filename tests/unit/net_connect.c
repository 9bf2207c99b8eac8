/* A client's way to an open websocket, and how it fails: each failure has its status, comes once, and in time. */
#ifdef __linux__
#define _GNU_SOURCE /* pthread_setattr_default_np */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void check_failure(client *c, acurast_status status)
{
    box_await(&c->side.closed, 1);
    if (c->side.status != status)
        fail_msg("%s: %s", acurast_status_text(c->side.status), c->side.reason);
    assert_int_equal(box_count(&c->side.open), 0);
    assert_string_not_equal(c->side.reason, "");
}

static void failures(const world_options *options)
{
    world w;
    client refused, absent, unknown, literal;
    world_open(&w, options);
    client_init(&refused, &w);
    refused.target.path = "/refuse";
    client_connect(&refused);
    check_failure(&refused, ACURAST_UPGRADE);
    client_init(&absent, &w);
    absent.target.port = 1;
    client_connect(&absent);
    check_failure(&absent, ACURAST_CONNECT);
    client_init(&literal, &w);
    literal.target.port = 1;
    literal.target.host = "::1";
    client_connect(&literal);
    check_failure(&literal, ACURAST_CONNECT);
    client_init(&unknown, &w);
    unknown.target.host = "nobody.invalid";
    client_connect(&unknown);
    check_failure(&unknown, ACURAST_RESOLVE);
    world_close(&w);
}

static void failures_have_their_status(void **state)
{
    (void)state;
    failures(&(world_options){0});
}

/* localhost is ::1 as well on most systems, where nobody listens: the next address is tried. */
static void several_addresses(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_init(&c, &w);
    c.target.host = "localhost";
    client_connect(&c);
    box_await(&c.side.open, 1);
    client_end(&c);
    world_close(&w);
}

static void the_addresses_of_a_name_are_tried_in_turn(void **state)
{
    (void)state;
    several_addresses(&(world_options){0});
}

/* ---- silence ---- */

static void silent(const world_options *options)
{
    world w;
    client c;
    raw r;
    uint16_t port;
    int listener = raw_listen(&port);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    c.target.connect_timeout_ms = 100;
    uint64_t since = acurast__clock_ms();
    client_connect(&c);
    raw_accept(&r, listener, NULL, NULL);
    check_failure(&c, ACURAST_TIMEOUT);
    uint64_t took = acurast__clock_ms() - since;
    assert_true(took >= 100 && took < 1000);
    raw_await_end(&r);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void a_silent_service_times_out(void **state)
{
    (void)state;
    silent(&(world_options){0});
}

static void silent_tls(const world_options *options)
{
    world w;
    client c;
    uint16_t port;
    const char *detail;
    acurast__tls *tls;
    int listener = raw_listen(&port);
    world_open(&w, options);
    assert_int_equal(acurast__tls_client(NULL, NULL, &tls, &detail), ACURAST_OK);
    client_init(&c, &w);
    c.target.port = port;
    c.target.tls = tls;
    c.target.connect_timeout_ms = 100;
    uint64_t since = acurast__clock_ms();
    client_connect(&c);
    check_failure(&c, ACURAST_TIMEOUT);
    assert_true(acurast__clock_ms() - since < 1000);
    acurast__tls_release(tls);
    world_close(&w);
    close(listener);
}

static void a_service_that_is_silent_in_tls_times_out(void **state)
{
    (void)state;
    silent_tls(&(world_options){0});
}

/* The queue of a listener that is full drops the first packet: TCP itself does not come to an end. */
static void no_tcp(const world_options *options)
{
    world w;
    client c;
    uint16_t port;
    raw fill;
    int listener = raw_listen(&port);
    listen(listener, 0);
    raw_connect(&fill, port, false, 0);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    c.target.connect_timeout_ms = 100;
    uint64_t since = acurast__clock_ms();
    client_connect(&c);
    check_failure(&c, ACURAST_TIMEOUT);
    assert_true(acurast__clock_ms() - since < 1000);
    world_close(&w);
    raw_end(&fill);
    close(listener);
}

static void a_connect_that_hangs_times_out(void **state)
{
    (void)state;
    no_tcp(&(world_options){0});
}

/* ---- giving up ---- */

typedef enum stage {
    IMMEDIATELY,
    RESOLVING,
    CONNECTED,
    STAGES
} stage;

static void give_up_at(const world_options *options, stage at, bool abort)
{
    world w;
    client c;
    raw r;
    uint16_t port;
    int listener = raw_listen(&port);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    if (at == RESOLVING)
        c.target.host = "nobody.invalid";
    client_connect(&c);
    if (at == CONNECTED)
        raw_accept(&r, listener, NULL, NULL);
    uint64_t since = acurast__clock_ms();
    if (abort)
        side_abort(&c.side);
    else
        side_close(&c.side, 1000, "changed my mind");
    box_await(&c.side.closed, 1);
    assert_true(acurast__clock_ms() - since < 900); /* not by the second timer */
    assert_int_equal(box_count(&c.side.open), 0);
    if (at == CONNECTED) {
        raw_await_end(&r);
        raw_end(&r);
    }
    world_close(&w);
    close(listener);
}

static void giving_up(const world_options *options)
{
    for (stage at = IMMEDIATELY; at < STAGES; at++) {
        give_up_at(options, at, false);
        give_up_at(options, at, true);
    }
}

static void an_attempt_can_be_given_up_at_any_time(void **state)
{
    (void)state;
    giving_up(&(world_options){0});
}

static void connect_and_close(void *argument)
{
    client *c = argument;
    acurast__ws_close(c->side.ws, 1000, "");
    acurast__ws_abort(c->side.ws);
    acurast__ws_close(c->side.ws, 1000, "");
    assert_int_equal(box_count(&c->side.closed), 0); /* never within the call */
}

static void at_once(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    client_init(&c, &w);
    client_connect(&c);
    world_run(c.side.loop, connect_and_close, &c);
    box_await(&c.side.closed, 1);
    world_close(&w);
}

static void closing_at_once_is_told_later(void **state)
{
    (void)state;
    at_once(&(world_options){0});
}

static void giving_up_in_tls(const world_options *options)
{
    world w;
    client c;
    raw r;
    uint16_t port;
    const char *detail;
    char hello[16];
    acurast__tls *tls;
    int listener = raw_listen(&port);
    world_open(&w, options);
    assert_int_equal(acurast__tls_client(NULL, NULL, &tls, &detail), ACURAST_OK);
    client_init(&c, &w);
    c.target.port = port;
    c.target.tls = tls;
    client_connect(&c);
    acurast__tls_release(tls); /* the attempt holds it */
    raw_accept(&r, listener, NULL, NULL);
    raw_read(&r, hello, sizeof hello);
    uint64_t since = acurast__clock_ms();
    side_close(&c.side, 1000, "");
    box_await(&c.side.closed, 1);
    assert_true(acurast__clock_ms() - since < 900);
    raw_await_end(&r);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void an_attempt_can_be_given_up_in_the_tls_handshake(void **state)
{
    (void)state;
    giving_up_in_tls(&(world_options){0});
}

/* ---- answers ---- */

static void answered_with(const world_options *options, const char *answer, acurast_status status)
{
    world w;
    client c;
    raw r;
    uint16_t port;
    char request[2048];
    int listener = raw_listen(&port);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    c.target.path = "/some/path?and=query";
    c.target.connect_timeout_ms = 5000;
    client_connect(&c);
    raw_accept(&r, listener, NULL, NULL);
    raw_read_head(&r, request, sizeof request);
    assert_memory_equal(request, "GET /some/path?and=query HTTP/1.1\r\n", 35);
    assert_null(strstr(request, "Sec-WebSocket-Protocol"));
    assert_null(strstr(request, "Sec-WebSocket-Extensions"));
    char host[64];
    snprintf(host, sizeof host, "Host: 127.0.0.1:%u\r\n", port);
    assert_non_null(strstr(request, host));
    raw_text(&r, answer);
    if (!*answer)
        shutdown(r.fd, SHUT_RDWR);
    check_failure(&c, status);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void answers(const world_options *options)
{
    static const char *const bad[] = {
        "", /* hangs up */
        "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.0 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        answered_with(options, bad[i], ACURAST_UPGRADE);
}

static void whatever_is_no_upgrade_fails_and_no_redirect_is_followed(void **state)
{
    (void)state;
    answers(&(world_options){0});
}

/* ---- a service that speaks at once ---- */

#define LARGE 60000u

/* Two frames in one write with the answer: the second is large, so that some of it comes later. */
static void at_once_with(const world_options *options, const leaf *as)
{
    static uint8_t behind[9 + LARGE] = {RAW_FIN | RAW_BINARY,  3,          'y', 'e', 's', RAW_FIN | RAW_BINARY, 126,
                                        (uint8_t)(LARGE >> 8), LARGE & 255};
    acurast__tls *tls = NULL;
    const char *detail;
    world w;
    client c;
    raw r;
    uint16_t port;
    int listener = raw_listen(&port);
    fill_pattern(behind + 9, LARGE, 7);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    if (as)
        assert_int_equal(acurast__tls_client(world_authority.file, NULL, &tls, &detail), ACURAST_OK);
    c.target.tls = tls;
    client_connect(&c);
    raw_accept(&r, listener, as ? as->cert : NULL, as ? as->key : NULL);
    raw_serve_with(&r, behind, sizeof behind);
    box_await(&c.side.message, 2);
    assert_int_equal(c.side.size, LARGE);
    assert_memory_equal(c.side.bytes, behind + 9, LARGE);
    side_send(&c.side, "and yours?", 10);
    raw_frame frame;
    assert_true(raw_receive(&r, &frame));
    assert_int_equal(frame.size, 10);
    free(frame.bytes);
    side_abort(&c.side);
    box_await(&c.side.closed, 1);
    free(c.side.bytes);
    raw_end(&r);
    acurast__tls_release(tls);
    world_close(&w);
    close(listener);
}

static void quick_services(const world_options *options)
{
    at_once_with(options, NULL);
    at_once_with(options, &world_certificate);
}

static void nothing_is_lost_of_what_comes_with_the_answer(void **state)
{
    (void)state;
    quick_services(&(world_options){0});
}

/* ---- an owner that acts as it opens, with messages behind the answer ---- */

static void abort_here(side *s)
{
    acurast__ws_abort(s->ws);
}

static void close_here(side *s)
{
    acurast__ws_close(s->ws, 4001, "");
}

static void pause_here(side *s)
{
    acurast__ws_pause(s->ws);
}

static void act_at_once(void (*act)(side *s), const acurast__tls *tls)
{
    static const uint8_t behind[] = {RAW_FIN | RAW_BINARY, 3, 'y', 'e', 's', RAW_FIN | RAW_CLOSE, 2, 3, 232};
    world w;
    client c;
    raw r;
    uint16_t port;
    int listener = raw_listen(&port);
    world_open(&w, &(world_options){0});
    client_init(&c, &w);
    c.target.port = port;
    c.target.tls = tls;
    c.side.on_open = act;
    client_connect(&c);
    raw_accept(&r, listener, tls ? world_certificate.cert : NULL, world_certificate.key);
    raw_serve_with(&r, behind, sizeof behind);
    box_await(&c.side.open, 1);
    assert_int_equal(box_count(&c.side.message), 0);
    if (act == pause_here)
        side_resume(&c.side);
    box_await(&c.side.closed, 1);
    assert_int_equal(box_count(&c.side.message), act == pause_here);
    free(c.side.bytes);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void an_owner_may_act_as_it_opens(void **state)
{
    static void (*const acts[])(side * s) = {abort_here, close_here, pause_here};
    const char *detail;
    acurast__tls *tls;
    (void)state;
    assert_int_equal(acurast__tls_client(world_authority.file, NULL, &tls, &detail), ACURAST_OK);
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        act_at_once(acts[i], NULL);
        act_at_once(acts[i], tls);
    }
    acurast__tls_release(tls);
}

/* ---- an answer in pieces ---- */

static void in_pieces(const world_options *options)
{
    world w;
    client c;
    raw r;
    uint16_t port;
    int listener = raw_listen(&port);
    world_open(&w, options);
    client_init(&c, &w);
    c.target.port = port;
    client_connect(&c);
    raw_accept(&r, listener, NULL, NULL);
    raw_serve_sliced(&r);
    box_await(&c.side.open, 1);
    side_abort(&c.side);
    box_await(&c.side.closed, 1);
    raw_end(&r);
    world_close(&w);
    close(listener);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    (void)state;
    in_pieces(&(world_options){0});
}

/* ---- many names at once: more than there are workers ---- */

static void many_names(const world_options *options)
{
    enum {
        COUNT = 20
    };
    static client clients[COUNT];
    world w;
    world_open(&w, options);
    for (unsigned i = 0; i < COUNT; i++) {
        client_init(&clients[i], &w);
        clients[i].target.host = i % 2 ? "localhost" : "nobody.invalid";
        client_connect(&clients[i]);
        if (i % 5 == 0)
            side_abort(&clients[i].side);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 2 && i % 5)
            box_await(&clients[i].side.open, 1);
        client_end(&clients[i]);
    }
    world_close(&w);
}

static void more_names_than_workers_are_resolved(void **state)
{
    (void)state;
    many_names(&(world_options){0});
}

/* ---- what a lookup needs ---- */

#ifdef __GLIBC__ /* others have no such default, and say otherwise what getaddrinfo() lacks */

/* A stack larger than what can be addressed is as good as no thread. */
static void allow_threads(bool allowed)
{
    static pthread_attr_t usual;
    pthread_attr_t huge;
    if (!allowed) {
        assert_int_equal(pthread_getattr_default_np(&usual), 0);
        assert_int_equal(pthread_attr_init(&huge), 0);
        assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    }
    assert_int_equal(pthread_setattr_default_np(allowed ? &usual : &huge), 0);
}

static void allow_descriptors(bool allowed)
{
    static struct rlimit usual;
    struct rlimit limit;
    if (!allowed) {
        int next = dup(STDERR_FILENO);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
        limit = (struct rlimit){(rlim_t)next, usual.rlim_max};
        close(next);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, allowed ? &usual : &limit), 0);
}

static void look_up_without(void (*allow)(bool allowed), const char *words)
{
    world w;
    client c;
    world_open(&w, &(world_options){0});
    client_init(&c, &w);
    c.target.host = "localhost";
    allow(false);
    client_connect(&c);
    box_await(&c.side.closed, 1);
    allow(true);
    assert_int_equal(c.side.status, ACURAST_RESOLVE);
    if (!strstr(c.side.reason, words))
        fail_msg("'%s', not '%s'", c.side.reason, words);
    world_close(&w);
}

static void a_lookup_says_what_it_lacks(void **state)
{
    (void)state;
    look_up_without(allow_threads, "no thread is left to look it up");
    look_up_without(allow_descriptors, "too many open files");
}

#else

static void a_lookup_says_what_it_lacks(void **state)
{
    (void)state;
    print_message("not tried without glibc\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_have_their_status),
        cmocka_unit_test(the_addresses_of_a_name_are_tried_in_turn),
        cmocka_unit_test(a_silent_service_times_out),
        cmocka_unit_test(a_service_that_is_silent_in_tls_times_out),
        cmocka_unit_test(a_connect_that_hangs_times_out),
        cmocka_unit_test(an_attempt_can_be_given_up_at_any_time),
        cmocka_unit_test(closing_at_once_is_told_later),
        cmocka_unit_test(an_attempt_can_be_given_up_in_the_tls_handshake),
        cmocka_unit_test(nothing_is_lost_of_what_comes_with_the_answer),
        cmocka_unit_test(an_owner_may_act_as_it_opens),
        cmocka_unit_test(an_answer_may_come_byte_by_byte),
        cmocka_unit_test(whatever_is_no_upgrade_fails_and_no_redirect_is_followed),
        cmocka_unit_test(more_names_than_workers_are_resolved),
        cmocka_unit_test(a_lookup_says_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
