/*
 * Public keys, ids and signatures: the known answers, every form and size that a
 * recipient may have, and what is no key or no signature.
 */
#include "support/unit.h"

#include "base/bytes.h"
#include "crypto/ec.h"
#include "crypto/key.h"
#include "support/vectors.h"

#include <openssl/err.h>
#include <pthread.h>

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* A key of the vectors in both of its forms, and its id. */
static uint8_t compressed[33];
static uint8_t uncompressed[65];
static uint8_t id[16];

/* A valid signature of the vectors. */
static uint8_t signer[33];
static uint8_t digest[32];
static uint8_t signature[64];

static int set_up(void **state)
{
    (void)state;
    uint8_t hash[32];
    vectors_bytes(vectors_find("compress/0/compressed"), compressed, 33);
    vectors_bytes(vectors_find("compress/0/public_key"), uncompressed, 65);
    acurast__sha256(hash, compressed, 33);
    memcpy(id, hash, 16);
    vectors_bytes(vectors_find("verify/0/public_key"), signer, 33);
    vectors_bytes(vectors_find("verify/0/digest"), digest, 32);
    vectors_bytes(vectors_find("verify/0/signature"), signature, 64);
    return 0;
}

static void known_hashes(void **state)
{
    (void)state;
    uint8_t data[64], expected[32], hash[32];
    size_t i = 0;
    for (; vectors_at("sha256", i, "data"); i++) {
        size_t size = vectors_bytes(vectors_at("sha256", i, "data"), data, sizeof data);
        vectors_bytes(vectors_at("sha256", i, "digest"), expected, 32);
        acurast__sha256(hash, data, size);
        assert_memory_equal(hash, expected, 32);
    }
    assert_true(i > 0);
}

static void known_compressions(void **state)
{
    (void)state;
    uint8_t given[65], expected[33], key[33];
    size_t i = 0;
    for (; vectors_at("compress", i, "public_key"); i++) {
        size_t size = vectors_bytes(vectors_at("compress", i, "public_key"), given, sizeof given);
        vectors_bytes(vectors_at("compress", i, "compressed"), expected, 33);
        assert_int_equal(acurast_compress_key(given, size, key), ACURAST_OK);
        assert_memory_equal(key, expected, 33);
    }
    assert_true(i > 0);
}

static void known_signatures(void **state)
{
    (void)state;
    uint8_t key[33], hash[32], raw[64];
    size_t i = 0;
    for (; vectors_at("verify", i, "digest"); i++) {
        vectors_bytes(vectors_at("verify", i, "public_key"), key, 33);
        vectors_bytes(vectors_at("verify", i, "digest"), hash, 32);
        vectors_bytes(vectors_at("verify", i, "signature"), raw, 64);
        acurast_status expected =
            vectors_is(vectors_at("verify", i, "valid"), "true") ? ACURAST_OK : ACURAST_BAD_SIGNATURE;
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, key, hash, raw), expected);
        assert_int_equal(acurast_verify_digest(key, 33, hash, raw), expected);
    }
    assert_int_equal(i, 2);
}

static void known_handshake(void **state)
{
    (void)state;
    uint8_t key[33], expected[16], actual[16], joined[65], hash[32], raw[64];
    vectors_bytes(vectors_find("handshake/0/public_key"), key, 33);
    vectors_bytes(vectors_find("handshake/0/id"), expected, 16);
    acurast__key_id(actual, key);
    assert_memory_equal(actual, expected, 16);

    vectors_bytes(vectors_find("handshake/0/challenge"), joined, 16);
    memcpy(joined + 16, key, 33);
    vectors_bytes(vectors_find("handshake/0/nonce"), joined + 49, 16);
    vectors_bytes(vectors_find("handshake/0/signature"), raw, 64);
    acurast__sha256(hash, joined, sizeof joined);
    assert_int_equal(acurast_verify_digest(key, 33, hash, raw), ACURAST_OK);
    assert_int_equal(acurast_verify(key, 33, joined, sizeof joined, raw), ACURAST_OK);
}

