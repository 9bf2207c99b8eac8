/*
 * One pass over a payload: the reader's events, of which those at the level of a message and of its error matter. A member's value
 * begins after the colon behind its key and ends where the event is that ends it; so each part is a slice of the payload.
 *
 * Level 0 is the array of a batch, 1 the members of a message, 2 the members of its error; below that only the depth counts. Whether a
 * message is one is decided at its end, as its members come in any order.
 */
#define _GNU_SOURCE /* memmem */ // NOLINT(bugprone-reserved-identifier)
#include "rpc/json.h"

#include "base/memory.h"
#include "rpc/json_reader.h"

#include <stdio.h>

typedef struct reading {
    acurast__json_reader reader; /* first */
    acurast__rpc_parsed *parsed;
    acurast__rpc_message *message; /* that is read; NULL: none */
    acurast__rpc_part part;        /* whose value comes next or is open, at level 1 */
    acurast__rpc_part inner;       /* likewise at level 2 of an error */
    size_t key_end, inner_key_end;
    size_t capacity; /* of the block of messages */
    bool all;
    bool named; /* somebody said "jsonrpc" */
    bool twice; /* a part stands twice in this message */
    bool too_many;
    bool no_memory;
} reading;

static unsigned level(const reading *r)
{
    return r->reader.depth - r->parsed->batch;
}

static const struct {
    const char *name;
    size_t size;
    acurast__rpc_part part;
} members[] = {
    {"jsonrpc", 7, ACURAST__RPC_PART_VERSION}, {"id", 2, ACURAST__RPC_PART_ID},
    {"method", 6, ACURAST__RPC_PART_METHOD},   {"params", 6, ACURAST__RPC_PART_PARAMS},
    {"result", 6, ACURAST__RPC_PART_RESULT},   {"error", 5, ACURAST__RPC_PART_ERROR},
    {"code", 4, ACURAST__RPC_PART_CODE},       {"message", 7, ACURAST__RPC_PART_MESSAGE},
    {"data", 4, ACURAST__RPC_PART_DATA},
};

static acurast__rpc_part part_of(const uint8_t *key, size_t size, bool of_error)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].size == size && memcmp(members[i].name, key, size) == 0)
            return (members[i].part >= ACURAST__RPC_PART_CODE) == of_error ? members[i].part : ACURAST__RPC_PART_NONE;
    return ACURAST__RPC_PART_NONE;
}

/* The value that ends here and whose key ended at `key_end`. */
static void keep(reading *r, acurast__rpc_part part, size_t key_end)
{
    if (!r->message || part == ACURAST__RPC_PART_NONE)
        return;
    acurast__raw *to = &r->message->part[part];
    size_t begin = key_end, end = acurast__json_at(&r->reader);
    while (acurast__json_blank(r->reader.text[begin]) || r->reader.text[begin] == ':')
        begin++;
    r->twice |= to->size != 0;
    *to = (acurast__raw){r->reader.text + begin, end - begin};
}

/* A value has ended: a scalar, or an array or object that is closed. */
static void ended(reading *r)
{
    if (level(r) == 1) {
        keep(r, r->part, r->key_end);
        r->part = ACURAST__RPC_PART_NONE;
    } else if (level(r) == 2 && r->part == ACURAST__RPC_PART_ERROR) {
        keep(r, r->inner, r->inner_key_end);
        r->inner = ACURAST__RPC_PART_NONE;
    }
}

static bool room(reading *r)
{
    acurast__rpc_parsed *parsed = r->parsed;
    if (!parsed->batch || parsed->count < r->capacity)
        return true;
    size_t capacity = r->capacity ? r->capacity * 2 : 4;
    acurast__rpc_message *old = parsed->messages == &parsed->one ? NULL : parsed->messages;
    acurast__rpc_message *grown = acurast__realloc(old, capacity * sizeof *grown);
    r->no_memory = !grown;
    if (!grown)
        return false;
    parsed->messages = grown;
    r->capacity = capacity;
    return true;
}

/* The place of the next message; NULL stops the parser. */
static acurast__rpc_message *begin(reading *r)
{
    r->too_many = r->parsed->count == ACURAST__RPC_BATCH_MAX;
    if (r->too_many || !room(r))
        return NULL;
    acurast__rpc_message *message = &r->parsed->messages[r->parsed->count++];
    memset(message, 0, sizeof *message);
    r->twice = false;
    r->part = r->inner = ACURAST__RPC_PART_NONE;
    return message;
}

static bool is_null(acurast__raw raw)
{
    return raw.size == 4 && raw.bytes[0] == 'n';
}

static bool is_text(acurast__raw raw)
{
    return raw.size && raw.bytes[0] == '"';
}

