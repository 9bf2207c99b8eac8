/* A key is random so that no cache takes the answer to another one for its own. */
#include "net/upgrade.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#define KEY_BYTES 16

void acurast__upgrade_key(char key[ACURAST__UPGRADE_KEY_SIZE])
{
    unsigned char bytes[KEY_BYTES];
    key[0] = 0;
    if (RAND_bytes(bytes, sizeof bytes) == 1)
        EVP_EncodeBlock((unsigned char *)key, bytes, sizeof bytes);
}

void acurast__upgrade_proof(const char *key, char proof[ACURAST__UPGRADE_PROOF_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char joined[ACURAST__UPGRADE_KEY_SIZE - 1 + sizeof guid - 1], digest[SHA_DIGEST_LENGTH];
    memcpy(joined, key, ACURAST__UPGRADE_KEY_SIZE - 1);
    memcpy(joined + ACURAST__UPGRADE_KEY_SIZE - 1, guid, sizeof guid - 1);
    SHA1(joined, sizeof joined, digest);
    EVP_EncodeBlock((unsigned char *)proof, digest, sizeof digest);
}
