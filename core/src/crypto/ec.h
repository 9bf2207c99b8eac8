/*
 * The curves P-256 and secp256k1 through libcrypto: `kind` is one of the two, never
 * Ed25519. Of our files only this pair, crypto/pem.h and crypto/seal.h know OpenSSL. A
 * context serves one call at a time, so that any thread may call. OpenSSL's error queue
 * is left as it was found: TLS on the same thread reads it.
 */
#ifndef ACURAST_CRYPTO_EC_H
#define ACURAST_CRYPTO_EC_H

#include <acurast/identity.h>

#include <openssl/types.h>

/* OK where the 33 bytes (02, 03) or 65 bytes (04) are a point on the curve, else BAD_KEY. */
acurast_status acurast__ec_check(acurast_key_kind kind, const uint8_t *point, size_t size);

/*
 * A key pair from its secret scalar: libcrypto's object, to be freed with acurast__ec_close(), and the uncompressed point.
 * BAD_KEY where the scalar is zero or not below the curve's order; NO_MEMORY.
 */
acurast_status acurast__ec_open(acurast_key_kind kind, EVP_PKEY **pair, uint8_t point[65], const uint8_t secret[32]);

/* Wipes and frees; NULL does nothing. */
void acurast__ec_close(EVP_PKEY *pair);

/* ECDSA over the digest as it is; r and s big-endian, s low on secp256k1. `pair` is of this kind. OK or SYSTEM. */
acurast_status acurast__ec_sign(acurast_key_kind kind, EVP_PKEY *pair, const uint8_t digest[32], uint8_t signature[64]);

/* The check of such a signature, acurast__ec_verify(), is declared in crypto/key.h. */

/* ECDH with a point of 33 or 65 bytes: its x-coordinate, always 32 bytes; wipe it. OK, BAD_KEY or NO_MEMORY. */
acurast_status acurast__ec_agree(acurast_key_kind kind, EVP_PKEY *pair, const uint8_t *point, size_t size,
                                 uint8_t secret[32]);

#endif
