/*
 * What comes in one payload is an intake: a copy of the payload, its requests, and for a batch the answers so far. An intake lives until
 * the last of its requests is answered or forgotten. A request is waiting (in the list), or runs (in the table of numbers), or has ended.
 */
#include "rpc/serve.h"

#include "base/bytes.h"
#include "base/list.h"
#include "base/memory.h"
#include "rpc/slots.h"

#include <stdlib.h>

struct intake;

typedef struct request {
    acurast__list link; /* among those that wait, or those that run */
    struct intake *intake;
    uint64_t number; /* 0: does not run */
    void *user;
    bool notification;
    acurast__raw id, params;
    char *method;
} request;

typedef struct intake {
    uint8_t sender[16];
    acurast__rpc_encoding encoding;
    bool batch;
    size_t charge; /* bytes that it counts for */
    size_t left;   /* requests that have not ended */
    acurast__buffer answers;
    request requests[];
    /* then the payload, and the names of the methods */
} intake;

typedef struct method {
    char *name;
    size_t size;
    void *user;
} method;

struct acurast__serve {
    acurast__serve_limits limits;
    method *methods; /* by name */
    size_t method_count, method_capacity;
    acurast__list waiting, running;
    size_t waiting_count;
    acurast__slots numbers;
    size_t bytes;
    uint64_t refused;
};

acurast__serve *acurast__serve_create(const acurast__serve_limits *limits)
{
    acurast__serve *serve = acurast__alloc_zero(sizeof *serve);
    if (!serve)
        return NULL;
    serve->limits = *limits;
    acurast__list_init(&serve->waiting);
    acurast__list_init(&serve->running);
    acurast__slots_init(&serve->numbers, limits->running);
    return serve;
}

/* An intake whose last request has ended. */
static void intake_free(acurast__serve *serve, intake *in)
{
    serve->bytes -= in->charge;
    acurast__buffer_clear(&in->answers);
    acurast__free(in);
}

/* The request waits and runs no more. The intake is freed with its last. */
static void forget(acurast__serve *serve, request *r)
{
    intake *in = r->intake;
    if (r->number)
        acurast__slots_remove(&serve->numbers, r->number);
    else
        serve->waiting_count--;
    r->number = 0;
    acurast__list_remove(&r->link);
    if (--in->left == 0)
        intake_free(serve, in);
}

static void forget_all(acurast__serve *serve, acurast__list *list)
{
    while (!acurast__list_empty(list))
        forget(serve, ACURAST__CONTAINER(list->next, request, link));
}

void acurast__serve_destroy(acurast__serve *serve)
{
    if (!serve)
        return;
    forget_all(serve, &serve->waiting);
    forget_all(serve, &serve->running);
    for (size_t i = 0; i < serve->method_count; i++)
        acurast__free(serve->methods[i].name);
    acurast__free(serve->methods);
    acurast__slots_clear(&serve->numbers);
    acurast__free(serve);
}

