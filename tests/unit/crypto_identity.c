/*
 * Identities: every way in and out, what is no key, signatures, references, threads,
 * fork, memory that runs out, secrets that must not stay behind.
 *
 * libcrypto's allocator is replaced for the whole program: it can be made to fail,
 * and it looks for the secret in every block that libcrypto gives back.
 */
#include "support/unit.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/key.h"
#include "support/vectors.h"

#include <acurast/context.h>

#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t secret[32];
static uint8_t mirrored[32]; /* as libcrypto's little-endian numbers hold it */
static atomic_long fail_at;
static atomic_int left_behind;

static bool holds(const void *block, size_t size, const uint8_t needle[32])
{
    for (size_t at = 0; at + 32 <= size; at++)
        if (memcmp((const uint8_t *)block + at, needle, 32) == 0)
            return true;
    return false;
}

static bool fails(void)
{
    long left = atomic_load(&fail_at);
    return left > 0 && atomic_fetch_sub(&fail_at, 1) == 1;
}

static void *hooked_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return fails() ? NULL : calloc(1, size);
}

static void hooked_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    size_t size = block ? malloc_usable_size(block) : 0;
    if (block && (holds(block, size, secret) || holds(block, size, mirrored)))
        atomic_fetch_add(&left_behind, 1);
    free(block);
}

static void *hooked_realloc(void *block, size_t size, const char *file, int line)
{
    if (fails())
        return NULL;
    void *larger = calloc(1, size);
    size_t old = block ? malloc_usable_size(block) : 0;
    if (old)
        memcpy(larger, block, old < size ? old : size);
    hooked_free(block, file, line);
    return larger;
}

static int set_up(void **state)
{
    (void)state;
    vectors_bytes(vectors_find("handshake/0/secret_key"), secret, sizeof secret);
    for (int i = 0; i < 32; i++)
        mirrored[i] = secret[31 - i];
    return 0;
}

static int nothing_lives(void **state)
{
    (void)state;
    return acurast_live_objects() == 0 ? 0 : -1;
}

static acurast_identity *known(acurast_key_kind kind)
{
    acurast_identity *identity = NULL;
    assert_int_equal(acurast_identity_from_secret(kind, secret, sizeof secret, &identity), ACURAST_OK);
    return identity;
}

static void assert_same(const acurast_identity *a, const acurast_identity *b)
{
    uint8_t x[33], y[33];
    assert_int_equal(acurast_identity_kind(a), acurast_identity_kind(b));
    assert_int_equal(acurast_identity_public_key(a, x), ACURAST_OK);
    assert_int_equal(acurast_identity_public_key(b, y), ACURAST_OK);
    assert_memory_equal(x, y, 33);
    assert_int_equal(acurast_identity_secret(a, x), ACURAST_OK);
    assert_int_equal(acurast_identity_secret(b, y), ACURAST_OK);
    assert_memory_equal(x, y, 32);
}

/* Signs and checks both ways that there are. */
static void assert_signs(const acurast_identity *identity)
{
    static const char message[] = "a message";
    uint8_t key[33], signature[64], digest[32];
    acurast_identity_public_key(identity, key);
    assert_int_equal(acurast_identity_sign(identity, message, sizeof message, signature), ACURAST_OK);
    assert_int_equal(acurast_verify(key, 33, message, sizeof message, signature), ACURAST_OK);
    assert_int_equal(acurast_verify(key, 33, message, sizeof message - 1, signature), ACURAST_BAD_SIGNATURE);
    acurast__sha256(digest, message, sizeof message);
    bool p256 = acurast_identity_kind(identity) == ACURAST_KEY_P256;
    assert_int_equal(acurast_identity_sign_digest(identity, digest, signature),
                     p256 ? ACURAST_OK : ACURAST_UNSUPPORTED);
    assert_int_equal(acurast_verify_digest(key, 33, digest, signature), p256 ? ACURAST_OK : ACURAST_UNSUPPORTED);
    if (p256)
        assert_int_equal(acurast_verify(key, 33, message, sizeof message, signature), ACURAST_OK);
}

