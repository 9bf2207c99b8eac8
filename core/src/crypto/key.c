/*
 * Public keys by their 33 bytes. ed stands before an Ed25519 key; 02 and 03 before the
 * x of a point, on P-256 unless the caller names secp256k1.
 */
#include "crypto/key.h"

#include "base/bytes.h"
#include "crypto/ec.h"

#include <sodium.h>
#include <string.h>

#define ANY_KIND ((acurast_key_kind)0)

bool acurast__equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

void acurast__sha256(uint8_t digest[32], const void *bytes, size_t size)
{
    crypto_hash_sha256(digest, bytes, size);
}

void acurast__key_id(uint8_t id[16], const uint8_t key[33])
{
    uint8_t digest[32];
    acurast__sha256(digest, key, ACURAST_PUBLIC_KEY_SIZE);
    memcpy(id, digest, ACURAST_ID_SIZE);
}

bool acurast__key_kind_known(acurast_key_kind kind)
{
    return kind == ACURAST_KEY_P256 || kind == ACURAST_KEY_ED25519 || kind == ACURAST_KEY_SECP256K1;
}

acurast_key_kind acurast__key_kind(const uint8_t *key)
{
    return key[0] == ACURAST__ED25519_TAG ? ACURAST_KEY_ED25519 : ACURAST_KEY_P256;
}

static acurast_status check(acurast_key_kind kind, const uint8_t *bytes, size_t size)
{
    if (kind != ACURAST_KEY_ED25519)
        return acurast__ec_check(kind, bytes, size);
    bool valid = size == ACURAST_PUBLIC_KEY_SIZE && bytes[0] == ACURAST__ED25519_TAG &&
                 crypto_core_ed25519_is_valid_point(bytes + 1) == 1;
    return valid ? ACURAST_OK : ACURAST_BAD_KEY;
}

acurast_status acurast__key_check(const uint8_t key[33])
{
    return check(acurast__key_kind(key), key, ACURAST_PUBLIC_KEY_SIZE);
}

acurast_status acurast__key_compress(acurast_key_kind kind, const uint8_t *bytes, size_t size, uint8_t key[33])
{
    acurast_status status = check(kind, bytes, size);
    if (status != ACURAST_OK)
        return status;
    memcpy(key, bytes, ACURAST_PUBLIC_KEY_SIZE);
    if (size == ACURAST_UNCOMPRESSED_KEY_SIZE)
        key[0] = (uint8_t)(2 + (bytes[64] & 1));
    return ACURAST_OK;
}

acurast_status acurast__key_bytes(const void *text, size_t size, uint8_t bytes[65], size_t *length)
{
    static const size_t lengths[] = {ACURAST_PUBLIC_KEY_SIZE, ACURAST_UNCOMPRESSED_KEY_SIZE};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        *length = lengths[i];
        if (size == *length) {
            memcpy(bytes, text, size);
            return ACURAST_OK;
        }
        if (acurast__hex_size(size, *length))
            return acurast__unhex(bytes, *length, text, size);
    }
    return ACURAST_BAD_RECIPIENT;
}

acurast_status acurast__key_parse(const void *text, size_t size, uint8_t key[33])
{
    uint8_t bytes[ACURAST_UNCOMPRESSED_KEY_SIZE];
    size_t length;
    acurast_status status = acurast__key_bytes(text, size, bytes, &length);
    return status == ACURAST_OK ? acurast__key_compress(acurast__key_kind(bytes), bytes, length, key) : status;
}

acurast_status acurast__ed25519_verify(const uint8_t key[33], const void *message, size_t size,
                                       const uint8_t signature[64])
{
    return crypto_sign_verify_detached(signature, message, size, key + 1) == 0 ? ACURAST_OK : ACURAST_BAD_SIGNATURE;
}

acurast_status acurast_id_of(const void *recipient, size_t size, uint8_t id[ACURAST_ID_SIZE])
{
    if (!recipient || !id)
        return ACURAST_INVALID;
    if (size == ACURAST_ID_SIZE) {
        memmove(id, recipient, size);
        return ACURAST_OK;
    }
    if (acurast__hex_size(size, ACURAST_ID_SIZE))
        return acurast__unhex(id, ACURAST_ID_SIZE, recipient, size);
    uint8_t key[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = acurast__key_parse(recipient, size, key);
    if (status == ACURAST_OK)
        acurast__key_id(id, key);
    return status;
}

acurast_status acurast_compress_key(const void *key, size_t size, uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE])
{
    if (!key || !compressed)
        return ACURAST_INVALID;
    bool id = size == ACURAST_ID_SIZE || acurast__hex_size(size, ACURAST_ID_SIZE);
    return id ? ACURAST_BAD_KEY : acurast__key_parse(key, size, compressed);
}

