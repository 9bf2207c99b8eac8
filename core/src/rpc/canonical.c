/*
 * The form is written as the reader goes; at the end of an object its members, which lie one after the other in what was written, are
 * sorted. A list of where members begin serves all open objects: each remembers where its own begin in it.
 */
#include "rpc/canonical.h"

#include "base/memory.h"
#include "rpc/json_reader.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct member {
    size_t begin; /* of the key, in what was written */
    size_t value; /* of the value */
    size_t end;
} member;

typedef struct forming {
    acurast__json_reader reader; /* first */
    acurast__buffer *to;
    member *members; /* of all open objects */
    size_t count, capacity;
    size_t first[ACURAST__RPC_DEPTH_MAX]; /* of each open object, by its depth */
    bool failed;
} forming;

static int done(const forming *f)
{
    return !f->failed && !f->to->failed;
}

static void put(forming *f, const void *bytes, size_t size)
{
    acurast__buffer_add(f->to, bytes, size);
}

/* Text as one form of string: only quotes, backslashes and control characters are escaped. */
static void put_string(forming *f, const uint8_t *text, size_t size)
{
    put(f, "\"", 1);
    for (size_t begin = 0, i = 0; i <= size; i++) {
        if (i < size && text[i] >= ' ' && text[i] != '"' && text[i] != '\\')
            continue;
        put(f, text + begin, i - begin);
        begin = i + 1;
        if (i < size) {
            char escaped[8];
            int length = snprintf(escaped, sizeof escaped, text[i] < ' ' ? "\\u%04x" : "\\%c", text[i]);
            put(f, escaped, (size_t)length);
        }
    }
    put(f, "\"", 1);
}

/* An exponent of up to nine digits. */
static bool read_exponent(const char *text, size_t size, int64_t *exponent)
{
    bool negative = size && text[0] == '-';
    size_t i = size && (text[0] == '-' || text[0] == '+');
    while (i < size && text[i] == '0')
        i++;
    if (size - i > 9)
        return false;
    for (*exponent = 0; i < size; i++)
        *exponent = *exponent * 10 + (text[i] - '0');
    *exponent = negative ? -*exponent : *exponent;
    return true;
}

/* The digits without zeros at either end, and the power of ten of the last: -12.50e3 becomes -125e2. */
static void put_number(forming *f, const char *text, size_t size)
{
    const char *e = memchr(text, 'e', size), *big = e ? e : memchr(text, 'E', size);
    size_t whole = big ? (size_t)(big - text) : size;
    const char *point = memchr(text, '.', whole);
    int64_t exponent = 0;
    if (big && !read_exponent(big + 1, size - whole - 1, &exponent)) {
        put(f, text, size);
        return;
    }
    size_t begin = f->to->size, digits = 0;
    if (point)
        exponent -= (int64_t)(text + whole - point - 1);
    if (text[0] == '-')
        put(f, "-", 1);
    size_t first = f->to->size;
    uint8_t *to = acurast__buffer_room(f->to, whole);
    for (size_t i = 0; to && i < whole; i++)
        if (text[i] >= '0' && text[i] <= '9' && (digits || text[i] != '0'))
            to[digits++] = (uint8_t)text[i];
    for (; digits && to[digits - 1] == '0'; digits--)
        exponent++;
    if (!digits) {
        f->to->size = begin;
        put(f, "0", 1);
        return;
    }
    char power[32];
    int length = snprintf(power, sizeof power, "e%lld", (long long)exponent);
    f->to->size = first + digits;
    put(f, power, (size_t)length);
}

/* In an array, and behind a member's value, a comma follows each value, the last as well. */
static int value_ended(forming *f)
{
    if (f->reader.depth)
        put(f, ",", 1);
    return done(f);
}

static int null(void *context)
{
    forming *f = context;
    acurast__json_scalar(&f->reader);
    put(f, "null", 4);
    return value_ended(f);
}

static int boolean(void *context, int value)
{
    forming *f = context;
    acurast__json_scalar(&f->reader);
    put(f, value ? "true" : "false", value ? 4 : 5);
    return value_ended(f);
}