static void known_key(void **state)
{
    (void)state;
    uint8_t expected[33], key[65], id[16];
    acurast_identity *identity = known(ACURAST_KEY_P256);
    assert_int_equal(acurast_live_objects(), 1);
    assert_int_equal(acurast_identity_kind(identity), ACURAST_KEY_P256);
    vectors_bytes(vectors_find("handshake/0/public_key"), expected, 33);
    assert_int_equal(acurast_identity_public_key(identity, key), ACURAST_OK);
    assert_memory_equal(key, expected, 33);
    vectors_bytes(vectors_find("handshake/0/id"), expected, 16);
    assert_int_equal(acurast_identity_id(identity, id), ACURAST_OK);
    assert_memory_equal(id, expected, 16);
    assert_int_equal(acurast_identity_uncompressed_key(identity, key), ACURAST_OK);
    assert_int_equal(acurast_id_of(key, 65, id), ACURAST_OK);
    assert_memory_equal(id, expected, 16);
    acurast_identity_release(identity);
}

/* RFC 8032, 7.1, test 2 */
static void known_ed25519_key(void **state)
{
    (void)state;
    static const char seed[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    uint8_t expected[64], actual[65];
    acurast_identity *identity;
    assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_ED25519, seed, 64, &identity), ACURAST_OK);
    acurast__unhex(expected, 33, "ed3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 66);
    acurast_identity_public_key(identity, actual);
    assert_memory_equal(actual, expected, 33);
    assert_int_equal(acurast_identity_uncompressed_key(identity, actual), ACURAST_UNSUPPORTED);
    acurast__unhex(expected, 64,
                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                   128);
    assert_int_equal(acurast_identity_sign(identity, "\x72", 1, actual), ACURAST_OK);
    assert_memory_equal(actual, expected, 64);
    acurast_identity_release(identity);
}

static void generated_keys(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        acurast_identity *a, *b;
        uint8_t x[33], y[33];
        assert_int_equal(acurast_identity_generate((acurast_key_kind)kind, &a), ACURAST_OK);
        assert_int_equal(acurast_identity_generate((acurast_key_kind)kind, &b), ACURAST_OK);
        acurast_identity_public_key(a, x);
        acurast_identity_public_key(b, y);
        assert_memory_not_equal(x, y, 33);
        assert_int_equal(acurast__key_check(x), ACURAST_OK);
        assert_signs(a);
        acurast_identity_release(a);
        acurast_identity_release(b);
    }
}

static void secrets_in_every_form(void **state)
{
    (void)state;
    char text[67] = "0x";
    acurast__hex(text + 2, secret, 32);
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        acurast_identity *raw = known((acurast_key_kind)kind), *other;
        for (int prefix = 0; prefix < 2; prefix++) {
            const char *digits = text + 2 - 2 * prefix;
            assert_int_equal(acurast_identity_from_secret((acurast_key_kind)kind, digits, strlen(digits), &other),
                             ACURAST_OK);
            assert_same(raw, other);
            acurast_identity_release(other);
        }
        for (size_t size = 0; size <= 130; size++)
            if (size != 32 && size != 64 && size != 66) {
                uint8_t bytes[130] = {0};
                assert_int_equal(acurast_identity_from_secret((acurast_key_kind)kind, bytes, size, &other),
                                 ACURAST_BAD_KEY);
            }
        text[40] = 'g';
        assert_int_equal(acurast_identity_from_secret((acurast_key_kind)kind, text + 2, 64, &other), ACURAST_BAD_HEX);
        acurast__hex(text + 2, secret, 32);
        acurast_identity_release(raw);
    }
}

static void scalars_out_of_range(void **state)
{
    (void)state;
    static const struct {
        const char *scalar;
        acurast_status status;
    } rows[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", ACURAST_BAD_KEY},
        {"0000000000000000000000000000000000000000000000000000000000000001", ACURAST_OK},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", ACURAST_OK},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", ACURAST_BAD_KEY},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", ACURAST_BAD_KEY},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ACURAST_BAD_KEY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        acurast_identity *identity = NULL;
        assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_P256, rows[i].scalar, 64, &identity), rows[i].status);
        if (identity)
            assert_signs(identity);
        acurast_identity_release(identity);
        identity = NULL;
        assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_ED25519, rows[i].scalar, 64, &identity), ACURAST_OK);
        acurast_identity_release(identity);
    }
}

