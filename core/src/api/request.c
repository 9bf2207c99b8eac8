/* The public face of requests: arguments and fork are checked here, everything else is client/requests.c. */
#include "api/check.h"
#include "client/survey.h"

#include <string.h>

#define PARAMS_MIN (offsetof(acurast_request_params, reserved) + sizeof(uint32_t))
#define MANY_PARAMS_MIN (offsetof(acurast_many_params, reserved) + sizeof(uint32_t))
#define TIMEOUT_MS 10000u

_Static_assert(ACURAST__MANY_MAX == ACURAST_REQUEST_MANY_MAX, "what the header says is the bound");

static bool is_name(const char *method)
{
    size_t size = method ? strlen(method) : 0;
    return size && size <= ACURAST__RPC_METHOD_MAX;
}

/* What both kinds of settings say. */
static acurast_status check_question(acurast__question *question, uint32_t retry)
{
    if (!question->timeout_ms)
        question->timeout_ms = TIMEOUT_MS;
    question->retry = retry;
    return is_name(question->method) && (question->params.bytes || !question->params.size) &&
                   question->encoding <= ACURAST_ENCODING_MSGPACK && retry <= 1
               ? ACURAST_OK
               : ACURAST_INVALID;
}

acurast_status acurast_client_request(acurast_client *client, const void *recipient, size_t recipient_size,
                                      const char *method, const void *params, size_t params_size,
                                      const acurast_request_params *settings, uint64_t *operation)
{
    uint8_t id[ACURAST_ID_SIZE];
    acurast_request_params read = {0};
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!recipient || (settings && settings->size < PARAMS_MIN)))
        status = ACURAST_INVALID;
    if (status != ACURAST_OK)
        return status;
    if (settings)
        memcpy(&read, settings, settings->size < sizeof read ? settings->size : sizeof read);
    acurast__question question = {
        .method = method, .params = {params, params_size}, .encoding = read.encoding, .timeout_ms = read.timeout_ms};
    status = read.reserved ? ACURAST_INVALID : check_question(&question, read.retry);
    if (status == ACURAST_OK)
        status = acurast_id_of(recipient, recipient_size, id);
    return status == ACURAST_OK ? acurast__client_request(client, id, &question, read.token, operation) : status;
}

static acurast_status check_many(const acurast_many_params *read, size_t count)
{
    return count && count <= ACURAST__MANY_MAX && read->need <= count && read->agree <= 1 && !read->reserved
               ? ACURAST_OK
               : ACURAST_INVALID;
}

acurast_status acurast_client_request_many(acurast_client *client, const uint8_t *ids, size_t count, const char *method,
                                           const void *params, size_t params_size, const acurast_many_params *settings,
                                           uint64_t *operation)
{
    acurast_many_params read = {0};
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!ids || (settings && settings->size < MANY_PARAMS_MIN)))
        status = ACURAST_INVALID;
    if (status != ACURAST_OK)
        return status;
    if (settings)
        memcpy(&read, settings, settings->size < sizeof read ? settings->size : sizeof read);
    acurast__survey_params asked = {.question = {.method = method,
                                                 .params = {params, params_size},
                                                 .encoding = read.encoding,
                                                 .timeout_ms = read.timeout_ms},
                                    .token = read.token,
                                    .need = read.need ? read.need : (uint32_t)count,
                                    .agree = read.agree};
    status = check_many(&read, count);
    if (status == ACURAST_OK)
        status = check_question(&asked.question, read.retry);
    return status == ACURAST_OK ? acurast__client_request_many(client, ids, (uint32_t)count, &asked, operation)
                                : status;
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
