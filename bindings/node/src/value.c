/*
 * Arguments and results. Whatever fails leaves an exception pending and answers NULL or false.
 */
#include "addon.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

napi_value undefined(napi_env env)
{
    napi_value value = NULL;
    napi_get_undefined(env, &value);
    return value;
}

napi_value from_number(napi_env env, double value)
{
    napi_value made = NULL;
    napi_create_double(env, value, &made);
    return made;
}

napi_value from_text(napi_env env, const char *text)
{
    napi_value made = NULL;
    napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &made);
    return made;
}

napi_value from_utf8(napi_env env, const void *text, size_t size)
{
    napi_value made = NULL;
    napi_create_string_utf8(env, text, size, &made);
    return made;
}

/* At most 65 bytes: the longest form of a key. */
napi_value from_hex(napi_env env, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * ACURAST_UNCOMPRESSED_KEY_SIZE];
    napi_value made = NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    napi_create_string_latin1(env, text, 2 * size, &made);
    return made;
}

napi_value from_bytes(napi_env env, const void *bytes, size_t size)
{
    void *data = NULL;
    napi_value buffer = NULL, made = NULL;
    if (napi_create_arraybuffer(env, size, &data, &buffer) != napi_ok)
        return NULL;
    if (size)
        memcpy(data, bytes, size);
    napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &made);
    return made;
}

napi_value fail_type(napi_env env, const char *what)
{
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
    return NULL;
}

/* Throws what JavaScript makes of a status. */
napi_value fail(napi_env env, acurast_status status, const char *detail)
{
    environment *home = environment_of(env);
    napi_value function = NULL, error = NULL;
    napi_value values[2] = {from_number(env, status), from_text(env, detail)};
    if (home->failure && napi_get_reference_value(env, home->failure, &function) == napi_ok &&
        napi_call_function(env, undefined(env), function, 2, values, &error) == napi_ok)
        napi_throw(env, error);
    else
        napi_throw_error(env, NULL, acurast_status_text(status));
    return NULL;
}

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
    size_t given = count;
    return napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok;
}

void *unwrap(napi_env env, napi_value value, const napi_type_tag *tag)
{
    bool fits = false;
    void *found = NULL;
    if (napi_check_object_type_tag(env, value, tag, &fits) == napi_ok && fits &&
        napi_unwrap(env, value, &found) == napi_ok)
        return found;
    return fail_type(env, "not a handle of the right kind");
}

bool number(napi_env env, napi_value value, double *into)
{
    if (napi_get_value_double(env, value, into) == napi_ok)
        return true;
    return fail_type(env, "not a number"), false;
}

bool whole(napi_env env, napi_value value, uint32_t *into)
{
    double given = 0;
    if (!number(env, value, &given))
        return false;
    if (!(given >= 0 && given <= UINT32_MAX))
        return napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "not within 32 bits"), false;
    *into = (uint32_t)given;
    return true;
}

static bool take_string(napi_env env, napi_value value, input *into)
{
    size_t size = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok)
        return fail_type(env, "not a string"), false;
    char *text = (char *)into->space;
    if (size >= sizeof into->space) {
        into->owned = malloc(size + 1);
        if (!into->owned)
            return fail(env, ACURAST_NO_MEMORY, ""), false;
        text = (char *)into->owned;
    }
    napi_get_value_string_utf8(env, value, text, size + 1, &into->size);
    into->data = (const uint8_t *)text;
    return true;
}

bool input_bytes(napi_env env, napi_value value, input *into)
{
    napi_typedarray_type type = napi_int8_array;
    void *data = NULL;
    bool is_array = false, is_buffer = false;
    into->owned = NULL;
    into->size = 0;
    napi_is_typedarray(env, value, &is_array);
    if (is_array)
        is_array = napi_get_typedarray_info(env, value, &type, &into->size, &data, NULL, NULL) == napi_ok &&
                   (type == napi_uint8_array || type == napi_uint8_clamped_array);
    else if (napi_is_arraybuffer(env, value, &is_buffer) == napi_ok && is_buffer)
        napi_get_arraybuffer_info(env, value, &data, &into->size);
    if (!is_array && !is_buffer)
        return fail_type(env, "not a Uint8Array"), false;
    into->data = data && into->size ? data : into->space; /* never NULL, which the core would refuse */
    return true;
}

bool input_sized(napi_env env, napi_value value, size_t size, input *into)
{
    if (!input_bytes(env, value, into))
        return false;
    if (into->size != size)
        return napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "not of the right length"), false;
    return true;
}

bool input_take(napi_env env, napi_value value, input *into)
{
    napi_valuetype type = napi_undefined;
    into->owned = NULL;
    if (napi_typeof(env, value, &type) == napi_ok && type == napi_string)
        return take_string(env, value, into);
    return input_bytes(env, value, into);
}

void input_free(input *self)
{
    if (self->owned)
        sodium_memzero(self->owned, self->size);
    sodium_memzero(self->space, sizeof self->space);
    free(self->owned);
}
