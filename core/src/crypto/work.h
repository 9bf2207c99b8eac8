/*
 * Proof of work: a nonce such that H = SHA-256(challenge || public key || nonce) is,
 * byte by byte, not above the difficulty in its first 16 bytes.
 */
#ifndef ACURAST_CRYPTO_WORK_H
#define ACURAST_CRYPTO_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* H, the digest that is also signed. */
void acurast__work_digest(uint8_t digest[32], const uint8_t challenge[16], const uint8_t key[33],
                          const uint8_t nonce[16]);

bool acurast__work_meets(const uint8_t digest[32], const uint8_t difficulty[16]);

/* Expected number of hashes, at least 1, saturating at UINT64_MAX. */
uint64_t acurast__work_cost(const uint8_t difficulty[16]);

/*
 * Tries the zero nonce first (which is what the vendor's client sends), then counts. Stops when `*cancel` turns true, or after
 * `most` hashes; false then. Any thread.
 */
bool acurast__work_solve(uint8_t nonce[16], const uint8_t challenge[16], const uint8_t key[33],
                         const uint8_t difficulty[16], uint64_t most, const atomic_bool *cancel);

#endif