/* Writes `bytes` as hex in one of four ways; returns the digits. */
static size_t hex(char *text, const uint8_t *bytes, size_t size, int way)
{
    size_t prefix = way & 1 ? 2 : 0;
    text[0] = '0';
    text[1] = 'x';
    acurast__hex(text + prefix, bytes, size);
    if (way & 2)
        for (char *at = text + prefix; *at; at++)
            *at = (char)toupper((unsigned char)*at);
    return prefix + 2 * size;
}

static void recipients_in_every_form(void **state)
{
    (void)state;
    const struct {
        const uint8_t *bytes;
        size_t size;
    } forms[] = {{id, 16}, {compressed, 33}, {uncompressed, 65}};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        uint8_t actual[16], key[33];
        bool is_key = forms[i].size != 16;
        assert_int_equal(acurast_id_of(forms[i].bytes, forms[i].size, actual), ACURAST_OK);
        assert_memory_equal(actual, id, 16);
        for (int way = 0; way < 4; way++) {
            char text[140];
            size_t digits = hex(text, forms[i].bytes, forms[i].size, way);
            memset(actual, 0, 16);
            assert_int_equal(acurast_id_of(text, digits, actual), ACURAST_OK);
            assert_memory_equal(actual, id, 16);
            assert_int_equal(acurast_compress_key(text, digits, key), is_key ? ACURAST_OK : ACURAST_BAD_KEY);
            if (is_key)
                assert_memory_equal(key, compressed, 33);
        }
    }
    uint8_t key[33];
    assert_int_equal(acurast_compress_key(id, 16, key), ACURAST_BAD_KEY);
}

static void every_other_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 32, 34, 33, 66, 68, 65, 130, 132};
    for (size_t size = 0; size < 300; size++) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
            known = known || size == sizes[i];
        char *text = malloc(size + 1);
        uint8_t actual[33];
        memset(text, 'z', size);
        acurast_status status = acurast_id_of(text, size, actual);
        assert_int_equal(status == ACURAST_BAD_RECIPIENT, !known);
        assert_int_equal(acurast_compress_key(text, size, actual) == ACURAST_BAD_RECIPIENT, !known);
        assert_true(acurast_compress_key_as(ACURAST_KEY_P256, text, size, actual) != ACURAST_BAD_RECIPIENT);
        status = acurast_verify_digest(text, size, digest, signature);
        assert_true(status == ACURAST_BAD_KEY || status == ACURAST_BAD_HEX);
        free(text);
    }
}

static void hex_that_is_none(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 33, 65};
    const uint8_t *forms[] = {id, compressed, uncompressed};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        for (int way = 0; way < 2; way++) {
            char text[140], kept;
            size_t digits = hex(text, forms[i], sizes[i], way);
            for (size_t at = 0; at < digits; at++) {
                static const char foreign[] = {'g', 'G', '/', ':', '@', '`', ' ', '\0', 'x', (char)0xb0};
                for (size_t j = 0; j < sizeof foreign; j++) {
                    uint8_t actual[16];
                    if (way == 1 && at == 1 && foreign[j] == 'x')
                        continue;
                    kept = text[at];
                    text[at] = foreign[j];
                    assert_int_equal(acurast_id_of(text, digits, actual), ACURAST_BAD_HEX);
                    text[at] = kept;
                }
            }
            /* a prefix in the place of two digits, and no prefix where one must be */
            uint8_t actual[16];
            text[0] = '0';
            text[1] = way == 0 ? 'x' : '0';
            assert_int_equal(acurast_id_of(text, digits, actual), ACURAST_BAD_HEX);
        }
}

static void an_id_may_lie_where_it_came_from(void **state)
{
    (void)state;
    uint8_t place[16];
    memcpy(place, id, 16);
    assert_int_equal(acurast_id_of(place, 16, place), ACURAST_OK);
    assert_memory_equal(place, id, 16);
}

