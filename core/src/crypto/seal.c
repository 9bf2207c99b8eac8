/*
 * Sealing: the encryption that deployed processors know, between two key pairs.
 *
 *   secret  x-coordinate of ECDH, 32 bytes
 *   info    "ECDH <curve> AES-256-GCM-SIV", then both public keys: the shorter first, of two of a size the smaller
 *   key     HKDF-SHA-256(secret, salt, info), 32 bytes
 *   sealed  iv, 12 random bytes || AES-256-GCM(key, iv, plaintext) || tag, 16 bytes
 *
 * The label says GCM-SIV, the cipher is GCM. A pair of keys and a salt always give the
 * same key, so an iv must not come twice: 96 random bits are good for 2^32 messages.
 *
 * libcrypto looks its algorithms up by name on each call: 1 % of the agreement's cost.
 */
#include "crypto/identity.h"

#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define IV_SIZE 12
#define TAG_SIZE 16
#define KEY_SIZE 32
#define LABEL_R1 "ECDH secp256r1 AES-256-GCM-SIV"
#define LABEL_K1 "ECDH secp256k1 AES-256-GCM-SIV"
#define INFO_MAX_SIZE (sizeof LABEL_R1 - 1 + (size_t)2 * ACURAST_UNCOMPRESSED_KEY_SIZE)

typedef struct piece {
    const uint8_t *at;
    size_t size;
} piece;

/* What two sides have in common. Holds a secret: wipe it. */
typedef struct agreement {
    const acurast_identity *identity;
    piece salt;
    uint8_t peer[ACURAST_UNCOMPRESSED_KEY_SIZE]; /* in the form given */
    size_t peer_size;
    uint8_t secret[32];
} agreement;

/* Of what libcrypto does with sound arguments only a lack of memory makes it fail. */
static acurast_status done(bool well)
{
    return well ? ACURAST_OK : ACURAST_NO_MEMORY;
}

static acurast_status agree(agreement *common, const acurast_identity *identity, piece peer_key, piece salt)
{
    *common = (agreement){.identity = identity, .salt = salt};
    acurast_status status = acurast__key_bytes(peer_key.at, peer_key.size, common->peer, &common->peer_size);
    if (status != ACURAST_OK)
        return status == ACURAST_BAD_RECIPIENT ? ACURAST_BAD_KEY : status;
    return acurast__identity_agree(identity, common->peer, common->peer_size, common->secret);
}

static size_t append(uint8_t *to, size_t used, piece bytes)
{
    memcpy(to + used, bytes.at, bytes.size);
    return used + bytes.size;
}

static size_t make_info(uint8_t info[INFO_MAX_SIZE], const agreement *common, piece own)
{
    bool k1 = acurast_identity_kind(common->identity) == ACURAST_KEY_SECP256K1;
    piece label = {(const uint8_t *)(k1 ? LABEL_K1 : LABEL_R1), sizeof LABEL_R1 - 1};
    piece peer = {common->peer, common->peer_size};
    bool own_first = own.size != peer.size ? own.size < peer.size : memcmp(own.at, peer.at, own.size) < 0;
    size_t size = append(info, 0, label);
    size = append(info, size, own_first ? own : peer);
    return append(info, size, own_first ? peer : own);
}

static acurast_status hkdf(uint8_t key[KEY_SIZE], piece secret, piece salt, piece info)
{
    static char digest[] = "SHA256";
    static const uint8_t nothing[1]; /* libcrypto wants an address for no bytes, too */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.at, secret.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(salt.size ? salt.at : nothing), salt.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.at, info.size),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    acurast_status status = done(context && EVP_KDF_derive(context, key, KEY_SIZE, params) == 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return status;
}

/* The key for one form of our public key, and for the secret without its first `stripped` bytes. */
static acurast_status derive_key(uint8_t key[KEY_SIZE], const agreement *common, piece own, size_t stripped)
{
    uint8_t info[INFO_MAX_SIZE];
    piece secret = {common->secret + stripped, sizeof common->secret - stripped};
    return hkdf(key, secret, common->salt, (piece){info, make_info(info, common, own)});
}

/* An update of no bytes is left out: without an output it would mean additional data. */
static bool update(EVP_CIPHER_CTX *context, uint8_t *out, piece in)
{
    int size;
    return in.size == 0 || EVP_CipherUpdate(context, out, &size, in.at, (int)in.size) == 1;
}

static acurast_status encrypt(const uint8_t key[KEY_SIZE], piece plaintext, uint8_t *sealed)
{
    uint8_t *text = sealed + IV_SIZE;
    int none;
    randombytes_buf(sealed, IV_SIZE);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool well = context && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
                update(context, text, plaintext) && EVP_EncryptFinal_ex(context, text + plaintext.size, &none) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, text + plaintext.size) == 1;
    EVP_CIPHER_CTX_free(context);
    return done(well);
}

static acurast_status decrypt(const uint8_t key[KEY_SIZE], piece sealed, uint8_t *plaintext)
{
    piece text = {sealed.at + IV_SIZE, sealed.size - ACURAST_SEAL_OVERHEAD};
    uint8_t tag[TAG_SIZE], none[TAG_SIZE];
    int size;
    memcpy(tag, text.at + text.size, TAG_SIZE);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool well = context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed.at) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
                update(context, plaintext, text);
    acurast_status status = done(well);
    if (well && EVP_DecryptFinal_ex(context, none, &size) != 1)
        status = ACURAST_BAD_SEAL;
    EVP_CIPHER_CTX_free(context);
    return status;
}