/* Where the name is, or would be. */
static size_t search(const acurast__serve *serve, const char *name, size_t size, bool *found)
{
    size_t low = 0, high = serve->method_count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const method *m = &serve->methods[middle];
        int order = memcmp(m->name, name, m->size < size ? m->size : size);
        if (order == 0 && m->size == size) {
            *found = true;
            return middle;
        }
        if (order < 0 || (order == 0 && m->size < size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const method *find(const acurast__serve *serve, const acurast__rpc_message *message)
{
    bool found;
    size_t at = search(serve, message->method, message->method_size, &found);
    return found ? &serve->methods[at] : NULL;
}

static acurast_status insert(acurast__serve *serve, size_t at, const char *name, size_t size, void *user)
{
    if (serve->method_count == serve->method_capacity) {
        size_t capacity = serve->method_capacity ? serve->method_capacity * 2 : 8;
        method *grown = acurast__realloc(serve->methods, capacity * sizeof *grown);
        if (!grown)
            return ACURAST_NO_MEMORY;
        serve->methods = grown;
        serve->method_capacity = capacity;
    }
    char *copy = acurast__copy_text(name);
    if (!copy)
        return ACURAST_NO_MEMORY;
    memmove(serve->methods + at + 1, serve->methods + at, (serve->method_count - at) * sizeof *serve->methods);
    serve->methods[at] = (method){copy, size, user};
    serve->method_count++;
    return ACURAST_OK;
}

acurast_status acurast__serve_method(acurast__serve *serve, const char *name, void *user)
{
    bool found;
    size_t size = strlen(name), at = search(serve, name, size, &found);
    if (!size || size > ACURAST__RPC_METHOD_MAX || strncmp(name, "$/", 2) == 0 || strncmp(name, "rpc.", 4) == 0)
        return ACURAST_INVALID;
    if (!found)
        return insert(serve, at, name, size, user);
    serve->methods[at].user = user;
    return ACURAST_OK;
}

acurast_status acurast__serve_remove(acurast__serve *serve, const char *name)
{
    bool found;
    size_t at = search(serve, name, strlen(name), &found);
    if (!found)
        return ACURAST_NOT_FOUND;
    acurast__free(serve->methods[at].name);
    serve->method_count--;
    memmove(serve->methods + at, serve->methods + at + 1, (serve->method_count - at) * sizeof *serve->methods);
    return ACURAST_OK;
}

/* A batch's answers stand in one array. */
static void put_error(acurast__buffer *to, bool batch, acurast__rpc_encoding encoding, acurast__raw id, int64_t code)
{
    acurast__rpc_error error = {.code = code, .message = "busy"};
    if (code == ACURAST__RPC_NO_METHOD)
        error.message = "Method not found";
    else if (code == ACURAST__RPC_INVALID_REQUEST)
        error.message = "Invalid Request";
    else if (code == ACURAST__RPC_PARSE_ERROR)
        error.message = "Parse error";
    if (batch)
        acurast__buffer_text(to, to->size ? "," : "[");
    acurast__rpc_write_error(to, encoding, id, &error);
}

/* The code of the error that a message gets at once; 0: none. */
static int64_t refusal(const acurast__serve *serve, const acurast__rpc_message *message)
{
    if (message->kind == ACURAST__RPC_INVALID)
        return message->answer ? 0 : ACURAST__RPC_INVALID_REQUEST;
    return message->kind == ACURAST__RPC_REQUEST && !find(serve, message) ? ACURAST__RPC_NO_METHOD : 0;
}

static bool to_run(const acurast__serve *serve, const acurast__rpc_message *message)
{
    return (message->kind == ACURAST__RPC_REQUEST || message->kind == ACURAST__RPC_NOTIFICATION) &&
           find(serve, message) != NULL;
}

/* A slice of the payload in the copy of it. */
static acurast__raw moved(acurast__raw raw, const uint8_t *from, const uint8_t *to)
{
    return raw.size ? (acurast__raw){to + (raw.bytes - from), raw.size} : raw;
}

static size_t count_of(const acurast__list *list, const uint8_t sender[16])
{
    size_t count = 0;
    for (const acurast__list *at = list->next; at != list; at = at->next)
        count += acurast__id_equal(ACURAST__CONTAINER(at, request, link)->intake->sender, sender);
    return count;
}

/* Whether a sender may have that many more. They are counted only where there are so many at all. */
static bool within_share(const acurast__serve *serve, const uint8_t sender[16], size_t more)
{
    uint32_t each = serve->limits.each;
    if (!each || serve->waiting_count + serve->numbers.count + more <= each)
        return true;
    return count_of(&serve->waiting, sender) + count_of(&serve->running, sender) + more <= each;
}

/* A copy of the payload with `count` requests, which wait. NULL: no room. */
static intake *take(acurast__serve *serve, const uint8_t sender[16], const acurast__rpc_parsed *parsed,
                    const uint8_t *payload, size_t size, size_t count)
{
    size_t names = 0, used = 0;
    for (size_t i = 0; i < parsed->count; i++)
        names += to_run(serve, &parsed->messages[i]) ? parsed->messages[i].method_size + 1 : 0;
    size_t charge = sizeof(intake) + count * sizeof(request) + size + names;
    if (count > serve->limits.waiting - serve->waiting_count || charge > serve->limits.bytes - serve->bytes ||
        !within_share(serve, sender, count))
        return NULL;
    intake *in = acurast__alloc(charge);
    if (!in)
        return NULL;
    *in = (intake){.encoding = parsed->encoding, .batch = parsed->batch, .charge = charge, .left = count};
    memcpy(in->sender, sender, sizeof in->sender);
    uint8_t *copy = (uint8_t *)(in->requests + count);
    char *name = (char *)copy + size;
    memcpy(copy, payload, size);
    for (size_t i = 0; i < parsed->count; i++) {
        const acurast__rpc_message *m = &parsed->messages[i];
        if (!to_run(serve, m))
            continue;
        request *r = &in->requests[used++];
        *r = (request){.intake = in,
                       .user = find(serve, m)->user,
                       .notification = m->kind == ACURAST__RPC_NOTIFICATION,
                       .id = moved(m->part[ACURAST__RPC_PART_ID], payload, copy),
                       .params = moved(m->part[ACURAST__RPC_PART_PARAMS], payload, copy),
                       .method = name};
        memcpy(name, m->method, m->method_size);
        name[m->method_size] = '\0';
        name += m->method_size + 1;
        acurast__list_append(&serve->waiting, &r->link);
    }
    serve->bytes += charge;
    serve->waiting_count += count;
    return in;
}

/* Errors that are known at once; where nothing could be taken, all that should run is busy. */
static void refuse(acurast__serve *serve, const acurast__rpc_parsed *parsed, bool taken, acurast__buffer *to)
{
    for (size_t i = 0; i < parsed->count; i++) {
        const acurast__rpc_message *m = &parsed->messages[i];
        int64_t code = refusal(serve, m);
        if (!code && !taken && to_run(serve, m)) {
            serve->refused++;
            code = m->kind == ACURAST__RPC_REQUEST ? ACURAST__RPC_BUSY : 0;
        }
        size_t before = to->size;
        if (code)
            put_error(to, parsed->batch, parsed->encoding, m->part[ACURAST__RPC_PART_ID], code);
        if (to->failed) { /* nothing is said rather than half of it */
            to->failed = false;
            to->size = before;
            serve->refused++;
        }
    }
}

/* How many requests are to run, and whether anything here is for us. */
static size_t survey(const acurast__serve *serve, const acurast__rpc_parsed *parsed, bool *ours)
{
    size_t count = 0;
    *ours = parsed->verdict == ACURAST__RPC_BROKEN;
    for (size_t i = 0; i < parsed->count; i++) {
        bool runs = to_run(serve, &parsed->messages[i]);
        count += runs;
        *ours |= runs || refusal(serve, &parsed->messages[i]);
    }
    *ours &= serve->method_count != 0;
    return count;
}

/* What a batch has gathered counts as well; without this, answers would be unbounded. */
static bool charge(acurast__serve *serve, intake *in, size_t before)
{
    size_t more = in->answers.capacity - before;
    if (more > serve->limits.bytes - serve->bytes)
        return false;
    serve->bytes += more;
    in->charge += more;
    return true;
}

bool acurast__serve_receive(acurast__serve *serve, const uint8_t sender[16], const acurast__rpc_parsed *parsed,
                            const uint8_t *payload, size_t size, acurast__reply *reply)
{
    bool ours;
    size_t count = survey(serve, parsed, &ours);
    *reply = (acurast__reply){0};
    if (!ours)
        return false;
    memcpy(reply->recipient, sender, sizeof reply->recipient);
    acurast__buffer *to = &reply->payload;
    if (parsed->verdict == ACURAST__RPC_BROKEN) {
        put_error(to, false, parsed->encoding, (acurast__raw){0}, ACURAST__RPC_PARSE_ERROR);
        serve->refused += to->failed;
        if (to->failed)
            acurast__buffer_clear(to);
        return true;
    }
    intake *in = count ? take(serve, sender, parsed, payload, size, count) : NULL;
    bool later = in && parsed->batch; /* what is said now stands in the array that comes when all have ended */
    refuse(serve, parsed, in != NULL, later ? &in->answers : to);
    if (later)
        (void)charge(serve, in, 0);
    else if (parsed->batch && to->size)
        acurast__buffer_text(to, "]");
    if (to->failed || !to->size)
        acurast__buffer_clear(to);
    return true;
}

bool acurast__serve_next(acurast__serve *serve, acurast__serve_request *out)
{
    if (acurast__list_empty(&serve->waiting))
        return false;
    request *r = ACURAST__CONTAINER(serve->waiting.next, request, link);
    uint64_t number = acurast__slots_put(&serve->numbers, r); /* 0: enough run, or no memory */
    if (!number)
        return false;
    r->number = number;
    serve->waiting_count--;
    acurast__list_remove(&r->link);
    acurast__list_append(&serve->running, &r->link);
    *out = (acurast__serve_request){.number = number,
                                    .user = r->user,
                                    .encoding = r->intake->encoding,
                                    .notification = r->notification,
                                    .params = r->params,
                                    .method = r->method};
    memcpy(out->sender, r->intake->sender, sizeof out->sender);
    return true;
}

static void put_answer(acurast__buffer *to, const request *r, acurast__raw result, const acurast__rpc_error *error)
{
    const intake *in = r->intake;
    if (in->batch)
        acurast__buffer_text(to, to->size ? "," : "[");
    if (error)
        acurast__rpc_write_error(to, in->encoding, r->id, error);
    else
        acurast__rpc_write_result(to, in->encoding, r->id, result);
}

/* The last of a batch has ended: what was gathered is the reply. */
static bool hand_over(intake *in, acurast__reply *reply)
{
    if (!in->answers.size)
        return true;
    acurast__buffer_text(&in->answers, "]");
    if (in->answers.failed)
        return false;
    reply->payload = in->answers;
    in->answers = (acurast__buffer){0};
    return true;
}

/* Adds to what a batch has gathered; on failure that is as it was. */
static bool gather(acurast__serve *serve, request *r, acurast__raw result, const acurast__rpc_error *error,
                   acurast__reply *reply)
{
    intake *in = r->intake;
    size_t size = in->answers.size, capacity = in->answers.capacity;
    if (!r->notification)
        put_answer(&in->answers, r, result, error);
    bool good = !in->answers.failed && (in->left > 1 || hand_over(in, reply));
    if (good && in->left > 1 && !charge(serve, in, capacity))
        good = false;
    if (!good) {
        in->answers.failed = false;
        in->answers.size = size;
    }
    return good;
}

acurast_status acurast__serve_answer(acurast__serve *serve, uint64_t number, acurast__raw result,
                                     const acurast__rpc_error *error, acurast__reply *reply)
{
    request *r = acurast__slots_get(&serve->numbers, number);
    *reply = (acurast__reply){0};
    if (!r)
        return ACURAST_NOT_FOUND;
    memcpy(reply->recipient, r->intake->sender, sizeof reply->recipient);
    if (r->intake->batch) {
        if (!gather(serve, r, result, error, reply))
            return ACURAST_NO_MEMORY;
    } else if (!r->notification) {
        put_answer(&reply->payload, r, result, error);
    }
    if (reply->payload.failed) {
        acurast__buffer_clear(&reply->payload);
        return ACURAST_NO_MEMORY;
    }
    forget(serve, r);
    return ACURAST_OK;
}

acurast_status acurast__serve_drop(acurast__serve *serve, uint64_t number, acurast__reply *reply)
{
    request *r = acurast__slots_get(&serve->numbers, number);
    *reply = (acurast__reply){0};
    if (!r)
        return ACURAST_NOT_FOUND;
    memcpy(reply->recipient, r->intake->sender, sizeof reply->recipient);
    bool good = r->intake->left > 1 || hand_over(r->intake, reply);
    forget(serve, r);
    return good ? ACURAST_OK : ACURAST_NO_MEMORY;
}

acurast_status acurast__serve_progress(acurast__serve *serve, uint64_t number, acurast__raw value,
                                       acurast__reply *reply)
{
    const request *r = acurast__slots_get(&serve->numbers, number);
    *reply = (acurast__reply){0};
    if (!r)
        return ACURAST_NOT_FOUND;
    memcpy(reply->recipient, r->intake->sender, sizeof reply->recipient);
    if (r->notification)
        return ACURAST_OK;
    acurast__rpc_write_progress(&reply->payload, r->intake->encoding, r->id, value);
    if (!reply->payload.failed)
        return ACURAST_OK;
    acurast__buffer_clear(&reply->payload);
    return ACURAST_NO_MEMORY;
}

uint64_t acurast__serve_gone(acurast__serve *serve, const uint8_t sender[16])
{
    acurast__list *next;
    for (acurast__list *at = serve->waiting.next; at != &serve->waiting; at = next) {
        request *r = ACURAST__CONTAINER(at, request, link);
        next = at->next; /* where that is of the same intake, forgetting this one does not free it */
        if (acurast__id_equal(r->intake->sender, sender))
            forget(serve, r);
    }
    for (acurast__list *at = serve->running.next; at != &serve->running; at = at->next) {
        request *r = ACURAST__CONTAINER(at, request, link);
        uint64_t number = r->number;
        if (!acurast__id_equal(r->intake->sender, sender))
            continue;
        forget(serve, r);
        return number;
    }
    return 0;
}

size_t acurast__serve_running(const acurast__serve *serve)
{
    return serve->numbers.count;
}

size_t acurast__serve_waiting(const acurast__serve *serve)
{
    return serve->waiting_count;
}

uint64_t acurast__serve_refused(const acurast__serve *serve)
{
    return serve->refused;
}

bool acurast__serve_encoding(const acurast__serve *serve, uint64_t number, acurast__rpc_encoding *encoding)
{
    const request *r = acurast__slots_get(&serve->numbers, number);
    if (r)
        *encoding = r->intake->encoding;
    return r;
}
