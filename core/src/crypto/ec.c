/*
 * Two curves through libcrypto's EVP. The parameters of each are looked up once and
 * kept in a template that every imported key copies: a lookup by name would cost
 * more than the import itself. A template is shared by all threads, never changes,
 * and is left to the end of the process, like libcrypto's own tables.
 *
 * To verify takes a context with a key of its own, which cost a tenth of the verification to make. So each curve keeps some that were used:
 *
 *   made -> taken by one thread -> spare -> taken ...    freed: where all places are full, or it failed before it could verify
 *
 * A spare still has the key of whom it served last; who takes it sets another, and does not verify where that fails.
 *
 * On the wire a signature is r || s; libcrypto speaks DER. The two shapes are
 * converted by hand, as a SEQUENCE of two short INTEGERs needs no parser.
 */
#include "crypto/ec.h"

#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define DER_MAX_SIZE 72

/* As many threads verify at once without making a context. Each holds 2.7 KB of libcrypto's. */
#define SPARES 16

typedef struct curve {
    char name[sizeof SN_X9_62_prime256v1];
    int number;
    _Atomic(EVP_PKEY *) template;
    _Atomic(EVP_PKEY_CTX *) spares[SPARES];
} curve;

static curve p256 = {.name = SN_X9_62_prime256v1, .number = NID_X9_62_prime256v1};
static curve secp256k1 = {.name = SN_secp256k1, .number = NID_secp256k1};

static curve *curve_of(acurast_key_kind kind)
{
    return kind == ACURAST_KEY_SECP256K1 ? &secp256k1 : &p256;
}

static EVP_PKEY *pkey_from(OSSL_PARAM *params, int selection)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &pkey, selection, params);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static OSSL_PARAM group_param(curve *of)
{
    return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, of->name, 0);
}

static EVP_PKEY *template_get(curve *of)
{
    EVP_PKEY *known = atomic_load_explicit(&of->template, memory_order_acquire);
    if (known)
        return known;
    OSSL_PARAM params[] = {group_param(of), OSSL_PARAM_construct_end()};
    EVP_PKEY *made = pkey_from(params, EVP_PKEY_KEY_PARAMETERS);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&of->template, &known, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    EVP_PKEY_free(made);
    return known;
}

