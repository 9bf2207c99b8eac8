/*
 * Proof of work. Of the 65 bytes that are hashed, all but the nonce's last byte fill
 * the first block of SHA-256: that block is hashed once for 256 nonces.
 */
#include "crypto/work.h"

#include "crypto/key.h"

#include <sodium.h>
#include <string.h>

#define NONCE_LAST 15

static void prefix(crypto_hash_sha256_state *state, const uint8_t challenge[16], const uint8_t key[33],
                   const uint8_t nonce[16])
{
    crypto_hash_sha256_init(state);
    crypto_hash_sha256_update(state, challenge, 16);
    crypto_hash_sha256_update(state, key, 33);
    crypto_hash_sha256_update(state, nonce, NONCE_LAST);
}

static void finish(uint8_t digest[32], crypto_hash_sha256_state state, const uint8_t *last)
{
    crypto_hash_sha256_update(&state, last, 1);
    crypto_hash_sha256_final(&state, digest);
}

void acurast__work_digest(uint8_t digest[32], const uint8_t challenge[16], const uint8_t key[33],
                          const uint8_t nonce[16])
{
    crypto_hash_sha256_state state;
    prefix(&state, challenge, key, nonce);
    finish(digest, state, nonce + NONCE_LAST);
}

bool acurast__work_meets(const uint8_t digest[32], const uint8_t difficulty[16])
{
    for (int i = 0; i < 16; i++)
        if (digest[i] > difficulty[i])
            return false;
    return true;
}

uint64_t acurast__work_cost(const uint8_t difficulty[16])
{
    double cost = 1;
    for (int i = 0; i < 16; i++)
        cost *= 256.0 / (difficulty[i] + 1);
    return cost < 0x1p64 ? (uint64_t)cost : UINT64_MAX;
}

/* Up to `tries` nonces that differ in the last byte, from 0 on. */
static bool solve_block(uint8_t nonce[16], const crypto_hash_sha256_state *state, const uint8_t difficulty[16],
                        unsigned tries)
{
    uint8_t digest[32];
    for (unsigned i = 0; i < tries; i++) {
        nonce[NONCE_LAST] = (uint8_t)i;
        finish(digest, *state, nonce + NONCE_LAST);
        if (acurast__work_meets(digest, difficulty))
            return true;
    }
    return false;
}

bool acurast__work_solve(uint8_t nonce[16], const uint8_t challenge[16], const uint8_t key[33],
                         const uint8_t difficulty[16], uint64_t most, const atomic_bool *cancel)
{
    crypto_hash_sha256_state state;
    memset(nonce, 0, 16);
    while (most > 0 && !atomic_load_explicit(cancel, memory_order_relaxed)) {
        unsigned tries = most < 256 ? (unsigned)most : 256;
        prefix(&state, challenge, key, nonce);
        if (solve_block(nonce, &state, difficulty, tries))
            return true;
        most -= tries;
        for (int i = NONCE_LAST - 1; i >= 0 && ++nonce[i] == 0; i--)
            ;
    }
    return false;
}
