/*
 * Sealing: the known answers, which another implementation made, both ways; what goes
 * round; what must not open; and what is refused.
 */
#include "support/identities.h"

#include "base/bytes.h"
#include "crypto/identity.h"

#include <openssl/err.h>
#include <pthread.h>
#include <sodium.h>

#define TEXT_MAX_SIZE 1024

/* One row of the vectors. */
typedef struct sample {
    acurast_identity *sealer, *opener;
    uint8_t sealer_key[65], opener_key[65], salt[256], plaintext[TEXT_MAX_SIZE], sealed[TEXT_MAX_SIZE + 28];
    size_t sealer_key_size, opener_key_size, salt_size, plaintext_size, sealed_size;
    bool stripped;
} sample;

static size_t read_bytes(size_t row, const char *name, uint8_t *bytes, size_t capacity)
{
    return vectors_bytes(vectors_at("seal", row, name), bytes, capacity);
}

static acurast_identity *read_identity(size_t row, const char *name, acurast_key_kind kind)
{
    uint8_t secret[32];
    acurast_identity *identity;
    assert_int_equal(read_bytes(row, name, secret, 32), 32);
    assert_int_equal(acurast_identity_from_secret(kind, secret, 32, &identity), ACURAST_OK);
    return identity;
}

static bool sample_read(sample *s, size_t row)
{
    const char *curve = vectors_at("seal", row, "curve");
    if (!curve)
        return false;
    acurast_key_kind kind = vectors_is(curve, "secp256k1") ? ACURAST_KEY_SECP256K1 : ACURAST_KEY_P256;
    s->sealer = read_identity(row, "sealer_secret", kind);
    s->opener = read_identity(row, "opener_secret", kind);
    s->sealer_key_size = read_bytes(row, "sealer_key", s->sealer_key, sizeof s->sealer_key);
    s->opener_key_size = read_bytes(row, "opener_key", s->opener_key, sizeof s->opener_key);
    s->salt_size = read_bytes(row, "salt", s->salt, sizeof s->salt);
    s->plaintext_size = read_bytes(row, "plaintext", s->plaintext, sizeof s->plaintext);
    s->sealed_size = read_bytes(row, "sealed", s->sealed, sizeof s->sealed);
    s->stripped = vectors_is(vectors_at("seal", row, "stripped"), "true");
    return true;
}

static void sample_release(sample *s)
{
    acurast_identity_release(s->sealer);
    acurast_identity_release(s->opener);
}

static acurast_status sample_open(const sample *s, uint8_t plaintext[TEXT_MAX_SIZE], size_t *size)
{
    *size = TEXT_MAX_SIZE;
    return acurast_identity_open(s->opener, s->sealer_key, s->sealer_key_size, s->salt, s->salt_size, s->sealed,
                                 s->sealed_size, plaintext, size);
}

/* Calls `work` with each row; returns how many there are. */
static size_t each_sample(void (*work)(const sample *s))
{
    sample s = {0};
    size_t row = 0;
    for (; sample_read(&s, row); row++) {
        work(&s);
        sample_release(&s);
    }
    return row;
}

static void assert_opens(const sample *s)
{
    uint8_t plaintext[TEXT_MAX_SIZE];
    size_t size;
    assert_int_equal(sample_open(s, plaintext, &size), ACURAST_OK);
    assert_int_equal(size, s->plaintext_size);
    assert_memory_equal(plaintext, s->plaintext, size);

    /* the sealer opens it too, told the key in the form that it sealed for */
    size = sizeof plaintext;
    assert_int_equal(acurast_identity_open(s->sealer, s->opener_key, s->opener_key_size, s->salt, s->salt_size,
                                           s->sealed, s->sealed_size, plaintext, &size),
                     ACURAST_OK);
    assert_memory_equal(plaintext, s->plaintext, size);
}

static void known_answers_open(void **state)
{
    (void)state;
    assert_int_equal(each_sample(assert_opens), 32);
}