static acurast_status open_as(const agreement *common, piece own, size_t stripped, piece sealed, uint8_t *plaintext)
{
    uint8_t key[KEY_SIZE];
    acurast_status status = derive_key(key, common, own, stripped);
    if (status == ACURAST_OK)
        status = decrypt(key, sealed, plaintext);
    sodium_memzero(key, sizeof key);
    return status;
}

/* With the whole secret, then as somebody seals who drops its leading zero bytes. */
static acurast_status open_either(const agreement *common, piece own, piece sealed, uint8_t *plaintext)
{
    size_t zeros = 0;
    acurast_status status = open_as(common, own, 0, sealed, plaintext);
    while (zeros < sizeof common->secret - 1 && common->secret[zeros] == 0)
        zeros++;
    return status == ACURAST_BAD_SEAL && zeros ? open_as(common, own, zeros, sealed, plaintext) : status;
}

/* What fails leaves nothing of a plaintext that is not proven. */
static acurast_status open_any(const agreement *common, piece sealed, uint8_t *plaintext)
{
    if (sealed.size < ACURAST_SEAL_OVERHEAD)
        return ACURAST_BAD_SEAL;
    uint8_t own[ACURAST_UNCOMPRESSED_KEY_SIZE];
    acurast_identity_public_key(common->identity, own);
    acurast_status status = open_either(common, (piece){own, ACURAST_PUBLIC_KEY_SIZE}, sealed, plaintext);
    if (status == ACURAST_BAD_SEAL) {
        acurast_identity_uncompressed_key(common->identity, own);
        status = open_either(common, (piece){own, ACURAST_UNCOMPRESSED_KEY_SIZE}, sealed, plaintext);
    }
    if (status != ACURAST_OK && sealed.size > ACURAST_SEAL_OVERHEAD)
        sodium_memzero(plaintext, sealed.size - ACURAST_SEAL_OVERHEAD);
    return status;
}

static acurast_status seal(const agreement *common, piece plaintext, uint8_t *sealed)
{
    uint8_t own[ACURAST_PUBLIC_KEY_SIZE], key[KEY_SIZE];
    acurast_identity_public_key(common->identity, own);
    acurast_status status = derive_key(key, common, (piece){own, sizeof own}, 0);
    if (status == ACURAST_OK)
        status = encrypt(key, plaintext, sealed);
    sodium_memzero(key, sizeof key);
    return status;
}

/* What both directions ask of their arguments. `needed` bytes are going out. */
static acurast_status check(const acurast_identity *identity, piece peer_key, piece salt, piece in, const void *out,
                            size_t *out_size, size_t needed)
{
    if (!identity || !peer_key.at || (!salt.at && salt.size) || salt.size > ACURAST_SALT_MAX_SIZE ||
        (!in.at && in.size) || !out_size || (!out && *out_size))
        return ACURAST_INVALID;
    size_t capacity = *out_size;
    *out_size = needed;
    return capacity < needed ? ACURAST_TOO_SMALL : ACURAST_OK;
}

typedef acurast_status (*direction)(const agreement *common, piece in, uint8_t *out);

static acurast_status run(direction way, const acurast_identity *identity, piece peer_key, piece salt, piece in,
                          uint8_t *out)
{
    agreement common;
    ERR_set_mark();
    acurast_status status = agree(&common, identity, peer_key, salt);
    if (status == ACURAST_OK)
        status = way(&common, in, out);
    ERR_pop_to_mark();
    sodium_memzero(&common, sizeof common);
    return status;
}

acurast_status acurast_identity_seal(const acurast_identity *identity, const void *peer_key, size_t peer_key_size,
                                     const void *salt, size_t salt_size, const void *plaintext, size_t size,
                                     void *sealed, size_t *sealed_size)
{
    piece peer = {peer_key, peer_key_size}, given = {salt, salt_size}, in = {plaintext, size};
    if (size > ACURAST_SEAL_MAX_SIZE)
        return ACURAST_TOO_LARGE;
    acurast_status status = check(identity, peer, given, in, sealed, sealed_size, size + ACURAST_SEAL_OVERHEAD);
    return status == ACURAST_OK ? run(seal, identity, peer, given, in, sealed) : status;
}

acurast_status acurast_identity_open(const acurast_identity *identity, const void *peer_key, size_t peer_key_size,
                                     const void *salt, size_t salt_size, const void *sealed, size_t size,
                                     void *plaintext, size_t *plaintext_size)
{
    piece peer = {peer_key, peer_key_size}, given = {salt, salt_size}, in = {sealed, size};
    if (size > ACURAST_SEAL_MAX_SIZE + (size_t)ACURAST_SEAL_OVERHEAD)
        return ACURAST_TOO_LARGE;
    size_t needed = size < ACURAST_SEAL_OVERHEAD ? 0 : size - ACURAST_SEAL_OVERHEAD;
    acurast_status status = check(identity, peer, given, in, plaintext, plaintext_size, needed);
    return status == ACURAST_OK ? run(open_any, identity, peer, given, in, plaintext) : status;
}
