/*
 * Identities: a secret in guarded memory, what follows from it, and a count of
 * references. Nothing changes after creation, so that threads need no lock.
 *
 * Every way in (generate, PEM, raw) ends in `build`, with 32 secret bytes. libcrypto
 * holds a working copy of a curve's secret, which it wipes when the identity goes.
 */
#include "crypto/identity.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/ec.h"
#include "crypto/key.h"
#include "crypto/pem.h"
#include "crypto/secret.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define PEM_MAX_SIZE 65536

struct acurast_identity {
    atomic_size_t references;
    acurast_key_kind kind;
    EVP_PKEY *pair;           /* NULL for Ed25519 */
    acurast__secret secret;   /* the scalar and zeros, or the seed and the public key */
    uint8_t public_point[65]; /* not of Ed25519 */
    uint8_t public_key[ACURAST_PUBLIC_KEY_SIZE];
    uint8_t id[ACURAST_ID_SIZE];
};

static void identity_free(acurast_identity *identity)
{
    acurast__ec_close(identity->pair);
    acurast__secret_drop(&identity->secret);
    acurast__free(identity);
}

static bool on_curve(const acurast_identity *identity)
{
    return identity->kind != ACURAST_KEY_ED25519;
}

static acurast_status derive_point(acurast_identity *identity, uint8_t secret[ACURAST__SECRET_SIZE])
{
    acurast_status status = acurast__ec_open(identity->kind, &identity->pair, identity->public_point, secret);
    if (status != ACURAST_OK)
        return status;
    memcpy(identity->public_key, identity->public_point, ACURAST_PUBLIC_KEY_SIZE);
    identity->public_key[0] = (uint8_t)(2 + (identity->public_point[64] & 1));
    return ACURAST_OK;
}

static acurast_status derive_ed25519(acurast_identity *identity, uint8_t secret[ACURAST__SECRET_SIZE])
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    memcpy(seed, secret, sizeof seed);
    crypto_sign_seed_keypair(identity->public_key + 1, secret, seed);
    sodium_memzero(seed, sizeof seed);
    identity->public_key[0] = ACURAST__ED25519_TAG;
    return ACURAST_OK;
}

static acurast_status derive(acurast_identity *identity, const uint8_t given[32])
{
    uint8_t secret[ACURAST__SECRET_SIZE] = {0};
    memcpy(secret, given, ACURAST_SECRET_SIZE);
    acurast_status status = on_curve(identity) ? derive_point(identity, secret) : derive_ed25519(identity, secret);
    if (status == ACURAST_OK && !acurast__secret_keep(&identity->secret, secret))
        status = ACURAST_NO_MEMORY;
    sodium_memzero(secret, sizeof secret);
    return status;
}

static acurast_status build(acurast_key_kind kind, const uint8_t secret[32], acurast_identity **result)
{
    acurast_identity *identity = acurast__alloc_zero(sizeof *identity);
    if (!identity)
        return ACURAST_NO_MEMORY;
    identity->kind = kind;
    acurast_status status = derive(identity, secret);
    if (status != ACURAST_OK) {
        identity_free(identity);
        return status;
    }
    acurast__key_id(identity->id, identity->public_key);
    atomic_init(&identity->references, 1);
    acurast__object_born();
    *result = identity;
    return ACURAST_OK;
}

acurast_status acurast_identity_generate(acurast_key_kind kind, acurast_identity **identity)
{
    if (!identity || !acurast__key_kind_known(kind))
        return ACURAST_INVALID;
    if (sodium_init() < 0)
        return ACURAST_SYSTEM;
    uint8_t secret[ACURAST_SECRET_SIZE];
    acurast_status status;
    do { /* one draw in 2^32 is above the order of P-256, one in 2^128 above that of secp256k1 */
        randombytes_buf(secret, sizeof secret);
        status = build(kind, secret, identity);
    } while (status == ACURAST_BAD_KEY);
    sodium_memzero(secret, sizeof secret);
    return status;
}

/* A public key that came along must be the secret's: the owner of the file expects its id. */
static acurast_status build_stated(const acurast__pem_key *key, acurast_identity **result)
{
    acurast_identity *identity;
    acurast_status status = build(key->kind, key->secret, &identity);
    if (status != ACURAST_OK)
        return status;
    if (key->public_key[0] != 0 && memcmp(key->public_key, identity->public_key, sizeof key->public_key) != 0) {
        acurast_identity_release(identity);
        return ACURAST_BAD_KEY;
    }
    *result = identity;
    return ACURAST_OK;
}

acurast_status acurast_identity_from_pem(const char *pem, size_t size, acurast_identity **identity)
{
    if (!pem || !identity || size > PEM_MAX_SIZE)
        return ACURAST_INVALID;
    if (sodium_init() < 0)
        return ACURAST_NO_MEMORY;
    acurast__pem_key key;
    acurast_status status = acurast__pem_read(pem, size, &key);
    if (status == ACURAST_OK)
        status = build_stated(&key, identity);
    sodium_memzero(&key, sizeof key);
    return status;
}