/* r and s with leading zeros or a high bit come in one of 128 signatures each: enough of them to meet all shapes. */
static void many_signatures(void **state)
{
    (void)state;
    acurast_identity *identity = known(ACURAST_KEY_P256);
    uint8_t key[33], digest[32] = {0}, signature[64];
    acurast_identity_public_key(identity, key);
    bool short_r = false, short_s = false;
    for (unsigned i = 0; i < 4000 && !(short_r && short_s && i > 300); i++) {
        memcpy(digest, &i, sizeof i);
        assert_int_equal(acurast_identity_sign_digest(identity, digest, signature), ACURAST_OK);
        short_r = short_r || signature[0] == 0;
        short_s = short_s || signature[32] == 0;
        if (i < 300 || signature[0] == 0 || signature[32] == 0)
            assert_int_equal(acurast_verify_digest(key, 33, digest, signature), ACURAST_OK);
    }
    assert_true(short_r && short_s);
    acurast_identity_release(identity);
}

static void pem_round_trip(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        acurast_identity *identity = known((acurast_key_kind)kind), *other;
        char pem[512];
        size_t needed = 0, size = sizeof pem;
        assert_int_equal(acurast_identity_to_pem(identity, NULL, &needed), ACURAST_OK);
        assert_int_equal(acurast_identity_to_pem(identity, pem, &size), ACURAST_OK);
        assert_int_equal(size, needed);
        assert_int_equal(strlen(pem) + 1, size);
        assert_int_equal(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
        for (size_t less = 0; less < needed; less += 7) {
            char small[512] = "untouched";
            size = less;
            assert_int_equal(acurast_identity_to_pem(identity, small, &size), ACURAST_TOO_SMALL);
            assert_int_equal(size, needed);
            assert_string_equal(small, "untouched");
        }
        for (int nul = 0; nul < 2; nul++) {
            assert_int_equal(acurast_identity_from_pem(pem, needed - 1 + (size_t)nul, &other), ACURAST_OK);
            assert_same(identity, other);
            assert_signs(other);
            acurast_identity_release(other);
        }
        acurast_identity_release(identity);
    }
}

/* What PEM_write makes of a key, by the way that is asked for. */
typedef enum writing {
    PKCS8,
    TRADITIONAL,
    ENCRYPTED_PKCS8,
    ENCRYPTED_TRADITIONAL,
    PUBLIC
} writing;

static size_t write_pem(char *pem, size_t capacity, const EVP_PKEY *pkey, writing way)
{
    static const unsigned char passphrase[] = "passphrase";
    static char text[] = "passphrase";
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    int ok = 0;
    if (way == PKCS8)
        ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
    else if (way == TRADITIONAL)
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
    else if (way == ENCRYPTED_PKCS8)
        ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), text, 10, NULL, NULL);
    else if (way == ENCRYPTED_TRADITIONAL)
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, EVP_aes_128_cbc(), passphrase, 10, NULL, NULL);
    else
        ok = PEM_write_bio_PUBKEY(bio, pkey);
    assert_int_equal(ok, 1);
    size_t size = (size_t)BIO_get_mem_data(bio, &data);
    assert_true(size < capacity);
    memcpy(pem, data, size);
    pem[size] = '\0';
    BIO_free(bio);
    return size;
}

static void assert_no_key(const char *pem, size_t size)
{
    acurast_identity *identity = NULL;
    assert_int_equal(acurast_identity_from_pem(pem, size, &identity), ACURAST_BAD_KEY);
    assert_null(identity);
}

