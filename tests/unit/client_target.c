/* URLs of services: what is taken, what it becomes, and what is refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "client/target.h"

#include <string.h>

typedef struct good {
    const char *url;
    const char *trimmed;
    const char *host;
    const char *name;
    const char *path;
    uint16_t port;
    bool secure;
} good;

static const good goods[] = {
    {"ws://127.0.0.1:9001", "ws://127.0.0.1:9001", "127.0.0.1", "127.0.0.1:9001", "/", 9001, false},
    {" \t wss://ws-1.ws-server-1.acurast.com \n", "wss://ws-1.ws-server-1.acurast.com", "ws-1.ws-server-1.acurast.com",
     "ws-1.ws-server-1.acurast.com:443", "/", 443, true},
    {"WSS://Example.COM:8443/Some/Path?q=1", "WSS://Example.COM:8443/Some/Path?q=1", "example.com", "example.com:8443",
     "/Some/Path?q=1", 8443, true},
    {"ws://[::1]:9001/", "ws://[::1]:9001/", "::1", "[::1]:9001", "/", 9001, false},
    {"ws://[2001:DB8::A]", "ws://[2001:DB8::A]", "2001:db8::a", "[2001:db8::a]:80", "/", 80, false},
    {"ws://host?key=value", "ws://host?key=value", "host", "host:80", "/?key=value", 80, false},
    {"wss://example.org.", "wss://example.org.", "example.org.", "example.org.:443", "/", 443, true},
    {"ws://localhost:65535", "ws://localhost:65535", "localhost", "localhost:65535", "/", 65535, false},
};

static void test_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        acurast__target target;
        const char *problem;
        assert_int_equal(acurast__target_parse(&target, goods[i].url, &problem), ACURAST_OK);
        assert_string_equal(target.url, goods[i].trimmed);
        assert_string_equal(target.host, goods[i].host);
        assert_string_equal(target.name, goods[i].name);
        assert_string_equal(target.path, goods[i].path);
        assert_int_equal(target.port, goods[i].port);
        assert_int_equal(target.secure, goods[i].secure);
        acurast__target_clear(&target);
    }
}

typedef struct bad {
    const char *url;
    const char *problem; /* a word of it */
} bad;

static const bad bads[] = {
    {"", "empty"},
    {"   ", "empty"},
    {"http://host", "wss://"},
    {"ws:/host", "wss://"},
    {"host:9001", "wss://"},
    {"ws://", "host"},
    {"ws://:9001", "host"},
    {"ws://user@host", "user"},
    {"ws://user:secret@host/", "user"},
    {"ws://host:0", "port"},
    {"ws://host:65536", "port"},
    {"ws://host:", "port"},
    {"ws://host:12a", "port"},
    {"ws://host:1:2", "port"},
    {"ws://host:000080", "port"},
    {"ws://[::1", "bracket"},
    {"ws://[::1]9001", "port"},
    {"ws://[127.0.0.1]", "host"},
    {"ws://[::g]", "host"},
    {"ws://ho st/", "blanks"},
    {"ws://host/\x01", "blanks"},
    {"ws://h\xc3\xb6st", "ASCII"},
    {"ws://host/#part", "fragment"},
    {"ws://ho$t", "host"},
    {"wss://.", "host"},
    {"wss://..", "host"},
    {"wss://.example.org", "host"},
    {"wss://www..example.org", "host"},
    {"wss://example.org..", "host"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        acurast__target target;
        const char *problem = NULL;
        assert_int_equal(acurast__target_parse(&target, bads[i].url, &problem), ACURAST_BAD_OPTION);
        assert_non_null(strstr(problem, bads[i].problem));
        assert_null(target.url);
        acurast__target_clear(&target);
    }
}

static void test_refuses_what_is_too_long(void **state)
{
    char url[ACURAST__URL_MAX_SIZE + 2] = "ws://host/";
    acurast__target target;
    const char *problem;
    (void)state;
    memset(url + 10, 'a', sizeof url - 11);
    assert_int_equal(acurast__target_parse(&target, url, &problem), ACURAST_BAD_OPTION);
    url[ACURAST__URL_MAX_SIZE] = 0;
    assert_int_equal(acurast__target_parse(&target, url, &problem), ACURAST_OK);
    acurast__target_clear(&target);
    char host[300] = "ws://";
    memset(host + 5, 'h', ACURAST__HOST_MAX_SIZE + 1);
    assert_int_equal(acurast__target_parse(&target, host, &problem), ACURAST_BAD_OPTION);
    host[5 + ACURAST__HOST_MAX_SIZE] = 0;
    assert_int_equal(acurast__target_parse(&target, host, &problem), ACURAST_OK);
    acurast__target_clear(&target);
}

static void test_without_memory(void **state)
{
    acurast__target target;
    const char *problem;
    (void)state;
    for (long n = 1; n <= 4; n++) {
        acurast__memory_fail_at(n);
        assert_int_equal(acurast__target_parse(&target, "ws://host", &problem), ACURAST_NO_MEMORY);
        assert_null(target.host);
    }
    acurast__memory_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_what_is_too_long),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
