/*
 * Identities: handles that are given back when JavaScript has forgotten them. Secrets that pass through here are wiped.
 */
#include "addon.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

static void on_collected(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    acurast_identity_release(data);
}

static napi_value wrap(napi_env env, acurast_status status, acurast_identity *identity, const char *argument)
{
    napi_value object = NULL;
    if (status != ACURAST_OK)
        return fail(env, status, argument);
    if (napi_create_object(env, &object) == napi_ok && napi_type_tag_object(env, object, &IDENTITY_TAG) == napi_ok &&
        napi_wrap(env, object, identity, on_collected, NULL, NULL) == napi_ok)
        return object;
    acurast_identity_release(identity);
    return fail(env, ACURAST_NO_MEMORY, "");
}

/* identityGenerate(kind) -> handle */
static napi_value generate(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    uint32_t kind = 0;
    acurast_identity *identity = NULL;
    if (!arguments(env, info, 1, &value) || !whole(env, value, &kind))
        return NULL;
    acurast_status status = acurast_identity_generate((acurast_key_kind)kind, &identity);
    return wrap(env, status, identity, "kind");
}

/* identityFromPem(text or bytes) -> handle */
static napi_value from_pem(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    acurast_identity *identity = NULL;
    input pem;
    if (!arguments(env, info, 1, &value) || !input_take(env, value, &pem))
        return NULL;
    acurast_status status = acurast_identity_from_pem((const char *)pem.data, pem.size, &identity);
    input_free(&pem);
    return wrap(env, status, identity, "pem");
}

/* identityFromSecret(kind, hex or bytes) -> handle */
static napi_value from_secret(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    uint32_t kind = 0;
    acurast_identity *identity = NULL;
    input secret;
    if (!arguments(env, info, 2, values) || !whole(env, values[0], &kind) || !input_take(env, values[1], &secret))
        return NULL;
    acurast_status status = acurast_identity_from_secret((acurast_key_kind)kind, secret.data, secret.size, &identity);
    input_free(&secret);
    return wrap(env, status, identity, "secret");
}

static acurast_identity *identity_of(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    return arguments(env, info, 1, &value) ? unwrap(env, value, &IDENTITY_TAG) : NULL;
}

static napi_value kind_of(napi_env env, napi_callback_info info)
{
    acurast_identity *identity = identity_of(env, info);
    return identity ? from_number(env, acurast_identity_kind(identity)) : NULL;
}

/* What the core stores of an identity that is no secret, as hex. */
typedef acurast_status getter(const acurast_identity *identity, uint8_t *bytes);

static napi_value shown(napi_env env, napi_callback_info info, getter *get, size_t size)
{
    uint8_t bytes[ACURAST_UNCOMPRESSED_KEY_SIZE]; /* the largest of them */
    acurast_identity *identity = identity_of(env, info);
    if (!identity)
        return NULL;
    acurast_status status = get(identity, bytes);
    return status == ACURAST_OK ? from_hex(env, bytes, size) : fail(env, status, "");
}

static napi_value id(napi_env env, napi_callback_info info)
{
    return shown(env, info, acurast_identity_id, ACURAST_ID_SIZE);
}

static napi_value public_key(napi_env env, napi_callback_info info)
{
    return shown(env, info, acurast_identity_public_key, ACURAST_PUBLIC_KEY_SIZE);
}

static napi_value uncompressed_key(napi_env env, napi_callback_info info)
{
    return shown(env, info, acurast_identity_uncompressed_key, ACURAST_UNCOMPRESSED_KEY_SIZE);
}

static napi_value secret(napi_env env, napi_callback_info info)
{
    uint8_t bytes[ACURAST_SECRET_SIZE];
    acurast_identity *identity = identity_of(env, info);
    if (!identity)
        return NULL;
    acurast_status status = acurast_identity_secret(identity, bytes);
    napi_value made = status == ACURAST_OK ? from_bytes(env, bytes, sizeof bytes) : fail(env, status, "");
    sodium_memzero(bytes, sizeof bytes);
    return made;
}