static void points_that_are_none(void **state)
{
    (void)state;
    uint8_t key[65];
    for (unsigned tag = 0; tag < 256; tag++) {
        memcpy(key, uncompressed, 65);
        key[0] = (uint8_t)tag;
        assert_int_equal(acurast__ec_check(ACURAST_KEY_P256, key, 65), tag == 4 ? ACURAST_OK : ACURAST_BAD_KEY);
        memcpy(key, compressed, 33);
        key[0] = (uint8_t)tag;
        assert_int_equal(acurast__ec_check(ACURAST_KEY_P256, key, 33),
                         tag == 2 || tag == 3 ? ACURAST_OK : ACURAST_BAD_KEY);
    }
    for (unsigned bit = 8; bit < 65 * 8; bit++) { /* any bit of x or y takes the point off the curve */
        memcpy(key, uncompressed, 65);
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(acurast__key_parse(key, 65, key), ACURAST_BAD_KEY);
    }
    memset(key, 0, sizeof key);
    key[0] = 4;
    assert_int_equal(acurast__ec_check(ACURAST_KEY_P256, key, 65), ACURAST_BAD_KEY);
    key[0] = 2;
    key[32] = 1; /* x = 1 is on no point */
    assert_int_equal(acurast__key_check(key), ACURAST_BAD_KEY);
    memset(key + 1, 0xff, 64); /* above the prime */
    assert_int_equal(acurast__key_check(key), ACURAST_BAD_KEY);
    key[0] = 4;
    assert_int_equal(acurast__ec_check(ACURAST_KEY_P256, key, 65), ACURAST_BAD_KEY);
    for (size_t size = 0; size <= 65; size++)
        if (size != 33 && size != 65)
            assert_int_equal(acurast__ec_check(ACURAST_KEY_P256, key, size), ACURAST_BAD_KEY);
}

static void about_half_of_all_x_are_keys(void **state)
{
    (void)state;
    int good = 0;
    for (int x = 1; x <= 200; x++) {
        uint8_t key[33] = {2};
        key[32] = (uint8_t)x;
        good += acurast__key_check(key) == ACURAST_OK;
    }
    assert_in_range(good, 60, 140);
}

/* Small order, and encodings that are not the canonical one. */
static void ed25519_points_that_are_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t key[33] = {ACURAST__ED25519_TAG}, actual[16];
        assert_int_equal(acurast__unhex(key + 1, 32, rows[i], 64), ACURAST_OK);
        assert_int_equal(acurast__key_check(key), ACURAST_BAD_KEY);
        assert_int_equal(acurast_id_of(key, 33, actual), ACURAST_BAD_KEY);
    }
}

/* RFC 8032, 7.1, test 2 */
static void ed25519_known_answer(void **state)
{
    (void)state;
    uint8_t key[33], raw[64], actual[16], expected[16];
    acurast__unhex(key, 33, "ed3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 66);
    acurast__unhex(raw, 64,
                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                   128);
    assert_int_equal(acurast__key_check(key), ACURAST_OK);
    assert_int_equal(acurast_verify(key, 33, "\x72", 1, raw), ACURAST_OK);
    assert_int_equal(acurast_verify(key, 33, "\x73", 1, raw), ACURAST_BAD_SIGNATURE);
    assert_int_equal(acurast_verify(key, 33, "", 0, raw), ACURAST_BAD_SIGNATURE);
    assert_int_equal(acurast_verify_digest(key, 33, digest, raw), ACURAST_UNSUPPORTED);
    for (unsigned bit = 0; bit < 512; bit++) {
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(acurast__ed25519_verify(key, "\x72", 1, raw), ACURAST_BAD_SIGNATURE);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(acurast_id_of(key, 33, actual), ACURAST_OK);
    acurast__key_id(expected, key);
    assert_memory_equal(actual, expected, 16);
}

/* number = order - number */
static void negate(uint8_t number[32])
{
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int difference = order[i] - number[i] - borrow;
        borrow = difference < 0;
        number[i] = (uint8_t)(difference + 256 * borrow);
    }
}

static void high_and_low_s(void **state)
{
    (void)state;
    uint8_t other[64];
    memcpy(other, signature, 64);
    negate(other + 32);
    assert_memory_not_equal(other, signature, 64);
    assert_true((other[32] < 0x80) != (signature[32] < 0x80));
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, other), ACURAST_OK);
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, signature), ACURAST_OK);
}

static void numbers_out_of_range(void **state)
{
    (void)state;
    for (int half = 0; half < 64; half += 32) {
        uint8_t raw[64];
        memcpy(raw, signature, 64);
        memset(raw + half, 0, 32);
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, raw), ACURAST_BAD_SIGNATURE);
        memcpy(raw + half, order, 32);
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, raw), ACURAST_BAD_SIGNATURE);
        memset(raw + half, 0xff, 32);
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, raw), ACURAST_BAD_SIGNATURE);
    }
    uint8_t zero[64] = {0};
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, zero), ACURAST_BAD_SIGNATURE);
}

