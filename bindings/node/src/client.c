/*
 * Clients. Whatever has no room in a number is thrown.
 */
#include "addon.h"

static acurast_status make_client(source *self, acurast_options *options, napi_value owner)
{
    environment *home = self->home;
    acurast_identity *identity = unwrap(home->env, owner, &IDENTITY_TAG);
    if (!identity)
        return ACURAST_INVALID;
    acurast_status status = acurast_client_create(home->context, options, identity, &self->client);
    if (status == ACURAST_OK)
        status = acurast_client_set_queue(self->client, self->queue, self->slot);
    if (status != ACURAST_OK)
        fail(home->env, status, acurast_options_error(options));
    return status;
}

/* clientCreate(pairs, identity, inbox count, inbox bytes, slot) -> handle */
static napi_value create(napi_env env, napi_callback_info info)
{
    environment *home = environment_of(env);
    napi_value values[5], made = NULL;
    double count = 0, bytes = 0;
    uint32_t slot = 0;
    if (!arguments(env, info, 5, values) || !number(env, values[2], &count) || !number(env, values[3], &bytes) ||
        !whole(env, values[4], &slot))
        return NULL;
    if (!(count >= 1 && count < 1e15 && bytes >= 1 && bytes < 1e15))
        return fail(env, ACURAST_INVALID, "inbox");
    acurast_options *options = options_take(env, ACURAST_SCOPE_CLIENT, values[0]);
    if (!options)
        return NULL;
    acurast_context *context = environment_context(home);
    source *self = context ? source_create(home, context, slot, (size_t)count, (size_t)bytes) : NULL;
    if (self && make_client(self, options, values[1]) == ACURAST_OK) {
        made = source_wrap(self, &CLIENT_TAG);
    } else if (self) {
        source_close(self);
        source_release(self);
    }
    acurast_options_release(options);
    return made;
}

source *client_of(napi_env env, napi_value value)
{
    source *self = unwrap(env, value, &CLIENT_TAG);
    if (self && !self->client)
        return fail(env, ACURAST_CLOSED, "this client"), NULL;
    return self;
}

static source *only_client(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    return arguments(env, info, 1, &value) ? client_of(env, value) : NULL;
}

static napi_value answer(napi_env env, acurast_status status)
{
    return status == ACURAST_OK ? undefined(env) : fail(env, status, "");
}

/* clientConnect(handle) */
static napi_value connect_client(napi_env env, napi_callback_info info)
{
    source *self = only_client(env, info);
    if (!self || !source_watch(self))
        return NULL;
    return answer(env, acurast_client_connect(self->client));
}

/* clientClose(handle) */
static napi_value close_client(napi_env env, napi_callback_info info)
{
    source *self = only_client(env, info);
    return self ? answer(env, acurast_client_close(self->client)) : NULL;
}

napi_value begun(napi_env env, acurast_status status, uint64_t operation)
{
    return from_number(env, status == ACURAST_OK ? (double)operation : -(double)status);
}

/*
 * clientSend(handle, recipient, payload, token, timeout in ms, may write now, level, tell if kept)
 *     -> the operation, 0 if it is written, or a status below 0
 */
static napi_value send_payload(napi_env env, napi_callback_info info)
{
    napi_value values[8];
    acurast_send_params params = {.size = sizeof params};
    uint64_t operation = 0;
    uint32_t token = 0;
    bool now = false, tell_kept = false;
    input recipient, payload;
    if (!arguments(env, info, 8, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !whole(env, values[3], &token) || !whole(env, values[4], &params.timeout_ms) ||
        !whole(env, values[6], &params.until) || !input_bytes(env, values[2], &payload) ||
        !input_take(env, values[1], &recipient))
        return NULL;
    napi_get_value_bool(env, values[5], &now);
    napi_get_value_bool(env, values[7], &tell_kept);
    params.token = token;
    params.write_now = now;
    params.tell_kept = tell_kept;
    acurast_status status = acurast_client_send(self->client, recipient.data, recipient.size, payload.data,
                                                payload.size, &params, &operation);
    if (recipient.owned)
        input_free(&recipient);
    return begun(env, status, operation);
}

/* clientLook(handle, ids one behind the other, token, timeout in ms) -> the operation or a status below 0 */
static napi_value look(napi_env env, napi_callback_info info)
{
    napi_value values[4];
    acurast_send_params params = {.size = sizeof params};
    uint64_t operation = 0;
    uint32_t token = 0;
    input ids;
    if (!arguments(env, info, 4, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !whole(env, values[2], &token) || !whole(env, values[3], &params.timeout_ms) ||
        !input_bytes(env, values[1], &ids))
        return NULL;
    if (ids.size % ACURAST_ID_SIZE)
        return fail(env, ACURAST_INVALID, "ids");
    params.token = token;
    acurast_status status =
        acurast_client_look(self->client, ids.data, ids.size / ACURAST_ID_SIZE, &params, &operation);
    return begun(env, status, operation);
}

/* clientCancel(handle, operation). Asks and no more: a client that closes ends its sends by itself. */
static napi_value cancel(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    double operation = 0;
    if (!arguments(env, info, 2, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !number(env, values[1], &operation))
        return NULL;
    if (operation >= 1 && operation <= 9007199254740991.0)
        acurast_client_cancel(self->client, (uint64_t)operation);
    return undefined(env);
}

/* clientKeep(handle, payloads, bytes) */
static napi_value keep(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    double count = 0, bytes = 0;
    if (!arguments(env, info, 3, values))
        return NULL;
    source *self = client_of(env, values[0]);
    if (!self || !number(env, values[1], &count) || !number(env, values[2], &bytes))
        return NULL;
    if (!(count >= 0 && count < 1e15 && bytes >= 0 && bytes < 1e15))
        return fail(env, ACURAST_INVALID, "keep");
    return answer(env, acurast_queue_keep(self->queue, (size_t)count, (size_t)bytes));
}

static void set_figure(napi_env env, napi_value object, const char *name, uint64_t value)
{
    napi_set_named_property(env, object, name, from_number(env, (double)value));
}

/* clientStats(handle) -> object */
static napi_value stats(napi_env env, napi_callback_info info)
{
    source *self = only_client(env, info);
    acurast_client_stats found = {.size = sizeof found};
    napi_value object = NULL;
    if (!self)
        return NULL;
    acurast_status status = acurast_client_get_stats(self->client, &found);
    if (status != ACURAST_OK || napi_create_object(env, &object) != napi_ok)
        return fail(env, status, "");
    set_figure(env, object, "connections", found.connections);
    set_figure(env, object, "payloadsIn", found.payloads_in);
    set_figure(env, object, "payloadsOut", found.payloads_out);
    set_figure(env, object, "outboxCount", found.outbox_count);
    set_figure(env, object, "outboxBytes", found.outbox_bytes);
    set_figure(env, object, "ignoredFrames", found.ignored_frames);
    set_figure(env, object, "strayPayloads", found.stray_payloads);
    set_figure(env, object, "largePayloads", found.large_payloads);
    set_figure(env, object, "repeats", found.repeats);
    set_figure(env, object, "foreignReceipts", found.foreign_receipts);
    set_figure(env, object, "strayAnswers", found.stray_answers);
    return object;
}

const entry CLIENT_ENTRIES[] = {
    {"clientCreate", create},
    {"clientConnect", connect_client},
    {"clientClose", close_client},
    {"clientSend", send_payload},
    {"clientLook", look},
    {"clientCancel", cancel},
    {"clientKeep", keep},
    {"clientStats", stats},
    {NULL, NULL},
};
