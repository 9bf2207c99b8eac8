/*
 * Any payload as JSON-RPC or MessagePack-RPC, in both manners of taking JSON. Each part is a slice of the payload that is a value by itself, and a message that is written of them is read as the same.
 */
#include "fuzz.h"

#include "rpc/message.h"

static void part(const acurast__rpc_parsed *parsed, const acurast__raw *raw, const uint8_t *payload, size_t size)
{
    REQUIRE(raw->bytes >= payload && raw->size <= size && (size_t)(raw->bytes - payload) <= size - raw->size);
    REQUIRE(acurast__rpc_valid(parsed->encoding, raw->bytes, raw->size));
}

static void again(const acurast__rpc_parsed *parsed, const acurast__rpc_message *m)
{
    acurast__buffer out = {0};
    acurast__rpc_parsed other;
    acurast__raw id = m->part[ACURAST__RPC_PART_ID], result = m->part[ACURAST__RPC_PART_RESULT],
                 params = m->part[ACURAST__RPC_PART_PARAMS];
    char name[ACURAST__RPC_METHOD_MAX + 1];
    bool request = m->kind == ACURAST__RPC_REQUEST || m->kind == ACURAST__RPC_NOTIFICATION;
    if (request && memchr(m->method, 0, m->method_size))
        return; /* none of ours has a NUL in it */
    if (request) {
        memcpy(name, m->method, m->method_size);
        name[m->method_size] = '\0';
        acurast__rpc_write_request(&out, parsed->encoding, id, name, params);
    } else {
        acurast__rpc_write_result(&out, parsed->encoding, id, result);
    }
    REQUIRE(acurast__rpc_parse(&other, out.bytes, out.size, false) == ACURAST__RPC_MESSAGES);
    REQUIRE(other.count == 1 && !other.batch && other.one.kind == m->kind);
    REQUIRE(acurast__raw_equal(other.one.part[ACURAST__RPC_PART_ID], id));
    REQUIRE(acurast__raw_equal(other.one.part[ACURAST__RPC_PART_RESULT], result));
    REQUIRE(!request || !params.size || acurast__raw_equal(other.one.part[ACURAST__RPC_PART_PARAMS], params));
    REQUIRE(other.one.method_size == m->method_size &&
            memcmp(other.one.method ? other.one.method : "", m->method ? m->method : "", m->method_size) == 0);
    acurast__rpc_clear(&other);
    acurast__buffer_clear(&out);
}

static void take(const uint8_t *payload, size_t size, bool all)
{
    acurast__rpc_parsed parsed;
    acurast__rpc_verdict verdict = acurast__rpc_parse(&parsed, payload, size, all);
    REQUIRE(verdict != ACURAST__RPC_NO_MEMORY && (parsed.count != 0) == (verdict == ACURAST__RPC_MESSAGES));
    REQUIRE(parsed.count <= ACURAST__RPC_BATCH_MAX && (parsed.batch || parsed.count <= 1));
    for (size_t i = 0; i < parsed.count; i++) {
        const acurast__rpc_message *m = &parsed.messages[i];
        for (int p = 0; p < ACURAST__RPC_PARTS; p++)
            if (m->part[p].size)
                part(&parsed, &m->part[p], payload, size);
        if (m->kind != ACURAST__RPC_INVALID && m->kind != ACURAST__RPC_ERROR)
            again(&parsed, m);
        acurast__raw id, value;
        if (acurast__rpc_read_progress(parsed.encoding, m, &id, &value)) {
            part(&parsed, &id, payload, size);
            part(&parsed, &value, payload, size);
        }
    }
    acurast__rpc_clear(&parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    uint8_t *payload = fuzz_take(&input, &size);
    take(payload, size, false);
    take(payload, size, true);
    free(payload);
    return 0;
}