static void sec1_pem(void **state)
{
    (void)state;
    char pem[4096], framed[8192];
    acurast_identity *identity;
    uint8_t expected[32] = {0}, actual[32];
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIGNUM *scalar = NULL;
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar);
    BN_bn2binpad(scalar, expected, 32);
    size_t size = write_pem(pem, sizeof pem, pkey, TRADITIONAL);
    assert_int_equal(strncmp(pem, "-----BEGIN EC PRIVATE KEY-----\n", 31), 0);

    /* alone; with the parameters before it, as `openssl ecparam -genkey` writes; with text around it and CRLF */
    static const char *const before[] = {
        "", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", "a comment\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        int length = snprintf(framed, sizeof framed, "%s%s", before[i], pem);
        assert_int_equal(acurast_identity_from_pem(framed, (size_t)length, &identity), ACURAST_OK);
        assert_int_equal(acurast_identity_kind(identity), ACURAST_KEY_P256);
        acurast_identity_secret(identity, actual);
        assert_memory_equal(actual, expected, 32);
        assert_signs(identity);
        acurast_identity_release(identity);
    }
    for (size_t cut = 0; cut + 20 < size; cut++)
        assert_no_key(pem, cut);
    BN_clear_free(scalar);
    EVP_PKEY_free(pkey);
}

static void other_keys_are_none_of_ours(void **state)
{
    (void)state;
    char pem[8192];
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(1024);
    EVP_PKEY *foreign[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"), rsa, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
                           EVP_PKEY_Q_keygen(NULL, NULL, "ED448")};
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
        assert_no_key(pem, write_pem(pem, sizeof pem, foreign[i], PKCS8));
        if (i < 3)
            assert_no_key(pem, write_pem(pem, sizeof pem, foreign[i], TRADITIONAL));
        EVP_PKEY_free(foreign[i]);
    }
    assert_no_key(pem, write_pem(pem, sizeof pem, p256, PUBLIC));
    assert_no_key(pem, write_pem(pem, sizeof pem, p256, ENCRYPTED_PKCS8));
    assert_no_key(pem, write_pem(pem, sizeof pem, p256, ENCRYPTED_TRADITIONAL));
    EVP_PKEY_free(p256);
}

static void assert_public(const acurast_identity *identity, const uint8_t expected[33])
{
    uint8_t key[33];
    acurast_identity_public_key(identity, key);
    assert_memory_equal(key, expected, 33);
}

/* Both directions with libcrypto's own reader and writer. */
static void pem_as_libcrypto_knows_it(void **state)
{
    (void)state;
    static const char *const names[] = {"P-256", "ED25519"};
    for (int i = 0; i < 2; i++) {
        acurast_identity *identity;
        char pem[1024];
        uint8_t raw[65], key[33] = {ACURAST__ED25519_TAG};
        size_t size;
        EVP_PKEY *pkey = i == 0 ? EVP_EC_gen(names[i]) : EVP_PKEY_Q_keygen(NULL, NULL, names[i]);
        assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &size), 1);
        if (i == 0)
            assert_int_equal(acurast_compress_key(raw, size, key), ACURAST_OK);
        else
            memcpy(key + 1, raw, 32);
        size = write_pem(pem, sizeof pem, pkey, PKCS8);
        assert_int_equal(acurast_identity_from_pem(pem, size, &identity), ACURAST_OK);
        assert_public(identity, key);
        acurast_identity_release(identity);
        EVP_PKEY_free(pkey);

        assert_int_equal(acurast_identity_generate((acurast_key_kind)(i + 1), &identity), ACURAST_OK);
        acurast_identity_public_key(identity, key);
        size = sizeof pem;
        assert_int_equal(acurast_identity_to_pem(identity, pem, &size), ACURAST_OK);
        BIO *bio = BIO_new_mem_buf(pem, -1);
        pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        assert_non_null(pkey);
        assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &size), 1);
        assert_memory_equal(i == 0 ? raw + 1 : raw, key + 1, 32);
        EVP_PKEY_free(pkey);
        BIO_free(bio);
        acurast_identity_release(identity);
    }
}

