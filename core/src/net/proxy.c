/* A proxy's URL is cut in place, in a copy: user and password, host, port. */
#include "net/proxy.h"

#include "base/memory.h"
#include "base/text.h"
#include "net/address.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 2048u
#define HOST_MAX 255u

/* ---- exceptions ---- */

static acurast__slice without_dot(acurast__slice name)
{
    bool dot = name.size && name.text[name.size - 1] == '.';
    return (acurast__slice){name.text, name.size - dot};
}

static acurast__slice name_of(const char *host)
{
    return without_dot((acurast__slice){host, strlen(host)});
}

/* "example.org" is meant by example.org, and by what ends in it behind a dot. */
static bool within_domain(acurast__slice host, acurast__slice domain)
{
    if (domain.size > host.size)
        return false;
    acurast__slice end = {host.text + host.size - domain.size, domain.size};
    bool whole = end.size == host.size || end.text[-1] == '.';
    return domain.size && whole && acurast__is_word(end, domain.text, domain.size);
}

static bool is_loopback(const char *host)
{
    static const acurast__slice localhost = {"localhost", 9};
    static const acurast__address none[2] = {
        {{0}}, {{[10] = 0xff, [11] = 0xff}}}; /* "::" and "0.0.0.0" are this machine, too */
    acurast__address address;
    if (!acurast__address_parse(&address, host))
        return within_domain(name_of(host), localhost);
    return acurast__address_loopback(&address) || memcmp(&address, &none[0], sizeof address) == 0 ||
           memcmp(&address, &none[1], sizeof address) == 0;
}

/* Cuts ":PORT" off an entry; false where it names another one. The colons of an IPv6 address without brackets are its own. */
static bool port_fits(acurast__slice *entry, uint16_t port)
{
    const char *colon = memchr(entry->text, ':', entry->size);
    const char *last = colon;
    for (const char *at = colon; at && at < entry->text + entry->size; at++)
        if (*at == ':')
            last = at;
    bool bracket = last && last > entry->text && last[-1] == ']';
    if (!last || (colon != last && !bracket))
        return true;
    char digits[8];
    size_t size = (size_t)(entry->text + entry->size - last) - 1;
    snprintf(digits, sizeof digits, "%u", port);
    bool fits = strlen(digits) == size && memcmp(digits, last + 1, size) == 0;
    entry->size = (size_t)(last - entry->text);
    return fits;
}

static bool entry_fits(acurast__slice entry, const char *host, uint16_t port)
{
    char text[ACURAST__ADDRESS_TEXT_SIZE];
    acurast__network network;
    acurast__address address;
    if (entry.size == 1 && entry.text[0] == '*')
        return true;
    if (!port_fits(&entry, port))
        return false;
    if (acurast__address_parse(&address, host)) {
        snprintf(text, sizeof text, "%.*s", (int)entry.size, entry.text);
        return entry.size < sizeof text && acurast__network_parse(&network, text) &&
               acurast__network_contains(&network, &address);
    }
    if (entry.size && entry.text[0] == '*')
        entry = (acurast__slice){entry.text + 1, entry.size - 1};
    if (entry.size && entry.text[0] == '.')
        entry = (acurast__slice){entry.text + 1, entry.size - 1};
    return within_domain(name_of(host), without_dot(entry));
}

static bool is_exception(const char *list, const char *host, uint16_t port)
{
    while (list && *list) {
        size_t size = strcspn(list, ", ");
        acurast__slice entry = acurast__trim(list, size);
        if (entry.size && entry_fits(entry, host, port))
            return true;
        list += size + (list[size] != 0);
    }
    return false;
}

/* ---- the proxy's URL ---- */

static const char bad_url[] = "it is no http://[USER:PASSWORD@]HOST[:PORT]";

static int digit_of(char c)
{
    return acurast__is_digit(c)                                   ? c - '0'
           : acurast__lower(c) >= 'a' && acurast__lower(c) <= 'f' ? acurast__lower(c) - 'a' + 10
                                                                  : -1;
}

/* In place; false where a % is followed by something else than two digits, or by those of a NUL. */
static bool decode_percent(char *text)
{
    char *to = text;
    for (; *text; text++) {
        *to = *text;
        if (*text == '%') {
            int high = digit_of(text[1]), low = high < 0 ? -1 : digit_of(text[2]);
            if (low < 0 || high + low == 0)
                return false;
            *to = (char)(high * 16 + low);
            text += 2;
        }
        to++;
    }
    *to = 0;
    return true;
}

static bool read_credentials(acurast__proxy *proxy, char *credentials, bool *memory)
{
    static const char scheme[] = "Basic ";
    if (!decode_percent(credentials))
        return false;
    size_t size = strlen(credentials),
           most = sizeof scheme + sodium_base64_ENCODED_LEN(size + 1, sodium_base64_VARIANT_ORIGINAL);
    proxy->authorization = acurast__alloc(most);
    *memory = proxy->authorization != NULL;
    if (!*memory)
        return false;
    if (!strchr(credentials, ':')) /* a user without a password; the NUL's place is there */
        memcpy(credentials + size++, ":", 1);
    memcpy(proxy->authorization, scheme, sizeof scheme);
    sodium_bin2base64(proxy->authorization + sizeof scheme - 1, most - sizeof scheme + 1, (unsigned char *)credentials,
                      size, sodium_base64_VARIANT_ORIGINAL);
    return true;
}

