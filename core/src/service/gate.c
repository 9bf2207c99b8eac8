/* The order of checks at accept: those that cost least first; nothing is allocated for whoever is turned away. */
#include "service/gate.h"

#include "base/memory.h"
#include "service/connection.h"
#include "service/page.h"
#include "service/service.h"

#include <stdio.h>

/* A monitoring has a few, each for one request. */
#define ADMIN_CONNECTIONS_MAX 64

#define WARNING_EVERY_MS 60000

static bool reject(acurast__shard *shard, acurast__reject why)
{
    acurast__count(&shard->metrics.rejects[why], 1);
    return false;
}

static bool raise(_Atomic uint64_t *gauge, uint64_t limit)
{
    uint64_t before = atomic_fetch_add_explicit(gauge, 1, memory_order_relaxed);
    if (!limit || before < limit)
        return true;
    atomic_fetch_sub_explicit(gauge, 1, memory_order_relaxed);
    return false;
}

static void lower(_Atomic uint64_t *gauge)
{
    atomic_fetch_sub_explicit(gauge, 1, memory_order_release);
}

/* True where the address is within its limits. */
static bool enter_address(acurast__shard *shard, const acurast__address *address)
{
    acurast_service *service = shard->service;
    switch (acurast__address_table_enter(&service->addresses, address, acurast__loop_now(shard->loop))) {
    case ACURAST__ADDRESS_CONNECTIONS:
        return reject(shard, ACURAST__REJECT_ADDRESS_CONNECTIONS);
    case ACURAST__ADDRESS_HANDSHAKES:
        return reject(shard, ACURAST__REJECT_ADDRESS_HANDSHAKES);
    case ACURAST__ADDRESS_NO_MEMORY:
        return reject(shard, ACURAST__REJECT_MEMORY);
    default:
        return true;
    }
}

static acurast__admission refuse(acurast__shard *shard, acurast__reject why)
{
    reject(shard, why);
    return ACURAST__ADMISSION_REFUSED;
}

static acurast__admission admit_admin(acurast__shard *shard, acurast__peer *peer)
{
    acurast_service *service = shard->service;
    peer->pending = raise(&service->admin_pending, ADMIN_CONNECTIONS_MAX);
    if (!peer->pending) {
        reject(shard, ACURAST__REJECT_ADMIN);
        return ACURAST__ADMISSION_FULL;
    }
    raise(&service->admin_connections, 0);
    return ACURAST__ADMISSION_GRANTED;
}

/* Whoever comes too often is turned away, and whoever waits for too long makes room for others. */
static acurast__admission on_admit(void *owner, acurast__peer *peer)
{
    acurast__door *door = owner;
    acurast__shard *shard = door->shard;
    acurast_service *service = shard->service;
    if (peer->admin)
        return admit_admin(shard, peer);
    if (!atomic_load_explicit(&service->ready, memory_order_acquire))
        return refuse(shard, ACURAST__REJECT_NOT_READY);
    if (!raise(&service->pending, shard->settings->max_pending)) {
        reject(shard, ACURAST__REJECT_PENDING);
        return ACURAST__ADMISSION_FULL;
    }
    if (!raise(&service->connections, shard->settings->max_connections)) {
        lower(&service->pending);
        return refuse(shard, ACURAST__REJECT_CONNECTIONS);
    }
    if (!acurast__settings_trusts(shard->settings, &peer->address) && !enter_address(shard, &peer->address)) {
        lower(&service->pending);
        lower(&service->connections);
        return ACURAST__ADMISSION_REFUSED;
    }
    peer->pending = true;
    acurast__count(&shard->metrics.connections, 1);
    return ACURAST__ADMISSION_GRANTED;
}

static _Atomic uint64_t *pending_of(acurast_service *service, const acurast__peer *peer)
{
    return peer->admin ? &service->admin_pending : &service->pending;
}

void acurast__gate_settled(acurast_service *service, acurast__peer *peer)
{
    if (peer->pending)
        lower(pending_of(service, peer));
    peer->pending = false;
}

static void on_evicted(void *owner, acurast__peer *peer)
{
    acurast__gate_settled(((acurast__door *)owner)->shard->service, peer);
}

static void on_left(void *owner, const acurast__peer *peer)
{
    acurast__door *door = owner;
    acurast__shard *shard = door->shard;
    acurast_service *service = shard->service;
    if (peer->pending)
        lower(pending_of(service, peer));
    if (peer->admin) {
        lower(&service->admin_connections);
        return;
    }
    if (peer->limited || !acurast__settings_trusts(shard->settings, &peer->address))
        acurast__address_table_leave(&service->addresses, &peer->effective, acurast__loop_now(shard->loop));
    lower(&service->connections);
}

/*
 * Finds out who is behind a trusted proxy; false where that one is over its limits. Where the header is nonsense, the proxy itself counts:
 * nobody gets rid of the limits by what they write.
 */
static bool find_client(acurast__shard *shard, acurast__peer *peer, const acurast__request *request)
{
    acurast__address client;
    if (!acurast__settings_trusts(shard->settings, &peer->address))
        return true;
    acurast__hop found = acurast__settings_client_of(shard->settings, request->forwarded_for, &client);
    if (found == ACURAST__HOP_PROXY)
        return true;
    if (found == ACURAST__HOP_NONSENSE)
        client = peer->address;
    peer->limited = enter_address(shard, &client);
    if (peer->limited)
        peer->effective = client;
    return peer->limited;
}

