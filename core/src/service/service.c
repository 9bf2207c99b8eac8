/*
 * Who calls what: create, start, reload, close, wait and release come from any thread; drain_step and whatever is named on_... runs
 * on the loops. The lock guards the state and the texts; nothing is called out and no file is read with it held.
 *
 * A service that was never started has no loop: closing it ends it at once, on the thread that closes it.
 */
#include "service/service.h"

#include "base/condition.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- references ---- */

void acurast__service_retain(acurast_service *service)
{
    atomic_fetch_add_explicit(&service->references, 1, memory_order_relaxed);
}

static void shards_free(acurast_service *service)
{
    for (size_t i = 0; i < service->shard_count; i++)
        acurast__shard_clear(&service->shards[i]);
    acurast__free(service->shards);
    service->shards = NULL;
    service->shard_count = 0;
}

static void gates_free(acurast_service *service)
{
    for (size_t i = 0; i < service->gate_count; i++)
        acurast__gate_clear(&service->gates[i]);
    acurast__free(service->gates);
    service->gates = NULL;
    service->gate_count = 0;
}

static void service_free(acurast_service *service)
{
    shards_free(service);
    gates_free(service);
    acurast__directory_clear(&service->directory);
    acurast__address_table_clear(&service->addresses);
    acurast__access_release(service->access);
    acurast__settings_release(service->settings);
    acurast__free(service->urls);
    pthread_mutex_destroy(&service->reloading);
    pthread_mutex_destroy(&service->lock);
    pthread_cond_destroy(&service->changed);
    acurast__context_release(service->context);
    acurast__free(service);
    acurast__object_died();
}

void acurast__service_release(acurast_service *service)
{
    if (atomic_fetch_sub_explicit(&service->references, 1, memory_order_acq_rel) == 1)
        service_free(service);
}

static acurast_service *service_of(acurast__member *member)
{
    return ACURAST__CONTAINER(member, acurast_service, member);
}

static void member_retain(acurast__member *member)
{
    acurast__service_retain(service_of(member));
}

static void member_release(acurast__member *member)
{
    acurast__service_release(service_of(member));
}

static void member_close(acurast__member *member)
{
    acurast__service_close(service_of(member));
}

static acurast_status fail(acurast_service *service, acurast_status status, const char *detail)
{
    pthread_mutex_lock(&service->lock);
    snprintf(service->error, sizeof service->error, "%s", detail && detail[0] ? detail : acurast_status_text(status));
    pthread_mutex_unlock(&service->lock);
    return status;
}

/* ---- create ---- */

static void on_drain(acurast__task *task);
static void on_finish(acurast__task *task);

static void init_directory(acurast_service *service)
{
    acurast__directory_config config = service->settings->directory;
    config.wake = acurast__shard_wake;
    config.turn_away = acurast__shard_turn_away;
    config.given = acurast__connection_given;
    config.post = acurast__loop_post;
    config.is_current = acurast__loop_is_current;
    acurast__directory_init(&service->directory, &config);
}

acurast_status acurast__service_create(acurast_context *context, acurast_options *options, acurast_service **out)
{
    acurast_service *service = acurast__alloc_zero(sizeof *service);
    acurast_status status = service ? acurast__settings_create(options, &service->settings) : ACURAST_NO_MEMORY;
    if (status == ACURAST_OK)
        status = acurast__access_create(options ? options : service->settings->options, &service->access);
    if (status != ACURAST_OK) {
        if (service)
            acurast__settings_release(service->settings);
        acurast__free(service);
        return status;
    }
    atomic_init(&service->references, 1);
    service->context = acurast__context_retain(context);
    service->member = (acurast__member){.close = member_close, .retain = member_retain, .release = member_release};
    acurast__list_init(&service->member.link);
    acurast__address_table_init(&service->addresses, &service->settings->addresses);
    init_directory(service);
    acurast__condition_init(&service->changed);
    pthread_mutex_init(&service->reloading, NULL);
    pthread_mutex_init(&service->lock, NULL);
    service->drain.run = on_drain;
    service->finish.run = on_finish;
    acurast__service_events_init(service);
    acurast__object_born();
    *out = service;
    return ACURAST_OK;
}