static acurast_status read_der(const char *label, const uint8_t *der, size_t size, uint8_t public_key[33])
{
    char *pem;
    acurast_identity *identity = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, label, "", der, (long)size);
    size_t length = (size_t)BIO_get_mem_data(bio, &pem);
    acurast_status status = acurast_identity_from_pem(pem, length, &identity);
    if (status == ACURAST_OK)
        acurast_identity_public_key(identity, public_key);
    acurast_identity_release(identity);
    BIO_free(bio);
    return status;
}

/* The scalar 1, whose point is the base of the curve, in every shape that SEC1 and PKCS#8 allow, and some that they do not. */
static void shapes_of_der(void **state)
{
    (void)state;
#define ONE                                                                                                            \
    "00000000000000000000000000000000"                                                                                 \
    "00000000000000000000000000000001"
#define BASE "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define CURVE "06082a8648ce3d030107"
#define ALGORITHM "301306072a8648ce3d0201" CURVE
#define SEED "0101010101010101010101010101010101010101010101010101010101010101"
#define SEEDED "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
    static const struct {
        const char *label;
        const char *der;
        acurast_status status;
    } rows[] = {
        {"EC PRIVATE KEY",
         "3031"
         "020101"
         "0420" ONE "a00a" CURVE,
         ACURAST_OK},
        {"EC PRIVATE KEY",
         "3012"
         "020101"
         "040101"
         "a00a" CURVE,
         ACURAST_OK}, /* leading zeros lost */
        {"EC PRIVATE KEY",
         "3038"
         "020101"
         "040101"
         "a00a" CURVE "a124"
         "0322"
         "00"
         "03" BASE,
         ACURAST_OK},
        {"EC PRIVATE KEY",
         "3038"
         "020101"
         "040101"
         "a00a" CURVE "a124"
         "0322"
         "00"
         "02" BASE,
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3038"
         "020101"
         "040101"
         "a00a" CURVE "a124"
         "0322"
         "01"
         "03" BASE,
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3017"
         "020101"
         "040101"
         "a00a" CURVE "a103"
         "030100",
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3025"
         "020101"
         "0420" ONE,
         ACURAST_BAD_KEY}, /* no curve */
        {"EC PRIVATE KEY",
         "300c"
         "020101"
         "040101"
         "a004"
         "06022a86",
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3014"
         "020101"
         "040101"
         "a00c" CURVE "0500",
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3014"
         "020101"
         "040101"
         "a00a" CURVE "0500",
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3012"
         "020101"
         "040101"
         "a00a" CURVE "00",
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3012"
         "020100"
         "040101"
         "a00a" CURVE,
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3011"
         "020101"
         "0400"
         "a00a" CURVE,
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3032"
         "020101"
         "0421"
         "00" ONE "a00a" CURVE,
         ACURAST_BAD_KEY},
        {"EC PRIVATE KEY",
         "3080"
         "020101"
         "040101"
         "a00a" CURVE "0000",
         ACURAST_BAD_KEY}, /* indefinite length */
        {"PRIVATE KEY",
         "3022"
         "020100" ALGORITHM "0408"
         "3006"
         "020101"
         "040101",
         ACURAST_OK},
        {"PRIVATE KEY",
         "302e"
         "020100" ALGORITHM "0414"
         "3012"
         "020101"
         "040101"
         "a00a" CURVE,
         ACURAST_OK},
        {"PRIVATE KEY",
         "3024"
         "020100" ALGORITHM "0408"
         "3006"
         "020101"
         "040101"
         "a000",
         ACURAST_OK},
        {"PRIVATE KEY",
         "3022"
         "020101" ALGORITHM "0408"
         "3006"
         "020101"
         "040101",
         ACURAST_OK},
        {"PRIVATE KEY",
         "3022"
         "020102" ALGORITHM "0408"
         "3006"
         "020101"
         "040101",
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "3046"
         "020101" ALGORITHM "0408"
         "3006"
         "020101"
         "040101"
         "8122"
         "00"
         "03" BASE,
         ACURAST_OK},
        {"PRIVATE KEY",
         "3046"
         "020101" ALGORITHM "0408"
         "3006"
         "020101"
         "040101"
         "8122"
         "00"
         "02" BASE,
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "3024"
         "020100" ALGORITHM "0408"
         "3006"
         "020101"
         "040101"
         "0500",
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "3018"
         "020100"
         "3009"
         "06072a8648ce3d0201"
         "0408"
         "3006"
         "020101"
         "040101",
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "302e"
         "020100"
         "300506032b6570"
         "0422"
         "0420" SEED,
         ACURAST_OK},
        {"PRIVATE KEY",
         "3051"
         "020101"
         "300506032b6570"
         "0422"
         "0420" SEED "8121"
         "00" SEEDED,
         ACURAST_OK},
        {"PRIVATE KEY",
         "3051"
         "020101"
         "300506032b6570"
         "0422"
         "0420" SEED "8121"
         "00" SEED,
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "3051"
         "020101"
         "300506032b6570"
         "0422"
         "0420" SEED "8121"
         "01" SEEDED,
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "3030"
         "020100"
         "300706032b65700500"
         "0422"
         "0420" SEED,
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "302d"
         "020100"
         "300506032b6570"
         "0421"
         "041f"
         "01"
         "01010101010101010101"
         "01010101010101010101"
         "01010101010101010101",
         ACURAST_BAD_KEY},
        {"PRIVATE KEY",
         "302e"
         "020100"
         "300506032b656e"
         "0422"
         "0420" SEED,
         ACURAST_BAD_KEY}, /* X25519 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t der[256], key[33] = {0}, base[33];
        size_t size = strlen(rows[i].der) / 2;
        assert_int_equal(acurast__unhex(der, size, rows[i].der, 2 * size), ACURAST_OK);
        acurast_status status = read_der(rows[i].label, der, size, key);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, acurast_status_name(status));
        acurast__unhex(base, 33, key[0] == ACURAST__ED25519_TAG ? "ed" SEEDED : "03" BASE, 66);
        if (status == ACURAST_OK)
            assert_memory_equal(key, base, 33);
    }
}

static void mutated_der(void **state)
{
    (void)state;
    static const char text[] = "3048020100" ALGORITHM "042e302c020101042000000000000000000000000000000000"
                               "00000000000000000000000000000001a005030300";
    uint8_t der[128], key[33];
    size_t size = strlen(text) / 2;
    acurast__unhex(der, size, text, 2 * size);
    for (size_t at = 0; at < size; at++) {
        uint8_t kept = der[at];
        for (unsigned value = 0; value < 256; value += 5) {
            der[at] = (uint8_t)value;
            acurast_status status = read_der("PRIVATE KEY", der, size, key);
            assert_true(status == ACURAST_OK || status == ACURAST_BAD_KEY);
        }
        der[at] = kept;
        assert_int_equal(read_der("PRIVATE KEY", der, at, key), ACURAST_BAD_KEY);
    }
}

static void pem_that_is_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "hello",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_no_key(rows[i], strlen(rows[i]));
    char *large = calloc(1, 64 * 1024 + 1);
    acurast_identity *identity;
    memset(large, '-', 64 * 1024);
    assert_no_key(large, 64 * 1024);
    assert_int_equal(acurast_identity_from_pem(large, 64 * 1024 + 1, &identity), ACURAST_INVALID);
    free(large);
}

static void missing_arguments(void **state)
{
    (void)state;
    uint8_t out[65];
    size_t size = 0;
    acurast_identity *identity = NULL;
    assert_int_equal(acurast_identity_generate((acurast_key_kind)0, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_generate((acurast_key_kind)3, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_from_pem(NULL, 0, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_from_pem("", 0, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_from_secret((acurast_key_kind)0, out, 32, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_P256, NULL, 32, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_P256, out, 32, NULL), ACURAST_INVALID);
    assert_null(identity);
    assert_null(acurast_identity_retain(NULL));
    acurast_identity_release(NULL);
    assert_int_equal(acurast_identity_kind(NULL), 0);
    assert_int_equal(acurast_identity_id(NULL, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_public_key(NULL, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_uncompressed_key(NULL, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_secret(NULL, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_to_pem(NULL, NULL, &size), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign(NULL, "", 0, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign_digest(NULL, out, out), ACURAST_INVALID);

    identity = known(ACURAST_KEY_P256);
    assert_int_equal(acurast_identity_id(identity, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_public_key(identity, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_uncompressed_key(identity, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_secret(identity, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_to_pem(identity, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign(identity, NULL, 1, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign(identity, "", 0, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign(identity, NULL, 0, out), ACURAST_OK);
    assert_int_equal(acurast_identity_sign_digest(identity, NULL, out), ACURAST_INVALID);
    assert_int_equal(acurast_identity_sign_digest(identity, out, NULL), ACURAST_INVALID);
    acurast_identity_release(identity);
}

static void references(void **state)
{
    (void)state;
    acurast_identity *identity = known(ACURAST_KEY_ED25519);
    assert_ptr_equal(acurast_identity_retain(identity), identity);
    assert_int_equal(acurast_live_objects(), 1);
    acurast_identity_release(identity);
    assert_int_equal(acurast_live_objects(), 1);
    assert_signs(identity);
    acurast_identity_release(identity);
    assert_int_equal(acurast_live_objects(), 0);
}

static void *use(void *argument)
{
    acurast_identity *identity = argument;
    for (int i = 0; i < 20; i++) {
        uint8_t signature[64];
        acurast_identity_retain(identity);
        if (acurast_identity_sign(identity, "x", 1, signature) != ACURAST_OK)
            abort();
        acurast_identity_release(identity);
    }
    acurast_identity_release(identity);
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        pthread_t threads[6];
        acurast_identity *identity = known((acurast_key_kind)kind);
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use, acurast_identity_retain(identity)), 0);
        acurast_identity_release(identity);
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(acurast_live_objects(), 0);
    }
}

static void assert_child_succeeds(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int sign_and_make_another(acurast_identity *identity)
{
    uint8_t signature[64], key[33];
    acurast_identity *other;
    acurast_identity_public_key(identity, key);
    return acurast_identity_sign(identity, "x", 1, signature) || acurast_verify(key, 33, "x", 1, signature) ||
           acurast_identity_generate(ACURAST_KEY_P256, &other) || acurast_identity_sign(other, "x", 1, signature);
}

/* Identities are plain memory: a child may use those of its parent. Two children must not draw the same numbers. */
static void fork_keeps_identities(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        acurast_identity *identity = known((acurast_key_kind)kind);
        pid_t child = fork();
        if (child == 0)
            _exit(sign_and_make_another(identity) ? 1 : 0);
        assert_child_succeeds(child);
        assert_signs(identity);
        acurast_identity_release(identity);
    }
    int ends[2];
    uint8_t keys[2][33];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            acurast_identity *made;
            acurast_identity_generate(ACURAST_KEY_P256, &made);
            acurast_identity_public_key(made, keys[i]);
            _exit(write(ends[1], keys[i], 33) == 33 ? 0 : 1);
        }
        assert_child_succeeds(child);
        assert_int_equal(read(ends[0], keys[i], 33), 33);
    }
    assert_memory_not_equal(keys[0], keys[1], 33);
    close(ends[0]);
    close(ends[1]);
}

