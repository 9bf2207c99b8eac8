#include "key.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <string.h>

bool key_generate(bench_key *key)
{
    uint8_t point[65], digest[32];
    size_t size = 0;
    key->pair = EVP_EC_gen("P-256");
    if (!key->pair || !EVP_PKEY_get_octet_string_param(key->pair, "encoded-pub-key", point, sizeof point, &size) ||
        size != sizeof point)
        return false;
    key->public_key[0] = (uint8_t)(2 + (point[64] & 1));
    memcpy(key->public_key + 1, point + 1, 32);
    SHA256(key->public_key, PUBLIC_KEY_SIZE, digest);
    memcpy(key->id, digest, ID_SIZE);
    return true;
}

void key_clear(bench_key *key)
{
    EVP_PKEY_free(key->pair);
    key->pair = NULL;
}

static bool unpack(const uint8_t *der, size_t size, uint8_t *signature)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool done = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32) == 32 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32) == 32;
    ECDSA_SIG_free(pair);
    return done;
}

bool key_sign(const bench_key *key, const uint8_t digest[32], uint8_t signature[SIGNATURE_SIZE])
{
    uint8_t der[80];
    size_t size = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pair, NULL);
    bool done = context && EVP_PKEY_sign_init(context) > 0 && EVP_PKEY_sign(context, der, &size, digest, 32) > 0 &&
                unpack(der, size, signature);
    EVP_PKEY_CTX_free(context);
    return done;
}
