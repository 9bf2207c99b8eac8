/* What comes to a listener that is no websocket, is none yet, or may not come in. */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void ask(world *w, raw *r, const char *request, char *head, size_t size)
{
    raw_connect(r, w->port, w->options.tls_cert != NULL, 0);
    raw_text(r, request);
    raw_read_head(r, head, size);
}

static void check_answer(world *w, const char *request, const char *status, const char *holds)
{
    raw r;
    char head[2048];
    uint64_t since = acurast__clock_ms();
    ask(w, &r, request, head, sizeof head);
    if (strncmp(head, "HTTP/1.", 7) != 0 || strncmp(head + 9, status, 3) != 0 || (holds && !strstr(head, holds)))
        fail_msg("%s answered by %s", request, head);
    raw_await_end(&r);
    assert_true(acurast__clock_ms() - since < 2000); /* it does not wait for the request's time-out */
    raw_end(&r);
}

static void refusals(const world_options *options)
{
    world w;
    world_open(&w, options);
    check_answer(&w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405", NULL);
    check_answer(&w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "405", NULL);
    check_answer(&w, "DELETE /page HTTP/1.1\r\nHost: x\r\n\r\n", "405", NULL);
    check_answer(&w, "PUT /page HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405", NULL);
    check_answer(&w, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY "Sec-WebSocket-Version: 12\r\n\r\n", "426", "13");
    check_answer(&w, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY "\r\n", "426", NULL);
    check_answer(&w, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION "Sec-WebSocket-Key: short\r\n\r\n", "400", NULL);
    check_answer(&w, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION "\r\n", "400", NULL);
    check_answer(&w, "POST / HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY VERSION "\r\n", "405", NULL);
    check_answer(&w, "GET /refuse HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY VERSION "\r\n", "429", NULL);
    check_answer(&w,
                 "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                 "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
                 "400", NULL);
    assert_int_equal(box_count(&w.upgraded), 0);
    world_close(&w);
}

static void what_is_no_good_request_is_refused_in_words(void **state)
{
    (void)state;
    on_every_port(refusals);
}

/* Answered or hung up: but never a websocket, never a wait, and the next one is served. */
static void nonsense(const world_options *options)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: telnet\r\n\r\n",
        "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "nonsense\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET ../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%00%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x80\x80\x80\x80\xff\xfe",
    };
    world w;
    raw r;
    char head[2048];
    world_options o = *options;
    o.request_timeout_ms = 200;
    world_open(&w, &o);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        raw_connect(&r, w.port, o.tls_cert != NULL, 0);
        raw_text(&r, requests[i]);
        raw_await_end(&r);
        raw_end(&r);
    }
    ask(&w, &r, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n", head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 200", 12);
    raw_end(&r);
    assert_int_equal(box_count(&w.upgraded), 0);
    world_close(&w);
}

static void nonsense_is_survived(void **state)
{
    (void)state;
    on_every_port(nonsense);
}

static void long_headers(const world_options *options)
{
    world w;
    raw r;
    char *request = malloc(100000);
    world_options o = *options;
    o.request_timeout_ms = 500;
    world_open(&w, &o);
    for (int where = 0; where < 3; where++) {
        char filler[60000];
        memset(filler, 'a', sizeof filler);
        filler[sizeof filler - 1] = 0;
        snprintf(request, 100000,
                 where == 0   ? "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
                 : where == 1 ? "GET /page HTTP/1.1\r\nHost: %s\r\n\r\n"
                              : "GET /page HTTP/1.1\r\nHost: x\r\nX-%s: y\r\n\r\n",
                 filler);
        raw_connect(&r, w.port, o.tls_cert != NULL, 0);
        size_t sent = 0, size = strlen(request);
        while (sent < size && !r.ssl) { /* it may be hung up in the middle */
            ssize_t n = send(r.fd, request + sent, size - sent, MSG_NOSIGNAL);
            if (n <= 0)
                break;
            sent += (size_t)n;
        }
        if (!r.ssl)
            raw_await_end(&r);
        raw_end(&r);
    }
    world_close(&w);
    free(request);
}

