/*
 * Requests: asking, serving, answering. What has no room in the outbox is no exception here: the caller waits and tries again.
 */
#include "addon.h"

/* Nothing where what was taken before it was not `ok`; input_free() is right either way. */
static void take(napi_env env, napi_value value, input *into, bool *ok)
{
    into->owned = NULL;
    *ok = *ok && input_take(env, value, into);
}

uint64_t request_token(uint32_t token, uint32_t encoding)
{
    return (uint64_t)encoding << 32 | token;
}

uint32_t request_encoding(uint64_t token)
{
    return (uint32_t)(token >> 32);
}

/*
 * clientRequest(handle, recipient, method, params, token, timeout in ms, may be executed twice, encoding)
 *     -> the operation or a status below 0
 */
static napi_value request(napi_env env, napi_callback_info info)
{
    napi_value values[8];
    acurast_request_params settings = {.size = sizeof settings};
    uint64_t operation = 0;
    uint32_t token = 0;
    bool retry = false, ok = true;
    input recipient, method, params;
    if (!arguments(env, info, 8, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !whole(env, values[4], &token) || !whole(env, values[5], &settings.timeout_ms) ||
        !whole(env, values[7], &settings.encoding))
        return NULL;
    napi_get_value_bool(env, values[6], &retry);
    settings.token = request_token(token, settings.encoding);
    settings.retry = retry;
    take(env, values[1], &recipient, &ok);
    take(env, values[2], &method, &ok);
    take(env, values[3], &params, &ok);
    acurast_status status = ACURAST_INVALID;
    if (ok)
        status = acurast_client_request(self->client, recipient.data, recipient.size, (const char *)method.data,
                                        params.data, params.size, &settings, &operation);
    input_free(&recipient);
    input_free(&method);
    input_free(&params);
    return ok ? begun(env, status, operation) : NULL;
}

/*
 * clientRequestMany(handle, ids, method, params, token, timeout in ms, may be executed twice, encoding, results that end it, have to agree)
 *     -> the operation or a status below 0
 */
static napi_value request_many(napi_env env, napi_callback_info info)
{
    napi_value values[10];
    acurast_many_params settings = {.size = sizeof settings};
    uint64_t operation = 0;
    uint32_t token = 0;
    bool retry = false, agree = false, ok = true;
    input ids, method, params;
    if (!arguments(env, info, 10, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !whole(env, values[4], &token) || !whole(env, values[5], &settings.timeout_ms) ||
        !whole(env, values[7], &settings.encoding) || !whole(env, values[8], &settings.need))
        return NULL;
    napi_get_value_bool(env, values[6], &retry);
    napi_get_value_bool(env, values[9], &agree);
    settings.token = request_token(token, settings.encoding);
    settings.retry = retry;
    settings.agree = agree;
    take(env, values[1], &ids, &ok);
    take(env, values[2], &method, &ok);
    take(env, values[3], &params, &ok);
    acurast_status status = ACURAST_INVALID;
    if (ok)
        status =
            acurast_client_request_many(self->client, ids.data, ids.size / ACURAST_ID_SIZE, (const char *)method.data,
                                        params.data, params.size, &settings, &operation);
    input_free(&ids);
    input_free(&method);
    input_free(&params);
    return ok ? begun(env, status, operation) : NULL;
}

/* clientServe(handle, method, token) */
static napi_value serve(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    uint32_t token = 0;
    input method;
    if (!arguments(env, info, 3, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !whole(env, values[2], &token) || !input_take(env, values[1], &method))
        return NULL;
    acurast_status status = acurast_client_serve(self->client, (const char *)method.data, token);
    input_free(&method);
    return status == ACURAST_OK ? undefined(env) : fail(env, status, "method");
}

/* The request that is answered: its client, or NULL with an exception pending. */
static source *answered(napi_env env, const napi_value *values, uint64_t *number_of)
{
    double given = 0;
    source *self = client_of(env, values[0]);
    if (!self || !number(env, values[1], &given))
        return NULL;
    if (!(given >= 1 && given <= 9007199254740991.0))
        return fail(env, ACURAST_NOT_FOUND, "request"), NULL;
    *number_of = (uint64_t)given;
    return self;
}

/* f(handle, request, one value as it travels) -> 0 or a status below 0 */
static napi_value tell(napi_env env, napi_callback_info info,
                       acurast_status (*call)(acurast_client *, uint64_t, const void *, size_t))
{
    napi_value values[3];
    uint64_t number_of = 0;
    input value;
    if (!arguments(env, info, 3, values))
        return NULL;
    source *self = answered(env, values, &number_of);
    if (!self || !input_take(env, values[2], &value))
        return NULL;
    acurast_status status = call(self->client, number_of, value.data, value.size);
    input_free(&value);
    return begun(env, status, 0);
}

/* clientAnswer(handle, request, result or '') */
static napi_value answer_result(napi_env env, napi_callback_info info)
{
    return tell(env, info, acurast_client_answer);
}

/* clientProgress(handle, request, value) */
static napi_value progress(napi_env env, napi_callback_info info)
{
    return tell(env, info, acurast_client_progress);
}

/* clientAnswerError(handle, request, code, message, data or '') -> 0 or a status below 0 */
static napi_value answer_error(napi_env env, napi_callback_info info)
{
    napi_value values[5];
    uint64_t number_of = 0;
    double code = 0;
    bool ok = true;
    input message, data;
    if (!arguments(env, info, 5, values))
        return NULL;
    source *self = answered(env, values, &number_of);
    if (!self || !number(env, values[2], &code))
        return NULL;
    if (!(code >= -9007199254740991.0 && code <= 9007199254740991.0))
        return fail(env, ACURAST_INVALID, "code");
    take(env, values[3], &message, &ok);
    take(env, values[4], &data, &ok);
    acurast_status status = ACURAST_INVALID;
    if (ok)
        status = acurast_client_answer_error(self->client, number_of, (int64_t)code, (const char *)message.data,
                                             data.data, data.size);
    input_free(&message);
    input_free(&data);
    return ok ? begun(env, status, 0) : NULL;
}

const entry REQUEST_ENTRIES[] = {
    {"clientRequest", request},
    {"clientRequestMany", request_many},
    {"clientServe", serve},
    {"clientAnswer", answer_result},
    {"clientAnswerError", answer_error},
    {"clientProgress", progress},
    {NULL, NULL},
};
