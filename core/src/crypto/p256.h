/*
 * P-256 through libcrypto. This file pair and crypto/pem.h are the only ones that
 * know OpenSSL; all contexts are made for one call, so that any thread may call.
 * OpenSSL's error queue is left as it was found: TLS on the same thread reads it.
 */
#ifndef ACURAST_CRYPTO_P256_H
#define ACURAST_CRYPTO_P256_H

#include <acurast/status.h>

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

/* OK where the 33 bytes (02, 03) or 65 bytes (04) are a point on the curve, else BAD_KEY. */
acurast_status acurast__p256_check(const uint8_t *point, size_t size);

/*
 * A key pair from its secret scalar: libcrypto's object, to be freed with acurast__p256_close(), and the uncompressed point.
 * BAD_KEY where the scalar is zero or not below the curve's order; NO_MEMORY.
 */
acurast_status acurast__p256_open(EVP_PKEY **pair, uint8_t point[65], const uint8_t secret[32]);

/* Wipes and frees; NULL does nothing. */
void acurast__p256_close(EVP_PKEY *pair);

/* ECDSA over the digest as it is; r and s big-endian. OK or SYSTEM. */
acurast_status acurast__p256_sign(EVP_PKEY *pair, const uint8_t digest[32], uint8_t signature[64]);

/* acurast__p256_verify() is declared in crypto/key.h. */

#endif
