/*
 * JSON-RPC 2.0 as rpc/message.h has it. Strict JSON (RFC 8259) in valid UTF-8, surrogates in pairs, at most 64 arrays and objects deep.
 * The caller bounds the size.
 *
 * A member that the specification names and that stands in a message twice makes it INVALID; others are passed over. "error": null
 * beside a result, and "result": null beside an error, are taken as not there, since programs write them.
 */
#ifndef ACURAST_RPC_JSON_H
#define ACURAST_RPC_JSON_H

#include "rpc/message.h"

/* A look at the first bytes and a search for "jsonrpc"; with `all`, the first bytes alone. */
bool acurast__json_may_be_rpc(const uint8_t *payload, size_t size, bool all);

/* `parsed` has no messages yet. */
acurast__rpc_verdict acurast__json_parse(acurast__rpc_parsed *parsed, const uint8_t *payload, size_t size, bool all);

bool acurast__json_valid(const uint8_t *text, size_t size);

void acurast__json_write_request(acurast__buffer *to, acurast__raw id, const char *method, acurast__raw params);
void acurast__json_write_result(acurast__buffer *to, acurast__raw id, acurast__raw result);
void acurast__json_write_error(acurast__buffer *to, acurast__raw id, const acurast__rpc_error *error);
void acurast__json_write_progress(acurast__buffer *to, acurast__raw id, acurast__raw value);

bool acurast__json_read_progress(acurast__raw params, acurast__raw *id, acurast__raw *value);

#endif
