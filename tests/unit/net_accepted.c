/*
 * What a peer sends behind its first request: nobody looks at it, it never holds up the loop, and the answer still arrives. A
 * service on libwebsockets 4.1.6 searched a buffer for ever for a second request.
 */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define UPGRADE                                                                                                        \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                                       \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

#define LINE " HTTP/1.1\r\nHost: x\r\n" /* what is behind the path, and the header without which all is refused */

/* No turn may take longer. */
#define TURN_MS 100

/* ---- the loop's own time ---- */

static void read_clock(void *argument)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    *(uint64_t *)argument = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The processor time of the loop's thread, in milliseconds; a loop that does not turn fails the test. */
static uint64_t loop_time(world *w)
{
    uint64_t time = 0;
    world_run(w->loops[0], read_clock, &time);
    return time;
}

/* The loop turns, and its turns since `before`, of which the first one may see what was sent, are short, whatever else the machine does. */
static void check_turns(world *w, uint64_t before, const char *after)
{
    for (int turn = 0; turn < 3; turn++) {
        uint64_t now = loop_time(w);
        if (now - before > TURN_MS)
            fail_msg("a turn of %u ms after %s", (unsigned)(now - before), after);
        before = now;
    }
}

/* ---- one answer, whatever follows ---- */

static const char *const behind[] = {
    "GET / HTTP/1.1\nContent-Length:1\n\nxGET / HTTP/1.1\nContent-Length:1\n\n",
    "GET / HTTP/1.1\nContent-Length:1\n\nxGET / HTTP/1.1\nContent-Length:1\n\nxGET / HTTP/1.1\n\n",
    "GET /page HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\n",
    ("GET /page" LINE "Connection: keep-alive\r\nContent-Length: 4\r\n\r\nGET GET /" LINE "\r\n"),
    ("HEAD /page" LINE "Content-Length: 3\r\n\r\nabcHEAD /page" LINE "Content-Length: 3\r\n\r\nabc"),
    ("POST /" LINE "Content-Length: 5\r\n\r\nhelloPOST /" LINE "Content-Length: 5\r\n\r\nhello"),
    ("POST /" LINE "Content-Length: 0\r\n\r\nPOST /" LINE "Content-Length: 0\r\n\r\n"),
    ("POST /" LINE "\r\nPOST /" LINE "\r\n"),
    ("PUT /" LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /" LINE "\r\n"),
    ("DELETE /" LINE "Content-Length: 18446744073709551615\r\n\r\nGET /" LINE "Content-Length: 1\r\n\r\n"),
    ("GET /" LINE "Content-Length: -1\r\n\r\nGET /" LINE "Content-Length: 1\r\n\r\nx"),
    ("GET /refuse" LINE UPGRADE "Content-Length: 1\r\n\r\nxGET /" LINE "Content-Length: 1\r\n\r\n"),
    ("GET /refuse" LINE UPGRADE "\r\nGET /refuse" LINE UPGRADE "\r\n"),
    ("POST /" LINE UPGRADE "Content-Length: 1\r\n\r\nxPOST /" LINE UPGRADE "Content-Length: 1\r\n\r\n"),
    ("GET /" LINE "Upgrade: h2c\r\nContent-Length: 1\r\n\r\nxGET /" LINE "Content-Length: 1\r\n\r\n"),
    ("GET /" LINE "Upgrade: telnet\r\nContent-Length: 1\r\n\r\nxGET /" LINE "Content-Length: 1\r\n\r\n"),
    ("GET relative" LINE "Content-Length: 1\r\n\r\nxGET /" LINE "Content-Length: 1\r\n\r\n"),
    ("CONNECT x:1" LINE "Content-Length: 1\r\n\r\nxGET /" LINE "Content-Length: 1\r\n\r\n"),
};

/* Everything up to the end, as text; returns how many answers are in it. */
static unsigned read_answers(raw *r, char *text, size_t capacity)
{
    size_t size = 0, n;
    while (size + 1 < capacity && (n = raw_read_some(r, text + size, capacity - size - 1)) > 0)
        size += n;
    text[size] = 0;
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.")); at++)
        count++;
    return count;
}

/* In `slices` pieces, each of which the loop has seen before the next one comes. */
static void send_sliced(world *w, raw *r, const char *bytes, size_t slices)
{
    size_t size = strlen(bytes);
    for (size_t i = 0; i < slices; i++) {
        size_t from = size * i / slices, to = size * (i + 1) / slices;
        uint64_t before = loop_time(w);
        if (r->ssl) {
            raw_write(r, bytes + from, to - from);
        } else if (send(r->fd, bytes + from, to - from, MSG_NOSIGNAL) < 0) {
            return; /* answered already, and gone */
        }
        check_turns(w, before, bytes);
    }
}

static void one_answer(const world_options *options)
{
    static const size_t slicings[] = {1, 2, 3, 7};
    static char text[8192];
    world w;
    world_open(&w, options);
    for (size_t i = 0; i < ARRAY_SIZE(behind); i++)
        for (size_t slicing = 0; slicing < (options->tls_cert ? 1 : ARRAY_SIZE(slicings)); slicing++) {
            raw r;
            raw_connect(&r, w.port, options->tls_cert != NULL, 0);
            send_sliced(&w, &r, behind[i], slicings[slicing]);
            if (read_answers(&r, text, sizeof text) != 1)
                fail_msg("%s answered by %s", behind[i], text);
            uint64_t before = loop_time(&w);
            raw_end(&r);
            check_turns(&w, before, behind[i]);
        }
    assert_int_equal(box_count(&w.upgraded), 0);
    box_await(&w.left, world_admitted(&w));
    world_close(&w);
}

static void a_second_request_is_never_looked_at(void **state)
{
    (void)state;
    on_every_port(one_answer);
}

/* ---- the answer arrives ---- */

/* More than is read at once, so that some of it lies in the socket when the answer is written. */
static void unread_body(const world_options *options)
{
    static char request[400000] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n";
    world w;
    raw r;
    char head[2048], rest[64];
    world_open(&w, options);
    raw_connect(&r, w.port, options->tls_cert != NULL, 0);
    raw_write(&r, request, sizeof request);
    raw_read_head(&r, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 405", 12);
    raw_read(&r, rest, strlen("only GET and HEAD\n"));
    raw_await_end(&r);
    for (int turn = 0; turn < 3; turn++)
        loop_time(&w);
    int error = -1;
    socklen_t size = sizeof error;
    assert_int_equal(getsockopt(r.fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    assert_int_equal(error, 0);
    raw_end(&r);
    box_await(&w.left, 1);
    world_close(&w);
}

static void an_answer_is_not_reset_by_an_unread_body(void **state)
{
    (void)state;
    on_every_port(unread_body);
}

/* ---- and then it ends ---- */

static void lingering(const world_options *options)
{
    static const char post[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    const bool tls = options->tls_cert != NULL;
    world w;
    raw r;
    char text[2048];
    world_open(&w, options);

    /* One that has closed is forgotten before its time. */
    raw_connect(&r, w.port, tls, 0);
    raw_text(&r, post);
    raw_read_head(&r, text, sizeof text);
    uint64_t since = acurast__clock_ms();
    raw_end(&r);
    box_await(&w.left, 1);
    assert_true(acurast__clock_ms() - since < 900);

    /* One that stays, or goes on asking, has a second more. */
    since = acurast__clock_ms();
    raw_connect(&r, w.port, tls, 0);
    raw_text(&r, post);
    while (!tls && box_count(&w.left) < 2 && acurast__clock_ms() - since < 10000) {
        (void)!send(r.fd, post, sizeof post - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* the pace of asking */
    }
    box_await(&w.left, 2);
    assert_true(acurast__clock_ms() - since < 3000); /* the request would have had ten */
    assert_int_equal(read_answers(&r, text, sizeof text), 1);
    raw_end(&r);

    /* And a listener that is closed waits for nobody. */
    raw_connect(&r, w.port, tls, 0);
    raw_text(&r, post);
    raw_read_head(&r, text, sizeof text);
    since = acurast__clock_ms();
    world_stop_listening(&w);
    box_await(&w.left, 3);
    assert_true(acurast__clock_ms() - since < 900);
    raw_end(&r);
    world_close(&w);
}

static void who_was_answered_is_gone_soon(void **state)
{
    (void)state;
    on_every_port(lingering);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_request_is_never_looked_at),
        cmocka_unit_test(an_answer_is_not_reset_by_an_unread_body),
        cmocka_unit_test(who_was_answered_is_gone_soon),
    };
    return cmocka_run_group_tests(tests, world_certify, world_uncertify);
}