static void headers_without_end_are_survived(void **state)
{
    (void)state;
    on_every_port(long_headers);
}

/* ---- pages ---- */

static void pages(const world_options *options)
{
    world w;
    raw r;
    char head[2048], body[6];
    world_open(&w, options);
    ask(&w, &r, "GET /page?with=query HTTP/1.1\r\nHost: x\r\n\r\n", head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 200", 12);
    assert_non_null(strstr(head, "content-length: 6\r\n"));
    assert_non_null(strstr(head, "connection: close\r\n"));
    raw_read(&r, body, sizeof body);
    assert_memory_equal(body, "hello\n", 6);
    assert_int_equal(raw_read_some(&r, body, 1), 0);
    raw_end(&r);
    ask(&w, &r, "HEAD /page HTTP/1.1\r\nHost: x\r\n\r\n", head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 200", 12);
    assert_non_null(strstr(head, "content-length: 6\r\n"));
    assert_int_equal(raw_read_some(&r, body, 1), 0);
    raw_end(&r);
    check_answer(&w, "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", "404", NULL);
    check_answer(&w, "GET /page HTTP/1.0\r\n\r\n", "200", NULL);
    world_close(&w);
}

static void pages_are_served_whole_and_then_it_ends(void **state)
{
    (void)state;
    on_every_port(pages);
}

static void large_page(const world_options *options)
{
    enum {
        SIZE = 3 << 20
    };
    world w;
    raw r;
    char head[2048];
    uint8_t *body = malloc(SIZE), *expected = malloc(SIZE);
    fill_pattern(expected, SIZE, 1);
    world_open(&w, options);
    raw_connect(&r, w.port, options->tls_cert != NULL, 4096);
    raw_text(&r, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_read_head(&r, head, sizeof head);
    raw_read(&r, body, SIZE);
    assert_memory_equal(body, expected, SIZE);
    assert_int_equal(raw_read_some(&r, body, 1), 0);
    raw_end(&r);
    world_close(&w);
    free(body);
    free(expected);
}

static void a_large_page_reaches_a_slow_reader(void **state)
{
    (void)state;
    on_every_port(large_page);
}

/* ---- slow and many ---- */

static void slow_request(const world_options *options)
{
    world w;
    raw r[3];
    world_options o = *options;
    o.request_timeout_ms = 150;
    world_open(&w, &o);
    uint64_t since = acurast__clock_ms();
    for (int i = 0; i < 3; i++)
        raw_connect(&r[i], w.port, o.tls_cert != NULL, 0);
    raw_text(&r[1], "GET / HT");
    raw_text(&r[2], "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE);
    for (int i = 0; i < 3; i++) {
        raw_await_end(&r[i]);
        raw_end(&r[i]);
    }
    uint64_t took = acurast__clock_ms() - since;
    assert_true(took >= 150 && took < 3000);
    box_await(&w.left, 3);
    world_close(&w);
}

static void a_slow_request_is_cut_off(void **state)
{
    (void)state;
    on_every_port(slow_request);
}

static void not_admitted(const world_options *options)
{
    world w;
    client c;
    raw r;
    char head[512];
    world_options o = *options;
    o.most = 1;
    world_open(&w, &o);
    client_open(&c, &w);
    raw_connect(&r, w.port, false, 0);
    raw_read_head(&r, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 503", 12);
    raw_await_end(&r);
    raw_end(&r);
    assert_int_equal(world_admitted(&w), 1);
    client_end(&c);
    box_await(&w.left, 1);
    client_open(&c, &w);
    client_end(&c);
    world_close(&w);
}

static void settle(void *argument)
{
    acurast__listener_settle(((side *)argument)->ws);
}

/* One that only connected and one with half a request go, in this order; a websocket that has settled stays. */
static void oldest_makes_room(const world_options *options)
{
    world w;
    client c;
    raw idle, half, newcomers[2];
    char head[512];
    world_options o = *options;
    o.most = 3;
    o.evict = true;
    world_open(&w, &o);
    client_open(&c, &w);
    world_run(world_side(&w, 0)->loop, settle, world_side(&w, 0));
    raw_connect(&idle, w.port, false, 0);
    raw_connect(&half, w.port, false, 0);
    raw_text(&half, "GET / HTTP/1.1\r\n");
    raw_connect(&newcomers[0], w.port, false, 0);
    raw_await_end(&idle);
    raw_connect(&newcomers[1], w.port, false, 0);
    raw_await_end(&half);
    raw_text(&newcomers[1], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    raw_read_head(&newcomers[1], head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 404", 12);
    side_send(&c.side, "a", 1);
    box_await(&c.side.message, 1);
    raw_end(&idle);
    raw_end(&half);
    raw_end(&newcomers[0]);
    raw_end(&newcomers[1]);
    client_end(&c);
    world_close(&w);
}

static void the_oldest_that_has_not_settled_makes_room(void **state)
{
    (void)state;
    oldest_makes_room(&(world_options){0});
}

static void who_is_not_admitted_is_told_so(void **state)
{
    (void)state;
    not_admitted(&(world_options){0});
}

static double processor_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Not even the spare one can be had again: the peer waits, the loop does not spin, and the peer gets in afterwards. */
static void no_spare_descriptor(const world_options *options)
{
    world w;
    struct rlimit before;
    const struct timespec window = {.tv_nsec = 500000000};
    char head[512];
    int taken[16] = {dup(0)}; /* all numbers below the limit to come, which is enough for poll() to work */
    size_t count = 1;
    while (taken[count - 1] < (int)ARRAY_SIZE(taken))
        taken[count++] = dup(0);
    world_open(&w, options);
    raw r = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(w.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = {.rlim_cur = ARRAY_SIZE(taken), .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    assert_int_equal(connect(r.fd, (const struct sockaddr *)&to, sizeof to), 0);
    double used = processor_seconds();
    nanosleep(&window, NULL);
    used = processor_seconds() - used;
    setrlimit(RLIMIT_NOFILE, &before);
    if (used > 0.1)
        fail_msg("%.3f s of processor time in half a second of waiting", used);
    raw_text(&r, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_read_head(&r, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 200", 12);
    raw_end(&r);
    world_close(&w);
    while (count--)
        close(taken[count]);
}

static void without_a_spare_descriptor_it_waits(void **state)
{
    (void)state;
    no_spare_descriptor(&(world_options){0});
}

/* No descriptor is left: the peer is told, the loop does not spin, and all is well afterwards. */
static void no_descriptors(const world_options *options)
{
    world w;
    raw r;
    client c;
    char head[512];
    struct rlimit before;
    int taken[4096];
    size_t count = 0;
    world_open(&w, options);
    client_open(&c, &w);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit few = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    while (count < ARRAY_SIZE(taken) && (taken[count] = dup(0)) >= 0)
        count++;
    close(fd);
    raw_connect(&r, w.port, false, 0);
    raw_read_head(&r, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 503", 12);
    raw_end(&r);
    side_send(&c.side, "hello", 5); /* who is in stays in */
    box_await(&c.side.message, 1);
    setrlimit(RLIMIT_NOFILE, &before);
    while (count--)
        close(taken[count]);
    client_end(&c);
    client_open(&c, &w);
    client_end(&c);
    world_close(&w);
}

static void without_descriptors_peers_are_told(void **state)
{
    (void)state;
    no_descriptors(&(world_options){0});
}

/* ---- opening and closing ---- */

static void addresses(void **state)
{
    static const acurast__listener_handlers none;
    const struct {
        const char *address;
        acurast_status status;
    } cases[] = {{"nonsense", ACURAST_INVALID},
                 {"", ACURAST_INVALID},
                 {"127.0.0.1:80", ACURAST_INVALID},
                 {"192.0.2.1", ACURAST_INVALID}, /* of no machine */
                 {"[::1", ACURAST_INVALID}};
    char detail[256];
    acurast__loop *loop = NULL;
    void *shard = NULL;
    acurast__listener *listener = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        acurast__listener_config config = {.address = cases[i].address, .handlers = &none};
        assert_int_equal(acurast__listener_open(&loop, &shard, 1, &config, &listener, detail, sizeof detail),
                         cases[i].status);
        assert_non_null(strstr(detail, cases[i].address));
    }
}

static void in_use(const world_options *options)
{
    world w;
    char detail[256];
    world_options o = *options;
    acurast__listener *other = NULL;
    o.loops = 2;
    world_open(&w, &o);
    void *shards[] = {&w, &w};
    acurast__listener_config config = {.address = "127.0.0.1", .port = w.port};
    for (size_t count = 1; count <= 2; count++)
        assert_int_equal(acurast__listener_open(w.loops, shards, count, &config, &other, detail, sizeof detail),
                         ACURAST_ADDRESS_IN_USE);
    assert_null(other);
    world_close(&w);
}

static void a_port_in_use_is_not_shared(void **state)
{
    (void)state;
    in_use(&(world_options){0});
}

static void spread(const world_options *options)
{
    enum {
        COUNT = 40
    };
    static client clients[COUNT];
    world w;
    world_options o = *options;
    unsigned on_first = 0;
    o.loops = 2;
    world_open(&w, &o);
    for (unsigned i = 0; i < COUNT; i++)
        client_open(&clients[i], &w);
    for (unsigned i = 0; i < COUNT; i++)
        on_first += world_side(&w, i)->loop == w.loops[0];
    assert_true(on_first > 0 && on_first < COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        client_end(&clients[i]);
    world_close(&w);
}

static void connections_spread_over_the_loops(void **state)
{
    (void)state;
    spread(&(world_options){0});
}

/* The listener is closed: websockets stay, whoever is none is cut off, nobody comes in. */
static void closing(const world_options *options)
{
    world w;
    client c;
    raw idle;
    world_open(&w, options);
    client_open(&c, &w);
    raw_connect(&idle, w.port, false, 0);
    raw_text(&idle, "GET / HT");
    uint64_t until = acurast__clock_ms() + 10000;
    while (world_admitted(&w) < 2 && acurast__clock_ms() < until)
        world_memory(&w);
    world_stop_listening(&w);
    raw_await_end(&idle);
    raw_end(&idle);
    box_await(&w.left, 1);
    side_send(&c.side, "still here", 10);
    box_await(&c.side.message, 1);
    client_end(&c);
    box_await(&w.left, 2);
    world_close(&w);
}

static void a_closed_listener_leaves_the_websockets(void **state)
{
    (void)state;
    closing(&(world_options){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_good_request_is_refused_in_words),
        cmocka_unit_test(nonsense_is_survived),
        cmocka_unit_test(headers_without_end_are_survived),
        cmocka_unit_test(pages_are_served_whole_and_then_it_ends),
        cmocka_unit_test(a_large_page_reaches_a_slow_reader),
        cmocka_unit_test(a_slow_request_is_cut_off),
        cmocka_unit_test(who_is_not_admitted_is_told_so),
        cmocka_unit_test(the_oldest_that_has_not_settled_makes_room),
        cmocka_unit_test(without_descriptors_peers_are_told),
        cmocka_unit_test(without_a_spare_descriptor_it_waits),
        cmocka_unit_test(addresses),
        cmocka_unit_test(a_port_in_use_is_not_shared),
        cmocka_unit_test(connections_spread_over_the_loops),
        cmocka_unit_test(a_closed_listener_leaves_the_websockets),
    };
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
