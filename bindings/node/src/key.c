/*
 * What can be done with somebody's public key: ids, the short form, signatures.
 */
#include "addon.h"

/* idOf(key or id) -> hex */
static napi_value id_of(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    uint8_t id[ACURAST_ID_SIZE];
    input key;
    if (!arguments(env, info, 1, &value) || !input_take(env, value, &key))
        return NULL;
    acurast_status status = acurast_id_of(key.data, key.size, id);
    input_free(&key);
    return status == ACURAST_OK ? from_hex(env, id, sizeof id) : fail(env, status, "");
}

/* compressKey(key) -> hex */
static napi_value compress_key(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE];
    input key;
    if (!arguments(env, info, 1, &value) || !input_take(env, value, &key))
        return NULL;
    acurast_status status = acurast_compress_key(key.data, key.size, compressed);
    input_free(&key);
    return status == ACURAST_OK ? from_hex(env, compressed, sizeof compressed) : fail(env, status, "");
}

static napi_value verdict(napi_env env, acurast_status status)
{
    napi_value made = NULL;
    if (status != ACURAST_OK && status != ACURAST_BAD_SIGNATURE)
        return fail(env, status, "key");
    napi_get_boolean(env, status == ACURAST_OK, &made);
    return made;
}

/* verify(key, message, signature) -> boolean */
static napi_value verify(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    input key, message, signature;
    if (!arguments(env, info, 3, values) || !input_bytes(env, values[1], &message) ||
        !input_sized(env, values[2], ACURAST_SIGNATURE_SIZE, &signature) || !input_take(env, values[0], &key))
        return NULL;
    acurast_status status = acurast_verify(key.data, key.size, message.data, message.size, signature.data);
    input_free(&key);
    return verdict(env, status);
}

/* verifyDigest(key, digest, signature) -> boolean */
static napi_value verify_digest(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    input key, digest, signature;
    if (!arguments(env, info, 3, values) || !input_sized(env, values[1], ACURAST_DIGEST_SIZE, &digest) ||
        !input_sized(env, values[2], ACURAST_SIGNATURE_SIZE, &signature) || !input_take(env, values[0], &key))
        return NULL;
    acurast_status status = acurast_verify_digest(key.data, key.size, digest.data, signature.data);
    input_free(&key);
    return verdict(env, status);
}

const entry KEY_ENTRIES[] = {
    {"idOf", id_of}, {"compressKey", compress_key}, {"verify", verify}, {"verifyDigest", verify_digest}, {NULL, NULL},
};