/* A key where an id is of no use: it is a key of the wrong size. `*kind` 0 takes what the first byte says. */
static acurast_status read_bytes(acurast_key_kind *kind, const void *text, size_t size, uint8_t bytes[65],
                                 size_t *length)
{
    acurast_status status = acurast__key_bytes(text, size, bytes, length);
    if (status != ACURAST_OK)
        return status == ACURAST_BAD_RECIPIENT ? ACURAST_BAD_KEY : status;
    if (*kind == ANY_KIND)
        *kind = acurast__key_kind(bytes);
    return ACURAST_OK;
}

/* Who verifies on a curve is told there whether 33 bytes are a point: to check that here as well would cost a sixth of it. */
static acurast_status read_verifying_key(acurast_key_kind *kind, const void *text, size_t size, uint8_t key[33])
{
    uint8_t bytes[ACURAST_UNCOMPRESSED_KEY_SIZE];
    size_t length;
    acurast_status status = read_bytes(kind, text, size, bytes, &length);
    if (status != ACURAST_OK)
        return status;
    if (*kind == ACURAST_KEY_ED25519 || length != ACURAST_PUBLIC_KEY_SIZE)
        return acurast__key_compress(*kind, bytes, length, key);
    memcpy(key, bytes, ACURAST_PUBLIC_KEY_SIZE);
    return ACURAST_OK;
}

acurast_status acurast_compress_key_as(acurast_key_kind kind, const void *key, size_t size,
                                       uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE])
{
    if (!acurast__key_kind_known(kind) || !key || !compressed)
        return ACURAST_INVALID;
    uint8_t bytes[ACURAST_UNCOMPRESSED_KEY_SIZE];
    size_t length;
    acurast_status status = read_bytes(&kind, key, size, bytes, &length);
    return status == ACURAST_OK ? acurast__key_compress(kind, bytes, length, compressed) : status;
}

static acurast_status verify(acurast_key_kind kind, const void *key, size_t key_size, const void *message, size_t size,
                             const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!key || (!message && size) || !signature)
        return ACURAST_INVALID;
    uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = read_verifying_key(&kind, key, key_size, compressed);
    if (status != ACURAST_OK)
        return status;
    if (kind == ACURAST_KEY_ED25519)
        return acurast__ed25519_verify(compressed, message, size, signature);
    uint8_t digest[ACURAST_DIGEST_SIZE];
    acurast__sha256(digest, message, size);
    return acurast__ec_verify(kind, compressed, digest, signature);
}

static acurast_status verify_digest(acurast_key_kind kind, const void *key, size_t key_size,
                                    const uint8_t digest[ACURAST_DIGEST_SIZE],
                                    const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!key || !digest || !signature)
        return ACURAST_INVALID;
    uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = read_verifying_key(&kind, key, key_size, compressed);
    if (status != ACURAST_OK)
        return status;
    return kind == ACURAST_KEY_ED25519 ? ACURAST_UNSUPPORTED : acurast__ec_verify(kind, compressed, digest, signature);
}

acurast_status acurast_verify(const void *key, size_t key_size, const void *message, size_t size,
                              const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    return verify(ANY_KIND, key, key_size, message, size, signature);
}

acurast_status acurast_verify_as(acurast_key_kind kind, const void *key, size_t key_size, const void *message,
                                 size_t size, const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    return acurast__key_kind_known(kind) ? verify(kind, key, key_size, message, size, signature) : ACURAST_INVALID;
}

acurast_status acurast_verify_digest(const void *key, size_t key_size, const uint8_t digest[ACURAST_DIGEST_SIZE],
                                     const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    return verify_digest(ANY_KIND, key, key_size, digest, signature);
}

acurast_status acurast_verify_digest_as(acurast_key_kind kind, const void *key, size_t key_size,
                                        const uint8_t digest[ACURAST_DIGEST_SIZE],
                                        const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    return acurast__key_kind_known(kind) ? verify_digest(kind, key, key_size, digest, signature) : ACURAST_INVALID;
}
