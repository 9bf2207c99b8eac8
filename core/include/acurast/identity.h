/*
 * Who somebody is: a key pair, and the id that stands for its public key.
 *
 * A public key travels in 33 bytes: a compressed P-256 point (SEC1, first byte 02
 * or 03), or the byte ed followed by a 32-byte Ed25519 key. The id is the first 16
 * bytes of the SHA-256 of those 33 bytes. Ed25519 is an extension of ours: the
 * service must speak it, see core/docs/protocol.md.
 *
 * secp256k1 keys sign and seal, and are never who a client is: nothing logs in with
 * one. Their 33 bytes start with 02 or 03 as those of P-256 do, so a key does not say
 * of which curve it is. Functions that take a key without a kind mean P-256 (or
 * Ed25519, by its ed); those that end in _as are told.
 *
 * Secrets live in guarded memory (locked, fenced, read-only, wiped on release) as far as
 * the operating system grants it; beyond that in plain memory that is wiped on release.
 * libcrypto's working copy of a key on a curve is in its secure heap, if the program has
 * called CRYPTO_secure_malloc_init() before anything else of libcrypto, and in plain
 * memory if not. The library does not call it: it would be for the whole process.
 * One gap is libcrypto's: sealing and opening with a P-256 key, its multiplication gives
 * a copy of the scalar back to the heap unwiped.
 * An identity never changes after it was made, so any number of threads and clients may
 * use it at once. After fork() the child may use those of its parent.
 */
#ifndef ACURAST_IDENTITY_H
#define ACURAST_IDENTITY_H

#include <acurast/export.h>
#include <acurast/status.h>

#include <stddef.h>
#include <stdint.h>

ACURAST_BEGIN

#define ACURAST_ID_SIZE 16
#define ACURAST_PUBLIC_KEY_SIZE 33
#define ACURAST_UNCOMPRESSED_KEY_SIZE 65
#define ACURAST_SECRET_SIZE 32
#define ACURAST_DIGEST_SIZE 32
#define ACURAST_SIGNATURE_SIZE 64
#define ACURAST_SEAL_OVERHEAD 28
#define ACURAST_SEAL_MAX_SIZE (1 << 30)
#define ACURAST_SALT_MAX_SIZE 65536

typedef struct acurast_identity acurast_identity;

typedef enum acurast_key_kind {
    ACURAST_KEY_P256 = 1,
    ACURAST_KEY_ED25519 = 2,
    ACURAST_KEY_SECP256K1 = 3
} acurast_key_kind;

/* A new random key pair. Fails with INVALID (kind), NO_MEMORY or SYSTEM. */
ACURAST_API acurast_status acurast_identity_generate(acurast_key_kind kind, acurast_identity **identity);

/*
 * From PEM text: PKCS#8 (`PRIVATE KEY`, all kinds) or SEC1 (`EC PRIVATE KEY`, P-256 and secp256k1). `size` bytes, at most 64 KiB,
 * no final NUL needed. Never asks for a passphrase: an encrypted key is BAD_KEY, and so is one whose public key is not the secret's.
 * Fails with INVALID, BAD_KEY or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_identity_from_pem(const char *pem, size_t size, acurast_identity **identity);

/*
 * From a secret: 32 bytes, or 64 hex digits with or without 0x; `size` tells which. For Ed25519 the seed, for the
 * others the big-endian scalar. Fails with INVALID, BAD_HEX, BAD_KEY (another size, zero, or not below the curve's order) or
 * NO_MEMORY.
 */
ACURAST_API acurast_status acurast_identity_from_secret(acurast_key_kind kind, const void *secret, size_t size,
                                                        acurast_identity **identity);

/* One more reference to the same identity, to be released on its own. Returns its argument. */
ACURAST_API acurast_identity *acurast_identity_retain(acurast_identity *identity);

ACURAST_API void acurast_identity_release(acurast_identity *identity);

ACURAST_API acurast_key_kind acurast_identity_kind(const acurast_identity *identity);

/* Stores the 16 bytes of the id. */
ACURAST_API acurast_status acurast_identity_id(const acurast_identity *identity, uint8_t id[ACURAST_ID_SIZE]);

/* Stores the 33 bytes that travel. */
ACURAST_API acurast_status acurast_identity_public_key(const acurast_identity *identity,
                                                       uint8_t key[ACURAST_PUBLIC_KEY_SIZE]);

/* Stores the 65-byte SEC1 form, first byte 04. UNSUPPORTED for Ed25519. */
ACURAST_API acurast_status acurast_identity_uncompressed_key(const acurast_identity *identity,
                                                             uint8_t key[ACURAST_UNCOMPRESSED_KEY_SIZE]);

/* Stores the raw secret; wipe it after use. */
ACURAST_API acurast_status acurast_identity_secret(const acurast_identity *identity,
                                                   uint8_t secret[ACURAST_SECRET_SIZE]);

/*
 * Writes PKCS#8 PEM with a final NUL. `*size` is the buffer's size on entry and the size needed on return; `buffer` may be
 * NULL to ask. 512 bytes are always enough. Fails with INVALID or TOO_SMALL. Wipe the buffer after use.
 */
ACURAST_API acurast_status acurast_identity_to_pem(const acurast_identity *identity, char *buffer, size_t *size);

