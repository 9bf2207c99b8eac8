/* The public face of the service: arguments and fork are checked here, everything else is service/service.c. */
#include "service/service.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/queue.h"

#include <string.h>

static acurast_status check(const acurast_service *service)
{
    if (!service)
        return ACURAST_INVALID;
    return acurast__context_forked(service->context) ? ACURAST_FORKED : ACURAST_OK;
}

acurast_status acurast_service_create(acurast_context *context, acurast_options *options, acurast_service **service)
{
    if (!context || !service || (options && acurast__options_scope(options) != ACURAST_SCOPE_SERVICE))
        return ACURAST_INVALID;
    if (acurast__context_forked(context))
        return ACURAST_FORKED;
    if (acurast__context_closed(context))
        return ACURAST_CLOSED;
    return acurast__service_create(context, options, service);
}

acurast_status acurast_service_set_callback(acurast_service *service, acurast_event_callback callback, void *user,
                                            acurast_destructor destructor)
{
    acurast_status status = callback ? check(service) : ACURAST_INVALID;
    return status == ACURAST_OK ? acurast__service_set_callback(service, callback, user, destructor) : status;
}

acurast_status acurast_service_set_queue(acurast_service *service, acurast_queue *queue, uint64_t source)
{
    acurast_status status = queue ? check(service) : ACURAST_INVALID;
    if (status == ACURAST_OK && acurast__queue_forked(queue))
        status = ACURAST_FORKED;
    return status == ACURAST_OK ? acurast__service_set_queue(service, queue, source) : status;
}

acurast_status acurast_service_start(acurast_service *service)
{
    acurast_status status = check(service);
    if (status == ACURAST_OK && acurast__on_io_thread())
        status = ACURAST_WOULD_DEADLOCK;
    return status == ACURAST_OK ? acurast__service_start(service) : status;
}

const char *acurast_service_url(const acurast_service *service)
{
    return check(service) == ACURAST_OK ? acurast__service_url(service) : "";
}

uint16_t acurast_service_port(const acurast_service *service)
{
    return check(service) == ACURAST_OK ? acurast__service_port(service) : 0;
}

uint64_t acurast_service_stalled(const acurast_service *service, unsigned *thread)
{
    unsigned unused;
    return check(service) == ACURAST_OK ? acurast__service_stalled(service, thread ? thread : &unused) : 0;
}

const char *acurast_service_admin_url(const acurast_service *service)
{
    return check(service) == ACURAST_OK ? acurast__service_admin_url(service) : "";
}

const char *acurast_service_error(const acurast_service *service)
{
    return check(service) == ACURAST_OK ? service->error : "";
}

acurast_status acurast_service_reload(acurast_service *service)
{
    acurast_status status = check(service);
    return status == ACURAST_OK ? acurast__service_reload(service) : status;
}

acurast_status acurast_service_metrics(acurast_service *service, char *buffer, size_t *size)
{
    acurast_status status = size ? check(service) : ACURAST_INVALID;
    if (status != ACURAST_OK)
        return status;
    size_t length;
    char *text = acurast__service_metrics(service, &length);
    if (!text)
        return ACURAST_NO_MEMORY;
    bool fits = buffer && length < *size;
    if (fits)
        memcpy(buffer, text, length + 1);
    *size = length + 1;
    acurast__free(text);
    return fits || !buffer ? ACURAST_OK : ACURAST_TOO_SMALL;
}

acurast_status acurast_service_close(acurast_service *service)
{
    acurast_status status = check(service);
    return status == ACURAST_OK ? acurast__service_close(service) : status;
}

acurast_status acurast_service_wait(acurast_service *service, int timeout_ms)
{
    acurast_status status = check(service);
    if (status == ACURAST_OK && acurast__on_io_thread())
        status = ACURAST_WOULD_DEADLOCK;
    return status == ACURAST_OK ? acurast__service_wait(service, timeout_ms) : status;
}

void acurast_service_release(acurast_service *service)
{
    if (check(service) == ACURAST_OK)
        acurast__service_release_handle(service);
}
