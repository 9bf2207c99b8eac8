/* Heads of requests: what is read from them, what is refused and with which byte, and that every slicing gives the same. */
#include "support/unit.h"

#include "wire/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define ANY LINE HOST

static acurast__request_head head; /* of the last one that was read */

/* Reads a copy, in a block of exactly that size, which stays until the next one. */
static acurast__request_progress reads(const char *bytes, size_t size, size_t known)
{
    static char *block;
    free(block);
    block = malloc(size ? size : 1);
    memcpy(block, bytes, size);
    acurast__request_progress progress = acurast__request_read(&head, block, size, known);
    if (progress == ACURAST__REQUEST_MORE)
        assert_memory_equal(block, bytes, size);
    return progress;
}

/* Whether the verdict is this one after each beginning that was `known` before: after `first` bytes at least there is a verdict. */
static void after_each(const char *text, size_t size, size_t first, acurast__request_progress expected, unsigned status)
{
    for (size_t known = 0; known < size && known < first; known++)
        if (reads(text, size, known) != expected || head.status != status)
            fail_msg("%.*s, of which %zu were known: %u", (int)size, text, known, head.status);
}

static void more_up_to(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        after_each(text, i, i, ACURAST__REQUEST_MORE, 0);
}

static void whole(const char *text)
{
    size_t size = strlen(text);
    char *followed = malloc(size + 4);
    memcpy(followed, text, size);
    memcpy(followed + size, "\x82\x80\0\r", 4);
    more_up_to(text, size);
    for (size_t behind = 5; behind-- > 0;) {
        after_each(followed, size + behind, size, ACURAST__REQUEST_WHOLE, 0);
        assert_int_equal(head.size, size);
    }
    free(followed);
}

/* Everything before `wrong` may become right; with its first byte it is refused. */
static void refused(unsigned status, const char *right, const char *wrong)
{
    char text[1024];
    size_t before = strlen(right), size = before + strlen(wrong);
    assert_true(size < sizeof text);
    snprintf(text, sizeof text, "%s%s", right, wrong);
    more_up_to(text, before + 1);
    for (size_t i = before + 1; i <= size; i++)
        after_each(text, i, before + 1, ACURAST__REQUEST_WRONG, status);
}

static void same(const char *text, const char *expected)
{
    if (expected)
        assert_string_equal(text ? text : "absent", expected);
    else
        assert_null(text);
}

/* ---- what is read ---- */

static void requests_for_pages(void **state)
{
    (void)state;
    static const struct {
        const char *line, *method, *path;
    } lines[] = {
        {"GET /", "GET", "/"},
        {"HEAD /a/b", "HEAD", "/a/b"},
        {"GET /a?b=/c?d", "GET", "/a"},
        {"GET /?", "GET", "/"},
        {"GET //a/../%2e%00", "GET", "//a/../%2e%00"},
        {"get x", "get", "x"},
        {"OPTIONS *", "OPTIONS", "*"},
        {"CONNECT a:1", "CONNECT", "a:1"},
        {"POST http://a/b?c", "POST", "http://a/b"},
        {"POST ?", "POST", ""},
        {"~A|a.0123456789 /", "~A|a.0123456789", "/"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s HTTP/1.1\r\nhOST:\ta:1 \t\r\n\r\n", lines[i].line);
        whole(text);
        same(head.method, lines[i].method);
        same(head.path, lines[i].path);
        same(head.host, "a:1");
    }
    same(head.upgrade, NULL);
    same(head.forwarded_for, NULL);
    assert_false(head.upgrades || head.body || head.proxied);
}

static void an_upgrade(void **state)
{
    (void)state;
    whole("GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "
          "k==\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol:\r\nsec-websocket-extensions: x; y=\"z\"\r\n"
          "Origin: http://b\xc3\xa4\r\nCookie: a=\t\"b\"\r\n\r\n");
    same(head.path, "/a");
    same(head.upgrade, "websocket");
    same(head.key, "k==");
    same(head.version, "13");
    same(head.protocol, "");
    assert_true(head.upgrades);
}

static void upgrades(const char *headers, bool expected)
{
    char text[256];
    snprintf(text, sizeof text, ANY "%s\r\n", headers);
    whole(text);
    if (head.upgrades != expected)
        fail_msg("%s", headers);
}

static void what_the_connection_lists(void **state)
{
    (void)state;
    upgrades("Connection: UPGRADE\r\n", true);
    upgrades("Connection: upgrade\r\nConnection: close\r\n", true);
    upgrades("Connection: ,\t ,a ,\tupgrade\t,\r\n", true);
    upgrades("Connection:\r\n", false);
    upgrades("Connection: upgrade2, upgrad, up grade, \"upgrade\", upgrade;q=1\r\n", false);
    upgrades("Upgrade: upgrade\r\n", false);
}

/* Each proxy may add a line of its own. */
static void forwarded(const char *headers, const char *expected)
{
    char text[512];
    snprintf(text, sizeof text, ANY "%sLast: 1\r\n\r\n", headers);
    whole(text);
    same(head.forwarded_for, expected);
    assert_true(head.proxied);
}

static void who_it_is_forwarded_for(void **state)
{
    (void)state;
    forwarded("X-Forwarded-For: 1.2.3.4\r\n", "1.2.3.4");
    forwarded("X-Forwarded-For: a, b\r\nx-forwarded-for:c\r\nOther: x\r\nX-FORWARDED-FOR:  d ,e \r\n", "a, b, c, d ,e");
    forwarded("X-Forwarded-For:\r\n", "");
    forwarded("X-Forwarded-For: \t \r\n", "");
    forwarded("X-Forwarded-For:\r\nX-Forwarded-For: a\r\nX-Forwarded-For:\r\n", ", a, ");
    forwarded("X-Real-IP: a\r\n", NULL);
    forwarded("via:\r\n", NULL);
    forwarded("FORWARDED: for=a\r\n", NULL);
}

static void a_body(const char *headers, bool expected)
{
    char text[256];
    snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "%s\r\n", headers);
    whole(text);
    if (head.body != expected)
        fail_msg("%s", headers);
}

