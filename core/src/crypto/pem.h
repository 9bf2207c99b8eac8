/* Secrets to and from PEM text, through libcrypto. */
#ifndef ACURAST_CRYPTO_PEM_H
#define ACURAST_CRYPTO_PEM_H

#include <acurast/identity.h>

/*
 * The first private key of the text: `PRIVATE KEY` of either kind, or `EC PRIVATE KEY`. BAD_KEY for none, an encrypted one, another
 * curve or algorithm, or a public key that does not belong to the secret; NO_MEMORY.
 */
acurast_status acurast__pem_read(const char *pem, size_t size, acurast_key_kind *kind, uint8_t secret[32]);

/* PKCS#8. `*size` as in acurast_identity_to_pem(). OK, TOO_SMALL or NO_MEMORY. */
acurast_status acurast__pem_write(acurast_key_kind kind, const uint8_t secret[32], char *buffer, size_t *size);

#endif
