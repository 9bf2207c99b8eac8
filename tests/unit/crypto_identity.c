/*
 * Identities: known keys, raw secrets in and out, signatures, references, threads,
 * fork. PEM and memory have tests of their own.
 */
#include "support/identities.h"

#include "base/bytes.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void known_key(void **state)
{
    (void)state;
    uint8_t expected[33], key[65], id[16];
    acurast_identity *identity = known_identity(ACURAST_KEY_P256);
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

/* The scalar 1, whose point is the base of the curve (SEC 2, 2.4.1). */
static void known_secp256k1_key(void **state)
{
    (void)state;
    static const char one[] = "0000000000000000000000000000000000000000000000000000000000000001";
    uint8_t expected[65], actual[65];
    acurast_identity *identity;
    assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_SECP256K1, one, 64, &identity), ACURAST_OK);
    assert_int_equal(acurast_identity_kind(identity), ACURAST_KEY_SECP256K1);
    acurast__unhex(expected, 65,
                   "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                   "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
                   130);
    assert_int_equal(acurast_identity_uncompressed_key(identity, actual), ACURAST_OK);
    assert_memory_equal(actual, expected, 65);
    expected[0] = 2;
    assert_int_equal(acurast_identity_public_key(identity, actual), ACURAST_OK);
    assert_memory_equal(actual, expected, 33);
    acurast_identity_release(identity);
}

static void generated_keys(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        acurast_identity *a, *b;
        uint8_t x[33], y[33];
        assert_int_equal(acurast_identity_generate((acurast_key_kind)kind, &a), ACURAST_OK);
        assert_int_equal(acurast_identity_generate((acurast_key_kind)kind, &b), ACURAST_OK);
        acurast_identity_public_key(a, x);
        acurast_identity_public_key(b, y);
        assert_memory_not_equal(x, y, 33);
        assert_int_equal(acurast_compress_key_as((acurast_key_kind)kind, x, 33, y), ACURAST_OK);
        assert_memory_equal(x, y, 33);
        assert_signs(a);
        acurast_identity_release(a);
        acurast_identity_release(b);
    }
}

static void secrets_in_every_form(void **state)
{
    (void)state;
    uint8_t secret[32];
    char text[67] = "0x";
    known_secret(secret);
    acurast__hex(text + 2, secret, 32);
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        acurast_identity *raw = known_identity((acurast_key_kind)kind), *other;
        for (int prefix = 0; prefix < 2; prefix++) {
            const char *digits = prefix ? text : text + 2;
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
    static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const struct {
        acurast_key_kind kind;
        const char *first, *last, *order, *above;
    } rows[] = {
        {ACURAST_KEY_P256, "0000000000000000000000000000000000000000000000000000000000000001",
         "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
         "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
         "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"},
        {ACURAST_KEY_SECP256K1, "0000000000000000000000000000000000000000000000000000000000000001",
         "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
         "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *const good[] = {rows[i].first, rows[i].last}, *const bad[] = {zero, rows[i].order, rows[i].above};
        acurast_identity *identity = NULL;
        for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
            assert_int_equal(acurast_identity_from_secret(rows[i].kind, bad[j], 64, &identity), ACURAST_BAD_KEY);
            assert_null(identity);
            assert_int_equal(acurast_identity_from_secret(ACURAST_KEY_ED25519, bad[j], 64, &identity), ACURAST_OK);
            acurast_identity_release(identity);
            identity = NULL;
        }
        for (size_t j = 0; j < ARRAY_SIZE(good); j++) {
            assert_int_equal(acurast_identity_from_secret(rows[i].kind, good[j], 64, &identity), ACURAST_OK);
            assert_signs(identity);
            acurast_identity_release(identity);
            identity = NULL;
        }
    }
}

/* r and s with leading zeros or a high bit come in one of 128 signatures each: enough of them to meet all shapes. */
static void many_signatures(void **state)
{
    (void)state;
    acurast_identity *identity = known_identity(ACURAST_KEY_P256);
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

/* Every second s comes high. Half of the order, rounded down: the first bit tells most of them, the rest lie between. */
static void secp256k1_has_low_s(void **state)
{
    (void)state;
    uint8_t half[32], key[33], digest[32] = {0}, signature[64];
    acurast__unhex(half, 32, "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", 64);
    acurast_identity *identity;
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_SECP256K1, &identity), ACURAST_OK);
    acurast_identity_public_key(identity, key);
    for (unsigned i = 0; i < 128; i++) {
        memcpy(digest, &i, sizeof i);
        assert_int_equal(acurast_identity_sign_digest(identity, digest, signature), ACURAST_OK);
        assert_true(memcmp(signature + 32, half, 32) <= 0);
        assert_int_equal(acurast_verify_digest_as(ACURAST_KEY_SECP256K1, key, 33, digest, signature), ACURAST_OK);
        assert_int_equal(acurast_identity_sign(identity, digest, sizeof digest, signature), ACURAST_OK);
        assert_true(memcmp(signature + 32, half, 32) <= 0);
        assert_int_equal(acurast_verify_as(ACURAST_KEY_SECP256K1, key, 33, digest, sizeof digest, signature),
                         ACURAST_OK);
    }
    acurast_identity_release(identity);
}

