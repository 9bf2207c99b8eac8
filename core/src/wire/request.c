/*
 * Each part of a head ends with a byte that has to be there. Whoever reads a part stops where another byte is, which is wrong, and where
 * there is none yet. So half a head is judged by the same rules as a whole one.
 *
 * What has come is judged first, from the line on in which the last call ended. Once the end is there, everything is read again, and
 * what it says is kept.
 */
#include "wire/request.h"

#include "base/text.h"

#include <string.h>

#define METHOD_MAX 32 /* longer than any that is registered */
#define KEPT_MAX 9    /* method, path, and the headers of which there is one at most */

typedef struct reading {
    acurast__request_head *head;
    const char *bytes;
    const char *at;
    const char *end;       /* of what has come */
    bool whole;            /* the head is, and what is read is kept */
    size_t ends[KEPT_MAX]; /* where what is kept gets its NUL, once the head is whole */
    size_t kept;
    size_t forwarded; /* bytes of head->forwarded */
    const char *length;
    const char *encoding;
    bool old; /* HTTP/1.0 */
} reading;

/* With 0: more has to come. */
static bool stop(reading *r, unsigned status)
{
    r->head->status = status;
    return false;
}

/* ---- parts ---- */

/* Of a method and of a header's name (RFC 9110, 5.6.2). */
static bool is_token(char c)
{
    char low = acurast__lower(c);
    return (low >= 'a' && low <= 'z') || acurast__is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Whatever can be seen, but for the # of a fragment, which nobody may send. */
static bool is_target(char c)
{
    return c > ' ' && c < 0x7f && c != '#';
}

static bool is_value(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* As many bytes of that kind as there are. Something has to follow them. */
static bool take(reading *r, bool (*is)(char), acurast__slice *found)
{
    found->text = r->at;
    while (r->at < r->end && is(*r->at))
        r->at++;
    found->size = (size_t)(r->at - found->text);
    return r->at < r->end || stop(r, 0);
}

/* At least one of them. */
static bool take_some(reading *r, bool (*is)(char), acurast__slice *found)
{
    return take(r, is, found) && (found->size || stop(r, 400));
}

static bool pass(reading *r, const char *expected)
{
    for (; *expected; expected++, r->at++)
        if (r->at == r->end || *r->at != *expected)
            return stop(r, r->at == r->end ? 0 : 400);
    return true;
}

/* Once at most. */
static bool keep(reading *r, const char **field, acurast__slice value)
{
    if (!r->whole)
        return true;
    if (*field)
        return stop(r, 400);
    *field = value.text;
    r->ends[r->kept++] = (size_t)(value.text + value.size - r->bytes);
    return true;
}

/* ---- the request line ---- */

static bool is_exactly(acurast__slice text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.text, word, text.size) == 0;
}

static bool read_method(reading *r, acurast__slice *method)
{
    bool taken = take_some(r, is_token, method);
    if (method->size > METHOD_MAX)
        return stop(r, 501);
    return taken && pass(r, " ") && keep(r, &r->head->method, *method);
}

/* Other methods have other targets, of which nobody makes anything: they are refused as methods. */
static bool read_target(reading *r, acurast__slice method)
{
    bool served = is_exactly(method, "GET") || is_exactly(method, "HEAD");
    if (served && r->at < r->end && *r->at != '/')
        return stop(r, 400);
    acurast__slice target;
    if (!take_some(r, is_target, &target))
        return false;
    const char *query = memchr(target.text, '?', target.size);
    target.size = query ? (size_t)(query - target.text) : target.size;
    return keep(r, &r->head->path, target);
}

static bool take_digit(reading *r, char *digit)
{
    if (r->at == r->end || !acurast__is_digit(*r->at))
        return stop(r, r->at == r->end ? 0 : 400);
    *digit = *r->at++;
    return true;
}

static bool read_version(reading *r)
{
    char major, minor;
    if (!pass(r, " HTTP/") || !take_digit(r, &major) || !pass(r, ".") || !take_digit(r, &minor))
        return false;
    r->old = minor == '0';
    return (major == '1' && (minor == '0' || minor == '1')) || stop(r, 505);
}

static bool read_request_line(reading *r)
{
    acurast__slice method;
    return read_method(r, &method) && read_target(r, method) && read_version(r) && pass(r, "\r\n");
}

/* ---- headers ---- */

static bool is_named(acurast__slice name, const char *word)
{
    return acurast__is_word(name, word, strlen(word));
}

/* Whether one of the words of a list is this one. */
static bool lists(acurast__slice list, const char *word)
{
    for (;;) {
        const char *comma = memchr(list.text, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.text) : list.size;
        if (is_named(acurast__trim(list.text, size), word))
            return true;
        if (!comma)
            return false;
        list.text += size + 1;
        list.size -= size + 1;
    }
}

/* There is room: what is added, with its comma or NUL, is shorter than the line it is from. */
static void add_forwarded(reading *r, acurast__slice value)
{
    char *text = r->head->forwarded;
    if (r->head->forwarded_for) {
        memcpy(text + r->forwarded, ", ", 2);
        r->forwarded += 2;
    }
    memcpy(text + r->forwarded, value.text, value.size);
    r->forwarded += value.size;
    text[r->forwarded] = 0;
    r->head->forwarded_for = text;
}

static bool use_header(reading *r, acurast__slice name, acurast__slice value)
{
    acurast__request_head *head = r->head;
    const struct {
        const char *name;
        const char **field;
    } single[KEPT_MAX - 2] = {
        {"host", &head->host},
        {"upgrade", &head->upgrade},
        {"sec-websocket-key", &head->key},
        {"sec-websocket-version", &head->version},
        {"sec-websocket-protocol", &head->protocol},
        {"content-length", &r->length},
        {"transfer-encoding", &r->encoding},
    };
    for (size_t i = 0; i < KEPT_MAX - 2; i++)
        if (is_named(name, single[i].name))
            return keep(r, single[i].field, value);
    if (is_named(name, "connection"))
        head->upgrades |= lists(value, "upgrade");
    else if (is_named(name, "x-forwarded-for"))
        add_forwarded(r, value);
    head->proxied |=
        head->forwarded_for || is_named(name, "x-real-ip") || is_named(name, "via") || is_named(name, "forwarded");
    return true;
}

static bool read_headers(reading *r)
{
    while (r->at == r->end || *r->at != '\r') {
        acurast__slice name, value;
        if (!take_some(r, is_token, &name) || !pass(r, ":") || !take(r, is_value, &value) || !pass(r, "\r\n"))
            return false;
        if (r->whole && !use_header(r, name, acurast__trim(value.text, value.size)))
            return false;
    }
    return pass(r, "\r\n");
}

/* ---- the whole ---- */

static bool conclude_body(reading *r)
{
    const char *length = r->length;
    if (length && (r->encoding || !*length || length[strspn(length, "0123456789")]))
        return stop(r, 400);
    r->head->body = r->encoding || (length && length[strspn(length, "0")]);
    return true;
}

/* What only all headers together tell. */
static bool conclude(reading *r, char *bytes)
{
    acurast__request_head *head = r->head;
    head->size = (size_t)(r->at - bytes);
    for (size_t i = 0; i < r->kept; i++)
        bytes[r->ends[i]] = 0;
    if (!head->host && !r->old)
        return stop(r, 400);
    if (!head->host)
        head->host = "";
    if (r->old) {
        head->upgrade = NULL;
        head->upgrades = false;
    }
    return conclude_body(r);
}

acurast__request_progress acurast__request_read(acurast__request_head *head, char *bytes, size_t size, size_t known)
{
    bool full = size >= ACURAST__REQUEST_MAX;
    size = full ? ACURAST__REQUEST_MAX : size;
    size_t line = known < size ? known : size;
    while (line && bytes[line - 1] != '\n')
        line--;
    reading r = {.head = head, .bytes = bytes, .at = bytes + line, .end = bytes + size};
    memset(head, 0, offsetof(acurast__request_head, forwarded));
    bool headers = line || read_request_line(&r);
    if (headers && read_headers(&r)) {
        r.whole = true;
        r.at = bytes;
        if (read_request_line(&r) && read_headers(&r) && conclude(&r, bytes))
            return ACURAST__REQUEST_WHOLE;
    } else if (!head->status && full) {
        head->status = headers ? 431 : 414;
    }
    return head->status ? ACURAST__REQUEST_WRONG : ACURAST__REQUEST_MORE;
}
