/*
 * Identities from and to PEM: both directions with libcrypto's own reader and writer,
 * every shape of DER that is allowed, and what is no key of ours.
 */
#include "support/identities.h"

#include "base/bytes.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static void pem_round_trip(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        acurast_identity *identity = known_identity((acurast_key_kind)kind), *other;
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

/* `parameters` as `openssl ecparam -genkey` writes them before the key. */
static void assert_reads_sec1(acurast_key_kind kind, const char *curve, const char *parameters)
{
    char pem[4096], framed[8192];
    acurast_identity *identity;
    uint8_t expected[32] = {0}, actual[32];
    EVP_PKEY *pkey = EVP_EC_gen(curve);
    BIGNUM *scalar = NULL;
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar);
    BN_bn2binpad(scalar, expected, 32);
    size_t size = write_pem(pem, sizeof pem, pkey, TRADITIONAL);
    assert_int_equal(strncmp(pem, "-----BEGIN EC PRIVATE KEY-----\n", 31), 0);

    const char *const before[] = {"", parameters, "a comment\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        int length = snprintf(framed, sizeof framed, "%s%s", before[i], pem);
        assert_int_equal(acurast_identity_from_pem(framed, (size_t)length, &identity), ACURAST_OK);
        assert_int_equal(acurast_identity_kind(identity), kind);
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

static void sec1_pem(void **state)
{
    (void)state;
    assert_reads_sec1(ACURAST_KEY_P256, "P-256",
                      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    assert_reads_sec1(ACURAST_KEY_SECP256K1, "secp256k1",
                      "-----BEGIN EC PARAMETERS-----\nBgUrgQQACg==\n-----END EC PARAMETERS-----\n");
}

static void other_keys_are_none_of_ours(void **state)
{
    (void)state;
    char pem[8192];
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(1024);
    EVP_PKEY *foreign[] = {EVP_EC_gen("P-384"), EVP_EC_gen("brainpoolP256r1"), rsa,
                           EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), EVP_PKEY_Q_keygen(NULL, NULL, "ED448")};
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
    static const char *const names[] = {
        [ACURAST_KEY_P256] = "P-256", [ACURAST_KEY_ED25519] = "ED25519", [ACURAST_KEY_SECP256K1] = "secp256k1"};
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        bool curve = kind != ACURAST_KEY_ED25519;
        acurast_identity *identity;
        char pem[1024];
        uint8_t raw[65], key[33] = {ACURAST__ED25519_TAG};
        size_t size;
        EVP_PKEY *pkey = curve ? EVP_EC_gen(names[kind]) : EVP_PKEY_Q_keygen(NULL, NULL, names[kind]);
        assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &size), 1);
        if (curve)
            assert_int_equal(acurast_compress_key_as((acurast_key_kind)kind, raw, size, key), ACURAST_OK);
        else
            memcpy(key + 1, raw, 32);
        size = write_pem(pem, sizeof pem, pkey, PKCS8);
        assert_int_equal(acurast_identity_from_pem(pem, size, &identity), ACURAST_OK);
        assert_public(identity, key);
        acurast_identity_release(identity);
        EVP_PKEY_free(pkey);

        assert_int_equal(acurast_identity_generate((acurast_key_kind)kind, &identity), ACURAST_OK);
        acurast_identity_public_key(identity, key);
        size = sizeof pem;
        assert_int_equal(acurast_identity_to_pem(identity, pem, &size), ACURAST_OK);
        BIO *bio = BIO_new_mem_buf(pem, -1);
        pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        assert_non_null(pkey);
        assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &size), 1);
        assert_memory_equal(curve ? raw + 1 : raw, key + 1, 32);
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
#define ONE                                                                                                            \
    "00000000000000000000000000000000"                                                                                 \
    "00000000000000000000000000000001"
#define BASE "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define CURVE "06082a8648ce3d030107"
#define CURVE_K1 "06052b8104000a"
#define BASE_K1 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define ALGORITHM_K1 "301006072a8648ce3d0201" CURVE_K1
#define ALGORITHM "301306072a8648ce3d0201" CURVE
#define SEED "0101010101010101010101010101010101010101010101010101010101010101"
#define SEEDED "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
static const struct {
    const char *label;
    const char *der;
    acurast_status status;
} shapes[] = {
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
     "3014"
     "020101"
     "040101"
     "1f81000a" CURVE, /* a tag of several bytes, with the number that stands for [0] here */
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
    {"EC PRIVATE KEY",
     "300f"
     "020101"
     "040101"
     "a007" CURVE_K1,
     ACURAST_OK},
    {"PRIVATE KEY",
     "301f"
     "020100" ALGORITHM_K1 "0408"
     "3006"
     "020101"
     "040101",
     ACURAST_OK},
    {"PRIVATE KEY",
     "3043"
     "020101" ALGORITHM_K1 "0408"
     "3006"
     "020101"
     "040101"
     "8122"
     "00"
     "02" BASE_K1,
     ACURAST_OK},
    {"PRIVATE KEY",
     "3043"
     "020101" ALGORITHM_K1 "0408"
     "3006"
     "020101"
     "040101"
     "8122"
     "00"
     "03" BASE,
     ACURAST_BAD_KEY}, /* a point of the other curve */
    {"PRIVATE KEY",
     "302b"
     "020100" ALGORITHM_K1 "0414"
     "3012"
     "020101"
     "040101"
     "a00a" CURVE,
     ACURAST_BAD_KEY}, /* two curves */
    {"PRIVATE KEY",
     "302b"
     "020100" ALGORITHM "0411"
     "300f"
     "020101"
     "040101"
     "a007" CURVE_K1,
     ACURAST_BAD_KEY},
    {"PRIVATE KEY",
     "3028"
     "020100" ALGORITHM_K1 "0411"
     "300f"
     "020101"
     "040101"
     "a007" CURVE_K1,
     ACURAST_OK},
};

static void shapes_of_der(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        uint8_t der[256], key[33] = {0}, base[33];
        size_t size = strlen(shapes[i].der) / 2;
        assert_int_equal(acurast__unhex(der, size, shapes[i].der, 2 * size), ACURAST_OK);
        acurast_status status = read_der(shapes[i].label, der, size, key);
        if (status != shapes[i].status)
            fail_msg("row %zu: %s", i, acurast_status_name(status));
        acurast__unhex(base, 33,
                       key[0] == ACURAST__ED25519_TAG ? "ed" SEEDED
                       : key[0] == 3                  ? "03" BASE
                                                      : "02" BASE_K1,
                       66);
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
    static char large[65536 + 1];
    acurast_identity *identity;
    memset(large, '-', sizeof large);
    assert_no_key(large, sizeof large - 1);
    assert_int_equal(acurast_identity_from_pem(large, sizeof large, &identity), ACURAST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(pem_round_trip, nothing_lives),
        cmocka_unit_test_teardown(sec1_pem, nothing_lives),
        cmocka_unit_test_teardown(other_keys_are_none_of_ours, nothing_lives),
        cmocka_unit_test_teardown(pem_as_libcrypto_knows_it, nothing_lives),
        cmocka_unit_test_teardown(shapes_of_der, nothing_lives),
        cmocka_unit_test_teardown(mutated_der, nothing_lives),
        cmocka_unit_test_teardown(pem_that_is_none, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
