/*
 * Identities when memory runs out, and what they leave in memory.
 *
 * libcrypto's allocator is replaced for the whole program: it can be made to fail,
 * and it looks for the secret in every block that libcrypto gives back.
 */
#include "support/identities.h"

#include "base/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>

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

static acurast_identity *subject;
static char subject_pem[512];

static int set_up(void **state)
{
    (void)state;
    size_t size = sizeof subject_pem;
    known_secret(secret);
    for (int i = 0; i < 32; i++)
        mirrored[i] = secret[31 - i];
    subject = known_identity(ACURAST_KEY_P256);
    return acurast_identity_to_pem(subject, subject_pem, &size) == ACURAST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    acurast_identity_release(subject);
    return nothing_lives(state);
}

/* Runs first: what is made once for all keys is made by the first that succeeds. */
static void first_use_without_memory(void **state)
{
    (void)state;
    uint8_t key[33];
    int failures = 0;
    acurast_identity_public_key(subject, key);
    for (long n = 1; n < 1000; n++) {
        atomic_store(&fail_at, n);
        failures += acurast__key_check(key) != ACURAST_OK;
        if (atomic_exchange(&fail_at, 0) > 0)
            break;
    }
    assert_true(failures > 5);
    assert_int_equal(acurast__key_check(key), ACURAST_OK);
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
                assert_int_equal(acurast_live_objects(), 1); /* the subject */
            }
            acurast_identity_release(identity);
        }
    }
}

typedef acurast_status (*operation)(void);

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

static const operation operations[] = {do_create, do_sign, do_verify, do_read};

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
            if (!reached)
                assert_int_equal(status, ACURAST_OK);
            assert_int_equal(operations[i](), ACURAST_OK);
        }
        assert_true(failures > 0);
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
    memcpy(block, secret, 32);
    OPENSSL_free(block);
    assert_int_equal(atomic_load(&left_behind), 1);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(hooked_malloc, hooked_realloc, hooked_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_use_without_memory),
        cmocka_unit_test(our_memory_runs_out),
        cmocka_unit_test(libcrypto_memory_runs_out),
        cmocka_unit_test(no_secret_stays_behind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