/* Where no memory may be locked, identities work all the same. */
static void without_locked_memory(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        acurast_identity *identity;
        int failed = setrlimit(RLIMIT_MEMLOCK, &none) || acurast_identity_generate(ACURAST_KEY_ED25519, &identity) ||
                     sign_and_make_another(identity);
        _exit(failed ? 1 : 0);
    }
    assert_child_succeeds(child);
}

static void our_memory_runs_out(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_ED25519; kind++) {
        bool failed = true;
        for (long n = 1; failed; n++) {
            acurast_identity *identity = NULL;
            acurast__memory_fail_at(n);
            acurast_status status = acurast_identity_generate((acurast_key_kind)kind, &identity);
            acurast__memory_fail_at(0);
            failed = status != ACURAST_OK;
            if (failed) {
                assert_int_equal(status, ACURAST_NO_MEMORY);
                assert_null(identity);
                assert_int_equal(acurast_live_objects(), 0);
            }
            acurast_identity_release(identity);
        }
    }
}

typedef acurast_status (*operation)(void);

static acurast_identity *subject;
static char subject_pem[512];

static acurast_status do_create(void)
{
    acurast_identity *identity = NULL;
    acurast_status status = acurast_identity_from_secret(ACURAST_KEY_P256, secret, 32, &identity);
    acurast_identity_release(identity);
    return status;
}