static bool is_id(acurast__raw raw)
{
    return raw.size <= ACURAST__RPC_ID_MAX &&
           (is_text(raw) || is_null(raw) || raw.bytes[0] == '-' || (raw.bytes[0] >= '0' && raw.bytes[0] <= '9'));
}

/* An integer within 64 bits. */
static bool read_code(int64_t *code, acurast__raw raw)
{
    bool negative = raw.size && raw.bytes[0] == '-';
    uint64_t number = 0;
    if (raw.size == negative || raw.size > 18)
        return false;
    for (size_t i = negative; i < raw.size; i++) {
        if (raw.bytes[i] < '0' || raw.bytes[i] > '9')
            return false;
        number = number * 10 + (raw.bytes[i] - '0');
    }
    *code = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static acurast__rpc_kind kind_of_answer(acurast__rpc_message *m)
{
    acurast__raw *result = &m->part[ACURAST__RPC_PART_RESULT], *error = &m->part[ACURAST__RPC_PART_ERROR];
    if (result->size && error->size && is_null(*error))
        *error = (acurast__raw){0};
    else if (result->size && error->size && is_null(*result))
        *result = (acurast__raw){0};
    if (result->size)
        return error->size ? ACURAST__RPC_INVALID : ACURAST__RPC_RESULT;
    if (!read_code(&m->code, m->part[ACURAST__RPC_PART_CODE]) || !is_text(m->part[ACURAST__RPC_PART_MESSAGE]))
        return ACURAST__RPC_INVALID;
    return ACURAST__RPC_ERROR;
}

static acurast__rpc_kind kind_of(acurast__rpc_message *m)
{
    const acurast__raw *part = m->part;
    acurast__raw version = part[ACURAST__RPC_PART_VERSION], params = part[ACURAST__RPC_PART_PARAMS];
    bool id = part[ACURAST__RPC_PART_ID].size != 0;
    bool method = part[ACURAST__RPC_PART_METHOD].size != 0;
    bool outcome = part[ACURAST__RPC_PART_RESULT].size || part[ACURAST__RPC_PART_ERROR].size;
    m->answer = outcome && !method;
    if (version.size != 5 || memcmp(version.bytes, "\"2.0\"", 5) != 0 || (id && !is_id(part[ACURAST__RPC_PART_ID])) ||
        method == outcome)
        return ACURAST__RPC_INVALID;
    if (outcome)
        return id ? kind_of_answer(m) : ACURAST__RPC_INVALID;
    if (!m->method || (params.size && params.bytes[0] != '[' && params.bytes[0] != '{'))
        return ACURAST__RPC_INVALID;
    return id ? ACURAST__RPC_REQUEST : ACURAST__RPC_NOTIFICATION;
}

static void finish(reading *r)
{
    acurast__rpc_message *m = r->message;
    acurast__raw *id = &m->part[ACURAST__RPC_PART_ID];
    r->named |= m->part[ACURAST__RPC_PART_VERSION].size != 0;
    m->kind = kind_of(m);
    if (r->twice)
        m->kind = ACURAST__RPC_INVALID;
    if (id->size && !is_id(*id))
        *id = (acurast__raw){0};
    r->message = NULL;
}

static int open_map(void *context)
{
    reading *r = context;
    if (!acurast__json_opens(&r->reader))
        return 0;
    if (level(r) != 1)
        return 1;
    r->message = begin(r);
    return r->message != NULL;
}

static int close_map(void *context)
{
    reading *r = context;
    if (level(r) == 1)
        finish(r);
    acurast__json_closes(&r->reader);
    ended(r);
    return 1;
}

static int open_array(void *context)
{
    reading *r = context;
    if (!acurast__json_opens(&r->reader))
        return 0;
    if (r->reader.depth == 1)
        r->parsed->batch = true;
    return level(r) != 1 || begin(r) != NULL; /* an array within a batch is no message */
}

static int close_array(void *context)
{
    acurast__json_closes(context);
    ended(context);
    return 1;
}

static int scalar(void *context)
{
    reading *r = context;
    acurast__json_scalar(&r->reader);
    ended(r);
    return level(r) != 0 || begin(r) != NULL;
}

static int boolean(void *context, int value)
{
    (void)value;
    return scalar(context);
}

static int number(void *context, const char *digits, size_t size)
{
    (void)digits;
    (void)size;
    return scalar(context);
}

/* The name of the method: in the payload, or where it is written with escapes, a copy of what yajl has. */
static bool name(reading *r, const unsigned char *text, size_t size)
{
    acurast__rpc_message *m = r->message;
    const uint8_t *begins = r->reader.text, *ends = begins + r->reader.size;
    if (m->method || size > ACURAST__RPC_METHOD_MAX)
        return true;
    m->method = (const char *)text;
    m->method_size = size;
    if ((uintptr_t)text >= (uintptr_t)begins && (uintptr_t)text < (uintptr_t)ends)
        return true;
    m->method = m->unescaped = acurast__copy(text, size);
    r->no_memory = !m->method;
    return m->method;
}

static int string(void *context, const unsigned char *text, size_t size)
{
    reading *r = context;
    if (r->message && level(r) == 1 && r->part == ACURAST__RPC_PART_METHOD && !name(r, text, size))
        return 0;
    return scalar(context);
}

static int key(void *context, const unsigned char *text, size_t size)
{
    reading *r = context;
    if (level(r) == 1) {
        r->part = part_of(text, size, false);
        r->key_end = acurast__json_at(&r->reader);
        r->named |= r->part == ACURAST__RPC_PART_VERSION;
    } else if (level(r) == 2 && r->part == ACURAST__RPC_PART_ERROR) {
        r->inner = part_of(text, size, true);
        r->inner_key_end = acurast__json_at(&r->reader);
    }
    return 1;
}

static const yajl_callbacks events = {.yajl_null = scalar,
                                      .yajl_boolean = boolean,
                                      .yajl_number = number,
                                      .yajl_string = string,
                                      .yajl_start_map = open_map,
                                      .yajl_map_key = key,
                                      .yajl_end_map = close_map,
                                      .yajl_start_array = open_array,
                                      .yajl_end_array = close_array};

bool acurast__json_may_be_rpc(const uint8_t *payload, size_t size, bool all)
{
    static const char word[] = "\"jsonrpc\"";
    while (size && acurast__json_blank(*payload)) {
        payload++;
        size--;
    }
    if (!size || (*payload != '{' && *payload != '['))
        return false;
    return all || memmem(payload, size, word, sizeof word - 1) != NULL;
}

/* One message that is INVALID, in place of what was read. */
static acurast__rpc_verdict invalid(acurast__rpc_parsed *parsed)
{
    acurast__rpc_clear(parsed);
    parsed->batch = false;
    parsed->one = (acurast__rpc_message){.kind = ACURAST__RPC_INVALID};
    parsed->count = 1;
    return ACURAST__RPC_MESSAGES;
}

acurast__rpc_verdict acurast__json_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size, bool all)
{
    reading r = {.parsed = parsed, .all = all};
    acurast__json_end end = acurast__json_read(&r.reader, &events, payload, size);
    if (end == ACURAST__JSON_GOOD && (r.named || all))
        return parsed->count ? ACURAST__RPC_MESSAGES : invalid(parsed);
    if (r.too_many && (r.named || all))
        return invalid(parsed);
    acurast__rpc_clear(parsed);
    parsed->batch = false;
    if (end == ACURAST__JSON_NO_MEMORY || r.no_memory)
        return ACURAST__RPC_NO_MEMORY;
    return end == ACURAST__JSON_BAD && (r.named || all) ? ACURAST__RPC_BROKEN : ACURAST__RPC_OTHER;
}

