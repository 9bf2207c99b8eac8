/*
 * The embedded service, on a context of its own.
 */
#include "addon.h"

#include <stdlib.h>

static acurast_context *make_context(napi_env env, napi_value pairs)
{
    acurast_context *context = NULL;
    acurast_options *options = options_take(env, ACURAST_SCOPE_CONTEXT, pairs);
    if (!options)
        return NULL;
    acurast_status status = acurast_context_create(options, &context);
    acurast_options_release(options);
    return status == ACURAST_OK ? context : (fail(env, status, ""), NULL);
}

static bool start_service(source *self, acurast_options *options)
{
    napi_env env = self->home->env;
    acurast_status status = acurast_service_create(self->context, options, &self->service);
    if (status == ACURAST_OK)
        status = acurast_service_set_queue(self->service, self->queue, self->slot);
    if (status != ACURAST_OK)
        return fail(env, status, acurast_options_error(options)), false;
    if (!source_watch(self))
        return false;
    status = acurast_service_start(self->service);
    if (status != ACURAST_OK)
        return fail(env, status, acurast_service_error(self->service)), false;
    return true;
}

/* serviceStart(pairs, pairs of the context, slot) -> handle */
static napi_value start(napi_env env, napi_callback_info info)
{
    environment *home = environment_of(env);
    napi_value values[3], made = NULL;
    uint32_t slot = 0;
    if (!arguments(env, info, 3, values) || !whole(env, values[2], &slot))
        return NULL;
    acurast_options *options = options_take(env, ACURAST_SCOPE_SERVICE, values[0]);
    if (!options)
        return NULL;
    acurast_context *context = make_context(env, values[1]);
    source *self = context ? source_create(home, context, slot, 0, 0) : NULL;
    if (self)
        self->context = context;
    else
        acurast_context_release(context);
    if (self && start_service(self, options)) {
        made = source_wrap(self, &SERVICE_TAG);
    } else if (self) {
        source_close(self);
        source_release(self);
    }
    acurast_options_release(options);
    return made;
}

static source *service_of(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    source *self = arguments(env, info, 1, &value) ? unwrap(env, value, &SERVICE_TAG) : NULL;
    if (self && !self->service)
        return fail(env, ACURAST_CLOSED, "this service"), NULL;
    return self;
}

static napi_value url(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    return self ? from_text(env, acurast_service_url(self->service)) : NULL;
}

static napi_value admin_url(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    return self ? from_text(env, acurast_service_admin_url(self->service)) : NULL;
}

static napi_value port(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    return self ? from_number(env, acurast_service_port(self->service)) : NULL;
}

static napi_value reload(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    if (!self)
        return NULL;
    acurast_status status = acurast_service_reload(self->service);
    return status == ACURAST_OK ? undefined(env) : fail(env, status, acurast_service_error(self->service));
}

static napi_value metrics(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    acurast_status status = ACURAST_TOO_SMALL;
    napi_value made = NULL;
    for (size_t size = 16384; self && status == ACURAST_TOO_SMALL; size *= 2) {
        char *text = malloc(size);
        status = text ? acurast_service_metrics(self->service, text, &size) : ACURAST_NO_MEMORY;
        if (status == ACURAST_OK)
            made = from_text(env, text);
        free(text);
    }
    return self && status != ACURAST_OK ? fail(env, status, "") : made;
}

static napi_value close_service(napi_env env, napi_callback_info info)
{
    source *self = service_of(env, info);
    if (!self)
        return NULL;
    acurast_service_close(self->service);
    return undefined(env);
}

const entry SERVICE_ENTRIES[] = {
    {"serviceStart", start},   {"serviceUrl", url},         {"serviceAdminUrl", admin_url},  {"servicePort", port},
    {"serviceReload", reload}, {"serviceMetrics", metrics}, {"serviceClose", close_service}, {NULL, NULL},
};
