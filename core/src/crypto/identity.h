/* What the core asks of an identity beside the public functions of <acurast/identity.h>. */
#ifndef ACURAST_CRYPTO_IDENTITY_H
#define ACURAST_CRYPTO_IDENTITY_H

#include <acurast/identity.h>

/*
 * ECDH with a peer's point of 33 or 65 bytes: the 32 bytes of its x-coordinate; wipe them. OK, UNSUPPORTED (Ed25519), BAD_KEY
 * (no point of this identity's curve) or NO_MEMORY. Any thread.
 */
acurast_status acurast__identity_agree(const acurast_identity *identity, const uint8_t *point, size_t size,
                                       uint8_t secret[32]);

#endif