static napi_value to_pem(napi_env env, napi_callback_info info)
{
    char text[512];
    size_t size = sizeof text;
    acurast_identity *identity = identity_of(env, info);
    if (!identity)
        return NULL;
    acurast_status status = acurast_identity_to_pem(identity, text, &size);
    napi_value made = status == ACURAST_OK ? from_text(env, text) : fail(env, status, "");
    sodium_memzero(text, sizeof text);
    return made;
}

/* identitySign(handle, message) -> 64 bytes */
static napi_value sign(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    uint8_t signature[ACURAST_SIGNATURE_SIZE];
    input message;
    acurast_identity *identity = arguments(env, info, 2, values) ? unwrap(env, values[0], &IDENTITY_TAG) : NULL;
    if (!identity || !input_bytes(env, values[1], &message))
        return NULL;
    acurast_status status = acurast_identity_sign(identity, message.data, message.size, signature);
    return status == ACURAST_OK ? from_bytes(env, signature, sizeof signature) : fail(env, status, "");
}

/* identitySignDigest(handle, 32 bytes) -> 64 bytes */
static napi_value sign_digest(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    uint8_t signature[ACURAST_SIGNATURE_SIZE];
    input digest;
    acurast_identity *identity = arguments(env, info, 2, values) ? unwrap(env, values[0], &IDENTITY_TAG) : NULL;
    if (!identity || !input_sized(env, values[1], ACURAST_DIGEST_SIZE, &digest))
        return NULL;
    acurast_status status = acurast_identity_sign_digest(identity, digest.data, signature);
    return status == ACURAST_OK ? from_bytes(env, signature, sizeof signature) : fail(env, status, "");
}

/* What seal and open have in common: (handle, key of the peer, salt, bytes) -> bytes */
typedef acurast_status transform(const acurast_identity *identity, const void *peer_key, size_t peer_key_size,
                                 const void *salt, size_t salt_size, const void *bytes, size_t size, void *result,
                                 size_t *result_size);

static napi_value transformed(napi_env env, napi_callback_info info, transform *run, ptrdiff_t growth)
{
    napi_value values[4], buffer = NULL, made = NULL;
    input peer, salt, bytes;
    void *result = NULL;
    acurast_identity *identity = arguments(env, info, 4, values) ? unwrap(env, values[0], &IDENTITY_TAG) : NULL;
    if (!identity || !input_bytes(env, values[2], &salt) || !input_bytes(env, values[3], &bytes))
        return NULL;
    if (bytes.size > ACURAST_SEAL_MAX_SIZE)
        return fail(env, ACURAST_TOO_LARGE, "");
    size_t size = (ptrdiff_t)bytes.size + growth > 0 ? (size_t)((ptrdiff_t)bytes.size + growth) : 0;
    if (napi_create_arraybuffer(env, size, &result, &buffer) != napi_ok || !input_take(env, values[1], &peer))
        return NULL;
    acurast_status status = run(identity, peer.data, peer.size, salt.data, salt.size, bytes.data, bytes.size,
                                size ? result : peer.space, &size);
    input_free(&peer);
    if (status != ACURAST_OK)
        return fail(env, status, status == ACURAST_BAD_SEAL ? "" : "peerKey");
    napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &made);
    return made;
}

/* identitySeal(handle, key of the peer, salt, plaintext) -> bytes */
static napi_value seal(napi_env env, napi_callback_info info)
{
    return transformed(env, info, acurast_identity_seal, ACURAST_SEAL_OVERHEAD);
}

/* identityOpen(handle, key of the peer, salt, sealed) -> bytes */
static napi_value open_sealed(napi_env env, napi_callback_info info)
{
    return transformed(env, info, acurast_identity_open, -ACURAST_SEAL_OVERHEAD);
}

const entry IDENTITY_ENTRIES[] = {
    {"identityGenerate", generate},
    {"identityFromPem", from_pem},
    {"identityFromSecret", from_secret},
    {"identityKind", kind_of},
    {"identityId", id},
    {"identityPublicKey", public_key},
    {"identityUncompressedKey", uncompressed_key},
    {"identitySecret", secret},
    {"identityToPem", to_pem},
    {"identitySign", sign},
    {"identitySignDigest", sign_digest},
    {"identitySeal", seal},
    {"identityOpen", open_sealed},
    {NULL, NULL},
};
