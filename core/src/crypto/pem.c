/*
 * PEM. The armour is opened first, and only the two labels that we know are looked
 * into: nothing ever asks for a passphrase, and no other format is tried. What
 * libcrypto decodes is reduced to 32 secret bytes; the identity is built from those
 * alone, by the same way as from a raw secret.
 */
#include "crypto/pem.h"

#include "crypto/key.h"
#include "crypto/p256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

static EVP_PKEY *decode(const char *label, const uint8_t *der, long size)
{
    if (strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0)
        return d2i_PrivateKey(EVP_PKEY_EC, NULL, &der, size);
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, size);
    EVP_PKEY *pkey = info ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static bool label_known(const char *label)
{
    return strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0 || strcmp(label, PEM_STRING_PKCS8INF) == 0;
}

/* The first block with a label of ours, decoded. A block with headers is an encrypted one. */
static EVP_PKEY *find(BIO *text)
{
    EVP_PKEY *pkey = NULL;
    bool found = false;
    char *label, *headers;
    uint8_t *der;
    long size;
    while (!found && PEM_read_bio(text, &label, &headers, &der, &size) == 1) {
        found = label_known(label);
        if (found && headers[0] == '\0')
            pkey = decode(label, der, size);
        OPENSSL_free(label);
        OPENSSL_free(headers);
        OPENSSL_clear_free(der, (size_t)size);
    }
    return pkey;
}

/* True where the public key that came along is the one of the secret. */
static bool public_fits(const EVP_PKEY *pkey, const uint8_t secret[32])
{
    uint8_t given[65], compressed[33], point[65], expected[33];
    size_t size;
    EVP_PKEY *pair;
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, given, sizeof given, &size) != 1 ||
        acurast__key_parse(given, size, compressed) != ACURAST_OK ||
        acurast__p256_open(&pair, point, secret) != ACURAST_OK)
        return false;
    acurast__p256_close(pair);
    return acurast__key_parse(point, sizeof point, expected) == ACURAST_OK && memcmp(expected, compressed, 33) == 0;
}

static bool p256_secret(const EVP_PKEY *pkey, uint8_t secret[32])
{
    char group[32];
    BIGNUM *scalar = NULL;
    bool ok = EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) == 1 &&
              strcmp(group, SN_X9_62_prime256v1) == 0 &&
              EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
              BN_bn2binpad(scalar, secret, 32) == 32 && public_fits(pkey, secret);
    BN_clear_free(scalar);
    return ok;
}

static bool ed25519_secret(const EVP_PKEY *pkey, uint8_t secret[32])
{
    size_t size = 32;
    return EVP_PKEY_get_raw_private_key(pkey, secret, &size) == 1 && size == 32;
}

static acurast_status extract(const EVP_PKEY *pkey, acurast_key_kind *kind, uint8_t secret[32])
{
    if (EVP_PKEY_is_a(pkey, "EC")) {
        *kind = ACURAST_KEY_P256;
        return p256_secret(pkey, secret) ? ACURAST_OK : ACURAST_BAD_KEY;
    }
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        *kind = ACURAST_KEY_ED25519;
        return ed25519_secret(pkey, secret) ? ACURAST_OK : ACURAST_BAD_KEY;
    }
    return ACURAST_BAD_KEY;
}

acurast_status acurast__pem_read(const char *pem, size_t size, acurast_key_kind *kind, uint8_t secret[32])
{
    BIO *text = BIO_new_mem_buf(pem, (int)size);
    if (!text)
        return ACURAST_NO_MEMORY;
    ERR_set_mark();
    EVP_PKEY *pkey = find(text);
    acurast_status status = pkey ? extract(pkey, kind, secret) : ACURAST_BAD_KEY;
    EVP_PKEY_free(pkey);
    ERR_pop_to_mark();
    BIO_free(text);
    return status;
}

static EVP_PKEY *pair_of(acurast_key_kind kind, const uint8_t secret[32])
{
    EVP_PKEY *pair = NULL;
    uint8_t point[65];
    if (kind == ACURAST_KEY_ED25519)
        pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
    else if (acurast__p256_open(&pair, point, secret) != ACURAST_OK)
        return NULL;
    return pair;
}

static acurast_status copy_out(BIO *text, char *buffer, size_t *size)
{
    char *data;
    size_t length = (size_t)BIO_get_mem_data(text, &data);
    size_t capacity = buffer ? *size : 0;
    *size = length + 1;
    if (!buffer)
        return ACURAST_OK;
    if (capacity < length + 1)
        return ACURAST_TOO_SMALL;
    memcpy(buffer, data, length);
    buffer[length] = '\0';
    return ACURAST_OK;
}

acurast_status acurast__pem_write(acurast_key_kind kind, const uint8_t secret[32], char *buffer, size_t *size)
{
    acurast_status status = ACURAST_NO_MEMORY;
    ERR_set_mark();
    EVP_PKEY *pair = pair_of(kind, secret);
    BIO *text = BIO_new(BIO_s_secmem());
    if (pair && text && PEM_write_bio_PKCS8PrivateKey(text, pair, NULL, NULL, 0, NULL, NULL) == 1)
        status = copy_out(text, buffer, size);
    BIO_free(text);
    EVP_PKEY_free(pair);
    ERR_pop_to_mark();
    return status;
}
