/* Any text as PEM: an identity that comes of it goes to PEM and back unchanged. The first byte picks what stands around. */
#include "fuzz.h"

#include <acurast/identity.h>

#include <sodium.h>
#include <stdio.h>

/* As base64 between armour, so that the fuzzer works on the DER and need not invent base64. */
static size_t armour(char *pem, size_t capacity, const char *label, const uint8_t *der, size_t size)
{
    size_t used = (size_t)snprintf(pem, capacity, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < size; at += 48) {
        sodium_bin2base64(pem + used, capacity - used, der + at, size - at < 48 ? size - at : 48,
                          sodium_base64_VARIANT_ORIGINAL);
        used += strlen(pem + used);
        pem[used++] = '\n';
    }
    return used + (size_t)snprintf(pem + used, capacity - used, "-----END %s-----\n", label);
}

static void read_twice(const char *pem, size_t size)
{
    acurast_identity *first = NULL, *second = NULL;
    uint8_t a[33], b[33];
    char text[512];
    size_t length = sizeof text;
    if (acurast_identity_from_pem(pem, size, &first) != ACURAST_OK)
        return;
    REQUIRE(acurast_identity_to_pem(first, text, &length) == ACURAST_OK);
    REQUIRE(acurast_identity_from_pem(text, length, &second) == ACURAST_OK);
    REQUIRE(acurast_identity_public_key(first, a) == ACURAST_OK);
    REQUIRE(acurast_identity_public_key(second, b) == ACURAST_OK);
    REQUIRE(memcmp(a, b, 33) == 0);
    acurast_identity_release(first);
    acurast_identity_release(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char pem[4096];
    if (size == 0 || size > 2000)
        return 0;
    if (data[0] % 3 == 0)
        read_twice((const char *)data + 1, size - 1);
    else
        read_twice(pem,
                   armour(pem, sizeof pem, data[0] % 3 == 1 ? "PRIVATE KEY" : "EC PRIVATE KEY", data + 1, size - 1));
    return 0;
}
