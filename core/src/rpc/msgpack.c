/*
 * The array on top is taken apart here, value by value; where each value ends says msgpack-c, by its template with callbacks that keep
 * nothing. So nothing is allocated, whatever a header claims to follow.
 */
#define MSGPACK_EMBED_STACK_SIZE 64 /* containers within each other; before msgpack-c's headers */
#include "rpc/msgpack.h"

#include "base/utf8.h"

#include <msgpack.h>
#include <msgpack/unpack_define.h>

_Static_assert(MSGPACK_EMBED_STACK_SIZE == ACURAST__RPC_DEPTH_MAX, "both encodings have one bound");

#define msgpack_unpack_struct(name) struct walk##name
#define msgpack_unpack_func(type, name) static inline type walk##name
#define msgpack_unpack_callback(name) on##name
#define msgpack_unpack_object char
#define msgpack_unpack_user char

static inline char on_root(const char *user)
{
    return *user;
}

#define SEES_NUMBER(name, type)                                                                                        \
    static inline int on_##name(const char *user, type value, char *object)                                            \
    {                                                                                                                  \
        (void)value;                                                                                                   \
        *object = *user;                                                                                               \
        return 0;                                                                                                      \
    }
#define SEES_NOTHING(name)                                                                                             \
    static inline int on_##name(const char *user, char *object)                                                        \
    {                                                                                                                  \
        *object = *user;                                                                                               \
        return 0;                                                                                                      \
    }
#define SEES_BYTES(name, wrong)                                                                                        \
    static inline int on_##name(const char *user, const char *base, const char *bytes, unsigned int size,              \
                                char *object)                                                                          \
    {                                                                                                                  \
        (void)base;                                                                                                    \
        (void)bytes;                                                                                                   \
        *object = *user;                                                                                               \
        return (wrong) ? -1 : 0;                                                                                       \
    }

SEES_NUMBER(uint8, uint8_t)
SEES_NUMBER(uint16, uint16_t)
SEES_NUMBER(uint32, uint32_t)
SEES_NUMBER(uint64, uint64_t)
SEES_NUMBER(int8, int8_t)
SEES_NUMBER(int16, int16_t)
SEES_NUMBER(int32, int32_t)
SEES_NUMBER(int64, int64_t)
SEES_NUMBER(float, float)
SEES_NUMBER(double, double)
SEES_NUMBER(array, unsigned int)
SEES_NUMBER(map, unsigned int)
SEES_NOTHING(nil)
SEES_NOTHING(true)
SEES_NOTHING(false)
SEES_BYTES(str, size > INT32_MAX)
SEES_BYTES(bin, size > INT32_MAX)
SEES_BYTES(ext, size == 0) /* its type is counted; a size of 2^32 - 1 comes here as 0 */

static inline int on_array_item(const char *user, const char *array, char item)
{
    (void)user;
    (void)array;
    (void)item;
    return 0;
}

static inline int on_map_item(const char *user, const char *map, char key, char value)
{
    (void)user;
    (void)map;
    (void)key;
    (void)value;
    return 0;
}

#include <msgpack/unpack_template.h>

typedef struct cursor {
    const uint8_t *at;
    size_t left;
} cursor;

/* The next value, whole. */
static bool take(cursor *c, acurast__raw *value)
{
    struct walk_context context;
    size_t size = 0;
    context.user = 0;
    walk_init(&context);
    if (!c->left || walk_execute(&context, (const char *)c->at, c->left, &size) <= 0)
        return false;
    *value = (acurast__raw){c->at, size};
    c->at += size;
    c->left -= size;
    return true;
}

/* The big-endian number behind a tag. */
static uint64_t number(acurast__raw raw)
{
    uint64_t value = 0;
    for (size_t i = 1; i < raw.size; i++)
        value = value << 8 | raw.bytes[i];
    return value;
}

static bool read_integer(acurast__raw raw, int64_t *value)
{
    if (!raw.size)
        return false;
    uint8_t tag = raw.bytes[0];
    uint64_t bits = number(raw);
    if (tag <= 0x7f || tag >= 0xe0) {
        *value = tag <= 0x7f ? tag : tag - 256;
    } else if (tag >= 0xcc && tag <= 0xcf && bits <= INT64_MAX) {
        *value = (int64_t)bits;
    } else if (tag >= 0xd0 && tag <= 0xd3) {
        uint64_t sign = UINT64_C(1) << (8 * (raw.size - 1) - 1);
        *value = (int64_t)((bits ^ sign) - sign);
    } else {
        return false;
    }
    return true;
}

