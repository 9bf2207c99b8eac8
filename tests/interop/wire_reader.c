/*
 * The readers of the wire as a program, for a comparison with other implementations:  wire_reader request|service|client [LIMIT]
 *
 * Each record of the standard input is the size of a stream and the size of its slices, 0 for one slice, both four bytes in big-endian
 * order, and the stream. Each is answered with a line of words: what was read from it. Bytes are written in hexadecimal.
 */
#include "base/bytes.h"
#include "wire/request.h"
#include "wire/ws_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_MAX (size_t)(1024 * 1024)

static void die(const char *reason)
{
    fprintf(stderr, "wire_reader: %s\n", reason);
    exit(1);
}

/* A block of exactly that size, so that a sanitizer sees a read beyond it. */
static void *block(size_t size)
{
    void *made = malloc(size ? size : 1);
    if (!made)
        die("no memory");
    return made;
}

static void put_hex(const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        putchar(digits[((const uint8_t *)bytes)[i] >> 4]);
        putchar(digits[((const uint8_t *)bytes)[i] & 15]);
    }
}

/* ---- requests ---- */

static void put_text(const char *name, const char *text)
{
    if (!text)
        return;
    printf(" %s:", name);
    put_hex(text, strlen(text));
}

static void put_head(const acurast__request_head *head)
{
    printf("whole size:%zu", head->size);
    put_text("method", head->method);
    put_text("path", head->path);
    put_text("host", head->host);
    put_text("upgrade", head->upgrade);
    put_text("sec-websocket-key", head->key);
    put_text("sec-websocket-version", head->version);
    put_text("sec-websocket-protocol", head->protocol);
    put_text("x-forwarded-for", head->forwarded_for);
    printf("%s%s%s", head->upgrades ? " upgrades" : "", head->body ? " body" : "", head->proxied ? " proxied" : "");
}

static void read_request(const uint8_t *stream, size_t size, size_t slice)
{
    static acurast__request_head head;
    acurast__request_progress progress = ACURAST__REQUEST_MORE;
    for (size_t known = 0, have; progress == ACURAST__REQUEST_MORE && known < size; known = have) {
        have = slice && slice < size - known ? known + slice : size;
        char *bytes = block(have);
        memcpy(bytes, stream, have);
        progress = acurast__request_read(&head, bytes, have, known);
        if (progress == ACURAST__REQUEST_WHOLE)
            put_head(&head);
        free(bytes);
    }
    if (progress == ACURAST__REQUEST_MORE)
        printf("more");
    else if (progress == ACURAST__REQUEST_WRONG)
        printf("wrong %u", head.status);
}

/* ---- frames ---- */

/* A message is told once it is whole: control frames may lie between its pieces. */
static void put_data(const acurast__ws_found *event)
{
    static uint8_t message[STREAM_MAX];
    static size_t size;
    size = event->first ? 0 : size;
    memcpy(message + size, event->bytes, event->size);
    size += event->size;
    if (!event->last)
        return;
    printf(event->text ? " text:" : " binary:");
    put_hex(message, size);
}

static void put_event(const acurast__ws_found *event)
{
    switch (event->kind) {
    case ACURAST__WS_NOTHING:
        return;
    case ACURAST__WS_MESSAGE:
    case ACURAST__WS_PIECE:
        put_data(event);
        return;
    case ACURAST__WS_TOO_LARGE:
        printf(" large");
        return;
    case ACURAST__WS_ERROR:
        printf(" error:%u:", event->code);
        put_hex(event->problem, strlen(event->problem));
        return;
    case ACURAST__WS_CLOSE:
        printf(" close:%u:", event->code);
        break;
    case ACURAST__WS_PING:
        printf(" ping:");
        break;
    case ACURAST__WS_PONG:
        printf(" pong:");
        break;
    }
    put_hex(event->bytes, event->size);
}

static void read_frames(const uint8_t *stream, size_t size, size_t slice, bool client, size_t limit)
{
    acurast__ws_reader reader;
    acurast__ws_found event = {0};
    uint8_t rest[ACURAST__WS_REST_MAX];
    size_t rest_size = 0;
    acurast__ws_reader_init(&reader, client);
    for (size_t at = 0, step; at < size; at += step) {
        step = slice && slice < size - at ? slice : size - at;
        uint8_t *bytes = block(rest_size + step);
        memcpy(bytes, rest, rest_size);
        memcpy(bytes + rest_size, stream + at, step);
        acurast__ws_span span = {bytes, bytes + rest_size + step};
        while (acurast__ws_reader_next(&reader, &span, limit, &event) != ACURAST__WS_NOTHING)
            put_event(&event);
        rest_size = (size_t)(span.end - span.at);
        if (rest_size > sizeof rest)
            die("too much is left");
        memcpy(rest, span.at, rest_size);
        free(bytes);
    }
}

int main(int count, char **arguments)
{
    if (count < 2)
        die("request|service|client [LIMIT]");
    bool request = strcmp(arguments[1], "request") == 0, client = strcmp(arguments[1], "client") == 0;
    size_t limit = count > 2 ? strtoul(arguments[2], NULL, 10) : STREAM_MAX;
    uint8_t sizes[8];
    while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
        uint64_t both = acurast__load_be64(sizes);
        size_t size = (size_t)(both >> 32), slice = (size_t)(both & UINT32_MAX);
        if (size > STREAM_MAX)
            die("a stream that is too large");
        uint8_t *stream = block(size);
        if (fread(stream, 1, size, stdin) != size)
            die("a stream in part");
        if (request)
            read_request(stream, size, slice);
        else
            read_frames(stream, size, slice, client, limit);
        putchar('\n');
        free(stream);
    }
    return 0;
}