acurast_status acurast__service_set_callback(acurast_service *service, acurast_event_callback callback, void *user,
                                             acurast_destructor destructor)
{
    pthread_mutex_lock(&service->lock);
    acurast_status status = ACURAST_BAD_STATE;
    if (service->life == ACURAST__LIFE_IDLE)
        status = acurast__delivery_set_callback(&service->delivery, callback, user, destructor);
    pthread_mutex_unlock(&service->lock);
    return status == ACURAST_OK ? status : fail(service, status, NULL);
}

acurast_status acurast__service_set_queue(acurast_service *service, acurast_queue *queue, uint64_t source)
{
    pthread_mutex_lock(&service->lock);
    acurast_status status = ACURAST_BAD_STATE;
    if (service->life == ACURAST__LIFE_IDLE)
        status = acurast__delivery_set_queue(&service->delivery, queue, source);
    pthread_mutex_unlock(&service->lock);
    return status == ACURAST_OK ? status : fail(service, status, NULL);
}

/* ---- start ---- */

static acurast__loop *home_of(const acurast_service *service)
{
    return service->shards[0].loop;
}

static acurast_status shards_start(acurast_service *service)
{
    size_t count = acurast__context_loop_count(service->context);
    acurast__shard *shards = acurast__alloc_zero(count * sizeof *shards);
    if (!shards)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        acurast__shard_init(&shards[i], service, acurast__context_loop(service->context, i));
    atomic_store(&service->shards_running, count);
    pthread_mutex_lock(&service->lock); /* somebody may ask for the figures already */
    service->shards = shards;
    service->shard_count = count;
    pthread_mutex_unlock(&service->lock);
    for (size_t i = 0; i < count; i++)
        acurast__loop_post(service->shards[i].loop, &service->shards[i].start);
    return ACURAST_OK;
}

static acurast_status gates_open(acurast_service *service, acurast__certificate *certificate, char *detail,
                                 size_t detail_size)
{
    const acurast__settings *settings = service->settings;
    size_t count = settings->endpoint_count + settings->has_admin;
    service->gates = acurast__alloc_zero(count * sizeof *service->gates);
    if (!service->gates)
        return ACURAST_NO_MEMORY;
    service->gate_count = count;
    for (size_t i = 0; i < count; i++) {
        bool admin = i == settings->endpoint_count;
        acurast_status status = acurast__gate_open(&service->gates[i], service->shards, service->shard_count,
                                                   admin ? &settings->admin : &settings->endpoints[i], certificate,
                                                   admin, detail, detail_size);
        if (status != ACURAST_OK)
            return status;
    }
    return ACURAST_OK;
}

static acurast_status gates_open_certified(acurast_service *service, char *detail, size_t detail_size)
{
    const acurast__settings *settings = service->settings;
    if (!settings->tls_cert[0])
        return gates_open(service, NULL, detail, detail_size);
    acurast__certificate *certificate =
        acurast__certificate_read(settings->tls_cert, settings->tls_key, detail, detail_size);
    if (!certificate)
        return ACURAST_TLS;
    service->first_certificate = acurast__certificate_describe(certificate);
    acurast_status status = gates_open(service, certificate, detail, detail_size);
    acurast__certificate_release(certificate);
    return status;
}

static acurast_status urls_join(acurast_service *service)
{
    size_t count = service->settings->endpoint_count;
    size_t capacity = count * sizeof service->gates->url + 1;
    service->urls = acurast__alloc_zero(capacity);
    if (!service->urls)
        return ACURAST_NO_MEMORY;
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(service->urls + size, capacity - size, "%s%s", i ? " " : "", service->gates[i].url);
    return ACURAST_OK;
}

static acurast_status open_all(acurast_service *service, char *detail, size_t detail_size)
{
    acurast_status status = shards_start(service);
    if (status == ACURAST_OK)
        status = gates_open_certified(service, detail, detail_size);
    if (status == ACURAST_OK)
        status = urls_join(service);
    return status;
}

