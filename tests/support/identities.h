/* Identities that tests share: the secret of the vectors, and what must hold of any identity. */
#ifndef TESTS_SUPPORT_IDENTITIES_H
#define TESTS_SUPPORT_IDENTITIES_H

#include "support/unit.h"

#include "crypto/key.h"
#include "support/vectors.h"

#include <acurast/context.h>
#include <acurast/identity.h>

static inline void known_secret(uint8_t secret[32])
{
    assert_int_equal(vectors_bytes(vectors_find("handshake/0/secret_key"), secret, 32), 32);
}

static inline acurast_identity *known_identity(acurast_key_kind kind)
{
    uint8_t secret[32];
    acurast_identity *identity = NULL;
    known_secret(secret);
    assert_int_equal(acurast_identity_from_secret(kind, secret, sizeof secret, &identity), ACURAST_OK);
    return identity;
}

static inline void assert_same(const acurast_identity *a, const acurast_identity *b)
{
    uint8_t x[33], y[33];
    assert_int_equal(acurast_identity_kind(a), acurast_identity_kind(b));
    assert_int_equal(acurast_identity_public_key(a, x), ACURAST_OK);
    assert_int_equal(acurast_identity_public_key(b, y), ACURAST_OK);
    assert_memory_equal(x, y, 33);
    assert_int_equal(acurast_identity_secret(a, x), ACURAST_OK);
    assert_int_equal(acurast_identity_secret(b, y), ACURAST_OK);
    assert_memory_equal(x, y, 32);
}

/* Signs and checks in every way that there is. */
static inline void assert_signs(const acurast_identity *identity)
{
    static const char message[] = "a message";
    uint8_t key[33], signature[64], digest[32];
    acurast_key_kind kind = acurast_identity_kind(identity);
    acurast_identity_public_key(identity, key);
    assert_int_equal(acurast_identity_sign(identity, message, sizeof message, signature), ACURAST_OK);
    assert_int_equal(acurast_verify_as(kind, key, 33, message, sizeof message, signature), ACURAST_OK);
    assert_int_equal(acurast_verify_as(kind, key, 33, message, sizeof message - 1, signature), ACURAST_BAD_SIGNATURE);
    if (kind != ACURAST_KEY_SECP256K1)
        assert_int_equal(acurast_verify(key, 33, message, sizeof message, signature), ACURAST_OK);
    acurast__sha256(digest, message, sizeof message);
    acurast_status expected = kind == ACURAST_KEY_ED25519 ? ACURAST_UNSUPPORTED : ACURAST_OK;
    assert_int_equal(acurast_identity_sign_digest(identity, digest, signature), expected);
    assert_int_equal(acurast_verify_digest_as(kind, key, 33, digest, signature), expected);
    if (kind != ACURAST_KEY_SECP256K1)
        assert_int_equal(acurast_verify_digest(key, 33, digest, signature), expected);
    assert_int_equal(acurast_verify_as(kind, key, 33, message, sizeof message, signature), ACURAST_OK);
}

/* A teardown: every object was given back. */
static inline int nothing_lives(void **state)
{
    (void)state;
    return acurast_live_objects() == 0 ? 0 : -1;
}

#endif
