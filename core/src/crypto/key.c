/*
 * Public keys by their 33 bytes. The first byte tells the kinds apart: 02 and 03 are
 * compressed P-256 points, ed stands before an Ed25519 key.
 */
#include "crypto/key.h"

#include "base/bytes.h"
#include "crypto/p256.h"

#include <sodium.h>
#include <string.h>

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

acurast_status acurast__key_check(const uint8_t key[33])
{
    if (key[0] == ACURAST__ED25519_TAG)
        return crypto_core_ed25519_is_valid_point(key + 1) == 1 ? ACURAST_OK : ACURAST_BAD_KEY;
    return acurast__p256_check(key, ACURAST_PUBLIC_KEY_SIZE);
}

static acurast_status key_from_bytes(const uint8_t *bytes, size_t size, uint8_t key[33])
{
    acurast_status status =
        size == ACURAST_PUBLIC_KEY_SIZE ? acurast__key_check(bytes) : acurast__p256_check(bytes, size);
    if (status != ACURAST_OK)
        return status;
    memcpy(key, bytes, ACURAST_PUBLIC_KEY_SIZE);
    if (size == ACURAST_UNCOMPRESSED_KEY_SIZE)
        key[0] = (uint8_t)(2 + (bytes[64] & 1));
    return ACURAST_OK;
}

static acurast_status key_from_hex(const char *text, size_t digits, size_t size, uint8_t key[33])
{
    uint8_t bytes[ACURAST_UNCOMPRESSED_KEY_SIZE];
    acurast_status status = acurast__unhex(bytes, size, text, digits);
    return status == ACURAST_OK ? key_from_bytes(bytes, size, key) : status;
}

acurast_status acurast__key_parse(const void *text, size_t size, uint8_t key[33])
{
    if (size == ACURAST_PUBLIC_KEY_SIZE || size == ACURAST_UNCOMPRESSED_KEY_SIZE)
        return key_from_bytes(text, size, key);
    if (acurast__hex_size(size, ACURAST_PUBLIC_KEY_SIZE))
        return key_from_hex(text, size, ACURAST_PUBLIC_KEY_SIZE, key);
    if (acurast__hex_size(size, ACURAST_UNCOMPRESSED_KEY_SIZE))
        return key_from_hex(text, size, ACURAST_UNCOMPRESSED_KEY_SIZE, key);
    return ACURAST_BAD_RECIPIENT;
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

/* Where an id is of no use, it is a key of the wrong size. */
static acurast_status key_only(const void *text, size_t size, uint8_t key[33])
{
    acurast_status status = acurast__key_parse(text, size, key);
    return status == ACURAST_BAD_RECIPIENT ? ACURAST_BAD_KEY : status;
}

acurast_status acurast_compress_key(const void *key, size_t size, uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE])
{
    if (!key || !compressed)
        return ACURAST_INVALID;
    bool id = size == ACURAST_ID_SIZE || acurast__hex_size(size, ACURAST_ID_SIZE);
    return id ? ACURAST_BAD_KEY : acurast__key_parse(key, size, compressed);
}

acurast_status acurast_verify(const void *key, size_t key_size, const void *message, size_t size,
                              const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!key || (!message && size) || !signature)
        return ACURAST_INVALID;
    uint8_t parsed[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = key_only(key, key_size, parsed);
    if (status != ACURAST_OK)
        return status;
    if (parsed[0] == ACURAST__ED25519_TAG)
        return acurast__ed25519_verify(parsed, message, size, signature);
    uint8_t digest[ACURAST_DIGEST_SIZE];
    acurast__sha256(digest, message, size);
    return acurast__p256_verify(parsed, digest, signature);
}

acurast_status acurast_verify_digest(const void *key, size_t key_size, const uint8_t digest[ACURAST_DIGEST_SIZE],
                                     const uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!key || !digest || !signature)
        return ACURAST_INVALID;
    uint8_t parsed[ACURAST_PUBLIC_KEY_SIZE];
    acurast_status status = key_only(key, key_size, parsed);
    if (status != ACURAST_OK)
        return status;
    if (parsed[0] == ACURAST__ED25519_TAG)
        return ACURAST_UNSUPPORTED;
    return acurast__p256_verify(parsed, digest, signature);
}