static void set_life(acurast_service *service, acurast__service_life life)
{
    pthread_mutex_lock(&service->lock);
    service->life = life;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static bool gates_closed(const acurast_service *service)
{
    for (size_t i = 0; i < service->gate_count; i++)
        if (service->gates[i].listener && !atomic_load_explicit(&service->gates[i].closed, memory_order_acquire))
            return false;
    return true;
}

static uint64_t count_of(const _Atomic uint64_t *gauge)
{
    return atomic_load_explicit(gauge, memory_order_acquire);
}

/*
 * Takes back a start that failed: nobody was let in, so only sockets have to be closed and shards stopped. Polls, since it is rare and
 * short, and nothing else would wake it.
 */
static void undo_start(acurast_service *service)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (size_t i = 0; i < service->gate_count; i++)
        if (service->gates[i].listener)
            acurast__gate_close(&service->gates[i]);
    while (!gates_closed(service) || count_of(&service->admin_connections))
        nanosleep(&pause, NULL);
    for (size_t i = 0; i < service->shard_count; i++)
        acurast__loop_post(service->shards[i].loop, &service->shards[i].stop);
    while (atomic_load(&service->shards_running))
        nanosleep(&pause, NULL);
    pthread_mutex_lock(&service->lock);
    gates_free(service);
    shards_free(service);
    acurast__free(service->urls);
    service->urls = NULL;
    pthread_mutex_unlock(&service->lock);
    acurast__context_leave(service->context, &service->member);
}

/* From IDLE to STARTING, or why not. */
static acurast_status begin_start(acurast_service *service)
{
    acurast_status status = ACURAST_OK;
    pthread_mutex_lock(&service->lock);
    if (service->life == ACURAST__LIFE_DRAINING || service->life == ACURAST__LIFE_CLOSED)
        status = ACURAST_CLOSED;
    else if (service->life != ACURAST__LIFE_IDLE)
        status = ACURAST_BAD_STATE;
    else
        service->life = ACURAST__LIFE_STARTING;
    pthread_mutex_unlock(&service->lock);
    return status;
}

static void begin_drain(acurast_service *service)
{
    atomic_store_explicit(&service->ready, false, memory_order_release);
    atomic_store_explicit(&service->directory.draining, true, memory_order_relaxed);
    acurast__loop_post(home_of(service), &service->drain);
}

/*
 * From STARTING to RUNNING, or straight on to DRAINING where close was called meanwhile. Announced under the lock: whoever hears
 * it finds the URL, and no drain comes before it.
 */
static void end_start(acurast_service *service)
{
    acurast__service_retain(service);
    pthread_mutex_lock(&service->lock);
    bool closing = service->close_wanted;
    service->life = closing ? ACURAST__LIFE_DRAINING : ACURAST__LIFE_RUNNING;
    acurast__service_announce(service);
    pthread_mutex_unlock(&service->lock);
    if (closing)
        begin_drain(service);
}

static void end_closed(acurast_service *service);

acurast_status acurast__service_start(acurast_service *service)
{
    char detail[256] = "";
    acurast_status status = begin_start(service);
    if (status != ACURAST_OK)
        return fail(service, status, NULL);
    status = acurast__context_join(service->context, &service->member);
    if (status == ACURAST_OK) {
        status = open_all(service, detail, sizeof detail);
        if (status == ACURAST_OK) {
            atomic_store_explicit(&service->started, true, memory_order_release);
            atomic_store_explicit(&service->ready, true, memory_order_release);
            end_start(service);
            return ACURAST_OK;
        }
        undo_start(service);
    }
    pthread_mutex_lock(&service->lock);
    bool closing = service->close_wanted;
    service->life = closing ? ACURAST__LIFE_DRAINING : ACURAST__LIFE_IDLE;
    pthread_mutex_unlock(&service->lock);
    if (closing)
        end_closed(service);
    return fail(service, status, detail);
}

/* ---- reload ---- */

typedef struct reload_task {
    acurast__task task;
    acurast__shard *shard;
    acurast__access *access;
    acurast__certificate_facts certificate; /* for the home loop; not_after is 0 on others, and where there is none */
} reload_task;

static void on_reload(acurast__task *task)
{
    reload_task *reload = ACURAST__CONTAINER(task, reload_task, task);
    acurast_service *service = reload->shard->service;
    acurast__shard_set_access(reload->shard, reload->access);
    if (reload->certificate.not_after)
        acurast__expiry_begin(service, &reload->certificate);
    acurast__free(reload);
    acurast__service_release(service);
}

/* What a reload puts into force: memory and files first, so that it is all of it or nothing. */
typedef struct reload {
    acurast__access *access;
    acurast__certificate *certificate; /* NULL: there is none */
    reload_task **tasks;               /* one a shard, until they are posted */
    size_t count;
} reload;

