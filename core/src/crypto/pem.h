/* Secrets to and from PEM text. */
#ifndef ACURAST_CRYPTO_PEM_H
#define ACURAST_CRYPTO_PEM_H

#include <acurast/identity.h>

/* What a file says. Wipe it after use. */
typedef struct acurast__pem_key {
    acurast_key_kind kind;
    uint8_t secret[32];
    uint8_t public_key[33]; /* as it is stated, unproven; the first byte is 0 where it is not */
} acurast__pem_key;

/*
 * The first private key of the text: `PRIVATE KEY` of any kind, or `EC PRIVATE KEY`. BAD_KEY for none, an encrypted one, another
 * curve or algorithm; NO_MEMORY.
 */
acurast_status acurast__pem_read(const char *pem, size_t size, acurast__pem_key *key);

/* No PEM that is written here is larger, its NUL included. */
#define ACURAST__PEM_MAX_SIZE 256

/* PKCS#8, with the uncompressed point but for Ed25519, which has none. `*size` as in acurast_identity_to_pem(). OK or TOO_SMALL. */
acurast_status acurast__pem_write(acurast_key_kind kind, const uint8_t secret[32], const uint8_t point[65],
                                  char *buffer, size_t *size);

#endif
