/* The P-256 keys of the generator's clients, by libcrypto directly: nothing of the library that is measured is used here. */
#ifndef BENCH_KEY_H
#define BENCH_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ID_SIZE = 16,
    PUBLIC_KEY_SIZE = 33,
    SIGNATURE_SIZE = 64,
};

typedef struct bench_key {
    EVP_PKEY *pair;
    uint8_t public_key[PUBLIC_KEY_SIZE]; /* compressed */
    uint8_t id[ID_SIZE];
} bench_key;

bool key_generate(bench_key *key);
void key_clear(bench_key *key);

/* Signs a digest of 32 bytes: r and s, big-endian. */
bool key_sign(const bench_key *key, const uint8_t digest[32], uint8_t signature[SIGNATURE_SIZE]);

#endif