static void missing_arguments(void **state)
{
    (void)state;
    uint8_t out[65];
    size_t size = 0;
    acurast_identity *identity = NULL;
    assert_int_equal(acurast_identity_generate((acurast_key_kind)0, &identity), ACURAST_INVALID);
    assert_int_equal(acurast_identity_generate((acurast_key_kind)4, &identity), ACURAST_INVALID);
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

    identity = known_identity(ACURAST_KEY_P256);
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
    acurast_identity *identity = known_identity(ACURAST_KEY_ED25519);
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
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        pthread_t threads[6];
        acurast_identity *identity = known_identity((acurast_key_kind)kind);
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

/* What a child does before it ends; returns its exit code. */
static int use_and_make_another(acurast_identity *identity)
{
    uint8_t signature[64], key[33];
    acurast_identity *other = NULL;
    acurast_key_kind kind = acurast_identity_kind(identity);
    acurast_identity_public_key(identity, key);
    int failed = acurast_identity_sign(identity, "x", 1, signature) ||
                 acurast_verify_as(kind, key, 33, "x", 1, signature) || acurast_identity_generate(kind, &other) ||
                 acurast_identity_sign(other, "x", 1, signature);
    acurast_identity_release(other);
    acurast_identity_release(identity);
    return failed;
}

/* Identities are plain memory: a child may use those of its parent. Two children must not draw the same numbers. */
static void fork_keeps_identities(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
        acurast_identity *identity = known_identity((acurast_key_kind)kind);
        pid_t child = fork();
        if (child == 0)
            _exit(use_and_make_another(identity));
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
            acurast_identity_release(made);
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
        acurast_identity *identity = NULL;
        int failed = setrlimit(RLIMIT_MEMLOCK, &none) || acurast_identity_generate(ACURAST_KEY_ED25519, &identity);
        _exit(failed || use_and_make_another(identity));
    }
    assert_child_succeeds(child);
}

static void count_mappings(size_t *mappings)
{
    FILE *file = fopen("/proc/self/maps", "r");
    *mappings = 0;
    for (int c = file ? fgetc(file) : EOF; c != EOF; c = fgetc(file))
        *mappings += c == '\n';
    if (file)
        fclose(file);
}

/* Thousands of identities do not eat up the mappings that a process may have. */
static void thousands(void **state)
{
    (void)state;
    static acurast_identity *identities[3000];
    size_t before, after;
    count_mappings(&before);
    for (size_t i = 0; i < ARRAY_SIZE(identities); i++)
        identities[i] = known_identity(ACURAST_KEY_ED25519);
    count_mappings(&after);
    assert_true(after - before < 4500);
    assert_signs(identities[0]);
    assert_signs(identities[ARRAY_SIZE(identities) - 1]);
    for (size_t i = 0; i < ARRAY_SIZE(identities); i++)
        acurast_identity_release(identities[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(known_key, nothing_lives),
        cmocka_unit_test_teardown(known_ed25519_key, nothing_lives),
        cmocka_unit_test_teardown(known_secp256k1_key, nothing_lives),
        cmocka_unit_test_teardown(generated_keys, nothing_lives),
        cmocka_unit_test_teardown(secrets_in_every_form, nothing_lives),
        cmocka_unit_test_teardown(scalars_out_of_range, nothing_lives),
        cmocka_unit_test_teardown(many_signatures, nothing_lives),
        cmocka_unit_test_teardown(secp256k1_has_low_s, nothing_lives),
        cmocka_unit_test_teardown(missing_arguments, nothing_lives),
        cmocka_unit_test_teardown(thousands, nothing_lives),
        cmocka_unit_test_teardown(references, nothing_lives),
        cmocka_unit_test_teardown(many_threads, nothing_lives),
        cmocka_unit_test_teardown(fork_keeps_identities, nothing_lives),
        cmocka_unit_test_teardown(without_locked_memory, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