static void what_announces_a_body(void **state)
{
    (void)state;
    a_body("Content-Length: 0\r\n", false);
    a_body("Content-Length: 000\r\n", false);
    a_body("Content-Length: 5\r\n", true);
    a_body("Content-Length: 10000000000000000000000000000000000000000\r\n", true);
    a_body("Transfer-Encoding: chunked\r\n", true);
    a_body("Transfer-Encoding:\r\n", true);
    a_body("Content-Type: text/plain\r\n", false);
}

static void the_old_version(void **state)
{
    (void)state;
    whole("GET /healthz HTTP/1.0\r\n\r\n");
    same(head.path, "/healthz");
    same(head.host, "");
    whole("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    same(head.host, "a");
    same(head.upgrade, NULL);
    assert_false(head.upgrades);
}

/* ---- what is refused ---- */

static void other_lines(void **state)
{
    (void)state;
    static const char *const not_a_method[] = {
        " GET /", "\r\nGET / HTTP/1.1\r\n", "\n", ":", "\x16\x03\x01\x02", "\x80", "\x82\x85"};
    for (size_t i = 0; i < ARRAY_SIZE(not_a_method); i++)
        refused(400, "", not_a_method[i]);
    refused(400, "SSH-2.0-OpenSSH_9.2", "\r\n");
    refused(400, "GET", "\r\n\r\n");
    refused(400, "GET", "\t/");
    refused(400, "GET ", " / HTTP/1.1\r\n");
    refused(400, "GET ", "http://a/ HTTP/1.1\r\n");
    refused(400, "GET ", "a HTTP/1.1\r\n");
    refused(400, "HEAD ", "* HTTP/1.1\r\n");
    refused(400, "GET /", "#a HTTP/1.1\r\n");
    refused(400, "GET /a", "\x80 HTTP/1.1\r\n");
    refused(400, "GET /", "\r\n\r\n");
    refused(400, "GET / ", " HTTP/1.1\r\n");
    refused(400, "GET / ", "http/1.1\r\n");
    refused(400, "GET / ", "RTSP/1.0\r\n");
    refused(400, "GET / HTTP/", "x.1\r\n");
    refused(400, "GET / HTTP/1", "\r\n");
    refused(400, "GET / HTTP/1.", ".\r\n");
    refused(400, "GET / HTTP/1.1", " \r\n");
    refused(400, "GET / HTTP/1.1", "\n" HOST);
    refused(400, "GET / HTTP/1.1\r", "\r\n");
    refused(400, "GET / HTTP/1.1\r", HOST);
    refused(400, "GET / HTTP/1.0", "1\r\n");
}

static void other_versions(void **state)
{
    (void)state;
    refused(505, "GET / HTTP/9.", "9\r\n");
    refused(505, "GET / HTTP/0.", "9\r\n");
    refused(505, "GET / HTTP/1.", "2\r\n");
    refused(505, "GET / HTTP/2.", "1\r\n");
    refused(505, "PRI * HTTP/2.", "0\r\n\r\nSM\r\n\r\n");
}

static void broken_headers(void **state)
{
    (void)state;
    refused(400, ANY, " folded\r\n\r\n");
    refused(400, ANY, "\tfolded\r\n\r\n");
    refused(400, LINE, " Host: a\r\n\r\n");
    refused(400, ANY, ": a\r\n");
    refused(400, ANY, "\n");
    refused(400, ANY "\r", "\r\n");
    refused(400, ANY "A", " : b\r\n");
    refused(400, ANY "A", "\r\n\r\n");
    refused(400, ANY "A: b", "\nC: d\r\n");
    refused(400, ANY "A: b\r", " c\r\n");
    refused(400, ANY "A: b\r", "\r\n");
    refused(400, ANY "A: b\r\n", " c\r\n\r\n");
}

static void headers_that_contradict(void **state)
{
    (void)state;
    static const char *const once[] = {
        "Host",           "Upgrade",          "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
        "Content-Length", "Transfer-Encoding"};
    for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
        char text[256];
        snprintf(text, sizeof text, LINE "%s%s: 1\r\nA: b\r\n%s: 1\r\n\r", i ? HOST : "", once[i], once[i]);
        refused(400, text, "\n");
    }
    refused(400, LINE "A: b\r\n\r", "\n");
    refused(400, ANY "Content-Length:\r\n\r", "\n");
    refused(400, ANY "Content-Length: -1\r\n\r", "\n");
    refused(400, ANY "Content-Length: 1, 1\r\n\r", "\n");
    refused(400, ANY "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r", "\n");
    refused(400, "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r", "\n");
}

