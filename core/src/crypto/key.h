/*
 * Keys and signatures by their bytes: what travels, what is hashed, what is checked.
 * Identities (secrets) are in crypto/identity.h.
 */
#ifndef ACURAST_CRYPTO_KEY_H
#define ACURAST_CRYPTO_KEY_H

#include <acurast/identity.h>

#include <stdbool.h>

/* The first byte of the 33 that stand for an Ed25519 key. */
#define ACURAST__ED25519_TAG 0xed

/* True where `size` characters may be `bytes` bytes in hex, with or without 0x. */
static inline bool acurast__hex_size(size_t size, size_t bytes)
{
    return size == 2 * bytes || size == 2 * bytes + 2;
}

/* Compares in a time that does not depend on the bytes. */
bool acurast__equal(const void *a, const void *b, size_t size);

void acurast__sha256(uint8_t digest[32], const void *bytes, size_t size);

/* id = first 16 bytes of SHA-256(33 bytes); no check of the key. */
void acurast__key_id(uint8_t id[16], const uint8_t key[33]);

/* True for a kind that this library has. */
bool acurast__key_kind_known(acurast_key_kind kind);

/* What the first byte says where nobody names the kind: ed is Ed25519, everything else P-256. */
acurast_key_kind acurast__key_kind(const uint8_t *key);

/* OK, or BAD_KEY: the first byte, and for P-256 that it is a point on the curve. */
acurast_status acurast__key_check(const uint8_t key[33]);

/* The 33 or 65 bytes of a key of this kind to its 33, checked. OK, BAD_KEY or NO_MEMORY. */
acurast_status acurast__key_compress(acurast_key_kind kind, const uint8_t *bytes, size_t size, uint8_t key[33]);

/* Any public form (33, 65; bytes or hex) to `*length` bytes, unchecked. BAD_RECIPIENT for other sizes, BAD_HEX. */
acurast_status acurast__key_bytes(const void *text, size_t size, uint8_t bytes[65], size_t *length);

/* Any public form of a P-256 or Ed25519 key to the 33 bytes, checked. BAD_RECIPIENT for other sizes, BAD_HEX, BAD_KEY. */
acurast_status acurast__key_parse(const void *text, size_t size, uint8_t key[33]);

/*
 * ECDSA on the curve of `kind` (not Ed25519) over a digest as it is; r and s big-endian, high s accepted.
 * OK, BAD_SIGNATURE, BAD_KEY or NO_MEMORY. Any thread.
 */
acurast_status acurast__ec_verify(acurast_key_kind kind, const uint8_t key[33], const uint8_t digest[32],
                                  const uint8_t signature[64]);

/* Ed25519 over a message; `key` with its tag. OK or BAD_SIGNATURE. */
acurast_status acurast__ed25519_verify(const uint8_t key[33], const void *message, size_t size,
                                       const uint8_t signature[64]);

#endif
