/* The public face of the client: arguments and fork are checked here, everything else is client/client.c. */
#include "api/check.h"
#include "base/option.h"
#include "base/process.h"
#include "base/queue.h"

#include <string.h>

acurast_status acurast_client_create(acurast_context *context, acurast_options *options, acurast_identity *identity,
                                     acurast_client **client)
{
    if (!context || !options || !client || acurast__options_scope(options) != ACURAST_SCOPE_CLIENT)
        return ACURAST_INVALID;
    if (acurast__context_forked(context))
        return ACURAST_FORKED;
    if (acurast__context_closed(context))
        return ACURAST_CLOSED;
    return acurast__client_create(context, options, identity, client);
}

acurast_status acurast_client_set_callback(acurast_client *client, acurast_event_callback callback, void *user,
                                           acurast_destructor destructor)
{
    acurast_status status = callback ? acurast__check_client(client) : ACURAST_INVALID;
    return status == ACURAST_OK ? acurast__client_set_callback(client, callback, user, destructor) : status;
}

acurast_status acurast_client_set_queue(acurast_client *client, acurast_queue *queue, uint64_t source)
{
    acurast_status status = queue ? acurast__check_client(client) : ACURAST_INVALID;
    if (status == ACURAST_OK && acurast__queue_forked(queue))
        status = ACURAST_FORKED;
    return status == ACURAST_OK ? acurast__client_set_queue(client, queue, source) : status;
}

acurast_status acurast_client_connect(acurast_client *client)
{
    acurast_status status = acurast__check_client(client);
    return status == ACURAST_OK ? acurast__client_connect(client) : status;
}

acurast_status acurast_client_wait(acurast_client *client, int timeout_ms)
{
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && acurast__on_io_thread())
        status = ACURAST_WOULD_DEADLOCK;
    return status == ACURAST_OK ? acurast__client_wait(client, timeout_ms) : status;
}

/* What every caller knows of it; what stands behind that is read as far as its size says. */
#define PARAMS_MIN (offsetof(acurast_send_params, timeout_ms) + sizeof(uint32_t))

static acurast_status read_params(acurast_send_params *read, const acurast_send_params *given,
                                  const uint64_t *operation)
{
    *read = (acurast_send_params){0};
    if (!given)
        return ACURAST_OK;
    if (given->size < PARAMS_MIN)
        return ACURAST_INVALID;
    memcpy(read, given, given->size < sizeof *read ? given->size : sizeof *read);
    bool untold = read->write_now && !read->no_outcome && !operation; /* nothing could tell how it went */
    bool unknown = read->until > ACURAST_LEVEL_DELIVERED || read->reserved;
    return untold || unknown ? ACURAST_INVALID : ACURAST_OK;
}

acurast_status acurast_client_send(acurast_client *client, const void *recipient, size_t recipient_size,
                                   const void *payload, size_t payload_size, const acurast_send_params *params,
                                   uint64_t *operation)
{
    uint8_t id[ACURAST_ID_SIZE];
    acurast_send_params read;
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!recipient || (!payload && payload_size)))
        status = ACURAST_INVALID;
    if (status == ACURAST_OK)
        status = read_params(&read, params, operation);
    if (status == ACURAST_OK)
        status = acurast_id_of(recipient, recipient_size, id);
    return status == ACURAST_OK ? acurast__client_send(client, id, payload, payload_size, &read, operation) : status;
}

acurast_status acurast_client_look(acurast_client *client, const uint8_t *ids, size_t count,
                                   const acurast_send_params *params, uint64_t *operation)
{
    acurast_send_params read;
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!ids || !count || count > ACURAST_LOOK_MAX))
        status = ACURAST_INVALID;
    if (status == ACURAST_OK)
        status = read_params(&read, params, operation);
    return status == ACURAST_OK ? acurast__client_look(client, ids, count, &read, operation) : status;
}

acurast_status acurast_client_cancel(acurast_client *client, uint64_t operation)
{
    acurast_status status = acurast__check_client(client);
    return status == ACURAST_OK ? acurast__client_cancel(client, operation) : status;
}

acurast_status acurast_client_pause(acurast_client *client, int paused)
{
    acurast_status status = acurast__check_client(client);
    return status == ACURAST_OK ? acurast__client_pause(client, paused != 0) : status;
}

acurast_state acurast_client_state(const acurast_client *client)
{
    return client ? (acurast_state)atomic_load(&client->state) : ACURAST_STATE_CLOSED;
}

const uint8_t *acurast_client_id(const acurast_client *client)
{
    return client ? client->id : NULL;
}

acurast_status acurast_client_get_stats(const acurast_client *client, acurast_client_stats *stats)
{
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK && (!stats || stats->size < sizeof stats->size))
        status = ACURAST_INVALID;
    if (status == ACURAST_OK)
        acurast__client_get_stats(client, stats);
    return status;
}

acurast_status acurast_client_close(acurast_client *client)
{
    acurast_status status = acurast__check_client(client);
    if (status == ACURAST_OK)
        acurast__client_close(client);
    return status;
}

void acurast_client_release(acurast_client *client)
{
    if (acurast__check_client(client) == ACURAST_OK)
        acurast__client_release(client);
}
