/* The public face of requests: arguments and fork are checked here, everything else is client/requests.c. */
#include "api/check.h"
#include "base/process.h"

#include <string.h>

#define PARAMS_MIN (offsetof(acurast_request_params, reserved) + sizeof(uint32_t))

static acurast_status read_params(acurast_request_params *read, const acurast_request_params *given)
{
    *read = (acurast_request_params){0};
    if (!given)
        return ACURAST_OK;
    if (given->size < PARAMS_MIN)
        return ACURAST_INVALID;
    memcpy(read, given, given->size < sizeof *read ? given->size : sizeof *read);
    return read->encoding > ACURAST_ENCODING_MSGPACK || read->retry > 1 || read->reserved ? ACURAST_INVALID
                                                                                          : ACURAST_OK;
}

static bool is_name(const char *method)
{
    size_t size = method ? strlen(method) : 0;
    return size && size <= ACURAST__RPC_METHOD_MAX;
}

acurast_status acurast_client_request(acurast_client *client, const void *recipient, size_t recipient_size,
                                      const char *method, const void *params, size_t params_size,
                                      const acurast_request_params *settings, uint64_t *operation)
{
    uint8_t id[ACURAST_ID_SIZE];
    acurast_request_params read;
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!recipient || !is_name(method) || (!params && params_size)))
        status = ACURAST_INVALID;
    if (status == ACURAST_OK)
        status = read_params(&read, settings);
    if (status == ACURAST_OK)
        status = acurast_id_of(recipient, recipient_size, id);
    if (status != ACURAST_OK)
        return status;
    return acurast__client_request(client, id, method, (acurast__raw){params, params_size}, &read, operation);
}

acurast_status acurast_client_serve(acurast_client *client, const char *method, uint64_t token)
{
    acurast_status status = is_name(method) ? acurast__check_client(client) : ACURAST_INVALID;
    return status == ACURAST_OK ? acurast__client_serve(client, method, token) : status;
}

acurast_status acurast_client_answer(acurast_client *client, uint64_t request, const void *result, size_t result_size)
{
    acurast_status status = result || !result_size ? acurast__check_client(client) : ACURAST_INVALID;
    return status == ACURAST_OK ? acurast__client_answer(client, request, (acurast__raw){result, result_size}, NULL)
                                : status;
}

acurast_status acurast_client_answer_error(acurast_client *client, uint64_t request, int64_t code, const char *message,
                                           const void *data, size_t data_size)
{
    acurast_status status = message && (data || !data_size) ? acurast__check_client(client) : ACURAST_INVALID;
    acurast__rpc_error error = {.code = code, .message = message, .data = {data, data_size}};
    return status == ACURAST_OK ? acurast__client_answer(client, request, (acurast__raw){0}, &error) : status;
}

acurast_status acurast_client_progress(acurast_client *client, uint64_t request, const void *value, size_t value_size)
{
    acurast_status status = value && value_size ? acurast__check_client(client) : ACURAST_INVALID;
    return status == ACURAST_OK ? acurast__client_progress(client, request, (acurast__raw){value, value_size}) : status;
}