static uint8_t next_iv[12];

static void give_iv(void *buffer, size_t size)
{
    assert_int_equal(size, sizeof next_iv);
    memcpy(buffer, next_iv, size);
}

static const char *fixed_name(void)
{
    return "fixed";
}

static randombytes_implementation fixed_randomness = {.implementation_name = fixed_name, .buf = give_iv};
static size_t sealed_the_same;

/* What is sealed is known to the last byte once the iv is. */
static void assert_seals(const sample *s)
{
    uint8_t sealed[TEXT_MAX_SIZE + 28];
    size_t size = sizeof sealed;
    if (s->stripped || s->sealer_key_size != 33)
        return;
    memcpy(next_iv, s->sealed, sizeof next_iv);
    randombytes_set_implementation(&fixed_randomness);
    acurast_status status = acurast_identity_seal(s->sealer, s->opener_key, s->opener_key_size, s->salt, s->salt_size,
                                                  s->plaintext, s->plaintext_size, sealed, &size);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
    assert_int_equal(status, ACURAST_OK);
    assert_int_equal(size, s->sealed_size);
    assert_memory_equal(sealed, s->sealed, size);
    sealed_the_same++;
}

static void known_answers_seal(void **state)
{
    (void)state;
    each_sample(assert_seals);
    assert_int_equal(sealed_the_same, 20);
}

/* The vectors' agreed secrets, of 32 bytes whatever they start with. */
static void known_secrets(void **state)
{
    (void)state;
    sample s = {0};
    for (size_t row = 0; sample_read(&s, row); row++) {
        uint8_t expected[32], secret[32];
        assert_int_equal(read_bytes(row, "shared", expected, 32), 32);
        assert_int_equal(acurast__identity_agree(s.opener, s.sealer_key, s.sealer_key_size, secret), ACURAST_OK);
        assert_memory_equal(secret, expected, 32);
        sample_release(&s);
    }
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return sodium_is_zero(bytes, size) == 1;
}

static void assert_shut(const sample *s)
{
    uint8_t plaintext[TEXT_MAX_SIZE];
    size_t size;
    memset(plaintext, 0xaa, sizeof plaintext);
    assert_int_equal(sample_open(s, plaintext, &size), ACURAST_BAD_SEAL);
    assert_true(is_zero(plaintext, s->sealed_size < 28 ? 0 : s->sealed_size - 28)); /* nothing unproven stays */
}

static void flip_each_bit(sample *s, uint8_t *bytes, size_t size)
{
    for (size_t bit = 0; bit < 8 * size; bit += 5) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_shut(s);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void any_change_shuts_it(void **state)
{
    (void)state;
    sample s = {0};
    for (size_t row = 0; row < 32; row += 16) { /* the first of each curve */
        assert_true(sample_read(&s, row));
        flip_each_bit(&s, s.sealed, s.sealed_size);
        flip_each_bit(&s, s.salt, s.salt_size);
        for (size_t size = s.sealed_size; size-- > 0;) {
            s.sealed_size = size;
            assert_shut(&s);
        }
        sample_release(&s);
    }
}

static void other_keys_and_salts_shut_it(void **state)
{
    (void)state;
    sample s = {0};
    uint8_t key[33];
    assert_true(sample_read(&s, 0));
    s.salt_size--;
    assert_shut(&s);
    s.salt_size++;
    acurast_identity *kept = s.opener, *stranger;
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &stranger), ACURAST_OK);
    s.opener = stranger;
    assert_shut(&s);
    s.opener = kept;
    acurast_identity_public_key(stranger, key);
    memcpy(s.sealer_key, key, 33);
    assert_shut(&s);
    acurast_identity_uncompressed_key(s.sealer, s.sealer_key); /* the right key in the other form */
    s.sealer_key_size = 65;
    assert_shut(&s);
    acurast_identity_release(stranger);
    sample_release(&s);
}

