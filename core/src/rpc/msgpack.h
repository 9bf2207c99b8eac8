/*
 * MessagePack-RPC as rpc/message.h has it: [0, id, method, params], [1, id, error, result], [2, method, params], and nothing behind it.
 * An id is an integer of 32 bits, params are an array or a map, of at most 64 containers within each other. What is not so is OTHER: bytes
 * have nothing that says what they are meant to be, so that nobody is told of an error.
 *
 * Our errors are maps {"code": integer, "message": text, "data": any}, data only where there is some. A peer's error is taken as it
 * comes; where it is such a map its code and message are found, and text alone is the message.
 *
 * Read with msgpack-c's unpacking template, which allocates nothing. Texts are looked at as bytes, but for the method's name, which is UTF-8.
 */
#ifndef ACURAST_RPC_MSGPACK_H
#define ACURAST_RPC_MSGPACK_H

#include "rpc/message.h"

/* A look at the first bytes. */
bool acurast__msgpack_may_be_rpc(const uint8_t *payload, size_t size);

/* `parsed` has no messages yet. */
acurast__rpc_verdict acurast__msgpack_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size);

bool acurast__msgpack_valid(const uint8_t *bytes, size_t size);

/* How ids look on the wire: five bytes at most. */
bool acurast__msgpack_read_id(acurast__raw raw, uint32_t *id);
size_t acurast__msgpack_put_id(uint8_t bytes[5], uint32_t id);

void acurast__msgpack_write_request(acurast__buffer *to, acurast__raw id, const char *method, acurast__raw params);
void acurast__msgpack_write_result(acurast__buffer *to, acurast__raw id, acurast__raw result);
void acurast__msgpack_write_error(acurast__buffer *to, acurast__raw id, const acurast__rpc_error *error);
void acurast__msgpack_write_progress(acurast__buffer *to, acurast__raw id, acurast__raw value);

bool acurast__msgpack_read_progress(acurast__raw params, acurast__raw *id, acurast__raw *value);

#endif
