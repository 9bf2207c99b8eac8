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

/* compressKey(kind, key) -> hex; kind 0: told by the key, and never secp256k1 */
static napi_value compress_key(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE];
    uint32_t kind = 0;
    input key;
    if (!arguments(env, info, 2, values) || !whole(env, values[0], &kind) || !input_take(env, values[1], &key))
        return NULL;
    acurast_status status = kind ? acurast_compress_key_as((acurast_key_kind)kind, key.data, key.size, compressed)
                                 : acurast_compress_key(key.data, key.size, compressed);
    input_free(&key);
    return status == ACURAST_OK ? from_hex(env, compressed, sizeof compressed) : fail(env, status, "key");
}

typedef struct check {
    uint32_t kind; /* 0: told by the key, and never secp256k1 */
    input key, said, signature;
} check;

static bool take_check(napi_env env, napi_callback_info info, check *into)
{
    napi_value values[4];
    return arguments(env, info, 4, values) && whole(env, values[0], &into->kind) &&
           input_bytes(env, values[2], &into->said) &&
           input_sized(env, values[3], ACURAST_SIGNATURE_SIZE, &into->signature) &&
           input_take(env, values[1], &into->key);
}

static napi_value verdict(napi_env env, check *over, acurast_status status)
{
    napi_value made = NULL;
    input_free(&over->key);
    if (status != ACURAST_OK && status != ACURAST_BAD_SIGNATURE)
        return fail(env, status, "key");
    napi_get_boolean(env, status == ACURAST_OK, &made);
    return made;
}

/* verify(kind, key, message, signature) -> boolean */
static napi_value verify(napi_env env, napi_callback_info info)
{
    check it;
    if (!take_check(env, info, &it))
        return NULL;
    acurast_status status =
        it.kind ? acurast_verify_as((acurast_key_kind)it.kind, it.key.data, it.key.size, it.said.data, it.said.size,
                                    it.signature.data)
                : acurast_verify(it.key.data, it.key.size, it.said.data, it.said.size, it.signature.data);
    return verdict(env, &it, status);
}

/* verifyDigest(kind, key, digest, signature) -> boolean */
static napi_value verify_digest(napi_env env, napi_callback_info info)
{
    check it;
    if (!take_check(env, info, &it))
        return NULL;
    acurast_status status = ACURAST_INVALID;
    if (it.said.size == ACURAST_DIGEST_SIZE)
        status = it.kind ? acurast_verify_digest_as((acurast_key_kind)it.kind, it.key.data, it.key.size, it.said.data,
                                                    it.signature.data)
                         : acurast_verify_digest(it.key.data, it.key.size, it.said.data, it.signature.data);
    return verdict(env, &it, status);
}

const entry KEY_ENTRIES[] = {
    {"idOf", id_of}, {"compressKey", compress_key}, {"verify", verify}, {"verifyDigest", verify_digest}, {NULL, NULL},
};