/* The key in hex is the key in bytes, for both directions. */
static void keys_in_hex(void **state)
{
    (void)state;
    sample s = {0};
    for (size_t row = 0; row < 10; row++) { /* both forms are among them */
        char text[2 + 130 + 1] = "0x";
        assert_true(sample_read(&s, row));
        acurast__hex(text + 2, s.sealer_key, s.sealer_key_size);
        for (size_t skip = 0; skip <= 2; skip += 2) {
            uint8_t plaintext[TEXT_MAX_SIZE];
            size_t size = sizeof plaintext;
            assert_int_equal(acurast_identity_open(s.opener, text + skip, strlen(text + skip), s.salt, s.salt_size,
                                                   s.sealed, s.sealed_size, plaintext, &size),
                             ACURAST_OK);
            assert_memory_equal(plaintext, s.plaintext, size);
        }
        sample_release(&s);
    }
}

static void assert_round_trip(const acurast_identity *from, const acurast_identity *to, size_t size)
{
    uint8_t from_key[33], to_key[33];
    uint8_t *plaintext = malloc(size + 1), *sealed = malloc(size + 28), *opened = malloc(size + 1);
    size_t sealed_size = size + 28, opened_size = size;
    acurast_identity_public_key(from, from_key);
    acurast_identity_public_key(to, to_key);
    randombytes_buf(plaintext, size);
    assert_int_equal(acurast_identity_seal(from, to_key, 33, "salt", 4, plaintext, size, sealed, &sealed_size),
                     ACURAST_OK);
    assert_int_equal(sealed_size, size + 28);
    assert_int_equal(acurast_identity_open(to, from_key, 33, "salt", 4, sealed, sealed_size, opened, &opened_size),
                     ACURAST_OK);
    assert_int_equal(opened_size, size);
    assert_memory_equal(opened, plaintext, size);
    free(plaintext);
    free(sealed);
    free(opened);
}

static void what_is_sealed_opens(void **state)
{
    (void)state;
    static const acurast_key_kind kinds[] = {ACURAST_KEY_P256, ACURAST_KEY_SECP256K1};
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 1 << 20};
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        acurast_identity *a, *b;
        assert_int_equal(acurast_identity_generate(kinds[k], &a), ACURAST_OK);
        assert_int_equal(acurast_identity_generate(kinds[k], &b), ACURAST_OK);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
            assert_round_trip(a, b, sizes[i]);
        assert_round_trip(a, a, 100); /* to oneself */
        acurast_identity_release(a);
        acurast_identity_release(b);
    }
}

/* The same message twice has nothing in common but its length. */
static void each_seal_is_another(void **state)
{
    (void)state;
    acurast_identity *identity = known_identity(ACURAST_KEY_P256);
    uint8_t key[33], first[128], second[128];
    size_t size = sizeof first;
    acurast_identity_public_key(identity, key);
    assert_int_equal(acurast_identity_seal(identity, key, 33, NULL, 0, (uint8_t[100]){0}, 100, first, &size),
                     ACURAST_OK);
    size = sizeof second;
    assert_int_equal(acurast_identity_seal(identity, key, 33, NULL, 0, (uint8_t[100]){0}, 100, second, &size),
                     ACURAST_OK);
    for (size_t at = 0; at + 8 <= sizeof first; at += 8)
        assert_memory_not_equal(first + at, second + at, 8);
    acurast_identity_release(identity);
}

