/*
 * Options of the core from a flat array of names and values.
 */
#include "addon.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static acurast_status set_text(napi_env env, acurast_options *options, const char *name, napi_value value, bool add)
{
    input text;
    if (!input_take(env, value, &text))
        return ACURAST_INVALID;
    acurast_status status = ACURAST_BAD_OPTION;
    if (!memchr(text.data, 0, text.size)) /* strings end with a NUL that `size` does not count */
        status = (add ? acurast_options_add : acurast_options_set)(options, name, (const char *)text.data);
    input_free(&text);
    return status;
}

static acurast_status set_list(napi_env env, acurast_options *options, const char *name, napi_value list)
{
    uint32_t count = 0;
    acurast_status status = ACURAST_OK;
    if (napi_get_array_length(env, list, &count) != napi_ok)
        return fail_type(env, "an option has a value of the wrong type"), ACURAST_INVALID;
    for (uint32_t i = 0; i < count && status == ACURAST_OK; i++) {
        napi_value element = NULL;
        napi_valuetype type = napi_undefined;
        napi_get_element(env, list, i, &element);
        if (napi_typeof(env, element, &type) != napi_ok || type != napi_string)
            return fail_type(env, "an option has a value of the wrong type"), ACURAST_INVALID;
        status = set_text(env, options, name, element, true);
    }
    return status;
}

static acurast_status set_number(napi_env env, acurast_options *options, const char *name, napi_value value)
{
    double given = 0;
    napi_get_value_double(env, value, &given);
    if (!(fabs(given) <= 9007199254740991.0) || given != floor(given))
        return ACURAST_BAD_OPTION;
    return acurast_options_set_int(options, name, (int64_t)given);
}

static acurast_status set_switch(napi_env env, acurast_options *options, const char *name, napi_value value)
{
    bool given = false;
    napi_get_value_bool(env, value, &given);
    return acurast_options_set_int(options, name, given);
}

static acurast_status set_one(napi_env env, acurast_options *options, const char *name, napi_value value)
{
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    switch (type) {
    case napi_boolean:
        return set_switch(env, options, name, value);
    case napi_number:
        return set_number(env, options, name, value);
    case napi_string:
        return set_text(env, options, name, value, false);
    default:
        return set_list(env, options, name, value);
    }
}

static bool set_pair(napi_env env, acurast_options *options, napi_value pairs, uint32_t index)
{
    napi_value name = NULL, value = NULL;
    input text;
    bool pending = false;
    napi_get_element(env, pairs, index, &name);
    napi_get_element(env, pairs, index + 1, &value);
    if (!input_take(env, name, &text))
        return false;
    acurast_status status = set_one(env, options, (const char *)text.data, value);
    napi_is_exception_pending(env, &pending);
    if (status != ACURAST_OK && !pending) {
        const char *error = acurast_options_error(options);
        fail(env, status, *error ? error : (const char *)text.data);
    }
    input_free(&text);
    return status == ACURAST_OK;
}

acurast_options *options_take(napi_env env, acurast_option_scope scope, napi_value pairs)
{
    acurast_options *options = NULL;
    uint32_t count = 0;
    if (napi_get_array_length(env, pairs, &count) != napi_ok)
        return fail_type(env, "options are an array of names and values"), NULL;
    acurast_status status = acurast_options_create(scope, &options);
    if (status != ACURAST_OK)
        return fail(env, status, ""), NULL;
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        if (!set_pair(env, options, pairs, i)) {
            acurast_options_release(options);
            return NULL;
        }
    }
    return options;
}