/*
 * Signs a message of `size` bytes. P-256 and secp256k1: ECDSA over its SHA-256, r and s of 32 big-endian bytes each. On secp256k1 s
 * is always low, at most half of the order, as chains and the common verifiers want it (BIP 62, EIP-2); on P-256 it is high or low.
 * Ed25519: the plain scheme. Fails with INVALID, NO_MEMORY or SYSTEM.
 */
ACURAST_API acurast_status acurast_identity_sign(const acurast_identity *identity, const void *message, size_t size,
                                                 uint8_t signature[ACURAST_SIGNATURE_SIZE]);

/* Signs a digest as it is, without hashing it again: what the handshake does; s as above. UNSUPPORTED for Ed25519. */
ACURAST_API acurast_status acurast_identity_sign_digest(const acurast_identity *identity,
                                                        const uint8_t digest[ACURAST_DIGEST_SIZE],
                                                        uint8_t signature[ACURAST_SIGNATURE_SIZE]);

/*
 * Checks a signature of acurast_identity_sign() by a public key in any form that a recipient may have, but an id.
 * High and low s are both accepted. Returns OK, BAD_SIGNATURE, BAD_KEY, BAD_HEX, INVALID or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_verify(const void *key, size_t key_size, const void *message, size_t size,
                                          const uint8_t signature[ACURAST_SIGNATURE_SIZE]);

/* The same for acurast_identity_sign_digest(); UNSUPPORTED for an Ed25519 key. */
ACURAST_API acurast_status acurast_verify_digest(const void *key, size_t key_size,
                                                 const uint8_t digest[ACURAST_DIGEST_SIZE],
                                                 const uint8_t signature[ACURAST_SIGNATURE_SIZE]);

/* Both, by a key of the kind that is named. BAD_KEY where it is of another one and that shows; INVALID for no kind. */
ACURAST_API acurast_status acurast_verify_as(acurast_key_kind kind, const void *key, size_t key_size,
                                             const void *message, size_t size,
                                             const uint8_t signature[ACURAST_SIGNATURE_SIZE]);
ACURAST_API acurast_status acurast_verify_digest_as(acurast_key_kind kind, const void *key, size_t key_size,
                                                    const uint8_t digest[ACURAST_DIGEST_SIZE],
                                                    const uint8_t signature[ACURAST_SIGNATURE_SIZE]);

/*
 * Seals `size` bytes, at most ACURAST_SEAL_MAX_SIZE, for the owner of `peer_key`: AES-256-GCM under a key that follows from the two
 * key pairs and `salt`. Both sides can open it; core/docs/sealing.md says what that gives and what not. Not for Ed25519.
 *
 * `peer_key` is a public key of the same kind, 33 or 65 bytes, or hex with or without 0x. Its form counts: the two forms make two
 * keys, and ours always goes in compressed. `salt` has 0 to ACURAST_SALT_MAX_SIZE bytes and is no secret.
 *
 * `*sealed_size` is the buffer's size on entry and the size needed, ACURAST_SEAL_OVERHEAD more than `size`, on return; `sealed` may
 * be NULL where it is 0. The buffers must not overlap. Fails with INVALID, UNSUPPORTED (Ed25519), TOO_LARGE, TOO_SMALL, BAD_KEY,
 * BAD_HEX or NO_MEMORY.
 */
ACURAST_API acurast_status acurast_identity_seal(const acurast_identity *identity, const void *peer_key,
                                                 size_t peer_key_size, const void *salt, size_t salt_size,
                                                 const void *plaintext, size_t size, void *sealed, size_t *sealed_size);

/*
 * Opens what the owner of `peer_key` sealed for this identity, or this identity for him. `peer_key` in the form that went into the
 * seal; of our own key both forms are tried, and of an agreed secret with leading zero bytes also the one without, which is what
 * the vendor's SDK uses. `*plaintext_size` as above: ACURAST_SEAL_OVERHEAD less than `size`.
 *
 * BAD_SEAL where it does not open, and then nothing of it is in the buffer. Fails otherwise as acurast_identity_seal().
 */
ACURAST_API acurast_status acurast_identity_open(const acurast_identity *identity, const void *peer_key,
                                                 size_t peer_key_size, const void *salt, size_t salt_size,
                                                 const void *sealed, size_t size, void *plaintext,
                                                 size_t *plaintext_size);

/*
 * The id of a recipient given in any form: an id (16 bytes), a compressed key (33) or an uncompressed key (65), as
 * bytes or as hex with or without 0x. `size` tells them apart. Fails with BAD_RECIPIENT (another size), BAD_HEX, or BAD_KEY
 * (not a point on the curve).
 */
ACURAST_API acurast_status acurast_id_of(const void *recipient, size_t size, uint8_t id[ACURAST_ID_SIZE]);

/* The 33-byte form of a public key in any form but an id. Fails as acurast_id_of(), and with BAD_KEY for an id. */
ACURAST_API acurast_status acurast_compress_key(const void *key, size_t size,
                                                uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE]);

/* The same for a key of the kind that is named, as acurast_verify_as() takes it. Fails with INVALID, BAD_KEY or BAD_HEX. */
ACURAST_API acurast_status acurast_compress_key_as(acurast_key_kind kind, const void *key, size_t size,
                                                   uint8_t compressed[ACURAST_PUBLIC_KEY_SIZE]);

ACURAST_END

#endif
