/*
 * One Node environment: its context, its watch, and its end.
 *
 * The end comes in one of two ways. `end` is called by JavaScript when the process or the worker exits by itself. A worker that is
 * terminated only runs the clean-up hook. Both close everything and wait for the core's threads, for a bounded time; the hook then
 * closes the handles of the loop and lets go of the environment once the loop has let go of them.
 */
#include "addon.h"

#include <stdlib.h>

enum {
    END_WAIT_MS = 3000
};

static void free_when_unused(environment *home)
{
    if (home->handles || home->env)
        return;
    napi_async_cleanup_hook_handle hook = home->hook;
    acurast_options_release(home->settings);
    acurast_context_release(home->context);
    free(home);
    if (hook)
        napi_remove_async_cleanup_hook(hook);
}

void environment_handle_closed(environment *home)
{
    home->handles--;
    free_when_unused(home);
}

static int time_left(uint64_t deadline)
{
    uint64_t now = uv_hrtime() / 1000000;
    return now < deadline ? (int)(deadline - now) : 0;
}

static void end(environment *home)
{
    if (home->ended)
        return;
    home->ended = true;
    uint64_t deadline = uv_hrtime() / 1000000 + END_WAIT_MS;
    acurast_context_close(home->context);
    for (source *each = home->sources; each; each = each->next)
        acurast_context_close(each->context);
    acurast_context_wait(home->context, time_left(deadline));
    for (source *each = home->sources; each; each = each->next)
        if (each->context)
            acurast_context_wait(each->context, time_left(deadline));
}

static void on_check_closed(uv_handle_t *handle)
{
    environment_handle_closed(handle->data);
}

/* Node keeps what it was not told to give back, for as long as the process lives. */
static void give_back(environment *home)
{
    const napi_ref held[] = {home->dispatch, home->failure, home->arrays};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        if (held[i])
            napi_delete_reference(home->env, held[i]);
    napi_async_destroy(home->env, home->async);
}

static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data)
{
    environment *home = data;
    (void)hook;
    end(home);
    give_back(home);
    home->env = NULL;
    for (source *each = home->sources, *next; each; each = next) {
        next = each->next;
        source_close(each);
    }
    uv_close((uv_handle_t *)&home->check, on_check_closed);
}

static bool start_check(environment *home)
{
    if (napi_get_uv_event_loop(home->env, &home->loop) != napi_ok || uv_check_init(home->loop, &home->check) != 0)
        return false;
    home->check.data = home;
    home->handles = 1;
    uv_unref((uv_handle_t *)&home->check);
    return true;
}

static bool start_async(environment *home)
{
    napi_value resource = NULL, name = NULL;
    return napi_create_object(home->env, &resource) == napi_ok &&
           napi_create_string_utf8(home->env, "acurast", NAPI_AUTO_LENGTH, &name) == napi_ok &&
           napi_async_init(home->env, resource, name, &home->async) == napi_ok;
}

bool environment_create(napi_env env)
{
    environment *home = calloc(1, sizeof *home);
    if (!home)
        return napi_throw_error(env, "ACURAST_NO_MEMORY", "out of memory"), false;
    home->env = env;
    home->ready_end = &home->ready;
    if (!start_async(home) || !start_check(home)) {
        free(home);
        return napi_throw_error(env, "ACURAST_SYSTEM", "the event loop cannot be used"), false;
    }
    return napi_add_async_cleanup_hook(env, on_cleanup, home, &home->hook) == napi_ok &&
           napi_set_instance_data(env, home, NULL, NULL) == napi_ok;
}

environment *environment_of(napi_env env)
{
    void *home = NULL;
    napi_get_instance_data(env, &home);
    return home;
}

acurast_context *environment_context(environment *home)
{
    if (!home->context) {
        acurast_status status = acurast_context_create(home->settings, &home->context);
        if (status != ACURAST_OK)
            fail(home->env, status, "");
    }
    return home->context;
}

static bool keep_arrays(environment *home, napi_value cells, napi_value scratch)
{
    napi_env env = home->env;
    napi_typedarray_type type = napi_int8_array;
    size_t length = 0, size = 0;
    void *numbers = NULL, *bytes = NULL;
    napi_value both = NULL;
    if (napi_get_typedarray_info(env, cells, &type, &length, &numbers, NULL, NULL) != napi_ok ||
        type != napi_float64_array || length < (size_t)BATCH * CELLS)
        return false;
    if (napi_get_typedarray_info(env, scratch, &type, &size, &bytes, NULL, NULL) != napi_ok ||
        type != napi_uint8_array || size < SCRATCH_SIZE)
        return false;
    if (napi_create_array(env, &both) != napi_ok || napi_set_element(env, both, 0, cells) != napi_ok ||
        napi_set_element(env, both, 1, scratch) != napi_ok ||
        napi_create_reference(env, both, 1, &home->arrays) != napi_ok)
        return false;
    home->cells = numbers;
    home->scratch = bytes;
    return true;
}

/* setup(dispatch, failure, cells, scratch), once. */
napi_value environment_setup(napi_env env, napi_callback_info info)
{
    environment *home = environment_of(env);
    napi_value values[4];
    if (!arguments(env, info, 4, values))
        return NULL;
    if (home->dispatch || !keep_arrays(home, values[2], values[3]))
        return fail_type(env, "setup() takes two functions and two arrays, once");
    if (napi_create_reference(env, values[0], 1, &home->dispatch) != napi_ok ||
        napi_create_reference(env, values[1], 1, &home->failure) != napi_ok)
        return fail_type(env, "setup() takes two functions");
    return undefined(env);
}

/* configure(pairs): options of the context, before the first client. */
napi_value environment_configure(napi_env env, napi_callback_info info)
{
    environment *home = environment_of(env);
    napi_value pairs = NULL;
    if (!arguments(env, info, 1, &pairs))
        return NULL;
    if (home->context)
        return fail(env, ACURAST_BAD_STATE, "configure() comes before the first client");
    acurast_options *settings = options_take(env, ACURAST_SCOPE_CONTEXT, pairs);
    if (!settings)
        return NULL;
    acurast_options_release(home->settings);
    home->settings = settings;
    return undefined(env);
}

napi_value environment_end(napi_env env, napi_callback_info info)
{
    (void)info;
    end(environment_of(env));
    return undefined(env);
}
