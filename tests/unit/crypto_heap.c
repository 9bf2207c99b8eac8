/*
 * Where secrets are while they are in use, in a program that has set up libcrypto's secure heap: in pages that are left out of core
 * dumps, and nowhere else in the whole process. The test itself keeps them masked.
 */
#include "support/identities.h"

#include <acurast/options.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <unistd.h>

#define MASK 0x5a
#define PIECE ((size_t)1 << 20)
#define MAPPING_MAX ((uintptr_t)1 << 30) /* larger ones are a sanitizer's own */

typedef struct needle {
    uint8_t masked[32];
} needle;

static uint8_t piece[PIECE];

static bool is_at(const uint8_t *bytes, const needle *of, bool mirrored)
{
    for (size_t i = 0; i < 32; i++)
        if ((bytes[i] ^ MASK) != of->masked[mirrored ? 31 - i : i])
            return false;
    return true;
}

/* How often it is in the bytes, as it is or as libcrypto's little-endian numbers hold it. */
static unsigned count_in(const uint8_t *bytes, size_t size, const needle *of)
{
    unsigned count = 0;
    for (size_t at = 0; at + 32 <= size; at++)
        count += is_at(bytes + at, of, false) || is_at(bytes + at, of, true);
    return count;
}

static unsigned count_between(int memory, uintptr_t begin, uintptr_t end, const needle *of)
{
    unsigned count = 0;
    while (begin < end) {
        size_t size = end - begin < PIECE ? end - begin : PIECE;
        ssize_t got = pread(memory, piece, size, (off_t)begin);
        count += got > 0 ? count_in(piece, (size_t)got, of) : 0;
        sodium_memzero(piece, sizeof piece);
        begin += size;
    }
    return count;
}

typedef struct places {
    unsigned guarded;
    unsigned plain;
} places;

static places places_of(const needle *of)
{
    char line[512];
    uintptr_t begin = 0, end = 0, from, to;
    places found = {0};
    bool readable = false;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/smaps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char read;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %c", &from, &to, &read) == 3) {
            begin = from;
            end = to;
            readable = read == 'r' && end - begin <= MAPPING_MAX;
        } else if (readable && strncmp(line, "VmFlags:", 8) == 0) {
            *(strstr(line, " dd") ? &found.guarded : &found.plain) += count_between(memory, begin, end, of);
        }
    }
    (void)fclose(maps);
    close(memory);
    return found;
}

static needle needle_of(const acurast_identity *identity)
{
    uint8_t secret[32];
    needle made;
    assert_int_equal(acurast_identity_secret(identity, secret), ACURAST_OK);
    for (size_t i = 0; i < 32; i++)
        made.masked[i] = secret[i] ^ MASK;
    sodium_memzero(secret, sizeof secret);
    return made;
}

/* To agree on P-256 leaves a copy in the plain heap: see SECURITY.md. */
static void use(const acurast_identity *identity)
{
    uint8_t key[33], sealed[128];
    size_t size = sizeof sealed;
    assert_signs(identity);
    acurast_identity_public_key(identity, key);
    if (acurast_identity_kind(identity) == ACURAST_KEY_SECP256K1)
        assert_int_equal(acurast_identity_seal(identity, key, 33, key, 32, "x", 1, sealed, &size), ACURAST_OK);
}

static void check(acurast_key_kind kind)
{
    acurast_identity *identity;
    assert_int_equal(acurast_identity_generate(kind, &identity), ACURAST_OK);
    use(identity);
    needle of = needle_of(identity);
    places found = places_of(&of);
    assert_int_equal(found.plain, 0);
    assert_int_equal(found.guarded, kind == ACURAST_KEY_ED25519 ? 1 : 2);
    acurast_identity_release(identity);
    found = places_of(&of);
    assert_int_equal(found.plain + found.guarded, 0);
}

static void secrets_in_use_are_in_guarded_memory_alone(void **state)
{
    (void)state;
    check(ACURAST_KEY_P256);
    check(ACURAST_KEY_SECP256K1);
    check(ACURAST_KEY_ED25519);
}

/* The look-out itself works. */
static void what_is_elsewhere_is_found(void **state)
{
    (void)state;
    acurast_identity *identity;
    uint8_t *copy = malloc(64);
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
    needle of = needle_of(identity);
    assert_int_equal(acurast_identity_secret(identity, copy + 7), ACURAST_OK);
    assert_int_equal(places_of(&of).plain, 1);
    sodium_memzero(copy, 64);
    free(copy);
    acurast_identity_release(identity);
}

/* 32 letters, behind what the heap itself writes into what is given back. */
static void a_password_of_an_option_is_wiped(void **state)
{
    static const char before[] = "http://some.user.or.other:", behind[] = "@proxy.test:3128";
    acurast_options *options, *copy;
    needle of;
    char url[sizeof before + sizeof of.masked + sizeof behind];
    (void)state;
    snprintf(url, sizeof url, "%s%*s%s", before, (int)sizeof of.masked, "", behind);
    for (size_t i = 0; i < sizeof of.masked; i++) {
        char letter = (char)('a' + randombytes_uniform(26));
        of.masked[i] = (uint8_t)letter ^ MASK;
        url[sizeof before - 1 + i] = letter;
    }
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CLIENT, &options), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, "proxy", url), ACURAST_OK);
    sodium_memzero(url, sizeof url);
    assert_int_equal(acurast_options_clone(options, &copy), ACURAST_OK);
    assert_int_equal(places_of(&of).plain, 2);
    assert_int_equal(acurast_options_set(options, "proxy", "none"), ACURAST_OK);
    assert_int_equal(places_of(&of).plain, 1);
    acurast_options_release(copy);
    acurast_options_release(options);
    assert_int_equal(places_of(&of).plain, 0);
}

int main(void)
{
    if (CRYPTO_secure_malloc_init(65536, 32) == 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(secrets_in_use_are_in_guarded_memory_alone, nothing_lives),
        cmocka_unit_test_teardown(what_is_elsewhere_is_found, nothing_lives),
        cmocka_unit_test_teardown(a_password_of_an_option_is_wiped, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
