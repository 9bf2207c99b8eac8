/*
 * URLs of services. Only what a websocket URL may be is taken, and each refusal
 * says why: no user information, no fragment, no port 0, nothing but printable ASCII.
 */
#include "client/target.h"

#include "base/memory.h"
#include "net/address.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct span {
    const char *start;
    size_t size;
} span;

struct parts {
    span host;
    span path;
    bool literal6;
    bool secure;
    uint16_t port;
};

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static span trim(const char *text)
{
    while (blank(*text))
        text++;
    size_t size = strlen(text);
    while (size && blank(text[size - 1]))
        size--;
    return (span){text, size};
}

static bool printable(span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.start[i] <= ' ' || text.start[i] > '~')
            return false;
    return true;
}

static bool take_scheme(span *rest, bool *secure)
{
    static const char plain[] = "ws://";
    static const char tls[] = "wss://";
    *secure = rest->size >= sizeof tls - 1 && strncasecmp(rest->start, tls, sizeof tls - 1) == 0;
    size_t size = *secure ? sizeof tls - 1 : sizeof plain - 1;
    if (!*secure && (rest->size < size || strncasecmp(rest->start, plain, size) != 0))
        return false;
    rest->start += size;
    rest->size -= size;
    return true;
}

static span take_authority(span *rest)
{
    size_t size = 0;
    while (size < rest->size && rest->start[size] != '/' && rest->start[size] != '?')
        size++;
    span authority = {rest->start, size};
    rest->start += size;
    rest->size -= size;
    return authority;
}

/* Labels with dots between them; one dot may end the last. To OpenSSL a name that begins with a dot is that of any host below it. */
static bool host_name(span host)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.start[i];
        if (c == '.' && (i == 0 || host.start[i - 1] == '.'))
            return false;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return host.size > 0 && host.size <= ACURAST__HOST_MAX_SIZE;
}

static bool host_literal6(span host)
{
    char text[ACURAST__ADDRESS_TEXT_SIZE];
    acurast__address address;
    if (host.size >= sizeof text || !memchr(host.start, ':', host.size))
        return false;
    memcpy(text, host.start, host.size);
    text[host.size] = 0;
    return acurast__address_parse(&address, text);
}

static bool parse_port(span digits, uint16_t *port)
{
    unsigned value = 0;
    if (digits.size == 0 || digits.size > 5)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.start[i] < '0' || digits.start[i] > '9')
            return false;
        value = value * 10 + (unsigned)(digits.start[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

static const char *split_authority(span authority, struct parts *parts)
{
    const char *end = authority.start + authority.size;
    const char *after;
    if (memchr(authority.start, '@', authority.size))
        return "a user name or password is not allowed";
    parts->literal6 = authority.size && authority.start[0] == '[';
    if (parts->literal6) {
        const char *bracket = memchr(authority.start, ']', authority.size);
        if (!bracket)
            return "the bracket around the address is not closed";
        parts->host = (span){authority.start + 1, (size_t)(bracket - authority.start) - 1};
        after = bracket + 1;
    } else {
        const char *colon = memchr(authority.start, ':', authority.size);
        after = colon ? colon : end;
        parts->host = (span){authority.start, (size_t)(after - authority.start)};
    }
    if (parts->literal6 ? !host_literal6(parts->host) : !host_name(parts->host))
        return "the host is neither a name nor an address";
    parts->port = parts->secure ? 443 : 80;
    if (after < end && (*after != ':' || !parse_port((span){after + 1, (size_t)(end - after) - 1}, &parts->port)))
        return "the port is not a number from 1 to 65535";
    return NULL;
}

static const char *split(span url, struct parts *parts)
{
    span rest = url;
    if (url.size == 0)
        return "it is empty";
    if (url.size > ACURAST__URL_MAX_SIZE)
        return "it is too long";
    if (!printable(url))
        return "it contains blanks, control characters or something beyond ASCII";
    if (!take_scheme(&rest, &parts->secure))
        return "it begins neither with ws:// nor with wss://";
    if (memchr(rest.start, '#', rest.size))
        return "a fragment is not allowed";
    const char *problem = split_authority(take_authority(&rest), parts);
    parts->path = rest;
    return problem;
}

static char *copy_span(const char *head, span text, const char *tail)
{
    size_t head_size = strlen(head), tail_size = strlen(tail);
    char *copy = acurast__alloc(head_size + text.size + tail_size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, head, head_size);
    memcpy(copy + head_size, text.start, text.size);
    memcpy(copy + head_size + text.size, tail, tail_size + 1);
    return copy;
}

static void lower(char *text)
{
    for (; text && *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

acurast_status acurast__target_parse(acurast__target *target, const char *url, const char **problem)
{
    char port[16];
    struct parts parts = {0};
    span text = trim(url);
    *target = (acurast__target){0};
    *problem = split(text, &parts);
    if (*problem)
        return ACURAST_BAD_OPTION;
    snprintf(port, sizeof port, parts.literal6 ? "]:%u" : ":%u", parts.port);
    target->port = parts.port;
    target->secure = parts.secure;
    target->url = copy_span("", text, "");
    target->host = copy_span("", parts.host, "");
    target->name = copy_span(parts.literal6 ? "[" : "", parts.host, port);
    target->path = copy_span(parts.path.size && parts.path.start[0] == '/' ? "" : "/", parts.path, "");
    if (!target->url || !target->host || !target->name || !target->path) {
        acurast__target_clear(target);
        return ACURAST_NO_MEMORY;
    }
    lower(target->host);
    lower(target->name);
    return ACURAST_OK;
}

void acurast__target_clear(acurast__target *target)
{
    acurast__free(target->url);
    acurast__free(target->host);
    acurast__free(target->name);
    acurast__free(target->path);
    acurast__proxy_free(target->proxy);
    *target = (acurast__target){0};
}