static bool read_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        value =
            acurast__is_digit(text[i]) && value <= UINT16_MAX ? value * 10 + (unsigned)(text[i] - '0') : UINT16_MAX + 1;
    *port = (uint16_t)value;
    return size && value && value <= UINT16_MAX;
}

static bool is_host(const char *host)
{
    acurast__address address;
    size_t size = strlen(host);
    if (strchr(host, ':'))
        return acurast__address_parse(&address, host);
    for (size_t i = 0; i < size; i++)
        if (!acurast__is_digit(host[i]) && !(acurast__lower(host[i]) >= 'a' && acurast__lower(host[i]) <= 'z') &&
            !strchr(".-_", host[i]))
            return false;
    return size && size <= HOST_MAX;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static bool read_place(acurast__proxy *proxy, char *place, bool *memory)
{
    char *host = place, *after;
    if (*place == '[') {
        host++;
        after = strchr(host, ']');
        if (!after)
            return false;
        *after++ = 0;
        if (!strchr(host, ':'))
            return false;
    } else {
        after = host + strcspn(host, ":");
    }
    bool more = *after != 0;
    if (more && *after != ':')
        return false;
    *after = 0;
    proxy->port = 80;
    if ((more && !read_port(after + 1, &proxy->port)) || !is_host(host))
        return false;
    proxy->host = acurast__copy_text(host);
    *memory = proxy->host != NULL;
    return *memory;
}

static bool read_url(acurast__proxy *proxy, char *url, const char **problem, bool *memory)
{
    static const char http[] = "http://";
    char *scheme_end = strstr(url, "://");
    *problem = bad_url;
    if (scheme_end && !acurast__is_word((acurast__slice){url, (size_t)(scheme_end - url) + 3}, http, sizeof http - 1)) {
        *problem = "only http:// proxies are supported";
        return false;
    }
    char *place = scheme_end ? scheme_end + 3 : url;
    place[strcspn(place, "/?#")] = 0;
    char *at = strrchr(place, '@');
    if (at) {
        *at = 0;
        if (!read_credentials(proxy, place, memory))
            return false;
        place = at + 1;
    }
    return read_place(proxy, place, memory);
}

static acurast_status parse(acurast__proxy **out, acurast__slice url, const char **problem)
{
    bool memory = true;
    *problem = bad_url;
    if (url.size > URL_MAX)
        return ACURAST_BAD_OPTION;
    acurast__proxy *proxy = acurast__alloc_zero(sizeof *proxy);
    char *copy = acurast__alloc_zero(url.size + 2);
    bool good = false;
    if (proxy && copy) {
        memcpy(copy, url.text, url.size);
        good = read_url(proxy, copy, problem, &memory);
        sodium_memzero(copy, url.size + 2);
    }
    acurast_status status = !proxy || !copy || !memory ? ACURAST_NO_MEMORY : good ? ACURAST_OK : ACURAST_BAD_OPTION;
    acurast__free(copy);
    if (status == ACURAST_OK)
        *out = proxy;
    else
        acurast__proxy_free(proxy);
    return status;
}

/* ---- which one ---- */

static const char *environment(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if ((!value || !*value) && upper)
        value = getenv(upper);
    return value && *value ? value : NULL;
}

static const char *from_environment(const char *host, uint16_t port, bool tls)
{
    const char *url = tls ? environment("https_proxy", "HTTPS_PROXY") : environment("http_proxy", NULL);
    if (!url)
        url = environment("all_proxy", "ALL_PROXY");
    return url && !is_exception(environment("no_proxy", "NO_PROXY"), host, port) ? url : NULL;
}

acurast_status acurast__proxy_find(acurast__proxy **proxy, const char *setting, const char *host, uint16_t port,
                                   bool tls, const char **problem)
{
    const char *url = setting;
    *proxy = NULL;
    *problem = "";
    if (strcmp(setting, "environment") == 0)
        url = is_loopback(host) ? NULL : from_environment(host, port, tls);
    acurast__slice text = acurast__trim(url ? url : "", url ? strlen(url) : 0);
    if (!text.size || acurast__is_word(text, "none", 4))
        return ACURAST_OK;
    acurast_status status = parse(proxy, text, problem);
    if (status == ACURAST_OK && is_loopback(host)) {
        acurast__proxy_free(*proxy);
        *proxy = NULL;
    }
    return status;
}

void acurast__proxy_free(acurast__proxy *proxy)
{
    if (!proxy)
        return;
    if (proxy->authorization)
        sodium_memzero(proxy->authorization, strlen(proxy->authorization));
    acurast__free(proxy->authorization);
    acurast__free(proxy->host);
    acurast__free(proxy);
}

char *acurast__proxy_request(const acurast__proxy *proxy, const char *host, uint16_t port)
{
    static const char form[] = "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n";
    bool six = strchr(host, ':') != NULL, known = proxy->authorization != NULL;
    const char *open = six ? "[" : "", *close = six ? "]" : "";
    size_t most = sizeof form + 2 * strlen(host) + 64 + (known ? strlen(proxy->authorization) : 0);
    char *request = acurast__alloc(most);
    if (request)
        snprintf(request, most, form, open, host, close, port, open, host, close, port,
                 known ? "Proxy-Authorization: " : "", known ? proxy->authorization : "", known ? "\r\n" : "");
    return request;
}
