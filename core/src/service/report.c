/*
 * What the service tells: states, log lines, figures. All of it is delivered on the home loop; a line from another loop travels there
 * as a task, and too many of these are dropped and counted, since a log must not be a way to fill the memory.
 */
#include "service/service.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINES_WAITING_MAX 1024
#define LINE_SIZE 256

enum {
    EVENT_LISTENING,
    EVENT_DRAINING,
    EVENT_CLOSED
};

/* ---- states ---- */

static void event_release(acurast__event *event)
{
    acurast__service_release(ACURAST__CONTAINER(event, acurast__service_event, event)->service);
}

void acurast__service_events_init(acurast_service *service)
{
    static const acurast_state states[] = {ACURAST_STATE_LISTENING, ACURAST_STATE_DRAINING, ACURAST_STATE_CLOSED};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        acurast__event *event = &service->events[i].event;
        service->events[i].service = service;
        acurast__list_init(&event->link);
        event->view = acurast__event_view(ACURAST_EVENT_STATE);
        event->view.state = states[i];
        event->release = event_release;
    }
}

void acurast__service_tell(acurast_service *service, acurast_state state)
{
    size_t index = state == ACURAST_STATE_LISTENING  ? EVENT_LISTENING
                   : state == ACURAST_STATE_DRAINING ? EVENT_DRAINING
                                                     : EVENT_CLOSED;
    acurast__event *event = &service->events[index].event;
    if (state == ACURAST_STATE_LISTENING)
        event->view.text = service->urls;
    acurast__service_retain(service);
    acurast__delivery_post(&service->delivery, event);
}

static void on_announce(acurast__task *task)
{
    acurast_service *service = ACURAST__CONTAINER(task, acurast_service, announce);
    acurast__service_tell(service, ACURAST_STATE_LISTENING);
    acurast__service_log(&service->shards[0], ACURAST_LOG_INFO, "what=listening urls=\"%s\" threads=%zu", service->urls,
                         service->shard_count);
    if (service->first_certificate.not_after)
        acurast__expiry_begin(service, &service->first_certificate);
}

void acurast__service_announce(acurast_service *service)
{
    service->announce.run = on_announce;
    acurast__loop_post(service->shards[0].loop, &service->announce);
}

/* ---- log ---- */

typedef struct line_task {
    acurast__task task;
    acurast_service *service;
    acurast_log_level level;
    char text[LINE_SIZE];
} line_task;

static void line_deliver(acurast_service *service, acurast_log_level level, const char *text)
{
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_LOG);
    view.level = level;
    view.text = text;
    view.source = service->delivery.source;
    acurast__delivery_view(&service->delivery, &view);
}

static void on_line(acurast__task *task)
{
    line_task *line = ACURAST__CONTAINER(task, line_task, task);
    atomic_fetch_sub_explicit(&line->service->lines_waiting, 1, memory_order_relaxed);
    line_deliver(line->service, line->level, line->text);
    acurast__free(line);
}

static void line_post(acurast__shard *shard, acurast_log_level level, const char *text)
{
    acurast_service *service = shard->service;
    bool room = atomic_load_explicit(&service->lines_waiting, memory_order_relaxed) < LINES_WAITING_MAX;
    line_task *line = room ? acurast__alloc(sizeof *line) : NULL;
    if (!line) {
        acurast__count(&shard->metrics.logs_lost, 1);
        return;
    }
    atomic_fetch_add_explicit(&service->lines_waiting, 1, memory_order_relaxed);
    line->task = (acurast__task){.run = on_line};
    line->service = service;
    line->level = level;
    memcpy(line->text, text, LINE_SIZE);
    acurast__loop_post(service->shards[0].loop, &line->task);
}

void acurast__service_log(acurast__shard *shard, acurast_log_level level, const char *format, ...)
{
    acurast_service *service = shard->service;
    if (level > acurast__context_log_level(service->context))
        return;
    char text[LINE_SIZE] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (acurast__loop_is_current(service->shards[0].loop))
        line_deliver(service, level, text);
    else
        line_post(shard, level, text);
}

/* ---- figures ---- */

uint64_t acurast__service_memory(acurast_service *service)
{
    uint64_t sum = acurast__directory_memory(&service->directory);
    for (size_t i = 0; i < service->shard_count; i++)
        sum += acurast__shard_memory(&service->shards[i]);
    return sum;
}

/* One that is busy may miss a beat; the one that asks turns. */
static uint64_t late_by(const acurast__shard *shard, uint64_t now)
{
    if (acurast__loop_is_current(shard->loop))
        return 0;
    uint64_t turned = atomic_load_explicit(&shard->turned, memory_order_relaxed);
    return turned && now > turned + UINT64_C(2) * ACURAST__BEAT_MS ? now - turned : 0;
}

uint64_t acurast__service_stalled(const acurast_service *service, unsigned *thread)
{
    uint64_t now = acurast__clock_ms(), most = 0;
    *thread = 0;
    if (!atomic_load_explicit(&service->started, memory_order_acquire))
        return 0;
    for (size_t i = 0; i < service->shard_count; i++) {
        uint64_t late = late_by(&service->shards[i], now);
        if (late <= most)
            continue;
        most = late;
        *thread = (unsigned)i;
    }
    return most;
}

static uint64_t read_gauge(const _Atomic uint64_t *gauge)
{
    return atomic_load_explicit(gauge, memory_order_relaxed);
}

char *acurast__service_metrics(acurast_service *service, size_t *size)
{
    acurast__metrics sum;
    memset(&sum, 0, sizeof sum);
    acurast__gauges gauges = {0};
    pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < service->shard_count; i++)
        acurast__metrics_add(&sum, &service->shards[i].metrics);
    gauges.threads = (unsigned)service->shard_count;
    gauges.buffer_bytes = acurast__service_memory(service);
    pthread_mutex_unlock(&service->lock);
    gauges.connections = read_gauge(&service->connections);
    gauges.pending = read_gauge(&service->pending);
    gauges.ids = read_gauge(&service->ids);
    gauges.mailboxes = read_gauge(&service->directory.absentees);
    acurast__ledger_read(&service->directory.ledger, &gauges.mailbox_bytes, &gauges.mailbox_frames);
    unsigned thread;
    gauges.stalled_ms = acurast__service_stalled(service, &thread);
    gauges.certificate_not_after = atomic_load_explicit(&service->expiry.not_after, memory_order_relaxed);
    gauges.ready = atomic_load_explicit(&service->ready, memory_order_acquire);
    return acurast__metrics_text(&sum, &gauges, size);
}