static bool reload_make_tasks(reload *made, size_t count)
{
    made->tasks = acurast__alloc_zero(count * sizeof(reload_task *));
    made->count = made->tasks ? count : 0;
    for (size_t i = 0; i < made->count; i++)
        if (!(made->tasks[i] = acurast__alloc(sizeof **made->tasks)))
            return false;
    return made->tasks;
}

static acurast_status reload_read(acurast_service *service, reload *made, char *detail, size_t detail_size)
{
    const acurast__settings *settings = service->settings;
    if (!reload_make_tasks(made, service->shard_count))
        return ACURAST_NO_MEMORY;
    acurast_status status = acurast__access_create(settings->options, &made->access);
    if (status == ACURAST_BAD_OPTION)
        snprintf(detail, detail_size, "%s", acurast_options_error(settings->options));
    if (status != ACURAST_OK || !settings->tls_cert[0])
        return status;
    made->certificate = acurast__certificate_read(settings->tls_cert, settings->tls_key, detail, detail_size);
    return made->certificate ? ACURAST_OK : ACURAST_TLS;
}

static void reload_clear(reload *made)
{
    for (size_t i = 0; i < made->count; i++)
        acurast__free(made->tasks[i]);
    acurast__free(made->tasks);
    acurast__access_release(made->access);
    acurast__certificate_release(made->certificate);
}

/* With the lock held, since a drain frees the listeners. */
static void reload_post(acurast_service *service, reload *made)
{
    for (size_t i = 0; made->certificate && i < service->gate_count; i++)
        if (!service->gates[i].admin)
            acurast__listener_renew(service->gates[i].listener, made->certificate);
    for (size_t i = 0; i < made->count; i++) {
        reload_task *task = made->tasks[i];
        made->tasks[i] = NULL;
        *task = (reload_task){.task = {.run = on_reload}, .shard = &service->shards[i], .access = made->access};
        if (i == 0 && made->certificate)
            task->certificate = acurast__certificate_describe(made->certificate);
        acurast__access_retain(made->access);
        acurast__service_retain(service);
        acurast__loop_post(service->shards[i].loop, &task->task);
    }
}

static bool is_running(acurast_service *service)
{
    pthread_mutex_lock(&service->lock);
    bool running = service->life == ACURAST__LIFE_RUNNING;
    pthread_mutex_unlock(&service->lock);
    return running;
}

/* The files may take for ever. Everything else goes on meanwhile, and a drain that comes first wins. */
static acurast_status reload_all(acurast_service *service, char *detail, size_t detail_size)
{
    reload made = {0};
    if (!is_running(service))
        return ACURAST_BAD_STATE;
    acurast_status status = reload_read(service, &made, detail, detail_size);
    pthread_mutex_lock(&service->lock);
    if (status == ACURAST_OK && service->life != ACURAST__LIFE_RUNNING)
        status = ACURAST_BAD_STATE;
    if (status == ACURAST_OK)
        reload_post(service, &made);
    pthread_mutex_unlock(&service->lock);
    reload_clear(&made);
    return status;
}

/* Holds the service: its handle may be given back while a file is waited for. */
acurast_status acurast__service_reload(acurast_service *service)
{
    char detail[256] = "";
    acurast__service_retain(service);
    pthread_mutex_lock(&service->reloading);
    acurast_status status = reload_all(service, detail, sizeof detail);
    pthread_mutex_unlock(&service->reloading);
    if (status != ACURAST_OK)
        fail(service, status, detail);
    acurast__service_release(service);
    return status;
}

/* ---- close ---- */

/* The callback may give back the last handle. */
static void end_closed(acurast_service *service)
{
    acurast__service_retain(service);
    acurast__service_tell(service, ACURAST_STATE_CLOSED);
    acurast__delivery_end(&service->delivery);
    set_life(service, ACURAST__LIFE_CLOSED);
    acurast__service_release(service);
}