bool acurast__msgpack_read_id(acurast__raw raw, uint32_t *id)
{
    int64_t value;
    if (!read_integer(raw, &value) || value < 0 || value > UINT32_MAX)
        return false;
    *id = (uint32_t)value;
    return true;
}

/* The bytes of a text; false for another type. */
static bool read_text(acurast__raw raw, acurast__raw *text)
{
    uint8_t tag = raw.bytes[0];
    size_t head = tag == 0xd9 ? 2 : tag == 0xda ? 3 : tag == 0xdb ? 5 : 1;
    if (head == 1 && (tag < 0xa0 || tag > 0xbf))
        return false;
    *text = (acurast__raw){raw.bytes + head, raw.size - head};
    return true;
}

static bool is_array(acurast__raw raw)
{
    return (raw.bytes[0] & 0xf0) == 0x90 || raw.bytes[0] == 0xdc || raw.bytes[0] == 0xdd;
}

static bool is_map(acurast__raw raw)
{
    return (raw.bytes[0] & 0xf0) == 0x80 || raw.bytes[0] == 0xde || raw.bytes[0] == 0xdf;
}

static bool is_nil(acurast__raw raw)
{
    return raw.bytes[0] == 0xc0;
}

/* How many items follow the header of an array or a map, to which the cursor moves. Both were valid before. */
static size_t items(acurast__raw raw, cursor *c)
{
    uint8_t tag = raw.bytes[0];
    size_t head = tag == 0xdc || tag == 0xde ? 3 : tag == 0xdd || tag == 0xdf ? 5 : 1;
    *c = (cursor){raw.bytes + head, raw.size - head};
    return head == 1 ? tag & 15 : (size_t)number((acurast__raw){raw.bytes, head});
}

static bool text_is(acurast__raw raw, const char *word)
{
    acurast__raw text;
    return read_text(raw, &text) && text.size == strlen(word) && memcmp(text.bytes, word, text.size) == 0;
}

/* Finds code, message and data in an error; what is not there stays away. */
static void read_error(acurast__rpc_message *m)
{
    acurast__raw error = m->part[ACURAST__RPC_PART_ERROR], text, name, value;
    cursor c;
    if (read_text(error, &text))
        m->part[ACURAST__RPC_PART_MESSAGE] = error;
    if (!is_map(error))
        return;
    for (size_t left = items(error, &c); left && take(&c, &name) && take(&c, &value); left--) {
        if (text_is(name, "code") && read_integer(value, &m->code))
            m->part[ACURAST__RPC_PART_CODE] = value;
        else if (text_is(name, "message") && read_text(value, &text))
            m->part[ACURAST__RPC_PART_MESSAGE] = value;
        else if (text_is(name, "data"))
            m->part[ACURAST__RPC_PART_DATA] = value;
    }
}

static bool take_method(cursor *c, acurast__rpc_message *m)
{
    acurast__raw name;
    acurast__raw *part = m->part;
    if (!take(c, &part[ACURAST__RPC_PART_METHOD]) || !read_text(part[ACURAST__RPC_PART_METHOD], &name) ||
        name.size > ACURAST__RPC_METHOD_MAX || !acurast__utf8_valid(name.bytes, name.size) ||
        !take(c, &part[ACURAST__RPC_PART_PARAMS]))
        return false;
    m->method = (const char *)name.bytes;
    m->method_size = name.size;
    return is_array(part[ACURAST__RPC_PART_PARAMS]) || is_map(part[ACURAST__RPC_PART_PARAMS]);
}

static bool take_id(cursor *c, acurast__rpc_message *m)
{
    uint32_t id;
    acurast__raw *raw = &m->part[ACURAST__RPC_PART_ID];
    return take(c, raw) && acurast__msgpack_read_id(*raw, &id);
}

static bool take_outcome(cursor *c, acurast__rpc_message *m)
{
    acurast__raw *error = &m->part[ACURAST__RPC_PART_ERROR], *result = &m->part[ACURAST__RPC_PART_RESULT];
    if (!take(c, error) || !take(c, result))
        return false;
    m->kind = is_nil(*error) ? ACURAST__RPC_RESULT : ACURAST__RPC_ERROR;
    *(m->kind == ACURAST__RPC_RESULT ? error : result) = (acurast__raw){0};
    if (m->kind == ACURAST__RPC_ERROR)
        read_error(m);
    return true;
}

