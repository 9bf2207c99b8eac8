/*
 * Identities when memory runs out, and what they leave in memory.
 *
 * libcrypto's allocator is replaced for the whole program: it can be made to fail,
 * and it looks for secrets in every block that libcrypto gives back.
 */
#include "support/identities.h"

#include "base/memory.h"
#include "crypto/key.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdatomic.h>

static uint8_t secrets[32][32]; /* each also in reverse, as libcrypto's little-endian numbers hold it */
static size_t secret_count;
static atomic_long fail_at;
static atomic_int left_behind;

static void look_out_for(const uint8_t secret[32])
{
    uint8_t *as_it_is = secrets[secret_count++], *mirrored = secrets[secret_count++];
    assert_true(secret_count <= ARRAY_SIZE(secrets));
    for (int i = 0; i < 32; i++)
        as_it_is[i] = mirrored[31 - i] = secret[i];
}

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

/* libcrypto's own multiplication on P-256 gives its copy of the scalar back unwiped; no way to ECDH leads around it. */
static bool excused(const char *file)
{
    return file && strstr(file, "ecp_nistz256.c");
}

static void hooked_free(void *block, const char *file, int line)
{
    (void)line;
    size_t size = block ? malloc_usable_size(block) : 0;
    for (size_t i = 0; i < secret_count; i++)
        if (holds(block, size, secrets[i]) && !excused(file))
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

static acurast_identity *subject;
static char subject_pem[512];

/* The first row of the vectors for each curve: who seals for whom, and the seal. */
static const size_t rows[] = {0, 16};
static struct {
    acurast_key_kind kind;
    uint8_t sealer_secret[32];
    acurast_identity *sealer, *opener;
    uint8_t sealer_key[33], opener_key[33], salt[32], sealed[64];
    size_t sealed_size;
} pairs[2];

/* Reads a member of a row of the vectors that is a secret: from now on it must not stay behind. */
static void read_secret(size_t row, const char *name, uint8_t bytes[32])
{
    assert_int_equal(vectors_bytes(vectors_at("seal", row, name), bytes, 32), 32);
    look_out_for(bytes);
}

static acurast_identity *read_identity(size_t row, const char *name, acurast_key_kind kind)
{
    uint8_t secret[32];
    acurast_identity *identity;
    read_secret(row, name, secret);
    assert_int_equal(acurast_identity_from_secret(kind, secret, 32, &identity), ACURAST_OK);
    return identity;
}

static void set_up_pair(size_t i)
{
    uint8_t unused[32];
    pairs[i].kind = i == 0 ? ACURAST_KEY_P256 : ACURAST_KEY_SECP256K1;
    pairs[i].sealer = read_identity(rows[i], "sealer_secret", pairs[i].kind);
    pairs[i].opener = read_identity(rows[i], "opener_secret", pairs[i].kind);
    read_secret(rows[i], "shared", unused);
    read_secret(rows[i], "key", unused);
    acurast_identity_secret(pairs[i].sealer, pairs[i].sealer_secret);
    acurast_identity_public_key(pairs[i].sealer, pairs[i].sealer_key);
    acurast_identity_public_key(pairs[i].opener, pairs[i].opener_key);
    vectors_bytes(vectors_at("seal", rows[i], "salt"), pairs[i].salt, 32);
    pairs[i].sealed_size = vectors_bytes(vectors_at("seal", rows[i], "sealed"), pairs[i].sealed, 64);
}

static int set_up(void **state)
{
    (void)state;
    size_t size = sizeof subject_pem;
    uint8_t secret[32];
    known_secret(secret);
    look_out_for(secret);
    subject = known_identity(ACURAST_KEY_P256);
    set_up_pair(0);
    set_up_pair(1);
    return acurast_identity_to_pem(subject, subject_pem, &size) == ACURAST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    acurast_identity_release(subject);
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        acurast_identity_release(pairs[i].sealer);
        acurast_identity_release(pairs[i].opener);
    }
    return nothing_lives(state);
}

/* Runs first: what is made once for all keys is made by the first that succeeds. */
static void first_use_without_memory(void **state)
{
    (void)state;
    uint8_t key[33];
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        int failures = 0;
        for (long n = 1; n < 1000; n++) {
            atomic_store(&fail_at, n);
            failures += acurast_compress_key_as(pairs[i].kind, pairs[i].sealer_key, 33, key) != ACURAST_OK;
            if (atomic_exchange(&fail_at, 0) > 0)
                break;
        }
        assert_true(failures > 5);
        assert_int_equal(acurast_compress_key_as(pairs[i].kind, pairs[i].sealer_key, 33, key), ACURAST_OK);
    }
}

