/*
 * Each open call is in three places: the numbers' table, the map from ids, and a heap whose top is the deadline that comes next. The map's
 * key is the id's 16 bytes; for MessagePack-RPC the four bytes of the id behind twelve zeros. What ended is remembered in a ring: the
 * key, and whether it was answered.
 *
 * An id of JSON-RPC is a || b, with a = F(key 1, counter) and b = F(key 2, a), F being SipHash-2-4; an id of MessagePack-RPC is the
 * first half of a, of the first counter for which it is not in use.
 */
#include "rpc/calls.h"

#include "base/bytes.h"
#include "base/idmap.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "rpc/msgpack.h"
#include "rpc/slots.h"

#include <sodium.h>

#define RING_SIZE 256u
#define ID_TEXT_SIZE 34 /* 32 digits in quotes */

_Static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8, "two keys, two halves of an id");

typedef struct call {
    acurast__call public;
    acurast__rpc_encoding encoding;
    uint8_t id[16];
    uint64_t deadline;
    size_t place; /* in the heap */
} call;

typedef struct ended {
    uint8_t id[16];
    bool answered;
} ended;

struct acurast__calls {
    uint8_t key[ACURAST__CALLS_KEY_SIZE];
    uint64_t counter;
    acurast__slots numbers;
    acurast__idmap ids;
    call **heap;
    size_t heap_size, heap_capacity;
    ended ring[RING_SIZE];
    size_t ring_used, ring_next;
    uint64_t counts[ACURAST__CALLS_VERDICTS];
};

acurast__calls *acurast__calls_create(const uint8_t key[ACURAST__CALLS_KEY_SIZE], uint32_t most)
{
    acurast__calls *calls = acurast__alloc_zero(sizeof *calls);
    if (!calls)
        return NULL;
    memcpy(calls->key, key, sizeof calls->key);
    acurast__slots_init(&calls->numbers, most);
    acurast__idmap_init(&calls->ids);
    return calls;
}

void acurast__calls_destroy(acurast__calls *calls)
{
    if (!calls)
        return;
    for (size_t i = 0; i < calls->heap_size; i++)
        acurast__free(calls->heap[i]);
    acurast__free(calls->heap);
    acurast__slots_clear(&calls->numbers);
    acurast__idmap_clear(&calls->ids);
    sodium_memzero(calls->key, sizeof calls->key);
    acurast__free(calls);
}

static void place(acurast__calls *calls, size_t at, call *c)
{
    calls->heap[at] = c;
    c->place = at;
}

static void sift_up(acurast__calls *calls, size_t at, call *c)
{
    for (; at && calls->heap[(at - 1) / 2]->deadline > c->deadline; at = (at - 1) / 2)
        place(calls, at, calls->heap[(at - 1) / 2]);
    place(calls, at, c);
}

static void sift_down(acurast__calls *calls, size_t at, call *c)
{
    for (size_t child; (child = 2 * at + 1) < calls->heap_size; at = child) {
        if (child + 1 < calls->heap_size && calls->heap[child + 1]->deadline < calls->heap[child]->deadline)
            child++;
        if (calls->heap[child]->deadline >= c->deadline)
            break;
        place(calls, at, calls->heap[child]);
    }
    place(calls, at, c);
}

static bool heap_room(acurast__calls *calls)
{
    if (calls->heap_size < calls->heap_capacity)
        return true;
    size_t capacity = calls->heap_capacity ? calls->heap_capacity * 2 : 16;
    call **grown = acurast__realloc(calls->heap, capacity * sizeof(call *));
    if (!grown)
        return false;
    calls->heap = grown;
    calls->heap_capacity = capacity;
    return true;
}

static void heap_remove(acurast__calls *calls, const call *c)
{
    call *last = calls->heap[--calls->heap_size];
    size_t at = c->place;
    if (last == c)
        return;
    if (at && calls->heap[(at - 1) / 2]->deadline > last->deadline)
        sift_up(calls, at, last);
    else
        sift_down(calls, at, last);
}

static call *find(const acurast__calls *calls, const uint8_t id[16])
{
    return acurast__idmap_get(&calls->ids, id, acurast__id_hash(id));
}

static void checksum(const acurast__calls *calls, const uint8_t half[8], uint8_t sum[8])
{
    (void)crypto_shorthash(sum, half, 8, calls->key + 16);
}

static void make_id(acurast__calls *calls, acurast__rpc_encoding encoding, uint8_t id[16])
{
    uint8_t half[8];
    do {
        acurast__store_be64(half, calls->counter++);
        (void)crypto_shorthash(id, half, sizeof half, calls->key);
        if (encoding == ACURAST__RPC_JSON) {
            checksum(calls, id, id + 8);
        } else {
            memcpy(id + 12, id, 4);
            memset(id, 0, 12);
        }
    } while (find(calls, id));
}