acurast_status acurast__service_close(acurast_service *service)
{
    pthread_mutex_lock(&service->lock);
    acurast__service_life was = service->life;
    if (was == ACURAST__LIFE_STARTING)
        service->close_wanted = true;
    else if (was == ACURAST__LIFE_IDLE || was == ACURAST__LIFE_RUNNING)
        service->life = ACURAST__LIFE_DRAINING;
    pthread_mutex_unlock(&service->lock);
    if (was == ACURAST__LIFE_RUNNING)
        begin_drain(service);
    else if (was == ACURAST__LIFE_IDLE)
        end_closed(service);
    return ACURAST_OK;
}

static void on_drain(acurast__task *task)
{
    acurast_service *service = ACURAST__CONTAINER(task, acurast_service, drain);
    acurast__service_tell(service, ACURAST_STATE_DRAINING);
    acurast__service_log(&service->shards[0], ACURAST_LOG_INFO, "what=draining connections=%" PRIu64,
                         count_of(&service->connections));
    for (size_t i = 0; i < service->gate_count; i++)
        if (!service->gates[i].admin)
            acurast__gate_close(&service->gates[i]);
    for (size_t i = 0; i < service->shard_count; i++)
        acurast__loop_post(service->shards[i].loop, &service->shards[i].drain);
}

static void stop_shards(acurast_service *service)
{
    service->stopping = true;
    for (size_t i = 0; i < service->shard_count; i++)
        acurast__loop_post(service->shards[i].loop, &service->shards[i].stop);
}

void acurast__service_drain_step(acurast_service *service)
{
    if (service->stopping || count_of(&service->connections))
        return;
    acurast__gate *last = &service->gates[service->gate_count - 1];
    if (last->admin && !service->admin_closing) {
        service->admin_closing = true;
        acurast__gate_close(last);
    }
    if (gates_closed(service) && !count_of(&service->admin_connections))
        stop_shards(service);
}

void acurast__service_shard_stopped(acurast_service *service)
{
    /* A start that failed waits for the number; only a running service has a last step. */
    bool finishing = service->stopping;
    acurast__loop *home = home_of(service);
    if (atomic_fetch_sub(&service->shards_running, 1) == 1 && finishing)
        acurast__loop_post(home, &service->finish);
}

/* On the home loop, the last thing of all: nothing of the service is on any loop now. */
static void on_finish(acurast__task *task)
{
    acurast_service *service = ACURAST__CONTAINER(task, acurast_service, finish);
    pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < service->gate_count; i++) {
        acurast__listener_free(service->gates[i].listener);
        service->gates[i].listener = NULL;
    }
    pthread_mutex_unlock(&service->lock);
    acurast__service_log(&service->shards[0], ACURAST_LOG_INFO, "what=closed");
    acurast__service_tell(service, ACURAST_STATE_CLOSED);
    acurast__delivery_end(&service->delivery);
    acurast__context_leave(service->context, &service->member);
    set_life(service, ACURAST__LIFE_CLOSED);
    acurast__service_release(service);
}

acurast_status acurast__service_wait(acurast_service *service, int timeout_ms)
{
    uint64_t deadline = acurast__deadline_in(timeout_ms);
    acurast_status status = ACURAST_OK;
    pthread_mutex_lock(&service->lock);
    if (service->life == ACURAST__LIFE_IDLE)
        status = ACURAST_BAD_STATE;
    while (status == ACURAST_OK && service->life != ACURAST__LIFE_CLOSED)
        if (!acurast__condition_wait(&service->changed, &service->lock, deadline))
            status = ACURAST_TIMEOUT;
    pthread_mutex_unlock(&service->lock);
    return status;
}

/* True once it has started: from then on the gates stay as they are. */
static bool has_started(const acurast_service *service)
{
    acurast_service *locked = (acurast_service *)service;
    pthread_mutex_lock(&locked->lock);
    bool started = service->life >= ACURAST__LIFE_RUNNING && service->urls;
    pthread_mutex_unlock(&locked->lock);
    return started;
}

const char *acurast__service_url(const acurast_service *service)
{
    return has_started(service) ? service->gates[0].url : "";
}

const char *acurast__service_admin_url(const acurast_service *service)
{
    return has_started(service) && service->settings->has_admin ? service->gates[service->gate_count - 1].url : "";
}

uint16_t acurast__service_port(const acurast_service *service)
{
    return has_started(service) ? service->gates[0].port : 0;
}

void acurast__service_release_handle(acurast_service *service)
{
    acurast__service_close(service);
    acurast__service_release(service);
}