static void any_bit_spoils_it(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 512; bit += 3) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, signature), ACURAST_BAD_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < 256; bit += 3) {
        digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, signer, digest, signature), ACURAST_BAD_SIGNATURE);
        digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    uint8_t key[33];
    memcpy(key, signer, 33);
    key[0] ^= 1; /* the other point of the same x */
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, key, digest, signature), ACURAST_BAD_SIGNATURE);
    key[0] = 4;
    assert_int_equal(acurast__ec_verify(ACURAST_KEY_P256, key, digest, signature), ACURAST_BAD_KEY);
}

/* A key pair of each kind signs "x"; it is good as its own kind alone. An x may lie on both curves, so the reason varies. */
static void keys_of_a_named_kind(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        uint8_t key[33], again[33], raw[64];
        char text[67];
        acurast_identity *identity;
        assert_int_equal(acurast_identity_from_secret((acurast_key_kind)kind, digest, 32, &identity), ACURAST_OK);
        acurast_identity_public_key(identity, key);
        acurast_identity_sign(identity, "x", 1, raw);
        acurast__hex(text, key, 33);
        for (int named = ACURAST_KEY_P256; named <= ACURAST_KEY_SECP256K1; named++) {
            acurast_status status = acurast_verify_as((acurast_key_kind)named, key, 33, "x", 1, raw);
            assert_int_equal(status == ACURAST_OK, named == kind);
            assert_true(status == ACURAST_OK || status == ACURAST_BAD_KEY || status == ACURAST_BAD_SIGNATURE);
            assert_int_equal(acurast_verify_as((acurast_key_kind)named, text, 66, "x", 1, raw), status);
            status = acurast_compress_key_as((acurast_key_kind)named, text, 66, again);
            if (named == kind)
                assert_memory_equal(key, again, 33);
            else if (named == ACURAST_KEY_ED25519 || kind == ACURAST_KEY_ED25519)
                assert_int_equal(status, ACURAST_BAD_KEY);
        }
        assert_int_equal(acurast_verify_as((acurast_key_kind)kind, key, 33, "y", 1, raw), ACURAST_BAD_SIGNATURE);
        acurast_identity_release(identity);
    }
}

/* Which kind a key is of where nobody says so did not change with the third kind. */
static void unnamed_kinds(void **state)
{
    (void)state;
    uint8_t point[65], key[33], raw[64], actual[16];
    acurast_identity *identity;
    assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_SECP256K1, digest, 32, &identity), ACURAST_OK);
    acurast_identity_uncompressed_key(identity, point);
    acurast_identity_sign_digest(identity, digest, raw);
    assert_int_equal(acurast_compress_key_as(ACURAST_KEY_SECP256K1, point, 65, key), ACURAST_OK);
    assert_int_equal(acurast_verify_digest_as(ACURAST_KEY_SECP256K1, key, 33, digest, raw), ACURAST_OK);
    assert_int_equal(acurast_verify_digest_as(ACURAST_KEY_SECP256K1, point, 65, digest, raw), ACURAST_OK);
    assert_int_equal(acurast_verify_digest(point, 65, digest, raw), ACURAST_BAD_KEY);
    assert_int_equal(acurast_compress_key(point, 65, key), ACURAST_BAD_KEY);
    assert_int_equal(acurast_id_of(point, 65, actual), ACURAST_BAD_KEY);
    for (int kind = -1; kind <= 4; kind++)
        if (kind < ACURAST_KEY_P256 || kind > ACURAST_KEY_SECP256K1) {
            acurast_key_kind none = (acurast_key_kind)kind;
            assert_int_equal(acurast_verify_as(none, key, 33, "x", 1, raw), ACURAST_INVALID);
            assert_int_equal(acurast_verify_digest_as(none, key, 33, digest, raw), ACURAST_INVALID);
            assert_int_equal(acurast_compress_key_as(none, key, 33, key), ACURAST_INVALID);
        }
    acurast_identity_release(identity);
}

