/* Chooses the encoding by the first byte, and owns the messages of a batch. */
#include "rpc/message.h"

#include "base/memory.h"
#include "rpc/json.h"
#include "rpc/msgpack.h"

acurast__rpc_verdict acurast__rpc_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size, bool all)
{
    parsed->verdict = ACURAST__RPC_OTHER;
    parsed->batch = false;
    parsed->count = 0;
    parsed->messages = &parsed->one;
    if (acurast__json_may_be_rpc(payload, size, all)) {
        parsed->encoding = ACURAST__RPC_JSON;
        parsed->verdict = acurast__json_parse(parsed, payload, size, all);
    } else if (acurast__msgpack_may_be_rpc(payload, size)) {
        parsed->encoding = ACURAST__RPC_MSGPACK;
        parsed->verdict = acurast__msgpack_parse(parsed, payload, size);
    }
    return parsed->verdict;
}

void acurast__rpc_clear(acurast__rpc_parsed *parsed)
{
    for (size_t i = 0; i < parsed->count; i++)
        acurast__free(parsed->messages[i].unescaped);
    if (parsed->messages != &parsed->one)
        acurast__free(parsed->messages);
    parsed->messages = &parsed->one;
    parsed->count = 0;
}

bool acurast__rpc_valid(acurast__rpc_encoding encoding, const uint8_t *bytes, size_t size)
{
    return encoding == ACURAST__RPC_JSON ? acurast__json_valid(bytes, size) : acurast__msgpack_valid(bytes, size);
}

void acurast__rpc_write_request(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id,
                                const char *method, acurast__raw params)
{
    if (encoding == ACURAST__RPC_JSON)
        acurast__json_write_request(to, id, method, params);
    else
        acurast__msgpack_write_request(to, id, method, params);
}

void acurast__rpc_write_result(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id,
                               acurast__raw result)
{
    if (encoding == ACURAST__RPC_JSON)
        acurast__json_write_result(to, id, result);
    else
        acurast__msgpack_write_result(to, id, result);
}

void acurast__rpc_write_error(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id,
                              const acurast__rpc_error *error)
{
    if (encoding == ACURAST__RPC_JSON)
        acurast__json_write_error(to, id, error);
    else
        acurast__msgpack_write_error(to, id, error);
}

void acurast__rpc_write_progress(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw id,
                                 acurast__raw value)
{
    if (encoding == ACURAST__RPC_JSON)
        acurast__json_write_progress(to, id, value);
    else
        acurast__msgpack_write_progress(to, id, value);
}

bool acurast__rpc_read_progress(acurast__rpc_encoding encoding, const acurast__rpc_message *message, acurast__raw *id,
                                acurast__raw *value)
{
    static const char name[] = ACURAST__RPC_PROGRESS;
    if (message->kind != ACURAST__RPC_NOTIFICATION || message->method_size != sizeof name - 1 ||
        memcmp(message->method, name, sizeof name - 1) != 0)
        return false;
    acurast__raw params = message->part[ACURAST__RPC_PART_PARAMS];
    return encoding == ACURAST__RPC_JSON ? acurast__json_read_progress(params, id, value)
                                         : acurast__msgpack_read_progress(params, id, value);
}