static int number(void *context, const char *digits, size_t size)
{
    forming *f = context;
    acurast__json_scalar(&f->reader);
    put_number(f, digits, size);
    return value_ended(f);
}

static int string(void *context, const unsigned char *text, size_t size)
{
    forming *f = context;
    acurast__json_scalar(&f->reader);
    put_string(f, text, size);
    return value_ended(f);
}

static int open_array(void *context)
{
    forming *f = context;
    put(f, "[", 1);
    return acurast__json_opens(&f->reader) && done(f);
}

static int close_array(void *context)
{
    forming *f = context;
    acurast__json_closes(&f->reader);
    put(f, "]", 1);
    return value_ended(f);
}

static int open_map(void *context)
{
    forming *f = context;
    if (!acurast__json_opens(&f->reader))
        return 0;
    f->first[f->reader.depth - 1] = f->count;
    put(f, "{", 1);
    return done(f);
}

static int key(void *context, const unsigned char *text, size_t size)
{
    forming *f = context;
    if (f->count == f->capacity) {
        size_t capacity = f->capacity ? f->capacity * 2 : 16;
        member *grown = acurast__realloc(f->members, capacity * sizeof *grown);
        f->failed = !grown;
        if (!grown)
            return 0;
        f->members = grown;
        f->capacity = capacity;
    }
    member *added = &f->members[f->count++];
    added->begin = f->to->size;
    put_string(f, text, size);
    put(f, ":", 1);
    added->value = f->to->size;
    return done(f);
}

/* What qsort's function compares by; it is given no context. Each thread has its own. */
static _Thread_local const uint8_t *written;

static int by_key(const void *left, const void *right)
{
    const member *a = left, *b = right;
    size_t a_size = a->value - a->begin, b_size = b->value - b->begin;
    int order = memcmp(written + a->begin, written + b->begin, a_size < b_size ? a_size : b_size);
    if (order == 0 && a_size != b_size)
        order = a_size < b_size ? -1 : 1;
    return order ? order : a->begin < b->begin ? -1 : a->begin > b->begin;
}

/* The members of the object that ends, from `first` on, in order. */
static void put_in_order(forming *f, size_t first)
{
    size_t count = f->count - first;
    if (count < 2)
        return;
    member *members = f->members + first;
    size_t begin = members[0].begin, size = f->to->size - begin, used = 0;
    for (size_t i = 0; i < count; i++)
        members[i].end = i + 1 < count ? members[i + 1].begin : f->to->size;
    uint8_t *sorted = acurast__alloc(size);
    f->failed = !sorted;
    if (!sorted)
        return;
    written = f->to->bytes;
    qsort(members, count, sizeof *members, by_key);
    for (size_t i = 0; i < count; i++) {
        memcpy(sorted + used, written + members[i].begin, members[i].end - members[i].begin);
        used += members[i].end - members[i].begin;
    }
    memcpy(f->to->bytes + begin, sorted, size);
    acurast__free(sorted);
}

static int close_map(void *context)
{
    forming *f = context;
    size_t first = f->first[f->reader.depth - 1];
    acurast__json_closes(&f->reader);
    put_in_order(f, first);
    f->count = first;
    put(f, "}", 1);
    return value_ended(f);
}

acurast_status acurast__canonical(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw raw)
{
    static const yajl_callbacks events = {.yajl_null = null,
                                          .yajl_boolean = boolean,
                                          .yajl_number = number,
                                          .yajl_string = string,
                                          .yajl_start_map = open_map,
                                          .yajl_map_key = key,
                                          .yajl_end_map = close_map,
                                          .yajl_start_array = open_array,
                                          .yajl_end_array = close_array};
    if (encoding == ACURAST__RPC_MSGPACK) {
        acurast__buffer_add(to, raw.bytes, raw.size);
        return to->failed ? ACURAST_NO_MEMORY : ACURAST_OK;
    }
    forming f = {.to = to};
    acurast__json_end end = acurast__json_read(&f.reader, &events, raw.bytes, raw.size);
    acurast__free(f.members);
    if (end == ACURAST__JSON_NO_MEMORY || !done(&f))
        return ACURAST_NO_MEMORY;
    return end == ACURAST__JSON_GOOD ? ACURAST_OK : ACURAST_INVALID;
}