/* A key of the curve that has no point yet; NULL without memory. */
static EVP_PKEY *pkey_blank(curve *of)
{
    EVP_PKEY *template = template_get(of);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (template && pkey && EVP_PKEY_copy_parameters(pkey, template) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

/* NULL with BAD_KEY where the bytes are no point, or with NO_MEMORY. */
static EVP_PKEY *point_open(acurast_key_kind kind, const uint8_t *point, size_t size, acurast_status *status)
{
    EVP_PKEY *pkey = pkey_blank(curve_of(kind));
    if (!pkey) {
        *status = ACURAST_NO_MEMORY;
        return NULL;
    }
    if (EVP_PKEY_set1_encoded_public_key(pkey, point, size) != 1) {
        *status = ACURAST_BAD_KEY;
        EVP_PKEY_free(pkey);
        return NULL;
    }
    *status = ACURAST_OK;
    return pkey;
}

/* The hybrid forms (06, 07) that libcrypto also reads are nobody's. */
static bool point_form(const uint8_t *point, size_t size)
{
    return size == 33 ? point[0] == 2 || point[0] == 3 : size == 65 && point[0] == 4;
}

acurast_status acurast__ec_check(acurast_key_kind kind, const uint8_t *point, size_t size)
{
    if (!point_form(point, size))
        return ACURAST_BAD_KEY;
    acurast_status status;
    ERR_set_mark();
    EVP_PKEY_free(point_open(kind, point, size, &status));
    ERR_pop_to_mark();
    return status;
}

/* One INTEGER of DER from 32 big-endian bytes; returns its size, at most 35. */
static size_t der_put(uint8_t *der, const uint8_t number[32])
{
    size_t zeros = 0;
    while (zeros < 31 && number[zeros] == 0)
        zeros++;
    size_t sign = number[zeros] >> 7;
    size_t size = 32 - zeros + sign;
    der[0] = 0x02;
    der[1] = (uint8_t)size;
    der[2] = 0;
    memcpy(der + 2 + sign, number + zeros, 32 - zeros);
    return 2 + size;
}

static size_t der_from_raw(uint8_t der[DER_MAX_SIZE], const uint8_t raw[64])
{
    size_t size = 2;
    size += der_put(der + size, raw);
    size += der_put(der + size, raw + 32);
    der[0] = 0x30;
    der[1] = (uint8_t)(size - 2);
    return size;
}

/* The bytes taken by one INTEGER, or 0 where it does not fit 32 bytes. */
static size_t der_take(uint8_t number[32], const uint8_t *der, size_t size)
{
    if (size < 3 || der[0] != 0x02 || der[1] == 0 || der[1] > 33 || (size_t)der[1] + 2 > size)
        return 0;
    size_t skip = der[1] == 33;
    size_t length = der[1] - skip;
    if (skip && der[2] != 0)
        return 0;
    memset(number, 0, 32);
    memcpy(number + 32 - length, der + 2 + skip, length);
    return 2 + (size_t)der[1];
}

static bool raw_from_der(uint8_t raw[64], const uint8_t *der, size_t size)
{
    if (size < 2 || size > DER_MAX_SIZE || der[0] != 0x30 || der[1] != size - 2)
        return false;
    size_t first = der_take(raw, der + 2, size - 2);
    return first && der_take(raw + 32, der + 2 + first, size - 2 - first) == size - 2 - first;
}

static EVP_PKEY_CTX *verifier_new(curve *of)
{
    EVP_PKEY *pkey = pkey_blank(of);
    EVP_PKEY_CTX *verifier = pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
    EVP_PKEY_free(pkey); /* the context has a reference of its own */
    return verifier;
}

static EVP_PKEY_CTX *verifier_take(curve *of)
{
    for (size_t i = 0; i < SPARES; i++) {
        EVP_PKEY_CTX *spare = atomic_load_explicit(&of->spares[i], memory_order_relaxed);
        if (spare && (spare = atomic_exchange_explicit(&of->spares[i], NULL, memory_order_acquire)))
            return spare;
    }
    return verifier_new(of);
}

static void verifier_give(curve *of, EVP_PKEY_CTX *verifier)
{
    for (size_t i = 0; i < SPARES; i++) {
        EVP_PKEY_CTX *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&of->spares[i], &none, verifier, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    EVP_PKEY_CTX_free(verifier);
}

/* OK and BAD_SIGNATURE are libcrypto's answer for this key; with any other status it was not asked. */
static acurast_status verify(EVP_PKEY_CTX *verifier, const uint8_t key[33], const uint8_t digest[32],
                             const uint8_t signature[64])
{
    uint8_t der[DER_MAX_SIZE];
    size_t size = der_from_raw(der, signature);
    if (EVP_PKEY_set1_encoded_public_key(EVP_PKEY_CTX_get0_pkey(verifier), key, 33) != 1)
        return ACURAST_BAD_KEY;
    if (EVP_PKEY_verify_init(verifier) != 1)
        return ACURAST_NO_MEMORY;
    return EVP_PKEY_verify(verifier, der, size, digest, 32) == 1 ? ACURAST_OK : ACURAST_BAD_SIGNATURE;
}

/* Libcrypto did not take the key: where a key made for it does, it was for lack of memory. */
static acurast_status why_not(acurast_key_kind kind, const uint8_t key[33])
{
    acurast_status status;
    EVP_PKEY_free(point_open(kind, key, 33, &status));
    return status == ACURAST_OK ? ACURAST_NO_MEMORY : status;
}

acurast_status acurast__ec_verify(acurast_key_kind kind, const uint8_t key[33], const uint8_t digest[32],
                                  const uint8_t signature[64])
{
    if (!point_form(key, 33))
        return ACURAST_BAD_KEY;
    ERR_set_mark();
    EVP_PKEY_CTX *verifier = verifier_take(curve_of(kind));
    acurast_status status = verifier ? verify(verifier, key, digest, signature) : ACURAST_NO_MEMORY;
    if (status == ACURAST_OK || status == ACURAST_BAD_SIGNATURE)
        verifier_give(curve_of(kind), verifier);
    else
        EVP_PKEY_CTX_free(verifier);
    if (status == ACURAST_BAD_KEY)
        status = why_not(kind, key);
    ERR_pop_to_mark();
    return status;
}

/* The secret as a number in 1 ... order - 1, and its point. */
static acurast_status scalar_point(const curve *on, BIGNUM *scalar, uint8_t point[65], const uint8_t secret[32])
{
    acurast_status status = ACURAST_NO_MEMORY;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(on->number);
    EC_POINT *product = group ? EC_POINT_new(group) : NULL;
    if (!product || !BN_bin2bn(secret, 32, scalar))
        goto cleanup;
    if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0) {
        status = ACURAST_BAD_KEY;
        goto cleanup;
    }
    if (EC_POINT_mul(group, product, scalar, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, point, 65, NULL) == 65)
        status = ACURAST_OK;
cleanup:
    EC_POINT_free(product);
    EC_GROUP_free(group);
    return status;
}

static acurast_status pair_open(curve *on, EVP_PKEY **pair, BIGNUM *scalar, uint8_t point[65], const uint8_t secret[32])
{
    acurast_status status = scalar_point(on, scalar, point, secret);
    if (status != ACURAST_OK)
        return status;
    uint8_t native[32];
    BN_bn2nativepad(scalar, native, sizeof native);
    OSSL_PARAM params[] = {group_param(on), OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 65),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native),
                           OSSL_PARAM_construct_end()};
    *pair = pkey_from(params, EVP_PKEY_KEYPAIR);
    sodium_memzero(native, sizeof native);
    return *pair ? ACURAST_OK : ACURAST_NO_MEMORY;
}