/* Validity alone: the depth is counted, nothing is kept. */

static int just_open(void *context)
{
    return acurast__json_opens(context);
}

static int just_close(void *context)
{
    return acurast__json_closes(context);
}

static int just_scalar(void *context)
{
    return acurast__json_scalar(context);
}

static int just_boolean(void *context, int value)
{
    (void)value;
    return acurast__json_scalar(context);
}

static int just_number(void *context, const char *digits, size_t size)
{
    (void)digits;
    (void)size;
    return acurast__json_scalar(context);
}

static int just_string(void *context, const unsigned char *text, size_t size)
{
    (void)text;
    (void)size;
    return acurast__json_scalar(context);
}

bool acurast__json_valid(const uint8_t *text, size_t size)
{
    static const yajl_callbacks plain = {.yajl_null = just_scalar,
                                         .yajl_boolean = just_boolean,
                                         .yajl_number = just_number,
                                         .yajl_string = just_string,
                                         .yajl_start_map = just_open,
                                         .yajl_end_map = just_close,
                                         .yajl_start_array = just_open,
                                         .yajl_end_array = just_close};
    acurast__json_reader reader;
    return acurast__json_read(&reader, &plain, text, size) == ACURAST__JSON_GOOD;
}

/* Text as a string: quotes, backslashes and control characters are escaped, the rest is as it is. */
static void put_string(acurast__buffer *to, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    acurast__buffer_add(to, "\"", 1);
    while (*text) {
        size_t plain = 0;
        while ((uint8_t)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
            plain++;
        acurast__buffer_add(to, text, plain);
        text += plain;
        if (!*text)
            break;
        uint8_t byte = (uint8_t)*text++;
        const char unicode[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        const char pair[] = {'\\', (char)byte};
        acurast__buffer_add(to, byte < ' ' ? unicode : pair, byte < ' ' ? sizeof unicode : sizeof pair);
    }
    acurast__buffer_add(to, "\"", 1);
}

static void put_raw(acurast__buffer *to, const char *key, acurast__raw raw)
{
    acurast__buffer_text(to, key);
    if (raw.size)
        acurast__buffer_add(to, raw.bytes, raw.size);
    else
        acurast__buffer_add(to, "null", 4);
}

void acurast__json_write_request(acurast__buffer *to, acurast__raw id, const char *method, acurast__raw params)
{
    acurast__buffer_text(to, "{\"jsonrpc\":\"2.0\"");
    if (id.size)
        put_raw(to, ",\"id\":", id);
    acurast__buffer_text(to, ",\"method\":");
    put_string(to, method);
    if (params.size)
        put_raw(to, ",\"params\":", params);
    acurast__buffer_text(to, "}");
}

void acurast__json_write_result(acurast__buffer *to, acurast__raw id, acurast__raw result)
{
    put_raw(to, "{\"jsonrpc\":\"2.0\",\"id\":", id);
    put_raw(to, ",\"result\":", result);
    acurast__buffer_text(to, "}");
}

void acurast__json_write_error(acurast__buffer *to, acurast__raw id, const acurast__rpc_error *error)
{
    char code[32];
    (void)snprintf(code, sizeof code, "%lld", (long long)error->code);
    put_raw(to, "{\"jsonrpc\":\"2.0\",\"id\":", id);
    acurast__buffer_text(to, ",\"error\":{\"code\":");
    acurast__buffer_text(to, code);
    acurast__buffer_text(to, ",\"message\":");
    put_string(to, error->message);
    if (error->data.size)
        put_raw(to, ",\"data\":", error->data);
    acurast__buffer_text(to, "}}");
}

void acurast__json_write_progress(acurast__buffer *to, acurast__raw id, acurast__raw value)
{
    put_raw(to, "{\"jsonrpc\":\"2.0\",\"method\":\"" ACURAST__RPC_PROGRESS "\",\"params\":{\"id\":", id);
    put_raw(to, ",\"value\":", value);
    acurast__buffer_text(to, "}}");
}

/* The two members of an object, by the same rules: what is read is an object that was valid already. */
typedef struct progress {
    acurast__json_reader reader; /* first */
    acurast__raw id, value;
    acurast__raw *next;
    size_t key_end;
    bool twice;
} progress;

static void progress_ended(progress *p)
{
    if (p->reader.depth != 1 || !p->next)
        return;
    size_t begins = p->key_end;
    while (acurast__json_blank(p->reader.text[begins]) || p->reader.text[begins] == ':')
        begins++;
    p->twice |= p->next->size != 0;
    *p->next = (acurast__raw){p->reader.text + begins, acurast__json_at(&p->reader) - begins};
    p->next = NULL;
}

static int progress_close(void *context)
{
    acurast__json_closes(context);
    progress_ended(context);
    return 1;
}

static int progress_null(void *context)
{
    progress_ended(context);
    return 1;
}

static int progress_boolean(void *context, int value)
{
    (void)value;
    return progress_null(context);
}

static int progress_number(void *context, const char *digits, size_t size)
{
    (void)digits;
    (void)size;
    return progress_null(context);
}

static int progress_string(void *context, const unsigned char *text, size_t size)
{
    (void)text;
    (void)size;
    return progress_null(context);
}

static int progress_key(void *context, const unsigned char *text, size_t size)
{
    progress *p = context;
    if (p->reader.depth != 1)
        return 1;
    p->key_end = acurast__json_at(&p->reader);
    p->next = size == 2 && memcmp(text, "id", 2) == 0      ? &p->id
              : size == 5 && memcmp(text, "value", 5) == 0 ? &p->value
                                                           : NULL;
    return 1;
}

bool acurast__json_read_progress(acurast__raw params, acurast__raw *id, acurast__raw *value)
{
    static const yajl_callbacks on_progress = {.yajl_null = progress_null,
                                               .yajl_boolean = progress_boolean,
                                               .yajl_number = progress_number,
                                               .yajl_string = progress_string,
                                               .yajl_start_map = just_open,
                                               .yajl_map_key = progress_key,
                                               .yajl_end_map = progress_close,
                                               .yajl_start_array = just_open,
                                               .yajl_end_array = progress_close};
    progress p = {0};
    if (!params.size || params.bytes[0] != '{' ||
        acurast__json_read(&p.reader, &on_progress, params.bytes, params.size) != ACURAST__JSON_GOOD)
        return false;
    *id = p.id;
    *value = p.value;
    return p.id.size && p.value.size && !p.twice;
}
