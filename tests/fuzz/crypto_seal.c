/*
 * Any bytes as a seal, a salt and a peer's key: nothing opens that was not sealed, and what is sealed with the same
 * arguments does. The first byte picks the curve and how the key is given, two more the sizes of key and salt.
 */
#include "fuzz.h"

#include "crypto/identity.h"

#include <sodium.h>

#define FROM_INPUT 0x02 /* the key is the input's too: mostly none */
#define UNCOMPRESSED 0x04

static acurast_identity *identity_of(acurast_key_kind kind)
{
    static acurast_identity *made[4];
    uint8_t secret[32];
    memset(secret, 0x42, sizeof secret);
    if (!made[kind])
        REQUIRE(acurast_identity_from_secret(kind, secret, sizeof secret, &made[kind]) == ACURAST_OK);
    return made[kind];
}

/* Its own key in one of the two forms. */
static uint8_t *own_key(const acurast_identity *identity, bool uncompressed, size_t *size)
{
    uint8_t *key = calloc(1, 65);
    REQUIRE(key);
    *size = uncompressed ? 65 : 33;
    REQUIRE((uncompressed ? acurast_identity_uncompressed_key(identity, key)
                          : acurast_identity_public_key(identity, key)) == ACURAST_OK);
    return key;
}

typedef struct sealing {
    const acurast_identity *identity;
    uint8_t *key, *salt, *bytes;
    size_t key_size, salt_size, size;
} sealing;

/* The rest as a seal: it was never one, so at best it does not open, and then nothing of it shows. */
static void open_it(const sealing *s, bool key_is_good)
{
    size_t size = s->size < 28 ? 0 : s->size - 28;
    uint8_t *plaintext = calloc(1, size + 1);
    REQUIRE(plaintext);
    acurast_status status = acurast_identity_open(s->identity, s->key, s->key_size, s->salt, s->salt_size, s->bytes,
                                                  s->size, plaintext, &size);
    REQUIRE(status == ACURAST_BAD_SEAL || (!key_is_good && (status == ACURAST_BAD_KEY || status == ACURAST_BAD_HEX)));
    REQUIRE(sodium_is_zero(plaintext, size));
    free(plaintext);
}

/* The rest as a plaintext, there and back. */
static void seal_and_open_it(const sealing *s)
{
    size_t sealed_size = s->size + 28, size = s->size;
    uint8_t *sealed = malloc(sealed_size), *opened = malloc(size + 1);
    REQUIRE(sealed && opened);
    acurast_status status = acurast_identity_seal(s->identity, s->key, s->key_size, s->salt, s->salt_size, s->bytes,
                                                  s->size, sealed, &sealed_size);
    REQUIRE(status == ACURAST_OK || status == ACURAST_BAD_KEY || status == ACURAST_BAD_HEX);
    if (status == ACURAST_OK) {
        REQUIRE(acurast_identity_open(s->identity, s->key, s->key_size, s->salt, s->salt_size, sealed, sealed_size,
                                      opened, &size) == ACURAST_OK);
        REQUIRE(size == s->size && memcmp(opened, s->bytes, size) == 0);
    }
    free(sealed);
    free(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    uint8_t how = fuzz_byte(&input);
    sealing s = {.identity = identity_of(how & 1 ? ACURAST_KEY_SECP256K1 : ACURAST_KEY_P256)};
    s.key_size = fuzz_byte(&input);
    s.salt_size = fuzz_byte(&input);
    s.key = how & FROM_INPUT ? fuzz_take(&input, &s.key_size) : own_key(s.identity, how & UNCOMPRESSED, &s.key_size);
    s.salt = fuzz_take(&input, &s.salt_size);
    s.size = input.left;
    s.bytes = fuzz_take(&input, &s.size);
    open_it(&s, !(how & FROM_INPUT));
    seal_and_open_it(&s);
    free(s.key);
    free(s.salt);
    free(s.bytes);
    return 0;
}