/* Which bytes are right in one place. */
static void bytes_in(const char *before, const char *also, int low, int high)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[64];
        size_t size = strlen(before);
        memcpy(text, before, size);
        text[size] = (char)byte;
        bool right = (byte >= low && byte <= high && byte != 0x7f) || (byte && strchr(also, byte));
        if (reads(text, size + 1, size) != (right ? ACURAST__REQUEST_MORE : ACURAST__REQUEST_WRONG))
            fail_msg("byte %d behind %s", byte, before);
    }
}

static void every_byte(void **state)
{
    (void)state;
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char more[sizeof token + 2];
    bytes_in("", token, 256, 256);
    snprintf(more, sizeof more, "%s ", token);
    bytes_in("G", more, 256, 256);
    bytes_in(LINE "A", strcat(strcpy(more, token), ":"), 256, 256);
    bytes_in(LINE, strcat(strcpy(more, token), "\r"), 256, 256);
    bytes_in("GET ", "/", 256, 256);
    bytes_in("GET /", " !\"", '$', '~');
    bytes_in("PUT ", "!\"", '$', '~');
    bytes_in(LINE "A:", "\r\t", ' ', 255);
}

/* ---- limits ---- */

/* A head of that size, `part` of which is filled up with letters. */
static char *filled(const char *before, const char *after, size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'a', size);
    memcpy(text, before, strlen(before));
    snprintf(text + size - strlen(after), strlen(after) + 1, "%s", after);
    return text;
}

static void judge(const char *before, const char *after, size_t size, acurast__request_progress expected,
                  unsigned status)
{
    char *text = filled(before, after, size);
    for (size_t part = size > 40 ? size - 40 : 0; part < size && part < ACURAST__REQUEST_MAX; part++)
        assert_int_equal(reads(text, part, part / 2), ACURAST__REQUEST_MORE);
    assert_int_equal(reads(text, size, size > ACURAST__REQUEST_MAX ? 0 : size - 1), expected);
    assert_int_equal(head.status, status);
    free(text);
}

static void long_heads(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        unsigned status;
    } heads[] = {
        {"GET /", " HTTP/1.1\r\n" HOST "\r\n", 431},
        {ANY "X-Forwarded-For: ", "\r\n\r\n", 431},
        {ANY "Connection: ", ",upgrade\r\n\r\n", 431},
        {ANY, ": b\r\n\r\n", 431},
    };
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        judge(heads[i].before, heads[i].after, ACURAST__REQUEST_MAX, ACURAST__REQUEST_WHOLE, 0);
        judge(heads[i].before, heads[i].after, ACURAST__REQUEST_MAX + 1, ACURAST__REQUEST_WRONG, heads[i].status);
        judge(heads[i].before, "", ACURAST__REQUEST_MAX, ACURAST__REQUEST_WRONG, i ? 431 : 414);
        judge(heads[i].before, "", 100000, ACURAST__REQUEST_WRONG, i ? 431 : 414);
    }
}

static void long_methods(void **state)
{
    (void)state;
    static const char longest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    char text[128];
    snprintf(text, sizeof text, "%s / HTTP/1.1\r\n" HOST "\r\n", longest);
    whole(text);
    same(head.method, longest);
    refused(501, longest, "6 / HTTP/1.1\r\n");
}

/* As many as there is room for, with the least in each. */
static void many_lines(const char *line, size_t count)
{
    char *text = malloc(ACURAST__REQUEST_MAX + 1);
    size_t size = strlen(ANY), step = strlen(line);
    memcpy(text, ANY, size);
    for (; size + step + 2 <= ACURAST__REQUEST_MAX; size += step, count--)
        memcpy(text + size, line, step);
    memcpy(text + size, "\r\n", 2);
    assert_int_equal(reads(text, size + 2, size / 2), ACURAST__REQUEST_WHOLE);
    assert_int_equal(count, 0);
    free(text);
}

static void many_headers(void **state)
{
    (void)state;
    many_lines("A:\r\n", 4089);
    many_lines("X-Forwarded-For:\r\n", 908);
    assert_int_equal(strlen(head.forwarded_for), 907 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_for_pages),
        cmocka_unit_test(an_upgrade),
        cmocka_unit_test(what_the_connection_lists),
        cmocka_unit_test(who_it_is_forwarded_for),
        cmocka_unit_test(what_announces_a_body),
        cmocka_unit_test(the_old_version),
        cmocka_unit_test(other_lines),
        cmocka_unit_test(other_versions),
        cmocka_unit_test(broken_headers),
        cmocka_unit_test(headers_that_contradict),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(long_heads),
        cmocka_unit_test(long_methods),
        cmocka_unit_test(many_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
