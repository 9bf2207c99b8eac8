/*
 * A client or a service together with its queue, and how the loop watches it.
 */
#include "addon.h"

#include <stdlib.h>

const napi_type_tag CLIENT_TAG = {0x6163757261737401, 0x9b1f6f4d2c0e4a71};
const napi_type_tag SERVICE_TAG = {0x6163757261737402, 0x4f0d8e35b7c94412};
const napi_type_tag IDENTITY_TAG = {0x6163757261737403, 0xd2367a90e1584cf3};

void source_release(source *self)
{
    if (--self->owners == 0)
        free(self);
}

static void enlist(source *self)
{
    environment *home = self->home;
    self->next = home->sources;
    self->link = &home->sources;
    if (self->next)
        self->next->link = &self->next;
    home->sources = self;
}

source *source_create(environment *home, acurast_context *context, uint32_t slot, size_t max_events, size_t max_bytes)
{
    source *self = calloc(1, sizeof *self);
    if (!self)
        return fail(home->env, ACURAST_NO_MEMORY, ""), NULL;
    acurast_status status = acurast_queue_create(context, max_events, max_bytes, &self->queue);
    if (status != ACURAST_OK) {
        free(self);
        return fail(home->env, status, ""), NULL;
    }
    self->home = home;
    self->slot = slot;
    self->owners = 1;
    enlist(self);
    return self;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    source *self = poll->data;
    environment *home = self->home;
    (void)status;
    (void)events;
    if (self->is_ready)
        return;
    if (!home->ready)
        uv_check_start(&home->check, environment_drain);
    self->is_ready = true;
    self->next_ready = NULL;
    *home->ready_end = self;
    home->ready_end = &self->next_ready;
}

static void on_poll_closed(uv_handle_t *handle)
{
    source *self = handle->data;
    environment *home = self->home;
    acurast_queue_release(self->queue); /* and with it the descriptor, which the loop has forgotten by now */
    source_release(self);
    environment_handle_closed(home);
}

bool source_watch(source *self)
{
    environment *home = self->home;
    if (self->watched)
        return true;
    if (home->ended)
        return fail(home->env, ACURAST_CLOSED, "this environment ends"), false;
    if (uv_poll_init(home->loop, &self->poll, acurast_queue_descriptor(self->queue)) != 0)
        return fail(home->env, ACURAST_SYSTEM, "the event loop refused to watch"), false;
    self->poll.data = self;
    self->watched = true;
    self->owners++;
    home->handles++;
    if (uv_poll_start(&self->poll, UV_READABLE, on_readable) != 0)
        return fail(home->env, ACURAST_SYSTEM, "the event loop refused to watch"), false;
    return true;
}

static void leave_ready_list(source *self)
{
    environment *home = self->home;
    source **link = &home->ready;
    while (*link && *link != self)
        link = &(*link)->next_ready;
    if (!*link)
        return;
    *link = self->next_ready;
    if (!*link)
        home->ready_end = link;
    self->is_ready = false;
}

void source_close(source *self)
{
    if (self->closed)
        return;
    self->closed = true;
    *self->link = self->next;
    if (self->next)
        self->next->link = self->link;
    if (self->is_ready)
        leave_ready_list(self);
    acurast_client_release(self->client);
    acurast_service_release(self->service);
    acurast_context_release(self->context);
    self->client = NULL;
    self->service = NULL;
    self->context = NULL;
    if (self->watched)
        uv_close((uv_handle_t *)&self->poll, on_poll_closed);
    else
        acurast_queue_release(self->queue);
}

static void on_collected(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    source_close(data);
    source_release(data);
}

napi_value source_wrap(source *self, const napi_type_tag *tag)
{
    napi_env env = self->home->env;
    napi_value object = NULL;
    if (napi_create_object(env, &object) == napi_ok && napi_type_tag_object(env, object, tag) == napi_ok &&
        napi_wrap(env, object, self, on_collected, NULL, NULL) == napi_ok)
        return object;
    on_collected(env, self, NULL);
    return fail(env, ACURAST_NO_MEMORY, "");
}

static source *any_source(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    bool is_client = false;
    if (!arguments(env, info, 1, &value))
        return NULL;
    bool known = napi_check_object_type_tag(env, value, &CLIENT_TAG, &is_client) == napi_ok;
    return unwrap(env, value, known && is_client ? &CLIENT_TAG : &SERVICE_TAG);
}

napi_value source_ref(napi_env env, napi_callback_info info)
{
    source *self = any_source(env, info);
    if (self && self->watched)
        uv_ref((uv_handle_t *)&self->poll);
    return self ? undefined(env) : NULL;
}

napi_value source_unref(napi_env env, napi_callback_info info)
{
    source *self = any_source(env, info);
    if (self && self->watched)
        uv_unref((uv_handle_t *)&self->poll);
    return self ? undefined(env) : NULL;
}

napi_value source_free(napi_env env, napi_callback_info info)
{
    source *self = any_source(env, info);
    if (self)
        source_close(self);
    return self ? undefined(env) : NULL;
}