/* Copies or reads 32 bytes; `size` tells which. */
static acurast_status secret_parse(uint8_t bytes[32], const void *secret, size_t size)
{
    if (acurast__hex_size(size, ACURAST_SECRET_SIZE))
        return acurast__unhex(bytes, ACURAST_SECRET_SIZE, secret, size);
    if (size != ACURAST_SECRET_SIZE)
        return ACURAST_BAD_KEY;
    memcpy(bytes, secret, size);
    return ACURAST_OK;
}

acurast_status acurast_identity_from_secret(acurast_key_kind kind, const void *secret, size_t size,
                                            acurast_identity **identity)
{
    if (!secret || !identity || !acurast__key_kind_known(kind))
        return ACURAST_INVALID;
    if (sodium_init() < 0)
        return ACURAST_NO_MEMORY;
    uint8_t bytes[ACURAST_SECRET_SIZE];
    acurast_status status = secret_parse(bytes, secret, size);
    if (status == ACURAST_OK)
        status = build(kind, bytes, identity);
    sodium_memzero(bytes, sizeof bytes);
    return status;
}

acurast_identity *acurast_identity_retain(acurast_identity *identity)
{
    if (identity)
        atomic_fetch_add_explicit(&identity->references, 1, memory_order_relaxed);
    return identity;
}

void acurast_identity_release(acurast_identity *identity)
{
    if (!identity || atomic_fetch_sub_explicit(&identity->references, 1, memory_order_acq_rel) != 1)
        return;
    identity_free(identity);
    acurast__object_died();
}

acurast_key_kind acurast_identity_kind(const acurast_identity *identity)
{
    return identity ? identity->kind : (acurast_key_kind)0;
}

acurast_status acurast_identity_id(const acurast_identity *identity, uint8_t id[ACURAST_ID_SIZE])
{
    if (!identity || !id)
        return ACURAST_INVALID;
    memcpy(id, identity->id, ACURAST_ID_SIZE);
    return ACURAST_OK;
}

acurast_status acurast_identity_public_key(const acurast_identity *identity, uint8_t key[ACURAST_PUBLIC_KEY_SIZE])
{
    if (!identity || !key)
        return ACURAST_INVALID;
    memcpy(key, identity->public_key, ACURAST_PUBLIC_KEY_SIZE);
    return ACURAST_OK;
}

acurast_status acurast_identity_uncompressed_key(const acurast_identity *identity,
                                                 uint8_t key[ACURAST_UNCOMPRESSED_KEY_SIZE])
{
    if (!identity || !key)
        return ACURAST_INVALID;
    if (!on_curve(identity))
        return ACURAST_UNSUPPORTED;
    memcpy(key, identity->public_point, ACURAST_UNCOMPRESSED_KEY_SIZE);
    return ACURAST_OK;
}

acurast_status acurast_identity_secret(const acurast_identity *identity, uint8_t secret[ACURAST_SECRET_SIZE])
{
    if (!identity || !secret)
        return ACURAST_INVALID;
    memcpy(secret, identity->secret.bytes, ACURAST_SECRET_SIZE);
    return ACURAST_OK;
}

acurast_status acurast_identity_to_pem(const acurast_identity *identity, char *buffer, size_t *size)
{
    if (!identity || !size)
        return ACURAST_INVALID;
    return acurast__pem_write(identity->kind, identity->secret.bytes, identity->public_point, buffer, size);
}

acurast_status acurast_identity_sign(const acurast_identity *identity, const void *message, size_t size,
                                     uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!identity || (!message && size) || !signature)
        return ACURAST_INVALID;
    if (!on_curve(identity)) {
        crypto_sign_detached(signature, NULL, message, size, identity->secret.bytes);
        return ACURAST_OK;
    }
    uint8_t digest[ACURAST_DIGEST_SIZE];
    acurast__sha256(digest, message, size);
    return acurast__ec_sign(identity->kind, identity->pair, digest, signature);
}

acurast_status acurast_identity_sign_digest(const acurast_identity *identity, const uint8_t digest[ACURAST_DIGEST_SIZE],
                                            uint8_t signature[ACURAST_SIGNATURE_SIZE])
{
    if (!identity || !digest || !signature)
        return ACURAST_INVALID;
    if (!on_curve(identity))
        return ACURAST_UNSUPPORTED;
    return acurast__ec_sign(identity->kind, identity->pair, digest, signature);
}

acurast_status acurast__identity_agree(const acurast_identity *identity, const uint8_t *point, size_t size,
                                       uint8_t secret[32])
{
    if (!on_curve(identity))
        return ACURAST_UNSUPPORTED;
    return acurast__ec_agree(identity->kind, identity->pair, point, size, secret);
}
