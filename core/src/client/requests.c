/*
 * Payloads are parsed without the lock, and judged with it. What a payload is made of decides: if any of its messages is an answer to
 * something that was asked here, or progress of it, all of it was; else the server looks at it.
 *
 * A call's token is its operation, which lives until it is over, and forgets the call then.
 */
#include "client/requests.h"

#include "base/memory.h"
#include "client/client.h"
#include "client/survey.h"

#include <sodium.h>
#include <string.h>

/* The outbox bounds them, and sees to it that a WRITABLE event follows what it refuses; this bound would not. */
#define CALLS_MOST (UINT32_C(1) << 30)

/* Of payloads whose requests wait or run. */
#define SERVE_BYTES ((size_t)16 * 1024 * 1024)

void acurast__requests_init(acurast__requests *requests)
{
    pthread_mutex_init(&requests->lock, NULL);
    atomic_init(&requests->active, false);
    acurast__list_init(&requests->surveys);
    acurast__list_init(&requests->told);
}

void acurast__requests_clear(acurast__requests *requests)
{
    acurast__calls_destroy(requests->calls);
    acurast__serve_destroy(requests->serve);
    pthread_mutex_destroy(&requests->lock);
}

acurast__rpc_encoding acurast__requests_encoding(uint32_t public)
{
    return public == ACURAST_ENCODING_MSGPACK ? ACURAST__RPC_MSGPACK : ACURAST__RPC_JSON;
}

static uint32_t public_encoding(acurast__rpc_encoding encoding)
{
    return encoding == ACURAST__RPC_MSGPACK ? ACURAST_ENCODING_MSGPACK : ACURAST_ENCODING_JSON;
}

/* ---- asking ---- */

/* With the lock held. */
static acurast__calls *calls_of(acurast_client *client)
{
    acurast__requests *requests = &client->requests;
    if (!requests->calls) {
        uint8_t key[ACURAST__CALLS_KEY_SIZE];
        randombytes_buf(key, sizeof key);
        requests->calls = acurast__calls_create(key, CALLS_MOST);
        atomic_store(&requests->active, requests->calls != NULL);
        sodium_memzero(key, sizeof key);
    }
    return requests->calls;
}

static acurast_status open_call(acurast_client *client, const acurast__call_params *params, acurast__buffer *payload,
                                uint64_t *call)
{
    pthread_mutex_lock(&client->requests.lock);
    acurast__calls *calls = calls_of(client);
    acurast_status status = calls ? acurast__calls_begin(calls, params, payload, call) : ACURAST_NO_MEMORY;
    pthread_mutex_unlock(&client->requests.lock);
    return status;
}

static void close_call(acurast_client *client, uint64_t call)
{
    pthread_mutex_lock(&client->requests.lock);
    (void)acurast__calls_cancel(client->requests.calls, call, NULL);
    pthread_mutex_unlock(&client->requests.lock);
}

void acurast__requests_forget(acurast_client *client, acurast__operation *operation)
{
    if (operation->call)
        close_call(client, operation->call);
    operation->call = 0;
}

static acurast__operation *make_operation(acurast_client *client, const uint8_t recipient[16],
                                          const acurast__buffer *payload, uint64_t call, bool retry)
{
    acurast__operation *made = acurast__operation_create_tracked(client->id, recipient, payload->bytes, payload->size,
                                                                 ACURAST_LEVEL_DELIVERED);
    if (!made)
        return NULL;
    made->asks = true;
    made->retry = retry;
    made->call = call;
    pthread_mutex_lock(&client->requests.lock);
    acurast__calls_set_token(client->requests.calls, call, (uint64_t)(uintptr_t)made);
    pthread_mutex_unlock(&client->requests.lock);
    return made;
}