static void sizes_of_buffers(void **state)
{
    (void)state;
    sample s = {0};
    uint8_t out[TEXT_MAX_SIZE];
    assert_true(sample_read(&s, 0));
    for (size_t capacity = 0; capacity < s.sealed_size; capacity++) {
        size_t size = capacity;
        memset(out, 0xaa, sizeof out);
        assert_int_equal(acurast_identity_seal(s.sealer, s.opener_key, 33, s.salt, s.salt_size, s.plaintext,
                                               s.plaintext_size, capacity ? out : NULL, &size),
                         ACURAST_TOO_SMALL);
        assert_int_equal(size, s.sealed_size);
        if (capacity >= s.plaintext_size)
            continue;
        size = capacity;
        assert_int_equal(acurast_identity_open(s.opener, s.sealer_key, 33, s.salt, s.salt_size, s.sealed, s.sealed_size,
                                               capacity ? out : NULL, &size),
                         ACURAST_TOO_SMALL);
        assert_int_equal(size, s.plaintext_size);
        assert_int_equal(out[0], 0xaa);
    }
    sample_release(&s);
}

/* Nothing may be sealed, and its seal is checked although there is nothing to write. */
static void nothing_is_checked_too(void **state)
{
    (void)state;
    acurast_identity *identity = known_identity(ACURAST_KEY_P256);
    uint8_t key[33], sealed[28];
    size_t size = sizeof sealed, none = 0;
    acurast_identity_public_key(identity, key);
    assert_int_equal(acurast_identity_seal(identity, key, 33, NULL, 0, NULL, 0, sealed, &size), ACURAST_OK);
    assert_int_equal(acurast_identity_open(identity, key, 33, NULL, 0, sealed, 28, NULL, &none), ACURAST_OK);
    sealed[27] ^= 1;
    assert_int_equal(acurast_identity_open(identity, key, 33, NULL, 0, sealed, 28, NULL, &none), ACURAST_BAD_SEAL);
    acurast_identity_release(identity);
}

static acurast_status try_key(const acurast_identity *identity, const void *key, size_t size)
{
    uint8_t sealed[29] = {0}, plaintext[1];
    size_t sealed_size = sizeof sealed, plaintext_size = sizeof plaintext;
    acurast_status status = acurast_identity_seal(identity, key, size, NULL, 0, "x", 1, sealed, &sealed_size);
    acurast_status opened =
        acurast_identity_open(identity, key, size, NULL, 0, sealed, sizeof sealed, plaintext, &plaintext_size);
    assert_int_equal(opened, status);
    return status;
}

static void keys_that_are_none(void **state)
{
    (void)state;
    acurast_identity *identity = known_identity(ACURAST_KEY_P256), *ed = known_identity(ACURAST_KEY_ED25519);
    acurast_identity *other = known_identity(ACURAST_KEY_SECP256K1);
    uint8_t key[66] = {0};
    for (size_t size = 0; size <= sizeof key; size++)
        assert_int_equal(try_key(identity, key, size), size == 66 ? ACURAST_BAD_HEX : ACURAST_BAD_KEY);
    memset(key, 'z', sizeof key);
    assert_int_equal(try_key(identity, key, 66), ACURAST_BAD_HEX);
    acurast_identity_public_key(ed, key);
    assert_int_equal(try_key(identity, key, 33), ACURAST_BAD_KEY);
    acurast_identity_uncompressed_key(other, key);
    assert_int_equal(try_key(identity, key, 65), ACURAST_BAD_KEY);
    key[64] ^= 1;
    assert_int_equal(try_key(other, key, 65), ACURAST_BAD_KEY);
    acurast_identity_public_key(identity, key);
    assert_int_equal(try_key(ed, key, 33), ACURAST_UNSUPPORTED);
    acurast_identity_release(identity);
    acurast_identity_release(other);
    acurast_identity_release(ed);
}