acurast_status acurast__ec_open(acurast_key_kind kind, EVP_PKEY **pair, uint8_t point[65], const uint8_t secret[32])
{
    acurast_status status = ACURAST_NO_MEMORY;
    ERR_set_mark();
    BIGNUM *scalar = BN_secure_new();
    if (scalar) {
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
        status = pair_open(curve_of(kind), pair, scalar, point, secret);
    }
    BN_clear_free(scalar);
    ERR_pop_to_mark();
    return status;
}

void acurast__ec_close(EVP_PKEY *pair)
{
    EVP_PKEY_free(pair);
}

/* The order of secp256k1, and half of it rounded down: the highest s that is low. */
static const uint8_t secp256k1_order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                            0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
static const uint8_t secp256k1_half[32] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                           0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

/*
 * With s, order - s is a signature of the same as well. The chains that use secp256k1 take the lower one of the two alone
 * (BIP 62, EIP-2). A signature is public, so that this need not take the same time for each.
 */
static void lower_s(uint8_t s[32])
{
    if (memcmp(s, secp256k1_half, 32) <= 0)
        return;
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int difference = secp256k1_order[i] - s[i] - borrow;
        borrow = difference < 0;
        s[i] = (uint8_t)difference;
    }
}

acurast_status acurast__ec_sign(acurast_key_kind kind, EVP_PKEY *pair, const uint8_t digest[32], uint8_t signature[64])
{
    uint8_t der[DER_MAX_SIZE] = {0}; /* without memory, libcrypto 3.0 reports success and writes nothing */
    size_t size = sizeof der;
    acurast_status status = ACURAST_SYSTEM;
    ERR_set_mark();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
    if (context && EVP_PKEY_sign_init(context) == 1 && EVP_PKEY_sign(context, der, &size, digest, 32) == 1 &&
        raw_from_der(signature, der, size))
        status = ACURAST_OK;
    EVP_PKEY_CTX_free(context);
    ERR_pop_to_mark();
    if (status == ACURAST_OK && kind == ACURAST_KEY_SECP256K1)
        lower_s(signature + 32);
    return status;
}

/*
 * The peer's point is known to be on the curve, and of a curve with cofactor 1 every point has the right order:
 * libcrypto's own check of the peer would multiply by the order once more, and cost as much as the agreement.
 */
static acurast_status agree(EVP_PKEY *pair, EVP_PKEY *peer, uint8_t secret[32])
{
    size_t size = 32;
    acurast_status status = ACURAST_NO_MEMORY;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
    if (context && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
        EVP_PKEY_derive(context, secret, &size) == 1 && size == 32)
        status = ACURAST_OK;
    EVP_PKEY_CTX_free(context);
    return status;
}

acurast_status acurast__ec_agree(acurast_key_kind kind, EVP_PKEY *pair, const uint8_t *point, size_t size,
                                 uint8_t secret[32])
{
    if (!point_form(point, size))
        return ACURAST_BAD_KEY;
    acurast_status status;
    ERR_set_mark();
    EVP_PKEY *peer = point_open(kind, point, size, &status);
    if (peer)
        status = agree(pair, peer, secret);
    EVP_PKEY_free(peer);
    ERR_pop_to_mark();
    return status;
}