acurast_status acurast__requests_make(acurast_client *client, const acurast__question *question,
                                      const uint8_t recipient[16], acurast__operation **made)
{
    acurast__call_params asked = {.encoding = acurast__requests_encoding(question->encoding),
                                  .method = question->method,
                                  .params = question->params,
                                  .deadline = UINT64_MAX};
    acurast__buffer payload = {0};
    uint64_t call = 0;
    memcpy(asked.recipient, recipient, sizeof asked.recipient);
    acurast_status status = open_call(client, &asked, &payload, &call);
    if (status == ACURAST_OK && payload.size > client->settings.connection.max_payload)
        status = ACURAST_TOO_LARGE;
    if (status == ACURAST_OK) {
        *made = make_operation(client, recipient, &payload, call, question->retry);
        status = *made ? ACURAST_OK : ACURAST_NO_MEMORY;
    }
    if (status != ACURAST_OK && call)
        close_call(client, call);
    acurast__buffer_clear(&payload);
    return status;
}

acurast_status acurast__requests_check(acurast_client *client, const acurast__question *question)
{
    acurast__raw params = question->params;
    acurast_status status = acurast__client_check(client);
    if (status != ACURAST_OK)
        return status;
    return !params.size || acurast__rpc_valid(acurast__requests_encoding(question->encoding), params.bytes, params.size)
               ? ACURAST_OK
               : ACURAST_INVALID;
}

acurast_status acurast__client_request(acurast_client *client, const uint8_t recipient[16],
                                       const acurast__question *question, uint64_t token, uint64_t *operation)
{
    acurast_send_params send = {.token = token, .timeout_ms = question->timeout_ms};
    acurast__operation *made = NULL;
    acurast_status status = acurast__requests_check(client, question);
    if (status == ACURAST_OK)
        status = acurast__requests_make(client, question, recipient, &made);
    if (status != ACURAST_OK)
        return status;
    uint64_t call = made->call;
    status = acurast__client_reserve(client, 1, made->payload_size);
    if (status == ACURAST_OK)
        status = acurast__client_hand_in(client, made, made->payload_size, &send, operation);
    else
        acurast__operation_free(made);
    if (status != ACURAST_OK)
        close_call(client, call);
    return status;
}

/* The answer takes the place of the question. */
static bool put_answer(acurast__operation *operation, acurast__raw answer)
{
    uint8_t *copy = acurast__alloc(answer.size + !answer.size);
    if (!copy)
        return false;
    memcpy(copy, answer.bytes, answer.size);
    acurast__free(operation->frame);
    operation->frame = copy;
    operation->frame_size = answer.size;
    return true;
}

static void on_answer(acurast_client *client, const acurast__answer *answer, const acurast__rpc_message *message)
{
    acurast__operation *operation = (acurast__operation *)(uintptr_t)answer->call.token;
    bool error = message->kind == ACURAST__RPC_ERROR;
    acurast__raw value = message->part[error ? ACURAST__RPC_PART_ERROR : ACURAST__RPC_PART_RESULT];
    acurast_status status = error ? ACURAST_REMOTE_ERROR : ACURAST_OK;
    operation->call = 0;
    operation->maybe = operation->delivered = false; /* an answer is certain, whatever became of the receipts */
    operation->live = 0;
    operation->code = message->code;
    operation->answered = put_answer(operation, value);
    if (client->outbox.size == 1) /* who hears of the answer may ask the next at once */
        acurast__client_open_lane(client);
    acurast__outbox_end(&client->outbox, operation, operation->answered ? status : ACURAST_NO_MEMORY);
}

static void on_progress(acurast_client *client, const acurast__answer *answer, acurast__rpc_encoding encoding)
{
    const acurast__operation *operation = (const acurast__operation *)(uintptr_t)answer->call.token;
    const acurast__operation *whole = operation->survey ? operation->survey->outcome : operation;
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PROGRESS);
    if (!whole)
        return;
    view.operation = whole->number;
    view.token = whole->token;
    view.sender = operation->recipient;
    view.payload = answer->progress.bytes;
    view.payload_size = answer->progress.size;
    view.encoding = public_encoding(encoding);
    acurast__client_report_view(client, &view);
}

