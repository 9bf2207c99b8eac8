/*
 * PEM. libcrypto opens the armour; only the two labels that we know are looked into,
 * nothing ever asks for a passphrase, and no other format is tried. What is inside is
 * a few elements of DER, walked with libcrypto's reader of element headers:
 *
 *   PKCS#8   { version, { algorithm, curve }, octets { SEC1 or octets { seed } }, ... [1] public key }
 *   SEC1     { 1, octets { scalar }, [0] { curve }, [1] { public key } }
 *
 * On writing, PKCS#8 of each of our kinds is a constant with the key's bytes in it.
 * libcrypto's own decoders and encoders would do both, but leave the secret in memory
 * that they give back unwiped.
 */
#include "crypto/pem.h"

#include "crypto/key.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CONTEXT_0 (V_ASN1_CONTEXT_SPECIFIC | 0)
#define CONTEXT_1 (V_ASN1_CONTEXT_SPECIFIC | 1)

static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_secp256k1[] = {0x2b, 0x81, 0x04, 0x00, 0x0a};
static const uint8_t oid_ed25519[] = {0x2b, 0x65, 0x70};

typedef struct element {
    const uint8_t *at;
    size_t size;
} element;

/* Takes the next element where it has the tag; else leaves everything as it was. */
static bool take(element *from, int tag, element *content)
{
    const uint8_t *at = from->at;
    long size;
    int number, class;
    int header = ASN1_get_object(&at, &size, &number, &class, (long)from->size);
    if ((header & ~V_ASN1_CONSTRUCTED) != 0 || number > 30 ||
        (number | class) != tag) /* an error, or an indefinite length */
        return false;
    *content = (element){at, (size_t)size};
    from->size -= (size_t)(at - from->at) + (size_t)size;
    from->at = at + size;
    return true;
}

static bool is(const element *content, const uint8_t *bytes, size_t size)
{
    return content->size == size && memcmp(content->at, bytes, size) == 0;
}

/* The curve's name is the key's kind. */
static bool take_curve(element *from, acurast_key_kind *kind)
{
    element curve;
    if (!take(from, V_ASN1_OBJECT, &curve))
        return false;
    if (is(&curve, oid_p256, sizeof oid_p256))
        *kind = ACURAST_KEY_P256;
    else if (is(&curve, oid_secp256k1, sizeof oid_secp256k1))
        *kind = ACURAST_KEY_SECP256K1;
    else
        return false;
    return true;
}

/* The bits of a BIT STRING of whole bytes, as an uncompressed or compressed point. */
static bool read_point(const element *bits, acurast__pem_key *key)
{
    return bits->size > 1 && bits->at[0] == 0 &&
           acurast__key_compress(key->kind, bits->at + 1, bits->size - 1, key->public_key) == ACURAST_OK;
}

/* Of a curve that SEC1 names, or PKCS#8 did before it; where both do, they must agree. */
static bool read_curve(element *body, acurast_key_kind *kind)
{
    element named;
    acurast_key_kind known = *kind;
    if (!take(body, CONTEXT_0, &named))
        return known != 0;
    return take_curve(&named, kind) && named.size == 0 && (known == 0 || known == *kind);
}

/* A scalar may have lost its leading zeros. */
static bool read_sec1(element text, acurast__pem_key *key)
{
    element body, version, scalar, outer, bits;
    if (!take(&text, V_ASN1_SEQUENCE, &body) || text.size != 0 || !take(&body, V_ASN1_INTEGER, &version) ||
        !is(&version, (const uint8_t[]){1}, 1) || !take(&body, V_ASN1_OCTET_STRING, &scalar) || scalar.size > 32 ||
        !read_curve(&body, &key->kind))
        return false;
    if (take(&body, CONTEXT_1, &outer) &&
        (!take(&outer, V_ASN1_BIT_STRING, &bits) || outer.size != 0 || !read_point(&bits, key)))
        return false;
    memcpy(key->secret + 32 - scalar.size, scalar.at, scalar.size);
    return body.size == 0;
}

static bool read_seed(element octets, acurast__pem_key *key)
{
    element seed;
    if (!take(&octets, V_ASN1_OCTET_STRING, &seed) || octets.size != 0 || seed.size != 32)
        return false;
    key->kind = ACURAST_KEY_ED25519;
    memcpy(key->secret, seed.at, 32);
    return true;
}

/* The attributes and the public key that may follow the secret. */
static bool read_rest(element rest, acurast__pem_key *key)
{
    element attributes, bits;
    take(&rest, CONTEXT_0, &attributes);
    if (!take(&rest, CONTEXT_1, &bits))
        return rest.size == 0;
    if (key->kind != ACURAST_KEY_ED25519)
        return rest.size == 0 && read_point(&bits, key);
    key->public_key[0] = ACURAST__ED25519_TAG;
    if (rest.size != 0 || bits.size != 33 || bits.at[0] != 0)
        return false;
    memcpy(key->public_key + 1, bits.at + 1, 32);
    return true;
}