/* The id as it is written. */
static acurast__raw write_id(uint8_t text[ID_TEXT_SIZE + 1], acurast__rpc_encoding encoding, const uint8_t id[16])
{
    if (encoding == ACURAST__RPC_MSGPACK) {
        text[0] = 0xce;
        memcpy(text + 1, id + 12, 4);
        return (acurast__raw){text, 5};
    }
    acurast__hex((char *)text + 1, id, 16);
    text[0] = text[ID_TEXT_SIZE - 1] = '"';
    return (acurast__raw){text, ID_TEXT_SIZE};
}

static bool read_digit(uint8_t *digit, uint8_t c)
{
    if (c >= '0' && c <= '9')
        *digit = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *digit = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

/* False for what cannot be an id of this object, as far as one sees. */
static bool read_id(const acurast__calls *calls, acurast__rpc_encoding encoding, acurast__raw raw, uint8_t id[16])
{
    uint8_t sum[8];
    uint32_t number;
    if (encoding == ACURAST__RPC_MSGPACK) {
        memset(id, 0, 16);
        if (!acurast__msgpack_read_id(raw, &number))
            return false;
        for (size_t i = 0; i < 4; i++)
            id[12 + i] = (uint8_t)(number >> (24 - 8 * i));
        return true;
    }
    if (raw.size != ID_TEXT_SIZE || raw.bytes[0] != '"')
        return false;
    for (size_t i = 0; i < 16; i++) {
        uint8_t high, low;
        if (!read_digit(&high, raw.bytes[1 + 2 * i]) || !read_digit(&low, raw.bytes[2 + 2 * i]))
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    checksum(calls, id, sum);
    return sodium_memcmp(sum, id + 8, sizeof sum) == 0;
}

/* Params are an array or an object, as far as the first byte says; a method's name is text of a sensible size. */
static bool sensible(const acurast__call_params *params)
{
    size_t size = strlen(params->method);
    acurast__raw raw = params->params;
    if (!size || size > ACURAST__RPC_METHOD_MAX || !acurast__utf8_valid((const uint8_t *)params->method, size))
        return false;
    if (!raw.size)
        return true;
    uint8_t first = raw.bytes[0];
    if (params->encoding == ACURAST__RPC_JSON)
        return first == '[' || first == '{';
    return (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);
}

static acurast_status open_call(acurast__calls *calls, call *c, const acurast__call_params *params)
{
    c->public.token = params->token;
    c->encoding = params->encoding;
    c->deadline = params->deadline;
    memcpy(c->public.recipient, params->recipient, 16);
    make_id(calls, params->encoding, c->id);
    if (!heap_room(calls) || !acurast__idmap_put(&calls->ids, c->id, acurast__id_hash(c->id), c))
        return ACURAST_NO_MEMORY;
    c->public.number = acurast__slots_put(&calls->numbers, c);
    if (!c->public.number) {
        acurast__idmap_remove(&calls->ids, c->id, acurast__id_hash(c->id));
        return ACURAST_NO_MEMORY;
    }
    sift_up(calls, calls->heap_size++, c);
    return ACURAST_OK;
}

acurast_status acurast__calls_begin(acurast__calls *calls, const acurast__call_params *params, acurast__buffer *payload,
                                    uint64_t *number)
{
    uint8_t text[ID_TEXT_SIZE + 1];
    if (!sensible(params))
        return ACURAST_INVALID;
    if (acurast__slots_full(&calls->numbers))
        return ACURAST_OUTBOX_FULL;
    call *c = acurast__alloc_zero(sizeof *c);
    if (!c || open_call(calls, c, params) != ACURAST_OK) {
        acurast__free(c);
        return ACURAST_NO_MEMORY;
    }
    acurast__raw id = write_id(text, c->encoding, c->id);
    acurast__rpc_write_request(payload, c->encoding, id, params->method, params->params);
    *number = c->public.number;
    if (!payload->failed)
        return ACURAST_OK;
    acurast__calls_cancel(calls, c->public.number, NULL);
    return ACURAST_NO_MEMORY;
}

static void close_call(acurast__calls *calls, call *c, bool answered, acurast__call *to)
{
    ended *last = &calls->ring[calls->ring_next];
    if (to)
        *to = c->public;
    memcpy(last->id, c->id, sizeof last->id);
    last->answered = answered;
    calls->ring_next = (calls->ring_next + 1) % RING_SIZE;
    if (calls->ring_used < RING_SIZE)
        calls->ring_used++;
    heap_remove(calls, c);
    acurast__idmap_remove(&calls->ids, c->id, acurast__id_hash(c->id));
    acurast__slots_remove(&calls->numbers, c->public.number);
    acurast__free(c);
}

/* Of the calls that ended with this id, the last. */
static const ended *find_ended(const acurast__calls *calls, const uint8_t id[16])
{
    for (size_t i = 1; i <= calls->ring_used; i++) {
        const ended *e = &calls->ring[(calls->ring_next + RING_SIZE - i) % RING_SIZE];
        if (acurast__id_equal(e->id, id))
            return e;
    }
    return NULL;
}

/* What an answer or progress is whose id names no open call. */
static acurast__calls_verdict belated(const acurast__calls *calls, acurast__rpc_encoding encoding, const uint8_t id[16])
{
    const ended *e = find_ended(calls, id);
    if (e)
        return e->answered ? ACURAST__CALLS_DOUBLE : ACURAST__CALLS_LATE;
    return encoding == ACURAST__RPC_JSON ? ACURAST__CALLS_LATE : ACURAST__CALLS_NOT_OURS;
}

/* INVALID messages that name one of our ids, or are meant as answers, are answers that went wrong. */
static acurast__calls_verdict judge(acurast__calls *calls, const uint8_t sender[16], acurast__rpc_encoding encoding,
                                    const acurast__rpc_message *message, acurast__answer *answer)
{
    uint8_t id[16];
    acurast__raw raw = message->part[ACURAST__RPC_PART_ID], value = {0};
    bool progress = acurast__rpc_read_progress(encoding, message, &raw, &value);
    bool outcome = message->kind == ACURAST__RPC_RESULT || message->kind == ACURAST__RPC_ERROR;
    if (!progress && !outcome && !(message->kind == ACURAST__RPC_INVALID && message->answer))
        return ACURAST__CALLS_NOT_OURS;
    if (!read_id(calls, encoding, raw, id))
        return ACURAST__CALLS_NOT_OURS;
    call *c = find(calls, id);
    if (!c)
        return belated(calls, encoding, id);
    if (!acurast__id_equal(c->public.recipient, sender))
        return ACURAST__CALLS_FOREIGN;
    if (c->encoding != encoding || message->kind == ACURAST__RPC_INVALID)
        return ACURAST__CALLS_MALFORMED;
    answer->call = c->public;
    answer->progress = value;
    if (progress)
        return ACURAST__CALLS_PROGRESS;
    close_call(calls, c, true, NULL);
    return ACURAST__CALLS_ANSWER;
}

acurast__calls_verdict acurast__calls_receive(acurast__calls *calls, const uint8_t sender[16],
                                              acurast__rpc_encoding encoding, const acurast__rpc_message *message,
                                              acurast__answer *answer)
{
    acurast__calls_verdict verdict = judge(calls, sender, encoding, message, answer);
    calls->counts[verdict]++;
    return verdict;
}

bool acurast__calls_cancel(acurast__calls *calls, uint64_t number, acurast__call *ended_call)
{
    call *c = acurast__slots_get(&calls->numbers, number);
    if (c)
        close_call(calls, c, false, ended_call);
    return c != NULL;
}

bool acurast__calls_expire(acurast__calls *calls, uint64_t now, acurast__call *ended_call)
{
    bool due = calls->heap_size && calls->heap[0]->deadline <= now;
    if (due)
        close_call(calls, calls->heap[0], false, ended_call);
    return due;
}

uint64_t acurast__calls_next_deadline(const acurast__calls *calls)
{
    return calls->heap_size ? calls->heap[0]->deadline : UINT64_MAX;
}

bool acurast__calls_gone(acurast__calls *calls, const uint8_t recipient[16], uint32_t *cursor,
                         acurast__call *ended_call)
{
    for (call *c; (c = acurast__slots_next(&calls->numbers, cursor));) {
        if (!acurast__id_equal(c->public.recipient, recipient))
            continue;
        close_call(calls, c, false, ended_call);
        return true;
    }
    return false;
}

size_t acurast__calls_open(const acurast__calls *calls)
{
    return calls->heap_size;
}

uint64_t acurast__calls_count(const acurast__calls *calls, acurast__calls_verdict verdict)
{
    return calls->counts[verdict];
}

void acurast__calls_set_token(acurast__calls *calls, uint64_t number, uint64_t token)
{
    call *c = acurast__slots_get(&calls->numbers, number);
    if (c)
        c->public.token = token;
}