static acurast_status do_read(void)
{
    acurast_identity *identity = NULL;
    acurast_status status = acurast_identity_from_pem(subject_pem, strlen(subject_pem), &identity);
    acurast_identity_release(identity);
    return status;
}

static acurast_status do_sign(void)
{
    uint8_t signature[64];
    return acurast_identity_sign(subject, "x", 1, signature);
}

static acurast_status do_verify(void)
{
    static uint8_t signature[64];
    uint8_t key[33];
    acurast_identity_public_key(subject, key);
    if (signature[1] == 0)
        acurast_identity_sign(subject, "x", 1, signature);
    return acurast_verify(key, 33, "x", 1, signature);
}

/* Fails each of libcrypto's allocations in turn: an error, no crash, and the next try works. */
static void libcrypto_memory_runs_out(void **state)
{
    (void)state;
    size_t size = sizeof subject_pem;
    subject = known(ACURAST_KEY_P256);
    acurast_identity_to_pem(subject, subject_pem, &size);
    static const operation operations[] = {do_create, do_sign, do_verify, do_read};
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(operations[i](), ACURAST_OK);
        bool reached = true;
        int failures = 0;
        for (long n = 1; reached; n++) {
            atomic_store(&fail_at, n);
            acurast_status status = operations[i]();
            reached = atomic_exchange(&fail_at, 0) <= 0;
            failures += status != ACURAST_OK;
            if (!reached)
                assert_int_equal(status, ACURAST_OK);
            assert_int_equal(operations[i](), ACURAST_OK);
        }
        assert_true(failures > 0);
    }
    acurast_identity_release(subject);
}