bool acurast__msgpack_may_be_rpc(const uint8_t *payload, size_t size)
{
    return size >= 4 && ((payload[0] == 0x94 && payload[1] <= 1) || (payload[0] == 0x93 && payload[1] == 2));
}

acurast__rpc_verdict acurast__msgpack_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size)
{
    cursor c = {payload + 2, size - 2};
    acurast__rpc_message *m = &parsed->one;
    bool good = false;
    *m = (acurast__rpc_message){0};
    if (payload[1] == 0) {
        m->kind = ACURAST__RPC_REQUEST;
        good = take_id(&c, m) && take_method(&c, m);
    } else if (payload[1] == 1) {
        good = take_id(&c, m) && take_outcome(&c, m);
    } else {
        m->kind = ACURAST__RPC_NOTIFICATION;
        good = take_method(&c, m);
    }
    parsed->count = good && !c.left;
    return parsed->count ? ACURAST__RPC_MESSAGES : ACURAST__RPC_OTHER;
}

bool acurast__msgpack_valid(const uint8_t *bytes, size_t size)
{
    cursor c = {bytes, size};
    acurast__raw value;
    return take(&c, &value) && !c.left;
}

static int put(void *data, const char *bytes, size_t size)
{
    acurast__buffer *to = data;
    acurast__buffer_add(to, bytes, size);
    return to->failed ? -1 : 0;
}

static void put_text(msgpack_packer *packer, const char *text)
{
    (void)msgpack_pack_str_with_body(packer, text, strlen(text)); /* the buffer remembers a failure */
}

/* The head of a message; `count` items with the type. */
static void begin(msgpack_packer *packer, acurast__buffer *to, size_t count, uint8_t type)
{
    msgpack_packer_init(packer, to, put);
    (void)msgpack_pack_array(packer, count);
    (void)msgpack_pack_uint8(packer, type);
}

static void put_raw(acurast__buffer *to, acurast__raw raw, uint8_t otherwise)
{
    if (raw.size)
        acurast__buffer_add(to, raw.bytes, raw.size);
    else
        acurast__buffer_add(to, &otherwise, 1);
}

#define NIL 0xc0
#define EMPTY_ARRAY 0x90

size_t acurast__msgpack_put_id(uint8_t bytes[5], uint32_t id)
{
    bytes[0] = 0xce;
    for (size_t i = 4; i; i--, id >>= 8)
        bytes[i] = (uint8_t)id;
    return 5;
}

void acurast__msgpack_write_request(acurast__buffer *to, acurast__raw id, const char *method, acurast__raw params)
{
    msgpack_packer packer;
    begin(&packer, to, id.size ? 4 : 3, id.size ? 0 : 2);
    acurast__buffer_add(to, id.bytes, id.size);
    put_text(&packer, method);
    put_raw(to, params, EMPTY_ARRAY);
}

void acurast__msgpack_write_result(acurast__buffer *to, acurast__raw id, acurast__raw result)
{
    msgpack_packer packer;
    begin(&packer, to, 4, 1);
    put_raw(to, id, NIL);
    (void)msgpack_pack_nil(&packer);
    put_raw(to, result, NIL);
}

void acurast__msgpack_write_error(acurast__buffer *to, acurast__raw id, const acurast__rpc_error *error)
{
    msgpack_packer packer;
    begin(&packer, to, 4, 1);
    put_raw(to, id, NIL);
    (void)msgpack_pack_map(&packer, error->data.size ? 3 : 2);
    put_text(&packer, "code");
    (void)msgpack_pack_int64(&packer, error->code);
    put_text(&packer, "message");
    put_text(&packer, error->message);
    if (error->data.size) {
        put_text(&packer, "data");
        put_raw(to, error->data, NIL);
    }
    (void)msgpack_pack_nil(&packer);
}

void acurast__msgpack_write_progress(acurast__buffer *to, acurast__raw id, acurast__raw value)
{
    msgpack_packer packer;
    begin(&packer, to, 3, 2);
    put_text(&packer, ACURAST__RPC_PROGRESS);
    (void)msgpack_pack_array(&packer, 2);
    put_raw(to, id, NIL);
    put_raw(to, value, NIL);
}

bool acurast__msgpack_read_progress(acurast__raw params, acurast__raw *id, acurast__raw *value)
{
    cursor c;
    return params.size && is_array(params) && items(params, &c) == 2 && take(&c, id) && take(&c, value);
}