static void missing_and_huge_arguments(void **state)
{
    (void)state;
    acurast_identity *identity = known_identity(ACURAST_KEY_P256);
    static uint8_t salt[ACURAST_SALT_MAX_SIZE + 1];
    uint8_t key[33], text[64], out[128];
    size_t size = sizeof out;
    acurast_identity_public_key(identity, key);
    const struct {
        const acurast_identity *identity;
        const void *key, *salt;
        size_t salt_size;
        const void *in;
        size_t in_size;
        void *out;
        size_t *out_size;
        acurast_status status;
    } rows[] = {
        {NULL, key, NULL, 0, text, 64, out, &size, ACURAST_INVALID},
        {identity, NULL, NULL, 0, text, 64, out, &size, ACURAST_INVALID},
        {identity, key, NULL, 1, text, 64, out, &size, ACURAST_INVALID},
        {identity, key, salt, sizeof salt, text, 64, out, &size, ACURAST_INVALID},
        {identity, key, NULL, 0, NULL, 64, out, &size, ACURAST_INVALID},
        {identity, key, NULL, 0, text, 64, NULL, &size, ACURAST_INVALID},
        {identity, key, NULL, 0, text, 64, out, NULL, ACURAST_INVALID},
        {identity, key, NULL, 0, text, ACURAST_SEAL_MAX_SIZE + (size_t)29, out, &size, ACURAST_TOO_LARGE},
        {identity, key, NULL, 0, text, SIZE_MAX, out, &size, ACURAST_TOO_LARGE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size = sizeof out;
        assert_int_equal(acurast_identity_seal(rows[i].identity, rows[i].key, 33, rows[i].salt, rows[i].salt_size,
                                               rows[i].in, rows[i].in_size, rows[i].out, rows[i].out_size),
                         rows[i].status);
        size = sizeof out;
        assert_int_equal(acurast_identity_open(rows[i].identity, rows[i].key, 33, rows[i].salt, rows[i].salt_size,
                                               rows[i].in, rows[i].in_size, rows[i].out, rows[i].out_size),
                         rows[i].status);
    }
    size = sizeof out;
    assert_int_equal(acurast_identity_seal(identity, key, 33, salt, ACURAST_SALT_MAX_SIZE, text, 64, out, &size),
                     ACURAST_OK);
    acurast_identity_release(identity);
}

/* TLS on the same thread reads OpenSSL's error queue. */
static void the_error_queue_stays(void **state)
{
    (void)state;
    sample s = {0};
    assert_true(sample_read(&s, 0));
    s.sealed[0] ^= 1;
    ERR_clear_error();
    assert_shut(&s);
    try_key(s.opener, (uint8_t[33]){2}, 33);
    assert_int_equal(ERR_peek_error(), 0);
    sample_release(&s);
}

static void *seal_often(void *argument)
{
    for (int i = 0; i < 10; i++)
        assert_round_trip(argument, argument, 100);
    return NULL;
}

/* Runs first, so that the threads race for the curves' templates. */
static void many_threads(void **state)
{
    (void)state;
    acurast_identity *identities[] = {known_identity(ACURAST_KEY_P256), known_identity(ACURAST_KEY_SECP256K1)};
    pthread_t threads[6];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, seal_often, identities[i % 2]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    acurast_identity_release(identities[0]);
    acurast_identity_release(identities[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(many_threads, nothing_lives),
        cmocka_unit_test_teardown(known_answers_open, nothing_lives),
        cmocka_unit_test_teardown(known_answers_seal, nothing_lives),
        cmocka_unit_test_teardown(known_secrets, nothing_lives),
        cmocka_unit_test_teardown(any_change_shuts_it, nothing_lives),
        cmocka_unit_test_teardown(other_keys_and_salts_shut_it, nothing_lives),
        cmocka_unit_test_teardown(keys_in_hex, nothing_lives),
        cmocka_unit_test_teardown(what_is_sealed_opens, nothing_lives),
        cmocka_unit_test_teardown(each_seal_is_another, nothing_lives),
        cmocka_unit_test_teardown(sizes_of_buffers, nothing_lives),
        cmocka_unit_test_teardown(nothing_is_checked_too, nothing_lives),
        cmocka_unit_test_teardown(keys_that_are_none, nothing_lives),
        cmocka_unit_test_teardown(missing_and_huge_arguments, nothing_lives),
        cmocka_unit_test_teardown(the_error_queue_stays, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