/* Nothing that libcrypto gave back held the secret, in all that this program did so far with that secret. */
static void no_secret_stays_behind(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&left_behind), 0);
    void *block = OPENSSL_malloc(64); /* the look-out itself works */
    memcpy(block, secret, 32);
    OPENSSL_free(block);
    assert_int_equal(atomic_load(&left_behind), 1);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(hooked_malloc, hooked_realloc, hooked_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(known_key, nothing_lives),
        cmocka_unit_test_teardown(known_ed25519_key, nothing_lives),
        cmocka_unit_test_teardown(generated_keys, nothing_lives),
        cmocka_unit_test_teardown(secrets_in_every_form, nothing_lives),
        cmocka_unit_test_teardown(scalars_out_of_range, nothing_lives),
        cmocka_unit_test_teardown(many_signatures, nothing_lives),
        cmocka_unit_test_teardown(pem_round_trip, nothing_lives),
        cmocka_unit_test_teardown(sec1_pem, nothing_lives),
        cmocka_unit_test_teardown(other_keys_are_none_of_ours, nothing_lives),
        cmocka_unit_test_teardown(pem_as_libcrypto_knows_it, nothing_lives),
        cmocka_unit_test_teardown(shapes_of_der, nothing_lives),
        cmocka_unit_test_teardown(mutated_der, nothing_lives),
        cmocka_unit_test_teardown(pem_that_is_none, nothing_lives),
        cmocka_unit_test_teardown(missing_arguments, nothing_lives),
        cmocka_unit_test_teardown(references, nothing_lives),
        cmocka_unit_test_teardown(many_threads, nothing_lives),
        cmocka_unit_test_teardown(fork_keeps_identities, nothing_lives),
        cmocka_unit_test_teardown(without_locked_memory, nothing_lives),
        cmocka_unit_test_teardown(our_memory_runs_out, nothing_lives),
        cmocka_unit_test_teardown(libcrypto_memory_runs_out, nothing_lives),
        cmocka_unit_test(no_secret_stays_behind),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
