#include "glue.h"

int64_t acurast_go_send(acurast_client *client, uint64_t to_first, uint64_t to_second, const uint8_t *payload,
                        size_t size, uint64_t token, int no_outcome, uint32_t timeout_ms, uint32_t until, int tell_kept)
{
    const uint64_t to[2] = {to_first, to_second};
    acurast_send_params params = {.size = sizeof params,
                                  .token = token,
                                  .no_outcome = no_outcome != 0,
                                  .timeout_ms = timeout_ms,
                                  .write_now = !no_outcome,
                                  .until = until,
                                  .tell_kept = tell_kept != 0};
    uint64_t operation = 0;
    acurast_status status = acurast_client_send(client, to, sizeof to, payload, size, &params, &operation);
    return status == ACURAST_OK ? (int64_t)operation : -(int64_t)status;
}

int64_t acurast_go_look(acurast_client *client, const uint8_t *ids, size_t count, uint64_t token, uint32_t timeout_ms)
{
    acurast_send_params params = {.size = sizeof params, .token = token, .timeout_ms = timeout_ms};
    uint64_t operation = 0;
    acurast_status status = acurast_client_look(client, ids, count, &params, &operation);
    return status == ACURAST_OK ? (int64_t)operation : -(int64_t)status;
}

int64_t acurast_go_request(acurast_client *client, uint64_t to_first, uint64_t to_second, const uint8_t *method,
                           const uint8_t *params, size_t size, uint64_t token, uint32_t timeout_ms, int retry,
                           int msgpack)
{
    const uint64_t to[2] = {to_first, to_second};
    acurast_request_params settings = {.size = sizeof settings,
                                       .token = token,
                                       .timeout_ms = timeout_ms,
                                       .encoding = msgpack ? ACURAST_ENCODING_MSGPACK : ACURAST_ENCODING_JSON,
                                       .retry = retry != 0};
    uint64_t operation = 0;
    acurast_status status =
        acurast_client_request(client, to, sizeof to, (const char *)method, params, size, &settings, &operation);
    return status == ACURAST_OK ? (int64_t)operation : -(int64_t)status;
}

int64_t acurast_go_request_many(acurast_client *client, const uint8_t *ids, size_t count, const uint8_t *method,
                                const uint8_t *params, size_t size, uint64_t token, uint32_t timeout_ms, int retry,
                                int msgpack, uint32_t need, int agree)
{
    acurast_many_params settings = {.size = sizeof settings,
                                    .token = token,
                                    .timeout_ms = timeout_ms,
                                    .encoding = msgpack ? ACURAST_ENCODING_MSGPACK : ACURAST_ENCODING_JSON,
                                    .retry = retry != 0,
                                    .need = need,
                                    .agree = agree != 0};
    uint64_t operation = 0;
    acurast_status status =
        acurast_client_request_many(client, ids, count, (const char *)method, params, size, &settings, &operation);
    return status == ACURAST_OK ? (int64_t)operation : -(int64_t)status;
}

acurast_status acurast_go_answer(acurast_client *client, uint64_t request, const uint8_t *result, size_t size)
{
    return acurast_client_answer(client, request, result, size);
}

acurast_status acurast_go_answer_error(acurast_client *client, uint64_t request, int64_t code, const uint8_t *message,
                                       const uint8_t *data, size_t size)
{
    return acurast_client_answer_error(client, request, code, (const char *)message, data, size);
}

acurast_status acurast_go_progress(acurast_client *client, uint64_t request, const uint8_t *value, size_t size)
{
    return acurast_client_progress(client, request, value, size);
}

int64_t acurast_go_take(acurast_queue *queue, acurast_event_view *views, size_t max)
{
    size_t count = 0;
    views[0].size = sizeof views[0];
    acurast_status status = acurast_queue_take(queue, views, max, 0, &count);
    return status == ACURAST_OK ? (int64_t)count : status == ACURAST_TIMEOUT ? 0 : -(int64_t)status;
}

void acurast_go_nothing(void)
{
}
