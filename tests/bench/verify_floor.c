/*
 * The least that a handshake can cost besides its connection: one import of a compressed P-256 key and one verification by
 * libcrypto alone, the quickest way found: key and context are kept, and each time given another point. Prints one line of JSON.
 */
#include "gauge.h"
#include "key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEYS = 16,
    ROUNDS = 3000
};

typedef struct bench_sample {
    bench_key key;
    uint8_t digest[32];
    uint8_t der[80];
    size_t der_size;
} bench_sample;

static bool sample_make(bench_sample *sample, unsigned seed)
{
    for (unsigned i = 0; i < sizeof sample->digest; i++)
        sample->digest[i] = (uint8_t)(seed * 37 + i);
    sample->der_size = sizeof sample->der;
    if (!key_generate(&sample->key))
        return false;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(sample->key.pair, NULL);
    bool done = context && EVP_PKEY_sign_init(context) > 0 &&
                EVP_PKEY_sign(context, sample->der, &sample->der_size, sample->digest, 32) > 0;
    EVP_PKEY_CTX_free(context);
    return done;
}

static bool import_and_verify(EVP_PKEY_CTX *context, const bench_sample *sample)
{
    EVP_PKEY *key = EVP_PKEY_CTX_get0_pkey(context);
    return EVP_PKEY_set1_encoded_public_key(key, sample->key.public_key, PUBLIC_KEY_SIZE) > 0 &&
           EVP_PKEY_verify_init(context) > 0 &&
           EVP_PKEY_verify(context, sample->der, sample->der_size, sample->digest, 32) == 1;
}

int main(void)
{
    static bench_sample samples[KEYS];
    uint64_t begin = 0, end = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        if (!sample_make(&samples[i], i))
            return 1;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (!context)
        return 1;
    for (unsigned i = 0; i < ROUNDS + KEYS; i++) {
        if (i == KEYS && !gauge_cpu(0, &begin))
            return 1;
        if (!import_and_verify(context, &samples[i % KEYS]))
            return 1;
    }
    if (!gauge_cpu(0, &end))
        return 1;
    printf("{\"step\": \"verify\", \"cpu_us\": %.3f}\n", (double)(end - begin) / ROUNDS / 1000);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    for (unsigned i = 0; i < KEYS; i++)
        key_clear(&samples[i].key);
    return 0;
}