static bool read_pkcs8(element text, acurast__pem_key *key)
{
    element body, version, algorithm, oid, octets;
    if (!take(&text, V_ASN1_SEQUENCE, &body) || text.size != 0 || !take(&body, V_ASN1_INTEGER, &version) ||
        version.size != 1 || version.at[0] > 1 || !take(&body, V_ASN1_SEQUENCE, &algorithm) ||
        !take(&algorithm, V_ASN1_OBJECT, &oid) || !take(&body, V_ASN1_OCTET_STRING, &octets))
        return false;
    bool read = false;
    if (is(&oid, oid_ec, sizeof oid_ec))
        read = take_curve(&algorithm, &key->kind) && read_sec1(octets, key);
    else if (is(&oid, oid_ed25519, sizeof oid_ed25519))
        read = read_seed(octets, key);
    return read && algorithm.size == 0 && read_rest(body, key);
}

static bool label_is(const char *label, const char *wanted)
{
    return strcmp(label, wanted) == 0;
}

/* The first block with a label of ours. Headers in a block mean that it is encrypted. */
static bool find(BIO *text, acurast__pem_key *key)
{
    bool found = false, read = false;
    char *label, *headers;
    uint8_t *bytes;
    long size;
    while (!found &&
           PEM_read_bio_ex(text, &label, &headers, &bytes, &size, PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1) {
        element content = {bytes, (size_t)size};
        bool sec1 = label_is(label, PEM_STRING_ECPRIVATEKEY);
        found = sec1 || label_is(label, PEM_STRING_PKCS8INF);
        if (found && headers[0] == '\0')
            read = sec1 ? read_sec1(content, key) : read_pkcs8(content, key);
        OPENSSL_secure_free(label);
        OPENSSL_secure_free(headers);
        OPENSSL_secure_clear_free(bytes, (size_t)size);
    }
    return read;
}

acurast_status acurast__pem_read(const char *pem, size_t size, acurast__pem_key *key)
{
    memset(key, 0, sizeof *key);
    acurast_status status = ACURAST_NO_MEMORY;
    ERR_set_mark();
    BIO *text = BIO_new_mem_buf(pem, (int)size);
    if (text)
        status = find(text, key) ? ACURAST_OK : ACURAST_BAD_KEY;
    BIO_free(text);
    ERR_pop_to_mark();
    return status;
}

/* PKCS#8 up to the scalar, and from there to the point; of an Ed25519 key up to the seed. */
static const uint8_t p256_head[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                    0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t secp256k1_head[] = {0x30, 0x81, 0x84, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a,
                                         0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
                                         0x00, 0x0a, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t ec_middle[] = {0xa1, 0x44, 0x03, 0x42, 0x00};
static const uint8_t ed25519_head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

#define PKCS8_MAX_SIZE (sizeof p256_head + 32 + sizeof ec_middle + 65)

static uint8_t *append(uint8_t *end, const void *bytes, size_t size)
{
    memcpy(end, bytes, size);
    return end + size;
}

static uint8_t *append_head(uint8_t *end, acurast_key_kind kind)
{
    if (kind == ACURAST_KEY_ED25519)
        return append(end, ed25519_head, sizeof ed25519_head);
    return kind == ACURAST_KEY_P256 ? append(end, p256_head, sizeof p256_head)
                                    : append(end, secp256k1_head, sizeof secp256k1_head);
}

static size_t encode(uint8_t *der, acurast_key_kind kind, const uint8_t secret[32], const uint8_t point[65])
{
    uint8_t *end = append(append_head(der, kind), secret, 32);
    if (kind != ACURAST_KEY_ED25519)
        end = append(append(end, ec_middle, sizeof ec_middle), point, 65);
    return (size_t)(end - der);
}

/* Lines of 64 characters between the two that everybody knows; returns the size with the final NUL. */
static size_t armour(char *pem, const uint8_t *der, size_t size)
{
    char *end = pem + sprintf(pem, "-----BEGIN %s-----\n", PEM_STRING_PKCS8INF);
    for (size_t at = 0; at < size; at += 48) {
        size_t line = size - at < 48 ? size - at : 48;
        sodium_bin2base64(end, 65, der + at, line, sodium_base64_VARIANT_ORIGINAL);
        end += strlen(end);
        *end++ = '\n';
    }
    end += sprintf(end, "-----END %s-----\n", PEM_STRING_PKCS8INF);
    return (size_t)(end - pem) + 1;
}

acurast_status acurast__pem_write(acurast_key_kind kind, const uint8_t secret[32], const uint8_t point[65],
                                  char *buffer, size_t *size)
{
    uint8_t der[PKCS8_MAX_SIZE];
    char pem[ACURAST__PEM_MAX_SIZE];
    size_t capacity = *size;
    *size = armour(pem, der, encode(der, kind, secret, point));
    bool fits = buffer && capacity >= *size;
    if (fits)
        memcpy(buffer, pem, *size);
    sodium_memzero(der, sizeof der);
    sodium_memzero(pem, sizeof pem);
    return fits || !buffer ? ACURAST_OK : ACURAST_TOO_SMALL;
}
