/* Which proxy leads to a service: by the option, by the environment and its exceptions. */
#include "support/unit.h"

#include "base/memory.h"
#include "net/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

/* "name=value name=value" */
static void set_environment(const char *text)
{
    char copy[512], *rest = copy, *pair;
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
        unsetenv(variables[i]);
    snprintf(copy, sizeof copy, "%s", text);
    while ((pair = strtok_r(rest, ";", &rest))) {
        char *value = strchr(pair, '=');
        *value++ = 0;
        setenv(pair, value, 1);
    }
}

/* "host:port" of the proxy; "" where there is none, or what is wrong in brackets. */
static void found(char text[128], const char *setting, const char *host, uint16_t port, bool tls)
{
    acurast__proxy *proxy;
    const char *problem;
    acurast_status status = acurast__proxy_find(&proxy, setting, host, port, tls, &problem);
    if (status != ACURAST_OK)
        snprintf(text, 128, "(%s)", problem);
    else
        snprintf(text, 128, "%s%s%.*u", proxy ? proxy->host : "", proxy ? ":" : "", proxy ? 1 : 0,
                 proxy ? proxy->port : 0u);
    assert_true(status == ACURAST_OK || !proxy);
    acurast__proxy_free(proxy);
}

static void check(const char *environment, const char *host, bool tls, const char *expected)
{
    char text[128];
    set_environment(environment);
    found(text, "environment", host, 9001, tls);
    if (strcmp(text, expected) != 0)
        fail_msg("%s, for %s: '%s', not '%s'", environment, host, text, expected);
}

static void the_environment_chooses(void **state)
{
    (void)state;
    check("", "here.test", false, "");
    check("http_proxy=http://p:1", "here.test", false, "p:1");
    check("http_proxy=p:1", "here.test", false, "p:1");
    check("http_proxy=http://p", "here.test", false, "p:80");
    check("http_proxy= http://p:1/ ", "here.test", false, "p:1");
    check("http_proxy=http://p:1/path?query", "here.test", false, "p:1");
    check("http_proxy=http://[::1]:1", "here.test", false, "::1:1");
    check("http_proxy=[2001:db8::1]", "here.test", false, "2001:db8::1:80");
    check("http_proxy=http://u:a@b@p:1", "here.test", false, "p:1");
    check("http_proxy=none", "here.test", false, "");
    check("http_proxy=http://p:1", "here.test", true, "");
    check("HTTP_PROXY=http://p:1", "here.test", false, ""); /* a stranger's header, in a CGI program */
    check("https_proxy=http://p:1", "here.test", false, "");
    check("https_proxy=http://p:1", "here.test", true, "p:1");
    check("HTTPS_PROXY=HTTP://p:1", "here.test", true, "p:1");
    check("https_proxy=http://p:1;HTTPS_PROXY=http://q:1", "here.test", true, "p:1");
    check("https_proxy=;HTTPS_PROXY=http://q:1", "here.test", true, "q:1");
    check("all_proxy=p:1", "here.test", false, "p:1");
    check("ALL_PROXY=p:1", "here.test", true, "p:1");
    check("all_proxy=p:1;https_proxy=q:1", "here.test", true, "q:1");
    check("all_proxy=socks5://p:1", "here.test", true, "(only http:// proxies are supported)");
    check("all_proxy=socks5://p:1;no_proxy=here.test", "here.test", true, "");
}