static void missing_arguments(void **state)
{
    (void)state;
    uint8_t out[33];
    assert_int_equal(acurast_id_of(NULL, 16, out), ACURAST_INVALID);
    assert_int_equal(acurast_id_of(id, 16, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_compress_key(NULL, 33, out), ACURAST_INVALID);
    assert_int_equal(acurast_compress_key(compressed, 33, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_verify(NULL, 33, "x", 1, signature), ACURAST_INVALID);
    assert_int_equal(acurast_verify(signer, 33, NULL, 1, signature), ACURAST_INVALID);
    assert_int_equal(acurast_verify(signer, 33, "x", 1, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_verify(signer, 33, NULL, 0, signature), ACURAST_BAD_SIGNATURE);
    assert_int_equal(acurast_verify_as(ACURAST_KEY_P256, NULL, 33, "x", 1, signature), ACURAST_INVALID);
    assert_int_equal(acurast_verify_digest_as(ACURAST_KEY_P256, signer, 33, NULL, signature), ACURAST_INVALID);
    assert_int_equal(acurast_compress_key_as(ACURAST_KEY_P256, NULL, 33, out), ACURAST_INVALID);
    assert_int_equal(acurast_compress_key_as(ACURAST_KEY_P256, compressed, 33, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_verify_digest(NULL, 33, digest, signature), ACURAST_INVALID);
    assert_int_equal(acurast_verify_digest(signer, 33, NULL, signature), ACURAST_INVALID);
    assert_int_equal(acurast_verify_digest(signer, 33, digest, NULL), ACURAST_INVALID);
}

/* TLS on the same thread reads OpenSSL's error queue: what fails here must leave no trace, nor take one away. */
static void the_error_queue_stays(void **state)
{
    (void)state;
    uint8_t key[33] = {2}, raw[64] = {0};
    key[32] = 1;
    ERR_clear_error();
    for (int round = 0; round < 2; round++) {
        unsigned long before = ERR_peek_last_error();
        acurast__key_check(key);
        acurast__ec_verify(ACURAST_KEY_P256, key, digest, raw);
        acurast__ec_verify(ACURAST_KEY_P256, signer, digest, raw);
        acurast__ec_verify(ACURAST_KEY_P256, signer, digest, signature);
        assert_true(ERR_peek_last_error() == before);
        ERR_raise(ERR_LIB_USER, 7);
    }
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 7);
    ERR_clear_error();
}

/* The signer's signature is good, and is never another's, whoever used libcrypto's context last. */
static void *verify_often(void *result)
{
    acurast_status *worst = result;
    for (int i = 0; i < 20 && *worst == ACURAST_OK; i++) {
        *worst = acurast__ec_verify(ACURAST_KEY_P256, signer, digest, signature);
        if (acurast__ec_verify(ACURAST_KEY_P256, compressed, digest, signature) != ACURAST_BAD_SIGNATURE)
            *worst = ACURAST_BAD_SIGNATURE;
    }
    return NULL;
}

/* Runs first, so that the threads race for the curve's template. */
static void many_threads(void **state)
{
    (void)state;
    pthread_t threads[8];
    acurast_status results[8] = {ACURAST_OK};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &results[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], ACURAST_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads),
        cmocka_unit_test(known_hashes),
        cmocka_unit_test(known_compressions),
        cmocka_unit_test(known_signatures),
        cmocka_unit_test(known_handshake),
        cmocka_unit_test(recipients_in_every_form),
        cmocka_unit_test(every_other_size),
        cmocka_unit_test(hex_that_is_none),
        cmocka_unit_test(an_id_may_lie_where_it_came_from),
        cmocka_unit_test(points_that_are_none),
        cmocka_unit_test(about_half_of_all_x_are_keys),
        cmocka_unit_test(ed25519_points_that_are_none),
        cmocka_unit_test(ed25519_known_answer),
        cmocka_unit_test(high_and_low_s),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(any_bit_spoils_it),
        cmocka_unit_test(keys_of_a_named_kind),
        cmocka_unit_test(unnamed_kinds),
        cmocka_unit_test(missing_arguments),
        cmocka_unit_test(the_error_queue_stays),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