/* False where it is no concern of the asker's. */
static bool take_message(acurast_client *client, const uint8_t sender[16], acurast__rpc_encoding encoding,
                         const acurast__rpc_message *message)
{
    acurast__answer answer;
    acurast__calls_verdict verdict = ACURAST__CALLS_NOT_OURS;
    pthread_mutex_lock(&client->requests.lock);
    if (client->requests.calls)
        verdict = acurast__calls_receive(client->requests.calls, sender, encoding, message, &answer);
    pthread_mutex_unlock(&client->requests.lock);
    if (verdict == ACURAST__CALLS_ANSWER)
        on_answer(client, &answer, message);
    else if (verdict == ACURAST__CALLS_PROGRESS)
        on_progress(client, &answer, encoding);
    else if (verdict != ACURAST__CALLS_NOT_OURS)
        atomic_fetch_add(&client->stray_answers, 1);
    return verdict != ACURAST__CALLS_NOT_OURS;
}

static bool take_answers(acurast_client *client, const uint8_t sender[16], const acurast__rpc_parsed *parsed)
{
    bool ours = false;
    for (size_t i = 0; parsed->verdict == ACURAST__RPC_MESSAGES && i < parsed->count; i++)
        ours |= take_message(client, sender, parsed->encoding, &parsed->messages[i]);
    return ours;
}

/* ---- serving ---- */

/* With the lock held. */
static acurast__serve *serve_of(acurast_client *client)
{
    acurast__requests *requests = &client->requests;
    if (!requests->serve) {
        uint32_t running = client->settings.serve_running, waiting = client->settings.serve_waiting;
        acurast__serve_limits limits = {
            .running = running, .waiting = waiting, .bytes = SERVE_BYTES, .each = running + (waiting + 1) / 2};
        requests->serve = acurast__serve_create(&limits);
        if (requests->serve)
            atomic_store(&requests->active, true);
    }
    return requests->serve;
}

acurast_status acurast__client_serve(acurast_client *client, const char *method, uint64_t token)
{
    pthread_mutex_lock(&client->requests.lock);
    acurast__serve *serve = serve_of(client);
    acurast_status status = serve ? acurast__serve_method(serve, method, (void *)(uintptr_t)token) : ACURAST_NO_MEMORY;
    pthread_mutex_unlock(&client->requests.lock);
    return status;
}

/* What the server says at once. Where the outbox is full nobody is told: the asker will wait in vain, as for any lost payload. */
static void send_reply(acurast_client *client, acurast__reply *reply)
{
    acurast_send_params params = {.no_outcome = 1};
    if (reply->payload.size)
        (void)acurast__client_send(client, reply->recipient, reply->payload.bytes, reply->payload.size, &params, NULL);
    acurast__buffer_clear(&reply->payload);
}

static bool take_requests(acurast_client *client, const uint8_t sender[16], const acurast__rpc_parsed *parsed,
                          const uint8_t *payload, size_t size)
{
    acurast__reply reply = {0};
    pthread_mutex_lock(&client->requests.lock);
    bool ours =
        client->requests.serve && acurast__serve_receive(client->requests.serve, sender, parsed, payload, size, &reply);
    pthread_mutex_unlock(&client->requests.lock);
    send_reply(client, &reply);
    return ours;
}

bool acurast__requests_take(acurast_client *client, const uint8_t sender[16], const uint8_t *payload, size_t size)
{
    acurast__rpc_parsed parsed;
    if (!atomic_load_explicit(&client->requests.active, memory_order_relaxed))
        return false;
    acurast__rpc_parse(&parsed, payload, size, false);
    bool answers = take_answers(client, sender, &parsed);
    bool requests = !answers && take_requests(client, sender, &parsed, payload, size);
    acurast__rpc_clear(&parsed);
    if (requests)
        acurast__requests_hand_out(client);
    return answers || requests;
}

static void hand_out(acurast_client *client, const acurast__serve_request *request)
{
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_REQUEST);
    view.operation = request->number;
    view.token = (uint64_t)(uintptr_t)request->user;
    view.sender = request->sender;
    view.recipient = client->id;
    view.text = request->method;
    view.payload = request->params.size ? request->params.bytes : (const uint8_t *)"";
    view.payload_size = request->params.size;
    view.encoding = public_encoding(request->encoding);
    if (acurast__client_report_view(client, &view))
        return;
    acurast__reply reply = {0};
    pthread_mutex_lock(&client->requests.lock);
    (void)acurast__serve_drop(client->requests.serve, request->number, &reply);
    pthread_mutex_unlock(&client->requests.lock);
    send_reply(client, &reply);
}