static void exceptions(void **state)
{
    static const struct {
        const char *list, *host;
        bool taken;
    } rows[] = {
        {"example.org", "here.test", true},
        {"", "here.test", true},
        {",", "here.test", true},
        {" , ", "here.test", true},
        {"here.test", "here.test", false},
        {"HERE.test", "here.TEST", false},
        {"here.test", "here.test.", false},
        {"here.test.", "here.test", false},
        {".test.:9001", "here.test.", false},
        {"test", "here.test", false},
        {".test", "here.test", false},
        {"*.test", "here.test", false},
        {"*", "here.test", false},
        {"a,b , here.test", "here.test", false},
        {"a b here.test", "here.test", false},
        {"ere.test", "here.test", true},
        {"way.here.test", "here.test", true},
        {"here.test.example.org", "here.test", true},
        {"here.test:9001", "here.test", false},
        {"here.test:9002", "here.test", true},
        {"here.test:", "here.test", true},
        {".", "here.test", true},
        {"192.0.2.7", "192.0.2.7", false},
        {"192.0.2.7:9001", "192.0.2.7", false},
        {"192.0.2.7:9", "192.0.2.7", true},
        {"192.0.2.0/24", "192.0.2.7", false},
        {"192.0.2.0/29", "192.0.2.8", true},
        {"192.0.2.8", "192.0.2.7", true},
        {"2.7", "192.0.2.7", true},
        {"192.0.2.7", "a.192.0.2.7", false}, /* a name that ends so */
        {"0.0.0.0/0", "here.test", true},
        {"2001:db8::/32", "2001:db8::7", false},
        {"2001:db8::7", "2001:db8::7", false},
        {"[2001:db8::7]", "2001:db8::7", false},
        {"[2001:db8::7]:9001", "2001:db8::7", false},
        {"[2001:db8::7]:9002", "2001:db8::7", true},
        {"2001:db8::8", "2001:db8::7", true},
        {"::ffff:192.0.2.7", "192.0.2.7", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char environment[128];
        snprintf(environment, sizeof environment, "http_proxy=p:1;no_proxy=%s", rows[i].list);
        check(environment, rows[i].host, false, rows[i].taken ? "p:1" : "");
        snprintf(environment, sizeof environment, "all_proxy=p:1;NO_PROXY=%s", rows[i].list);
        check(environment, rows[i].host, true, rows[i].taken ? "p:1" : "");
    }
}

static void loopback_is_reached_directly(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",        "127.8.8.8", "::1",       "::",         "0.0.0.0",
                                        "::ffff:127.0.0.1", "localhost", "LocalHost", "localhost.", "a.localhost"};
    static const char *const others[] = {"localhost.test", "notlocalhost", "128.0.0.1", "::2"};
    char text[128];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        check("http_proxy=p:1;all_proxy=p:1", hosts[i], false, "");
        found(text, "p:1", hosts[i], 9001, false);
        assert_string_equal(text, "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        check("http_proxy=p:1", others[i], false, "p:1");
}

static void the_option_wins_and_has_no_exceptions(void **state)
{
    char text[128];
    (void)state;
    set_environment("http_proxy=q:1;no_proxy=here.test");
    found(text, "http://p:1", "here.test", 9001, false);
    assert_string_equal(text, "p:1");
    found(text, "none", "there.test", 9001, false);
    assert_string_equal(text, "");
    found(text, "", "there.test", 9001, false);
    assert_string_equal(text, "");
}

static void what_is_no_proxy_is_refused(void **state)
{
    static char longest[3000];
    const char *const bad[] = {
        "http://",
        "http://host:99999",
        "http://host:65536",
        "http://host:0",
        "http://host:1x",
        "http://host:",
        "http://host:-1",
        "http://[::1",
        "http://[::1]x",
        "http://[host]:1",
        "http://::1",
        "http://ho st:1",
        "http://ho\r\nst",
        "http://us%zzer@h:1",
        "http://us%00er@h",
        "http://us%4@h",
        "http://%@h",
        "http://h\x80",
        "://h",
        "https://h:1",
        "socks5://h:1",
        "http:/h",
        longest,
        longest + 2600,
    };
    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char text[128];
        found(text, bad[i], "here.test", 9001, false);
        if (text[0] != '(')
            fail_msg("'%.40s' was taken as '%s'", bad[i], text);
    }
}

static void check_request(const char *setting, const char *host, const char *expected)
{
    acurast__proxy *proxy;
    const char *problem;
    assert_int_equal(acurast__proxy_find(&proxy, setting, host, 9001, false, &problem), ACURAST_OK);
    char *request = acurast__proxy_request(proxy, host, 9001);
    assert_string_equal(request, expected);
    acurast__free(request);
    acurast__proxy_free(proxy);
}

static void a_tunnel_is_asked_for(void **state)
{
    (void)state;
    check_request("p:1", "here.test", "CONNECT here.test:9001 HTTP/1.1\r\nHost: here.test:9001\r\n\r\n");
    check_request("p:1", "2001:db8::7", "CONNECT [2001:db8::7]:9001 HTTP/1.1\r\nHost: [2001:db8::7]:9001\r\n\r\n");
    check_request(
        "http://user:secret@p:1", "h.test",
        "CONNECT h.test:9001 HTTP/1.1\r\nHost: h.test:9001\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
    check_request("http://user@p:1", "h.test",
                  "CONNECT h.test:9001 HTTP/1.1\r\nHost: h.test:9001\r\nProxy-Authorization: Basic dXNlcjo=\r\n\r\n");
    check_request(
        "http://a%40b:%3a%2F%25@p:1", "h.test",
        "CONNECT h.test:9001 HTTP/1.1\r\nHost: h.test:9001\r\nProxy-Authorization: Basic YUBiOjovJQ==\r\n\r\n");
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        acurast__proxy *proxy;
        const char *problem;
        acurast__memory_fail_at(n);
        acurast_status status = acurast__proxy_find(&proxy, "http://user:secret@p:1", "here.test", 1, true, &problem);
        acurast__memory_fail_at(0);
        acurast__proxy_free(proxy);
        if (status == ACURAST_OK) {
            assert_true(n > 3);
            return;
        }
        assert_int_equal(status, ACURAST_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_chooses),        cmocka_unit_test(exceptions),
        cmocka_unit_test(loopback_is_reached_directly),   cmocka_unit_test(the_option_wins_and_has_no_exceptions),
        cmocka_unit_test(what_is_no_proxy_is_refused),    cmocka_unit_test(a_tunnel_is_asked_for),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