static void our_memory_runs_out(void **state)
{
    (void)state;
    for (int kind = ACURAST_KEY_P256; kind <= ACURAST_KEY_SECP256K1; kind++) {
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
                assert_int_equal(acurast_live_objects(), 5); /* those of the set-up */
            }
            acurast_identity_release(identity);
        }
    }
}

typedef acurast_status (*operation)(void);

static acurast_status create(size_t i)
{
    acurast_identity *identity = NULL;
    acurast_status status = acurast_identity_from_secret(pairs[i].kind, pairs[i].sealer_secret, 32, &identity);
    acurast_identity_release(identity);
    return status;
}

static acurast_status do_create(void)
{
    return create(0);
}

static acurast_status do_create_secp256k1(void)
{
    return create(1);
}

static acurast_status seal(size_t i)
{
    uint8_t sealed[64];
    size_t size = sizeof sealed;
    return acurast_identity_seal(pairs[i].sealer, pairs[i].opener_key, 33, pairs[i].salt, 32, "x", 1, sealed, &size);
}

static acurast_status do_seal(void)
{
    return seal(0);
}

static acurast_status do_seal_secp256k1(void)
{
    return seal(1);
}

static acurast_status open_seal(size_t i)
{
    uint8_t plaintext[64];
    size_t size = sizeof plaintext;
    return acurast_identity_open(pairs[i].opener, pairs[i].sealer_key, 33, pairs[i].salt, 32, pairs[i].sealed,
                                 pairs[i].sealed_size, plaintext, &size);
}

static acurast_status do_open(void)
{
    return open_seal(0);
}

static acurast_status do_open_secp256k1(void)
{
    return open_seal(1);
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

static const operation operations[] = {do_create, do_create_secp256k1, do_sign, do_verify,        do_read,
                                       do_seal,   do_seal_secp256k1,   do_open, do_open_secp256k1};

/* Fails each of libcrypto's allocations in turn: an error, no crash, and the next try works. */
static void libcrypto_memory_runs_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(operations[i](), ACURAST_OK);
        bool reached = true;
        int failures = 0;
        for (long n = 1; reached; n++) {
            atomic_store(&fail_at, n);
            acurast_status status = operations[i]();
            reached = atomic_exchange(&fail_at, 0) <= 0;
            failures += status != ACURAST_OK;
            assert_int_equal(ERR_peek_error(), 0); /* TLS on the same thread reads the queue */
            if (!reached)
                assert_int_equal(status, ACURAST_OK);
            assert_int_equal(operations[i](), ACURAST_OK);
        }
        assert_true(failures > 0);
    }
}

/*
 * Who verifies may get a context that holds the key of whom it served last. Whichever allocation fails, that key is never taken for the
 * one that was asked about.
 */
static void the_key_before_is_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        uint8_t signature[64], digest[32] = {1};
        bool reached = true;
        int failures = 0;
        acurast_identity_sign_digest(pairs[i].sealer, digest, signature);
        for (long n = 1; reached; n++) {
            assert_int_equal(acurast__ec_verify(pairs[i].kind, pairs[i].sealer_key, digest, signature), ACURAST_OK);
            atomic_store(&fail_at, n);
            acurast_status status = acurast__ec_verify(pairs[i].kind, pairs[i].opener_key, digest, signature);
            reached = atomic_exchange(&fail_at, 0) <= 0;
            failures += reached;
            assert_int_not_equal(status, ACURAST_OK);
            assert_true(reached || status == ACURAST_BAD_SIGNATURE);
        }
        assert_true(failures > 5);
    }
}

/* Nothing that libcrypto gives back holds the secret. */
static void no_secret_stays_behind(void **state)
{
    (void)state;
    char pem[512];
    size_t size = sizeof pem;
    atomic_store(&left_behind, 0);
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(operations[i](), ACURAST_OK);
        assert_int_equal(acurast_identity_to_pem(subject, pem, &size), ACURAST_OK);
        assert_int_equal(atomic_load(&left_behind), 0);
    }
    void *block = OPENSSL_malloc(64); /* the look-out itself works */
    memcpy(block, secrets[0], 32);
    OPENSSL_free(block);
    assert_int_equal(atomic_load(&left_behind), 1);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(hooked_malloc, hooked_realloc, hooked_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_use_without_memory),  cmocka_unit_test(our_memory_runs_out),
        cmocka_unit_test(libcrypto_memory_runs_out), cmocka_unit_test(the_key_before_is_forgotten),
        cmocka_unit_test(no_secret_stays_behind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