static void *on_upgrade(void *owner, acurast__ws *ws, acurast__peer *peer, const acurast__request *request,
                        const acurast__ws_handlers **handlers, acurast__ws_settings *settings, unsigned *refuse)
{
    acurast__door *door = owner;
    acurast__shard *shard = door->shard;
    *refuse = 503;
    if (peer->admin || !atomic_load_explicit(&shard->service->ready, memory_order_acquire)) {
        *refuse = peer->admin ? 404 : 503;
        reject(shard, ACURAST__REJECT_NOT_READY);
        return NULL;
    }
    if (!find_client(shard, peer, request)) {
        *refuse = 429;
        return NULL;
    }
    acurast__connection *connection = acurast__connection_create(shard, ws, peer, request->host);
    if (!connection) {
        reject(shard, ACURAST__REJECT_MEMORY);
        return NULL;
    }
    *handlers = &acurast__connection_handlers;
    settings->max_message = ACURAST__EARLY_MAX_MESSAGE;
    settings->ping_interval_ms = shard->settings->ping_interval_ms;
    settings->ping_timeout_ms = shard->settings->ping_timeout_ms;
    return connection;
}

static void on_page(void *owner, const acurast__peer *peer, const acurast__request *request,
                    acurast__response_page *page)
{
    acurast__page_answer(owner, peer, request, page);
}

/* Each that comes is counted; it is said once in a while. */
static void on_exhausted(void *user)
{
    acurast__door *door = user;
    acurast__shard *shard = door->shard;
    uint64_t now = acurast__loop_now(shard->loop);
    reject(shard, ACURAST__REJECT_DESCRIPTORS);
    if (door->warned && now - door->warned < WARNING_EVERY_MS)
        return;
    door->warned = now;
    acurast__service_log(shard, ACURAST_LOG_WARN, "what=no_descriptors_left");
}

static const acurast__listener_handlers handlers_of_gate = {.admit = on_admit,
                                                            .exhausted = on_exhausted,
                                                            .evicted = on_evicted,
                                                            .upgrade = on_upgrade,
                                                            .page = on_page,
                                                            .left = on_left};

static acurast_status gate_listen(acurast__gate *gate, acurast__shard *shards, size_t count,
                                  const acurast__endpoint *endpoint, acurast__certificate *certificate, char *detail,
                                  size_t detail_size)
{
    const acurast__settings *settings = shards->settings;
    acurast__listener_config config = {
        .address = endpoint->host,
        .port = endpoint->port,
        .admin = gate->admin,
        .certificate = gate->admin ? NULL : certificate,
        .send_buffer = settings->socket_send_buffer,
        .receive_buffer = settings->socket_receive_buffer,
        .request_timeout_ms = settings->handshake_ms,
        .handlers = &handlers_of_gate,
    };
    acurast__loop **loops = acurast__alloc_zero(count * sizeof(acurast__loop *));
    void **owners = acurast__alloc_zero(count * sizeof(void *));
    acurast_status status = ACURAST_NO_MEMORY;
    if (loops && owners) {
        for (size_t i = 0; i < count; i++) {
            loops[i] = shards[i].loop;
            owners[i] = &gate->doors[i];
        }
        status = acurast__listener_open(loops, owners, count, &config, &gate->listener, detail, detail_size);
    }
    acurast__free(loops);
    acurast__free(owners);
    return status;
}

acurast_status acurast__gate_open(acurast__gate *gate, acurast__shard *shards, size_t count,
                                  const acurast__endpoint *endpoint, acurast__certificate *certificate, bool admin,
                                  char *detail, size_t detail_size)
{
    const acurast__settings *settings = shards->settings;
    gate->admin = admin;
    gate->doors = acurast__alloc_zero(count * sizeof *gate->doors);
    if (!gate->doors)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        gate->doors[i] = (acurast__door){.shard = &shards[i],
                                         .pages = admin || (endpoint->loopback && !settings->has_admin),
                                         .loopback = endpoint->loopback};
    acurast_status status = gate_listen(gate, shards, count, endpoint, certificate, detail, detail_size);
    if (status != ACURAST_OK) {
        acurast__free(gate->doors);
        gate->doors = NULL;
        return status;
    }
    const char *scheme = admin ? "http" : certificate ? "wss" : "ws";
    int size = snprintf(gate->url, sizeof gate->url, "%s://", scheme);
    gate->port = acurast__listener_port(gate->listener);
    acurast__endpoint_format(endpoint, gate->port, gate->url + size, sizeof gate->url - (size_t)size);
    return ACURAST_OK;
}

static void on_listener_closed(void *user)
{
    acurast__gate *gate = user;
    atomic_store_explicit(&gate->closed, true, memory_order_release);
}

void acurast__gate_close(acurast__gate *gate)
{
    acurast__listener_close(gate->listener, on_listener_closed, gate);
}

void acurast__gate_clear(acurast__gate *gate)
{
    if (gate->listener)
        acurast__listener_free(gate->listener);
    acurast__free(gate->doors);
    gate->listener = NULL;
    gate->doors = NULL;
}