void acurast__requests_hand_out(acurast_client *client)
{
    acurast__serve_request request;
    for (bool more = true; more;) {
        pthread_mutex_lock(&client->requests.lock);
        more = client->requests.serve && acurast__serve_next(client->requests.serve, &request);
        pthread_mutex_unlock(&client->requests.lock);
        if (more)
            hand_out(client, &request);
    }
}

/* The room for the answer is made before the request counts as answered, as far as its size is known. */
static acurast_status send_answer(acurast_client *client, acurast__reply *reply, size_t reserved)
{
    acurast_send_params params = {.no_outcome = 1};
    size_t size = reply->payload.size;
    acurast__outbox_unreserve_bytes(&client->outbox, reserved);
    if (!size) {
        acurast__outbox_unreserve_count(&client->outbox, 1);
        return ACURAST_OK;
    }
    atomic_fetch_add(&client->outbox.bytes, size);
    acurast__operation *made = acurast__operation_create(client->id, reply->recipient, reply->payload.bytes, size);
    acurast__buffer_clear(&reply->payload);
    return acurast__client_hand_in(client, made, size, &params, NULL);
}

static acurast_status answer(acurast_client *client, uint64_t request, acurast__raw result,
                             const acurast__rpc_error *error, acurast__reply *reply)
{
    acurast__rpc_encoding encoding;
    acurast__raw value = error ? error->data : result;
    acurast__serve *serve = client->requests.serve;
    if (!serve || !acurast__serve_encoding(serve, request, &encoding))
        return ACURAST_NOT_FOUND;
    if (value.size && !acurast__rpc_valid(encoding, value.bytes, value.size))
        return ACURAST_INVALID;
    return acurast__serve_answer(serve, request, result, error, reply);
}

/* One place is free: what waits is handed out on the loop. */
static void look_again(acurast_client *client)
{
    pthread_mutex_lock(&client->lock);
    if (client->phase == ACURAST__CLIENT_RUNNING) {
        client->requests.due = true;
        acurast__client_wake_locked(client);
    }
    pthread_mutex_unlock(&client->lock);
}

acurast_status acurast__client_answer(acurast_client *client, uint64_t request, acurast__raw result,
                                      const acurast__rpc_error *error)
{
    acurast__reply reply = {0};
    acurast_status status = acurast__client_check(client);
    if (status == ACURAST_OK)
        status = acurast__client_reserve(client, 1, result.size);
    if (status != ACURAST_OK)
        return status;
    pthread_mutex_lock(&client->requests.lock);
    status = answer(client, request, result, error, &reply);
    pthread_mutex_unlock(&client->requests.lock);
    if (status != ACURAST_OK) {
        acurast__outbox_unreserve_bytes(&client->outbox, result.size);
        acurast__outbox_unreserve_count(&client->outbox, 1);
        return status;
    }
    look_again(client);
    return send_answer(client, &reply, result.size);
}

acurast_status acurast__client_progress(acurast_client *client, uint64_t request, acurast__raw value)
{
    acurast__reply reply = {0};
    acurast__rpc_encoding encoding;
    acurast_send_params params = {.no_outcome = 1};
    pthread_mutex_lock(&client->requests.lock);
    acurast__serve *serve = client->requests.serve;
    acurast_status status = ACURAST_NOT_FOUND;
    if (serve && acurast__serve_encoding(serve, request, &encoding))
        status = acurast__rpc_valid(encoding, value.bytes, value.size)
                     ? acurast__serve_progress(serve, request, value, &reply)
                     : ACURAST_INVALID;
    pthread_mutex_unlock(&client->requests.lock);
    if (status == ACURAST_OK && reply.payload.size)
        status = acurast__client_send(client, reply.recipient, reply.payload.bytes, reply.payload.size, &params, NULL);
    acurast__buffer_clear(&reply.payload);
    return status;
}
